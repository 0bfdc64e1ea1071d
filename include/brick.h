/*
 * brick: deep-learning primitives on one batch-reduce GEMM kernel.
 *
 * The interface is oneDNN's, version 3.13, function by function behind the prefix brick_: the same parameters in the same
 * order, the same numbers, the same ownership. A call that can fail returns a status, stores its results on success only,
 * and leaves a sentence for brick_last_error(). Handles are created and destroyed by the caller; what a query hands out
 * belongs to the queried object. All functions may be called from any thread at any time; an object must not be changed or
 * destroyed while another call uses it.
 */

#ifndef BRICK_H
#define BRICK_H

/* Generated from src/capi by `UPDATE_HEADER=1 cargo test --test header`; do not edit. */

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define BRICK_API
#else
#define BRICK_API __attribute__((visibility("default")))
#endif

/** A memory object without data, to be given later. */
#define BRICK_MEMORY_NONE (NULL)
/** Data that the memory object allocates. */
#define BRICK_MEMORY_ALLOCATE ((void *)(size_t)-1)
/** Size of memory whose dimensions are given at execution. */
#define BRICK_RUNTIME_SIZE_VAL ((size_t)BRICK_RUNTIME_DIM_VAL)
/** Or #BRICK_ARG_SRC_1, #BRICK_ARG_SRC_2, #BRICK_ARG_WEIGHTS: an operand of post-op idx. */
#define BRICK_ARG_ATTR_MULTIPLE_POST_OP(idx) (BRICK_ARG_ATTR_MULTIPLE_POST_OP_BASE * ((idx) + 1))

/** What a call came to. brick_last_error() says more about a failure. */
typedef int32_t brick_status_t;
enum {
    /** The call did what was asked. */
    brick_success = 0,
    /** Memory for data, scratch or code could not be had. */
    brick_out_of_memory = 1,
    /** An argument cannot mean anything; nothing was changed. */
    brick_invalid_arguments = 2,
    /** The request is meaningful, but brick does not do it. */
    brick_unimplemented = 3,
    /** There is no further implementation to iterate to. */
    brick_last_impl_reached = 4,
    /** An internal failure: a bug in brick. */
    brick_runtime_error = 5,
    /** The queried descriptor is not needed by the object. */
    brick_not_required = 6,
    /** Not returned by brick. */
    brick_invalid_graph = 7,
    /** Not returned by brick. */
    brick_invalid_graph_op = 8,
    /** Not returned by brick. */
    brick_invalid_shape = 9,
    /** Not returned by brick. */
    brick_invalid_data_type = 10,
};

/** Type of an element. */
typedef int32_t brick_data_type_t;
enum {
    /** No type; an absent descriptor has it. */
    brick_data_type_undef = 0,
    /** IEEE 754 binary16. */
    brick_f16 = 1,
    /** The upper half of a binary32. */
    brick_bf16 = 2,
    /** IEEE 754 binary32. */
    brick_f32 = 3,
    brick_s32 = 4,
    brick_s8 = 5,
    brick_u8 = 6,
    /** IEEE 754 binary64. */
    brick_f64 = 7,
    /** One byte, zero or not. */
    brick_boolean = 8,
    brick_f8_e5m2 = 9,
    brick_f8_e4m3 = 10,
    /** Two elements a byte. */
    brick_s4 = 11,
    /** Two elements a byte. */
    brick_u4 = 12,
    /** A power of two. */
    brick_e8m0 = 13,
    /** Two elements a byte. */
    brick_f4_e2m1 = 14,
    /** Two elements a byte. */
    brick_f4_e3m0 = 15,
    brick_s64 = 16,
};

/** How a memory descriptor describes its data. */
typedef int32_t brick_format_kind_t;
enum {
    /** The descriptor is absent. */
    brick_format_kind_undef = 0,
    /** The primitive chooses the layout. */
    brick_format_kind_any = 1,
    /** Strides and inner blocks. */
    brick_blocked = 2,
    brick_format_kind_opaque = 3,
    brick_format_kind_sparse = 4,
    /** One value in the memory object itself. */
    brick_format_kind_host_scalar = 5,
};

/** Encodings of sparse memory, which brick does not have. */
typedef int32_t brick_sparse_encoding_t;
enum {
    brick_sparse_encoding_undef = 0,
    brick_csr = 1,
    brick_packed = 2,
    brick_coo = 3,
};

/** Kind of an engine; brick has CPU engines. */
typedef int32_t brick_engine_kind_t;
enum {
    brick_any_engine = 0,
    brick_cpu = 1,
    brick_gpu = 2,
};

/** Properties of a stream. */
typedef int32_t brick_stream_flags_t;
enum {
    /** Primitives run in the order in which they are submitted. */
    brick_stream_in_order = 1,
    /** The order is free; brick keeps it all the same. */
    brick_stream_out_of_order = 2,
    brick_stream_default_flags = 1,
    /** Times executions, on GPUs; brick refuses it. */
    brick_stream_profiling = 4,
};

/** Down-conversions of floats that a primitive may use inside. brick computes at full precision and does not use the leave. */
typedef int32_t brick_fpmath_mode_t;
enum {
    brick_fpmath_mode_strict = 0,
    brick_fpmath_mode_bf16 = 1,
    brick_fpmath_mode_f16 = 2,
    brick_fpmath_mode_any = 3,
    brick_fpmath_mode_tf32 = 4,
};

/** Types that a primitive may accumulate in. brick accumulates floats in f32 and integers in s32. */
typedef int32_t brick_accumulation_mode_t;
enum {
    brick_accumulation_mode_strict = 0,
    brick_accumulation_mode_relaxed = 1,
    brick_accumulation_mode_any = 2,
    brick_accumulation_mode_s32 = 3,
    brick_accumulation_mode_f32 = 4,
    brick_accumulation_mode_f16 = 5,
};

/** Who provides scratch memory. */
typedef int32_t brick_scratchpad_mode_t;
enum {
    /** The library, from a list that all threads share safely. */
    brick_scratchpad_mode_library = 0,
    /** The caller, as argument #BRICK_ARG_SCRATCHPAD of every execution. */
    brick_scratchpad_mode_user = 1,
};

/** Rounding of results. */
typedef int32_t brick_rounding_mode_t;
enum {
    /** To nearest, ties to even. */
    brick_rounding_mode_environment = 0,
    brick_rounding_mode_stochastic = 1,
};

/** How scales come about. */
typedef int32_t brick_quantization_mode_t;
enum {
    brick_quantization_mode_undef = 0,
    /** The caller gives scales and zero points. */
    brick_quantization_mode_static_sazp = 1,
    brick_quantization_mode_dynamic_mx = 2,
    brick_quantization_mode_dynamic_fp = 3,
};

/** Pass of a primitive. */
typedef int32_t brick_prop_kind_t;
enum {
    brick_prop_kind_undef = 0,
    /** Forward, keeping what the backward pass needs. */
    brick_forward_training = 64,
    /** Forward only. */
    brick_forward_inference = 96,
    brick_forward = 64,
    /** Backward by everything. */
    brick_backward = 128,
    brick_backward_data = 160,
    brick_backward_weights = 192,
    brick_backward_bias = 193,
};

/** Kind of a primitive. */
typedef int32_t brick_primitive_kind_t;
enum {
    brick_undefined_primitive = 0,
    brick_reorder = 1,
    brick_shuffle = 2,
    brick_concat = 3,
    brick_sum = 4,
    brick_convolution = 5,
    brick_deconvolution = 6,
    brick_eltwise = 7,
    brick_lrn = 8,
    brick_batch_normalization = 9,
    brick_inner_product = 10,
    brick_rnn = 11,
    brick_gemm = 12,
    brick_binary = 13,
    brick_matmul = 14,
    brick_resampling = 15,
    brick_pooling = 16,
    brick_reduction = 17,
    brick_prelu = 18,
    brick_softmax = 19,
    brick_layer_normalization = 20,
    brick_group_normalization = 21,
};

/** Algorithm of a primitive or post-op. Formulas of the element-wise ones: s is the source, d the result. */
typedef int32_t brick_alg_kind_t;
enum {
    brick_alg_kind_undef = 0,
    brick_convolution_direct = 1,
    brick_convolution_winograd = 2,
    brick_convolution_auto = 3,
    brick_deconvolution_direct = 10,
    brick_deconvolution_winograd = 11,
    /** d = s > 0 ? s : alpha * s */
    brick_eltwise_relu = 32,
    /** d = tanh(s) */
    brick_eltwise_tanh = 33,
    /** d = s > 0 ? s : alpha * (exp(s) - 1) */
    brick_eltwise_elu = 34,
    /** d = s * s */
    brick_eltwise_square = 35,
    /** d = |s| */
    brick_eltwise_abs = 36,
    /** d = sqrt(s) */
    brick_eltwise_sqrt = 37,
    /** d = alpha * s + beta */
    brick_eltwise_linear = 38,
    /** d = log(1 + exp(alpha * s)) / alpha */
    brick_eltwise_soft_relu = 39,
    /** d = max(0, min(1, alpha * s + beta)) */
    brick_eltwise_hardsigmoid = 40,
    /** d = 1 / (1 + exp(-s)) */
    brick_eltwise_logistic = 41,
    /** d = exp(s) */
    brick_eltwise_exp = 42,
    /** d = 0.5 * s * (1 + tanh(sqrt(2/pi) * (s + 0.044715 * s^3))) */
    brick_eltwise_gelu_tanh = 43,
    /** d = s / (1 + exp(-alpha * s)) */
    brick_eltwise_swish = 44,
    /** d = log(s) */
    brick_eltwise_log = 45,
    /** d = max(alpha, min(beta, s)) */
    brick_eltwise_clip = 46,
    /** As clip; the derivative is zero at the bounds, too. */
    brick_eltwise_clip_v2 = 47,
    /** d = alpha * s^beta */
    brick_eltwise_pow = 48,
    /** d = 0.5 * s * (1 + erf(s / sqrt(2))) */
    brick_eltwise_gelu_erf = 49,
    /** d = s rounded to nearest, ties to even */
    brick_eltwise_round = 50,
    /** d = s * tanh(log(1 + exp(s))) */
    brick_eltwise_mish = 51,
    /** d = s * max(0, min(1, alpha * s + beta)) */
    brick_eltwise_hardswish = 52,
    /** The derivative is computed from the result, as for the others of this kind. */
    brick_eltwise_relu_use_dst_for_bwd = 0x100,
    brick_eltwise_tanh_use_dst_for_bwd = 0x101,
    brick_eltwise_elu_use_dst_for_bwd = 0x102,
    brick_eltwise_sqrt_use_dst_for_bwd = 0x103,
    brick_eltwise_logistic_use_dst_for_bwd = 0x104,
    brick_eltwise_exp_use_dst_for_bwd = 0x105,
    brick_eltwise_clip_v2_use_dst_for_bwd = 0x106,
    brick_pooling_max = 0x1ff,
    brick_pooling_avg_include_padding = 0x2ff,
    brick_pooling_avg_exclude_padding = 0x3ff,
    brick_lrn_across_channels = 0xaff,
    brick_lrn_within_channel = 0xbff,
    brick_vanilla_rnn = 0x1fff,
    brick_vanilla_lstm = 0x2fff,
    brick_vanilla_gru = 0x3fff,
    brick_lbr_gru = 0x4fff,
    brick_vanilla_augru = 0x5fff,
    brick_lbr_augru = 0x6fff,
    brick_binary_add = 0x1fff0,
    brick_binary_mul = 0x1fff1,
    brick_binary_max = 0x1fff2,
    brick_binary_min = 0x1fff3,
    brick_binary_div = 0x1fff4,
    brick_binary_sub = 0x1fff5,
    /** Comparisons give 1 or 0. */
    brick_binary_ge = 0x1fff6,
    brick_binary_gt = 0x1fff7,
    brick_binary_le = 0x1fff8,
    brick_binary_lt = 0x1fff9,
    brick_binary_eq = 0x1fffa,
    brick_binary_ne = 0x1fffb,
    /** d = src2 ? src0 : src1 */
    brick_binary_select = 0x1fffc,
    brick_resampling_nearest = 0x2fff0,
    brick_resampling_linear = 0x2fff1,
    brick_reduction_max = 0x2fff2,
    brick_reduction_min = 0x2fff3,
    brick_reduction_sum = 0x2fff4,
    brick_reduction_mul = 0x2fff5,
    brick_reduction_mean = 0x2fff6,
    brick_reduction_norm_lp_max = 0x2fff7,
    brick_reduction_norm_lp_sum = 0x2fff8,
    brick_reduction_norm_lp_power_p_max = 0x2fff9,
    brick_reduction_norm_lp_power_p_sum = 0x2fffa,
    brick_softmax_accurate = 0x30000,
    brick_softmax_log = 0x30001,
};

/** Options of normalization primitives. */
typedef int32_t brick_normalization_flags_t;
enum {
    brick_normalization_flags_none = 0,
    brick_use_global_stats = 1,
    brick_use_scale = 2,
    brick_use_shift = 4,
    brick_fuse_norm_relu = 8,
    brick_fuse_norm_add_relu = 16,
    brick_rms_norm = 32,
};

/** Options of recurrent primitives. */
typedef int32_t brick_rnn_flags_t;
enum {
    brick_rnn_flags_undef = 0,
    brick_rnn_flags_diff_weights_overwrite = 1,
};

/** Direction of a recurrent primitive. */
typedef int32_t brick_rnn_direction_t;
enum {
    brick_rnn_direction_undef = 0,
    brick_unidirectional_left2right = 1,
    brick_unidirectional_right2left = 2,
    brick_bidirectional_concat = 3,
    brick_bidirectional_sum = 4,
};

/**
 * What to ask of a descriptor. The suffix says what the answer is: `s32` an `int`, `s64` a #brick_dim_t, `f32` a
 * `float`, `f64` a `double`, `str` a `const char *`, `md` a #const_brick_memory_desc_t, kinds and flags an `int`, dims
 * and strides a `const brick_dim_t *`. Pointers live as long as the queried object.
 */
typedef int32_t brick_query_t;
enum {
    brick_query_undef = 0,
    brick_query_engine = 1,
    brick_query_primitive_kind = 2,
    brick_query_num_of_inputs_s32 = 3,
    brick_query_num_of_outputs_s32 = 4,
    brick_query_time_estimate_f64 = 5,
    /** Bytes of scratch memory that the library provides. */
    brick_query_memory_consumption_s64 = 6,
    brick_query_scratchpad_engine = 7,
    brick_query_impl_info_str = 8,
    brick_query_reorder_src_engine = 9,
    brick_query_reorder_dst_engine = 10,
    brick_query_prop_kind = 11,
    brick_query_cache_blob_id_size_s64 = 12,
    brick_query_cache_blob_id = 13,
    brick_query_strides = 14,
    brick_query_dilations = 15,
    brick_query_padding_l = 16,
    brick_query_padding_r = 17,
    brick_query_epsilon_f32 = 18,
    brick_query_flags = 19,
    brick_query_alg_kind = 20,
    brick_query_alpha_f32 = 21,
    brick_query_beta_f32 = 22,
    brick_query_axis_s32 = 23,
    brick_query_local_size_s64 = 24,
    brick_query_k_f32 = 25,
    brick_query_p_f32 = 26,
    brick_query_factors = 27,
    brick_query_cell_kind = 28,
    brick_query_direction = 29,
    brick_query_activation_kind = 30,
    brick_query_kernel = 31,
    brick_query_group_size_s64 = 32,
    /** Not a query: where those of memory descriptors begin. */
    brick_query_some_md = 128,
    brick_query_src_md = 129,
    brick_query_diff_src_md = 130,
    /** Index 0 is the weights, index 1 the bias. */
    brick_query_weights_md = 131,
    /** Index 0 is the weights' gradient, index 1 the bias'. */
    brick_query_diff_weights_md = 132,
    brick_query_dst_md = 133,
    brick_query_diff_dst_md = 134,
    brick_query_workspace_md = 135,
    /** What to pass as #BRICK_ARG_SCRATCHPAD; absent if the library provides scratch memory. */
    brick_query_scratchpad_md = 136,
    /** The index is an argument number, BRICK_ARG_*. */
    brick_query_exec_arg_md = 255,
    brick_query_ndims_s32 = 0x100,
    brick_query_dims = 0x101,
    brick_query_data_type = 0x102,
    brick_query_submemory_offset_s64 = 0x103,
    brick_query_padded_dims = 0x104,
    brick_query_padded_offsets = 0x105,
    brick_query_format_kind = 0x106,
    brick_query_inner_nblks_s32 = 0x107,
    brick_query_inner_blks = 0x108,
    brick_query_inner_idxs = 0x109,
    brick_query_sparse_encoding = 0x10a,
    brick_query_nnz_s64 = 0x10b,
    brick_query_num_handles_s32 = 0x10c,
};

/**
 * Instruction sets. brick has kernels for AVX2 with FMA, AVX-512, AVX-512 with VNNI and with BF16; another set counts as
 * the next lower of these, what is below AVX2 as plain portable code.
 */
typedef int32_t brick_cpu_isa_t;
enum {
    /** Whatever the processor has. */
    brick_cpu_isa_default = 0,
    brick_cpu_isa_sse41 = 1,
    brick_cpu_isa_avx = 3,
    brick_cpu_isa_avx2 = 7,
    brick_cpu_isa_avx2_vnni = 15,
    brick_cpu_isa_avx2_vnni_2 = 31,
    brick_cpu_isa_avx512_core = 39,
    brick_cpu_isa_avx512_core_vnni = 103,
    brick_cpu_isa_avx512_core_bf16 = 231,
    brick_cpu_isa_avx512_core_fp16 = 0x1ef,
    brick_cpu_isa_avx10_1_512 = 0x1ef,
    brick_cpu_isa_avx512_core_amx = 0xfef,
    brick_cpu_isa_avx10_1_512_amx = 0xfef,
    brick_cpu_isa_avx512_core_amx_fp16 = 0x1fef,
    brick_cpu_isa_avx10_1_512_amx_fp16 = 0x1fef,
    brick_cpu_isa_avx10_2 = 0x201ff,
    brick_cpu_isa_avx10_2_512 = 0x201ff,
    brick_cpu_isa_avx10_2_amx_2 = 0x22fff,
    brick_cpu_isa_avx10_2_512_amx_2 = 0x22fff,
};

/** Hints for the choice of instructions; brick records them and decides by its own measurements. */
typedef int32_t brick_cpu_isa_hints_t;
enum {
    brick_cpu_isa_no_hints = 0,
    brick_cpu_isa_prefer_ymm = 1,
};

/** Layout of matrix B for a brgemm. */
typedef int32_t brick_pack_type_t;
enum {
    brick_pack_type_undef = 0,
    /** Row-major [k][n]. */
    brick_pack_type_no_trans = 1,
    /** Column-major: [n][k]. */
    brick_pack_type_trans = 2,
    /** [k/v][n][v], where v elements fill 32 bits. */
    brick_pack_type_pack32 = 3,
};

/** How a bare brgemm is told where the blocks of its batch lie. */
typedef int32_t brick_batch_kind_t;
enum {
    /** By a pointer to each. */
    brick_batch_address = 1,
    /** By an offset in bytes to each. */
    brick_batch_offset = 2,
    /** By the distance in bytes from one to the next. */
    brick_batch_stride = 3,
};

/**
 * A memory layout by name: dimensions from the outermost (`a` is the first), blocked ones in upper case,
 * inner blocks after them. The aliases below say what the dimensions mean, e.g. `brick_nchw`.
 */
typedef int32_t brick_format_tag_t;

enum {
    brick_format_tag_undef = 0, /**< No layout: the descriptor is absent. */
    brick_format_tag_any = 1, /**< The primitive chooses the layout. */
    brick_a = 2,
    brick_ab = 3,
    brick_abc = 4,
    brick_abcd = 5,
    brick_abcde = 6,
    brick_abcdef = 7,
    brick_abcdefg = 8,
    brick_abcdefgh = 9,
    brick_abcdefghi = 10,
    brick_abcdefghij = 11,
    brick_abcdefghijk = 12,
    brick_abcdefghijkl = 13,
    brick_ba = 14,
    brick_acb = 15,
    brick_bac = 16,
    brick_bca = 17,
    brick_cab = 18,
    brick_cba = 19,
    brick_abdc = 20,
    brick_acbd = 21,
    brick_acdb = 22,
    brick_adbc = 23,
    brick_adcb = 24,
    brick_bacd = 25,
    brick_bcda = 26,
    brick_cdab = 27,
    brick_cdba = 28,
    brick_dcab = 29,
    brick_abced = 30,
    brick_abdec = 31,
    brick_acbde = 32,
    brick_acdeb = 33,
    brick_adecb = 34,
    brick_bacde = 35,
    brick_bcdea = 36,
    brick_cdeab = 37,
    brick_cdeba = 38,
    brick_decab = 39,
    brick_abcdfe = 40,
    brick_abdefc = 41,
    brick_abdfce = 42,
    brick_acbdef = 43,
    brick_adefcb = 44,
    brick_defcab = 45,
    brick_abcdegf = 46,
    brick_abcdefhg = 47,
    brick_abcdefgih = 48,
    brick_abcdefghji = 49,
    brick_abcdefghikj = 50,
    brick_abcdefghijlk = 51,
    brick_Abc16a = 52,
    brick_ABc16a16b = 53,
    brick_ABc32a32b = 54,
    brick_ABc4a4b = 55,
    brick_aBc16b = 56,
    brick_ABc16b16a = 57,
    brick_Abc4a = 58,
    brick_aBc32b = 59,
    brick_aBc4b = 60,
    brick_ABc4b16a4b = 61,
    brick_ABc2b8a4b = 62,
    brick_ABc16b16a4b = 63,
    brick_ABc16b16a2b = 64,
    brick_ABc4b4a = 65,
    brick_ABc8a16b2a = 66,
    brick_ABc8a8b = 67,
    brick_ABc8a4b = 68,
    brick_aBc8b = 69,
    brick_ABc8b16a2b = 70,
    brick_BAc8a16b2a = 71,
    brick_ABc8b8a = 72,
    brick_Abcd16a = 73,
    brick_Abcd8a = 74,
    brick_ABcd16a16b = 75,
    brick_Abcd32a = 76,
    brick_ABcd32a32b = 77,
    brick_aBcd16b = 78,
    brick_ABcd16b16a = 79,
    brick_aBCd16b16c = 80,
    brick_aBCd16c16b = 81,
    brick_Abcd4a = 82,
    brick_aBcd32b = 83,
    brick_aBcd4b = 84,
    brick_ABcd4b16a4b = 85,
    brick_ABcd16b16a4b = 86,
    brick_ABcd16b16a2b = 87,
    brick_ABcd4b4a = 88,
    brick_ABcd4a4b = 89,
    brick_aBCd2c4b2c = 90,
    brick_aBCd4b8c2b = 91,
    brick_aBCd4c16b4c = 92,
    brick_aBCd2c8b4c = 93,
    brick_aBCd16c16b4c = 94,
    brick_aBCd16c16b2c = 95,
    brick_aBCd4c4b = 96,
    brick_aBCd4b4c = 97,
    brick_ABcd8a16b2a = 98,
    brick_ABcd2b8a4b = 99,
    brick_ABcd8a8b = 100,
    brick_ABcd8a4b = 101,
    brick_aBcd8b = 102,
    brick_aBCd4c8b2c = 103,
    brick_ABcd8b16a2b = 104,
    brick_aBCd8b16c2b = 105,
    brick_BAcd8a16b2a = 106,
    brick_ABcd8b8a = 107,
    brick_aBCd8b8c = 108,
    brick_aBCd8b4c = 109,
    brick_aBCd8c16b2c = 110,
    brick_ABcde8a16b2a = 111,
    brick_aCBd8b16c2b = 112,
    brick_aBCd8c8b = 113,
    brick_Abcde16a = 114,
    brick_Abcde32a = 115,
    brick_ABcde16a16b = 116,
    brick_BAcde8a16b2a = 117,
    brick_aBCd2b4c2b = 118,
    brick_ABcde4b16a4b = 119,
    brick_ABcde2b8a4b = 120,
    brick_aBcde16b = 121,
    brick_ABcde16b16a = 122,
    brick_aBCde16b16c = 123,
    brick_aBCde16c16b = 124,
    brick_aBCde2c8b4c = 125,
    brick_Abcde4a = 126,
    brick_aBcde32b = 127,
    brick_aBcde4b = 128,
    brick_ABcde4b4a = 129,
    brick_ABcde4a4b = 130,
    brick_aBCde4b4c = 131,
    brick_aBCde2c4b2c = 132,
    brick_aBCde4b8c2b = 133,
    brick_aBCde4c16b4c = 134,
    brick_aBCde16c16b4c = 135,
    brick_aBCde16c16b2c = 136,
    brick_aBCde4c4b = 137,
    brick_Abcde8a = 138,
    brick_ABcde8a8b = 139,
    brick_ABcde8a4b = 140,
    brick_BAcde16b16a = 141,
    brick_aBcde8b = 142,
    brick_ABcde8b16a2b = 143,
    brick_aBCde8b16c2b = 144,
    brick_aBCde4c8b2c = 145,
    brick_aCBde8b16c2b = 146,
    brick_ABcde8b8a = 147,
    brick_ABcde32a32b = 148,
    brick_aBCde8b8c = 149,
    brick_aBCde8b4c = 150,
    brick_ABc4a8b8a4b = 151,
    brick_ABcd4a8b8a4b = 152,
    brick_ABcde4a8b8a4b = 153,
    brick_BAc4b8a8b4a = 154,
    brick_BAcd4b8a8b4a = 155,
    brick_BAcde4b8a8b4a = 156,
    brick_ABcd2a8b8a2b = 157,
    brick_aBCd4b8c8b4c = 158,
    brick_aBCde4b8c8b4c = 159,
    brick_aBCde2b8c8b2c = 160,
    brick_aBCde8c16b2c = 161,
    brick_aBCde8c8b = 162,
    brick_aBCde2b4c2b = 163,
    brick_aBcdef16b = 164,
    brick_aBCdef16b16c = 165,
    brick_aBCdef16c16b = 166,
    brick_aBCdef4c16b4c = 167,
    brick_aBCdef2c8b4c = 168,
    brick_aBCdef4c8b2c = 169,
    brick_aBCdef2b4c2b = 170,
    brick_aBcdef4b = 171,
    brick_aBCdef4c4b = 172,
    brick_aBCdef4b4c = 173,
    brick_aBCdef2c4b2c = 174,
    brick_aBCdef4b8c2b = 175,
    brick_aBCdef8b8c = 176,
    brick_aBCdef8b4c = 177,
    brick_aBCdef8c16b2c = 178,
    brick_aBCdef4b8c8b4c = 179,
    brick_aBCdef8b16c2b = 180,
    brick_aCBdef8b16c2b = 181,
    brick_aBCdef8c8b = 182,
    brick_aBdc16b = 183,
    brick_aBdC16b2c = 184,
    brick_aBdC16b4c = 185,
    brick_aBdc4b = 186,
    brick_aBdc8b = 187,
    brick_aBdec16b = 188,
    brick_aBdeC16b2c = 189,
    brick_aBdeC16b4c = 190,
    brick_aBdec32b = 191,
    brick_aBdec4b = 192,
    brick_aBdec8b = 193,
    brick_aBdefc16b = 194,
    brick_aBdefC16b2c = 195,
    brick_aCBdef16c16b = 196,
    brick_aBdefc4b = 197,
    brick_aBdefc8b = 198,
    brick_Abcdef16a = 199,
    brick_Abcdef32a = 200,
    brick_aBedc16b = 201,
    brick_Acb16a = 202,
    brick_AcB16a2b = 203,
    brick_AcB16a4b = 204,
    brick_Acb4a = 205,
    brick_Acb8a = 206,
    brick_aCBd16b16c = 207,
    brick_aCBd16c16b = 208,
    brick_aCBde16b16c = 209,
    brick_aCBde16c16b = 210,
    brick_Acdb16a = 211,
    brick_AcdB16a2b = 212,
    brick_AcdB16a4b = 213,
    brick_Acdb32a = 214,
    brick_Acdb4a = 215,
    brick_Acdb8a = 216,
    brick_Acdeb16a = 217,
    brick_AcdeB16a2b = 218,
    brick_Acdeb4a = 219,
    brick_Acdeb8a = 220,
    brick_Adcb16a = 221,
    brick_BAc16a16b = 222,
    brick_BAc16b16a = 223,
    brick_BAcd16a16b = 224,
    brick_BAcd16b16a = 225,
    brick_aCBd4c8b8c4b = 226,
    brick_aCBde4c8b8c4b = 227,
    brick_aCBdef4c8b8c4b = 228,
    brick_BAcde16a16b = 229,
    brick_aCBdef16b16c = 230,
    brick_ABc16b32a = 231,
    brick_ABc16b64a = 232,
    brick_ABc4b32a4b = 233,
    brick_ABc4b64a4b = 234,
    brick_ABc8b32a2b = 235,
    brick_ABc8b64a2b = 236,
    brick_AB16b16a = 237,
    brick_AB16b32a = 238,
    brick_AB16b64a = 239,
    brick_AB8b16a2b = 240,
    brick_AB8b32a2b = 241,
    brick_AB8b64a2b = 242,
    brick_AB4b16a4b = 243,
    brick_AB4b32a4b = 244,
    brick_AB4b64a4b = 245,
    brick_AB16b16a4b = 246,
    brick_ABcd16b32a = 247,
    brick_ABcd16b64a = 248,
    brick_ABcd4b32a4b = 249,
    brick_ABcd4b64a4b = 250,
    brick_ABcd8b32a2b = 251,
    brick_ABcd8b64a2b = 252,
    brick_ABcde4b32a4b = 253,
    brick_ABcde4b64a4b = 254,
    brick_ABcde16b16a4b = 255,
    brick_ABcde16b16a2b = 256,
    brick_ABcde16b32a = 257,
    brick_ABcde16b64a = 258,
    brick_ABcde8b32a2b = 259,
    brick_ABcde8b64a2b = 260,
    brick_aBCdef16c16b4c = 261,
    brick_aBCdef16c16b2c = 262,
    brick_AB32a32b8a4b = 263,
    brick_AB8a4b = 264,
    brick_AB32a32b8a2b = 265,
    brick_AB8a2b = 266,
    brick_abDc32d = 267,
    brick_abDC32d4c = 268,
    brick_abdEc32e = 269,
    brick_abdEC32e2c = 270,
    brick_abdEC32e4c = 271,
    brick_aBdefC16b4c = 272,
    brick_AcdeB16a4b = 273,
    brick_ABcd16a16b2a = 274,
    brick_ABc16a16b2a = 275,
    brick_aBCd16b16c2b = 276,
    brick_aBCde16b16c2b = 277,
    brick_Acb32a = 278,
    brick_AcB32a2b = 279,
    brick_AcB32a4b = 280,
    brick_Acb48a = 281,
    brick_AcB48a2b = 282,
    brick_AcB48a4b = 283,
    brick_Acb64a = 284,
    brick_AcB64a2b = 285,
    brick_AcB64a4b = 286,
    brick_cBa2b = 287,
    brick_cBa4b = 288,
    brick_aBdc32b = 289,
    brick_aBdC32b2c = 290,
    brick_aBdC32b4c = 291,
    brick_aBdc48b = 292,
    brick_aBdC48b2c = 293,
    brick_aBdC48b4c = 294,
    brick_aBdc64b = 295,
    brick_aBdC64b2c = 296,
    brick_aBdC64b4c = 297,
    brick_adCb2c = 298,
    brick_adCb4c = 299,
    brick_AcdB32a2b = 300,
    brick_AcdB32a4b = 301,
    brick_Acdb48a = 302,
    brick_AcdB48a2b = 303,
    brick_AcdB48a4b = 304,
    brick_Acdb64a = 305,
    brick_AcdB64a2b = 306,
    brick_AcdB64a4b = 307,
    brick_cdBa2b = 308,
    brick_cdBa4b = 309,
    brick_aBdeC32b2c = 310,
    brick_aBdeC32b4c = 311,
    brick_aBdec48b = 312,
    brick_aBdeC48b2c = 313,
    brick_aBdeC48b4c = 314,
    brick_aBdec64b = 315,
    brick_aBdeC64b2c = 316,
    brick_aBdeC64b4c = 317,
    brick_adeCb2c = 318,
    brick_adeCb4c = 319,
    brick_Acdeb32a = 320,
    brick_AcdeB32a2b = 321,
    brick_AcdeB32a4b = 322,
    brick_Acdeb48a = 323,
    brick_AcdeB48a2b = 324,
    brick_AcdeB48a4b = 325,
    brick_Acdeb64a = 326,
    brick_AcdeB64a2b = 327,
    brick_AcdeB64a4b = 328,
    brick_cdeBa2b = 329,
    brick_cdeBa4b = 330,
    brick_aBdefc32b = 331,
    brick_aBdefC32b2c = 332,
    brick_aBdefC32b4c = 333,
    brick_aBdefc48b = 334,
    brick_aBdefC48b2c = 335,
    brick_aBdefC48b4c = 336,
    brick_aBdefc64b = 337,
    brick_aBdefC64b2c = 338,
    brick_aBdefC64b4c = 339,
    brick_adefCb2c = 340,
    brick_adefCb4c = 341,
    brick_AB16b32a4b = 342,
    brick_AB16b48a4b = 343,
    brick_AB16b64a4b = 344,
    brick_AB16b16a2b = 345,
    brick_AB16b32a2b = 346,
    brick_AB16b48a2b = 347,
    brick_AB16b64a2b = 348,
    brick_ABc16b32a4b = 349,
    brick_ABc16b48a4b = 350,
    brick_ABc16b64a4b = 351,
    brick_ABc16b32a2b = 352,
    brick_ABc16b48a2b = 353,
    brick_ABc16b64a2b = 354,
    brick_ABcd16b32a4b = 355,
    brick_ABcd16b48a4b = 356,
    brick_ABcd16b64a4b = 357,
    brick_ABcd16b32a2b = 358,
    brick_ABcd16b48a2b = 359,
    brick_ABcd16b64a2b = 360,
    brick_ABcde16b32a4b = 361,
    brick_ABcde16b48a4b = 362,
    brick_ABcde16b64a4b = 363,
    brick_ABcde16b32a2b = 364,
    brick_ABcde16b48a2b = 365,
    brick_ABcde16b64a2b = 366,
    brick_ABc32a16b = 367,
    brick_ABcd32a16b = 368,
    brick_ABcde32a16b = 369,
    brick_AB48a16b = 370,
    brick_AB48a32b = 371,
    brick_ABc40a16b = 372,
    brick_ABc40a32b = 373,
    brick_aBC48b16c = 374,
    brick_aBC48b32c = 375,
    brick_ABcd40a16b = 376,
    brick_ABcd40a32b = 377,
    brick_abCd32c = 378,
    brick_abdCe32c = 379,
    brick_abdCE32c2e = 380,
    brick_BA16a16b2a = 381,
    brick_BA16a32b2a = 382,
    brick_BA16a48b2a = 383,
    brick_BA16a64b2a = 384,
    brick_BA16a16b4a = 385,
    brick_BA16a32b4a = 386,
    brick_BA16a48b4a = 387,
    brick_BA16a64b4a = 388,
    brick_ABcd8a2b = 389,
    brick_aBdeC16c16b2c = 390,
    brick_aBdeC16c16b4c = 391,
    brick_aBdefC16c16b2c = 392,
    brick_AcB16b16a2b = 393,
    brick_AcB16b16a4b = 394,
    brick_AcdB16b16a2b = 395,
    brick_AcdB16b16a4b = 396,
    brick_AcdeB16b16a2b = 397,
    brick_aBdefC16c16b4c = 398,
    brick_AcdeB16b16a4b = 399,
    brick_AcB16b32a2b = 400,
    brick_AcB16b32a4b = 401,
    brick_AcB16b48a2b = 402,
    brick_AcB16b48a4b = 403,
    brick_AcB16b64a2b = 404,
    brick_AcB16b64a4b = 405,
    brick_aBdC16c16b2c = 406,
    brick_aBdC16c16b4c = 407,
    brick_aBdC16c32b2c = 408,
    brick_aBdC16c32b4c = 409,
    brick_aBdC16c48b2c = 410,
    brick_aBdC16c48b4c = 411,
    brick_aBdC16c64b2c = 412,
    brick_aBdC16c64b4c = 413,
    brick_AcdB16b32a2b = 414,
    brick_AcdB16b32a4b = 415,
    brick_AcdB16b48a2b = 416,
    brick_AcdB16b48a4b = 417,
    brick_AcdB16b64a2b = 418,
    brick_AcdB16b64a4b = 419,
    brick_aBdeC16c32b2c = 420,
    brick_aBdeC16c32b4c = 421,
    brick_aBdeC16c48b2c = 422,
    brick_aBdeC16c48b4c = 423,
    brick_aBdeC16c64b2c = 424,
    brick_aBdeC16c64b4c = 425,
    brick_AcdeB16b32a2b = 426,
    brick_AcdeB16b32a4b = 427,
    brick_AcdeB16b48a2b = 428,
    brick_AcdeB16b48a4b = 429,
    brick_AcdeB16b64a2b = 430,
    brick_AcdeB16b64a4b = 431,
    brick_aBdefC16c32b2c = 432,
    brick_aBdefC16c32b4c = 433,
    brick_aBdefC16c48b2c = 434,
    brick_aBdefC16c48b4c = 435,
    brick_aBdefC16c64b2c = 436,
    brick_aBdefC16c64b4c = 437,
    brick_decbA16a = 438,
    brick_ABc4a2b = 439,
    brick_ABc8a2b = 440,
    brick_aBCd8b2c = 441,
    brick_ABcde4a2b = 442,
    brick_ABcde8a2b = 443,
    brick_ABcde40a16b = 444,
    brick_ABcde40a32b = 445,
    brick_aBCde8b2c = 446,
    brick_ABcde4a8b8a2b = 447,
    brick_ABcd4a8b8a2b = 448,
    brick_ABc4a8b8a2b = 449,
    brick_aBCdef4b8c8b2c = 450,
    brick_aBCde4b8c8b2c = 451,
    brick_aBCd4b8c8b2c = 452,
    brick_BAcde4b8a8b2a = 453,
    brick_BAcd4b8a8b2a = 454,
    brick_BAc4b8a8b2a = 455,
    brick_aCBdef4c8b8c2b = 456,
    brick_aCBde4c8b8c2b = 457,
    brick_aCBd4c8b8c2b = 458,
    brick_aBCdef8b2c = 459,
    brick_AB32a16b = 460,
    brick_AB32a32b = 461,
    brick_BA4b8a8b2a = 462,
    brick_BA4b8a8b4a = 463,
    brick_aBC32b16c = 464,
    brick_aBC32b32c = 465,
    brick_aCB4c8b8c2b = 466,
    brick_aCB4c8b8c4b = 467,
    brick_ABcd4a2b = 468,
    brick_ABc2b8a16b4a = 469,
    brick_ABcd2b8a16b4a = 470,
    brick_ABcde2b8a16b4a = 471,
    brick_ABc2a8b16a4b = 472,
    brick_ABc2a8b16a2b = 473,
    brick_ABc2b32a8b = 474,
    brick_ABcd2a8b16a4b = 475,
    brick_ABcd2a8b16a2b = 476,
    brick_aCBd2c8b16c2b = 477,
    brick_ABcd2b32a8b = 478,
    brick_aBCd2c8b16c2b = 479,
    brick_ABcde2a8b16a4b = 480,
    brick_ABcde2a8b16a2b = 481,
    brick_aCBde2c8b16c2b = 482,
    brick_ABcde2b32a8b = 483,
    brick_aBC2b8c16b2c = 484,
    brick_aBCd2b8c16b2c = 485,
    brick_aBCde2b8c16b2c = 486,
    brick_aBCdef2b8c16b2c = 487,
    brick_BAcde2b8a16b4a = 488,
    brick_BAcd2b8a16b4a = 489,
    brick_BAc2b8a16b4a = 490,
    brick_BAcde2b8a16b2a = 491,
    brick_BAcd2b8a16b2a = 492,
    brick_BAc2b8a16b2a = 493,
    brick_aBCde2c8b16c2b = 494,
    brick_aBCdef2c8b16c2b = 495,
    brick_aCBdef2c8b16c2b = 496,
    brick_aBCd2b8c16b4c = 497,
    brick_aBCde2b8c16b4c = 498,
    brick_BA4b8a16b2a = 499,
    brick_BA4b8a16b4a = 500,
    brick_aCB4c8b16c2b = 501,
    brick_aCB4c8b16c4b = 502,
    brick_BA16a16b = 503,
    brick_BA16a32b = 504,
    brick_BA16a48b = 505,
    brick_BA16a64b = 506,
    brick_aCB16c2b = 507,
    brick_aCB16c4b = 508,
    brick_BA16b2a = 509,
    brick_BA16b4a = 510,
    brick_aBC16b16c = 511,
    brick_aBC16b32c = 512,
    brick_AB16a16b = 513,
    brick_AB16a32b = 514,
    brick_ABcde16a16b2a = 515,
    brick_aBCdef16b16c2b = 516,
    brick_Acedb16a = 517,
    brick_aBdfec16b = 518,
    brick_abdEC64e2c = 519,
    brick_abdEC64e4c = 520,
    brick_aCB16b16c = 521,
    brick_aCB16b32c = 522,
    brick_aCB16b48c = 523,
    brick_aCB16b64c = 524,
    brick_aCB16b16c2b = 525,
    brick_aCB16b32c2b = 526,
    brick_aCB16b48c2b = 527,
    brick_aCB16b64c2b = 528,
    brick_aCB16b16c4b = 529,
    brick_aCB16b32c4b = 530,
    brick_aCB16b48c4b = 531,
    brick_aCB16b64c4b = 532,
    brick_abCd4c = 533,
    brick_abCde4c = 534,
    brick_abCdef4c = 535,
    brick_abCde32c = 536,
    brick_abCdef32c = 537,
    brick_ABcd16a32b = 538,
    brick_decbA8a = 539,
    brick_aCdefB16b32c2b = 540,
    brick_aCdefB16b32c4b = 541,
    brick_aCdefB16b48c2b = 542,
    brick_aCdefB16b48c4b = 543,
    brick_aCdefB16b64c2b = 544,
    brick_aCdefB16b64c4b = 545,
    brick_BcdeA16a32b2a = 546,
    brick_BcdeA16a32b4a = 547,
    brick_BcdeA16a48b2a = 548,
    brick_BcdeA16a48b4a = 549,
    brick_BcdeA16a64b2a = 550,
    brick_BcdeA16a64b4a = 551,
    brick_aCdefb32c = 552,
    brick_aCdefB32c2b = 553,
    brick_aCdefB32c4b = 554,
    brick_aCdefb48c = 555,
    brick_aCdefB48c2b = 556,
    brick_aCdefB48c4b = 557,
    brick_aCdefb64c = 558,
    brick_aCdefB64c2b = 559,
    brick_aCdefB64c4b = 560,
    brick_Bcdea32b = 561,
    brick_BcdeA32b2a = 562,
    brick_BcdeA32b4a = 563,
    brick_Bcdea48b = 564,
    brick_BcdeA48b2a = 565,
    brick_BcdeA48b4a = 566,
    brick_Bcdea64b = 567,
    brick_BcdeA64b2a = 568,
    brick_BcdeA64b4a = 569,
    brick_Bca32b = 570,
    brick_BcA32b2a = 571,
    brick_BcA32b4a = 572,
    brick_Bca48b = 573,
    brick_BcA48b2a = 574,
    brick_BcA48b4a = 575,
    brick_Bca64b = 576,
    brick_BcA64b2a = 577,
    brick_BcA64b4a = 578,
    brick_aCdb32c = 579,
    brick_aCdB32c2b = 580,
    brick_aCdB32c4b = 581,
    brick_aCdb48c = 582,
    brick_aCdB48c2b = 583,
    brick_aCdB48c4b = 584,
    brick_aCdb64c = 585,
    brick_aCdB64c2b = 586,
    brick_aCdB64c4b = 587,
    brick_BcA16a16b2a = 588,
    brick_BcA16a16b4a = 589,
    brick_BcdA16a16b2a = 590,
    brick_BcdA16a16b4a = 591,
    brick_BcdeA16a16b2a = 592,
    brick_BcdeA16a16b4a = 593,
    brick_aCdB16b16c2b = 594,
    brick_aCdB16b16c4b = 595,
    brick_aCdeB16b16c2b = 596,
    brick_aCdeB16b16c4b = 597,
    brick_aCdefB16b16c2b = 598,
    brick_aCdefB16b16c4b = 599,
    brick_BcA16a32b2a = 600,
    brick_BcA16a32b4a = 601,
    brick_BcA16a48b2a = 602,
    brick_BcA16a48b4a = 603,
    brick_BcA16a64b2a = 604,
    brick_BcA16a64b4a = 605,
    brick_aCdB16b32c2b = 606,
    brick_aCdB16b32c4b = 607,
    brick_aCdB16b48c2b = 608,
    brick_aCdB16b48c4b = 609,
    brick_aCdB16b64c2b = 610,
    brick_aCdB16b64c4b = 611,
    brick_BcdA16a32b2a = 612,
    brick_BcdA16a32b4a = 613,
    brick_BcdA16a48b2a = 614,
    brick_BcdA16a48b4a = 615,
    brick_BcdA16a64b2a = 616,
    brick_BcdA16a64b4a = 617,
    brick_aCdeB16b32c2b = 618,
    brick_aCdeB16b32c4b = 619,
    brick_aCdeB16b48c2b = 620,
    brick_aCdeB16b48c4b = 621,
    brick_aCdeB16b64c2b = 622,
    brick_aCdeB16b64c4b = 623,
    brick_Bca16b = 624,
    brick_BcA16b2a = 625,
    brick_BcA16b4a = 626,
    brick_Bcda16b = 627,
    brick_BcdA16b2a = 628,
    brick_BcdA16b4a = 629,
    brick_Bcdea16b = 630,
    brick_BcdeA16b2a = 631,
    brick_BcdeA16b4a = 632,
    brick_aCdb16c = 633,
    brick_aCdB16c2b = 634,
    brick_aCdB16c4b = 635,
    brick_aCdeb16c = 636,
    brick_aCdeB16c2b = 637,
    brick_aCdeB16c4b = 638,
    brick_aCdefb16c = 639,
    brick_aCdefB16c2b = 640,
    brick_aCdefB16c4b = 641,
    brick_Bcda32b = 642,
    brick_BcdA32b2a = 643,
    brick_BcdA32b4a = 644,
    brick_Bcda48b = 645,
    brick_BcdA48b2a = 646,
    brick_BcdA48b4a = 647,
    brick_Bcda64b = 648,
    brick_BcdA64b2a = 649,
    brick_BcdA64b4a = 650,
    brick_aCdeb32c = 651,
    brick_aCdeB32c2b = 652,
    brick_aCdeB32c4b = 653,
    brick_aCdeb48c = 654,
    brick_aCdeB48c2b = 655,
    brick_aCdeB48c4b = 656,
    brick_aCdeb64c = 657,
    brick_aCdeB64c2b = 658,
    brick_aCdeB64c4b = 659,
    brick_Acb24a = 660,
    brick_Acdb24a = 661,
    brick_Acdeb24a = 662,
    brick_aBdc24b = 663,
    brick_aBdec24b = 664,
    brick_aBdefc24b = 665,
    brick_abDc16d = 666,
    brick_abdEc16e = 667,
    brick_abdCe16c = 668,
    brick_AcB24a2b = 669,
    brick_AcdB24a2b = 670,
    brick_AcdeB24a2b = 671,
    brick_aBdC24b2c = 672,
    brick_aBdeC24b2c = 673,
    brick_aBdefC24b2c = 674,
    brick_AcB8a2b = 675,
    brick_AcdB8a2b = 676,
    brick_AcdeB8a2b = 677,
    brick_aBdC8b2c = 678,
    brick_aBdeC8b2c = 679,
    brick_aBdefC8b2c = 680,
    brick_AB8b32a = 681,
    brick_ABc8b32a = 682,
    brick_ABcd8b32a = 683,
    brick_ABcde8b32a = 684,
    brick_AB8b24a = 685,
    brick_ABc8b24a = 686,
    brick_ABcd8b24a = 687,
    brick_ABcde8b24a = 688,
    brick_AB8b16a = 689,
    brick_ABc8b16a = 690,
    brick_ABcd8b16a = 691,
    brick_ABcde8b16a = 692,
    brick_AB8b8a = 693,
    brick_AB4b8a4b = 694,
    brick_AB4b24a4b = 695,
    brick_ABc4b8a4b = 696,
    brick_ABc4b24a4b = 697,
    brick_ABcd4b8a4b = 698,
    brick_ABcd4b24a4b = 699,
    brick_ABcde4b8a4b = 700,
    brick_ABcde4b24a4b = 701,
    brick_AB8b24a2b = 702,
    brick_ABc8b24a2b = 703,
    brick_ABcd8b24a2b = 704,
    brick_ABcde8b24a2b = 705,
    brick_AB8b8a2b = 706,
    brick_ABc8b8a2b = 707,
    brick_ABcd8b8a2b = 708,
    brick_ABcde8b8a2b = 709,
    brick_AcB24a4b = 710,
    brick_AcdB24a4b = 711,
    brick_AcdeB24a4b = 712,
    brick_aBdC24b4c = 713,
    brick_aBdeC24b4c = 714,
    brick_aBdefC24b4c = 715,
    brick_AcB8a4b = 716,
    brick_AcdB8a4b = 717,
    brick_AcdeB8a4b = 718,
    brick_aBdC8b4c = 719,
    brick_aBdeC8b4c = 720,
    brick_aBdefC8b4c = 721,
    brick_Bca8b = 722,
    brick_BcA8b2a = 723,
    brick_Bcda8b = 724,
    brick_BcdA8b2a = 725,
    brick_Bcdea8b = 726,
    brick_BcdeA8b2a = 727,
    brick_aCdb8c = 728,
    brick_aCdB8c2b = 729,
    brick_aCdeb8c = 730,
    brick_aCdeB8c2b = 731,
    brick_aCdefb8c = 732,
    brick_aCdefB8c2b = 733,
    brick_Bca24b = 734,
    brick_BcA24b2a = 735,
    brick_Bcda24b = 736,
    brick_BcdA24b2a = 737,
    brick_Bcdea24b = 738,
    brick_BcdeA24b2a = 739,
    brick_aCdb24c = 740,
    brick_aCdB24c2b = 741,
    brick_aCdeb24c = 742,
    brick_aCdeB24c2b = 743,
    brick_aCdefb24c = 744,
    brick_aCdefB24c2b = 745,
    brick_BcA8b4a = 746,
    brick_BcdA8b4a = 747,
    brick_BcdeA8b4a = 748,
    brick_aCdB8c4b = 749,
    brick_aCdeB8c4b = 750,
    brick_aCdefB8c4b = 751,
    brick_BcA24b4a = 752,
    brick_BcdA24b4a = 753,
    brick_BcdeA24b4a = 754,
    brick_aCdB24c4b = 755,
    brick_aCdeB24c4b = 756,
    brick_aCdefB24c4b = 757,
    brick_AB16b48a = 758,
    brick_ABc16b48a = 759,
    brick_ABcd16b48a = 760,
    brick_ABcde16b48a = 761,
    brick_ABc16a4b = 762,
    brick_ABcd16a4b = 763,
    brick_ABcde16a4b = 764,
    brick_defcbA16a = 765,
    brick_defcbA8a = 766,
    brick_AcB16b64a = 767,
    brick_AcdB16b64a = 768,
    brick_AcdeB16b64a = 769,
    brick_AcB16b48a = 770,
    brick_AcdB16b48a = 771,
    brick_AcdeB16b48a = 772,
    brick_AcB16b32a = 773,
    brick_AcdB16b32a = 774,
    brick_AcdeB16b32a = 775,
    brick_AcB16b16a = 776,
    brick_AcdB16b16a = 777,
    brick_AcdeB16b16a = 778,
    brick_AcB8b32a = 779,
    brick_AcdB8b32a = 780,
    brick_AcdeB8b32a = 781,
    brick_AcB8b24a = 782,
    brick_AcdB8b24a = 783,
    brick_AcdeB8b24a = 784,
    brick_AcB8b16a = 785,
    brick_AcdB8b16a = 786,
    brick_AcdeB8b16a = 787,
    brick_AcB8b8a = 788,
    brick_AcdB8b8a = 789,
    brick_AcdeB8b8a = 790,
    brick_AcB8b64a2b = 791,
    brick_AcdB8b64a2b = 792,
    brick_AcdeB8b64a2b = 793,
    brick_AcB8b32a2b = 794,
    brick_AcdB8b32a2b = 795,
    brick_AcdeB8b32a2b = 796,
    brick_AcB8b24a2b = 797,
    brick_AcdB8b24a2b = 798,
    brick_AcdeB8b24a2b = 799,
    brick_AcB8b16a2b = 800,
    brick_AcdB8b16a2b = 801,
    brick_AcdeB8b16a2b = 802,
    brick_AcB8b8a2b = 803,
    brick_AcdB8b8a2b = 804,
    brick_AcdeB8b8a2b = 805,
    brick_AcB4b64a4b = 806,
    brick_AcdB4b64a4b = 807,
    brick_AcdeB4b64a4b = 808,
    brick_AcB4b32a4b = 809,
    brick_AcdB4b32a4b = 810,
    brick_AcdeB4b32a4b = 811,
    brick_AcB4b24a4b = 812,
    brick_AcdB4b24a4b = 813,
    brick_AcdeB4b24a4b = 814,
    brick_AcB4b16a4b = 815,
    brick_AcdB4b16a4b = 816,
    brick_AcdeB4b16a4b = 817,
    brick_AcB4b8a4b = 818,
    brick_AcdB4b8a4b = 819,
    brick_AcdeB4b8a4b = 820,
    brick_Ab4a = 821,
    brick_Ab8a = 822,
    brick_BA4b4a = 823,
    brick_BA8b4a = 824,
    brick_BA2a24b = 825,
    brick_aCB2b24c = 826,
    brick_BA2a8b = 827,
    brick_aCB2b8c = 828,
    brick_BA8a24b = 829,
    brick_aCB8b24c = 830,
    brick_BA8a16b = 831,
    brick_aCB8b16c = 832,
    brick_BA8a8b = 833,
    brick_aCB8b8c = 834,
    brick_bcad = 835,
    brick_cabd = 836,
    brick_dabc = 837,
    brick_Ab32a = 838,
    brick_aCBd8b8c = 839,
    brick_aCBde8b8c = 840,
    brick_BAc8a8b = 841,
    brick_BAcd8a8b = 842,
    brick_BAcde8a8b = 843,
    brick_aCBdef8b8c = 844,
    brick_abdEC16e4c = 845,
    brick_abDC16d4c = 846,
    brick_BA24b8a = 847,
    brick_aCB24c8b = 848,
    brick_abDC24d8c = 849,
    brick_decbA4a = 850,
    brick_defcbA4a = 851,
    brick_abDC8d8c = 852,
    brick_abDC16d8c = 853,
    brick_aCB8c8b = 854,
    brick_aCB16c8b = 855,
    brick_BA8b8a = 856,
    brick_BA16b8a = 857,
    brick_AB2a4b = 858,
    brick_aCBd4b4c = 859,
    brick_aCBde4b4c = 860,
    brick_aCBdef4b4c = 861,
    brick_BAc4a4b = 862,
    brick_BAcd4a4b = 863,
    brick_BAcde4a4b = 864,
    brick_BA12b8a = 865,
    brick_aCB12c8b = 866,
    brick_abDC12d8c = 867,
    brick_BA4b8a = 868,
    brick_aCB4c8b = 869,
    brick_abDC4d8c = 870,
    brick_Abc8a = 871,
    brick_Abc32a = 872,
    brick_aBcdef8b = 873,
    brick_aBcdef32b = 874,
    brick_format_tag_last = 875,

    brick_x = brick_a,
    brick_nc = brick_ab,
    brick_cn = brick_ba,
    brick_tn = brick_ab,
    brick_nt = brick_ba,
    brick_ncw = brick_abc,
    brick_nwc = brick_acb,
    brick_nchw = brick_abcd,
    brick_nhwc = brick_acdb,
    brick_chwn = brick_bcda,
    brick_ncdhw = brick_abcde,
    brick_ndhwc = brick_acdeb,
    brick_oi = brick_ab,
    brick_io = brick_ba,
    brick_oiw = brick_abc,
    brick_owi = brick_acb,
    brick_wio = brick_cba,
    brick_woi = brick_cab,
    brick_iwo = brick_bca,
    brick_oihw = brick_abcd,
    brick_hwio = brick_cdba,
    brick_hwoi = brick_cdab,
    brick_ohwi = brick_acdb,
    brick_ihwo = brick_bcda,
    brick_iohw = brick_bacd,
    brick_oidhw = brick_abcde,
    brick_iodhw = brick_bacde,
    brick_dhwio = brick_cdeba,
    brick_dhwoi = brick_cdeab,
    brick_odhwi = brick_acdeb,
    brick_idhwo = brick_bcdea,
    brick_goiw = brick_abcd,
    brick_gowi = brick_abdc,
    brick_wigo = brick_dcab,
    brick_goihw = brick_abcde,
    brick_gohwi = brick_abdec,
    brick_hwigo = brick_decab,
    brick_giohw = brick_acbde,
    brick_goidhw = brick_abcdef,
    brick_godhwi = brick_abdefc,
    brick_giodhw = brick_acbdef,
    brick_dhwigo = brick_defcab,
    brick_tnc = brick_abc,
    brick_ntc = brick_bac,
    brick_ldnc = brick_abcd,
    brick_ldigo = brick_abcde,
    brick_ldgoi = brick_abdec,
    brick_ldio = brick_abcd,
    brick_ldoi = brick_abdc,
    brick_ldgo = brick_abcd,
    brick_ldOi16o = brick_abDc16d,
    brick_ldOi32o = brick_abDc32d,
    brick_ldOI16o4i = brick_abDC16d4c,
    brick_ldOI32o4i = brick_abDC32d4c,
    brick_ldIo32i = brick_abCd32c,
    brick_ldgOi16o = brick_abdEc16e,
    brick_ldgOI16o4i = brick_abdEC16e4c,
    brick_ldgOi32o = brick_abdEc32e,
    brick_ldgOI32o2i = brick_abdEC32e2c,
    brick_ldgOI32o4i = brick_abdEC32e4c,
    brick_ldgOI64o2i = brick_abdEC64e2c,
    brick_ldgOI64o4i = brick_abdEC64e4c,
    brick_ldgIo16i = brick_abdCe16c,
    brick_ldgIo32i = brick_abdCe32c,
    brick_ldgIO32i2o = brick_abdCE32c2e,
    brick_nCdhw32c = brick_aBcde32b,
    brick_nCdhw16c = brick_aBcde16b,
    brick_nCdhw4c = brick_aBcde4b,
    brick_nCdhw8c = brick_aBcde8b,
    brick_nChw32c = brick_aBcd32b,
    brick_nChw16c = brick_aBcd16b,
    brick_nChw4c = brick_aBcd4b,
    brick_nChw8c = brick_aBcd8b,
    brick_nCw32c = brick_aBc32b,
    brick_nCw16c = brick_aBc16b,
    brick_nCw4c = brick_aBc4b,
    brick_nCw8c = brick_aBc8b,
    brick_NCw16n16c = brick_ABc16a16b,
    brick_NCdhw16n16c = brick_ABcde16a16b,
    brick_NChw16n16c = brick_ABcd16a16b,
    brick_NCw32n16c = brick_ABc32a16b,
    brick_NChw32n16c = brick_ABcd32a16b,
    brick_NChw16n32c = brick_ABcd16a32b,
    brick_NCdhw32n16c = brick_ABcde32a16b,
    brick_NCw32n32c = brick_ABc32a32b,
    brick_NChw32n32c = brick_ABcd32a32b,
    brick_NCdhw32n32c = brick_ABcde32a32b,
    brick_OI16i16o = brick_AB16b16a,
    brick_OI16i32o = brick_AB16b32a,
    brick_OI16i48o = brick_AB16b48a,
    brick_OI16i64o = brick_AB16b64a,
    brick_OI8i8o2i = brick_AB8b8a2b,
    brick_OI8i16o2i = brick_AB8b16a2b,
    brick_OI8i24o2i = brick_AB8b24a2b,
    brick_OI8i32o2i = brick_AB8b32a2b,
    brick_OI8i64o2i = brick_AB8b64a2b,
    brick_OI4i8o4i = brick_AB4b8a4b,
    brick_OI4i16o4i = brick_AB4b16a4b,
    brick_OI4i24o4i = brick_AB4b24a4b,
    brick_OI4i32o4i = brick_AB4b32a4b,
    brick_OI4i64o4i = brick_AB4b64a4b,
    brick_OI16i16o4i = brick_AB16b16a4b,
    brick_OI8i32o = brick_AB8b32a,
    brick_OI8i24o = brick_AB8b24a,
    brick_OI8i16o = brick_AB8b16a,
    brick_OI8i8o = brick_AB8b8a,
    brick_IOw4o4i = brick_BAc4a4b,
    brick_IOw8o8i = brick_BAc8a8b,
    brick_IOw16o16i = brick_BAc16a16b,
    brick_IOw16i16o = brick_BAc16b16a,
    brick_OIw16i16o = brick_ABc16b16a,
    brick_OwI16i16o = brick_AcB16b16a,
    brick_OIw16i32o = brick_ABc16b32a,
    brick_OwI16i32o = brick_AcB16b32a,
    brick_OIw16i48o = brick_ABc16b48a,
    brick_OwI16i48o = brick_AcB16b48a,
    brick_OIw16i64o = brick_ABc16b64a,
    brick_OwI16i64o = brick_AcB16b64a,
    brick_OIw16o16i = brick_ABc16a16b,
    brick_Oiw16o = brick_Abc16a,
    brick_Oiw32o = brick_Abc32a,
    brick_OIw4i8o4i = brick_ABc4b8a4b,
    brick_OwI4i8o4i = brick_AcB4b8a4b,
    brick_OIw4i16o4i = brick_ABc4b16a4b,
    brick_OwI4i16o4i = brick_AcB4b16a4b,
    brick_OIw4i24o4i = brick_ABc4b24a4b,
    brick_OwI4i24o4i = brick_AcB4b24a4b,
    brick_OIw4i32o4i = brick_ABc4b32a4b,
    brick_OwI4i32o4i = brick_AcB4b32a4b,
    brick_OIw4i64o4i = brick_ABc4b64a4b,
    brick_OwI4i64o4i = brick_AcB4b64a4b,
    brick_OIw2i8o4i = brick_ABc2b8a4b,
    brick_OIw16i16o4i = brick_ABc16b16a4b,
    brick_OIw16i16o2i = brick_ABc16b16a2b,
    brick_OIw16o16i2o = brick_ABc16a16b2a,
    brick_OIw4i4o = brick_ABc4b4a,
    brick_OIw4o4i = brick_ABc4a4b,
    brick_Oiw4o = brick_Abc4a,
    brick_Oiw8o = brick_Abc8a,
    brick_OIw8i8o2i = brick_ABc8b8a2b,
    brick_OwI8i8o2i = brick_AcB8b8a2b,
    brick_OIw8i16o2i = brick_ABc8b16a2b,
    brick_OwI8i16o2i = brick_AcB8b16a2b,
    brick_OIw8i24o2i = brick_ABc8b24a2b,
    brick_OwI8i24o2i = brick_AcB8b24a2b,
    brick_OIw8i32o2i = brick_ABc8b32a2b,
    brick_OwI8i32o2i = brick_AcB8b32a2b,
    brick_OIw8i64o2i = brick_ABc8b64a2b,
    brick_OwI8i64o2i = brick_AcB8b64a2b,
    brick_OIw8i8o = brick_ABc8b8a,
    brick_OwI8i8o = brick_AcB8b8a,
    brick_OIw8o16i2o = brick_ABc8a16b2a,
    brick_IOw8o16i2o = brick_BAc8a16b2a,
    brick_OIw8o8i = brick_ABc8a8b,
    brick_OIw8o4i = brick_ABc8a4b,
    brick_Owi16o = brick_Acb16a,
    brick_OwI16o2i = brick_AcB16a2b,
    brick_OwI16o4i = brick_AcB16a4b,
    brick_Iwo8i = brick_Bca8b,
    brick_IwO8i2o = brick_BcA8b2a,
    brick_IwO8i4o = brick_BcA8b4a,
    brick_Iwo16i = brick_Bca16b,
    brick_IwO16i2o = brick_BcA16b2a,
    brick_IwO16i4o = brick_BcA16b4a,
    brick_Iwo24i = brick_Bca24b,
    brick_IwO24i2o = brick_BcA24b2a,
    brick_IwO24i4o = brick_BcA24b4a,
    brick_Owi4o = brick_Acb4a,
    brick_Owi8o = brick_Acb8a,
    brick_OwI8o2i = brick_AcB8a2b,
    brick_OIw8i32o = brick_ABc8b32a,
    brick_OwI8i32o = brick_AcB8b32a,
    brick_OIw8i24o = brick_ABc8b24a,
    brick_OwI8i24o = brick_AcB8b24a,
    brick_OIw8i16o = brick_ABc8b16a,
    brick_OwI8i16o = brick_AcB8b16a,
    brick_OwI8o4i = brick_AcB8a4b,
    brick_IOhw16i16o = brick_BAcd16b16a,
    brick_IOhw4o4i = brick_BAcd4a4b,
    brick_IOhw8o8i = brick_BAcd8a8b,
    brick_IOhw16o16i = brick_BAcd16a16b,
    brick_Ohwi16o = brick_Acdb16a,
    brick_OhwI16o2i = brick_AcdB16a2b,
    brick_OhwI16o4i = brick_AcdB16a4b,
    brick_Ihwo8i = brick_Bcda8b,
    brick_IhwO8i2o = brick_BcdA8b2a,
    brick_IhwO8i4o = brick_BcdA8b4a,
    brick_Ihwo16i = brick_Bcda16b,
    brick_IhwO16i2o = brick_BcdA16b2a,
    brick_IhwO16i4o = brick_BcdA16b4a,
    brick_Ihwo24i = brick_Bcda24b,
    brick_IhwO24i2o = brick_BcdA24b2a,
    brick_IhwO24i4o = brick_BcdA24b4a,
    brick_Ohwi24o = brick_Acdb24a,
    brick_Ohwi32o = brick_Acdb32a,
    brick_Ohwi4o = brick_Acdb4a,
    brick_Ohwi8o = brick_Acdb8a,
    brick_OhwI8o2i = brick_AcdB8a2b,
    brick_OhwI8o4i = brick_AcdB8a4b,
    brick_OIhw16i16o = brick_ABcd16b16a,
    brick_OhwI16i16o = brick_AcdB16b16a,
    brick_OIhw16i32o = brick_ABcd16b32a,
    brick_OhwI16i32o = brick_AcdB16b32a,
    brick_OIhw16i48o = brick_ABcd16b48a,
    brick_OhwI16i48o = brick_AcdB16b48a,
    brick_OIhw16i64o = brick_ABcd16b64a,
    brick_OhwI16i64o = brick_AcdB16b64a,
    brick_OIhw16o16i = brick_ABcd16a16b,
    brick_Oihw16o = brick_Abcd16a,
    brick_Oihw32o = brick_Abcd32a,
    brick_OIhw4i8o4i = brick_ABcd4b8a4b,
    brick_OhwI4i8o4i = brick_AcdB4b8a4b,
    brick_OIhw4i16o4i = brick_ABcd4b16a4b,
    brick_OhwI4i16o4i = brick_AcdB4b16a4b,
    brick_OIhw4i24o4i = brick_ABcd4b24a4b,
    brick_OhwI4i24o4i = brick_AcdB4b24a4b,
    brick_OIhw4i32o4i = brick_ABcd4b32a4b,
    brick_OhwI4i32o4i = brick_AcdB4b32a4b,
    brick_OIhw4i64o4i = brick_ABcd4b64a4b,
    brick_OhwI4i64o4i = brick_AcdB4b64a4b,
    brick_OIhw16i16o4i = brick_ABcd16b16a4b,
    brick_OIhw16i16o2i = brick_ABcd16b16a2b,
    brick_OIhw16o16i2o = brick_ABcd16a16b2a,
    brick_OIhw4i4o = brick_ABcd4b4a,
    brick_OIhw4o4i = brick_ABcd4a4b,
    brick_Oihw4o = brick_Abcd4a,
    brick_Oihw8o = brick_Abcd8a,
    brick_OIhw8i8o2i = brick_ABcd8b8a2b,
    brick_OhwI8i8o2i = brick_AcdB8b8a2b,
    brick_OIhw8i16o2i = brick_ABcd8b16a2b,
    brick_OhwI8i16o2i = brick_AcdB8b16a2b,
    brick_OIhw8i32o2i = brick_ABcd8b32a2b,
    brick_OhwI8i32o2i = brick_AcdB8b32a2b,
    brick_OIhw8i24o2i = brick_ABcd8b24a2b,
    brick_OhwI8i24o2i = brick_AcdB8b24a2b,
    brick_OIhw8i64o2i = brick_ABcd8b64a2b,
    brick_OhwI8i64o2i = brick_AcdB8b64a2b,
    brick_OIhw8i8o = brick_ABcd8b8a,
    brick_OhwI8i8o = brick_AcdB8b8a,
    brick_OIhw8o16i2o = brick_ABcd8a16b2a,
    brick_OIhw2i8o4i = brick_ABcd2b8a4b,
    brick_IOhw8o16i2o = brick_BAcd8a16b2a,
    brick_OIhw8o8i = brick_ABcd8a8b,
    brick_OIhw8o4i = brick_ABcd8a4b,
    brick_Owhi16o = brick_Adcb16a,
    brick_OIhw8i32o = brick_ABcd8b32a,
    brick_OhwI8i32o = brick_AcdB8b32a,
    brick_OIhw8i24o = brick_ABcd8b24a,
    brick_OhwI8i24o = brick_AcdB8b24a,
    brick_OIhw8i16o = brick_ABcd8b16a,
    brick_OhwI8i16o = brick_AcdB8b16a,
    brick_Odhwi16o = brick_Acdeb16a,
    brick_OdhwI16o2i = brick_AcdeB16a2b,
    brick_OdhwI16o4i = brick_AcdeB16a4b,
    brick_Idhwo8i = brick_Bcdea8b,
    brick_IdhwO8i2o = brick_BcdeA8b2a,
    brick_IdhwO8i4o = brick_BcdeA8b4a,
    brick_Idhwo16i = brick_Bcdea16b,
    brick_IdhwO16i2o = brick_BcdeA16b2a,
    brick_IdhwO16i4o = brick_BcdeA16b4a,
    brick_Idhwo24i = brick_Bcdea24b,
    brick_IdhwO24i2o = brick_BcdeA24b2a,
    brick_IdhwO24i4o = brick_BcdeA24b4a,
    brick_Odhwi4o = brick_Acdeb4a,
    brick_Odhwi8o = brick_Acdeb8a,
    brick_OdhwI8o2i = brick_AcdeB8a2b,
    brick_OdhwI8o4i = brick_AcdeB8a4b,
    brick_Odwhi16o = brick_Acedb16a,
    brick_OIdhw16i16o = brick_ABcde16b16a,
    brick_OdhwI16i16o = brick_AcdeB16b16a,
    brick_OIdhw16i32o = brick_ABcde16b32a,
    brick_OdhwI16i32o = brick_AcdeB16b32a,
    brick_OIdhw16i48o = brick_ABcde16b48a,
    brick_OdhwI16i48o = brick_AcdeB16b48a,
    brick_OIdhw16i64o = brick_ABcde16b64a,
    brick_OdhwI16i64o = brick_AcdeB16b64a,
    brick_OIdhw16o16i = brick_ABcde16a16b,
    brick_Oidhw16o = brick_Abcde16a,
    brick_Oidhw32o = brick_Abcde32a,
    brick_OIdhw4i4o = brick_ABcde4b4a,
    brick_OIdhw4o4i = brick_ABcde4a4b,
    brick_Oidhw4o = brick_Abcde4a,
    brick_Oidhw8o = brick_Abcde8a,
    brick_OIdhw8i8o2i = brick_ABcde8b8a2b,
    brick_OdhwI8i8o2i = brick_AcdeB8b8a2b,
    brick_OIdhw8i16o2i = brick_ABcde8b16a2b,
    brick_OdhwI8i16o2i = brick_AcdeB8b16a2b,
    brick_OIdhw8i32o2i = brick_ABcde8b32a2b,
    brick_OdhwI8i32o2i = brick_AcdeB8b32a2b,
    brick_OIdhw8i24o2i = brick_ABcde8b24a2b,
    brick_OdhwI8i24o2i = brick_AcdeB8b24a2b,
    brick_OIdhw8i64o2i = brick_ABcde8b64a2b,
    brick_OdhwI8i64o2i = brick_AcdeB8b64a2b,
    brick_OIdhw8i8o = brick_ABcde8b8a,
    brick_OdhwI8i8o = brick_AcdeB8b8a,
    brick_OIdhw8o16i2o = brick_ABcde8a16b2a,
    brick_IOdhw8o16i2o = brick_BAcde8a16b2a,
    brick_OIdhw4i8o4i = brick_ABcde4b8a4b,
    brick_OdhwI4i8o4i = brick_AcdeB4b8a4b,
    brick_OIdhw4i16o4i = brick_ABcde4b16a4b,
    brick_OdhwI4i16o4i = brick_AcdeB4b16a4b,
    brick_OIdhw4i24o4i = brick_ABcde4b24a4b,
    brick_OdhwI4i24o4i = brick_AcdeB4b24a4b,
    brick_OIdhw4i32o4i = brick_ABcde4b32a4b,
    brick_OdhwI4i32o4i = brick_AcdeB4b32a4b,
    brick_OIdhw4i64o4i = brick_ABcde4b64a4b,
    brick_OdhwI4i64o4i = brick_AcdeB4b64a4b,
    brick_OIdhw16i16o4i = brick_ABcde16b16a4b,
    brick_OIdhw16i16o2i = brick_ABcde16b16a2b,
    brick_OIdhw2i8o4i = brick_ABcde2b8a4b,
    brick_OIdhw8o8i = brick_ABcde8a8b,
    brick_OIdhw8o4i = brick_ABcde8a4b,
    brick_IOdhw16i16o = brick_BAcde16b16a,
    brick_OIdhw4o8i8o4i = brick_ABcde4a8b8a4b,
    brick_IOdhw4o4i = brick_BAcde4a4b,
    brick_IOdhw8o8i = brick_BAcde8a8b,
    brick_IOdhw16o16i = brick_BAcde16a16b,
    brick_OIdhw16o16i2o = brick_ABcde16a16b2a,
    brick_OIdhw8i32o = brick_ABcde8b32a,
    brick_OdhwI8i32o = brick_AcdeB8b32a,
    brick_OIdhw8i24o = brick_ABcde8b24a,
    brick_OdhwI8i24o = brick_AcdeB8b24a,
    brick_OIdhw8i16o = brick_ABcde8b16a,
    brick_OdhwI8i16o = brick_AcdeB8b16a,
    brick_Goiw16g = brick_Abcd16a,
    brick_Goiw8g = brick_Abcd8a,
    brick_Goiw4g = brick_Abcd4a,
    brick_gIOw4o4i = brick_aCBd4b4c,
    brick_gIOw8o8i = brick_aCBd8b8c,
    brick_gIOw16o16i = brick_aCBd16b16c,
    brick_gIOw16i16o = brick_aCBd16c16b,
    brick_gOIw16i16o = brick_aBCd16c16b,
    brick_gOIw16o16i = brick_aBCd16b16c,
    brick_gOiw16o = brick_aBcd16b,
    brick_gOiw32o = brick_aBcd32b,
    brick_gOIw4i16o4i = brick_aBCd4c16b4c,
    brick_gOIw2i8o4i = brick_aBCd2c8b4c,
    brick_gOIw16i16o4i = brick_aBCd16c16b4c,
    brick_gOIw16i16o2i = brick_aBCd16c16b2c,
    brick_gOIw16o16i2o = brick_aBCd16b16c2b,
    brick_gOIw4i4o = brick_aBCd4c4b,
    brick_gOIw4o4i = brick_aBCd4b4c,
    brick_gOiw4o = brick_aBcd4b,
    brick_gOiw8o = brick_aBcd8b,
    brick_gOIw8i16o2i = brick_aBCd8c16b2c,
    brick_gOIw8i8o = brick_aBCd8c8b,
    brick_gOIw8o16i2o = brick_aBCd8b16c2b,
    brick_gIOw8o16i2o = brick_aCBd8b16c2b,
    brick_gOIw8o8i = brick_aBCd8b8c,
    brick_gOIw8o4i = brick_aBCd8b4c,
    brick_gOwi16o = brick_aBdc16b,
    brick_gOwI16o2i = brick_aBdC16b2c,
    brick_gOwI16o4i = brick_aBdC16b4c,
    brick_gIwo8i = brick_aCdb8c,
    brick_gIwO8i2o = brick_aCdB8c2b,
    brick_gIwO8i4o = brick_aCdB8c4b,
    brick_gIwo16i = brick_aCdb16c,
    brick_gIwO16i2o = brick_aCdB16c2b,
    brick_gIwO16i4o = brick_aCdB16c4b,
    brick_gIwo24i = brick_aCdb24c,
    brick_gIwO24i2o = brick_aCdB24c2b,
    brick_gIwO24i4o = brick_aCdB24c4b,
    brick_gOwi4o = brick_aBdc4b,
    brick_gOwi8o = brick_aBdc8b,
    brick_gOwI8o2i = brick_aBdC8b2c,
    brick_gOwI8o4i = brick_aBdC8b4c,
    brick_Goiw32g = brick_Abcd32a,
    brick_gOIw2i4o2i = brick_aBCd2c4b2c,
    brick_gOIw2o4i2o = brick_aBCd2b4c2b,
    brick_gOIw4i8o2i = brick_aBCd4c8b2c,
    brick_gOIw4o8i2o = brick_aBCd4b8c2b,
    brick_goIw4i = brick_abCd4c,
    brick_goIw32i = brick_abCd32c,
    brick_gIOhw16i16o = brick_aCBde16c16b,
    brick_gIOhw4o4i = brick_aCBde4b4c,
    brick_gIOhw8o8i = brick_aCBde8b8c,
    brick_gIOhw16o16i = brick_aCBde16b16c,
    brick_gOhwi16o = brick_aBdec16b,
    brick_gOhwI16o2i = brick_aBdeC16b2c,
    brick_gOhwI16o4i = brick_aBdeC16b4c,
    brick_gIhwo8i = brick_aCdeb8c,
    brick_gIhwO8i2o = brick_aCdeB8c2b,
    brick_gIhwO8i4o = brick_aCdeB8c4b,
    brick_gIhwo16i = brick_aCdeb16c,
    brick_gIhwO16i2o = brick_aCdeB16c2b,
    brick_gIhwO16i4o = brick_aCdeB16c4b,
    brick_gIhwo24i = brick_aCdeb24c,
    brick_gIhwO24i2o = brick_aCdeB24c2b,
    brick_gIhwO24i4o = brick_aCdeB24c4b,
    brick_gOhwi32o = brick_aBdec32b,
    brick_gOhwi24o = brick_aBdec24b,
    brick_gOhwI24o2i = brick_aBdeC24b2c,
    brick_gOhwI24o4i = brick_aBdeC24b4c,
    brick_gOhwi4o = brick_aBdec4b,
    brick_gOhwi8o = brick_aBdec8b,
    brick_gOhwI8o2i = brick_aBdeC8b2c,
    brick_gOhwI8o4i = brick_aBdeC8b4c,
    brick_Goihw16g = brick_Abcde16a,
    brick_gOIhw16i16o = brick_aBCde16c16b,
    brick_gOIhw16o16i = brick_aBCde16b16c,
    brick_gOihw16o = brick_aBcde16b,
    brick_gOihw32o = brick_aBcde32b,
    brick_gOIhw2i8o4i = brick_aBCde2c8b4c,
    brick_gOIhw4i16o4i = brick_aBCde4c16b4c,
    brick_gOIhw16i16o4i = brick_aBCde16c16b4c,
    brick_gOIhw16i16o2i = brick_aBCde16c16b2c,
    brick_gOIhw16o16i2o = brick_aBCde16b16c2b,
    brick_gOIhw4i4o = brick_aBCde4c4b,
    brick_gOIhw4o4i = brick_aBCde4b4c,
    brick_gOihw4o = brick_aBcde4b,
    brick_gOihw8o = brick_aBcde8b,
    brick_Goihw8g = brick_Abcde8a,
    brick_Goihw4g = brick_Abcde4a,
    brick_gOIhw8i16o2i = brick_aBCde8c16b2c,
    brick_gOIhw8i8o = brick_aBCde8c8b,
    brick_gOIhw8o16i2o = brick_aBCde8b16c2b,
    brick_gIOhw8o16i2o = brick_aCBde8b16c2b,
    brick_gOIhw8o8i = brick_aBCde8b8c,
    brick_gOIhw8o4i = brick_aBCde8b4c,
    brick_Goihw32g = brick_Abcde32a,
    brick_gOwhi16o = brick_aBedc16b,
    brick_goIhw4i = brick_abCde4c,
    brick_goIhw32i = brick_abCde32c,
    brick_OIw4o8i8o4i = brick_ABc4a8b8a4b,
    brick_OIhw4o8i8o4i = brick_ABcd4a8b8a4b,
    brick_IOw4i8o8i4o = brick_BAc4b8a8b4a,
    brick_IOhw4i8o8i4o = brick_BAcd4b8a8b4a,
    brick_IOdhw4i8o8i4o = brick_BAcde4b8a8b4a,
    brick_OIhw2o8i8o2i = brick_ABcd2a8b8a2b,
    brick_gOIw4o8i8o4i = brick_aBCd4b8c8b4c,
    brick_gOIhw4o8i8o4i = brick_aBCde4b8c8b4c,
    brick_gOIdhw4o8i8o4i = brick_aBCdef4b8c8b4c,
    brick_gIOw4i8o8i4o = brick_aCBd4c8b8c4b,
    brick_gIOhw4i8o8i4o = brick_aCBde4c8b8c4b,
    brick_gIOdhw4i8o8i4o = brick_aCBdef4c8b8c4b,
    brick_gOIhw2o8i8o2i = brick_aBCde2b8c8b2c,
    brick_gOIhw2i4o2i = brick_aBCde2c4b2c,
    brick_gOIhw2o4i2o = brick_aBCde2b4c2b,
    brick_gOIhw4i8o2i = brick_aBCde4c8b2c,
    brick_gOIhw4o8i2o = brick_aBCde4b8c2b,
    brick_gIOdhw16i16o = brick_aCBdef16c16b,
    brick_gIOdhw4o4i = brick_aCBdef4b4c,
    brick_gIOdhw8o8i = brick_aCBdef8b8c,
    brick_gIOdhw16o16i = brick_aCBdef16b16c,
    brick_gOdhwi16o = brick_aBdefc16b,
    brick_gOdhwI16o2i = brick_aBdefC16b2c,
    brick_gOdhwI16o4i = brick_aBdefC16b4c,
    brick_gIdhwo8i = brick_aCdefb8c,
    brick_gIdhwO8i2o = brick_aCdefB8c2b,
    brick_gIdhwO8i4o = brick_aCdefB8c4b,
    brick_gIdhwo16i = brick_aCdefb16c,
    brick_gIdhwO16i2o = brick_aCdefB16c2b,
    brick_gIdhwO16i4o = brick_aCdefB16c4b,
    brick_gIdhwo24i = brick_aCdefb24c,
    brick_gIdhwO24i2o = brick_aCdefB24c2b,
    brick_gIdhwO24i4o = brick_aCdefB24c4b,
    brick_gOdhwi4o = brick_aBdefc4b,
    brick_gOdhwi8o = brick_aBdefc8b,
    brick_gOdhwI8o2i = brick_aBdefC8b2c,
    brick_gOdhwI8o4i = brick_aBdefC8b4c,
    brick_gOdwhi16o = brick_aBdfec16b,
    brick_gOIdhw16i16o = brick_aBCdef16c16b,
    brick_gOIdhw4i16o4i = brick_aBCdef4c16b4c,
    brick_gOIdhw16i16o4i = brick_aBCdef16c16b4c,
    brick_gOIdhw2i8o4i = brick_aBCdef2c8b4c,
    brick_gOIdhw16i16o2i = brick_aBCdef16c16b2c,
    brick_gOIdhw16o16i = brick_aBCdef16b16c,
    brick_gOIdhw16o16i2o = brick_aBCdef16b16c2b,
    brick_gOidhw16o = brick_aBcdef16b,
    brick_gOidhw32o = brick_aBcdef32b,
    brick_gOIdhw4i4o = brick_aBCdef4c4b,
    brick_gOIdhw4o4i = brick_aBCdef4b4c,
    brick_gOidhw4o = brick_aBcdef4b,
    brick_gOidhw8o = brick_aBcdef8b,
    brick_gOIdhw8i16o2i = brick_aBCdef8c16b2c,
    brick_gOIdhw8i8o = brick_aBCdef8c8b,
    brick_gOIdhw8o16i2o = brick_aBCdef8b16c2b,
    brick_gIOdhw8o16i2o = brick_aCBdef8b16c2b,
    brick_gOIdhw8o8i = brick_aBCdef8b8c,
    brick_gOIdhw8o4i = brick_aBCdef8b4c,
    brick_Goidhw16g = brick_Abcdef16a,
    brick_Goidhw32g = brick_Abcdef32a,
    brick_gOIdhw2i4o2i = brick_aBCdef2c4b2c,
    brick_gOIdhw4i8o2i = brick_aBCdef4c8b2c,
    brick_gOIdhw2o4i2o = brick_aBCdef2b4c2b,
    brick_gOIdhw4o8i2o = brick_aBCdef4b8c2b,
    brick_goIdhw4i = brick_abCdef4c,
    brick_goIdhw32i = brick_abCdef32c,
    brick_Owi24o = brick_Acb24a,
    brick_OwI24o2i = brick_AcB24a2b,
    brick_OwI24o4i = brick_AcB24a4b,
    brick_Owi32o = brick_Acb32a,
    brick_OwI32o2i = brick_AcB32a2b,
    brick_OwI32o4i = brick_AcB32a4b,
    brick_Owi48o = brick_Acb48a,
    brick_OwI48o2i = brick_AcB48a2b,
    brick_OwI48o4i = brick_AcB48a4b,
    brick_Owi64o = brick_Acb64a,
    brick_OwI64o2i = brick_AcB64a2b,
    brick_OwI64o4i = brick_AcB64a4b,
    brick_Iwo32i = brick_Bca32b,
    brick_IwO32i2o = brick_BcA32b2a,
    brick_IwO32i4o = brick_BcA32b4a,
    brick_Iwo48i = brick_Bca48b,
    brick_IwO48i2o = brick_BcA48b2a,
    brick_IwO48i4o = brick_BcA48b4a,
    brick_Iwo64i = brick_Bca64b,
    brick_IwO64i2o = brick_BcA64b2a,
    brick_IwO64i4o = brick_BcA64b4a,
    brick_wIo2i = brick_cBa2b,
    brick_wIo4i = brick_cBa4b,
    brick_gOwi24o = brick_aBdc24b,
    brick_gOwI24o2i = brick_aBdC24b2c,
    brick_gOwI24o4i = brick_aBdC24b4c,
    brick_gOwi32o = brick_aBdc32b,
    brick_gOwI32o2i = brick_aBdC32b2c,
    brick_gOwI32o4i = brick_aBdC32b4c,
    brick_gOwi48o = brick_aBdc48b,
    brick_gOwI48o2i = brick_aBdC48b2c,
    brick_gOwI48o4i = brick_aBdC48b4c,
    brick_gOwi64o = brick_aBdc64b,
    brick_gOwI64o2i = brick_aBdC64b2c,
    brick_gOwI64o4i = brick_aBdC64b4c,
    brick_gIwo32i = brick_aCdb32c,
    brick_gIwO32i2o = brick_aCdB32c2b,
    brick_gIwO32i4o = brick_aCdB32c4b,
    brick_gIwo48i = brick_aCdb48c,
    brick_gIwO48i2o = brick_aCdB48c2b,
    brick_gIwO48i4o = brick_aCdB48c4b,
    brick_gIwo64i = brick_aCdb64c,
    brick_gIwO64i2o = brick_aCdB64c2b,
    brick_gIwO64i4o = brick_aCdB64c4b,
    brick_gwio = brick_adcb,
    brick_gwIo2i = brick_adCb2c,
    brick_gwIo4i = brick_adCb4c,
    brick_OhwI24o = brick_Acdb24a,
    brick_OhwI24o2i = brick_AcdB24a2b,
    brick_OhwI24o4i = brick_AcdB24a4b,
    brick_OhwI32o = brick_Acdb32a,
    brick_OhwI32o2i = brick_AcdB32a2b,
    brick_OhwI32o4i = brick_AcdB32a4b,
    brick_Ohwi48o = brick_Acdb48a,
    brick_OhwI48o2i = brick_AcdB48a2b,
    brick_OhwI48o4i = brick_AcdB48a4b,
    brick_Ohwi64o = brick_Acdb64a,
    brick_OhwI64o2i = brick_AcdB64a2b,
    brick_OhwI64o4i = brick_AcdB64a4b,
    brick_Ihwo32i = brick_Bcda32b,
    brick_IhwO32i2o = brick_BcdA32b2a,
    brick_IhwO32i4o = brick_BcdA32b4a,
    brick_Ihwo48i = brick_Bcda48b,
    brick_IhwO48i2o = brick_BcdA48b2a,
    brick_IhwO48i4o = brick_BcdA48b4a,
    brick_Ihwo64i = brick_Bcda64b,
    brick_IhwO64i2o = brick_BcdA64b2a,
    brick_IhwO64i4o = brick_BcdA64b4a,
    brick_hwIo2i = brick_cdBa2b,
    brick_hwIo4i = brick_cdBa4b,
    brick_gOhwI24o = brick_aBdec24b,
    brick_gOhwI32o = brick_aBdec32b,
    brick_gOhwI32o2i = brick_aBdeC32b2c,
    brick_gOhwI32o4i = brick_aBdeC32b4c,
    brick_gOhwi48o = brick_aBdec48b,
    brick_gOhwI48o2i = brick_aBdeC48b2c,
    brick_gOhwI48o4i = brick_aBdeC48b4c,
    brick_gOhwi64o = brick_aBdec64b,
    brick_gOhwI64o2i = brick_aBdeC64b2c,
    brick_gOhwI64o4i = brick_aBdeC64b4c,
    brick_gIhwo32i = brick_aCdeb32c,
    brick_gIhwO32i2o = brick_aCdeB32c2b,
    brick_gIhwO32i4o = brick_aCdeB32c4b,
    brick_gIhwo48i = brick_aCdeb48c,
    brick_gIhwO48i2o = brick_aCdeB48c2b,
    brick_gIhwO48i4o = brick_aCdeB48c4b,
    brick_gIhwo64i = brick_aCdeb64c,
    brick_gIhwO64i2o = brick_aCdeB64c2b,
    brick_gIhwO64i4o = brick_aCdeB64c4b,
    brick_ghwio = brick_adecb,
    brick_ghwIo2i = brick_adeCb2c,
    brick_ghwIo4i = brick_adeCb4c,
    brick_Odhwi24o = brick_Acdeb24a,
    brick_OdhwI24o2i = brick_AcdeB24a2b,
    brick_OdhwI24o4i = brick_AcdeB24a4b,
    brick_Odhwi32o = brick_Acdeb32a,
    brick_OdhwI32o2i = brick_AcdeB32a2b,
    brick_OdhwI32o4i = brick_AcdeB32a4b,
    brick_Odhwi48o = brick_Acdeb48a,
    brick_OdhwI48o2i = brick_AcdeB48a2b,
    brick_OdhwI48o4i = brick_AcdeB48a4b,
    brick_Odhwi64o = brick_Acdeb64a,
    brick_OdhwI64o2i = brick_AcdeB64a2b,
    brick_OdhwI64o4i = brick_AcdeB64a4b,
    brick_Idhwo32i = brick_Bcdea32b,
    brick_IdhwO32i2o = brick_BcdeA32b2a,
    brick_IdhwO32i4o = brick_BcdeA32b4a,
    brick_Idhwo48i = brick_Bcdea48b,
    brick_IdhwO48i2o = brick_BcdeA48b2a,
    brick_IdhwO48i4o = brick_BcdeA48b4a,
    brick_Idhwo64i = brick_Bcdea64b,
    brick_IdhwO64i2o = brick_BcdeA64b2a,
    brick_IdhwO64i4o = brick_BcdeA64b4a,
    brick_dhwIo2i = brick_cdeBa2b,
    brick_dhwIo4i = brick_cdeBa4b,
    brick_gOdhwi24o = brick_aBdefc24b,
    brick_gOdhwI24o2i = brick_aBdefC24b2c,
    brick_gOdhwI24o4i = brick_aBdefC24b4c,
    brick_gOdhwi32o = brick_aBdefc32b,
    brick_gOdhwI32o2i = brick_aBdefC32b2c,
    brick_gOdhwI32o4i = brick_aBdefC32b4c,
    brick_gOdhwi48o = brick_aBdefc48b,
    brick_gOdhwI48o2i = brick_aBdefC48b2c,
    brick_gOdhwI48o4i = brick_aBdefC48b4c,
    brick_gOdhwi64o = brick_aBdefc64b,
    brick_gOdhwI64o2i = brick_aBdefC64b2c,
    brick_gOdhwI64o4i = brick_aBdefC64b4c,
    brick_gIdhwo32i = brick_aCdefb32c,
    brick_gIdhwO32i2o = brick_aCdefB32c2b,
    brick_gIdhwO32i4o = brick_aCdefB32c4b,
    brick_gIdhwo48i = brick_aCdefb48c,
    brick_gIdhwO48i2o = brick_aCdefB48c2b,
    brick_gIdhwO48i4o = brick_aCdefB48c4b,
    brick_gIdhwo64i = brick_aCdefb64c,
    brick_gIdhwO64i2o = brick_aCdefB64c2b,
    brick_gIdhwO64i4o = brick_aCdefB64c4b,
    brick_gdhwio = brick_adefcb,
    brick_gdhwIo2i = brick_adefCb2c,
    brick_gdhwIo4i = brick_adefCb4c,
    brick_OI16i32o4i = brick_AB16b32a4b,
    brick_OI16i48o4i = brick_AB16b48a4b,
    brick_OI16i64o4i = brick_AB16b64a4b,
    brick_OI16i16o2i = brick_AB16b16a2b,
    brick_OI16i32o2i = brick_AB16b32a2b,
    brick_OI16i48o2i = brick_AB16b48a2b,
    brick_OI16i64o2i = brick_AB16b64a2b,
    brick_OIw16i32o4i = brick_ABc16b32a4b,
    brick_OIw16i48o4i = brick_ABc16b48a4b,
    brick_OIw16i64o4i = brick_ABc16b64a4b,
    brick_OIw16i32o2i = brick_ABc16b32a2b,
    brick_OIw16i48o2i = brick_ABc16b48a2b,
    brick_OIw16i64o2i = brick_ABc16b64a2b,
    brick_OIhw16i32o4i = brick_ABcd16b32a4b,
    brick_OIhw16i48o4i = brick_ABcd16b48a4b,
    brick_OIhw16i64o4i = brick_ABcd16b64a4b,
    brick_OIhw16i32o2i = brick_ABcd16b32a2b,
    brick_OIhw16i48o2i = brick_ABcd16b48a2b,
    brick_OIhw16i64o2i = brick_ABcd16b64a2b,
    brick_OIdhw16i32o4i = brick_ABcde16b32a4b,
    brick_OIdhw16i48o4i = brick_ABcde16b48a4b,
    brick_OIdhw16i64o4i = brick_ABcde16b64a4b,
    brick_OIdhw16i32o2i = brick_ABcde16b32a2b,
    brick_OIdhw16i48o2i = brick_ABcde16b48a2b,
    brick_OIdhw16i64o2i = brick_ABcde16b64a2b,
    brick_OwI16i16o2i = brick_AcB16b16a2b,
    brick_OwI16i16o4i = brick_AcB16b16a4b,
    brick_OhwI16i16o2i = brick_AcdB16b16a2b,
    brick_OhwI16i16o4i = brick_AcdB16b16a4b,
    brick_OdhwI16i16o2i = brick_AcdeB16b16a2b,
    brick_OdhwI16i16o4i = brick_AcdeB16b16a4b,
    brick_IwO16o16i2o = brick_BcA16a16b2a,
    brick_IwO16o16i4o = brick_BcA16a16b4a,
    brick_IhwO16o16i2o = brick_BcdA16a16b2a,
    brick_IhwO16o16i4o = brick_BcdA16a16b4a,
    brick_IdhwO16o16i2o = brick_BcdeA16a16b2a,
    brick_IdhwO16o16i4o = brick_BcdeA16a16b4a,
    brick_gOwI16i16o2i = brick_aBdC16c16b2c,
    brick_gOwI16i16o4i = brick_aBdC16c16b4c,
    brick_gOhwI16i16o2i = brick_aBdeC16c16b2c,
    brick_gOhwI16i16o4i = brick_aBdeC16c16b4c,
    brick_gOdhwI16i16o2i = brick_aBdefC16c16b2c,
    brick_gOdhwI16i16o4i = brick_aBdefC16c16b4c,
    brick_gIwO16o16i2o = brick_aCdB16b16c2b,
    brick_gIwO16o16i4o = brick_aCdB16b16c4b,
    brick_gIhwO16o16i2o = brick_aCdeB16b16c2b,
    brick_gIhwO16o16i4o = brick_aCdeB16b16c4b,
    brick_gIdhwO16o16i2o = brick_aCdefB16b16c2b,
    brick_gIdhwO16o16i4o = brick_aCdefB16b16c4b,
    brick_OwI16i32o2i = brick_AcB16b32a2b,
    brick_OwI16i32o4i = brick_AcB16b32a4b,
    brick_OwI16i48o2i = brick_AcB16b48a2b,
    brick_OwI16i48o4i = brick_AcB16b48a4b,
    brick_OwI16i64o2i = brick_AcB16b64a2b,
    brick_OwI16i64o4i = brick_AcB16b64a4b,
    brick_IwO16o32i2o = brick_BcA16a32b2a,
    brick_IwO16o32i4o = brick_BcA16a32b4a,
    brick_IwO16o48i2o = brick_BcA16a48b2a,
    brick_IwO16o48i4o = brick_BcA16a48b4a,
    brick_IwO16o64i2o = brick_BcA16a64b2a,
    brick_IwO16o64i4o = brick_BcA16a64b4a,
    brick_gOwI16i32o2i = brick_aBdC16c32b2c,
    brick_gOwI16i32o4i = brick_aBdC16c32b4c,
    brick_gOwI16i48o2i = brick_aBdC16c48b2c,
    brick_gOwI16i48o4i = brick_aBdC16c48b4c,
    brick_gOwI16i64o2i = brick_aBdC16c64b2c,
    brick_gOwI16i64o4i = brick_aBdC16c64b4c,
    brick_gIwO16o32i2o = brick_aCdB16b32c2b,
    brick_gIwO16o32i4o = brick_aCdB16b32c4b,
    brick_gIwO16o48i2o = brick_aCdB16b48c2b,
    brick_gIwO16o48i4o = brick_aCdB16b48c4b,
    brick_gIwO16o64i2o = brick_aCdB16b64c2b,
    brick_gIwO16o64i4o = brick_aCdB16b64c4b,
    brick_OhwI16i32o2i = brick_AcdB16b32a2b,
    brick_OhwI16i32o4i = brick_AcdB16b32a4b,
    brick_OhwI16i48o2i = brick_AcdB16b48a2b,
    brick_OhwI16i48o4i = brick_AcdB16b48a4b,
    brick_OhwI16i64o2i = brick_AcdB16b64a2b,
    brick_OhwI16i64o4i = brick_AcdB16b64a4b,
    brick_IhwO16o32i2o = brick_BcdA16a32b2a,
    brick_IhwO16o32i4o = brick_BcdA16a32b4a,
    brick_IhwO16o48i2o = brick_BcdA16a48b2a,
    brick_IhwO16o48i4o = brick_BcdA16a48b4a,
    brick_IhwO16o64i2o = brick_BcdA16a64b2a,
    brick_IhwO16o64i4o = brick_BcdA16a64b4a,
    brick_gOhwI16i32o2i = brick_aBdeC16c32b2c,
    brick_gOhwI16i32o4i = brick_aBdeC16c32b4c,
    brick_gOhwI16i48o2i = brick_aBdeC16c48b2c,
    brick_gOhwI16i48o4i = brick_aBdeC16c48b4c,
    brick_gOhwI16i64o2i = brick_aBdeC16c64b2c,
    brick_gOhwI16i64o4i = brick_aBdeC16c64b4c,
    brick_gIhwO16o32i2o = brick_aCdeB16b32c2b,
    brick_gIhwO16o32i4o = brick_aCdeB16b32c4b,
    brick_gIhwO16o48i2o = brick_aCdeB16b48c2b,
    brick_gIhwO16o48i4o = brick_aCdeB16b48c4b,
    brick_gIhwO16o64i2o = brick_aCdeB16b64c2b,
    brick_gIhwO16o64i4o = brick_aCdeB16b64c4b,
    brick_OdhwI16i32o2i = brick_AcdeB16b32a2b,
    brick_OdhwI16i32o4i = brick_AcdeB16b32a4b,
    brick_OdhwI16i48o2i = brick_AcdeB16b48a2b,
    brick_OdhwI16i48o4i = brick_AcdeB16b48a4b,
    brick_OdhwI16i64o2i = brick_AcdeB16b64a2b,
    brick_OdhwI16i64o4i = brick_AcdeB16b64a4b,
    brick_IdhwO16o32i2o = brick_BcdeA16a32b2a,
    brick_IdhwO16o32i4o = brick_BcdeA16a32b4a,
    brick_IdhwO16o48i2o = brick_BcdeA16a48b2a,
    brick_IdhwO16o48i4o = brick_BcdeA16a48b4a,
    brick_IdhwO16o64i2o = brick_BcdeA16a64b2a,
    brick_IdhwO16o64i4o = brick_BcdeA16a64b4a,
    brick_gOdhwI16i32o2i = brick_aBdefC16c32b2c,
    brick_gOdhwI16i32o4i = brick_aBdefC16c32b4c,
    brick_gOdhwI16i48o2i = brick_aBdefC16c48b2c,
    brick_gOdhwI16i48o4i = brick_aBdefC16c48b4c,
    brick_gOdhwI16i64o2i = brick_aBdefC16c64b2c,
    brick_gOdhwI16i64o4i = brick_aBdefC16c64b4c,
    brick_gIdhwO16o32i2o = brick_aCdefB16b32c2b,
    brick_gIdhwO16o32i4o = brick_aCdefB16b32c4b,
    brick_gIdhwO16o48i2o = brick_aCdefB16b48c2b,
    brick_gIdhwO16o48i4o = brick_aCdefB16b48c4b,
    brick_gIdhwO16o64i2o = brick_aCdefB16b64c2b,
    brick_gIdhwO16o64i4o = brick_aCdefB16b64c4b,
    brick_hwioG16g = brick_decbA16a,
    brick_hwioG8g = brick_decbA8a,
    brick_hwioG4g = brick_decbA4a,
    brick_dhwioG16g = brick_defcbA16a,
    brick_dhwioG8g = brick_defcbA8a,
    brick_dhwioG4g = brick_defcbA4a,
    brick_NCdhw40n16c = brick_ABcde40a16b,
    brick_NCw40n16c = brick_ABc40a16b,
    brick_NChw40n16c = brick_ABcd40a16b,
    brick_NCw40n32c = brick_ABc40a32b,
    brick_NChw40n32c = brick_ABcd40a32b,
    brick_NCdhw40n32c = brick_ABcde40a32b,
    brick_OIdhw4o8i8o2i = brick_ABcde4a8b8a2b,
    brick_OIhw4o8i8o2i = brick_ABcd4a8b8a2b,
    brick_OIw4o8i8o2i = brick_ABc4a8b8a2b,
    brick_gOIdhw4o8i8o2i = brick_aBCdef4b8c8b2c,
    brick_gOIhw4o8i8o2i = brick_aBCde4b8c8b2c,
    brick_gOIw4o8i8o2i = brick_aBCd4b8c8b2c,
    brick_IOdhw4i8o8i2o = brick_BAcde4b8a8b2a,
    brick_IOhw4i8o8i2o = brick_BAcd4b8a8b2a,
    brick_IOw4i8o8i2o = brick_BAc4b8a8b2a,
    brick_gIOdhw4i8o8i2o = brick_aCBdef4c8b8c2b,
    brick_gIOhw4i8o8i2o = brick_aCBde4c8b8c2b,
    brick_gIOw4i8o8i2o = brick_aCBd4c8b8c2b,
    brick_NCw2c32n8c = brick_ABc2b32a8b,
    brick_NChw2c32n8c = brick_ABcd2b32a8b,
    brick_NCdhw2c32n8c = brick_ABcde2b32a8b,
    brick_OIw2i8o16i4o = brick_ABc2b8a16b4a,
    brick_OIhw2i8o16i4o = brick_ABcd2b8a16b4a,
    brick_OIdhw2i8o16i4o = brick_ABcde2b8a16b4a,
    brick_OIw2o8i16o4i = brick_ABc2a8b16a4b,
    brick_OIw2o8i16o2i = brick_ABc2a8b16a2b,
    brick_IOw2i8o16i4o = brick_BAc2b8a16b4a,
    brick_IOw2i8o16i2o = brick_BAc2b8a16b2a,
    brick_OIhw2o8i16o4i = brick_ABcd2a8b16a4b,
    brick_OIhw2o8i16o2i = brick_ABcd2a8b16a2b,
    brick_IOhw2i8o16i4o = brick_BAcd2b8a16b4a,
    brick_IOhw2i8o16i2o = brick_BAcd2b8a16b2a,
    brick_OIdhw2o8i16o4i = brick_ABcde2a8b16a4b,
    brick_OIdhw2o8i16o2i = brick_ABcde2a8b16a2b,
    brick_IOdhw2i8o16i4o = brick_BAcde2b8a16b4a,
    brick_IOdhw2i8o16i2o = brick_BAcde2b8a16b2a,
    brick_gOIw2o8i16o2i = brick_aBCd2b8c16b2c,
    brick_gIOw2i8o16i2o = brick_aCBd2c8b16c2b,
    brick_gIOhw2i8o16i2o = brick_aBCde2c8b16c2b,
    brick_gIOdhw2i8o16i2o = brick_aBCdef2c8b16c2b,
    brick_gOIhw2o8i16o2i = brick_aBCde2b8c16b2c,
    brick_gOIdhw2o8i16o2i = brick_aBCdef2b8c16b2c,
    brick_gOIw2o8i16o4i = brick_aBCd2b8c16b4c,
    brick_gOIhw2o8i16o4i = brick_aBCde2b8c16b4c,
};


/**
 * The largest number of dimensions of a tensor.
 */
#define BRICK_MAX_NDIMS 12

/**
 * No runtime.
 */
#define BRICK_RUNTIME_NONE 0

/**
 * Everything runs in the calling thread.
 */
#define BRICK_RUNTIME_SEQ 1

/**
 * OpenMP.
 */
#define BRICK_RUNTIME_OMP 2

/**
 * Threading Building Blocks.
 */
#define BRICK_RUNTIME_TBB 4

/**
 * A thread pool: brick's own team or the caller's.
 */
#define BRICK_RUNTIME_THREADPOOL 8

/**
 * Dumps no kernels, and announces none to profilers.
 */
#define BRICK_JIT_PROFILE_NONE 0

/**
 * Announces kernels to VTune, which brick does not do.
 */
#define BRICK_JIT_PROFILE_VTUNE 1

/**
 * Announces kernels to Linux perf in a file /tmp/perf-PID.map.
 */
#define BRICK_JIT_PROFILE_LINUX_PERFMAP 2

/**
 * Announces kernels to Linux perf in a jitdump, which brick does not do.
 */
#define BRICK_JIT_PROFILE_LINUX_JITDUMP 4

/**
 * With processor cycles as times; part of jitdump.
 */
#define BRICK_JIT_PROFILE_LINUX_JITDUMP_USE_TSC 8

/**
 * No argument.
 */
#define BRICK_ARG_UNDEF 0

/**
 * Source.
 */
#define BRICK_ARG_SRC_0 1

/**
 * The same as BRICK_ARG_SRC_0.
 */
#define BRICK_ARG_SRC BRICK_ARG_SRC_0

/**
 * The same as BRICK_ARG_SRC_0.
 */
#define BRICK_ARG_SRC_LAYER BRICK_ARG_SRC_0

/**
 * The same as BRICK_ARG_SRC_0.
 */
#define BRICK_ARG_FROM BRICK_ARG_SRC_0

/**
 * Second source.
 */
#define BRICK_ARG_SRC_1 2

/**
 * The same as BRICK_ARG_SRC_1.
 */
#define BRICK_ARG_SRC_ITER BRICK_ARG_SRC_1

/**
 * Third source.
 */
#define BRICK_ARG_SRC_2 3

/**
 * The same as BRICK_ARG_SRC_2.
 */
#define BRICK_ARG_SRC_ITER_C BRICK_ARG_SRC_2

/**
 * Fourth source.
 */
#define BRICK_ARG_SRC_3 4

/**
 * The same as BRICK_ARG_SRC_3.
 */
#define BRICK_ARG_AUGRU_ATTENTION BRICK_ARG_SRC_3

/**
 * Destination.
 */
#define BRICK_ARG_DST_0 17

/**
 * The same as BRICK_ARG_DST_0.
 */
#define BRICK_ARG_DST BRICK_ARG_DST_0

/**
 * The same as BRICK_ARG_DST_0.
 */
#define BRICK_ARG_TO BRICK_ARG_DST_0

/**
 * The same as BRICK_ARG_DST_0.
 */
#define BRICK_ARG_DST_LAYER BRICK_ARG_DST_0

/**
 * Second destination.
 */
#define BRICK_ARG_DST_1 18

/**
 * The same as BRICK_ARG_DST_1.
 */
#define BRICK_ARG_DST_ITER BRICK_ARG_DST_1

/**
 * Third destination.
 */
#define BRICK_ARG_DST_2 19

/**
 * The same as BRICK_ARG_DST_2.
 */
#define BRICK_ARG_DST_ITER_C BRICK_ARG_DST_2

/**
 * Weights.
 */
#define BRICK_ARG_WEIGHTS_0 33

/**
 * The same as BRICK_ARG_WEIGHTS_0.
 */
#define BRICK_ARG_WEIGHTS BRICK_ARG_WEIGHTS_0

/**
 * The same as BRICK_ARG_WEIGHTS_0.
 */
#define BRICK_ARG_WEIGHTS_LAYER BRICK_ARG_WEIGHTS_0

/**
 * Second weights.
 */
#define BRICK_ARG_WEIGHTS_1 34

/**
 * The same as BRICK_ARG_WEIGHTS_1.
 */
#define BRICK_ARG_WEIGHTS_ITER BRICK_ARG_WEIGHTS_1

/**
 * Third weights.
 */
#define BRICK_ARG_WEIGHTS_2 35

/**
 * The same as BRICK_ARG_WEIGHTS_2.
 */
#define BRICK_ARG_WEIGHTS_PEEPHOLE BRICK_ARG_WEIGHTS_2

/**
 * Fourth weights.
 */
#define BRICK_ARG_WEIGHTS_3 36

/**
 * The same as BRICK_ARG_WEIGHTS_3.
 */
#define BRICK_ARG_WEIGHTS_PROJECTION BRICK_ARG_WEIGHTS_3

/**
 * Bias.
 */
#define BRICK_ARG_BIAS 41

/**
 * Row sums of a matmul.
 */
#define BRICK_ARG_REDUCE 42

/**
 * Mean.
 */
#define BRICK_ARG_MEAN 49

/**
 * Variance.
 */
#define BRICK_ARG_VARIANCE 50

/**
 * Scale.
 */
#define BRICK_ARG_SCALE 51

/**
 * Shift.
 */
#define BRICK_ARG_SHIFT 52

/**
 * What the forward pass keeps for the backward pass.
 */
#define BRICK_ARG_WORKSPACE 64

/**
 * Scratch memory, if the caller provides it.
 */
#define BRICK_ARG_SCRATCHPAD 80

/**
 * Gradient by the source.
 */
#define BRICK_ARG_DIFF_SRC_0 129

/**
 * The same as BRICK_ARG_DIFF_SRC_0.
 */
#define BRICK_ARG_DIFF_SRC BRICK_ARG_DIFF_SRC_0

/**
 * The same as BRICK_ARG_DIFF_SRC_0.
 */
#define BRICK_ARG_DIFF_SRC_LAYER BRICK_ARG_DIFF_SRC_0

/**
 * Gradient by the second source.
 */
#define BRICK_ARG_DIFF_SRC_1 130

/**
 * The same as BRICK_ARG_DIFF_SRC_1.
 */
#define BRICK_ARG_DIFF_SRC_ITER BRICK_ARG_DIFF_SRC_1

/**
 * Gradient by the third source.
 */
#define BRICK_ARG_DIFF_SRC_2 131

/**
 * The same as BRICK_ARG_DIFF_SRC_2.
 */
#define BRICK_ARG_DIFF_SRC_ITER_C BRICK_ARG_DIFF_SRC_2

/**
 * Gradient by the fourth source.
 */
#define BRICK_ARG_DIFF_SRC_3 132

/**
 * The same as BRICK_ARG_DIFF_SRC_3.
 */
#define BRICK_ARG_DIFF_AUGRU_ATTENTION BRICK_ARG_DIFF_SRC_3

/**
 * Gradient by the destination.
 */
#define BRICK_ARG_DIFF_DST_0 145

/**
 * The same as BRICK_ARG_DIFF_DST_0.
 */
#define BRICK_ARG_DIFF_DST BRICK_ARG_DIFF_DST_0

/**
 * The same as BRICK_ARG_DIFF_DST_0.
 */
#define BRICK_ARG_DIFF_DST_LAYER BRICK_ARG_DIFF_DST_0

/**
 * Gradient by the second destination.
 */
#define BRICK_ARG_DIFF_DST_1 146

/**
 * The same as BRICK_ARG_DIFF_DST_1.
 */
#define BRICK_ARG_DIFF_DST_ITER BRICK_ARG_DIFF_DST_1

/**
 * Gradient by the third destination.
 */
#define BRICK_ARG_DIFF_DST_2 147

/**
 * The same as BRICK_ARG_DIFF_DST_2.
 */
#define BRICK_ARG_DIFF_DST_ITER_C BRICK_ARG_DIFF_DST_2

/**
 * Gradient by the weights.
 */
#define BRICK_ARG_DIFF_WEIGHTS_0 161

/**
 * The same as BRICK_ARG_DIFF_WEIGHTS_0.
 */
#define BRICK_ARG_DIFF_WEIGHTS BRICK_ARG_DIFF_WEIGHTS_0

/**
 * The same as BRICK_ARG_DIFF_WEIGHTS_0.
 */
#define BRICK_ARG_DIFF_WEIGHTS_LAYER BRICK_ARG_DIFF_WEIGHTS_0

/**
 * Gradient by the second weights.
 */
#define BRICK_ARG_DIFF_WEIGHTS_1 162

/**
 * The same as BRICK_ARG_DIFF_WEIGHTS_1.
 */
#define BRICK_ARG_DIFF_WEIGHTS_ITER BRICK_ARG_DIFF_WEIGHTS_1

/**
 * Gradient by the third weights.
 */
#define BRICK_ARG_DIFF_WEIGHTS_2 163

/**
 * The same as BRICK_ARG_DIFF_WEIGHTS_2.
 */
#define BRICK_ARG_DIFF_WEIGHTS_PEEPHOLE BRICK_ARG_DIFF_WEIGHTS_2

/**
 * Gradient by the fourth weights.
 */
#define BRICK_ARG_DIFF_WEIGHTS_3 164

/**
 * The same as BRICK_ARG_DIFF_WEIGHTS_3.
 */
#define BRICK_ARG_DIFF_WEIGHTS_PROJECTION BRICK_ARG_DIFF_WEIGHTS_3

/**
 * Gradient by the bias.
 */
#define BRICK_ARG_DIFF_BIAS 169

/**
 * Gradient by the scale.
 */
#define BRICK_ARG_DIFF_SCALE 255

/**
 * Gradient by the shift.
 */
#define BRICK_ARG_DIFF_SHIFT 256

/**
 * Largest group of a grouped multiplication.
 */
#define BRICK_ARG_HINT_MAX_GROUP_SIZE 384

/**
 * Offset of dropout's random numbers.
 */
#define BRICK_ARG_ATTR_DROPOUT_OFFSET 507

/**
 * Seed of stochastic rounding.
 */
#define BRICK_ARG_ATTR_ROUNDING_SEED 508

/**
 * Mask that dropout writes.
 */
#define BRICK_ARG_ATTR_DROPOUT_MASK 509

/**
 * Probability of dropout.
 */
#define BRICK_ARG_ATTR_DROPOUT_PROBABILITY 510

/**
 * Seed of dropout.
 */
#define BRICK_ARG_ATTR_DROPOUT_SEED 511

/**
 * Plus the argument: its precomputed reductions.
 */
#define BRICK_ARG_ATTR_PRECOMPUTED_REDUCTIONS 512

/**
 * Plus i: source i of several.
 */
#define BRICK_ARG_MULTIPLE_SRC 1024

/**
 * Plus i: destination i of several.
 */
#define BRICK_ARG_MULTIPLE_DST 2048

/**
 * Or the argument: its scales.
 */
#define BRICK_ARG_ATTR_SCALES 4096

/**
 * Or the argument: its zero points.
 */
#define BRICK_ARG_ATTR_ZERO_POINTS 8192

/**
 * Or the argument: that of a fused depthwise convolution.
 */
#define BRICK_ARG_ATTR_POST_OP_DW 16384

/**
 * See BRICK_ARG_ATTR_MULTIPLE_POST_OP.
 */
#define BRICK_ARG_ATTR_MULTIPLE_POST_OP_BASE 32768

/**
 * A batch-reduce GEMM: the building block of every primitive.
 */
typedef struct brick_brgemm brick_brgemm;

/**
 * The place where primitives run: a processor.
 */
typedef struct brick_engine brick_engine;

/**
 * A memory descriptor, an engine and data.
 */
typedef struct brick_memory brick_memory;

/**
 * Type, dimensions and layout of a tensor.
 */
typedef struct brick_memory_desc brick_memory_desc;

/**
 * A chain of operations that follow a primitive's own.
 */
typedef struct brick_post_ops brick_post_ops;

/**
 * A primitive, ready to be executed.
 */
typedef struct brick_primitive brick_primitive;

/**
 * Everything that modifies a primitive beyond its descriptor.
 */
typedef struct brick_primitive_attr brick_primitive_attr;

/**
 * An operation with its attributes, checked and planned.
 */
typedef struct brick_primitive_desc brick_primitive_desc;

/**
 * An order of executions, and the threads that run them.
 */
typedef struct brick_stream brick_stream;

/**
 * A packing of matrix B for a brgemm.
 */
typedef struct brick_transform brick_transform;

/**
 * Pointers to what the post-ops and scales of a brgemm need.
 */
typedef struct brick_ukernel_attr_params brick_ukernel_attr_params;

/**
 * Version and build of the library.
 */
typedef struct brick_version_t {
    /**
     * Major version of oneDNN's API that brick follows.
     */
    int major;
    /**
     * Minor version of that API.
     */
    int minor;
    /**
     * Patch version of that API.
     */
    int patch;
    /**
     * brick's own version, zero-terminated.
     */
    const char *hash;
    /**
     * How parallel parts run on processors: BRICK_RUNTIME_*.
     */
    unsigned int cpu_runtime;
    /**
     * The same for GPUs: BRICK_RUNTIME_NONE.
     */
    unsigned int gpu_runtime;
} brick_version_t;

/**
 * Receives verbose lines: the context given with it, and a zero-terminated line without its end. It may be called from any
 * thread, must not call brick and must not throw.
 */
typedef void (*brick_log_fn_t)(void *ctx, const char *line);

/**
 * What brick found out about the machine.
 */
typedef struct brick_machine_info_t {
    /**
     * The highest instruction set that the processor has and brick knows, a #brick_cpu_isa_t.
     */
    int isa;
    /**
     * The highest that kernels will use, see brick_set_max_cpu_isa().
     */
    int effective_isa;
    /**
     * Processor cores that this process may use.
     */
    int cores;
    /**
     * Parts that a parallel region runs at once by default.
     */
    int threads;
    /**
     * Bytes of a core's first-level data cache.
     */
    size_t l1d_bytes;
    /**
     * Bytes of a core's second-level cache.
     */
    size_t l2_bytes;
    /**
     * Bytes of the last-level cache.
     */
    size_t l3_bytes;
} brick_machine_info_t;

/**
 * An engine.
 */
typedef struct brick_engine *brick_engine_t;

/**
 * A stream.
 */
typedef struct brick_stream *brick_stream_t;

/**
 * One part of a parallel region, as a pool gets it from brick.
 */
typedef void (*brick_part_fn_t)(void *arg, int part);

/**
 * A caller's thread pool. The functions may be called from any thread, from several at once, must not throw and must do
 * what is said here.
 */
typedef struct brick_pool_t {
    /**
     * Passed as the first argument of both functions.
     */
    void *ctx;
    /**
     * How many parts the pool runs at once.
     */
    int (*num_threads)(void *ctx);
    /**
     * Calls part(arg, 0), ..., part(arg, n - 1), each once, in any order, on any threads, and returns when all are done.
     */
    void (*run)(void *ctx, int n, brick_part_fn_t part, void *arg);
} brick_pool_t;

/**
 * A stream that is only looked at.
 */
typedef const struct brick_stream *const_brick_stream_t;

/**
 * A memory descriptor.
 */
typedef struct brick_memory_desc *brick_memory_desc_t;

/**
 * A dimension, stride or offset, in elements.
 */
typedef int64_t brick_dim_t;

/**
 * A memory descriptor that is only looked at.
 */
typedef const struct brick_memory_desc *const_brick_memory_desc_t;

/**
 * A memory object.
 */
typedef struct brick_memory *brick_memory_t;

/**
 * A memory object that is only looked at.
 */
typedef const struct brick_memory *const_brick_memory_t;

/**
 * Attributes.
 */
typedef struct brick_primitive_attr *brick_primitive_attr_t;

/**
 * Attributes that are only looked at; NULL means the defaults.
 */
typedef const struct brick_primitive_attr *const_brick_primitive_attr_t;

/**
 * A post-op chain that is only looked at; NULL means an empty one.
 */
typedef const struct brick_post_ops *const_brick_post_ops_t;

/**
 * A post-op chain.
 */
typedef struct brick_post_ops *brick_post_ops_t;

/**
 * A primitive descriptor.
 */
typedef struct brick_primitive_desc *brick_primitive_desc_t;

/**
 * A primitive descriptor that is only looked at.
 */
typedef const struct brick_primitive_desc *const_brick_primitive_desc_t;

/**
 * A primitive.
 */
typedef struct brick_primitive *brick_primitive_t;

/**
 * A primitive that is only looked at.
 */
typedef const struct brick_primitive *const_brick_primitive_t;

/**
 * One argument of an execution.
 */
typedef struct brick_exec_arg_t {
    /**
     * Its number, BRICK_ARG_*.
     */
    int arg;
    /**
     * The memory; NULL if the argument is not given.
     */
    brick_memory_t memory;
} brick_exec_arg_t;

/**
 * A list of such pointers.
 */
typedef struct brick_ukernel_attr_params *brick_ukernel_attr_params_t;

/**
 * A brgemm.
 */
typedef struct brick_brgemm *brick_brgemm_t;

/**
 * A brgemm that is only looked at.
 */
typedef const struct brick_brgemm *const_brick_brgemm_t;

/**
 * A list of such pointers that is only looked at; NULL means none.
 */
typedef const struct brick_ukernel_attr_params *const_brick_ukernel_attr_params_t;

/**
 * A bare brgemm whose blocks are given by address: `a` and `b` point to `batch` pointers each.
 */
typedef void (*brick_brgemm_address_fn_t)(const void *const *a,
                                          const void *const *b,
                                          void *c,
                                          brick_dim_t batch);

/**
 * A bare brgemm whose blocks are given by offset: block i lies `a_offsets[i]` bytes behind `a`, `b_offsets[i]` behind `b`.
 */
typedef void (*brick_brgemm_offset_fn_t)(const void *a,
                                         const void *b,
                                         void *c,
                                         brick_dim_t batch,
                                         const brick_dim_t *a_offsets,
                                         const brick_dim_t *b_offsets);

/**
 * A bare brgemm whose blocks lie evenly: block i lies i * a_stride bytes behind `a`, i * b_stride behind `b`.
 */
typedef void (*brick_brgemm_stride_fn_t)(const void *a,
                                         const void *b,
                                         void *c,
                                         brick_dim_t batch,
                                         brick_dim_t a_stride,
                                         brick_dim_t b_stride);

/**
 * What brick_brgemm_dispatch() hands out: a C function of the kind that was asked for. `batch` is the number of blocks, 0 or
 * more; `c` is C, which must not overlap A or B.
 */
typedef union brick_brgemm_fn_t {
    /**
     * For #brick_batch_address.
     */
    brick_brgemm_address_fn_t address;
    /**
     * For #brick_batch_offset.
     */
    brick_brgemm_offset_fn_t offset;
    /**
     * For #brick_batch_stride.
     */
    brick_brgemm_stride_fn_t stride;
} brick_brgemm_fn_t;

/**
 * A transform.
 */
typedef struct brick_transform *brick_transform_t;

/**
 * A transform that is only looked at.
 */
typedef const struct brick_transform *const_brick_transform_t;

/**
 * Dimensions, strides or offsets; a tensor of n dimensions uses the first n.
 */
typedef brick_dim_t brick_dims_t[BRICK_MAX_NDIMS];

/**
 * A dimension, stride or offset that is given at execution.
 */
#define BRICK_RUNTIME_DIM_VAL INT64_MIN

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of oneDNN's interface that brick follows, as numbers; brick's own as text in `hash`.
 *
 * @returns A static struct.
 */
BRICK_API const struct brick_version_t *brick_version(void);

/**
 * Why the last call that failed in this thread did so: a sentence that names the argument and the numbers.
 *
 * Calls that succeed leave it as it is.
 *
 * @returns A zero-terminated text, empty if no call has failed yet. It is valid until the next failing call in the same
 *     thread.
 */
BRICK_API
const char *brick_last_error(void);

/**
 * Chooses which verbose lines are written, instead of the environment variable BRICK_VERBOSE.
 *
 * @param level 0: none; 1: failures other than refused arguments and combinations, and a line for each execution; 2: also for
 *     each creation.
 * @returns #brick_invalid_arguments for another level.
 */
BRICK_API
brick_status_t brick_set_verbose(int level);

/**
 * Sends verbose lines to a function instead of stderr.
 *
 * @param log The function; NULL for stderr again. A line that another thread is just writing may still reach the old one.
 * @param ctx Its first argument.
 * @returns #brick_success.
 */
BRICK_API
brick_status_t brick_set_log(brick_log_fn_t log,
                             void *ctx);

/**
 * Switches on or off that every generated kernel is written to a file in the working directory, or in that of the
 * environment variable BRICK_JIT_DUMP.
 *
 * @param enable 1 or 0.
 * @returns #brick_invalid_arguments for another number.
 */
BRICK_API
brick_status_t brick_set_jit_dump(int enable);

/**
 * Chooses the profilers to which generated kernels are announced.
 *
 * @param flags BRICK_JIT_PROFILE_NONE or BRICK_JIT_PROFILE_LINUX_PERFMAP.
 * @returns #brick_invalid_arguments for unknown flags, #brick_unimplemented for the other known ones.
 */
BRICK_API brick_status_t brick_set_jit_profiling_flags(unsigned int flags);

/**
 * Would choose the directory of jitdump files, which brick does not write.
 *
 * @param dir A path.
 * @returns #brick_unimplemented, or #brick_invalid_arguments if `dir` is NULL.
 */
BRICK_API brick_status_t brick_set_jit_profiling_jitdumpdir(const char *dir);

/**
 * Caps the instruction set that kernels may use, instead of the environment variable BRICK_MAX_ISA. To be called before the
 * first primitive descriptor is created.
 *
 * @param isa The highest set; #brick_cpu_isa_default for whatever the processor has.
 * @returns #brick_invalid_arguments for a number that is not an instruction set, or if kernels have been generated already.
 */
BRICK_API
brick_status_t brick_set_max_cpu_isa(brick_cpu_isa_t isa);

/**
 * The highest instruction set that kernels use. It cannot be capped any more after this call.
 *
 * @returns The set; #brick_cpu_isa_sse41 stands for plain portable code.
 */
BRICK_API brick_cpu_isa_t brick_get_effective_cpu_isa(void);

/**
 * Records hints for the choice of instructions. They change nothing in brick.
 *
 * @param isa_hints The hints.
 * @returns #brick_invalid_arguments for a number that is no hint.
 */
BRICK_API brick_status_t brick_set_cpu_isa_hints(brick_cpu_isa_hints_t isa_hints);

/**
 * The hints that were recorded last.
 *
 * @returns The hints; #brick_cpu_isa_no_hints if there are none.
 */
BRICK_API brick_cpu_isa_hints_t brick_get_cpu_isa_hints(void);

/**
 * Queries how many primitives the primitive cache holds at most.
 *
 * @param capacity Receives the number.
 * @returns #brick_invalid_arguments if `capacity` is NULL.
 */
BRICK_API brick_status_t brick_get_primitive_cache_capacity(int *capacity);

/**
 * Sets how many primitives the primitive cache holds at most, instead of the environment variable
 * BRICK_PRIMITIVE_CACHE_CAPACITY. Those that were not used for the longest time leave.
 *
 * @param capacity The number; 0 switches the cache off. The default is 1024.
 * @returns #brick_invalid_arguments for a negative number.
 */
BRICK_API brick_status_t brick_set_primitive_cache_capacity(int capacity);

/**
 * Queries the floating-point mode of new attributes.
 *
 * @param mode Receives the mode.
 * @returns #brick_invalid_arguments if `mode` is NULL.
 */
BRICK_API brick_status_t brick_get_default_fpmath_mode(brick_fpmath_mode_t *mode);

/**
 * Sets the floating-point mode of new attributes.
 *
 * @param mode The mode.
 * @returns #brick_invalid_arguments for a number that is not a mode.
 */
BRICK_API brick_status_t brick_set_default_fpmath_mode(brick_fpmath_mode_t mode);

/**
 * Says what brick found out about the machine. The instruction set cannot be capped any more after this call.
 *
 * @param info Receives the answer.
 * @returns #brick_invalid_arguments if `info` is NULL.
 */
BRICK_API brick_status_t brick_machine_info(struct brick_machine_info_t *info);

/**
 * Number of engines of a kind.
 *
 * @param kind The kind.
 * @returns 1 for #brick_cpu, else 0.
 */
BRICK_API size_t brick_engine_get_count(brick_engine_kind_t kind);

/**
 * Creates an engine. Streams, memory and primitives that work together must be made with the same one.
 *
 * @param engine Output engine; destroy it with brick_engine_destroy().
 * @param kind #brick_cpu.
 * @param index Number of the engine, 0.
 * @returns #brick_invalid_arguments for another index, #brick_unimplemented for another kind.
 */
BRICK_API brick_status_t brick_engine_create(brick_engine_t *engine, brick_engine_kind_t kind, size_t index);

/**
 * Queries an engine's kind.
 *
 * @param engine The engine.
 * @param kind Receives #brick_cpu.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API brick_status_t brick_engine_get_kind(brick_engine_t engine, brick_engine_kind_t *kind);

/**
 * Destroys an engine. Streams and primitives made with it keep working.
 *
 * @param engine The engine, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_engine_destroy(brick_engine_t engine);

/**
 * Creates a stream. Executions are finished when brick_primitive_execute() returns. Any number of threads may use one stream.
 *
 * @param stream Output stream; destroy it with brick_stream_destroy().
 * @param engine The engine.
 * @param flags #brick_stream_in_order or #brick_stream_out_of_order, which are the same here; 0 means the former.
 * @returns #brick_invalid_arguments for other flags, #brick_unimplemented for #brick_stream_profiling.
 */
BRICK_API
brick_status_t brick_stream_create(brick_stream_t *stream,
                                   brick_engine_t engine,
                                   unsigned int flags);

/**
 * Creates a stream whose executions run their parallel parts on the caller's threads.
 *
 * @param stream Output stream; destroy it with brick_stream_destroy().
 * @param engine The engine.
 * @param pool The pool. The struct is copied; the functions and the context must stay valid as long as the stream.
 * @returns #brick_invalid_arguments if a pointer or a function is NULL.
 */
BRICK_API
brick_status_t brick_stream_create_with_pool(brick_stream_t *stream,
                                             brick_engine_t engine,
                                             const struct brick_pool_t *pool);

/**
 * Queries a stream's engine.
 *
 * @param stream The stream.
 * @param engine Receives the engine, which stays the stream's: do not destroy it, unless it is a handle of your own.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_stream_get_engine(const_brick_stream_t stream,
                                       brick_engine_t *engine);

/**
 * Waits until everything submitted to a stream is done; it always is.
 *
 * @param stream The stream.
 * @returns #brick_invalid_arguments if `stream` is NULL.
 */
BRICK_API brick_status_t brick_stream_wait(brick_stream_t stream);

/**
 * Destroys a stream.
 *
 * @param stream The stream, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_stream_destroy(brick_stream_t stream);

/**
 * Creates a memory descriptor from dimensions and strides.
 *
 * @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param ndims Number of dimensions, 0 to 12. With 0 the descriptor is absent: it stands for "no such argument".
 * @param dims `ndims` dimensions; 0 makes an empty tensor, BRICK_RUNTIME_DIM_VAL is a size known at execution.
 * @param data_type Type of the elements.
 * @param strides `ndims` strides in elements, or NULL for a dense row-major layout. 0 repeats the same elements;
 *     strides of dimensions of size 1 are ignored.
 * @returns #brick_invalid_arguments if a dimension or stride is negative, if elements overlap or if a size overflows.
 */
BRICK_API
brick_status_t brick_memory_desc_create_with_strides(brick_memory_desc_t *memory_desc,
                                                     int ndims,
                                                     const brick_dim_t *dims,
                                                     brick_data_type_t data_type,
                                                     const brick_dim_t *strides);

/**
 * Creates a memory descriptor from dimensions and a format tag.
 *
 * @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param ndims Number of dimensions, 0 to 12. With 0 the descriptor is absent: it stands for "no such argument".
 * @param dims `ndims` dimensions; 0 makes an empty tensor, BRICK_RUNTIME_DIM_VAL is a size known at execution.
 * @param data_type Type of the elements.
 * @param tag The layout. #brick_format_tag_any lets the primitive choose, #brick_format_tag_undef makes the
 *     descriptor absent.
 * @returns #brick_invalid_arguments if the tag does not have `ndims` dimensions, a dimension is negative or a size
 *     overflows.
 */
BRICK_API
brick_status_t brick_memory_desc_create_with_tag(brick_memory_desc_t *memory_desc,
                                                 int ndims,
                                                 const brick_dim_t *dims,
                                                 brick_data_type_t data_type,
                                                 brick_format_tag_t tag);

/**
 * Creates a memory descriptor from dimensions and the name of a layout.
 *
 * @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param ndims Number of dimensions, 0 to 12.
 * @param dims `ndims` dimensions.
 * @param data_type Type of the elements.
 * @param tag A zero-terminated name: letters as in `aBcd16b` (any order and blocks, not only those that have a
 *     constant), an alias such as `nchw`, `any` or `undef`.
 * @returns #brick_invalid_arguments if the name is not a layout of `ndims` dimensions.
 */
BRICK_API
brick_status_t brick_memory_desc_create_with_string_tag(brick_memory_desc_t *memory_desc,
                                                        int ndims,
                                                        const brick_dim_t *dims,
                                                        brick_data_type_t data_type,
                                                        const char *tag);

/**
 * Would create a descriptor of a sparse matrix in CSR encoding; brick has no sparse memory.
 *
 * @param memory_desc Left as it is.
 * @param ndims Number of dimensions.
 * @param dims `ndims` dimensions.
 * @param data_type Type of the values.
 * @param nnz Number of non-zero values.
 * @param indices_dt Type of the indices.
 * @param pointers_dt Type of the row pointers.
 * @returns #brick_unimplemented, or #brick_invalid_arguments for values that mean nothing.
 */
BRICK_API
brick_status_t brick_memory_desc_create_with_csr_encoding(brick_memory_desc_t *memory_desc,
                                                          int ndims,
                                                          const brick_dim_t *dims,
                                                          brick_data_type_t data_type,
                                                          brick_dim_t nnz,
                                                          brick_data_type_t indices_dt,
                                                          brick_data_type_t pointers_dt);

/**
 * Would create a descriptor of a sparse tensor in COO encoding; brick has no sparse memory.
 *
 * @param memory_desc Left as it is.
 * @param ndims Number of dimensions.
 * @param dims `ndims` dimensions.
 * @param data_type Type of the values.
 * @param nnz Number of non-zero values.
 * @param indices_dt Type of the indices.
 * @returns #brick_unimplemented, or #brick_invalid_arguments for values that mean nothing.
 */
BRICK_API
brick_status_t brick_memory_desc_create_with_coo_encoding(brick_memory_desc_t *memory_desc,
                                                          int ndims,
                                                          const brick_dim_t *dims,
                                                          brick_data_type_t data_type,
                                                          brick_dim_t nnz,
                                                          brick_data_type_t indices_dt);

/**
 * Would create a descriptor of a packed sparse tensor; brick has no sparse memory.
 *
 * @param memory_desc Left as it is.
 * @param ndims Number of dimensions.
 * @param dims `ndims` dimensions.
 * @param data_type Type of the values.
 * @param nnz Number of non-zero values.
 * @returns #brick_unimplemented, or #brick_invalid_arguments for values that mean nothing.
 */
BRICK_API
brick_status_t brick_memory_desc_create_with_packed_encoding(brick_memory_desc_t *memory_desc,
                                                             int ndims,
                                                             const brick_dim_t *dims,
                                                             brick_data_type_t data_type,
                                                             brick_dim_t nnz);

/**
 * Creates a descriptor of one value that a memory object holds itself, e.g. a scale given at execution.
 *
 * @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param data_type Type of the value.
 * @returns #brick_invalid_arguments if the type is not one.
 */
BRICK_API
brick_status_t brick_memory_desc_create_host_scalar(brick_memory_desc_t *memory_desc,
                                                    brick_data_type_t data_type);

/**
 * Creates a descriptor of a box inside a tensor. It shares the parent's memory: its data handle is the parent's, and
 * the descriptor knows the distance to the box.
 *
 * @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param parent_memory_desc The whole tensor, in a concrete layout.
 * @param dims Size of the box, as many values as the parent has dimensions.
 * @param offsets Its first element, as many values again; multiples of the block size where the layout is blocked.
 * @returns #brick_invalid_arguments if the box does not fit, #brick_unimplemented if it cuts a block.
 */
BRICK_API
brick_status_t brick_memory_desc_create_submemory(brick_memory_desc_t *memory_desc,
                                                  const_brick_memory_desc_t parent_memory_desc,
                                                  const brick_dim_t *dims,
                                                  const brick_dim_t *offsets);

/**
 * Creates a descriptor of the same elements under other dimensions, in the same memory.
 *
 * @param out_memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param in_memory_desc The tensor.
 * @param ndims New number of dimensions.
 * @param dims `ndims` new dimensions with as many elements in all. Dimensions of size 1 may come and go; others may
 *     be split or merged where they lie dense and are not blocked.
 * @returns #brick_invalid_arguments if the elements cannot keep their places.
 */
BRICK_API
brick_status_t brick_memory_desc_reshape(brick_memory_desc_t *out_memory_desc,
                                         const_brick_memory_desc_t in_memory_desc,
                                         int ndims,
                                         const brick_dim_t *dims);

/**
 * Creates a descriptor of the same memory with its axes in another order.
 *
 * @param out_memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param in_memory_desc The tensor.
 * @param permutation As many values as the tensor has dimensions: axis `i` becomes axis `permutation[i]`.
 * @returns #brick_invalid_arguments if `permutation` is not a permutation.
 */
BRICK_API
brick_status_t brick_memory_desc_permute_axes(brick_memory_desc_t *out_memory_desc,
                                              const_brick_memory_desc_t in_memory_desc,
                                              const int *permutation);

/**
 * Creates a descriptor from the bytes that brick_memory_desc_get_blob() wrote.
 *
 * @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param blob As many bytes as brick_memory_desc_get_blob() says.
 * @returns #brick_invalid_arguments if the bytes are not a descriptor.
 */
BRICK_API
brick_status_t brick_memory_desc_create_with_blob(brick_memory_desc_t *memory_desc,
                                                  const uint8_t *blob);

/**
 * Copies a descriptor.
 *
 * @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
 * @param existing_memory_desc The descriptor to copy.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_memory_desc_clone(brick_memory_desc_t *memory_desc,
                                       const_brick_memory_desc_t existing_memory_desc);

/**
 * Destroys a descriptor. Memory objects and primitives made from it are not affected.
 *
 * @param memory_desc The descriptor, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_memory_desc_destroy(brick_memory_desc_t memory_desc);

/**
 * Compares two descriptors. Strides of dimensions of size 1 do not count.
 *
 * @param lhs One descriptor.
 * @param rhs The other.
 * @returns 1 if they describe the same data in the same layout, else 0. NULL equals NULL only.
 */
BRICK_API int brick_memory_desc_equal(const_brick_memory_desc_t lhs, const_brick_memory_desc_t rhs);

/**
 * Bytes of memory that a descriptor needs, from its first element on: the elements before the view that
 * brick_memory_desc_create_submemory() makes do not count, so memory is allocated for the whole, not for the view.
 *
 * @param memory_desc The descriptor.
 * @returns The size; 0 for NULL, an absent descriptor, #brick_format_tag_any or an empty tensor;
 *     BRICK_RUNTIME_SIZE_VAL if dimensions or strides are known at execution only.
 */
BRICK_API
size_t brick_memory_desc_get_size(const_brick_memory_desc_t memory_desc);

/**
 * Bytes of one of the buffers that a descriptor needs. Descriptors of brick have one.
 *
 * @param memory_desc The descriptor.
 * @param index Number of the buffer, 0.
 * @returns As brick_memory_desc_get_size(); 0 for another index.
 */
BRICK_API size_t brick_memory_desc_get_size_v2(const_brick_memory_desc_t memory_desc, int index);

/**
 * Bytes of one element of a type; 1 for 4-bit types, two of which share a byte.
 *
 * @param data_type The type.
 * @returns The size; the largest `size_t` for a number that is not a type.
 */
BRICK_API size_t brick_data_type_size(brick_data_type_t data_type);

/**
 * Queries a descriptor.
 *
 * @param memory_desc The descriptor.
 * @param what The query; it decides what `result` points to: #brick_query_ndims_s32, #brick_query_data_type,
 *     #brick_query_format_kind, #brick_query_inner_nblks_s32 and #brick_query_num_handles_s32 write an `int`,
 *     #brick_query_submemory_offset_s64 writes a `brick_dim_t`, the others write a `const brick_dim_t *` that points
 *     into the descriptor and lives as long as it.
 * @param result Where the answer goes.
 * @returns #brick_invalid_arguments for an unknown query, or if strides or blocks are asked of a descriptor that has
 *     none.
 */
BRICK_API
brick_status_t brick_memory_desc_query(const_brick_memory_desc_t memory_desc,
                                       brick_query_t what,
                                       void *result);

/**
 * Queries a descriptor about one of its buffers. Descriptors of brick have one.
 *
 * @param memory_desc The descriptor.
 * @param what The query, as for brick_memory_desc_query().
 * @param index Number of the buffer, 0.
 * @param result Where the answer goes.
 * @returns As brick_memory_desc_query(); #brick_invalid_arguments for another index.
 */
BRICK_API
brick_status_t brick_memory_desc_query_v2(const_brick_memory_desc_t memory_desc,
                                          brick_query_t what,
                                          int index,
                                          void *result);

/**
 * Writes a descriptor as bytes, for brick_memory_desc_create_with_blob() in this or another process with the same
 * version of brick.
 *
 * @param blob Where the bytes go, or NULL to ask for their number.
 * @param size With `blob` NULL, receives the number of bytes; else says how many `blob` has. May be NULL if `blob`
 *     is large enough.
 * @param memory_desc The descriptor.
 * @returns #brick_invalid_arguments if `blob` is too small.
 */
BRICK_API
brick_status_t brick_memory_desc_get_blob(uint8_t *blob,
                                          size_t *size,
                                          const_brick_memory_desc_t memory_desc);

/**
 * Writes a layout as text: a tag such as `aBcd16b`, followed by the strides (`ab:10x1`) where they are not the dense
 * ones, or `any`, `undef`, `host_scalar`.
 *
 * @param text Where the zero-terminated text goes, or NULL to ask for its size.
 * @param size With `text` NULL, receives the number of bytes with the final zero; else says how many `text` has.
 *     May be NULL if `text` is large enough.
 * @param memory_desc The descriptor.
 * @returns #brick_invalid_arguments if `text` is too small.
 */
BRICK_API
brick_status_t brick_memory_desc_get_layout(char *text,
                                            size_t *size,
                                            const_brick_memory_desc_t memory_desc);

/**
 * Creates a memory object.
 *
 * @param memory Output object; destroy it with brick_memory_destroy().
 * @param memory_desc What the memory holds, in a concrete layout. The object keeps a copy.
 * @param engine The engine. It must outlive the object.
 * @param handle The data: the caller's buffer, which stays the caller's and needs no alignment; BRICK_MEMORY_NONE
 *     for none yet; BRICK_MEMORY_ALLOCATE for a buffer that the object allocates (not initialised, 64-byte aligned)
 *     and frees.
 * @returns #brick_invalid_arguments if the layout is #brick_format_tag_any or has runtime values,
 *     #brick_out_of_memory if the buffer cannot be had.
 */
BRICK_API
brick_status_t brick_memory_create(brick_memory_t *memory,
                                   const_brick_memory_desc_t memory_desc,
                                   brick_engine_t engine,
                                   void *handle);

/**
 * Creates a memory object with one data handle for each buffer of its descriptor. Descriptors of brick have one.
 *
 * @param memory Output object; destroy it with brick_memory_destroy().
 * @param memory_desc What the memory holds, as for brick_memory_create().
 * @param engine The engine. It must outlive the object.
 * @param nhandles Number of handles: 1, or 0 for an absent descriptor.
 * @param handles `nhandles` handles, as for brick_memory_create().
 * @returns As brick_memory_create(); #brick_invalid_arguments for another number of handles.
 */
BRICK_API
brick_status_t brick_memory_create_v2(brick_memory_t *memory,
                                      const_brick_memory_desc_t memory_desc,
                                      brick_engine_t engine,
                                      int nhandles,
                                      void **handles);

/**
 * Creates a memory object that holds one value itself.
 *
 * @param memory Output object; destroy it with brick_memory_destroy().
 * @param memory_desc A descriptor from brick_memory_desc_create_host_scalar().
 * @param scalar_ptr The value, of the descriptor's type; it is copied.
 * @returns #brick_invalid_arguments for another kind of descriptor.
 */
BRICK_API
brick_status_t brick_memory_create_host_scalar(brick_memory_t *memory,
                                               const_brick_memory_desc_t memory_desc,
                                               void *scalar_ptr);

/**
 * The descriptor of a memory object.
 *
 * @param memory The object.
 * @param memory_desc Receives a descriptor that belongs to the object and lives as long as it.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_memory_get_memory_desc(const_brick_memory_t memory,
                                            const_brick_memory_desc_t *memory_desc);

/**
 * The engine of a memory object.
 *
 * @param memory The object.
 * @param engine Receives the engine that the object was created with; NULL for a host scalar.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API brick_status_t brick_memory_get_engine(const_brick_memory_t memory, brick_engine_t *engine);

/**
 * The data of a memory object, for host code to read and write. On a CPU it is the data handle itself.
 *
 * @param memory The object.
 * @param mapped_ptr Receives the address; NULL if the object has no data.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API brick_status_t brick_memory_map_data(const_brick_memory_t memory, void **mapped_ptr);

/**
 * As brick_memory_map_data(), for one of several buffers.
 *
 * @param memory The object.
 * @param mapped_ptr Receives the address; NULL if the object has no data.
 * @param index Number of the buffer, 0.
 * @returns #brick_invalid_arguments if a pointer is NULL or for another index.
 */
BRICK_API brick_status_t brick_memory_map_data_v2(const_brick_memory_t memory, void **mapped_ptr, int index);

/**
 * Ends what brick_memory_map_data() began. On a CPU there is nothing to do.
 *
 * @param memory The object.
 * @param mapped_ptr The address that was mapped.
 * @returns #brick_invalid_arguments if `memory` is NULL.
 */
BRICK_API brick_status_t brick_memory_unmap_data(const_brick_memory_t memory, void *mapped_ptr);

/**
 * As brick_memory_unmap_data(), for one of several buffers.
 *
 * @param memory The object.
 * @param mapped_ptr The address that was mapped.
 * @param index Number of the buffer, 0.
 * @returns #brick_invalid_arguments if `memory` is NULL or for another index.
 */
BRICK_API brick_status_t brick_memory_unmap_data_v2(const_brick_memory_t memory, void *mapped_ptr, int index);

/**
 * The data handle of a memory object.
 *
 * @param memory The object.
 * @param handle Receives the handle; NULL if the object has none.
 * @returns #brick_invalid_arguments if a pointer is NULL, or for a host scalar, which has a value instead.
 */
BRICK_API brick_status_t brick_memory_get_data_handle(const_brick_memory_t memory, void **handle);

/**
 * As brick_memory_get_data_handle(), for one of several buffers.
 *
 * @param memory The object.
 * @param handle Receives the handle; NULL if the object has none.
 * @param index Number of the buffer, 0.
 * @returns As brick_memory_get_data_handle(); #brick_invalid_arguments for another index.
 */
BRICK_API
brick_status_t brick_memory_get_data_handle_v2(const_brick_memory_t memory,
                                               void **handle,
                                               int index);

/**
 * Points a memory object at other data. A buffer that the object allocated is freed.
 *
 * @param memory The object; no other thread may use it meanwhile.
 * @param handle The caller's buffer, large enough for the descriptor, or NULL.
 * @returns #brick_invalid_arguments if `memory` is NULL or a host scalar, or `handle` is BRICK_MEMORY_ALLOCATE.
 */
BRICK_API
brick_status_t brick_memory_set_data_handle(brick_memory_t memory,
                                            void *handle);

/**
 * As brick_memory_set_data_handle(), for one of several buffers.
 *
 * @param memory The object; no other thread may use it meanwhile.
 * @param handle The caller's buffer, large enough for the descriptor, or NULL.
 * @param index Number of the buffer, 0.
 * @returns As brick_memory_set_data_handle(); #brick_invalid_arguments for another index.
 */
BRICK_API brick_status_t brick_memory_set_data_handle_v2(brick_memory_t memory, void *handle, int index);

/**
 * The value of a host scalar.
 *
 * @param memory An object from brick_memory_create_host_scalar().
 * @param value Receives the value, of the object's type.
 * @returns #brick_invalid_arguments if a pointer is NULL or for another kind of object.
 */
BRICK_API brick_status_t brick_memory_get_host_scalar_value(const_brick_memory_t memory, void *value);

/**
 * Replaces the value of a host scalar.
 *
 * @param memory An object from brick_memory_create_host_scalar(); no other thread may use it meanwhile.
 * @param value The new value, of the object's type.
 * @returns #brick_invalid_arguments if a pointer is NULL or for another kind of object.
 */
BRICK_API brick_status_t brick_memory_set_host_scalar_value(brick_memory_t memory, const void *value);

/**
 * Destroys a memory object, and the buffer if the object allocated it.
 *
 * @param memory The object, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_memory_destroy(brick_memory_t memory);

/**
 * Creates default attributes.
 *
 * @param attr Output attributes; destroy them with brick_primitive_attr_destroy().
 * @returns #brick_invalid_arguments if `attr` is NULL.
 */
BRICK_API brick_status_t brick_primitive_attr_create(brick_primitive_attr_t *attr);

/**
 * Copies attributes.
 *
 * @param attr Output attributes; destroy them with brick_primitive_attr_destroy().
 * @param existing_attr The attributes to copy.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_clone(brick_primitive_attr_t *attr,
                                          const_brick_primitive_attr_t existing_attr);

/**
 * Destroys attributes. Descriptors made with them are not affected.
 *
 * @param attr The attributes, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_primitive_attr_destroy(brick_primitive_attr_t attr);

/**
 * Queries dropout.
 *
 * @param attr The attributes.
 * @param mask_desc Receives the mask's descriptor, which lives as long as the attributes; an absent one if dropout is off.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_dropout(const_brick_primitive_attr_t attr,
                                                const_brick_memory_desc_t *mask_desc);

/**
 * Switches dropout on. No primitive of brick honours it: descriptors with it are refused as unimplemented.
 *
 * @param attr The attributes.
 * @param mask_desc The descriptor of the mask that is written; an absent one leaves the mask out.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_dropout(brick_primitive_attr_t attr,
                                                const_brick_memory_desc_t mask_desc);

/**
 * Queries dropout.
 *
 * @param attr The attributes.
 * @param mask_desc Receives the mask's descriptor, as for brick_primitive_attr_get_dropout(). May be NULL, as the others.
 * @param seed_dt Receives the type of the seed; #brick_data_type_undef if dropout is off.
 * @param use_offset Receives whether an offset is given.
 * @param use_host_scalars Receives whether seed, offset and probability are host scalars.
 * @returns #brick_invalid_arguments if `attr` is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_dropout_v2(const_brick_primitive_attr_t attr,
                                                   const_brick_memory_desc_t *mask_desc,
                                                   brick_data_type_t *seed_dt,
                                                   int *use_offset,
                                                   int *use_host_scalars);

/**
 * Switches dropout on, as brick_primitive_attr_set_dropout().
 *
 * @param attr The attributes.
 * @param mask_desc The descriptor of the mask that is written; an absent one leaves the mask out.
 * @param seed_dt #brick_s32 or #brick_s64.
 * @param use_offset 1 if an offset is given at execution, else 0.
 * @param use_host_scalars 1 if seed, offset and probability are given as host scalars, else 0.
 * @returns #brick_invalid_arguments if a pointer is NULL or a value is none of the above.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_dropout_v2(brick_primitive_attr_t attr,
                                                   const_brick_memory_desc_t mask_desc,
                                                   brick_data_type_t seed_dt,
                                                   int use_offset,
                                                   int use_host_scalars);

/**
 * Queries the floating-point mode.
 *
 * @param attr The attributes.
 * @param mode Receives the mode.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_fpmath_mode(const_brick_primitive_attr_t attr,
                                                    brick_fpmath_mode_t *mode);

/**
 * Allows a primitive to convert floats down inside. brick does not use the leave.
 *
 * @param attr The attributes.
 * @param mode The mode.
 * @returns #brick_invalid_arguments for a number that is not a mode.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_fpmath_mode(brick_primitive_attr_t attr,
                                                    brick_fpmath_mode_t mode);

/**
 * Queries the floating-point mode.
 *
 * @param attr The attributes.
 * @param mode Receives the mode; may be NULL.
 * @param apply_to_int Receives whether integers may be converted to floats; may be NULL.
 * @returns #brick_invalid_arguments if `attr` is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_fpmath_mode_v2(const_brick_primitive_attr_t attr,
                                                       brick_fpmath_mode_t *mode,
                                                       int *apply_to_int);

/**
 * Allows a primitive to convert floats down inside, or integer weights up.
 *
 * @param attr The attributes.
 * @param mode The mode.
 * @param apply_to_int 1 if integers may be converted to floats, else 0.
 * @returns #brick_invalid_arguments for values that mean nothing.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_fpmath_mode_v2(brick_primitive_attr_t attr,
                                                       brick_fpmath_mode_t mode,
                                                       int apply_to_int);

/**
 * Queries whether results are the same bits for any number of threads.
 *
 * @param attr The attributes.
 * @param value Receives 0 or 1.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_deterministic(const_brick_primitive_attr_t attr,
                                                      int *value);

/**
 * Demands the same bits for any number of threads. From run to run with as many threads they are the same anyway.
 *
 * @param attr The attributes.
 * @param value 0 or 1.
 * @returns #brick_invalid_arguments for another value.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_deterministic(brick_primitive_attr_t attr,
                                                      int value);

/**
 * Queries the accumulation mode.
 *
 * @param attr The attributes.
 * @param mode Receives the mode.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_accumulation_mode(const_brick_primitive_attr_t attr,
                                                          brick_accumulation_mode_t *mode);

/**
 * Allows a primitive to accumulate in a smaller type. brick accumulates floats in f32 and integers in s32 always.
 *
 * @param attr The attributes.
 * @param mode The mode.
 * @returns #brick_invalid_arguments for a number that is not a mode.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_accumulation_mode(brick_primitive_attr_t attr,
                                                          brick_accumulation_mode_t mode);

/**
 * Queries who provides scratch memory.
 *
 * @param attr The attributes.
 * @param mode Receives the mode.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_scratchpad_mode(const_brick_primitive_attr_t attr,
                                                        brick_scratchpad_mode_t *mode);

/**
 * Says who provides scratch memory.
 *
 * @param attr The attributes.
 * @param mode #brick_scratchpad_mode_library (the default), or #brick_scratchpad_mode_user: then every execution takes a
 *     memory with the descriptor that #brick_query_scratchpad_md answers, as argument #BRICK_ARG_SCRATCHPAD. No two
 *     executions at the same time may share it. What an operation with runtime dims or strides needs is known at execution
 *     only: such a descriptor answers that it needs none, and the library provides it in either mode.
 * @returns #brick_invalid_arguments for a number that is not a mode.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_scratchpad_mode(brick_primitive_attr_t attr,
                                                        brick_scratchpad_mode_t mode);

/**
 * Sets the rounding of an output. Primitives of brick refuse all but #brick_rounding_mode_environment.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mode The mode.
 * @returns #brick_invalid_arguments for values that mean nothing.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_rounding(brick_primitive_attr_t attr,
                                                 int arg,
                                                 brick_rounding_mode_t mode);

/**
 * Queries the rounding of an output.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mode Receives the mode.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_rounding(brick_primitive_attr_t attr,
                                                 int arg,
                                                 brick_rounding_mode_t *mode);

/**
 * Queries the post-ops.
 *
 * @param attr The attributes.
 * @param post_ops Receives the chain, which lives as long as the attributes: do not destroy it.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_post_ops(const_brick_primitive_attr_t attr,
                                                 const_brick_post_ops_t *post_ops);

/**
 * Sets the post-ops: the chain is copied.
 *
 * @param attr The attributes.
 * @param post_ops The chain; NULL for an empty one.
 * @returns #brick_invalid_arguments if `attr` is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_post_ops(brick_primitive_attr_t attr,
                                                 const_brick_post_ops_t post_ops);

/**
 * Scales an argument by f32 values that are given at execution, as argument BRICK_ARG_ATTR_SCALES | arg. Sources and weights
 * are multiplied by them, destinations divided.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the scales vary along dimension d. 0: there is one. The memory holds the values
 *     densely, row-major, in a descriptor of any dimensions.
 * @returns #brick_invalid_arguments if the argument cannot have scales or the mask has bits beyond 12 dimensions.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_scales_mask(brick_primitive_attr_t attr,
                                                    int arg,
                                                    int mask);

/**
 * Scales an argument by values that are given at execution, one for each group of elements. Primitives of brick take groups of
 * single elements and of whole dimensions, and refuse others as unimplemented.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the scales vary along dimension d.
 * @param group_ndims Number of group sizes; 0 for none.
 * @param group_dims `group_ndims` sizes: how many elements share a scale along each of the last dimensions.
 * @param data_type A floating-point type: that of the scales.
 * @returns As brick_primitive_attr_set_scales_mask(); also for group sizes below 1 and other types.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_scales(brick_primitive_attr_t attr,
                                               int arg,
                                               int mask,
                                               int group_ndims,
                                               const brick_dim_t *group_dims,
                                               brick_data_type_t data_type);

/**
 * As brick_primitive_attr_set_scales(), or with a host scalar.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the scales vary along dimension d.
 * @param ndims Number of group sizes; 0 for none.
 * @param group_dims `ndims` group sizes.
 * @param data_type A floating-point type: that of the scales.
 * @param is_on_host 1 if the one scale is given as a host scalar, else 0.
 * @returns As brick_primitive_attr_set_scales().
 */
BRICK_API
brick_status_t brick_primitive_attr_set_scales_v2(brick_primitive_attr_t attr,
                                                  int arg,
                                                  int mask,
                                                  int ndims,
                                                  const brick_dim_t *group_dims,
                                                  brick_data_type_t data_type,
                                                  int is_on_host);

/**
 * As brick_primitive_attr_set_scales_v2(), with a quantization mode.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the scales vary along dimension d.
 * @param ndims Number of group sizes; 0 for none.
 * @param group_dims `ndims` group sizes.
 * @param data_type A floating-point type: that of the scales.
 * @param is_on_host 1 if the one scale is given as a host scalar, else 0.
 * @param qmode How the scales come about; primitives of brick refuse all but #brick_quantization_mode_static_sazp.
 * @returns As brick_primitive_attr_set_scales().
 */
BRICK_API
brick_status_t brick_primitive_attr_set_scales_v3(brick_primitive_attr_t attr,
                                                  int arg,
                                                  int mask,
                                                  int ndims,
                                                  const brick_dim_t *group_dims,
                                                  brick_data_type_t data_type,
                                                  int is_on_host,
                                                  brick_quantization_mode_t qmode);

/**
 * Shifts an argument by s32 values that are given at execution, as argument BRICK_ARG_ATTR_ZERO_POINTS | arg. They are
 * subtracted from sources and weights before these are scaled, and added to destinations after.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the zero points vary along dimension d. 0: there is one.
 * @returns #brick_invalid_arguments if the argument cannot have zero points or the mask has bits beyond 12 dimensions.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_zero_points_mask(brick_primitive_attr_t attr,
                                                         int arg,
                                                         int mask);

/**
 * Shifts an argument by values that are given at execution, one for each group of elements; for groups see
 * brick_primitive_attr_set_scales().
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the zero points vary along dimension d.
 * @param group_ndims Number of group sizes; 0 for none.
 * @param group_dims `group_ndims` sizes: how many elements share a zero point along each of the last dimensions.
 * @param data_type Type of the zero points: #brick_s32, #brick_s8, #brick_u8, #brick_s4 or #brick_u4.
 * @returns As brick_primitive_attr_set_zero_points_mask(); also for group sizes below 1 and other types.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_zero_points(brick_primitive_attr_t attr,
                                                    int arg,
                                                    int mask,
                                                    int group_ndims,
                                                    const brick_dim_t *group_dims,
                                                    brick_data_type_t data_type);

/**
 * As brick_primitive_attr_set_zero_points(), or with a host scalar.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the zero points vary along dimension d.
 * @param ndims Number of group sizes; 0 for none.
 * @param group_dims `ndims` group sizes.
 * @param data_type Type of the zero points.
 * @param is_on_host 1 if the one zero point is given as a host scalar, else 0.
 * @returns As brick_primitive_attr_set_zero_points().
 */
BRICK_API
brick_status_t brick_primitive_attr_set_zero_points_v2(brick_primitive_attr_t attr,
                                                       int arg,
                                                       int mask,
                                                       int ndims,
                                                       const brick_dim_t *group_dims,
                                                       brick_data_type_t data_type,
                                                       int is_on_host);

/**
 * Announces sums over groups of an argument that the caller has computed. No primitive of brick honours it: descriptors
 * with it are refused as unimplemented.
 *
 * @param attr The attributes.
 * @param arg The argument, BRICK_ARG_*.
 * @param mask Bit d set: the sums vary along dimension d.
 * @param group_ndims Number of group sizes; 0 for none.
 * @param group_dims `group_ndims` group sizes.
 * @param data_type Type of the sums, #brick_s32.
 * @returns As brick_primitive_attr_set_zero_points().
 */
BRICK_API
brick_status_t brick_primitive_attr_set_precomputed_reductions(brick_primitive_attr_t attr,
                                                               int arg,
                                                               int mask,
                                                               int group_ndims,
                                                               const brick_dim_t *group_dims,
                                                               brick_data_type_t data_type);

/**
 * Sets how recurrent primitives quantize data: q = scale * x + shift. Reorders of floats to
 * 8-bit integers compute just that; other primitives refuse it as unimplemented.
 *
 * @param attr The attributes.
 * @param scale The scale.
 * @param shift The shift.
 * @returns #brick_invalid_arguments for NaN.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_rnn_data_qparams(brick_primitive_attr_t attr,
                                                         float scale,
                                                         float shift);

/**
 * Queries how recurrent primitives quantize data.
 *
 * @param attr The attributes.
 * @param scale Receives the scale, 1 by default; may be NULL.
 * @param shift Receives the shift, 0 by default; may be NULL.
 * @returns #brick_invalid_arguments if `attr` is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_rnn_data_qparams(const_brick_primitive_attr_t attr,
                                                         float *scale,
                                                         float *shift);

/**
 * Sets how recurrent primitives quantize weights, and reorders that make s8 weights (l, d, i, g, o) of floats. Other
 * primitives refuse it as unimplemented.
 *
 * @param attr The attributes.
 * @param count Number of scales: 1 for mask 0, else that of the positions along the dimensions of the mask.
 * @param mask Bit d set: the scales vary along dimension d of the weights.
 * @param scales `count` scales; they are copied.
 * @returns #brick_invalid_arguments for NaN, a count below 1 or one that does not fit the mask.
 */
BRICK_API
brick_status_t brick_primitive_attr_set_rnn_weights_qparams(brick_primitive_attr_t attr,
                                                            brick_dim_t count,
                                                            int mask,
                                                            const float *scales);

/**
 * Queries how recurrent primitives quantize weights.
 *
 * @param attr The attributes.
 * @param count Receives the number of scales; may be NULL, as the others.
 * @param mask Receives the mask.
 * @param scales Receives a pointer to the scales, which live as long as the attributes.
 * @returns #brick_invalid_arguments if `attr` is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_rnn_weights_qparams(const_brick_primitive_attr_t attr,
                                                            brick_dim_t *count,
                                                            int *mask,
                                                            const float **scales);

/**
 * Sets how recurrent primitives quantize projection weights, as brick_primitive_attr_set_rnn_weights_qparams().
 *
 * @param attr The attributes.
 * @param count Number of scales.
 * @param mask Bit d set: the scales vary along dimension d of the weights.
 * @param scales `count` scales; they are copied.
 * @returns As brick_primitive_attr_set_rnn_weights_qparams().
 */
BRICK_API
brick_status_t brick_primitive_attr_set_rnn_weights_projection_qparams(brick_primitive_attr_t attr,
                                                                       brick_dim_t count,
                                                                       int mask,
                                                                       const float *scales);

/**
 * Queries how recurrent primitives quantize projection weights.
 *
 * @param attr The attributes.
 * @param count Receives the number of scales; may be NULL, as the others.
 * @param mask Receives the mask.
 * @param scales Receives a pointer to the scales, which live as long as the attributes.
 * @returns #brick_invalid_arguments if `attr` is NULL.
 */
BRICK_API
brick_status_t brick_primitive_attr_get_rnn_weights_projection_qparams(const_brick_primitive_attr_t attr,
                                                                       brick_dim_t *count,
                                                                       int *mask,
                                                                       const float **scales);

/**
 * Creates an empty chain.
 *
 * @param post_ops Output chain; destroy it with brick_post_ops_destroy().
 * @returns #brick_invalid_arguments if `post_ops` is NULL.
 */
BRICK_API brick_status_t brick_post_ops_create(brick_post_ops_t *post_ops);

/**
 * Copies a chain.
 *
 * @param post_ops Output chain; destroy it with brick_post_ops_destroy().
 * @param existing_post_ops The chain to copy.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_post_ops_clone(brick_post_ops_t *post_ops,
                                    const_brick_post_ops_t existing_post_ops);

/**
 * Destroys a chain. Attributes that it was given to are not affected.
 *
 * @param post_ops The chain, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_post_ops_destroy(brick_post_ops_t post_ops);

/**
 * Length of a chain.
 *
 * @param post_ops The chain; NULL for an empty one.
 * @returns The number of post-ops.
 */
BRICK_API int brick_post_ops_len(const_brick_post_ops_t post_ops);

/**
 * Kind of a post-op.
 *
 * @param post_ops The chain.
 * @param index Number of the post-op, from 0.
 * @returns #brick_sum, #brick_eltwise, #brick_binary, #brick_prelu or #brick_convolution; #brick_undefined_primitive if there
 *     is no such post-op.
 */
BRICK_API
brick_primitive_kind_t brick_post_ops_get_kind(const_brick_post_ops_t post_ops,
                                               int index);

/**
 * Appends a sum with the old destination: dst = op + scale * (dst - zero_point).
 *
 * @param post_ops The chain.
 * @param scale The scale.
 * @param zero_point The zero point.
 * @param data_type Type to read the destination as, of the same size as its own; #brick_data_type_undef for its own.
 * @returns #brick_invalid_arguments for NaN, a number that is not a type or a chain of 32 post-ops.
 */
BRICK_API
brick_status_t brick_post_ops_append_sum(brick_post_ops_t post_ops,
                                         float scale,
                                         int32_t zero_point,
                                         brick_data_type_t data_type);

/**
 * Queries a sum.
 *
 * @param post_ops The chain.
 * @param index Number of the post-op, from 0.
 * @param scale Receives the scale; may be NULL, as the others.
 * @param zero_point Receives the zero point.
 * @param data_type Receives the type.
 * @returns #brick_invalid_arguments if there is no such post-op or it is not a sum.
 */
BRICK_API
brick_status_t brick_post_ops_get_params_sum(const_brick_post_ops_t post_ops,
                                             int index,
                                             float *scale,
                                             int32_t *zero_point,
                                             brick_data_type_t *data_type);

/**
 * Appends an element-wise operation: dst = alg(op).
 *
 * @param post_ops The chain.
 * @param alg_kind A forward algorithm, brick_eltwise_*.
 * @param alpha First parameter of the algorithm.
 * @param beta Second parameter.
 * @returns #brick_invalid_arguments for NaN, bounds of clip in the wrong order, a soft_relu with alpha 0, another
 *     algorithm or a chain of 32 post-ops.
 */
BRICK_API
brick_status_t brick_post_ops_append_eltwise(brick_post_ops_t post_ops,
                                             brick_alg_kind_t alg_kind,
                                             float alpha,
                                             float beta);

/**
 * Queries an element-wise operation.
 *
 * @param post_ops The chain.
 * @param index Number of the post-op, from 0.
 * @param alg_kind Receives the algorithm; may be NULL, as the others.
 * @param alpha Receives its first parameter.
 * @param beta Receives its second parameter.
 * @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
 */
BRICK_API
brick_status_t brick_post_ops_get_params_eltwise(const_brick_post_ops_t post_ops,
                                                 int index,
                                                 brick_alg_kind_t *alg_kind,
                                                 float *alpha,
                                                 float *beta);

/**
 * Appends a depthwise convolution. No primitive of brick honours it: descriptors with it are refused as unimplemented.
 *
 * @param post_ops The chain.
 * @param weights_data_type Type of the weights.
 * @param bias_data_type Type of the bias; #brick_data_type_undef for none.
 * @param dst_data_type Type of the destination.
 * @param kernel_size Size of the kernel, at least 1.
 * @param stride_size Stride, at least 1.
 * @param padding_l_size Padding, at least 0 and less than the kernel.
 * @returns #brick_invalid_arguments for values that mean nothing or a chain of 32 post-ops.
 */
BRICK_API
brick_status_t brick_post_ops_append_dw(brick_post_ops_t post_ops,
                                        brick_data_type_t weights_data_type,
                                        brick_data_type_t bias_data_type,
                                        brick_data_type_t dst_data_type,
                                        brick_dim_t kernel_size,
                                        brick_dim_t stride_size,
                                        brick_dim_t padding_l_size);

/**
 * Queries a depthwise convolution.
 *
 * @param post_ops The chain.
 * @param index Number of the post-op, from 0.
 * @param weights_data_type Receives the type of the weights; may be NULL, as the others.
 * @param bias_data_type Receives the type of the bias.
 * @param dst_data_type Receives the type of the destination.
 * @param kernel_size Receives the size of the kernel.
 * @param stride_size Receives the stride.
 * @param padding_l_size Receives the padding.
 * @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
 */
BRICK_API
brick_status_t brick_post_ops_get_params_dw(const_brick_post_ops_t post_ops,
                                            int index,
                                            brick_data_type_t *weights_data_type,
                                            brick_data_type_t *bias_data_type,
                                            brick_data_type_t *dst_data_type,
                                            brick_dim_t *kernel_size,
                                            brick_dim_t *stride_size,
                                            brick_dim_t *padding_l_size);

/**
 * Appends a binary operation: dst = alg(op, src1).
 *
 * @param post_ops The chain.
 * @param alg_kind An algorithm of two operands, brick_binary_*.
 * @param src1_desc The other operand, of as many dimensions as the destination; it is repeated along its dimensions of size 1.
 *     Its memory is given at execution, as argument BRICK_ARG_ATTR_MULTIPLE_POST_OP(index) | BRICK_ARG_SRC_1.
 * @returns #brick_invalid_arguments for another algorithm, an absent operand or a chain of 32 post-ops.
 */
BRICK_API
brick_status_t brick_post_ops_append_binary(brick_post_ops_t post_ops,
                                            brick_alg_kind_t alg_kind,
                                            const_brick_memory_desc_t src1_desc);

/**
 * Appends a binary operation, or the selection dst = src2 ? op : src1.
 *
 * @param post_ops The chain.
 * @param alg_kind An algorithm, brick_binary_*.
 * @param src1_desc The second operand, as for brick_post_ops_append_binary().
 * @param src2_desc For #brick_binary_select the condition, given at execution as argument
 *     BRICK_ARG_ATTR_MULTIPLE_POST_OP(index) | BRICK_ARG_SRC_2; else NULL or absent.
 * @returns #brick_invalid_arguments for another algorithm, operands that do not fit it or a chain of 32 post-ops.
 */
BRICK_API
brick_status_t brick_post_ops_append_binary_v2(brick_post_ops_t post_ops,
                                               brick_alg_kind_t alg_kind,
                                               const_brick_memory_desc_t src1_desc,
                                               const_brick_memory_desc_t src2_desc);

/**
 * Queries a binary operation.
 *
 * @param post_ops The chain.
 * @param index Number of the post-op, from 0.
 * @param alg_kind Receives the algorithm; may be NULL, as the other.
 * @param src1_desc Receives the operand's descriptor, which lives as long as the chain.
 * @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
 */
BRICK_API
brick_status_t brick_post_ops_get_params_binary(const_brick_post_ops_t post_ops,
                                                int index,
                                                brick_alg_kind_t *alg_kind,
                                                const_brick_memory_desc_t *src1_desc);

/**
 * Queries a binary operation.
 *
 * @param post_ops The chain.
 * @param index Number of the post-op, from 0.
 * @param alg_kind Receives the algorithm; may be NULL, as the others.
 * @param src1_desc Receives the second operand's descriptor, which lives as long as the chain.
 * @param src2_desc Receives the third operand's; NULL if there is none.
 * @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
 */
BRICK_API
brick_status_t brick_post_ops_get_params_binary_v2(const_brick_post_ops_t post_ops,
                                                   int index,
                                                   brick_alg_kind_t *alg_kind,
                                                   const_brick_memory_desc_t *src1_desc,
                                                   const_brick_memory_desc_t *src2_desc);

/**
 * Appends a leaky rectifier with given slopes: dst = op > 0 ? op : op * weights.
 *
 * @param post_ops The chain.
 * @param mask Bit d set: the weights vary along dimension d. They are given at execution, f32 and dense with dimension 1,
 *     the channels, innermost (#brick_ab, #brick_acb, #brick_acdb, #brick_acdeb), as argument
 *     BRICK_ARG_ATTR_MULTIPLE_POST_OP(index) | BRICK_ARG_WEIGHTS.
 * @returns #brick_invalid_arguments if the mask has bits beyond 12 dimensions, or for a chain of 32 post-ops.
 */
BRICK_API
brick_status_t brick_post_ops_append_prelu(brick_post_ops_t post_ops,
                                           int mask);

/**
 * Queries a leaky rectifier.
 *
 * @param post_ops The chain.
 * @param index Number of the post-op, from 0.
 * @param mask Receives the mask; may be NULL.
 * @returns #brick_invalid_arguments if there is no such post-op or it is of another kind.
 */
BRICK_API
brick_status_t brick_post_ops_get_params_prelu(const_brick_post_ops_t post_ops,
                                               int index,
                                               int *mask);

/**
 * Moves a descriptor on to the next implementation. brick has one of each primitive.
 *
 * @param primitive_desc The descriptor; it stays as it is.
 * @returns #brick_last_impl_reached.
 */
BRICK_API brick_status_t brick_primitive_desc_next_impl(brick_primitive_desc_t primitive_desc);

/**
 * Copies a descriptor.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param existing_primitive_desc The descriptor to copy.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_desc_clone(brick_primitive_desc_t *primitive_desc,
                                          const_brick_primitive_desc_t existing_primitive_desc);

/**
 * Queries the attributes that a descriptor was made with.
 *
 * @param primitive_desc The descriptor.
 * @param attr Receives the attributes, which live as long as the descriptor: do not destroy them.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_desc_get_attr(const_brick_primitive_desc_t primitive_desc,
                                             const_brick_primitive_attr_t *attr);

/**
 * Destroys a descriptor. Primitives made from it are not affected.
 *
 * @param primitive_desc The descriptor, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_primitive_desc_destroy(brick_primitive_desc_t primitive_desc);

/**
 * Queries a descriptor.
 *
 * @param primitive_desc The descriptor.
 * @param what The query; its name says what `result` points to, see #brick_query_t.
 * @param index Which of several answers; of #brick_query_exec_arg_md, the argument's number.
 * @param result Where the answer goes. Descriptors, engines and texts stay the queried descriptor's.
 * @returns #brick_not_required if the primitive needs no such memory, #brick_unimplemented if its kind has no such
 *     parameter, #brick_invalid_arguments for an unknown query.
 */
BRICK_API
brick_status_t brick_primitive_desc_query(const_brick_primitive_desc_t primitive_desc,
                                          brick_query_t what,
                                          int index,
                                          void *result);

/**
 * Queries a memory descriptor that a primitive works with; where the caller left the layout open, the one chosen.
 *
 * @param primitive_desc The descriptor.
 * @param what A query of a memory descriptor, #brick_query_src_md to #brick_query_exec_arg_md.
 * @param index Which of several; of #brick_query_exec_arg_md, the argument's number.
 * @returns A descriptor that lives as long as the queried one: an absent one where the primitive needs no such memory; NULL
 *     for another query, a negative index or NULL.
 */
BRICK_API
const_brick_memory_desc_t brick_primitive_desc_query_md(const_brick_primitive_desc_t primitive_desc,
                                                        brick_query_t what,
                                                        int index);

/**
 * Queries a number.
 *
 * @param primitive_desc The descriptor.
 * @param what A query that answers an `int`.
 * @param index Which of several answers.
 * @returns The answer; 0 for another query or NULL.
 */
BRICK_API
int brick_primitive_desc_query_s32(const_brick_primitive_desc_t primitive_desc,
                                   brick_query_t what,
                                   int index);

/**
 * Creates a primitive: its kernels are generated, unless an equal primitive exists or the primitive cache has one.
 *
 * @param primitive Output primitive; destroy it with brick_primitive_destroy().
 * @param primitive_desc The descriptor; it may be destroyed afterwards, as all that it was made from.
 * @returns #brick_invalid_arguments if a pointer is NULL, #brick_out_of_memory if memory for code or scratch cannot be had.
 */
BRICK_API
brick_status_t brick_primitive_create(brick_primitive_t *primitive,
                                      const_brick_primitive_desc_t primitive_desc);

/**
 * Would create a primitive from a blob; brick generates kernels faster than they could be read back.
 *
 * @param primitive Left as it is.
 * @param primitive_desc The descriptor.
 * @param size Bytes of the blob.
 * @param cache_blob The blob.
 * @returns #brick_unimplemented, or #brick_invalid_arguments if a pointer is NULL or `size` is 0.
 */
BRICK_API
brick_status_t brick_primitive_create_from_cache_blob(brick_primitive_t *primitive,
                                                      const_brick_primitive_desc_t primitive_desc,
                                                      size_t size,
                                                      const uint8_t *cache_blob);

/**
 * Executes a primitive and returns when it is done. Any number of threads may execute one primitive at once, with different
 * outputs.
 *
 * @param primitive The primitive.
 * @param stream The stream, of the same engine.
 * @param nargs Number of arguments.
 * @param args The arguments, in any order. All inputs and outputs of the primitive must be there, and what its attributes ask
 *     for; entries without memory are ignored, and unknown ones unless they are given twice. A memory's descriptor is not compared with the primitive's,
 *     but it must not be smaller; where the primitive was made with runtime dimensions, it says them.
 * @returns #brick_invalid_arguments if an argument is missing, given twice, too small, without data or of another engine.
 */
BRICK_API
brick_status_t brick_primitive_execute(const_brick_primitive_t primitive,
                                       brick_stream_t stream,
                                       int nargs,
                                       const struct brick_exec_arg_t *args);

/**
 * Queries the descriptor that a primitive was made from.
 *
 * @param primitive The primitive.
 * @param primitive_desc Receives a descriptor that lives as long as the primitive: do not destroy it.
 * @returns #brick_invalid_arguments if a pointer is NULL.
 */
BRICK_API
brick_status_t brick_primitive_get_primitive_desc(const_brick_primitive_t primitive,
                                                  const_brick_primitive_desc_t *primitive_desc);

/**
 * Would write a primitive to a blob.
 *
 * @param primitive The primitive.
 * @param size Left as it is.
 * @param cache_blob Left as it is; may be NULL.
 * @returns #brick_unimplemented, or #brick_invalid_arguments if `primitive` or `size` is NULL.
 */
BRICK_API
brick_status_t brick_primitive_get_cache_blob(const_brick_primitive_t primitive,
                                              size_t *size,
                                              uint8_t *cache_blob);

/**
 * Destroys a primitive. No thread may be executing it.
 *
 * @param primitive The primitive, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_primitive_destroy(brick_primitive_t primitive);

/**
 * Creates a descriptor of a reorder: the same elements in another layout or type. Arguments: #BRICK_ARG_FROM, #BRICK_ARG_TO.
 *
 * @param reorder_primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param src_desc The source, in a concrete layout.
 * @param src_engine Its engine.
 * @param dst_desc The destination, of the same dimensions, in a concrete layout.
 * @param dst_engine Its engine, and that of the stream.
 * @param attr Attributes: scales, zero points, the post-op sum. NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_reorder_primitive_desc_create(brick_primitive_desc_t *reorder_primitive_desc,
                                                   const_brick_memory_desc_t src_desc,
                                                   brick_engine_t src_engine,
                                                   const_brick_memory_desc_t dst_desc,
                                                   brick_engine_t dst_engine,
                                                   const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a weighted sum of tensors: dst = scales[0] * src[0] + scales[1] * src[1] + ... Arguments:
 * #BRICK_ARG_MULTIPLE_SRC + i, #BRICK_ARG_DST.
 *
 * @param sum_primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param dst_desc The destination; NULL or absent for the first source's dimensions and layout, which #brick_query_dst_md
 *     tells.
 * @param n Number of sources, 1 to 64.
 * @param scales `n` factors.
 * @param src_descs `n` sources of the same dimensions.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors or NaN, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_sum_primitive_desc_create(brick_primitive_desc_t *sum_primitive_desc,
                                               brick_engine_t engine,
                                               const_brick_memory_desc_t dst_desc,
                                               int n,
                                               const float *scales,
                                               const const_brick_memory_desc_t *src_descs,
                                               const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of an element-wise operation: dst = alg(src). It may run in place: with one buffer for both. Arguments:
 * #BRICK_ARG_SRC, #BRICK_ARG_DST.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param alg_kind The algorithm, brick_eltwise_*.
 * @param src_desc The source, in a concrete layout.
 * @param dst_desc The destination, of the same dimensions.
 * @param alpha First parameter of the algorithm.
 * @param beta Second parameter.
 * @param attr Attributes: binary post-ops and the like. NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors or NaN, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_eltwise_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                           brick_engine_t engine,
                                                           brick_prop_kind_t prop_kind,
                                                           brick_alg_kind_t alg_kind,
                                                           const_brick_memory_desc_t src_desc,
                                                           const_brick_memory_desc_t dst_desc,
                                                           float alpha,
                                                           float beta,
                                                           const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of the derivative of an element-wise operation: diff_src = diff_dst * alg'(data). It may run in place.
 * Arguments: #BRICK_ARG_SRC, or #BRICK_ARG_DST for algorithms that use it; #BRICK_ARG_DIFF_DST, #BRICK_ARG_DIFF_SRC.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param alg_kind The algorithm, brick_eltwise_*.
 * @param diff_src_desc The gradient to compute.
 * @param diff_dst_desc The gradient by the result.
 * @param data_desc The source of the forward pass, or its destination for brick_eltwise_*_use_dst_for_bwd.
 * @param alpha First parameter of the algorithm, as in the forward pass.
 * @param beta Second parameter.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors or NaN, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_eltwise_backward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                            brick_engine_t engine,
                                                            brick_alg_kind_t alg_kind,
                                                            const_brick_memory_desc_t diff_src_desc,
                                                            const_brick_memory_desc_t diff_dst_desc,
                                                            const_brick_memory_desc_t data_desc,
                                                            float alpha,
                                                            float beta,
                                                            const_brick_primitive_desc_t hint_fwd_pd,
                                                            const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a binary operation: dst = alg(src0, src1). It may run in place over src0. Arguments:
 * #BRICK_ARG_SRC_0, #BRICK_ARG_SRC_1, #BRICK_ARG_DST.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param alg_kind An algorithm of two operands, brick_binary_*.
 * @param src0_desc The first operand.
 * @param src1_desc The second; dimensions of size 1 of either are repeated.
 * @param dst_desc The destination.
 * @param attr Attributes: scales of the operands, post-ops. NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_binary_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                  brick_engine_t engine,
                                                  brick_alg_kind_t alg_kind,
                                                  const_brick_memory_desc_t src0_desc,
                                                  const_brick_memory_desc_t src1_desc,
                                                  const_brick_memory_desc_t dst_desc,
                                                  const_brick_primitive_attr_t attr);

/**
 * As brick_binary_primitive_desc_create(), or of the selection dst = src2 ? src0 : src1, which has the argument
 * #BRICK_ARG_SRC_2, too.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param alg_kind An algorithm, brick_binary_*.
 * @param src0_desc The first operand.
 * @param src1_desc The second operand.
 * @param src2_desc The condition of #brick_binary_select; else NULL or absent.
 * @param dst_desc The destination.
 * @param attr Attributes; NULL for the defaults.
 * @returns As brick_binary_primitive_desc_create().
 */
BRICK_API
brick_status_t brick_binary_primitive_desc_create_v2(brick_primitive_desc_t *primitive_desc,
                                                     brick_engine_t engine,
                                                     brick_alg_kind_t alg_kind,
                                                     const_brick_memory_desc_t src0_desc,
                                                     const_brick_memory_desc_t src1_desc,
                                                     const_brick_memory_desc_t src2_desc,
                                                     const_brick_memory_desc_t dst_desc,
                                                     const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a fully connected layer: dst = src * weights^T + bias. The source has 2 to 5 dimensions (mb, ic, ...),
 * the weights as many (oc, ic, ...), the bias 1 (oc), the destination 2 (mb, oc). Arguments: #BRICK_ARG_SRC,
 * #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param src_desc The source.
 * @param weights_desc The weights.
 * @param bias_desc The bias; NULL or absent for none.
 * @param dst_desc The destination.
 * @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_inner_product_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                 brick_engine_t engine,
                                                                 brick_prop_kind_t prop_kind,
                                                                 const_brick_memory_desc_t src_desc,
                                                                 const_brick_memory_desc_t weights_desc,
                                                                 const_brick_memory_desc_t bias_desc,
                                                                 const_brick_memory_desc_t dst_desc,
                                                                 const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a fully connected layer's gradient by its source: diff_src = diff_dst * weights. Arguments:
 * #BRICK_ARG_DIFF_DST, #BRICK_ARG_WEIGHTS, #BRICK_ARG_DIFF_SRC.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param diff_src_desc The gradient to compute.
 * @param weights_desc The weights.
 * @param diff_dst_desc The gradient by the result.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns As brick_inner_product_forward_primitive_desc_create().
 */
BRICK_API
brick_status_t brick_inner_product_backward_data_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                       brick_engine_t engine,
                                                                       const_brick_memory_desc_t diff_src_desc,
                                                                       const_brick_memory_desc_t weights_desc,
                                                                       const_brick_memory_desc_t diff_dst_desc,
                                                                       const_brick_primitive_desc_t hint_fwd_pd,
                                                                       const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a fully connected layer's gradients by its weights and bias: diff_weights = diff_dst^T * src, and
 * diff_bias the column sums of diff_dst. Arguments: #BRICK_ARG_SRC, #BRICK_ARG_DIFF_DST, #BRICK_ARG_DIFF_WEIGHTS,
 * #BRICK_ARG_DIFF_BIAS.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param src_desc The source.
 * @param diff_weights_desc The gradient by the weights.
 * @param diff_bias_desc The gradient by the bias; NULL or absent for none.
 * @param diff_dst_desc The gradient by the result.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns As brick_inner_product_forward_primitive_desc_create().
 */
BRICK_API
brick_status_t brick_inner_product_backward_weights_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                          brick_engine_t engine,
                                                                          const_brick_memory_desc_t src_desc,
                                                                          const_brick_memory_desc_t diff_weights_desc,
                                                                          const_brick_memory_desc_t diff_bias_desc,
                                                                          const_brick_memory_desc_t diff_dst_desc,
                                                                          const_brick_primitive_desc_t hint_fwd_pd,
                                                                          const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a matrix multiplication: dst[b][m][n] = sum over k of src[b][m][k] * weights[b][k][n], + bias. All
 * have the same number of dimensions, 2 to 12; batch dimensions of size 1 are repeated. A transposed matrix is one with other
 * strides. Dimensions and strides may be BRICK_RUNTIME_DIM_VAL: the memory given at execution says them. Both matrices are
 * f32, bf16 or f16, or each of 8-bit integers; the destination may be of any of these types, with integers s32, too. Arguments:
 * #BRICK_ARG_SRC, #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param src_desc The first matrix.
 * @param weights_desc The second.
 * @param bias_desc The bias, of as many dimensions, each that of the destination or 1; NULL or absent for none.
 * @param dst_desc The destination.
 * @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_matmul_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                  brick_engine_t engine,
                                                  const_brick_memory_desc_t src_desc,
                                                  const_brick_memory_desc_t weights_desc,
                                                  const_brick_memory_desc_t bias_desc,
                                                  const_brick_memory_desc_t dst_desc,
                                                  const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a vanilla recurrent layer: h' = activation(W x + U h + b). Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param activation #brick_eltwise_relu, #brick_eltwise_tanh or #brick_eltwise_logistic.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param flags #brick_rnn_flags_t.
 * @param alpha Slope of #brick_eltwise_relu for negative values.
 * @param beta Not used.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_vanilla_rnn_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                               brick_engine_t engine,
                                                               brick_prop_kind_t prop_kind,
                                                               brick_alg_kind_t activation,
                                                               brick_rnn_direction_t direction,
                                                               const_brick_memory_desc_t src_layer_desc,
                                                               const_brick_memory_desc_t src_iter_desc,
                                                               const_brick_memory_desc_t weights_layer_desc,
                                                               const_brick_memory_desc_t weights_iter_desc,
                                                               const_brick_memory_desc_t bias_desc,
                                                               const_brick_memory_desc_t dst_layer_desc,
                                                               const_brick_memory_desc_t dst_iter_desc,
                                                               uint32_t flags,
                                                               float alpha,
                                                               float beta,
                                                               const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of the gradients of a vanilla recurrent layer. Arguments are the forward pass's, all as inputs, its workspace, and
 * the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
 * are added to what their memory holds, unless flags say otherwise.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_backward.
 * @param activation #brick_eltwise_relu, #brick_eltwise_tanh or #brick_eltwise_logistic.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param diff_src_layer_desc The gradient by src_layer.
 * @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
 * @param diff_weights_layer_desc The gradient by weights_layer.
 * @param diff_weights_iter_desc The gradient by weights_iter.
 * @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
 * @param diff_dst_layer_desc The gradient by dst_layer.
 * @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
 * @param flags #brick_rnn_flags_t.
 * @param alpha Slope of #brick_eltwise_relu for negative values.
 * @param beta Not used.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_vanilla_rnn_backward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                brick_engine_t engine,
                                                                brick_prop_kind_t prop_kind,
                                                                brick_alg_kind_t activation,
                                                                brick_rnn_direction_t direction,
                                                                const_brick_memory_desc_t src_layer_desc,
                                                                const_brick_memory_desc_t src_iter_desc,
                                                                const_brick_memory_desc_t weights_layer_desc,
                                                                const_brick_memory_desc_t weights_iter_desc,
                                                                const_brick_memory_desc_t bias_desc,
                                                                const_brick_memory_desc_t dst_layer_desc,
                                                                const_brick_memory_desc_t dst_iter_desc,
                                                                const_brick_memory_desc_t diff_src_layer_desc,
                                                                const_brick_memory_desc_t diff_src_iter_desc,
                                                                const_brick_memory_desc_t diff_weights_layer_desc,
                                                                const_brick_memory_desc_t diff_weights_iter_desc,
                                                                const_brick_memory_desc_t diff_bias_desc,
                                                                const_brick_memory_desc_t diff_dst_layer_desc,
                                                                const_brick_memory_desc_t diff_dst_iter_desc,
                                                                uint32_t flags,
                                                                float alpha,
                                                                float beta,
                                                                const_brick_primitive_desc_t hint_fwd_pd,
                                                                const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of an LSTM layer: c' = f c + i tanh(...), h' = o tanh(c'), with gates in the order i, f, c, o. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_SRC_ITER_C, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_WEIGHTS_PEEPHOLE, #BRICK_ARG_WEIGHTS_PROJECTION, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER, #BRICK_ARG_DST_ITER_C; for training also #BRICK_ARG_WORKSPACE.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param src_iter_c_desc The cell states before the first step, (layers, directions, n, channels of the cell); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param weights_peephole_desc Peephole weights, (layers, directions, 3, channels); NULL or absent for none.
 * @param weights_projection_desc Projection weights, (layers, directions, channels, projected channels); NULL or absent for none.
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param dst_iter_c_desc The cell states after the last step, as src_iter_c; NULL or absent if not needed.
 * @param flags #brick_rnn_flags_t.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_lstm_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                        brick_engine_t engine,
                                                        brick_prop_kind_t prop_kind,
                                                        brick_rnn_direction_t direction,
                                                        const_brick_memory_desc_t src_layer_desc,
                                                        const_brick_memory_desc_t src_iter_desc,
                                                        const_brick_memory_desc_t src_iter_c_desc,
                                                        const_brick_memory_desc_t weights_layer_desc,
                                                        const_brick_memory_desc_t weights_iter_desc,
                                                        const_brick_memory_desc_t weights_peephole_desc,
                                                        const_brick_memory_desc_t weights_projection_desc,
                                                        const_brick_memory_desc_t bias_desc,
                                                        const_brick_memory_desc_t dst_layer_desc,
                                                        const_brick_memory_desc_t dst_iter_desc,
                                                        const_brick_memory_desc_t dst_iter_c_desc,
                                                        uint32_t flags,
                                                        const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of the gradients of an LSTM layer. Arguments are the forward pass's, all as inputs, its workspace, and
 * the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
 * are added to what their memory holds, unless flags say otherwise.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_backward.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param src_iter_c_desc The cell states before the first step, (layers, directions, n, channels of the cell); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param weights_peephole_desc Peephole weights, (layers, directions, 3, channels); NULL or absent for none.
 * @param weights_projection_desc Projection weights, (layers, directions, channels, projected channels); NULL or absent for none.
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param dst_iter_c_desc The cell states after the last step, as src_iter_c; NULL or absent if not needed.
 * @param diff_src_layer_desc The gradient by src_layer.
 * @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
 * @param diff_src_iter_c_desc The gradient by src_iter_c; NULL or absent if not needed.
 * @param diff_weights_layer_desc The gradient by weights_layer.
 * @param diff_weights_iter_desc The gradient by weights_iter.
 * @param diff_weights_peephole_desc The gradient by weights_peephole; NULL or absent if not needed.
 * @param diff_weights_projection_desc The gradient by weights_projection; NULL or absent if not needed.
 * @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
 * @param diff_dst_layer_desc The gradient by dst_layer.
 * @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
 * @param diff_dst_iter_c_desc The gradient by dst_iter_c; NULL or absent for zeros.
 * @param flags #brick_rnn_flags_t.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_lstm_backward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                         brick_engine_t engine,
                                                         brick_prop_kind_t prop_kind,
                                                         brick_rnn_direction_t direction,
                                                         const_brick_memory_desc_t src_layer_desc,
                                                         const_brick_memory_desc_t src_iter_desc,
                                                         const_brick_memory_desc_t src_iter_c_desc,
                                                         const_brick_memory_desc_t weights_layer_desc,
                                                         const_brick_memory_desc_t weights_iter_desc,
                                                         const_brick_memory_desc_t weights_peephole_desc,
                                                         const_brick_memory_desc_t weights_projection_desc,
                                                         const_brick_memory_desc_t bias_desc,
                                                         const_brick_memory_desc_t dst_layer_desc,
                                                         const_brick_memory_desc_t dst_iter_desc,
                                                         const_brick_memory_desc_t dst_iter_c_desc,
                                                         const_brick_memory_desc_t diff_src_layer_desc,
                                                         const_brick_memory_desc_t diff_src_iter_desc,
                                                         const_brick_memory_desc_t diff_src_iter_c_desc,
                                                         const_brick_memory_desc_t diff_weights_layer_desc,
                                                         const_brick_memory_desc_t diff_weights_iter_desc,
                                                         const_brick_memory_desc_t diff_weights_peephole_desc,
                                                         const_brick_memory_desc_t diff_weights_projection_desc,
                                                         const_brick_memory_desc_t diff_bias_desc,
                                                         const_brick_memory_desc_t diff_dst_layer_desc,
                                                         const_brick_memory_desc_t diff_dst_iter_desc,
                                                         const_brick_memory_desc_t diff_dst_iter_c_desc,
                                                         uint32_t flags,
                                                         const_brick_primitive_desc_t hint_fwd_pd,
                                                         const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a GRU layer: h' = u h + (1 - u) tanh(W x + U (r h) + b), with gates in the order u, r, o. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param flags #brick_rnn_flags_t.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_gru_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                       brick_engine_t engine,
                                                       brick_prop_kind_t prop_kind,
                                                       brick_rnn_direction_t direction,
                                                       const_brick_memory_desc_t src_layer_desc,
                                                       const_brick_memory_desc_t src_iter_desc,
                                                       const_brick_memory_desc_t weights_layer_desc,
                                                       const_brick_memory_desc_t weights_iter_desc,
                                                       const_brick_memory_desc_t bias_desc,
                                                       const_brick_memory_desc_t dst_layer_desc,
                                                       const_brick_memory_desc_t dst_iter_desc,
                                                       uint32_t flags,
                                                       const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of the gradients of a GRU layer. Arguments are the forward pass's, all as inputs, its workspace, and
 * the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
 * are added to what their memory holds, unless flags say otherwise.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_backward.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param diff_src_layer_desc The gradient by src_layer.
 * @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
 * @param diff_weights_layer_desc The gradient by weights_layer.
 * @param diff_weights_iter_desc The gradient by weights_iter.
 * @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
 * @param diff_dst_layer_desc The gradient by dst_layer.
 * @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
 * @param flags #brick_rnn_flags_t.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_gru_backward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                        brick_engine_t engine,
                                                        brick_prop_kind_t prop_kind,
                                                        brick_rnn_direction_t direction,
                                                        const_brick_memory_desc_t src_layer_desc,
                                                        const_brick_memory_desc_t src_iter_desc,
                                                        const_brick_memory_desc_t weights_layer_desc,
                                                        const_brick_memory_desc_t weights_iter_desc,
                                                        const_brick_memory_desc_t bias_desc,
                                                        const_brick_memory_desc_t dst_layer_desc,
                                                        const_brick_memory_desc_t dst_iter_desc,
                                                        const_brick_memory_desc_t diff_src_layer_desc,
                                                        const_brick_memory_desc_t diff_src_iter_desc,
                                                        const_brick_memory_desc_t diff_weights_layer_desc,
                                                        const_brick_memory_desc_t diff_weights_iter_desc,
                                                        const_brick_memory_desc_t diff_bias_desc,
                                                        const_brick_memory_desc_t diff_dst_layer_desc,
                                                        const_brick_memory_desc_t diff_dst_iter_desc,
                                                        uint32_t flags,
                                                        const_brick_primitive_desc_t hint_fwd_pd,
                                                        const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a GRU layer with linear-before-reset cells: h' = u h + (1 - u) tanh(W x + b + r (U h + b')), with gates in the order u, r, o and a bias for the fourth, b'. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param flags #brick_rnn_flags_t.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_lbr_gru_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                           brick_engine_t engine,
                                                           brick_prop_kind_t prop_kind,
                                                           brick_rnn_direction_t direction,
                                                           const_brick_memory_desc_t src_layer_desc,
                                                           const_brick_memory_desc_t src_iter_desc,
                                                           const_brick_memory_desc_t weights_layer_desc,
                                                           const_brick_memory_desc_t weights_iter_desc,
                                                           const_brick_memory_desc_t bias_desc,
                                                           const_brick_memory_desc_t dst_layer_desc,
                                                           const_brick_memory_desc_t dst_iter_desc,
                                                           uint32_t flags,
                                                           const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of the gradients of a GRU layer with linear-before-reset cells. Arguments are the forward pass's, all as inputs, its workspace, and
 * the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
 * are added to what their memory holds, unless flags say otherwise.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_backward.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param diff_src_layer_desc The gradient by src_layer.
 * @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
 * @param diff_weights_layer_desc The gradient by weights_layer.
 * @param diff_weights_iter_desc The gradient by weights_iter.
 * @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
 * @param diff_dst_layer_desc The gradient by dst_layer.
 * @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
 * @param flags #brick_rnn_flags_t.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_lbr_gru_backward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                            brick_engine_t engine,
                                                            brick_prop_kind_t prop_kind,
                                                            brick_rnn_direction_t direction,
                                                            const_brick_memory_desc_t src_layer_desc,
                                                            const_brick_memory_desc_t src_iter_desc,
                                                            const_brick_memory_desc_t weights_layer_desc,
                                                            const_brick_memory_desc_t weights_iter_desc,
                                                            const_brick_memory_desc_t bias_desc,
                                                            const_brick_memory_desc_t dst_layer_desc,
                                                            const_brick_memory_desc_t dst_iter_desc,
                                                            const_brick_memory_desc_t diff_src_layer_desc,
                                                            const_brick_memory_desc_t diff_src_iter_desc,
                                                            const_brick_memory_desc_t diff_weights_layer_desc,
                                                            const_brick_memory_desc_t diff_weights_iter_desc,
                                                            const_brick_memory_desc_t diff_bias_desc,
                                                            const_brick_memory_desc_t diff_dst_layer_desc,
                                                            const_brick_memory_desc_t diff_dst_iter_desc,
                                                            uint32_t flags,
                                                            const_brick_primitive_desc_t hint_fwd_pd,
                                                            const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a GRU layer with attention: the update gate u is multiplied by 1 - attention. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_AUGRU_ATTENTION, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param attention_desc The attention, (t, n, 1).
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param flags #brick_rnn_flags_t.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_augru_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                         brick_engine_t engine,
                                                         brick_prop_kind_t prop_kind,
                                                         brick_rnn_direction_t direction,
                                                         const_brick_memory_desc_t src_layer_desc,
                                                         const_brick_memory_desc_t src_iter_desc,
                                                         const_brick_memory_desc_t attention_desc,
                                                         const_brick_memory_desc_t weights_layer_desc,
                                                         const_brick_memory_desc_t weights_iter_desc,
                                                         const_brick_memory_desc_t bias_desc,
                                                         const_brick_memory_desc_t dst_layer_desc,
                                                         const_brick_memory_desc_t dst_iter_desc,
                                                         uint32_t flags,
                                                         const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of the gradients of a GRU layer with attention. Arguments are the forward pass's, all as inputs, its workspace, and
 * the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
 * are added to what their memory holds, unless flags say otherwise.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_backward.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param attention_desc The attention, (t, n, 1).
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param diff_src_layer_desc The gradient by src_layer.
 * @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
 * @param diff_attention_desc The gradient by attention.
 * @param diff_weights_layer_desc The gradient by weights_layer.
 * @param diff_weights_iter_desc The gradient by weights_iter.
 * @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
 * @param diff_dst_layer_desc The gradient by dst_layer.
 * @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
 * @param flags #brick_rnn_flags_t.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_augru_backward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                          brick_engine_t engine,
                                                          brick_prop_kind_t prop_kind,
                                                          brick_rnn_direction_t direction,
                                                          const_brick_memory_desc_t src_layer_desc,
                                                          const_brick_memory_desc_t src_iter_desc,
                                                          const_brick_memory_desc_t attention_desc,
                                                          const_brick_memory_desc_t weights_layer_desc,
                                                          const_brick_memory_desc_t weights_iter_desc,
                                                          const_brick_memory_desc_t bias_desc,
                                                          const_brick_memory_desc_t dst_layer_desc,
                                                          const_brick_memory_desc_t dst_iter_desc,
                                                          const_brick_memory_desc_t diff_src_layer_desc,
                                                          const_brick_memory_desc_t diff_src_iter_desc,
                                                          const_brick_memory_desc_t diff_attention_desc,
                                                          const_brick_memory_desc_t diff_weights_layer_desc,
                                                          const_brick_memory_desc_t diff_weights_iter_desc,
                                                          const_brick_memory_desc_t diff_bias_desc,
                                                          const_brick_memory_desc_t diff_dst_layer_desc,
                                                          const_brick_memory_desc_t diff_dst_iter_desc,
                                                          uint32_t flags,
                                                          const_brick_primitive_desc_t hint_fwd_pd,
                                                          const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a GRU layer with linear-before-reset cells and attention: the update gate u is multiplied by 1 - attention. Arguments: #BRICK_ARG_SRC_LAYER, #BRICK_ARG_SRC_ITER, #BRICK_ARG_AUGRU_ATTENTION, #BRICK_ARG_WEIGHTS_LAYER, #BRICK_ARG_WEIGHTS_ITER, #BRICK_ARG_BIAS, #BRICK_ARG_DST_LAYER, #BRICK_ARG_DST_ITER; for training also #BRICK_ARG_WORKSPACE.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param attention_desc The attention, (t, n, 1).
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param flags #brick_rnn_flags_t.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_lbr_augru_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                             brick_engine_t engine,
                                                             brick_prop_kind_t prop_kind,
                                                             brick_rnn_direction_t direction,
                                                             const_brick_memory_desc_t src_layer_desc,
                                                             const_brick_memory_desc_t src_iter_desc,
                                                             const_brick_memory_desc_t attention_desc,
                                                             const_brick_memory_desc_t weights_layer_desc,
                                                             const_brick_memory_desc_t weights_iter_desc,
                                                             const_brick_memory_desc_t bias_desc,
                                                             const_brick_memory_desc_t dst_layer_desc,
                                                             const_brick_memory_desc_t dst_iter_desc,
                                                             uint32_t flags,
                                                             const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of the gradients of a GRU layer with linear-before-reset cells and attention. Arguments are the forward pass's, all as inputs, its workspace, and
 * the gradients, #BRICK_ARG_DIFF_SRC_LAYER and so on: those by dst are inputs, the others are written. Gradients by weights and bias
 * are added to what their memory holds, unless flags say otherwise.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_backward.
 * @param direction The order in which time steps are seen, #brick_rnn_direction_t.
 * @param src_layer_desc The input, (t, n, channels).
 * @param src_iter_desc The states before the first step, (layers, directions, n, channels); NULL or absent for zeros.
 * @param attention_desc The attention, (t, n, 1).
 * @param weights_layer_desc Weights of the input, (layers, directions, input channels, gates, channels).
 * @param weights_iter_desc Weights of the states, (layers, directions, state channels, gates, channels).
 * @param bias_desc The bias, (layers, directions, gates, channels); NULL or absent for none.
 * @param dst_layer_desc The states of the last layer at every step, (t, n, channels), not over src_layer; twice the channels for
 *     #brick_bidirectional_concat.
 * @param dst_iter_desc The states after the last step, (layers, directions, n, channels); NULL or absent if not needed.
 * @param diff_src_layer_desc The gradient by src_layer.
 * @param diff_src_iter_desc The gradient by src_iter; NULL or absent if not needed.
 * @param diff_attention_desc The gradient by attention.
 * @param diff_weights_layer_desc The gradient by weights_layer.
 * @param diff_weights_iter_desc The gradient by weights_iter.
 * @param diff_bias_desc The gradient by bias; NULL or absent if not needed.
 * @param diff_dst_layer_desc The gradient by dst_layer.
 * @param diff_dst_iter_desc The gradient by dst_iter; NULL or absent for zeros.
 * @param flags #brick_rnn_flags_t.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_lbr_augru_backward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                              brick_engine_t engine,
                                                              brick_prop_kind_t prop_kind,
                                                              brick_rnn_direction_t direction,
                                                              const_brick_memory_desc_t src_layer_desc,
                                                              const_brick_memory_desc_t src_iter_desc,
                                                              const_brick_memory_desc_t attention_desc,
                                                              const_brick_memory_desc_t weights_layer_desc,
                                                              const_brick_memory_desc_t weights_iter_desc,
                                                              const_brick_memory_desc_t bias_desc,
                                                              const_brick_memory_desc_t dst_layer_desc,
                                                              const_brick_memory_desc_t dst_iter_desc,
                                                              const_brick_memory_desc_t diff_src_layer_desc,
                                                              const_brick_memory_desc_t diff_src_iter_desc,
                                                              const_brick_memory_desc_t diff_attention_desc,
                                                              const_brick_memory_desc_t diff_weights_layer_desc,
                                                              const_brick_memory_desc_t diff_weights_iter_desc,
                                                              const_brick_memory_desc_t diff_bias_desc,
                                                              const_brick_memory_desc_t diff_dst_layer_desc,
                                                              const_brick_memory_desc_t diff_dst_iter_desc,
                                                              uint32_t flags,
                                                              const_brick_primitive_desc_t hint_fwd_pd,
                                                              const_brick_primitive_attr_t attr);

/**
 * Multiplies matrices: C = alpha * op(A) * op(B) + beta * C. All matrices are row-major.
 *
 * It runs on the default threads and returns when C is complete. The first call of a shape generates its kernels; later
 * ones find them, without a lock if this thread used the shape lately. Any number of threads may call it at once.
 *
 * @param transa 'N' or 'n': op(A) = A, M rows of K elements; 'T' or 't': op(A) is A transposed, which has K rows of M elements.
 * @param transb 'N' or 'n': op(B) = B, K rows of N elements; 'T' or 't': op(B) is B transposed, which has N rows of K elements.
 * @param M Rows of C; 0 is allowed and does nothing.
 * @param N Columns of C; 0 is allowed and does nothing.
 * @param K Length of the sums; 0 leaves beta * C.
 * @param alpha Factor of the product. If it is 0, A and B are not read.
 * @param A First matrix. It, B and C must not be NULL where they have elements.
 * @param lda Elements from one row of A, as it lies, to the next; not less than a row has, and at least 1. The same holds for
 *     `ldb` and `ldc`.
 * @param B Second matrix.
 * @param ldb Elements from one row of B to the next.
 * @param beta Factor of the old C. If it is 0, C is not read and may hold anything.
 * @param C Result, M rows of N elements; it must not overlap A or B. What lies between its rows is left alone.
 * @param ldc Elements from one row of C to the next.
 * @returns #brick_invalid_arguments if an argument is wrong, and C is as before.
 */
BRICK_API
brick_status_t brick_sgemm(char transa,
                           char transb,
                           brick_dim_t M,
                           brick_dim_t N,
                           brick_dim_t K,
                           float alpha,
                           const float *A,
                           brick_dim_t lda,
                           const float *B,
                           brick_dim_t ldb,
                           float beta,
                           float *C,
                           brick_dim_t ldc);

/**
 * Multiplies matrices of bytes, A unsigned: C = alpha * (op(A) - ao) * (op(B) - bo) + beta * C + co. All matrices are
 * row-major.
 *
 * Where alpha is 1 and beta 0 or 1, everything is computed in s32, exactly as long as it fits and modulo 2^32 where it does
 * not. Otherwise the sums of products, exact in s32, are scaled and added in f32, and the result is rounded to nearest even
 * and saturated. Threads and kernels are as for brick_sgemm().
 *
 * @param transa As for brick_sgemm().
 * @param transb As for brick_sgemm().
 * @param offsetc What `co` holds: 'F' or 'f' for one value that is added everywhere, 'C' or 'c' for a column of M values, one a row
 *     of C, 'R' or 'r' for a row of N values, one a column of C.
 * @param M As for brick_sgemm().
 * @param N As for brick_sgemm().
 * @param K As for brick_sgemm().
 * @param alpha As for brick_sgemm().
 * @param A As for brick_sgemm().
 * @param lda As for brick_sgemm().
 * @param ao Subtracted from every element of A.
 * @param B As for brick_sgemm().
 * @param ldb As for brick_sgemm().
 * @param bo Subtracted from every element of B.
 * @param beta As for brick_sgemm().
 * @param C As for brick_sgemm().
 * @param ldc As for brick_sgemm().
 * @param co Added to C; not NULL where C has elements.
 * @returns #brick_invalid_arguments if an argument is wrong, and C is as before.
 */
BRICK_API
brick_status_t brick_gemm_u8s8s32(char transa,
                                  char transb,
                                  char offsetc,
                                  brick_dim_t M,
                                  brick_dim_t N,
                                  brick_dim_t K,
                                  float alpha,
                                  const uint8_t *A,
                                  brick_dim_t lda,
                                  uint8_t ao,
                                  const int8_t *B,
                                  brick_dim_t ldb,
                                  int8_t bo,
                                  float beta,
                                  int32_t *C,
                                  brick_dim_t ldc,
                                  const int32_t *co);

/**
 * Multiplies matrices of signed bytes: C = alpha * (op(A) - ao) * (op(B) - bo) + beta * C + co.
 *
 * Everything is as for brick_gemm_u8s8s32(), but for the type of A and of its offset.
 *
 * @param transa As for brick_sgemm().
 * @param transb As for brick_sgemm().
 * @param offsetc As for brick_gemm_u8s8s32().
 * @param M As for brick_sgemm().
 * @param N As for brick_sgemm().
 * @param K As for brick_sgemm().
 * @param alpha As for brick_sgemm().
 * @param A As for brick_sgemm().
 * @param lda As for brick_sgemm().
 * @param ao As for brick_gemm_u8s8s32().
 * @param B As for brick_sgemm().
 * @param ldb As for brick_sgemm().
 * @param bo As for brick_gemm_u8s8s32().
 * @param beta As for brick_sgemm().
 * @param C As for brick_sgemm().
 * @param ldc As for brick_sgemm().
 * @param co As for brick_gemm_u8s8s32().
 * @returns #brick_invalid_arguments if an argument is wrong, and C is as before.
 */
BRICK_API
brick_status_t brick_gemm_s8s8s32(char transa,
                                  char transb,
                                  char offsetc,
                                  brick_dim_t M,
                                  brick_dim_t N,
                                  brick_dim_t K,
                                  float alpha,
                                  const int8_t *A,
                                  brick_dim_t lda,
                                  int8_t ao,
                                  const int8_t *B,
                                  brick_dim_t ldb,
                                  int8_t bo,
                                  float beta,
                                  int32_t *C,
                                  brick_dim_t ldc,
                                  const int32_t *co);

/**
 * Creates a list of the pointers that post-ops and scales of a brgemm need when it is executed. All are NULL at first.
 *
 * @param attr_params Output list; destroy it with brick_ukernel_attr_params_destroy().
 * @returns #brick_invalid_arguments if `attr_params` is NULL.
 */
BRICK_API
brick_status_t brick_ukernel_attr_params_create(brick_ukernel_attr_params_t *attr_params);

/**
 * Sets the operands of post-ops.
 *
 * @param attr_params The list.
 * @param post_ops_args An array of pointers to the data of src1 of each binary post-op, and to the weights of each prelu,
 *     in the order of the chain; other post-ops have no entry, and a select has two, src1 and the condition. The array
 *     is not copied: it must be there when the brgemm is executed. Each operand has the layout that its descriptor said.
 * @returns #brick_invalid_arguments if `attr_params` is NULL.
 */
BRICK_API
brick_status_t brick_ukernel_attr_params_set_post_ops_args(brick_ukernel_attr_params_t attr_params,
                                                           const void **post_ops_args);

/**
 * Sets the scale of A.
 *
 * @param attr_params The list.
 * @param a_scales Pointer to one f32, read when the brgemm is executed.
 * @returns #brick_invalid_arguments if `attr_params` is NULL.
 */
BRICK_API
brick_status_t brick_ukernel_attr_params_set_A_scales(brick_ukernel_attr_params_t attr_params,
                                                      const void *a_scales);

/**
 * Sets the scales of B.
 *
 * @param attr_params The list.
 * @param b_scales Pointer to one f32, or to N of them after brick_brgemm_set_B_scales() with mask 2; read when the brgemm
 *     is executed.
 * @returns #brick_invalid_arguments if `attr_params` is NULL.
 */
BRICK_API
brick_status_t brick_ukernel_attr_params_set_B_scales(brick_ukernel_attr_params_t attr_params,
                                                      const void *b_scales);

/**
 * Sets the scale of D, by which results are divided.
 *
 * @param attr_params The list.
 * @param d_scales Pointer to one f32, read when the brgemm is executed.
 * @returns #brick_invalid_arguments if `attr_params` is NULL.
 */
BRICK_API
brick_status_t brick_ukernel_attr_params_set_D_scales(brick_ukernel_attr_params_t attr_params,
                                                      const void *d_scales);

/**
 * Destroys a list of pointers; what they point to stays the caller's.
 *
 * @param attr_params The list, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_ukernel_attr_params_destroy(brick_ukernel_attr_params_t attr_params);

/**
 * Creates a brgemm, C = A_0 * B_0 + A_1 * B_1 + ... over blocks of matrices: the kernel that every primitive is made of.
 *
 * It goes through brick_brgemm_set_*(), brick_brgemm_finalize() and brick_brgemm_generate(); from then on any number of
 * threads may execute it at once. An execution runs in the calling thread and allocates nothing.
 *
 * @param brgemm Output brgemm; destroy it with brick_brgemm_destroy().
 * @param M Rows of A and C.
 * @param N Columns of B and C.
 * @param K Columns of A and rows of B, the length of one block's sums.
 * @param batch_size Number of pairs of blocks; 0 is allowed.
 * @param lda Elements from one row of A to the next, K or more.
 * @param ldb Elements from one row of B to the next, N or more. Packed B is `[K/v][ldb][v]`, see
 *     brick_brgemm_get_B_pack_type().
 * @param ldc Elements from one row of C to the next, N or more.
 * @param a_dt Type of A: #brick_f32, #brick_bf16, #brick_f16, #brick_u8 or #brick_s8.
 * @param b_dt Type of B: that of A, or any 8-bit integers for 8-bit integers.
 * @param c_dt Type of C, in which products are summed: #brick_f32, or #brick_s32 for integers.
 * @returns #brick_invalid_arguments if `brgemm` is NULL or a size is wrong, #brick_unimplemented for other types.
 */
BRICK_API
brick_status_t brick_brgemm_create(brick_brgemm_t *brgemm,
                                   brick_dim_t M,
                                   brick_dim_t N,
                                   brick_dim_t K,
                                   brick_dim_t batch_size,
                                   brick_dim_t lda,
                                   brick_dim_t ldb,
                                   brick_dim_t ldc,
                                   brick_data_type_t a_dt,
                                   brick_data_type_t b_dt,
                                   brick_data_type_t c_dt);

/**
 * Says whether sums are added to what C holds.
 *
 * @param brgemm The brgemm, not yet finalized.
 * @param add_C 1 to add, 0 (as without this call) to overwrite C.
 * @returns #brick_invalid_arguments for another value, or if the brgemm is NULL or finalized.
 */
BRICK_API brick_status_t brick_brgemm_set_add_C(brick_brgemm_t brgemm, int add_C);

/**
 * Says what happens to the sums on their way to a second matrix, D: brick_brgemm_execute_postops() then takes the place of
 * brick_brgemm_execute() as the last call of a chain that adds to C.
 *
 * @param brgemm The brgemm, not yet finalized.
 * @param ldd Elements from one row of D to the next, N or more.
 * @param d_dt Type of D: #brick_f32, #brick_bf16, #brick_f16, #brick_s32, #brick_s8 or #brick_u8; values are rounded to
 *     nearest even and saturated.
 * @param post_ops The chain, which is copied; its operands are tensors of 2 dims that are 1 or those of D. NULL means an
 *     empty chain.
 * @returns #brick_invalid_arguments if the brgemm is NULL or finalized, or `ldd` too small.
 */
BRICK_API
brick_status_t brick_brgemm_set_post_ops(brick_brgemm_t brgemm,
                                         brick_dim_t ldd,
                                         brick_data_type_t d_dt,
                                         const_brick_post_ops_t post_ops);

/**
 * Says that sums are multiplied with a scale of A before post-ops.
 *
 * @param brgemm The brgemm, not yet finalized.
 * @param a_scale_mask 0: one f32 for all of A.
 * @returns #brick_invalid_arguments for another mask, or if the brgemm is NULL or finalized.
 */
BRICK_API brick_status_t brick_brgemm_set_A_scales(brick_brgemm_t brgemm, int a_scale_mask);

/**
 * Says that sums are multiplied with scales of B before post-ops.
 *
 * @param brgemm The brgemm, not yet finalized.
 * @param b_scale_mask 0: one f32 for all of B; 2: one for each of its N columns.
 * @returns #brick_invalid_arguments for another mask, or if the brgemm is NULL or finalized.
 */
BRICK_API brick_status_t brick_brgemm_set_B_scales(brick_brgemm_t brgemm, int b_scale_mask);

/**
 * Says that results are divided by a scale of D after post-ops.
 *
 * @param brgemm The brgemm, not yet finalized.
 * @param d_scale_mask 0: one f32 for all of D.
 * @returns #brick_invalid_arguments for another mask, or if the brgemm is NULL or finalized.
 */
BRICK_API brick_status_t brick_brgemm_set_D_scales(brick_brgemm_t brgemm, int d_scale_mask);

/**
 * Ends the description of a brgemm; it cannot be changed any more, and can be queried.
 *
 * @param brgemm The brgemm.
 * @returns #brick_invalid_arguments if the brgemm is NULL or finalized already, or an operand of a post-op does not fit
 *     D; #brick_unimplemented for post-ops that kernels cannot do.
 */
BRICK_API
brick_status_t brick_brgemm_finalize(brick_brgemm_t brgemm);

/**
 * Queries how B must lie in memory.
 *
 * @param pack_type Receives #brick_pack_type_no_trans (row-major) for #brick_f32 and #brick_f16, and
 *     #brick_pack_type_pack32 for the others: `[K/v][ldb][v]` with v = 2 elements of #brick_bf16 or v = 4 8-bit integers,
 *     K rounded up to a multiple of v and filled with zeros (or anything finite).
 * @param a_dt Type of A.
 * @param b_dt Type of B.
 * @returns #brick_invalid_arguments if `pack_type` is NULL or a type is unknown, #brick_unimplemented if there is no
 *     kernel for these types.
 */
BRICK_API
brick_status_t brick_brgemm_get_B_pack_type(brick_pack_type_t *pack_type,
                                            brick_data_type_t a_dt,
                                            brick_data_type_t b_dt);

/**
 * Queries the bytes of scratch memory that an execution needs.
 *
 * @param brgemm The brgemm, finalized.
 * @param size Receives the number, which is 0.
 * @returns #brick_invalid_arguments if a pointer is NULL or the brgemm not finalized.
 */
BRICK_API brick_status_t brick_brgemm_get_scratchpad_size(const_brick_brgemm_t brgemm, size_t *size);

/**
 * Queries whether anything follows the sums, so that brick_brgemm_execute_postops() may be called.
 *
 * @param brgemm The brgemm, finalized.
 * @param valid Receives 1 if there are post-ops or scales or D has another type than C, else 0.
 * @returns #brick_invalid_arguments if a pointer is NULL or the brgemm not finalized.
 */
BRICK_API brick_status_t brick_brgemm_is_execute_postops_valid(const_brick_brgemm_t brgemm, int *valid);

/**
 * Prepares the calling thread for executions of a brgemm. No instruction set that brick uses needs it; call it all the
 * same, for those to come.
 *
 * @param brgemm The brgemm.
 * @returns #brick_invalid_arguments if `brgemm` is NULL.
 */
BRICK_API
brick_status_t brick_brgemm_set_hw_context(const_brick_brgemm_t brgemm);

/**
 * Ends what brick_brgemm_set_hw_context() began in the calling thread.
 *
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_brgemm_release_hw_context(void);

/**
 * Generates the code of a brgemm, or finds that of an equal one.
 *
 * @param brgemm The brgemm, finalized.
 * @returns #brick_invalid_arguments if the brgemm is NULL or not finalized.
 */
BRICK_API brick_status_t brick_brgemm_generate(brick_brgemm_t brgemm);

/**
 * Computes C, or adds to it: C = A_0 * B_0 + A_1 * B_1 + ..., without post-ops and scales.
 *
 * @param brgemm The brgemm, generated.
 * @param A_ptr What the offsets of A count from.
 * @param B_ptr What the offsets of B count from.
 * @param A_B_offsets 2 * batch_size offsets in bytes: where A_0, B_0, A_1, B_1, ... begin. Blocks may come in any order,
 *     repeat and overlap. Not read if batch_size is 0.
 * @param C_ptr C, M rows of N elements, ldc apart; what lies between the rows is left alone. It must not overlap A or B.
 * @param scratchpad_ptr Not used; NULL is allowed.
 * @returns #brick_invalid_arguments if a pointer is NULL or the brgemm not generated.
 */
BRICK_API
brick_status_t brick_brgemm_execute(const_brick_brgemm_t brgemm,
                                    const void *A_ptr,
                                    const void *B_ptr,
                                    const brick_dim_t *A_B_offsets,
                                    void *C_ptr,
                                    void *scratchpad_ptr);

/**
 * Computes D: the sums, added to C if brick_brgemm_set_add_C() said so, times the scales of A and B, then the post-ops in
 * order, divided by the scale of D. C is not changed.
 *
 * @param brgemm The brgemm, generated, for which brick_brgemm_is_execute_postops_valid() says 1.
 * @param A What the offsets of A count from.
 * @param B What the offsets of B count from.
 * @param A_B_offsets As for brick_brgemm_execute().
 * @param C_ptr C; it is read only if sums are added to it, and may be NULL if not.
 * @param D_ptr D, M rows of N elements of its type, ldd apart. It may be C if a row takes as many bytes, and must not overlap A,
 *     B or an operand of post-ops.
 * @param scratchpad_ptr Not used; NULL is allowed.
 * @param attr_params Pointers to scales and operands of post-ops; NULL if there are none.
 * @returns #brick_invalid_arguments if a pointer that is needed is NULL, the brgemm is not generated or nothing follows its
 *     sums.
 */
BRICK_API
brick_status_t brick_brgemm_execute_postops(const_brick_brgemm_t brgemm,
                                            const void *A,
                                            const void *B,
                                            const brick_dim_t *A_B_offsets,
                                            const void *C_ptr,
                                            void *D_ptr,
                                            void *scratchpad_ptr,
                                            const_brick_ukernel_attr_params_t attr_params);

/**
 * Destroys a brgemm.
 *
 * @param brgemm The brgemm, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_brgemm_destroy(brick_brgemm_t brgemm);

/**
 * Finds or makes a brgemm as a plain function, for callers that generate code themselves: it takes its arguments one by one,
 * checks nothing, and belongs to nobody: it may be called from any thread and stays valid until the process ends.
 *
 * Asking again for the same shape gives the same function, without a lock. The function computes
 * C = A_0 * B_0 + A_1 * B_1 + ..., or adds that to C; the layouts are those of brick_brgemm_create().
 *
 * @param function Receives the function; which member of the union is valid depends on `batch_kind`.
 * @param M Rows of A and C.
 * @param N Columns of B and C.
 * @param K Columns of A and rows of B.
 * @param lda Elements from one row of A to the next, K or more.
 * @param ldb Elements from one row of B to the next, N or more; B is packed as brick_brgemm_get_B_pack_type() says.
 * @param ldc Elements from one row of C to the next, N or more.
 * @param a_dt Type of A.
 * @param b_dt Type of B.
 * @param c_dt Type of C: that of the sums, or, if `add_C` is 0, any type that brick_brgemm_set_post_ops() allows for D.
 * @param add_C 1 to add to C, 0 to overwrite it.
 * @param batch_kind How the blocks are given: #brick_batch_address, #brick_batch_offset or #brick_batch_stride.
 * @returns #brick_invalid_arguments if `function` is NULL or a size wrong; #brick_unimplemented for types that no kernel
 *     multiplies, for leading dimensions of gigabytes, and where no code can be generated: on processors that brick has no
 *     generator for, and where the host refuses executable memory.
 */
BRICK_API
brick_status_t brick_brgemm_dispatch(union brick_brgemm_fn_t *function,
                                     brick_dim_t M,
                                     brick_dim_t N,
                                     brick_dim_t K,
                                     brick_dim_t lda,
                                     brick_dim_t ldb,
                                     brick_dim_t ldc,
                                     brick_data_type_t a_dt,
                                     brick_data_type_t b_dt,
                                     brick_data_type_t c_dt,
                                     int add_C,
                                     brick_batch_kind_t batch_kind);

/**
 * Creates a transform, which packs a matrix B for a brgemm.
 *
 * The result is a row of blocks of `out_ld` columns, one behind the other, each `[K/v][out_ld][v]`, where v is what
 * brick_brgemm_get_B_pack_type() implies (1 where it says #brick_pack_type_no_trans). K is rounded up to a multiple of v, N to
 * one of `out_ld`, and the padding is zero. A block is the B of a brgemm with `ldb` = `out_ld`.
 *
 * @param transform Output transform; destroy it with brick_transform_destroy().
 * @param K Rows of B.
 * @param N Columns of B.
 * @param in_pack_type #brick_pack_type_no_trans for K rows of N elements, #brick_pack_type_trans for N rows of K.
 * @param in_ld Elements from one row of the input to the next, as many as a row has or more.
 * @param out_ld Columns of a block of the output.
 * @param in_dt Type of the input: #brick_f32, #brick_bf16, #brick_f16, #brick_u8 or #brick_s8.
 * @param out_dt Type of the output, the same.
 * @returns #brick_invalid_arguments if `transform` is NULL or a size is wrong, #brick_unimplemented for other types.
 */
BRICK_API
brick_status_t brick_transform_create(brick_transform_t *transform,
                                      brick_dim_t K,
                                      brick_dim_t N,
                                      brick_pack_type_t in_pack_type,
                                      brick_dim_t in_ld,
                                      brick_dim_t out_ld,
                                      brick_data_type_t in_dt,
                                      brick_data_type_t out_dt);

/**
 * Generates the code of a transform. From then on any number of threads may execute it at once.
 *
 * @param transform The transform.
 * @returns #brick_invalid_arguments if `transform` is NULL.
 */
BRICK_API brick_status_t brick_transform_generate(brick_transform_t transform);

/**
 * Packs a matrix.
 *
 * @param transform The transform, generated.
 * @param in_ptr The matrix.
 * @param out_ptr Room for the packed one; it must not overlap the input.
 * @returns #brick_invalid_arguments if a pointer is NULL or the transform not generated.
 */
BRICK_API
brick_status_t brick_transform_execute(const_brick_transform_t transform,
                                       const void *in_ptr,
                                       void *out_ptr);

/**
 * Destroys a transform.
 *
 * @param transform The transform, or NULL, which does nothing.
 * @returns #brick_success.
 */
BRICK_API brick_status_t brick_transform_destroy(brick_transform_t transform);

/**
 * Creates a descriptor of a convolution. Tensors have 3 to 5 dimensions (mb, channels, depth, height, width), the weights
 * (oc, ic, ...), with groups (groups, oc / groups, ic / groups, ...), the bias 1 (oc). Along each spatial dimension, output p
 * meets through tap r of the kernel the input p * stride - padding + r * (dilation + 1). Arguments: #BRICK_ARG_SRC,
 * #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param alg_kind #brick_convolution_direct, #brick_convolution_auto, or #brick_convolution_winograd; brick computes all
 *     directly, and #brick_convolution_auto is queried as #brick_convolution_direct.
 * @param src_desc The source.
 * @param weights_desc The weights.
 * @param bias_desc The bias; NULL or absent for none.
 * @param dst_desc The destination.
 * @param strides Strides of the kernel, one for each spatial dimension.
 * @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
 * @param padding_l Padding before the first element of each spatial dimension.
 * @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
 * @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_convolution_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                               brick_engine_t engine,
                                                               brick_prop_kind_t prop_kind,
                                                               brick_alg_kind_t alg_kind,
                                                               const_brick_memory_desc_t src_desc,
                                                               const_brick_memory_desc_t weights_desc,
                                                               const_brick_memory_desc_t bias_desc,
                                                               const_brick_memory_desc_t dst_desc,
                                                               const brick_dim_t *strides,
                                                               const brick_dim_t *dilates,
                                                               const brick_dim_t *padding_l,
                                                               const brick_dim_t *padding_r,
                                                               const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a convolution's gradient by its source. Arguments: #BRICK_ARG_DIFF_DST, #BRICK_ARG_WEIGHTS,
 * #BRICK_ARG_DIFF_SRC.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param alg_kind #brick_convolution_direct, #brick_convolution_auto, or #brick_convolution_winograd; brick computes all
 *     directly, and #brick_convolution_auto is queried as #brick_convolution_direct.
 * @param diff_src_desc The gradient to compute.
 * @param weights_desc The weights.
 * @param diff_dst_desc The gradient by the result.
 * @param strides Strides of the kernel, one for each spatial dimension.
 * @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
 * @param padding_l Padding before the first element of each spatial dimension.
 * @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns As brick_convolution_forward_primitive_desc_create().
 */
BRICK_API
brick_status_t brick_convolution_backward_data_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                     brick_engine_t engine,
                                                                     brick_alg_kind_t alg_kind,
                                                                     const_brick_memory_desc_t diff_src_desc,
                                                                     const_brick_memory_desc_t weights_desc,
                                                                     const_brick_memory_desc_t diff_dst_desc,
                                                                     const brick_dim_t *strides,
                                                                     const brick_dim_t *dilates,
                                                                     const brick_dim_t *padding_l,
                                                                     const brick_dim_t *padding_r,
                                                                     const_brick_primitive_desc_t hint_fwd_pd,
                                                                     const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a convolution's gradients by its weights and bias. Arguments: #BRICK_ARG_SRC, #BRICK_ARG_DIFF_DST,
 * #BRICK_ARG_DIFF_WEIGHTS, #BRICK_ARG_DIFF_BIAS.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param alg_kind #brick_convolution_direct, #brick_convolution_auto, or #brick_convolution_winograd; brick computes all
 *     directly, and #brick_convolution_auto is queried as #brick_convolution_direct.
 * @param src_desc The source.
 * @param diff_weights_desc The gradient by the weights.
 * @param diff_bias_desc The gradient by the bias; NULL or absent for none.
 * @param diff_dst_desc The gradient by the result.
 * @param strides Strides of the kernel, one for each spatial dimension.
 * @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
 * @param padding_l Padding before the first element of each spatial dimension.
 * @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns As brick_convolution_forward_primitive_desc_create().
 */
BRICK_API
brick_status_t brick_convolution_backward_weights_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                        brick_engine_t engine,
                                                                        brick_alg_kind_t alg_kind,
                                                                        const_brick_memory_desc_t src_desc,
                                                                        const_brick_memory_desc_t diff_weights_desc,
                                                                        const_brick_memory_desc_t diff_bias_desc,
                                                                        const_brick_memory_desc_t diff_dst_desc,
                                                                        const brick_dim_t *strides,
                                                                        const brick_dim_t *dilates,
                                                                        const brick_dim_t *padding_l,
                                                                        const brick_dim_t *padding_r,
                                                                        const_brick_primitive_desc_t hint_fwd_pd,
                                                                        const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a deconvolution: the transpose of a convolution that leads from dst to src. The weights are (oc, ic, ...), with groups
 * (groups, oc / groups, ic / groups, ...). Arguments: #BRICK_ARG_SRC, #BRICK_ARG_WEIGHTS, #BRICK_ARG_BIAS, #BRICK_ARG_DST.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param prop_kind #brick_forward_training or #brick_forward_inference.
 * @param alg_kind #brick_deconvolution_direct or #brick_deconvolution_winograd; brick computes all directly.
 * @param src_desc The source.
 * @param weights_desc The weights.
 * @param bias_desc The bias; NULL or absent for none.
 * @param dst_desc The destination.
 * @param strides Strides of the kernel, one for each spatial dimension.
 * @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
 * @param padding_l Padding before the first element of each spatial dimension.
 * @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
 * @param attr Attributes: scales, zero points, post-ops. NULL for the defaults.
 * @returns #brick_invalid_arguments for mismatched descriptors, #brick_unimplemented for what brick cannot do.
 */
BRICK_API
brick_status_t brick_deconvolution_forward_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                 brick_engine_t engine,
                                                                 brick_prop_kind_t prop_kind,
                                                                 brick_alg_kind_t alg_kind,
                                                                 const_brick_memory_desc_t src_desc,
                                                                 const_brick_memory_desc_t weights_desc,
                                                                 const_brick_memory_desc_t bias_desc,
                                                                 const_brick_memory_desc_t dst_desc,
                                                                 const brick_dim_t *strides,
                                                                 const brick_dim_t *dilates,
                                                                 const brick_dim_t *padding_l,
                                                                 const brick_dim_t *padding_r,
                                                                 const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a deconvolution's gradient by its source. Arguments: #BRICK_ARG_DIFF_DST, #BRICK_ARG_WEIGHTS,
 * #BRICK_ARG_DIFF_SRC.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param alg_kind #brick_deconvolution_direct or #brick_deconvolution_winograd; brick computes all directly.
 * @param diff_src_desc The gradient to compute.
 * @param weights_desc The weights.
 * @param diff_dst_desc The gradient by the result.
 * @param strides Strides of the kernel, one for each spatial dimension.
 * @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
 * @param padding_l Padding before the first element of each spatial dimension.
 * @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns As brick_deconvolution_forward_primitive_desc_create().
 */
BRICK_API
brick_status_t brick_deconvolution_backward_data_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                       brick_engine_t engine,
                                                                       brick_alg_kind_t alg_kind,
                                                                       const_brick_memory_desc_t diff_src_desc,
                                                                       const_brick_memory_desc_t weights_desc,
                                                                       const_brick_memory_desc_t diff_dst_desc,
                                                                       const brick_dim_t *strides,
                                                                       const brick_dim_t *dilates,
                                                                       const brick_dim_t *padding_l,
                                                                       const brick_dim_t *padding_r,
                                                                       const_brick_primitive_desc_t hint_fwd_pd,
                                                                       const_brick_primitive_attr_t attr);

/**
 * Creates a descriptor of a deconvolution's gradients by its weights and bias. Arguments: #BRICK_ARG_SRC, #BRICK_ARG_DIFF_DST,
 * #BRICK_ARG_DIFF_WEIGHTS, #BRICK_ARG_DIFF_BIAS.
 *
 * @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
 * @param engine The engine.
 * @param alg_kind #brick_deconvolution_direct or #brick_deconvolution_winograd; brick computes all directly.
 * @param src_desc The source.
 * @param diff_weights_desc The gradient by the weights.
 * @param diff_bias_desc The gradient by the bias; NULL or absent for none.
 * @param diff_dst_desc The gradient by the result.
 * @param strides Strides of the kernel, one for each spatial dimension.
 * @param dilates Dilations, 0 for a dense kernel; NULL for all 0.
 * @param padding_l Padding before the first element of each spatial dimension.
 * @param padding_r Padding after the last, negative at most by less than the stride; NULL for the same as before.
 * @param hint_fwd_pd The forward pass's descriptor. brick does not need it: it may be NULL.
 * @param attr Attributes; NULL for the defaults.
 * @returns As brick_deconvolution_forward_primitive_desc_create().
 */
BRICK_API
brick_status_t brick_deconvolution_backward_weights_primitive_desc_create(brick_primitive_desc_t *primitive_desc,
                                                                          brick_engine_t engine,
                                                                          brick_alg_kind_t alg_kind,
                                                                          const_brick_memory_desc_t src_desc,
                                                                          const_brick_memory_desc_t diff_weights_desc,
                                                                          const_brick_memory_desc_t diff_bias_desc,
                                                                          const_brick_memory_desc_t diff_dst_desc,
                                                                          const brick_dim_t *strides,
                                                                          const brick_dim_t *dilates,
                                                                          const brick_dim_t *padding_l,
                                                                          const brick_dim_t *padding_r,
                                                                          const_brick_primitive_desc_t hint_fwd_pd,
                                                                          const_brick_primitive_attr_t attr);

/**
 * The name of a status, e.g. `invalid_arguments`; `unknown` for another number. The text is static, as for all of these.
 */
BRICK_API
const char *brick_status2str(brick_status_t v);

/**
 * The name of a data type, e.g. `bf16`.
 */
BRICK_API const char *brick_dt2str(brick_data_type_t v);

/**
 * The name of a floating-point mode, e.g. `strict`.
 */
BRICK_API const char *brick_fpmath_mode2str(brick_fpmath_mode_t v);

/**
 * The name of an accumulation mode, e.g. `relaxed`.
 */
BRICK_API const char *brick_accumulation_mode2str(brick_accumulation_mode_t v);

/**
 * The name of an engine kind, e.g. `cpu`.
 */
BRICK_API const char *brick_engine_kind2str(brick_engine_kind_t v);

/**
 * The name of a sparse encoding, e.g. `csr`.
 */
BRICK_API const char *brick_sparse_encoding2str(brick_sparse_encoding_t v);

/**
 * The name of a format tag by its letters, e.g. `acdb`.
 */
BRICK_API const char *brick_fmt_tag2str(brick_format_tag_t v);

/**
 * The name of a format kind, e.g. `blocked`.
 */
BRICK_API const char *brick_fmt_kind2str(brick_format_kind_t v);

/**
 * The name of a propagation kind, e.g. `backward_data`.
 */
BRICK_API const char *brick_prop_kind2str(brick_prop_kind_t v);

/**
 * The name of a primitive kind, e.g. `matmul`.
 */
BRICK_API const char *brick_prim_kind2str(brick_primitive_kind_t v);

/**
 * The name of an algorithm, e.g. `eltwise_relu`.
 */
BRICK_API const char *brick_alg_kind2str(brick_alg_kind_t v);

/**
 * The name of flags of recurrent primitives.
 */
BRICK_API const char *brick_rnn_flags2str(brick_rnn_flags_t v);

/**
 * The name of a direction of recurrent primitives, e.g. `bidirectional_concat`.
 */
BRICK_API const char *brick_rnn_direction2str(brick_rnn_direction_t v);

/**
 * The name of a scratchpad mode, e.g. `user`.
 */
BRICK_API const char *brick_scratchpad_mode2str(brick_scratchpad_mode_t v);

/**
 * The name of a rounding mode, e.g. `environment`.
 */
BRICK_API const char *brick_rounding_mode2str(brick_rounding_mode_t v);

/**
 * The name of a quantization mode, e.g. `static_sazp`.
 */
BRICK_API const char *brick_quantization_mode2str(brick_quantization_mode_t v);

/**
 * The name of an instruction set, e.g. `cpu_isa_avx2`.
 */
BRICK_API const char *brick_cpu_isa2str(brick_cpu_isa_t v);

/**
 * The name of hints for the choice of instructions, e.g. `cpu_isa_no_hints`.
 */
BRICK_API const char *brick_cpu_isa_hints2str(brick_cpu_isa_hints_t v);

/**
 * The name of a threading runtime, BRICK_RUNTIME_*.
 */
BRICK_API const char *brick_runtime2str(unsigned int v);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BRICK_H */
