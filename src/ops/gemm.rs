//! The one loop nest around the kernel that matmul, fully connected layers and the BLAS-like calls share (paper §2.1).
//!
//! `D[M×N] = epilogue(Σ_k A[M×K] · B[K×N])` for every entry of a batch. The parts of a parallel run take blocks of the
//! batch, of M and of N; K is never split between them, and its blocks follow from K and the types alone, so a result does
//! not depend on the number of threads or on the rows around it.
#![allow(unsafe_code)]

mod run;

use super::{Planned, epilogue::Bindings};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::{Packer, ROWS_AT_ONCE, Shape, Side};
use crate::kernel::Kernel;
use crate::kernel::expr::{Expr, Node};
use crate::kernel::spec::{Batch, Brgemm, Out, Spec};
use crate::machine::Isa;
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
    pub expr: Expr,
    /// Operands of `expr`.
    pub bindings: Bindings,
    /// Dst dimensions of the rows and the columns, for the operands of `expr`; the batch dimensions come first.
    pub axes: (usize, usize),
    /// Parts that may run at once.
    pub threads: usize,
    /// Parts that share the columns alone, in units of so many, where what follows asks for it.
    pub share: Option<(usize, usize)>,
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
                    || gemm::pack_a(self.isa, self.m, self.n, rows, cols)
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
        match self.share {
            Some((n, _)) => Split { batch: 1, m: 1, n },
            None => gemm::split(self.batch_size(), self.m, self.n, self.k, self.threads),
        }
    }

    /// Columns that parts take whole.
    fn unit(&self) -> usize {
        self.share.map_or(self.panel().max(16), |(_, unit)| unit)
    }

    /// Number of parts, and the scratch bytes of each.
    pub fn parts(&self) -> (usize, usize) {
        (self.split().parts(), self.room().0.bytes)
    }

    /// The nest as text: which loops run in parallel (capitals) in which order, and the blocks.
    pub fn nest(&self) -> String {
        let (b, s) = (self.blocks(), self.split());
        format!(
            "G{}N{}M{}nkmb:bm{}bn{}kc{}nc{}",
            s.batch, s.n, s.m, b.bm, b.bn, b.kc, b.nc
        )
    }

    /// The product as a plan.
    pub fn planned(self) -> Planned {
        Planned::new(self.nest(), self.scratch_bytes(), self)
    }

    /// Scratch bytes that `Gemm::run` needs.
    pub fn scratch_bytes(&self) -> usize {
        let (parts, bytes) = self.parts();
        parts * bytes
    }

    /// Columns of the largest part.
    fn most_columns(&self) -> usize {
        let (s, unit) = (self.split(), self.unit());
        let cols = (0..s.n).map(|i| gemm::part(self.n, unit, s.n, i).1);
        cols.max().unwrap_or(0)
    }

    /// Whether packing also widens A.
    fn widens_a(&self) -> bool {
        let size = self.a.dtype.size_bytes() as i64;
        matches!(self.a.side, Side::Strided { cols, .. } if cols == size)
            && gemm::widen_a(self.isa, [self.a.dtype, self.b.dtype], self.n)
    }

    /// The form of a packed block of A, whose rows have no gaps; rows 4 KiB apart would evict each other.
    fn a_shape(&self) -> Shape {
        let mut shape = Shape {
            isa: self.isa,
            size: self.a.dtype.size_bytes(),
            v: 1,
            ld: self.blocks().kc.min(self.k).next_multiple_of(32),
            panel_bytes: 0,
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
        !self.expr.nodes.iter().any(reads_d) && (self.accumulates || self.d.dtype == self.acc())
    }

    /// Bytes between the rows of D, the elements of which are adjacent.
    fn d_row_bytes(&self) -> i64 {
        self.d.side.strides().0
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

    /// Rows of B that are packed into all panels of a group before the next: all of those that are transposed.
    fn pack_depth(&self) -> usize {
        let size = self.b.dtype.size_bytes() as i64;
        match self.b.side {
            Side::Strided { cols, .. } if cols == size => ROWS_AT_ONCE,
            _ => usize::MAX,
        }
    }

    /// Columns of B that one call packs: all of a group where its rows are whole groups of the kernel, else a panel.
    fn pack_width(&self) -> usize {
        let groups = self.b.dtype.size_bytes() * self.a.dtype.vnni() == 4;
        let blocks = self.blocks();
        if groups && self.pack_depth() == ROWS_AT_ONCE {
            blocks.nc
        } else {
            blocks.bn
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
        let width = |i| gemm::part(self.p.n, self.p.unit(), self.split.n, i).1;
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
        let k_sizes = sizes([self.p.k].into_iter(), self.blocks.kc);
        if self.p.packs_a() {
            let (strides, shape) = (self.p.a.side.strides(), self.p.a_shape());
            self.a_pack = Some(Pack::new(strides, &self.m_sizes(), &k_sizes, shape)?);
        }
        if self.p.packs_b() {
            let (size, v) = (self.p.b.dtype.size_bytes(), self.p.a.dtype.vnni());
            let width = self.p.pack_width();
            let panels = width > self.blocks.bn;
            let shape = Shape {
                isa: self.p.isa,
                size,
                v,
                ld: self.blocks.bn,
                panel_bytes: if panels {
                    self.packed_panel_bytes as i64
                } else {
                    0
                },
                widen: None,
            };
            let strides = self.p.b.side.strides();
            let groups = sizes([self.p.k].into_iter(), self.k_group);
            let k_sizes = sizes(groups.into_iter(), self.p.pack_depth());
            self.b_pack = Some(Pack::new(strides, &k_sizes, &self.n_sizes(width), shape)?);
        }
        Ok(())
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
        let (p, acc) = (&self.p, self.p.acc());
        let (expr, d, d_row_bytes) = match call.last {
            true => (p.expr.clone(), p.d.dtype, p.d_row_bytes()),
            false => (Expr::acc(acc.is_int()), acc, self.c_row_bytes),
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
            batch: Batch::ONE,
            beta: !call.first || self.p.accumulates,
            c_row_bytes: self.c_row_bytes,
            fetches: self.p.panel() > 0 && self.p.n > self.blocks.bn,
            out: Out {
                expr,
                d,
                d_row_bytes,
            },
        }
    }
}

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
}
