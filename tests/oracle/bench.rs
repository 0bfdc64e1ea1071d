//! Where a kernel runs: guarded buffers for its operands, and a call that checks what it must leave alone.

use super::guard::{Guarded, Side};
use super::random::Random;
use brick::error::Status;
use brick::kernel::spec::{Args, Spec};
use brick::kernel::{Kernel, machine_code};
use brick::knobs::{self, JitMemory};
use brick::machine::machine;
use interpreter::{Access, Memory, Program};

/// What went wrong, in words; nothing if nothing did.
pub type Verdict = Result<(), String>;

/// What a buffer held before the call, and where.
struct Placed {
    at: *mut u8,
    bytes: Vec<u8>,
}

/// Guarded buffers for one case after the other: 0 A, 1 B, 2 C, 3 D, 4 and 5 batch arrays, then operands.
pub struct Bench {
    slots: Vec<Guarded>,
    /// Those of the current case.
    placed: Vec<Option<Placed>>,
}

pub const A: usize = 0;
pub const B: usize = 1;
pub const C: usize = 2;
pub const D: usize = 3;
pub const LISTS: [usize; 2] = [4, 5];
pub const OPERANDS: usize = 6;
const NAMES: [&str; OPERANDS] = ["A", "B", "C", "D", "the list of A", "the list of B"];

impl Bench {
    pub fn new() -> Bench {
        Bench {
            slots: (0..OPERANDS + 8).map(|_| Guarded::new(1 << 18)).collect(),
            placed: (0..OPERANDS + 8).map(|_| None).collect(),
        }
    }

    pub fn place(&mut self, slot: usize, bytes: Vec<u8>, random: &mut Random) -> *mut u8 {
        let side = if random.below(4) == 0 {
            Side::Front
        } else {
            Side::Back
        };
        let at = self.slots[slot].place(&bytes, side);
        self.placed[slot] = Some(Placed { at, bytes });
        at
    }

    /// Calls the kernel, interpreted and natively as far as possible; afterwards everything but D must be as before.
    /// Returns D.
    pub fn call(&mut self, spec: &Spec, args: &Args) -> Result<Vec<u8>, String> {
        if std::env::var_os("BRICK_TEST_TRACE").is_some() {
            eprintln!("{spec:?} batch {} m {}", args.batch, args.m);
        }
        let interpreted = match machine_code(spec) {
            Ok(code) => Some(self.interpret(spec, &code, args)?),
            Err(_) => None,
        };
        let native = if interpreted.is_none() || spec.isa() <= machine().isa {
            Some(self.call_natively(spec, args)?)
        } else {
            None
        };
        self.placed.fill_with(|| None);
        match (interpreted, native) {
            (Some(interpreted), Some((native, true))) if interpreted != native => {
                let at = interpreted.iter().zip(&native).position(|(i, n)| i != n);
                Err(format!("interpreted and native code differ at {at:?} of D"))
            }
            (_, Some((bytes, _))) | (Some(bytes), None) => Ok(bytes),
            (None, None) => unreachable!("what is not interpreted is called"),
        }
    }

    /// D after interpreting the code; D itself is as before.
    fn interpret(&self, spec: &Spec, code: &[u8], args: &Args) -> Result<Vec<u8>, String> {
        let mut memory = Memory::new();
        let argument = std::ptr::from_ref(args).cast();
        let operands = self.placed[OPERANDS..].iter().flatten().count();
        // SAFETY: the arguments and the operands' addresses outlive the run, and so do the buffers.
        unsafe {
            memory.allow("the arguments", argument, size_of::<Args>(), Access::Read);
            memory.allow(
                "the list of operands",
                args.operands.cast(),
                operands * 8,
                Access::Read,
            );
        }
        for (slot, placed) in self.placed.iter().enumerate() {
            let Some(Placed { at, bytes }) = placed else {
                continue;
            };
            let access = if slot == D {
                Access::Write
            } else {
                Access::Read
            };
            let name = NAMES.get(slot).copied().unwrap_or("an operand");
            // SAFETY: as above.
            unsafe { memory.allow(name, *at, bytes.len(), access) };
        }
        Program::new(&spec.name(), code)?.run(argument, &mut memory)?;
        let after = self.slots[D].bytes().to_vec();
        if let Some(Placed { at, bytes }) = &self.placed[D] {
            // SAFETY: the buffer holds as many bytes; nobody reads it meanwhile.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), *at, bytes.len()) };
        }
        Ok(after)
    }

    /// D after the call of generated code, or else (and then the second value is false) of the portable kernel.
    fn call_natively(&mut self, spec: &Spec, args: &Args) -> Result<(Vec<u8>, bool), String> {
        let kernel = Kernel::get(spec).map_err(|e| format!("refused: {}", e.message))?;
        match kernel.entry() {
            // SAFETY: `args` points to guarded buffers laid out as the specification says.
            Some(entry) => unsafe { call_keeping_registers(entry, args) }?,
            None => {
                check_refusal(spec)?;
                // SAFETY: as above.
                unsafe { kernel.call(args) };
            }
        }
        for (slot, placed) in self.placed.iter().enumerate() {
            if let Some(before) = placed
                && slot != D
                && self.slots[slot].bytes() != before.bytes
            {
                return Err(format!("buffer {slot} was changed"));
            }
        }
        Ok((self.slots[D].bytes().to_vec(), kernel.entry().is_some()))
    }
}

/// A kernel may be the portable one where its rung, the host or the generator's reach say so, never for a mistake of
/// the generator.
fn check_refusal(spec: &Spec) -> Verdict {
    let refused = |e: brick::error::Error| e.status == Status::Unimplemented;
    match machine_code(spec) {
        Err(e) if !refused(e.clone()) => Err(format!("not generated: {}", e.message)),
        Ok(_) if knobs::JIT_MEMORY.get() == JitMemory::Auto => Err("generated but not used".into()),
        _ => Ok(()),
    }
}

/// Calls generated code and checks that it keeps the registers that a C function must keep.
///
/// # Safety
/// As for the kernel.
#[cfg(target_arch = "x86_64")]
unsafe fn call_keeping_registers(entry: unsafe extern "C" fn(*const Args), args: &Args) -> Verdict {
    let changed: u64;
    // SAFETY: the block saves what it overwrites, calls with an aligned stack and declares the rest as clobbered.
    unsafe {
        std::arch::asm!(
            "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
            "mov ebx, 11", "mov ebp, 12", "mov r12d, 13", "mov r13d, 14", "mov r14d, 15", "mov r15d, 16",
            "call rax",
            "xor rbx, 11", "xor rbp, 12", "xor r12, 13", "xor r13, 14", "xor r14, 15", "xor r15, 16",
            "or rbx, rbp", "or rbx, r12", "or rbx, r13", "or rbx, r14", "or rbx, r15",
            "mov rax, rbx",
            "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
            inout("rax") entry as usize as u64 => changed,
            in("rdi") args,
            clobber_abi("C"),
        );
    }
    if changed == 0 {
        Ok(())
    } else {
        Err("a register that must be kept was changed".into())
    }
}

/// # Safety
/// As for the kernel.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn call_keeping_registers(entry: unsafe extern "C" fn(*const Args), args: &Args) -> Verdict {
    // SAFETY: passed on to the caller.
    unsafe { entry(args) };
    Ok(())
}
