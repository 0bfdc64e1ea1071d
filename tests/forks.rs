//! Forks that come while another thread uses the library for the first time: the child is not left waiting for what that
//! thread had begun. Alone in its file, since it needs a process that has not used the library yet.

#[path = "oracle/child.rs"]
mod child;

use brick::jit::asm::Asm;
use brick::jit::code::{Code, Policy};
use brick::machine::{cores, effective_isa, machine};
use brick::threads::default_pool;
use child::in_child;
use std::sync::Barrier;

/// What a first creation and execution make once.
fn first_use() -> bool {
    let mut asm = Asm::new(false);
    asm.ret();
    let code = Code::publish(&asm.finish().unwrap(), Policy::Auto);
    default_pool().run(2, &|_| ());
    code.is_ok() && effective_isa() <= machine().isa && default_pool().len() <= cores()
}

#[test]
fn a_child_born_during_the_first_use_can_use_the_library() {
    for _ in 0..100 {
        let both = in_child(|| {
            let start = Barrier::new(2);
            std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    start.wait();
                    first_use()
                });
                start.wait();
                in_child(first_use) && other.join().unwrap()
            })
        });
        assert!(both);
    }
}
