//! Matmul and inner product: shapes at, below and above tile edges, every type, layout and attribute.

use crate::judge_all;

/// Rows, reduction, columns: 1, ragged, and around the tiles of every instruction set.
const SIZES: [[i64; 3]; 15] = [
    [1, 1, 1],
    [1, 64, 64],
    [7, 1, 5],
    [3, 3, 16],
    [16, 16, 16],
    [17, 33, 15],
    [5, 100, 31],
    [30, 36, 100],
    [13, 257, 48],
    [64, 64, 64],
    [65, 63, 65],
    [6, 4, 130],
    [100, 7, 17],
    [2, 300, 200],
    [26, 150, 128],
];

const FLOATS: [&str; 5] = [
    "f32:f32:f32",
    "bf16:bf16:f32",
    "bf16:bf16:bf16",
    "f16:f16:f32",
    "f16:f16:f16",
];
const INTEGERS: [&str; 6] = [
    "u8:s8:s32",
    "u8:s8:f32",
    "u8:s8:u8",
    "s8:s8:s8",
    "s8:s8:s32",
    "u8:s8:bf16",
];

fn with_sizes<'a>(types: &'a [&'a str], option: &'a str) -> impl Iterator<Item = String> + 'a {
    types.iter().flat_map(move |types| {
        SIZES
            .iter()
            .map(move |[m, k, n]| format!("matmul {types} {m}x{k}:{k}x{n}{option}"))
    })
}

#[test]
fn matmul_in_every_type() {
    judge_all(with_sizes(&FLOATS, ""));
    judge_all(with_sizes(&INTEGERS, ""));
}

#[test]
fn matmul_with_bias() {
    judge_all(with_sizes(
        &["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:f32"],
        " bias=f32",
    ));
    judge_all(with_sizes(&["bf16:bf16:f32"], " bias=bf16"));
    judge_all(with_sizes(&["u8:s8:u8"], " bias=s32"));
}

#[test]
fn matmul_in_every_layout() {
    for tags in [
        "ba:ab:ab",
        "ab:ba:ab",
        "ba:ba:ab",
        "any:any:any",
        "ab:any:ab",
        "ab:ab:ba",
    ] {
        let option = format!(" tags={tags}");
        judge_all(with_sizes(
            &["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:u8", "s8:s8:f32"],
            &option,
        ));
    }
    // Rows further apart than they are long.
    judge_all([
        "matmul f32:f32:f32 5x7:7x20 tags=@9x1:@33x1:@21x1",
        "matmul f32:f32:f32 5x7:7x20 tags=@1x6:@1x8:@21x1",
        "matmul bf16:bf16:f32 5x7:7x20 tags=@9x1:@33x1:@21x1",
        "matmul u8:s8:u8 17x70:70x20 tags=@71x1:@33x1:@21x1",
    ]);
}

#[test]
fn matmul_in_batches() {
    let shapes = [
        "2x3x4:2x4x5",
        "3x16x16:3x16x16",
        "1x5x6:4x6x7",
        "4x5x6:1x6x7",
        "2x3x5x7:2x3x7x9",
        "2x1x5x7:1x3x7x9",
        "64x8x8:64x8x8",
        "3x1x20:3x20x17",
    ];
    for types in ["f32:f32:f32", "bf16:bf16:f32", "u8:s8:s32"] {
        judge_all(shapes.map(|shape| format!("matmul {types} {shape}")));
    }
    judge_all([
        "matmul f32:f32:f32 3x16x20:3x20x16 tags=acb:abc:abc",
        "matmul f32:f32:f32 3x16x20:3x20x16 tags=abc:acb:abc bias=f32",
        "matmul f32:f32:f32 3x16x20:3x20x16 tags=bac:bac:bac",
        "matmul bf16:bf16:bf16 3x16x20:3x20x16 tags=acb:acb:abc",
        "matmul u8:s8:f32 3x16x20:1x20x16 scales=src,wei:4",
    ]);
}

#[test]
fn matmul_of_nothing() {
    judge_all([
        "matmul f32:f32:f32 0x3:3x4",
        "matmul f32:f32:f32 2x3:3x0",
        "matmul f32:f32:f32 0x2x3:0x3x4",
        "matmul f32:f32:f32 2x0:0x4",
        "matmul f32:f32:f32 2x0:0x4 bias=f32",
        "matmul bf16:bf16:bf16 2x0:0x40 bias=f32 post=linear:2:1",
    ]);
}

const POST_OPS: [&str; 10] = [
    "relu",
    "relu:0.5",
    "linear:2:1,clip:-8:20",
    "sum",
    "sum:0.5,relu",
    "add:f32:2",
    "mul:f32:3",
    "max:f32:1,sub:f32",
    "relu,sum:2,add:f32:2,linear:0.5:0",
    "prelu:2",
];

#[test]
fn matmul_with_post_ops() {
    for types in [
        "f32:f32:f32",
        "bf16:bf16:bf16",
        "u8:s8:u8",
        "bf16:bf16:f32",
        "u8:s8:f32",
    ] {
        for post in POST_OPS {
            judge_all([
                format!("matmul {types} 17x33:33x50 post={post}"),
                format!("matmul {types} 1x40:40x16 bias=f32 post={post}"),
            ]);
        }
    }
    judge_all([
        "matmul f32:f32:f32 17x33:33x50 post=add:bf16:2,mul:s8:2,min:u8:3",
        "matmul f32:f32:f32 2x17x33:2x33x50 post=add:f32:4,mul:f32:7,sub:f32:1",
    ]);
}

#[test]
fn matmul_with_activations() {
    let algs = [
        "tanh",
        "elu:1",
        "soft_relu:1",
        "hardsigmoid:0.25:0.5",
        "logistic",
        "gelu_tanh",
        "swish:1",
        "gelu_erf",
        "round",
        "mish",
        "hardswish:0.25:0.5",
        "square",
        "abs",
        "linear:0.5:2",
        "clip:-3:4",
        "clip_v2:-3:4",
        "relu:0.25",
        // Functions with a domain of their own, or that grow fast.
        "linear:0.03125:0,exp",
        "abs,sqrt",
        "abs,linear:1:1,log",
        "abs,pow:2:0.5",
    ];
    for types in ["f32:f32:f32", "bf16:bf16:bf16"] {
        judge_all(algs.map(|alg| format!("matmul {types} 9x8:8x37 post={alg}")));
    }
}

#[test]
fn matmul_with_scales_and_zero_points() {
    let options = [
        "scales=src,wei,dst",
        "scales=src,wei:2,dst",
        "zp=src",
        "zp=dst",
        "zp=src,dst",
        "scales=src,wei:2,dst zp=src,dst post=relu,add:f32:2",
        "scales=wei:2 zp=src bias=f32",
    ];
    for types in ["u8:s8:u8", "s8:s8:s8", "u8:s8:f32", "s8:s8:bf16"] {
        judge_all(options.map(|option| format!("matmul {types} 17x45:45x50 {option}")));
    }
    judge_all([
        "matmul f32:f32:f32 17x45:45x50 scales=src,wei:2,dst",
        "matmul u8:s8:u8 1x64:64x64 scales=src,wei:2,dst zp=src,dst",
        "matmul u8:s8:u8 17x45:45x50 tags=ba:any:ab scales=src,wei:2,dst zp=src",
    ]);
}

/// Scales of each element of dst, which lies in an order of its own: they are walked along it.
#[test]
fn scales_of_every_element_whatever_the_layout() {
    for option in [
        "scales=dst:3 zp=dst:3",
        "scales=dst:3 bias=f32 post=prelu:3",
    ] {
        judge_all(
            [
                "ab:ab:ab",
                "ab:ab:ba",
                "ba:ba:ba",
                "ab:ab:@1x20",
                "ab:ab:BA16a16b",
            ]
            .map(|tags| format!("matmul u8:s8:u8 17x45:45x50 tags={tags} {option}")),
        );
    }
    judge_all(
        ["abc:abc:abc", "abc:abc:acb", "abc:abc:cba", "abc:abc:bca"]
            .map(|tags| format!("matmul s8:s8:f32 3x5x7:3x7x9 tags={tags} scales=dst:7")),
    );
    judge_all(
        ["acdb:any:acdb", "acdb:any:abcd", "abcd:abcd:aBcd16b"].map(|tags| {
            format!("conv u8:s8:u8 mb2ic8oc9ih5kh3ph1 tags={tags} scales=dst:15 zp=dst:2")
        }),
    );
    judge_all(
        ["ab:ba:ba", "ab:ab:AB16b16a"]
            .map(|tags| format!("ip u8:s8:u8 mb7ic20oc30 tags={tags} scales=dst:3 zp=dst:3")),
    );
}

#[test]
fn matmul_with_zero_points_of_either_factor() {
    for types in ["u8:s8:s32", "s8:s8:f32", "u8:u8:u8", "s8:u8:bf16"] {
        for option in [
            "zp=wei",
            "zp=wei:2",
            "zp=src,wei",
            "zp=src:1,wei:2,dst",
            "zp=src,wei:2,dst scales=src,wei:2,dst:2 bias=f32 post=relu",
        ] {
            for (shape, tags) in [
                ("17x45:45x50", ""),
                ("1x64:64x64", ""),
                ("33x70:70x1", "tags=ba:ba:ab"),
                ("20x37:37x65", "tags=ab:any:ab"),
                ("20x37:37x65", "tags=ab:ab:ba"),
                ("20x0:0x5", ""),
            ] {
                judge_all([format!("matmul {types} {shape} {tags} {option}")]);
            }
        }
        judge_all(
            [
                "3x17x45:3x45x20 zp=src,wei",
                "3x17x45:1x45x20 zp=src:3,wei:4",
                "1x17x45:3x45x20 zp=src:2,wei:5",
                "2x3x7x30:2x1x30x20 zp=src,wei:8",
            ]
            .map(|rest| format!("matmul {types} {rest}")),
        );
    }
}

#[test]
fn weights_in_panels_of_any_width() {
    for width in [4, 8, 12, 16, 20, 24, 40, 56, 64] {
        for types in ["f32:f32:f32", "bf16:bf16:bf16"] {
            judge_all([
                format!("matmul {types} 33x47:47x130 tags=ab:Ba{width}b:ab"),
                format!("matmul {types} 33x47:47x130 tags=ab:BA8a{width}b:ab post=relu"),
                format!("matmul {types} 33x48:48x130 tags=ab:BA8a{width}b2a:ab bias=f32"),
                format!("ip {types} mb33ic47oc130 tags=ab:AB16b{width}a:ab"),
                format!("ip {types} mb33ic130oc47 prop=bwd_d tags=ab:BA8a{width}b:ab"),
            ]);
        }
    }
}

/// `any`: their last panel may be full, nearly empty, or all there is.
#[test]
fn weights_in_panels_of_the_planner() {
    for n in [90, 96, 97, 120, 130, 143] {
        for types in ["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:f32"] {
            judge_all(
                ["1x64:64", "5x47:47", "40x600:600"]
                    .map(|shape| format!("matmul {types} {shape}x{n} tags=ab:any:ab post=relu")),
            );
        }
        judge_all(["inf", "bwd_d", "bwd_w"].map(|prop| {
            format!(
                "ip f32:f32:f32 mb33ic{n}oc{} prop={prop} tags=ab:any:ab",
                2 * n
            )
        }));
    }
}

#[test]
fn matmul_in_irregular_layouts() {
    let types = ["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:u8", "s8:s8:f32"];
    for tags in [
        "BA16a16b:ab:ab",
        "ab:BA16a16b:ab",
        "ab:ab:BA16a16b",
        "AB16b16a:BA16a32b:BA16a16b",
        "BA16a64b:BA16a32b:ba",
        "@200x2:@150x3:@130x2",
        "@1x40:@2x100:@3x100",
        "BA4b8a8b2a:ba:@1x50",
    ] {
        for post in ["", "bias=f32 post=relu", "post=sum:0.5,add:f32:3"] {
            for types in types {
                judge_all([format!("matmul {types} 33x47:47x35 tags={tags} {post}")]);
            }
        }
    }
    judge_all([
        "matmul f32:f32:f32 3x16x20:3x20x33 tags=aBc16b:aCB16b16c:aBc8b",
        "matmul f32:f32:f32 2x3x16x20:2x1x20x33 tags=aBcd16b:abcd:acdb",
        "matmul bf16:bf16:f32 2x3x16x20:1x3x20x33 tags=cdba:cdba:cdba bias=f32 post=sum",
        "matmul u8:s8:u8 33x47:47x35 tags=BA16a16b:AB16b16a:BA16a16b zp=src,wei,dst scales=src,wei:2,dst",
        "matmul f32:f32:f32 33x47:47x35 tags=ab:ab:ba post=add:f32:3,mul:f32:2,sub:f32:1",
        "matmul f32:f32:f32 3x33x47:3x47x35 tags=abc:abc:acb post=add:f32:7,prelu:4 bias=f32",
        "matmul f32:f32:f32 3x33x47:3x47x35 tags=abc:abc:abc post=prelu:7,prelu:3",
    ]);
}

#[test]
fn matmul_of_sizes_known_at_execution() {
    for types in ["f32:f32:f32", "bf16:bf16:f32", "u8:s8:u8"] {
        for open in [
            "src:1,dst:1",
            "src:3,wei:3,dst:3",
            "wei:2,dst:2,bia:2",
            "src:2,wei:1",
        ] {
            for option in [
                "",
                "tags=ba:ab:ab",
                "tags=ab:ba:ba",
                "tags=@60x1:@1x50:@70x1",
                "post=relu,add:f32:0",
                "scales=src,wei:2",
            ] {
                let bias = if open.contains("bia") { "bias=f32" } else { "" };
                judge_all([format!(
                    "matmul {types} 17x45:45x50 open={open} {bias} {option}"
                )]);
            }
        }
    }
    judge_all([
        "matmul f32:f32:f32 3x7x45:3x45x50 open=src:7,wei:7,dst:7",
        "matmul f32:f32:f32 3x7x45:1x45x50 open=src:3,dst:3",
        "matmul u8:s8:s32 3x7x45:3x45x50 open=src:7,wei:7,dst:7 zp=src,wei:4",
        "matmul f32:f32:f32 7x45:45x50 open=src:1,dst:1 tags=ab:any:ab",
        "matmul f32:f32:f32 0x45:45x50 open=src:1,dst:1",
        "matmul f32:f32:f32 7x0:0x50 open=src:2,wei:1 bias=f32",
        "matmul f32:f32:f32 7x45:45x50 open=src:1,dst:1 post=sum:2,prelu:2",
        "reorder f32:bf16 7x45 open=src:1,dst:1 tags=ab:ba",
        "reorder f32:s8 7x45x3 open=src:7,dst:7 tags=abc:acb scales=dst:2",
        "binary f32:f32:f32 7x45:7x45:7x45 alg=add open=src:1,wei:1,dst:1",
        "eltwise f32:f32 7x45 alg=relu open=src:3,dst:3",
    ]);
}

/// The largest types of results, each from every pair of factors.
#[test]
fn matmul_stores_every_type() {
    for factors in [
        "f32:f32",
        "bf16:bf16",
        "f16:f16",
        "u8:s8",
        "s8:u8",
        "u8:u8",
        "s8:s8",
    ] {
        for dst in ["f32", "bf16", "f16", "s32", "s8", "u8"] {
            for bias in [
                "",
                "bias=f32",
                "bias=bf16",
                "bias=f16",
                "bias=s32",
                "bias=s8",
                "bias=u8",
            ] {
                judge_all([format!("matmul {factors}:{dst} 9x21:21x35 {bias}")]);
            }
        }
    }
}

const FULLY_CONNECTED: [&str; 10] = [
    "mb1ic1oc1",
    "mb1ic64oc64",
    "mb16ic16oc16",
    "mb3ic5oc7",
    "mb33ic65oc31",
    "mb64ic100oc10",
    "mb7ic30ih3iw5oc20",
    "mb2ic3id2ih3iw2oc17",
    "mb5ic16ih4oc32",
    "mb100ic17oc130",
];

/// Biases that are not a dense list: with gaps, in blocks, views of larger ones.
pub const BIASES: [&str; 5] = ["f32:@2", "f32:@3+5", "f32:a+7", "f32:A16a", "f32:A8a+16"];

#[test]
fn inner_product_forward() {
    for types in FLOATS.iter().chain(&INTEGERS) {
        for shape in FULLY_CONNECTED {
            judge_all([
                format!("ip {types} {shape}"),
                format!("ip {types} {shape} bias=f32 post=relu"),
            ]);
        }
    }
    judge_all(FULLY_CONNECTED.map(|shape| format!("ip f32:f32:f32 {shape} prop=fwd bias=f32")));
    judge_all([
        "ip u8:s8:u8 mb9ic70oc33 scales=src,wei:1,dst post=relu",
        "ip u8:s8:f32 mb9ic70oc33 scales=src,wei:1 bias=f32",
        "ip f32:f32:f32 mb9ic70oc33 post=sum:2,add:f32:2",
    ]);
    for bias in BIASES {
        judge_all([
            format!("ip f32:f32:f32 mb9ic17oc38 bias={bias}"),
            format!("ip bf16:bf16:bf16 mb1ic17oc38 bias={bias} post=relu tags=any:any:any"),
            format!("ip u8:s8:f32 mb9ic17oc38 bias={bias} scales=wei:1"),
            format!("ip f32:f32:f32 mb9ic17oc38 bias={bias} prop=bwd_w"),
            format!("ip bf16:bf16:bf16 mb9ic17oc38 bias={bias} prop=bwd_w tags=any:any:any"),
        ]);
    }
}

#[test]
fn products_of_views() {
    for tags in [
        "ab+1:ba+2:ab+3",
        "@40x1+1:@1x40+5:@48x1+2",
        "@40x1+2:any:ab+1",
    ] {
        for types in ["f32:f32:f32", "bf16:bf16:f32", "u8:s8:u8"] {
            judge_all(
                [
                    "",
                    "post=sum:0.5,add:f32:3:@1x16+1",
                    "post=mul:bf16:2:@80x2+9",
                ]
                .map(|option| format!("matmul {types} 12x33:33x40 tags={tags} {option}")),
            );
        }
        judge_all(["inf", "bwd_d", "bwd_w"].map(|prop| {
            format!("ip f32:f32:f32 mb12ic33oc40 tags={tags} prop={prop}").replace("@1x40", "@48x1")
        }));
    }
}

#[test]
fn inner_product_backward() {
    for prop in ["bwd_d", "bwd_w"] {
        for types in ["f32:f32:f32", "bf16:bf16:bf16"] {
            judge_all(FULLY_CONNECTED.map(|shape| format!("ip {types} {shape} prop={prop}")));
        }
    }
    judge_all(FULLY_CONNECTED.map(|shape| format!("ip f32:bf16:bf16 {shape} prop=bwd_d")));
    for bias in ["f32", "bf16"] {
        for types in ["bf16:f32:bf16", "bf16:bf16:bf16"] {
            judge_all(
                FULLY_CONNECTED.map(|shape| format!("ip {types} {shape} prop=bwd_w bias={bias}")),
            );
        }
    }
    judge_all(FULLY_CONNECTED.map(|shape| format!("ip f32:f32:f32 {shape} prop=bwd_w bias=f32")));
    judge_all(
        FULLY_CONNECTED
            .map(|shape| format!("ip f32:f32:f32 {shape} prop=bwd_w bias=f32 deterministic=1")),
    );
}

#[test]
fn inner_product_in_every_layout() {
    for prop in ["inf", "bwd_d", "bwd_w"] {
        for types in ["f32:f32:f32", "bf16:bf16:bf16"] {
            for tags in ["ab:ba:ab", "any:any:any", "ab:any:ab", "ba:ab:ab"] {
                judge_all([
                    format!("ip {types} mb33ic65oc31 prop={prop} tags={tags}"),
                    format!("ip {types} mb16ic64oc48 prop={prop} tags={tags}"),
                ]);
            }
            for tags in [
                "acdb:acdb:ab",
                "abcd:any:ab",
                "any:any:any",
                "aBcd16b:any:ab",
            ] {
                judge_all([format!(
                    "ip {types} mb7ic32ih3iw5oc20 prop={prop} tags={tags}"
                )]);
            }
        }
    }
}

#[test]
fn inner_product_in_blocked_and_strided_layouts() {
    for prop in ["inf", "bwd_d", "bwd_w bias=f32"] {
        for types in ["f32:f32:f32", "bf16:bf16:bf16", "f16:f16:f16"] {
            for tags in [
                "aBcd16b:abcd:ab",
                "abcd:acdb:ab",
                "acdb:abcd:ba",
                "aBcd16b:aBcd16b:ab",
                "aBcd8b:ABcd16b16a:AB16b16a",
                "cdba:bacd:ab",
                "abcd:ABcd16b16a2b:ab",
                "aBcd16b:any:ba",
                "@500x15x5x1:@400x20x5x1:@41x1",
                "@1000x30x10x2:abcd:@41x2",
            ] {
                for shape in ["mb7ic20ih3iw5oc20", "mb3ic32ih3iw5oc33"] {
                    let tags = match (shape, tags.contains('@')) {
                        ("mb3ic32ih3iw5oc33", true) => continue,
                        _ => tags,
                    };
                    judge_all([format!("ip {types} {shape} prop={prop} tags={tags}")]);
                }
            }
            for tags in ["BA16a16b:ab:ab", "ab:BA16a16b:ba", "@70x2:@1x40:@90x2"] {
                judge_all([format!("ip {types} mb33ic35oc31 prop={prop} tags={tags}")]);
            }
            judge_all([
                format!("ip {types} mb4ic20iw7oc30 prop={prop} tags=aBc16b:aBc16b:ab"),
                format!("ip {types} mb4ic20id2ih3iw2oc30 prop={prop} tags=aBcde16b:abcde:ab"),
            ]);
        }
    }
    judge_all([
        "ip u8:s8:u8 mb7ic20ih3iw5oc20 tags=acdb:abcd:ab scales=src,wei:1,dst:2 zp=dst post=relu",
        "ip u8:s8:f32 mb7ic20ih3iw5oc20 tags=aBcd16b:any:ba bias=f32 post=add:f32:3",
        "ip s8:s8:s8 mb7ic20ih3iw5oc20 tags=aBcd16b:ABcd16b16a:AB16b16a bias=f32",
    ]);
}
