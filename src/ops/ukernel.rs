//! The building block as clients see it: one brgemm with what follows it, and the transform that packs B for it.
//!
//! Unlike primitives these run in the calling thread, without scratch memory, on pointers alone. What follows is
//! planned as the epilogue of any matrix product: A stands for src, B for weights, D for dst.
#![allow(unsafe_code)]

use super::epilogue::{Binding, Epilogue, Input, MAX_OPERANDS, Request, arg, identity};
use super::{Arg, Env, Exec, Run, reorder};
use crate::attr::{Attr, PostOp, Quant};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::bare::Bare;
use crate::kernel::spec::{self, Args, Out, Spec};
use crate::machine::effective_isa;
use crate::memory::MemoryDesc;
use crate::threads::Inline;
use crate::{invalid, require, supported};
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// How many elements of K the kernel wants side by side in B, for operands of these types.
pub fn group(a: DataType, b: DataType) -> Result<usize> {
    Bare::accumulator(a, b)?;
    Ok(b.vnni())
}

/// A brgemm being described, and then its kernels.
pub struct Brgemm {
    shape: Bare,
    batch: usize,
    ldd: i64,
    d: DataType,
    attr: Attr,
    finished: Option<Finished>,
    /// Of the specifications, once they are generated.
    kernels: Vec<Arc<Kernel>>,
}

/// What was described.
struct Finished {
    /// The sums alone and, if anything follows them, with all of that.
    specs: Vec<Spec>,
    /// Where each operand of what follows comes from, and its offset in bytes there: scales as listed in `SCALED`, behind
    /// them the client's list of operands of post-ops.
    operands: Vec<(usize, i64)>,
}

/// What scales belong to, and what sentences call them.
const SCALED: [(i32, &str); 3] = [
    (arg::SRC, "A scales"),
    (arg::WEIGHTS, "B scales"),
    (arg::DST, "D scales"),
];

/// Pointers to what post-ops and scales need, as the client keeps them.
#[derive(Clone, Copy)]
pub struct Params {
    /// A list of the operands of post-ops.
    pub post_ops: *const *const u8,
    /// Of A, of B and of D.
    pub scales: [*const u8; 3],
}

impl Default for Params {
    fn default() -> Params {
        Params {
            post_ops: null(),
            scales: [null(); 3],
        }
    }
}

/// The operands of one execution; the offsets are a list of pairs.
#[allow(missing_docs)]
pub struct Operands {
    pub a: *const u8,
    pub b: *const u8,
    pub offsets: *const i64,
    pub c: *mut u8,
}

impl Brgemm {
    /// A brgemm of `batch` blocks that stores its sums.
    pub fn new(shape: Bare, batch: i64) -> Result<Brgemm> {
        let (acc, c) = (Bare::accumulator(shape.a, shape.b)?, shape.c);
        supported!(c == acc, "c_dt: {c}, but C holds sums of type {acc}");
        shape.check()?;
        let count =
            usize::try_from(batch).map_err(|_| invalid!("batch_size: {batch}, negative"))?;
        Ok(Brgemm {
            ldd: shape.ldc,
            d: shape.c,
            shape,
            batch: count,
            attr: Attr::default(),
            finished: None,
            kernels: Vec::new(),
        })
    }

    fn describing(&mut self) -> Result<&mut Brgemm> {
        require!(
            self.finished.is_none(),
            "brgemm: it is finalized and cannot be changed any more"
        );
        Ok(self)
    }

    /// Adds to C instead of overwriting it.
    pub fn set_add_c(&mut self, add: bool) -> Result<()> {
        self.describing()?.shape.add = add;
        Ok(())
    }

    /// What is applied to the sums on their way to D.
    pub fn set_post_ops(&mut self, ldd: i64, d: DataType, post_ops: Vec<PostOp>) -> Result<()> {
        let this = self.describing()?;
        require!(
            ldd >= this.shape.n,
            "ldd: {ldd} is less than the {} elements of a row",
            this.shape.n
        );
        supported!(d.is_kernel_type(), "d_dt: {d} is not supported");
        (this.ldd, this.d, this.attr.post_ops) = (ldd, d, post_ops);
        Ok(())
    }

    /// One scale for all of an operand, or (mask 2, of B only) one a column.
    pub fn set_scales(&mut self, of: i32, mask: i32) -> Result<()> {
        let known = mask == 0 || (of == arg::WEIGHTS && mask == 2);
        require!(
            known,
            "scale mask: {mask}, but a scale is for the whole operand (0) or, of B, for a column (2)"
        );
        let scale = Quant {
            mask,
            ..Quant::single(DataType::F32)
        };
        self.describing()?.attr.scales.insert(of, scale);
        Ok(())
    }

    /// Ends the description.
    pub fn finalize(&mut self) -> Result<()> {
        let this = self.describing()?;
        let s = &this.shape;
        let dst = MemoryDesc::with_strides(&[s.m, s.n], this.d, Some(&[this.ldd, 1]))
            .map_err(|_| invalid!("ldd: rows {} elements apart overflow 64 bits", this.ldd))?;
        let weights = MemoryDesc::plain(&[s.k, s.n], s.b)?;
        let src = MemoryDesc::plain(&[s.m, s.k], s.a)?;
        let to = identity(2);
        let mut args = vec![Arg::output(arg::DST, dst)];
        let request = Request {
            attr: &this.attr,
            acc: s.c,
            zero_points: &[],
            reduced: 0,
            scaled: &[
                Input::new(arg::SRC, &src, &to),
                Input::new(arg::WEIGHTS, &weights, &[None, Some(1)]),
            ],
            bias: None,
            dst: &dst,
            rows: &[0],
            cols: 1,
            cols_block: 0,
        };
        let Epilogue { expr, bindings } =
            Epilogue::with_copies(&request, &mut args, |_, _| Ok(None))?;
        let (attr, sources) = (&this.attr, sources(&args));
        let plain = s.spec(effective_isa());
        let has_more = !attr.post_ops.is_empty() || !attr.scales.is_empty() || this.d != s.c;
        let with_more = has_more.then(|| spec::Brgemm {
            out: Out {
                expr,
                d: this.d,
                d_row_bytes: this.ldd * this.d.size_bytes() as i64,
            },
            ..plain.clone()
        });
        let operand = |b: &Binding| (sources[b.index - 1], b.place.at(&[0, 0]));
        let specs = [plain].into_iter().chain(with_more);
        this.finished = Some(Finished {
            specs: specs.map(Spec::Brgemm).collect(),
            operands: bindings.iter().map(operand).collect(),
        });
        Ok(())
    }

    fn finished(&self) -> Result<&Finished> {
        let finished = self.finished.as_ref();
        finished.ok_or_else(|| invalid!("brgemm: it is not finalized"))
    }

    /// Whether something follows the sums, so that `execute_post_ops` is the last call of a chain.
    pub fn has_post_ops(&self) -> Result<bool> {
        Ok(self.finished()?.specs.len() > 1)
    }

    /// Scratch memory of an execution: none.
    pub fn scratch_bytes(&self) -> Result<usize> {
        self.finished().map(|_| 0)
    }

    /// Generates the kernels.
    pub fn generate(&mut self) -> Result<()> {
        let specs = self.finished()?.specs.iter();
        self.kernels = specs.map(Kernel::get).collect::<Result<_>>()?;
        Ok(())
    }

    fn kernel(&self, has_more: bool) -> Result<&Kernel> {
        require!(
            !self.kernels.is_empty(),
            "brgemm: it has not been generated"
        );
        let kernel = self.kernels.get(usize::from(has_more));
        kernel.map(|kernel| &**kernel).ok_or_else(|| {
            invalid!("brgemm: it has neither post-ops nor scales nor a D of another type than C")
        })
    }

    fn args(&self, o: &Operands) -> Result<Args> {
        for (pointer, name) in [(o.a, "A"), (o.b, "B"), (o.offsets.cast(), "A_B_offsets")] {
            require!(
                self.batch == 0 || !pointer.is_null(),
                "{name}: NULL, but the batch has {} blocks",
                self.batch
            );
        }
        Ok(Args {
            a: o.a,
            b: o.b,
            a_offsets: o.offsets,
            c: o.c,
            d: o.c,
            batch: self.batch,
            ..Args::default()
        })
    }

    /// Writes or adds the sums to C.
    ///
    /// # Safety
    /// The operands have the shape and the batch that was described.
    pub unsafe fn execute(&self, o: &Operands) -> Result<()> {
        let kernel = self.kernel(false)?;
        let args = self.args(o)?;
        require!(!o.c.is_null(), "C: NULL, but the sums go there");
        // SAFETY: as this function demands.
        unsafe { kernel.call(&args) };
        Ok(())
    }

    /// Writes the sums (added to C where that was set), with all that follows, to D. C stays as it is.
    ///
    /// # Safety
    /// As for `execute`; D has its shape, and what `params` points to has the shape that the description implies.
    pub unsafe fn execute_post_ops(
        &self,
        o: &Operands,
        d: *mut u8,
        params: Option<&Params>,
    ) -> Result<()> {
        let kernel = self.kernel(true)?;
        let mut args = self.args(o)?;
        require!(
            !o.c.is_null() || !self.shape.add,
            "C: NULL, but the sums are added to it"
        );
        require!(!d.is_null(), "D: NULL, but the results go there");
        args.d = d;
        let mut operands = [null(); MAX_OPERANDS];
        // SAFETY: as this function demands.
        unsafe { self.bind(&mut operands, params)? };
        args.operands = operands.as_ptr();
        // SAFETY: as this function demands.
        unsafe { kernel.call(&args) };
        Ok(())
    }

    /// # Safety
    /// The list of post-op operands in `params` is as long as the description implies.
    unsafe fn bind(&self, operands: &mut [*const u8], params: Option<&Params>) -> Result<()> {
        let wanted = &self.finished()?.operands;
        if wanted.is_empty() {
            return Ok(());
        }
        let params = params.ok_or_else(|| invalid!("attr_params: NULL"))?;
        for (operand, &(source, offset)) in operands.iter_mut().zip(wanted) {
            let (pointer, name) = match source.checked_sub(SCALED.len()) {
                None => (params.scales[source], SCALED[source].1),
                Some(_) if params.post_ops.is_null() => (null(), "post_ops_args"),
                // SAFETY: as this function demands.
                Some(i) => (unsafe { *params.post_ops.add(i) }, "post_ops_args"),
            };
            require!(!pointer.is_null(), "attr_params: {name}: NULL");
            *operand = pointer.wrapping_offset(offset as isize);
        }
        Ok(())
    }
}

/// Post-op operands come as a list, in the order in which the chain reads them; D (first) is none.
fn sources(args: &[Arg]) -> Vec<usize> {
    let mut listed = SCALED.len()..;
    let scaled = |id| SCALED.iter().position(|(of, _)| id == arg::SCALES | of);
    let source = |arg: &Arg| scaled(arg.id).or_else(|| listed.next());
    args.iter().skip(1).filter_map(source).collect()
}

/// Packs B (K×N) for a brgemm: into blocks of `out_ld` columns, each `[k/v][out_ld][v]`, one behind the other; columns
/// of the last block beyond N, and rows beyond K, become zero.
pub struct Transform {
    reorder: reorder::Desc,
    run: Option<Box<dyn Run>>,
}

/// The sizes of a transform, in elements.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Sizes {
    pub k: i64,
    pub n: i64,
    pub in_ld: i64,
    pub out_ld: i64,
}

impl Transform {
    /// A transform of a row-major matrix, or of one that lies transposed (N×K).
    pub fn new(s: Sizes, transposed: bool, from: DataType, to: DataType) -> Result<Transform> {
        supported!(
            from == to,
            "transform: from {from} to {to}: types cannot be converted"
        );
        supported!(
            Bare::accumulator(from, from).is_ok(),
            "transform: no kernel multiplies {from}"
        );
        for (name, value, least) in [
            ("K", s.k, 1),
            ("N", s.n, 1),
            ("in_ld", s.in_ld, if transposed { s.k } else { s.n }),
            ("out_ld", s.out_ld, 1),
        ] {
            require!(
                value >= least,
                "transform: {name}: {value}, must be {least} or more"
            );
        }
        let strides = match transposed {
            true => [1, s.in_ld],
            false => [s.in_ld, 1],
        };
        // Blocks of one element are none.
        let blocked = |upper, lower, size| match size {
            1 => (lower, String::new()),
            size => (upper, format!("{size}{lower}")),
        };
        let (k, group) = blocked("A", "a", from.vnni() as i64);
        let (n, columns) = blocked("B", "b", s.out_ld);
        let tag = format!("{n}{k}{columns}{group}");
        Ok(Transform {
            reorder: reorder::Desc {
                src: MemoryDesc::with_strides(&[s.k, s.n], from, Some(&strides))?,
                dst: MemoryDesc::with_tag(&[s.k, s.n], from, &tag)
                    .map_err(|_| invalid!("transform: out_ld: {} is too much", s.out_ld))?,
            },
            run: None,
        })
    }

    /// Generates the kernels.
    pub fn generate(&mut self) -> Result<()> {
        let env = Env {
            isa: effective_isa(),
            threads: 1,
        };
        let planned = self.reorder.plan(&Attr::default(), &env)?;
        self.run = Some(planned.plan.compile()?);
        Ok(())
    }

    /// Packs `from` into `to`.
    ///
    /// # Safety
    /// `from` has K×N elements in its layout, `to` room for all blocks.
    pub unsafe fn execute(&self, from: *const u8, to: *mut u8) -> Result<()> {
        let run = self.run.as_ref();
        let run = run.ok_or_else(|| invalid!("transform: it has not been generated"))?;
        require!(!from.is_null(), "in_ptr: NULL");
        require!(!to.is_null(), "out_ptr: NULL");
        let exec = Exec {
            ptrs: &[from.cast_mut(), to],
            scratch: null_mut(), // a copy needs none
            pool: &Inline,
        };
        // SAFETY: as this function demands.
        unsafe { run.run(&exec) };
        Ok(())
    }
}
