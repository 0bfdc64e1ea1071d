//! Interprets an expression node by node over blocks of lanes, so that the interpretation is paid once a block.

use super::elem::{Lanes, load, store};
use crate::dtype::DataType;
use crate::kernel::expr::{Bcast, Expr, Id, Node, Pred};
use crate::kernel::spec::{Args, Out};
use std::cell::Cell;

/// Lanes of a block.
pub const LANES: usize = 64;

thread_local! {
    static SCRATCH: Cell<Vec<Lanes>> = const { Cell::new(Vec::new()) };
}

/// Lends one block a node to `body`; a thread allocates only for its longest expression so far.
#[inline(always)]
pub fn with_scratch(expr: &Expr, body: impl FnOnce(&mut [Lanes])) {
    let mut scratch = SCRATCH.take();
    if scratch.len() < expr.nodes.len() {
        scratch.resize(expr.nodes.len(), [0; LANES]);
    }
    body(&mut scratch);
    SCRATCH.set(scratch);
}

/// Evaluates and stores one tile, block by block.
pub struct Interpreter<'a, const FMA: bool> {
    out: &'a Out,
    args: &'a Args,
    values: &'a mut [Lanes],
}

impl<'a, const FMA: bool> Interpreter<'a, FMA> {
    /// Constants are written here, once for all blocks.
    #[inline(always)]
    pub fn new(out: &'a Out, args: &'a Args, values: &'a mut [Lanes]) -> Self {
        for (value, node) in values.iter_mut().zip(&out.expr.nodes) {
            if let Node::Const(bits) = node {
                *value = [*bits; LANES];
            }
        }
        Interpreter { out, args, values }
    }

    /// Evaluates the expression over `count` columns from (`row`, `col`) and stores it to D.
    ///
    /// # Safety
    /// The operands must be readable and D writable there.
    #[inline(always)]
    pub unsafe fn block(&mut self, row: usize, col: usize, count: usize, acc: Option<&Lanes>) {
        let Out {
            expr,
            d,
            d_row_bytes,
        } = self.out;
        let at = row as i64 * d_row_bytes + (col * d.size_bytes()) as i64;
        let to = self.args.d.wrapping_offset(at as isize);
        let only_acc = matches!(expr.nodes[expr.result as usize], Node::Acc);
        // SAFETY: passed on to the caller.
        unsafe {
            match acc {
                Some(acc) if only_acc => store(*d, to, count, expr.int, acc),
                _ => {
                    for i in 0..expr.nodes.len() {
                        self.load_node(i, (row, col, count), acc, to);
                        self.float_node(i);
                        self.int_node(i);
                    }
                    let value = &self.values[expr.result as usize];
                    store(*d, to, count, expr.int, value)
                }
            }
        }
    }

    /// # Safety
    /// As [`Interpreter::block`].
    #[inline(always)]
    unsafe fn load_node(
        &mut self,
        i: usize,
        (row, col, count): (usize, usize, usize),
        acc: Option<&Lanes>,
        d: *const u8,
    ) {
        let value = &mut self.values[i];
        match self.out.expr.nodes[i] {
            Node::Acc => *value = *acc.unwrap_or(&[0; LANES]),
            // SAFETY: passed on to the caller.
            Node::LoadD { dtype } => unsafe { load(dtype, d, count, false, value) },
            Node::Load {
                slot,
                dtype,
                bcast,
                int,
            } => {
                // SAFETY: an expression's operands have as many pointers as it has slots.
                let base = unsafe { *self.args.operands.add(slot as usize) };
                let (p, single) = operand(base, dtype, bcast, row, col);
                // SAFETY: passed on to the caller.
                unsafe { load(dtype, p, if single { 1 } else { count }, int, value) };
                if single {
                    *value = [value[0]; LANES];
                }
            }
            _ => {}
        }
    }

    #[inline(always)]
    fn float_node(&mut self, i: usize) {
        use Node::*;
        match self.out.expr.nodes[i] {
            Add(a, b) => self.floats(i, [a, b], |[a, b]| a + b),
            Sub(a, b) => self.floats(i, [a, b], |[a, b]| a - b),
            Mul(a, b) => self.floats(i, [a, b], |[a, b]| a * b),
            Div(a, b) => self.floats(i, [a, b], |[a, b]| a / b),
            Min(a, b) => self.floats(i, [a, b], |[a, b]| if a < b { a } else { b }),
            Max(a, b) => self.floats(i, [a, b], |[a, b]| if a > b { a } else { b }),
            Fma(a, b, c) if FMA => self.floats(i, [a, b, c], |[a, b, c]| a.mul_add(b, c)),
            Fma(a, b, c) => self.floats(i, [a, b, c], |[a, b, c]| a * b + c),
            Sqrt(a) => self.floats(i, [a], |[a]| a.sqrt()),
            Round(a) => self.floats(i, [a], |[a]| a.round_ties_even()),
            Floor(a) => self.floats(i, [a], |[a]| a.floor()),
            Scale(p, n) => self.floats(i, [p, n], |[p, n]| scale(p, n)),
            Select { pred, x, y, a, b } => self.select(i, pred, [x, y, a, b]),
            _ => {}
        }
    }

    #[inline(always)]
    fn select(&mut self, i: usize, pred: Pred, ids: [Id; 4]) {
        match pred {
            Pred::Eq => self.floats(i, ids, |[x, y, a, b]| if x == y { a } else { b }),
            Pred::Ne => self.floats(i, ids, |[x, y, a, b]| if x != y { a } else { b }),
            Pred::Lt => self.floats(i, ids, |[x, y, a, b]| if x < y { a } else { b }),
            Pred::Le => self.floats(i, ids, |[x, y, a, b]| if x <= y { a } else { b }),
            Pred::Gt => self.floats(i, ids, |[x, y, a, b]| if x > y { a } else { b }),
            Pred::Ge => self.floats(i, ids, |[x, y, a, b]| if x >= y { a } else { b }),
        }
    }

    #[inline(always)]
    fn int_node(&mut self, i: usize) {
        use Node::*;
        match self.out.expr.nodes[i] {
            And(a, b) => self.lanes(i, [a, b], |[a, b]| a & b),
            Or(a, b) => self.lanes(i, [a, b], |[a, b]| a | b),
            Xor(a, b) => self.lanes(i, [a, b], |[a, b]| a ^ b),
            AddI(a, b) => self.lanes(i, [a, b], |[a, b]| a.wrapping_add(b)),
            SubI(a, b) => self.lanes(i, [a, b], |[a, b]| a.wrapping_sub(b)),
            MulI(a, b) => self.lanes(i, [a, b], |[a, b]| a.wrapping_mul(b)),
            Shl(a, n) => self.lanes(i, [a], |[a]| a << n),
            Shr(a, n) => self.lanes(i, [a], |[a]| a >> n),
            ToInt(a) => self.lanes(i, [a], |[a]| to_int(f32::from_bits(a)) as u32),
            ToFloat(a) => self.lanes(i, [a], |[a]| (a as i32 as f32).to_bits()),
            _ => {}
        }
    }

    #[inline(always)]
    fn floats<const N: usize>(&mut self, i: usize, ids: [Id; N], f: impl Fn([f32; N]) -> f32) {
        self.lanes(i, ids, |x| f(x.map(f32::from_bits)).to_bits());
    }

    /// Writes node `i` from earlier ones, lane by lane.
    #[inline(always)]
    fn lanes<const N: usize>(&mut self, i: usize, ids: [Id; N], f: impl Fn([u32; N]) -> u32) {
        let (done, rest) = self.values.split_at_mut(i);
        let sources = ids.map(|id| &done[id as usize]);
        for (lane, value) in rest[0].iter_mut().enumerate() {
            *value = f(sources.map(|s| s[lane]));
        }
    }
}

/// Where an operand's elements for a block start, and whether there is only one.
#[inline(always)]
fn operand(
    base: *const u8,
    dtype: DataType,
    bcast: Bcast,
    row: usize,
    col: usize,
) -> (*const u8, bool) {
    let across = (col * dtype.size_bytes()) as i64;
    let (offset, single) = match bcast {
        Bcast::Scalar => (0, true),
        Bcast::Row => (across, false),
        Bcast::Col { row_bytes } => (row as i64 * row_bytes, true),
        Bcast::Full { row_bytes } => (row as i64 * row_bytes + across, false),
    };
    (base.wrapping_offset(offset as isize), single)
}

/// p * 2^n in two steps, neither of which overflows on its own for |n| ≤ 252.
#[inline(always)]
fn scale(p: f32, n: f32) -> f32 {
    let n = to_int(n);
    let half = n >> 1;
    let power = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
    p * power(half) * power(n - half)
}

/// Nearest even, with the x86 answer to NaN and overflow.
#[inline(always)]
fn to_int(x: f32) -> i32 {
    if (-2147483648.0..2147483648.0).contains(&x) {
        x.round_ties_even() as i32
    } else {
        i32::MIN
    }
}
