//! Which layouts the kernels read and write as they lie, which ones are staged, and what `any` becomes.

use super::Pass;
use super::dense::MOST_WALKED;
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::spec::Mix;
use crate::knobs;
use crate::machine::machine;
use crate::memory::MemoryDesc;
use crate::ops::Env;
use crate::ops::epilogue::arg;
use crate::plan::conv::{self, Axis};
use crate::plan::gemm;
use crate::plan::place::Place;

/// Bytes between neighbours along a dimension in units of so many, and over how many of its `total` elements they stay
/// the same.
fn spacing(place: &Place, dim: usize, unit: i64, total: i64) -> (i64, i64) {
    let at = |i: i64| place.from_first(&[(dim, i * unit)]);
    if total <= unit {
        return (0, total);
    }
    let pitch = at(1);
    // They stay so until a digit of another stride counts; digits that no unit fits are taken for such.
    let fits = |div: i64| div % unit == 0 || unit % div == 0;
    let even = |div: i64| fits(div) && at(div / unit) == div / unit * pitch;
    let digits = place.terms.iter().filter(|t| t.dim == dim && t.div < total);
    let end = digits.map(|t| t.div).filter(|div| !even(*div)).min();
    (pitch, end.map_or(total, |end| (end / unit).max(1) * unit))
}

/// Bytes between neighbours along image, depth, height and width.
pub(super) fn strides(md: &MemoryDesc) -> [i64; 4] {
    let [depth, height, width] = spatial_strides(md, 2);
    let image = md.strides[0] * md.dtype().size_bytes() as i64;
    [image, depth, height, width]
}

/// Bytes between neighbours along depth, height and width, which start at this dimension.
pub(super) fn spatial_strides(md: &MemoryDesc, first: usize) -> [i64; 3] {
    let (nd, size) = (md.dims().len(), md.dtype().size_bytes() as i64);
    std::array::from_fn(|i| match first + 3 <= nd + i {
        true => md.strides[nd + i - 3] * size,
        false => 0,
    })
}

/// Bytes between the channels of f32 planes of pixels, as far apart as kernels reach.
pub(super) fn plane_bytes(md: &MemoryDesc) -> Option<i64> {
    let walked = md.is_blocked() && !md.has_extra() && md.blocks().next().is_none();
    let (pitch, even) = spacing(&Place::whole(md), 1, 1, md.dims[1]);
    let reached = (5..1 << 25).contains(&pitch) && even >= md.dims[1];
    (walked && reached && md.dtype() == DataType::F32).then_some(pitch)
}

/// Channels that a kernel may take at once from groups of so many: runs of adjacent ones; none if they are not.
pub(super) fn channel_run(md: &MemoryDesc, group: i64, padding: bool) -> Option<i64> {
    let only_channels = md.blocks().all(|(dim, _)| dim == 1);
    if !md.is_blocked() || md.has_extra() || !only_channels || (md.is_padded() && !padding) {
        return None;
    }
    let (pitch, run) = spacing(&Place::whole(md), 1, 1, md.padded_dims[1]);
    let (whole, group) = (md.dims[1], group.max(1));
    let fits = run % group == 0 || group % run == 0 || group == whole;
    let adjacent = pitch == md.dtype().size_bytes() as i64 || md.padded_dims[1] == 1;
    (adjacent && fits).then_some(run.min(group))
}

/// Panels of weights as they lie: `[k / v][width][v]`, for runs of k.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    pub width: i64,
    /// Length of the reduction that lies in one piece.
    pub run: i64,
}

/// The widest panel that is read in place.
const WIDEST: i64 = 64;

pub(super) fn panels(md: &MemoryDesc, (k, n): (usize, usize)) -> Option<Panels> {
    if !md.is_blocked() || md.has_extra() || !md.blocks().all(|(dim, _)| dim == k || dim == n) {
        return None;
    }
    if md.has_zero_dim() {
        let run = md.dims[k];
        return Some(Panels { width: 1, run });
    }
    let (place, size) = (Place::whole(md), md.dtype().size_bytes() as i64);
    let (v, reduction) = (md.dtype().vnni() as i64, md.padded_dims[k]);
    let (column, mut width) = spacing(&place, n, 1, md.padded_dims[n]);
    if reduction == v && width > WIDEST {
        // Panels of one group are one run of columns, to be cut anywhere; blocks stay whole.
        width = match md.block_of(n) {
            1 => WIDEST,
            block => block.min(WIDEST),
        };
    }
    let (element, group) = spacing(&place, k, 1, reduction);
    let (group_bytes, run) = spacing(&place, k, v, reduction);
    let grouped = v == 1 || element == size && group >= v;
    let dense = reduction == v || group_bytes == width * v * size;
    let adjacent = md.padded_dims[n] == 1 || column == v * size;
    let fits = grouped && dense && adjacent && width <= WIDEST && reduction % v == 0;
    fits.then_some(Panels { width, run })
}

/// Panels of so many groups with so many columns each (0: all, without a block), whose reduction is padded to multiples of
/// `unit`.
pub(super) fn panel_tag(
    ndims: usize,
    (k, n): (usize, usize),
    (groups, width): (i64, i64),
    unit: i64,
    v: i64,
) -> String {
    let letter = |dim: usize| (b'a' + dim as u8) as char;
    let outer = |dim: usize, is_blocked: bool| match is_blocked {
        true => letter(dim).to_ascii_uppercase(),
        false => letter(dim),
    };
    let block = |size: i64, dim: usize| match size {
        0 => letter(dim).to_string(),
        1 => String::new(),
        _ => format!("{size}{}", letter(dim)),
    };
    let group = (k.min(n) > 0).then(|| outer(0, groups > 1));
    let columns = (width > 0).then(|| outer(n, true));
    let taps = (k.max(n) + 1..ndims).map(letter);
    let tag = group.into_iter().chain(columns).chain(taps);
    let tag: String = tag.chain([outer(k, unit > 1)]).collect();
    let columns = match width {
        1 => format!("1{}", letter(n)),
        _ => block(width, n),
    };
    let inner = [(unit / v, k), (groups, 0)].map(|(size, dim)| block(size, dim));
    format!("{tag}{}{columns}{}", inner.concat(), block(v, k))
}

impl Pass<'_> {
    /// Channels of a group in the input, as kernels see it, and in the output.
    pub(super) fn channels(&self) -> (i64, i64) {
        let [k, n] = [self.dims.0, self.dims.1].map(|dim| self.weights.dims[dim]);
        match self.padded {
            true => (k + (-k).rem_euclid(self.weights.dtype().vnni() as i64), n),
            false => (k, n),
        }
    }

    /// Whether the input has so few channels that the taps of a row had better be one reduction, once these are padded to whole
    /// groups of it.
    pub(super) fn pads(&self) -> bool {
        const FEW: i64 = 8;
        let (k, v) = (self.channels().0, self.weights.dtype().vnni() as i64);
        let walks_forward = !self.to_large && self.axes[2].dilation == 1;
        self.groups == 1 && k < FEW && k % v != 0 && self.axes[2].taps > 1 && walks_forward
    }

    /// Whether the input has a zero point.
    pub(super) fn has_zero_point(&self) -> bool {
        self.forward && self.attr.zero_points.contains_key(&arg::SRC)
    }

    /// Whether channels do not mix, in a kernel of so few taps that sums of bytes are exact in f32.
    pub(super) fn is_depthwise(&self) -> bool {
        let taps: i64 = self.axes.iter().map(|a| a.taps).product();
        self.groups > 1 && self.channels() == (1, 1) && taps <= 512 && !self.has_zero_point()
    }

    /// Groups whose channels share a call: all where these do not mix, as many as a panel holds where kernels can spread the
    /// inputs of narrow ones over it, else one.
    pub(super) fn merged(&self) -> i64 {
        if self.is_depthwise() {
            return self.groups;
        }
        let (k, n) = self.channels();
        let merged = Mix::COLUMNS as i64 / n.max(1);
        let types = [self.input.1.dtype(), self.weights.dtype()];
        let lie_right = |md: &MemoryDesc, each: i64| {
            channel_run(md, merged * each, false).is_none_or(|run| run == merged * each)
        };
        let fits = (2..Mix::COLUMNS as i64).contains(&n)
            && self.groups % merged == 0
            && Mix::has_groups(self.env.isa, types, n as usize, k as usize)
            && self.axes[2].taps <= MOST_WALKED
            && !self.has_zero_point()
            && lie_right(&self.input.1, k)
            && lie_right(&self.output.1, n);
        if fits { merged } else { 1 }
    }

    /// Channels of the input and of the output that one call may take.
    pub(super) fn together(&self) -> (i64, i64) {
        let ((k, n), merged) = (self.channels(), self.merged());
        (merged * k, merged * n)
    }

    /// Whether the weights can be read as they lie, with an input that has runs of `run` of its `k` channels.
    pub(super) fn reads_weights(&self, k: i64, run: i64) -> bool {
        let md = &self.weights;
        if self.is_depthwise() {
            let size = md.dtype().size_bytes() as i64;
            let groups = md.dims[0];
            return md.is_plain() && spacing(&Place::whole(md), 0, 1, groups) == (size, groups);
        }
        if self.merged() > 1 {
            return self.panel_layout(run).is_ok_and(|ideal| ideal == *md);
        }
        let v = md.dtype().vnni() as i64;
        panels(md, self.dims).is_some_and(|p| {
            let chunk = p.run.min(run);
            let whole = chunk == 0 || k % chunk == 0;
            let padded = || run < k && md.padded_dims[self.dims.0] % chunk == 0;
            chunk >= k
                || (run % chunk == 0 && p.run % chunk == 0 && chunk % v == 0) && (whole || padded())
        })
    }

    /// The layout for activations that may have any: channels last, as other layers want them. By data, where panels are two
    /// vectors of 8, narrow groups get blocks of their own: a few channels of long pixels would lie in few sets of the first-level
    /// cache.
    pub(super) fn resolve(&self, md: &MemoryDesc) -> Result<MemoryDesc> {
        const PANEL: usize = 16;
        let group = md.dims[1] / self.groups;
        let narrow = self.groups > 1 && [4, 8, 16].contains(&group);
        let in_groups = narrow && !self.forward && gemm::panel(self.env.isa) == PANEL;
        match md.is_any() {
            true if in_groups => in_blocks(md, group),
            true => channels_last(md),
            false => Ok(*md),
        }
    }

    /// The weights' layout that suits an input with runs of `run` channels.
    pub(super) fn panel_layout(&self, run: i64) -> Result<MemoryDesc> {
        if self.is_depthwise() {
            let tag = ["dbca", "debca", "defbca"][self.weights.dims().len() - 4];
            return MemoryDesc::with_tag(self.weights.dims(), self.weights.dtype(), tag);
        }
        let (k, n) = self.channels();
        let v = self.weights.dtype().vnni() as i64;
        let unit = if run < k { run } else { v };
        // All outputs of a block of images.
        let rows = self.images() * self.output.1.dims()[2..].iter().product::<i64>();
        let panel = match self.merged() {
            1 if unit == v && is_one_panel(self.env, n) => (1, 0),
            1 => (1, self.roomy(panel_width(self.env, rows, n), rows)),
            merged => (merged, n),
        };
        let tag = panel_tag(self.weights.dims().len(), self.dims, panel, unit, v);
        MemoryDesc::with_tag(self.weights.dims(), self.weights.dtype(), &tag)
    }

    /// Half of a panel of so many columns, where that leaves room for fetching the next one, and few rows read weights that come
    /// from beyond the second-level cache.
    fn roomy(&self, width: i64, rows: i64) -> i64 {
        const FEW_ROWS: i64 = 256;
        let taps: i64 = self.axes.iter().map(|a| a.taps).product();
        let ((k, n), size) = (self.channels(), self.weights.dtype().size_bytes() as i64);
        let cache = machine().l2_bytes as i64;
        let column_bytes = taps.saturating_mul(k * size);
        let fits = |width: i64| conv::leaves_room(column_bytes.saturating_mul(width), cache);
        let streams = rows < FEW_ROWS && column_bytes.saturating_mul(n) >= cache;
        let halves = streams && width == WIDEST && !fits(width) && fits(width / 2);
        if halves { width / 2 } else { width }
    }
}

/// The width of a panel of `n` channels that calls of so many rows read: a whole number of the blocks of 8 or 16 that the
/// user's layouts have, so that one can be copied into the other.
pub(super) fn panel_width(env: &Env, rows: i64, n: i64) -> i64 {
    let unit = if n > 8 { 16 } else { 8 };
    let (sizes, tile) = ((rows as usize, n as usize), gemm::panel(env.isa));
    let width = gemm::weights_panel(env.isa, sizes, false, tile) as i64;
    let width = width.min(WIDEST).min((n.max(1) + unit - 1) / unit * unit);
    knobs::NEST
        .get()
        .or('w', width, |w| w % unit == 0 && w <= WIDEST)
}

/// Whether so many channels, a panel and a half, are one panel of three vectors.
pub(super) fn is_one_panel(env: &Env, n: i64) -> bool {
    let panel = gemm::panel(env.isa) as i64;
    n == panel + panel / 2 && n <= WIDEST
}

/// The part of a side that a kernel of one tap meets where there is no padding: one pixel in `stride`.
pub(super) fn without_gaps(axes: &mut [Axis; 3], mut md: MemoryDesc) -> MemoryDesc {
    let spatial = md.dims().len() - 2;
    for (i, axis) in axes[3 - spatial..].iter_mut().enumerate() {
        if axis.is_pointwise() {
            (md.dims[2 + i], md.padded_dims[2 + i]) = (axis.small, axis.small);
            md.strides[2 + i] *= axis.stride;
            (axis.large, axis.stride) = (axis.small, 1);
        }
    }
    md
}

/// The same part with what lies between, behind each pixel of it, as padding along further dimensions.
pub(super) fn with_gaps(axes: &[Axis; 3], mut md: MemoryDesc) -> MemoryDesc {
    let (nd, spatial) = (md.dims().len(), md.dims().len() - 2);
    for (i, axis) in axes[3 - spatial..].iter().enumerate() {
        (md.dims[nd + i], md.padded_dims[nd + i]) = (1, axis.stride);
        md.strides[nd + i] = md.strides[2 + i];
    }
    md = without_gaps(&mut axes.clone(), md);
    md.ndims += spatial as i32;
    md
}

/// Blocks of so many channels, the last one padded, each channels last.
pub(super) fn in_blocks(md: &MemoryDesc, block: i64) -> Result<MemoryDesc> {
    let spatial = &"cde"[..md.dims().len() - 2];
    MemoryDesc::with_tag(md.dims(), md.dtype(), &format!("aB{spatial}{block}b"))
}

/// Channels last, with so many pixels before and behind an image along depth, height and width.
pub(super) fn framed(md: &MemoryDesc, frame: [(i64, i64); 3]) -> Result<MemoryDesc> {
    let dims = md.dims();
    let (mut strides, mut pitch, mut offset) = (vec![1; dims.len()], dims[1], 0);
    for (d, (before, behind)) in (2..dims.len()).rev().zip(frame.into_iter().rev()) {
        strides[d] = pitch;
        offset += before * pitch;
        pitch *= before + dims[d] + behind;
    }
    strides[0] = pitch;
    let mut framed = MemoryDesc::with_strides(dims, md.dtype(), Some(&strides))?;
    framed.offset0 = offset;
    Ok(framed)
}

/// Row-major with the channels behind all other dimensions.
pub(super) fn channels_last(md: &MemoryDesc) -> Result<MemoryDesc> {
    let tag = ["acb", "acdb", "acdeb"][md.dims().len() - 3];
    MemoryDesc::with_tag(md.dims(), md.dtype(), tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::Attr;
    use crate::machine::Isa;
    use crate::memory::MAX_NDIMS;
    use crate::ops::Prop;
    use crate::ops::convolution::Desc;

    /// The layouts that a 3 × 3 convolution of 64 channels in so many groups gets for `any` activations.
    fn chosen(isa: Isa, prop: Prop, groups: i64) -> [MemoryDesc; 2] {
        let each = 64 / groups;
        let any = |dims: &[i64]| MemoryDesc::any(dims, DataType::F32).unwrap();
        let ones = std::array::from_fn(|i| i64::from(i < 2));
        let desc = Desc {
            prop,
            alg: 1,
            transposed: false,
            src: any(&[2, 64, 9, 9]),
            weights: any(&[groups, each, each, 3, 3]),
            bias: MemoryDesc::absent(),
            dst: any(&[2, 64, 9, 9]),
            strides: ones,
            dilates: [0; MAX_NDIMS],
            pad_left: ones,
            pad_right: ones,
        };
        let env = Env { isa, threads: 1 };
        let planned = desc.plan(&Attr::default(), &env).unwrap();
        [planned.args[0].md, planned.args.last().unwrap().md]
    }

    #[test]
    fn narrow_groups_by_data_have_blocks_of_their_own_on_avx2() {
        let (data, forward) = (Prop::BackwardData, Prop::ForwardInference);
        for (isa, prop, groups, tag) in [
            (Isa::Avx2, data, 16, "aBcd4b"),
            (Isa::Avx2, data, 8, "aBcd8b"),
            (Isa::Avx2, data, 4, "aBcd16b"),
            (Isa::Avx2, data, 2, "acdb"),
            (Isa::Avx2, data, 1, "acdb"),
            (Isa::Avx2, data, 64, "acdb"),
            (Isa::Avx2, forward, 8, "acdb"),
            (Isa::Avx512, data, 8, "acdb"),
            (Isa::Avx512, data, 4, "acdb"),
        ] {
            let want = MemoryDesc::with_tag(&[2, 64, 9, 9], DataType::F32, tag);
            let want = want.unwrap();
            assert_eq!(
                chosen(isa, prop, groups),
                [want; 2],
                "{isa:?} {prop:?} {groups}"
            );
        }
    }

    #[test]
    fn spacing_is_that_of_every_element() {
        for tag in [
            "ab", "ba", "aB16b", "aB12b", "BA4b2a", "aB16b4b", "AB2b8a2b",
        ] {
            let md = MemoryDesc::with_tag(&[5, 40], DataType::F32, tag).unwrap();
            let (place, total) = (Place::whole(&md), md.padded_dims[1]);
            for unit in [1, 2, 4] {
                let at = |i: i64| place.from_first(&[(1, i * unit)]);
                let even = (1..).take_while(|i| i * unit < total && at(*i) == i * at(1));
                let run = (unit * (1 + even.count() as i64)).min(total);
                assert_eq!(
                    spacing(&place, 1, unit, total),
                    (at(1), run),
                    "{tag}, {unit}"
                );
            }
        }
        let md = MemoryDesc::with_tag(&[1, 1 << 40], DataType::F32, "aB16b").unwrap();
        assert_eq!(spacing(&Place::whole(&md), 1, 1, 1 << 40), (4, 1 << 40));
    }
}
