//! Writes the table of exported functions and links the library as a drop-in has to be linked.
//!
//! `names.txt` lists what oneDNN exports. A name that brick's C API has, behind its own prefix, becomes a row of the
//! table; one that `src/` of this crate defines itself is left alone; the others become stubs. So a primitive that is
//! added to brick appears here without a line of code.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

/// Where brick's C functions are.
const CAPI: &str = "../../src/capi";

fn main() {
    for input in ["build.rs", "names.txt", "src", CAPI] {
        println!("cargo:rerun-if-changed={input}");
    }
    let threadpool = env::var_os("CARGO_FEATURE_THREADPOOL").is_some();
    let brick = functions(CAPI, &modules(CAPI), "brick_");
    let own: &[&str] = if threadpool {
        &["lib", "interop"]
    } else {
        &["lib"]
    };
    let own = functions("src", own, "dnnl_");
    let names = fs::read_to_string("names.txt").expect("names.txt lists the exported functions");
    let generated =
        PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("table.rs");
    fs::write(generated, table(&names, &brick, &own) + &hidden(&brick))
        .expect("OUT_DIR is writable");
    link(!threadpool);
}

/// `mod` and the modules that it declares.
fn modules(folder: &str) -> Vec<String> {
    let declared = |line: &str| Some(line.strip_suffix(';')?.rsplit_once("mod ")?.1.to_owned());
    let mut modules = vec!["mod".to_owned()];
    modules.extend(read(folder, "mod").lines().filter_map(declared));
    modules
}

fn read(folder: &str, module: &str) -> String {
    fs::read_to_string(format!("{folder}/{module}.rs")).unwrap_or_default()
}

/// The C functions that begin with `prefix`, each with its module.
fn functions(folder: &str, modules: &[impl AsRef<str>], prefix: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for module in modules.iter().map(AsRef::as_ref) {
        let text = read(folder, module);
        let names = text.lines().filter_map(|line| function_name(line, prefix));
        found.extend(names.map(|name| (name, module.to_owned())));
    }
    found
}

/// The name in a line that begins a C function.
fn function_name(line: &str, prefix: &str) -> Option<String> {
    let (_, rest) = line.split_once("extern \"C\" fn ")?;
    let end = rest.find('(')?;
    rest.starts_with(prefix).then(|| rest[..end].to_owned())
}

/// A line for each name that this crate does not define itself: a row, or a stub.
fn table(names: &str, brick: &BTreeMap<String, String>, own: &BTreeMap<String, String>) -> String {
    let mut table = String::new();
    for name in names
        .split_whitespace()
        .filter(|&name| !own.contains_key(name))
    {
        let target = name.replacen("dnnl", "brick", 1);
        table += &match brick.get(&target).map(String::as_str) {
            Some("mod") => format!("row!({name} => brick::capi::{target});\n"),
            Some(module) => format!("row!({name} => brick::capi::{module}::{target});\n"),
            None => format!("stub!({name});\n"),
        };
    }
    table
}

/// Hides brick's own names, which rustc would export: a symbol is as hidden as any object file of a link says it is.
fn hidden(brick: &BTreeMap<String, String>) -> String {
    let hide = |name| format!("core::arch::global_asm!(\".hidden {name}\");\n");
    brick.keys().map(hide).collect()
}

fn link(openmp: bool) {
    let mut args = vec![
        "-Wl,-soname,libdnnl.so.3",
        "-Wl,-Bsymbolic",
        "-Wl,-z,nodelete",
    ];
    if openmp {
        // Some applications use OpenMP without linking it and count on this library to bring it along.
        args.push("-Wl,--push-state,--no-as-needed,-lgomp,--pop-state");
    }
    for arg in args {
        println!("cargo:rustc-cdylib-link-arg={arg}");
    }
}
