//! What each instruction does: one line an instruction.
//!
//! An instruction that is missing here fails the test that runs into it. To add one, find the kind that moves its
//! operands (`Op`) and say what happens to a lane.

use crate::lanes::*;
use crate::scalar::Gp;
use crate::shuffle::*;
use crate::state::Vector;
use iced_x86::Mnemonic;

/// A computation over 32-bit lanes: destination, first source, second source, immediate.
pub type Lane32 = fn(u32, u32, u32, u8) -> u32;
pub type Lane16 = fn(u16, u16, u16, u8) -> u16;
/// A conversion of one element, zero-extended to 64 bits.
pub type Element = fn(u64) -> u64;
/// A permutation: first source, second source, bytes of the vector, immediate.
pub type Permutation = fn(&Vector, &Vector, usize, u8) -> Vector;

/// How an instruction moves its operands.
#[derive(Clone, Copy)]
pub enum Op {
    /// Every 32-bit lane for itself.
    Lanes32(Lane32),
    /// Every 16-bit lane for itself.
    Lanes16(Lane16),
    /// Elements of so many bytes become elements of so many.
    Convert(usize, usize, Element),
    /// Elements of so many bytes, copied under a mask.
    Move(usize),
    /// As a move, with memory at a multiple of the vector's size.
    MoveAligned(usize),
    /// The low bytes of a register or memory, the rest of a destination register cleared.
    MoveLow,
    /// One element of so many bytes in every lane.
    Broadcast(usize),
    /// Elements of so many bytes change places; sources may be read whole.
    Shuffle(usize, Permutation),
    /// 32-bit lanes are compared, into an opmask or lanes of ones.
    Compare(fn(u32, u32, u8) -> bool),
    /// The opmask chooses the second source, else the first.
    BlendMask,
    /// The sign bits of the fourth operand choose the second source, else the first.
    BlendSign,
    /// 32-bit lanes of memory that a vector's sign bits select.
    MaskMove,
    /// An element of so many bytes replaces that of the number given by the immediate.
    Insert(usize),
    /// The element of the number given by the immediate.
    Extract(usize),
    /// The flags tell whether the sources have bits in common, and whether the second has others than the first.
    TestBits,
    /// So many bits of an opmask.
    MoveMask(u32),
    /// All bits above 127 of the first sixteen vector registers become zero.
    ZeroUpper,
    /// General-purpose instructions, jumps and hints.
    Scalar(Gp),
}

impl Op {
    pub fn is_vector(self) -> bool {
        !matches!(self, Op::Scalar(_))
    }
}

/// What the instruction does, if it is known.
pub fn op(mnemonic: Mnemonic) -> Option<Op> {
    use Mnemonic::*;
    use Op::*;
    Some(match mnemonic {
        // Moves.
        Vmovups | Vmovdqu32 => Move(4),
        Vmovdqu => Move(1),
        Vmovdqu16 => Move(2),
        Vmovdqu8 => Move(1),
        Vmovaps | Vmovntps => MoveAligned(4),
        Vmovd | Vmovq | Vmovss => MoveLow,
        Vmaskmovps | Vpmaskmovd => MaskMove,
        Vbroadcastss | Vpbroadcastd => Broadcast(4),
        Vpbroadcastq => Broadcast(8),
        Vpbroadcastw => Broadcast(2),
        Vpbroadcastb => Broadcast(1),
        Vpinsrb => Insert(1),
        Vpinsrw => Insert(2),
        Vpinsrd => Insert(4),
        Vpinsrq => Insert(8),
        Vinsertf128 | Vinserti128 | Vinsertf32x4 | Vinserti32x4 => Insert(16),
        Vinsertf64x4 | Vinserti64x4 => Insert(32),
        Vpextrb => Extract(1),
        Vpextrw => Extract(2),
        Vpextrd => Extract(4),
        Vpextrq => Extract(8),
        Vextractf128 | Vextracti128 | Vextractf32x4 | Vextracti32x4 => Extract(16),
        Vextractf64x4 | Vextracti64x4 => Extract(32),
        Kmovw => MoveMask(16),
        Kmovd => MoveMask(32),
        Kmovq => MoveMask(64),
        Vzeroupper => ZeroUpper,

        // Widening, narrowing and other conversions.
        Vpmovzxbw => Convert(1, 2, |x| x),
        Vpmovsxbw => Convert(1, 2, |x| x as i8 as u64),
        Vpmovzxbd => Convert(1, 4, |x| x),
        Vpmovsxbd => Convert(1, 4, |x| x as i8 as u64),
        Vpmovzxwd => Convert(2, 4, |x| x),
        Vpmovsxwd => Convert(2, 4, |x| x as i16 as u64),
        Vpmovdb => Convert(4, 1, |x| x),
        Vpmovsdb => Convert(4, 1, |x| clamp(x, -128, 127)),
        Vpmovusdb => Convert(4, 1, |x| x.min(0xFF)),
        Vpmovdw => Convert(4, 2, |x| x),
        Vpmovsdw => Convert(4, 2, |x| clamp(x, -32768, 32767)),
        Vpmovusdw => Convert(4, 2, |x| x.min(0xFFFF)),
        Vcvtph2ps => Convert(2, 4, |x| f16_to_f32(x as u16).into()),
        Vcvtps2ph => Convert(4, 2, |x| f32_to_f16(x as u32).into()),
        Vcvtneps2bf16 => Convert(4, 2, |x| f32_to_bf16(x as u32).into()),
        Vcvtps2dq => Lanes32(|_, _, b, _| f32_to_i32(b)),
        Vcvtdq2ps => Lanes32(|_, _, b, _| (b as i32 as f32).to_bits()),

        // Float arithmetic.
        Vaddps => Lanes32(|_, a, b, _| float2(a, b, |a, b| a + b)),
        Vsubps => Lanes32(|_, a, b, _| float2(a, b, |a, b| a - b)),
        Vmulps => Lanes32(|_, a, b, _| float2(a, b, |a, b| a * b)),
        Vdivps => Lanes32(|_, a, b, _| float2(a, b, |a, b| a / b)),
        Vminps => Lanes32(|_, a, b, _| if float(a) < float(b) { a } else { b }),
        Vmaxps => Lanes32(|_, a, b, _| if float(a) > float(b) { a } else { b }),
        Vsqrtps => Lanes32(|_, _, b, _| float1(b, f32::sqrt)),
        Vfmadd132ps => Lanes32(|d, a, b, _| fma([d, b, a], d, b, a)),
        Vfmadd213ps => Lanes32(|d, a, b, _| fma([a, d, b], a, d, b)),
        Vfmadd231ps => Lanes32(|d, a, b, _| fma([a, b, d], a, b, d)),
        Vfmsub213ps => Lanes32(|d, a, b, _| fma([a, d, b], a, d, negate(b))),
        Vfmsub231ps => Lanes32(|d, a, b, _| fma([a, b, d], a, b, negate(d))),
        Vfnmadd213ps => Lanes32(|d, a, b, _| fma([a, d, b], negate(a), d, b)),
        Vfnmadd231ps => Lanes32(|d, a, b, _| fma([a, b, d], negate(a), b, d)),
        Vroundps | Vrndscaleps => Lanes32(|_, _, b, imm| round(b, imm)),
        Vscalefps => Lanes32(|_, a, b, _| scale(a, b)),

        // Logic and integer arithmetic.
        Vandps | Vpand | Vpandd => Lanes32(|_, a, b, _| a & b),
        Vandnps | Vpandn | Vpandnd => Lanes32(|_, a, b, _| !a & b),
        Vorps | Vpor | Vpord => Lanes32(|_, a, b, _| a | b),
        Vxorps | Vpxor | Vpxord => Lanes32(|_, a, b, _| a ^ b),
        Vpternlogd => Lanes32(ternary),
        Vpaddd => Lanes32(|_, a, b, _| a.wrapping_add(b)),
        Vpsubd => Lanes32(|_, a, b, _| a.wrapping_sub(b)),
        Vpmulld => Lanes32(|_, a, b, _| a.wrapping_mul(b)),
        Vpminsd => Lanes32(|_, a, b, _| (a as i32).min(b as i32) as u32),
        Vpmaxsd => Lanes32(|_, a, b, _| (a as i32).max(b as i32) as u32),
        Vpminud => Lanes32(|_, a, b, _| a.min(b)),
        Vpmaxud => Lanes32(|_, a, b, _| a.max(b)),
        Vpslld => Lanes32(|_, _, b, imm| b.checked_shl(imm.into()).unwrap_or(0)),
        Vpsrld => Lanes32(|_, _, b, imm| b.checked_shr(imm.into()).unwrap_or(0)),
        Vpsrad => Lanes32(|_, _, b, imm| (b as i32 >> imm.min(31)) as u32),
        Vpsllvd => Lanes32(|_, a, b, _| a.checked_shl(b).unwrap_or(0)),
        Vpsrlvd => Lanes32(|_, a, b, _| a.checked_shr(b).unwrap_or(0)),
        Vpsravd => Lanes32(|_, a, b, _| (a as i32 >> b.min(31)) as u32),
        Vpsllw => Lanes16(|_, _, b, imm| b.checked_shl(imm.into()).unwrap_or(0)),
        Vpsrlw => Lanes16(|_, _, b, imm| b.checked_shr(imm.into()).unwrap_or(0)),
        Vpsraw => Lanes16(|_, _, b, imm| (b as i16 >> imm.min(15)) as u16),
        Vpaddw => Lanes16(|_, a, b, _| a.wrapping_add(b)),
        Vpsubw => Lanes16(|_, a, b, _| a.wrapping_sub(b)),
        Vpaddb => Lanes16(|_, a, b, _| add_bytes(a, b)),
        Vptest => TestBits,

        // Dot products.
        Vpmaddwd => Lanes32(|_, a, b, _| dot_words(0, a, b)),
        Vpmaddubsw => Lanes16(|_, a, b, _| dot_pair(a, b)),
        Vpdpwssd => Lanes32(|d, a, b, _| dot_words(d, a, b)),
        Vpdpbusd => Lanes32(|d, a, b, _| dot_bytes(d, a, b)),
        Vdpbf16ps => Lanes32(|d, a, b, _| dot_bf16(d, a, b)),

        // Comparisons and blends.
        Vcmpps => Compare(compare),
        Vpcmpeqd => Compare(|a, b, _| a == b),
        Vpcmpgtd => Compare(|a, b, _| a as i32 > b as i32),
        Vblendmps => BlendMask,
        Vblendvps => BlendSign,

        // Changes of place.
        Vunpcklps | Vpunpckldq => Shuffle(4, |a, b, len, _| unpack(a, b, len, 4, 0)),
        Vunpckhps | Vpunpckhdq => Shuffle(4, |a, b, len, _| unpack(a, b, len, 4, 1)),
        Vunpcklpd | Vpunpcklqdq => Shuffle(8, |a, b, len, _| unpack(a, b, len, 8, 0)),
        Vunpckhpd | Vpunpckhqdq => Shuffle(8, |a, b, len, _| unpack(a, b, len, 8, 1)),
        Vpunpcklbw => Shuffle(1, |a, b, len, _| unpack(a, b, len, 1, 0)),
        Vpunpckhbw => Shuffle(1, |a, b, len, _| unpack(a, b, len, 1, 1)),
        Vpunpcklwd => Shuffle(2, |a, b, len, _| unpack(a, b, len, 2, 0)),
        Vpunpckhwd => Shuffle(2, |a, b, len, _| unpack(a, b, len, 2, 1)),
        Vpacksswb => Shuffle(1, |a, b, len, _| pack(a, b, len, 2, -128, 127)),
        Vpackuswb => Shuffle(1, |a, b, len, _| pack(a, b, len, 2, 0, 255)),
        Vpackssdw => Shuffle(2, |a, b, len, _| pack(a, b, len, 4, -32768, 32767)),
        Vpackusdw => Shuffle(2, |a, b, len, _| pack(a, b, len, 4, 0, 65535)),
        Vpshufb => Shuffle(1, |a, b, len, _| shuffle_bytes(a, b, len)),
        Vpshufd => Shuffle(4, |_, b, len, imm| shuffle_dwords(b, b, len, imm)),
        Vcvtne2ps2bf16 => Shuffle(2, |a, b, len, _| pack_bf16(a, b, len)),
        Vshufps => Shuffle(4, shuffle_dwords),
        Vpermq => Shuffle(8, |_, b, len, imm| permute_qwords(b, len, imm)),
        Vpermd | Vpermps => Shuffle(4, |a, b, len, _| permute_dwords(a, b, len)),
        Vperm2f128 | Vperm2i128 => Shuffle(16, |a, b, _, imm| permute_halves(a, b, imm)),
        Vshuff32x4 | Vshufi32x4 => Shuffle(4, shuffle_lanes),

        // General-purpose instructions.
        Mov => Scalar(Gp::Mov),
        Movzx => Scalar(Gp::Mov),
        Lea => Scalar(Gp::Lea),
        Add => Scalar(Gp::Add),
        Sub => Scalar(Gp::Sub),
        And => Scalar(Gp::Logic(|a, b| a & b)),
        Or => Scalar(Gp::Logic(|a, b| a | b)),
        Xor => Scalar(Gp::Logic(|a, b| a ^ b)),
        Cmp => Scalar(Gp::Cmp),
        Test => Scalar(Gp::Test),
        Dec => Scalar(Gp::Dec),
        Neg => Scalar(Gp::Neg),
        Imul => Scalar(Gp::Imul),
        Shl => Scalar(Gp::Shift(|a, by| a << by)),
        Shr => Scalar(Gp::Shift(|a, by| a >> by)),
        Sar => Scalar(Gp::Shift(|a, by| (a as i64 >> by) as u64)),
        Push => Scalar(Gp::Push),
        Pop => Scalar(Gp::Pop),
        Ret => Scalar(Gp::Ret),
        Jmp => Scalar(Gp::Jmp),
        Jb | Jae | Je | Jne | Jbe | Ja | Js | Jns | Jl | Jge | Jle | Jg => Scalar(Gp::Jcc),
        Nop | Prefetcht0 | Prefetcht1 | Prefetcht2 | Prefetchnta | Prefetchw => Scalar(Gp::Hint),
        _ => return None,
    })
}
