// Getting started: dst = act(src * weights + bias), first in f32, then in 8 bits with scales.
//
// Every primitive takes the same five steps: describe the tensors, create a primitive descriptor, create the primitive,
// wrap the data in memory objects, execute. Descriptors may be destroyed once the primitive exists.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>

#include "example.h"

enum { M = 33, K = 100, N = 50 };

static brick_engine_t engine;
static brick_stream_t stream;

static brick_memory_desc_t describe(int64_t rows, int64_t columns, brick_data_type_t type)
{
    brick_dims_t dims = {rows, columns};
    brick_memory_desc_t md;
    CHECK(brick_memory_desc_create_with_tag(&md, 2, dims, type, brick_ab)); // row-major
    return md;
}

// A memory object around the caller's data, which stays the caller's. The descriptor is consumed.
static brick_memory_t wrap(brick_memory_desc_t md, void *data)
{
    brick_memory_t memory;
    CHECK(brick_memory_create(&memory, md, engine, data));
    CHECK(brick_memory_desc_destroy(md));
    return memory;
}

static brick_memory_t wrap_vector(int64_t count, brick_data_type_t type, void *data)
{
    brick_dims_t dims = {count};
    brick_memory_desc_t md;
    CHECK(brick_memory_desc_create_with_tag(&md, 1, dims, type, brick_a));
    return wrap(md, data);
}

// Makes the primitive, runs it once and destroys everything. The descriptor and the memory objects are consumed.
static void execute_once(brick_primitive_desc_t pd, int count, brick_exec_arg_t *args)
{
    brick_primitive_t primitive;
    CHECK(brick_primitive_create(&primitive, pd));
    CHECK(brick_primitive_execute(primitive, stream, count, args));
    CHECK(brick_stream_wait(stream));
    const char *implementation;
    CHECK(brick_primitive_desc_query(pd, brick_query_impl_info_str, 0, &implementation));
    printf("  done by %s\n", implementation);
    CHECK(brick_primitive_destroy(primitive));
    CHECK(brick_primitive_desc_destroy(pd));
    for (int i = 0; i < count; i++)
        CHECK(brick_memory_destroy(args[i].memory));
}

static float gelu(float x)
{
    return 0.5f * x * (1 + erff(x * 0.70710678f));
}

// f32 with a bias and GELU, both applied in registers before the one store.
static int float_matmul(void)
{
    static float src[M * K], weights[K * N], bias[N], dst[M * N];
    for (int i = 0; i < M * K; i++)
        src[i] = uniform() - 0.5f;
    for (int i = 0; i < K * N; i++)
        weights[i] = uniform() - 0.5f;
    for (int i = 0; i < N; i++)
        bias[i] = uniform();

    brick_post_ops_t post_ops;
    brick_primitive_attr_t attr;
    CHECK(brick_post_ops_create(&post_ops));
    CHECK(brick_post_ops_append_eltwise(post_ops, brick_eltwise_gelu_erf, 0, 0));
    CHECK(brick_primitive_attr_create(&attr));
    CHECK(brick_primitive_attr_set_post_ops(attr, post_ops));
    CHECK(brick_post_ops_destroy(post_ops));

    brick_memory_desc_t src_md = describe(M, K, brick_f32), weights_md = describe(K, N, brick_f32),
                        bias_md = describe(1, N, brick_f32), dst_md = describe(M, N, brick_f32);
    brick_primitive_desc_t pd;
    CHECK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, bias_md, dst_md, attr));
    CHECK(brick_primitive_attr_destroy(attr));
    brick_exec_arg_t args[] = {
        {BRICK_ARG_SRC, wrap(src_md, src)},
        {BRICK_ARG_WEIGHTS, wrap(weights_md, weights)},
        {BRICK_ARG_BIAS, wrap(bias_md, bias)},
        {BRICK_ARG_DST, wrap(dst_md, dst)},
    };
    execute_once(pd, 4, args);

    float worst = 0;
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            double sum = bias[j];
            for (int k = 0; k < K; k++)
                sum += (double)src[i * K + k] * weights[k * N + j];
            float error = fabsf(dst[i * N + j] - gelu((float)sum));
            worst = error > worst ? error : worst;
        }
    }
    printf("  f32: largest error %.1e\n", worst);
    return worst < 1e-4f;
}

// u8 x s8 -> u8. A real value is scale * (integer - zero point); one scale for src and dst, one a column for weights.
// Scales and zero points are arguments of the execution: the same primitive serves any.
static int quantised_matmul(void)
{
    static uint8_t src[M * K], dst[M * N];
    static int8_t weights[K * N];
    static float src_scale = 0.25f, dst_scale = 8.0f, weights_scales[N];
    static int32_t dst_zero_point = 5;
    for (int i = 0; i < M * K; i++)
        src[i] = (uint8_t)(uniform() * 256);
    for (int i = 0; i < K * N; i++)
        weights[i] = (int8_t)(uniform() * 256 - 128);
    for (int i = 0; i < N; i++)
        weights_scales[i] = i % 2 ? 0.125f : 0.0625f;

    brick_primitive_attr_t attr;
    CHECK(brick_primitive_attr_create(&attr));
    CHECK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC, 0));
    CHECK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_WEIGHTS, 1 << 1)); // varies along dim 1
    CHECK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_DST, 0));
    CHECK(brick_primitive_attr_set_zero_points_mask(attr, BRICK_ARG_DST, 0));

    brick_memory_desc_t src_md = describe(M, K, brick_u8), weights_md = describe(K, N, brick_s8),
                        dst_md = describe(M, N, brick_u8);
    brick_primitive_desc_t pd;
    CHECK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, attr));
    CHECK(brick_primitive_attr_destroy(attr));
    brick_exec_arg_t args[] = {
        {BRICK_ARG_SRC, wrap(src_md, src)},
        {BRICK_ARG_WEIGHTS, wrap(weights_md, weights)},
        {BRICK_ARG_DST, wrap(dst_md, dst)},
        {BRICK_ARG_ATTR_SCALES | BRICK_ARG_SRC, wrap_vector(1, brick_f32, &src_scale)},
        {BRICK_ARG_ATTR_SCALES | BRICK_ARG_WEIGHTS, wrap_vector(N, brick_f32, weights_scales)},
        {BRICK_ARG_ATTR_SCALES | BRICK_ARG_DST, wrap_vector(1, brick_f32, &dst_scale)},
        {BRICK_ARG_ATTR_ZERO_POINTS | BRICK_ARG_DST, wrap_vector(1, brick_s32, &dst_zero_point)},
    };
    execute_once(pd, 7, args);

    int wrong = 0;
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            int sum = 0;
            for (int k = 0; k < K; k++)
                sum += src[i * K + k] * weights[k * N + j];
            float real = (float)sum * src_scale * weights_scales[j];
            float stored = nearbyintf(real / dst_scale + (float)dst_zero_point);
            stored = stored < 0 ? 0 : stored > 255 ? 255 : stored;
            wrong += dst[i * N + j] != (uint8_t)stored;
        }
    }
    printf("  int8: %d of %d results wrong\n", wrong, M * N);
    return wrong == 0;
}

int main(void)
{
    CHECK(brick_engine_create(&engine, brick_cpu, 0));
    CHECK(brick_stream_create(&stream, engine, brick_stream_default_flags));
    printf("matmul %dx%d:%dx%d\n", M, K, K, N);
    int good = float_matmul() & quantised_matmul();
    CHECK(brick_stream_destroy(stream));
    CHECK(brick_engine_destroy(engine));
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
