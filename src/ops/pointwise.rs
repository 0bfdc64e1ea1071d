//! What eltwise, binary, sum and reorder share: an expression over every element of dst becomes a planned primitive.

use std::fmt::Write;

use super::{Arg, Env, Exec, Plan, Planned, Run, epilogue::Bindings, sequence::Sequence};
use crate::{
    dtype::DataType,
    ensure,
    error::Result,
    exec::Nest,
    kernel::{expr::Expr, spec::Spec},
    memory::MemoryDesc,
    plan::{
        place::{Block, Place, blocks},
        steps::{self, Body, STAGE_BYTES, Step, Work},
    },
    unimplemented_here,
};

/// Bytes of dst that a part writes in all its steps before it goes on.
const SLICE_BYTES: usize = 256 << 10;
/// Bytes of dst below which another part is not worth its start.
const PART_BYTES: usize = 64 << 10;

/// Element-wise work over dst.
pub struct Pointwise<'a> {
    /// Name of the primitive, for sentences.
    pub name: &'static str,
    /// All arguments.
    pub args: Vec<Arg>,
    /// Argument number of what is written.
    pub dst: i32,
    /// The value of an element; without, it is that of the first operand bit by bit, whatever its type.
    pub expr: Option<Expr>,
    /// Its operands.
    pub bindings: Bindings,
    /// Where it will run.
    pub env: &'a Env,
}

impl Pointwise<'_> {
    /// Plans the nest; where inner blocks of several sizes do not nest, blocked operands are copied into plain layouts.
    pub fn plan(mut self) -> Result<Planned> {
        let dst_index = self
            .args
            .iter()
            .position(|a| a.id == self.dst)
            .expect("dst is an argument");
        let dst = self.args[dst_index].md;
        check_layout(&dst, "dst")?;
        if dst.has_zero_dim() {
            return self.planned(dst_index, &dst, Vec::new());
        }
        if let Some(steps) = self.steps(&dst) {
            return self.planned(dst_index, &dst, steps);
        }
        let (mut sequence, env) = (Sequence::default(), self.env);
        for binding in &mut self.bindings.list {
            let md = self.args[binding.index].md;
            if md.inner_nblks > 0 {
                let layout = MemoryDesc::plain(md.dims(), md.dtype())?;
                binding.index = sequence.read(env, (binding.index, &md), &layout)?;
                binding.place = Place::broadcast(&layout, md.dtype().size_bytes());
            }
        }
        let steps = self.steps(&dst).ok_or_else(|| {
            unimplemented_here!("{}: the inner blocks of the layouts do not nest", self.name)
        })?;
        let mut main = self.planned(dst_index, &dst, steps)?;
        let args = std::mem::take(&mut main.args);
        sequence.finish(args, main, env)
    }

    fn planned(
        self,
        dst_index: usize,
        dst: &MemoryDesc,
        steps: Vec<Step<Spec>>,
    ) -> Result<Planned> {
        let parts = (dst.size_bytes() / PART_BYTES).clamp(1, self.env.threads.max(1));
        let slices = match steps.len() {
            0 | 1 => 1,
            _ => (dst.size_bytes() / parts).div_ceil(SLICE_BYTES).max(1),
        };
        let staged = steps.iter().any(|s| matches!(s.body, Body::Staged(_)));
        let stage_bytes = if staged {
            (self.bindings.list.len() + 1) * STAGE_BYTES
        } else {
            0
        };
        let operands = std::iter::once(dst_index)
            .chain(self.bindings.list.iter().map(|b| b.index))
            .collect();
        Ok(Planned {
            args: self.args,
            impl_name: format!("brick:{}", self.env.isa.name()),
            nest: describe(&steps, parts),
            scratch_bytes: parts * stage_bytes,
            plan: Box::new(Nested {
                steps,
                parts,
                slices,
                stage_bytes,
                operands,
            }),
        })
    }

    /// The steps over all of dst and its padding; none where the operands' inner blocks do not nest.
    fn steps(&self, dst: &MemoryDesc) -> Option<Vec<Step<Spec>>> {
        let bytes = dst.dtype().size_bytes();
        let own = Place::whole(dst, bytes);
        let places: Vec<&Place> = std::iter::once(&own)
            .chain(self.bindings.list.iter().map(|b| &b.place))
            .collect();
        let ranges: Vec<(i64, i64)> = dst.dims().iter().map(|&n| (0, n)).collect();
        let inside = blocks(&ranges, &places)?;
        let mut all = self.inside(dst.dtype(), inside);
        for d in 0..ranges.len() {
            if dst.dims[d] < dst.padded_dims[d] {
                let padding = blocks(&padding(dst, d), &[&own]).into_iter().flatten();
                all.extend(padding.flat_map(|b| steps::zero(self.env.isa, b, bytes as i64)));
            }
        }
        Some(all)
    }

    fn inside(&self, dst: DataType, blocks: Vec<Block>) -> Vec<Step<Spec>> {
        let isa = self.env.isa;
        let Some(expr) = &self.expr else {
            let bytes = dst.size_bytes() as i64;
            let copies = blocks
                .into_iter()
                .map(|b| steps::copy(isa, b, [0, 1], bytes));
            return copies.flatten().collect();
        };
        let inputs: Vec<DataType> = self.bindings.list.iter().map(|b| b.dtype).collect();
        let inputs = &inputs;
        let work = Work {
            isa,
            expr,
            dst,
            inputs,
        };
        blocks
            .into_iter()
            .flat_map(|b| steps::plan(&work, b))
            .collect()
    }
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

/// Refuses layouts that a nest over elements cannot walk.
pub fn check_layout(md: &MemoryDesc, what: &str) -> Result<()> {
    ensure!(
        md.is_blocked(),
        unimplemented_here!(
            "{what}: only plain and blocked layouts are supported, this is {:?}",
            md.kind()
        )
    );
    ensure!(
        !md.has_runtime(),
        unimplemented_here!("{what}: dims and strides known only at execution are not supported")
    );
    ensure!(
        !md.has_extra(),
        unimplemented_here!(
            "{what}: compensation or other extra data behind the elements is not supported"
        )
    );
    ensure!(
        !md.dtype().is_nibble(),
        unimplemented_here!("{what}: type {} is not supported", md.dtype().name())
    );
    Ok(())
}

/// Refuses layouts and types that an expression cannot load or store.
pub fn check_operand(md: &MemoryDesc, what: &str) -> Result<()> {
    check_layout(md, what)?;
    ensure!(
        md.dtype().is_kernel_type(),
        unimplemented_here!("{what}: type {} is not supported", md.dtype().name())
    );
    Ok(())
}

fn describe(steps: &[Step<Spec>], parts: usize) -> String {
    let mut text = format!("{parts}");
    for step in steps {
        let kind = match &step.body {
            Body::Kernel(Spec::Tile(tile)) => format!("tile{}", tile.n),
            Body::Kernel(Spec::Transpose(t)) => format!("transpose{}x{}", t.rows, t.cols),
            Body::Kernel(_) => "interleave".to_string(),
            Body::Bytes(n) => format!("bytes{n}"),
            Body::Scalar(..) => "scalar".to_string(),
            Body::Zero(n) => format!("zero{n}"),
            Body::Staged(_) => "staged".to_string(),
        };
        let _ = write!(text, "|{}:{kind}", step.units()); // writing to a string cannot fail
    }
    text
}

struct Nested {
    steps: Vec<Step<Spec>>,
    parts: usize,
    slices: usize,
    stage_bytes: usize,
    operands: Vec<usize>,
}

impl Plan for Nested {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let nest = Nest::new(&self.steps, self.parts, self.slices, self.stage_bytes)?;
        Ok(Box::new(Compiled {
            nest,
            operands: self.operands.clone(),
        }))
    }
}

struct Compiled {
    nest: Nest,
    operands: Vec<usize>,
}

/// Operands for which the pointers are gathered without clearing room for many.
const FEW: usize = 8;

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        // SAFETY: passed on to the caller.
        unsafe {
            match self.operands.len() {
                n if n <= FEW => self.run_with::<FEW>(exec),
                _ => self.run_with::<{ super::epilogue::MAX_OPERANDS + 1 }>(exec),
            }
        }
        Ok(())
    }
}

impl Compiled {
    /// # Safety
    /// As [`Run::run`]; there are at most N operands.
    unsafe fn run_with<const N: usize>(&self, exec: &Exec) {
        let mut starts = [std::ptr::null_mut(); N];
        for (start, &index) in starts.iter_mut().zip(&self.operands) {
            *start = exec.ptrs[index];
        }
        // SAFETY: passed on to the caller; the scratch is as planned.
        unsafe {
            self.nest
                .run(&starts[..self.operands.len()], exec.scratch, exec.pool)
        }
    }
}

#[cfg(test)]
mod tests;
