// A walk through what callers get wrong with primitive descriptors and primitives.
#include <math.h>

#include "check.h"

#define NO_MD ((const_brick_memory_desc_t)NULL)

static brick_memory_desc_t f32_2x3, f32_3x4, f32_2x4, f32_any, blocked;

#define PD(call) INVALID_CREATE(brick_primitive_desc_t, pd, call)

static void matmuls(void)
{
    brick_primitive_desc_t pd;
    brick_memory_desc_t zero = NULL, bias = matrix(1, 5, brick_f32), f64 = matrix(3, 4, brick_f64);
    OK(brick_memory_desc_create_with_tag(&zero, 0, NULL, brick_data_type_undef, brick_format_tag_undef));
    INVALID(brick_matmul_primitive_desc_create(NULL, engine, f32_2x3, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, NULL, f32_2x3, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, NULL, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, NULL, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, NULL, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, zero, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_2x3, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, f32_3x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, bias, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, blocked, NULL));

    // What means something but is not done is not the caller's fault.
    pd = POISON(brick_primitive_desc_t);
    UNIMPLEMENTED(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f64, NO_MD, f32_2x4, NULL));
    brick_primitive_attr_t attr = NULL;
    brick_memory_desc_t mask = matrix(2, 4, brick_u8);
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_dropout(attr, mask));
    UNIMPLEMENTED(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, f32_2x4, attr));
    UNTOUCHED(brick_primitive_desc_t, pd);
    OK(brick_primitive_attr_destroy(attr));
    DESTROY(mask, f64, bias, zero);
}

static void inner_products(void)
{
    brick_primitive_desc_t pd;
    brick_memory_desc_t weights = matrix(4, 3, brick_f32), bias = vector(4, brick_f32), long_bias = vector(5, brick_f32);
#define FORWARD(prop, src, weights, bias, dst)                                        \
    PD(brick_inner_product_forward_primitive_desc_create(&pd, engine, prop, src, weights, bias, dst, NULL))
    FORWARD((brick_prop_kind_t)BAD, f32_2x3, weights, bias, f32_2x4);
    FORWARD(brick_backward_data, f32_2x3, weights, bias, f32_2x4);
    FORWARD(brick_forward_inference, NO_MD, weights, bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, NO_MD, bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, weights, bias, NO_MD);
    FORWARD(brick_forward_inference, f32_2x3, f32_3x4, bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, weights, long_bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, weights, bias, f32_2x3);
    FORWARD(brick_forward_inference, blocked, weights, bias, f32_2x4);
#undef FORWARD
    INVALID(brick_inner_product_forward_primitive_desc_create(NULL, engine, brick_forward_inference, f32_2x3, weights,
                                                              bias, f32_2x4, NULL));
    PD(brick_inner_product_backward_data_primitive_desc_create(&pd, engine, NULL, weights, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_data_primitive_desc_create(&pd, engine, f32_2x3, f32_2x3, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_data_primitive_desc_create(&pd, NULL, f32_2x3, weights, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, f32_2x3, NULL, bias, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, f32_2x3, weights, long_bias, f32_2x4,
                                                                  NULL, NULL));
    DESTROY(weights, bias, long_bias);
}

static void elementwise(void)
{
    brick_primitive_desc_t pd;
    const float scales[] = {1, 1};
    const_brick_memory_desc_t sources[] = {f32_2x3, f32_2x4}, with_null[] = {f32_2x3, NULL};
    INVALID(brick_reorder_primitive_desc_create(NULL, f32_2x3, engine, f32_2x3, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, NULL, engine, f32_2x3, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, NULL, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, NULL, f32_2x3, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, f32_2x4, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, blocked, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_any, engine, f32_2x3, engine, NULL));

    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_backward_data, brick_eltwise_relu, f32_2x3,
                                                   f32_2x3, 0, 0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_binary_add, f32_2x3, f32_2x3, 0, 0,
                                                   NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, (brick_alg_kind_t)BAD, f32_2x3, f32_2x3,
                                                   0, 0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_relu, f32_2x3, f32_2x4, 0,
                                                   0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_relu, NULL, f32_2x4, 0, 0,
                                                   NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x3, f32_2x4, f32_2x3, 0, 0,
                                                    NULL, NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x3, f32_2x3, NULL, 0, 0, NULL,
                                                    NULL));

    PD(brick_binary_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x3, f32_2x3, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, f32_2x3, f32_2x4, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, f32_2x3, f32_2x3, blocked, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, NULL, f32_2x3, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create_v2(&pd, engine, brick_binary_select, f32_2x3, f32_2x3, NULL, f32_2x3, NULL));

    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 2, scales, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 2, scales, with_null, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 0, scales, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, -1, scales, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 1, NULL, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 1, scales, NULL, NULL));
}

// Results that would share a place.
static void outputs_without_stride(void)
{
    brick_primitive_desc_t pd;
    brick_memory_desc_t shared = NULL;
    brick_dims_t dims = {2, 3}, strides = {0, 1};
    const float scales[] = {1, 1};
    OK(brick_memory_desc_create_with_strides(&shared, 2, dims, brick_f32, strides));
    const_brick_memory_desc_t sources[] = {shared, f32_2x3};
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, shared, engine, NULL));
    SAYS("stride 0 is 0");
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_relu, f32_2x3, shared, 0, 0,
                                                   NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, f32_2x3, f32_2x3, shared, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, shared, 2, scales, sources, NULL));
    // What is read may repeat itself.
    OK(brick_sum_primitive_desc_create(&pd, engine, f32_2x3, 2, scales, sources, NULL));
    OK(brick_primitive_desc_destroy(pd));
    DESTROY(shared);
}

static void more_elementwise(void)
{
    brick_primitive_desc_t pd;
    const float unknown[] = {1, NAN};
    const_brick_memory_desc_t sources[] = {f32_2x3, f32_2x3};
    INVALID(brick_eltwise_forward_primitive_desc_create(NULL, engine, brick_forward, brick_eltwise_relu, f32_2x3, f32_2x3,
                                                        0, 0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, NULL, brick_forward, brick_eltwise_relu, f32_2x3, f32_2x3, 0, 0,
                                                   NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_relu, f32_2x3, NULL, 0, 0,
                                                   NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_relu, f32_2x3, f32_2x3, NAN,
                                                   0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_clip, f32_2x3, f32_2x3, 2, 1,
                                                   NULL));
    INVALID(brick_eltwise_backward_primitive_desc_create(NULL, engine, brick_eltwise_relu, f32_2x3, f32_2x3, f32_2x3, 0, 0,
                                                         NULL, NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, NULL, brick_eltwise_relu, f32_2x3, f32_2x3, f32_2x3, 0, 0, NULL,
                                                    NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x3, NULL, f32_2x3, 0, 0, NULL,
                                                    NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x4, f32_2x3, f32_2x3, 0, 0, NULL,
                                                    NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_tanh, f32_2x3, f32_2x3, f32_2x3, 0, NAN,
                                                    NULL, NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_relu_use_dst_for_bwd, f32_2x3, f32_2x3,
                                                    f32_2x3, -1, 0, NULL, NULL));

    INVALID(brick_binary_primitive_desc_create(NULL, engine, brick_binary_add, f32_2x3, f32_2x3, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create(&pd, NULL, brick_binary_add, f32_2x3, f32_2x3, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, f32_2x3, NULL, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, f32_2x3, f32_2x3, NULL, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_select, f32_2x3, f32_2x3, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create_v2(&pd, engine, brick_binary_add, f32_2x3, f32_2x3, f32_2x3, f32_2x3, NULL));
    INVALID(brick_binary_primitive_desc_create_v2(NULL, engine, brick_binary_add, f32_2x3, f32_2x3, NULL, f32_2x3, NULL));

    INVALID(brick_sum_primitive_desc_create(NULL, engine, NULL, 2, unknown, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, NULL, NULL, 1, unknown, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 2, unknown, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, f32_2x4, 1, unknown, sources, NULL));
    const_brick_memory_desc_t many[65];
    float ones[65];
    for (int i = 0; i < 65; i++)
        many[i] = f32_2x3, ones[i] = 1;
    pd = POISON(brick_primitive_desc_t);
    UNIMPLEMENTED(brick_sum_primitive_desc_create(&pd, engine, NULL, 65, ones, many, NULL));
    UNTOUCHED(brick_primitive_desc_t, pd);

    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, f32_2x3, NULL, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, f32_any, engine, NULL));
    INVALID(brick_inner_product_backward_data_primitive_desc_create(NULL, engine, f32_2x3, f32_2x3, f32_2x4, NULL, NULL));
    INVALID(brick_inner_product_backward_weights_primitive_desc_create(NULL, engine, f32_2x3, f32_2x3, NULL, f32_2x4, NULL,
                                                                       NULL));
}

enum { KINDS = 14 };

// A descriptor of each kind of primitive, over tensors that are all right.
static brick_status_t create_kind(int kind, brick_primitive_desc_t *pd, const_brick_primitive_attr_t attr)
{
    static const float scales[] = {1, 1};
    static const brick_dims_t one = {1, 1}, none = {0, 0};
    int64_t image[] = {1, 4, 5, 5}, taps[] = {4, 4, 3, 3}, sequence[] = {2, 3, 4}, gates[] = {1, 1, 4, 4, 4},
            biases[] = {1, 1, 4, 4};
    brick_memory_desc_t square = matrix(4, 4, brick_f32), pixels = tagged(4, image, brick_f32, brick_nchw),
                        filter = tagged(4, taps, brick_f32, brick_oihw), layer = tagged(3, sequence, brick_f32, brick_tnc),
                        gate = tagged(5, gates, brick_f32, brick_ldigo), bias = tagged(4, biases, brick_f32, brick_ldgo);
    const_brick_memory_desc_t sources[] = {square, square};
    brick_status_t status = brick_runtime_error;
    switch (kind) {
    case 0: status = brick_matmul_primitive_desc_create(pd, engine, square, square, NULL, square, attr); break;
    case 1:
        status = brick_inner_product_forward_primitive_desc_create(pd, engine, brick_forward, square, square, NULL, square,
                                                                   attr);
        break;
    case 2:
        status = brick_inner_product_backward_data_primitive_desc_create(pd, engine, square, square, square, NULL, attr);
        break;
    case 3:
        status = brick_inner_product_backward_weights_primitive_desc_create(pd, engine, square, square, NULL, square, NULL,
                                                                            attr);
        break;
    case 4: status = brick_reorder_primitive_desc_create(pd, square, engine, square, engine, attr); break;
    case 5:
        status = brick_eltwise_forward_primitive_desc_create(pd, engine, brick_forward, brick_eltwise_relu, square, square, 0,
                                                             0, attr);
        break;
    case 6:
        status = brick_eltwise_backward_primitive_desc_create(pd, engine, brick_eltwise_relu, square, square, square, 0, 0,
                                                              NULL, attr);
        break;
    case 7: status = brick_binary_primitive_desc_create(pd, engine, brick_binary_add, square, square, square, attr); break;
    case 8: status = brick_sum_primitive_desc_create(pd, engine, NULL, 2, scales, sources, attr); break;
    case 9:
        status = brick_convolution_forward_primitive_desc_create(pd, engine, brick_forward, brick_convolution_direct, pixels,
                                                                 filter, NULL, pixels, one, none, one, one, attr);
        break;
    case 10:
        status = brick_convolution_backward_data_primitive_desc_create(pd, engine, brick_convolution_direct, pixels, filter,
                                                                       pixels, one, none, one, one, NULL, attr);
        break;
    case 11:
        status = brick_convolution_backward_weights_primitive_desc_create(pd, engine, brick_convolution_direct, pixels,
                                                                          filter, NULL, pixels, one, none, one, one, NULL,
                                                                          attr);
        break;
    case 12:
        status = brick_deconvolution_forward_primitive_desc_create(pd, engine, brick_forward, brick_deconvolution_direct,
                                                                   pixels, filter, NULL, pixels, one, none, one, one, attr);
        break;
    case 13:
        status = brick_lstm_forward_primitive_desc_create(pd, engine, brick_forward, brick_unidirectional_left2right, layer,
                                                          NULL, NULL, gate, gate, NULL, NULL, bias, layer, NULL, NULL, 0,
                                                          attr);
        break;
    }
    brick_memory_desc_t used[] = {square, pixels, filter, layer, gate, bias};
    for (int i = 0; i < 6; i++)
        OK(brick_memory_desc_destroy(used[i]));
    return status;
}

// Attributes that no primitive honours are refused by each; none is ignored.
static void unsupported_attributes(void)
{
    brick_memory_desc_t mask = matrix(2, 4, brick_u8);
    brick_dims_t groups = {3, 1};
    float one = 1;
    for (int which = 0; which <= 11; which++) {
        brick_primitive_attr_t attr = NULL;
        brick_post_ops_t ops = NULL;
        OK(brick_primitive_attr_create(&attr));
        OK(brick_post_ops_create(&ops));
        switch (which) {
        case 0: OK(brick_primitive_attr_set_dropout(attr, mask)); break;
        case 1: OK(brick_primitive_attr_set_rounding(attr, BRICK_ARG_DST, brick_rounding_mode_stochastic)); break;
        case 2:
            OK(brick_primitive_attr_set_precomputed_reductions(attr, BRICK_ARG_SRC, 3, 2, groups, brick_s32));
            break;
        case 3: OK(brick_primitive_attr_set_rnn_data_qparams(attr, 2, 1)); break;
        case 4: OK(brick_primitive_attr_set_rnn_weights_qparams(attr, 1, 0, &one)); break;
        case 5: OK(brick_primitive_attr_set_rnn_weights_projection_qparams(attr, 1, 0, &one)); break;
        case 6: OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC_2, 0)); break;
        case 7: OK(brick_primitive_attr_set_zero_points_mask(attr, BRICK_ARG_BIAS, 0)); break;
        case 8:
            OK(brick_primitive_attr_set_scales_v3(attr, BRICK_ARG_SRC, 0, 0, NULL, brick_f32, 0,
                                                  brick_quantization_mode_dynamic_mx));
            break;
        case 9: OK(brick_post_ops_append_dw(ops, brick_f32, brick_f32, brick_f32, 3, 1, 1)); break;
        case 10: OK(brick_primitive_attr_set_accumulation_mode(attr, brick_accumulation_mode_f16)); break;
        default: OK(brick_primitive_attr_set_accumulation_mode(attr, brick_accumulation_mode_s32)); break;
        }
        OK(brick_primitive_attr_set_post_ops(attr, ops));
        for (int kind = 0; kind < KINDS; kind++) {
            brick_primitive_desc_t pd = POISON(brick_primitive_desc_t);
            int before = check_failures;
            UNIMPLEMENTED(create_kind(kind, &pd, attr));
            UNTOUCHED(brick_primitive_desc_t, pd);
            if (check_failures != before)
                fprintf(stderr, "attribute %d of primitive %d\n", which, kind);
        }
        OK(brick_post_ops_destroy(ops));
        OK(brick_primitive_attr_destroy(attr));
    }
    OK(brick_memory_desc_destroy(mask));
    // And without them, each can be created.
    for (int kind = 0; kind < KINDS; kind++) {
        brick_primitive_desc_t pd = NULL;
        OK(create_kind(kind, &pd, NULL));
        OK(brick_primitive_desc_destroy(pd));
    }
}

static void primitives(void)
{
    brick_primitive_desc_t pd = NULL, clone;
    brick_primitive_t primitive;
    const_brick_primitive_desc_t back = NULL;
    const_brick_primitive_attr_t attr = NULL;
    int32_t number = 0;
    size_t size = 0;
    OK(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, f32_2x3, engine, NULL));
    INVALID(brick_primitive_create(NULL, pd));
    INVALID_CREATE(brick_primitive_t, primitive, brick_primitive_create(&primitive, NULL));
    INVALID(brick_primitive_desc_clone(NULL, pd));
    INVALID_CREATE(brick_primitive_desc_t, clone, brick_primitive_desc_clone(&clone, NULL));
    INVALID(brick_primitive_desc_next_impl(NULL));
    INVALID(brick_primitive_desc_get_attr(NULL, &attr));
    INVALID(brick_primitive_desc_get_attr(pd, NULL));
    INVALID(brick_primitive_desc_query(NULL, brick_query_num_of_inputs_s32, 0, &number));
    INVALID(brick_primitive_desc_query(pd, brick_query_num_of_inputs_s32, 0, NULL));
    INVALID(brick_primitive_desc_query(pd, (brick_query_t)BAD, 0, &number));
    // What this kind of primitive does not have is not a mistake.
    float real = 7;
    const_brick_memory_desc_t md = NULL;
    UNIMPLEMENTED(brick_primitive_desc_query(pd, brick_query_alpha_f32, 0, &real));
    UNIMPLEMENTED(brick_primitive_desc_query(pd, brick_query_prop_kind, 0, &number));
    UNIMPLEMENTED(brick_primitive_desc_query(pd, brick_query_strides, 0, &md));
    FAILS(brick_not_required, brick_primitive_desc_query(pd, brick_query_weights_md, 0, &md));
    INVALID(brick_primitive_desc_query(pd, brick_query_src_md, -1, &md));
    FAILS(brick_last_impl_reached, brick_primitive_desc_next_impl(pd));
    EXPECT(real == 7 && md == NULL && number == 0);
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_alpha_f32, 0) == 0);
    EXPECT(brick_primitive_desc_query_md(NULL, brick_query_src_md, 0) == NULL);
    EXPECT(brick_primitive_desc_query_md(pd, (brick_query_t)BAD, 0) == NULL);
    EXPECT(brick_memory_desc_get_size(brick_primitive_desc_query_md(pd, brick_query_src_md, 99)) == 0);
    EXPECT(brick_primitive_desc_query_s32(NULL, brick_query_num_of_inputs_s32, 0) == 0);
    INVALID(brick_primitive_get_primitive_desc(NULL, &back));
    OK(brick_primitive_create(&primitive, pd));
    INVALID(brick_primitive_get_primitive_desc(primitive, NULL));
    INVALID(brick_primitive_execute(primitive, stream, 0, NULL));
    UNIMPLEMENTED(brick_primitive_get_cache_blob(primitive, &size, NULL));
    INVALID(brick_primitive_get_cache_blob(NULL, &size, NULL));
    INVALID(brick_primitive_get_cache_blob(primitive, NULL, NULL));
    EXPECT(size == 0);
    uint8_t blob = 0;
    brick_primitive_t from_blob = POISON(brick_primitive_t);
    UNIMPLEMENTED(brick_primitive_create_from_cache_blob(&from_blob, pd, 1, &blob));
    INVALID(brick_primitive_create_from_cache_blob(&from_blob, pd, 0, &blob));
    INVALID(brick_primitive_create_from_cache_blob(&from_blob, pd, 1, NULL));
    INVALID(brick_primitive_create_from_cache_blob(&from_blob, NULL, 1, &blob));
    INVALID(brick_primitive_create_from_cache_blob(NULL, pd, 1, &blob));
    UNTOUCHED(brick_primitive_t, from_blob);
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_desc_destroy(pd));
}

int main(void)
{
    setup();
    int64_t dims[] = {2, 3, 4, 4}, two[] = {2, 3};
    f32_2x3 = matrix(2, 3, brick_f32);
    f32_3x4 = matrix(3, 4, brick_f32);
    f32_2x4 = matrix(2, 4, brick_f32);
    f32_any = tagged(2, two, brick_f32, brick_format_tag_any);
    blocked = tagged(4, dims, brick_f32, brick_nChw16c);
    matmuls();
    inner_products();
    elementwise();
    more_elementwise();
    outputs_without_stride();
    unsupported_attributes();
    primitives();
    DESTROY(f32_2x3, f32_3x4, f32_2x4, f32_any, blocked);
    teardown();
    return finish();
}
