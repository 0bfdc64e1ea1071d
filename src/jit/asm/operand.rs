//! What instructions take: registers, labels, memory operands, vector lengths, masks and conditions.

/// General-purpose registers by their encoding.
#[allow(missing_docs)]
pub mod gpr {
    pub const RAX: u8 = 0;
    pub const RCX: u8 = 1;
    pub const RDX: u8 = 2;
    pub const RBX: u8 = 3;
    pub const RSP: u8 = 4;
    pub const RBP: u8 = 5;
    pub const RSI: u8 = 6;
    pub const RDI: u8 = 7;
    pub const R8: u8 = 8;
    pub const R9: u8 = 9;
    pub const R10: u8 = 10;
    pub const R11: u8 = 11;
    pub const R12: u8 = 12;
    pub const R13: u8 = 13;
    pub const R14: u8 = 14;
    pub const R15: u8 = 15;
}

/// A place in the code, bound once, referred to any number of times, before or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub(crate) u32);

/// A memory operand: base + index * scale + displacement, or a label (RIP-relative).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// Base register; ignored when `label` is set.
    pub base: u8,
    /// Index register and scale (1, 2, 4, 8).
    pub index: Option<(u8, u8)>,
    /// Displacement in bytes.
    pub disp: i32,
    /// RIP-relative address of a label plus `disp`.
    pub label: Option<Label>,
}

impl Mem {
    /// [base + disp]
    pub const fn new(base: u8, disp: i32) -> Mem {
        Mem {
            base,
            index: None,
            disp,
            label: None,
        }
    }

    /// [base + index * scale + disp]
    pub const fn indexed(base: u8, index: u8, scale: u8, disp: i32) -> Mem {
        Mem {
            base,
            index: Some((index, scale)),
            disp,
            label: None,
        }
    }

    /// [label + disp], RIP-relative
    pub const fn at(label: Label, disp: i32) -> Mem {
        Mem {
            base: 0,
            index: None,
            disp,
            label: Some(label),
        }
    }

    /// The same address `bytes` further on.
    pub const fn plus(self, bytes: i32) -> Mem {
        Mem {
            disp: self.disp + bytes,
            ..self
        }
    }
}

/// The last operand of a vector instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A register (vector or general-purpose, as the row says).
    Reg(u8),
    /// Memory.
    Mem(Mem),
    /// One element of memory (32 bits; 64 for rows with W = 1) broadcast to all lanes (EVEX only).
    Bcast(Mem),
}

impl From<u8> for Rm {
    fn from(reg: u8) -> Rm {
        Rm::Reg(reg)
    }
}

impl From<Mem> for Rm {
    fn from(mem: Mem) -> Rm {
        Rm::Mem(mem)
    }
}

/// Vector length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Len {
    /// 128 bits.
    X,
    /// 256 bits.
    Y,
    /// 512 bits.
    Z,
}

/// An opmask for an EVEX instruction: register k1..k7, and whether masked-off lanes become zero (else they are kept).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Opmask register, 1 to 7.
    pub k: u8,
    /// Zeroing (loads and arithmetic) or merging (and stores).
    pub zero: bool,
}

/// Conditions of `jcc`, by their encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Cond {
    B = 2,
    Ae = 3,
    E = 4,
    Ne = 5,
    Be = 6,
    A = 7,
    S = 8,
    Ns = 9,
    L = 12,
    Ge = 13,
    Le = 14,
    G = 15,
}
