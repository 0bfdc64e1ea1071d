//! How descriptors come to be: from dims with strides, a tag, or nothing yet; and every check that lets the rest of the
//! library take their numbers for granted.

use super::{
    FormatKind, MAX_NDIMS, MemoryDesc, RUNTIME_DIM,
    tags::{self, Tag},
};
use crate::{dtype::DataType, ensure, error::Result, invalid, require};

impl MemoryDesc {
    /// The descriptor that means "no such argument".
    pub const fn absent() -> MemoryDesc {
        MemoryDesc {
            ndims: 0,
            dims: [0; MAX_NDIMS],
            data_type: 0,
            padded_dims: [0; MAX_NDIMS],
            padded_offsets: [0; MAX_NDIMS],
            offset0: 0,
            format_kind: FormatKind::Undef as i32,
            strides: [0; MAX_NDIMS],
            inner_nblks: 0,
            inner_blks: [0; MAX_NDIMS],
            inner_idxs: [0; MAX_NDIMS],
            reserved: [0; 3],
            extra: [0; 16],
        }
    }

    /// Dims and type without a layout yet; refuses too many, negative or overflowing dims.
    pub(super) fn shaped(dims: &[i64], dt: DataType, kind: FormatKind) -> Result<MemoryDesc> {
        require!(
            dims.len() <= MAX_NDIMS,
            "dims: {} dimensions, at most {MAX_NDIMS} are possible",
            dims.len()
        );
        if let Some(d) = dims.iter().position(|&n| n < 0 && n != RUNTIME_DIM) {
            return Err(invalid!("dims: dimension {d} is {}, negative", dims[d]));
        }
        let mut md = MemoryDesc::absent();
        md.ndims = dims.len() as i32;
        md.data_type = dt as i32;
        md.format_kind = kind as i32;
        md.dims[..dims.len()].copy_from_slice(dims);
        md.padded_dims = md.dims;
        Ok(md)
    }

    /// A descriptor whose layout the planner is to choose.
    pub fn any(dims: &[i64], dt: DataType) -> Result<MemoryDesc> {
        if dims.is_empty() {
            return Ok(MemoryDesc::absent());
        }
        require!(
            !dims.contains(&RUNTIME_DIM),
            "dims: runtime dimensions need a layout, `any` cannot be chosen for them"
        );
        let md = MemoryDesc::shaped(dims, dt, FormatKind::Any)?;
        ensure!(
            checked_product(dims)
                .and_then(|n| n.checked_mul(8))
                .is_some(),
            overflow(dims)
        );
        Ok(md)
    }

    /// Dense and row-major.
    pub fn plain(dims: &[i64], dt: DataType) -> Result<MemoryDesc> {
        MemoryDesc::with_strides(dims, dt, None)
    }

    /// One value that lies in the memory object itself, not behind a handle.
    pub fn host_scalar(dt: DataType) -> MemoryDesc {
        MemoryDesc::shaped(&[1], dt, FormatKind::HostScalar).expect("one element is a valid shape")
    }

    /// Explicit strides (in elements), or dense row-major without. Strides of dims of size 1 are kept but mean nothing;
    /// 0 broadcasts; overlapping elements are refused.
    pub fn with_strides(dims: &[i64], dt: DataType, strides: Option<&[i64]>) -> Result<MemoryDesc> {
        if dims.is_empty() {
            return Ok(MemoryDesc::absent());
        }
        let mut md = MemoryDesc::shaped(dims, dt, FormatKind::Blocked)?;
        match strides {
            Some(strides) => {
                require!(
                    strides.len() == dims.len(),
                    "strides: {} of them for {} dims",
                    strides.len(),
                    dims.len()
                );
                md.strides[..dims.len()].copy_from_slice(strides);
                md.check_strides()?;
            }
            None => md.dense_strides((0..dims.len()).rev())?,
        }
        md.check_size()?;
        Ok(md)
    }

    /// The layout that a tag names, e.g. `acdb`, `aBcd16b`, `nhwc`.
    pub fn with_tag(dims: &[i64], dt: DataType, tag: &str) -> Result<MemoryDesc> {
        match tag {
            "any" => return MemoryDesc::any(dims, dt),
            "undef" => return Ok(MemoryDesc::absent()),
            _ => {}
        }
        let layout = Tag::parse(tag).or_else(|| Tag::parse(tags::canonical_of_alias(tag)?));
        let layout = layout.ok_or_else(|| invalid!("tag: `{tag}` is not a format tag"))?;
        MemoryDesc::with_layout(dims, dt, &layout, tag)
    }

    /// The layout that a tag number of `brick_format_tag_t` names; 0 gives an absent descriptor, 1 `any`.
    pub fn with_tag_number(dims: &[i64], dt: DataType, number: i32) -> Result<MemoryDesc> {
        let tag =
            tags::name(number).ok_or_else(|| invalid!("tag: {number} is not a format tag"))?;
        MemoryDesc::with_tag(dims, dt, tag)
    }

    pub(super) fn with_layout(
        dims: &[i64],
        dt: DataType,
        layout: &Tag,
        name: &str,
    ) -> Result<MemoryDesc> {
        if dims.is_empty() {
            return Ok(MemoryDesc::absent());
        }
        let mut md = MemoryDesc::shaped(dims, dt, FormatKind::Blocked)?;
        require!(
            layout.order().len() == dims.len(),
            "tag: `{name}` has {} dimensions, dims {}",
            layout.order().len(),
            dims.len()
        );
        md.set_blocks(layout.blocks())?;
        md.dense_strides(layout.order().iter().rev().map(|&d| d as usize))?;
        md.check_size()?;
        Ok(md)
    }

    /// The same from element `offset0` on with inner blocks, outermost first; strides are then those of whole blocks.
    pub fn in_blocks(mut self, blocks: &[(usize, i64)], offset0: i64) -> Result<MemoryDesc> {
        self.offset0 = offset0;
        self.set_blocks(blocks.iter().copied())?;
        self.check_size()?;
        Ok(self)
    }

    fn set_blocks(&mut self, blocks: impl Iterator<Item = (usize, i64)>) -> Result<()> {
        for (i, (dim, size)) in blocks.enumerate() {
            self.inner_idxs[i] = dim as i64;
            self.inner_blks[i] = size;
            self.inner_nblks += 1;
        }
        self.pad()
    }

    /// Rounds the dims up to whole blocks; refuses blocks whose volume alone is beyond reason.
    pub(super) fn pad(&mut self) -> Result<()> {
        let volume = self
            .blocks()
            .try_fold(1i64, |volume, b| volume.checked_mul(b.1));
        require!(
            volume.is_some_and(|v| v <= i64::from(i32::MAX)),
            "layout: the inner blocks have more than 2^31 elements"
        );
        for d in 0..self.dims().len() {
            self.padded_dims[d] =
                round_up(self.dims[d], self.block_of(d)).ok_or_else(|| overflow(self.dims()))?;
        }
        Ok(())
    }

    /// Dense strides with the given order of dims, innermost first.
    fn dense_strides(&mut self, order: impl Iterator<Item = usize>) -> Result<()> {
        let mut stride = self.inner_volume();
        for d in order {
            self.strides[d] = stride;
            let outer = self.outer_dim(d);
            stride = match (stride, outer) {
                (RUNTIME_DIM, _) | (_, RUNTIME_DIM) => RUNTIME_DIM,
                _ => stride
                    .checked_mul(outer.max(1))
                    .ok_or_else(|| overflow(self.dims()))?,
            };
        }
        Ok(())
    }

    /// Refuses negative and overlapping strides. 0 (broadcast), runtime values and dims of size 1 are free; an empty
    /// tensor has no elements that could overlap.
    pub(super) fn check_strides(&self) -> Result<()> {
        if let Some(d) = self
            .strides()
            .iter()
            .position(|&s| s < 0 && s != RUNTIME_DIM)
        {
            return Err(invalid!(
                "strides: stride {d} is {}, negative",
                self.strides[d]
            ));
        }
        if self.has_runtime() || self.has_zero_dim() {
            return Ok(());
        }
        let mut by_stride: Vec<usize> = (0..self.dims().len())
            .filter(|&d| self.outer_dim(d) != 1 && self.strides[d] != 0)
            .collect();
        by_stride.sort_by_key(|&d| self.strides[d]);
        let mut span = self.inner_volume();
        for d in by_stride {
            require!(
                self.strides[d] >= span,
                "strides: stride {d} is {}, so elements overlap: the dimensions inside it span {span}",
                self.strides[d]
            );
            require!(
                self.strides[d] == 1 || self.strides[d] % 2 == 0 || !self.dtype().is_nibble(),
                "strides: stride {d} is {}, odd, but two elements share a byte",
                self.strides[d]
            );
            let outer = (self.outer_dim(d) - 1).checked_mul(self.strides[d]);
            span = outer
                .and_then(|o| o.checked_add(span))
                .ok_or_else(|| overflow(self.dims()))?;
        }
        Ok(())
    }

    /// Refuses sizes that overflow, in elements or bytes, and numbers so large that a byte offset along one dim would,
    /// even where they mean nothing (strides of dims of size 1).
    pub fn check_size(&self) -> Result<()> {
        let overflow = || {
            invalid!(
                "dims, strides: {:?} with strides {:?} overflow 64 bits",
                self.dims(),
                self.strides()
            )
        };
        let mut numbers = self.padded_dims().iter().chain(self.strides());
        ensure!(numbers.all(|&n| n <= i64::MAX / 16), overflow());
        if self.has_runtime() || self.has_zero_dim() {
            return Ok(());
        }
        let reach = (0..self.dims().len())
            .try_fold(self.inner_volume(), |sum, d| {
                sum.checked_add(self.extent(d)?)
            })
            .and_then(|reach| reach.checked_add(self.offset0)?.checked_mul(8));
        let padded = checked_product(self.padded_dims()).and_then(|n| n.checked_mul(8));
        ensure!(reach.is_some() && padded.is_some(), overflow());
        Ok(())
    }
}

pub(super) fn checked_product(dims: &[i64]) -> Option<i64> {
    if dims.contains(&0) {
        return Some(0);
    }
    dims.iter().try_fold(1i64, |n, &d| n.checked_mul(d))
}

pub(super) fn round_up(n: i64, block: i64) -> Option<i64> {
    match n {
        RUNTIME_DIM => Some(n),
        _ => Some(n.checked_add(block - 1)? / block * block),
    }
}

pub(super) fn overflow(dims: &[i64]) -> crate::error::Error {
    invalid!("dims: the size of {dims:?} overflows 64 bits")
}
