// Memory objects: the caller's buffers, brick's own, mapping, handles.
#include "check.h"

// A number that lies in the object itself.
static void host_scalars(void)
{
    brick_memory_desc_t md = NULL;
    brick_memory_t memory = NULL;
    float value = 2.5f, got = 0;
    OK(brick_memory_desc_create_host_scalar(&md, brick_f32));
    OK(brick_memory_create_host_scalar(&memory, md, &value));
    OK(brick_memory_get_host_scalar_value(memory, &got));
    EXPECT(got == 2.5f);
    value = -1.0f;
    OK(brick_memory_get_host_scalar_value(memory, &got));
    EXPECT(got == 2.5f);
    OK(brick_memory_set_host_scalar_value(memory, &value));
    OK(brick_memory_get_host_scalar_value(memory, &got));
    EXPECT(got == -1.0f);
    INVALID(brick_memory_get_host_scalar_value(memory, NULL));
    INVALID(brick_memory_set_host_scalar_value(NULL, &value));
    OK(brick_memory_destroy(memory));
    OK(brick_memory_desc_destroy(md));
}

int main(void)
{
    setup();
    host_scalars();
    static float data[6] = {1, 2, 3, 4, 5, 6}, other[6];
    brick_memory_desc_t md = matrix(2, 3, brick_f32);

    // Around the caller's buffer.
    brick_memory_t memory = memory_of(md, data);
    void *handle = NULL;
    OK(brick_memory_get_data_handle(memory, &handle));
    EXPECT(handle == data);
    OK(brick_memory_set_data_handle(memory, other));
    OK(brick_memory_get_data_handle_v2(memory, &handle, 0));
    EXPECT(handle == other);
    OK(brick_memory_set_data_handle_v2(memory, data, 0));
    const_brick_memory_desc_t queried = NULL;
    OK(brick_memory_get_memory_desc(memory, &queried));
    EXPECT(brick_memory_desc_equal(queried, md));
    brick_engine_t of_memory = NULL;
    OK(brick_memory_get_engine(memory, &of_memory));
    EXPECT(of_memory == engine);
    void *mapped = NULL;
    OK(brick_memory_map_data(memory, &mapped));
    EXPECT(mapped == data && data[5] == 6);
    OK(brick_memory_unmap_data(memory, mapped));
    OK(brick_memory_destroy(memory));

    // brick's own buffer lives and dies with the object.
    memory = memory_of(md, BRICK_MEMORY_ALLOCATE);
    OK(brick_memory_map_data_v2(memory, &mapped, 0));
    EXPECT(mapped != NULL && (uintptr_t)mapped % 64 == 0);
    memset(mapped, 0, 24);
    OK(brick_memory_unmap_data_v2(memory, mapped, 0));
    OK(brick_memory_destroy(memory));

    // No buffer yet.
    memory = memory_of(md, BRICK_MEMORY_NONE);
    OK(brick_memory_get_data_handle(memory, &handle));
    EXPECT(handle == NULL);
    OK(brick_memory_destroy(memory));

    void *handles[] = {data};
    OK(brick_memory_create_v2(&memory, md, engine, 1, handles));
    OK(brick_memory_get_data_handle(memory, &handle));
    EXPECT(handle == data);
    // The descriptor may go first.
    OK(brick_memory_desc_destroy(md));
    OK(brick_memory_get_memory_desc(memory, &queried));
    EXPECT(brick_memory_desc_get_size(queried) == 24);
    OK(brick_memory_destroy(memory));
    OK(brick_memory_destroy(NULL));
    teardown();
    return finish();
}
