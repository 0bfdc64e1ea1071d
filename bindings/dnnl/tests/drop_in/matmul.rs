//! One matrix product through oneDNN's names, from engine to result.

use crate::library::Library;
use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};

/// Any handle.
pub type Handle = *mut c_void;

/// Rows and columns of the result, and the length of the sums; large enough to be worth several threads.
const SHAPE: [i64; 3] = [512, 384, 256];

#[repr(C)]
struct ExecArg {
    arg: c_int,
    memory: Handle,
}

/// Creates a handle by a call that stores it and returns a status.
pub fn create(call: impl FnOnce(*mut Handle) -> c_int) -> Handle {
    let mut handle = null_mut();
    assert_eq!(call(&mut handle), 0);
    assert!(!handle.is_null());
    handle
}

/// A CPU engine.
pub fn engine(library: &Library) -> Handle {
    // SAFETY: the signature is oneDNN's.
    let engine_create: extern "C" fn(*mut Handle, c_int, usize) -> c_int =
        unsafe { library.function("dnnl_engine_create") };
    create(|engine| engine_create(engine, 1, 0))
}

/// A dense row-major f32 matrix over `data`: its descriptor and its memory.
fn matrix(library: &Library, engine: Handle, dims: [i64; 2], data: &mut [f32]) -> [Handle; 2] {
    assert_eq!(data.len() as i64, dims[0] * dims[1]);
    type DescCreate = extern "C" fn(*mut Handle, c_int, *const i64, c_int, *const i64) -> c_int;
    type MemoryCreate = extern "C" fn(*mut Handle, Handle, Handle, *mut f32) -> c_int;
    // SAFETY: the signatures are oneDNN's.
    let (desc_create, memory_create): (DescCreate, MemoryCreate) = unsafe {
        (
            library.function("dnnl_memory_desc_create_with_strides"),
            library.function("dnnl_memory_create"),
        )
    };
    let desc = create(|desc| desc_create(desc, 2, dims.as_ptr(), 3, [dims[1], 1].as_ptr()));
    let memory = create(|memory| memory_create(memory, desc, engine, data.as_mut_ptr()));
    [desc, memory]
}

/// Small integers, so that every sum is exact.
fn integers(count: i64, step: i64) -> Vec<f32> {
    (0..count).map(|i| ((i * step) % 7 - 3) as f32).collect()
}

/// Multiplies two matrices on `stream` and checks every element.
pub fn check_matmul(library: &Library, engine: Handle, stream: Handle) {
    let [m, n, k] = SHAPE;
    let (mut a, mut b, mut c) = (
        integers(m * k, 5),
        integers(k * n, 3),
        vec![f32::NAN; (m * n) as usize],
    );
    let operands = [
        matrix(library, engine, [m, k], &mut a),
        matrix(library, engine, [k, n], &mut b),
        matrix(library, engine, [m, n], &mut c),
    ];
    multiply(library, engine, stream, operands);
    for (row, c) in c.chunks(n as usize).enumerate() {
        for (column, &value) in c.iter().enumerate() {
            let a = a[row * k as usize..].iter().take(k as usize);
            let b = b[column..].iter().step_by(n as usize);
            let expected: f32 = a.zip(b).map(|(a, b)| a * b).sum();
            assert_eq!(value, expected, "row {row} column {column}");
        }
    }
}

/// Creates the primitive and runs it on descriptors and memories of A, B and C.
fn multiply(library: &Library, engine: Handle, stream: Handle, operands: [[Handle; 2]; 3]) {
    type PdCreate =
        extern "C" fn(*mut Handle, Handle, Handle, Handle, Handle, Handle, *const c_void) -> c_int;
    type Create = extern "C" fn(*mut Handle, Handle) -> c_int;
    type Execute = extern "C" fn(Handle, Handle, c_int, *const ExecArg) -> c_int;
    // SAFETY: the signatures are oneDNN's.
    let (pd_create, primitive_create, execute): (PdCreate, Create, Execute) = unsafe {
        (
            library.function("dnnl_matmul_primitive_desc_create"),
            library.function("dnnl_primitive_create"),
            library.function("dnnl_primitive_execute"),
        )
    };
    let [a, b, c] = operands.map(|[desc, _]| desc);
    let desc = create(|pd| pd_create(pd, engine, a, b, null_mut(), c, null()));
    let primitive = create(|primitive| primitive_create(primitive, desc));
    let [src, weights, dst] = operands.map(|[_, memory]| memory);
    let args = [(1, src), (33, weights), (17, dst)].map(|(arg, memory)| ExecArg { arg, memory });
    assert_eq!(execute(primitive, stream, 3, args.as_ptr()), 0);
}
