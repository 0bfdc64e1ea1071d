//! Every kind of kernel against naive evaluation, at every instruction-set rung: sizes below, at and above the tile edges,
//! all types, batch kinds, strides and epilogues. Generated code is interpreted, with every access checked, and where
//! this machine can it also runs natively, with guard pages behind every operand, and must give the same bits.
//!
//! `BRICK_TEST_TRACE=1` prints each case before it runs, which tells which one touched a guard page;
//! `BRICK_TEST_ROUNDS=100` runs the random cases so many times, with other numbers each time.

#![allow(unsafe_code)]

mod oracle;
mod rungs;

use brick::dtype::DataType::{self, *};
use brick::kernel::Kernel;
use brick::kernel::expr::{Bcast, Builder, Node};
use brick::kernel::spec::{
    Args, Batch, Brgemm, Interleave, Mix, Out, Reduce, Spec, Tile, Transpose, Widen,
};
use oracle::bench::{Bench, Verdict};
use oracle::brgemm::{Data, brgemm};
use oracle::depthwise::depthwise;
use oracle::kernel;
use oracle::random::Random;
use oracle::specs::*;
use rungs::rungs;
use std::fmt::Debug;

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

fn check_brgemm(
    bench: &mut Bench,
    report: &mut Report,
    s: &Brgemm,
    batch: usize,
    data: Data,
    seed: u64,
) {
    report.add((s, batch, seed), brgemm(bench, s, batch, data, false, seed));
}

/// All sizes of one pair of types: m × n with rotating reductions, then k × batch with rotating tiles.
fn brgemm_sizes(pair: (DataType, DataType)) {
    let (mut bench, mut report) = (Bench::new(), Report::default());
    for (isa, round) in rungs()
        .into_iter()
        .flat_map(|isa| (0..rounds()).map(move |r| (isa, r)))
    {
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

/// Pairs of bytes whose sums just fit 16 bits, and some that do not.
#[test]
fn brgemm_of_seven_bits() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(17));
    for isa in rungs() {
        for _ in 0..150 * rounds() {
            let sizes = (random.pick(&M), random.pick(&N), random.pick(&K));
            let mut s = random_brgemm(isa, (U8, S8), sizes, &mut random);
            let d_row_bytes = pitch(s.n, S32, &mut random);
            s.out = Out::acc(true, S32, d_row_bytes);
            let (batch, seed) = (random.pick(&BATCHES), random.next());
            check_brgemm(&mut bench, &mut report, &s, batch, Data::SevenBits, seed);
        }
    }
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

/// Every type, with columns of equal number, or one column or all of a group; rows and taps meet inside and outside.
#[test]
fn depthwise_walks_over_taps() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(11));
    let groups = |(group, k)| Mix::Groups {
        group,
        k,
        b_group_bytes: 0,
    };
    for isa in rungs() {
        for pair in [(F32, F32), (Bf16, Bf16), (F16, F16), (U8, S8), (S8, S8)] {
            let columns = [2, 4, 8].map(|group| Mix::Column { group });
            let groups = [(2, 2), (4, 4), (8, 8), (4, 2), (2, 4), (8, 16)].map(groups);
            let fits = |mix: &Mix| match *mix {
                Mix::Groups { k, .. } => pair != (S8, S8) && k.is_multiple_of(pair.0.vnni()),
                _ => true,
            };
            let all = [Mix::Equal; 8].into_iter().chain(columns).chain(groups);
            for (mix, _) in all
                .filter(fits)
                .flat_map(|mix| (0..8 * rounds()).map(move |i| (mix, i)))
            {
                let s = random_depthwise(isa, pair, mix, &mut random);
                let (batch, column) = (random.pick(&BATCHES[..3]), random.below(2));
                let seed = random.next();
                report.add(
                    (&s, batch, column, seed),
                    depthwise(&mut bench, &s, (batch, column), seed),
                );
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
                    brgemm(&mut bench, &s, batch, Data::Exact, true, seed),
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

/// Strides that one row or group never uses may be anything.
#[test]
fn unused_strides_do_not_matter() {
    let (mut bench, mut report) = (Bench::new(), Report::default());
    for isa in rungs() {
        for far in [
            i64::MAX,
            i64::MAX / 8,
            1 << 40,
            i64::from(i32::MAX),
            i64::MIN,
            -1 << 31,
        ] {
            let mut random = Random(7);
            let mut s = random_brgemm(isa, (F32, F32), (1, 33, 1), &mut random);
            (s.a_row_bytes, s.a_group_bytes, s.b_group_bytes) = (far, far, far);
            (s.c_row_bytes, s.out.d_row_bytes) = (far, far);
            s.batch = random_batch(&s, &mut random);
            check_brgemm(&mut bench, &mut report, &s, 2, Data::Exact, 1);
            let out = Out {
                expr: copy(F32, Bcast::Full { row_bytes: far }, false),
                d: F32,
                d_row_bytes: far,
            };
            check_tile(
                &mut bench,
                &mut report,
                &Tile {
                    isa,
                    n: 33,
                    far: false,
                    out,
                },
                1,
                1,
            );
            let s = Transpose {
                isa,
                rows: 1,
                cols: 1,
                group_bytes: 4,
                tail_bytes: 0,
                a_row_bytes: far,
                d_row_bytes: far,
            };
            report.add(&s, kernel::transpose(&mut bench, &s, 1));
            let s = Interleave {
                isa,
                k: 1,
                n: 17,
                elem_bytes: 2,
                panel: 17,
                panel_bytes: 0,
                a_row_bytes: far,
                d_row_bytes: far,
            };
            report.add(&s, kernel::interleave(&mut bench, &s, 1));
            let s = Reduce {
                isa,
                n: 17,
                a: F32,
                a_row_bytes: far,
                beta: false,
            };
            report.add((&s, 1), kernel::reduce(&mut bench, &s, 1, 1));
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
                        far: false,
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
                    far: false,
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

/// D starts at a cache line where its rows are whole lines, since it ends at a page.
#[test]
fn tile_stores_past_the_caches() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(5));
    for isa in rungs() {
        for (n, d) in N
            .into_iter()
            .chain([64, 100])
            .flat_map(|n| [F32, S32, Bf16].map(|d| (n, d)))
        {
            let row_bytes = (n * d.size_bytes()) as i64;
            let s = Tile {
                isa,
                n,
                far: true,
                out: Out {
                    expr: copy(d, Bcast::Full { row_bytes }, d == S32),
                    d,
                    d_row_bytes: random.pick(&[(row_bytes + 63) / 64 * 64, row_bytes]),
                },
            };
            check_tile(&mut bench, &mut report, &s, 3, random.next());
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
                far: false,
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
            for elem_bytes in [1, 2, 4] {
                let panel = random.pick(&[n, 16, 64]);
                let d_row_bytes = (panel + random.pick(&[0, 1, 7])) * 4;
                let s = Interleave {
                    isa,
                    k,
                    n,
                    elem_bytes,
                    panel,
                    panel_bytes: (d_row_bytes * k + random.pick(&[0, 4])) as i64,
                    a_row_bytes: ((n + random.pick(&[0, 1, 7])) * elem_bytes) as i64,
                    d_row_bytes: d_row_bytes as i64,
                };
                report.add(&s, kernel::interleave(&mut bench, &s, random.next()));
            }
        }
    }
}

#[test]
fn widened_rows() {
    let (mut bench, mut report, mut random) = (Bench::new(), Report::default(), Random(9));
    for isa in rungs() {
        for (n, a) in N.into_iter().flat_map(|n| [Bf16, U8, S8].map(|t| (n, t))) {
            let groups = n.div_ceil(4 / a.size_bytes()) as i64;
            for rows in [1, 2, 7] {
                let s = Widen {
                    isa,
                    n,
                    a,
                    a_row_bytes: pitch(n, a, &mut random),
                    d_row_bytes: 8 * groups + random.pick(&[0, 8, 24]),
                };
                report.add(&s, kernel::widen(&mut bench, &s, rows, random.next()));
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

/// Address space for matrices whose rows lie gigabytes apart, of which only the rows themselves are ever touched.
struct Sparse(*mut u8);

impl Sparse {
    const BYTES: usize = 5 << 30;

    /// Nothing where the host does not lend that much.
    fn new() -> Option<Sparse> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping wherever the system likes.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), Self::BYTES, prot, flags, -1, 0) };
        (at != libc::MAP_FAILED).then_some(Sparse(at.cast()))
    }

    fn float(&self, byte: usize) -> *mut f32 {
        assert!(byte + 4 <= Self::BYTES && byte.is_multiple_of(4));
        // SAFETY: inside the mapping.
        unsafe { self.0.add(byte).cast() }
    }

    fn set(&self, byte: usize, value: f32) {
        // SAFETY: inside the mapping and aligned; one thread uses it.
        unsafe { self.float(byte).write(value) };
    }

    fn get(&self, byte: usize) -> f32 {
        // SAFETY: as above; fresh pages hold zeros.
        unsafe { self.float(byte).read() }
    }
}

impl Drop for Sparse {
    fn drop(&mut self) {
        // SAFETY: the whole mapping, unused from here on.
        unsafe { libc::munmap(self.0.cast(), Self::BYTES) };
    }
}

/// Three rows gigabytes apart, in every operand: C = beta·C + A·B plus an operand of the epilogue.
#[test]
fn rows_gigabytes_apart_are_found() {
    let Some(memory) = Sparse::new() else { return };
    const FAR: usize = (1 << 31) - 4096;
    const PLACES: [usize; 5] = [0, 8192, 16384, 24576, 32768];
    let (m, n) = (3, 17);
    let [a, b, c, d, operand] = PLACES;
    for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
        memory.set(a + i * FAR, i as f32 + 1.0);
        memory.set(b + j * 4, j as f32);
        memory.set(c + i * FAR + j * 4, 100.0 * i as f32);
        memory.set(operand + i * FAR + j * 4, 0.5);
    }
    let mut builder = Builder::new();
    let acc = builder.push(Node::Acc);
    let bcast = Bcast::Full {
        row_bytes: FAR as i64,
    };
    let half = builder.push(Node::Load {
        slot: 0,
        dtype: F32,
        bcast,
        int: false,
    });
    let result = builder.push(Node::Add(acc, half));
    let expr = builder.finish(result, false);
    for isa in rungs() {
        let spec = Spec::Brgemm(Brgemm {
            isa,
            m,
            n,
            k: 1,
            a: F32,
            b: F32,
            a_row_bytes: FAR as i64,
            a_group_bytes: 4,
            b_group_bytes: 68,
            a_wide: false,
            batch: Batch::Stride {
                a_bytes: 0,
                b_bytes: 0,
            },
            beta: true,
            c_row_bytes: FAR as i64,
            fetched_by: 0,
            fetches_d: false,
            out: Out {
                expr: expr.clone(),
                d: F32,
                d_row_bytes: FAR as i64,
            },
        });
        let args = Args {
            a: memory.float(a).cast(),
            b: memory.float(b).cast(),
            c: memory.float(c).cast(),
            d: memory.float(d).cast(),
            batch: 1,
            operands: &memory.float(operand).cast_const().cast(),
            ..Args::default()
        };
        // SAFETY: every row of every operand lies in the mapping.
        unsafe { Kernel::get(&spec).unwrap().call(&args) };
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let want = 100.0 * i as f32 + (i as f32 + 1.0) * j as f32 + 0.5;
            assert_eq!(memory.get(d + i * FAR + j * 4), want, "{isa:?} {i} {j}");
            memory.set(d + i * FAR + j * 4, f32::NAN);
        }
    }
}
