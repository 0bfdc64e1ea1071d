//! The thread-pool flavour works on a C++ pool that a client brings.

use crate::library::Library;
use crate::matmul::{self, Handle};
use std::ffi::{c_char, c_int};
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::OnceLock;

/// The client's pool, compiled beside this test.
fn client() -> &'static Library {
    static CLIENT: OnceLock<Library> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let object = Library::path("libdnnl_test_pool.so");
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let compiler = cc::Build::new()
            .cpp(true)
            .target(&target)
            .host(&target)
            .opt_level(1)
            .get_compiler();
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/drop_in/pool.cpp");
        let flags = [
            "-std=c++17",
            "-shared",
            "-fPIC",
            "-pthread",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-o",
        ];
        let status = compiler
            .to_command()
            .args(flags)
            .arg(&object)
            .arg(source)
            .status();
        assert!(status.expect("a C++ compiler is installed").success());
        Library::open("libdnnl_test_pool.so", libc::RTLD_LOCAL)
    })
}

fn pool(threads: c_int, asynchronous: bool) -> Handle {
    // SAFETY: the signature is that of pool.cpp.
    let create: extern "C" fn(c_int, c_int) -> Handle = unsafe { client().function("pool_create") };
    create(threads, asynchronous as c_int)
}

/// Parts that a pool has run to their end.
fn parts(pool: Handle) -> c_int {
    // SAFETY: the signature is that of pool.cpp.
    let parts: extern "C" fn(Handle) -> c_int = unsafe { client().function("pool_parts") };
    parts(pool)
}

fn check(pool: Handle, concurrency: c_int) {
    let library = Library::open("libdnnl.so", libc::RTLD_LOCAL);
    type StreamCreate = extern "C" fn(*mut Handle, Handle, Handle) -> c_int;
    type GetPool = extern "C" fn(Handle, *mut Handle) -> c_int;
    // SAFETY: the signatures are oneDNN's.
    let (set_concurrency, stream_create, get_pool): (
        extern "C" fn(c_int) -> c_int,
        StreamCreate,
        GetPool,
    ) = unsafe {
        (
            library.function("dnnl_threadpool_interop_set_max_concurrency"),
            library.function("dnnl_threadpool_interop_stream_create"),
            library.function("dnnl_threadpool_interop_stream_get_threadpool"),
        )
    };
    assert_eq!(set_concurrency(concurrency), 0);
    let engine = matmul::engine(&library);
    let (mut stream, mut found) = (null_mut(), null_mut());
    assert_eq!(stream_create(&mut stream, engine, pool), 0);
    assert_eq!((get_pool(stream, &mut found), found), (0, pool));
    matmul::check_matmul(&library, engine, stream);
}

#[test]
fn a_synchronous_pool_runs_the_parts() {
    let pool = pool(3, false);
    check(pool, 3);
    assert!(parts(pool) > 1);
}

#[test]
fn an_asynchronous_pool_is_waited_for() {
    // Every element is checked as soon as the execution returns.
    check(pool(2, true), 2);
}

#[test]
fn without_a_pool_everything_runs_inline() {
    check(null_mut(), 2);
}

#[test]
fn a_product_of_one_call_runs_on_the_pool_given() {
    type Sgemm = extern "C" fn(
        c_char,
        c_char,
        i64,
        i64,
        i64,
        f32,
        *const f32,
        i64,
        *const f32,
        i64,
        f32,
        *mut f32,
        i64,
        Handle,
    ) -> c_int;
    const N: usize = 192;
    let library = Library::open("libdnnl.so", libc::RTLD_LOCAL);
    // SAFETY: the signatures are oneDNN's.
    let (set_concurrency, sgemm): (extern "C" fn(c_int) -> c_int, Sgemm) = unsafe {
        (
            library.function("dnnl_threadpool_interop_set_max_concurrency"),
            library.function("dnnl_threadpool_interop_sgemm"),
        )
    };
    assert_eq!(set_concurrency(3), 0);
    let (n, flag) = (N as i64, b'N' as c_char);
    let a: Vec<f32> = (0..N * N).map(|i| (i % 7) as f32).collect();
    let identity: Vec<f32> = (0..N * N).map(|i| f32::from(i % (N + 1) == 0)).collect();
    for pool in [pool(3, false), null_mut()] {
        let mut c = vec![f32::NAN; N * N];
        let (x, y, z) = (a.as_ptr(), identity.as_ptr(), c.as_mut_ptr());
        assert_eq!(
            sgemm(flag, flag, n, n, n, 1.0, x, n, y, n, 0.0, z, n, pool),
            0
        );
        assert_eq!(c, a);
        assert!(pool.is_null() || parts(pool) > 1);
    }
}
