//! Elements of the kernel types, and blocks of them on their way between memory and 32-bit lanes.

use super::interpret::LANES;
use crate::dtype::DataType;
use half::{bf16, f16};

/// 32-bit lanes, floats or integers as the reader takes them.
pub type Lanes = [u32; LANES];

/// An element in memory.
pub trait Elem: Copy {
    fn to_f32(self) -> f32;
    fn to_i32(self) -> i32;
    /// Rounds to nearest even; integers saturate and NaN becomes the lowest one.
    fn from_f32(x: f32) -> Self;
    /// Saturates.
    fn from_i32(x: i32) -> Self;
}

macro_rules! floats {
    ($($t:ty: $to:expr, $from:expr;)*) => {$(
        impl Elem for $t {
            #[inline(always)]
            fn to_f32(self) -> f32 {
                $to(self)
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self.to_f32().round_ties_even() as i32
            }
            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                $from(x)
            }
            #[inline(always)]
            fn from_i32(x: i32) -> Self {
                $from(x as f32)
            }
        }
    )*};
}

macro_rules! integers {
    ($($t:ty: $highest:expr;)*) => {$(
        impl Elem for $t {
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                // The order of the comparisons sends NaN to the lowest value, as the vector instructions do.
                let bounded = if x > <$t>::MIN as f32 { x } else { <$t>::MIN as f32 };
                bounded.min($highest).round_ties_even() as $t
            }
            #[inline(always)]
            fn from_i32(x: i32) -> Self {
                x.clamp(<$t>::MIN as i32, <$t>::MAX as i32) as $t
            }
        }
    )*};
}

floats! {
    f32: |x| x, |x| x;
    bf16: bf16::to_f32, bf16::from_f32;
    f16: f16::to_f32, f16::from_f32;
}

/// The largest f32 that s32 holds: where s32 saturates, as in oneDNN.
const MAX_S32: f32 = 2_147_483_520.0;

integers! {
    i32: MAX_S32;
    i16: 32_767.0;
    i8: 127.0;
    u8: 255.0;
}

/// Evaluates an expression with `$t` standing for the Rust type of a kernel type.
macro_rules! with_type {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::DataType::F32 => {
                type $t = f32;
                $body
            }
            $crate::dtype::DataType::Bf16 => {
                type $t = half::bf16;
                $body
            }
            $crate::dtype::DataType::F16 => {
                type $t = half::f16;
                $body
            }
            $crate::dtype::DataType::S32 => {
                type $t = i32;
                $body
            }
            $crate::dtype::DataType::S8 => {
                type $t = i8;
                $body
            }
            $crate::dtype::DataType::U8 => {
                type $t = u8;
                $body
            }
            other => unreachable!("{} is not a kernel type", other.name()),
        }
    };
}
pub(super) use with_type;

/// The element `index` elements behind `p`, at any alignment.
///
/// # Safety
/// It must be readable.
#[inline(always)]
pub unsafe fn read<T: Elem>(p: *const u8, index: usize) -> T {
    // SAFETY: passed on to the caller.
    unsafe { p.cast::<T>().wrapping_add(index).read_unaligned() }
}

/// Calls `f` for each of `count` lanes; a full block has a constant length, so that the compiler unrolls it.
#[inline(always)]
fn each(count: usize, mut f: impl FnMut(usize)) {
    if count == LANES {
        (0..LANES).for_each(f);
    } else {
        (0..count).for_each(&mut f);
    }
}

/// Loads `count` elements as f32 bits, or as s32 if they are integers to be kept.
///
/// # Safety
/// They must be readable at `p`.
#[inline(always)]
pub unsafe fn load(dtype: DataType, p: *const u8, count: usize, int: bool, out: &mut Lanes) {
    with_type!(dtype, T => if int && dtype.is_int() {
        // SAFETY: passed on to the caller.
        each(count, |i| out[i] = unsafe { read::<T>(p, i) }.to_i32() as u32)
    } else {
        // SAFETY: passed on to the caller.
        each(count, |i| out[i] = unsafe { read::<T>(p, i) }.to_f32().to_bits())
    })
}

/// Stores `count` lanes, which hold f32 or (with `int`) s32 bits.
///
/// # Safety
/// The elements must be writable at `p`.
#[inline(always)]
pub unsafe fn store(dtype: DataType, p: *mut u8, count: usize, int: bool, lanes: &Lanes) {
    with_type!(dtype, T => {
        let p = p.cast::<T>();
        // SAFETY: passed on to the caller.
        let put = |i: usize, x: T| unsafe { p.wrapping_add(i).write_unaligned(x) };
        if int {
            each(count, |i| put(i, T::from_i32(lanes[i] as i32)))
        } else {
            each(count, |i| put(i, T::from_f32(f32::from_bits(lanes[i]))))
        }
    })
}
