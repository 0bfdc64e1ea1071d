//! Where taps meet the input along one axis (Georganas et al., 2019, §2.2 and 2.3).
//!
//! A convolution relates a large space to a small one: `large = small * stride - pad + tap * dilation`. The outputs of an
//! axis are cut into [`Run`]s that meet the same taps, so that padding is never multiplied: the rim gets calls with fewer
//! taps. The way from small to large (the gradient by the source) has one class of outputs for each remainder by the
//! stride, each a dense problem with its own taps.

use super::{Result, check_listed};

/// One spatial axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Size of the larger side: the source of a convolution.
    pub large: i64,
    /// Size of the smaller side.
    pub small: i64,
    /// Size of the kernel.
    pub taps: i64,
    /// Distance of neighbouring places of the kernel.
    pub stride: i64,
    /// Distance of neighbouring taps, 1 for a dense kernel.
    pub dilation: i64,
    /// Padding before the first element.
    pub pad: i64,
}

/// A tap of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Its place in the kernel.
    pub at: i64,
    /// The input index that the run's first output meets through it.
    pub from: i64,
}

/// Evenly spaced outputs of one axis that meet the same taps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Index of the first output.
    pub first: i64,
    /// Distance of the outputs.
    pub step: i64,
    /// How many there are.
    pub count: i64,
    /// Distance of the inputs that neighbouring outputs meet.
    pub in_step: i64,
    /// The taps that all of them meet.
    pub taps: Vec<Tap>,
}

impl Axis {
    /// An axis that is not there.
    pub const POINT: Axis = Axis {
        large: 1,
        small: 1,
        taps: 1,
        stride: 1,
        dilation: 1,
        pad: 0,
    };

    /// The runs of outputs on the large or the small side; whole ones have all taps, also where these meet padding.
    pub fn runs(&self, to_large: bool, whole: bool) -> Result<Vec<Run>> {
        check_listed(8.0 * self.stride.min(self.large) as f64 + self.taps as f64)?;
        let (runs, size) = match to_large {
            true => (self.whole_to_large(), self.small),
            false => (vec![self.whole_to_small()], self.large),
        };
        let cut = |run: Run| if whole { Ok(vec![run]) } else { run.cut(size) };
        let runs: Result<Vec<_>> = runs.into_iter().map(cut).collect();
        Ok(runs?.into_iter().flatten().collect())
    }

    /// The index on the large side that a place on the small one meets through a tap.
    pub fn far(&self, small: i64, tap: i64) -> i64 {
        small * self.stride - self.pad + tap * self.dilation
    }

    fn whole_to_small(&self) -> Run {
        let tap = |at| Tap {
            at,
            from: self.far(0, at),
        };
        Run {
            in_step: self.stride,
            taps: (0..self.taps).map(tap).collect(),
            ..Run::of(self.small)
        }
    }

    fn whole_to_large(&self) -> Vec<Run> {
        let class = |first: i64| Run {
            first,
            step: self.stride,
            ..Run::of((self.large - first + self.stride - 1) / self.stride)
        };
        let mut runs: Vec<Run> = (0..self.stride.min(self.large)).map(class).collect();
        // In the order of the inputs, which are read forward.
        for at in (0..self.taps).rev() {
            let first = self.far(0, at).rem_euclid(self.stride);
            if let Some(run) = runs.get_mut(first as usize) {
                let from = (first - self.far(0, at)) / self.stride;
                run.taps.push(Tap { at, from });
            }
        }
        runs
    }

    /// Whether one tap meets one place in `stride`, and no padding on either side.
    pub fn is_pointwise(&self) -> bool {
        self.taps == 1 && self.pad == 0 && (self.small - 1) * self.stride < self.large
    }

    /// For a tap, the indices on the small side that meet the large side inside: first and one past the last.
    pub fn met(&self, tap: i64) -> (i64, i64) {
        inside(self.far(0, tap), self.stride, self.small, self.large)
    }
}

/// The i of 0..count for which `from + i * step` lies in 0..size.
fn inside(from: i64, step: i64, count: i64, size: i64) -> (i64, i64) {
    let first = (-from.div_euclid(step)).clamp(0, count);
    let end = ((size - 1 - from).div_euclid(step) + 1).clamp(first, count);
    (first, end)
}

impl Run {
    /// So many neighbours that meet one input each.
    pub fn of(count: i64) -> Run {
        Run {
            first: 0,
            step: 1,
            count,
            in_step: 1,
            taps: Vec::new(),
        }
    }

    /// Cut where a tap enters or leaves the input of the given size.
    fn cut(self, size: i64) -> Result<Vec<Run>> {
        let met = |tap: &Tap| (*tap, inside(tap.from, self.in_step, self.count, size));
        let met: Vec<_> = self.taps.iter().map(met).collect();
        let mut cuts: Vec<i64> = (met.iter())
            .filter(|(_, (first, end))| first < end)
            .flat_map(|(_, (first, end))| [*first, *end])
            .chain([0, self.count])
            .collect();
        cuts.sort_unstable();
        cuts.dedup();
        check_listed(self.step as f64 * cuts.len() as f64 * met.len() as f64)?;
        let part = |ends: &[i64]| {
            let (start, end) = (ends[0], ends[1]);
            let whole = |(_, met): &&(Tap, (i64, i64))| met.0 <= start && end <= met.1;
            let shifted = |(tap, _): &(Tap, _)| Tap {
                at: tap.at,
                from: tap.from + start * self.in_step,
            };
            Run {
                first: self.first + start * self.step,
                count: end - start,
                taps: met.iter().filter(whole).map(shifted).collect(),
                ..self
            }
        };
        Ok(cuts.windows(2).map(part).collect())
    }
}
