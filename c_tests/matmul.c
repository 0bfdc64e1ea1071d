// Matmul: batches with broadcast, transposed operands, bias, post-ops with operands, 8 bits with scales.
#include "check.h"

enum { B = 3, M = 5, K = 17, N = 21 };

static float src[B * M * K], weights[B * K * N], bias[N], other[M * N], dst[B * M * N];

static void batched(int transposed, int broadcast)
{
    int64_t src_dims[] = {B, M, K}, weights_dims[] = {broadcast ? 1 : B, K, N}, dst_dims[] = {B, M, N},
            bias_dims[] = {1, 1, N};
    brick_memory_desc_t src_md = tagged(3, src_dims, brick_f32, transposed ? brick_acb : brick_abc),
                        weights_md = tagged(3, weights_dims, brick_f32, transposed ? brick_acb : brick_abc),
                        bias_md = tagged(3, bias_dims, brick_f32, brick_abc),
                        dst_md = tagged(3, dst_dims, brick_f32, brick_abc);
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, bias_md, dst_md, NULL));
    brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_BIAS, bias_md, bias), argument(BRICK_ARG_DST, dst_md, dst)};
    consume(pd, 4, args);
    for (int b = 0; b < B; b++) {
        const float *left = src + b * M * K, *right = weights + (broadcast ? 0 : b * K * N);
        for (int m = 0; m < M; m++) {
            for (int n = 0; n < N; n++) {
                float sum = bias[n];
                for (int k = 0; k < K; k++)
                    sum += transposed ? left[k * M + m] * right[n * K + k] : left[m * K + k] * right[k * N + n];
                EXPECT(dst[(b * M + m) * N + n] == sum);
            }
        }
    }
    DESTROY(src_md, weights_md, bias_md, dst_md);
}

// dst = max(2 * old + product, row operand), with the operands of post-ops as arguments.
static void post_ops(void)
{
    brick_memory_desc_t src_md = matrix(M, K, brick_f32), weights_md = matrix(K, N, brick_f32),
                        dst_md = matrix(M, N, brick_f32), row_md = matrix(1, N, brick_f32);
    brick_post_ops_t ops = NULL;
    brick_primitive_attr_t attr = NULL;
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_sum(ops, 2.0f, 0, brick_data_type_undef));
    OK(brick_post_ops_append_binary(ops, brick_binary_max, row_md));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    OK(brick_post_ops_destroy(ops));
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, attr));
    OK(brick_primitive_attr_destroy(attr));
    brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_md, src), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DST, dst_md, dst),
                                argument(BRICK_ARG_ATTR_MULTIPLE_POST_OP(1) | BRICK_ARG_SRC_1, row_md, bias)};
    memcpy(dst, other, sizeof other);
    consume(pd, 4, args);
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
            float sum = 2 * other[m * N + n];
            for (int k = 0; k < K; k++)
                sum += src[m * K + k] * weights[k * N + n];
            EXPECT(dst[m * N + n] == (sum > bias[n] ? sum : bias[n]));
        }
    }
    DESTROY(src_md, weights_md, dst_md, row_md);
}

static void quantised(void)
{
    static uint8_t a[M * K];
    static int8_t b[K * N], c[M * N];
    float scales[3] = {0.5f, 0.25f, 4.0f};
    int32_t zero_point = 7;
    for (int i = 0; i < M * K; i++)
        a[i] = (uint8_t)(i * 29 % 256);
    for (int i = 0; i < K * N; i++)
        b[i] = (int8_t)(i * 53 % 256 - 128);
    brick_memory_desc_t src_md = matrix(M, K, brick_u8), weights_md = matrix(K, N, brick_s8),
                        dst_md = matrix(M, N, brick_s8), one = vector(1, brick_f32), int_one = vector(1, brick_s32);
    brick_primitive_attr_t attr = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC, 0));
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_WEIGHTS, 0));
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_DST, 0));
    OK(brick_primitive_attr_set_zero_points_mask(attr, BRICK_ARG_SRC, 0));
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src_md, weights_md, NULL, dst_md, attr));
    OK(brick_primitive_attr_destroy(attr));
    brick_exec_arg_t args[7] = {argument(BRICK_ARG_SRC, src_md, a),
                                argument(BRICK_ARG_WEIGHTS, weights_md, b),
                                argument(BRICK_ARG_DST, dst_md, c),
                                argument(BRICK_ARG_ATTR_SCALES | BRICK_ARG_SRC, one, &scales[0]),
                                argument(BRICK_ARG_ATTR_SCALES | BRICK_ARG_WEIGHTS, one, &scales[1]),
                                argument(BRICK_ARG_ATTR_SCALES | BRICK_ARG_DST, one, &scales[2]),
                                argument(BRICK_ARG_ATTR_ZERO_POINTS | BRICK_ARG_SRC, int_one, &zero_point)};
    consume(pd, 7, args);
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
            int sum = 0;
            for (int k = 0; k < K; k++)
                sum += (a[m * K + k] - zero_point) * b[k * N + n];
            // A 32nd of the sum, rounded to nearest even by adding and taking away 1.5 * 2^23.
            volatile float shifted = (float)sum / 32 + 12582912.0f;
            float want = shifted - 12582912.0f;
            want = want > 127 ? 127 : want < -128 ? -128 : want;
            EXPECT(c[m * N + n] == (int8_t)want);
        }
    }
    DESTROY(src_md, weights_md, dst_md, one, int_one);
}

int main(void)
{
    setup();
    fill(src, B * M * K, 1);
    fill(weights, B * K * N, 2);
    fill(bias, N, 3);
    fill(other, M * N, 4);
    for (int i = 0; i < 4; i++)
        batched(i & 1, i >> 1);
    post_ops();
    quantised();
    teardown();
    return finish();
}
