// Scratch memory: the library's, and the caller's.
#include "check.h"

enum { M = 64, K = 65, N = 66 };

// A transposed source, which a primitive may want to pack.
static float src[M * K], weights[K * N], dst[2][M * N];

static void run(brick_scratchpad_mode_t mode, float *result)
{
    brick_memory_desc_t src_md = NULL, weights_md = matrix(K, N, brick_f32), dst_md = matrix(M, N, brick_f32);
    int64_t dims[] = {M, K};
    src_md = tagged(2, dims, brick_f32, brick_ba);
    brick_primitive_attr_t attr = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scratchpad_mode(attr, mode));
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, attr));
    OK(brick_primitive_attr_destroy(attr));
    brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DST, dst_md, result)};
    int count = 3;
    const_brick_memory_desc_t scratch = brick_primitive_desc_query_md(pd, brick_query_scratchpad_md, 0);
    if (mode == brick_scratchpad_mode_user && scratch) {
        size_t bytes = brick_memory_desc_get_size(scratch);
        args[count++] = argument(BRICK_ARG_SCRATCHPAD, scratch, bytes ? BRICK_MEMORY_ALLOCATE : NULL);
    } else {
        EXPECT(!scratch || brick_memory_desc_get_size(scratch) == 0);
    }
    consume(pd, count, args);
    DESTROY(src_md, weights_md, dst_md);
}

// The caller who wants to provide scratch memory must, and enough of it; any alignment will do.
static void bad_scratch(void)
{
    enum { SIZE = 300 };
    static float square[SIZE * SIZE], result[SIZE * SIZE];
    int64_t dims[] = {SIZE, SIZE};
    brick_memory_desc_t md = tagged(2, dims, brick_f32, brick_ba), dst_md = matrix(SIZE, SIZE, brick_f32);
    brick_primitive_attr_t attr = NULL;
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scratchpad_mode(attr, brick_scratchpad_mode_user));
    OK(brick_matmul_primitive_desc_create(&pd, engine, md, md, NULL, dst_md, attr));
    OK(brick_primitive_create(&primitive, pd));
    const_brick_memory_desc_t scratch = brick_primitive_desc_query_md(pd, brick_query_scratchpad_md, 0);
    int64_t bytes = (int64_t)brick_memory_desc_get_size(scratch);
    EXPECT(bytes > 1);
    EXPECT(brick_memory_desc_equal(scratch,
                                   brick_primitive_desc_query_md(pd, brick_query_exec_arg_md, BRICK_ARG_SCRATCHPAD)));

    brick_engine_t elsewhere = NULL;
    brick_memory_t foreign = NULL;
    OK(brick_engine_create(&elsewhere, brick_cpu, 0));
    OK(brick_memory_create(&foreign, scratch, elsewhere, BRICK_MEMORY_ALLOCATE));
    brick_memory_desc_t less = vector(bytes - 1, brick_u8);
    uint8_t *own = (uint8_t *)malloc((size_t)bytes + 1);
    brick_memory_t bad[] = {NULL, memory_of(scratch, BRICK_MEMORY_NONE), memory_of(less, own), foreign};
    brick_exec_arg_t args[5] = {argument(BRICK_ARG_SRC, md, square), argument(BRICK_ARG_WEIGHTS, md, square),
                                argument(BRICK_ARG_DST, dst_md, result), {BRICK_ARG_SCRATCHPAD, NULL},
                                {BRICK_ARG_SCRATCHPAD, NULL}};
    result[0] = 5;
    for (int i = 0; i < 4; i++) {
        args[3].memory = bad[i];
        INVALID(brick_primitive_execute(primitive, stream, 4, args));
        EXPECT(result[0] == 5);
    }
    brick_memory_t good = memory_of(scratch, own + 1);
    args[3].memory = args[4].memory = good;
    INVALID(brick_primitive_execute(primitive, stream, 5, args));
    EXPECT(result[0] == 5);
    OK(brick_primitive_execute(primitive, stream, 4, args));
    EXPECT(result[0] == 0);

    destroy_arguments(4, args);
    for (int i = 0; i < 4; i++)
        OK(brick_memory_destroy(bad[i]));
    free(own);
    OK(brick_engine_destroy(elsewhere));
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_desc_destroy(pd));
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_memory_desc_destroy(md));
    OK(brick_memory_desc_destroy(dst_md));
    OK(brick_memory_desc_destroy(less));
}

int main(void)
{
    setup();
    bad_scratch();
    fill(src, M * K, 1);
    fill(weights, K * N, 2);
    run(brick_scratchpad_mode_library, dst[0]);
    run(brick_scratchpad_mode_user, dst[1]);
    EXPECT(!memcmp(dst[0], dst[1], sizeof dst[0]));
    float sum = 0;
    for (int k = 0; k < K; k++)
        sum += src[k * M + 3] * weights[k * N + 5];
    EXPECT(dst[0][3 * N + 5] == sum);
    teardown();
    return finish();
}
