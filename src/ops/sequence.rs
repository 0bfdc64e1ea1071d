//! Plans that run one after another: what must happen before a product and after it.
//!
//! Every stage reads its pointers from one table: the primitive's arguments, then buffers in scratch, then a row of
//! ones. So an operand whose layout a kernel cannot walk is moved into a buffer first, by the kernels of a reorder, and
//! sums of rows and columns are products with ones.

use super::epilogue::{Binding, Epilogue};
use super::pointwise::nest;
use super::{Arg, Env, Exec, Plan, Planned, Run};
use crate::error::Result;
use crate::kernel::expr::{Bcast, Expr};
use crate::memory::MemoryDesc;
use crate::plan::place::Room;
use crate::supported;

/// Entries of the table that arguments may take; buffers follow.
const MOST_ARGS: usize = 80;
const MOST_BUFFERS: usize = 48;
/// The table's last entry.
const ONES: usize = MOST_ARGS + MOST_BUFFERS;

/// Stages under planning.
#[derive(Default)]
pub struct Sequence {
    stages: Vec<Box<dyn Plan>>,
    /// Where buffers start in the scratch, and what they take of it.
    buffers: Vec<usize>,
    room: Room,
    /// Scratch of the hungriest stage.
    stage_bytes: usize,
    /// Length of the row of ones.
    ones: usize,
    /// Numbers that stages read, by entry.
    constants: Vec<(usize, Vec<f32>)>,
    /// Buffers and the outputs that they are moved to.
    outputs: Vec<((usize, MemoryDesc), (usize, MemoryDesc))>,
    nest: String,
}

impl Sequence {
    /// A buffer of so many bytes; its entry of the table.
    pub fn buffer(&mut self, bytes: usize) -> Result<usize> {
        supported!(
            self.buffers.len() < MOST_BUFFERS,
            "layouts: more than {MOST_BUFFERS} operands need a copy"
        );
        self.buffers.push(self.room.take(bytes));
        Ok(MOST_ARGS + self.buffers.len() - 1)
    }

    /// The entry of a row of so many bytes, each 1.
    pub fn ones(&mut self, bytes: usize) -> usize {
        self.ones = self.ones.max(bytes);
        ONES
    }

    /// The entry of these numbers.
    pub fn constant(&mut self, values: Vec<f32>) -> Result<usize> {
        let entry = self.buffer(0)?;
        self.constants.push((entry, values));
        Ok(entry)
    }

    /// Appends a stage, whose arguments are numbered as the table has them.
    pub fn push(&mut self, planned: Planned) {
        self.stage_bytes = self.stage_bytes.max(planned.scratch_bytes);
        if !self.nest.is_empty() {
            self.nest.push('>');
        }
        self.nest += &planned.nest;
        self.stages.push(planned.plan);
    }

    /// Appends a copy from one layout to another, given as (entry, descriptor); where their inner blocks do not nest, by
    /// way of a plain layout.
    pub fn push_move(
        &mut self,
        env: &Env,
        (from, from_md): (usize, &MemoryDesc),
        to: (usize, &MemoryDesc),
    ) -> Result<()> {
        let same = Epilogue {
            expr: Expr::load(from_md.dtype(), Bcast::Scalar, false),
            bindings: vec![Binding::whole(from, from_md)],
        };
        if let Some(copy) = nest(to, &same, env) {
            self.push(copy);
            return Ok(());
        }
        let plain = MemoryDesc::plain(from_md.dims(), from_md.dtype())?;
        let between = self.read(env, (from, from_md), &plain)?;
        self.push_move(env, (between, &plain), to)
    }

    /// The entry where an operand can be read in this layout: its own, or that of a buffer it is copied to.
    pub fn read(
        &mut self,
        env: &Env,
        (from, md): (usize, &MemoryDesc),
        layout: &MemoryDesc,
    ) -> Result<usize> {
        if md.same_layout(layout) && md.data_type == layout.data_type {
            return Ok(from);
        }
        let buffer = self.buffer(layout.size_bytes())?;
        self.push_move(env, (from, md), (buffer, layout))?;
        Ok(buffer)
    }

    /// The entry where an output can be written in this layout: its own, or that of a buffer that is copied to it after
    /// the last stage; with `reads`, the buffer starts from what the output holds.
    pub fn written(
        &mut self,
        env: &Env,
        (to, md): (usize, &MemoryDesc),
        layout: &MemoryDesc,
        reads: bool,
    ) -> Result<usize> {
        if md.same_layout(layout) && md.data_type == layout.data_type {
            return Ok(to);
        }
        let buffer = self.buffer(layout.size_bytes())?;
        if reads {
            self.push_move(env, (to, md), (buffer, layout))?;
        }
        self.outputs.push(((buffer, *layout), (to, *md)));
        Ok(buffer)
    }

    /// A copy of an epilogue's operand that a tile can walk along these dims of dst.
    pub fn operand(
        &mut self,
        env: &Env,
        (from, md): (usize, &MemoryDesc),
        (rows, cols): (usize, usize),
    ) -> Result<Option<Binding>> {
        let layout = innermost(md, rows, cols)?;
        let entry = self.read(env, (from, md), &layout)?;
        Ok(Some(Binding::whole(entry, &layout)))
    }

    /// The sequence as one primitive with these arguments, which ends with `main` and the copies of its outputs.
    pub fn finish(mut self, args: Vec<Arg>, main: Planned, env: &Env) -> Result<Planned> {
        if self.stages.is_empty() && self.outputs.is_empty() && self.constants.is_empty() {
            return Ok(Planned { args, ..main });
        }
        supported!(
            args.len() <= MOST_ARGS,
            "arguments: {} of them, at most {MOST_ARGS}",
            args.len()
        );
        self.push(main);
        for ((buffer, layout), (to, md)) in std::mem::take(&mut self.outputs) {
            self.push_move(env, (buffer, &layout), (to, &md))?;
        }
        let nest = std::mem::take(&mut self.nest);
        let planned = Planned::new(nest, self.room.bytes + self.stage_bytes, self);
        Ok(Planned { args, ..planned })
    }
}

/// The dense layout in which `cols` is the innermost dimension and `rows` the next.
pub fn innermost(md: &MemoryDesc, rows: usize, cols: usize) -> Result<MemoryDesc> {
    let nd = md.dims().len();
    let others = (0..nd).rev().filter(|d| *d != rows && *d != cols);
    let (mut strides, mut stride) = (vec![0; nd], 1);
    for d in [cols, rows].into_iter().chain(others) {
        strides[d] = stride;
        stride *= md.dims()[d];
    }
    MemoryDesc::with_strides(md.dims(), md.dtype(), Some(&strides))
}

impl Plan for Sequence {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let stages = self.stages.iter().map(|stage| stage.compile());
        Ok(Box::new(Compiled {
            stages: stages.collect::<Result<_>>()?,
            buffers: self.buffers.clone(),
            end: self.room.bytes,
            ones: vec![1; self.ones],
            constants: self.constants.clone(),
        }))
    }
}

struct Compiled {
    stages: Vec<Box<dyn Run>>,
    buffers: Vec<usize>,
    end: usize,
    ones: Vec<u8>,
    constants: Vec<(usize, Vec<f32>)>,
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) {
        let mut table = [std::ptr::null_mut(); ONES + 1];
        table[..exec.ptrs.len()].copy_from_slice(exec.ptrs);
        for (entry, &offset) in table[MOST_ARGS..].iter_mut().zip(&self.buffers) {
            *entry = exec.scratch.wrapping_add(offset);
        }
        // The ones and other constants are only read.
        table[ONES] = self.ones.as_ptr().cast_mut();
        for (entry, values) in &self.constants {
            table[*entry] = values.as_ptr().cast_mut().cast();
        }
        let exec = Exec {
            ptrs: &table,
            scratch: exec.scratch.wrapping_add(self.end),
            pool: exec.pool,
        };
        for stage in &self.stages {
            // SAFETY: arguments are the caller's promise; buffers lie in the scratch, and are as large as planned.
            unsafe { stage.run(&exec) };
        }
    }
}
