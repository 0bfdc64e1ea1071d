//! What eltwise, binary, sum and reorder share: an expression over every element of dst becomes a planned primitive.

use super::epilogue::{Binding, Chain, Epilogue, check_layout};
use super::sequence::Sequence;
use super::{Arg, Env, Exec, Plan, Planned, Run};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::Nest;
use crate::kernel::{
    Kernel,
    expr::{Id, Node},
    spec::Spec,
};
use crate::machine::machine;
use crate::memory::MemoryDesc;
use crate::plan::{
    place::{Place, blocks},
    steps::{self, Body, STAGE_BYTES, Step, Work},
};
use crate::unimplemented_here;
use std::{fmt::Write, sync::Arc};

/// Bytes of dst that a part writes in all its steps before it goes on.
const SLICE_BYTES: usize = 256 << 10;
/// Bytes of dst below which another part is not worth its start.
const PART_BYTES: usize = 64 << 10;

impl Chain<'_> {
    /// Plans a primitive that stores `value`, an integer or a float, in every element of dst, its argument `id`. Where
    /// inner blocks of several sizes do not nest, blocked operands are copied into plain layouts.
    pub fn store(self, value: (Id, bool), id: i32, env: &Env) -> Result<Planned> {
        self.store_after(Sequence::default(), value, id, env)
    }

    /// As `store`, behind what a sequence does already.
    pub fn store_after(
        self,
        mut sequence: Sequence,
        (value, int): (Id, bool),
        id: i32,
        env: &Env,
    ) -> Result<Planned> {
        let dst = self.dst;
        check_layout(&dst, "dst")?;
        self.args.push(Arg::output(id, dst));
        let args = std::mem::take(self.args);
        let to = (args.len() - 1, &dst);
        let mut work = self.finish(value, int);
        if let Some(main) = nest(to, &work, env) {
            return sequence.finish(args, main, env);
        }
        for binding in &mut work.bindings {
            let blocked = |arg: &&Arg| arg.md.inner_nblks > 0;
            if let Some(Arg { md, .. }) = args.get(binding.index).filter(blocked) {
                let plain = MemoryDesc::plain(md.dims(), md.dtype())?;
                let entry = sequence.read(env, (binding.index, md), &plain)?;
                *binding = Binding::whole(entry, &plain);
            }
        }
        let main = nest(to, &work, env).ok_or_else(|| {
            unimplemented_here!("dst: the inner blocks of the layouts do not nest")
        })?;
        sequence.finish(args, main, env)
    }
}

/// The nest that stores an expression in every element of dst, given as (entry, descriptor), and zeroes in its padding;
/// nothing where the inner blocks of dst and of the operands do not nest.
pub fn nest((to, dst): (usize, &MemoryDesc), work: &Epilogue, env: &Env) -> Option<Planned> {
    let mut steps = match dst.has_zero_dim() {
        true => Vec::new(),
        false => steps(dst, work, env)?,
    };
    // Beside one operand of its size, dst does not stay in the caches for whoever reads it.
    let far = 2 * dst.size_bytes() > machine().l3_bytes;
    for step in &mut steps {
        if let Body::Kernel(Spec::Tile(tile)) = &mut step.body {
            tile.far = far;
        }
    }
    let operands = work.bindings.iter().map(|b| b.index);
    let entries: Vec<usize> = std::iter::once(to).chain(operands).collect();
    for operand in steps.iter_mut().flat_map(|step| &mut step.operands) {
        *operand = entries[*operand];
    }
    let parts = (dst.size_bytes() / PART_BYTES).clamp(1, env.threads.max(1));
    let slices = match steps.len() {
        0 | 1 => 1,
        _ => (dst.size_bytes() / parts).div_ceil(SLICE_BYTES).max(1),
    };
    let staged = steps.iter().any(|s| matches!(s.body, Body::Staged(_)));
    let stage_bytes = usize::from(staged) * entries.len() * STAGE_BYTES;
    let text = describe(&steps, parts);
    let nest = Nest {
        steps,
        parts,
        slices,
        stage_bytes,
        far,
    };
    Some(Planned::new(text, parts * stage_bytes, nest))
}

/// The steps over all of dst and its padding.
fn steps(
    dst: &MemoryDesc,
    Epilogue { expr, bindings }: &Epilogue,
    env: &Env,
) -> Option<Vec<Step<Spec>>> {
    let (isa, bytes) = (env.isa, dst.dtype().size_bytes() as i64);
    let own = Place::whole(dst);
    let operands = bindings.iter().map(|b| &b.place);
    let places: Vec<&Place> = std::iter::once(&own).chain(operands).collect();
    let ranges: Vec<(i64, i64)> = dst.dims().iter().map(|&n| (0, n)).collect();
    let inputs = bindings.iter().map(|b| b.dtype);
    let types: Vec<DataType> = std::iter::once(dst.dtype()).chain(inputs).collect();
    let work = Work {
        isa,
        expr,
        types: &types,
    };
    let inside = blocks(&ranges, &places)?.into_iter();
    // What is stored as it was loaded is copied bit by bit, whatever its type.
    let mut all: Vec<_> = match expr.nodes[..] {
        [Node::Load { slot, dtype, .. }] if dtype == dst.dtype() => inside
            .flat_map(|b| steps::copy(isa, &b, [0, 1 + usize::from(slot)], bytes))
            .collect(),
        _ => inside.flat_map(|b| steps::plan(&work, b)).collect(),
    };
    for d in 0..ranges.len() {
        if dst.dims[d] < dst.padded_dims[d] {
            let padding = blocks(&padding(dst, d), &[&own]).into_iter().flatten();
            all.extend(padding.flat_map(|b| steps::zero(isa, b, bytes)));
        }
    }
    Some(all)
}

/// The padding along dim d, without what belongs to the padding of later dims.
fn padding(md: &MemoryDesc, d: usize) -> Vec<(i64, i64)> {
    let range = |i: usize| match i.cmp(&d) {
        std::cmp::Ordering::Less => (0, md.padded_dims[i]),
        std::cmp::Ordering::Equal => (md.dims[d], md.padded_dims[d]),
        std::cmp::Ordering::Greater => (0, md.dims[i]),
    };
    (0..md.dims().len()).map(range).collect()
}

fn describe(steps: &[Step<Spec>], parts: usize) -> String {
    let mut text = format!("{parts}");
    for step in steps {
        let kind = match &step.body {
            Body::Kernel(Spec::Tile(tile)) => format!("tile{}", tile.n),
            Body::Kernel(Spec::Transpose(t)) => format!("transpose{}x{}", t.rows, t.cols),
            Body::Kernel(_) => "interleave".to_string(),
            Body::Bytes(n) => format!("bytes{n}"),
            Body::Staged(_) => "staged".to_string(),
        };
        let _ = write!(text, "|{}:{kind}", step.units()); // writing to a string cannot fail
    }
    text
}

impl Plan for Nest<Spec> {
    fn compile(&self) -> Result<Box<dyn Run>> {
        Ok(Box::new(self.compiled()?))
    }
}

impl Run for Nest<Arc<Kernel>> {
    unsafe fn run(&self, exec: &Exec) {
        // SAFETY: passed on to the caller; the scratch is as planned.
        unsafe { self.walk(exec) };
    }
}

#[cfg(test)]
mod tests;
