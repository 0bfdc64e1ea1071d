// BLAS-like products of row-major matrices: sgemm and the 8-bit ones.
#include "check.h"

enum { M = 7, N = 19, K = 33, LDA = 40, LDB = 45, LDC = 21 };

static void sgemm(int ta, int tb, float alpha, float beta)
{
    static float a[K * LDA], b[LDB * LDB], c[M * LDC], want[M * LDC];
    fill(a, K * LDA, 1);
    fill(b, LDB * LDB, 2);
    fill(c, M * LDC, 3);
    memcpy(want, c, sizeof c);
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int k = 0; k < K; k++)
                sum += (ta ? a[k * LDA + i] : a[i * LDA + k]) * (tb ? b[j * LDB + k] : b[k * LDB + j]);
            want[i * LDC + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * LDC + j]);
        }
    }
    OK(brick_sgemm(ta ? 'T' : 'N', tb ? 't' : 'n', M, N, K, alpha, a, LDA, b, LDB, beta, c, LDC));
    expect_floats(c, want, M * LDC, "sgemm");
}

static int32_t offset_of(char kind, const int32_t *co, int i, int j)
{
    return kind == 'F' ? co[0] : kind == 'C' ? co[i] : co[j];
}

static void int8(int is_unsigned, char offsetc)
{
    static uint8_t a[M * LDA];
    static int8_t b[K * LDB];
    static int32_t c[M * LDC], want[M * LDC], co[64];
    for (int i = 0; i < M * LDA; i++)
        a[i] = (uint8_t)(i * 37 % 251);
    for (int i = 0; i < K * LDB; i++)
        b[i] = (int8_t)(i * 91 % 256 - 128);
    for (int i = 0; i < M * LDC; i++)
        c[i] = want[i] = i - 50;
    for (int i = 0; i < 64; i++)
        co[i] = 3 * i - 7;
    const int ao = is_unsigned ? 5 : -5, bo = 3;
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            int32_t sum = 0;
            for (int k = 0; k < K; k++) {
                int left = is_unsigned ? a[i * LDA + k] : (int8_t)a[i * LDA + k];
                sum += (left - ao) * (b[k * LDB + j] - bo);
            }
            want[i * LDC + j] += sum + offset_of(offsetc, co, i, j);
        }
    }
    if (is_unsigned)
        OK(brick_gemm_u8s8s32('N', 'N', offsetc, M, N, K, 1, a, LDA, (uint8_t)ao, b, LDB, (int8_t)bo, 1, c, LDC, co));
    else
        OK(brick_gemm_s8s8s32('N', 'N', offsetc, M, N, K, 1, (const int8_t *)a, LDA, (int8_t)ao, b, LDB, (int8_t)bo, 1,
                              c, LDC, co));
    EXPECT(!memcmp(c, want, sizeof c));
}

int main(void)
{
    for (int t = 0; t < 4; t++) {
        sgemm(t & 1, t >> 1, 1, 0);
        sgemm(t & 1, t >> 1, 0.5f, 1);
        sgemm(t & 1, t >> 1, -2, 2);
    }
    for (int u = 0; u < 2; u++) {
        int8(u, 'F');
        int8(u, 'C');
        int8(u, 'R');
    }
    float x[4] = {0};
    INVALID(brick_sgemm('X', 'N', 2, 2, 2, 1, x, 2, x, 2, 0, x, 2));
    INVALID(brick_sgemm('N', 'N', -1, 2, 2, 1, x, 2, x, 2, 0, x, 2));
    INVALID(brick_sgemm('N', 'N', 2, 2, 2, 1, x, 1, x, 2, 0, x, 2));
    INVALID(brick_sgemm('N', 'N', 2, 2, 2, 1, NULL, 2, x, 2, 0, x, 2));
    OK(brick_sgemm('N', 'N', 0, 2, 2, 1, x, 2, x, 2, 0, x, 2));
    return finish();
}
