//! General-purpose instructions and jumps.

use crate::memory::Memory;
use crate::state::{Flags, RSP, State};
use crate::step::{Operand, Step};
use iced_x86::ConditionCode;

/// What a general-purpose instruction does.
#[derive(Clone, Copy)]
pub enum Gp {
    Mov,
    Lea,
    Add,
    Sub,
    Cmp,
    Test,
    Logic(fn(u64, u64) -> u64),
    Dec,
    Neg,
    Imul,
    Shift(fn(u64, u32) -> u64),
    Push,
    Pop,
    Ret,
    Jmp,
    Jcc,
    /// No-ops and prefetches, which may name any address.
    Hint,
}

/// Where the program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Step,
    Target,
    /// The address that a return popped.
    Return(u64),
}

struct Cpu<'a> {
    state: &'a mut State,
    memory: &'a Memory,
    step: &'a Step,
}

/// Carries out a general-purpose instruction.
pub fn execute(gp: Gp, state: &mut State, memory: &Memory, step: &Step) -> Result<Next, String> {
    let mut cpu = Cpu {
        state,
        memory,
        step,
    };
    match gp {
        Gp::Hint => {}
        Gp::Jmp => return Ok(Next::Target),
        Gp::Jcc => return cpu.jump(),
        Gp::Ret => return cpu.pop().map(Next::Return),
        Gp::Push => cpu.push()?,
        Gp::Pop => {
            let value = cpu.pop()?;
            cpu.write(value)?;
        }
        Gp::Lea => {
            let address = step.address.value(cpu.state);
            cpu.write(address)?;
        }
        Gp::Mov => {
            let value = cpu.read(step.last())?;
            cpu.write(value)?;
        }
        _ => cpu.arithmetic(gp)?,
    }
    Ok(Next::Step)
}

impl Cpu<'_> {
    fn read(&self, operand: Operand) -> Result<u64, String> {
        match operand {
            Operand::Gpr(r, bytes) => Ok(self.state.gpr[r] & (u64::MAX >> (64 - 8 * bytes))),
            Operand::Imm(imm) => Ok(imm),
            Operand::Mem => {
                let mut bytes = [0; 8];
                let address = self.step.address.value(self.state);
                self.memory
                    .read(address, &mut bytes[..self.step.memory_bytes])?;
                Ok(u64::from_le_bytes(bytes))
            }
            other => Err(format!("has {other:?} for a source")),
        }
    }

    /// To the first operand; 32 bits clear the upper half of a register.
    fn write(&mut self, value: u64) -> Result<(), String> {
        match self.step.operands[0] {
            Operand::Gpr(r, 8) => self.state.gpr[r] = value,
            Operand::Gpr(r, 4) => self.state.gpr[r] = value & 0xFFFF_FFFF,
            Operand::Mem => {
                let bytes = value.to_le_bytes();
                let address = self.step.address.value(self.state);
                self.memory
                    .write(address, &bytes[..self.step.memory_bytes])?;
            }
            other => return Err(format!("has {other:?} for a destination")),
        }
        Ok(())
    }

    fn push(&mut self) -> Result<(), String> {
        let value = self.read(self.step.operands[0])?;
        self.state.gpr[RSP] -= 8;
        self.memory.write(self.state.gpr[RSP], &value.to_le_bytes())
    }

    fn pop(&mut self) -> Result<u64, String> {
        let mut bytes = [0; 8];
        self.memory.read(self.state.gpr[RSP], &mut bytes)?;
        self.state.gpr[RSP] += 8;
        Ok(u64::from_le_bytes(bytes))
    }

    /// 64-bit arithmetic, the only width that the generators compute in.
    fn arithmetic(&mut self, gp: Gp) -> Result<(), String> {
        if !matches!(self.step.operands[0], Operand::Gpr(_, 8)) {
            return Err("computes in another width than 64 bits".into());
        }
        let x = self.read(self.step.operands[0])?;
        let y = match gp {
            Gp::Dec => 1,
            Gp::Neg => 0,
            _ => self.read(self.step.last())?,
        };
        let carry = self.state.flags.is_some_and(|f| f.carry);
        let (value, flags) = match gp {
            Gp::Add => add(x, y),
            Gp::Sub | Gp::Cmp => subtract(x, y),
            Gp::Dec => {
                let (value, flags) = subtract(x, 1);
                (value, Flags { carry, ..flags })
            }
            Gp::Neg => subtract(0, x),
            Gp::Test => logic(x & y),
            Gp::Logic(f) => logic(f(x, y)),
            Gp::Shift(f) => return self.undefined_flags(f(x, y as u32 & 63)),
            Gp::Imul => {
                let product = match self.step.ins.op_count() {
                    3 => y.wrapping_mul(self.step.imm),
                    _ => x.wrapping_mul(y),
                };
                return self.undefined_flags(product);
            }
            _ => unreachable!("not arithmetic"),
        };
        self.state.flags = Some(flags);
        if matches!(gp, Gp::Cmp | Gp::Test) {
            return Ok(());
        }
        self.write(value)
    }

    /// For instructions whose flags are undefined or that nobody should jump on.
    fn undefined_flags(&mut self, value: u64) -> Result<(), String> {
        self.state.flags = None;
        self.write(value)
    }

    fn jump(&self) -> Result<Next, String> {
        let f = self.state.flags.ok_or("jumps on undefined flags")?;
        let less = f.sign != f.overflow;
        let taken = match self.step.ins.condition_code() {
            ConditionCode::b => f.carry,
            ConditionCode::ae => !f.carry,
            ConditionCode::e => f.zero,
            ConditionCode::ne => !f.zero,
            ConditionCode::be => f.carry || f.zero,
            ConditionCode::a => !f.carry && !f.zero,
            ConditionCode::s => f.sign,
            ConditionCode::ns => !f.sign,
            ConditionCode::l => less,
            ConditionCode::ge => !less,
            ConditionCode::le => less || f.zero,
            ConditionCode::g => !less && !f.zero,
            other => return Err(format!("jumps on {other:?}")),
        };
        Ok(if taken { Next::Target } else { Next::Step })
    }
}

fn add(x: u64, y: u64) -> (u64, Flags) {
    let (value, carry) = x.overflowing_add(y);
    let overflow = (x as i64).overflowing_add(y as i64).1;
    (value, flags(value, carry, overflow))
}

fn subtract(x: u64, y: u64) -> (u64, Flags) {
    let (value, carry) = x.overflowing_sub(y);
    let overflow = (x as i64).overflowing_sub(y as i64).1;
    (value, flags(value, carry, overflow))
}

fn logic(value: u64) -> (u64, Flags) {
    (value, flags(value, false, false))
}

fn flags(value: u64, carry: bool, overflow: bool) -> Flags {
    Flags {
        zero: value == 0,
        sign: (value as i64) < 0,
        carry,
        overflow,
    }
}
