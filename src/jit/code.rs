//! Executable memory, never writable and executable at one address.
//!
//! Kernels share one arena of memfd chunks, each mapped twice: a view to write through and a view to run from. Where
//! the system refuses that, a kernel gets pages of its own that turn from writable to executable. Where it refuses
//! that as well, publishing fails and the caller uses the portable kernel.
//!
//! The arena belongs to the process that made it. A fork gives the child a copy of all code, at the same addresses; the
//! child never writes what it inherited, and starts an arena of its own with its first new kernel.

#![allow(unsafe_code)]

use crate::error::{Error, Result, Status};
use crate::process::{ForkHandlers, Own, PerProcess};
use crate::unimplemented_here;
use libc::{c_int, c_void};
use std::cell::RefCell;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use crate::knobs::JitMemory as Policy;

/// Kernels start at multiples of this, a cache line.
const ALIGN: usize = 64;
/// The first chunk; the next ones double up to `MAX_CHUNK`. A kernel that exceeds them gets a chunk of its size.
const MIN_CHUNK: usize = 64 << 10;
const MAX_CHUNK: usize = 256 << 10;

/// Machine code that can be called; dropping it gives its memory back.
#[derive(Debug)]
pub struct Code {
    entry: NonNull<u8>,
    len: usize,
    home: Home,
}

// SAFETY: the bytes behind `entry` are immutable as long as the value lives, and dropping it locks the arena.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

/// Where the bytes live.
#[derive(Debug)]
enum Home {
    /// A range of an arena.
    Arena(&'static Arena),
    /// Pages of its own, held to be unmapped in the end.
    Pages(#[expect(dead_code)] Map),
}

impl Code {
    /// Makes a copy of the bytes executable, in the ways that the policy allows.
    pub fn publish(bytes: &[u8], policy: Policy) -> Result<Code> {
        match policy {
            Policy::Auto => publish_in_arena(bytes).or_else(|_| publish_pages(bytes)),
            Policy::Mprotect => publish_pages(bytes),
            Policy::None => Err(unimplemented_here!(
                "executable memory is switched off by BRICK_JIT_MEMORY=none"
            )),
        }
    }

    /// The first instruction, at a multiple of 64.
    pub fn entry(&self) -> *const u8 {
        self.entry.as_ptr()
    }

    /// The machine code.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `publish` wrote `len` bytes there, the mapping is readable and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.entry.as_ptr(), self.len) }
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // A kernel inherited through fork stays: the child keeps no books about it. Own pages unmap themselves.
        if let Home::Arena(arena) = self.home
            && arena.is_ours()
        {
            lock(arena).give_back(self.entry.as_ptr() as usize, self.len);
        }
    }
}

/// A private copy in pages of its own: written first, executable afterwards.
fn publish_pages(bytes: &[u8]) -> Result<Code> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let map = Map::new(
        bytes.len(),
        prot,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        -1,
    )?;
    // SAFETY: the fresh mapping holds at least `bytes.len()` writable bytes that nobody else knows.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), map.start.as_ptr(), bytes.len()) };
    // SAFETY: the range is the whole mapping made above.
    let rc = unsafe { libc::mprotect(map.address(), map.len, libc::PROT_READ | libc::PROT_EXEC) };
    if rc != 0 {
        return Err(refused("making written pages executable"));
    }
    Ok(Code {
        entry: map.start,
        len: bytes.len(),
        home: Home::Pages(map),
    })
}

/// The error of the last system call: out of memory, or no executable memory on this host.
fn refused(what: &str) -> Error {
    let error = io::Error::last_os_error();
    let status = match error.raw_os_error() {
        Some(libc::ENOMEM | libc::ENOSPC | libc::EMFILE | libc::ENFILE | libc::EAGAIN) => {
            Status::OutOfMemory
        }
        _ => Status::Unimplemented,
    };
    Error::new(
        status,
        format!("no executable memory: {what} failed: {error}"),
    )
}

/// A mapping, unmapped on drop.
#[derive(Debug)]
struct Map {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread; what is done with its address is up to its owner.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    fn new(len: usize, prot: c_int, flags: c_int, fd: c_int) -> Result<Map> {
        // SAFETY: without MAP_FIXED the kernel picks an unused range.
        let address = unsafe { libc::mmap(ptr::null_mut(), len.max(1), prot, flags, fd, 0) };
        match NonNull::new(address.cast()) {
            Some(start) if address != libc::MAP_FAILED => Ok(Map {
                start,
                len: len.max(1),
            }),
            _ => Err(refused("mmap")),
        }
    }

    fn address(&self) -> *mut c_void {
        self.start.as_ptr().cast()
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and its owner says that nobody uses it any more.
        unsafe { libc::munmap(self.address(), self.len) };
    }
}

/// The chunks of one process.
type Arena = Own<Mutex<Chunks>>;

static ARENA: PerProcess<Mutex<Chunks>> = PerProcess::new();

fn lock(arena: &'static Arena) -> MutexGuard<'static, Chunks> {
    arena.lock().unwrap_or_else(PoisonError::into_inner)
}

fn publish_in_arena(bytes: &[u8]) -> Result<Code> {
    FORKS.register();
    let arena = ARENA.get();
    let entry = lock(arena).publish(bytes)?;
    Ok(Code {
        entry,
        len: bytes.len(),
        home: Home::Arena(arena),
    })
}

/// Between the two halves of a fork: the arena, locked, and a copy of each chunk for the child.
struct Fork {
    _arena: MutexGuard<'static, Chunks>,
    copies: Vec<Twin>,
}

/// A copy of a chunk's bytes, and the view to run them from, which the child puts them behind.
struct Twin {
    file: Memfd,
    address: *mut c_void,
    len: usize,
}

/// Gives forked children code of their own: the parent goes on writing to the pages that they would else share.
static FORKS: ForkHandlers = ForkHandlers::new(Some(before), Some(in_parent), in_child);

thread_local! {
    static FORK: RefCell<Option<Fork>> = const { RefCell::new(None) };
}

extern "C" fn before() {
    // A thread that is ending has no place for the copies; its child shares the parent's code.
    let _ = FORK.try_with(|place| {
        let mut place = place.borrow_mut();
        if place.is_none() {
            *place = ARENA.existing().map(Fork::prepare);
        }
    });
}

extern "C" fn in_parent() {
    let _ = FORK.try_with(RefCell::take);
}

extern "C" fn in_child() {
    FORKS.inherit();
    if let Ok(Some(fork)) = FORK.try_with(RefCell::take) {
        fork.copies.iter().for_each(Twin::take_over);
    }
}

impl Fork {
    fn prepare(arena: &'static Arena) -> Fork {
        let mut arena = lock(arena);
        let mut copies = Vec::new();
        for chunk in &mut arena.0 {
            match chunk.twin() {
                Ok(twin) => copies.push(twin),
                // The child shares these pages for good.
                Err(_) => chunk.freeze(),
            }
        }
        Fork {
            copies,
            _arena: arena,
        }
    }
}

impl Twin {
    /// Puts the copy in place of the pages shared with the parent.
    fn take_over(&self) {
        let (prot, flags) = (
            libc::PROT_READ | libc::PROT_EXEC,
            libc::MAP_SHARED | libc::MAP_FIXED,
        );
        // SAFETY: the range is a chunk's view to run from, the copy has the same bytes, and the child's one thread runs none
        // of them now. If the system refuses, the old pages stay.
        unsafe { libc::mmap(self.address, self.len, prot, flags, self.file.0, 0) };
    }
}

/// What an arena's lock protects.
#[derive(Debug, Default)]
struct Chunks(Vec<Chunk>);

impl Chunks {
    fn publish(&mut self, bytes: &[u8]) -> Result<NonNull<u8>> {
        let size = footprint(bytes.len());
        if let Some(entry) = self.0.iter_mut().find_map(|c| c.publish(bytes, size)) {
            return Ok(entry);
        }
        let usual = MAX_CHUNK.min(MIN_CHUNK << self.0.len().min(8));
        let mut chunk = Chunk::new(size.next_multiple_of(MIN_CHUNK).max(usual))?;
        let entry = chunk
            .publish(bytes, size)
            .expect("an empty chunk fits what it was sized for");
        self.0.push(chunk);
        Ok(entry)
    }

    /// Frees a kernel's range, and all chunks that this leaves empty but the first.
    fn give_back(&mut self, entry: usize, len: usize) {
        let Some(at) = self.0.iter().position(|c| c.holds(entry)) else {
            return;
        };
        self.0[at].give_back(entry, footprint(len));
        if at > 0 && self.0[at].is_empty() {
            self.0.swap_remove(at);
        }
    }
}

/// Bytes that a kernel takes up in a chunk.
fn footprint(len: usize) -> usize {
    len.max(1).next_multiple_of(ALIGN)
}

/// Memory mapped twice, and the ranges of it that are free.
#[derive(Debug)]
struct Chunk {
    run: Map,
    write: Map,
    /// Offsets `start..end`, ascending, never adjacent.
    free: Vec<(usize, usize)>,
    /// Nothing at or above this offset was ever run.
    fresh: usize,
    /// Whether a child runs these bytes too, so that nothing is written any more.
    frozen: bool,
}

impl Chunk {
    fn new(len: usize) -> Result<Chunk> {
        let file = Memfd::new(len)?;
        let read = libc::PROT_READ;
        Ok(Chunk {
            run: Map::new(len, read | libc::PROT_EXEC, libc::MAP_SHARED, file.0)?,
            write: Map::new(len, read | libc::PROT_WRITE, libc::MAP_SHARED, file.0)?,
            free: vec![(0, len)],
            fresh: 0,
            frozen: false,
        })
    }

    /// The bytes that kernels may lie in, once more.
    fn twin(&self) -> Result<Twin> {
        let twin = Twin {
            file: Memfd::new(self.run.len)?,
            address: self.run.address(),
            len: self.run.len,
        };
        // SAFETY: that much of the view is mapped and readable.
        let written = unsafe { libc::pwrite(twin.file.0, twin.address, self.fresh, 0) };
        match usize::try_from(written) {
            Ok(written) if written == self.fresh => Ok(twin),
            _ => Err(refused("copying code for a child")),
        }
    }

    fn holds(&self, entry: usize) -> bool {
        let start = self.run.address() as usize;
        (start..start + self.run.len).contains(&entry)
    }

    /// Leaves the bytes as they are from here on.
    fn freeze(&mut self) {
        self.frozen = true;
        self.free.clear();
    }

    fn is_empty(&self) -> bool {
        self.free == [(0, self.run.len)]
    }

    /// Writes the bytes into the first free range of `size` bytes, if there is one.
    fn publish(&mut self, bytes: &[u8], size: usize) -> Option<NonNull<u8>> {
        let slot = self
            .free
            .iter()
            .position(|(start, end)| end - start >= size)?;
        let (start, end) = self.free[slot];
        match start + size == end {
            true => drop(self.free.remove(slot)),
            false => self.free[slot].0 += size,
        }
        // SAFETY: the range lies inside both mappings, and nobody runs what was free.
        let entry = unsafe {
            ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.write.start.as_ptr().add(start),
                bytes.len(),
            );
            self.run.start.add(start)
        };
        if start < self.fresh {
            forget_old_instructions();
        }
        self.fresh = self.fresh.max(start + size);
        Some(entry)
    }

    /// Puts a range back, joined with its free neighbours.
    fn give_back(&mut self, entry: usize, size: usize) {
        if self.frozen {
            return;
        }
        let mut start = entry - self.run.address() as usize;
        let mut end = start + size;
        let mut slot = self.free.partition_point(|(s, _)| *s < start);
        if self.free.get(slot).is_some_and(|(s, _)| *s == end) {
            end = self.free.remove(slot).1;
        }
        if slot > 0 && self.free[slot - 1].1 == start {
            slot -= 1;
            start = self.free.remove(slot).0;
        }
        self.free.insert(slot, (start, end));
    }
}

/// Makes every core of the process drop instructions that it fetched from a reused range, as the architecture asks for
/// code written through another address. Old systems lack the call; there the time since the old code ran must do.
fn forget_old_instructions() {
    const SYNC_CORE: c_int = 1 << 5;
    const REGISTER_SYNC_CORE: c_int = 1 << 6;
    for command in [REGISTER_SYNC_CORE, SYNC_CORE] {
        // SAFETY: membarrier touches no memory of the process.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) };
    }
}

/// An anonymous file, closed on drop.
struct Memfd(c_int);

impl Memfd {
    fn new(len: usize) -> Result<Memfd> {
        let name = c"brick-kernels".as_ptr();
        let open = |flags: u32| {
            // SAFETY: the name is a C string.
            unsafe { libc::memfd_create(name, libc::MFD_CLOEXEC | flags) }
        };
        // Hosts that deny execution by default want to be asked for it; older ones do not know the flag.
        let asked = open(libc::MFD_EXEC);
        let fd = if asked < 0 { open(0) } else { asked };
        if fd < 0 {
            return Err(refused("memfd_create"));
        }
        let file = Memfd(fd);
        // Allocated now, since a page missing later would be a SIGBUS.
        // SAFETY: the descriptor is open and owned.
        if unsafe { libc::fallocate(fd, 0, 0, len as libc::off_t) } != 0 {
            return Err(refused("fallocate"));
        }
        Ok(file)
    }
}

impl Drop for Memfd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is open and owned; mappings outlive it.
        unsafe { libc::close(self.0) };
    }
}
