//! Adding what bands of pixels bring to the gradient of the weights: packing, then every tile, tap by tap.
#![allow(unsafe_code)]

use super::weights::{Gradient, Source};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::share;
use crate::kernel::Kernel;
use crate::kernel::expr::{Bcast, Expr};
use crate::kernel::spec::{Args, Out, Spec, Tile};
use crate::ops::{Env, Exec, Plan, Run};
use crate::plan::conv::Table;
use std::sync::Arc;

/// Copies rows of n channels into lines of a packed block, as f32.
fn line_copy(env: &Env, source: &Source, n: i64) -> Result<Arc<Kernel>> {
    let row_bytes = source.strides[3];
    let out = Out {
        expr: Expr::load(source.dtype, Bcast::Full { row_bytes }, false),
        d: DataType::F32,
        d_row_bytes: source.block * 4,
    };
    let (isa, n) = (env.isa, n as usize);
    Kernel::get(&Spec::Tile(Tile { isa, n, out }))
}

struct Compiled {
    plan: Gradient,
    /// Lengths of the reduction, one for each kind of rim, and which one each tap of a row has.
    lengths: Vec<usize>,
    /// By length, whole or last block, first band or not.
    kernels: Vec<[[Arc<Kernel>; 2]; 2]>,
    /// Of the large and of the small side: for whole blocks and for the last.
    copies: [[Arc<Kernel>; 2]; 2],
    /// By band, tap of depth, tap of height.
    tables: Vec<Table>,
}

impl Plan for Gradient {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let mut distinct: Vec<i64> = Vec::new();
        let mut lengths = Vec::new();
        for tap in 0..self.row_taps() {
            let (first, end) = self.met(tap);
            let known = distinct.iter().position(|k| *k == end - first);
            lengths.push(known.unwrap_or(distinct.len()));
            if known.is_none() {
                distinct.push(end - first);
            }
        }
        let widths = |s: &Source| [s.width(0), s.width((s.per_group() - 1).max(0))];
        let mut kernels = Vec::new();
        for k in distinct {
            let both = |m: i64| -> Result<[Arc<Kernel>; 2]> {
                let get = |beta| Kernel::get(&Spec::Brgemm(self.spec(m, k, beta)));
                Ok([get(false)?, get(true)?])
            };
            let [whole, last] = widths(&self.large);
            kernels.push([both(whole)?, both(last)?]);
        }
        let copies = |s: &Source| -> Result<[Arc<Kernel>; 2]> {
            let [whole, last] = widths(s);
            Ok([
                line_copy(&self.env, s, whole)?,
                line_copy(&self.env, s, last)?,
            ])
        };
        let mut tables = Vec::new();
        for band in &self.bands {
            for tz in 0..self.axes[0].taps {
                tables.extend((0..self.axes[1].taps).map(|ty| self.table(band, (tz, ty))));
            }
        }
        Ok(Box::new(Compiled {
            lengths,
            kernels,
            copies: [copies(&self.large)?, copies(&self.small)?],
            tables,
            plan: self.clone(),
        }))
    }
}

/// Pointers that parts share.
#[derive(Clone, Copy)]
struct Shared {
    large: *const u8,
    small: *const u8,
    out: *mut u8,
    scratch: *mut u8,
}

// SAFETY: the sides are only read; parts write disjoint tiles or copies and use scratch of their own.
unsafe impl Sync for Shared {}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        let p = &self.plan;
        let at = |entry: usize, offset: i64| exec.ptrs[entry].wrapping_offset(offset as isize);
        let shared = Shared {
            large: at(p.large.entry, p.large.offset),
            small: at(p.small.entry, p.small.offset),
            out: at(p.out.0, p.out.1),
            scratch: exec.scratch,
        };
        let part = |part: usize| {
            // SAFETY: as promised by the caller; the parts' shares of the tiles are disjoint.
            unsafe { self.part(&shared, part) }
        };
        match p.parts() {
            1 => part(0),
            parts => exec.pool.run(parts, &part),
        }
        Ok(())
    }
}

/// A range of blocks or panels.
type Range = std::ops::Range<i64>;

impl Compiled {
    /// # Safety
    /// As for `Run::run`.
    unsafe fn part(&self, shared: &Shared, part: usize) {
        let p = &self.plan;
        let (by_panels, by_blocks) = (p.split.0 as usize, p.split.1 as usize);
        let tasks = by_panels * by_blocks;
        let (copy, task) = (part / tasks, part % tasks);
        let per_group = p.small.per_group();
        let panels = share(p.groups * per_group, task / by_blocks, by_panels);
        let blocks = share(p.large.per_group(), task % by_blocks, by_blocks);
        let units = share(p.units(), copy, p.copies as usize);
        let bytes = p.part_bytes();
        let shared = Shared {
            out: shared
                .out
                .wrapping_offset(copy as isize * p.copy_bytes as isize),
            scratch: shared
                .scratch
                .wrapping_add(part * bytes.next_multiple_of(64)),
            ..*shared
        };
        if p.joined {
            // SAFETY: the part's own scratch. The rims of packed rows stay zero.
            unsafe { shared.scratch.write_bytes(0, bytes) };
        }
        for group in 0..p.groups {
            let of_group = group * per_group..(group + 1) * per_group;
            let end = of_group.end.min(panels.end);
            for first in (of_group.start.max(panels.start)..end).step_by(p.chunk.1 as usize) {
                let panels = first..end.min(first + p.chunk.1);
                for block in blocks.clone().step_by(p.chunk.0 as usize) {
                    let blocks = block..blocks.end.min(block + p.chunk.0);
                    // SAFETY: as promised by the caller.
                    unsafe { self.chunk(&shared, group, [&units, &blocks, &panels]) };
                }
            }
        }
    }

    /// Some units of pixels, for some tiles of one group; panels are numbered across groups.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn chunk(&self, shared: &Shared, group: i64, [units, blocks, panels]: [&Range; 3]) {
        let p = &self.plan;
        let (a_slot, b_slot) = p.slots();
        let packed_b = if p.large.direct {
            0
        } else {
            p.chunk.0 * a_slot
        };
        // A block in the first image of a step, and where its lines are read: there or in its slot.
        let place = |source: &Source, base: *const u8, step: i64, block: i64, slot: i64| {
            let at = step * p.images * source.strides[0] + source.blocks[block as usize];
            let from = base.wrapping_offset(at as isize);
            let packed = shared.scratch.wrapping_offset(slot as isize);
            match source.direct {
                true => (from, from.cast_mut()),
                false => (from, packed),
            }
        };
        for unit in units.clone() {
            let (step, b) = p.unit(unit);
            let band = &p.bands[b];
            let large = |(slot, block): (i64, i64)| {
                let block = group * p.large.per_group() + block;
                place(&p.large, shared.large, step, block, slot * a_slot)
            };
            let small = |(slot, panel): (i64, i64)| {
                let slot = packed_b + slot * b_slot;
                place(&p.small, shared.small, step, panel, slot)
            };
            let reach = (p.reach(0, band.z), p.reach(1, band.y));
            for (slot, block) in (0..).zip(blocks.clone()) {
                let (from, to) = large((slot, block));
                // SAFETY: a slot holds the reach of a band.
                unsafe { self.pack(0, block, from, to, reach, p.row()) };
            }
            for (slot, panel) in (0..).zip(panels.clone()) {
                let ((from, to), row) = (small((slot, panel)), (0, p.axes[2].small));
                let block = panel % p.small.per_group();
                // SAFETY: a slot holds a band.
                unsafe { self.pack(1, block, from, to, (band.z, band.y), row) };
            }
            for panel in (0..).zip(panels.clone()) {
                for block in (0..).zip(blocks.clone()) {
                    let tile = (group * p.large.per_group() + block.1) * p.small.per_group()
                        + panel.1 % p.small.per_group();
                    let d = shared.out.wrapping_offset(p.tiles[tile as usize] as isize);
                    let (a, bb) = (large(block).1, small(panel).1);
                    let last = block.1 + 1 == p.large.per_group();
                    // SAFETY: packed blocks and tiles as planned.
                    unsafe { self.tile((a, bb, d), b, last, unit == units.start) };
                }
            }
        }
    }

    /// Packs a block of one side over ranges of depth and height, unless it lies right already.
    ///
    /// # Safety
    /// `from` is the block in the first image of the band, `to` a slot.
    unsafe fn pack(
        &self,
        side: usize,
        block: i64,
        from: *const u8,
        to: *mut u8,
        (z, y): ((i64, i64), (i64, i64)),
        (lead, row): (i64, i64),
    ) {
        let p = &self.plan;
        let source = if side == 0 { &p.large } else { &p.small };
        if source.direct {
            return;
        }
        let last = block + 1 == source.per_group();
        let (pixels, line) = (source.sizes[2], row * source.block * 4);
        let (rows, dense) = (
            y.1 - y.0,
            row == pixels && source.strides[2] == pixels * source.strides[3],
        );
        let (calls, m) = if dense {
            (rows.min(1), rows * pixels)
        } else {
            (rows, pixels)
        };
        if side == 1 && source.width(block) < source.block {
            let bytes = p.images * (z.1 - z.0) * rows * line;
            // SAFETY: the panel's own slot; columns beyond the channels must be zero.
            unsafe { to.write_bytes(0, bytes as usize) };
        }
        for image in 0..p.images {
            for depth in z.0..z.1 {
                for i in 0..calls {
                    let at = image * source.strides[0]
                        + depth * source.strides[1]
                        + (y.0 + i) * source.strides[2];
                    let operands = [from.wrapping_offset(at as isize)];
                    let line_at = (image * (z.1 - z.0) + depth - z.0) * rows + i;
                    let args = Args {
                        d: to.wrapping_offset((line_at * line + lead * source.block * 4) as isize),
                        m: m as usize,
                        operands: operands.as_ptr(),
                        ..Args::default()
                    };
                    // SAFETY: rows of the image, and of the slot.
                    unsafe { self.copies[side][usize::from(last)].call(&args) };
                }
            }
        }
    }

    /// Adds what a band brings to one tile, tap by tap.
    ///
    /// # Safety
    /// The pointers are a block, a panel and a tile.
    unsafe fn tile(
        &self,
        (a, b, d): (*const u8, *const u8, *mut u8),
        band: usize,
        last: bool,
        first: bool,
    ) {
        let p = &self.plan;
        let pitch = |s: &Source| if s.direct { s.strides[3] } else { s.block * 4 };
        let (taps_z, taps_y) = (p.axes[0].taps as usize, p.axes[1].taps as usize);
        let x = &p.axes[2];
        for t in 0..taps_z * taps_y {
            let table = &self.tables[band * taps_z * taps_y + t];
            if table.a.is_empty() && !first {
                continue;
            }
            let place = (t / taps_y) as i64 * p.taps[0] + (t % taps_y) as i64 * p.taps[1];
            for (tap, &length) in self.lengths.iter().enumerate() {
                let (from, end) = p.met(tap as i64);
                if from == end && !first {
                    continue;
                }
                let far = match p.joined {
                    true => 0,
                    false => from * x.stride - x.pad + tap as i64 * x.dilation,
                };
                let d = d.wrapping_offset((place + tap as i64 * p.taps[2]) as isize);
                let args = Args {
                    a: a.wrapping_offset((far * pitch(&p.large)) as isize),
                    b: b.wrapping_offset((from * pitch(&p.small)) as isize),
                    a_offsets: table.a.as_ptr(),
                    b_offsets: table.b.as_ptr(),
                    c: d,
                    d,
                    batch: if from == end { 0 } else { table.a.len() },
                    ..Args::default()
                };
                let kernel = &self.kernels[length][usize::from(last)][usize::from(!first)];
                // SAFETY: the kernel was made for this length and block.
                unsafe { kernel.call(&args) };
            }
        }
    }
}
