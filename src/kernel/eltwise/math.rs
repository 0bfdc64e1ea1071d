//! Exponential, logarithm and their relatives as expressions.
//!
//! Polynomials were fitted to the least maximal relative error over their interval, with coefficients rounded to f32
//! one after the other. NaN passes through everywhere: `min(c, x)` and `max(c, x)` give x when x is NaN.

use crate::kernel::expr::{Builder, Id, Pred};

const SIGN: u32 = 0x8000_0000;
const ABS: u32 = 0x7fff_ffff;

/// Below this argument the exponential rounds to zero, above `EXP_MAX` to infinity.
pub const EXP_MIN: f32 = -104.0;
const EXP_MAX: f32 = 89.0;

/// (eʳ - 1 - r) / r² for |r| ≤ ln2/2.
const EXPM1: [f32; 5] = [
    0.499_999_97,
    0.166_665_45,
    0.041_667_465,
    0.008_366_424,
    0.001_386_831_9,
];

/// (2ʳ - 1) / r for |r| ≤ 1/2.
const EXP2M1: [f32; 6] = [
    std::f32::consts::LN_2,
    0.240_226_48,
    0.055_503_596,
    0.009_618_506,
    0.001_339_102_4,
    0.000_153_267_86,
];

/// ln2 in two parts; a multiple of the first by a small integer is exact.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// (ln(1+f) - f + f²/2) / f³ for 1+f in [√½, √2].
const LOG: [f32; 8] = [
    0.333_333_3,
    -0.250_008_2,
    0.200_012_42,
    -0.166_234_09,
    0.142_015_8,
    -0.131_596_12,
    0.127_622_19,
    -0.076_364_33,
];

/// ln(1+z) / z for z in [0, 1].
const LOG1P: [f32; 10] = [
    1.0,
    -0.499_999_3,
    0.333_304_64,
    -0.249_580_19,
    0.196_921_02,
    -0.153_448_8,
    0.106_611_28,
    -0.057_457_23,
    0.020_086_242,
    -0.003_290_468_6,
];

/// (log2((1+s)/(1-s)) - 2/ln2 · s) / s³ in powers of s², for the s of [√½, √2].
const LOG2: [f32; 3] = [0.961_798_25, 0.576_756_4, 0.430_905_52];

/// tanh(x)/x = P(x²)/Q(x²) for |x| ≤ `TANH_MAX`, where tanh rounds to 1.
const TANH_P: [f32; 6] = [
    1.0,
    0.136_803_87,
    3.868_919_3e-3,
    2.801_941e-5,
    3.061_382_3e-8,
    -1.222_487_6e-11,
];
const TANH_Q: [f32; 5] = [
    1.0,
    0.470_137_2,
    0.027_248_003,
    3.939_674_6e-4,
    1.288_202_5e-6,
];
const TANH_MAX: f32 = 9.01;

/// ½·erfc(t/√2)·exp(t²/2) = P(-t)/Q(-t) for 0 ≤ t ≤ `NORMAL_MAX`, best where the tail is not yet small.
const ERFC_P: [f32; 4] = [0.5, -0.324_100_32, 0.099_015_735, -0.012_457_168];
const ERFC_Q: [f32; 5] = [1.0, -1.446_084_1, 0.851_853_2, -0.247_453_82, 0.031_255_905];
/// Beyond this many standard deviations the tail of the normal distribution rounds to zero.
const NORMAL_MAX: f32 = 15.0;

/// Σ coefs\[i\]·xⁱ
fn polynomial(b: &mut Builder, coefs: &[f32], x: Id) -> Id {
    let (last, rest) = coefs.split_last().expect("a polynomial has coefficients");
    let last = b.float(*last);
    rest.iter().rev().fold(last, |sum, &c| {
        let c = b.float(c);
        b.fma(sum, x, c)
    })
}

/// |x|
pub fn abs(b: &mut Builder, x: Id) -> Id {
    let mask = b.int(ABS);
    b.and(x, mask)
}

/// The nearest of x in [low, high].
pub fn clamp(b: &mut Builder, low: f32, high: f32, x: Id) -> Id {
    let (low, high) = (b.float(low), b.float(high));
    let x = b.max(low, x);
    b.min(high, x)
}

/// x where that is at least `low`.
pub fn at_least(b: &mut Builder, low: f32, x: Id) -> Id {
    let low = b.float(low);
    b.max(low, x)
}

/// x where that is at most `high`.
pub fn at_most(b: &mut Builder, high: f32, x: Id) -> Id {
    let high = b.float(high);
    b.min(high, x)
}

/// x, with `f32::MAX` in the place of infinities, so that their product with a vanishing factor vanishes.
pub fn finite(b: &mut Builder, x: Id) -> Id {
    clamp(b, -f32::MAX, f32::MAX, x)
}

/// n and r with x = n·ln2 + r.
fn reduce(b: &mut Builder, x: Id) -> (Id, Id) {
    let log2_e = b.float(std::f32::consts::LOG2_E);
    let scaled = b.mul(x, log2_e);
    let n = b.round(scaled);
    let (high, low) = (b.float(-LN2_HIGH), b.float(-LN2_LOW));
    let r = b.fma(n, high, x);
    (n, b.fma(n, low, r))
}

/// eˣ for x between -174 and 174.
pub fn exp_bounded(b: &mut Builder, x: Id) -> Id {
    let (n, r) = reduce(b, x);
    let [c2, c3, c4, c5, c6] = EXPM1;
    let p = polynomial(b, &[1.0, 1.0, c2, c3, c4, c5, c6], r);
    b.scale(p, n)
}

/// eˣ
pub fn exp(b: &mut Builder, x: Id) -> Id {
    let x = clamp(b, EXP_MIN, EXP_MAX, x);
    exp_bounded(b, x)
}

/// eˣ - 1 for x ≤ 0, without cancellation near 0.
pub fn expm1_negative(b: &mut Builder, x: Id) -> Id {
    let x = at_least(b, EXP_MIN, x);
    let (n, r) = reduce(b, x);
    let p = polynomial(b, &EXPM1, r);
    let square = b.mul(r, r);
    let rest = b.fma(square, p, r);
    let one = b.float(1.0);
    let power = b.scale(one, n);
    let whole = b.sub(power, one);
    b.fma(power, rest, whole)
}

/// z = exp(-|x|), which neither overflows nor cancels in 1 + z.
pub fn exp_minus_abs(b: &mut Builder, x: Id) -> Id {
    let sign = b.int(SIGN);
    let x = b.or(x, sign);
    let x = at_least(b, EXP_MIN, x);
    exp_bounded(b, x)
}

/// The parts of 1/(1+e⁻ˣ) = small/sum for negative x, 1/sum for positive.
pub struct Sigmoid {
    /// exp(-|x|)
    pub small: Id,
    /// 1 + small
    pub sum: Id,
    x: Id,
}

impl Sigmoid {
    /// Writes the parts.
    pub fn new(b: &mut Builder, x: Id) -> Sigmoid {
        let small = exp_minus_abs(b, x);
        let one = b.float(1.0);
        let sum = b.add(small, one);
        Sigmoid { small, sum, x }
    }

    /// The numerator of 1/(1+e⁻ˣ) over `sum`.
    pub fn numerator(&self, b: &mut Builder) -> Id {
        let (zero, one) = (b.float(0.0), b.float(1.0));
        b.select(Pred::Lt, self.x, zero, self.small, one)
    }

    /// The numerator of 1/(1+eˣ) over `sum`.
    pub fn complement(&self, b: &mut Builder) -> Id {
        let (zero, one) = (b.float(0.0), b.float(1.0));
        b.select(Pred::Lt, self.x, zero, one, self.small)
    }

    /// The product of both, which is the derivative.
    pub fn slope(&self, b: &mut Builder) -> Id {
        let square = b.mul(self.sum, self.sum);
        b.div(self.small, square)
    }
}

/// 1/(1+e⁻ˣ)
pub fn logistic(b: &mut Builder, x: Id) -> Id {
    let sigmoid = Sigmoid::new(b, x);
    let numerator = sigmoid.numerator(b);
    b.div(numerator, sigmoid.sum)
}

/// tanh x
pub fn tanh(b: &mut Builder, x: Id) -> Id {
    let x = clamp(b, -TANH_MAX, TANH_MAX, x);
    let square = b.mul(x, x);
    let p = polynomial(b, &TANH_P, square);
    let p = b.mul(p, x);
    let q = polynomial(b, &TANH_Q, square);
    b.div(p, q)
}

/// ln(1 + exp(alpha·x)) / alpha
pub fn softplus(b: &mut Builder, alpha: f32, x: Id) -> Id {
    let (factor, inverse, zero) = (b.float(alpha), b.float(1.0 / alpha), b.float(0.0));
    let scaled = b.mul(x, factor);
    let z = exp_minus_abs(b, scaled);
    let p = polynomial(b, &LOG1P, z);
    let log = b.mul(p, z);
    let linear = if alpha > 0.0 {
        b.max(x, zero)
    } else {
        b.min(x, zero)
    };
    b.fma(log, inverse, linear)
}

/// For x > 0: an integral e and m in [√½, √2) with x = m·2ᵉ.
fn split(b: &mut Builder, x: Id) -> (Id, Id) {
    // Subnormals are lifted first.
    let (normal, lift) = (b.float(f32::MIN_POSITIVE), b.float(8_388_608.0));
    let lifted = b.mul(x, lift);
    let (down, zero) = (b.float(-23.0), b.float(0.0));
    let scaled = b.select(Pred::Lt, x, normal, lifted, x);
    let correction = b.select(Pred::Lt, x, normal, down, zero);
    // The exponent counts from √½, as a multiple of 2²³ that is exact in f32.
    let (origin, exponent) = (b.float(std::f32::consts::FRAC_1_SQRT_2), b.int(0xff80_0000));
    let bits = b.sub_int(scaled, origin);
    let bits = b.and(bits, exponent);
    let m = b.sub_int(scaled, bits);
    let e = b.to_float(bits);
    let unit = b.float(1.0 / 8_388_608.0);
    (b.fma(e, unit, correction), m)
}

/// ln x
pub fn log(b: &mut Builder, x: Id) -> Id {
    let (e, m) = split(b, x);
    let one = b.float(1.0);
    let f = b.sub(m, one);
    let square = b.mul(f, f);
    let p = polynomial(b, &LOG, f);
    let half = b.float(-0.5);
    let p = b.fma(f, p, half);
    let (high, low) = (b.float(LN2_HIGH), b.float(LN2_LOW));
    let rest = b.mul(e, low);
    let rest = b.fma(square, p, rest);
    let rest = b.add(f, rest);
    let value = b.fma(e, high, rest);
    let (zero, infinity) = (b.float(0.0), b.float(f32::INFINITY));
    let value = b.select(Pred::Lt, x, infinity, value, x);
    let (pole, nan) = (b.float(f32::NEG_INFINITY), b.float(f32::NAN));
    let outside = b.select(Pred::Eq, x, zero, pole, nan);
    b.select(Pred::Gt, x, zero, value, outside)
}

/// 2^(n + r) for |r| ≤ 1/2.
fn exp2(b: &mut Builder, n: Id, r: Id) -> Id {
    let [c1, c2, c3, c4, c5, c6] = EXP2M1;
    let p = polynomial(b, &[1.0, c1, c2, c3, c4, c5, c6], r);
    b.scale(p, n)
}

/// The normal distribution below t = -|x| (with t within bounds beyond which it vanishes), for products and sums.
pub struct Normal {
    /// -|x|
    pub t: Id,
    /// e^(-t²/2)
    pub density: Id,
    /// The distribution over `density`, computed beside it.
    pub ratio: Id,
}

impl Normal {
    /// Writes the parts.
    pub fn new(b: &mut Builder, x: Id) -> Normal {
        let sign = b.int(SIGN);
        let t = b.or(x, sign);
        let t = at_least(b, -NORMAL_MAX, t);
        let square = b.mul(t, t);
        let half_log2_e = std::f32::consts::LOG2_E / 2.0;
        let (fall, rise) = (b.float(half_log2_e), b.float(-half_log2_e));
        let exponent = b.mul(square, fall);
        let n = b.round(exponent);
        let r = b.fma(square, rise, n);
        let n = negate(b, n);
        let density = exp2(b, n, r);
        let p = polynomial(b, &ERFC_P, t);
        let q = polynomial(b, &ERFC_Q, t);
        let ratio = b.div(p, q);
        Normal { t, density, ratio }
    }
}

/// x^y for a number y other than 0.
pub fn pow(b: &mut Builder, x: Id, y: f32) -> Id {
    let size = abs(b, x);
    let mut value = pow_positive(b, size, y);
    let (zero, one, infinity) = (b.float(0.0), b.float(1.0), b.float(f32::INFINITY));
    if y.fract() != 0.0 {
        let nan = b.float(f32::NAN);
        value = b.select(Pred::Lt, x, zero, nan, value);
    }
    // 0, infinity and NaN stay, or are inverted.
    let edge = if y > 0.0 { size } else { b.div(one, size) };
    value = b.select(Pred::Lt, size, infinity, value, edge);
    value = b.select(Pred::Eq, size, zero, edge, value);
    if y % 2.0 == 0.0 || y.fract() != 0.0 {
        return value;
    }
    let sign = b.int(SIGN);
    let sign = b.and(x, sign);
    b.or(value, sign)
}

/// x^y for x > 0. The logarithm is carried in two floats, since at the ends of the range an error of its last bit becomes
/// one 128 times as large.
fn pow_positive(b: &mut Builder, x: Id, y: f32) -> Id {
    let (high, low) = log2_in_two(b, x);
    // Where the result over- or underflows, the parts must stay bounded; elsewhere the bounds do nothing.
    let limit = (160.0 / y.abs()).min(f32::MAX);
    let high = clamp(b, -limit, limit, high);
    let power = b.float(y);
    let product = b.mul(high, power);
    let n = b.round(product);
    let r = b.sub(product, n);
    let rounded = negate(b, product);
    let error = b.fma(high, power, rounded);
    let rest = b.fma(low, power, error);
    let rest = clamp(b, -1.0e-3, 1.0e-3, rest);
    let r = b.add(r, rest);
    exp2(b, n, r)
}

/// -x
pub fn negate(b: &mut Builder, x: Id) -> Id {
    let sign = b.int(SIGN);
    b.xor(x, sign)
}

/// log2 x for x > 0, as the sum of a float and a small one.
fn log2_in_two(b: &mut Builder, x: Id) -> (Id, Id) {
    const SLOPE: f64 = 2.0 / std::f64::consts::LN_2;
    let (e, m) = split(b, x);
    // s = (m-1)/(m+1) in two parts: the quotient and what it misses.
    let (one, two) = (b.float(1.0), b.float(2.0));
    let f = b.sub(m, one);
    let (sum, lost) = two_sum(b, two, f);
    let s = b.div(f, sum);
    let minus_s = negate(b, s);
    let missed = b.fma(minus_s, sum, f);
    let missed = b.fma(minus_s, lost, missed);
    let s_low = b.div(missed, sum);
    // log2 m = SLOPE·s + s³·Q(s²), again in two parts.
    let slope = b.float(SLOPE as f32);
    let slope_low = b.float((SLOPE - f64::from(SLOPE as f32)) as f32);
    let head = b.mul(s, slope);
    let minus_head = negate(b, head);
    let error = b.fma(s, slope, minus_head);
    let square = b.mul(s, s);
    let cube = b.mul(square, s);
    let q = polynomial(b, &LOG2, square);
    let low = b.fma(s_low, slope, error);
    let low = b.fma(s, slope_low, low);
    let low = b.fma(cube, q, low);
    // e is 0 or larger than the head, so this sum's error is known exactly.
    let (high, lost) = two_sum(b, e, head);
    let low = b.add(lost, low);
    two_sum(b, high, low)
}

/// The sum of a float and a smaller one, and what its rounding lost.
fn two_sum(b: &mut Builder, large: Id, small: Id) -> (Id, Id) {
    let sum = b.add(large, small);
    let kept = b.sub(sum, large);
    (sum, b.sub(small, kept))
}
