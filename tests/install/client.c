/* A client of the installed library, C99 and C++17: one ReLU, checked. */
#include <brick.h>
#include <stdio.h>

#define CHECK(call)                                                                   \
    do {                                                                              \
        if ((call) != brick_success) {                                                \
            fprintf(stderr, "%s: %s\n", #call, brick_last_error());                   \
            return 1;                                                                 \
        }                                                                             \
    } while (0)

int main(void)
{
    float data[4] = {-1, 2, -3, 4};
    brick_dims_t dims = {4};
    brick_engine_t engine = NULL;
    brick_stream_t stream = NULL;
    brick_memory_desc_t md = NULL;
    brick_memory_t memory = NULL;
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t relu = NULL;
    CHECK(brick_engine_create(&engine, brick_cpu, 0));
    CHECK(brick_stream_create(&stream, engine, brick_stream_default_flags));
    CHECK(brick_memory_desc_create_with_tag(&md, 1, dims, brick_f32, brick_a));
    CHECK(brick_memory_create(&memory, md, engine, data));
    CHECK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_relu, md, md, 0,
                                                      0, NULL));
    CHECK(brick_primitive_create(&relu, pd));
    brick_exec_arg_t args[2] = {{BRICK_ARG_SRC, memory}, {BRICK_ARG_DST, memory}};
    CHECK(brick_primitive_execute(relu, stream, 2, args));
    CHECK(brick_stream_wait(stream));
    CHECK(brick_primitive_destroy(relu));
    CHECK(brick_primitive_desc_destroy(pd));
    CHECK(brick_memory_destroy(memory));
    CHECK(brick_memory_desc_destroy(md));
    CHECK(brick_stream_destroy(stream));
    CHECK(brick_engine_destroy(engine));
    return !(data[0] == 0 && data[1] == 2 && data[2] == 0 && data[3] == 4);
}
