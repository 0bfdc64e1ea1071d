// Engines and streams.
#include "check.h"

int main(void)
{
    EXPECT(brick_engine_get_count(brick_cpu) == 1);
    EXPECT(brick_engine_get_count(brick_gpu) == 0);
    setup();

    brick_engine_kind_t kind = brick_any_engine;
    OK(brick_engine_get_kind(engine, &kind));
    EXPECT(kind == brick_cpu);
    brick_engine_t of_stream = NULL;
    OK(brick_stream_get_engine(stream, &of_stream));
    EXPECT(of_stream == engine);
    OK(brick_stream_wait(stream));

    // The stream keeps what it needs of its engine.
    brick_engine_t other = NULL;
    brick_stream_t stream2 = NULL;
    OK(brick_engine_create(&other, brick_cpu, 0));
    EXPECT(other != engine);
    OK(brick_stream_create(&stream2, other, brick_stream_in_order));
    OK(brick_engine_destroy(other));
    OK(brick_stream_wait(stream2));
    OK(brick_stream_destroy(stream2));

    other = POISON(brick_engine_t);
    FAILS(brick_invalid_arguments, brick_engine_create(&other, brick_cpu, 1));
    UNTOUCHED(brick_engine_t, other);
    OK(brick_engine_destroy(NULL));
    OK(brick_stream_destroy(NULL));
    teardown();
    return finish();
}
