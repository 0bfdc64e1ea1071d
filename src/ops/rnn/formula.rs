//! Formulas over views, written as `docs/rnn.md` writes them, and the expressions of kernels that they become.

use std::ops::{Add, Mul, Sub};

use super::program::View;
use crate::{
    attr::Eltwise,
    dtype::DataType,
    kernel::{
        eltwise,
        expr::{Builder, Expr, Id, Node},
    },
    ops::epilogue::bcast,
};

/// A number for every element of a tile.
#[derive(Clone, Debug)]
pub enum Formula {
    /// The sum of the product that the formula follows.
    Sum,
    Constant(f32),
    /// What lies in a view.
    Of(View),
    Add(Box<[Formula; 2]>),
    Sub(Box<[Formula; 2]>),
    Mul(Box<[Formula; 2]>),
    Act(Act, Box<Formula>),
    /// The derivative of an activation, by its result.
    Slope(Act, Box<Formula>),
}

/// An activation with its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Act(pub Eltwise, pub f32, pub f32);

pub const LOGISTIC: Act = Act(Eltwise::Logistic, 0.0, 0.0);
pub const TANH: Act = Act(Eltwise::Tanh, 0.0, 0.0);

impl Act {
    /// The activation of x.
    pub fn of(self, x: impl Into<Formula>) -> Formula {
        Formula::Act(self, Box::new(x.into()))
    }

    /// Its derivative where it gives y.
    pub fn slope(self, y: impl Into<Formula>) -> Formula {
        Formula::Slope(self, Box::new(y.into()))
    }
}

impl Formula {
    /// With another term, where there is one.
    pub fn plus(self, term: Option<impl Into<Formula>>) -> Formula {
        match term {
            Some(term) => self + term.into(),
            None => self,
        }
    }
}

/// 1 - x
pub fn rest(x: impl Into<Formula>) -> Formula {
    Formula::Constant(1.0) - x.into()
}

impl From<View> for Formula {
    fn from(view: View) -> Formula {
        Formula::Of(view)
    }
}

impl From<f32> for Formula {
    fn from(x: f32) -> Formula {
        Formula::Constant(x)
    }
}

/// What is not given is 0.
impl From<Option<View>> for Formula {
    fn from(view: Option<View>) -> Formula {
        view.map_or(0.0.into(), Formula::from)
    }
}

/// `+`, `-` and `*` of formulas and what may stand for one.
macro_rules! operators {
    ($($trait:ident::$name:ident for $($left:ty),*;)*) => {$($(
        impl<T: Into<Formula>> $trait<T> for $left {
            type Output = Formula;
            fn $name(self, other: T) -> Formula {
                Formula::$trait(Box::new([Formula::from(self), other.into()]))
            }
        }
    )*)*};
}

operators! {
    Add::add for Formula, View;
    Sub::sub for Formula, View;
    Mul::mul for Formula, View;
}

/// Writes a formula as an expression, whose operands are the views that it reads.
pub struct Writer {
    code: Builder,
    pub views: Vec<View>,
    /// Scale and shift of 8-bit data.
    data: (f32, f32),
    /// Whether sums are of integers.
    int: bool,
}

impl Writer {
    /// The expression for a result of type `d` behind sums of type `acc`, and its operands. 8-bit operands are read as the
    /// numbers that they stand for, and stored so; what is only moved stays as it is, and so do sums stored as integers.
    pub fn write(
        formula: &Formula,
        (d, acc): (DataType, DataType),
        data: (f32, f32),
    ) -> (Expr, Vec<View>) {
        let int = acc.is_int();
        if int && d == DataType::S32 {
            return (Expr::acc(true), Vec::new());
        }
        let mut w = Writer {
            code: Builder::new(),
            views: Vec::new(),
            data,
            int,
        };
        let result = match formula {
            Formula::Of(view) if view.dtype == d => w.load(view),
            _ => {
                let x = w.number(formula);
                if d.is_int() { w.scaled(x) } else { x }
            }
        };
        (w.code.finish(result, false), w.views)
    }

    fn scaled(&mut self, x: Id) -> Id {
        let (scale, shift) = (self.code.float(self.data.0), self.code.float(self.data.1));
        self.code.fma(x, scale, shift)
    }

    fn load(&mut self, view: &View) -> Id {
        let known = self.views.iter().position(|v| v == view);
        let slot = known.unwrap_or(self.views.len());
        if known.is_none() {
            self.views.push(*view);
        }
        let size = view.dtype.size_bytes() as i64;
        self.code.push(Node::Load {
            slot: slot as u8,
            dtype: view.dtype,
            bcast: bcast(view.col, view.row, size).expect("views have adjacent elements"),
            int: false,
        })
    }

    fn number(&mut self, formula: &Formula) -> Id {
        use Formula::*;
        match formula {
            Sum => {
                let sum = self.code.push(Node::Acc);
                if self.int {
                    self.code.to_float(sum)
                } else {
                    sum
                }
            }
            Constant(x) => self.code.float(*x),
            Of(view) => {
                let x = self.load(view);
                if !view.dtype.is_int() {
                    return x;
                }
                let (unit, shift) = (
                    self.code.float(1.0 / self.data.0),
                    self.code.float(self.data.1),
                );
                let x = self.code.sub(x, shift);
                self.code.mul(x, unit)
            }
            Add(terms) => match &**terms {
                [Mul(factors), other] | [other, Mul(factors)] => {
                    let [a, b] = self.both(factors);
                    let c = self.number(other);
                    self.code.fma(a, b, c)
                }
                _ => {
                    let [a, b] = self.both(terms);
                    self.code.add(a, b)
                }
            },
            Sub(terms) => {
                let [a, b] = self.both(terms);
                self.code.sub(a, b)
            }
            Mul(factors) => {
                let [a, b] = self.both(factors);
                self.code.mul(a, b)
            }
            Act(act, x) => {
                let x = self.number(x);
                eltwise::forward(&mut self.code, act.0, act.1, act.2, x)
            }
            Slope(act, y) => {
                let y = self.number(y);
                eltwise::derivative(&mut self.code, act.0, true, act.1, act.2, y)
            }
        }
    }

    fn both(&mut self, formulas: &[Formula; 2]) -> [Id; 2] {
        [self.number(&formulas[0]), self.number(&formulas[1])]
    }
}
