// Learns to write: a character-level LSTM language model. Each character is predicted from all before it.
//
//   lstm_chars [--epochs N] [--seconds N] [--states N] [--text FILE]
//
// The text is read by 32 readers at once, each in a part of its own, 32 characters a step; the states after a step are
// those before the next, and gradients end at its beginning. An inner product turns states into a number for each
// character. The last 5 % of the text are held out: what counts is how many bits a character of them takes. At the end
// the model writes a sample. The LSTM and the inner product are brick's; softmax, loss and Adam are plain C.
#define _POSIX_C_SOURCE 200809L
#include "lstm.h"
#include "profile.h"
#include "screen.h"

enum { READERS = 32, STEPS = 32, ROWS = STEPS * READERS, MAX_CLASSES = 256, SAMPLE = 600 };

// ---- the text

// Characters numbered in the order of their codes: only those that occur.
struct text {
    int64_t length, learned; // characters in all, and those to learn from
    uint8_t *classes;        // of each character
    int class_count;
    uint8_t characters[MAX_CLASSES]; // of each class
};

static void read_text(const char *path, struct text *text)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0 || (text->length = ftell(file)) < 20 * ROWS) {
        fprintf(stderr, "%s: cannot be read, or has fewer than %d characters (run from the top of the repository, or "
                        "give --text FILE)\n", path, 20 * ROWS);
        exit(EXIT_FAILURE);
    }
    rewind(file);
    text->classes = allocate((size_t)text->length);
    text->length = (int64_t)fread(text->classes, 1, (size_t)text->length, file);
    text->learned = text->length - text->length / 20;
    fclose(file);

    int numbers[MAX_CLASSES] = {0};
    for (int64_t i = 0; i < text->length; i++)
        numbers[text->classes[i]] = 1;
    for (int c = 0; c < MAX_CLASSES; c++) {
        if (numbers[c]) {
            text->characters[text->class_count] = (uint8_t)c;
            numbers[c] = text->class_count++;
        }
    }
    for (int64_t i = 0; i < text->length; i++)
        text->classes[i] = (uint8_t)numbers[text->classes[i]];
}

// ---- the network

struct model {
    struct net net;
    int64_t classes, states;
    struct lstm lstm;
    struct dense dense;
    struct lstm_pass reading, writing; // many characters at once to learn from; one at a time
    brick_memory_t logits, diff_logits, written_logits;
    struct program write;
    int truth[ROWS];
    float *squares[MAX_PARAMETERS]; // Adam's running means of squared gradients
    int updates;
};

// What a pass of so many steps and readers reads and writes; its first and last states are its own.
static struct lstm_pass new_pass(struct model *model, int64_t steps, int64_t readers)
{
    struct net *net = &model->net;
    int64_t input[] = {steps, readers, model->classes}, output[] = {steps, readers, model->states},
            state[] = {1, 1, readers, model->states};
    struct lstm_pass pass = {0};
    pass.src_layer = new_tensor(net, describe(3, input, brick_f32, brick_tnc));
    pass.dst_layer = new_tensor(net, describe(3, output, brick_f32, brick_tnc));
    brick_memory_t *states[] = {&pass.src_iter, &pass.src_iter_c, &pass.dst_iter, &pass.dst_iter_c};
    for (int i = 0; i < 4; i++)
        *states[i] = new_tensor(net, describe(4, state, brick_f32, brick_ldnc));
    return pass;
}

// The states at all steps, one row each, as the inner product wants them.
static brick_memory_t rows_of(struct net *net, brick_memory_t layer, int64_t rows, int64_t channels)
{
    return view(net, layer, describe_matrix(rows, channels, brick_f32, brick_ab));
}

static void build(struct model *model)
{
    struct net *net = &model->net;
    int64_t classes = model->classes, states = model->states;
    create_net(net);
    model->lstm = new_lstm(net, brick_unidirectional_left2right, classes, states, 2);
    model->dense = new_dense(net, states, classes, brick_f32, 1 / sqrtf((float)states));

    struct lstm_pass *reading = &model->reading;
    *reading = new_pass(model, STEPS, READERS);
    model->logits = matrix(net, ROWS, classes, brick_f32);
    model->diff_logits = matrix(net, ROWS, classes, brick_f32);
    brick_memory_t rows = rows_of(net, reading->dst_layer, ROWS, states);
    brick_primitive_desc_t lstm_hint = append_lstm(net, &net->forward, &model->lstm, reading, brick_forward_training);
    brick_primitive_desc_t dense_hint = append_dense(net, &net->forward, &model->dense, rows, model->logits, NULL);

    brick_memory_t diff_src = tensor(net, desc_of(reading->src_layer), BRICK_MEMORY_ALLOCATE);
    brick_memory_t diff_dst = tensor(net, desc_of(reading->dst_layer), BRICK_MEMORY_ALLOCATE);
    append_dense_weights(net, &model->dense, rows, model->diff_logits, dense_hint);
    append_dense_data(net, &model->dense, rows_of(net, diff_dst, ROWS, states), model->diff_logits, dense_hint);
    append_lstm_backward(net, &model->lstm, reading, diff_src, diff_dst, lstm_hint);
    CHECK(brick_primitive_desc_destroy(lstm_hint));
    CHECK(brick_primitive_desc_destroy(dense_hint));

    model->writing = new_pass(model, 1, 1);
    model->written_logits = matrix(net, 1, classes, brick_f32);
    rows = rows_of(net, model->writing.dst_layer, 1, states);
    CHECK(brick_primitive_desc_destroy(
        append_lstm(net, &model->write, &model->lstm, &model->writing, brick_forward_inference)));
    CHECK(brick_primitive_desc_destroy(
        append_dense(net, &model->write, &model->dense, rows, model->written_logits, NULL)));

    for (int i = 0; i < net->parameter_count; i++)
        model->squares[i] = allocate((size_t)net->parameters[i].size * sizeof(float));
    run(net, &net->refresh);
}

static void destroy(struct model *model)
{
    destroy_dense(&model->dense);
    destroy_program(&model->write);
    for (int i = 0; i < model->net.parameter_count; i++)
        free(model->squares[i]);
    destroy_net(&model->net);
}

// ---- training

// Moves the parameters against their gradients, each at a rate of its own (Kingma and Ba, 2015).
static void adam(struct model *model, float rate)
{
    const float mean = 0.9f, square = 0.99f, least = 1e-8f;
    float t = (float)++model->updates;
    float step = rate * sqrtf(1 - powf(square, t)) / (1 - powf(mean, t));
    for (int i = 0; i < model->net.parameter_count; i++) {
        const struct parameter *p = &model->net.parameters[i];
        const float *g = floats(p->gradient);
        float *w = floats(p->value), *m = floats(p->velocity), *v = model->squares[i];
        for (int64_t j = 0; j < p->size; j++) {
            m[j] = mean * m[j] + (1 - mean) * g[j];
            v[j] = square * v[j] + (1 - square) * g[j] * g[j];
            w[j] -= step * m[j] / (sqrtf(v[j]) + least);
        }
    }
}

static void forget(struct lstm_pass *pass)
{
    memset(floats(pass->src_iter), 0, brick_memory_desc_get_size(desc_of(pass->src_iter)));
    memset(floats(pass->src_iter_c), 0, brick_memory_desc_get_size(desc_of(pass->src_iter_c)));
}

// The last states become the first ones, which the backward pass no longer needs then.
static void carry_on(struct lstm_pass *pass)
{
    memcpy(floats(pass->src_iter), floats(pass->dst_iter), brick_memory_desc_get_size(desc_of(pass->src_iter)));
    memcpy(floats(pass->src_iter_c), floats(pass->dst_iter_c), brick_memory_desc_get_size(desc_of(pass->src_iter_c)));
}

// A stretch of text, whose first character is given and all others are predicted; each reader gets `share` of them.
struct stretch {
    const uint8_t *classes;
    int64_t predicted, share, steps;
};

static struct stretch stretch(const uint8_t *classes, int64_t length)
{
    int64_t predicted = length - 1, share = (predicted + READERS - 1) / READERS;
    return (struct stretch){classes, predicted, share, (share + STEPS - 1) / STEPS};
}

// Fills the input with step number `s`, a one in place of each character, and the truth with the characters that
// follow; returns how many do.
static int64_t load_step(struct model *model, const struct stretch *part, int64_t s)
{
    float *input = floats(model->reading.src_layer);
    int64_t count = 0;
    memset(input, 0, (size_t)(ROWS * model->classes) * sizeof *input);
    for (int64_t row = 0; row < ROWS; row++) {
        int64_t offset = s * STEPS + row / READERS, at = row % READERS * part->share + offset;
        int inside = offset < part->share && at < part->predicted;
        model->truth[row] = inside ? part->classes[at + 1] : -1;
        if (inside)
            input[row * model->classes + part->classes[at]] = 1;
        count += inside;
    }
    return count;
}

// The bits that the characters of a step take; leaves their gradient by the logits.
static double read_step(struct model *model, const struct stretch *part, int64_t s, int64_t *count)
{
    *count += load_step(model, part, s);
    run(&model->net, &model->net.forward);
    return softmax_loss(model->logits, model->diff_logits, ROWS, model->classes, model->truth) / log(2);
}

// Bits per character of a stretch of text.
static double measure(struct model *model, const struct stretch *part)
{
    double bits = 0;
    int64_t count = 0;
    forget(&model->reading);
    for (int64_t s = 0; s < part->steps; s++) {
        bits += read_step(model, part, s, &count);
        carry_on(&model->reading);
    }
    return bits / (double)count;
}

struct budget {
    int epochs;
    double seconds;
};

struct work {
    double began, seconds; // when all began, and the seconds spent learning
    int64_t steps, characters;
};

// How much of the budget is used up: of the epochs or of the time, whichever is more.
static double used(const struct budget *budget, const struct work *work, int64_t steps_of_epoch)
{
    double steps = (double)work->steps / (double)(budget->epochs * steps_of_epoch);
    double seconds = (now() - work->began) / budget->seconds;
    return steps > seconds ? steps : seconds;
}

// Learns from the text once, or as far as the budget goes, at a rate that falls to nothing; returns bits per character.
static double learn_epoch(struct model *model, const struct stretch *part, const struct budget *budget,
                          struct work *work, int epoch)
{
    double bits = 0, shown = 0, began = now(), share;
    int64_t count = 0;
    forget(&model->reading);
    for (int64_t s = 0; s < part->steps && (share = used(budget, work, part->steps)) < 1; s++) {
        bits += read_step(model, part, s, &count);
        struct net *net = &model->net;
        run(net, &net->backward);
        run(net, &net->gather);
        adam(model, 0.01f * (float)(1 - share));
        run(net, &net->refresh);
        carry_on(&model->reading);
        work->steps++;
        if (now() - shown > 0.1) {
            shown = now();
            live((double)(s + 1) / (double)part->steps, "epoch %2d  %.3f bits per character", epoch,
                 bits / (double)count);
        }
    }
    work->seconds += now() - began;
    work->characters += count;
    return bits / (double)count;
}

static void show_epoch(int epoch, double learned, double held_out, double seconds)
{
    rewrite_line();
    printf("epoch %2d  %.3f bits per character, held out %.3f", epoch, learned, held_out);
    bar((4 - held_out) / 2.5, 20, CYAN); // from 4 to 1.5 bits
    printf("  %6.1f s\n", seconds);
    fflush(stdout);
}

static void report(const struct model *model, struct profile *profile, const struct work *work)
{
    printf("\n%sA step of %d characters takes %.2f ms:%s\n", paint(BOLD), ROWS,
           1e3 * work->seconds / (double)work->steps, paint(PLAIN));
    profile_report(profile, work->seconds);
    printf("%.0f characters a second; ", (double)work->characters / work->seconds);
    double flops = 3 * lstm_flops(&model->lstm) * (double)ROWS * (double)work->steps;
    show_rate("the LSTM runs", flops, profile_seconds(profile, "rnn"), brick_f32);
}

static void train(struct model *model, const struct text *text, const struct budget *budget)
{
    struct profile profile = {0};
    struct stretch learned = stretch(text->classes, text->learned);
    struct stretch held_out = stretch(text->classes + text->learned - 1, text->length - text->learned + 1);
    struct work work = {.began = now()};
    double reached = 0;
    for (int epoch = 1; used(budget, &work, learned.steps) < 1; epoch++) {
        double began = now();
        profile_start(&profile);
        double bits = learn_epoch(model, &learned, budget, &work, epoch);
        profile_stop();
        reached = measure(model, &held_out);
        show_epoch(epoch, bits, reached, now() - began);
    }
    report(model, &profile, &work);
    printf("%s%.3f bits per character%s of the %d held out\n", paint(GREEN), reached, paint(PLAIN),
           (int)held_out.predicted);
}

// ---- writing

// Draws a class: likely ones more often still than the model says, which makes for fewer slips.
static int draw(const struct model *model)
{
    const float *logits = floats(model->written_logits), sharpness = 1.4f;
    float odds[MAX_CLASSES], top = logits[0], sum = 0;
    for (int64_t c = 1; c < model->classes; c++)
        top = logits[c] > top ? logits[c] : top;
    for (int64_t c = 0; c < model->classes; c++)
        sum += odds[c] = expf(sharpness * (logits[c] - top));
    float rest = uniform() * sum;
    int c = 0;
    while (c + 1 < model->classes && (rest -= odds[c]) >= 0)
        c++;
    return c;
}

// Begins with the text's first character and goes on from there.
static void write_sample(struct model *model, const struct text *text)
{
    float *input = floats(model->writing.src_layer);
    int class = text->classes[0];
    forget(&model->writing);
    printf("\n%sA sample:%s\n", paint(BOLD), paint(PLAIN));
    for (int i = 0; i < SAMPLE; i++) {
        putchar(text->characters[class]);
        memset(input, 0, (size_t)model->classes * sizeof *input);
        input[class] = 1;
        run(&model->net, &model->write);
        carry_on(&model->writing);
        class = draw(model);
    }
    printf("\n");
}

static int usage(void)
{
    fprintf(stderr, "usage: lstm_chars [--epochs N] [--seconds N] [--states N] [--text FILE]\n"
                    "  --epochs    times that the text is read, 8\n"
                    "  --seconds   when to stop, even if sooner, 240\n"
                    "  --states    channels of the LSTM's state, 256\n"
                    "  --text      what to learn from, if not examples/data/jargon.txt\n");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *path = "examples/data/jargon.txt";
    struct budget budget = {.epochs = 8, .seconds = 240};
    struct model model = {.states = 256};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--epochs"))
            budget.epochs = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--seconds"))
            budget.seconds = atof(argv[i + 1]);
        else if (!strcmp(argv[i], "--states"))
            model.states = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--text"))
            path = argv[i + 1];
        else
            return usage();
    }
    if (argc % 2 == 0 || budget.epochs < 1 || !(budget.seconds > 0) || model.states < 1)
        return usage();

    struct text text = {0};
    read_text(path, &text);
    model.classes = text.class_count;
    build(&model);
    show_machine();
    printf("%s: %d characters of %d kinds, the last %d held out\n", path, (int)text.length, text.class_count,
           (int)(text.length - text.learned));
    printf("LSTM %d-%d-%d, %d readers, %d steps, f32\n\n", text.class_count, (int)model.states, text.class_count,
           READERS, STEPS);
    train(&model, &text, &budget);
    write_sample(&model, &text);
    destroy(&model);
    free(text.classes);
    return EXIT_SUCCESS;
}
