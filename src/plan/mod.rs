//! Pure planning: from sizes, layouts and the machine to block sizes, loops and scratch. Nothing here touches pointers.

pub mod conv;
pub mod gemm;
pub mod place;
pub mod rnn;
pub mod steps;
