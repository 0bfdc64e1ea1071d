//! Nests asked for by hand (`BRICK_NEST`): results stay right, and what cannot be had is reported.

use crate::judge_all;
use std::process::Command;

/// With channels, pixels and images for every letter to cut.
const PROBLEMS: [&str; 24] = [
    "conv f32:f32:f32 mb4ic40oc48ih9kh3ph1 tags=any:any:any bias=f32",
    "conv f32:f32:f32 mb4ic20oc30ih7kh3sh2ph1",
    "conv u8:s8:u8 mb4ic40oc48ih14kh3ph1 tags=any:any:any zp=src",
    "conv bf16:bf16:bf16 g2mb4ic32oc64ih7kh1 tags=any:any:any post=relu",
    "conv f32:f32:f32 mb4ic40oc48ih9kh3sh2ph1 tags=any:any:any prop=bwd_d",
    "conv f32:f32:f32 mb4ic40oc48ih9kh3ph1 tags=any:any:any prop=bwd_w bias=f32",
    "conv bf16:bf16:bf16 mb4ic40oc48ih9kh3ph1 tags=any:any:any prop=bwd_w",
    "conv f32:f32:f32 g2mb4ic20oc40id4ih5kd3kh3pd1ph1 prop=bwd_w",
    "deconv f32:f32:f32 mb4ic3oc20ih15kh7sh2ph3 prop=bwd_w tags=acdb:any:aBcd16b",
    // Sides that are copied, block of images by block.
    "conv f32:f32:f32 mb4ic20oc40ih9kh3ph1 prop=bwd_w bias=f32",
    "conv f32:f32:f32 mb4ic24oc40ih9kh3ph1 prop=bwd_w tags=aBcd8b:any:aBcd8b",
    "conv f32:f32:f32 mb4ic3oc20ih15kh7sh2ph3 prop=bwd_w",
    "conv f32:f32:f32 mb4ic20oc24ih9kh1sh2 prop=bwd_w",
    "conv f32:f32:f32 mb32ic16oc20ih3kh3ph1 prop=bwd_w tags=ABcd16a16b:any:acdb",
    "conv bf16:bf16:bf16 mb4ic20oc40ih9kh3ph1 prop=bwd_w bias=bf16",
    "conv bf16:bf16:bf16 mb3ic20oc40ih9kh3ph1 prop=bwd_w",
    "conv bf16:f32:bf16 g2mb4ic20oc40iw30kw3pw1 prop=bwd_w",
    "conv f16:f16:f16 mb4ic20oc40ih9kh1 prop=bwd_w",
    "deconv bf16:bf16:bf16 mb4ic20oc12id3ih4iw5kd3kh3kw2sd2sh1sw2pd1ph1pw0 prop=bwd_w",
    "conv f32:f32:f32 g32mb4ic32oc32ih9kh3ph1 prop=bwd_w",
    "conv bf16:bf16:bf16 g24mb4ic24oc24id4ih5iw6kd3kh3kw3pd1ph1pw1 prop=bwd_w",
    "conv f32:f32:f32 g8mb4ic32oc32ih9kh3ph1 prop=bwd_w",
    "deconv f32:f32:f32 g16mb4ic16oc16iw20kw4sw2pw1 prop=bwd_w",
    "conv f32:f32:f32 mb0ic20oc40ih9kh3ph1 prop=bwd_w",
];

/// Set in the processes that the test below starts.
const CHILD: &str = "BRICK_TEST_RUNS_NESTS";

/// What a process with this nest wrote to stderr; it must find all results right.
fn errors(nest: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("nests::results_are_right_with_every_nest")
        .env("BRICK_NEST", nest)
        .env("BRICK_NUM_THREADS", "5")
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{nest}:\n{text}");
    text
}

#[test]
fn results_are_right_with_every_nest() {
    if std::env::var_os(CHILD).is_some() {
        return judge_all(PROBLEMS);
    }
    for nest in [
        "B3P2n2r1",
        "B1P5n4r1000",
        "w32",
        "N3M2S4i1p10c1:any",
        "N1M1S2i2p100000",
        "S7",
        "n1",
        "n2N2M1S5p20",
        "n16i4S2",
    ] {
        assert!(!errors(nest).contains("BRICK_NEST="), "{nest}");
    }
    let impossible = errors("n3i3w12c9");
    for choice in ["n3", "i3", "w12", "c9"] {
        assert!(
            impossible.contains(&format!("{choice} is not possible")),
            "{impossible}"
        );
    }
    assert!(errors("quick").contains("BRICK_NEST=quick is not understood"));
}
