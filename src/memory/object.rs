//! Memory objects: a descriptor, the engine it was made for, and where its data lie.

use super::MemoryDesc;
use crate::{
    error::{Error, Result},
    require,
};
use std::ffi::c_void;

/// One cache line, so that a vector of them is aligned to 64 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Uninitialised memory, 64-byte aligned; a failing allocation is an error, not an abort.
pub struct Buffer {
    lines: Vec<Line>,
    bytes: usize,
}

impl Buffer {
    /// Memory of the given size.
    pub fn new(bytes: usize) -> Result<Buffer> {
        let mut lines = Vec::new();
        lines
            .try_reserve_exact(bytes.div_ceil(size_of::<Line>()))
            .map_err(|_| Error::out_of_memory(bytes))?;
        Ok(Buffer { lines, bytes })
    }

    /// Its first byte.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr().cast()
    }

    /// Its size.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether it has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

/// Where the data of a new memory object lie.
pub enum Source {
    /// At a caller's address, which may be null until it is set.
    Handle(*mut c_void),
    /// In memory that the object allocates and owns.
    Allocate,
}

/// A memory object. Its engine is kept as the handle that clients compare, never followed.
pub struct Memory {
    md: MemoryDesc,
    engine: *const c_void,
    handle: *mut c_void,
    owned: Option<Buffer>,
    /// Bytes behind the handle, as far as is known.
    bytes: usize,
    /// The value of a host scalar; the widest types have 8 bytes.
    scalar: Box<[u8; 8]>,
}

impl Memory {
    /// A memory object; descriptors without a concrete layout are refused.
    pub fn new(md: &MemoryDesc, engine: *const c_void, source: Source) -> Result<Memory> {
        require!(
            !md.is_any(),
            "memory_desc: layout `any` ({md}) has no place in memory; use the layout that the primitive chose"
        );
        require!(
            md.is_absent() || md.is_blocked() || md.is_host_scalar(),
            "memory_desc: {md} cannot be a memory object"
        );
        require!(
            !md.has_runtime(),
            "memory_desc: {md} has runtime values; a memory object needs them all"
        );
        let mut memory = Memory {
            md: *md,
            engine,
            handle: std::ptr::null_mut(),
            owned: None,
            bytes: md.footprint_bytes(),
            scalar: Box::new([0; 8]),
        };
        match source {
            Source::Handle(handle) => memory.handle = handle,
            Source::Allocate => memory.allocate()?,
        }
        Ok(memory)
    }

    /// A memory object that holds one value itself, given as the bytes of its type.
    pub fn host_scalar(md: &MemoryDesc, value: &[u8]) -> Result<Memory> {
        require!(
            md.is_host_scalar(),
            "memory_desc: {md} does not describe a host scalar"
        );
        let mut memory = Memory::new(md, std::ptr::null(), Source::Handle(std::ptr::null_mut()))?;
        memory.set_scalar(value)?;
        Ok(memory)
    }

    fn allocate(&mut self) -> Result<()> {
        let bytes = self.md.footprint_bytes().max(self.md.size_bytes());
        if bytes > 0 && self.md.is_blocked() {
            let mut buffer = Buffer::new(bytes)?;
            self.handle = buffer.as_mut_ptr().cast();
            self.owned = Some(buffer);
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Its descriptor, which lives as long as it.
    pub fn md(&self) -> &MemoryDesc {
        &self.md
    }

    /// The engine handle it was created with; null for host scalars.
    pub fn engine(&self) -> *const c_void {
        self.engine
    }

    /// Whether the value lies in the object itself.
    pub fn is_host_scalar(&self) -> bool {
        self.md.is_host_scalar()
    }

    /// The address of its data before `offset0` is applied; null if none was given.
    pub fn data(&self) -> *mut u8 {
        match self.is_host_scalar() {
            true => self.scalar.as_ptr().cast_mut(),
            false => self.handle.cast(),
        }
    }

    /// How many bytes lie behind the handle: what the object owns, else what its descriptor says.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Points the object at other memory, giving up what it owned.
    pub fn set_handle(&mut self, handle: *mut c_void) -> Result<()> {
        require!(
            !self.is_host_scalar(),
            "memory: a host scalar has a value, no data handle"
        );
        if handle != self.handle {
            self.owned = None;
            self.bytes = self.md.footprint_bytes();
        }
        self.handle = handle;
        Ok(())
    }

    /// The value of a host scalar as bytes.
    pub fn scalar(&self) -> Result<&[u8]> {
        require!(
            self.is_host_scalar(),
            "memory: {} is not a host scalar",
            self.md
        );
        Ok(&self.scalar[..self.md.size_bytes()])
    }

    /// Replaces the value of a host scalar.
    pub fn set_scalar(&mut self, value: &[u8]) -> Result<()> {
        let size = self.scalar()?.len();
        require!(
            value.len() == size,
            "value: {} bytes for {}",
            value.len(),
            self.md
        );
        self.scalar[..size].copy_from_slice(value);
        Ok(())
    }
}
