//! `brick_stream_*`: orders of executions, and the pools that run them.

use super::{borrow, destroy, engine, guard, hand_out, null, put, types::*};
use crate::{
    error::Result,
    primitive::Engine,
    require, supported,
    threads::{Pool, UserPool, default_pool, user::Callbacks},
};
use std::{ffi::c_uint, sync::Arc};

/// What lies behind a stream handle.
pub struct Stream {
    engine: Arc<Engine>,
    /// The caller's pool; the default one without.
    user_pool: Option<UserPool>,
}

impl Stream {
    /// The engine it belongs to.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The caller's pool, if it was created with one.
    pub fn user_pool(&self) -> Option<&UserPool> {
        self.user_pool.as_ref()
    }

    /// Where parallel parts run.
    pub fn pool(&self) -> &dyn Pool {
        match &self.user_pool {
            Some(pool) => pool,
            None => default_pool(),
        }
    }
}

fn check_flags(flags: c_uint) -> Result<()> {
    let orders = (brick_stream_in_order | brick_stream_out_of_order) as c_uint;
    let profiling = brick_stream_profiling as c_uint;
    require!(
        flags & !(orders | profiling) == 0 && flags & orders != orders,
        "flags: {flags:#x} is neither in_order (1) nor out_of_order (2)"
    );
    supported!(
        flags & profiling == 0,
        "flags: profiling (4) is not supported; verbose lines tell times"
    );
    Ok(())
}

/// Creates a stream. Executions are finished when brick_primitive_execute() returns. Any number of threads may use one stream.
///
/// @param stream Output stream; destroy it with brick_stream_destroy().
/// @param engine The engine.
/// @param flags #brick_stream_in_order or #brick_stream_out_of_order, which are the same here; 0 means the former.
/// @returns #brick_invalid_arguments for other flags, #brick_unimplemented for #brick_stream_profiling.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_stream_create(
    stream: *mut brick_stream_t,
    engine: brick_engine_t,
    flags: c_uint,
) -> brick_status_t {
    // SAFETY: the caller passes a live engine and a writable place.
    guard(|| unsafe {
        hand_out(stream, "stream", || {
            check_flags(flags)?;
            Ok(Stream {
                engine: engine::share(engine, "engine")?,
                user_pool: None,
            })
        })
    })
}

/// Creates a stream whose executions run their parallel parts on the caller's threads.
///
/// @param stream Output stream; destroy it with brick_stream_destroy().
/// @param engine The engine.
/// @param pool The pool. The struct is copied; the functions and the context must stay valid as long as the stream.
/// @returns #brick_invalid_arguments if a pointer or a function is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_stream_create_with_pool(
    stream: *mut brick_stream_t,
    engine: brick_engine_t,
    pool: *const brick_pool_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live engine, a readable pool that keeps its promises, and a writable place.
    guard(|| unsafe {
        hand_out(stream, "stream", || {
            let pool = pool.as_ref().ok_or_else(|| null("pool"))?;
            let callbacks = Callbacks {
                ctx: pool.ctx,
                num_threads: pool.num_threads.ok_or_else(|| null("pool->num_threads"))?,
                run: pool.run.ok_or_else(|| null("pool->run"))?,
            };
            Ok(Stream {
                engine: engine::share(engine, "engine")?,
                user_pool: Some(UserPool::new(callbacks)),
            })
        })
    })
}

/// Queries a stream's engine.
///
/// @param stream The stream.
/// @param engine Receives the engine, which stays the stream's: do not destroy it, unless it is a handle of your own.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_stream_get_engine(
    stream: const_brick_stream_t,
    engine: *mut brick_engine_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live stream and a writable place.
    guard(|| unsafe {
        put(engine, "engine", || {
            Ok(engine::handle(borrow(stream, "stream")?.engine()))
        })
    })
}

/// Waits until everything submitted to a stream is done; it always is.
///
/// @param stream The stream.
/// @returns #brick_invalid_arguments if `stream` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_stream_wait(stream: brick_stream_t) -> brick_status_t {
    // SAFETY: the caller passes a live stream.
    guard(|| unsafe { borrow(stream, "stream").map(drop) })
}

/// Destroys a stream.
///
/// @param stream The stream, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_stream_destroy(stream: brick_stream_t) -> brick_status_t {
    // SAFETY: the caller owns the stream.
    unsafe { destroy(stream) }
}
