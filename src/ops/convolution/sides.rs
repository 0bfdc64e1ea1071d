//! The two sides of the product that gives the gradient of the weights: where their pixels lie, and which of them are
//! taken together.

use super::layout::{channel_run, plane_bytes, strides};
use super::weights::BLOCK;
use crate::dtype::DataType;
use crate::memory::MemoryDesc;
use crate::plan::conv::{Axis, Ranges, indices};
use crate::plan::place::Place;

/// Bytes between pixels of the large and the small side up to which they are read in place, by one tap or by several: some of
/// them share a page, and few fall into the same cache set. Of the large side, longer ones are packed in order; where panels are
/// narrow, so many of these read a block that all pixels are packed which do not share cache lines.
pub(super) fn near_bytes(several_taps: bool, panel: i64) -> [i64; 2] {
    match (several_taps, panel > BLOCK) {
        (true, _) => [512, 512],
        (_, true) => [1024, 2048],
        _ => [127, 2048],
    }
}

/// One side of the product.
#[derive(Clone)]
pub(super) struct Source {
    pub dtype: DataType,
    /// Bytes between neighbours along image, depth, height, width.
    pub strides: [i64; 4],
    /// Sizes along depth, height, width.
    pub sizes: [i64; 3],
    /// Channels of a group, and of all groups with those of padding, which are zero.
    pub channels: i64,
    pub padded: i64,
    /// Byte offsets of the blocks of channels, by group and block.
    pub blocks: Vec<i64>,
    /// Channels of a block.
    pub block: i64,
    /// Whether a block's pixels are adjacent lines already, or all pixels of a channel are read as they lie.
    pub direct: bool,
    /// Bytes between channels where kernels read them.
    pub channel_bytes: i64,
    /// Whether several blocks are adjacent, and packed together.
    pub adjacent: bool,
    /// Bytes from a pixel to the one that it is paired with, and how many rows of the image that is.
    pub partner: (i64, i64),
    /// Pixels of a packed row, and how many of them lie before the image.
    pub row: (i64, i64),
}

/// Pixels that are packed from one place to another.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Bytes from the block in the first image, and from its slot.
    pub from: i64,
    pub to: i64,
    pub pixels: i64,
    /// 1 if the first pixels of pairs are there, and 2 if the second or only ones are.
    pub halves: usize,
}

/// The rows of so many images, by image, depth and height.
pub(super) fn rows(images: i64, [zs, ys]: Ranges) -> impl Iterator<Item = [i64; 3]> {
    let counts = [images, zs.1 - zs.0, ys.1 - ys.0];
    indices(counts).map(move |[i, z, y]| [i, zs.0 + z, ys.0 + y])
}

impl Source {
    pub fn new(
        md: &MemoryDesc,
        (groups, channels): (i64, i64),
        block: i64,
        near_bytes: i64,
    ) -> Source {
        let position = Place::whole(md);
        let at = |channel: i64| position.from_first(&[(1, channel)]);
        let starts = (0..groups * channels).filter(|c| c % channels % block == 0);
        let mut sizes = [1; 3];
        let spatial = md.dims().len() - 2;
        sizes[3 - spatial..].copy_from_slice(&md.dims()[2..]);
        let run = channel_run(md, channels, true).unwrap_or(1);
        let strides = strides(md);
        let (near, plane) = (strides[3] <= near_bytes, plane_bytes(md));
        Source {
            dtype: md.dtype(),
            strides,
            sizes,
            channels,
            padded: md.padded_dims[1],
            blocks: starts.map(at).collect(),
            block,
            direct: plane.is_some()
                || md.dtype() == DataType::F32
                    && run >= block.min(channels)
                    && (strides[3] == block * 4 || near)
                    && (groups == 1 || channels % block == 0),
            channel_bytes: plane.unwrap_or(4),
            adjacent: run >= channels && channels > block,
            partner: (0, 0),
            row: (0, 0),
        }
    }

    /// Pixels that are copied as one: those of a row where nothing lies between them.
    pub fn together(&self) -> i64 {
        let dense = self.width(0) == self.block
            && self.per_group() == 1
            && self.strides[3] == self.block * self.dtype.size_bytes() as i64;
        if dense { self.sizes[2].max(1) } else { 1 }
    }

    /// Bytes from a pixel to the next where kernels read it.
    pub fn pitch(&self) -> i64 {
        [self.block * 4, self.strides[3]][usize::from(self.direct)]
    }

    /// Bytes of a packed row.
    pub fn row_bytes(&self) -> i64 {
        self.row.0 * self.block * 4
    }

    /// Where a row begins in the image, and in a slot that holds the rows of these ranges.
    fn places(&self, [image, z, y]: [i64; 3], [zs, ys]: Ranges) -> [i64; 2] {
        let [of_image, of_depth, of_row, _] = self.strides;
        let row = ((image * (zs.1 - zs.0) + z - zs.0) * (ys.1 - ys.0)) + y - ys.0;
        [
            image * of_image + z * of_depth + y * of_row,
            row * self.row_bytes(),
        ]
    }

    /// Where kernels read a row, of which those in these ranges are packed.
    pub fn row_at(&self, row: [i64; 3], ranges: Ranges) -> i64 {
        self.places(row, ranges)[usize::from(!self.direct)]
    }

    /// What is packed of so many images.
    pub fn lines(&self, images: i64, ranges: Ranges, pairs: bool) -> Vec<Line> {
        let inside = |y: i64| usize::from((0..self.sizes[1]).contains(&y));
        let mut lines: Vec<Line> = Vec::new();
        for row in rows(images, ranges) {
            let [second, first] = [row[2] + self.partner.1, row[2]].map(inside);
            let [from, to] = self.places(row, ranges);
            let line = Line {
                from,
                to: to + self.row.1 * self.block * 4,
                pixels: self.sizes[2],
                halves: 2 * second + first * usize::from(pairs),
            };
            let continued = |l: &&mut Line| {
                line.halves == l.halves
                    && line.from - l.from == l.pixels * self.strides[3]
                    && line.to - l.to == l.pixels * self.block * 4
            };
            match lines.last_mut().filter(continued) {
                Some(last) => last.pixels += line.pixels,
                None => lines.push(line),
            }
        }
        lines
    }

    /// Channels in a block of a group.
    pub fn width(&self, block: i64) -> i64 {
        self.block.min(self.channels - block * self.block).max(1)
    }

    /// Channels in the first and in the last block of a group.
    pub fn widths(&self) -> [i64; 2] {
        [0, self.per_group() - 1].map(|block| self.width(block))
    }

    /// Bytes from a block to the next.
    pub fn to_next(&self, block: i64) -> i64 {
        self.blocks[block as usize + 1] - self.blocks[block as usize]
    }

    pub fn per_group(&self) -> i64 {
        (self.channels + self.block - 1) / self.block
    }
}

/// Pairs every pixel with one of the other half of the images or, where these are odd in number, of the rows of its image.
pub(super) fn paired(minibatch: &mut i64, axes: &mut [Axis; 3], sides: &mut [Source; 2]) {
    if *minibatch % 2 == 0 {
        *minibatch /= 2;
        for source in sides {
            source.partner = (*minibatch * source.strides[0], 0);
        }
        return;
    }
    let y = &mut axes[1];
    y.small = (y.small + 1) / 2;
    for (source, rows) in sides.iter_mut().zip([y.small * y.stride, y.small]) {
        source.partner = (rows * source.strides[2], rows);
    }
}

/// The whole image as rows of at most so many pixels, an even number of them if asked for, where a 1x1 kernel meets all of them
/// in order.
pub(super) fn flattened(axes: &mut [Axis; 3], sides: &mut [Source; 2], (most, even): (i64, bool)) {
    let plain = |a: &Axis| (a.taps, a.stride, a.pad, a.large) == (1, 1, 0, a.small);
    let [depth, height, width] = axes.map(|a| a.small);
    let pixels = depth * height * width;
    let dense = |s: &Source| {
        s.strides[2] == width * s.strides[3]
            && (depth == 1 || s.strides[1] == height * s.strides[2])
    };
    // Long enough to be worth a call.
    let fits = |n: &i64| pixels % n == 0 && (!even || pixels / n % 2 == 0);
    let row = (1..=most.min(pixels)).rev().find(fits);
    let Some(row) = row.filter(|row| *row >= 48 || *row == pixels) else {
        return;
    };
    if !axes.iter().all(plain) || !sides.iter().all(dense) {
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
