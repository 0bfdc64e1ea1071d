//! Dims and strides that are only known at execution.
//!
//! An operation that leaves some open is planned for sample sizes, which checks it and says its arguments; what runs is
//! the operation with the numbers that the memory objects bring, planned once for each set of them.

use super::{Arg, Env, Op, Planned, epilogue::arg};
use crate::attr::{Attr, PostOp};
use crate::error::Result;
use crate::memory::{MemoryDesc, RUNTIME_DIM};
use crate::supported;

/// Stand-ins for open dims, multiples of every block. What differs between two plans depends on open dims.
const SAMPLES: [i64; 2] = [192, 320];

impl Op {
    /// The descriptors that may leave dims and strides open, with their argument numbers.
    fn descriptors(&mut self) -> Vec<(i32, &mut MemoryDesc)> {
        match self {
            Op::Matmul(d) => vec![
                (arg::SRC, &mut d.src),
                (arg::WEIGHTS, &mut d.weights),
                (arg::BIAS, &mut d.bias),
                (arg::DST, &mut d.dst),
            ],
            Op::Reorder(d) => vec![(arg::SRC, &mut d.src), (arg::DST, &mut d.dst)],
            Op::Binary(d) => vec![
                (arg::SRC, &mut d.src0),
                (arg::SRC_1, &mut d.src1),
                (arg::SRC_2, &mut d.src2),
                (arg::DST, &mut d.dst),
            ],
            Op::Eltwise(d) if d.prop.is_forward() => {
                vec![(arg::SRC, &mut d.data), (arg::DST, &mut d.dst)]
            }
            _ => Vec::new(),
        }
    }

    /// Whether dims or strides are left open that this kind of operation may leave open.
    pub fn is_open(&self) -> bool {
        let mut op = self.clone();
        op.descriptors().iter().any(|(_, md)| md.has_runtime())
    }

    /// The operation and its attributes with every descriptor that is open, or has no layout yet, replaced by the given
    /// one of that argument.
    pub fn given(&self, attr: &Attr, given: impl Fn(i32) -> Option<MemoryDesc>) -> (Op, Attr) {
        self.with(attr, |id, md| {
            if let Some(known) = given(id).filter(|_| md.has_runtime() || md.is_any()) {
                *md = known;
            }
        })
    }

    fn with(&self, attr: &Attr, mut f: impl FnMut(i32, &mut MemoryDesc)) -> (Op, Attr) {
        let (mut op, mut attr) = (self.clone(), attr.clone());
        for (id, md) in op.descriptors() {
            f(id, md);
        }
        for (i, post_op) in attr.post_ops.iter_mut().enumerate() {
            if let PostOp::Binary { src1, src2, .. } = post_op {
                f(arg::post_op(i) | arg::SRC_1, src1);
                if let Some(src2) = src2 {
                    f(arg::post_op(i) | arg::SRC_2, src2);
                }
            }
        }
        (op, attr)
    }

    /// Plans an open operation: its arguments leave open what it does; the rest of the plan is that of a sample.
    pub(super) fn plan_open(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        let mut own = Vec::new();
        self.with(attr, |id, md| own.push((id, *md)));
        let dst = own.iter().find(|(id, _)| *id == arg::DST);
        let dst = dst.map(|(_, md)| *md);
        let sampled = |size| {
            let mut fits = true;
            let (op, attr) = self.with(attr, |id, md| {
                if let Some(dst) = dst.filter(|_| id >= arg::post_op(0)) {
                    follow(md, &dst);
                }
                if md.has_runtime() {
                    *md = sample(md, size);
                    fits &= md.check_size().is_ok();
                }
            });
            supported!(
                fits,
                "a tensor is so large that sizes for dims left open overflow 64 bits"
            );
            op.plan_closed(&attr, env)
        };
        let (mut planned, other) = match SAMPLES.map(sampled) {
            [Ok(first), Ok(second)] => (first, second),
            [Err(first), Err(second)] if first.message == second.message => return Err(first),
            [Err(mut error), _] | [_, Err(mut error)] => {
                let note = "; sizes left open until execution are taken as 192 and as 320";
                error.message.to_mut().push_str(note);
                return Err(error);
            }
        };
        for (arg, other) in planned.args.iter_mut().zip(&other.args) {
            arg.md = opened(arg, &other.md, &own)?;
        }
        planned.nest = format!("open({})", planned.nest);
        planned.scratch_bytes = 0;
        Ok(planned)
    }
}

/// The descriptor of an argument as the client gave it; one that planning derived is open where the samples differ.
fn opened(arg: &Arg, other: &MemoryDesc, own: &[(i32, MemoryDesc)]) -> Result<MemoryDesc> {
    if let Some((_, md)) = own.iter().find(|(id, md)| *id == arg.id && !md.is_any()) {
        return Ok(*md);
    }
    if arg.md.dims() == other.dims() {
        return Ok(arg.md);
    }
    let pairs = arg.md.dims().iter().zip(other.dims());
    let dims: Vec<i64> = pairs
        .map(|(&a, &b)| if a == b { a } else { RUNTIME_DIM })
        .collect();
    MemoryDesc::plain(&dims, arg.md.dtype())
}

/// Opens the dims of a post-op's operand that must be those of dst, where these are open: whether they are shows at
/// execution.
fn follow(operand: &mut MemoryDesc, dst: &MemoryDesc) {
    for d in 0..operand.dims().len().min(dst.dims().len()) {
        if dst.dims[d] == RUNTIME_DIM && operand.dims[d] != 1 {
            operand.dims[d] = RUNTIME_DIM;
            operand.padded_dims[d] = RUNTIME_DIM;
        }
    }
}

/// A descriptor with numbers in place of what is open; its elements do not overlap.
fn sample(md: &MemoryDesc, size: i64) -> MemoryDesc {
    let (mut md, nd) = (*md, md.dims().len());
    let known = |n: &mut i64, other: i64| {
        if *n == RUNTIME_DIM {
            *n = other;
        }
    };
    md.dims.iter_mut().for_each(|n| known(n, size));
    md.padded_dims.iter_mut().for_each(|n| known(n, size));
    known(&mut md.offset0, 0);
    let given = md.strides.map(|stride| stride != RUNTIME_DIM);
    let mut placed = given;
    for d in (0..nd).rev().filter(|d| !given[*d]) {
        let reach = |d: usize| md.strides[d].saturating_mul(md.outer_dim(d));
        let inside = (0..nd).filter(|d| placed[*d]).map(reach).max();
        md.strides[d] = inside.unwrap_or(1).max(md.inner_volume());
        placed[d] = true;
    }
    md
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DataType;
    use crate::machine::Isa;
    use crate::ops::reorder;

    const OPEN: i64 = RUNTIME_DIM;

    #[test]
    fn samples_are_dense_where_nothing_is_known() {
        let md = MemoryDesc::with_tag(&[OPEN, OPEN, OPEN], DataType::F32, "acb").unwrap();
        assert!(sample(&md, 10).is_dense());
        let md = MemoryDesc::with_tag(&[OPEN, 5], DataType::F32, "ba").unwrap();
        assert_eq!(sample(&md, 10).strides(), [1, 10]);
        let md = MemoryDesc::with_strides(&[4, 5], DataType::F32, Some(&[OPEN, 1])).unwrap();
        assert_eq!(sample(&md, 10).strides(), [5, 1]);
    }
    #[test]
    fn what_overflows_beside_open_dims_is_refused() {
        let md = MemoryDesc::with_tag(&[OPEN, OPEN, 1 << 46], DataType::F32, "abc").unwrap();
        let op = Op::Reorder(reorder::Desc { src: md, dst: md });
        let env = Env {
            isa: Isa::Portable,
            threads: 1,
        };
        let Err(error) = op.plan_open(&Attr::default(), &env) else {
            panic!("192 x 192 x 2^46 values have no size");
        };
        assert!(error.message.contains("overflow 64 bits"));
    }
}
