//! Kernels: a specification becomes callable code, once, and is shared.
//!
//! A kernel is a leaf: one pointer argument, no calls, no unwinding. Where code cannot be generated (another processor,
//! no executable memory, strides beyond its reach) the portable kernel honours the same specification.
#![allow(unsafe_code)]

pub mod bare;
pub mod eltwise;
pub mod expr;
pub mod known;
pub mod name;
pub mod portable;
pub mod spec;
#[cfg(target_arch = "x86_64")]
mod x64;

use crate::error::{Error, Result, Status};
use crate::hash::Mix;
use crate::jit::{code::Code, inspect};
use crate::machine::{Isa, machine};
use crate::process::PerProcess;
use crate::{knobs, log_line, unimplemented_here};
use once_cell::race::OnceBox;
use spec::{Args, Spec};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, PoisonError, Weak};

type Entry = unsafe extern "C" fn(*const Args);

/// Runs code that the host cannot.
pub type Emulated = Box<dyn Fn(&Args) + Send + Sync>;
/// Makes machine code for a specification runnable on a host that lacks its instructions.
pub type Emulator = fn(&Spec, &[u8]) -> Emulated;

static EMULATOR: OnceBox<Emulator> = OnceBox::new();

/// From now on, kernels of rungs above the host's run in `emulator`; without one they are portable. For tests.
#[doc(hidden)]
pub fn emulate_with(emulator: Emulator) {
    EMULATOR.get_or_init(|| Box::new(emulator));
}

/// What a call of a kernel runs.
enum Body {
    /// Generated code and its first byte.
    Native(Entry, #[expect(dead_code)] Code),
    /// Generated code for another host.
    Emulated(Emulated),
    /// The portable kernel.
    Portable,
}

/// A kernel ready to call.
pub struct Kernel {
    /// What it computes.
    pub spec: Spec,
    body: Body,
}

/// A cache entry: locked while its kernel is generated, so that every other thread waits for it.
type Slot = Arc<Mutex<Weak<Kernel>>>;

/// Kernels in use. The cache does not keep them alive: primitives do, so memory is bounded by what primitives hold.
static CACHE: PerProcess<Mutex<HashMap<Spec, Slot, BuildHasherDefault<Mix>>>> = PerProcess::new();

/// Entries beyond which the cache drops those whose kernels are gone.
const SWEEP_AT: usize = 1024;

impl Kernel {
    /// The kernel for a specification: one in use, or a new one. One thread generates, others wait.
    pub fn get(spec: &Spec) -> Result<Arc<Kernel>> {
        let slot = slot_of(spec);
        let mut weak = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kernel) = weak.upgrade() {
            return Ok(kernel);
        }
        let kernel = Arc::new(Kernel::generate(spec)?);
        *weak = Arc::downgrade(&kernel);
        Ok(kernel)
    }

    fn generate(spec: &Spec) -> Result<Kernel> {
        let body = if spec.isa() > machine().isa {
            emulated(spec)
        } else {
            publish(spec)
        };
        let body = match body {
            Ok(body) => body,
            // Memory may be had again: better no kernel now than a slow one for good.
            Err(why) if why.status == Status::OutOfMemory => return Err(why),
            Err(why) => {
                report(spec, &why);
                Body::Portable
            }
        };
        Ok(Kernel {
            spec: spec.clone(),
            body,
        })
    }

    /// Whether the kernel is generated code rather than the portable one.
    pub fn is_generated(&self) -> bool {
        !matches!(self.body, Body::Portable)
    }

    /// The address of generated code that this host can run: a C function that takes a pointer to [`Args`].
    pub fn entry(&self) -> Option<Entry> {
        match self.body {
            Body::Native(entry, _) => Some(entry),
            _ => None,
        }
    }

    /// Runs the kernel.
    ///
    /// # Safety
    /// The pointers of `args` must be valid for what the specification reads and writes.
    #[inline]
    pub unsafe fn call(&self, args: &Args) {
        match &self.body {
            // SAFETY: the code was generated for `spec`, whose demands the caller meets, and lives as long as `self`.
            Body::Native(entry, _) => unsafe { entry(args) },
            // SAFETY: passed on to the caller.
            Body::Portable => unsafe { portable::run(&self.spec, args) },
            Body::Emulated(run) => run(args),
        }
    }
}

/// Orders stores past the caches before what this thread signals next.
pub fn finish_far_stores() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has this fence, which only orders stores.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    };
}

fn slot_of(spec: &Spec) -> Slot {
    let mut map = CACHE.get().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(slot) = map.get(spec) {
        return slot.clone();
    }
    if map.len() >= SWEEP_AT {
        // A slot that somebody else holds is being filled.
        map.retain(|_, slot| {
            Arc::strong_count(slot) > 1 || slot.lock().is_ok_and(|weak| weak.strong_count() > 0)
        });
    }
    map.entry(spec.clone()).or_default().clone()
}

/// Machine code for a specification; an error says why there is none, and is not remembered.
pub fn machine_code(spec: &Spec) -> Result<Vec<u8>> {
    if spec.isa() == Isa::Portable {
        return Err(unimplemented_here!(
            "the portable rung has no generated code"
        ));
    }
    #[cfg(target_arch = "x86_64")]
    return x64::generate(spec);
    #[cfg(not(target_arch = "x86_64"))]
    return Err(unimplemented_here!(
        "there is no generator for this processor"
    ));
}

/// Says why the portable kernel stands in. A host without executable memory or a stride beyond the code's reach is a
/// route that was passed over; a generator that fails is an error. The portable rung asked for no code.
fn report(spec: &Spec, why: &Error) {
    let name = spec.name();
    match (spec.isa(), why.status) {
        (Isa::Portable, _) => {}
        (_, Status::Unimplemented) => {
            log_line!(DISPATCH, "kernel,generate:dispatch,{name},{}", why.message)
        }
        _ => log_line!(ERROR, "kernel,generate:error,{name},{}", why.message),
    }
}

/// The same for a brgemm that takes its arguments one by one, see [`bare`].
fn machine_code_flat(spec: &spec::Brgemm) -> Result<Vec<u8>> {
    #[cfg(target_arch = "x86_64")]
    if spec.isa != Isa::Portable {
        return x64::generate_flat(spec);
    }
    Err(unimplemented_here!(
        "there is no code generator for the {} rung, and bare kernels are generated code",
        spec.isa.name()
    ))
}

/// Code for a rung that this host lacks, if there is somebody to run it.
fn emulated(spec: &Spec) -> Result<Body> {
    let isa = spec.isa().name();
    let missing = || unimplemented_here!("this processor lacks the instructions of {isa}");
    let emulator = EMULATOR.get().ok_or_else(missing)?;
    Ok(Body::Emulated(emulator(spec, &machine_code(spec)?)))
}

fn publish(spec: &Spec) -> Result<Body> {
    let bytes = machine_code(spec)?;
    let code = Code::publish(&bytes, knobs::JIT_MEMORY.get())?;
    show(|| spec.name(), &code);
    // SAFETY: the bytes are a function of this signature for this processor, made for a rung that it has.
    let entry = unsafe { std::mem::transmute::<*const u8, Entry>(code.entry()) };
    Ok(Body::Native(entry, code))
}

/// Dumps and names the kernel where a knob asks for it; a failing write is nothing to fail on.
fn show(name: impl Fn() -> String, code: &Code) {
    if let Some(dir) = knobs::JIT_DUMP.get() {
        let _ = inspect::dump(&dir, &name(), code.bytes());
    }
    if knobs::JIT_PERF.get() {
        let _ = inspect::perf_map(&name(), code);
    }
}
