//! Depthwise kernels: products of equal columns, summed over a batch in registers.
//!
//! A vector of B meets a column of vectors of A, each of which is read once, so that a tile is bound by its loads: as many
//! accumulators as there are registers hide their latency.

use super::blocking::even_parts;
use super::expr::{Pool, temps_needed};
use super::simd::{Lanes, Simd};
use super::tile::{check_expr, store_tile};
use super::{Pos, check_reach, repeat};
use crate::dtype::DataType;
use crate::error::Result;
use crate::jit::asm::{Cond, Mem, Rm, gpr::*};
use crate::jit::rows::*;
use crate::kernel::spec::{Args, Depthwise};
use std::mem::offset_of;

/// The most rows of a tile.
const ROWS: usize = 8;
/// Registers for a vector of B and one of A.
const OPERANDS: usize = 2;

struct Gen<'a> {
    s: &'a Depthwise,
    simd: Simd,
    /// Registers for accumulators.
    room: usize,
}

impl AsMut<Simd> for Gen<'_> {
    fn as_mut(&mut self) -> &mut Simd {
        &mut self.simd
    }
}

/// Emits the kernel.
pub fn emit(s: &Depthwise) -> Result<Vec<u8>> {
    check_reach([(s.a_row_bytes, ROWS)])?;
    check_reach([(s.c_row_bytes, ROWS), (s.out.d_row_bytes, ROWS)])?;
    let simd = Simd::new(s.isa);
    let regs = simd.regs(simd.has_tail(s.n));
    check_expr(&s.out, s.isa, regs - 1)?;
    let kept = OPERANDS.max(temps_needed(&s.out, s.isa));
    let mut g = Gen {
        s,
        simd,
        room: regs.saturating_sub(kept).max(1),
    };
    super::prologue(&mut g.simd);
    g.simd.set_tail(s.n);
    let operands = Mem::new(RDI, offset_of!(Args, operands) as i32);
    g.simd.a.load(R14, operands);
    g.rows();
    super::epilogue(&mut g.simd);
    g.simd.a.finish()
}

impl Gen<'_> {
    /// Blocks of rows; inside, blocks of columns, so that memory is read in order.
    fn rows(&mut self) {
        let wide = (self.room / self.s.m.clamp(1, 6)).clamp(1, 8);
        let widths = even_parts(self.s.n.div_ceil(self.simd.vl()), wide);
        let parts = even_parts(self.s.m, (self.room / widths[0]).clamp(1, ROWS));
        let mut first = 0;
        for run in parts.chunk_by(|a, b| a == b) {
            let rows = run[0];
            repeat(self, R15, first, rows, run.len(), |g, row| {
                g.columns(rows, row, &widths)
            });
            first += rows * run.len();
        }
    }

    /// Blocks of columns, in loops over those of one size; a last one with a tail stands alone.
    fn columns(&mut self, rows: usize, row: Pos, widths: &[usize]) {
        let (vl, n) = (self.simd.vl(), self.s.n);
        let mut first = 0;
        for run in widths.chunk_by(|a, b| a == b) {
            let width = run[0] * vl;
            let tail = first + run.len() * width > n;
            let whole = run.len() - usize::from(tail);
            for (start, count) in [(first, whole), (first + whole * width, usize::from(tail))] {
                let lanes = |vec: usize| self.simd.lanes((n - start - vec * vl).min(vl));
                let vecs: Vec<Lanes> = match count {
                    0 => continue,
                    _ => (0..run[0]).map(lanes).collect(),
                };
                repeat(self, R13, start, width, count, |g, column| {
                    g.tile(rows, (row, column), &vecs)
                });
            }
            first += run.len() * width;
        }
    }

    fn tile(&mut self, rows: usize, at: (Pos, Pos), vecs: &[Lanes]) {
        let acc = |row: usize, vec: usize| (row * vecs.len() + vec) as u8;
        let s = self.s;
        let arg = |offset: usize| Mem::new(RDI, offset as i32);
        let (row, col) = at;
        if s.beta {
            self.simd.a.load(R10, arg(offset_of!(Args, c)));
            row.add_scaled(&mut self.simd.a, R10, s.c_row_bytes, RAX);
            col.add_scaled(&mut self.simd.a, R10, 4, RAX);
        }
        let vl = self.simd.vl();
        for (r, (v, lanes)) in (0..rows).flat_map(|r| vecs.iter().enumerate().map(move |v| (r, v)))
        {
            let at = r as i64 * s.c_row_bytes + (v * vl * 4) as i64;
            match s.beta {
                true => self
                    .simd
                    .load32(acc(r, v), Mem::new(R10, at as i32), *lanes),
                false => self.simd.zero(acc(r, v)),
            }
        }
        let a = &mut self.simd.a;
        a.load(RSI, arg(offset_of!(Args, a_offsets)));
        a.load(R12, arg(offset_of!(Args, b_offsets)));
        a.load(R8, arg(offset_of!(Args, a)));
        a.load(R9, arg(offset_of!(Args, b)));
        row.add_scaled(a, R8, s.a_row_bytes, RAX);
        col.add_scaled(a, R8, s.a.size_bytes() as i64, RAX);
        col.add_scaled(a, R9, s.b.size_bytes() as i64, RAX);
        self.prefetch(rows, vecs.len());
        let a = &mut self.simd.a;
        let (top, done) = (a.label(), a.label());
        a.load(RCX, arg(offset_of!(Args, batch)));
        a.test_rr(RCX, RCX);
        a.jcc(Cond::E, done);
        a.bind(top);
        for (block, walker, base) in [(RAX, RSI, R8), (RBX, R12, R9)] {
            a.load(block, Mem::new(walker, 0));
            a.add_ri(walker, 8);
            a.add_rr(block, base);
        }
        self.multiply(rows, vecs);
        let a = &mut self.simd.a;
        a.dec(RCX);
        a.jcc(Cond::Ne, top);
        a.bind(done);
        // The mask of a tail is needed by later blocks, whatever this one's width.
        let regs = self.simd.regs(self.simd.has_tail(s.n)) as u8;
        let pool = Pool::of((rows * vecs.len()) as u8..regs);
        store_tile(&mut self.simd, &s.out, at, rows, vecs, pool);
    }

    /// Fetches what the rows of A will need that lie `args.a_stride` bytes ahead; r8 points to A.
    fn prefetch(&mut self, rows: usize, vecs: usize) {
        const LINE: usize = 64;
        let width = vecs * self.simd.vl() * self.s.a.size_bytes();
        let a = &mut self.simd.a;
        a.load(RAX, Mem::new(RDI, offset_of!(Args, a_stride) as i32));
        a.add_rr(RAX, R8);
        for row in 0..rows {
            for byte in (0..width).step_by(LINE) {
                let at = row as i64 * self.s.a_row_bytes + byte as i64;
                a.prefetcht0(Mem::new(RAX, at as i32));
            }
        }
    }

    /// Adds one block of the batch, rax and rbx pointing to it.
    fn multiply(&mut self, rows: usize, vecs: &[Lanes]) {
        let (s, vl) = (self.s, self.simd.vl());
        let b = (rows * vecs.len()) as u8;
        for (vec, lanes) in vecs.iter().enumerate() {
            let from = Mem::new(RBX, (vec * vl * s.b.size_bytes()) as i32);
            self.simd.load(b, from, s.b, false, *lanes);
            for row in 0..rows {
                let at = row as i64 * s.a_row_bytes + (vec * vl * s.a.size_bytes()) as i64;
                let (from, acc) = (Mem::new(RAX, at as i32), (row * vecs.len() + vec) as u8);
                let factor = match s.a == DataType::F32 && !lanes.masked {
                    true => Rm::Mem(from),
                    false => {
                        self.simd.load(b + 1, from, s.a, false, *lanes);
                        Rm::Reg(b + 1)
                    }
                };
                self.simd.a.v(&VFMADD231PS, lanes.len, acc, b, factor);
            }
        }
    }
}
