// The processor's peak: how many multiply-adds a second one core completes when it does nothing else.
//
// Loops of independent dot products in registers, for the widest instructions that the processor has; the best of
// several short windows, so that a busy neighbour does not lower the ceiling.
#ifndef PEAK_H
#define PEAK_H

#include "example.h"

enum peak_type { PEAK_F32, PEAK_BF16, PEAK_INT8 };

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

// Twelve chains hide the latency of two units. The kernels differ in the instruction alone.
#define PEAK_CHAINS 12
#define PEAK_KERNEL(name, isa, vector, operand, zero, ones, dot)                      \
    __attribute__((target(isa), noinline)) static void name(long rounds)              \
    {                                                                                 \
        vector acc[PEAK_CHAINS];                                                      \
        operand a = ones, b = ones;                                                   \
        for (int i = 0; i < PEAK_CHAINS; i++)                                         \
            acc[i] = zero;                                                            \
        for (long r = 0; r < rounds; r++) {                                           \
            __asm__ volatile("" : "+v"(a), "+v"(b));                                  \
            acc[0] = dot(acc[0], a, b), acc[1] = dot(acc[1], a, b);                   \
            acc[2] = dot(acc[2], a, b), acc[3] = dot(acc[3], a, b);                   \
            acc[4] = dot(acc[4], a, b), acc[5] = dot(acc[5], a, b);                   \
            acc[6] = dot(acc[6], a, b), acc[7] = dot(acc[7], a, b);                   \
            acc[8] = dot(acc[8], a, b), acc[9] = dot(acc[9], a, b);                   \
            acc[10] = dot(acc[10], a, b), acc[11] = dot(acc[11], a, b);               \
        }                                                                             \
        for (int i = 0; i < PEAK_CHAINS; i++)                                         \
            __asm__ volatile("" : : "v"(acc[i]));                                     \
    }
#define PEAK_FMA256(c, a, b) _mm256_fmadd_ps(a, b, c)
#define PEAK_FMA512(c, a, b) _mm512_fmadd_ps(a, b, c)
PEAK_KERNEL(peak_f32_avx2, "avx2,fma", __m256, __m256, _mm256_setzero_ps(), _mm256_setzero_ps(), PEAK_FMA256)
PEAK_KERNEL(peak_f32_avx512, "avx512f", __m512, __m512, _mm512_setzero_ps(), _mm512_setzero_ps(), PEAK_FMA512)
PEAK_KERNEL(peak_bf16, "avx512bf16", __m512, __m512bh, _mm512_setzero_ps(),
            _mm512_cvtne2ps_pbh(_mm512_setzero_ps(), _mm512_setzero_ps()), _mm512_dpbf16_ps)
// Without an instruction for it, int8 takes three: products of pairs, sums of pairs, sum.
#define PEAK_INT8_256(c, a, b) _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), b))
PEAK_KERNEL(peak_int8_avx2, "avx2", __m256i, __m256i, _mm256_setzero_si256(), _mm256_setzero_si256(),
            PEAK_INT8_256)
PEAK_KERNEL(peak_int8, "avx512vnni", __m512i, __m512i, _mm512_setzero_si512(), _mm512_setzero_si512(),
            _mm512_dpbusd_epi32)

// Operations of one core in GFLOP/s (GOP/s for int8), 0 when unknown. Where bf16 has no instruction it is computed in
// f32, whose peak is then its own.
static double measure_peak(enum peak_type type)
{
    void (*run)(long) = NULL;
    double lanes = 0; // multiply-adds an instruction
    if (type == PEAK_INT8 && __builtin_cpu_supports("avx512vnni"))
        run = peak_int8, lanes = 64;
    else if (type == PEAK_INT8 && __builtin_cpu_supports("avx2"))
        run = peak_int8_avx2, lanes = 32;
    else if (type == PEAK_BF16 && __builtin_cpu_supports("avx512bf16"))
        run = peak_bf16, lanes = 32;
    else if (__builtin_cpu_supports("avx512f"))
        run = peak_f32_avx512, lanes = 16;
    else if (__builtin_cpu_supports("fma"))
        run = peak_f32_avx2, lanes = 8;
    if (!run)
        return 0;
    const long rounds = 100000; // about half a millisecond
    double best = 0;
    for (int window = 0; window < 50; window++) {
        double seconds = now();
        run(rounds);
        seconds = now() - seconds;
        double rate = 2e-9 * lanes * PEAK_CHAINS * (double)rounds / seconds;
        if (rate > best)
            best = rate;
    }
    return best;
}
#else
static double measure_peak(enum peak_type type)
{
    (void)type;
    return 0;
}
#endif

#endif
