//! General-purpose instructions: 64-bit unless the name says otherwise.

use super::{Asm, Cond, Fixup, Label, Mem, Rm, high_bits};

/// Operand width of a general-purpose instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    W8,
    W16,
    W32,
    W64,
}
use Width::{W8, W16, W32, W64};

/// Methods whose instruction is one opcode with a register and a register or memory operand: `reg, rm`.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident($reg:ident, $rm:ident: $kind:ty) = $width:ident $opcode:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, $reg: u8, $rm: $kind) {
            self.gp($width, &$opcode, $reg, &$rm.into());
        }
    )*};
}

/// Stores and others with the operands the other way round: `rm, reg`.
macro_rules! reversed {
    ($($(#[$doc:meta])* $name:ident($rm:ident: $kind:ty, $reg:ident) = $width:ident $opcode:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, $rm: $kind, $reg: u8) {
            self.gp($width, &$opcode, $reg, &$rm.into());
        }
    )*};
}

impl Asm {
    plain! {
        /// d = \[m\]
        load(d, m: Mem) = W64 [0x8B];
        /// d = \[m\], 32 bits, the upper half zero
        load32(d, m: Mem) = W32 [0x8B];
        /// d = \[m\], 8 bits, zero-extended
        movzx8(d, m: Mem) = W32 [0x0F, 0xB6];
        /// d = \[m\], 16 bits, zero-extended
        movzx16(d, m: Mem) = W32 [0x0F, 0xB7];
        /// d = the address of m
        lea(d, m: Mem) = W64 [0x8D];
        /// d += \[m\]
        add_rm(d, m: Mem) = W64 [0x03];
        /// compares d with \[m\]
        cmp_rm(d, m: Mem) = W64 [0x3B];
        /// d *= s, the low 64 bits
        imul_rr(d, s: u8) = W64 [0x0F, 0xAF];
    }

    reversed! {
        /// \[m\] = s
        store(m: Mem, s) = W64 [0x89];
        /// \[m\] = the low 32 bits of s
        store32(m: Mem, s) = W32 [0x89];
        /// \[m\] = the low 16 bits of s
        store16(m: Mem, s) = W16 [0x89];
        /// \[m\] = the low 8 bits of s
        store8(m: Mem, s) = W8 [0x88];
        /// d = s
        mov_rr(d: u8, s) = W64 [0x89];
        /// d += s
        add_rr(d: u8, s) = W64 [0x01];
        /// d -= s
        sub_rr(d: u8, s) = W64 [0x29];
        /// d |= s
        or_rr(d: u8, s) = W64 [0x09];
        /// d ^= s
        xor_rr(d: u8, s) = W64 [0x31];
        /// compares d with s
        cmp_rr(d: u8, s) = W64 [0x39];
        /// flags of d & s
        test_rr(d: u8, s) = W64 [0x85];
    }

    /// d += imm
    pub fn add_ri(&mut self, d: u8, imm: i32) {
        self.arith(0, d, imm);
    }

    /// d -= imm
    pub fn sub_ri(&mut self, d: u8, imm: i32) {
        self.arith(5, d, imm);
    }

    /// d &= imm
    pub fn and_ri(&mut self, d: u8, imm: i32) {
        self.arith(4, d, imm);
    }

    /// compares d with imm
    pub fn cmp_ri(&mut self, d: u8, imm: i32) {
        self.arith(7, d, imm);
    }

    /// d <<= imm
    pub fn shl_ri(&mut self, d: u8, imm: u8) {
        self.shift(4, d, imm);
    }

    /// d >>= imm, unsigned
    pub fn shr_ri(&mut self, d: u8, imm: u8) {
        self.shift(5, d, imm);
    }

    /// d >>= imm, signed
    pub fn sar_ri(&mut self, d: u8, imm: u8) {
        self.shift(7, d, imm);
    }

    /// d -= 1, leaving the carry
    pub fn dec(&mut self, d: u8) {
        self.gp(W64, &[0xFF], 1, &Rm::Reg(d));
    }

    /// d = -d
    pub fn neg(&mut self, d: u8) {
        self.gp(W64, &[0xF7], 3, &Rm::Reg(d));
    }

    /// d = imm in the shortest form that leaves the flags alone
    pub fn mov_ri(&mut self, d: u8, imm: i64) {
        if let Ok(imm) = u32::try_from(imm) {
            self.gp_short(W32, 0xB8, d);
            self.imm32(imm as i32);
        } else if let Ok(imm) = i32::try_from(imm) {
            self.gp(W64, &[0xC7], 0, &Rm::Reg(d));
            self.imm32(imm);
        } else {
            self.gp_short(W64, 0xB8, d);
            self.code.push(imm as u64, 8);
        }
    }

    /// d = s * imm
    pub fn imul_rri(&mut self, d: u8, s: u8, imm: i32) {
        match i8::try_from(imm) {
            Ok(small) => {
                self.gp(W64, &[0x6B], d, &Rm::Reg(s));
                self.byte(small as u8);
            }
            Err(_) => {
                self.gp(W64, &[0x69], d, &Rm::Reg(s));
                self.imm32(imm);
            }
        }
    }

    /// Pushes r.
    pub fn push(&mut self, r: u8) {
        self.gp_short(W32, 0x50, r);
    }

    /// Pops into r.
    pub fn pop(&mut self, r: u8) {
        self.gp_short(W32, 0x58, r);
    }

    /// Returns.
    pub fn ret(&mut self) {
        self.byte(0xC3);
    }

    /// Fetches the line of m into all cache levels.
    pub fn prefetcht0(&mut self, m: Mem) {
        self.gp(W32, &[0x0F, 0x18], 1, &Rm::Mem(m));
    }

    /// Fetches the line of m into the second level.
    pub fn prefetcht1(&mut self, m: Mem) {
        self.gp(W32, &[0x0F, 0x18], 2, &Rm::Mem(m));
    }

    /// Jumps.
    pub fn jmp(&mut self, label: Label) {
        self.jump(&[0xEB], &[0xE9], label);
    }

    /// Jumps if the condition holds.
    pub fn jcc(&mut self, cond: Cond, label: Label) {
        self.jump(&[0x70 | cond as u8], &[0x0F, 0x80 | cond as u8], label);
    }

    /// The short form backwards where it reaches; forwards the distance is not known yet.
    fn jump(&mut self, short: &[u8], near: &[u8], label: Label) {
        if let Some(target) = self.labels[label.0 as usize] {
            let distance = target as i64 - (self.code.len() + short.len() + 1) as i64;
            if let Ok(distance) = i8::try_from(distance) {
                self.code.extend(short);
                return self.byte(distance as u8);
            }
        }
        self.code.extend(near);
        let at = self.code.len();
        self.fixups.push(Fixup {
            at,
            label,
            addend: -4,
        });
        self.imm32(0);
    }

    /// `op d, imm` of the eight classical operations.
    fn arith(&mut self, digit: u8, d: u8, imm: i32) {
        match i8::try_from(imm) {
            Ok(small) => {
                self.gp(W64, &[0x83], digit, &Rm::Reg(d));
                self.byte(small as u8);
            }
            Err(_) => {
                self.gp(W64, &[0x81], digit, &Rm::Reg(d));
                self.imm32(imm);
            }
        }
    }

    fn shift(&mut self, digit: u8, d: u8, imm: u8) {
        if imm > 63 {
            self.fail(format!("a shift by {imm} exceeds 63 bits"));
        }
        self.gp(W64, &[0xC1], digit, &Rm::Reg(d));
        self.byte(imm);
    }

    /// Opcodes that hold their register in the low three bits.
    fn gp_short(&mut self, width: Width, opcode: u8, r: u8) {
        self.check_gpr(r);
        self.rex(width, 0, 0, r >> 3 & 1, false);
        self.byte(opcode | (r & 7));
    }

    /// Prefixes, opcode and operands of an instruction; immediates (not allowed behind labels) follow by the caller.
    fn gp(&mut self, width: Width, opcode: &[u8], reg: u8, rm: &Rm) {
        self.check_gpr(reg);
        if width == W16 {
            self.byte(0x66);
        }
        let (x, b) = match rm {
            Rm::Reg(r) => (0, r >> 3 & 1),
            Rm::Mem(m) | Rm::Bcast(m) => high_bits(m),
        };
        // Without REX the byte registers 4 to 7 are ah to bh.
        self.rex(width, reg >> 3 & 1, x, b, width == W8 && reg > 3);
        self.code.extend(opcode);
        match rm {
            Rm::Reg(r) => {
                self.check_gpr(*r);
                self.modrm_reg(reg, *r);
            }
            Rm::Mem(m) | Rm::Bcast(m) => self.modrm_mem(reg, m, 1, 0),
        }
    }

    fn rex(&mut self, width: Width, r: u8, x: u8, b: u8, always: bool) {
        let bits = u8::from(width == W64) << 3 | r << 2 | x << 1 | b;
        if bits != 0 || always {
            self.byte(0x40 | bits);
        }
    }

    fn check_gpr(&mut self, r: u8) {
        if r > 15 {
            self.fail(format!("general-purpose register {r} does not exist"));
        }
    }
}
