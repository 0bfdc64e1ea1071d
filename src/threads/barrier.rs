//! Waiting for other threads: how to wait, a barrier, and phases that meet at it.
//!
//! All waiting here first watches memory, which costs nothing when the other side is about to act; then yields the core,
//! so that the thread waited for can run where there are more threads than cores.

use std::hint::spin_loop;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use super::Pool;
use crate::machine::cores;

/// For how long a waiting thread keeps its core to itself before it begins to yield.
const WATCH: Duration = Duration::from_micros(20);

/// Looks between two readings of the clock.
const LOOKS: u32 = 32;

/// One wait of one thread.
pub struct Wait {
    looks: u32,
    since: Option<Instant>,
    yields: bool,
}

impl Wait {
    /// A wait that begins now; `crowded` says that there are fewer cores than threads, so that yielding comes at once.
    pub fn new(crowded: bool) -> Wait {
        Wait {
            looks: 0,
            since: None,
            yields: crowded,
        }
    }

    /// Passes a moment between two looks at what is waited for.
    pub fn pause(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        if self.yields {
            yield_now();
        } else {
            spin_loop();
            // The clock is read now and then, so that a short wait never reads it.
            self.yields = self.looks.is_multiple_of(LOOKS) && self.elapsed() >= WATCH;
        }
    }

    /// As `pause`, for a wait of limited length: false when `limit` has passed.
    pub fn pause_within(&mut self, limit: Duration) -> bool {
        self.pause();
        !(self.looks.is_multiple_of(LOOKS) && self.elapsed() >= limit)
    }

    fn elapsed(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }
}

/// Where a fixed number of threads meet, again and again.
pub struct Barrier {
    members: usize,
    /// Whether there are fewer cores than members.
    crowded: bool,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
}

impl Barrier {
    /// A barrier for so many threads.
    pub fn new(members: usize) -> Barrier {
        Barrier {
            members,
            crowded: members > cores(),
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// Returns when all members have called it; what they wrote before is then visible.
    ///
    /// # Panics
    /// When a member has [broken](Barrier::break_up) the barrier, because it will never come.
    pub fn wait(&self) {
        let round = self.round.load(Relaxed);
        if self.arrived.fetch_add(1, AcqRel) + 1 == self.members {
            self.arrived.store(0, Relaxed);
            self.round.store(round.wrapping_add(1), Release);
            return;
        }
        let mut wait = Wait::new(self.crowded);
        while self.round.load(Acquire) == round {
            assert!(
                !self.broken.load(Relaxed),
                "another part of the parallel region panicked"
            );
            wait.pause();
        }
    }

    /// Releases the waiting members with a panic.
    pub fn break_up(&self) {
        self.broken.store(true, Relaxed);
    }
}

/// Breaks the barrier when its owner unwinds.
struct BreakOnPanic<'a>(&'a Barrier);

impl Drop for BreakOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_up();
        }
    }
}

/// Runs f(phase, part) for every part of phase 0, then of phase 1, and so on, in one region where the pool can.
pub fn phases(pool: &dyn Pool, count: usize, parts: usize, f: &(dyn Fn(usize, usize) + Sync)) {
    let barrier = Barrier::new(parts);
    let all_phases = |part| {
        let _guard = BreakOnPanic(&barrier);
        for phase in 0..count {
            if phase > 0 {
                barrier.wait();
            }
            f(phase, part);
        }
    };
    if parts > 1 && pool.is_concurrent() && pool.run_together(parts, &all_phases) {
        return;
    }
    (0..count).for_each(|phase| pool.run(parts, &|part| f(phase, part)));
}

#[cfg(test)]
mod tests {
    use super::super::{Inline, Team};
    use super::*;
    use std::panic::catch_unwind;

    /// Every part of a phase must see what all parts of the phase before wrote.
    fn check_phases(pool: &dyn Pool, parts: usize) {
        let cells: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
        phases(pool, 50, parts, &|phase, part| {
            assert!(cells.iter().all(|c| c.load(Relaxed) >= phase));
            cells[part].fetch_add(1, Relaxed);
        });
        assert!(cells.iter().all(|c| c.load(Relaxed) == 50));
    }

    #[test]
    fn phases_follow_one_another_on_every_pool() {
        check_phases(&Inline, 3);
        for members in 1..=5 {
            let team = Team::new(members);
            (1..=6).for_each(|parts| check_phases(&team, parts));
        }
    }

    #[test]
    fn a_panic_in_a_phase_frees_the_others() {
        let team = Team::new(4);
        let run = || {
            phases(&team, 3, 4, &|phase, part| {
                assert!((phase, part) != (1, 2), "stop")
            })
        };
        assert!(catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        check_phases(&team, 4);
    }
}
