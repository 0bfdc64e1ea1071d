// Where the time goes, by the library's own clock: brick writes a line for each execution, and here it is read.
//
// A line ends with milliseconds and has the kind of primitive in its sixth field:
//   brick_verbose,v1,primitive,exec,cpu,inner_product,brick:avx2,...,mb32ic64oc256,0.0215
#ifndef PROFILE_H
#define PROFILE_H

#include <string.h>

#include "example.h"
#include "peak.h"
#include "screen.h"

enum { PROFILE_KINDS = 8 };

struct profile {
    int count, forward; // kinds seen; whether lines go on to stderr, because the user asked for them
    struct profile_kind {
        char name[32];
        long calls;
        double seconds;
    } kinds[PROFILE_KINDS];
};

// The entry of a kind of primitive, made at first sight; the last one takes what has no room.
static inline struct profile_kind *profile_kind(struct profile *profile, const char *name, size_t length)
{
    for (int i = 0; i < profile->count; i++)
        if (strlen(profile->kinds[i].name) == length && !memcmp(profile->kinds[i].name, name, length))
            return &profile->kinds[i];
    if (profile->count == PROFILE_KINDS)
        return &profile->kinds[PROFILE_KINDS - 1];
    struct profile_kind *kind = &profile->kinds[profile->count++];
    memcpy(kind->name, name, length);
    return kind;
}

static inline void profile_line(void *ctx, const char *line)
{
    static const char start[] = "brick_verbose,v1,primitive,exec,cpu,";
    struct profile *profile = ctx;
    if (profile->forward)
        fprintf(stderr, "%s\n", line);
    if (strncmp(line, start, sizeof start - 1) != 0)
        return;
    const char *name = line + sizeof start - 1, *milliseconds = strrchr(line, ',') + 1;
    size_t length = strcspn(name, ","), room = sizeof profile->kinds->name - 1;
    struct profile_kind *kind = profile_kind(profile, name, length < room ? length : room);
    kind->calls++;
    kind->seconds += 1e-3 * atof(milliseconds);
}

// Books every execution from now on; one thread at a time may execute.
static inline void profile_start(struct profile *profile)
{
    const char *wanted = getenv("BRICK_VERBOSE");
    profile->forward = wanted && *wanted && strcmp(wanted, "0") != 0 && strcmp(wanted, "none") != 0;
    CHECK(brick_set_log(profile_line, profile));
    CHECK(brick_set_verbose(1));
}

static inline void profile_stop(void)
{
    CHECK(brick_set_verbose(0));
    CHECK(brick_set_log(NULL, NULL));
}

static inline double profile_seconds(const struct profile *profile, const char *name)
{
    double seconds = 0;
    for (int i = 0; i < profile->count; i++)
        if (!name || !strcmp(profile->kinds[i].name, name))
            seconds += profile->kinds[i].seconds;
    return seconds;
}

static inline void profile_row(const char *name, double share, long calls)
{
    printf("  %-16s %5.1f %%", name, 100 * share);
    bar(share, 32, calls ? GREEN : DIM);
    printf(calls ? "  %ld calls\n" : "\n", calls);
}

static inline int profile_order(const void *a, const void *b)
{
    const struct profile_kind *left = a, *right = b;
    return (left->seconds < right->seconds) - (left->seconds > right->seconds);
}

// A row for each kind of primitive, the longest first, and one for what the program does itself.
static inline void profile_report(struct profile *profile, double seconds)
{
    qsort(profile->kinds, (size_t)profile->count, sizeof *profile->kinds, profile_order);
    for (int i = 0; i < profile->count; i++) {
        const struct profile_kind *kind = &profile->kinds[i];
        profile_row(kind->name, kind->seconds / seconds, kind->calls);
    }
    profile_row("the program", 1 - profile_seconds(profile, NULL) / seconds, 0);
}

// The first line of a report: which library, which instructions, how many threads.
static inline void show_machine(void)
{
    brick_machine_info_t machine;
    CHECK(brick_machine_info(&machine));
    const char *isa = brick_cpu_isa2str((brick_cpu_isa_t)machine.effective_isa) + strlen("cpu_isa_");
    printf("%s%s%s, %s, %d thread%s\n", paint(BOLD), brick_version()->hash, paint(PLAIN), isa, machine.threads,
           machine.threads == 1 ? "" : "s");
}

// How close operations in floating point, done in so many seconds, came to what the processor can do.
static inline void show_rate(const char *what, double flops, double seconds, brick_data_type_t type)
{
    brick_machine_info_t machine;
    CHECK(brick_machine_info(&machine));
    double rate = 1e-9 * flops / seconds;
    double peak = machine.threads * measure_peak(type == brick_bf16 ? PEAK_BF16 : PEAK_F32);
    printf("%s at %.1f GFLOP/s", what, rate);
    if (peak > 0)
        printf(", %.0f %% of the peak of %.0f", 100 * rate / peak, peak);
    printf(" (%d thread%s).\n", machine.threads, machine.threads == 1 ? "" : "s");
}

#endif
