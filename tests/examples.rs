//! The examples and the first program of the readme: they compile without a warning, run, and are right.

mod clients;

use clients::{Language, ROOT, compile, execute, output};
use std::fs;

#[test]
fn example_matmul() {
    execute(&compile(&["examples/matmul.c"], Language::C99), &[]);
}

#[test]
fn example_brgemm() {
    execute(&compile(&["examples/brgemm.c"], Language::C99), &[]);
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
    let program = compile(&["examples/mlp.c"], Language::C99);
    for arguments in [&[][..], &["--bf16"]] {
        let reached = accuracy(&execute(&program, arguments));
        assert!(reached > 96.0, "{arguments:?}: {reached} %");
    }
}

#[test]
fn example_digits_lstm_learns() {
    let program = compile(&["examples/digits_lstm.c"], Language::C99);
    let reached = accuracy(&execute(&program, &[]));
    assert!(reached > 95.0, "{reached} %");
}

/// Bits that a character of the last 5 % of a text takes when it is predicted from the one before it, by counts in the rest.
fn bits_by_pairs(text: &[u8]) -> f64 {
    let mut counts = vec![[0.1; 256]; 256];
    let (learned, held_out) = text.split_at(text.len() - text.len() / 20);
    for pair in learned.windows(2) {
        counts[usize::from(pair[0])][usize::from(pair[1])] += 1.0;
    }
    let bits = held_out.windows(2).map(|pair| {
        let row: &[f64; 256] = &counts[usize::from(pair[0])];
        (row.iter().sum::<f64>() / row[usize::from(pair[1])]).log2()
    });
    bits.sum::<f64>() / (held_out.len() - 1) as f64
}

/// After a look at the beginning of the text, twice: better than a table of pairs, which any use of the state before beats.
#[test]
fn example_lstm_chars_learns() {
    let folder = output().join("lstm");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("text.txt");
    let text = fs::read(format!("{ROOT}/examples/data/jargon.txt")).unwrap();
    let text = &text[..200_000];
    fs::write(&path, text).unwrap();
    let program = compile(&["examples/lstm_chars.c"], Language::C99);
    let path = path.to_str().unwrap();
    let arguments = ["--text", path, "--epochs", "2", "--states", "128"];
    let report = execute(&program, &arguments);
    let reached = report
        .lines()
        .find_map(|line| line.split_once(" bits per character of the"))
        .and_then(|(number, _)| number.parse::<f64>().ok());
    let reached = reached.unwrap_or_else(|| panic!("no result in:\n{report}"));
    let pairs = bits_by_pairs(text);
    assert!(reached < pairs, "{reached} bits, {pairs} by pairs");
    let sample = report.split("A sample:\n").nth(1).unwrap();
    assert_eq!(sample.len(), 601, "{sample}");
    assert!(sample.bytes().all(|c| text.contains(&c)), "{sample}");
}

/// A picture as the example reads and writes it: width, height, and the bytes of its pixels.
fn ppm(path: &str) -> (usize, usize, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    let mut fields = bytes.splitn(4, |&b| b == b'\n' || b == b' ').skip(1);
    let mut number = || {
        let text = std::str::from_utf8(fields.next().unwrap()).unwrap();
        text.parse::<usize>().unwrap()
    };
    let (width, height) = (number(), number());
    let pixels = bytes[bytes.len() - 3 * width * height..].to_vec();
    assert!(bytes[..20].windows(4).any(|w| w == b"255\n"), "{path}");
    (width, height, pixels)
}

/// The blur of the example, from its definition: a bell of 15 x 15 weights and half the radius wide, the rim repeated.
fn blurred(pixels: &[u8], width: usize, height: usize, x: usize, y: usize, colour: usize) -> f64 {
    const RADIUS: i64 = 7;
    let (mut sum, mut weights) = (0.0, 0.0);
    for dy in -RADIUS..=RADIUS {
        for dx in -RADIUS..=RADIUS {
            let weight = (-(dx * dx + dy * dy) as f64 / (2.0 * 3.5 * 3.5)).exp();
            let at = |position: usize, step: i64, end: usize| {
                (position as i64 + step).clamp(0, end as i64 - 1) as usize
            };
            let pixel = at(y, dy, height) * width + at(x, dx, width);
            sum += weight * f64::from(pixels[3 * pixel + colour]);
            weights += weight;
        }
    }
    sum / weights
}

#[test]
fn example_resnet50() {
    let program = compile(&["examples/resnet50.c"], Language::C99);
    for (arguments, passes) in [(["1", "f32", "0"], 3), (["1", "int8", "0"], 1)] {
        let report = execute(&program, &arguments);
        assert_eq!(report.matches("as often as").count(), passes, "{report}");
        let rows = report.lines().filter(|line| line.contains(">"));
        let planned = |line: &&str| line.contains(" B") || line.contains(" N");
        assert!(
            rows.clone().count() > 19 && rows.clone().all(|row| planned(&row)),
            "{report}"
        );
    }
}

#[test]
fn example_filters() {
    let folder = output().join("filters");
    fs::create_dir_all(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let photo = format!("{ROOT}/examples/data/cat.ppm");
    let program = compile(&["examples/filters.c"], Language::C99);
    execute(&program, &[&photo, folder]);
    let (width, height, pixels) = ppm(&photo);
    for name in ["blur", "sharpen", "edges"] {
        let (w, h, filtered) = ppm(&format!("{folder}/{name}.ppm"));
        assert_eq!((w, h), (width, height), "{name}");
        assert_ne!(filtered, pixels, "{name}");
    }
    let (.., filtered) = ppm(&format!("{folder}/blur.ppm"));
    for i in (0..3 * width * height).step_by(101) {
        let [x, y, colour] = [i / 3 % width, i / 3 / width, i % 3];
        let want = blurred(&pixels, width, height, x, y, colour);
        let error = (f64::from(filtered[i]) - want).abs();
        assert!(
            error < 0.51,
            "({x}, {y}) {colour}: {} for {want}",
            filtered[i]
        );
    }
}

/// The first block of the readme in this language, as a file to compile, between two pieces of code.
fn readme_block(language: &str, around: [&str; 2]) -> String {
    let text = fs::read_to_string(format!("{ROOT}/README.md")).unwrap();
    let block = text.split(&format!("```{language}\n")).nth(1);
    let block = block.and_then(|rest| rest.split("```").next());
    let folder = output().join("readme");
    fs::create_dir_all(&folder).unwrap();
    let source = folder.join(format!("block.{language}"));
    fs::write(&source, [around[0], block.unwrap(), around[1]].concat()).unwrap();
    source.to_str().unwrap().to_owned()
}

#[test]
fn the_programs_of_the_readme() {
    let source = readme_block("c", ["", ""]);
    let program = compile(&[&source], Language::C99);
    assert_eq!(execute(&program, &[]), "58 64\n139 154\n");
    let around = ["#include \"brick.hpp\"\nint main()\n{\n", "}\n"];
    let source = readme_block("cpp", around);
    execute(&compile(&[&source], Language::Cpp17), &[]);
}
