// 8-bit LSTM and GRU: the attributes that quantise them and what they read, u8 and f32 states, scales by channel, and what is refused.
#include "check.h"

#include <math.h>

enum { T = 4, N = 3, C = 8, G = 4 }; // the same number of channels everywhere; a GRU uses three gates

static const float scale = 100, shift = 120;
static uint8_t x[T * N * C], h0[N * C], y[T * N * C], hn[N * C];
static int8_t w[C * G * C], u[C * G * C];
static float b[G * C], c0[N * C], cn[N * C], scales[G * C], y_floats[T * N * C], h0_floats[N * C];

static double logistic(double v)
{
    return 1 / (1 + exp(-v));
}

static double number(uint8_t q)
{
    return ((double)q - shift) / scale;
}

// The integer of a number, and whether floats could have rounded to the one beside it.
static uint8_t integer(double v, int *near)
{
    double exact = v * scale + shift, q = nearbyint(exact);
    *near |= fabs(fabs(exact - q) - 0.5) < 1e-3;
    return (uint8_t)(q < 0 ? 0 : q > 255 ? 255 : q);
}

// A gate before its activation: sums of integers, then their number.
static double gate(int gates, const uint8_t *in, const uint8_t *h, int g, int k)
{
    int sum = 0, weights = 0;
    for (int i = 0; i < C; i++) {
        int at = (i * gates + g) * C + k;
        sum += in[i] * w[at] + h[i] * u[at];
        weights += w[at] + u[at];
    }
    return ((double)sum - (double)shift * weights) / ((double)scale * scales[g * C + k]) + b[g * C + k];
}

// One step of one row, from the states that brick itself left; cell states go on in `c`.
static void step(int gates, const uint8_t *in, const uint8_t *h, double *c, uint8_t *next, int *near)
{
    uint8_t reset[C];
    for (int k = 0; k < C && gates == 3; k++)
        reset[k] = integer(logistic(gate(3, in, h, 1, k)) * number(h[k]), &near[C]);
    for (int k = 0; k < C; k++) {
        double first = logistic(gate(gates, in, h, 0, k)), shown;
        if (gates == 3) {
            shown = first * number(h[k]) + (1 - first) * tanh(gate(3, in, reset, 2, k));
        } else {
            c[k] = logistic(gate(4, in, h, 1, k)) * c[k] + first * tanh(gate(4, in, h, 2, k));
            shown = logistic(gate(4, in, h, 3, k)) * tanh(c[k]);
        }
        next[k] = integer(shown, &near[k]);
    }
}

static int expected(int gates, const uint8_t *got)
{
    int certain = 0;
    for (int n = 0; n < N; n++) {
        double c[C];
        for (int k = 0; k < C; k++)
            c[k] = c0[n * C + k];
        for (int t = 0; t < T; t++) {
            uint8_t want[C];
            int near[C + 1] = {0};
            const uint8_t *h = t ? got + ((t - 1) * N + n) * C : h0 + n * C;
            step(gates, x + (t * N + n) * C, h, c, want, near);
            for (int k = 0; k < C && !near[C]; k++) {
                EXPECT(abs(want[k] - got[(t * N + n) * C + k]) <= near[k]);
                certain += !near[k];
            }
        }
        for (int k = 0; k < C && gates == 4; k++)
            EXPECT(fabs(c[k] - (double)cn[n * C + k]) < 1e-5);
    }
    return certain;
}

static brick_memory_desc_t layer_u8, iter_u8, layer_f32, iter_f32, weights_md, bias_md;
static brick_primitive_attr_t attr;

static void describe(int gates)
{
    int64_t layer[] = {T, N, C}, iter[] = {1, 1, N, C}, weights[] = {1, 1, C, gates, C}, bias[] = {1, 1, gates, C};
    layer_u8 = tagged(3, layer, brick_u8, brick_tnc);
    iter_u8 = tagged(4, iter, brick_u8, brick_ldnc);
    layer_f32 = tagged(3, layer, brick_f32, brick_tnc);
    iter_f32 = tagged(4, iter, brick_f32, brick_ldnc);
    weights_md = tagged(5, weights, brick_s8, brick_ldigo);
    bias_md = tagged(4, bias, brick_f32, brick_ldgo);
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_rnn_data_qparams(attr, scale, shift));
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, gates * C, 24, scales));
}

static void forget(void)
{
    brick_memory_desc_t all[] = {layer_u8, iter_u8, layer_f32, iter_f32, weights_md, bias_md};
    for (int i = 0; i < 6; i++)
        OK(brick_memory_desc_destroy(all[i]));
    OK(brick_primitive_attr_destroy(attr));
}

static brick_status_t create(brick_primitive_desc_t *pd, int gates, brick_prop_kind_t prop, const_brick_memory_desc_t src_iter,
                             const_brick_memory_desc_t dst_layer)
{
    brick_rnn_direction_t l2r = brick_unidirectional_left2right;
    if (gates == 3)
        return brick_gru_forward_primitive_desc_create(pd, engine, prop, l2r, layer_u8, src_iter, weights_md, weights_md,
                                                       bias_md, dst_layer, iter_u8, 0, attr);
    return brick_lstm_forward_primitive_desc_create(pd, engine, prop, l2r, layer_u8, src_iter, iter_f32, weights_md, weights_md,
                                                    NULL, NULL, bias_md, dst_layer, iter_u8, iter_f32, 0, attr);
}

static void infer(int gates, int floats)
{
    brick_primitive_desc_t pd = NULL;
    brick_memory_desc_t src_iter = floats ? iter_f32 : iter_u8, dst_layer = floats ? layer_f32 : layer_u8;
    OK(create(&pd, gates, brick_forward_inference, src_iter, dst_layer));
    brick_exec_arg_t args[16];
    int count = 0;
    args[count++] = argument(BRICK_ARG_SRC_LAYER, layer_u8, x);
    args[count++] = argument(BRICK_ARG_SRC_ITER, src_iter, floats ? (void *)h0_floats : h0);
    args[count++] = argument(BRICK_ARG_WEIGHTS_LAYER, weights_md, w);
    args[count++] = argument(BRICK_ARG_WEIGHTS_ITER, weights_md, u);
    args[count++] = argument(BRICK_ARG_BIAS, bias_md, b);
    args[count++] = argument(BRICK_ARG_DST_LAYER, dst_layer, floats ? (void *)y_floats : y);
    args[count++] = argument(BRICK_ARG_DST_ITER, iter_u8, hn);
    if (gates == 4) {
        args[count++] = argument(BRICK_ARG_SRC_ITER_C, iter_f32, c0);
        args[count++] = argument(BRICK_ARG_DST_ITER_C, iter_f32, cn);
    }
    consume(pd, count, args);
}

static void cell(int gates)
{
    describe(gates);
    memset(y, 0xaa, sizeof y);
    infer(gates, 0);
    EXPECT(expected(gates, y) > T * N * C * 9 / 10);
    EXPECT(!memcmp(hn, y + (T - 1) * N * C, sizeof hn));
    // The same as f32.
    infer(gates, 1);
    for (int i = 0; i < T * N * C; i++)
        EXPECT(fabs((double)y_floats[i] - number(y[i])) < 1e-5);

    brick_primitive_desc_t pd = POISON(brick_primitive_desc_t);
    UNIMPLEMENTED(create(&pd, gates, brick_forward_training, iter_u8, layer_u8));
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, 1, 0, scales));
    OK(create(&pd, gates, brick_forward_inference, iter_u8, layer_u8));
    OK(brick_primitive_desc_destroy(pd));
    pd = POISON(brick_primitive_desc_t);
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, gates * C - 1, 24, scales));
    UNIMPLEMENTED(create(&pd, gates, brick_forward_inference, iter_u8, layer_u8));
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, C, 16, scales));
    UNIMPLEMENTED(create(&pd, gates, brick_forward_inference, iter_u8, layer_u8));
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, 1, 0, scales));
    OK(brick_primitive_attr_set_rnn_data_qparams(attr, 0, shift));
    INVALID(create(&pd, gates, brick_forward_inference, iter_u8, layer_u8));
    UNTOUCHED(brick_primitive_desc_t, pd);
    forget();
}

static void quantise(brick_memory_desc_t from, void *values, brick_memory_desc_t to, void *result)
{
    brick_primitive_desc_t pd = NULL;
    OK(brick_reorder_primitive_desc_create(&pd, from, engine, to, engine, attr));
    brick_exec_arg_t args[] = {argument(BRICK_ARG_FROM, from, values), argument(BRICK_ARG_TO, to, result)};
    consume(pd, 2, args);
}

// Reorders quantise by the attributes of the layer: data by scale and shift, weights by the scales of their channels.
static void reorders(void)
{
    enum { R = 6, I = 5, O = 40 };
    static float data[R * I], weights[I * G * O], by_channel[G * O];
    static uint8_t q[R * I];
    static int8_t plain[I * G * O], panels[I * G * O * 4], back[I * G * O];
    int64_t layer[] = {2, 3, I}, out[] = {2, 3, O}, all[] = {1, 1, I, G, O}, states[] = {1, 1, O, G, O}, projected[] = {1, 1, I, O};
    brick_memory_desc_t floats = tagged(3, layer, brick_f32, brick_tnc), bytes = tagged(3, layer, brick_u8, brick_tnc),
                        w_floats = tagged(5, all, brick_f32, brick_ldigo), w_plain = tagged(5, all, brick_s8, brick_ldigo),
                        w_turned = tagged(5, all, brick_s8, brick_ldgoi), w_any = tagged(5, all, brick_s8, brick_format_tag_any),
                        u_any = tagged(5, states, brick_s8, brick_format_tag_any), shown = tagged(3, out, brick_u8, brick_tnc),
                        p_floats = tagged(4, projected, brick_f32, brick_ldio), p_plain = tagged(4, projected, brick_s8, brick_ldio);
    for (int i = 0; i < R * I; i++)
        data[i] = (float)(i - R * I / 2) / 7;
    for (int i = 0; i < I * G * O; i++)
        weights[i] = (float)(i % 61 - 30) / 32;
    for (int i = 0; i < G * O; i++)
        by_channel[i] = (float)(64 + i % 90); // some saturate
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_rnn_data_qparams(attr, scale, shift));
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, G * O, 24, by_channel));
    quantise(floats, data, bytes, q);
    for (int i = 0; i < R * I; i++) {
        int near = 0;
        EXPECT(abs(q[i] - integer(data[i], &near)) <= near);
    }
    quantise(w_floats, weights, w_plain, plain);
    quantise(w_floats, weights, w_turned, back);
    for (int i = 0; i < I * G * O; i++) {
        double want = nearbyint((double)weights[i] * by_channel[i % (G * O)]);
        want = want > 127 ? 127 : want < -128 ? -128 : want;
        EXPECT(plain[i] == want);
        EXPECT(back[i % (G * O) * I + i / (G * O)] == want);
    }

    // Into the panels that `any` weights become, and back.
    brick_primitive_desc_t pd = NULL;
    OK(brick_lstm_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_unidirectional_left2right, bytes,
                                                NULL, NULL, w_any, u_any, NULL, NULL, NULL, shown, NULL, NULL, 0, attr));
    brick_memory_desc_t w_panels = NULL;
    OK(brick_memory_desc_clone(&w_panels, brick_primitive_desc_query_md(pd, brick_query_weights_md, 0)));
    OK(brick_primitive_desc_destroy(pd));
    EXPECT(brick_memory_desc_get_size(w_panels) <= sizeof panels);
    quantise(w_floats, weights, w_panels, panels);
    quantise(w_panels, panels, w_plain, back);
    EXPECT(!memcmp(plain, back, sizeof plain));

    OK(brick_primitive_attr_set_rnn_weights_projection_qparams(attr, O, 8, by_channel));
    quantise(p_floats, weights, p_plain, plain);
    for (int i = 0; i < I * O; i++)
        EXPECT(fabs(plain[i] - fmin(127, nearbyint((double)weights[i] * by_channel[i % O]))) < 1e-9);

    pd = POISON(brick_primitive_desc_t);
    // Other attributes are refused, also where bytes are only moved.
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC, 0));
    UNIMPLEMENTED(brick_reorder_primitive_desc_create(&pd, bytes, engine, bytes, engine, attr));
    SAYS("scales of src (argument 1) are not supported");
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_rnn_data_qparams(attr, scale, shift));
    UNIMPLEMENTED(brick_reorder_primitive_desc_create(&pd, bytes, engine, floats, engine, attr));
    UNIMPLEMENTED(brick_reorder_primitive_desc_create(&pd, floats, engine, floats, engine, attr));
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, G * O - 1, 24, by_channel));
    UNIMPLEMENTED(brick_reorder_primitive_desc_create(&pd, w_floats, engine, w_plain, engine, attr));
    UNTOUCHED(brick_primitive_desc_t, pd);
    OK(brick_primitive_attr_destroy(attr));
    DESTROY(floats, bytes, w_floats, w_plain, w_turned, w_any, p_floats, p_plain, u_any, shown, w_panels);
}

int main(void)
{
    setup();
    uint32_t seed = 12345;
    for (int i = 0; i < T * N * C; i++)
        x[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (int i = 0; i < N * C; i++) {
        h0[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
        h0_floats[i] = (float)number(h0[i]);
        c0[i] = (float)(i % 7) / 8;
    }
    for (int i = 0; i < C * G * C; i++) {
        w[i] = (int8_t)((int)((seed = seed * 1664525u + 1013904223u) >> 24) - 128);
        u[i] = (int8_t)((int)((seed = seed * 1664525u + 1013904223u) >> 24) - 128);
    }
    for (int i = 0; i < G * C; i++) {
        b[i] = (float)(i % 5) / 4 - 0.5f;
        scales[i] = 83.5f + (float)(i % 3) * 20;
    }
    cell(4);
    cell(3);
    reorders();
    teardown();
    return finish();
}
