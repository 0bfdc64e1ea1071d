// Filters a photograph: blur, sharpening and edges, each a convolution of every colour with one small kernel.
//
//   filters [PHOTO.ppm [FOLDER]]
//
// reads a binary PPM file (P6) and writes blur.ppm, sharpen.ppm and edges.ppm to FOLDER, which must exist. The bytes of
// the file are a tensor already, channels last; a reorder makes floats of them in the layout that the convolution likes
// best, and another rounds and saturates its results to bytes.
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "example.h"
#include "screen.h"

enum { COLOURS = 3, MAX_RADIUS = 7 };

struct photo {
    int64_t width, height;
    uint8_t *bytes; // red, green, blue of every pixel, row by row
};

struct filter {
    const char *name, *what;
    int radius;
    void (*fill)(float *kernel, int radius); // (2 radius + 1)^2 weights
    brick_alg_kind_t then;                   // applied to the results, or undef
};

// ---- files

// The next number in a PPM header, past white space and comments.
static int64_t header_number(FILE *file)
{
    int c = fgetc(file);
    for (int comment = 0; comment || isspace(c) || c == '#'; c = fgetc(file)) {
        comment = (comment || c == '#') && c != '\n';
        if (c == EOF)
            break;
    }
    int64_t number = 0;
    for (; isdigit(c) && number < 1 << 20; c = fgetc(file))
        number = 10 * number + c - '0';
    return number;
}

static void give_up(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(EXIT_FAILURE);
}

static struct photo read_ppm(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        give_up(path, "cannot be opened");
    int magic = fgetc(file) == 'P' && fgetc(file) == '6';
    struct photo photo = {0};
    photo.width = header_number(file);
    photo.height = header_number(file);
    if (!magic || photo.width < 1 || photo.height < 1 || header_number(file) != 255)
        give_up(path, "not a binary PPM file (P6) of 8 bits a colour");
    size_t bytes = (size_t)(photo.width * photo.height * COLOURS);
    photo.bytes = allocate(bytes);
    if (fread(photo.bytes, 1, bytes, file) != bytes)
        give_up(path, "ends before its last pixel");
    fclose(file);
    return photo;
}

static void write_ppm(const char *folder, const char *name, const struct photo *photo)
{
    char path[1024];
    int length = snprintf(path, sizeof path, "%s/%s.ppm", folder, name);
    FILE *file = length < (int)sizeof path ? fopen(path, "wb") : NULL;
    if (!file)
        give_up(folder, "no file can be written there");
    size_t bytes = (size_t)(photo->width * photo->height * COLOURS);
    fprintf(file, "P6\n%d %d\n255\n", (int)photo->width, (int)photo->height);
    size_t written = fwrite(photo->bytes, 1, bytes, file);
    if (fclose(file) != 0 || written != bytes)
        give_up(path, "cannot be written");
}

// The photo with its rim repeated `radius` times all around, so that filters see no black border.
static struct photo widen(const struct photo *photo, int radius)
{
    struct photo wide = {photo->width + 2 * radius, photo->height + 2 * radius, NULL};
    wide.bytes = allocate((size_t)(wide.width * wide.height * COLOURS));
    for (int64_t y = 0; y < wide.height; y++) {
        for (int64_t x = 0; x < wide.width; x++) {
            int64_t v = y - radius, u = x - radius;
            v = v < 0 ? 0 : v >= photo->height ? photo->height - 1 : v;
            u = u < 0 ? 0 : u >= photo->width ? photo->width - 1 : u;
            const uint8_t *pixel = photo->bytes + (v * photo->width + u) * COLOURS;
            memcpy(wide.bytes + (y * wide.width + x) * COLOURS, pixel, COLOURS);
        }
    }
    return wide;
}

// ---- filters

// A bell whose weights add up to 1.
static void gaussian(float *kernel, int radius)
{
    int side = 2 * radius + 1;
    float sigma = (float)radius / 2, sum = 0;
    for (int i = 0; i < side * side; i++) {
        float y = (float)(i / side - radius), x = (float)(i % side - radius);
        sum += kernel[i] = expf(-(x * x + y * y) / (2 * sigma * sigma));
    }
    for (int i = 0; i < side * side; i++)
        kernel[i] /= sum;
}

// The photo and, once more, what a blur takes away from it.
static void unsharp_mask(float *kernel, int radius)
{
    int cells = (2 * radius + 1) * (2 * radius + 1);
    gaussian(kernel, radius);
    for (int i = 0; i < cells; i++)
        kernel[i] *= -1.5f;
    kernel[cells / 2] += 2.5f;
}

// The difference of a bell's curvature from its mean: 0 where the photo is even, large where brightness turns.
static void laplacian(float *kernel, int radius)
{
    int side = 2 * radius + 1;
    float sigma = (float)radius / 3, sum = 0;
    for (int i = 0; i < side * side; i++) {
        float y = (float)(i / side - radius), x = (float)(i % side - radius);
        float square = (x * x + y * y) / (2 * sigma * sigma);
        sum += kernel[i] = 2.5f * (1 - square) * expf(-square);
    }
    for (int i = 0; i < side * side; i++)
        kernel[i] -= sum / (float)(side * side);
}

static const struct filter FILTERS[] = {
    {"blur", "a bell", 7, gaussian, brick_alg_kind_undef},
    {"sharpen", "an unsharp mask", 3, unsharp_mask, brick_alg_kind_undef},
    {"edges", "the size of a Laplacian", 3, laplacian, brick_eltwise_abs},
};

// ---- brick

static brick_engine_t engine;
static brick_stream_t stream;

static brick_memory_desc_t describe(int ndims, const int64_t *sizes, brick_data_type_t type, brick_format_tag_t tag)
{
    brick_memory_desc_t md;
    CHECK(brick_memory_desc_create_with_tag(&md, ndims, sizes, type, tag));
    return md;
}

static brick_memory_desc_t image(const struct photo *photo, brick_data_type_t type, brick_format_tag_t tag)
{
    int64_t sizes[] = {1, COLOURS, photo->height, photo->width};
    return describe(4, sizes, type, tag);
}

// A memory around data or, for BRICK_MEMORY_ALLOCATE, of its own.
static brick_memory_t memory(const_brick_memory_desc_t md, void *data)
{
    brick_memory_t memory;
    CHECK(brick_memory_create(&memory, md, engine, data));
    return memory;
}

// Copies from one memory to the other, whatever their layouts and types.
static void reorder(brick_memory_t from, brick_memory_t to)
{
    const_brick_memory_desc_t from_md, to_md;
    CHECK(brick_memory_get_memory_desc(from, &from_md));
    CHECK(brick_memory_get_memory_desc(to, &to_md));
    brick_primitive_desc_t pd;
    brick_primitive_t primitive;
    CHECK(brick_reorder_primitive_desc_create(&pd, from_md, engine, to_md, engine, NULL));
    CHECK(brick_primitive_create(&primitive, pd));
    brick_exec_arg_t args[] = {{BRICK_ARG_FROM, from}, {BRICK_ARG_TO, to}};
    CHECK(brick_primitive_execute(primitive, stream, 2, args));
    CHECK(brick_primitive_destroy(primitive));
    CHECK(brick_primitive_desc_destroy(pd));
}

// The convolution of three groups of one channel each, with layouts of its own choice.
static brick_primitive_desc_t convolution(const struct filter *filter, const struct photo *from,
                                          const struct photo *to)
{
    int64_t side = 2 * filter->radius + 1, kernel[] = {COLOURS, 1, 1, side, side};
    brick_dims_t strides = {1, 1}, none = {0, 0};
    brick_memory_desc_t src = image(from, brick_f32, brick_format_tag_any);
    brick_memory_desc_t dst = image(to, brick_f32, brick_format_tag_any);
    brick_memory_desc_t weights = describe(5, kernel, brick_f32, brick_format_tag_any);
    brick_primitive_attr_t attr = NULL;
    if (filter->then != brick_alg_kind_undef) {
        brick_post_ops_t post_ops;
        CHECK(brick_post_ops_create(&post_ops));
        CHECK(brick_post_ops_append_eltwise(post_ops, filter->then, 0, 0));
        CHECK(brick_primitive_attr_create(&attr));
        CHECK(brick_primitive_attr_set_post_ops(attr, post_ops));
        CHECK(brick_post_ops_destroy(post_ops));
    }
    brick_primitive_desc_t pd;
    CHECK(brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward_inference,
                                                          brick_convolution_direct, src, weights, NULL, dst, strides,
                                                          none, none, none, attr));
    CHECK(brick_primitive_attr_destroy(attr));
    CHECK(brick_memory_desc_destroy(src));
    CHECK(brick_memory_desc_destroy(weights));
    CHECK(brick_memory_desc_destroy(dst));
    return pd;
}

// Executes some times; the fewest seconds that once took.
static double fastest(brick_primitive_desc_t pd, int count, const brick_exec_arg_t *args)
{
    double best = 1e9;
    brick_primitive_t primitive;
    CHECK(brick_primitive_create(&primitive, pd));
    for (int i = 0; i < 20; i++) {
        double seconds = now();
        CHECK(brick_primitive_execute(primitive, stream, count, args));
        CHECK(brick_stream_wait(stream));
        seconds = now() - seconds;
        best = seconds < best ? seconds : best;
    }
    CHECK(brick_primitive_destroy(primitive));
    return best;
}

// The same kernel for every colour.
static brick_memory_t weights_of(const struct filter *filter, float *values)
{
    int64_t side = 2 * filter->radius + 1, sizes[] = {COLOURS, 1, 1, side, side};
    filter->fill(values, filter->radius);
    for (int c = 1; c < COLOURS; c++)
        memcpy(values + c * side * side, values, (size_t)(side * side) * sizeof *values);
    brick_memory_desc_t md = describe(5, sizes, brick_f32, brick_goihw);
    brick_memory_t weights = memory(md, values);
    CHECK(brick_memory_desc_destroy(md));
    return weights;
}

static brick_memory_t bytes_of(const struct photo *photo)
{
    brick_memory_desc_t md = image(photo, brick_u8, brick_nhwc);
    brick_memory_t bytes = memory(md, photo->bytes);
    CHECK(brick_memory_desc_destroy(md));
    return bytes;
}

static void apply(const struct filter *filter, const struct photo *photo, const char *folder)
{
    struct photo from = widen(photo, filter->radius), to = {photo->width, photo->height, NULL};
    to.bytes = allocate((size_t)(to.width * to.height * COLOURS));
    float values[COLOURS * (2 * MAX_RADIUS + 1) * (2 * MAX_RADIUS + 1)];
    brick_primitive_desc_t pd = convolution(filter, &from, &to);

    // As the file and the filter have them, and as the convolution wants them.
    brick_memory_t plain[] = {bytes_of(&from), weights_of(filter, values), bytes_of(&to)}, own[3];
    const brick_query_t queries[] = {brick_query_src_md, brick_query_weights_md, brick_query_dst_md};
    for (int i = 0; i < 3; i++)
        own[i] = memory(brick_primitive_desc_query_md(pd, queries[i], 0), BRICK_MEMORY_ALLOCATE);
    reorder(plain[0], own[0]);
    reorder(plain[1], own[1]);
    brick_exec_arg_t args[] = {{BRICK_ARG_SRC, own[0]}, {BRICK_ARG_WEIGHTS, own[1]}, {BRICK_ARG_DST, own[2]}};
    double seconds = fastest(pd, 3, args);
    reorder(own[2], plain[2]);
    write_ppm(folder, filter->name, &to);

    int side = 2 * filter->radius + 1;
    double flops = 2.0 * side * side * COLOURS * (double)(to.width * to.height);
    printf("  %s%-8s%s %-24s %2dx%-2d  %6.2f ms  %5.1f GFLOP/s\n", paint(BOLD), filter->name, paint(PLAIN),
           filter->what, side, side, 1e3 * seconds, 1e-9 * flops / seconds);
    for (int i = 0; i < 3; i++) {
        CHECK(brick_memory_destroy(plain[i]));
        CHECK(brick_memory_destroy(own[i]));
    }
    CHECK(brick_primitive_desc_destroy(pd));
    free(from.bytes);
    free(to.bytes);
}

int main(int argc, char **argv)
{
    if (argc > 3 || (argc > 1 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: filters [PHOTO.ppm [FOLDER]]\n");
        return EXIT_FAILURE;
    }
    const char *path = argc > 1 ? argv[1] : "examples/data/cat.ppm", *folder = argc > 2 ? argv[2] : ".";
    struct photo photo = read_ppm(path);
    CHECK(brick_engine_create(&engine, brick_cpu, 0));
    CHECK(brick_stream_create(&stream, engine, brick_stream_default_flags));
    printf("%s: %d x %d pixels\n", path, (int)photo.width, (int)photo.height);
    for (size_t i = 0; i < sizeof FILTERS / sizeof *FILTERS; i++)
        apply(&FILTERS[i], &photo, folder);
    printf("written to %s\n", folder);
    CHECK(brick_stream_destroy(stream));
    CHECK(brick_engine_destroy(engine));
    free(photo.bytes);
    return EXIT_SUCCESS;
}
