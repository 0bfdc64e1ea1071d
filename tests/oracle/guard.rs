//! Buffers with an inaccessible page behind (or before) their last (first) byte, and canaries on the other side.

use std::ptr;

const PAGE: usize = 4096;
const CANARY: u8 = 0xA5;
const CANARIES: usize = 256;

/// Which end of the data touches an inaccessible page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Front,
    Back,
}

/// One guarded buffer, reused from case to case.
pub struct Guarded {
    map: *mut u8,
    capacity: usize,
    start: usize,
    len: usize,
}

impl Guarded {
    pub fn new(capacity: usize) -> Guarded {
        let capacity = (capacity + CANARIES).next_multiple_of(PAGE);
        let (total, flags) = (capacity + 2 * PAGE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh reservation of which only the middle becomes accessible.
        let map = unsafe {
            let base = libc::mmap(ptr::null_mut(), total, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            let middle = base.cast::<u8>().add(PAGE);
            assert_eq!(
                libc::mprotect(middle.cast(), capacity, libc::PROT_READ | libc::PROT_WRITE),
                0
            );
            middle
        };
        Guarded {
            map,
            capacity,
            start: 0,
            len: 0,
        }
    }

    /// Copies the bytes in, touching the guard on the given side, growing if need be.
    pub fn place(&mut self, bytes: &[u8], side: Side) -> *mut u8 {
        if bytes.len() + CANARIES > self.capacity {
            *self = Guarded::new(2 * bytes.len());
        }
        self.len = bytes.len();
        self.start = match side {
            Side::Front => 0,
            Side::Back => self.capacity - self.len,
        };
        let (canary, _) = self.canaries();
        // SAFETY: data and canaries lie inside the accessible middle and do not overlap.
        unsafe {
            ptr::write_bytes(self.map.add(canary), CANARY, CANARIES);
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.map.add(self.start), self.len);
            self.map.add(self.start)
        }
    }

    /// The bytes after the kernel ran; panics when it wrote beside them.
    pub fn bytes(&self) -> &[u8] {
        assert!(!self.is_damaged(), "written beside the buffer");
        self.data()
    }

    /// The bytes, whatever lies beside them.
    pub fn data(&self) -> &[u8] {
        // SAFETY: the range lies inside the accessible middle; the kernel has returned.
        unsafe { std::slice::from_raw_parts(self.map.add(self.start), self.len) }
    }

    /// Whether the canaries were overwritten.
    pub fn is_damaged(&self) -> bool {
        let (canary, len) = self.canaries();
        // SAFETY: as above.
        let beside = unsafe { std::slice::from_raw_parts(self.map.add(canary), len) };
        beside.iter().any(|b| *b != CANARY)
    }

    /// The bytes, to be replaced.
    #[allow(dead_code)] // Ring 2 alone writes in place.
    pub fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; the owner is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.map.add(self.start), self.len) }
    }

    /// Where the canaries are, on the unguarded side of the data.
    fn canaries(&self) -> (usize, usize) {
        match self.start {
            0 => (self.len, CANARIES),
            start => (start - CANARIES, CANARIES),
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the whole reservation, made by `new`; no pointer into it is used after its owner.
        unsafe { libc::munmap(self.map.sub(PAGE).cast(), self.capacity + 2 * PAGE) };
    }
}
