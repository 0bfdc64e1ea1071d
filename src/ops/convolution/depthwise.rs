//! Backward by weights where channels do not mix: `dW[tap][c] = Σ large[pixel + tap][c] · small[pixel][c]`.
//!
//! The rows of a call are the taps of a row that the same outputs meet, its batch the pixels of some rows: so every vector
//! of the small side is read once for all of these taps. Parts take blocks of channels.
#![allow(unsafe_code)]

use super::layout::{channels_last, place, strides};
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::share;
use crate::kernel::Kernel;
use crate::kernel::expr::Expr;
use crate::kernel::spec::{Args, Depthwise, Out, Spec};
use crate::memory::MemoryDesc;
use crate::ops::{Env, Exec, Plan, Planned, Run};
use crate::plan::conv::{Axis, Run as Pixels};
use std::sync::Arc;

/// Channels of a call.
const BLOCK: i64 = 64;
/// Bytes of either side that a call should read.
const BAND_BYTES: i64 = 64 << 10;

/// What creation knows before kernels exist.
#[derive(Clone)]
pub(super) struct Gradient {
    env: Env,
    axes: [Axis; 3],
    minibatch: i64,
    channels: i64,
    /// Entries of the large and the small side in the table of pointers, offsets, types, strides.
    sides: [Side; 2],
    /// Entry of the f32 gradient: taps by channels.
    out: usize,
    parts: i64,
}

#[derive(Clone, Copy)]
struct Side {
    entry: usize,
    offset: i64,
    dtype: DataType,
    strides: [i64; 4],
}

/// The layout of the gradient: taps from the outermost, channels adjacent.
pub(super) fn layout(weights: &MemoryDesc, dtype: DataType) -> Result<MemoryDesc> {
    let tag = ["dbca", "debca", "defbca"][weights.dims().len() - 4];
    MemoryDesc::with_tag(weights.dims(), dtype, tag)
}

/// The side as this nest reads it.
pub(super) fn seen(md: &MemoryDesc) -> Result<MemoryDesc> {
    match md.is_plain() && md.strides[1] == 1 {
        true => Ok(*md),
        false => channels_last(md),
    }
}

impl Gradient {
    pub(super) fn new(
        env: &Env,
        axes: [Axis; 3],
        sides: [(usize, &MemoryDesc); 2],
        out: usize,
    ) -> Gradient {
        let (minibatch, channels) = (sides[0].1.dims[0], sides[0].1.dims[1]);
        let side = |(entry, md): (usize, &MemoryDesc)| Side {
            entry,
            offset: place(md).base,
            dtype: md.dtype(),
            strides: strides(md),
        };
        let work: i64 = axes.iter().map(|a| a.small * a.taps).product();
        let flop = (2 * minibatch * channels).saturating_mul(work);
        let parts = (flop / super::dense::FLOP_PER_PART).clamp(1, env.threads as i64);
        Gradient {
            env: *env,
            axes,
            minibatch,
            channels,
            sides: sides.map(side),
            out,
            parts: parts.min((channels + BLOCK - 1) / BLOCK).max(1),
        }
    }

    pub(super) fn planned(self) -> Planned {
        Planned {
            args: Vec::new(),
            nest: format!("P{}:depthwise", self.parts),
            scratch_bytes: 0,
            plan: Box::new(self),
        }
    }

    /// Rows of a band.
    fn rows(&self) -> i64 {
        let [_, height, width] = &self.axes;
        let bytes = (width.small * BLOCK * 4).max(1);
        (BAND_BYTES / bytes).clamp(1, height.small.max(1))
    }

    fn spec(&self, taps: i64, n: i64) -> Spec {
        let [large, small] = &self.sides;
        let row_bytes = self.channels * 4;
        Spec::Depthwise(Depthwise {
            isa: self.env.isa,
            m: taps as usize,
            n: n as usize,
            a: large.dtype,
            b: small.dtype,
            a_row_bytes: self.axes[2].dilation * large.strides[3],
            beta: true,
            c_row_bytes: row_bytes,
            out: Out {
                expr: Expr::acc(false),
                d: DataType::F32,
                d_row_bytes: row_bytes,
            },
        })
    }
}

/// Outputs of a row that meet the same taps.
struct Group {
    pixels: Pixels,
    /// Byte offsets of the pixels of a band on the large side (of the first tap) and on the small side, row by row.
    a: Vec<i64>,
    b: Vec<i64>,
    /// For whole blocks of channels and for the last one.
    kernels: [Arc<Kernel>; 2],
}

struct Compiled {
    plan: Gradient,
    groups: Vec<Group>,
}

impl Plan for Gradient {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let [large, small] = &self.sides;
        let mut groups = Vec::new();
        for pixels in self.axes[2].to_small() {
            let Some(first) = pixels.taps.first() else {
                continue;
            };
            let count = pixels.taps.len() as i64;
            let rows = (0..self.rows()).flat_map(|y| (0..pixels.count).map(move |i| (y, i)));
            let stride = self.axes[1].stride;
            let of_a = |(y, i): (i64, i64)| {
                let x = first.from + i * pixels.in_step;
                y * stride * large.strides[2] + x * large.strides[3]
            };
            let of_b =
                |(y, i): (i64, i64)| y * small.strides[2] + (pixels.first + i) * small.strides[3];
            let whole = Kernel::get(&self.spec(count, BLOCK.min(self.channels)))?;
            let last = match self.channels % BLOCK {
                0 => whole.clone(),
                rest => Kernel::get(&self.spec(count, rest))?,
            };
            groups.push(Group {
                a: rows.clone().map(of_a).collect(),
                b: rows.map(of_b).collect(),
                kernels: [whole, last],
                pixels,
            });
        }
        Ok(Box::new(Compiled {
            plan: self.clone(),
            groups,
        }))
    }
}

/// Pointers that parts share.
struct Shared {
    sides: [*const u8; 2],
    out: *mut u8,
}

// SAFETY: the sides are only read, and parts write disjoint channels.
unsafe impl Sync for Shared {}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        let p = &self.plan;
        let at = |s: &Side| exec.ptrs[s.entry].wrapping_offset(s.offset as isize);
        let shared = Shared {
            sides: [at(&p.sides[0]), at(&p.sides[1])],
            out: exec.ptrs[p.out],
        };
        let part = |part: usize| {
            let blocks = (p.channels + BLOCK - 1) / BLOCK;
            for block in share(blocks, part, p.parts as usize) {
                // SAFETY: as promised by the caller; parts take disjoint blocks.
                unsafe { self.block(&shared, block) };
            }
        };
        match p.parts {
            1 => part(0),
            parts => exec.pool.run(parts as usize, &part),
        }
        Ok(())
    }
}

impl Compiled {
    /// All pixels of a block of channels.
    ///
    /// # Safety
    /// As for `Run::run`.
    unsafe fn block(&self, shared: &Shared, block: i64) {
        let p = &self.plan;
        let [depth, height, _] = &p.axes;
        let channel = block * BLOCK;
        let n = BLOCK.min(p.channels - channel);
        let out = shared.out.wrapping_offset((channel * 4) as isize);
        for tap in 0..p.axes.iter().map(|a| a.taps).product() {
            // SAFETY: a row of the gradient has all channels.
            unsafe {
                out.wrapping_offset((tap * p.channels * 4) as isize)
                    .write_bytes(0, 4 * n as usize)
            };
        }
        let taps = |axis: &Axis| 0..axis.taps;
        for image in 0..p.minibatch {
            for (z, y) in (0..depth.small).flat_map(|z| {
                (0..height.small)
                    .step_by(p.rows() as usize)
                    .map(move |y| (z, y))
            }) {
                for (tz, ty) in taps(depth).flat_map(|z| taps(height).map(move |y| (z, y))) {
                    let far_z = z * depth.stride - depth.pad + tz * depth.dilation;
                    let (first, end) = height.met(ty);
                    let band = first.max(y)..end.min(y + p.rows());
                    if !(0..depth.large).contains(&far_z) || band.is_empty() {
                        continue;
                    }
                    let place = |side: usize, z: i64, y: i64| {
                        let s = &p.sides[side];
                        let at = image * s.strides[0] + z * s.strides[1] + y * s.strides[2];
                        let channel = channel * s.dtype.size_bytes() as i64;
                        shared.sides[side].wrapping_offset((at + channel) as isize)
                    };
                    let far_y = band.start * height.stride - height.pad + ty * height.dilation;
                    let sides = [place(0, far_z, far_y), place(1, z, band.start)];
                    let row = (tz * height.taps + ty) * p.axes[2].taps;
                    let (count, last) = (band.end - band.start, usize::from(n < BLOCK));
                    // SAFETY: rows of the image, and a row of taps.
                    unsafe { self.rows(sides, count, (out, row), last) };
                }
            }
        }
    }

    /// What rows of pixels bring to a row of taps.
    ///
    /// # Safety
    /// The pointers are rows of the sides and the gradient, at a block of channels.
    unsafe fn rows(
        &self,
        [a, b]: [*const u8; 2],
        rows: i64,
        (out, row): (*mut u8, i64),
        last: usize,
    ) {
        for group in &self.groups {
            let tap = row + group.pixels.taps[0].at;
            let d = out.wrapping_offset((tap * self.plan.channels * 4) as isize);
            let args = Args {
                a,
                b,
                a_offsets: group.a.as_ptr(),
                b_offsets: group.b.as_ptr(),
                c: d,
                d,
                batch: (rows * group.pixels.count) as usize,
                ..Args::default()
            };
            // SAFETY: the kernel was made for these taps and channels, the lists for so many rows at least.
            unsafe { group.kernels[last].call(&args) };
        }
    }
}
