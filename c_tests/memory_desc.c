// Memory descriptors: tags, strides, queries, equality, views, blobs.
#include "check.h"

static int64_t dim_of(const_brick_memory_desc_t md, brick_query_t what, int index)
{
    const brick_dims_t *dims = NULL;
    OK(brick_memory_desc_query(md, what, &dims));
    return dims ? (*dims)[index] : -1;
}

static void plain(void)
{
    int64_t dims[] = {2, 3, 4, 5};
    brick_memory_desc_t md = tagged(4, dims, brick_f32, brick_nchw), nhwc = tagged(4, dims, brick_f32, brick_nhwc);
    int32_t ndims = 0;
    brick_data_type_t type = brick_data_type_undef;
    brick_format_kind_t kind = brick_format_kind_undef;
    OK(brick_memory_desc_query(md, brick_query_ndims_s32, &ndims));
    OK(brick_memory_desc_query(md, brick_query_data_type, &type));
    OK(brick_memory_desc_query(md, brick_query_format_kind, &kind));
    EXPECT(ndims == 4 && type == brick_f32 && kind == brick_blocked);
    EXPECT(dim_of(md, brick_query_dims, 3) == 5);
    EXPECT(dim_of(md, brick_query_strides, 0) == 60 && dim_of(md, brick_query_strides, 3) == 1);
    EXPECT(dim_of(nhwc, brick_query_strides, 1) == 1 && dim_of(nhwc, brick_query_strides, 3) == 3);
    EXPECT(brick_memory_desc_get_size(md) == 480 && brick_memory_desc_get_size(nhwc) == 480);
    EXPECT(!brick_memory_desc_equal(md, nhwc));

    brick_dims_t all = {2, 3, 4, 5}, strides = {60, 20, 5, 1};
    brick_memory_desc_t same = NULL, clone = NULL;
    OK(brick_memory_desc_create_with_strides(&same, 4, all, brick_f32, strides));
    OK(brick_memory_desc_clone(&clone, md));
    EXPECT(brick_memory_desc_equal(md, same) && brick_memory_desc_equal(clone, md));
    DESTROY(same, clone, md, nhwc, NULL);
}

static void blocked(void)
{
    int64_t dims[] = {2, 19, 4, 5};
    brick_memory_desc_t md = tagged(4, dims, brick_bf16, brick_nChw16c);
    int32_t blocks = 0;
    OK(brick_memory_desc_query(md, brick_query_inner_nblks_s32, &blocks));
    EXPECT(blocks == 1);
    EXPECT(dim_of(md, brick_query_inner_blks, 0) == 16 && dim_of(md, brick_query_inner_idxs, 0) == 1);
    EXPECT(dim_of(md, brick_query_padded_dims, 1) == 32 && dim_of(md, brick_query_dims, 1) == 19);
    EXPECT(brick_memory_desc_get_size(md) == 2 * 32 * 20 * 2);

    brick_memory_desc_t by_name = NULL;
    brick_dims_t all = {2, 19, 4, 5};
    OK(brick_memory_desc_create_with_string_tag(&by_name, 4, all, brick_bf16, "nChw16c"));
    EXPECT(brick_memory_desc_equal(md, by_name));
    OK(brick_memory_desc_destroy(by_name));
    OK(brick_memory_desc_create_with_string_tag(&by_name, 4, all, brick_bf16, "aBcd16b"));
    EXPECT(brick_memory_desc_equal(md, by_name));
    DESTROY(by_name, md);
}

static void views(void)
{
    int64_t dims[] = {6, 8};
    brick_memory_desc_t md = tagged(2, dims, brick_f32, brick_ab), view = NULL;
    brick_dims_t part = {2, 3}, offsets = {1, 4}, flat = {48}, split = {6, 2, 4};
    OK(brick_memory_desc_create_submemory(&view, md, part, offsets));
    int64_t offset = 0;
    OK(brick_memory_desc_query(view, brick_query_submemory_offset_s64, &offset));
    EXPECT(offset == 12 && dim_of(view, brick_query_strides, 0) == 8);
    OK(brick_memory_desc_destroy(view));

    // Axis i becomes axis permutation[i].
    int permutation[] = {1, 0};
    OK(brick_memory_desc_permute_axes(&view, md, permutation));
    EXPECT(dim_of(view, brick_query_dims, 0) == 8 && dim_of(view, brick_query_strides, 0) == 1);
    OK(brick_memory_desc_destroy(view));

    OK(brick_memory_desc_reshape(&view, md, 1, flat));
    EXPECT(dim_of(view, brick_query_dims, 0) == 48);
    OK(brick_memory_desc_destroy(view));
    OK(brick_memory_desc_reshape(&view, md, 3, split));
    EXPECT(dim_of(view, brick_query_strides, 1) == 4);
    DESTROY(view, md);
}

static void edges(void)
{
    // Zero dims are a tensor without elements; no dims at all are no tensor.
    int64_t empty[] = {0, 8}, one[] = {1, 8};
    brick_memory_desc_t md = tagged(2, empty, brick_f32, brick_ab), zero = NULL, zero2 = NULL;
    EXPECT(brick_memory_desc_get_size(md) == 0);
    OK(brick_memory_desc_destroy(md));
    OK(brick_memory_desc_create_with_tag(&zero, 0, NULL, brick_data_type_undef, brick_format_tag_undef));
    OK(brick_memory_desc_create_with_tag(&zero2, 0, NULL, brick_data_type_undef, brick_format_tag_undef));
    EXPECT(brick_memory_desc_equal(zero, zero2) && brick_memory_desc_get_size(zero) == 0);
    DESTROY(zero, zero2);

    // The stride of a dim of size 1 does not matter; a stride of 0 repeats.
    brick_memory_desc_t a = tagged(2, one, brick_f32, brick_ab), b = NULL;
    brick_dims_t dims = {1, 8}, junk = {12345, 1}, rows = {4, 8}, repeat = {0, 1};
    OK(brick_memory_desc_create_with_strides(&b, 2, dims, brick_f32, junk));
    EXPECT(brick_memory_desc_equal(a, b));
    OK(brick_memory_desc_destroy(b));
    OK(brick_memory_desc_create_with_strides(&b, 2, rows, brick_f32, repeat));
    EXPECT(brick_memory_desc_get_size(b) == 32);
    DESTROY(b, a);

    // Any: the primitive chooses.
    brick_format_kind_t kind = brick_format_kind_undef;
    md = tagged(2, one, brick_f32, brick_format_tag_any);
    OK(brick_memory_desc_query(md, brick_query_format_kind, &kind));
    EXPECT(kind == brick_format_kind_any && brick_memory_desc_get_size(md) == 0);
    const brick_dims_t *strides = NULL;
    FAILS(brick_invalid_arguments, brick_memory_desc_query(md, brick_query_strides, &strides));
    OK(brick_memory_desc_destroy(md));
}

static void blobs(void)
{
    int64_t dims[] = {7, 33};
    brick_memory_desc_t md = tagged(2, dims, brick_s8, brick_AB16b64a4b), copy = NULL;
    size_t size = 0;
    OK(brick_memory_desc_get_blob(NULL, &size, md));
    EXPECT(size > 0);
    uint8_t *blob = (uint8_t *)malloc(size);
    OK(brick_memory_desc_get_blob(blob, &size, md));
    OK(brick_memory_desc_create_with_blob(&copy, blob));
    EXPECT(brick_memory_desc_equal(md, copy));
    free(blob);
    DESTROY(copy, md);
}

// Sparse encodings exist in the API, and brick says that it has none.
static void encodings(void)
{
    brick_memory_desc_t md = POISON(brick_memory_desc_t);
    brick_dims_t dims = {8, 8};
    UNIMPLEMENTED(brick_memory_desc_create_with_csr_encoding(&md, 2, dims, brick_f32, 5, brick_s32, brick_s32));
    UNIMPLEMENTED(brick_memory_desc_create_with_coo_encoding(&md, 2, dims, brick_f32, 5, brick_s32));
    UNIMPLEMENTED(brick_memory_desc_create_with_packed_encoding(&md, 2, dims, brick_f32, 5));
    UNTOUCHED(brick_memory_desc_t, md);
}

// A layout as a string: its size is asked first.
static void layout_strings(void)
{
    int64_t dims[] = {2, 19, 4, 5};
    brick_memory_desc_t md = tagged(4, dims, brick_f32, brick_nChw16c);
    size_t size = 0;
    OK(brick_memory_desc_get_layout(NULL, &size, md));
    EXPECT(size > 7 && size < 256);
    char text[256] = "";
    OK(brick_memory_desc_get_layout(text, &size, md));
    EXPECT(strstr(text, "aBcd16b") != NULL && strlen(text) + 1 == size);
    size = 2;
    INVALID(brick_memory_desc_get_layout(text, &size, md));
    EXPECT(brick_memory_desc_get_size_v2(md, 0) == brick_memory_desc_get_size(md));
    EXPECT(brick_memory_desc_get_size_v2(md, 1) == 0);
    OK(brick_memory_desc_destroy(md));
}

int main(void)
{
    encodings();
    layout_strings();
    plain();
    blocked();
    views();
    edges();
    blobs();
    EXPECT(brick_data_type_size(brick_f32) == 4 && brick_data_type_size(brick_bf16) == 2);
    EXPECT(brick_data_type_size(brick_s8) == 1 && brick_data_type_size(brick_s32) == 4);
    return finish();
}
