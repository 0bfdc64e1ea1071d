//! Element-wise activations and their derivatives.

use super::{Env, Planned, Prop};
use crate::{
    attr::{Attr, Eltwise, F32},
    error::Result,
    memory::MemoryDesc,
    unimplemented_here,
};

/// The operation. Forward: `dst = alg(data)`. Backward: `diff_data = diff_dst * alg'(data)`, where `data` is the forward
/// src, or the forward dst with `use_dst`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub prop: Prop,
    pub alg: Eltwise,
    pub use_dst: bool,
    pub alpha: F32,
    pub beta: F32,
    /// Forward src; backward: what the derivative is computed from.
    pub data: MemoryDesc,
    /// Forward dst; backward: diff_dst.
    pub dst: MemoryDesc,
    /// Backward only.
    pub diff_src: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, _attr: &Attr, _env: &Env) -> Result<Planned> {
        Err(unimplemented_here!("eltwise: not there yet"))
    }
}
