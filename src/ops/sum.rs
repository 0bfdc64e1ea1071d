//! Weighted sums of tensors: `dst = Σ_i scales[i] * srcs[i]`.

use super::{Env, Planned};
use crate::{
    attr::{Attr, F32},
    error::Result,
    memory::MemoryDesc,
    unimplemented_here,
};

/// The operation; dst may be absent (`ndims == 0`): then it takes the first source's layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub scales: Vec<F32>,
    pub srcs: Vec<MemoryDesc>,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, _attr: &Attr, _env: &Env) -> Result<Planned> {
        Err(unimplemented_here!("sum: not there yet"))
    }
}
