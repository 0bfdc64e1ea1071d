// Reorder, eltwise, binary and sum.
#include "check.h"

enum { N = 2, C = 19, H = 3, W = 5, COUNT = N * C * H * W };

static float a[COUNT], b[COUNT], result[COUNT];

// nchw -> nChw16c (padded with zeros) -> nhwc, with a detour through bf16 for the small integers.
static void reorder(void)
{
    int64_t dims[] = {N, C, H, W};
    brick_memory_desc_t plain = tagged(4, dims, brick_f32, brick_nchw),
                        blocked = tagged(4, dims, brick_bf16, brick_nChw16c),
                        last = tagged(4, dims, brick_f32, brick_nhwc);
    brick_memory_t middle = memory_of(blocked, BRICK_MEMORY_ALLOCATE);
    void *bits = NULL;
    OK(brick_memory_get_data_handle(middle, &bits));
    memset(bits, 0xff, brick_memory_desc_get_size(blocked));
    brick_primitive_desc_t there = NULL, back = NULL;
    OK(brick_reorder_primitive_desc_create(&there, plain, engine, blocked, engine, NULL));
    OK(brick_reorder_primitive_desc_create(&back, blocked, engine, last, engine, NULL));
    brick_exec_arg_t in[2] = {argument(BRICK_ARG_FROM, plain, a), {BRICK_ARG_TO, middle}};
    run_once(there, 2, in);
    const uint16_t *halves = (const uint16_t *)bits;
    for (int n = 0; n < N; n++)
        for (int p = 0; p < H * W; p++)
            for (int c = C; c < 32; c++)
                EXPECT(halves[((n * 2 + c / 16) * H * W + p) * 16 + c % 16] == 0);
    brick_exec_arg_t out[2] = {{BRICK_ARG_FROM, middle}, argument(BRICK_ARG_TO, last, result)};
    run_once(back, 2, out);
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int p = 0; p < H * W; p++)
                EXPECT(result[(n * H * W + p) * C + c] == a[(n * C + c) * H * W + p]);
    OK(brick_memory_destroy(in[0].memory));
    OK(brick_memory_destroy(out[1].memory));
    OK(brick_memory_destroy(middle));
    OK(brick_primitive_desc_destroy(there));
    OK(brick_primitive_desc_destroy(back));
    DESTROY(plain, blocked, last);
}

static void reorder_with_scale(void)
{
    static int8_t bytes[COUNT];
    float scale = 0.5f;
    brick_memory_desc_t from = vector(COUNT, brick_f32), to = vector(COUNT, brick_s8), one = vector(1, brick_f32);
    brick_primitive_attr_t attr = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_DST, 0));
    brick_primitive_desc_t pd = NULL;
    OK(brick_reorder_primitive_desc_create(&pd, from, engine, to, engine, attr));
    OK(brick_primitive_attr_destroy(attr));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_FROM, from, a), argument(BRICK_ARG_TO, to, bytes),
                                argument(BRICK_ARG_ATTR_SCALES | BRICK_ARG_TO, one, &scale)};
    consume(pd, 3, args);
    for (int i = 0; i < COUNT; i++)
        EXPECT(bytes[i] == (int8_t)(2 * a[i]));
    DESTROY(from, to, one);
}

static void eltwise(void)
{
    brick_memory_desc_t md = vector(COUNT, brick_f32);
    brick_primitive_desc_t forward = NULL, backward = NULL;
    OK(brick_eltwise_forward_primitive_desc_create(&forward, engine, brick_forward_training, brick_eltwise_relu, md, md,
                                                   0.5f, 0, NULL));
    OK(brick_eltwise_backward_primitive_desc_create(&backward, engine, brick_eltwise_relu, md, md, md, 0.5f, 0, forward,
                                                    NULL));
    // In place, by two memory objects over one buffer.
    memcpy(result, a, sizeof a);
    brick_exec_arg_t args[2] = {argument(BRICK_ARG_SRC, md, result), argument(BRICK_ARG_DST, md, result)};
    consume(forward, 2, args);
    for (int i = 0; i < COUNT; i++)
        EXPECT(result[i] == (a[i] > 0 ? a[i] : 0.5f * a[i]));
    brick_exec_arg_t back[3] = {argument(BRICK_ARG_SRC, md, a), argument(BRICK_ARG_DIFF_DST, md, b),
                                argument(BRICK_ARG_DIFF_SRC, md, result)};
    consume(backward, 3, back);
    for (int i = 0; i < COUNT; i++)
        EXPECT(result[i] == (a[i] > 0 ? b[i] : 0.5f * b[i]));
    OK(brick_memory_desc_destroy(md));
}

// a (nchw) op b (one value a channel).
static void binary(brick_alg_kind_t alg)
{
    int64_t dims[] = {N, C, H, W}, channel[] = {1, C, 1, 1};
    brick_memory_desc_t md = tagged(4, dims, brick_f32, brick_nchw),
                        channel_md = tagged(4, channel, brick_f32, brick_nchw);
    brick_primitive_desc_t pd = NULL;
    OK(brick_binary_primitive_desc_create(&pd, engine, alg, md, channel_md, md, NULL));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC_0, md, a), argument(BRICK_ARG_SRC_1, channel_md, b),
                                argument(BRICK_ARG_DST, md, result)};
    consume(pd, 3, args);
    for (int i = 0; i < COUNT; i++) {
        float x = a[i], y = b[i / (H * W) % C];
        float want = alg == brick_binary_add   ? x + y
                     : alg == brick_binary_mul ? x * y
                     : alg == brick_binary_max ? (x > y ? x : y)
                                               : (float)(x >= y);
        EXPECT(result[i] == want);
    }
    DESTROY(md, channel_md);
}

static void sum(void)
{
    brick_memory_desc_t md = vector(COUNT, brick_f32);
    const_brick_memory_desc_t sources[] = {md, md};
    float scales[] = {2.0f, -0.5f};
    brick_primitive_desc_t pd = NULL;
    OK(brick_sum_primitive_desc_create(&pd, engine, NULL, 2, scales, sources, NULL));
    const_brick_memory_desc_t dst = brick_primitive_desc_query_md(pd, brick_query_dst_md, 0);
    EXPECT(brick_memory_desc_equal(dst, md));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_MULTIPLE_SRC, md, a), argument(BRICK_ARG_MULTIPLE_SRC + 1, md, b),
                                argument(BRICK_ARG_DST, md, result)};
    consume(pd, 3, args);
    for (int i = 0; i < COUNT; i++)
        EXPECT(result[i] == 2 * a[i] - 0.5f * b[i]);
    OK(brick_memory_desc_destroy(md));
}

int main(void)
{
    setup();
    fill(a, COUNT, 1);
    fill(b, COUNT, 2);
    reorder();
    reorder_with_scale();
    eltwise();
    binary(brick_binary_add);
    binary(brick_binary_mul);
    binary(brick_binary_max);
    binary(brick_binary_ge);
    sum();
    teardown();
    return finish();
}
