//! `brick_convolution_*` and `brick_deconvolution_*`: put together from C values.

use super::{
    not_null,
    ops::{create, forward, needed, optional},
    types::*,
};
use crate::{
    error::Result,
    memory::{MAX_NDIMS, MemoryDesc},
    ops::{Op, Prop, convolution},
    require,
};

/// The pointers that say how a kernel moves, one value a spatial dimension each: strides, dilates, padding on the left and
/// on the right.
type Moves = [*const brick_dim_t; 4];

/// The values behind the pointers, 0 beyond `count`; dilates and the right padding may be left out.
///
/// # Safety
/// The pointers are null or point to `count` values.
unsafe fn values(
    [strides, dilates, left, right]: Moves,
    count: usize,
) -> Result<[convolution::Dims; 4]> {
    not_null(strides, "strides")?;
    not_null(left, "padding_l")?;
    let right = if right.is_null() { left } else { right };
    let read = |values: *const brick_dim_t| {
        let mut all = [0; MAX_NDIMS];
        if !values.is_null() {
            // SAFETY: not null, so there are `count` values as this function demands.
            all[..count].copy_from_slice(unsafe { std::slice::from_raw_parts(values, count) });
        }
        all
    };
    Ok([strides, dilates, left, right].map(read))
}

/// The operation over (src, weights, bias, dst) or their gradients.
///
/// # Safety
/// The pointers of `moves` are null or point to a value for each spatial dimension.
unsafe fn operation(
    transposed: bool,
    prop: Prop,
    alg: brick_alg_kind_t,
    [src, weights, bias, dst]: [MemoryDesc; 4],
    moves: Moves,
) -> Result<Op> {
    let known = match transposed {
        false => matches!(
            alg,
            brick_convolution_direct | brick_convolution_winograd | brick_convolution_auto
        ),
        true => matches!(
            alg,
            brick_deconvolution_direct | brick_deconvolution_winograd
        ),
    };
    let what = if transposed {
        "deconvolution"
    } else {
        "convolution"
    };
    require!(known, "alg_kind: {alg:#x} is not an algorithm of a {what}");
    let spatial = src.dims().len().saturating_sub(2).min(3);
    // SAFETY: as this function demands.
    let [strides, dilates, pad_left, pad_right] = unsafe { values(moves, spatial) }?;
    Ok(Op::Convolution(Box::new(convolution::Desc {
        prop,
        alg: match alg {
            brick_convolution_auto => brick_convolution_direct,
            chosen => chosen,
        },
        transposed,
        src,
        weights,
        bias,
        dst,
        strides,
        dilates,
        pad_left,
        pad_right,
    })))
}

/// Creates a descriptor of a convolution. Tensors have 3 to 5 dimensions (mb, channels, depth, height, width), the weights
/// (oc, ic, ...), with groups (groups, oc / groups, ic / groups, ...), the bias 1 (oc). Along each spatial dimension, output p
/// meets through tap r of the kernel the input p * stride - padding + r * (dilation + 1). Arguments: #BRICK_ARG_SRC,
/// #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param alg_kind #brick_convolution_direct, #brick_convolution_auto, or #brick_convolution_winograd; brick computes all
///     directly, and #brick_convolution_auto is queried as #brick_convolution_direct.
/// @param src_desc The source.
/// @param weights_desc The weights.
/// @param bias_desc The bias; NULL or absent for none.
/// @param dst_desc The destination.
/// @param strides Strides of the kernel, one for each spatial dimension.
/// @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
/// @param padding_l Padding before the first element of each spatial dimension.
/// @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
/// @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_convolution_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    alg_kind: brick_alg_kind_t,
    src_desc: const_brick_memory_desc_t,
    weights_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_desc: const_brick_memory_desc_t,
    strides: *const brick_dim_t,
    dilates: *const brick_dim_t,
    padding_l: *const brick_dim_t,
    padding_r: *const brick_dim_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let moves = [strides, dilates, padding_l, padding_r];
    // SAFETY: the caller passes live descriptors and a value for each spatial dimension.
    let op = || unsafe {
        let mds = [
            needed(src_desc, "src_desc")?,
            needed(weights_desc, "weights_desc")?,
            optional(bias_desc),
            needed(dst_desc, "dst_desc")?,
        ];
        operation(false, forward(prop_kind)?, alg_kind, mds, moves)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a convolution's gradient by its source. Arguments: #BRICK_ARG_DIFF_DST, #BRICK_ARG_WEIGHTS,
/// #BRICK_ARG_DIFF_SRC.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param alg_kind #brick_convolution_direct, #brick_convolution_auto, or #brick_convolution_winograd; brick computes all
///     directly, and #brick_convolution_auto is queried as #brick_convolution_direct.
/// @param diff_src_desc The gradient to compute.
/// @param weights_desc The weights.
/// @param diff_dst_desc The gradient by the result.
/// @param strides Strides of the kernel, one for each spatial dimension.
/// @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
/// @param padding_l Padding before the first element of each spatial dimension.
/// @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns As brick_convolution_forward_primitive_desc_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_convolution_backward_data_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    alg_kind: brick_alg_kind_t,
    diff_src_desc: const_brick_memory_desc_t,
    weights_desc: const_brick_memory_desc_t,
    diff_dst_desc: const_brick_memory_desc_t,
    strides: *const brick_dim_t,
    dilates: *const brick_dim_t,
    padding_l: *const brick_dim_t,
    padding_r: *const brick_dim_t,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let moves = [strides, dilates, padding_l, padding_r];
    // SAFETY: the caller passes live descriptors and a value for each spatial dimension.
    let op = || unsafe {
        let mds = [
            needed(diff_src_desc, "diff_src_desc")?,
            needed(weights_desc, "weights_desc")?,
            MemoryDesc::absent(),
            needed(diff_dst_desc, "diff_dst_desc")?,
        ];
        operation(false, Prop::BackwardData, alg_kind, mds, moves)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a convolution's gradients by its weights and bias. Arguments: #BRICK_ARG_SRC, #BRICK_ARG_DIFF_DST,
/// #BRICK_ARG_DIFF_WEIGHTS, #BRICK_ARG_DIFF_BIAS.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param alg_kind #brick_convolution_direct, #brick_convolution_auto, or #brick_convolution_winograd; brick computes all
///     directly, and #brick_convolution_auto is queried as #brick_convolution_direct.
/// @param src_desc The source.
/// @param diff_weights_desc The gradient by the weights.
/// @param diff_bias_desc The gradient by the bias; NULL or absent for none.
/// @param diff_dst_desc The gradient by the result.
/// @param strides Strides of the kernel, one for each spatial dimension.
/// @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
/// @param padding_l Padding before the first element of each spatial dimension.
/// @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns As brick_convolution_forward_primitive_desc_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_convolution_backward_weights_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    alg_kind: brick_alg_kind_t,
    src_desc: const_brick_memory_desc_t,
    diff_weights_desc: const_brick_memory_desc_t,
    diff_bias_desc: const_brick_memory_desc_t,
    diff_dst_desc: const_brick_memory_desc_t,
    strides: *const brick_dim_t,
    dilates: *const brick_dim_t,
    padding_l: *const brick_dim_t,
    padding_r: *const brick_dim_t,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let moves = [strides, dilates, padding_l, padding_r];
    // SAFETY: the caller passes live descriptors and a value for each spatial dimension.
    let op = || unsafe {
        let mds = [
            needed(src_desc, "src_desc")?,
            needed(diff_weights_desc, "diff_weights_desc")?,
            optional(diff_bias_desc),
            needed(diff_dst_desc, "diff_dst_desc")?,
        ];
        operation(false, Prop::BackwardWeights, alg_kind, mds, moves)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a deconvolution: the transpose of a convolution that leads from dst to src. The weights are (oc, ic, ...), with groups
/// (groups, oc / groups, ic / groups, ...). Arguments: #BRICK_ARG_SRC, #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param alg_kind #brick_deconvolution_direct or #brick_deconvolution_winograd; brick computes all directly.
/// @param src_desc The source.
/// @param weights_desc The weights.
/// @param bias_desc The bias; NULL or absent for none.
/// @param dst_desc The destination.
/// @param strides Strides of the kernel, one for each spatial dimension.
/// @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
/// @param padding_l Padding before the first element of each spatial dimension.
/// @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
/// @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_deconvolution_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    alg_kind: brick_alg_kind_t,
    src_desc: const_brick_memory_desc_t,
    weights_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_desc: const_brick_memory_desc_t,
    strides: *const brick_dim_t,
    dilates: *const brick_dim_t,
    padding_l: *const brick_dim_t,
    padding_r: *const brick_dim_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let moves = [strides, dilates, padding_l, padding_r];
    // SAFETY: the caller passes live descriptors and a value for each spatial dimension.
    let op = || unsafe {
        let mds = [
            needed(src_desc, "src_desc")?,
            needed(weights_desc, "weights_desc")?,
            optional(bias_desc),
            needed(dst_desc, "dst_desc")?,
        ];
        operation(true, forward(prop_kind)?, alg_kind, mds, moves)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a deconvolution's gradient by its source. Arguments: #BRICK_ARG_DIFF_DST, #BRICK_ARG_WEIGHTS,
/// #BRICK_ARG_DIFF_SRC.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param alg_kind #brick_deconvolution_direct or #brick_deconvolution_winograd; brick computes all directly.
/// @param diff_src_desc The gradient to compute.
/// @param weights_desc The weights.
/// @param diff_dst_desc The gradient by the result.
/// @param strides Strides of the kernel, one for each spatial dimension.
/// @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
/// @param padding_l Padding before the first element of each spatial dimension.
/// @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns As brick_deconvolution_forward_primitive_desc_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_deconvolution_backward_data_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    alg_kind: brick_alg_kind_t,
    diff_src_desc: const_brick_memory_desc_t,
    weights_desc: const_brick_memory_desc_t,
    diff_dst_desc: const_brick_memory_desc_t,
    strides: *const brick_dim_t,
    dilates: *const brick_dim_t,
    padding_l: *const brick_dim_t,
    padding_r: *const brick_dim_t,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let moves = [strides, dilates, padding_l, padding_r];
    // SAFETY: the caller passes live descriptors and a value for each spatial dimension.
    let op = || unsafe {
        let mds = [
            needed(diff_src_desc, "diff_src_desc")?,
            needed(weights_desc, "weights_desc")?,
            MemoryDesc::absent(),
            needed(diff_dst_desc, "diff_dst_desc")?,
        ];
        operation(true, Prop::BackwardData, alg_kind, mds, moves)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a deconvolution's gradients by its weights and bias. Arguments: #BRICK_ARG_SRC, #BRICK_ARG_DIFF_DST,
/// #BRICK_ARG_DIFF_WEIGHTS, #BRICK_ARG_DIFF_BIAS.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param alg_kind #brick_deconvolution_direct or #brick_deconvolution_winograd; brick computes all directly.
/// @param src_desc The source.
/// @param diff_weights_desc The gradient by the weights.
/// @param diff_bias_desc The gradient by the bias; NULL or absent for none.
/// @param diff_dst_desc The gradient by the result.
/// @param strides Strides of the kernel, one for each spatial dimension.
/// @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
/// @param padding_l Padding before the first element of each spatial dimension.
/// @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns As brick_deconvolution_forward_primitive_desc_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_deconvolution_backward_weights_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    alg_kind: brick_alg_kind_t,
    src_desc: const_brick_memory_desc_t,
    diff_weights_desc: const_brick_memory_desc_t,
    diff_bias_desc: const_brick_memory_desc_t,
    diff_dst_desc: const_brick_memory_desc_t,
    strides: *const brick_dim_t,
    dilates: *const brick_dim_t,
    padding_l: *const brick_dim_t,
    padding_r: *const brick_dim_t,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let moves = [strides, dilates, padding_l, padding_r];
    // SAFETY: the caller passes live descriptors and a value for each spatial dimension.
    let op = || unsafe {
        let mds = [
            needed(src_desc, "src_desc")?,
            needed(diff_weights_desc, "diff_weights_desc")?,
            optional(diff_bias_desc),
            needed(diff_dst_desc, "diff_dst_desc")?,
        ];
        operation(true, Prop::BackwardWeights, alg_kind, mds, moves)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}
