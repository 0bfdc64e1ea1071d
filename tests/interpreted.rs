//! The interpreter that runs kernels for other processors, itself tested: every instruction that this processor shares
//! with its table must give the same bits as the processor, and what a kernel must not do must be noticed.
#![allow(unsafe_code)]

use brick::jit::asm::{Asm, Len, Mask, Mem, Rm, gpr};
use brick::jit::code::{Code, Policy};
use brick::jit::rows::{self, *};
use brick::machine::{Isa, machine};
use interpreter::{Access, Memory, Program};

const BLOCK: usize = 1024;
/// Where an instruction's memory operand lies in a block.
const OPERAND: i32 = 512;
/// Where the registers go afterwards.
const AFTER: i32 = 768;

/// What a test program works on: registers before, a memory operand, registers after.
#[repr(C, align(64))]
#[derive(Clone)]
struct Block([u8; BLOCK]);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Bits that are interesting as floats or integers of some size.
    fn word(&mut self) -> u32 {
        const SPECIAL: [u32; 20] = [
            0,
            0x8000_0000,
            0x3F80_0000,
            0xBF80_0000,
            0x7F80_0000,
            0xFF80_0000,
            0x7FC0_0001,
            0xFFC0_0002,
            0x7F80_0003,
            0xFFA0_0004,
            1,
            0x807F_FFFF,
            0x0080_0000,
            0x7F7F_FFFF,
            0x4EFF_FFFF,
            0x4F00_0000,
            0xCF00_0000,
            0x4020_0000,
            0x3880_0000,
            0xFFFF_FFFF,
        ];
        let number = self.next();
        let small = |bits: u64| ((bits % 4096) as f32 / 64.0 - 32.0).to_bits();
        match number >> 60 {
            0..5 => SPECIAL[(number % 20) as usize],
            5..11 => small(number),
            _ => number as u32,
        }
    }

    fn block(&mut self) -> Block {
        let mut block = Block([0; BLOCK]);
        for word in block.0.chunks_exact_mut(4) {
            word.copy_from_slice(&self.word().to_le_bytes());
        }
        block
    }
}

/// Loads four vector registers and rdx, runs one instruction, stores them all.
fn program(row: &'static Row, len: Len, rm: Rm, imm: u8) -> brick::error::Result<Vec<u8>> {
    let mut a = Asm::new(false);
    let at = |slot: u8| Mem::new(gpr::RDI, 32 * i32::from(slot));
    (0..4).for_each(|r| a.v(&VMOVUPS, Len::Y, r, 0, at(r)));
    a.load(gpr::RDX, at(4));
    let src1 = u8::from(row.form.uses_vvvv());
    match row.imm {
        true => a.vi(row, len, 0, src1, rm, imm),
        false => a.v(row, len, 0, src1, rm),
    }
    (0..4).for_each(|r| a.v(&VMOVUPS_ST, Len::Y, r, 0, at(r).plus(AFTER)));
    a.store(at(4).plus(AFTER), gpr::RDX);
    a.vzeroupper();
    a.ret();
    a.finish()
}

fn interpret(program: &Program, block: &mut Block) -> Result<(), String> {
    let at = block.0.as_mut_ptr();
    let mut memory = Memory::new();
    // SAFETY: the block outlives the run.
    unsafe { memory.allow("the block", at, BLOCK, Access::Write) };
    program.run(at, &mut memory).map(drop)
}

/// Immediates that the instruction takes; others are reserved or round in ways that no kernel asks for.
fn immediate(row: &Row, random: &mut Random) -> u8 {
    let imm = random.next() as u8;
    match row.name {
        "vroundps" => imm & 15,
        "vcmpps" => imm & 31,
        "vcvtps2ph" => 4 * (imm & 1),
        // Register 3.
        "vblendvps" => 0x30,
        _ => imm,
    }
}

/// Whether one form of an instruction gives the processor's bits, unless the interpreter's table lacks it.
fn agrees(row: &'static Row, len: Len, rm: Rm, random: &mut Random) -> Result<bool, String> {
    let imm = immediate(row, random);
    let Ok(bytes) = program(row, len, rm, imm) else {
        // The instruction has no such form.
        return Ok(false);
    };
    let interpreted = match Program::new(row.name, &bytes) {
        Err(e) if e.contains("not in the table") => return Ok(false),
        other => other?,
    };
    let code = Code::publish(&bytes, Policy::Auto).expect("executable memory");
    // SAFETY: the program takes a pointer to a block, and keeps within it.
    let native: extern "C" fn(*mut Block) = unsafe { std::mem::transmute(code.entry()) };
    for _ in 0..20 {
        let before = random.block();
        let [mut want, mut got] = [before.clone(), before.clone()];
        native(&mut want);
        interpret(&interpreted, &mut got)?;
        if let Some(at) = want.0.iter().zip(&got.0).position(|(w, g)| w != g) {
            let word =
                |b: &Block, at: usize| u32::from_le_bytes(b.0[at..at + 4].try_into().unwrap());
            let at = at / 4 * 4;
            let before = [0, 32, 64, OPERAND as usize].map(|r| word(&before, r + at % 32));
            return Err(format!(
                "{} {len:?} {rm:?} {imm:#x}: {:#x}, but {:#x} interpreted, from {before:x?}",
                row.name,
                word(&want, at),
                word(&got, at),
            ));
        }
    }
    Ok(true)
}

#[test]
fn instructions_do_what_this_processor_does() {
    if machine().isa < Isa::Avx2 {
        return;
    }
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    let (mut known, mut wrong) = (0, Vec::new());
    for (_, row) in rows::ALL.iter().filter(|(_, row)| row.isa <= Isa::Avx2) {
        let register = match row.rm {
            Class::R32 | Class::R64 => gpr::RDX,
            _ => 2,
        };
        let operands = [Rm::Reg(register), Rm::Mem(Mem::new(gpr::RDI, OPERAND))];
        let lens = [Len::X, Len::Y].into_iter();
        let forms = lens.flat_map(|len| operands.map(|rm| (len, rm)));
        let results: Result<Vec<bool>, String> = forms
            .cycle()
            .take(32)
            .map(|(len, rm)| agrees(row, len, rm, &mut random))
            .collect();
        match results {
            Ok(forms) => known += usize::from(forms.contains(&true)),
            Err(reason) => wrong.push(reason),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known > 110, "only {known} instructions were compared");
}

/// What the interpreter says of a program that must not pass.
fn complaint(write: impl FnOnce(&mut Asm)) -> String {
    let mut a = Asm::new(true);
    write(&mut a);
    a.ret();
    let program = Program::new("bad", &a.finish().unwrap()).unwrap_or_else(|e| panic!("{e}"));
    let mut block = Random(7).block();
    interpret(&program, &mut block).unwrap_err()
}

fn block_at(disp: i32) -> Mem {
    Mem::new(gpr::RDI, disp)
}

#[test]
fn accesses_beyond_the_operands_are_named() {
    let last = BLOCK as i32;
    let text = complaint(|a| a.v(&VMOVUPS, Len::Z, 1, 0, block_at(last - 32)));
    for part in ["bad", "vmovups zmm1", "reads 64 bytes", "the block", "992"] {
        assert!(text.contains(part), "{text}");
    }
    let text = complaint(|a| a.store(block_at(-8), gpr::RAX));
    assert!(text.contains("writes 8 bytes"), "{text}");
    let text = complaint(|a| a.load(gpr::RAX, Mem::new(gpr::RAX, 0)));
    assert!(text.contains("reads 8 bytes"), "{text}");
}

#[test]
fn masked_lanes_touch_no_memory() {
    let mut a = Asm::new(true);
    let mask = |zero| Some(Mask { k: 1, zero });
    a.mov_ri(gpr::RAX, 0x7);
    a.v(&KMOVW_R32, Len::X, 1, 0, gpr::RAX);
    let end = block_at(BLOCK as i32 - 12);
    a.vk(&VMOVUPS, Len::Z, mask(true), 20, 0, end);
    a.vk(&VADDPS, Len::Z, mask(false), 21, 20, end);
    a.vk(&VMOVUPS_ST, Len::Z, mask(false), 20, 0, end);
    a.vzeroupper();
    a.ret();
    let program = Program::new("masked", &a.finish().unwrap()).unwrap();
    let before = Random(7).block();
    let mut after = before.clone();
    interpret(&program, &mut after).unwrap();
    assert_eq!(before.0, after.0);
}

#[test]
fn what_a_function_owes_its_caller_is_checked() {
    let text = complaint(|a| a.mov_ri(gpr::R12, 0));
    assert!(text.contains("register 12 was not restored"), "{text}");
    let text = complaint(|a| a.v(&VMOVUPS, Len::Y, 1, 0, block_at(0)));
    assert!(text.contains("upper halves"), "{text}");
    let text = complaint(|a| a.push(gpr::RAX));
    assert!(text.contains("returns to"), "{text}");
    let text = complaint(|a| {
        let label = a.label();
        a.bind(label);
        a.jcc(brick::jit::asm::Cond::E, label);
    });
    assert!(text.contains("undefined flags"), "{text}");
    let text = complaint(|a| a.v(&VMOVAPS, Len::X, 1, 0, block_at(4)));
    assert!(text.contains("alignment"), "{text}");
}

#[test]
fn unknown_instructions_are_named() {
    let cpuid = [0x0F, 0xA2, 0xC3];
    let text = Program::new("odd", &cpuid).err().unwrap();
    assert!(text.contains("odd") && text.contains("cpuid"), "{text}");
    let endless = [0x90];
    assert!(Program::new("odd", &endless).is_err());
}
