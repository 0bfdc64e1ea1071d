//! Bare kernels: brgemms as plain C functions of flat arguments, for callers that generate code themselves.
//!
//! A function that was handed out stays valid until the process ends, so nothing here is ever freed, and finding one
//! again needs no lock: the table's lists only grow, at their heads.

use super::expr::Expr;
use super::spec::{Batch, Brgemm, Out, Spec};
use super::{machine_code_flat, show};
use crate::dtype::DataType;
use crate::error::Result;
use crate::jit::code::Code;
use crate::machine::{Isa, effective_isa};
use crate::process::PerProcess;
use crate::{knobs, require, supported, unimplemented_here};
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, PoisonError};

/// A brgemm without an epilogue, in elements: `C[m×n] = (add ? C : 0) + Σ_i A_i[m×k]·B_i[k×n]`, A row-major, B packed
/// `[k/v][ldb][v]` with v = `a.vnni()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Bare {
    pub m: i64,
    pub n: i64,
    pub k: i64,
    pub lda: i64,
    pub ldb: i64,
    pub ldc: i64,
    pub a: DataType,
    pub b: DataType,
    pub c: DataType,
    pub add: bool,
    pub batch: Batch,
}

/// Rows, columns and lengths of a kernel: it counts them in 32 bits, and its tiles are listed when it is made.
const MOST: i64 = 1 << 24;

impl Bare {
    /// The type that products of A and B are summed in; an error if the kernel does not multiply them.
    pub fn accumulator(a: DataType, b: DataType) -> Result<DataType> {
        use DataType::*;
        match (a, b) {
            (F32, F32) | (Bf16, Bf16) | (F16, F16) => Ok(F32),
            (U8 | S8, U8 | S8) => Ok(S32),
            _ => Err(unimplemented_here!(
                "brgemm: products of {a} and {b} are not supported"
            )),
        }
    }

    /// Checks sizes and types.
    pub fn check(&self) -> Result<()> {
        let acc = Bare::accumulator(self.a, self.b)?;
        for (name, size) in [("M", self.m), ("N", self.n), ("K", self.k)] {
            require!(size > 0, "{name}: {size}, but a kernel has at least 1");
        }
        for (name, ld, least) in [
            ("lda", self.lda, self.k),
            ("ldb", self.ldb, self.n),
            ("ldc", self.ldc, self.n),
        ] {
            require!(
                ld >= least,
                "{name}: {ld} is less than the {least} elements of a row"
            );
        }
        let rows = self.m.max(self.k).checked_add(3); // the last group of k may be padded
        let widest = self.lda.max(self.ldb).max(self.ldc);
        let bytes = rows.and_then(|rows| rows.checked_mul(widest)?.checked_mul(16));
        require!(
            bytes.is_some(),
            "M, N, K: {}x{}x{} with rows of {widest} elements are too large",
            self.m,
            self.n,
            self.k
        );
        supported!(
            self.m.max(self.n).max(self.k) <= MOST,
            "M, N, K: {}x{}x{}, a kernel has at most {MOST} of each",
            self.m,
            self.n,
            self.k
        );
        supported!(
            self.c == acc || (self.c.is_kernel_type() && !self.add),
            "c_dt: sums of {} products are added to {}, not to {}",
            self.a.name(),
            acc.name(),
            self.c.name()
        );
        Ok(())
    }

    /// The specification; [`Bare::check`] must have passed.
    pub fn spec(&self, isa: Isa) -> Brgemm {
        let bytes = |t: DataType, count: i64| count * t.size_bytes() as i64;
        let v = self.a.vnni() as i64;
        Brgemm {
            isa,
            m: self.m as usize,
            n: self.n as usize,
            k: self.k as usize,
            a: self.a,
            b: self.b,
            a_row_bytes: bytes(self.a, self.lda),
            a_group_bytes: bytes(self.a, v),
            b_group_bytes: bytes(self.b, self.ldb * v),
            a_wide: false,
            batch: self.batch,
            beta: self.add,
            c_row_bytes: bytes(self.c, self.ldc),
            fetched_by: 0,
            fetches_d: false,
            out: Out {
                expr: Expr::acc(self.a.is_int()),
                d: self.c,
                d_row_bytes: bytes(self.c, self.ldc),
            },
        }
    }

    /// The function that computes this: one made before, or a new one. An error is not remembered.
    pub fn function(&self) -> Result<*const u8> {
        let head = &TABLE[self.place()];
        if let Some(function) = find(head, self) {
            return Ok(function);
        }
        let generating = GENERATING.get();
        let _one_at_a_time = generating.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = find(head, self) {
            return Ok(function);
        }
        self.check()?;
        let entry = Box::new(Entry {
            key: *self,
            code: self.publish()?,
            next: head.load(Relaxed),
        });
        let function = entry.code.entry();
        head.store(Box::into_raw(entry), Release);
        Ok(function)
    }

    fn publish(&self) -> Result<Code> {
        let spec = self.spec(effective_isa());
        let code = Code::publish(&machine_code_flat(&spec)?, knobs::JIT_MEMORY.get())?;
        show(
            || format!("bare_{}", Spec::Brgemm(spec.clone()).name()),
            &code,
        );
        Ok(code)
    }

    /// The list of the table that holds it.
    fn place(&self) -> usize {
        let types = self.a as i64 ^ (self.b as i64) << 8 ^ (self.c as i64) << 16;
        let sizes = [self.m, self.n, self.k, self.lda, self.ldb, self.ldc, types];
        let mix = |hash: u64, word: i64| {
            (hash.rotate_left(5) ^ word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        (sizes.into_iter().fold(0, mix) >> 32) as usize % LISTS
    }
}

/// A function that was made.
struct Entry {
    key: Bare,
    code: Code,
    next: *const Entry,
}

const LISTS: usize = 1024;
static TABLE: [AtomicPtr<Entry>; LISTS] = [const { AtomicPtr::new(null_mut()) }; LISTS];
static GENERATING: PerProcess<Mutex<()>> = PerProcess::new();

fn find(head: &AtomicPtr<Entry>, key: &Bare) -> Option<*const u8> {
    let mut next = head.load(Acquire).cast_const();
    // SAFETY: entries are complete before they become heads, and neither changed nor freed afterwards.
    while let Some(entry) = unsafe { next.as_ref() } {
        if entry.key == *key {
            return Some(entry.code.entry());
        }
        next = entry.next;
    }
    None
}
