//! Binary element-wise operations with broadcast: `dst = alg(src0, src1)`, and `select(src0, src1; src2)`.

use super::epilogue::{Chain, Input, arg, check_attr, check_operand, identity, resolved, select};
use super::{Env, Planned};
use crate::attr::{Attr, BinaryAlg};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::eltwise;
use crate::memory::MemoryDesc;
use crate::require;

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
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        check_attr(attr, DataType::F32, &[arg::SRC, arg::SRC_1], &[])?;
        self.check()?;
        let dst = self.resolved_dst()?;
        check_operand(&dst, "dst")?;
        let mut inputs = vec![
            (arg::SRC, &self.src0, "src0"),
            (arg::SRC_1, &self.src1, "src1"),
        ];
        if self.alg == BinaryAlg::Select {
            inputs.push((arg::SRC_2, &self.src2, "src2"));
        }
        let (to, mut args, mut values) = (identity(dst.dims().len()), Vec::new(), Vec::new());
        let mut chain = Chain::new(&mut args, &dst);
        for (id, md, what) in inputs {
            let x = chain.load_broadcast(id, md, what)?;
            values.push(chain.scaled(attr, x, Input { id, md, to: &to })?);
        }
        let x = match values[..] {
            [x, y, condition] => select(&mut chain.code, condition, x, y),
            _ => eltwise::binary(&mut chain.code, self.alg, values[0], values[1]),
        };
        let x = chain.post_ops(attr, x)?;
        chain.store((x, false), arg::DST, env)
    }

    fn check(&self) -> Result<()> {
        let select = self.alg == BinaryAlg::Select;
        require!(
            self.src2.is_absent() != select,
            "src2: {} dims; select takes it, the other algorithms do not",
            self.src2.ndims
        );
        require!(
            !self.src0.is_absent()
                && self.src0.ndims == self.src1.ndims
                && self.src0.ndims == self.dst.ndims,
            "src0, src1, dst: {}, {} and {} dims, but they must have as many",
            self.src0.ndims,
            self.src1.ndims,
            self.dst.ndims
        );
        for (d, &n) in self.dst.dims().iter().enumerate() {
            let (a, b) = (self.src0.dims[d], self.src1.dims[d]);
            require!(
                n == if a == 1 { b } else { a },
                "dst: dimension {d} is {n}, but src0 has {a} and src1 has {b}"
            );
        }
        Ok(())
    }

    /// Dst without a layout takes that of the first source that has its dims.
    fn resolved_dst(&self) -> Result<MemoryDesc> {
        let full = [&self.src0, &self.src1]
            .into_iter()
            .find(|s| s.dims() == self.dst.dims() && !s.is_any());
        resolved(&self.dst, full.unwrap_or(&self.src0))
    }
}
