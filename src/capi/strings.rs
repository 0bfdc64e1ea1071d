//! `brick_*2str`: numbers of the API as text.

use super::types::*;
use crate::memory::tags;
use once_cell::race::OnceBox;
use std::ffi::{CString, c_char, c_int, c_uint};

fn text(table: &'static Enum, value: c_int) -> *const c_char {
    table.text(value).unwrap_or("unknown\0").as_ptr().cast()
}

/// The name of a status, e.g. `invalid_arguments`; `unknown` for another number. The text is static, as for all of these.
#[unsafe(no_mangle)]
pub extern "C" fn brick_status2str(v: brick_status_t) -> *const c_char {
    text(&STATUS, v)
}

/// The name of a data type, e.g. `bf16`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_dt2str(v: brick_data_type_t) -> *const c_char {
    text(&DATA_TYPE, v)
}

/// The name of a floating-point mode, e.g. `strict`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_fpmath_mode2str(v: brick_fpmath_mode_t) -> *const c_char {
    text(&FPMATH_MODE, v)
}

/// The name of an accumulation mode, e.g. `relaxed`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_accumulation_mode2str(v: brick_accumulation_mode_t) -> *const c_char {
    text(&ACCUMULATION_MODE, v)
}

/// The name of an engine kind, e.g. `cpu`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_engine_kind2str(v: brick_engine_kind_t) -> *const c_char {
    text(&ENGINE_KIND, v)
}

/// The name of a sparse encoding, e.g. `csr`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_sparse_encoding2str(v: brick_sparse_encoding_t) -> *const c_char {
    text(&SPARSE_ENCODING, v)
}

/// The name of a format tag by its letters, e.g. `acdb`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_fmt_tag2str(v: brick_format_tag_t) -> *const c_char {
    static NAMES: OnceBox<Vec<CString>> = OnceBox::new();
    let names = NAMES.get_or_init(|| {
        let names = (0..).map_while(tags::name);
        Box::new(names.filter_map(|name| CString::new(name).ok()).collect())
    });
    let name = usize::try_from(v).ok().and_then(|v| names.get(v));
    name.map_or(c"unknown".as_ptr(), |name| name.as_ptr())
}

/// The name of a format kind, e.g. `blocked`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_fmt_kind2str(v: brick_format_kind_t) -> *const c_char {
    text(&FORMAT_KIND, v)
}

/// The name of a propagation kind, e.g. `backward_data`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_prop_kind2str(v: brick_prop_kind_t) -> *const c_char {
    text(&PROP_KIND, v)
}

/// The name of a primitive kind, e.g. `matmul`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_prim_kind2str(v: brick_primitive_kind_t) -> *const c_char {
    text(&PRIMITIVE_KIND, v)
}

/// The name of an algorithm, e.g. `eltwise_relu`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_alg_kind2str(v: brick_alg_kind_t) -> *const c_char {
    text(&ALG_KIND, v)
}

/// The name of flags of recurrent primitives.
#[unsafe(no_mangle)]
pub extern "C" fn brick_rnn_flags2str(v: brick_rnn_flags_t) -> *const c_char {
    text(&RNN_FLAGS, v)
}

/// The name of a direction of recurrent primitives, e.g. `bidirectional_concat`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_rnn_direction2str(v: brick_rnn_direction_t) -> *const c_char {
    text(&RNN_DIRECTION, v)
}

/// The name of a scratchpad mode, e.g. `user`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_scratchpad_mode2str(v: brick_scratchpad_mode_t) -> *const c_char {
    text(&SCRATCHPAD_MODE, v)
}

/// The name of a rounding mode, e.g. `environment`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_rounding_mode2str(v: brick_rounding_mode_t) -> *const c_char {
    text(&ROUNDING_MODE, v)
}

/// The name of a quantization mode, e.g. `static_sazp`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_quantization_mode2str(v: brick_quantization_mode_t) -> *const c_char {
    text(&QUANTIZATION_MODE, v)
}

/// The name of an instruction set, e.g. `cpu_isa_avx2`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_cpu_isa2str(v: brick_cpu_isa_t) -> *const c_char {
    text(&CPU_ISA, v)
}

/// The name of hints for the choice of instructions, e.g. `cpu_isa_no_hints`.
#[unsafe(no_mangle)]
pub extern "C" fn brick_cpu_isa_hints2str(v: brick_cpu_isa_hints_t) -> *const c_char {
    text(&CPU_ISA_HINTS, v)
}

/// The name of a threading runtime, BRICK_RUNTIME_*.
#[unsafe(no_mangle)]
pub extern "C" fn brick_runtime2str(v: c_uint) -> *const c_char {
    match v {
        BRICK_RUNTIME_NONE => c"none",
        BRICK_RUNTIME_SEQ => c"sequential",
        BRICK_RUNTIME_OMP => c"OpenMP",
        BRICK_RUNTIME_TBB => c"TBB",
        BRICK_RUNTIME_THREADPOOL => c"threadpool",
        _ => c"unknown",
    }
    .as_ptr()
}
