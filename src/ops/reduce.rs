//! Sums of a tensor along some of its dimensions, in the layout that it has: gradients of biases, and private copies of a
//! gradient that come together.
//!
//! The parts of a parallel run take columns, and every column is summed in the order of the layout, so that the bits do
//! not depend on the number of threads.

use super::{Env, Planned, sequence::Sequence};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::Nest;
use crate::kernel::spec::{Reduce, Spec};
use crate::memory::MemoryDesc;
use crate::plan::{
    place::{Block, Loop, Place, blocks, collapse},
    steps::{Body, Step, step_of_one, zeros},
};
use crate::supported;

/// The most columns of one kernel call.
const BLOCK: usize = 512;
/// Elements below which another part is not worth its start.
const MIN_PART: usize = 1 << 15;

/// Appends the gradient of a bias, the sums of a tensor along all dimensions but that of its channels, as floats; both are
/// given as (entry, descriptor).
pub fn push(
    sequence: &mut Sequence,
    env: &Env,
    (entry, from): (usize, &MemoryDesc),
    (to, bias): (usize, &MemoryDesc),
) -> Result<()> {
    let is_float = !bias.dtype().is_int() && bias.dtype().is_kernel_type();
    supported!(is_float, "bias: its gradient, {bias}, must be floats");
    let dense = MemoryDesc::plain(bias.dims(), DataType::F32)?;
    let to = sequence.written(env, (to, bias), &dense, false)?;
    let mut dims = vec![1; from.dims().len()];
    dims[1] = bias.dims()[0];
    let sums = MemoryDesc::plain(&dims, DataType::F32)?;
    sequence.push(planned(env, (entry, from), (to, &sums)));
    Ok(())
}

/// Plans the sums of a tensor along the dimensions in which `sums` has size 1, as f32, or as s32 of integers; both are given as
/// (entry, descriptor).
pub fn planned(
    env: &Env,
    (entry, from): (usize, &MemoryDesc),
    (to, sums): (usize, &MemoryDesc),
) -> Planned {
    let (dims, dtype) = (from.dims(), from.dtype());
    let is_kept = |d: usize| sums.dims()[d] == dims[d];
    let summed = (0..dims.len()).filter(|&d| !is_kept(d)).map(|d| dims[d]);
    let (rows, columns) = (summed.product::<i64>() as usize, sums.nelems() as usize);
    let parts = (rows * columns / MIN_PART).clamp(1, env.threads.max(1));
    let calls = columns.div_ceil(BLOCK).next_multiple_of(parts);
    let width = columns.div_ceil(calls.max(1)).max(1) as i64;
    let places = [&Place::broadcast(sums), &Place::whole(from)];
    let over = |kept: bool| {
        let range = |d: usize| (0, if is_kept(d) == kept { dims[d] } else { 1 });
        let ranges: Vec<_> = (0..dims.len()).map(range).collect();
        let mut all = blocks(&ranges, &places).expect("one layout's blocks nest");
        all.iter_mut().for_each(|block| collapse(&mut block.loops));
        all
    };
    let (summed, size) = (over(false), dtype.size_bytes() as i64);
    let adjacent = |block: &Block| block.loops.iter().position(|l| l.strides == [4, size]);
    let cut = |block: Block| match adjacent(&block) {
        Some(at) => block.split(at, width),
        None => vec![block],
    };
    let of_columns = |mut block: Block| {
        let n = adjacent(&block).map_or(1, |at| block.loops.remove(at).count);
        let mut steps = vec![zeroed(env, n)];
        let rows = summed.iter().cloned().map(|mut rows| {
            rows.base = vec![0, rows.base[1] - places[1].base];
            added(env, (n, dtype), rows)
        });
        steps.extend(rows);
        step_of_one(block, vec![to, entry], Body::Staged(steps))
    };
    let columns_of = over(true).into_iter().flat_map(cut);
    let nest = Nest::new(columns_of.map(of_columns).collect(), parts);
    Planned::new(format!("S{parts}:{rows}x{columns}"), 0, nest)
}

/// Zeroes n sums.
fn zeroed(env: &Env, n: i64) -> Step<Spec> {
    let one = Block {
        base: vec![0],
        loops: Vec::new(),
    };
    step_of_one(one, vec![0], Body::Kernel(zeros(env.isa, 4 * n, 0)))
}

/// Adds rows of n elements to as many sums, by a kernel that takes those nearest to each other.
fn added(env: &Env, (n, a): (i64, DataType), mut block: Block) -> Step<Spec> {
    block
        .loops
        .sort_by_key(|l| std::cmp::Reverse(l.strides[1].abs()));
    let rows = block.loops.pop().unwrap_or_else(|| Loop::once(2));
    let reduce = Reduce::spec(env.isa, (n as usize, a), rows.strides[1], true);
    let step = step_of_one(block, vec![0, 1], Body::Kernel(reduce));
    Step { rows, ..step }
}
