//! `brick_engine_*`: processors as clients name them.

use super::{borrow, guard, put, types::*};
use crate::{error::Result, primitive::Engine, require, supported};
use std::sync::Arc;

/// A share in the engine behind a handle: what outlives its destruction.
///
/// # Safety
/// `engine` is null or a live handle.
pub(super) unsafe fn share(engine: brick_engine_t, name: &str) -> Result<Arc<Engine>> {
    // SAFETY: as this function demands.
    let engine = std::ptr::from_ref(unsafe { borrow(engine, name) }?);
    // SAFETY: handles come from `Arc::into_raw`, and a live one holds a share itself.
    Ok(unsafe {
        Arc::increment_strong_count(engine);
        Arc::from_raw(engine)
    })
}

/// The handle of an engine.
pub(super) fn handle(engine: &Arc<Engine>) -> brick_engine_t {
    Arc::as_ptr(engine).cast_mut().cast()
}

/// Number of engines of a kind.
///
/// @param kind The kind.
/// @returns 1 for #brick_cpu, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn brick_engine_get_count(kind: brick_engine_kind_t) -> usize {
    usize::from(kind == brick_cpu)
}

/// Creates an engine. Streams, memory and primitives that work together must be made with the same one.
///
/// @param engine Output engine; destroy it with brick_engine_destroy().
/// @param kind #brick_cpu.
/// @param index Number of the engine, 0.
/// @returns #brick_invalid_arguments for another index, #brick_unimplemented for another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_engine_create(
    engine: *mut brick_engine_t,
    kind: brick_engine_kind_t,
    index: usize,
) -> brick_status_t {
    let create = || {
        require!(
            ENGINE_KIND.contains(kind),
            "kind: {kind} is not an engine kind"
        );
        supported!(
            kind == brick_cpu,
            "kind: {kind}, but brick has CPU engines (1) only"
        );
        require!(index == 0, "index: {index}, but there is one CPU engine, 0");
        Ok(Arc::into_raw(Engine::create()).cast_mut().cast())
    };
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { put(engine, "engine", create) })
}

/// Queries an engine's kind.
///
/// @param engine The engine.
/// @param kind Receives #brick_cpu.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_engine_get_kind(
    engine: brick_engine_t,
    kind: *mut brick_engine_kind_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live engine and a writable place.
    guard(|| unsafe {
        borrow(engine, "engine")?;
        put(kind, "kind", || Ok(brick_cpu))
    })
}

/// Destroys an engine. Streams and primitives made with it keep working.
///
/// @param engine The engine, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_engine_destroy(engine: brick_engine_t) -> brick_status_t {
    guard(|| {
        if !engine.is_null() {
            // SAFETY: the caller gives back the share that `brick_engine_create` gave him.
            drop(unsafe { Arc::from_raw(engine.cast::<Engine>().cast_const()) });
        }
        Ok(())
    })
}
