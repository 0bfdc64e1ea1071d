//! Backward by weights: `dW[m][n] = Σ large[pixel + tap][m] · small[pixel][n]` over all pixels of the small side.
//!
//! The pixels come in bands that fit the first-level cache. For each band, the channels of both sides are packed into
//! blocks of adjacent lines, as f32, unless they lie so; then every tile of the weights adds what the band brings, tap by
//! tap, over the pixels that this tap meets. A tile is summed in the order of the bands, by one part, if there are as many
//! tiles as threads or results must be `deterministic`; else by several parts, each over its bands in a copy of its own.
#![allow(unsafe_code)]

use super::dense::{FLOP_PER_PART, MOST_PARTS};
use super::layout::{
    channel_run, channels_last, panel_tag, panel_width, panels, place, spatial_strides, strides,
};
use super::{Desc, depthwise};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::Side;
use crate::kernel::expr::Expr;
use crate::kernel::spec::{Batch, Brgemm, Out};
use crate::knobs;
use crate::memory::MemoryDesc;
use crate::ops::epilogue::arg;
use crate::ops::gemm::Matrix;
use crate::ops::matrix::plain;
use crate::ops::row_sum;
use crate::ops::sequence::Sequence;
use crate::ops::{Arg, Env, Planned};
use crate::plan::conv::{Axis, BAND_PIXELS, Band, Table, bands};
use crate::plan::gemm;

const DIFF_WEIGHTS: i32 = 161;
const DIFF_BIAS: i32 = 169;
/// Channels of the large side in a tile.
const BLOCK: i64 = 16;
/// Channels so few that all taps of a row go into one tile.
const FEW: i64 = 8;
/// Bytes of packed blocks of a band, of either side.
const PACKED_BYTES: i64 = 256 << 10;

/// One side of the product.
#[derive(Clone)]
pub(super) struct Source {
    /// Its entry in the table of pointers.
    pub entry: usize,
    pub dtype: DataType,
    pub offset: i64,
    /// Bytes between neighbours along image, depth, height, width.
    pub strides: [i64; 4],
    /// Sizes along depth, height, width.
    pub sizes: [i64; 3],
    /// Channels of a group.
    pub channels: i64,
    /// Byte offsets of the blocks of channels, by group and block.
    pub blocks: Vec<i64>,
    /// Channels of a block.
    pub block: i64,
    /// Whether a block's pixels are adjacent lines already.
    pub direct: bool,
}

impl Source {
    fn new(
        (entry, md): (usize, &MemoryDesc),
        (groups, channels): (i64, i64),
        block: i64,
    ) -> Source {
        let (size, position) = (md.dtype().size_bytes() as i64, place(md));
        let at = |channel: i64| position.from_first(&[(1, channel)]);
        let starts = (0..groups).flat_map(|g| {
            (0..channels)
                .step_by(block as usize)
                .map(move |c| g * channels + c)
        });
        let mut sizes = [1; 3];
        let spatial = md.dims().len() - 2;
        sizes[3 - spatial..].copy_from_slice(&md.dims()[2..]);
        let run = channel_run(md, channels, true).unwrap_or(1);
        let strides = strides(md);
        Source {
            entry,
            dtype: md.dtype(),
            offset: md.offset0 * size,
            strides,
            sizes,
            channels,
            blocks: starts.map(at).collect(),
            block,
            direct: md.dtype() == DataType::F32
                && run >= block.min(channels)
                && strides[3] == block * 4
                && (groups == 1 || channels % block == 0),
        }
    }

    /// Channels in a block of a group.
    pub fn width(&self, block: i64) -> i64 {
        self.block.min(self.channels - block * self.block).max(1)
    }

    pub fn per_group(&self) -> i64 {
        (self.channels + self.block - 1) / self.block
    }
}

/// What creation knows before kernels exist.
#[derive(Clone)]
pub(super) struct Gradient {
    pub env: Env,
    pub axes: [Axis; 3],
    pub minibatch: i64,
    pub groups: i64,
    pub large: Source,
    pub small: Source,
    /// Entry and offset of the weights' gradient.
    pub out: (usize, i64),
    /// Bytes between rows of a tile, and between taps along depth, height and width.
    pub row_bytes: i64,
    pub taps: [i64; 3],
    /// Byte offsets of the tiles: by group, block of the large side, panel.
    pub tiles: Vec<i64>,
    /// All taps of a row go into one tile.
    pub joined: bool,
    pub images: i64,
    /// The most pixels of a band.
    pub pixels: i64,
    pub bands: Vec<Band>,
    /// Blocks of the large side and panels whose packed form is kept for one band.
    pub chunk: (i64, i64),
    /// Parts along the panels and along the blocks of the large side.
    pub split: (i64, i64),
    /// Parts along the pixels, each with a copy of the result of so many bytes.
    pub copies: i64,
    pub copy_bytes: i64,
}

/// A side whose channels are adjacent in whole blocks.
fn is_regular(md: &MemoryDesc, channels: i64, groups: i64, block: i64) -> bool {
    let run = channel_run(md, channels, groups == 1);
    run.is_some_and(|run| run >= channels || run % block == 0)
}

/// The whole image as rows of pixels, where a 1x1 kernel meets all of them in order.
fn flattened(axes: &mut [Axis; 3], sides: [&mut Source; 2]) {
    let plain = |a: &Axis| (a.taps, a.stride, a.pad) == (1, 1, 0);
    let [depth, height, width] = axes.map(|a| a.small);
    let pixels = depth * height * width;
    let dense = |s: &Source| {
        s.strides[2] == width * s.strides[3]
            && (depth == 1 || s.strides[1] == height * s.strides[2])
    };
    // Long enough to be worth a call, short enough for the first-level cache.
    let row = (1..=320.min(pixels)).rev().find(|n| pixels % n == 0);
    let Some(row) = row.filter(|row| *row >= 48 || *row == pixels) else {
        return;
    };
    if !axes.iter().all(plain) || !sides.iter().all(|s| dense(s)) {
        return;
    }
    for source in sides {
        source.strides[2] = row * source.strides[3];
        source.sizes = [1, pixels / row, row];
    }
    for (axis, size) in axes.iter_mut().zip([1, pixels / row, row]) {
        (axis.small, axis.large) = (size, size);
    }
}

impl Desc {
    pub(super) fn backward_weights(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        let first = usize::from(self.grouped());
        // The weights' dimensions of the large side's channels and of the small side's.
        let dims = match self.transposed {
            true => (first, first + 1),
            false => (first + 1, first),
        };
        let (m, n) = (self.weights.dims[dims.0], self.weights.dims[dims.1]);
        let alone = self.groups() > 1 && (m, n) == (1, 1);
        let resolve = |md: &MemoryDesc| match md.is_any() {
            true if alone => channels_last(md),
            true => in_blocks(md, env),
            false => Ok(*md),
        };
        let (src, diff_dst) = (resolve(&self.src)?, resolve(&self.dst)?);
        let width = panel_width(env, n);
        let tag = |dtype: DataType| {
            let v = dtype.vnni() as i64;
            let tag = panel_tag(self.weights.dims().len(), dims, width, v, v);
            MemoryDesc::with_tag(self.weights.dims(), dtype, &tag)
        };
        let weights = match self.weights.is_any() {
            true if alone => depthwise::layout(&self.weights, self.weights.dtype())?,
            true => tag(self.weights.dtype())?,
            false => self.weights,
        };
        let mut args = vec![
            Arg::input(arg::SRC, src),
            Arg::input(arg::DIFF_DST, diff_dst),
            Arg::output(DIFF_WEIGHTS, weights),
        ];
        let mut sequence = Sequence::default();
        if !self.bias.is_absent() {
            let bias = plain(&self.bias)?;
            bias_gradient(&mut sequence, env, &diff_dst, (3, &bias))?;
            args.push(Arg::output(DIFF_BIAS, bias));
        }
        if alone {
            return self.backward_depthwise(env, (src, diff_dst, weights), (args, sequence));
        }
        let seen = match panels(&weights, dims) {
            Some(p) if writes_tiles(&weights, dims, (p.width, p.run)) && p.width <= width => {
                weights
            }
            _ => tag(DataType::F32)?,
        };
        let columns = panels(&seen, dims).expect("tiles lie in panels").width;
        let joined = m < FEW
            && self.groups() == 1
            && self.axes()[2].dilation == 1
            && self.axes()[2].taps > 1;
        let block = if joined { m.max(1) } else { BLOCK };
        let (large, small) = match self.transposed {
            true => ((1, diff_dst), (0, src)),
            false => ((0, src), (1, diff_dst)),
        };
        let groups = self.groups();
        let mut side =
            |(entry, md): (usize, MemoryDesc), channels: i64, block: i64| -> Result<Source> {
                let seen = match is_regular(&md, channels, groups, block) {
                    true => md,
                    false => channels_last(&md)?,
                };
                let entry = sequence.read(env, (entry, &md), &seen)?;
                Ok(Source::new((entry, &seen), (groups, channels), block))
            };
        let mut large = side(large, m, block)?;
        let mut small = side(small, n, columns)?;
        large.direct &= !joined;
        let mut axes = self.axes();
        flattened(&mut axes, [&mut large, &mut small]);
        let stored = sequence.written(env, (2, &weights), &seen, false)?;
        let sides = (large, small);
        let mut gradient = Gradient::new(
            env,
            (src.dims[0], axes),
            sides,
            (stored, &seen),
            dims,
            joined,
        );
        if attr.deterministic || gradient.copies == 1 || !seen.is_dense() {
            gradient.copies = 1;
            return sequence.finish(args, gradient.planned(), env);
        }
        let copies = gradient.copies;
        let each = sequence.buffer(copies as usize * seen.size_bytes())?;
        gradient.out = (each, 0);
        sequence.push(gradient.planned());
        let mut flat = MemoryDesc::plain(&[seen.size_bytes() as i64 / 4], DataType::F32)?;
        let one = flat;
        flat.offset0 = seen.offset0;
        let sum = sum_of_rows(env, (each, &one), copies, (stored, &flat))?;
        sequence.finish(args, sum, env)
    }
}

impl Desc {
    /// The same where channels do not mix.
    fn backward_depthwise(
        &self,
        env: &Env,
        (src, diff_dst, weights): (MemoryDesc, MemoryDesc, MemoryDesc),
        (args, mut sequence): (Vec<Arg>, Sequence),
    ) -> Result<Planned> {
        let (from_src, from_dst) = (depthwise::seen(&src)?, depthwise::seen(&diff_dst)?);
        let src = (sequence.read(env, (0, &src), &from_src)?, &from_src);
        let dst = (sequence.read(env, (1, &diff_dst), &from_dst)?, &from_dst);
        let sides = if self.transposed {
            [dst, src]
        } else {
            [src, dst]
        };
        let taps = depthwise::layout(&weights, DataType::F32)?;
        let stored = sequence.written(env, (2, &weights), &taps, false)?;
        let gradient = depthwise::Gradient::new(env, self.axes(), sides, stored);
        sequence.finish(args, gradient.planned(), env)
    }
}

/// `any` activations lie in the blocks that tiles read in place, where these need no padding and the type is f32; else the
/// channels come last.
fn in_blocks(md: &MemoryDesc, env: &Env) -> Result<MemoryDesc> {
    let reads = gemm::panel(env.isa) as i64 == BLOCK && md.dtype() == DataType::F32;
    if !reads || md.dims[1] % BLOCK != 0 {
        return channels_last(md);
    }
    let tag = ["aBc16b", "aBcd16b", "aBcde16b"][md.dims().len() - 3];
    MemoryDesc::with_tag(md.dims(), md.dtype(), tag)
}

/// Whether tiles of so many columns and runs of rows can be stored in place, the padding of the last panel included.
fn writes_tiles(md: &MemoryDesc, (m, n): (usize, usize), (width, run): (i64, i64)) -> bool {
    md.dtype() == DataType::F32
        && md.padded_dims[m] == md.dims[m]
        && md.padded_dims[n] % width == 0
        && width % 8 == 0
        && (run >= md.dims[m] || run % BLOCK == 0)
}

/// A stage that sums diff_dst over all pixels.
fn bias_gradient(
    sequence: &mut Sequence,
    env: &Env,
    diff_dst: &MemoryDesc,
    (to, bias): (usize, &MemoryDesc),
) -> Result<()> {
    let dense = channels_last(diff_dst)?;
    let from = sequence.read(env, (1, diff_dst), &dense)?;
    let pixels = dense.nelems() / dense.dims[1].max(1);
    sequence.push(sum_of_rows(env, (from, &dense), pixels, (to, bias))?);
    Ok(())
}

/// The sum of so many dense rows, each as long as `to`.
fn sum_of_rows(
    env: &Env,
    (arg, md): (usize, &MemoryDesc),
    rows: i64,
    to: (usize, &MemoryDesc),
) -> Result<Planned> {
    let cols = md.dtype().size_bytes() as i64;
    let side = Side::Strided {
        rows: to.1.dims[0] * cols,
        cols,
    };
    let matrix = Matrix {
        arg,
        dtype: md.dtype(),
        offset: md.offset0 * cols,
        side,
        batch: Vec::new(),
    };
    row_sum::planned(env, &matrix, rows as usize, to)
}

impl Gradient {
    fn new(
        env: &Env,
        (minibatch, axes): (i64, [Axis; 3]),
        (large, small): (Source, Source),
        (entry, md): (usize, &MemoryDesc),
        (m, n): (usize, usize),
        joined: bool,
    ) -> Gradient {
        let (position, size) = (place(md), md.dtype().size_bytes() as i64);
        let grouped = m.min(n) > 0;
        let groups = if grouped { md.dims[0] } else { 1 };
        let mut tiles = Vec::new();
        for g in 0..groups {
            for row in (0..large.channels).step_by(large.block as usize) {
                for column in (0..small.channels).step_by(small.block as usize) {
                    tiles.push(position.from_first(&[(0, g), (m, row), (n, column)]));
                }
            }
        }
        let nest = knobs::NEST.get();
        let pixels = nest.or('p', BAND_PIXELS, |_| true);
        let (images, bands) = bands(minibatch, axes.map(|a| a.small), pixels);
        let mut gradient = Gradient {
            env: *env,
            axes,
            minibatch,
            groups,
            row_bytes: small.block * size,
            large,
            small,
            out: (entry, md.offset0 * size),
            taps: spatial_strides(md, m.max(n) + 1),
            tiles,
            joined,
            images: nest.or('i', images, |i| minibatch % i == 0),
            pixels,
            bands,
            chunk: (1, 1),
            split: (1, 1),
            copies: 1,
            copy_bytes: md.size_bytes() as i64,
        };
        gradient.chunk = gradient.chunks();
        let per_group = gradient.large.per_group();
        gradient.chunk.0 = nest.or('c', gradient.chunk.0, |c| c <= per_group);
        let ((by_panels, by_blocks), copies) = gradient.split();
        let fits = |n| n <= MOST_PARTS;
        gradient.split = (nest.or('N', by_panels, fits), nest.or('M', by_blocks, fits));
        let units = gradient.units();
        gradient.copies = nest.or('S', copies, |s| s <= units.min(MOST_PARTS));
        gradient
    }
}

impl Gradient {
    /// Kernel calls for a row of taps.
    pub fn row_taps(&self) -> i64 {
        if self.joined { 1 } else { self.axes[2].taps }
    }

    /// The range of depths or heights of the large side that outputs `range` of the small side meet.
    pub fn reach(&self, axis: usize, (first, end): (i64, i64)) -> (i64, i64) {
        let a = &self.axes[axis];
        let last = (end - 1) * a.stride - a.pad + (a.taps - 1) * a.dilation + 1;
        let first = (first * a.stride - a.pad).clamp(0, a.large);
        (first, last.clamp(first, a.large))
    }

    /// Pixels before the image in a packed row of the large side, and pixels of such a row.
    pub fn row(&self) -> (i64, i64) {
        let a = &self.axes[2];
        match self.joined {
            true => (
                a.pad,
                (a.pad + a.large).max((a.small - 1) * a.stride + a.taps),
            ),
            false => (0, a.large),
        }
    }

    /// Bytes of a packed block of the large side, and of a panel of the small side.
    pub fn slots(&self) -> (i64, i64) {
        let lines = |b: &Band| {
            let ((z0, z1), (y0, y1)) = (self.reach(0, b.z), self.reach(1, b.y));
            ((z1 - z0) * (y1 - y0), (b.z.1 - b.z.0) * (b.y.1 - b.y.0))
        };
        let most = |side: fn((i64, i64)) -> i64| {
            self.bands.iter().map(|b| side(lines(b))).max().unwrap_or(0)
        };
        let (large, small) = (most(|l| l.0), most(|l| l.1));
        let bytes = |lines: i64, pixels: i64, block: i64| self.images * lines * pixels * block * 4;
        (
            bytes(large, self.row().1, self.large.block),
            bytes(small, self.axes[2].small, self.small.block),
        )
    }

    /// Blocks of the large side are read again for every panel, so they must stay in the second-level cache; a panel is
    /// done with when its blocks are.
    fn chunks(&self) -> (i64, i64) {
        let (a, b) = self.slots();
        let fit = |slot: i64, most: i64| (PACKED_BYTES / slot.max(1)).clamp(1, most.max(1));
        let panels = self.small.per_group().max(1);
        let kept = if self.small.direct {
            panels
        } else {
            fit(b, panels)
        };
        (fit(a, self.large.per_group()), kept)
    }

    /// Parts along panels and blocks, and along the pixels where there are fewer tiles than threads.
    fn split(&self) -> ((i64, i64), i64) {
        let pixels: i64 = self.axes.iter().map(|a| a.small * a.taps).product();
        let flop = (2 * self.minibatch * self.groups * self.large.channels * self.small.channels)
            .saturating_mul(pixels);
        let parts = (flop / FLOP_PER_PART).clamp(1, self.env.threads as i64);
        let panels = parts.min((self.groups * self.small.per_group()).max(1));
        let blocks = (parts / panels).min(self.large.per_group()).max(1);
        let copies = (parts / (panels * blocks)).clamp(1, self.units());
        ((panels, blocks), copies)
    }

    /// How many bands there are in all images; one clears the result where there is no image.
    pub fn units(&self) -> i64 {
        (self.minibatch / self.images.max(1)).max(1) * self.bands.len() as i64
    }

    /// The step of images and the band of a unit.
    pub fn unit(&self, unit: i64) -> (i64, usize) {
        let bands = self.bands.len() as i64;
        (unit / bands, (unit % bands) as usize)
    }

    pub fn parts(&self) -> usize {
        (self.split.0 * self.split.1 * self.copies) as usize
    }

    /// Scratch of one part.
    pub fn part_bytes(&self) -> usize {
        let (a, b) = self.slots();
        let used = |direct: bool, bytes: i64| if direct { 0 } else { bytes };
        (used(self.large.direct, self.chunk.0 * a) + used(self.small.direct, self.chunk.1 * b))
            as usize
    }

    fn planned(self) -> Planned {
        let kind = |s: &Source| if s.direct { "" } else { "packed" };
        let nest = format!(
            "N{}M{}S{}i{}p{}c{}:{}bands:{}{}x{}{}{}",
            self.split.0,
            self.split.1,
            self.copies,
            self.images,
            self.pixels,
            self.chunk.0,
            self.bands.len(),
            self.large.block,
            kind(&self.large),
            self.small.block,
            kind(&self.small),
            if self.joined { ":joined" } else { "" },
        );
        let bytes = self.parts() * self.part_bytes().next_multiple_of(64);
        Planned::new(nest, bytes, self)
    }

    /// For a tap of a row, the outputs that it meets: all of them where taps are joined.
    pub fn met(&self, tap: i64) -> (i64, i64) {
        match self.joined {
            true => (0, self.axes[2].small),
            false => self.axes[2].met(tap),
        }
    }

    /// The batch of a tap in a band: one entry for each row that it meets.
    pub fn table(&self, band: &Band, (tz, ty): (i64, i64)) -> Table {
        let (az, ay) = (self.reach(0, band.z), self.reach(1, band.y));
        let place = |source: &Source,
                     i: i64,
                     (z, z_range): (i64, (i64, i64)),
                     (y, y_range): (i64, (i64, i64)),
                     row: i64| {
            if source.direct {
                return i * source.strides[0] + z * source.strides[1] + y * source.strides[2];
            }
            let line = (i * (z_range.1 - z_range.0) + z - z_range.0) * (y_range.1 - y_range.0) + y
                - y_range.0;
            line * row * source.block * 4
        };
        let mut table = Table::default();
        let met = |axis: usize, tap: i64, small: i64| {
            let a = &self.axes[axis];
            Some(small * a.stride - a.pad + tap * a.dilation).filter(|x| (0..a.large).contains(x))
        };
        for i in 0..self.images {
            for z in band.z.0..band.z.1 {
                for y in band.y.0..band.y.1 {
                    if let (Some(far_z), Some(far_y)) = (met(0, tz, z), met(1, ty, y)) {
                        table.a.push(place(
                            &self.large,
                            i,
                            (far_z, az),
                            (far_y, ay),
                            self.row().1,
                        ));
                        table.b.push(place(
                            &self.small,
                            i,
                            (z, band.z),
                            (y, band.y),
                            self.axes[2].small,
                        ));
                    }
                }
            }
        }
        table
    }

    pub fn spec(&self, m: i64, k: i64, beta: bool) -> Brgemm {
        let pitch = |s: &Source| if s.direct { s.strides[3] } else { s.block * 4 };
        let taps = if self.joined { self.axes[2].taps } else { 1 };
        Brgemm {
            isa: self.env.isa,
            m: (m * taps) as usize,
            n: self.small.block as usize,
            k: k.max(1) as usize,
            a: DataType::F32,
            b: DataType::F32,
            a_row_bytes: 4,
            a_group_bytes: self.axes[2].stride * pitch(&self.large),
            b_group_bytes: pitch(&self.small),
            a_wide: false,
            batch: Batch::Offset,
            beta,
            c_row_bytes: self.row_bytes,
            fetches: false,
            out: Out {
                expr: Expr::acc(false),
                d: DataType::F32,
                d_row_bytes: self.row_bytes,
            },
        }
    }
}
