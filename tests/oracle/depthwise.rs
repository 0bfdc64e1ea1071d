//! Runs one depthwise kernel over guarded, poisoned buffers and compares its output with sums in f64.

use super::bench::{A, B, Bench, C, D, LISTS, Verdict};
use super::expr::{Element, evaluate};
use super::kernel::{compare, matrix, old_output, operands, place_operands};
use super::number::decode;
use super::random::Random;
use brick::dtype::DataType;
use brick::kernel::spec::{Args, Depthwise, Mix, Spec};

/// Where row i meets tap t, unless it lies outside.
fn met(s: &Depthwise, i: usize, t: usize) -> Option<i64> {
    let place = (i % s.run) as i64 * s.a_row_bytes + t as i64 * s.a_tap_bytes;
    let inside = s.places.0 <= place && place < s.places.1;
    inside.then_some(place + (i / s.run) as i64 * s.a_run_bytes)
}

/// Bytes of a row of A and of what a tap has of B.
fn row_bytes(s: &Depthwise) -> (usize, usize) {
    let (a, b) = (s.a.size_bytes(), s.b.size_bytes());
    match s.mix {
        Mix::Groups {
            group,
            k,
            b_group_bytes,
        } => {
            let v = s.a.vnni();
            let rows = (k / v - 1) * b_group_bytes as usize;
            (s.n / group * k * a, rows + s.n * v * b)
        }
        _ => (s.n * a, s.n * b),
    }
}

/// The sum that column j of a row has from one block and tap, whose A and B start here.
fn product(s: &Depthwise, a: &[u8], b: &[u8], j: usize, column: usize) -> f64 {
    let at = |x: usize, y: usize| {
        let (x, y) = (x * s.a.size_bytes(), y);
        decode(s.a, &a[x..]) * decode(s.b, &b[y..])
    };
    let size = s.b.size_bytes();
    match s.mix {
        Mix::Equal => at(j, j * size),
        Mix::Column { group } => at(j - j % group + column, j * size),
        Mix::Groups {
            group,
            k,
            b_group_bytes,
        } => {
            let v = s.a.vnni();
            let of_b = |l: usize| l / v * b_group_bytes as usize + (j * v + l % v) * size;
            (0..k).map(|l| at(j / group * k + l, of_b(l))).sum()
        }
    }
}

pub fn depthwise(
    bench: &mut Bench,
    s: &Depthwise,
    (batch, column): (usize, usize),
    seed: u64,
) -> Verdict {
    let random = &mut Random(seed);
    let all = (0..s.m).flat_map(|i| (0..s.taps).filter_map(move |t| met(s, i, t)));
    let places: Vec<i64> = all.collect();
    let first = places.iter().min().copied().unwrap_or(0);
    let last = places.iter().max().copied().unwrap_or(0);
    let (a_row, b_row) = row_bytes(s);
    let a_block = (last - first) as usize + a_row;
    let b_block = (s.taps - 1) * s.b_tap_bytes as usize + b_row;
    let mut fill = |t: DataType, bytes: usize| -> Vec<u8> {
        (0..batch * bytes / t.size_bytes())
            .flat_map(|_| random.exact(t))
            .collect()
    };
    let (a, b) = (fill(s.a, a_block), fill(s.b, b_block));
    let acc_type = match matches!(s.mix, Mix::Groups { .. }) && s.a.is_int() {
        true => DataType::S32,
        false => DataType::F32,
    };
    let c = matrix(s.m, s.c_row_bytes as usize, s.n, acc_type, || {
        random.exact(acc_type)
    });
    let old = old_output(&s.out, s.m, s.n, random);
    let inputs = operands(&s.out, s.m, s.n, random);
    let pointers = place_operands(bench, &inputs, random);
    let mut list = |slot: usize, step: usize, before: i64| {
        let entries = (0..batch).map(|i| (i * step) as i64 - before);
        let bytes = entries.flat_map(i64::to_le_bytes).collect();
        bench.place(LISTS[slot], bytes, random).cast_const().cast()
    };
    let (a_offsets, b_offsets) = (list(A, a_block, first), list(B, b_block, 0));
    let mut args = Args {
        batch,
        m: column,
        a_offsets,
        b_offsets,
        a: bench.place(A, a.clone(), random),
        b: bench.place(B, b.clone(), random),
        d: bench.place(D, old.clone(), random),
        operands: pointers.as_ptr(),
        ..Args::default()
    };
    if s.beta {
        args.c = bench.place(C, c.clone(), random);
    }
    let got = bench.call(&Spec::Depthwise(s.clone()), &args)?;
    let want = |row: usize, j: usize| {
        let mut sum = match s.beta {
            true => decode(acc_type, &c[row * s.c_row_bytes as usize + j * 4..]),
            false => 0.0,
        };
        for (i, t) in (0..batch).flat_map(|i| (0..s.taps).map(move |t| (i, t))) {
            if let Some(place) = met(s, row, t) {
                let a = &a[i * a_block + (place - first) as usize..];
                let b = &b[i * b_block + t * s.b_tap_bytes as usize..];
                sum += product(s, a, b, j, column);
            }
        }
        let at = row * s.out.d_row_bytes as usize + j * s.out.d.size_bytes();
        let acc = match acc_type {
            DataType::S32 => sum as i64 as u32,
            _ => (sum as f32).to_bits(),
        };
        let element = Element {
            row,
            column: j,
            acc,
            operands: &inputs,
            old: &old[at..],
        };
        evaluate(&s.out.expr, &element)
    };
    compare(&s.out, s.m, s.n, &got, &old, want, None)
}
