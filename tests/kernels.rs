//! Every kind of kernel against naive evaluation, at every instruction-set rung of this machine: sizes below, at and
//! above the tile edges, all types, batch kinds, strides and epilogues, guard pages behind every operand.
//!
//! `BRICK_TEST_TRACE=1` prints each case before it runs, which tells which one touched a guard page;
//! `BRICK_TEST_ROUNDS=100` runs the random cases so many times, with other numbers each time.

#![allow(unsafe_code)]

mod oracle;

use brick::dtype::DataType::{self, *};
use brick::kernel::expr::{Bcast, Builder, Expr, Id, Node, Pred};
use brick::kernel::spec::{Batch, Brgemm, Interleave, Out, Reduce, Tile, Transpose};
use brick::machine::{Isa, machine};
use oracle::kernel::{self, Bench, Data, Verdict, block_extents};
use oracle::random::Random;
use std::fmt::Debug;

const M: [usize; 7] = [1, 2, 6, 7, 12, 13, 28];
const N: [usize; 15] = [1, 7, 8, 9, 15, 16, 17, 31, 33, 48, 63, 64, 65, 80, 100];
const K: [usize; 8] = [1, 2, 3, 4, 5, 16, 17, 64];
const BATCHES: [usize; 4] = [1, 0, 3, 17];
const TYPES: [DataType; 6] = [F32, Bf16, F16, S32, S8, U8];
/// Operand types of a brgemm.
const PAIRS: [(DataType, DataType); 7] = [
    (F32, F32),
    (Bf16, Bf16),
    (F16, F16),
    (U8, S8),
    (S8, S8),
    (U8, U8),
    (S8, U8),
];

fn rungs() -> impl Iterator<Item = Isa> {
    let all = [
        Isa::Portable,
        Isa::Avx2,
        Isa::Avx512,
        Isa::Avx512Vnni,
        Isa::Avx512Bf16,
    ];
    all.into_iter().filter(|isa| *isa <= machine().isa)
}

/// How often random cases are drawn anew.
fn rounds() -> u64 {
    let text = std::env::var("BRICK_TEST_ROUNDS").unwrap_or_default();
    text.parse().unwrap_or(1)
}

/// Collects what failed, so that one run shows the pattern.
#[derive(Default)]
struct Report {
    cases: usize,
    failures: Vec<String>,
}

impl Report {
    fn add(&mut self, case: impl Debug, verdict: Verdict) {
        self.cases += 1;
        if let Err(reason) = verdict {
            self.failures.push(format!("{reason}\n    {case:?}"));
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.failures.is_empty() {
            let shown = self
                .failures
                .iter()
                .take(8)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n");
            panic!(
                "{} of {} cases fail:\n{shown}",
                self.failures.len(),
                self.cases
            );
        }
    }
}

/// The accumulator (or an operand) as it is.
fn plain(int: bool) -> Expr {
    let mut b = Builder::new();
    let acc = b.push(Node::Acc);
    b.finish(acc, int)
}

/// An operand as it is.
fn copy(dtype: DataType, bcast: Bcast, int: bool) -> Expr {
    let mut b = Builder::new();
    let x = b.push(Node::Load {
        slot: 0,
        dtype,
        bcast,
        int,
    });
    b.finish(x, int)
}

/// An odd row pitch in bytes for rows of `n` elements.
fn pitch(n: usize, t: DataType, random: &mut Random) -> i64 {
    let gap = random.pick(&[0, 0, 1, 16]);
    ((n + gap) * t.size_bytes()) as i64
}

/// A random operand of a random type and broadcast.
fn random_load(slot: u8, n: usize, random: &mut Random) -> Node {
    let dtype = random.pick(&TYPES);
    let row_bytes = pitch(n, dtype, random);
    let column_bytes = dtype.size_bytes() as i64 * random.pick(&[1, 3]);
    let bcast = match random.below(4) {
        0 => Bcast::Scalar,
        1 => Bcast::Row,
        2 => Bcast::Col {
            row_bytes: column_bytes,
        },
        _ => Bcast::Full { row_bytes },
    };
    let int = dtype.is_int() && random.flip();
    Node::Load {
        slot,
        dtype,
        bcast,
        int,
    }
}

/// Writes random programs, keeping apart what is a float and what is an integer.
struct Program<'a> {
    b: Builder,
    floats: Vec<Id>,
    ints: Vec<Id>,
    random: &'a mut Random,
}

impl Program<'_> {
    fn push(&mut self, node: Node, int: bool) {
        let id = self.b.push(node);
        if int {
            self.ints.push(id)
        } else {
            self.floats.push(id)
        }
    }

    fn float(&mut self) -> Id {
        self.random.pick(&self.floats)
    }

    fn int(&mut self) -> Id {
        self.random.pick(&self.ints)
    }

    fn step(&mut self) {
        let (a, b, c) = (self.float(), self.float(), self.float());
        let (i, j) = (self.int(), self.int());
        let by = self.random.below(32) as u8;
        let pred = self
            .random
            .pick(&[Pred::Eq, Pred::Ne, Pred::Lt, Pred::Le, Pred::Gt, Pred::Ge]);
        let (node, int) = match self.random.below(24) {
            0 => (Node::Add(a, b), false),
            1 => (Node::Sub(a, b), false),
            2 | 3 => (Node::Mul(a, b), false),
            4 => (Node::Div(a, b), false),
            5 => (Node::Min(a, b), false),
            6 => (Node::Max(a, b), false),
            7 | 8 => (Node::Fma(a, b, c), false),
            9 => (Node::Sqrt(a), false),
            10 => (Node::Round(a), false),
            11 => (Node::Floor(a), false),
            12 => {
                let [low, high] = [-252.0, 252.0].map(|f| self.b.float(f));
                let n = self.b.push(Node::Round(b));
                let n = self.b.push(Node::Max(n, low));
                let n = self.b.push(Node::Min(n, high));
                (Node::Scale(a, n), false)
            }
            13 | 14 => (
                Node::Select {
                    pred,
                    x: a,
                    y: b,
                    a: c,
                    b: a,
                },
                false,
            ),
            15 => (
                Node::Select {
                    pred,
                    x: a,
                    y: b,
                    a: i,
                    b: j,
                },
                true,
            ),
            16 => (Node::And(i, j), true),
            17 => (Node::Or(i, j), true),
            18 => (Node::Xor(i, a), true),
            19 => (Node::AddI(i, j), true),
            20 => (Node::SubI(i, j), true),
            21 => (Node::MulI(i, j), true),
            22 if self.random.flip() => (Node::Shl(i, by), true),
            22 => (Node::Shr(i, by), true),
            _ if self.random.flip() => (Node::ToInt(a), true),
            _ => (Node::ToFloat(i), false),
        };
        self.push(node, int);
    }
}

/// A program of about `steps` operations over operands, constants, the old D and perhaps the accumulator.
fn random_expr(
    n: usize,
    d: DataType,
    acc: Option<bool>,
    steps: usize,
    random: &mut Random,
) -> Expr {
    let (b, floats, ints) = (Builder::new(), Vec::new(), Vec::new());
    let mut p = Program {
        b,
        floats,
        ints,
        random,
    };
    p.push(Node::Const(1.5f32.to_bits()), false);
    p.push(Node::Const(0x55), true);
    if let Some(int) = acc {
        p.push(Node::Acc, int);
    }
    for slot in 0..p.random.below(5) as u8 {
        let load = random_load(slot, n, p.random);
        p.push(load, matches!(load, Node::Load { int: true, .. }));
    }
    if p.random.flip() {
        let same_size: Vec<DataType> = TYPES
            .into_iter()
            .filter(|t| t.size_bytes() == d.size_bytes())
            .collect();
        let dtype = p.random.pick(&same_size);
        p.push(Node::LoadD { dtype }, false);
    }
    (0..steps).for_each(|_| p.step());
    let int = p.random.below(4) == 0;
    let last = if int { p.ints.last() } else { p.floats.last() };
    let result = *last.expect("both kinds start with a constant");
    p.b.finish(result, int)
}

/// bias and scale by column, relu: the commonest epilogue.
fn bias_scale_relu(int_acc: bool) -> Expr {
    let mut b = Builder::new();
    let acc = b.push(Node::Acc);
    let x = if int_acc {
        b.push(Node::ToFloat(acc))
    } else {
        acc
    };
    let load = |slot, dtype| Node::Load {
        slot,
        dtype,
        bcast: Bcast::Row,
        int: false,
    };
    let (scale, bias) = (b.push(load(0, F32)), b.push(load(1, Bf16)));
    let y = b.push(Node::Fma(x, scale, bias));
    let zero = b.float(0.0);
    let y = b.push(Node::Max(y, zero));
    b.finish(y, false)
}

/// The sum post-op: the old D counts twice.
fn sum(int_acc: bool, dtype: DataType) -> Expr {
    let mut b = Builder::new();
    let acc = b.push(Node::Acc);
    let x = if int_acc {
        b.push(Node::ToFloat(acc))
    } else {
        acc
    };
    let old = b.push(Node::LoadD { dtype });
    let two = b.float(2.0);
    let y = b.push(Node::Fma(old, two, x));
    b.finish(y, false)
}

/// A brgemm of the given sizes; strides, layout of A, epilogue and output type follow from the random numbers.
fn random_brgemm(
    isa: Isa,
    (a, b): (DataType, DataType),
    (m, n, k): (usize, usize, usize),
    random: &mut Random,
) -> Brgemm {
    let (v, size) = (a.vnni(), a.size_bytes());
    let groups = k.div_ceil(v);
    let gap = |random: &mut Random| random.pick(&[0, 0, 4, 64]);
    let (a_row_bytes, a_group_bytes) = match random.below(4) {
        0 => (v * size, m * v * size + gap(random)),
        1 => (groups * v * size + gap(random), v * size),
        _ => (k * size + size * gap(random), v * size),
    };
    let int = a.is_int();
    let d = random.pick(&[F32, F32, Bf16, F16, S32, S8, U8]);
    let expr = match random.below(6) {
        0 | 1 => plain(int),
        2 => bias_scale_relu(int),
        3 => sum(int, d),
        _ => {
            let steps = random.pick(&[2, 6, 30]);
            random_expr(n, d, Some(int), steps, random)
        }
    };
    let mut s = Brgemm {
        isa,
        m,
        n,
        k,
        a,
        b,
        a_row_bytes: a_row_bytes as i64,
        a_group_bytes: a_group_bytes as i64,
        b_group_bytes: (n * v * size + gap(random)) as i64,
        batch: Batch::Address,
        beta: random.flip(),
        c_row_bytes: pitch(n, F32, random),
        out: Out {
            expr,
            d,
            d_row_bytes: pitch(n, d, random),
        },
    };
    s.batch = random_batch(&s, random);
    s
}

fn random_batch(s: &Brgemm, random: &mut Random) -> Batch {
    let (a, b) = block_extents(s);
    let stride = |extent: usize, random: &mut Random| match random.below(4) {
        0 => 0,
        _ => extent.next_multiple_of(4) as i64 + 4 * random.below(9) as i64,
    };
    match random.below(3) {
        0 => Batch::Address,
        1 => Batch::Offset,
        _ => Batch::Stride {
            a_bytes: stride(a, random),
            b_bytes: stride(b, random),
        },
    }
}

fn check_brgemm(
    bench: &mut Bench,
    report: &mut Report,
    s: &Brgemm,
    batch: usize,
    data: Data,
    seed: u64,
) {
    report.add(
        (s, batch, seed),
        kernel::brgemm(bench, s, batch, data, false, seed),
    );
}

/// All sizes of one pair of types: m × n with rotating reductions, then k × batch with rotating tiles.
fn brgemm_sizes(pair: (DataType, DataType)) {
    let (mut bench, mut report) = (Bench::new(), Report::default());
    for (isa, round) in rungs().flat_map(|isa| (0..rounds()).map(move |r| (isa, r))) {
        let mut random = Random(pair.0 as u64 * 100 + pair.1 as u64 + 10_000 * round);
        for (m, n) in M.into_iter().flat_map(|m| N.map(|n| (m, n))) {
            for _ in 0..3 {
                let (k, batch) = (random.pick(&K), random.pick(&BATCHES));
                let s = random_brgemm(isa, pair, (m, n, k), &mut random);
                check_brgemm(
                    &mut bench,
                    &mut report,
                    &s,
                    batch,
                    Data::Exact,
                    random.next(),
                );
            }
        }
        for (k, batch) in K.into_iter().flat_map(|k| BATCHES.map(|b| (k, b))) {
            for _ in 0..6 {
                let (m, n) = (random.pick(&M), random.pick(&N));
                let s = random_brgemm(isa, pair, (m, n, k), &mut random);
                check_brgemm(
                    &mut bench,
                    &mut report,
                    &s,
                    batch,
                    Data::Exact,
                    random.next(),
                );
            }
        }
    }
}

macro_rules! brgemm_tests {
    ($($name:ident $pair:expr;)*) => {$(
        #[test]
        fn $name() {
            brgemm_sizes(PAIRS[$pair]);
        }
    )*};
}

brgemm_tests! {
    brgemm_f32 0;
    brgemm_bf16 1;
    brgemm_f16 2;
    brgemm_u8s8 3;
    brgemm_s8s8 4;
    brgemm_u8u8 5;
    brgemm_s8u8 6;
}

/// Reals, within the rounding of a sum in any order.
#[test]
fn brgemm_of_reals() {
    let (mut bench, mut report) = (Bench::new(), Report::default());
    for isa in rungs() {
        for pair in [(F32, F32), (Bf16, Bf16), (F16, F16)] {
            let mut random = Random(9);
            for batch in [1, 3, 17] {
                let (m, n, k) = (random.pick(&M), random.pick(&N), random.pick(&K));
                let mut s = random_brgemm(isa, pair, (m, n, k), &mut random);
                for d in [F32, Bf16] {
                    s.out = Out {
                        expr: plain(false),
                        d,
                        d_row_bytes: pitch(n, d, &mut random),
                    };
                    check_brgemm(
                        &mut bench,
                        &mut report,
                        &s,
                        batch,
                        Data::Real,
                        random.next(),
                    );
                }
            }
        }
    }
}

/// C and D may be one matrix.
#[test]
fn brgemm_in_place() {
    let (mut bench, mut report) = (Bench::new(), Report::default());
    for isa in rungs() {
        for pair in PAIRS {
            let mut random = Random(5);
            for n in N {
                let (m, k, batch) = (random.pick(&M), random.pick(&K), random.pick(&BATCHES));
                let mut s = random_brgemm(isa, pair, (m, n, k), &mut random);
                let int = pair.0.is_int();
                s.beta = true;
                s.out = Out {
                    expr: plain(int),
                    d: if int { S32 } else { F32 },
                    d_row_bytes: s.c_row_bytes,
                };
                let seed = random.next();
                report.add(
                    (&s, batch, seed),
                    kernel::brgemm(&mut bench, &s, batch, Data::Exact, true, seed),
                );
            }
        }
    }
}

/// Large strides, as of a matrix inside a larger one.
#[test]
fn brgemm_far_apart() {
    let (mut bench, mut report) = (Bench::new(), Report::default());
    for isa in rungs() {
        for pair in PAIRS {
            let mut random = Random(6);
            for (m, n, k) in [(6, 33, 5), (13, 16, 17), (1, 100, 4)] {
                let mut s = random_brgemm(isa, pair, (m, n, k), &mut random);
                (s.a_row_bytes, s.a_group_bytes) =
                    (40_000, (pair.0.vnni() * pair.0.size_bytes()) as i64);
                s.b_group_bytes = 50_000;
                s.c_row_bytes = 60_000;
                s.out.d_row_bytes = 70_000;
                s.batch = random_batch(&s, &mut random);
                check_brgemm(&mut bench, &mut report, &s, 2, Data::Exact, random.next());
            }
        }
    }
}

fn check_tile(bench: &mut Bench, report: &mut Report, s: &Tile, rows: usize, seed: u64) {
    report.add((s, rows, seed), kernel::tile(bench, s, rows, seed));
}

#[test]
fn tile_converts_between_all_types() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(1));
    for isa in rungs() {
        for (from, d) in TYPES.into_iter().flat_map(|f| TYPES.map(|t| (f, t))) {
            for n in N {
                for int in [false, true] {
                    let bcast = Bcast::Full {
                        row_bytes: pitch(n, from, &mut random),
                    };
                    let expr = copy(from, bcast, int && from.is_int());
                    let d_row_bytes = pitch(n, d, &mut random);
                    let s = Tile {
                        isa,
                        n,
                        out: Out {
                            expr,
                            d,
                            d_row_bytes,
                        },
                    };
                    check_tile(
                        &mut bench,
                        &mut report,
                        &s,
                        random.pick(&[0, 1, 2, 5]),
                        random.next(),
                    );
                }
            }
        }
    }
}

#[test]
fn tile_loads_every_broadcast() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(2));
    for isa in rungs() {
        for (n, dtype) in N.into_iter().flat_map(|n| TYPES.map(|t| (n, t))) {
            let column = dtype.size_bytes() as i64 * 2;
            for bcast in [Bcast::Scalar, Bcast::Row, Bcast::Col { row_bytes: column }] {
                let (expr, d_row_bytes) = (copy(dtype, bcast, false), pitch(n, F32, &mut random));
                let s = Tile {
                    isa,
                    n,
                    out: Out {
                        expr,
                        d: F32,
                        d_row_bytes,
                    },
                };
                check_tile(&mut bench, &mut report, &s, 3, random.next());
            }
        }
    }
}

/// Random programs, short and so long that registers run out.
#[test]
fn tile_evaluates_random_programs() {
    let (mut bench, mut report) = (Bench::new(), Report::default());
    for isa in rungs() {
        let mut random = Random(3);
        for _ in 0..1500 * rounds() {
            let (n, d) = (random.pick(&N), random.pick(&TYPES));
            let steps = random.pick(&[1, 3, 10, 40, 80]);
            let expr = random_expr(n, d, None, steps, &mut random);
            let d_row_bytes = pitch(n, d, &mut random);
            let s = Tile {
                isa,
                n,
                out: Out {
                    expr,
                    d,
                    d_row_bytes,
                },
            };
            check_tile(
                &mut bench,
                &mut report,
                &s,
                random.pick(&[1, 2, 9]),
                random.next(),
            );
        }
    }
}

/// Sizes of moves, around the 8 and 16 rows and columns that fit registers.
const EDGES: [usize; 12] = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33, 64];

#[test]
fn transposes() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(4));
    for isa in rungs() {
        for (rows, cols) in EDGES.into_iter().flat_map(|r| EDGES.map(|c| (r, c))) {
            for (group_bytes, tail_bytes) in [(1, 0), (2, 0), (4, 0), (4, 1), (4, 2), (4, 3)] {
                let gap = |random: &mut Random| random.pick(&[0, 0, 1, 5]);
                let s = Transpose {
                    isa,
                    rows,
                    cols,
                    group_bytes,
                    tail_bytes,
                    a_row_bytes: ((cols + gap(&mut random)) * group_bytes) as i64,
                    d_row_bytes: ((rows + gap(&mut random)) * group_bytes) as i64,
                };
                report.add(&s, kernel::transpose(&mut bench, &s, random.next()));
            }
        }
    }
}

#[test]
fn interleaves() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(5));
    for isa in rungs() {
        for (k, n) in EDGES.into_iter().flat_map(|k| N.map(|n| (k, n))) {
            for elem_bytes in [1, 2] {
                let s = Interleave {
                    isa,
                    k,
                    n,
                    elem_bytes,
                    a_row_bytes: ((n + random.pick(&[0, 1, 7])) * elem_bytes) as i64,
                    d_row_bytes: ((n + random.pick(&[0, 1, 7])) * 4) as i64,
                };
                report.add(&s, kernel::interleave(&mut bench, &s, random.next()));
            }
        }
    }
}

#[test]
fn reductions_of_rows() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(6));
    for isa in rungs() {
        for (n, a) in N.into_iter().flat_map(|n| TYPES.map(|t| (n, t))) {
            for (beta, rows) in [
                (false, 0),
                (true, 0),
                (false, 1),
                (true, 2),
                (false, 5),
                (true, 64),
            ] {
                let s = Reduce {
                    isa,
                    n,
                    a,
                    a_row_bytes: pitch(n, a, &mut random),
                    beta,
                };
                report.add(
                    (&s, rows),
                    kernel::reduce(&mut bench, &s, rows, random.next()),
                );
            }
        }
    }
}
