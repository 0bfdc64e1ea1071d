//! Reorders and sums between random layouts and types.

use std::collections::BTreeMap;

use super::*;
use crate::{
    attr::{F32 as Float, PostOp},
    machine::Isa,
    ops::{epilogue::arg, reorder, sum},
};

fn run_reorder(
    src: &Tensor,
    dst: &Tensor,
    attr: &Attr,
    more: &[(i32, Tensor)],
    pool: &dyn Pool,
) -> Tensor {
    let op = Op::Reorder(reorder::Desc {
        src: src.md,
        dst: dst.md,
    });
    let mut tensors: BTreeMap<i32, Tensor> = more.iter().cloned().collect();
    tensors.insert(arg::SRC, src.clone());
    tensors.insert(arg::DST, dst.clone());
    execute(&op, attr, &mut tensors, pool)
        .unwrap_or_else(|e| panic!("{}: {} -> {}", e.message, src.md, dst.md));
    tensors.remove(&arg::DST).unwrap()
}

#[test]
fn reorders_between_any_layouts_and_types() {
    let pools = pools();
    for seed in 0..600 {
        let mut rng = Rng::new(seed);
        let dims = random_dims(&mut rng);
        let (from, to) = (rng.pick(&KERNEL_TYPES), rng.pick(&KERNEL_TYPES));
        let to = if rng.below(2) == 0 { from } else { to };
        let src = Tensor::filled(random_layout(&mut rng, &dims, from), || {
            small_int(&mut Rng::new(seed), from)
        });
        let mut values = Rng::new(seed + 77);
        let src = Tensor::filled(src.md, || small_int(&mut values, from));
        let dst = Tensor::new(random_layout(&mut rng, &dims, to));
        let pool = rng.below(2);
        let got = run_reorder(&src, &dst, &Attr::default(), &[], &*pools[pool]);
        check(
            &got,
            &dst,
            &format!("seed {seed}: {} -> {}", src.md, dst.md),
            0.0,
            |p| src.get(p),
        );
    }
}

#[test]
fn copies_of_other_types_keep_every_bit() {
    for (seed, dtype) in (0..120).zip([F64, S64, Boolean, F8E5m2, Bf16, S32].into_iter().cycle()) {
        let mut rng = Rng::new(seed);
        let dims = random_dims(&mut rng);
        let mut src = Tensor::filled(random_layout(&mut rng, &dims, dtype), || 0.0);
        for pos in positions(&dims) {
            let at = src.at(&pos);
            (0..dtype.size_bytes()).for_each(|i| src.data[at + i] = rng.below(256) as u8);
        }
        let dst = Tensor::new(random_layout(&mut rng, &dims, dtype));
        let got = run_reorder(&src, &dst, &Attr::default(), &[], &Inline);
        for pos in positions(&dims) {
            let (a, b) = (src.at(&pos), got.at(&pos));
            let n = dtype.size_bytes();
            assert_eq!(
                src.data[a..a + n],
                got.data[b..b + n],
                "seed {seed}: {} -> {} at {pos:?}",
                src.md,
                dst.md
            );
        }
    }
}

#[test]
fn reorders_quantise() {
    let pools = pools();
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let dims = random_dims(&mut rng);
        let (from, to) = (rng.pick(&KERNEL_TYPES), rng.pick(&KERNEL_TYPES));
        let src = Tensor::filled(random_layout(&mut rng, &dims, from), {
            let mut values = Rng::new(seed + 5);
            move || small_int(&mut values, from)
        });
        let dst = Tensor::filled(random_layout(&mut rng, &dims, to), || 3.0);
        let mut attr = Attr::default();
        let mut more = Vec::new();
        let mut masks = BTreeMap::new();
        for id in [arg::SRC, arg::DST] {
            let mask = rng.below(1 << dims.len()) as i32;
            attr.scales.insert(id, quant(mask, F32));
            let values = quant_values(&dims, mask, F32, || rng.pick(&[0.5, 1.0, 2.0]));
            more.push((arg::SCALES | id, values));
            let mask = if rng.below(2) == 0 { 0 } else { 1 };
            attr.zero_points.insert(id, quant(mask, S32));
            more.push((
                arg::ZERO_POINTS | id,
                quant_values(&dims, mask, S32, || rng.below(9) as f64 - 4.0),
            ));
            masks.insert(id, mask);
        }
        let sum = rng.below(2) == 0;
        if sum {
            attr.post_ops.push(PostOp::Sum {
                scale: Float::new(2.0),
                zero_point: 1,
                data_type: None,
            });
        }
        let got = run_reorder(&src, &dst, &attr, &more, &*pools[rng.below(2)]);
        let value =
            |id: i32, p: &[i64]| more.iter().find(|m| m.0 == id).unwrap().1.get_broadcast(p);
        check(
            &got,
            &dst,
            &format!("seed {seed}: {} -> {}", src.md, dst.md),
            0.0,
            |p| {
                let mut x =
                    (src.get(p) - value(arg::ZERO_POINTS | 1, p)) * value(arg::SCALES | 1, p);
                if sum {
                    x += 2.0 * (3.0 - 1.0);
                }
                x / value(arg::SCALES | 17, p) + value(arg::ZERO_POINTS | 17, p)
            },
        );
    }
}

#[test]
fn sums_inputs_of_any_layout_and_type() {
    let pools = pools();
    for seed in 0..120 {
        let mut rng = Rng::new(seed);
        let dims = random_dims(&mut rng);
        let mut tensors = BTreeMap::new();
        let (mut srcs, mut scales) = (Vec::new(), Vec::new());
        for i in 0..1 + rng.below(7) {
            let dtype = rng.pick(&KERNEL_TYPES);
            let t = Tensor::filled(random_layout(&mut rng, &dims, dtype), || 0.0);
            let t = Tensor::filled(t.md, || rng.below(8) as f64);
            srcs.push(t.md);
            scales.push(Float::new(rng.pick(&[1.0, 2.0, 0.5])));
            tensors.insert(arg::MULTIPLE_SRC + i as i32, t);
        }
        let dst = Tensor::new(random_layout(&mut rng, &dims, F32));
        tensors.insert(arg::DST, dst.clone());
        let op = Op::Sum(sum::Desc {
            scales: scales.clone(),
            srcs,
            dst: dst.md,
        });
        execute(&op, &Attr::default(), &mut tensors, &*pools[rng.below(2)]).unwrap();
        check(
            &tensors[&arg::DST],
            &dst,
            &format!("seed {seed}"),
            0.0,
            |p| {
                scales
                    .iter()
                    .enumerate()
                    .map(|(i, s)| s.get() as f64 * tensors[&(arg::MULTIPLE_SRC + i as i32)].get(p))
                    .sum()
            },
        );
    }
}

#[test]
fn sum_without_dst_takes_the_first_layout() {
    let src = MemoryDesc::with_tag(&[2, 20, 3], F32, "aBc16b").unwrap();
    let op = sum::Desc {
        scales: vec![Float::new(1.0); 2],
        srcs: vec![src; 2],
        dst: MemoryDesc::absent(),
    };
    let planned = op
        .plan(
            &Attr::default(),
            &Env {
                isa: Isa::Portable,
                threads: 1,
            },
        )
        .unwrap();
    assert_eq!(planned.args.last().unwrap().md, src);
}
