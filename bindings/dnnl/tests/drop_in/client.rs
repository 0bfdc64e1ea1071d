//! A C++ program written to oneDNN's own header, `dnnl.hpp`, and linked to this library.
//!
//! The header is oneDNN's and no part of this repository: without it the test says so and passes. `make test-dropin` fetches it.

use crate::library::Library;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with oneDNN's headers, if it is there.
fn headers() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let peers = std::env::var("BRICK_PEERS").unwrap_or("target/peers".into());
    let folder = root.join(peers).join("include");
    folder
        .join("oneapi/dnnl/dnnl.hpp")
        .exists()
        .then_some(folder)
}

/// What the program prints.
fn run(program: &Path) -> String {
    let mut command = Command::new("timeout");
    let output = command.arg("200").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

#[test]
fn a_program_written_to_onednns_header_runs_unchanged() {
    let Some(headers) = headers() else {
        println!("skipped: no oneapi/dnnl/dnnl.hpp; `make test-dropin` fetches it");
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let link = folder.join("libdnnl.so.3");
    let _ = std::fs::remove_file(&link);
    symlink(Library::path("libdnnl.so"), &link).unwrap();
    let program = folder.join("client");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drop_in/client.cpp");
    let mut compiler = Command::new(std::env::var("CXX").unwrap_or("g++".into()));
    compiler
        .args([
            "-std=c++17",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pthread",
        ])
        .args(cfg!(feature = "threadpool").then_some("-DCLIENT_POOL"))
        .arg("-isystem")
        .arg(headers)
        .arg(source)
        .arg(format!("-L{}", folder.display()))
        .arg(format!("-Wl,-rpath,{}", folder.display()))
        .args(["-l:libdnnl.so.3", "-o"])
        .arg(&program);
    assert!(compiler.status().unwrap().success(), "{compiler:?}");
    let text = run(&program);
    assert!(
        text.contains("training: ok") && text.contains("lstm: ok"),
        "{text}"
    );
}
