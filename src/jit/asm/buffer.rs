//! The bytes under construction, written a few at a time.

/// A byte vector with slack behind its end, so that every piece is written as one whole word.
pub struct Buffer {
    bytes: Vec<u8>,
    len: usize,
}

const WORD: usize = size_of::<u64>();

impl Buffer {
    pub fn with_capacity(bytes: usize) -> Buffer {
        Buffer {
            bytes: vec![0; bytes.max(WORD)],
            len: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends the low `count` bytes of `bits`, eight at most.
    #[inline]
    pub fn push(&mut self, bits: u64, count: usize) {
        if self.bytes.len() < self.len + WORD {
            self.grow();
        }
        self.bytes[self.len..self.len + WORD].copy_from_slice(&bits.to_le_bytes());
        self.len += count;
    }

    pub fn extend(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(WORD) {
            let mut word = [0; WORD];
            word[..piece.len()].copy_from_slice(piece);
            self.push(u64::from_le_bytes(word), piece.len());
        }
    }

    /// Overwrites four bytes.
    pub fn patch(&mut self, at: usize, value: i32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len);
        self.bytes
    }

    #[cold]
    fn grow(&mut self) {
        self.bytes.resize(2 * self.bytes.len() + WORD, 0);
    }
}
