//! Attributes and post-ops as plain data: what the setters of the C API record and the primitives read.
//!
//! Nothing here judges a combination; a primitive that cannot honour what stands here refuses at planning.

use crate::{dtype::DataType, error::Result, invalid, log::Short, memory::MemoryDesc, numbered};
use std::{collections::BTreeMap, fmt};

/// An f32 that compares and hashes by its bits, so that descriptors can be keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct F32(pub u32);

impl F32 {
    /// Wraps a value.
    pub fn new(value: f32) -> F32 {
        F32(value.to_bits())
    }

    /// The value.
    pub fn get(self) -> f32 {
        f32::from_bits(self.0)
    }
}

impl fmt::Display for F32 {
    /// As lines write floats.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        Short(self.get().into()).fmt(f)
    }
}

/// How scales or zero points are given for one argument; the values arrive at execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Quant {
    /// Bit d set: the values vary along dimension d.
    pub mask: i32,
    /// Type of the values.
    pub data_type: DataType,
    /// Group sizes along the last dimensions; empty without groups.
    pub groups: Vec<i64>,
    /// Whether the value is a host scalar.
    pub on_host: bool,
    /// The quantization mode of the C API (static 1, dynamic mx 2, dynamic fp 3).
    pub mode: i32,
}

impl Quant {
    /// One value for all of an argument.
    pub fn single(data_type: DataType) -> Quant {
        Quant {
            mask: 0,
            data_type,
            groups: Vec::new(),
            on_host: false,
            mode: 0,
        }
    }
}

/// One element of a post-op chain. Chains are short and stored once, so the size of a variant does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum PostOp {
    /// dst = op + scale * (old dst - zero_point), the old dst read as `data_type` when given.
    Sum {
        scale: F32,
        zero_point: i32,
        data_type: Option<DataType>,
    },
    /// dst = alg(op; alpha, beta).
    Eltwise { alg: Eltwise, alpha: F32, beta: F32 },
    /// dst = alg(op, src1), src1 broadcast along its dims of size 1; `select` takes src2 too.
    Binary {
        alg: BinaryAlg,
        src1: MemoryDesc,
        src2: Option<MemoryDesc>,
    },
    /// dst = op > 0 ? op : op * weights.
    Prelu { mask: i32 },
    /// A fused depthwise convolution.
    Depthwise {
        weights: DataType,
        bias: Option<DataType>,
        dst: DataType,
        kernel: i64,
        stride: i64,
        padding: i64,
    },
}

numbered! {
    /// Element-wise algorithms, with the numbers of `brick_alg_kind_t` of their forward form.
    pub enum Eltwise {
        Relu = 32 "relu",
        Tanh = 33 "tanh",
        Elu = 34 "elu",
        Square = 35 "square",
        Abs = 36 "abs",
        Sqrt = 37 "sqrt",
        Linear = 38 "linear",
        SoftRelu = 39 "soft_relu",
        Hardsigmoid = 40 "hardsigmoid",
        Logistic = 41 "logistic",
        Exp = 42 "exp",
        GeluTanh = 43 "gelu_tanh",
        Swish = 44 "swish",
        Log = 45 "log",
        Clip = 46 "clip",
        ClipV2 = 47 "clip_v2",
        Pow = 48 "pow",
        GeluErf = 49 "gelu_erf",
        Round = 50 "round",
        Mish = 51 "mish",
        Hardswish = 52 "hardswish",
    }
}

impl Eltwise {
    /// The algorithms whose derivative can be computed from the result.
    pub const USE_DST: [Eltwise; 7] = {
        use Eltwise::*;
        [Relu, Tanh, Elu, Sqrt, Logistic, Exp, ClipV2]
    };
    /// Their numbers in that form follow one another from here.
    const FIRST_USE_DST: i32 = 0x100;

    /// The algorithm with the given C number, and whether its derivative is computed from the result.
    pub fn from_c(value: i32) -> Result<(Eltwise, bool)> {
        let by_dst = value.wrapping_sub(Eltwise::FIRST_USE_DST);
        let by_dst = usize::try_from(by_dst)
            .ok()
            .and_then(|i| Eltwise::USE_DST.get(i));
        let forward = Eltwise::from_number(value).map(|alg| (alg, false));
        (by_dst.map(|&alg| (alg, true)).or(forward))
            .ok_or_else(|| invalid!("alg_kind: {value:#x} is not an element-wise algorithm"))
    }

    /// The C number of the algorithm in either form.
    pub fn number(self, use_dst: bool) -> i32 {
        match Eltwise::USE_DST
            .iter()
            .position(|&alg| use_dst && alg == self)
        {
            Some(i) => Eltwise::FIRST_USE_DST + i as i32,
            None => self as i32,
        }
    }
}

numbered! {
    /// Binary algorithms, with the numbers of `brick_alg_kind_t`.
    pub enum BinaryAlg {
        Add = 0x1fff0 "add",
        Mul = 0x1fff1 "mul",
        Max = 0x1fff2 "max",
        Min = 0x1fff3 "min",
        Div = 0x1fff4 "div",
        Sub = 0x1fff5 "sub",
        Ge = 0x1fff6 "ge",
        Gt = 0x1fff7 "gt",
        Le = 0x1fff8 "le",
        Lt = 0x1fff9 "lt",
        Eq = 0x1fffa "eq",
        Ne = 0x1fffb "ne",
        Select = 0x1fffc "select",
    }
}

impl BinaryAlg {
    /// The algorithm with the given C number.
    pub fn from_c(value: i32) -> Result<BinaryAlg> {
        BinaryAlg::from_number(value)
            .ok_or_else(|| invalid!("alg_kind: {value:#x} is not a binary algorithm"))
    }
}

/// Down-conversions that the caller allows inside a primitive; brick computes at full precision and ignores the leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fpmath {
    /// Number of `brick_fpmath_mode_t`.
    pub mode: i32,
    /// Whether integer weights may be up-converted.
    pub apply_to_int: bool,
}

/// Dropout as recorded by the setters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Dropout {
    pub mask: MemoryDesc,
    pub seed_type: DataType,
    pub use_offset: bool,
    pub use_host_scalars: bool,
}

/// Quantisation of recurrent weights as recorded by the setters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct RnnQuant {
    pub mask: i32,
    pub scales: Vec<F32>,
}

/// Everything that modifies a primitive beyond its descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attr {
    /// Whether the caller passes scratch memory as an argument.
    pub user_scratchpad: bool,
    /// Allowed down-conversions.
    pub fpmath: Fpmath,
    /// Number of `brick_accumulation_mode_t`.
    pub accumulation: i32,
    /// Same bits for any number of threads.
    pub deterministic: bool,
    /// Scales by argument number.
    pub scales: BTreeMap<i32, Quant>,
    /// Zero points by argument number.
    pub zero_points: BTreeMap<i32, Quant>,
    /// Precomputed reductions by argument number.
    pub precomputed_reductions: BTreeMap<i32, Quant>,
    /// Rounding modes by argument number (0 environment, 1 stochastic).
    pub rounding: BTreeMap<i32, i32>,
    /// Dropout, if set.
    pub dropout: Option<Dropout>,
    /// Scale and shift of recurrent data, if set.
    pub rnn_data: Option<(F32, F32)>,
    /// Scales of recurrent weights, if set.
    pub rnn_weights: Option<RnnQuant>,
    /// Scales of recurrent projection weights, if set.
    pub rnn_projection: Option<RnnQuant>,
    /// The post-op chain.
    pub post_ops: Vec<PostOp>,
}

impl Attr {
    /// Whether anything of recurrent layers is to be quantised.
    pub fn is_for_rnn(&self) -> bool {
        let weights = [&self.rnn_weights, &self.rnn_projection];
        self.rnn_data.is_some() || weights.iter().any(|quant| quant.is_some())
    }

    /// Scale and shift of recurrent data.
    pub fn data(&self) -> (f32, f32) {
        self.rnn_data
            .map_or((1.0, 0.0), |(scale, shift)| (scale.get(), shift.get()))
    }
}
