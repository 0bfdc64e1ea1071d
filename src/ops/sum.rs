//! Weighted sums of tensors: `dst = Σ_i scales[i] * srcs[i]`.

use super::{
    Arg, Env, Planned,
    epilogue::{Chain, arg, check_attr, resolved},
    pointwise::{Pointwise, check_operand},
};
use crate::{
    attr::{Attr, F32},
    ensure,
    error::Result,
    invalid,
    kernel::expr::{Id, Node},
    memory::{FormatKind, MemoryDesc},
    unimplemented_here,
};

/// The operation; dst may be absent (`ndims == 0`): then it takes the first source's layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub scales: Vec<F32>,
    pub srcs: Vec<MemoryDesc>,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_attr(attr, &[], &[])?;
        ensure!(
            attr.post_ops.is_empty(),
            unimplemented_here!("attribute: sum has no post-ops")
        );
        let dst = self.resolved_dst()?;
        check_operand(&dst, "dst")?;
        let mut args = Vec::new();
        for (i, src) in self.srcs.iter().enumerate() {
            ensure!(
                src.dims() == dst.dims(),
                invalid!(
                    "src {i}: dims {:?}, but dst has {:?}",
                    src.dims(),
                    dst.dims()
                )
            );
            check_operand(src, &format!("src {i}"))?;
            args.push(Arg::input(arg::MULTIPLE_SRC + i as i32, *src));
        }
        args.push(Arg::output(arg::DST, dst));
        let mut chain = Chain::new(&mut args, &dst, 0);
        let total = self.total(&mut chain)?;
        let (expr, bindings) = chain.finish(total, false);
        Pointwise {
            name: "sum",
            args,
            dst: arg::DST,
            expr: Some(expr),
            bindings,
            env,
        }
        .plan()
    }

    fn resolved_dst(&self) -> Result<MemoryDesc> {
        let (n, first) = (self.srcs.len(), self.srcs.first());
        let first = first.ok_or_else(|| invalid!("srcs: none given"))?;
        ensure!(
            self.scales.len() == n,
            invalid!("scales: {} of them for {n} srcs", self.scales.len())
        );
        if let Some(i) = self.scales.iter().position(|s| s.get().is_nan()) {
            return Err(invalid!("scales: number {i} is NaN"));
        }
        if !self.dst.is_absent() {
            return resolved(&self.dst, first);
        }
        check_operand(first, "src 0")?;
        let mut any = MemoryDesc::plain(first.dims(), first.dtype())?;
        any.format_kind = FormatKind::Any as i32;
        resolved(&any, first)
    }

    fn total(&self, chain: &mut Chain) -> Result<Id> {
        let mut total = None;
        for (i, (src, scale)) in self.srcs.iter().zip(&self.scales).enumerate() {
            let x = chain.load_broadcast(arg::MULTIPLE_SRC + i as i32, src, &format!("src {i}"))?;
            total = Some(match (total, scale.get()) {
                (None, 1.0) => x,
                (Some(sum), 1.0) => chain.code.push(Node::Add(sum, x)),
                (sum, scale) => {
                    let scale = chain.code.float(scale);
                    let node = sum.map_or(Node::Mul(x, scale), |sum| Node::Fma(x, scale, sum));
                    chain.code.push(node)
                }
            });
        }
        Ok(total.expect("there is at least one source"))
    }
}
