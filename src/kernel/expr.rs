//! Expressions over one vector of a tile: a small straight-line program in single-assignment form.
//!
//! Epilogues, post-ops, activations and their derivatives, quantisation and conversion are all written as expressions,
//! once; the generator emits them in registers and the portable kernel interprets them.

use crate::dtype::DataType;

/// The number of an earlier node.
pub type Id = u16;

/// How an operand varies over the tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Bcast {
    /// One value for the whole tile.
    Scalar,
    /// One value per column (a vector along n).
    Row,
    /// One value per row, `row_bytes` apart.
    Col { row_bytes: i64 },
    /// One value per element, rows `row_bytes` apart.
    Full { row_bytes: i64 },
}

/// Comparison predicates; all are false on NaN but `Ne`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Pred {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// One operation. Values are 32-bit lanes, floats or integers as the operation reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Node {
    /// The accumulator (f32 or s32 bits); only in a brgemm's epilogue.
    Acc,
    /// The same bits in every lane.
    Const(u32),
    /// Operand `slot`, converted to f32; with `int`, s32/s8/u8 are kept as s32.
    Load {
        slot: u8,
        dtype: DataType,
        bcast: Bcast,
        int: bool,
    },
    /// The old value of D, converted to f32 (the sum post-op), read as `dtype`, which has D's size.
    LoadD {
        dtype: DataType,
    },
    // floats
    Add(Id, Id),
    Sub(Id, Id),
    Mul(Id, Id),
    Div(Id, Id),
    /// x86 semantics: the second operand if either is NaN.
    Min(Id, Id),
    /// x86 semantics: the second operand if either is NaN.
    Max(Id, Id),
    /// a * b + c, one rounding where the machine has FMA.
    Fma(Id, Id, Id),
    Sqrt(Id),
    /// To the nearest integer, ties to even.
    Round(Id),
    Floor(Id),
    /// p * 2^n for an integral float n from -252 to 252, with gradual over- and underflow.
    Scale(Id, Id),
    /// pred(x, y) ? a : b, on floats.
    Select {
        pred: Pred,
        x: Id,
        y: Id,
        a: Id,
        b: Id,
    },
    // bits and integers
    And(Id, Id),
    Or(Id, Id),
    Xor(Id, Id),
    AddI(Id, Id),
    SubI(Id, Id),
    MulI(Id, Id),
    Shl(Id, u8),
    /// Logical shift right.
    Shr(Id, u8),
    /// f32 → s32, nearest even.
    ToInt(Id),
    /// s32 → f32.
    ToFloat(Id),
}

/// A program: nodes in order of evaluation, and the one whose value is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Expr {
    /// The operations; operands refer to earlier ones.
    pub nodes: Vec<Node>,
    /// The stored value.
    pub result: Id,
    /// Whether the result is an integer (s32 bits) instead of f32; storing converts and saturates accordingly.
    pub int: bool,
}

/// Writes an expression node by node.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    nodes: Vec<Node>,
}

impl Builder {
    /// An empty program.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Appends an operation.
    pub fn push(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        (self.nodes.len() - 1) as Id
    }

    /// The same float in every lane.
    pub fn float(&mut self, value: f32) -> Id {
        self.push(Node::Const(value.to_bits()))
    }

    /// The finished program.
    pub fn finish(self, result: Id, int: bool) -> Expr {
        Expr {
            nodes: self.nodes,
            result,
            int,
        }
    }
}
