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

// Larger than a block in every direction, on all threads, the matrices as wide as they need to be; twice, since the
// second call of a shape takes another way.
static void large(int ta, int tb, float beta)
{
    enum { ROWS = 203, COLUMNS = 335, DEPTH = 1301 };
    float *a = (float *)malloc(sizeof(float) * ROWS * DEPTH), *b = (float *)malloc(sizeof(float) * COLUMNS * DEPTH);
    float *c = (float *)malloc(sizeof(float) * ROWS * COLUMNS), *want = (float *)malloc(sizeof(float) * ROWS * COLUMNS);
    fill(a, ROWS * DEPTH, 1);
    fill(b, COLUMNS * DEPTH, 2);
    for (int time = 0; time < 2; time++) {
        fill(c, ROWS * COLUMNS, 3);
        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < COLUMNS; j++) {
                float sum = beta * c[i * COLUMNS + j];
                for (int k = 0; k < DEPTH; k++)
                    sum += (ta ? a[k * ROWS + i] : a[i * DEPTH + k]) * (tb ? b[j * DEPTH + k] : b[k * COLUMNS + j]);
                want[i * COLUMNS + j] = sum;
            }
        }
        OK(brick_sgemm(ta ? 't' : 'n', tb ? 'T' : 'N', ROWS, COLUMNS, DEPTH, 1, a, ta ? ROWS : DEPTH, b,
                       tb ? DEPTH : COLUMNS, beta, c, COLUMNS));
        expect_floats(c, want, ROWS * COLUMNS, "large sgemm");
    }
    free(a);
    free(b);
    free(c);
    free(want);
}

// Old values that are not numbers do not matter if beta is 0, nor do those of A and B if alpha is.
static void zeros(void)
{
    float nan, a[6], b[6], c[4] = {0, 1, 2, 3};
    memset(&nan, 0xff, sizeof nan);
    for (int i = 0; i < 6; i++)
        a[i] = b[i] = (float)i;
    float dirty[4] = {nan, nan, nan, nan};
    OK(brick_sgemm('N', 'N', 2, 2, 3, 1, a, 3, b, 2, 0, dirty, 2));
    EXPECT(dirty[0] == 10 && dirty[1] == 13 && dirty[2] == 28 && dirty[3] == 40);
    a[0] = b[0] = nan;
    OK(brick_sgemm('N', 'N', 2, 2, 3, 0, a, 3, b, 2, 2, c, 2));
    EXPECT(c[0] == 0 && c[1] == 2 && c[2] == 4 && c[3] == 6);
    OK(brick_sgemm('N', 'N', 2, 2, 0, 1, NULL, 1, NULL, 2, 0.5f, c, 2));
    EXPECT(c[0] == 0 && c[1] == 1 && c[2] == 2 && c[3] == 3);
    int32_t sums[2] = {7, -7}, co = 5;
    uint8_t left[4] = {1, 2, 3, 4};
    int8_t right[4] = {1, 2, 3, 4};
    OK(brick_gemm_u8s8s32('N', 'N', 'F', 1, 2, 0, 1, left, 1, 3, right, 2, 4, 1, sums, 2, &co));
    EXPECT(sums[0] == 12 && sums[1] == -2);
    OK(brick_gemm_u8s8s32('N', 'N', 'F', 1, 2, 2, 0, left, 2, 3, right, 2, 4, 0, sums, 2, &co));
    EXPECT(sums[0] == 5 && sums[1] == 5);
}

// Both orientations of both matrices of bytes, with offsets; factors other than 0 and 1.
static void int8_general(int ta, int tb, int ao, int bo, float alpha, float beta)
{
    static int8_t a[K * LDA], b[LDB * LDB];
    static int32_t c[M * LDC], want[M * LDC], co[N];
    for (int i = 0; i < K * LDA; i++)
        a[i] = (int8_t)(i * 37 % 255 - 127);
    for (int i = 0; i < LDB * LDB; i++)
        b[i] = (int8_t)(i * 91 % 255 - 127);
    for (int i = 0; i < M * LDC; i++)
        c[i] = want[i] = 2 * i - 51;
    for (int j = 0; j < N; j++)
        co[j] = 3 * j - 8;
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            int32_t sum = 0;
            for (int k = 0; k < K; k++)
                sum += ((ta ? a[k * LDA + i] : a[i * LDA + k]) - ao) * ((tb ? b[j * LDB + k] : b[k * LDB + j]) - bo);
            // Halves are rounded to even, and all of this is exact.
            float value = alpha * (float)sum + beta * (float)c[i * LDC + j] + (float)co[j];
            int32_t down = (int32_t)(value + 1048576.0f * 4) - 1048576 * 4;
            float rest = value - (float)down;
            want[i * LDC + j] = rest > 0.5f || (rest == 0.5f && (down & 1)) ? down + 1 : down;
        }
    }
    OK(brick_gemm_s8s8s32(ta ? 'T' : 'N', tb ? 'T' : 'N', 'r', M, N, K, alpha, a, LDA, (int8_t)ao, b, LDB, (int8_t)bo,
                          beta, c, LDC, co));
    EXPECT(!memcmp(c, want, sizeof c));
}

static void refusals(void)
{
    float x[4] = {0};
    uint8_t u[4] = {0};
    int8_t s[4] = {0};
    int32_t c[4] = {1, 2, 3, 4}, co[4] = {0};
#define SGEMM(ta, tb, m, n, k, a, lda, b, ldb, c, ldc) brick_sgemm(ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, ldc)
    INVALID(SGEMM('X', 'N', 2, 2, 2, x, 2, x, 2, x, 2));
    INVALID(SGEMM('N', 'P', 2, 2, 2, x, 2, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', -1, 2, 2, x, 2, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', 2, -2, 2, x, 2, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', 2, 2, -2, x, 2, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', 2, 2, 2, x, 1, x, 2, x, 2));
    INVALID(SGEMM('T', 'N', 3, 2, 2, x, 2, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', 2, 2, 2, x, 2, x, 1, x, 2));
    INVALID(SGEMM('N', 'T', 2, 2, 3, x, 3, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', 2, 2, 2, x, 2, x, 2, x, 1));
    INVALID(SGEMM('N', 'N', 0, 0, 0, x, 0, x, 1, x, 1));
    INVALID(SGEMM('N', 'N', 2, 2, 2, NULL, 2, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', 2, 2, 2, x, 2, NULL, 2, x, 2));
    INVALID(SGEMM('N', 'N', 2, 2, 2, x, 2, x, 2, NULL, 2));
    INVALID(SGEMM('N', 'N', 2, 2, 2, x, INT64_MAX, x, 2, x, 2));
    INVALID(SGEMM('N', 'N', INT64_MAX, 2, 1, x, 2, x, 2, x, 2));
    OK(SGEMM('N', 'N', 0, 2, 2, x, 2, x, 2, x, 2));
    OK(SGEMM('N', 'N', 2, 0, 2, NULL, 2, NULL, 2, NULL, 2));
#undef SGEMM
#define U8(ta, oc, k, a, b, co) brick_gemm_u8s8s32(ta, 'N', oc, 2, 2, k, 1, a, 2, 0, b, 2, 0, 0, c, 2, co)
#define S8(ta, oc, k, a, b, co) brick_gemm_s8s8s32(ta, 'N', oc, 2, 2, k, 1, a, 2, 0, b, 2, 0, 0, c, 2, co)
    INVALID(U8('Q', 'F', 2, u, s, co));
    INVALID(U8('N', 'X', 2, u, s, co));
    INVALID(U8('N', 'F', 3, u, s, co));
    INVALID(U8('N', 'F', 2, NULL, s, co));
    INVALID(U8('N', 'F', 2, u, NULL, co));
    INVALID(U8('N', 'F', 2, u, s, NULL));
    INVALID(S8('Q', 'F', 2, s, s, co));
    INVALID(S8('N', 'X', 2, s, s, co));
    INVALID(S8('N', 'F', -1, s, s, co));
    INVALID(S8('N', 'F', 2, NULL, s, co));
    INVALID(S8('N', 'F', 2, s, NULL, co));
    INVALID(S8('N', 'F', 2, s, s, NULL));
    EXPECT(c[0] == 1 && c[3] == 4);
#undef U8
#undef S8
}

int main(void)
{
    for (int t = 0; t < 4; t++) {
        sgemm(t & 1, t >> 1, 1, 0);
        sgemm(t & 1, t >> 1, 1, 1);
        sgemm(t & 1, t >> 1, 0.5f, 1);
        sgemm(t & 1, t >> 1, -2, 2);
        large(t & 1, t >> 1, (float)(t & 1));
        int8_general(t & 1, t >> 1, 0, 0, 1, 0);
        int8_general(t & 1, t >> 1, 3, 0, 1, 1);
        int8_general(t & 1, t >> 1, 0, -5, 1, 1);
        int8_general(t & 1, t >> 1, 3, -5, 1, 0);
        int8_general(t & 1, t >> 1, 3, -5, 0.5f, 1);
        int8_general(t & 1, t >> 1, 3, -5, 0.25f, 1.5f);
    }
    large(0, 0, 0.5f);
    zeros();
    for (int u = 0; u < 2; u++) {
        int8(u, 'F');
        int8(u, 'C');
        int8(u, 'R');
    }
    refusals();
    return finish();
}
