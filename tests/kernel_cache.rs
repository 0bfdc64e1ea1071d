//! The kernel cache: one generation a specification whoever asks at once, failures forgotten, memory that follows use.
//!
//! One test, because it counts what the whole process generates: the dumps in a directory of its own.
#![allow(unsafe_code)]

#[path = "oracle/child.rs"]
mod child;

use brick::dtype::DataType::F32;
use brick::error::Status;
use brick::jit::code::Policy;
use brick::kernel::Kernel;
use brick::kernel::expr::{Bcast, Builder, Node};
use brick::kernel::spec::{Args, Out, Spec, Tile};
use brick::knobs;
use brick::machine::{Isa, machine};
use child::in_child;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};

/// A kernel of n columns that copies rows.
fn copy(n: usize) -> Spec {
    let mut builder = Builder::new();
    let row = builder.push(Node::Load {
        slot: 0,
        dtype: F32,
        bcast: Bcast::Row,
        int: false,
    });
    let out = Out {
        expr: builder.finish(row, false),
        d: F32,
        d_row_bytes: 0,
    };
    let isa = machine().isa;
    Spec::Tile(Tile {
        isa,
        n,
        far: false,
        out,
    })
}

fn copies(kernel: &Kernel, n: usize) -> bool {
    let from: Vec<f32> = (0..n).map(|i| i as f32 + 0.5).collect();
    let mut to = vec![f32::NAN; n];
    let operands = [from.as_ptr().cast::<u8>()];
    let args = Args {
        d: to.as_mut_ptr().cast(),
        m: 1,
        operands: operands.as_ptr(),
        ..Args::default()
    };
    // SAFETY: both rows have n elements.
    unsafe { kernel.call(&args) };
    to == from
}

fn files(dir: &Path) -> usize {
    fs::read_dir(dir).map_or(0, Iterator::count)
}

/// Bytes of address space that this process takes up.
fn address_space() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    4096 * statm.split(' ').next().unwrap().parse::<usize>().unwrap()
}

fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let mut limits = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a valid structure.
    assert_eq!(unsafe { libc::getrlimit(resource, &mut limits) }, 0);
    limits.rlim_cur = most.min(limits.rlim_max);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(resource, &limits) }, 0);
}

/// Whoever asks at the same time gets the same kernel, generated once.
fn one_generation(dir: &Path) {
    const THREADS: usize = 8;
    for n in 1..=100 {
        let (spec, barrier) = (copy(n), Barrier::new(THREADS));
        let before = files(dir);
        let ask = || {
            barrier.wait();
            Kernel::get(&spec).unwrap()
        };
        let kernels: Vec<Arc<Kernel>> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(kernels.iter().all(|k| Arc::ptr_eq(k, &kernels[0])));
        assert_eq!(files(dir), before + 1, "n = {n}");
        assert!(copies(&kernels[0], n));
        // In use, it is found; after that, its memory is free and it is generated anew.
        assert!(Arc::ptr_eq(&kernels[0], &Kernel::get(&spec).unwrap()));
        drop(kernels);
        drop(Kernel::get(&spec));
        assert_eq!(files(dir), before + 2, "n = {n}");
    }
}

/// Without address space there is no kernel, not even a slow one; once there is some, the same call succeeds.
fn a_failure_is_forgotten() {
    assert!(in_child(|| {
        // The child has to start an arena of its own.
        limit(libc::RLIMIT_AS, 0);
        let refused = Kernel::get(&copy(200)).err();
        limit(libc::RLIMIT_AS, u64::MAX);
        let kernel = Kernel::get(&copy(200)).unwrap();
        refused.is_some_and(|why| why.status == Status::OutOfMemory)
            && kernel.is_generated()
            && copies(&kernel, 200)
    }));
}

/// Where the host lets no page become executable and lends no descriptors, the portable kernel does the same.
fn a_host_without_executable_memory() {
    const SET_MDWE: i32 = 65;
    const REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    assert!(in_child(|| {
        // SAFETY: plain integers.
        if unsafe { libc::prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) } != 0 {
            eprintln!("this system lacks PR_SET_MDWE: nothing to check");
            return true;
        }
        // A forked child starts an arena of its own, which needs a descriptor.
        let arena = Kernel::get(&copy(30)).unwrap();
        let in_arena = arena.is_generated() && copies(&arena, 30);
        let without = in_child(|| {
            limit(libc::RLIMIT_NOFILE, 0);
            let kernel = Kernel::get(&copy(31)).unwrap();
            !kernel.is_generated() && copies(&kernel, 31)
        });
        in_arena && without
    }));
}

/// The knob that refuses executable memory leads to the portable kernel, too.
fn a_knob_that_refuses() {
    knobs::JIT_MEMORY.set(Policy::None);
    let kernel = Kernel::get(&copy(33)).unwrap();
    assert!(!kernel.is_generated() && copies(&kernel, 33));
    knobs::JIT_MEMORY.set(Policy::Auto);
    assert!(Arc::ptr_eq(&kernel, &Kernel::get(&copy(33)).unwrap()));
    drop(kernel);
    assert!(Kernel::get(&copy(33)).unwrap().is_generated());
}

/// Thousands of kernels, one after the other, take the memory of a few.
fn memory_follows_use() {
    let some =
        |first: usize| (first..first + 2000).for_each(|n| drop(Kernel::get(&copy(n)).unwrap()));
    some(1);
    let before = address_space();
    (1..6).for_each(|round| some(2000 * round));
    let grown = address_space().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes for 10000 kernels");
}

#[test]
fn the_cache_keeps_its_promises() {
    if machine().isa == Isa::Portable {
        eprintln!("nothing is generated on this processor");
        return;
    }
    let dir: PathBuf =
        std::env::temp_dir().join(format!("brick-kernel-cache-{}", std::process::id()));
    knobs::JIT_MEMORY.set(Policy::Auto);
    knobs::JIT_DUMP.set(Some(dir.clone()));
    one_generation(&dir);
    knobs::JIT_DUMP.set(None);
    fs::remove_dir_all(dir).unwrap();
    a_failure_is_forgotten();
    a_host_without_executable_memory();
    a_knob_that_refuses();
    memory_follows_use();
}
