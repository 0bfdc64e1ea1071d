//! `brick_primitive_attr_*`: attributes recorded and read back.
//!
//! What is recorded here is at least meaningful; whether a primitive honours it is decided when its descriptor is created.

use super::{
    ABSENT, attr_quant::check_arg, borrow, borrow_mut, destroy, guard, hand_out, put, put_if,
    service::default_fpmath, types::*,
};
use crate::{
    attr::{Attr, Dropout, Fpmath},
    dtype::DataType,
    error::Result,
    require,
};
use std::ffi::c_int;

/// A number that its enumeration has.
pub(super) fn one_of(table: &'static Enum, value: c_int, name: &str) -> Result<c_int> {
    require!(
        table.contains(value),
        "{name}: {value} is not a {}",
        table.name
    );
    Ok(value)
}

/// A C truth value.
pub(super) fn flag(value: c_int, name: &str) -> Result<bool> {
    require!(
        value == 0 || value == 1,
        "{name}: {value} is neither 0 nor 1"
    );
    Ok(value == 1)
}

/// Creates default attributes.
///
/// @param attr Output attributes; destroy them with brick_primitive_attr_destroy().
/// @returns #brick_invalid_arguments if `attr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_create(
    attr: *mut brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes a writable place.
    guard(|| unsafe {
        hand_out(attr, "attr", || {
            let mut attr = Attr::default();
            attr.fpmath.mode = default_fpmath();
            Ok(attr)
        })
    })
}

/// Copies attributes.
///
/// @param attr Output attributes; destroy them with brick_primitive_attr_destroy().
/// @param existing_attr The attributes to copy.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_clone(
    attr: *mut brick_primitive_attr_t,
    existing_attr: const_brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and a writable place.
    guard(|| unsafe {
        hand_out(attr, "attr", || {
            borrow(existing_attr, "existing_attr").cloned()
        })
    })
}

/// Destroys attributes. Descriptors made with them are not affected.
///
/// @param attr The attributes, or NULL, which does nothing.
/// @returns #brick_success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_destroy(
    attr: brick_primitive_attr_t,
) -> brick_status_t {
    // SAFETY: the caller owns the attributes.
    unsafe { destroy(attr) }
}

/// Changes attributes after `value` was found good.
///
/// # Safety
/// `attr` is null or live, and no other thread uses it.
pub(super) unsafe fn set<T>(
    attr: brick_primitive_attr_t,
    value: impl FnOnce() -> Result<T>,
    store: impl FnOnce(&mut Attr, T),
) -> brick_status_t {
    guard(|| {
        // SAFETY: as this function demands.
        let attr = unsafe { borrow_mut(attr, "attr") }?;
        store(attr, value()?);
        Ok(())
    })
}

/// Reads a value out of attributes.
///
/// # Safety
/// `attr` is null or live; `place` is null or writable.
unsafe fn get<T>(
    attr: const_brick_primitive_attr_t,
    place: *mut T,
    name: &str,
    read: impl FnOnce(&Attr) -> T,
) -> brick_status_t {
    // SAFETY: as this function demands.
    guard(|| unsafe { put(place, name, || Ok(read(borrow(attr, "attr")?))) })
}

/// Dropout of the results; brick's primitives refuse it.
///
/// # Safety
/// `mask_desc` is null or live.
unsafe fn dropout(
    mask_desc: const_brick_memory_desc_t,
    seed_dt: brick_data_type_t,
    use_offset: c_int,
    use_host_scalars: c_int,
) -> Result<Option<Dropout>> {
    // SAFETY: as this function demands.
    let mask = *unsafe { borrow(mask_desc, "mask_desc") }?;
    let seed_type = DataType::from_c(seed_dt, "seed_dt")?;
    require!(
        matches!(seed_type, DataType::S32 | DataType::S64),
        "seed_dt: {seed_type} is neither s32 nor s64"
    );
    Ok(Some(Dropout {
        mask,
        seed_type,
        use_offset: flag(use_offset, "use_offset")?,
        use_host_scalars: flag(use_host_scalars, "use_host_scalars")?,
    }))
}

/// Queries dropout.
///
/// @param attr The attributes.
/// @param mask_desc Receives the mask's descriptor, which lives as long as the attributes; an absent one if dropout is off.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_dropout(
    attr: const_brick_primitive_attr_t,
    mask_desc: *mut const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and a writable place.
    unsafe {
        get(attr, mask_desc, "mask_desc", |attr| {
            let mask = attr.dropout.as_ref().map_or(&ABSENT, |d| &d.mask);
            std::ptr::from_ref(mask).cast()
        })
    }
}

/// Switches dropout on. No primitive of brick honours it: descriptors with it are refused as unimplemented.
///
/// @param attr The attributes.
/// @param mask_desc The descriptor of the mask that is written; an absent one leaves the mask out.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_dropout(
    attr: brick_primitive_attr_t,
    mask_desc: const_brick_memory_desc_t,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe { brick_primitive_attr_set_dropout_v2(attr, mask_desc, brick_s32, 0, 0) }
}

/// Queries dropout.
///
/// @param attr The attributes.
/// @param mask_desc Receives the mask's descriptor, as for brick_primitive_attr_get_dropout(). May be NULL, as the others.
/// @param seed_dt Receives the type of the seed; #brick_data_type_undef if dropout is off.
/// @param use_offset Receives whether an offset is given.
/// @param use_host_scalars Receives whether seed, offset and probability are host scalars.
/// @returns #brick_invalid_arguments if `attr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_dropout_v2(
    attr: const_brick_primitive_attr_t,
    mask_desc: *mut const_brick_memory_desc_t,
    seed_dt: *mut brick_data_type_t,
    use_offset: *mut c_int,
    use_host_scalars: *mut c_int,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and writable places.
    guard(|| unsafe {
        let dropout = borrow(attr, "attr")?.dropout.as_ref();
        let mask = dropout.map_or(&ABSENT, |d| &d.mask);
        put_if(mask_desc, std::ptr::from_ref(mask).cast());
        put_if(seed_dt, dropout.map_or(0, |d| d.seed_type as i32));
        put_if(use_offset, dropout.is_some_and(|d| d.use_offset).into());
        let on_host = dropout.is_some_and(|d| d.use_host_scalars);
        put_if(use_host_scalars, on_host.into());
        Ok(())
    })
}

/// Switches dropout on, as brick_primitive_attr_set_dropout().
///
/// @param attr The attributes.
/// @param mask_desc The descriptor of the mask that is written; an absent one leaves the mask out.
/// @param seed_dt #brick_s32 or #brick_s64.
/// @param use_offset 1 if an offset is given at execution, else 0.
/// @param use_host_scalars 1 if seed, offset and probability are given as host scalars, else 0.
/// @returns #brick_invalid_arguments if a pointer is NULL or a value is none of the above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_dropout_v2(
    attr: brick_primitive_attr_t,
    mask_desc: const_brick_memory_desc_t,
    seed_dt: brick_data_type_t,
    use_offset: c_int,
    use_host_scalars: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile, and a live descriptor.
    unsafe {
        set(
            attr,
            || dropout(mask_desc, seed_dt, use_offset, use_host_scalars),
            |attr, value| attr.dropout = value,
        )
    }
}

/// Queries the floating-point mode.
///
/// @param attr The attributes.
/// @param mode Receives the mode.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_fpmath_mode(
    attr: const_brick_primitive_attr_t,
    mode: *mut brick_fpmath_mode_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and a writable place.
    unsafe { get(attr, mode, "mode", |attr| attr.fpmath.mode) }
}

/// Allows a primitive to convert floats down inside. brick does not use the leave.
///
/// @param attr The attributes.
/// @param mode The mode.
/// @returns #brick_invalid_arguments for a number that is not a mode.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_fpmath_mode(
    attr: brick_primitive_attr_t,
    mode: brick_fpmath_mode_t,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe { brick_primitive_attr_set_fpmath_mode_v2(attr, mode, 0) }
}

/// Queries the floating-point mode.
///
/// @param attr The attributes.
/// @param mode Receives the mode; may be NULL.
/// @param apply_to_int Receives whether integers may be converted to floats; may be NULL.
/// @returns #brick_invalid_arguments if `attr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_fpmath_mode_v2(
    attr: const_brick_primitive_attr_t,
    mode: *mut brick_fpmath_mode_t,
    apply_to_int: *mut c_int,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and writable places.
    guard(|| unsafe {
        let fpmath = borrow(attr, "attr")?.fpmath;
        put_if(mode, fpmath.mode);
        put_if(apply_to_int, fpmath.apply_to_int.into());
        Ok(())
    })
}

/// Allows a primitive to convert floats down inside, or integer weights up.
///
/// @param attr The attributes.
/// @param mode The mode.
/// @param apply_to_int 1 if integers may be converted to floats, else 0.
/// @returns #brick_invalid_arguments for values that mean nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_fpmath_mode_v2(
    attr: brick_primitive_attr_t,
    mode: brick_fpmath_mode_t,
    apply_to_int: c_int,
) -> brick_status_t {
    let value = || {
        Ok(Fpmath {
            mode: one_of(&FPMATH_MODE, mode, "mode")?,
            apply_to_int: flag(apply_to_int, "apply_to_int")?,
        })
    };
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe { set(attr, value, |attr, fpmath| attr.fpmath = fpmath) }
}

/// Queries whether results are the same bits for any number of threads.
///
/// @param attr The attributes.
/// @param value Receives 0 or 1.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_deterministic(
    attr: const_brick_primitive_attr_t,
    value: *mut c_int,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and a writable place.
    unsafe { get(attr, value, "value", |attr| attr.deterministic.into()) }
}

/// Demands the same bits for any number of threads. From run to run with as many threads they are the same anyway.
///
/// @param attr The attributes.
/// @param value 0 or 1.
/// @returns #brick_invalid_arguments for another value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_deterministic(
    attr: brick_primitive_attr_t,
    value: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe {
        set(
            attr,
            || flag(value, "value"),
            |attr, value| attr.deterministic = value,
        )
    }
}

/// Queries the accumulation mode.
///
/// @param attr The attributes.
/// @param mode Receives the mode.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_accumulation_mode(
    attr: const_brick_primitive_attr_t,
    mode: *mut brick_accumulation_mode_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and a writable place.
    unsafe { get(attr, mode, "mode", |attr| attr.accumulation) }
}

/// Allows a primitive to accumulate in a smaller type. brick accumulates floats in f32 and integers in s32 always.
///
/// @param attr The attributes.
/// @param mode The mode.
/// @returns #brick_invalid_arguments for a number that is not a mode.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_accumulation_mode(
    attr: brick_primitive_attr_t,
    mode: brick_accumulation_mode_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe {
        set(
            attr,
            || one_of(&ACCUMULATION_MODE, mode, "mode"),
            |attr, mode| attr.accumulation = mode,
        )
    }
}

/// Queries who provides scratch memory.
///
/// @param attr The attributes.
/// @param mode Receives the mode.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_scratchpad_mode(
    attr: const_brick_primitive_attr_t,
    mode: *mut brick_scratchpad_mode_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and a writable place.
    unsafe { get(attr, mode, "mode", |attr| attr.user_scratchpad.into()) }
}

/// Says who provides scratch memory.
///
/// @param attr The attributes.
/// @param mode #brick_scratchpad_mode_library (the default), or #brick_scratchpad_mode_user: then every execution takes a
///     memory with the descriptor that #brick_query_scratchpad_md answers, as argument #BRICK_ARG_SCRATCHPAD. No two
///     executions at the same time may share it. What an operation with runtime dims or strides needs is known at execution
///     only: such a descriptor answers that it needs none, and the library provides it in either mode.
/// @returns #brick_invalid_arguments for a number that is not a mode.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_scratchpad_mode(
    attr: brick_primitive_attr_t,
    mode: brick_scratchpad_mode_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe {
        set(
            attr,
            || one_of(&SCRATCHPAD_MODE, mode, "mode"),
            |attr, mode| attr.user_scratchpad = mode == brick_scratchpad_mode_user,
        )
    }
}

/// Sets the rounding of an output. Primitives of brick refuse all but #brick_rounding_mode_environment.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mode The mode.
/// @returns #brick_invalid_arguments for values that mean nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_rounding(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mode: brick_rounding_mode_t,
) -> brick_status_t {
    let value = || {
        check_arg(arg)?;
        one_of(&ROUNDING_MODE, mode, "mode")
    };
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe {
        set(attr, value, |attr, mode| match mode {
            brick_rounding_mode_environment => drop(attr.rounding.remove(&arg)),
            _ => drop(attr.rounding.insert(arg, mode)),
        })
    }
}

/// Queries the rounding of an output.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mode Receives the mode.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_rounding(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mode: *mut brick_rounding_mode_t,
) -> brick_status_t {
    let read = |attr: &Attr| attr.rounding.get(&arg).copied().unwrap_or(0);
    // SAFETY: the caller passes live attributes and a writable place.
    unsafe { get(attr.cast_const(), mode, "mode", read) }
}

/// Queries the post-ops.
///
/// @param attr The attributes.
/// @param post_ops Receives the chain, which lives as long as the attributes: do not destroy it.
/// @returns #brick_invalid_arguments if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_post_ops(
    attr: const_brick_primitive_attr_t,
    post_ops: *mut const_brick_post_ops_t,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and a writable place.
    unsafe {
        get(attr, post_ops, "post_ops", |attr| {
            std::ptr::from_ref(&attr.post_ops).cast()
        })
    }
}

/// Sets the post-ops: the chain is copied.
///
/// @param attr The attributes.
/// @param post_ops The chain; NULL for an empty one.
/// @returns #brick_invalid_arguments if `attr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_post_ops(
    attr: brick_primitive_attr_t,
    post_ops: const_brick_post_ops_t,
) -> brick_status_t {
    let value = || match post_ops.is_null() {
        true => Ok(Vec::new()),
        // SAFETY: the caller passes a live chain.
        false => unsafe { borrow(post_ops, "post_ops") }.cloned(),
    };
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe { set(attr, value, |attr, chain| attr.post_ops = chain) }
}
