// Many threads execute one primitive, whose scratch is the library's; others create, query and destroy meanwhile.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"

enum { M = 40, K = 70, N = 90, THREADS = 8, ROUNDS = 60 };

static float src[M * K], weights[K * N], want[M * N];
static brick_memory_desc_t src_md, weights_md, dst_md;
static brick_primitive_t shared_primitive;
static int wrong[THREADS];

static void *execute(void *context)
{
    int me = *(int *)context;
    float *dst = (float *)malloc(M * N * sizeof(float));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DST, dst_md, dst)};
    for (int round = 0; round < ROUNDS; round++) {
        memset(dst, 0xff, M * N * sizeof(float));
        wrong[me] += brick_primitive_execute(shared_primitive, stream, 3, args) != brick_success;
        wrong[me] += !!memcmp(dst, want, M * N * sizeof(float));
    }
    destroy_arguments(3, args);
    free(dst);
    return NULL;
}

static void *create(void *context)
{
    int me = *(int *)context;
    for (int round = 0; round < ROUNDS; round++) {
        brick_memory_desc_t left = matrix(M, K, brick_f32), right = matrix(K, N - round % 3, brick_f32),
                            result = matrix(M, N - round % 3, brick_f32);
        brick_primitive_desc_t pd = NULL;
        brick_primitive_t primitive = NULL;
        wrong[me] += brick_matmul_primitive_desc_create(&pd, engine, left, right, NULL, result, NULL) != brick_success;
        wrong[me] += brick_primitive_create(&primitive, pd) != brick_success;
        // The sentence of a failure belongs to its thread.
        wrong[me] += brick_primitive_desc_destroy(pd) != brick_success;
        wrong[me] += brick_primitive_create(&primitive, NULL) != brick_invalid_arguments;
        wrong[me] += strlen(brick_last_error()) == 0;
        wrong[me] += brick_primitive_destroy(primitive) != brick_success;
        DESTROY(left, right, result);
    }
    return NULL;
}

int main(void)
{
    setup();
    fill(src, M * K, 1);
    fill(weights, K * N, 2);
    int64_t transposed[] = {M, K};
    src_md = tagged(2, transposed, brick_f32, brick_ba); // so that there may be something to pack
    weights_md = matrix(K, N, brick_f32);
    dst_md = matrix(M, N, brick_f32);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < K; k++)
                want[i * N + j] += src[k * M + i] * weights[k * N + j];
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, NULL));
    OK(brick_primitive_create(&shared_primitive, pd));
    OK(brick_primitive_desc_destroy(pd));

    pthread_t threads[THREADS];
    int ids[THREADS];
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        EXPECT(!pthread_create(&threads[i], NULL, i % 4 == 3 ? create : execute, &ids[i]));
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        EXPECT(wrong[i] == 0);
    OK(brick_primitive_destroy(shared_primitive));
    DESTROY(src_md, weights_md, dst_md);
    teardown();
    return finish();
}
