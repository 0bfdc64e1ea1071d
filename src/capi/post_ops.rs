//! `brick_post_ops_*`: chains of operations that follow a primitive's own.

use super::{
    borrow, borrow_mut, check_mask, destroy, guard, guard_or, hand_out, not_nan, put_if, types::*,
};
use crate::{
    attr::{BinaryAlg, Eltwise, F32, PostOp},
    dtype::DataType,
    error::{Error, Result},
    invalid,
    memory::MemoryDesc,
    ops::eltwise::check_parameters,
    require,
};
use std::ffi::c_int;

/// The most post-ops that a chain may have.
const MAX_POST_OPS: usize = 32;

/// Creates an empty chain.
///
/// @param post_ops Output chain; destroy it with brick_post_ops_destroy().
/// @returns #brick_invalid_arguments if `post_ops` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_create(post_ops: *mut brick_post_ops_t) -> brick_status_t {
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { hand_out(post_ops, "post_ops", || Ok(Vec::new())) })
}

/// Copies a chain.
///
/// @param post_ops Output chain; destroy it with brick_post_ops_destroy().
/// @param existing_post_ops The chain to copy.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_clone(
    post_ops: *mut brick_post_ops_t,
    existing_post_ops: const_brick_post_ops_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live chain and a writable place.
    guard(|| unsafe {
        hand_out(post_ops, "post_ops", || {
            borrow(existing_post_ops, "existing_post_ops").cloned()
        })
    })
}

/// Destroys a chain. Attributes that it was given to are not affected.
///
/// @param post_ops The chain, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_destroy(post_ops: brick_post_ops_t) -> brick_status_t {
    // SAFETY: the caller owns the chain.
    unsafe { destroy(post_ops) }
}

/// Length of a chain.
///
/// @param post_ops The chain; NULL for an empty one.
/// @returns The number of post-ops.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_len(post_ops: const_brick_post_ops_t) -> c_int {
    if post_ops.is_null() {
        return 0;
    }
    // SAFETY: the caller passes a live chain.
    guard_or(0, || unsafe {
        Ok(borrow(post_ops, "post_ops")?.len() as c_int)
    })
}

/// Post-op `index` of a chain.
///
/// # Safety
/// `post_ops` is null or live.
unsafe fn entry<'a>(post_ops: const_brick_post_ops_t, index: c_int) -> Result<&'a PostOp> {
    // SAFETY: as this function demands.
    let chain = unsafe { borrow(post_ops, "post_ops") }?;
    let entry = usize::try_from(index).ok().and_then(|i| chain.get(i));
    entry.ok_or_else(|| invalid!("index: {index}, but the chain has {} post-ops", chain.len()))
}

fn kind(post_op: &PostOp) -> brick_primitive_kind_t {
    match post_op {
        PostOp::Sum { .. } => brick_sum,
        PostOp::Eltwise { .. } => brick_eltwise,
        PostOp::Binary { .. } => brick_binary,
        PostOp::Prelu { .. } => brick_prelu,
        PostOp::Depthwise { .. } => brick_convolution,
    }
}

/// Kind of a post-op.
///
/// @param post_ops The chain.
/// @param index Number of the post-op, from 0.
/// @returns #brick_sum, #brick_eltwise, #brick_binary, #brick_prelu or #brick_convolution; #brick_undefined_primitive if there
///     is no such post-op.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_get_kind(
    post_ops: const_brick_post_ops_t,
    index: c_int,
) -> brick_primitive_kind_t {
    // SAFETY: the caller passes a live chain.
    guard_or(brick_undefined_primitive, || unsafe {
        entry(post_ops, index).map(kind)
    })
}

/// Appends what `make` makes.
///
/// # Safety
/// `post_ops` is null or live, and no other thread uses it.
unsafe fn append(
    post_ops: brick_post_ops_t,
    make: impl FnOnce() -> Result<PostOp>,
) -> brick_status_t {
    guard(|| {
        // SAFETY: as this function demands.
        let chain = unsafe { borrow_mut(post_ops, "post_ops") }?;
        require!(
            chain.len() < MAX_POST_OPS,
            "post_ops: the chain has {MAX_POST_OPS} post-ops already, the most there may be"
        );
        chain.push(make()?);
        Ok(())
    })
}

fn other_kind(post_op: &PostOp, asked: &str) -> Error {
    let names = &PRIMITIVE_KIND;
    let name = names
        .text(kind(post_op))
        .unwrap_or("")
        .trim_end_matches('\0');
    invalid!("index: the post-op is {name}, not {asked}")
}

/// A type, or none for #brick_data_type_undef.
fn optional_type(value: brick_data_type_t, name: &str) -> Result<Option<DataType>> {
    match value {
        brick_data_type_undef => Ok(None),
        _ => DataType::from_c(value, name).map(Some),
    }
}

fn type_number(data_type: Option<DataType>) -> brick_data_type_t {
    data_type.map_or(brick_data_type_undef, |dt| dt as i32)
}

/// Appends a sum with the old destination: dst = op + scale * (dst - zero_point).
///
/// @param post_ops The chain.
/// @param scale The scale.
/// @param zero_point The zero point.
/// @param data_type Type to read the destination as, of the same size as its own; #brick_data_type_undef for its own.
/// @returns #brick_invalid_arguments for NaN, a number that is not a type or a chain of 32 post-ops.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_append_sum(
    post_ops: brick_post_ops_t,
    scale: f32,
    zero_point: i32,
    data_type: brick_data_type_t,
) -> brick_status_t {
    let make = || {
        Ok(PostOp::Sum {
            scale: not_nan(scale, "scale")?,
            zero_point,
            data_type: optional_type(data_type, "data_type")?,
        })
    };
    // SAFETY: the caller passes a live chain that nobody else uses meanwhile.
    unsafe { append(post_ops, make) }
}

/// Queries a sum.
///
/// @param post_ops The chain.
/// @param index Number of the post-op, from 0.
/// @param scale Receives the scale; may be NULL, as the others.
/// @param zero_point Receives the zero point.
/// @param data_type Receives the type.
/// @returns #brick_invalid_arguments if there is no such post-op or it is not a sum.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_get_params_sum(
    post_ops: const_brick_post_ops_t,
    index: c_int,
    scale: *mut f32,
    zero_point: *mut i32,
    data_type: *mut brick_data_type_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live chain and writable places.
    guard(|| unsafe {
        match entry(post_ops, index)? {
            PostOp::Sum {
                scale: s,
                zero_point: z,
                data_type: t,
            } => {
                put_if(scale, s.get());
                put_if(zero_point, *z);
                put_if(data_type, type_number(*t));
                Ok(())
            }
            other => Err(other_kind(other, "sum")),
        }
    })
}

/// Appends an element-wise operation: dst = alg(op).
///
/// @param post_ops The chain.
/// @param alg_kind A forward algorithm, brick_eltwise_*.
/// @param alpha First parameter of the algorithm.
/// @param beta Second parameter.
/// @returns #brick_invalid_arguments for NaN, bounds of clip in the wrong order, a soft_relu with alpha 0, another
///     algorithm or a chain of 32 post-ops.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_append_eltwise(
    post_ops: brick_post_ops_t,
    alg_kind: brick_alg_kind_t,
    alpha: f32,
    beta: f32,
) -> brick_status_t {
    let make = || {
        let (alg, use_dst) = Eltwise::from_c(alg_kind)?;
        require!(
            !use_dst,
            "alg_kind: {alg_kind:#x} is for backward passes, a post-op is forward"
        );
        check_parameters(alg, alpha, beta)?;
        Ok(PostOp::Eltwise {
            alg,
            alpha: F32::new(alpha),
            beta: F32::new(beta),
        })
    };
    // SAFETY: the caller passes a live chain that nobody else uses meanwhile.
    unsafe { append(post_ops, make) }
}

/// Queries an element-wise operation.
///
/// @param post_ops The chain.
/// @param index Number of the post-op, from 0.
/// @param alg_kind Receives the algorithm; may be NULL, as the others.
/// @param alpha Receives its first parameter.
/// @param beta Receives its second parameter.
/// @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_get_params_eltwise(
    post_ops: const_brick_post_ops_t,
    index: c_int,
    alg_kind: *mut brick_alg_kind_t,
    alpha: *mut f32,
    beta: *mut f32,
) -> brick_status_t {
    // SAFETY: the caller passes a live chain and writable places.
    guard(|| unsafe {
        match entry(post_ops, index)? {
            PostOp::Eltwise {
                alg,
                alpha: a,
                beta: b,
            } => {
                put_if(alg_kind, *alg as i32);
                put_if(alpha, a.get());
                put_if(beta, b.get());
                Ok(())
            }
            other => Err(other_kind(other, "eltwise")),
        }
    })
}

/// Appends a depthwise convolution. No primitive of brick honours it: descriptors with it are refused as unimplemented.
///
/// @param post_ops The chain.
/// @param weights_data_type Type of the weights.
/// @param bias_data_type Type of the bias; #brick_data_type_undef for none.
/// @param dst_data_type Type of the destination.
/// @param kernel_size Size of the kernel, at least 1.
/// @param stride_size Stride, at least 1.
/// @param padding_l_size Padding, at least 0 and less than the kernel.
/// @returns #brick_invalid_arguments for values that mean nothing or a chain of 32 post-ops.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_append_dw(
    post_ops: brick_post_ops_t,
    weights_data_type: brick_data_type_t,
    bias_data_type: brick_data_type_t,
    dst_data_type: brick_data_type_t,
    kernel_size: brick_dim_t,
    stride_size: brick_dim_t,
    padding_l_size: brick_dim_t,
) -> brick_status_t {
    let make = || {
        require!(
            kernel_size >= 1 && stride_size >= 1 && (0..kernel_size).contains(&padding_l_size),
            "kernel_size, stride_size, padding_l_size: {kernel_size}, {stride_size}, {padding_l_size}; \
                 at least 1, at least 1, and from 0 to below the kernel size are possible"
        );
        Ok(PostOp::Depthwise {
            weights: DataType::from_c(weights_data_type, "weights_data_type")?,
            bias: optional_type(bias_data_type, "bias_data_type")?,
            dst: DataType::from_c(dst_data_type, "dst_data_type")?,
            kernel: kernel_size,
            stride: stride_size,
            padding: padding_l_size,
        })
    };
    // SAFETY: the caller passes a live chain that nobody else uses meanwhile.
    unsafe { append(post_ops, make) }
}

/// Queries a depthwise convolution.
///
/// @param post_ops The chain.
/// @param index Number of the post-op, from 0.
/// @param weights_data_type Receives the type of the weights; may be NULL, as the others.
/// @param bias_data_type Receives the type of the bias.
/// @param dst_data_type Receives the type of the destination.
/// @param kernel_size Receives the size of the kernel.
/// @param stride_size Receives the stride.
/// @param padding_l_size Receives the padding.
/// @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_get_params_dw(
    post_ops: const_brick_post_ops_t,
    index: c_int,
    weights_data_type: *mut brick_data_type_t,
    bias_data_type: *mut brick_data_type_t,
    dst_data_type: *mut brick_data_type_t,
    kernel_size: *mut brick_dim_t,
    stride_size: *mut brick_dim_t,
    padding_l_size: *mut brick_dim_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live chain and writable places.
    guard(|| unsafe {
        match entry(post_ops, index)? {
            PostOp::Depthwise {
                weights,
                bias,
                dst,
                kernel,
                stride,
                padding,
            } => {
                put_if(weights_data_type, *weights as i32);
                put_if(bias_data_type, type_number(*bias));
                put_if(dst_data_type, *dst as i32);
                put_if(kernel_size, *kernel);
                put_if(stride_size, *stride);
                put_if(padding_l_size, *padding);
                Ok(())
            }
            other => Err(other_kind(other, "a depthwise convolution")),
        }
    })
}

/// Appends a binary operation: dst = alg(op, src1).
///
/// @param post_ops The chain.
/// @param alg_kind An algorithm of two operands, brick_binary_*.
/// @param src1_desc The other operand, of as many dimensions as the destination; it is repeated along its dimensions of size 1.
///     Its memory is given at execution, as argument BRICK_ARG_ATTR_MULTIPLE_POST_OP(index) | BRICK_ARG_SRC_1.
/// @returns #brick_invalid_arguments for another algorithm, an absent operand or a chain of 32 post-ops.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_append_binary(
    post_ops: brick_post_ops_t,
    alg_kind: brick_alg_kind_t,
    src1_desc: const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe { brick_post_ops_append_binary_v2(post_ops, alg_kind, src1_desc, std::ptr::null()) }
}

/// # Safety
/// `md` is null or live.
unsafe fn operand(md: const_brick_memory_desc_t, name: &str) -> Result<MemoryDesc> {
    // SAFETY: as this function demands.
    let md = *unsafe { borrow(md, name) }?;
    require!(
        !md.is_absent(),
        "{name}: the operand is absent, it has 0 dimensions"
    );
    Ok(md)
}

/// Refuses a third operand.
///
/// # Safety
/// `md` is null or live.
unsafe fn no_third(md: const_brick_memory_desc_t) -> Result<Option<MemoryDesc>> {
    // SAFETY: as this function demands.
    let absent = unsafe { md.cast::<MemoryDesc>().as_ref() }.is_none_or(MemoryDesc::is_absent);
    require!(
        absent,
        "src2_desc: given, but of all algorithms only select has a third operand"
    );
    Ok(None)
}

/// Appends a binary operation, or the selection dst = src2 ? op : src1.
///
/// @param post_ops The chain.
/// @param alg_kind An algorithm, brick_binary_*.
/// @param src1_desc The second operand, as for brick_post_ops_append_binary().
/// @param src2_desc For #brick_binary_select the condition, given at execution as argument
///     BRICK_ARG_ATTR_MULTIPLE_POST_OP(index) | BRICK_ARG_SRC_2; else NULL or absent.
/// @returns #brick_invalid_arguments for another algorithm, operands that do not fit it or a chain of 32 post-ops.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_append_binary_v2(
    post_ops: brick_post_ops_t,
    alg_kind: brick_alg_kind_t,
    src1_desc: const_brick_memory_desc_t,
    src2_desc: const_brick_memory_desc_t,
) -> brick_status_t {
    let make = || {
        let alg = BinaryAlg::from_c(alg_kind)?;
        // SAFETY: the caller passes live descriptors.
        let (src1, src2) = unsafe {
            let src2 = match alg {
                BinaryAlg::Select => Some(operand(src2_desc, "src2_desc")?),
                _ => no_third(src2_desc)?,
            };
            (operand(src1_desc, "src1_desc")?, src2)
        };
        Ok(PostOp::Binary { alg, src1, src2 })
    };
    // SAFETY: the caller passes a live chain that nobody else uses meanwhile.
    unsafe { append(post_ops, make) }
}

/// Queries a binary operation.
///
/// @param post_ops The chain.
/// @param index Number of the post-op, from 0.
/// @param alg_kind Receives the algorithm; may be NULL, as the other.
/// @param src1_desc Receives the operand's descriptor, which lives as long as the chain.
/// @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_get_params_binary(
    post_ops: const_brick_post_ops_t,
    index: c_int,
    alg_kind: *mut brick_alg_kind_t,
    src1_desc: *mut const_brick_memory_desc_t,
) -> brick_status_t {
    let none = std::ptr::null_mut();
    // SAFETY: passed on as it came.
    unsafe { brick_post_ops_get_params_binary_v2(post_ops, index, alg_kind, src1_desc, none) }
}

/// Queries a binary operation.
///
/// @param post_ops The chain.
/// @param index Number of the post-op, from 0.
/// @param alg_kind Receives the algorithm; may be NULL, as the others.
/// @param src1_desc Receives the second operand's descriptor, which lives as long as the chain.
/// @param src2_desc Receives the third operand's; NULL if there is none.
/// @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_get_params_binary_v2(
    post_ops: const_brick_post_ops_t,
    index: c_int,
    alg_kind: *mut brick_alg_kind_t,
    src1_desc: *mut const_brick_memory_desc_t,
    src2_desc: *mut const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live chain and writable places.
    guard(|| unsafe {
        match entry(post_ops, index)? {
            PostOp::Binary { alg, src1, src2 } => {
                put_if(alg_kind, *alg as i32);
                put_if(src1_desc, std::ptr::from_ref(src1).cast());
                let src2 = src2.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
                put_if(src2_desc, src2.cast());
                Ok(())
            }
            other => Err(other_kind(other, "binary")),
        }
    })
}

/// Appends a leaky rectifier with given slopes: dst = op > 0 ? op : op * weights.
///
/// @param post_ops The chain.
/// @param mask Bit d set: the weights vary along dimension d. They are given at execution, f32 and dense with dimension 1,
///     the channels, innermost (#brick_ab, #brick_acb, #brick_acdb, #brick_acdeb), as argument
///     BRICK_ARG_ATTR_MULTIPLE_POST_OP(index) | BRICK_ARG_WEIGHTS.
/// @returns #brick_invalid_arguments if the mask has bits beyond 12 dimensions, or for a chain of 32 post-ops.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_append_prelu(
    post_ops: brick_post_ops_t,
    mask: c_int,
) -> brick_status_t {
    let make = || {
        check_mask(mask)?;
        Ok(PostOp::Prelu { mask })
    };
    // SAFETY: the caller passes a live chain that nobody else uses meanwhile.
    unsafe { append(post_ops, make) }
}

/// Queries a leaky rectifier.
///
/// @param post_ops The chain.
/// @param index Number of the post-op, from 0.
/// @param mask Receives the mask; may be NULL.
/// @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_post_ops_get_params_prelu(
    post_ops: const_brick_post_ops_t,
    index: c_int,
    mask: *mut c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live chain and a writable place.
    guard(|| unsafe {
        match entry(post_ops, index)? {
            PostOp::Prelu { mask: value } => {
                put_if(mask, *value);
                Ok(())
            }
            other => Err(other_kind(other, "prelu")),
        }
    })
}
