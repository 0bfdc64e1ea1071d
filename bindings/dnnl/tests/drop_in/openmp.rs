//! The OpenMP flavour works on OpenMP's threads, as many as OpenMP says.

use crate::library::Library;
use crate::matmul::{self, Handle};
use std::ffi::{c_int, c_uint, c_void};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn threads_of_this_process() -> usize {
    std::fs::read_dir("/proc/self/task")
        .expect("Linux lists a process's threads")
        .count()
}

/// Set in the processes that the tests below start.
const CHILD: &str = "BRICK_TEST_RUNS_MATMUL";

/// In a process of the tests below: the matrix product. In any other, nothing.
#[test]
fn matmul_of_another_process() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let library = Library::open("libdnnl.so", libc::RTLD_LOCAL);
    let before = threads_of_this_process();
    let engine = matmul::engine(&library);
    // SAFETY: the signature is oneDNN's.
    let stream_create: extern "C" fn(*mut Handle, Handle, c_uint) -> c_int =
        unsafe { library.function("dnnl_stream_create") };
    let stream = matmul::create(|stream| stream_create(stream, engine, 1));
    matmul::check_matmul(&library, engine, stream);
    println!("hired {}", threads_of_this_process() - before);
}

fn run(variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("a running program has a path"))
        .args([
            "--exact",
            "--nocapture",
            "openmp::matmul_of_another_process",
        ])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .expect("the program can run again");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
fn the_team_has_as_many_threads_as_openmp_says() {
    for threads in 1..=3 {
        let text = run(&[("OMP_NUM_THREADS", &threads.to_string())]);
        assert!(
            text.contains(&format!("hired {}\n", threads - 1)),
            "{threads}: {text}"
        );
    }
}

#[test]
fn verbose_lines_go_to_stdout_in_onednns_name() {
    let text = run(&[("ONEDNN_VERBOSE", "1"), ("OMP_NUM_THREADS", "1")]);
    assert!(
        text.contains("onednn_verbose,v1,info,cpu,runtime:OpenMP"),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("onednn_verbose,v1,primitive,exec,cpu,matmul,brick")),
        "{text}"
    );
}

/// What the threads of a parallel region share.
struct Nested {
    library: Library,
    engine: Handle,
    stream: Handle,
    finished: AtomicUsize,
}

extern "C" fn multiply_inside(nested: *mut c_void) {
    // SAFETY: the test below passes its own `Nested`, which is only read and counted.
    let nested = unsafe { &*nested.cast::<Nested>() };
    matmul::check_matmul(&nested.library, nested.engine, nested.stream);
    nested.finished.fetch_add(1, Relaxed);
}

#[test]
fn inside_a_parallel_region_every_thread_computes_for_itself() {
    let library = Library::open("libdnnl.so", libc::RTLD_LOCAL);
    type Parallel = extern "C" fn(extern "C" fn(*mut c_void), *mut c_void, c_uint, c_uint);
    type StreamCreate = extern "C" fn(*mut Handle, Handle, c_uint) -> c_int;
    // SAFETY: the signatures are libgomp's and oneDNN's; the drop-in brings libgomp along.
    let (parallel, stream_create): (Parallel, StreamCreate) = unsafe {
        (
            library.function("GOMP_parallel"),
            library.function("dnnl_stream_create"),
        )
    };
    let engine = matmul::engine(&library);
    let stream = matmul::create(|stream| stream_create(stream, engine, 1));
    let mut nested = Nested {
        library,
        engine,
        stream,
        finished: AtomicUsize::new(0),
    };
    parallel(multiply_inside, (&raw mut nested).cast(), 3, 0);
    assert_eq!(nested.finished.into_inner(), 3);
}
