//! Sums of the rows of a matrix, `sums[n] = Σ_m a[m][n]`: the gradient of a bias.
//!
//! The parts of a parallel run take blocks of columns, and every column is summed in the order of its rows, so that the
//! bits do not depend on the number of threads.

use super::{Env, Planned, gemm::Matrix, sequence::Sequence};
use crate::{
    dtype::DataType,
    error::Result,
    exec::Nest,
    kernel::spec::{Reduce, Spec},
    memory::MemoryDesc,
    plan::{
        place::{Block, Loop},
        steps::{Body, step, step_of_one, zeros},
    },
    supported,
};

/// The most columns of one kernel call.
const BLOCK: usize = 512;
/// Elements below which another part is not worth its start.
const MIN_PART: usize = 1 << 15;

/// Appends the sums of `rows` rows to a sequence, into a vector of floats that is given as (entry, descriptor).
pub fn push(
    sequence: &mut Sequence,
    env: &Env,
    matrix: &Matrix,
    rows: usize,
    (entry, to): (usize, &MemoryDesc),
) -> Result<()> {
    let dtype = to.dtype();
    supported!(
        !dtype.is_int() && dtype.is_kernel_type(),
        "sums of rows: the result, {to}, must be floats"
    );
    let row = MemoryDesc::plain(to.dims(), DataType::F32)?;
    let entry = sequence.written(env, (entry, to), &row, false)?;
    sequence.push(planned(env, matrix, rows, (entry, &row)));
    Ok(())
}

/// Plans the sums of `rows` rows of adjacent elements into the dense vector `to` of f32, or of s32 for integers.
pub fn planned(
    env: &Env,
    matrix: &Matrix,
    rows: usize,
    (entry, to): (usize, &MemoryDesc),
) -> Planned {
    let (row_bytes, col_bytes) = matrix.side.strides();
    let columns = to.nelems() as usize;
    let parts = (rows * columns / MIN_PART).clamp(1, env.threads.max(1));
    let blocks = columns.div_ceil(BLOCK).next_multiple_of(parts);
    let width = columns.div_ceil(blocks.max(1)).max(1);
    let over = |base, count: usize, strides| Block {
        base,
        loops: vec![Loop {
            count: count as i64,
            strides,
        }],
    };
    let sums = |mut block: Block| {
        let n = block.loops.remove(0).count as usize;
        let reduce = Spec::Reduce(Reduce {
            isa: env.isa,
            n,
            a: matrix.dtype,
            a_row_bytes: row_bytes,
            beta: false,
        });
        let body = match rows {
            0 => Body::Kernel(zeros(env.isa, 4 * n as i64, 0)),
            // One call takes all rows, which no parts share.
            _ => Body::Staged(vec![step(
                over(vec![0; 2], rows, vec![0, row_bytes]),
                vec![0, 1],
                |_| Body::Kernel(reduce),
            )]),
        };
        step_of_one(block, vec![entry, matrix.arg], body)
    };
    let base = vec![to.offset0 * 4, matrix.offset];
    let all = over(base, columns, vec![4, col_bytes]).split(0, width as i64);
    let filled = all.into_iter().filter(|block| block.elements() > 0);
    let nest = Nest {
        steps: filled.map(sums).collect(),
        parts,
        slices: 1,
        stage_bytes: 0,
        far: false,
    };
    Planned::new(format!("S{parts}:{rows}x{columns}"), 0, nest)
}
