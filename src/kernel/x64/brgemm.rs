//! The batch-reduce GEMM generator: one loop skeleton for both vector lengths and all types.
//!
//! For every column block, for every row block: accumulators from zero or C; for every block of the batch, for every
//! group of k: broadcast A, multiply-add with the vectors of B; then the epilogue in registers and one store. Each
//! accumulator sums over k strictly in order, whatever the tile, so a row's bits do not depend on its neighbours.

mod group;
mod narrow;
mod staged;

use super::blocking::{self, Budget};
use super::expr::{self, Pool};
use super::simd::{Lanes, Simd};
use super::tile::store_tile;
use super::{Pos, add_imm, check_reach, repeat};
use crate::dtype::DataType;
use crate::error::Result;
use crate::jit::asm::{Asm, Cond, Label, Len, Mem, gpr::*};
use crate::jit::rows::*;
use crate::kernel::spec::{Args, Batch, Brgemm};
use crate::supported;
use group::Dot;
use std::mem::offset_of;
use std::ops::Range;

/// The registers of one tile.
#[derive(Clone)]
struct Tile {
    rows: usize,
    vecs: Vec<Lanes>,
    /// First row and column.
    at: (Pos, Pos),
    /// Compensation accumulators start here, one a vector, if there are any.
    comp: u8,
    /// Whether this tile sums up the compensation; others find it done.
    compensates: bool,
    /// First register for operands of the inner loop.
    free: u8,
    /// Whether the columns behind it are read next.
    last: bool,
}

impl Tile {
    /// No rows of the first tile of some columns.
    fn empty(column: Pos, vecs: &[Lanes]) -> Tile {
        Tile {
            rows: 0,
            vecs: vecs.to_vec(),
            at: (Pos::known(0), column),
            comp: 0,
            compensates: false,
            free: 0,
            last: true,
        }
    }

    fn acc(&self, row: usize, vec: usize) -> u8 {
        (row * self.vecs.len() + vec) as u8
    }

    fn len(&self) -> Len {
        self.vecs.iter().map(|v| v.len).max().unwrap_or(Len::X)
    }
}

struct Gen<'a> {
    s: &'a Brgemm,
    simd: Simd,
    dot: Dot,
    /// Both operands have the same signedness: A is shifted by 128.
    shifted: bool,
    /// Whether broadcasts read what was widened onto the stack.
    reads_stage: bool,
    /// While B is looked at: where to go on if it is wide.
    wide: Option<Label>,
}

impl AsMut<Simd> for Gen<'_> {
    fn as_mut(&mut self) -> &mut Simd {
        &mut self.simd
    }
}

/// Emits the kernel.
pub fn emit(s: &Brgemm) -> Result<Vec<u8>> {
    generate(s, super::prologue, super::epilogue)
}

/// Emits the kernel as a C function of (a, b, c, batch) and, as the batch is found, of two more arguments: offset lists
/// or strides. They are laid out on the stack as [`Args`], with C and D in one place and no operands.
pub fn emit_flat(s: &Brgemm) -> Result<Vec<u8>> {
    // The pushes of the prologue leave the stack as aligned as `Args` needs it.
    const ROOM: i32 = size_of::<Args>().next_multiple_of(16) as i32;
    let enter = |simd: &mut Simd| {
        super::prologue(simd);
        let a = &mut simd.a;
        a.sub_ri(RSP, ROOM);
        a.mov_ri(RAX, 0);
        let (fifth, sixth) = match s.batch {
            Batch::RunStride => (offset_of!(Args, a_stride), offset_of!(Args, b_stride)),
            _ => (offset_of!(Args, a_offsets), offset_of!(Args, b_offsets)),
        };
        for (offset, reg) in [
            (offset_of!(Args, a), RDI),
            (offset_of!(Args, b), RSI),
            (offset_of!(Args, c), RDX),
            (offset_of!(Args, d), RDX),
            (offset_of!(Args, batch), RCX),
            (fifth, R8),
            (sixth, R9),
            (offset_of!(Args, known_b), RAX),
        ] {
            a.store(Mem::new(RSP, offset as i32), reg);
        }
        a.mov_rr(RDI, RSP);
    };
    generate(s, enter, |simd| {
        simd.a.add_ri(RSP, ROOM);
        super::epilogue(simd);
    })
}

fn generate(
    s: &Brgemm,
    enter: impl FnOnce(&mut Simd),
    leave: impl FnOnce(&mut Simd),
) -> Result<Vec<u8>> {
    check(s)?;
    let dot = Dot::of(s);
    let simd = Simd::new(s.isa);
    let beside_one = simd.regs(simd.has_tail(s.n)) - 1;
    super::tile::check_expr(&s.out, s.isa, beside_one)?;
    let mut g = Gen {
        s,
        simd,
        dot,
        shifted: dot == Dot::Bytes && s.a == s.b,
        reads_stage: false,
        wide: None,
    };
    enter(&mut g.simd);
    g.simd.set_tail(s.n);
    g.simd
        .a
        .load(R14, Mem::new(RDI, offset_of!(Args, operands) as i32));
    g.column_blocks();
    leave(&mut g.simd);
    g.simd.a.finish()
}

/// One tile's addresses, in A and B of as many groups as are unrolled, must be within reach of its registers.
fn check(s: &Brgemm) -> Result<()> {
    const GROUPS: usize = 32;
    const ROWS: usize = 28;
    supported!(
        !s.a_wide || Dot::of(s).steps() == 2,
        "kernel: {} is not widened for {}",
        s.a.name(),
        s.isa.name()
    );
    check_reach([
        (s.a_row_bytes, ROWS),
        (s.a_group_bytes, GROUPS),
        (s.b_group_bytes, GROUPS),
    ])?;
    check_reach([(s.c_row_bytes, ROWS), (s.out.d_row_bytes, ROWS)])?;
    super::tile::check_rows(&s.out)
}

impl Gen<'_> {
    fn budget(&self) -> Budget {
        const SHORT: usize = 16;
        // The operands of a single block are often met for the first time. Small tiles reach further ahead then.
        let one_block = self.s.batch == Batch::ONE;
        let groups = self.s.k.div_ceil(self.s.a.vnni());
        let float_embeds =
            matches!(self.s.a, DataType::F32 | DataType::Bf16) && self.dot.steps() == 1;
        Budget {
            vectors: self.s.n.div_ceil(self.simd.vl()),
            regs: self.simd.regs(self.simd.has_tail(self.s.n)),
            embedded: self.simd.z() && float_embeds,
            from_memory: self.simd.z() && self.vectors_from_memory() && !one_block,
            column_regs: usize::from(self.shifted),
            extra: usize::from(self.shifted) + usize::from(self.dot == Dot::ByteSteps),
            epilogue: expr::temps_needed(&self.s.out, self.s.isa),
            stacked: super::tile::is_stacked(&self.s.out),
            aliasing: self.s.m > 8 && self.s.a_row_bytes % 4096 == 0,
            short: groups <= SHORT && !one_block,
        }
    }

    /// Blocks of columns: a run-time loop over the full ones where there are several of a size, then the rest.
    fn column_blocks(&mut self) {
        let (vl, n) = (self.simd.vl(), self.s.n);
        let budget = self.budget();
        let parts = blocking::even_parts(n.div_ceil(vl), blocking::max_vectors(self.s.m, &budget));
        let mut start = 0;
        while start < parts.len() {
            // The last block stands alone when it has a tail.
            let same = parts[start..]
                .iter()
                .take_while(|p| **p == parts[start])
                .count();
            let tail_next = !n.is_multiple_of(vl) && start + same == parts.len();
            let count = if tail_next && same > 1 {
                same - 1
            } else {
                same
            };
            let first: usize = parts[..start].iter().sum::<usize>() * vl;
            let width = parts[start] * vl;
            let valid = (n - first).min(width);
            let vecs: Vec<Lanes> = (0..parts[start]).map(|v| self.lanes(valid, v)).collect();
            repeat(self, R13, first, width, count, |g, at| {
                g.narrow_or_wide(at, &vecs, &budget)
            });
            start += count;
        }
    }

    fn lanes(&self, valid: usize, vec: usize) -> Lanes {
        let vl = self.simd.vl();
        self.simd.lanes((valid - vec * vl).min(vl))
    }

    fn row_blocks(&mut self, column: Pos, vecs: &[Lanes], budget: &Budget) {
        let parts =
            blocking::even_parts(self.s.m, blocking::max_rows(self.s.m, vecs.len(), budget));
        let larger = parts.iter().filter(|p| **p == parts[0]).count();
        let rest = parts.len() - larger;
        // The compensation is the same for all rows: with several tiles of them, a tile of no rows sums it up ahead.
        let ahead = self.shifted && parts.len() > 2;
        let comp = (parts[0] * vecs.len()) as u8;
        let none = Tile {
            comp,
            compensates: true,
            free: comp + if self.shifted { vecs.len() as u8 } else { 0 },
            last: parts.len() == 1 || self.s.batch == Batch::ONE,
            ..Tile::empty(column, vecs)
        };
        if ahead {
            self.start(&none);
            self.batch(&none);
        }
        for (first, rows, count) in [
            (0, parts[0], larger),
            (larger * parts[0], *parts.last().unwrap(), rest),
        ] {
            repeat(self, R15, first, rows, count, |g, row| {
                g.tile(&Tile {
                    rows,
                    at: (row, column),
                    compensates: g.shifted && !ahead,
                    ..none.clone()
                });
            });
        }
    }

    /// One register tile: start, batch, epilogue.
    fn tile(&mut self, t: &Tile) {
        self.start(t);
        self.batch(t);
        if self.shifted {
            for (row, vec) in tile_indices(t) {
                self.simd.a.v(
                    &VPSUBD,
                    t.vecs[vec].len,
                    t.acc(row, vec),
                    t.acc(row, vec),
                    t.comp + vec as u8,
                );
            }
        }
        // The mask of a tail is needed by later blocks, whatever this one's width.
        let regs = self.simd.regs(self.simd.has_tail(self.s.n)) as u8;
        let pool = Pool::of(t.free..regs);
        store_tile(&mut self.simd, &self.s.out, t.at, t.rows, &t.vecs, pool);
    }

    /// Accumulators from zero or C.
    fn start(&mut self, t: &Tile) {
        if self.s.beta {
            self.simd
                .a
                .load(R10, Mem::new(RDI, offset_of!(Args, c) as i32));
            t.at.0
                .add_scaled(&mut self.simd.a, R10, self.s.c_row_bytes, RAX);
            t.at.1.add_scaled(&mut self.simd.a, R10, 4, RAX);
        }
        for (row, vec) in tile_indices(t) {
            if self.s.beta {
                let at = row as i64 * self.s.c_row_bytes + (vec * self.simd.vl() * 4) as i64;
                self.simd
                    .load32(t.acc(row, vec), Mem::new(R10, at as i32), t.vecs[vec]);
            } else {
                self.simd.zero(t.acc(row, vec));
            }
        }
        if self.s.beta && self.fetched_rows(t) == 0 {
            self.prefetch_next_rows(t);
        }
        if self.s.fetches_d {
            self.prefetch_stored_rows(t);
        }
        if t.compensates {
            (0..t.vecs.len()).for_each(|v| self.simd.zero(t.comp + v as u8));
        }
        if self.shifted {
            self.simd.bcast32_const(t.free, 0x8080_8080, t.len());
        }
    }

    /// Fetches the C of the rows below, which the next tile starts from, while this one is computed; r10 points to C.
    fn prefetch_next_rows(&mut self, t: &Tile) {
        let bytes = t.vecs.len() * self.simd.vl() * 4;
        let fetch = Asm::prefetcht0;
        self.prefetch_rows(t.rows..2 * t.rows, self.s.c_row_bytes, bytes, fetch);
    }

    /// Fetches the D of this tile while it is computed: stores would wait for it, and all that follows for them.
    fn prefetch_stored_rows(&mut self, t: &Tile) {
        let (out, size) = (&self.s.out, self.s.out.d.size_bytes());
        let a = &mut self.simd.a;
        a.load(R10, Mem::new(RDI, offset_of!(Args, d) as i32));
        t.at.0.add_scaled(a, R10, out.d_row_bytes, RAX);
        t.at.1.add_scaled(a, R10, size as i64, RAX);
        let bytes = t.vecs.len() * self.simd.vl() * size;
        self.prefetch_rows(0..t.rows, out.d_row_bytes, bytes, Asm::prefetcht1);
    }

    /// Fetches so many bytes of these rows, r10 pointing to the first.
    fn prefetch_rows(
        &mut self,
        rows: Range<usize>,
        row_bytes: i64,
        bytes: usize,
        fetch: fn(&mut Asm, Mem),
    ) {
        const LINE: usize = 64;
        for at in rows.flat_map(|row| (0..bytes).step_by(LINE).map(move |byte| (row, byte))) {
            if let Ok(at) = i32::try_from(at.0 as i64 * row_bytes + at.1 as i64) {
                fetch(&mut self.simd.a, Mem::new(R10, at));
            }
        }
    }

    /// The batch loop: block pointers into rax and rbx, then the reduction over k.
    fn batch(&mut self, t: &Tile) {
        self.batch_walkers(t);
        self.start_fetching_rows(t);
        let stage_bytes = self.stage_bytes(t);
        let a = &mut self.simd.a;
        add_imm(a, RSP, -stage_bytes, R10);
        let (top, done) = (a.label(), a.label());
        a.load(RCX, Mem::new(RDI, offset_of!(Args, batch) as i32));
        a.test_rr(RCX, RCX);
        a.jcc(Cond::E, done);
        a.bind(top);
        self.block_pointers();
        self.start_fetching(t);
        self.reduce_k(t);
        self.judge();
        let a = &mut self.simd.a;
        a.dec(RCX);
        a.jcc(Cond::Ne, top);
        a.bind(done);
        add_imm(a, RSP, stage_bytes, R10);
    }

    /// Walkers over the blocks of A and B, or over the lists of their places, into rsi and r12; into r8 and r9 what is
    /// added to an entry of a list, or to a walker.
    fn batch_walkers(&mut self, t: &Tile) {
        let (row, col) = t.at;
        let b_bytes = (self.s.b.size_bytes() * self.s.a.vnni()) as i64;
        let a = &mut self.simd.a;
        let mut arg = |reg: u8, offset: usize| a.load(reg, Mem::new(RDI, offset as i32));
        let (first, second) = (offset_of!(Args, a), offset_of!(Args, b));
        match self.s.batch {
            Batch::Stride { .. } | Batch::RunStride => {
                arg(RSI, first);
                arg(R12, second);
                if self.s.batch == Batch::RunStride {
                    arg(R8, offset_of!(Args, a_stride));
                    arg(R9, offset_of!(Args, b_stride));
                }
                row.add_scaled(a, RSI, self.s.a_row_bytes, RAX);
                col.add_scaled(a, R12, b_bytes, RAX);
                return;
            }
            Batch::Address => {
                arg(RSI, first);
                arg(R12, second);
                a.mov_ri(R8, 0);
                a.mov_ri(R9, 0);
            }
            Batch::Offset | Batch::OffsetPairs => {
                arg(RSI, offset_of!(Args, a_offsets));
                arg(R12, offset_of!(Args, b_offsets));
                arg(R8, first);
                arg(R9, second);
            }
        }
        row.add_scaled(a, R8, self.s.a_row_bytes, RAX);
        col.add_scaled(a, R9, b_bytes, RAX);
    }

    /// Bytes of the block that lies behind one of B that are fetched during a group of k: rows share them evenly. None where
    /// several blocks of columns would each fetch them.
    fn fetched_bytes(&self, t: &Tile) -> i64 {
        if self.s.fetched_by == 0 || t.vecs.len() * self.simd.vl() < self.s.n {
            return 0;
        }
        let bytes = t.rows as u64 * self.s.b_group_bytes as u64;
        bytes.div_ceil(self.s.fetched_by as u64) as i64
    }

    /// Into r11 the tile's share of what lies behind the block of B in rbx.
    fn start_fetching(&mut self, t: &Tile) {
        if self.fetched_bytes(t) == 0 {
            return;
        }
        let a = &mut self.simd.a;
        a.load(R11, Mem::new(RDI, offset_of!(Args, b_stride) as i32));
        a.add_rr(R11, RBX);
        t.at.0.add_scaled(a, R11, self.s.fetched_row_bytes(), R10);
    }

    /// Rows of C that are fetched into the second-level cache while a tile is computed, if B's next block is: those beside the
    /// tile, which the next block of columns starts from. One by one, since reads that wait for memory delay those of B.
    fn fetched_rows(&self, t: &Tile) -> usize {
        let (_, turns) = self.turns(t);
        let fetches = self.s.beta && turns > 0 && self.fetched_bytes(t) > 0;
        match self.s.batch {
            Batch::Stride { .. } if fetches => t.rows.min(turns),
            _ => 0,
        }
    }

    /// Into r9 where these rows begin.
    fn start_fetching_rows(&mut self, t: &Tile) {
        if self.fetched_rows(t) == 0 {
            return;
        }
        let a = &mut self.simd.a;
        a.load(R9, Mem::new(RDI, offset_of!(Args, c) as i32));
        t.at.0.add_scaled(a, R9, self.s.c_row_bytes, R10);
        add_imm(a, R9, 4 * self.s.n as i64, R10);
    }

    fn block_pointers(&mut self) {
        let a = &mut self.simd.a;
        match self.s.batch {
            Batch::Stride { a_bytes, b_bytes } => {
                for (block, walker, bytes) in [(RAX, RSI, a_bytes), (RBX, R12, b_bytes)] {
                    a.mov_rr(block, walker);
                    add_imm(a, walker, bytes, RDX);
                }
            }
            Batch::RunStride => {
                for (block, walker, bytes) in [(RAX, RSI, R8), (RBX, R12, R9)] {
                    a.mov_rr(block, walker);
                    a.add_rr(walker, bytes);
                }
            }
            Batch::OffsetPairs => {
                for (block, at, base) in [(RAX, 0, R8), (RBX, 8, R9)] {
                    a.load(block, Mem::new(RSI, at));
                    a.add_rr(block, base);
                }
                a.add_ri(RSI, 16);
            }
            Batch::Address | Batch::Offset => {
                for (block, walker, base) in [(RAX, RSI, R8), (RBX, R12, R9)] {
                    a.load(block, Mem::new(walker, 0));
                    a.add_ri(walker, 8);
                    a.add_rr(block, base);
                }
            }
        }
    }

    /// Groups of k between two jumps, and how many turns of a loop they make; no turns where one would do.
    fn turns(&self, t: &Tile) -> (usize, usize) {
        let groups = self.s.k / self.s.a.vnni();
        let products = t.rows.max(1) * t.vecs.len() * self.dot.cost();
        let unroll = blocking::unrolled(groups, products);
        let unroll = unroll.max(self.dot.unrolled().min(groups));
        let turns = if unroll < groups { groups / unroll } else { 0 };
        (unroll, turns)
    }

    /// All groups of k of one block, rax and rbx pointing to its first: straight code, or a loop over several.
    fn reduce_k(&mut self, t: &Tile) {
        let v = self.s.a.vnni();
        let partial = self.s.k % v;
        let rest = if self.is_staged(t) {
            self.reduce_staged(t)
        } else {
            self.reduce_rounds(t)
        };
        (0..rest).for_each(|g| self.group(t, g, v));
        if partial > 0 {
            self.group(t, rest, partial);
        }
    }

    /// The groups of a block that fill whole turns of a loop; answers how many are left.
    fn reduce_rounds(&mut self, t: &Tile) -> usize {
        let ((unroll, turns), rows) = (self.turns(t), self.fetched_rows(t));
        if rows > 0 {
            let top = self.simd.a.label();
            self.simd.a.mov_ri(R8, rows as i64);
            self.simd.a.bind(top);
            for byte in (0..4 * self.s.n).step_by(64) {
                self.simd.a.prefetcht1(Mem::new(R9, byte as i32));
            }
            add_imm(&mut self.simd.a, R9, self.s.c_row_bytes, R10);
            self.reduce_turns(t, turns / rows, unroll);
            self.simd.a.dec(R8);
            self.simd.a.jcc(Cond::Ne, top);
        }
        let left = turns.checked_rem(rows).unwrap_or(turns);
        if left > 0 {
            self.reduce_turns(t, left, unroll);
        }
        self.s.k / self.s.a.vnni() - turns * unroll
    }

    /// A loop over so many turns of `unroll` groups of k.
    fn reduce_turns(&mut self, t: &Tile, turns: usize, unroll: usize) {
        let fetched = self.fetched_bytes(t);
        let top: Label = self.simd.a.label();
        self.simd.a.mov_ri(RDX, turns as i64);
        self.simd.a.bind(top);
        (0..unroll).for_each(|g| self.group(t, g, self.s.a.vnni()));
        self.judge();
        let a = &mut self.simd.a;
        add_imm(a, RAX, unroll as i64 * self.s.a_group_bytes, R10);
        add_imm(a, RBX, unroll as i64 * self.s.b_group_bytes, R10);
        add_imm(a, R11, unroll as i64 * fetched, R10);
        a.dec(RDX);
        a.jcc(Cond::Ne, top);
    }
}

fn tile_indices(t: &Tile) -> impl Iterator<Item = (usize, usize)> + use<> {
    let vecs = t.vecs.len();
    (0..t.rows).flat_map(move |row| (0..vecs).map(move |vec| (row, vec)))
}
