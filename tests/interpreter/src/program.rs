//! A kernel's code, decoded once and run any number of times.

use crate::memory::{Access, Memory};
use crate::scalar::{self, Next};
use crate::state::State;
use crate::step::{self, Step};
use crate::table::Op;
use crate::vector;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic};

/// Instructions after which a run counts as endless.
const LIMIT: u64 = 1 << 32;
/// Bytes of stack, of which kernels use a few registers' worth.
const STACK: usize = 4096;
/// What the caller of a kernel would be.
const RETURN: u64 = 0x5EED_5EED_5EED_5EED;

/// A chunk of code memory; kernels are placed at multiples of 64.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; 64]);

/// A decoded kernel.
pub struct Program {
    name: String,
    steps: Vec<Step>,
    code: Vec<Line>,
    /// Where the instructions end, and the constants.
    end: usize,
    len: usize,
}

/// How often each instruction of a program was carried out.
pub struct Profile<'a> {
    steps: &'a [Step],
    counts: Vec<u64>,
}

impl Profile<'_> {
    /// How many of the instructions carried out are like this.
    pub fn count(&self, like: impl Fn(&Instruction) -> bool) -> u64 {
        let counted = self.steps.iter().zip(&self.counts);
        counted.filter(|(s, _)| like(&s.ins)).map(|(_, n)| n).sum()
    }
}

impl Program {
    /// Decodes code that ends in its only return, with constants behind it.
    pub fn new(name: &str, bytes: &[u8]) -> Result<Program, String> {
        let code: Vec<Line> = bytes
            .chunks(64)
            .map(|chunk| {
                let mut line = Line([0xCC; 64]);
                line.0[..chunk.len()].copy_from_slice(chunk);
                line
            })
            .collect();
        let mut program = Program {
            name: name.to_owned(),
            steps: Vec::new(),
            code,
            end: 0,
            len: bytes.len(),
        };
        program
            .decode(bytes)
            .map_err(|reason| format!("{name}: {reason}"))?;
        Ok(program)
    }

    fn start(&self) -> u64 {
        self.code.as_ptr() as u64
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<(), String> {
        let start = self.start();
        let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
        // The step that starts at each byte.
        let mut starts = vec![None; bytes.len()];
        loop {
            let at = decoder.position();
            if !decoder.can_decode() {
                return Err("runs past the end of the code".into());
            }
            let ins = decoder.decode();
            if ins.is_invalid() {
                return Err(format!("+{at:#x}: no instruction"));
            }
            starts[at] = Some(self.steps.len());
            let step = Step::new(ins).map_err(|reason| format!("+{at:#x}: {reason}"))?;
            self.steps.push(step);
            if ins.mnemonic() == Mnemonic::Ret {
                break;
            }
        }
        self.end = decoder.position();
        for step in &mut self.steps {
            if step.ins.near_branch_target() == 0 {
                continue;
            }
            let offset = step.ins.near_branch_target().wrapping_sub(start) as usize;
            step.target =
                starts.get(offset).copied().flatten().ok_or_else(|| {
                    format!("`{}` jumps between instructions", step::text(&step.ins))
                })?;
        }
        Ok(())
    }

    /// Calls the kernel with a pointer to its arguments. Besides `memory` it may use a stack and its own constants.
    pub fn run(&self, argument: *const u8, memory: &mut Memory) -> Result<Profile<'_>, String> {
        let mut stack = vec![0xEEu8; STACK];
        let top = STACK - 8;
        stack[top..].copy_from_slice(&RETURN.to_le_bytes());
        let constants = self.start() + self.end as u64;
        self.allow(memory, &mut stack, constants as *const u8);
        let entry = State::entry(argument as u64, stack.as_ptr() as u64 + top as u64);
        let result = self.steps_from(entry, memory);
        memory.forbid_last();
        memory.forbid_last();
        result
    }

    #[allow(unsafe_code)]
    fn allow(&self, memory: &mut Memory, stack: &mut [u8], constants: *const u8) {
        // SAFETY: `run` holds the stack and the code until the regions are taken back.
        unsafe {
            memory.allow("the stack", stack.as_mut_ptr(), STACK, Access::Write);
            let len = self.len - self.end;
            memory.allow("the constants", constants, len, Access::Read);
        }
    }

    fn steps_from(&self, mut state: State, memory: &Memory) -> Result<Profile<'_>, String> {
        let mut counts = vec![0; self.steps.len()];
        let mut at = 0;
        for _ in 0..LIMIT {
            let step = &self.steps[at];
            counts[at] += 1;
            let next = match step.op {
                Op::Scalar(gp) => scalar::execute(gp, &mut state, memory, step),
                _ => vector::execute(&mut state, memory, step).map(|()| Next::Step),
            };
            match next.map_err(|reason| self.blame(step, &reason))? {
                Next::Step => at += 1,
                Next::Target => at = step.target,
                Next::Return(RETURN) => {
                    state.check_exit().map_err(|r| self.blame(step, &r))?;
                    let steps = &self.steps;
                    return Ok(Profile { steps, counts });
                }
                Next::Return(to) => {
                    return Err(self.blame(step, &format!("returns to {to:#x}")));
                }
            }
        }
        Err(format!("{}: does not end", self.name))
    }

    fn blame(&self, step: &Step, reason: &str) -> String {
        let offset = step.ins.ip() - self.start();
        format!(
            "{}: +{offset:#x}: `{}` {reason}",
            self.name,
            step::text(&step.ins)
        )
    }
}
