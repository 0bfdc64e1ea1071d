//! What kernels should compute, written naively and without any code of the library: plain data types and
//! specifications come from it, every number is made here.

pub mod bench;
pub mod brgemm;
pub mod depthwise;
pub mod expr;
pub mod guard;
pub mod kernel;
pub mod number;
pub mod random;
pub mod specs;
