//! Sums of the rows of a matrix, `sums[n] = Σ_m a[m][n]`: the gradient of a bias.
//!
//! The parts of a parallel run take blocks of columns, and every column is summed in the order of its rows, so that the
//! bits do not depend on the number of threads.

use super::{Env, Planned, gemm::Matrix};
use crate::{
    dtype::DataType,
    error::Result,
    exec::{Nest, pack::Side},
    kernel::{
        expr::{Bcast, Expr},
        spec::{Out, Reduce, Spec, Tile},
    },
    machine::Isa,
    memory::MemoryDesc,
    plan::{
        place::Loop,
        steps::{Body, STAGE_BYTES, Step, zeros},
    },
    supported, unimplemented_here,
};

/// The most columns of one kernel call.
const BLOCK: usize = 512;
/// Elements below which another part is not worth its start.
const MIN_PART: usize = 1 << 15;

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
        !dtype.is_int() && dtype.is_kernel_type() && to.is_dense(),
        "sums of rows: a result of type {dtype} or with gaps is not supported"
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
    let step = |first: usize, count: usize, n: usize| Step {
        operands: vec![entry, matrix.arg],
        base: vec![
            (to.offset0 + first as i64) * to_size,
            matrix.offset + first as i64 * size,
        ],
        outer: vec![Loop {
            count: count as i64,
            strides: vec![n as i64 * to_size, n as i64 * size],
        }],
        rows: Loop::once(2),
        body: sums.body(n),
    };
    let (whole, rest) = (columns / width, columns % width);
    let mut steps = vec![step(0, whole, width)];
    if rest > 0 {
        steps.push(step(whole * width, 1, rest));
    }
    let stage_bytes = match dtype {
        DataType::F32 => 0,
        _ => 2 * STAGE_BYTES,
    };
    let nest = Nest {
        steps,
        parts,
        slices: 1,
        stage_bytes,
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
        let step = |operands: [usize; 2], rows, spec| Step {
            operands: operands.to_vec(),
            base: vec![0; 2],
            outer: Vec::new(),
            rows,
            body: Body::Kernel(spec),
        };
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
        let sum = |to| step([to, 1], rows, Spec::Reduce(reduce));
        if self.to == DataType::F32 {
            return Body::Staged(vec![sum(0)]);
        }
        const BUFFER: usize = 2;
        let out = Out {
            expr: Expr::load(DataType::F32, Bcast::Row, false),
            d: self.to,
            d_row_bytes: 0,
        };
        let convert = Spec::Tile(Tile { isa, n, out });
        let convert = step([0, BUFFER], Loop::once(2), convert);
        Body::Staged(vec![sum(BUFFER), convert])
    }
}
