//! Scratch memory that the library provides: a lock-free list of buffers, shared by all primitives.
//!
//! Buffers come in sizes of powers of two, each with a few slots; taking one empties a slot, giving it back fills one. So
//! as many buffers exist as executions ran at once (up to the slots), however many primitives there are, and an execution
//! allocates only if it meets more company than ever before. Untouched pages of a buffer cost nothing.

use crate::{error::Result, memory::object::Buffer};
use std::{
    ptr::null_mut,
    sync::atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
};

const SLOTS: usize = 16;
const CLASSES: usize = usize::BITS as usize;

/// The free buffers, by the logarithm of their size.
static FREE: [[AtomicPtr<Buffer>; SLOTS]; CLASSES] =
    [const { [const { AtomicPtr::new(null_mut()) }; SLOTS] }; CLASSES];

/// A buffer in use; it goes back when dropped. Of size 0, it is no buffer at all.
pub(super) struct Scratch {
    buffer: Option<Box<Buffer>>,
    data: *mut u8,
}

impl Scratch {
    /// Its first byte, 64-byte aligned; null if its size is 0.
    pub fn as_ptr(&self) -> *mut u8 {
        self.data
    }
}

/// Makes sure that an execution finds a buffer of this size.
pub(super) fn reserve(bytes: usize) -> Result<()> {
    take(bytes).map(drop)
}

/// A buffer of at least this size.
pub(super) fn take(bytes: usize) -> Result<Scratch> {
    if bytes == 0 {
        return Ok(Scratch {
            buffer: None,
            data: null_mut(),
        });
    }
    let size = bytes.checked_next_power_of_two().unwrap_or(bytes);
    let mut buffer = match pop(class(size)) {
        Some(buffer) => buffer,
        None => Box::new(Buffer::new(size)?),
    };
    Ok(Scratch {
        data: buffer.as_mut_ptr(),
        buffer: Some(buffer),
    })
}

fn class(size: usize) -> usize {
    size.trailing_zeros() as usize
}

fn pop(class: usize) -> Option<Box<Buffer>> {
    FREE[class].iter().find_map(|slot| {
        if slot.load(Relaxed).is_null() {
            return None;
        }
        let buffer = slot.swap(null_mut(), Acquire);
        // SAFETY: a slot owns the box in it, and swapping took that over.
        (!buffer.is_null()).then(|| unsafe { Box::from_raw(buffer) })
    })
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(buffer) = self.buffer.take() else {
            return;
        };
        let class = class(buffer.len());
        let buffer = Box::into_raw(buffer);
        let put = |slot: &AtomicPtr<Buffer>| {
            slot.load(Relaxed).is_null()
                && (slot.compare_exchange(null_mut(), buffer, Release, Relaxed)).is_ok()
        };
        if !FREE[class].iter().any(put) {
            // SAFETY: no slot took it, so it is still ours.
            drop(unsafe { Box::from_raw(buffer) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        // A size that no other test uses.
        let first = take(77 << 13).unwrap();
        let address = first.as_ptr();
        assert_eq!(address.align_offset(64), 0);
        let second = take(77 << 13).unwrap();
        assert_ne!(second.as_ptr(), address);
        drop(first);
        assert_eq!(take((77 << 13) + 1).unwrap().as_ptr(), address);
    }

    #[test]
    fn nothing_needs_nothing() {
        assert!(take(0).unwrap().as_ptr().is_null());
    }

    #[test]
    fn many_threads_never_share() {
        std::thread::scope(|scope| {
            for id in 0..4u8 {
                scope.spawn(move || {
                    for _ in 0..500 {
                        let scratch = take(3 << 14).unwrap();
                        // SAFETY: the buffer has that size and is ours.
                        unsafe {
                            scratch.as_ptr().write_bytes(id, 64);
                            std::thread::yield_now();
                            assert_eq!(*scratch.as_ptr().add(63), id);
                        }
                    }
                });
            }
        });
    }
}
