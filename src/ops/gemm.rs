//! The one loop nest around the kernel that matmul, fully connected layers and the BLAS-like calls share (paper §2.1).
//!
//! `D[M×N] = epilogue(Σ_k A[M×K] · B[K×N])` for every entry of a batch. The parts of a parallel run take blocks of the
//! batch, of M and of N; K is never split between them, and its blocks follow from K and the types alone, so a result does
//! not depend on the number of threads or on the rows around it.
#![allow(unsafe_code)]

mod run;

use super::{Plan, Planned, Run, epilogue::Epilogue, matrix::accumulator};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::{Packer, ROWS_AT_ONCE, Shape, Side};
use crate::kernel::Kernel;
use crate::kernel::expr::{Expr, Node};
use crate::kernel::spec::{Batch, Brgemm, Out, Spec};
use crate::machine::Isa;
use crate::plan::gemm::{self, Blocks, Split};
use crate::plan::place::Room;
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

impl Matrix {
    /// A matrix without a batch, whose rows and whose columns lie so many bytes apart.
    pub fn strided(arg: usize, dtype: DataType, offset: i64, (rows, cols): (i64, i64)) -> Matrix {
        Matrix {
            arg,
            dtype,
            offset,
            side: Side::Strided { rows, cols },
            batch: Vec::new(),
        }
    }
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
    /// Whether sums start from what D holds, of the accumulator's type; then D is as wide, and in place.
    pub accumulates: bool,
    /// From accumulator to stored value.
    pub end: Epilogue,
    /// Dst dimensions of the rows and the columns, for the operands of `end`; the batch dimensions come first.
    pub axes: (usize, usize),
    /// Parts that may run at once.
    pub threads: usize,
    /// Parts that share the columns alone, in units of so many, where what follows asks for it.
    pub share: Option<(usize, usize)>,
}

/// A product with its sizes and, once it is ready to run, its kernels.
pub struct Gemm {
    p: Product,
    blocks: Blocks,
    split: Split,
    /// Columns that parts take whole.
    unit: usize,
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
    /// Whether kernels fetch what the next call reads of B.
    fetches: bool,
    /// Where packed B and C lie in the scratch of a part, and its size.
    at: (usize, usize),
    room: Room,
}

/// Packers for the window sizes that occur.
struct Pack {
    shape: Shape,
    packers: Vec<((usize, usize), Packer)>,
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
                    || gemm::pack_a(self.isa, self.m, self.n, rows, cols)
            }
            Side::Panels { .. } => true,
        }
    }

    /// Whether B is packed: what the kernel does not walk, and where it pays.
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

    fn batch_size(&self) -> usize {
        self.batch.iter().product::<i64>() as usize
    }

    /// Number of parts, and the scratch bytes of each.
    pub fn parts(&self) -> (usize, usize) {
        let sized = self.clone().sized();
        (sized.split.parts(), sized.room.bytes)
    }

    /// The product as a plan; its text says which loops run in parallel (capitals) in which order, and the blocks.
    pub fn planned(self) -> Planned {
        let sized = self.sized();
        let (b, s) = (sized.blocks, sized.split);
        let nest = format!(
            "G{}N{}M{}nkmb:bm{}bn{}kc{}nc{}",
            s.batch, s.n, s.m, b.bm, b.bn, b.kc, b.nc
        );
        Planned::new(nest, s.parts() * sized.room.bytes, sized)
    }

    /// Whether packing also widens A.
    fn widens_a(&self) -> bool {
        let size = self.a.dtype.size_bytes() as i64;
        matches!(self.a.side, Side::Strided { cols, .. } if cols == size)
            && gemm::widen_a(self.isa, [self.a.dtype, self.b.dtype], self.n)
    }

    /// The form of a packed block of A, whose rows have no gaps; rows 4 KiB apart would evict each other.
    fn a_shape(&self, blocks: &Blocks) -> Shape {
        let mut shape = Shape {
            isa: self.isa,
            size: self.a.dtype.size_bytes(),
            v: 1,
            ld: blocks.kc.min(self.k).next_multiple_of(32),
            panel_bytes: 0,
            widen: self.widens_a().then_some(self.a.dtype),
        };
        if shape.row_bytes().is_multiple_of(4096) {
            shape.ld += 32;
        }
        shape
    }

    /// The form of a packed group of B: all of its panels at once where its rows are whole groups of the kernel.
    fn b_shape(&self, blocks: &Blocks, packed_panel_bytes: usize) -> Shape {
        let (size, v) = (self.b.dtype.size_bytes(), self.a.dtype.vnni());
        let joined = size * v == 4 && self.pack_depth() == ROWS_AT_ONCE && blocks.nc > blocks.bn;
        Shape {
            isa: self.isa,
            size,
            v,
            ld: blocks.bn,
            panel_bytes: if joined { packed_panel_bytes as i64 } else { 0 },
            widen: None,
        }
    }

    /// Whether D itself holds the partial sums of K blocks that are not the last.
    fn c_is_d(&self) -> bool {
        let reads_d = |n: &Node| matches!(n, Node::LoadD { .. });
        let holds_sums = self.accumulates || self.d.dtype == accumulator(self.a.dtype);
        !self.end.expr.nodes.iter().any(reads_d) && holds_sums
    }

    /// Rows of B that are packed into all panels of a group before the next: all of those that are transposed.
    fn pack_depth(&self) -> usize {
        let size = self.b.dtype.size_bytes() as i64;
        match self.b.side {
            Side::Strided { cols, .. } if cols == size => ROWS_AT_ONCE,
            _ => usize::MAX,
        }
    }

    fn blocks(&self, panel: usize, c_is_d: bool) -> Blocks {
        gemm::blocks(&gemm::Sizes {
            isa: self.isa,
            m: self.m,
            n: self.n,
            k: self.k,
            elem_bytes: self.a.dtype.size_bytes(),
            k_group: if c_is_d { 0 } else { self.k },
            panel,
        })
    }

    /// The parts, and the columns that they take whole.
    fn split(&self, panel: usize) -> (Split, usize) {
        let batch = self.batch_size();
        match self.share {
            Some((n, unit)) => (Split { batch: 1, m: 1, n }, unit),
            None => (
                gemm::split(batch, self.m, self.n, self.k, self.threads),
                panel.max(16),
            ),
        }
    }

    /// Chooses blocks and parts, and lays out the scratch of a part.
    fn sized(self) -> Gemm {
        let (packs_b, c_is_d) = (self.packs_b(), self.c_is_d());
        let panel = match self.b.side {
            Side::Panels { width, .. } => width,
            _ if packs_b => gemm::packed_panel(self.isa, self.n, self.a.dtype.vnni()),
            _ => 0,
        };
        let blocks = self.blocks(panel, c_is_d);
        let (split, unit) = self.split(panel);
        // One block where D holds the partial sums of all rows, else all of it, so that the sums of a block of rows are
        // finished before the next.
        let k_group = if c_is_d { blocks.kc } else { self.k.max(1) };
        let rows = k_group.min(self.k).next_multiple_of(4);
        let packed_panel_bytes = rows * blocks.bn * self.b.dtype.size_bytes();
        let a = self.packs_a().then(|| self.a_shape(&blocks));
        let b = packs_b.then(|| self.b_shape(&blocks, packed_panel_bytes));
        let widths = (0..split.n).map(|i| gemm::part(self.n, unit, split.n, i).1);
        let cols = widths.max().unwrap_or(0);
        let (mut room, mut c_row_bytes) = (Room::default(), self.d.side.strides().0);
        room.take(a.map_or(0, |a| blocks.bm * a.row_bytes()));
        let panels = blocks.nc.min(cols).div_ceil(blocks.bn);
        let at_b = room.take(b.map_or(0, |_| panels * packed_panel_bytes));
        let mut at_c = room.bytes;
        if !c_is_d {
            c_row_bytes = 4 * blocks.nc.min(cols.next_multiple_of(16)) as i64;
            let parted = self.k > blocks.kc;
            at_c = room.take(usize::from(parted) * blocks.bm * c_row_bytes as usize);
        }
        let pack = |shape| Pack {
            shape,
            packers: Vec::new(),
        };
        Gemm {
            blocks,
            split,
            unit,
            kernels: Vec::new(),
            a_pack: a.map(pack),
            b_pack: b.map(pack),
            c_row_bytes,
            c_is_d,
            k_group,
            packed_panel_bytes,
            fetches: panel > 0 && self.n > blocks.bn,
            at: (at_b, at_c),
            room,
            p: self,
        }
    }

    /// Generates the kernels.
    pub fn compile(self) -> Result<Gemm> {
        let mut gemm = self.sized();
        gemm.make_packers()?;
        gemm.make_kernels()?;
        Ok(gemm)
    }
}

impl Plan for Gemm {
    fn compile(&self) -> Result<Box<dyn Run>> {
        Ok(Box::new(self.p.clone().compile()?))
    }
}

/// The distinct lengths of blocks of at most `block` that cover the given totals.
pub(super) fn sizes(totals: impl Iterator<Item = usize>, block: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = totals
        .flat_map(|t| [block.min(t), t % block])
        .filter(|s| *s > 0)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The value for a key that planning made sure is there.
pub(super) fn find<'a, K: PartialEq, V>(list: &'a [(K, V)], key: &K) -> &'a V {
    let entry = list.iter().find(|(k, _)| k == key);
    &entry.expect("every block size that occurs was compiled").1
}

impl Gemm {
    fn m_sizes(&self) -> Vec<usize> {
        sizes(
            (0..self.split.m).map(|i| gemm::part(self.p.m, 1, self.split.m, i).1),
            self.blocks.bm,
        )
    }

    /// Widths of the parts' columns, at most `block` at a time.
    fn n_sizes(&self, block: usize) -> Vec<usize> {
        let parts = 0..self.split.n;
        let width = |i| gemm::part(self.p.n, self.unit, self.split.n, i).1;
        sizes(parts.map(width), block)
    }

    /// Bytes from one panel of B to the next, where it is in panels.
    fn panel_bytes(&self) -> i64 {
        match self.p.b.side {
            Side::Panels { panel, .. } => panel,
            Side::Strided { .. } => self.packed_panel_bytes as i64,
        }
    }

    fn make_packers(&mut self) -> Result<()> {
        let k = || [self.p.k].into_iter();
        let (m_sizes, k_sizes) = (self.m_sizes(), sizes(k(), self.blocks.kc));
        let groups = sizes(k(), self.k_group).into_iter();
        let depths = sizes(groups, self.p.pack_depth());
        let widths = self.n_sizes(self.pack_width());
        if let Some(pack) = &mut self.a_pack {
            pack.make(self.p.a.side.strides(), &m_sizes, &k_sizes)?;
        }
        if let Some(pack) = &mut self.b_pack {
            pack.make(self.p.b.side.strides(), &depths, &widths)?;
        }
        Ok(())
    }

    /// Columns of B that one call packs: all of a group, or a panel.
    fn pack_width(&self) -> usize {
        match &self.b_pack {
            Some(pack) if pack.shape.panel_bytes > 0 => self.blocks.nc,
            _ => self.blocks.bn,
        }
    }

    fn make_kernels(&mut self) -> Result<()> {
        let last_k = match self.p.k % self.blocks.kc {
            0 => self.blocks.kc.min(self.p.k),
            rest => rest,
        };
        let single = self.p.k <= self.blocks.kc;
        let (m_sizes, n_sizes) = (self.m_sizes(), self.n_sizes(self.blocks.bn));
        for (&m, &n) in m_sizes
            .iter()
            .flat_map(|m| n_sizes.iter().map(move |n| (m, n)))
        {
            let call = |k, first, last| Call {
                m,
                n,
                k,
                first,
                last,
            };
            let mut calls = vec![call(last_k, single, true)];
            if !single {
                calls.extend([true, false].map(|first| call(self.blocks.kc, first, false)));
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
        let (p, acc) = (&self.p, accumulator(a.dtype));
        let (expr, d, d_row_bytes) = match call.last {
            true => (p.end.expr.clone(), p.d.dtype, p.d.side.strides().0),
            false => (Expr::acc(acc.is_int()), acc, self.c_row_bytes),
        };
        let a_pack = self.a_pack.as_ref();
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
            a_wide: a_pack.is_some_and(|p| p.shape.widen.is_some()),
            batch: Batch::ONE,
            beta: !call.first || self.p.accumulates,
            c_row_bytes: self.c_row_bytes,
            fetched_by: if self.fetches { call.m } else { 0 },
            fetches_d: false,
            out: Out {
                expr,
                d,
                d_row_bytes,
            },
        }
    }
}

impl Pack {
    fn make(&mut self, strides: (i64, i64), k_sizes: &[usize], x_sizes: &[usize]) -> Result<()> {
        for (&k, &x) in k_sizes
            .iter()
            .flat_map(|k| x_sizes.iter().map(move |x| (k, x)))
        {
            let packer = Packer::new(strides, k, x, &self.shape)?;
            self.packers.push(((k, x), packer));
        }
        Ok(())
    }
}
