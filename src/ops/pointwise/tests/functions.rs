//! Eltwise, binary and post-ops against formulas in f64.

use std::collections::BTreeMap;

use super::*;
use crate::{
    attr::{BinaryAlg, Eltwise, F32 as Float, PostOp},
    error::Status,
    ops::{Prop, binary, eltwise, epilogue::arg},
};

fn erf(x: f64) -> f64 {
    // The Taylor series converges quickly where the tests are.
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / n as f64;
        sum += term / (2 * n + 1) as f64;
    }
    (2.0 / std::f64::consts::PI.sqrt() * sum).clamp(-1.0, 1.0)
}

fn function(alg: Eltwise, a: f64, b: f64, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match alg {
        Eltwise::Relu => {
            if x > 0.0 {
                x
            } else {
                a * x
            }
        }
        Eltwise::Tanh => x.tanh(),
        Eltwise::Elu => {
            if x > 0.0 {
                x
            } else {
                a * (x.exp() - 1.0)
            }
        }
        Eltwise::Square => x * x,
        Eltwise::Abs => x.abs(),
        Eltwise::Sqrt => x.sqrt(),
        Eltwise::Linear => a * x + b,
        Eltwise::SoftRelu => (a * x).exp().ln_1p() / a,
        Eltwise::Hardsigmoid => (a * x + b).clamp(0.0, 1.0),
        Eltwise::Logistic => sigmoid(x),
        Eltwise::Exp => x.exp(),
        Eltwise::GeluTanh => {
            0.5 * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Eltwise::Swish => x * sigmoid(a * x),
        Eltwise::Log => x.ln(),
        Eltwise::Clip | Eltwise::ClipV2 => x.clamp(a, b),
        Eltwise::Pow => a * x.powf(b),
        Eltwise::GeluErf => 0.5 * x * (1.0 + erf(x / 2f64.sqrt())),
        Eltwise::Round => x.round_ties_even(),
        Eltwise::Mish => x * x.exp().ln_1p().tanh(),
        Eltwise::Hardswish => x * (a * x + b).clamp(0.0, 1.0),
    }
}

/// alpha and beta that suit an algorithm, and arguments within its domain and away from its kinks.
fn parameters(alg: Eltwise) -> (f32, f32, [f64; 6]) {
    let any = [-2.3, -1.1, -0.2, 0.3, 1.2, 2.6];
    let positive = [0.1, 0.4, 0.9, 1.3, 2.2, 3.7];
    match alg {
        Eltwise::Sqrt | Eltwise::Log => (0.0, 0.0, positive),
        Eltwise::Pow => (2.0, 1.5, positive),
        Eltwise::Clip | Eltwise::ClipV2 => (-1.0, 1.5, any),
        Eltwise::Hardsigmoid | Eltwise::Hardswish => (0.25, 0.5, any),
        _ => (0.5, 0.25, any),
    }
}

fn tolerance(dtype: DataType) -> f64 {
    match dtype {
        F32 => 2e-6,
        F16 => 2e-3,
        Bf16 => 1e-2,
        _ => 0.0,
    }
}

fn desc(alg: Eltwise, prop: Prop, data: MemoryDesc, dst: MemoryDesc) -> eltwise::Desc {
    let (alpha, beta, _) = parameters(alg);
    let (alpha, beta) = (Float::new(alpha), Float::new(beta));
    eltwise::Desc {
        prop,
        alg,
        use_dst: false,
        alpha,
        beta,
        data,
        dst,
        diff_src: MemoryDesc::absent(),
    }
}

#[test]
fn every_function_on_random_layouts() {
    let pools = pools();
    for (seed, alg) in (0..210).zip(Eltwise::ALL.iter().copied().cycle()) {
        let mut rng = Rng::new(seed);
        let (dims, dtype) = (random_dims(&mut rng), rng.pick(&[F32, Bf16, F16]));
        let (a, b, values) = parameters(alg);
        let layout = random_layout(&mut rng, &dims, dtype);
        let src = Tensor::filled(layout, || rng.pick(&values));
        let dst = Tensor::new(random_layout(&mut rng, &dims, F32));
        let op = Op::Eltwise(desc(alg, Prop::ForwardTraining, src.md, dst.md));
        let mut tensors = BTreeMap::from([(arg::SRC, src), (arg::DST, dst.clone())]);
        execute(&op, &Attr::default(), &mut tensors, &*pools[rng.below(2)]).unwrap();
        check(
            &tensors[&arg::DST],
            &dst,
            &format!("seed {seed} {alg:?}"),
            2e-6,
            |p| function(alg, a as f64, b as f64, tensors[&arg::SRC].get(p)),
        );
    }
}

#[test]
fn padding_stays_zero_where_the_function_of_zero_is_not() {
    let md = MemoryDesc::with_tag(&[2, 19, 3, 3], F32, "ABcd16b16a").unwrap();
    let src = Tensor::filled(md, || 0.5);
    let op = Op::Eltwise(desc(Eltwise::Exp, Prop::ForwardInference, md, md));
    // In place: one buffer under both arguments.
    let env = Env {
        isa: crate::machine::machine().isa,
        threads: 1,
    };
    let planned = op.plan(&Attr::default(), &env).unwrap();
    let mut both = src.clone();
    let ptr = both.data.as_mut_ptr();
    let exec = Exec {
        ptrs: &[ptr, ptr],
        scratch: std::ptr::null_mut(),
        pool: &crate::threads::Inline,
    };
    // SAFETY: the buffer holds the tensor, and the plan asks for no scratch.
    unsafe { planned.plan.compile().unwrap().run(&exec) };
    check(&both, &src, "in place", 1e-6, |_| 0.5f64.exp());
}

#[test]
fn integers_round_and_saturate() {
    for dtype in [S8, U8, S32] {
        let md = MemoryDesc::plain(&[37], dtype).unwrap();
        let mut i = -1.0;
        let src = Tensor::filled(md, || {
            i += 1.0;
            i
        });
        let op = Op::Eltwise(desc(
            Eltwise::Linear,
            Prop::ForwardInference,
            md,
            MemoryDesc::plain(&[37], U8).unwrap(),
        ));
        let dst = Tensor::new(MemoryDesc::plain(&[37], U8).unwrap());
        let mut tensors = BTreeMap::from([(arg::SRC, src), (arg::DST, dst.clone())]);
        execute(&op, &Attr::default(), &mut tensors, &crate::threads::Inline).unwrap();
        check(&tensors[&arg::DST], &dst, "linear", 0.0, |p| {
            p[0] as f64 * 0.5 + 0.25
        });
    }
}

#[test]
fn derivatives_agree_with_differences() {
    let pools = pools();
    let without_round = (Eltwise::ALL.iter().copied()).filter(|a| *a != Eltwise::Round);
    for (seed, alg) in (0..200).zip(without_round.cycle()) {
        let mut rng = Rng::new(seed);
        let (dims, dtype) = (random_dims(&mut rng), rng.pick(&[F32, Bf16, F16]));
        let (a, b, values) = parameters(alg);
        let (a, b) = (a as f64, b as f64);
        let use_dst = Eltwise::USE_DST.contains(&alg) && rng.below(2) == 0;
        let layout = random_layout(&mut rng, &dims, if use_dst { F32 } else { dtype });
        let mut src = Tensor::filled(layout, || rng.pick(&values));
        let diff_dst = Tensor::filled(random_layout(&mut rng, &dims, dtype), || {
            rng.below(9) as f64 - 4.0
        });
        let diff_src = Tensor::new(random_layout(&mut rng, &dims, dtype));
        let mut d = desc(alg, Prop::BackwardData, src.md, diff_dst.md);
        (d.use_dst, d.diff_src) = (use_dst, diff_src.md);
        let x = src.clone();
        if use_dst {
            positions(&dims).for_each(|p| src.set(&p, function(alg, a, b, x.get(&p))));
        }
        let data_id = if use_dst { arg::DST } else { arg::SRC };
        let mut tensors = BTreeMap::from([
            (data_id, src),
            (arg::DIFF_DST, diff_dst.clone()),
            (arg::DIFF_SRC, diff_src.clone()),
        ]);
        execute(
            &Op::Eltwise(d),
            &Attr::default(),
            &mut tensors,
            &*pools[rng.below(2)],
        )
        .unwrap();
        let what = format!("seed {seed} {alg:?} by dst: {use_dst}");
        check(
            &tensors[&arg::DIFF_SRC],
            &diff_src,
            &what,
            tolerance(dtype).max(2e-5),
            |p| {
                let (at, h) = (x.get(p), 1e-5);
                (function(alg, a, b, at + h) - function(alg, a, b, at - h)) / (2.0 * h)
                    * diff_dst.get(p)
            },
        );
    }
}

fn combine(alg: BinaryAlg, x: f64, y: f64, condition: f64) -> f64 {
    match alg {
        BinaryAlg::Add => x + y,
        BinaryAlg::Mul => x * y,
        BinaryAlg::Max => x.max(y),
        BinaryAlg::Min => x.min(y),
        BinaryAlg::Div => x / y,
        BinaryAlg::Sub => x - y,
        BinaryAlg::Ge => (x >= y) as u8 as f64,
        BinaryAlg::Gt => (x > y) as u8 as f64,
        BinaryAlg::Le => (x <= y) as u8 as f64,
        BinaryAlg::Lt => (x < y) as u8 as f64,
        BinaryAlg::Eq => (x == y) as u8 as f64,
        BinaryAlg::Ne => (x != y) as u8 as f64,
        BinaryAlg::Select => {
            if condition != 0.0 {
                x
            } else {
                y
            }
        }
    }
}

/// Some of the dims set to 1.
fn broadcast(rng: &mut Rng, dims: &[i64]) -> Vec<i64> {
    dims.iter()
        .map(|&n| if rng.below(3) == 0 { 1 } else { n })
        .collect()
}

fn operand(rng: &mut Rng, dims: &[i64]) -> Tensor {
    let dtype = rng.pick(&KERNEL_TYPES);
    let layout = random_layout(rng, dims, dtype);
    Tensor::filled(layout, || rng.pick(&[1.0, 2.0, 4.0, 8.0]))
}

#[test]
fn binaries_broadcast_scale_and_mix_types() {
    let pools = pools();
    for (seed, alg) in (0..390).zip(BinaryAlg::ALL.iter().copied().cycle()) {
        let mut rng = Rng::new(seed);
        let dims = random_dims(&mut rng);
        let mut small = [broadcast(&mut rng, &dims), dims.clone()];
        small.rotate_left(rng.below(2));
        let (src0, src1) = (operand(&mut rng, &small[0]), operand(&mut rng, &small[1]));
        let select = alg == BinaryAlg::Select;
        let src2 = Tensor::filled(random_layout(&mut rng, &dims, S8), || rng.below(2) as f64);
        let dst = Tensor::new(random_layout(&mut rng, &dims, F32));
        let desc = binary::Desc {
            alg,
            src0: src0.md,
            src1: src1.md,
            dst: dst.md,
            src2: if select {
                src2.md
            } else {
                MemoryDesc::absent()
            },
        };
        let mut attr = Attr::default();
        let scaled = rng.below(2) == 0;
        if scaled {
            attr.scales.insert(arg::SRC_1, quant(0, F32));
        }
        let scale = quant_values(&dims, 0, F32, || 2.0);
        let mut tensors = BTreeMap::from([
            (arg::SRC, src0),
            (arg::SRC_1, src1),
            (arg::SRC_2, src2),
            (arg::DST, dst.clone()),
            (arg::SCALES | arg::SRC_1, scale),
        ]);
        execute(
            &Op::Binary(desc),
            &attr,
            &mut tensors,
            &*pools[rng.below(2)],
        )
        .unwrap();
        check(
            &tensors[&arg::DST],
            &dst,
            &format!("seed {seed} {alg:?}"),
            0.0,
            |p| {
                let y = tensors[&arg::SRC_1].get_broadcast(p) * if scaled { 2.0 } else { 1.0 };
                combine(
                    alg,
                    tensors[&arg::SRC].get_broadcast(p),
                    y,
                    tensors[&arg::SRC_2].get(p),
                )
            },
        );
    }
}

#[test]
fn post_ops_apply_in_order() {
    let pools = pools();
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let dims = random_dims(&mut rng);
        let (src0, src1) = (operand(&mut rng, &dims), operand(&mut rng, &dims));
        let dst = Tensor::filled(random_layout(&mut rng, &dims, rng_float(seed)), || 2.0);
        let factor_dims = broadcast(&mut rng, &dims);
        let factor = operand(&mut rng, &factor_dims);
        let mask = rng.below(1 << dims.len()) as i32;
        let channels_last = ["", "a", "ab", "acb", "acdb", "acdeb", "acdefb"][dims.len()];
        let md = MemoryDesc::with_tag(&masked(&dims, mask), F32, channels_last).unwrap();
        let weights = Tensor::filled(md, || rng.pick(&[0.5, 2.0]));
        let post_ops = vec![
            PostOp::Binary {
                alg: BinaryAlg::Mul,
                src1: factor.md,
                src2: None,
            },
            PostOp::Sum {
                scale: Float::new(0.5),
                zero_point: 4,
                data_type: None,
            },
            PostOp::Prelu { mask },
            PostOp::Eltwise {
                alg: Eltwise::Linear,
                alpha: Float::new(2.0),
                beta: Float::new(1.0),
            },
        ];
        let attr = Attr {
            post_ops,
            ..Attr::default()
        };
        let desc = binary::Desc {
            alg: BinaryAlg::Sub,
            src0: src0.md,
            src1: src1.md,
            src2: MemoryDesc::absent(),
            dst: dst.md,
        };
        let mut tensors = BTreeMap::from([
            (arg::SRC, src0),
            (arg::SRC_1, src1),
            (arg::DST, dst.clone()),
            (arg::post_op(0) | arg::SRC_1, factor),
            (arg::post_op(2) | arg::WEIGHTS, weights),
        ]);
        execute(
            &Op::Binary(desc),
            &attr,
            &mut tensors,
            &*pools[rng.below(2)],
        )
        .unwrap();
        check(
            &tensors[&arg::DST],
            &dst,
            &format!("seed {seed}"),
            0.0,
            |p| {
                let of = |id: i32| tensors[&id].get_broadcast(p);
                let x = (of(arg::SRC) - of(arg::SRC_1)) * of(arg::post_op(0) | arg::SRC_1)
                    + 0.5 * (2.0 - 4.0);
                let x = if x > 0.0 {
                    x
                } else {
                    x * of(arg::post_op(2) | arg::WEIGHTS)
                };
                2.0 * x + 1.0
            },
        );
    }
}

fn rng_float(seed: u64) -> DataType {
    [F32, Bf16, F16][seed as usize % 3]
}

#[test]
fn layouts_left_open_follow_the_source() {
    let env = Env {
        isa: crate::machine::machine().isa,
        threads: 1,
    };
    let src = MemoryDesc::with_tag(&[2, 20, 3, 3], F32, "aBcd16b").unwrap();
    let any = MemoryDesc::any(&[2, 20, 3, 3], Bf16).unwrap();
    let planned = desc(Eltwise::Relu, Prop::ForwardTraining, src, any)
        .plan(&Attr::default(), &env)
        .unwrap();
    assert!(planned.args[1].md.same_layout(&src) && planned.args[1].md.dtype() == Bf16);
    let channel = MemoryDesc::plain(&[1, 20, 1, 1], F32).unwrap();
    let op = binary::Desc {
        alg: BinaryAlg::Add,
        src0: channel,
        src1: src,
        src2: MemoryDesc::absent(),
        dst: any,
    };
    let planned = op.plan(&Attr::default(), &env).unwrap();
    assert!(planned.args[2].md.same_layout(&src));
}

#[test]
fn refusals_name_the_argument_and_the_numbers() {
    let env = Env {
        isa: crate::machine::machine().isa,
        threads: 1,
    };
    let md = |dims: &[i64]| MemoryDesc::plain(dims, F32).unwrap();
    let refusal = |op: Op, attr: &Attr| op.plan(attr, &env).err().expect("a refusal");
    let none = Attr::default();

    let error = refusal(
        Op::Eltwise(desc(
            Eltwise::Relu,
            Prop::ForwardTraining,
            md(&[2, 3]),
            md(&[2, 4]),
        )),
        &none,
    );
    assert_eq!(error.status, Status::InvalidArguments);
    assert!(
        error.message.contains("[2, 3]") && error.message.contains("[2, 4]"),
        "{}",
        error.message
    );

    let mut reversed = desc(Eltwise::Clip, Prop::ForwardTraining, md(&[2]), md(&[2]));
    (reversed.alpha, reversed.beta) = (Float::new(2.0), Float::new(1.0));
    assert_eq!(
        refusal(Op::Eltwise(reversed), &none).status,
        Status::InvalidArguments
    );

    let wide = binary::Desc {
        alg: BinaryAlg::Add,
        src0: md(&[2, 3]),
        src1: md(&[2, 5]),
        src2: MemoryDesc::absent(),
        dst: md(&[2, 3]),
    };
    let error = refusal(Op::Binary(wide), &none);
    assert!(
        error.message.contains("src1") && error.message.contains("[2, 5]"),
        "{}",
        error.message
    );

    let mut attr = Attr::default();
    attr.scales.insert(arg::WEIGHTS, quant(0, F32));
    let error = refusal(
        Op::Eltwise(desc(
            Eltwise::Relu,
            Prop::ForwardTraining,
            md(&[2]),
            md(&[2]),
        )),
        &attr,
    );
    assert!(
        error.status == Status::Unimplemented && error.message.contains("33"),
        "{}",
        error.message
    );
}
