//! The BLAS-like calls: `C = alpha · (op(A) - ao) · (op(B) - bo) + beta · C + co` on row-major matrices.
//!
//! They run the nest of every matrix product. What differs from call to call (pointers, factors, offsets) are arguments
//! of the plan, so that calls of one shape share its kernels. Offsets of bytes are multiplied out: the products of bytes
//! are corrected by the sums of A's rows and of B's columns, which kernels compute first.
#![allow(unsafe_code)]

use super::epilogue::{Binding, Bindings};
use super::gemm::{Gemm, Matrix, Product};
use super::matrix::product;
use super::{Env, Exec};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::bare::Bare;
use crate::kernel::expr::{Bcast, Builder, Expr, Id, Node};
use crate::kernel::spec::{Args, Batch, Reduce, Spec};
use crate::plan::place::{Place, Term};
use crate::require;
use crate::threads::Pool;
use std::fmt;
use std::sync::Arc;

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

/// Arguments of the nest.
const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const ALPHA: usize = 3;
const BETA: usize = 4;
const CO: usize = 5;
const ROW_SUMS: usize = 6;
const COLUMN_SUMS: usize = 7;
const ARGS: usize = 8;

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
        let flops = self.m.max(1).checked_mul(self.n.max(1));
        require!(
            flops
                .and_then(|f| f.checked_mul(2 * self.k.max(1)))
                .is_some(),
            "M, N, K: {} x {} x {} is too large",
            self.m,
            self.n,
            self.k
        );
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

    fn matrix(&self, arg: usize) -> Matrix {
        let (dtype, ld, transposed) = match arg {
            A => (self.a, self.lda, self.transposed[0]),
            B => (self.b(), self.ldb, self.transposed[1]),
            _ => (self.c(), self.ldc, false),
        };
        let size = dtype.size_bytes() as i64;
        Matrix::strided(arg, dtype, 0, oriented(transposed, (ld * size, size)))
    }

    /// Whether sums can start from C.
    fn accumulates(&self) -> bool {
        self.beta == Factor::One && matches!(self.alpha, Factor::One | Factor::Zero)
    }

    fn product(&self, env: &Env) -> Product {
        let epilogue = Epilogue {
            desc: self,
            code: Builder::new(),
            bindings: Bindings::default(),
        };
        let (sizes, sides) = ((self.m, self.n, self.depth() as i64), [A, B, C]);
        let sides = sides.map(|arg| self.matrix(arg));
        Product {
            accumulates: self.accumulates(),
            ..product(env, &[], sizes, sides, epilogue.finish())
        }
    }
}

/// The expression behind the sums, and its operands.
struct Epilogue<'a> {
    desc: &'a Desc,
    code: Builder,
    bindings: Bindings,
}

impl Epilogue<'_> {
    /// Loads argument `index`, a scalar or a vector along rows (a column) or columns.
    fn load(&mut self, index: usize, dtype: DataType, offset: Offset, int: bool) -> Id {
        let (bcast, dim) = match offset {
            Offset::Fixed => (Bcast::Scalar, None),
            Offset::Column => (Bcast::Col { row_bytes: 4 }, Some(0)),
            Offset::Row => (Bcast::Row, Some(1)),
        };
        let term = |dim| Term::plain(dim, 4);
        let slot = self.bindings.slots() as u8;
        self.bindings.list.push(Binding {
            index,
            dtype,
            place: Place {
                base: 0,
                terms: dim.map(term).into_iter().collect(),
            },
        });
        self.code.push(Node::Load {
            slot,
            dtype,
            bcast,
            int,
        })
    }

    fn finish(mut self) -> (Expr, Bindings) {
        let desc = self.desc;
        let mut x = self.code.push(Node::Acc);
        let [a_shifts, b_shifts] = desc.offsets.map(|shifts| shifts && desc.depth() > 0);
        if b_shifts {
            let sums = self.load(ROW_SUMS, DataType::S32, Offset::Column, true);
            x = self.code.push(Node::AddI(x, sums));
        }
        if a_shifts {
            let sums = self.load(COLUMN_SUMS, DataType::S32, Offset::Row, true);
            x = self.code.push(Node::AddI(x, sums));
        }
        let exact = desc.accumulates() || (desc.beta == Factor::Zero && desc.alpha != Factor::Any);
        let int = exact && desc.a.is_int();
        if !exact {
            x = self.factors(x);
        }
        if let Some(offset) = desc.co {
            let co = self.load(CO, DataType::S32, offset, int);
            x = self.code.push(if int {
                Node::AddI(x, co)
            } else {
                Node::Add(x, co)
            });
        }
        (self.code.finish(x, int), self.bindings)
    }

    /// `alpha · x + beta · C` in f32.
    fn factors(&mut self, mut x: Id) -> Id {
        let desc = self.desc;
        if desc.a.is_int() {
            x = self.code.to_float(x);
        }
        if desc.alpha == Factor::Any {
            let alpha = self.load(ALPHA, DataType::F32, Offset::Fixed, false);
            x = self.code.mul(x, alpha);
        }
        if desc.beta == Factor::Zero {
            return x;
        }
        let old = self.code.push(Node::LoadD { dtype: desc.c() });
        if desc.beta == Factor::One {
            return self.code.add(x, old);
        }
        let beta = self.load(BETA, DataType::F32, Offset::Fixed, false);
        self.code.fma(old, beta, x)
    }
}

/// Sums of bytes along K, one for each of `count` rows of A or columns of B.
struct Sums {
    kernel: Arc<Kernel>,
    count: usize,
    /// The length of the sums if they are columns of the matrix as it lies; else the sums are products with ones.
    rows: usize,
    ones: Vec<i8>,
}

impl Sums {
    fn new(
        env: &Env,
        count: usize,
        k: usize,
        ld: i64,
        dtype: DataType,
        along_rows: bool,
    ) -> Result<Sums> {
        if !along_rows {
            let spec = Reduce {
                isa: env.isa,
                n: count,
                a: dtype,
                a_row_bytes: ld,
                beta: false,
            };
            return Ok(Sums {
                kernel: Kernel::get(&Spec::Reduce(spec))?,
                count,
                rows: k,
                ones: Vec::new(),
            });
        }
        let bare = Bare {
            m: count as i64,
            n: 1,
            k: k as i64,
            lda: ld,
            ldb: 1,
            ldc: 1,
            a: dtype,
            b: DataType::S8,
            c: DataType::S32,
            add: false,
            batch: Batch::RunStride,
        };
        Ok(Sums {
            kernel: Kernel::get(&Spec::Brgemm(bare.spec(env.isa)))?,
            count,
            rows: 0,
            ones: vec![1; k.next_multiple_of(dtype.vnni())],
        })
    }

    fn bytes(&self) -> usize {
        (4 * self.count).next_multiple_of(64)
    }

    /// Writes `factor · sum + term` to `to`.
    ///
    /// # Safety
    /// `from` is the matrix, `to` has room for `count` values.
    unsafe fn run(&self, from: *const u8, to: *mut i32, factor: i32, term: i32) {
        let args = Args {
            a: from,
            b: self.ones.as_ptr().cast(),
            d: to.cast(),
            batch: 1,
            m: self.rows,
            ..Args::default()
        };
        // SAFETY: as this function demands; the ones are as many as K has elements, rounded up to a group.
        let sums = unsafe {
            self.kernel.call(&args);
            std::slice::from_raw_parts_mut(to, self.count)
        };
        for sum in sums {
            *sum = sum.wrapping_mul(factor).wrapping_add(term);
        }
    }
}

/// A planned product with its kernels.
pub struct Blas {
    gemm: Gemm,
    k: usize,
    row_sums: Option<Sums>,
    column_sums: Option<Sums>,
    scratch_bytes: usize,
}

impl Blas {
    /// Plans the product and generates its kernels; [`Desc::check`] must have passed, and the product not be void.
    pub fn new(desc: &Desc, env: &Env) -> Result<Blas> {
        let product = desc.product(env);
        let k = desc.depth();
        let sums = |wanted: bool, count: i64, ld: i64, dtype, along_rows| {
            let make = || Sums::new(env, count as usize, k, ld, dtype, along_rows);
            (wanted && k > 0).then(make).transpose()
        };
        let [ta, tb] = desc.transposed;
        let row_sums = sums(desc.offsets[1], desc.m, desc.lda, desc.a, !ta)?;
        let column_sums = sums(desc.offsets[0], desc.n, desc.ldb, desc.b(), tb)?;
        let bytes = |sums: &Option<Sums>| sums.as_ref().map_or(0, Sums::bytes);
        Ok(Blas {
            scratch_bytes: product.scratch_bytes() + bytes(&row_sums) + bytes(&column_sums),
            gemm: product.compile()?,
            k,
            row_sums,
            column_sums,
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
    pub unsafe fn run(&self, call: &Call, mut scratch: *mut u8, pool: &dyn Pool) {
        let mut ptrs = [std::ptr::null_mut(); ARGS];
        ptrs[A] = call.a.cast_mut();
        ptrs[B] = call.b.cast_mut();
        ptrs[C] = call.c;
        ptrs[ALPHA] = (&raw const call.alpha).cast_mut().cast();
        ptrs[BETA] = (&raw const call.beta).cast_mut().cast();
        ptrs[CO] = call.co.cast_mut();
        // Σ (a - ao)(b - bo) = Σ ab - bo Σ a - ao Σ b + K ao bo
        let constant = (self.k as i32).wrapping_mul(call.ao).wrapping_mul(call.bo);
        for (sums, arg, from, factor, term) in [
            (&self.row_sums, ROW_SUMS, call.a, call.bo, constant),
            (&self.column_sums, COLUMN_SUMS, call.b, call.ao, 0),
        ] {
            let Some(sums) = sums else { continue };
            // SAFETY: as this function demands.
            unsafe { sums.run(from, scratch.cast(), factor.wrapping_neg(), term) };
            ptrs[arg] = scratch;
            scratch = scratch.wrapping_add(sums.bytes());
        }
        let exec = Exec {
            ptrs: &ptrs,
            scratch,
            pool,
        };
        // SAFETY: as this function demands.
        unsafe { self.gemm.run(&exec) };
    }
}
