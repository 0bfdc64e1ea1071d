//! Sums of the rows of a matrix, `sums[n] = Σ_m a[m][n]`: the gradient of a bias.
//!
//! The parts of a parallel run take blocks of columns, and every column is summed in the order of its rows, so that the
//! bits do not depend on the number of threads.
#![allow(unsafe_code)]

use super::{Env, Exec, Plan, Planned, Run, gemm::Matrix};
use crate::{
    dtype::DataType,
    ensure,
    error::Result,
    exec::pack::Side,
    kernel::{
        Kernel,
        expr::{Bcast, Expr, Node},
        spec::{Args, Out, Reduce, Spec, Tile},
    },
    machine::Isa,
    memory::MemoryDesc,
    unimplemented_here,
};
use std::sync::Arc;

/// Columns of one kernel call.
const BLOCK: usize = 512;
/// Elements below which another part is not worth its start.
const MIN_PART: usize = 1 << 15;

/// The sums, planned: argument 0 is the matrix, argument 1 the sums.
#[derive(Clone, Debug)]
pub struct RowSum {
    isa: Isa,
    rows: usize,
    columns: usize,
    row_bytes: i64,
    from: DataType,
    to: DataType,
    /// Bytes from the handles to the first elements.
    offsets: (i64, i64),
    parts: usize,
}

impl RowSum {
    /// Plans the sums of `rows` rows of floats into the vector `to`.
    pub fn planned(env: &Env, matrix: &Matrix, rows: usize, to: &MemoryDesc) -> Result<Planned> {
        let (from, size) = (matrix.dtype, matrix.dtype.size_bytes() as i64);
        let Side::Strided {
            rows: row_bytes,
            cols,
        } = matrix.side
        else {
            return Err(unimplemented_here!("sums of rows: the matrix is in panels"));
        };
        ensure!(
            cols == size,
            unimplemented_here!("sums of rows: the elements of a row are not adjacent")
        );
        ensure!(
            !to.dtype().is_int() && to.dtype().is_kernel_type() && to.is_dense(),
            unimplemented_here!(
                "sums of rows: a result of type {} or with gaps is not supported",
                to.dtype().name()
            )
        );
        let columns = to.dims()[0] as usize;
        let worth = (rows * columns / MIN_PART).max(1);
        let parts = env.threads.min(worth).min(columns.div_ceil(BLOCK)).max(1);
        let plan = RowSum {
            isa: env.isa,
            rows,
            columns,
            row_bytes,
            from,
            to: to.dtype(),
            offsets: (matrix.offset, to.offset0 * to.dtype().size_bytes() as i64),
            parts,
        };
        Ok(Planned {
            args: Vec::new(),
            impl_name: format!("brick:{}", env.isa.name()),
            nest: format!("S{parts}:{rows}x{columns}"),
            scratch_bytes: parts * plan.sums_bytes(),
            plan: Box::new(plan),
        })
    }

    /// Scratch of one part: f32 sums that are converted afterwards.
    fn sums_bytes(&self) -> usize {
        if self.to == DataType::F32 {
            0
        } else {
            4 * BLOCK
        }
    }

    fn kernels(&self, n: usize) -> Result<Kernels> {
        let sum = Spec::Reduce(Reduce {
            isa: self.isa,
            n,
            a: self.from,
            a_row_bytes: self.row_bytes,
            beta: false,
        });
        let load = Node::Load {
            slot: 0,
            dtype: DataType::F32,
            bcast: Bcast::Row,
            int: false,
        };
        let expr = Expr {
            nodes: vec![load],
            result: 0,
            int: false,
        };
        let convert = Spec::Tile(Tile {
            isa: self.isa,
            n,
            out: Out {
                expr,
                d: self.to,
                d_row_bytes: 0,
            },
        });
        let converts = self.to != DataType::F32;
        Ok(Kernels {
            sum: Kernel::get(&sum)?,
            convert: converts.then(|| Kernel::get(&convert)).transpose()?,
        })
    }
}

/// The kernels for blocks of one width.
struct Kernels {
    sum: Arc<Kernel>,
    convert: Option<Arc<Kernel>>,
}

struct Compiled {
    plan: RowSum,
    /// For whole blocks and for the last one.
    kernels: [Option<Kernels>; 2],
}

impl Plan for RowSum {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let some = |n: usize| (n > 0).then(|| self.kernels(n)).transpose();
        let whole = if self.columns >= BLOCK { BLOCK } else { 0 };
        Ok(Box::new(Compiled {
            kernels: [some(whole)?, some(self.columns % BLOCK)?],
            plan: self.clone(),
        }))
    }
}

/// Pointers that parts share.
struct Shared {
    from: *const u8,
    to: *mut u8,
    scratch: *mut u8,
}

// SAFETY: the matrix is only read; parts write disjoint columns and use scratch of their own.
unsafe impl Sync for Shared {}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        let p = &self.plan;
        let shared = Shared {
            from: exec.ptrs[0].wrapping_offset(p.offsets.0 as isize),
            to: exec.ptrs[1].wrapping_offset(p.offsets.1 as isize),
            scratch: exec.scratch,
        };
        let blocks = p.columns.div_ceil(BLOCK);
        let part = |part: usize| {
            let shared = &shared;
            let scratch = shared.scratch.wrapping_add(part * p.sums_bytes());
            for block in blocks * part / p.parts..blocks * (part + 1) / p.parts {
                // SAFETY: blocks below `blocks`; the rest is the caller's promise.
                unsafe { self.block(shared, block * BLOCK, scratch) };
            }
        };
        match p.parts {
            1 => part(0),
            parts => exec.pool.run(parts, &part),
        }
        Ok(())
    }
}

impl Compiled {
    /// The sums of the block of columns that starts at `first`.
    ///
    /// # Safety
    /// As [`Run::run`]; the scratch has `sums_bytes`.
    unsafe fn block(&self, shared: &Shared, first: usize, scratch: *mut u8) {
        let p = &self.plan;
        let last = usize::from(first + BLOCK > p.columns);
        let kernels = self.kernels[last]
            .as_ref()
            .expect("compiled for each width");
        let to = shared.to.wrapping_add(first * p.to.size_bytes());
        let sums = if kernels.convert.is_some() {
            scratch
        } else {
            to
        };
        // SAFETY: the rows lie in the matrix, and the sums have room for a block, by the caller's promise.
        unsafe {
            kernels.sum.call(&Args {
                a: shared.from.wrapping_add(first * p.from.size_bytes()),
                d: sums,
                m: p.rows,
                ..Args::default()
            })
        };
        if let Some(convert) = &kernels.convert {
            let operands = [sums.cast_const()];
            let args = Args {
                d: to,
                m: 1,
                operands: operands.as_ptr(),
                ..Args::default()
            };
            // SAFETY: as above.
            unsafe { convert.call(&args) };
        }
    }
}
