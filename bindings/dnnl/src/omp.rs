//! The application's OpenMP team as a pool: its size, and so `OMP_NUM_THREADS`, is OpenMP's to say.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use brick::threads::{Panics, Pool};

/// The runtime's number in `dnnl_version_t`.
pub const ID: u32 = 2;
/// The runtime's name in verbose lines.
pub const NAME: &str = "OpenMP";
/// The pool of this flavour.
pub static POOL: Omp = Omp;

// These six names are what compilers call and OpenMP defines; libgomp and LLVM's libomp both have them.
unsafe extern "C" {
    fn GOMP_parallel(
        f: unsafe extern "C" fn(*mut c_void),
        data: *mut c_void,
        threads: c_uint,
        flags: c_uint,
    );
    safe fn omp_get_max_threads() -> c_int;
    safe fn omp_get_num_threads() -> c_int;
    safe fn omp_get_thread_num() -> c_int;
    safe fn omp_in_parallel() -> c_int;
}

/// The calling thread's OpenMP team.
pub struct Omp;

impl Pool for Omp {
    fn len(&self) -> usize {
        omp_get_max_threads().max(1) as usize
    }

    fn is_concurrent(&self) -> bool {
        true
    }

    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        let threads = n.min(self.len());
        if threads <= 1 || omp_in_parallel() != 0 {
            return (0..n).for_each(f);
        }
        Region::new(f, n, false).open(threads);
    }

    fn run_together(&self, n: usize, f: &(dyn Fn(usize) + Sync)) -> bool {
        n <= self.len() && omp_in_parallel() == 0 && Region::new(f, n, true).open(n)
    }
}

/// One parallel region.
struct Region<'a> {
    f: &'a (dyn Fn(usize) + Sync),
    parts: usize,
    /// Run the parts only if each has a thread of its own.
    together: bool,
    ran: AtomicBool,
    panics: Panics,
}

impl<'a> Region<'a> {
    fn new(f: &'a (dyn Fn(usize) + Sync), parts: usize, together: bool) -> Region<'a> {
        Region {
            f,
            parts,
            together,
            ran: AtomicBool::new(false),
            panics: Panics::default(),
        }
    }

    /// Runs the region on a team of at most so many threads; whether it ran.
    fn open(self, threads: usize) -> bool {
        let data = (&raw const self).cast_mut().cast();
        // SAFETY: `member` takes a pointer to a region, which outlives the call and may be shared between threads.
        unsafe { GOMP_parallel(member, data, threads as c_uint, 0) };
        self.panics.rethrow();
        self.ran.into_inner()
    }

    /// One thread's share. OpenMP may give fewer threads than asked for, and tells all of them the same number.
    fn share(&self) {
        let (me, threads) = (
            omp_get_thread_num() as usize,
            omp_get_num_threads() as usize,
        );
        if self.together && threads != self.parts {
            return;
        }
        if me == 0 {
            self.ran.store(true, Relaxed);
        }
        // A panic must not unwind through OpenMP's frames.
        self.panics
            .catch(|| (me..self.parts).step_by(threads).for_each(self.f));
    }
}

unsafe extern "C" fn member(region: *mut c_void) {
    // SAFETY: `open` passed its region and waits for the team.
    unsafe { &*region.cast::<Region>() }.share();
}
