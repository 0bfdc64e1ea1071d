//! The host: its instruction-set rung, caches and usable cores. Nothing here changes after its first use.

/// Rungs of the instruction-set ladder, each including those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust, any processor.
    Portable,
    /// AVX2 with FMA and F16C: 16 registers of 256 bits.
    Avx2,
    /// AVX-512 F, BW, DQ, VL: 32 registers of 512 bits, masks.
    Avx512,
    /// And VNNI: 8-bit dot products.
    Avx512Vnni,
    /// And BF16: bf16 dot products and conversions.
    Avx512Bf16,
}

impl Isa {
    /// The name used in kernel names, verbose lines and `BRICK_MAX_ISA`.
    pub const fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Avx512Vnni => "avx512_vnni",
            Isa::Avx512Bf16 => "avx512_bf16",
        }
    }

    /// Whether the rung has 512-bit registers and masks.
    pub const fn is_avx512(self) -> bool {
        self as u8 >= Isa::Avx512 as u8
    }
}
