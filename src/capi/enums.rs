//! The enumerations of the C API, once: Rust constants, the header's text and the names that `*2str` give.
//!
//! In C they are `int32_t` types with enumeration constants, so that a number from outside the list is a wrong value,
//! not undefined behaviour. The header writer in `tests/header.rs` reads the tables.

/// One constant.
pub struct Value {
    /// Its name in C.
    pub name: &'static str,
    /// Its number.
    pub value: i32,
    /// What it means, where the name does not say.
    pub doc: &'static str,
    /// The zero-terminated text that `*2str` gives, before its prefixes are cut off.
    pub text: &'static str,
}

/// One enumeration.
pub struct Enum {
    /// Its type in C.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// The prefix, behind `brick_`, that its names have and its texts lack.
    pub prefix: &'static str,
    /// Its constants.
    pub values: &'static [Value],
}

impl Enum {
    /// The name of a number, zero-terminated; an alias never wins over the first name.
    pub fn text(&self, value: i32) -> Option<&'static str> {
        let text = self.values.iter().find(|v| v.value == value)?.text;
        let text = text.strip_prefix("brick_").unwrap_or(text);
        Some(text.strip_prefix(self.prefix).unwrap_or(text))
    }

    /// Whether a number belongs to the enumeration.
    pub fn contains(&self, value: i32) -> bool {
        self.values.iter().any(|v| v.value == value)
    }
}

macro_rules! c_enums {
    ($($(#[doc = $doc:literal])+ $table:ident: $ty:ident / $prefix:literal {
        $($(#[doc = $vdoc:literal])* $name:ident = $value:literal $(as $text:literal)?,)*
    })*) => {
        $($(#[doc = $doc])+
        pub type $ty = i32;
        $($(#[doc = $vdoc])* pub const $name: $ty = $value;)*

        #[doc = concat!("The table of `", stringify!($ty), "`.")]
        pub const $table: Enum = Enum {
            name: stringify!($ty),
            doc: concat!($($doc, "\n"),+),
            prefix: $prefix,
            values: &[$(Value {
                name: stringify!($name),
                value: $value,
                doc: concat!($($vdoc, "\n"),*),
                text: c_enums!(@text $name $($text)?),
            }),*],
        };)*

        /// Every enumeration, in the order of the header.
        pub const ALL: &[&Enum] = &[$(&$table),*];
    };
    (@text $name:ident) => { concat!(stringify!($name), "\0") };
    (@text $name:ident $text:literal) => { concat!($text, "\0") };
}

c_enums! {
    /// What a call came to. brick_last_error() says more about a failure.
    STATUS: brick_status_t / "" {
        /// The call did what was asked.
        brick_success = 0,
        /// Memory for data, scratch or code could not be had.
        brick_out_of_memory = 1,
        /// An argument cannot mean anything; nothing was changed.
        brick_invalid_arguments = 2,
        /// The request is meaningful, but brick does not do it.
        brick_unimplemented = 3,
        /// There is no further implementation to iterate to.
        brick_last_impl_reached = 4,
        /// An internal failure: a bug in brick.
        brick_runtime_error = 5,
        /// The queried descriptor is not needed by the object.
        brick_not_required = 6,
        /// Not returned by brick.
        brick_invalid_graph = 7,
        /// Not returned by brick.
        brick_invalid_graph_op = 8,
        /// Not returned by brick.
        brick_invalid_shape = 9,
        /// Not returned by brick.
        brick_invalid_data_type = 10,
    }
    /// Type of an element.
    DATA_TYPE: brick_data_type_t / "data_type_" {
        /// No type; an absent descriptor has it.
        brick_data_type_undef = 0,
        /// IEEE 754 binary16.
        brick_f16 = 1,
        /// The upper half of a binary32.
        brick_bf16 = 2,
        /// IEEE 754 binary32.
        brick_f32 = 3,
        brick_s32 = 4,
        brick_s8 = 5,
        brick_u8 = 6,
        /// IEEE 754 binary64.
        brick_f64 = 7,
        /// One byte, zero or not.
        brick_boolean = 8,
        brick_f8_e5m2 = 9,
        brick_f8_e4m3 = 10,
        /// Two elements a byte.
        brick_s4 = 11,
        /// Two elements a byte.
        brick_u4 = 12,
        /// A power of two.
        brick_e8m0 = 13,
        /// Two elements a byte.
        brick_f4_e2m1 = 14,
        /// Two elements a byte.
        brick_f4_e3m0 = 15,
        brick_s64 = 16,
    }
    /// How a memory descriptor describes its data.
    FORMAT_KIND: brick_format_kind_t / "format_kind_" {
        /// The descriptor is absent.
        brick_format_kind_undef = 0,
        /// The primitive chooses the layout.
        brick_format_kind_any = 1,
        /// Strides and inner blocks.
        brick_blocked = 2,
        brick_format_kind_opaque = 3,
        brick_format_kind_sparse = 4,
        /// One value in the memory object itself.
        brick_format_kind_host_scalar = 5,
    }
    /// Encodings of sparse memory, which brick does not have.
    SPARSE_ENCODING: brick_sparse_encoding_t / "sparse_encoding_" {
        brick_sparse_encoding_undef = 0,
        brick_csr = 1,
        brick_packed = 2,
        brick_coo = 3,
    }
    /// Kind of an engine; brick has CPU engines.
    ENGINE_KIND: brick_engine_kind_t / "" {
        brick_any_engine = 0 as "any",
        brick_cpu = 1,
        brick_gpu = 2,
    }
    /// Properties of a stream.
    STREAM_FLAGS: brick_stream_flags_t / "stream_" {
        /// Primitives run in the order in which they are submitted.
        brick_stream_in_order = 1,
        /// The order is free; brick keeps it all the same.
        brick_stream_out_of_order = 2,
        brick_stream_default_flags = 1,
        /// Times executions, on GPUs; brick refuses it.
        brick_stream_profiling = 4,
    }
    /// Down-conversions of floats that a primitive may use inside. brick computes at full precision and does not use the leave.
    FPMATH_MODE: brick_fpmath_mode_t / "fpmath_mode_" {
        brick_fpmath_mode_strict = 0,
        brick_fpmath_mode_bf16 = 1,
        brick_fpmath_mode_f16 = 2,
        brick_fpmath_mode_any = 3,
        brick_fpmath_mode_tf32 = 4,
    }
    /// Types that a primitive may accumulate in. brick accumulates floats in f32 and integers in s32.
    ACCUMULATION_MODE: brick_accumulation_mode_t / "accumulation_mode_" {
        brick_accumulation_mode_strict = 0,
        brick_accumulation_mode_relaxed = 1,
        brick_accumulation_mode_any = 2,
        brick_accumulation_mode_s32 = 3,
        brick_accumulation_mode_f32 = 4,
        brick_accumulation_mode_f16 = 5,
    }
    /// Who provides scratch memory.
    SCRATCHPAD_MODE: brick_scratchpad_mode_t / "scratchpad_mode_" {
        /// The library, from a list that all threads share safely.
        brick_scratchpad_mode_library = 0,
        /// The caller, as argument #BRICK_ARG_SCRATCHPAD of every execution.
        brick_scratchpad_mode_user = 1,
    }
    /// Rounding of results.
    ROUNDING_MODE: brick_rounding_mode_t / "rounding_mode_" {
        /// To nearest, ties to even.
        brick_rounding_mode_environment = 0,
        brick_rounding_mode_stochastic = 1,
    }
    /// How scales come about.
    QUANTIZATION_MODE: brick_quantization_mode_t / "quantization_mode_" {
        brick_quantization_mode_undef = 0,
        /// The caller gives scales and zero points.
        brick_quantization_mode_static_sazp = 1,
        brick_quantization_mode_dynamic_mx = 2,
        brick_quantization_mode_dynamic_fp = 3,
    }
    /// Pass of a primitive.
    PROP_KIND: brick_prop_kind_t / "prop_kind_" {
        brick_prop_kind_undef = 0,
        /// Forward, keeping what the backward pass needs.
        brick_forward_training = 64,
        /// Forward only.
        brick_forward_inference = 96,
        brick_forward = 64,
        /// Backward by everything.
        brick_backward = 128,
        brick_backward_data = 160,
        brick_backward_weights = 192,
        brick_backward_bias = 193,
    }
    /// Kind of a primitive.
    PRIMITIVE_KIND: brick_primitive_kind_t / "" {
        brick_undefined_primitive = 0 as "undef",
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
    }
    /// Algorithm of a primitive or post-op. Formulas of the element-wise ones: s is the source, d the result.
    ALG_KIND: brick_alg_kind_t / "alg_kind_" {
        brick_alg_kind_undef = 0,
        brick_convolution_direct = 1,
        brick_convolution_winograd = 2,
        brick_convolution_auto = 3,
        brick_deconvolution_direct = 10,
        brick_deconvolution_winograd = 11,
        /// d = s > 0 ? s : alpha * s
        brick_eltwise_relu = 0x20,
        /// d = tanh(s)
        brick_eltwise_tanh = 0x21,
        /// d = s > 0 ? s : alpha * (exp(s) - 1)
        brick_eltwise_elu = 0x22,
        /// d = s * s
        brick_eltwise_square = 0x23,
        /// d = |s|
        brick_eltwise_abs = 0x24,
        /// d = sqrt(s)
        brick_eltwise_sqrt = 0x25,
        /// d = alpha * s + beta
        brick_eltwise_linear = 0x26,
        /// d = log(1 + exp(alpha * s)) / alpha
        brick_eltwise_soft_relu = 0x27,
        /// d = max(0, min(1, alpha * s + beta))
        brick_eltwise_hardsigmoid = 0x28,
        /// d = 1 / (1 + exp(-s))
        brick_eltwise_logistic = 0x29,
        /// d = exp(s)
        brick_eltwise_exp = 0x2a,
        /// d = 0.5 * s * (1 + tanh(sqrt(2/pi) * (s + 0.044715 * s^3)))
        brick_eltwise_gelu_tanh = 0x2b,
        /// d = s / (1 + exp(-alpha * s))
        brick_eltwise_swish = 0x2c,
        /// d = log(s)
        brick_eltwise_log = 0x2d,
        /// d = max(alpha, min(beta, s))
        brick_eltwise_clip = 0x2e,
        /// As clip; the derivative is zero at the bounds, too.
        brick_eltwise_clip_v2 = 0x2f,
        /// d = alpha * s^beta
        brick_eltwise_pow = 0x30,
        /// d = 0.5 * s * (1 + erf(s / sqrt(2)))
        brick_eltwise_gelu_erf = 0x31,
        /// d = s rounded to nearest, ties to even
        brick_eltwise_round = 0x32,
        /// d = s * tanh(log(1 + exp(s)))
        brick_eltwise_mish = 0x33,
        /// d = s * max(0, min(1, alpha * s + beta))
        brick_eltwise_hardswish = 0x34,
        /// The derivative is computed from the result, as for the others of this kind.
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
        /// Comparisons give 1 or 0.
        brick_binary_ge = 0x1fff6,
        brick_binary_gt = 0x1fff7,
        brick_binary_le = 0x1fff8,
        brick_binary_lt = 0x1fff9,
        brick_binary_eq = 0x1fffa,
        brick_binary_ne = 0x1fffb,
        /// d = src2 ? src0 : src1
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
    }
    /// Options of normalization primitives.
    NORMALIZATION_FLAGS: brick_normalization_flags_t / "" {
        brick_normalization_flags_none = 0,
        brick_use_global_stats = 1,
        brick_use_scale = 2,
        brick_use_shift = 4,
        brick_fuse_norm_relu = 8,
        brick_fuse_norm_add_relu = 16,
        brick_rms_norm = 32,
    }
    /// Options of recurrent primitives.
    RNN_FLAGS: brick_rnn_flags_t / "" {
        brick_rnn_flags_undef = 0 as "undef",
        brick_rnn_flags_diff_weights_overwrite = 1,
    }
    /// Direction of a recurrent primitive.
    RNN_DIRECTION: brick_rnn_direction_t / "rnn_direction_" {
        brick_rnn_direction_undef = 0,
        brick_unidirectional_left2right = 1,
        brick_unidirectional_right2left = 2,
        brick_bidirectional_concat = 3,
        brick_bidirectional_sum = 4,
    }
    /// What to ask of a descriptor. The suffix says what the answer is: `s32` an `int`, `s64` a #brick_dim_t, `f32` a
    /// `float`, `f64` a `double`, `str` a `const char *`, `md` a #const_brick_memory_desc_t, kinds and flags an `int`, dims
    /// and strides a `const brick_dim_t *`. Pointers live as long as the queried object.
    QUERY: brick_query_t / "query_" {
        brick_query_undef = 0,
        brick_query_engine = 1,
        brick_query_primitive_kind = 2,
        brick_query_num_of_inputs_s32 = 3,
        brick_query_num_of_outputs_s32 = 4,
        brick_query_time_estimate_f64 = 5,
        /// Bytes of scratch memory that the library provides.
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
        /// Not a query: where those of memory descriptors begin.
        brick_query_some_md = 128,
        brick_query_src_md = 129,
        brick_query_diff_src_md = 130,
        /// Index 0 is the weights, index 1 the bias.
        brick_query_weights_md = 131,
        /// Index 0 is the weights' gradient, index 1 the bias'.
        brick_query_diff_weights_md = 132,
        brick_query_dst_md = 133,
        brick_query_diff_dst_md = 134,
        brick_query_workspace_md = 135,
        /// What to pass as #BRICK_ARG_SCRATCHPAD; absent if the library provides scratch memory.
        brick_query_scratchpad_md = 136,
        /// The index is an argument number, BRICK_ARG_*.
        brick_query_exec_arg_md = 255,
        brick_query_ndims_s32 = 256,
        brick_query_dims = 257,
        brick_query_data_type = 258,
        brick_query_submemory_offset_s64 = 259,
        brick_query_padded_dims = 260,
        brick_query_padded_offsets = 261,
        brick_query_format_kind = 262,
        brick_query_inner_nblks_s32 = 263,
        brick_query_inner_blks = 264,
        brick_query_inner_idxs = 265,
        brick_query_sparse_encoding = 266,
        brick_query_nnz_s64 = 267,
        brick_query_num_handles_s32 = 268,
    }
    /// Instruction sets. brick has kernels for AVX2 with FMA, AVX-512, AVX-512 with VNNI and with BF16; another set counts as
    /// the next lower of these, what is below AVX2 as plain portable code.
    CPU_ISA: brick_cpu_isa_t / "" {
        /// Whatever the processor has.
        brick_cpu_isa_default = 0,
        brick_cpu_isa_sse41 = 0x1,
        brick_cpu_isa_avx = 0x3,
        brick_cpu_isa_avx2 = 0x7,
        brick_cpu_isa_avx2_vnni = 0xf,
        brick_cpu_isa_avx2_vnni_2 = 0x1f,
        brick_cpu_isa_avx512_core = 0x27,
        brick_cpu_isa_avx512_core_vnni = 0x67,
        brick_cpu_isa_avx512_core_bf16 = 0xe7,
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
    }
    /// Hints for the choice of instructions; brick records them and decides by its own measurements.
    CPU_ISA_HINTS: brick_cpu_isa_hints_t / "" {
        brick_cpu_isa_no_hints = 0,
        brick_cpu_isa_prefer_ymm = 1,
    }
    /// Layout of matrix B for a brgemm.
    PACK_TYPE: brick_pack_type_t / "pack_type_" {
        brick_pack_type_undef = 0,
        /// Row-major [k][n].
        brick_pack_type_no_trans = 1,
        /// Column-major: [n][k].
        brick_pack_type_trans = 2,
        /// [k/v][n][v], where v elements fill 32 bits.
        brick_pack_type_pack32 = 3,
    }
    /// How a bare brgemm is told where the blocks of its batch lie.
    BATCH_KIND: brick_batch_kind_t / "batch_" {
        /// By a pointer to each.
        brick_batch_address = 1,
        /// By an offset in bytes to each.
        brick_batch_offset = 2,
        /// By the distance in bytes from one to the next.
        brick_batch_stride = 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_their_prefixes() {
        assert_eq!(DATA_TYPE.text(brick_data_type_undef), Some("undef\0"));
        assert_eq!(DATA_TYPE.text(brick_bf16), Some("bf16\0"));
        assert_eq!(PROP_KIND.text(64), Some("forward_training\0"));
        assert_eq!(ALG_KIND.text(0x20), Some("eltwise_relu\0"));
        assert_eq!(ENGINE_KIND.text(0), Some("any\0"));
        assert_eq!(CPU_ISA.text(7), Some("cpu_isa_avx2\0"));
        assert_eq!(STATUS.text(77), None);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = (ALL.iter().flat_map(|e| e.values))
            .map(|v| v.name)
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
