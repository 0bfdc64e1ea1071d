// What one core of this machine can do at most, as one line of JSON: operations by type in GFLOP/s, bytes copied (read and
// written both counted) in GB/s by the cache level that holds them.
#define _DEFAULT_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "peak.h"

typedef float v8 __attribute__((vector_size(32)));

static void copy(v8 *to, const v8 *from, size_t count)
{
    for (size_t i = 0; i < count; i += 4) {
        v8 a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
        to[i] = a, to[i + 1] = b, to[i + 2] = c, to[i + 3] = d;
        __asm__ volatile("" : : : "memory"); // not to become a call of memcpy
    }
}

static void stream(v8 *to, const v8 *from, size_t count)
{
#if defined(__AVX__)
    for (size_t i = 0; i < count; i++)
        _mm256_stream_ps((float *)(to + i), (__m256)from[i]);
    _mm_sfence();
#else
    copy(to, from, count);
#endif
}

// Copies half of `bytes` to the other half; the best of many windows of about a millisecond, and of both kinds of store.
static double copy_rate(char *buffer, size_t bytes)
{
    void (*const kinds[])(v8 *, const v8 *, size_t) = {copy, stream};
    size_t count = bytes / 2 / sizeof(v8), apart = bytes / 2 + 2112; // else both halves use the same banks of memory
    long rounds = (long)((16 << 20) / bytes) + 1;
    double best = 0;
    for (int window = 0; window < 60; window++) {
        double seconds = now();
        for (long r = 0; r < rounds; r++)
            kinds[window % 2]((v8 *)(buffer + apart), (const v8 *)buffer, count);
        seconds = now() - seconds;
        double rate = 1e-9 * (double)bytes * (double)rounds / seconds;
        best = rate > best ? rate : best;
    }
    return best;
}

int main(void)
{
    brick_machine_info_t machine;
    CHECK(brick_machine_info(&machine));
    size_t l2 = machine.l2_bytes / 2, l3 = machine.l3_bytes / 4, memory = (size_t)256 << 20;
    l3 = l3 > 2 * machine.l2_bytes ? l3 : 2 * machine.l2_bytes;
    void *buffer = NULL;
    if (posix_memalign(&buffer, 2 << 20, memory + 4096)) {
        fprintf(stderr, "out of memory\n");
        return EXIT_FAILURE;
    }
    madvise(buffer, memory + 4096, MADV_HUGEPAGE);
    memset(buffer, 0, memory + 4096);
    printf("{\"version\": \"%s\", \"isa\": \"%s\", \"l2_bytes\": %zu, \"l3_bytes\": %zu, ", brick_version()->hash,
           brick_cpu_isa2str((brick_cpu_isa_t)machine.effective_isa) + strlen("cpu_isa_"), machine.l2_bytes,
           machine.l3_bytes);
    printf("\"f32\": %.1f, \"bf16\": %.1f, \"int8\": %.1f, ", measure_peak(PEAK_F32), measure_peak(PEAK_BF16),
           measure_peak(PEAK_INT8));
    printf("\"copy_l2\": %.1f, \"copy_l3\": %.1f, \"copy_memory\": %.1f}\n", copy_rate(buffer, l2 & ~(size_t)255),
           copy_rate(buffer, l3 & ~(size_t)255), copy_rate(buffer, memory));
    free(buffer);
    return EXIT_SUCCESS;
}
