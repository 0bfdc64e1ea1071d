//! The instruction table: one row an instruction, checked against an independent disassembler by `tests/encoder.rs`.
//!
//! A row whose VEX and EVEX forms differ in more than the prefix (another W, another destination) appears twice. Stores
//! are rows of their own, with the suffix `_ST`; so are forms with a general-purpose register, with its width as suffix.

use super::row::{mr, narrow, opmask, rm, row, rvm, scalar, shift, store, widen};
use crate::machine::Isa;

pub use super::row::{Class, Encoding, Form, Lens, Place, Row, Tuple, W};

macro_rules! rows {
    ($($name:ident = $row:expr;)*) => {
        $(#[doc = concat!("The row `", stringify!($name), "`.")] pub static $name: Row = $row;)*
        /// All rows with their names in this file.
        pub static ALL: &[(&str, &Row)] = &[$((stringify!($name), &$name)),*];
    };
}

use Class::{Half, K, R32, R64, Xmm, Ymm};
use Isa::{Avx512Bf16, Avx512Vnni};
use Tuple::Bytes;

/// Length bits for `Row::lens`.
const Y: u8 = 2;
const YZ: u8 = 6;
const Z: u8 = 4;

rows! {
    // Moves.
    VMOVUPS = rm("vmovups", 0, 1, 0x10).full_mem();
    VMOVUPS_ST = store("vmovups", 0, 0x11);
    VMOVAPS = rm("vmovaps", 0, 1, 0x28).full_mem();
    VMOVAPS_ST = store("vmovaps", 0, 0x29);
    VMOVNTPS_ST = store("vmovntps", 0, 0x2B).mem_only().unmasked();
    VMOVDQU = rm("vmovdqu", 2, 1, 0x6F).full_mem().vex();
    VMOVDQU_ST = store("vmovdqu", 2, 0x7F).vex();
    VMOVDQU32 = rm("vmovdqu32", 2, 1, 0x6F).full_mem().evex();
    VMOVDQU32_ST = store("vmovdqu32", 2, 0x7F).evex();
    VMOVDQU16 = rm("vmovdqu16", 3, 1, 0x6F).full_mem().w1().evex();
    VMOVDQU16_ST = store("vmovdqu16", 3, 0x7F).w1().evex();
    VMOVDQU8 = rm("vmovdqu8", 3, 1, 0x6F).full_mem().evex();
    VMOVDQU8_ST = store("vmovdqu8", 3, 0x7F).evex();
    VMOVD_R32 = scalar(rm("vmovd", 1, 1, 0x6E), R32, 4);
    VMOVD_ST = scalar(mr("vmovd", 1, 1, 0x7E), R32, 4);
    VMOVQ_R64 = scalar(rm("vmovq", 1, 1, 0x6E), R64, 8).w1();
    VMOVQ_ST = scalar(mr("vmovq", 1, 1, 0x7E), R64, 8).w1();
    VMOVSS = scalar(rm("vmovss", 2, 1, 0x10), Xmm, 4).mem_only();
    VMOVSS_ST = scalar(mr("vmovss", 2, 1, 0x11), Xmm, 4).mem_only();
    VMASKMOVPS = rvm("vmaskmovps", 1, 2, 0x2C).full_mem().mem_only().vex();
    VMASKMOVPS_ST = row("vmaskmovps", Form::Mvr, 1, 2, 0x2E).full_mem().mem_only().vex();
    VPMASKMOVD = rvm("vpmaskmovd", 1, 2, 0x8C).full_mem().mem_only().vex();
    VPMASKMOVD_ST = row("vpmaskmovd", Form::Mvr, 1, 2, 0x8E).full_mem().mem_only().vex();

    // Broadcasts.
    VBROADCASTSS = rm("vbroadcastss", 1, 2, 0x18).with(Xmm).tuple(Bytes(4));
    VPBROADCASTD = rm("vpbroadcastd", 1, 2, 0x58).with(Xmm).tuple(Bytes(4));
    VPBROADCASTQ = rm("vpbroadcastq", 1, 2, 0x59).with(Xmm).tuple(Bytes(8)).evex_w1();
    VPBROADCASTW = rm("vpbroadcastw", 1, 2, 0x79).with(Xmm).tuple(Bytes(2));
    VPBROADCASTB = rm("vpbroadcastb", 1, 2, 0x78).with(Xmm).tuple(Bytes(1));
    VPBROADCASTD_R32 = rm("vpbroadcastd", 1, 2, 0x7C).with(R32).reg_only().evex();
    VPBROADCASTW_R32 = rm("vpbroadcastw", 1, 2, 0x7B).with(R32).reg_only().evex();
    VPBROADCASTB_R32 = rm("vpbroadcastb", 1, 2, 0x7A).with(R32).reg_only().evex();
    VBROADCASTF128 = rm("vbroadcastf128", 1, 2, 0x1A).with(Xmm).tuple(Bytes(16)).mem_only().vex().lens(Y);
    VBROADCASTF32X4 = rm("vbroadcastf32x4", 1, 2, 0x1A).with(Xmm).tuple(Bytes(16)).mem_only().evex().lens(YZ);

    // Widening and narrowing moves.
    VPMOVZXBW = widen("vpmovzxbw", 0x30, Tuple::Half, Half);
    VPMOVSXBW = widen("vpmovsxbw", 0x20, Tuple::Half, Half);
    VPMOVZXBD = widen("vpmovzxbd", 0x31, Tuple::Quarter, Xmm);
    VPMOVSXBD = widen("vpmovsxbd", 0x21, Tuple::Quarter, Xmm);
    VPMOVZXWD = widen("vpmovzxwd", 0x33, Tuple::Half, Half);
    VPMOVSXWD = widen("vpmovsxwd", 0x23, Tuple::Half, Half);
    VPMOVDB_ST = narrow("vpmovdb", 0x31, Tuple::Quarter, Xmm);
    VPMOVSDB_ST = narrow("vpmovsdb", 0x21, Tuple::Quarter, Xmm);
    VPMOVUSDB_ST = narrow("vpmovusdb", 0x11, Tuple::Quarter, Xmm);
    VPMOVDW_ST = narrow("vpmovdw", 0x33, Tuple::Half, Half);
    VPMOVSDW_ST = narrow("vpmovsdw", 0x23, Tuple::Half, Half);
    VPMOVUSDW_ST = narrow("vpmovusdw", 0x13, Tuple::Half, Half);
    VPMOVWB_ST = narrow("vpmovwb", 0x30, Tuple::Half, Half);
    VPMOVSWB_ST = narrow("vpmovswb", 0x20, Tuple::Half, Half);
    VPMOVUSWB_ST = narrow("vpmovuswb", 0x10, Tuple::Half, Half);

    // Conversions.
    VCVTPH2PS = widen("vcvtph2ps", 0x13, Tuple::Half, Half);
    VCVTPS2PH_ST = mr("vcvtps2ph", 1, 3, 0x1D).tuple(Tuple::Half).with(Half).imm();
    VCVTNEPS2BF16 = rm("vcvtneps2bf16", 2, 2, 0x72).to(Half).evex().on(Avx512Bf16);
    VCVTNE2PS2BF16 = rvm("vcvtne2ps2bf16", 3, 2, 0x72).evex().on(Avx512Bf16);
    VCVTPS2DQ = rm("vcvtps2dq", 1, 1, 0x5B);
    VCVTTPS2DQ = rm("vcvttps2dq", 2, 1, 0x5B);
    VCVTDQ2PS = rm("vcvtdq2ps", 0, 1, 0x5B);

    // Float arithmetic.
    VADDPS = rvm("vaddps", 0, 1, 0x58);
    VSUBPS = rvm("vsubps", 0, 1, 0x5C);
    VMULPS = rvm("vmulps", 0, 1, 0x59);
    VDIVPS = rvm("vdivps", 0, 1, 0x5E);
    VMINPS = rvm("vminps", 0, 1, 0x5D);
    VMAXPS = rvm("vmaxps", 0, 1, 0x5F);
    VSQRTPS = rm("vsqrtps", 0, 1, 0x51);
    VFMADD132PS = rvm("vfmadd132ps", 1, 2, 0x98);
    VFMADD213PS = rvm("vfmadd213ps", 1, 2, 0xA8);
    VFMADD231PS = rvm("vfmadd231ps", 1, 2, 0xB8);
    VFMSUB213PS = rvm("vfmsub213ps", 1, 2, 0xAA);
    VFMSUB231PS = rvm("vfmsub231ps", 1, 2, 0xBA);
    VFNMADD213PS = rvm("vfnmadd213ps", 1, 2, 0xAC);
    VFNMADD231PS = rvm("vfnmadd231ps", 1, 2, 0xBC);
    VROUNDPS = rm("vroundps", 1, 3, 0x08).imm().vex();
    VRNDSCALEPS = rm("vrndscaleps", 1, 3, 0x08).imm().evex();
    VSCALEFPS = rvm("vscalefps", 1, 2, 0x2C).evex();
    VGETEXPPS = rm("vgetexpps", 1, 2, 0x42).evex();
    VGETMANTPS = rm("vgetmantps", 1, 3, 0x26).imm().evex();
    VREDUCEPS = rm("vreduceps", 1, 3, 0x56).imm().evex();
    VRANGEPS = rvm("vrangeps", 1, 3, 0x50).imm().evex();
    VRCP14PS = rm("vrcp14ps", 1, 2, 0x4C).evex();
    VRSQRT14PS = rm("vrsqrt14ps", 1, 2, 0x4E).evex();

    // Logic.
    VANDPS = rvm("vandps", 0, 1, 0x54);
    VANDNPS = rvm("vandnps", 0, 1, 0x55);
    VORPS = rvm("vorps", 0, 1, 0x56);
    VXORPS = rvm("vxorps", 0, 1, 0x57);
    VPAND = rvm("vpand", 1, 1, 0xDB).vex();
    VPANDN = rvm("vpandn", 1, 1, 0xDF).vex();
    VPOR = rvm("vpor", 1, 1, 0xEB).vex();
    VPXOR = rvm("vpxor", 1, 1, 0xEF).vex();
    VPANDD = rvm("vpandd", 1, 1, 0xDB).evex();
    VPANDND = rvm("vpandnd", 1, 1, 0xDF).evex();
    VPORD = rvm("vpord", 1, 1, 0xEB).evex();
    VPXORD = rvm("vpxord", 1, 1, 0xEF).evex();
    VPTERNLOGD = rvm("vpternlogd", 1, 3, 0x25).imm().evex();
    VPTEST = rm("vptest", 1, 2, 0x17).full_mem().vex();
    VMOVMSKPS = rm("vmovmskps", 0, 1, 0x50).to(R32).reg_only().vex();

    // Integer arithmetic.
    VPADDD = rvm("vpaddd", 1, 1, 0xFE);
    VPSUBD = rvm("vpsubd", 1, 1, 0xFA);
    VPMULLD = rvm("vpmulld", 1, 2, 0x40);
    VPMINSD = rvm("vpminsd", 1, 2, 0x39);
    VPMAXSD = rvm("vpmaxsd", 1, 2, 0x3D);
    VPMINUD = rvm("vpminud", 1, 2, 0x3B);
    VPMAXUD = rvm("vpmaxud", 1, 2, 0x3F);
    VPABSD = rm("vpabsd", 1, 2, 0x1E);
    VPABSB = rm("vpabsb", 1, 2, 0x1C).full_mem();
    VPSIGNB = rvm("vpsignb", 1, 2, 0x08).full_mem().vex();
    VPADDB = rvm("vpaddb", 1, 1, 0xFC).full_mem();
    VPSUBB = rvm("vpsubb", 1, 1, 0xF8).full_mem();
    VPADDW = rvm("vpaddw", 1, 1, 0xFD).full_mem();
    VPSUBW = rvm("vpsubw", 1, 1, 0xF9).full_mem();
    VPADDSW = rvm("vpaddsw", 1, 1, 0xED).full_mem();
    VPMULLW = rvm("vpmullw", 1, 1, 0xD5).full_mem();
    VPMADDWD = rvm("vpmaddwd", 1, 1, 0xF5).full_mem();
    VPMADDUBSW = rvm("vpmaddubsw", 1, 2, 0x04).full_mem();
    VPSLLW = shift("vpsllw", 6, 0x71);
    VPSRLW = shift("vpsrlw", 2, 0x71);
    VPSRAW = shift("vpsraw", 4, 0x71);
    VPSLLD = shift("vpslld", 6, 0x72);
    VPSRLD = shift("vpsrld", 2, 0x72);
    VPSRAD = shift("vpsrad", 4, 0x72);
    VPSLLDQ = shift("vpslldq", 7, 0x73).unmasked();
    VPSRLDQ = shift("vpsrldq", 3, 0x73).unmasked();
    VPSLLVD = rvm("vpsllvd", 1, 2, 0x47);
    VPSRLVD = rvm("vpsrlvd", 1, 2, 0x45);
    VPSRAVD = rvm("vpsravd", 1, 2, 0x46);

    // Dot products into the destination.
    VPDPBUSD = rvm("vpdpbusd", 1, 2, 0x50).evex().on(Avx512Vnni);
    VPDPBUSDS = rvm("vpdpbusds", 1, 2, 0x51).evex().on(Avx512Vnni);
    VPDPWSSD = rvm("vpdpwssd", 1, 2, 0x52).evex().on(Avx512Vnni);
    VDPBF16PS = rvm("vdpbf16ps", 2, 2, 0x52).evex().on(Avx512Bf16);

    // Comparisons and blends.
    VCMPPS = rvm("vcmpps", 0, 1, 0xC2).imm().vex();
    VCMPPS_K = rvm("vcmpps", 0, 1, 0xC2).imm().to(K).evex();
    VPCMPD_K = rvm("vpcmpd", 1, 3, 0x1F).imm().to(K).evex();
    VPCMPUD_K = rvm("vpcmpud", 1, 3, 0x1E).imm().to(K).evex();
    VPTESTMD_K = rvm("vptestmd", 1, 2, 0x27).to(K).evex();
    VPCMPEQD = rvm("vpcmpeqd", 1, 1, 0x76).vex();
    VPCMPGTD = rvm("vpcmpgtd", 1, 1, 0x66).vex();
    VBLENDMPS = rvm("vblendmps", 1, 2, 0x65).evex();
    VBLENDVPS = row("vblendvps", Form::Rvmr, 1, 3, 0x4A).imm().vex();
    VBLENDPS = rvm("vblendps", 1, 3, 0x0C).imm().vex();
    VPBLENDD = rvm("vpblendd", 1, 3, 0x02).imm().vex();
    VPBLENDW = rvm("vpblendw", 1, 3, 0x0E).imm().vex();

    // Packs, unpacks and shuffles.
    VPACKSSWB = rvm("vpacksswb", 1, 1, 0x63).full_mem();
    VPACKUSWB = rvm("vpackuswb", 1, 1, 0x67).full_mem();
    VPACKSSDW = rvm("vpackssdw", 1, 1, 0x6B);
    VPACKUSDW = rvm("vpackusdw", 1, 2, 0x2B);
    VUNPCKLPS = rvm("vunpcklps", 0, 1, 0x14);
    VUNPCKHPS = rvm("vunpckhps", 0, 1, 0x15);
    VUNPCKLPD = rvm("vunpcklpd", 1, 1, 0x14).evex_w1();
    VUNPCKHPD = rvm("vunpckhpd", 1, 1, 0x15).evex_w1();
    VPUNPCKLBW = rvm("vpunpcklbw", 1, 1, 0x60).full_mem();
    VPUNPCKHBW = rvm("vpunpckhbw", 1, 1, 0x68).full_mem();
    VPUNPCKLWD = rvm("vpunpcklwd", 1, 1, 0x61).full_mem();
    VPUNPCKHWD = rvm("vpunpckhwd", 1, 1, 0x69).full_mem();
    VPUNPCKLDQ = rvm("vpunpckldq", 1, 1, 0x62);
    VPUNPCKHDQ = rvm("vpunpckhdq", 1, 1, 0x6A);
    VPUNPCKLQDQ = rvm("vpunpcklqdq", 1, 1, 0x6C).evex_w1();
    VPUNPCKHQDQ = rvm("vpunpckhqdq", 1, 1, 0x6D).evex_w1();
    VSHUFPS = rvm("vshufps", 0, 1, 0xC6).imm();
    VPSHUFB = rvm("vpshufb", 1, 2, 0x00).full_mem();
    VPSHUFD = rm("vpshufd", 1, 1, 0x70).imm();
    VPALIGNR = rvm("vpalignr", 1, 3, 0x0F).full_mem().imm();
    VPERMILPS = rm("vpermilps", 1, 3, 0x04).imm();
    VMOVSHDUP = rm("vmovshdup", 2, 1, 0x16).full_mem();
    VMOVSLDUP = rm("vmovsldup", 2, 1, 0x12).full_mem();
    VMOVHLPS = scalar(rvm("vmovhlps", 0, 1, 0x12), Xmm, 8).reg_only();
    VMOVLHPS = scalar(rvm("vmovlhps", 0, 1, 0x16), Xmm, 8).reg_only();
    VSHUFF32X4 = rvm("vshuff32x4", 1, 3, 0x23).imm().evex().lens(YZ);
    VSHUFI32X4 = rvm("vshufi32x4", 1, 3, 0x43).imm().evex().lens(YZ);
    VPERMD = rvm("vpermd", 1, 2, 0x36).lens(YZ);
    VPERMPS = rvm("vpermps", 1, 2, 0x16).lens(YZ);
    VPERMQ = rm("vpermq", 1, 3, 0x00).imm().w1().lens(YZ);
    VPERMW = rvm("vpermw", 1, 2, 0x8D).full_mem().w1().evex();
    VPERMT2PS = rvm("vpermt2ps", 1, 2, 0x7F).evex();
    VPERMT2D = rvm("vpermt2d", 1, 2, 0x7E).evex();
    VPERMT2W = rvm("vpermt2w", 1, 2, 0x7D).full_mem().w1().evex();
    VPERMI2D = rvm("vpermi2d", 1, 2, 0x76).evex();

    // Parts of vectors.
    VINSERTF128 = rvm("vinsertf128", 1, 3, 0x18).with(Xmm).tuple(Bytes(16)).imm().vex().lens(Y);
    VEXTRACTF128_ST = mr("vextractf128", 1, 3, 0x19).with(Xmm).tuple(Bytes(16)).imm().vex().lens(Y);
    VINSERTI128 = rvm("vinserti128", 1, 3, 0x38).with(Xmm).tuple(Bytes(16)).imm().vex().lens(Y);
    VEXTRACTI128_ST = mr("vextracti128", 1, 3, 0x39).with(Xmm).tuple(Bytes(16)).imm().vex().lens(Y);
    VPERM2F128 = rvm("vperm2f128", 1, 3, 0x06).imm().vex().lens(Y);
    VPERM2I128 = rvm("vperm2i128", 1, 3, 0x46).imm().vex().lens(Y);
    VINSERTF32X4 = rvm("vinsertf32x4", 1, 3, 0x18).with(Xmm).tuple(Bytes(16)).imm().evex().lens(YZ);
    VINSERTI32X4 = rvm("vinserti32x4", 1, 3, 0x38).with(Xmm).tuple(Bytes(16)).imm().evex().lens(YZ);
    VEXTRACTF32X4_ST = mr("vextractf32x4", 1, 3, 0x19).with(Xmm).tuple(Bytes(16)).imm().evex().lens(YZ);
    VEXTRACTI32X4_ST = mr("vextracti32x4", 1, 3, 0x39).with(Xmm).tuple(Bytes(16)).imm().evex().lens(YZ);
    VINSERTF64X4 = rvm("vinsertf64x4", 1, 3, 0x1A).with(Ymm).tuple(Bytes(32)).imm().w1().evex().lens(Z);
    VINSERTI64X4 = rvm("vinserti64x4", 1, 3, 0x3A).with(Ymm).tuple(Bytes(32)).imm().w1().evex().lens(Z);
    VEXTRACTF64X4_ST = mr("vextractf64x4", 1, 3, 0x1B).with(Ymm).tuple(Bytes(32)).imm().w1().evex().lens(Z);
    VEXTRACTI64X4_ST = mr("vextracti64x4", 1, 3, 0x3B).with(Ymm).tuple(Bytes(32)).imm().w1().evex().lens(Z);
    VPEXTRB_ST = scalar(mr("vpextrb", 1, 3, 0x14).imm(), R32, 1);
    VPEXTRW_ST = scalar(mr("vpextrw", 1, 3, 0x15).imm(), R32, 2);
    VPEXTRD_ST = scalar(mr("vpextrd", 1, 3, 0x16).imm(), R32, 4);
    VPEXTRQ_ST = scalar(mr("vpextrq", 1, 3, 0x16).imm(), R64, 8).w1();
    VPINSRB = scalar(rvm("vpinsrb", 1, 3, 0x20).imm(), R32, 1);
    VPINSRW = scalar(rvm("vpinsrw", 1, 1, 0xC4).imm(), R32, 2);
    VPINSRD = scalar(rvm("vpinsrd", 1, 3, 0x22).imm(), R32, 4);
    VPINSRQ = scalar(rvm("vpinsrq", 1, 3, 0x22).imm(), R64, 8).w1();

    // Opmasks; the length of the call is ignored.
    KMOVB_R32 = opmask(rm("kmovb", 1, 1, 0x92), 0, K, R32);
    KMOVW_R32 = opmask(rm("kmovw", 0, 1, 0x92), 0, K, R32);
    KMOVD_R32 = opmask(rm("kmovd", 3, 1, 0x92), 0, K, R32);
    KMOVQ_R64 = opmask(rm("kmovq", 3, 1, 0x92), 0, K, R64).w1();
    R32_KMOVW = opmask(rm("kmovw", 0, 1, 0x93), 0, R32, K);
    R32_KMOVD = opmask(rm("kmovd", 3, 1, 0x93), 0, R32, K);
    R64_KMOVQ = opmask(rm("kmovq", 3, 1, 0x93), 0, R64, K).w1();
    KMOVW = opmask(rm("kmovw", 0, 1, 0x90), 0, K, K).tuple(Bytes(2)).any();
    KMOVD = opmask(rm("kmovd", 1, 1, 0x90), 0, K, K).tuple(Bytes(4)).any().w1();
    KMOVQ = opmask(rm("kmovq", 0, 1, 0x90), 0, K, K).tuple(Bytes(8)).any().w1();
    KMOVW_ST = opmask(mr("kmovw", 0, 1, 0x91), 0, K, K).tuple(Bytes(2)).mem_only();
    KNOTW = opmask(rm("knotw", 0, 1, 0x44), 0, K, K);
    KANDW = opmask(rvm("kandw", 0, 1, 0x41), 1, K, K);
    KANDNW = opmask(rvm("kandnw", 0, 1, 0x42), 1, K, K);
    KORW = opmask(rvm("korw", 0, 1, 0x45), 1, K, K);
    KXNORW = opmask(rvm("kxnorw", 0, 1, 0x46), 1, K, K);
    KXORW = opmask(rvm("kxorw", 0, 1, 0x47), 1, K, K);
    KORTESTW = opmask(rm("kortestw", 0, 1, 0x98), 0, K, K);
    KSHIFTRW = opmask(rm("kshiftrw", 1, 3, 0x30).imm(), 0, K, K).w1();
    KSHIFTLW = opmask(rm("kshiftlw", 1, 3, 0x32).imm(), 0, K, K).w1();
    KSHIFTRD = opmask(rm("kshiftrd", 1, 3, 0x31).imm(), 0, K, K);
    KSHIFTRQ = opmask(rm("kshiftrq", 1, 3, 0x31).imm(), 0, K, K).w1();
}
