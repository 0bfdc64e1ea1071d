//! The one error type: a status of the C API and a sentence that names the argument and the numbers.
//!
//! *Invalid arguments* is the caller's mistake, *unimplemented* is ours; the sentence reaches the caller through
//! `brick_last_error`.

use std::borrow::Cow;

/// Why a call failed, with the numbers of `brick_status_t` (success is `Ok`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// A buffer, scratch memory or code memory could not be had.
    OutOfMemory = 1,
    /// The caller passed something that cannot mean anything.
    InvalidArguments = 2,
    /// The request is meaningful, but brick does not do it.
    Unimplemented = 3,
    /// There is no further implementation to iterate to.
    LastImplReached = 4,
    /// An internal failure: a bug in brick.
    RuntimeError = 5,
    /// The queried value does not exist for this object.
    NotRequired = 6,
}

/// A status and its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What the C call returns.
    pub status: Status,
    /// What `brick_last_error` says.
    pub message: Cow<'static, str>,
}

/// The result of everything that may fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with the given status and sentence.
    pub fn new(status: Status, message: impl Into<Cow<'static, str>>) -> Error {
        Error {
            status,
            message: message.into(),
        }
    }

    /// That so many bytes of memory could not be had.
    pub fn out_of_memory(bytes: usize) -> Error {
        let message = format!("{bytes} bytes of memory could not be had");
        Error::new(Status::OutOfMemory, message)
    }
}

/// `invalid!("src has {} dims, dst {}", a, b)`: an *invalid arguments* error.
#[macro_export]
macro_rules! invalid {
    ($($arg:tt)*) => { $crate::error::Error::new($crate::error::Status::InvalidArguments, format!($($arg)*)) };
}

/// `unimplemented_here!("…")`: an *unimplemented* error; the sentence says what is missing.
#[macro_export]
macro_rules! unimplemented_here {
    ($($arg:tt)*) => { $crate::error::Error::new($crate::error::Status::Unimplemented, format!($($arg)*)) };
}

/// `require!(cond, "…")`: what the caller must see to; else *invalid arguments*, with the sentence.
#[macro_export]
macro_rules! require {
    ($cond:expr, $($arg:tt)*) => { $crate::ensure!($cond, $crate::invalid!($($arg)*)) };
}

/// `supported!(cond, "…")`: what brick asks for beyond that; else *unimplemented*, with the sentence.
#[macro_export]
macro_rules! supported {
    ($cond:expr, $($arg:tt)*) => { $crate::ensure!($cond, $crate::unimplemented_here!($($arg)*)) };
}

/// `ensure!(cond, invalid!("…"))`: returns the error when the condition does not hold.
#[macro_export]
macro_rules! ensure {
    ($cond:expr, $err:expr) => {
        if !$cond {
            return Err($err);
        }
    };
}
