//! What queries, verbose lines and error sentences say about operations: numbers, names, problem strings.
//!
//! The texts are oneDNN's, because tools parse them.

use super::epilogue::arg;
use super::{Arg, Op, Prop, convolution, inner_product, rnn};
use crate::attr::{Attr, Fpmath, PostOp, Quant};
use crate::memory::{MAX_NDIMS, MemoryDesc, RUNTIME_DIM};

/// The argument number of scratch memory.
pub const SCRATCHPAD: i32 = 80;
const POST_OPS: i32 = 32768;

/// Whether an argument belongs to scales, zero points or randomness; these do not count as inputs.
pub fn is_quantization(id: i32) -> bool {
    (arg::SCALES..POST_OPS).contains(&id) || (384..1024).contains(&id)
}

/// What sentences call an argument, e.g. `scales of weights (argument 4129)`.
pub fn arg_name(id: i32) -> String {
    let name = match id {
        POST_OPS.. => format!(
            "{} of post-op {}",
            base_name(id % POST_OPS),
            id / POST_OPS - 1
        ),
        arg::ZERO_POINTS..POST_OPS => format!("zero points of {}", base_name(id % arg::SCALES)),
        arg::SCALES..arg::ZERO_POINTS => format!("scales of {}", base_name(id % arg::SCALES)),
        _ => base_name(id),
    };
    format!("{name} (argument {id})")
}

fn base_name(id: i32) -> String {
    let indexed = |name: &str, from: i32| match id - from {
        0 => name.to_owned(),
        i => format!("{name}[{i}]"),
    };
    match id {
        1..17 => indexed("src", 1),
        17..33 => indexed("dst", 17),
        33..41 => indexed("weights", 33),
        41 => "bias".into(),
        64 => "workspace".into(),
        SCRATCHPAD => "scratchpad".into(),
        129..145 => indexed("diff_src", 129),
        145..161 => indexed("diff_dst", 145),
        161..169 => indexed("diff_weights", 161),
        169 => "diff_bias".into(),
        1024..2048 => format!("src[{}]", id - 1024),
        2048..arg::SCALES => format!("dst[{}]", id - 2048),
        _ => "unknown".into(),
    }
}

impl Op {
    /// The number of `brick_primitive_kind_t`, and the kind's name.
    pub fn kind(&self) -> (i32, &'static str) {
        match self {
            Op::Reorder(_) => (1, "reorder"),
            Op::Sum(_) => (4, "sum"),
            Op::Eltwise(_) => (7, "eltwise"),
            Op::Convolution(d) if d.transposed => (6, "deconvolution"),
            Op::Convolution(_) => (5, "convolution"),
            Op::InnerProduct(_) => (10, "inner_product"),
            Op::Binary(_) => (13, "binary"),
            Op::Rnn(_) => (11, "rnn"),
            Op::Matmul(_) => (14, "matmul"),
        }
    }

    /// The pass, where the operation has one.
    pub fn prop(&self) -> Option<Prop> {
        match self {
            Op::Eltwise(d) => Some(d.prop),
            Op::Convolution(d) => Some(d.prop),
            Op::InnerProduct(d) => Some(d.prop),
            Op::Rnn(d) => Some(d.prop),
            _ => None,
        }
    }

    /// The number of `brick_alg_kind_t`, where the operation has an algorithm.
    pub fn alg(&self) -> Option<i32> {
        match self {
            Op::Eltwise(d) => Some(d.alg.number(d.use_dst)),
            Op::Binary(d) => Some(d.alg as i32),
            Op::Convolution(d) => Some(d.alg),
            _ => None,
        }
    }

    /// Strides, dilations, left or right padding, by their places in the API's queries, where the operation has them.
    pub fn spatial(&self, which: usize) -> Option<&[i64; MAX_NDIMS]> {
        match self {
            Op::Convolution(d) => Some([&d.strides, &d.dilates, &d.pad_left, &d.pad_right][which]),
            _ => None,
        }
    }

    /// alpha and beta, where the operation has them.
    pub fn alpha_beta(&self) -> Option<(f32, f32)> {
        match self {
            Op::Eltwise(d) => Some((d.alpha.get(), d.beta.get())),
            Op::Rnn(d) => Some((d.alpha.get(), d.beta.get())),
            _ => None,
        }
    }

    /// A recurrent layer's description.
    pub fn rnn(&self) -> Option<&rnn::Desc> {
        match self {
            Op::Rnn(d) => Some(d),
            _ => None,
        }
    }

    /// The argument that the prop kind, memory descriptors, … of a verbose line call so; none for what they leave out.
    fn line_name(&self, arg: &Arg) -> Option<String> {
        let name = match (self, arg.id) {
            (_, 384..1024 | 4096..) => return None,
            (Op::Rnn(_), id) => return rnn::line_name(id),
            (Op::Eltwise(d), id) => match (d.prop.is_forward(), id) {
                (true, 17) => return None,
                (false, 129) => return None,
                (false, 145) => "diff",
                _ => "data",
            },
            (_, 1..17 | 129..145 | 1024..2048) => "src",
            (_, 17..33 | 145..161) => "dst",
            (_, 33..41 | 161..169) => "wei",
            (_, 41 | 169) => "bia",
            _ => return None,
        };
        Some(name.to_owned())
    }

    /// Whether the caller left the layout of an argument open.
    fn left_open(&self, id: i32) -> bool {
        let product = |src: &MemoryDesc, weights: &MemoryDesc, dst: &MemoryDesc| match id {
            1 | 129 => src.is_any(),
            33 | 161 => weights.is_any(),
            17 | 145 => dst.is_any(),
            _ => false,
        };
        match self {
            Op::Matmul(d) => product(&d.src, &d.weights, &d.dst),
            Op::InnerProduct(d) => product(&d.src, &d.weights, &d.dst),
            Op::Convolution(d) => product(&d.src, &d.weights, &d.dst),
            Op::Sum(d) => id == 17 && (d.dst.is_absent() || d.dst.is_any()),
            Op::Binary(d) => id == 17 && d.dst.is_any(),
            _ => false,
        }
    }

    /// The fields of a verbose line from the prop kind to the problem; `mds` says what was open until execution.
    pub fn line(&self, attr: &Attr, args: &[Arg], mds: &[Option<&MemoryDesc>]) -> String {
        let given = |i: usize| mds.get(i).copied().flatten();
        let named = args.iter().enumerate().filter_map(|(i, arg)| {
            let md = given(i).unwrap_or(&arg.md);
            let mut text =
                format!("{}:", self.line_name(arg)?) + &layout(md, self.left_open(arg.id));
            if let (Op::Matmul(_), 41) = (self, arg.id) {
                text += &format!("_mask{}", mask_of(md));
            }
            Some(text)
        });
        let mut named: Vec<_> = named.collect();
        if let Op::InnerProduct(_) | Op::Convolution(_) = self {
            in_layer_order(&mut named);
        }
        let named = named.join(" ");
        let at = |id| args.iter().position(|arg| arg.id == id);
        let (known, _) = self.given(attr, |id| given(at(id)?).copied());
        let prop = self.prop().map_or("undef", Prop::name);
        let (attr, aux, problem) = (attributes(attr), self.aux(), known.problem());
        format!("{prop},{named},{attr},{aux},{problem}")
    }

    /// The auxiliary field.
    fn aux(&self) -> String {
        match self {
            Op::Eltwise(d) => {
                let by_dst = if d.use_dst { "_use_dst_for_bwd" } else { "" };
                let (alg, alpha, beta) = (d.alg.name(), d.alpha, d.beta);
                format!("alg:eltwise_{alg}{by_dst} alpha:{alpha} beta:{beta}")
            }
            Op::Binary(d) => format!("alg:binary_{}", d.alg.name()),
            Op::Rnn(d) => {
                let (cell, direction) = (d.cell.name(), d.direction.name());
                let activation = d.chosen_activation().map(|a| format!("eltwise_{a}"));
                let activation = activation.unwrap_or("undef".into());
                let flags = if d.overwrites { "O" } else { "" };
                format!("alg:{cell} direction:{direction} activation:{activation} flags:{flags}")
            }
            Op::Matmul(d) if d.src.has_runtime() || d.weights.has_runtime() => {
                let [src, weights] = [&d.src, &d.weights].map(open_mask);
                format!("runtime_dims_masks:{src}:{weights}")
            }
            Op::Convolution(d) => format!("alg:{}", d.alg_name()),
            _ => String::new(),
        }
    }

    /// The problem string.
    fn problem(&self) -> String {
        match self {
            Op::Reorder(d) => dims(&d.src),
            Op::Sum(d) => dims(d.srcs.first().unwrap_or(&d.dst)),
            Op::Eltwise(d) => dims(&d.data),
            Op::Convolution(d) => convolution_problem(d),
            Op::InnerProduct(d) => inner_product_problem(d),
            Op::Binary(d) => format!("{}:{}", dims(&d.src0), dims(&d.src1)),
            Op::Matmul(d) => format!("{}:{}", dims(&d.src), dims(&d.weights)),
            Op::Rnn(d) => {
                let s = d.sizes();
                let sizes = format!("l{}t{}mb{}sic{}", s.layers, s.t, s.n, s.sic);
                sizes + &format!("slc{}dhc{}dic{}", s.slc, s.dhc, s.dic)
            }
        }
    }
}

/// The order in which oneDNN lists the tensors of a layer in every pass; a bias that is not there is listed too.
fn in_layer_order(named: &mut Vec<String>) {
    if !named.iter().any(|text| text.starts_with("bia")) {
        named.push("bia:undef::undef:::".to_owned());
    }
    let names = ["src", "wei", "bia", "dst"];
    named.sort_by_key(|text| names.iter().position(|name| text.starts_with(name)));
}

/// Bit d set: the size of dimension d is one of those.
fn mask(md: &MemoryDesc, is: impl Fn(i64) -> bool) -> i32 {
    let bit = |(d, &n): (usize, &i64)| i32::from(is(n)) << d;
    md.dims().iter().enumerate().map(bit).sum()
}

/// The dimensions along which the descriptor varies.
fn mask_of(md: &MemoryDesc) -> i32 {
    mask(md, |n| n != 1)
}

/// The dimensions that are only known at execution.
fn open_mask(md: &MemoryDesc) -> i32 {
    mask(md, |n| n == RUNTIME_DIM)
}

/// `f32::blocked:ab::f0`: type, properties (`a` where the layout was left open), kind, layout, strides where they are not
/// dense, flags.
fn layout(md: &MemoryDesc, left_open: bool) -> String {
    if md.is_absent() {
        return "undef::undef:::".into();
    }
    let property = |has: bool, letter| if has { letter } else { "" };
    let (open, padded) = (property(left_open, "a"), property(md.is_padded(), "p"));
    let shifted = property(md.offset0 != 0, "0");
    let layout = md.tag_string();
    let (tag, strides) = layout.split_once(':').unwrap_or((&layout, ""));
    let kind = ["host_scalar", "blocked"][usize::from(md.is_blocked())];
    let dt = md.dtype().name();
    format!("{dt}:{open}{padded}{shifted}:{kind}:{tag}:{strides}:f0")
}

fn inner_product_problem(d: &inner_product::Desc) -> String {
    let names = ["id", "ih", "iw"];
    let (src, dst) = (d.src.dims(), d.dst.dims());
    let mut text = format!("mb{}ic{}", src[0], src[1]);
    for (name, size) in names[5 - src.len()..].iter().zip(&src[2..]) {
        text += &format!("{name}{size}");
    }
    text + &format!("oc{}", dst[1])
}

/// `g32mb16_ic256oc256_ih28oh28kh3sh1dh0ph1_iw28ow28kw3sw1dw0pw1`.
fn convolution_problem(d: &convolution::Desc) -> String {
    let (src, dst) = (d.src.dims(), d.dst.dims());
    let groups = Some(d.groups()).filter(|&groups| groups > 1);
    let mut text = groups.map_or(String::new(), |groups| format!("g{groups}"));
    text += &format!("mb{}_ic{}oc{}", src[0], src[1], dst[1]);
    for (i, x) in ["d", "h", "w"][5 - src.len()..].iter().enumerate() {
        let (input, output, taps) = (src[2 + i], dst[2 + i], d.taps(i));
        let (stride, dilate, pad) = (d.strides[i], d.dilates[i], d.pad_left[i]);
        text += &format!("_i{x}{input}o{x}{output}k{x}{taps}s{x}{stride}d{x}{dilate}p{x}{pad}");
    }
    text
}

/// Dims joined by `x`, a runtime value as `*`.
fn dims(md: &MemoryDesc) -> String {
    let text = |&dim: &i64| match dim {
        RUNTIME_DIM => "*".to_owned(),
        dim => dim.to_string(),
    };
    md.dims().iter().map(text).collect::<Vec<_>>().join("x")
}

/// The attributes field: what differs from the defaults.
fn attributes(attr: &Attr) -> String {
    let mut parts = Vec::new();
    let mut say = |differs: bool, name: &str, value: &str| {
        if differs {
            parts.push(format!("attr-{name}:{value}"));
        }
    };
    say(attr.user_scratchpad, "scratchpad", "user");
    let mode = ["strict", "bf16", "f16", "any", "tf32"][attr.fpmath.mode as usize];
    let int = ["", ":true"][usize::from(attr.fpmath.apply_to_int)];
    let differs = attr.fpmath != Fpmath::default();
    say(differs, "fpmath", &format!("{mode}{int}"));
    let mode = ["strict", "relaxed", "any", "s32", "f32", "f16"][attr.accumulation as usize];
    say(attr.accumulation != 0, "acc", mode);
    say(attr.deterministic, "deterministic", "1");
    for (name, quants) in [("scales", &attr.scales), ("zero-points", &attr.zero_points)] {
        let texts: Vec<_> = quants.iter().map(quant_text).collect();
        say(!texts.is_empty(), name, &texts.join("+"));
    }
    let post_ops: Vec<_> = attr.post_ops.iter().map(post_op_text).collect();
    say(!post_ops.is_empty(), "post-ops", &post_ops.join("+"));
    if let Some((scale, shift)) = &attr.rnn_data {
        parts.push(format!("rnn_data_qparams:{scale}:{shift};"));
    }
    parts.join(" ")
}

fn quant_text((&id, quant): (&i32, &Quant)) -> String {
    let arg = match id {
        1 => "src0".to_owned(),
        2 => "src1".to_owned(),
        17 => "dst".to_owned(),
        33 => "wei".to_owned(),
        _ => base_name(id),
    };
    let mut text = format!("{arg}:{}:{}", quant.mask, quant.data_type.name());
    if !quant.groups.is_empty() {
        let groups: Vec<_> = quant.groups.iter().map(i64::to_string).collect();
        text += &format!(":{}", groups.join("x"));
    }
    text
}

fn post_op_text(post_op: &PostOp) -> String {
    match post_op {
        PostOp::Sum {
            scale,
            zero_point,
            data_type,
        } => {
            let dt = data_type.map_or(String::new(), |dt| format!(":{dt}"));
            match (scale.get(), zero_point) {
                (1.0, 0) if dt.is_empty() => "sum".to_owned(),
                (_, 0) if dt.is_empty() => format!("sum:{scale}"),
                _ => format!("sum:{scale}:{zero_point}{dt}"),
            }
        }
        PostOp::Eltwise { alg, alpha, beta } => match (alpha.get(), beta.get()) {
            (0.0, 0.0) => format!("eltwise_{alg}"),
            (_, 0.0) => format!("eltwise_{alg}:{alpha}"),
            _ => format!("eltwise_{alg}:{alpha}:{beta}"),
        },
        PostOp::Binary { alg, src1, .. } => {
            let (alg, dt, mask) = (alg.name(), src1.dtype(), mask_of(src1));
            let tag = (mask.count_ones() > 1).then(|| format!(":{}", src1.tag_string()));
            format!("binary_{alg}:{dt}:{mask}{}", tag.unwrap_or_default())
        }
        PostOp::Prelu { mask } => format!("prelu:{mask}"),
        PostOp::Depthwise {
            kernel,
            stride,
            padding,
            ..
        } => format!("dw:k{kernel}s{stride}p{padding}"),
    }
}
