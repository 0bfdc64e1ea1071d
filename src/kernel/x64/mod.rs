//! Generators for x86-64: one emitter for AVX2 and AVX-512.
//!
//! Every kernel keeps its argument pointer in rdi and a frame pointer in rbp, calls nothing and saves what it must.
//! `simd` levels the instruction sets, `expr` emits expressions, `brgemm`, `depthwise`, `tile` and `moves` are the kinds of kernels,
//! `blocking` chooses register tiles.

mod blocking;
mod brgemm;
mod depthwise;
mod expr;
mod moves;
mod simd;
mod tile;
mod widen;

use super::spec::{Brgemm, Spec};
use crate::error::Result;
use crate::jit::asm::{Asm, Cond, gpr::*};
use crate::supported;
use simd::Simd;

/// Machine code for a specification; refused where its strides are beyond what the code can address.
pub fn generate(spec: &Spec) -> Result<Vec<u8>> {
    match spec {
        Spec::Brgemm(s) => brgemm::emit(s),
        Spec::Tile(s) => tile::emit(s),
        Spec::Transpose(s) => moves::emit_transpose(s),
        Spec::Interleave(s) => moves::emit_interleave(s),
        Spec::Widen(s) => widen::emit(s),
        Spec::Reduce(s) => moves::emit_reduce(s),
        Spec::Depthwise(s) => depthwise::emit(s),
    }
}

/// The code of a brgemm that takes its arguments one by one.
pub fn generate_flat(spec: &Brgemm) -> Result<Vec<u8>> {
    brgemm::emit_flat(spec)
}

const SAVED: [u8; 5] = [RBX, R12, R13, R14, R15];

fn prologue(simd: &mut Simd) {
    simd.a.push(RBP);
    simd.a.mov_rr(RBP, RSP);
    SAVED.iter().for_each(|r| simd.a.push(*r));
}

fn epilogue(simd: &mut Simd) {
    simd.a.vzeroupper();
    SAVED.iter().rev().for_each(|r| simd.a.pop(*r));
    simd.a.pop(RBP);
    simd.a.ret();
}

/// A position along one dimension: known when the code is generated, or in a register.
#[derive(Clone, Copy, Debug)]
struct Pos {
    reg: Option<u8>,
    base: usize,
}

impl Pos {
    /// A position that is known now.
    fn known(base: usize) -> Pos {
        Pos { reg: None, base }
    }

    /// `dst += position * scale`; overwrites `temp` when the position is in a register.
    fn add_scaled(self, a: &mut Asm, dst: u8, scale: i64, temp: u8) {
        match self.reg {
            Some(reg) if i32::try_from(scale).is_ok() => {
                a.imul_rri(temp, reg, scale as i32);
                a.add_rr(dst, temp);
            }
            Some(reg) => {
                a.mov_ri(temp, scale);
                a.imul_rr(temp, reg);
                a.add_rr(dst, temp);
            }
            None => add_imm(a, dst, self.base as i64 * scale, temp),
        }
    }
}

/// Refuses strides whose multiples exceed the 32-bit displacement of an address.
fn check_reach(terms: impl IntoIterator<Item = (i64, usize)>) -> Result<()> {
    let mut reach = 0;
    for (stride, count) in terms {
        reach += i128::from(stride).abs() * count as i128;
        supported!(
            reach < i128::from(i32::MAX),
            "a stride of {stride} bytes is too large for generated code"
        );
    }
    Ok(())
}

/// `dst += imm`; overwrites `temp` when the number is large.
fn add_imm(a: &mut Asm, dst: u8, imm: i64, temp: u8) {
    match i32::try_from(imm) {
        Ok(0) => {}
        Ok(small) => a.add_ri(dst, small),
        Err(_) => {
            a.mov_ri(temp, imm);
            a.add_rr(dst, temp);
        }
    }
}

/// Emits `body` for the positions first, first + step, … (`count` of them): once when there is one, else in a loop that
/// counts in `reg`.
fn repeat<G: AsMut<Simd>>(
    g: &mut G,
    reg: u8,
    first: usize,
    step: usize,
    count: usize,
    mut body: impl FnMut(&mut G, Pos),
) {
    if count <= 1 {
        (0..count).for_each(|_| body(g, Pos::known(first)));
        return;
    }
    let a = &mut g.as_mut().a;
    let top = a.label();
    a.mov_ri(reg, first as i64);
    a.bind(top);
    body(
        g,
        Pos {
            reg: Some(reg),
            base: 0,
        },
    );
    let a = &mut g.as_mut().a;
    a.add_ri(reg, step as i32);
    a.cmp_ri(reg, (first + step * count) as i32);
    a.jcc(Cond::L, top);
}
