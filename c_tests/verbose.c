// Verbose lines reach the client's callback, in oneDNN's format, and say why a creation was refused.
#include "check.h"

static char lines[64][1024];
static int count;

static void collect(void *context, const char *line)
{
    EXPECT(context == &count);
    if (count < 64)
        snprintf(lines[count++], sizeof lines[0], "%s", line);
}

// Whether some line contains both texts.
static int seen(const char *first, const char *second)
{
    for (int i = 0; i < count; i++)
        if (strstr(lines[i], first) && strstr(lines[i], second))
            return 1;
    return 0;
}

// A line says the whole problem, in the words that oneDNN's tools read.
static void whole_line(void)
{
    static float a[8 * 40], b[16 * 32], c[8 * 32], row[32];
    brick_dims_t rows = {BRICK_RUNTIME_DIM_VAL, 16}, given = {8, 16}, gaps = {40, 1};
    int64_t dims[] = {16, 32}, dst_dims[] = {BRICK_RUNTIME_DIM_VAL, 32};
    brick_memory_desc_t src = NULL, src_8 = NULL, weights = tagged(2, dims, brick_f32, brick_ab),
                        dst = tagged(2, dst_dims, brick_f32, brick_ab), dst_8 = matrix(8, 32, brick_f32),
                        row_md = matrix(1, 32, brick_f32);
    OK(brick_memory_desc_create_with_strides(&src, 2, rows, brick_f32, gaps));
    OK(brick_memory_desc_create_with_strides(&src_8, 2, given, brick_f32, gaps));
    brick_post_ops_t ops = NULL;
    brick_primitive_attr_t attr = NULL;
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_sum(ops, 2, 0, brick_data_type_undef));
    OK(brick_post_ops_append_eltwise(ops, brick_eltwise_clip_v2, -1, 2));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    OK(brick_primitive_attr_set_deterministic(attr, 1));
    OK(brick_primitive_attr_set_fpmath_mode(attr, brick_fpmath_mode_bf16));
    brick_primitive_desc_t pd = NULL;
    OK(brick_matmul_primitive_desc_create(&pd, engine, src, weights, row_md, dst, attr));
    brick_exec_arg_t args[4] = {argument(BRICK_ARG_SRC, src_8, a), argument(BRICK_ARG_WEIGHTS, weights, b),
                                argument(BRICK_ARG_BIAS, row_md, row), argument(BRICK_ARG_DST, dst_8, c)};
    consume(pd, 4, args);
    EXPECT(seen("primitive,exec,cpu,matmul,brick:",
                ",undef,src:f32::blocked:ab:40x1:f0 wei:f32::blocked:ab::f0 bia:f32::blocked:ab::f0_mask2 "
                "dst:f32::blocked:ab::f0,attr-fpmath:bf16 attr-deterministic:1 "
                "attr-post-ops:sum:2+eltwise_clip_v2:-1:2,runtime_dims_masks:1:0,8x16:16x32,"));
    OK(brick_post_ops_destroy(ops));
    OK(brick_primitive_attr_destroy(attr));
    DESTROY(src, src_8, weights, dst, dst_8, row_md);
}

// Layers list src, weights, bias and dst whatever the pass; numbers are as short as printf's %g makes them.
static void layers(void)
{
    static float data[2 * 8 * 16 * 16], weights[16 * 16 * 3 * 3];
    int64_t image[] = {2, 16, 8, 8}, taps[] = {16, 16, 3, 3};
    brick_dims_t one = {1, 1}, none = {0, 0};
    brick_memory_desc_t src = matrix(4, 6, brick_f32), wei = matrix(8, 6, brick_f32), bias = vector(8, brick_f32),
                        dst = matrix(4, 8, brick_f32), pixels = tagged(4, image, brick_f32, brick_nchw),
                        kernel = tagged(4, taps, brick_f32, brick_oihw);
    brick_primitive_desc_t pd = NULL;
    OK(brick_inner_product_backward_weights_primitive_desc_create(&pd, engine, src, wei, bias, dst, NULL, NULL));
    brick_exec_arg_t product[4] = {argument(BRICK_ARG_SRC, src, data), argument(BRICK_ARG_DIFF_DST, dst, data + 64),
                                   argument(BRICK_ARG_DIFF_WEIGHTS, wei, weights),
                                   argument(BRICK_ARG_DIFF_BIAS, bias, weights + 64)};
    consume(pd, 4, product);
    EXPECT(seen("exec,cpu,inner_product,", ",backward_weights,src:f32::blocked:ab::f0 wei:f32::blocked:ab::f0 "
                                           "bia:f32::blocked:a::f0 dst:f32::blocked:ab::f0,,,mb4ic6oc8,"));
    OK(brick_convolution_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_convolution_auto, pixels,
                                                       kernel, NULL, pixels, one, none, one, one, NULL));
    brick_exec_arg_t convolution[3] = {argument(BRICK_ARG_SRC, pixels, data), argument(BRICK_ARG_WEIGHTS, kernel, weights),
                                       argument(BRICK_ARG_DST, pixels, data + 2048)};
    consume(pd, 3, convolution);
    EXPECT(seen("exec,cpu,convolution,", ",forward_inference,src:f32::blocked:abcd::f0 wei:f32::blocked:abcd::f0 "
                                         "bia:undef::undef::: dst:f32::blocked:abcd::f0,,alg:convolution_direct,"
                                         "mb2_ic16oc16_ih8oh8kh3sh1dh0ph1_iw8ow8kw3sw1dw0pw1,"));

    brick_post_ops_t ops = NULL;
    brick_primitive_attr_t attr = NULL;
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_binary(ops, brick_binary_mul, src));
    OK(brick_post_ops_append_eltwise(ops, brick_eltwise_linear, 0.79788456f, 1e-7f));
    OK(brick_post_ops_append_sum(ops, 1, 0, brick_data_type_undef));
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    OK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward, brick_eltwise_linear, src, src, 1.5f, 1e-7f,
                                                   attr));
    brick_exec_arg_t elementwise[3] = {argument(BRICK_ARG_SRC, src, data), argument(BRICK_ARG_DST, src, data + 64),
                                       argument(BRICK_ARG_ATTR_MULTIPLE_POST_OP(0) | BRICK_ARG_SRC_1, src, data)};
    consume(pd, 3, elementwise);
    EXPECT(seen("exec,cpu,eltwise,", ",forward_training,data:f32::blocked:ab::f0,attr-post-ops:binary_mul:f32:3:ab+"
                                     "eltwise_linear:0.797885:1e-07+sum,alg:eltwise_linear alpha:1.5 beta:1e-07,4x6,"));
    OK(brick_post_ops_destroy(ops));
    OK(brick_primitive_attr_destroy(attr));
    brick_memory_desc_t used[] = {src, wei, bias, dst, pixels, kernel};
    for (int i = 0; i < 6; i++)
        OK(brick_memory_desc_destroy(used[i]));
}

static void recurrent(void)
{
    static float states[3 * 2 * 8], weights[8 * 4 * 8], bias[4 * 8];
    int64_t sequence[] = {3, 2, 8}, gates[] = {1, 1, 8, 4, 8}, biases[] = {1, 1, 4, 8};
    brick_memory_desc_t layer = tagged(3, sequence, brick_f32, brick_tnc), wei = tagged(5, gates, brick_f32, brick_ldigo),
                        bia = tagged(4, biases, brick_f32, brick_ldgo);
    brick_primitive_desc_t pd = NULL;
    OK(brick_lstm_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_unidirectional_left2right, layer,
                                                NULL, NULL, wei, wei, NULL, NULL, bia, layer, NULL, NULL, 0, NULL));
    brick_exec_arg_t args[5] = {argument(BRICK_ARG_SRC_LAYER, layer, states), argument(BRICK_ARG_DST_LAYER, layer, states),
                                argument(BRICK_ARG_WEIGHTS_LAYER, wei, weights),
                                argument(BRICK_ARG_WEIGHTS_ITER, wei, weights), argument(BRICK_ARG_BIAS, bia, bias)};
    consume(pd, 5, args);
    EXPECT(seen("exec,cpu,rnn,", ",forward_inference,src_layer:f32::blocked:abc::f0 wei_layer:f32::blocked:abcde::f0 "
                                 "wei_iter:f32::blocked:abcde::f0 bias:f32::blocked:abcd::f0 dst_layer:f32::blocked:abc::f0,,"
                                 "alg:vanilla_lstm direction:unidirectional_left2right activation:undef flags:,"
                                 "l1t3mb2sic8slc8dhc8dic8,"));
    static uint8_t bytes[3 * 2 * 8];
    brick_memory_desc_t quantised = tagged(3, sequence, brick_u8, brick_tnc);
    brick_primitive_attr_t attr = NULL;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_rnn_data_qparams(attr, 127.5f, 120));
    OK(brick_reorder_primitive_desc_create(&pd, layer, engine, quantised, engine, attr));
    brick_exec_arg_t moved[2] = {argument(BRICK_ARG_FROM, layer, states), argument(BRICK_ARG_TO, quantised, bytes)};
    consume(pd, 2, moved);
    EXPECT(seen("exec,cpu,reorder,", ",undef,src:f32::blocked:abc::f0 dst:u8::blocked:abc::f0,rnn_data_qparams:127.5:120;,,3x2x8,"));
    OK(brick_primitive_attr_destroy(attr));
    DESTROY(layer, wei, bia, quantised);
}

int main(void)
{
    setup();
    OK(brick_set_log(collect, &count));
    static float data[16];
    brick_memory_desc_t md = vector(16, brick_f32), other = vector(15, brick_f32);
    brick_primitive_desc_t pd = NULL;
    OK(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_relu, md, md, 0,
                                                   0, NULL));
    brick_exec_arg_t args[2] = {argument(BRICK_ARG_SRC, md, data), argument(BRICK_ARG_DST, md, data)};
    OK(brick_set_verbose(0));
    run_once(pd, 2, args);
    EXPECT(count == 0);

    OK(brick_set_verbose(1));
    run_once(pd, 2, args);
    EXPECT(seen("brick_verbose,v1,info,", "isa:"));
    EXPECT(seen("brick_verbose,v1,primitive,exec,cpu,eltwise,brick:", "forward_inference"));
    EXPECT(seen("exec,cpu,eltwise", "f32::blocked:a:"));
    EXPECT(!seen("primitive,create", ""));
    whole_line();
    layers();
    recurrent();

    OK(brick_set_verbose(2));
    consume(pd, 2, args);
    EXPECT(seen("primitive,create", "eltwise"));

    pd = POISON(brick_primitive_desc_t);
    INVALID(brick_eltwise_forward_primitive_desc_create(&pd, engine, brick_forward_inference, brick_eltwise_relu, md,
                                                        other, 0, 0, NULL));
    OK(brick_set_verbose(0));
    OK(brick_set_log(NULL, NULL));
    DESTROY(md, other);
    teardown();
    return finish();
}
