//! Runs one brgemm over guarded, poisoned buffers and compares its output with sums in f64.

use super::bench::{A, B, Bench, C, D, LISTS, Verdict};
use super::expr::{Element, evaluate};
use super::kernel::{Tolerance, compare, matrix, old_output, operands, place_operands};
use super::number::{self, POISON, decode, encode};
use super::random::Random;
use brick::dtype::DataType;
use brick::kernel::spec::{Args, Batch, Brgemm, NARROW_B, Spec, WIDE_B};

/// The blocks of one operand of a batch: bytes, and where each block starts.
struct Blocks {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Blocks {
    /// Blocks of `extent` bytes, each filled by `fill`; in any order and with gaps unless a stride places them.
    fn new(
        count: usize,
        extent: usize,
        stride: Option<i64>,
        random: &mut Random,
        mut fill: impl FnMut(&mut [u8], &mut Random),
    ) -> Blocks {
        let mut order: Vec<usize> = (0..count).collect();
        let mut starts = vec![0; count];
        let mut end = 0;
        for i in (0..count).rev() {
            order.swap(i, random.below(i + 1));
        }
        for (place, i) in order.into_iter().enumerate() {
            starts[i] = stride.map_or(end + usize::from(place > 0) * 4 * random.below(20), |s| {
                i * s as usize
            });
            end = end.max(starts[i] + extent);
        }
        let mut bytes = vec![POISON; end];
        starts
            .iter()
            .for_each(|s| fill(&mut bytes[*s..][..extent], random));
        Blocks { bytes, starts }
    }
}

/// Whether the data are integers whose sums are exact, or reals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    Exact,
    Real,
    /// Bytes: A mostly as large as can be, B within 7 bits and mostly at their ends, but for a few blocks with one element beyond.
    SevenBits,
}

fn element(t: DataType, data: Data, random: &mut Random) -> Vec<u8> {
    match data {
        Data::Exact => random.exact(t),
        Data::Real => encode(t, random.real()),
        Data::SevenBits if t == DataType::U8 => encode(t, random.pick(&[255.0, 255.0, 254.0, 1.0])),
        Data::SevenBits => encode(t, random.pick(&[-64.0, -64.0, 63.0, 63.0, 1.0])),
    }
}

/// Bytes from the start of an A block to its last valid element, and of a B block to the end of its padded last group.
pub fn block_extents(s: &Brgemm) -> (usize, usize) {
    let (v, size) = (s.a.vnni(), s.a.size_bytes());
    let groups = s.k.div_ceil(v);
    // The last group of a widened A is whole.
    let last = if s.a_wide {
        8
    } else {
        (s.k - (groups - 1) * v) * size
    };
    let a = (s.m - 1) * s.a_row_bytes as usize + (groups - 1) * s.a_group_bytes as usize + last;
    let whole = if groups > 1 {
        (s.m - 1) * s.a_row_bytes as usize + (groups - 2) * s.a_group_bytes as usize + v * size
    } else {
        0
    };
    (
        a.max(whole),
        (groups - 1) * s.b_group_bytes as usize + s.n * v * size,
    )
}

fn fill_a(s: &Brgemm, data: Data, block: &mut [u8], random: &mut Random) {
    for i in 0..s.m {
        for l in 0..s.k {
            let value = element(s.a, data, random);
            store_a(s, block, i, l, &value);
        }
        if s.a_wide {
            let zero = vec![0; s.a.size_bytes()];
            (s.k..s.k.next_multiple_of(s.a.vnni())).for_each(|l| store_a(s, block, i, l, &zero));
        }
    }
}

/// An element of A where the kernel expects it; widened bf16 is an f32, a widened byte a 16-bit integer.
fn store_a(s: &Brgemm, block: &mut [u8], i: usize, l: usize, value: &[u8]) {
    let at = a_position(s, i, l);
    block[at..at + value.len()].copy_from_slice(value);
    match s.a {
        DataType::Bf16 if s.a_wide => block[at - 2..at].fill(0),
        DataType::S8 if s.a_wide => block[at + 1] = if value[0] > 127 { 255 } else { 0 },
        DataType::U8 if s.a_wide => block[at + 1] = 0,
        _ => {}
    }
}

fn a_position(s: &Brgemm, i: usize, l: usize) -> usize {
    let (v, size) = (s.a.vnni(), s.a.size_bytes());
    let group = i * s.a_row_bytes as usize + l / v * s.a_group_bytes as usize;
    let inside = match (s.a_wide, v) {
        (true, 4) => [0, 2, 1, 3][l % v] * 2,
        (true, _) => l % v * 4 + 2,
        _ => l % v * size,
    };
    group + inside
}

fn b_position(s: &Brgemm, l: usize, j: usize) -> usize {
    let v = s.a.vnni();
    l / v * s.b_group_bytes as usize + (j * v + l % v) * s.b.size_bytes()
}

/// The padding of the last group holds finite values that would show in the result; of 7 bits as well where all are.
fn fill_b(s: &Brgemm, data: Data, block: &mut [u8], random: &mut Random) {
    for l in 0..s.k.next_multiple_of(s.a.vnni()) {
        for j in 0..s.n {
            let value = if l < s.k {
                element(s.b, data, random)
            } else {
                encode(s.b, if data == Data::SevenBits { 63.0 } else { 77.0 })
            };
            let at = b_position(s, l, j);
            block[at..at + s.b.size_bytes()].copy_from_slice(&value);
        }
    }
    if data == Data::SevenBits && random.below(3) == 0 {
        let at = b_position(s, random.below(s.k), random.below(s.n));
        block[at..at + 1].copy_from_slice(&encode(s.b, random.pick(&[-128.0, 127.0])));
    }
}

/// What the caller of a kernel may know about its B: nothing, or whether it keeps within 7 bits.
fn known_b(s: &Brgemm, b: &Blocks, random: &mut Random) -> u64 {
    let keeps = |start: &usize| {
        let rows = 0..s.k.next_multiple_of(s.a.vnni());
        let mut elements = rows.flat_map(|l| (0..s.n).map(move |j| b_position(s, l, j)));
        elements.all(|at| (-64.0..64.0).contains(&decode(s.b, &b.bytes[start + at..])))
    };
    let known = if b.starts.iter().all(keeps) {
        NARROW_B
    } else {
        WIDE_B
    };
    random.pick(&[0, known])
}

/// Sums of products and of their magnitudes, both exact enough in f64.
fn products(s: &Brgemm, a: &Blocks, b: &Blocks) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut sizes) = (vec![0.0; s.m * s.n], vec![0.0; s.m * s.n]);
    let mut row = vec![0.0; s.n];
    for (a_start, b_start) in a.starts.iter().zip(&b.starts) {
        for l in 0..s.k {
            for (j, value) in row.iter_mut().enumerate() {
                *value = decode(s.b, &b.bytes[b_start + b_position(s, l, j)..]);
            }
            for i in 0..s.m {
                let x = decode(s.a, &a.bytes[a_start + a_position(s, i, l)..]);
                for j in 0..s.n {
                    sums[i * s.n + j] += x * row[j];
                    sizes[i * s.n + j] += (x * row[j]).abs();
                }
            }
        }
    }
    (sums, sizes)
}

/// One brgemm. With `in_place`, C and D are the same matrix.
pub fn brgemm(
    bench: &mut Bench,
    s: &Brgemm,
    batch: usize,
    data: Data,
    in_place: bool,
    seed: u64,
) -> Verdict {
    let random = &mut Random(seed);
    let (a_extent, b_extent) = block_extents(s);
    let (a_stride, b_stride) = match s.batch {
        Batch::Stride { a_bytes, b_bytes } => (Some(a_bytes), Some(b_bytes)),
        Batch::RunStride => (
            Some(a_extent.next_multiple_of(4) as i64 + 12),
            Some(b_extent.next_multiple_of(4) as i64),
        ),
        _ => (None, None),
    };
    let a = Blocks::new(batch, a_extent, a_stride, random, |block, r| {
        fill_a(s, data, block, r)
    });
    let b = Blocks::new(batch, b_extent, b_stride, random, |block, r| {
        fill_b(s, data, block, r)
    });
    let acc_type = if s.a.is_int() {
        DataType::S32
    } else {
        DataType::F32
    };
    let c = matrix(s.m, s.c_row_bytes as usize, s.n, acc_type, || {
        random.exact(acc_type)
    });
    let old = if in_place {
        c.clone()
    } else {
        old_output(&s.out, s.m, s.n, random)
    };
    let inputs = operands(&s.out, s.m, s.n, random);

    let pointers: Vec<*const u8> = place_operands(bench, &inputs, random);
    let mut args = Args {
        batch,
        operands: pointers.as_ptr(),
        d: bench.place(D, old.clone(), random),
        ..Args::default()
    };
    if in_place {
        args.c = args.d;
    } else if s.beta {
        args.c = bench.place(C, c.clone(), random);
    }
    place_batch(bench, s, [&a, &b], &mut args, random);
    if data == Data::SevenBits {
        args.known_b = known_b(s, &b, random);
    }
    let got = bench.call(&Spec::Brgemm(s.clone()), &args)?;

    let (sums, sizes) = products(s, &a, &b);
    let acc = |i: usize, j: usize| {
        let at = i * s.c_row_bytes as usize + j * 4;
        let start = if s.beta {
            decode(acc_type, &c[at..])
        } else {
            0.0
        };
        let sum = start + sums[i * s.n + j];
        if s.a.is_int() {
            sum as i64 as u32
        } else {
            (sum as f32).to_bits()
        }
    };
    let want = |row: usize, column: usize| {
        let at = row * s.out.d_row_bytes as usize + column * s.out.d.size_bytes();
        let (acc, old) = (acc(row, column), &old[at..]);
        let element = Element {
            row,
            column,
            acc,
            operands: &inputs,
            old,
        };
        evaluate(&s.out.expr, &element)
    };
    let rounding = (batch * s.k + 2) as f64 * number::unit(DataType::F32);
    let slack = |i: usize, j: usize| rounding * (sizes[i * s.n + j] + 4.0);
    let tolerance: Option<Tolerance> = if data == Data::Real {
        Some(&slack)
    } else {
        None
    };
    compare(&s.out, s.m, s.n, &got, &old, want, tolerance)
}

/// Puts A and B into `args` in the way that the batch kind asks for, with guards behind the lists as well.
fn place_batch(
    bench: &mut Bench,
    s: &Brgemm,
    blocks: [&Blocks; 2],
    args: &mut Args,
    random: &mut Random,
) {
    let bases = [A, B].map(|slot| {
        bench
            .place(slot, blocks[slot].bytes.clone(), random)
            .cast_const()
    });
    let mut list = |slot: usize, first: i64| {
        let entries = blocks[slot]
            .starts
            .iter()
            .map(|start| first + *start as i64);
        bench
            .place(
                LISTS[slot],
                entries.flat_map(i64::to_le_bytes).collect(),
                random,
            )
            .cast_const()
    };
    match s.batch {
        Batch::Address => {
            args.a = list(A, bases[A] as i64);
            args.b = list(B, bases[B] as i64);
        }
        Batch::Offset => {
            [args.a, args.b] = bases;
            args.a_offsets = list(A, 0).cast();
            args.b_offsets = list(B, 0).cast();
        }
        Batch::OffsetPairs => {
            [args.a, args.b] = bases;
            let pairs = blocks[A].starts.iter().zip(&blocks[B].starts);
            let list = pairs.flat_map(|(a, b)| [*a as u64, *b as u64]);
            let bytes = list.flat_map(u64::to_le_bytes).collect();
            args.a_offsets = bench.place(LISTS[A], bytes, random).cast_const().cast();
        }
        Batch::RunStride => {
            [args.a, args.b] = bases;
            let second = |slot: usize| blocks[slot].starts.get(1).copied().unwrap_or(0) as i64;
            (args.a_stride, args.b_stride) = (second(A), second(B));
        }
        Batch::Stride { .. } => [args.a, args.b] = bases,
    }
}
