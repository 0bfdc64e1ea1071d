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

use super::epilogue::{Bindings, Input, arg, check_attr};
use super::gemm::Matrix;
use super::matrix::{
    Forward, accumulator, check_sizes, check_types, factor, inputs, matrix, matrix_layout,
    panel_tag, panels, plain, product,
};
use super::row_sum;
use super::sequence::Sequence;
use super::{Arg, Env, Planned, Prop};
use crate::attr::Attr;
use crate::error::Result;
use crate::kernel::expr::Expr;
use crate::memory::MemoryDesc;
use crate::plan::gemm::{is_far, weights_panel};
use crate::{invalid, require, supported};

const DIFF_WEIGHTS: i32 = 161;
const DIFF_BIAS: i32 = 169;

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
        let (axes, sequence) = (product.axes()?, &mut product.sequence);
        let (a, b, k) = match panels(1, &weights, 1, 0).filter(|_| axes.0 < axes.1) {
            Some(b) => (factor(sequence, env, 0, &src)?, b, src.dims()[1]),
            None => {
                let (x, y, columns) = flat_layouts(&src, &weights, true)?;
                let a = sequence.read(env, (0, &src), &x)?;
                let b = sequence.read(env, (1, &weights), &y)?;
                (flat(a, &x), flat(b, &y).transposed(), columns)
            }
        };
        product.planned([a, b], k, &[])
    }

    fn backward_data(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_gradient(attr, "data", [&self.dst, &self.weights, &self.src])?;
        let (diff_src, diff_dst) = (plain(&self.src)?, plain(&self.dst)?);
        let weights = self.weights_layout(&diff_src, &diff_dst, env)?;
        let mut args = inputs(&[(arg::DIFF_DST, diff_dst), (arg::WEIGHTS, weights)]);
        args.push(Arg::output(arg::DIFF_SRC, diff_src));
        let mut sequence = Sequence::default();
        let a = factor(&mut sequence, env, 0, &diff_dst)?;
        let (x, y, columns) = flat_layouts(&diff_src, &weights, false)?;
        let d = flat(sequence.written(env, (2, &diff_src), &x, false)?, &x);
        let b = match panels(1, &weights, 0, 1).filter(|_| !d.is_by_columns()) {
            Some(b) => b,
            None => flat(sequence.read(env, (1, &weights), &y)?, &y),
        };
        let sizes = (diff_dst.dims()[0], columns, diff_dst.dims()[1]);
        let end = (Expr::acc(false), Bindings::default());
        sequence.finish(
            args,
            product(env, &[], sizes, [a, b, d], end).planned(),
            env,
        )
    }

    fn backward_weights(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_gradient(attr, "weights", [&self.src, &self.dst, &self.weights])?;
        let (src, diff_dst) = (plain(&self.src)?, plain(&self.dst)?);
        let diff_weights = match self.weights.is_any() {
            true => like(&src, &self.weights)?,
            false => self.weights,
        };
        let mut args = inputs(&[(arg::SRC, src), (arg::DIFF_DST, diff_dst)]);
        args.push(Arg::output(DIFF_WEIGHTS, diff_weights));
        let mut sequence = Sequence::default();
        if !self.bias.is_absent() {
            let bias = plain(&self.bias)?;
            bias_gradient(&mut sequence, env, &diff_dst, (args.len(), &bias))?;
            args.push(Arg::output(DIFF_BIAS, bias));
        }
        let a = factor(&mut sequence, env, 1, &diff_dst)?;
        let (x, y, columns) = flat_layouts(&src, &diff_weights, false)?;
        let b = flat(sequence.read(env, (0, &src), &x)?, &x);
        let d = flat(sequence.written(env, (2, &diff_weights), &y, false)?, &y);
        let sizes = (diff_dst.dims()[1], columns, diff_dst.dims()[0]);
        let end = (Expr::acc(false), Bindings::default());
        let main = product(env, &[], sizes, [a.transposed(), b, d], end).planned();
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
        let v = md.dtype().vnni();
        let columns = md.dims()[usize::from(!forward)] as usize;
        let far = is_far(md.nelems() as usize * md.dtype().size_bytes(), v, 1);
        let width = weights_panel(env.isa, src.dims()[0] as usize, columns, far);
        let (outer, k, n) = match forward {
            true => ("AB", 'b', 'a'),
            false => ("BA", 'a', 'b'),
        };
        let tag = panel_tag(outer, (k, n), width, v);
        MemoryDesc::with_tag(md.dims(), md.dtype(), &tag).or_else(|_| like(src, md))
    }
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
    supported!(
        attr.post_ops.is_empty(),
        "inner product: backward passes take no post-ops"
    );
    Ok(())
}

/// A stage that sums the rows of diff_dst.
fn bias_gradient(
    sequence: &mut Sequence,
    env: &Env,
    diff_dst: &MemoryDesc,
    (to, bias): (usize, &MemoryDesc),
) -> Result<()> {
    let layout = match matrix(1, diff_dst) {
        Some(matrix) if !matrix.is_by_columns() => *diff_dst,
        _ => MemoryDesc::plain(diff_dst.dims(), diff_dst.dtype())?,
    };
    let from = sequence.read(env, (1, diff_dst), &layout)?;
    let rows = matrix(from, &layout).expect("a row-major tensor is a matrix");
    let count = diff_dst.dims()[0] as usize;
    row_sum::push(sequence, env, &rows, count, (to, bias))
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

/// Layouts in which both tensors, which share their dims behind the first, are matrices with columns in one order; and
/// the number of columns. They are their own layouts where these will do. Padding may count as columns, where nothing
/// but zeros is there, in products that are summed along them.
fn flat_layouts(
    x: &MemoryDesc,
    y: &MemoryDesc,
    summed: bool,
) -> Result<(MemoryDesc, MemoryDesc, i64)> {
    let columns: i64 = x.dims()[1..].iter().product();
    if x.dims().len() == 2 {
        return Ok((matrix_layout(x)?, matrix_layout(y)?, columns));
    }
    let run = |md| run_of(md).filter(|&run| summed || run == columns);
    let (of_x, of_y) = (run(x), run(y));
    Ok(match (of_x, of_y) {
        (Some(columns), Some(_)) if same_run(x, y) => (*x, *y, columns),
        // The smaller one is copied.
        (Some(columns), other) if other.is_none() || x.dims()[0] >= y.dims()[0] => {
            (*x, like(x, y)?, columns)
        }
        (_, Some(columns)) => (like(y, x)?, *y, columns),
        _ => {
            let plain = |md: &MemoryDesc| MemoryDesc::plain(md.dims(), md.dtype());
            (plain(x)?, plain(y)?, columns)
        }
    })
}

/// A tensor as a matrix of its first dimension and all others.
fn flat(arg: usize, md: &MemoryDesc) -> Matrix {
    if md.dims().len() == 2 {
        return matrix(arg, md).expect("a matrix's layout");
    }
    let size = md.dtype().size_bytes() as i64;
    let strides = (md.strides()[0] * size, size);
    Matrix::strided(arg, md.dtype(), md.offset0 * size, strides)
}
