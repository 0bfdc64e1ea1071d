//! The C harness: compiles the programs in `c_tests/` and `examples/` with the system's compilers, warnings as errors,
//! links them to the real `libbrick.so` and runs them.
//!
//! Every client in `c_tests/` is compiled as C99 and as C++17. `BRICK_C_FLAGS` adds compiler flags (a sanitizer), and
//! `CC` and `CXX` choose other compilers.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];

#[derive(Clone, Copy)]
enum Language {
    C99,
    Cpp17,
}

/// The folder with libbrick under its link name and its SONAME, and everything that is compiled here.
fn output() -> &'static Path {
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
fn run(command: &mut Command) -> String {
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

/// Compiles sources of one folder into a program.
fn compile(folder: &str, sources: &[&str], language: Language) -> PathBuf {
    let (variable, compiler, dialect, suffix) = match language {
        Language::C99 => ("CC", "gcc", ["-std=c99", "-xc"], ""),
        Language::Cpp17 => ("CXX", "g++", ["-std=c++17", "-xc++"], "_cpp"),
    };
    let stem = Path::new(sources[0]).file_stem().and_then(OsStr::to_str);
    let program = output().join(format!("{folder}_{}{suffix}", stem.unwrap()));
    let mut command = Command::new(env::var(variable).unwrap_or(compiler.into()));
    command
        .args(WARNINGS)
        .args(dialect)
        .args(["-O1", "-g", "-pthread"])
        .args(flags().split_whitespace())
        .arg(format!("-I{ROOT}/include"))
        .args(
            sources
                .iter()
                .map(|source| format!("{ROOT}/{folder}/{source}")),
        )
        .arg("-xnone")
        .arg(format!("-L{}", output().display()))
        .arg(format!("-Wl,-rpath,{}", output().display()))
        .args(["-lbrick", "-lm", "-o"])
        .arg(&program);
    run(&mut command);
    program
}

/// Runs a program under a watchdog.
fn execute(program: &Path, arguments: &[&str]) -> String {
    run(Command::new("timeout")
        .arg("200")
        .arg(program)
        .args(arguments)
        .current_dir(ROOT)
        .env_remove("BRICK_DATA"))
}

fn client(name: &str) {
    let source = format!("{name}.c");
    for language in [Language::C99, Language::Cpp17] {
        execute(&compile("c_tests", &[&source], language), &[]);
    }
}

macro_rules! clients {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            client(stringify!($name));
        })*

        const CLIENTS: &[&str] = &[$(stringify!($name)),*];
    };
}

clients! {
    attr, bad_args, bad_attr, bad_ops, cache, convolution, elementwise, engine, execute_semantics, fork, gemm,
    inner_product, matmul, memory, memory_desc, oom, primitive_desc, scratchpad, service, threads, ukernel,
    user_pool, verbose,
}

#[test]
fn every_client_is_run() {
    let mut files: Vec<String> = fs::read_dir(format!("{ROOT}/c_tests"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".c")?.to_owned()))
        .filter(|name| name != "header_c99")
        .collect();
    files.sort();
    assert_eq!(files, CLIENTS);
}

#[test]
fn the_header_stands_alone() {
    execute(&compile("c_tests", &["header_c99.c"], Language::C99), &[]);
    execute(
        &compile(
            "c_tests",
            &["header_a.cpp", "header_b.cpp"],
            Language::Cpp17,
        ),
        &[],
    );
}

/// The functions that the header declares, in order.
fn declared_functions() -> Vec<String> {
    let header = fs::read_to_string(format!("{ROOT}/include/brick.h")).unwrap();
    let code: String = header
        .lines()
        .filter(|line| !line.trim_start().starts_with(['*', '/', '#']))
        .collect();
    let mut names: Vec<String> = code
        .match_indices('(')
        .filter_map(|(open, _)| {
            let word = code[..open].rsplit(|c: char| !c.is_alphanumeric() && c != '_');
            word.into_iter().next().filter(|w| w.starts_with("brick_"))
        })
        .map(str::to_owned)
        .collect();
    names.dedup();
    names
}

#[test]
fn every_declared_function_is_exported() {
    let names = declared_functions();
    assert!(names.len() > 100, "the header declares {}", names.len());
    let exported = run(Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(output().join("libbrick.so")));
    let exported: Vec<&str> = exported
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !exported.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "declared, not exported: {missing:?}");
    let undeclared: Vec<_> = exported
        .iter()
        .filter(|name| !names.iter().any(|n| n == *name))
        .collect();
    assert!(
        undeclared.is_empty(),
        "exported, not declared: {undeclared:?}"
    );
}

#[test]
fn every_declared_function_has_a_client() {
    let mut text = String::new();
    for folder in ["c_tests", "examples"] {
        for file in fs::read_dir(format!("{ROOT}/{folder}")).unwrap() {
            text += &fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        }
    }
    let unused: Vec<_> = declared_functions()
        .into_iter()
        .filter(|name| !text.contains(&format!("{name}(")))
        .collect();
    assert!(unused.is_empty(), "no C program calls {unused:?}");
}

/// The functions that the header declares to answer a status, but for those that cannot refuse anything.
fn fallible_functions() -> Vec<String> {
    const WITHOUT_ARGUMENTS_TO_REFUSE: [&str; 2] =
        ["brick_set_log", "brick_brgemm_release_hw_context"];
    let header = fs::read_to_string(format!("{ROOT}/include/brick.h")).unwrap();
    let declarations = header.split("brick_status_t brick_").skip(1);
    declarations
        .map(|text| format!("brick_{}", text.split('(').next().unwrap()))
        .filter(|name| !name.ends_with("_destroy"))
        .filter(|name| !WITHOUT_ARGUMENTS_TO_REFUSE.contains(&name.as_str()))
        .collect()
}

/// Whether some statement of `text` expects a call of `function` to fail.
fn expects_refusal(text: &str, function: &str) -> bool {
    let call = format!("{function}(");
    text.match_indices(&call).any(|(at, _)| {
        let statement = text[..at].rsplit([';', '{']).next().unwrap_or("");
        ["INVALID", "UNIMPLEMENTED", "FAILS", "PD(", "VIEW("]
            .iter()
            .any(|word| statement.contains(word))
    })
}

#[test]
fn every_function_is_seen_to_refuse_bad_arguments() {
    let functions = fallible_functions();
    assert!(functions.len() > 100, "{} functions", functions.len());
    let clients: Vec<String> = CLIENTS
        .iter()
        .map(|name| fs::read_to_string(format!("{ROOT}/c_tests/{name}.c")).unwrap())
        .collect();
    let unseen: Vec<_> = functions
        .iter()
        .filter(|name| !clients.iter().any(|text| expects_refusal(text, name)))
        .collect();
    assert!(
        unseen.is_empty(),
        "no C client has a bad call of {unseen:?}"
    );
}

#[test]
fn example_matmul() {
    execute(&compile("examples", &["matmul.c"], Language::C99), &[]);
}

#[test]
fn example_brgemm() {
    execute(&compile("examples", &["brgemm.c"], Language::C99), &[]);
}

/// The accuracy in percent that the example says it reached.
fn accuracy(report: &str) -> f64 {
    let last = report
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("accuracy "));
    let number = last.and_then(|text| text.split(' ').next());
    number
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no accuracy in:\n{report}"))
}

#[test]
fn example_mlp_learns() {
    let program = compile("examples", &["mlp.c"], Language::C99);
    for arguments in [&[][..], &["--bf16"]] {
        let reached = accuracy(&execute(&program, arguments));
        assert!(reached > 96.0, "{arguments:?}: {reached} %");
    }
}
