//! What belongs to one process: a forked child makes it anew.
//!
//! A child has one thread of its parent's and all of its memory: locks that the other threads held stay locked in it for
//! good. So whatever a lock guards that creations share is kept here, by process; the child starts with an empty one, and
//! what its parent had is left alone. What is made once and only read from then on is a `once_cell::race` cell: those of the
//! standard library leave a child waiting for ever if the fork comes while another thread fills them.
#![allow(unsafe_code)]

use std::{
    ops::Deref,
    process,
    ptr::null_mut,
    sync::atomic::{
        AtomicPtr, AtomicU32,
        Ordering::{AcqRel, Acquire, Release},
    },
};

/// A value for each process that asks.
pub struct PerProcess<T: 'static> {
    current: AtomicPtr<Own<T>>,
}

/// The value of one process; it is never freed.
#[derive(Debug)]
pub struct Own<T> {
    pid: u32,
    value: T,
}

impl<T> Own<T> {
    /// Whether it was made by this process, not inherited.
    pub fn is_ours(&self) -> bool {
        self.pid == process::id()
    }
}

impl<T> Deref for Own<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Default + Sync> PerProcess<T> {
    /// No value yet.
    pub const fn new() -> PerProcess<T> {
        PerProcess {
            current: AtomicPtr::new(null_mut()),
        }
    }

    /// The value of this process, if it has one.
    pub fn existing(&self) -> Option<&'static Own<T>> {
        // SAFETY: only leaked boxes are ever stored.
        let own = unsafe { self.current.load(Acquire).as_ref() };
        own.filter(|own| own.is_ours())
    }

    /// The value of this process, made if need be: without a lock, so that no fork can leave one behind.
    pub fn get(&self) -> &'static Own<T> {
        let seen = self.current.load(Acquire);
        if let Some(own) = self.existing() {
            return own;
        }
        let fresh = Box::into_raw(Box::new(Own {
            pid: process::id(),
            value: T::default(),
        }));
        match (self.current).compare_exchange(seen, fresh, AcqRel, Acquire) {
            // SAFETY: leaked here, and never freed from here on.
            Ok(_) => unsafe { &*fresh },
            // SAFETY: `fresh` was never shared; the winner is a leaked box of this process.
            Err(winner) => unsafe {
                drop(Box::from_raw(fresh));
                &*winner
            },
        }
    }
}

impl<T: Default + Sync> Default for PerProcess<T> {
    fn default() -> PerProcess<T> {
        PerProcess::new()
    }
}

/// A setting that calls replace and all threads read, without a lock that a fork could leave held. What was replaced stays in
/// memory, behind what replaced it, since somebody may be reading it.
pub struct Latest<T: 'static> {
    current: AtomicPtr<Kept<T>>,
}

struct Kept<T> {
    value: T,
    /// What it replaced.
    _before: *mut Kept<T>,
}

impl<T: Send + Sync> Latest<T> {
    /// No value yet.
    pub const fn new() -> Latest<T> {
        Latest {
            current: AtomicPtr::new(null_mut()),
        }
    }

    /// The value that was set last.
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: only leaked boxes are ever stored.
        unsafe { self.current.load(Acquire).as_ref() }.map(|kept| &kept.value)
    }

    /// Replaces the value.
    pub fn set(&self, value: T) {
        let fresh = Box::leak(Box::new(Kept {
            value,
            _before: null_mut(),
        }));
        let replace = |before| {
            fresh._before = before;
            Some(&raw mut *fresh)
        };
        // It goes on until it has replaced what it found.
        let _ = self.current.fetch_update(AcqRel, Acquire, replace);
    }

    /// The value that was set last, or this one where there is none.
    pub fn get_or_set(&self, value: T) -> &'static T {
        let fresh = Box::into_raw(Box::new(Kept {
            value,
            _before: null_mut(),
        }));
        match (self.current).compare_exchange(null_mut(), fresh, AcqRel, Acquire) {
            // SAFETY: leaked here, and never freed from here on.
            Ok(_) => unsafe { &(*fresh).value },
            // SAFETY: `fresh` was never shared; what was there is a leaked box.
            Err(set) => unsafe {
                drop(Box::from_raw(fresh));
                &(*set).value
            },
        }
    }
}

impl<T: Send + Sync> Default for Latest<T> {
    fn default() -> Latest<T> {
        Latest::new()
    }
}

/// What runs around each fork.
pub struct ForkHandlers {
    registered_by: AtomicU32,
    before: Option<Handler>,
    in_parent: Option<Handler>,
    in_child: Handler,
}

type Handler = unsafe extern "C" fn();

impl ForkHandlers {
    /// Handlers that use nothing but what the forking thread holds. Threads that register them at once make them run more than
    /// once a fork; `in_child` calls [`Self::inherit`].
    pub const fn new(
        before: Option<Handler>,
        in_parent: Option<Handler>,
        in_child: Handler,
    ) -> ForkHandlers {
        ForkHandlers {
            registered_by: AtomicU32::new(0),
            before,
            in_parent,
            in_child,
        }
    }

    /// From here on they run. No lock is held meanwhile: a fork that another thread has begun makes this wait for its end.
    pub fn register(&self) {
        if self.registered_by.load(Acquire) != process::id() {
            // SAFETY: the handlers are what `new` asks for. If the system has no memory for them, nothing can be done here.
            unsafe { libc::pthread_atfork(self.before, self.in_parent, Some(self.in_child)) };
            self.registered_by.store(process::id(), Release);
        }
    }

    /// Says that this process, a child, has its parent's handlers.
    pub fn inherit(&self) {
        self.registered_by.store(process::id(), Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn one_value_for_all_threads() {
        static VALUE: PerProcess<Mutex<u32>> = PerProcess::new();
        assert!(VALUE.existing().is_none());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| *VALUE.get().lock().unwrap() += 1);
            }
        });
        assert_eq!(*VALUE.get().lock().unwrap(), 8);
        assert!(VALUE.existing().is_some_and(Own::is_ours));
    }

    #[test]
    fn the_latest_value_is_read() {
        static VALUE: Latest<u32> = Latest::new();
        assert_eq!(VALUE.get(), None);
        assert_eq!([VALUE.get_or_set(1), VALUE.get_or_set(2)], [&1, &1]);
        VALUE.set(3);
        assert_eq!([VALUE.get(), Some(VALUE.get_or_set(4))], [Some(&3); 2]);
    }
}
