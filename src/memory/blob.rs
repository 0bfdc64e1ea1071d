//! Descriptors as bytes, at the offsets of the C layout.

use super::{FormatKind, MAX_NDIMS, MemoryDesc};
use crate::{dtype::DataType, error::Result, invalid, require, supported};
use std::mem::offset_of;

/// Bytes of a blob.
pub const BLOB_SIZE: usize = size_of::<MemoryDesc>();

/// Names the fields once, for writing and for reading: (field, offset).
macro_rules! fields {
    ($md:expr, $one:expr, $many:expr) => {{
        $one(offset_of!(MemoryDesc, ndims), &mut $md.ndims);
        $many(offset_of!(MemoryDesc, dims), &mut $md.dims);
        $one(offset_of!(MemoryDesc, data_type), &mut $md.data_type);
        $many(offset_of!(MemoryDesc, padded_dims), &mut $md.padded_dims);
        $many(
            offset_of!(MemoryDesc, padded_offsets),
            &mut $md.padded_offsets,
        );
        $many(
            offset_of!(MemoryDesc, offset0),
            std::slice::from_mut(&mut $md.offset0),
        );
        $one(offset_of!(MemoryDesc, format_kind), &mut $md.format_kind);
        $many(offset_of!(MemoryDesc, strides), &mut $md.strides);
        $one(offset_of!(MemoryDesc, inner_nblks), &mut $md.inner_nblks);
        $many(offset_of!(MemoryDesc, inner_blks), &mut $md.inner_blks);
        $many(offset_of!(MemoryDesc, inner_idxs), &mut $md.inner_idxs);
    }};
}

impl MemoryDesc {
    /// The bytes of this descriptor.
    pub fn to_blob(&self) -> [u8; BLOB_SIZE] {
        let (mut md, blob) = (*self, std::cell::RefCell::new([0; BLOB_SIZE]));
        let put = |at: usize, bytes: &[u8]| {
            blob.borrow_mut()[at..at + bytes.len()].copy_from_slice(bytes)
        };
        let one = |at, value: &mut i32| put(at, &value.to_ne_bytes());
        let many = |at, values: &mut [i64]| {
            for (i, value) in values.iter().enumerate() {
                put(at + 8 * i, &value.to_ne_bytes());
            }
        };
        fields!(md, one, many);
        blob.into_inner()
    }

    /// The descriptor that `to_blob` wrote; bytes that no descriptor has are refused.
    pub fn from_blob(blob: &[u8; BLOB_SIZE]) -> Result<MemoryDesc> {
        let mut md = MemoryDesc::absent();
        let one = |at: usize, value: &mut i32| {
            *value = i32::from_ne_bytes(std::array::from_fn(|b| blob[at + b]));
        };
        let many = |at: usize, values: &mut [i64]| {
            for (i, value) in values.iter_mut().enumerate() {
                *value = i64::from_ne_bytes(std::array::from_fn(|b| blob[at + 8 * i + b]));
            }
        };
        fields!(md, one, many);
        supported!(
            blob[offset_of!(MemoryDesc, extra)..]
                .iter()
                .all(|&b| b == 0),
            "blob: compensation data are not supported"
        );
        md.checked()
    }

    /// Rebuilds the descriptor from its parts as a constructor would, so that nothing inconsistent gets in.
    fn checked(self) -> Result<MemoryDesc> {
        if self.ndims == 0 {
            return Ok(MemoryDesc::absent());
        }
        require!(
            (1..=MAX_NDIMS as i32).contains(&self.ndims),
            "blob: {} dimensions",
            self.ndims
        );
        let dt = DataType::from_c(self.data_type, "blob")?;
        match self.kind() {
            FormatKind::Any => MemoryDesc::any(self.dims(), dt),
            FormatKind::HostScalar => Ok(MemoryDesc::host_scalar(dt)),
            FormatKind::Blocked => self.checked_blocked(dt),
            _ => Err(invalid!(
                "blob: {} is not a format kind of a blob",
                self.format_kind
            )),
        }
    }

    fn checked_blocked(self, dt: DataType) -> Result<MemoryDesc> {
        let n = self.dims().len();
        let mut md = MemoryDesc::shaped(self.dims(), dt, FormatKind::Blocked)?;
        require!(
            (0..=MAX_NDIMS as i32).contains(&self.inner_nblks),
            "blob: {} inner blocks",
            self.inner_nblks
        );
        for i in 0..self.inner_nblks as usize {
            let (dim, size) = (self.inner_idxs[i], self.inner_blks[i]);
            require!(
                (0..n as i64).contains(&dim) && (1..=1 << 16).contains(&size),
                "blob: inner block {i} has {size} elements of dimension {dim}"
            );
            (md.inner_idxs[i], md.inner_blks[i]) = (dim, size);
        }
        md.inner_nblks = self.inner_nblks;
        md.pad()?;
        require!(
            md.padded_dims() == self.padded_dims() && self.padded_offsets == [0; MAX_NDIMS],
            "blob: padded dims {:?} do not fit the blocks",
            self.padded_dims()
        );
        require!(self.offset0 >= 0, "blob: offset {}", self.offset0);
        md.offset0 = self.offset0;
        md.strides[..n].copy_from_slice(self.strides());
        md.check_strides()?;
        md.check_size()?;
        Ok(md)
    }
}
