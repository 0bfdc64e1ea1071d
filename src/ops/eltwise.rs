//! Element-wise activations and their derivatives.

use super::epilogue::{Chain, arg, check_attr, check_dims, check_operand, no_post_ops, resolved};
use super::{Env, Planned, Prop};
use crate::attr::{Attr, Eltwise, F32};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::eltwise;
use crate::memory::MemoryDesc;
use crate::{require, supported};

/// The operation. Forward: `dst = alg(data)`. Backward: `diff_data = diff_dst * alg'(data)`, where `data` is the forward
/// src, or the forward dst with `use_dst`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub prop: Prop,
    pub alg: Eltwise,
    pub use_dst: bool,
    pub alpha: F32,
    pub beta: F32,
    /// Forward src; backward: what the derivative is computed from.
    pub data: MemoryDesc,
    /// Forward dst; backward: diff_dst.
    pub dst: MemoryDesc,
    /// Backward only.
    pub diff_src: MemoryDesc,
}

/// Refuses parameters for which an algorithm has no values.
pub fn check_parameters(alg: Eltwise, alpha: f32, beta: f32) -> Result<()> {
    require!(
        !alpha.is_nan() && !beta.is_nan(),
        "alpha, beta: {alpha}, {beta}; neither may be NaN"
    );
    let clips = matches!(alg, Eltwise::Clip | Eltwise::ClipV2);
    require!(
        !clips || alpha <= beta,
        "alpha, beta: the bounds {alpha} and {beta} of clip are in the wrong order"
    );
    require!(
        alg != Eltwise::SoftRelu || alpha != 0.0,
        "alpha: soft_relu divides by it, it must not be 0"
    );
    Ok(())
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        self.check()?;
        check_attr(attr, DataType::F32, &[], &[])?;
        let data = resolved(&self.data, &self.dst)?;
        let dst = resolved(&self.dst, &data)?;
        let [data_name, dst_name] = self.names();
        check_operand(&dst, dst_name)?;
        let data_id = if self.use_dst { arg::DST } else { arg::SRC };
        let (alpha, beta) = (self.alpha.get(), self.beta.get());
        let mut args = Vec::new();
        if self.prop.is_forward() {
            let mut chain = Chain::new(&mut args, &dst);
            let x = chain.load_broadcast(arg::SRC, &data, "src")?;
            let y = eltwise::forward(&mut chain.code, self.alg, alpha, beta, x);
            let y = chain.post_ops(attr, y)?;
            return chain.store((y, false), arg::DST, env);
        }
        no_post_ops(attr, "eltwise: backward passes")?;
        let diff_src = resolved(&self.diff_src, &data)?;
        check_operand(&diff_src, "diff_src")?;
        let mut chain = Chain::new(&mut args, &diff_src);
        let x = chain.load_broadcast(data_id, &data, data_name)?;
        let dy = chain.load_broadcast(arg::DIFF_DST, &dst, "diff_dst")?;
        let slope = eltwise::derivative(&mut chain.code, self.alg, self.use_dst, alpha, beta, x);
        let dx = chain.code.mul(dy, slope);
        chain.store((dx, false), arg::DIFF_SRC, env)
    }

    /// What the tensors `data` and `dst` are called.
    fn names(&self) -> [&'static str; 2] {
        match (self.prop.is_forward(), self.use_dst) {
            (true, _) => ["src", "dst"],
            (false, true) => ["dst", "diff_dst"],
            (false, false) => ["src", "diff_dst"],
        }
    }

    fn check(&self) -> Result<()> {
        check_parameters(self.alg, self.alpha.get(), self.beta.get())?;
        let [data, dst] = self.names();
        let (data, dst) = ((&self.data, data), (&self.dst, dst));
        let diff_src = (&self.diff_src, "diff_src");
        check_dims(data, dst)?;
        if self.prop.is_forward() {
            return Ok(());
        }
        require!(
            self.prop == Prop::Backward || self.prop == Prop::BackwardData,
            "prop: {:?} does not apply to eltwise",
            self.prop
        );
        supported!(self.alg != Eltwise::Round, "alg: round has no derivative");
        check_dims(diff_src, data)?;
        for (md, what) in [data, dst, diff_src] {
            let dtype = md.dtype();
            supported!(!dtype.is_int(), "{what}: type {dtype} has no gradients");
        }
        self.check_use_dst()
    }

    fn check_use_dst(&self) -> Result<()> {
        if !self.use_dst {
            return Ok(());
        }
        let alpha = self.alpha.get();
        let alg = self.alg;
        require!(
            Eltwise::USE_DST.contains(&alg),
            "alg: the derivative of {alg:?} cannot be had from dst"
        );
        require!(
            alpha >= 0.0 || !matches!(alg, Eltwise::Relu | Eltwise::Elu),
            "alpha: {alpha} is negative, then the derivative cannot be had from dst"
        );
        Ok(())
    }
}
