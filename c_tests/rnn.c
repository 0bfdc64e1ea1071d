// Recurrent layers: every cell forward and backward, queries, and what is refused.
#include "check.h"

#include <math.h>
#include <string.h>

enum { T = 3, N = 2, C = 4 }; // the same number of channels everywhere
enum { VANILLA, LSTM, GRU, LBR_GRU, AUGRU, LBR_AUGRU, CELLS };

static const int gates_of[CELLS] = {1, 4, 3, 3, 3, 3};

static float x[T * N * C], h0[N * C], c0[N * C], attention[T * N], w[C * 4 * C], u[C * 4 * C], b[4 * C];
static float y[T * N * C], hn[N * C], cn[N * C], by_y[T * N * C];
static float by_x[T * N * C], by_h0[N * C], by_c0[N * C], by_attention[T * N], by_w[C * 4 * C], by_u[C * 4 * C], by_b[4 * C];

static double logistic(double v)
{
    return 1 / (1 + exp(-v));
}

static double product(const float *left, const double *left64, const float *weights, int gates, int gate, int k)
{
    double sum = 0;
    for (int i = 0; i < C; i++)
        sum += (left ? left[i] : left64[i]) * weights[(i * gates + gate) * C + k];
    return sum;
}

// The formulas for one row; the sum of results times their gradients.
static double reference(int cell, float *result)
{
    double loss = 0;
    int gates = gates_of[cell];
    for (int n = 0; n < N; n++) {
        double h[C], c[C], next[C], reset[C];
        for (int k = 0; k < C; k++) {
            h[k] = h0[n * C + k];
            c[k] = c0[n * C + k];
        }
        for (int t = 0; t < T; t++) {
            const float *in = x + (t * N + n) * C;
            double keep = cell >= AUGRU ? 1 - attention[t * N + n] : 1;
            for (int k = 0; k < C; k++)
                reset[k] = cell >= GRU ? h[k] * logistic(product(in, 0, w, 3, 1, k) + product(0, h, u, 3, 1, k) + b[C + k]) : 0;
            for (int k = 0; k < C; k++) {
                double a[4] = {0};
                for (int g = 0; g < gates; g++)
                    a[g] = product(in, 0, w, gates, g, k) + product(0, h, u, gates, g, k) + b[g * C + k];
                if (cell == VANILLA) {
                    next[k] = tanh(a[0]);
                } else if (cell == LSTM) {
                    c[k] = logistic(a[1]) * c[k] + logistic(a[0]) * tanh(a[2]);
                    next[k] = logistic(a[3]) * tanh(c[k]);
                } else {
                    double update = keep * logistic(a[0]), from_x = product(in, 0, w, 3, 2, k) + b[2 * C + k], o;
                    if (cell == LBR_GRU || cell == LBR_AUGRU)
                        o = tanh(from_x + logistic(a[1]) * (product(0, h, u, 3, 2, k) + b[3 * C + k]));
                    else
                        o = tanh(from_x + product(0, reset, u, 3, 2, k));
                    next[k] = update * h[k] + (1 - update) * o;
                }
            }
            for (int k = 0; k < C; k++) {
                h[k] = next[k];
                if (result)
                    result[(t * N + n) * C + k] = (float)h[k];
                loss += h[k] * by_y[(t * N + n) * C + k];
            }
        }
    }
    return loss;
}

static brick_memory_desc_t layer_md, iter_md, attention_md, weights_md, bias_md;

static void describe(int cell)
{
    int64_t layer[] = {T, N, C}, iter[] = {1, 1, N, C}, one[] = {T, N, 1}, weights[] = {1, 1, C, gates_of[cell], C},
            bias[] = {1, 1, gates_of[cell] + (cell == LBR_GRU || cell == LBR_AUGRU), C};
    layer_md = tagged(3, layer, brick_f32, brick_tnc);
    iter_md = tagged(4, iter, brick_f32, brick_ldnc);
    attention_md = tagged(3, one, brick_f32, brick_tnc);
    weights_md = tagged(5, weights, brick_f32, brick_ldigo);
    bias_md = tagged(4, bias, brick_f32, brick_ldgo);
}

static void forget(void)
{
    DESTROY(layer_md, iter_md, attention_md, weights_md, bias_md);
}

static const brick_rnn_direction_t l2r = brick_unidirectional_left2right;

static brick_status_t create_forward(brick_primitive_desc_t *pd, int cell, brick_prop_kind_t prop)
{
    switch (cell) {
    case VANILLA:
        return brick_vanilla_rnn_forward_primitive_desc_create(pd, engine, prop, brick_eltwise_tanh, l2r, layer_md, iter_md,
                                                               weights_md, weights_md, bias_md, layer_md, iter_md, 0, 0, 0,
                                                               NULL);
    case LSTM:
        return brick_lstm_forward_primitive_desc_create(pd, engine, prop, l2r, layer_md, iter_md, iter_md, weights_md,
                                                        weights_md, NULL, NULL, bias_md, layer_md, iter_md, iter_md, 0, NULL);
    case GRU:
        return brick_gru_forward_primitive_desc_create(pd, engine, prop, l2r, layer_md, iter_md, weights_md, weights_md,
                                                       bias_md, layer_md, iter_md, 0, NULL);
    case LBR_GRU:
        return brick_lbr_gru_forward_primitive_desc_create(pd, engine, prop, l2r, layer_md, iter_md, weights_md, weights_md,
                                                           bias_md, layer_md, iter_md, 0, NULL);
    case AUGRU:
        return brick_augru_forward_primitive_desc_create(pd, engine, prop, l2r, layer_md, iter_md, attention_md, weights_md,
                                                         weights_md, bias_md, layer_md, iter_md, 0, NULL);
    default:
        return brick_lbr_augru_forward_primitive_desc_create(pd, engine, prop, l2r, layer_md, iter_md, attention_md,
                                                             weights_md, weights_md, bias_md, layer_md, iter_md, 0, NULL);
    }
}

static brick_status_t create_backward(brick_primitive_desc_t *pd, int cell, brick_prop_kind_t prop, unsigned flags,
                                      const_brick_primitive_desc_t hint)
{
    switch (cell) {
    case VANILLA:
        return brick_vanilla_rnn_backward_primitive_desc_create(
            pd, engine, prop, brick_eltwise_tanh, l2r, layer_md, iter_md, weights_md, weights_md, bias_md, layer_md, iter_md,
            layer_md, iter_md, weights_md, weights_md, bias_md, layer_md, NULL, flags, 0, 0, hint, NULL);
    case LSTM:
        return brick_lstm_backward_primitive_desc_create(
            pd, engine, prop, l2r, layer_md, iter_md, iter_md, weights_md, weights_md, NULL, NULL, bias_md, layer_md, iter_md,
            iter_md, layer_md, iter_md, iter_md, weights_md, weights_md, NULL, NULL, bias_md, layer_md, NULL, NULL, flags,
            hint, NULL);
    case GRU:
        return brick_gru_backward_primitive_desc_create(pd, engine, prop, l2r, layer_md, iter_md, weights_md, weights_md,
                                                        bias_md, layer_md, iter_md, layer_md, iter_md, weights_md, weights_md,
                                                        bias_md, layer_md, NULL, flags, hint, NULL);
    case LBR_GRU:
        return brick_lbr_gru_backward_primitive_desc_create(
            pd, engine, prop, l2r, layer_md, iter_md, weights_md, weights_md, bias_md, layer_md, iter_md, layer_md, iter_md,
            weights_md, weights_md, bias_md, layer_md, NULL, flags, hint, NULL);
    case AUGRU:
        return brick_augru_backward_primitive_desc_create(
            pd, engine, prop, l2r, layer_md, iter_md, attention_md, weights_md, weights_md, bias_md, layer_md, iter_md,
            layer_md, iter_md, attention_md, weights_md, weights_md, bias_md, layer_md, NULL, flags, hint, NULL);
    default:
        return brick_lbr_augru_backward_primitive_desc_create(
            pd, engine, prop, l2r, layer_md, iter_md, attention_md, weights_md, weights_md, bias_md, layer_md, iter_md,
            layer_md, iter_md, attention_md, weights_md, weights_md, bias_md, layer_md, NULL, flags, hint, NULL);
    }
}

// The arguments that forward and backward passes share.
static int forward_arguments(int cell, brick_exec_arg_t *args)
{
    int count = 0;
    args[count++] = argument(BRICK_ARG_SRC_LAYER, layer_md, x);
    args[count++] = argument(BRICK_ARG_SRC_ITER, iter_md, h0);
    args[count++] = argument(BRICK_ARG_WEIGHTS_LAYER, weights_md, w);
    args[count++] = argument(BRICK_ARG_WEIGHTS_ITER, weights_md, u);
    args[count++] = argument(BRICK_ARG_BIAS, bias_md, b);
    args[count++] = argument(BRICK_ARG_DST_LAYER, layer_md, y);
    args[count++] = argument(BRICK_ARG_DST_ITER, iter_md, hn);
    if (cell == LSTM) {
        args[count++] = argument(BRICK_ARG_SRC_ITER_C, iter_md, c0);
        args[count++] = argument(BRICK_ARG_DST_ITER_C, iter_md, cn);
    }
    if (cell >= AUGRU)
        args[count++] = argument(BRICK_ARG_AUGRU_ATTENTION, attention_md, attention);
    return count;
}

static int gradient_arguments(int cell, brick_exec_arg_t *args)
{
    int count = 0;
    args[count++] = argument(BRICK_ARG_DIFF_SRC_LAYER, layer_md, by_x);
    args[count++] = argument(BRICK_ARG_DIFF_SRC_ITER, iter_md, by_h0);
    args[count++] = argument(BRICK_ARG_DIFF_WEIGHTS_LAYER, weights_md, by_w);
    args[count++] = argument(BRICK_ARG_DIFF_WEIGHTS_ITER, weights_md, by_u);
    args[count++] = argument(BRICK_ARG_DIFF_BIAS, bias_md, by_b);
    args[count++] = argument(BRICK_ARG_DIFF_DST_LAYER, layer_md, by_y);
    if (cell == LSTM)
        args[count++] = argument(BRICK_ARG_DIFF_SRC_ITER_C, iter_md, by_c0);
    if (cell >= AUGRU)
        args[count++] = argument(BRICK_ARG_DIFF_AUGRU_ATTENTION, attention_md, by_attention);
    return count;
}

static void expect_near(const float *got, const float *want, int count, double most, const char *what)
{
    for (int i = 0; i < count; i++) {
        char found[128];
        snprintf(found, sizeof found, "element %d is %g, expected %g", i, (double)got[i], (double)want[i]);
        check_that(fabs((double)got[i] - want[i]) <= most, __FILE__, __LINE__, what, found);
    }
}

// Gradients against differences of the reference.
static void expect_slopes(int cell, float *values, const float *gradients, int count, const char *what)
{
    for (int i = 0; i < count; i++) {
        float kept = values[i], step = 1.0f / 1024;
        values[i] = kept + step;
        double above = reference(cell, NULL);
        values[i] = kept - step;
        float slope = (float)((above - reference(cell, NULL)) / (2 * step));
        values[i] = kept;
        expect_near(gradients + i, &slope, 1, 2e-4 * (1 + fabs((double)slope)), what);
    }
}

static void both_passes(int cell)
{
    float want[T * N * C];
    describe(cell);
    reference(cell, want);
    brick_primitive_desc_t pd = NULL, back = NULL;
    brick_exec_arg_t args[32];
    OK(create_forward(&pd, cell, brick_forward_inference));
    int count = forward_arguments(cell, args);
    memset(y, 0xff, sizeof y);
    consume(pd, count, args);
    expect_near(y, want, T * N * C, 1e-5, "inference");
    expect_near(hn, want + (T - 1) * N * C, N * C, 1e-5, "last states");

    OK(create_forward(&pd, cell, brick_forward_training));
    const_brick_memory_desc_t space = brick_primitive_desc_query_md(pd, brick_query_workspace_md, 0);
    EXPECT(brick_memory_desc_get_size(space) > 0);
    brick_memory_t workspace = memory_of(space, BRICK_MEMORY_ALLOCATE);
    count = forward_arguments(cell, args);
    args[count].arg = BRICK_ARG_WORKSPACE;
    args[count].memory = workspace;
    run_once(pd, count + 1, args);
    destroy_arguments(count, args);
    expect_near(y, want, T * N * C, 1e-5, "training");

    OK(create_backward(&back, cell, brick_backward, brick_rnn_flags_diff_weights_overwrite, pd));
    count = forward_arguments(cell, args);
    count += gradient_arguments(cell, args + count);
    args[count].arg = BRICK_ARG_WORKSPACE;
    args[count].memory = workspace;
    memset(by_w, 0xff, sizeof by_w);
    memset(by_x, 0xff, sizeof by_x);
    run_once(back, count + 1, args);
    int gates = gates_of[cell];
    expect_slopes(cell, x, by_x, T * N * C, "gradient by src_layer");
    expect_slopes(cell, h0, by_h0, N * C, "gradient by src_iter");
    expect_slopes(cell, w, by_w, C * gates * C, "gradient by weights_layer");
    expect_slopes(cell, u, by_u, C * gates * C, "gradient by weights_iter");
    expect_slopes(cell, b, by_b, gates * C, "gradient by bias");
    if (cell == LSTM)
        expect_slopes(cell, c0, by_c0, N * C, "gradient by src_iter_c");
    if (cell >= AUGRU)
        expect_slopes(cell, attention, by_attention, T * N, "gradient by attention");

    // Without the flag gradients by weights are added up.
    float once[C * 4 * C];
    memcpy(once, by_w, sizeof once);
    brick_primitive_desc_t adding = NULL;
    OK(create_backward(&adding, cell, brick_backward, 0, pd));
    run_once(adding, count + 1, args);
    for (int i = 0; i < C * gates * C; i++)
        EXPECT(fabs((double)by_w[i] - 2 * (double)once[i]) <= 1e-5);
    OK(brick_primitive_desc_destroy(adding));
    destroy_arguments(count + 1, args);
    OK(brick_primitive_desc_destroy(back));
    OK(brick_primitive_desc_destroy(pd));
    forget();
}

static void queries(void)
{
    describe(LSTM);
    brick_primitive_desc_t pd = NULL;
    OK(create_forward(&pd, LSTM, brick_forward_training));
    int number = -1;
    OK(brick_primitive_desc_query(pd, brick_query_cell_kind, 0, &number));
    EXPECT(number == brick_vanilla_lstm);
    OK(brick_primitive_desc_query(pd, brick_query_direction, 0, &number));
    EXPECT(number == brick_unidirectional_left2right);
    OK(brick_primitive_desc_query(pd, brick_query_flags, 0, &number));
    EXPECT(number == 0);
    OK(brick_primitive_desc_query(pd, brick_query_primitive_kind, 0, &number));
    EXPECT(number == brick_rnn);
    EXPECT(brick_memory_desc_equal(brick_primitive_desc_query_md(pd, brick_query_weights_md, 1), weights_md));
    EXPECT(brick_memory_desc_equal(brick_primitive_desc_query_md(pd, brick_query_weights_md, 2), bias_md));
    EXPECT(brick_memory_desc_equal(brick_primitive_desc_query_md(pd, brick_query_src_md, 2), iter_md));
    EXPECT(brick_memory_desc_equal(brick_primitive_desc_query_md(pd, brick_query_dst_md, 2), iter_md));
    const brick_memory_desc_t *md = NULL;
    OK(brick_primitive_desc_query(pd, brick_query_workspace_md, 0, &md));
    EXPECT(brick_primitive_desc_query(pd, brick_query_workspace_md, 1, &md) == brick_not_required);
    OK(brick_primitive_desc_destroy(pd));
    OK(create_forward(&pd, LSTM, brick_forward_inference));
    EXPECT(brick_primitive_desc_query(pd, brick_query_workspace_md, 0, &md) == brick_not_required);
    OK(brick_primitive_desc_destroy(pd));
    forget();
}

#define GIVEN layer_md, iter_md, weights_md, weights_md, bias_md, layer_md, iter_md
#define ATTENDED layer_md, iter_md, attention_md, weights_md, weights_md, bias_md, layer_md, iter_md
#define CELLED layer_md, iter_md, iter_md, weights_md, weights_md, NULL, NULL, bias_md, layer_md, iter_md, iter_md
#define FORWARD &pd, NULL, brick_forward_inference, l2r
#define BACKWARD &pd, NULL, brick_backward, l2r

// Nothing can be made without an engine.
static void without_engine(void)
{
    brick_primitive_desc_t pd = POISON(brick_primitive_desc_t);
    describe(LSTM);
    INVALID(brick_lstm_forward_primitive_desc_create(FORWARD, CELLED, 0, NULL));
    INVALID(brick_lstm_backward_primitive_desc_create(BACKWARD, CELLED, CELLED, 0, NULL, NULL));
    INVALID(brick_gru_forward_primitive_desc_create(FORWARD, GIVEN, 0, NULL));
    INVALID(brick_gru_backward_primitive_desc_create(BACKWARD, GIVEN, GIVEN, 0, NULL, NULL));
    INVALID(brick_lbr_gru_forward_primitive_desc_create(FORWARD, GIVEN, 0, NULL));
    INVALID(brick_lbr_gru_backward_primitive_desc_create(BACKWARD, GIVEN, GIVEN, 0, NULL, NULL));
    INVALID(brick_augru_forward_primitive_desc_create(FORWARD, ATTENDED, 0, NULL));
    INVALID(brick_augru_backward_primitive_desc_create(BACKWARD, ATTENDED, ATTENDED, 0, NULL, NULL));
    INVALID(brick_lbr_augru_forward_primitive_desc_create(FORWARD, ATTENDED, 0, NULL));
    INVALID(brick_lbr_augru_backward_primitive_desc_create(BACKWARD, ATTENDED, ATTENDED, 0, NULL, NULL));
    INVALID(brick_vanilla_rnn_backward_primitive_desc_create(&pd, NULL, brick_backward, brick_eltwise_tanh, l2r, GIVEN, GIVEN,
                                                             0, 0, 0, NULL, NULL));
    UNTOUCHED(brick_primitive_desc_t, pd);
    forget();
}

static void refusals(void)
{
    brick_primitive_desc_t pd = NULL;
    for (int cell = 0; cell < CELLS; cell++) {
        describe(cell);
        INVALID_CREATE(brick_primitive_desc_t, pd, create_forward(&pd, cell, brick_backward));
        INVALID_CREATE(brick_primitive_desc_t, pd, create_backward(&pd, cell, brick_forward_training, 0, NULL));
        INVALID_CREATE(brick_primitive_desc_t, pd, create_backward(&pd, cell, brick_backward, 2, NULL));
        INVALID(create_forward(NULL, cell, brick_forward_inference));
        brick_memory_desc_t kept = weights_md;
        weights_md = layer_md;
        INVALID_CREATE(brick_primitive_desc_t, pd, create_forward(&pd, cell, brick_forward_training));
        INVALID_CREATE(brick_primitive_desc_t, pd, create_backward(&pd, cell, brick_backward, 0, NULL));
        weights_md = NULL;
        INVALID_CREATE(brick_primitive_desc_t, pd, create_forward(&pd, cell, brick_forward_training));
        weights_md = kept;
        kept = bias_md;
        bias_md = iter_md;
        INVALID_CREATE(brick_primitive_desc_t, pd, create_forward(&pd, cell, brick_forward_training));
        bias_md = kept;
        forget();
    }
    describe(VANILLA);
    const brick_alg_kind_t others[] = {brick_eltwise_exp, brick_eltwise_tanh_use_dst_for_bwd, (brick_alg_kind_t)0x7};
    for (int i = 0; i < 3; i++) {
        INVALID_CREATE(brick_primitive_desc_t, pd,
                       brick_vanilla_rnn_forward_primitive_desc_create(&pd, engine, brick_forward_inference, others[i], l2r,
                                                                       layer_md, iter_md, weights_md, weights_md, bias_md,
                                                                       layer_md, iter_md, 0, 0, 0, NULL));
        EXPECT(strncmp(brick_last_error(), "activation:", 11) == 0);
    }
    INVALID_CREATE(brick_primitive_desc_t, pd,
                   brick_vanilla_rnn_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_relu,
                                                                   (brick_rnn_direction_t)9, layer_md, iter_md, weights_md,
                                                                   weights_md, bias_md, layer_md, iter_md, 0, 0, 0, NULL));
    // A workspace that is too small.
    OK(create_forward(&pd, VANILLA, brick_forward_training));
    brick_exec_arg_t args[32];
    int count = forward_arguments(VANILLA, args);
    brick_primitive_t primitive = NULL;
    OK(brick_primitive_create(&primitive, pd));
    INVALID(brick_primitive_execute(primitive, stream, count, args));
    brick_memory_desc_t small = vector(8, brick_u8);
    args[count] = argument(BRICK_ARG_WORKSPACE, small, BRICK_MEMORY_ALLOCATE);
    INVALID(brick_primitive_execute(primitive, stream, count + 1, args));
    EXPECT(strstr(brick_last_error(), "workspace"));
    OK(brick_primitive_destroy(primitive));
    OK(brick_memory_desc_destroy(small));
    destroy_arguments(count + 1, args);
    OK(brick_primitive_desc_destroy(pd));
    forget();
}

// A description does not grow with the number of steps.
static void long_sequences(void)
{
    describe(LSTM);
    int64_t layer[] = {1ll << 40, N, C};
    brick_memory_desc_t kept = layer_md, steps = tagged(3, layer, brick_f32, brick_tnc);
    layer_md = steps;
    brick_primitive_desc_t pd = NULL;
    OK(create_forward(&pd, LSTM, brick_forward_inference));
    OK(brick_primitive_desc_destroy(pd));
    OK(brick_memory_desc_destroy(steps));
    // Neither gates of 2^61 bytes nor such of 2^63 have places.
    for (int t = 54; t <= 56; t += 2) {
        layer[0] = 1ll << t;
        layer_md = steps = tagged(3, layer, brick_f32, brick_tnc);
        INVALID_CREATE(brick_primitive_desc_t, pd, create_forward(&pd, LSTM, brick_forward_training));
        EXPECT(strstr(brick_last_error(), "workspace"));
        OK(brick_memory_desc_destroy(steps));
    }
    layer_md = kept;
    forget();
}

static void scatter(float *data, int count, int seed)
{
    fill(data, count, seed);
    for (int i = 0; i < count; i++)
        data[i] /= 8;
}

int main(void)
{
    setup();
    scatter(x, T * N * C, 1);
    scatter(h0, N * C, 2);
    scatter(c0, N * C, 3);
    scatter(w, C * 4 * C, 4);
    scatter(u, C * 4 * C, 5);
    scatter(b, 4 * C, 6);
    scatter(by_y, T * N * C, 7);
    for (int i = 0; i < T * N; i++)
        attention[i] = 0.125f * (float)(i + 1);
    for (int cell = 0; cell < CELLS; cell++)
        both_passes(cell);
    queries();
    refusals();
    long_sequences();
    without_engine();
    teardown();
    return finish();
}
