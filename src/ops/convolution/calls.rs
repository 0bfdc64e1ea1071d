//! Running a cut space: the calls of a block, panel by panel, over blocks of images.
#![allow(unsafe_code)]

use super::dense::{Dense, Operand, Panel, pair, reorder_plan, reorders};
use crate::error::Result;
use crate::exec::share;
use crate::kernel::spec::Args;
use crate::kernel::{self, Kernel};
use crate::memory::MAX_NDIMS;
use crate::ops::epilogue::MAX_OPERANDS;
use crate::ops::{Exec, Plan, Run};
use std::sync::Arc;

impl Plan for Dense {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let kernels = |far: bool| -> Result<Vec<[Arc<Kernel>; 2]>> {
            let of_shape = |shape| pair(self.widths, |n| self.spec(shape, n, far));
            (0..self.cut.shapes.len()).map(of_shape).collect()
        };
        let mut stages = Vec::new();
        for operand in &self.operands {
            let runs = reorders(operand)
                .into_iter()
                .map(|(from, to)| reorder_plan(&from, &to, &self.env)?.plan.compile());
            stages.push(runs.collect::<Result<Vec<_>>>()?);
        }
        Ok(Box::new(Compiled {
            plan: self.clone(),
            kernels: kernels(false)?,
            far: self.far.then(|| kernels(true)).transpose()?,
            stages,
        }))
    }
}

struct Compiled {
    plan: Dense,
    kernels: Vec<[Arc<Kernel>; 2]>,
    /// The same with stores past the caches, for an aligned output.
    far: Option<Vec<[Arc<Kernel>; 2]>>,
    /// For each operand the reorders into and out of scratch.
    stages: Vec<Vec<Box<dyn Run>>>,
}

const INPUT: usize = 0;
const OUTPUT: usize = 2;

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        let p = &self.plan;
        // SAFETY: the caller's promise is passed on; staged operands have their room in scratch.
        unsafe {
            if !p.is_staged() {
                self.region(exec, 0, p.blocks);
                return Ok(());
            }
            for block in 0..p.blocks {
                self.stage(exec, INPUT, block, 0)?;
                if p.reads_output {
                    self.stage(exec, OUTPUT, block, 0)?;
                }
                self.region(exec, block, block + 1);
                self.stage(exec, OUTPUT, block, 1)?;
            }
        }
        Ok(())
    }
}

impl Compiled {
    /// Reorders a block of images of an operand into scratch (way 0) or out of it (way 1), if it is staged.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn stage(&self, exec: &Exec, operand: usize, block: i64, way: usize) -> Result<()> {
        let o = &self.plan.operands[operand];
        let Some((_, at)) = o.staged else {
            return Ok(());
        };
        let user = exec.ptrs[o.arg].wrapping_offset((block * o.advance) as isize);
        if way == 0 && o.is_framed() {
            // SAFETY: the room of the copy, in scratch of our own.
            unsafe { exec.scratch.wrapping_add(at).write_bytes(0, o.room_bytes()) };
        }
        let mut ptrs = [user, exec.scratch.wrapping_add(at)];
        if way == 1 {
            ptrs.reverse();
        }
        let exec = Exec {
            ptrs: &ptrs,
            ..*exec
        };
        // SAFETY: both hold what the reorder was planned for.
        unsafe { self.stages[operand][way].run(&exec) }
    }

    /// Runs all calls for some blocks of images.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn region(&self, exec: &Exec, first: i64, end: i64) {
        let p = &self.plan;
        let (by_calls, by_panels) = p.split;
        let part = |part: usize| {
            let units = (end - first) * p.cut.ends.len() as i64;
            let units = share(units, part / by_panels, by_calls);
            let panels = share(p.panels.len() as i64, part % by_panels, by_panels);
            let panels = &p.panels[panels.start as usize..panels.end as usize];
            for unit in units {
                let blocks = p.cut.ends.len() as i64;
                let (images, block) = (first + unit / blocks, (unit % blocks) as usize);
                // SAFETY: as promised by the caller; parts take disjoint units or panels.
                unsafe { self.block(exec, images, block, panels) }
            }
            if p.far {
                kernel::finish_far_stores();
            }
        };
        match by_calls * by_panels {
            1 => part(0),
            parts => exec.pool.run(parts, &part),
        }
    }

    /// Where the operands of one block of images lie.
    fn bases(&self, exec: &Exec, images: i64) -> [*mut u8; 3] {
        let base = |o: &Operand| {
            let first = o.md.offset0 * o.md.dtype().size_bytes() as i64;
            let start = match o.staged {
                Some((_, at)) => exec.scratch.wrapping_add(at),
                None => exec.ptrs[o.arg].wrapping_offset((images * o.advance) as isize),
            };
            start.wrapping_offset(first as isize)
        };
        self.plan.operands.each_ref().map(base)
    }

    /// The calls of one block, panel by panel.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn block(&self, exec: &Exec, images: i64, block: usize, panels: &[Panel]) {
        let p = &self.plan;
        let [input, weights, output] = self.bases(exec, images);
        let start = if block == 0 { 0 } else { p.cut.ends[block - 1] };
        let calls = &p.cut.calls[start..p.cut.ends[block]];
        let aligned = (output as usize).is_multiple_of(64);
        let kernels = self.far.as_ref().filter(|_| aligned);
        let kernels = kernels.unwrap_or(&self.kernels);
        let mut operands = [std::ptr::null(); MAX_OPERANDS];
        let spatial = p.operands[OUTPUT].md.dims().len() - 2;
        for panel in panels {
            let (mut last_table, mut small) = (usize::MAX, 0);
            for call in calls {
                if last_table != call.table {
                    (last_table, small) = (call.table, 0);
                }
                let epilogue = &p.epilogues[call.shape];
                if !epilogue.bindings.is_empty() {
                    let mut position = [0; MAX_NDIMS];
                    position[0] = images * p.images + call.at[0];
                    position[1] = panel.channel;
                    position[2..2 + spatial].copy_from_slice(&call.at[4 - spatial..]);
                    epilogue.fill(&mut operands, exec, &position);
                }
                if let Some(slot) = p.sums {
                    let row = call.table * p.operands[OUTPUT].md.dims[1] as usize * 4;
                    operands[slot] = operands[slot].wrapping_add(row);
                }
                let table = &p.cut.tables[call.table];
                let first = |list: &[i64]| if p.streams(call.shape) { list[0] } else { 0 };
                let args = Args {
                    a: input.wrapping_offset((call.a + panel.a + first(&table.a)) as isize),
                    b: weights.wrapping_offset((panel.b + first(&table.b)) as isize),
                    a_offsets: table.a.as_ptr(),
                    b_offsets: table.b.as_ptr(),
                    d: output.wrapping_offset((call.d + panel.d) as isize),
                    batch: table.a.len(),
                    a_stride: table.ahead,
                    operands: operands.as_ptr(),
                    small_b: &raw mut small,
                    ..Args::default()
                };
                // SAFETY: the kernel was made for this shape, and the tables lead to elements of the operands.
                unsafe { kernels[call.shape][usize::from(panel.tail)].call(&args) };
            }
        }
    }
}
