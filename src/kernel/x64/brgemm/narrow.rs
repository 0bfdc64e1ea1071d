//! Products of u8 and s8 where no instruction sums them in 32 bits. The one that sums pairs in 16 bits takes half the time of
//! widening, and is exact as long as B keeps within 7 bits: 2 · 255 · -64 fits. Weights mostly do where they were quantised
//! for such processors. So the kernel looks at its columns of B first, and widens if it finds more.

use super::group::Dot;
use super::{Gen, Tile};
use crate::dtype::DataType;
use crate::jit::asm::{Cond, Label};
use crate::jit::rows::*;
use crate::kernel::x64::Pos;
use crate::kernel::x64::blocking::Budget;
use crate::kernel::x64::simd::Lanes;

/// Rows that read B often enough for looking at it to cost little.
const ROWS: usize = 5;
/// What takes -64..64 to 0..128, and the bit that others have then.
const OFFSET: u32 = 0x4040_4040;
const BEYOND: u32 = 0x8080_8080;

/// Registers, while no tile is there yet: what all bytes had in common, and one vector.
const SEEN: u8 = 0;
const LOOKED_AT: u8 = 1;

impl Gen<'_> {
    fn may_be_narrow(&self) -> bool {
        let s = self.s;
        let types = (s.a, s.b) == (DataType::U8, DataType::S8);
        types && !self.simd.z() && !s.a_wide && s.m >= ROWS
    }

    /// All rows of some columns, by pairs of bytes if B allows it.
    pub fn narrow_or_wide(&mut self, column: Pos, vecs: &[Lanes], budget: &Budget) {
        if !self.may_be_narrow() {
            return self.row_blocks(column, vecs, budget);
        }
        let (wide, done) = (self.simd.a.label(), self.simd.a.label());
        self.look(column, vecs, wide);
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
        self.wide = Some(wide);
        self.batch(&Tile::empty(column, vecs));
        self.wide = None;
    }

    /// Gathers the bytes of one group.
    pub fn look_at(&mut self, t: &Tile, g: usize) {
        let full = self.simd.full().len;
        for (vec, lanes) in t.vecs.iter().enumerate() {
            let (at, offset) = (self.b_at(g, vec), self.simd.const_ps(OFFSET));
            self.simd.load32(LOOKED_AT, at, *lanes);
            let a = &mut self.simd.a;
            a.v(&VPADDB, full, LOOKED_AT, LOOKED_AT, offset);
            a.v(&VPOR, full, SEEN, SEEN, LOOKED_AT);
        }
    }

    /// Goes to where wide bytes are multiplied if there have been any.
    pub fn judge(&mut self) {
        if let Some(wide) = self.wide {
            let (full, beyond) = (self.simd.full().len, self.simd.const_ps(BEYOND));
            self.simd.a.v(&VPTEST, full, SEEN, 0, beyond);
            self.simd.a.jcc(Cond::Ne, wide);
        }
    }
}
