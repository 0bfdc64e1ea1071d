// Times the building block through brick_brgemm_dispatch, and LIBXSMM's where it was compiled in, call by call in one
// process on one thread; prints a line of JSON for each problem.
//   kernel_bench [-b MS] [-m TEXT] FILE      problems from a file such as suites/kernels.txt
//     -b   milliseconds for each problem and library (default 150)
//     -m   only problems whose line contains the text
// Both libraries work on the same packed operands; the result is compared with sums in double precision. Percentages are of
// the peak of the operands' type, which is measured again before every problem.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#ifdef HAVE_LIBXSMM
#include <libxsmm.h>
#endif

#include "peak.h"

enum { ALIGN = 4096, WINDOWS = 30 };

typedef struct {
    char line[160], a_name[8], b_name[8], c_name[8];
    int64_t m, n, k, batch;
    brick_data_type_t a_type, b_type, c_type;
    int v, size, c_size; // elements in a group, bytes of an element of A or B, of C
    enum peak_type peak;
    uint8_t *a, *b, *c, *c_peer;
} problem;

// ---- problems

static brick_data_type_t type_of(const char *name)
{
    static const struct {
        const char *name;
        brick_data_type_t type;
    } types[] = {{"f32", brick_f32}, {"bf16", brick_bf16}, {"u8", brick_u8}, {"s8", brick_s8}, {"s32", brick_s32}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(name, types[i].name))
            return types[i].type;
    return brick_data_type_undef;
}

static int parse(problem *p, const char *line, int64_t batch)
{
    if (sscanf(line, "brgemm %7[^:]:%7[^:]:%7s %" SCNd64 "x%" SCNd64 "x%" SCNd64, p->a_name, p->b_name, p->c_name, &p->m,
               &p->n, &p->k) != 6)
        return 0;
    p->batch = batch;
    p->a_type = type_of(p->a_name), p->b_type = type_of(p->b_name), p->c_type = type_of(p->c_name);
    p->size = p->a_type == brick_f32 ? 4 : p->a_type == brick_bf16 ? 2 : 1;
    p->c_size = p->c_type == brick_bf16 ? 2 : 4;
    p->v = 4 / p->size;
    p->peak = p->size == 4 ? PEAK_F32 : p->size == 2 ? PEAK_BF16 : PEAK_INT8;
    snprintf(p->line, sizeof p->line, "brgemm %s:%s:%s %" PRId64 "x%" PRId64 "x%" PRId64 " batch=%" PRId64, p->a_name,
             p->b_name, p->c_name, p->m, p->n, p->k, batch);
    return p->a_type && p->b_type && p->c_type;
}

// ---- data: small integers, exact in every type

static int64_t groups(const problem *p)
{
    return (p->k + p->v - 1) / p->v;
}

static int64_t a_bytes(const problem *p)
{
    return p->m * p->k * p->size;
}

static int64_t b_bytes(const problem *p)
{
    return groups(p) * p->n * 4;
}

static void store(const problem *p, uint8_t *at, int value)
{
    float x = (float)value;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint16_t upper = (uint16_t)(bits >> 16);
    if (p->size == 4)
        memcpy(at, &x, 4);
    else if (p->size == 2)
        memcpy(at, &upper, 2);
    else
        *at = (uint8_t)(int8_t)value;
}

static double load(brick_data_type_t type, const uint8_t *at)
{
    uint32_t bits = 0;
    float x;
    if (type == brick_u8)
        return *at;
    if (type == brick_s8)
        return *(const int8_t *)at;
    if (type == brick_bf16)
        memcpy((uint8_t *)&bits + 2, at, 2);
    else
        memcpy(&bits, at, 4);
    memcpy(&x, &bits, sizeof x);
    return type == brick_s32 ? (double)(int32_t)bits : (double)x;
}

static uint8_t *room(int64_t bytes)
{
    uint8_t *p = aligned_alloc(ALIGN, ((size_t)bytes + ALIGN) / ALIGN * ALIGN);
    if (!p)
        exit(EXIT_FAILURE);
    memset(p, 0, ((size_t)bytes + ALIGN) / ALIGN * ALIGN);
    return p;
}

static uint8_t *b_at(const problem *p, int64_t i, int64_t k, int64_t n)
{
    return p->b + i * b_bytes(p) + (k / p->v * p->n + n) * 4 + k % p->v * p->size;
}

static void prepare(problem *p)
{
    p->a = room(p->batch * a_bytes(p));
    p->b = room(p->batch * b_bytes(p));
    p->c = room(p->m * p->n * p->c_size);
    p->c_peer = room(p->m * p->n * p->c_size);
    for (int64_t i = 0; i < p->batch * p->m * p->k; i++)
        store(p, p->a + i * p->size, (int)(uniform() * 4));
    for (int64_t i = 0; i < p->batch; i++)
        for (int64_t k = 0; k < p->k; k++)
            for (int64_t n = 0; n < p->n; n++)
                store(p, b_at(p, i, k, n), (int)(uniform() * 7) - 3);
}

static void release(problem *p)
{
    free(p->a), free(p->b), free(p->c), free(p->c_peer);
}

// Some elements of the result, the corners among them.
static int is_right(const problem *p, const uint8_t *c)
{
    for (int probe = 0; probe < 40; probe++) {
        int64_t m = probe & 1 ? p->m - 1 : probe * 7919 % p->m, n = probe & 2 ? p->n - 1 : probe * 104729 % p->n;
        double sum = 0;
        for (int64_t i = 0; i < p->batch; i++)
            for (int64_t k = 0; k < p->k; k++)
                sum += load(p->a_type, p->a + i * a_bytes(p) + (m * p->k + k) * p->size) * load(p->b_type, b_at(p, i, k, n));
        double got = load(p->c_type, c + (m * p->n + n) * p->c_size);
        if (fabs(got - sum) > (p->c_type == brick_bf16 ? fabs(sum) / 256 : 0))
            return 0;
    }
    return 1;
}

// ---- libraries

static brick_brgemm_fn_t ours;

static int prepare_ours(const problem *p)
{
    brick_status_t status = brick_brgemm_dispatch(&ours, p->m, p->n, p->k, p->k, p->n, p->n, p->a_type, p->b_type, p->c_type,
                                                  0, brick_batch_stride);
    if (status != brick_success)
        fprintf(stderr, "%s: %s\n", p->line, brick_last_error());
    return status == brick_success;
}

static void run_ours(const problem *p)
{
    ours.stride(p->a, p->b, p->c, p->batch, a_bytes(p), b_bytes(p));
}

#ifdef HAVE_LIBXSMM
// Its matrices are column-major: C transposed is B transposed times A transposed.
static void (*theirs)(const void *, const void *, void *, const unsigned long long *, ...);

static int prepare_peer(const problem *p)
{
    const int m = (int)p->n, n = (int)p->m, k = (int)p->k, sa = (int)b_bytes(p), sb = (int)a_bytes(p);
    const float one = 1, zero = 0;
    const int int_one = 1, int_zero = 0;
    if (p->k % p->v)
        return 0;
#define DISPATCH(name, alpha, beta) \
    (theirs = (void (*)(const void *, const void *, void *, const unsigned long long *, ...)) \
         libxsmm_##name##dispatch_reducebatch_strd(m, n, k, sa, sb, &m, &k, &m, alpha, beta, NULL, NULL))
    if (p->a_type == brick_f32)
        DISPATCH(smm, &one, &zero);
    else if (p->a_type == brick_bf16 && p->c_type == brick_f32)
        DISPATCH(bsmm, &one, &zero);
    else if (p->a_type == brick_bf16)
        DISPATCH(bmm, &one, &zero);
    else if (p->a_type == brick_u8 && p->b_type == brick_s8)
        DISPATCH(subimm, &int_one, &int_zero);
    else
        theirs = NULL;
#undef DISPATCH
    return theirs != NULL;
}

static void run_peer(const problem *p)
{
    const unsigned long long count = (unsigned long long)p->batch;
    theirs(p->b, p->a, p->c_peer, &count);
}

static const char *peer_name(void)
{
    return "LIBXSMM " LIBXSMM_VERSION;
}
#else
static int prepare_peer(const problem *p)
{
    (void)p;
    return 0;
}

static void run_peer(const problem *p)
{
    (void)p;
}

static const char *peer_name(void)
{
    return "";
}
#endif

// ---- clocks

// Processor time of this thread: what a neighbour takes does not count.
static double cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double window(const problem *p, void (*run)(const problem *), long calls)
{
    double start = cpu_time();
    for (long i = 0; i < calls; i++)
        run(p);
    return (cpu_time() - start) / (double)calls;
}

// Calls that take so long.
static long calls_of(const problem *p, void (*run)(const problem *), double seconds)
{
    run(p);
    long calls = 1;
    double taken;
    while ((taken = window(p, run, calls) * (double)calls) < seconds / 4)
        calls *= 4;
    return (long)((double)calls * seconds / taken) + 1;
}

// Best seconds of a call of each library, their windows in turn.
static void measure(const problem *p, int has_peer, double budget, double best[2])
{
    void (*run[])(const problem *) = {run_ours, run_peer};
    long calls[2] = {0, 0};
    for (int l = 0; l <= has_peer; l++)
        calls[l] = calls_of(p, run[l], budget / WINDOWS);
    for (int w = 0; w < WINDOWS; w++) {
        for (int l = 0; l <= has_peer; l++) {
            double seconds = window(p, run[l], calls[l]);
            best[l] = w == 0 || seconds < best[l] ? seconds : best[l];
        }
    }
}

static void bench(problem *p, double budget)
{
    static double peaks[3];
    if (!prepare_ours(p))
        return;
    prepare(p);
    int has_peer = prepare_peer(p);
    double best[2] = {0, 0}, peak = measure_peak(p->peak);
    peaks[p->peak] = peak > peaks[p->peak] ? peak : peaks[p->peak];
    measure(p, has_peer, budget, best);
    double flops = 2.0 * (double)(p->m * p->n * p->k * p->batch), rate = 1e-9 * flops / best[0];
    printf("{\"suite\": \"kernels\", \"problem\": \"%s\", \"ns\": %.2f, \"gflops\": %.2f", p->line, 1e9 * best[0], rate);
    if (peaks[p->peak] > 0)
        printf(", \"peak_pct\": %.1f", 100 * rate / peaks[p->peak]);
    if (has_peer)
        printf(", \"peer\": \"%s\", \"peer_ns\": %.2f, \"peer_pct\": %.1f", peer_name(), 1e9 * best[1],
               100 * 1e-9 * flops / best[1] / peaks[p->peak]);
    if (!is_right(p, p->c))
        printf(", \"wrong\": \"brick\"");
    else if (has_peer && !is_right(p, p->c_peer))
        printf(", \"wrong\": \"peer\"");
    printf("}\n");
    fflush(stdout);
    release(p);
}

int main(int argc, char **argv)
{
    double budget = 0.150;
    const char *match = "", *file = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-b") && i + 1 < argc)
            budget = 1e-3 * atof(argv[++i]);
        else if (!strcmp(argv[i], "-m") && i + 1 < argc)
            match = argv[++i];
        else
            file = argv[i];
    }
    FILE *problems = file ? fopen(file, "r") : NULL;
    if (!problems) {
        fprintf(stderr, "usage: kernel_bench [-b MS] [-m TEXT] FILE\n");
        return 2;
    }
    char line[160];
    while (fgets(line, sizeof line, problems)) {
        static const int64_t all[] = {1, 4, 16, 64};
        const char *count = strstr(line, "batch=");
        problem p;
        if (*line == '#' || !count)
            continue;
        int64_t one = atoll(count + 6);
        for (int i = 0; i < (one ? 1 : 4); i++)
            if (parse(&p, line, one ? one : all[i]) && strstr(p.line, match))
                bench(&p, budget);
    }
    fclose(problems);
    return 0;
}
