//! Weighted sums of tensors: `dst = Σ_i scales[i] * srcs[i]`.

use super::epilogue::{
    Chain, MAX_OPERANDS, arg, check_attr, check_dims, check_operand, no_post_ops, resolved,
};
use super::{Env, Planned};
use crate::attr::{Attr, F32};
use crate::dtype::DataType;
use crate::error::Result;
use crate::memory::{FormatKind, MemoryDesc};
use crate::{invalid, require, supported};

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
        check_attr(attr, DataType::F32, &[], &[])?;
        no_post_ops(attr, "sums")?;
        let dst = self.resolved_dst()?;
        check_operand(&dst, "dst")?;
        let (mut args, mut total) = (Vec::new(), None);
        let mut chain = Chain::new(&mut args, &dst);
        for (i, (src, scale)) in self.srcs.iter().zip(&self.scales).enumerate() {
            let what = format!("src {i}");
            check_dims((src, &what), (&dst, "dst"))?;
            let x = chain.load_broadcast(arg::MULTIPLE_SRC + i as i32, src, &what)?;
            let scale = chain.code.float(scale.get());
            total = Some(match total {
                Some(sum) => chain.code.fma(x, scale, sum),
                None => chain.code.mul(x, scale),
            });
        }
        let total = total.expect("there is at least one source");
        chain.store((total, false), arg::DST, env)
    }

    fn resolved_dst(&self) -> Result<MemoryDesc> {
        let (n, first) = (self.srcs.len(), self.srcs.first());
        let first = first.ok_or_else(|| invalid!("srcs: none given"))?;
        supported!(n <= MAX_OPERANDS, "srcs: {n}, but only {MAX_OPERANDS} fit");
        let scales = self.scales.len();
        require!(scales == n, "scales: {scales} of them for {n} srcs");
        if !self.dst.is_absent() {
            return resolved(&self.dst, first);
        }
        check_operand(first, "src 0")?;
        let mut any = MemoryDesc::plain(first.dims(), first.dtype())?;
        any.format_kind = FormatKind::Any as i32;
        resolved(&any, first)
    }
}
