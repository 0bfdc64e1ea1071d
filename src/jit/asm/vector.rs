//! Vector and opmask instructions: VEX and EVEX from a row and its operands.

use super::{Asm, Len, Mask, Rm, high_bits};
use crate::jit::rows::{Class, Encoding, Form, Lens, Place, Row};

/// One instruction before its prefix is chosen.
struct Ins<'a> {
    row: &'static Row,
    len: Len,
    mask: Option<Mask>,
    /// ModRM.reg.
    reg: u8,
    /// The register in the prefix.
    vvvv: u8,
    /// By reference: it is assembled from small pieces, and copying those as one stalls the processor.
    rm: &'a Rm,
    imm: Option<u8>,
}

impl Asm {
    /// A vector instruction; operands that the row lacks are passed as 0.
    #[inline]
    pub fn v(&mut self, row: &'static Row, len: Len, dst: u8, src1: u8, rm: impl Into<Rm>) {
        self.vector(row, len, None, (dst, src1), &rm.into(), None);
    }

    /// A vector instruction with an immediate.
    #[inline]
    pub fn vi(
        &mut self,
        row: &'static Row,
        len: Len,
        dst: u8,
        src1: u8,
        rm: impl Into<Rm>,
        imm: u8,
    ) {
        self.vector(row, len, None, (dst, src1), &rm.into(), Some(imm));
    }

    /// A vector instruction, perhaps masked.
    #[inline]
    pub fn vk(
        &mut self,
        row: &'static Row,
        len: Len,
        mask: Option<Mask>,
        dst: u8,
        src1: u8,
        rm: impl Into<Rm>,
    ) {
        self.vector(row, len, mask, (dst, src1), &rm.into(), None);
    }

    /// A vector instruction with an immediate, perhaps masked.
    #[allow(clippy::too_many_arguments)]
    #[inline]
    pub fn vki(
        &mut self,
        row: &'static Row,
        len: Len,
        mask: Option<Mask>,
        dst: u8,
        src1: u8,
        rm: impl Into<Rm>,
        imm: u8,
    ) {
        self.vector(row, len, mask, (dst, src1), &rm.into(), Some(imm));
    }

    /// Clears the upper halves of all vector registers.
    pub fn vzeroupper(&mut self) {
        self.code.extend(&[0xC5, 0xF8, 0x77]);
    }

    fn vector(
        &mut self,
        row: &'static Row,
        len: Len,
        mask: Option<Mask>,
        (dst, src1): (u8, u8),
        rm: &Rm,
        imm: Option<u8>,
    ) {
        if self.dry {
            return;
        }
        // The destination of an immediate shift travels in the prefix, a digit of the opcode in its place.
        let (reg, vvvv) = match row.form {
            Form::Vm(digit) => (digit, dst),
            _ => (dst, src1),
        };
        let ins = Ins {
            row,
            len,
            mask,
            reg,
            vvvv,
            rm,
            imm,
        };
        match ins.encoding(self.allow_evex) {
            Ok(Encoding::Evex) => self.evex(&ins),
            Ok(_) => self.vex(&ins),
            Err(mistake) => self.fail(format!("{}: {}", row.name, mistake.sentence(&ins))),
        }
    }

    fn vex(&mut self, ins: &Ins) {
        let row = ins.row;
        let (x, b) = ins.rm_high();
        let r = ins.reg >> 3 & 1;
        let w = u8::from(row.w.vex());
        let last = (!ins.vvvv & 15) << 3 | ins.l() << 2 | row.pp;
        let opcode = row.opcode;
        if x | b | w == 0 && row.map == 1 {
            let prefix = [0xC5, (r ^ 1) << 7 | last, opcode, 0];
            self.code.push(u32::from_le_bytes(prefix).into(), 3);
        } else {
            let first = (r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | row.map;
            let prefix = [0xC4, first, w << 7 | last, opcode];
            self.code.push(u32::from_le_bytes(prefix).into(), 4);
        }
        self.operands(ins, 1);
    }

    fn evex(&mut self, ins: &Ins) {
        let row = ins.row;
        let (x, b) = ins.rm_high();
        let broadcast = matches!(ins.rm, Rm::Bcast(_));
        let (r, r2, v2) = (ins.reg >> 3 & 1, ins.reg >> 4 & 1, ins.vvvv >> 4 & 1);
        let p0 = (r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | (r2 ^ 1) << 4 | row.map;
        let p1 = u8::from(row.w.evex()) << 7 | (!ins.vvvv & 15) << 3 | 4 | row.pp;
        let (zero, k) = ins.mask.map_or((0, 0), |m| (u8::from(m.zero), m.k));
        let p2 = zero << 7 | ins.l() << 5 | u8::from(broadcast) << 4 | (v2 ^ 1) << 3 | k;
        let prefix = [0x62, p0, p1, p2, row.opcode, 0, 0, 0];
        self.code.push(u64::from_le_bytes(prefix), 5);
        self.operands(ins, row.memory_bytes(ins.len, broadcast) as i32);
    }

    /// ModRM and its followers, then the immediate.
    fn operands(&mut self, ins: &Ins, unit: i32) {
        match ins.rm {
            Rm::Reg(rm) => self.modrm_reg(ins.reg, *rm),
            Rm::Mem(mem) | Rm::Bcast(mem) => {
                self.modrm_mem(ins.reg, mem, unit, i32::from(ins.imm.is_some()))
            }
        }
        if let Some(imm) = ins.imm {
            self.byte(imm);
        }
    }
}

/// Why a row does not take its operands.
#[derive(Clone, Copy)]
enum Mistake {
    Immediate,
    Length,
    Operand,
    Register(Class, u8),
    Mask(u8),
    Zeroing,
    NoEvexForm,
    NoEvexHere,
}

impl Mistake {
    fn sentence(self, ins: &Ins) -> String {
        match self {
            Mistake::Immediate if ins.row.imm => "takes an immediate".into(),
            Mistake::Immediate => "takes no immediate".into(),
            Mistake::Length => format!("does not exist for length {:?}", ins.len),
            Mistake::Operand => format!("does not take {:?}", ins.rm),
            Mistake::Register(class, reg) => {
                format!("there is no register {reg} of class {class:?}")
            }
            Mistake::Mask(k) => format!("does not take mask k{k}"),
            Mistake::Zeroing => "cannot zero what the mask leaves out".into(),
            Mistake::NoEvexForm => "has no EVEX form".into(),
            Mistake::NoEvexHere => "needs EVEX, which this target lacks".into(),
        }
    }
}

impl Ins<'_> {
    /// Whether the row takes these operands, and in which encoding: VEX unless they need EVEX.
    fn encoding(&self, allow_evex: bool) -> Result<Encoding, Mistake> {
        let row = self.row;
        if row.imm != self.imm.is_some() {
            return Err(Mistake::Immediate);
        }
        if !row.lens.allows(self.len) {
            return Err(Mistake::Length);
        }
        let (fits, rm) = match self.rm {
            Rm::Reg(rm) => (row.place != Place::Mem, *rm),
            Rm::Mem(_) => (row.place != Place::Reg, 0),
            Rm::Bcast(_) => (row.broadcasts(), 0),
        };
        if !fits {
            return Err(Mistake::Operand);
        }
        self.check_registers(rm)?;
        if let Some(mask) = self.mask {
            self.check_mask(mask)?;
        }
        let needs_evex = row.encoding == Encoding::Evex
            || self.len == Len::Z
            || self.mask.is_some()
            || matches!(self.rm, Rm::Bcast(_))
            || (self.reg | self.vvvv | rm) > 15;
        match (needs_evex, row.encoding) {
            (false, _) => Ok(Encoding::Vex),
            (true, Encoding::Vex) => Err(Mistake::NoEvexForm),
            (true, _) if !allow_evex => Err(Mistake::NoEvexHere),
            (true, _) => Ok(Encoding::Evex),
        }
    }

    fn check_registers(&self, rm: u8) -> Result<(), Mistake> {
        let row = self.row;
        let vvvv = if row.form.uses_vvvv() {
            row.vvvv
        } else {
            Class::None
        };
        for (class, reg) in [(row.reg, self.reg), (vvvv, self.vvvv), (row.rm, rm)] {
            if reg >= class.count() {
                return Err(Mistake::Register(class, reg));
            }
        }
        Ok(())
    }

    fn check_mask(&self, mask: Mask) -> Result<(), Mistake> {
        let store = self.row.form == Form::Mr && !matches!(self.rm, Rm::Reg(_));
        if !self.row.maskable || !(1..8).contains(&mask.k) {
            return Err(Mistake::Mask(mask.k));
        }
        if mask.zero && (store || self.row.reg == Class::K) {
            return Err(Mistake::Zeroing);
        }
        Ok(())
    }

    /// The X and B bits; those of a register operand are its bits 4 and 3.
    fn rm_high(&self) -> (u8, u8) {
        match self.rm {
            Rm::Reg(r) => (r >> 4 & 1, r >> 3 & 1),
            Rm::Mem(m) | Rm::Bcast(m) => high_bits(m),
        }
    }

    fn l(&self) -> u8 {
        match self.row.lens {
            Lens::Fixed(l) => l,
            Lens::Of(_) => self.len as u8,
        }
    }
}
