//! Forward and backward by data: the nest that runs a space cut into calls over images and panels of output channels.
//!
//! The calls of a block read a piece of the input that stays in the second-level cache while all panels of weights pass.
//! Layouts that kernels cannot read are staged: reordered in scratch, activations a few images at a time.
#![allow(unsafe_code)]

use super::Pass;
use super::epilogues::Epilogues;
use super::layout::{
    Panels, channel_run, channels_last, framed, padded_channels, panels, place, spatial_strides,
    strides, without_gaps,
};
use super::zero_point::TapSums;
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::spec::{Batch, Brgemm, Depthwise, Mix, Out, Spec};
use crate::knobs;
use crate::machine::machine;
use crate::memory::MemoryDesc;
use crate::ops::epilogue::{Binding, Epilogue, arg};
use crate::ops::sequence::Sequence;
use crate::ops::{Arg, Env, Planned, reorder};
use crate::plan::conv::{self, Along, Axis, Cut, Space};
use crate::plan::gemm;
use std::sync::Arc;

/// An operand of the nest.
#[derive(Clone)]
pub(super) struct Operand {
    /// Index of the argument.
    pub arg: usize,
    /// What the kernels see: the argument, or its copy in scratch.
    pub md: MemoryDesc,
    /// The argument's own layout where it is staged, and where in scratch.
    pub staged: Option<(MemoryDesc, usize)>,
    /// Bytes from one block of images to the next in the argument; 0 for weights.
    pub advance: i64,
}

impl Operand {
    fn new(arg: usize, user: &MemoryDesc, seen: Option<MemoryDesc>) -> Operand {
        Operand {
            arg,
            md: seen.unwrap_or(*user),
            staged: seen.map(|_| (*user, 0)),
            advance: 0,
        }
    }

    /// As seen by a nest over blocks of so many images.
    fn in_blocks(mut self, images: i64) -> Operand {
        let user = self.staged.map_or(self.md, |(user, _)| user);
        self.advance =
            images * user.strides[0] / user.block_of(0) * user.dtype().size_bytes() as i64;
        let few = |mut md: MemoryDesc| {
            if md.dims[0] != images {
                (md.dims[0], md.padded_dims[0]) = (images, images);
            }
            md
        };
        self.staged = self.staged.map(|(user, at)| (few(user), at));
        self.md = few(self.md);
        self
    }

    /// Bytes of its copy: that of an image has its frame around it.
    pub fn room_bytes(&self) -> usize {
        (self.md.dims[0] * self.md.strides[0]) as usize * self.md.dtype().size_bytes()
    }

    /// Whether its room has more than the elements.
    pub fn is_framed(&self) -> bool {
        self.md.dims[0] * self.md.strides[0] > self.md.padded_nelems()
    }

    /// Takes its room in scratch, of which `end` bytes are taken.
    fn place(&mut self, end: &mut usize) {
        // Only of a copy: strides of the user's own may mean nothing.
        if let Some((user, _)) = self.staged {
            self.staged = Some((user, *end));
            *end += self.room_bytes().next_multiple_of(64);
        }
    }
}

/// Rows of a depthwise call whose pixels are longer than a cache line: so few that all their channels are read in order.
const FEW_PIXELS: i64 = 14;
const CACHE_LINE: i64 = 64;
/// Taps of a row that a depthwise kernel walks over: they take registers.
pub(super) const MOST_WALKED: i64 = 8;

/// Rows of the image of so many pixels fill register tiles even where they do not follow one another.
const LONG_ROW: i64 = 12;
/// Output channels that pay for a copy of the input.
const MANY_CHANNELS: i64 = 128;

/// A panel of output channels.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub a: i64,
    pub b: i64,
    pub d: i64,
    pub channel: i64,
    /// Whether it is one of the narrower last ones.
    pub tail: bool,
}

/// What creation knows before kernels exist.
#[derive(Clone)]
pub(super) struct Dense {
    pub env: Env,
    /// How channels meet where they do not mix, or only in narrow groups.
    pub mix: Option<Mix>,
    /// As of the space.
    pub fresh: bool,
    /// Whether outputs leave the caches before anybody reads them, and whole cache lines of them are stored.
    pub far: bool,
    /// Input, weights, output.
    pub operands: [Operand; 3],
    pub cut: Cut,
    pub panels: Vec<Panel>,
    /// Columns of whole panels and of the last one.
    pub widths: [i64; 2],
    /// One for each shape of the cut.
    pub epilogues: Vec<Epilogue>,
    /// Bytes between groups of the reduction in the weights.
    pub b_group_bytes: i64,
    pub images: i64,
    /// Rows of the image in a block of calls.
    pub rows: i64,
    pub blocks: i64,
    /// Parts of the blocks of calls, and of the panels.
    pub split: (usize, usize),
    /// Scratch of the staging itself comes first.
    pub reorder_bytes: usize,
    /// Whether a staged output is read as well.
    pub reads_output: bool,
    /// The operand that holds sums of weights, a row for each table.
    pub sums: Option<usize>,
}

impl Pass<'_> {
    pub(super) fn plan(mut self) -> Result<Planned> {
        self.input.1 = self.resolve(&self.input.1)?;
        self.output.1 = self.resolve(&self.output.1)?;
        let (k, n) = self.together();
        let (mut input, output) = (self.input.1, self.output.1);
        let user_input = input;
        let in_run =
            channel_run(&input, k, true).filter(|_| k == input.dims[1] || !input.is_padded());
        let out_run = channel_run(&output, n, false);
        let staged = |run: Option<i64>, md| run.is_none().then(|| channels_last(md)).transpose();
        let (mut seen_input, seen_output) = (staged(in_run, &input)?, staged(out_run, &output)?);
        if in_run.is_some() && self.skips() {
            input = without_gaps(&mut self.axes, input);
            self.input.1 = input;
            if self.axes[2].small < LONG_ROW && n >= MANY_CHANNELS {
                seen_input = Some(channels_last(&input)?);
            }
        }
        self.padded = self.pads();
        let k = self.together().0;
        if self.padded {
            seen_input = Some(padded_channels(&input, k)?);
        }
        let images = self.images();
        if let Some(frame) = self.frame(images) {
            self.framed = true;
            seen_input = Some(framed(&input, frame)?);
        }
        let in_run = in_run.filter(|_| seen_input.is_none());
        let (in_run, out_run) = (in_run.unwrap_or(k), out_run.unwrap_or(n));
        let ideal = self.panel_layout(in_run)?;
        if self.weights.is_any() {
            self.weights = ideal;
        }
        let mut sequence = Sequence::default();
        let laid = if self.reads_weights(k, in_run) {
            self.weights
        } else {
            ideal
        };
        let weights = sequence.read(self.env, (1, &self.weights), &laid)?;
        let mut args = self.arguments(user_input);
        let output_at = args.len() - 1;
        let operands = [
            Operand::new(0, &input, seen_input).in_blocks(images),
            Operand::new(weights, &laid, None),
            Operand::new(output_at, &output, seen_output).in_blocks(images),
        ];
        let runs = (in_run, out_run);
        let dense = self.dense(operands, runs, images, (&mut args, &mut sequence))?;
        sequence.finish(args, dense.planned()?, self.env)
    }

    /// Whether most of the input is not met at all: a pointwise kernel with a stride, without padding on either side.
    fn skips(&self) -> bool {
        !self.to_large
            && self.axes.iter().all(Axis::is_pointwise)
            && self.axes.iter().any(|a| a.stride > 1)
    }

    /// The frame of zeros that a copy of the input gets, where that beats a rim.
    fn frame(&self, images: i64) -> Option<[(i64, i64); 3]> {
        let (isa, dtype) = (self.env.isa, self.weights.dtype());
        let walks = self.is_depthwise() || self.merged() > 1;
        let few = images < conv::TILE_ROWS && self.channels().1 >= MANY_CHANNELS;
        // Bytes are soon read where they are widened first.
        let multiplies = dtype.is_int() && !gemm::has_dot(isa, dtype);
        let frames = few && !walks && !multiplies && !self.padded && !self.has_zero_point();
        let frame = || conv::frame(&self.axes, self.to_large);
        frames.then(frame).flatten()
    }

    fn arguments(&self, input: MemoryDesc) -> Vec<Arg> {
        let mut args = vec![
            Arg::input(self.input.0, input),
            Arg::input(arg::WEIGHTS, self.weights),
        ];
        if self.forward && !self.bias.is_absent() {
            args.push(Arg::input(arg::BIAS, self.bias));
        }
        args.push(Arg::output(self.output.0, self.output.1));
        args
    }

    /// How many images are computed together.
    fn images(&self) -> i64 {
        let (input, output) = (&self.input.1, &self.output.1);
        if input.block_of(0) > 1 || output.block_of(0) > 1 {
            return input.dims[0];
        }
        let pixels = output.dims()[2..].iter().product();
        let images = conv::images(input.dims[0], pixels, self.env.threads as i64);
        knobs::NEST
            .get()
            .or('n', images, |n| input.dims[0] % n == 0)
    }

    fn dense(
        &self,
        operands: [Operand; 3],
        (in_run, out_run): (i64, i64),
        images: i64,
        (args, sequence): (&mut Vec<Arg>, &mut Sequence),
    ) -> Result<Dense> {
        let (k, n) = self.together();
        let [input, weights, output] = &operands;
        let (laid, mix) = self.laid(&weights.md, &output.md, (in_run, out_run));
        let chunk = laid.run.min(in_run).min(k);
        let width = match out_run < n {
            true => gcd(laid.width, out_run),
            false => laid.width.min(n).max(1),
        };
        let mut space = self.space(&operands, images, chunk, laid.group_bytes);
        let channels = (space.tables().len() as i64 * output.md.dims[1]) as usize;
        let sums = self.has_zero_point().then(|| sequence.buffer(4 * channels));
        let sums = sums.transpose()?;
        let whole = n == output.md.dims[1] || n % width == 0;
        let mut epilogues = Epilogues {
            pass: self,
            args,
            sequence,
            cols_block: if whole { width } else { 0 },
            sums,
            copies: Vec::new(),
        };
        space.planes = output.md.dims().len() > 3 && epilogues.allow(Along::Plane);
        let (rows, columns) = space.block();
        let rows = knobs::NEST.get().or('r', rows, |_| true);
        let cut = space.cut(rows, columns);
        if cut.shapes.is_empty() {
            // Unfit attributes are refused also where no kernel is called.
            epilogues.along(Along::Width)?;
        }
        let of_shapes = cut.shapes.iter().map(|shape| epilogues.of(shape));
        let epilogues: Vec<Epilogue> = of_shapes.collect::<Result<_>>()?;
        let mut dense = Dense {
            env: *self.env,
            mix,
            fresh: space.fresh(),
            far: self.is_far(output, width),
            panels: self.panels(&input.md, &weights.md, &output.md, width),
            widths: [width, n % width],
            cut,
            reads_output: epilogues.iter().any(|e| e.expr.reads_dst()),
            epilogues,
            b_group_bytes: laid.group_bytes,
            images,
            rows,
            blocks: self.input.1.dims[0] / images.max(1),
            split: (1, 1),
            reorder_bytes: 0,
            sums: None,
            operands,
        };
        if let Some(entry) = sums {
            // All bind the same operands, though some of them copies.
            let is_sums = |b: &Binding| b.index == entry;
            let first = dense.epilogues.first();
            dense.sums = first.and_then(|e| e.bindings.iter().position(is_sums));
            let lengths = TapSums::longest(&dense.cut);
            let ones = sequence.ones(lengths);
            let sums = TapSums::new(&dense, self.output.1.dims[1], [ones, entry]);
            sequence.push(sums.planned());
        }
        dense.split = dense.split(2 * self.output.1.nelems() * self.channels().0);
        Ok(dense)
    }

    /// The panels of weights as kernels read them, and how channels meet where not all of them do.
    fn laid(
        &self,
        weights: &MemoryDesc,
        output: &MemoryDesc,
        (in_run, out_run): (i64, i64),
    ) -> (Panels, Option<Mix>) {
        let (merged, dtype, (_, n)) = (self.merged(), weights.dtype(), self.together());
        if !self.is_depthwise() && merged == 1 {
            let laid = panels(weights, self.dims).expect("staged weights lie in panels");
            return (laid, None);
        }
        let (run, group) = self.channels();
        let laid = |width| Panels {
            width,
            run,
            group_bytes: n * (dtype.vnni() * dtype.size_bytes()) as i64,
        };
        if self.is_depthwise() {
            let width = narrowed(gcd(in_run, out_run), output.dtype());
            return (laid(width), Some(Mix::Equal));
        }
        let laid = laid(n);
        let mix = Mix::Groups {
            group: group as usize,
            k: run as usize,
            b_group_bytes: laid.group_bytes,
        };
        (laid, Some(mix))
    }

    fn space(
        &self,
        [input, weights, output]: &[Operand; 3],
        images: i64,
        chunk: i64,
        group_bytes: i64,
    ) -> Space {
        let (k, _) = self.channels();
        let taps = spatial_strides(&weights.md, self.dims.0.max(self.dims.1) + 1);
        let (in_place, w_place) = (place(&input.md), place(&weights.md));
        let channels = (0..k).step_by(chunk.max(1) as usize).map(|c| {
            let in_weights = w_place.from_first(&[(self.dims.0, c)]);
            (in_place.from_first(&[(1, c)]), in_weights)
        });
        let v = weights.md.dtype().vnni() as i64;
        let in_size = input.md.dtype().size_bytes() as i64;
        let walks = (self.is_depthwise() || self.merged() > 1) && self.axes[2].taps <= MOST_WALKED;
        let pitch = strides(&input.md)[3];
        let joined = walks
            || chunk == k
                && k % v == 0
                && !self.to_large
                && self.axes[2].dilation == 1
                && pitch == k * in_size
                && taps[2] == k / v * group_bytes;
        let width = &self.axes[2];
        let runs = std::array::from_fn(|i| match self.output.1.has_zero_dim() {
            true => Vec::new(),
            false => self.axes[i].runs(self.to_large, self.framed || walks && i == 2),
        });
        Space {
            runs,
            images,
            input: strides(&input.md),
            output: strides(&output.md),
            taps,
            channels: channels.collect(),
            k: if walks { 1 } else { chunk },
            joined,
            walked: walks.then_some(if self.to_large {
                width.small
            } else {
                width.large
            }),
            pixel_bytes: pitch.max(self.channels().0 * in_size),
            longest: match self.is_depthwise() && pitch > CACHE_LINE {
                true => FEW_PIXELS,
                false => i64::MAX,
            },
            planes: true,
        }
    }

    /// Whether the tensors do not fit the caches together, and panels of the output are whole, aligned cache lines.
    fn is_far(&self, output: &Operand, width: i64) -> bool {
        let (input, user, md) = (&self.input.1, &self.output.1, &output.md);
        let size = md.dtype().size_bytes() as i64;
        let whole = |bytes: i64| bytes % CACHE_LINE == 0;
        (self.is_depthwise() || self.merged() > 1)
            && matches!(md.dtype(), DataType::F32 | DataType::Bf16)
            && input.size_bytes() + user.size_bytes() > machine().l3_bytes
            && output.staged.is_none()
            && strides(md).into_iter().all(whole)
            && whole(width * size)
            && whole(md.dims[1] * size)
    }

    fn panels(
        &self,
        input: &MemoryDesc,
        weights: &MemoryDesc,
        output: &MemoryDesc,
        width: i64,
    ) -> Vec<Panel> {
        let ((k, _), (_, n), merged) = (self.channels(), self.together(), self.merged());
        let places = [input, weights, output].map(place);
        let at = |i: usize, indices: &[(usize, i64)]| places[i].from_first(indices);
        let groups = if self.is_depthwise() { 1 } else { self.groups };
        let mut panels = Vec::new();
        for g in (0..groups).step_by(merged as usize) {
            for column in (0..n).step_by(width.max(1) as usize) {
                let channel = g * n / merged + column;
                let (a, b) = match self.is_depthwise() {
                    true => (channel, [(0, channel), (self.dims.1, 0)]),
                    false => (g * k, [(0, g), (self.dims.1, column)]),
                };
                panels.push(Panel {
                    a: at(0, &[(1, a)]),
                    b: at(1, &b),
                    d: at(2, &[(1, channel)]),
                    channel,
                    tail: column + width > n,
                });
            }
        }
        panels
    }
}

/// Even parts of so many channels whose rows of pixels stay in the first-level cache.
fn narrowed(channels: i64, dtype: DataType) -> i64 {
    const PIXEL_BYTES: i64 = 512;
    const VECTOR: i64 = 16;
    let parts = (channels * dtype.size_bytes() as i64 / PIXEL_BYTES).max(1);
    channels.min((channels / parts + VECTOR - 1) / VECTOR * VECTOR)
}

/// Kernels for whole panels and for the last one, of no columns where all are whole.
pub(super) fn pair(widths: [i64; 2], spec: impl Fn(i64) -> Spec) -> Result<[Arc<Kernel>; 2]> {
    let get = |n: i64| Kernel::get(&spec(n));
    let whole = get(widths[0])?;
    let last = if widths[1] == 0 {
        whole.clone()
    } else {
        get(widths[1])?
    };
    Ok([whole, last])
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Work below which waking another thread costs more than it saves.
pub(super) const FLOP_PER_PART: i64 = 1 << 19;
/// The most parts that somebody may ask for.
pub(super) const MOST_PARTS: i64 = 256;

impl Dense {
    /// The parts: blocks of calls first, panels where there are too few.
    fn split(&self, flop: i64) -> (usize, usize) {
        let taps = self.cut.tables.iter().map(|t| t.a.len()).max().unwrap_or(1);
        let parts =
            (flop.saturating_mul(taps as i64) / FLOP_PER_PART).clamp(1, self.env.threads as i64);
        let blocks = if self.is_staged() { 1 } else { self.blocks };
        let units = (blocks * self.cut.ends.len() as i64).max(1);
        let balanced = |p: &i64| units % (parts / p) == 0 || units / (parts / p) >= 8;
        let by_panels = (1..=parts)
            .filter(|p| parts % p == 0)
            .find(balanced)
            .unwrap_or(parts);
        let given =
            |letter, parts| knobs::NEST.get().or(letter, parts, |n| n <= MOST_PARTS) as usize;
        (given('B', parts / by_panels), given('P', by_panels))
    }

    /// Whether images pass through scratch, and so must be taken one block at a time.
    pub fn is_staged(&self) -> bool {
        self.operands[0].staged.is_some() || self.operands[2].staged.is_some()
    }

    fn planned(mut self) -> Result<Planned> {
        let mut bytes = 0;
        for operand in &self.operands {
            for (from, to) in reorders(operand) {
                let planned = reorder_plan(&from, &to, &self.env)?;
                bytes = bytes.max(planned.scratch_bytes.next_multiple_of(64));
            }
        }
        self.reorder_bytes = bytes;
        self.operands.iter_mut().for_each(|o| o.place(&mut bytes));
        Ok(Planned::new(self.nest(), bytes, self))
    }

    fn nest(&self) -> String {
        let staged = [":staged-in", "", ":staged-out"].iter().zip(&self.operands);
        let staged: String = staged
            .filter(|(_, o)| o.staged.is_some())
            .map(|(s, _)| *s)
            .collect();
        let mut shapes = self.cut.shapes.clone();
        shapes.sort_by_key(|s| -s.m * s.k);
        let shapes: Vec<String> = (shapes.iter())
            .map(|s| format!("{}{:?}x{}", s.m, s.along, s.k).to_lowercase())
            .collect();
        format!(
            "B{}P{}n{}r{}w{}:{}{staged}",
            self.split.0,
            self.split.1,
            self.images,
            self.rows,
            self.widths[0],
            shapes.join("+")
        )
    }

    /// The kernel of a shape for n columns, stored past the caches or not.
    pub fn spec(&self, shape: usize, n: i64, far: bool) -> Spec {
        let (s, [input, weights, output]) = (&self.cut.shapes[shape], &self.operands);
        let (a, b) = (input.md.dtype(), weights.md.dtype());
        let out = Out {
            expr: self.epilogues[shape].expr.clone(),
            d: output.md.dtype(),
            d_row_bytes: s.d_row,
        };
        if let Some(mix) = self.mix {
            let (m, n) = (s.m as usize, n as usize);
            return Spec::Depthwise(Depthwise {
                taps: s.k.max(1) as usize,
                fresh: usize::from(self.fresh),
                a_row_bytes: s.a_row,
                a_tap_bytes: s.taps.0[0],
                b_tap_bytes: s.taps.0[1],
                places: s.taps.1,
                mix,
                far,
                ..Depthwise::new(self.env.isa, [m, n], [a, b], out)
            });
        }
        let sizes = [s.m, n, s.k.max(1)].map(|size| size as usize);
        let single = self.streams(shape);
        Spec::Brgemm(Brgemm {
            a_row_bytes: s.a_row,
            b_group_bytes: self.b_group_bytes,
            batch: if single { Batch::ONE } else { Batch::Offset },
            ..Brgemm::new(self.env.isa, sizes, [a, b], out)
        })
    }

    /// Whether most of the input is met for the first time by calls of a shape, so that their kernel had better fetch it
    /// ahead: those of a single block do.
    pub fn streams(&self, shape: usize) -> bool {
        const FEW_PANELS: usize = 4;
        self.cut.shapes[shape].single && self.mix.is_none() && self.panels.len() <= FEW_PANELS
    }
}

/// The reorders that an operand may need: into scratch, and out of it.
pub(super) fn reorders(operand: &Operand) -> Vec<(MemoryDesc, MemoryDesc)> {
    let both = |(user, _): (MemoryDesc, usize)| vec![(user, operand.md), (operand.md, user)];
    operand.staged.map_or(Vec::new(), both)
}

pub(super) fn reorder_plan(from: &MemoryDesc, to: &MemoryDesc, env: &Env) -> Result<Planned> {
    reorder::Desc {
        src: *from,
        dst: *to,
    }
    .plan(&Attr::default(), env)
}
