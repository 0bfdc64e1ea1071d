//! The C harness: the programs in `c_tests/`, each compiled as C99 and as C++17 and linked to the real `libbrick.so`.

mod clients;

use clients::{Language, ROOT, compile, execute, output, run};
use std::fs;
use std::process::Command;

fn client(name: &str) {
    let source = format!("c_tests/{name}.c");
    for language in [Language::C99, Language::Cpp17] {
        execute(&compile(&[&source], language), &[]);
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
    inner_product, matmul, memory, memory_desc, oom, primitive_desc, quantisation, rnn, rnn_int8, scratchpad, service, threads,
    ukernel, user_pool, verbose,
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
    execute(&compile(&["c_tests/header_c99.c"], Language::C99), &[]);
    let twice = ["c_tests/header_a.cpp", "c_tests/header_b.cpp"];
    execute(&compile(&twice, Language::Cpp17), &[]);
}

#[test]
fn the_cpp_wrapper() {
    execute(&compile(&["c_tests/wrapper.cpp"], Language::Cpp17), &[]);
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

/// The functions of which a client expects a call to fail, as the preprocessor leaves the harness's macros.
fn refused_functions(client: &str) -> Vec<String> {
    let compiler = std::env::var("CC").unwrap_or("gcc".into());
    let text = run(Command::new(compiler)
        .args(["-E", "-P", &format!("-I{ROOT}/include")])
        .arg(format!("{ROOT}/c_tests/{client}.c")));
    let calls = text.split("check_forget(), check_status((").skip(1);
    calls
        .filter_map(|call| Some(call.split_once('(')?.0.trim().to_owned()))
        .collect()
}

#[test]
fn every_function_is_seen_to_refuse_bad_arguments() {
    let functions = fallible_functions();
    assert!(functions.len() > 100, "{} functions", functions.len());
    let refused: Vec<String> = CLIENTS
        .iter()
        .flat_map(|name| refused_functions(name))
        .collect();
    let unseen: Vec<_> = functions
        .iter()
        .filter(|name| !refused.contains(name))
        .collect();
    assert!(
        unseen.is_empty(),
        "no C client has a bad call of {unseen:?}"
    );
}
