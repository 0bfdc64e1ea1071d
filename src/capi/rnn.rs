//! `brick_vanilla_rnn_*` and `brick_lstm_*`: recurrent layers put together from C values.

use super::{
    not_nan,
    ops::{create, forward, optional},
    types::*,
};
use crate::{
    attr::{Eltwise, F32},
    error::Result,
    invalid,
    memory::MemoryDesc,
    ops::{
        Op, Prop,
        rnn::{Cell, Desc, Direction, tensor},
    },
    require,
};

/// The tensors of a call by their places among all that recurrent layers have.
pub(super) type Given = [(usize, const_brick_memory_desc_t)];

/// The operation, but for the activation of vanilla cells; gradients are given apart.
///
/// # Safety
/// Descriptors are null or live.
pub(super) unsafe fn operation(
    cell: Cell,
    prop: Result<Prop>,
    direction: brick_rnn_direction_t,
    flags: u32,
    tensors: &Given,
    gradients: &Given,
) -> Result<Op> {
    // SAFETY: as this function demands.
    let desc = unsafe { description(cell, prop, direction, flags, tensors, gradients) };
    Ok(Op::Rnn(Box::new(desc?)))
}

/// # Safety
/// As for `operation`.
unsafe fn description(
    cell: Cell,
    prop: Result<Prop>,
    direction: brick_rnn_direction_t,
    flags: u32,
    tensors: &Given,
    gradients: &Given,
) -> Result<Desc> {
    require!(
        flags & !(brick_rnn_flags_diff_weights_overwrite as u32) == 0,
        "flags: {flags:#x} has unknown bits"
    );
    let count = if gradients.is_empty() {
        tensor::DIFF
    } else {
        tensor::COUNT
    };
    let mut all = vec![MemoryDesc::absent(); count];
    for &(i, md) in tensors {
        // SAFETY: as this function demands.
        all[i] = unsafe { optional(md) };
    }
    for &(i, md) in gradients {
        // SAFETY: as this function demands.
        all[tensor::DIFF + i] = unsafe { optional(md) };
    }
    Ok(Desc {
        prop: prop?,
        cell,
        activation: Eltwise::Tanh,
        alpha: F32::new(0.0),
        beta: F32::new(0.0),
        direction: Direction::from_number(direction)
            .ok_or_else(|| invalid!("direction: {direction} is not a direction"))?,
        overwrites: flags != 0,
        tensors: all,
    })
}

pub(super) fn backward(prop_kind: brick_prop_kind_t) -> Result<Prop> {
    let prop = Prop::from_c(prop_kind)?;
    require!(
        prop == Prop::Backward,
        "prop_kind: {prop}, recurrent layers only go back as a whole, with brick_backward"
    );
    Ok(prop)
}

fn with_activation(desc: Desc, activation: brick_alg_kind_t, alpha: f32, beta: f32) -> Result<Op> {
    let activation = match Eltwise::from_c(activation) {
        Ok((alg @ (Eltwise::Relu | Eltwise::Tanh | Eltwise::Logistic), false)) => alg,
        _ => {
            return Err(invalid!(
                "activation: {activation:#x}, vanilla cells have relu, tanh or logistic"
            ));
        }
    };
    let (alpha, beta) = (not_nan(alpha, "alpha")?, not_nan(beta, "beta")?);
    Ok(Op::Rnn(Box::new(Desc {
        activation,
        alpha,
        beta,
        ..desc
    })))
}

/// Creates a descriptor of a vanilla recurrent layer: h' = activation(W x + U h + b). Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param activation #brick_eltwise_relu, #brick_eltwise_tanh or #brick_eltwise_logistic.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param flags #brick_rnn_flags_t.
/// @param alpha Slope of #brick_eltwise_relu for negative values.
/// @param beta Not used.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_vanilla_rnn_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    activation: brick_alg_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    flags: u32,
    alpha: f32,
    beta: f32,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = forward(prop_kind);
        with_activation(
            description(Cell::Vanilla, prop, direction, flags, &tensors, &[])?,
            activation,
            alpha,
            beta,
        )
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of the gradients of a vanilla recurrent layer. Arguments are the forward pass's, all as inputs, its workspace, and
/// the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
/// are added to what their memory holds, unless flags say otherwise.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_backward.
/// @param activation #brick_eltwise_relu, #brick_eltwise_tanh or #brick_eltwise_logistic.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param diff_src_layer_desc The gradient by src_layer.
/// @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
/// @param diff_weights_layer_desc The gradient by weights_layer.
/// @param diff_weights_iter_desc The gradient by weights_iter.
/// @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
/// @param diff_dst_layer_desc The gradient by dst_layer.
/// @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
/// @param flags #brick_rnn_flags_t.
/// @param alpha Slope of #brick_eltwise_relu for negative values.
/// @param beta Not used.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_vanilla_rnn_backward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    activation: brick_alg_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    diff_src_layer_desc: const_brick_memory_desc_t,
    diff_src_iter_desc: const_brick_memory_desc_t,
    diff_weights_layer_desc: const_brick_memory_desc_t,
    diff_weights_iter_desc: const_brick_memory_desc_t,
    diff_bias_desc: const_brick_memory_desc_t,
    diff_dst_layer_desc: const_brick_memory_desc_t,
    diff_dst_iter_desc: const_brick_memory_desc_t,
    flags: u32,
    alpha: f32,
    beta: f32,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
    ];
    let gradients = [
        (tensor::SRC_LAYER, diff_src_layer_desc),
        (tensor::SRC_ITER, diff_src_iter_desc),
        (tensor::WEIGHTS_LAYER, diff_weights_layer_desc),
        (tensor::WEIGHTS_ITER, diff_weights_iter_desc),
        (tensor::BIAS, diff_bias_desc),
        (tensor::DST_LAYER, diff_dst_layer_desc),
        (tensor::DST_ITER, diff_dst_iter_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = backward(prop_kind);
        with_activation(
            description(Cell::Vanilla, prop, direction, flags, &tensors, &gradients)?,
            activation,
            alpha,
            beta,
        )
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of an LSTM layer: c' = f c + i tanh(...), h' = o tanh(c'), with gates in the order i, f, c, o. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_SRC_ITER_C, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_WEIGHTS_PEEPHOLE, #BRICK_ARG_WEIGHTS_PROJECTION, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER, #BRICK_ARG_DST_ITER_C; for training also #BRICK_ARG_WORKSPACE.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_forward_training or #brick_forward_inference.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param src_iter_c_desc The cell states before the first step, (layers, directions, n, channels of the cell); NULL or absent for zeros.
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param weights_peephole_desc Peephole weights, (layers, directions, 3, channels); NULL or absent for none.
/// @param weights_projection_desc Projection weights, (layers, directions, channels, projected channels); NULL or absent for none.
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param dst_iter_c_desc The cell states after the last step, as src_iter_c; NULL or absent if not needed.
/// @param flags #brick_rnn_flags_t.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_lstm_forward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    src_iter_c_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    weights_peephole_desc: const_brick_memory_desc_t,
    weights_projection_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    dst_iter_c_desc: const_brick_memory_desc_t,
    flags: u32,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::SRC_ITER_C, src_iter_c_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::PEEPHOLE, weights_peephole_desc),
        (tensor::PROJECTION, weights_projection_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
        (tensor::DST_ITER_C, dst_iter_c_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = forward(prop_kind);
        operation(Cell::Lstm, prop, direction, flags, &tensors, &[])
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}

/// Creates a descriptor of the gradients of an LSTM layer. Arguments are the forward pass's, all as inputs, its workspace, and
/// the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
/// are added to what their memory holds, unless flags say otherwise.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param engine The engine.
/// @param prop_kind #brick_backward.
/// @param direction The order in which time steps are seen, #brick_rnn_direction_t.
/// @param src_layer_desc The input, (t, n, channels).
/// @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
/// @param src_iter_c_desc The cell states before the first step, (layers, directions, n, channels of the cell); NULL or absent for zeros.
/// @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
/// @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
/// @param weights_peephole_desc Peephole weights, (layers, directions, 3, channels); NULL or absent for none.
/// @param weights_projection_desc Projection weights, (layers, directions, channels, projected channels); NULL or absent for none.
/// @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
/// @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
///     #brick_bidirectional_concat.
/// @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
/// @param dst_iter_c_desc The cell states after the last step, as src_iter_c; NULL or absent if not needed.
/// @param diff_src_layer_desc The gradient by src_layer.
/// @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
/// @param diff_src_iter_c_desc The gradient by src_iter_c; NULL or absent if not needed.
/// @param diff_weights_layer_desc The gradient by weights_layer.
/// @param diff_weights_iter_desc The gradient by weights_iter.
/// @param diff_weights_peephole_desc The gradient by weights_peephole; NULL or absent if not needed.
/// @param diff_weights_projection_desc The gradient by weights_projection; NULL or absent if not needed.
/// @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
/// @param diff_dst_layer_desc The gradient by dst_layer.
/// @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
/// @param diff_dst_iter_c_desc The gradient by dst_iter_c; NULL or absent for zeros.
/// @param flags #brick_rnn_flags_t.
/// @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
/// @param attr Attributes; NULL for the defaults.
/// @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_lstm_backward_primitive_desc_create(
    primitive_desc: *mut brick_primitive_desc_t,
    engine: brick_engine_t,
    prop_kind: brick_prop_kind_t,
    direction: brick_rnn_direction_t,
    src_layer_desc: const_brick_memory_desc_t,
    src_iter_desc: const_brick_memory_desc_t,
    src_iter_c_desc: const_brick_memory_desc_t,
    weights_layer_desc: const_brick_memory_desc_t,
    weights_iter_desc: const_brick_memory_desc_t,
    weights_peephole_desc: const_brick_memory_desc_t,
    weights_projection_desc: const_brick_memory_desc_t,
    bias_desc: const_brick_memory_desc_t,
    dst_layer_desc: const_brick_memory_desc_t,
    dst_iter_desc: const_brick_memory_desc_t,
    dst_iter_c_desc: const_brick_memory_desc_t,
    diff_src_layer_desc: const_brick_memory_desc_t,
    diff_src_iter_desc: const_brick_memory_desc_t,
    diff_src_iter_c_desc: const_brick_memory_desc_t,
    diff_weights_layer_desc: const_brick_memory_desc_t,
    diff_weights_iter_desc: const_brick_memory_desc_t,
    diff_weights_peephole_desc: const_brick_memory_desc_t,
    diff_weights_projection_desc: const_brick_memory_desc_t,
    diff_bias_desc: const_brick_memory_desc_t,
    diff_dst_layer_desc: const_brick_memory_desc_t,
    diff_dst_iter_desc: const_brick_memory_desc_t,
    diff_dst_iter_c_desc: const_brick_memory_desc_t,
    flags: u32,
    hint_fwd_pd: const_brick_primitive_desc_t,
    attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    let _ = hint_fwd_pd;
    let tensors = [
        (tensor::SRC_LAYER, src_layer_desc),
        (tensor::SRC_ITER, src_iter_desc),
        (tensor::SRC_ITER_C, src_iter_c_desc),
        (tensor::WEIGHTS_LAYER, weights_layer_desc),
        (tensor::WEIGHTS_ITER, weights_iter_desc),
        (tensor::PEEPHOLE, weights_peephole_desc),
        (tensor::PROJECTION, weights_projection_desc),
        (tensor::BIAS, bias_desc),
        (tensor::DST_LAYER, dst_layer_desc),
        (tensor::DST_ITER, dst_iter_desc),
        (tensor::DST_ITER_C, dst_iter_c_desc),
    ];
    let gradients = [
        (tensor::SRC_LAYER, diff_src_layer_desc),
        (tensor::SRC_ITER, diff_src_iter_desc),
        (tensor::SRC_ITER_C, diff_src_iter_c_desc),
        (tensor::WEIGHTS_LAYER, diff_weights_layer_desc),
        (tensor::WEIGHTS_ITER, diff_weights_iter_desc),
        (tensor::PEEPHOLE, diff_weights_peephole_desc),
        (tensor::PROJECTION, diff_weights_projection_desc),
        (tensor::BIAS, diff_bias_desc),
        (tensor::DST_LAYER, diff_dst_layer_desc),
        (tensor::DST_ITER, diff_dst_iter_desc),
        (tensor::DST_ITER_C, diff_dst_iter_c_desc),
    ];
    // SAFETY: the caller passes live descriptors.
    let op = || unsafe {
        let prop = backward(prop_kind);
        operation(Cell::Lstm, prop, direction, flags, &tensors, &gradients)
    };
    // SAFETY: the caller passes live handles and a writable place.
    unsafe { create(primitive_desc, engine, attr, op) }
}
