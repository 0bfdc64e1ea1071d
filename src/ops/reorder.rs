//! Reorders: the same logical tensor in another layout and type.

use super::epilogue::{
    Binding, Chain, Input, arg, check_attr, check_dims, check_layout, check_operand, identity,
    no_post_ops,
};
use super::sequence::Sequence;
use super::{Env, Planned};
use crate::attr::{Attr, F32, PostOp, RnnQuant};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::expr::Id;
use crate::memory::MemoryDesc;
use crate::plan::place::Place;
use crate::{require, supported};

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
        if attr.is_for_rnn() {
            return self.recurrent(attr, env);
        }
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

    /// Quantises what recurrent layers read: weights (l, d, i, g, o) and projections (l, d, i, o) by scales, data by a scale
    /// and a shift, q = scale·x + shift.
    fn recurrent(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        use DataType::{Bf16, F16, S8, U8};
        self.check()?;
        let (src, dst) = (&self.src, &self.dst);
        let mut others = attr.clone();
        let ((scale, shift), weights) = (others.data(), others.rnn_weights.take());
        let projection = others.rnn_projection.take();
        others.rnn_data = None;
        check_attr(&others, DataType::F32, &[], &[])?;
        no_post_ops(attr, "reorders of recurrent data or weights")?;
        if src.dtype() == dst.dtype() && dst.dtype().is_int() {
            // They are quantised already.
            return self.plan(&others, env);
        }
        supported!(
            matches!(src.dtype(), DataType::F32 | Bf16 | F16) && matches!(dst.dtype(), S8 | U8),
            "src, dst: recurrent data and weights are quantised from floats to 8-bit integers, not from {} to {}",
            src.dtype(),
            dst.dtype()
        );
        let one = |x| RnnQuant {
            mask: 0,
            scales: vec![F32::new(x)],
        };
        let (quant, shift) = match (src.dims().len(), dst.dtype(), projection) {
            (5, S8, _) => (weights.unwrap_or_else(|| one(1.0)), 0.0),
            (4, S8, Some(scales)) => (scales, 0.0),
            _ => (one(scale), shift),
        };
        self.quantised(quant, shift, env)
    }

    fn quantised(&self, quant: RnnQuant, shift: f32, env: &Env) -> Result<Planned> {
        let (src, dst) = (&self.src, &self.dst);
        let (place, count) = Place::dense(src.dims(), quant.mask, 4);
        supported!(
            count == quant.scales.len() as i64 && quant.mask >> src.dims().len() == 0,
            "attribute: {} scales of recurrent weights by mask {}, which takes {count}",
            quant.scales.len(),
            quant.mask
        );
        let (mut sequence, mut args) = (Sequence::default(), Vec::new());
        let scales = quant.scales.iter().map(|s| s.get()).collect();
        let scale = Binding {
            index: sequence.constant(scales)?,
            dtype: DataType::F32,
            place,
        };
        let mut chain = Chain::new(&mut args, dst);
        let x = chain.load(arg::SRC, src, Place::broadcast(src), false)?;
        let (scale, shift) = (chain.load_at(scale, false)?, chain.code.float(shift));
        let q = chain.code.fma(x, scale, shift);
        chain.store_after(sequence, (q, false), arg::DST, env)
    }

    fn check(&self) -> Result<()> {
        let (src, dst) = (&self.src, &self.dst);
        check_dims((src, "src"), (dst, "dst"))?;
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
    let input = Input::new(arg::SRC, src, &to);
    if let Some(zero_point) = chain.zero_point(attr, input, false)? {
        x = chain.code.sub(x, zero_point);
    }
    x = chain.scaled(attr, x, input)?;
    x = chain.post_ops(attr, x)?;
    chain.quantise(attr, x)
}
