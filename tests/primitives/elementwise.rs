//! Reorder, eltwise, binary and sum over plain, strided and blocked layouts with tails.

use crate::judge_all;

const TYPES: [&str; 6] = ["f32", "bf16", "f16", "s32", "s8", "u8"];

#[test]
fn reorder_every_pair_of_types() {
    for from in TYPES {
        judge_all(TYPES.map(|to| format!("reorder {from}:{to} 3x50")));
    }
}

#[test]
fn reorder_every_pair_of_layouts() {
    let tags = [
        "abcd",
        "acdb",
        "aBcd16b",
        "aBcd8b",
        "bacd",
        "cdba",
        "ABcd16a16b",
        "aBcd4b",
        "ABcd16b64a2b",
    ];
    for from in tags {
        judge_all(tags.map(|to| format!("reorder f32:f32 3x19x4x5 tags={from}:{to}")));
        judge_all(tags.map(|to| format!("reorder f32:bf16 2x33x3x1 tags={from}:{to}")));
        judge_all(tags.map(|to| format!("reorder s8:s8 2x33x3x1 tags={from}:{to}")));
    }
    judge_all([
        "reorder f32:f32 64x64 tags=ab:ba",
        "reorder f32:f32 100x37 tags=ba:ab",
        "reorder bf16:bf16 100x37 tags=ab:ba",
        "reorder u8:u8 100x37 tags=ab:ba",
        "reorder f32:f32 5x7 tags=@20x2:@1x9",
        "reorder f32:f32 1",
        "reorder f32:f32 0x7",
        "reorder bf16:bf16 100x70 tags=ab:BA16a64b2a",
        "reorder s8:s8 100x70 tags=ab:BA16a64b4a",
        "reorder f32:f32 2x3x4x5x6x7 tags=abcdef:abdfce",
        "reorder f32:f32 40x36x3x3 tags=abcd:ABcd16b16a",
        "reorder f32:f32 100x70 tags=BA16a48b:BA16a32b",
        "reorder u8:f32 100x70 tags=BA16a32b:BA16a48b scales=src:2 zp=src",
        "reorder f32:f32 30x40 tags=@200x2:@150x3",
        "reorder bf16:f32 30x40 tags=@200x2:@1x50",
        "reorder u8:u8 30x40 tags=@1x50:@300x3",
    ]);
}

#[test]
fn reorder_with_attributes() {
    judge_all([
        "reorder f32:s8 3x50 scales=src,dst",
        "reorder f32:s8 3x50 scales=dst:2",
        "reorder f32:u8 3x50 scales=src:1,dst zp=dst",
        "reorder u8:f32 3x50 scales=src zp=src",
        "reorder s8:f32 3x50 scales=src:2 zp=src",
        "reorder f32:f32 3x50 post=sum:0.5",
        "reorder f32:bf16 3x50 post=sum",
        "reorder f32:s8 3x19x4x5 tags=abcd:aBcd16b scales=dst:2",
        "reorder s8:u8 3x19x4x5 tags=acdb:aBcd16b scales=src:3,dst:1 zp=src,dst post=sum:2:1",
        "reorder s32:s8 30x40 tags=ba:ab zp=src:1,dst:2",
    ]);
}

const ACTIVATIONS: [&str; 23] = [
    "relu",
    "relu:0.25",
    "tanh",
    "elu:0.5",
    "square",
    "abs",
    "sqrt",
    "linear:2:-1",
    "soft_relu:1",
    "soft_relu:-2",
    "hardsigmoid:0.2:0.45",
    "logistic",
    "exp",
    "gelu_tanh",
    "swish:1.5",
    "log",
    "clip:-3.05:4.05",
    "clip_v2:-3.05:4.05",
    "pow:2:0.5",
    "gelu_erf",
    "mish",
    "hardswish:0.2:0.45",
    "round",
];

#[test]
fn eltwise_forward() {
    for types in ["f32:f32", "bf16:bf16", "f16:f16"] {
        judge_all(ACTIVATIONS.map(|alg| format!("eltwise {types} 3x50 alg={alg}")));
    }
    judge_all(["s8:s8", "u8:u8", "s32:s32"].map(|types| format!("eltwise {types} 3x50 alg=relu")));
    for tags in [
        "aBcd16b:aBcd16b",
        "acdb:acdb",
        "@400x20x5x1:@380x20x5x1",
        "aBcd8b:any",
    ] {
        judge_all(
            ["relu", "exp", "linear:1:1"]
                .map(|alg| format!("eltwise f32:f32 2x19x4x5 alg={alg} tags={tags}")),
        );
    }
    judge_all(
        ["1", "17", "4099", "0x3", "2x3x4x5x6"]
            .map(|shape| format!("eltwise f32:f32 {shape} alg=relu:0.5")),
    );
    judge_all([
        "eltwise f32:f32 3x50 alg=relu post=add:f32:2",
        "eltwise bf16:bf16 3x50 alg=relu post=mul:f32:3,sub:f32",
    ]);
}

/// Whole cache lines of large results are stored past the caches; rows that are no whole lines are not.
#[test]
fn results_that_leave_the_caches() {
    judge_all([
        "eltwise f32:f32 4400x1024 alg=relu",
        "eltwise bf16:bf16 9000x1001 alg=relu",
        "reorder f32:bf16 2x64x260x260 tags=abcd:aBcd16b",
    ]);
}

#[test]
fn eltwise_backward_against_finite_differences() {
    let differentiable = ACTIVATIONS.iter().filter(|alg| **alg != "round");
    judge_all(
        differentiable
            .clone()
            .map(|alg| format!("eltwise f32:f32 3x50 alg={alg} prop=bwd")),
    );
    judge_all(differentiable.map(|alg| format!("eltwise bf16:bf16 3x50 alg={alg} prop=bwd")));
    let from_result = [
        "relu",
        "tanh",
        "elu:0.5",
        "sqrt",
        "logistic",
        "exp",
        "clip_v2:-3.05:4.05",
    ];
    judge_all(from_result.map(|alg| {
        let (name, rest) = alg.split_once(':').unwrap_or((alg, "0"));
        format!("eltwise f32:f32 3x50 alg={name}_use_dst:{rest} prop=bwd")
    }));
    judge_all([
        // Gradients that are copies.
        "eltwise f32:f32 3x50 alg=linear:1:2 prop=bwd",
        "eltwise f32:f32 2x19x4x5 alg=pow:1:1 prop=bwd tags=abcd:acdb",
        "eltwise bf16:bf16 3x50 alg=pow:1:1 prop=bwd",
        "eltwise f32:f32 2x19x4x5 alg=relu prop=bwd tags=aBcd16b:aBcd16b",
        "eltwise f32:f32 2x19x4x5 alg=exp prop=bwd tags=aBcd16b:aBcd16b",
        "eltwise f32:f32 2x19x4x5 alg=relu prop=bwd tags=acdb:acdb",
    ]);
}

const ALGORITHMS: [&str; 12] = [
    "add", "mul", "max", "min", "div", "sub", "ge", "gt", "le", "lt", "eq", "ne",
];

#[test]
fn binary_in_every_algorithm_and_broadcast() {
    for types in ["f32:f32:f32", "bf16:bf16:bf16", "f32:bf16:f32", "s8:s8:f32"] {
        judge_all(ALGORITHMS.map(|alg| format!("binary {types} 3x50:3x50:3x50 alg={alg}")));
    }
    let shapes = [
        "2x19x3x5:1x19x1x1:2x19x3x5",
        "2x19x3x5:2x19x3x5:2x19x3x5",
        "2x19x3x5:1x1x1x1:2x19x3x5",
        "2x19x3x5:1x1x1x5:2x19x3x5",
        "2x19x3x5:2x1x3x5:2x19x3x5",
        "2x19x3x5:1x1x3x1:2x19x3x5",
        "1x19x3x5:2x19x3x5:2x19x3x5",
        "0x19:0x19:0x19",
    ];
    for alg in ["add", "mul"] {
        judge_all(shapes.map(|shape| format!("binary f32:f32:f32 {shape} alg={alg}")));
    }
    judge_all([
        "binary f32:f32:f32 2x19x3x5:2x19x3x5:2x19x3x5 alg=add tags=aBcd16b:aBcd16b:aBcd16b",
        "binary f32:f32:f32 2x19x3x5:1x19x1x1:2x19x3x5 alg=add tags=aBcd16b:abcd:aBcd16b",
        "binary f32:f32:f32 2x19x3x5:2x19x3x5:2x19x3x5 alg=sub tags=abcd:acdb:any",
        "binary f32:f32:f32 3x50:3x50:3x50 alg=add post=relu,mul:f32:2",
        "binary f32:f32:f32 3x50:3x50:3x50 alg=mul post=sum:0.5",
        "binary u8:u8:u8 3x50:3x50:3x50 alg=add",
        "binary f32:f32:f32 100x70:100x70:100x70 alg=mul tags=BA16a48b:BA16a32b:BA16a64b",
    ]);
}

#[test]
fn sum_of_several() {
    judge_all(
        [
            "sum f32:f32 3x50",
            "sum f32:f32:f32 3x50",
            "sum f32:f32:f32:f32:f32 2x19x3x5",
            "sum bf16:bf16:bf16 3x50",
            "sum f32:f32:f32 2x19x3x5 tags=aBcd16b:aBcd16b:aBcd16b",
            "sum f32:f32:f32 2x19x3x5 tags=abcd:acdb:abcd",
            "sum f32:f32:any 3x50 tags=ab:ab:any",
            "sum s8:s8:f32 3x50",
        ]
        .map(|text| text.replace(":any 3x50", ":f32 3x50")),
    );
}
