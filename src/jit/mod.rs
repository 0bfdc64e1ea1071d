//! From instruction rows to executable, inspectable code; nothing here knows about GEMM.
//!
//! `asm` encodes into a byte buffer, `rows` is the table of the instructions that the generators use, `code` makes
//! bytes executable without ever mapping a page writable and executable at one address, `inspect` dumps and names them.

pub mod asm;
pub mod code;
pub mod inspect;
mod row;
pub mod rows;
