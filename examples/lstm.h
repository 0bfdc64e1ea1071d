// An LSTM layer for the networks of net.h: its parameters, and its passes as primitives, all in plain layouts.
#ifndef LSTM_H
#define LSTM_H

#include "net.h"

struct lstm {
    brick_rnn_direction_t direction;
    int64_t directions, inputs, states; // 1 or 2, input channels, channels of the state
    struct parameter *weights_layer, *weights_iter, *bias;
};

// What a pass reads and writes; NULL stands for states that begin at zero, or that nobody asks for.
struct lstm_pass {
    brick_memory_t src_layer, src_iter, src_iter_c, dst_layer, dst_iter, dst_iter_c, workspace;
};

// Weights of the input begin in `range`, which should be large where few inputs are not zero.
static inline struct lstm new_lstm(struct net *net, brick_rnn_direction_t direction, int64_t inputs, int64_t states,
                                   float range)
{
    enum { GATES = 4, FORGET = 1 };
    int64_t directions = direction == brick_bidirectional_concat || direction == brick_bidirectional_sum ? 2 : 1;
    int64_t layer[] = {1, directions, inputs, GATES, states}, iter[] = {1, directions, states, GATES, states},
            bias[] = {1, directions, GATES, states};
    struct lstm lstm = {direction, directions, inputs, states, NULL, NULL, NULL};
    lstm.weights_layer = new_parameter(net, describe(5, layer, brick_f32, brick_ldigo), range);
    lstm.weights_iter = new_parameter(net, describe(5, iter, brick_f32, brick_ldigo), 1 / sqrtf((float)states));
    lstm.bias = new_parameter(net, describe(4, bias, brick_f32, brick_ldgo), 0);
    // Forget gates begin open, so that the state lives long enough for the others to find a use for it.
    float *values = floats(lstm.bias->value);
    for (int64_t d = 0; d < directions; d++)
        for (int64_t k = 0; k < states; k++)
            values[(d * GATES + FORGET) * states + k] = 1;
    return lstm;
}

// Floating-point operations of the products of one step and row, forward; backward has twice as many.
static inline double lstm_flops(const struct lstm *lstm)
{
    return 8.0 * (double)(lstm->directions * lstm->states * (lstm->inputs + lstm->states));
}

static inline const_brick_memory_desc_t desc_or_null(const_brick_memory_t memory)
{
    return memory ? desc_of(memory) : NULL;
}

static inline void bind_lstm(struct op *op, const struct lstm *lstm, const struct lstm_pass *pass)
{
    const brick_exec_arg_t args[] = {
        {BRICK_ARG_SRC_LAYER, pass->src_layer},
        {BRICK_ARG_SRC_ITER, pass->src_iter},
        {BRICK_ARG_SRC_ITER_C, pass->src_iter_c},
        {BRICK_ARG_WEIGHTS_LAYER, lstm->weights_layer->value},
        {BRICK_ARG_WEIGHTS_ITER, lstm->weights_iter->value},
        {BRICK_ARG_BIAS, lstm->bias->value},
        {BRICK_ARG_DST_LAYER, pass->dst_layer},
        {BRICK_ARG_DST_ITER, pass->dst_iter},
        {BRICK_ARG_DST_ITER_C, pass->dst_iter_c},
        {BRICK_ARG_WORKSPACE, pass->workspace},
    };
    for (size_t i = 0; i < sizeof args / sizeof *args; i++)
        if (args[i].memory)
            bind(op, args[i].arg, args[i].memory);
}

// Appends the forward pass; in training it gets a workspace. Returns the descriptor as a hint for the backward pass.
static inline brick_primitive_desc_t append_lstm(struct net *net, struct program *program, const struct lstm *lstm,
                                                 struct lstm_pass *pass, brick_prop_kind_t prop)
{
    brick_primitive_desc_t pd, hint;
    CHECK(brick_lstm_forward_primitive_desc_create(
        &pd, net->engine, prop, lstm->direction, desc_of(pass->src_layer), desc_or_null(pass->src_iter),
        desc_or_null(pass->src_iter_c), desc_of(lstm->weights_layer->value), desc_of(lstm->weights_iter->value), NULL,
        NULL, desc_of(lstm->bias->value), desc_of(pass->dst_layer), desc_or_null(pass->dst_iter),
        desc_or_null(pass->dst_iter_c), brick_rnn_flags_undef, NULL));
    CHECK(brick_primitive_desc_clone(&hint, pd));
    if (prop == brick_forward_training)
        pass->workspace = tensor(net, query(pd, brick_query_workspace_md), BRICK_MEMORY_ALLOCATE);
    bind_lstm(append_op(program, pd), lstm, pass);
    return hint;
}

// Appends the backward pass: gradients of the parameters and of the input. No gradient reaches the first states, nor
// comes from the last.
static inline void append_lstm_backward(struct net *net, const struct lstm *lstm, const struct lstm_pass *pass,
                                        brick_memory_t diff_src, brick_memory_t diff_dst,
                                        const_brick_primitive_desc_t hint)
{
    const_brick_memory_desc_t weights_layer = desc_of(lstm->weights_layer->value),
                              weights_iter = desc_of(lstm->weights_iter->value), bias = desc_of(lstm->bias->value);
    brick_primitive_desc_t pd;
    CHECK(brick_lstm_backward_primitive_desc_create(
        &pd, net->engine, brick_backward, lstm->direction, desc_of(pass->src_layer), desc_or_null(pass->src_iter),
        desc_or_null(pass->src_iter_c), weights_layer, weights_iter, NULL, NULL, bias, desc_of(pass->dst_layer),
        desc_or_null(pass->dst_iter), desc_or_null(pass->dst_iter_c), desc_of(diff_src), NULL, NULL, weights_layer,
        weights_iter, NULL, NULL, bias, desc_of(diff_dst), NULL, NULL, brick_rnn_flags_diff_weights_overwrite, hint,
        NULL));
    struct op *op = append_op(&net->backward, pd);
    bind_lstm(op, lstm, pass);
    bind(op, BRICK_ARG_DIFF_SRC_LAYER, diff_src);
    bind(op, BRICK_ARG_DIFF_DST_LAYER, diff_dst);
    bind(op, BRICK_ARG_DIFF_WEIGHTS_LAYER, lstm->weights_layer->gradient);
    bind(op, BRICK_ARG_DIFF_WEIGHTS_ITER, lstm->weights_iter->gradient);
    bind(op, BRICK_ARG_DIFF_BIAS, lstm->bias->gradient);
}

#endif
