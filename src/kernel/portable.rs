//! The portable kernel: honours every specification in plain Rust.
//!
//! It is the route of hosts that have no generated code and the reference of those that have. Work is done in full
//! blocks of fixed size, which the compiler vectorises; tails go through padded buffers. On x86 with FMA the same code
//! is compiled a second time with it, so that expressions round as the generated kernels do.
#![allow(unsafe_code)]

mod elem;
mod gemm;
mod interpret;
mod moves;

use super::spec::{Args, Spec, Tile};
use interpret::{Interpreter, LANES};

/// Runs `spec` over `args`.
///
/// # Safety
/// The pointers of `args` must be valid for what `spec` reads and writes.
pub unsafe fn run(spec: &Spec, args: &Args) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
    {
        // SAFETY: the features were just detected; the pointers are the caller's promise.
        return unsafe { run_with_fma(spec, args) };
    }
    // Elsewhere the compiler knows whether a fused multiply-add is an instruction or a slow call.
    const NATIVE: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
    // SAFETY: passed on to the caller.
    unsafe { dispatch::<NATIVE>(spec, args) }
}

/// # Safety
/// As [`run`], on a processor with the features.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn run_with_fma(spec: &Spec, args: &Args) {
    // SAFETY: passed on to the caller.
    unsafe { dispatch::<true>(spec, args) }
}

/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn dispatch<const FMA: bool>(spec: &Spec, args: &Args) {
    // SAFETY: passed on to the caller.
    unsafe {
        match spec {
            Spec::Brgemm(spec) => gemm::run::<FMA>(spec, args),
            Spec::Tile(spec) => tile::<FMA>(spec, args),
            Spec::Transpose(spec) => moves::transpose(spec, args),
            Spec::Interleave(spec) => moves::interleave(spec, args),
            Spec::Widen(spec) => moves::widen(spec, args),
            Spec::Reduce(spec) => moves::reduce(spec, args),
            Spec::Depthwise(spec) => gemm::depthwise::<FMA>(spec, args),
        }
    }
}

/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn tile<const FMA: bool>(spec: &Tile, args: &Args) {
    interpret::with_scratch(&spec.out.expr, |scratch| {
        let mut interpreter = Interpreter::<FMA>::new(&spec.out, args, scratch);
        for row in 0..args.m {
            for col in (0..spec.n).step_by(LANES) {
                // SAFETY: passed on to the caller: rows below `m`, columns below `n`.
                unsafe { interpreter.block(row, col, LANES.min(spec.n - col), None) };
            }
        }
    })
}

#[cfg(test)]
mod tests;
