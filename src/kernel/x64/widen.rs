//! Widening of A: what the inner loop of a product would do to each group over and over, where the instruction set has no
//! dot product of its type, is done once.

use super::simd::Simd;
use super::{check_reach, epilogue, prologue, repeat};
use crate::dtype::DataType;
use crate::error::Result;
use crate::jit::asm::{Cond, Len, Mem, gpr::*};
use crate::jit::rows::*;
use crate::kernel::spec::{Args, Widen};
use crate::machine::Isa;
use std::mem::offset_of;

/// Groups of a vector.
const GROUPS: usize = 8;

/// Emits the rows one after the other. Masks and wider vectors would gain nothing: AVX2 serves every instruction set.
pub fn emit(s: &Widen) -> Result<Vec<u8>> {
    check_reach([(s.a_row_bytes, 1), (s.d_row_bytes, 1)])?;
    let mut simd = Simd::new(Isa::Avx2);
    prologue(&mut simd);
    let valid = |field: usize| Mem::new(RDI, field as i32);
    simd.a.load(RSI, valid(offset_of!(Args, a)));
    simd.a.load(R12, valid(offset_of!(Args, d)));
    simd.a.load(RCX, valid(offset_of!(Args, m)));
    let (top, done) = (simd.a.label(), simd.a.label());
    simd.a.test_rr(RCX, RCX);
    simd.a.jcc(Cond::E, done);
    simd.a.bind(top);
    row(&mut simd, s);
    super::add_imm(&mut simd.a, RSI, s.a_row_bytes, RDX);
    super::add_imm(&mut simd.a, R12, s.d_row_bytes, RDX);
    simd.a.dec(RCX);
    simd.a.jcc(Cond::Ne, top);
    simd.a.bind(done);
    epilogue(&mut simd);
    simd.a.finish()
}

fn row(simd: &mut Simd, s: &Widen) {
    let row_bytes = s.n * s.a.size_bytes();
    let (groups, odd_bytes) = (row_bytes / 4, row_bytes % 4);
    let full = simd.full();
    let whole = groups / GROUPS;
    repeat(simd, R13, 0, GROUPS, whole, |simd, at| {
        simd.a.mov_rr(RAX, RSI);
        simd.a.mov_rr(RBX, R12);
        at.add_scaled(&mut simd.a, RAX, 4, RDX);
        at.add_scaled(&mut simd.a, RBX, 8, RDX);
        simd.load32(0, Mem::new(RAX, 0), full);
        widen(simd, s.a);
        store(simd, Mem::new(RBX, 0), GROUPS);
    });
    let (at, rest) = (whole * GROUPS, groups % GROUPS);
    let place = |at: usize| {
        let (from, to) = ((at * 4) as i32, (at * 8) as i32);
        (Mem::new(RSI, from), Mem::new(R12, to))
    };
    if rest > 0 {
        let (from, to) = place(at);
        let lanes = simd.lanes(rest);
        simd.set_mask(lanes);
        simd.load32(0, from, lanes);
        widen(simd, s.a);
        store(simd, to, rest);
    }
    if odd_bytes > 0 {
        let (from, to) = place(groups);
        simd.load_bytes(0, from, odd_bytes);
        widen(simd, s.a);
        store(simd, to, 1);
    }
}

/// The first groups of registers 0 and 1.
fn store(simd: &mut Simd, to: Mem, groups: usize) {
    for (reg, first) in [(0, 0), (1, GROUPS / 2)] {
        let count = groups.saturating_sub(first).min(GROUPS / 2);
        if count > 0 {
            let lanes = simd.lanes(2 * count);
            simd.set_mask(lanes);
            simd.store32(to.plus(8 * first as i32), reg, lanes);
        }
    }
}

/// Eight groups in register 0, widened into registers 0 and 1.
fn widen(simd: &mut Simd, a: DataType) {
    const Y: Len = Len::Y;
    let (even, odd) = (1, 2);
    match a {
        DataType::Bf16 => {
            simd.a.vi(&VPSLLD, Y, even, 0, 0, 16);
            let high = simd.const_ps(0xffff_0000);
            simd.a.v(&VPAND, Y, odd, 0, high);
        }
        _ => {
            let shift = if a == DataType::S8 { &VPSRAW } else { &VPSRLW };
            simd.a.vi(&VPSLLW, Y, even, 0, 0, 8);
            simd.a.vi(shift, Y, even, 0, even, 8);
            simd.a.vi(shift, Y, odd, 0, 0, 8);
        }
    }
    simd.a.v(&VUNPCKLPS, Y, 3, even, odd);
    simd.a.v(&VUNPCKHPS, Y, 4, even, odd);
    simd.a.vi(&VPERM2F128, Y, 0, 3, 4, 0x20);
    simd.a.vi(&VPERM2F128, Y, 1, 3, 4, 0x31);
}
