//! Binary element-wise operations with broadcast: `dst = alg(src0, src1)`, and `select(src0, src1; src2)`.

use super::{Env, Planned};
use crate::{
    attr::{Attr, BinaryAlg},
    error::Result,
    memory::MemoryDesc,
    unimplemented_here,
};

/// The operation; src2 has `ndims == 0` for all but `select`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub alg: BinaryAlg,
    pub src0: MemoryDesc,
    pub src1: MemoryDesc,
    pub src2: MemoryDesc,
    pub dst: MemoryDesc,
}

impl Desc {
    /// Checks, resolves and plans.
    pub fn plan(&self, _attr: &Attr, _env: &Env) -> Result<Planned> {
        Err(unimplemented_here!("binary: not there yet"))
    }
}
