//! Expressions, evaluated for one element at a time.

use super::number;
use brick::dtype::DataType;
use brick::kernel::expr::{Bcast, Expr, Node, Pred};
use brick::machine::{Isa, machine};

/// What an element's expression sees.
pub struct Element<'a> {
    pub row: usize,
    pub column: usize,
    /// Bits of the accumulator.
    pub acc: u32,
    /// Bytes of the operands, by slot.
    pub operands: &'a [Vec<u8>],
    /// The old bytes of D from this element on.
    pub old: &'a [u8],
}

/// An operand's bytes up to its last element.
pub fn extent(bcast: Bcast, t: DataType, rows: usize, columns: usize) -> usize {
    let size = t.size_bytes();
    match bcast {
        Bcast::Scalar => size,
        Bcast::Row => columns * size,
        Bcast::Col { row_bytes } => (rows.max(1) - 1) * row_bytes as usize + size,
        Bcast::Full { row_bytes } => (rows.max(1) - 1) * row_bytes as usize + columns * size,
    }
}

fn position(bcast: Bcast, size: usize, row: usize, column: usize) -> usize {
    match bcast {
        Bcast::Scalar => 0,
        Bcast::Row => column * size,
        Bcast::Col { row_bytes } => row * row_bytes as usize,
        Bcast::Full { row_bytes } => row * row_bytes as usize + column * size,
    }
}

/// The result's value, an f32 or an s32; nothing where the contract leaves it open (NaNs on the way, conversions of
/// what no integer holds).
pub fn evaluate(expr: &Expr, at: &Element) -> Option<f64> {
    let mut values: Vec<Option<u32>> = Vec::new();
    for node in &expr.nodes {
        let value = step(node, &values, at);
        values.push(value);
    }
    let bits = values[expr.result as usize]?;
    let value = if expr.int {
        f64::from(bits as i32)
    } else {
        f64::from(f32::from_bits(bits))
    };
    (!value.is_nan()).then_some(value)
}

fn load(bytes: &[u8], t: DataType, int: bool) -> u32 {
    let value = number::decode(t, bytes);
    if int && t.is_int() {
        value as i32 as u32
    } else {
        (value as f32).to_bits()
    }
}

fn step(node: &Node, values: &[Option<u32>], at: &Element) -> Option<u32> {
    let bits = |id: u16| values[id as usize];
    let float = |id: u16| bits(id).map(f32::from_bits).filter(|v| !v.is_nan());
    let int = |id: u16| bits(id).map(|b| b as i32);
    let ints = |value: i32| Some(value as u32);
    let result = match *node {
        Node::Acc => return Some(at.acc),
        Node::Const(value) => return Some(value),
        Node::Load {
            slot,
            dtype,
            bcast,
            int,
        } => {
            let start = position(bcast, dtype.size_bytes(), at.row, at.column);
            return Some(load(&at.operands[slot as usize][start..], dtype, int));
        }
        Node::LoadD { dtype } => return Some(load(at.old, dtype, false)),
        Node::And(a, b) => return Some(bits(a)? & bits(b)?),
        Node::Or(a, b) => return Some(bits(a)? | bits(b)?),
        Node::Xor(a, b) => return Some(bits(a)? ^ bits(b)?),
        Node::AddI(a, b) => return ints(int(a)?.wrapping_add(int(b)?)),
        Node::SubI(a, b) => return ints(int(a)?.wrapping_sub(int(b)?)),
        Node::MulI(a, b) => return ints(int(a)?.wrapping_mul(int(b)?)),
        Node::Shl(a, by) => return Some(bits(a)? << by),
        Node::Shr(a, by) => return Some(bits(a)? >> by),
        Node::ToInt(a) => {
            let value = float(a)?.round_ties_even();
            return (value.abs() < 2147483648.0).then_some(value as i32 as u32);
        }
        Node::Select { pred, x, y, a, b } => {
            return if holds(pred, float(x)?, float(y)?) {
                bits(a)
            } else {
                bits(b)
            };
        }
        Node::ToFloat(a) => int(a)? as f32,
        Node::Add(a, b) => float(a)? + float(b)?,
        Node::Sub(a, b) => float(a)? - float(b)?,
        Node::Mul(a, b) => float(a)? * float(b)?,
        Node::Div(a, b) => float(a)? / float(b)?,
        Node::Min(a, b) => {
            if float(a)? < float(b)? {
                float(a)?
            } else {
                float(b)?
            }
        }
        Node::Max(a, b) => {
            if float(a)? > float(b)? {
                float(a)?
            } else {
                float(b)?
            }
        }
        Node::Fma(a, b, c) => fma(float(a)?, float(b)?, float(c)?)?,
        Node::Sqrt(a) => float(a)?.sqrt(),
        Node::Round(a) => float(a)?.round_ties_even(),
        Node::Floor(a) => float(a)?.floor(),
        Node::Scale(p, n) => {
            let n = float(n)?;
            let whole = n.fract() == 0.0 && n.abs() <= 252.0;
            let product = f64::from(float(p)?) * 2f64.powi(n as i32);
            return whole.then_some((product as f32).to_bits());
        }
    };
    (!result.is_nan()).then_some(result.to_bits())
}

/// One rounding where the machine has the instruction; open where it lacks it and the second rounding shows.
fn fma(a: f32, b: f32, c: f32) -> Option<f32> {
    let fused = a.mul_add(b, c);
    let has_fma = machine().isa != Isa::Portable;
    (has_fma || fused == a * b + c).then_some(fused)
}

fn holds(pred: Pred, x: f32, y: f32) -> bool {
    match pred {
        Pred::Eq => x == y,
        Pred::Ne => x != y,
        Pred::Lt => x < y,
        Pred::Le => x <= y,
        Pred::Gt => x > y,
        Pred::Ge => x >= y,
    }
}
