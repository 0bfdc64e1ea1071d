//! Running f(0..n) on a pool of threads; nothing here knows why.
//!
//! Three pools implement [`Pool`]: our own team (`team.rs`), the caller's pool behind C callbacks (`user.rs`), and, in
//! the drop-in library, the application's OpenMP team.

/// Something that runs the parts of a parallel region.
pub trait Pool: Send + Sync {
    /// How many parts can usefully run at once; plans partition their work for this many.
    fn len(&self) -> usize;

    /// Whether the parts of one region are guaranteed to run at the same time, so that they may meet at a barrier.
    fn is_concurrent(&self) -> bool;

    /// Runs f(0), …, f(n-1), each exactly once, and returns when all are done. n may differ from `len`.
    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync));
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
