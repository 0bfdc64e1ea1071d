// The convolutions of ResNet-50 v1 at 224 x 224: forward, backward by data and by weights, layer by layer, with the plan of
// each, its rate and its share of the processor's peak.
//
//   resnet50 [MINIBATCH [TYPE [MILLISECONDS]]]     TYPE: f32, bf16, int8 (forward only); without, 1 and 16, all, 20
//
// Layouts are left open (`any`), as a framework would leave them; the plan is what brick says when it creates the primitive:
// the nest of loops (docs/convolution.md), then the layouts of the first operand and of the weights. With several threads
// the share is still one core's.
#define _POSIX_C_SOURCE 200809L
#include <string.h>

#include "example.h"
#include "peak.h"

struct layer {
    int64_t ic, oc, size, taps, stride;
    int times; // how often the network has it
};

static const struct layer layers[] = {
    {3, 64, 224, 7, 2, 1},     {64, 256, 56, 1, 1, 4},   {64, 64, 56, 1, 1, 1},     {64, 64, 56, 3, 1, 3},
    {256, 64, 56, 1, 1, 2},    {256, 512, 56, 1, 2, 1},  {256, 128, 56, 1, 2, 1},   {128, 128, 28, 3, 1, 4},
    {128, 512, 28, 1, 1, 4},   {512, 128, 28, 1, 1, 3},  {512, 1024, 28, 1, 2, 1},  {512, 256, 28, 1, 2, 1},
    {256, 256, 14, 3, 1, 6},   {256, 1024, 14, 1, 1, 6}, {1024, 256, 14, 1, 1, 5},  {1024, 2048, 14, 1, 2, 1},
    {1024, 512, 14, 1, 2, 1},  {512, 512, 7, 3, 1, 3},   {512, 2048, 7, 1, 1, 3},   {2048, 512, 7, 1, 1, 2},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static brick_engine_t engine;
static brick_stream_t stream;

static brick_memory_desc_t any(const int64_t *dims, brick_data_type_t type)
{
    brick_dims_t all = {dims[0], dims[1], dims[2], dims[3]};
    brick_memory_desc_t md;
    CHECK(brick_memory_desc_create_with_tag(&md, 4, all, type, brick_format_tag_any));
    return md;
}

// A memory object of an argument, in brick's own buffer, filled with small numbers.
static brick_memory_t operand(const_brick_primitive_desc_t pd, int arg, brick_data_type_t type)
{
    const_brick_memory_desc_t md = brick_primitive_desc_query_md(pd, brick_query_exec_arg_md, arg);
    brick_memory_t memory;
    void *data;
    CHECK(brick_memory_create(&memory, md, engine, BRICK_MEMORY_ALLOCATE));
    CHECK(brick_memory_get_data_handle(memory, &data));
    size_t bytes = brick_memory_desc_get_size(md);
    if (type != brick_f32)
        memset(data, 1, bytes);
    else
        for (size_t i = 0; i < bytes / sizeof(float); i++)
            ((float *)data)[i] = uniform() - 0.5f;
    return memory;
}

// The primitive of a pass, made from descriptors that are consumed.
static brick_primitive_desc_t describe(const struct layer *l, int64_t minibatch, int pass, const brick_data_type_t *types)
{
    int64_t out = (l->size - 1) / l->stride + 1, pad = l->taps / 2;
    int64_t src_dims[] = {minibatch, l->ic, l->size, l->size}, weights_dims[] = {l->oc, l->ic, l->taps, l->taps},
            dst_dims[] = {minibatch, l->oc, out, out};
    brick_dims_t strides = {l->stride, l->stride}, before = {pad, pad};
    // The stride leaves fewer elements behind the last place of the kernel than before the first.
    int64_t after_size = (out - 1) * l->stride + l->taps - l->size - pad;
    brick_dims_t after = {after_size > 0 ? after_size : 0, after_size > 0 ? after_size : 0};
    brick_memory_desc_t src = any(src_dims, types[0]), weights = any(weights_dims, types[1]), dst = any(dst_dims, types[2]);
    brick_primitive_desc_t pd = NULL;
    if (pass == 0)
        CHECK(brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward_training, brick_convolution_direct,
                                                              src, weights, NULL, dst, strides, NULL, before, after,
                                                              NULL));
    else if (pass == 1)
        CHECK(brick_convolution_backward_data_primitive_desc_create(&pd, engine, brick_convolution_direct, src, weights, dst,
                                                                    strides, NULL, before, after, NULL, NULL));
    else
        CHECK(brick_convolution_backward_weights_primitive_desc_create(&pd, engine, brick_convolution_direct, src, weights,
                                                                       NULL, dst, strides, NULL, before, after, NULL, NULL));
    CHECK(brick_memory_desc_destroy(src));
    CHECK(brick_memory_desc_destroy(weights));
    CHECK(brick_memory_desc_destroy(dst));
    return pd;
}

// Seconds of one execution: the best of as many as fit the time.
static double measure(brick_primitive_t primitive, int count, const brick_exec_arg_t *args, double limit)
{
    double best = 1e9, end = now() + limit;
    CHECK(brick_primitive_execute(primitive, stream, count, args)); // the first call wakes the threads
    do {
        double seconds = now();
        CHECK(brick_primitive_execute(primitive, stream, count, args));
        CHECK(brick_stream_wait(stream));
        seconds = now() - seconds;
        if (seconds < best)
            best = seconds;
    } while (now() < end);
    return best;
}

static char nest[256];

// Keeps the nest of a line that tells of a creation; other lines go where they would without us.
static void keep_nest(void *context, const char *line)
{
    const char *start = strstr(line, " nest:");
    (void)context;
    if (start)
        snprintf(nest, sizeof nest, "%.*s", (int)strcspn(start + 6, ","), start + 6);
    else if (!strstr(line, ",create:") && !strstr(line, ",info,"))
        fprintf(stderr, "%s\n", line);
}

static brick_primitive_t create(const_brick_primitive_desc_t pd)
{
    brick_primitive_t primitive;
    *nest = 0;
    CHECK(brick_set_verbose(2)); // creations are told
    CHECK(brick_primitive_create(&primitive, pd));
    CHECK(brick_set_verbose(0)); // executions are not
    return primitive;
}

// The plan in words: the nest with the largest of its kernels, and two layouts.
static void plan(const_brick_primitive_desc_t pd, const int *args, char *text, size_t size)
{
    char layouts[2][48];
    for (int i = 0; i < 2; i++) {
        size_t room = sizeof layouts[i];
        CHECK(brick_memory_desc_get_layout(layouts[i], &room,
                                           brick_primitive_desc_query_md(pd, brick_query_exec_arg_md, args[i])));
    }
    size_t kernels = strcspn(nest, "+");
    snprintf(text, size, "%.*s%s %s %s", (int)kernels, nest, nest[kernels] ? "+" : "", layouts[0], layouts[1]);
}

struct type {
    const char *name;
    enum peak_type peak;
    int passes;
    brick_data_type_t types[3]; // source, weights, result
};

static const struct type TYPES[] = {
    {"f32", PEAK_F32, 3, {brick_f32, brick_f32, brick_f32}},
    {"bf16", PEAK_BF16, 3, {brick_bf16, brick_bf16, brick_bf16}},
    {"int8", PEAK_INT8, 1, {brick_u8, brick_s8, brick_u8}},
};

static double operations(const struct layer *l, int64_t minibatch)
{
    int64_t out = (l->size - 1) / l->stride + 1;
    return 2.0 * (double)(minibatch * l->ic * l->oc * out * out * l->taps * l->taps);
}

static void row(const char *layer, const char *how, double seconds, double work, double peak)
{
    printf("  %-22s %-52s %9.3f %8.1f %6.1f%%\n", layer, how, 1e3 * seconds, 1e-9 * work / seconds,
           peak > 0 ? 1e-7 * work / seconds / peak : 0);
}

// One layer: prints its row and returns its seconds.
static double run_layer(const struct layer *l, int64_t minibatch, int pass, const struct type *type, double peak, double limit)
{
    static const int args_of[3][3] = {{BRICK_ARG_SRC, BRICK_ARG_WEIGHTS, BRICK_ARG_DST},
                                      {BRICK_ARG_DIFF_SRC, BRICK_ARG_WEIGHTS, BRICK_ARG_DIFF_DST},
                                      {BRICK_ARG_SRC, BRICK_ARG_DIFF_WEIGHTS, BRICK_ARG_DIFF_DST}};
    char shape[64], how[320];
    brick_exec_arg_t args[3];
    brick_primitive_desc_t pd = describe(l, minibatch, pass, type->types);
    brick_primitive_t primitive = create(pd);
    for (int a = 0; a < 3; a++) {
        args[a].arg = args_of[pass][a];
        args[a].memory = operand(pd, args[a].arg, type->types[a]);
    }
    double seconds = measure(primitive, 3, args, limit);
    snprintf(shape, sizeof shape, "%d>%d %d k%d s%d x%d", (int)l->ic, (int)l->oc, (int)l->size, (int)l->taps,
             (int)l->stride, l->times);
    plan(pd, args_of[pass], how, sizeof how);
    row(shape, how, seconds, operations(l, minibatch), peak);
    for (int a = 0; a < 3; a++)
        CHECK(brick_memory_destroy(args[a].memory));
    CHECK(brick_primitive_destroy(primitive));
    CHECK(brick_primitive_desc_destroy(pd));
    return seconds;
}

static void run_passes(int64_t minibatch, const struct type *type, double limit)
{
    static const char *const passes[] = {"forward", "backward by data", "backward by weights"};
    double peak = measure_peak(type->peak);
    for (int pass = 0; pass < type->passes; pass++) {
        double work = 0, seconds = 0;
        printf("\n%s, minibatch %d, %s; one core's peak: %.0f GFLOP/s\n", type->name, (int)minibatch, passes[pass], peak);
        printf("  %-22s %-52s %9s %8s %7s\n", "layer", "plan", "ms", "GFLOP/s", "of peak");
        for (int i = pass == 1; i < LAYERS; i++) { // nobody needs the gradient by the image
            const struct layer *l = &layers[i];
            seconds += l->times * run_layer(l, minibatch, pass, type, peak, limit);
            work += l->times * operations(l, minibatch);
        }
        row("all", "as often as the network has them", seconds, work, peak);
    }
}

int main(int argc, char **argv)
{
    int64_t minibatches[] = {argc > 1 ? atoi(argv[1]) : 1, 16};
    double limit = (argc > 3 ? atof(argv[3]) : 20) * 1e-3;
    int runs = 0;
    CHECK(brick_engine_create(&engine, brick_cpu, 0));
    CHECK(brick_stream_create(&stream, engine, brick_stream_default_flags));
    CHECK(brick_set_log(keep_nest, NULL));
    for (int m = 0; m < (argc > 1 ? 1 : 2); m++)
        for (size_t t = 0; t < sizeof TYPES / sizeof *TYPES; t++)
            if (minibatches[m] > 0 && (argc < 3 || !strcmp(argv[2], TYPES[t].name)))
                run_passes(minibatches[m], &TYPES[t], limit), runs++;
    CHECK(brick_set_log(NULL, NULL));
    CHECK(brick_stream_destroy(stream));
    CHECK(brick_engine_destroy(engine));
    if (!runs)
        fprintf(stderr, "usage: resnet50 [MINIBATCH [TYPE [MILLISECONDS]]], MINIBATCH from 1, TYPE one of f32, bf16, int8\n");
    return runs ? EXIT_SUCCESS : EXIT_FAILURE;
}
