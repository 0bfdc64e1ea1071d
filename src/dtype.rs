//! Data types as values: the numbers of the C API, sizes, and what the kernels do with each type.

use crate::{error::Result, invalid};

/// An element type, with the numbers of `brick_data_type_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
pub enum DataType {
    /// IEEE binary16.
    F16 = 1,
    /// The upper half of an IEEE binary32.
    Bf16 = 2,
    /// IEEE binary32.
    F32 = 3,
    /// 32-bit signed integer.
    S32 = 4,
    /// 8-bit signed integer.
    S8 = 5,
    /// 8-bit unsigned integer.
    U8 = 6,
    /// IEEE binary64.
    F64 = 7,
    /// One byte, zero or not.
    Boolean = 8,
    /// 8-bit float, 5 exponent bits.
    F8E5m2 = 9,
    /// 8-bit float, 4 exponent bits.
    F8E4m3 = 10,
    /// 4-bit signed integer, two a byte.
    S4 = 11,
    /// 4-bit unsigned integer, two a byte.
    U4 = 12,
    /// 8-bit exponent (a power of two).
    E8m0 = 13,
    /// 4-bit float, 2 exponent bits.
    F4E2m1 = 14,
    /// 4-bit float, 3 exponent bits.
    F4E3m0 = 15,
    /// 64-bit signed integer.
    S64 = 16,
}

use DataType::*;

const ALL: [DataType; 16] = [
    F16, Bf16, F32, S32, S8, U8, F64, Boolean, F8E5m2, F8E4m3, S4, U4, E8m0, F4E2m1, F4E3m0, S64,
];

impl DataType {
    /// The type with the given C number; 0 (undef) and unknown numbers are refused with a sentence naming `what`.
    pub fn from_c(value: i32, what: &str) -> Result<DataType> {
        ALL.into_iter()
            .find(|t| *t as i32 == value)
            .ok_or_else(|| invalid!("{what}: {value} is not a data type"))
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

    /// The short name used in problem strings, kernel names and verbose lines.
    pub const fn name(self) -> &'static str {
        match self {
            F16 => "f16",
            Bf16 => "bf16",
            F32 => "f32",
            S32 => "s32",
            S8 => "s8",
            U8 => "u8",
            F64 => "f64",
            Boolean => "boolean",
            F8E5m2 => "f8_e5m2",
            F8E4m3 => "f8_e4m3",
            S4 => "s4",
            U4 => "u4",
            E8m0 => "e8m0",
            F4E2m1 => "f4_e2m1",
            F4E3m0 => "f4_e3m0",
            S64 => "s64",
        }
    }
}
