//! `brick_*_primitive_desc_create`: operations put together from C values.

use super::{borrow, engine, gather, guard, hand_out, not_nan, not_null, types::*};
use crate::{
    attr::{Attr, BinaryAlg, Eltwise},
    error::Result,
    memory::MemoryDesc,
    ops::{Op, Prop, binary, eltwise, inner_product, matmul, reorder, sum},
    primitive::PrimitiveDesc,
    require,
};
use std::ffi::c_int;

/// A descriptor that must be there and must not be absent.
///
/// # Safety
/// `md` is null or live.
pub(super) unsafe fn needed(md: const_brick_memory_desc_t, name: &str) -> Result<MemoryDesc> {
    // SAFETY: as this function demands.
    let md = unsafe { borrow(md, name) }?;
    require!(
        !md.is_absent(),
        "{name}: the descriptor is absent, it has 0 dimensions"
    );
    Ok(*md)
}

/// A descriptor that may be absent or NULL.
///
/// # Safety
/// `md` is null or live.
pub(super) unsafe fn optional(md: const_brick_memory_desc_t) -> MemoryDesc {
    // SAFETY: as this function demands.
    unsafe { md.cast::<MemoryDesc>().as_ref() }.map_or(MemoryDesc::absent(), |md| *md)
}

/// Attributes, with NULL for the defaults.
///
/// # Safety
/// `attr` is null or live.
unsafe fn with_attr<T>(attr: const_brick_primitive_attr_t, f: impl FnOnce(&Attr) -> T) -> T {
    // SAFETY: as this function demands.
    match unsafe { attr.cast::<Attr>().as_ref() } {
        Some(attr) => f(attr),
        None => f(&Attr::default()),
    }
}

/// Plans the operation and hands out its descriptor.
///
/// # Safety
/// `place` is null or writable, the handles are null or live.
pub(super) unsafe fn create(
    place: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    attr: const_brick_primitive_attr_t,
    op: impl FnOnce() -> Result<Op>,
) -> brick_status_t {
    // SAFETY: as this function demands.
    guard(|| unsafe {
        hand_out(place, "primitive_desc", || {
            let engine = engine::share(engine, "engine")?;
            with_attr(attr, |attr| PrimitiveDesc::new(op()?, attr, engine))
        })
    })
}

pub(super) fn forward(prop_kind: brick_prop_kind_t) -> Result<Prop> {
    let prop = Prop::from_c(prop_kind)?;
    require!(prop.is_forward(), "prop_kind: {prop} is not forward");
    Ok(prop)
}

/// Creates a descriptor of a reorder: the same elements in another layout or type. Arguments: #BRICK_ARG_FROM, #BRICK_ARG_TO.
///
/// @param reorder_primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param src_desc The source, in a concrete layout.
/// @param src_engine Its engine.
/// @param dst_desc The destination, of the same dimensions, in a concrete layout.
/// @param dst_engine Its engine, and that of the stream.
/// @param attr Attributes: scales, zero points, the post-op sum. NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_reorder_primitive_desc_create(
    reorder_primitive_desc: *mut brick_primitive_desc_t,
    src_desc: const_brick_memory_desc_t,
    src_engine: brick_engine_t,
    dst_desc: const_brick_memory_desc_t,
    dst_engine: brick_engine_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes live handles and a writable place.
    guard(|| unsafe {
        hand_out(reorder_primitive_desc, "primitive_desc", || {
            let op = Op::Reorder(reorder::Desc {
                src: needed(src_desc, "src_desc")?,
                dst: needed(dst_desc, "dst_desc")?,
            });
            let from = engine::share(src_engine, "src_engine")?;
            let to = engine::share(dst_engine, "dst_engine")?;
            with_attr(attr, |attr| PrimitiveDesc::between(op, attr, from, to))
        })
    })
}

/// Creates a descriptor of a weighted sum of tensors: dst = scales[0] * src[0] + scales[1] * src[1] + ... Arguments:
/// #BRICK_ARG_MULTIPLE_SRC + i, #BRICK_ARG_DST.
///
/// @param sum_primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param dst_desc The destination; NULL or absent for the first source's dimensions and layout, which #brick_query_dst_md
///     tells.
/// @param n Number of sources, 1 to 64.
/// @param scales `n` factors.
/// @param src_descs `n` sources of the same dimensions.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors or NaN, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_sum_primitive_desc_create(
    sum_primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    dst_desc: const_brick_memory_desc_t,
    n: c_int,
    scales: *const f32,
    src_descs: *const const_brick_memory_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes `n` scales and sources.
    let op = || unsafe {
        require!(n >= 1, "n: {n}, but there must be at least 1 source");
        not_null(scales, "scales")?;
        not_null(src_descs, "src_descs")?;
        let n = n as usize;
        let scales = std::slice::from_raw_parts(scales, n).iter().enumerate();
        let srcs = std::slice::from_raw_parts(src_descs, n).iter().enumerate();
        let scale = |(i, &s): (usize, &f32)| not_nan(s, format_args!("scales[{i}]"));
        let src =
            |(i, &md): (usize, &const_brick_memory_desc_t)| needed(md, &format!("src_descs[{i}]"));
        Ok(Op::Sum(sum::Desc {
            scales: gather(n, scales.map(scale))?,
            srcs: gather(n, srcs.map(src))?,
            dst: optional(dst_desc),
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(sum_primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of an element-wise operation: dst = alg(src). It may run in place: with one buffer for both. Arguments:
/// #BRICK_ARG_SRC, #BRICK_ARG_DST.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param alg_kind The algorithm, brick_eltwise_*.
/// @param src_desc The source, in a concrete layout.
/// @param dst_desc The destination, of the same dimensions.
/// @param alpha First parameter of the algorithm.
/// @param beta Second parameter.
/// @param attr Attributes: binary post-ops and the like. NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors or NaN, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_eltwise_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    alg_kind: brick_alg_kind_t,
    src_desc: const_brick_memory_desc_t,
    dst_desc: const_brick_memory_desc_t,
    alpha: f32,
    beta: f32,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let op = || {
        let (alg, use_dst) = Eltwise::from_c(alg_kind)?;
        // SAFETY: the caller passes live descriptors.
        let (data, dst) = unsafe { (needed(src_desc, "src_desc")?, needed(dst_desc, "dst_desc")?) };
        Ok(Op::Eltwise(eltwise::Desc {
            prop: forward(prop_kind)?,
            alg,
            use_dst,
            alpha: not_nan(alpha, "alpha")?,
            beta: not_nan(beta, "beta")?,
            data,
            dst,
            diff_src: MemoryDesc::absent(),
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of the derivative of an element-wise operation: diff_src = diff_dst * alg'(data). It may run in place.
/// Arguments: #BRICK_ARG_SRC, or #BRICK_ARG_DST for algorithms that use it; #BRICK_ARG_DIFF_DST, #BRICK_ARG_DIFF_SRC.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param alg_kind The algorithm, brick_eltwise_*.
/// @param diff_src_desc The gradient to compute.
/// @param diff_dst_desc The gradient by the result.
/// @param data_desc The source of the forward pass, or its destination for brick_eltwise_*_use_dst_for_bwd.
/// @param alpha First parameter of the algorithm, as in the forward pass.
/// @param beta Second parameter.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors or NaN, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_eltwise_backward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    alg_kind: brick_alg_kind_t,
    diff_src_desc: const_brick_memory_desc_t,
    diff_dst_desc: const_brick_memory_desc_t,
    data_desc: const_brick_memory_desc_t,
    alpha: f32,
    beta: f32,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let (alg, use_dst) = Eltwise::from_c(alg_kind)?;
        Ok(Op::Eltwise(eltwise::Desc {
            prop: Prop::BackwardData,
            alg,
            use_dst,
            alpha: not_nan(alpha, "alpha")?,
            beta: not_nan(beta, "beta")?,
            data: needed(data_desc, "data_desc")?,
            dst: needed(diff_dst_desc, "diff_dst_desc")?,
            diff_src: needed(diff_src_desc, "diff_src_desc")?,
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a binary operation: dst = alg(src0, src1). It may run in place over src0. Arguments:
/// #BRICK_ARG_SRC_0, #BRICK_ARG_SRC_1, #BRICK_ARG_DST.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param alg_kind An algorithm of two operands, brick_binary_*.
/// @param src0_desc The first operand.
/// @param src1_desc The second; dimensions of size 1 of either are repeated.
/// @param dst_desc The destination.
/// @param attr Attributes: scales of the operands, post-ops. NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_binary_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    alg_kind: brick_alg_kind_t,
    src0_desc: const_brick_memory_desc_t,
    src1_desc: const_brick_memory_desc_t,
    dst_desc: const_brick_memory_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let none = std::ptr::null();
    // SAFETY: passed on as it came.
    unsafe {
        brick_binary_primitive_desc_create_v2(
            primitive_desc,
            engine,
            alg_kind,
            src0_desc,
            src1_desc,
            none,
            dst_desc,
            attr,
        )
    }
}

/// As brick_binary_primitive_desc_create(), or of the selection dst = src2 ? src0 : src1, which has the argument
/// #BRICK_ARG_SRC_2, too.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param alg_kind An algorithm, brick_binary_*.
/// @param src0_desc The first operand.
/// @param src1_desc The second operand.
/// @param src2_desc The condition of #brick_binary_select; else NULL or absent.
/// @param dst_desc The destination.
/// @param attr Attributes; NULL for the defaults.
/// @returns As brick_binary_primitive_desc_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_binary_primitive_desc_create_v2(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    alg_kind: brick_alg_kind_t,
    src0_desc: const_brick_memory_desc_t,
    src1_desc: const_brick_memory_desc_t,
    src2_desc: const_brick_memory_desc_t,
    dst_desc: const_brick_memory_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let alg = BinaryAlg::from_c(alg_kind)?;
        Ok(Op::Binary(binary::Desc {
            alg,
            src0: needed(src0_desc, "src0_desc")?,
            src1: needed(src1_desc, "src1_desc")?,
            src2: match alg {
                BinaryAlg::Select => needed(src2_desc, "src2_desc")?,
                _ => optional(src2_desc),
            },
            dst: needed(dst_desc, "dst_desc")?,
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a fully connected layer: dst = src * weights^T + bias. The source has 2 to 5 dimensions (mb, ic, ...),
/// the weights as many (oc, ic, ...), the bias 1 (oc), the destination 2 (mb, oc). Arguments: #BRICK_ARG_SRC,
/// #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param src_desc The source.
/// @param weights_desc The weights.
/// @param bias_desc The bias; NULL or absent for none.
/// @param dst_desc The destination.
/// @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_inner_product_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    src_desc: const_brick_memory_desc_t,
    weights_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_desc: const_brick_memory_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        Ok(Op::InnerProduct(inner_product::Desc {
            prop: forward(prop_kind)?,
            src: needed(src_desc, "src_desc")?,
            weights: needed(weights_desc, "weights_desc")?,
            bias: optional(bias_desc),
            dst: needed(dst_desc, "dst_desc")?,
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a fully connected layer's gradient by its source: diff_src = diff_dst * weights. Arguments:
/// #BRICK_ARG_DIFF_DST, #BRICK_ARG_WEIGHTS, #BRICK_ARG_DIFF_SRC.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param diff_src_desc The gradient to compute.
/// @param weights_desc The weights.
/// @param diff_dst_desc The gradient by the result.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns As brick_inner_product_forward_primitive_desc_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_inner_product_backward_data_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    diff_src_desc: const_brick_memory_desc_t,
    weights_desc: const_brick_memory_desc_t,
    diff_dst_desc: const_brick_memory_desc_t,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        Ok(Op::InnerProduct(inner_product::Desc {
            prop: Prop::BackwardData,
            src: needed(diff_src_desc, "diff_src_desc")?,
            weights: needed(weights_desc, "weights_desc")?,
            bias: MemoryDesc::absent(),
            dst: needed(diff_dst_desc, "diff_dst_desc")?,
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a fully connected layer's gradients by its weights and bias: diff_weights = diff_dst^T * src, and
/// diff_bias the column sums of diff_dst. Arguments: #BRICK_ARG_SRC, #BRICK_ARG_DIFF_DST, #BRICK_ARG_DIFF_WEIGHTS,
/// #BRICK_ARG_DIFF_BIAS.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param src_desc The source.
/// @param diff_weights_desc The gradient by the weights.
/// @param diff_bias_desc The gradient by the bias; NULL or absent for none.
/// @param diff_dst_desc The gradient by the result.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns As brick_inner_product_forward_primitive_desc_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_inner_product_backward_weights_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    src_desc: const_brick_memory_desc_t,
    diff_weights_desc: const_brick_memory_desc_t,
    diff_bias_desc: const_brick_memory_desc_t,
    diff_dst_desc: const_brick_memory_desc_t,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        Ok(Op::InnerProduct(inner_product::Desc {
            prop: Prop::BackwardWeights,
            src: needed(src_desc, "src_desc")?,
            weights: needed(diff_weights_desc, "diff_weights_desc")?,
            bias: optional(diff_bias_desc),
            dst: needed(diff_dst_desc, "diff_dst_desc")?,
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a matrix multiplication: dst[b][m][n] = sum over k of src[b][m][k] * weights[b][k][n], + bias. All
/// have the same number of dimensions, 2 to 12; batch dimensions of size 1 are repeated. A transposed matrix is one with other
/// strides. Dimensions and strides may be BRICK_RUNTIME_DIM_VAL: the memory given at execution says them. Both matrices are
/// f32, bf16 or f16, or each of 8-bit integers; the destination may be of any of these types, with integers s32, too. Arguments:
/// #BRICK_ARG_SRC, #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param src_desc The first matrix.
/// @param weights_desc The second.
/// @param bias_desc The bias, of as many dimensions, each that of the destination or 1; NULL or absent for none.
/// @param dst_desc The destination.
/// @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_matmul_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    src_desc: const_brick_memory_desc_t,
    weights_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_desc: const_brick_memory_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        Ok(Op::Matmul(matmul::Desc {
            src: needed(src_desc, "src_desc")?,
            weights: needed(weights_desc, "weights_desc")?,
            bias: optional(bias_desc),
            dst: needed(dst_desc, "dst_desc")?,
        }))
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}
