//! What a row of the instruction table says, and the shorthand in which rows are written.

use super::asm::Len;
use crate::machine::Isa;

/// Which prefixes exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// VEX only.
    Vex,
    /// EVEX only.
    Evex,
    /// VEX where the operands allow it, else EVEX.
    Both,
}

/// How the operands are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `reg, rm`
    Rm,
    /// `reg, vvvv, rm`
    Rvm,
    /// `rm, reg`: the destination is the last operand of the call.
    Mr,
    /// `rm, vvvv, reg`: stores under a vector mask.
    Mvr,
    /// `vvvv, rm`, with a digit of the opcode in ModRM.reg: shifts by an immediate.
    Vm(u8),
    /// `reg, vvvv, rm, imm[7:4]`: the fourth register is given as the immediate, times 16.
    Rvmr,
}

impl Form {
    /// Whether the prefix carries a register.
    pub const fn uses_vvvv(self) -> bool {
        matches!(self, Form::Rvm | Form::Mvr | Form::Vm(_) | Form::Rvmr)
    }
}

/// What kind of register an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A vector register of the instruction's length.
    Full,
    /// A vector register of half the length (at least 128 bits).
    Half,
    /// A vector register of 128 bits.
    Xmm,
    /// A vector register of 256 bits.
    Ymm,
    /// An opmask register.
    K,
    /// A general-purpose register, 32 bits.
    R32,
    /// A general-purpose register, 64 bits.
    R64,
    /// No register: a digit of the opcode, or nothing.
    None,
}

impl Class {
    /// How many registers there are.
    pub const fn count(self) -> u8 {
        match self {
            Class::Full | Class::Half | Class::Xmm | Class::Ymm => 32,
            Class::R32 | Class::R64 => 16,
            Class::K | Class::None => 8,
        }
    }
}

/// The operand size in memory, which is also the unit of a compressed displacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuple {
    /// A full vector, or one element to be broadcast.
    Full,
    /// A full vector.
    Mem,
    /// Half a vector.
    Half,
    /// A quarter of a vector.
    Quarter,
    /// So many bytes at any length.
    Bytes(u8),
}

/// What the `rm` operand may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A register or memory.
    Any,
    /// A register.
    Reg,
    /// Memory.
    Mem,
}

/// The W bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum W {
    /// Clear.
    W0,
    /// Set.
    W1,
    /// Set in EVEX, ignored (so clear, which may be shorter) in VEX.
    Evex1,
}

impl W {
    /// W of the VEX form.
    pub const fn vex(self) -> bool {
        matches!(self, W::W1)
    }

    /// W of the EVEX form.
    pub const fn evex(self) -> bool {
        !matches!(self, W::W0)
    }
}

/// The vector lengths of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lens {
    /// Those with their bit set: 1 for X, 2 for Y, 4 for Z.
    Of(u8),
    /// The L bit is part of the opcode; the length of the call is ignored.
    Fixed(u8),
}

impl Lens {
    /// Whether a call may ask for this length.
    pub const fn allows(self, len: Len) -> bool {
        match self {
            Lens::Of(bits) => bits >> len as u8 & 1 == 1,
            Lens::Fixed(_) => true,
        }
    }
}

/// One instruction.
#[derive(Debug)]
pub struct Row {
    /// Mnemonic.
    pub name: &'static str,
    /// Mandatory prefix: 0 none, 1 66, 2 F3, 3 F2.
    pub pp: u8,
    /// Opcode map: 1 0F, 2 0F38, 3 0F3A.
    pub map: u8,
    /// Opcode byte.
    pub opcode: u8,
    /// W bit.
    pub w: W,
    /// Prefixes.
    pub encoding: Encoding,
    /// Placement of the operands.
    pub form: Form,
    /// Class of ModRM.reg.
    pub reg: Class,
    /// Class of the register in the prefix.
    pub vvvv: Class,
    /// Class of ModRM.rm as a register.
    pub rm: Class,
    /// What ModRM.rm may be.
    pub place: Place,
    /// Size in memory.
    pub tuple: Tuple,
    /// Whether an immediate byte follows.
    pub imm: bool,
    /// Whether the EVEX form takes an opmask.
    pub maskable: bool,
    /// Lengths.
    pub lens: Lens,
    /// The lowest rung that has the instruction in one of its forms.
    pub isa: Isa,
}

impl Row {
    /// Whether an embedded broadcast is possible (in EVEX).
    pub const fn broadcasts(&self) -> bool {
        matches!(self.tuple, Tuple::Full) && !matches!(self.encoding, Encoding::Vex)
    }

    /// Bytes that the memory operand covers.
    pub const fn memory_bytes(&self, len: Len, broadcast: bool) -> usize {
        let full = 16 << len as usize;
        match self.tuple {
            Tuple::Full if broadcast && self.w.evex() => 8,
            Tuple::Full if broadcast => 4,
            Tuple::Full | Tuple::Mem => full,
            Tuple::Half => full / 2,
            Tuple::Quarter => full / 4,
            Tuple::Bytes(n) => n as usize,
        }
    }

    pub(super) const fn w1(self) -> Row {
        Row { w: W::W1, ..self }
    }

    /// W1 in EVEX, ignored in VEX.
    pub(super) const fn evex_w1(self) -> Row {
        Row {
            w: W::Evex1,
            ..self
        }
    }

    pub(super) const fn vex(self) -> Row {
        Row {
            encoding: Encoding::Vex,
            maskable: false,
            lens: Lens::Of(3),
            ..self
        }
    }

    pub(super) const fn evex(self) -> Row {
        Row {
            encoding: Encoding::Evex,
            isa: Isa::Avx512,
            ..self
        }
    }

    pub(super) const fn on(self, isa: Isa) -> Row {
        Row { isa, ..self }
    }

    pub(super) const fn imm(self) -> Row {
        Row { imm: true, ..self }
    }

    pub(super) const fn tuple(self, tuple: Tuple) -> Row {
        Row { tuple, ..self }
    }

    /// A full vector in memory, no broadcast.
    pub(super) const fn full_mem(self) -> Row {
        self.tuple(Tuple::Mem)
    }

    pub(super) const fn mem_only(self) -> Row {
        Row {
            place: Place::Mem,
            ..self
        }
    }

    pub(super) const fn any(self) -> Row {
        Row {
            place: Place::Any,
            ..self
        }
    }

    pub(super) const fn reg_only(self) -> Row {
        Row {
            place: Place::Reg,
            ..self
        }
    }

    pub(super) const fn unmasked(self) -> Row {
        Row {
            maskable: false,
            ..self
        }
    }

    pub(super) const fn to(self, reg: Class) -> Row {
        Row { reg, ..self }
    }

    pub(super) const fn with(self, rm: Class) -> Row {
        Row { rm, ..self }
    }

    pub(super) const fn lens(self, bits: u8) -> Row {
        Row {
            lens: Lens::Of(bits),
            ..self
        }
    }
}

pub(super) const fn row(name: &'static str, form: Form, pp: u8, map: u8, opcode: u8) -> Row {
    Row {
        name,
        pp,
        map,
        opcode,
        w: W::W0,
        encoding: Encoding::Both,
        form,
        reg: Class::Full,
        vvvv: Class::Full,
        rm: Class::Full,
        place: Place::Any,
        tuple: Tuple::Full,
        imm: false,
        maskable: true,
        lens: Lens::Of(7),
        isa: Isa::Avx2,
    }
}

/// `reg, vvvv, rm`
pub(super) const fn rvm(name: &'static str, pp: u8, map: u8, opcode: u8) -> Row {
    row(name, Form::Rvm, pp, map, opcode)
}

/// `reg, rm`
pub(super) const fn rm(name: &'static str, pp: u8, map: u8, opcode: u8) -> Row {
    row(name, Form::Rm, pp, map, opcode)
}

/// `rm, reg`
pub(super) const fn mr(name: &'static str, pp: u8, map: u8, opcode: u8) -> Row {
    row(name, Form::Mr, pp, map, opcode)
}

/// A full-vector store.
pub(super) const fn store(name: &'static str, pp: u8, opcode: u8) -> Row {
    mr(name, pp, 1, opcode).full_mem()
}

/// A shift by an immediate; masks and memory sources exist in EVEX only, and the generators do without the latter.
pub(super) const fn shift(name: &'static str, digit: u8, opcode: u8) -> Row {
    let row = row(name, Form::Vm(digit), 1, 1, opcode).imm().reg_only();
    row.to(Class::None)
}

/// A widening move: `reg` is full, `rm` a part of it.
pub(super) const fn widen(name: &'static str, opcode: u8, part: Tuple, class: Class) -> Row {
    rm(name, 1, 2, opcode).tuple(part).with(class)
}

/// A narrowing move: `rm` is a part of `reg`.
pub(super) const fn narrow(name: &'static str, opcode: u8, part: Tuple, class: Class) -> Row {
    mr(name, 2, 2, opcode).tuple(part).with(class).evex()
}

/// A 128-bit move of a scalar to or from a general-purpose register or memory.
pub(super) const fn scalar(row: Row, class: Class, bytes: u8) -> Row {
    row.with(class)
        .tuple(Tuple::Bytes(bytes))
        .unmasked()
        .lens(1)
}

/// An instruction among opmasks or general-purpose registers, with the L bit in the opcode.
pub(super) const fn opmask(row: Row, l: u8, reg: Class, rm: Class) -> Row {
    Row {
        reg,
        vvvv: Class::K,
        rm,
        lens: Lens::Fixed(l),
        isa: Isa::Avx512,
        place: Place::Reg,
        ..row.vex()
    }
}
