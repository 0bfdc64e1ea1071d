//! Reorders: the same logical tensor in another layout and type.

use super::{Env, Planned};
use crate::{attr::Attr, error::Result, memory::MemoryDesc, unimplemented_here};

/// The operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub src: MemoryDesc,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, _attr: &Attr, _env: &Env) -> Result<Planned> {
        Err(unimplemented_here!("reorder: not there yet"))
    }
}
