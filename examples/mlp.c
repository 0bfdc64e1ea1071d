// Trains a multilayer perceptron: fully connected layers with ReLU, softmax, cross-entropy, SGD with momentum.
//
//   mlp [--bf16] [--epochs N] [--data FILE]
//
// Without BRICK_DATA it learns the handwritten digits in examples/data (every fifth is held out). BRICK_DATA=DIR names a
// directory with the four IDX files of MNIST or Fashion-MNIST, plain or gzipped.
//
// Every matrix product is a brick primitive. The network is four short lists of primitives, made once: `refresh` brings
// the weights into the layouts that the primitives chose, `forward` and `backward` run the passes, `gather` brings the
// gradients back into plain layout for the update, which is plain C, as are softmax and loss.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>

#include "example.h"
#include "peak.h"

enum { MAX_LAYERS = 4, MAX_OPS = 16, MAX_MEMORIES = 64 };

// ---- data

struct dataset {
    int64_t count, width;
    float *pixels; // count rows of width values in [0, 1]
    uint8_t *labels;
};

static void free_dataset(struct dataset *set)
{
    free(set->pixels);
    free(set->labels);
}

static void append(struct dataset *set, const float *pixels, int label)
{
    memcpy(set->pixels + set->count * set->width, pixels, (size_t)set->width * sizeof *pixels);
    set->labels[set->count++] = (uint8_t)label;
}

// Reads lines of 64 pixels and a digit; every fifth line goes to the test set.
static void read_digits(const char *path, struct dataset *train, struct dataset *test)
{
    enum { WIDTH = 64, MAX_COUNT = 1797 };
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "%s: cannot be opened (run from the top of the repository, or give --data FILE)\n", path);
        exit(EXIT_FAILURE);
    }
    struct dataset *sets[] = {train, test};
    for (int i = 0; i < 2; i++) {
        sets[i]->width = WIDTH;
        sets[i]->pixels = allocate(MAX_COUNT * WIDTH * sizeof(float));
        sets[i]->labels = allocate(MAX_COUNT);
    }
    for (int line = 0; line < MAX_COUNT; line++) {
        float pixels[WIDTH];
        int value, got = 0;
        while (got < WIDTH && fscanf(file, "%d,", &value) == 1)
            pixels[got++] = (float)value / 16;
        if (got < WIDTH || fscanf(file, "%d", &value) != 1)
            break;
        append(sets[line % 5 == 4], pixels, value);
    }
    fclose(file);
}

// Opens DIR/NAME, or DIR/NAME.gz through gzip; both are read as a pipe.
static FILE *open_idx(const char *dir, const char *name)
{
    char command[1024];
    int length = snprintf(command, sizeof command, "if [ -f '%s/%s' ]; then cat '%s/%s'; else gzip -dc '%s/%s.gz'; fi",
                          dir, name, dir, name, dir, name);
    FILE *pipe = strchr(dir, '\'') || length >= (int)sizeof command ? NULL : popen(command, "r");
    if (!pipe) {
        fprintf(stderr, "%s/%s: cannot be read\n", dir, name);
        exit(EXIT_FAILURE);
    }
    return pipe;
}

static int64_t read_be32(FILE *file)
{
    unsigned char b[4] = {0};
    return fread(b, 1, 4, file) == 4 ? (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3] : -1;
}

// The bytes behind an IDX header of `ndims` dims; dims is filled, the caller frees.
static uint8_t *read_idx(const char *dir, const char *prefix, const char *suffix, int ndims, int64_t *dims)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%s", prefix, suffix);
    FILE *file = open_idx(dir, name);
    int good = read_be32(file) == 0x800 + ndims;
    size_t bytes = 1;
    for (int i = 0; i < ndims; i++) {
        dims[i] = read_be32(file);
        good = good && dims[i] > 0 && dims[i] < 1 << 20;
        bytes *= good ? (size_t)dims[i] : 1;
    }
    uint8_t *data = allocate(bytes);
    good = good && fread(data, 1, bytes, file) == bytes;
    if (pclose(file) != 0 || !good) {
        fprintf(stderr, "%s/%s: not an IDX file of %d dims\n", dir, name, ndims);
        exit(EXIT_FAILURE);
    }
    return data;
}

static void read_mnist(const char *dir, const char *prefix, struct dataset *set)
{
    int64_t dims[3], count;
    uint8_t *images = read_idx(dir, prefix, "images-idx3-ubyte", 3, dims);
    set->labels = read_idx(dir, prefix, "labels-idx1-ubyte", 1, &count);
    set->count = count < dims[0] ? count : dims[0];
    set->width = dims[1] * dims[2];
    size_t values = (size_t)(set->count * set->width);
    set->pixels = allocate(values * sizeof(float));
    for (size_t i = 0; i < values; i++)
        set->pixels[i] = (float)images[i] / 255;
    free(images);
}

// ---- the network

// A primitive with its arguments, and where its time is booked.
struct op {
    brick_primitive_t primitive;
    int count;
    brick_exec_arg_t args[4];
    double *seconds;
};

struct program {
    int count;
    struct op ops[MAX_OPS];
};

// Parameters and their velocities stay in f32, in plain layout; gradients are brought there.
struct parameter {
    brick_memory_t value, gradient;
    float *velocity;
    int64_t size;
};

struct net {
    brick_engine_t engine;
    brick_stream_t stream;
    int layers;
    int64_t batch, widths[MAX_LAYERS + 1];
    brick_data_type_t type; // of activations, weights and their gradients between layers
    brick_memory_t input, logits, diff_logits;
    struct parameter weights[MAX_LAYERS], bias[MAX_LAYERS];
    struct program refresh, forward, backward, gather;
    brick_memory_t memories[MAX_MEMORIES]; // all of them, for the end
    int memory_count;
    double gemm_seconds, other_seconds, gemm_flops;
};

static brick_memory_desc_t describe(int ndims, int64_t rows, int64_t columns, brick_data_type_t type,
                                    brick_format_tag_t tag)
{
    brick_dims_t dims = {rows, columns};
    brick_memory_desc_t md;
    CHECK(brick_memory_desc_create_with_tag(&md, ndims, dims, type, tag));
    return md;
}

static const_brick_memory_desc_t desc_of(const_brick_memory_t memory)
{
    const_brick_memory_desc_t md;
    CHECK(brick_memory_get_memory_desc(memory, &md));
    return md;
}

static float *floats(const_brick_memory_t memory)
{
    void *data;
    CHECK(brick_memory_get_data_handle(memory, &data));
    return data;
}

// A tensor in brick's memory, owned by the net.
static brick_memory_t tensor(struct net *net, const_brick_memory_desc_t md)
{
    brick_memory_t memory;
    CHECK(brick_memory_create(&memory, md, net->engine, BRICK_MEMORY_ALLOCATE));
    return net->memories[net->memory_count++] = memory;
}

static brick_memory_t matrix(struct net *net, int64_t rows, int64_t columns, brick_data_type_t type)
{
    brick_memory_desc_t md = describe(2, rows, columns, type, brick_ab);
    brick_memory_t memory = tensor(net, md);
    CHECK(brick_memory_desc_destroy(md));
    return memory;
}

// Appends the primitive of a descriptor, which is consumed, to a program.
static struct op *append_op(struct program *program, brick_primitive_desc_t pd, double *seconds)
{
    struct op *op = &program->ops[program->count++];
    CHECK(brick_primitive_create(&op->primitive, pd));
    CHECK(brick_primitive_desc_destroy(pd));
    op->seconds = seconds;
    return op;
}

static void bind(struct op *op, int arg, brick_memory_t memory)
{
    op->args[op->count++] = (brick_exec_arg_t){arg, memory};
}

// `from` in the layout and type of `md`: itself, or a copy that the program keeps up to date.
static brick_memory_t convert(struct net *net, struct program *program, brick_memory_t from,
                              const_brick_memory_desc_t md)
{
    if (brick_memory_desc_equal(desc_of(from), md))
        return from;
    brick_memory_t to = tensor(net, md);
    brick_primitive_desc_t pd;
    CHECK(brick_reorder_primitive_desc_create(&pd, desc_of(from), net->engine, md, net->engine, NULL));
    struct op *op = append_op(program, pd, &net->other_seconds);
    bind(op, BRICK_ARG_FROM, from);
    bind(op, BRICK_ARG_TO, to);
    return to;
}

// The same in the other direction: where to write in layout `md` what shall arrive in `to`.
static brick_memory_t convert_back(struct net *net, struct program *program, const_brick_memory_desc_t md,
                                   brick_memory_t to)
{
    if (brick_memory_desc_equal(md, desc_of(to)))
        return to;
    brick_memory_t from = tensor(net, md);
    brick_primitive_desc_t pd;
    CHECK(brick_reorder_primitive_desc_create(&pd, md, net->engine, desc_of(to), net->engine, NULL));
    struct op *op = append_op(program, pd, &net->other_seconds);
    bind(op, BRICK_ARG_FROM, from);
    bind(op, BRICK_ARG_TO, to);
    return from;
}

static const_brick_memory_desc_t query(const_brick_primitive_desc_t pd, brick_query_t what)
{
    return brick_primitive_desc_query_md(pd, what, 0);
}

// An attribute that applies ReLU to the result, in registers.
static brick_primitive_attr_t fused_relu(void)
{
    brick_post_ops_t post_ops;
    brick_primitive_attr_t attr;
    CHECK(brick_post_ops_create(&post_ops));
    CHECK(brick_post_ops_append_eltwise(post_ops, brick_eltwise_relu, 0, 0));
    CHECK(brick_primitive_attr_create(&attr));
    CHECK(brick_primitive_attr_set_post_ops(attr, post_ops));
    CHECK(brick_post_ops_destroy(post_ops));
    return attr;
}

static void init_parameter(struct net *net, struct parameter *p, const_brick_memory_desc_t md, int64_t size,
                           float range)
{
    p->size = size;
    p->value = tensor(net, md);
    p->gradient = tensor(net, md);
    p->velocity = allocate((size_t)size * sizeof(float));
    float *value = floats(p->value);
    for (int64_t i = 0; i < size; i++)
        value[i] = (2 * uniform() - 1) * range;
}

// diff *= derivative of ReLU, seen from its result.
static void append_relu_backward(struct net *net, brick_memory_t diff, brick_memory_t result)
{
    brick_primitive_desc_t forward, pd;
    const_brick_memory_desc_t md = desc_of(result);
    CHECK(brick_eltwise_forward_primitive_desc_create(&forward, net->engine, brick_forward_training,
                                                      brick_eltwise_relu_use_dst_for_bwd, md, md, 0, 0, NULL));
    CHECK(brick_eltwise_backward_primitive_desc_create(&pd, net->engine, brick_eltwise_relu_use_dst_for_bwd, md, md,
                                                       md, 0, 0, forward, NULL));
    CHECK(brick_primitive_desc_destroy(forward));
    struct op *op = append_op(&net->backward, pd, &net->other_seconds);
    bind(op, BRICK_ARG_DST, result);
    bind(op, BRICK_ARG_DIFF_DST, diff);
    bind(op, BRICK_ARG_DIFF_SRC, diff);
}

// dst = [relu](src * weights' + bias). Returns the descriptor, which the backward passes take as a hint.
static brick_primitive_desc_t append_forward(struct net *net, int l, const_brick_memory_desc_t any,
                                             brick_memory_t src, brick_memory_t dst)
{
    brick_primitive_attr_t attr = l + 1 < net->layers ? fused_relu() : NULL;
    brick_primitive_desc_t pd, hint;
    CHECK(brick_inner_product_forward_primitive_desc_create(&pd, net->engine, brick_forward_training, desc_of(src), any,
                                                            desc_of(net->bias[l].value), desc_of(dst), attr));
    CHECK(brick_primitive_attr_destroy(attr));
    CHECK(brick_primitive_desc_clone(&hint, pd));
    brick_memory_t weights = convert(net, &net->refresh, net->weights[l].value, query(pd, brick_query_weights_md));
    struct op *op = append_op(&net->forward, pd, &net->gemm_seconds);
    bind(op, BRICK_ARG_SRC, src);
    bind(op, BRICK_ARG_WEIGHTS, weights);
    bind(op, BRICK_ARG_BIAS, net->bias[l].value);
    bind(op, BRICK_ARG_DST, dst);
    return hint;
}

// diff_weights = diff_dst' * src, diff_bias = column sums of diff_dst.
static void append_backward_weights(struct net *net, int l, brick_memory_t src, brick_memory_t diff_dst,
                                    const_brick_primitive_desc_t hint)
{
    brick_memory_desc_t any = describe(2, net->widths[l + 1], net->widths[l], brick_f32, brick_format_tag_any);
    brick_primitive_desc_t pd;
    CHECK(brick_inner_product_backward_weights_primitive_desc_create(
        &pd, net->engine, desc_of(src), any, desc_of(net->bias[l].gradient), desc_of(diff_dst), hint, NULL));
    CHECK(brick_memory_desc_destroy(any));
    brick_memory_t diff_weights =
        convert_back(net, &net->gather, query(pd, brick_query_diff_weights_md), net->weights[l].gradient);
    struct op *op = append_op(&net->backward, pd, &net->gemm_seconds);
    bind(op, BRICK_ARG_SRC, src);
    bind(op, BRICK_ARG_DIFF_DST, diff_dst);
    bind(op, BRICK_ARG_DIFF_WEIGHTS, diff_weights);
    bind(op, BRICK_ARG_DIFF_BIAS, net->bias[l].gradient);
}

// diff_src = diff_dst * weights.
static void append_backward_data(struct net *net, int l, const_brick_memory_desc_t any, brick_memory_t diff_src,
                                 brick_memory_t diff_dst, const_brick_primitive_desc_t hint)
{
    brick_primitive_desc_t pd;
    CHECK(brick_inner_product_backward_data_primitive_desc_create(&pd, net->engine, desc_of(diff_src), any,
                                                                  desc_of(diff_dst), hint, NULL));
    brick_memory_t weights = convert(net, &net->refresh, net->weights[l].value, query(pd, brick_query_weights_md));
    struct op *op = append_op(&net->backward, pd, &net->gemm_seconds);
    bind(op, BRICK_ARG_DIFF_DST, diff_dst);
    bind(op, BRICK_ARG_WEIGHTS, weights);
    bind(op, BRICK_ARG_DIFF_SRC, diff_src);
}

static void init_parameters(struct net *net, int l)
{
    int64_t in = net->widths[l], out = net->widths[l + 1];
    brick_memory_desc_t weights = describe(2, out, in, brick_f32, brick_ab);
    brick_memory_desc_t bias = describe(1, out, 0, brick_f32, brick_a);
    init_parameter(net, &net->weights[l], weights, out * in, sqrtf(6 / (float)in));
    init_parameter(net, &net->bias[l], bias, out, 0);
    CHECK(brick_memory_desc_destroy(weights));
    CHECK(brick_memory_desc_destroy(bias));
}

static void build(struct net *net)
{
    int layers = net->layers;
    int64_t batch = net->batch;
    brick_memory_t values[MAX_LAYERS + 1];
    brick_memory_desc_t any[MAX_LAYERS];
    brick_primitive_desc_t hints[MAX_LAYERS];
    CHECK(brick_engine_create(&net->engine, brick_cpu, 0));
    CHECK(brick_stream_create(&net->stream, net->engine, brick_stream_default_flags));

    // The input arrives, and the logits leave, in f32.
    net->input = matrix(net, batch, net->widths[0], brick_f32);
    net->logits = matrix(net, batch, net->widths[layers], brick_f32);
    net->diff_logits = matrix(net, batch, net->widths[layers], brick_f32);
    brick_memory_desc_t input = describe(2, batch, net->widths[0], net->type, brick_ab);
    values[0] = convert(net, &net->forward, net->input, input);
    CHECK(brick_memory_desc_destroy(input));
    for (int l = 0; l < layers; l++) {
        init_parameters(net, l);
        any[l] = describe(2, net->widths[l + 1], net->widths[l], net->type, brick_format_tag_any);
        values[l + 1] = l + 1 < layers ? matrix(net, batch, net->widths[l + 1], net->type) : net->logits;
        hints[l] = append_forward(net, l, any[l], values[l], values[l + 1]);
    }

    brick_memory_desc_t output = describe(2, batch, net->widths[layers], net->type, brick_ab);
    brick_memory_t diff = convert(net, &net->backward, net->diff_logits, output);
    CHECK(brick_memory_desc_destroy(output));
    for (int l = layers - 1; l >= 0; l--) {
        append_backward_weights(net, l, values[l], diff, hints[l]);
        if (l > 0) {
            brick_memory_t diff_src = matrix(net, batch, net->widths[l], net->type);
            append_backward_data(net, l, any[l], diff_src, diff, hints[l]);
            append_relu_backward(net, diff_src, values[l]);
            diff = diff_src;
        }
        CHECK(brick_memory_desc_destroy(any[l]));
        CHECK(brick_primitive_desc_destroy(hints[l]));
    }
}

static void destroy_program(struct program *program)
{
    for (int i = 0; i < program->count; i++)
        CHECK(brick_primitive_destroy(program->ops[i].primitive));
}

static void destroy(struct net *net)
{
    destroy_program(&net->refresh);
    destroy_program(&net->forward);
    destroy_program(&net->backward);
    destroy_program(&net->gather);
    for (int i = 0; i < net->memory_count; i++)
        CHECK(brick_memory_destroy(net->memories[i]));
    for (int l = 0; l < net->layers; l++) {
        free(net->weights[l].velocity);
        free(net->bias[l].velocity);
    }
    CHECK(brick_stream_destroy(net->stream));
    CHECK(brick_engine_destroy(net->engine));
}

// ---- training

static void run(struct net *net, const struct program *program)
{
    for (int i = 0; i < program->count; i++) {
        const struct op *op = &program->ops[i];
        double start = now();
        CHECK(brick_primitive_execute(op->primitive, net->stream, op->count, op->args));
        *op->seconds += now() - start;
    }
}

// Multiply-adds of one layer and pass.
static double macs(const struct net *net, int l)
{
    return (double)net->batch * (double)net->widths[l] * (double)net->widths[l + 1];
}

static void run_forward(struct net *net)
{
    run(net, &net->forward);
    for (int l = 0; l < net->layers; l++)
        net->gemm_flops += 2 * macs(net, l);
}

static void run_backward(struct net *net)
{
    run(net, &net->backward);
    run(net, &net->gather);
    for (int l = 0; l < net->layers; l++)
        net->gemm_flops += (l > 0 ? 4 : 2) * macs(net, l); // nobody asks for the gradient of the input
}

// Copies samples order[0..batch) into the input; beyond the end the last sample is repeated.
static void load_batch(struct net *net, const struct dataset *set, const int *order, int64_t available)
{
    float *input = floats(net->input);
    for (int64_t i = 0; i < net->batch; i++) {
        int64_t sample = order[i < available ? i : available - 1];
        memcpy(input + i * set->width, set->pixels + sample * set->width, (size_t)set->width * sizeof *input);
    }
}

// Softmax of the logits: adds up the loss, and leaves the loss's gradient (softmax - truth) / batch.
static double softmax_loss(struct net *net, const struct dataset *set, const int *order)
{
    const float *logits = floats(net->logits);
    float *diff = floats(net->diff_logits);
    int64_t classes = net->widths[net->layers];
    double loss = 0;
    for (int64_t i = 0; i < net->batch; i++, logits += classes, diff += classes) {
        float top = logits[0], sum = 0;
        for (int64_t c = 1; c < classes; c++)
            top = logits[c] > top ? logits[c] : top;
        for (int64_t c = 0; c < classes; c++)
            sum += diff[c] = expf(logits[c] - top);
        int truth = set->labels[order[i]];
        loss -= logits[truth] - top - logf(sum);
        for (int64_t c = 0; c < classes; c++)
            diff[c] = (diff[c] / sum - (c == truth)) / (float)net->batch;
    }
    return loss;
}

static void update(struct parameter *p, float rate)
{
    const float momentum = 0.9f;
    const float *gradient = floats(p->gradient);
    float *value = floats(p->value);
    for (int64_t i = 0; i < p->size; i++) {
        p->velocity[i] = momentum * p->velocity[i] - rate * gradient[i];
        value[i] += p->velocity[i];
    }
}

static void shuffle(int *order, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)(uniform() * (float)(i + 1));
        int swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
}

// One pass over the data in random order; returns the mean loss.
static double train_epoch(struct net *net, const struct dataset *set, int *order, float rate)
{
    double loss = 0;
    int64_t steps = set->count / net->batch;
    shuffle(order, set->count);
    for (int64_t s = 0; s < steps; s++) {
        const int *samples = order + s * net->batch;
        load_batch(net, set, samples, net->batch);
        run_forward(net);
        loss += softmax_loss(net, set, samples);
        run_backward(net);
        for (int l = 0; l < net->layers; l++) {
            update(&net->weights[l], rate);
            update(&net->bias[l], rate);
        }
        run(net, &net->refresh);
    }
    return loss / (double)(steps * net->batch);
}

// The share of samples whose largest logit is the label's, in percent.
static double accuracy(struct net *net, const struct dataset *set, const int *order)
{
    int64_t right = 0, classes = net->widths[net->layers];
    for (int64_t start = 0; start < set->count; start += net->batch) {
        int64_t count = set->count - start < net->batch ? set->count - start : net->batch;
        load_batch(net, set, order + start, count);
        run_forward(net);
        const float *logits = floats(net->logits);
        for (int64_t i = 0; i < count; i++, logits += classes) {
            int best = 0;
            for (int c = 1; c < classes; c++)
                best = logits[c] > logits[best] ? c : best;
            right += best == set->labels[order[start + i]];
        }
    }
    return 100.0 * (double)right / (double)set->count;
}

static void report(const struct net *net, double seconds, int threads)
{
    double rate = net->gemm_flops / net->gemm_seconds * 1e-9;
    double peak = threads * measure_peak(net->type == brick_bf16 ? PEAK_BF16 : PEAK_F32);
    printf("%.2f s: %.1f %% in inner products, %.1f %% in relu and reorders, the rest in softmax, update and batches\n",
           seconds, 100 * net->gemm_seconds / seconds, 100 * net->other_seconds / seconds);
    printf("inner products: %.1f GFLOP/s on %d thread%s", rate, threads, threads == 1 ? "" : "s");
    if (peak > 0)
        printf(", %.0f %% of the %.0f GFLOP/s that the processor can do", 100 * rate / peak, peak);
    printf("\n");
}

// How many threads the library uses.
static int threads(void)
{
    brick_machine_info_t info;
    CHECK(brick_machine_info(&info));
    return info.threads;
}

static int *identity(int64_t count)
{
    int *order = allocate((size_t)count * sizeof *order);
    for (int64_t i = 0; i < count; i++)
        order[i] = (int)i;
    return order;
}

int main(int argc, char **argv)
{
    const char *dir = getenv("BRICK_DATA"), *path = "examples/data/digits.csv";
    int epochs = dir ? 10 : 20;
    struct net net = {.layers = 3, .batch = dir ? 256 : 32, .type = brick_f32};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--bf16")) {
            net.type = brick_bf16;
        } else if (!strcmp(argv[i], "--epochs") && i + 1 < argc) {
            epochs = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "--data") && i + 1 < argc) {
            path = argv[++i];
        } else {
            fprintf(stderr, "usage: mlp [--bf16] [--epochs N] [--data FILE]\n");
            return EXIT_FAILURE;
        }
    }

    struct dataset train = {0}, test = {0};
    if (dir) {
        read_mnist(dir, "train", &train);
        read_mnist(dir, "t10k", &test);
    } else {
        read_digits(path, &train, &test);
    }
    if (train.count < net.batch || test.count == 0 || train.width != test.width) {
        fprintf(stderr, "%s: too few samples\n", dir ? dir : path);
        return EXIT_FAILURE;
    }
    int64_t hidden = dir ? 512 : 256;
    net.widths[0] = train.width, net.widths[1] = net.widths[2] = hidden, net.widths[3] = 10;
    build(&net);
    run(&net, &net.refresh);
    printf("%s: %d images to learn from, %d held out; layers %d-%d-%d-10, batch %d, %s\n",
           dir ? dir : "handwritten digits", (int)train.count, (int)test.count, (int)train.width, (int)hidden,
           (int)hidden, (int)net.batch, net.type == brick_bf16 ? "bf16" : "f32");

    int *order = identity(train.count), *test_order = identity(test.count);
    double start = now(), reached = 0;
    for (int epoch = 1; epoch <= epochs; epoch++) {
        float rate = 0.05f * (float)(epochs - epoch + 1) / (float)epochs;
        double began = now(), loss = train_epoch(&net, &train, order, rate);
        reached = accuracy(&net, &test, test_order);
        printf("epoch %2d  loss %.4f  accuracy %.2f %%  %.0f ms\n", epoch, loss, reached, 1e3 * (now() - began));
        fflush(stdout);
    }
    report(&net, now() - start, threads());
    printf("accuracy %.2f %% on the held-out images\n", reached);

    destroy(&net);
    free(order);
    free(test_order);
    free_dataset(&train);
    free_dataset(&test);
    return EXIT_SUCCESS;
}
