//! C and C++ programs: compiled with the system's compilers, warnings as errors, linked to the real `libbrick.so`, run.
//!
//! `BRICK_C_FLAGS` adds compiler flags (a sanitizer), and `CC` and `CXX` choose other compilers.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];

#[derive(Clone, Copy)]
pub enum Language {
    C99,
    Cpp17,
}

/// The folder with libbrick under its link name and its SONAME, and everything that is compiled here.
pub fn output() -> &'static Path {
    static OUTPUT: OnceLock<PathBuf> = OnceLock::new();
    OUTPUT.get_or_init(|| {
        let library = env::current_exe().unwrap().with_file_name("libbrick.so");
        assert!(library.exists(), "{} is missing", library.display());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_abi");
        fs::create_dir_all(&folder).unwrap();
        for name in ["libbrick.so", &soname(&library)] {
            let link = folder.join(name);
            let _ = fs::remove_file(&link);
            symlink(&library, link).unwrap();
        }
        folder
    })
}

fn soname(library: &Path) -> String {
    let headers = run(Command::new("readelf").args(["-d", "-W"]).arg(library));
    let line = headers.lines().find(|line| line.contains("SONAME"));
    let name = line.and_then(|line| line.split(['[', ']']).nth(1));
    name.expect("libbrick.so has a SONAME").to_owned()
}

/// Runs a command, which must succeed, and gives its standard output.
pub fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(
        status.success(),
        "{command:?}: {status}\n{stdout}\n{stderr}"
    );
    stdout
}

fn flags() -> String {
    env::var("BRICK_C_FLAGS").unwrap_or_default()
}

/// Compiles sources, whose paths begin at the root of the repository, into a program.
pub fn compile(sources: &[&str], language: Language) -> PathBuf {
    let (variable, compiler, dialect, suffix) = match language {
        Language::C99 => ("CC", "gcc", ["-std=c99", "-xc"], ""),
        Language::Cpp17 => ("CXX", "g++", ["-std=c++17", "-xc++"], "_cpp"),
    };
    let path = Path::new(sources[0]);
    let [folder, stem] = [path.parent().and_then(Path::file_name), path.file_stem()]
        .map(|part| part.and_then(OsStr::to_str).unwrap());
    let program = output().join(format!("{folder}_{stem}{suffix}"));
    let mut command = Command::new(env::var(variable).unwrap_or(compiler.into()));
    command
        .args(WARNINGS)
        .args(dialect)
        .args(["-O1", "-g", "-pthread"])
        .args(flags().split_whitespace())
        .arg(format!("-I{ROOT}/include"))
        .args(sources.iter().map(|source| Path::new(ROOT).join(source)))
        .arg("-xnone")
        .arg(format!("-L{}", output().display()))
        .arg(format!("-Wl,-rpath,{}", output().display()))
        .args(["-lbrick", "-lm", "-o"])
        .arg(&program);
    run(&mut command);
    program
}

/// Runs a program under a watchdog.
pub fn execute(program: &Path, arguments: &[&str]) -> String {
    run(Command::new("timeout")
        .arg("200")
        .arg(program)
        .args(arguments)
        .current_dir(ROOT)
        .env_remove("BRICK_DATA"))
}
