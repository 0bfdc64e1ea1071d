// Trains networks that tell which of ten digits or things a picture shows: batches, epochs, accuracy, a report.
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#include "dataset.h"
#include "net.h"
#include "profile.h"
#include "screen.h"

struct classifier {
    struct net net;
    int64_t batch;
    brick_data_type_t type;              // of activations, weights and their gradients between layers
    brick_memory_t pixels, input;        // batch rows of bytes, and in [0, 1]: what the first layer reads
    brick_memory_t logits, diff_logits;  // f32: batch rows of a number for each class, of its gradient
    int *truth;                          // the labels of the batch
    const char *kind;                    // the kind of primitive that does most of the work,
    double flops;                        // and its floating-point operations in one step
};

// The forward pass begins with the pixels of the set: input = scale * pixels.
static inline void create_classifier(struct classifier *model, const struct dataset *set)
{
    create_net(&model->net);
    model->pixels = matrix(&model->net, model->batch, set->width, brick_u8);
    model->input = matrix(&model->net, model->batch, set->width, model->type);
    append_scaled(&model->net, &model->net.forward, model->pixels, set->scale, model->input);
    model->logits = matrix(&model->net, model->batch, CLASSES, brick_f32);
    model->diff_logits = matrix(&model->net, model->batch, CLASSES, brick_f32);
    model->truth = allocate((size_t)model->batch * sizeof *model->truth);
}

static inline void destroy_classifier(struct classifier *model)
{
    destroy_net(&model->net);
    free(model->truth);
}

// Copies samples order[0..batch); beyond the end the last sample is repeated.
static inline void load_batch(struct classifier *model, const struct dataset *set, const int *order, int64_t available)
{
    uint8_t *pixels = bytes(model->pixels);
    for (int64_t i = 0; i < model->batch; i++) {
        int64_t sample = order[i < available ? i : available - 1];
        memcpy(pixels + i * set->width, set->pixels + sample * set->width, (size_t)set->width);
        model->truth[i] = set->labels[sample];
    }
}

static inline void shuffle(int *order, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)(uniform() * (float)(i + 1));
        int swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
}

static inline void step(struct classifier *model, const struct dataset *set, const int *samples, double *loss)
{
    struct net *net = &model->net;
    load_batch(model, set, samples, model->batch);
    run(net, &net->forward);
    *loss += softmax_loss(model->logits, model->diff_logits, model->batch, CLASSES, model->truth);
    run(net, &net->backward);
    run(net, &net->gather);
    run(net, &net->update);
    run(net, &net->refresh);
}

// One pass over the data in random order, numbered for who watches; returns the mean loss.
static inline double train_epoch(struct classifier *model, const struct dataset *set, int *order, float rate, int epoch)
{
    double loss = 0, shown = 0;
    int64_t batch = model->batch, steps = set->count / batch;
    shuffle(order, set->count);
    plan_update(&model->net, rate);
    for (int64_t s = 0; s < steps; s++) {
        step(model, set, order + s * batch, &loss);
        if (now() - shown > 0.1) {
            shown = now();
            live((double)(s + 1) / (double)steps, "epoch %2d  loss %.4f", epoch, loss / (double)((s + 1) * batch));
        }
    }
    return loss / (double)(steps * batch);
}

// The share of samples whose largest logit is the label's, in percent.
static inline double accuracy(struct classifier *model, const struct dataset *set, const int *order)
{
    int64_t right = 0;
    for (int64_t start = 0; start < set->count; start += model->batch) {
        int64_t count = set->count - start < model->batch ? set->count - start : model->batch;
        load_batch(model, set, order + start, count);
        run(&model->net, &model->net.forward);
        const float *logits = floats(model->logits);
        for (int64_t i = 0; i < count; i++, logits += CLASSES) {
            int best = 0;
            for (int c = 1; c < CLASSES; c++)
                best = logits[c] > logits[best] ? c : best;
            right += best == model->truth[i];
        }
    }
    return 100.0 * (double)right / (double)set->count;
}

static inline int *identity(int64_t count)
{
    int *order = allocate((size_t)count * sizeof *order);
    for (int64_t i = 0; i < count; i++)
        order[i] = (int)i;
    return order;
}

static inline void show_epoch(int epoch, double loss, double reached, double seconds)
{
    rewrite_line();
    printf("epoch %2d  loss %.4f  accuracy %5.2f %%", epoch, loss, reached);
    bar((reached - 80) / 20, 20, CYAN); // from 80 to 100 %
    printf("  %5.0f ms\n", 1e3 * seconds);
    fflush(stdout);
}

// Where the steps' time went, and how close its products came to what the processor can do.
static inline void report(const struct classifier *model, struct profile *profile, int64_t steps, double seconds)
{
    printf("\n%sA step takes %.2f ms:%s\n", paint(BOLD), 1e3 * seconds / (double)steps, paint(PLAIN));
    profile_report(profile, seconds);
    double all = profile_seconds(profile, NULL), update = profile_seconds(profile, "sum");
    printf("brick's kernels do %.1f %% of a step, %.1f %% without the update of the parameters (sum);\n"
           "the program loads batches and computes the loss.\n",
           100 * all / seconds, 100 * (all - update) / seconds);
    char what[64];
    snprintf(what, sizeof what, "Primitives of kind %s run", model->kind);
    show_rate(what, model->flops * (double)steps, profile_seconds(profile, model->kind), model->type);
}

// Trains for all epochs, at a rate that falls, and reports; ends with the accuracy reached on the images held out.
static inline void train(struct classifier *model, const struct dataset *train, const struct dataset *test, int epochs,
                         float first_rate)
{
    struct profile profile = {0};
    double seconds = 0, reached = 0;
    int *order = identity(train->count), *test_order = identity(test->count);
    run(&model->net, &model->net.refresh);
    for (int epoch = 1; epoch <= epochs; epoch++) {
        float rate = first_rate * (float)(epochs - epoch + 1) / (float)epochs;
        double began = now();
        profile_start(&profile);
        double loss = train_epoch(model, train, order, rate, epoch);
        profile_stop();
        seconds += now() - began;
        reached = accuracy(model, test, test_order);
        show_epoch(epoch, loss, reached, now() - began);
    }
    report(model, &profile, epochs * (train->count / model->batch), seconds);
    printf("%saccuracy %.2f %%%s on the images held out\n", paint(GREEN), reached, paint(PLAIN));
    free(order);
    free(test_order);
}

#endif
