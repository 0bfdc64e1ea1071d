//! Convolutions: forward, backward by data, backward by weights (paper §2.2 to 2.4).
//!
//! Every pass is seen as a way between a large and a small side, `large = small * stride - pad + tap * dilation`, so that
//! deconvolutions are the same passes with the sides exchanged:
//!
//! | pass | convolution | deconvolution |
//! |---|---|---|
//! | forward | large to small | small to large |
//! | backward by data | small to large | large to small |
//! | backward by weights | both to weights | both to weights |
#![allow(unsafe_code)]

mod bands;
mod calls;
mod dense;
mod depthwise;
mod epilogues;
mod layout;
mod sides;
mod staging;
mod weights;
mod zero_point;

use super::epilogue::{self, arg};
use super::matrix::{accumulator, check_types, plain};
use super::{Env, Planned, Prop};
use crate::attr::Attr;
use crate::error::Result;
use crate::memory::{MAX_NDIMS, MemoryDesc};
use crate::plan::conv::Axis;
use crate::{invalid, knobs, require, supported};

/// Values by spatial dimension; the others are 0.
pub type Dims = [i64; MAX_NDIMS];

/// The operation; src, weights, bias and dst stand for their diffs where the pass computes or takes those. An absent bias
/// has `ndims == 0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub prop: Prop,
    /// The number of the algorithm asked for.
    pub alg: i32,
    /// Whether it is a deconvolution: the transpose of a convolution from dst to src.
    pub transposed: bool,
    pub src: MemoryDesc,
    pub weights: MemoryDesc,
    pub bias: MemoryDesc,
    pub dst: MemoryDesc,
    pub strides: Dims,
    /// As in the API: 0 is a dense kernel.
    pub dilates: Dims,
    pub pad_left: Dims,
    pub pad_right: Dims,
}

/// Values whose distance in bytes is counted in 64 bits.
const MOST_VALUES: i64 = 1 << 58;
/// Plans list blocks of them.
const MOST_CHANNELS: i64 = 1 << 24;

/// A way from one side to the other: forward or by data.
struct Pass<'a> {
    env: &'a Env,
    attr: &'a Attr,
    /// Depth, height, width.
    axes: [Axis; 3],
    to_large: bool,
    /// Whether attributes and bias apply.
    forward: bool,
    groups: i64,
    input: (i32, MemoryDesc),
    output: (i32, MemoryDesc),
    weights: MemoryDesc,
    bias: MemoryDesc,
    /// The weights' dimensions of the reduction and of the output's channels.
    dims: (usize, usize),
    /// Whether kernels see a copy of the input whose channels are padded to whole groups of the reduction.
    padded: bool,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        let planned = self.plan_pass(attr, env)?;
        let nests = planned.nest.split('>');
        nests.for_each(|nest| knobs::NEST.get().compare(nest));
        Ok(planned)
    }

    fn plan_pass(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        self.check()?;
        let (what, forward) = (self.name(), self.prop.is_forward());
        let (src, weights, dst) = (&self.src, &self.weights, &self.dst);
        let ints = [src, weights, dst].map(|md| md.dtype().is_int());
        let (quantised, offset): (&[i32], &[i32]) = match forward {
            true => (&[arg::SRC, arg::WEIGHTS, arg::DST], &[arg::SRC, arg::DST]),
            false => (&[], &[]),
        };
        epilogue::check_attr(attr, accumulator(src.dtype()), quantised, offset)?;
        supported!(
            ints[0] || !attr.zero_points.contains_key(&arg::SRC),
            "{what}: floats have no zero point"
        );
        supported!(
            forward || ints == [false; 3],
            "{what}: integers have no gradients"
        );
        supported!(
            forward || attr.post_ops.is_empty(),
            "{what}: backward passes take no post-ops"
        );
        let types = |a, b, d| check_types(what, a, b, d);
        match self.prop {
            Prop::BackwardWeights => {
                types(src, dst, weights)?;
                self.backward_weights(attr, env)
            }
            Prop::BackwardData => {
                types(dst, weights, src)?;
                self.pass(attr, env)?.plan()
            }
            _ if forward => {
                types(src, weights, dst)?;
                self.pass(attr, env)?.plan()
            }
            prop => Err(invalid!("{what}: {} is not a pass of it", prop.name())),
        }
    }

    fn name(&self) -> &'static str {
        match self.transposed {
            true => "deconvolution",
            false => "convolution",
        }
    }

    /// The name of the algorithm.
    pub fn alg_name(&self) -> &'static str {
        match self.alg {
            1 => "convolution_direct",
            2 => "convolution_winograd",
            10 => "deconvolution_direct",
            _ => "deconvolution_winograd",
        }
    }

    fn grouped(&self) -> bool {
        self.weights.dims().len() > self.src.dims().len()
    }

    /// The number of groups.
    pub fn groups(&self) -> i64 {
        match self.grouped() {
            true => self.weights.dims[0],
            false => 1,
        }
    }

    fn pass<'a>(&self, attr: &'a Attr, env: &'a Env) -> Result<Pass<'a>> {
        let forward = self.prop.is_forward();
        let (src, dst) = (self.src, self.dst);
        let (input, output) = match forward {
            true => ((arg::SRC, src), (arg::DST, dst)),
            false => ((arg::DIFF_DST, dst), (arg::DIFF_SRC, src)),
        };
        let first = usize::from(self.grouped());
        // Weights are (output channels, input channels) of the forward pass.
        let (of_dst, of_src) = (first, first + 1);
        Ok(Pass {
            env,
            attr,
            axes: self.axes(),
            to_large: forward == self.transposed,
            forward,
            groups: self.groups(),
            input,
            output,
            weights: self.weights,
            bias: plain(&self.bias)?,
            dims: match forward {
                true => (of_src, of_dst),
                false => (of_dst, of_src),
            },
            padded: false,
        })
    }

    /// The sides in space: large, small.
    fn sides(&self) -> (&MemoryDesc, &MemoryDesc) {
        match self.transposed {
            true => (&self.dst, &self.src),
            false => (&self.src, &self.dst),
        }
    }

    /// The taps along spatial dimension i.
    pub fn taps(&self, i: usize) -> i64 {
        self.weights.dims[2 + usize::from(self.grouped()) + i]
    }

    /// Depth, height, width; those that the tensors lack are points.
    fn axes(&self) -> [Axis; 3] {
        let (large, small) = self.sides();
        let spatial = large.dims().len() - 2;
        let mut axes = [Axis::POINT; 3];
        for (i, axis) in axes[3 - spatial..].iter_mut().enumerate() {
            *axis = Axis {
                large: large.dims[2 + i],
                small: small.dims[2 + i],
                taps: self.taps(i),
                stride: self.strides[i],
                dilation: self.dilates[i] + 1,
                pad: self.pad_left[i],
            };
        }
        axes
    }

    fn check(&self) -> Result<()> {
        let (what, nd, dst) = (self.name(), self.src.dims().len(), self.dst.dims().len());
        require!(
            (3..=5).contains(&nd) && dst == nd,
            "{what}: src has {nd} dims (3 to 5), dst {dst} (as src)"
        );
        let given = self.weights.dims().len();
        require!(
            given == nd || given == nd + 1,
            "{what}: weights have {given} dims, {nd} are needed, {} with groups",
            nd + 1
        );
        let mut mds = [&self.src, &self.weights, &self.dst, &self.bias].into_iter();
        supported!(
            !mds.any(MemoryDesc::has_runtime),
            "{what}: all dims must be known at creation"
        );
        self.check_channels()?;
        (0..nd - 2).try_for_each(|i| self.check_axis(i))
    }

    fn check_channels(&self) -> Result<()> {
        let what = self.name();
        let [s, d, w] = [&self.src, &self.dst, &self.weights].map(MemoryDesc::dims);
        require!(
            s[0] == d[0],
            "{what}: minibatch is {} in src, {} in dst",
            s[0],
            d[0]
        );
        let groups = self.groups();
        require!(groups > 0, "{what}: weights have 0 groups");
        let first = usize::from(self.grouped());
        for (name, all, each) in [("src", s[1], w[first + 1]), ("dst", d[1], w[first])] {
            require!(
                all % groups == 0,
                "{what}: {groups} groups do not divide the {all} channels of {name}"
            );
            require!(
                all == groups * each,
                "{what}: {name} has {all} channels, weights have {groups} groups of {each}"
            );
        }
        let bias = self.bias.dims();
        require!(
            bias.is_empty() || bias == [d[1]],
            "{what}: bias has dims {bias:?}, dst has {} channels",
            d[1]
        );
        let channels = s[1].max(d[1]);
        supported!(
            channels <= MOST_CHANNELS,
            "{what}: {channels} channels are more than can be planned, {MOST_CHANNELS}"
        );
        Ok(())
    }

    fn check_axis(&self, i: usize) -> Result<()> {
        let axis = ["depth", "height", "width"][5 - self.src.dims().len() + i];
        let what = format!("{} along the {axis}", self.name());
        let (large, small) = self.sides();
        let (large, small, taps) = (large.dims[2 + i], small.dims[2 + i], self.taps(i));
        let (stride, dilate) = (self.strides[i], self.dilates[i]);
        let (left, right) = (self.pad_left[i], self.pad_right[i]);
        require!(
            stride >= 1,
            "{what}: the stride is {stride}, at least 1 is needed"
        );
        require!(dilate >= 0, "{what}: the dilation is {dilate}, negative");
        require!(
            left >= 0 && right > -stride,
            "{what}: the padding is {left} and {right}, negative"
        );
        require!(taps >= 1, "{what}: the kernel has no taps");
        let reach = (i128::from(dilate) + 1) * (i128::from(taps) - 1) + 1;
        let padded = [large, left, right].map(i128::from).iter().sum::<i128>();
        require!(
            reach <= padded,
            "{what}: the kernel reaches over {reach}, the padded input has {padded}"
        );
        let expected = (padded - reach) / i128::from(stride) + 1;
        require!(
            i128::from(small) == expected,
            "{what}: ({large} + {left} + {right} - {reach}) / {stride} + 1 = {expected}, but the smaller side has {small}"
        );
        let apart = |md: &MemoryDesc| md.nelems() / md.dims[2 + i].max(1);
        let far = |md: &MemoryDesc| apart(md).max(md.strides[2 + i]) as f64;
        let reach = reach.max(padded) as f64 + stride as f64;
        let values = (reach * far(&self.src).max(far(&self.dst))) as i64;
        supported!(
            values < MOST_VALUES,
            "{what}: the kernel, padding and stride reach over {values} values, more than can be addressed"
        );
        Ok(())
    }
}
