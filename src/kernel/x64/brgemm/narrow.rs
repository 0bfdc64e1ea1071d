//! Products of u8 and s8 where no instruction sums them in 32 bits. The one that sums pairs in 16 bits takes half the time of
//! widening, and is exact as long as B keeps within 7 bits: 2 · 255 · -64 fits. Where the caller does not know, the kernel looks at
//! its columns of B first, and widens if it finds more. Weights that were quantised for such processors keep within, since others
//! saturate there.

use super::group::Dot;
use super::{Gen, Tile};
use crate::jit::asm::{Cond, Label, Len, Mem, Rm, gpr::*};
use crate::jit::rows::*;
use crate::kernel::spec::{Args, NARROW_B};
use crate::kernel::x64::Pos;
use crate::kernel::x64::blocking::Budget;
use crate::kernel::x64::simd::Lanes;
use std::mem::offset_of;

/// Rows that read B often enough for looking at it to cost little.
const ROWS: usize = 5;
/// What takes -64..64 to 0..128, and the bit that others have then.
const OFFSET: u32 = 0x4040_4040;
const BEYOND: u32 = 0x8080_8080;

/// Registers, while no tile is there yet: all bits that bytes had, one vector, and what is added to it.
const SEEN: u8 = 0;
const LOOKED_AT: u8 = 1;
const ADDED: u8 = 2;

impl Gen<'_> {
    /// All rows of some columns, by pairs of bytes if B allows it.
    pub fn narrow_or_wide(&mut self, column: Pos, vecs: &[Lanes], budget: &Budget) {
        if !self.s.may_be_narrow() {
            return self.row_blocks(column, vecs, budget);
        }
        let [wide, done, narrow] = std::array::from_fn(|_| self.simd.a.label());
        let a = &mut self.simd.a;
        a.load(RAX, Mem::new(RDI, offset_of!(Args, known_b) as i32));
        a.cmp_ri(RAX, NARROW_B as i32);
        a.jcc(Cond::E, narrow);
        match self.s.m >= ROWS {
            true => {
                a.jcc(Cond::A, wide);
                self.look(column, vecs, wide);
            }
            false => a.jmp(wide),
        }
        self.simd.a.bind(narrow);
        let exact = std::mem::replace(&mut self.dot, Dot::BytePairs);
        self.row_blocks(column, vecs, budget);
        self.simd.a.jmp(done);
        self.simd.a.bind(wide);
        self.dot = exact;
        self.row_blocks(column, vecs, budget);
        self.simd.a.bind(done);
    }

    /// Walks over the columns of the whole batch, as a tile of no rows.
    fn look(&mut self, column: Pos, vecs: &[Lanes], wide: Label) {
        self.simd.zero(SEEN);
        self.simd.bcast32_const(ADDED, OFFSET, Len::Y);
        self.wide = Some(wide);
        self.batch(&Tile::empty(column, vecs));
        self.wide = None;
    }

    /// Gathers the bytes of one group.
    pub fn look_at(&mut self, t: &Tile, g: usize) {
        for (vec, lanes) in t.vecs.iter().enumerate() {
            let mut bytes = Rm::Mem(self.b_at(g, vec));
            if lanes.masked {
                self.simd.load32(LOOKED_AT, self.b_at(g, vec), *lanes);
                bytes = Rm::Reg(LOOKED_AT);
            }
            let a = &mut self.simd.a;
            a.v(&VPADDB, lanes.len, LOOKED_AT, ADDED, bytes);
            a.v(&VPOR, Len::Y, SEEN, SEEN, LOOKED_AT);
        }
    }

    /// Goes to where wide bytes are multiplied if there have been any.
    pub fn judge(&mut self) {
        if let Some(wide) = self.wide {
            let beyond = self.simd.const_ps(BEYOND);
            self.simd.a.v(&VPTEST, Len::Y, SEEN, 0, beyond);
            self.simd.a.jcc(Cond::Ne, wide);
        }
    }
}
