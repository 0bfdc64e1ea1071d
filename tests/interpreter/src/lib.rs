//! Runs generated kernels instruction by instruction, so that code for instruction sets that this machine lacks can be
//! tested, and so that every access to memory can be checked.
//!
//! `table` says what each instruction does, `lanes` and `shuffle` how to compute it, `step` is a decoded instruction,
//! `vector` and `scalar` carry it out on the registers of `state` and the regions of `memory`. An instruction that the
//! table lacks is an error, never skipped. Nothing here knows the library whose code it runs.

mod lanes;
mod memory;
mod program;
mod scalar;
mod shuffle;
mod state;
mod step;
mod table;
mod vector;

pub use memory::{Access, Memory};
pub use program::{Profile, Program};
