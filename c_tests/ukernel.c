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

// D = (C + sums of bytes) * a * b[n] / d, saturated to s8.
static void quantised(void)
{
    static int8_t got[M * N];
    static float b_scales[N], a_scale = 0.5f, d_scale = 0.25f;
    static int32_t start[M * N];
    for (int i = 0; i < M * K; i++)
        a32[i] = a32[i] < 0 ? -a32[i] : a32[i];
    store(a, a32, M * K, brick_u8);
    store(b, b32, K * N, brick_s8);
    pack(brick_u8, brick_s8, 1);
    for (int n = 0; n < N; n++)
        b_scales[n] = (float)(1 << n % 3) / 4;
    for (int i = 0; i < M * N; i++)
        start[i] = i - 100;
    brick_brgemm_t kernel = NULL;
    OK(brick_brgemm_create(&kernel, M, N, K, 1, K, N, N, brick_u8, brick_s8, brick_s32));
    OK(brick_brgemm_set_add_C(kernel, 1));
    OK(brick_brgemm_set_post_ops(kernel, N, brick_s8, NULL));
    OK(brick_brgemm_set_A_scales(kernel, 0));
    OK(brick_brgemm_set_B_scales(kernel, 2));
    OK(brick_brgemm_set_D_scales(kernel, 0));
    OK(brick_brgemm_finalize(kernel));
    INVALID(brick_brgemm_set_add_C(kernel, 0));
    INVALID(brick_brgemm_finalize(kernel));
    OK(brick_brgemm_generate(kernel));
    brick_ukernel_attr_params_t params = NULL;
    OK(brick_ukernel_attr_params_create(&params));
    brick_dim_t offsets[2] = {0, 0};
    INVALID(brick_brgemm_execute_postops(kernel, a, packed, offsets, start, got, NULL, params));
    OK(brick_ukernel_attr_params_set_A_scales(params, &a_scale));
    OK(brick_ukernel_attr_params_set_B_scales(params, b_scales));
    OK(brick_ukernel_attr_params_set_D_scales(params, &d_scale));
    INVALID(brick_brgemm_execute_postops(kernel, a, packed, offsets, start, got, NULL, NULL));
    INVALID(brick_brgemm_execute_postops(kernel, a, packed, offsets, NULL, got, NULL, params));
    INVALID(brick_brgemm_execute_postops(kernel, a, packed, offsets, start, NULL, NULL, params));
    OK(brick_brgemm_execute_postops(kernel, a, packed, offsets, start, got, NULL, params));
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
            float sum = (float)(m * N + n - 100);
            for (int k = 0; k < K; k++)
                sum += a32[m * K + k] * b32[k * N + n];
            sum = sum * (a_scale * b_scales[n]) / d_scale;
            sum = sum > 127 ? 127 : sum < -128 ? -128 : sum;
            // Halves are rounded to even.
            int down = (int)(sum + 1000) - 1000, up = down + 1;
            int nearest = sum - (float)down > 0.5f ? up : sum - (float)down < 0.5f ? down : down & 1 ? up : down;
            EXPECT(got[m * N + n] == nearest);
        }
    }
    OK(brick_ukernel_attr_params_destroy(params));
    OK(brick_brgemm_destroy(kernel));
}

// Blocks of columns of either orientation, the last one padded with zeros.
static void transforms(void)
{
    enum { ROWS = 7, COLUMNS = 21, BLOCK = 16, LD = 23 };
    static uint16_t in[COLUMNS * LD], out[2 * 8 * BLOCK + 1];
    for (int transposed = 0; transposed < 2; transposed++) {
        for (int i = 0; i < COLUMNS * LD; i++)
            in[i] = (uint16_t)(i + 1);
        memset(out, 0xff, sizeof out);
        brick_transform_t transform = NULL;
        brick_pack_type_t from = transposed ? brick_pack_type_trans : brick_pack_type_no_trans;
        OK(brick_transform_create(&transform, ROWS, COLUMNS, from, LD, BLOCK, brick_bf16, brick_bf16));
        INVALID(brick_transform_execute(transform, in, out));
        OK(brick_transform_generate(transform));
        INVALID(brick_transform_execute(transform, NULL, out));
        INVALID(brick_transform_execute(transform, in, NULL));
        OK(brick_transform_execute(transform, in, out));
        OK(brick_transform_destroy(transform));
        for (int k = 0; k < 8; k++) {
            for (int n = 0; n < 2 * BLOCK; n++) {
                int from_at = transposed ? n * LD + k : k * LD + n;
                uint16_t want = k < ROWS && n < COLUMNS ? in[from_at] : 0;
                EXPECT(out[n / BLOCK * 8 * BLOCK + (k / 2 * BLOCK + n % BLOCK) * 2 + k % 2] == want);
            }
        }
        EXPECT(out[2 * 8 * BLOCK] == 0xffff);
    }
}

static int can_generate(void)
{
    brick_brgemm_fn_t f;
    return brick_brgemm_dispatch(&f, 1, 1, 1, 1, 1, 1, brick_f32, brick_f32, brick_f32, 0, brick_batch_stride) ==
           brick_success;
}

// Bare functions: every kind of batch, an empty batch, the same function for the same question.
static void bare(brick_data_type_t a_type, brick_data_type_t b_type, int add, int batch)
{
    int size = a_type == brick_f32 ? 4 : a_type == brick_bf16 ? 2 : 1, integer = size == 1;
    brick_data_type_t c_type = integer ? brick_s32 : brick_f32;
    fill(a32, BATCH * M * K, 1);
    for (int i = 0; i < BATCH * M * K; i++)
        a32[i] = a_type == brick_u8 && a32[i] < 0 ? -a32[i] : a32[i];
    store(a, a32, BATCH * M * K, a_type);
    store(b, b32, BATCH * K * N, b_type);
    pack(a_type, b_type, size);
    const brick_batch_kind_t kinds[] = {brick_batch_address, brick_batch_offset, brick_batch_stride};
    for (int kind = 0; kind < 3; kind++) {
        brick_brgemm_fn_t f, again;
        OK(brick_brgemm_dispatch(&f, M, N, K, K, N, N, a_type, b_type, c_type, add, kinds[kind]));
        OK(brick_brgemm_dispatch(&again, M, N, K, K, N, N, a_type, b_type, c_type, add, kinds[kind]));
        EXPECT(f.stride && f.stride == again.stride);
        int32_t *integers = (int32_t *)c;
        for (int i = 0; i < M * N; i++) {
            if (integer)
                integers[i] = i;
            else
                c[i] = (float)i;
        }
        const void *as[BATCH], *bs[BATCH];
        brick_dim_t a_offsets[BATCH], b_offsets[BATCH];
        for (int i = 0; i < BATCH; i++) {
            a_offsets[i] = i * M * K * size;
            b_offsets[i] = i * K * N * size;
            as[i] = a + a_offsets[i];
            bs[i] = packed + b_offsets[i];
        }
        if (kind == 0)
            f.address(as, bs, c, batch);
        else if (kind == 1)
            f.offset(a, packed, c, batch, a_offsets, b_offsets);
        else
            f.stride(a, packed, c, batch, M * K * size, K * N * size);
        for (int m = 0; m < M; m++) {
            for (int n = 0; n < N; n++) {
                float sum = add ? (float)(m * N + n) : 0;
                for (int i = 0; i < batch; i++)
                    for (int k = 0; k < K; k++)
                        sum += a32[(i * M + m) * K + k] * b32[(i * K + k) * N + n];
                EXPECT((integer ? (float)integers[m * N + n] : c[m * N + n]) == sum);
            }
        }
    }
}

static void bare_refusals(void)
{
    brick_brgemm_fn_t f;
#define BARE(m, lda, at, ct, add, kind) brick_brgemm_dispatch(&f, m, N, K, lda, N, N, at, brick_f32, ct, add, kind)
    INVALID(brick_brgemm_dispatch(NULL, M, N, K, K, N, N, brick_f32, brick_f32, brick_f32, 0, brick_batch_stride));
    INVALID(BARE(0, K, brick_f32, brick_f32, 0, brick_batch_stride));
    INVALID(BARE(M, K - 1, brick_f32, brick_f32, 0, brick_batch_stride));
    INVALID(BARE(INT64_MAX, INT64_MAX, brick_f32, brick_f32, 0, brick_batch_stride));
    INVALID(BARE(M, K, (brick_data_type_t)0x7777, brick_f32, 0, brick_batch_stride));
    INVALID(BARE(M, K, brick_f32, brick_f32, 2, brick_batch_stride));
    INVALID(BARE(M, K, brick_f32, brick_f32, 0, 0));
    UNIMPLEMENTED(BARE(M, K, brick_bf16, brick_f32, 0, brick_batch_stride));
    UNIMPLEMENTED(BARE((int64_t)1 << 44, K, brick_f32, brick_f32, 0, brick_batch_stride));
    SAYS("a kernel has at most 16777216 of each");
    UNIMPLEMENTED(BARE((int64_t)1 << 31, K, brick_f32, brick_f32, 0, brick_batch_stride));
    UNIMPLEMENTED(BARE(M, K, brick_f32, brick_bf16, 1, brick_batch_stride));
#undef BARE
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
    INVALID(brick_transform_create(&transform, K, N, brick_pack_type_no_trans, N, INT64_C(1) << 61, brick_bf16, brick_bf16));
    SAYS("out_ld");
    INVALID_CREATE(brick_transform_t, transform,
                   brick_transform_create(&transform, K, N, brick_pack_type_no_trans, N - 1, N, brick_bf16, brick_bf16));
    INVALID_CREATE(brick_transform_t, transform,
                   brick_transform_create(&transform, 0, N, brick_pack_type_no_trans, N, N, brick_bf16, brick_bf16));
    INVALID_CREATE(brick_transform_t, transform,
                   brick_transform_create(&transform, K, N, brick_pack_type_trans, K - 1, N, brick_bf16, brick_bf16));
    INVALID(brick_transform_create(&transform, K, N, brick_pack_type_undef, N, N, brick_bf16, brick_bf16));
    UNIMPLEMENTED(brick_transform_create(&transform, K, N, brick_pack_type_pack32, N, N, brick_bf16, brick_bf16));
    UNIMPLEMENTED(brick_transform_create(&transform, K, N, brick_pack_type_no_trans, N, N, brick_f32, brick_bf16));
    INVALID(brick_transform_generate(NULL));
    INVALID(brick_transform_execute(NULL, a, b));
    INVALID(brick_brgemm_set_add_C(NULL, 0));
    INVALID(brick_brgemm_set_post_ops(NULL, N, brick_f32, NULL));
    INVALID(brick_brgemm_set_A_scales(NULL, 0));
    INVALID(brick_brgemm_set_B_scales(NULL, 0));
    INVALID(brick_brgemm_set_D_scales(NULL, 0));
    INVALID(brick_brgemm_set_hw_context(NULL));
    int valid = 7;
    INVALID(brick_brgemm_is_execute_postops_valid(NULL, &valid));
    INVALID(brick_brgemm_execute_postops(NULL, a, b, NULL, c, d, NULL, NULL));
    INVALID(brick_ukernel_attr_params_create(NULL));
    INVALID(brick_ukernel_attr_params_set_post_ops_args(NULL, NULL));
    INVALID(brick_ukernel_attr_params_set_A_scales(NULL, NULL));
    INVALID(brick_ukernel_attr_params_set_B_scales(NULL, NULL));
    INVALID(brick_ukernel_attr_params_set_D_scales(NULL, NULL));
    UNIMPLEMENTED(brick_brgemm_create(&kernel, M, N, K, 1, K, N, N, brick_f32, brick_f32, brick_bf16));
    UNIMPLEMENTED(brick_brgemm_create(&kernel, M, N, K, 1, K, N, N, brick_bf16, brick_s8, brick_f32));
    UNIMPLEMENTED(brick_brgemm_get_B_pack_type(&layout, brick_f64, brick_f64));
    EXPECT(layout == brick_pack_type_undef);
    // Calls out of turn, and wrong values.
    OK(brick_brgemm_create(&kernel, M, N, K, 1, K, N, N, brick_f32, brick_f32, brick_f32));
    brick_dim_t offsets[2] = {0, 0};
    INVALID(brick_brgemm_execute(kernel, a, b, offsets, c, NULL));
    INVALID(brick_brgemm_generate(kernel));
    INVALID(brick_brgemm_get_scratchpad_size(kernel, &bytes));
    INVALID(brick_brgemm_is_execute_postops_valid(kernel, &valid));
    INVALID(brick_brgemm_set_add_C(kernel, 2));
    INVALID(brick_brgemm_set_post_ops(kernel, N - 1, brick_f32, NULL));
    INVALID(brick_brgemm_set_post_ops(kernel, N, (brick_data_type_t)0x7777, NULL));
    UNIMPLEMENTED(brick_brgemm_set_post_ops(kernel, N, brick_f64, NULL));
    INVALID(brick_brgemm_set_A_scales(kernel, 1));
    INVALID(brick_brgemm_set_B_scales(kernel, 1));
    INVALID(brick_brgemm_set_D_scales(kernel, 2));
    EXPECT(valid == 7);
    OK(brick_brgemm_finalize(kernel));
    OK(brick_brgemm_generate(kernel));
    INVALID(brick_brgemm_get_scratchpad_size(kernel, NULL));
    INVALID(brick_brgemm_is_execute_postops_valid(kernel, NULL));
    OK(brick_brgemm_is_execute_postops_valid(kernel, &valid));
    EXPECT(valid == 0);
    INVALID(brick_brgemm_execute(kernel, NULL, b, offsets, c, NULL));
    INVALID(brick_brgemm_execute(kernel, a, NULL, offsets, c, NULL));
    INVALID(brick_brgemm_execute(kernel, a, b, NULL, c, NULL));
    INVALID(brick_brgemm_execute(kernel, a, b, offsets, NULL, NULL));
    INVALID(brick_brgemm_execute_postops(kernel, a, b, offsets, c, d, NULL, NULL));
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
    quantised();
    transforms();
    if (can_generate()) { // not where executable memory is refused
        for (int add = 0; add < 2; add++) {
            for (int batch = 0; batch <= BATCH; batch += BATCH) {
                bare(brick_f32, brick_f32, add, batch);
                bare(brick_bf16, brick_bf16, add, batch);
                bare(brick_s8, brick_s8, add, batch);
                bare(brick_u8, brick_s8, add, batch);
            }
        }
        bare_refusals();
    }
    refusals();
    return finish();
}
