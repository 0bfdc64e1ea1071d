//! Every environment variable that brick reads, declared once: name, values, default, meaning.
//!
//! This is the one reader of the environment. A value set by a call beats the environment, which beats the default;
//! the environment is read when a knob is first asked for, and never again. A value that is not understood counts as
//! absent, and a verbose line of level *error* says so. The drop-in library also honours oneDNN's spelling of the
//! knobs that oneDNN has; see [`set_onednn_aliases`].

use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::log::Levels;
use crate::machine::Isa;
use crate::process::Latest;

/// One setting of the library.
pub struct Knob<T: 'static> {
    /// The environment variable.
    pub name: &'static str,
    /// The same knob in oneDNN, behind `ONEDNN_` or `DNNL_`.
    onednn: Option<&'static str>,
    /// The values it takes, for readers.
    pub values: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    default: fn() -> T,
    parse: fn(&str) -> Option<T>,
    value: Latest<T>,
}

/// Which executable memory the run-time generator may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JitMemory {
    /// A dual-mapped memfd arena, else blocks that turn from writable to executable, else none.
    Auto,
    /// Only blocks that turn from writable to executable.
    Mprotect,
    /// None: every kernel is the portable one.
    None,
}

/// Choices of a convolution's nest that somebody makes in the planner's place: numbers by letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nest(Vec<(char, i64)>);

impl Nest {
    /// The choices of a spec string: those of the last of its stages that lists some before its first colon.
    pub fn parse(text: &str) -> Option<Nest> {
        text.rsplit('>').find_map(Nest::parse_stage)
    }

    fn parse_stage(text: &str) -> Option<Nest> {
        let mut choices: Vec<(char, i64)> = Vec::new();
        let mut rest = text.split(':').next()?;
        while let Some(letter) = rest.chars().next() {
            let tail = rest.strip_prefix(|c: char| c.is_ascii_alphabetic())?;
            let digits = tail.find(|c: char| !c.is_ascii_digit());
            let (number, next) = tail.split_at(digits.unwrap_or(tail.len()));
            let number = number.parse().ok().filter(|n| (1..=1 << 20).contains(n))?;
            if choices.iter().any(|&(known, _)| known == letter) {
                return None;
            }
            choices.push((letter, number));
            rest = next;
        }
        Some(Nest(choices)).filter(|nest| !nest.0.is_empty())
    }

    /// The choice of this letter where somebody made it and it fits, else what is planned.
    pub fn or(&self, letter: char, planned: i64, fits: impl Fn(i64) -> bool) -> i64 {
        let made = self.0.iter().find(|&&(known, _)| known == letter);
        made.map_or(planned, |&(_, n)| if fits(n) { n } else { planned })
    }

    /// Reports the choices that a nest, given as its spec string, has but makes otherwise.
    pub fn compare(&self, spec: &str) {
        let Some(planned) = Nest::parse(spec).filter(|_| !self.0.is_empty()) else {
            return;
        };
        for (letter, number) in &planned.0 {
            let wanted = self.or(*letter, *number, |_| true);
            if wanted != *number {
                crate::log_line!(
                    ERROR,
                    "knobs,BRICK_NEST: {letter}{wanted} is not possible in the nest {spec}"
                );
            }
        }
    }
}

macro_rules! knobs {
    ($($(#[doc = $doc:literal])+ $id:ident: $ty:ty = $name:literal, $onednn:expr, $values:literal, $parse:expr, $default:expr;)*) => {
        $($(#[doc = $doc])+
        pub static $id: Knob<$ty> = Knob {
            name: $name,
            onednn: $onednn,
            values: $values,
            doc: concat!($($doc),+),
            default: || $default,
            parse: $parse,
            value: Latest::new(),
        };)*

        /// Name, values and meaning of every knob, for documentation.
        pub const ALL: &[[&str; 3]] = &[$([$name, $values, concat!($($doc),+)]),*];
    };
}

knobs! {
    /// The highest instruction-set rung that kernels may use.
    MAX_ISA: Isa = "BRICK_MAX_ISA", Some("MAX_CPU_ISA"),
        "portable|avx2|avx512|avx512_vnni|avx512_bf16", parse_isa, Isa::Avx512Bf16;
    /// Members of the library's own thread team, the caller included; 0 means one for each usable core.
    NUM_THREADS: usize = "BRICK_NUM_THREADS", None, "0..", parse_number, 0;
    /// Microseconds that an idle team member watches for the next parallel region before it goes to sleep.
    SPIN_US: usize = "BRICK_SPIN_US", None, "0..", parse_number, 1000;
    /// Which verbose lines are written; a comma-separated list.
    VERBOSE: Levels = "BRICK_VERBOSE", Some("VERBOSE"),
        "none|error|check|dispatch|profile_create|profile_exec|profile|all|0|1|2", Levels::parse, Levels::ERROR;
    /// Primitives that the primitive cache holds; 0 switches it off.
    PRIMITIVE_CACHE_CAPACITY: usize = "BRICK_PRIMITIVE_CACHE_CAPACITY", Some("PRIMITIVE_CACHE_CAPACITY"),
        "0..", parse_number, 1024;
    /// Which executable memory generated kernels may live in.
    JIT_MEMORY: JitMemory = "BRICK_JIT_MEMORY", None, "auto|mprotect|none", parse_jit_memory, JitMemory::Auto;
    /// The directory to which every generated kernel is dumped.
    JIT_DUMP: Option<PathBuf> = "BRICK_JIT_DUMP", None, "DIR", parse_dir, None;
    /// Whether generated kernels are announced to the profiler perf in /tmp/perf-PID.map.
    JIT_PERF: bool = "BRICK_JIT_PERF", None, "0|1", parse_flag, false;
    /// For experiments: choices of convolutions' nests, as letters and numbers from the spec strings of verbose lines.
    NEST: Nest = "BRICK_NEST", None, "SPEC", parse_nest, Nest::default();
}

static ONEDNN_ALIASES: AtomicBool = AtomicBool::new(false);

/// From now on oneDNN's `ONEDNN_X` and `DNNL_X` are read where `BRICK_X` is absent.
///
/// The drop-in library says this when it is loaded; libbrick itself never does.
pub fn set_onednn_aliases() {
    ONEDNN_ALIASES.store(true, Relaxed);
}

impl<T: Clone + Send + Sync> Knob<T> {
    /// The value in force.
    pub fn get(&self) -> T {
        if let Some(value) = self.value.get() {
            return value.clone();
        }
        let text = self.read_environment();
        let parsed = text.as_ref().and_then(|(_, text)| (self.parse)(text));
        let unknown = text.filter(|_| parsed.is_none());
        let value = self.value.get_or_set(parsed.unwrap_or_else(self.default));
        // Complaining may ask for the verbosity, so the value is there first.
        if let Some((name, text)) = unknown {
            crate::log_line!(
                ERROR,
                "knobs,{name}={text} is not understood, expected {}",
                self.values
            );
        }
        value.clone()
    }

    /// Sets the value by a call, which beats the environment.
    pub fn set(&self, value: T) {
        self.value.set(value);
    }

    fn read_environment(&self) -> Option<(String, String)> {
        let aliases = self.onednn.filter(|_| ONEDNN_ALIASES.load(Relaxed));
        let prefixed = |prefix: &str| aliases.map(|name| format!("{prefix}{name}"));
        [
            Some(self.name.to_owned()),
            prefixed("ONEDNN_"),
            prefixed("DNNL_"),
        ]
        .into_iter()
        .flatten()
        .find_map(|name| Some((env::var(&name).ok()?, name)))
        .map(|(text, name)| (name, text.trim().to_owned()))
        .filter(|(_, text)| !text.is_empty())
    }
}

/// brick's names, oneDNN's names, and oneDNN's rungs that brick has no kernels for, as the next lower one.
fn parse_isa(text: &str) -> Option<Isa> {
    let text = text.to_ascii_lowercase().replace("avx512_core", "avx512");
    Some(match text.as_str() {
        "portable" | "sse41" | "avx" => Isa::Portable,
        "avx2" | "avx2_vnni" | "avx2_vnni_2" => Isa::Avx2,
        "avx512" => Isa::Avx512,
        "avx512_vnni" => Isa::Avx512Vnni,
        "avx512_bf16" | "avx512_fp16" | "default" | "all" => Isa::Avx512Bf16,
        _ if text.starts_with("avx512_amx") || text.starts_with("avx10") => Isa::Avx512Bf16,
        _ => return None,
    })
}

fn parse_number(text: &str) -> Option<usize> {
    text.parse().ok()
}

fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn parse_jit_memory(text: &str) -> Option<JitMemory> {
    match text {
        "auto" => Some(JitMemory::Auto),
        "mprotect" => Some(JitMemory::Mprotect),
        "none" => Some(JitMemory::None),
        _ => None,
    }
}

/// The letters of the nests of `docs/convolution.md`.
fn parse_nest(text: &str) -> Option<Nest> {
    let known = |&(letter, _): &(char, i64)| "BPnrwMNSipc".contains(letter);
    Nest::parse(text).filter(|nest| nest.0.iter().all(known))
}

fn parse_dir(text: &str) -> Option<Option<PathBuf>> {
    Some(Some(PathBuf::from(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isa_names_of_both_libraries() {
        assert_eq!(parse_isa("avx512_vnni"), Some(Isa::Avx512Vnni));
        assert_eq!(parse_isa("AVX512_CORE_BF16"), Some(Isa::Avx512Bf16));
        assert_eq!(parse_isa("AVX512_CORE_AMX_FP16"), Some(Isa::Avx512Bf16));
        assert_eq!(parse_isa("SSE41"), Some(Isa::Portable));
        assert_eq!(parse_isa("neon"), None);
    }

    #[test]
    fn a_call_beats_the_default() {
        static KNOB: Knob<usize> = Knob {
            name: "BRICK_TEST_ONLY",
            onednn: None,
            values: "0..",
            doc: "",
            default: || 3,
            parse: parse_number,
            value: Latest::new(),
        };
        assert_eq!(KNOB.get(), 3);
        KNOB.set(5);
        assert_eq!(KNOB.get(), 5);
    }

    #[test]
    fn nests_are_letters_and_numbers() {
        let nest = parse_nest("B2P1n16:49plane64").unwrap();
        assert_eq!(nest, Nest(vec![('B', 2), ('P', 1), ('n', 16)]));
        assert_eq!(nest.or('n', 4, |_| true), 16);
        assert_eq!(nest.or('n', 4, |n| n < 16), 4);
        assert_eq!(nest.or('r', 4, |_| true), 4);
        let whole = "1|64:tile16>S1:32x32>N1M2:4bands:16x16>2|8:tile4";
        assert_eq!(parse_nest(whole), parse_nest("N1M2"));
        for wrong in [
            "",
            ":",
            "B",
            "B0",
            "2B",
            "B2B3",
            "Z1",
            "B-1",
            "B2 n4",
            "B99999999999999999999",
        ] {
            assert_eq!(parse_nest(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_and_flags() {
        assert_eq!(parse_number("12"), Some(12));
        assert_eq!(parse_number("-1"), None);
        assert_eq!(parse_flag("1"), Some(true));
        assert_eq!(parse_flag("yes"), None);
    }
}
