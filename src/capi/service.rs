//! Everything that concerns the whole library: version, verbosity, instruction sets, caches, the machine.

use super::{attr::one_of, guard, last_error, not_null, put, types::*};
use crate::{
    invalid, knobs,
    log::{self, Levels, Sink},
    machine::{Isa, cores, effective_isa, machine, set_max_isa},
    primitive, require, supported,
    threads::default_pool,
    unimplemented_here,
};
use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_uint, c_void},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};

/// Shared without harm: it only leads to constants.
struct Version(brick_version_t);
// SAFETY: the only pointer leads to a constant.
unsafe impl Sync for Version {}

/// The version of oneDNN's interface that brick follows, as numbers; brick's own as text in `hash`.
///
/// @returns A static struct.
#[unsafe(no_mangle)]
pub extern "C" fn brick_version() -> *const brick_version_t {
    static VERSION: Version = Version(brick_version_t {
        major: 3,
        minor: 13,
        patch: 0,
        hash: concat!("brick ", env!("CARGO_PKG_VERSION"), "\0")
            .as_ptr()
            .cast(),
        cpu_runtime: BRICK_RUNTIME_THREADPOOL,
        gpu_runtime: BRICK_RUNTIME_NONE,
    });
    &raw const VERSION.0
}

/// Why the last call that failed in this thread did so: a sentence that names the argument and the numbers.
///
/// Calls that succeed leave it as it is.
///
/// @returns A zero-terminated text, empty if no call has failed yet. It is valid until the next failing call in the same
///     thread.
#[unsafe(no_mangle)]
pub extern "C" fn brick_last_error() -> *const c_char {
    last_error()
}

/// Chooses which verbose lines are written, instead of the environment variable BRICK_VERBOSE.
///
/// @param level 0: none; 1: failures other than refused arguments and combinations, and a line for each execution; 2: also for
///     each creation.
/// @returns #brick_invalid_arguments for another level.
#[unsafe(no_mangle)]
pub extern "C" fn brick_set_verbose(level: c_int) -> brick_status_t {
    guard(|| {
        let levels = Levels::from_number(level);
        log::set_levels(levels.ok_or_else(|| invalid!("level: {level} is not 0, 1 or 2"))?);
        Ok(())
    })
}

/// Sends verbose lines to a function instead of stderr.
///
/// @param log The function; NULL for stderr again. A line that another thread is just writing may still reach the old one.
/// @param ctx Its first argument.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_set_log(log: brick_log_fn_t, ctx: *mut c_void) -> brick_status_t {
    guard(|| {
        log::set_sink(log.map(|write| Sink::Callback { write, ctx }));
        Ok(())
    })
}

/// Switches on or off that every generated kernel is written to a file in the working directory, or in that of the
/// environment variable BRICK_JIT_DUMP.
///
/// @param enable 1 or 0.
/// @returns #brick_invalid_arguments for another number.
#[unsafe(no_mangle)]
pub extern "C" fn brick_set_jit_dump(enable: c_int) -> brick_status_t {
    guard(|| {
        require!(
            enable == 0 || enable == 1,
            "enable: {enable} is neither 0 nor 1"
        );
        let dir = || knobs::JIT_DUMP.get().unwrap_or_else(|| PathBuf::from("."));
        knobs::JIT_DUMP.set((enable == 1).then(dir));
        Ok(())
    })
}

/// Chooses the profilers to which generated kernels are announced.
///
/// @param flags BRICK_JIT_PROFILE_NONE or BRICK_JIT_PROFILE_LINUX_PERFMAP.
/// @returns #brick_invalid_arguments for unknown flags, #brick_unimplemented for the other known ones.
#[unsafe(no_mangle)]
pub extern "C" fn brick_set_jit_profiling_flags(flags: c_uint) -> brick_status_t {
    const KNOWN: c_uint = BRICK_JIT_PROFILE_VTUNE
        | BRICK_JIT_PROFILE_LINUX_PERFMAP
        | BRICK_JIT_PROFILE_LINUX_JITDUMP
        | BRICK_JIT_PROFILE_LINUX_JITDUMP_USE_TSC;
    guard(|| {
        require!(flags & !KNOWN == 0, "flags: {flags:#x} has unknown bits");
        supported!(
            flags & !BRICK_JIT_PROFILE_LINUX_PERFMAP == 0,
            "flags: {flags:#x}, but brick announces kernels by perf maps (2) only"
        );
        knobs::JIT_PERF.set(flags != 0);
        Ok(())
    })
}

/// Would choose the directory of jitdump files, which brick does not write.
///
/// @param dir A path.
/// @returns #brick_unimplemented, or #brick_invalid_arguments if `dir` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_set_jit_profiling_jitdumpdir(dir: *const c_char) -> brick_status_t {
    guard(|| {
        not_null(dir, "dir")?;
        // SAFETY: the caller passes a zero-terminated text.
        let dir = OsStr::from_bytes(unsafe { CStr::from_ptr(dir) }.to_bytes());
        Err(unimplemented_here!(
            "dir: {}: brick announces kernels by perf maps in /tmp, not by jitdump",
            dir.display()
        ))
    })
}

/// Caps the instruction set that kernels may use, instead of the environment variable BRICK_MAX_ISA. To be called before the
/// first primitive descriptor is created.
///
/// @param isa The highest set; #brick_cpu_isa_default for whatever the processor has.
/// @returns #brick_invalid_arguments for a number that is not an instruction set, or if kernels have been generated already.
#[unsafe(no_mangle)]
pub extern "C" fn brick_set_max_cpu_isa(isa: brick_cpu_isa_t) -> brick_status_t {
    guard(|| {
        one_of(&CPU_ISA, isa, "isa")?;
        let rung = Isa::from_number(isa);
        set_max_isa(rung.ok_or_else(|| invalid!("isa: {isa:#x} is not an instruction set"))?)
    })
}

/// The highest instruction set that kernels use. It cannot be capped any more after this call.
///
/// @returns The set; #brick_cpu_isa_sse41 stands for plain portable code.
#[unsafe(no_mangle)]
pub extern "C" fn brick_get_effective_cpu_isa() -> brick_cpu_isa_t {
    effective_isa().number()
}

static ISA_HINTS: AtomicI32 = AtomicI32::new(brick_cpu_isa_no_hints);

/// Records hints for the choice of instructions. They change nothing in brick.
///
/// @param isa_hints The hints.
/// @returns #brick_invalid_arguments for a number that is no hint.
#[unsafe(no_mangle)]
pub extern "C" fn brick_set_cpu_isa_hints(isa_hints: brick_cpu_isa_hints_t) -> brick_status_t {
    guard(|| {
        ISA_HINTS.store(one_of(&CPU_ISA_HINTS, isa_hints, "isa_hints")?, Relaxed);
        Ok(())
    })
}

/// The hints that were recorded last.
///
/// @returns The hints; #brick_cpu_isa_no_hints if there are none.
#[unsafe(no_mangle)]
pub extern "C" fn brick_get_cpu_isa_hints() -> brick_cpu_isa_hints_t {
    ISA_HINTS.load(Relaxed)
}

/// Queries how many primitives the primitive cache holds at most.
///
/// @param capacity Receives the number.
/// @returns #brick_invalid_arguments if `capacity` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_get_primitive_cache_capacity(
    capacity: *mut c_int,
) -> brick_status_t {
    let read = || Ok(c_int::try_from(primitive::cache_capacity()).unwrap_or(c_int::MAX));
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { put(capacity, "capacity", read) })
}

/// Sets how many primitives the primitive cache holds at most, instead of the environment variable
/// BRICK_PRIMITIVE_CACHE_CAPACITY. Those that were not used for the longest time leave.
///
/// @param capacity The number; 0 switches the cache off. The default is 1024.
/// @returns #brick_invalid_arguments for a negative number.
#[unsafe(no_mangle)]
pub extern "C" fn brick_set_primitive_cache_capacity(capacity: c_int) -> brick_status_t {
    guard(|| {
        let number = usize::try_from(capacity);
        primitive::set_cache_capacity(
            number.map_err(|_| invalid!("capacity: {capacity} is negative"))?,
        );
        Ok(())
    })
}

static FPMATH: AtomicI32 = AtomicI32::new(brick_fpmath_mode_strict);

/// The floating-point mode of attributes that say nothing else.
pub(super) fn default_fpmath() -> c_int {
    FPMATH.load(Relaxed)
}

/// Queries the floating-point mode of new attributes.
///
/// @param mode Receives the mode.
/// @returns #brick_invalid_arguments if `mode` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_get_default_fpmath_mode(
    mode: *mut brick_fpmath_mode_t,
) -> brick_status_t {
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { put(mode, "mode", || Ok(default_fpmath())) })
}

/// Sets the floating-point mode of new attributes.
///
/// @param mode The mode.
/// @returns #brick_invalid_arguments for a number that is not a mode.
#[unsafe(no_mangle)]
pub extern "C" fn brick_set_default_fpmath_mode(mode: brick_fpmath_mode_t) -> brick_status_t {
    guard(|| {
        FPMATH.store(one_of(&FPMATH_MODE, mode, "mode")?, Relaxed);
        Ok(())
    })
}

/// Says what brick found out about the machine. The instruction set cannot be capped any more after this call.
///
/// @param info Receives the answer.
/// @returns #brick_invalid_arguments if `info` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_machine_info(info: *mut brick_machine_info_t) -> brick_status_t {
    let describe = || {
        let m = machine();
        Ok(brick_machine_info_t {
            isa: m.isa.number(),
            effective_isa: effective_isa().number(),
            cores: cores() as c_int,
            threads: default_pool().len() as c_int,
            l1d_bytes: m.l1d_bytes,
            l2_bytes: m.l2_bytes,
            l3_bytes: m.l3_bytes,
        })
    };
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { put(info, "info", describe) })
}
