// What the examples share: checked calls, a clock, a generator of pseudo-random numbers.
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "brick.h"

// Calls a brick function; when it refuses, says what, where and why, and gives up.
#define CHECK(call)                                                                   \
    do {                                                                              \
        brick_status_t status_ = (call);                                              \
        if (status_ != brick_success) {                                               \
            fprintf(stderr, "%s:%d: %s\n  %s: %s\n", __FILE__, __LINE__, #call,       \
                    brick_status2str(status_), brick_last_error());                   \
            exit(EXIT_FAILURE);                                                       \
        }                                                                             \
    } while (0)

// malloc that gives up instead of returning NULL.
static inline void *allocate(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) {
        fprintf(stderr, "out of memory: %zu bytes\n", bytes);
        exit(EXIT_FAILURE);
    }
    return p;
}

// Seconds since some moment.
static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Uniform in [0, 1), the same sequence on every machine.
static inline float uniform(void)
{
    static uint32_t x = 2463534242u;
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    return (float)(x >> 8) / 16777216.0f;
}

#endif
