//! The documents say what is: variables, links, and the files they name.

use brick::knobs;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The readme, and all of `docs/`.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(Path::new(ROOT).join("docs"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    found.push(Path::new(ROOT).join("README.md"));
    found.push(Path::new(ROOT).join("examples/data/README.md"));
    found
}

#[test]
fn every_knob_is_documented() {
    let text = read(&Path::new(ROOT).join("docs/environment.md"));
    let of_library = text.split("\n## ").next().unwrap();
    let rows: Vec<&str> = of_library
        .lines()
        .filter(|line| line.starts_with("| `BRICK_"))
        .collect();
    assert_eq!(rows.len(), knobs::ALL.len(), "as many rows as knobs");
    for (row, [name, values, doc]) in rows.iter().zip(knobs::ALL) {
        let values: Vec<String> = values.split('|').map(|v| format!("`{v}`")).collect();
        let start = format!("| `{name}` | {} | ", values.join(" "));
        assert!(row.starts_with(&start), "{row}\nshould start {start}");
        let end = format!("| {} |", doc.trim());
        assert!(row.ends_with(&end), "{row}\nshould end {end}");
    }
}

/// The targets of `[text](target)` that lie in the repository, without anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
        .map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty())
}

/// What stands between backticks and begins with a folder of the repository.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let folders = [
        "src/",
        "tests/",
        "c_tests/",
        "benches/",
        "examples/",
        "docs/",
        "bindings/",
        "include/",
    ];
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(move |word| folders.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains([' ', '*', '\n']) && !word.contains("/x."))
}

#[test]
fn links_and_paths_lead_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let text = read(&document);
        let folder = document.parent().unwrap();
        let beside = links(&text).map(|link| (link, folder.join(link)));
        let named = paths(&text).map(|path| (path, Path::new(ROOT).join(path)));
        let missing = beside.chain(named).filter(|(_, path)| !path.exists());
        dead.extend(missing.map(|(name, _)| format!("{}: {name}", document.display())));
    }
    assert!(dead.is_empty(), "{dead:#?}");
}
