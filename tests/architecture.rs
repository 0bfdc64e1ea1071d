//! The rules of the house, checked: who may use whom, how long files may be, where `unsafe` may stand.
//!
//! `docs/architecture.md` draws the same rules as a picture.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules, and the modules that each may use besides itself and those of `EVERYONE`.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "capi",
        &[
            "primitive",
            "ops",
            "memory",
            "attr",
            "threads",
            "machine",
            "kernel",
        ],
    ),
    (
        "primitive",
        &["ops", "memory", "attr", "threads", "machine", "kernel"],
    ),
    (
        "ops",
        &[
            "plan", "exec", "kernel", "memory", "attr", "threads", "machine",
        ],
    ),
    ("exec", &["plan", "kernel", "memory", "threads", "machine"]),
    ("plan", &["kernel", "memory", "attr", "machine"]),
    // The algorithms' names are attributes.
    ("kernel", &["jit", "machine", "attr"]),
    ("jit", &["machine"]),
    ("threads", &["machine"]),
    ("memory", &[]),
    ("machine", &[]),
    ("attr", &["memory"]),
    ("dtype", &[]),
    ("error", &[]),
    ("hash", &[]),
    ("process", &[]),
    ("numbered", &[]),
    // The knobs say which ISA, and lines say which machine wrote them.
    ("knobs", &["machine"]),
    ("log", &["machine"]),
];

/// What everyone may use: the vocabulary, the knobs, the lines; and the macros, which live at the root.
const EVERYONE: &[&str] = &[
    "error",
    "dtype",
    "knobs",
    "log",
    "process",
    "hash",
    "numbered",
    "invalid",
    "unimplemented_here",
    "ensure",
    "require",
    "supported",
    "log_line",
];

/// Modules in which `unsafe` may stand.
const UNSAFE: &[&str] = &[
    "capi",
    "kernel",
    "jit",
    "exec",
    "threads",
    "ops",
    "memory",
    "primitive",
    "process",
    "log",
];

/// Lines of a file, its tests not counted.
const LONGEST_FILE: usize = 650;
/// Primitives and planning, without comments, blank lines and tests, so that they do not grow by themselves; lowered with
/// them, towards 6000 (`docs/architecture.md`).
const MOST_LINES_OF_PRIMITIVES: usize = 9_440;

struct Source {
    path: PathBuf,
    module: String,
    /// The text without comments and without its `#[cfg(test)]` module.
    code: String,
    lines: usize,
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn code_of(text: &str) -> String {
    without_tests(text)
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n")
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let inside = path.strip_prefix(&root).unwrap();
            let first = inside.components().next().unwrap().as_os_str();
            Source {
                module: first.to_str().unwrap().trim_end_matches(".rs").to_owned(),
                code: code_of(&text),
                lines: without_tests(&text).lines().count(),
                path: inside.to_owned(),
            }
        })
        .collect()
}

fn is_test(source: &Source) -> bool {
    source.path.ends_with("tests.rs") || source.path.iter().any(|part| part == "tests")
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The names behind `crate::`, also in groups.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if !rest.starts_with('{') {
            names.insert(word(rest).to_owned());
            continue;
        }
        let mut depth = 0;
        let mut expects_name = false;
        for (i, c) in rest.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ if expects_name && depth == 1 && c.is_alphabetic() => {
                    names.insert(word(&rest[i..]).to_owned());
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
            expects_name =
                depth == 1 && (matches!(c, '{' | ',') || expects_name && c.is_whitespace());
        }
    }
    names
}

#[test]
fn groups_are_taken_apart() {
    let code = "use crate::{\n    attr::{Attr, F32},\n    error::Result,\n    invalid,\n}; crate::log::emit()";
    let names: Vec<String> = used(code).into_iter().collect();
    assert_eq!(names, ["attr", "error", "invalid", "log"]);
}

#[test]
fn modules_use_only_what_they_may() {
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|s| s.module != "lib" && !is_test(s))
    {
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == source.module) else {
            faults.push(format!("{}: an unknown module", source.path.display()));
            continue;
        };
        let own = [source.module.as_str()];
        for name in used(&source.code) {
            let known = EVERYONE.iter().chain(*allowed).chain(&own);
            if !known.into_iter().any(|n| *n == name) {
                faults.push(format!("{} uses {name}", source.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_environment_has_one_reader() {
    for source in sources()
        .iter()
        .filter(|s| s.module != "knobs" && !is_test(s))
    {
        let reads = source.code.contains("env::var");
        assert!(!reads, "{} reads the environment", source.path.display());
    }
}

#[test]
fn primitives_know_no_instruction_set() {
    for source in sources()
        .iter()
        .filter(|s| s.module == "ops" && !is_test(s))
    {
        for name in ["Avx2", "Avx512", "is_x86_feature"] {
            assert!(
                !source.code.contains(name),
                "{} mentions {name}",
                source.path.display()
            );
        }
    }
}

#[test]
fn files_are_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|s| s.lines > LONGEST_FILE && !s.path.ends_with("rows.rs"))
        .map(|s| format!("{}: {} lines", s.path.display(), s.lines))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_file_says_its_job() {
    for source in sources() {
        let text = fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src")
                .join(&source.path),
        );
        assert!(
            text.unwrap().starts_with("//!"),
            "{} has no opening paragraph",
            source.path.display()
        );
    }
}

#[test]
fn primitives_and_planning_stay_small() {
    let count = |s: &Source| {
        s.code
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count()
    };
    let total: usize = sources()
        .iter()
        .filter(|s| (s.module == "ops" || s.module == "plan") && !is_test(s))
        .map(count)
        .sum();
    assert!(
        total <= MOST_LINES_OF_PRIMITIVES,
        "ops and plan have {total} lines"
    );
}

#[test]
fn unsafe_stands_where_it_may() {
    for source in sources()
        .iter()
        .filter(|s| !UNSAFE.contains(&s.module.as_str()))
    {
        let words = source
            .code
            .split(|c: char| !c.is_alphanumeric() && c != '_');
        let found = words.into_iter().any(|w| w == "unsafe");
        assert!(!found, "{} has unsafe code", source.path.display());
    }
}
