//! Knobs as a program meets them: each case runs this test program again, with an environment of its own.

use brick::{
    knobs,
    log::{self, Levels},
    machine::{self, Isa},
    threads,
};
use std::process::{Command, Output};

/// Says which case a process was started for.
const CASE: &str = "BRICK_TEST_CASE";

/// What other processes run, by name.
const CASES: [(&str, fn()); 6] = [
    ("capped", case_capped),
    ("called", case_called),
    ("misspelt", case_misspelt),
    ("without_aliases", case_without_aliases),
    ("with_aliases", case_with_aliases),
    ("silent", case_silent),
];

/// In a process that `run` started: its case. In any other, nothing.
#[test]
fn a_case_of_another_process() {
    if let Ok(name) = std::env::var(CASE) {
        let found = CASES.iter().find(|(case, _)| *case == name);
        let (_, case) = found.expect("a case of this name");
        case();
        println!("done {name}");
    }
}

/// Runs a case in a process with these variables; what it printed.
fn run(case: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("a running program has a path"));
    command.args(["--exact", "--nocapture", "a_case_of_another_process"]);
    command.env(CASE, case);
    for [name, ..] in knobs::ALL {
        command.env_remove(name);
    }
    let output = command
        .envs(variables.iter().copied())
        .output()
        .expect("the program can run again");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let done = stdout.contains(&format!("done {case}"));
    assert!(output.status.success() && done, "{case}: {output:?}");
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn case_capped() {
    assert_eq!(machine::effective_isa(), Isa::Portable);
    assert_eq!(threads::default_pool().len(), 3);
}

#[test]
fn the_environment_beats_the_default() {
    run(
        "capped",
        &[("BRICK_MAX_ISA", "portable"), ("BRICK_NUM_THREADS", "3")],
    );
}

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
        "called",
        &[("BRICK_MAX_ISA", "avx512_bf16"), ("BRICK_VERBOSE", "all")],
    );
}

fn case_misspelt() {
    assert_eq!(knobs::NUM_THREADS.get(), 0);
}

#[test]
fn what_is_not_understood_is_reported_and_ignored() {
    let output = run("misspelt", &[("BRICK_NUM_THREADS", "many")]);
    assert!(
        stderr(&output).contains("BRICK_NUM_THREADS=many is not understood"),
        "{output:?}"
    );
    let quiet = run(
        "misspelt",
        &[("BRICK_NUM_THREADS", "many"), ("BRICK_VERBOSE", "none")],
    );
    assert!(!stderr(&quiet).contains("BRICK"), "{quiet:?}");
}

fn case_without_aliases() {
    assert_eq!(knobs::PRIMITIVE_CACHE_CAPACITY.get(), 1024);
}

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
    run("without_aliases", &variables);
    run("with_aliases", &variables);
}

fn case_silent() {
    brick::log_line!(CHECK, "not wanted");
    brick::log_line!(ERROR, "wanted,{}", 1);
}

#[test]
fn lines_go_to_stderr_with_a_header() {
    let text = stderr(&run("silent", &[]));
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("brick_verbose,v1,"))
        .collect();
    assert!(lines[0].contains(",info,brick v"), "{text}");
    assert_eq!(lines.last(), Some(&"brick_verbose,v1,wanted,1"));
    assert!(!text.contains("not wanted"));
}
