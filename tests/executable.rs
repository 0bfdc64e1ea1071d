//! Executable memory: each policy runs code, survives a fork and a host that forbids turning pages executable, and no
//! page is ever writable and executable at once.

#![allow(unsafe_code)]

#[path = "oracle/child.rs"]
mod child;

use brick::error::Status;
use brick::jit::asm::{Asm, gpr};
use brick::jit::code::{Code, Policy};
use child::in_child;
use std::sync::Barrier;
use std::time::Duration;

/// A function that returns `value`, and fills about `size` bytes.
fn constant(value: i64, size: usize) -> Vec<u8> {
    let mut asm = Asm::new(false);
    asm.mov_ri(gpr::RAX, value);
    asm.ret();
    while asm.len() < size {
        asm.ret();
    }
    asm.finish().unwrap()
}

fn call(code: &Code) -> i64 {
    // SAFETY: every test publishes functions without arguments that return an integer.
    let function: extern "C" fn() -> i64 = unsafe { std::mem::transmute(code.entry()) };
    function()
}

fn publish(value: i64, policy: Policy) -> Code {
    Code::publish(&constant(value, 0), policy).unwrap()
}

/// Takes a resource from this process, a child.
fn no_more(resource: libc::__rlimit_resource_t) {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a valid structure; the limit dies with the child.
    assert_eq!(unsafe { libc::setrlimit(resource, &none) }, 0);
}

/// Permission fields of the mappings of this process.
fn permissions() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let field = |line: &str| line.split_whitespace().nth(1).unwrap().to_owned();
    maps.lines().map(field).collect()
}

fn writable_and_executable() -> bool {
    permissions()
        .iter()
        .any(|p| p.contains('w') && p.contains('x'))
}

#[test]
fn every_policy_runs_code() {
    for policy in [Policy::Auto, Policy::Mprotect] {
        let code = publish(0x1234_5678_9ABC, policy);
        assert_eq!(call(&code), 0x1234_5678_9ABC);
        assert_eq!(code.bytes(), constant(0x1234_5678_9ABC, 0));
        assert_eq!(code.entry() as usize % 64, 0);
        assert!(!writable_and_executable());
    }
}

#[test]
fn refusal_is_unimplemented_with_a_sentence() {
    let error = Code::publish(&[0xC3], Policy::None).unwrap_err();
    assert_eq!(error.status, Status::Unimplemented);
    assert!(error.message.contains("BRICK_JIT_MEMORY"));
}

#[test]
fn many_kernels_of_many_sizes_do_not_disturb_each_other() {
    let sizes = [1, 63, 64, 65, 5_000, 70_000, 300_000];
    let make = |i: usize| {
        Code::publish(&constant(i as i64, sizes[i % sizes.len()]), Policy::Auto).unwrap()
    };
    let mut codes: Vec<(usize, Code)> = (0..100).map(|i| (i, make(i))).collect();
    for round in 1..4 {
        let mut i = 0;
        codes.retain(|_| {
            i += 1;
            i % 3 != round % 3
        });
        codes.extend((1000 * round..1000 * round + 40).map(|i| (i, make(i))));
        assert!(codes.iter().all(|(i, code)| call(code) == *i as i64));
    }
    let mut ranges: Vec<_> = codes
        .iter()
        .map(|(_, c)| c.bytes().as_ptr_range())
        .collect();
    ranges.sort_by_key(|r| r.start);
    assert!(ranges.windows(2).all(|w| w[0].end <= w[1].start));
    assert!(!writable_and_executable());
}

/// In a child, so that other tests' mappings do not count.
#[test]
fn memory_is_bounded_by_what_is_alive() {
    let flat = in_child(|| {
        let cycle = |policy| {
            let codes: Vec<Code> = (0..50)
                .map(|i| Code::publish(&constant(i, 20_000), policy).unwrap())
                .collect();
            assert!(codes.iter().enumerate().all(|(i, c)| call(c) == i as i64));
        };
        let all = [Policy::Auto, Policy::Mprotect];
        all.into_iter().for_each(cycle);
        let before = permissions().len();
        (0..20).for_each(|_| all.into_iter().for_each(cycle));
        permissions().len() <= before
    });
    assert!(flat);
}

#[test]
fn a_child_neither_harms_nor_loses_the_parents_kernels() {
    let hole = publish(1, Policy::Auto);
    let kept: Vec<Code> = (2..20).map(|i| publish(i, Policy::Auto)).collect();
    let intact = |kept: &[Code]| kept.iter().zip(2..).all(|(code, i)| call(code) == i);
    let dropped = publish(99, Policy::Auto);
    let free_in_parent = hole.entry();
    drop(hole);
    let child = in_child(|| {
        drop(dropped);
        let fresh: Vec<Code> = (100..400).map(|i| publish(i, Policy::Auto)).collect();
        let grandchild = in_child(|| call(&publish(7, Policy::Auto)) == 7 && intact(&kept));
        let right = fresh.iter().zip(100..).all(|(code, i)| call(code) == i);
        let elsewhere = fresh.iter().all(|code| code.entry() != free_in_parent);
        right && grandchild && elsewhere && intact(&kept)
    });
    assert!(child);
    assert!(intact(&kept));
    assert_eq!(call(&publish(5, Policy::Auto)), 5);
}

/// Where a fork finds no descriptor for a copy, the parent leaves the pages alone that the child runs too.
#[test]
fn code_that_cannot_be_copied_for_a_child_stays() {
    let child = in_child(|| {
        let kept: Vec<Code> = (2..20).map(|i| publish(i, Policy::Auto)).collect();
        let entries: Vec<_> = kept.iter().map(Code::entry).collect();
        let call = |entry: *const u8| {
            // SAFETY: functions without arguments that return an integer, in pages that nobody unmaps.
            let function: extern "C" fn() -> i64 = unsafe { std::mem::transmute(entry) };
            function()
        };
        no_more(libc::RLIMIT_NOFILE);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                drop(kept);
                (100..200)
                    .map(|i| publish(i, Policy::Auto))
                    .collect::<Vec<_>>()
            });
            in_child(|| {
                std::thread::sleep(Duration::from_millis(400));
                entries.iter().zip(2..).all(|(entry, i)| call(*entry) == i)
            })
        })
    });
    assert!(child);
}

#[test]
fn a_host_that_denies_gaining_execution_leaves_the_arena() {
    const SET_MDWE: i32 = 65;
    const REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    let child = in_child(|| {
        // SAFETY: plain integers; the setting dies with the child.
        let rc = unsafe { libc::prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) };
        if rc != 0 {
            eprintln!("this kernel lacks PR_SET_MDWE: nothing to check");
            return true;
        }
        let refused = Code::publish(&[0xC3], Policy::Mprotect).unwrap_err();
        refused.status == Status::Unimplemented
            && refused.message.contains("executable")
            && call(&publish(3, Policy::Auto)) == 3
    });
    assert!(child);
}

/// Without descriptors there is no memfd, and `Auto` falls back to pages of its own.
#[test]
fn without_memfd_auto_falls_back() {
    let child = in_child(|| {
        no_more(libc::RLIMIT_NOFILE);
        let code = publish(11, Policy::Auto);
        (code.entry() as usize).is_multiple_of(4096) && call(&code) == 11
    });
    assert!(child);
}

/// Without address space both ways fail, and the status says so.
#[test]
fn exhaustion_is_out_of_memory() {
    let child = in_child(|| {
        no_more(libc::RLIMIT_AS);
        let error = Code::publish(&[0xC3], Policy::Mprotect).unwrap_err();
        error.status == Status::OutOfMemory && error.message.contains("mmap")
    });
    assert!(child);
}

#[test]
fn threads_publish_and_drop_at_once() {
    let barrier = Barrier::new(8);
    std::thread::scope(|s| {
        for t in 0..8 {
            let barrier = &barrier;
            s.spawn(move || {
                barrier.wait();
                for i in 0..200 {
                    let code = publish(t * 1000 + i, Policy::Auto);
                    assert_eq!(call(&code), t * 1000 + i);
                }
            });
        }
    });
}
