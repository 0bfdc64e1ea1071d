// Version, instruction sets, defaults, and the names of numbers.
#include "check.h"

// Every enumeration has names, and a number from outside has one too.
static void names(void)
{
    EXPECT(!strcmp(brick_fpmath_mode2str(brick_fpmath_mode_bf16), "bf16"));
    EXPECT(!strcmp(brick_accumulation_mode2str(brick_accumulation_mode_relaxed), "relaxed"));
    EXPECT(!strcmp(brick_scratchpad_mode2str(brick_scratchpad_mode_user), "user"));
    EXPECT(!strcmp(brick_rounding_mode2str(brick_rounding_mode_stochastic), "stochastic"));
    EXPECT(!strcmp(brick_fmt_kind2str(brick_blocked), "blocked"));
    EXPECT(!strcmp(brick_cpu_isa2str(brick_cpu_isa_avx2), "cpu_isa_avx2"));
    const char *others[] = {
        brick_sparse_encoding2str(brick_csr),
        brick_rnn_flags2str(brick_rnn_flags_undef),
        brick_rnn_direction2str(brick_unidirectional_left2right),
        brick_quantization_mode2str(brick_quantization_mode_static_sazp),
        brick_cpu_isa_hints2str(brick_cpu_isa_no_hints),
        brick_runtime2str(BRICK_RUNTIME_OMP),
        brick_runtime2str(77),
        brick_fpmath_mode2str((brick_fpmath_mode_t)77),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        EXPECT(others[i] && *others[i]);
}

int main(void)
{
    names();
    const brick_version_t *version = brick_version();
    EXPECT(version->major == 3 && version->minor == 13);
    EXPECT(version->cpu_runtime == BRICK_RUNTIME_THREADPOOL || version->cpu_runtime == BRICK_RUNTIME_OMP);
    EXPECT(version->hash && *version->hash);

    // The ISA can be capped until it has been used.
    OK(brick_set_max_cpu_isa(brick_cpu_isa_avx2));
    EXPECT(brick_get_effective_cpu_isa() <= brick_cpu_isa_avx2);
    INVALID(brick_set_max_cpu_isa(brick_cpu_isa_avx512_core));
    INVALID(brick_set_max_cpu_isa((brick_cpu_isa_t)0x1234));

    brick_fpmath_mode_t mode = brick_fpmath_mode_any;
    OK(brick_get_default_fpmath_mode(&mode));
    EXPECT(mode == brick_fpmath_mode_strict);
    OK(brick_set_default_fpmath_mode(brick_fpmath_mode_bf16));
    OK(brick_get_default_fpmath_mode(&mode));
    EXPECT(mode == brick_fpmath_mode_bf16);
    OK(brick_set_default_fpmath_mode(brick_fpmath_mode_strict));

    OK(brick_set_jit_dump(0));
    OK(brick_set_jit_profiling_flags(BRICK_JIT_PROFILE_NONE));
    UNIMPLEMENTED(brick_set_jit_profiling_jitdumpdir("."));
    INVALID(brick_set_jit_profiling_jitdumpdir(NULL));
    OK(brick_set_cpu_isa_hints(brick_cpu_isa_no_hints));
    EXPECT(brick_get_cpu_isa_hints() == brick_cpu_isa_no_hints);

    brick_machine_info_t info;
    OK(brick_machine_info(&info));
    EXPECT(info.cores >= 1 && info.threads >= 1 && info.l2_bytes >= info.l1d_bytes);
    EXPECT(info.effective_isa <= info.isa);
    INVALID(brick_machine_info(NULL));

    EXPECT(!strcmp(brick_status2str(brick_success), "success"));
    EXPECT(!strcmp(brick_status2str(brick_invalid_arguments), "invalid_arguments"));
    EXPECT(!strcmp(brick_dt2str(brick_bf16), "bf16"));
    EXPECT(!strcmp(brick_fmt_tag2str(brick_nChw16c), "aBcd16b"));
    EXPECT(!strcmp(brick_prim_kind2str(brick_inner_product), "inner_product"));
    EXPECT(!strcmp(brick_prop_kind2str(brick_backward_weights), "backward_weights"));
    EXPECT(!strcmp(brick_alg_kind2str(brick_eltwise_gelu_erf), "eltwise_gelu_erf"));
    EXPECT(!strcmp(brick_engine_kind2str(brick_cpu), "cpu"));
    EXPECT(brick_status2str((brick_status_t)99) != NULL && brick_dt2str((brick_data_type_t)99) != NULL);
    return finish();
}
