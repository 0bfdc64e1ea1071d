//! Data types as values: the numbers of the C API, sizes, and what the kernels do with each type.

use crate::{error::Result, invalid, numbered};

numbered! {
    /// An element type, with the numbers of `brick_data_type_t`.
    #[derive(PartialOrd, Ord)]
    pub enum DataType {
        /// IEEE binary16.
        F16 = 1 "f16",
        /// The upper half of an IEEE binary32.
        Bf16 = 2 "bf16",
        /// IEEE binary32.
        F32 = 3 "f32",
        /// 32-bit signed integer.
        S32 = 4 "s32",
        /// 8-bit signed integer.
        S8 = 5 "s8",
        /// 8-bit unsigned integer.
        U8 = 6 "u8",
        /// IEEE binary64.
        F64 = 7 "f64",
        /// One byte, zero or not.
        Boolean = 8 "boolean",
        /// 8-bit float, 5 exponent bits.
        F8E5m2 = 9 "f8_e5m2",
        /// 8-bit float, 4 exponent bits.
        F8E4m3 = 10 "f8_e4m3",
        /// 4-bit signed integer, two a byte.
        S4 = 11 "s4",
        /// 4-bit unsigned integer, two a byte.
        U4 = 12 "u4",
        /// 8-bit exponent (a power of two).
        E8m0 = 13 "e8m0",
        /// 4-bit float, 2 exponent bits.
        F4E2m1 = 14 "f4_e2m1",
        /// 4-bit float, 3 exponent bits.
        F4E3m0 = 15 "f4_e3m0",
        /// 64-bit signed integer.
        S64 = 16 "s64",
    }
}

use DataType::*;

impl DataType {
    /// The type with the given C number; 0 (undef) and unknown numbers are refused with a sentence naming `what`.
    pub fn from_c(value: i32, what: &str) -> Result<DataType> {
        DataType::from_number(value).ok_or_else(|| invalid!("{what}: {value} is not a data type"))
    }

    /// Bytes of one element; 1 for the 4-bit types, two of which share a byte.
    pub const fn size_bytes(self) -> usize {
        match self {
            F64 | S64 => 8,
            F32 | S32 => 4,
            F16 | Bf16 => 2,
            _ => 1,
        }
    }

    /// Whether two elements share a byte.
    pub const fn is_nibble(self) -> bool {
        matches!(self, S4 | U4 | F4E2m1 | F4E3m0)
    }

    /// Whether the type holds integers.
    pub const fn is_int(self) -> bool {
        matches!(self, S32 | S8 | U8 | S4 | U4 | S64)
    }

    /// Whether the kernels can load and store the type: f32, bf16, f16, s32, s8, u8.
    pub const fn is_kernel_type(self) -> bool {
        matches!(self, F32 | Bf16 | F16 | S32 | S8 | U8)
    }

    /// How many elements along k one dot-product lane of 32 bits holds: the `v` of the packed layout `[k/v][n][v]`.
    pub const fn vnni(self) -> usize {
        match self {
            Bf16 => 2,
            S8 | U8 => 4,
            _ => 1,
        }
    }
}
