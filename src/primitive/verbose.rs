//! Timed verbose lines of creation and execution; only reached when somebody asked for them.
//!
//! Lines of executions are oneDNN's to the letter; those of creations also say the nest.

use super::Made;
use crate::{error::Result, log, memory::MemoryDesc};
use std::time::Instant;

const EXEC: &str = "exec";

/// What came of it, and how many milliseconds it took.
fn timed<T>(what: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = what();
    (result, start.elapsed().as_secs_f64() * 1e3)
}

fn emit(event: &str, made: &Made, mds: &[Option<&MemoryDesc>], ms: f64) {
    let (_, kind) = made.op.kind();
    let isa = made.env.isa.name();
    let mut line = made.op.line(&made.attr, &made.planned.args, mds);
    let nest = &made.planned.nest;
    if event != EXEC && !nest.is_empty() {
        // Among the auxiliary values, before the problem.
        let at = line.rfind(',').unwrap_or(line.len());
        let space = if line[..at].ends_with(',') { "" } else { " " };
        line.insert_str(at, &format!("{space}nest:{nest}"));
    }
    log::emit(format_args!(
        "primitive,{event},cpu,{kind},brick:{isa},{line},{}",
        log::Short(ms)
    ));
}

#[cold]
pub(super) fn create(
    made: &Made,
    cached: bool,
    compile: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let (compiled, ms) = timed(compile);
    compiled?;
    let event = if cached {
        "create:cache_hit"
    } else {
        "create:cache_miss"
    };
    emit(event, made, &[], ms);
    Ok(())
}

#[cold]
pub(super) fn execute(made: &Made, mds: &[Option<&MemoryDesc>], run: impl FnOnce()) {
    let ((), ms) = timed(run);
    // Memory of other dims than planned is for those alone that left them open.
    let runtime: Vec<_> = (made.needs.iter().zip(mds))
        .map(|(need, md)| md.filter(|_| need.runtime))
        .collect();
    emit(EXEC, made, &runtime, ms);
}
