//! `brick_memory_desc_*`: descriptors made, taken apart and queried from C.

use super::{borrow, destroy, guard, hand_out, not_null, null, types::*};
use crate::{
    dtype::DataType,
    ensure,
    error::Result,
    invalid,
    memory::{BLOB_SIZE, MAX_NDIMS, MemoryDesc},
    require, unimplemented_here,
};
use std::ffi::{CStr, c_char, c_int};

/// The descriptor behind a handle.
///
/// # Safety
/// `md` is null or a live descriptor handle.
pub(super) unsafe fn desc<'a>(md: const_brick_memory_desc_t, name: &str) -> Result<&'a MemoryDesc> {
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
    require!(
        (0..=MAX_NDIMS as c_int).contains(&n),
        "ndims: {n} is not between 0 and {MAX_NDIMS}"
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
            not_null(tag, "tag")?;
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
    require!(
        nnz >= 0 || nnz == BRICK_RUNTIME_DIM_VAL,
        "nnz: {nnz} is negative"
    );
    Err(unimplemented_here!(
        "memory_desc: brick has no sparse memory; use a dense layout"
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
        hand_out(out_memory_desc, "out_memory_desc", || {
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
        hand_out(out_memory_desc, "out_memory_desc", || {
            let md = desc(in_memory_desc, "in_memory_desc")?;
            not_null(permutation, "permutation")?;
            md.permute_axes(std::slice::from_raw_parts(permutation, md.dims().len()))
        })
    })
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
            not_null(blob, "blob")?;
            MemoryDesc::from_blob(&*blob.cast::<[u8; BLOB_SIZE]>())
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
