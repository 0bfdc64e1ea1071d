//! Ring 1: every element-wise algorithm and its derivative against f64 formulas, over a sweep of all f32 bit patterns,
//! at every rung of the instruction-set ladder.

mod reference;
mod rungs;

use brick::attr::{BinaryAlg, Eltwise};
use brick::dtype::DataType;
use brick::kernel::Kernel;
use brick::kernel::eltwise;
use brick::kernel::expr::{Bcast, Builder, Expr, Id, Node};
use brick::kernel::spec::{Args, Out, Spec, Tile};
use brick::machine::Isa;
use reference::Case;
use rungs::rungs;

fn truth(b: bool) -> f32 {
    f32::from(u8::from(b))
}

/// Every 16411th bit pattern, and the neighbourhood of the special values.
fn sweep() -> Vec<f32> {
    let special = [
        0.0,
        f32::MIN_POSITIVE,
        1.0,
        f32::MAX,
        f32::INFINITY,
        88.722_84,
        -103.972_08,
        9.01,
    ];
    let near = |x: f32| (-3..=3).map(move |d| f32::from_bits(x.to_bits().wrapping_add_signed(d)));
    let all = (0..u32::MAX).step_by(16411).map(f32::from_bits);
    let special = special.into_iter().flat_map(near);
    special.flat_map(|x| [x, -x]).chain(all).collect()
}

fn load(b: &mut Builder, slot: u8) -> Id {
    b.push(Node::Load {
        slot,
        dtype: DataType::F32,
        bcast: Bcast::Full { row_bytes: 0 },
        int: false,
    })
}

/// Applies an expression of two operands to one row.
fn apply(isa: Isa, expr: &Expr, x: &[f32], y: &[f32]) -> Vec<f32> {
    let spec = Spec::Tile(Tile {
        isa,
        n: x.len(),
        far: false,
        out: Out {
            expr: expr.clone(),
            d: DataType::F32,
            d_row_bytes: 0,
        },
    });
    let kernel = Kernel::get(&spec).expect("a kernel");
    let mut d = vec![f32::NAN; x.len()];
    let operands = [x.as_ptr().cast(), y.as_ptr().cast()];
    let args = Args {
        d: d.as_mut_ptr().cast(),
        m: 1,
        operands: operands.as_ptr(),
        ..Args::default()
    };
    // SAFETY: both operands and D have n elements.
    #[allow(unsafe_code)]
    unsafe {
        kernel.call(&args)
    };
    d
}

fn expression(case: &Case) -> Expr {
    let mut b = Builder::new();
    let x = load(&mut b, 0);
    let y = if case.derivative {
        eltwise::derivative(&mut b, case.alg, case.use_dst, case.alpha, case.beta, x)
    } else {
        eltwise::forward(&mut b, case.alg, case.alpha, case.beta, x)
    };
    b.finish(y, false)
}

/// The distance of `got` from `want` in units in the last place of f32 at `want`, but at least at `floor`.
fn ulps(got: f32, want: f64, floor: f64) -> f64 {
    let rounded = want as f32;
    if got == rounded || got.is_nan() && want.is_nan() {
        return 0.0;
    }
    let exponent = want.abs().max(floor).log2().floor().clamp(-126.0, 127.0);
    (f64::from(got) - want).abs() / (exponent - 23.0).exp2()
}

#[test]
fn every_algorithm_is_accurate_on_every_rung() {
    let xs = sweep();
    let mut failures = Vec::new();
    for case in reference::cases() {
        let expr = expression(&case);
        let xs: Vec<f32> = xs.iter().copied().filter(|&x| case.has(x)).collect();
        for isa in rungs() {
            let got = apply(isa, &expr, &xs, &xs);
            let errors = xs.iter().zip(&got).map(|(&x, &got)| {
                let want = (case.value)(f64::from(x), case.alpha.into(), case.beta.into());
                (ulps(got, want, case.floor), x, got, want)
            });
            let worst = errors.max_by(|a, b| a.0.total_cmp(&b.0)).expect("a value");
            let line = format!("{} {case}: {worst:?}", isa.name());
            println!("{line}");
            if worst.0.is_nan() || worst.0 > case.ulps {
                failures.push(line);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn rungs_agree_on_floats_and_integers() {
    let xs = sweep();
    for case in reference::cases() {
        let expr = expression(&case);
        let want = apply(Isa::Portable, &expr, &xs, &xs);
        for isa in rungs().into_iter().skip(1) {
            let got = apply(isa, &expr, &xs, &xs);
            for ((x, want), got) in xs.iter().zip(&want).zip(&got) {
                let same = want.to_bits() == got.to_bits() || want.is_nan() && got.is_nan();
                assert!(same, "{} {case} at {x:e}: {want:e} and {got:e}", isa.name());
            }
        }
    }
}

#[test]
fn binary_algorithms_follow_their_definitions() {
    use BinaryAlg::*;
    let xs: Vec<f32> = sweep().into_iter().step_by(7).collect();
    let ys: Vec<f32> = (xs.iter().rev().enumerate())
        .map(|(i, &y)| if i % 5 == 0 { xs[i] } else { y })
        .collect();
    type Want = fn(f32, f32) -> f32;
    let cases: [(BinaryAlg, Want); 12] = [
        (Add, |x, y| x + y),
        (Mul, |x, y| x * y),
        (Max, |x, y| if x > y { x } else { y }),
        (Min, |x, y| if x < y { x } else { y }),
        (Div, |x, y| x / y),
        (Sub, |x, y| x - y),
        (Ge, |x, y| truth(x >= y)),
        (Gt, |x, y| truth(x > y)),
        (Le, |x, y| truth(x <= y)),
        (Lt, |x, y| truth(x < y)),
        (Eq, |x, y| truth(x == y)),
        (Ne, |x, y| truth(x != y)),
    ];
    for (alg, want) in cases {
        let mut b = Builder::new();
        let (x, y) = (load(&mut b, 0), load(&mut b, 1));
        let value = eltwise::binary(&mut b, alg, x, y);
        let expr = b.finish(value, false);
        for isa in rungs() {
            for ((x, y), got) in xs.iter().zip(&ys).zip(apply(isa, &expr, &xs, &ys)) {
                let want = want(*x, *y);
                let same = want.to_bits() == got.to_bits() || want.is_nan() && got.is_nan();
                assert!(same, "{} {alg:?} of {x:e} and {y:e}: {got:e}", isa.name());
            }
        }
    }
}

#[test]
fn prelu_scales_what_is_not_positive() {
    let xs = [-2.0, -0.0, 0.0, 3.0];
    let ys = [0.5, 2.0, 2.0, 9.0];
    let mut b = Builder::new();
    let (x, y) = (load(&mut b, 0), load(&mut b, 1));
    let value = eltwise::prelu(&mut b, x, y);
    let expr = b.finish(value, false);
    for isa in rungs() {
        assert_eq!(apply(isa, &expr, &xs, &ys), [-1.0, 0.0, 0.0, 3.0]);
    }
}

#[test]
fn programs_are_shared_folded_and_trimmed() {
    let mut b = Builder::new();
    let x = load(&mut b, 0);
    let (two, three) = (b.float(2.0), b.float(3.0));
    let six = b.mul(two, three);
    let unused = b.sqrt(x);
    let (first, second) = (b.mul(x, six), b.mul(x, six));
    assert_eq!(first, second);
    assert_ne!(first, unused);
    let one = b.float(1.0);
    assert_eq!(b.mul(first, one), first);
    let expr = b.finish(first, false);
    let load = expr.nodes[0];
    assert_eq!(
        expr.nodes,
        [load, Node::Const(6f32.to_bits()), Node::Mul(0, 1)]
    );
    assert_eq!(expr.last_uses(), [2, 2, 3]);
}

#[test]
fn the_derivative_table_names_every_algorithm() {
    let derived = |alg: Eltwise| reference::cases().any(|c| c.alg == alg && c.derivative);
    let forward = |alg: Eltwise| reference::cases().any(|c| c.alg == alg && !c.derivative);
    for &alg in Eltwise::ALL {
        assert!(forward(alg) && derived(alg), "{alg:?}");
    }
}
