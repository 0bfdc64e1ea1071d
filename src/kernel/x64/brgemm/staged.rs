//! Where an instruction set has no dot product of a type, each row of a tile is widened once onto the stack, some groups of k
//! at a time, instead of in every broadcast.

use super::{Gen, Tile};
use crate::jit::asm::{Cond, Mem, gpr::*};
use crate::kernel::x64::blocking;

/// Groups of k that are widened together: a vector of AVX2.
const GROUPS: usize = 8;
/// Bytes of a group.
const GROUP_BYTES: usize = 4;

impl Gen<'_> {
    /// Whether rows are widened so. A single one costs little beside the vectors that it is multiplied with.
    pub fn is_staged(&self, t: &Tile) -> bool {
        let narrow = self.dot.steps() > 1 && !self.s.a_wide && !self.simd.z();
        let adjacent = self.s.a_group_bytes == GROUP_BYTES as i64;
        narrow && adjacent && t.rows > 1 && self.s.k >= GROUPS * self.s.a.vnni()
    }

    /// Bytes of the stack that hold them.
    pub fn stage_bytes(&self, t: &Tile) -> i64 {
        let rows = if self.is_staged(t) { t.rows } else { 0 };
        self.stage_at(rows, 0, 0).into()
    }

    /// Where one group lies behind the first, for a row and step.
    fn stage_at(&self, row: usize, step: usize, g: usize) -> i32 {
        (((row * self.dot.steps() + step) * GROUPS + g) * GROUP_BYTES) as i32
    }

    /// What lies on the stack g groups behind r10, which counts up to the stack's end.
    pub fn staged_at(&self, row: usize, step: usize, g: usize) -> Mem {
        Mem::new(R10, self.stage_at(row, step, GROUPS + g))
    }

    /// The groups of a block that fill the stage, over and over; answers how many are left.
    pub fn reduce_staged(&mut self, t: &Tile) -> usize {
        let groups = self.s.k / self.s.a.vnni();
        let top = self.simd.a.label();
        self.simd.a.mov_ri(RDX, (groups / GROUPS) as i64);
        self.simd.a.bind(top);
        self.stage(t);
        self.reduce_stage(t);
        let a = &mut self.simd.a;
        a.add_ri(RAX, (GROUPS * GROUP_BYTES) as i32);
        a.dec(RDX);
        a.jcc(Cond::Ne, top);
        groups % GROUPS
    }

    /// Widens some groups of every row.
    fn stage(&mut self, t: &Tile) {
        let full = self.simd.full();
        for row in 0..t.rows {
            for step in 0..self.dot.steps() {
                let reg = t.free + self.fixed() + step as u8;
                self.simd.load32(reg, self.a_at(0, row), full);
                self.take_step(reg, self.s.a, step, full.len);
                let to = Mem::new(RSP, self.stage_at(row, step, 0));
                self.simd.store32(to, reg, full);
            }
        }
    }

    /// Multiplies them.
    fn reduce_stage(&mut self, t: &Tile) {
        let products = t.rows * t.vecs.len() * self.dot.cost();
        let unroll = 1 << blocking::unrolled(GROUPS, products).max(2).ilog2();
        let fetched = self.fetched_bytes(t);
        let top = self.simd.a.label();
        let a = &mut self.simd.a;
        a.mov_rr(R10, RSP);
        a.sub_ri(R10, (GROUPS * GROUP_BYTES) as i32);
        a.bind(top);
        self.reads_stage = true;
        (0..unroll).for_each(|g| self.group(t, g, self.s.a.vnni()));
        self.reads_stage = false;
        let a = &mut self.simd.a;
        let steps = [
            (RBX, self.s.b_group_bytes),
            (R11, fetched),
            (R10, GROUP_BYTES as i64),
        ];
        for (reg, bytes) in steps.into_iter().filter(|(_, bytes)| *bytes != 0) {
            a.add_ri(reg, (unroll as i64 * bytes) as i32);
        }
        a.cmp_rr(R10, RSP);
        a.jcc(Cond::Ne, top);
    }
}
