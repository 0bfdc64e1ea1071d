// A walk through what callers get wrong: every call answers with a status and a sentence, and touches nothing.
#include "check.h"

#define NO_MD ((const_brick_memory_desc_t)NULL)
#define BAD 0x7777

static brick_memory_desc_t f32_2x3, f32_3x4, f32_2x4, f32_any, s32_2x3, blocked;

static void engines(void)
{
    brick_engine_t e;
    brick_stream_t s;
    brick_engine_kind_t kind;
    INVALID(brick_engine_create(NULL, brick_cpu, 0));
    INVALID_CREATE(brick_engine_t, e, brick_engine_create(&e, (brick_engine_kind_t)BAD, 0));
    INVALID_CREATE(brick_engine_t, e, brick_engine_create(&e, brick_cpu, 7));
    e = POISON(brick_engine_t);
    UNIMPLEMENTED(brick_engine_create(&e, brick_gpu, 0));
    UNTOUCHED(brick_engine_t, e);
    EXPECT(brick_engine_get_count((brick_engine_kind_t)BAD) == 0);
    INVALID(brick_engine_get_kind(NULL, &kind));
    INVALID(brick_engine_get_kind(engine, NULL));
    INVALID(brick_stream_create(NULL, engine, brick_stream_default_flags));
    INVALID_CREATE(brick_stream_t, s, brick_stream_create(&s, NULL, brick_stream_default_flags));
    INVALID_CREATE(brick_stream_t, s, brick_stream_create(&s, engine, BAD));
    INVALID(brick_stream_get_engine(NULL, &e));
    INVALID(brick_stream_get_engine(stream, NULL));
    EXPECT(brick_stream_wait(NULL) == brick_invalid_arguments);
}

static void descriptors_by_tag(void)
{
    brick_memory_desc_t md;
    brick_dims_t dims = {2, 3}, negative = {2, -3}, huge = {(int64_t)1 << 40, (int64_t)1 << 40};
#define TAGGED(ndims, dims, type, tag)                                                \
    INVALID_CREATE(brick_memory_desc_t, md, brick_memory_desc_create_with_tag(&md, ndims, dims, type, tag))
    INVALID(brick_memory_desc_create_with_tag(NULL, 2, dims, brick_f32, brick_ab));
    TAGGED(-1, dims, brick_f32, brick_ab);
    TAGGED(13, dims, brick_f32, brick_ab);
    TAGGED(2, NULL, brick_f32, brick_ab);
    TAGGED(2, negative, brick_f32, brick_ab);
    TAGGED(2, huge, brick_f32, brick_ab);
    TAGGED(2, dims, (brick_data_type_t)BAD, brick_ab);
    TAGGED(2, dims, (brick_data_type_t)-1, brick_ab);
    TAGGED(2, dims, brick_data_type_undef, brick_ab);
    TAGGED(2, dims, brick_f32, (brick_format_tag_t)BAD);
    TAGGED(2, dims, brick_f32, (brick_format_tag_t)-1);
    TAGGED(2, dims, brick_f32, brick_abc);
    TAGGED(2, dims, brick_f32, brick_nChw16c);
#undef TAGGED
#define NAMED(tag)                                                                    \
    INVALID_CREATE(brick_memory_desc_t, md, brick_memory_desc_create_with_string_tag(&md, 2, dims, brick_f32, tag))
    INVALID(brick_memory_desc_create_with_string_tag(NULL, 2, dims, brick_f32, "ab"));
    NAMED(NULL);
    NAMED("");
    NAMED("abc");
    NAMED("aa");
    NAMED("not a tag");
    NAMED("ab99999999999999999999b");
#undef NAMED
}

static void descriptors_by_strides(void)
{
    brick_memory_desc_t md;
    brick_dims_t dims = {4, 4}, overlap = {1, 1}, nearly = {3, 1}, negative = {-4, 1},
                 huge = {INT64_MAX / 2, 1}, good = {4, 1};
#define STRIDED(ndims, dims, type, strides)                                           \
    INVALID_CREATE(brick_memory_desc_t, md, brick_memory_desc_create_with_strides(&md, ndims, dims, type, strides))
    INVALID(brick_memory_desc_create_with_strides(NULL, 2, dims, brick_f32, good));
    STRIDED(2, NULL, brick_f32, good);
    STRIDED(13, dims, brick_f32, good);
    STRIDED(-1, dims, brick_f32, good);
    STRIDED(2, dims, (brick_data_type_t)BAD, good);
    STRIDED(2, dims, brick_f32, overlap);
    STRIDED(2, dims, brick_f32, nearly);
    STRIDED(2, dims, brick_f32, negative);
    STRIDED(2, dims, brick_f32, huge);
#undef STRIDED
}

static void views(void)
{
    brick_memory_desc_t md;
    brick_dims_t part = {1, 2}, offsets = {1, 1}, outside = {2, 2}, below = {-1, 0}, flat = {7}, split = {2, 0, 3};
    int swap[] = {1, 0}, twice[] = {0, 0}, beyond[] = {0, 2};
#define VIEW(call) INVALID_CREATE(brick_memory_desc_t, md, call)
    INVALID(brick_memory_desc_create_submemory(NULL, f32_2x3, part, offsets));
    VIEW(brick_memory_desc_create_submemory(&md, NULL, part, offsets));
    VIEW(brick_memory_desc_create_submemory(&md, f32_2x3, NULL, offsets));
    VIEW(brick_memory_desc_create_submemory(&md, f32_2x3, part, NULL));
    VIEW(brick_memory_desc_create_submemory(&md, f32_2x3, part, outside));
    VIEW(brick_memory_desc_create_submemory(&md, f32_2x3, part, below));
    INVALID(brick_memory_desc_permute_axes(NULL, f32_2x3, swap));
    VIEW(brick_memory_desc_permute_axes(&md, NULL, swap));
    VIEW(brick_memory_desc_permute_axes(&md, f32_2x3, NULL));
    VIEW(brick_memory_desc_permute_axes(&md, f32_2x3, twice));
    VIEW(brick_memory_desc_permute_axes(&md, f32_2x3, beyond));
    INVALID(brick_memory_desc_reshape(NULL, f32_2x3, 1, flat));
    VIEW(brick_memory_desc_reshape(&md, NULL, 1, flat));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, 1, NULL));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, 1, flat));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, 3, split));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, 13, flat));
    INVALID(brick_memory_desc_clone(NULL, f32_2x3));
    VIEW(brick_memory_desc_clone(&md, NULL));
    VIEW(brick_memory_desc_create_with_blob(&md, NULL));
    INVALID(brick_memory_desc_get_blob(NULL, NULL, f32_2x3));
#undef VIEW
    int32_t number = 0;
    INVALID(brick_memory_desc_query(NULL, brick_query_ndims_s32, &number));
    INVALID(brick_memory_desc_query(f32_2x3, brick_query_ndims_s32, NULL));
    INVALID(brick_memory_desc_query(f32_2x3, (brick_query_t)BAD, &number));
    INVALID(brick_memory_desc_query(f32_2x3, brick_query_src_md, &number));
    INVALID(brick_memory_desc_query(f32_any, brick_query_inner_nblks_s32, &number));
    INVALID(brick_memory_desc_query_v2(NULL, brick_query_ndims_s32, 0, &number));
    INVALID(brick_memory_desc_query_v2(f32_2x3, (brick_query_t)BAD, 0, &number));
    EXPECT(brick_memory_desc_get_size(NULL) == 0);
    EXPECT(brick_memory_desc_equal(f32_2x3, NULL) == 0);
    EXPECT(brick_data_type_size((brick_data_type_t)BAD) == SIZE_MAX);
}

static void memories(void)
{
    static float data[12];
    brick_memory_t memory;
    void *pointer = NULL, *handles[2] = {data, data};
    const_brick_memory_desc_t md = NULL;
    brick_engine_t of_memory = NULL;
    INVALID(brick_memory_create(NULL, f32_2x3, engine, data));
    INVALID_CREATE(brick_memory_t, memory, brick_memory_create(&memory, NULL, engine, data));
    INVALID_CREATE(brick_memory_t, memory, brick_memory_create(&memory, f32_2x3, NULL, data));
    INVALID_CREATE(brick_memory_t, memory, brick_memory_create(&memory, f32_any, engine, data));
    INVALID(brick_memory_create_v2(NULL, f32_2x3, engine, 1, handles));
    INVALID_CREATE(brick_memory_t, memory, brick_memory_create_v2(&memory, f32_2x3, engine, 2, handles));
    INVALID_CREATE(brick_memory_t, memory, brick_memory_create_v2(&memory, f32_2x3, engine, -1, handles));
    INVALID_CREATE(brick_memory_t, memory, brick_memory_create_v2(&memory, f32_2x3, engine, 1, NULL));
    brick_dims_t runtime = {BRICK_RUNTIME_DIM_VAL, 3};
    brick_memory_desc_t unknown = NULL;
    OK(brick_memory_desc_create_with_tag(&unknown, 2, runtime, brick_f32, brick_ab));
    INVALID_CREATE(brick_memory_t, memory, brick_memory_create(&memory, unknown, engine, data));
    OK(brick_memory_desc_destroy(unknown));

    memory = memory_of(f32_2x3, data);
    INVALID(brick_memory_get_memory_desc(NULL, &md));
    INVALID(brick_memory_get_memory_desc(memory, NULL));
    INVALID(brick_memory_get_engine(NULL, &of_memory));
    INVALID(brick_memory_get_engine(memory, NULL));
    INVALID(brick_memory_get_data_handle(NULL, &pointer));
    INVALID(brick_memory_get_data_handle(memory, NULL));
    INVALID(brick_memory_get_data_handle_v2(memory, &pointer, 1));
    INVALID(brick_memory_get_data_handle_v2(memory, &pointer, -1));
    INVALID(brick_memory_set_data_handle(NULL, data));
    INVALID(brick_memory_set_data_handle_v2(memory, data, 1));
    INVALID(brick_memory_map_data(NULL, &pointer));
    INVALID(brick_memory_map_data(memory, NULL));
    INVALID(brick_memory_map_data_v2(memory, &pointer, 1));
    INVALID(brick_memory_unmap_data(NULL, data));
    EXPECT(pointer == NULL && md == NULL && of_memory == NULL);
    OK(brick_memory_destroy(memory));
}

static void attributes(void)
{
    brick_primitive_attr_t attr = NULL, other;
    brick_post_ops_t ops = NULL, clone;
    int number = 0;
    float x = 0;
    brick_alg_kind_t alg = brick_alg_kind_undef;
    brick_dims_t groups = {0, 0};
    INVALID(brick_primitive_attr_create(NULL));
    OK(brick_primitive_attr_create(&attr));
    INVALID_CREATE(brick_primitive_attr_t, other, brick_primitive_attr_clone(&other, NULL));
    INVALID(brick_primitive_attr_clone(NULL, attr));
    INVALID(brick_primitive_attr_set_scratchpad_mode(attr, (brick_scratchpad_mode_t)BAD));
    INVALID(brick_primitive_attr_set_scratchpad_mode(NULL, brick_scratchpad_mode_user));
    INVALID(brick_primitive_attr_get_scratchpad_mode(attr, NULL));
    INVALID(brick_primitive_attr_set_fpmath_mode(attr, (brick_fpmath_mode_t)BAD));
    INVALID(brick_primitive_attr_set_fpmath_mode_v2(NULL, brick_fpmath_mode_bf16, 0));
    INVALID(brick_primitive_attr_set_accumulation_mode(attr, (brick_accumulation_mode_t)BAD));
    INVALID(brick_primitive_attr_set_deterministic(NULL, 1));
    INVALID(brick_primitive_attr_get_deterministic(attr, NULL));
    INVALID(brick_primitive_attr_set_rounding(attr, BRICK_ARG_DST, (brick_rounding_mode_t)BAD));
    INVALID(brick_primitive_attr_set_scales_mask(NULL, BRICK_ARG_SRC, 0));
    INVALID(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC, -1));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_SRC, 0, 0, NULL, (brick_data_type_t)BAD));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, 2, groups, brick_f32));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, 2, NULL, brick_f32));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, 13, groups, brick_f32));
    INVALID(brick_primitive_attr_set_zero_points_mask(attr, BRICK_ARG_SRC, -1));
    INVALID(brick_primitive_attr_set_zero_points(attr, BRICK_ARG_SRC, 0, 0, NULL, (brick_data_type_t)BAD));
    INVALID(brick_primitive_attr_set_post_ops(NULL, NULL));
    INVALID(brick_primitive_attr_get_post_ops(attr, NULL));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, -1, 0, &x));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, 1, 0, NULL));

    INVALID(brick_post_ops_create(NULL));
    OK(brick_post_ops_create(&ops));
    INVALID_CREATE(brick_post_ops_t, clone, brick_post_ops_clone(&clone, NULL));
    INVALID(brick_post_ops_append_eltwise(NULL, brick_eltwise_relu, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, (brick_alg_kind_t)BAD, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, brick_binary_add, 0, 0));
    INVALID(brick_post_ops_append_binary(ops, brick_eltwise_relu, f32_2x3));
    INVALID(brick_post_ops_append_binary(ops, brick_binary_add, NULL));
    INVALID(brick_post_ops_append_sum(ops, 1, 0, (brick_data_type_t)BAD));
    INVALID(brick_post_ops_append_prelu(ops, -1));
    INVALID(brick_post_ops_append_dw(ops, brick_f32, brick_f32, brick_f32, 0, 1, 1));
    EXPECT(brick_post_ops_len(ops) == 0 && brick_post_ops_len(NULL) <= 0);
    EXPECT(brick_post_ops_get_kind(ops, 0) == brick_undefined_primitive);
    INVALID(brick_post_ops_get_params_eltwise(ops, 0, &alg, &x, &x));
    INVALID(brick_post_ops_get_params_prelu(ops, -1, &number));
    // No more than 32.
    for (int i = 0; i < 32; i++)
        OK(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    EXPECT(brick_post_ops_len(ops) == 32);
    OK(brick_post_ops_destroy(ops));
    OK(brick_primitive_attr_destroy(attr));
}

#define PD(call) INVALID_CREATE(brick_primitive_desc_t, pd, call)

static void matmuls(void)
{
    brick_primitive_desc_t pd;
    brick_memory_desc_t zero = NULL, bias = matrix(1, 5, brick_f32), f64 = matrix(3, 4, brick_f64);
    OK(brick_memory_desc_create_with_tag(&zero, 0, NULL, brick_data_type_undef, brick_format_tag_undef));
    INVALID(brick_matmul_primitive_desc_create(NULL, engine, f32_2x3, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, NULL, f32_2x3, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, NULL, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, NULL, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, NULL, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, zero, f32_3x4, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_2x3, NO_MD, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, f32_3x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, bias, f32_2x4, NULL));
    PD(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, blocked, NULL));

    // What means something but is not done is not the caller's fault.
    pd = POISON(brick_primitive_desc_t);
    UNIMPLEMENTED(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f64, NO_MD, f32_2x4, NULL));
    brick_primitive_attr_t attr = NULL;
    brick_memory_desc_t mask = matrix(2, 4, brick_u8);
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_dropout(attr, mask));
    UNIMPLEMENTED(brick_matmul_primitive_desc_create(&pd, engine, f32_2x3, f32_3x4, NO_MD, f32_2x4, attr));
    UNTOUCHED(brick_primitive_desc_t, pd);
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_memory_desc_destroy(mask));
    OK(brick_memory_desc_destroy(f64));
    OK(brick_memory_desc_destroy(bias));
    OK(brick_memory_desc_destroy(zero));
}

static void inner_products(void)
{
    brick_primitive_desc_t pd;
    brick_memory_desc_t weights = matrix(4, 3, brick_f32), bias = vector(4, brick_f32), long_bias = vector(5, brick_f32);
#define FORWARD(prop, src, weights, bias, dst)                                        \
    PD(brick_inner_product_forward_primitive_desc_create(&pd, engine, prop, src, weights, bias, dst, NULL))
    FORWARD((brick_prop_kind_t)BAD, f32_2x3, weights, bias, f32_2x4);
    FORWARD(brick_backward_data, f32_2x3, weights, bias, f32_2x4);
    FORWARD(brick_forward_inference, NO_MD, weights, bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, NO_MD, bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, weights, bias, NO_MD);
    FORWARD(brick_forward_inference, f32_2x3, f32_3x4, bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, weights, long_bias, f32_2x4);
    FORWARD(brick_forward_inference, f32_2x3, weights, bias, f32_2x3);
    FORWARD(brick_forward_inference, blocked, weights, bias, f32_2x4);
#undef FORWARD
    INVALID(brick_inner_product_forward_primitive_desc_create(NULL, engine, brick_forward_inference, f32_2x3, weights,
                                                              bias, f32_2x4, NULL));
    PD(brick_inner_product_backward_data_primitive_desc_create(&pd, engine, NULL, weights, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_data_primitive_desc_create(&pd, engine, f32_2x3, f32_2x3, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_data_primitive_desc_create(&pd, NULL, f32_2x3, weights, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, f32_2x3, NULL, bias, f32_2x4, NULL, NULL));
    PD(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, f32_2x3, weights, long_bias, f32_2x4,
                                                                  NULL, NULL));
    OK(brick_memory_desc_destroy(weights));
    OK(brick_memory_desc_destroy(bias));
    OK(brick_memory_desc_destroy(long_bias));
}

static void elementwise(void)
{
    brick_primitive_desc_t pd;
    const float scales[] = {1, 1};
    const_brick_memory_desc_t sources[] = {f32_2x3, f32_2x4}, with_null[] = {f32_2x3, NULL};
    INVALID(brick_reorder_primitive_desc_create(NULL, f32_2x3, engine, f32_2x3, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, NULL, engine, f32_2x3, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, NULL, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, NULL, f32_2x3, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, f32_2x4, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, blocked, engine, NULL));
    PD(brick_reorder_primitive_desc_create(&pd, f32_any, engine, f32_2x3, engine, NULL));

    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_backward_data, brick_eltwise_relu, f32_2x3,
                                                   f32_2x3, 0, 0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_binary_add, f32_2x3, f32_2x3, 0, 0,
                                                   NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, (brick_alg_kind_t)BAD, f32_2x3, f32_2x3,
                                                   0, 0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_relu, f32_2x3, f32_2x4, 0,
                                                   0, NULL));
    PD(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_relu, NULL, f32_2x4, 0, 0,
                                                   NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x3, f32_2x4, f32_2x3, 0, 0,
                                                    NULL, NULL));
    PD(brick_eltwise_backward_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x3, f32_2x3, NULL, 0, 0, NULL,
                                                    NULL));

    PD(brick_binary_primitive_desc_create(&pd, engine, brick_eltwise_relu, f32_2x3, f32_2x3, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, f32_2x3, f32_2x4, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, f32_2x3, f32_2x3, blocked, NULL));
    PD(brick_binary_primitive_desc_create(&pd, engine, brick_binary_add, NULL, f32_2x3, f32_2x3, NULL));
    PD(brick_binary_primitive_desc_create_v2(&pd, engine, brick_binary_select, f32_2x3, f32_2x3, NULL, f32_2x3, NULL));

    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 2, scales, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 2, scales, with_null, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 0, scales, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, -1, scales, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 1, NULL, sources, NULL));
    PD(brick_sum_primitive_desc_create(&pd, engine, NULL, 1, scales, NULL, NULL));
}

static void primitives(void)
{
    brick_primitive_desc_t pd = NULL, clone;
    brick_primitive_t primitive;
    const_brick_primitive_desc_t back = NULL;
    const_brick_primitive_attr_t attr = NULL;
    int32_t number = 0;
    size_t size = 0;
    OK(brick_reorder_primitive_desc_create(&pd, f32_2x3, engine, f32_2x3, engine, NULL));
    INVALID(brick_primitive_create(NULL, pd));
    INVALID_CREATE(brick_primitive_t, primitive, brick_primitive_create(&primitive, NULL));
    INVALID(brick_primitive_desc_clone(NULL, pd));
    INVALID_CREATE(brick_primitive_desc_t, clone, brick_primitive_desc_clone(&clone, NULL));
    INVALID(brick_primitive_desc_next_impl(NULL));
    INVALID(brick_primitive_desc_get_attr(NULL, &attr));
    INVALID(brick_primitive_desc_get_attr(pd, NULL));
    INVALID(brick_primitive_desc_query(NULL, brick_query_num_of_inputs_s32, 0, &number));
    INVALID(brick_primitive_desc_query(pd, brick_query_num_of_inputs_s32, 0, NULL));
    INVALID(brick_primitive_desc_query(pd, (brick_query_t)BAD, 0, &number));
    EXPECT(brick_primitive_desc_query_md(NULL, brick_query_src_md, 0) == NULL);
    EXPECT(brick_primitive_desc_query_md(pd, (brick_query_t)BAD, 0) == NULL);
    EXPECT(brick_memory_desc_get_size(brick_primitive_desc_query_md(pd, brick_query_src_md, 99)) == 0);
    EXPECT(brick_primitive_desc_query_s32(NULL, brick_query_num_of_inputs_s32, 0) == 0);
    INVALID(brick_primitive_get_primitive_desc(NULL, &back));
    OK(brick_primitive_create(&primitive, pd));
    INVALID(brick_primitive_get_primitive_desc(primitive, NULL));
    INVALID(brick_primitive_execute(primitive, stream, 0, NULL));
    EXPECT(brick_primitive_get_cache_blob(primitive, &size, NULL) != brick_success);
    brick_primitive_t from_blob = POISON(brick_primitive_t);
    EXPECT(brick_primitive_create_from_cache_blob(&from_blob, pd, 0, NULL) != brick_success);
    UNTOUCHED(brick_primitive_t, from_blob);
    OK(brick_primitive_destroy(primitive));
    OK(brick_primitive_desc_destroy(pd));
}

static void services(void)
{
    INVALID(brick_set_verbose(-3));
    INVALID(brick_set_primitive_cache_capacity(-1));
    INVALID(brick_get_primitive_cache_capacity(NULL));
    INVALID(brick_set_max_cpu_isa((brick_cpu_isa_t)BAD));
    INVALID(brick_get_default_fpmath_mode(NULL));
    INVALID(brick_set_default_fpmath_mode((brick_fpmath_mode_t)BAD));
    INVALID(brick_set_jit_dump(7));
    INVALID(brick_set_jit_profiling_flags(BAD));
}

int main(void)
{
    setup();
    int64_t dims[] = {2, 3, 4, 4}, two[] = {2, 3};
    f32_2x3 = matrix(2, 3, brick_f32);
    f32_3x4 = matrix(3, 4, brick_f32);
    f32_2x4 = matrix(2, 4, brick_f32);
    s32_2x3 = matrix(2, 3, brick_s32);
    f32_any = tagged(2, two, brick_f32, brick_format_tag_any);
    blocked = tagged(4, dims, brick_f32, brick_nChw16c);
    engines();
    descriptors_by_tag();
    descriptors_by_strides();
    views();
    memories();
    attributes();
    matmuls();
    inner_products();
    elementwise();
    primitives();
    services();
    OK(brick_memory_desc_destroy(f32_2x3));
    OK(brick_memory_desc_destroy(f32_3x4));
    OK(brick_memory_desc_destroy(f32_2x4));
    OK(brick_memory_desc_destroy(s32_2x3));
    OK(brick_memory_desc_destroy(f32_any));
    OK(brick_memory_desc_destroy(blocked));
    teardown();
    return finish();
}
