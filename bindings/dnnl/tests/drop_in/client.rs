//! A C++ program written to oneDNN's own header, `dnnl.hpp`, and linked to this library.
//!
//! The header is oneDNN's and no part of this repository: without it the test says so and passes. `make test-dropin` fetches it.

use crate::library::Library;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder where oneDNN's headers are, if they are anywhere.
fn headers() -> Option<PathBuf> {
    let target = Library::path("").ancestors().nth(2)?.join("peers");
    let peers = std::env::var_os("BRICK_PEERS").map_or(target, PathBuf::from);
    [peers.join("include"), "/usr/include".into()]
        .into_iter()
        .find(|folder| {
            // Headers of version 2 have the same names.
            let version = folder.join("oneapi/dnnl/dnnl_version.h");
            std::fs::read_to_string(version)
                .is_ok_and(|text| text.contains("#define DNNL_VERSION_MAJOR 3"))
        })
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
        println!("skipped: no oneapi/dnnl/dnnl.hpp of version 3; `make test-dropin` fetches it");
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
