//! A decoded instruction: what it does and where its operands are.

use crate::state::State;
use crate::table::{self, Op};
use iced_x86::{
    Formatter, Instruction, Mnemonic, NasmFormatter, OpKind, Register, RoundingControl,
};

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    None,
    Vector(usize),
    Mask(usize),
    /// A general-purpose register and how many of its bytes.
    Gpr(usize, usize),
    /// The memory operand, of which an instruction has one at most.
    Mem,
    Imm(u64),
}

/// base + index * scale + displacement
#[derive(Clone, Copy, Debug, Default)]
pub struct Address {
    base: Option<usize>,
    index: Option<(usize, u64)>,
    disp: u64,
}

impl Address {
    fn of(ins: &Instruction) -> Result<Address, String> {
        if ins.segment_prefix() != Register::None {
            return Err("has a segment prefix".into());
        }
        let reg = |r: Register| match r {
            Register::None | Register::RIP => Ok(None),
            r if r.is_gpr64() => Ok(Some(r.number())),
            r => Err(format!("addresses by {r:?}")),
        };
        let scale = u64::from(ins.memory_index_scale());
        Ok(Address {
            base: reg(ins.memory_base())?,
            index: reg(ins.memory_index())?.map(|r| (r, scale)),
            disp: ins.memory_displacement64(),
        })
    }

    pub fn value(&self, state: &State) -> u64 {
        let base = self.base.map_or(0, |r| state.gpr[r]);
        let index = self
            .index
            .map_or(0, |(r, scale)| state.gpr[r].wrapping_mul(scale));
        base.wrapping_add(index).wrapping_add(self.disp)
    }
}

/// An instruction, ready to be carried out.
pub struct Step {
    pub ins: Instruction,
    pub op: Op,
    /// Destination first; the immediate is not among them.
    pub operands: [Operand; 4],
    pub count: usize,
    pub imm: u64,
    pub address: Address,
    /// Bytes of the memory operand (of one element for a broadcast).
    pub memory_bytes: usize,
    /// Bytes of the longest vector register among the operands.
    pub len: usize,
    /// The opmask, 0 for none, and whether what it leaves out becomes zero.
    pub mask: usize,
    pub zeroing: bool,
    /// Where a jump goes: the index of a step.
    pub target: usize,
}

impl Step {
    /// Interprets the operands; the target of a jump is set by the program.
    pub fn new(ins: Instruction) -> Result<Step, String> {
        let refuse = |why: String| format!("`{}` {why}", text(&ins));
        let op = table::op(ins.mnemonic())
            .ok_or_else(|| refuse(format!("({:?}) is not in the table", ins.mnemonic())))?;
        if !rounds_to_nearest(&ins) {
            return Err(refuse("rounds in a way that is not interpreted".into()));
        }
        let mut step = Step {
            op,
            operands: [Operand::None; 4],
            count: 0,
            imm: 0,
            address: Address::default(),
            memory_bytes: 0,
            len: 0,
            mask: match ins.op_mask() {
                Register::None => 0,
                k => k.number(),
            },
            zeroing: ins.zeroing_masking(),
            target: 0,
            ins,
        };
        (0..ins.op_count()).try_for_each(|i| step.push(i).map_err(refuse))?;
        Ok(step)
    }

    fn push(&mut self, i: u32) -> Result<(), String> {
        let operand = match self.ins.op_kind(i) {
            OpKind::Register => self.register(self.ins.op_register(i))?,
            OpKind::Memory => {
                self.address = Address::of(&self.ins)?;
                self.memory_bytes = self.ins.memory_size().size();
                Operand::Mem
            }
            OpKind::NearBranch64 => return Ok(()),
            OpKind::Immediate8
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64 => {
                self.imm = self.ins.immediate(i);
                if self.count > 1 || self.op.is_vector() {
                    return Ok(());
                }
                Operand::Imm(self.imm)
            }
            kind => return Err(format!("has an operand of kind {kind:?}")),
        };
        self.operands[self.count] = operand;
        self.count += 1;
        Ok(())
    }

    fn register(&mut self, r: Register) -> Result<Operand, String> {
        if r.is_vector_register() {
            self.len = self.len.max(r.size());
            Ok(Operand::Vector(r.number()))
        } else if r.is_k() {
            Ok(Operand::Mask(r.number()))
        } else if r.is_gpr()
            && !matches!(r, Register::AH | Register::BH | Register::CH | Register::DH)
        {
            Ok(Operand::Gpr(r.number(), r.size()))
        } else {
            Err(format!("uses {r:?}"))
        }
    }

    /// The last operand, which is the second source of a vector instruction.
    pub fn last(&self) -> Operand {
        self.operands[self.count - 1]
    }

    pub fn broadcasts(&self) -> bool {
        self.ins.is_broadcast()
    }
}

fn rounds_to_nearest(ins: &Instruction) -> bool {
    let nearest = match ins.mnemonic() {
        Mnemonic::Vcvtps2ph => matches!(ins.immediate8() & 7, 0 | 4..),
        _ => true,
    };
    let embedded = ins.rounding_control();
    nearest
        && matches!(
            embedded,
            RoundingControl::None | RoundingControl::RoundToNearest
        )
}

/// The instruction in Intel's notation.
pub fn text(ins: &Instruction) -> String {
    let mut text = String::new();
    NasmFormatter::new().format(ins, &mut text);
    text
}
