//! brick under oneDNN's names: a `libdnnl.so.3` for programs that were built for oneDNN.
//!
//! An exported function is a jump to brick's function of the same name, which takes the same arguments, or a stub that
//! answers *unimplemented*; the build script writes the table from `names.txt`. The only logic here is the pool: parallel
//! regions run on the application's threads, by OpenMP or by oneDNN's C++ thread-pool interface.
//!
//! brick's own names are part of this library, but hidden: libbrick and libdnnl may be loaded into one process.

use std::ffi::{CStr, c_char, c_int, c_uint};

use brick::log::{Sink, Style};

#[cfg(not(any(feature = "omp", feature = "threadpool")))]
compile_error!("choose a threading runtime: feature `omp` or `threadpool`");

#[cfg(feature = "threadpool")]
mod interop;
#[cfg(all(feature = "omp", not(feature = "threadpool")))]
#[path = "omp.rs"]
mod runtime;
#[cfg(feature = "threadpool")]
#[path = "threadpool.rs"]
mod runtime;

/// `row!(dnnl_x => path::to::brick_x)`: exports a jump, which hands all arguments on as they are, whatever they are.
macro_rules! row {
    ($name:ident => $target:path) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        extern "C" fn $name() {
            #[cfg(target_arch = "x86_64")]
            std::arch::naked_asm!("jmp {}", sym $target);
            #[cfg(target_arch = "aarch64")]
            std::arch::naked_asm!("b {}", sym $target);
        }
    };
}

/// `stub!(dnnl_x)`: exports a function that takes anything and answers *unimplemented*.
macro_rules! stub {
    ($name:ident) => {
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> c_int {
            unimplemented_function(stringify!($name))
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

#[cold]
fn unimplemented_function(name: &str) -> c_int {
    brick::log_line!(
        DISPATCH,
        "primitive,create:dispatch,{name},not implemented by brick"
    );
    brick::error::Status::Unimplemented as c_int
}

/// oneDNN's `dnnl_version_t`.
#[repr(C)]
struct Version {
    major: c_int,
    minor: c_int,
    patch: c_int,
    hash: *const c_char,
    cpu_runtime: c_uint,
    gpu_runtime: c_uint,
}

// SAFETY: the only pointer leads to a constant.
unsafe impl Sync for Version {}

const HASH: &CStr = c"brick";

/// The version of oneDNN's interface that this library offers.
static VERSION: Version = Version {
    major: 3,
    minor: 13,
    patch: 0,
    hash: HASH.as_ptr(),
    cpu_runtime: runtime::ID,
    gpu_runtime: 0,
};

#[unsafe(no_mangle)]
extern "C" fn dnnl_version() -> *const Version {
    &VERSION
}

/// Runs when the library is loaded, so that no exported function has to ask whether it is the first.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

/// Says whose manners and whose threads brick uses here. Starts, allocates and prints nothing.
extern "C" fn at_load() {
    brick::knobs::set_onednn_aliases();
    brick::log::set_style(Style {
        prefix: "onednn_verbose",
        runtime: runtime::NAME,
        sink: Sink::Stdout,
    });
    static POOL: &dyn brick::threads::Pool = &runtime::POOL;
    brick::threads::set_default_pool(&POOL);
}
