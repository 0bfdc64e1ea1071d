// The caller's own pools: parts in reverse order on one thread, and each part on a thread of its own.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"

enum { M = 150, K = 90, N = 130, MAX_PARTS = 64 };

static float src[M * K], weights[K * N], dst[M * N], want[M * N];
static int regions;

static int four(void *context)
{
    EXPECT(context == &regions);
    return 4;
}

static void backwards(void *context, int n, brick_part_fn_t part, void *arg)
{
    ++*(int *)context;
    while (n-- > 0)
        part(arg, n);
}

struct job {
    brick_part_fn_t part;
    void *arg;
    int number;
};

static void *run_job(void *context)
{
    struct job *job = (struct job *)context;
    job->part(job->arg, job->number);
    return NULL;
}

static void one_thread_each(void *context, int n, brick_part_fn_t part, void *arg)
{
    pthread_t threads[MAX_PARTS];
    struct job jobs[MAX_PARTS];
    ++*(int *)context;
    EXPECT(n <= MAX_PARTS);
    for (int i = 0; i < n; i++) {
        jobs[i].part = part;
        jobs[i].arg = arg;
        jobs[i].number = i;
        EXPECT(!pthread_create(&threads[i], NULL, run_job, &jobs[i]));
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

// A pool that says nothing sensible about itself runs everything all the same.
static int none(void *context)
{
    (void)context;
    return 0;
}

static int hundred(void *context)
{
    (void)context;
    return 100;
}

static void inline_run(void *context, int n, brick_part_fn_t part, void *arg)
{
    (void)context;
    for (int i = 0; i < n; i++)
        part(arg, i);
    // Parts that do not exist are ignored.
    part(arg, n);
    part(arg, -1);
}

static void multiply(brick_stream_t on, const_brick_primitive_t primitive, brick_exec_arg_t *args)
{
    memset(dst, 0xff, sizeof dst);
    OK(brick_primitive_execute(primitive, on, 3, args));
    OK(brick_stream_wait(on));
    EXPECT(!memcmp(dst, want, sizeof dst));
}

// Gradients of a layer take several phases, which no pool is asked to run at once.
static void gradients(const brick_pool_t *pool)
{
    static float diff_weights[2][N * K], diff_bias[2][N];
    brick_memory_desc_t src_md = matrix(M, K, brick_f32), weights_md = matrix(N, K, brick_f32),
                        bias_md = vector(N, brick_f32), dst_md = matrix(M, N, brick_f32);
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    brick_stream_t own = NULL;
    OK(brick_stream_create_with_pool(&own, engine, pool));
    OK(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, src_md, weights_md, bias_md, dst_md, NULL,
                                                                  NULL));
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_desc_destroy(pd));
    for (int i = 0; i < 2; i++) {
        brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_DIFF_DST, dst_md, want),
                                    argument(BRICK_ARG_DIFF_WEIGHTS, weights_md, diff_weights[i]),
                                    argument(BRICK_ARG_DIFF_BIAS, bias_md, diff_bias[i])};
        OK(brick_primitive_execute(primitive, i ? own : stream, 4, args));
        destroy_arguments(4, args);
    }
    EXPECT(!memcmp(diff_weights[0], diff_weights[1], sizeof diff_weights[0]));
    EXPECT(!memcmp(diff_bias[0], diff_bias[1], sizeof diff_bias[0]));
    float sum = 0;
    for (int i = 0; i < M; i++)
        sum += want[i * N + 3];
    EXPECT(diff_bias[0][3] == sum);
    OK(brick_stream_destroy(own));
    OK(brick_primitive_destroy(primitive));
    DESTROY(src_md, weights_md, bias_md, dst_md);
}

int main(void)
{
    setup();
    fill(src, M * K, 1);
    fill(weights, K * N, 2);
    for (int i = 0; i < M; i++)
        for (int k = 0; k < K; k++)
            for (int j = 0; j < N; j++)
                want[i * N + j] += src[i * K + k] * weights[k * N + j];

    brick_memory_desc_t src_md = matrix(M, K, brick_f32), weights_md = matrix(K, N, brick_f32),
                        dst_md = matrix(M, N, brick_f32);
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, NULL));
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_desc_destroy(pd));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DST, dst_md, dst)};
    multiply(stream, primitive, args);

    brick_pool_t pool = {&regions, four, backwards};
    brick_stream_t own = NULL;
    OK(brick_stream_create_with_pool(&own, engine, &pool));
    multiply(own, primitive, args);
    OK(brick_stream_destroy(own));
    pool.run = one_thread_each;
    OK(brick_stream_create_with_pool(&own, engine, &pool));
    multiply(own, primitive, args);
    OK(brick_stream_destroy(own));

    brick_pool_t odd[] = {{NULL, none, inline_run}, {NULL, hundred, inline_run}};
    for (int i = 0; i < 2; i++) {
        OK(brick_stream_create_with_pool(&own, engine, &odd[i]));
        multiply(own, primitive, args);
        OK(brick_stream_destroy(own));
    }
    gradients(&pool);

    own = POISON(brick_stream_t);
    INVALID(brick_stream_create_with_pool(NULL, engine, &pool));
    INVALID(brick_stream_create_with_pool(&own, engine, NULL));
    pool.run = NULL;
    INVALID(brick_stream_create_with_pool(&own, engine, &pool));
    pool.run = backwards;
    INVALID(brick_stream_create_with_pool(&own, NULL, &pool));
    pool.num_threads = NULL;
    INVALID(brick_stream_create_with_pool(&own, engine, &pool));
    UNTOUCHED(brick_stream_t, own);

    destroy_arguments(3, args);
    OK(brick_primitive_destroy(primitive));
    DESTROY(src_md, weights_md, dst_md);
    teardown();
    return finish();
}
