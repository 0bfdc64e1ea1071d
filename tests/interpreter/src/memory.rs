//! The memory that a kernel may touch: named ranges of this process, everything else is an error.
#![allow(unsafe_code)]

use std::cell::Cell;

/// What may be done with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may be read.
    Read,
    /// It may be read and written.
    Write,
}

#[derive(Debug)]
struct Region {
    name: String,
    start: u64,
    len: u64,
    access: Access,
}

impl Region {
    fn holds(&self, at: u64, len: u64) -> bool {
        at >= self.start && at - self.start <= self.len && self.len - (at - self.start) >= len
    }

    /// How far outside the range lies an access.
    fn distance(&self, at: u64, len: u64) -> u64 {
        let end = self.start + self.len;
        if at >= end {
            at - end
        } else {
            self.start.saturating_sub(at.saturating_add(len))
        }
    }
}

/// The ranges that a kernel may touch.
#[derive(Debug, Default)]
pub struct Memory {
    regions: Vec<Region>,
    unchecked: bool,
    /// Where the last access was, which the next one is likely to be.
    last: Cell<usize>,
}

impl Memory {
    /// Memory of which nothing may be touched.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// All memory of the process, for kernels whose operands are not known.
    ///
    /// # Safety
    /// The code that runs with it must be trusted like native code.
    pub unsafe fn unchecked() -> Memory {
        Memory {
            unchecked: true,
            ..Memory::default()
        }
    }

    /// Allows a range.
    ///
    /// # Safety
    /// It must stay valid for the access, and nobody else may use it, while a program runs.
    pub unsafe fn allow(&mut self, name: &str, start: *const u8, len: usize, access: Access) {
        self.regions.push(Region {
            name: name.to_owned(),
            start: start as u64,
            len: len as u64,
            access,
        });
    }

    /// Takes back the range allowed last.
    pub(crate) fn forbid_last(&mut self) {
        self.regions.pop();
    }

    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<(), String> {
        self.check(at, into.len(), Access::Read)?;
        // SAFETY: the range is allowed, so whoever allowed it says that it is valid.
        unsafe { std::ptr::copy_nonoverlapping(at as *const u8, into.as_mut_ptr(), into.len()) };
        Ok(())
    }

    pub(crate) fn write(&self, at: u64, from: &[u8]) -> Result<(), String> {
        self.check(at, from.len(), Access::Write)?;
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), at as *mut u8, from.len()) };
        Ok(())
    }

    fn check(&self, at: u64, len: usize, access: Access) -> Result<(), String> {
        let len = len as u64;
        if self.regions.get(self.last.get()).is_some_and(|r| {
            r.holds(at, len) && (access == Access::Read || r.access == Access::Write)
        }) || self.unchecked
        {
            return Ok(());
        }
        match self.regions.iter().position(|r| r.holds(at, len)) {
            Some(i) if access == Access::Read || self.regions[i].access == Access::Write => {
                self.last.set(i);
                Ok(())
            }
            Some(i) => Err(format!(
                "writes to {}, which is only to be read",
                self.regions[i].name
            )),
            None => Err(self.describe(at, len, access)),
        }
    }

    fn describe(&self, at: u64, len: u64, access: Access) -> String {
        let verb = match access {
            Access::Read => "reads",
            Access::Write => "writes",
        };
        let nearest = self.regions.iter().min_by_key(|r| r.distance(at, len));
        let place = nearest.map_or("with no memory allowed".to_owned(), |r| {
            format!(
                "offset {} of the {} bytes of {}",
                at.wrapping_sub(r.start) as i64,
                r.len,
                r.name
            )
        });
        format!("{verb} {len} bytes at {at:#x}: {place}")
    }
}
