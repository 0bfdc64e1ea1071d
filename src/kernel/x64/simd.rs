//! The layer that makes AVX2 and AVX-512 look alike to the generators: vectors of up to 16 or 8 lanes, loads and stores
//! with conversion, tails, broadcasts.
//!
//! A tail of a row is a shorter vector (`Lanes`): on AVX-512 the opmask k1 selects its lanes, on AVX2 a mask vector in
//! register 15 does for 32-bit lanes, and narrower types are moved one element at a time.

use crate::dtype::DataType;
use crate::jit::asm::{Asm, Len, Mask, Mem, Rm, gpr};
use crate::jit::rows::*;
use crate::machine::Isa;

/// Comparison predicate "either is NaN".
const UNORDERED: u8 = 3;

/// The opmask that selects the lanes of a tail along n.
pub const TAIL_K: u8 = 1;
/// The AVX2 register that holds the mask vector of a tail along n.
pub const TAIL_YMM: u8 = 15;

/// One vector of a row: how many lanes are valid, in which register length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Valid lanes.
    pub count: usize,
    /// The register length that the vector is computed in.
    pub len: Len,
    /// Whether loads and stores must be masked.
    pub masked: bool,
    /// The mask: an opmask register, or on AVX2 a vector register.
    pub mask: u8,
}

/// The encoder and the instruction set it is used for.
pub struct Simd {
    /// The code so far.
    pub a: Asm,
    /// The target.
    pub isa: Isa,
    /// Whether whole vectors of floats are stored past the caches, to aligned places.
    pub far: bool,
}

impl Simd {
    /// An empty buffer for `isa`.
    pub fn new(isa: Isa) -> Simd {
        Simd {
            a: Asm::new(isa.is_avx512()),
            isa,
            far: false,
        }
    }

    /// A buffer that stays empty, to find out what an emitter would do.
    pub fn dry(isa: Isa) -> Simd {
        Simd {
            a: Asm::dry(),
            isa,
            far: false,
        }
    }

    /// Whether opmasks, 32 registers and 512 bits are there.
    pub fn z(&self) -> bool {
        self.isa.is_avx512()
    }

    /// 32-bit lanes of the longest vector.
    pub fn vl(&self) -> usize {
        if self.z() { 16 } else { 8 }
    }

    /// Number of vector registers, less the one that AVX2 needs for a tail mask.
    pub fn regs(&self, tail: bool) -> usize {
        match (self.z(), tail) {
            (true, _) => 32,
            (false, true) => 15,
            (false, false) => 16,
        }
    }

    /// The longest vector.
    pub fn full(&self) -> Lanes {
        Lanes {
            count: self.vl(),
            len: if self.z() { Len::Z } else { Len::Y },
            masked: false,
            mask: 0,
        }
    }

    /// A vector of `count` lanes in the shortest register that holds it: half a 512-bit operation costs half on
    /// machines with 256-bit units.
    pub fn lanes(&self, count: usize) -> Lanes {
        let len = match count {
            0..=4 => Len::X,
            5..=8 => Len::Y,
            _ => Len::Z,
        };
        Lanes {
            count,
            len,
            masked: !matches!(count, 4 | 8 | 16),
            mask: if self.z() { TAIL_K } else { TAIL_YMM },
        }
    }

    /// Whether rows of n elements end in a vector that must be masked.
    pub fn has_tail(&self, n: usize) -> bool {
        !n.is_multiple_of(self.vl()) && self.lanes(n % self.vl()).masked
    }

    /// Sets up the mask for tails of n % vl lanes, if there is such a tail that needs one.
    pub fn set_tail(&mut self, n: usize) {
        let tail = self.lanes(n % self.vl());
        self.set_mask(tail);
    }

    /// Fills the mask register of `lanes`, if it needs one. Overwrites rax.
    pub fn set_mask(&mut self, lanes: Lanes) {
        if !lanes.masked || lanes.count == 0 {
            return;
        }
        if self.z() {
            self.a.mov_ri(gpr::RAX, (1 << lanes.count) - 1);
            self.a.v(&KMOVW_R32, Len::X, lanes.mask, 0, gpr::RAX);
        } else {
            let bytes: Vec<u8> = (0..32)
                .map(|i| if i / 4 < lanes.count { 0xff } else { 0 })
                .collect();
            let mask = self.a.const_vec(&bytes);
            self.a.v(&VMOVUPS, Len::Y, lanes.mask, 0, mask);
        }
    }

    /// The opmask operand for a load (zeroing) or store (not zeroing) of a vector.
    pub fn mask(&self, lanes: Lanes, zero: bool) -> Option<Mask> {
        (self.z() && lanes.masked).then_some(Mask {
            k: lanes.mask,
            zero,
        })
    }

    /// Sets a register to zero.
    pub fn zero(&mut self, reg: u8) {
        if reg < 16 {
            self.a.v(&VXORPS, Len::X, reg, reg, reg);
        } else {
            self.a.v(&VPXORD, Len::Z, reg, reg, reg);
        }
    }

    /// Copies a register.
    pub fn mov(&mut self, len: Len, dst: u8, src: u8) {
        if dst != src {
            self.a.v(&VMOVUPS, len, dst, 0, src);
        }
    }

    /// 32 bits a lane, as they are; lanes beyond a tail become zero.
    pub fn load32(&mut self, dst: u8, mem: Mem, lanes: Lanes) {
        if !self.z() && lanes.masked {
            self.a.v(&VMASKMOVPS, lanes.len, dst, lanes.mask, mem);
        } else {
            self.a
                .vk(&VMOVUPS, lanes.len, self.mask(lanes, true), dst, 0, mem);
        }
    }

    /// 32 bits a lane, as they are; lanes beyond a tail are not touched.
    pub fn store32(&mut self, mem: Mem, src: u8, lanes: Lanes) {
        if !self.z() && lanes.masked {
            self.a.v(&VMASKMOVPS_ST, lanes.len, src, lanes.mask, mem);
        } else if self.far && !lanes.masked {
            self.a.v(&VMOVNTPS_ST, lanes.len, src, 0, mem);
        } else {
            self.a
                .vk(&VMOVUPS_ST, lanes.len, self.mask(lanes, false), src, 0, mem);
        }
    }

    /// One 32-bit value in every lane.
    pub fn bcast32(&mut self, dst: u8, mem: Mem, len: Len) {
        self.a.v(&VBROADCASTSS, len, dst, 0, mem);
    }

    /// The same 32 bits in every lane.
    pub fn bcast32_const(&mut self, dst: u8, bits: u32, len: Len) {
        let mem = self.a.const32(bits);
        self.bcast32(dst, mem, len);
    }

    /// Elements of 1, 2 or 4 bytes, zero-extended to 32 bits a lane.
    pub fn load_raw(&mut self, dst: u8, mem: Mem, bytes: usize, lanes: Lanes) {
        match bytes {
            4 => self.load32(dst, mem, lanes),
            2 => {
                let src = self.narrow_source(dst, mem, DataType::Bf16, lanes);
                self.a
                    .vk(&VPMOVZXWD, lanes.len, self.mask(lanes, true), dst, 0, src);
            }
            _ => self.load(dst, mem, DataType::U8, true, lanes),
        }
    }

    /// Up to 4 bytes into the lowest lane; all others become zero.
    pub fn load_bytes(&mut self, dst: u8, mem: Mem, count: usize) {
        self.zero(dst);
        for i in 0..count {
            let at = mem.plus(i as i32);
            self.a.vi(&VPINSRB, Len::X, dst, dst, at, i as u8);
        }
    }

    /// The low 1, 2 or 4 bytes of every lane; the rest of a lane is zero.
    pub fn store_raw(&mut self, mem: Mem, src: u8, bytes: usize, lanes: Lanes) {
        match bytes {
            4 => self.store32(mem, src, lanes),
            2 if self.z() => {
                self.a
                    .vk(&VPMOVDW_ST, lanes.len, self.mask(lanes, false), src, 0, mem)
            }
            2 => {
                self.a.v(&VPACKUSDW, lanes.len, src, src, src);
                self.a.vi(&VPERMQ, Len::Y, src, 0, src, 0xd8);
                self.store_words(mem, src, lanes);
            }
            _ if self.z() => {
                self.a
                    .vk(&VPMOVDB_ST, lanes.len, self.mask(lanes, false), src, 0, mem)
            }
            _ => self.store_bytes_y(mem, src, DataType::U8, lanes),
        }
    }

    /// A vector of `dtype` converted to f32; or, with `int`, an integer type widened to s32.
    pub fn load(&mut self, dst: u8, mem: Mem, dtype: DataType, int: bool, lanes: Lanes) {
        let src = self.narrow_source(dst, mem, dtype, lanes);
        let mask = self.mask(lanes, true);
        match dtype {
            DataType::F32 => self.load32(dst, mem, lanes),
            DataType::S32 => self.load32(dst, mem, lanes),
            DataType::Bf16 => self.a.vk(&VPMOVZXWD, lanes.len, mask, dst, 0, src),
            DataType::F16 => self.a.vk(&VCVTPH2PS, lanes.len, mask, dst, 0, src),
            DataType::S8 => self.a.vk(&VPMOVSXBD, lanes.len, mask, dst, 0, src),
            _ => self.a.vk(&VPMOVZXBD, lanes.len, mask, dst, 0, src),
        }
        self.widen(dst, dtype, int, lanes.len);
    }

    /// One element of `dtype` converted like `load`, in every lane.
    pub fn bcast(&mut self, dst: u8, mem: Mem, dtype: DataType, int: bool, len: Len) {
        match dtype {
            DataType::F32 | DataType::S32 => self.bcast32(dst, mem, len),
            DataType::Bf16 => self.a.v(&VPBROADCASTW, len, dst, 0, mem),
            DataType::F16 => {
                let half = if len == Len::Z { Len::Y } else { Len::X };
                self.a.v(&VPBROADCASTW, half, dst, 0, mem);
                self.a.v(&VCVTPH2PS, len, dst, 0, dst);
            }
            _ => {
                self.a.v(&VPBROADCASTB, Len::X, dst, 0, mem);
                let row = if dtype == DataType::S8 {
                    &VPMOVSXBD
                } else {
                    &VPMOVZXBD
                };
                self.a.v(row, len, dst, 0, dst);
            }
        }
        self.widen(dst, dtype, int, len);
    }

    /// The second step of a load: bits in place, integers to floats.
    fn widen(&mut self, dst: u8, dtype: DataType, int: bool, len: Len) {
        match dtype {
            DataType::Bf16 => self.a.vi(&VPSLLD, len, dst, 0, dst, 16),
            DataType::S32 | DataType::S8 | DataType::U8 if !int => {
                self.a.v(&VCVTDQ2PS, len, dst, 0, dst)
            }
            _ => {}
        }
    }

    /// Where a narrow load reads: memory, or `dst` itself after an AVX2 tail was gathered into it.
    fn narrow_source(&mut self, dst: u8, mem: Mem, dtype: DataType, lanes: Lanes) -> Rm {
        let narrow = dtype.size_bytes() < 4;
        if self.z() || !lanes.masked || !narrow {
            return mem.into();
        }
        self.zero(dst);
        for i in 0..lanes.count {
            let at = mem.plus((i * dtype.size_bytes()) as i32);
            let row = if dtype.size_bytes() == 2 {
                &VPINSRW
            } else {
                &VPINSRB
            };
            self.a.vi(row, Len::X, dst, dst, at, i as u8);
        }
        dst.into()
    }

    /// Stores f32 lanes (or s32 lanes with `int`) as `dtype`: rounded to nearest even, saturated; NaN becomes the lowest
    /// integer. Overwrites `src` and `tmp`.
    pub fn store(&mut self, mem: Mem, src: u8, dtype: DataType, int: bool, lanes: Lanes, tmp: u8) {
        use DataType::*;
        let len = lanes.len;
        match (dtype, int) {
            (F32, false) | (S32, true) => return self.store32(mem, src, lanes),
            (F32 | Bf16 | F16, true) => self.a.v(&VCVTDQ2PS, len, src, 0, src),
            (S32 | S8 | U8, false) => self.round_to_int(src, dtype, len),
            _ => {}
        }
        match dtype {
            F32 | S32 => self.store32(mem, src, lanes),
            Bf16 => self.store_bf16(mem, src, lanes, tmp),
            F16 => self.store_f16(mem, src, lanes),
            _ if self.z() => self.store_bytes_z(mem, src, dtype, lanes),
            _ => self.store_bytes_y(mem, src, dtype, lanes),
        }
    }

    /// f32 → s32 within the range of `dtype`.
    fn round_to_int(&mut self, reg: u8, dtype: DataType, len: Len) {
        // The largest f32 below 2^31 stands for the upper bound of s32.
        let (low, high) = match dtype {
            DataType::S8 => (-128.0f32, 127.0f32),
            DataType::U8 => (0.0, 255.0),
            _ => (-2147483648.0, 2147483520.0),
        };
        let low = self.const_ps(low.to_bits());
        self.a.v(&VMAXPS, len, reg, reg, low);
        let high = self.const_ps(high.to_bits());
        self.a.v(&VMINPS, len, reg, reg, high);
        self.a.v(&VCVTPS2DQ, len, reg, 0, reg);
    }

    /// A constant as the last operand of a 32-bit instruction: broadcast from memory, or on AVX2 a whole vector.
    pub fn const_ps(&mut self, bits: u32) -> Rm {
        if self.z() {
            Rm::Bcast(self.a.const32(bits))
        } else {
            let mut bytes = [0; 32];
            let lanes = bytes.chunks_exact_mut(4);
            lanes.for_each(|lane| lane.copy_from_slice(&bits.to_le_bytes()));
            Rm::Mem(self.a.const_vec(&bytes))
        }
    }

    fn store_f16(&mut self, mem: Mem, src: u8, lanes: Lanes) {
        if self.z() || !lanes.masked {
            self.a.vki(
                &VCVTPS2PH_ST,
                lanes.len,
                self.mask(lanes, false),
                src,
                0,
                mem,
                0,
            );
        } else {
            self.a.vi(&VCVTPS2PH_ST, lanes.len, src, 0, src, 0);
            self.scatter(mem, src, 2, lanes.count);
        }
    }

    fn store_bf16(&mut self, mem: Mem, src: u8, lanes: Lanes, tmp: u8) {
        let half = if lanes.len == Len::Z { Len::Y } else { Len::X };
        if self.isa >= Isa::Avx512Bf16 {
            self.a.v(&VCVTNEPS2BF16, lanes.len, src, 0, src);
            if lanes.len == Len::X && !lanes.masked {
                self.a.v(&VMOVQ_ST, Len::X, src, 0, mem);
            } else if self.far && !lanes.masked {
                self.a.v(&VMOVNTPS_ST, half, src, 0, mem);
            } else {
                self.a
                    .vk(&VMOVDQU16_ST, half, self.mask(lanes, false), src, 0, mem);
            }
            return;
        }
        self.round_to_bf16(src, tmp, lanes.len);
        if self.z() {
            self.a
                .vk(&VPMOVDW_ST, lanes.len, self.mask(lanes, false), src, 0, mem);
            return;
        }
        self.a.v(&VPACKUSDW, lanes.len, src, src, src);
        self.a.vi(&VPERMQ, Len::Y, src, 0, src, 0xd8);
        self.store_words(mem, src, lanes);
    }

    /// Whether two whole vectors of f32 are stored as one of `dtype`.
    pub fn converts_pairs(&self, dtype: DataType) -> bool {
        dtype == DataType::Bf16 && self.isa >= Isa::Avx512Bf16
    }

    /// Stores two whole vectors, the left one first. Overwrites it.
    pub fn store_bf16_pair(&mut self, mem: Mem, [left, right]: [u8; 2]) {
        self.a.v(&VCVTNE2PS2BF16, Len::Z, left, right, left);
        self.a.v(&VMOVUPS_ST, Len::Z, left, 0, mem);
    }

    /// Rounds the f32 lanes of `reg` to bf16, in the low halves: adds 0x7fff plus the lowest kept bit.
    fn round_to_bf16(&mut self, reg: u8, tmp: u8, len: Len) {
        let and = if self.z() { &VPANDD } else { &VPAND };
        self.a.vi(&VPSRLD, len, tmp, 0, reg, 16);
        let one = self.const_ps(1);
        self.a.v(and, len, tmp, tmp, one);
        let bias = self.const_ps(0x7fff);
        self.a.v(&VPADDD, len, tmp, tmp, bias);
        self.a.v(&VPADDD, len, tmp, tmp, reg);
        // Lanes that are not ordered become all ones, which stays a NaN.
        if self.z() {
            self.a.vi(&VCMPPS_K, len, 7, reg, reg, UNORDERED);
            self.a.vki(
                &VPTERNLOGD,
                len,
                Some(Mask { k: 7, zero: false }),
                tmp,
                tmp,
                tmp,
                0xff,
            );
        } else {
            self.a.vi(&VCMPPS, len, reg, reg, reg, UNORDERED);
            self.a.v(&VPOR, len, tmp, tmp, reg);
        }
        self.a.vi(&VPSRLD, len, reg, 0, tmp, 16);
    }

    fn store_words(&mut self, mem: Mem, src: u8, lanes: Lanes) {
        match lanes.count {
            8 => self.a.v(&VMOVUPS_ST, Len::X, src, 0, mem),
            4 => self.a.v(&VMOVQ_ST, Len::X, src, 0, mem),
            n => self.scatter(mem, src, 2, n),
        }
    }

    /// AVX2 tails of narrow types: one element at a time.
    fn scatter(&mut self, mem: Mem, src: u8, size: usize, count: usize) {
        let row = if size == 2 { &VPEXTRW_ST } else { &VPEXTRB_ST };
        for i in 0..count {
            self.a
                .vi(row, Len::X, src, 0, mem.plus((i * size) as i32), i as u8);
        }
    }

    fn store_bytes_z(&mut self, mem: Mem, src: u8, dtype: DataType, lanes: Lanes) {
        let mask = self.mask(lanes, false);
        if dtype == DataType::S8 {
            self.a.vk(&VPMOVSDB_ST, lanes.len, mask, src, 0, mem);
            return;
        }
        let zero = self.const_ps(0);
        self.a.v(&VPMAXSD, lanes.len, src, src, zero);
        self.a.vk(&VPMOVUSDB_ST, lanes.len, mask, src, 0, mem);
    }

    fn store_bytes_y(&mut self, mem: Mem, src: u8, dtype: DataType, lanes: Lanes) {
        self.a.v(&VPACKSSDW, lanes.len, src, src, src);
        self.a.vi(&VPERMQ, Len::Y, src, 0, src, 0xd8);
        let pack = if dtype == DataType::S8 {
            &VPACKSSWB
        } else {
            &VPACKUSWB
        };
        self.a.v(pack, Len::X, src, src, src);
        match lanes.count {
            8 => self.a.v(&VMOVQ_ST, Len::X, src, 0, mem),
            4 => self.a.v(&VMOVD_ST, Len::X, src, 0, mem),
            n => self.scatter(mem, src, 1, n),
        }
    }
}
