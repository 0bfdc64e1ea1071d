//! Matrix multiplication: `dst[b][m][n] = Σ_k src[b][m][k] * weights[b][k][n] + bias`.
//!
//! Batch dimensions of size 1 in src or weights are broadcast. A transposed operand is one with transposed strides.

use super::epilogue::{
    Binding, Epilogue, Input, ZeroPoint, arg, check_attr, check_broadcast, identity,
};
use super::gemm::Matrix;
use super::matrix::{
    Forward, Operand, accumulator, check_sizes, check_types, factors, matrix, panel_layout, plain,
    product,
};
use super::{Env, Planned, reduce};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::Side;
use crate::memory::MemoryDesc;
use crate::{require, supported};

/// The operation; an absent bias has `ndims == 0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub src: MemoryDesc,
    pub weights: MemoryDesc,
    pub bias: MemoryDesc,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        self.check()?;
        let all = [arg::SRC, arg::WEIGHTS, arg::DST];
        check_attr(attr, accumulator(self.src.dtype()), &all, &all)?;
        let (src, dst) = (plain(&self.src)?, plain(&self.dst)?);
        let across = matrix(0, &dst).is_some_and(|d| d.is_by_columns());
        let nd = dst.dims().len();
        let weights = match self.weights.is_any() && !across && nd <= 3 {
            true => panel_layout(&self.weights, (nd - 2, nd - 1), src.dims()[nd - 2], env),
            false => plain(&self.weights),
        };
        let weights = weights.or_else(|_| plain(&self.weights))?;
        let bias = plain(&self.bias)?;
        // A factor's dims run along those of dst, but the one that is summed over.
        let without = |reduced| {
            let to = |d| (d != reduced).then_some(d);
            (0..nd).map(to).collect::<Vec<_>>()
        };
        let (of_src, of_weights, all) = (without(nd - 1), without(nd - 2), identity(nd));
        let inputs = [
            Input::new(arg::SRC, &src, &of_src),
            Input::new(arg::WEIGHTS, &weights, &of_weights),
            Input::new(arg::BIAS, &bias, &all),
        ];
        let product = Forward::new(attr, env, inputs, &dst);
        planned(product, &(0, src), &(1, weights))
    }

    fn check(&self) -> Result<()> {
        let (s, w, d) = (self.src.dims(), self.weights.dims(), self.dst.dims());
        let nd = d.len();
        require!(nd >= 2, "matmul: dst has {nd} dims, at least 2 are needed");
        require!(
            s.len() == nd && w.len() == nd,
            "matmul: src has {} dims, weights {}, dst {nd}",
            s.len(),
            w.len()
        );
        let sizes = [
            ("K", [("src", s[nd - 1]), ("weights", w[nd - 2])]),
            ("M", [("src", s[nd - 2]), ("dst", d[nd - 2])]),
            ("N", [("weights", w[nd - 1]), ("dst", d[nd - 1])]),
        ];
        check_sizes("matmul", &sizes)?;
        for i in 0..nd - 2 {
            let fits = [s[i], w[i]].iter().all(|x| *x == d[i] || *x == 1)
                && (s[i] == d[i] || w[i] == d[i]);
            require!(
                fits,
                "matmul: batch dimension {i} is {} in src, {} in weights, {} in dst",
                s[i],
                w[i],
                d[i]
            );
        }
        if !self.bias.is_absent() {
            check_broadcast(&self.bias, &self.dst, "matmul: bias")?;
        }
        check_types("matmul", &self.src, &self.weights, &self.dst)
    }
}

/// Plans a product whose layouts are known.
pub fn planned(mut f: Forward, a: &Operand, b: &Operand) -> Result<Planned> {
    let ((_, src), (entry, weights), axes) = (a, b, f.axes()?);
    let nd = src.dims().len();
    let [a, b] = factors(&mut f.sequence, f.env, (a, b), axes.0 > axes.1)?;
    let (k, batch) = (src.dims()[nd - 1], nd - 2);
    let [m, n] = [nd - 2, nd - 1].map(|d| f.dst.dims()[d]);
    // The zero point of src needs the sums of the columns of weights, that of weights those of the rows of src.
    let mut zero_points = Vec::new();
    for (i, input) in f.factors.into_iter().enumerate() {
        if !f.attr.zero_points.contains_key(&input.id) {
            continue;
        }
        supported!(
            src.dtype().is_int(),
            "matmul: zero points of src and weights need integer operands"
        );
        let (of, m, n) = if i == 0 { (weights, 1, n) } else { (src, m, 1) };
        let md = MemoryDesc::plain(&[&of.dims()[..batch], &[m, n]].concat(), DataType::S32)?;
        let (env, sums) = (f.env, f.sequence.buffer(md.size_bytes())?);
        let mut ones = |dtype| Matrix {
            batch: vec![0; batch],
            ..Matrix::strided(f.sequence.ones(k as usize), dtype, 0, (1, 1))
        };
        let [x, y] = match i {
            0 => [ones(DataType::U8), b.clone()],
            _ => [a.clone(), ones(DataType::S8)],
        };
        let has_rows = matches!(b.side, Side::Strided { .. }) && !b.is_by_columns();
        let main = match i == 0 && batch == 0 && has_rows {
            true => reduce::planned(env, (*entry, weights), (sums, &md)),
            false => {
                let d = matrix(sums, &md).expect("a row-major tensor is a matrix");
                let end = Epilogue::acc(true);
                product(env, &of.dims()[..batch], (m, n, k), [x, y, d], end).planned()
            }
        };
        f.sequence.push(main);
        let sums = Binding::whole(sums, &md);
        zero_points.push(ZeroPoint { input, sums });
    }
    f.planned([a, b], k, &zero_points)
}
