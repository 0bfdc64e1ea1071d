// A child forked after the thread team ran computes, alone and with its own children; a watchdog ends a hang.
#define _POSIX_C_SOURCE 200809L
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { SIZE = 256 };

static float src[SIZE * SIZE], weights[SIZE * SIZE], dst[SIZE * SIZE], want[SIZE * SIZE];

static int multiply(void)
{
    brick_memory_desc_t md = matrix(SIZE, SIZE, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, md, md, NULL, md, NULL));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, md, src), argument(BRICK_ARG_WEIGHTS, md, weights),
                                argument(BRICK_ARG_DST, md, dst)};
    memset(dst, 0xff, sizeof dst);
    consume(pd, 3, args);
    OK(brick_memory_desc_destroy(md));
    return memcmp(dst, want, sizeof dst) == 0 && !check_failures;
}

static int in_child(int generations)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        int good = multiply() && (generations == 0 || in_child(generations - 1));
        _exit(good ? 0 : 1);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    alarm(60);
    setup();
    fill(src, SIZE * SIZE, 1);
    fill(weights, SIZE * SIZE, 2);
    for (int i = 0; i < SIZE; i++)
        for (int k = 0; k < SIZE; k++)
            for (int j = 0; j < SIZE; j++)
                want[i * SIZE + j] += src[i * SIZE + k] * weights[k * SIZE + j];
    EXPECT(in_child(0)); // before the team exists
    EXPECT(multiply());
    EXPECT(in_child(2));
    EXPECT(multiply()); // and the parent's team still works
    teardown();
    return finish();
}
