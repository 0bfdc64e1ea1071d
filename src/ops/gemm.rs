//! The one loop nest around the kernel that matmul, fully connected layers and the BLAS-like calls share (paper §2.1).
//!
//! `D[M×N] = epilogue(Σ_k A[M×K] · B[K×N])` for every entry of a batch. The parts of a parallel run take blocks of the
//! batch, of M and of N; K is never split between them, and its blocks follow from K and the types alone, so a result does
//! not depend on the number of threads or on the rows around it.
#![allow(unsafe_code)]

use super::Exec;
use super::epilogue::{Bindings, MAX_OPERANDS};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::{Packer, Shape, Side, Window};
use crate::kernel::Kernel;
use crate::kernel::expr::{Expr, Node};
use crate::kernel::spec::{Args, Batch, Brgemm, Out, Spec};
use crate::machine::Isa;
use crate::memory::MAX_NDIMS;
use crate::plan::gemm::{self, Blocks, Split};
use std::sync::Arc;

/// One matrix operand of the product.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Index into `Planned::args`.
    pub arg: usize,
    /// Element type.
    pub dtype: DataType,
    /// Bytes from the handle to the first element of batch entry 0.
    pub offset: i64,
    /// Where the elements lie: rows × columns as A (M×K), B (K×N) or D (M×N).
    pub side: Side,
    /// Bytes from one batch entry to the next, by batch dimension; 0 where broadcast.
    pub batch: Vec<i64>,
}

/// The product, planned: everything that the nest needs but kernels.
#[derive(Clone, Debug)]
pub struct Product {
    /// Instruction set.
    pub isa: Isa,
    /// Batch dimensions, outermost first.
    pub batch: Vec<i64>,
    /// Rows of D.
    pub m: usize,
    /// Columns of D.
    pub n: usize,
    /// Length of the reduction.
    pub k: usize,
    /// The broadcast side.
    pub a: Matrix,
    /// The vector side.
    pub b: Matrix,
    /// The result.
    pub d: Matrix,
    /// Whether sums start from what D holds; then D must be what the accumulator is, in place.
    pub accumulates: bool,
    /// From accumulator to stored value.
    pub expr: Expr,
    /// Operands of `expr`.
    pub bindings: Bindings,
    /// Dst dimensions of the rows and the columns, for the operands of `expr`; the batch dimensions come first.
    pub axes: (usize, usize),
    /// Parts that may run at once.
    pub threads: usize,
}

/// The kernels and sizes of a product, ready to run.
pub struct Gemm {
    p: Product,
    blocks: Blocks,
    split: Split,
    /// Few enough that a search beats a hash.
    kernels: Vec<(Call, Arc<Kernel>)>,
    a_pack: Option<Pack>,
    b_pack: Option<Pack>,
    /// Bytes between the rows of C, the partial sums of K blocks that are not the last.
    c_row_bytes: i64,
    /// Whether D itself holds the partial sums.
    c_is_d: bool,
    /// Length of K that is packed together.
    k_group: usize,
    packed_panel_bytes: usize,
    room: Room,
}

/// Packers for the window sizes that occur.
struct Pack {
    shape: Shape,
    packers: Vec<((usize, usize), Packer)>,
}

/// Byte offsets of one part's scratch, and its size.
#[derive(Clone, Copy, Default)]
struct Room {
    b: usize,
    c: usize,
    bytes: usize,
}

/// What tells the kernels of one product apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Call {
    m: usize,
    n: usize,
    k: usize,
    first: bool,
    last: bool,
}

impl Product {
    /// Whether A is packed: transposed operands of the dot instructions, and where it pays.
    fn packs_a(&self) -> bool {
        let size = self.a.dtype.size_bytes() as i64;
        match self.a.side {
            Side::Strided { rows, cols } => {
                self.widens_a()
                    || (cols != size && self.a.dtype.vnni() > 1)
                    || gemm::pack_a(self.m, self.n, rows, cols)
            }
            Side::Panels { .. } => true,
        }
    }

    fn packs_b(&self) -> bool {
        let size = self.b.dtype.size_bytes();
        match self.b.side {
            Side::Panels { .. } => false,
            Side::Strided { cols, .. } => {
                cols != size as i64
                    || self.b.dtype.vnni() > 1
                    || gemm::pack_b(self.m, self.k, self.k * self.n * size)
            }
        }
    }

    fn panel(&self) -> usize {
        match self.b.side {
            Side::Panels { width, .. } => width,
            _ if self.packs_b() => gemm::panel(self.isa),
            _ => 0,
        }
    }

    fn batch_size(&self) -> usize {
        self.batch.iter().product::<i64>() as usize
    }

    fn acc(&self) -> DataType {
        if self.a.dtype.is_int() {
            DataType::S32
        } else {
            DataType::F32
        }
    }

    fn blocks(&self) -> Blocks {
        gemm::blocks(&gemm::Sizes {
            isa: self.isa,
            m: self.m,
            n: self.n,
            k: self.k,
            elem_bytes: self.a.dtype.size_bytes(),
            k_group: if self.c_is_d() { 0 } else { self.k },
            panel: self.panel(),
        })
    }

    fn split(&self) -> Split {
        gemm::split(self.batch_size(), self.m, self.n, self.k, self.threads)
    }

    /// The nest as text: which loops run in parallel (capitals) in which order, and the blocks.
    pub fn nest(&self) -> String {
        let (b, s) = (self.blocks(), self.split());
        format!(
            "G{}N{}M{}nkmb:bm{}bn{}kc{}nc{}",
            s.batch, s.n, s.m, b.bm, b.bn, b.kc, b.nc
        )
    }

    /// Scratch bytes that `Gemm::run` needs.
    pub fn scratch_bytes(&self) -> usize {
        let (room, ..) = self.room();
        room.bytes * self.split().parts()
    }

    /// Columns of the largest part.
    fn most_columns(&self) -> usize {
        let (s, unit) = (self.split(), self.panel().max(16));
        let cols = (0..s.n).map(|i| gemm::part(self.n, unit, s.n, i).1);
        cols.max().unwrap_or(0)
    }

    /// Whether packing also widens A.
    fn widens_a(&self) -> bool {
        let size = self.a.dtype.size_bytes() as i64;
        matches!(self.a.side, Side::Strided { cols, .. } if cols == size)
            && gemm::widen_a(self.isa, self.a.dtype, self.n)
    }

    /// The form of a packed block of A, whose rows have no gaps; rows 4 KiB apart would evict each other.
    fn a_shape(&self) -> Shape {
        let mut shape = Shape {
            isa: self.isa,
            size: self.a.dtype.size_bytes(),
            v: 1,
            ld: self.blocks().kc.min(self.k).next_multiple_of(32),
            widen: self.widens_a().then_some(self.a.dtype),
        };
        if shape.row_bytes().is_multiple_of(4096) {
            shape.ld += 32;
        }
        shape
    }

    /// Whether D itself holds the partial sums of K blocks that are not the last.
    fn c_is_d(&self) -> bool {
        let reads_d = |n: &Node| matches!(n, Node::LoadD { .. });
        !self.expr.nodes.iter().any(reads_d) && self.d.dtype == self.acc()
    }

    /// Bytes between the rows of D, the elements of which are adjacent.
    fn d_row_bytes(&self) -> i64 {
        match self.d.side {
            Side::Strided { rows, .. } => rows,
            Side::Panels { .. } => unreachable!("a result is never in panels"),
        }
    }

    /// How much of K is packed together: one block where D holds the partial sums of all rows, else all of it, so that
    /// the sums of a block of rows are finished before the next.
    fn k_group(&self) -> usize {
        if self.c_is_d() {
            self.blocks().kc
        } else {
            self.k.max(1)
        }
    }

    /// Bytes of a packed panel of B.
    fn packed_panel_bytes(&self) -> usize {
        let k = self.k_group().min(self.k).next_multiple_of(4);
        k * self.blocks().bn * self.b.dtype.size_bytes()
    }

    /// Scratch of one part, with the bytes between rows of C and whether D is C.
    fn room(&self) -> (Room, i64, bool) {
        let blocks = self.blocks();
        let cols = self.most_columns();
        let round = |bytes: usize| bytes.next_multiple_of(64);
        let mut room = Room::default();
        let mut end = if self.packs_a() {
            round(blocks.bm * self.a_shape().row_bytes())
        } else {
            0
        };
        room.b = end;
        if self.packs_b() {
            let panels = blocks.nc.min(cols).div_ceil(blocks.bn);
            end += round(panels * self.packed_panel_bytes());
        }
        let (c_is_d, mut c_row_bytes) = (self.c_is_d(), self.d_row_bytes());
        room.c = end;
        if !c_is_d {
            c_row_bytes = 4 * blocks.nc.min(cols.next_multiple_of(16)) as i64;
            end += if self.k > blocks.kc {
                round(blocks.bm * c_row_bytes as usize)
            } else {
                0
            };
        }
        room.bytes = end;
        (room, c_row_bytes, c_is_d)
    }

    /// Generates the kernels.
    pub fn compile(self) -> Result<Gemm> {
        let (room, c_row_bytes, c_is_d) = self.room();
        let (blocks, split) = (self.blocks(), self.split());
        let mut gemm = Gemm {
            blocks,
            split,
            kernels: Vec::new(),
            a_pack: None,
            b_pack: None,
            c_row_bytes,
            c_is_d,
            k_group: self.k_group(),
            packed_panel_bytes: self.packed_panel_bytes(),
            room,
            p: self,
        };
        gemm.make_packers()?;
        gemm.make_kernels()?;
        Ok(gemm)
    }
}

/// The distinct lengths of blocks of at most `block` that cover the given totals.
fn sizes(totals: impl Iterator<Item = usize>, block: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = totals
        .flat_map(|t| [block.min(t), t % block])
        .filter(|s| *s > 0)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The value for a key that planning made sure is there.
fn find<'a, K: PartialEq, V>(list: &'a [(K, V)], key: &K) -> &'a V {
    let entry = list.iter().find(|(k, _)| k == key);
    &entry.expect("every block size that occurs was compiled").1
}

impl Gemm {
    fn unit(&self) -> usize {
        self.p.panel().max(16)
    }

    fn m_sizes(&self) -> Vec<usize> {
        sizes(
            (0..self.split.m).map(|i| gemm::part(self.p.m, 1, self.split.m, i).1),
            self.blocks.bm,
        )
    }

    fn n_sizes(&self) -> Vec<usize> {
        sizes(
            (0..self.split.n).map(|i| gemm::part(self.p.n, self.unit(), self.split.n, i).1),
            self.blocks.bn,
        )
    }

    fn make_packers(&mut self) -> Result<()> {
        let k_sizes = sizes([self.p.k].into_iter(), self.blocks.kc);
        let strided = |side: &Side| match *side {
            Side::Strided { rows, cols } => (rows, cols),
            Side::Panels { .. } => unreachable!("panels are not packed"),
        };
        if self.p.packs_a() {
            let strides = strided(&self.p.a.side);
            let shape = self.p.a_shape();
            self.a_pack = Some(Pack::new(strides, &self.m_sizes(), &k_sizes, shape)?);
        }
        if self.p.packs_b() {
            let (size, v) = (self.p.b.dtype.size_bytes(), self.p.a.dtype.vnni());
            let shape = Shape {
                isa: self.p.isa,
                size,
                v,
                ld: self.blocks.bn,
                widen: None,
            };
            let k_sizes = sizes([self.p.k].into_iter(), self.k_group);
            let strides = strided(&self.p.b.side);
            self.b_pack = Some(Pack::new(strides, &k_sizes, &self.n_sizes(), shape)?);
        }
        Ok(())
    }

    fn make_kernels(&mut self) -> Result<()> {
        let last_k = match self.p.k % self.blocks.kc {
            0 => self.blocks.kc.min(self.p.k),
            rest => rest,
        };
        let single = self.p.k <= self.blocks.kc;
        let (m_sizes, n_sizes) = (self.m_sizes(), self.n_sizes());
        for (&m, &n) in m_sizes
            .iter()
            .flat_map(|m| n_sizes.iter().map(move |n| (m, n)))
        {
            let mut calls = vec![Call {
                m,
                n,
                k: last_k,
                first: single,
                last: true,
            }];
            if !single {
                calls.push(Call {
                    m,
                    n,
                    k: self.blocks.kc,
                    first: true,
                    last: false,
                });
                calls.push(Call {
                    m,
                    n,
                    k: self.blocks.kc,
                    first: false,
                    last: false,
                });
            }
            for call in calls {
                self.kernels
                    .push((call, Kernel::get(&Spec::Brgemm(self.spec(call)))?));
            }
        }
        Ok(())
    }

    fn spec(&self, call: Call) -> Brgemm {
        let (a, b) = (&self.p.a, &self.p.b);
        let v = a.dtype.vnni() as i64;
        let size = a.dtype.size_bytes() as i64;
        let (a_row_bytes, a_group_bytes) = match (&self.a_pack, &a.side) {
            (Some(pack), _) => {
                let shape = &pack.shape;
                (shape.row_bytes() as i64, v * shape.elem_bytes() as i64)
            }
            (None, Side::Strided { rows, cols }) => (*rows, v * cols),
            _ => unreachable!("a factor in panels is B"),
        };
        let b_group_bytes = match &b.side {
            Side::Strided { rows, .. } if self.b_pack.is_none() => *rows,
            Side::Panels { width, .. } => *width as i64 * v * size,
            _ => self.blocks.bn as i64 * v * size,
        };
        let acc = self.p.acc();
        let partial = Expr {
            nodes: vec![Node::Acc],
            result: 0,
            int: acc.is_int(),
        };
        let d_row_bytes = self.p.d_row_bytes();
        let out = if call.last {
            Out {
                expr: self.p.expr.clone(),
                d: self.p.d.dtype,
                d_row_bytes,
            }
        } else {
            Out {
                expr: partial,
                d: acc,
                d_row_bytes: self.c_row_bytes,
            }
        };
        Brgemm {
            isa: self.p.isa,
            m: call.m,
            n: call.n,
            k: call.k.max(1),
            a: a.dtype,
            b: b.dtype,
            a_row_bytes,
            a_group_bytes,
            b_group_bytes,
            a_wide: self
                .a_pack
                .as_ref()
                .is_some_and(|p| p.shape.widen.is_some()),
            batch: Batch::Stride {
                a_bytes: 0,
                b_bytes: 0,
            },
            beta: !call.first || self.p.accumulates,
            c_row_bytes: self.c_row_bytes,
            out,
        }
    }

    /// Runs the product.
    ///
    /// # Safety
    /// As for `Run::run`: pointers hold their descriptors, scratch has `Product::scratch_bytes`.
    pub unsafe fn run(&self, exec: &Exec) {
        let parts = self.split.parts();
        let body = |part: usize| {
            // SAFETY: parts write disjoint blocks of D and use scratch of their own; the rest is the caller's promise.
            unsafe { self.part(exec, part) }
        };
        // Shared pointers make the closure's captures unsendable, not the work.
        let body = Shared(&body);
        if parts == 1 {
            body.get()(0)
        } else {
            exec.pool.run(parts, &move |i| body.get()(i))
        }
    }

    /// One part: its share of the batch, of the rows and of the columns.
    unsafe fn part(&self, exec: &Exec, part: usize) {
        let s = self.split;
        let (batch, rest) = (part / (s.m * s.n), part % (s.m * s.n));
        let rows = gemm::part(self.p.m, 1, s.m, rest / s.n);
        let cols = gemm::part(self.p.n, self.unit(), s.n, rest % s.n);
        let (first, count) = gemm::part(self.p.batch_size(), 1, s.batch, batch);
        if rows.1 == 0 || cols.1 == 0 {
            return;
        }
        let scratch = exec.scratch.wrapping_add(part * self.room.bytes);
        for g in first..first + count {
            let mut entry = Entry::new(self, exec, g, scratch);
            // SAFETY: by the caller's promise.
            unsafe { entry.nest(rows, cols) };
        }
    }
}

/// A closure over raw pointers that may cross threads: see `Gemm::run`.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a dyn Fn(usize));

impl<'a> Shared<'a> {
    fn get(&self) -> &'a dyn Fn(usize) {
        self.0
    }
}

// SAFETY: the closure only reads the plan and the execution's pointers, and its parts write disjoint memory.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl Pack {
    fn new(
        strides: (i64, i64),
        k_sizes: &[usize],
        x_sizes: &[usize],
        shape: Shape,
    ) -> Result<Pack> {
        let mut packers = Vec::new();
        for (&k, &x) in k_sizes
            .iter()
            .flat_map(|k| x_sizes.iter().map(move |x| (k, x)))
        {
            packers.push(((k, x), Packer::new(strides, k, x, &shape)?));
        }
        Ok(Pack { shape, packers })
    }

    /// # Safety
    /// As for `Packer::pack`.
    unsafe fn pack(
        &self,
        side: impl Fn(usize, usize) -> i64,
        from: *const u8,
        to: *mut u8,
        w: Window,
    ) {
        // SAFETY: passed on.
        unsafe { find(&self.packers, &(w.k, w.x)).pack(side, from, to, w, &self.shape) };
    }
}

/// One entry of the batch, being computed by one part.
struct Entry<'a> {
    g: &'a Gemm,
    exec: &'a Exec<'a>,
    a: *const u8,
    b: *const u8,
    d: *mut u8,
    scratch: *mut u8,
    /// Position in dst; rows and columns are filled in tile by tile.
    position: [i64; MAX_NDIMS],
    operands: [*const u8; MAX_OPERANDS],
}

impl<'a> Entry<'a> {
    fn new(g: &'a Gemm, exec: &'a Exec<'a>, index: usize, scratch: *mut u8) -> Entry<'a> {
        let mut position = [0; MAX_NDIMS];
        let mut rest = index as i64;
        for d in (0..g.p.batch.len()).rev() {
            position[d] = rest % g.p.batch[d];
            rest /= g.p.batch[d];
        }
        let base = |m: &Matrix| {
            let batch: i64 = m
                .batch
                .iter()
                .zip(position)
                .map(|(bytes, i)| bytes * i)
                .sum();
            exec.ptrs[m.arg].wrapping_offset((m.offset + batch) as isize)
        };
        let (a, b, d) = (base(&g.p.a), base(&g.p.b), base(&g.p.d));
        Entry {
            g,
            exec,
            a,
            b,
            d,
            scratch,
            position,
            operands: [std::ptr::null(); MAX_OPERANDS],
        }
    }

    /// The loop nest: groups of columns, blocks of rows, blocks of K, panels of columns.
    unsafe fn nest(&mut self, (m0, m): (usize, usize), (n0, n): (usize, usize)) {
        let (g, bl) = (self.g, self.g.blocks);
        for nc in (n0..n0 + n).step_by(bl.nc) {
            let width = bl.nc.min(n0 + n - nc);
            for kg in (0..g.p.k.max(1)).step_by(g.k_group) {
                let end = g.p.k.min(kg + g.k_group);
                if let (Some(pack), true) = (&g.b_pack, end > kg) {
                    // SAFETY: a group of panels fits its room.
                    unsafe { self.pack_b(pack, (kg, end - kg), (nc, width)) };
                }
                for mb in (m0..m0 + m).step_by(bl.bm) {
                    let rows = (mb, bl.bm.min(m0 + m - mb));
                    for k in (kg..end.max(kg + 1)).step_by(bl.kc) {
                        let k = (k, bl.kc.min(g.p.k - k), k - kg);
                        // SAFETY: the blocks lie inside the share.
                        unsafe { self.panels(rows, (nc, width), k) };
                    }
                }
            }
        }
    }

    /// One block of A against every panel of a group; k is where it starts, its length, and its start in the group.
    unsafe fn panels(
        &mut self,
        (m0, m): (usize, usize),
        (n0, n): (usize, usize),
        (k, kc, k_in_group): (usize, usize, usize),
    ) {
        let (g, bn) = (self.g, self.g.blocks.bn);
        if let (Some(pack), true) = (&g.a_pack, kc > 0) {
            // SAFETY: a block of A fits its room.
            unsafe { self.pack_a(pack, (m0, m), (k, kc)) };
        }
        for nb in (n0..n0 + n).step_by(bn) {
            let call = Call {
                m,
                n: bn.min(n0 + n - nb),
                k: kc,
                first: k == 0,
                last: k + kc == g.p.k,
            };
            // SAFETY: the block lies inside the share.
            unsafe { self.block(call, m0, (nb, nb - n0), (k, k_in_group)) };
        }
    }

    /// Rows of A without gaps: seen from the packer, K runs along its rows.
    unsafe fn pack_a(&self, pack: &Pack, (m0, m): (usize, usize), (k0, k): (usize, usize)) {
        let w = Window {
            k0: m0,
            k: m,
            x0: k0,
            x: k,
        };
        let side = |row, k| self.g.p.a.side.at(row, k);
        // SAFETY: by the caller's promise.
        unsafe { pack.pack(side, self.a, self.scratch, w) };
    }

    unsafe fn pack_b(&self, pack: &Pack, (k0, k): (usize, usize), (n0, n): (usize, usize)) {
        let bn = self.g.blocks.bn;
        for nb in (n0..n0 + n).step_by(bn) {
            let w = Window {
                k0,
                k,
                x0: nb,
                x: bn.min(n0 + n - nb),
            };
            let to = self.packed_b(nb - n0, 0);
            // SAFETY: by the caller's promise.
            unsafe { pack.pack(|k, col| self.g.p.b.side.at(k, col), self.b, to, w) };
        }
    }

    /// Where row k of the packed panel that starts `col` columns into the group lies.
    fn packed_b(&self, col: usize, k: usize) -> *mut u8 {
        let g = self.g;
        let row = k * g.blocks.bn * g.p.b.dtype.size_bytes();
        let panel = col / g.blocks.bn * g.packed_panel_bytes;
        self.scratch.wrapping_add(g.room.b + panel + row)
    }

    /// One kernel call; columns are given in D and counted from the group's first, and so is k.
    unsafe fn block(
        &mut self,
        call: Call,
        m0: usize,
        (n0, col): (usize, usize),
        (k, k_in_group): (usize, usize),
    ) {
        let g = self.g;
        let a = match &g.a_pack {
            Some(_) => self.scratch.cast_const(),
            None => self.a.wrapping_offset(g.p.a.side.at(m0, k) as isize),
        };
        let b = match (&g.b_pack, &g.p.b.side) {
            (Some(_), _) => self.packed_b(col, k_in_group).cast_const(),
            (None, Side::Panels { width, .. }) => {
                let inside = k * width * g.p.b.dtype.size_bytes();
                self.b
                    .wrapping_offset(g.p.b.side.at(k, n0) as isize + inside as isize)
            }
            (None, side) => self.b.wrapping_offset(side.at(k, n0) as isize),
        };
        let in_place = self.d.wrapping_offset(g.p.d.side.at(m0, n0) as isize);
        let c = if g.c_is_d {
            in_place
        } else {
            self.scratch.wrapping_add(g.room.c + 4 * col)
        };
        let d = if call.last { in_place } else { c };
        if call.last && g.p.bindings.slots() > 0 {
            (self.position[g.p.axes.0], self.position[g.p.axes.1]) = (m0 as i64, n0 as i64);
            g.p.bindings
                .fill(&mut self.operands, self.exec, &self.position);
        }
        let args = Args {
            a,
            b,
            c,
            d,
            batch: usize::from(g.p.k > 0),
            operands: self.operands.as_ptr(),
            ..Args::default()
        };
        // SAFETY: the kernel of this size was made for these strides; the block lies inside the operands.
        unsafe { find(&g.kernels, &call).call(&args) };
    }
}
