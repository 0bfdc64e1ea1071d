// The building block itself: C = A_0 * B_0 + A_1 * B_1 + ... over small blocks, here bf16 with f32 results.
//
// A kernel is made once for its sizes and types, and then called with pointers; C stays in registers for the whole
// batch. B is packed for the dot-product instruction by a transform, which is a kernel of its own. Then the same with
// an epilogue: ReLU and conversion to bf16 before the store.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>

#include "example.h"
#include "peak.h"

enum { M = 64, N = 64, K = 64, BATCH = 16 };

static uint16_t to_bf16(float x) // of values that bf16 holds exactly
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static float from_bf16(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Values of A and B: eighths between -1 and 1, so that sums in f32 are exact.
static float value(void)
{
    return (float)(int)(uniform() * 17 - 8) / 8;
}

static uint16_t a[BATCH * M * K], b[BATCH * K * N], packed[BATCH * K * N], d[M * N];
static float c[M * N], expected[M * N];
static brick_dim_t offsets[2 * BATCH]; // in bytes: A_0, B_0, A_1, B_1, ...

static brick_brgemm_t create_kernel(brick_post_ops_t post_ops)
{
    brick_brgemm_t kernel;
    CHECK(brick_brgemm_create(&kernel, M, N, K, BATCH, K, N, N, brick_bf16, brick_bf16, brick_f32));
    if (post_ops)
        CHECK(brick_brgemm_set_post_ops(kernel, N, brick_bf16, post_ops));
    CHECK(brick_brgemm_finalize(kernel));
    CHECK(brick_brgemm_generate(kernel));
    return kernel;
}

static void *scratch_for(const_brick_brgemm_t kernel)
{
    size_t bytes;
    CHECK(brick_brgemm_get_scratchpad_size(kernel, &bytes));
    return allocate(bytes);
}

static void pack_b(void)
{
    brick_pack_type_t pack;
    CHECK(brick_brgemm_get_B_pack_type(&pack, brick_bf16, brick_bf16));
    if (pack == brick_pack_type_no_trans) {
        memcpy(packed, b, sizeof packed);
        return;
    }
    brick_transform_t transform;
    CHECK(brick_transform_create(&transform, K, N, brick_pack_type_no_trans, N, N, brick_bf16, brick_bf16));
    CHECK(brick_transform_generate(transform));
    for (int i = 0; i < BATCH; i++)
        CHECK(brick_transform_execute(transform, b + i * K * N, packed + i * K * N));
    CHECK(brick_transform_destroy(transform));
}

static void fill(void)
{
    for (int i = 0; i < BATCH * M * K; i++)
        a[i] = to_bf16(value());
    for (int i = 0; i < BATCH * K * N; i++)
        b[i] = to_bf16(value());
    for (int i = 0; i < BATCH; i++) {
        offsets[2 * i] = i * M * K * (brick_dim_t)sizeof *a;
        offsets[2 * i + 1] = i * K * N * (brick_dim_t)sizeof *b;
    }
    for (int i = 0; i < BATCH; i++)
        for (int m = 0; m < M; m++)
            for (int k = 0; k < K; k++)
                for (int n = 0; n < N; n++)
                    expected[m * N + n] += from_bf16(a[(i * M + m) * K + k]) * from_bf16(b[(i * K + k) * N + n]);
}

static int plain_kernel(void)
{
    brick_brgemm_t kernel = create_kernel(NULL);
    void *scratch = scratch_for(kernel);
    CHECK(brick_brgemm_set_hw_context(kernel));
    CHECK(brick_brgemm_execute(kernel, a, packed, offsets, c, scratch));
    int good = !memcmp(c, expected, sizeof c);
    printf("bf16 brgemm %dx%dx%d, batch of %d: %s\n", M, N, K, BATCH, good ? "exact" : "WRONG");

    double best = 1e9;
    for (int window = 0; window < 20; window++) {
        double seconds = now();
        for (int i = 0; i < 50; i++)
            CHECK(brick_brgemm_execute(kernel, a, packed, offsets, c, scratch));
        seconds = (now() - seconds) / 50;
        best = seconds < best ? seconds : best;
    }
    CHECK(brick_brgemm_release_hw_context());
    double rate = 2e-9 * M * N * K * BATCH / best, peak = measure_peak(PEAK_BF16);
    printf("%.1f GFLOP/s", rate);
    if (peak > 0)
        printf(", %.0f %% of the %.0f that one core can do", 100 * rate / peak, peak);
    printf("\n");
    free(scratch);
    CHECK(brick_brgemm_destroy(kernel));
    return good;
}

static int kernel_with_epilogue(void)
{
    brick_post_ops_t post_ops;
    CHECK(brick_post_ops_create(&post_ops));
    CHECK(brick_post_ops_append_eltwise(post_ops, brick_eltwise_relu, 0, 0));
    brick_brgemm_t kernel = create_kernel(post_ops);
    CHECK(brick_post_ops_destroy(post_ops));

    brick_ukernel_attr_params_t params; // would carry scales and the operands of binary post-ops
    CHECK(brick_ukernel_attr_params_create(&params));
    void *scratch = scratch_for(kernel);
    CHECK(brick_brgemm_execute_postops(kernel, a, packed, offsets, c, d, scratch, params));
    int good = 1;
    for (int i = 0; i < M * N; i++) {
        float relu = expected[i] > 0 ? expected[i] : 0;
        good = good && fabsf(from_bf16(d[i]) - relu) <= relu / 256; // half a unit in bf16's last place
    }
    printf("with relu, stored as bf16: %s\n", good ? "right" : "WRONG");
    free(scratch);
    CHECK(brick_ukernel_attr_params_destroy(params));
    CHECK(brick_brgemm_destroy(kernel));
    return good;
}

int main(void)
{
    fill();
    pack_b();
    int good = plain_kernel() & kernel_with_epilogue();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
