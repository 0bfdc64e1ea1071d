//! Running what changes a process for good, limits and settings, in a process of its own.
#![allow(unsafe_code)]

/// A child that takes longer waits for something that never comes, and is ended.
const LIMIT_S: u32 = 300;

/// Runs `body` in a forked child, whose limits and settings die with it; whether it returned true.
pub fn in_child(body: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `body` and leaves without unwinding into the parent's frames.
    unsafe {
        match libc::fork() {
            0 => {
                libc::alarm(LIMIT_S);
                let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
                libc::_exit(i32::from(!caught.unwrap_or(false)));
            }
            pid => {
                let mut status = 0;
                assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
            }
        }
    }
}
