//! Adding what bands of pixels bring to the gradient of the weights: packing, then every tile, tap by tap.
#![allow(unsafe_code)]

use super::sides::{Line, Source};
use super::weights::{BLOCK, Call, Gradient};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::share;
use crate::kernel::Kernel;
use crate::kernel::expr::{Bcast, Expr, Node};
use crate::kernel::spec::{Args, Spec};
use crate::ops::{Env, Exec, Plan, Run};
use crate::plan::steps::rows_of;
use std::sync::Arc;

/// A range of units, blocks or panels; blocks and panels are counted through all groups.
type Range = std::ops::Range<i64>;

/// Ranges of at most so many.
fn pieces(all: Range, most: i64) -> impl Iterator<Item = Range> {
    let Range { start, end } = all;
    let starts = (start..end).step_by(most.max(1) as usize);
    starts.map(move |first| first..end.min(first + most))
}

/// How blocks of a side are packed.
struct Packing {
    /// By whole or last block, and which halves of pairs are there.
    kernels: Vec<Arc<Kernel>>,
    /// By band.
    lines: Vec<Vec<Line>>,
    /// Where its slots begin in the scratch of a part, and bytes of one.
    slots_at: i64,
    slot: i64,
}

impl Packing {
    fn new(p: &Gradient, side: usize) -> Result<Packing> {
        let (source, slot) = (&p.sides[side], p.slots()[side]);
        let (widths, copies) = (source.widths(), if source.direct { 0 } else { 8 });
        let copy = |i: usize| line_copy(&p.env, source, slot, widths[i / 4], i % 4);
        let lines = |band| source.lines(p.images, p.ranges(side, band), p.pairs);
        Ok(Packing {
            kernels: (0..copies).map(copy).collect::<Result<_>>()?,
            lines: p.bands.iter().map(lines).collect(),
            slots_at: p.slots_at()[side],
            slot,
        })
    }
}

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
    /// By length of the reduction, whole or last block, whether there were units before, whether others follow.
    kernels: Vec<Arc<Kernel>>,
    /// Of a tile, by band.
    calls: Vec<Vec<Call>>,
    packings: [Packing; 2],
    reorders: Vec<Box<dyn Run>>,
}

impl Plan for Arc<Gradient> {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let mut lengths = Vec::new();
        let calls = self.bands.iter().map(|band| self.calls(band, &mut lengths));
        let calls = calls.collect();
        let widths = self.sides[0].widths();
        let mut kernels = Vec::new();
        for (k, m) in (lengths.iter()).flat_map(|&k| widths.map(|m| (k, m))) {
            for ends in [[true, true], [true, false], [false, true], [false, false]] {
                kernels.push(Kernel::get(&Spec::Brgemm(self.spec(m, k, ends)))?);
            }
        }
        Ok(Box::new(Compiled {
            plan: self.clone(),
            kernels,
            calls,
            packings: [Packing::new(self, 0)?, Packing::new(self, 1)?],
            reorders: self.staging.compile()?,
        }))
    }
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) {
        let (p, reorders) = (&self.plan, self.reorders.as_slice());
        // SAFETY: as promised by the caller; the parts' shares of the tiles, or their copies of them, are disjoint.
        let sum = |part, block| unsafe { self.part(exec, part, block).sum() };
        let part = |blocks: Range, part| blocks.for_each(|block| sum(part, block));
        // SAFETY: the caller's promise is passed on.
        unsafe { p.staging.run((exec, reorders), p.parts(), part) };
    }
}

impl Compiled {
    fn part(&self, exec: &Exec, part: usize, block: i64) -> Part<'_> {
        let p = &self.plan;
        let [n, m, s] = p.split.map(|parts| parts as usize);
        let (copy, own) = (
            part / (n * m),
            p.staging.scratch_bytes + part * p.part_bytes(),
        );
        let copy_at = (copy as i64 * p.copy_bytes) as isize;
        let out = exec.ptrs[p.out.index].wrapping_offset(p.out.place.base as isize + copy_at);
        let sides = p.staging.starts(exec, block);
        let beside = exec.scratch.wrapping_add(p.sums_at());
        Part {
            compiled: self,
            sides: sides.map(|side| side.cast_const()),
            others: [block, p.staging.blocks - 1 - block],
            out,
            sums: [out, beside.wrapping_offset(copy_at)][usize::from(p.is_narrow())],
            scratch: exec.scratch.wrapping_add(own),
            panels: share(p.groups * p.sides[1].per_group(), part / m % n, n),
            blocks: share(p.sides[0].per_group(), part % m, m),
            units: share(p.units(), copy, s),
        }
    }
}

/// Where a part finds its operands, and what it sums.
struct Part<'a> {
    compiled: &'a Compiled,
    sides: [*const u8; 2],
    /// Blocks of images before its own and behind it.
    others: [i64; 2],
    out: *mut u8,
    /// Sums in f32: the result itself, unless it is narrower.
    sums: *mut u8,
    scratch: *mut u8,
    /// Panels of all groups, and blocks of each.
    panels: Range,
    blocks: Range,
    /// Bands of some images.
    units: Range,
}

/// A band, and where its first image begins on either side.
struct Unit {
    band: usize,
    images: [*const u8; 2],
    /// Whether it is the first and the last that its part sums.
    ends: [bool; 2],
}

impl Part<'_> {
    /// The nest: units of pixels, groups, chunks of blocks.
    ///
    /// # Safety
    /// As for `Run::run`; the tiles, or the copies of them, are this part's alone.
    unsafe fn sum(&self) {
        let p = &self.compiled.plan;
        let [of_large, of_small] = [0, 1].map(|side: usize| p.sides[side].per_group());
        if p.joined && self.others[0] == 0 {
            // SAFETY: the part's own scratch. The rims of packed rows stay zero.
            unsafe { self.scratch.write_bytes(0, p.part_bytes()) };
        }
        // Narrow groups share cache lines: all of them take a unit before the next one.
        let narrow = p.groups > 1 && p.sides[0].channels < BLOCK;
        let at_once = if narrow { 1 } else { p.units() };
        for units in pieces(self.units.clone(), at_once) {
            for group in 0..p.groups {
                let first = group * of_small;
                let panels = self.panels.start.max(first)..self.panels.end.min(first + of_small);
                let first = group * of_large;
                let blocks = first + self.blocks.start..first + self.blocks.end;
                for blocks in pieces(blocks, p.kept).filter(|_| !panels.is_empty()) {
                    for unit in units.clone().map(|unit| self.unit(unit)) {
                        // SAFETY: as promised by the caller.
                        unsafe { self.tiles(&unit, panels.clone(), blocks.clone()) };
                    }
                }
            }
        }
    }

    fn unit(&self, unit: i64) -> Unit {
        let (p, bands) = (&self.compiled.plan, self.compiled.calls.len() as i64);
        let image = unit / bands * p.images;
        let start =
            |i: usize| self.sides[i].wrapping_offset((image * p.sides[i].strides[0]) as isize);
        let (Range { start: first, end }, [before, behind]) = (&self.units, self.others);
        Unit {
            band: (unit % bands) as usize,
            images: [0, 1].map(start),
            ends: [unit + before == *first, unit + 1 == end + behind],
        }
    }

    /// Adds a unit to the tiles of some panels and blocks of a group.
    ///
    /// # Safety
    /// As for `sum`.
    unsafe fn tiles(&self, unit: &Unit, panels: Range, blocks: Range) {
        let p = &self.compiled.plan;
        let [large, small] = &p.sides;
        let (of_large, of_small) = (large.per_group(), small.per_group());
        let together = if large.adjacent { p.kept } else { 1 };
        for some in pieces(blocks.clone(), together) {
            // SAFETY: there is a slot for each of the blocks.
            unsafe { self.pack((0, unit), (&some, some.start - blocks.start)) };
        }
        for panel in panels.clone() {
            // SAFETY: one panel is packed at a time.
            unsafe { self.pack((1, unit), (&(panel..panel + 1), 0)) };
            let b = self.place((1, unit), (panel, 0));
            for block in blocks.clone() {
                let a = self.place((0, unit), (block, block - blocks.start));
                let tile = p.tiles[(block * of_small + panel % of_small) as usize];
                let is_last = block % of_large + 1 == of_large;
                let next = match (block + 1 == blocks.end, panel == panels.start) {
                    (true, _) if panel + 1 < panels.end => small.to_next(panel),
                    (false, true) => self.between(unit, [a, b]) + large.to_next(block),
                    _ => 0,
                };
                // SAFETY: blocks as planned.
                unsafe { self.tile(unit, [a, b], (tile, is_last), next) };
            }
        }
    }

    /// Where kernels read a block of a side: as it lies, or in a slot.
    fn place(&self, (side, unit): (usize, &Unit), (block, slot): (i64, i64)) -> *const u8 {
        let source = &self.compiled.plan.sides[side];
        let packing = &self.compiled.packings[side];
        let slot = (packing.slots_at + slot * packing.slot) as isize;
        match source.direct {
            true => unit.images[side].wrapping_offset(source.blocks[block as usize] as isize),
            false => self.scratch.wrapping_offset(slot).cast_const(),
        }
    }

    /// Packs blocks of one side into slots, unless they lie right already: one, or several that are adjacent. The latter are
    /// packed pixel by pixel, so that memory is read in order.
    ///
    /// # Safety
    /// As for `sum`; the slots from this one on are there.
    unsafe fn pack(&self, (side, unit): (usize, &Unit), (blocks, slot): (&Range, i64)) {
        let source = &self.compiled.plan.sides[side];
        let packing = &self.compiled.packings[side];
        if source.direct {
            return;
        }
        let from = unit.images[side].wrapping_offset(source.blocks[blocks.start as usize] as isize);
        let to = self.place((side, unit), (blocks.start, slot)).cast_mut();
        let last = (blocks.end - 1) % source.per_group();
        let narrow = i64::from(source.width(last) < source.block);
        if side == 1 && narrow > 0 {
            // SAFETY: the panel's own slot; columns beyond the channels must be zero.
            unsafe { to.write_bytes(0, packing.slot as usize) };
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
            unsafe { packing.kernels[4 * last as usize + line.halves].call(&args) };
        };
        let block_bytes = source.block * source.dtype.size_bytes() as i64;
        let whole = blocks.end - blocks.start - narrow;
        for line in &packing.lines[unit.band] {
            if !source.adjacent {
                copy(narrow, line.pixels / source.together(), line, 0, 0);
                continue;
            }
            for x in 0..line.pixels {
                let (from, to) = (x * source.strides[3], x * source.block * 4);
                copy(0, whole, line, from, to);
                if narrow > 0 {
                    let (from, to) = (from + whole * block_bytes, to + whole * packing.slot);
                    copy(1, 1, line, from, to);
                }
            }
        }
    }

    /// Bytes from what the first tap meets of a panel to what it meets of a block, where both are one row of pixels.
    fn between(&self, unit: &Unit, [block, panel]: [*const u8; 2]) -> i64 {
        let table = &self.compiled.calls[unit.band][0].table;
        match (table.a.as_slice(), table.b.as_slice()) {
            (&[a], &[b]) => (block as i64 + a) - (panel as i64 + b),
            _ => 0,
        }
    }

    /// Adds a unit to one tile, tap by tap; meanwhile what lies so many bytes behind the panel is fetched.
    ///
    /// # Safety
    /// The pointers are a block and a panel; their sums are at the offset `tile`.
    unsafe fn tile(
        &self,
        unit: &Unit,
        [a, b]: [*const u8; 2],
        (tile, is_last): (i64, bool),
        b_stride: i64,
    ) {
        let (compiled, p) = (self.compiled, &self.compiled.plan);
        let [first, last] = unit.ends;
        let narrows = last && p.is_narrow();
        let kernels = usize::from(is_last) << 2 | usize::from(!first) << 1 | usize::from(!last);
        for call in &compiled.calls[unit.band] {
            let batch = call.table.a.len();
            if batch == 0 && !first && !narrows {
                continue;
            }
            let at = tile + call.out;
            let c = self.sums.wrapping_offset(at as isize);
            let narrow_at = at / 4 * p.out.dtype.size_bytes() as i64;
            let args = Args {
                a,
                b,
                a_offsets: call.table.a.as_ptr(),
                b_offsets: call.table.b.as_ptr(),
                c,
                d: [c, self.out.wrapping_offset(narrow_at as isize)][usize::from(narrows)],
                batch,
                b_stride,
                ..Args::default()
            };
            // SAFETY: the kernel was made for this length and block.
            unsafe { compiled.kernels[8 * call.length + kernels].call(&args) };
        }
    }
}
