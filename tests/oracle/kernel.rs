//! Runs tiles, moves and reductions over guarded, poisoned buffers and compares every byte of their output with a naive
//! evaluation.

use super::bench::{A, Bench, D, OPERANDS, Verdict};
use super::expr::{Element, evaluate, extent};
use super::number::{self, POISON, decode, same};
use super::random::Random;
use brick::dtype::DataType;
use brick::kernel::expr::Node;
use brick::kernel::spec::{Args, Interleave, Out, Reduce, Spec, Tile, Transpose, Widen};

/// A matrix in memory: element (i, j) at `i * row + j * size`, poison between the rows.
pub fn matrix(
    rows: usize,
    row: usize,
    columns: usize,
    t: DataType,
    mut value: impl FnMut() -> Vec<u8>,
) -> Vec<u8> {
    let size = t.size_bytes();
    let len = if rows * columns == 0 {
        0
    } else {
        (rows - 1) * row + columns * size
    };
    let mut bytes = vec![POISON; len];
    for i in 0..rows {
        for j in 0..columns {
            bytes[i * row + j * size..][..size].copy_from_slice(&value());
        }
    }
    bytes
}

/// Contents for the expression's operands, by slot.
pub fn operands(out: &Out, rows: usize, columns: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for node in &out.expr.nodes {
        if let Node::Load {
            slot, dtype, bcast, ..
        } = *node
        {
            let (slot, size) = (slot as usize, dtype.size_bytes());
            all.resize(all.len().max(slot + 1), Vec::new());
            let elements = extent(bcast, dtype, rows, columns) / size;
            all[slot] = (0..elements).flat_map(|_| random.exact(dtype)).collect();
        }
    }
    all
}

/// D before the call: values where the expression reads the old one, NaN elsewhere.
pub fn old_output(out: &Out, rows: usize, columns: usize, random: &mut Random) -> Vec<u8> {
    let read = out.expr.nodes.iter().find_map(|n| match n {
        Node::LoadD { dtype } => Some(*dtype),
        _ => None,
    });
    let value = || match read {
        Some(t) => random.exact(t),
        None => vec![POISON; out.d.size_bytes()],
    };
    matrix(rows, out.d_row_bytes as usize, columns, out.d, value)
}

/// How close an output element must be.
pub type Tolerance<'a> = &'a dyn Fn(usize, usize) -> f64;

/// Compares D with the expression of every element, and what lies between the rows with what lay there before.
pub fn compare(
    out: &Out,
    rows: usize,
    columns: usize,
    got: &[u8],
    old: &[u8],
    mut want: impl FnMut(usize, usize) -> Option<f64>,
    tolerance: Option<Tolerance>,
) -> Verdict {
    let (row, size) = (out.d_row_bytes as usize, out.d.size_bytes());
    let mut untouched = got.to_vec();
    for i in 0..rows {
        for j in 0..columns {
            let at = i * row + j * size;
            untouched[at..at + size].copy_from_slice(&old[at..at + size]);
            let Some(want) = want(i, j).map(|w| saturate(out, w)) else {
                continue;
            };
            let element = &got[at..at + size];
            let near = |slack: f64| {
                (decode(out.d, element) - want).abs() <= slack + want.abs() * number::unit(out.d)
            };
            if !tolerance.map_or_else(|| same(out.d, element, want), |t| near(t(i, j))) {
                let got = decode(out.d, element);
                return Err(format!("d[{i}][{j}] is {got}, wanted {want}"));
            }
        }
    }
    if untouched == old {
        Ok(())
    } else {
        Err("wrote between the rows of D".into())
    }
}

/// Floats stored as s32 saturate at the largest float that it holds.
fn saturate(out: &Out, value: f64) -> f64 {
    match (out.d, out.expr.int) {
        (DataType::S32, false) => value.min(2147483520.0),
        _ => value,
    }
}

/// Places the operands and lists their addresses.
pub fn place_operands(
    bench: &mut Bench,
    inputs: &[Vec<u8>],
    random: &mut Random,
) -> Vec<*const u8> {
    let place = |(slot, bytes): (usize, &Vec<u8>)| {
        bench
            .place(OPERANDS + slot, bytes.clone(), random)
            .cast_const()
    };
    inputs.iter().enumerate().map(place).collect()
}

/// One tile of `rows` rows.
pub fn tile(bench: &mut Bench, s: &Tile, rows: usize, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let old = old_output(&s.out, rows, s.n, random);
    let inputs = operands(&s.out, rows, s.n, random);
    let pointers = place_operands(bench, &inputs, random);
    let args = Args {
        m: rows,
        operands: pointers.as_ptr(),
        d: bench.place(D, old.clone(), random),
        ..Args::default()
    };
    let got = bench.call(&Spec::Tile(s.clone()), &args)?;
    let want = |row: usize, column: usize| {
        let at = row * s.out.d_row_bytes as usize + column * s.out.d.size_bytes();
        let element = Element {
            row,
            column,
            acc: 0,
            operands: &inputs,
            old: &old[at..],
        };
        evaluate(&s.out.expr, &element)
    };
    compare(&s.out, rows, s.n, &got, &old, want, None)
}

/// A move: D must be the given image, in which nothing stands for bytes that are left alone.
fn moved(
    bench: &mut Bench,
    spec: &Spec,
    source: Vec<u8>,
    want: &[Option<u8>],
    rows: usize,
    random: &mut Random,
) -> Verdict {
    let args = Args {
        m: rows,
        d: bench.place(D, vec![POISON; want.len()], random),
        a: bench.place(A, source, random),
        ..Args::default()
    };
    let got = bench.call(spec, &args)?;
    let wrong = got
        .iter()
        .zip(want)
        .position(|(got, want)| *got != want.unwrap_or(POISON));
    wrong.map_or(Ok(()), |at| {
        Err(format!(
            "byte {at} of D is {}, wanted {:?}",
            got[at], want[at]
        ))
    })
}

/// Bytes from the first to the last of `rows` rows.
fn span(rows: usize, row_bytes: i64, bytes: usize) -> usize {
    (rows - 1) * row_bytes as usize + bytes
}

pub fn transpose(bench: &mut Bench, s: &Transpose, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let group = s.group_bytes;
    let last = if s.tail_bytes > 0 {
        s.tail_bytes
    } else {
        group
    };
    let source_row = (s.cols - 1) * group + last;
    let source: Vec<u8> = (0..span(s.rows, s.a_row_bytes, source_row))
        .map(|_| random.next() as u8)
        .collect();
    let mut want = vec![None; span(s.cols, s.d_row_bytes, s.rows * group)];
    for i in 0..s.rows {
        for j in 0..s.cols {
            let valid = if j + 1 == s.cols { last } else { group };
            for byte in 0..group {
                let from = i * s.a_row_bytes as usize + j * group + byte;
                let value = if byte < valid { source[from] } else { 0 };
                want[j * s.d_row_bytes as usize + i * group + byte] = Some(value);
            }
        }
    }
    moved(bench, &Spec::Transpose(s.clone()), source, &want, 1, random)
}

pub fn interleave(bench: &mut Bench, s: &Interleave, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let (v, size) = (4 / s.elem_bytes, s.elem_bytes);
    let source: Vec<u8> = (0..span(s.k, s.a_row_bytes, s.n * size))
        .map(|_| random.next() as u8)
        .collect();
    let groups = s.k.div_ceil(v);
    let panels = s.n.div_ceil(s.panel);
    let panel = span(groups, s.d_row_bytes, s.panel.min(s.n) * 4);
    let mut want = vec![None; span(panels, s.panel_bytes, panel)];
    for row in 0..groups * v {
        for j in 0..s.n {
            for byte in 0..size {
                let from = row * s.a_row_bytes as usize + j * size + byte;
                let value = if row < s.k { source[from] } else { 0 };
                let to = j / s.panel * s.panel_bytes as usize
                    + row / v * s.d_row_bytes as usize
                    + (j % s.panel * v + row % v) * size
                    + byte;
                want[to] = Some(value);
            }
        }
    }
    moved(
        bench,
        &Spec::Interleave(s.clone()),
        source,
        &want,
        1,
        random,
    )
}

pub fn widen(bench: &mut Bench, s: &Widen, rows: usize, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let (size, a_row, d_row) = (
        s.a.size_bytes(),
        s.a_row_bytes as usize,
        s.d_row_bytes as usize,
    );
    let source: Vec<u8> = (0..span(rows, s.a_row_bytes, s.n * size))
        .map(|_| random.next() as u8)
        .collect();
    let groups = s.n.div_ceil(4 / size);
    let mut want = vec![None; span(rows, s.d_row_bytes, groups * 8)];
    for i in 0..rows {
        for l in 0..groups * 4 / size {
            let value = |byte| {
                if l < s.n {
                    source[i * a_row + l * size + byte]
                } else {
                    0
                }
            };
            let high = if s.a == DataType::S8 && value(0) > 127 {
                255
            } else {
                0
            };
            let (at, bytes) = match size {
                2 => (l * 4, vec![0, 0, value(0), value(1)]),
                _ => (l / 4 * 8 + [0, 2, 1, 3][l % 4] * 2, vec![value(0), high]),
            };
            for (j, byte) in bytes.into_iter().enumerate() {
                want[i * d_row + at + j] = Some(byte);
            }
        }
    }
    moved(bench, &Spec::Widen(s.clone()), source, &want, rows, random)
}

pub fn reduce(bench: &mut Bench, s: &Reduce, rows: usize, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let d_type = if s.a.is_int() {
        DataType::S32
    } else {
        DataType::F32
    };
    let source = matrix(rows, s.a_row_bytes as usize, s.n, s.a, || random.exact(s.a));
    let old = matrix(1, 0, s.n, d_type, || {
        if s.beta {
            random.exact(d_type)
        } else {
            vec![POISON; 4]
        }
    });
    let args = Args {
        d: bench.place(D, old.clone(), random),
        a: bench.place(A, source.clone(), random),
        m: rows,
        ..Args::default()
    };
    let got = bench.call(&Spec::Reduce(s.clone()), &args)?;
    for j in 0..s.n {
        let start = if s.beta {
            decode(d_type, &old[j * 4..])
        } else {
            0.0
        };
        let at = |i: usize| i * s.a_row_bytes as usize + j * s.a.size_bytes();
        let want = start
            + (0..rows)
                .map(|i| decode(s.a, &source[at(i)..]))
                .sum::<f64>();
        if !same(d_type, &got[j * 4..][..4], want) {
            let got = decode(d_type, &got[j * 4..]);
            return Err(format!("d[{j}] is {got}, wanted {want}"));
        }
    }
    Ok(())
}
