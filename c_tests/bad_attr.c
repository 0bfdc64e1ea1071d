// A walk through what callers get wrong with attributes and post-ops: every call answers with a status and a sentence, and
// what was recorded before stays.
#include <math.h>

#include "check.h"

static brick_memory_desc_t f32_2x3;
static brick_primitive_attr_t attr;

static void life(void)
{
    brick_primitive_attr_t other;
    brick_post_ops_t clone;
    INVALID(brick_primitive_attr_create(NULL));
    INVALID(brick_primitive_attr_clone(NULL, attr));
    INVALID_CREATE(brick_primitive_attr_t, other, brick_primitive_attr_clone(&other, NULL));
    INVALID(brick_post_ops_create(NULL));
    INVALID(brick_post_ops_clone(NULL, NULL));
    INVALID_CREATE(brick_post_ops_t, clone, brick_post_ops_clone(&clone, NULL));
    INVALID(brick_primitive_attr_set_post_ops(NULL, NULL));
    INVALID(brick_primitive_attr_get_post_ops(attr, NULL));
    INVALID(brick_primitive_attr_get_post_ops(NULL, NULL));
}

static void modes(void)
{
    brick_scratchpad_mode_t scratchpad = brick_scratchpad_mode_user;
    brick_fpmath_mode_t fpmath = brick_fpmath_mode_any;
    brick_accumulation_mode_t accumulation = brick_accumulation_mode_any;
    brick_rounding_mode_t rounding = brick_rounding_mode_stochastic;
    int number = 7;
    INVALID(brick_primitive_attr_set_scratchpad_mode(NULL, brick_scratchpad_mode_user));
    INVALID(brick_primitive_attr_set_scratchpad_mode(attr, (brick_scratchpad_mode_t)BAD));
    INVALID(brick_primitive_attr_get_scratchpad_mode(NULL, &scratchpad));
    INVALID(brick_primitive_attr_get_scratchpad_mode(attr, NULL));
    INVALID(brick_primitive_attr_set_fpmath_mode(NULL, brick_fpmath_mode_bf16));
    INVALID(brick_primitive_attr_set_fpmath_mode(attr, (brick_fpmath_mode_t)BAD));
    INVALID(brick_primitive_attr_set_fpmath_mode_v2(NULL, brick_fpmath_mode_bf16, 0));
    INVALID(brick_primitive_attr_set_fpmath_mode_v2(attr, (brick_fpmath_mode_t)-1, 0));
    INVALID(brick_primitive_attr_set_fpmath_mode_v2(attr, brick_fpmath_mode_bf16, 2));
    INVALID(brick_primitive_attr_get_fpmath_mode(NULL, &fpmath));
    INVALID(brick_primitive_attr_get_fpmath_mode(attr, NULL));
    INVALID(brick_primitive_attr_get_fpmath_mode_v2(NULL, &fpmath, &number));
    INVALID(brick_primitive_attr_set_accumulation_mode(NULL, brick_accumulation_mode_any));
    INVALID(brick_primitive_attr_set_accumulation_mode(attr, (brick_accumulation_mode_t)BAD));
    INVALID(brick_primitive_attr_get_accumulation_mode(NULL, &accumulation));
    INVALID(brick_primitive_attr_get_accumulation_mode(attr, NULL));
    INVALID(brick_primitive_attr_set_deterministic(NULL, 1));
    INVALID(brick_primitive_attr_set_deterministic(attr, -1));
    INVALID(brick_primitive_attr_get_deterministic(NULL, &number));
    INVALID(brick_primitive_attr_get_deterministic(attr, NULL));
    INVALID(brick_primitive_attr_set_rounding(NULL, BRICK_ARG_DST, brick_rounding_mode_stochastic));
    INVALID(brick_primitive_attr_set_rounding(attr, BRICK_ARG_DST, (brick_rounding_mode_t)BAD));
    INVALID(brick_primitive_attr_set_rounding(attr, 0, brick_rounding_mode_stochastic));
    INVALID(brick_primitive_attr_get_rounding(NULL, BRICK_ARG_DST, &rounding));
    INVALID(brick_primitive_attr_get_rounding(attr, BRICK_ARG_DST, NULL));
    EXPECT(scratchpad == brick_scratchpad_mode_user && fpmath == brick_fpmath_mode_any && number == 7);
    EXPECT(accumulation == brick_accumulation_mode_any && rounding == brick_rounding_mode_stochastic);

    // The defaults have stayed.
    OK(brick_primitive_attr_get_scratchpad_mode(attr, &scratchpad));
    OK(brick_primitive_attr_get_fpmath_mode_v2(attr, &fpmath, &number));
    OK(brick_primitive_attr_get_accumulation_mode(attr, &accumulation));
    OK(brick_primitive_attr_get_rounding(attr, BRICK_ARG_DST, &rounding));
    EXPECT(scratchpad == brick_scratchpad_mode_library && fpmath == brick_fpmath_mode_strict && number == 0);
    EXPECT(accumulation == brick_accumulation_mode_strict && rounding == brick_rounding_mode_environment);
}

static void dropout(void)
{
    const_brick_memory_desc_t mask = NULL;
    brick_data_type_t seed = brick_s8;
    int number = 7;
    INVALID(brick_primitive_attr_set_dropout(NULL, f32_2x3));
    INVALID(brick_primitive_attr_set_dropout(attr, NULL));
    INVALID(brick_primitive_attr_set_dropout_v2(NULL, f32_2x3, brick_s64, 0, 0));
    INVALID(brick_primitive_attr_set_dropout_v2(attr, NULL, brick_s64, 0, 0));
    INVALID(brick_primitive_attr_set_dropout_v2(attr, f32_2x3, brick_f32, 0, 0));
    INVALID(brick_primitive_attr_set_dropout_v2(attr, f32_2x3, (brick_data_type_t)BAD, 0, 0));
    INVALID(brick_primitive_attr_set_dropout_v2(attr, f32_2x3, brick_s64, 2, 0));
    INVALID(brick_primitive_attr_set_dropout_v2(attr, f32_2x3, brick_s64, 0, -1));
    INVALID(brick_primitive_attr_get_dropout(NULL, &mask));
    INVALID(brick_primitive_attr_get_dropout(attr, NULL));
    INVALID(brick_primitive_attr_get_dropout_v2(NULL, &mask, &seed, &number, &number));
    EXPECT(mask == NULL && seed == brick_s8 && number == 7);
    OK(brick_primitive_attr_get_dropout_v2(attr, &mask, &seed, &number, NULL));
    EXPECT(brick_memory_desc_get_size(mask) == 0 && seed == brick_data_type_undef && number == 0);
}

static void scales(void)
{
    brick_dims_t none = {0, 1}, groups = {32, 1};
    brick_quantization_mode_t fixed = brick_quantization_mode_static_sazp;
    INVALID(brick_primitive_attr_set_scales_mask(NULL, BRICK_ARG_SRC, 0));
    INVALID(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC, -1));
    INVALID(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC, 1 << 12));
    INVALID(brick_primitive_attr_set_scales_mask(attr, 0, 0));
    INVALID(brick_primitive_attr_set_scales_mask(attr, -1, 0));
    INVALID(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_WORKSPACE, 0));
    INVALID(brick_primitive_attr_set_scales_mask(attr, BAD, 0));
    INVALID(brick_primitive_attr_set_scales(NULL, BRICK_ARG_SRC, 0, 0, NULL, brick_f32));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_SRC, 0, 0, NULL, (brick_data_type_t)BAD));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_SRC, 0, 0, NULL, brick_s8));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, 2, none, brick_f32));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, 2, NULL, brick_f32));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, 13, groups, brick_f32));
    INVALID(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, -1, groups, brick_f32));
    INVALID(brick_primitive_attr_set_scales_v2(NULL, BRICK_ARG_SRC, 0, 0, NULL, brick_f32, 0));
    INVALID(brick_primitive_attr_set_scales_v2(attr, BRICK_ARG_SRC, 0, 0, NULL, brick_f32, 2));
    INVALID(brick_primitive_attr_set_scales_v2(attr, BRICK_ARG_SRC, 1, 0, NULL, brick_f32, 1));
    INVALID(brick_primitive_attr_set_scales_v2(attr, BRICK_ARG_WEIGHTS, 0, 2, groups, brick_f32, 1));
    INVALID(brick_primitive_attr_set_scales_v3(NULL, BRICK_ARG_SRC, 0, 0, NULL, brick_f32, 0, fixed));
    INVALID(brick_primitive_attr_set_scales_v3(attr, BRICK_ARG_SRC, 0, 0, NULL, brick_f32, 0,
                                               (brick_quantization_mode_t)BAD));
}

static void zero_points(void)
{
    brick_dims_t none = {0, 1}, groups = {32, 1};
    INVALID(brick_primitive_attr_set_zero_points_mask(NULL, BRICK_ARG_SRC, 0));
    INVALID(brick_primitive_attr_set_zero_points_mask(attr, BRICK_ARG_SRC, -1));
    INVALID(brick_primitive_attr_set_zero_points_mask(attr, BAD, 0));
    INVALID(brick_primitive_attr_set_zero_points(NULL, BRICK_ARG_SRC, 0, 0, NULL, brick_s32));
    INVALID(brick_primitive_attr_set_zero_points(attr, BRICK_ARG_SRC, 0, 0, NULL, (brick_data_type_t)BAD));
    INVALID(brick_primitive_attr_set_zero_points(attr, BRICK_ARG_SRC, 0, 0, NULL, brick_f32));
    INVALID(brick_primitive_attr_set_zero_points(attr, BRICK_ARG_WEIGHTS, 3, 2, none, brick_s8));
    INVALID(brick_primitive_attr_set_zero_points_v2(NULL, BRICK_ARG_SRC, 0, 0, NULL, brick_s32, 0));
    INVALID(brick_primitive_attr_set_zero_points_v2(attr, BRICK_ARG_SRC, 0, 0, NULL, brick_s32, 2));
    INVALID(brick_primitive_attr_set_zero_points_v2(attr, BRICK_ARG_SRC, 1, 0, NULL, brick_s32, 1));
    INVALID(brick_primitive_attr_set_zero_points_v2(attr, BRICK_ARG_WEIGHTS, 3, 2, NULL, brick_s8, 0));
    INVALID(brick_primitive_attr_set_precomputed_reductions(NULL, BRICK_ARG_SRC, 3, 2, groups, brick_s32));
    INVALID(brick_primitive_attr_set_precomputed_reductions(attr, BRICK_ARG_SRC, 3, 2, NULL, brick_s32));
    INVALID(brick_primitive_attr_set_precomputed_reductions(attr, BRICK_ARG_SRC, -3, 2, groups, brick_s32));
    INVALID(brick_primitive_attr_set_precomputed_reductions(attr, BRICK_ARG_SRC, 3, 2, groups, brick_f32));
}

static void recurrent(void)
{
    float values[2] = {1, NAN}, x = 7, y = 7;
    const float *back = NULL;
    brick_dim_t count = 7;
    int mask = 7;
    INVALID(brick_primitive_attr_set_rnn_data_qparams(NULL, 1, 0));
    INVALID(brick_primitive_attr_set_rnn_data_qparams(attr, NAN, 0));
    INVALID(brick_primitive_attr_set_rnn_data_qparams(attr, 1, NAN));
    INVALID(brick_primitive_attr_get_rnn_data_qparams(NULL, &x, &y));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(NULL, 1, 0, values));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, -1, 0, values));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, 0, 0, values));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, INT64_MAX, 1, values));
    SAYS("exceed any memory");
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, INT64_MAX, 24, values));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, 1, 0, NULL));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, 2, 0, values));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, 2, 24, values));
    INVALID(brick_primitive_attr_set_rnn_weights_qparams(attr, 1, -1, values));
    INVALID(brick_primitive_attr_get_rnn_weights_qparams(NULL, &count, &mask, &back));
    INVALID(brick_primitive_attr_set_rnn_weights_projection_qparams(NULL, 1, 0, values));
    INVALID(brick_primitive_attr_set_rnn_weights_projection_qparams(attr, 0, 8, values));
    INVALID(brick_primitive_attr_set_rnn_weights_projection_qparams(attr, 2, 8, values));
    INVALID(brick_primitive_attr_get_rnn_weights_projection_qparams(NULL, &count, &mask, &back));
    EXPECT(x == 7 && y == 7 && count == 7 && mask == 7 && back == NULL);
    OK(brick_primitive_attr_get_rnn_weights_qparams(attr, &count, &mask, &back));
    EXPECT(count == 1 && mask == 0 && back[0] == 1);
}

static void appending(brick_post_ops_t ops)
{
    brick_memory_desc_t none = NULL;
    OK(brick_memory_desc_create_with_tag(&none, 0, NULL, brick_data_type_undef, brick_format_tag_undef));
    INVALID(brick_post_ops_append_sum(NULL, 1, 0, brick_f32));
    INVALID(brick_post_ops_append_sum(ops, NAN, 0, brick_f32));
    INVALID(brick_post_ops_append_sum(ops, 1, 0, (brick_data_type_t)BAD));
    INVALID(brick_post_ops_append_eltwise(NULL, brick_eltwise_relu, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, (brick_alg_kind_t)BAD, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, brick_binary_add, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_relu_use_dst_for_bwd, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, NAN, 0));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_linear, 1, NAN));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_clip, 3, 1));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_clip_v2, 3, 1));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_soft_relu, 0, 0));
    INVALID(brick_post_ops_append_binary(NULL, brick_binary_add, f32_2x3));
    INVALID(brick_post_ops_append_binary(ops, brick_eltwise_relu, f32_2x3));
    INVALID(brick_post_ops_append_binary(ops, brick_binary_add, NULL));
    INVALID(brick_post_ops_append_binary(ops, brick_binary_add, none));
    INVALID(brick_post_ops_append_binary(ops, brick_binary_select, f32_2x3));
    INVALID(brick_post_ops_append_binary_v2(NULL, brick_binary_add, f32_2x3, NULL));
    INVALID(brick_post_ops_append_binary_v2(ops, brick_binary_select, f32_2x3, none));
    INVALID(brick_post_ops_append_binary_v2(ops, brick_binary_add, f32_2x3, f32_2x3));
    INVALID(brick_post_ops_append_prelu(NULL, 0));
    INVALID(brick_post_ops_append_prelu(ops, -1));
    INVALID(brick_post_ops_append_prelu(ops, 1 << 12));
    INVALID(brick_post_ops_append_dw(NULL, brick_f32, brick_f32, brick_f32, 3, 1, 1));
    INVALID(brick_post_ops_append_dw(ops, brick_f32, brick_f32, brick_f32, 0, 1, 1));
    INVALID(brick_post_ops_append_dw(ops, brick_f32, brick_f32, brick_f32, 3, 0, 1));
    INVALID(brick_post_ops_append_dw(ops, brick_f32, brick_f32, brick_f32, 3, 1, 3));
    INVALID(brick_post_ops_append_dw(ops, brick_f32, (brick_data_type_t)BAD, brick_f32, 3, 1, 1));
    EXPECT(brick_post_ops_len(ops) == 0 && brick_post_ops_len(NULL) == 0);
    OK(brick_memory_desc_destroy(none));
}

static void reading(brick_post_ops_t ops)
{
    brick_alg_kind_t alg = brick_alg_kind_undef;
    brick_data_type_t type = brick_s8;
    const_brick_memory_desc_t md = NULL;
    brick_dim_t dim = 7;
    float x = 7;
    int number = 7;
    EXPECT(brick_post_ops_get_kind(ops, 0) == brick_undefined_primitive);
    EXPECT(brick_post_ops_get_kind(NULL, 0) == brick_undefined_primitive);
    INVALID(brick_post_ops_get_params_eltwise(ops, 0, &alg, &x, &x));
    INVALID(brick_post_ops_get_params_prelu(ops, -1, &number));
    OK(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    // Of another kind.
    INVALID(brick_post_ops_get_params_sum(ops, 0, &x, &number, &type));
    INVALID(brick_post_ops_get_params_binary(ops, 0, &alg, &md));
    INVALID(brick_post_ops_get_params_binary_v2(ops, 0, &alg, &md, &md));
    INVALID(brick_post_ops_get_params_prelu(ops, 0, &number));
    INVALID(brick_post_ops_get_params_dw(ops, 0, &type, &type, &type, &dim, &dim, &dim));
    // Of none.
    INVALID(brick_post_ops_get_params_sum(NULL, 0, &x, &number, &type));
    INVALID(brick_post_ops_get_params_eltwise(NULL, 0, &alg, &x, &x));
    INVALID(brick_post_ops_get_params_eltwise(ops, 1, &alg, &x, &x));
    INVALID(brick_post_ops_get_params_binary(NULL, 0, &alg, &md));
    INVALID(brick_post_ops_get_params_binary_v2(NULL, 0, &alg, &md, &md));
    INVALID(brick_post_ops_get_params_prelu(NULL, 0, &number));
    INVALID(brick_post_ops_get_params_dw(NULL, 0, &type, &type, &type, &dim, &dim, &dim));
    EXPECT(alg == brick_alg_kind_undef && type == brick_s8 && md == NULL && dim == 7 && x == 7 && number == 7);
    // No more than 32.
    for (int i = 1; i < 32; i++)
        OK(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    INVALID(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    EXPECT(brick_post_ops_len(ops) == 32);
}

int main(void)
{
    brick_post_ops_t ops = NULL;
    f32_2x3 = matrix(2, 3, brick_f32);
    OK(brick_primitive_attr_create(&attr));
    OK(brick_post_ops_create(&ops));
    life();
    modes();
    dropout();
    scales();
    zero_points();
    recurrent();
    appending(ops);
    reading(ops);
    OK(brick_post_ops_destroy(ops));
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_memory_desc_destroy(f32_2x3));
    return finish();
}
