//! What docs/numerics.md says of conversions: every rung stores the same integer for the same float.
#![allow(unsafe_code)]

mod rungs;

use brick::dtype::DataType::{self, *};
use brick::kernel::Kernel;
use brick::kernel::expr::{Bcast, Expr};
use brick::kernel::spec::{Args, Out, Spec, Tile};
use brick::machine::Isa;
use rungs::rungs;

/// Values around every bound, ties, and what is no number; with what s8, u8 and s32 make of them.
const VALUES: [(f32, [i64; 3]); 20] = [
    (f32::NAN, [-128, 0, i32::MIN as i64]),
    (-f32::NAN, [-128, 0, i32::MIN as i64]),
    (f32::INFINITY, [127, 255, 2_147_483_520]),
    (f32::NEG_INFINITY, [-128, 0, i32::MIN as i64]),
    (f32::MAX, [127, 255, 2_147_483_520]),
    (2_147_483_648.0, [127, 255, 2_147_483_520]),
    (-2_147_483_648.0, [-128, 0, i32::MIN as i64]),
    (2_147_483_520.0, [127, 255, 2_147_483_520]),
    (0.5, [0, 0, 0]),
    (1.5, [2, 2, 2]),
    (2.5, [2, 2, 2]),
    (-0.5, [0, 0, 0]),
    (-1.5, [-2, 0, -2]),
    (126.5, [126, 126, 126]),
    (127.5, [127, 128, 128]),
    (-128.5, [-128, 0, -128]),
    (254.5, [127, 254, 254]),
    (255.5, [127, 255, 256]),
    (-0.0, [0, 0, 0]),
    (1e-42, [0, 0, 0]),
];

/// The values of a row of n, as stored by a kernel.
fn stored(isa: Isa, dtype: DataType, n: usize) -> Vec<i64> {
    let expr = Expr::load(F32, Bcast::Row, false);
    let out = Out {
        expr,
        d: dtype,
        d_row_bytes: 0,
    };
    let kernel = Kernel::get(&Spec::Tile(Tile {
        isa,
        n,
        far: false,
        out,
    }))
    .unwrap();
    let from: Vec<f32> = (0..n).map(|i| VALUES[i % VALUES.len()].0).collect();
    let mut to = vec![0u8; 4 * n];
    let operands = [from.as_ptr().cast::<u8>()];
    let args = Args {
        d: to.as_mut_ptr(),
        m: 1,
        operands: operands.as_ptr(),
        ..Args::default()
    };
    // SAFETY: both rows have n elements.
    unsafe { kernel.call(&args) };
    let element = |i: usize| match dtype {
        S8 => to[i] as i8 as i64,
        U8 => to[i] as i64,
        _ => i32::from_ne_bytes(to[4 * i..4 * i + 4].try_into().unwrap()) as i64,
    };
    (0..n).map(element).collect()
}

#[test]
fn floats_become_integers_as_documented_on_every_rung() {
    for isa in rungs() {
        for (column, dtype) in [S8, U8, S32].into_iter().enumerate() {
            for n in (1..40).chain([64, 65, 130]) {
                let want: Vec<i64> = (0..n).map(|i| VALUES[i % VALUES.len()].1[column]).collect();
                assert_eq!(stored(isa, dtype, n), want, "{isa:?} {dtype:?} n={n}");
            }
        }
    }
}
