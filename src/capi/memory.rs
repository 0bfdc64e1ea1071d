//! `brick_memory_*`: memory objects, in the forms with one data handle and with several.

use super::{borrow, borrow_mut, destroy, guard, hand_out, not_null, put, types::*};
use crate::{
    error::Result,
    memory::{Memory, MemoryDesc, object::Source},
    require,
};
use std::ffi::{c_int, c_void};

/// The object behind a handle.
///
/// # Safety
/// `memory` is null or a live memory handle.
unsafe fn object<'a>(memory: const_brick_memory_t) -> Result<&'a Memory> {
    // SAFETY: as this function demands.
    unsafe { borrow(memory, "memory") }
}

/// Hands a new object to the caller.
///
/// # Safety
/// `place` is null or writable.
unsafe fn give(place: *mut brick_memory_t, make: impl FnOnce() -> Result<Memory>) -> Result<()> {
    // SAFETY: as this function demands.
    unsafe { hand_out(place, "memory", make) }
}

fn only_buffer(index: c_int) -> Result<()> {
    require!(index == 0, "index: {index}, but the memory has one buffer");
    Ok(())
}

fn create(md: &MemoryDesc, engine: brick_engine_t, handle: *mut c_void) -> Result<Memory> {
    not_null(engine, "engine")?;
    require!(
        !md.is_host_scalar(),
        "memory_desc: a host scalar is created by brick_memory_create_host_scalar"
    );
    let source = match handle as isize {
        -1 => Source::Allocate,
        _ => Source::Handle(handle),
    };
    Memory::new(md, engine.cast(), source)
}

/// Creates a memory object.
///
/// @param memory Output object; destroy it with brick_memory_destroy().
/// @param memory_desc What the memory holds, in a concrete layout. The object keeps a copy.
/// @param engine The engine. It must outlive the object.
/// @param handle The data: the caller's buffer, which stays the caller's and needs no alignment; BRICK_MEMORY_NONE
///     for none yet; BRICK_MEMORY_ALLOCATE for a buffer that the object allocates (not initialised, 64-byte aligned)
///     and frees.
/// @returns #brick_invalid_arguments if the layout is #brick_format_tag_any or has runtime values,
///     #brick_out_of_memory if the buffer cannot be had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_create(
    memory: *mut brick_memory_t,
    memory_desc: const_brick_memory_desc_t,
    engine: brick_engine_t,
    handle: *mut c_void,
) -> brick_status_t {
    // SAFETY: the caller passes live handles and a writable place.
    guard(|| unsafe {
        give(memory, || {
            create(borrow(memory_desc, "memory_desc")?, engine, handle)
        })
    })
}

/// Creates a memory object with one data handle for each buffer of its descriptor. Descriptors of brick have one.
///
/// @param memory Output object; destroy it with brick_memory_destroy().
/// @param memory_desc What the memory holds, as for brick_memory_create().
/// @param engine The engine. It must outlive the object.
/// @param nhandles Number of handles: 1, or 0 for an absent descriptor.
/// @param handles `nhandles` handles, as for brick_memory_create().
/// @returns As brick_memory_create(); #brick_invalid_arguments for another number of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_create_v2(
    memory: *mut brick_memory_t,
    memory_desc: const_brick_memory_desc_t,
    engine: brick_engine_t,
    nhandles: c_int,
    handles: *mut *mut c_void,
) -> brick_status_t {
    // SAFETY: the caller passes live handles, `nhandles` data handles and a writable place.
    guard(|| unsafe {
        give(memory, || {
            let md = borrow(memory_desc, "memory_desc")?;
            if nhandles == 0 && md.is_absent() {
                return create(md, engine, std::ptr::null_mut());
            }
            require!(
                nhandles == 1,
                "nhandles: {nhandles}, but the memory has one buffer"
            );
            not_null(handles, "handles")?;
            create(md, engine, *handles)
        })
    })
}

/// Creates a memory object that holds one value itself.
///
/// @param memory Output object; destroy it with brick_memory_destroy().
/// @param memory_desc A descriptor from brick_memory_desc_create_host_scalar().
/// @param scalar_ptr The value, of the descriptor's type; it is copied.
/// @returns #brick_invalid_arguments for another kind of descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_create_host_scalar(
    memory: *mut brick_memory_t,
    memory_desc: const_brick_memory_desc_t,
    scalar_ptr: *mut c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live descriptor, a value of its type and a writable place.
    guard(|| unsafe {
        give(memory, || {
            let md = borrow(memory_desc, "memory_desc")?;
            Memory::host_scalar(md, scalar_bytes(md, scalar_ptr, "scalar_ptr")?)
        })
    })
}

/// The bytes of a caller's value.
///
/// # Safety
/// `value` is null or points to a value of the descriptor's type.
unsafe fn scalar_bytes<'a>(md: &MemoryDesc, value: *const c_void, name: &str) -> Result<&'a [u8]> {
    not_null(value, name)?;
    let size = if md.is_host_scalar() {
        md.size_bytes()
    } else {
        0
    };
    // SAFETY: not null, so a value of that size as this function demands.
    Ok(unsafe { std::slice::from_raw_parts(value.cast(), size) })
}

/// The descriptor of a memory object.
///
/// @param memory The object.
/// @param memory_desc Receives a descriptor that belongs to the object and lives as long as it.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_get_memory_desc(
    memory: const_brick_memory_t,
    memory_desc: *mut const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live object and a writable place.
    guard(|| unsafe {
        put(memory_desc, "memory_desc", || {
            Ok(std::ptr::from_ref(object(memory)?.md()).cast())
        })
    })
}

/// The engine of a memory object.
///
/// @param memory The object.
/// @param engine Receives the engine that the object was created with; NULL for a host scalar.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_get_engine(
    memory: const_brick_memory_t,
    engine: *mut brick_engine_t,
) -> brick_status_t {
    // SAFETY: the caller passes a live object and a writable place.
    guard(|| unsafe {
        put(engine, "engine", || {
            Ok(object(memory)?.engine().cast_mut().cast())
        })
    })
}

/// The data of a memory object, for host code to read and write. On a CPU it is the data handle itself.
///
/// @param memory The object.
/// @param mapped_ptr Receives the address; NULL if the object has no data.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_map_data(
    memory: const_brick_memory_t,
    mapped_ptr: *mut *mut c_void,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe { brick_memory_map_data_v2(memory, mapped_ptr, 0) }
}

/// As brick_memory_map_data(), for one of several buffers.
///
/// @param memory The object.
/// @param mapped_ptr Receives the address; NULL if the object has no data.
/// @param index Number of the buffer, 0.
/// @returns #brick_invalid_arguments if a pointer is NULL or for another index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_map_data_v2(
    memory: const_brick_memory_t,
    mapped_ptr: *mut *mut c_void,
    index: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live object and a writable place.
    guard(|| unsafe {
        only_buffer(index)?;
        put(mapped_ptr, "mapped_ptr", || {
            Ok(object(memory)?.data().cast())
        })
    })
}

/// Ends what brick_memory_map_data() began. On a CPU there is nothing to do.
///
/// @param memory The object.
/// @param mapped_ptr The address that was mapped.
/// @returns #brick_invalid_arguments if `memory` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_unmap_data(
    memory: const_brick_memory_t,
    mapped_ptr: *mut c_void,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe { brick_memory_unmap_data_v2(memory, mapped_ptr, 0) }
}

/// As brick_memory_unmap_data(), for one of several buffers.
///
/// @param memory The object.
/// @param mapped_ptr The address that was mapped.
/// @param index Number of the buffer, 0.
/// @returns #brick_invalid_arguments if `memory` is NULL or for another index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_unmap_data_v2(
    memory: const_brick_memory_t,
    mapped_ptr: *mut c_void,
    index: c_int,
) -> brick_status_t {
    let _ = mapped_ptr;
    // SAFETY: the caller passes a live object.
    guard(|| unsafe {
        object(memory)?;
        only_buffer(index)
    })
}

/// The data handle of a memory object.
///
/// @param memory The object.
/// @param handle Receives the handle; NULL if the object has none.
/// @returns #brick_invalid_arguments if a pointer is NULL, or for a host scalar, which has a value instead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_get_data_handle(
    memory: const_brick_memory_t,
    handle: *mut *mut c_void,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe { brick_memory_get_data_handle_v2(memory, handle, 0) }
}

/// As brick_memory_get_data_handle(), for one of several buffers.
///
/// @param memory The object.
/// @param handle Receives the handle; NULL if the object has none.
/// @param index Number of the buffer, 0.
/// @returns As brick_memory_get_data_handle(); #brick_invalid_arguments for another index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_get_data_handle_v2(
    memory: const_brick_memory_t,
    handle: *mut *mut c_void,
    index: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live object and a writable place.
    guard(|| unsafe {
        only_buffer(index)?;
        put(handle, "handle", || {
            let memory = object(memory)?;
            require!(
                !memory.is_host_scalar(),
                "memory: a host scalar has no data handle"
            );
            Ok(memory.data().cast())
        })
    })
}

/// Points a memory object at other data. A buffer that the object allocated is freed.
///
/// @param memory The object; no other thread may use it meanwhile.
/// @param handle The caller's buffer, large enough for the descriptor, or NULL.
/// @returns #brick_invalid_arguments if `memory` is NULL or a host scalar, or `handle` is BRICK_MEMORY_ALLOCATE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_set_data_handle(
    memory: brick_memory_t,
    handle: *mut c_void,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe { brick_memory_set_data_handle_v2(memory, handle, 0) }
}

/// As brick_memory_set_data_handle(), for one of several buffers.
///
/// @param memory The object; no other thread may use it meanwhile.
/// @param handle The caller's buffer, large enough for the descriptor, or NULL.
/// @param index Number of the buffer, 0.
/// @returns As brick_memory_set_data_handle(); #brick_invalid_arguments for another index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_set_data_handle_v2(
    memory: brick_memory_t,
    handle: *mut c_void,
    index: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes a live object that nobody else uses meanwhile.
    guard(|| unsafe {
        only_buffer(index)?;
        let memory = borrow_mut(memory, "memory")?;
        require!(
            handle as isize != -1,
            "handle: BRICK_MEMORY_ALLOCATE is for the creation of memory objects"
        );
        memory.set_handle(handle)
    })
}

/// The value of a host scalar.
///
/// @param memory An object from brick_memory_create_host_scalar().
/// @param value Receives the value, of the object's type.
/// @returns #brick_invalid_arguments if a pointer is NULL or for another kind of object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_get_host_scalar_value(
    memory: const_brick_memory_t,
    value: *mut c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live object and room for a value of its type.
    guard(|| unsafe {
        let bytes = object(memory)?.scalar()?;
        not_null(value, "value")?;
        value
            .cast::<u8>()
            .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        Ok(())
    })
}

/// Replaces the value of a host scalar.
///
/// @param memory An object from brick_memory_create_host_scalar(); no other thread may use it meanwhile.
/// @param value The new value, of the object's type.
/// @returns #brick_invalid_arguments if a pointer is NULL or for another kind of object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_set_host_scalar_value(
    memory: brick_memory_t,
    value: *const c_void,
) -> brick_status_t {
    // SAFETY: the caller passes a live object that nobody else uses meanwhile, and a value of its type.
    guard(|| unsafe {
        let memory = borrow_mut(memory, "memory")?;
        let bytes = scalar_bytes(memory.md(), value, "value")?;
        memory.set_scalar(bytes)
    })
}

/// Destroys a memory object, and the buffer if the object allocated it.
///
/// @param memory The object, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_memory_destroy(memory: brick_memory_t) -> brick_status_t {
    // SAFETY: the caller owns the object.
    unsafe { destroy(memory) }
}
