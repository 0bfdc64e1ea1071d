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

static int hits, misses;

static void count(void *context, const char *line)
{
    (void)context;
    hits += strstr(line, "create:cache_hit") != NULL;
    misses += strstr(line, "create:cache_miss") != NULL;
}

// Creates the primitives for 1 to `last` elements, in that order, and tells how many were in the cache.
static int found(int64_t last)
{
    hits = misses = 0;
    for (int64_t n = 1; n <= last; n++)
        relu(n);
    EXPECT(hits + misses == last);
    return hits;
}

// The capacity is what the cache holds, and what has not been used for the longest time leaves first.
static void capacities(void)
{
    OK(brick_set_log(count, NULL));
    OK(brick_set_verbose(2));
    OK(brick_set_primitive_cache_capacity(0)); // empties it
    EXPECT(found(4) == 0 && found(4) == 0);
    OK(brick_set_primitive_cache_capacity(4));
    EXPECT(found(4) == 0 && found(4) == 4 && found(4) == 4);
    EXPECT(found(5) == 4 && misses == 1); // 1 leaves for 5,
    EXPECT(found(5) == 0);                // 2 for 1, and so on
    relu(2);
    OK(brick_set_primitive_cache_capacity(2)); // 2 and 5 were used last
    hits = 0;
    relu(5), relu(2);
    EXPECT(hits == 2);
    relu(4);
    EXPECT(hits == 2);
    OK(brick_set_verbose(0));
    OK(brick_set_log(NULL, NULL));
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
    capacities();
    INVALID(brick_set_primitive_cache_capacity(-1));
    INVALID(brick_get_primitive_cache_capacity(NULL));
    teardown();
    return finish();
}
