//! `brick_primitive_desc_*` and `brick_primitive_*`: descriptors queried, primitives made and executed.

use super::{
    ABSENT, borrow, borrow_mut, destroy, engine, guard, guard_or, hand_out, not_null, null, put,
    types::*,
};
use crate::{
    ensure,
    error::{Error, Result, Status},
    invalid,
    memory::{Memory, MemoryDesc},
    primitive::{Primitive, PrimitiveDesc, no_further_implementation},
    require, unimplemented_here,
};
use std::ffi::{c_char, c_int, c_void};

/// Moves a descriptor on to the next implementation. brick has one of each primitive.
///
/// @param primitive_desc The descriptor; it stays as it is.
/// @returns #brick_last_impl_reached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_desc_next_impl(
    primitive_desc: brick_primitive_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor.
    guard(|| unsafe {
        borrow_mut(primitive_desc, "primitive_desc")?;
        Err(no_further_implementation())
    })
}

/// Copies a descriptor.
///
/// @param primitive_desc Output descriptor; destroy it with brick_primitive_desc_destroy().
/// @param existing_primitive_desc The descriptor to copy.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_desc_clone(
    primitive_desc: *mut brick_primitive_desc_t,
    existing_primitive_desc: const_brick_primitive_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor and a writable place.
    guard(|| unsafe {
        hand_out(primitive_desc, "primitive_desc", || {
            borrow(existing_primitive_desc, "existing_primitive_desc").cloned()
        })
    })
}

/// Queries the attributes that a descriptor was made with.
///
/// @param primitive_desc The descriptor.
/// @param attr Receives the attributes, which live as long as the descriptor: do not destroy them.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_desc_get_attr(
    primitive_desc: const_brick_primitive_desc_t,
    attr: *mut const_brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor and a writable place.
    guard(|| unsafe {
        put(attr, "attr", || {
            let desc = borrow(primitive_desc, "primitive_desc")?;
            Ok(std::ptr::from_ref(desc.attr()).cast())
        })
    })
}

/// Destroys a descriptor. Primitives made from it are not affected.
///
/// @param primitive_desc The descriptor, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_desc_destroy(
    primitive_desc: brick_primitive_desc_t,
) -> brick_status_t {
    // SAFETY: the caller owns the descriptor.
    unsafe { destroy(primitive_desc) }
}

/// The memory descriptor that a query asks for; an absent one where the primitive needs none.
fn query_md(desc: &PrimitiveDesc, what: brick_query_t, index: c_int) -> Result<&MemoryDesc> {
    require!(index >= 0, "index: {index} is negative");
    let arg = |id: c_int| desc.arg(id).unwrap_or(&ABSENT);
    let indexed = |first: c_int, count: c_int| match index {
        i if i < count => arg(first + i),
        _ => &ABSENT,
    };
    // The bias counts as the last weights, of primitives that have it.
    let weights = |first: c_int, bias: c_int| {
        let given = (first..first + 4)
            .chain([bias])
            .filter_map(|id| desc.arg(id));
        given.into_iter().nth(index as usize).unwrap_or(&ABSENT)
    };
    Ok(match what {
        brick_query_src_md if desc.arg(BRICK_ARG_MULTIPLE_SRC).is_some() => {
            indexed(BRICK_ARG_MULTIPLE_SRC, 1024)
        }
        brick_query_src_md => indexed(BRICK_ARG_SRC_0, 4),
        brick_query_diff_src_md => indexed(BRICK_ARG_DIFF_SRC_0, 4),
        brick_query_weights_md => weights(BRICK_ARG_WEIGHTS_0, BRICK_ARG_BIAS),
        brick_query_diff_weights_md => weights(BRICK_ARG_DIFF_WEIGHTS_0, BRICK_ARG_DIFF_BIAS),
        brick_query_dst_md => indexed(BRICK_ARG_DST_0, 3),
        brick_query_diff_dst_md => indexed(BRICK_ARG_DIFF_DST_0, 3),
        brick_query_workspace_md => indexed(BRICK_ARG_WORKSPACE, 1),
        brick_query_scratchpad_md => desc.scratchpad(),
        brick_query_exec_arg_md if index == BRICK_ARG_SCRATCHPAD => desc.scratchpad(),
        brick_query_exec_arg_md => arg(index),
        _ => {
            return Err(invalid!(
                "what: {what} is not a query of a memory descriptor"
            ));
        }
    })
}

/// What a query of a primitive descriptor answers.
enum Answer<'a> {
    S32(c_int),
    S64(i64),
    F32(f32),
    F64(f64),
    Text(*const c_char),
    Md(&'a MemoryDesc),
    Dims(*const i64),
    Engine(brick_engine_t),
}

fn not_there(desc: &PrimitiveDesc, what: &str) -> Error {
    unimplemented_here!("what: {} has no {what}", desc.op().kind().1)
}

fn answer(desc: &PrimitiveDesc, what: brick_query_t, index: c_int) -> Result<Answer<'_>> {
    let (op, lacks) = (desc.op(), |name| move || not_there(desc, name));
    Ok(match what {
        brick_query_engine | brick_query_scratchpad_engine => {
            Answer::Engine(engine::handle(desc.engine()))
        }
        brick_query_reorder_src_engine | brick_query_reorder_dst_engine => {
            ensure!(
                op.kind().0 == brick_reorder,
                not_there(desc, "engine of a reorder")
            );
            Answer::Engine(engine::handle(match what {
                brick_query_reorder_src_engine => desc.src_engine(),
                _ => desc.engine(),
            }))
        }
        brick_query_primitive_kind => Answer::S32(op.kind().0),
        brick_query_num_of_inputs_s32 => Answer::S32(desc.count(false) as c_int),
        brick_query_num_of_outputs_s32 => Answer::S32(desc.count(true) as c_int),
        brick_query_time_estimate_f64 => Answer::F64(0.0),
        brick_query_memory_consumption_s64 => Answer::S64(desc.library_scratch_bytes() as i64),
        brick_query_impl_info_str => Answer::Text(desc.impl_name().as_ptr()),
        brick_query_cache_blob_id_size_s64 => Answer::S64(0),
        brick_query_prop_kind => {
            Answer::S32(op.prop().ok_or_else(lacks("propagation kind"))? as c_int)
        }
        brick_query_alg_kind => Answer::S32(op.alg().ok_or_else(lacks("algorithm"))?),
        brick_query_alpha_f32 => Answer::F32(op.alpha_beta().ok_or_else(lacks("alpha"))?.0),
        brick_query_beta_f32 => Answer::F32(op.alpha_beta().ok_or_else(lacks("beta"))?.1),
        brick_query_src_md..=brick_query_scratchpad_md | brick_query_exec_arg_md => {
            match query_md(desc, what, index)? {
                md if md.is_absent() => {
                    return Err(Error::new(
                        Status::NotRequired,
                        "what: the primitive needs no such memory",
                    ));
                }
                md => Answer::Md(md),
            }
        }
        brick_query_strides..=brick_query_padding_r => {
            let which = (what - brick_query_strides) as usize;
            let dims = op.spatial(which).ok_or_else(lacks("strides or padding"))?;
            Answer::Dims(dims.as_ptr())
        }
        brick_query_cell_kind
        | brick_query_direction
        | brick_query_activation_kind
        | brick_query_flags => {
            let d = op.rnn().ok_or_else(lacks("cell"))?;
            Answer::S32(match what {
                brick_query_cell_kind => d.cell as c_int,
                brick_query_direction => d.direction as c_int,
                brick_query_activation_kind => d.chosen_activation().map_or(0, |a| a as c_int),
                _ => c_int::from(d.overwrites),
            })
        }
        brick_query_cache_blob_id..=brick_query_group_size_s64 => {
            return Err(not_there(desc, &format!("query {what}")));
        }
        _ => {
            return Err(invalid!(
                "what: {what} is not a query of a primitive descriptor"
            ));
        }
    })
}

/// Queries a descriptor.
///
/// @param primitive_desc The descriptor.
/// @param what The query; its name says what `result` points to, see #brick_query_t.
/// @param index Which of several answers; of #brick_query_exec_arg_md, the argument's number.
/// @param result Where the answer goes. Descriptors, engines and texts stay the queried descriptor's.
/// @returns #brick_not_required if the primitive needs no such memory, #brick_unimplemented if its kind has no such
///     parameter, #brick_invalid_arguments for an unknown query.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_desc_query(
    primitive_desc: const_brick_primitive_desc_t,
    what: brick_query_t,
    index: c_int,
    result: *mut c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor and a place of the type that the query documents.
    guard(|| unsafe {
        let desc = borrow(primitive_desc, "primitive_desc")?;
        not_null(result, "result")?;
        match answer(desc, what, index)? {
            Answer::S32(value) => result.cast::<c_int>().write_unaligned(value),
            Answer::S64(value) => result.cast::<i64>().write_unaligned(value),
            Answer::F32(value) => result.cast::<f32>().write_unaligned(value),
            Answer::F64(value) => result.cast::<f64>().write_unaligned(value),
            Answer::Text(value) => result.cast::<*const c_char>().write_unaligned(value),
            Answer::Dims(dims) => result.cast::<*const i64>().write_unaligned(dims),
            Answer::Md(md) => result.cast::<*const MemoryDesc>().write_unaligned(md),
            Answer::Engine(value) => result.cast::<brick_engine_t>().write_unaligned(value),
        }
        Ok(())
    })
}

/// Queries a memory descriptor that a primitive works with; where the caller left the layout open, the one chosen.
///
/// @param primitive_desc The descriptor.
/// @param what A query of a memory descriptor, #brick_query_src_md to #brick_query_exec_arg_md.
/// @param index Which of several; of #brick_query_exec_arg_md, the argument's number.
/// @returns A descriptor that lives as long as the queried one: an absent one where the primitive needs no such memory; NULL
///     for another query, a negative index or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_desc_query_md(
    primitive_desc: const_brick_primitive_desc_t,
    what: brick_query_t,
    index: c_int,
) -> const_brick_memory_desc_t {
    // SAFETY: the caller passes a live descriptor.
    guard_or(std::ptr::null(), || unsafe {
        let desc = borrow(primitive_desc, "primitive_desc")?;
        Ok(std::ptr::from_ref(query_md(desc, what, index)?).cast())
    })
}

/// Queries a number.
///
/// @param primitive_desc The descriptor.
/// @param what A query that answers an `int`.
/// @param index Which of several answers.
/// @returns The answer; 0 for another query or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_desc_query_s32(
    primitive_desc: const_brick_primitive_desc_t,
    what: brick_query_t,
    index: c_int,
) -> c_int {
    // SAFETY: the caller passes a live descriptor.
    guard_or(0, || unsafe {
        match answer(borrow(primitive_desc, "primitive_desc")?, what, index)? {
            Answer::S32(value) => Ok(value),
            _ => Err(invalid!("what: query {what} does not answer an int")),
        }
    })
}

/// Creates a primitive: its kernels are generated, unless an equal primitive exists or the primitive cache has one.
///
/// @param primitive Output primitive; destroy it with brick_primitive_destroy().
/// @param primitive_desc The descriptor; it may be destroyed afterwards, as all that it was made from.
/// @returns #brick_invalid_arguments if a pointer is NULL, #brick_out_of_memory if memory for code or scratch cannot be had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_create(
    primitive: *mut brick_primitive_t,
    primitive_desc: const_brick_primitive_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor and a writable place.
    guard(|| unsafe {
        hand_out(primitive, "primitive", || {
            Primitive::new(borrow(primitive_desc, "primitive_desc")?)
        })
    })
}

/// Would create a primitive from a blob; brick generates kernels faster than they could be read back.
///
/// @param primitive Left as it is.
/// @param primitive_desc The descriptor.
/// @param size Bytes of the blob.
/// @param cache_blob The blob.
/// @returns #brick_unimplemented, or #brick_invalid_arguments if a pointer is NULL or `size` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_create_from_cache_blob(
    primitive: *mut brick_primitive_t,
    primitive_desc: const_brick_primitive_desc_t,
    size: usize,
    cache_blob: *const u8,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor.
    guard(|| unsafe {
        not_null(primitive, "primitive")?;
        borrow(primitive_desc, "primitive_desc")?;
        not_null(cache_blob, "cache_blob")?;
        require!(size != 0, "size: the blob has 0 bytes");
        Err(no_blobs())
    })
}

fn no_blobs() -> Error {
    unimplemented_here!(
        "primitives have no cache blobs: create them from their descriptors, which takes microseconds"
    )
}

/// Executes a primitive and returns when it is done. Any number of threads may execute one primitive at once, with different
/// outputs.
///
/// @param primitive The primitive.
/// @param stream The stream, of the same engine.
/// @param nargs Number of arguments.
/// @param args The arguments, in any order. All inputs and outputs of the primitive must be there, and what its attributes ask
///     for; entries without memory are ignored, and unknown ones unless they are given twice. A memory's descriptor is not compared with the primitive's,
///     but it must not be smaller; where the primitive was made with runtime dimensions, it says them.
/// @returns #brick_invalid_arguments if an argument is missing, given twice, too small, without data or of another engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_execute(
    primitive: const_brick_primitive_t,
    stream: brick_stream_t,
    nargs: c_int,
    args: *const brick_exec_arg_t,
) -> brick_status_t {
    // SAFETY: the caller passes live handles, `nargs` arguments, and memory that is as large as it says.
    guard(|| unsafe {
        let primitive = borrow(primitive, "primitive")?;
        let stream = borrow(stream, "stream")?;
        require!(nargs >= 0, "nargs: {nargs} is negative");
        ensure!(nargs == 0 || !args.is_null(), null("args"));
        let args = match nargs {
            0 => &[],
            n => std::slice::from_raw_parts(args, n as usize),
        };
        let args = args
            .iter()
            .map(|a| (a.arg, a.memory.cast::<Memory>().as_ref()));
        primitive.execute(stream.engine(), stream.pool(), args)
    })
}

/// Queries the descriptor that a primitive was made from.
///
/// @param primitive The primitive.
/// @param primitive_desc Receives a descriptor that lives as long as the primitive: do not destroy it.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_get_primitive_desc(
    primitive: const_brick_primitive_t,
    primitive_desc: *mut const_brick_primitive_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live primitive and a writable place.
    guard(|| unsafe {
        put(primitive_desc, "primitive_desc", || {
            let desc = borrow(primitive, "primitive")?.desc();
            Ok(std::ptr::from_ref(desc).cast())
        })
    })
}

/// Would write a primitive to a blob.
///
/// @param primitive The primitive.
/// @param size Left as it is.
/// @param cache_blob Left as it is; may be NULL.
/// @returns #brick_unimplemented, or #brick_invalid_arguments if `primitive` or `size` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_get_cache_blob(
    primitive: const_brick_primitive_t,
    size: *mut usize,
    cache_blob: *mut u8,
) -> brick_status_t {
    let _ = cache_blob;
    // SAFETY: the caller passes a live primitive.
    guard(|| unsafe {
        borrow(primitive, "primitive")?;
        not_null(size, "size")?;
        Err(no_blobs())
    })
}

/// Destroys a primitive. No thread may be executing it.
///
/// @param primitive The primitive, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_destroy(primitive: brick_primitive_t) -> brick_status_t {
    // SAFETY: the caller owns the primitive.
    unsafe { destroy(primitive) }
}
