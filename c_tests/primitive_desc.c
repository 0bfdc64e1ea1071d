// Primitive descriptors: queries, resolution of `any`, cloning, iteration, life times.
#include "check.h"

static brick_primitive_desc_t matmul(brick_format_tag_t weights_tag, brick_primitive_attr_t attr)
{
    int64_t dims[] = {32, 48};
    brick_memory_desc_t src = matrix(16, 32, brick_f32), weights = tagged(2, dims, brick_f32, weights_tag),
                        dst = matrix(16, 48, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src, weights, NULL, dst, attr));
    DESTROY(src, weights, dst);
    return pd;
}

static void queries(const_brick_primitive_desc_t pd)
{
    brick_primitive_kind_t kind = brick_undefined_primitive;
    int32_t inputs = 0, outputs = 0;
    brick_engine_t of_pd = NULL;
    const char *name = NULL;
    OK(brick_primitive_desc_query(pd, brick_query_primitive_kind, 0, &kind));
    OK(brick_primitive_desc_query(pd, brick_query_num_of_inputs_s32, 0, &inputs));
    OK(brick_primitive_desc_query(pd, brick_query_num_of_outputs_s32, 0, &outputs));
    OK(brick_primitive_desc_query(pd, brick_query_engine, 0, &of_pd));
    OK(brick_primitive_desc_query(pd, brick_query_impl_info_str, 0, &name));
    EXPECT(kind == brick_matmul && inputs == 2 && outputs == 1 && of_pd == engine);
    EXPECT(name && !strncmp(name, "brick:", 6));
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_num_of_inputs_s32, 0) == 2);

    const_brick_memory_desc_t src = brick_primitive_desc_query_md(pd, brick_query_src_md, 0);
    const_brick_memory_desc_t same = brick_primitive_desc_query_md(pd, brick_query_exec_arg_md, BRICK_ARG_SRC);
    EXPECT(src && same && brick_memory_desc_equal(src, same) && brick_memory_desc_get_size(src) == 16 * 32 * 4);
    const_brick_memory_desc_t weights = brick_primitive_desc_query_md(pd, brick_query_weights_md, 0);
    brick_format_kind_t format = brick_format_kind_any;
    OK(brick_memory_desc_query(weights, brick_query_format_kind, &format));
    EXPECT(format == brick_blocked);
    EXPECT(brick_memory_desc_get_size(weights) >= 32 * 48 * 4);

    // What a matmul does not have is absent.
    const_brick_memory_desc_t none = brick_primitive_desc_query_md(pd, brick_query_workspace_md, 0);
    EXPECT(!none || brick_memory_desc_get_size(none) == 0);
}

// Queries of numbers, dims and engines that every primitive answers, beside those that its own kind has.
static void expect_queries(const char *name, brick_primitive_desc_t pd, const brick_query_t *own)
{
    static const brick_query_t all[] = {brick_query_engine, brick_query_primitive_kind, brick_query_num_of_inputs_s32,
                                        brick_query_num_of_outputs_s32, brick_query_time_estimate_f64,
                                        brick_query_memory_consumption_s64, brick_query_scratchpad_engine,
                                        brick_query_impl_info_str, brick_query_cache_blob_id_size_s64};
    for (int what = brick_query_engine; what <= brick_query_group_size_s64; what++) {
        int known = 0;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            known |= (int)all[i] == what;
        for (const brick_query_t *query = own; *query; query++)
            known |= (int)*query == what;
        union {
            int64_t number;
            double real;
            const void *pointer;
        } answer, before;
        memset(&before, 0x5a, sizeof before);
        answer = before;
        brick_status_t status = brick_primitive_desc_query(pd, (brick_query_t)what, 0, &answer);
        if (status == (known ? brick_success : brick_unimplemented) && known == !!memcmp(&answer, &before, sizeof answer))
            continue;
        fprintf(stderr, "%s, query %d: status %d\n", name, what, (int)status);
        EXPECT(!"a query answers what it should not, or not what it should");
    }
    EXPECT(brick_primitive_desc_next_impl(pd) == brick_last_impl_reached);
    OK(brick_primitive_desc_destroy(pd));
}

// Every query of every kind of primitive.
static void kinds(void)
{
    static const brick_query_t none[] = {brick_query_undef}, pass[] = {brick_query_prop_kind, brick_query_undef},
                               binary[] = {brick_query_alg_kind, brick_query_undef},
                               reorder[] = {brick_query_reorder_src_engine, brick_query_reorder_dst_engine,
                                            brick_query_undef},
                               eltwise[] = {brick_query_prop_kind, brick_query_alg_kind, brick_query_alpha_f32,
                                            brick_query_beta_f32, brick_query_undef},
                               convolution[] = {brick_query_prop_kind, brick_query_alg_kind, brick_query_strides,
                                                brick_query_dilations, brick_query_padding_l, brick_query_padding_r,
                                                brick_query_undef},
                               rnn[] = {brick_query_prop_kind,       brick_query_cell_kind, brick_query_direction,
                                        brick_query_activation_kind, brick_query_flags,     brick_query_alpha_f32,
                                        brick_query_beta_f32,        brick_query_undef};
    int64_t image[] = {2, 16, 8, 8}, taps[] = {16, 16, 3, 3}, sequence[] = {3, 2, 8}, gates[] = {1, 1, 8, 4, 8},
            biases[] = {1, 1, 4, 8};
    brick_dims_t one = {1, 1}, zero = {0, 0};
    const float scales[] = {1, 2};
    brick_memory_desc_t src = matrix(4, 8, brick_f32), wei = matrix(8, 8, brick_f32),
                        pixels = tagged(4, image, brick_f32, brick_nchw), kernel = tagged(4, taps, brick_f32, brick_oihw),
                        layer = tagged(3, sequence, brick_f32, brick_tnc), gate = tagged(5, gates, brick_f32, brick_ldigo),
                        bias = tagged(4, biases, brick_f32, brick_ldgo);
    const_brick_memory_desc_t twice[] = {src, src};
    brick_primitive_desc_t pd = NULL;
    expect_queries("matmul", matmul(brick_ab, NULL), none);
    OK(brick_inner_product_forward_primitive_desc_create(&pd, engine, brick_forward, src, wei, NULL, src, NULL));
    expect_queries("inner product", pd, pass);
    OK(brick_inner_product_backward_data_primitive_desc_create(&pd, engine, src, wei, src, NULL, NULL));
    expect_queries("inner product by data", pd, pass);
    OK(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, src, wei, NULL, src, NULL, NULL));
    expect_queries("inner product by weights", pd, pass);
    OK(brick_reorder_primitive_desc_create(&pd, src, engine, src, engine, NULL));
    expect_queries("reorder", pd, reorder);
    OK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_linear, src, src, 2, 3, NULL));
    float alpha = 0, beta = 0;
    OK(brick_primitive_desc_query(pd, brick_query_alpha_f32, 0, &alpha));
    OK(brick_primitive_desc_query(pd, brick_query_beta_f32, 0, &beta));
    EXPECT(alpha == 2 && beta == 3);
    expect_queries("eltwise", pd, eltwise);
    OK(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_tanh_use_dst_for_bwd, src, src, src, 0, 0, NULL,
                                                    NULL));
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_alg_kind, 0) == brick_eltwise_tanh_use_dst_for_bwd);
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_prop_kind, 0) == brick_backward_data);
    expect_queries("eltwise backward", pd, eltwise);
    OK(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, src, src, src, NULL));
    expect_queries("binary", pd, binary);
    OK(brick_sum_primitive_desc_create(&pd, engine, NULL, 2, scales, twice, NULL));
    EXPECT(brick_memory_desc_equal(brick_primitive_desc_query_md(pd, brick_query_src_md, 1), src));
    EXPECT(brick_memory_desc_get_size(brick_primitive_desc_query_md(pd, brick_query_src_md, 2)) == 0);
    expect_queries("sum", pd, none);
    OK(brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward, brick_convolution_auto, pixels, kernel,
                                                       NULL, pixels, one, zero, one, one, NULL));
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_alg_kind, 0) == brick_convolution_direct);
    const brick_dims_t *padding = NULL;
    OK(brick_primitive_desc_query(pd, brick_query_padding_r, 0, &padding));
    EXPECT((*padding)[0] == 1 && (*padding)[1] == 1);
    expect_queries("convolution", pd, convolution);
    OK(brick_lstm_forward_primitive_desc_create(&pd, engine, brick_forward, brick_unidirectional_left2right, layer, NULL, NULL,
                                                gate, gate, NULL, NULL, bias, layer, NULL, NULL, 0, NULL));
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_cell_kind, 0) == brick_vanilla_lstm);
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_direction, 0) == brick_unidirectional_left2right);
    expect_queries("lstm", pd, rnn);
    brick_memory_desc_t used[] = {src, wei, pixels, kernel, layer, gate, bias};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        OK(brick_memory_desc_destroy(used[i]));
}

int main(void)
{
    setup();
    kinds();
    brick_primitive_desc_t pd = matmul(brick_format_tag_any, NULL), clone = NULL;
    queries(pd);
    OK(brick_primitive_desc_clone(&clone, pd));
    queries(clone);

    // There is one implementation.
    EXPECT(brick_primitive_desc_next_impl(clone) == brick_last_impl_reached);
    OK(brick_primitive_desc_destroy(clone));

    // The primitive outlives its descriptor and hands it out again.
    brick_primitive_t primitive = NULL;
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_desc_destroy(pd));
    const_brick_primitive_desc_t again = NULL;
    OK(brick_primitive_get_primitive_desc(primitive, &again));
    queries(again);
    OK(brick_primitive_destroy(primitive));

    // The attributes come back with the descriptor.
    brick_primitive_attr_t attr = NULL;
    const_brick_primitive_attr_t got = NULL;
    brick_scratchpad_mode_t mode = brick_scratchpad_mode_library;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scratchpad_mode(attr, brick_scratchpad_mode_user));
    pd = matmul(brick_ab, attr);
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_primitive_desc_get_attr(pd, &got));
    OK(brick_primitive_attr_get_scratchpad_mode(got, &mode));
    EXPECT(mode == brick_scratchpad_mode_user);
    int64_t library_bytes = -1;
    OK(brick_primitive_desc_query(pd, brick_query_memory_consumption_s64, 0, &library_bytes));
    EXPECT(library_bytes == 0);
    OK(brick_primitive_desc_destroy(pd));
    OK(brick_primitive_desc_destroy(NULL));
    OK(brick_primitive_destroy(NULL));
    teardown();
    return finish();
}
