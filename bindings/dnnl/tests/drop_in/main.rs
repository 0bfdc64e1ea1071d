//! What a program sees that loads this library in oneDNN's place. Tests load it as programs do, with dlopen.

mod client;
mod library;
mod matmul;
#[cfg(not(feature = "threadpool"))]
mod openmp;
#[cfg(feature = "threadpool")]
mod threadpool;

use library::Library;
use std::ffi::{c_char, c_int, c_uint};
use std::process::Command;

#[repr(C)]
struct Version {
    numbers: [c_int; 3],
    hash: *const c_char,
    runtimes: [c_uint; 2],
}

/// The answer of `nm` or `readelf`, both of binutils, about the library.
fn inspect(tool: &str, option: &str) -> String {
    let output = Command::new(tool)
        .arg(option)
        .arg(Library::path("libdnnl.so"))
        .output()
        .expect("binutils are installed");
    String::from_utf8(output.stdout).expect("symbol names are text")
}

#[test]
fn exactly_the_listed_names_are_exported() {
    let output = inspect("nm", "-D");
    let mut exported: Vec<_> = output
        .lines()
        .filter_map(|line| line.split_once(" T "))
        .map(|(_, name)| name)
        .collect();
    exported.sort_unstable();
    let mut listed: Vec<_> = include_str!("../../names.txt").split_whitespace().collect();
    listed.sort_unstable();
    assert_eq!(exported, listed);
    assert!(
        !output
            .lines()
            .any(|line| line.contains(" D ") || line.contains(" B ") || line.contains(" R "))
    );
}

#[test]
fn it_is_linked_as_a_drop_in() {
    let dynamic = inspect("readelf", "-d");
    assert!(dynamic.contains("soname: [libdnnl.so.3]"), "{dynamic}");
    assert!(dynamic.contains("SYMBOLIC"), "{dynamic}");
    assert_eq!(
        dynamic.contains("[libgomp.so.1]"),
        cfg!(not(feature = "threadpool")),
        "{dynamic}"
    );
}

#[test]
fn the_version_is_onednns() {
    let library = Library::open("libdnnl.so", libc::RTLD_LOCAL);
    // SAFETY: the signature is oneDNN's.
    let version: extern "C" fn() -> &'static Version = unsafe { library.function("dnnl_version") };
    let runtime = if cfg!(feature = "threadpool") { 8 } else { 2 };
    assert_eq!(
        (version().numbers, version().runtimes),
        ([3, 13, 0], [runtime, 0])
    );
    assert!(!version().hash.is_null());
}

#[test]
fn stubs_say_unimplemented() {
    let library = Library::open("libdnnl.so", libc::RTLD_LOCAL);
    // SAFETY: a stub ignores its arguments.
    let create: extern "C" fn(*mut *mut c_char, c_int) -> c_int =
        unsafe { library.function("dnnl_graph_graph_create") };
    let mut graph = std::ptr::null_mut();
    assert_eq!((create(&mut graph, 1), graph.is_null()), (3, true));
}

#[test]
fn it_lives_beside_libbrick() {
    // Global and first, so that it would answer for every symbol that the drop-in left to the dynamic linker.
    let brick = Library::open("libbrick.so", libc::RTLD_GLOBAL);
    let dnnl = Library::open("libdnnl.so", libc::RTLD_GLOBAL);
    let mut capacity = 0;
    for (library, prefix, value) in [(&brick, "brick", 7), (&dnnl, "dnnl", 9)] {
        // SAFETY: the signature is oneDNN's.
        let set: extern "C" fn(c_int) -> c_int =
            unsafe { library.function(&format!("{prefix}_set_primitive_cache_capacity")) };
        assert_eq!(set(value), 0);
    }
    // Each library has kept its own value.
    for (library, prefix, value) in [(&brick, "brick", 7), (&dnnl, "dnnl", 9)] {
        // SAFETY: the signature is oneDNN's.
        let get: extern "C" fn(&mut c_int) -> c_int =
            unsafe { library.function(&format!("{prefix}_get_primitive_cache_capacity")) };
        assert_eq!((get(&mut capacity), capacity), (0, value));
    }
}
