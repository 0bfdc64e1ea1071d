// Scales and zero points in every type they may have, as vectors, groups and host scalars; sums that read the destination
// as another type; selections. A product of bytes computes D = sA sB Σ (A - zA) (B - zB) / sD + zD, column by column.
#include "check.h"

enum { M = 5, N = 19, K = 24 };

static uint8_t a[M * K];
static int8_t b[K * N];
static const float scale_a = 0.5f, scale_d = 4.0f;
static float scale_b[N];
static const int32_t zero_a = 3, zero_d = 7;

static float value(int m, int n, int shifted)
{
    int32_t sum = 0;
    for (int k = 0; k < K; k++)
        sum += (a[m * K + k] - (shifted ? zero_a : 0)) * b[k * N + n];
    return (float)sum;
}

static int8_t saturated(float x)
{
    // Halves go to the even neighbour: the values here are multiples of a quarter and small.
    float down = (float)(int)x - (x < (float)(int)x ? 1.0f : 0.0f), rest = x - down;
    float near = rest > 0.5f || (rest == 0.5f && (int)down % 2 != 0) ? down + 1 : down;
    return (int8_t)(near < -128 ? -128 : near > 127 ? 127 : near);
}

// Writes `count` values as a type; the bits of bf16 and f16 are those of powers of two and small integers.
static void store(void *to, const float *values, int count, brick_data_type_t type)
{
    int64_t dims[] = {count};
    brick_memory_desc_t from_md = tagged(1, dims, brick_f32, brick_a), to_md = tagged(1, dims, type, brick_a);
    brick_primitive_desc_t pd = NULL;
    float copy[N];
    memcpy(copy, values, sizeof(float) * (size_t)count);
    brick_exec_arg_t args[2] = {argument(BRICK_ARG_FROM, from_md, copy), argument(BRICK_ARG_TO, to_md, to)};
    OK(brick_reorder_primitive_desc_create(&pd, from_md, engine, to_md, engine, NULL));
    consume(pd, 2, args);
    DESTROY(from_md, to_md);
}

// One value, in a memory object of its own.
static brick_memory_t alone(brick_data_type_t type, float x)
{
    brick_memory_desc_t md = NULL;
    brick_memory_t memory = NULL;
    union {
        float f;
        int32_t s32;
        uint8_t bytes[4];
    } scalar;
    store(&scalar, &x, 1, type);
    OK(brick_memory_desc_create_host_scalar(&md, type));
    OK(brick_memory_create_host_scalar(&memory, md, &scalar));
    DESTROY(md);
    return memory;
}

static void products(brick_data_type_t scales, brick_data_type_t zeros, int on_host, int grouped)
{
    brick_memory_desc_t a_md = matrix(M, K, brick_u8), b_md = matrix(K, N, brick_s8), d_md = matrix(M, N, brick_s8);
    brick_memory_desc_t one = vector(1, scales), columns = vector(N, scales), shift = vector(1, zeros);
    brick_primitive_attr_t attr = NULL;
    brick_primitive_desc_t pd = NULL;
    const brick_dims_t groups = {K, 1}; // of B: all of K share a scale, no two columns do
    int8_t d[M * N];
    uint8_t of_a[4], of_b[N * 4], of_d[4], za[4], zd[4];
    const float zero_points[] = {(float)zero_a, (float)zero_d};
    store(of_a, &scale_a, 1, scales);
    store(of_b, scale_b, N, scales);
    store(of_d, &scale_d, 1, scales);
    store(za, &zero_points[0], 1, zeros);
    store(zd, &zero_points[1], 1, zeros);
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scales_v2(attr, BRICK_ARG_SRC, 0, 0, NULL, scales, on_host));
    OK(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, grouped ? 3 : 2, grouped ? 2 : 0, groups, scales));
    OK(brick_primitive_attr_set_scales_v2(attr, BRICK_ARG_DST, 0, 0, NULL, scales, on_host));
    OK(brick_primitive_attr_set_zero_points_v2(attr, BRICK_ARG_SRC, 0, 0, NULL, zeros, on_host));
    OK(brick_primitive_attr_set_zero_points_v2(attr, BRICK_ARG_DST, 0, 0, NULL, zeros, on_host));
    OK(brick_matmul_primitive_desc_create(&pd, engine, a_md, b_md, NULL, d_md, attr));
    brick_exec_arg_t args[8] = {
        argument(BRICK_ARG_SRC, a_md, a), argument(BRICK_ARG_WEIGHTS, b_md, b), argument(BRICK_ARG_DST, d_md, d),
        argument(BRICK_ARG_ATTR_SCALES | BRICK_ARG_WEIGHTS, columns, of_b),
        {BRICK_ARG_ATTR_SCALES | BRICK_ARG_SRC, on_host ? alone(scales, scale_a) : memory_of(one, of_a)},
        {BRICK_ARG_ATTR_SCALES | BRICK_ARG_DST, on_host ? alone(scales, scale_d) : memory_of(one, of_d)},
        {BRICK_ARG_ATTR_ZERO_POINTS | BRICK_ARG_SRC, on_host ? alone(zeros, zero_points[0]) : memory_of(shift, za)},
        {BRICK_ARG_ATTR_ZERO_POINTS | BRICK_ARG_DST, on_host ? alone(zeros, zero_points[1]) : memory_of(shift, zd)},
    };
    consume(pd, 8, args);
    for (int i = 0; i < M * N; i++) {
        float want = value(i / N, i % N, 1) * scale_a * scale_b[i % N] / scale_d + (float)zero_d;
        char found[128];
        snprintf(found, sizeof found, "element %d is %d, expected %d: scales %d, zero points %d, on host %d, groups %d", i,
                 d[i], saturated(want), (int)scales, (int)zeros, on_host, grouped);
        check_that(d[i] == saturated(want), __FILE__, __LINE__, "a product of bytes", found);
    }
    OK(brick_primitive_attr_destroy(attr));
    DESTROY(a_md, b_md, d_md, one, columns, shift);
}

// D = Σ AB + 2 (old D - 5), the old D being read as bytes of its own type or of the other one.
static void sums(brick_data_type_t dst, brick_data_type_t asked)
{
    brick_data_type_t read_as = asked == brick_data_type_undef ? dst : asked;
    brick_memory_desc_t a_md = matrix(M, K, brick_u8), b_md = matrix(K, N, brick_s8), d_md = matrix(M, N, dst);
    brick_post_ops_t ops = NULL;
    brick_primitive_attr_t attr = NULL;
    brick_primitive_desc_t pd = NULL;
    uint8_t d[M * N], old[M * N];
    for (int i = 0; i < M * N; i++)
        d[i] = old[i] = (uint8_t)(i * 37);
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_sum(ops, 2.0f, 5, asked));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    OK(brick_matmul_primitive_desc_create(&pd, engine, a_md, b_md, NULL, d_md, attr));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, a_md, a), argument(BRICK_ARG_WEIGHTS, b_md, b),
                                argument(BRICK_ARG_DST, d_md, d)};
    consume(pd, 3, args);
    for (int i = 0; i < M * N; i++) {
        float before = read_as == brick_s8 ? (float)(int8_t)old[i] : (float)old[i];
        float want = value(i / N, i % N, 0) + 2 * (before - 5);
        int least = dst == brick_s8 ? -128 : 0, most = dst == brick_s8 ? 127 : 255;
        int stored = dst == brick_s8 ? (int8_t)d[i] : d[i];
        EXPECT(stored == (int)(want < (float)least ? (float)least : want > (float)most ? (float)most : want));
    }
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_post_ops_destroy(ops));
    DESTROY(a_md, b_md, d_md);
}

// Where the condition of a column is 0, the result is the other operand's.
static void selections(void)
{
    brick_memory_desc_t a_md = matrix(M, K, brick_u8), b_md = matrix(K, N, brick_s8), d_md = matrix(M, N, brick_f32);
    brick_memory_desc_t other_md = matrix(M, 1, brick_f32), condition_md = matrix(1, N, brick_s8);
    brick_post_ops_t ops = NULL;
    brick_primitive_attr_t attr = NULL;
    brick_primitive_desc_t pd = NULL;
    float d[M * N], other[M];
    int8_t condition[N];
    fill(other, M, 3);
    for (int n = 0; n < N; n++)
        condition[n] = n % 3 == 0 ? 0 : (int8_t)(n % 2 ? 1 : -5);
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_binary_v2(ops, brick_binary_select, other_md, condition_md));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    OK(brick_matmul_primitive_desc_create(&pd, engine, a_md, b_md, NULL, d_md, attr));
    brick_exec_arg_t args[5] = {argument(BRICK_ARG_SRC, a_md, a), argument(BRICK_ARG_WEIGHTS, b_md, b),
                                argument(BRICK_ARG_DST, d_md, d),
                                argument(BRICK_ARG_ATTR_MULTIPLE_POST_OP(0) | BRICK_ARG_SRC_1, other_md, other),
                                argument(BRICK_ARG_ATTR_MULTIPLE_POST_OP(0) | BRICK_ARG_SRC_2, condition_md, condition)};
    consume(pd, 5, args);
    for (int i = 0; i < M * N; i++)
        EXPECT(d[i] == (condition[i % N] ? value(i / N, i % N, 0) : other[i / N]));
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_post_ops_destroy(ops));
    DESTROY(a_md, b_md, d_md, other_md, condition_md);
}

int main(void)
{
    const brick_data_type_t floats[] = {brick_f32, brick_bf16, brick_f16}, integers[] = {brick_s32, brick_s8, brick_u8};
    float values[M * K > K * N ? M * K : K * N];
    setup();
    fill(values, M * K, 1);
    for (int i = 0; i < M * K; i++)
        a[i] = (uint8_t)(values[i] + 4);
    fill(values, K * N, 2);
    for (int i = 0; i < K * N; i++)
        b[i] = (int8_t)values[i];
    for (int n = 0; n < N; n++)
        scale_b[n] = n % 3 == 0 ? 0.5f : n % 3 == 1 ? 1.0f : 2.0f;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            for (int on_host = 0; on_host < 2; on_host++)
                for (int grouped = 0; grouped < 2; grouped++)
                    products(floats[i], integers[j], on_host, grouped);
    sums(brick_s8, brick_data_type_undef);
    sums(brick_s8, brick_u8);
    sums(brick_u8, brick_s8);
    selections();
    teardown();
    return finish();
}
