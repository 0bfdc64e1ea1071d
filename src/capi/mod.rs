//! The C API: C values become Rust values and back, under one panic guard; nothing here computes.
//!
//! Every function that can fail runs its body in [`guard`]: the result becomes a status, its sentence becomes what
//! `brick_last_error` says, and a panic (a bug of ours) becomes *runtime error* instead of taking the host down. Outputs
//! are stored only on success. Handles are boxed Rust values behind opaque C types ([`Opaque`]).
//!
//! The doc comments of exported items are the text of `include/brick.h`, so they are written for C readers.
#![allow(unsafe_code, non_camel_case_types, non_upper_case_globals)]
#![allow(clippy::missing_safety_doc, clippy::too_many_arguments)]

use crate::{
    attr::F32,
    ensure,
    error::{Error, Result, Status},
    invalid, log_line,
    memory::{MAX_NDIMS, MemoryDesc},
    require,
};
use std::{
    any::Any,
    cell::RefCell,
    ffi::{CString, c_char, c_int},
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
};

pub mod attr;
pub mod attr_quant;
pub mod attr_rnn;
pub mod augru;
pub mod blas;
pub mod conv;
pub mod engine;
pub mod enums;
pub mod gru;
pub mod memory;
pub mod memory_desc;
pub mod memory_desc_query;
pub mod ops;
pub mod post_ops;
pub mod primitive;
pub mod rnn;
pub mod service;
pub mod stream;
pub mod strings;
pub mod transform;
pub mod types;
pub mod ukernel;

use types::*;

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Runs a function's body: errors become statuses, sentences are kept for the caller, panics stay inside.
pub(crate) fn guard(body: impl FnOnce() -> Result<()>) -> brick_status_t {
    // Unwind safety: a body stores its outputs as its last step, so a panic leaves nothing half done.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => brick_success,
        Ok(Err(error)) => fail(&error),
        Err(payload) => fail(&internal(&*payload)),
    }
}

/// As [`guard`], for functions that return a value; failing, they return `otherwise`.
pub(crate) fn guard_or<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    let mut result = otherwise;
    guard(|| {
        result = body()?;
        Ok(())
    });
    result
}

#[cold]
fn fail(error: &Error) -> brick_status_t {
    // A thread that is ending has no place for the sentence any more, and nobody to read it.
    let text = CString::new(error.message.replace('\0', " ")).unwrap_or_default();
    let _ = LAST_ERROR.try_with(|last| *last.borrow_mut() = text);
    match error.status {
        Status::InvalidArguments => log_line!(CHECK, "api,check,{}", error.message),
        Status::Unimplemented => log_line!(DISPATCH, "api,dispatch,{}", error.message),
        Status::OutOfMemory | Status::RuntimeError => {
            log_line!(ERROR, "api,error,{}", error.message)
        }
        Status::LastImplReached | Status::NotRequired => {}
    }
    error.status as brick_status_t
}

fn internal(payload: &(dyn Any + Send)) -> Error {
    let text = (payload.downcast_ref::<&str>().copied())
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(Status::RuntimeError, format!("internal error: {text}"))
}

/// The sentence of the last failure in this thread.
fn last_error() -> *const c_char {
    LAST_ERROR
        .try_with(|last| last.borrow().as_ptr())
        .unwrap_or(c"".as_ptr())
}

/// An opaque C type and the Rust value that really lies behind its handles.
pub(crate) trait Opaque {
    type Value;
}

pub(crate) fn null(name: &str) -> Error {
    invalid!("{name} is NULL")
}

/// Refuses a null pointer.
pub(crate) fn not_null<T>(pointer: *const T, name: &str) -> Result<()> {
    ensure!(!pointer.is_null(), null(name));
    Ok(())
}

/// What an absent descriptor's address leads to.
static ABSENT: MemoryDesc = MemoryDesc::absent();

/// As many values as a caller says he has, which may be more than memory holds.
fn gather<T>(count: usize, values: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(count)
        .map_err(|_| Error::out_of_memory(count.saturating_mul(size_of::<T>())))?;
    for value in values {
        all.push(value?);
    }
    Ok(all)
}

/// A float parameter.
fn not_nan(value: f32, name: impl Display) -> Result<F32> {
    require!(!value.is_nan(), "{name}: NaN");
    Ok(F32::new(value))
}

/// A set of dimensions, as bits.
fn check_mask(mask: c_int) -> Result<()> {
    require!(
        (0..1 << MAX_NDIMS).contains(&mask),
        "mask: {mask:#x} has bits beyond {MAX_NDIMS} dimensions"
    );
    Ok(())
}

/// The value behind a handle.
///
/// # Safety
/// `handle` is null or live, and the value is not changed meanwhile.
pub(crate) unsafe fn borrow<'a, C: Opaque>(handle: *const C, name: &str) -> Result<&'a C::Value> {
    // SAFETY: as this function demands.
    unsafe { handle.cast::<C::Value>().as_ref() }.ok_or_else(|| null(name))
}

/// The value behind a handle, to be changed.
///
/// # Safety
/// `handle` is null or live, and no other thread uses it.
pub(crate) unsafe fn borrow_mut<'a, C: Opaque>(
    handle: *mut C,
    name: &str,
) -> Result<&'a mut C::Value> {
    // SAFETY: as this function demands.
    unsafe { handle.cast::<C::Value>().as_mut() }.ok_or_else(|| null(name))
}

/// Stores a value that is computed only once its place is known to exist.
///
/// # Safety
/// `place` is null or writable.
pub(crate) unsafe fn put<T>(
    place: *mut T,
    name: &str,
    value: impl FnOnce() -> Result<T>,
) -> Result<()> {
    not_null(place, name)?;
    let value = value()?;
    // SAFETY: not null, so writable as this function demands.
    unsafe { place.write(value) };
    Ok(())
}

/// Stores a value where the caller wants it; a null place means that he does not.
///
/// # Safety
/// `place` is null or writable.
pub(crate) unsafe fn put_if<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: not null, so writable as this function demands.
        unsafe { place.write(value) };
    }
}

/// Hands a new value to the caller, who owns it until [`destroy`].
///
/// # Safety
/// `place` is null or writable.
pub(crate) unsafe fn hand_out<C: Opaque>(
    place: *mut *mut C,
    name: &str,
    make: impl FnOnce() -> Result<C::Value>,
) -> Result<()> {
    // SAFETY: as this function demands.
    unsafe { put(place, name, || Ok(Box::into_raw(Box::new(make()?)).cast())) }
}

/// Takes a value back and drops it; null does nothing.
///
/// # Safety
/// `handle` is null or came from [`hand_out`], and nobody uses it any more.
pub(crate) unsafe fn destroy<C: Opaque>(handle: *mut C) -> brick_status_t {
    guard(|| {
        if !handle.is_null() {
            // SAFETY: as this function demands.
            drop(unsafe { Box::from_raw(handle.cast::<C::Value>()) });
        }
        Ok(())
    })
}
