//! Bits do not depend on the number of threads, and one primitive serves many threads at once.

use crate::case::{Case, Data, judge};
use crate::problem::Problem;
use std::process::Command;

/// Sums whose value depends on their order, and what else is shared out. Weight gradients promise their bits with
/// `deterministic` only.
const PROBLEMS: [&str; 33] = [
    "matmul f32:f32:f32 100x300:300x120",
    "matmul f32:f32:f32 1x512:512x512",
    "matmul f32:f32:f32 16x2000:2000x16",
    "matmul f32:f32:f32 200x300:300x120 tags=ba:ba:ba",
    "matmul bf16:bf16:bf16 65x129:129x200",
    "matmul bf16:bf16:f32 130x129:129x200 tags=BA16a16b:AB16b16a:BA16a16b post=sum",
    "matmul u8:s8:f32 130x129:129x200 zp=src,wei:2 scales=wei:2",
    "matmul f16:f16:f32 130x300:300x70",
    "matmul f32:f32:f32 9x40x70:9x70x50 post=gelu_erf",
    "ip f32:f32:f32 mb64ic200oc100 bias=f32 post=relu",
    "ip f32:f32:f32 mb1ic500oc300",
    "ip f32:f32:f32 mb64ic200oc100 prop=bwd_d",
    "ip f32:f32:f32 mb200ic70oc50 prop=bwd_w bias=f32 deterministic=1",
    "ip bf16:bf16:bf16 mb64ic40ih3iw5oc900 prop=bwd_w bias=bf16 deterministic=1 tags=aBcd16b:any:ab",
    "eltwise f32:f32 40x1000 alg=exp",
    "eltwise bf16:bf16 8x100x30x30 alg=tanh tags=aBcd16b:acdb",
    "binary f32:f32:f32 8x100x30x30:1x100x1x1:8x100x30x30 alg=mul",
    "sum f32:f32:f32:f32 8x100x30x30",
    "reorder f32:bf16 8x100x30x30 tags=abcd:aBcd16b",
    "conv f32:f32:f32 mb4ic32oc48ih20oh20kh3ph1",
    "conv f32:f32:f32 mb1ic64oc64ih14kh3ph1 tags=any:any:any bias=f32",
    "conv f32:f32:f32 g40mb4ic40oc40ih20kh3ph1 tags=any:any:any",
    "conv u8:s8:f32 mb2ic48oc40ih14kh3ph1 tags=any:any:any zp=src bias=f32",
    "conv bf16:bf16:bf16 mb3ic40oc70ih15kh3sh2ph1 tags=any:any:any prop=bwd_d",
    "conv f32:f32:f32 mb4ic33oc50ih14kh3ph1 prop=bwd_w bias=f32 deterministic=1",
    "conv f32:f32:f32 mb4ic3oc32ih33kh7sh2ph3 tags=any:any:any prop=bwd_w deterministic=1",
    "conv bf16:bf16:bf16 g40mb4ic40oc40ih20kh3ph1 prop=bwd_w deterministic=1",
    "conv f32:f32:f32 mb3ic4oc16ih110kh3ph1 prop=bwd_w deterministic=1",
    "conv bf16:bf16:bf16 mb6ic4oc32ih90kh3ph1 prop=bwd_w deterministic=1",
    "conv f32:f32:f32 g40mb3ic40oc40ih90kh3ph1 prop=bwd_w deterministic=1",
    "conv f32:f32:f32 g72mb3ic72oc72ih40kh3ph1 prop=bwd_w deterministic=1",
    "deconv bf16:f32:bf16 mb6ic40oc40ih7kh3ph1 prop=bwd_w deterministic=1",
    "deconv f32:f32:f32 mb2ic30oc20ih9kh4sh2ph1 bias=f32",
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

/// Row 0 of a product is the same bits whatever rows are with it; data depend on the position alone.
#[test]
fn bits_do_not_depend_on_the_rows_beside() {
    let first_row = |text: &str, bytes: usize| {
        let mut case = Case::create(&text.parse().unwrap(), Data::Fractions).unwrap();
        case.run().unwrap();
        case.outputs()[0][..bytes].to_vec()
    };
    for (types, size) in [("f32:f32:f32", 4), ("bf16:bf16:f32", 4), ("f16:f16:f16", 2)] {
        let matmul = |m: i64| first_row(&format!("matmul {types} {m}x700:700x120"), 120 * size);
        let ip = |mb: i64| first_row(&format!("ip {types} mb{mb}ic500oc300"), 300 * size);
        let by_data = |mb: i64| {
            let (factor, result) = types.rsplit_once(':').unwrap();
            let types = format!("{result}:{factor}");
            first_row(
                &format!("ip {types} mb{mb}ic500oc300 prop=bwd_d"),
                500 * size,
            )
        };
        let (product, forward, gradient) = (matmul(1), ip(1), by_data(1));
        for m in [2, 5, 7, 30, 200] {
            assert_eq!(matmul(m), product, "{types}, {m} rows");
            assert_eq!(ip(m), forward, "{types}, minibatch {m}");
            assert_eq!(by_data(m), gradient, "{types}, minibatch {m}");
        }
    }
}
