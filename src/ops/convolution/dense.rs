//! Forward and backward by data: the nest that runs a space cut into calls over images and panels of output channels.
//!
//! The calls of a block read a piece of the input that stays in the second-level cache while all panels of weights pass.
//! Layouts that kernels cannot read are staged: reordered in scratch, activations a few images at a time.

use super::Pass;
use super::epilogues::Epilogues;
use super::layout::{
    Panels, channel_run, channels_last, framed, in_blocks, panels, spatial_strides, strides,
    with_gaps, without_gaps,
};
use super::staging::{Operand, Staging};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::spec::{Batch, Brgemm, Depthwise, Mix, Out, Spec};
use crate::knobs;
use crate::machine::machine;
use crate::memory::MemoryDesc;
use crate::ops::epilogue::{Binding, Epilogue, arg};
use crate::ops::sequence::Sequence;
use crate::ops::{Arg, Env, Planned};
use crate::plan::conv::{self, Along, Axis, Calls, Cut, Run, Shape, Space};
use crate::plan::place::Place;
use std::sync::Arc;

pub(super) const INPUT: usize = 0;
pub(super) const OUTPUT: usize = 2;

/// Rows of a depthwise call whose pixels are longer than a cache line: so few that all their channels are read in order.
const FEW_PIXELS: i64 = 14;
const CACHE_LINE: i64 = 64;
/// Taps of a row that a depthwise kernel walks over: they take registers.
pub(super) const MOST_WALKED: i64 = 8;

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
pub(super) struct Dense {
    pub env: Env,
    /// How channels meet where they do not mix, or only in narrow groups.
    pub mix: Option<Mix>,
    /// As of the space.
    pub fresh: bool,
    /// Whether outputs leave the caches before anybody reads them, and whole cache lines of them are stored.
    pub far: bool,
    /// Input, weights, output.
    pub staging: Staging<3>,
    pub cut: Cut,
    pub panels: Vec<Panel>,
    /// Columns of whole panels and of the last one.
    pub widths: [i64; 2],
    /// One for each shape of the cut.
    pub epilogues: Vec<Epilogue>,
    /// Bytes between groups of the reduction in the weights.
    pub b_group_bytes: i64,
    /// Rows of the image in a block of calls.
    pub rows: i64,
    /// Parts of the blocks of calls, and of the panels.
    pub split: (usize, usize),
    /// The operand that holds sums of weights, a row for each cuboid.
    pub sums: Option<usize>,
}

impl Pass<'_> {
    pub(super) fn plan(mut self) -> Result<Planned> {
        self.input.1 = self.resolve(&self.input.1)?;
        self.output.1 = self.resolve(&self.output.1)?;
        let (user, images) = ([self.input.1, self.output.1], self.images());
        let (written, output_copy, out_run) = self.seen_output()?;
        let (input_copy, in_run) = self.seen_input(images)?;
        let k = self.together().0;
        let ideal = self.panel_layout(in_run)?;
        if self.weights.is_any() {
            self.weights = ideal;
        }
        let mut sequence = Sequence::default();
        let laid = [ideal, self.weights][usize::from(self.reads_weights(k, in_run))];
        let weights = sequence.read(self.env, (1, &self.weights), &laid)?;
        let mut args = self.arguments(user);
        let operands = [
            Operand::new(0, &self.input.1, input_copy).in_blocks(images),
            Operand::new(weights, &laid, None),
            Operand::new(args.len() - 1, &written, output_copy).in_blocks(images),
        ];
        let runs = (in_run, out_run);
        let dense = self.dense(operands, runs, (&mut args, &mut sequence))?;
        let planned = Planned::new(dense.nest(), dense.staging.scratch_bytes, Arc::new(dense));
        sequence.finish(args, planned, self.env)
    }

    /// The layout in which kernels see a copy of the input, if not as it lies, and how many of its channels they take at once.
    fn seen_input(&mut self, images: i64) -> Result<(Option<MemoryDesc>, i64)> {
        let (input, (k, n)) = (self.input.1, self.together());
        let run = channel_run(&input, k, true);
        let run = run.filter(|_| k == input.dims[1] || !input.is_padded());
        let mut copy = run.is_none().then(|| channels_last(&input)).transpose()?;
        if run.is_some() && !self.to_large && conv::skips(&self.axes) {
            self.input.1 = without_gaps(&mut self.axes, input);
            if conv::are_scattered(&self.axes, n) {
                copy = Some(channels_last(&self.input.1)?);
            }
        }
        self.padded = self.pads();
        let k = self.together().0;
        if self.padded {
            copy = Some(in_blocks(&self.input.1, k)?);
        }
        if let Some(frame) = self.frame(images) {
            copy = Some(framed(&self.input.1, frame)?);
        }
        let run = run.filter(|_| copy.is_none());
        Ok((copy, run.unwrap_or(k)))
    }

    /// The output's layout, that in which kernels see a copy of it, and how many of its channels they take at once. Where most
    /// outputs meet nothing and sums of nothing are zeros, the copy has the others, and the gaps count as padding.
    fn seen_output(&mut self) -> Result<(MemoryDesc, Option<MemoryDesc>, i64)> {
        let (output, n) = (self.output.1, self.together().1);
        if self.leaves_gaps() {
            let user = with_gaps(&self.axes, output);
            self.output.1 = without_gaps(&mut self.axes, output);
            return Ok((user, Some(channels_last(&self.output.1)?), n));
        }
        let run = channel_run(&output, n, false);
        let copy = run.is_none().then(|| channels_last(&output));
        Ok((output, copy.transpose()?, run.unwrap_or(n)))
    }

    /// Whether the output is one of few short rows with gaps of zeros behind every pixel, in a layout that can say so.
    fn leaves_gaps(&self) -> bool {
        let (attr, md, k) = (self.attr, &self.output.1, self.together().0);
        let zeros =
            self.bias.is_absent() && attr.post_ops.is_empty() && attr.zero_points.is_empty();
        let even = self.axes.iter().all(|a| a.large == a.small * a.stride);
        let pays = conv::skips(&self.axes) && conv::are_scattered(&self.axes, k);
        self.to_large && zeros && even && pays && md.blocks().all(|(dim, _)| dim == 1)
    }

    /// The frame of zeros that a copy of the input gets, where that beats a rim.
    fn frame(&self, images: i64) -> Option<[(i64, i64); 3]> {
        let few = images < conv::TILE_ROWS && self.channels().1 >= conv::MANY_CHANNELS;
        let frames = few && self.merged() == 1 && !self.padded && !self.has_zero_point();
        let frame = || conv::frame(&self.axes, self.to_large);
        frames.then(frame).flatten()
    }

    fn arguments(&self, [input, output]: [MemoryDesc; 2]) -> Vec<Arg> {
        let mut args = vec![
            Arg::input(self.input.0, input),
            Arg::input(arg::WEIGHTS, self.weights),
        ];
        if self.forward && !self.bias.is_absent() {
            args.push(Arg::input(arg::BIAS, self.bias));
        }
        args.push(Arg::output(self.output.0, output));
        args
    }

    /// How many images are computed together.
    pub(super) fn images(&self) -> i64 {
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
        runs: (i64, i64),
        (args, sequence): (&mut Vec<Arg>, &mut Sequence),
    ) -> Result<Dense> {
        let ((k, n), (in_run, out_run)) = (self.together(), runs);
        let [input, weights, output] = &operands;
        let (laid, mix) = self.laid(&weights.md, output.md.dtype(), runs);
        let group_bytes =
            laid.width * (weights.md.dtype().vnni() * weights.md.dtype().size_bytes()) as i64;
        let chunk = laid.run.min(in_run).min(k);
        let width = match out_run < n {
            true => gcd(laid.width, out_run),
            false => laid.width.min(n).max(1),
        };
        let mut space = self.space(&operands, chunk, group_bytes)?;
        let sums = self.has_zero_point().then(|| {
            let rows = space.cuboids()?.len();
            sequence.buffer(4 * rows * output.md.dims[1] as usize)
        });
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
        let bytes = [weights.md.size_bytes(), machine().l2_bytes].map(|n| n as i64);
        let (rows, columns) = space.block(bytes[0], bytes[1]);
        let rows = knobs::NEST.get().or('r', rows, |_| true);
        let cut = space.cut(rows, columns)?;
        if cut.shapes.is_empty() {
            // Unfit attributes are refused also where no kernel is called.
            epilogues.along(Along::Width)?;
        }
        let of_shapes = cut.shapes.iter().map(|shape| epilogues.of(shape));
        let epilogues: Vec<Epilogue> = of_shapes.collect::<Result<_>>()?;
        let reads = epilogues.iter().any(|e| e.expr.reads_dst());
        let ways = [(INPUT, false), (OUTPUT, true), (OUTPUT, false)];
        let ways = &ways[..2 + usize::from(reads)];
        let blocks = self.input.1.dims[0] / input.md.dims[0].max(1);
        let mut dense = Dense {
            env: *self.env,
            mix,
            fresh: space.fresh(),
            far: self.is_far(output, width),
            panels: self.panels([input, weights, output].map(|o| &o.md), width),
            widths: [width, n % width],
            cut,
            epilogues,
            b_group_bytes: group_bytes,
            rows,
            split: (1, 1),
            sums: None,
            staging: Staging::new(self.env, operands, blocks, ways)?,
        };
        if let Some(entry) = sums {
            // All bind the same operands, though some of them copies.
            let is_sums = |b: &Binding| b.index == entry;
            let first = dense.epilogues.first();
            dense.sums = first.and_then(|e| e.bindings.iter().position(is_sums));
            let sums = dense.tap_sums(sequence, entry)?;
            sequence.push(sums);
        }
        dense.split = dense.split(self.output.1.nelems().saturating_mul(2 * self.channels().0));
        Ok(dense)
    }

    /// The panels of weights as kernels read them, and how channels meet where not all of them do.
    fn laid(
        &self,
        weights: &MemoryDesc,
        output: DataType,
        (in_run, out_run): (i64, i64),
    ) -> (Panels, Option<Mix>) {
        if self.merged() == 1 {
            let laid = panels(weights, self.dims).expect("staged weights lie in panels");
            return (laid, None);
        }
        let ((k, n), columns) = (self.channels(), self.together().1);
        let (width, mix) = match self.is_depthwise() {
            true => (narrowed(gcd(in_run, out_run), output), Mix::Equal),
            false => {
                let bytes = (weights.dtype().vnni() * weights.dtype().size_bytes()) as i64;
                let groups = Mix::Groups {
                    group: n as usize,
                    k: k as usize,
                    b_group_bytes: columns * bytes,
                };
                (columns, groups)
            }
        };
        (Panels { width, run: k }, Some(mix))
    }

    fn space(&self, operands: &[Operand; 3], chunk: i64, group_bytes: i64) -> Result<Space> {
        let framed = operands[INPUT].is_framed();
        let [input, weights, output] = operands.each_ref().map(|o| &o.md);
        let ((k, _), [depth, height, width]) = (self.channels(), &self.axes);
        let taps = spatial_strides(weights, self.dims.0.max(self.dims.1) + 1);
        let (in_place, w_place) = (Place::whole(input), Place::whole(weights));
        let channels = (0..k).step_by(chunk.max(1) as usize).map(|c| {
            let in_weights = w_place.from_first(&[(self.dims.0, c)]);
            (in_place.from_first(&[(1, c)]), in_weights)
        });
        let v = weights.dtype().vnni() as i64;
        let in_size = input.dtype().size_bytes() as i64;
        let walks = self.merged() > 1 && width.taps <= MOST_WALKED;
        let pitch = strides(input)[3];
        let joined = walks
            || chunk == k
                && k % v == 0
                && !self.to_large
                && width.dilation == 1
                && pitch == k * in_size
                && taps[2] == k / v * group_bytes;
        let runs = |axis: &Axis, whole: bool| match self.output.1.has_zero_dim() {
            true => Ok(Vec::new()),
            false => axis.runs(self.to_large, framed || whole),
        };
        Ok(Space {
            runs: [
                vec![Run::of(input.dims[0])],
                runs(depth, false)?,
                runs(height, false)?,
                runs(width, walks)?,
            ],
            input: strides(input),
            output: strides(output),
            taps,
            channels: channels.collect(),
            k: if walks { 1 } else { chunk },
            joined,
            walked: walks.then_some([width.large, width.small][usize::from(self.to_large)]),
            pixel_bytes: pitch.max(k * in_size),
            longest: match self.is_depthwise() && pitch > CACHE_LINE {
                true => FEW_PIXELS,
                false => i64::MAX,
            },
            planes: true,
        })
    }

    /// Whether the tensors do not fit the caches together, and panels of the output are whole, aligned cache lines.
    fn is_far(&self, output: &Operand, width: i64) -> bool {
        let (input, user, md) = (&self.input.1, &self.output.1, &output.md);
        let size = md.dtype().size_bytes() as i64;
        let whole = |bytes: i64| bytes % CACHE_LINE == 0;
        self.merged() > 1
            && matches!(md.dtype(), DataType::F32 | DataType::Bf16)
            && input.size_bytes() + user.size_bytes() > machine().l3_bytes
            && output.copy.is_none()
            && strides(md).into_iter().all(whole)
            && whole(width * size)
            && whole(md.dims[1] * size)
    }

    fn panels(&self, operands: [&MemoryDesc; 3], width: i64) -> Vec<Panel> {
        let ((k, each), (_, n)) = (self.channels(), self.together());
        let [input, weights, output] = operands.map(Place::whole);
        let panel = |(first, column): (i64, i64)| {
            let channel = first + column;
            let (group, within) = (channel / each, channel % each);
            Panel {
                a: input.from_first(&[(1, group * k)]),
                b: weights.from_first(&[(0, group), (self.dims.1, within)]),
                d: output.from_first(&[(1, channel)]),
                channel,
                tail: column + width > n,
            }
        };
        let starts = |end: i64, step: i64| (0..end).step_by(step.max(1) as usize);
        let of_groups = starts(self.groups * each, n);
        of_groups
            .flat_map(|first| starts(n, width).map(move |column| (first, column)))
            .map(panel)
            .collect()
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
    let last = if widths[1] == 0 { widths[0] } else { widths[1] };
    Ok([Kernel::get(&spec(widths[0]))?, Kernel::get(&spec(last))?])
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// As many parts as so many operations are worth: below some, waking another thread costs more than it saves.
pub(super) fn parts(env: &Env, flop: i64) -> i64 {
    const FLOP_PER_PART: i64 = 1 << 19;
    (flop / FLOP_PER_PART).clamp(1, env.threads as i64)
}

/// The most parts that somebody may ask for.
pub(super) const MOST_PARTS: i64 = 256;

impl Dense {
    /// The parts: blocks of calls first, panels where there are too few.
    fn split(&self, flop: i64) -> (usize, usize) {
        let taps = self.cut.cuboids.iter().map(|c| c.table.a.len());
        let taps = taps.max().unwrap_or(1);
        let parts = parts(&self.env, flop.saturating_mul(taps as i64));
        let units = (self.staging.together() * self.cut.ends.len() as i64).max(1);
        let balanced = |p: &i64| units % (parts / p) == 0 || units / (parts / p) >= 8;
        let mut cuts = (1..=parts).filter(|p| parts % p == 0);
        let by_panels = cuts.find(balanced).unwrap_or(parts);
        let given =
            |letter, parts| knobs::NEST.get().or(letter, parts, |n| n <= MOST_PARTS) as usize;
        (given('B', parts / by_panels), given('P', by_panels))
    }

    fn nest(&self) -> String {
        let mut shapes = self.cut.shapes.clone();
        shapes.sort_by_key(|s| -s.m * s.k);
        let text = |s: &Shape| format!("{}{:?}x{}", s.m, s.along, s.k);
        let shapes: Vec<_> = shapes.iter().map(text).collect();
        let shapes = shapes.join("+").to_lowercase();
        let ((blocks, panels), [width, _]) = (self.split, self.widths);
        let (images, rows, staged) = (self.staging.images(), self.rows, self.staging.ways());
        format!("B{blocks}P{panels}n{images}r{rows}w{width}:{shapes}{staged}")
    }

    /// The kernel of a shape for n columns, stored past the caches or not.
    pub fn spec(&self, shape: usize, n: i64, far: bool) -> Spec {
        let (s, [input, weights, output]) = (&self.cut.shapes[shape], &self.staging.operands);
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
            fetched_by: self.fetched_by(shape) as usize,
            fetches_d: self.is_beyond_l2(),
            ..Brgemm::new(self.env.isa, sizes, [a, b], out)
        })
    }

    /// Offset and number of the bytes of a panel of so many columns, where kernels ask what they are and so many calls of a
    /// block read them that looking at them ahead pays.
    pub fn known_bytes(&self, columns: i64) -> Option<(i64, i64)> {
        const SEVERAL: i64 = 4;
        let (cut, v) = (&self.cut, self.staging.operands[1].md.dtype().vnni() as i64);
        let calls = |c: &Calls| c.counts.iter().product::<i64>();
        let pays = cut.calls.iter().map(calls).sum::<i64>() >= SEVERAL * cut.ends.len() as i64;
        let ask = |s| matches!(s, Spec::Brgemm(b) if b.may_be_narrow());
        if columns == 0 || !pays || !ask(self.spec(0, columns, false)) {
            return None;
        }
        let (mut first, mut end) = (i64::MAX, 0);
        for c in &cut.calls {
            let groups = (cut.shapes[c.shape].k + v - 1) / v;
            for b in &cut.cuboids[c.cuboid].table.b {
                first = first.min(*b);
                end = end.max(b + (groups - 1) * self.b_group_bytes + columns * v);
            }
        }
        Some((first, (end - first).max(0)))
    }

    /// How many rows of a shape share fetching the next panel of weights in a block, where these fill the second-level cache: those
    /// of the shape with most products.
    fn fetched_by(&self, shape: usize) -> i64 {
        let (bytes, cache) = (self.staging.operands[1].md.size_bytes(), machine().l2_bytes);
        let panel = bytes / self.panels.len().max(1);
        if bytes < cache || !conv::leaves_room(panel as i64, cache as i64) {
            return 0;
        }
        let calls = &self.cut.calls[..self.cut.ends[0]];
        let rows = |shape: usize| {
            let of_shape = calls.iter().filter(|c| c.shape == shape);
            let calls: i64 = of_shape.map(|c| c.counts.iter().product::<i64>()).sum();
            calls * self.cut.shapes[shape].m
        };
        let work = |shape: &usize| rows(*shape) * self.cut.shapes[*shape].k;
        let most = (0..self.cut.shapes.len()).max_by_key(work);
        let shared = rows(shape);
        // A single tile would fetch as fast as it reads.
        let pays = most == Some(shape) && shared > conv::TILE_ROWS;
        if pays { shared } else { 0 }
    }

    /// Whether outputs are stored where they lie beyond the second-level cache.
    fn is_beyond_l2(&self) -> bool {
        let output = &self.staging.operands[OUTPUT];
        output.copy.is_none()
            && output.md.size_bytes() * self.staging.blocks as usize > machine().l2_bytes
    }

    /// Whether most of the input is met for the first time by calls of a shape, so that their kernel had better fetch it
    /// ahead: those of a single block do.
    pub fn streams(&self, shape: usize) -> bool {
        const FEW_PANELS: usize = 4;
        self.cut.shapes[shape].single && self.mix.is_none() && self.panels.len() <= FEW_PANELS
    }
}
