//! What follows the sums of a pass: an epilogue for each way in which the rows of kernel calls run over the output.

use super::Pass;
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::expr::{Bcast, Expr, Node};
use crate::memory::MemoryDesc;
use crate::ops::Arg;
use crate::ops::epilogue::{Binding, Epilogue, Input, Request, ZeroPoint, arg};
use crate::ops::matrix::accumulator;
use crate::ops::sequence::{Sequence, innermost};
use crate::plan::conv::{Along, Shape};
use crate::plan::place::{Place, Term};
use crate::supported;
use std::borrow::Cow;

/// The epilogues of a pass under planning.
pub(super) struct Epilogues<'a> {
    pub pass: &'a Pass<'a>,
    pub args: &'a mut Vec<Arg>,
    pub sequence: &'a mut Sequence,
    /// As of [`Request`].
    pub cols_block: i64,
    /// The entry of the sums of weights by output channel, where the input has a zero point.
    pub sums: Option<usize>,
    /// Operands that kernels could not walk, by the index of the argument: all epilogues read the same copy.
    pub copies: Vec<(usize, Binding)>,
}

impl Epilogues<'_> {
    /// The epilogue of a shape of calls.
    pub fn of(&mut self, shape: &Shape) -> Result<Epilogue> {
        let mut epilogue = self.along(shape.along)?;
        epilogue.expr = stepped(epilogue.expr, shape.step);
        Ok(epilogue)
    }

    /// The epilogue of rows along these dimensions.
    pub fn along(&mut self, rows: Along) -> Result<Epilogue> {
        let (env, last) = (self.pass.env, self.pass.last());
        let (sequence, copies) = (&mut *self.sequence, &mut self.copies);
        let request = (rows, self.cols_block, self.sums);
        self.pass.epilogue(request, self.args, |index, md| {
            if let Some((_, binding)) = copies.iter().find(|(i, _)| *i == index) {
                return Ok(Some(binding.clone()));
            }
            let binding = sequence.operand(env, (index, md), (last, 1))?;
            copies.extend(binding.clone().map(|b| (index, b)));
            Ok(binding)
        })
    }

    /// Whether rows may run along these dimensions; nothing is copied for that.
    pub fn allow(&mut self, rows: Along) -> bool {
        let last = self.pass.last();
        let as_copied = |index, md: &MemoryDesc| {
            let layout = innermost(md, last, 1)?;
            Ok(Some(Binding::whole(index, &layout)))
        };
        let request = (rows, self.cols_block, self.sums);
        self.pass.epilogue(request, self.args, as_copied).is_ok()
    }
}

impl Pass<'_> {
    /// The last dimension of the output.
    fn last(&self) -> usize {
        self.output.1.dims().len() - 1
    }

    fn epilogue(
        &self,
        (rows, cols_block, sums): (Along, i64, Option<usize>),
        args: &mut Vec<Arg>,
        copy: impl FnMut(usize, &MemoryDesc) -> Result<Option<Binding>>,
    ) -> Result<Epilogue> {
        if !self.forward {
            return Ok(Epilogue::acc(false));
        }
        let (output, last) = (&self.output.1, self.last());
        let rows: &[usize] = match rows {
            Along::Images => &[0],
            Along::Height => &[last - 1],
            Along::Width => &[last],
            Along::Plane => &[last - 1, last],
        };
        let (none, by_channel) = (vec![None; last + 1], [Some(1)]);
        let mut columns = none.clone();
        columns[0] = Some(1);
        let (attr, weights) = self.ungrouped()?;
        let src = Input::new(arg::SRC, &self.input.1, &none);
        let bias = Input::new(arg::BIAS, &self.bias, &by_channel);
        let (dtype, terms) = (DataType::S32, vec![Term::plain(1, 4)]);
        let place = Place { base: 0, terms };
        let zero_point = |index| ZeroPoint {
            input: src,
            sums: Binding {
                index,
                dtype,
                place,
            },
        };
        let zero_points: Vec<ZeroPoint> = sums.map(zero_point).into_iter().collect();
        let request = Request {
            attr: &attr,
            acc: [accumulator(self.input.1.dtype()), DataType::F32]
                [usize::from(self.is_depthwise())],
            zero_points: &zero_points,
            reduced: 0,
            scaled: &[src, Input::new(arg::WEIGHTS, &weights, &columns)],
            bias: (!self.bias.is_absent()).then_some(bias),
            dst: output,
            rows,
            cols: 1,
            cols_block,
        };
        Epilogue::with_copies(&request, args, copy)
    }

    /// The attributes and the weights as if groups and output channels were one dimension: so scales see them.
    fn ungrouped(&self) -> Result<(Cow<'_, Attr>, MemoryDesc)> {
        let (mut attr, weights) = (Cow::Borrowed(self.attr), &self.weights);
        if weights.dims().len() == self.output.1.dims().len() {
            return Ok((attr, *weights));
        }
        if attr.scales.contains_key(&arg::WEIGHTS) {
            let scales = attr.to_mut().scales.get_mut(&arg::WEIGHTS);
            let mask = &mut scales.expect("it is there").mask;
            supported!(
                matches!(mask, 0 | 3),
                "convolution: scales of grouped weights with mask {mask} are not supported"
            );
            *mask &= 1;
        }
        let mut dims = weights.dims().to_vec();
        let groups = dims.remove(0);
        dims[0] *= groups;
        Ok((attr, MemoryDesc::plain(&dims, weights.dtype())?))
    }
}

/// An expression for rows that are `step` apart.
fn stepped(mut expr: Expr, step: i64) -> Expr {
    for node in &mut expr.nodes {
        if let Node::Load { bcast, .. } = node
            && let Bcast::Col { row_bytes } | Bcast::Full { row_bytes } = bcast
        {
            *row_bytes *= step;
        }
    }
    expr
}
