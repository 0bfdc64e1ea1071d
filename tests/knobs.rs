//! Knobs as a program meets them: each case runs this test program again, with an environment of its own.

use brick::{
    knobs,
    log::{self, Levels},
    machine::{self, Isa},
    threads,
};
use std::process::{Command, Output};

/// Runs the ignored test `case` in a process with these variables; what it printed.
fn run(case: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("a running program has a path"));
    command.args(["--ignored", "--exact", "--nocapture", case]);
    for [name, ..] in knobs::ALL {
        command.env_remove(name);
    }
    let output = command
        .envs(variables.iter().copied())
        .output()
        .expect("the program can run again");
    assert!(output.status.success(), "{case}: {output:?}");
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
#[ignore = "a case for another process"]
fn case_capped() {
    assert_eq!(machine::effective_isa(), Isa::Portable);
    assert_eq!(threads::default_pool().len(), 3);
}

#[test]
fn the_environment_beats_the_default() {
    run(
        "case_capped",
        &[("BRICK_MAX_ISA", "portable"), ("BRICK_NUM_THREADS", "3")],
    );
}

#[test]
#[ignore = "a case for another process"]
fn case_called() {
    machine::set_max_isa(Isa::Portable).unwrap();
    log::set_levels(Levels::NONE);
    assert_eq!(machine::effective_isa(), Isa::Portable);
    assert!(machine::set_max_isa(Isa::Avx2).is_err());
    assert!(!log::enabled(Levels::ALL));
}

#[test]
fn a_call_beats_the_environment() {
    run(
        "case_called",
        &[("BRICK_MAX_ISA", "avx512_bf16"), ("BRICK_VERBOSE", "all")],
    );
}

#[test]
#[ignore = "a case for another process"]
fn case_misspelt() {
    assert_eq!(knobs::NUM_THREADS.get(), 0);
}

#[test]
fn what_is_not_understood_is_reported_and_ignored() {
    let output = run("case_misspelt", &[("BRICK_NUM_THREADS", "many")]);
    assert!(
        stderr(&output).contains("BRICK_NUM_THREADS=many is not understood"),
        "{output:?}"
    );
    let quiet = run(
        "case_misspelt",
        &[("BRICK_NUM_THREADS", "many"), ("BRICK_VERBOSE", "none")],
    );
    assert!(!stderr(&quiet).contains("BRICK"), "{quiet:?}");
}

#[test]
#[ignore = "a case for another process"]
fn case_without_aliases() {
    assert_eq!(knobs::PRIMITIVE_CACHE_CAPACITY.get(), 1024);
}

#[test]
#[ignore = "a case for another process"]
fn case_with_aliases() {
    knobs::set_onednn_aliases();
    assert_eq!(knobs::PRIMITIVE_CACHE_CAPACITY.get(), 5);
    assert_eq!(knobs::MAX_ISA.get(), Isa::Avx2);
    assert!(log::enabled(Levels::PROFILE_EXEC));
}

#[test]
fn onednns_names_count_only_when_asked_for() {
    let variables = [
        ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "5"),
        ("DNNL_MAX_CPU_ISA", "AVX2"),
        ("DNNL_VERBOSE", "1"),
    ];
    run("case_without_aliases", &variables);
    run("case_with_aliases", &variables);
}

#[test]
#[ignore = "a case for another process"]
fn case_silent() {
    brick::log_line!(CHECK, "not wanted");
    brick::log_line!(ERROR, "wanted,{}", 1);
}

#[test]
fn lines_go_to_stderr_with_a_header() {
    let text = stderr(&run("case_silent", &[]));
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("brick_verbose,v1,"))
        .collect();
    assert!(lines[0].contains(",info,brick v"), "{text}");
    assert_eq!(lines.last(), Some(&"brick_verbose,v1,wanted,1"));
    assert!(!text.contains("not wanted"));
}
