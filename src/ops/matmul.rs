//! Matrix multiplication: `dst[b][m][n] = Σ_k src[b][m][k] * weights[b][k][n] + bias`.

use super::{Env, Planned};
use crate::{attr::Attr, error::Result, memory::MemoryDesc, unimplemented_here};

/// The operation; an absent bias has `ndims == 0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub src: MemoryDesc,
    pub weights: MemoryDesc,
    pub bias: MemoryDesc,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, _attr: &Attr, _env: &Env) -> Result<Planned> {
        Err(unimplemented_here!("matmul: not there yet"))
    }
}
