//! Fully connected layers: forward, backward by data, backward by weights (paper §2.1).
//!
//! `dst[n][k] = Σ_c src[n][c] · weights[k][c] + bias[k]`, where c runs over all dimensions of src but the first. The three
//! passes are the same product with other operands:
//!
//! | pass | A (m × k) | B (k × n) | D (m × n) |
//! |---|---|---|---|
//! | forward | src, N × C | weightsᵀ, C × K | dst, N × K |
//! | backward by data | diff_dst, N × K | weights, K × C | diff_src, N × C |
//! | backward by weights | diff_dstᵀ, K × N | src, N × C | diff_weights, K × C |

use super::epilogue::{Epilogue, Input, arg, check_attr, no_post_ops};
use super::matrix::{
    Forward, Operand, accumulator, check_sizes, check_types, factors, inputs, matrix,
    matrix_layout, panel_layout, plain, product,
};
use super::sequence::Sequence;
use super::{Arg, Env, Planned, Prop, matmul, reduce};
use crate::attr::Attr;
use crate::error::Result;
use crate::memory::MemoryDesc;
use crate::{invalid, require, supported};

/// The operation; src, weights, bias and dst stand for their diffs where the pass computes or takes those. An absent bias
/// has `ndims == 0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub prop: Prop,
    pub src: MemoryDesc,
    pub weights: MemoryDesc,
    pub bias: MemoryDesc,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        self.check()?;
        match self.prop {
            Prop::ForwardTraining | Prop::ForwardInference => self.forward(attr, env),
            Prop::BackwardData => self.backward_data(attr, env),
            Prop::BackwardWeights => self.backward_weights(attr, env),
            prop => Err(invalid!(
                "inner product: {} is not a pass of it",
                prop as i32
            )),
        }
    }

    fn check(&self) -> Result<()> {
        let (s, w, d) = (self.src.dims(), self.weights.dims(), self.dst.dims());
        require!(
            (2..=5).contains(&s.len()) && w.len() == s.len() && d.len() == 2,
            "inner product: src has {} dims (2 to 5), weights {} (as src), dst {} (2)",
            s.len(),
            w.len(),
            d.len()
        );
        for md in [&self.src, &self.weights, &self.dst, &self.bias] {
            supported!(
                !md.has_runtime(),
                "inner product: all dims must be known at creation"
            );
        }
        let sizes = [
            ("minibatch", [("src", s[0]), ("dst", d[0])]),
            ("output channels", [("weights", w[0]), ("dst", d[1])]),
        ];
        check_sizes("inner product", &sizes)?;
        require!(
            s[1..] == w[1..],
            "inner product: channels and space are {:?} in src, {:?} in weights",
            &s[1..],
            &w[1..]
        );
        let bias = self.bias.dims();
        require!(
            bias.is_empty() || bias == &d[1..],
            "inner product: bias has dims {bias:?}, dst has {} channels",
            d[1]
        );
        Ok(())
    }

    fn forward(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_types("inner product", &self.src, &self.weights, &self.dst)?;
        let acc = accumulator(self.src.dtype());
        check_attr(attr, acc, &[arg::SRC, arg::WEIGHTS, arg::DST], &[arg::DST])?;
        let (src, dst) = (plain(&self.src)?, plain(&self.dst)?);
        let weights = self.weights_layout(&src, &dst, env)?;
        let bias = plain(&self.bias)?;
        let first = |dim| {
            let to = |d| (d == 0).then_some(dim);
            (0..src.dims().len()).map(to).collect::<Vec<_>>()
        };
        let (rows, columns) = (first(0), first(1));
        let inputs = [
            Input::new(arg::SRC, &src, &rows[..]),
            Input::new(arg::WEIGHTS, &weights, &columns[..]),
            Input::new(arg::BIAS, &bias, &[Some(1)]),
        ];
        let mut product = Forward::new(attr, env, inputs, &dst);
        let sequence = &mut product.sequence;
        let (x, y) = flat_layouts(&src, &weights, true)?;
        let a = (sequence.read(env, (0, &src), &x)?, flat(&x)?);
        let b = (sequence.read(env, (1, &weights), &y)?, flat(&y)?);
        matmul::planned(product, &a, &transposed(b)?)
    }

    fn backward_data(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_gradient(attr, "data", [&self.dst, &self.weights, &self.src])?;
        let (diff_src, diff_dst) = (plain(&self.src)?, plain(&self.dst)?);
        let weights = self.weights_layout(&diff_src, &diff_dst, env)?;
        let mut args = inputs(&[(arg::DIFF_DST, diff_dst), (arg::WEIGHTS, weights)]);
        args.push(Arg::output(arg::DIFF_SRC, diff_src));
        let mut sequence = Sequence::default();
        let (x, y) = flat_layouts(&diff_src, &weights, false)?;
        let b = (sequence.read(env, (1, &weights), &y)?, flat(&y)?);
        let d = sequence.written(env, (2, &diff_src), &x, false)?;
        let main = gradient(&mut sequence, env, [(0, diff_dst), b, (d, flat(&x)?)])?;
        sequence.finish(args, main, env)
    }

    fn backward_weights(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_gradient(attr, "weights", [&self.src, &self.dst, &self.weights])?;
        let (src, diff_dst) = (plain(&self.src)?, plain(&self.dst)?);
        let diff_weights = match self.weights.is_any() {
            true => like(&src, &self.weights)?,
            false => self.weights,
        };
        let mut args = inputs(&[(arg::SRC, src), (arg::DIFF_DST, diff_dst)]);
        args.push(Arg::output(arg::DIFF_WEIGHTS, diff_weights));
        let mut sequence = Sequence::default();
        if !self.bias.is_absent() {
            let bias = plain(&self.bias)?;
            reduce::push(&mut sequence, env, (1, &diff_dst), (args.len(), &bias))?;
            args.push(Arg::output(arg::DIFF_BIAS, bias));
        }
        let (x, y) = flat_layouts(&src, &diff_weights, false)?;
        let b = (sequence.read(env, (0, &src), &x)?, flat(&x)?);
        let d = sequence.written(env, (2, &diff_weights), &y, false)?;
        let a = transposed((1, diff_dst))?;
        let main = gradient(&mut sequence, env, [a, b, (d, flat(&y)?)])?;
        sequence.finish(args, main, env)
    }

    /// `any` weights: panels for 2-D forward and backward by data, else the order of src.
    fn weights_layout(&self, src: &MemoryDesc, dst: &MemoryDesc, env: &Env) -> Result<MemoryDesc> {
        let md = &self.weights;
        if !md.is_any() {
            return Ok(*md);
        }
        let forward = self.prop.is_forward();
        let result = matrix(0, if forward { dst } else { src });
        if md.dims().len() > 2 || result.is_some_and(|d| d.is_by_columns()) {
            return like(src, md);
        }
        let reduced = if forward { (1, 0) } else { (0, 1) };
        panel_layout(md, reduced, src.dims()[0], env).or_else(|_| like(src, md))
    }
}

/// A matrix with rows and columns exchanged.
fn transposed((entry, md): Operand) -> Result<Operand> {
    Ok((entry, md.permute_axes(&[1, 0])?))
}

/// The product of two matrices of floats, which nothing follows.
fn gradient(sequence: &mut Sequence, env: &Env, [a, b, d]: [Operand; 3]) -> Result<Planned> {
    let sizes = (a.1.dims[0], b.1.dims[1], a.1.dims[1]);
    let layout = matrix_layout(&d.1)?;
    let entry = sequence.written(env, (d.0, &d.1), &layout, false)?;
    let d = matrix(entry, &layout).expect("a matrix's layout");
    let [a, b] = factors(sequence, env, (&a, &b), d.is_by_columns())?;
    Ok(product(env, &[], sizes, [a, b, d], Epilogue::acc(false)).planned())
}

/// What every backward pass refuses: of its factors and its result.
fn check_gradient(attr: &Attr, by: &str, mds: [&MemoryDesc; 3]) -> Result<()> {
    let [a, b, d] = mds;
    check_types(&format!("inner product, backward by {by}"), a, b, d)?;
    check_attr(attr, accumulator(a.dtype()), &[], &[])?;
    supported!(
        mds.iter().all(|md| !md.dtype().is_int()),
        "inner product: integers have no gradients"
    );
    no_post_ops(attr, "inner product: backward passes")
}

/// Weights in the order of src's dimensions, so that both flatten alike.
fn like(src: &MemoryDesc, weights: &MemoryDesc) -> Result<MemoryDesc> {
    let Some(run) = run_of(src) else {
        return MemoryDesc::plain(weights.dims(), weights.dtype());
    };
    let mut chosen = *src;
    chosen.data_type = weights.data_type;
    chosen.offset0 = 0;
    chosen.dims[0] = weights.dims[0];
    chosen.padded_dims[0] = weights.dims[0];
    chosen.strides[0] = run.max(1);
    Ok(chosen)
}

/// The number of elements, padding included, of the dims behind the first, if these are one dense run.
fn run_of(md: &MemoryDesc) -> Option<i64> {
    if !md.is_blocked() || md.blocks().any(|(d, _)| d == 0) {
        return None;
    }
    let mut outer: Vec<(i64, i64)> = (1..md.dims().len())
        .map(|d| (md.strides()[d], md.outer_dim(d)))
        .filter(|(_, n)| *n != 1)
        .collect();
    outer.sort_unstable();
    outer
        .iter()
        .try_fold(md.inner_volume(), |run, &(stride, n)| {
            (stride == run).then(|| run * n)
        })
}

/// Whether two runs hold the elements behind the first dimension in one order.
fn same_run(x: &MemoryDesc, y: &MemoryDesc) -> bool {
    let same = |d: usize| x.strides()[d] == y.strides()[d] || x.outer_dim(d) == 1;
    x.padded_dims()[1..] == y.padded_dims()[1..]
        && x.blocks().eq(y.blocks())
        && (1..x.dims().len()).all(same)
}

/// Layouts in which both tensors, which share their dims behind the first, are matrices with columns in one order. They are
/// their own layouts where these will do. Padding may count as columns, where nothing but zeros is there, in products that
/// are summed along them.
fn flat_layouts(x: &MemoryDesc, y: &MemoryDesc, summed: bool) -> Result<(MemoryDesc, MemoryDesc)> {
    if x.dims().len() == 2 {
        return Ok((*x, *y));
    }
    let columns: i64 = x.dims()[1..].iter().product();
    let is_flat = |md| run_of(md).is_some_and(|run| summed || run == columns);
    let (of_x, of_y) = (is_flat(x), is_flat(y));
    Ok(match (of_x, of_y) {
        (true, true) if same_run(x, y) => (*x, *y),
        // The smaller one is copied.
        (true, other) if !other || x.dims()[0] >= y.dims()[0] => (*x, like(x, y)?),
        (_, true) => (like(y, x)?, *y),
        _ => {
            let plain = |md: &MemoryDesc| MemoryDesc::plain(md.dims(), md.dtype());
            (plain(x)?, plain(y)?)
        }
    })
}

/// A tensor as a matrix of its first dimension and all others, which are one run.
fn flat(md: &MemoryDesc) -> Result<MemoryDesc> {
    if md.dims().len() == 2 {
        return Ok(*md);
    }
    let columns = run_of(md).unwrap_or(md.dims()[1..].iter().product());
    let strides = [md.strides()[0], 1];
    let flat = MemoryDesc::with_strides(&[md.dims()[0], columns], md.dtype(), Some(&strides))?;
    flat.in_blocks(&[], md.offset0)
}
