//! Kernels that move or add elements without an expression: transposes, packs, sums of rows.

use super::elem::{Elem, read, with_type};
use crate::dtype::DataType;
use crate::kernel::spec::{Args, Interleave, Reduce, Transpose, Widen};

/// # Safety
/// As [`super::run`].
pub unsafe fn transpose(spec: &Transpose, args: &Args) {
    // SAFETY: passed on to the caller.
    unsafe {
        match spec.group_bytes {
            1 => transpose_groups::<1>(spec, args),
            2 => transpose_groups::<2>(spec, args),
            4 => transpose_groups::<4>(spec, args),
            other => unreachable!("no transpose of groups of {other} bytes"),
        }
    }
}

/// Goes along the columns in blocks of rows, so that the lines of the source are used while they are near.
///
/// # Safety
/// As [`super::run`].
unsafe fn transpose_groups<const G: usize>(spec: &Transpose, args: &Args) {
    const BLOCK: usize = 16;
    for first in (0..spec.rows).step_by(BLOCK) {
        for j in 0..spec.cols {
            let last = j + 1 == spec.cols && spec.tail_bytes != 0;
            let bytes = if last { spec.tail_bytes } else { G };
            for i in first..spec.rows.min(first + BLOCK) {
                let from = i as i64 * spec.a_row_bytes + (j * G) as i64;
                let to = j as i64 * spec.d_row_bytes + (i * G) as i64;
                // SAFETY: group (i, j) of the source and (j, i) of the destination, passed on to the caller.
                unsafe {
                    let from = args.a.wrapping_offset(from as isize);
                    let to = args.d.wrapping_offset(to as isize);
                    move_group::<G>(from, to, bytes);
                }
            }
        }
    }
}

/// Copies the first `bytes` of a group and clears the rest.
///
/// # Safety
/// `bytes` must be readable at `from`, a group writable at `to`.
#[inline(always)]
unsafe fn move_group<const G: usize>(from: *const u8, to: *mut u8, bytes: usize) {
    let mut group = [0u8; G];
    // SAFETY: passed on to the caller.
    unsafe {
        if bytes == G {
            group = from.cast::<[u8; G]>().read();
        } else {
            std::ptr::copy_nonoverlapping(from, group.as_mut_ptr(), bytes);
        }
        to.cast::<[u8; G]>().write(group);
    }
}

/// # Safety
/// As [`super::run`].
pub unsafe fn widen(spec: &Widen, args: &Args) {
    let size = spec.a.size_bytes();
    let group = 4 / size;
    for (i, g) in (0..args.m).flat_map(|i| (0..spec.n.div_ceil(group)).map(move |g| (i, g))) {
        let from = i as i64 * spec.a_row_bytes + 4 * g as i64;
        let to = i as i64 * spec.d_row_bytes + 8 * g as i64;
        let valid = group.min(spec.n - g * group) * size;
        // SAFETY: a group of the source row and its place in the destination, passed on to the caller.
        unsafe {
            let mut word = [0; 4];
            move_group::<4>(
                args.a.wrapping_offset(from as isize),
                word.as_mut_ptr(),
                valid,
            );
            let to = args.d.wrapping_offset(to as isize);
            to.cast::<[u8; 8]>().write(widened(word, spec.a));
        }
    }
}

/// A group in the order in which the steps of a product take it.
fn widened(word: [u8; 4], a: DataType) -> [u8; 8] {
    let [b0, b1, b2, b3] = word;
    let high = |b: u8| if a == DataType::S8 && b > 127 { 255 } else { 0 };
    match a {
        DataType::Bf16 => [0, 0, b0, b1, 0, 0, b2, b3],
        _ => [b0, high(b0), b2, high(b2), b1, high(b1), b3, high(b3)],
    }
}

/// # Safety
/// As [`super::run`].
pub unsafe fn interleave(spec: &Interleave, args: &Args) {
    // SAFETY: passed on to the caller.
    unsafe {
        match spec.elem_bytes {
            1 => interleave_groups::<u8, 4>(spec, args),
            2 => interleave_groups::<u16, 2>(spec, args),
            4 => interleave_groups::<u32, 1>(spec, args),
            other => unreachable!("no interleave of elements of {other} bytes"),
        }
    }
}

/// # Safety
/// As [`super::run`].
unsafe fn interleave_groups<T: Copy + Default, const V: usize>(spec: &Interleave, args: &Args) {
    for (g, first) in (0..spec.k).step_by(V).enumerate() {
        let to = (args.d).wrapping_offset((g as i64 * spec.d_row_bytes) as isize);
        let rows: [Option<*const u8>; V] = std::array::from_fn(|e| {
            let row = first + e;
            let at = row as i64 * spec.a_row_bytes;
            (row < spec.k).then(|| args.a.wrapping_offset(at as isize))
        });
        for j in 0..spec.n {
            let element = |row: *const u8| {
                let at = row.cast::<T>().wrapping_add(j);
                // SAFETY: element j of a row below k, passed on to the caller.
                unsafe { at.read_unaligned() }
            };
            let group: [T; V] = rows.map(|row| row.map_or(T::default(), element));
            let (panel, column) = (j / spec.panel, j % spec.panel);
            let to = to.wrapping_offset((panel as i64 * spec.panel_bytes) as isize);
            // SAFETY: group j of destination row g, passed on to the caller.
            unsafe {
                to.cast::<[T; V]>()
                    .wrapping_add(column)
                    .write_unaligned(group)
            };
        }
    }
}

/// # Safety
/// As [`super::run`].
#[inline(always)]
pub unsafe fn reduce(spec: &Reduce, args: &Args) {
    // SAFETY: passed on to the caller.
    unsafe {
        with_type!(spec.a, T => if spec.a.is_int() {
            sum_rows::<T, i32>(spec, args, |sum, x: T| sum.wrapping_add(x.to_i32()))
        } else {
            sum_rows::<T, f32>(spec, args, |sum, x: T| sum + x.to_f32())
        })
    }
}

/// # Safety
/// As [`super::run`].
#[inline(always)]
unsafe fn sum_rows<T: Elem, S: Elem + Default>(
    spec: &Reduce,
    args: &Args,
    add: impl Fn(S, T) -> S,
) {
    const BLOCK: usize = 64;
    for col in (0..spec.n).step_by(BLOCK) {
        let count = BLOCK.min(spec.n - col);
        let d = args.d.cast::<S>().wrapping_add(col);
        let mut sums = [S::default(); BLOCK];
        for (j, sum) in sums[..count].iter_mut().enumerate().filter(|_| spec.beta) {
            // SAFETY: columns below n, passed on to the caller.
            *sum = unsafe { d.wrapping_add(j).read_unaligned() };
        }
        for i in 0..args.m {
            let at = i as i64 * spec.a_row_bytes + (col * size_of::<T>()) as i64;
            let row = args.a.wrapping_offset(at as isize);
            for (j, sum) in sums[..count].iter_mut().enumerate() {
                // SAFETY: rows below m and columns below n, passed on to the caller.
                *sum = add(*sum, unsafe { read::<T>(row, j) });
            }
        }
        for (j, sum) in sums[..count].iter().enumerate() {
            // SAFETY: columns below n, passed on to the caller.
            unsafe { d.wrapping_add(j).write_unaligned(*sum) };
        }
    }
}
