//! The element-wise algorithms of the API as expressions: forward and derivative.
//!
//! Results are within a few units in the last place over the whole range, subnormals included; infinities give the
//! limit and NaN gives NaN. `docs/numerics.md` lists the errors.

mod math;

use super::expr::{Builder, Id, Pred};
use crate::attr::{BinaryAlg, Eltwise};
use math::{Normal, Sigmoid, abs, at_least, at_most, clamp, finite};
use std::f32::consts::FRAC_2_SQRT_PI;

/// gelu_tanh is x·logistic(`GELU`·x·(1 + `GELU_CUBIC`·x²)), since (1 + tanh u)/2 is the logistic of 2u.
const GELU: f32 = 1.595_769;
const GELU_CUBIC: f32 = 0.044_715;
/// 1/√(2π)
const DENSITY: f32 = FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2 / 2.0;
/// Above this the hyperbolic tangent of mish is 1.
const MISH_MAX: f32 = 20.0;

/// `alg(x; alpha, beta)`.
pub fn forward(b: &mut Builder, alg: Eltwise, alpha: f32, beta: f32, x: Id) -> Id {
    match alg {
        Eltwise::Relu => relu(b, alpha, x),
        Eltwise::Tanh => math::tanh(b, x),
        Eltwise::Elu => elu(b, alpha, x),
        Eltwise::Square => b.mul(x, x),
        Eltwise::Abs => abs(b, x),
        Eltwise::Sqrt => b.sqrt(x),
        Eltwise::Linear => linear(b, alpha, beta, x),
        Eltwise::SoftRelu => math::softplus(b, alpha, x),
        Eltwise::Hardsigmoid => hardsigmoid(b, alpha, beta, x),
        Eltwise::Logistic => math::logistic(b, x),
        Eltwise::Exp => math::exp(b, x),
        Eltwise::GeluTanh => {
            let v = gelu_argument(b, x);
            weighted_by_logistic(b, x, v)
        }
        Eltwise::Swish => {
            let v = times(b, alpha, x);
            weighted_by_logistic(b, x, v)
        }
        Eltwise::Log => math::log(b, x),
        Eltwise::Clip | Eltwise::ClipV2 => clamp(b, alpha, beta, x),
        Eltwise::Pow => pow(b, alpha, beta, x),
        Eltwise::GeluErf => gelu_erf(b, x),
        Eltwise::Round => b.round(x),
        Eltwise::Mish => mish(b, x),
        Eltwise::Hardswish => {
            let weight = hardsigmoid(b, alpha, beta, x);
            b.mul(x, weight)
        }
    }
}

/// The derivative by x at `data`, which is x, or with `use_dst` the forward result. `Round` has derivative 0.
pub fn derivative(
    b: &mut Builder,
    alg: Eltwise,
    use_dst: bool,
    alpha: f32,
    beta: f32,
    data: Id,
) -> Id {
    if use_dst {
        return derivative_by_dst(b, alg, alpha, beta, data);
    }
    match alg {
        Eltwise::Tanh => tanh_slope(b, data),
        Eltwise::Elu => elu_slope(b, alpha, data),
        Eltwise::Square => b.add(data, data),
        Eltwise::Abs => sign(b, data),
        Eltwise::Sqrt => {
            let root = b.sqrt(data);
            half_inverse(b, root)
        }
        Eltwise::Linear => b.float(alpha),
        Eltwise::SoftRelu => {
            let v = times(b, alpha, data);
            math::logistic(b, v)
        }
        Eltwise::Hardsigmoid => {
            let v = linear(b, alpha, beta, data);
            inside(b, v, (Pred::Gt, 0.0), (Pred::Lt, 1.0), alpha)
        }
        Eltwise::Logistic => {
            let sigmoid = Sigmoid::new(b, data);
            sigmoid.slope(b)
        }
        Eltwise::Exp => math::exp(b, data),
        Eltwise::GeluTanh => gelu_tanh_slope(b, data),
        Eltwise::Swish => swish_slope(b, alpha, data),
        Eltwise::Log => {
            let one = b.float(1.0);
            b.div(one, data)
        }
        Eltwise::Clip => inside(b, data, (Pred::Gt, alpha), (Pred::Le, beta), 1.0),
        Eltwise::Pow if beta == 0.0 => b.float(0.0),
        Eltwise::Pow => pow(b, alpha * beta, beta - 1.0, data),
        Eltwise::GeluErf => gelu_erf_slope(b, data),
        Eltwise::Round => b.float(0.0),
        Eltwise::Mish => mish_slope(b, data),
        Eltwise::Hardswish => hardswish_slope(b, alpha, beta, data),
        Eltwise::Relu | Eltwise::ClipV2 => derivative_by_dst(b, alg, alpha, beta, data),
    }
}

/// Derivatives by the forward result, and those that are the same by either.
fn derivative_by_dst(b: &mut Builder, alg: Eltwise, alpha: f32, beta: f32, dst: Id) -> Id {
    let (zero, one) = (b.float(0.0), b.float(1.0));
    match alg {
        Eltwise::Relu => {
            let slope = b.float(alpha);
            b.select(Pred::Gt, dst, zero, one, slope)
        }
        Eltwise::Tanh => {
            let (below, above) = (b.sub(one, dst), b.add(one, dst));
            b.mul(below, above)
        }
        Eltwise::Elu => {
            let alpha = b.float(alpha);
            let slope = b.add(dst, alpha);
            b.select(Pred::Gt, dst, zero, one, slope)
        }
        Eltwise::Sqrt => half_inverse(b, dst),
        Eltwise::Logistic => {
            let rest = b.sub(one, dst);
            b.mul(dst, rest)
        }
        Eltwise::Exp => dst,
        Eltwise::ClipV2 => inside(b, dst, (Pred::Gt, alpha), (Pred::Lt, beta), 1.0),
        other => unreachable!("{other:?} has no derivative by its result"),
    }
}

/// `alg(x, y)`; comparisons give 1 or 0. `select` is not binary and is written by its user.
pub fn binary(b: &mut Builder, alg: BinaryAlg, x: Id, y: Id) -> Id {
    let pred = match alg {
        BinaryAlg::Add => return b.add(x, y),
        BinaryAlg::Mul => return b.mul(x, y),
        BinaryAlg::Max => return b.max(x, y),
        BinaryAlg::Min => return b.min(x, y),
        BinaryAlg::Div => return b.div(x, y),
        BinaryAlg::Sub => return b.sub(x, y),
        BinaryAlg::Ge => Pred::Ge,
        BinaryAlg::Gt => Pred::Gt,
        BinaryAlg::Le => Pred::Le,
        BinaryAlg::Lt => Pred::Lt,
        BinaryAlg::Eq => Pred::Eq,
        BinaryAlg::Ne => Pred::Ne,
        BinaryAlg::Select => unreachable!("select has three operands"),
    };
    let (one, zero) = (b.float(1.0), b.float(0.0));
    b.select(pred, x, y, one, zero)
}

/// x ≥ 0 ? x : x·weight
pub fn prelu(b: &mut Builder, x: Id, weight: Id) -> Id {
    let (zero, scaled) = (b.float(0.0), b.mul(x, weight));
    b.select(Pred::Ge, x, zero, x, scaled)
}

fn times(b: &mut Builder, factor: f32, x: Id) -> Id {
    let factor = b.float(factor);
    b.mul(x, factor)
}

fn linear(b: &mut Builder, alpha: f32, beta: f32, x: Id) -> Id {
    let (factor, offset) = (b.float(alpha), b.float(beta));
    match (alpha == 1.0, beta == 0.0) {
        (_, true) => b.mul(x, factor),
        (true, false) => b.add(x, offset),
        (false, false) => b.fma(x, factor, offset),
    }
}

/// A maximum does where the slope allows it.
fn relu(b: &mut Builder, alpha: f32, x: Id) -> Id {
    if alpha == 0.0 {
        return at_least(b, 0.0, x);
    }
    let scaled = times(b, alpha, x);
    if (0.0..=1.0).contains(&alpha) {
        return b.max(scaled, x);
    }
    let zero = b.float(0.0);
    b.select(Pred::Gt, x, zero, x, scaled)
}

fn elu(b: &mut Builder, alpha: f32, x: Id) -> Id {
    let zero = b.float(0.0);
    let negative = at_most(b, 0.0, x);
    let y = math::expm1_negative(b, negative);
    let y = times(b, alpha, y);
    b.select(Pred::Gt, x, zero, x, y)
}

fn elu_slope(b: &mut Builder, alpha: f32, x: Id) -> Id {
    let (zero, one) = (b.float(0.0), b.float(1.0));
    let negative = at_most(b, 0.0, x);
    let negative = at_least(b, math::EXP_MIN, negative);
    let y = math::exp_bounded(b, negative);
    let y = times(b, alpha, y);
    b.select(Pred::Gt, x, zero, one, y)
}

/// 4z/(1+z)² with z = exp(-2|x|): accurate where tanh is nearly 1.
fn tanh_slope(b: &mut Builder, x: Id) -> Id {
    let x = b.add(x, x);
    let sigmoid = Sigmoid::new(b, x);
    let slope = sigmoid.slope(b);
    times(b, 4.0, slope)
}

fn sign(b: &mut Builder, x: Id) -> Id {
    let (zero, one, minus) = (b.float(0.0), b.float(1.0), b.float(-1.0));
    let rest = b.select(Pred::Lt, x, zero, minus, zero);
    b.select(Pred::Gt, x, zero, one, rest)
}

/// 1/(2·root)
fn half_inverse(b: &mut Builder, root: Id) -> Id {
    let half = b.float(0.5);
    b.div(half, root)
}

fn hardsigmoid(b: &mut Builder, alpha: f32, beta: f32, x: Id) -> Id {
    let v = linear(b, alpha, beta, x);
    clamp(b, 0.0, 1.0, v)
}

fn hardswish_slope(b: &mut Builder, alpha: f32, beta: f32, x: Id) -> Id {
    let (zero, one) = (b.float(0.0), b.float(1.0));
    let v = linear(b, alpha, beta, x);
    let slope = linear(b, 2.0 * alpha, beta, x);
    let slope = b.select(Pred::Ge, v, one, one, slope);
    b.select(Pred::Le, v, zero, zero, slope)
}

/// `value` where x satisfies both comparisons, else 0.
fn inside(b: &mut Builder, x: Id, low: (Pred, f32), high: (Pred, f32), value: f32) -> Id {
    let (zero, value) = (b.float(0.0), b.float(value));
    let bound = b.float(high.1);
    let value = b.select(high.0, x, bound, value, zero);
    let bound = b.float(low.1);
    b.select(low.0, x, bound, value, zero)
}

/// x·logistic(v), which vanishes where the logistic does.
fn weighted_by_logistic(b: &mut Builder, x: Id, v: Id) -> Id {
    let logistic = math::logistic(b, v);
    let x = finite_where_small(b, x);
    b.mul(x, logistic)
}

/// Keeps -∞ · 0 from being NaN.
fn finite_where_small(b: &mut Builder, x: Id) -> Id {
    at_least(b, -f32::MAX, x)
}

fn gelu_argument(b: &mut Builder, x: Id) -> Id {
    let square = b.mul(x, x);
    let slope = linear(b, GELU * GELU_CUBIC, GELU, square);
    b.mul(slope, x)
}

/// s·(1 + x·v'·(1-s)) for x·s(v(x)).
fn logistic_slope(b: &mut Builder, v: Id, x_slope: Id) -> Id {
    let one = b.float(1.0);
    let sigmoid = Sigmoid::new(b, v);
    let inverse = b.div(one, sigmoid.sum);
    let (s, rest) = (sigmoid.numerator(b), sigmoid.complement(b));
    let (s, rest) = (b.mul(s, inverse), b.mul(rest, inverse));
    let factor = b.fma(x_slope, rest, one);
    b.mul(s, factor)
}

fn swish_slope(b: &mut Builder, alpha: f32, x: Id) -> Id {
    let v = times(b, alpha, x);
    let v = finite(b, v);
    logistic_slope(b, v, v)
}

fn gelu_tanh_slope(b: &mut Builder, x: Id) -> Id {
    // Beyond this the slope is 0 or 1.
    let x = clamp(b, -16.0, 16.0, x);
    let v = gelu_argument(b, x);
    let square = b.mul(x, x);
    let slope = linear(b, 3.0 * GELU * GELU_CUBIC, GELU, square);
    let x_slope = b.mul(slope, x);
    logistic_slope(b, v, x_slope)
}

/// max(x, 0) + t·tail
fn gelu_erf(b: &mut Builder, x: Id) -> Id {
    let normal = Normal::new(b, x);
    let tail = b.mul(normal.density, normal.ratio);
    let positive = at_least(b, 0.0, x);
    b.fma(normal.t, tail, positive)
}

/// The normal distribution at x plus x times its density; at x and -x these add up to 1.
fn gelu_erf_slope(b: &mut Builder, x: Id) -> Id {
    let normal = Normal::new(b, x);
    let (zero, one, factor) = (b.float(0.0), b.float(1.0), b.float(DENSITY));
    let below = b.fma(normal.t, factor, normal.ratio);
    let below = b.mul(normal.density, below);
    let above = b.sub(one, below);
    b.select(Pred::Lt, x, zero, below, above)
}

/// With e = exp x: n = e² + 2e and tanh(ln(1+e)) = n/(n+2). Returns e, n, n+2 and x above its lower bound.
fn mish_parts(b: &mut Builder, x: Id) -> (Id, Id, Id, Id) {
    let x = at_least(b, math::EXP_MIN, x);
    let bounded = at_most(b, MISH_MAX, x);
    let e = math::exp_bounded(b, bounded);
    let double = b.add(e, e);
    let n = b.fma(e, e, double);
    let two = b.float(2.0);
    (e, n, b.add(n, two), x)
}

fn mish(b: &mut Builder, x: Id) -> Id {
    let (_, n, sum, x) = mish_parts(b, x);
    let tanh = b.div(n, sum);
    b.mul(x, tanh)
}

/// (n + 4x·e·(e+1)/(n+2)) / (n+2)
fn mish_slope(b: &mut Builder, x: Id) -> Id {
    let (e, n, sum, x) = mish_parts(b, x);
    let x = at_most(b, MISH_MAX, x);
    let square = b.fma(e, e, e);
    let x = times(b, 4.0, x);
    let part = b.mul(x, square);
    let part = b.div(part, sum);
    let whole = b.add(n, part);
    b.div(whole, sum)
}

/// alpha·x^beta, by multiplication for small whole exponents.
fn pow(b: &mut Builder, alpha: f32, beta: f32, x: Id) -> Id {
    if alpha == 0.0 || beta == 0.0 {
        return b.float(alpha);
    }
    let value = match beta.abs() {
        0.5 => b.sqrt(x),
        1.0 => x,
        2.0 => b.mul(x, x),
        3.0 => {
            let square = b.mul(x, x);
            b.mul(square, x)
        }
        _ => {
            let value = math::pow(b, x, beta);
            return times(b, alpha, value);
        }
    };
    if beta > 0.0 {
        return times(b, alpha, value);
    }
    let alpha = b.float(alpha);
    b.div(alpha, value)
}
