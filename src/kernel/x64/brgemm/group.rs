//! One group of k: its operands are loaded, widened or shifted as the types ask for, and multiplied into the
//! accumulators of a tile.

use super::{Gen, Tile};
use crate::dtype::DataType;
use crate::jit::asm::{Len, Mem, Rm, gpr::*};
use crate::jit::rows::*;
use crate::kernel::spec::{Batch, Brgemm};
use crate::kernel::x64::blocking;
use crate::kernel::x64::simd::Lanes;
use crate::machine::Isa;

/// How one group of k is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dot {
    /// f32 multiply-add (f16 is converted on load).
    Float,
    /// vdpbf16ps.
    Bf16,
    /// bf16 in two f32 steps: even elements, then odd ones.
    Bf16Steps,
    /// vpdpbusd; a side of the wrong sign is shifted by 128 and compensated.
    Bytes,
    /// Bytes widened to words in two steps, vpmaddwd.
    ByteSteps,
    /// Pairs of bytes summed in 16 bits, vpmaddubsw, where B is narrow enough.
    BytePairs,
}

impl Dot {
    pub fn of(s: &Brgemm) -> Dot {
        match s.a {
            DataType::Bf16 if s.isa >= Isa::Avx512Bf16 => Dot::Bf16,
            DataType::Bf16 => Dot::Bf16Steps,
            DataType::U8 | DataType::S8 if s.isa >= Isa::Avx512Vnni => Dot::Bytes,
            DataType::U8 | DataType::S8 => Dot::ByteSteps,
            _ => Dot::Float,
        }
    }

    /// Instructions of one product.
    pub fn cost(self) -> usize {
        match self {
            Dot::Float | Dot::Bf16 | Dot::Bytes => 1,
            Dot::Bf16Steps | Dot::BytePairs => 2,
            Dot::ByteSteps => 4,
        }
    }

    /// Groups between two jumps, at least: pairs of bytes leave the processor no time for anything else.
    pub fn unrolled(self) -> usize {
        if self == Dot::BytePairs { 4 } else { 1 }
    }

    /// Passes over the operands of a group.
    pub fn steps(self) -> usize {
        if matches!(self, Dot::Bf16Steps | Dot::ByteSteps) {
            2
        } else {
            1
        }
    }
}

impl Gen<'_> {
    /// One group of k, at `g` groups from rax and rbx, with `valid` elements of A.
    pub fn group(&mut self, t: &Tile, g: usize, valid: usize) {
        if self.wide.is_some() {
            return self.look_at(t, g);
        }
        self.fetch(t, g);
        self.prefetch_next_rows_of_a(t, g);
        self.prefetch_rows_of_b(t, g);
        for step in 0..self.dot.steps() {
            if blocking::stationary_rows(t.rows, t.vecs.len()) {
                self.group_rows_held(t, g, valid, step);
            } else {
                self.group_vectors_held(t, g, valid, step);
            }
        }
    }

    /// Whether few rows read B as it comes: short vectors wait for it less in the first level.
    fn streams(&self) -> bool {
        self.s.m <= 4 && !self.simd.z()
    }

    /// Fetches the lines of the next block of B that begin within this group's share.
    fn fetch(&mut self, t: &Tile, g: usize) {
        const LINE: usize = 64;
        let fetched = self.fetched_bytes(t) as usize;
        for line in (g * fetched).div_ceil(LINE)..((g + 1) * fetched).div_ceil(LINE) {
            let at = Mem::new(R11, (line * LINE) as i32);
            match self.streams() {
                true => self.simd.a.prefetcht0(at),
                false => self.simd.a.prefetcht1(at),
            }
        }
    }

    /// Fetches what the tile below will read of A, once in a round of the loop: rows that are short, or many, are not foreseen by
    /// the processor. None where many columns would fetch them again, or one vector of them leaves no time for more loads, or
    /// where the rows of two tiles evict each other: AVX2 rarely comes with caches of more than 8 ways.
    fn prefetch_next_rows_of_a(&mut self, t: &Tile, g: usize) {
        let vecs = t.vecs.len();
        let few_columns = vecs > 1 && self.s.n <= 2 * vecs * self.simd.vl();
        let evict = !self.simd.z() && self.s.a_row_bytes % 4096 == 0;
        let met_first =
            self.s.batch == Batch::ONE && self.s.fetched_by == 0 && few_columns && !evict;
        if met_first && g == 0 && t.rows < self.s.m {
            for row in t.rows..2 * t.rows {
                let at = self.a_at(g, row);
                self.simd.a.prefetcht0(at);
            }
        }
    }

    /// Fetches the vectors of B some groups ahead, the first of the next block among them. Two vectors of 8 are narrow beside the
    /// rows of most blocks: the processor does not foresee where they go on. Short blocks would fetch more than they read. Rows of
    /// a single block that lie end to end it does foresee, and every load counts where another thread has half of the core.
    fn prefetch_rows_of_b(&mut self, t: &Tile, g: usize) {
        const AHEAD: usize = 8;
        const SHORT: usize = 16;
        let width = t.vecs.len() * self.simd.vl() * 4;
        let dense = self.s.batch == Batch::ONE && self.s.b_group_bytes <= width as i64;
        if self.simd.z() || t.rows < 2 || dense || self.s.k <= SHORT * self.s.a.vnni() {
            return;
        }
        for byte in (0..width).step_by(64) {
            let at = self.b_at(g + AHEAD, 0).plus(byte as i32);
            self.simd.a.prefetcht0(at);
        }
    }

    /// B in registers, A broadcast row by row.
    fn group_vectors_held(&mut self, t: &Tile, g: usize, valid: usize, step: usize) {
        let regs = self.simd.regs(self.simd.has_tail(self.s.n)) as u8;
        // Where the registers do not hold all vectors and a broadcast, the first vector is read by every multiply-add.
        let short = t.vecs.len() > 1 && t.free + self.fixed() + t.vecs.len() as u8 >= regs;
        let first = t.free + self.fixed() - u8::from(short);
        for (vec, lanes) in t.vecs.iter().enumerate().skip(usize::from(short)) {
            let reg = first + vec as u8;
            self.load_b(reg, self.b_at(g, vec), *lanes, step);
            self.compensate(t, vec, reg);
        }
        self.prefetch_next_columns(t, g);
        let temps = first + t.vecs.len() as u8;
        let two = temps + 1 < regs;
        let full = valid == self.s.a.vnni();
        let embed = t.vecs.len() == 1
            && self.simd.z()
            && full
            && matches!(self.s.a, DataType::F32 | DataType::Bf16)
            && self.dot.steps() == 1;
        for row in 0..t.rows {
            if embed {
                self.multiply(
                    t.acc(row, 0),
                    first,
                    Rm::Bcast(self.a_at(g, row)),
                    t.vecs[0].len,
                    t.free,
                );
                continue;
            }
            let temp = temps + if two { (row % 2) as u8 } else { 0 };
            self.bcast_a(temp, (g, row), valid, step, t);
            if self.multiplies_bytes() && !short {
                self.row_of_bytes(t, row, temp, first);
                continue;
            }
            for (vec, lanes) in t.vecs.iter().enumerate() {
                let acc = t.acc(row, vec);
                if short && vec == 0 {
                    let b = Rm::Mem(self.b_at(g, 0));
                    self.multiply(acc, temp, b, lanes.len, t.free);
                } else {
                    self.dot(acc, temp, first + vec as u8, lanes.len, t.free);
                }
            }
        }
    }

    /// Whether a product of bytes takes several instructions.
    fn multiplies_bytes(&self) -> bool {
        matches!(self.dot, Dot::ByteSteps | Dot::BytePairs)
    }

    /// Words or bytes of one row, in `factor`, times the vectors from register `first` on. The last product takes the place of the
    /// factor, so that two sums can follow two products: a sum that waits for its product takes the unit of the next one.
    fn row_of_bytes(&mut self, t: &Tile, row: usize, factor: u8, first: u8) {
        let (count, pairs) = (t.vecs.len(), self.dot == Dot::BytePairs);
        let product = |vec: usize| if vec + 1 == count { factor } else { t.free };
        let multiply = if pairs { &VPMADDUBSW } else { &VPMADDWD };
        let mut start = 0;
        while start < count {
            let end = if count - start == 2 { count } else { start + 1 };
            for vec in start..end {
                let (b, len) = (first + vec as u8, t.vecs[vec].len);
                self.simd.a.v(multiply, len, product(vec), factor, b);
            }
            for vec in (start..end).filter(|_| pairs) {
                self.sum_pairs(product(vec), t.vecs[vec].len);
            }
            for vec in start..end {
                let (acc, len) = (t.acc(row, vec), t.vecs[vec].len);
                self.simd.a.v(&VPADDD, len, acc, acc, product(vec));
            }
            start = end;
        }
    }

    /// Sums of pairs of 16 bits.
    fn sum_pairs(&mut self, reg: u8, len: Len) {
        let ones = self.simd.const_ps(0x0001_0001);
        self.simd.a.v(&VPMADDWD, len, reg, reg, ones);
    }

    /// Whether a multiply-add can read a vector of B.
    pub fn vectors_from_memory(&self) -> bool {
        self.dot.steps() == 1
            && !self.shifted
            && self.s.a != DataType::F16
            && self.s.b != DataType::U8
    }

    /// Fetches what the next block of columns will read of this group of k, which lies too far from the group before to
    /// be foreseen by the processor.
    fn prefetch_next_columns(&mut self, t: &Tile, g: usize) {
        let width = t.vecs.len() * self.simd.vl();
        if t.last && self.s.n > width {
            let next = self.b_at(g, t.vecs.len());
            self.simd.a.prefetcht0(next);
        }
    }

    /// A in registers, B streaming past (few rows).
    fn group_rows_held(&mut self, t: &Tile, g: usize, valid: usize, step: usize) {
        let first = t.free + self.fixed();
        for row in 0..t.rows {
            self.bcast_a(first + row as u8, (g, row), valid, step, t);
        }
        let temp = first + t.rows as u8;
        let from_memory = t.rows == 1 && self.vectors_from_memory();
        for (vec, lanes) in t.vecs.iter().enumerate() {
            if from_memory && !lanes.masked {
                self.prefetch_stream(g, vec);
                self.multiply(
                    t.acc(0, vec),
                    first,
                    Rm::Mem(self.b_at(g, vec)),
                    lanes.len,
                    t.free,
                );
                continue;
            }
            self.load_b(temp, self.b_at(g, vec), *lanes, step);
            self.compensate(t, vec, temp);
            for row in 0..t.rows {
                self.dot(t.acc(row, vec), first + row as u8, temp, lanes.len, t.free);
            }
        }
    }

    /// Fetches what one row reads of a long B that lies end to end, where no other fetching does: faster than the processor.
    fn prefetch_stream(&mut self, g: usize, vec: usize) {
        const AHEAD: i64 = 2048;
        const LONG: usize = 64; // groups of k
        let (s, v) = (self.s, self.s.a.vnni());
        let lane_bytes = s.b.size_bytes() * v;
        let column = (vec * self.simd.vl() * lane_bytes) as i64;
        let dense = s.b_group_bytes == (s.n * lane_bytes) as i64;
        if dense && s.fetched_by == 0 && s.k >= LONG * v && column % 64 == 0 {
            let at = g as i64 * s.b_group_bytes + column;
            self.simd.a.prefetcht0(Mem::new(RBX, (at + AHEAD) as i32));
        }
    }

    /// Registers from `free` on that are constants or scratch of the inner loop.
    pub fn fixed(&self) -> u8 {
        u8::from(self.shifted) + u8::from(self.multiplies_bytes())
    }

    pub fn a_at(&self, g: usize, row: usize) -> Mem {
        Mem::new(
            RAX,
            (g as i64 * self.s.a_group_bytes + row as i64 * self.s.a_row_bytes) as i32,
        )
    }

    pub fn b_at(&self, g: usize, vec: usize) -> Mem {
        let lane_bytes = self.s.b.size_bytes() * self.s.a.vnni();
        Mem::new(
            RBX,
            (g as i64 * self.s.b_group_bytes + (vec * self.simd.vl() * lane_bytes) as i64) as i32,
        )
    }

    /// One vector of B, prepared for a step.
    fn load_b(&mut self, reg: u8, mem: Mem, lanes: Lanes, step: usize) {
        match self.s.b {
            DataType::F16 => self.simd.load(reg, mem, DataType::F16, false, lanes),
            _ => self.simd.load32(reg, mem, lanes),
        }
        self.take_step(reg, self.s.b, step, lanes.len);
    }

    /// One group of A in every lane, prepared for a step; elements beyond `valid` are zero.
    fn bcast_a(&mut self, reg: u8, (g, row): (usize, usize), valid: usize, step: usize, t: &Tile) {
        let len = t.len();
        if self.reads_stage {
            return self.simd.bcast32(reg, self.staged_at(row, step, g), len);
        }
        let mem = self.a_at(g, row);
        let whole = valid == self.s.a.vnni();
        if self.s.a_wide {
            return self.simd.bcast32(reg, mem.plus(4 * step as i32), len);
        }
        match self.s.a {
            DataType::F16 => self.simd.bcast(reg, mem, DataType::F16, false, len),
            _ if whole && self.shifted => {
                let bytes = Rm::Bcast(mem);
                return self.simd.a.v(&VPXORD, len, reg, t.free, bytes);
            }
            _ if whole => self.simd.bcast32(reg, mem, len),
            dtype => self.bcast_partial(reg, mem, valid * dtype.size_bytes(), len),
        }
        self.take_step(reg, self.s.a, step, len);
        if self.shifted {
            self.simd.a.v(&VPXORD, len, reg, reg, t.free);
        }
    }

    /// 1 to 3 bytes, zero-extended to a group, in every lane.
    fn bcast_partial(&mut self, reg: u8, mem: Mem, bytes: usize, len: Len) {
        let evex = self.simd.z();
        let a = &mut self.simd.a;
        match bytes {
            1 => a.movzx8(RDX, mem),
            _ => a.movzx16(RDX, mem),
        }
        if bytes == 3 {
            a.movzx8(R10, mem.plus(2));
            a.shl_ri(R10, 16);
            a.or_rr(RDX, R10);
        }
        if evex {
            a.v(&VPBROADCASTD_R32, len, reg, 0, RDX);
        } else {
            a.v(&VMOVD_R32, Len::X, reg, 0, RDX);
            a.v(&VPBROADCASTD, len, reg, 0, reg);
        }
    }

    /// Where a group is multiplied in two steps: its even elements (step 0) or odd ones (step 1), widened.
    pub fn take_step(&mut self, reg: u8, dtype: DataType, step: usize, len: Len) {
        match (self.dot, step) {
            (Dot::Bf16Steps, 0) => self.simd.a.vi(&VPSLLD, len, reg, 0, reg, 16),
            (Dot::Bf16Steps, _) => {
                let high = self.simd.const_ps(0xffff_0000);
                let and = if self.simd.z() { &VPANDD } else { &VPAND };
                self.simd.a.v(and, len, reg, reg, high);
            }
            (Dot::ByteSteps, 0) if dtype == DataType::U8 => {
                let low = self.simd.const_ps(0x00ff_00ff);
                let and = if self.simd.z() { &VPANDD } else { &VPAND };
                self.simd.a.v(and, len, reg, reg, low);
            }
            (Dot::ByteSteps, _) => {
                if step == 0 {
                    self.simd.a.vi(&VPSLLW, len, reg, 0, reg, 8);
                }
                let shift = if dtype == DataType::S8 {
                    &VPSRAW
                } else {
                    &VPSRLW
                };
                self.simd.a.vi(shift, len, reg, 0, reg, 8);
            }
            _ => {}
        }
    }

    /// The sum of B times the shift, once a group.
    fn compensate(&mut self, t: &Tile, vec: usize, b: u8) {
        if t.compensates {
            self.dot(t.comp + vec as u8, t.free, b, t.vecs[vec].len, t.free);
        }
    }

    /// acc += a · b, both in registers.
    fn dot(&mut self, acc: u8, a: u8, b: u8, len: Len, scratch: u8) {
        // vpdpbusd takes the unsigned side first.
        let (first, second) = if self.dot == Dot::Bytes && self.s.b == DataType::U8 {
            (b, a)
        } else {
            (a, b)
        };
        self.multiply(acc, first, Rm::Reg(second), len, scratch);
    }

    fn multiply(&mut self, acc: u8, first: u8, second: Rm, len: Len, scratch: u8) {
        let a = &mut self.simd.a;
        match self.dot {
            Dot::Float | Dot::Bf16Steps => a.v(&VFMADD231PS, len, acc, first, second),
            Dot::Bf16 => a.v(&VDPBF16PS, len, acc, first, second),
            Dot::Bytes => a.v(&VPDPBUSD, len, acc, first, second),
            Dot::ByteSteps => {
                a.v(&VPMADDWD, len, scratch, first, second);
                a.v(&VPADDD, len, acc, acc, scratch);
            }
            Dot::BytePairs => {
                a.v(&VPMADDUBSW, len, scratch, first, second);
                self.sum_pairs(scratch, len);
                self.simd.a.v(&VPADDD, len, acc, acc, scratch);
            }
        }
    }
}
