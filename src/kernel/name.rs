//! Kernel names that say the specification: for verbose lines, dumps and the perf map.

use super::expr::{Expr, Node};
use super::spec::{Batch, Spec};
use crate::machine::Isa;
use std::hash::{DefaultHasher, Hash, Hasher};

impl Spec {
    /// The instruction set that the kernel is generated for.
    pub fn isa(&self) -> Isa {
        match self {
            Spec::Brgemm(s) => s.isa,
            Spec::Tile(s) => s.isa,
            Spec::Transpose(s) => s.isa,
            Spec::Interleave(s) => s.isa,
            Spec::Widen(s) => s.isa,
            Spec::Reduce(s) => s.isa,
            Spec::Depthwise(s) => s.isa,
        }
    }

    /// Kind, ISA, types and sizes, and a number that tells specifications apart which these do not.
    pub fn name(&self) -> String {
        let isa = self.isa().name();
        let rest = match self {
            Spec::Brgemm(s) => {
                let batch = match s.batch {
                    Batch::Address => "addr",
                    Batch::Offset => "offs",
                    Batch::OffsetPairs => "pair",
                    Batch::RunStride => "rstr",
                    Batch::Stride { .. } => "strd",
                };
                let (a, b, d) = (s.a.name(), s.b.name(), s.out.d.name());
                format!(
                    "{a}{}{b}{d}_{}x{}x{}_{batch}_b{}{}",
                    if s.a_wide { "w" } else { "" },
                    s.m,
                    s.n,
                    s.k,
                    s.beta as u8,
                    ops(&s.out.expr)
                )
            }
            Spec::Tile(s) => {
                let far = if s.far { "_far" } else { "" };
                format!("{}_n{}{far}{}", s.out.d.name(), s.n, ops(&s.out.expr))
            }
            Spec::Transpose(s) => format!("{}x{}x{}", s.rows, s.cols, s.group_bytes),
            Spec::Interleave(s) => format!("{}x{}x{}", s.k, s.n, s.elem_bytes),
            Spec::Widen(s) => format!("{}_n{}", s.a.name(), s.n),
            Spec::Reduce(s) => format!("{}_n{}", s.a.name(), s.n),
            Spec::Depthwise(s) => {
                let (a, b, d) = (s.a.name(), s.b.name(), s.out.d.name());
                let beta = s.beta as u8;
                let far = if s.far { "_far" } else { "" };
                format!(
                    "{a}{b}{d}_{}x{}x{}_b{beta}{far}{}",
                    s.m,
                    s.n,
                    s.taps,
                    ops(&s.out.expr)
                )
            }
        };
        format!(
            "{}_{isa}_{rest}_{:08x}",
            self.kind(),
            fingerprint(self) as u32
        )
    }

    fn kind(&self) -> &'static str {
        match self {
            Spec::Brgemm(_) => "brgemm",
            Spec::Tile(_) => "tile",
            Spec::Transpose(_) => "transpose",
            Spec::Interleave(_) => "interleave",
            Spec::Widen(_) => "widen",
            Spec::Reduce(_) => "reduce",
            Spec::Depthwise(_) => "depthwise",
        }
    }
}

/// `_e` and the number of operations of an epilogue that has any.
fn ops(expr: &Expr) -> String {
    match expr
        .nodes
        .iter()
        .filter(|n| !matches!(n, Node::Acc | Node::Const(_)))
        .count()
    {
        0 => String::new(),
        count => format!("_e{count}"),
    }
}

fn fingerprint(spec: &Spec) -> u64 {
    let mut hasher = DefaultHasher::new();
    spec.hash(&mut hasher);
    hasher.finish()
}
