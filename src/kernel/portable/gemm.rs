//! The portable batch-reduce GEMM: register tiles of 4 rows by 16 columns, epilogues over 64 columns.

use super::elem::{Elem, Lanes, load, read};
use super::interpret::{Interpreter, LANES, with_scratch};
use crate::dtype::DataType;
use crate::kernel::spec::{Args, Batch, Brgemm, Depthwise};
use half::{bf16, f16};

/// Rows and columns of a register tile.
const ROWS: usize = 4;
const COLS: usize = 16;

/// A type that sums of products are accumulated in.
trait Sum: Copy {
    fn from_elem<T: Elem>(x: T) -> Self;
    fn from_bits(bits: u32) -> Self;
    fn bits(self) -> u32;
    fn add_product<const FMA: bool>(self, a: Self, b: Self) -> Self;
}

impl Sum for f32 {
    #[inline(always)]
    fn from_elem<T: Elem>(x: T) -> f32 {
        x.to_f32()
    }
    #[inline(always)]
    fn from_bits(bits: u32) -> f32 {
        f32::from_bits(bits)
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        self.to_bits()
    }
    #[inline(always)]
    fn add_product<const FMA: bool>(self, a: f32, b: f32) -> f32 {
        if FMA {
            a.mul_add(b, self)
        } else {
            self + a * b
        }
    }
}

impl Sum for i32 {
    #[inline(always)]
    fn from_elem<T: Elem>(x: T) -> i32 {
        x.to_i32()
    }
    #[inline(always)]
    fn from_bits(bits: u32) -> i32 {
        bits as i32
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        self as u32
    }
    #[inline(always)]
    fn add_product<const FMA: bool>(self, a: i32, b: i32) -> i32 {
        self.wrapping_add(a.wrapping_mul(b))
    }
}

/// # Safety
/// As [`super::run`].
#[inline(always)]
pub unsafe fn run<const FMA: bool>(spec: &Brgemm, args: &Args) {
    use DataType::*;
    with_scratch(&spec.out.expr, |scratch| {
        let mut out = Interpreter::<FMA>::new(&spec.out, args, scratch);
        // SAFETY: passed on to the caller.
        unsafe {
            match (spec.a, spec.b) {
                (Bf16, Bf16) if spec.a_wide => rows::<f32, f32, bf16, FMA, 2>(spec, args, &mut out),
                (U8 | S8, S8) if spec.a_wide => rows::<i32, i16, i8, FMA, 4>(spec, args, &mut out),
                (U8 | S8, U8) if spec.a_wide => rows::<i32, i16, u8, FMA, 4>(spec, args, &mut out),
                (F32, F32) => rows::<f32, f32, f32, FMA, 1>(spec, args, &mut out),
                (F16, F16) => rows::<f32, f16, f16, FMA, 1>(spec, args, &mut out),
                (Bf16, Bf16) => rows::<f32, bf16, bf16, FMA, 2>(spec, args, &mut out),
                (U8, S8) => rows::<i32, u8, i8, FMA, 4>(spec, args, &mut out),
                (S8, S8) => rows::<i32, i8, i8, FMA, 4>(spec, args, &mut out),
                (U8, U8) => rows::<i32, u8, u8, FMA, 4>(spec, args, &mut out),
                (S8, U8) => rows::<i32, i8, u8, FMA, 4>(spec, args, &mut out),
                (a, b) => unreachable!("no brgemm of {} and {}", a.name(), b.name()),
            }
        }
    })
}

/// # Safety
/// As [`super::run`].
#[inline(always)]
unsafe fn rows<S: Sum, A: Elem, B: Elem, const FMA: bool, const V: usize>(
    spec: &Brgemm,
    args: &Args,
    out: &mut Interpreter<FMA>,
) {
    for row in (0..spec.m).step_by(ROWS) {
        for col in (0..spec.n).step_by(LANES) {
            let count = LANES.min(spec.n - col);
            let mut acc = [[0; LANES]; ROWS];
            for j in (0..count).step_by(COLS) {
                // SAFETY: passed on to the caller.
                let sums = unsafe { tile::<S, A, B, FMA, V>(spec, args, row, col + j) };
                for (acc, sums) in acc.iter_mut().zip(&sums) {
                    acc[j..j + COLS].copy_from_slice(&sums.map(S::bits));
                }
            }
            for (i, acc) in acc.iter().enumerate().take(spec.m - row) {
                // SAFETY: rows below m and columns below n, passed on to the caller.
                unsafe { out.block(row + i, col, count, Some(acc)) };
            }
        }
    }
}

/// The sums of one register tile. Rows beyond m repeat the last one and columns beyond n are zero; neither is stored.
///
/// # Safety
/// As [`super::run`].
#[inline(always)]
unsafe fn tile<S: Sum, A: Elem, B: Elem, const FMA: bool, const V: usize>(
    spec: &Brgemm,
    args: &Args,
    row: usize,
    col: usize,
) -> [[S; COLS]; ROWS] {
    let count = COLS.min(spec.n - col);
    let rows: [i64; ROWS] = std::array::from_fn(|i| (row + i).min(spec.m - 1) as i64);
    // SAFETY: passed on to the caller.
    let mut acc = unsafe { start(spec, args, rows, col, count) };
    for i in 0..args.batch {
        // SAFETY: blocks below `batch`, passed on to the caller.
        let (a, b) = unsafe { block(spec, args, i) };
        let a = rows.map(|row| a.wrapping_offset((row * spec.a_row_bytes) as isize));
        let b = b.wrapping_add(col * V * size_of::<B>());
        for (g, k) in (0..spec.k).step_by(V).enumerate() {
            let a = a.map(|a| a.wrapping_offset((g as i64 * spec.a_group_bytes) as isize));
            let b = b.wrapping_offset((g as i64 * spec.b_group_bytes) as isize);
            // SAFETY: passed on to the caller; elements of A beyond k are not read.
            unsafe {
                group::<S, A, B, FMA, V>(&mut acc, a, b, V.min(spec.k - k), count);
            }
        }
    }
    acc
}

/// The tile's sums before the first block: C or zero.
///
/// # Safety
/// As [`super::run`].
#[inline(always)]
unsafe fn start<S: Sum>(
    spec: &Brgemm,
    args: &Args,
    rows: [i64; ROWS],
    col: usize,
    count: usize,
) -> [[S; COLS]; ROWS] {
    rows.map(|row| {
        let mut lanes: Lanes = [0; LANES];
        if spec.beta {
            let at = row * spec.c_row_bytes + col as i64 * 4;
            let c = args.c.wrapping_offset(at as isize);
            // SAFETY: passed on to the caller; 32-bit values are moved as they are.
            unsafe { load(DataType::S32, c, count, true, &mut lanes) };
        }
        std::array::from_fn(|j| S::from_bits(lanes[j]))
    })
}

/// Adds the products of one group of k, of which the first `valid` elements count.
///
/// # Safety
/// `valid` elements must be readable at each of `a`, `count` groups of V at `b`.
#[inline(always)]
unsafe fn group<S: Sum, A: Elem, B: Elem, const FMA: bool, const V: usize>(
    acc: &mut [[S; COLS]; ROWS],
    a: [*const u8; ROWS],
    b: *const u8,
    valid: usize,
    count: usize,
) {
    let zero = S::from_bits(0);
    for e in 0..valid {
        // The order of bytes that were widened.
        let place = if size_of::<A>() == 2 && V == 4 {
            [0, 2, 1, 3][e]
        } else {
            e
        };
        // SAFETY: passed on to the caller.
        let element = |j: usize| S::from_elem(unsafe { read::<B>(b, j * V + e) });
        let b: [S; COLS] = if count == COLS {
            std::array::from_fn(element)
        } else {
            std::array::from_fn(|j| if j < count { element(j) } else { zero })
        };
        for (acc, a) in acc.iter_mut().zip(a) {
            // SAFETY: passed on to the caller.
            let a = S::from_elem(unsafe { read::<A>(a, place) });
            for (acc, b) in acc.iter_mut().zip(b) {
                *acc = acc.add_product::<FMA>(a, b);
            }
        }
    }
}

/// The addresses of block `i` of the batch.
///
/// # Safety
/// `args` must describe more than `i` blocks.
#[inline(always)]
unsafe fn block(spec: &Brgemm, args: &Args, i: usize) -> (*const u8, *const u8) {
    // SAFETY: passed on to the caller.
    unsafe {
        match spec.batch {
            Batch::Address => (
                *args.a.cast::<*const u8>().add(i),
                *args.b.cast::<*const u8>().add(i),
            ),
            Batch::Offset => (
                args.a.wrapping_offset(*args.a_offsets.add(i) as isize),
                args.b.wrapping_offset(*args.b_offsets.add(i) as isize),
            ),
            Batch::OffsetPairs => (
                args.a.wrapping_offset(*args.a_offsets.add(2 * i) as isize),
                args.b
                    .wrapping_offset(*args.a_offsets.add(2 * i + 1) as isize),
            ),
            Batch::RunStride => strided(args, i, args.a_stride, args.b_stride),
            Batch::Stride { a_bytes, b_bytes } => strided(args, i, a_bytes, b_bytes),
        }
    }
}

fn strided(args: &Args, i: usize, a_bytes: i64, b_bytes: i64) -> (*const u8, *const u8) {
    (
        args.a.wrapping_offset((i as i64 * a_bytes) as isize),
        args.b.wrapping_offset((i as i64 * b_bytes) as isize),
    )
}

/// Products of equal columns.
///
/// # Safety
/// As [`super::run`].
#[inline(always)]
pub unsafe fn depthwise<const FMA: bool>(spec: &Depthwise, args: &Args) {
    with_scratch(&spec.out.expr, |scratch| {
        let mut out = Interpreter::<FMA>::new(&spec.out, args, scratch);
        for row in 0..spec.m {
            for col in (0..spec.n).step_by(LANES) {
                let count = LANES.min(spec.n - col);
                // SAFETY: passed on to the caller.
                unsafe {
                    let acc = products::<FMA>(spec, args, row as i64, col, count);
                    out.block(row, col, count, Some(&acc));
                }
            }
        }
    })
}

/// The sums of `count` columns of a row.
///
/// # Safety
/// As [`super::run`].
#[inline(always)]
unsafe fn products<const FMA: bool>(
    spec: &Depthwise,
    args: &Args,
    row: i64,
    col: usize,
    count: usize,
) -> Lanes {
    let (mut acc, mut a, mut b): (Lanes, Lanes, Lanes) = ([0; LANES], [0; LANES], [0; LANES]);
    let int = spec.sums_integers();
    let start = args.c.wrapping_offset((row * spec.c_row_bytes) as isize);
    if spec.beta {
        // SAFETY: passed on to the caller; 32-bit values are moved as they are.
        unsafe {
            load(
                DataType::S32,
                start.wrapping_add(col * 4),
                count,
                true,
                &mut acc,
            )
        };
    }
    let met = |tap: usize| {
        Some((
            tap as i64 * spec.b_tap_bytes,
            spec.place(row as usize, tap)?,
        ))
    };
    for i in 0..args.batch {
        for (of_b, of_a) in (0..spec.taps).filter_map(met) {
            // SAFETY: entries below `batch`, passed on to the caller.
            let (at_a, at_b) =
                unsafe { (*args.a_offsets.add(i) + of_a, *args.b_offsets.add(i) + of_b) };
            for l in spec.mix.elements(args.m) {
                for j in 0..count {
                    let (of_a, of_b) = spec.columns(col + j, l);
                    let a_at = args.a.wrapping_offset((at_a + of_a) as isize);
                    let b_at = args.b.wrapping_offset((at_b + of_b) as isize);
                    // SAFETY: passed on to the caller: columns below n.
                    unsafe {
                        a[j] = element(spec.a, a_at, int);
                        b[j] = element(spec.b, b_at, int);
                    }
                }
                for j in 0..count {
                    acc[j] = match int {
                        true => i32::from_bits(acc[j])
                            .add_product::<FMA>(i32::from_bits(a[j]), i32::from_bits(b[j]))
                            .bits(),
                        false => f32::from_bits(acc[j])
                            .add_product::<FMA>(f32::from_bits(a[j]), f32::from_bits(b[j]))
                            .to_bits(),
                    };
                }
            }
        }
    }
    acc
}

/// One element as f32 bits, or as s32.
///
/// # Safety
/// It must be readable.
#[inline(always)]
unsafe fn element(dtype: DataType, p: *const u8, int: bool) -> u32 {
    let mut lanes = [0; LANES];
    // SAFETY: passed on to the caller.
    unsafe { load(dtype, p, 1, int, &mut lanes) };
    lanes[0]
}
