//! Running a cut space: the calls of a block, panel by panel, over blocks of images.
#![allow(unsafe_code)]

use super::dense::{Dense, OUTPUT, Panel, pair};
use crate::error::Result;
use crate::exec::share;
use crate::kernel::known::width_of_b;
use crate::kernel::spec::{Args, Spec};
use crate::kernel::{self, Kernel};
use crate::memory::MAX_NDIMS;
use crate::ops::epilogue::MAX_OPERANDS;
use crate::ops::{Exec, Plan, Run};
use crate::plan::conv::Calls;
use std::ops::Range;
use std::slice::from_raw_parts;
use std::sync::Arc;

impl Plan for Arc<Dense> {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let kernels = |far: bool| -> Result<Vec<[Arc<Kernel>; 2]>> {
            let of_shape = |shape| pair(self.widths, |n| self.spec(shape, n, far));
            (0..self.cut.shapes.len()).map(of_shape).collect()
        };
        Ok(Box::new(Compiled {
            plan: self.clone(),
            kernels: kernels(false)?,
            far: self.far.then(|| kernels(true)).transpose()?,
            reorders: self.staging.compile()?,
            fetched_bytes: (0..self.cut.shapes.len())
                .map(|shape| match self.spec(shape, self.widths[0], false) {
                    Spec::Brgemm(s) => s.fetched_row_bytes() * s.m as i64,
                    _ => 0,
                })
                .collect(),
            known_bytes: self.widths.map(|n| self.known_bytes(n)),
        }))
    }
}

struct Compiled {
    plan: Arc<Dense>,
    kernels: Vec<[Arc<Kernel>; 2]>,
    /// The same with stores past the caches, for an aligned output.
    far: Option<Vec<[Arc<Kernel>; 2]>>,
    reorders: Vec<Box<dyn Run>>,
    /// Bytes of a block of weights that a call of a shape fetches.
    fetched_bytes: Vec<i64>,
    /// Offset and number of the bytes of a whole panel, and of the last one, that are looked at ahead.
    known_bytes: [Option<(i64, i64)>; 2],
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) {
        let ((by_calls, by_panels), staging) = (self.plan.split, &self.plan.staging);
        // SAFETY: the caller's promise is passed on; parts take disjoint units or panels.
        let part = |images, part| unsafe { self.part(exec, images, part) };
        // SAFETY: the same.
        unsafe { staging.run((exec, &self.reorders), by_calls * by_panels, part) };
    }
}

impl Compiled {
    /// A part of all calls for some blocks of images.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn part(&self, exec: &Exec, images: Range<i64>, part: usize) {
        let p = &self.plan;
        let ((by_calls, by_panels), blocks) = (p.split, p.cut.ends.len() as i64);
        let panels = share(p.panels.len() as i64, part % by_panels, by_panels);
        let panels = &p.panels[panels.start as usize..panels.end as usize];
        let units = (images.end - images.start) * blocks;
        for unit in share(units, part / by_panels, by_calls) {
            let (images, block) = (images.start + unit / blocks, (unit % blocks) as usize);
            // SAFETY: as promised by the caller.
            unsafe { self.block(exec, images, block, panels) }
        }
        if p.far {
            kernel::finish_far_stores();
        }
    }

    /// The calls of one block, panel by panel.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn block(&self, exec: &Exec, images: i64, block: usize, panels: &[Panel]) {
        let cut = &self.plan.cut;
        let bases = self.plan.staging.starts(exec, images);
        let start = if block == 0 { 0 } else { cut.ends[block - 1] };
        let aligned = (bases[OUTPUT] as usize).is_multiple_of(64);
        let kernels = self.far.as_ref().filter(|_| aligned);
        let kernels = kernels.unwrap_or(&self.kernels);
        let mut operands = [std::ptr::null(); MAX_OPERANDS];
        for (i, panel) in panels.iter().enumerate() {
            let mut to_next = panels.get(i + 1).map_or(0, |next| next.b - panel.b);
            let moves = [panel.a, panel.b, panel.d];
            let starts = std::array::from_fn(|i| bases[i].wrapping_offset(moves[i] as isize));
            let known = match self.known_bytes[usize::from(panel.tail)] {
                None => 0,
                Some((first, bytes)) => {
                    let first = starts[1].wrapping_offset(first as isize);
                    // SAFETY: the panel's bytes in the weights.
                    width_of_b(unsafe { from_raw_parts(first, bytes as usize) })
                }
            };
            for calls in &cut.calls[start..cut.ends[block]] {
                let kernel = &kernels[calls.shape][usize::from(panel.tail)];
                let (position, state) = (
                    (images, panel.channel),
                    (&mut operands, known, &mut to_next),
                );
                // SAFETY: the kernel was made for this shape.
                unsafe { self.calls(exec, (kernel, calls), starts, position, state) };
            }
        }
    }

    /// Calls for a panel whose operands start there; the position is that of a block of images and of a channel.
    ///
    /// # Safety
    /// As for `Run::run`; the kernel is that of the calls.
    unsafe fn calls(
        &self,
        exec: &Exec,
        (kernel, calls): (&Kernel, &Calls),
        [input, weights, output]: [*mut u8; 3],
        (images, channel): (i64, i64),
        (operands, known_b, to_next): (&mut [*const u8; MAX_OPERANDS], u64, &mut i64),
    ) {
        let p = &self.plan;
        let (cuboid, md) = (&p.cut.cuboids[calls.cuboid], &p.staging.operands[OUTPUT].md);
        let table = &cuboid.table;
        let epilogue = &p.epilogues[calls.shape];
        let first = |list: &[i64]| if p.streams(calls.shape) { list[0] } else { 0 };
        let (first_a, first_b) = (first(&table.a), first(&table.b));
        calls.each(cuboid, |a, d, place| {
            if !epilogue.bindings.is_empty() {
                let at = |i: usize| cuboid.first[i] + place[i] * cuboid.step[i];
                let mut position = [0; MAX_NDIMS];
                (position[0], position[1]) = (images * md.dims[0] + at(0), channel);
                let nd = md.dims().len();
                (2..nd).for_each(|d| position[d] = at(d + 4 - nd));
                epilogue.fill(operands, exec, &position);
            }
            if let Some(slot) = p.sums {
                let row = calls.cuboid * md.dims[1] as usize * 4;
                operands[slot] = operands[slot].wrapping_add(row);
            }
            let args = Args {
                a: input.wrapping_offset((a + first_a) as isize),
                b: weights.wrapping_offset(first_b as isize),
                a_offsets: table.a.as_ptr(),
                b_offsets: table.b.as_ptr(),
                d: output.wrapping_offset(d as isize),
                batch: table.a.len(),
                a_stride: cuboid.ahead,
                b_stride: *to_next,
                operands: operands.as_ptr(),
                known_b,
                ..Args::default()
            };
            // SAFETY: the kernel was made for this shape, and the tables lead to elements of the operands.
            unsafe { kernel.call(&args) };
            *to_next += self.fetched_bytes[calls.shape];
        });
    }
}
