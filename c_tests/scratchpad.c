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
    OK(brick_memory_desc_destroy(src_md));
    OK(brick_memory_desc_destroy(weights_md));
    OK(brick_memory_desc_destroy(dst_md));
}

int main(void)
{
    setup();
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
