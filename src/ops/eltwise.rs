//! Element-wise activations and their derivatives.

use super::{
    Arg, Env, Planned, Prop,
    epilogue::{Chain, arg, check_attr, resolved},
    pointwise::{Pointwise, check_operand},
};
use crate::{
    attr::{Attr, Eltwise, F32},
    ensure,
    error::Result,
    invalid,
    kernel::{eltwise, expr::Node},
    memory::MemoryDesc,
    unimplemented_here,
};

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

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        self.check()?;
        let data = resolved(&self.data, &self.dst)?;
        let dst = resolved(&self.dst, &data)?;
        check_operand(&data, self.data_name())?;
        check_operand(&dst, self.dst_name())?;
        if self.is_forward() {
            forward(self, attr, env, data, dst)
        } else {
            backward(self, attr, env, data, dst)
        }
    }

    fn is_forward(&self) -> bool {
        matches!(self.prop, Prop::ForwardTraining | Prop::ForwardInference)
    }

    fn data_name(&self) -> &'static str {
        if self.is_forward() || !self.use_dst {
            "src"
        } else {
            "dst"
        }
    }

    fn dst_name(&self) -> &'static str {
        if self.is_forward() { "dst" } else { "diff_dst" }
    }

    fn check(&self) -> Result<()> {
        let (alpha, beta) = (self.alpha.get(), self.beta.get());
        ensure!(
            !alpha.is_nan() && !beta.is_nan(),
            invalid!("alpha, beta: {alpha}, {beta}; neither may be NaN")
        );
        let clips = matches!(self.alg, Eltwise::Clip | Eltwise::ClipV2);
        if clips && alpha > beta {
            return Err(invalid!(
                "alpha, beta: the bounds {alpha} and {beta} of clip are in the wrong order"
            ));
        }
        ensure!(
            self.alg != Eltwise::SoftRelu || alpha != 0.0,
            invalid!("alpha: soft_relu divides by it, it must not be 0")
        );
        ensure!(
            self.data.dims() == self.dst.dims() && !self.data.is_absent(),
            invalid!(
                "{}: dims {:?}, but {} has {:?}",
                self.data_name(),
                self.data.dims(),
                self.dst_name(),
                self.dst.dims()
            )
        );
        if self.is_forward() {
            return Ok(());
        }
        ensure!(
            self.prop == Prop::Backward || self.prop == Prop::BackwardData,
            invalid!("prop: {:?} does not apply to eltwise", self.prop)
        );
        ensure!(
            self.alg != Eltwise::Round,
            unimplemented_here!("alg: round has no derivative")
        );
        ensure!(
            self.diff_src.dims() == self.data.dims(),
            invalid!(
                "diff_src: dims {:?}, but {} has {:?}",
                self.diff_src.dims(),
                self.data_name(),
                self.data.dims()
            )
        );
        self.check_use_dst()
    }

    fn check_use_dst(&self) -> Result<()> {
        if !self.use_dst {
            return Ok(());
        }
        let alpha = self.alpha.get();
        match self.alg {
            Eltwise::Relu | Eltwise::Elu if alpha < 0.0 => Err(invalid!(
                "alpha: {alpha} is negative, then the derivative cannot be had from dst"
            )),
            Eltwise::Relu
            | Eltwise::Tanh
            | Eltwise::Elu
            | Eltwise::Sqrt
            | Eltwise::Logistic
            | Eltwise::Exp
            | Eltwise::ClipV2 => Ok(()),
            alg => Err(invalid!(
                "alg: the derivative of {alg:?} cannot be had from dst"
            )),
        }
    }
}

fn forward(
    desc: &Desc,
    attr: &Attr,
    env: &Env,
    src: MemoryDesc,
    dst: MemoryDesc,
) -> Result<Planned> {
    check_attr(attr, &[], &[])?;
    let mut args = vec![Arg::input(arg::SRC, src), Arg::output(arg::DST, dst)];
    let mut chain = Chain::new(&mut args, &dst, 0);
    let x = chain.load_broadcast(arg::SRC, &src, "src")?;
    let y = eltwise::forward(
        &mut chain.code,
        desc.alg,
        desc.alpha.get(),
        desc.beta.get(),
        x,
    );
    let y = chain.post_ops(attr, y)?;
    let (expr, bindings) = chain.finish(y, false);
    Pointwise {
        name: "eltwise",
        args,
        dst: arg::DST,
        expr: Some(expr),
        bindings,
        env,
    }
    .plan()
}

fn backward(
    desc: &Desc,
    attr: &Attr,
    env: &Env,
    data: MemoryDesc,
    diff_dst: MemoryDesc,
) -> Result<Planned> {
    check_attr(attr, &[], &[])?;
    ensure!(
        attr.post_ops.is_empty(),
        unimplemented_here!("attribute: eltwise backward has no post-ops")
    );
    let diff_src = resolved(&desc.diff_src, &data)?;
    check_operand(&diff_src, "diff_src")?;
    for (md, what) in [
        (&data, desc.data_name()),
        (&diff_dst, "diff_dst"),
        (&diff_src, "diff_src"),
    ] {
        let name = md.dtype().name();
        ensure!(
            !md.dtype().is_int(),
            unimplemented_here!("{what}: type {name} has no gradients")
        );
    }
    let data_id = if desc.use_dst { arg::DST } else { arg::SRC };
    let mut args = vec![
        Arg::input(data_id, data),
        Arg::input(arg::DIFF_DST, diff_dst),
        Arg::output(arg::DIFF_SRC, diff_src),
    ];
    let mut chain = Chain::new(&mut args, &diff_src, 0);
    let x = chain.load_broadcast(data_id, &data, desc.data_name())?;
    let dy = chain.load_broadcast(arg::DIFF_DST, &diff_dst, "diff_dst")?;
    let (alpha, beta) = (desc.alpha.get(), desc.beta.get());
    let slope = eltwise::derivative(&mut chain.code, desc.alg, desc.use_dst, alpha, beta, x);
    let dx = chain.code.push(Node::Mul(dy, slope));
    let (expr, bindings) = chain.finish(dx, false);
    Pointwise {
        name: "eltwise",
        args,
        dst: arg::DIFF_SRC,
        expr: Some(expr),
        bindings,
        env,
    }
    .plan()
}
