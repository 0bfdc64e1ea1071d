//! The caller's own pool, behind three C values.
//!
//! Nothing is promised about how its parts run, so they never wait for one another. No panic crosses the caller's
//! frames: it is kept and re-thrown when the region is over.

use std::ffi::{c_int, c_void};

use super::{Panics, Pool};

/// A part's function as the callbacks see it: opaque argument, part number.
pub type PartFn = unsafe extern "C" fn(arg: *mut c_void, part: c_int);

/// What a client passes to describe its pool.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Callbacks {
    /// Passed as the first argument of both functions.
    pub ctx: *mut c_void,
    /// How many parts the pool runs at once.
    pub num_threads: unsafe extern "C" fn(ctx: *mut c_void) -> c_int,
    /// Calls part(arg, 0), …, part(arg, n-1), each once, in any order, on any threads; returns when all are done.
    pub run: unsafe extern "C" fn(ctx: *mut c_void, n: c_int, part: PartFn, arg: *mut c_void),
}

/// A [`Pool`] made of callbacks.
pub struct UserPool {
    callbacks: Callbacks,
}

// SAFETY: `UserPool::new` demands callbacks that may be called from any thread.
unsafe impl Send for UserPool {}
// SAFETY: as above, and from several threads at once.
unsafe impl Sync for UserPool {}

impl UserPool {
    /// Wraps a client's pool.
    ///
    /// # Safety
    /// The functions may be called from any thread, from several at once, as long as this value lives, and do what
    /// [`Callbacks`] says.
    pub unsafe fn new(callbacks: Callbacks) -> UserPool {
        UserPool { callbacks }
    }

    /// The context that the client gave.
    pub fn context(&self) -> *mut c_void {
        self.callbacks.ctx
    }
}

impl Pool for UserPool {
    fn len(&self) -> usize {
        // SAFETY: promised to `new`.
        let threads = unsafe { (self.callbacks.num_threads)(self.callbacks.ctx) };
        threads.max(1) as usize
    }

    fn is_concurrent(&self) -> bool {
        false
    }

    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        if n <= 1 {
            return (0..n).for_each(f);
        }
        let region = Region {
            f,
            n,
            panics: Panics::default(),
        };
        let arg = (&raw const region).cast_mut().cast();
        let parts = c_int::try_from(n).expect("a region has fewer than 2^31 parts");
        // SAFETY: promised to `new`; `region` outlives the call, and `run_part` accepts it from any thread.
        unsafe { (self.callbacks.run)(self.callbacks.ctx, parts, run_part, arg) };
        region.panics.rethrow();
    }
}

/// One call of `run`.
struct Region<'a> {
    f: &'a (dyn Fn(usize) + Sync),
    n: usize,
    panics: Panics,
}

/// Runs one part; the [`PartFn`] of all regions.
unsafe extern "C" fn run_part(arg: *mut c_void, part: c_int) {
    // SAFETY: `arg` is the region that `run` passed, which waits for its parts; it is shared, and all of it is `Sync`.
    let region = unsafe { &*arg.cast::<Region>() };
    let part = part as usize;
    // A part that does not exist would write out of bounds.
    if part < region.n {
        region.panics.catch(|| (region.f)(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    unsafe extern "C" fn three(_: *mut c_void) -> c_int {
        3
    }

    /// A thread for each part.
    unsafe extern "C" fn spawn_all(_: *mut c_void, n: c_int, part: PartFn, arg: *mut c_void) {
        let arg = arg as usize;
        std::thread::scope(|scope| {
            for i in 0..n {
                // SAFETY: the region waits for this function.
                scope.spawn(move || unsafe { part(arg as *mut c_void, i) });
            }
        });
    }

    fn pool() -> UserPool {
        let callbacks = Callbacks {
            ctx: std::ptr::null_mut(),
            num_threads: three,
            run: spawn_all,
        };
        // SAFETY: the functions above keep the promises.
        unsafe { UserPool::new(callbacks) }
    }

    #[test]
    fn every_part_runs_once() {
        let sum = AtomicUsize::new(0);
        pool().run(7, &|i| {
            sum.fetch_add(1 << (4 * i), Relaxed);
        });
        assert_eq!((sum.into_inner(), pool().len()), (0x111_1111, 3));
    }

    #[test]
    fn panics_are_thrown_after_the_region() {
        let done = AtomicUsize::new(0);
        let run = || {
            pool().run(5, &|i| {
                assert_ne!(i, 3, "stop");
                done.fetch_add(1, Relaxed);
            });
        };
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(done.into_inner(), 4);
    }
}
