// Primitive descriptors: queries, resolution of `any`, cloning, iteration, life times.
#include "check.h"

static brick_primitive_desc_t matmul(brick_format_tag_t weights_tag, brick_primitive_attr_t attr)
{
    int64_t dims[] = {32, 48};
    brick_memory_desc_t src = matrix(16, 32, brick_f32), weights = tagged(2, dims, brick_f32, weights_tag),
                        dst = matrix(16, 48, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src, weights, NULL, dst, attr));
    OK(brick_memory_desc_destroy(src));
    OK(brick_memory_desc_destroy(weights));
    OK(brick_memory_desc_destroy(dst));
    return pd;
}

static void queries(const_brick_primitive_desc_t pd)
{
    brick_primitive_kind_t kind = brick_undefined_primitive;
    int32_t inputs = 0, outputs = 0;
    brick_engine_t of_pd = NULL;
    const char *name = NULL;
    OK(brick_primitive_desc_query(pd, brick_query_primitive_kind, 0, &kind));
    OK(brick_primitive_desc_query(pd, brick_query_num_of_inputs_s32, 0, &inputs));
    OK(brick_primitive_desc_query(pd, brick_query_num_of_outputs_s32, 0, &outputs));
    OK(brick_primitive_desc_query(pd, brick_query_engine, 0, &of_pd));
    OK(brick_primitive_desc_query(pd, brick_query_impl_info_str, 0, &name));
    EXPECT(kind == brick_matmul && inputs == 2 && outputs == 1 && of_pd == engine);
    EXPECT(name && !strncmp(name, "brick:", 6));
    EXPECT(brick_primitive_desc_query_s32(pd, brick_query_num_of_inputs_s32, 0) == 2);

    const_brick_memory_desc_t src = brick_primitive_desc_query_md(pd, brick_query_src_md, 0);
    const_brick_memory_desc_t same = brick_primitive_desc_query_md(pd, brick_query_exec_arg_md, BRICK_ARG_SRC);
    EXPECT(src && same && brick_memory_desc_equal(src, same) && brick_memory_desc_get_size(src) == 16 * 32 * 4);
    const_brick_memory_desc_t weights = brick_primitive_desc_query_md(pd, brick_query_weights_md, 0);
    brick_format_kind_t format = brick_format_kind_any;
    OK(brick_memory_desc_query(weights, brick_query_format_kind, &format));
    EXPECT(format == brick_blocked);
    EXPECT(brick_memory_desc_get_size(weights) >= 32 * 48 * 4);

    // What a matmul does not have is absent.
    const_brick_memory_desc_t none = brick_primitive_desc_query_md(pd, brick_query_workspace_md, 0);
    EXPECT(!none || brick_memory_desc_get_size(none) == 0);
}

int main(void)
{
    setup();
    brick_primitive_desc_t pd = matmul(brick_format_tag_any, NULL), clone = NULL;
    queries(pd);
    OK(brick_primitive_desc_clone(&clone, pd));
    queries(clone);

    // There is one implementation.
    EXPECT(brick_primitive_desc_next_impl(clone) == brick_last_impl_reached);
    OK(brick_primitive_desc_destroy(clone));

    // The primitive outlives its descriptor and hands it out again.
    brick_primitive_t primitive = NULL;
    OK(brick_primitive_create(&primitive, pd));
    OK(brick_primitive_desc_destroy(pd));
    const_brick_primitive_desc_t again = NULL;
    OK(brick_primitive_get_primitive_desc(primitive, &again));
    queries(again);
    OK(brick_primitive_destroy(primitive));

    // The attributes come back with the descriptor.
    brick_primitive_attr_t attr = NULL;
    const_brick_primitive_attr_t got = NULL;
    brick_scratchpad_mode_t mode = brick_scratchpad_mode_library;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_scratchpad_mode(attr, brick_scratchpad_mode_user));
    pd = matmul(brick_ab, attr);
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_primitive_desc_get_attr(pd, &got));
    OK(brick_primitive_attr_get_scratchpad_mode(got, &mode));
    EXPECT(mode == brick_scratchpad_mode_user);
    int64_t library_bytes = -1;
    OK(brick_primitive_desc_query(pd, brick_query_memory_consumption_s64, 0, &library_bytes));
    EXPECT(library_bytes == 0);
    OK(brick_primitive_desc_destroy(pd));
    OK(brick_primitive_desc_destroy(NULL));
    OK(brick_primitive_destroy(NULL));
    teardown();
    return finish();
}
