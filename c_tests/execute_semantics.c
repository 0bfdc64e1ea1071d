// Execution: which argument lists are taken and which are refused; reuse; empty tensors; runtime dims.
#include "check.h"

enum { M = 5, K = 7, N = 9 };

static float src[M * K], weights[K * N], dst[M * N], want[M * N];

static void reference(int m)
{
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int k = 0; k < K; k++)
                sum += src[i * K + k] * weights[k * N + j];
            want[i * N + j] = sum;
        }
    }
}

static void scalar_to_scalar(brick_memory_t scalar)
{
    float copy = 0;
    brick_memory_desc_t md = vector(1, brick_f32);
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    OK(brick_reorder_primitive_desc_create(&pd, md, engine, md, engine, NULL));
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_desc_destroy(pd));
    brick_exec_arg_t args[2] = {{BRICK_ARG_FROM, scalar}, argument(BRICK_ARG_TO, md, &copy)};
    OK(brick_primitive_execute(primitive, stream, 2, args));
    EXPECT(copy == 1);
    copy = 2;
    brick_exec_arg_t back[2] = {{BRICK_ARG_FROM, args[1].memory}, {BRICK_ARG_TO, scalar}};
    INVALID(brick_primitive_execute(primitive, stream, 2, back));
    OK(brick_memory_get_host_scalar_value(scalar, &copy));
    EXPECT(copy == 1);

    // Nobody converts the value of another type.
    int32_t one = 1;
    brick_memory_desc_t int_md = NULL;
    brick_memory_t integer = NULL;
    OK(brick_memory_desc_create_host_scalar(&int_md, brick_s32));
    OK(brick_memory_create_host_scalar(&integer, int_md, &one));
    copy = 2;
    brick_exec_arg_t wrong[2] = {{BRICK_ARG_FROM, integer}, args[1]};
    INVALID(brick_primitive_execute(primitive, stream, 2, wrong));
    EXPECT(copy == 2 && strstr(brick_last_error(), "src (argument 1): s32") != NULL);
    OK(brick_memory_destroy(integer));
    OK(brick_memory_desc_destroy(int_md));
    OK(brick_memory_destroy(args[1].memory));
    OK(brick_primitive_destroy(primitive));
    OK(brick_memory_desc_destroy(md));
}

static void argument_lists(void)
{
    brick_memory_desc_t src_md = matrix(M, K, brick_f32), weights_md = matrix(K, N, brick_f32),
                        dst_md = matrix(M, N, brick_f32), small_md = matrix(M, N - 1, brick_f32),
                        other_md = matrix(K, M, brick_f32);
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, NULL));
    OK(brick_primitive_create(&primitive, pd));
    brick_exec_arg_t args[5] = {argument(BRICK_ARG_DST, dst_md, dst), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_SRC, src_md, src)};
    // In any order; absent memories and unknown arguments do not count.
    OK(brick_primitive_execute(primitive, stream, 3, args));
    expect_floats(dst, want, M * N, "in any order");
    args[3].arg = BRICK_ARG_BIAS;
    args[3].memory = NULL;
    OK(brick_primitive_execute(primitive, stream, 4, args));
    args[3].arg = args[4].arg = BRICK_ARG_WORKSPACE;
    args[3].memory = args[4].memory = args[0].memory;
    OK(brick_primitive_execute(primitive, stream, 4, args));
    INVALID(brick_primitive_execute(primitive, stream, 5, args));
    args[3].arg = BRICK_ARG_BIAS;
    args[3].memory = NULL;

    // A memory whose descriptor merely differs is taken: frameworks reuse handles.
    brick_exec_arg_t reshaped[3] = {args[0], args[1], argument(BRICK_ARG_SRC, other_md, src)};
    memset(dst, 0, sizeof dst);
    OK(brick_primitive_execute(primitive, stream, 3, reshaped));
    expect_floats(dst, want, M * N, "another shape of the same size");

    memset(dst, 0x5a, sizeof dst);
    float untouched = dst[0];
    INVALID(brick_primitive_execute(primitive, stream, 2, args));
    args[3] = args[2];
    INVALID(brick_primitive_execute(primitive, stream, 4, args));
    INVALID(brick_primitive_execute(primitive, stream, 3, NULL));
    INVALID(brick_primitive_execute(primitive, stream, -1, args));
    INVALID(brick_primitive_execute(primitive, NULL, 3, args));
    INVALID(brick_primitive_execute(NULL, stream, 3, args));

    brick_exec_arg_t small[3] = {argument(BRICK_ARG_DST, small_md, dst), args[1], args[2]};
    INVALID(brick_primitive_execute(primitive, stream, 3, small));
    brick_exec_arg_t empty[3] = {argument(BRICK_ARG_DST, dst_md, BRICK_MEMORY_NONE), args[1], args[2]};
    INVALID(brick_primitive_execute(primitive, stream, 3, empty));

    // A host scalar belongs to every engine and is read; it is no place to write to.
    brick_memory_desc_t scalar_md = NULL;
    brick_memory_t scalar = NULL;
    float one = 1;
    OK(brick_memory_desc_create_host_scalar(&scalar_md, brick_f32));
    OK(brick_memory_create_host_scalar(&scalar, scalar_md, &one));
    scalar_to_scalar(scalar);
    OK(brick_memory_destroy(scalar));
    OK(brick_memory_desc_destroy(scalar_md));

    // Engines are told apart by handle.
    brick_engine_t engine2 = NULL;
    brick_stream_t stream2 = NULL;
    brick_memory_t foreign = NULL;
    OK(brick_engine_create(&engine2, brick_cpu, 0));
    OK(brick_stream_create(&stream2, engine2, brick_stream_default_flags));
    OK(brick_memory_create(&foreign, src_md, engine2, src));
    INVALID(brick_primitive_execute(primitive, stream2, 3, args));
    brick_exec_arg_t mixed[3] = {args[0], args[1], {BRICK_ARG_SRC, foreign}};
    INVALID(brick_primitive_execute(primitive, stream, 3, mixed));
    EXPECT(!memcmp(&dst[0], &untouched, sizeof untouched));

    OK(brick_memory_destroy(foreign));
    OK(brick_stream_destroy(stream2));
    OK(brick_engine_destroy(engine2));
    OK(brick_memory_destroy(small[0].memory));
    OK(brick_memory_destroy(empty[0].memory));
    OK(brick_memory_destroy(reshaped[2].memory));
    destroy_arguments(3, args);
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_desc_destroy(pd));
    DESTROY(src_md, weights_md, dst_md, small_md, other_md);
}

static void empty_tensors(void)
{
    // No rows: success, nothing done. No reduction: zeros.
    brick_memory_desc_t src_md = matrix(0, K, brick_f32), weights_md = matrix(K, N, brick_f32),
                        dst_md = matrix(0, N, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, NULL));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, src_md, NULL), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DST, dst_md, NULL)};
    consume(pd, 3, args);
    DESTROY(src_md, weights_md, dst_md);

    src_md = matrix(M, 0, brick_f32), weights_md = matrix(0, N, brick_f32), dst_md = matrix(M, N, brick_f32);
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, NULL));
    memset(dst, 0x5a, sizeof dst);
    brick_exec_arg_t none[3] = {argument(BRICK_ARG_SRC, src_md, NULL), argument(BRICK_ARG_WEIGHTS, weights_md, NULL),
                                argument(BRICK_ARG_DST, dst_md, dst)};
    consume(pd, 3, none);
    for (int i = 0; i < M * N; i++)
        EXPECT(dst[i] == 0);
    DESTROY(src_md, weights_md, dst_md);
}

static void runtime_dims(void)
{
    brick_memory_desc_t src_md = matrix(BRICK_RUNTIME_DIM_VAL, K, brick_f32), weights_md = matrix(K, N, brick_f32),
                        dst_md = matrix(BRICK_RUNTIME_DIM_VAL, N, brick_f32);
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, NULL));
    OK(brick_primitive_create(&primitive, pd));
    for (int m = 1; m <= M; m++) {
        brick_memory_desc_t src_m = matrix(m, K, brick_f32), dst_m = matrix(m, N, brick_f32);
        brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, src_m, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                    argument(BRICK_ARG_DST, dst_m, dst)};
        memset(dst, 0, sizeof dst);
        OK(brick_primitive_execute(primitive, stream, 3, args));
        reference(m);
        expect_floats(dst, want, m * N, "runtime rows");
        destroy_arguments(3, args);
        DESTROY(src_m, dst_m);
    }
    // Rows that do not agree.
    brick_memory_desc_t src_m = matrix(M, K, brick_f32), dst_m = matrix(M - 1, N, brick_f32);
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, src_m, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DST, dst_m, dst)};
    INVALID(brick_primitive_execute(primitive, stream, 3, args));
    destroy_arguments(3, args);
    DESTROY(src_m, dst_m);
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_desc_destroy(pd));
    DESTROY(src_md, weights_md, dst_md);
}

// Columns, and with them the scales, are known at execution; these come as a vector or as a matrix of one row.
static void runtime_scales(void)
{
    float scales[N], scaled[M * N];
    for (int i = 0; i < N; i++)
        scales[i] = i % 3 ? 2.0f : 0.5f;
    reference(M);
    for (int i = 0; i < M * N; i++)
        scaled[i] = want[i] * scales[i % N];
    brick_memory_desc_t src_md = matrix(M, K, brick_f32), open_md = matrix(K, BRICK_RUNTIME_DIM_VAL, brick_f32),
                        open_dst = matrix(M, BRICK_RUNTIME_DIM_VAL, brick_f32);
    brick_memory_desc_t weights_md = matrix(K, N, brick_f32), dst_md = matrix(M, N, brick_f32),
                        scale_mds[2] = {vector(N, brick_f32), matrix(1, N, brick_f32)};
    brick_primitive_attr_t attr = NULL;
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_WEIGHTS, 2));
    // Its size is not known yet, so the library provides scratch memory even then.
    OK(brick_primitive_attr_set_scratchpad_mode(attr, brick_scratchpad_mode_user));
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, open_md, NULL, open_dst, attr));
    OK(brick_primitive_create(&primitive, pd));
    for (int i = 0; i < 2; i++) {
        brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                    argument(BRICK_ARG_DST, dst_md, dst),
                                    argument(BRICK_ARG_ATTR_SCALES | BRICK_ARG_WEIGHTS, scale_mds[i], scales)};
        memset(dst, 0, sizeof dst);
        OK(brick_primitive_execute(primitive, stream, 4, args));
        expect_floats(dst, scaled, M * N, "runtime scales");
        destroy_arguments(4, args);
        DESTROY(scale_mds[i]);
    }
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_desc_destroy(pd));
    // Only one side says K.
    brick_memory_desc_t wrong_md = matrix(BRICK_RUNTIME_DIM_VAL, N, brick_f32);
    INVALID(brick_matmul_primitive_desc_create(&pd, engine, src_md, wrong_md, NULL, dst_md, NULL));
    SAYS("sizes left open until execution are taken as 192");
    // What is wrong whatever they are is not said of a sample.
    brick_memory_desc_t long_md = matrix(1920, N, brick_f32), short_md = matrix(BRICK_RUNTIME_DIM_VAL, 21, brick_f32);
    INVALID(brick_matmul_primitive_desc_create(&pd, engine, short_md, long_md, NULL, dst_md, NULL));
    EXPECT(strstr(brick_last_error(), "1920") && !strstr(brick_last_error(), "left open until execution"));
    OK(brick_primitive_attr_destroy(attr));
    DESTROY(src_md, open_md, open_dst, weights_md, dst_md, wrong_md, long_md, short_md);
}

int main(void)
{
    setup();
    fill(src, M * K, 1);
    fill(weights, K * N, 2);
    reference(M);
    argument_lists();
    empty_tensors();
    runtime_dims();
    runtime_scales();
    teardown();
    return finish();
}
