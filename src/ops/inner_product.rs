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
#![allow(unsafe_code)]

use super::epilogue::{self, Bindings, Epilogue, Input, Request, arg};
use super::gemm::{Gemm, Matrix, Product};
use super::matmul::{check_types, inputs, panels, plain, planned};
use super::{Arg, Env, Exec, Plan, Planned, Prop, Run};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::{Logical, Side};
use crate::kernel::Kernel;
use crate::kernel::expr::{Bcast, Expr, Node};
use crate::kernel::spec::{Args, Out, Reduce, Spec, Tile};
use crate::machine::Isa;
use crate::memory::MemoryDesc;
use crate::plan::gemm::weights_panel;
use crate::{ensure, invalid, unimplemented_here};
use std::sync::Arc;

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
        ensure!(
            (2..=5).contains(&s.len()) && w.len() == s.len() && d.len() == 2,
            invalid!(
                "inner product: src has {} dims (2 to 5), weights {} (as src), dst {} (2)",
                s.len(),
                w.len(),
                d.len()
            )
        );
        for md in [&self.src, &self.weights, &self.dst, &self.bias] {
            ensure!(
                !md.has_runtime(),
                unimplemented_here!("inner product: all dims must be known at creation")
            );
        }
        ensure!(
            s[0] == d[0],
            invalid!(
                "inner product: minibatch is {} in src, {} in dst",
                s[0],
                d[0]
            )
        );
        ensure!(
            w[0] == d[1],
            invalid!(
                "inner product: output channels are {} in weights, {} in dst",
                w[0],
                d[1]
            )
        );
        ensure!(
            s[1..] == w[1..],
            invalid!(
                "inner product: channels and space are {:?} in src, {:?} in weights",
                &s[1..],
                &w[1..]
            )
        );
        let bias = self.bias.dims();
        ensure!(
            bias.is_empty() || bias == &d[1..],
            invalid!(
                "inner product: bias has dims {bias:?}, dst has {} channels",
                d[1]
            )
        );
        Ok(())
    }

    fn channels(&self) -> usize {
        self.src.dims()[1..].iter().product::<i64>() as usize
    }

    fn forward(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_types("inner product", &self.src, &self.weights, &self.dst)?;
        epilogue::check_attr(attr, &[arg::SRC, arg::WEIGHTS, arg::DST], &[arg::DST])?;
        let (src, dst) = (plain(&self.src)?, plain(&self.dst)?);
        let weights = self.weights_layout(&src, true, env)?;
        let mut args = inputs(&[
            (arg::SRC, src),
            (arg::WEIGHTS, weights),
            (arg::BIAS, self.bias),
        ]);
        let dst_at = args.len();
        args.push(Arg {
            id: arg::DST,
            md: dst,
            output: true,
        });
        let along = |dim| {
            (0..src.dims().len())
                .map(|d| (d == 0).then_some(dim))
                .collect::<Vec<_>>()
        };
        let (rows, columns) = (along(0), along(1));
        let bias = Input {
            id: arg::BIAS,
            md: &self.bias,
            to: &[Some(1)],
        };
        let scaled = [
            Input {
                id: arg::SRC,
                md: &src,
                to: &rows,
            },
            Input {
                id: arg::WEIGHTS,
                md: &weights,
                to: &columns,
            },
        ];
        let request = Request {
            attr,
            acc: if src.dtype().is_int() {
                DataType::S32
            } else {
                DataType::F32
            },
            extra: &[],
            scaled: &scaled,
            bias: (!self.bias.is_absent()).then_some(bias),
            dst: &dst,
            rows: &[0],
            cols: 1,
            cols_block: 0,
        };
        let Epilogue { expr, bindings } = Epilogue::new(&request, &mut args)?;
        let (a, b) = pair(&src, &weights);
        let b = panels(&weights, 1, 0, src.dtype().vnni())
            .filter(|_| weights.dims().len() == 2)
            .unwrap_or_else(|| b.transposed());
        let product = self.product(
            env,
            [(0, &src, a), (1, &weights, b), (dst_at, &dst, side(&dst))],
            (expr, bindings),
        );
        Ok(planned(args, product))
    }

    fn backward_data(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_types(
            "inner product, backward by data",
            &self.dst,
            &self.weights,
            &self.src,
        )?;
        check_gradient(attr, &self.dst, &self.weights)?;
        let (diff_src, diff_dst) = (plain(&self.src)?, plain(&self.dst)?);
        let weights = self.weights_layout(&diff_src, false, env)?;
        let mut args = inputs(&[(arg::DIFF_DST, diff_dst), (arg::WEIGHTS, weights)]);
        args.push(Arg {
            id: arg::DIFF_SRC,
            md: diff_src,
            output: true,
        });
        let (d, b) = pair(&diff_src, &weights);
        let b = panels(&weights, 0, 1, diff_dst.dtype().vnni())
            .filter(|_| weights.dims().len() == 2)
            .unwrap_or(b);
        let sides = [
            (0, &diff_dst, side(&diff_dst)),
            (1, &weights, b),
            (2, &diff_src, d),
        ];
        Ok(planned(args, self.product(env, sides, identity())))
    }

    fn backward_weights(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_types(
            "inner product, backward by weights",
            &self.src,
            &self.dst,
            &self.weights,
        )?;
        check_gradient(attr, &self.src, &self.dst)?;
        let (src, diff_dst) = (plain(&self.src)?, plain(&self.dst)?);
        let diff_weights = if self.weights.is_any() {
            like(&src, &self.weights)?
        } else {
            self.weights
        };
        let mut args = inputs(&[(arg::SRC, src), (arg::DIFF_DST, diff_dst)]);
        args.push(Arg {
            id: DIFF_WEIGHTS,
            md: diff_weights,
            output: true,
        });
        let (b, d) = pair(&src, &diff_weights);
        let sides = [
            (1, &diff_dst, side(&diff_dst).transposed()),
            (0, &src, b),
            (2, &diff_weights, d),
        ];
        let product = self.product(env, sides, identity());
        if self.bias.is_absent() {
            return Ok(planned(args, product));
        }
        args.push(Arg {
            id: DIFF_BIAS,
            md: self.bias,
            output: true,
        });
        let bias = BiasPlan::new(
            &diff_dst,
            &self.bias,
            env,
            product.scratch_bytes().next_multiple_of(64),
        )?;
        let mut planned = planned(args, product.clone());
        planned.scratch_bytes = bias.scratch + 4 * bias.columns.next_multiple_of(16);
        planned.plan = Box::new(WithBias { product, bias });
        Ok(planned)
    }

    /// `any` weights: panels for 2-D forward and backward by data, else the order of src.
    fn weights_layout(&self, src: &MemoryDesc, forward: bool, env: &Env) -> Result<MemoryDesc> {
        let md = &self.weights;
        if !md.is_any() {
            return Ok(*md);
        }
        if md.dims().len() > 2 {
            return like(src, md);
        }
        let v = md.dtype().vnni();
        let columns = md.dims()[usize::from(!forward)] as usize;
        let Some(width) = weights_panel(env.isa, src.dims()[0] as usize, columns, v) else {
            let strides = if forward {
                [1, md.dims()[0].max(1)]
            } else {
                [md.dims()[1].max(1), 1]
            };
            return MemoryDesc::with_strides(md.dims(), md.dtype(), Some(&strides));
        };
        let (outer, k, n) = if forward {
            ("AB", 'b', 'a')
        } else {
            ("BA", 'a', 'b')
        };
        let group = if v > 1 {
            format!("{v}{k}")
        } else {
            String::new()
        };
        let tag = format!("{outer}16{k}{width}{n}{group}");
        MemoryDesc::with_tag(md.dims(), md.dtype(), &tag).or_else(|_| like(src, md))
    }

    /// The product of A, B and D, given as (index of the argument, descriptor, layout).
    fn product(
        &self,
        env: &Env,
        [a, b, d]: [(usize, &MemoryDesc, Side); 3],
        (expr, bindings): (Expr, Bindings),
    ) -> Product {
        let (mb, oc, ic) = (
            self.src.dims()[0] as usize,
            self.dst.dims()[1] as usize,
            self.channels(),
        );
        let (m, n, k) = match self.prop {
            Prop::BackwardData => (mb, ic, oc),
            Prop::BackwardWeights => (oc, ic, mb),
            _ => (mb, oc, ic),
        };
        let matrix = |(arg, md, side): (usize, &MemoryDesc, Side)| Matrix {
            arg,
            dtype: md.dtype(),
            offset: md.offset0 * md.dtype().size_bytes() as i64,
            side,
            batch: Vec::new(),
        };
        Product {
            isa: env.isa,
            batch: Vec::new(),
            m,
            n,
            k,
            a: matrix(a),
            b: matrix(b),
            d: matrix(d),
            expr,
            bindings,
            axes: (0, 1),
            threads: env.threads,
        }
    }
}

/// What every backward pass refuses; a and b are its factors.
fn check_gradient(attr: &Attr, a: &MemoryDesc, b: &MemoryDesc) -> Result<()> {
    epilogue::check_attr(attr, &[], &[])?;
    ensure!(
        !a.dtype().is_int() && !b.dtype().is_int(),
        unimplemented_here!("inner product: integers have no gradients")
    );
    ensure!(
        attr.post_ops.is_empty(),
        unimplemented_here!("inner product: backward passes take no post-ops")
    );
    Ok(())
}

fn identity() -> (Expr, Bindings) {
    (
        Expr {
            nodes: vec![Node::Acc],
            result: 0,
            int: false,
        },
        Bindings::default(),
    )
}

/// Weights in the order of src's dimensions, so that both flatten alike.
fn like(src: &MemoryDesc, weights: &MemoryDesc) -> Result<MemoryDesc> {
    let Some(order) = flat_order(src) else {
        return MemoryDesc::plain(weights.dims(), weights.dtype());
    };
    let mut strides = vec![0; weights.dims().len()];
    let mut stride = 1;
    for &d in order.iter().rev() {
        strides[d] = stride;
        stride *= weights.dims()[d].max(1);
    }
    strides[0] = stride;
    MemoryDesc::with_strides(weights.dims(), weights.dtype(), Some(&strides))
}

/// The dimensions behind the first from the largest stride to the smallest, if they are one dense run.
fn flat_order(md: &MemoryDesc) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (1..md.dims().len()).collect();
    order.sort_by_key(|&d| (-md.strides()[d], d));
    is_flat(md, &order).then_some(order)
}

/// Whether the dimensions of `order`, taken as one index, have unit stride.
fn is_flat(md: &MemoryDesc, order: &[usize]) -> bool {
    let mut stride = 1;
    let dense = order.iter().rev().all(|&d| {
        let fits = md.dims()[d] == 1 || md.strides()[d] == stride;
        stride *= md.dims()[d];
        fits
    });
    md.is_plain() && dense
}

/// Two tensors that share their dimensions behind the first: flattened in one order where both are dense in it.
fn pair(x: &MemoryDesc, y: &MemoryDesc) -> (Side, Side) {
    if x.dims().len() == 2 {
        return (side(x), side(y));
    }
    let shared = flat_order(x).filter(|order| is_flat(y, order));
    let one = |md: &MemoryDesc| match shared {
        Some(_) => {
            let size = md.dtype().size_bytes() as i64;
            Side::Strided {
                rows: md.strides()[0] * size,
                cols: size,
            }
        }
        None => logical(md),
    };
    (one(x), one(y))
}

/// A 2-D tensor as a matrix.
fn side(md: &MemoryDesc) -> Side {
    let size = md.dtype().size_bytes() as i64;
    if !md.is_plain() {
        return logical(md);
    }
    let cols = if md.dims()[1] == 1 {
        1
    } else {
        md.strides()[1]
    };
    Side::Strided {
        rows: md.strides()[0] * size,
        cols: cols * size,
    }
}

fn logical(md: &MemoryDesc) -> Side {
    Side::Logical(Box::new(Logical {
        md: *md,
        first: 0,
        swapped: false,
    }))
}

impl Side {
    /// The same elements with rows and columns exchanged; not for panels.
    fn transposed(self) -> Side {
        match self {
            Side::Strided { rows, cols } => Side::Strided {
                rows: cols,
                cols: rows,
            },
            Side::Logical(l) => Side::Logical(Box::new(Logical {
                swapped: !l.swapped,
                ..*l
            })),
            panels => panels,
        }
    }
}

/// The bias gradient, `diff_bias[k] = Σ_n diff_dst[n][k]`, planned.
#[derive(Clone, Debug)]
struct BiasPlan {
    isa: Isa,
    rows: usize,
    columns: usize,
    row_bytes: i64,
    from: DataType,
    to: DataType,
    offsets: (i64, i64),
    /// Where in the scratch the f32 sums lie when diff_bias has another type.
    scratch: usize,
}

impl BiasPlan {
    fn new(
        diff_dst: &MemoryDesc,
        bias: &MemoryDesc,
        env: &Env,
        scratch: usize,
    ) -> Result<BiasPlan> {
        let (from, to) = (diff_dst.dtype(), bias.dtype());
        let size = from.size_bytes() as i64;
        let Side::Strided {
            rows: row_bytes,
            cols,
        } = side(diff_dst)
        else {
            return Err(unimplemented_here!(
                "inner product: diff_bias of a blocked diff_dst is not supported"
            ));
        };
        ensure!(
            cols == size,
            unimplemented_here!("inner product: diff_bias needs diff_dst with adjacent channels")
        );
        ensure!(
            matches!(to, DataType::F32 | DataType::Bf16) && bias.is_dense(),
            unimplemented_here!(
                "inner product: diff_bias of type {} or with gaps is not supported",
                to.name()
            )
        );
        Ok(BiasPlan {
            isa: env.isa,
            rows: diff_dst.dims()[0] as usize,
            columns: diff_dst.dims()[1] as usize,
            row_bytes,
            from,
            to,
            offsets: (
                diff_dst.offset0 * size,
                bias.offset0 * to.size_bytes() as i64,
            ),
            scratch,
        })
    }
}

/// Backward by weights with the bias gradient.
struct WithBias {
    product: Product,
    bias: BiasPlan,
}

impl Plan for WithBias {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let b = &self.bias;
        let n = b.columns.max(1);
        let sum = Spec::Reduce(Reduce {
            isa: b.isa,
            n,
            a: b.from,
            a_row_bytes: b.row_bytes,
            beta: false,
        });
        let load = Node::Load {
            slot: 0,
            dtype: DataType::F32,
            bcast: Bcast::Row,
            int: false,
        };
        let expr = Expr {
            nodes: vec![load],
            result: 0,
            int: false,
        };
        let convert = Spec::Tile(Tile {
            isa: b.isa,
            n,
            out: Out {
                expr,
                d: b.to,
                d_row_bytes: 0,
            },
        });
        Ok(Box::new(GemmWithBias {
            gemm: self.product.clone().compile()?,
            bias: b.clone(),
            sum: Kernel::get(&sum)?,
            convert: (b.to != DataType::F32)
                .then(|| Kernel::get(&convert))
                .transpose()?,
        }))
    }
}

struct GemmWithBias {
    gemm: Gemm,
    bias: BiasPlan,
    sum: Arc<Kernel>,
    convert: Option<Arc<Kernel>>,
}

impl Run for GemmWithBias {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        // SAFETY: passed on.
        unsafe { self.gemm.run(exec) };
        let b = &self.bias;
        if b.columns == 0 {
            return Ok(());
        }
        let diff_dst = exec.ptrs[1].wrapping_offset(b.offsets.0 as isize);
        let diff_bias = exec.ptrs[3].wrapping_offset(b.offsets.1 as isize);
        let sums = if self.convert.is_some() {
            exec.scratch.wrapping_add(b.scratch)
        } else {
            diff_bias
        };
        // SAFETY: diff_dst holds the rows, and the sums have room for a row, by the caller's promise.
        unsafe {
            self.sum.call(&Args {
                a: diff_dst,
                d: sums,
                m: b.rows,
                ..Args::default()
            })
        };
        if let Some(convert) = &self.convert {
            let operands = [sums.cast_const()];
            let args = Args {
                d: diff_bias,
                m: 1,
                operands: operands.as_ptr(),
                ..Args::default()
            };
            // SAFETY: as above.
            unsafe { convert.call(&args) };
        }
        Ok(())
    }
}
