// Convolution and deconvolution: every pass against its definition, and what is refused.
#include "check.h"

enum { MB = 2, G = 2, IC = 6, OC = 8, H = 7, W = 6, KH = 3, KW = 2, P = 3, Q = 7 };
enum { IN = MB * IC * H * W, OUT = MB * OC * P * Q, WEIGHTS = OC * (IC / G) * KH * KW };

static const brick_dims_t strides = {2, 1}, dilates = {1, 0}, pad_l = {1, 2}, pad_r = {2, 0};
static float in[IN], weights[WEIGHTS], bias[OC], out[OUT], got[IN > OUT ? IN : OUT], want[IN > OUT ? IN : OUT];

static brick_memory_desc_t in_md, weights_md, bias_md, out_md;

// Calls visit with the indices of every product that the convolution sums: of its input, weights and output.
static void products(void (*visit)(int, int, int))
{
    for (int n = 0; n < MB; n++)
        for (int o = 0; o < OC; o++)
            for (int p = 0; p < P * Q; p++)
                for (int k = 0; k < (IC / G) * KH * KW; k++) {
                    int c = k / (KH * KW), r = k / KW % KH, s = k % KW, g = o / (OC / G);
                    int h = p / Q * 2 - 1 + r * 2, w = p % Q - 2 + s;
                    if (h < 0 || h >= H || w < 0 || w >= W)
                        continue;
                    visit(((n * IC + g * (IC / G) + c) * H + h) * W + w, o * (IC / G) * KH * KW + k,
                          (n * OC + o) * P * Q + p);
                }
}

static void add_output(int i, int k, int o)
{
    want[o] += in[i] * weights[k];
}

static void add_input(int i, int k, int o)
{
    want[i] += out[o] * weights[k];
}

static void add_weights(int i, int k, int o)
{
    want[k] += out[o] * in[i];
}

static void forward(void)
{
    brick_primitive_desc_t pd = NULL;
    OK(brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward_training, brick_convolution_direct,
                                                       in_md, weights_md, bias_md, out_md, strides, dilates, pad_l,
                                                       pad_r, NULL));
    brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, in_md, in), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_BIAS, bias_md, bias), argument(BRICK_ARG_DST, out_md, got)};
    consume(pd, 4, args);
    for (int o = 0; o < OUT; o++)
        want[o] = bias[o / (P * Q) % OC];
    products(add_output);
    expect_floats(got, want, OUT, "convolution");
}

static void backward_data(void)
{
    brick_primitive_desc_t pd = NULL;
    OK(brick_convolution_backward_data_primitive_desc_create(&pd, engine, brick_convolution_auto, in_md, weights_md,
                                                             out_md, strides, dilates, pad_l, pad_r, NULL, NULL));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_DIFF_SRC, in_md, got), argument(BRICK_ARG_WEIGHTS, weights_md, weights),
                                argument(BRICK_ARG_DIFF_DST, out_md, out)};
    consume(pd, 3, args);
    memset(want, 0, sizeof want);
    products(add_input);
    expect_floats(got, want, IN, "gradient by the source");
}

static void backward_weights(int transposed)
{
    brick_primitive_desc_t pd = NULL;
    brick_memory_desc_t src = transposed ? out_md : in_md, dst = transposed ? in_md : out_md;
    int64_t dims[] = {G, IC / G, OC / G, KH, KW};
    brick_memory_desc_t md = transposed ? tagged(5, dims, brick_f32, brick_acbde) : weights_md;
    OK(transposed ? brick_deconvolution_backward_weights_primitive_desc_create(
                        &pd, engine, brick_deconvolution_direct, src, md, NULL, dst, strides, dilates, pad_l, pad_r, NULL,
                        NULL)
                  : brick_convolution_backward_weights_primitive_desc_create(
                        &pd, engine, brick_convolution_direct, src, md, NULL, dst, strides, dilates, pad_l, pad_r, NULL,
                        NULL));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, src, transposed ? out : in),
                                argument(BRICK_ARG_DIFF_WEIGHTS, md, got),
                                argument(BRICK_ARG_DIFF_DST, dst, transposed ? in : out)};
    consume(pd, 3, args);
    memset(want, 0, sizeof want);
    products(add_weights);
    expect_floats(got, want, WEIGHTS, "gradient by the weights");
    if (transposed)
        OK(brick_memory_desc_destroy(md));
}

// A deconvolution is a convolution's gradient by its source, with weights named from its own side; and the other way round.
static void deconvolution(void)
{
    int64_t dims[] = {G, IC / G, OC / G, KH, KW};
    brick_memory_desc_t transposed = tagged(5, dims, brick_f32, brick_acbde);
    brick_primitive_desc_t pd = NULL;
    OK(brick_deconvolution_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_deconvolution_direct,
                                                         out_md, transposed, NULL, in_md, strides, dilates, pad_l, pad_r,
                                                         NULL));
    brick_exec_arg_t args[3] = {argument(BRICK_ARG_SRC, out_md, out), argument(BRICK_ARG_WEIGHTS, transposed, weights),
                                argument(BRICK_ARG_DST, in_md, got)};
    consume(pd, 3, args);
    memset(want, 0, sizeof want);
    products(add_input);
    expect_floats(got, want, IN, "deconvolution");

    OK(brick_deconvolution_backward_data_primitive_desc_create(&pd, engine, brick_deconvolution_direct, out_md, transposed,
                                                               in_md, strides, dilates, pad_l, pad_r, NULL, NULL));
    brick_exec_arg_t back[3] = {argument(BRICK_ARG_DIFF_SRC, out_md, got), argument(BRICK_ARG_WEIGHTS, transposed, weights),
                                argument(BRICK_ARG_DIFF_DST, in_md, in)};
    consume(pd, 3, back);
    memset(want, 0, sizeof want);
    products(add_output);
    expect_floats(got, want, OUT, "gradient by the source of a deconvolution");
    OK(brick_memory_desc_destroy(transposed));
}

static void refusals(void)
{
    brick_primitive_desc_t pd;
    const brick_dims_t zero = {0, 1}, minus = {-1, 0}, huge = {INT64_MAX, 0};
    brick_memory_desc_t flat = matrix(2, 3, brick_f32), odd = vector(OC + 1, brick_f32);
#define FORWARD(prop, alg, src, weights, bias, dst, strides, dilates, left, right)                     \
    INVALID_CREATE(brick_primitive_desc_t, pd,                                                         \
                   brick_convolution_forward_primitive_desc_create(&pd, engine, prop, alg, src, weights, bias, dst,  \
                                                                   strides, dilates, left, right, NULL))
#define SHAPES(src, weights, bias, dst)                                                               \
    FORWARD(brick_forward, brick_convolution_direct, src, weights, bias, dst, strides, dilates, pad_l, pad_r)
#define MOVES(strides, dilates, left, right)                                                          \
    FORWARD(brick_forward, brick_convolution_direct, in_md, weights_md, bias_md, out_md, strides, dilates, left, right)
    FORWARD(brick_backward_data, brick_convolution_direct, in_md, weights_md, bias_md, out_md, strides, dilates, pad_l,
            pad_r);
    FORWARD(brick_forward, brick_eltwise_relu, in_md, weights_md, bias_md, out_md, strides, dilates, pad_l, pad_r);
    SHAPES(NULL, weights_md, bias_md, out_md);
    SHAPES(in_md, NULL, bias_md, out_md);
    SHAPES(in_md, weights_md, bias_md, NULL);
    SHAPES(flat, weights_md, bias_md, out_md);
    SHAPES(in_md, flat, bias_md, out_md);
    SHAPES(in_md, weights_md, odd, out_md);
    SHAPES(in_md, weights_md, bias_md, in_md);
    SHAPES(out_md, weights_md, bias_md, out_md);
    MOVES(NULL, dilates, pad_l, pad_r);
    MOVES(strides, dilates, NULL, pad_r);
    MOVES(zero, dilates, pad_l, pad_r);
    MOVES(minus, dilates, pad_l, pad_r);
    MOVES(strides, minus, pad_l, pad_r);
    MOVES(strides, huge, pad_l, pad_r);
    MOVES(strides, dilates, minus, pad_r);
    MOVES(strides, dilates, pad_l, huge);
    MOVES(strides, dilates, pad_l, pad_l);
#undef FORWARD
#undef SHAPES
#undef MOVES
    INVALID(brick_convolution_forward_primitive_desc_create(NULL, engine, brick_forward, brick_convolution_direct, in_md,
                                                            weights_md, bias_md, out_md, strides, dilates, pad_l, pad_r,
                                                            NULL));
    INVALID_CREATE(brick_primitive_desc_t, pd,
                   brick_convolution_backward_data_primitive_desc_create(&pd, NULL, brick_convolution_direct, in_md,
                                                                         weights_md, out_md, strides, dilates, pad_l,
                                                                         pad_r, NULL, NULL));
    INVALID_CREATE(brick_primitive_desc_t, pd,
                   brick_convolution_backward_data_primitive_desc_create(&pd, engine, brick_convolution_direct, out_md,
                                                                         weights_md, out_md, strides, dilates, pad_l,
                                                                         pad_r, NULL, NULL));
    INVALID_CREATE(brick_primitive_desc_t, pd,
                   brick_convolution_backward_weights_primitive_desc_create(&pd, engine, brick_convolution_direct, in_md,
                                                                            NULL, NULL, out_md, strides, dilates, pad_l,
                                                                            pad_r, NULL, NULL));
    INVALID_CREATE(brick_primitive_desc_t, pd,
                   brick_deconvolution_forward_primitive_desc_create(&pd, engine, brick_forward, brick_convolution_direct,
                                                                     out_md, weights_md, NULL, in_md, strides, dilates,
                                                                     pad_l, pad_r, NULL));
    INVALID_CREATE(brick_primitive_desc_t, pd,
                   brick_deconvolution_backward_data_primitive_desc_create(&pd, engine, brick_deconvolution_direct, out_md,
                                                                           NULL, in_md, strides, dilates, pad_l, pad_r,
                                                                           NULL, NULL));
    INVALID_CREATE(brick_primitive_desc_t, pd,
                   brick_deconvolution_backward_weights_primitive_desc_create(&pd, engine, brick_deconvolution_direct,
                                                                              out_md, weights_md, odd, in_md, strides,
                                                                              dilates, pad_l, pad_r, NULL, NULL));
    DESTROY(flat, odd);
}

// What a client may get wrong: one spatial dimension of 10, and the words of the sentence that says so.
struct mistake {
    int64_t groups, ic, oc, taps, stride, dilate, left, right, out;
    const char *words;
};

static const struct mistake MISTAKES[] = {
    {1, 4, 8, 3, 1, 0, 1, 1, 9, "(10 + 1 + 1 - 3) / 1 + 1 = 10, but the smaller side has 9"},
    {1, 4, 8, 3, 2, 1, 2, 2, 6, "(10 + 2 + 2 - 5) / 2 + 1 = 5, but the smaller side has 6"},
    {3, 4, 9, 3, 1, 0, 1, 1, 10, "3 groups do not divide the 4 channels of src"},
    {3, 6, 8, 3, 1, 0, 1, 1, 10, "3 groups do not divide the 8 channels of dst"},
    {1, 4, 8, 3, 1, 0, -1, 1, 8, "along the width: the padding is -1 and 1, negative"},
    {1, 4, 8, 3, 1, 0, 1, -1, 8, "along the width: the padding is 1 and -1, negative"},
    {1, 4, 8, 3, 2, 0, 1, -2, 4, "along the width: the padding is 1 and -2, negative"},
    {1, 4, 8, 3, 1, -1, 1, 1, 10, "along the width: the dilation is -1, negative"},
    {1, 4, 8, 3, 1, INT64_MAX, 1, 1, 10, "along the width: the kernel reaches over 18446744073709551617, the padded input has 12"},
    {1, 4, 8, 3, 1, INT64_MAX / 2, 1, 1, 10, "along the width: the kernel reaches over 9223372036854775809, the padded input has 12"},
    {1, 4, 8, 3, 1, 0, INT64_MAX, 1, 10, "(10 + 9223372036854775807 + 1 - 3) / 1 + 1 = 9223372036854775816, but the smaller side has 10"},
    {1, 4, 8, 13, 1, 0, 1, 1, 1, "along the width: the kernel reaches over 13, the padded input has 12"},
    {1, 4, 8, 3, 1, 6, 1, 1, 1, "along the width: the kernel reaches over 15, the padded input has 12"},
    {1, 4, 8, 3, 0, 0, 1, 1, 10, "along the width: the stride is 0, at least 1 is needed"},
};

// Every pass of both refuses it, in the same words; the sides of a deconvolution are exchanged.
static void mistake(const struct mistake *m)
{
    int64_t large[] = {2, m->ic, 10}, small[] = {2, m->oc, m->out};
    int64_t there[] = {m->groups, m->oc / m->groups, m->ic / m->groups, m->taps};
    int64_t back[] = {m->groups, m->ic / m->groups, m->oc / m->groups, m->taps};
    const brick_dims_t strides = {m->stride}, dilates = {m->dilate}, left = {m->left}, right = {m->right};
    int channels = strstr(m->words, "groups") != NULL;
    for (int transposed = 0; transposed < (channels ? 1 : 2); transposed++) {
        brick_memory_desc_t src = tagged(3, transposed ? small : large, brick_f32, brick_format_tag_any);
        brick_memory_desc_t weights = tagged(4, transposed ? back : there, brick_f32, brick_format_tag_any);
        brick_memory_desc_t dst = tagged(3, transposed ? large : small, brick_f32, brick_format_tag_any);
        brick_alg_kind_t alg = transposed ? brick_deconvolution_direct : brick_convolution_direct;
        for (int pass = 0; pass < 3; pass++) {
            brick_primitive_desc_t pd;
            if (pass == 0)
                INVALID_CREATE(brick_primitive_desc_t, pd,
                               (transposed ? brick_deconvolution_forward_primitive_desc_create
                                           : brick_convolution_forward_primitive_desc_create)(
                                   &pd, engine, brick_forward_training, alg, src, weights, NULL, dst, strides, dilates,
                                   left, right, NULL));
            else if (pass == 1)
                INVALID_CREATE(brick_primitive_desc_t, pd,
                               (transposed ? brick_deconvolution_backward_data_primitive_desc_create
                                           : brick_convolution_backward_data_primitive_desc_create)(
                                   &pd, engine, alg, src, weights, dst, strides, dilates, left, right, NULL, NULL));
            else
                INVALID_CREATE(brick_primitive_desc_t, pd,
                               (transposed ? brick_deconvolution_backward_weights_primitive_desc_create
                                           : brick_convolution_backward_weights_primitive_desc_create)(
                                   &pd, engine, alg, src, weights, NULL, dst, strides, dilates, left, right, NULL,
                                   NULL));
            check_that(strstr(brick_last_error(), m->words) != NULL, __FILE__, __LINE__, m->words, brick_last_error());
        }
        DESTROY(src, weights, dst);
    }
}

// Plans that would fill the memory or overflow, in one spatial dimension: channels, groups, width, taps, stride, padding.
static void more_than_can_be_planned(void)
{
    static const struct {
        int64_t channels, groups, width, taps, stride, left, right;
        const char *passes, *words;
    } SIZES[] = {
        {1 << 25, 1, 1, 1, 1, 0, 0, "fdw", "channels are more than can be planned"},
        {1, 1, 1, 1, 1, (int64_t)1 << 49, (int64_t)1 << 49, "f", "than can be planned"},
        {64, 64, 1, 1, 1, (int64_t)1 << 45, (int64_t)1 << 45, "fw", "than can be planned"},
        {1, 1, 1 << 17, (1 << 16) + 1, 1, 1 << 15, 1 << 15, "fd", "than can be planned"},
        {1, 1, (int64_t)1 << 30, 1, (int64_t)1 << 30, 0, 0, "d", "than can be planned"},
        {1 << 24, 1, 1, 1, 1, 0, 0, "w", "than can be planned"},
        {64, 64, 10, 1, (int64_t)1 << 56, (int64_t)1 << 56, 0, "fdw", "more than can be addressed"},
        {64, 1, 10, 3, 1, (int64_t)1 << 52, 0, "fdw", "more than can be addressed"},
        // These are planned.
        {16, 1, 2048, 1023, 1, 511, 511, "fdw", NULL},
        {64, 1, 1 << 16, 2, 1, 0, 0, "fdw", NULL},
        {64, 64, 1 << 16, 31, 1, 15, 15, "fdw", NULL},
        {3, 1, 1 << 12, 16, 16, 0, 0, "fdw", NULL},
        {1, 1, 1 << 13, 1 << 13, 1 << 13, 0, 0, "fdw", NULL},
    };
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        int64_t c = SIZES[i].channels, g = SIZES[i].groups, width = SIZES[i].width, taps = SIZES[i].taps;
        int64_t stride = SIZES[i].stride, left = SIZES[i].left, right = SIZES[i].right;
        int64_t large[] = {1, c, width}, small[] = {1, c, (width + left + right - taps) / stride + 1};
        int64_t kernel[] = {g, c / g, c / g, taps};
        brick_memory_desc_t src = tagged(3, large, brick_f32, brick_format_tag_any);
        brick_memory_desc_t dst = tagged(3, small, brick_f32, brick_format_tag_any);
        brick_memory_desc_t weights = tagged(4, kernel, brick_f32, brick_format_tag_any);
        const brick_dims_t step = {stride}, none = {0}, before = {left}, behind = {right};
        for (const char *pass = SIZES[i].passes; *pass; pass++) {
            brick_primitive_desc_t pd = POISON(brick_primitive_desc_t);
            brick_status_t want = SIZES[i].words ? brick_unimplemented : brick_success;
            check_forget();
            brick_status_t got =
                *pass == 'f' ? brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward,
                                                                               brick_convolution_direct, src, weights, NULL,
                                                                               dst, step, none, before, behind, NULL)
                : *pass == 'd' ? brick_convolution_backward_data_primitive_desc_create(&pd, engine, brick_convolution_direct,
                                                                                       src, weights, dst, step, none, before,
                                                                                       behind, NULL, NULL)
                               : brick_convolution_backward_weights_primitive_desc_create(
                                     &pd, engine, brick_convolution_direct, src, weights, NULL, dst, step, none, before,
                                     behind, NULL, NULL);
            check_status(got, want, __FILE__, (int)i, pass);
            if (SIZES[i].words)
                SAYS(SIZES[i].words);
            if (got == brick_success)
                OK(brick_primitive_desc_destroy(pd));
        }
        DESTROY(src, weights, dst);
    }
}

// What means something but is not done says why, too.
static void not_done(void)
{
    more_than_can_be_planned();
    brick_primitive_desc_t pd = POISON(brick_primitive_desc_t);
    brick_primitive_attr_t attr = NULL;
    brick_post_ops_t ops = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_dw(ops, brick_f32, brick_f32, brick_f32, 3, 1, 1));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    UNIMPLEMENTED(brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward, brick_convolution_direct, in_md,
                                                                  weights_md, NULL, out_md, strides, dilates, pad_l,
                                                                  pad_r, attr));
    EXPECT(strstr(brick_last_error(), "a fused depthwise convolution is not supported"));
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_post_ops_destroy(ops));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_zero_points_mask(attr, BRICK_ARG_WEIGHTS, 0));
    UNIMPLEMENTED(brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward, brick_convolution_direct, in_md,
                                                                  weights_md, NULL, out_md, strides, dilates, pad_l,
                                                                  pad_r, attr));
    EXPECT(strstr(brick_last_error(), "zero points of weights (argument 33) are not supported"));
    OK(brick_primitive_attr_destroy(attr));
    UNTOUCHED(brick_primitive_desc_t, pd);
}

int main(void)
{
    int64_t in_dims[] = {MB, IC, H, W}, weights_dims[] = {G, OC / G, IC / G, KH, KW}, out_dims[] = {MB, OC, P, Q};
    setup();
    fill(in, IN, 1);
    fill(weights, WEIGHTS, 2);
    fill(bias, OC, 3);
    fill(out, OUT, 4);
    in_md = tagged(4, in_dims, brick_f32, brick_nchw);
    weights_md = tagged(5, weights_dims, brick_f32, brick_goihw);
    bias_md = vector(OC, brick_f32);
    out_md = tagged(4, out_dims, brick_f32, brick_nchw);
    forward();
    backward_data();
    backward_weights(0);
    deconvolution();
    backward_weights(1);
    refusals();
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++)
        mistake(&MISTAKES[i]);
    not_done();
    DESTROY(in_md, weights_md, bias_md, out_md);
    teardown();
    return finish();
}
