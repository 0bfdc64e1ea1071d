//! docs/status.md says the truth: what its tables call supported runs and is right, what they call refused is refused
//! with the sentence they say.
//!
//! A table whose first heading is `primitive` is read; its cells hold words of the problem language in backticks, and `–`
//! for none. Every combination of the words of a row is one problem. A last column `sentence` makes it a refusal.

use crate::api::{Refusal, UNIMPLEMENTED};
use crate::case::{Case, Data, judge};
use crate::problem::Problem;
use crate::rnn;

const STATUS: &str = include_str!("../../docs/status.md");
const COLUMNS: [&str; 5] = ["primitive", "pass", "shapes", "types", "with"];
const REASON: &str = "sentence";

/// One row of a table: the words of its cells, and why it is refused, if it is.
struct Row {
    line: usize,
    cells: Vec<Vec<String>>,
    sentence: Option<String>,
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

/// The words in backticks, and an empty one for `–`.
fn words(cell: &str) -> Vec<String> {
    let parts = cell.split('`').enumerate();
    parts
        .filter_map(|(i, text)| match i % 2 {
            1 => Some(text.to_owned()),
            _ => text.contains('–').then(String::new),
        })
        .collect()
}

fn rows(text: &str) -> Vec<Row> {
    let (mut found, mut refusals) = (Vec::new(), None);
    for (i, line) in text.lines().enumerate() {
        let Some(cells) = cells(line) else {
            refusals = None;
            continue;
        };
        if cells[..5.min(cells.len())] == COLUMNS {
            refusals = Some(cells.get(5) == Some(&REASON));
            continue;
        }
        let Some(refused) = refusals.filter(|_| !cells[0].starts_with("---")) else {
            continue;
        };
        let sentence = || words(cells[5]).swap_remove(0);
        found.push(Row {
            line: i + 1,
            sentence: refused.then(sentence),
            cells: cells[..5].iter().map(|cell| words(cell)).collect(),
        });
    }
    found
}

fn recurrent(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(rnn::is_cell)
}

fn refusal(text: &str) -> Option<Refusal> {
    if recurrent(text) {
        return rnn::refusal(text);
    }
    let problem: Problem = text.parse().expect("a problem");
    Case::create(&problem, Data::Integers).err()
}

impl Row {
    /// Every combination, as problems.
    fn problems(&self) -> Vec<String> {
        let mut all = vec![String::new()];
        for (column, words) in [0, 3, 2, 1, 4].map(|c| (c, &self.cells[c])) {
            let word = |word: &str| match (column, word) {
                (_, "") => String::new(),
                (1, pass) => format!("prop={pass} "),
                (_, word) => format!("{word} "),
            };
            let longer = |text: &String| words.iter().map(|w| text.clone() + &word(w)).collect();
            all = all
                .iter()
                .flat_map(|text| -> Vec<_> { longer(text) })
                .collect();
        }
        all
    }

    /// What is not as the row says.
    fn faults(&self) -> Vec<String> {
        let fault = |text: &String| match &self.sentence {
            None if recurrent(text) => rnn::judge(text).err(),
            None => judge(text, Data::Integers, false).err(),
            Some(sentence) => match refusal(text) {
                None => Some(format!("{text}: is not refused")),
                Some(r) if r.status != UNIMPLEMENTED || !r.sentence.contains(sentence) => {
                    Some(format!("{text}: refused with {}: {}", r.status, r.sentence))
                }
                Some(_) => None,
            },
        };
        let problems = self.problems();
        assert!(!problems.is_empty(), "line {} says nothing", self.line);
        let faults = problems.iter().filter_map(fault);
        faults.map(|f| format!("line {}: {f}", self.line)).collect()
    }
}

#[test]
fn every_row_of_the_status_is_true() {
    let rows = rows(STATUS);
    assert!(rows.iter().any(|r| r.sentence.is_some()) && rows.iter().any(|r| r.sentence.is_none()));
    let faults: Vec<String> = rows.iter().flat_map(Row::faults).collect();
    let shown = faults[..faults.len().min(10)].join("\n");
    assert!(faults.is_empty(), "{} rows:\n{shown}", faults.len());
}

#[test]
fn a_row_says_every_combination() {
    let text = "| primitive | pass | shapes | types | with |\n|---|---|---|---|---|\n\
                | `ip` | `inf` `fwd` | `mb1ic2oc3 tags=ab:ba:ab` | `f32:f32:f32` | – `bias=f32` |\n";
    let rows = rows(text);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].problems(),
        [
            "ip f32:f32:f32 mb1ic2oc3 tags=ab:ba:ab prop=inf ",
            "ip f32:f32:f32 mb1ic2oc3 tags=ab:ba:ab prop=inf bias=f32 ",
            "ip f32:f32:f32 mb1ic2oc3 tags=ab:ba:ab prop=fwd ",
            "ip f32:f32:f32 mb1ic2oc3 tags=ab:ba:ab prop=fwd bias=f32 ",
        ]
    );
}
