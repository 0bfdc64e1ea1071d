//! `brick_sgemm` and the products of bytes: matrix products of one call.

use super::{guard, types::*};
use crate::{
    dtype::DataType,
    error::Result,
    invalid,
    ops::blas::{Call, Desc, Factor, Offset},
    primitive::blas,
    require,
};
use std::ffi::{c_char, c_void};

fn is_transposed(flag: c_char, name: &str) -> Result<bool> {
    match flag as u8 {
        b'N' | b'n' => Ok(false),
        b'T' | b't' => Ok(true),
        other => Err(invalid!(
            "{name}: '{}' is neither 'N' nor 'T'",
            char::from(other).escape_default()
        )),
    }
}

/// Checks pointers and sizes, and runs the product.
///
/// # Safety
/// As for [`blas::run`], where pointers are not null.
unsafe fn product(desc: &Desc, call: &Call) -> Result<()> {
    desc.check()?;
    if desc.is_void() {
        return Ok(());
    }
    for (pointer, name, needed) in [
        (call.a, "A", desc.k > 0),
        (call.b, "B", desc.k > 0),
        (call.c.cast_const(), "C", true),
        (call.co, "co", desc.co.is_some()),
    ] {
        require!(
            !needed || !pointer.is_null(),
            "{name}: NULL, but the product is {}x{}x{}",
            desc.m,
            desc.n,
            desc.k
        );
    }
    // SAFETY: as this function demands.
    unsafe { blas::run(desc, call) }
}

/// Multiplies matrices: C = alpha * op(A) * op(B) + beta * C. All matrices are row-major.
///
/// It runs on the default threads and returns when C is complete. The first call of a shape generates its kernels; later
/// ones find them, without a lock if this thread used the shape lately. Any number of threads may call it at once.
///
/// @param transa 'N' or 'n': op(A) = A, M rows of K elements; 'T' or 't': op(A) is A transposed, which has K rows of M elements.
/// @param transb 'N' or 'n': op(B) = B, K rows of N elements; 'T' or 't': op(B) is B transposed, which has N rows of K elements.
/// @param M Rows of C; 0 is allowed and does nothing.
/// @param N Columns of C; 0 is allowed and does nothing.
/// @param K Length of the sums; 0 leaves beta * C.
/// @param alpha Factor of the product. If it is 0, A and B are not read.
/// @param A First matrix. It, B and C must not be NULL where they have elements.
/// @param lda Elements from one row of A, as it lies, to the next; not less than a row has, and at least 1. The same holds for
///     `ldb` and `ldc`.
/// @param B Second matrix.
/// @param ldb Elements from one row of B to the next.
/// @param beta Factor of the old C. If it is 0, C is not read and may hold anything.
/// @param C Result, M rows of N elements; it must not overlap A or B. What lies between its rows is left alone.
/// @param ldc Elements from one row of C to the next.
/// @returns #brick_invalid_arguments if an argument is wrong, and C is as before.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_sgemm(
    transa: c_char,
    transb: c_char,
    M: brick_dim_t,
    N: brick_dim_t,
    K: brick_dim_t,
    alpha: f32,
    A: *const f32,
    lda: brick_dim_t,
    B: *const f32,
    ldb: brick_dim_t,
    beta: f32,
    C: *mut f32,
    ldc: brick_dim_t,
) -> brick_status_t {
    let body = || {
        let desc = Desc {
            a: DataType::F32,
            transposed: [
                is_transposed(transa, "transa")?,
                is_transposed(transb, "transb")?,
            ],
            m: M,
            n: N,
            k: K,
            lda,
            ldb,
            ldc,
            alpha: Factor::of(alpha),
            beta: Factor::of(beta),
            offsets: [false; 2],
            co: None,
        };
        let call = Call {
            a: A.cast(),
            b: B.cast(),
            c: C.cast(),
            alpha,
            beta,
            ao: 0,
            bo: 0,
            co: std::ptr::null(),
        };
        // SAFETY: the caller passes matrices of the sizes given, or NULL.
        unsafe { product(&desc, &call) }
    };
    guard(body)
}

/// The arguments that both products of bytes share.
struct Bytes {
    a: DataType,
    flags: [c_char; 3],
    sizes: [brick_dim_t; 3],
    strides: [brick_dim_t; 3],
    pointers: (*const c_void, *const i8, *mut i32, *const i32),
    factors: [f32; 2],
    offsets: [i32; 2],
}

impl Bytes {
    /// # Safety
    /// The matrices have the sizes given, or are NULL.
    unsafe fn product(&self) -> Result<()> {
        let [ta, tb, offsetc] = self.flags;
        let co = match offsetc as u8 {
            b'F' | b'f' => Offset::Fixed,
            b'C' | b'c' => Offset::Column,
            b'R' | b'r' => Offset::Row,
            other => {
                return Err(invalid!(
                    "offsetc: '{}' is none of 'F', 'C' and 'R'",
                    char::from(other).escape_default()
                ));
            }
        };
        let ([m, n, k], [lda, ldb, ldc], [alpha, beta]) = (self.sizes, self.strides, self.factors);
        let desc = Desc {
            a: self.a,
            transposed: [is_transposed(ta, "transa")?, is_transposed(tb, "transb")?],
            m,
            n,
            k,
            lda,
            ldb,
            ldc,
            alpha: Factor::of(alpha),
            beta: Factor::of(beta),
            offsets: self.offsets.map(|offset| offset != 0),
            co: Some(co),
        };
        let (a, b, c, co) = self.pointers;
        let call = Call {
            a: a.cast(),
            b: b.cast(),
            c: c.cast(),
            alpha,
            beta,
            ao: self.offsets[0],
            bo: self.offsets[1],
            co: co.cast(),
        };
        // SAFETY: as this function demands.
        unsafe { product(&desc, &call) }
    }
}

/// Multiplies matrices of bytes, A unsigned: C = alpha * (op(A) - ao) * (op(B) - bo) + beta * C + co. All matrices are
/// row-major.
///
/// Where alpha is 1 and beta 0 or 1, everything is computed in s32, exactly as long as it fits and modulo 2^32 where it does
/// not. Otherwise the sums of products, exact in s32, are scaled and added in f32, and the result is rounded to nearest even
/// and saturated. Threads and kernels are as for brick_sgemm().
///
/// @param transa As for brick_sgemm().
/// @param transb As for brick_sgemm().
/// @param offsetc What `co` holds: 'F' or 'f' for one value that is added everywhere, 'C' or 'c' for a column of M values, one a row
///     of C, 'R' or 'r' for a row of N values, one a column of C.
/// @param M As for brick_sgemm().
/// @param N As for brick_sgemm().
/// @param K As for brick_sgemm().
/// @param alpha As for brick_sgemm().
/// @param A As for brick_sgemm().
/// @param lda As for brick_sgemm().
/// @param ao Subtracted from every element of A.
/// @param B As for brick_sgemm().
/// @param ldb As for brick_sgemm().
/// @param bo Subtracted from every element of B.
/// @param beta As for brick_sgemm().
/// @param C As for brick_sgemm().
/// @param ldc As for brick_sgemm().
/// @param co Added to C; not NULL where C has elements.
/// @returns #brick_invalid_arguments if an argument is wrong, and C is as before.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_gemm_u8s8s32(
    transa: c_char,
    transb: c_char,
    offsetc: c_char,
    M: brick_dim_t,
    N: brick_dim_t,
    K: brick_dim_t,
    alpha: f32,
    A: *const u8,
    lda: brick_dim_t,
    ao: u8,
    B: *const i8,
    ldb: brick_dim_t,
    bo: i8,
    beta: f32,
    C: *mut i32,
    ldc: brick_dim_t,
    co: *const i32,
) -> brick_status_t {
    let bytes = Bytes {
        a: DataType::U8,
        flags: [transa, transb, offsetc],
        sizes: [M, N, K],
        strides: [lda, ldb, ldc],
        pointers: (A.cast(), B, C, co),
        factors: [alpha, beta],
        offsets: [ao.into(), bo.into()],
    };
    // SAFETY: the caller passes matrices of the sizes given, or NULL.
    guard(|| unsafe { bytes.product() })
}

/// Multiplies matrices of signed bytes: C = alpha * (op(A) - ao) * (op(B) - bo) + beta * C + co.
///
/// Everything is as for brick_gemm_u8s8s32(), but for the type of A and of its offset.
///
/// @param transa As for brick_sgemm().
/// @param transb As for brick_sgemm().
/// @param offsetc As for brick_gemm_u8s8s32().
/// @param M As for brick_sgemm().
/// @param N As for brick_sgemm().
/// @param K As for brick_sgemm().
/// @param alpha As for brick_sgemm().
/// @param A As for brick_sgemm().
/// @param lda As for brick_sgemm().
/// @param ao As for brick_gemm_u8s8s32().
/// @param B As for brick_sgemm().
/// @param ldb As for brick_sgemm().
/// @param bo As for brick_gemm_u8s8s32().
/// @param beta As for brick_sgemm().
/// @param C As for brick_sgemm().
/// @param ldc As for brick_sgemm().
/// @param co As for brick_gemm_u8s8s32().
/// @returns #brick_invalid_arguments if an argument is wrong, and C is as before.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_gemm_s8s8s32(
    transa: c_char,
    transb: c_char,
    offsetc: c_char,
    M: brick_dim_t,
    N: brick_dim_t,
    K: brick_dim_t,
    alpha: f32,
    A: *const i8,
    lda: brick_dim_t,
    ao: i8,
    B: *const i8,
    ldb: brick_dim_t,
    bo: i8,
    beta: f32,
    C: *mut i32,
    ldc: brick_dim_t,
    co: *const i32,
) -> brick_status_t {
    let bytes = Bytes {
        a: DataType::S8,
        flags: [transa, transb, offsetc],
        sizes: [M, N, K],
        strides: [lda, ldb, ldc],
        pointers: (A.cast(), B, C, co),
        factors: [alpha, beta],
        offsets: [ao.into(), bo.into()],
    };
    // SAFETY: the caller passes matrices of the sizes given, or NULL.
    guard(|| unsafe { bytes.product() })
}
