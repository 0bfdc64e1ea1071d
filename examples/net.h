// What the networks of the examples are made of: tensors, lists of primitives, parameters, inner products.
//
// A network is five lists of primitives: `refresh` brings the weights into the layouts that the primitives chose,
// `forward` and `backward` run the passes, `gather` brings the gradients back into plain layout, `update` moves the
// parameters.
#ifndef NET_H
#define NET_H

#include <math.h>
#include <string.h>

#include "example.h"

enum { MAX_OPS = 16, MAX_ARGS = 16, MAX_MEMORIES = 64, MAX_PARAMETERS = 8 };

// A primitive with its arguments.
struct op {
    brick_primitive_t primitive;
    int count;
    brick_exec_arg_t args[MAX_ARGS];
};

struct program {
    int count;
    struct op ops[MAX_OPS];
};

// Parameters and their velocities stay in f32, in plain layout; gradients are brought there.
struct parameter {
    int64_t size;
    brick_memory_t value, gradient, velocity;
};

struct net {
    brick_engine_t engine;
    brick_stream_t stream;
    struct parameter parameters[MAX_PARAMETERS];
    int parameter_count;
    struct program refresh, forward, backward, gather, update;
    brick_memory_t memories[MAX_MEMORIES]; // all of them, for the end
    int memory_count;
};

// ---- tensors

static inline brick_memory_desc_t describe(int ndims, const int64_t *dims, brick_data_type_t type,
                                           brick_format_tag_t tag)
{
    brick_dims_t all = {0};
    brick_memory_desc_t md;
    memcpy(all, dims, (size_t)ndims * sizeof *dims);
    CHECK(brick_memory_desc_create_with_tag(&md, ndims, all, type, tag));
    return md;
}

static inline brick_memory_desc_t describe_matrix(int64_t rows, int64_t columns, brick_data_type_t type,
                                                  brick_format_tag_t tag)
{
    int64_t dims[] = {rows, columns};
    return describe(2, dims, type, tag);
}

static inline const_brick_memory_desc_t desc_of(const_brick_memory_t memory)
{
    const_brick_memory_desc_t md;
    CHECK(brick_memory_get_memory_desc(memory, &md));
    return md;
}

static inline void *bytes(const_brick_memory_t memory)
{
    void *data;
    CHECK(brick_memory_get_data_handle(memory, &data));
    return data;
}

static inline float *floats(const_brick_memory_t memory)
{
    return bytes(memory);
}

// A tensor in brick's memory, or in the caller's, owned by the net.
static inline brick_memory_t tensor(struct net *net, const_brick_memory_desc_t md, void *data)
{
    brick_memory_t memory;
    CHECK(brick_memory_create(&memory, md, net->engine, data));
    return net->memories[net->memory_count++] = memory;
}

// A new tensor of a descriptor that is consumed.
static inline brick_memory_t new_tensor(struct net *net, brick_memory_desc_t md)
{
    brick_memory_t memory = tensor(net, md, BRICK_MEMORY_ALLOCATE);
    CHECK(brick_memory_desc_destroy(md));
    return memory;
}

static inline brick_memory_t matrix(struct net *net, int64_t rows, int64_t columns, brick_data_type_t type)
{
    return new_tensor(net, describe_matrix(rows, columns, type, brick_ab));
}

// The values of a tensor, seen in other dims; the descriptor is consumed.
static inline brick_memory_t view(struct net *net, const_brick_memory_t memory, brick_memory_desc_t md)
{
    brick_memory_t other = tensor(net, md, floats(memory));
    CHECK(brick_memory_desc_destroy(md));
    return other;
}

// ---- lists of primitives

// Appends the primitive of a descriptor, which is consumed, to a program.
static inline struct op *append_op(struct program *program, brick_primitive_desc_t pd)
{
    struct op *op = &program->ops[program->count++];
    op->count = 0;
    CHECK(brick_primitive_create(&op->primitive, pd));
    CHECK(brick_primitive_desc_destroy(pd));
    return op;
}

static inline void bind(struct op *op, int arg, brick_memory_t memory)
{
    op->args[op->count++] = (brick_exec_arg_t){arg, memory};
}

static inline void run(struct net *net, const struct program *program)
{
    for (int i = 0; i < program->count; i++) {
        const struct op *op = &program->ops[i];
        CHECK(brick_primitive_execute(op->primitive, net->stream, op->count, op->args));
    }
}

static inline const_brick_memory_desc_t query(const_brick_primitive_desc_t pd, brick_query_t what)
{
    return brick_primitive_desc_query_md(pd, what, 0);
}

static inline void append_reorder(struct net *net, struct program *program, brick_memory_t from, brick_memory_t to)
{
    brick_primitive_desc_t pd;
    CHECK(brick_reorder_primitive_desc_create(&pd, desc_of(from), net->engine, desc_of(to), net->engine, NULL));
    struct op *op = append_op(program, pd);
    bind(op, BRICK_ARG_FROM, from);
    bind(op, BRICK_ARG_TO, to);
}

// to = scale * from
static inline void append_scaled(struct net *net, struct program *program, brick_memory_t from, float scale,
                                 brick_memory_t to)
{
    brick_primitive_attr_t attr;
    brick_primitive_desc_t pd;
    brick_memory_t factor = new_tensor(net, describe(1, (int64_t[]){1}, brick_f32, brick_a));
    *floats(factor) = scale;
    CHECK(brick_primitive_attr_create(&attr));
    CHECK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_FROM, 0));
    CHECK(brick_reorder_primitive_desc_create(&pd, desc_of(from), net->engine, desc_of(to), net->engine, attr));
    CHECK(brick_primitive_attr_destroy(attr));
    struct op *op = append_op(program, pd);
    bind(op, BRICK_ARG_FROM, from);
    bind(op, BRICK_ARG_TO, to);
    bind(op, BRICK_ARG_ATTR_SCALES | BRICK_ARG_FROM, factor);
}

// `from` in the layout and type of `md`: itself, or a copy that the program keeps up to date.
static inline brick_memory_t convert(struct net *net, struct program *program, brick_memory_t from,
                                     const_brick_memory_desc_t md)
{
    if (brick_memory_desc_equal(desc_of(from), md))
        return from;
    brick_memory_t to = tensor(net, md, BRICK_MEMORY_ALLOCATE);
    append_reorder(net, program, from, to);
    return to;
}

// The same in the other direction: where to write in layout `md` what shall arrive in `to`.
static inline brick_memory_t convert_back(struct net *net, struct program *program, const_brick_memory_desc_t md,
                                          brick_memory_t to)
{
    if (brick_memory_desc_equal(md, desc_of(to)))
        return to;
    brick_memory_t from = tensor(net, md, BRICK_MEMORY_ALLOCATE);
    append_reorder(net, program, from, to);
    return from;
}

// ---- parameters

// A parameter of uniform values between -range and range, with a descriptor that is consumed.
static inline struct parameter *new_parameter(struct net *net, brick_memory_desc_t md, float range)
{
    struct parameter *p = &net->parameters[net->parameter_count++];
    p->size = (int64_t)(brick_memory_desc_get_size(md) / sizeof(float));
    p->value = tensor(net, md, BRICK_MEMORY_ALLOCATE);
    p->gradient = tensor(net, md, BRICK_MEMORY_ALLOCATE);
    p->velocity = tensor(net, md, BRICK_MEMORY_ALLOCATE);
    float *value = floats(p->value), *velocity = floats(p->velocity);
    for (int64_t i = 0; i < p->size; i++) {
        value[i] = (2 * uniform() - 1) * range;
        velocity[i] = 0;
    }
    CHECK(brick_memory_desc_destroy(md));
    return p;
}

static inline void destroy_program(struct program *program)
{
    for (int i = 0; i < program->count; i++)
        CHECK(brick_primitive_destroy(program->ops[i].primitive));
    program->count = 0;
}

// to = scale * to + other_scale * other
static inline void append_sum(struct net *net, brick_memory_t to, float scale, brick_memory_t other, float other_scale)
{
    const_brick_memory_desc_t md = desc_of(to), sources[] = {md, desc_of(other)};
    float scales[] = {scale, other_scale};
    brick_primitive_desc_t pd;
    CHECK(brick_sum_primitive_desc_create(&pd, net->engine, md, 2, scales, sources, NULL));
    struct op *op = append_op(&net->update, pd);
    bind(op, BRICK_ARG_MULTIPLE_SRC, to);
    bind(op, BRICK_ARG_MULTIPLE_SRC + 1, other);
    bind(op, BRICK_ARG_DST, to);
}

// Gradient descent with momentum, at another rate than before.
static inline void plan_update(struct net *net, float rate)
{
    destroy_program(&net->update);
    for (int i = 0; i < net->parameter_count; i++) {
        const struct parameter *p = &net->parameters[i];
        append_sum(net, p->velocity, 0.9f, p->gradient, -rate);
        append_sum(net, p->value, 1, p->velocity, 1);
    }
}

static inline void create_net(struct net *net)
{
    CHECK(brick_engine_create(&net->engine, brick_cpu, 0));
    CHECK(brick_stream_create(&net->stream, net->engine, brick_stream_default_flags));
}

static inline void destroy_net(struct net *net)
{
    struct program *programs[] = {&net->refresh, &net->forward, &net->backward, &net->gather, &net->update};
    for (int i = 0; i < 5; i++)
        destroy_program(programs[i]);
    for (int i = 0; i < net->memory_count; i++)
        CHECK(brick_memory_destroy(net->memories[i]));
    CHECK(brick_stream_destroy(net->stream));
    CHECK(brick_engine_destroy(net->engine));
}

// ---- inner products

// Activations, weights and their gradients have the type of the products; parameters are f32.
struct dense {
    int64_t in, out;
    struct parameter *weights, *bias;
    brick_memory_desc_t any; // the weights, in whatever layout a pass likes
};

static inline struct dense new_dense(struct net *net, int64_t in, int64_t out, brick_data_type_t type, float range)
{
    int64_t dims[] = {out};
    struct dense layer = {.in = in, .out = out, .any = describe_matrix(out, in, type, brick_format_tag_any)};
    layer.weights = new_parameter(net, describe_matrix(out, in, brick_f32, brick_ab), range);
    layer.bias = new_parameter(net, describe(1, dims, brick_f32, brick_a), 0);
    return layer;
}

static inline void destroy_dense(struct dense *layer)
{
    CHECK(brick_memory_desc_destroy(layer->any));
}

// dst = src * weights' + bias, with what the attribute appends. Returns the descriptor, which the backward passes take
// as a hint.
static inline brick_primitive_desc_t append_dense(struct net *net, struct program *program, const struct dense *layer,
                                                  brick_memory_t src, brick_memory_t dst,
                                                  const_brick_primitive_attr_t attr)
{
    brick_primitive_desc_t pd, hint;
    CHECK(brick_inner_product_forward_primitive_desc_create(&pd, net->engine, brick_forward_training, desc_of(src),
                                                            layer->any, desc_of(layer->bias->value), desc_of(dst),
                                                            attr));
    CHECK(brick_primitive_desc_clone(&hint, pd));
    brick_memory_t weights =
        convert(net, &net->refresh, layer->weights->value, query(pd, brick_query_weights_md));
    struct op *op = append_op(program, pd);
    bind(op, BRICK_ARG_SRC, src);
    bind(op, BRICK_ARG_WEIGHTS, weights);
    bind(op, BRICK_ARG_BIAS, layer->bias->value);
    bind(op, BRICK_ARG_DST, dst);
    return hint;
}

// diff_weights = diff_dst' * src, diff_bias = column sums of diff_dst.
static inline void append_dense_weights(struct net *net, const struct dense *layer, brick_memory_t src,
                                        brick_memory_t diff_dst, const_brick_primitive_desc_t hint)
{
    brick_memory_desc_t any = describe_matrix(layer->out, layer->in, brick_f32, brick_format_tag_any);
    brick_primitive_desc_t pd;
    CHECK(brick_inner_product_backward_weights_primitive_desc_create(
        &pd, net->engine, desc_of(src), any, desc_of(layer->bias->gradient), desc_of(diff_dst), hint, NULL));
    CHECK(brick_memory_desc_destroy(any));
    brick_memory_t diff_weights =
        convert_back(net, &net->gather, query(pd, brick_query_diff_weights_md), layer->weights->gradient);
    struct op *op = append_op(&net->backward, pd);
    bind(op, BRICK_ARG_SRC, src);
    bind(op, BRICK_ARG_DIFF_DST, diff_dst);
    bind(op, BRICK_ARG_DIFF_WEIGHTS, diff_weights);
    bind(op, BRICK_ARG_DIFF_BIAS, layer->bias->gradient);
}

// diff_src = diff_dst * weights.
static inline void append_dense_data(struct net *net, const struct dense *layer, brick_memory_t diff_src,
                                     brick_memory_t diff_dst, const_brick_primitive_desc_t hint)
{
    brick_primitive_desc_t pd;
    CHECK(brick_inner_product_backward_data_primitive_desc_create(&pd, net->engine, desc_of(diff_src), layer->any,
                                                                  desc_of(diff_dst), hint, NULL));
    brick_memory_t weights =
        convert(net, &net->refresh, layer->weights->value, query(pd, brick_query_weights_md));
    struct op *op = append_op(&net->backward, pd);
    bind(op, BRICK_ARG_DIFF_DST, diff_dst);
    bind(op, BRICK_ARG_WEIGHTS, weights);
    bind(op, BRICK_ARG_DIFF_SRC, diff_src);
}

// ---- the loss

// Softmax of rows of logits: returns the sum of the losses, and leaves their gradient (softmax - truth) / rows. Rows
// whose truth is negative do not count.
static inline double softmax_loss(const_brick_memory_t logits_of, brick_memory_t diff_of, int64_t rows, int64_t classes,
                                  const int *truth)
{
    const float *logits = floats(logits_of);
    float *diff = floats(diff_of);
    double loss = 0;
    for (int64_t i = 0; i < rows; i++, logits += classes, diff += classes) {
        float top = logits[0], sum = 0;
        if (truth[i] < 0) {
            memset(diff, 0, (size_t)classes * sizeof *diff);
            continue;
        }
        for (int64_t c = 1; c < classes; c++)
            top = logits[c] > top ? logits[c] : top;
        for (int64_t c = 0; c < classes; c++)
            sum += diff[c] = expf(logits[c] - top);
        loss -= logits[truth[i]] - top - logf(sum);
        for (int64_t c = 0; c < classes; c++)
            diff[c] = (diff[c] / sum - (c == truth[i])) / (float)rows;
    }
    return loss;
}

#endif
