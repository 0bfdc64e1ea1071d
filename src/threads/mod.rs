//! Running f(0..n) on a pool of threads; nothing here knows why.
//!
//! Three pools implement [`Pool`]: our own team (`team.rs`), the caller's pool behind C callbacks (`user.rs`), and, in
//! the drop-in library, the application's OpenMP team. A panic in a part is re-thrown to whoever opened the region.
#![allow(unsafe_code)]

use once_cell::race::{OnceBox, OnceRef};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use crate::{knobs, machine::cores};

pub mod barrier;
pub mod team;
pub mod user;

pub use barrier::{Barrier, phases};
pub use team::Team;
pub use user::UserPool;

/// Something that runs the parts of a parallel region.
#[allow(clippy::len_without_is_empty)] // A pool has at least the calling thread.
pub trait Pool: Send + Sync {
    /// How many parts can usefully run at once; plans partition their work for this many.
    fn len(&self) -> usize;

    /// Whether [`run_together`](Pool::run_together) is worth asking for.
    fn is_concurrent(&self) -> bool;

    /// Runs f(0), …, f(n-1), each exactly once, and returns when all are done. n may differ from `len`.
    ///
    /// The parts must not wait for one another: a busy pool runs them one after another in the calling thread.
    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync));

    /// Runs the parts all at the same time, so that they may meet at a [`Barrier`]; or answers false, having run none,
    /// where that cannot be had: not by this pool, not for this many, or not now. See [`phases`].
    fn run_together(&self, _n: usize, _f: &(dyn Fn(usize) + Sync)) -> bool {
        false
    }
}

/// The pool that runs every part in the calling thread.
pub struct Inline;

impl Pool for Inline {
    fn len(&self) -> usize {
        1
    }

    fn is_concurrent(&self) -> bool {
        false
    }

    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        (0..n).for_each(f);
    }
}

static DEFAULT: OnceBox<Team> = OnceBox::new();
static IN_ITS_PLACE: OnceRef<&dyn Pool> = OnceRef::new();

/// The pool of streams that bring none: our team, unless [`set_default_pool`] came first.
///
/// It lives as long as the process. Asking for it starts no thread; its first parallel region does.
pub fn default_pool() -> &'static dyn Pool {
    if let Some(pool) = IN_ITS_PLACE.get() {
        return *pool;
    }
    DEFAULT.get_or_init(|| {
        let threads = match knobs::NUM_THREADS.get() {
            0 => cores(),
            threads => threads,
        };
        Box::new(Team::new(threads))
    })
}

/// Puts another pool in our team's place; false if the default pool is already in use.
///
/// The drop-in library does this when it is loaded.
pub fn set_default_pool(pool: &'static &'static dyn Pool) -> bool {
    DEFAULT.get().is_none() && IN_ITS_PLACE.set(pool).is_ok()
}

/// Carries the first panic of a region's parts over frames that must not unwind.
#[derive(Default)]
pub struct Panics(Mutex<Option<Box<dyn Any + Send>>>);

impl Panics {
    /// Runs `f` and keeps its panic.
    pub fn catch(&self, f: impl FnOnce()) {
        // Unwind safety: `rethrow` makes sure that a caught panic is not forgotten.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(payload);
        }
    }

    /// Continues the panic that was kept, if there is one.
    pub fn rethrow(self) {
        let payload = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(payload) = payload {
            resume_unwind(payload);
        }
    }
}
