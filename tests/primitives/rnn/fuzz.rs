//! Random recurrent layers: every cell, direction, pass, type and size, tensors absent or in layouts and types of their own,
//! against the oracle.

use super::{
    BACKWARD, CELLS, DIFF, DIRECTIONS, Descriptors, INFERENCE, NAMES, Problem, TRAINING, create_pd,
    judge_passes, name,
};
use crate::api::{INVALID, UNIMPLEMENTED, is_brick};
use crate::fuzz::{cases, one_of};
use crate::misfits::execute;
use crate::tensor::{Type, describe};
use proptest::prelude::*;
use std::process::Command;

/// Set in the processes that the test starts, each with another number of threads.
const CHILD: &str = "BRICK_TEST_DRAWS_RNNS";

/// Where a tensor lies.
#[derive(Clone, Debug)]
enum Layout {
    /// As the problem's other tensors.
    Plain,
    Tag(usize),
    /// A box that leaves so many elements around it.
    Box([i64; 5]),
    /// Dims in the order that a number says, so many elements apart, with gaps.
    Strided(u64, i64, [i64; 5]),
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        3 => Just(Layout::Plain),
        1 => (0..8usize).prop_map(Layout::Tag),
        1 => prop::array::uniform5(0..3i64).prop_map(Layout::Box),
        2 => (any::<u64>(), prop_oneof![3 => Just(1i64), 1 => 2..4i64], prop::array::uniform5(prop_oneof![2 => Just(0i64), 1 => 1..6i64]))
            .prop_map(|(order, step, gaps)| Layout::Strided(order, step, gaps)),
    ]
}

impl Layout {
    fn text(&self, dims: &[i64]) -> Option<String> {
        let n = dims.len();
        let joined = |numbers: &[i64]| {
            let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
            texts.join("x")
        };
        match self {
            Layout::Plain => None,
            Layout::Tag(i) => {
                let tags: &[&str] = match n {
                    3 => &["bac", "any", "aBc8b", "aBc16b", "cab"],
                    4 => &["abdc", "any", "aBcd16b", "acdb", "abcd"],
                    _ => &[
                        "abdec",
                        "any",
                        "abdEc16e",
                        "abdEC32e2c",
                        "abCde32c",
                        "abced",
                        "abdEc24e",
                        "abdEc32e",
                    ],
                };
                Some(tags[i % tags.len()].to_owned())
            }
            Layout::Box(around) => Some(format!("#{}", joined(&around[..n]))),
            Layout::Strided(seed, step, gaps) => {
                // Half of them keep the last dimension innermost.
                let free = n - (seed & 1) as usize;
                let mut order: Vec<usize> = (0..n).collect();
                (1..free).for_each(|i| order.swap(i, (seed >> (8 * i)) as usize % (i + 1)));
                let (mut strides, mut stride) = (vec![0; n], *step);
                for &d in order.iter().rev() {
                    strides[d] = stride;
                    stride = stride * dims[d] + gaps[d];
                }
                Some(format!("@{}", joined(&strides)))
            }
        }
    }
}

/// Sizes as they are drawn; what must be equal is made so.
#[derive(Clone, Debug)]
struct Drawn {
    cell: &'static str,
    dtype: &'static str,
    /// Layers, steps, rows.
    outer: [i64; 3],
    /// Channels of input, states read, cell, states written.
    channels: [i64; 4],
    projects: bool,
}

impl Drawn {
    /// What the cells and types allow of it.
    fn fitted(mut self) -> Drawn {
        let int = matches!(self.dtype, "u8" | "s8");
        if int && !matches!(self.cell, "lstm" | "gru") {
            self.cell = "lstm";
        }
        self.projects &= self.cell == "lstm";
        if self.channels.iter().any(|&n| n > 100) {
            // The oracle takes long for many.
            let [l, t, n] = self.outer;
            self.outer = [l.min(2), t.min(2), n.min(2)];
        }
        let [l, t, n] = &mut self.outer;
        let [slc, sic, dhc, dic] = &mut self.channels;
        // Of many states some lie between two integers, or where the slope of relu jumps: the oracle would look for others
        // for long.
        let most = match (int, self.cell) {
            (true, _) => 600,
            (false, "rnn_relu") if self.dtype != "f32" => 300,
            _ => i64::MAX,
        };
        *n = (*n).min(most / (*l * *t * *dhc)).max(1);
        if !self.projects {
            *dic = *dhc;
        }
        if *l > 1 {
            *slc = *dic;
        }
        if *t > 1 || self.cell.contains("gru") {
            *sic = *dic;
        }
        self
    }
}

fn channels() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1..4i64, 8 => 1..21i64, 2 => 15..18i64, 2 => 31..34i64, 1 => 60..70i64, 1 => 100..250i64]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let outer = (
        prop_oneof![2 => Just(1i64), 1 => 2..4i64],
        1..5i64,
        prop_oneof![4 => 1..6i64, 1 => 6..30i64],
    );
    let channels = (channels(), channels(), channels(), channels());
    let cell = prop_oneof![Just("lstm"), prop::sample::select(&CELLS[..])];
    let dtype = one_of(&["f32", "f32", "f32", "bf16", "bf16", "f16", "u8", "s8"]);
    (cell, dtype, outer, channels, any::<bool>()).prop_map(
        |(cell, dtype, (l, t, n), (a, b, c, d), projects)| {
            let (outer, channels) = ([l, t, n], [a, b, c, d]);
            Drawn {
                cell,
                dtype,
                outer,
                channels,
                projects,
            }
            .fitted()
        },
    )
}

/// Those of a list that a number has bits for.
fn picked<'a>(list: &[&'a str], bits: u32) -> Vec<&'a str> {
    let chosen = list.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
    chosen.map(|(_, name)| *name).collect()
}

proptest! {
    #![proptest_config(cases())]

    fn random_layers(
        drawn in drawn(),
        direction in one_of(&DIRECTIONS),
        (with, without, floats) in (any::<u32>(), prop_oneof![2 => Just(0u32), 1 => any::<u32>()], any::<u32>()),
        (overwrites, masks) in (any::<bool>(), one_of(&["0:0", "24:8", "24:0", "0:8"])),
        layouts in prop::collection::vec(layout(), 2 * DIFF),
        types in prop::option::of(prop::collection::vec(one_of(&["f32", "f32", "bf16", "f16"]), 2 * DIFF)),
    ) {
        let Drawn { cell, dtype, outer: [l, t, n], channels: [slc, sic, dhc, dic], projects } = drawn;
        let int = matches!(dtype, "u8" | "s8");
        let mut given = picked(&["iter", "iter_c", "bias", "dst_iter", "dst_iter_c"], with);
        given.extend((cell == "lstm" && with >> 8 & 1 == 1).then_some("peephole"));
        given.extend(projects.then_some("projection"));
        given.push("none");
        let mut text = format!(
            "{cell} {dtype} l{l}t{t}mb{n}slc{slc}sic{sic}dhc{dhc}dic{dic} dir={direction} with={}",
            given.join(",")
        );
        let optional = ["iter", "iter_c", "attention", "peephole", "projection", "bias", "dst_iter", "dst_iter_c"];
        let left: Vec<String> = picked(&optional, without).iter().map(|n| format!("diff_{n}")).collect();
        if !left.is_empty() {
            text += &format!(" without={}", left.join(","));
        }
        if overwrites {
            text += " overwrites=1";
        }
        let floats = picked(&["iter", "dst_layer", "dst_iter"], floats);
        if int {
            text += &format!(" masks={masks}");
            if !floats.is_empty() {
                text += &format!(" f32={}", floats.join(","));
            }
        }
        let problem = Problem::new(&text);
        let tensors = (0..2 * DIFF).filter(|&at| problem.has(at));
        let own = tensors.clone().filter_map(|at| Some(format!("{}:{}", name(at), layouts[at].text(&problem.dims(at))?)));
        let own: Vec<String> = own.collect();
        if !own.is_empty() {
            text += &format!(" layouts={}", own.join(","));
        }
        if let Some(types) = types {
            let free = tensors.filter(|&at| at >= DIFF || ["iter_c", "attention", "peephole", "bias", "dst_iter_c"].contains(&name(at).as_str()));
            let own: Vec<String> = free.map(|at| format!("{}:{}", name(at), types[at])).collect();
            if !own.is_empty() {
                text += &format!(" types={}", own.join(","));
            }
        }
        let verdict = judge_passes(&Problem::new(&text));
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }
}

/// What becomes of one tensor of a good set.
#[derive(Clone, Debug)]
enum Spoiled {
    Absent,
    /// One dimension of another size.
    Dim(usize, i64),
    /// A dimension more, or less.
    Rank(bool),
    Type(&'static str),
    Lies(Layout),
}

fn spoiled() -> impl Strategy<Value = Spoiled> {
    prop_oneof![
        1 => Just(Spoiled::Absent),
        3 => (0..5usize, 0..9i64).prop_map(|(d, size)| Spoiled::Dim(d, size)),
        1 => any::<bool>().prop_map(Spoiled::Rank),
        1 => one_of(&["f32", "bf16", "f16", "s32", "u8", "s8"]).prop_map(Spoiled::Type),
        1 => layout().prop_map(Spoiled::Lies),
    ]
}

proptest! {
    #![proptest_config(cases())]

    /// What does not fit is refused with a sentence that names a tensor, or what else is at fault; what is taken can be executed.
    #[test]
    fn tensors_thrown_together_are_refused_by_name(
        (cell, direction) in (prop::sample::select(&CELLS[..]), one_of(&DIRECTIONS)),
        dtype in one_of(&["f32", "f32", "bf16", "u8"]),
        (l, t, n, channels) in (1..3i64, 1..3i64, 1..4i64, 1..6i64),
        prop in prop::sample::select(&[INFERENCE, TRAINING, BACKWARD][..]),
        faults in prop::collection::vec((0..2 * DIFF, spoiled()), 1..4),
    ) {
        if !is_brick() {
            return Ok(());
        }
        let problem = Problem::new(&format!("{cell} {dtype} l{l}t{t}mb{n}dhc{channels} dir={direction}"));
        let Ok(mut mds) = Descriptors::new(&problem, prop) else { return Ok(()) };
        for (i, fault) in &faults {
            let Some(slot) = mds.0.get_mut(*i) else { continue };
            let (mut dims, mut dtype, mut tag) = (problem.dims(*i), problem.dtype(*i), String::new());
            match fault {
                Spoiled::Absent => {
                    *slot = None;
                    continue;
                }
                Spoiled::Dim(d, size) => {
                    let at = d % dims.len();
                    dims[at] = *size;
                }
                Spoiled::Rank(true) => dims.push(2),
                Spoiled::Rank(false) => drop(dims.pop()),
                Spoiled::Type(name) => dtype = Type::named(name),
                Spoiled::Lies(layout) => tag = layout.text(&dims).unwrap_or_default(),
            }
            let Ok(md) = describe(&dims, dtype, &tag) else { return Ok(()) };
            *slot = Some(md);
        }
        match create_pd(&problem, prop, &mds) {
            Ok(pd) => {
                let outcome = execute(pd.raw);
                prop_assert!(outcome.is_ok(), "{}: {}", problem.text, outcome.unwrap_err());
            }
            Err(refusal) => {
                prop_assert!(matches!(refusal.status, INVALID | UNIMPLEMENTED), "{refusal:?}");
                prop_assert!(NAMES.iter().any(|name| refusal.sentence.contains(name)), "{refusal:?}");
            }
        }
    }
}

/// A third of the draws with one thread, with two, with three.
#[test]
fn random_recurrent_layers() {
    if std::env::var_os(CHILD).is_some() {
        return random_layers();
    }
    for threads in 1..4 {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "rnn::fuzz::random_recurrent_layers",
            ])
            .env("BRICK_NUM_THREADS", threads.to_string())
            .env("PROPTEST_CASES", cases().cases.div_ceil(3).to_string())
            .env(CHILD, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{threads} threads:\n{text}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}
