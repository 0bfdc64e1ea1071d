//! Where the taps of a convolution meet its input, and how its output is cut into kernel calls: pure functions of sizes
//! and strides. `axis` says which outputs meet which taps; here cuboids of them become calls, blocks and bands.

mod axis;

pub use axis::{Axis, Run, Tap};

use super::gemm;
use crate::{error::Result, machine::Isa, supported};

/// Refuses plans that list so many taps, or calls by eight: they would fill the memory. A float, since products may overflow.
pub fn check_listed(listed: f64) -> Result<()> {
    const MOST: i64 = 1 << 26;
    let listed = listed as i64;
    supported!(
        listed <= MOST,
        "convolution: {listed} taps and calls of these sizes and padding are more than can be planned, {MOST}"
    );
    Ok(())
}

/// Along which dimension the rows of a kernel call run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Along {
    /// Images of the minibatch.
    Images,
    /// Height.
    Height,
    /// Width.
    Width,
    /// Whole rows of the image, one after the other.
    Plane,
}

/// What tells the kernels of a cut apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub m: i64,
    /// Reduction of one entry of the batch.
    pub k: i64,
    /// Where the rows run.
    pub along: Along,
    /// Distance of the rows in outputs.
    pub step: i64,
    /// Bytes between rows of the input.
    pub a_row: i64,
    /// Bytes between rows of the output.
    pub d_row: i64,
    /// Bytes between taps of a row in the input and in the weights, and the places within the input, where the kernel
    /// walks over the taps.
    pub taps: ([i64; 2], (i64, i64)),
    /// Whether the batch is one block.
    pub single: bool,
}

/// A batch: byte offsets of its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In the input.
    pub a: Vec<i64>,
    /// In a panel of the weights.
    pub b: Vec<i64>,
}

/// Outputs that meet the same taps: a run along each dimension, which are image, depth, height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuboid {
    /// The batch of its calls.
    pub table: Table,
    /// Bytes from the first row of the input, or from each of them (`fresh`), to what the next row of outputs will need for
    /// the first time.
    pub ahead: i64,
    /// Index of the first output.
    pub first: [i64; 4],
    /// How far the next output is: in outputs,
    pub step: [i64; 4],
    /// in bytes of the input,
    pub a: [i64; 4],
    /// and in bytes of the output.
    pub d: [i64; 4],
    /// Bytes from the output's image to the first output.
    pub origin: i64,
}

/// Kernel calls for a part of a cuboid: a loop along each dimension but depth, of which there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Index of their shape.
    pub shape: usize,
    /// Index of the cuboid.
    pub cuboid: usize,
    /// Where the loops begin.
    pub from: [i64; 4],
    /// How many iterations they have.
    pub counts: [i64; 4],
}

impl Calls {
    /// Each call: bytes to its input and to its rows, and its place in the cuboid.
    #[inline]
    pub fn each(&self, of: &Cuboid, mut call: impl FnMut(i64, i64, [i64; 4])) {
        let ([images, z, rows, columns], counts) = (self.from, self.counts);
        let (a, d) = (of.a, of.d);
        for n in images..images + counts[0] {
            for y in rows..rows + counts[2] {
                let a_row = n * a[0] + z * a[1] + y * a[2];
                let d_row = of.origin + n * d[0] + z * d[1] + y * d[2];
                for x in columns..columns + counts[3] {
                    call(a_row + x * a[3], d_row + x * d[3], [n, z, y, x]);
                }
            }
        }
    }
}

/// All indices below these counts, in order.
pub fn indices([n, z, y]: [i64; 3]) -> impl Iterator<Item = [i64; 3]> + Clone {
    (0..n).flat_map(move |n| (0..z).flat_map(move |z| (0..y).map(move |y| [n, z, y])))
}

/// The space of one block of images, and where its elements lie.
#[derive(Clone, Debug)]
pub struct Space {
    /// Runs along image, depth, height and width; all images that are computed together are one.
    pub runs: [Vec<Run>; 4],
    /// Bytes between neighbours of the input along image, depth, height and width.
    pub input: [i64; 4],
    /// The same of the output.
    pub output: [i64; 4],
    /// Bytes between taps of the weights along depth, height and width.
    pub taps: [i64; 3],
    /// Byte offsets of the blocks of channels in the input and in the weights.
    pub channels: Vec<(i64, i64)>,
    /// Channels of a block.
    pub k: i64,
    /// Whether the taps of a row follow one another in the input and in the weights as one long reduction.
    pub joined: bool,
    /// The width of the input, where the kernel walks over the taps of a row and leaves out what lies outside.
    pub walked: Option<i64>,
    /// Bytes of an input pixel that a call reads.
    pub pixel_bytes: i64,
    /// The most outputs along a row that one call takes.
    pub longest: i64,
    /// Whether calls may run over several rows of the image.
    pub planes: bool,
}

/// A space cut into calls.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    /// Kernel shapes.
    pub shapes: Vec<Shape>,
    /// All combinations of runs.
    pub cuboids: Vec<Cuboid>,
    /// The calls, in order.
    pub calls: Vec<Calls>,
    /// Where blocks of them end, whose input stays in the cache while all output channels are computed.
    pub ends: Vec<usize>,
}

/// Bytes of input that a block of calls may read: about half of a second-level cache.
const BLOCK_BYTES: i64 = 192 << 10;
/// Rows of a register tile.
pub const TILE_ROWS: i64 = 6;
/// The fewest rows into which a row of the image is cut.
const SHORTEST: i64 = 8 * TILE_ROWS;
/// Images of so few pixels are computed several at a time.
const SMALL_IMAGE: i64 = 100;
const MOST_IMAGES: i64 = 16;

/// Calls of fewer outputs, on average, are many and short.
const FEW_OUTPUTS: i64 = 3;

/// Rows of the image of so many pixels fill register tiles even where they do not follow one another.
const LONG_ROW: i64 = 12;
/// Channels that pay for a copy of the other side.
pub const MANY_CHANNELS: i64 = 128;

/// Whether kernels of one tap and without padding meet one element in several of the large side.
pub fn skips(axes: &[Axis; 3]) -> bool {
    axes.iter().all(Axis::is_pointwise) && axes.iter().any(|a| a.stride > 1)
}

/// Whether pixels that do not follow one another are worth a copy: rows of few fill register tiles badly, and many channels,
/// on the other side, pay for it.
pub fn are_scattered(axes: &[Axis; 3], channels: i64) -> bool {
    axes[2].small < LONG_ROW && channels >= MANY_CHANNELS
}

/// How far the taps of all outputs reach before and behind an input of so many elements, by axis, where this beats a rim:
/// so many calls of few outputs read all weights that multiplying zeros around the input costs less.
pub fn frame(axes: &[Axis; 3], to_large: bool) -> Option<[(i64, i64); 3]> {
    // What cannot be listed is refused later.
    let runs = |whole| axes.map(|a| a.runs(to_large, whole).unwrap_or_default());
    let [whole, cut] = [true, false].map(runs);
    let of_run = |r: &Run| r.count as f64 * r.taps.len() as f64;
    let met = |runs: &Vec<Run>| runs.iter().map(of_run).sum::<f64>();
    let products = |axes: &[Vec<Run>; 3]| axes.iter().map(met).product::<f64>();
    let outputs: i64 = whole.iter().map(|runs| count(runs)).product();
    let lines = |y: &Run| cut[2].iter().map(|x| x.count.min(y.count)).sum::<i64>();
    let calls = count(&cut[0]) * cut[1].iter().map(lines).sum::<i64>();
    let reach = |i: usize| {
        let size = [axes[i].large, axes[i].small][usize::from(to_large)];
        let mut far = (0, 0);
        for run in &whole[i] {
            for tap in &run.taps {
                let last = tap.from + (run.count - 1) * run.in_step;
                far = (far.0.max(-tap.from), far.1.max(last + 1 - size));
            }
        }
        far
    };
    let pays = outputs < FEW_OUTPUTS * calls && products(&whole) <= 2.0 * products(&cut);
    (pays && cut != whole).then(|| [0, 1, 2].map(reach))
}

/// How many images are computed together: a divisor of the minibatch that leaves work for all threads.
pub fn images(minibatch: i64, pixels: i64, threads: i64) -> i64 {
    if pixels >= SMALL_IMAGE {
        return 1;
    }
    let most = (minibatch / threads.max(1)).clamp(1, MOST_IMAGES);
    divisor(minibatch, most, 1).unwrap_or(1)
}

/// Whether a second-level cache of so many bytes holds two panels of weights of this size beside an input.
pub fn leaves_room(panel: i64, cache: i64) -> bool {
    panel <= cache * 3 / 8
}

/// How many images are taken together for the gradient of weights: all where nothing is copied, else as many as have room for
/// their copies or are a full band. They divide the minibatch, into multiples of `unit` if that can be.
pub fn copied_images(minibatch: i64, unit: i64, copies: i64, (room, full): (i64, i64)) -> i64 {
    let most = match copies {
        0 => minibatch,
        _ => (room / (copies / minibatch)).max(full).max(unit),
    };
    divisor(minibatch, most, unit).unwrap_or(minibatch)
}

/// The largest divisor of n up to `most` that is a multiple of `unit`.
fn divisor(n: i64, most: i64, unit: i64) -> Option<i64> {
    let fits = |d: &i64| n % d == 0 && d % unit == 0;
    (1..=most.min(n)).rev().find(fits)
}

/// Half-open ranges of depths and of rows, such as those of a band: rows of the small side whose contribution to the weights'
/// gradient is added at once.
pub type Ranges = [(i64, i64); 2];

/// Pixels of a band: a block of channels of either side fits the first-level cache, of the small side one as wide as a panel.
pub fn band_pixels(isa: Isa) -> i64 {
    (8192 / gemm::panel(isa) as i64).min(256)
}

/// Bands of at most so many pixels (or one row) of an image of the given depth, height and width, and how many images are
/// taken at once.
pub fn bands(minibatch: i64, [depth, height, width]: [i64; 3], pixels: i64) -> (i64, Vec<Ranges>) {
    let plane = height * width;
    if depth * plane <= pixels {
        let most = (pixels / (depth * plane).max(1)).max(1);
        let images = divisor(minibatch, most, 1).unwrap_or(0);
        return (images, vec![[(0, depth), (0, height)]]);
    }
    let (deep, rows) = match plane <= pixels {
        true => (even(depth, pixels / plane), height),
        false => (1, even(height, (pixels / width).max(1))),
    };
    let parts = |n: i64, step: i64| {
        let starts = (0..n).step_by(step as usize);
        starts.map(move |first| (first, n.min(first + step)))
    };
    let all = parts(depth, deep).flat_map(|z| parts(height, rows).map(move |y| [z, y]));
    (minibatch.min(1), all.collect())
}

/// Lengths of even parts of at most `most`: all but the last have the same.
fn even(total: i64, most: i64) -> i64 {
    gemm::even(total as usize, most as usize, 1) as i64
}

/// A part of a run: its index, the first output in it, how many.
pub type Piece = (usize, i64, i64);

/// Runs cut into even pieces of at most so many outputs, by their first output.
pub fn pieces(runs: &[Run], most: i64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let length = even(run.count, most);
        let starts = (0..run.count).step_by(length as usize);
        pieces.extend(starts.map(|start| (i, start, length.min(run.count - start))));
    }
    pieces.sort_by_key(|&(i, start, _)| runs[i].first + start * runs[i].step);
    pieces
}

/// Outputs of all runs of an axis.
fn count(runs: &[Run]) -> i64 {
    runs.iter().map(|r| r.count).sum()
}

/// The share of a register tile's rows that calls of m rows use.
fn fill(m: i64) -> f64 {
    let tiles = (m + TILE_ROWS - 1) / TILE_ROWS;
    m as f64 / (tiles * TILE_ROWS) as f64
}

impl Space {
    /// Rows of the image and outputs of a row in a block of calls, for weights and a second-level cache of so many bytes. Weights
    /// that fill the cache come from beyond it for every block: then all of an input that the cache holds is one.
    pub fn block(&self, weights: i64, cache: i64) -> (i64, i64) {
        let [images, depths, heights, widths] = &self.runs;
        let pixel = self.pixel_bytes * images[0].count;
        let row = pixel * widths.iter().map(|r| r.count * r.in_step).sum::<i64>();
        let row_step = heights.first().map_or(1, |r| r.in_step);
        let of_row = row.saturating_mul(row_step);
        let all = of_row.saturating_mul(count(depths) * count(heights));
        let room = match (weights >= cache, all <= cache) {
            (true, true) => cache,
            (true, false) => BLOCK_BYTES.max(cache * 3 / 8),
            (false, _) => BLOCK_BYTES,
        };
        let columns = match row > room {
            true => (room / pixel.max(1)).max(SHORTEST),
            false => i64::MAX / 2,
        };
        let rows = (room / of_row.max(1)).max(1);
        (rows, columns.min(self.longest))
    }

    /// Cuts the space into calls, in blocks of so many rows and outputs of a row.
    pub fn cut(&self, rows: i64, columns: i64) -> Result<Cut> {
        let [images, depths, heights, widths] = &self.runs;
        let parts = |runs: &[Run], most: i64| {
            let of_run = |r: &Run| (r.count as f64 / most as f64).ceil();
            runs.iter().map(of_run).sum::<f64>()
        };
        check_listed(8.0 * parts(depths, 1) * parts(heights, rows) * parts(widths, columns))?;
        let mut cut = Cut {
            cuboids: self.cuboids()?,
            ..Cut::default()
        };
        let (heights, widths) = (pieces(heights, rows), pieces(widths, columns));
        let mut filled = 0;
        for depth in (0..depths.len()).flat_map(|i| (0..depths[i].count).map(move |z| (i, z, 1))) {
            for &height in &heights {
                for &width in &widths {
                    self.calls(&mut cut, [(0, 0, images[0].count), depth, height, width]);
                }
                filled += height.2;
                if filled >= rows {
                    cut.ends.push(cut.calls.len());
                    filled = 0;
                }
            }
        }
        cut.ends.push(cut.calls.len());
        cut.ends.dedup();
        Ok(cut)
    }

    /// The calls of one rectangle: a piece of a run along each dimension.
    fn calls(&self, cut: &mut Cut, pieces: [Piece; 4]) {
        let runs: [&Run; 4] = std::array::from_fn(|i| &self.runs[i][pieces[i].0]);
        let mut counts = pieces.map(|(_, _, count)| count);
        let along = self.along(runs, counts);
        let rows = match along {
            Along::Images => 0..1,
            Along::Height => 2..3,
            Along::Width => 3..4,
            Along::Plane => 2..4,
        };
        let position = |index, i: usize| index * self.runs[i].len() + pieces[i].0;
        let cuboid = (1..4).fold(0, position);
        let (of, row) = (&cut.cuboids[cuboid], rows.end - 1);
        let shape = Shape {
            m: counts[rows.clone()].iter().product(),
            k: self.k * [1, runs[3].taps.len().max(1) as i64][usize::from(self.joined)],
            along,
            step: of.step[row],
            a_row: of.a[row],
            d_row: of.d[row],
            taps: self.walk(runs[3], pieces[3]),
            single: of.table.a.len() == 1,
        };
        counts[rows].fill(1);
        cut.calls.push(Calls {
            shape: index_of(&mut cut.shapes, shape),
            cuboid,
            from: pieces.map(|(_, start, _)| start),
            counts,
        });
    }

    /// Where the rows of calls run: whole rows of the image if they join, else where register tiles are filled best.
    fn along(&self, [_, _, y, x]: [&Run; 4], [images, _, height, width]: [i64; 4]) -> Along {
        let joins =
            |bytes: [i64; 4], steps: (i64, i64)| steps.0 * bytes[2] == width * steps.1 * bytes[3];
        if self.walked.is_some() {
            return Along::Width;
        }
        if self.planes
            && height > 1
            && (y.step, x.step) == (1, 1)
            && joins(self.output, (1, 1))
            && joins(self.input, (y.in_step, x.in_step))
        {
            return Along::Plane;
        }
        // Neighbours along the width share cache lines and pages.
        let others = [(Along::Height, height), (Along::Images, images)];
        let fuller = |best: (Along, f64), (along, m)| match fill(m) > best.1 * 1.1 {
            true => (along, fill(m)),
            false => best,
        };
        let fullest = others.into_iter().fold((Along::Width, fill(width)), fuller);
        fullest.0
    }

    /// How the kernel walks over the taps of a piece of a row.
    fn walk(&self, x: &Run, (_, start, count): Piece) -> ([i64; 2], (i64, i64)) {
        let (Some(width), Some(tap)) = (self.walked, x.taps.first()) else {
            return ([0, 0], (i64::MIN, i64::MAX));
        };
        let next = x.taps.get(1).unwrap_or(tap);
        let (first, step) = (tap.from + start * x.in_step, next.from - tap.from);
        let (across, along) = ((x.taps.len() as i64 - 1) * step, (count - 1) * x.in_step);
        let reach = [across.min(0), along + across.max(0)];
        let places = places(first, reach, (width, self.input[3]));
        let bytes = [step * self.input[3], (next.at - tap.at) * self.taps[2]];
        (bytes, places)
    }

    /// Whether a row of outputs meets several rows of the input for the first time, and the kernel walks over its taps.
    pub fn fresh(&self) -> bool {
        self.walked.is_some() && self.runs[2].first().is_some_and(|y| y.in_step > 1)
    }

    /// Every combination of runs.
    pub fn cuboids(&self) -> Result<Vec<Cuboid>> {
        let [images, depths, heights, widths] = &self.runs;
        let product = |size: fn(&Run) -> usize| {
            let of_axis = |runs: &Vec<Run>| runs.iter().map(size).sum::<usize>() as f64;
            self.runs[1..].iter().map(of_axis).product::<f64>()
        };
        let taps = self.channels.len() as f64 * product(|run| run.taps.len());
        check_listed(taps + 8.0 * product(|_| 1))?;
        let mut cuboids = Vec::new();
        for (z, y) in (depths.iter()).flat_map(|z| heights.iter().map(move |y| (z, y))) {
            cuboids.extend(widths.iter().map(|x| self.cuboid([&images[0], z, y, x])));
        }
        Ok(cuboids)
    }

    fn cuboid(&self, runs: [&Run; 4]) -> Cuboid {
        let table = self.table(runs.map(|run| run.taps.as_slice()));
        let last = table.a.iter().max().copied().unwrap_or(0);
        let next = runs[2].in_step * self.input[2];
        let (first, step) = (runs.map(|r| r.first), runs.map(|r| r.step));
        Cuboid {
            table,
            ahead: if self.fresh() { next } else { last + next },
            first,
            step,
            a: std::array::from_fn(|i| runs[i].in_step * self.input[i]),
            d: std::array::from_fn(|i| step[i] * self.output[i]),
            origin: (0..4).map(|i| first[i] * self.output[i]).sum(),
        }
    }

    fn table(&self, [_, z, y, x]: [&[Tap]; 4]) -> Table {
        let mut table = Table::default();
        let x = if self.joined { &x[..x.len().min(1)] } else { x };
        let lines = z.iter().flat_map(|z| y.iter().map(move |y| (z, y)));
        let taps = lines.flat_map(|(z, y)| x.iter().map(move |x| [z, y, x]));
        for &(a, b) in &self.channels {
            for taps in taps.clone() {
                let input = (0..3).map(|i| taps[i].from * self.input[i + 1]);
                let weights = (0..3).map(|i| taps[i].at * self.taps[i]);
                table.a.push(a + input.sum::<i64>());
                table.b.push(b + weights.sum::<i64>());
            }
        }
        table
    }
}

/// Places within a row of so many pixels, in bytes from the given pixel: all where nothing beyond the row is reached.
pub fn places(first: i64, [low, high]: [i64; 2], (width, pitch): (i64, i64)) -> (i64, i64) {
    match first + low >= 0 && first + high < width {
        true => (i64::MIN, i64::MAX),
        false => (-first * pitch, (width - first) * pitch),
    }
}

/// The index of a value in a list to which it is added if it is not there.
pub fn index_of<T: PartialEq>(list: &mut Vec<T>, value: T) -> usize {
    let known = list.iter().position(|v| *v == value);
    known.unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    })
}

#[cfg(test)]
mod tests;
