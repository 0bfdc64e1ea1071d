// Memory that cannot be had, for data, for code and for scratch: a status, a sentence, and a library that goes on working.
#define _DEFAULT_SOURCE
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"

enum { SIZE = 3000 };

static struct rlimit before;

// Lets the process grow by so many bytes.
static void confine(size_t bytes)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    EXPECT(file && fscanf(file, "%lu", &pages) == 1);
    if (file)
        fclose(file);
    struct rlimit limit = before;
    limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
    EXPECT(!setrlimit(RLIMIT_AS, &limit));
}

static void release(void)
{
    EXPECT(!setrlimit(RLIMIT_AS, &before));
}

// Small blocks come from memory that the process has already.
static void keep_some(void)
{
    void *blocks[16];
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_MMAP_THRESHOLD, 1 << 17);
    for (int i = 0; i < 16; i++)
        blocks[i] = malloc(1 << 16);
    for (int i = 0; i < 16; i++)
        free(blocks[i]);
}

static brick_primitive_desc_t square(brick_memory_desc_t md)
{
    brick_primitive_desc_t pd = NULL;
    OK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_square, md, md, 0, 0,
                                                   NULL));
    return pd;
}

static void code(void)
{
    static float data[16] = {1, 2, 3};
    brick_memory_desc_t md = vector(16, brick_f32);
    brick_primitive_desc_t pd = square(md);
    brick_primitive_t primitive = POISON(brick_primitive_t);
    const char *route = getenv("BRICK_JIT_MEMORY"), *isa = getenv("BRICK_MAX_ISA");
    if (!(route && !strcmp(route, "none")) && !(isa && !strcmp(isa, "portable"))) {
        confine(0);
        FAILS(brick_out_of_memory, brick_primitive_create(&primitive, pd));
        release();
        UNTOUCHED(brick_primitive_t, primitive);
    }
    // Once there is memory the same descriptor works.
    brick_exec_arg_t args[2] = {argument(BRICK_ARG_SRC, md, data), argument(BRICK_ARG_DST, md, data)};
    consume(pd, 2, args);
    EXPECT(data[2] == 9);
    OK(brick_memory_desc_destroy(md));
}

static void buffers(void)
{
    brick_memory_desc_t huge = matrix(1 << 20, 1 << 20, brick_f32), large = matrix(1 << 10, 1 << 10, brick_f32);
    brick_memory_t memory = POISON(brick_memory_t);
    void *handles[1] = {BRICK_MEMORY_ALLOCATE};
    confine(1 << 20);
    FAILS(brick_out_of_memory, brick_memory_create(&memory, huge, engine, BRICK_MEMORY_ALLOCATE));
    FAILS(brick_out_of_memory, brick_memory_create(&memory, large, engine, BRICK_MEMORY_ALLOCATE));
    FAILS(brick_out_of_memory, brick_memory_create_v2(&memory, large, engine, 1, handles));
    release();
    UNTOUCHED(brick_memory_t, memory);
    memory = memory_of(large, BRICK_MEMORY_ALLOCATE);
    OK(brick_memory_destroy(memory));
    DESTROY(huge, large);
}

// What a caller counts may be more than memory holds.
static void lists(void)
{
    enum { COUNT = 1 << 22 };
    static float scales[COUNT];
    const float *kept = NULL;
    brick_dim_t count = 0;
    brick_primitive_attr_t attr = NULL;
    OK(brick_primitive_attr_create(&attr));
    confine(1 << 20);
    FAILS(brick_out_of_memory, brick_primitive_attr_set_rnn_weights_qparams(attr, COUNT, 1, scales));
    release();
    OK(brick_primitive_attr_get_rnn_weights_qparams(attr, &count, NULL, &kept));
    EXPECT(count == 1 && *kept == 1);
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, COUNT, 1, scales));
    OK(brick_primitive_attr_destroy(attr));
}

static brick_primitive_desc_t multiply(brick_memory_desc_t src, brick_memory_desc_t dst, brick_scratchpad_mode_t mode)
{
    brick_primitive_desc_t pd = NULL;
    brick_primitive_attr_t attr = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scratchpad_mode(attr, mode));
    OK(brick_matmul_primitive_desc_create(&pd, engine, src, src, NULL, dst, attr));
    OK(brick_primitive_attr_destroy(attr));
    return pd;
}

static void scratch(void)
{
    int64_t dims[] = {SIZE, SIZE};
    brick_memory_desc_t src = tagged(2, dims, brick_f32, brick_ba), dst = tagged(2, dims, brick_f32, brick_ab);
    brick_primitive_t with_users = NULL, primitive = POISON(brick_primitive_t);
    // The caller's scratch costs nothing; the kernels are generated now.
    brick_primitive_desc_t pd = multiply(src, dst, brick_scratchpad_mode_user);
    OK(brick_primitive_create(&with_users, pd));
    OK(brick_primitive_desc_destroy(pd));

    int64_t bytes = 0;
    pd = multiply(src, dst, brick_scratchpad_mode_library);
    OK(brick_primitive_desc_query(pd, brick_query_memory_consumption_s64, 0, &bytes));
    EXPECT(bytes > 3 << 20);
    confine(2 << 20);
    FAILS(brick_out_of_memory, brick_primitive_create(&primitive, pd));
    release();
    UNTOUCHED(brick_primitive_t, primitive);
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_destroy(with_users));
    OK(brick_primitive_desc_destroy(pd));
    DESTROY(src, dst);
}

int main(void)
{
#ifdef __SANITIZE_ADDRESS__
    return EXIT_SUCCESS; // its shadow memory does not fit under the limit
#endif
    EXPECT(!getrlimit(RLIMIT_AS, &before));
    setup();
    keep_some();
    code();
    buffers();
    scratch();
    lists();
    teardown();
    return finish();
}
