//! What happens to one lane: IEEE arithmetic with the processor's rules for NaN, saturation, dot products.
//!
//! Floats travel as bits, so that NaN payloads survive. Rounding is to nearest even and denormals count, as in a process
//! that left the control register alone.

/// What an invalid operation yields.
const DEFAULT_NAN: u32 = 0xFFC0_0000;
const QUIET: u32 = 0x0040_0000;
const SIGN: u32 = 0x8000_0000;

pub fn float(bits: u32) -> f32 {
    f32::from_bits(bits)
}

pub fn negate(bits: u32) -> u32 {
    bits ^ SIGN
}

/// The result, or the first NaN among the operands made quiet, or the default one.
fn settle(result: f32, operands: &[u32]) -> u32 {
    if !result.is_nan() {
        return result.to_bits();
    }
    let nan = operands.iter().find(|bits| float(**bits).is_nan());
    nan.map_or(DEFAULT_NAN, |bits| bits | QUIET)
}

pub fn float1(a: u32, f: fn(f32) -> f32) -> u32 {
    settle(f(float(a)), &[a])
}

pub fn float2(a: u32, b: u32, f: fn(f32, f32) -> f32) -> u32 {
    settle(f(float(a), float(b)), &[a, b])
}

/// x * y + z, rounded once; `order` says which operand's NaN comes first.
pub fn fma(order: [u32; 3], x: u32, y: u32, z: u32) -> u32 {
    settle(float(x).mul_add(float(y), float(z)), &order)
}

/// To nearest even; what does not fit becomes the lowest number.
pub fn f32_to_i32(bits: u32) -> u32 {
    let value = float(bits).round_ties_even();
    let fits = (-2147483648.0..2147483648.0).contains(&value);
    if fits {
        value as i32 as u32
    } else {
        i32::MIN as u32
    }
}

/// Rounds as the low three bits of the immediate say, after 2^-M with M its upper four.
pub fn round(bits: u32, imm: u8) -> u32 {
    let unit = f64::from(1u32 << (imm >> 4));
    let scaled = f64::from(float(bits)) * unit;
    let rounded = match imm & 7 {
        1 => scaled.floor(),
        2 => scaled.ceil(),
        3 => scaled.trunc(),
        _ => scaled.round_ties_even(),
    };
    settle((rounded / unit) as f32, &[bits])
}

/// a * 2^floor(b)
pub fn scale(a: u32, b: u32) -> u32 {
    let (x, n) = (float(a), float(b).floor());
    if x.is_nan() || n.is_nan() {
        return settle(f32::NAN, &[a, b]);
    }
    // Powers this large already over- or underflow every product with an f32.
    let power = f64::from(n.clamp(-600.0, 600.0)).exp2();
    match (x == 0.0, x.is_infinite(), n) {
        (true, _, f32::INFINITY) | (_, true, f32::NEG_INFINITY) => DEFAULT_NAN,
        (_, true, _) => a,
        _ => ((f64::from(x) * power) as f32).to_bits(),
    }
}

/// The predicates of vcmpps by what they hold for: 1 less, 2 equal, 4 greater, 8 unordered.
const PREDICATES: [u8; 16] = [2, 1, 3, 8, 13, 14, 12, 7, 10, 9, 11, 0, 5, 6, 4, 15];

pub fn compare(a: u32, b: u32, imm: u8) -> bool {
    use std::cmp::Ordering::*;
    let relation = match float(a).partial_cmp(&float(b)) {
        Some(Less) => 1,
        Some(Equal) => 2,
        Some(Greater) => 4,
        None => 8,
    };
    PREDICATES[imm as usize & 15] & relation != 0
}

/// Looks every bit of d, a, b up in the immediate.
pub fn ternary(d: u32, a: u32, b: u32, imm: u8) -> u32 {
    let term = |i: u8| {
        let side = |bit: u8, x: u32| if i >> bit & 1 == 1 { x } else { !x };
        side(2, d) & side(1, a) & side(0, b)
    };
    (0..8)
        .filter(|i| imm >> i & 1 == 1)
        .map(term)
        .fold(0, |x, y| x | y)
}

/// A signed 32-bit element, saturated.
pub fn clamp(x: u64, low: i32, high: i32) -> u64 {
    (x as u32 as i32).clamp(low, high) as u64
}

pub fn f16_to_f32(h: u16) -> u32 {
    let sign = u32::from(h >> 15) << 31;
    let (exponent, fraction) = (u32::from(h >> 10 & 31), u32::from(h & 0x3FF));
    let magnitude = match (exponent, fraction) {
        (31, 0) => 0x7F80_0000,
        (31, f) => 0x7F80_0000 | QUIET | f << 13,
        (0, f) => (f as f32 / 16_777_216.0).to_bits(),
        (e, f) => (e + 112) << 23 | f << 13,
    };
    sign | magnitude
}

/// To nearest even, with denormals.
pub fn f32_to_f16(bits: u32) -> u16 {
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & !SIGN;
    let value = float(magnitude);
    sign | if value.is_nan() {
        0x7E00 | (magnitude >> 13 & 0x1FF) as u16
    } else if magnitude < 113 << 23 {
        // Below the smallest normal f16: a whole number of its steps.
        (value * 16_777_216.0).round_ties_even() as u16
    } else {
        let odd = magnitude >> 13 & 1;
        let rounded = (magnitude - (112 << 23) + 0xFFF + odd) >> 13;
        rounded.min(0x7C00) as u16
    }
}

/// Denormals of either kind count as zero in bf16 instructions.
fn flush(bits: u32) -> u32 {
    if bits & !SIGN < 1 << 23 {
        bits & SIGN
    } else {
        bits
    }
}

/// To nearest even.
pub fn f32_to_bf16(bits: u32) -> u16 {
    let bits = flush(bits);
    let rounded = if float(bits).is_nan() {
        bits | QUIET
    } else {
        bits + 0x7FFF + (bits >> 16 & 1)
    };
    (rounded >> 16) as u16
}

/// Adds the products of two pairs of bf16: the upper one, then the lower one.
pub fn dot_bf16(d: u32, a: u32, b: u32) -> u32 {
    let step = |d: u32, a: u32, b: u32| {
        let (d, a, b) = (flush(d), flush(a), flush(b));
        flush(fma([a, b, d], a, b, d))
    };
    let upper = step(d, a & 0xFFFF_0000, b & 0xFFFF_0000);
    step(upper, a << 16, b << 16)
}

/// Adds the products of two pairs of signed words.
pub fn dot_words(d: u32, a: u32, b: u32) -> u32 {
    let word = |x: u32, i: u32| i32::from((x >> (16 * i)) as i16);
    let product = |i| word(a, i).wrapping_mul(word(b, i)) as u32;
    d.wrapping_add(product(0)).wrapping_add(product(1))
}

/// Adds the products of four pairs of an unsigned and a signed byte.
pub fn dot_bytes(d: u32, a: u32, b: u32) -> u32 {
    let pairs = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
    pairs.fold(d, |sum, (a, b)| {
        sum.wrapping_add((i32::from(a) * i32::from(b as i8)) as u32)
    })
}

/// Two unsigned bytes times two signed ones, summed with saturation.
pub fn dot_pair(a: u16, b: u16) -> u16 {
    let pairs = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
    let sum: i32 = pairs.map(|(a, b)| i32::from(a) * i32::from(b as i8)).sum();
    sum.clamp(-32768, 32767) as u16
}

/// The sums of two bytes, each of which wraps.
pub fn add_bytes(a: u16, b: u16) -> u16 {
    let ([a0, a1], [b0, b1]) = (a.to_le_bytes(), b.to_le_bytes());
    u16::from_le_bytes([a0.wrapping_add(b0), a1.wrapping_add(b1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_by_powers_of_two() {
        let scale = |a: f32, b: f32| float(scale(a.to_bits(), b.to_bits()));
        assert_eq!(scale(3.0, 4.9), 48.0);
        assert_eq!(scale(3.0, -1.5), 0.75);
        assert_eq!(scale(1.0, 200.0), f32::INFINITY);
        assert_eq!(scale(f32::MIN_POSITIVE, 252.0), 2f32.powi(126));
        assert_eq!(scale(1.0, -149.0).to_bits(), 1);
        assert_eq!(scale(-1.0, f32::NEG_INFINITY).to_bits(), SIGN);
        assert_eq!(scale(f32::NEG_INFINITY, 3.0), f32::NEG_INFINITY);
        assert!(scale(0.0, f32::INFINITY).is_nan());
        assert!(scale(f32::INFINITY, f32::NEG_INFINITY).is_nan());
        assert!(scale(1.0, f32::NAN).is_nan());
    }

    #[test]
    fn bf16_rounds_to_even_and_flushes_denormals() {
        for (from, to) in [
            (0x3F80_8000, 0x3F80),
            (0x3F81_8000, 0x3F82),
            (0x3F80_8001, 0x3F81),
            (0x7F7F_FFFF, 0x7F80),
            (0xFF80_0000, 0xFF80),
            (0x7F80_0001, 0x7FC0),
            (0x0001_8000, 0x0000),
            (0x807F_FFFF, 0x8000),
        ] {
            assert_eq!(f32_to_bf16(from), to, "{from:x}");
        }
    }

    #[test]
    fn dot_products() {
        assert_eq!(dot_bytes(5, 0xFF01_0203, 0x8002_03FF), {
            (5 - 255 * 128 + 2 + 6 - 3) as u32
        });
        assert_eq!(dot_words(1, 0x8000_0003, 0x8000_FFFE), 0x4000_0000 - 6 + 1);
        let pair = |high: f32, low: f32| (high.to_bits() & 0xFFFF_0000) | low.to_bits() >> 16;
        let sum = dot_bf16(1f32.to_bits(), pair(3.0, -2.0), pair(0.5, 4.0));
        assert_eq!(float(sum), 1.0 + 1.5 - 8.0);
    }

    #[test]
    fn ternary_logic() {
        let (d, a, b) = (0xF0F0_F0F0, 0xCCCC_CCCC, 0xAAAA_AAAA);
        assert_eq!(ternary(d, a, b, 0xFF), u32::MAX);
        assert_eq!(ternary(d, a, b, 0x96), d ^ a ^ b);
        assert_eq!(ternary(d, a, b, 0xCA), (d & a) | (!d & b));
    }

    #[test]
    fn halves_convert_both_ways() {
        for h in 0..=u16::MAX {
            let nan = h & 0x7C00 == 0x7C00 && h & 0x3FF != 0;
            let quiet = if nan { h | 0x200 } else { h };
            assert_eq!(f32_to_f16(f16_to_f32(h)), quiet, "{h:x}");
        }
        assert_eq!(f32_to_f16(65520f32.to_bits()), 0x7C00);
        assert_eq!(f32_to_f16(65519f32.to_bits()), 0x7BFF);
    }
}
