//! Reorders: the same logical tensor in another layout and type.

use super::{
    Arg, Env, Planned,
    epilogue::{Binding, Chain, Input, arg, check_attr, identity},
    pointwise::{Pointwise, check_layout, check_operand},
};
use crate::{
    attr::{Attr, PostOp},
    ensure,
    error::Result,
    invalid,
    kernel::expr::{Id, Node},
    memory::MemoryDesc,
    plan::place::Place,
    unimplemented_here,
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
        check_attr(attr, &[arg::SRC, arg::DST], &[arg::SRC, arg::DST])?;
        let (src, dst) = (&self.src, &self.dst);
        self.check()?;
        ensure!(
            attr.post_ops
                .iter()
                .all(|op| matches!(op, PostOp::Sum { .. })),
            unimplemented_here!("attribute: reorder supports no post-op but sum")
        );
        let plain =
            attr.scales.is_empty() && attr.zero_points.is_empty() && attr.post_ops.is_empty();
        let mut args = vec![Arg::input(arg::SRC, *src), Arg::output(arg::DST, *dst)];
        let mut chain = Chain::new(&mut args, dst, 0);
        let place = Place::broadcast(src, src.dtype().size_bytes());
        let (expr, bindings) = if plain && src.data_type == dst.data_type {
            let binding = Binding {
                index: 0,
                dtype: src.dtype(),
                place,
            };
            chain.bindings.list.push(binding);
            (None, chain.bindings)
        } else {
            check_operand(src, "src")?;
            check_operand(dst, "dst")?;
            // Integers stay integers where nothing is computed: an f32 does not hold every s32.
            let int = plain && src.dtype().is_int() && dst.dtype().is_int();
            let x = chain.load(arg::SRC, src, place, int)?;
            let value = if plain {
                x
            } else {
                converted(&mut chain, attr, src, x)?
            };
            let (expr, bindings) = chain.finish(value, int);
            (Some(expr), bindings)
        };
        Pointwise {
            name: "reorder",
            args,
            dst: arg::DST,
            expr,
            bindings,
            env,
        }
        .plan()
    }

    fn check(&self) -> Result<()> {
        let (src, dst) = (&self.src, &self.dst);
        ensure!(
            src.dims() == dst.dims() && !src.is_absent(),
            invalid!(
                "src, dst: dims {:?} and {:?} differ",
                src.dims(),
                dst.dims()
            )
        );
        for (md, what) in [(src, "src"), (dst, "dst")] {
            ensure!(
                !md.is_any(),
                invalid!("{what}: a reorder needs a layout, not `any`")
            );
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
    if let Some(zero_point) = chain.quant(
        attr.zero_points.get(&arg::SRC),
        arg::ZERO_POINTS,
        input,
        false,
    )? {
        x = chain.code.push(Node::Sub(x, zero_point));
    }
    x = chain.scaled(attr, x, input)?;
    x = chain.post_ops(attr, x)?;
    chain.quantise(attr, x)
}
