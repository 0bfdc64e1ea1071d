//! Adding what bands of pixels bring to the gradient of the weights: packing, then every tile, tap by tap.
#![allow(unsafe_code)]

use super::sides::{Line, Source};
use super::weights::{BLOCK, Gradient};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::{in_parts, share};
use crate::kernel::Kernel;
use crate::kernel::expr::{Bcast, Expr, Node};
use crate::kernel::spec::{Args, Spec};
use crate::ops::{Env, Exec, Plan, Run};
use crate::plan::conv::{Table, index_of};
use crate::plan::steps::rows_of;
use std::sync::Arc;

/// Copies n channels of pixels, or of neighbouring blocks in slots of so many bytes, into lines of packed blocks: as f32,
/// operand 0 alone, or the bf16 of the first pixel (operand 1, missing unless `halves` has 1) and of the second (operand 0,
/// missing unless it has 2) side by side.
fn line_copy(env: &Env, source: &Source, slot: i64, n: i64, halves: usize) -> Result<Arc<Kernel>> {
    let together = source.together();
    let (dtype, line_bytes) = (source.dtype, source.block * 4 * together);
    let (row_bytes, d_row_bytes) = match source.adjacent {
        true => (source.block * dtype.size_bytes() as i64, slot),
        false => (source.strides[3] * together, line_bytes),
    };
    let load = |slot| Node::Load {
        slot,
        dtype,
        bcast: Bcast::Full { row_bytes },
        int: false,
    };
    let nodes = match halves {
        0 => vec![Node::Const(0)],
        1 => vec![load(1), Node::Shr(0, 16)],
        2 => vec![load(0)],
        _ => vec![load(1), Node::Shr(0, 16), load(0), Node::Or(1, 2)],
    };
    let (result, int) = (nodes.len() as u16 - 1, true);
    let expr = Expr { nodes, result, int };
    let rows = rows_of(env.isa, DataType::S32, n * together, expr, d_row_bytes);
    Kernel::get(&rows)
}

struct Compiled {
    plan: Arc<Gradient>,
    /// Which of the different lengths of the reduction each tap of a row has.
    lengths: Vec<usize>,
    /// By length, whole or last block, whether there were bands before, whether others follow.
    kernels: Vec<Arc<Kernel>>,
    /// By side, whole or last block, and which halves of pairs are there.
    copies: Vec<Arc<Kernel>>,
    /// By side and band.
    lines: [Vec<Vec<Line>>; 2],
    slots: [i64; 2],
    /// By band, tap of depth, tap of height.
    tables: Vec<Table>,
}

impl Plan for Arc<Gradient> {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let [depth, height, width] = self.axes.map(|a| a.taps);
        let mut distinct = Vec::new();
        let taps = 0..if self.joined { 1 } else { width };
        let lengths = taps.map(|tap| {
            let (first, end) = self.met(tap);
            index_of(&mut distinct, end - first)
        });
        let lengths = lengths.collect();
        let slots = self.slots();
        let widths = |s: &Source| [s.width(0), s.width((s.per_group() - 1).max(0))];
        let (mut kernels, mut copies) = (Vec::new(), Vec::new());
        for (k, m) in (distinct.iter()).flat_map(|&k| widths(&self.sides[0]).map(|m| (k, m))) {
            for bands in [(false, true), (false, false), (true, true), (true, false)] {
                kernels.push(Kernel::get(&Spec::Brgemm(self.spec(m, k, bands)))?);
            }
        }
        for (source, slot) in self.sides.iter().zip(slots) {
            for (n, halves) in widths(source)
                .into_iter()
                .flat_map(|n| (0..4).map(move |h| (n, h)))
            {
                copies.push(line_copy(&self.env, source, slot, n, halves)?);
            }
        }
        let lines = |side: usize| {
            let ranges = self.bands.iter().map(|band| self.ranges(side, band));
            let packed = ranges.map(|r| self.sides[side].lines(self.images, r, self.pairs));
            packed.collect()
        };
        let taps = (0..depth).flat_map(|z| (0..height).map(move |y| (z, y)));
        let bands = self
            .bands
            .iter()
            .flat_map(|band| taps.clone().map(move |tap| (band, tap)));
        Ok(Box::new(Compiled {
            lengths,
            kernels,
            copies,
            lines: [lines(0), lines(1)],
            slots,
            tables: bands.map(|(band, tap)| self.table(band, tap)).collect(),
            plan: self.clone(),
        }))
    }
}

/// Where a part finds its operands.
struct Places {
    sides: [*const u8; 2],
    out: *mut u8,
    /// Sums in f32: the result itself, unless it is narrower.
    sums: *mut u8,
    scratch: *mut u8,
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        // SAFETY: as promised by the caller; the parts' shares of the tiles are disjoint.
        let part = |part: usize| unsafe { self.part(exec, part) };
        in_parts(exec.pool, self.plan.parts(), part);
        Ok(())
    }
}

/// A range of blocks or panels.
type Range = std::ops::Range<i64>;

impl Compiled {
    /// # Safety
    /// As for `Run::run`.
    unsafe fn part(&self, exec: &Exec, part: usize) {
        let p = &self.plan;
        let (by_panels, by_blocks) = (p.split.0 as usize, p.split.1 as usize);
        let tasks = by_panels * by_blocks;
        let (copy, task) = (part / tasks, part % tasks);
        let [of_large, of_small] = [0, 1].map(|side: usize| p.sides[side].per_group());
        let panels = share(p.groups * of_small, task / by_blocks, by_panels);
        let blocks = share(of_large, task % by_blocks, by_blocks);
        let units = share(p.units(), copy, p.copies as usize);
        let bytes = p.part_bytes();
        let at = |entry: usize, offset: i64| exec.ptrs[entry].wrapping_offset(offset as isize);
        let copy_at = copy as i64 * p.copy_bytes;
        let out = at(p.out.index, p.out.place.base + copy_at);
        let beside = exec.scratch.wrapping_add(p.parts() * bytes);
        let places = Places {
            sides: [0, 1].map(|s| at(p.sides[s].entry, p.sides[s].offset).cast_const()),
            out,
            sums: match p.is_narrow() {
                true => beside.wrapping_offset(copy_at as isize),
                false => out,
            },
            scratch: exec.scratch.wrapping_add(part * bytes),
        };
        if p.joined {
            // SAFETY: the part's own scratch. The rims of packed rows stay zero.
            unsafe { places.scratch.write_bytes(0, bytes) };
        }
        // Narrow groups share cache lines: all of them take a unit before the next one.
        let narrow = p.groups > 1 && p.sides[0].channels < BLOCK;
        let together = if narrow { 1 } else { units.end - units.start };
        for unit in units.clone().step_by(together.max(1) as usize) {
            let some = unit..units.end.min(unit + together);
            for group in 0..p.groups {
                let of_group = |panel: i64| (panel - group * of_small).clamp(0, of_small);
                let panels = of_group(panels.start)..of_group(panels.end);
                let firsts = blocks.clone().step_by(p.kept as usize);
                for block in firsts.filter(|_| !panels.is_empty()) {
                    let blocks = block..blocks.end.min(block + p.kept);
                    // SAFETY: as promised by the caller.
                    unsafe {
                        self.chunk(&places, group, [&units, &some], [blocks, panels.clone()])
                    };
                }
            }
        }
    }

    /// Some of all units of pixels, for the tiles of some blocks and panels of one group.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn chunk(
        &self,
        places: &Places,
        group: i64,
        [units, some]: [&Range; 2],
        [blocks, panels]: [Range; 2],
    ) {
        let p = &self.plan;
        let [of_large, of_small] = [0, 1].map(|side: usize| p.sides[side].per_group());
        let bands = p.bands.len() as i64;
        let slots_at = [0, 1].map(|side| p.slots_at(side));
        for unit in some.clone() {
            let (step, band) = (unit / bands, (unit % bands) as usize);
            // A block in the first image of the step, and where its lines are read: there or in its slot.
            let place = |side: usize, block: i64| {
                let source = &p.sides[side];
                let first = source.blocks[(group * source.per_group() + block) as usize];
                let at = step * p.images * source.strides[0] + first;
                let from = places.sides[side].wrapping_offset(at as isize);
                // One panel is packed at a time.
                let slot = [block - blocks.start, 0][side] * self.slots[side];
                let packed = slots_at[side] + slot;
                let packed = places.scratch.wrapping_offset(packed as isize);
                match source.direct {
                    true => (from, from.cast_mut()),
                    false => (from, packed),
                }
            };
            let pack = |side: usize, (first, count): (i64, i64)| {
                // SAFETY: a slot holds what a band needs.
                unsafe { self.pack(side, band, (first, count), place(side, first)) };
            };
            let ends = [unit == units.start, unit + 1 == units.end];
            let at_once = match p.sides[0].adjacent {
                true => blocks.end - blocks.start,
                false => 1,
            };
            let firsts = blocks.clone().step_by(at_once.max(1) as usize);
            firsts.for_each(|block| pack(0, (block, at_once)));
            for panel in panels.clone() {
                pack(1, (panel, 1));
                for block in blocks.clone() {
                    let (a, b) = (place(0, block).1, place(1, panel).1);
                    let tile = p.tiles[((group * of_large + block) * of_small + panel) as usize];
                    let last_block = block + 1 == of_large;
                    // SAFETY: packed blocks as planned.
                    unsafe { self.tile(places, (a, b), (tile, last_block), band, ends) };
                }
            }
        }
    }

    /// Packs a block of one side, or several that are adjacent, unless they lie right already. The latter are packed pixel by
    /// pixel, so that memory is read in order.
    ///
    /// # Safety
    /// The pointers are the first block in the first image of the band, and its slot.
    unsafe fn pack(
        &self,
        side: usize,
        band: usize,
        (first, count): (i64, i64),
        (from, to): (*const u8, *mut u8),
    ) {
        let (source, slot) = (&self.plan.sides[side], self.slots[side]);
        if source.direct {
            return;
        }
        let narrow = i64::from(source.width(first + count - 1) < source.block);
        if side == 1 && narrow > 0 {
            // SAFETY: the panel's own slot; columns beyond the channels must be zero.
            unsafe { to.write_bytes(0, slot as usize) };
        }
        let copy = |last: i64, m: i64, line: &Line, from_bytes: i64, to_bytes: i64| {
            let pixel = from.wrapping_offset((line.from + from_bytes) as isize);
            let operands = [pixel.wrapping_offset(source.partner.0 as isize), pixel];
            let args = Args {
                d: to.wrapping_offset((line.to + to_bytes) as isize),
                m: m as usize,
                operands: operands.as_ptr(),
                ..Args::default()
            };
            // SAFETY: pixels of the image, and of the slots; the kernel reads those halves that are inside.
            unsafe { self.copies[(2 * side + last as usize) * 4 + line.halves].call(&args) };
        };
        let (block_bytes, whole) = (
            source.block * source.dtype.size_bytes() as i64,
            count - narrow,
        );
        for line in &self.lines[side][band] {
            if !source.adjacent {
                copy(narrow, line.pixels / source.together(), line, 0, 0);
                continue;
            }
            for x in 0..line.pixels {
                let (from, to) = (x * source.strides[3], x * source.block * 4);
                copy(0, whole, line, from, to);
                if narrow > 0 {
                    copy(1, 1, line, from + whole * block_bytes, to + whole * slot);
                }
            }
        }
    }

    /// Adds what a band brings to one tile, tap by tap.
    ///
    /// # Safety
    /// The pointers are a block and a panel, `tile` is the offset of their sums.
    unsafe fn tile(
        &self,
        places: &Places,
        (a, b): (*mut u8, *mut u8),
        (tile, last_block): (i64, bool),
        band: usize,
        [first, last]: [bool; 2],
    ) {
        let p = &self.plan;
        let [large, small] = &p.sides;
        let (taps_z, taps_y) = (p.axes[0].taps as usize, p.axes[1].taps as usize);
        let x = &p.axes[2];
        let size = p.out.dtype.size_bytes() as isize;
        let narrows = last && p.is_narrow();
        let stores = first || narrows;
        for t in 0..taps_z * taps_y {
            let table = &self.tables[band * taps_z * taps_y + t];
            if table.a.is_empty() && !stores {
                continue;
            }
            let place = (t / taps_y) as i64 * p.taps[0] + (t % taps_y) as i64 * p.taps[1];
            for (tap, &length) in self.lengths.iter().enumerate() {
                let (from, end) = p.met(tap as i64);
                if from == end && !stores {
                    continue;
                }
                let far = if p.joined { 0 } else { x.far(from, tap as i64) };
                let at = tile + place + tap as i64 * p.taps[2];
                let c = places.sums.wrapping_offset(at as isize);
                let d = match narrows {
                    true => (places.out).wrapping_offset((at / 4) as isize * size),
                    false => c,
                };
                let args = Args {
                    a: a.wrapping_offset((far * large.pitch()) as isize),
                    b: b.wrapping_offset((from * small.pitch()) as isize),
                    a_offsets: table.a.as_ptr(),
                    b_offsets: table.b.as_ptr(),
                    c,
                    d,
                    batch: if from == end { 0 } else { table.a.len() },
                    ..Args::default()
                };
                let choices = [last_block, !first, !last].map(usize::from);
                let kernel = choices
                    .iter()
                    .fold(length, |index, choice| 2 * index + choice);
                // SAFETY: the kernel was made for this length and block.
                unsafe { self.kernels[kernel].call(&args) };
            }
        }
    }
}
