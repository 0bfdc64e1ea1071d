//! Every rung of the instruction-set ladder on every machine: what this processor lacks is interpreted.

use brick::kernel::emulate_with;
use brick::kernel::spec::{Args, Spec};
use brick::machine::Isa;
use interpreter::{Memory, Program};

/// All rungs; from the first call on, kernels of those above this machine's run in the interpreter.
pub fn rungs() -> [Isa; 5] {
    emulate_with(|spec: &Spec, code: &[u8]| {
        let program = Program::new(&spec.name(), code).unwrap_or_else(|e| panic!("{e}"));
        Box::new(move |args: &Args| {
            // SAFETY: the code is trusted with this process's memory, as it would be natively.
            #[allow(unsafe_code)]
            let mut memory = unsafe { Memory::unchecked() };
            let argument = std::ptr::from_ref(args).cast();
            if let Err(reason) = program.run(argument, &mut memory) {
                panic!("{reason}");
            }
        })
    });
    [
        Isa::Portable,
        Isa::Avx2,
        Isa::Avx512,
        Isa::Avx512Vnni,
        Isa::Avx512Bf16,
    ]
}
