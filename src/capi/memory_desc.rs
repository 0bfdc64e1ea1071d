//! `brick_memory_desc_*`: descriptors made, taken apart and queried from C.

use super::{borrow, destroy, guard, hand_out, null, types::*};
use crate::{
    dtype::DataType,
    ensure,
    error::Result,
    invalid,
    memory::{BLOB_SIZE, MAX_NDIMS, MemoryDesc},
    unimplemented_here,
};
use std::ffi::{CStr, c_char, c_int, c_void};

/// The descriptor behind a handle.
///
/// # Safety
/// `md` is null or a live descriptor handle.
unsafe fn desc<'a>(md: const_brick_memory_desc_t, name: &str) -> Result<&'a MemoryDesc> {
    // SAFETY: as this function demands.
    unsafe { borrow(md, name) }
}

/// Hands a new descriptor to the caller.
///
/// # Safety
/// `place` is null or writable.
unsafe fn give(
    place: *mut brick_memory_desc_t,
    make: impl FnOnce() -> Result<MemoryDesc>,
) -> Result<()> {
    // SAFETY: as this function demands.
    unsafe { hand_out(place, "memory_desc", make) }
}

/// `n` entries of an array of dims.
///
/// # Safety
/// `dims` is null or points to `n` values.
unsafe fn dims_of<'a>(n: c_int, dims: *const brick_dim_t, name: &str) -> Result<&'a [i64]> {
    ensure!(
        (0..=MAX_NDIMS as c_int).contains(&n),
        invalid!("ndims: {n} is not between 0 and {MAX_NDIMS}")
    );
    ensure!(n == 0 || !dims.is_null(), null(name));
    if n == 0 {
        return Ok(&[]);
    }
    // SAFETY: not null, so `n` values as this function demands.
    Ok(unsafe { std::slice::from_raw_parts(dims, n as usize) })
}

/// The shape that the creators share; `None` where an absent descriptor is asked for.
///
/// # Safety
/// `dims` is null or points to `n` values.
unsafe fn shape<'a>(
    n: c_int,
    dims: *const brick_dim_t,
    dt: brick_data_type_t,
) -> Result<Option<(&'a [i64], DataType)>> {
    // SAFETY: as this function demands.
    let dims = unsafe { dims_of(n, dims, "dims") }?;
    match dims {
        [] => Ok(None),
        _ => Ok(Some((dims, DataType::from_c(dt, "data_type")?))),
    }
}

/// Creates a memory descriptor from dimensions and strides.
///
/// @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param ndims Number of dimensions, 0 to 12. With 0 the descriptor is absent: it stands for "no such argument".
/// @param dims `ndims` dimensions; 0 makes an empty tensor, BRICK_RUNTIME_DIM_VAL is a size known at execution.
/// @param data_type Type of the elements.
/// @param strides `ndims` strides in elements, or NULL for a dense row-major layout. 0 repeats the same elements;
///     strides of dimensions of size 1 are ignored.
/// @returns #brick_invalid_arguments if a dimension or stride is negative, if elements overlap or if a size overflows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_with_strides(
    memory_desc: *mut brick_memory_desc_t,
    ndims: c_int,
    dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    strides: *const brick_dim_t,
) -> brick_status_t {
    // SAFETY: the caller passes `ndims` dims and strides, and a writable place.
    guard(|| unsafe {
        give(memory_desc, || {
            let Some((dims, dt)) = shape(ndims, dims, data_type)? else {
                return Ok(MemoryDesc::absent());
            };
            let strides = if strides.is_null() {
                None
            } else {
                Some(dims_of(ndims, strides, "strides")?)
            };
            MemoryDesc::with_strides(dims, dt, strides)
        })
    })
}

/// `brick_format_tag_undef`; the header writes the tags from their list.
const TAG_UNDEF: brick_format_tag_t = 0;

/// Creates a memory descriptor from dimensions and a format tag.
///
/// @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param ndims Number of dimensions, 0 to 12. With 0 the descriptor is absent: it stands for "no such argument".
/// @param dims `ndims` dimensions; 0 makes an empty tensor, BRICK_RUNTIME_DIM_VAL is a size known at execution.
/// @param data_type Type of the elements.
/// @param tag The layout. #brick_format_tag_any lets the primitive choose, #brick_format_tag_undef makes the
///     descriptor absent.
/// @returns #brick_invalid_arguments if the tag does not have `ndims` dimensions, a dimension is negative or a size
///     overflows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_with_tag(
    memory_desc: *mut brick_memory_desc_t,
    ndims: c_int,
    dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    tag: brick_format_tag_t,
) -> brick_status_t {
    // SAFETY: the caller passes `ndims` dims and a writable place.
    guard(|| unsafe {
        give(memory_desc, || {
            if tag == TAG_UNDEF {
                return Ok(MemoryDesc::absent());
            }
            let Some((dims, dt)) = shape(ndims, dims, data_type)? else {
                return Ok(MemoryDesc::absent());
            };
            MemoryDesc::with_tag_number(dims, dt, tag)
        })
    })
}

/// Creates a memory descriptor from dimensions and the name of a layout.
///
/// @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param ndims Number of dimensions, 0 to 12.
/// @param dims `ndims` dimensions.
/// @param data_type Type of the elements.
/// @param tag A zero-terminated name: letters as in `aBcd16b` (any order and blocks, not only those that have a
///     constant), an alias such as `nchw`, `any` or `undef`.
/// @returns #brick_invalid_arguments if the name is not a layout of `ndims` dimensions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_with_string_tag(
    memory_desc: *mut brick_memory_desc_t,
    ndims: c_int,
    dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    tag: *const c_char,
) -> brick_status_t {
    // SAFETY: the caller passes `ndims` dims, a zero-terminated string and a writable place.
    guard(|| unsafe {
        give(memory_desc, || {
            ensure!(!tag.is_null(), null("tag"));
            let tag = CStr::from_ptr(tag)
                .to_str()
                .map_err(|_| invalid!("tag: not text in UTF-8"))?;
            match shape(ndims, dims, data_type)? {
                Some((dims, dt)) => MemoryDesc::with_tag(dims, dt, tag),
                None => Ok(MemoryDesc::absent()),
            }
        })
    })
}

/// Refuses the sparse descriptors with a sentence.
///
/// # Safety
/// `dims` is null or points to `n` values.
unsafe fn no_sparse(
    n: c_int,
    dims: *const brick_dim_t,
    types: &[(brick_data_type_t, &str)],
    nnz: brick_dim_t,
) -> Result<MemoryDesc> {
    // SAFETY: as this function demands.
    unsafe { dims_of(n, dims, "dims") }?;
    for (number, name) in types {
        DataType::from_c(*number, name)?;
    }
    ensure!(
        nnz >= 0 || nnz == BRICK_RUNTIME_DIM_VAL,
        invalid!("nnz: {nnz} is negative")
    );
    Err(unimplemented_here!(
        "sparse memory is not supported; use a dense layout"
    ))
}

/// Would create a descriptor of a sparse matrix in CSR encoding; brick has no sparse memory.
///
/// @param memory_desc Left as it is.
/// @param ndims Number of dimensions.
/// @param dims `ndims` dimensions.
/// @param data_type Type of the values.
/// @param nnz Number of non-zero values.
/// @param indices_dt Type of the indices.
/// @param pointers_dt Type of the row pointers.
/// @returns #brick_unimplemented, or #brick_invalid_arguments for values that mean nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_with_csr_encoding(
    memory_desc: *mut brick_memory_desc_t,
    ndims: c_int,
    dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    nnz: brick_dim_t,
    indices_dt: brick_data_type_t,
    pointers_dt: brick_data_type_t,
) -> brick_status_t {
    let types = [
        (data_type, "data_type"),
        (indices_dt, "indices_dt"),
        (pointers_dt, "pointers_dt"),
    ];
    // SAFETY: the caller passes `ndims` dims and a writable place.
    guard(|| unsafe { give(memory_desc, || no_sparse(ndims, dims, &types, nnz)) })
}

/// Would create a descriptor of a sparse tensor in COO encoding; brick has no sparse memory.
///
/// @param memory_desc Left as it is.
/// @param ndims Number of dimensions.
/// @param dims `ndims` dimensions.
/// @param data_type Type of the values.
/// @param nnz Number of non-zero values.
/// @param indices_dt Type of the indices.
/// @returns #brick_unimplemented, or #brick_invalid_arguments for values that mean nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_with_coo_encoding(
    memory_desc: *mut brick_memory_desc_t,
    ndims: c_int,
    dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    nnz: brick_dim_t,
    indices_dt: brick_data_type_t,
) -> brick_status_t {
    let types = [(data_type, "data_type"), (indices_dt, "indices_dt")];
    // SAFETY: the caller passes `ndims` dims and a writable place.
    guard(|| unsafe { give(memory_desc, || no_sparse(ndims, dims, &types, nnz)) })
}

/// Would create a descriptor of a packed sparse tensor; brick has no sparse memory.
///
/// @param memory_desc Left as it is.
/// @param ndims Number of dimensions.
/// @param dims `ndims` dimensions.
/// @param data_type Type of the values.
/// @param nnz Number of non-zero values.
/// @returns #brick_unimplemented, or #brick_invalid_arguments for values that mean nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_with_packed_encoding(
    memory_desc: *mut brick_memory_desc_t,
    ndims: c_int,
    dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    nnz: brick_dim_t,
) -> brick_status_t {
    let types = [(data_type, "data_type")];
    // SAFETY: the caller passes `ndims` dims and a writable place.
    guard(|| unsafe { give(memory_desc, || no_sparse(ndims, dims, &types, nnz)) })
}

/// Creates a descriptor of one value that a memory object holds itself, e.g. a scale given at execution.
///
/// @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param data_type Type of the value.
/// @returns #brick_invalid_arguments if the type is not one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_host_scalar(
    memory_desc: *mut brick_memory_desc_t,
    data_type: brick_data_type_t,
) -> brick_status_t {
    let make = || {
        Ok(MemoryDesc::host_scalar(DataType::from_c(
            data_type,
            "data_type",
        )?))
    };
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe { give(memory_desc, make) })
}

/// Creates a descriptor of a box inside a tensor. It shares the parent's memory: its data handle is the parent's, and
/// the descriptor knows the distance to the box.
///
/// @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param parent_memory_desc The whole tensor, in a concrete layout.
/// @param dims Size of the box, as many values as the parent has dimensions.
/// @param offsets Its first element, as many values again; multiples of the block size where the layout is blocked.
/// @returns #brick_invalid_arguments if the box does not fit, #brick_unimplemented if it cuts a block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_submemory(
    memory_desc: *mut brick_memory_desc_t,
    parent_memory_desc: const_brick_memory_desc_t,
    dims: *const brick_dim_t,
    offsets: *const brick_dim_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live parent, as many dims and offsets as it has dimensions, and a writable place.
    guard(|| unsafe {
        give(memory_desc, || {
            let parent = desc(parent_memory_desc, "parent_memory_desc")?;
            let dims = dims_of(parent.ndims, dims, "dims")?;
            parent.submemory(dims, dims_of(parent.ndims, offsets, "offsets")?)
        })
    })
}

/// Creates a descriptor of the same elements under other dimensions, in the same memory.
///
/// @param out_memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param in_memory_desc The tensor.
/// @param ndims New number of dimensions.
/// @param dims `ndims` new dimensions with as many elements in all. Dimensions of size 1 may come and go; others may
///     be split or merged where they lie dense and are not blocked.
/// @returns #brick_invalid_arguments if the elements cannot keep their places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_reshape(
    out_memory_desc: *mut brick_memory_desc_t,
    in_memory_desc: const_brick_memory_desc_t,
    ndims: c_int,
    dims: *const brick_dim_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor, `ndims` dims and a writable place.
    guard(|| unsafe {
        give(out_memory_desc, || {
            desc(in_memory_desc, "in_memory_desc")?.reshape(dims_of(ndims, dims, "dims")?)
        })
    })
}

/// Creates a descriptor of the same memory with its axes in another order.
///
/// @param out_memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param in_memory_desc The tensor.
/// @param permutation As many values as the tensor has dimensions: axis `i` becomes axis `permutation[i]`.
/// @returns #brick_invalid_arguments if `permutation` is not a permutation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_permute_axes(
    out_memory_desc: *mut brick_memory_desc_t,
    in_memory_desc: const_brick_memory_desc_t,
    permutation: *const c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor, as many axes as it has dimensions, and a writable place.
    guard(|| unsafe {
        give(out_memory_desc, || {
            let md = desc(in_memory_desc, "in_memory_desc")?;
            ensure!(!permutation.is_null(), null("permutation"));
            md.permute_axes(std::slice::from_raw_parts(permutation, md.dims().len()))
        })
    })
}

/// Copies a descriptor.
///
/// @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param existing_memory_desc The descriptor to copy.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_clone(
    memory_desc: *mut brick_memory_desc_t,
    existing_memory_desc: const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor and a writable place.
    guard(|| unsafe {
        give(memory_desc, || {
            desc(existing_memory_desc, "existing_memory_desc").copied()
        })
    })
}

/// Destroys a descriptor. Memory objects and primitives made from it are not affected.
///
/// @param memory_desc The descriptor, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_destroy(
    memory_desc: brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: the caller owns the descriptor.
    unsafe { destroy(memory_desc) }
}

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

/// Bytes of memory that a descriptor needs.
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
        ensure!(!result.is_null(), null("result"));
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
unsafe fn copy_out(bytes: &[u8], to: *mut u8, size: *mut usize) -> Result<()> {
    ensure!(
        !(to.is_null() && size.is_null()),
        invalid!("both the buffer and its size are NULL")
    );
    // SAFETY: as this function demands; the size is checked before bytes are written.
    unsafe {
        if to.is_null() {
            size.write(bytes.len());
            return Ok(());
        }
        ensure!(
            size.is_null() || *size >= bytes.len(),
            invalid!("size: {} bytes are needed, {} given", bytes.len(), *size)
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
    guard(|| unsafe { copy_out(&desc(memory_desc, "memory_desc")?.to_blob(), blob, size) })
}

/// Creates a descriptor from the bytes that brick_memory_desc_get_blob() wrote.
///
/// @param memory_desc Output descriptor; destroy it with brick_memory_desc_destroy().
/// @param blob As many bytes as brick_memory_desc_get_blob() says.
/// @returns #brick_invalid_arguments if the bytes are not a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_desc_create_with_blob(
    memory_desc: *mut brick_memory_desc_t,
    blob: *const u8,
) -> brick_status_t {
    // SAFETY: the caller passes a whole blob and a writable place.
    guard(|| unsafe {
        give(memory_desc, || {
            ensure!(!blob.is_null(), null("blob"));
            MemoryDesc::from_blob(&*blob.cast::<[u8; BLOB_SIZE]>())
        })
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
        copy_out(&layout, text.cast(), size)
    })
}
