//! Ring 2: every primitive, pass, type, layout and attribute against naive oracles, through the C functions of the real
//! shared library.
//!
//! Operands hold small integers where that makes every result exact; outputs start as NaN; every buffer touches an
//! inaccessible page; a second run must give the same bits. `BRICK_PROBLEM='ip f32:f32:f32 mb2ic3oc4' cargo test --test primitives` runs one problem.
#![allow(unsafe_code)]

mod api;
mod case;
#[path = "../oracle/guard.rs"]
mod guard;
mod oracle;
mod problem;
#[path = "../rungs/mod.rs"]
mod rungs;
mod tensor;

mod attributes;
mod conv;
mod elementwise;
mod fuzz;
mod misfits;
mod nests;
mod networks;
mod products;
mod rnn;
mod status;
mod threads;

use case::{Data, judge};

/// Judges every problem and reports all failures, the first ten in full.
fn judge_all<T: AsRef<str>>(problems: impl IntoIterator<Item = T>) {
    let mut faults = Vec::new();
    let mut count = 0;
    for problem in problems {
        count += 1;
        faults.extend(judge(problem.as_ref(), Data::Integers, false).err());
    }
    let shown = faults[..faults.len().min(10)].join("\n");
    assert!(
        faults.is_empty(),
        "{} of {count} problems:\n{shown}",
        faults.len()
    );
}

#[test]
fn one_problem_from_the_environment() {
    if let Ok(text) = std::env::var("BRICK_PROBLEM") {
        judge_all(text.lines());
    }
}

#[test]
fn problems_read_back_as_they_were_written() {
    for text in [
        "matmul u8:s8:f32 3x16x32:3x32x64 tags=abc:acb:abc bias=f32 scales=src:0,wei:4 zp=src:0 post=relu:0:0,add:f32:4",
        "ip bf16:bf16:f32 mb16ic64ih2iw2oc32 prop=bwd_w tags=any:any:any bias=f32 deterministic=1",
        "binary f32:f32:f32 2x3:1x3:2x3 alg=add:0:0 post=sum:0.5:0,prelu:2",
        "matmul f32:f32:f32 2x3:3x4 open=src:1,dst:1",
    ] {
        let problem: problem::Problem = text.parse().unwrap();
        assert_eq!(problem.to_string(), text);
    }
    assert!("matmul f32 2x3:3".parse::<problem::Problem>().is_err());
    assert!("ip f32 mb2ic3".parse::<problem::Problem>().is_err());
    assert!(
        "eltwise f32 2 colour=red"
            .parse::<problem::Problem>()
            .is_err()
    );
}
