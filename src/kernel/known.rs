//! What callers may find out about the bytes of B for a kernel of u8 and s8, once for all calls that read them.
#![allow(unsafe_code)]

use super::spec::{NARROW_B, WIDE_B};

/// [`NARROW_B`] or [`WIDE_B`].
pub fn width_of_b(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function asks for.
        return unsafe { width_by_vectors(bytes) };
    }
    width_by_pieces(bytes)
}

/// The same, compiled for vectors of 32 bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn width_by_vectors(bytes: &[u8]) -> u64 {
    width_by_pieces(bytes)
}

#[inline(always)]
fn width_by_pieces(bytes: &[u8]) -> u64 {
    const PIECE: usize = 4096;
    let keeps = |piece: &[u8]| piece.iter().fold(0, |bits, b| bits | b.wrapping_add(64)) < 128;
    match bytes.chunks(PIECE).all(keeps) {
        true => NARROW_B,
        false => WIDE_B,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_beyond_is_found() {
        for len in [0, 1, 31, 100, 4096, 9000] {
            let mut bytes: Vec<u8> = (0..len).map(|i| (i % 128) as u8).collect();
            bytes.iter_mut().for_each(|b| *b = b.wrapping_sub(64));
            assert_eq!(width_of_b(&bytes), NARROW_B);
            for (at, beyond) in (0..len)
                .step_by(7)
                .zip([64, 127, 128, 191].into_iter().cycle())
            {
                let kept = std::mem::replace(&mut bytes[at], beyond);
                assert_eq!(width_of_b(&bytes), WIDE_B, "byte {beyond} at {at} of {len}");
                bytes[at] = kept;
            }
        }
    }
}
