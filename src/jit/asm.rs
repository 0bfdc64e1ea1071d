//! A small x86-64 encoder: table rows for vector instructions, methods for the few general-purpose ones.
//!
//! Vector operands are written destination, first source, second source (Intel order). The encoder chooses VEX where
//! the row and the operands allow it and EVEX where they demand it (512 bits, registers 16 to 31, masks, embedded
//! broadcast). Errors are programming errors of a generator: they are remembered and reported by `finish`.

mod buffer;
mod gp;
mod operand;
mod vector;

pub use operand::*;

use buffer::Buffer;

use crate::error::{Error, Result, Status};

/// A 32-bit field that will hold the distance from the end of its instruction to a label.
struct Fixup {
    at: usize,
    label: Label,
    /// Added to the label's address, with the bytes between the field and the instruction's end taken off.
    addend: i32,
}

/// One entry of the constant pool: its bytes lie at `start` in `Asm::pool`.
struct Constant {
    /// The first four bytes, by which it is found.
    first: u32,
    start: usize,
    len: usize,
    label: Label,
}

/// An instruction stream under construction, with its labels and its constant pool.
pub struct Asm {
    code: Buffer,
    labels: Vec<Option<usize>>,
    fixups: Vec<Fixup>,
    constants: Vec<Constant>,
    pool: Vec<u8>,
    allow_evex: bool,
    dry: bool,
    error: Option<Error>,
}

/// The multi-byte no-ops that Intel and AMD recommend, by length less one.
const NOPS: [&[u8]; 9] = [
    &[0x90],
    &[0x66, 0x90],
    &[0x0F, 0x1F, 0x00],
    &[0x0F, 0x1F, 0x40, 0x00],
    &[0x0F, 0x1F, 0x44, 0x00, 0x00],
    &[0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00],
    &[0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00],
    &[0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    &[0x66, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

impl Asm {
    /// An empty stream. Without `allow_evex` (AVX2 targets) whatever needs EVEX is an error.
    pub fn new(allow_evex: bool) -> Asm {
        Asm::with(Buffer::with_capacity(4096), allow_evex, false)
    }

    fn with(code: Buffer, allow_evex: bool, dry: bool) -> Asm {
        Asm {
            code,
            labels: Vec::new(),
            fixups: Vec::new(),
            constants: Vec::new(),
            pool: Vec::new(),
            allow_evex,
            dry,
            error: None,
        }
    }

    /// A stream that swallows vector instructions and constants unseen, for generators that ask themselves what they
    /// would emit.
    pub fn dry() -> Asm {
        Asm::with(Buffer::with_capacity(0), true, true)
    }

    /// A label, to be bound once.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Puts the label here.
    pub fn bind(&mut self, label: Label) {
        let here = self.code.len();
        if self.labels[label.0 as usize].replace(here).is_some() {
            self.fail(format!("label {} is bound twice", label.0));
        }
    }

    /// Pads with no-ops to a multiple of `bytes` (a power of two up to 64).
    pub fn align(&mut self, bytes: usize) {
        let mut gap = self.code.len().next_multiple_of(bytes) - self.code.len();
        while gap > 0 {
            let nop = NOPS[gap.min(NOPS.len()) - 1];
            self.code.extend(nop);
            gap -= nop.len();
        }
    }

    /// A RIP-relative dword of the constant pool.
    pub fn const32(&mut self, bits: u32) -> Mem {
        self.const_vec(&bits.to_le_bytes())
    }

    /// A RIP-relative constant of 1 to 64 bytes, aligned to its size (rounded up to a power of two).
    pub fn const_vec(&mut self, bytes: &[u8]) -> Mem {
        if self.dry {
            return Mem::new(0, 0);
        }
        if bytes.is_empty() || bytes.len() > 64 {
            self.fail(format!(
                "a constant of {} bytes is not of 1 to 64 bytes",
                bytes.len()
            ));
        }
        let mut word = [0; 4];
        let prefix = bytes.len().min(4);
        word[..prefix].copy_from_slice(&bytes[..prefix]);
        let first = u32::from_le_bytes(word);
        let known = |c: &&Constant| {
            (c.first, c.len) == (first, bytes.len())
                && (c.len <= 4 || self.pool[c.start..c.start + c.len] == *bytes)
        };
        if let Some(found) = self.constants.iter().find(known) {
            return Mem::at(found.label, 0);
        }
        let label = self.label();
        let (start, len) = (self.pool.len(), bytes.len());
        self.constants.push(Constant {
            first,
            start,
            len,
            label,
        });
        self.pool.extend_from_slice(bytes);
        Mem::at(label, 0)
    }

    /// Bytes of code so far (without the constants).
    pub fn len(&self) -> usize {
        self.code.len()
    }

    /// Whether nothing was emitted yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the constants, patches the labels and hands out the bytes, to be placed at a multiple of 64.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.emit_constants();
        for i in 0..self.fixups.len() {
            self.patch(i);
        }
        self.error.map_or_else(|| Ok(self.code.finish()), Err)
    }

    /// Largest first, so that each is aligned to its size without gaps.
    fn emit_constants(&mut self) {
        if self.constants.is_empty() {
            return;
        }
        self.pad(64, 0xCC);
        let mut constants = std::mem::take(&mut self.constants);
        constants.sort_by_key(|c| std::cmp::Reverse(c.len));
        for c in constants {
            self.pad(c.len.next_power_of_two(), 0);
            self.bind(c.label);
            self.code.extend(&self.pool[c.start..c.start + c.len]);
        }
    }

    fn pad(&mut self, align: usize, byte: u8) {
        while !self.code.len().is_multiple_of(align) {
            self.byte(byte);
        }
    }

    fn patch(&mut self, i: usize) {
        let Fixup { at, label, addend } = self.fixups[i];
        match self.labels[label.0 as usize] {
            Some(target) => {
                let distance = target as i64 - at as i64 + i64::from(addend);
                self.code.patch(at, distance as i32);
            }
            None => self.fail(format!("label {} is used but not bound", label.0)),
        }
    }

    /// Remembers a mistake of the generator for `finish`, which reports the first one.
    pub fn fail(&mut self, sentence: String) {
        let error = Error::new(Status::RuntimeError, sentence);
        self.error.get_or_insert(error);
    }

    fn byte(&mut self, byte: u8) {
        self.code.push(byte.into(), 1);
    }

    fn imm32(&mut self, imm: i32) {
        self.code.push(imm as u32 as u64, 4);
    }

    /// A 32-bit distance to `label`, followed by `trailing` more bytes of the same instruction.
    fn distance(&mut self, label: Label, disp: i32, trailing: i32) {
        let addend = disp - 4 - trailing;
        let at = self.code.len();
        self.fixups.push(Fixup { at, label, addend });
        self.imm32(0);
    }

    /// ModRM and what follows it for a register operand (only its low three bits go here).
    fn modrm_reg(&mut self, reg: u8, rm: u8) {
        self.byte(0xC0 | (reg & 7) << 3 | (rm & 7));
    }

    /// ModRM, SIB and displacement of a memory operand. An 8-bit displacement counts in units of `unit` bytes;
    /// `trailing` bytes of immediate follow.
    fn modrm_mem(&mut self, reg: u8, mem: &Mem, unit: i32, trailing: i32) {
        let reg = (reg & 7) << 3;
        if let Some(label) = mem.label {
            if mem.index.is_some() {
                self.fail("a label's address takes no index".into());
            }
            self.byte(reg | 5);
            return self.distance(label, mem.disp, trailing);
        }
        let small = (mem.disp % unit == 0).then_some(mem.disp / unit);
        let small = small.and_then(|d| i8::try_from(d).ok());
        // The encoding of rbp and r13 without displacement means something else.
        let mode = match (mem.disp, small) {
            (0, _) if mem.base & 7 != gpr::RBP => 0x00,
            (_, Some(_)) => 0x40,
            _ => 0x80,
        };
        self.base_and_index(mode | reg, mem);
        match (mode, small) {
            (0x40, Some(d)) => self.byte(d as u8),
            (0x80, _) => self.imm32(mem.disp),
            _ => {}
        }
    }

    /// ModRM with its mode and register set, and the SIB byte that an index, rsp or r12 demands.
    fn base_and_index(&mut self, modrm: u8, mem: &Mem) {
        if mem.base > 15 {
            self.fail(format!("base register {} does not exist", mem.base));
        }
        let base = mem.base & 7;
        let Some((index, scale)) = mem.index else {
            self.byte(modrm | base);
            if base == gpr::RSP {
                self.byte(0x24);
            }
            return;
        };
        if index > 15 || index == gpr::RSP || !matches!(scale, 1 | 2 | 4 | 8) {
            self.fail(format!(
                "index register {index} with scale {scale} cannot be encoded"
            ));
        }
        let sib = (scale.trailing_zeros() as u8) << 6 | (index & 7) << 3 | base;
        self.code
            .push(u16::from_le_bytes([modrm | 4, sib]).into(), 2);
    }
}

/// Bit 3 of a memory operand's index and base, as REX, VEX and EVEX want them.
fn high_bits(mem: &Mem) -> (u8, u8) {
    match (mem.label, mem.index) {
        (Some(_), _) => (0, 0),
        (None, Some((index, _))) => (index >> 3 & 1, mem.base >> 3 & 1),
        (None, None) => (0, mem.base >> 3 & 1),
    }
}
