//! The BLAS-like calls: `C = alpha · (op(A) - ao) · (op(B) - bo) + beta · C + co` on row-major matrices.
//!
//! They are planned as matmul with attributes: alpha is the scale of src, beta that of the old dst, offsets of bytes are
//! zero points, co is the bias. All of these are arguments of the plan, so that calls of one shape share its kernels.
#![allow(unsafe_code)]

use super::epilogue::{Chain, Input, Request, arg, product};
use super::matrix::Forward;
use super::{Env, Exec, Planned, Run, matmul};
use crate::attr::{Attr, Quant};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::expr::{Id, Node};
use crate::memory::MemoryDesc;
use crate::require;
use crate::threads::Pool;
use std::fmt;

/// A factor, as far as it decides about the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Factor {
    Zero,
    One,
    Any,
}

impl Factor {
    /// The kind of a value.
    pub fn of(value: f32) -> Factor {
        match value {
            0.0 => Factor::Zero,
            1.0 => Factor::One,
            _ => Factor::Any,
        }
    }
}

/// What is added to C in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offset {
    /// One value everywhere.
    Fixed,
    /// One value a row of C: it looks like a column.
    Column,
    /// One value a column of C.
    Row,
}

/// What calls that share their kernels have in common; sizes in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub a: DataType,
    /// B is f32 with f32, else s8.
    pub transposed: [bool; 2],
    pub m: i64,
    pub n: i64,
    pub k: i64,
    pub lda: i64,
    pub ldb: i64,
    pub ldc: i64,
    pub alpha: Factor,
    pub beta: Factor,
    /// Whether elements of A and of B have an offset.
    pub offsets: [bool; 2],
    /// The offset of C, of bytes.
    pub co: Option<Offset>,
}

/// As verbose lines have it: operands and sizes.
impl fmt::Display for Desc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (a, b, c) = (self.a.name(), self.b().name(), self.c().name());
        let [ta, tb] = self.transposed.map(|t| if t { "ba" } else { "ab" });
        let (m, n, k) = (self.m, self.n, self.k);
        write!(
            f,
            "src:{a}::blocked:{ta}::f0 wei:{b}::blocked:{tb}::f0 dst:{c}::blocked:ab::f0,,,{m}x{k}:{k}x{n}"
        )
    }
}

/// Rows and columns of a matrix as it lies.
fn oriented(transposed: bool, (rows, columns): (i64, i64)) -> (i64, i64) {
    match transposed {
        true => (columns, rows),
        false => (rows, columns),
    }
}

/// What differs between calls that share kernels.
#[allow(missing_docs)]
pub struct Call {
    pub a: *const u8,
    pub b: *const u8,
    pub c: *mut u8,
    pub alpha: f32,
    pub beta: f32,
    pub ao: i32,
    pub bo: i32,
    pub co: *const u8,
}

impl Desc {
    fn b(&self) -> DataType {
        match self.a {
            DataType::F32 => DataType::F32,
            _ => DataType::S8,
        }
    }

    fn c(&self) -> DataType {
        match self.a {
            DataType::F32 => DataType::F32,
            _ => DataType::S32,
        }
    }

    /// Checks the sizes.
    pub fn check(&self) -> Result<()> {
        for (name, size) in [("M", self.m), ("N", self.n), ("K", self.k)] {
            require!(size >= 0, "{name}: {size} is negative");
        }
        let [ta, tb] = self.transposed;
        for (name, ld, (rows, columns)) in [
            ("lda", self.lda, oriented(ta, (self.m, self.k))),
            ("ldb", self.ldb, oriented(tb, (self.k, self.n))),
            ("ldc", self.ldc, (self.m, self.n)),
        ] {
            require!(
                ld >= columns.max(1),
                "{name}: {ld}, but a row of the matrix has {} elements",
                columns.max(1)
            );
            let bytes = rows.max(1).checked_mul(ld).and_then(|b| b.checked_mul(8));
            require!(
                bytes.is_some(),
                "{name}: {rows} rows of {ld} elements are too large"
            );
        }
        let (m, n, k) = (self.m, self.n, self.k);
        let flops = m.max(1).checked_mul(n.max(1));
        let flops = flops.and_then(|f| f.checked_mul(2 * k.max(1)));
        require!(flops.is_some(), "M, N, K: {m} x {n} x {k} is too large");
        Ok(())
    }

    /// Whether there is nothing to compute.
    pub fn is_void(&self) -> bool {
        self.m == 0 || self.n == 0
    }

    /// The length of the reduction; factors of zero do away with it.
    fn depth(&self) -> usize {
        match self.alpha {
            Factor::Zero => 0,
            _ => self.k as usize,
        }
    }

    /// Whether sums can start from C.
    fn accumulates(&self) -> bool {
        self.beta == Factor::One && matches!(self.alpha, Factor::One | Factor::Zero)
    }

    /// The factors and offsets that are there.
    fn attr(&self) -> Attr {
        let mut attr = Attr::default();
        for (id, factor) in [(arg::SRC, self.alpha), (arg::DST, self.beta)] {
            if factor == Factor::Any {
                attr.scales.insert(id, Quant::single(DataType::F32));
            }
        }
        for (id, shifts) in [arg::SRC, arg::WEIGHTS].into_iter().zip(self.offsets) {
            if shifts && self.depth() > 0 {
                attr.zero_points.insert(id, Quant::single(DataType::S32));
            }
        }
        attr
    }

    fn planned(&self, env: &Env) -> Result<Planned> {
        let (m, n, k) = (self.m, self.n, self.depth() as i64);
        let matrix = |dims: [i64; 2], dtype, ld, transposed| {
            let strides = if transposed { [1, ld] } else { [ld, 1] };
            MemoryDesc::with_strides(&dims, dtype, Some(&strides))
        };
        let [ta, tb] = self.transposed;
        let a = matrix([m, k], self.a, self.lda, ta)?;
        let b = matrix([k, n], self.b(), self.ldb, tb)?;
        let c = matrix([m, n], self.c(), self.ldc, false)?;
        let along = |offset| match offset {
            Offset::Fixed => [1, 1],
            Offset::Column => [m, 1],
            Offset::Row => [1, n],
        };
        let vector = |offset| MemoryDesc::plain(&along(offset), DataType::S32);
        let co = self.co.map_or(Ok(MemoryDesc::absent()), vector)?;
        let inputs = [
            Input::new(arg::SRC, &a, &[Some(0), None]),
            Input::new(arg::WEIGHTS, &b, &[None, Some(1)]),
            Input::new(arg::BIAS, &co, &[Some(0), Some(1)]),
        ];
        let (attr, value) = (self.attr(), |chain: &mut Chain, request: &Request| {
            self.value(chain, request)
        });
        let mut product = Forward::new(&attr, env, inputs, &c);
        (product.accumulates, product.value) = (self.accumulates(), &value);
        matmul::planned(product, &(0, a), &(1, b))
    }

    /// The sums with factors and co, in s32 where nothing else is in it.
    fn value(&self, chain: &mut Chain, request: &Request) -> Result<(Id, bool)> {
        let mut x = product::sum(chain, request)?;
        let exact = self.accumulates() || (self.beta == Factor::Zero && self.alpha != Factor::Any);
        let int = exact && self.a.is_int();
        if !exact {
            x = self.factors(chain, request, x)?;
        }
        if let Some(co) = request.bias {
            x = product::add_bias(chain, co, x, int)?;
        }
        Ok((x, int))
    }

    /// `alpha · x + beta · C` in f32.
    fn factors(&self, chain: &mut Chain, request: &Request, mut x: Id) -> Result<Id> {
        if self.a.is_int() {
            x = chain.code.to_float(x);
        }
        x = chain.scaled(request.attr, x, request.scaled[0])?;
        if self.beta == Factor::Zero {
            return Ok(x);
        }
        let old = chain.code.push(Node::LoadD { dtype: self.c() });
        let beta = Input::new(arg::DST, request.dst, &[]);
        Ok(match chain.scale(request.attr, beta)? {
            Some(beta) => chain.code.fma(old, beta, x),
            None => chain.code.add(x, old),
        })
    }
}

/// A planned product with its kernels.
pub struct Blas {
    run: Box<dyn Run>,
    /// The numbers of its arguments.
    ids: Vec<i32>,
    scratch_bytes: usize,
}

/// Arguments of attributes, and more than there are arguments.
const ALPHA: i32 = arg::SCALES | arg::SRC;
const BETA: i32 = arg::SCALES | arg::DST;
const AO: i32 = arg::ZERO_POINTS | arg::SRC;
const ARGS: usize = 8;

impl Blas {
    /// Plans the product and generates its kernels; [`Desc::check`] must have passed, and the product not be void.
    pub fn new(desc: &Desc, env: &Env) -> Result<Blas> {
        let planned = desc.planned(env)?;
        Ok(Blas {
            run: planned.plan.compile()?,
            ids: planned.args.iter().map(|arg| arg.id).collect(),
            scratch_bytes: planned.scratch_bytes,
        })
    }

    /// Bytes of scratch memory, 64-byte aligned, that a run needs.
    pub fn scratch_bytes(&self) -> usize {
        self.scratch_bytes
    }

    /// Computes the product.
    ///
    /// # Safety
    /// The matrices have the described sizes, the offsets of C as many entries as their kind says, and the scratch has the
    /// size asked for.
    pub unsafe fn run(&self, call: &Call, scratch: *mut u8, pool: &dyn Pool) {
        let mut ptrs = [std::ptr::null_mut(); ARGS];
        for (pointer, id) in ptrs.iter_mut().zip(&self.ids) {
            let given: *const u8 = match *id {
                arg::SRC => call.a,
                arg::WEIGHTS => call.b,
                arg::BIAS => call.co,
                arg::DST => call.c,
                ALPHA => (&raw const call.alpha).cast(),
                BETA => (&raw const call.beta).cast(),
                AO => (&raw const call.ao).cast(),
                _ => (&raw const call.bo).cast(),
            };
            *pointer = given.cast_mut();
        }
        let exec = Exec {
            ptrs: &ptrs[..self.ids.len()],
            scratch,
            pool,
        };
        // SAFETY: as this function demands.
        unsafe { self.run.run(&exec) }
    }
}
