//! Backward by weights where channels do not mix, or only in narrow groups:
//! `dW[l][tap][c] = Σ large[pixel + tap][channel l of the group of c] · small[pixel][c]`.
//!
//! The rows of a call are taps, in registers, its batch some rows of the image, its own taps the pixels of a piece of such a
//! row: so every vector of the small side is read once for all taps, and those of the large side once for the taps of a row.
//! Bands of rows stay in the second-level cache for all channels of a group. Parts take channels.
#![allow(unsafe_code)]

use super::dense::{pair, parts};
use super::layout::channel_run;
use super::sides::Source;
use super::staging::Staging;
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::share;
use crate::kernel::Kernel;
use crate::kernel::spec::{Args, Depthwise, Mix, Out, Spec};
use crate::machine::machine;
use crate::memory::MemoryDesc;
use crate::ops::{Env, Exec, Plan, Planned, Run};
use crate::plan::conv::{self, Axis, Piece, index_of};
use crate::plan::gemm;
use std::ops::Range;
use std::sync::Arc;

/// Channels that a part is worth.
const BLOCK: i64 = 64;
/// Bytes of both sides in a band of rows without strides.
const BAND_BYTES: i64 = 128 << 10;
/// The most pixels of a row in a call: its code grows with them.
const PIXELS: i64 = 16;
/// The widest rows of taps that a call takes several of.
const FEW_TAPS: i64 = 8;

/// What creation knows before kernels exist.
pub(super) struct Gradient {
    env: Env,
    axes: [Axis; 3],
    channels: i64,
    /// Channels of a group.
    group: i64,
    /// The large and the small one, in panels.
    sides: [Source; 2],
    staging: Staging<2>,
    /// Channels of a panel: as many as are adjacent, or those of a part.
    width: i64,
    /// The same where there is one part, if the sums must not depend on how many there are; else the width.
    band_width: i64,
    /// Entry of the f32 gradient: channels of the large side in a group, taps, channels.
    out: usize,
    parts: i64,
}

/// The layout of the gradient: the large side's channels of a group, taps, and groups with the small side's channels.
pub(super) fn layout(
    weights: &MemoryDesc,
    dtype: DataType,
    (large, small): (usize, usize),
) -> Result<MemoryDesc> {
    let letter = |dim: usize| (b'a' + dim as u8) as char;
    let mut tag = String::from(letter(large));
    tag.extend((3..weights.dims().len()).map(letter));
    tag.extend(['a', letter(small)]);
    MemoryDesc::with_tag(weights.dims(), dtype, &tag)
}

/// Whether this nest reads a side as it lies for groups of so many channels.
pub(super) fn reads(md: &MemoryDesc, group: i64) -> bool {
    // A vector of 8 channels is better than a copy; groups need a whole panel.
    let unit = if group == 1 { 8 } else { Mix::COLUMNS as i64 };
    let adjacent = channel_run(md, md.dims[1], false);
    adjacent.is_some_and(|run| run == md.dims[1] || run % unit == 0)
}

/// Whether groups of m and n channels, so many in all, are summed here.
pub(super) fn takes(env: &Env, groups: i64, (m, n): (i64, i64)) -> bool {
    let columns = Mix::COLUMNS as i64;
    let narrow = || n < columns && columns % n == 0 && groups * n % columns == 0;
    groups > 1 && m == n && (n == 1 || n > 1 && env.isa.is_avx512() && narrow())
}

impl Gradient {
    pub(super) fn new(
        (env, deterministic): (&Env, bool),
        axes: [Axis; 3],
        staging: Staging<2>,
        group: i64,
        out: usize,
    ) -> Gradient {
        let mds = staging.operands.each_ref().map(|o| &o.md);
        let (images, channels) = (staging.images() * staging.blocks, mds[0].dims[1]);
        let run = |md: &MemoryDesc| channel_run(md, channels, false).unwrap_or(channels);
        let adjacent = run(mds[0]).min(run(mds[1]));
        let work = axes.iter().map(|a| a.small as f64 * a.taps as f64);
        let all = (2 * images * channels) as f64 * group as f64;
        let flop = (all * work.product::<f64>()) as i64;
        let parts = parts(env, flop).min((channels + BLOCK - 1) / BLOCK).max(1);
        let width = |parts: i64| match adjacent < channels {
            true => adjacent,
            false => {
                let share = (channels + parts - 1) / parts;
                gemm::even(channels as usize, share as usize, Mix::COLUMNS) as i64
            }
        };
        let band_width = width(if deterministic { 1 } else { parts });
        let width = width(parts);
        Gradient {
            env: *env,
            axes,
            channels,
            group,
            sides: mds.map(|md| Source::new(md, (1, channels), width, 0)),
            staging,
            width,
            band_width,
            out,
            parts,
        }
    }

    pub(super) fn planned(self) -> Planned {
        let (parts, staging) = (self.parts, &self.staging);
        let (images, ways) = (staging.images(), staging.ways());
        let nest = format!("P{parts}n{images}:depthwise{ways}");
        Planned::new(nest, staging.scratch_bytes, Arc::new(self))
    }

    fn taps(&self) -> i64 {
        self.axes.iter().map(|a| a.taps).product()
    }

    /// Rows of a band: what it and the next one need for the first time stays in the second-level cache.
    fn rows(&self) -> i64 {
        let [_, height, width] = &self.axes;
        let sizes = self.sides.each_ref().map(|s| s.dtype.size_bytes() as i64);
        let bytes = |strides: i64| width.small * self.band_width * (strides * sizes[0] + sizes[1]);
        let new = bytes(height.stride * width.stride).max(1);
        let fits = machine().l2_bytes as i64 * 5 / 16 / new;
        (BAND_BYTES / bytes(1).max(1))
            .min(fits)
            .clamp(1, height.small.max(1))
    }

    fn spec(&self, fold: usize, (from, pixels): (i64, i64), n: i64) -> Spec {
        let ([large, small], [_, height, width]) = (&self.sides, &self.axes);
        let (taps, pitch) = (width.taps as usize, large.strides[3]);
        let reach = (pixels - 1) * width.stride + (width.taps - 1) * width.dilation;
        let out = Out::acc(false, DataType::F32, self.channels * 4);
        let sizes = [fold * taps, n as usize];
        Spec::Depthwise(Depthwise {
            taps: pixels as usize,
            fresh: height.stride as usize,
            run: taps,
            a_row_bytes: width.dilation * pitch,
            a_run_bytes: height.dilation * large.strides[2],
            a_tap_bytes: width.stride * pitch,
            b_tap_bytes: small.strides[3],
            places: conv::places(from, [0, reach], (width.large, pitch)),
            mix: match self.group as usize {
                1 => Mix::Equal,
                group => Mix::Column { group },
            },
            beta: true,
            ..Depthwise::new(self.env.isa, sizes, [large.dtype, small.dtype], out)
        })
    }
}

/// Rows of pixels that meet rows of taps in a piece.
struct Call {
    kernel: usize,
    /// Byte offsets on either side of an image, and from there to what the next band needs.
    sides: [i64; 2],
    ahead: [i64; 2],
    /// Byte offset in the gradient.
    out: i64,
    rows: i64,
}

struct Compiled {
    plan: Arc<Gradient>,
    /// For whole panels and for the last.
    kernels: Vec<[Arc<Kernel>; 2]>,
    /// The calls for a panel of an image.
    calls: Vec<Call>,
    /// Byte offsets of the rows of a call on either side.
    rows: [Vec<i64>; 2],
    reorders: Vec<Box<dyn Run>>,
}

impl Plan for Arc<Gradient> {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let [depth, height, width] = &self.axes;
        let fold = match width.taps > FEW_TAPS {
            true => 1,
            false => height.taps.max(1),
        };
        let heights = height.runs(false, false)?;
        let bands = conv::pieces(&heights, self.rows());
        let columns = conv::pieces(&width.runs(false, true)?, PIXELS);
        let strides = self.sides.each_ref().map(|s| s.strides);
        let steps = [height.stride * strides[0][2], strides[1][2]];
        let first = |&(run, start, _): &Piece| heights[run].first + start;
        // From a band to the next, or to the first of the next image or depth.
        let ahead = |i: usize| {
            let next = &bands[(i + 1) % bands.len()];
            let planes = i64::from(i + 1 == bands.len());
            let plane = usize::from(depth.small > 1);
            [0, 1].map(|s| (first(next) - first(&bands[i])) * steps[s] + planes * strides[s][plane])
        };
        let at = |side: usize, place: [i64; 3]| -> i64 {
            (0..3).map(|i| place[i] * strides[side][i + 1]).sum()
        };
        let (mut shapes, mut calls) = (Vec::new(), Vec::new());
        let depths = (0..depth.small).flat_map(|z| (0..depth.taps).map(move |tz| (z, tz)));
        let inside = |&(z, tz): &(i64, i64)| (0..depth.large).contains(&depth.far(z, tz));
        for (z, tz) in depths.filter(inside) {
            for (i, &(run, start, rows)) in bands.iter().enumerate() {
                for taps in heights[run].taps.chunks(fold as usize) {
                    let tap = (tz * height.taps + taps[0].at) * width.taps;
                    for &(_, x, pixels) in &columns {
                        let far_y = taps[0].from + start * height.stride;
                        let far = [depth.far(z, tz), far_y, width.far(x, 0)];
                        calls.push(Call {
                            kernel: index_of(&mut shapes, (taps.len(), far[2], pixels)),
                            sides: [at(0, far), at(1, [z, first(&bands[i]), x])],
                            ahead: ahead(i),
                            out: tap * self.channels * 4,
                            rows,
                        });
                    }
                }
            }
        }
        let widths = [self.width, self.channels % self.width];
        let kernels = shapes
            .into_iter()
            .map(|(fold, from, pixels)| pair(widths, |n| self.spec(fold, (from, pixels), n)));
        Ok(Box::new(Compiled {
            kernels: kernels.collect::<Result<_>>()?,
            calls,
            rows: steps.map(|step| (0..self.rows()).map(|y| y * step).collect()),
            reorders: self.staging.compile()?,
            plan: self.clone(),
        }))
    }
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) {
        let (p, reorders) = (&self.plan, self.reorders.as_slice());
        let part = |blocks: Range<i64>, part| {
            let panels = share(p.sides[0].blocks.len() as i64, part, p.parts as usize);
            for (block, panel) in blocks.flat_map(|b| panels.clone().map(move |p| (b, p))) {
                // SAFETY: as promised by the caller; parts take disjoint panels.
                unsafe { self.panel(exec, block, panel as usize) };
            }
        };
        // SAFETY: the caller's promise is passed on.
        unsafe { p.staging.run((exec, reorders), p.parts as usize, part) };
    }
}

impl Compiled {
    /// All pixels of a block of images and of so many channels.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn panel(&self, exec: &Exec, block: i64, panel: usize) {
        let p = &self.plan;
        let channel = panel as i64 * p.width;
        let n = p.width.min(p.channels - channel);
        let out = |at: i64| exec.ptrs[p.out].wrapping_offset((channel * 4 + at) as isize);
        let cleared = if block == 0 { p.group * p.taps() } else { 0 };
        for row in 0..cleared {
            // SAFETY: a row of the gradient has all channels.
            unsafe { out(row * p.channels * 4).write_bytes(0, 4 * n as usize) };
        }
        let (sides, images) = (p.staging.starts(exec, block), 0..p.staging.images());
        for (image, call) in images.flat_map(|i| self.calls.iter().map(move |c| (i, c))) {
            let side = |i: usize| {
                let s = &p.sides[i];
                let at = s.blocks[panel] + image * s.strides[0] + call.sides[i];
                sides[i].wrapping_offset(at as isize).cast_const()
            };
            let kernel = &self.kernels[call.kernel][usize::from(n < p.width)];
            for channel in 0..p.group {
                let gradient = out(call.out + channel * p.taps() * p.channels * 4);
                // The next band is fetched in one of the passes over a group.
                let [a_stride, b_stride] = if channel == 0 { call.ahead } else { [0; 2] };
                let args = Args {
                    a: side(0),
                    b: side(1),
                    a_offsets: self.rows[0].as_ptr(),
                    b_offsets: self.rows[1].as_ptr(),
                    c: gradient,
                    d: gradient,
                    batch: call.rows as usize,
                    m: channel as usize,
                    a_stride,
                    b_stride,
                    ..Args::default()
                };
                // SAFETY: the kernel was made for these taps, pixels and channels, the lists for so many rows at least, and
                // the places are in the image.
                unsafe { kernel.call(&args) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Isa;

    fn side(channels: i64, tag: &str) -> MemoryDesc {
        MemoryDesc::with_tag(&[2, channels, 56, 56], DataType::F32, tag).unwrap()
    }

    #[test]
    fn blocks_of_eight_channels_are_read_in_place() {
        let blocks = side(32, "aBcd8b");
        assert!(reads(&blocks, 1) && !reads(&blocks, 4));
    }

    /// Panels for two parts, of sides with 144 channels.
    fn width(tag: &str) -> i64 {
        let env = Env {
            isa: Isa::Avx2,
            threads: 2,
        };
        let mut axes = [Axis::POINT; 3];
        (axes[1].small, axes[2].small) = (56, 56);
        let sides = [0, 1].map(|entry| (entry, side(144, tag)));
        let staging = Staging::of_sides(&env, sides, [false; 2], false).unwrap();
        let gradient = Gradient::new((&env, false), axes, staging, 1, 2);
        assert_eq!(gradient.parts, 2);
        gradient.width
    }

    #[test]
    fn parts_take_even_panels() {
        assert_eq!(width("acdb"), 80);
        assert_eq!(width("aBcd8b"), 8);
    }
}
