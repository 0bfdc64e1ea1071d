//! Fully connected layers: forward, backward by data, backward by weights (paper §2.1).

use super::{Env, Planned, Prop};
use crate::{attr::Attr, error::Result, memory::MemoryDesc, unimplemented_here};

/// The operation; src, weights, bias and dst stand for their diffs where the pass computes or takes those. An absent bias has `ndims == 0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub prop: Prop,
    pub src: MemoryDesc,
    pub weights: MemoryDesc,
    pub bias: MemoryDesc,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, _attr: &Attr, _env: &Env) -> Result<Planned> {
        Err(unimplemented_here!("inner product: not there yet"))
    }
}
