//! The convolutions of well-known networks (`networks.txt`), in every pass and type.

use crate::judge_all;

const NETWORKS: &str = include_str!("networks.txt");

/// Every problem with types and options; `pick` says which, by the problem's number. Where the tests run once more for
/// another rung or kind of memory, one in seven will do.
fn networks<'a>(pick: impl Fn(usize) -> &'a str) -> Vec<String> {
    let again = ["BRICK_MAX_ISA", "BRICK_TEST_RUNG", "BRICK_JIT_MEMORY"];
    let again = again.iter().any(|name| std::env::var_os(name).is_some());
    let lines = NETWORKS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let problems = lines.enumerate().map(|(i, line)| {
        let (kind, shape) = line.split_once(' ').expect("a primitive and a shape");
        let (types, options) = pick(i).split_once(' ').expect("types and options");
        format!("{kind} {types} {shape} {options}")
    });
    let problems: Vec<String> = problems.step_by(if again { 7 } else { 1 }).collect();
    assert!(problems.len() > 30);
    problems
}

#[test]
fn networks_forward() {
    judge_all(networks(
        |_| "f32:f32:f32 tags=any:any:any bias=f32 post=relu",
    ));
}

#[test]
fn networks_by_data() {
    judge_all(networks(|_| "f32:f32:f32 tags=any:any:any prop=bwd_d"));
}

#[test]
fn networks_by_weights() {
    judge_all(networks(
        |_| "f32:f32:f32 tags=any:any:any prop=bwd_w bias=f32",
    ));
}

/// Other types and layouts, each problem with one of them.
#[test]
fn networks_otherwise() {
    const OTHERS: [&str; 11] = [
        "u8:s8:u8 tags=any:any:any scales=src,dst bias=f32 post=relu",
        "bf16:bf16:bf16 tags=any:any:any prop=bwd_w",
        "f32:f32:f32 prop=fwd",
        "s8:s8:s32 tags=any:any:any zp=src",
        "bf16:bf16:bf16 tags=any:any:any bias=bf16",
        "f32:f32:f32 prop=bwd_w",
        "f16:f16:f16 tags=any:any:any post=sum",
        "bf16:bf16:bf16 tags=any:any:any prop=bwd_d",
        "u8:s8:f32 bias=f32",
        "f32:f32:f32 prop=bwd_d",
        "bf16:bf16:f32 tags=any:any:any",
    ];
    judge_all(networks(|i| OTHERS[i % OTHERS.len()]));
}
