//! The C API as a client sees it: functions of the real shared library, found by name, and owners of their handles.
//!
//! `BRICK_TEST_LIBRARY=PATH:PREFIX` tests another library that speaks the same API under another prefix, which is how
//! the oracles themselves are checked. `BRICK_TEST_RUNG=avx512_bf16` tests the library linked into this program, planning
//! for that rung, whose kernels are interpreted where the processor lacks it.

use crate::rungs::rungs;
use brick::machine;
use std::env;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::OnceLock;

pub type Handle = *mut c_void;
pub type Dims = [i64; 12];

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ExecArg {
    pub arg: c_int,
    pub memory: Handle,
}

pub const SUCCESS: c_int = 0;
pub const INVALID: c_int = 2;
pub const UNIMPLEMENTED: c_int = 3;

macro_rules! functions {
    ($($name:ident($($arg:ty),*) -> $result:ty;)*) => {
        /// The functions, without their prefix.
        pub struct Api {
            $(pub $name: unsafe extern "C" fn($($arg),*) -> $result,)*
            last_error: Option<unsafe extern "C" fn() -> *const c_char>,
        }

        /// The same functions, linked into this program.
        mod linked {
            use super::*;
            unsafe extern "C" {
                $(#[link_name = concat!("brick_", stringify!($name))]
                pub fn $name($(_: $arg),*) -> $result;)*
                #[link_name = "brick_last_error"]
                pub fn last_error() -> *const c_char;
            }
        }

        impl Api {
            fn linked() -> Api {
                Api {
                    $($name: linked::$name,)*
                    last_error: Some(linked::last_error),
                }
            }

            fn load() -> Api {
                let (path, prefix) = place();
                let path = CString::new(path).unwrap();
                // SAFETY: the library's initialisers accept any program.
                let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
                assert!(!library.is_null(), "{path:?} cannot be loaded");
                let find = |name: &str| {
                    let name = CString::new(format!("{prefix}{name}")).unwrap();
                    // SAFETY: the library is loaded and stays so, the name is terminated.
                    unsafe { libc::dlsym(library, name.as_ptr()) }
                };
                Api {
                    $($name: {
                        let address = match find(stringify!($name)) {
                            // Other libraries lack what is brick's own.
                            address if address.is_null() && prefix != "brick_" => not_exported as Handle,
                            address => address,
                        };
                        assert!(!address.is_null(), "{} is not exported", stringify!($name));
                        // SAFETY: the function has this signature in the header.
                        unsafe { std::mem::transmute::<Handle, unsafe extern "C" fn($($arg),*) -> $result>(address) }
                    },)*
                    last_error: {
                        let address = find("last_error");
                        // SAFETY: as above; null becomes None.
                        unsafe { std::mem::transmute::<Handle, Option<unsafe extern "C" fn() -> *const c_char>>(address) }
                    },
                }
            }
        }
    };
}

extern "C" fn not_exported() {
    eprintln!("the library does not export a function that this test calls");
    std::process::abort();
}

functions! {
    engine_create(*mut Handle, c_int, usize) -> c_int;
    stream_create(*mut Handle, Handle, u32) -> c_int;
    memory_desc_create_with_tag(*mut Handle, c_int, *const i64, c_int, c_int) -> c_int;
    memory_desc_create_with_string_tag(*mut Handle, c_int, *const i64, c_int, *const c_char) -> c_int;
    memory_desc_create_with_strides(*mut Handle, c_int, *const i64, c_int, *const i64) -> c_int;
    memory_desc_create_submemory(*mut Handle, Handle, *const i64, *const i64) -> c_int;
    memory_desc_clone(*mut Handle, Handle) -> c_int;
    memory_desc_destroy(Handle) -> c_int;
    memory_desc_query(Handle, c_int, *mut c_void) -> c_int;
    memory_desc_get_size(Handle) -> usize;
    memory_create(*mut Handle, Handle, Handle, *mut c_void) -> c_int;
    memory_destroy(Handle) -> c_int;
    primitive_attr_create(*mut Handle) -> c_int;
    primitive_attr_destroy(Handle) -> c_int;
    primitive_attr_set_scales_mask(Handle, c_int, c_int) -> c_int;
    primitive_attr_set_zero_points_mask(Handle, c_int, c_int) -> c_int;
    primitive_attr_set_post_ops(Handle, Handle) -> c_int;
    primitive_attr_set_dropout(Handle, Handle) -> c_int;
    primitive_attr_set_rounding(Handle, c_int, c_int) -> c_int;
    primitive_attr_set_accumulation_mode(Handle, c_int) -> c_int;
    primitive_attr_set_scales(Handle, c_int, c_int, c_int, *const i64, c_int) -> c_int;
    primitive_attr_set_deterministic(Handle, c_int) -> c_int;
    primitive_attr_set_rnn_data_qparams(Handle, f32, f32) -> c_int;
    primitive_attr_set_rnn_weights_qparams(Handle, i64, c_int, *const f32) -> c_int;
    primitive_attr_set_rnn_weights_projection_qparams(Handle, i64, c_int, *const f32) -> c_int;
    post_ops_create(*mut Handle) -> c_int;
    post_ops_destroy(Handle) -> c_int;
    post_ops_append_sum(Handle, f32, i32, c_int) -> c_int;
    post_ops_append_eltwise(Handle, c_int, f32, f32) -> c_int;
    post_ops_append_binary(Handle, c_int, Handle) -> c_int;
    post_ops_append_prelu(Handle, c_int) -> c_int;
    post_ops_append_dw(Handle, c_int, c_int, c_int, i64, i64, i64) -> c_int;
    matmul_primitive_desc_create(*mut Handle, Handle, Handle, Handle, Handle, Handle, Handle) -> c_int;
    inner_product_forward_primitive_desc_create(*mut Handle, Handle, c_int, Handle, Handle, Handle, Handle, Handle) -> c_int;
    inner_product_backward_data_primitive_desc_create(*mut Handle, Handle, Handle, Handle, Handle, Handle, Handle) -> c_int;
    inner_product_backward_weights_primitive_desc_create(*mut Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle) -> c_int;
    convolution_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, *const i64, *const i64, *const i64, *const i64, Handle) -> c_int;
    convolution_backward_data_primitive_desc_create(*mut Handle, Handle, c_int, Handle, Handle, Handle, *const i64, *const i64, *const i64, *const i64, Handle, Handle) -> c_int;
    convolution_backward_weights_primitive_desc_create(*mut Handle, Handle, c_int, Handle, Handle, Handle, Handle, *const i64, *const i64, *const i64, *const i64, Handle, Handle) -> c_int;
    deconvolution_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, *const i64, *const i64, *const i64, *const i64, Handle) -> c_int;
    deconvolution_backward_data_primitive_desc_create(*mut Handle, Handle, c_int, Handle, Handle, Handle, *const i64, *const i64, *const i64, *const i64, Handle, Handle) -> c_int;
    deconvolution_backward_weights_primitive_desc_create(*mut Handle, Handle, c_int, Handle, Handle, Handle, Handle, *const i64, *const i64, *const i64, *const i64, Handle, Handle) -> c_int;
    reorder_primitive_desc_create(*mut Handle, Handle, Handle, Handle, Handle, Handle) -> c_int;
    eltwise_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, f32, f32, Handle) -> c_int;
    eltwise_backward_primitive_desc_create(*mut Handle, Handle, c_int, Handle, Handle, Handle, f32, f32, Handle, Handle) -> c_int;
    binary_primitive_desc_create(*mut Handle, Handle, c_int, Handle, Handle, Handle, Handle) -> c_int;
    sum_primitive_desc_create(*mut Handle, Handle, Handle, c_int, *const f32, *const Handle, Handle) -> c_int;
    lstm_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle) -> c_int;
    lstm_backward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle, Handle) -> c_int;
    gru_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle) -> c_int;
    gru_backward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle, Handle) -> c_int;
    lbr_gru_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle) -> c_int;
    lbr_gru_backward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle, Handle) -> c_int;
    augru_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle) -> c_int;
    augru_backward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle, Handle) -> c_int;
    lbr_augru_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle) -> c_int;
    lbr_augru_backward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, Handle, Handle) -> c_int;
    vanilla_rnn_forward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, f32, f32, Handle) -> c_int;
    vanilla_rnn_backward_primitive_desc_create(*mut Handle, Handle, c_int, c_int, c_int, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, Handle, u32, f32, f32, Handle, Handle) -> c_int;
    primitive_desc_destroy(Handle) -> c_int;
    primitive_desc_query_md(Handle, c_int, c_int) -> Handle;
    primitive_create(*mut Handle, Handle) -> c_int;
    primitive_execute(Handle, Handle, c_int, *const ExecArg) -> c_int;
    primitive_destroy(Handle) -> c_int;
}

fn place() -> (String, String) {
    if let Ok(text) = env::var("BRICK_TEST_LIBRARY") {
        let (path, prefix) = text.split_once(':').expect("PATH:PREFIX");
        return (path.to_owned(), prefix.to_owned());
    }
    let library = env::current_exe().unwrap().with_file_name("libbrick.so");
    (library.to_str().unwrap().to_owned(), "brick_".to_owned())
}

/// From now on the linked library plans for this rung, interpreting what the processor lacks.
fn plan_for(name: &str) {
    let rung = rungs().into_iter().find(|isa| isa.name() == name);
    let rung = rung.unwrap_or_else(|| panic!("{name} is no rung"));
    machine::pretend(rung).expect("nothing was planned before");
}

/// The library under test.
pub fn api() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| match env::var("BRICK_TEST_RUNG") {
        Ok(name) => {
            plan_for(&name);
            Api::linked()
        }
        Err(_) => Api::load(),
    })
}

/// Whether the library under test is brick, which promises more than others.
pub fn is_brick() -> bool {
    api().last_error.is_some()
}

/// What the library says about the last refusal on this thread.
pub fn last_error() -> String {
    let Some(function) = api().last_error else {
        return String::new();
    };
    // SAFETY: the function has no preconditions; its string lives until the next call on this thread.
    unsafe { CStr::from_ptr(function()) }
        .to_string_lossy()
        .into_owned()
}

/// A refusal: status and sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: c_int,
    pub sentence: String,
}

/// Success, or what the library said.
pub fn check(status: c_int) -> Result<(), Refusal> {
    match status {
        SUCCESS => Ok(()),
        status => Err(Refusal {
            status,
            sentence: last_error(),
        }),
    }
}

/// An owned handle, destroyed by its function.
pub struct Owned {
    pub raw: Handle,
    destroy: unsafe extern "C" fn(Handle) -> c_int,
}

impl Owned {
    /// What `create` stores, if it succeeds.
    pub fn create(
        destroy: unsafe extern "C" fn(Handle) -> c_int,
        create: impl FnOnce(*mut Handle) -> c_int,
    ) -> Result<Owned, Refusal> {
        let mut raw = std::ptr::null_mut();
        check(create(&mut raw))?;
        Ok(Owned { raw, destroy })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle is live, and nobody else destroys it.
        assert_eq!(unsafe { (self.destroy)(self.raw) }, SUCCESS);
    }
}

/// The one engine and stream of the tests.
pub struct Place {
    pub engine: Handle,
    pub stream: Handle,
}

// SAFETY: engines and streams may be used from several threads at once, says the header.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

/// The engine and the stream.
pub fn here() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let (mut engine, mut stream) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the places are writable, the engine is live.
        unsafe {
            check((api().engine_create)(&mut engine, 1, 0)).unwrap();
            check((api().stream_create)(&mut stream, engine, 1)).unwrap();
        }
        Place { engine, stream }
    })
}
