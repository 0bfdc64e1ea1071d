//! The portable kernel against naive loops.

use super::run;
use crate::dtype::DataType::{self, *};
use crate::kernel::expr::{Bcast, Expr, Node};
use crate::kernel::spec::*;
use crate::machine::Isa;
use half::{bf16, f16};

const ISA: Isa = Isa::Portable;

fn out(nodes: Vec<Node>, int: bool, d: DataType, n: usize) -> Out {
    let result = nodes.len() as u16 - 1;
    Out {
        expr: Expr { nodes, result, int },
        d,
        d_row_bytes: (n * d.size_bytes()) as i64,
    }
}

/// Small integers, exact in every type.
fn value(i: usize) -> i32 {
    (i * 7 + i / 5) as i32 % 13
}

fn bytes_of(dtype: DataType, values: impl Iterator<Item = i32>) -> Vec<u8> {
    values
        .flat_map(|v| match dtype {
            F32 => (v as f32).to_le_bytes().to_vec(),
            Bf16 => bf16::from_f32(v as f32).to_le_bytes().to_vec(),
            F16 => f16::from_f32(v as f32).to_le_bytes().to_vec(),
            _ => vec![v as u8],
        })
        .collect()
}

/// Two blocks, strided, accumulated onto C.
fn brgemm(a: DataType, b: DataType, m: usize, n: usize, k: usize) {
    let v = a.vnni();
    let groups = k.div_ceil(v);
    let (size, width) = (a.size_bytes(), groups * v);
    let a_at = |block: usize, i: usize, kk: usize| value(block * 3 + i * 17 + kk * 5);
    let b_at = |block: usize, kk: usize, j: usize| value(block + kk * 11 + j * 3);
    let mut a_values = vec![0; 2 * m * width];
    let mut b_values = vec![0; 2 * width * n];
    for block in 0..2 {
        for kk in 0..k {
            (0..m).for_each(|i| a_values[(block * m + i) * width + kk] = a_at(block, i, kk));
            for j in 0..n {
                let at = (block * groups + kk / v) * n * v + j * v + kk % v;
                b_values[at] = b_at(block, kk, j);
            }
        }
    }
    let a_bytes = bytes_of(a, a_values.into_iter());
    let b_bytes = bytes_of(b, b_values.into_iter());
    let c: Vec<i32> = (0..m * n).map(|i| value(i) - 4).collect();
    let int = a.is_int();
    let c_bits: Vec<u32> = (c.iter())
        .map(|&c| if int { c as u32 } else { (c as f32).to_bits() })
        .collect();
    let mut d = vec![0u32; m * n];
    let spec = Spec::Brgemm(Brgemm {
        isa: ISA,
        m,
        n,
        k,
        a,
        b,
        a_row_bytes: (width * size) as i64,
        a_group_bytes: (v * size) as i64,
        b_group_bytes: (n * v * size) as i64,
        a_wide: false,
        batch: Batch::Stride {
            a_bytes: (m * width * size) as i64,
            b_bytes: (n * width * size) as i64,
        },
        beta: true,
        c_row_bytes: n as i64 * 4,
        fetched_by: 0,
        fetches_d: false,
        out: out(vec![Node::Acc], int, if int { S32 } else { F32 }, n),
    });
    let args = Args {
        a: a_bytes.as_ptr(),
        b: b_bytes.as_ptr(),
        c: c_bits.as_ptr().cast(),
        d: d.as_mut_ptr().cast(),
        batch: 2,
        ..Args::default()
    };
    // SAFETY: the buffers were sized for the specification.
    unsafe { run(&spec, &args) };
    for i in 0..m {
        for j in 0..n {
            let products = (0..2 * k).map(|x| a_at(x / k, i, x % k) * b_at(x / k, x % k, j));
            let want = c[i * n + j] + products.sum::<i32>();
            let bits = d[i * n + j];
            let got = if int {
                bits as i32
            } else {
                f32::from_bits(bits) as i32
            };
            assert_eq!(got, want, "{} {m}x{n}x{k} at {i},{j}", a.name());
        }
    }
}

#[test]
fn brgemms_of_every_type_match_naive_loops() {
    for (a, b) in [
        (F32, F32),
        (Bf16, Bf16),
        (F16, F16),
        (U8, S8),
        (S8, S8),
        (U8, U8),
        (S8, U8),
    ] {
        for (m, n, k) in [(1, 1, 1), (4, 16, 8), (5, 17, 3), (9, 70, 7), (3, 130, 2)] {
            brgemm(a, b, m, n, k);
        }
    }
}

#[test]
fn a_tile_reads_operands_of_every_broadcast_and_saturates() {
    let (m, n) = (3, 67);
    let (scalar, row): ([f32; 1], Vec<f32>) = ([2.0], (0..n).map(|j| j as f32).collect());
    let col: Vec<i32> = vec![100, -200, 40];
    let full: Vec<u8> = (0..m * n).map(|i| i as u8).collect();
    let load = |slot, dtype, bcast| Node::Load {
        slot,
        dtype,
        bcast,
        int: false,
    };
    let nodes = vec![
        load(0, F32, Bcast::Scalar),
        load(1, F32, Bcast::Row),
        load(2, S32, Bcast::Col { row_bytes: 4 }),
        load(
            3,
            U8,
            Bcast::Full {
                row_bytes: n as i64,
            },
        ),
        Node::Fma(0, 1, 2),
        Node::Sub(4, 3),
    ];
    let spec = Spec::Tile(Tile {
        isa: ISA,
        n,
        far: false,
        out: out(nodes, false, S8, n),
    });
    let operands = [
        scalar.as_ptr().cast(),
        row.as_ptr().cast(),
        col.as_ptr().cast(),
        full.as_ptr(),
    ];
    let mut d = vec![0i8; m * n];
    let args = Args {
        d: d.as_mut_ptr().cast(),
        m,
        operands: operands.as_ptr(),
        ..Args::default()
    };
    // SAFETY: the buffers were sized for the specification.
    unsafe { run(&spec, &args) };
    for (i, got) in d.iter().enumerate() {
        let want = 2 * (i % n) as i32 + col[i / n] - i32::from(full[i]);
        assert_eq!(i32::from(*got), want.clamp(-128, 127), "at {i}");
    }
}

#[test]
fn moves_match_their_definitions() {
    let (rows, cols) = (19, 5);
    let a: Vec<u8> = (0..rows * cols * 4).map(|i| i as u8).collect();
    let mut d = vec![0xffu8; rows * cols * 4];
    let args = Args {
        a: a.as_ptr(),
        d: d.as_mut_ptr(),
        ..Args::default()
    };
    let spec = Spec::Transpose(Transpose {
        isa: ISA,
        rows,
        cols,
        group_bytes: 4,
        tail_bytes: 3,
        a_row_bytes: cols as i64 * 4,
        d_row_bytes: rows as i64 * 4,
    });
    // SAFETY: the buffers were sized for the specification.
    unsafe { run(&spec, &args) };
    for (at, got) in d.iter().enumerate() {
        let (j, i, e) = (at / 4 / rows, at / 4 % rows, at % 4);
        let absent = j + 1 == cols && e == 3;
        assert_eq!(*got, if absent { 0 } else { a[(i * cols + j) * 4 + e] });
    }

    let (k, n) = (5, 7);
    let mut d = vec![0xffu8; 8 * n];
    let args = Args {
        d: d.as_mut_ptr(),
        ..args
    };
    let spec = Spec::Interleave(Interleave {
        isa: ISA,
        k,
        n,
        elem_bytes: 1,
        panel: n,
        panel_bytes: 0,
        a_row_bytes: n as i64,
        d_row_bytes: n as i64 * 4,
    });
    // SAFETY: the buffers were sized for the specification.
    unsafe { run(&spec, &args) };
    for (at, got) in d.iter().enumerate() {
        let (g, j, e) = (at / 4 / n, at / 4 % n, at % 4);
        let row = g * 4 + e;
        assert_eq!(*got, if row < k { a[row * n + j] } else { 0 });
    }
}

#[test]
fn reductions_add_rows() {
    let (m, n) = (6, 70);
    let a = bytes_of(Bf16, (0..m * n).map(value));
    let mut d = vec![1.0f32; n];
    let spec = Spec::Reduce(Reduce {
        isa: ISA,
        n,
        a: Bf16,
        a_row_bytes: n as i64 * 2,
        beta: true,
    });
    let args = Args {
        a: a.as_ptr(),
        d: d.as_mut_ptr().cast(),
        m,
        ..Args::default()
    };
    // SAFETY: the buffers were sized for the specification.
    unsafe { run(&spec, &args) };
    for (j, got) in d.iter().enumerate() {
        let want = 1 + (0..m).map(|i| value(i * n + j)).sum::<i32>();
        assert_eq!(*got, want as f32);
    }
}
