// Verbose lines reach the client's callback, in oneDNN's format, and say why a creation was refused.
#include "check.h"

static char lines[64][1024];
static int count;

static void collect(void *context, const char *line)
{
    EXPECT(context == &count);
    if (count < 64)
        snprintf(lines[count++], sizeof lines[0], "%s", line);
}

// Whether some line contains both texts.
static int seen(const char *first, const char *second)
{
    for (int i = 0; i < count; i++)
        if (strstr(lines[i], first) && strstr(lines[i], second))
            return 1;
    return 0;
}

int main(void)
{
    setup();
    OK(brick_set_log(collect, &count));
    static float data[16];
    brick_memory_desc_t md = vector(16, brick_f32), other = vector(15, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_relu, md, md, 0,
                                                   0, NULL));
    brick_exec_arg_t args[2] = {argument(BRICK_ARG_SRC, md, data), argument(BRICK_ARG_DST, md, data)};
    OK(brick_set_verbose(0));
    run_once(pd, 2, args);
    EXPECT(count == 0);

    OK(brick_set_verbose(1));
    run_once(pd, 2, args);
    EXPECT(seen("brick_verbose,v1,info,", "isa:"));
    EXPECT(seen("brick_verbose,v1,primitive,exec,cpu,eltwise,brick:", "forward_inference"));
    EXPECT(seen("exec,cpu,eltwise", "f32::blocked:a:"));
    EXPECT(!seen("primitive,create", ""));

    OK(brick_set_verbose(2));
    consume(pd, 2, args);
    EXPECT(seen("primitive,create", "eltwise"));

    pd = POISON(brick_primitive_desc_t);
    INVALID(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_relu, md,
                                                        other, 0, 0, NULL));
    OK(brick_set_verbose(0));
    OK(brick_set_log(NULL, NULL));
    OK(brick_memory_desc_destroy(md));
    OK(brick_memory_desc_destroy(other));
    teardown();
    return finish();
}
