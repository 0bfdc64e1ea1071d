// A walk through what callers get wrong with engines, descriptors, memory and the library as a whole: every call answers
// with a status and a sentence, and touches nothing.
#include "check.h"


static brick_memory_desc_t f32_2x3, f32_any;

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
    INVALID_CREATE(brick_stream_t, s,
                   brick_stream_create(&s, engine, brick_stream_in_order | brick_stream_out_of_order));
    s = POISON(brick_stream_t);
    UNIMPLEMENTED(brick_stream_create(&s, engine, brick_stream_in_order | brick_stream_profiling));
    UNTOUCHED(brick_stream_t, s);
    INVALID(brick_stream_get_engine(NULL, &e));
    INVALID(brick_stream_get_engine(stream, NULL));
    INVALID(brick_stream_wait(NULL));
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

    brick_dims_t minus = {4, INT64_MIN + 1}, wide = {INT64_MAX, 1}, one = {1, 1}, far = {1, INT64_MAX},
                 three = {2, 3, 4}, interleaved = {3, 1, 4};
    STRIDED(2, minus, brick_f32, good);
    STRIDED(2, wide, brick_f32, good);
    STRIDED(2, one, brick_f32, far);
    STRIDED(3, three, brick_f32, interleaved);
    // Two values share a byte, so rows begin at even ones.
    brick_dims_t rows = {4, 3}, odd = {3, 1};
    STRIDED(2, rows, brick_s4, odd);
#undef STRIDED

    // Repeated elements do not overlap, nor do dimensions of size 1 that have no second element.
    brick_dims_t repeated = {0, 1}, single = {4, 1}, any_stride = {4, 2};
    OK(brick_memory_desc_create_with_strides(&md, 2, dims, brick_f32, repeated));
    OK(brick_memory_desc_destroy(md));
    OK(brick_memory_desc_create_with_strides(&md, 2, single, brick_f32, any_stride));
    OK(brick_memory_desc_destroy(md));
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
    INVALID(brick_memory_desc_query_v2(f32_2x3, brick_query_ndims_s32, 1, &number));
    INVALID(brick_memory_desc_query(f32_2x3, brick_query_nnz_s64, &number));
    EXPECT(number == 0);
    EXPECT(brick_memory_desc_get_size(NULL) == 0 && brick_memory_desc_get_size_v2(f32_2x3, -1) == 0);
    EXPECT(brick_memory_desc_equal(f32_2x3, NULL) == 0 && brick_memory_desc_equal(NULL, f32_2x3) == 0);
    EXPECT(brick_data_type_size((brick_data_type_t)BAD) == SIZE_MAX);
}

static void boxes_and_shapes(void)
{
    int64_t dims[] = {2, 20, 3, 3};
    brick_memory_desc_t blocked = tagged(4, dims, brick_f32, brick_nChw16c), gaps = NULL, unknown = NULL, md;
    brick_dims_t half = {2, 8, 3, 3}, from = {0, 0, 0, 0}, inside = {0, 8, 0, 0}, split = {2, 4, 5, 3, 3},
                 matrix_dims = {2, 3}, gap_strides = {5, 1}, flat = {6}, runtime = {BRICK_RUNTIME_DIM_VAL, 3},
                 overflow = {INT64_MAX, INT64_MAX}, minus = {-2, -3};
    OK(brick_memory_desc_create_with_strides(&gaps, 2, matrix_dims, brick_f32, gap_strides));
    OK(brick_memory_desc_create_with_tag(&unknown, 2, runtime, brick_f32, brick_ab));
    md = POISON(brick_memory_desc_t);
    // A box that cuts a block is meaningful, but not done.
    UNIMPLEMENTED(brick_memory_desc_create_submemory(&md, blocked, half, from));
    UNIMPLEMENTED(brick_memory_desc_create_submemory(&md, blocked, half, inside));
    UNIMPLEMENTED(brick_memory_desc_create_submemory(&md, f32_any, matrix_dims, from));
    UNIMPLEMENTED(brick_memory_desc_create_submemory(&md, unknown, matrix_dims, from));
    UNTOUCHED(brick_memory_desc_t, md);
#define VIEW(call) INVALID_CREATE(brick_memory_desc_t, md, call)
    VIEW(brick_memory_desc_create_submemory(&md, f32_2x3, overflow, overflow));
    VIEW(brick_memory_desc_create_submemory(&md, f32_2x3, minus, from));
    VIEW(brick_memory_desc_reshape(&md, blocked, 5, split));
    VIEW(brick_memory_desc_reshape(&md, gaps, 1, flat));
    VIEW(brick_memory_desc_reshape(&md, unknown, 1, flat));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, 2, overflow));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, 2, minus));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, -1, flat));
    VIEW(brick_memory_desc_reshape(&md, f32_2x3, 0, NULL));
#undef VIEW
    DESTROY(blocked, gaps, unknown);
}

static void blobs_and_texts(void)
{
    static uint8_t blob[4096];
    char text[8] = "before";
    size_t size = 0, small = 5;
    brick_memory_desc_t md;
    OK(brick_memory_desc_get_blob(NULL, &size, f32_2x3));
    EXPECT(size > 0 && size <= sizeof blob);
    INVALID(brick_memory_desc_get_blob(blob, &small, f32_2x3));
    INVALID(brick_memory_desc_get_blob(blob, &size, NULL));
    EXPECT(blob[0] == 0);
    OK(brick_memory_desc_get_blob(blob, &size, f32_2x3));
    blob[0] = 13; // more dimensions than there may be
    INVALID_CREATE(brick_memory_desc_t, md, brick_memory_desc_create_with_blob(&md, blob));
    INVALID(brick_memory_desc_create_with_blob(NULL, blob));
    INVALID(brick_memory_desc_get_layout(text, &size, NULL));
    INVALID(brick_memory_desc_get_layout(NULL, NULL, f32_2x3));
    small = 2;
    INVALID(brick_memory_desc_get_layout(text, &small, f32_2x3));
    EXPECT(!strcmp(text, "before"));

    // Sparse memory is refused for what it is, unless the values mean nothing at all.
    brick_dims_t dims = {8, 8};
    md = POISON(brick_memory_desc_t);
    INVALID(brick_memory_desc_create_with_csr_encoding(&md, 2, dims, brick_f32, -1, brick_s32, brick_s32));
    INVALID(brick_memory_desc_create_with_csr_encoding(&md, 2, NULL, brick_f32, 5, brick_s32, brick_s32));
    INVALID(brick_memory_desc_create_with_csr_encoding(&md, 2, dims, brick_f32, 5, brick_s32, (brick_data_type_t)BAD));
    INVALID(brick_memory_desc_create_with_coo_encoding(&md, 13, dims, brick_f32, 5, brick_s32));
    INVALID(brick_memory_desc_create_with_packed_encoding(&md, 2, dims, (brick_data_type_t)BAD, 5));
    UNTOUCHED(brick_memory_desc_t, md);
    INVALID(brick_memory_desc_create_with_packed_encoding(NULL, 2, dims, brick_f32, 5));
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
    INVALID(brick_memory_map_data_v2(NULL, &pointer, 0));
    INVALID(brick_memory_unmap_data(NULL, data));
    INVALID(brick_memory_unmap_data_v2(NULL, data, 0));
    INVALID(brick_memory_unmap_data_v2(memory, data, 1));
    INVALID(brick_memory_get_data_handle_v2(NULL, &pointer, 0));
    INVALID(brick_memory_set_data_handle(memory, BRICK_MEMORY_ALLOCATE));
    EXPECT(pointer == NULL && md == NULL && of_memory == NULL);
    OK(brick_memory_destroy(memory));
}

static void host_scalars(void)
{
    brick_memory_desc_t md = NULL, none;
    brick_memory_t memory = NULL, plain = memory_of(f32_2x3, BRICK_MEMORY_ALLOCATE), other;
    float value = 1, got = 7;
    void *handle = NULL;
    INVALID(brick_memory_desc_create_host_scalar(NULL, brick_f32));
    INVALID_CREATE(brick_memory_desc_t, none, brick_memory_desc_create_host_scalar(&none, (brick_data_type_t)BAD));
    INVALID_CREATE(brick_memory_desc_t, none, brick_memory_desc_create_host_scalar(&none, brick_data_type_undef));
    OK(brick_memory_desc_create_host_scalar(&md, brick_f32));
    INVALID(brick_memory_create_host_scalar(NULL, md, &value));
    INVALID_CREATE(brick_memory_t, other, brick_memory_create_host_scalar(&other, NULL, &value));
    INVALID_CREATE(brick_memory_t, other, brick_memory_create_host_scalar(&other, md, NULL));
    INVALID_CREATE(brick_memory_t, other, brick_memory_create_host_scalar(&other, f32_2x3, &value));
    INVALID_CREATE(brick_memory_t, other, brick_memory_create(&other, md, engine, &value));
    OK(brick_memory_create_host_scalar(&memory, md, &value));
    INVALID(brick_memory_get_data_handle(memory, &handle));
    INVALID(brick_memory_set_data_handle(memory, &value));
    INVALID(brick_memory_get_host_scalar_value(NULL, &got));
    INVALID(brick_memory_get_host_scalar_value(memory, NULL));
    INVALID(brick_memory_get_host_scalar_value(plain, &got));
    INVALID(brick_memory_set_host_scalar_value(NULL, &value));
    INVALID(brick_memory_set_host_scalar_value(memory, NULL));
    INVALID(brick_memory_set_host_scalar_value(plain, &value));
    EXPECT(handle == NULL && got == 7);
    OK(brick_memory_destroy(memory));
    OK(brick_memory_destroy(plain));
    OK(brick_memory_desc_destroy(md));
}

static void services(void)
{
    INVALID(brick_set_verbose(-3));
    INVALID(brick_set_verbose(3));
    INVALID(brick_set_primitive_cache_capacity(-1));
    INVALID(brick_get_primitive_cache_capacity(NULL));
    INVALID(brick_set_max_cpu_isa((brick_cpu_isa_t)BAD));
    INVALID(brick_set_cpu_isa_hints((brick_cpu_isa_hints_t)BAD));
    INVALID(brick_get_default_fpmath_mode(NULL));
    INVALID(brick_set_default_fpmath_mode((brick_fpmath_mode_t)BAD));
    INVALID(brick_set_jit_dump(7));
    INVALID(brick_set_jit_profiling_flags(BAD));
    UNIMPLEMENTED(brick_set_jit_profiling_flags(BRICK_JIT_PROFILE_VTUNE));
    UNIMPLEMENTED(brick_set_jit_profiling_flags(BRICK_JIT_PROFILE_LINUX_JITDUMP_USE_TSC));
    INVALID(brick_set_jit_profiling_jitdumpdir(NULL));
    INVALID(brick_machine_info(NULL));
    EXPECT(!strcmp(brick_fmt_tag2str((brick_format_tag_t)-1), "unknown"));
    EXPECT(!strcmp(brick_alg_kind2str((brick_alg_kind_t)BAD), "unknown"));
}

int main(void)
{
    setup();
    int64_t two[] = {2, 3};
    f32_2x3 = matrix(2, 3, brick_f32);
    f32_any = tagged(2, two, brick_f32, brick_format_tag_any);
    engines();
    descriptors_by_tag();
    descriptors_by_strides();
    views();
    boxes_and_shapes();
    blobs_and_texts();
    memories();
    host_scalars();
    services();
    DESTROY(f32_2x3, f32_any);
    teardown();
    return finish();
}
