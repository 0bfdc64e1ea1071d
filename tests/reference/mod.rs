//! The element-wise algorithms as f64 formulas, with the errors that are accepted.

use brick::attr::Eltwise::{self, *};
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// One algorithm with its parameters and its formula.
pub struct Case {
    pub alg: Eltwise,
    pub derivative: bool,
    pub use_dst: bool,
    pub alpha: f32,
    pub beta: f32,
    /// Value at x, alpha, beta.
    pub value: fn(f64, f64, f64) -> f64,
    /// Accepted error in units in the last place …
    pub ulps: f64,
    /// … of the value, or of this where it is smaller: next to zeros that cancellation makes, and in negligible tails.
    pub floor: f64,
}

impl Case {
    /// Whether the formula has a meaning at x: results of a forward pass are in its range.
    pub fn has(&self, x: f32) -> bool {
        match (self.alg, self.use_dst) {
            (Tanh, true) => x.abs() <= 1.0,
            (Logistic, true) => (0.0..=1.0).contains(&x),
            _ => true,
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let kind = match (self.derivative, self.use_dst) {
            (false, _) => "",
            (_, false) => "' by src",
            (_, true) => "' by dst",
        };
        write!(
            f,
            "{:?}{kind} alpha {} beta {}",
            self.alg, self.alpha, self.beta
        )
    }
}

type Row = (
    Eltwise,
    Kind,
    (f32, f32),
    fn(f64, f64, f64) -> f64,
    f64,
    f64,
);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Forward,
    Source,
    Result,
}

/// The table below as cases.
pub fn cases() -> impl Iterator<Item = Case> {
    TABLE
        .iter()
        .map(|&(alg, kind, (alpha, beta), value, ulps, floor)| Case {
            alg,
            derivative: kind != Kind::Forward,
            use_dst: kind == Kind::Result,
            alpha,
            beta,
            value,
            ulps,
            floor,
        })
}

fn pick(condition: bool, yes: f64, no: f64) -> f64 {
    if condition { yes } else { no }
}

fn logistic(x: f64) -> f64 {
    if x < 0.0 {
        x.exp() / (1.0 + x.exp())
    } else {
        1.0 / (1.0 + (-x).exp())
    }
}

fn logistic_slope(x: f64) -> f64 {
    logistic(x) * logistic(-x)
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p() + pick(x.is_nan(), x, 0.0)
}

/// 2/√π · Σ (-1)ⁿ x²ⁿ⁺¹ / (n!·(2n+1)) near 0, a continued fraction beyond.
fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 2.0 {
        if x < -2.0 {
            return 2.0 - erfc(-x);
        }
        let mut term = x;
        let mut sum = x;
        for n in 1..80 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return 1.0 - 2.0 / PI.sqrt() * sum;
    }
    let mut tail = 0.0;
    for n in (1..200).rev() {
        tail = f64::from(n) / 2.0 / (x + tail);
    }
    (-x * x).exp() / PI.sqrt() / (x + tail)
}

/// x·y, where a vanishing y wins over an infinite x.
fn product(x: f64, y: f64) -> f64 {
    pick(y == 0.0 && !x.is_nan(), 0.0, x * y)
}

fn normal(x: f64) -> f64 {
    erfc(-x * FRAC_1_SQRT_2) / 2.0
}

fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * PI).sqrt()
}

/// Twice the argument of gelu's tangent, and its derivative.
fn gelu_argument(x: f64) -> (f64, f64) {
    let scale = 2.0 * SQRT_2 / PI.sqrt();
    let square = 0.044715 * x * x;
    (scale * x * (1.0 + square), scale * (1.0 + 3.0 * square))
}

fn hardsigmoid(x: f64, a: f64, b: f64) -> f64 {
    let v = a * x + b;
    pick(v.is_nan(), v, v.clamp(0.0, 1.0))
}

fn mish_slope(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let t = softplus(x).tanh();
    t + product(x, (1.0 - t * t) * logistic(x))
}

fn swish_slope(x: f64, a: f64) -> f64 {
    let v = a * x;
    logistic(v) + product(v, logistic_slope(v))
}

fn gelu_tanh_slope(x: f64) -> f64 {
    let (v, slope) = gelu_argument(x);
    logistic(v) + product(x * slope, logistic_slope(v))
}

const NONE: (f32, f32) = (0.0, 0.0);

/// Algorithm, direction, (alpha, beta), formula, accepted ulps, floor.
#[rustfmt::skip]
const TABLE: &[Row] = {
    use Kind::*;
    &[
        (Relu, Forward, (0.0, 0.0), |x, a, _| pick(x > 0.0, x, pick(x.is_nan(), x, 0.0 * a)), 0.0, 0.0),
        (Relu, Forward, (0.25, 0.0), |x, a, _| pick(x > 0.0, x, a * x), 0.5, 0.0),
        (Relu, Forward, (-0.5, 0.0), |x, a, _| pick(x > 0.0, x, a * x), 0.5, 0.0),
        (Relu, Forward, (3.0, 0.0), |x, a, _| pick(x > 0.0, x, a * x), 0.5, 0.0),
        (Relu, Source, (0.25, 0.0), |x, a, _| pick(x > 0.0, 1.0, a), 0.0, 0.0),
        (Relu, Result, (0.25, 0.0), |d, a, _| pick(d > 0.0, 1.0, a), 0.0, 0.0),
        (Tanh, Forward, NONE, |x, _, _| x.tanh(), 5.0, 0.0),
        (Tanh, Source, NONE, |x, _, _| x.cosh().powi(-2), 4.0, 0.0),
        (Tanh, Result, NONE, |d, _, _| 1.0 - d * d, 1.5, 0.0),
        (Elu, Forward, (1.0, 0.0), |x, a, _| pick(x > 0.0, x, a * x.exp_m1()), 2.0, 0.0),
        (Elu, Forward, (0.7, 0.0), |x, a, _| pick(x > 0.0, x, a * x.exp_m1()), 2.5, 0.0),
        (Elu, Source, (0.7, 0.0), |x, a, _| pick(x > 0.0, 1.0, a * x.exp()), 2.0, 0.0),
        (Elu, Result, (0.7, 0.0), |d, a, _| pick(d > 0.0, 1.0, d + a), 0.5, 0.0),
        (Square, Forward, NONE, |x, _, _| x * x, 0.5, 0.0),
        (Square, Source, NONE, |x, _, _| 2.0 * x, 0.0, 0.0),
        (Abs, Forward, NONE, |x, _, _| x.abs(), 0.0, 0.0),
        (Abs, Source, NONE, |x, _, _| pick(x > 0.0, 1.0, pick(x < 0.0, -1.0, 0.0)), 0.0, 0.0),
        (Sqrt, Forward, NONE, |x, _, _| x.sqrt(), 0.5, 0.0),
        (Sqrt, Source, NONE, |x, _, _| 0.5 / x.sqrt(), 1.5, 0.0),
        (Sqrt, Result, NONE, |d, _, _| 0.5 / d, 0.5, 0.0),
        (Linear, Forward, (2.5, -0.75), |x, a, b| a * x + b, 0.5, 0.0),
        (Linear, Forward, (1.0, 0.0), |x, _, _| x, 0.0, 0.0),
        (Linear, Source, (2.5, -0.75), |_, a, _| a, 0.0, 0.0),
        (SoftRelu, Forward, (1.0, 0.0), |x, _, _| softplus(x), 2.5, 0.0),
        (SoftRelu, Forward, (-2.0, 0.0), |x, a, _| softplus(a * x) / a, 2.5, 0.0),
        (SoftRelu, Source, (2.0, 0.0), |x, a, _| logistic(a * x), 2.5, 0.0),
        (Hardsigmoid, Forward, (0.2, 0.5), hardsigmoid, 0.5, 0.0),
        (Hardsigmoid, Source, (0.25, 0.5), |x, a, b| { let v = a * x + b; pick(v > 0.0 && v < 1.0, a, 0.0) }, 0.0, 0.0),
        (Logistic, Forward, NONE, |x, _, _| logistic(x), 2.5, 0.0),
        (Logistic, Source, NONE, |x, _, _| logistic_slope(x), 4.0, 0.0),
        (Logistic, Result, NONE, |d, _, _| d * (1.0 - d), 1.5, 0.0),
        (Exp, Forward, NONE, |x, _, _| x.exp(), 1.5, 0.0),
        (Exp, Source, NONE, |x, _, _| x.exp(), 1.5, 0.0),
        (Exp, Result, NONE, |d, _, _| d, 0.0, 0.0),
        (GeluTanh, Forward, NONE, |x, _, _| product(x, logistic(gelu_argument(x).0)), 5.0, 0.1),
        (GeluTanh, Source, NONE, |x, _, _| gelu_tanh_slope(x), 4.0, 0.25),
        (Swish, Forward, (1.0, 0.0), |x, a, _| product(x, logistic(a * x)), 4.0, 1.0e-36),
        (Swish, Forward, (1.702, 0.0), |x, a, _| product(x, logistic(a * x)), 4.0, 0.1),
        (Swish, Source, (1.0, 0.0), |x, a, _| swish_slope(x, a), 4.0, 0.25),
        (Log, Forward, NONE, |x, _, _| x.ln(), 1.5, 0.0),
        (Log, Source, NONE, |x, _, _| 1.0 / x, 0.5, 0.0),
        (Clip, Forward, (-1.5, 6.0), |x, a, b| pick(x.is_nan(), x, x.clamp(a, b)), 0.0, 0.0),
        (Clip, Source, (-1.5, 1.0), |x, a, b| pick(a < x && x <= b, 1.0, 0.0), 0.0, 0.0),
        (ClipV2, Forward, (-1.5, 6.0), |x, a, b| pick(x.is_nan(), x, x.clamp(a, b)), 0.0, 0.0),
        (ClipV2, Source, (-1.5, 1.0), |x, a, b| pick(a < x && x < b, 1.0, 0.0), 0.0, 0.0),
        (ClipV2, Result, (-1.5, 1.0), |x, a, b| pick(a < x && x < b, 1.0, 0.0), 0.0, 0.0),
        (Pow, Forward, (2.0, 0.0), |_, a, _| a, 0.0, 0.0),
        (Pow, Forward, (2.0, 1.0), |x, a, b| a * x.powf(b), 0.5, 0.0),
        (Pow, Forward, (1.0, 2.0), |x, a, b| a * x.powf(b), 0.5, 0.0),
        (Pow, Forward, (1.0, 3.0), |x, a, b| a * x.powf(b), 1.5, 1.0e-30),
        (Pow, Forward, (1.0, 0.5), |x, a, _| a * x.sqrt(), 0.5, 0.0),
        (Pow, Forward, (1.0, -1.0), |x, a, b| a * x.powf(b), 0.5, 0.0),
        (Pow, Forward, (1.0, 1.7), |x, a, b| a * x.powf(b), 2.0, 0.0),
        (Pow, Forward, (3.0, -0.75), |x, a, b| a * x.powf(b), 2.5, 0.0),
        (Pow, Forward, (1.0, 4.0), |x, a, b| a * x.powf(b), 2.0, 0.0),
        (Pow, Forward, (1.0, 5.0), |x, a, b| a * x.powf(b), 2.0, 0.0),
        (Pow, Forward, (1.0, -7.0), |x, a, b| a * x.powf(b), 2.0, 0.0),
        (Pow, Forward, (1.0, 1000.5), |x, a, b| a * x.powf(b), 3.0, 0.0),
        (Pow, Forward, (1.0, 0.001), |x, a, b| a * x.powf(b), 2.0, 0.0),
        (Pow, Source, (2.0, 0.0), |_, _, _| 0.0, 0.0, 0.0),
        (Pow, Source, (2.0, 3.0), |x, a, b| a * b * x.powf(b - 1.0), 1.5, 1.0e-30),
        (Pow, Source, (2.0, 1.7), |x, a, b| a * b * x.powf(f64::from(b as f32 - 1.0)), 2.5, 1.0e-30),
        (GeluErf, Forward, NONE, |x, _, _| product(x, normal(x)), 4.0, 1.0e-2),
        (GeluErf, Source, NONE, |x, _, _| normal(x) + product(x, density(x)), 4.0, 0.25),
        (Round, Forward, NONE, |x, _, _| x.round_ties_even(), 0.0, 0.0),
        (Round, Source, NONE, |_, _, _| 0.0, 0.0, 0.0),
        (Mish, Forward, NONE, |x, _, _| product(x, softplus(x).tanh()), 4.0, 1.0e-36),
        (Mish, Source, NONE, |x, _, _| mish_slope(x), 4.0, 0.25),
        (Hardswish, Forward, (0.25, 0.5), |x, a, b| x * hardsigmoid(x, a, b), 1.5, 0.0),
        (Hardswish, Source, (0.25, 0.5), |x, a, b| { let v = a * x + b; pick(v <= 0.0, 0.0, pick(v >= 1.0, 1.0, 2.0 * a * x + b)) }, 0.5, 0.0),
    ]
};
