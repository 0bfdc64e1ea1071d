// Memory that cannot be had: a status, a sentence, and a library that goes on working.
#define _DEFAULT_SOURCE
#include <sys/resource.h>

#include "check.h"

int main(void)
{
#ifdef __SANITIZE_ADDRESS__
    return EXIT_SUCCESS; // its shadow memory does not fit under the limit
#endif
    setup();
    static float data[16] = {1, 2, 3};
    struct rlimit limit, old;
    EXPECT(!getrlimit(RLIMIT_AS, &old));
    limit = old;
    limit.rlim_cur = (rlim_t)1 << 31;
    brick_memory_desc_t huge = matrix(1 << 20, 1 << 20, brick_f32), small = vector(16, brick_f32);
    EXPECT(!setrlimit(RLIMIT_AS, &limit));
    brick_memory_t memory = POISON(brick_memory_t);
    FAILS(brick_out_of_memory, brick_memory_create(&memory, huge, engine, BRICK_MEMORY_ALLOCATE));
    UNTOUCHED(brick_memory_t, memory);

    // Scratch that cannot be had: transposed operands of 4 GB each would have to be packed.
    int64_t dims[] = {1 << 15, 1 << 15};
    brick_memory_desc_t transposed = tagged(2, dims, brick_f32, brick_ba), plain = tagged(2, dims, brick_f32, brick_ab);
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    brick_status_t status =
        brick_matmul_primitive_desc_create(&pd, engine, transposed, transposed, NULL, plain, NULL);
    if (status == brick_success)
        status = brick_primitive_create(&primitive, pd);
    EXPECT(status == brick_success || status == brick_out_of_memory);
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_desc_destroy(pd));
    OK(brick_memory_desc_destroy(transposed));
    OK(brick_memory_desc_destroy(plain));

    memory = memory_of(small, data);
    OK(brick_memory_destroy(memory));
    EXPECT(!setrlimit(RLIMIT_AS, &old));
    OK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_square, small,
                                                   small, 0, 0, NULL));
    brick_exec_arg_t args[2] = {argument(BRICK_ARG_SRC, small, data), argument(BRICK_ARG_DST, small, data)};
    consume(pd, 2, args);
    EXPECT(data[2] == 9);
    OK(brick_memory_desc_destroy(huge));
    OK(brick_memory_desc_destroy(small));
    teardown();
    return finish();
}
