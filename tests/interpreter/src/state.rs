//! Registers and flags.

/// A vector register, lowest byte first.
pub type Vector = [u8; 64];

pub const RSP: usize = 4;
pub const RDI: usize = 7;
/// Registers that a function must leave as they were: rbx, rsp, rbp, r12 to r15.
const KEPT: [usize; 7] = [3, RSP, 5, 12, 13, 14, 15];

/// Flags after a comparison or an addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub zero: bool,
    pub sign: bool,
    pub carry: bool,
    pub overflow: bool,
}

/// What a program changes besides memory.
pub struct State {
    pub gpr: [u64; 16],
    /// Nothing while they are undefined.
    pub flags: Option<Flags>,
    pub vectors: [Vector; 32],
    pub masks: [u64; 8],
    /// The registers at the start.
    start: [u64; 16],
}

impl State {
    /// As at a function's entry: everything but the argument and the stack pointer holds what must not be relied on.
    pub fn entry(argument: u64, stack: u64) -> State {
        let mut gpr = std::array::from_fn(|i| 0xBADC_0FFE_E000_0000 + i as u64);
        gpr[RDI] = argument;
        gpr[RSP] = stack;
        State {
            gpr,
            flags: None,
            vectors: std::array::from_fn(|i| [0xF0 | i as u8; 64]),
            masks: std::array::from_fn(|i| 0x5AA5_A55A_C33C_3CC3 << i),
            start: gpr,
        }
    }

    /// What a function owes its caller, once it has returned (which popped one address).
    pub fn check_exit(&self) -> Result<(), String> {
        let mut want = self.start;
        want[RSP] += 8;
        if let Some(r) = KEPT.iter().find(|r| self.gpr[**r] != want[**r]) {
            return Err(format!("register {r} was not restored"));
        }
        let dirty = |v: &Vector| v[16..].iter().any(|b| *b != 0);
        if self.vectors[..16].iter().any(dirty) {
            return Err("upper halves of vector registers are not zero".into());
        }
        Ok(())
    }
}
