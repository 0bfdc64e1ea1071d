// Trains a multilayer perceptron: fully connected layers with ReLU, softmax, cross-entropy, SGD with momentum.
//
//   mlp [--bf16] [--epochs N] [--batch N] [--hidden N] [--data FILE]
//
// Without BRICK_DATA it learns the handwritten digits in examples/data (every fifth is held out). BRICK_DATA=DIR names
// a directory with the four IDX files of MNIST or Fashion-MNIST, plain or gzipped.
//
// The network is five short lists of primitives: `refresh` brings the weights into the layouts that the primitives chose,
// `forward` and `backward` run the passes, `gather` brings the gradients back into plain layout, `update` moves the
// parameters. Softmax and loss are plain C.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>

#include "dataset.h"
#include "example.h"
#include "peak.h"
#include "profile.h"
#include "screen.h"

enum { MAX_LAYERS = 4, MAX_OPS = 16, MAX_MEMORIES = 64 };

// ---- the network

// A primitive with its arguments.
struct op {
    brick_primitive_t primitive;
    int count;
    brick_exec_arg_t args[4];
};

struct program {
    int count;
    struct op ops[MAX_OPS];
};

// Parameters and their velocities stay in f32, in plain layout; gradients are brought there.
struct parameter {
    brick_memory_t value, gradient, velocity;
};

struct net {
    brick_engine_t engine;
    brick_stream_t stream;
    int layers;
    int64_t batch, widths[MAX_LAYERS + 1];
    brick_data_type_t type; // of activations, weights and their gradients between layers
    brick_memory_t input, logits, diff_logits;
    struct parameter weights[MAX_LAYERS], bias[MAX_LAYERS];
    struct program refresh, forward, backward, gather, update;
    brick_memory_t memories[MAX_MEMORIES]; // all of them, for the end
    int memory_count;
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
static struct op *append_op(struct program *program, brick_primitive_desc_t pd)
{
    struct op *op = &program->ops[program->count++];
    op->count = 0;
    CHECK(brick_primitive_create(&op->primitive, pd));
    CHECK(brick_primitive_desc_destroy(pd));
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
    struct op *op = append_op(program, pd);
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
    struct op *op = append_op(program, pd);
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
    p->value = tensor(net, md);
    p->gradient = tensor(net, md);
    p->velocity = tensor(net, md);
    float *value = floats(p->value), *velocity = floats(p->velocity);
    for (int64_t i = 0; i < size; i++) {
        value[i] = (2 * uniform() - 1) * range;
        velocity[i] = 0;
    }
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
    struct op *op = append_op(&net->backward, pd);
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
    struct op *op = append_op(&net->forward, pd);
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
    struct op *op = append_op(&net->backward, pd);
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
    struct op *op = append_op(&net->backward, pd);
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

// to = scale * to + other_scale * other
static void append_sum(struct net *net, brick_memory_t to, float scale, brick_memory_t other, float other_scale)
{
    const_brick_memory_desc_t md = desc_of(to), sources[] = {md, desc_of(other)};
    float scales[] = {scale, other_scale};
    brick_primitive_desc_t pd;
    CHECK(brick_sum_primitive_desc_create(&pd, net->engine, md, 2, scales, sources, NULL));
    struct op *op = append_op(&net->update, pd);
    bind(op, BRICK_ARG_MULTIPLE_SRC, to);
    bind(op, BRICK_ARG_MULTIPLE_SRC + 1, other);
    bind(op, BRICK_ARG_DST, to);
}

static void destroy_program(struct program *program)
{
    for (int i = 0; i < program->count; i++)
        CHECK(brick_primitive_destroy(program->ops[i].primitive));
    program->count = 0;
}

// Gradient descent with momentum, at another rate than before.
static void plan_update(struct net *net, float rate)
{
    destroy_program(&net->update);
    for (int l = 0; l < net->layers; l++) {
        const struct parameter *both[] = {&net->weights[l], &net->bias[l]};
        for (int i = 0; i < 2; i++) {
            append_sum(net, both[i]->velocity, 0.9f, both[i]->gradient, -rate);
            append_sum(net, both[i]->value, 1, both[i]->velocity, 1);
        }
    }
}

static void destroy(struct net *net)
{
    destroy_program(&net->refresh);
    destroy_program(&net->forward);
    destroy_program(&net->backward);
    destroy_program(&net->gather);
    destroy_program(&net->update);
    for (int i = 0; i < net->memory_count; i++)
        CHECK(brick_memory_destroy(net->memories[i]));
    CHECK(brick_stream_destroy(net->stream));
    CHECK(brick_engine_destroy(net->engine));
}

// ---- training

static void run(struct net *net, const struct program *program)
{
    for (int i = 0; i < program->count; i++) {
        const struct op *op = &program->ops[i];
        CHECK(brick_primitive_execute(op->primitive, net->stream, op->count, op->args));
    }
}

// Floating-point operations of the inner products of one step: three passes, but nobody asks for the input's gradient.
static double flops_of_step(const struct net *net)
{
    double flops = 0;
    for (int l = 0; l < net->layers; l++)
        flops += (l > 0 ? 6.0 : 4.0) * (double)(net->batch * net->widths[l] * net->widths[l + 1]);
    return flops;
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

static void shuffle(int *order, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)(uniform() * (float)(i + 1));
        int swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
}

static void step(struct net *net, const struct dataset *set, const int *samples, double *loss)
{
    load_batch(net, set, samples, net->batch);
    run(net, &net->forward);
    *loss += softmax_loss(net, set, samples);
    run(net, &net->backward);
    run(net, &net->gather);
    run(net, &net->update);
    run(net, &net->refresh);
}

// One pass over the data in random order, numbered for who watches; returns the mean loss.
static double train_epoch(struct net *net, const struct dataset *set, int *order, float rate, int epoch)
{
    double loss = 0, shown = 0;
    int64_t steps = set->count / net->batch;
    shuffle(order, set->count);
    plan_update(net, rate);
    for (int64_t s = 0; s < steps; s++) {
        step(net, set, order + s * net->batch, &loss);
        if (now() - shown > 0.1) {
            shown = now();
            live((double)(s + 1) / (double)steps, "epoch %2d  loss %.4f", epoch, loss / (double)((s + 1) * net->batch));
        }
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
        run(net, &net->forward);
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

static int *identity(int64_t count)
{
    int *order = allocate((size_t)count * sizeof *order);
    for (int64_t i = 0; i < count; i++)
        order[i] = (int)i;
    return order;
}

struct options {
    const char *directory, *file; // IDX files, or the digits
    int epochs, batch, hidden;
    brick_data_type_t type;
};

static int usage(void)
{
    fprintf(stderr, "usage: mlp [--bf16] [--epochs N] [--batch N] [--hidden N] [--data FILE]\n"
                    "  --bf16      activations, weights and their products in bf16 instead of f32\n"
                    "  --data      the digits, if not examples/data/digits.csv\n"
                    "  BRICK_DATA  (environment) a directory with the IDX files of MNIST or Fashion-MNIST instead\n");
    return EXIT_FAILURE;
}

// Fills the options; 0 where an argument makes no sense.
static int parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--bf16")) {
            options->type = brick_bf16;
            continue;
        }
        if (i + 1 == argc)
            return 0;
        const char *name = argv[i], *value = argv[++i];
        int *number = !strcmp(name, "--epochs")   ? &options->epochs
                      : !strcmp(name, "--batch")  ? &options->batch
                      : !strcmp(name, "--hidden") ? &options->hidden
                                                  : NULL;
        if (number)
            *number = atoi(value);
        else if (!strcmp(name, "--data"))
            options->file = value;
        else
            return 0;
        if (number && *number < 1)
            return 0;
    }
    return 1;
}

static void load(const struct options *options, struct dataset *train, struct dataset *test)
{
    const char *source = options->directory ? options->directory : options->file;
    if (options->directory) {
        read_mnist(source, "train", train);
        read_mnist(source, "t10k", test);
    } else {
        read_digits(source, train, test);
    }
    if (train->count < options->batch || test->count == 0 || train->width != test->width) {
        fprintf(stderr, "%s: %d images to learn from and %d held out are too few\n", source, (int)train->count,
                (int)test->count);
        exit(EXIT_FAILURE);
    }
}

static void introduce(const struct net *net, const struct dataset *train, const struct dataset *test,
                      const char *source)
{
    brick_machine_info_t machine;
    CHECK(brick_machine_info(&machine));
    const char *isa = brick_cpu_isa2str((brick_cpu_isa_t)machine.effective_isa) + strlen("cpu_isa_");
    printf("%s%s%s, %s, %d thread%s\n", paint(BOLD), brick_version()->hash, paint(PLAIN), isa, machine.threads,
           machine.threads == 1 ? "" : "s");
    printf("%s: %d images to learn from, %d held out\n", source, (int)train->count, (int)test->count);
    printf("layers %d", (int)net->widths[0]);
    for (int l = 0; l < net->layers; l++)
        printf("-%d", (int)net->widths[l + 1]);
    printf(", batch %d, %s\n\n", (int)net->batch, brick_dt2str(net->type));
}

static void show_epoch(int epoch, double loss, double reached, double seconds)
{
    rewrite_line();
    printf("epoch %2d  loss %.4f  accuracy %5.2f %%", epoch, loss, reached);
    bar((reached - 80) / 20, 20, CYAN); // from 80 to 100 %
    printf("  %5.0f ms\n", 1e3 * seconds);
    fflush(stdout);
}

// Where the steps' time went, and how close the inner products came to what the processor can do.
static void report(const struct net *net, struct profile *profile, int64_t steps, double seconds)
{
    brick_machine_info_t machine;
    CHECK(brick_machine_info(&machine));
    printf("\n%sA step takes %.2f ms:%s\n", paint(BOLD), 1e3 * seconds / (double)steps, paint(PLAIN));
    profile_report(profile, seconds);
    double all = profile_seconds(profile, NULL), update = profile_seconds(profile, "sum");
    printf("brick's kernels do %.1f %% of a step, %.1f %% without the update of the parameters (sum);\n"
           "the program loads batches and computes the loss.\n",
           100 * all / seconds, 100 * (all - update) / seconds);
    double rate = 1e-9 * flops_of_step(net) * (double)steps / profile_seconds(profile, "inner_product");
    double peak = machine.threads * measure_peak(net->type == brick_bf16 ? PEAK_BF16 : PEAK_F32);
    printf("Inner products run at %.1f GFLOP/s", rate);
    if (peak > 0)
        printf(", %.0f %% of the peak of %.0f", 100 * rate / peak, peak);
    printf(" (%d thread%s).\n", machine.threads, machine.threads == 1 ? "" : "s");
}

// Trains for all epochs and returns the accuracy reached on the images held out.
static double train(struct net *net, const struct dataset *train, const struct dataset *test, int epochs)
{
    struct profile profile = {0};
    double seconds = 0, reached = 0;
    int *order = identity(train->count), *test_order = identity(test->count);
    for (int epoch = 1; epoch <= epochs; epoch++) {
        float rate = 0.05f * (float)(epochs - epoch + 1) / (float)epochs;
        double began = now();
        profile_start(&profile);
        double loss = train_epoch(net, train, order, rate, epoch);
        profile_stop();
        seconds += now() - began;
        reached = accuracy(net, test, test_order);
        show_epoch(epoch, loss, reached, now() - began);
    }
    report(net, &profile, epochs * (train->count / net->batch), seconds);
    free(order);
    free(test_order);
    return reached;
}

int main(int argc, char **argv)
{
    struct options options = {.directory = getenv("BRICK_DATA"), .file = "examples/data/digits.csv", .type = brick_f32};
    options.epochs = options.directory ? 10 : 20;
    options.batch = options.directory ? 256 : 32;
    options.hidden = options.directory ? 512 : 256;
    if (!parse(argc, argv, &options))
        return usage();

    struct dataset train_set = {0}, test_set = {0};
    load(&options, &train_set, &test_set);
    struct net net = {.layers = 3, .batch = options.batch, .type = options.type};
    net.widths[0] = train_set.width, net.widths[1] = net.widths[2] = options.hidden, net.widths[3] = CLASSES;
    build(&net);
    run(&net, &net.refresh);
    introduce(&net, &train_set, &test_set, options.directory ? options.directory : "handwritten digits");
    double reached = train(&net, &train_set, &test_set, options.epochs);
    printf("%saccuracy %.2f %%%s on the images held out\n", paint(GREEN), reached, paint(PLAIN));

    destroy(&net);
    free_dataset(&train_set);
    free_dataset(&test_set);
    return EXIT_SUCCESS;
}
