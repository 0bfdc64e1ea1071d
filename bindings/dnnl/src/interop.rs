//! `dnnl_threadpool_interop_*`: the calls that hand over the application's thread pool.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use brick::capi::blas::{brick_gemm_s8s8s32, brick_gemm_u8s8s32, brick_sgemm};
use brick::capi::stream::{Stream, brick_stream_create, brick_stream_create_with_pool};
use brick::capi::types::{
    brick_engine_t, brick_part_fn_t, brick_pool_t, brick_status_t, brick_stream_t,
    const_brick_stream_t,
};

use crate::runtime::{self, Iface};

const INVALID_ARGUMENTS: brick_status_t = brick::error::Status::InvalidArguments as brick_status_t;

unsafe extern "C" fn threads(pool: *mut c_void) -> c_int {
    // SAFETY: a stream's pool lives as long as the stream, by the interface's contract.
    unsafe { &*pool.cast::<Iface>() }.threads()
}

unsafe extern "C" fn run(pool: *mut c_void, n: c_int, part: brick_part_fn_t, arg: *mut c_void) {
    struct Arg(*mut c_void);
    // SAFETY: brick's argument may be passed to any thread.
    unsafe impl Sync for Arg {}
    impl Arg {
        fn get(&self) -> *mut c_void {
            self.0
        }
    }
    let arg = Arg(arg);
    // SAFETY: for the pool as in `threads`; brick waits for this call before it takes the argument away.
    unsafe { &*pool.cast::<Iface>() }.run(n as usize, &|i| unsafe { part(arg.get(), i as c_int) });
}

/// Creates a stream whose executions run on a thread pool, or, with null, inline.
///
/// # Safety
/// As `brick_stream_create`; `pool` is null or a `threadpool_iface` that lives as long as the stream.
#[unsafe(no_mangle)]
unsafe extern "C" fn dnnl_threadpool_interop_stream_create(
    stream: *mut brick_stream_t,
    engine: brick_engine_t,
    pool: *mut c_void,
) -> brick_status_t {
    if pool.is_null() {
        // SAFETY: as this function demands.
        return unsafe { brick_stream_create(stream, engine, 1) };
    }
    let callbacks = brick_pool_t {
        ctx: pool,
        num_threads: Some(threads),
        run: Some(run),
    };
    // SAFETY: as this function demands; the functions above keep a pool's promises.
    unsafe { brick_stream_create_with_pool(stream, engine, &callbacks) }
}

/// The pool that a stream was created with, or null.
///
/// # Safety
/// `stream` is null or live, `pool` null or writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn dnnl_threadpool_interop_stream_get_threadpool(
    stream: const_brick_stream_t,
    pool: *mut *mut c_void,
) -> brick_status_t {
    // SAFETY: as this function demands; a stream's handle is the address of a `Stream`.
    let (stream, pool) = unsafe { (stream.cast::<Stream>().as_ref(), pool.as_mut()) };
    match (stream, pool) {
        (Some(stream), Some(place)) => {
            *place = stream.user_pool().map_or(null_mut(), |pool| pool.context());
            0
        }
        _ => INVALID_ARGUMENTS,
    }
}

/// Tells the library how many threads to plan for on this thread.
#[unsafe(no_mangle)]
extern "C" fn dnnl_threadpool_interop_set_max_concurrency(
    max_concurrency: c_int,
) -> brick_status_t {
    runtime::set_concurrency(max_concurrency);
    0
}

/// What the library plans for on this thread.
///
/// # Safety
/// `max_concurrency` is null or writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn dnnl_threadpool_interop_get_max_concurrency(
    max_concurrency: *mut c_int,
) -> brick_status_t {
    // SAFETY: as this function demands.
    match unsafe { max_concurrency.as_mut() } {
        Some(place) => {
            *place = runtime::concurrency();
            0
        }
        None => INVALID_ARGUMENTS,
    }
}

/// `dnnl_sgemm` on a thread pool, or, with null, inline.
///
/// # Safety
/// As that call; `pool` is null or a live `threadpool_iface`.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn dnnl_threadpool_interop_sgemm(
    transa: c_char,
    transb: c_char,
    m: i64,
    n: i64,
    k: i64,
    alpha: f32,
    a: *const f32,
    lda: i64,
    b: *const f32,
    ldb: i64,
    beta: f32,
    c: *mut f32,
    ldc: i64,
    pool: *mut c_void,
) -> brick_status_t {
    // SAFETY: as this function demands.
    unsafe {
        runtime::with_pool(pool, || {
            brick_sgemm(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
        })
    }
}

/// `dnnl_gemm_u8s8s32` on a thread pool, or, with null, inline.
///
/// # Safety
/// As that call; `pool` is null or a live `threadpool_iface`.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn dnnl_threadpool_interop_gemm_u8s8s32(
    transa: c_char,
    transb: c_char,
    offsetc: c_char,
    m: i64,
    n: i64,
    k: i64,
    alpha: f32,
    a: *const u8,
    lda: i64,
    ao: u8,
    b: *const i8,
    ldb: i64,
    bo: i8,
    beta: f32,
    c: *mut i32,
    ldc: i64,
    co: *const i32,
    pool: *mut c_void,
) -> brick_status_t {
    // SAFETY: as this function demands.
    unsafe {
        runtime::with_pool(pool, || {
            brick_gemm_u8s8s32(
                transa, transb, offsetc, m, n, k, alpha, a, lda, ao, b, ldb, bo, beta, c, ldc, co,
            )
        })
    }
}

/// `dnnl_gemm_s8s8s32` on a thread pool, or, with null, inline.
///
/// # Safety
/// As that call; `pool` is null or a live `threadpool_iface`.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn dnnl_threadpool_interop_gemm_s8s8s32(
    transa: c_char,
    transb: c_char,
    offsetc: c_char,
    m: i64,
    n: i64,
    k: i64,
    alpha: f32,
    a: *const i8,
    lda: i64,
    ao: i8,
    b: *const i8,
    ldb: i64,
    bo: i8,
    beta: f32,
    c: *mut i32,
    ldc: i64,
    co: *const i32,
    pool: *mut c_void,
) -> brick_status_t {
    // SAFETY: as this function demands.
    unsafe {
        runtime::with_pool(pool, || {
            brick_gemm_s8s8s32(
                transa, transb, offsetc, m, n, k, alpha, a, lda, ao, b, ldb, bo, beta, c, ldc, co,
            )
        })
    }
}
