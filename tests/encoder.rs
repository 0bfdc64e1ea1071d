//! Every row of the instruction table and every general-purpose method, in all operand forms, decoded by iced-x86.
//!
//! The expectations are built from the row's description (name, operand classes, sizes); the bytes are judged by a
//! disassembler that knows nothing about the table, so a wrong opcode, W, operand class or tuple shows as a mismatch.

use brick::jit::asm::{Asm, Cond, Len, Mask, Mem, Rm, gpr};
use brick::jit::rows::{self, Class, Encoding, Form, Place, Row};
use brick::machine::Isa;
use iced_x86::{
    CpuidFeature, Decoder, DecoderOptions, EncodingKind, Instruction, OpKind, Register,
};
use std::collections::HashSet;

/// An operand as the disassembler should see it.
#[derive(Clone, Debug, PartialEq)]
enum Op {
    Reg(Register),
    Mem {
        base: Register,
        index: Register,
        scale: u32,
        disp: u64,
        bytes: usize,
    },
    Imm(i64),
    Target(u64),
}

/// What one instruction should decode to.
#[derive(Clone, Debug, PartialEq)]
struct Expect {
    mnemonic: String,
    ops: Vec<Op>,
    mask: Option<Mask>,
    broadcast: bool,
}

fn decode(bytes: &[u8]) -> Instruction {
    let mut decoder = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE);
    let ins = decoder.decode();
    assert!(!ins.is_invalid(), "{bytes:02x?} is no instruction");
    ins
}

fn seen_operand(ins: &Instruction, i: u32) -> Op {
    match ins.op_kind(i) {
        OpKind::Register => Op::Reg(ins.op_register(i)),
        OpKind::Memory => Op::Mem {
            base: ins.memory_base(),
            index: ins.memory_index(),
            scale: ins.memory_index_scale(),
            disp: ins.memory_displacement64(),
            bytes: ins.memory_size().size(),
        },
        OpKind::NearBranch64 => Op::Target(ins.near_branch_target()),
        _ => Op::Imm(ins.immediate(i) as i64),
    }
}

fn seen(ins: &Instruction) -> Expect {
    let k = ins.op_mask();
    Expect {
        mnemonic: format!("{:?}", ins.mnemonic()).to_lowercase(),
        ops: (0..ins.op_count()).map(|i| seen_operand(ins, i)).collect(),
        mask: (k != Register::None).then(|| Mask {
            k: (k as u32 - Register::K0 as u32) as u8,
            zero: ins.zeroing_masking(),
        }),
        broadcast: ins.is_broadcast(),
    }
}

fn vector(len: Len, number: u8) -> Register {
    let first = match len {
        Len::X => Register::XMM0,
        Len::Y => Register::YMM0,
        Len::Z => Register::ZMM0,
    };
    first + u32::from(number)
}

fn register(class: Class, len: Len, number: u8) -> Register {
    match class {
        Class::Full => vector(len, number),
        Class::Half if len == Len::Z => vector(Len::Y, number),
        Class::Half | Class::Xmm => vector(Len::X, number),
        Class::Ymm => vector(Len::Y, number),
        Class::K => Register::K0 + u32::from(number),
        Class::R32 => Register::EAX + u32::from(number),
        Class::R64 => Register::RAX + u32::from(number),
        Class::None => Register::None,
    }
}

fn memory(mem: &Mem, bytes: usize) -> Op {
    let (index, scale) = mem.index.unwrap_or((0, 1));
    Op::Mem {
        base: Register::RAX + u32::from(mem.base),
        index: mem
            .index
            .map_or(Register::None, |_| Register::RAX + u32::from(index)),
        scale: u32::from(scale),
        disp: i64::from(mem.disp) as u64,
        bytes,
    }
}

/// One call of the encoder.
#[derive(Clone, Copy, Debug)]
struct Call {
    row: &'static Row,
    len: Len,
    mask: Option<Mask>,
    dst: u8,
    src1: u8,
    rm: Rm,
    imm: u8,
}

impl Call {
    fn emit(&self, allow_evex: bool) -> brick::error::Result<Vec<u8>> {
        let mut asm = Asm::new(allow_evex);
        if self.row.imm {
            asm.vki(
                self.row, self.len, self.mask, self.dst, self.src1, self.rm, self.imm,
            );
        } else {
            asm.vk(self.row, self.len, self.mask, self.dst, self.src1, self.rm);
        }
        asm.finish()
    }

    fn expect(&self) -> Expect {
        let (row, len) = (self.row, self.len);
        let dst = Op::Reg(register(row.reg, len, self.dst));
        let src1 = Op::Reg(register(row.vvvv, len, self.src1));
        let rm = match self.rm {
            Rm::Reg(r) => Op::Reg(register(row.rm, len, r)),
            Rm::Mem(m) => memory(&m, row.memory_bytes(len, false)),
            Rm::Bcast(m) => memory(&m, row.memory_bytes(len, true)),
        };
        let mut ops = match row.form {
            Form::Rm => vec![dst, rm],
            Form::Rvm | Form::Rvmr => vec![dst, src1, rm],
            Form::Mr => vec![rm, dst],
            Form::Mvr => vec![rm, src1, dst],
            Form::Vm(_) => vec![Op::Reg(vector(len, self.dst)), rm],
        };
        if row.form == Form::Rvmr {
            ops.push(Op::Reg(register(Class::Full, len, self.imm >> 4)));
        } else if row.imm {
            ops.push(Op::Imm(i64::from(self.imm)));
        }
        Expect {
            mnemonic: row.name.into(),
            ops,
            mask: self.mask,
            broadcast: matches!(self.rm, Rm::Bcast(_)),
        }
    }

    /// VEX unless something asks for EVEX.
    fn expect_encoding(&self) -> EncodingKind {
        let high_rm = matches!(self.rm, Rm::Reg(r) if r > 15);
        let evex = self.row.encoding == Encoding::Evex
            || self.len == Len::Z
            || self.mask.is_some()
            || matches!(self.rm, Rm::Bcast(_))
            || high_rm
            || self.dst > 15
            || self.src1 > 15;
        if evex {
            EncodingKind::EVEX
        } else {
            EncodingKind::VEX
        }
    }

    fn verify(&self) {
        let bytes = self
            .emit(true)
            .unwrap_or_else(|e| panic!("{self:?}: {}", e.message));
        let ins = decode(&bytes);
        assert_eq!(ins.len(), bytes.len(), "{self:?}: {bytes:02x?}");
        assert_eq!(seen(&ins), self.expect(), "{self:?}: {bytes:02x?}");
        assert_eq!(ins.encoding(), self.expect_encoding(), "{self:?}");
        let evex = ins.encoding() == EncodingKind::EVEX;
        for feature in ins.cpuid_features() {
            let avx512 = evex || self.row.isa.is_avx512();
            assert!(
                available(*feature, self.row.isa, avx512),
                "{self:?} needs {feature:?}"
            );
        }
        assert_eq!(self.emit(false).is_err(), evex, "{self:?} without EVEX");
    }
}

/// Whether a rung has a feature, given whether AVX-512 as such is there.
fn available(feature: CpuidFeature, isa: Isa, avx512: bool) -> bool {
    use CpuidFeature::*;
    match feature {
        AVX | AVX2 | FMA | F16C => true,
        AVX512F | AVX512BW | AVX512DQ | AVX512VL => avx512,
        AVX512_VNNI => isa >= Isa::Avx512Vnni,
        AVX512_BF16 => isa >= Isa::Avx512Bf16,
        _ => false,
    }
}

/// Register triples: low, high, beyond the reach of VEX, and mixtures in which each bit travels alone.
const TRIPLES: [[u8; 3]; 12] = [
    [1, 2, 3],
    [0, 0, 0],
    [7, 7, 7],
    [9, 1, 2],
    [1, 10, 2],
    [1, 2, 11],
    [15, 15, 15],
    [17, 1, 2],
    [1, 18, 2],
    [1, 2, 19],
    [1, 2, 27],
    [31, 30, 29],
];

const DISPLACEMENTS: [i32; 22] = [
    0,
    1,
    2,
    4,
    8,
    16,
    32,
    64,
    127,
    128,
    -1,
    -64,
    -128,
    -129,
    508,
    1016,
    4064,
    8128,
    8129,
    8192,
    -8192,
    0x1234_5678,
];

fn addresses() -> Vec<Mem> {
    let mut all = Vec::new();
    for base in 0..16 {
        all.extend([0, 8, 64, 4096].map(|disp| Mem::new(base, disp)));
        all.extend(
            (0..16)
                .filter(|i| *i != gpr::RSP)
                .map(|i| Mem::indexed(base, i, 4, 0)),
        );
    }
    for disp in DISPLACEMENTS {
        all.push(Mem::new(gpr::RAX, disp));
        all.push(Mem::new(gpr::R12, disp));
        all.extend([1, 2, 4, 8].map(|scale| Mem::indexed(gpr::R13, gpr::R9, scale, disp)));
    }
    all
}

fn lengths(row: &Row) -> Vec<Len> {
    let fixed = matches!(row.lens, rows::Lens::Fixed(_));
    let all = [Len::X, Len::Y, Len::Z];
    let takes = |l: &Len| row.lens.allows(*l) && !(fixed && *l != Len::X);
    all.into_iter().filter(takes).collect()
}

/// No mask, and the masks that the row takes with this kind of destination.
fn masks(row: &Row, rm_is_memory: bool) -> Vec<Option<Mask>> {
    let mut masks = vec![None];
    if row.maskable {
        masks.extend([1, 7].map(|k| Some(Mask { k, zero: false })));
        if row.reg != Class::K && !(row.form == Form::Mr && rm_is_memory) {
            masks.push(Some(Mask { k: 5, zero: true }));
        }
    }
    masks
}

/// A register that the class has, equal or congruent to the wanted one.
fn fit(row: &Row, class: Class, wanted: u8) -> u8 {
    match class {
        Class::None => 0,
        _ if row.encoding == Encoding::Vex => wanted % class.count().min(16),
        _ => wanted % class.count(),
    }
}

fn register_calls(row: &'static Row, len: Len) -> Vec<Call> {
    let (dst, src1) = match row.form {
        Form::Vm(_) => (Class::Full, Class::None),
        _ if row.form.uses_vvvv() => (row.reg, row.vvvv),
        _ => (row.reg, Class::None),
    };
    let mut calls = Vec::new();
    for [d, s, r] in TRIPLES {
        for mask in masks(row, false) {
            let rm = Rm::Reg(fit(row, row.rm, r));
            let (dst, src1) = (fit(row, dst, d), fit(row, src1, s));
            let imm = 0xA0;
            calls.push(Call {
                row,
                len,
                mask,
                dst,
                src1,
                rm,
                imm,
            });
        }
    }
    calls
}

fn memory_calls(row: &'static Row, len: Len) -> Vec<Call> {
    let mut calls = Vec::new();
    let src1 = if row.form.uses_vvvv() {
        fit(row, row.vvvv, 21)
    } else {
        0
    };
    for mem in addresses() {
        for mask in masks(row, true) {
            for dst in [3, 25].map(|d| fit(row, row.reg, d)) {
                let call = Call {
                    row,
                    len,
                    mask,
                    dst,
                    src1,
                    rm: Rm::Mem(mem),
                    imm: 0x50,
                };
                calls.push(call);
                if row.broadcasts() {
                    let rm = Rm::Bcast(mem);
                    calls.push(Call { rm, ..call });
                }
            }
        }
    }
    calls
}

#[test]
fn rows_decode_to_what_they_say() {
    let mut visited = HashSet::new();
    for (name, row) in rows::ALL {
        for len in lengths(row) {
            let mut calls = Vec::new();
            if row.place != Place::Mem {
                calls.extend(register_calls(row, len));
            }
            if row.place != Place::Reg {
                calls.extend(memory_calls(row, len));
            }
            assert!(!calls.is_empty());
            calls.iter().for_each(Call::verify);
            visited.insert(*name);
        }
    }
    assert_eq!(
        visited.len(),
        rows::ALL.len(),
        "each row has its own name and is visited"
    );
}

#[test]
fn labels_in_vector_operands_survive_immediates_and_broadcasts() {
    for (_, row) in rows::ALL {
        for len in lengths(row).into_iter().filter(|_| row.place != Place::Reg) {
            let high = fit(row, row.reg, 20);
            for (broadcast, dst, disp) in
                [(false, 1, 0), (false, high, 4), (row.broadcasts(), 2, -8)]
            {
                let mut asm = Asm::new(true);
                let label = asm.label();
                let mem = Mem::at(label, disp);
                let rm = if broadcast {
                    Rm::Bcast(mem)
                } else {
                    Rm::Mem(mem)
                };
                let src1 = u8::from(row.form.uses_vvvv());
                match row.imm {
                    true => asm.vi(row, len, dst, src1, rm, 1),
                    false => asm.v(row, len, dst, src1, rm),
                }
                asm.ret();
                asm.align(32);
                asm.bind(label);
                let at = asm.len() as i64;
                let ins = decode(&asm.finish().unwrap());
                assert!(ins.is_ip_rel_memory_operand(), "{}", row.name);
                assert_eq!(
                    ins.ip_rel_memory_address() as i64,
                    at + i64::from(disp),
                    "{}",
                    row.name
                );
            }
        }
    }
}

/// Emits one instruction and compares.
fn general(mnemonic: &str, ops: Vec<Op>, emit: impl FnOnce(&mut Asm)) {
    let mut asm = Asm::new(false);
    emit(&mut asm);
    let bytes = asm.finish().unwrap();
    let ins = decode(&bytes);
    let expect = Expect {
        mnemonic: mnemonic.into(),
        ops,
        mask: None,
        broadcast: false,
    };
    assert_eq!(ins.len(), bytes.len(), "{expect:?}: {bytes:02x?}");
    assert_eq!(seen(&ins), expect, "{bytes:02x?}");
}

fn r64(r: u8) -> Op {
    Op::Reg(Register::RAX + u32::from(r))
}

fn r32(r: u8) -> Op {
    Op::Reg(Register::EAX + u32::from(r))
}

type RegReg = fn(&mut Asm, u8, u8);
type RegImm = fn(&mut Asm, u8, i32);
type Shift = fn(&mut Asm, u8, u8);
type RegMem = fn(&mut Asm, u8, Mem);
type MemReg = fn(&mut Asm, Mem, u8);

#[test]
fn general_purpose_register_forms() {
    let two: [(&str, RegReg); 8] = [
        ("mov", Asm::mov_rr),
        ("add", Asm::add_rr),
        ("sub", Asm::sub_rr),
        ("or", Asm::or_rr),
        ("xor", Asm::xor_rr),
        ("cmp", Asm::cmp_rr),
        ("test", Asm::test_rr),
        ("imul", Asm::imul_rr),
    ];
    let imm: [(&str, RegImm); 4] = [
        ("add", Asm::add_ri),
        ("sub", Asm::sub_ri),
        ("and", Asm::and_ri),
        ("cmp", Asm::cmp_ri),
    ];
    let shifts: [(&str, Shift); 3] = [
        ("shl", Asm::shl_ri),
        ("shr", Asm::shr_ri),
        ("sar", Asm::sar_ri),
    ];
    for d in 0..16 {
        for s in 0..16 {
            for (name, emit) in two {
                general(name, vec![r64(d), r64(s)], |a| emit(a, d, s));
            }
            for i in [3, -128, 128, 1 << 20] {
                let ops = vec![r64(d), r64(s), Op::Imm(i64::from(i))];
                general("imul", ops, |a| a.imul_rri(d, s, i));
            }
        }
        for (name, emit) in imm {
            for i in [0, 1, -1, 127, 128, -128, -129, i32::MAX, i32::MIN] {
                general(name, vec![r64(d), Op::Imm(i64::from(i))], |a| emit(a, d, i));
            }
        }
        for (name, emit) in shifts {
            general(name, vec![r64(d), Op::Imm(63)], |a| emit(a, d, 63));
        }
        general("dec", vec![r64(d)], |a| a.dec(d));
        general("neg", vec![r64(d)], |a| a.neg(d));
        general("push", vec![r64(d)], |a| a.push(d));
        general("pop", vec![r64(d)], |a| a.pop(d));
    }
    general("ret", vec![], Asm::ret);
    general("vzeroupper", vec![], Asm::vzeroupper);
}

#[test]
fn moves_of_immediates_take_the_shortest_form() {
    for d in 0..16 {
        for i in [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] {
            general("mov", vec![r32(d), Op::Imm(i)], |a| a.mov_ri(d, i));
        }
        for i in [-1, i64::from(i32::MIN), 1 << 32, i64::MAX, i64::MIN] {
            general("mov", vec![r64(d), Op::Imm(i)], |a| a.mov_ri(d, i));
        }
    }
}

/// How a read is emitted, its mnemonic, its register and the bytes it reads.
type Read = (&'static str, RegMem, fn(u8) -> Op, usize);

#[test]
fn general_purpose_memory_forms() {
    let reads: [Read; 7] = [
        ("mov", Asm::load, r64, 8),
        ("mov", Asm::load32, r32, 4),
        ("movzx", Asm::movzx8, r32, 1),
        ("movzx", Asm::movzx16, r32, 2),
        ("lea", Asm::lea, r64, 0),
        ("add", Asm::add_rm, r64, 8),
        ("cmp", Asm::cmp_rm, r64, 8),
    ];
    let writes: [(MemReg, usize); 4] = [
        (Asm::store, 8),
        (Asm::store32, 4),
        (Asm::store16, 2),
        (Asm::store8, 1),
    ];
    for mem in addresses() {
        for r in 0..16 {
            for (name, emit, reg, bytes) in reads {
                general(name, vec![reg(r), memory(&mem, bytes)], |a| emit(a, r, mem));
            }
            for (emit, bytes) in writes {
                let reg = Op::Reg(part(r, bytes));
                general("mov", vec![memory(&mem, bytes), reg], |a| emit(a, mem, r));
            }
        }
        general("prefetcht0", vec![memory(&mem, 1)], |a| a.prefetcht0(mem));
        general("prefetcht1", vec![memory(&mem, 1)], |a| a.prefetcht1(mem));
    }
}

/// The register's low bytes: al, cl, dl, bl, spl, … and never ah to bh.
fn part(r: u8, bytes: usize) -> Register {
    let n = u32::from(r);
    match bytes {
        8 => Register::RAX + n,
        4 => Register::EAX + n,
        2 => Register::AX + n,
        _ if r < 4 => Register::AL + n,
        _ => Register::SPL + (n - 4),
    }
}

const CONDITIONS: [(Cond, &str); 12] = [
    (Cond::B, "jb"),
    (Cond::Ae, "jae"),
    (Cond::E, "je"),
    (Cond::Ne, "jne"),
    (Cond::Be, "jbe"),
    (Cond::A, "ja"),
    (Cond::S, "js"),
    (Cond::Ns, "jns"),
    (Cond::L, "jl"),
    (Cond::Ge, "jge"),
    (Cond::Le, "jle"),
    (Cond::G, "jg"),
];

#[test]
fn jumps_reach_their_labels_both_ways() {
    let names = CONDITIONS.map(|(c, name)| (Some(c), name));
    for (cond, name) in names.into_iter().chain([(None, "jmp")]) {
        for distance in [0, 100, 124, 126, 127, 128, 200, 100_000] {
            let jump = |a: &mut Asm, l| match cond {
                Some(c) => a.jcc(c, l),
                None => a.jmp(l),
            };
            let rets = |a: &mut Asm| (0..distance).for_each(|_| a.ret());
            let mut back = Asm::new(false);
            let label = back.label();
            back.bind(label);
            rets(&mut back);
            jump(&mut back, label);
            let bytes = back.finish().unwrap();
            let mut decoder = Decoder::with_ip(64, &bytes[distance..], distance as u64, 0);
            check_jump(&decoder.decode(), name, 0);

            let mut ahead = Asm::new(false);
            let label = ahead.label();
            jump(&mut ahead, label);
            rets(&mut ahead);
            ahead.bind(label);
            let target = ahead.len() as u64;
            check_jump(&decode(&ahead.finish().unwrap()), name, target);
        }
    }
}

fn check_jump(ins: &Instruction, name: &str, target: u64) {
    let expect = Expect {
        mnemonic: name.into(),
        ops: vec![Op::Target(target)],
        mask: None,
        broadcast: false,
    };
    assert_eq!(seen(ins), expect);
}

#[test]
fn padding_is_made_of_no_ops() {
    for before in 0..64 {
        let mut asm = Asm::new(false);
        (0..before).for_each(|_| asm.ret());
        asm.align(64);
        let bytes = asm.finish().unwrap();
        assert_eq!(bytes.len(), usize::from(before > 0) * 64);
        let padding = &bytes[before.min(bytes.len())..];
        for ins in Decoder::with_ip(64, padding, 0, DecoderOptions::NONE).iter() {
            assert_eq!(ins.mnemonic(), iced_x86::Mnemonic::Nop);
        }
    }
}

#[test]
fn constants_are_shared_and_aligned() {
    let mut asm = Asm::new(true);
    let vectors: Vec<[u8; 64]> = (0..3).map(|i| [i; 64]).collect();
    let mut wanted: Vec<(Mem, Vec<u8>)> = Vec::new();
    wanted.push((asm.const32(7), 7u32.to_le_bytes().to_vec()));
    for v in &vectors {
        wanted.push((asm.const_vec(v), v.to_vec()));
        wanted.push((asm.const_vec(&v[..32]), v[..32].to_vec()));
        wanted.push((asm.const_vec(&v[..3]), v[..3].to_vec()));
    }
    assert_eq!(asm.const32(7), wanted[0].0);
    assert_eq!(asm.const_vec(&vectors[1]), wanted[4].0);
    for (mem, _) in &wanted {
        asm.v(&rows::VMOVUPS, Len::X, 1, 0, *mem);
    }
    asm.ret();
    let bytes = asm.finish().unwrap();
    let mut decoder = Decoder::with_ip(64, &bytes, 0, DecoderOptions::NONE);
    for (_, content) in &wanted {
        let at = decoder.decode().ip_rel_memory_address() as usize;
        assert_eq!(bytes[at..at + content.len()], content[..]);
        assert_eq!(at % content.len().next_power_of_two(), 0);
    }
}

/// The sentence that `finish` gives for a misuse.
fn refusal(emit: impl FnOnce(&mut Asm)) -> String {
    let mut asm = Asm::new(true);
    emit(&mut asm);
    let error = asm.finish().expect_err("a misuse is refused");
    assert_eq!(error.status, brick::error::Status::RuntimeError);
    error.message.into_owned()
}

#[test]
fn misuse_is_remembered() {
    let mem = Mem::new(gpr::RAX, 0);
    let zero = Some(Mask { k: 1, zero: true });
    let keep = |k| Some(Mask { k, zero: false });
    let sentences = [
        refusal(|a| a.v(&rows::VADDPS, Len::X, 32, 0, 0)),
        refusal(|a| a.v(&rows::VADDPS, Len::X, 0, 32, 0)),
        refusal(|a| a.v(&rows::VADDPS, Len::X, 0, 0, 32)),
        refusal(|a| a.v(&rows::VROUNDPS, Len::X, 0, 0, 1)),
        refusal(|a| a.vi(&rows::VADDPS, Len::X, 0, 0, 1, 1)),
        refusal(|a| a.v(&rows::VPXOR, Len::Z, 0, 0, 1)),
        refusal(|a| a.v(&rows::VPXOR, Len::Y, 16, 0, 1)),
        refusal(|a| a.v(&rows::VPERMD, Len::X, 0, 0, 1)),
        refusal(|a| a.v(&rows::VPADDW, Len::Z, 0, 0, Rm::Bcast(mem))),
        refusal(|a| a.v(&rows::VMOVNTPS_ST, Len::Z, 0, 0, 1)),
        refusal(|a| a.v(&rows::VPBROADCASTD_R32, Len::Z, 0, 0, mem)),
        refusal(|a| a.v(&rows::VPBROADCASTD_R32, Len::Z, 0, 0, 16)),
        refusal(|a| a.vk(&rows::VMOVUPS_ST, Len::Z, zero, 0, 0, mem)),
        refusal(|a| a.vki(&rows::VCMPPS_K, Len::Z, zero, 1, 0, 2, 1)),
        refusal(|a| a.vk(&rows::VMOVUPS, Len::Z, keep(0), 0, 0, mem)),
        refusal(|a| a.vk(&rows::VMOVUPS, Len::Z, keep(8), 0, 0, mem)),
        refusal(|a| a.vk(&rows::VPXOR, Len::Y, keep(1), 0, 0, mem)),
        refusal(|a| a.v(&rows::VMOVUPS, Len::X, 0, 0, Mem::new(16, 0))),
        refusal(|a| a.load(gpr::RAX, Mem::indexed(0, gpr::RSP, 1, 0))),
        refusal(|a| a.load(gpr::RAX, Mem::indexed(0, 1, 3, 0))),
        refusal(|a| a.mov_rr(16, 0)),
        refusal(|a| a.shl_ri(0, 64)),
        refusal(|a| {
            a.const_vec(&[]);
        }),
        refusal(|a| {
            a.const_vec(&[0; 65]);
        }),
        refusal(|a| {
            let l = a.label();
            a.jmp(l);
        }),
        refusal(|a| {
            let l = a.label();
            a.bind(l);
            a.bind(l);
        }),
    ];
    assert!(sentences.iter().all(|s| s.len() > 20), "{sentences:?}");
}
