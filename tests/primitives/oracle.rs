//! What every primitive means, as naive loops over logical positions in f64; nothing here is shared with `src/`.

use crate::problem::Post;
use crate::tensor::{Array, Type};

/// An element-wise algorithm.
pub fn eltwise(alg: &str, s: f64, alpha: f64, beta: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let soft_relu = |x: f64| if x > 50.0 { x } else { x.exp().ln_1p() };
    match alg {
        "relu" => s * if s > 0.0 { 1.0 } else { alpha },
        "tanh" => s.tanh(),
        "elu" => {
            if s > 0.0 {
                s
            } else {
                alpha * s.exp_m1()
            }
        }
        "square" => s * s,
        "abs" => s.abs(),
        "sqrt" => s.sqrt(),
        "linear" => alpha * s + beta,
        "soft_relu" => soft_relu(alpha * s) / alpha,
        "hardsigmoid" => (alpha * s + beta).clamp(0.0, 1.0),
        "logistic" => sigmoid(s),
        "exp" => s.exp(),
        "gelu_tanh" => {
            0.5 * s * (1.0 + (0.797_884_560_802_865_4 * (s + 0.044715 * s * s * s)).tanh())
        }
        "swish" => s * sigmoid(alpha * s),
        "log" => s.ln(),
        "clip" | "clip_v2" => s.clamp(alpha, beta),
        "pow" => alpha * s.powf(beta),
        "gelu_erf" => 0.5 * s * (1.0 + erf(s / std::f64::consts::SQRT_2)),
        "round" => s.round_ties_even(),
        "mish" => s * soft_relu(s).tanh(),
        "hardswish" => s * (alpha * s + beta).clamp(0.0, 1.0),
        _ => panic!("{alg:?} is no element-wise algorithm"),
    }
}

/// The derivative by central differences of the definition above; where that has a corner, the API's convention.
pub fn eltwise_derivative(alg: &str, s: f64, alpha: f64, beta: f64) -> f64 {
    match alg {
        "relu" => {
            if s > 0.0 {
                1.0
            } else {
                alpha
            }
        }
        "abs" => {
            if s == 0.0 {
                0.0
            } else {
                s.signum()
            }
        }
        "clip" => f64::from(s > alpha && s <= beta),
        "clip_v2" => f64::from(s > alpha && s < beta),
        "hardsigmoid" => {
            let v = alpha * s + beta;
            if v > 0.0 && v < 1.0 { alpha } else { 0.0 }
        }
        "hardswish" => {
            let v = alpha * s + beta;
            if v <= 0.0 {
                0.0
            } else if v >= 1.0 {
                1.0
            } else {
                2.0 * alpha * s + beta
            }
        }
        _ => {
            let h = 1e-5 * s.abs().max(1.0);
            let f = |x| eltwise(alg, x, alpha, beta);
            (f(s + h) - f(s - h)) / (2.0 * h)
        }
    }
}

/// The error function: its Taylor series, or the continued fraction of its complement where that converges faster.
fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a < 2.5 {
        let (mut term, mut sum) = (a, a);
        for n in 1..100 {
            term *= -a * a / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return x.signum() * sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    let fraction = (1..80).rev().fold(a, |f, n| a + f64::from(n) / 2.0 / f);
    x.signum() * (1.0 - (-a * a).exp() / fraction / std::f64::consts::PI.sqrt())
}

/// A two-operand algorithm.
pub fn binary(alg: &str, x: f64, y: f64) -> f64 {
    match alg {
        "add" => x + y,
        "mul" => x * y,
        "max" => x.max(y),
        "min" => x.min(y),
        "div" => x / y,
        "sub" => x - y,
        "ge" => f64::from(x >= y),
        "gt" => f64::from(x > y),
        "le" => f64::from(x <= y),
        "lt" => f64::from(x < y),
        "eq" => f64::from(x == y),
        "ne" => f64::from(x != y),
        _ => panic!("{alg:?} is no binary algorithm"),
    }
}

/// What happens to a result on its way to dst.
pub struct Epilogue<'a> {
    pub post_ops: &'a [Post],
    /// The operands of binary and prelu post-ops, by their place in the chain.
    pub operands: &'a [Option<Array>],
    /// The values of dst before the call.
    pub old: Option<&'a Array>,
    pub scale: Option<&'a Array>,
    pub zero_point: Option<&'a Array>,
    pub dtype: Type,
}

impl Epilogue<'_> {
    /// What dst holds at a position where the operation gave `x`.
    pub fn apply(&self, index: &[i64], mut x: f64) -> f64 {
        for (i, post) in self.post_ops.iter().enumerate() {
            let operand = || {
                self.operands[i]
                    .as_ref()
                    .expect("the operand is there")
                    .at(index)
            };
            x = match post {
                Post::Sum { scale, zero_point } => {
                    let old = self.old.expect("a sum has old values").at(index);
                    x + scale * (old - f64::from(*zero_point))
                }
                Post::Eltwise { alg, alpha, beta } => eltwise(alg, x, *alpha, *beta),
                Post::Binary { alg, .. } => binary(alg, x, operand()),
                Post::Prelu { .. } => {
                    if x >= 0.0 {
                        x
                    } else {
                        x * operand()
                    }
                }
            };
        }
        let x = x / self.scale.map_or(1.0, |s| s.at(index));
        self.dtype
            .round(x + self.zero_point.map_or(0.0, |z| z.at(index)))
    }
}

/// An operand with its quantisation taken away: scale * (value - zero point).
pub fn dequantise(values: &Array, scale: Option<&Array>, zero_point: Option<&Array>) -> Array {
    Array::from_fn(&values.dims, |index| {
        let shifted = values.at(index) - zero_point.map_or(0.0, |z| z.at(index));
        scale.map_or(1.0, |s| s.at(index)) * shifted
    })
}

/// Batched products with broadcast batches.
pub fn matmul(
    src: &Array,
    weights: &Array,
    bias: Option<&Array>,
    epilogue: &Epilogue,
    dst: &[i64],
) -> Array {
    let n = dst.len();
    let k = src.dims[n - 1];
    Array::from_fn(dst, |index| {
        let (mut left, mut right) = (index.to_vec(), index.to_vec());
        let mut sum = 0.0;
        for i in 0..k {
            left[n - 1] = i;
            right[n - 2] = i;
            sum += src.at(&left) * weights.at(&right);
        }
        epilogue.apply(index, sum + bias.map_or(0.0, |b| b.at(index)))
    })
}

/// dst[n][o] = Σ src[n][..] weights[o][..] + bias[o].
pub fn inner_product(
    src: &Array,
    weights: &Array,
    bias: Option<&Array>,
    epilogue: &Epilogue,
) -> Array {
    let (mb, oc) = (src.dims[0] as usize, weights.dims[0] as usize);
    let k = weights.dims[1..].iter().product::<i64>() as usize;
    Array::from_fn(&[mb as i64, oc as i64], |index| {
        let (n, o) = (index[0] as usize, index[1] as usize);
        let sum: f64 = (0..k)
            .map(|i| src.data[n * k + i] * weights.data[o * k + i])
            .sum();
        epilogue.apply(index, sum + bias.map_or(0.0, |b| b.data[o]))
    })
}

/// diff_src[n][..] = Σ_o diff_dst[n][o] weights[o][..].
pub fn inner_product_backward_data(
    diff_dst: &Array,
    weights: &Array,
    src_dims: &[i64],
    dtype: Type,
) -> Array {
    let oc = weights.dims[0] as usize;
    let k = weights.dims[1..].iter().product::<i64>() as usize;
    let mut data = Vec::new();
    for n in 0..src_dims[0] as usize {
        for i in 0..k {
            let sum: f64 = (0..oc)
                .map(|o| diff_dst.data[n * oc + o] * weights.data[o * k + i])
                .sum();
            data.push(dtype.round(sum));
        }
    }
    Array {
        dims: src_dims.to_vec(),
        data,
    }
}

/// diff_weights[o][..] = Σ_n diff_dst[n][o] src[n][..], and the column sums of diff_dst.
pub fn inner_product_backward_weights(
    src: &Array,
    diff_dst: &Array,
    weights_dims: &[i64],
    dtype: Type,
    bias_dtype: Type,
) -> (Array, Array) {
    let (mb, oc) = (src.dims[0] as usize, weights_dims[0] as usize);
    let k = weights_dims[1..].iter().product::<i64>() as usize;
    let mut data = Vec::new();
    for o in 0..oc {
        for i in 0..k {
            let sum: f64 = (0..mb)
                .map(|n| diff_dst.data[n * oc + o] * src.data[n * k + i])
                .sum();
            data.push(dtype.round(sum));
        }
    }
    let bias = (0..oc)
        .map(|o| (0..mb).map(|n| diff_dst.data[n * oc + o]).sum())
        .map(|sum| bias_dtype.round(sum))
        .collect();
    (
        Array {
            dims: weights_dims.to_vec(),
            data,
        },
        Array {
            dims: vec![oc as i64],
            data: bias,
        },
    )
}
