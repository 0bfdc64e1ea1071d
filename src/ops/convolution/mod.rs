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
mod weights;
mod zero_point;

use super::epilogue::{self, arg};
use super::matrix::{accumulator, check_types, plain};
use super::{Env, Planned, Prop};
use crate::attr::Attr;
use crate::error::Result;
use crate::memory::{MAX_NDIMS, MemoryDesc};
use crate::plan::conv::Axis;
use crate::{ensure, invalid, knobs, supported, unimplemented_here};

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

/// Pixels, channels and taps: plans list pieces of them, and more would fill the memory with such lists. Floats, since products
/// of dims may overflow.
const MOST: [f64; 3] = [4294967296.0, 16777216.0, 1048576.0];

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
    /// Whether the copy is framed by as many zeros as taps meet around it.
    framed: bool,
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
        let forward = self.prop.is_forward();
        let acc = accumulator(self.src.dtype());
        if forward {
            let quantised = [arg::SRC, arg::WEIGHTS, arg::DST];
            epilogue::check_attr(attr, acc, &quantised, &[arg::SRC, arg::DST])?;
            ensure!(
                self.src.dtype().is_int() || !attr.zero_points.contains_key(&arg::SRC),
                unimplemented_here!("{}: floats have no zero point", self.name())
            );
        } else {
            epilogue::check_attr(attr, acc, &[], &[])?;
            ensure!(
                [&self.src, &self.weights, &self.dst]
                    .iter()
                    .all(|md| !md.dtype().is_int()),
                unimplemented_here!("{}: integers have no gradients", self.name())
            );
            ensure!(
                attr.post_ops.is_empty(),
                unimplemented_here!("{}: backward passes take no post-ops", self.name())
            );
        }
        match self.prop {
            Prop::BackwardWeights => {
                check_types(self.name(), &self.src, &self.dst, &self.weights)?;
                self.backward_weights(attr, env)
            }
            Prop::BackwardData => {
                check_types(self.name(), &self.dst, &self.weights, &self.src)?;
                self.pass(attr, env)?.plan()
            }
            _ if forward => {
                check_types(self.name(), &self.src, &self.weights, &self.dst)?;
                self.pass(attr, env)?.plan()
            }
            prop => Err(invalid!(
                "{}: {} is not a pass of it",
                self.name(),
                prop.name()
            )),
        }
    }

    fn name(&self) -> &'static str {
        if self.transposed {
            "deconvolution"
        } else {
            "convolution"
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
        if self.grouped() {
            self.weights.dims[0]
        } else {
            1
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
            dims: if forward {
                (of_src, of_dst)
            } else {
                (of_dst, of_src)
            },
            padded: false,
            framed: false,
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
        let (what, nd) = (self.name(), self.src.dims().len());
        ensure!(
            (3..=5).contains(&nd) && self.dst.dims().len() == nd,
            invalid!(
                "{what}: src has {nd} dims (3 to 5), dst {} (as src)",
                self.dst.dims().len()
            )
        );
        let given = self.weights.dims().len();
        ensure!(
            given == nd || given == nd + 1,
            invalid!(
                "{what}: weights have {given} dims, {nd} are needed, {} with groups",
                nd + 1
            )
        );
        for md in [&self.src, &self.weights, &self.dst, &self.bias] {
            ensure!(
                !md.has_runtime(),
                unimplemented_here!("{what}: all dims must be known at creation")
            );
        }
        self.check_channels()?;
        (0..nd - 2).try_for_each(|i| self.check_axis(i))
    }

    fn check_channels(&self) -> Result<()> {
        let (what, s, d, w) = (
            self.name(),
            self.src.dims(),
            self.dst.dims(),
            self.weights.dims(),
        );
        ensure!(
            s[0] == d[0],
            invalid!("{what}: minibatch is {} in src, {} in dst", s[0], d[0])
        );
        let groups = self.groups();
        ensure!(groups > 0, invalid!("{what}: weights have 0 groups"));
        let first = usize::from(self.grouped());
        for (name, all, each) in [("src", s[1], w[first + 1]), ("dst", d[1], w[first])] {
            ensure!(
                all % groups == 0,
                invalid!("{what}: {groups} groups do not divide the {all} channels of {name}")
            );
            ensure!(
                all == groups * each,
                invalid!(
                    "{what}: {name} has {all} channels, weights have {groups} groups of {each}"
                )
            );
        }
        let bias = self.bias.dims();
        ensure!(
            bias.is_empty() || bias == [d[1]],
            invalid!("{what}: bias has dims {bias:?}, dst has {} channels", d[1])
        );
        let volume = |dims: &[i64]| dims.iter().map(|&n| n as f64).product::<f64>();
        let pixels = volume(&self.sides().0.dims()[2..]);
        let sizes = [pixels, s[1].max(d[1]) as f64, volume(&w[first + 2..])];
        supported!(
            sizes.iter().zip(MOST).all(|(size, most)| *size <= most),
            "{what}: {sizes:?} pixels, channels and taps are more than can be planned, {MOST:?}"
        );
        Ok(())
    }

    fn check_axis(&self, i: usize) -> Result<()> {
        let (what, axis) = (
            self.name(),
            ["depth", "height", "width"][5 - self.src.dims().len() + i],
        );
        let (large, small) = self.sides();
        let (large, small, taps) = (large.dims[2 + i], small.dims[2 + i], self.taps(i));
        let (stride, dilate) = (self.strides[i], self.dilates[i]);
        let (left, right) = (self.pad_left[i], self.pad_right[i]);
        ensure!(
            stride >= 1,
            invalid!("{what}: the stride along the {axis} is {stride}, at least 1 is needed")
        );
        ensure!(
            dilate >= 0,
            invalid!("{what}: the dilation along the {axis} is {dilate}, negative")
        );
        ensure!(
            left >= 0 && right > -stride,
            invalid!("{what}: the padding along the {axis} is {left} and {right}, negative")
        );
        ensure!(taps >= 1, invalid!("{what}: the kernel has no {axis}"));
        let most = i128::from(i64::MAX / 16);
        let reach = (i128::from(dilate) + 1) * (i128::from(taps) - 1) + 1;
        ensure!(
            reach <= most,
            invalid!(
                "{what}: a kernel of {taps} with dilation {dilate} along the {axis} overflows"
            )
        );
        let padded = [large, left, right].map(i128::from).iter().sum::<i128>();
        ensure!(
            padded <= most,
            invalid!("{what}: {large} with padding {left} and {right} along the {axis} overflows")
        );
        ensure!(
            reach <= padded,
            invalid!(
                "{what}: the kernel reaches over {reach} along the {axis}, the padded input has {padded}"
            )
        );
        let expected = (padded - reach) / i128::from(stride) + 1;
        ensure!(
            i128::from(small) == expected,
            invalid!(
                "{what}: along the {axis}, ({large} + {left} + {right} - {reach}) / {stride} + 1 = {expected}, but the smaller side has {small}"
            )
        );
        Ok(())
    }
}
