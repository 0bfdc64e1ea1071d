//! `brick_brgemm_*`, `brick_ukernel_attr_params_*`: the building block itself, on bare pointers.

use super::{borrow, borrow_mut, destroy, guard, hand_out, put, types::*};
use crate::{
    dtype::DataType,
    error::Result,
    invalid,
    kernel::{bare::Bare, spec::Batch},
    ops::{
        epilogue::arg,
        ukernel::{self, Brgemm, Operands, Params},
    },
    require,
};
use std::ffi::{c_int, c_void};

/// Creates a list of the pointers that post-ops and scales of a brgemm need when it is executed. All are NULL at first.
///
/// @param attr_params Output list; destroy it with brick_ukernel_attr_params_destroy().
/// @returns #brick_invalid_arguments if `attr_params` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_ukernel_attr_params_create(
    attr_params: *mut brick_ukernel_attr_params_t,
) -> brick_status_t {
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { hand_out(attr_params, "attr_params", || Ok(Params::default())) })
}

/// Sets one pointer of a list.
///
/// # Safety
/// `params` is null or a live list that no other thread uses.
unsafe fn set(
    params: brick_ukernel_attr_params_t,
    change: impl FnOnce(&mut Params),
) -> brick_status_t {
    // SAFETY: as this function demands.
    guard(|| unsafe { borrow_mut(params, "attr_params").map(change) })
}

/// Sets the operands of post-ops.
///
/// @param attr_params The list.
/// @param post_ops_args An array of pointers to the data of src1 of each binary post-op, and to the weights of each prelu,
///     in the order of the chain; other post-ops have no entry, and a select has two, src1 and the condition. The array
///     is not copied: it must be there when the brgemm is executed. Each operand has the layout that its descriptor said.
/// @returns #brick_invalid_arguments if `attr_params` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_ukernel_attr_params_set_post_ops_args(
    attr_params: brick_ukernel_attr_params_t,
    post_ops_args: *mut *const c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live list.
    unsafe {
        set(attr_params, |p| {
            p.post_ops = post_ops_args.cast_const().cast()
        })
    }
}

/// Sets the scale of A.
///
/// @param attr_params The list.
/// @param a_scales Pointer to one f32, read when the brgemm is executed.
/// @returns #brick_invalid_arguments if `attr_params` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_ukernel_attr_params_set_A_scales(
    attr_params: brick_ukernel_attr_params_t,
    a_scales: *const c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live list.
    unsafe { set(attr_params, |p| p.scales[0] = a_scales.cast()) }
}

/// Sets the scales of B.
///
/// @param attr_params The list.
/// @param b_scales Pointer to one f32, or to N of them after brick_brgemm_set_B_scales() with mask 2; read when the brgemm
///     is executed.
/// @returns #brick_invalid_arguments if `attr_params` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_ukernel_attr_params_set_B_scales(
    attr_params: brick_ukernel_attr_params_t,
    b_scales: *const c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live list.
    unsafe { set(attr_params, |p| p.scales[1] = b_scales.cast()) }
}

/// Sets the scale of D, by which results are divided.
///
/// @param attr_params The list.
/// @param d_scales Pointer to one f32, read when the brgemm is executed.
/// @returns #brick_invalid_arguments if `attr_params` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_ukernel_attr_params_set_D_scales(
    attr_params: brick_ukernel_attr_params_t,
    d_scales: *const c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live list.
    unsafe { set(attr_params, |p| p.scales[2] = d_scales.cast()) }
}

/// Destroys a list of pointers; what they point to stays the caller's.
///
/// @param attr_params The list, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_ukernel_attr_params_destroy(
    attr_params: brick_ukernel_attr_params_t,
) -> brick_status_t {
    // SAFETY: the caller owns the list.
    unsafe { destroy(attr_params) }
}

fn types(a_dt: i32, b_dt: i32) -> Result<(DataType, DataType)> {
    Ok((
        DataType::from_c(a_dt, "a_dt")?,
        DataType::from_c(b_dt, "b_dt")?,
    ))
}

fn flag(value: c_int, name: &str) -> Result<bool> {
    require!(matches!(value, 0 | 1), "{name}: {value} is neither 0 nor 1");
    Ok(value == 1)
}

/// Creates a brgemm, C = A_0 * B_0 + A_1 * B_1 + ... over blocks of matrices: the kernel that every primitive is made of.
///
/// It goes through brick_brgemm_set_*(), brick_brgemm_finalize() and brick_brgemm_generate(); from then on any number of
/// threads may execute it at once. An execution runs in the calling thread and allocates nothing.
///
/// @param brgemm Output brgemm; destroy it with brick_brgemm_destroy().
/// @param M Rows of A and C.
/// @param N Columns of B and C.
/// @param K Columns of A and rows of B, the length of one block's sums.
/// @param batch_size Number of pairs of blocks; 0 is allowed.
/// @param lda Elements from one row of A to the next, K or more.
/// @param ldb Elements from one row of B to the next, N or more. Packed B is `[K/v][ldb][v]`, see
///     brick_brgemm_get_B_pack_type().
/// @param ldc Elements from one row of C to the next, N or more.
/// @param a_dt Type of A: #brick_f32, #brick_bf16, #brick_f16, #brick_u8 or #brick_s8.
/// @param b_dt Type of B: that of A, or any 8-bit integers for 8-bit integers.
/// @param c_dt Type of C, in which products are summed: #brick_f32, or #brick_s32 for integers.
/// @returns #brick_invalid_arguments if `brgemm` is NULL or a size is wrong, #brick_unimplemented for other types.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_brgemm_create(
    brgemm: *mut brick_brgemm_t,
    M: brick_dim_t,
    N: brick_dim_t,
    K: brick_dim_t,
    batch_size: brick_dim_t,
    lda: brick_dim_t,
    ldb: brick_dim_t,
    ldc: brick_dim_t,
    a_dt: brick_data_type_t,
    b_dt: brick_data_type_t,
    c_dt: brick_data_type_t,
) -> brick_status_t {
    let create = || {
        let (a, b) = types(a_dt, b_dt)?;
        let shape = Bare {
            m: M,
            n: N,
            k: K,
            lda,
            ldb,
            ldc,
            a,
            b,
            c: DataType::from_c(c_dt, "c_dt")?,
            add: false,
            batch: Batch::OffsetPairs,
        };
        Brgemm::new(shape, batch_size)
    };
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { hand_out(brgemm, "brgemm", create) })
}

/// Changes a brgemm.
///
/// # Safety
/// `brgemm` is null or live, and no other thread uses it.
unsafe fn change(
    brgemm: brick_brgemm_t,
    change: impl FnOnce(&mut Brgemm) -> Result<()>,
) -> brick_status_t {
    // SAFETY: as this function demands.
    guard(|| change(unsafe { borrow_mut(brgemm, "brgemm") }?))
}

/// Says whether sums are added to what C holds.
///
/// @param brgemm The brgemm, not yet finalized.
/// @param add_C 1 to add, 0 (as without this call) to overwrite C.
/// @returns #brick_invalid_arguments for another value, or if the brgemm is NULL or finalized.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_brgemm_set_add_C(
    brgemm: brick_brgemm_t,
    add_C: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm.
    unsafe { change(brgemm, |b| b.set_add_c(flag(add_C, "add_C")?)) }
}

/// Says what happens to the sums on their way to a second matrix, D: brick_brgemm_execute_postops() then takes the place of
/// brick_brgemm_execute() as the last call of a chain that adds to C.
///
/// @param brgemm The brgemm, not yet finalized.
/// @param ldd Elements from one row of D to the next, N or more.
/// @param d_dt Type of D: #brick_f32, #brick_bf16, #brick_f16, #brick_s32, #brick_s8 or #brick_u8; values are rounded to
///     nearest even and saturated.
/// @param post_ops The chain, which is copied; its operands are tensors of 2 dims that are 1 or those of D. NULL means an
///     empty chain.
/// @returns #brick_invalid_arguments if the brgemm is NULL or finalized, or `ldd` too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_set_post_ops(
    brgemm: brick_brgemm_t,
    ldd: brick_dim_t,
    d_dt: brick_data_type_t,
    post_ops: const_brick_post_ops_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm, and a live chain or NULL.
    unsafe {
        change(brgemm, |b| {
            let d = DataType::from_c(d_dt, "d_dt")?;
            let chain = match post_ops.is_null() {
                true => Vec::new(),
                false => borrow(post_ops, "post_ops")?.clone(),
            };
            b.set_post_ops(ldd, d, chain)
        })
    }
}

/// Says that sums are multiplied with a scale of A before post-ops.
///
/// @param brgemm The brgemm, not yet finalized.
/// @param a_scale_mask 0: one f32 for all of A.
/// @returns #brick_invalid_arguments for another mask, or if the brgemm is NULL or finalized.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_set_A_scales(
    brgemm: brick_brgemm_t,
    a_scale_mask: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm.
    unsafe { change(brgemm, |b| b.set_scales(arg::SRC, a_scale_mask)) }
}

/// Says that sums are multiplied with scales of B before post-ops.
///
/// @param brgemm The brgemm, not yet finalized.
/// @param b_scale_mask 0: one f32 for all of B; 2: one for each of its N columns.
/// @returns #brick_invalid_arguments for another mask, or if the brgemm is NULL or finalized.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_set_B_scales(
    brgemm: brick_brgemm_t,
    b_scale_mask: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm.
    unsafe { change(brgemm, |b| b.set_scales(arg::WEIGHTS, b_scale_mask)) }
}

/// Says that results are divided by a scale of D after post-ops.
///
/// @param brgemm The brgemm, not yet finalized.
/// @param d_scale_mask 0: one f32 for all of D.
/// @returns #brick_invalid_arguments for another mask, or if the brgemm is NULL or finalized.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_set_D_scales(
    brgemm: brick_brgemm_t,
    d_scale_mask: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm.
    unsafe { change(brgemm, |b| b.set_scales(arg::DST, d_scale_mask)) }
}

/// Ends the description of a brgemm; it cannot be changed any more, and can be queried.
///
/// @param brgemm The brgemm.
/// @returns #brick_invalid_arguments if the brgemm is NULL or finalized already, or an operand of a post-op does not fit
///     D; #brick_unimplemented for post-ops that kernels cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_finalize(brgemm: brick_brgemm_t) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm.
    unsafe { change(brgemm, Brgemm::finalize) }
}

/// Queries how B must lie in memory.
///
/// @param pack_type Receives #brick_pack_type_no_trans (row-major) for #brick_f32 and #brick_f16, and
///     #brick_pack_type_pack32 for the others: `[K/v][ldb][v]` with v = 2 elements of #brick_bf16 or v = 4 8-bit integers,
///     K rounded up to a multiple of v and filled with zeros (or anything finite).
/// @param a_dt Type of A.
/// @param b_dt Type of B.
/// @returns #brick_invalid_arguments if `pack_type` is NULL or a type is unknown, #brick_unimplemented if there is no
///     kernel for these types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_get_B_pack_type(
    pack_type: *mut brick_pack_type_t,
    a_dt: brick_data_type_t,
    b_dt: brick_data_type_t,
) -> brick_status_t {
    let query = || {
        let (a, b) = types(a_dt, b_dt)?;
        Ok(match ukernel::group(a, b)? {
            1 => brick_pack_type_no_trans,
            _ => brick_pack_type_pack32,
        })
    };
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { put(pack_type, "pack_type", query) })
}

/// Queries the bytes of scratch memory that an execution needs.
///
/// @param brgemm The brgemm, finalized.
/// @param size Receives the number, which is 0.
/// @returns #brick_invalid_arguments if a pointer is NULL or the brgemm not finalized.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_get_scratchpad_size(
    brgemm: const_brick_brgemm_t,
    size: *mut usize,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm and a writable place.
    guard(|| unsafe { put(size, "size", || borrow(brgemm, "brgemm")?.scratch_bytes()) })
}

/// Queries whether anything follows the sums, so that brick_brgemm_execute_postops() may be called.
///
/// @param brgemm The brgemm, finalized.
/// @param valid Receives 1 if there are post-ops or scales or D has another type than C, else 0.
/// @returns #brick_invalid_arguments if a pointer is NULL or the brgemm not finalized.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_is_execute_postops_valid(
    brgemm: const_brick_brgemm_t,
    valid: *mut c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm and a writable place.
    guard(|| unsafe {
        put(valid, "valid", || {
            borrow(brgemm, "brgemm")?.has_post_ops().map(c_int::from)
        })
    })
}

/// Prepares the calling thread for executions of a brgemm. No instruction set that brick uses needs it; call it all the
/// same, for those to come.
///
/// @param brgemm The brgemm.
/// @returns #brick_invalid_arguments if `brgemm` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_set_hw_context(
    brgemm: const_brick_brgemm_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm.
    guard(|| unsafe { borrow(brgemm, "brgemm").map(drop) })
}

/// Ends what brick_brgemm_set_hw_context() began in the calling thread.
///
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub extern "C" fn brick_brgemm_release_hw_context() -> brick_status_t {
    brick_success
}

/// Generates the code of a brgemm, or finds that of an equal one.
///
/// @param brgemm The brgemm, finalized.
/// @returns #brick_invalid_arguments if the brgemm is NULL or not finalized.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_generate(brgemm: brick_brgemm_t) -> brick_status_t {
    // SAFETY: the caller passes a live brgemm.
    unsafe { change(brgemm, Brgemm::generate) }
}

/// Computes C, or adds to it: C = A_0 * B_0 + A_1 * B_1 + ..., without post-ops and scales.
///
/// @param brgemm The brgemm, generated.
/// @param A_ptr What the offsets of A count from.
/// @param B_ptr What the offsets of B count from.
/// @param A_B_offsets 2 * batch_size offsets in bytes: where A_0, B_0, A_1, B_1, ... begin. Blocks may come in any order,
///     repeat and overlap. Not read if batch_size is 0.
/// @param C_ptr C, M rows of N elements, ldc apart; what lies between the rows is left alone. It must not overlap A or B.
/// @param scratchpad_ptr Not used; NULL is allowed.
/// @returns #brick_invalid_arguments if a pointer is NULL or the brgemm not generated.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_brgemm_execute(
    brgemm: const_brick_brgemm_t,
    A_ptr: *const c_void,
    B_ptr: *const c_void,
    A_B_offsets: *const brick_dim_t,
    C_ptr: *mut c_void,
    scratchpad_ptr: *mut c_void,
) -> brick_status_t {
    let _ = scratchpad_ptr;
    let operands = Operands {
        a: A_ptr.cast(),
        b: B_ptr.cast(),
        offsets: A_B_offsets,
        c: C_ptr.cast(),
    };
    // SAFETY: the caller passes a live brgemm and operands as it describes them.
    guard(|| unsafe { borrow(brgemm, "brgemm")?.execute(&operands) })
}

/// Computes D: the sums, added to C if brick_brgemm_set_add_C() said so, times the scales of A and B, then the post-ops in
/// order, divided by the scale of D. C is not changed.
///
/// @param brgemm The brgemm, generated, for which brick_brgemm_is_execute_postops_valid() says 1.
/// @param A What the offsets of A count from.
/// @param B What the offsets of B count from.
/// @param A_B_offsets As for brick_brgemm_execute().
/// @param C_ptr C; it is read only if sums are added to it, and may be NULL if not.
/// @param D_ptr D, M rows of N elements of its type, ldd apart. It may be C if a row takes as many bytes, and must not overlap A,
///     B or an operand of post-ops.
/// @param scratchpad_ptr Not used; NULL is allowed.
/// @param attr_params Pointers to scales and operands of post-ops; NULL if there are none.
/// @returns #brick_invalid_arguments if a pointer that is needed is NULL, the brgemm is not generated or nothing follows its
///     sums.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_brgemm_execute_postops(
    brgemm: const_brick_brgemm_t,
    A: *const c_void,
    B: *const c_void,
    A_B_offsets: *const brick_dim_t,
    C_ptr: *const c_void,
    D_ptr: *mut c_void,
    scratchpad_ptr: *mut c_void,
    attr_params: const_brick_ukernel_attr_params_t,
) -> brick_status_t {
    let _ = scratchpad_ptr;
    let operands = Operands {
        a: A.cast(),
        b: B.cast(),
        offsets: A_B_offsets,
        c: C_ptr.cast_mut().cast(),
    };
    // SAFETY: the caller passes a live brgemm, a live list or NULL, and operands as the brgemm describes them.
    guard(|| unsafe {
        let params = attr_params.cast::<Params>().as_ref();
        borrow(brgemm, "brgemm")?.execute_post_ops(&operands, D_ptr.cast(), params)
    })
}

/// Destroys a brgemm.
///
/// @param brgemm The brgemm, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_brgemm_destroy(brgemm: brick_brgemm_t) -> brick_status_t {
    // SAFETY: the caller owns the brgemm.
    unsafe { destroy(brgemm) }
}

/// Finds or makes a brgemm as a plain function, for callers that generate code themselves: it takes its arguments one by one,
/// checks nothing, and belongs to nobody: it may be called from any thread and stays valid until the process ends.
///
/// Asking again for the same shape gives the same function, without a lock. The function computes
/// C = A_0 * B_0 + A_1 * B_1 + ..., or adds that to C; the layouts are those of brick_brgemm_create().
///
/// @param function Receives the function; which member of the union is valid depends on `batch_kind`.
/// @param M Rows of A and C.
/// @param N Columns of B and C.
/// @param K Columns of A and rows of B.
/// @param lda Elements from one row of A to the next, K or more.
/// @param ldb Elements from one row of B to the next, N or more; B is packed as brick_brgemm_get_B_pack_type() says.
/// @param ldc Elements from one row of C to the next, N or more.
/// @param a_dt Type of A.
/// @param b_dt Type of B.
/// @param c_dt Type of C: that of the sums, or, if `add_C` is 0, any type that brick_brgemm_set_post_ops() allows for D.
/// @param add_C 1 to add to C, 0 to overwrite it.
/// @param batch_kind How the blocks are given: #brick_batch_address, #brick_batch_offset or #brick_batch_stride.
/// @returns #brick_invalid_arguments if `function` is NULL or a size wrong; #brick_unimplemented for types that no kernel
///     multiplies, for leading dimensions of gigabytes, and where no code can be generated: on processors that brick has no
///     generator for, and where the host refuses executable memory.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn brick_brgemm_dispatch(
    function: *mut brick_brgemm_fn_t,
    M: brick_dim_t,
    N: brick_dim_t,
    K: brick_dim_t,
    lda: brick_dim_t,
    ldb: brick_dim_t,
    ldc: brick_dim_t,
    a_dt: brick_data_type_t,
    b_dt: brick_data_type_t,
    c_dt: brick_data_type_t,
    add_C: c_int,
    batch_kind: brick_batch_kind_t,
) -> brick_status_t {
    let dispatch = || {
        let (a, b) = types(a_dt, b_dt)?;
        let bare = Bare {
            m: M,
            n: N,
            k: K,
            lda,
            ldb,
            ldc,
            a,
            b,
            c: DataType::from_c(c_dt, "c_dt")?,
            add: flag(add_C, "add_C")?,
            batch: match batch_kind {
                brick_batch_address => Batch::Address,
                brick_batch_offset => Batch::Offset,
                brick_batch_stride => Batch::RunStride,
                other => return Err(invalid!("batch_kind: {other} is not a kind of batch")),
            },
        };
        let address = bare.function()?;
        // SAFETY: the code is a function of the kind that the batch says, all of which are one machine word.
        Ok(unsafe { std::mem::transmute::<*const u8, brick_brgemm_fn_t>(address) })
    };
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { put(function, "function", dispatch) })
}
