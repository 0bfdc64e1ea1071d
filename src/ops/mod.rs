//! What each primitive is: descriptor, validation, planning, and the loop nest it runs.
//!
//! `Op` is what a client asked for. Planning resolves `any` layouts, refuses what cannot be done with a sentence, and
//! chooses blocks; compiling generates kernels; running walks the nest. Planning and compiling may allocate and lock,
//! running does neither. The nests handle raw pointers, so this folder may use `unsafe`.
#![allow(unsafe_code)]

use crate::{attr::Attr, error::Result, invalid, memory::MemoryDesc, numbered, require, supported};

pub use crate::exec::Exec;

pub mod binary;
pub mod blas;
pub mod convolution;
pub mod describe;
pub mod eltwise;
pub mod epilogue;
pub mod gemm;
pub mod inner_product;
pub mod matmul;
pub mod matrix;
pub mod pointwise;
pub mod reduce;
pub mod reorder;
pub mod rnn;
mod runtime;
pub mod sequence;
pub mod sum;
pub mod ukernel;

/// A primitive descriptor's operation, one variant a primitive kind; with the attributes, the key of the primitive cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Op {
    Reorder(reorder::Desc),
    Sum(sum::Desc),
    Eltwise(eltwise::Desc),
    Convolution(Box<convolution::Desc>),
    InnerProduct(inner_product::Desc),
    Binary(binary::Desc),
    Matmul(matmul::Desc),
    Rnn(Box<rnn::Desc>),
}

numbered! {
    /// Passes, with the numbers of `brick_prop_kind_t`.
    pub enum Prop {
        ForwardTraining = 64 "forward_training",
        ForwardInference = 96 "forward_inference",
        Backward = 128 "backward",
        BackwardData = 160 "backward_data",
        BackwardWeights = 192 "backward_weights",
        BackwardBias = 193 "backward_bias",
    }
}

impl Prop {
    /// The pass with the given C number.
    pub fn from_c(value: i32) -> Result<Prop> {
        Prop::from_number(value)
            .ok_or_else(|| invalid!("prop_kind: {value} is not a propagation kind"))
    }

    /// Whether it is a forward pass.
    pub fn is_forward(self) -> bool {
        matches!(self, Prop::ForwardTraining | Prop::ForwardInference)
    }
}

/// One memory argument of a primitive, by its number in the C API (`BRICK_ARG_*`).
#[derive(Clone, Debug)]
pub struct Arg {
    /// The argument's number, e.g. 1 for src; scales, zero points and post-op operands as composed by the C macros.
    pub id: i32,
    /// The resolved descriptor (never `any`); may hold runtime dims.
    pub md: MemoryDesc,
    /// Whether the primitive writes it.
    pub output: bool,
}

impl Arg {
    /// An argument that is read.
    pub fn input(id: i32, md: MemoryDesc) -> Arg {
        Arg {
            id,
            md,
            output: false,
        }
    }

    /// An argument that is written.
    pub fn output(id: i32, md: MemoryDesc) -> Arg {
        Arg {
            id,
            md,
            output: true,
        }
    }
}

/// What planning answers.
pub struct Planned {
    /// Inputs, outputs, then attribute arguments, in the order in which `Run::run` receives their pointers.
    pub args: Vec<Arg>,
    /// The nest's spec string and block sizes, for verbose lines.
    pub nest: String,
    /// Bytes of scratch memory that `run` needs, 64-byte aligned.
    pub scratch_bytes: usize,
    /// The rest: turned into kernels when the primitive is created.
    pub plan: Box<dyn Plan>,
}

impl Planned {
    /// A plan whose arguments are not listed yet.
    pub fn new(nest: String, scratch_bytes: usize, plan: impl Plan + 'static) -> Planned {
        Planned {
            args: Vec::new(),
            nest,
            scratch_bytes,
            plan: Box::new(plan),
        }
    }
}

/// A planned primitive before its kernels exist.
pub trait Plan: Send + Sync {
    /// Generates the kernels.
    fn compile(&self) -> Result<Box<dyn Run>>;
}

/// A primitive ready to run, from any number of threads at once.
pub trait Run: Send + Sync {
    /// Runs it once.
    ///
    /// # Safety
    /// Every pointer of `exec` is null (absent, or of a zero-size memory) or points to memory that holds its descriptor,
    /// for the length of the call; the scratch has the planned size.
    unsafe fn run(&self, exec: &Exec);
}

/// What planning may know about its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Env {
    /// Instruction set that kernels may use.
    pub isa: crate::machine::Isa,
    /// Parts that run at once.
    pub threads: usize,
}

impl Op {
    /// Checks, resolves and plans the operation; one that is open gets a plan that says no more than its arguments.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        if self.is_open() {
            return self.plan_open(attr, env);
        }
        let planned = self.plan_closed(attr, env)?;
        for Arg { id, md, output } in &planned.args {
            supported!(!md.is_any(), "argument {id} needs a layout");
            let written = *output && md.is_blocked() && !md.has_zero_dim();
            for d in (0..md.dims().len()).filter(|_| written) {
                require!(
                    md.strides[d] != 0 || md.outer_dim(d) <= 1,
                    "{}: stride {d} is 0, so that several results would share a place",
                    describe::arg_name(*id)
                );
            }
        }
        Ok(planned)
    }

    fn plan_closed(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        match self {
            Op::Reorder(d) => d.plan(attr, env),
            Op::Sum(d) => d.plan(attr, env),
            Op::Eltwise(d) => d.plan(attr, env),
            Op::Convolution(d) => d.plan(attr, env),
            Op::InnerProduct(d) => d.plan(attr, env),
            Op::Binary(d) => d.plan(attr, env),
            Op::Matmul(d) => d.plan(attr, env),
            Op::Rnn(d) => d.plan(attr, env),
        }
    }
}
