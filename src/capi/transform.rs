//! `brick_transform_*`: packing a matrix B for a brgemm, on bare pointers.

use super::{borrow, borrow_mut, destroy, guard, hand_out, types::*};
use crate::{
    dtype::DataType,
    invalid,
    ops::ukernel::{Sizes, Transform},
    unimplemented_here,
};
use std::ffi::c_void;

/// Creates a transform, which packs a matrix B for a brgemm.
///
/// The result is a row of blocks of `out_ld` columns, one behind the other, each `[K/v][out_ld][v]`, where v is what
/// brick_brgemm_get_B_pack_type() implies (1 where it says #brick_pack_type_no_trans). K is rounded up to a multiple of v, N to
/// one of `out_ld`, and the padding is zero. A block is the B of a brgemm with `ldb` = `out_ld`.
///
/// @param transform Output transform; destroy it with brick_transform_destroy().
/// @param K Rows of B.
/// @param N Columns of B.
/// @param in_pack_type #brick_pack_type_no_trans for K rows of N elements, #brick_pack_type_trans for N rows of K.
/// @param in_ld Elements from one row of the input to the next, as many as a row has or more.
/// @param out_ld Columns of a block of the output.
/// @param in_dt Type of the input: #brick_f32, #brick_bf16, #brick_f16, #brick_u8 or #brick_s8.
/// @param out_dt Type of the output, the same.
/// @returns #brick_invalid_arguments if `transform` is NULL or a size is wrong, #brick_unimplemented for other types.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_transform_create(
    transform: *mut brick_transform_t,
    K: brick_dim_t,
    N: brick_dim_t,
    in_pack_type: brick_pack_type_t,
    in_ld: brick_dim_t,
    out_ld: brick_dim_t,
    in_dt: brick_data_type_t,
    out_dt: brick_data_type_t,
) -> brick_status_t {
    let create = || {
        let transposed = match in_pack_type {
            brick_pack_type_no_trans => false,
            brick_pack_type_trans => true,
            brick_pack_type_pack32 => {
                return Err(unimplemented_here!(
                    "in_pack_type: a packed input cannot be transformed"
                ));
            }
            other => {
                return Err(invalid!(
                    "in_pack_type: {other} is not the type of an input"
                ));
            }
        };
        let sizes = Sizes {
            k: K,
            n: N,
            in_ld,
            out_ld,
        };
        let from = DataType::from_c(in_dt, "in_dt")?;
        Transform::new(sizes, transposed, from, DataType::from_c(out_dt, "out_dt")?)
    };
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { hand_out(transform, "transform", create) })
}

/// Generates the code of a transform. From then on any number of threads may execute it at once.
///
/// @param transform The transform.
/// @returns #brick_invalid_arguments if `transform` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_transform_generate(transform: brick_transform_t) -> brick_status_t {
    // SAFETY: the caller passes a live transform.
    guard(|| unsafe { borrow_mut(transform, "transform")?.generate() })
}

/// Packs a matrix.
///
/// @param transform The transform, generated.
/// @param in_ptr The matrix.
/// @param out_ptr Room for the packed one; it must not overlap the input.
/// @returns #brick_invalid_arguments if a pointer is NULL or the transform not generated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_transform_execute(
    transform: const_brick_transform_t,
    in_ptr: *const c_void,
    out_ptr: *mut c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live transform, and matrices as it describes them.
    guard(|| unsafe { borrow(transform, "transform")?.execute(in_ptr.cast(), out_ptr.cast()) })
}

/// Destroys a transform.
///
/// @param transform The transform, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_transform_destroy(transform: brick_transform_t) -> brick_status_t {
    // SAFETY: the caller owns the transform.
    unsafe { destroy(transform) }
}
