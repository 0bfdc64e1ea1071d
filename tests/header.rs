//! `include/brick.h` and `include/brick.symbols` are what the sources say, and compile as C and C++ without a warning.
//!
//! `UPDATE_HEADER=1 cargo test --test header` writes them. cbindgen renders types, argument numbers and functions;
//! enumerations and format tags come from the library's own tables.

#[path = "header/tags.rs"]
mod tags;

use brick::capi::enums;
use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The files of the C API in the order of the header.
const SOURCES: &[&str] = &[
    "types",
    "service",
    "engine",
    "stream",
    "memory_desc",
    "memory_desc_query",
    "memory",
    "attr",
    "attr_quant",
    "attr_rnn",
    "post_ops",
    "primitive",
    "ops",
    "rnn",
    "gru",
    "augru",
    "blas",
    "ukernel",
    "transform",
    "conv",
    "strings",
];

const MACROS: &str = r#"
#if defined(_WIN32)
#define BRICK_API
#else
#define BRICK_API __attribute__((visibility("default")))
#endif

/** A memory object without data, to be given later. */
#define BRICK_MEMORY_NONE (NULL)
/** Data that the memory object allocates. */
#define BRICK_MEMORY_ALLOCATE ((void *)(size_t)-1)
/** Size of memory whose dimensions are given at execution. */
#define BRICK_RUNTIME_SIZE_VAL ((size_t)BRICK_RUNTIME_DIM_VAL)
/** Or #BRICK_ARG_SRC_1, #BRICK_ARG_SRC_2, #BRICK_ARG_WEIGHTS: an operand of post-op idx. */
#define BRICK_ARG_ATTR_MULTIPLE_POST_OP(idx) (BRICK_ARG_ATTR_MULTIPLE_POST_OP_BASE * ((idx) + 1))
"#;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A doc comment, of one line if it fits.
fn comment(doc: &str, indent: &str) -> String {
    let lines: Vec<_> = doc.lines().map(str::trim).collect();
    match lines[..] {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        _ => format!(
            "{indent}/**\n{indent} * {}\n{indent} */\n",
            lines.join(&format!("\n{indent} * "))
        ),
    }
}

fn enumerations() -> String {
    let mut text = String::new();
    for e in enums::ALL {
        let (doc, name) = (comment(e.doc, ""), e.name);
        write!(text, "\n{doc}typedef int32_t {name};\nenum {{\n").unwrap();
        for v in e.values {
            let number = match v.value {
                256.. => format!("{:#x}", v.value),
                small => small.to_string(),
            };
            let doc = comment(v.doc, "    ");
            writeln!(text, "{doc}    {} = {number},", v.name).unwrap();
        }
        text += "};\n";
    }
    text
}

fn header() -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let tags = tags::c_constants();
    config.after_includes = Some(format!("{MACROS}{}\n{tags}", enumerations()));
    let builder = SOURCES
        .iter()
        .fold(cbindgen::Builder::new(), |builder, name| {
            builder.with_src(root().join(format!("src/capi/{name}.rs")))
        });
    let bindings = builder.with_config(config).generate().expect("cbindgen");
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).unwrap()
}

/// Names of the functions that a header declares.
fn functions(header: &str) -> BTreeSet<&str> {
    let declarations = header
        .split("BRICK_API\n")
        .chain(header.split("BRICK_API "));
    declarations
        .skip(1)
        .filter_map(|text| text.split('(').next()?.split([' ', '*', '\n']).next_back())
        .filter(|name| name.starts_with("brick_"))
        .collect()
}

fn check(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(path, text).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is out of date: UPDATE_HEADER=1 cargo test --test header",
        path.display()
    );
}

#[test]
fn the_committed_header_is_current() {
    let header = header();
    check(&root().join("include/brick.h"), &header);
    let mut symbols = functions(&header)
        .into_iter()
        .collect::<Vec<_>>()
        .join("\n");
    symbols.push('\n');
    check(&root().join("include/brick.symbols"), &symbols);
}

/// The library that cargo built beside this test.
fn library() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let library = exe.parent()?.join("libbrick.so");
    let above = exe.parent()?.parent()?.join("libbrick.so");
    [above, library].into_iter().find(|path| path.exists())
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let Some(library) = library() else {
        return eprintln!("no libbrick.so here");
    };
    let Ok(nm) = Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(library)
        .output()
    else {
        return eprintln!("no nm here");
    };
    let listing = String::from_utf8(nm.stdout).unwrap();
    let exported: BTreeSet<_> = (listing.lines())
        .filter_map(|line| line.split_whitespace().next_back())
        .collect();
    assert_eq!(exported, functions(&header()));
}

#[test]
fn the_header_compiles_without_warnings() {
    let strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"];
    for (compiler, standard, language) in [("cc", "-std=c99", "c"), ("c++", "-std=c++17", "c++")] {
        let status = Command::new(compiler)
            .args(strict)
            .args([standard, "-x", language])
            .arg(root().join("tests/header/use.c"))
            .arg("-I")
            .arg(root().join("include"))
            .status();
        match status {
            Ok(status) => assert!(status.success(), "{compiler} {standard}"),
            Err(error) => eprintln!("no {compiler} here: {error}"),
        }
    }
}
