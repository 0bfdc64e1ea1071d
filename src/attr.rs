//! Attributes and post-ops as plain data: what the setters of the C API record and the primitives read.
//!
//! Nothing here judges a combination; a primitive that cannot honour what stands here refuses at planning.

use crate::{dtype::DataType, memory::MemoryDesc};
use std::collections::BTreeMap;

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

/// Element-wise algorithms, with the numbers of `brick_alg_kind_t` of their forward form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum Eltwise {
    Relu = 32,
    Tanh = 33,
    Elu = 34,
    Square = 35,
    Abs = 36,
    Sqrt = 37,
    Linear = 38,
    SoftRelu = 39,
    Hardsigmoid = 40,
    Logistic = 41,
    Exp = 42,
    GeluTanh = 43,
    Swish = 44,
    Log = 45,
    Clip = 46,
    ClipV2 = 47,
    Pow = 48,
    GeluErf = 49,
    Round = 50,
    Mish = 51,
    Hardswish = 52,
}

/// Binary algorithms, with the numbers of `brick_alg_kind_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum BinaryAlg {
    Add = 0x1fff0,
    Mul = 0x1fff1,
    Max = 0x1fff2,
    Min = 0x1fff3,
    Div = 0x1fff4,
    Sub = 0x1fff5,
    Ge = 0x1fff6,
    Gt = 0x1fff7,
    Le = 0x1fff8,
    Lt = 0x1fff9,
    Eq = 0x1fffa,
    Ne = 0x1fffb,
    Select = 0x1fffc,
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
