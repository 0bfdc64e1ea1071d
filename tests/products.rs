//! Ring 2 for matmul and inner product: every pass, type and layout against naive loops over logical positions.
#![allow(unsafe_code)]

#[allow(dead_code)] // kernels need more of it
#[path = "oracle/number.rs"]
mod number;
mod rungs;

use brick::attr::{Attr, BinaryAlg, Eltwise, F32 as Float, PostOp, Quant};
use brick::dtype::DataType::{self, *};
use brick::error::Status;
use brick::machine::{Isa, effective_isa, machine};
use brick::memory::MemoryDesc;
use brick::ops::{Env, Exec, Op, Planned, Prop, inner_product, matmul};
use brick::threads::{Inline, Pool};
use number::{decode, encode};
use rungs::rungs;
use std::alloc::{Layout, alloc_zeroed};

/// A pool that claims several threads and runs their parts in reverse, so that order cannot matter.
struct Fake(usize);

impl Pool for Fake {
    fn len(&self) -> usize {
        self.0
    }
    fn is_concurrent(&self) -> bool {
        false
    }
    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        (0..n).rev().for_each(f);
    }
}

/// A tensor of small integers (exact in every type), filled by logical position.
#[derive(Clone)]
struct Tensor {
    md: MemoryDesc,
    bytes: Vec<u8>,
}

/// A value as an element of this type holds it.
fn rounded(t: DataType, value: f64) -> f64 {
    decode(t, &encode(t, value))
}

fn positions(dims: &[i64]) -> Vec<Vec<i64>> {
    let count: i64 = dims.iter().product();
    let split = |mut i: i64| {
        let mut p = vec![0; dims.len()];
        for d in (0..dims.len()).rev() {
            p[d] = i % dims[d];
            i /= dims[d];
        }
        p
    };
    (0..count).map(split).collect()
}

impl Tensor {
    fn new(md: &MemoryDesc, seed: i64) -> Tensor {
        let mut t = Tensor {
            md: *md,
            bytes: vec![0; md.size_bytes()],
        };
        let low = if md.dtype() == U8 { 0 } else { -3 };
        for (i, p) in positions(md.dims()).iter().enumerate() {
            t.set(p, ((i as i64 * 37 + seed * 11) % 7 + low) as f64);
        }
        t
    }
    fn poisoned(md: &MemoryDesc) -> Tensor {
        let mut t = Tensor {
            md: *md,
            bytes: vec![0; md.size_bytes()],
        };
        positions(md.dims()).iter().for_each(|p| t.set(p, 99.0));
        t
    }
    fn at(&self, p: &[i64]) -> usize {
        self.md.offset(p) as usize * self.md.dtype().size_bytes()
    }
    fn get(&self, p: &[i64]) -> f64 {
        decode(self.md.dtype(), &self.bytes[self.at(p)..])
    }
    fn set(&mut self, p: &[i64], v: f64) {
        let (at, t) = (self.at(p), self.md.dtype());
        let element = encode(t, v);
        self.bytes[at..at + element.len()].copy_from_slice(&element);
    }
}

/// Plans, compiles and runs; inputs by argument number, in order of the plan's list.
fn run(
    op: &Op,
    attr: &Attr,
    isa: Isa,
    threads: usize,
    input: impl Fn(i32, &MemoryDesc) -> Tensor,
) -> (Planned, Vec<Tensor>) {
    let planned = op
        .plan(attr, &Env { isa, threads })
        .unwrap_or_else(|e| panic!("{op:?}: {}", e.message));
    let made = |a: &brick::ops::Arg| {
        if a.output {
            Tensor::poisoned(&a.md)
        } else {
            input(a.id, &a.md)
        }
    };
    let mut tensors: Vec<Tensor> = planned.args.iter().map(made).collect();
    let ptrs: Vec<*mut u8> = tensors.iter_mut().map(|t| t.bytes.as_mut_ptr()).collect();
    let layout = Layout::from_size_align(planned.scratch_bytes.max(1), 64).unwrap();
    // SAFETY: the layout has a size.
    let scratch = unsafe { alloc_zeroed(layout) };
    let (inline, fake) = (Inline, Fake(threads));
    let pool: &dyn Pool = if threads == 1 { &inline } else { &fake };
    let runnable = planned.plan.compile().unwrap();
    // SAFETY: pointers and scratch have the planned sizes.
    unsafe {
        runnable.run(&Exec {
            ptrs: &ptrs,
            scratch,
            pool,
        })
    };
    // SAFETY: allocated above with this layout.
    unsafe { std::alloc::dealloc(scratch, layout) };
    (planned, tensors)
}

fn of<'a>(planned: &Planned, tensors: &'a [Tensor], id: i32) -> &'a Tensor {
    let at = planned.args.iter().position(|a| a.id == id);
    &tensors[at.unwrap_or_else(|| panic!("the plan has no argument {id}"))]
}

fn md(dims: &[i64], t: DataType, tag: &str) -> MemoryDesc {
    if tag == "any" {
        MemoryDesc::any(dims, t).unwrap()
    } else {
        MemoryDesc::with_tag(dims, t, tag).unwrap()
    }
}

fn seed(id: i32, md: &MemoryDesc) -> Tensor {
    Tensor::new(md, id as i64)
}

#[test]
fn matmul_types_layouts_and_sizes() {
    let types = [
        (F32, F32, F32),
        (Bf16, Bf16, F32),
        (Bf16, Bf16, Bf16),
        (F16, F16, F32),
        (U8, S8, S32),
        (S8, S8, S8),
        (U8, S8, F32),
    ];
    for isa in rungs() {
        for (s, w, d) in types {
            for (m, n, k) in [
                (1, 1, 1),
                (5, 17, 3),
                (33, 70, 40),
                (64, 100, 65),
                (30, 16, 130),
            ] {
                for (ts, tw, td) in [
                    ("ab", "ab", "ab"),
                    ("ba", "ba", "ba"),
                    ("ab", "any", "ab"),
                    ("AB16b16a", "AB16b16a", "AB16b16a"),
                ] {
                    let desc = matmul::Desc {
                        src: md(&[m, k], s, ts),
                        weights: md(&[k, n], w, tw),
                        bias: md(&[1, n], F32, "ab"),
                        dst: md(&[m, n], d, td),
                    };
                    let (p, t) = run(
                        &Op::Matmul(desc),
                        &Attr::default(),
                        isa,
                        1 + (m as usize % 3),
                        seed,
                    );
                    let [src, wei, bia, dst] = [1, 33, 41, 17].map(|id| of(&p, &t, id));
                    for x in positions(&[m, n]) {
                        let sum: f64 = (0..k)
                            .map(|k| src.get(&[x[0], k]) * wei.get(&[k, x[1]]))
                            .sum();
                        let want = rounded(d, sum + bia.get(&[0, x[1]]));
                        assert_eq!(
                            dst.get(&x),
                            want,
                            "{} {s:?}{w:?}{d:?} {m}x{n}x{k} {ts} {tw} at {x:?}",
                            isa.name()
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn matmul_large_k_and_threads_give_the_same_bits() {
    let isas = [effective_isa(), rungs()[4]];
    let types = [(F32, F32, "ab"), (Bf16, Bf16, "any"), (U8, U8, "ab")];
    for (isa, (t, d, tag)) in isas.into_iter().flat_map(|isa| types.map(|t| (isa, t))) {
        let w = if t == U8 { S8 } else { t };
        // An interpreter is slow; K still spans blocks.
        let (m, n, k) = if isa > machine().isa {
            (20, 130, 3300)
        } else {
            (70, 200, 7000)
        };
        let desc = matmul::Desc {
            src: md(&[m, k], t, "ab"),
            weights: md(&[k, n], w, tag),
            bias: MemoryDesc::absent(),
            dst: md(&[m, n], d, "ab"),
        };
        let results = [1, 2, 5].map(|threads| {
            run(
                &Op::Matmul(desc.clone()),
                &Attr::default(),
                isa,
                threads,
                seed,
            )
        });
        let (p, r) = &results[0];
        let [src, wei, dst] = [1, 33, 17].map(|id| of(p, r, id));
        for x in positions(&[m, n]).into_iter().step_by(97) {
            let sum: f64 = (0..k)
                .map(|k| src.get(&[x[0], k]) * wei.get(&[k, x[1]]))
                .sum();
            let want = rounded(d, sum);
            assert_eq!(dst.get(&x), want, "{t:?} at {x:?}");
        }
        assert!(
            results
                .iter()
                .all(|(_, t)| t.last().unwrap().bytes == dst.bytes),
            "{t:?}: threads change bits"
        );
    }
}

#[test]
fn matmul_batches_broadcast() {
    for (s, w, d) in [
        ([3, 1, 9, 20], [1, 4, 20, 33], [3, 4, 9, 33]),
        ([2, 2, 1, 5], [2, 2, 5, 64], [2, 2, 1, 64]),
    ] {
        for threads in [1, 4] {
            let desc = matmul::Desc {
                src: md(&s, F32, "abcd"),
                weights: md(&w, F32, "abdc"),
                bias: MemoryDesc::absent(),
                dst: md(&d, F32, "acbd"),
            };
            let (p, t) = run(
                &Op::Matmul(desc),
                &Attr::default(),
                effective_isa(),
                threads,
                seed,
            );
            let [src, wei, dst] = [1, 33, 17].map(|id| of(&p, &t, id));
            for x in positions(&d) {
                let low = |dims: &[i64; 4], i: usize| if dims[i] == 1 { 0 } else { x[i] };
                let term = |k| {
                    src.get(&[low(&s, 0), low(&s, 1), x[2], k])
                        * wei.get(&[low(&w, 0), low(&w, 1), k, x[3]])
                };
                assert_eq!(dst.get(&x), (0..s[3]).map(term).sum::<f64>(), "at {x:?}");
            }
        }
    }
}

#[test]
fn matmul_attributes_in_order() {
    let (m, n, k) = (13, 37, 50);
    let quant = |mask| Quant {
        mask,
        data_type: F32,
        groups: vec![],
        on_host: false,
        mode: 0,
    };
    let mut attr = Attr::default();
    attr.scales.insert(1, quant(0));
    attr.scales.insert(33, quant(2));
    attr.scales.insert(17, quant(0));
    attr.post_ops = vec![
        PostOp::Sum {
            scale: Float::new(2.0),
            zero_point: 0,
            data_type: None,
        },
        PostOp::Eltwise {
            alg: Eltwise::Relu,
            alpha: Float::new(0.0),
            beta: Float::new(0.0),
        },
        PostOp::Binary {
            alg: BinaryAlg::Add,
            src1: md(&[m, 1], F32, "ab"),
            src2: None,
        },
    ];
    let desc = matmul::Desc {
        src: md(&[m, k], U8, "ab"),
        weights: md(&[k, n], S8, "any"),
        bias: MemoryDesc::absent(),
        dst: md(&[m, n], F32, "ab"),
    };
    let values = |id: i32, md: &MemoryDesc| match id {
        4113 => Tensor {
            md: *md,
            bytes: 4f32.to_le_bytes().to_vec(),
        },
        _ => seed(id, md),
    };
    for isa in rungs() {
        let (p, t) = run(&Op::Matmul(desc.clone()), &attr, isa, 1, values);
        let [src, wei, dst, s_src, s_wei, add] =
            [1, 33, 17, 4097, 4129, 3 * 32768 + 2].map(|id| of(&p, &t, id));
        for x in positions(&[m, n]) {
            let sum: f64 = (0..k)
                .map(|k| src.get(&[x[0], k]) * wei.get(&[k, x[1]]))
                .sum();
            let scaled = sum * s_src.get(&[0]) * s_wei.get(&[x[1]]) + 2.0 * 99.0;
            assert_eq!(
                dst.get(&x),
                (scaled.max(0.0) + add.get(&[x[0], 0])) / 4.0,
                "{} at {x:?}",
                isa.name()
            );
        }
    }
}

#[test]
fn empty_products() {
    let attr = Attr::default();
    for (m, n, k) in [(0, 5, 5), (5, 0, 5), (5, 5, 0)] {
        let desc = matmul::Desc {
            src: md(&[m, k], F32, "ab"),
            weights: md(&[k, n], F32, "ab"),
            bias: md(&[1, n], F32, "ab"),
            dst: md(&[m, n], F32, "ab"),
        };
        let (p, t) = run(&Op::Matmul(desc), &attr, effective_isa(), 2, seed);
        let [bia, dst] = [41, 17].map(|id| of(&p, &t, id));
        positions(&[m, n])
            .iter()
            .for_each(|x| assert_eq!(dst.get(x), bia.get(&[0, x[1]])));
    }
}

#[test]
fn inner_product_passes() {
    let shapes: [(&[i64], i64); 4] = [
        (&[33, 40], 70),
        (&[1, 100], 17),
        (&[7, 5, 3, 2], 20),
        (&[130, 64], 64),
    ];
    for isa in rungs() {
        for t in [F32, Bf16] {
            for (dims, oc) in shapes {
                let mut wdims = dims.to_vec();
                wdims[0] = oc;
                let tags: &[[&str; 3]] = if dims.len() == 2 {
                    &[
                        ["ab", "any", "ab"],
                        ["ab", "ab", "ab"],
                        ["ba", "ba", "ab"],
                        ["ab", "AB16b64a", "ab"],
                    ]
                } else {
                    &[
                        ["abcd", "any", "ab"],
                        ["acdb", "any", "ab"],
                        ["acdb", "acdb", "ab"],
                        ["aBcd16b", "abcd", "ab"],
                    ]
                };
                for [ts, tw, td] in tags {
                    check_passes(isa, t, (dims, ts), (&wdims, tw), (&[dims[0], oc], td));
                }
            }
        }
    }
}

type Shape<'a> = (&'a [i64], &'a str);

fn check_passes(isa: Isa, t: DataType, s: Shape, w: Shape, d: Shape) {
    let desc = |prop, bias: bool| inner_product::Desc {
        prop,
        src: md(s.0, t, s.1),
        weights: md(w.0, t, w.1),
        bias: if bias {
            md(&d.0[1..], t, "a")
        } else {
            MemoryDesc::absent()
        },
        dst: md(d.0, t, d.1),
    };
    let attr = Attr::default();
    let (mb, oc) = (d.0[0], d.0[1]);
    let inner = positions(&s.0[1..]);
    let with = |first: i64, p: &[i64]| [&[first], p].concat();
    let rounded = |v: f64| rounded(t, v);
    let label = format!("{} {t:?} {s:?} {w:?}", isa.name());

    let (p, x) = run(
        &Op::InnerProduct(desc(Prop::ForwardTraining, true)),
        &attr,
        isa,
        2,
        seed,
    );
    let [src, wei, bia, dst] = [1, 33, 41, 17].map(|id| of(&p, &x, id));
    for at in positions(d.0) {
        let sum: f64 = inner
            .iter()
            .map(|c| src.get(&with(at[0], c)) * wei.get(&with(at[1], c)))
            .sum();
        assert_eq!(
            dst.get(&at),
            rounded(sum + bia.get(&[at[1]])),
            "forward {label} at {at:?}"
        );
    }

    let (p, x) = run(
        &Op::InnerProduct(desc(Prop::BackwardData, false)),
        &attr,
        isa,
        2,
        seed,
    );
    let [wei, dst, src] = [33, 145, 129].map(|id| of(&p, &x, id));
    for (n, c) in (0..mb).flat_map(|n| inner.iter().map(move |c| (n, c))) {
        let sum: f64 = (0..oc)
            .map(|k| dst.get(&[n, k]) * wei.get(&with(k, c)))
            .sum();
        assert_eq!(
            src.get(&with(n, c)),
            rounded(sum),
            "backward data {label} at {n} {c:?}"
        );
    }

    let (p, x) = run(
        &Op::InnerProduct(desc(Prop::BackwardWeights, true)),
        &attr,
        isa,
        2,
        seed,
    );
    let [src, dst, wei, bia] = [1, 145, 161, 169].map(|id| of(&p, &x, id));
    for (k, c) in (0..oc).flat_map(|k| inner.iter().map(move |c| (k, c))) {
        let sum: f64 = (0..mb)
            .map(|n| dst.get(&[n, k]) * src.get(&with(n, c)))
            .sum();
        assert_eq!(
            wei.get(&with(k, c)),
            rounded(sum),
            "backward weights {label} at {k} {c:?}"
        );
    }
    for k in 0..oc {
        assert_eq!(
            bia.get(&[k]),
            rounded((0..mb).map(|n| dst.get(&[n, k])).sum()),
            "diff bias {label} at {k}"
        );
    }
}

#[test]
fn refusals_say_why() {
    let env = Env {
        isa: effective_isa(),
        threads: 1,
    };
    let plan = |s: [i64; 2], w: [i64; 2], d: [i64; 2], t: DataType| {
        let desc = matmul::Desc {
            src: md(&s, t, "ab"),
            weights: md(&w, t, "ab"),
            bias: MemoryDesc::absent(),
            dst: md(&d, F32, "ab"),
        };
        Op::Matmul(desc).plan(&Attr::default(), &env).err().unwrap()
    };
    let k = plan([2, 3], [4, 5], [2, 5], F32);
    assert_eq!(
        (k.status, k.message.contains('3') && k.message.contains('4')),
        (Status::InvalidArguments, true)
    );
    assert_eq!(
        plan([2, 3], [3, 5], [2, 5], F64).status,
        Status::Unimplemented
    );
}
