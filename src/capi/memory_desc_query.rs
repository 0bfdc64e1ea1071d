//! `brick_memory_desc_*`: what C asks of descriptors.

use super::{guard, memory_desc::desc, not_null, types::*};
use crate::{
    dtype::DataType,
    error::Result,
    invalid,
    memory::{MAX_NDIMS, MemoryDesc},
    require,
};
use std::ffi::{c_char, c_int, c_void};

/// Compares two descriptors. Strides of dimensions of size 1 do not count.
///
/// @param lhs One descriptor.
/// @param rhs The other.
/// @returns 1 if they describe the same data in the same layout, else 0. NULL equals NULL only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_equal(
    lhs: const_brick_memory_desc_t,
    rhs: const_brick_memory_desc_t,
) -> c_int {
    // SAFETY: the caller passes live descriptors.
    let (lhs, rhs) = unsafe {
        (
            lhs.cast::<MemoryDesc>().as_ref(),
            rhs.cast::<MemoryDesc>().as_ref(),
        )
    };
    c_int::from(lhs == rhs)
}

/// Bytes of memory that a descriptor needs, from its first element on: the elements before the view that
/// brick_memory_desc_create_submemory() makes do not count, so memory is allocated for the whole, not for the view.
///
/// @param memory_desc The descriptor.
/// @returns The size; 0 for NULL, an absent descriptor, #brick_format_tag_any or an empty tensor;
///     BRICK_RUNTIME_SIZE_VAL if dimensions or strides are known at execution only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_get_size(
    memory_desc: const_brick_memory_desc_t,
) -> usize {
    // SAFETY: the caller passes a live descriptor.
    unsafe { desc(memory_desc, "memory_desc") }.map_or(0, MemoryDesc::size_bytes)
}

/// Bytes of one of the buffers that a descriptor needs. Descriptors of brick have one.
///
/// @param memory_desc The descriptor.
/// @param index Number of the buffer, 0.
/// @returns As brick_memory_desc_get_size(); 0 for another index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_get_size_v2(
    memory_desc: const_brick_memory_desc_t,
    index: c_int,
) -> usize {
    // SAFETY: the caller passes a live descriptor.
    unsafe {
        if index == 0 {
            brick_memory_desc_get_size(memory_desc)
        } else {
            0
        }
    }
}

/// Bytes of one element of a type; 1 for 4-bit types, two of which share a byte.
///
/// @param data_type The type.
/// @returns The size; the largest `size_t` for a number that is not a type.
#[unsafe(no_mangle)]
pub extern "C" fn brick_data_type_size(data_type: brick_data_type_t) -> usize {
    DataType::from_c(data_type, "data_type").map_or(usize::MAX, DataType::size_bytes)
}

/// What a query answers: numbers by value, arrays as pointers into the descriptor.
enum Answer<'a> {
    I32(i32),
    I64(i64),
    Dims(&'a [i64; MAX_NDIMS]),
}

fn answer(md: &MemoryDesc, what: brick_query_t) -> Result<Answer<'_>> {
    let blocked = |answer| match md.is_blocked() {
        true => Ok(answer),
        false => Err(invalid!("what: {md} has neither strides nor inner blocks")),
    };
    match what {
        brick_query_strides => blocked(Answer::Dims(&md.strides)),
        brick_query_ndims_s32 => Ok(Answer::I32(md.ndims)),
        brick_query_dims => Ok(Answer::Dims(&md.dims)),
        brick_query_data_type => Ok(Answer::I32(md.data_type)),
        brick_query_submemory_offset_s64 => Ok(Answer::I64(md.offset0)),
        brick_query_padded_dims => Ok(Answer::Dims(&md.padded_dims)),
        brick_query_padded_offsets => Ok(Answer::Dims(&md.padded_offsets)),
        brick_query_format_kind => Ok(Answer::I32(md.format_kind)),
        brick_query_inner_nblks_s32 => blocked(Answer::I32(md.inner_nblks)),
        brick_query_inner_blks => blocked(Answer::Dims(&md.inner_blks)),
        brick_query_inner_idxs => blocked(Answer::Dims(&md.inner_idxs)),
        brick_query_sparse_encoding | brick_query_nnz_s64 => Err(invalid!(
            "what: query {what} is about sparse memory, which {md} is not"
        )),
        brick_query_num_handles_s32 => Ok(Answer::I32(1)),
        _ => Err(invalid!(
            "what: {what} is not a query of a memory descriptor"
        )),
    }
}

/// Queries a descriptor.
///
/// @param memory_desc The descriptor.
/// @param what The query; it decides what `result` points to: #brick_query_ndims_s32, #brick_query_data_type,
///     #brick_query_format_kind, #brick_query_inner_nblks_s32 and #brick_query_num_handles_s32 write an `int`,
///     #brick_query_submemory_offset_s64 writes a `brick_dim_t`, the others write a `const brick_dim_t *` that points
///     into the descriptor and lives as long as it.
/// @param result Where the answer goes.
/// @returns #brick_invalid_arguments for an unknown query, or if strides or blocks are asked of a descriptor that has
///     none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_query(
    memory_desc: const_brick_memory_desc_t,
    what: brick_query_t,
    result: *mut c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor and a place of the type that the query documents.
    guard(|| unsafe {
        let md = desc(memory_desc, "memory_desc")?;
        not_null(result, "result")?;
        match answer(md, what)? {
            Answer::I32(value) => result.cast::<i32>().write_unaligned(value),
            Answer::I64(value) => result.cast::<i64>().write_unaligned(value),
            Answer::Dims(values) => result.cast::<*const i64>().write_unaligned(values.as_ptr()),
        }
        Ok(())
    })
}

/// Queries a descriptor about one of its buffers. Descriptors of brick have one.
///
/// @param memory_desc The descriptor.
/// @param what The query, as for brick_memory_desc_query().
/// @param index Number of the buffer, 0.
/// @param result Where the answer goes.
/// @returns As brick_memory_desc_query(); #brick_invalid_arguments for another index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_query_v2(
    memory_desc: const_brick_memory_desc_t,
    what: brick_query_t,
    index: c_int,
    result: *mut c_void,
) -> brick_status_t {
    if index != 0 {
        return guard(|| {
            Err(invalid!(
                "index: {index}, but the descriptor has one buffer"
            ))
        });
    }
    // SAFETY: passed on as it came.
    unsafe { brick_memory_desc_query(memory_desc, what, result) }
}

/// Copies bytes or characters out: with a null `to`, only their number.
///
/// # Safety
/// `size` is null or readable and writable; `to` is null or has `*size` bytes, or as many as needed if `size` is null.
unsafe fn copy_out(bytes: &[u8], to: *mut u8, name: &str, size: *mut usize) -> Result<()> {
    require!(
        !(to.is_null() && size.is_null()),
        "{name} and size are NULL; one of them is needed"
    );
    // SAFETY: as this function demands; the size is checked before bytes are written.
    unsafe {
        if to.is_null() {
            size.write(bytes.len());
            return Ok(());
        }
        require!(
            size.is_null() || *size >= bytes.len(),
            "size: {name} has {} bytes, {} are needed",
            *size,
            bytes.len()
        );
        to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    Ok(())
}

/// Writes a descriptor as bytes, for brick_memory_desc_create_with_blob() in this or another process with the same
/// version of brick.
///
/// @param blob Where the bytes go, or NULL to ask for their number.
/// @param size With `blob` NULL, receives the number of bytes; else says how many `blob` has. May be NULL if `blob`
///     is large enough.
/// @param memory_desc The descriptor.
/// @returns #brick_invalid_arguments if `blob` is too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_get_blob(
    blob: *mut u8,
    size: *mut usize,
    memory_desc: const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor, and a buffer of the size that it says.
    guard(|| unsafe {
        copy_out(
            &desc(memory_desc, "memory_desc")?.to_blob(),
            blob,
            "blob",
            size,
        )
    })
}

/// Writes a layout as text: a tag such as `aBcd16b`, followed by the strides (`ab:10x1`) where they are not the dense
/// ones, or `any`, `undef`, `host_scalar`.
///
/// @param text Where the zero-terminated text goes, or NULL to ask for its size.
/// @param size With `text` NULL, receives the number of bytes with the final zero; else says how many `text` has.
///     May be NULL if `text` is large enough.
/// @param memory_desc The descriptor.
/// @returns #brick_invalid_arguments if `text` is too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_get_layout(
    text: *mut c_char,
    size: *mut usize,
    memory_desc: const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor, and a buffer of the size that it says.
    guard(|| unsafe {
        let mut layout = desc(memory_desc, "memory_desc")?.tag_string().into_bytes();
        layout.push(0);
        copy_out(&layout, text.cast(), "text", size)
    })
}
