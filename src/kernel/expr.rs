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
    /// f32 → s32, nearest even; NaN and what does not fit become the lowest integer.
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

impl Node {
    /// The nodes that this one reads, at most four.
    pub fn operands(&self) -> impl Iterator<Item = Id> + use<> {
        use Node::*;
        let some = |n: usize, ids: [Id; 4]| ids.into_iter().take(n);
        match *self {
            Acc | Const(_) | Load { .. } | LoadD { .. } => some(0, [0; 4]),
            Sqrt(a) | Round(a) | Floor(a) | Shl(a, _) | Shr(a, _) | ToInt(a) | ToFloat(a) => {
                some(1, [a, 0, 0, 0])
            }
            Add(a, b)
            | Sub(a, b)
            | Mul(a, b)
            | Div(a, b)
            | Min(a, b)
            | Max(a, b)
            | Scale(a, b)
            | And(a, b)
            | Or(a, b)
            | Xor(a, b)
            | AddI(a, b)
            | SubI(a, b)
            | MulI(a, b) => some(2, [a, b, 0, 0]),
            Fma(a, b, c) => some(3, [a, b, c, 0]),
            Select { x, y, a, b, .. } => some(4, [x, y, a, b]),
        }
    }

    /// The same operation on renumbered operands.
    fn renumbered(self, new: impl Fn(Id) -> Id) -> Node {
        use Node::*;
        match self {
            Acc | Const(_) | Load { .. } | LoadD { .. } => self,
            Add(a, b) => Add(new(a), new(b)),
            Sub(a, b) => Sub(new(a), new(b)),
            Mul(a, b) => Mul(new(a), new(b)),
            Div(a, b) => Div(new(a), new(b)),
            Min(a, b) => Min(new(a), new(b)),
            Max(a, b) => Max(new(a), new(b)),
            Fma(a, b, c) => Fma(new(a), new(b), new(c)),
            Sqrt(a) => Sqrt(new(a)),
            Round(a) => Round(new(a)),
            Floor(a) => Floor(new(a)),
            Scale(a, b) => Scale(new(a), new(b)),
            Select { pred, x, y, a, b } => Select {
                pred,
                x: new(x),
                y: new(y),
                a: new(a),
                b: new(b),
            },
            And(a, b) => And(new(a), new(b)),
            Or(a, b) => Or(new(a), new(b)),
            Xor(a, b) => Xor(new(a), new(b)),
            AddI(a, b) => AddI(new(a), new(b)),
            SubI(a, b) => SubI(new(a), new(b)),
            MulI(a, b) => MulI(new(a), new(b)),
            Shl(a, n) => Shl(new(a), n),
            Shr(a, n) => Shr(new(a), n),
            ToInt(a) => ToInt(new(a)),
            ToFloat(a) => ToFloat(new(a)),
        }
    }
}

impl Expr {
    /// The accumulator as it is.
    pub fn acc(int: bool) -> Expr {
        Expr {
            nodes: vec![Node::Acc],
            result: 0,
            int,
        }
    }

    /// Zero bits.
    pub fn zero() -> Expr {
        Expr {
            nodes: vec![Node::Const(0)],
            result: 0,
            int: true,
        }
    }

    /// Whether it reads what D held before.
    pub fn reads_dst(&self) -> bool {
        self.nodes.iter().any(|n| matches!(n, Node::LoadD { .. }))
    }

    /// Operand 0 as it is; with `int`, integers stay integers.
    pub fn load(dtype: DataType, bcast: Bcast, int: bool) -> Expr {
        let load = Node::Load {
            slot: 0,
            dtype,
            bcast,
            int,
        };
        Expr {
            nodes: vec![load],
            result: 0,
            int,
        }
    }

    /// For every node the index of the last one that reads it: the number of nodes for the result, 0 for unused ones.
    pub fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.nodes.len()];
        last[self.result as usize] = self.nodes.len();
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if last[id] > 0 {
                for operand in node.operands() {
                    let entry = &mut last[operand as usize];
                    *entry = (*entry).max(id);
                }
            }
        }
        last
    }
}

/// Writes an expression node by node: shares what is written twice, computes what is known, drops what is not used.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    nodes: Vec<Node>,
}

/// Methods that append one operation each.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) = $node:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, $($arg: Id),*) -> Id {
            self.push(Node::$node($($arg),*))
        }
    )*};
}

impl Builder {
    /// An empty program.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Appends an operation, or finds that its value is already there.
    pub fn push(&mut self, node: Node) -> Id {
        if let Some(id) = self.neutral(node) {
            return id;
        }
        let node = self.folded(node);
        let known = self.nodes.iter().rposition(|n| *n == node);
        let id = known.unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        });
        id as Id
    }

    /// The operand that an operation with a neutral element leaves as it is.
    fn neutral(&self, node: Node) -> Option<Id> {
        match node {
            Node::Mul(a, b) | Node::Div(a, b) if self.constant(b) == Some(1.0) => Some(a),
            Node::Mul(a, b) if self.constant(a) == Some(1.0) => Some(b),
            Node::Sub(a, b) if self.bits(b) == Some(0) => Some(a),
            _ => None,
        }
    }

    /// Arithmetic on two constants, done.
    fn folded(&self, node: Node) -> Node {
        let (a, b, op): (_, _, fn(f32, f32) -> f32) = match node {
            Node::Add(a, b) => (a, b, |a, b| a + b),
            Node::Sub(a, b) => (a, b, |a, b| a - b),
            Node::Mul(a, b) => (a, b, |a, b| a * b),
            Node::Div(a, b) => (a, b, |a, b| a / b),
            _ => return node,
        };
        match (self.constant(a), self.constant(b)) {
            (Some(a), Some(b)) => Node::Const(op(a, b).to_bits()),
            _ => node,
        }
    }

    fn bits(&self, id: Id) -> Option<u32> {
        match self.nodes[id as usize] {
            Node::Const(bits) => Some(bits),
            _ => None,
        }
    }

    fn constant(&self, id: Id) -> Option<f32> {
        self.bits(id).map(f32::from_bits)
    }

    /// The same float in every lane.
    pub fn float(&mut self, value: f32) -> Id {
        self.int(value.to_bits())
    }

    /// The same bits in every lane.
    pub fn int(&mut self, bits: u32) -> Id {
        self.push(Node::Const(bits))
    }

    operations! {
        /// a + b
        add(a, b) = Add;
        /// a - b
        sub(a, b) = Sub;
        /// a · b
        mul(a, b) = Mul;
        /// a / b
        div(a, b) = Div;
        /// The smaller; b if either is NaN.
        min(a, b) = Min;
        /// The larger; b if either is NaN.
        max(a, b) = Max;
        /// a · b + c
        fma(a, b, c) = Fma;
        /// √a
        sqrt(a) = Sqrt;
        /// The nearest integer, ties to even.
        round(a) = Round;
        /// p · 2ⁿ
        scale(p, n) = Scale;
        /// Bits of both.
        and(a, b) = And;
        /// Bits of either.
        or(a, b) = Or;
        /// Bits of one.
        xor(a, b) = Xor;
        /// a - b on integers.
        sub_int(a, b) = SubI;
        /// s32 → f32
        to_float(a) = ToFloat;
    }

    /// a + b, in one step with the product that one of them is.
    pub fn add_fused(&mut self, a: Id, b: Id) -> Id {
        match [a, b].map(|id| self.nodes[id as usize]) {
            [Node::Mul(x, y), _] => self.fma(x, y, b),
            [_, Node::Mul(x, y)] => self.fma(x, y, a),
            _ => self.add(a, b),
        }
    }

    /// pred(x, y) ? a : b
    pub fn select(&mut self, pred: Pred, x: Id, y: Id, a: Id, b: Id) -> Id {
        self.push(Node::Select { pred, x, y, a, b })
    }

    /// The finished program, without the nodes that the result does not need; a copy has no nodes at all.
    pub fn finish(self, result: Id, int: bool) -> Expr {
        let nodes = self.nodes;
        if nodes.is_empty() {
            return Expr { nodes, result, int };
        }
        let all = Expr { nodes, result, int };
        let mut renumbered = vec![0; all.nodes.len()];
        let mut nodes = Vec::with_capacity(all.nodes.len());
        for (id, &last_use) in all.last_uses().iter().enumerate() {
            if last_use > 0 {
                renumbered[id] = nodes.len() as Id;
                nodes.push(all.nodes[id].renumbered(|id| renumbered[id as usize]));
            }
        }
        Expr {
            nodes,
            result: renumbered[result as usize],
            int,
        }
    }
}
