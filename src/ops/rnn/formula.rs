//! Formulas over views, written as `docs/rnn.md` writes them, and the expressions of kernels that they become.

use std::{
    ops::{Add, Mul, Sub},
    rc::Rc,
};

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

/// A number for every element of a tile: what writes it, and the view where it lies if it is no more than that.
#[derive(Clone)]
pub struct Formula(Rc<dyn Fn(&mut Writer) -> Id>, Option<View>);

impl Formula {
    fn new(write: impl Fn(&mut Writer) -> Id + 'static) -> Formula {
        Formula(Rc::new(write), None)
    }

    /// With another term, where there is one.
    pub fn plus(self, term: Option<impl Into<Formula>>) -> Formula {
        match term {
            Some(term) => self + term.into(),
            None => self,
        }
    }
}

impl From<View> for Formula {
    fn from(view: View) -> Formula {
        Formula(Rc::new(move |w| w.number(view)), Some(view))
    }
}

impl From<f32> for Formula {
    fn from(x: f32) -> Formula {
        Formula::new(move |w| w.code.float(x))
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
    ($($trait:ident::$name:ident = $write:ident for $($left:ty),*;)*) => {$($(
        impl<T: Into<Formula>> $trait<T> for $left {
            type Output = Formula;
            fn $name(self, other: T) -> Formula {
                let (a, b) = (Formula::from(self), other.into());
                Formula::new(move |w| {
                    let (a, b) = ((a.0)(w), (b.0)(w));
                    w.code.$write(a, b)
                })
            }
        }
    )*)*};
}

operators! {
    Add::add = add_fused for Formula, View;
    Sub::sub = sub for Formula, View;
    Mul::mul = mul for Formula, View;
}

/// 1 - x
pub fn rest(x: impl Into<Formula>) -> Formula {
    Formula::from(1.0) - x
}

/// The sum of the product that a formula follows.
pub fn sum() -> Formula {
    Formula::new(|w| {
        let sum = w.code.push(Node::Acc);
        match w.sums.is_int() {
            true => w.code.to_float(sum),
            false => sum,
        }
    })
}

/// An activation with its parameters.
#[derive(Clone, Copy)]
pub struct Act(pub Eltwise, pub f32, pub f32);

pub const LOGISTIC: Act = Act(Eltwise::Logistic, 0.0, 0.0);
pub const TANH: Act = Act(Eltwise::Tanh, 0.0, 0.0);

impl Act {
    /// The activation of x.
    pub fn of(self, x: impl Into<Formula>) -> Formula {
        let x = x.into();
        Formula::new(move |w| {
            let x = (x.0)(w);
            eltwise::forward(&mut w.code, self.0, self.1, self.2, x)
        })
    }

    /// Its derivative where it gives y.
    pub fn slope(self, y: impl Into<Formula>) -> Formula {
        let y = y.into();
        Formula::new(move |w| {
            let y = (y.0)(w);
            eltwise::derivative(&mut w.code, self.0, true, self.1, self.2, y)
        })
    }
}

/// What is written of an expression, with the views that it reads so far.
pub struct Writer {
    code: Builder,
    views: Vec<View>,
    /// Scale and shift of 8-bit data.
    data: (f32, f32),
    /// The type of sums.
    sums: DataType,
}

impl Writer {
    /// The expression for a result of type `d`, and its operands. 8-bit operands are read as the numbers that they stand for,
    /// and stored so; what is only moved stays as it is, and so do sums stored as integers.
    pub fn write(
        formula: &Formula,
        (d, sums): (DataType, DataType),
        data: (f32, f32),
    ) -> (Expr, Vec<View>) {
        if sums == DataType::S32 && d == sums {
            return (Expr::acc(true), Vec::new());
        }
        let mut w = Writer {
            code: Builder::new(),
            views: Vec::new(),
            data,
            sums,
        };
        let mut result = match formula.1 {
            Some(view) if view.dtype == d => w.load(view),
            _ => (formula.0)(&mut w),
        };
        if d.is_int() && formula.1.is_none_or(|view| view.dtype != d) {
            let (scale, shift) = (w.code.float(data.0), w.code.float(data.1));
            result = w.code.fma(result, scale, shift);
        }
        (w.code.finish(result, false), w.views)
    }

    fn load(&mut self, view: View) -> Id {
        let known = self.views.iter().position(|v| *v == view);
        let slot = known.unwrap_or(self.views.len());
        if known.is_none() {
            self.views.push(view);
        }
        self.code.push(Node::Load {
            slot: slot as u8,
            dtype: view.dtype,
            bcast: bcast(view.col, view.row, view.dtype.size_bytes() as i64)
                .expect("views have adjacent elements"),
            int: false,
        })
    }

    fn number(&mut self, view: View) -> Id {
        let x = self.load(view);
        if !view.dtype.is_int() {
            return x;
        }
        let (unit, shift) = (1.0 / self.data.0, self.data.1);
        let (unit, shift) = (self.code.float(unit), self.code.float(shift));
        let x = self.code.sub(x, shift);
        self.code.mul(x, unit)
    }
}
