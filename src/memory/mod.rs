//! Memory descriptors: dims, types, strides and inner blocks, and everything the C API can ask of them.
//!
//! The layout equals the 768 bytes that oneDNN's descriptors have, because clients store and compare blobs of it.
//! Element (i_0, …) lies at `offset0 + Σ outer_d * strides_d + inner position`: strides are between outer blocks and
//! count the elements of the inner blocks; inner blocks are dense, listed from the outermost.
//!
//! Every constructor checks that sizes and offsets in bytes fit an `i64`, so that nobody has to check again.

mod blob;
mod create;
mod key;
pub mod object;
pub mod tags;
mod views;

use crate::dtype::DataType;
pub use blob::BLOB_SIZE;
pub use object::Memory;

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

    /// Whether flags ask for more than the elements, such as the compensation behind blocked s8 weights.
    pub fn has_extra(&self) -> bool {
        self.extra != [0; 16]
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

#[cfg(test)]
mod tests;
