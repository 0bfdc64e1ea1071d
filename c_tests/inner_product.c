// Inner product: forward with bias and ReLU, both backward passes, any and plain layouts, 4-D sources.
#include "check.h"

enum { MB = 6, IC = 20, OC = 18 };

static float src[MB * IC], weights[OC * IC], bias[OC], dst[MB * OC];
static float diff_src[MB * IC], diff_weights[OC * IC], diff_bias[OC], diff_dst[MB * OC];

static float dot(const float *a, int a_step, const float *b, int b_step, int count)
{
    float sum = 0;
    for (int i = 0; i < count; i++)
        sum += a[i * a_step] * b[i * b_step];
    return sum;
}

// Brings `data`, plain, into the layout that the primitive wants, or back.
static void convert(const_brick_memory_desc_t from_md, brick_memory_t from, const_brick_memory_desc_t to_md,
                    brick_memory_t to)
{
    brick_primitive_desc_t pd = NULL;
    OK(brick_reorder_primitive_desc_create(&pd, from_md, engine, to_md, engine, NULL));
    brick_exec_arg_t args[2] = {{BRICK_ARG_FROM, from}, {BRICK_ARG_TO, to}};
    run_once(pd, 2, args);
    OK(brick_primitive_desc_destroy(pd));
}

// Weights in the layout of `md`, filled from the plain array when `fill_it` is set.
static brick_memory_t weights_in(const_brick_memory_desc_t md, float *plain, int fill_it)
{
    brick_memory_desc_t plain_md = matrix(OC, IC, brick_f32);
    brick_memory_t memory = memory_of(md, BRICK_MEMORY_ALLOCATE), user = memory_of(plain_md, plain);
    if (fill_it)
        convert(plain_md, user, md, memory);
    OK(brick_memory_destroy(user));
    OK(brick_memory_desc_destroy(plain_md));
    return memory;
}

static void forward(brick_format_tag_t tag)
{
    int64_t dims[] = {OC, IC};
    brick_memory_desc_t src_md = matrix(MB, IC, brick_f32), any = tagged(2, dims, brick_f32, tag),
                        bias_md = vector(OC, brick_f32), dst_md = matrix(MB, OC, brick_f32);
    brick_post_ops_t ops = NULL;
    brick_primitive_attr_t attr = NULL;
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    OK(brick_post_ops_destroy(ops));
    brick_primitive_desc_t pd = NULL;
    OK(brick_inner_product_forward_primitive_desc_create(&pd, engine, brick_forward_inference, src_md, any, bias_md,
                                                         dst_md, attr));
    OK(brick_primitive_attr_destroy(attr));
    const_brick_memory_desc_t weights_md = brick_primitive_desc_query_md(pd, brick_query_weights_md, 0);
    brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_md, src),
                                {BRICK_ARG_WEIGHTS, weights_in(weights_md, weights, 1)},
                                argument(BRICK_ARG_BIAS, bias_md, bias), argument(BRICK_ARG_DST, dst_md, dst)};
    memset(dst, 0xff, sizeof dst);
    consume(pd, 4, args);
    for (int n = 0; n < MB; n++) {
        for (int o = 0; o < OC; o++) {
            float want = bias[o] + dot(src + n * IC, 1, weights + o * IC, 1, IC);
            EXPECT(dst[n * OC + o] == (want > 0 ? want : 0));
        }
    }
    DESTROY(src_md, any, bias_md, dst_md);
}

static void backward(brick_format_tag_t tag)
{
    int64_t dims[] = {OC, IC};
    brick_memory_desc_t src_md = matrix(MB, IC, brick_f32), any = tagged(2, dims, brick_f32, tag),
                        bias_md = vector(OC, brick_f32), dst_md = matrix(MB, OC, brick_f32),
                        plain_md = matrix(OC, IC, brick_f32);
    brick_primitive_desc_t hint = NULL, pd = NULL;
    OK(brick_inner_product_forward_primitive_desc_create(&hint, engine, brick_forward_training, src_md, any, bias_md,
                                                         dst_md, NULL));

    OK(brick_inner_product_backward_data_primitive_desc_create(&pd, engine, src_md, any, dst_md, hint, NULL));
    brick_exec_arg_t data_args[3] = {
        argument(BRICK_ARG_DIFF_DST, dst_md, diff_dst),
        {BRICK_ARG_WEIGHTS, weights_in(brick_primitive_desc_query_md(pd, brick_query_weights_md, 0), weights, 1)},
        argument(BRICK_ARG_DIFF_SRC, src_md, diff_src)};
    consume(pd, 3, data_args);
    for (int n = 0; n < MB; n++)
        for (int i = 0; i < IC; i++)
            EXPECT(diff_src[n * IC + i] == dot(diff_dst + n * OC, 1, weights + i, IC, OC));

    OK(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, src_md, any, bias_md, dst_md, hint,
                                                                  NULL));
    const_brick_memory_desc_t weights_md = brick_primitive_desc_query_md(pd, brick_query_diff_weights_md, 0);
    brick_memory_t result = weights_in(weights_md, diff_weights, 0), plain = memory_of(plain_md, diff_weights);
    brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_DIFF_DST, dst_md, diff_dst),
                                {BRICK_ARG_DIFF_WEIGHTS, result}, argument(BRICK_ARG_DIFF_BIAS, bias_md, diff_bias)};
    run_once(pd, 4, args);
    convert(weights_md, result, plain_md, plain);
    destroy_arguments(4, args);
    OK(brick_memory_destroy(plain));
    OK(brick_primitive_desc_destroy(pd));
    float one = 1;
    for (int o = 0; o < OC; o++) {
        EXPECT(diff_bias[o] == dot(diff_dst + o, OC, &one, 0, MB));
        for (int i = 0; i < IC; i++)
            EXPECT(diff_weights[o * IC + i] == dot(diff_dst + o, OC, src + i, IC, MB));
    }
    OK(brick_primitive_desc_destroy(hint));
    DESTROY(src_md, any, bias_md, dst_md, plain_md);
}

// A source of 5 channels of 2x2 pixels is flattened; the weights follow its rank.
static void spatial(void)
{
    int64_t src_dims[] = {MB, 5, 2, 2}, weights_dims[] = {OC, 5, 2, 2};
    brick_memory_desc_t src_md = tagged(4, src_dims, brick_f32, brick_nchw),
                        weights_md = tagged(4, weights_dims, brick_f32, brick_oihw), dst_md = matrix(MB, OC, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_inner_product_forward_primitive_desc_create(&pd, engine, brick_forward_inference, src_md, weights_md, NULL,
                                                         dst_md, NULL));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DST, dst_md, dst)};
    consume(pd, 3, args);
    for (int n = 0; n < MB; n++)
        for (int o = 0; o < OC; o++)
            EXPECT(dst[n * OC + o] == dot(src + n * IC, 1, weights + o * IC, 1, IC));
    DESTROY(src_md, weights_md, dst_md);
}

int main(void)
{
    setup();
    fill(src, MB * IC, 1);
    fill(weights, OC * IC, 2);
    fill(bias, OC, 3);
    fill(diff_dst, MB * OC, 4);
    forward(brick_oi);
    forward(brick_io);
    forward(brick_format_tag_any);
    backward(brick_oi);
    backward(brick_format_tag_any);
    spatial();
    teardown();
    return finish();
}
