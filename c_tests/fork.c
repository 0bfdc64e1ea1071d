// A child forked after the thread team ran computes, alone and with its own children, whatever other threads were about
// when it was forked and whatever its parent does afterwards; a watchdog ends a hang.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
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

// A multiplication of small matrices with `columns` columns: a kernel of its own for each number.
static brick_primitive_t narrow(int64_t columns)
{
    brick_memory_desc_t left = matrix(8, 8, brick_f32), right = matrix(8, columns, brick_f32),
                        result = matrix(8, columns, brick_f32);
    brick_primitive_desc_t pd = NULL;
    brick_primitive_t primitive = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, left, right, NULL, result, NULL));
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_desc_destroy(pd));
    DESTROY(left, right, result);
    return primitive;
}

static int narrow_works(brick_primitive_t primitive, int columns)
{
    static float result[8 * 64];
    brick_memory_desc_t left = matrix(8, 8, brick_f32), right = matrix(8, columns, brick_f32);
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, left, src), argument(BRICK_ARG_WEIGHTS, right, weights),
                                argument(BRICK_ARG_DST, right, result)};
    memset(result, 0xff, sizeof result);
    OK(brick_primitive_execute(primitive, stream, 3, args));
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < columns; j++) {
            float sum = 0;
            for (int k = 0; k < 8; k++)
                sum += src[i * 8 + k] * weights[k * columns + j];
            EXPECT(result[i * columns + j] == sum);
        }
    destroy_arguments(3, args);
    DESTROY(left, right);
    return !check_failures;
}

// The code that a child has inherited stays as it was when its parent drops it and generates other code.
static void inherited_code(void)
{
    int ready[2], capacity = 0;
    OK(brick_get_primitive_cache_capacity(&capacity));
    OK(brick_set_primitive_cache_capacity(0));
    brick_primitive_t inherited = narrow(29);
    EXPECT(!pipe(ready));
    pid_t child = fork();
    if (child == 0) {
        char go = 0;
        alarm(20);
        int good = read(ready[0], &go, 1) == 1 && narrow_works(inherited, 29);
        // And code of its own goes elsewhere.
        brick_primitive_t own = narrow(31);
        good = good && narrow_works(own, 31) && narrow_works(inherited, 29);
        _exit(good ? 0 : 1);
    }
    OK(brick_primitive_destroy(inherited));
    brick_primitive_t others[40];
    for (int i = 0; i < 40; i++)
        others[i] = narrow(1 + i);
    EXPECT(write(ready[1], "x", 1) == 1);
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 40; i++) {
        EXPECT(narrow_works(others[i], 1 + i));
        OK(brick_primitive_destroy(others[i]));
    }
    close(ready[0]);
    close(ready[1]);
    OK(brick_set_primitive_cache_capacity(capacity));
}

#ifdef __SANITIZE_ADDRESS__
// The sanitizer's own allocator keeps the locks that another thread held, so the child would wait for ever.
static void busy_creators(void) {}
#else
static volatile int stop;

static void *create_meanwhile(void *context)
{
    for (int i = 0; !stop; i = (i + 1) % 60)
        OK(brick_primitive_destroy(narrow(1 + i)));
    return context;
}

// No lock that another thread held stays locked in the child.
static void busy_creators(void)
{
    pthread_t thread;
    int capacity = 0;
    OK(brick_get_primitive_cache_capacity(&capacity));
    OK(brick_set_primitive_cache_capacity(0));
    EXPECT(!pthread_create(&thread, NULL, create_meanwhile, NULL));
    for (int i = 0; i < 30; i++)
        EXPECT(in_child(0));
    stop = 1;
    pthread_join(thread, NULL);
    OK(brick_set_primitive_cache_capacity(capacity));
}
#endif

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
    inherited_code();
    busy_creators();
    teardown();
    return finish();
}
