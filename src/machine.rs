//! The host: its instruction-set rung, caches and usable cores. Nothing here changes after its first use.

use once_cell::race::{OnceBox, OnceNonZeroUsize};
use std::{num::NonZeroUsize, thread};

use crate::error::Result;
use crate::{invalid, knobs};

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

    /// The number of `brick_cpu_isa_t` for this rung.
    pub const fn number(self) -> i32 {
        match self {
            Isa::Portable => 0x1,
            Isa::Avx2 => 0x7,
            Isa::Avx512 => 0x27,
            Isa::Avx512Vnni => 0x67,
            Isa::Avx512Bf16 => 0xe7,
        }
    }

    /// The rung that a `brick_cpu_isa_t` stands for; one that brick has no kernels for counts as the next lower.
    pub const fn from_number(number: i32) -> Option<Isa> {
        match number {
            0x1 | 0x3 => Some(Isa::Portable),
            0x7 | 0xf | 0x1f => Some(Isa::Avx2),
            0x27 => Some(Isa::Avx512),
            0x67 => Some(Isa::Avx512Vnni),
            0 | 0xe7 | 0x1ef | 0xfef | 0x1fef | 0x201ff | 0x22fff => Some(Isa::Avx512Bf16),
            _ => None,
        }
    }
}

/// What the host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The highest rung that processor and operating system support; see [`effective_isa`] for the one in use.
    pub isa: Isa,
    /// Bytes of a core's first-level data cache.
    pub l1d_bytes: usize,
    /// Bytes of a core's second-level cache.
    pub l2_bytes: usize,
    /// Bytes of the last-level cache, shared by several cores.
    pub l3_bytes: usize,
}

/// The host, looked at once.
pub fn machine() -> &'static Machine {
    static MACHINE: OnceBox<Machine> = OnceBox::new();
    MACHINE.get_or_init(|| {
        let [l1d_bytes, l2_bytes, l3_bytes] = caches();
        Box::new(Machine {
            isa: detect_isa(),
            l1d_bytes,
            l2_bytes,
            l3_bytes,
        })
    })
}

/// Cores this process may use: its affinity mask, cut by its cgroup's quota. Looked at once, when somebody asks: files are
/// read for it.
pub fn cores() -> usize {
    static CORES: OnceNonZeroUsize = OnceNonZeroUsize::new();
    let count = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    CORES.get_or_init(count).get()
}

static EFFECTIVE: OnceBox<Isa> = OnceBox::new();

/// The rung that kernels use: the host's, capped by the knob. The first call freezes it for the process's life.
#[inline]
pub fn effective_isa() -> Isa {
    *EFFECTIVE.get_or_init(|| Box::new(machine().isa.min(knobs::MAX_ISA.get())))
}

/// Plans for this rung whatever the host's; kernels that it cannot run are emulated or portable. For tests, before first
/// use.
#[doc(hidden)]
pub fn pretend(isa: Isa) -> Result<()> {
    let used = |_| {
        invalid!(
            "the ISA cannot become {} any more: it has been used",
            isa.name()
        )
    };
    EFFECTIVE.set(Box::new(isa)).map_err(used)
}

/// Caps the rung by a call, which beats the environment; refused once the rung has been used.
pub fn set_max_isa(isa: Isa) -> Result<()> {
    if EFFECTIVE.get().is_some() {
        return Err(invalid!(
            "the ISA cannot be capped at {} any more: it has been used",
            isa.name()
        ));
    }
    knobs::MAX_ISA.set(isa);
    Ok(())
}

#[cfg(target_arch = "x86_64")]
fn detect_isa() -> Isa {
    macro_rules! has {
        ($($feature:tt),+) => { $(is_x86_feature_detected!($feature))&&+ };
    }
    if !has!("avx2", "fma", "f16c") {
        Isa::Portable
    } else if !has!("avx512f", "avx512bw", "avx512dq", "avx512vl") {
        Isa::Avx2
    } else if !has!("avx512vnni") {
        Isa::Avx512
    } else if !has!("avx512bf16") {
        Isa::Avx512Vnni
    } else {
        Isa::Avx512Bf16
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect_isa() -> Isa {
    Isa::Portable
}

/// Sizes of the data caches of levels 1 to 3; what the processor does not say is taken as a small server core's.
fn caches() -> [usize; 3] {
    let mut sizes = [32 << 10, 512 << 10, 4 << 20];
    for (level, bytes) in cpuid_caches() {
        sizes[level - 1] = bytes;
    }
    sizes
}

/// Level (1 to 3) and bytes of each data or unified cache.
#[cfg(target_arch = "x86_64")]
fn cpuid_caches() -> impl Iterator<Item = (usize, usize)> {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    // Intel lists its caches in leaf 4, AMD, in the same format, in this extended leaf.
    const AMD_CACHES: u32 = 0x8000_001d;
    let basic = __cpuid(0);
    let (leaf, last) = match &basic.ecx.to_le_bytes() {
        b"cAMD" => (AMD_CACHES, __cpuid(0x8000_0000).eax),
        _ => (4, basic.eax),
    };
    let count = if last >= leaf { 8 } else { 0 };
    (0..count)
        .map(move |i| __cpuid_count(leaf, i))
        .take_while(|c| c.eax & 31 != 0)
        .filter_map(|c| {
            let (kind, level) = (c.eax & 31, (c.eax >> 5 & 7) as usize);
            let field = |from: u32, bits: u32| (c.ebx >> from & ((1 << bits) - 1)) as usize + 1;
            let bytes = field(0, 12) * field(12, 10) * field(22, 10) * (c.ecx as usize + 1);
            (kind != 2 && (1..=3).contains(&level)).then_some((level, bytes))
        })
}

#[cfg(not(target_arch = "x86_64"))]
fn cpuid_caches() -> impl Iterator<Item = (usize, usize)> {
    std::iter::empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_plausible() {
        let m = machine();
        assert!(cores() >= 1);
        assert!((8 << 10..=1 << 20).contains(&m.l1d_bytes), "{m:?}");
        assert!(
            m.l1d_bytes < m.l2_bytes && m.l2_bytes <= m.l3_bytes,
            "{m:?}"
        );
    }

    #[test]
    fn isa_numbers_round_trip() {
        for isa in [
            Isa::Portable,
            Isa::Avx2,
            Isa::Avx512,
            Isa::Avx512Vnni,
            Isa::Avx512Bf16,
        ] {
            assert_eq!(Isa::from_number(isa.number()), Some(isa));
        }
        assert_eq!(Isa::from_number(0), Some(Isa::Avx512Bf16));
        assert_eq!(Isa::from_number(0x1ef), Some(Isa::Avx512Bf16));
        assert_eq!(Isa::from_number(5), None);
    }

    #[test]
    fn use_freezes_the_cap() {
        assert!(effective_isa() <= machine().isa);
        assert!(
            set_max_isa(Isa::Portable)
                .unwrap_err()
                .message
                .contains("portable")
        );
    }
}
