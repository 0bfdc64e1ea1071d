// The building block: brgemm in every type pair, packing transforms, post-ops, and refusals.
#include "check.h"

enum { M = 7, N = 32, K = 24, BATCH = 3 };

static float a32[BATCH * M * K], b32[BATCH * K * N], want[M * N], c[M * N], d[M * N];
static unsigned char a[BATCH * M * K * 4], b[BATCH * K * N * 4], packed[BATCH * K * N * 4];

static void store(unsigned char *to, const float *from, int count, brick_data_type_t type)
{
    for (int i = 0; i < count; i++) {
        uint32_t bits = 0;
        memcpy(&bits, &from[i], sizeof bits);
        uint16_t upper = (uint16_t)(bits >> 16);
        if (type == brick_f32)
            memcpy(to + 4 * i, &from[i], 4);
        else if (type == brick_bf16)
            memcpy(to + 2 * i, &upper, 2);
        else
            to[i] = (unsigned char)(signed char)from[i];
    }
}

static void pack(brick_data_type_t a_type, brick_data_type_t b_type, int size)
{
    brick_pack_type_t layout = brick_pack_type_undef;
    OK(brick_brgemm_get_B_pack_type(&layout, a_type, b_type));
    EXPECT(layout == (b_type == brick_f32 ? brick_pack_type_no_trans : brick_pack_type_pack32));
    if (layout == brick_pack_type_no_trans) {
        memcpy(packed, b, sizeof b);
        return;
    }
    brick_transform_t transform = NULL;
    OK(brick_transform_create(&transform, K, N, brick_pack_type_no_trans, N, N, b_type, b_type));
    OK(brick_transform_generate(transform));
    for (int i = 0; i < BATCH; i++)
        OK(brick_transform_execute(transform, b + i * K * N * size, packed + i * K * N * size));
    OK(brick_transform_destroy(transform));
}

static void run(brick_data_type_t a_type, brick_data_type_t b_type, int add)
{
    int size = a_type == brick_f32 ? 4 : a_type == brick_bf16 ? 2 : 1, integer = size == 1;
    for (int i = 0; i < BATCH * M * K; i++)
        a32[i] = a_type == brick_u8 && a32[i] < 0 ? -a32[i] : a32[i];
    store(a, a32, BATCH * M * K, a_type);
    store(b, b32, BATCH * K * N, b_type);
    pack(a_type, b_type, size);
    brick_dim_t offsets[2 * BATCH];
    for (int i = 0; i < BATCH; i++) {
        offsets[2 * i] = i * M * K * size;
        offsets[2 * i + 1] = i * K * N * size;
    }
    brick_brgemm_t kernel = NULL;
    OK(brick_brgemm_create(&kernel, M, N, K, BATCH, K, N, N, a_type, b_type, integer ? brick_s32 : brick_f32));
    OK(brick_brgemm_set_add_C(kernel, add));
    OK(brick_brgemm_finalize(kernel));
    OK(brick_brgemm_generate(kernel));
    size_t bytes = 1 << 30;
    OK(brick_brgemm_get_scratchpad_size(kernel, &bytes));
    void *scratch = malloc(bytes + 1);
    OK(brick_brgemm_set_hw_context(kernel));
    int32_t *integers = (int32_t *)c;
    for (int i = 0; i < M * N; i++) {
        if (integer)
            integers[i] = i;
        else
            c[i] = (float)i;
    }
    OK(brick_brgemm_execute(kernel, a, packed, offsets, c, scratch));
    OK(brick_brgemm_release_hw_context());
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
            float sum = add ? (float)(m * N + n) : 0;
            for (int i = 0; i < BATCH; i++)
                for (int k = 0; k < K; k++)
                    sum += a32[(i * M + m) * K + k] * b32[(i * K + k) * N + n];
            want[m * N + n] = sum;
            EXPECT((integer ? (float)integers[m * N + n] : c[m * N + n]) == sum);
        }
    }
    free(scratch);
    OK(brick_brgemm_destroy(kernel));
}

// relu(scale * sum + row), with the row as the operand of a binary post-op.
static void post_ops(void)
{
    static float row[N], scale = 0.5f;
    fill(row, N, 5);
    store(a, a32, BATCH * M * K, brick_f32);
    store(b, b32, BATCH * K * N, brick_f32);
    brick_dim_t offsets[2] = {0, 0};
    brick_memory_desc_t row_md = matrix(1, N, brick_f32);
    brick_post_ops_t ops = NULL;
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_binary(ops, brick_binary_add, row_md));
    OK(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    brick_brgemm_t kernel = NULL;
    OK(brick_brgemm_create(&kernel, M, N, K, 1, K, N, N, brick_f32, brick_f32, brick_f32));
    OK(brick_brgemm_set_post_ops(kernel, N, brick_f32, ops));
    OK(brick_brgemm_set_A_scales(kernel, 0));
    OK(brick_brgemm_finalize(kernel));
    OK(brick_brgemm_generate(kernel));
    int valid = 0;
    OK(brick_brgemm_is_execute_postops_valid(kernel, &valid));
    EXPECT(valid);
    brick_ukernel_attr_params_t params = NULL;
    const void *operands[] = {row, NULL};
    OK(brick_ukernel_attr_params_create(&params));
    OK(brick_ukernel_attr_params_set_post_ops_args(params, operands));
    OK(brick_ukernel_attr_params_set_A_scales(params, &scale));
    size_t bytes = 0;
    OK(brick_brgemm_get_scratchpad_size(kernel, &bytes));
    void *scratch = malloc(bytes + 1);
    OK(brick_brgemm_execute_postops(kernel, a, b, offsets, c, d, scratch, params));
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
            float sum = 0;
            for (int k = 0; k < K; k++)
                sum += a32[m * K + k] * b32[k * N + n];
            sum = scale * sum + row[n];
            EXPECT(d[m * N + n] == (sum > 0 ? sum : 0));
        }
    }
    free(scratch);
    OK(brick_ukernel_attr_params_destroy(params));
    OK(brick_brgemm_destroy(kernel));
    OK(brick_post_ops_destroy(ops));
    OK(brick_memory_desc_destroy(row_md));
}

static void refusals(void)
{
    brick_brgemm_t kernel;
    brick_transform_t transform;
    brick_pack_type_t layout = brick_pack_type_undef;
    size_t bytes = 0;
#define KERNEL(m, n, k, batch, lda, ldb, ldc, at, bt, ct)                             \
    INVALID_CREATE(brick_brgemm_t, kernel, brick_brgemm_create(&kernel, m, n, k, batch, lda, ldb, ldc, at, bt, ct))
    INVALID(brick_brgemm_create(NULL, M, N, K, 1, K, N, N, brick_f32, brick_f32, brick_f32));
    KERNEL(0, N, K, 1, K, N, N, brick_f32, brick_f32, brick_f32);
    KERNEL(M, -1, K, 1, K, N, N, brick_f32, brick_f32, brick_f32);
    KERNEL(M, N, K, -1, K, N, N, brick_f32, brick_f32, brick_f32);
    KERNEL(M, N, K, 1, K - 1, N, N, brick_f32, brick_f32, brick_f32);
    KERNEL(M, N, K, 1, K, N - 1, N, brick_f32, brick_f32, brick_f32);
    KERNEL(M, N, K, 1, K, N, N - 1, brick_f32, brick_f32, brick_f32);
    KERNEL(M, N, K, 1, K, N, N, (brick_data_type_t)0x7777, brick_f32, brick_f32);
#undef KERNEL
    INVALID(brick_brgemm_get_B_pack_type(NULL, brick_f32, brick_f32));
    INVALID(brick_brgemm_get_B_pack_type(&layout, (brick_data_type_t)0x7777, brick_f32));
    INVALID(brick_brgemm_get_scratchpad_size(NULL, &bytes));
    INVALID(brick_brgemm_finalize(NULL));
    INVALID(brick_brgemm_generate(NULL));
    INVALID(brick_brgemm_execute(NULL, a, b, NULL, c, NULL));
    INVALID(brick_transform_create(NULL, K, N, brick_pack_type_no_trans, N, N, brick_bf16, brick_bf16));
    INVALID_CREATE(brick_transform_t, transform,
                   brick_transform_create(&transform, K, N, brick_pack_type_no_trans, N - 1, N, brick_bf16, brick_bf16));
    INVALID(brick_transform_execute(NULL, a, b));
    // Executing what was not generated.
    OK(brick_brgemm_create(&kernel, M, N, K, 1, K, N, N, brick_f32, brick_f32, brick_f32));
    brick_dim_t offsets[2] = {0, 0};
    INVALID(brick_brgemm_execute(kernel, a, b, offsets, c, NULL));
    OK(brick_brgemm_destroy(kernel));
    OK(brick_brgemm_destroy(NULL));
    OK(brick_transform_destroy(NULL));
    OK(brick_ukernel_attr_params_destroy(NULL));
}

int main(void)
{
    fill(a32, BATCH * M * K, 1);
    fill(b32, BATCH * K * N, 2);
    for (int add = 0; add < 2; add++) {
        run(brick_f32, brick_f32, add);
        run(brick_bf16, brick_bf16, add);
        run(brick_s8, brick_s8, add);
        run(brick_u8, brick_s8, add);
    }
    post_ops();
    refusals();
    return finish();
}
