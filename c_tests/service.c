// Version, instruction sets, defaults, and the names of numbers.
#include "check.h"

int main(void)
{
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
    OK(brick_set_jit_profiling_flags(0));

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
