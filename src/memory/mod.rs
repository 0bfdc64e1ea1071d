//! Memory descriptors: dims, types, strides and inner blocks, and everything the C API can ask of them.
//!
//! The layout equals the 768 bytes that oneDNN's descriptors have, because clients store and compare blobs of it.
//! Element (i_0, …) lies at `offset0 + Σ outer_d * strides_d + inner position`: strides are between outer blocks and
//! count the elements of the inner blocks; inner blocks are dense, listed from the outermost.
//!
//! Every constructor checks that sizes and offsets in bytes fit an `i64`, so that nobody has to check again.

mod blob;
mod key;
pub mod object;
pub mod tags;
mod views;

use crate::{dtype::DataType, ensure, error::Result, invalid};
pub use blob::BLOB_SIZE;
pub use object::Memory;
use tags::Tag;

/// The largest number of dimensions.
pub const MAX_NDIMS: usize = 12;
/// A dimension, stride or offset that is only known at execution.
pub const RUNTIME_DIM: i64 = i64::MIN;
/// What `size_bytes` answers for a descriptor with runtime dims or strides.
pub const RUNTIME_SIZE: usize = i64::MIN as usize;

/// How a descriptor describes its data, with the numbers of `brick_format_kind_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum FormatKind {
    Undef = 0,
    Any = 1,
    Blocked = 2,
    Opaque = 3,
    Sparse = 4,
    HostScalar = 5,
}

/// A memory descriptor. `ndims == 0` means "absent".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MemoryDesc {
    /// Number of dimensions, 0 to 12.
    pub ndims: i32,
    /// Logical dimensions; entries from `ndims` on are 0.
    pub dims: [i64; MAX_NDIMS],
    /// Number of the data type (0 for an absent descriptor).
    pub data_type: i32,
    /// Dimensions rounded up to whole blocks.
    pub padded_dims: [i64; MAX_NDIMS],
    /// Offsets of the data inside the padding (always 0 here).
    pub padded_offsets: [i64; MAX_NDIMS],
    /// Elements from the handle to element (0, …).
    pub offset0: i64,
    /// Number of the format kind.
    pub format_kind: i32,
    /// Elements from one outer block to the next, by dimension.
    pub strides: [i64; MAX_NDIMS],
    /// Number of inner blocks.
    pub inner_nblks: i32,
    /// Sizes of the inner blocks, outermost first.
    pub inner_blks: [i64; MAX_NDIMS],
    /// Dimensions that the inner blocks split.
    pub inner_idxs: [i64; MAX_NDIMS],
    reserved: [u64; 3],
    extra: [u64; 16],
}

/// The offsets that oneDNN's own descriptors have on x86-64.
const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<MemoryDesc>() == 768);
    assert!(offset_of!(MemoryDesc, dims) == 8 && offset_of!(MemoryDesc, data_type) == 104);
    assert!(
        offset_of!(MemoryDesc, padded_dims) == 112 && offset_of!(MemoryDesc, padded_offsets) == 208
    );
    assert!(offset_of!(MemoryDesc, offset0) == 304 && offset_of!(MemoryDesc, format_kind) == 312);
    assert!(offset_of!(MemoryDesc, strides) == 320 && offset_of!(MemoryDesc, inner_nblks) == 416);
    assert!(offset_of!(MemoryDesc, inner_blks) == 424 && offset_of!(MemoryDesc, inner_idxs) == 520);
    assert!(offset_of!(MemoryDesc, extra) == 640);
};

/// Construction.
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
    fn shaped(dims: &[i64], dt: DataType, kind: FormatKind) -> Result<MemoryDesc> {
        ensure!(
            dims.len() <= MAX_NDIMS,
            invalid!(
                "dims: {} dimensions, at most {MAX_NDIMS} are possible",
                dims.len()
            )
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
        ensure!(
            !dims.contains(&RUNTIME_DIM),
            invalid!("dims: runtime dimensions need a layout, `any` cannot be chosen for them")
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
                ensure!(
                    strides.len() == dims.len(),
                    invalid!("strides: {} of them for {} dims", strides.len(), dims.len())
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

    fn with_layout(dims: &[i64], dt: DataType, layout: &Tag, name: &str) -> Result<MemoryDesc> {
        if dims.is_empty() {
            return Ok(MemoryDesc::absent());
        }
        let mut md = MemoryDesc::shaped(dims, dt, FormatKind::Blocked)?;
        ensure!(
            layout.order().len() == dims.len(),
            invalid!(
                "tag: `{name}` has {} dimensions, dims {}",
                layout.order().len(),
                dims.len()
            )
        );
        for (i, (dim, size)) in layout.blocks().enumerate() {
            md.inner_idxs[i] = dim as i64;
            md.inner_blks[i] = size;
            md.inner_nblks += 1;
        }
        for d in 0..dims.len() {
            md.padded_dims[d] = round_up(dims[d], md.block_of(d)).ok_or_else(|| overflow(dims))?;
        }
        md.dense_strides(layout.order().iter().rev().map(|&d| d as usize))?;
        md.check_size()?;
        Ok(md)
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
    fn check_strides(&self) -> Result<()> {
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
            ensure!(
                self.strides[d] >= span,
                invalid!(
                    "strides: stride {d} is {}, but the dimensions inside it span {span} elements",
                    self.strides[d]
                )
            );
            ensure!(
                self.strides[d] == 1 || self.strides[d] % 2 == 0 || !self.dtype().is_nibble(),
                invalid!(
                    "strides: stride {d} is {}, odd, but two elements share a byte",
                    self.strides[d]
                )
            );
            let outer = (self.outer_dim(d) - 1).checked_mul(self.strides[d]);
            span = outer
                .and_then(|o| o.checked_add(span))
                .ok_or_else(|| overflow(self.dims()))?;
        }
        Ok(())
    }

    /// Refuses sizes that overflow, in elements or bytes.
    fn check_size(&self) -> Result<()> {
        if self.has_runtime() || self.has_zero_dim() {
            return Ok(());
        }
        let span = (0..self.dims().len())
            .try_fold(self.inner_volume(), |most, d| {
                Some(most.max(self.extent(d)?))
            })
            .and_then(|span| span.checked_add(self.offset0)?.checked_mul(8));
        let padded = checked_product(self.padded_dims());
        ensure!(span.is_some() && padded.is_some(), overflow(self.dims()));
        Ok(())
    }
}

/// Questions.
impl MemoryDesc {
    /// Whether this stands for an argument that is not given.
    pub fn is_absent(&self) -> bool {
        self.ndims == 0
    }

    /// Logical dimensions.
    pub fn dims(&self) -> &[i64] {
        &self.dims[..self.ndims as usize]
    }

    /// Dimensions rounded up to whole blocks.
    pub fn padded_dims(&self) -> &[i64] {
        &self.padded_dims[..self.ndims as usize]
    }

    /// Elements from one outer block to the next, by dimension; meaningful for blocked descriptors.
    pub fn strides(&self) -> &[i64] {
        &self.strides[..self.ndims as usize]
    }

    /// Inner blocks as (dimension, size), outermost first.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = (usize, i64)> + '_ {
        (0..self.inner_nblks as usize).map(|i| (self.inner_idxs[i] as usize, self.inner_blks[i]))
    }

    /// The element type. An absent descriptor has none; to ask it is a bug.
    pub fn dtype(&self) -> DataType {
        DataType::from_c(self.data_type, "memory descriptor")
            .expect("an absent memory descriptor has no data type")
    }

    /// How the data are described.
    pub fn kind(&self) -> FormatKind {
        match self.format_kind {
            1 => FormatKind::Any,
            2 => FormatKind::Blocked,
            3 => FormatKind::Opaque,
            4 => FormatKind::Sparse,
            5 => FormatKind::HostScalar,
            _ => FormatKind::Undef,
        }
    }

    /// Whether the planner is to choose the layout.
    pub fn is_any(&self) -> bool {
        self.kind() == FormatKind::Any
    }

    /// Whether the memory object itself holds the one value.
    pub fn is_host_scalar(&self) -> bool {
        self.kind() == FormatKind::HostScalar
    }

    /// Whether strides and inner blocks say where elements lie.
    pub fn is_blocked(&self) -> bool {
        self.kind() == FormatKind::Blocked
    }

    /// Whether strides alone say where elements lie: no inner blocks.
    pub fn is_plain(&self) -> bool {
        self.is_blocked() && self.inner_nblks == 0
    }

    /// Whether the padded elements fill their memory without a gap or an overlap, in any order.
    pub fn is_dense(&self) -> bool {
        self.is_blocked() && !self.has_runtime() && self.padded_nelems() == self.span()
    }

    /// Whether blocks reach beyond the dims.
    pub fn is_padded(&self) -> bool {
        self.dims() != self.padded_dims()
    }

    /// Whether some dimension is 0, so that there are no elements.
    pub fn has_zero_dim(&self) -> bool {
        self.dims().contains(&0)
    }

    /// Whether dims, strides or the offset are only known at execution.
    pub fn has_runtime(&self) -> bool {
        self.dims().contains(&RUNTIME_DIM)
            || self.strides().contains(&RUNTIME_DIM)
            || self.offset0 == RUNTIME_DIM
    }

    /// Number of elements without padding; not to be asked of runtime dims.
    pub fn nelems(&self) -> i64 {
        if self.is_absent() {
            0
        } else {
            self.dims().iter().product()
        }
    }

    /// Number of elements with padding.
    pub fn padded_nelems(&self) -> i64 {
        if self.is_absent() || self.has_zero_dim() {
            return 0;
        }
        self.padded_dims().iter().product()
    }

    /// Bytes of memory from element (0, …) on, `offset0` not counted: 0 without a concrete layout or elements,
    /// `RUNTIME_SIZE` with runtime values. As in oneDNN the outermost stride counts whole.
    pub fn size_bytes(&self) -> usize {
        match self.kind() {
            FormatKind::HostScalar => self.dtype().size_bytes(),
            FormatKind::Blocked if self.has_zero_dim() => 0,
            FormatKind::Blocked if self.has_runtime() => RUNTIME_SIZE,
            FormatKind::Blocked => self.bytes(self.span()),
            _ => 0,
        }
    }

    /// Bytes from the handle to the end of the last element: what an access through this descriptor may touch. Not to
    /// be asked of runtime values.
    pub fn footprint_bytes(&self) -> usize {
        match self.kind() {
            FormatKind::HostScalar => self.size_bytes(),
            FormatKind::Blocked if self.has_zero_dim() => 0,
            FormatKind::Blocked => {
                let reach = |d| match self.outer_dim(d) {
                    1 => 0,
                    n => (n - 1) * self.strides[d],
                };
                let last: i64 = (0..self.dims().len()).map(reach).sum();
                self.bytes(self.offset0 + last + self.inner_volume())
            }
            _ => 0,
        }
    }

    /// Bytes that `n` elements take.
    pub fn bytes(&self, n: i64) -> usize {
        if self.dtype().is_nibble() {
            (n as usize).div_ceil(2)
        } else {
            n as usize * self.dtype().size_bytes()
        }
    }

    /// Where the element at the given position lies, in elements from the handle.
    pub fn offset(&self, position: &[i64]) -> i64 {
        let mut outer = [0; MAX_NDIMS];
        outer[..position.len()].copy_from_slice(position);
        let (mut inner, mut volume) = (0, 1);
        for (d, size) in self.blocks().rev() {
            inner += outer[d] % size * volume;
            outer[d] /= size;
            volume *= size;
        }
        let strided: i64 = outer.iter().zip(self.strides()).map(|(i, s)| i * s).sum();
        self.offset0 + strided + inner
    }

    /// The whole inner block of a dimension: 1 without.
    pub fn block_of(&self, dim: usize) -> i64 {
        self.blocks().filter(|b| b.0 == dim).map(|b| b.1).product()
    }

    /// Elements in one inner block: 1 without.
    pub fn inner_volume(&self) -> i64 {
        self.blocks().map(|b| b.1).product()
    }

    /// Number of outer blocks along a dimension.
    pub fn outer_dim(&self, dim: usize) -> i64 {
        match self.padded_dims[dim] {
            RUNTIME_DIM => RUNTIME_DIM,
            n if self.inner_nblks == 0 => n,
            n => n / self.block_of(dim),
        }
    }

    /// Whether both place the elements of equal dims at equal offsets, whatever their types.
    pub fn same_layout(&self, other: &MemoryDesc) -> bool {
        let retyped = MemoryDesc {
            data_type: self.data_type,
            ..*other
        };
        *self == retyped
    }

    /// The layout as a tag such as `aBcd16b`; strides follow (`ab:10x1`) where they are not the dense ones.
    pub fn tag_string(&self) -> String {
        tags::describe(self)
    }

    /// Elements that memory must hold from element (0, …) on.
    fn span(&self) -> i64 {
        if self.has_zero_dim() {
            return 0;
        }
        let extents = (0..self.dims().len()).filter_map(|d| self.extent(d));
        extents.fold(self.inner_volume(), i64::max)
    }

    /// How far one dimension reaches; its stride means nothing when there is only one block.
    fn extent(&self, dim: usize) -> Option<i64> {
        match self.outer_dim(dim) {
            1 => Some(1),
            n => n.checked_mul(self.strides[dim]),
        }
    }
}

fn checked_product(dims: &[i64]) -> Option<i64> {
    if dims.contains(&0) {
        return Some(0);
    }
    dims.iter().try_fold(1i64, |n, &d| n.checked_mul(d))
}

fn round_up(n: i64, block: i64) -> Option<i64> {
    match n {
        RUNTIME_DIM => Some(n),
        _ => Some(n.checked_add(block - 1)? / block * block),
    }
}

fn overflow(dims: &[i64]) -> crate::error::Error {
    invalid!("dims: the size of {dims:?} overflows 64 bits")
}

#[cfg(test)]
mod tests;
