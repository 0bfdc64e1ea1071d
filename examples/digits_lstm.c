// Reads handwritten digits row by row with a bidirectional LSTM: eight steps of eight pixels, from both ends.
//
//   digits_lstm [EPOCHS [FILE]]     defaults: 20, examples/data/digits.csv
//
// An inner product turns the states at all rows into ten logits. Every fifth digit is held out.
#define _POSIX_C_SOURCE 200809L
#include "classifier.h"
#include "lstm.h"

enum { ROWS = 8, COLUMNS = 8, STATES = 64 };

static brick_memory_desc_t describe_rows(int64_t batch, int64_t channels)
{
    int64_t dims[] = {ROWS, batch, channels};
    return describe(3, dims, brick_f32, brick_ntc);
}

// Pictures lie in memory one after the other, each a sequence of rows: that is the layout ntc, and nothing is moved.
static void build(struct classifier *model, const struct dataset *set)
{
    struct net *net = &model->net;
    int64_t batch = model->batch, width = 2 * STATES;
    create_classifier(model, set);
    struct lstm lstm = new_lstm(net, brick_bidirectional_concat, COLUMNS, STATES, 1 / sqrtf(COLUMNS));
    struct dense dense = new_dense(net, ROWS * width, CLASSES, brick_f32, 1 / sqrtf((float)(ROWS * width)));

    brick_memory_t states = matrix(net, batch, ROWS * width, brick_f32);
    struct lstm_pass pass = {.src_layer = view(net, model->input, describe_rows(batch, COLUMNS)),
                             .dst_layer = view(net, states, describe_rows(batch, width))};
    brick_primitive_desc_t lstm_hint = append_lstm(net, &net->forward, &lstm, &pass, brick_forward_training);
    brick_primitive_desc_t dense_hint = append_dense(net, &net->forward, &dense, states, model->logits, NULL);

    brick_memory_t diff_states = matrix(net, batch, ROWS * width, brick_f32);
    append_dense_weights(net, &dense, states, model->diff_logits, dense_hint);
    append_dense_data(net, &dense, diff_states, model->diff_logits, dense_hint);
    brick_memory_t diff_input = new_tensor(net, describe_rows(batch, COLUMNS));
    append_lstm_backward(net, &lstm, &pass, diff_input, view(net, diff_states, describe_rows(batch, width)), lstm_hint);

    model->flops = 3 * lstm_flops(&lstm) * (double)(ROWS * batch);
    destroy_dense(&dense);
    CHECK(brick_primitive_desc_destroy(lstm_hint));
    CHECK(brick_primitive_desc_destroy(dense_hint));
}

int main(int argc, char **argv)
{
    int epochs = argc > 1 ? atoi(argv[1]) : 20;
    const char *file = argc > 2 ? argv[2] : "examples/data/digits.csv";
    if (argc > 3 || epochs < 1) {
        fprintf(stderr, "usage: digits_lstm [EPOCHS [FILE]]\n");
        return EXIT_FAILURE;
    }
    struct dataset train_set = {0}, test_set = {0};
    read_digits(file, &train_set, &test_set);
    struct classifier model = {.batch = 32, .type = brick_f32, .kind = "rnn"};
    if (train_set.count < model.batch || test_set.count == 0) {
        fprintf(stderr, "%s: %d digits to learn from are too few\n", file, (int)train_set.count);
        return EXIT_FAILURE;
    }
    build(&model, &train_set);
    show_machine();
    printf("handwritten digits: %d images to learn from, %d held out\n", (int)train_set.count, (int)test_set.count);
    printf("bidirectional LSTM, %d steps of %d pixels, %d states, batch %d, f32\n\n", ROWS, COLUMNS, STATES,
           (int)model.batch);
    train(&model, &train_set, &test_set, epochs, 0.1f);

    destroy_classifier(&model);
    free_dataset(&train_set);
    free_dataset(&test_set);
    return EXIT_SUCCESS;
}
