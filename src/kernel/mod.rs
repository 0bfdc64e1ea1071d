//! Kernels: a specification becomes callable code, once, and is shared.
//!
//! A kernel is a leaf: one pointer argument, no calls, no unwinding. Where code cannot be generated (another processor,
//! no executable memory, a knob) the portable kernel honours the same specification.

pub mod eltwise;
pub mod expr;
pub mod portable;
pub mod spec;
#[cfg(target_arch = "x86_64")]
mod x64;

use crate::error::Result;
use spec::{Args, Spec};
use std::sync::Arc;

/// A kernel ready to call.
pub struct Kernel {
    /// What it computes.
    pub spec: Spec,
}

impl Kernel {
    /// The kernel for a specification: from the cache, or generated.
    pub fn get(spec: &Spec) -> Result<Arc<Kernel>> {
        Ok(Arc::new(Kernel { spec: spec.clone() }))
    }

    /// Runs the kernel.
    ///
    /// # Safety
    /// The pointers of `args` must be valid for what the specification reads and writes.
    #[allow(unsafe_code)]
    pub unsafe fn call(&self, args: &Args) {
        // SAFETY: passed on to the caller.
        unsafe { portable::run(&self.spec, args) }
    }
}
