//! Equality, hashing and printing of descriptors: over the entries in use only, since descriptors key the cache.

use super::{FormatKind, MemoryDesc};
use std::{
    fmt,
    hash::{Hash, Hasher},
};

impl MemoryDesc {
    /// The inner blocks in use: sizes and dimensions.
    fn inner(&self) -> (&[i64], &[i64]) {
        let n = self.inner_nblks as usize;
        (&self.inner_blks[..n], &self.inner_idxs[..n])
    }

    /// The strides that mean something: those of dims with more than one element.
    fn effective_strides(&self) -> impl Iterator<Item = i64> + '_ {
        let dims = self.dims().iter().zip(self.padded_dims());
        dims.zip(self.strides())
            .map(|((&n, &padded), &stride)| if n == 1 && padded == 1 { 0 } else { stride })
    }
}

/// The API's equality: strides of dims of size 1 do not count.
impl PartialEq for MemoryDesc {
    fn eq(&self, other: &MemoryDesc) -> bool {
        let head = |m: &MemoryDesc| (m.ndims, m.data_type, m.format_kind, m.offset0);
        head(self) == head(other)
            && self.dims() == other.dims()
            && self.padded_dims() == other.padded_dims()
            && self.inner() == other.inner()
            && self.effective_strides().eq(other.effective_strides())
            && self.extra == other.extra
    }
}

impl Eq for MemoryDesc {}

impl Hash for MemoryDesc {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.ndims, self.data_type, self.format_kind, self.offset0).hash(state);
        self.dims().hash(state);
        self.inner().hash(state);
        self.effective_strides().for_each(|s| s.hash(state));
    }
}

/// Type, dims and layout, e.g. `f32:2x3:ab`.
impl fmt::Display for MemoryDesc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.kind() == FormatKind::Undef {
            return f.write_str("absent");
        }
        write!(f, "{}:", self.dtype().name())?;
        write_list(f, self.dims())?;
        write!(f, ":{}", self.tag_string())
    }
}

impl fmt::Debug for MemoryDesc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Numbers joined by `x`, a runtime value as `*`.
pub(super) fn write_list(f: &mut impl fmt::Write, numbers: &[i64]) -> fmt::Result {
    for (i, &n) in numbers.iter().enumerate() {
        let sep = if i == 0 { "" } else { "x" };
        match n {
            super::RUNTIME_DIM => write!(f, "{sep}*")?,
            _ => write!(f, "{sep}{n}")?,
        }
    }
    Ok(())
}
