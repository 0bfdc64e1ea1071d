//! Verbose lines: which levels are wanted, where lines go, how they begin.
//!
//! A line is `brick_verbose,v1,` and comma-separated fields in oneDNN's order. Whether a level is wanted is one relaxed
//! load, so that a silent library pays nothing. Lines go to stderr or to the client's callback, never to stdout, unless
//! the drop-in library asks for oneDNN's manners with [`set_style`]. The first line ever written is preceded by a header
//! that says version, processor and threads.

use std::ffi::{CString, c_char, c_void};
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use crate::process::Latest;
use crate::{knobs, machine};

/// A set of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels(u32);

impl Levels {
    /// Silence.
    pub const NONE: Levels = Levels(0);
    /// Failures of the library or its surroundings.
    pub const ERROR: Levels = Levels(1);
    /// Arguments that were refused, and why.
    pub const CHECK: Levels = Levels(2);
    /// Implementations that were passed over, and why.
    pub const DISPATCH: Levels = Levels(4);
    /// What was created, and how long it took.
    pub const PROFILE_CREATE: Levels = Levels(8);
    /// What was executed, and how long it took.
    pub const PROFILE_EXEC: Levels = Levels(16);
    /// Everything.
    pub const ALL: Levels = Levels(31);

    /// The levels in either set.
    #[must_use]
    pub const fn and(self, other: Levels) -> Levels {
        Levels(self.0 | other.0)
    }

    /// The meaning of the numbers that `brick_set_verbose` takes.
    pub const fn from_number(number: i32) -> Option<Levels> {
        match number {
            0 => Some(Levels::NONE),
            1 => Some(Levels::ERROR.and(Levels::PROFILE_EXEC)),
            2 => Some(
                Levels::ERROR
                    .and(Levels::PROFILE_EXEC)
                    .and(Levels::PROFILE_CREATE),
            ),
            _ => None,
        }
    }

    /// Reads a comma-separated list of level names or a number.
    pub fn parse(text: &str) -> Option<Levels> {
        text.split(',').try_fold(Levels::NONE, |levels, word| {
            Some(levels.and(Levels::parse_word(word.trim())?))
        })
    }

    fn parse_word(word: &str) -> Option<Levels> {
        Some(match word {
            "none" => Levels::NONE,
            "error" => Levels::ERROR,
            "check" => Levels::CHECK,
            "dispatch" => Levels::DISPATCH,
            "profile_create" => Levels::PROFILE_CREATE,
            "profile_exec" => Levels::PROFILE_EXEC,
            "profile" => Levels::PROFILE_CREATE.and(Levels::PROFILE_EXEC),
            "all" => Levels::ALL,
            // oneDNN's, of which brick has no lines.
            "warn" | "profile_externals" => Levels::NONE,
            _ => return Levels::from_number(word.parse().ok()?),
        })
    }
}

/// Where lines go.
#[derive(Clone, Copy)]
pub enum Sink {
    /// The process's standard error.
    Stderr,
    /// The process's standard output: the drop-in library only.
    Stdout,
    /// The client's function, called with its context and a line without its end.
    Callback {
        /// The function; it may be called from any thread.
        write: extern "C" fn(ctx: *mut c_void, line: *const c_char),
        /// Its context, passed on untouched.
        ctx: *mut c_void,
    },
}

// SAFETY: the context is only handed to the client's callback, which must accept calls from any thread.
#[allow(unsafe_code)]
unsafe impl Send for Sink {}
// SAFETY: as above; a shared sink is only copied.
#[allow(unsafe_code)]
unsafe impl Sync for Sink {}

/// How lines and their header introduce the library.
#[derive(Clone, Copy)]
pub struct Style {
    /// The first field of every line.
    pub prefix: &'static str,
    /// The threading runtime that the header names.
    pub runtime: &'static str,
    /// Where lines go until a client sets a callback.
    pub sink: Sink,
}

static BRICK: Style = Style {
    prefix: "brick_verbose",
    runtime: "team",
    sink: Sink::Stderr,
};
const UNREAD: u32 = u32::MAX;

static LEVELS: AtomicU32 = AtomicU32::new(UNREAD);
static STYLE: Latest<Style> = Latest::new();
static CALLBACK: Latest<Option<Sink>> = Latest::new();
static HEADER_DUE: AtomicBool = AtomicBool::new(true);

/// Whether any of these levels is wanted.
#[inline]
pub fn enabled(levels: Levels) -> bool {
    let wanted = LEVELS.load(Relaxed);
    wanted & levels.0 != 0 && (wanted != UNREAD || read_knob() & levels.0 != 0)
}

#[cold]
fn read_knob() -> u32 {
    let levels = knobs::VERBOSE.get().0;
    // A call to `set_levels` in between wins.
    LEVELS
        .compare_exchange(UNREAD, levels, Relaxed, Relaxed)
        .map_or_else(|current| current, |_| levels)
}

/// Sets the levels by a call, which beats the environment.
pub fn set_levels(levels: Levels) {
    knobs::VERBOSE.set(levels);
    LEVELS.store(levels.0, Relaxed);
}

/// Sends lines to a callback, or with `None` back to where they went before.
///
/// A line that another thread is just writing may still reach the sink replaced here.
pub fn set_sink(sink: Option<Sink>) {
    CALLBACK.set(sink);
}

/// Changes how the library introduces itself; for the drop-in library, when it is loaded.
pub fn set_style(style: Style) {
    STYLE.set(style);
}

/// Writes one line made of the fields after `v1`, whatever the levels; see [`log_line!`](crate::log_line).
pub fn emit(fields: fmt::Arguments) {
    let style = STYLE.get().unwrap_or(&BRICK);
    let sink = CALLBACK.get().copied().flatten().unwrap_or(style.sink);
    if HEADER_DUE.swap(false, Relaxed) {
        header(style)
            .into_iter()
            .for_each(|line| write(sink, &line));
    }
    write(sink, &format!("{},v1,{fields}", style.prefix));
}

fn header(style: &Style) -> [String; 5] {
    let Style {
        prefix, runtime, ..
    } = style;
    let version = env!("CARGO_PKG_VERSION");
    let threads = match knobs::NUM_THREADS.get() {
        0 => machine::cores(),
        threads => threads,
    };
    // Not `effective_isa`, which would freeze the rung: a line may come before the client caps it.
    let isa = machine::machine().isa.min(knobs::MAX_ISA.get()).name();
    [
        format!("{prefix},v1,info,brick v{version} as oneDNN v3.13.0"),
        format!("{prefix},v1,info,cpu,runtime:{runtime},nthr:{threads}"),
        format!("{prefix},v1,info,cpu,isa:{isa}"),
        format!("{prefix},v1,info,gpu,runtime:none"),
        format!(
            "{prefix},v1,primitive,info,template:operation,engine,primitive,implementation,prop_kind,\
             memory_descriptors,attributes,auxiliary,problem_desc,exec_time"
        ),
    ]
}

fn write(sink: Sink, line: &str) {
    // A sink that cannot be written to must not take the program down, so failures are dropped.
    match sink {
        Sink::Stderr => drop(writeln!(std::io::stderr().lock(), "{line}")),
        Sink::Stdout => drop(writeln!(std::io::stdout().lock(), "{line}")),
        Sink::Callback { write, ctx } => {
            if let Ok(line) = CString::new(line.replace('\0', " ")) {
                write(ctx, line.as_ptr());
            }
        }
    }
}

/// A number in a line, as C's `%g` writes it: six digits, an exponent if it is below -4 or above 5, no zeros at the end.
pub struct Short(pub f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = format!("{:.5e}", self.0);
        let Some((digits, exponent)) = text.split_once('e') else {
            return f.write_str(&text);
        };
        let trim = |text: &str| match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text.to_owned(),
        };
        match exponent.parse() {
            Ok(places @ -4..=5) => {
                f.write_str(&trim(&format!("{:.*}", (5 - places) as usize, self.0)))
            }
            Ok(places) => write!(f, "{}e{places:+03}", trim(digits)),
            Err(_) => f.write_str(&text),
        }
    }
}

/// `log_line!(DISPATCH, "primitive,create:dispatch,{kind},{why}")`: writes a line if its level is wanted.
#[macro_export]
macro_rules! log_line {
    ($level:ident, $($arg:tt)*) => {
        if $crate::log::enabled($crate::log::Levels::$level) {
            $crate::log::emit(format_args!($($arg)*));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;
    use std::sync::Mutex;

    #[test]
    fn levels_from_words_and_numbers() {
        assert_eq!(
            Levels::parse("check, error"),
            Some(Levels::CHECK.and(Levels::ERROR))
        );
        assert_eq!(Levels::parse("0"), Some(Levels::NONE));
        assert_eq!(Levels::parse("2"), Levels::from_number(2));
        assert_eq!(Levels::parse("all"), Some(Levels::ALL));
        assert_eq!(Levels::parse("warn,error"), Some(Levels::ERROR));
        assert_eq!(Levels::parse("loud"), None);
        assert_eq!(Levels::parse("3"), None);
    }

    #[test]
    fn numbers_are_written_as_in_c() {
        let expect = [
            (0.0, "0"),
            (-0.0, "-0"),
            (2.0, "2"),
            (0.1f32 as f64, "0.1"),
            (1e-7f32 as f64, "1e-07"),
            (0.0001, "0.0001"),
            (0.00001234567, "1.23457e-05"),
            (999_999.5, "1e+06"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.23457e+06"),
            (0.797_884_6, "0.797885"),
            (-1.5e-120, "-1.5e-120"),
            (f64::INFINITY, "inf"),
        ];
        for (value, text) in expect {
            assert_eq!(Short(value).to_string(), text);
        }
    }

    #[test]
    fn a_callback_gets_the_header_once_and_then_lines() {
        extern "C" fn collect(ctx: *mut c_void, line: *const c_char) {
            // SAFETY: `ctx` is the vector below, and the library passes a terminated string.
            #[allow(unsafe_code)]
            let (lines, line) =
                unsafe { (&*ctx.cast::<Mutex<Vec<String>>>(), CStr::from_ptr(line)) };
            lines
                .lock()
                .unwrap()
                .push(line.to_str().unwrap().to_owned());
        }
        let lines: Mutex<Vec<String>> = Mutex::default();
        let ctx = (&raw const lines).cast_mut().cast();
        set_sink(Some(Sink::Callback {
            write: collect,
            ctx,
        }));
        emit(format_args!("first,{}", 1));
        emit(format_args!("second"));
        set_sink(None);
        let lines = lines.lock().unwrap();
        // Another test may have written the header already, so only what must follow is asserted.
        assert!(lines.ends_with(&[
            "brick_verbose,v1,first,1".to_owned(),
            "brick_verbose,v1,second".to_owned()
        ]));
        assert!(
            lines
                .iter()
                .filter(|line| line.contains("template:"))
                .count()
                <= 1
        );
    }
}
