//! Bits do not depend on the number of threads, and one primitive serves many threads at once.

use crate::case::{Case, Data, judge};
use crate::problem::Problem;
use std::process::Command;

/// Sums whose value depends on their order. Weight gradients promise their bits with `deterministic` only.
const PROBLEMS: [&str; 10] = [
    "matmul f32:f32:f32 100x300:300x120",
    "matmul f32:f32:f32 1x512:512x512",
    "matmul f32:f32:f32 16x2000:2000x16",
    "matmul bf16:bf16:bf16 65x129:129x200",
    "matmul f32:f32:f32 9x40x70:9x70x50 post=gelu_erf",
    "ip f32:f32:f32 mb64ic200oc100 bias=f32 post=relu",
    "ip f32:f32:f32 mb1ic500oc300",
    "ip f32:f32:f32 mb64ic200oc100 prop=bwd_d",
    "ip f32:f32:f32 mb200ic70oc50 prop=bwd_w bias=f32 deterministic=1",
    "eltwise f32:f32 40x1000 alg=exp",
];

/// A number that differs when any bit of any output does.
fn digest(text: &str) -> u64 {
    let problem: Problem = text.parse().unwrap();
    let mut case = Case::create(&problem, Data::Fractions).unwrap();
    case.run().unwrap();
    case.verify().unwrap();
    let bytes = case.outputs().concat();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Set in the processes that the test below starts: they print digests instead of comparing them.
const CHILD: &str = "BRICK_TEST_PRINTS_DIGESTS";

fn digests(threads: usize) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("threads::bits_do_not_depend_on_the_number_of_threads")
        .env("BRICK_NUM_THREADS", threads.to_string())
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{threads} threads:\n{text}");
    let lines = text.lines().filter(|line| line.starts_with("digest "));
    lines.map(str::to_owned).collect()
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    if std::env::var_os(CHILD).is_some() {
        for text in PROBLEMS {
            println!("\ndigest {text} {:016x}", digest(text));
        }
        return;
    }
    let alone = digests(1);
    assert_eq!(alone.len(), PROBLEMS.len());
    for threads in [2, 3, 7] {
        assert_eq!(digests(threads), alone, "{threads} threads");
    }
}

#[test]
fn many_threads_create_and_run_at_once() {
    std::thread::scope(|scope| {
        for worker in 0..8 {
            scope.spawn(move || {
                for (i, text) in PROBLEMS.iter().cycle().skip(worker).take(12).enumerate() {
                    let fault = judge(text, Data::Integers, false).err();
                    assert_eq!(fault, None, "worker {worker}, round {i}");
                }
            });
        }
    });
}
