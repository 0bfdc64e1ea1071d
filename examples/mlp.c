// Trains a multilayer perceptron: fully connected layers with ReLU, softmax, cross-entropy, SGD with momentum.
//
//   mlp [--bf16] [--epochs N] [--batch N] [--hidden N] [--data FILE]
//
// Without BRICK_DATA it learns the handwritten digits in examples/data (every fifth is held out). BRICK_DATA=DIR names
// a directory with the four IDX files of MNIST or Fashion-MNIST, plain or gzipped.
//
// Here is the network; net.h has what networks are made of, classifier.h the training. Softmax and loss are plain C.
#define _POSIX_C_SOURCE 200809L
#include "classifier.h"

enum { MAX_LAYERS = 4 };

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

// The forward pass, layer by layer, then the backward pass, the other way round.
static void build(struct classifier *model, const struct dataset *set, int layers, const int64_t *widths)
{
    struct net *net = &model->net;
    int64_t batch = model->batch;
    struct dense dense[MAX_LAYERS];
    brick_memory_t values[MAX_LAYERS + 1];
    brick_primitive_desc_t hints[MAX_LAYERS];
    create_classifier(model, set);

    values[0] = model->input;
    for (int l = 0; l < layers; l++) {
        int last = l + 1 == layers;
        brick_primitive_attr_t attr = last ? NULL : fused_relu();
        dense[l] = new_dense(net, widths[l], widths[l + 1], model->type, sqrtf(6 / (float)widths[l]));
        values[l + 1] = last ? model->logits : matrix(net, batch, widths[l + 1], model->type);
        hints[l] = append_dense(net, &net->forward, &dense[l], values[l], values[l + 1], attr);
        CHECK(brick_primitive_attr_destroy(attr));
        // Three passes, but nobody asks for the input's gradient.
        model->flops += (l > 0 ? 6.0 : 4.0) * (double)(batch * widths[l] * widths[l + 1]);
    }

    brick_memory_desc_t output = describe_matrix(batch, widths[layers], model->type, brick_ab);
    brick_memory_t diff = convert(net, &net->backward, model->diff_logits, output);
    CHECK(brick_memory_desc_destroy(output));
    for (int l = layers - 1; l >= 0; l--) {
        append_dense_weights(net, &dense[l], values[l], diff, hints[l]);
        if (l > 0) {
            brick_memory_t diff_src = matrix(net, batch, widths[l], model->type);
            append_dense_data(net, &dense[l], diff_src, diff, hints[l]);
            append_relu_backward(net, diff_src, values[l]);
            diff = diff_src;
        }
        destroy_dense(&dense[l]);
        CHECK(brick_primitive_desc_destroy(hints[l]));
    }
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

static void introduce(const struct options *options, const struct dataset *train, const struct dataset *test,
                      int layers, const int64_t *widths)
{
    const char *source = options->directory ? options->directory : "handwritten digits";
    show_machine();
    printf("%s: %d images to learn from, %d held out\n", source, (int)train->count, (int)test->count);
    printf("layers %d", (int)widths[0]);
    for (int l = 0; l < layers; l++)
        printf("-%d", (int)widths[l + 1]);
    printf(", batch %d, %s\n\n", options->batch, brick_dt2str(options->type));
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
    int64_t widths[] = {train_set.width, options.hidden, options.hidden, CLASSES};
    int layers = sizeof widths / sizeof *widths - 1;
    struct classifier model = {.batch = options.batch, .type = options.type, .kind = "inner_product"};
    build(&model, &train_set, layers, widths);
    introduce(&options, &train_set, &test_set, layers, widths);
    train(&model, &train_set, &test_set, options.epochs, 0.05f);

    destroy_classifier(&model);
    free_dataset(&train_set);
    free_dataset(&test_set);
    return EXIT_SUCCESS;
}
