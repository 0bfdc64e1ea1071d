//! A bounded fuzz: random problems are done right or refused with *unimplemented*; random descriptors never crash.
//!
//! `PROPTEST_CASES=100000 cargo test --release --test primitives fuzz` runs longer.

use crate::api::{Handle, INVALID, Owned, SUCCESS, UNIMPLEMENTED, api, here, is_brick, last_error};
use crate::case::{Data, judge};
use proptest::prelude::*;
use std::ffi::c_int;
use std::ptr::null_mut;

pub fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let cases = cases.unwrap_or(200);
    ProptestConfig {
        cases,
        max_global_rejects: 10 * cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

fn size() -> impl Strategy<Value = i64> {
    prop_oneof![
        1..20i64,
        14..18i64,
        30..35i64,
        60..70i64,
        1..130i64,
        Just(0)
    ]
}

pub fn one_of(list: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(list)
}

fn types() -> impl Strategy<Value = &'static str> {
    one_of(&[
        "f32:f32:f32",
        "bf16:bf16:f32",
        "bf16:bf16:bf16",
        "f16:f16:f32",
        "u8:s8:s32",
        "u8:s8:f32",
        "u8:s8:u8",
        "s8:s8:s8",
        "s8:s8:f32",
        "f32:bf16:f32",
        "f32:f32:s8",
        "s8:u8:bf16",
        "u8:u8:f32",
    ])
}

fn post() -> impl Strategy<Value = &'static str> {
    one_of(&[
        "",
        "",
        "post=relu",
        "post=sum:0.5",
        "post=add:f32:2",
        "post=relu:0.5,mul:bf16:3",
        "post=sum:2,linear:0.5:1",
        "post=max:f32:1,clip:-4:9",
    ])
}

/// The layout of a matrix: a tag, or strides with gaps.
#[derive(Clone, Debug)]
enum Matrix {
    Tag(&'static str),
    Strided {
        by_columns: bool,
        step: i64,
        gap: i64,
        /// Rows of a larger matrix before this one.
        from: i64,
    },
}

impl Matrix {
    fn tag(&self, rows: i64, cols: i64) -> String {
        let (by_columns, step, gap, from) = match *self {
            Matrix::Tag(tag) => return tag.to_owned(),
            Matrix::Strided {
                by_columns,
                step,
                gap,
                from,
            } => (by_columns, step, gap, from),
        };
        let strides = match by_columns {
            true => format!("@{step}x{}", (from + rows).max(1) * step + gap),
            false => format!("@{}x{step}", cols.max(1) * step + gap),
        };
        match from {
            0 => strides,
            from => format!("{strides}+{from}"),
        }
    }
}

fn matrix() -> impl Strategy<Value = Matrix> {
    let tags = one_of(&[
        "ab",
        "ba",
        "any",
        "BA16a16b",
        "BA8a24b",
        "AB16b16a",
        "BA4b8a8b2a",
    ]);
    prop_oneof![
        tags.prop_map(Matrix::Tag),
        (
            any::<bool>(),
            1..4i64,
            0..20i64,
            prop_oneof![3 => Just(0), 1 => 1..4i64]
        )
            .prop_map(|(by_columns, step, gap, from)| Matrix::Strided {
                by_columns,
                step,
                gap,
                from
            }),
    ]
}

/// One spatial axis of a convolution.
#[derive(Clone, Copy, Debug)]
struct Axis {
    size: i64,
    taps: i64,
    stride: i64,
    dilate: i64,
    before: i64,
    after: i64,
}

fn axis() -> impl Strategy<Value = Axis> {
    let sizes = (
        prop_oneof![1..6i64, 1..17i64],
        prop_oneof![4 => Just(1i64), 4 => 1..5i64, 1 => 5..16i64],
    );
    let steps = (
        prop_oneof![Just(1i64), 1..5i64],
        prop_oneof![Just(0i64), 0..3i64],
    );
    let padding = prop_oneof![
        (0..4i64).prop_map(|both| (both, both)),
        (prop_oneof![Just(0i64), 0..4i64], -4..7i64),
    ];
    (sizes, steps, padding).prop_map(|((size, taps), (stride, dilate), (before, after))| Axis {
        size,
        taps,
        stride,
        dilate,
        before,
        after: after.max(1 - stride),
    })
}

impl Axis {
    /// In the problem language, if there is an output.
    fn text(&self, name: &str, transposed: bool) -> Option<(String, i64)> {
        let Axis {
            size,
            taps,
            stride,
            dilate,
            before,
            after,
        } = self;
        let reach = (taps - 1) * (dilate + 1) + 1;
        let out = match transposed {
            true => (size - 1) * stride + reach - before - after,
            false => (size + before + after - reach).div_euclid(*stride) + 1,
        };
        let text = format!(
            "i{name}{size}o{name}{out}k{name}{taps}s{name}{stride}d{name}{dilate}p{name}{before}"
        );
        (out > 0).then_some((text, out))
    }
}

fn channels() -> impl Strategy<Value = i64> {
    let round = prop::sample::select(vec![3, 8, 16, 32, 48]);
    prop_oneof![6 => 1..36i64, 3 => round, 1 => 60..300i64]
}

/// Strides with gaps: dimensions from the innermost to the outermost, and how their lengths are rounded up or stretched.
fn gaps(dims: &[i64], order: &[usize], gaps: &[i64]) -> String {
    let (mut strides, mut stride) = (vec![0; dims.len()], 1);
    for (&d, gap) in order.iter().zip(gaps) {
        strides[d] = stride;
        stride *= dims[d].max(1);
        match gap {
            0..6 => {}
            6..8 => stride = (stride + 15) / 16 * 16,
            _ => stride += gap - 8,
        }
    }
    let strides: Vec<String> = strides.iter().map(i64::to_string).collect();
    format!("@{}", strides.join("x"))
}

/// A layout of a tensor, by name; weights with groups have one dimension more.
fn layout(name: &str, dims: &[i64], grouped: bool, wide: &[i64]) -> String {
    let letters = &"abcdef"[..dims.len()];
    let group = usize::from(grouped);
    let (pair, space) = ([group, group + 1], group + 2..dims.len());
    match name {
        "gaps" => return gaps(dims, &(0..dims.len()).rev().collect::<Vec<_>>(), wide),
        "last gaps" | "hwio gaps" => {
            let inner = if name == "last gaps" { [1, 0] } else { [0, 1] };
            let order = inner.into_iter().map(|i| pair[i]);
            let order: Vec<usize> = match name {
                "last gaps" => order.take(1).chain(space.rev()).chain([pair[0]]).collect(),
                _ => order.chain(space.rev()).collect(),
            };
            let order: Vec<usize> = order.into_iter().chain(0..group).collect();
            return gaps(dims, &order, wide);
        }
        _ => {}
    }
    let (first, both, rest) = (
        &letters[..group],
        &letters[group..group + 2],
        &letters[group + 2..],
    );
    let (outer, inner) = (&both[..1], &both[1..]);
    let blocked =
        |outer: &str, inner: &str, blocks: String| format!("{first}{outer}{inner}{rest}{blocks}");
    let (upper_outer, upper_inner) = (outer.to_uppercase(), inner.to_uppercase());
    let tag = match name {
        "any" => "any".to_owned(),
        "last" => format!("{first}{outer}{rest}{inner}"),
        "hwio" => format!("{first}{rest}{inner}{outer}"),
        "8c" => blocked(outer, &upper_inner, format!("8{inner}")),
        "16c" => blocked(outer, &upper_inner, format!("16{inner}")),
        "16n16c" => blocked(&upper_outer, &upper_inner, format!("16{outer}16{inner}")),
        "16i16o" => blocked(&upper_outer, &upper_inner, format!("16{inner}16{outer}")),
        "8i8o" => blocked(&upper_outer, &upper_inner, format!("8{inner}8{outer}")),
        _ => letters.to_owned(),
    };
    let known = include_str!("../../src/memory/tags.txt")
        .lines()
        .any(|line| line == tag);
    if known || tag == "any" {
        tag
    } else {
        letters.to_owned()
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Convolutions in one to three dimensions, over every parameter, layout and type.
    #[test]
    fn random_layouts_of_convolutions(
        axes in prop::collection::vec(axis(), 1..4),
        (mb, g) in (prop_oneof![13 => 1..5i64, 2 => 6..34i64, 1 => Just(0i64)], prop_oneof![3 => Just(1i64), 1 => 1..5i64, 1 => 8..36i64]),
        (ic, oc) in (channels(), channels()),
        depthwise in prop::bool::weighted(0.3),
        (kind, prop) in (one_of(&["conv", "conv", "deconv"]), one_of(&["inf", "fwd", "bwd_d", "bwd_w"])),
        (floats, integers) in (
            one_of(&["f32:f32:f32", "bf16:bf16:bf16", "bf16:bf16:f32", "f16:f16:f16", "f16:f16:f32"]),
            one_of(&["u8:s8:s32", "u8:s8:f32", "u8:s8:u8", "s8:s8:s32", "s8:s8:s8", "s8:s8:bf16"]),
        ),
        is_int in prop::bool::weighted(0.4),
        data in prop::array::uniform2(one_of(&["any", "any", "plain", "last", "last", "8c", "16c", "16c", "16n16c", "gaps", "last gaps", "last gaps"])),
        weights in one_of(&["any", "any", "any", "plain", "last", "hwio", "16i16o", "8i8o", "16c", "gaps", "hwio gaps"]),
        wide in prop::array::uniform4(prop::array::uniform6(0..14i64)),
        views in prop::array::uniform3(prop_oneof![4 => Just(0i64), 1 => 1..4i64]),
        bias in one_of(&["", "bias=f32", "bias=bf16", "bias=f32:@2", "bias=bf16:A16a", "bias=f32:a+5"]),
        (quantised, scales) in (
            one_of(&["", "", "zp=src", "zp=src,dst scales=dst", "scales=src,wei:W,dst"]),
            one_of(&["", "scales=wei:W", "scales=src,dst"]),
        ),
        post in post(),
        (operand, mask, operand_layout) in (one_of(&["", "", "", "add:f32", "mul:bf16", "max:s8"]), 0..32i32, one_of(&["plain", "last", "8c", "16c", "16n16c", "gaps", "last gaps", "last gaps"])),
    ) {
        let (ic, oc) = match (g, depthwise) {
            (1, _) => (ic, oc),
            (_, true) => (1, 1),
            // The oracle takes long for many.
            (_, false) => (ic.min(40), oc.min(40)),
        };
        let mb = if ic * oc > 2000 { mb.min(2) } else { mb };
        let names = &["d", "h", "w"][3 - axes.len()..];
        let texts = axes.iter().zip(names).map(|(a, name)| a.text(name, kind == "deconv"));
        let texts: Option<Vec<(String, i64)>> = texts.collect();
        prop_assume!(texts.is_some());
        let (texts, outputs): (Vec<String>, Vec<i64>) = texts.unwrap().into_iter().unzip();
        let spatial = texts.concat();
        let forward = !prop.starts_with("bwd");
        let types = match (prop, is_int) {
            ("inf", true) => integers,
            // Results of backward passes are factors of the forward one, and the other way round.
            ("bwd_d", _) if floats.ends_with(":f32") => "f32:f32:f32",
            ("bwd_w", _) if floats.starts_with("bf16") => "bf16:f32:bf16",
            ("bwd_w", _) if floats == "f16:f16:f32" => "f16:f32:f16",
            _ => floats,
        };
        let bias = if prop == "bwd_d" { "" } else { bias };
        let options = match (forward, prop == "inf" && is_int) {
            (false, _) => String::new(),
            (true, true) => format!("{quantised} {post}"),
            (true, false) => format!("{scales} {post}"),
        };
        let options = options.replace('W', if g > 1 { "3" } else { "1" });
        let dst = [&[mb, g * oc], &outputs[..]].concat();
        let varies = |(d, size): (usize, &i64)| if mask >> d & 1 == 1 { *size } else { 1 };
        let dims: Vec<i64> = dst.iter().enumerate().map(varies).collect();
        let operand = match operand {
            "" => String::new(),
            _ => format!("{operand}:{mask}:{}", layout(operand_layout, &dims, false, &wide[3])),
        };
        let options = match (forward && !operand.is_empty(), options.contains("post=")) {
            (false, _) => options,
            (_, true) => format!("{options},{operand}"),
            _ => format!("{options} post={operand}"),
        };
        let src: Vec<i64> = [mb, g * ic].into_iter().chain(axes.iter().map(|a| a.size)).collect();
        let taps: Vec<i64> = axes.iter().map(|a| a.taps).collect();
        let filter = [&[g, oc, ic][usize::from(g == 1)..], &taps].concat();
        let mut tags = [
            layout(data[0], &src, false, &wide[0]),
            layout(weights, &filter, g > 1, &wide[1]),
            layout(data[1], &dst, false, &wide[2]),
        ];
        for (tag, from) in tags.iter_mut().zip(views) {
            // Others lie in blocks of dim 0, or have it inside.
            if from > 0 && (tag.starts_with(['a', '@']) && tag != "any" && weights != "hwio gaps") {
                *tag += &format!("+{from}");
            }
        }
        let text = format!(
            "{kind} {types} g{g}mb{mb}ic{}oc{}{spatial} prop={prop} tags={} {bias} {options}",
            g * ic, g * oc, tags.join(":")
        );
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_matmuls(
        (b, m, k, n) in (1..4i64, size(), size(), size()),
        types in types(),
        tags in one_of(&["", "tags=abc:abc:abc", "tags=acb:abc:abc", "tags=abc:acb:abc", "tags=acb:acb:acb", "tags=any:any:any"]),
        bias in one_of(&["", "bias=f32", "bias=f32:abc+2"]),
        scales in one_of(&["", "", "scales=src,wei:4,dst", "scales=wei", "zp=src", "zp=src,dst scales=dst", "zp=src,wei:4", "zp=wei open=src:3,wei:1,dst:3"]),
        post in post(),
    ) {
        prop_assume!(!(tags.contains("any") && scales.contains("open")));
        let text = format!("matmul {types} {b}x{m}x{k}:{b}x{k}x{n} {tags} {bias} {scales} {post}");
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_layouts_of_matmuls(
        (m, k, n) in (size(), size(), size()),
        types in types(),
        (src, weights, dst) in (matrix(), matrix(), matrix()),
        option in one_of(&["", "", "bias=f32", "zp=src,wei:2", "scales=src:1,wei:2,dst:2", "open=src:1,dst:1", "open=src:3,wei:3,dst:3"]),
        post in post(),
    ) {
        let tags = [src.tag(m, k), weights.tag(k, n), dst.tag(m, n)].join(":");
        // Open dims need a layout, and have no views.
        prop_assume!(!((tags.contains("any") || tags.contains('+')) && option.contains("open")));
        let text = format!("matmul {types} {m}x{k}:{k}x{n} tags={tags} {option} {post}");
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_spatial_inner_products(
        (mb, ic, oc, ih, iw) in (1..40i64, 1..40i64, 1..40i64, 1..4i64, 1..6i64),
        types in one_of(&["f32:f32:f32", "bf16:bf16:bf16", "f16:f16:f16", "u8:s8:f32"]),
        prop in one_of(&["inf", "bwd_d", "bwd_w"]),
        src in one_of(&["abcd", "acdb", "aBcd16b", "aBcd8b", "cdba", "ABcd16a16b"]),
        weights in one_of(&["abcd", "acdb", "any", "ABcd16b16a", "aBcd16b", "cdba"]),
        dst in one_of(&["ab", "ba", "AB16b16a"]),
    ) {
        let text = format!("ip {types} mb{mb}ic{ic}ih{ih}iw{iw}oc{oc} prop={prop} tags={src}:{weights}:{dst}");
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_element_wise_work(
        (a, b, c, d) in (1..4i64, 1..40i64, 1..6i64, 1..20i64),
        kind in one_of(&["eltwise T:T S alg=relu:0.5", "eltwise T:T S alg=linear:2:1", "sum T:T:T S", "binary T:T:T S:S:S alg=add", "binary T:T:T S:B:S alg=mul"]),
        dtype in one_of(&["f32", "bf16", "f16", "s8", "u8", "s32"]),
        broadcast in 0..16i32,
        tags in prop::collection::vec(one_of(&["abcd", "acdb", "aBcd16b", "aBcd8b", "cdba", "dcab", "ABcd16b16a"]), 4),
        post in one_of(&["", "post=relu", "post=add:f32:2", "post=sum:0.5"]),
    ) {
        let shape = format!("{a}x{b}x{c}x{d}");
        let narrow: Vec<String> = [a, b, c, d].iter().enumerate()
            .map(|(i, n)| if broadcast >> i & 1 == 1 { "1".to_owned() } else { n.to_string() })
            .collect();
        let kind = kind.replace('T', dtype).replace('S', &shape).replace('B', &narrow.join("x"));
        let count = kind.split(' ').nth(1).unwrap().split(':').count();
        let post = if kind.starts_with("sum") { "" } else { post };
        let text = format!("{kind} tags={} {post}", tags[..count].join(":"));
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_inner_products(
        (mb, ic, oc, iw) in (size(), size(), size(), 1..4i64),
        types in one_of(&["f32:f32:f32", "bf16:bf16:bf16", "bf16:f32:bf16", "u8:s8:u8", "f16:f16:f16"]),
        prop in one_of(&["inf", "fwd", "bwd_d", "bwd_w"]),
        tags in one_of(&["", "tags=any:any:any", "tags=abc:any:ab", "tags=acb:acb:ab"]),
        bias in one_of(&["", "bias=f32", "bias=f32:@2", "bias=bf16:A16a", "bias=f32:a+5", "bias=f32:A8a+16"]),
    ) {
        let bias = if prop == "bwd_d" { "" } else { bias };
        let text = format!("ip {types} mb{mb}ic{ic}iw{iw}oc{oc} prop={prop} {tags} {bias}");
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_reorders(
        (a, b, c, d) in (1..5i64, size(), 1..6i64, 1..20i64),
        types in one_of(&["f32:f32", "f32:bf16", "bf16:f32", "f32:s8", "s8:u8", "s8:s8", "f16:f32"]),
        from in one_of(&["abcd", "acdb", "aBcd16b", "aBcd8b", "bacd", "dcab", "ABcd16a16b"]),
        to in one_of(&["abcd", "acdb", "aBcd16b", "aBcd4b", "cdba", "ABcd16b16a", "ABcd16b64a2b"]),
        option in one_of(&["", "", "scales=dst", "scales=src:2", "post=sum:0.5"]),
    ) {
        let text = format!("reorder {types} {a}x{b}x{c}x{d} tags={from}:{to} {option}");
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_eltwise(
        (a, b, c) in (1..4i64, size(), 1..20i64),
        types in one_of(&["f32:f32", "bf16:bf16", "f16:f16", "s8:s8", "u8:u8", "s32:s32"]),
        alg in one_of(&["relu", "relu:0.5", "abs", "square", "linear:2:1", "clip:-2:3", "clip_v2:-2:3", "hardswish:0.5:0.5"]),
        tags in one_of(&["", "tags=acb:acb", "tags=abc:acb", "tags=aBc16b:aBc16b", "tags=abc:aBc8b", "tags=abc:any"]),
        prop in one_of(&["", "", "prop=bwd"]),
        // None that rounds once more: eltwise itself is compared exactly.
        post in one_of(&["", "", "post=relu", "post=max:f32:1,clip:-4:9"]),
    ) {
        let post = if prop.is_empty() { post } else { "" };
        let verdict = judge(&format!("eltwise {types} {a}x{b}x{c} alg={alg} {tags} {prop} {post}"), Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_binaries(
        (a, b, c) in (1..4i64, size(), 1..20i64),
        broadcast in 0..8u8,
        types in one_of(&["f32:f32:f32", "bf16:f32:f32", "s8:s8:s8", "u8:s8:f32", "f16:f16:f16"]),
        alg in one_of(&["add", "sub", "mul", "max", "min", "ge", "lt", "eq", "ne"]),
        tags in one_of(&["", "tags=acb:abc:acb", "tags=aBc16b:abc:aBc16b", "tags=abc:abc:any", "tags=bac:cba:abc"]),
        post in post(),
    ) {
        let [x, y, z] = [(a, 1), (b, 2), (c, 4)].map(|(n, bit)| if broadcast & bit != 0 { 1 } else { n });
        let text = format!("binary {types} {a}x{b}x{c}:{x}x{y}x{z}:{a}x{b}x{c} alg={alg} {tags} {post}");
        let verdict = judge(&text, Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn random_convolutions(
        (mb, g, ic, oc) in (1..3i64, prop_oneof![Just(1i64), 1..4i64], 1..20i64, 1..20i64),
        (ih, iw, kh, kw) in (1..9i64, 1..12i64, 1..4i64, 1..4i64),
        (sh, sw, dh, ph) in (1..3i64, 1..3i64, 0..2i64, 0..3i64),
        types in one_of(&["f32:f32:f32", "bf16:bf16:bf16", "bf16:bf16:f32", "u8:s8:f32"]),
        kind in one_of(&["conv", "conv", "deconv"]),
        prop in one_of(&["inf", "bwd_d", "bwd_w"]),
        tags in one_of(&["", "tags=any:any:any", "tags=acdb:any:acdb", "tags=aBcd16b:any:aBcd16b", "tags=acdb:any:abcd"]),
        bias in one_of(&["", "bias=f32"]),
    ) {
        let bias = if prop == "bwd_d" { "" } else { bias };
        let reach = (kh - 1) * (dh + 1) + 1;
        let fits = match kind {
            "conv" => reach <= ih + 2 * ph && kw <= iw,
            _ => (ih - 1) * sh + reach > 2 * ph,
        };
        prop_assume!(fits);
        let shape = format!("g{g}mb{mb}ic{}oc{}ih{ih}iw{iw}kh{kh}kw{kw}sh{sh}sw{sw}dh{dh}dw0ph{ph}pw0", g * ic, g * oc);
        let verdict = judge(&format!("{kind} {types} {shape} prop={prop} {tags} {bias}"), Data::Integers, true);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    /// Numbers that mean nothing: a status and a sentence, or a descriptor that can be used.
    #[test]
    fn random_descriptors_never_crash(
        ndims in -2..15i32,
        dims in prop::array::uniform12(prop_oneof![0..5i64, Just(-1), Just(i64::MIN), Just(i64::MAX), any::<i64>()]),
        dtype in -2..20i32,
        number in prop_oneof![0..900i32, any::<i32>()],
        strides in prop::option::of(prop::array::uniform12(prop_oneof![0..100i64, any::<i64>()])),
    ) {
        if !is_brick() {
            return Ok(());
        }
        let api = api();
        let mut status = SUCCESS;
        let md = Owned::create(api.memory_desc_destroy, |place| {
            // SAFETY: the arrays have 12 elements; everything else may be anything.
            status = unsafe {
                match &strides {
                    Some(strides) => (api.memory_desc_create_with_strides)(place, ndims, dims.as_ptr(), dtype, strides.as_ptr()),
                    None => (api.memory_desc_create_with_tag)(place, ndims, dims.as_ptr(), dtype, number),
                }
            };
            status
        });
        let Ok(md) = md else {
            prop_assert!(status == INVALID || status == UNIMPLEMENTED, "status {}", status);
            prop_assert!(!last_error().is_empty());
            return Ok(());
        };
        // SAFETY: the descriptor is live.
        let _ = unsafe { (api.memory_desc_get_size)(md.raw) };
        for create in [use_as_matmul, use_as_reorder, use_as_eltwise] {
            let mut pd: Handle = null_mut();
            let status = create(&mut pd, md.raw);
            if status == SUCCESS {
                // SAFETY: the descriptor was just created.
                unsafe { (api.primitive_desc_destroy)(pd) };
            } else {
                let refused = status == INVALID || status == UNIMPLEMENTED;
                prop_assert!(refused && pd.is_null() && last_error().len() > 8, "status {}: {}", status, last_error());
            }
        }
    }
}

fn use_as_matmul(place: &mut Handle, md: Handle) -> c_int {
    // SAFETY: the place is writable, the handles are live.
    unsafe {
        (api().matmul_primitive_desc_create)(
            place,
            here().engine,
            md,
            md,
            null_mut(),
            md,
            null_mut(),
        )
    }
}

fn use_as_reorder(place: &mut Handle, md: Handle) -> c_int {
    let engine = here().engine;
    // SAFETY: the place is writable, the handles are live.
    unsafe { (api().reorder_primitive_desc_create)(place, md, engine, md, engine, null_mut()) }
}

fn use_as_eltwise(place: &mut Handle, md: Handle) -> c_int {
    // SAFETY: the place is writable, the handles are live.
    unsafe {
        (api().eltwise_forward_primitive_desc_create)(
            place,
            here().engine,
            96,
            32,
            md,
            md,
            0.0,
            0.0,
            null_mut(),
        )
    }
}
