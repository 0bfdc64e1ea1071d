//! Reorders: the same logical tensor in another layout and type.

use super::{
    Env, Planned,
    epilogue::{Chain, Input, arg, check_attr, check_layout, check_operand, identity},
};
use crate::{
    attr::{Attr, PostOp},
    dtype::DataType,
    error::Result,
    kernel::expr::Id,
    memory::MemoryDesc,
    plan::place::Place,
    require, supported,
};

/// The operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub src: MemoryDesc,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_attr(
            attr,
            DataType::F32,
            &[arg::SRC, arg::DST],
            &[arg::SRC, arg::DST],
        )?;
        let (src, dst) = (&self.src, &self.dst);
        self.check()?;
        supported!(
            attr.post_ops
                .iter()
                .all(|op| matches!(op, PostOp::Sum { .. })),
            "attribute: reorder supports no post-op but sum"
        );
        let plain =
            attr.scales.is_empty() && attr.zero_points.is_empty() && attr.post_ops.is_empty();
        let mut args = Vec::new();
        let mut chain = Chain::new(&mut args, dst);
        if plain && src.data_type == dst.data_type {
            let value = chain.copied(arg::SRC, src)?;
            return chain.store((value, src.dtype().is_int()), arg::DST, env);
        }
        check_operand(src, "src")?;
        check_operand(dst, "dst")?;
        // Integers stay integers where nothing is computed: an f32 does not hold every s32.
        let int = plain && src.dtype().is_int() && dst.dtype().is_int();
        let mut x = chain.load(arg::SRC, src, Place::broadcast(src), int)?;
        if !plain {
            x = converted(&mut chain, attr, src, x)?;
        }
        chain.store((x, int), arg::DST, env)
    }

    fn check(&self) -> Result<()> {
        let (src, dst) = (&self.src, &self.dst);
        require!(
            src.dims() == dst.dims() && !src.is_absent(),
            "src, dst: dims {:?} and {:?} differ",
            src.dims(),
            dst.dims()
        );
        for (md, what) in [(src, "src"), (dst, "dst")] {
            require!(!md.is_any(), "{what}: a reorder needs a layout, not `any`");
            check_layout(md, what)?;
        }
        Ok(())
    }
}

/// `(src - zero point) * scale`, then what every chain ends with.
fn converted(chain: &mut Chain, attr: &Attr, src: &MemoryDesc, mut x: Id) -> Result<Id> {
    let to = identity(src.dims().len());
    let input = Input {
        id: arg::SRC,
        md: src,
        to: &to,
    };
    if let Some(zero_point) = chain.zero_point(attr, input, false)? {
        x = chain.code.sub(x, zero_point);
    }
    x = chain.scaled(attr, x, input)?;
    x = chain.post_ops(attr, x)?;
    chain.quantise(attr, x)
}
