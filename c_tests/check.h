// The C harness: expectations that count instead of stopping, and the objects that most clients need.
//
// Clients are written in the common subset of C99 and C++17 and are compiled as both. Each is one main() that returns
// finish().
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brick.h"

static int check_failures = 0;

static inline void check_that(int good, const char *file, int line, const char *what, const char *found)
{
    if (good)
        return;
    if (check_failures++ >= 20) // enough to see what is wrong
        return;
    fprintf(stderr, "%s:%d: %s%s%s\n", file, line, what, *found ? ": " : "", found);
}

static inline int finish(void)
{
    if (check_failures)
        fprintf(stderr, "%d expectations failed\n", check_failures);
    return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define EXPECT(condition) check_that(!!(condition), __FILE__, __LINE__, #condition, "")

// The call succeeds.
#define OK(call) check_status((call), brick_success, __FILE__, __LINE__, #call)

// The call is refused with this status, and leaves a sentence of its own in brick_last_error.
#define FAILS(status, call) (check_forget(), check_status((call), (status), __FILE__, __LINE__, #call))
#define INVALID(call) FAILS(brick_invalid_arguments, call)
#define UNIMPLEMENTED(call) FAILS(brick_unimplemented, call)

// The last sentence says so.
#define SAYS(words) check_that(!!strstr(brick_last_error(), words), __FILE__, __LINE__, words, brick_last_error())

// A number that no enumeration has.
#define BAD 0x7777

// A refused creation leaves the caller's variable as it was.
#define POISON(type) ((type)(uintptr_t)0x5a5a5a5a)
#define UNTOUCHED(type, variable) EXPECT((variable) == POISON(type))
#define INVALID_CREATE(type, variable, call)                                          \
    do {                                                                              \
        variable = POISON(type);                                                      \
        INVALID(call);                                                                \
        UNTOUCHED(type, variable);                                                    \
    } while (0)

static const char *check_stale = "";

// Replaces the last sentence by a known one, so that the next call's sentence is seen to be its own.
static inline void check_forget(void)
{
    static char copy[512];
    (void)brick_set_verbose(-12345);
    snprintf(copy, sizeof copy, "%s", brick_last_error());
    check_stale = copy;
}

static inline void check_status(brick_status_t got, brick_status_t want, const char *file, int line, const char *what)
{
    char found[768];
    snprintf(found, sizeof found, "status %d, expected %d (%s)", (int)got, (int)want, brick_last_error());
    check_that(got == want, file, line, what, found);
    if (want == brick_success || got != want)
        return;
    const char *sentence = brick_last_error();
    check_that(strlen(sentence) > 8 && strcmp(sentence, check_stale), file, line, what, "no sentence of its own");
    if (getenv("CHECK_SHOW"))
        printf("%s\n    %s\n", what, sentence);
}

// An engine and a stream.
static brick_engine_t engine;
static brick_stream_t stream;

static inline void setup(void)
{
    OK(brick_engine_create(&engine, brick_cpu, 0));
    OK(brick_stream_create(&stream, engine, brick_stream_default_flags));
    if (check_failures)
        exit(EXIT_FAILURE);
}

static inline void teardown(void)
{
    OK(brick_stream_destroy(stream));
    OK(brick_engine_destroy(engine));
}

// Descriptors; the caller destroys them, with DESTROY several at once.
static inline brick_memory_desc_t tagged(int ndims, const int64_t *dims, brick_data_type_t type,
                                         brick_format_tag_t tag)
{
    brick_memory_desc_t md = NULL;
    brick_dims_t all = {0};
    memcpy(all, dims, (size_t)ndims * sizeof *dims);
    OK(brick_memory_desc_create_with_tag(&md, ndims, all, type, tag));
    return md;
}

#define DESTROY(...)                                                                  \
    do {                                                                              \
        brick_memory_desc_t check_mds[] = {__VA_ARGS__};                              \
        for (size_t check_i = 0; check_i < sizeof check_mds / sizeof *check_mds; check_i++) \
            OK(brick_memory_desc_destroy(check_mds[check_i]));                        \
    } while (0)

static inline brick_memory_desc_t vector(int64_t count, brick_data_type_t type)
{
    return tagged(1, &count, type, brick_a);
}

static inline brick_memory_desc_t matrix(int64_t rows, int64_t columns, brick_data_type_t type)
{
    int64_t dims[] = {rows, columns};
    return tagged(2, dims, type, brick_ab);
}

// A memory object over `data`, or over brick's own buffer when data is BRICK_MEMORY_ALLOCATE.
static inline brick_memory_t memory_of(const_brick_memory_desc_t md, void *data)
{
    brick_memory_t memory = NULL;
    OK(brick_memory_create(&memory, md, engine, data));
    return memory;
}

static inline brick_exec_arg_t argument(int arg, const_brick_memory_desc_t md, void *data)
{
    brick_exec_arg_t result;
    result.arg = arg;
    result.memory = memory_of(md, data);
    return result;
}

static inline void destroy_arguments(int count, brick_exec_arg_t *args)
{
    for (int i = 0; i < count; i++)
        OK(brick_memory_destroy(args[i].memory));
}

// Creates, executes once, destroys the primitive; the descriptor stays the caller's.
static inline void run_once(const_brick_primitive_desc_t pd, int count, brick_exec_arg_t *args)
{
    brick_primitive_t primitive = NULL;
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_execute(primitive, stream, count, args));
    OK(brick_stream_wait(stream));
    OK(brick_primitive_destroy(primitive));
}

// And everything else with it.
static inline void consume(brick_primitive_desc_t pd, int count, brick_exec_arg_t *args)
{
    run_once(pd, count, args);
    destroy_arguments(count, args);
    OK(brick_primitive_desc_destroy(pd));
}

// Small integers, so that products and sums are exact in every type.
static inline void fill(float *data, int64_t count, int seed)
{
    uint32_t x = 2463534242u + (uint32_t)seed * 2654435761u;
    for (int64_t i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        data[i] = (float)(int)(x >> 8 & 7) - 3.0f;
    }
}

static inline void expect_floats(const float *got, const float *want, int64_t count, const char *what)
{
    for (int64_t i = 0; i < count; i++) {
        if (got[i] == want[i])
            continue;
        char found[128];
        snprintf(found, sizeof found, "element %ld is %g, expected %g", (long)i, (double)got[i], (double)want[i]);
        check_that(0, __FILE__, __LINE__, what, found);
        return;
    }
}

#endif
