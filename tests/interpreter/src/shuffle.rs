//! Permutations of whole vectors; unless they say otherwise, each 128-bit lane for itself.

use crate::lanes::f32_to_bf16;
use crate::state::Vector;

const LANE: usize = 16;

/// Interleaves the elements of the lower (0) or upper (1) halves of the lanes.
pub fn unpack(a: &Vector, b: &Vector, len: usize, size: usize, half: usize) -> Vector {
    let mut out = [0; 64];
    for lane in (0..len).step_by(LANE) {
        for (i, place) in out[lane..lane + LANE].chunks_exact_mut(size).enumerate() {
            let from = lane + half * LANE / 2 + i / 2 * size;
            let source = if i % 2 == 0 { a } else { b };
            place.copy_from_slice(&source[from..from + size]);
        }
    }
    out
}

/// Signed elements of `size` bytes, saturated to half of that: a lane of a, then a lane of b.
pub fn pack(a: &Vector, b: &Vector, len: usize, size: usize, low: i32, high: i32) -> Vector {
    let mut out = [0; 64];
    for lane in (0..len).step_by(LANE) {
        let sources = [a, b].map(|v| v[lane..lane + LANE].chunks_exact(size));
        let places = out[lane..lane + LANE].chunks_exact_mut(size / 2);
        for (place, x) in places.zip(sources.into_iter().flatten()) {
            let value = match *x {
                [x, y] => i16::from_le_bytes([x, y]).into(),
                [x, y, z, w] => i32::from_le_bytes([x, y, z, w]),
                _ => unreachable!("packed elements have 2 or 4 bytes"),
            };
            place.copy_from_slice(&value.clamp(low, high).to_le_bytes()[..size / 2]);
        }
    }
    out
}

/// f32 as bf16: all of b, then all of a.
pub fn pack_bf16(a: &Vector, b: &Vector, len: usize) -> Vector {
    let mut out = [0; 64];
    let sources = [b, a].map(|v| v[..len].chunks_exact(4));
    for (place, x) in out.chunks_exact_mut(2).zip(sources.into_iter().flatten()) {
        let bits = u32::from_le_bytes([x[0], x[1], x[2], x[3]]);
        place.copy_from_slice(&f32_to_bf16(bits).to_le_bytes());
    }
    out
}

/// Bytes of a by the indices in b; an index with its top bit set gives zero.
pub fn shuffle_bytes(a: &Vector, b: &Vector, len: usize) -> Vector {
    let mut out = [0; 64];
    for i in 0..len {
        let index = b[i];
        if index < 0x80 {
            out[i] = a[i / LANE * LANE + (index & 15) as usize];
        }
    }
    out
}

/// Two dwords of a, two of b, by two bits of the immediate each.
pub fn shuffle_dwords(a: &Vector, b: &Vector, len: usize, imm: u8) -> Vector {
    let mut out = [0; 64];
    for (i, place) in out[..len].chunks_exact_mut(4).enumerate() {
        let (lane, i) = (i / 4 * LANE, i % 4);
        let source = if i < 2 { a } else { b };
        let from = lane + 4 * (imm >> (2 * i) & 3) as usize;
        place.copy_from_slice(&source[from..from + 4]);
    }
    out
}

/// Quadwords within 256 bits, by two bits of the immediate each.
pub fn permute_qwords(b: &Vector, len: usize, imm: u8) -> Vector {
    let mut out = [0; 64];
    for (i, place) in out[..len].chunks_exact_mut(8).enumerate() {
        let from = i / 4 * 32 + 8 * (imm >> (2 * (i % 4)) & 3) as usize;
        place.copy_from_slice(&b[from..from + 8]);
    }
    out
}

/// Dwords of b from anywhere, by the indices in a.
pub fn permute_dwords(a: &Vector, b: &Vector, len: usize) -> Vector {
    let mut out = [0; 64];
    for (place, index) in out[..len].chunks_exact_mut(4).zip(a.chunks_exact(4)) {
        let from = 4 * (index[0] as usize % (len / 4));
        place.copy_from_slice(&b[from..from + 4]);
    }
    out
}

/// Halves of two 256-bit vectors: each of the result's by four bits of the immediate.
pub fn permute_halves(a: &Vector, b: &Vector, imm: u8) -> Vector {
    let mut out = [0; 64];
    for (i, place) in out[..32].chunks_exact_mut(LANE).enumerate() {
        let choice = imm >> (4 * i);
        let source = if choice & 2 == 0 { a } else { b };
        let from = LANE * (choice & 1) as usize;
        if choice & 8 == 0 {
            place.copy_from_slice(&source[from..from + LANE]);
        }
    }
    out
}

/// Whole lanes: the lower half of them from a, the upper from b.
pub fn shuffle_lanes(a: &Vector, b: &Vector, len: usize, imm: u8) -> Vector {
    let mut out = [0; 64];
    let lanes = len / LANE;
    let bits = if lanes == 4 { 2 } else { 1 };
    for (i, place) in out[..len].chunks_exact_mut(LANE).enumerate() {
        let source = if i < lanes / 2 { a } else { b };
        let from = LANE * (imm as usize >> (bits * i) & (lanes - 1));
        place.copy_from_slice(&source[from..from + LANE]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(first: u8) -> Vector {
        std::array::from_fn(|i| first.wrapping_add(i as u8))
    }

    #[test]
    fn lanes_of_512_bits() {
        let (a, b) = (bytes(0), bytes(64));
        let out = shuffle_lanes(&a, &b, 64, 0b11_01_10_00);
        let firsts: Vec<u8> = out.chunks(16).map(|lane| lane[0]).collect();
        assert_eq!(firsts, [0, 32, 64 + 16, 64 + 48]);
        let out = shuffle_lanes(&a, &b, 32, 0b01);
        assert_eq!((out[0], out[16]), (16, 64));
    }
}
