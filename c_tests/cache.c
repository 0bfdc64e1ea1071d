// The primitive cache: its capacity, and that what comes out of it works.
#include "check.h"

static void relu(int64_t count)
{
    float data[64], result[64];
    fill(data, count, 3);
    brick_memory_desc_t md = vector(count, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_relu, md, md, 0,
                                                   0, NULL));
    brick_exec_arg_t args[2] = {argument(BRICK_ARG_SRC, md, data), argument(BRICK_ARG_DST, md, result)};
    consume(pd, 2, args);
    for (int64_t i = 0; i < count; i++)
        EXPECT(result[i] == (data[i] > 0 ? data[i] : 0));
    OK(brick_memory_desc_destroy(md));
}

int main(void)
{
    setup();
    int capacity = 0;
    OK(brick_get_primitive_cache_capacity(&capacity));
    EXPECT(capacity == 1024 || getenv("BRICK_PRIMITIVE_CACHE_CAPACITY"));
    for (int round = 0; round < 3; round++)
        for (int64_t count = 1; count <= 64; count += 7)
            relu(count);
    OK(brick_set_primitive_cache_capacity(2));
    OK(brick_get_primitive_cache_capacity(&capacity));
    EXPECT(capacity == 2);
    for (int64_t count = 1; count <= 64; count += 7)
        relu(count);
    OK(brick_set_primitive_cache_capacity(0));
    relu(64);
    INVALID(brick_set_primitive_cache_capacity(-1));
    INVALID(brick_get_primitive_cache_capacity(NULL));
    teardown();
    return finish();
}
