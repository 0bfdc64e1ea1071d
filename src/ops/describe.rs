//! What queries, verbose lines and error sentences say about operations: numbers, names, problem strings.
//!
//! The texts are oneDNN's, because tools parse them.

use super::{Arg, Op, Prop, convolution, eltwise, inner_product, rnn};
use crate::{
    attr::{Attr, BinaryAlg, Eltwise, Fpmath, PostOp, Quant},
    error::Result,
    invalid,
    memory::{MAX_NDIMS, MemoryDesc},
};
use std::fmt::{self, Display, Write};

/// The argument number of scratch memory.
pub const SCRATCHPAD: i32 = 80;
const SCALES: i32 = 4096;
const ZERO_POINTS: i32 = 8192;
const POST_OPS: i32 = 32768;

/// Whether an argument belongs to scales, zero points or randomness; these do not count as inputs.
pub fn is_quantization(id: i32) -> bool {
    (SCALES..POST_OPS).contains(&id) || (384..1024).contains(&id)
}

/// What sentences call an argument, e.g. `scales of weights (argument 4129)`.
pub fn arg_name(id: i32) -> String {
    let name = match id {
        POST_OPS.. => format!(
            "{} of post-op {}",
            base_name(id % POST_OPS),
            id / POST_OPS - 1
        ),
        ZERO_POINTS..POST_OPS => format!("zero points of {}", base_name(id % SCALES)),
        SCALES..ZERO_POINTS => format!("scales of {}", base_name(id % SCALES)),
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
        SCRATCHPAD => "scratchpad".into(),
        129..145 => indexed("diff_src", 129),
        145..161 => indexed("diff_dst", 145),
        161..169 => indexed("diff_weights", 161),
        169 => "diff_bias".into(),
        1024..2048 => format!("src[{}]", id - 1024),
        2048..SCALES => format!("dst[{}]", id - 2048),
        _ => "argument".into(),
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
            Op::Eltwise(d) => Some(eltwise_number(d)),
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
    fn line_name(&self, arg: &Arg) -> Option<&'static str> {
        Some(match (self, arg.id) {
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
        })
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
        let mut line = String::new();
        let prop = self.prop().map_or("undef", Prop::name);
        write!(line, "{prop},").expect("a string takes everything");
        let named = args.iter().enumerate().filter_map(|(i, arg)| {
            let md = mds.get(i).copied().flatten().unwrap_or(&arg.md);
            let layout = Layout(md, self.left_open(arg.id));
            let mut text = format!("{}:{layout}", self.line_name(arg)?);
            if let (Op::Matmul(_), 41) = (self, arg.id) {
                text += &format!("_mask{}", mask_of(md));
            }
            Some(text)
        });
        line += &named.collect::<Vec<_>>().join(" ");
        let given = |id| {
            let at = args.iter().position(|arg| arg.id == id)?;
            mds.get(at).copied().flatten().copied()
        };
        let (known, _) = self.given(attr, given);
        let (attr, aux, problem) = (AttrText(attr), Aux(self), Problem(&known));
        write!(line, ",{attr},{aux},{problem}").expect("a string takes everything");
        line
    }
}

/// Bit d set: the descriptor varies along dimension d.
fn mask_of(md: &MemoryDesc) -> i32 {
    let varies = |(d, &n): (usize, &i64)| if n == 1 { 0 } else { 1 << d };
    md.dims().iter().enumerate().map(varies).sum()
}

/// The algorithms whose derivative can be computed from the result; their numbers follow one another from here.
const FIRST_USE_DST: i32 = 0x100;
const USE_DST: [Eltwise; 7] = {
    use Eltwise::*;
    [Relu, Tanh, Elu, Sqrt, Logistic, Exp, ClipV2]
};

fn eltwise_number(d: &eltwise::Desc) -> i32 {
    match USE_DST.iter().position(|&alg| d.use_dst && alg == d.alg) {
        Some(i) => FIRST_USE_DST + i as i32,
        None => d.alg as i32,
    }
}

impl Prop {
    /// The pass with the given C number.
    pub fn from_c(value: i32) -> Result<Prop> {
        use Prop::*;
        [
            ForwardTraining,
            ForwardInference,
            Backward,
            BackwardData,
            BackwardWeights,
            BackwardBias,
        ]
        .into_iter()
        .find(|&prop| prop as i32 == value)
        .ok_or_else(|| invalid!("prop_kind: {value} is not a propagation kind"))
    }

    /// Its name in verbose lines.
    pub fn name(self) -> &'static str {
        match self {
            Prop::ForwardTraining => "forward_training",
            Prop::ForwardInference => "forward_inference",
            Prop::Backward => "backward",
            Prop::BackwardData => "backward_data",
            Prop::BackwardWeights => "backward_weights",
            Prop::BackwardBias => "backward_bias",
        }
    }

    /// Whether it is a forward pass.
    pub fn is_forward(self) -> bool {
        matches!(self, Prop::ForwardTraining | Prop::ForwardInference)
    }
}

impl Eltwise {
    /// The algorithm with the given C number, and whether its derivative is computed from the result.
    pub fn from_c(value: i32) -> Result<(Eltwise, bool)> {
        use Eltwise::*;
        let all = [
            Relu,
            Tanh,
            Elu,
            Square,
            Abs,
            Sqrt,
            Linear,
            SoftRelu,
            Hardsigmoid,
            Logistic,
            Exp,
            GeluTanh,
            Swish,
            Log,
            Clip,
            ClipV2,
            Pow,
            GeluErf,
            Round,
            Mish,
            Hardswish,
        ];
        let by_dst = usize::try_from(value.wrapping_sub(FIRST_USE_DST)).ok();
        let by_dst = by_dst.and_then(|i| USE_DST.get(i)).map(|&alg| (alg, true));
        let forward = || all.into_iter().find(|&alg| alg as i32 == value);
        by_dst
            .or_else(|| Some((forward()?, false)))
            .ok_or_else(|| invalid!("alg_kind: {value:#x} is not an element-wise algorithm"))
    }

    /// Its name, without the kind.
    pub fn name(self) -> &'static str {
        match self {
            Eltwise::Relu => "relu",
            Eltwise::Tanh => "tanh",
            Eltwise::Elu => "elu",
            Eltwise::Square => "square",
            Eltwise::Abs => "abs",
            Eltwise::Sqrt => "sqrt",
            Eltwise::Linear => "linear",
            Eltwise::SoftRelu => "soft_relu",
            Eltwise::Hardsigmoid => "hardsigmoid",
            Eltwise::Logistic => "logistic",
            Eltwise::Exp => "exp",
            Eltwise::GeluTanh => "gelu_tanh",
            Eltwise::Swish => "swish",
            Eltwise::Log => "log",
            Eltwise::Clip => "clip",
            Eltwise::ClipV2 => "clip_v2",
            Eltwise::Pow => "pow",
            Eltwise::GeluErf => "gelu_erf",
            Eltwise::Round => "round",
            Eltwise::Mish => "mish",
            Eltwise::Hardswish => "hardswish",
        }
    }
}

impl BinaryAlg {
    /// The algorithm with the given C number.
    pub fn from_c(value: i32) -> Result<BinaryAlg> {
        use BinaryAlg::*;
        [Add, Mul, Max, Min, Div, Sub, Ge, Gt, Le, Lt, Eq, Ne, Select]
            .into_iter()
            .find(|&alg| alg as i32 == value)
            .ok_or_else(|| invalid!("alg_kind: {value:#x} is not a binary algorithm"))
    }

    /// Its name, without the kind.
    pub fn name(self) -> &'static str {
        match self {
            BinaryAlg::Add => "add",
            BinaryAlg::Mul => "mul",
            BinaryAlg::Max => "max",
            BinaryAlg::Min => "min",
            BinaryAlg::Div => "div",
            BinaryAlg::Sub => "sub",
            BinaryAlg::Ge => "ge",
            BinaryAlg::Gt => "gt",
            BinaryAlg::Le => "le",
            BinaryAlg::Lt => "lt",
            BinaryAlg::Eq => "eq",
            BinaryAlg::Ne => "ne",
            BinaryAlg::Select => "select",
        }
    }
}

/// `f32::blocked:ab::f0`: type, properties (`a` where the layout was left open), kind, layout, strides where they are not dense, flags.
struct Layout<'a>(&'a MemoryDesc, bool);

impl Display for Layout<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let md = self.0;
        if md.is_absent() {
            return f.write_str("undef::undef:::");
        }
        let padded = if md.is_padded() { "p" } else { "" };
        let shifted = if md.offset0 != 0 { "0" } else { "" };
        let layout = md.tag_string();
        let (tag, strides) = layout.split_once(':').unwrap_or((&layout, ""));
        let kind = if md.is_blocked() {
            "blocked"
        } else {
            "host_scalar"
        };
        let dt = md.dtype().name();
        let open = if self.1 { "a" } else { "" };
        write!(f, "{dt}:{open}{padded}{shifted}:{kind}:{tag}:{strides}:f0")
    }
}

/// The auxiliary field.
struct Aux<'a>(&'a Op);

impl Display for Aux<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Op::Eltwise(d) => {
                let by_dst = if d.use_dst { "_use_dst_for_bwd" } else { "" };
                let (alpha, beta) = (d.alpha.get(), d.beta.get());
                let alg = d.alg.name();
                write!(f, "alg:eltwise_{alg}{by_dst} alpha:{alpha} beta:{beta}")
            }
            Op::Binary(d) => write!(f, "alg:binary_{}", d.alg.name()),
            Op::Rnn(d) => {
                let (cell, direction) = (d.cell.name(), d.direction.name());
                write!(
                    f,
                    "alg:{cell} direction:{direction} activation:{}",
                    d.activation_name()
                )
            }
            Op::Matmul(d) if d.src.has_runtime() || d.weights.has_runtime() => {
                let [src, weights] = [&d.src, &d.weights].map(open_mask);
                write!(f, "runtime_dims_masks:{src}:{weights}")
            }
            Op::Convolution(d) => write!(f, "alg:{}", d.alg_name()),
            _ => Ok(()),
        }
    }
}

/// Bit d set: dimension d is only known at execution.
fn open_mask(md: &MemoryDesc) -> i32 {
    let open = |(d, &n): (usize, &i64)| i32::from(n == crate::memory::RUNTIME_DIM) << d;
    md.dims().iter().enumerate().map(open).sum()
}

/// The problem string.
struct Problem<'a>(&'a Op);

impl Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Op::Reorder(d) => write!(f, "{}", Dims(&d.src)),
            Op::Sum(d) => write!(f, "{}", Dims(d.srcs.first().unwrap_or(&d.dst))),
            Op::Eltwise(d) => write!(f, "{}", Dims(&d.data)),
            Op::Convolution(d) => convolution_problem(f, d),
            Op::InnerProduct(d) => inner_product_problem(f, d),
            Op::Binary(d) => write!(f, "{}:{}", Dims(&d.src0), Dims(&d.src1)),
            Op::Matmul(d) => write!(f, "{}:{}", Dims(&d.src), Dims(&d.weights)),
            Op::Rnn(d) => {
                let s = d.sizes();
                write!(f, "l{}t{}mb{}sic{}", s.layers, s.t, s.n, s.sic)?;
                write!(f, "slc{}dhc{}dic{}", s.slc, s.dhc, s.dic)
            }
        }
    }
}

fn inner_product_problem(f: &mut fmt::Formatter, d: &inner_product::Desc) -> fmt::Result {
    let spatial: &[&str] = match d.src.ndims {
        5 => &["id", "ih", "iw"],
        4 => &["ih", "iw"],
        3 => &["iw"],
        _ => &[],
    };
    write!(f, "mb{}ic{}", d.src.dims[0], d.src.dims[1])?;
    for (name, size) in spatial.iter().zip(&d.src.dims[2..]) {
        write!(f, "{name}{size}")?;
    }
    write!(f, "oc{}", d.dst.dims[1])
}

/// `g32mb16_ic256oc256_ih28oh28kh3sh1dh0ph1_iw28ow28kw3sw1dw0pw1`.
fn convolution_problem(f: &mut fmt::Formatter, d: &convolution::Desc) -> fmt::Result {
    if d.groups() > 1 {
        write!(f, "g{}", d.groups())?;
    }
    write!(
        f,
        "mb{}_ic{}oc{}",
        d.src.dims[0], d.src.dims[1], d.dst.dims[1]
    )?;
    let spatial = d.src.dims().len() - 2;
    for (i, x) in ["d", "h", "w"][3 - spatial..].iter().enumerate() {
        let (input, output, taps) = (d.src.dims[2 + i], d.dst.dims[2 + i], d.taps(i));
        let (stride, dilate, pad) = (d.strides[i], d.dilates[i], d.pad_left[i]);
        write!(
            f,
            "_i{x}{input}o{x}{output}k{x}{taps}s{x}{stride}d{x}{dilate}p{x}{pad}"
        )?;
    }
    Ok(())
}

/// Dims joined by `x`, a runtime value as `*`.
struct Dims<'a>(&'a MemoryDesc);

impl Display for Dims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (i, &dim) in self.0.dims().iter().enumerate() {
            let sep = if i == 0 { "" } else { "x" };
            match dim {
                crate::memory::RUNTIME_DIM => write!(f, "{sep}*")?,
                dim => write!(f, "{sep}{dim}")?,
            }
        }
        Ok(())
    }
}

/// The attributes field: what differs from the defaults.
struct AttrText<'a>(&'a Attr);

impl Display for AttrText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let attr = self.0;
        let mut parts = Vec::new();
        if attr.user_scratchpad {
            parts.push("attr-scratchpad:user".to_owned());
        }
        let fpmath = attr.fpmath;
        if fpmath != Fpmath::default() {
            let mode = ["strict", "bf16", "f16", "any", "tf32"][fpmath.mode as usize];
            let int = if fpmath.apply_to_int { ":true" } else { "" };
            parts.push(format!("attr-fpmath:{mode}{int}"));
        }
        if attr.accumulation != 0 {
            let modes = ["strict", "relaxed", "any", "s32", "f32", "f16"];
            parts.push(format!(
                "attr-acc-mode:{}",
                modes[attr.accumulation as usize]
            ));
        }
        if attr.deterministic {
            parts.push("attr-deterministic:1".to_owned());
        }
        for (name, quants) in [("scales", &attr.scales), ("zero-points", &attr.zero_points)] {
            let texts: Vec<_> = quants.iter().map(quant_text).collect();
            if !texts.is_empty() {
                parts.push(format!("attr-{name}:{}", texts.join("+")));
            }
        }
        let post_ops: Vec<_> = attr.post_ops.iter().map(post_op_text).collect();
        if !post_ops.is_empty() {
            parts.push(format!("attr-post-ops:{}", post_ops.join("+")));
        }
        f.write_str(&parts.join(" "))
    }
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
            let mut text = format!("sum:{}", scale.get());
            if *zero_point != 0 || data_type.is_some() {
                text += &format!(":{zero_point}");
            }
            text + &data_type.map_or(String::new(), |dt| format!(":{}", dt.name()))
        }
        PostOp::Eltwise { alg, alpha, beta } => match (alpha.get(), beta.get()) {
            (0.0, 0.0) => format!("eltwise_{}", alg.name()),
            (alpha, 0.0) => format!("eltwise_{}:{alpha}", alg.name()),
            (alpha, beta) => format!("eltwise_{}:{alpha}:{beta}", alg.name()),
        },
        PostOp::Binary { alg, src1, .. } => {
            let mask = mask_of(src1);
            let dt = src1.dtype().name();
            format!("binary_{}:{dt}:{mask}:{}", alg.name(), src1.tag_string())
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
