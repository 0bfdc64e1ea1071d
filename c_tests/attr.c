// Attributes and post-ops: what is set comes back.
#include "check.h"

static void post_ops(void)
{
    brick_post_ops_t ops = NULL, copy = NULL;
    brick_memory_desc_t row = matrix(1, 8, brick_f32);
    OK(brick_post_ops_create(&ops));
    EXPECT(brick_post_ops_len(ops) == 0);
    OK(brick_post_ops_append_sum(ops, 0.5f, 3, brick_s8));
    OK(brick_post_ops_append_eltwise(ops, brick_eltwise_clip, -1.0f, 2.0f));
    OK(brick_post_ops_append_binary(ops, brick_binary_mul, row));
    OK(brick_post_ops_append_prelu(ops, 2));
    EXPECT(brick_post_ops_len(ops) == 4);
    EXPECT(brick_post_ops_get_kind(ops, 0) == brick_sum && brick_post_ops_get_kind(ops, 1) == brick_eltwise);
    EXPECT(brick_post_ops_get_kind(ops, 2) == brick_binary && brick_post_ops_get_kind(ops, 3) == brick_prelu);

    OK(brick_post_ops_clone(&copy, ops));
    OK(brick_post_ops_destroy(ops));
    float scale = 0, alpha = 0, beta = 0;
    int32_t zero_point = 0;
    int mask = 0;
    brick_data_type_t type = brick_data_type_undef;
    brick_alg_kind_t alg = brick_alg_kind_undef;
    const_brick_memory_desc_t src1 = NULL;
    OK(brick_post_ops_get_params_sum(copy, 0, &scale, &zero_point, &type));
    EXPECT(scale == 0.5f && zero_point == 3 && type == brick_s8);
    OK(brick_post_ops_get_params_eltwise(copy, 1, &alg, &alpha, &beta));
    EXPECT(alg == brick_eltwise_clip && alpha == -1.0f && beta == 2.0f);
    OK(brick_post_ops_get_params_binary(copy, 2, &alg, &src1));
    EXPECT(alg == brick_binary_mul && brick_memory_desc_equal(src1, row));
    OK(brick_post_ops_get_params_prelu(copy, 3, &mask));
    EXPECT(mask == 2);
    INVALID(brick_post_ops_get_params_eltwise(copy, 0, &alg, &alpha, &beta));
    INVALID(brick_post_ops_get_params_sum(copy, 9, &scale, &zero_point, &type));
    OK(brick_post_ops_destroy(copy));
    OK(brick_memory_desc_destroy(row));
}

static void modes(brick_primitive_attr_t attr)
{
    brick_scratchpad_mode_t scratchpad = brick_scratchpad_mode_user;
    brick_fpmath_mode_t fpmath = brick_fpmath_mode_any;
    brick_accumulation_mode_t accumulation = brick_accumulation_mode_any;
    brick_rounding_mode_t rounding = brick_rounding_mode_stochastic;
    int deterministic = 1, apply = 1;
    OK(brick_primitive_attr_get_scratchpad_mode(attr, &scratchpad));
    EXPECT(scratchpad == brick_scratchpad_mode_library);
    OK(brick_primitive_attr_set_scratchpad_mode(attr, brick_scratchpad_mode_user));
    OK(brick_primitive_attr_get_scratchpad_mode(attr, &scratchpad));
    EXPECT(scratchpad == brick_scratchpad_mode_user);

    OK(brick_primitive_attr_get_fpmath_mode(attr, &fpmath));
    EXPECT(fpmath == brick_fpmath_mode_strict);
    OK(brick_primitive_attr_set_fpmath_mode_v2(attr, brick_fpmath_mode_bf16, 1));
    OK(brick_primitive_attr_get_fpmath_mode_v2(attr, &fpmath, &apply));
    EXPECT(fpmath == brick_fpmath_mode_bf16 && apply == 1);

    OK(brick_primitive_attr_get_accumulation_mode(attr, &accumulation));
    EXPECT(accumulation == brick_accumulation_mode_strict);
    OK(brick_primitive_attr_set_accumulation_mode(attr, brick_accumulation_mode_f32));
    OK(brick_primitive_attr_get_accumulation_mode(attr, &accumulation));
    EXPECT(accumulation == brick_accumulation_mode_f32);

    OK(brick_primitive_attr_get_deterministic(attr, &deterministic));
    EXPECT(deterministic == 0);
    OK(brick_primitive_attr_set_deterministic(attr, 1));
    OK(brick_primitive_attr_get_deterministic(attr, &deterministic));
    EXPECT(deterministic == 1);

    OK(brick_primitive_attr_get_rounding(attr, BRICK_ARG_DST, &rounding));
    EXPECT(rounding == brick_rounding_mode_environment);
}

// What only some primitives can honour is recorded all the same.
static void less_common(void)
{
    brick_primitive_attr_t attr = NULL;
    brick_memory_desc_t mask = matrix(4, 8, brick_u8);
    const_brick_memory_desc_t got = NULL;
    brick_data_type_t seed = brick_data_type_undef;
    brick_dims_t groups = {32, 1};
    int use_offset = 0, host = 0, number = 0;
    OK(brick_primitive_attr_create(&attr));
    OK(brick_primitive_attr_set_dropout(attr, mask));
    OK(brick_primitive_attr_get_dropout(attr, &got));
    EXPECT(brick_memory_desc_equal(got, mask));
    OK(brick_primitive_attr_set_dropout_v2(attr, mask, brick_s64, 1, 1));
    OK(brick_primitive_attr_get_dropout_v2(attr, &got, &seed, &use_offset, &host));
    EXPECT(seed == brick_s64 && use_offset == 1 && host == 1);

    OK(brick_primitive_attr_set_scales_v2(attr, BRICK_ARG_WEIGHTS, 3, 2, groups, brick_f32, 0));
    OK(brick_primitive_attr_set_scales_v3(attr, BRICK_ARG_SRC, 0, 0, NULL, brick_f32, 1, brick_quantization_mode_static_sazp));
    OK(brick_primitive_attr_set_zero_points_v2(attr, BRICK_ARG_WEIGHTS, 3, 2, groups, brick_s8, 0));
    OK(brick_primitive_attr_set_precomputed_reductions(attr, BRICK_ARG_SRC, 3, 2, groups, brick_s32));

    float scales[2] = {0.5f, 2.0f};
    const float *back = NULL;
    brick_dim_t count = 0;
    OK(brick_primitive_attr_set_rnn_weights_qparams(attr, 2, 24, scales));
    OK(brick_primitive_attr_get_rnn_weights_qparams(attr, &count, &number, &back));
    EXPECT(count == 2 && number == 24 && back[1] == 2.0f);
    OK(brick_primitive_attr_set_rnn_weights_projection_qparams(attr, 1, 0, scales));
    OK(brick_primitive_attr_get_rnn_weights_projection_qparams(attr, &count, &number, &back));
    EXPECT(count == 1 && number == 0 && back[0] == 0.5f);

    brick_post_ops_t ops = NULL;
    brick_alg_kind_t alg = brick_alg_kind_undef;
    const_brick_memory_desc_t src1 = NULL, src2 = NULL;
    brick_data_type_t bias = brick_data_type_undef, dst = brick_data_type_undef;
    brick_dim_t kernel = 0, stride = 0, padding = 0;
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_binary_v2(ops, brick_binary_select, mask, mask));
    OK(brick_post_ops_get_params_binary_v2(ops, 0, &alg, &src1, &src2));
    EXPECT(alg == brick_binary_select && brick_memory_desc_equal(src2, mask));
    OK(brick_post_ops_append_dw(ops, brick_f32, brick_f32, brick_bf16, 3, 2, 1));
    OK(brick_post_ops_get_params_dw(ops, 1, &seed, &bias, &dst, &kernel, &stride, &padding));
    EXPECT(seed == brick_f32 && dst == brick_bf16 && kernel == 3 && stride == 2 && padding == 1);
    OK(brick_post_ops_destroy(ops));
    OK(brick_memory_desc_destroy(mask));
    OK(brick_primitive_attr_destroy(attr));
}

int main(void)
{
    post_ops();
    less_common();
    brick_primitive_attr_t attr = NULL, copy = NULL;
    OK(brick_primitive_attr_create(&attr));
    modes(attr);
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_SRC, 0));
    OK(brick_primitive_attr_set_scales_mask(attr, BRICK_ARG_WEIGHTS, 2));
    OK(brick_primitive_attr_set_zero_points_mask(attr, BRICK_ARG_DST, 0));
    brick_dims_t groups = {32, 1};
    OK(brick_primitive_attr_set_scales(attr, BRICK_ARG_WEIGHTS, 3, 2, groups, brick_f32));
    OK(brick_primitive_attr_set_zero_points(attr, BRICK_ARG_WEIGHTS, 3, 2, groups, brick_s8));

    float scale = 0, shift = 0;
    OK(brick_primitive_attr_set_rnn_data_qparams(attr, 2.0f, 64.0f));
    OK(brick_primitive_attr_get_rnn_data_qparams(attr, &scale, &shift));
    EXPECT(scale == 2.0f && shift == 64.0f);

    brick_post_ops_t ops = NULL;
    const_brick_post_ops_t got = NULL;
    OK(brick_post_ops_create(&ops));
    OK(brick_post_ops_append_eltwise(ops, brick_eltwise_relu, 0, 0));
    OK(brick_primitive_attr_set_post_ops(attr, ops));
    OK(brick_post_ops_destroy(ops));
    OK(brick_primitive_attr_clone(&copy, attr));
    OK(brick_primitive_attr_destroy(attr));
    OK(brick_primitive_attr_get_post_ops(copy, &got));
    EXPECT(brick_post_ops_len(got) == 1);
    OK(brick_primitive_attr_destroy(copy));
    OK(brick_primitive_attr_destroy(NULL));
    OK(brick_post_ops_destroy(NULL));
    return finish();
}
