//! Elements as numbers: reading, rounding, saturating and comparing.

use brick::dtype::DataType;
use half::{bf16, f16};

/// The element's value; every kernel type is exact in f64.
pub fn decode(t: DataType, bytes: &[u8]) -> f64 {
    match t {
        DataType::F32 => f32::from_le_bytes(bytes[..4].try_into().unwrap()).into(),
        DataType::S32 => i32::from_le_bytes(bytes[..4].try_into().unwrap()).into(),
        DataType::Bf16 => bf16::from_le_bytes(bytes[..2].try_into().unwrap()).to_f64(),
        DataType::F16 => f16::from_le_bytes(bytes[..2].try_into().unwrap()).to_f64(),
        DataType::S8 => (bytes[0] as i8).into(),
        DataType::U8 => bytes[0].into(),
        other => panic!("{other:?} is not a kernel type"),
    }
}

/// The nearest element (ties to even), saturated for integers. The value passes through f32 on its way to a float.
pub fn encode(t: DataType, value: f64) -> Vec<u8> {
    let whole = |low: f64, high: f64| value.round_ties_even().clamp(low, high) as i64;
    match t {
        DataType::F32 => (value as f32).to_le_bytes().into(),
        DataType::Bf16 => bf16::from_f32(value as f32).to_le_bytes().into(),
        DataType::F16 => f16::from_f32(value as f32).to_le_bytes().into(),
        DataType::S32 => (whole(i32::MIN.into(), i32::MAX.into()) as i32)
            .to_le_bytes()
            .into(),
        DataType::S8 => (whole(-128.0, 127.0) as i8).to_le_bytes().into(),
        DataType::U8 => (whole(0.0, 255.0) as u8).to_le_bytes().into(),
        other => panic!("{other:?} is not a kernel type"),
    }
}

/// Bytes that betray themselves when read as a value: NaN in every float type.
pub const POISON: u8 = 0xFF;

/// Whether a stored element is the one wanted. NaNs are equal, and bf16 may flush what is denormal to zero, as the
/// conversion instruction does.
pub fn same(t: DataType, got: &[u8], want: f64) -> bool {
    let (got_value, exact) = (decode(t, got), encode(t, want));
    let want_value = decode(t, &exact);
    let tiny = t == DataType::Bf16 && want_value.abs() <= f64::from(f32::MIN_POSITIVE);
    got == exact
        || got_value == want_value
        || (got_value.is_nan() && want_value.is_nan())
        || (tiny && got_value == 0.0)
}

/// Half a unit in the last place of a float type, relative to the value.
pub fn unit(t: DataType) -> f64 {
    match t {
        DataType::Bf16 => 2f64.powi(-8),
        DataType::F16 => 2f64.powi(-11),
        _ => 2f64.powi(-24),
    }
}
