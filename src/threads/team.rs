//! Our own pool: the calling thread and plain threads that wait for it.
//!
//! Measured on two cores, entering a rayon pool from an outside thread costs 21 µs, a bare hand-off between spinning
//! threads 0.12 µs; rayon would be no more than a thread spawner here, so workers are threads of the standard library.
//!
//! The caller is always a member. A region is opened by one store to `Crew::region`, whose value says which region it is
//! and how many members take part; each of these answers by storing the value to its own cache line, so members share no
//! line that several of them write. Members that take no part never touch the job. A worker watches for the next region,
//! then yields, then parks (`BRICK_SPIN_US`).
//!
//! A member claims its share of the parts before it begins. So a caller who is through with his own takes over what nobody
//! has begun: he does not wait for a worker that is still waking up or whose core another program has. Which parts there
//! are does not depend on who runs them. Only parts that meet at a barrier are left to their members.
//!
//! One region at a time: who finds the crew busy, or is nested inside a region, runs all parts itself. Threads exist from
//! the first region on, never at load. A fork leaves them behind, so the child forgets the crew (its handles lead to
//! nothing) and hires a new one at its first region.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    fence,
};
use std::thread::{Builder, JoinHandle, park};
use std::time::Duration;

use super::{Pool, barrier::Wait};
use crate::{knobs, machine::cores, process::ForkHandlers};

/// A pool of a fixed number of threads, the caller included.
pub struct Team {
    members: usize,
    /// The crew in service, or null; a `Box`, owned. One from before a fork is never freed.
    crew: AtomicPtr<Crew>,
    /// 1 + the generation of the process that is hiring, so that a child does not wait for a thread that it lacks.
    hiring: AtomicU32,
}

impl Team {
    /// A team of so many members; its threads come with the first region.
    pub fn new(members: usize) -> Team {
        Team {
            members: members.clamp(1, MAX_MEMBERS),
            crew: AtomicPtr::new(null_mut()),
            hiring: AtomicU32::new(0),
        }
    }

    /// The crew of this process; none while another thread is hiring it.
    fn crew(&self) -> Option<&Crew> {
        // SAFETY: a published crew is freed by nothing but `drop`, which has the team to itself.
        let crew = unsafe { self.crew.load(Acquire).as_ref() };
        match crew {
            Some(crew) if crew.generation == GENERATION.load(Relaxed) => Some(crew),
            _ => self.hire(),
        }
    }

    #[cold]
    fn hire(&self) -> Option<&Crew> {
        FORKS.register();
        let generation = GENERATION.load(Relaxed);
        let hiring = self.hiring.load(Relaxed);
        if hiring == generation + 1
            || self
                .hiring
                .compare_exchange(hiring, generation + 1, Acquire, Relaxed)
                .is_err()
        {
            return None;
        }
        let current = self.crew.load(Acquire);
        // SAFETY: as in `crew`.
        let stale = unsafe { current.as_ref() }.is_none_or(|crew| crew.generation != generation);
        let crew = if stale {
            let crew = Box::into_raw(Box::new(Crew::hire(self.members, generation)));
            self.crew.store(crew, Release);
            crew
        } else {
            current
        };
        self.hiring.store(0, Release);
        // SAFETY: as in `crew`; it was boxed here or found in service.
        unsafe { crew.as_ref() }
    }
}

/// The member number has this many bits of a region's value.
const MEMBER_BITS: u32 = 16;
const MAX_MEMBERS: usize = 1024;

impl Pool for Team {
    fn len(&self) -> usize {
        self.members
    }

    fn is_concurrent(&self) -> bool {
        self.members > 1
    }

    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        let opened =
            n > 1 && self.members > 1 && self.crew().is_some_and(|crew| crew.open(n, f, true));
        if !opened {
            (0..n).for_each(f);
        }
    }

    fn run_together(&self, n: usize, f: &(dyn Fn(usize) + Sync)) -> bool {
        n <= self.members
            && self
                .crew()
                .is_some_and(|crew| n <= crew.size() && crew.open(n, f, false))
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let crew = *self.crew.get_mut();
        // SAFETY: the crew came from a box, and `&mut self` says that nobody uses it.
        if !crew.is_null() && unsafe { &*crew }.generation == GENERATION.load(Relaxed) {
            // SAFETY: as above.
            unsafe { Box::from_raw(crew) }.dismiss();
        }
    }
}

/// The threads of a team in one process.
struct Crew {
    generation: u32,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// What the members of a crew see.
struct Shared {
    /// Set while a region is open.
    busy: AtomicBool,
    /// The number of the current region above `MEMBER_BITS`, below it how many members take part.
    region: Padded<AtomicU64>,
    job: UnsafeCell<Job>,
    /// One for each worker.
    posts: Box<[Padded<Post>]>,
    /// Whether there are more members than cores.
    crowded: bool,
    patience: Duration,
}

/// A cache line of its own, and its neighbour, which processors fetch along.
#[repr(align(128))]
struct Padded<T>(T);

/// Where a worker and the callers meet.
struct Post {
    /// The last region in which somebody has begun the worker's share.
    claimed: AtomicU64,
    /// The last region in which the worker's share is done.
    done: AtomicU64,
    parked: AtomicBool,
    panic: UnsafeCell<Option<Box<dyn Any + Send>>>,
    panicked: AtomicBool,
}

/// The open region's work; `f` is valid until the region closes.
#[derive(Clone, Copy)]
struct Job {
    f: *const (dyn Fn(usize) + Sync),
    parts: usize,
}

// SAFETY: `job` is written by the one caller that holds `busy` while no worker takes part in a region, and read by the
// workers that have claimed a share, for which the caller waits until they report. A post's `panic` passes from
// its worker to the caller in the same way. Everything else is atomic or constant.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer in `job` is only followed while its region is open.
unsafe impl Send for Shared {}

/// The value that tells workers to leave: a region in which all take part, without work.
const LEAVE: u64 = u64::MAX;

fn takers(region: u64) -> usize {
    (region & ((1 << MEMBER_BITS) - 1)) as usize
}

impl Crew {
    /// Starts the threads; where the system refuses some, the crew is smaller.
    fn hire(members: usize, generation: u32) -> Crew {
        let shared = Arc::new(Shared::new(members));
        let signals = SignalsBlocked::new();
        let start = |member| {
            let shared = shared.clone();
            let name = format!("brick-{member}");
            Builder::new()
                .name(name)
                .spawn(move || shared.work(member))
                .ok()
        };
        let workers: Vec<_> = (1..members).map_while(start).collect();
        drop(signals);
        if workers.len() + 1 < members {
            crate::log_line!(
                ERROR,
                "threads,started {} of {} threads",
                workers.len(),
                members - 1
            );
        }
        Crew {
            generation,
            shared,
            workers,
        }
    }

    /// Members, the caller included.
    fn size(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs all parts of a region; false, and nothing, if another region is open. With `alone_if_need_be`, the caller runs
    /// what the workers have not begun when he is through with his own share.
    fn open(&self, parts: usize, f: &(dyn Fn(usize) + Sync), alone_if_need_be: bool) -> bool {
        let shared = &*self.shared;
        if shared.busy.swap(true, Acquire) {
            return false;
        }
        let members = parts.min(self.size());
        let region = shared.announce(members, Job { f: erase(f), parts });
        for (worker, post) in self.workers[..members - 1].iter().zip(&shared.posts) {
            if post.0.parked.load(Relaxed) {
                worker.thread().unpark();
            }
        }
        let mut panic = None;
        let mut run = |member| {
            // After a panic the region is only wound up.
            if panic.is_none() {
                let own = catch_unwind(AssertUnwindSafe(|| share(f, parts, member, members)));
                panic = own.err();
            }
        };
        run(0);
        if alone_if_need_be {
            // The workers wake in order, so the last is the least likely to have begun.
            for member in (1..members).rev().filter(|&m| shared.claim(m, region)) {
                run(member);
                shared.posts[member - 1].0.done.store(region, Relaxed);
            }
        }
        let theirs = shared.collect(region, members);
        shared.busy.store(false, Release);
        if let Some(payload) = panic.or(theirs) {
            resume_unwind(payload);
        }
        true
    }

    /// Sends the workers home and waits for them.
    fn dismiss(self) {
        self.shared.region.0.store(LEAVE, SeqCst);
        for worker in self.workers {
            worker.thread().unpark();
            // A worker catches what its parts throw, so it ends without a panic.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn new(members: usize) -> Shared {
        let post = |_| {
            Padded(Post {
                claimed: AtomicU64::new(0),
                done: AtomicU64::new(0),
                parked: AtomicBool::new(false),
                panic: UnsafeCell::new(None),
                panicked: AtomicBool::new(false),
            })
        };
        Shared {
            busy: AtomicBool::new(false),
            region: Padded(AtomicU64::new(0)),
            job: UnsafeCell::new(Job {
                f: null::<fn(usize)>(),
                parts: 0,
            }),
            posts: (1..members).map(post).collect(),
            crowded: members > cores(),
            patience: Duration::from_micros(knobs::SPIN_US.get() as u64),
        }
    }

    /// Opens a region for the first `members` and returns its value.
    fn announce(&self, members: usize, job: Job) -> u64 {
        // SAFETY: the caller holds `busy`, and all who took part in the last region have reported.
        unsafe { *self.job.get() = job };
        let last = self.region.0.load(Relaxed);
        let region = (((last >> MEMBER_BITS) + 1) << MEMBER_BITS) | members as u64;
        self.region.0.store(region, Release);
        // Either a worker about to park sees this region, or the caller sees that it parks.
        fence(SeqCst);
        region
    }

    /// Whether a member's share of a region was still to be had; it now belongs to whoever asked.
    fn claim(&self, member: usize, region: u64) -> bool {
        let claimed = &self.posts[member - 1].0.claimed;
        // Regions count up, so a worker that comes too late for one does not disturb the next.
        claimed.load(Relaxed) < region && claimed.fetch_max(region, AcqRel) < region
    }

    /// Waits until the region's other members have reported; a panic of one of them.
    fn collect(&self, region: u64, members: usize) -> Option<Box<dyn Any + Send>> {
        let mut panic = None;
        for Padded(post) in &self.posts[..members - 1] {
            let mut wait = Wait::new(self.crowded);
            while post.done.load(Acquire) != region {
                wait.pause();
            }
            if post.panicked.load(Relaxed) {
                post.panicked.store(false, Relaxed);
                // SAFETY: the worker has reported and will not touch this before the next region.
                panic = unsafe { (*post.panic.get()).take() }.or(panic);
            }
        }
        panic
    }

    /// A worker's life.
    fn work(&self, member: usize) {
        let Padded(post) = &self.posts[member - 1];
        let mut seen = 0;
        loop {
            seen = self.next_region(seen, post);
            if seen == LEAVE {
                return;
            }
            let members = takers(seen);
            if member < members && self.claim(member, seen) {
                // SAFETY: the share is claimed, so the job stays until it is reported.
                let Job { f, parts } = unsafe { *self.job.get() };
                // SAFETY: the caller of the region keeps `f` alive until this member reports.
                let f = unsafe { &*f };
                if let Err(payload) =
                    catch_unwind(AssertUnwindSafe(|| share(f, parts, member, members)))
                {
                    // SAFETY: the caller reads this only after the report below.
                    unsafe { *post.panic.get() = Some(payload) };
                    post.panicked.store(true, Relaxed);
                }
                post.done.store(seen, Release);
            }
        }
    }

    /// Waits for a region other than `seen`.
    fn next_region(&self, seen: u64, post: &Post) -> u64 {
        let mut wait = Wait::new(self.crowded);
        loop {
            let region = self.region.0.load(Acquire);
            if region != seen {
                return region;
            }
            if !wait.pause_within(self.patience) {
                self.sleep(seen, post);
                wait = Wait::new(self.crowded);
            }
        }
    }

    /// Parks until a caller wakes this worker, unless a region has come in the meantime.
    fn sleep(&self, seen: u64, post: &Post) {
        post.parked.store(true, Relaxed);
        fence(SeqCst);
        if self.region.0.load(Relaxed) == seen {
            park();
        }
        post.parked.store(false, Relaxed);
    }
}

/// One member's share of a region: every `members`-th part.
fn share(f: &(dyn Fn(usize) + Sync), parts: usize, member: usize, members: usize) {
    (member..parts).step_by(members).for_each(f);
}

/// Forgets how long `f` lives; `Crew::open` returns only when nobody uses it any more.
fn erase<'a>(f: &'a (dyn Fn(usize) + Sync + 'a)) -> *const (dyn Fn(usize) + Sync + 'static) {
    // SAFETY: only the lifetime changes, which a raw pointer does not use.
    unsafe {
        std::mem::transmute::<
            *const (dyn Fn(usize) + Sync + 'a),
            *const (dyn Fn(usize) + Sync + 'static),
        >(f)
    }
}

/// Forks between the first process and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Lets a forked child know that it is one.
static FORKS: ForkHandlers = ForkHandlers::new(None, None, another_generation);

extern "C" fn another_generation() {
    GENERATION.fetch_add(1, Relaxed);
    FORKS.inherit();
}

/// While it lives, threads started here are born with all signals blocked: the program's handlers belong to its threads.
struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    fn new() -> SignalsBlocked {
        // SAFETY: plain data, filled in by the calls below; all pointers are to locals.
        unsafe {
            let (mut all, mut before) = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
            SignalsBlocked(before)
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the mask is the one that `new` read.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, null_mut()) };
    }
}

#[cfg(test)]
mod tests;
