//! Teams under regions of every kind: nested, busy, panicking, with more members than cores.

use super::*;
use std::sync::atomic::AtomicUsize;
use std::thread;

fn check(team: &Team, parts: usize) {
    let hits: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
    team.run(parts, &|i| {
        hits[i].fetch_add(1, Relaxed);
    });
    assert!(hits.iter().all(|h| h.load(Relaxed) == 1));
}

#[test]
fn every_part_runs_once_for_any_sizes() {
    for members in 1..=6 {
        let team = Team::new(members);
        (0..=13).for_each(|parts| check(&team, parts));
    }
}

#[test]
fn workers_wake_from_their_sleep() {
    let team = Team::new(3);
    for _ in 0..5 {
        check(&team, 3);
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn more_members_than_cores_do_not_collapse() {
    let team = Team::new(4 * cores());
    let start = std::time::Instant::now();
    (0..1000).for_each(|_| check(&team, 4 * cores()));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn nested_regions_run_inline() {
    let team = Team::new(3);
    let count = AtomicUsize::new(0);
    team.run(3, &|_| {
        let me = thread::current().id();
        team.run(4, &|_| {
            assert_eq!(thread::current().id(), me);
            count.fetch_add(1, Relaxed);
        });
        assert!(!team.run_together(2, &|_| ()));
    });
    assert_eq!(count.into_inner(), 12);
}

#[test]
fn many_callers_at_once() {
    let team = Team::new(3);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| (0..300).for_each(|i| check(&team, 1 + i % 5)));
        }
    });
}

#[test]
fn panics_reach_the_caller_and_leave_the_team_usable() {
    let team = Team::new(3);
    for bad in 0..5 {
        let run = || team.run(5, &|i| assert_ne!(i, bad, "stop"));
        let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert!(payload.downcast_ref::<String>().unwrap().contains("stop"));
        check(&team, 5);
    }
}

#[test]
fn a_share_is_had_once() {
    let team = Team::new(2);
    check(&team, 2);
    let shared = &team.crew().unwrap().shared;
    let last = shared.region.0.load(Relaxed);
    let next = last + (1 << MEMBER_BITS);
    assert!(!shared.claim(1, last), "somebody has done it");
    assert!(shared.claim(1, next));
    assert!(!shared.claim(1, next) && !shared.claim(1, last));
}

#[test]
fn together_means_at_the_same_time() {
    let team = Team::new(3);
    let arrived = AtomicUsize::new(0);
    assert!(team.run_together(3, &|_| {
        arrived.fetch_add(1, Relaxed);
        while arrived.load(Relaxed) < 3 {
            thread::yield_now();
        }
    }));
    assert!(!team.run_together(4, &|_| unreachable!()));
}

/// Runs `f` in a forked child and returns whether it ended well within ten seconds.
fn in_fork(f: impl FnOnce()) -> bool {
    // SAFETY: the child calls `f`, which needs no lock that another thread of the test may have held, and ends.
    match unsafe { libc::fork() } {
        0 => {
            let fine = catch_unwind(AssertUnwindSafe(f)).is_ok();
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { libc::_exit(if fine { 0 } else { 1 }) }
        }
        child => wait_for(child) == Some(0),
    }
}

/// The child's wait status; none, and the child killed, after ten seconds.
fn wait_for(child: libc::pid_t) -> Option<i32> {
    let mut status = 0;
    for _ in 0..1000 {
        // SAFETY: `child` is ours and `status` a local.
        if unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == child {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(10));
    }
    // SAFETY: the child has not been waited for, so its number is still its own.
    unsafe {
        (
            libc::kill(child, libc::SIGKILL),
            libc::waitpid(child, &mut status, 0),
        )
    };
    None
}

#[test]
fn a_forked_child_gets_a_crew_of_its_own() {
    let team = Team::new(3);
    check(&team, 3);
    assert!(in_fork(|| {
        assert!(team.run_together(3, &|_| ()));
        (0..100).for_each(|_| check(&team, 5));
        assert!(in_fork(|| check(&team, 3)));
    }));
    check(&team, 3);
}

#[test]
fn a_fork_while_another_thread_is_inside_a_region() {
    let team = Team::new(2);
    let (inside, leave) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            team.run(2, &|_| {
                inside.store(true, Relaxed);
                while !leave.load(Relaxed) {
                    thread::yield_now();
                }
            });
        });
        while !inside.load(Relaxed) {
            thread::yield_now();
        }
        let fine = in_fork(|| assert!(team.run_together(2, &|_| ())));
        leave.store(true, Relaxed);
        assert!(fine);
    });
}
