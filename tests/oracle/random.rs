//! A small reproducible generator (splitmix64), so that a failing case is the same on every machine.

use super::number;
use brick::dtype::DataType;

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn flip(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// From -1 to 1.
    pub fn real(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// An element whose products and sums are exact: a small integer, for 8-bit types any of theirs.
    pub fn exact(&mut self, t: DataType) -> Vec<u8> {
        let value = match t {
            DataType::U8 => self.below(256) as f64,
            DataType::S8 => self.below(256) as f64 - 128.0,
            DataType::S32 => self.below(2001) as f64 - 1000.0,
            _ => self.below(9) as f64 - 4.0,
        };
        number::encode(t, value)
    }
}
