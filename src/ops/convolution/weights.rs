//! Backward by weights: `dW[m][n] = Σ large[pixel + tap][m] · small[pixel][n]` over all pixels of the small side.
//!
//! The pixels come in bands that fit the first-level cache. For each band, the channels of both sides are packed into
//! blocks of adjacent lines, as f32 or, where there is a dot product of bf16, as pairs of them from two halves of the
//! pixels, unless they can be read as they lie; then every tile of the weights adds what the band brings, tap by
//! tap, over the pixels that this tap meets. A tile is summed in the order of the bands, by one part, if there are as many
//! tiles as threads or results must be `deterministic`; else by several parts, each over its bands in a copy of its own.
#![allow(unsafe_code)]

use super::dense::{MOST_PARTS, parts};
use super::layout::{
    channel_run, channels_last, is_one_panel, panel_tag, panel_width, panels, plane_bytes,
    spatial_strides, without_gaps,
};
use super::sides::{Source, flattened, near_bytes, paired, rows};
use super::staging::Staging;
use super::{Desc, depthwise, layout};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::spec::{Batch, Brgemm, Out};
use crate::knobs;
use crate::machine::machine;
use crate::memory::MemoryDesc;
use crate::ops::epilogue::{Binding, arg};
use crate::ops::matrix::{Operand, plain};
use crate::ops::reduce;
use crate::ops::sequence::Sequence;
use crate::ops::{Arg, Env, Planned};
use crate::plan::conv::{
    Axis, Ranges, Table, band_pixels, bands, check_listed, index_of, indices, skips,
};
use crate::plan::gemm;
use crate::plan::place::Place;
use std::sync::Arc;

/// Channels of the large side in a tile.
pub(super) const BLOCK: i64 = 16;
/// The same for so few pixels that a call takes longer than its sums.
const WIDE_BLOCK: i64 = 64;
/// Channels so few that all taps of a row go into one tile: fewer, or in groups as many.
const FEW: i64 = 8;

/// What creation knows before kernels exist.
pub(super) struct Gradient {
    pub env: Env,
    pub axes: [Axis; 3],
    /// Images of a block, or pairs of them.
    pub minibatch: i64,
    pub groups: i64,
    /// The large and the small one.
    pub sides: [Source; 2],
    pub staging: Staging<2>,
    pub out: Binding,
    /// Bytes between taps along depth, height and width.
    pub taps: [i64; 3],
    /// Byte offsets of the tiles of sums: by group, block of the large side, panel.
    pub tiles: Vec<i64>,
    /// All taps of a row go into one tile.
    pub joined: bool,
    /// Elements of packed lines are the bf16 of two pixels, else f32.
    pub pairs: bool,
    pub images: i64,
    /// The most pixels of a band.
    pub pixels: i64,
    pub bands: Vec<Ranges>,
    /// Blocks of the large side whose packed form is kept for one band.
    pub kept: i64,
    /// Parts along the panels, along the blocks of the large side, and along the pixels, the latter with a copy of the result each,
    /// of so many bytes.
    pub split: [i64; 3],
    pub copy_bytes: i64,
}

/// A kernel call, which adds what a tap meets in a band to a tile.
pub(super) struct Call {
    /// Index of the length of its reduction.
    pub length: usize,
    /// Bytes to the tap within the gradient.
    pub out: i64,
    /// Rows of pixels, each an entry of the batch.
    pub table: Table,
}

/// How the gradient is cut into tiles.
struct Tiling {
    /// The layout in which they are summed: that of the weights, or panels in scratch.
    seen: MemoryDesc,
    in_place: bool,
    /// Channels of the large and of the small side in a tile.
    channels: [i64; 2],
    /// All taps of a row go into one tile.
    joined: bool,
}

impl Desc {
    pub(super) fn backward_weights(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        let dims = self.side_dims();
        let channels = (self.weights.dims[dims.0], self.weights.dims[dims.1]);
        let alone = depthwise::takes(env, self.groups(), channels);
        // Rows of pixels are listed for every tap, or pieces of them.
        let [z, y, x] = self.axes();
        let rows = [z, y].map(|a| a.small as f64 * a.taps as f64);
        let across = [x.taps as f64, x.small as f64 / 4.0][usize::from(alone)];
        check_listed(rows[0] * rows[1] * across)?;
        let blocks = [BLOCK, self.panel_width(env)];
        // Of pixels far apart in blocks, little is read from a page.
        let scattered = skips(&[z, y, x]) && gemm::panel(env.isa) as i64 > BLOCK;
        let resolve = |md: &MemoryDesc, small: bool| match md.is_any() {
            true if alone || self.block() == WIDE_BLOCK || scattered && !small => channels_last(md),
            true => in_blocks(md, blocks[usize::from(small)]),
            false => Ok(*md),
        };
        let src = resolve(&self.src, self.transposed)?;
        let diff_dst = resolve(&self.dst, !self.transposed)?;
        let weights = match self.weights.is_any() {
            true if alone => depthwise::layout(&self.weights, self.weights.dtype(), dims)?,
            true => self.in_panels(env, self.weights.dtype())?,
            false => self.weights,
        };
        let mut args = vec![
            Arg::input(arg::SRC, src),
            Arg::input(arg::DIFF_DST, diff_dst),
            Arg::output(arg::DIFF_WEIGHTS, weights),
        ];
        let mut sequence = Sequence::default();
        if !self.bias.is_absent() {
            let bias = plain(&self.bias)?;
            reduce::push(&mut sequence, env, (1, &diff_dst), (3, &bias))?;
            args.push(Arg::output(arg::DIFF_BIAS, bias));
        }
        let sides = match self.transposed {
            true => [(1, diff_dst), (0, src)],
            false => [(0, src), (1, diff_dst)],
        };
        let main = match alone {
            true => self.by_channels((attr, env), sides, &weights, &mut sequence)?,
            false => self.by_tiles((attr, env), sides, &weights, &mut sequence)?,
        };
        sequence.finish(args, main, env)
    }

    /// The weights' dimensions of the large side's channels and of the small side's.
    fn side_dims(&self) -> (usize, usize) {
        let (first, of_src) = (usize::from(self.grouped()), usize::from(!self.transposed));
        (first + of_src, first + 1 - of_src)
    }

    /// Columns of a panel, even ones: columns of padding would be multiplied.
    fn panel_width(&self, env: &Env) -> i64 {
        let n = self.weights.dims[self.side_dims().1];
        if is_one_panel(env, n) {
            return n;
        }
        let widest = panel_width(env, i64::MAX, n) as usize;
        gemm::even(n as usize, widest, widest.min(16)) as i64
    }

    fn in_panels(&self, env: &Env, dtype: DataType) -> Result<MemoryDesc> {
        let (dims, sides) = (self.weights.dims(), self.side_dims());
        let block = match is_one_panel(env, dims[sides.1]) {
            true => 0,
            false => self.panel_width(env),
        };
        let tag = panel_tag(dims.len(), sides, (1, block), 1, 1);
        MemoryDesc::with_tag(dims, dtype, &tag)
    }

    /// The nest where channels do not mix, or in narrow groups.
    fn by_channels(
        &self,
        (attr, env): (&Attr, &Env),
        sides: [Operand; 2],
        weights: &MemoryDesc,
        sequence: &mut Sequence,
    ) -> Result<Planned> {
        let (dims, group) = (self.side_dims(), weights.dims[self.side_dims().0]);
        let copied = sides.each_ref().map(|(_, md)| !depthwise::reads(md, group));
        let staging = Staging::of_sides(env, sides, copied, false)?;
        let taps = depthwise::layout(weights, DataType::F32, dims)?;
        let stored = sequence.written(env, (2, weights), &taps, false)?;
        let env = (env, attr.deterministic);
        Ok(depthwise::Gradient::new(env, self.axes(), staging, group, stored).planned())
    }

    /// The nest over tiles of channels; sums of several parts come together in a stage of their own.
    fn by_tiles(
        &self,
        (attr, env): (&Attr, &Env),
        sides: [Operand; 2],
        weights: &MemoryDesc,
        sequence: &mut Sequence,
    ) -> Result<Planned> {
        let pairs = sides.iter().all(|(_, md)| md.dtype() == DataType::Bf16)
            && gemm::has_dot(env.isa, DataType::Bf16);
        let tiling = self.tiling(env, weights)?;
        let copied = [0, 1].map(|side| self.is_copied(side, &sides[side].1, &tiling));
        let staging = Staging::of_sides(env, sides, copied, pairs)?;
        let mut minibatch = staging.images();
        let (mut axes, even) = (self.axes(), pairs && minibatch % 2 != 0);
        let mut sides = self.sources(env, &mut axes, (&staging, &tiling));
        let [large, small] = sides.each_ref().map(|side| side.per_group() as f64);
        check_listed(self.groups() as f64 * large * small)?;
        let most = band_pixels(env.isa);
        flattened(&mut axes, &mut sides, (most, even));
        if pairs {
            paired(&mut minibatch, &mut axes, &mut sides);
        }
        let (space, dims, seen) = ((minibatch, axes), self.side_dims(), &tiling.seen);
        let mut gradient = Gradient::new(env, space, (pairs, sides, staging), &tiling, dims);
        if attr.deterministic || !seen.is_dense() {
            gradient.split[2] = 1;
        }
        let copies = gradient.split[2] as usize;
        let (stored, md) = match tiling.in_place && copies == 1 {
            true => (2, weights),
            false => (sequence.written(env, (2, weights), seen, false)?, seen),
        };
        gradient.out = Binding::whole(stored, md);
        if copies == 1 {
            return Ok(gradient.planned());
        }
        let each = sequence.buffer(copies * seen.size_bytes())?;
        (gradient.out.index, gradient.out.place.base) = (each, 0);
        sequence.push(gradient.planned());
        let dims = [copies as i64, seen.size_bytes() as i64 / 4];
        let all = MemoryDesc::plain(&dims, DataType::F32)?;
        let mut one = MemoryDesc::plain(&[1, dims[1]], DataType::F32)?;
        one.offset0 = seen.offset0;
        Ok(reduce::planned(env, (each, &all), (stored, &one)))
    }

    /// Channels of the large side in a tile.
    fn block(&self) -> i64 {
        let pixels: i64 = self.axes().iter().map(|a| a.small).product();
        let m = self.weights.dims[self.side_dims().0];
        match pixels * self.src.dims[0] < BLOCK {
            true => WIDE_BLOCK,
            // A block and a half is one.
            false if m > BLOCK && 2 * m <= 3 * BLOCK => m,
            false => BLOCK,
        }
    }

    fn tiling(&self, env: &Env, weights: &MemoryDesc) -> Result<Tiling> {
        let (dims, width, x) = (self.side_dims(), self.panel_width(env), &self.axes()[2]);
        let (m, spatial) = (weights.dims[dims.0], dims.0.max(dims.1) + 1);
        let few = m < FEW || m == FEW && self.groups() > 1;
        let joined = few && x.dilation == 1 && x.taps > 1;
        let block = if joined { m.max(1) } else { self.block() };
        let mut seen = *weights;
        seen.data_type = DataType::F32 as i32;
        let in_place = panels(&seen, dims).is_some_and(|p| {
            // Whole tiles, room for all columns of the last one, and no padding but there.
            let (n, padded) = (seen.dims[dims.1], seen.padded_dims[dims.1]);
            let whole = p.width % 8 == 0 && padded % p.width == 0 && padded - n < p.width;
            p.width <= width
                && whole
                && seen.padded_dims[dims.0] == m
                && (p.run >= m || p.run % block == 0)
                && (!joined || spatial_strides(&seen, spatial)[2] == m * p.width * 4)
        });
        if !in_place {
            seen = self.in_panels(env, DataType::F32)?;
        }
        let columns = panels(&seen, dims).expect("tiles lie in panels").width;
        Ok(Tiling {
            seen,
            in_place,
            channels: [block, columns],
            joined,
        })
    }

    /// Whether tiles cannot read a side as it lies.
    fn is_copied(&self, side: usize, md: &MemoryDesc, tiling: &Tiling) -> bool {
        let (dims, skips) = (self.side_dims(), skips(&self.axes()));
        let channels = self.weights.dims[[dims.0, dims.1][side]];
        // Channels adjacent in whole blocks are read as they lie, and planes by the side whose elements kernels broadcast.
        let run = channel_run(md, channels, self.groups() == 1);
        let planes = side == 0 && !tiling.joined && !skips && plane_bytes(md).is_some();
        !planes && !run.is_some_and(|run| run >= channels || run % tiling.channels[side] == 0)
    }

    /// The sides as tiles read them; gaps between the pixels of the large one leave the axes.
    fn sources(
        &self,
        env: &Env,
        axes: &mut [Axis; 3],
        (staging, tiling): (&Staging<2>, &Tiling),
    ) -> [Source; 2] {
        let (dims, groups) = (self.side_dims(), self.groups());
        let several_taps = axes.iter().any(|a| a.taps > 1);
        let near = near_bytes(several_taps, gemm::panel(env.isa) as i64);
        let source = |side: usize, md: &MemoryDesc, dim: usize| {
            let (sizes, block) = ((groups, self.weights.dims[dim]), tiling.channels[side]);
            Source::new(md, sizes, block, near[side])
        };
        let [large, small] = &staging.operands;
        let mut large = source(0, &without_gaps(axes, large.md), dims.0);
        let mut small = source(1, &small.md, dims.1);
        large.direct &= !tiling.joined;
        // Panels are packed one at a time, and kernels read whole ones.
        let columns = tiling.channels[1];
        small.adjacent = false;
        small.direct &= small.channels % columns == 0 || small.padded % columns == 0;
        [large, small]
    }
}

/// `any` activations lie in the blocks that tiles read in place, where these need no padding and the type is f32; else, and where
/// one block has all channels, which is the same, these come last.
fn in_blocks(md: &MemoryDesc, block: i64) -> Result<MemoryDesc> {
    match md.dtype() == DataType::F32 && md.dims[1] > block && md.dims[1] % block == 0 {
        true => layout::in_blocks(md, block),
        false => channels_last(md),
    }
}

impl Gradient {
    fn new(
        env: &Env,
        (minibatch, axes): (i64, [Axis; 3]),
        (pairs, mut sides, staging): (bool, [Source; 2], Staging<2>),
        tiling: &Tiling,
        (m, n): (usize, usize),
    ) -> Gradient {
        let (md, joined) = (&tiling.seen, tiling.joined);
        let position = Place::whole(md);
        let groups = if m.min(n) > 0 { md.dims[0] } else { 1 };
        let starts = |side: usize| (0..sides[side].channels).step_by(sides[side].block as usize);
        let mut tiles = Vec::new();
        for (g, row) in (0..groups).flat_map(|g| starts(0).map(move |row| (g, row))) {
            tiles.extend(starts(1).map(|col| position.from_first(&[(0, g), (m, row), (n, col)])));
        }
        let x = &axes[2];
        sides[1].row = (x.small, 0);
        let reach = (x.pad + x.large).max((x.small - 1) * x.stride + x.taps);
        sides[0].row = if joined { (reach, x.pad) } else { (x.large, 0) };
        let nest = knobs::NEST.get();
        let pixels = nest.or('p', band_pixels(env.isa), |_| true);
        let (images, bands) = bands(minibatch, axes.map(|a| a.small), pixels);
        let mut gradient = Gradient {
            env: *env,
            axes,
            minibatch,
            groups,
            sides,
            staging,
            out: Binding::whole(0, md),
            taps: spatial_strides(md, m.max(n) + 1),
            tiles,
            joined,
            pairs,
            images: nest.or('i', images, |i| i <= minibatch && minibatch % i == 0),
            pixels,
            bands,
            kept: 1,
            split: [1; 3],
            copy_bytes: md.size_bytes() as i64,
        };
        let per_group = gradient.sides[0].per_group();
        gradient.kept = nest.or('c', gradient.kept(), |c| c <= per_group);
        let (split, units) = (gradient.split(), gradient.units());
        let most = [MOST_PARTS, MOST_PARTS, units.min(MOST_PARTS)];
        let choose = |i: usize| nest.or(['N', 'M', 'S'][i], split[i], |n| n <= most[i]);
        gradient.split = [0, 1, 2].map(choose);
        gradient
    }

    /// The depths and heights of a side that a band needs; of the large side, those of pairs of rows may be outside.
    pub fn ranges(&self, side: usize, band: &Ranges) -> Ranges {
        let reach = |axis: usize| {
            let (a, (first, end)) = (&self.axes[axis], band[axis]);
            let limit = |x: i64| match axis == 1 && self.sides[0].partner.1 > 0 {
                true => x,
                false => x.clamp(0, a.large),
            };
            let (first, last) = (a.far(first, 0), a.far(end - 1, a.taps - 1));
            (limit(first), limit(last + 1).max(limit(first)))
        };
        match side {
            0 => [reach(0), reach(1)],
            _ => *band,
        }
    }

    /// Bytes of a packed block of the large side, and of a panel of the small side.
    pub fn slots(&self) -> [i64; 2] {
        [0, 1].map(|side| {
            let rows = self.bands.iter().map(|band| {
                let [z, y] = self.ranges(side, band);
                (z.1 - z.0) * (y.1 - y.0)
            });
            self.images * rows.max().unwrap_or(0) * self.sides[side].row_bytes()
        })
    }

    /// Packed blocks of the large side are read again for every panel: as few even parts of them are kept, one after the other,
    /// as fit most of the second-level cache.
    fn kept(&self) -> i64 {
        let fit = machine().l2_bytes as i64 * 3 / 4 / self.slots()[0].max(1);
        gemm::even(self.sides[0].per_group() as usize, fit.max(1) as usize, 1) as i64
    }

    /// Parts along panels and blocks, and along the pixels where there are fewer tiles than threads.
    fn split(&self) -> [i64; 3] {
        let [large, small] = &self.sides;
        let products = self.axes.iter().map(|a| a.small as f64 * a.taps as f64);
        let minibatch = self.minibatch * self.staging.blocks;
        let images = (2 * minibatch * self.groups) as f64 * products.product::<f64>();
        let flop = images * large.channels as f64 * small.channels as f64;
        let parts = parts(&self.env, flop as i64);
        let panels = parts.min((self.groups * small.per_group()).max(1));
        let blocks = (parts / panels).min(large.per_group()).max(1);
        let copies = (parts / (panels * blocks)).clamp(1, self.units());
        [panels, blocks, copies]
    }

    /// How many bands there are in a block of images; one clears the result where there is no image.
    pub fn units(&self) -> i64 {
        (self.minibatch / self.images.max(1)).max(1) * self.bands.len() as i64
    }

    pub fn parts(&self) -> usize {
        self.split.iter().product::<i64>() as usize
    }

    /// Where in the scratch of a part the slots of either side begin, and where they end.
    pub fn slots_at(&self) -> [i64; 3] {
        let slots = self.slots();
        let used = |i: usize, count: i64| count * slots[i] * i64::from(!self.sides[i].direct);
        // One panel is packed at a time.
        [0, used(0, self.kept), used(0, self.kept) + used(1, 1)]
    }

    /// Scratch of one part.
    pub fn part_bytes(&self) -> usize {
        (self.slots_at()[2] as usize).next_multiple_of(64)
    }

    /// Where in scratch sums begin that pass through it: behind the copies of operands and what the parts have.
    pub fn sums_at(&self) -> usize {
        self.staging.scratch_bytes + self.parts() * self.part_bytes()
    }

    /// Whether sums pass through scratch, since the result is too narrow to hold them.
    pub fn is_narrow(&self) -> bool {
        self.out.dtype != DataType::F32
    }

    fn planned(self) -> Planned {
        let kind = |s: &Source| if s.direct { "" } else { "packed" };
        let [large, small] = &self.sides;
        let (kinds, [n, m, s]) = (self.sides.each_ref().map(kind), self.split);
        let (i, p, c) = (self.images, self.pixels, self.kept);
        let nest = format!(
            "N{n}M{m}S{s}n{}i{i}p{p}c{c}:{}bands:{}{}x{}{}{}{}{}",
            self.staging.images(),
            self.bands.len(),
            large.block,
            kinds[0],
            small.block,
            kinds[1],
            if self.pairs { ":pairs" } else { "" },
            if self.joined { ":joined" } else { "" },
            self.staging.ways(),
        );
        let several = self.units() * self.staging.blocks > 1;
        let sums = self.copy_bytes * i64::from(self.is_narrow() && several);
        Planned::new(nest, self.sums_at() + sums as usize, Arc::new(self))
    }

    /// Whether kernels fetch the panel or the block that is read next: where blocks lie end to end, and a single tap meets them.
    fn fetches(&self) -> bool {
        let dense = |s: &Source| s.direct && s.pitch() == s.block * 4;
        self.sides.iter().all(dense) && self.axes.iter().all(|axis| axis.taps == 1)
    }

    /// The calls for a tile and a band, one for each tap; their reductions are added to the list.
    pub fn calls(&self, band: &Ranges, lengths: &mut Vec<i64>) -> Vec<Call> {
        let ([depth, height, width], [large, small]) = (&self.axes, &self.sides);
        let ranges = [0, 1].map(|side| self.ranges(side, band));
        let across = if self.joined { 1 } else { width.taps };
        let call = |tap: [i64; 3]| {
            // Where taps are joined, padding is packed.
            let (x, end, far_x) = match (self.joined, width.met(tap[2])) {
                (true, _) => (0, width.small, 0),
                (_, (x, end)) => (x, end, width.far(x, tap[2])),
            };
            let mut table = Table::default();
            for [image, z, y] in rows(self.images, ranges[1]).filter(|_| x < end) {
                let (far_z, far_y) = (depth.far(z, tap[0]), height.far(y, tap[1]));
                let inside = |y: i64| (0..height.large).contains(&y);
                let meets = inside(far_y) || inside(far_y + large.partner.1);
                if meets && (0..depth.large).contains(&far_z) {
                    let far = large.row_at([image, far_z, far_y], ranges[0]);
                    let near = small.row_at([image, z, y], ranges[1]);
                    table.a.push(far + far_x * large.pitch());
                    table.b.push(near + x * small.pitch());
                }
            }
            Call {
                length: index_of(lengths, (end - x).max(1)),
                out: (0..3).map(|i| tap[i] * self.taps[i]).sum(),
                table,
            }
        };
        indices([depth.taps, height.taps, across])
            .map(call)
            .collect()
    }

    /// The kernel of a tile, for the first unit or one that goes on from the sums before, and the last, which stores the result.
    pub fn spec(&self, m: i64, k: i64, [first, last]: [bool; 2]) -> Brgemm {
        let taps = if self.joined { self.axes[2].taps } else { 1 };
        let dtype = [DataType::F32, DataType::Bf16][usize::from(self.pairs)];
        let d = if last { self.out.dtype } else { DataType::F32 };
        let [large, small] = &self.sides;
        let sizes = [m * taps, small.block, k * dtype.vnni() as i64].map(|n| n as usize);
        let out = Out::acc(false, d, small.block * d.size_bytes() as i64);
        Brgemm {
            a_row_bytes: large.channel_bytes,
            a_group_bytes: self.axes[2].stride * large.pitch(),
            b_group_bytes: small.pitch(),
            batch: Batch::Offset,
            beta: !first,
            c_row_bytes: small.block * 4,
            fetched_by: sizes[0] * usize::from(self.fetches()),
            ..Brgemm::new(self.env.isa, sizes, [dtype; 2], out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Isa;
    use crate::memory::MAX_NDIMS;
    use crate::ops::Prop;

    /// A plan for so many images of 56 × 56 pixels in this layout: channels in and out, groups, taps and stride along the sides.
    fn planned(images: i64, dtype: DataType, tag: &str, sizes: [i64; 5]) -> Planned {
        let [c, k, groups, taps, stride] = sizes;
        let (size, isa) = (56, Isa::Avx512Bf16);
        let along = |n: i64| std::array::from_fn(|i| if i < 2 { n } else { 0 });
        let side = |channels: i64, size: i64| {
            MemoryDesc::with_tag(&[images, channels, size, size], dtype, tag).unwrap()
        };
        let desc = Desc {
            prop: Prop::BackwardWeights,
            alg: 1,
            transposed: false,
            src: side(c, size),
            weights: MemoryDesc::any(&[groups, k / groups, c / groups, taps, taps], dtype).unwrap(),
            bias: MemoryDesc::absent(),
            dst: side(k, (size + stride - 1) / stride),
            strides: along(stride),
            dilates: [0; MAX_NDIMS],
            pad_left: along((taps - 1) / 2),
            pad_right: along((taps - 1) / 2 + 1 - stride),
        };
        desc.plan(&Attr::default(), &Env { isa, threads: 2 })
            .unwrap()
    }

    #[test]
    fn planes_of_the_large_side_are_not_copied() {
        let planned = planned(16, DataType::F32, "abcd", [256, 16, 1, 1, 1]);
        let small = 16 * 16 * 56 * 56 * 4;
        assert!(planned.scratch_bytes < 2 * small, "{}", planned.nest);
    }

    #[test]
    fn copies_do_not_grow_with_the_minibatch() {
        let (f32, bf16) = (DataType::F32, DataType::Bf16);
        for (dtype, tag, sizes) in [
            (f32, "abcd", [64, 64, 1, 3, 1]),
            (f32, "abcd", [64, 64, 2, 3, 1]),
            (f32, "aBcd8b", [64, 64, 1, 3, 1]),
            (f32, "abcd", [3, 64, 1, 7, 2]),
            (f32, "abcd", [64, 128, 1, 1, 2]),
            (bf16, "abcd", [64, 64, 1, 3, 1]),
            (bf16, "aBcd8b", [64, 128, 1, 1, 2]),
            (f32, "abcd", [64, 64, 64, 3, 1]),
            (bf16, "abcd", [64, 64, 64, 3, 1]),
            (f32, "abcd", [64, 64, 16, 3, 1]),
        ] {
            let [few, many] = [16, 64].map(|images| planned(images, dtype, tag, sizes));
            assert!(few.nest.contains(":staged-in"), "{}", few.nest);
            assert_eq!(few.scratch_bytes, many.scratch_bytes, "{}", many.nest);
        }
    }
}
