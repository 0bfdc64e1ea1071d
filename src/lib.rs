//! brick: deep-learning primitives as loop nests around one batch-reduce GEMM kernel.
//!
//! The modules below stand in the order in which a call passes through them. A client's C values enter through
//! `capi`; `primitive` holds what creation made; `ops` says what each primitive is (descriptor, checks, loop nest);
//! `plan` chooses layouts and block sizes; `exec` walks a nest over real pointers; `kernel` turns a specification into
//! callable code with the help of `jit`; `threads` runs the parallel parts. See `docs/architecture.md`.

pub mod capi;
pub mod primitive;

pub mod attr;
pub mod ops;

pub mod exec;
pub mod plan;

pub mod jit;
pub mod kernel;
pub mod threads;

pub mod dtype;
pub mod error;
pub mod hash;
pub mod knobs;
pub mod log;
pub mod machine;
pub mod memory;
pub mod numbered;
pub mod process;
