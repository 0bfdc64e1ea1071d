//! Sums of the rows of a matrix, `sums[n] = Σ_m a[m][n]`: the gradient of a bias.
//!
//! The parts of a parallel run take blocks of columns, and every column is summed in the order of its rows, so that the
//! bits do not depend on the number of threads.

use super::{Env, Planned, gemm::Matrix, sequence::Sequence};
use crate::{
    dtype::DataType,
    error::Result,
    exec::{Nest, pack::Side},
    kernel::{
        expr::{Bcast, Expr},
        spec::{Reduce, Spec},
    },
    machine::Isa,
    memory::MemoryDesc,
    plan::{
        place::{Block, Loop},
        steps::{Body, STAGE_BYTES, rows_of, step, step_of_one, zeros},
    },
    supported, unimplemented_here,
};

/// The most columns of one kernel call.
const BLOCK: usize = 512;
/// Elements below which another part is not worth its start.
const MIN_PART: usize = 1 << 15;

/// Appends the sums of `rows` rows to a sequence; a vector with gaps or blocks gets them by way of a buffer.
pub fn push(
    sequence: &mut Sequence,
    env: &Env,
    matrix: &Matrix,
    rows: usize,
    (entry, to): (usize, &MemoryDesc),
) -> Result<()> {
    let row = MemoryDesc::plain(to.dims(), to.dtype())?;
    let entry = sequence.written(env, (entry, to), &row, false)?;
    sequence.push(planned(env, matrix, rows, (entry, &row))?);
    Ok(())
}

/// Plans the sums of `rows` rows of floats into the vector `to`, which is given as (entry, descriptor).
pub fn planned(
    env: &Env,
    matrix: &Matrix,
    rows: usize,
    (entry, to): (usize, &MemoryDesc),
) -> Result<Planned> {
    let (from, size) = (matrix.dtype, matrix.dtype.size_bytes() as i64);
    let Side::Strided {
        rows: row_bytes,
        cols,
    } = matrix.side
    else {
        return Err(unimplemented_here!("sums of rows: the matrix is in panels"));
    };
    supported!(
        cols == size,
        "sums of rows: the elements of a row are not adjacent"
    );
    let dtype = to.dtype();
    supported!(
        !dtype.is_int() && dtype.is_kernel_type() && to.is_dense() && to.inner_volume() == 1,
        "sums of rows: the result, {to}, must be floats without gaps and blocks"
    );
    let columns = to.dims()[0] as usize;
    let parts = (rows * columns / MIN_PART).clamp(1, env.threads.max(1));
    let blocks = columns.div_ceil(BLOCK).next_multiple_of(parts);
    let width = columns.div_ceil(blocks.max(1)).max(1);
    let sums = Sums {
        isa: env.isa,
        rows: rows as i64,
        from,
        row_bytes,
        to: dtype,
    };
    let to_size = dtype.size_bytes() as i64;
    let all = Block {
        base: vec![to.offset0 * to_size, matrix.offset],
        loops: vec![Loop {
            count: columns as i64,
            strides: vec![to_size, size],
        }],
    };
    let step = |mut block: Block| {
        let n = block.loops.remove(0).count as usize;
        step_of_one(block, vec![entry, matrix.arg], sums.body(n))
    };
    let blocks = all.split(0, width as i64).into_iter();
    let steps = blocks.filter(|b| b.elements() > 0).map(step).collect();
    let stage_bytes = match dtype {
        DataType::F32 => 0,
        _ => 2 * STAGE_BYTES,
    };
    let nest = Nest {
        steps,
        parts,
        slices: 1,
        stage_bytes,
        far: false,
    };
    let text = format!("S{parts}:{rows}x{columns}");
    Ok(Planned::new(text, parts * stage_bytes, nest))
}

/// What the sums of all blocks have in common.
struct Sums {
    isa: Isa,
    rows: i64,
    from: DataType,
    row_bytes: i64,
    to: DataType,
}

impl Sums {
    /// The sums of n columns; those of another type than f32 pass through a buffer.
    fn body(&self, n: usize) -> Body<Spec> {
        if self.rows == 0 {
            let bytes = n * self.to.size_bytes();
            return Body::Kernel(zeros(self.isa, bytes as i64, 0));
        }
        let isa = self.isa;
        let reduce = Reduce {
            isa,
            n,
            a: self.from,
            a_row_bytes: self.row_bytes,
            beta: false,
        };
        let rows = Loop {
            count: self.rows,
            strides: vec![0, self.row_bytes],
        };
        let over = |loops| Block {
            base: vec![0; 2],
            loops,
        };
        let reduce = Body::Kernel(Spec::Reduce(reduce));
        let sum = |to| step(over(vec![rows]), vec![to, 1], |_| reduce);
        if self.to == DataType::F32 {
            return Body::Staged(vec![sum(0)]);
        }
        const BUFFER: usize = 2;
        let sums = Expr::load(DataType::F32, Bcast::Row, false);
        let convert = Body::Kernel(rows_of(isa, self.to, n as i64, sums, 0));
        let convert = step_of_one(over(Vec::new()), vec![0, BUFFER], convert);
        Body::Staged(vec![sum(BUFFER), convert])
    }
}
