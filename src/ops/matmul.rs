//! Matrix multiplication: `dst[b][m][n] = Σ_k src[b][m][k] * weights[b][k][n] + bias`.
//!
//! Batch dimensions of size 1 in src or weights are broadcast. A transposed operand is one with transposed strides.
#![allow(unsafe_code)]

use super::epilogue::{self, Epilogue, Input, Request, arg, identity};
use super::gemm::{Gemm, Matrix, Product};
use super::{Arg, Env, Exec, Plan, Planned, Run};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::{Logical, Side};
use crate::memory::MemoryDesc;
use crate::plan::gemm::weights_panel;
use crate::{ensure, invalid, unimplemented_here};

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
        epilogue::check_attr(attr, &[arg::SRC, arg::WEIGHTS, arg::DST], &[arg::DST])?;
        let (src, dst) = (plain(&self.src)?, plain(&self.dst)?);
        let weights = weights_layout(&self.weights, &src, env)?;
        let nd = dst.dims().len();
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
        let to = identity(nd);
        let input = |id, md| Input { id, md, to: &to };
        let acc = if src.dtype().is_int() {
            DataType::S32
        } else {
            DataType::F32
        };
        let columns: Vec<_> = (0..nd).map(|d| (d == nd - 1).then_some(d)).collect();
        let request = Request {
            attr,
            acc,
            extra: &[],
            scaled: &[
                input(arg::SRC, &src),
                Input {
                    id: arg::WEIGHTS,
                    md: &weights,
                    to: &columns,
                },
            ],
            bias: (!self.bias.is_absent()).then(|| input(arg::BIAS, &self.bias)),
            dst: &dst,
            rows: &[nd - 2],
            cols: nd - 1,
            cols_block: 0,
        };
        let Epilogue { expr, bindings } = Epilogue::new(&request, &mut args)?;
        let product = Product {
            isa: env.isa,
            batch: dst.dims()[..nd - 2].to_vec(),
            m: dst.dims()[nd - 2] as usize,
            n: dst.dims()[nd - 1] as usize,
            k: src.dims()[nd - 1] as usize,
            a: matrix(0, &src),
            b: matrix(1, &weights),
            d: matrix(dst_at, &dst),
            expr,
            bindings,
            axes: (nd - 2, nd - 1),
            threads: env.threads,
        };
        Ok(planned(args, product))
    }

    fn check(&self) -> Result<()> {
        let (s, w, d) = (self.src.dims(), self.weights.dims(), self.dst.dims());
        let nd = d.len();
        ensure!(
            nd >= 2,
            invalid!("matmul: dst has {nd} dims, at least 2 are needed")
        );
        ensure!(
            s.len() == nd && w.len() == nd,
            invalid!(
                "matmul: src has {} dims, weights {}, dst {nd}",
                s.len(),
                w.len()
            )
        );
        for md in [&self.src, &self.weights, &self.dst, &self.bias] {
            ensure!(
                !md.has_runtime(),
                unimplemented_here!("matmul: dims known only at execution are not supported")
            );
        }
        ensure!(
            s[nd - 1] == w[nd - 2],
            invalid!(
                "matmul: K is {} in src, {} in weights",
                s[nd - 1],
                w[nd - 2]
            )
        );
        ensure!(
            s[nd - 2] == d[nd - 2],
            invalid!("matmul: M is {} in src, {} in dst", s[nd - 2], d[nd - 2])
        );
        ensure!(
            w[nd - 1] == d[nd - 1],
            invalid!(
                "matmul: N is {} in weights, {} in dst",
                w[nd - 1],
                d[nd - 1]
            )
        );
        for i in 0..nd - 2 {
            let fits = [s[i], w[i]].iter().all(|x| *x == d[i] || *x == 1)
                && (s[i] == d[i] || w[i] == d[i]);
            ensure!(
                fits,
                invalid!(
                    "matmul: batch dimension {i} is {} in src, {} in weights, {} in dst",
                    s[i],
                    w[i],
                    d[i]
                )
            );
        }
        if !self.bias.is_absent() {
            epilogue::check_broadcast(&self.bias, &self.dst, "matmul: bias")?;
        }
        check_types("matmul", &self.src, &self.weights, &self.dst)
    }
}

/// Checks that the kernel multiplies these types.
pub fn check_types(what: &str, a: &MemoryDesc, b: &MemoryDesc, d: &MemoryDesc) -> Result<()> {
    use DataType::*;
    let (a, b, d) = (a.dtype(), b.dtype(), d.dtype());
    let known = match (a, b) {
        (F32, F32) => d == F32,
        (Bf16, Bf16) => matches!(d, F32 | Bf16),
        (F16, F16) => matches!(d, F32 | F16),
        (U8 | S8, U8 | S8) => d.is_kernel_type(),
        _ => false,
    };
    ensure!(
        known,
        unimplemented_here!(
            "{what}: types {} x {} -> {} are not supported",
            a.name(),
            b.name(),
            d.name()
        )
    );
    Ok(())
}

/// The inputs that are there.
pub fn inputs(list: &[(i32, MemoryDesc)]) -> Vec<Arg> {
    let there = list.iter().filter(|(_, md)| !md.is_absent());
    there
        .map(|&(id, md)| Arg {
            id,
            md,
            output: false,
        })
        .collect()
}

/// The descriptor itself, or row-major for `any`.
pub fn plain(md: &MemoryDesc) -> Result<MemoryDesc> {
    if md.is_any() {
        MemoryDesc::plain(md.dims(), md.dtype())
    } else {
        Ok(*md)
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

/// Where the panels of a tensor's last two matrix dimensions lie, if its layout has them: `k` and `n` are those dimensions.
pub fn panels(md: &MemoryDesc, k: usize, n: usize, v: usize) -> Option<Side> {
    let blocks: Vec<(usize, i64)> = md.blocks().collect();
    let (rows, width, group) = match *blocks.as_slice() {
        [(bk, rows), (bn, width)] if v == 1 && bk == k && bn == n => (rows, width, 1),
        [(bk, rows), (bn, width), (bv, group)] if bk == k && bn == n && bv == k => {
            (rows, width, group)
        }
        _ => return None,
    };
    let volume = rows * width * group;
    let whole = group as usize == v && width % 16 == 0 && md.strides()[k] == volume;
    whole.then(|| Side::Panels {
        width: width as usize,
        panel: md.strides()[n] * md.dtype().size_bytes() as i64,
    })
}

/// The last two dimensions of a tensor as a matrix, the others as its batch.
fn matrix(arg: usize, md: &MemoryDesc) -> Matrix {
    let nd = md.dims().len();
    let size = md.dtype().size_bytes() as i64;
    let side = if md.is_plain() {
        Side::Strided {
            rows: md.strides()[nd - 2] * size,
            cols: unit_if_single(md, nd - 1) * size,
        }
    } else {
        let logical = || {
            Side::Logical(Box::new(Logical {
                md: *md,
                first: nd - 2,
                swapped: false,
            }))
        };
        panels(md, nd - 2, nd - 1, md.dtype().vnni()).unwrap_or_else(logical)
    };
    let batch = (0..nd - 2)
        .map(|d| {
            if md.dims()[d] == 1 {
                0
            } else {
                md.strides()[d] * size
            }
        })
        .collect();
    Matrix {
        arg,
        dtype: md.dtype(),
        offset: md.offset0 * size,
        side,
        batch,
    }
}

/// The stride of a dimension; 1 for one of size 1, whose stride says nothing.
fn unit_if_single(md: &MemoryDesc, dim: usize) -> i64 {
    if md.dims()[dim] == 1 {
        1
    } else {
        md.strides()[dim]
    }
}

/// A product as a plan.
pub fn planned(args: Vec<Arg>, product: Product) -> Planned {
    Planned {
        args,
        impl_name: format!("brick:{}", product.isa.name()),
        nest: product.nest(),
        scratch_bytes: product.scratch_bytes(),
        plan: Box::new(product),
    }
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
