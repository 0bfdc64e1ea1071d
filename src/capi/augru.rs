//! `brick_augru_*` and `brick_lbr_augru_*`: put together from C values.

use super::{
    ops::{create, forward},
    rnn::{backward, operation},
    types::*,
};
use crate::ops::rnn::{Cell, tensor};

/// Creates a descriptor of a GRU layer with attention: the update gate u is multiplied by 1 - attention. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_AUGRU_ATTENTION, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param attention_desc The attention, (t, n, 1).
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param flags #brick_rnn_flags_t.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_augru_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    attention_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    flags: u32,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::ATTENTION, attention_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = forward(prop_kind);
        operation(Cell::Augru, prop, direction, flags, &tensors, &[])
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of the gradients of a GRU layer with attention. Arguments are the forward pass's, all as inputs, its workspace, and
/// the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
/// are added to what their memory holds, unless flags say otherwise.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_backward.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param attention_desc The attention, (t, n, 1).
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param diff_src_layer_desc The gradient by src_layer.
/// @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
/// @param diff_attention_desc The gradient by attention.
/// @param diff_weights_layer_desc The gradient by weights_layer.
/// @param diff_weights_iter_desc The gradient by weights_iter.
/// @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
/// @param diff_dst_layer_desc The gradient by dst_layer.
/// @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
/// @param flags #brick_rnn_flags_t.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_augru_backward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    attention_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    diff_src_layer_desc: const_brick_memory_desc_t,
    diff_src_iter_desc: const_brick_memory_desc_t,
    diff_attention_desc: const_brick_memory_desc_t,
    diff_weights_layer_desc: const_brick_memory_desc_t,
    diff_weights_iter_desc: const_brick_memory_desc_t,
    diff_bias_desc: const_brick_memory_desc_t,
    diff_dst_layer_desc: const_brick_memory_desc_t,
    diff_dst_iter_desc: const_brick_memory_desc_t,
    flags: u32,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::ATTENTION, attention_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
    ];
    let gradients = [
        (tensor::SRC_LAYER, diff_src_layer_desc),
        (tensor::SRC_ITER, diff_src_iter_desc),
        (tensor::ATTENTION, diff_attention_desc),
        (tensor::WEIGHTS_LAYER, diff_weights_layer_desc),
        (tensor::WEIGHTS_ITER, diff_weights_iter_desc),
        (tensor::BIAS, diff_bias_desc),
        (tensor::DST_LAYER, diff_dst_layer_desc),
        (tensor::DST_ITER, diff_dst_iter_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = backward(prop_kind);
        operation(Cell::Augru, prop, direction, flags, &tensors, &gradients)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of a GRU layer with linear-before-reset cells and attention: the update gate u is multiplied by 1 - attention. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_AUGRU_ATTENTION, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param attention_desc The attention, (t, n, 1).
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param flags #brick_rnn_flags_t.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_lbr_augru_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    attention_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    flags: u32,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::ATTENTION, attention_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = forward(prop_kind);
        operation(Cell::LbrAugru, prop, direction, flags, &tensors, &[])
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of the gradients of a GRU layer with linear-before-reset cells and attention. Arguments are the forward pass's, all as inputs, its workspace, and
/// the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
/// are added to what their memory holds, unless flags say otherwise.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_backward.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param attention_desc The attention, (t, n, 1).
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param diff_src_layer_desc The gradient by src_layer.
/// @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
/// @param diff_attention_desc The gradient by attention.
/// @param diff_weights_layer_desc The gradient by weights_layer.
/// @param diff_weights_iter_desc The gradient by weights_iter.
/// @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
/// @param diff_dst_layer_desc The gradient by dst_layer.
/// @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
/// @param flags #brick_rnn_flags_t.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_lbr_augru_backward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    attention_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    diff_src_layer_desc: const_brick_memory_desc_t,
    diff_src_iter_desc: const_brick_memory_desc_t,
    diff_attention_desc: const_brick_memory_desc_t,
    diff_weights_layer_desc: const_brick_memory_desc_t,
    diff_weights_iter_desc: const_brick_memory_desc_t,
    diff_bias_desc: const_brick_memory_desc_t,
    diff_dst_layer_desc: const_brick_memory_desc_t,
    diff_dst_iter_desc: const_brick_memory_desc_t,
    flags: u32,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::ATTENTION, attention_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
    ];
    let gradients = [
        (tensor::SRC_LAYER, diff_src_layer_desc),
        (tensor::SRC_ITER, diff_src_iter_desc),
        (tensor::ATTENTION, diff_attention_desc),
        (tensor::WEIGHTS_LAYER, diff_weights_layer_desc),
        (tensor::WEIGHTS_ITER, diff_weights_iter_desc),
        (tensor::BIAS, diff_bias_desc),
        (tensor::DST_LAYER, diff_dst_layer_desc),
        (tensor::DST_ITER, diff_dst_iter_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = backward(prop_kind);
        operation(Cell::LbrAugru, prop, direction, flags, &tensors, &gradients)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}
