//! Matrix multiplication: `dst[b][m][n] = Σ_k src[b][m][k] * weights[b][k][n] + bias`.
//!
//! Batch dimensions of size 1 in src or weights are broadcast. A transposed operand is one with transposed strides.
#![allow(unsafe_code)]

use super::epilogue::{
    self, Binding, Bindings, Epilogue, Input, Request, ZeroPoint, arg, identity,
};
use super::gemm::{Gemm, Matrix, Product};
use super::matrix::{
    accumulator, axes, check_types, factor, inputs, matrix, matrix_layout, panels, plain, product,
    reads_dst,
};
use super::sequence::Sequence;
use super::{Arg, Env, Exec, Plan, Planned, Run};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::Side;
use crate::kernel::expr::Expr;
use crate::memory::MemoryDesc;
use crate::plan::gemm::weights_panel;
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
        epilogue::check_attr(attr, &all, &all)?;
        epilogue::check_accumulation(attr, accumulator(self.src.dtype()))?;
        let (src, dst) = (plain(&self.src)?, plain(&self.dst)?);
        let across = matrix(0, &dst).is_some_and(|d| d.is_by_columns());
        let weights = match across {
            true => plain(&self.weights)?,
            false => weights_layout(&self.weights, &src, env)?,
        };
        let bias = match self.bias.is_absent() {
            true => self.bias,
            false => plain(&self.bias)?,
        };
        let planning = Planning {
            attr,
            env,
            sequence: Sequence::default(),
            args: inputs(&[(arg::SRC, src), (arg::WEIGHTS, weights), (arg::BIAS, bias)]),
        };
        planning.plan([&src, &weights, &bias, &dst])
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
        require!(
            s[nd - 1] == w[nd - 2],
            "matmul: K is {} in src, {} in weights",
            s[nd - 1],
            w[nd - 2]
        );
        require!(
            s[nd - 2] == d[nd - 2],
            "matmul: M is {} in src, {} in dst",
            s[nd - 2],
            d[nd - 2]
        );
        require!(
            w[nd - 1] == d[nd - 1],
            "matmul: N is {} in weights, {} in dst",
            w[nd - 1],
            d[nd - 1]
        );
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
            epilogue::check_broadcast(&self.bias, &self.dst, "matmul: bias")?;
        }
        check_types("matmul", &self.src, &self.weights, &self.dst)
    }
}

/// A matrix product whose layouts are known.
struct Planning<'a> {
    attr: &'a Attr,
    env: &'a Env,
    sequence: Sequence,
    args: Vec<Arg>,
}

impl Planning<'_> {
    fn plan(mut self, mds: [&MemoryDesc; 4]) -> Result<Planned> {
        let [src, weights, _, dst] = mds;
        let (env, nd) = (self.env, dst.dims().len());
        let layout = matrix_layout(dst)?;
        let d = |arg| matrix(arg, &layout).expect("a matrix's layout");
        let axes = axes(&d(0), nd);
        let a = factor(&mut self.sequence, env, 0, src)?;
        // Panels are B, so not where the product is computed transposed.
        let b = match panels(1, weights, nd - 2, nd - 1).filter(|_| axes.0 < axes.1) {
            Some(panels) => panels,
            None => factor(&mut self.sequence, env, 1, weights)?,
        };
        let (m, n, k) = (dst.dims()[nd - 2], dst.dims()[nd - 1], src.dims()[nd - 1]);
        let sums = self.sums(&a, &b, [src, weights], (m, n, k))?;
        let dst_at = self.args.len();
        self.args.push(Arg::output(arg::DST, *dst));
        let (expr, bindings) = self.epilogue(mds, sums, axes)?;
        let reads = reads_dst(&expr);
        let stored = self.sequence.written(env, (dst_at, dst), &layout, reads)?;
        let sides = [a, b, d(stored)];
        let main = product(
            env,
            &dst.dims()[..nd - 2],
            (m, n, k),
            sides,
            (expr, bindings),
        );
        self.sequence.finish(self.args, main, env)
    }

    fn epilogue(
        &mut self,
        [src, weights, bias, dst]: [&MemoryDesc; 4],
        [weights_sums, src_sums]: [Option<Binding>; 2],
        (rows, cols): (usize, usize),
    ) -> Result<(Expr, Bindings)> {
        let nd = dst.dims().len();
        // A factor's dims run along those of dst, but the one that is summed over.
        let without = |reduced| {
            (0..nd)
                .map(|d| (d != reduced).then_some(d))
                .collect::<Vec<_>>()
        };
        let (of_src, of_weights, all) = (without(nd - 1), without(nd - 2), identity(nd));
        let src_input = Input {
            id: arg::SRC,
            md: src,
            to: &of_src,
        };
        let weights_input = Input {
            id: arg::WEIGHTS,
            md: weights,
            to: &of_weights,
        };
        let shifted = [(src_input, weights_sums), (weights_input, src_sums)];
        let zero_points: Vec<_> = shifted
            .into_iter()
            .filter_map(|(input, sums)| Some(ZeroPoint { input, sums: sums? }))
            .collect();
        let request = Request {
            attr: self.attr,
            acc: accumulator(src.dtype()),
            zero_points: &zero_points,
            reduced: src.dims()[nd - 1] as i32,
            scaled: &[src_input, weights_input],
            bias: (!bias.is_absent()).then_some(Input {
                id: arg::BIAS,
                md: bias,
                to: &all,
            }),
            dst,
            rows: &[rows],
            cols,
            cols_block: 0,
        };
        let (env, sequence) = (self.env, &mut self.sequence);
        let copy = |index, md: &MemoryDesc| sequence.operand(env, (index, md), (rows, cols));
        let Epilogue { expr, bindings } = Epilogue::with_copies(&request, &mut self.args, copy)?;
        Ok((expr, bindings))
    }

    /// Where the sums lie that zero points need: those of the columns of weights for the zero point of src, and of the
    /// rows of src for that of weights.
    fn sums(
        &mut self,
        a: &Matrix,
        b: &Matrix,
        [src, weights]: [&MemoryDesc; 2],
        (m, n, k): (i64, i64, i64),
    ) -> Result<[Option<Binding>; 2]> {
        let given = |id| self.attr.zero_points.contains_key(&id);
        let (of_weights, of_src) = (given(arg::SRC), given(arg::WEIGHTS));
        supported!(
            src.dtype().is_int() || !(of_weights || of_src),
            "matmul: zero points of src and weights need integer operands"
        );
        let batch = src.dims().len() - 2;
        let mut found = [None, None];
        if of_weights {
            let factors = [self.ones(DataType::U8, k, batch), b.clone()];
            found[0] = Some(self.sum(factors, &weights.dims()[..batch], (1, n, k))?);
        }
        if of_src {
            let factors = [a.clone(), self.ones(DataType::S8, k, batch)];
            found[1] = Some(self.sum(factors, &src.dims()[..batch], (m, 1, k))?);
        }
        Ok(found)
    }

    /// A row or column of k ones.
    fn ones(&mut self, dtype: DataType, k: i64, batch: usize) -> Matrix {
        Matrix {
            arg: self.sequence.ones(k as usize),
            dtype,
            offset: 0,
            side: Side::Strided { rows: 1, cols: 1 },
            batch: vec![0; batch],
        }
    }

    /// Where the product of a factor with ones lies.
    fn sum(
        &mut self,
        [a, b]: [Matrix; 2],
        batch: &[i64],
        (m, n, k): (i64, i64, i64),
    ) -> Result<Binding> {
        let md = MemoryDesc::plain(&[batch, &[m, n]].concat(), DataType::S32)?;
        let index = self.sequence.buffer(md.size_bytes())?;
        let d = matrix(index, &md).expect("a row-major tensor is a matrix");
        let end = (Expr::acc(true), Bindings::default());
        let planned = product(self.env, batch, (m, n, k), [a, b, d], end);
        self.sequence.push(planned);
        Ok(Binding::whole(index, &md))
    }
}

/// `any` weights become the panels that the kernel reads, where a format tag for them exists.
fn weights_layout(md: &MemoryDesc, src: &MemoryDesc, env: &Env) -> Result<MemoryDesc> {
    let nd = md.dims().len();
    let v = src.dtype().vnni();
    let (m, n) = (src.dims()[nd - 2] as usize, md.dims()[nd - 1] as usize);
    let Some(width) = weights_panel(env.isa, m, n, v).filter(|_| md.is_any() && nd <= 3) else {
        return plain(md);
    };
    let (k, n) = if nd == 2 { ('a', 'b') } else { ('b', 'c') };
    let outer = if nd == 2 { "BA" } else { "aCB" };
    let group = if v > 1 {
        format!("{v}{k}")
    } else {
        String::new()
    };
    let tag = format!("{outer}16{k}{width}{n}{group}");
    MemoryDesc::with_tag(md.dims(), md.dtype(), &tag).or_else(|_| plain(md))
}

impl Plan for Product {
    fn compile(&self) -> Result<Box<dyn Run>> {
        Ok(Box::new(self.clone().compile()?))
    }
}

impl Run for Gemm {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        // SAFETY: passed on.
        unsafe { Gemm::run(self, exec) };
        Ok(())
    }
}
