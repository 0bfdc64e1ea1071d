//! Convolutions and deconvolutions: every pass, type, layout, stride, dilation, padding and grouping.

use crate::api::{Handle, Owned, Refusal, api, here};
use crate::case::{Case, Data, judge};
use crate::judge_all;
use crate::oracle::Epilogue;
use crate::problem::Problem;
use crate::products::BIASES;
use crate::tensor::{Array, Type, for_each};
use std::ptr::null_mut;

/// What the oracle knows of a problem.
pub struct Shape<'a> {
    problem: &'a Problem,
    transposed: bool,
    groups: i64,
}

impl<'a> Shape<'a> {
    pub fn of(problem: &'a Problem) -> Shape<'a> {
        let shapes = &problem.shapes;
        let grouped = shapes[1].len() > shapes[0].len();
        Shape {
            problem,
            transposed: problem.kind == "deconv",
            groups: if grouped { shapes[1][0] } else { 1 },
        }
    }

    /// Calls f with the row-major places of every (src, weights, dst) element that belong together.
    fn meet(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [src, weights, dst, strides, dilates, pads, _] = &self.problem.shapes[..] else {
            panic!("a convolution has seven shapes");
        };
        let (small, large) = if self.transposed {
            (src, dst)
        } else {
            (dst, src)
        };
        let (oc, ic) = (dst[1] / self.groups, src[1] / self.groups);
        let n = strides.len();
        let taps = &weights[weights.len() - n..];
        let volume = |dims: &[i64]| dims.iter().product::<i64>();
        let linear = |dims: &[i64], index: &[i64]| {
            let fold = |at, (dim, i): (&i64, &i64)| at * dim + i;
            dims.iter().zip(index).fold(0, fold)
        };
        let (space, in_dst) = ([&small[2..], taps].concat(), volume(&dst[2..]));
        let mut far = vec![0; n];
        for_each(&space, |i| {
            let (place, tap) = (&i[..n], &i[n..]);
            for d in 0..n {
                far[d] = place[d] * strides[d] - pads[d] + tap[d] * (dilates[d] + 1);
            }
            if (0..n).any(|d| far[d] < 0 || far[d] >= large[2 + d]) {
                return;
            }
            let (of_src, of_dst) = match self.transposed {
                true => (place, far.as_slice()),
                false => (far.as_slice(), place),
            };
            let (s, d) = (linear(&src[2..], of_src), linear(&dst[2..], of_dst));
            let w = linear(taps, tap);
            let (in_src, in_weights) = (volume(&src[2..]), volume(taps));
            for_each(&[src[0], self.groups, oc], |i| {
                let s = (i[0] * src[1] + i[1] * ic) * in_src + s;
                let d = (i[0] * dst[1] + i[1] * oc + i[2]) * in_dst + d;
                let w = (i[1] * oc + i[2]) * ic * in_weights + w;
                for c in 0..ic {
                    f(
                        (s + c * in_src) as usize,
                        (w + c * in_weights) as usize,
                        d as usize,
                    );
                }
            });
        });
    }

    pub fn forward(
        &self,
        src: &Array,
        weights: &Array,
        bias: Option<&Array>,
        epilogue: &Epilogue,
    ) -> Array {
        let mut sums = zeros(&self.problem.shapes[2]);
        self.meet(|s, w, d| sums.data[d] += src.data[s] * weights.data[w]);
        Array::from_fn(&sums.dims, |index| {
            let bias = bias.map_or(0.0, |b| b.data[index[1] as usize]);
            epilogue.apply(index, sums.at(index) + bias)
        })
    }

    pub fn by_data(&self, diff_dst: &Array, weights: &Array, dtype: Type) -> Array {
        let mut sums = zeros(&self.problem.shapes[0]);
        self.meet(|s, w, d| sums.data[s] += diff_dst.data[d] * weights.data[w]);
        rounded(sums, dtype)
    }

    /// The gradients by weights and by bias.
    pub fn by_weights(&self, src: &Array, diff_dst: &Array, types: (Type, Type)) -> (Array, Array) {
        let mut sums = zeros(&self.problem.shapes[1]);
        self.meet(|s, w, d| sums.data[w] += src.data[s] * diff_dst.data[d]);
        let mut bias = zeros(&[diff_dst.dims[1]]);
        for_each(&diff_dst.dims, |d| {
            bias.data[d[1] as usize] += diff_dst.at(d)
        });
        (rounded(sums, types.0), rounded(bias, types.1))
    }
}

fn zeros(dims: &[i64]) -> Array {
    Array::from_fn(dims, |_| 0.0)
}

fn rounded(mut array: Array, dtype: Type) -> Array {
    array.data.iter_mut().for_each(|x| *x = dtype.round(*x));
    array
}

/// Creates the descriptor.
pub fn create_pd(
    problem: &Problem,
    mds: &[Owned],
    bias: Handle,
    attr: Handle,
) -> Result<Owned, Refusal> {
    let (api, engine) = (api(), here().engine);
    let md = |i: usize| mds[i].raw;
    let values = |i: usize| problem.shapes[i].as_ptr();
    let (s, d, l, r) = (values(3), values(4), values(5), values(6));
    let transposed = problem.kind == "deconv";
    let (alg, none) = (if transposed { 10 } else { 1 }, null_mut());
    // SAFETY: all handles are live or null where the API allows it; there is a value for each spatial dimension.
    Owned::create(api.primitive_desc_destroy, |place| unsafe {
        match problem.prop.as_str() {
            "bwd_d" => {
                let create = match transposed {
                    true => api.deconvolution_backward_data_primitive_desc_create,
                    false => api.convolution_backward_data_primitive_desc_create,
                };
                create(
                    place,
                    engine,
                    alg,
                    md(0),
                    md(1),
                    md(2),
                    s,
                    d,
                    l,
                    r,
                    none,
                    attr,
                )
            }
            "bwd_w" => {
                let create = match transposed {
                    true => api.deconvolution_backward_weights_primitive_desc_create,
                    false => api.convolution_backward_weights_primitive_desc_create,
                };
                create(
                    place,
                    engine,
                    alg,
                    md(0),
                    md(1),
                    bias,
                    md(2),
                    s,
                    d,
                    l,
                    r,
                    none,
                    attr,
                )
            }
            prop => {
                let create = match transposed {
                    true => api.deconvolution_forward_primitive_desc_create,
                    false => api.convolution_forward_primitive_desc_create,
                };
                let prop = if prop == "fwd" { 64 } else { 96 };
                create(
                    place,
                    engine,
                    prop,
                    alg,
                    md(0),
                    md(1),
                    bias,
                    md(2),
                    s,
                    d,
                    l,
                    r,
                    attr,
                )
            }
        }
    })
}

const SHAPES: [&str; 35] = [
    "mb1ic1oc1ih1kh1",
    "mb2ic3oc5ih4kh1",
    "mb2ic16oc16ih5kh3ph1",
    "mb1ic16oc32ih8kh3ph1",
    "mb2ic17oc33ih7kh3ph1",
    "mb1ic64oc64ih14kh1",
    "mb3ic20oc24ih9kh1sh2",
    "mb2ic16oc16ih10kh3sh2ph1",
    "mb1ic3oc16ih23kh7sh2ph3",
    "mb2ic3oc20ih19kh11sh4ph2",
    "mb1ic30oc50ih9kh3ph1",
    "mb1ic100oc100ih5kh3ph1",
    "mb4ic32oc16ih4kh3ph1",
    "mb16ic16oc24ih4kh3ph1",
    "mb7ic16oc24ih7kh1",
    "mb1ic16oc16ih12kh3dh1ph2",
    "mb1ic8oc8ih13kh3dh3ph4",
    "mb1ic16oc16ih7kh5ph2",
    "mb1ic16oc16ih6oh4kh3sh2ph2",
    "mb1ic16oc16ih6oh5kh3ph0",
    "mb1ic8oc16ih10iw3kh3kw1ph1pw0",
    "mb1ic8oc16ih3iw40kh1kw5ph0pw2",
    "mb2ic16oc16iw30kw5pw2",
    "mb2ic5oc7iw21kw4sw3pw1dw1",
    "mb1ic16oc16id4ih5iw6kd3kh3kw3pd1ph1pw1",
    "mb2ic3oc9id5ih6iw7kd2kh3kw2sd2sh2sw3pd1ph1pw0",
    "g2mb2ic16oc16ih6kh3ph1",
    "g4mb1ic16oc32ih6kh3ph1sh2",
    "g3mb2ic15oc21ih5kh3ph1",
    "g16mb2ic16oc16ih7kh3ph1",
    "g9mb1ic9oc18ih7kh3sh2ph1",
    "mb1ic16oc16ih3kh3sh5ph1",
    "mb1ic16oc16ih9kh2sh4ph0",
    "mb3ic20oc16ih3oh3kh1sh2ph0",
    "mb2ic16oc24iw5ow9kw1sw3pw0",
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
    "s8:s8:s32",
    "u8:s8:f32",
    "u8:s8:u8",
    "s8:s8:s8",
    "s8:s8:bf16",
];

fn with_shapes<'a>(types: &'a [&'a str], option: &'a str) -> impl Iterator<Item = String> + 'a {
    types.iter().flat_map(move |types| {
        SHAPES
            .iter()
            .map(move |shape| format!("conv {types} {shape}{option}"))
    })
}

#[test]
fn conv_forward_f32() {
    judge_all(with_shapes(&FLOATS[..1], ""));
    judge_all(with_shapes(
        &FLOATS[..1],
        " tags=any:any:any bias=f32 post=relu prop=fwd",
    ));
}

#[test]
fn conv_forward_in_every_type() {
    for tags in ["", " tags=any:any:any"] {
        judge_all(with_shapes(&FLOATS[1..], tags));
        judge_all(with_shapes(&INTEGERS, tags));
    }
}

#[test]
fn depthwise() {
    let shapes = [
        "g16mb2ic16oc16ih7kh3ph1",
        "g32mb2ic32oc32ih17kh3ph1",
        "g20mb1ic20oc20ih9kh5ph2sh2",
        "g100mb2ic100oc100ih8kh3ph1sh2",
        "g48mb1ic48oc48ih11kh7ph3",
        "g3mb2ic3oc3ih6kh3ph1dh1",
        "g130mb1ic130oc130ih4kh3ph1",
        "g24mb2ic24oc24iw20kw5pw2",
        "g8mb1ic8oc8id4ih5iw6kd3kh3kw3pd1ph1pw1",
        "g16mb2ic16oc32ih7kh3ph1",
    ];
    for tags in ["", " tags=any:any:any"] {
        for types in FLOATS.iter().chain(&INTEGERS) {
            judge_all(shapes.map(|shape| format!("conv {types} {shape}{tags}")));
        }
        for types in ["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:u8"] {
            judge_all(
                shapes.map(|shape| {
                    format!("conv {types} {shape}{tags} bias=f32 post=relu,add:f32:2")
                }),
            );
        }
        judge_all(shapes.map(|shape| format!("conv u8:s8:u8 {shape}{tags} scales=src,wei:3,dst")));
        for prop in ["bwd_d", "bwd_w"] {
            judge_all(shapes.map(|shape| format!("conv f32:f32:f32 {shape}{tags} prop={prop}")));
            judge_all(shapes.map(|shape| format!("conv bf16:bf16:bf16 {shape}{tags} prop={prop}")));
            judge_all(shapes.map(|shape| format!("deconv f32:f32:f32 {shape}{tags} prop={prop}")));
        }
    }
    for tags in [
        "aBcd16b:any:aBcd16b",
        "aBcd8b:Abcde16a:aBcd16b",
        "aBcd8b:any:aBcd8b",
        "acdb:abcde:acdb",
        "acdb:any:aBcd16b",
    ] {
        for prop in ["inf", "bwd_d", "bwd_w"] {
            judge_all(
                shapes[..7]
                    .iter()
                    .map(|shape| format!("conv f32:f32:f32 {shape} tags={tags} prop={prop}")),
            );
        }
    }
}

/// Groups of few channels, in and beside panels of several; results that leave the caches.
#[test]
fn narrow_groups() {
    let shapes = [
        "g8mb2ic32oc32ih9kh3ph1",
        "g4mb2ic32oc32ih12iw31kh3ph1sh2",
        "g16mb1ic32oc32ih7kh5ph2",
        "g8mb2ic16oc32ih8kh3ph1",
        "g8mb1ic32oc16ih8kh3ph1dh1",
        "g4mb1ic64oc32iw20kw3pw1",
        "g12mb2ic48oc48id4ih5iw6kd3kh3kw3pd1ph1pw1",
        "g5mb2ic20oc20ih9kh3ph1",
        "g8mb1ic32oc32ih4iw40kh1kw11pw5",
        "g4mb2ic32oc32ih7kh1sh2",
    ];
    for tags in ["", " tags=any:any:any", " tags=aBx16b:any:aBx16b"] {
        let fits = |shape: &&str| !tags.contains("16b") || shape.contains("ic32oc32i");
        let shapes: Vec<&str> = shapes.iter().copied().filter(|s| fits(s)).collect();
        let tags = tags.replace("aBx16b", "aBcd16b");
        let judge = |what: &str, rest: &str| {
            judge_all(
                shapes
                    .iter()
                    .map(|shape| format!("{what} {shape}{tags}{rest}")),
            )
        };
        for types in FLOATS.iter().chain(&INTEGERS) {
            judge(&format!("conv {types}"), "");
        }
        judge(
            "conv u8:s8:u8",
            " bias=f32 post=relu,add:f32:2 scales=src,wei:3,dst",
        );
        judge("conv u8:s8:f32", " zp=src");
        for prop in ["inf", "bwd_d", "bwd_w"] {
            let rest = format!(" prop={prop}");
            judge("conv f32:f32:f32", &rest);
            judge("conv bf16:bf16:bf16", &rest);
            judge("deconv f32:f32:f32", &rest);
        }
    }
    judge_all(["f32:f32:f32", "bf16:bf16:bf16"].map(|types| {
        format!("conv {types} g96mb1ic96oc96ih300iw300kh3ph1 tags=any:any:any prop=inf")
    }));
}

/// 2-D layouts: channels last, blocked, plain, rows with gaps; weights of the API's common kinds.
const TAGS: [&str; 12] = [
    "abcd:abcd:abcd",
    "acdb:any:acdb",
    "acdb:abcd:acdb",
    "acdb:cdba:acdb",
    "aBcd16b:any:aBcd16b",
    "aBcd16b:ABcd16b16a:aBcd16b",
    "aBcd8b:ABcd8b8a:aBcd8b",
    "aBcd16b:any:acdb",
    "acdb:ABcd16b16a:aBcd8b",
    "abcd:any:aBcd16b",
    "ABcd16a16b:any:acdb",
    "aBcd4b:any:abcd",
];

const PLANES: [&str; 9] = [
    "mb2ic16oc32ih7kh3ph1",
    "mb2ic17oc35ih6kh3ph1",
    "mb1ic32oc16ih9kh1",
    "mb2ic40oc48ih8kh1sh2",
    "mb1ic3oc16ih15kh7sh2ph3",
    "mb16ic16oc16ih4kh3ph1",
    "mb1ic48oc20ih10kh3sh2ph1",
    "mb1ic8oc8ih5kh2",
    "mb3ic64oc64ih5kh3ph1",
];

#[test]
fn conv_forward_in_every_layout() {
    for tags in TAGS {
        for types in ["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:u8"] {
            judge_all(PLANES.map(|shape| format!("conv {types} {shape} tags={tags} bias=f32")));
        }
    }
    judge_all([
        "conv f32:f32:f32 mb2ic4oc8ih3iw3kh2kw2 tags=@100x25x7x2:@32x8x4x2:@80x9x4x2",
        "conv f32:f32:f32 mb2ic4oc8ih3iw3kh2kw2 tags=@100x1x15x5:any:@80x1x20x9",
        "conv f32:f32:f32 g2mb2ic32oc32ih5kh3ph1 tags=aBcd16b:aBCde16c16b:aBcd16b",
        "conv f32:f32:f32 g2mb2ic48oc48ih5kh3ph1 tags=aBcd16b:any:aBcd16b",
        "conv f32:f32:f32 g16mb2ic16oc16ih5kh3ph1 tags=aBcd16b:Abcde16a:aBcd16b",
        "conv f32:f32:f32 g16mb2ic16oc16ih5kh3ph1 tags=acdb:any:acdb",
        "conv f32:f32:f32 mb2ic16oc16iw9kw3pw1 tags=aBc16b:any:aBc16b",
        "conv f32:f32:f32 mb2ic16oc16id3ih4iw5kd3kh3kw3pd1ph1pw1 tags=aBcde16b:any:acdeb",
    ]);
}

#[test]
fn conv_forward_with_attributes() {
    let post_ops = [
        "relu",
        "sum:0.5,relu",
        "add:f32:2",
        "sub:f32:12,max:f32:8",
        "add:f32:1,linear:0.5:1",
        "prelu:2",
        "relu,sum:2,add:f32:2,linear:0.5:0",
    ];
    for post in post_ops {
        for shape in [
            "mb2ic16oc32ih7kh3ph1",
            "mb2ic24oc20ih8kh1",
            "mb16ic8oc16ih4kh3ph1",
        ] {
            for tags in ["acdb:any:acdb", "aBcd16b:any:aBcd16b", "abcd:abcd:abcd"] {
                judge_all(
                    ["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:u8"].map(|types| {
                        format!("conv {types} {shape} tags={tags} bias=f32 post={post}")
                    }),
                );
            }
        }
    }
    // Slopes of several dimensions lie channels last.
    for (mask, tags) in [6, 10, 15].into_iter().flat_map(|mask| {
        ["acdb:any:acdb", "abcd:any:abcd", "aBcd16b:any:aBcd16b"].map(|tags| (mask, tags))
    }) {
        judge_all([format!(
            "conv f32:f32:f32 mb2ic16oc20ih7iw6kh3ph1 tags={tags} post=prelu:{mask}"
        )]);
    }
    for options in [
        "scales=src,wei,dst",
        "scales=src,wei:1,dst post=relu",
        "zp=dst",
        "scales=wei:1 bias=f32",
    ] {
        judge_all(
            ["u8:s8:u8", "s8:s8:s8", "u8:s8:f32", "f32:f32:f32"]
                .map(|types| format!("conv {types} mb2ic20oc40ih6kh3ph1 {options}")),
        );
    }
    judge_all([
        "conv u8:s8:u8 g2mb2ic20oc40ih6kh3ph1 scales=src,wei:3,dst",
        "conv u8:s8:f32 g16mb2ic16oc16ih6kh3ph1 scales=wei:3",
    ]);
    for types in ["u8:s8:s32", "u8:s8:u8", "s8:s8:f32"] {
        judge_all(with_shapes(&[types], " zp=src"));
        judge_all(with_shapes(
            &[types],
            " zp=src,dst tags=any:any:any bias=f32 post=relu scales=src,dst",
        ));
    }
    judge_all(UP.map(|shape| format!("deconv u8:s8:f32 {shape} zp=src bias=f32")));
    for bias in BIASES {
        judge_all([
            format!("conv f32:f32:f32 mb2ic16oc38ih7kh3ph1 bias={bias} tags=acdb:any:acdb"),
            format!("conv u8:s8:u8 mb2ic16oc38ih7kh3ph1 bias={bias} scales=wei:1 tags=any:any:any"),
            format!("conv f32:f32:f32 g38mb2ic38oc38ih7kh3ph1 bias={bias} tags=any:any:any"),
            format!("deconv bf16:bf16:bf16 mb2ic16oc38ih7oh15kh3sh2 bias={bias}"),
            format!(
                "conv f32:f32:f32 mb2ic16oc38ih7kh3ph1 bias={bias} prop=bwd_w tags=acdb:any:acdb"
            ),
            format!("conv bf16:bf16:bf16 g38mb2ic38oc38ih7kh3ph1 bias={bias} prop=bwd_w"),
            format!("deconv f32:f32:f32 mb2ic16oc38ih7oh15kh3sh2 bias={bias} prop=bwd_w"),
        ]);
    }
}

#[test]
fn conv_of_views() {
    for tags in [
        "acdb+1:any:acdb+2",
        "aBcd16b+1:any:aBcd16b+1",
        "abcd+1:abcd+3:abcd+1",
        "acdb+2:cdba+4:aBcd8b+1",
    ] {
        for shape in ["mb2ic16oc32ih7kh3ph1", "mb1ic24oc17ih8kh1sh2"] {
            for types in [
                "f32:f32:f32 S prop=inf post=relu,add:f32:3:acdb+1",
                "f32:f32:f32 S prop=bwd_d",
                "f32:f32:f32 S prop=bwd_w",
                "u8:s8:u8 S zp=src",
            ] {
                judge_all([format!("conv {} tags={tags}", types.replace('S', shape))]);
            }
        }
    }
}

/// Operands that some calls can walk as they lie and others, along other dimensions, cannot.
#[test]
fn operands_in_other_layouts() {
    judge_all([
        "conv f32:f32:f32 mb1ic16oc32ih8iw6kh3kw1ph1pw0 tags=acdb:any:acdb post=add:f32:13:@2048x1x256x32",
        "conv f32:f32:f32 mb16ic16oc16ih7kh3ph1 tags=acdb:any:acdb post=add:f32:15:ABcd16a16b",
        "conv u8:s8:u8 mb16ic16oc16ih7kh3ph1 tags=acdb:any:acdb zp=src post=max:bf16:15:ABcd16a16b",
        "deconv f32:f32:f32 mb16ic16oc16ih7kh3ph1 tags=acdb:any:acdb post=sub:f32:13:cdba,mul:f32:15:acdb",
    ]);
}

/// Reductions of one channel, or of as many as a dot product takes at once, to more columns than a panel has.
#[test]
fn few_channels_to_many() {
    for channels in ["ic1oc128", "ic2oc65", "ic4oc100", "ic1oc80", "ic3oc300"] {
        let swapped = channels
            .replace("ic", "-")
            .replace("oc", "ic")
            .replace('-', "oc");
        for space in [
            "ih9kh1",
            "ih9kh1sh2",
            "iw9kw1pw1",
            "id2ih3iw4kd1kh1kw1",
            "ih5kh3ph1",
        ] {
            for tags in ["", " tags=any:any:any"] {
                for types in ["f32:f32:f32", "bf16:bf16:bf16", "u8:s8:f32"] {
                    judge_all([format!("conv {types} mb2{channels}{space}{tags}")]);
                }
                for types in ["f32:f32:f32", "bf16:bf16:bf16"] {
                    judge_all([
                        format!("conv {types} mb2{channels}{space} prop=bwd_w{tags}"),
                        format!("conv {types} mb2{swapped}{space} prop=bwd_d{tags}"),
                        format!("conv {types} mb2{swapped}{space} prop=bwd_w{tags}"),
                    ]);
                }
            }
        }
    }
    for weights in ["abcd", "cdab", "cdba", "acdb"] {
        judge_all(["ic1oc128", "ic1oc65"].map(|channels| {
            format!("conv f32:f32:f32 mb1{channels}ih9kh1 tags=acdb:{weights}:acdb")
        }));
        // Whole vectors of the last panel would end behind the gradient.
        for space in ["ih9kh1", "ih9kh3dh1ph2"] {
            judge_all(["ic1oc120", "ic1oc127", "ic1oc249"].map(|channels| {
                let tags = format!("tags=acdb:{weights}:acdb");
                format!("conv f32:f32:f32 mb2{channels}{space} prop=bwd_w {tags}")
            }));
        }
    }
}

/// A panel and a half of channels, whose weights lie in any way.
#[test]
fn a_panel_and_a_half() {
    for shape in ["ic24oc24", "ic40oc24", "ic24oc72", "g2ic48oc48"] {
        for tags in ["any:any:any", "acdb:any:acdb", "aBcd16b:any:any"] {
            let conv = format!("mb2{shape}ih9kh3ph1 tags={tags}");
            judge_all(["f32:f32:f32", "bf16:bf16:bf16"].iter().flat_map(|types| {
                ["fwd", "bwd_d", "bwd_w"].map(|prop| format!("conv {types} {conv} prop={prop}"))
            }));
            judge_all([
                format!("conv u8:s8:u8 {conv} zp=src"),
                format!("deconv f32:f32:f32 {conv} prop=bwd_w"),
            ]);
        }
    }
    for prop in ["fwd", "bwd_d", "bwd_w"] {
        judge_all(["ABcd16b16a", "ABcd16a16b", "ABcd8b8a"].map(|weights| {
            format!("conv f32:f32:f32 mb2ic24oc24ih9kh1 tags=any:{weights}:any prop={prop}")
        }));
    }
}

/// Images so small that most of them is rim, to many channels.
#[test]
fn small_images() {
    for space in [
        "ih4kh3ph1",
        "ih5kh3ph1",
        "ih7kh5ph2",
        "ih6kh3sh2ph1",
        "ih5kh3dh1ph2",
        "ih5iw3kh5kw1ph2pw0",
        "iw4kw3pw1",
        "id2ih4iw4kd3kh3kw3pd1ph1pw1",
    ] {
        for (forward, by_data) in [("ic5oc128", "ic128oc5"), ("g2ic6oc260", "g2ic260oc6")] {
            for tags in ["", " tags=any:any:any"] {
                for types in ["f32:f32:f32", "bf16:bf16:bf16"] {
                    judge_all([
                        format!("conv {types} mb2{forward}{space}{tags}"),
                        format!("conv {types} mb1{by_data}{space} prop=bwd_d{tags}"),
                        format!("deconv {types} mb1{forward}{space}{tags}"),
                    ]);
                }
                judge_all([format!(
                    "conv u8:s8:u8 mb1{forward}{space} bias=f32 scales=src,wei,dst post=sum{tags}"
                )]);
            }
        }
    }
}

/// One tap meets one output in several; what lies between is zeros, or what the epilogue makes of them.
#[test]
fn gaps_between_outputs() {
    let spaces = [
        ("ih6oh3", "ih3oh6", "kh1sh2"),
        ("ih7oh4", "ih4oh7", "kh1sh2"),
        ("ih4oh4iw9ow3", "ih4oh4iw3ow9", "kh1kw1sh1sw3"),
        ("iw8ow4", "iw4ow8", "kw1sw2"),
        (
            "id4od2ih3oh3iw6ow3",
            "id2od4ih3oh3iw3ow6",
            "kd1kh1kw1sd2sh1sw2",
        ),
    ];
    for (down, up, kernel) in spaces {
        for (groups, few, many) in [("", 5, 130), ("g2", 34, 258)] {
            let conv = format!("{groups}mb2ic{few}oc{many}{down}{kernel}");
            let deconv = format!("{groups}mb2ic{many}oc{few}{up}{kernel}");
            for types in ["f32:f32:f32", "bf16:bf16:bf16", "f32:bf16:bf16"] {
                for tags in ["", " tags=any:any:any"] {
                    judge_all([format!("conv {types} {conv} prop=bwd_d{tags}")]);
                }
            }
            for rest in ["", " post=relu", " bias=f32", " post=sum,add:f32:2"] {
                judge_all([format!("deconv f32:f32:f32 {deconv}{rest}")]);
            }
            for rest in ["", " zp=dst", " zp=src", " scales=src,wei,dst bias=f32"] {
                judge_all([format!("deconv u8:s8:u8 {deconv}{rest}")]);
            }
        }
    }
    for tags in TAGS {
        judge_all([
            format!("conv f32:f32:f32 mb3ic37oc130ih6oh3kh1sh2 prop=bwd_d tags={tags}"),
            format!("conv bf16:bf16:bf16 mb1ic37oc130ih6oh3kh1sh2 prop=bwd_d tags={tags}"),
            format!("deconv f32:f32:f32 mb2ic130oc37ih3oh6kh1sh2 tags={tags}"),
        ]);
    }
}

#[test]
fn conv_of_nothing() {
    judge_all([
        "conv f32:f32:f32 mb0ic3oc4ih5kh3ph1",
        "conv f32:f32:f32 mb2ic0oc4ih5kh3ph1",
        "conv f32:f32:f32 mb2ic0oc4ih5kh3ph1 bias=f32",
        "conv f32:f32:f32 mb2ic3oc0ih5kh3ph1",
        "conv f32:f32:f32 mb2ic0oc128ih4kh3ph1",
        "conv f32:f32:f32 mb0ic3oc128ih4kh3ph1",
    ]);
}

#[test]
fn conv_backward_by_data() {
    judge_all(with_shapes(
        &["f32:f32:f32", "bf16:bf16:bf16"],
        " prop=bwd_d",
    ));
    judge_all(with_shapes(
        &["f32:f32:f32", "f32:bf16:bf16"],
        " prop=bwd_d tags=any:any:any",
    ));
    for tags in TAGS {
        judge_all(PLANES.map(|shape| format!("conv f32:f32:f32 {shape} tags={tags} prop=bwd_d")));
    }
}

#[test]
fn conv_backward_by_weights() {
    judge_all(with_shapes(&FLOATS[..1], " prop=bwd_w"));
    judge_all(with_shapes(
        &FLOATS[..1],
        " prop=bwd_w tags=any:any:any bias=f32",
    ));
    for types in ["bf16:bf16:bf16", "bf16:f32:bf16"] {
        judge_all(with_shapes(
            &[types],
            " prop=bwd_w tags=any:any:any bias=bf16",
        ));
    }
    judge_all(with_shapes(&["f16:f32:f16"], " prop=bwd_w"));
    for tags in TAGS {
        judge_all(
            PLANES.map(|shape| format!("conv f32:f32:f32 {shape} tags={tags} prop=bwd_w bias=f32")),
        );
    }
    judge_all([
        "conv f32:f32:f32 mb0ic3oc4ih5kh3ph1 prop=bwd_w bias=f32",
        "conv f32:f32:f32 mb0ic16oc16ih20kh3ph1 prop=bwd_w bias=f32 tags=acdb:abcd:acdb",
        "conv bf16:bf16:bf16 mb0ic3oc16ih40kh7sh2ph3 prop=bwd_w bias=bf16 tags=any:any:any",
        "conv f32:f32:f32 mb2ic3oc0ih5kh3ph1 prop=bwd_w",
        "conv f32:f32:f32 mb2ic0oc3ih5kh3ph1 prop=bwd_w",
        "conv f32:f32:f32 mb1ic16oc16ih40kh1 prop=bwd_w tags=aBcd16b:any:aBcd16b",
        "conv f32:f32:f32 mb2ic20oc40ih33iw40kh3ph1 prop=bwd_w tags=any:any:any",
        "conv f32:f32:f32 mb2ic300oc30ih9kh1 prop=bwd_w tags=any:any:any",
        // A whole panel of the last block is padding.
        "deconv f32:f32:f32 mb2ic8oc64iw9kw1 prop=bwd_w tags=any:ABc2b32a8b:any",
        "deconv bf16:bf16:bf16 mb2ic20oc32ih9kh3ph1 prop=bwd_w tags=any:ABcd2b32a8b:any",
        // Fewer tiles than threads.
        "conv f32:f32:f32 mb4ic16oc16ih20kh3ph1 prop=bwd_w bias=f32 tags=any:any:any",
        "conv bf16:bf16:bf16 mb1ic13oc9ih40kh3ph1 prop=bwd_w bias=f32",
        "conv f32:f32:f32 mb2ic3oc16ih64kh5ph2 prop=bwd_w tags=acdb:abcd:aBcd16b",
        // Pairs of images, and of rows where there is an odd number of images, or of rows too.
        "conv bf16:bf16:bf16 mb4ic20oc70ih9kh3ph1 prop=bwd_w tags=any:any:any",
        "conv bf16:bf16:bf16 mb3ic20oc70ih9kh3ph1 prop=bwd_w tags=any:any:any",
        "conv bf16:f32:bf16 mb1ic20oc70ih10kh3ph2 prop=bwd_w tags=any:any:any",
        "conv bf16:bf16:bf16 mb1ic33oc17ih13kh5sh2ph2 prop=bwd_w tags=acdb:any:acdb",
        "conv bf16:bf16:bf16 mb1ic3oc20ih25kh7sh2ph3 prop=bwd_w tags=any:any:any",
        "conv bf16:bf16:bf16 mb3ic40oc16ih1iw30kh1kw3pw1 prop=bwd_w tags=any:any:any",
        "conv bf16:bf16:bf16 mb1ic40oc16ih28kh1 prop=bwd_w tags=any:any:any",
        // Pixels as far apart as panels are wide, with gaps between them and with zeros.
        "conv f32:f32:f32 mb2ic3oc13ih20kh3ph1 prop=bwd_w tags=acdb:any:@6400x1x320x16",
        "conv f32:f32:f32 mb2ic16oc5ih9kh3ph1 prop=bwd_w tags=acdb:any:@648x1x72x8",
        "conv f32:f32:f32 mb2ic16oc13ih20kh3ph1 prop=bwd_w tags=acdb:any:aBcd16b",
        // Gaps between the taps of a row, which few channels make one tile of.
        "conv f32:f32:f32 mb2ic3oc48iw9kw3pw1 prop=bwd_w tags=acb:@1x48x160:acb",
        "conv bf16:bf16:bf16 mb2ic3oc16ih9kh3ph1 prop=bwd_w tags=acdb:@1x16x160x50:acdb",
        // Padding behind a kernel of one tap.
        "conv f32:f32:f32 mb2ic16oc16ih4oh5kh1iw8ow8kw1ph0 prop=bwd_w tags=acdb:abcd:acdb",
        "conv bf16:bf16:bf16 mb2ic16oc16ih4oh6kh1iw8ow8kw1ph0 prop=bwd_w tags=acdb:abcd:acdb",
        "deconv f32:f32:f32 mb2ic16oc16id4od2ih5iw6kd1kh1 prop=bwd_w",
        // Kernels of one column and many rows, whose channels do not mix.
        "conv f32:f32:f32 g9mb1ic9oc9ih7kh7ph3iw1kw1pw0 prop=bwd_w tags=any:any:any",
        "conv f32:f32:f32 g40mb2ic40oc40ih20kh8ph4iw4kw1pw0 prop=bwd_w tags=acdb:any:acdb",
        "conv bf16:bf16:bf16 g17mb1ic17oc17ih9kh14ph7iw2kw1pw0 prop=bwd_w",
        // Biases from blocks, with padding behind the channels, and from planes of many pixels and of few.
        "conv f32:f32:f32 mb3ic8oc20ih13kh1 prop=bwd_w bias=f32 tags=acdb:any:aBcd16b",
        "conv bf16:bf16:bf16 mb2ic8oc20ih13kh1 prop=bwd_w bias=bf16 tags=acdb:any:aBcd8b",
        "conv f32:f32:f32 mb2ic8oc20ih13kh1 prop=bwd_w bias=f32 tags=acdb:any:abcd",
        "conv f32:f32:f32 mb2ic8oc20ih8iw16kh1 prop=bwd_w bias=f32 tags=acdb:any:abcd",
        "conv f16:f32:f16 mb5ic8oc3ih3kh1 prop=bwd_w bias=f32 tags=acdb:any:abcd",
        "conv f32:f32:f32 mb2ic8oc6ih3kh1 prop=bwd_w bias=f32 tags=acdb:any:dcba",
        "conv f32:f32:f32 mb19ic8oc20ih3kh1 prop=bwd_w bias=f32 tags=acdb:any:ABcd16a16b",
        // One pixel in four, and sums in f32 beside the result.
        "conv f32:f32:f32 mb2ic48oc80ih15kh1sh2 prop=bwd_w tags=any:any:any",
        "conv f32:f32:f32 mb2ic64oc16ih15kh1sh2 prop=bwd_w tags=acdb:ABcd16b16a:acdb",
        "conv bf16:bf16:bf16 mb1ic64oc80ih30kh1sh2 prop=bwd_w tags=any:any:any",
        "conv bf16:bf16:bf16 mb2ic32oc32ih30kh3ph1 prop=bwd_w tags=any:ABcd16b16a:any",
        "conv bf16:bf16:bf16 mb2ic32oc32ih30kh3ph1 prop=bwd_w tags=any:cdba:any",
    ]);
}

/// Copies of several blocks of images: two of these do not fit a second-level cache.
#[test]
fn blocks_of_images_by_weights() {
    for (image, layouts) in [
        ("ic8oc16ih110kh3ph1", ["abcd:any:abcd", "aBcd8b:any:aBcd8b"]),
        ("ic3oc16ih200kh7sh2ph3", ["abcd:any:abcd", "acdb:any:abcd"]),
        ("ic40oc24ih130kh1sh2", ["abcd:any:abcd", "aBcd8b:any:abcd"]),
        ("ic4oc16iw13000kw3pw1", ["abc:any:abc", "aBc8b:any:aBc8b"]),
        (
            "ic4oc8id16ih30iw55kd3kh1kw1pd1ph0pw0",
            ["abcde:any:abcde", "acdeb:any:abcde"],
        ),
    ] {
        for tags in layouts {
            judge_all(
                ["f32:f32:f32", "bf16:bf16:bf16", "f16:f16:f16"].map(|types| {
                    format!("conv {types} mb4{image} prop=bwd_w tags={tags} bias=f32")
                }),
            );
            judge_all([3, 5].map(|images| {
                format!("conv bf16:f32:bf16 mb{images}{image} prop=bwd_w tags={tags}")
            }));
        }
    }
    for types in ["f32:f32:f32", "bf16:bf16:bf16"] {
        judge_all(
            [
                "conv T g2mb4ic8oc32ih80kh3ph1",
                "conv T g16mb4ic16oc16ih100kh3ph1",
                "conv T g4mb3ic32oc32ih70kh3ph1",
                "conv T g16mb3ic16oc16id10ih30iw30kd3kh3kw3pd1ph1pw1",
                "deconv T mb4ic16oc4ih75kh4sh2ph1",
                "deconv T mb4ic4oc20iw20000kw2sw2pw0",
                "deconv T g32mb4ic32oc32ih40kh3sh2ph1",
            ]
            .map(|problem| format!("{} prop=bwd_w", problem.replace('T', types))),
        );
    }
}

const UP: [&str; 8] = [
    "mb1ic1oc1ih1kh1",
    "mb2ic16oc24ih5kh3ph1",
    "mb1ic17oc5ih6kh4sh2ph1",
    "mb2ic8oc16ih4kh3sh3ph0",
    "mb1ic8oc8ih4kh2sh3",
    "g2mb1ic8oc16ih5kh3sh2ph1",
    "mb2ic6oc10iw7kw4sw2pw1",
    "mb1ic4oc5id3ih4iw3kd3kh3kw2sd2sh1sw2pd1ph1pw0",
];

#[test]
fn deconv() {
    for tags in ["", " tags=any:any:any"] {
        judge_all(UP.map(|shape| format!("deconv f32:f32:f32 {shape}{tags}")));
        judge_all(UP.map(|shape| format!("deconv f32:f32:f32 {shape}{tags} prop=bwd_d")));
        judge_all(UP.map(|shape| format!("deconv f32:f32:f32 {shape}{tags} prop=bwd_w bias=f32")));
        judge_all(
            UP.map(|shape| {
                format!("deconv f32:f32:f32 {shape}{tags} bias=f32 post=relu,add:f32:2")
            }),
        );
        judge_all(UP.map(|shape| format!("deconv bf16:bf16:bf16 {shape}{tags} bias=f32")));
        judge_all(UP.map(|shape| format!("deconv u8:s8:u8 {shape}{tags} scales=wei:0 bias=f32")));
    }
    judge_all(["deconv f32:f32:f32 mb2ic16oc16ih5kh3sh2ph1 tags=aBcd16b:any:aBcd16b "]);
}

/// Padding behind that is negative by less than the stride, of which nothing is met.
#[test]
fn negative_padding() {
    for prop in ["inf", "bwd_d", "bwd_w"] {
        for tags in ["", " tags=any:any:any"] {
            judge_all(
                [
                    "deconv f32:f32:f32 mb2ic8oc16ih5oh12kh3sh2ph0",
                    "deconv bf16:bf16:bf16 mb1ic20oc8ih5oh11iw4ow16kh3kw4sh2sw4ph1pw0",
                    "deconv f32:f32:f32 g8mb2ic8oc8iw5ow16kw3sw3pw0",
                    "conv f32:f32:f32 mb2ic16oc16ih8oh3kh3sh2ph0",
                    "conv f32:f32:f32 mb2ic3oc24ih16oh4iw15ow4kh1sh4ph0",
                    "conv bf16:bf16:bf16 g16mb3ic16oc16iw12ow3kw3sw4pw0",
                ]
                .map(|problem| format!("{problem} prop={prop}{tags}")),
            );
        }
    }
}

/// Products of the largest bytes, pairs of which no 16 bits hold.
#[test]
fn nothing_saturates_on_the_way() {
    for types in ["s8:s8:s32", "u8:s8:s32", "s8:s8:f32"] {
        for shape in [
            "mb1ic64oc48ih6kh3ph1",
            "mb2ic17oc9ih5kh1",
            "g16mb1ic16oc16ih5kh3ph1",
            "g2mb1ic24oc24ih5kh3ph1",
            "mb1ic3oc16ih15kh7sh2ph3",
        ] {
            for tags in ["abcd", "acdb", "any"] {
                let weights = if shape.starts_with('g') {
                    "abcde"
                } else {
                    "abcd"
                };
                let weights = if tags == "any" { "any" } else { weights };
                let text = format!("conv {types} {shape} tags={tags}:{weights}:{tags}");
                for data in [Data::Extremes, Data::SevenBits] {
                    assert_eq!(judge(&text, data, false), Ok(()));
                }
            }
        }
    }
}

/// The places where gradients are compared with differences.
fn probes(count: usize) -> impl Iterator<Item = usize> {
    (0..5).map(move |i| i * (count - 1) / 4)
}

/// L(x + 1) - L(x - 1) over 2 is the gradient of L = Σ g · f(x), which is linear in every element of x.
#[test]
fn gradients_are_differences() {
    for (kind, shape) in [
        ("conv", "mb2ic5oc7ih6kh3ph1"),
        ("conv", "mb2ic8oc16ih9kh3sh2ph1"),
        ("conv", "mb1ic3oc16ih9iw11kh4kw3sh3sw2dh1dw0ph2pw1"),
        ("conv", "g2mb2ic6oc4ih5kh3ph1"),
        ("conv", "g16mb2ic16oc16ih7kh3sh2ph1"),
        ("conv", "mb1ic4oc6id3ih4iw5kd2kh3kw3pd1ph1pw1"),
        ("deconv", "mb2ic6oc5ih4kh3sh2ph1"),
        ("deconv", "g8mb1ic8oc8ih4kh3sh2ph1"),
    ] {
        for any in [false, true] {
            let tags = if any { "tags=any:any:any" } else { "" };
            let case = |prop: &str| {
                let text = format!("{kind} f32:f32:f32 {shape} prop={prop} {tags}");
                Case::create(&text.parse().unwrap(), Data::Integers).unwrap()
            };
            let (src, weights, dst) = (1, 33, 17);
            let mut forward = case("fwd");
            for (prop, of, gradient) in [("bwd_d", src, 129), ("bwd_w", weights, 161)] {
                let mut backward = case(prop);
                backward.run().unwrap();
                let (found, x) = (backward.values(gradient), forward.values(of));
                let factor = backward.values(145);
                let mut loss = |x: &Array| {
                    forward.set(of, x);
                    forward.run().unwrap();
                    let terms = forward.values(dst).data;
                    terms
                        .iter()
                        .zip(&factor.data)
                        .map(|(f, g)| f * g)
                        .sum::<f64>()
                };
                for at in probes(x.data.len()) {
                    let moved = |by: f64| {
                        let mut x = x.clone();
                        x.data[at] += by;
                        x
                    };
                    let slope = (loss(&moved(1.0)) - loss(&moved(-1.0))) / 2.0;
                    let what = format!("{kind} {shape} {prop} {tags}, element {at}");
                    assert_eq!(found.data[at], slope, "{what}");
                }
                loss(&x);
            }
        }
    }
}
