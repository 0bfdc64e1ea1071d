//! `brick_primitive_attr_*`: attributes recorded and read back.
//!
//! What is recorded here is at least meaningful; whether a primitive honours it is decided when its descriptor is created.

use super::{
    borrow, borrow_mut, destroy, guard, hand_out, null, put, put_if, service::default_fpmath,
    types::*,
};
use crate::{
    attr::{Attr, Dropout, F32, Fpmath, Quant, RnnQuant},
    dtype::DataType,
    ensure,
    error::Result,
    invalid,
    memory::{MAX_NDIMS, MemoryDesc},
    ops::describe::arg_name,
};
use std::ffi::c_int;

static ABSENT: MemoryDesc = MemoryDesc::absent();

pub(super) fn one_of(table: &'static Enum, value: c_int, name: &str) -> Result<c_int> {
    ensure!(
        table.contains(value),
        invalid!("{name}: {value} is not a {}", table.name)
    );
    Ok(value)
}

/// A C truth value.
fn flag(value: c_int, name: &str) -> Result<bool> {
    ensure!(
        value == 0 || value == 1,
        invalid!("{name}: {value} is neither 0 nor 1")
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
unsafe fn set<T>(
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
    ensure!(
        matches!(seed_type, DataType::S32 | DataType::S64),
        invalid!("seed_dt: {} is neither s32 nor s64", seed_type.name())
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
///     executions at the same time may share it.
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

/// What scales, zero points and the like have in common, as C gives it.
struct RawQuant {
    arg: c_int,
    mask: c_int,
    ndims: c_int,
    group_dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    is_on_host: c_int,
    mode: brick_quantization_mode_t,
}

impl RawQuant {
    /// One value for each position along the dimensions of the mask.
    fn masked(arg: c_int, mask: c_int, data_type: brick_data_type_t) -> RawQuant {
        RawQuant {
            arg,
            mask,
            ndims: 0,
            group_dims: std::ptr::null(),
            data_type,
            is_on_host: 0,
            mode: brick_quantization_mode_static_sazp,
        }
    }

    /// # Safety
    /// `group_dims` is null or points to `ndims` values.
    unsafe fn check(&self, types: &[DataType]) -> Result<(c_int, Quant)> {
        check_arg(self.arg)?;
        ensure!(
            (0..1 << MAX_NDIMS).contains(&self.mask),
            invalid!(
                "mask: {:#x} has bits beyond {MAX_NDIMS} dimensions",
                self.mask
            )
        );
        let data_type = DataType::from_c(self.data_type, "data_type")?;
        ensure!(
            types.contains(&data_type),
            invalid!("data_type: {} cannot hold such values", data_type.name())
        );
        let on_host = flag(self.is_on_host, "is_on_host")?;
        // SAFETY: as this function demands.
        let groups = unsafe { self.groups() }?;
        ensure!(
            !on_host || (self.mask == 0 && groups.is_empty()),
            invalid!(
                "is_on_host: a host scalar is one value, mask {:#x} asks for more",
                self.mask
            )
        );
        let quant = Quant {
            mask: self.mask,
            data_type,
            groups,
            on_host,
            mode: one_of(&QUANTIZATION_MODE, self.mode, "qmode")?,
        };
        Ok((self.arg, quant))
    }

    /// # Safety
    /// `group_dims` is null or points to `ndims` values.
    unsafe fn groups(&self) -> Result<Vec<i64>> {
        ensure!(
            (0..=MAX_NDIMS as c_int).contains(&self.ndims),
            invalid!(
                "group_ndims: {} is not between 0 and {MAX_NDIMS}",
                self.ndims
            )
        );
        if self.ndims == 0 {
            return Ok(Vec::new());
        }
        ensure!(!self.group_dims.is_null(), null("group_dims"));
        // SAFETY: as this function demands.
        let groups = unsafe { std::slice::from_raw_parts(self.group_dims, self.ndims as usize) };
        if let Some(d) = groups.iter().position(|&g| g < 1) {
            return Err(invalid!(
                "group_dims: group size {d} is {}, less than 1",
                groups[d]
            ));
        }
        Ok(groups.to_vec())
    }
}

/// Whether an argument can have scales or zero points at all.
fn check_arg(arg: c_int) -> Result<()> {
    let base = arg & !BRICK_ARG_ATTR_POST_OP_DW;
    let known = matches!(base, 1..=4 | 17..=19 | 33..=36 | 41 | 129 | 145 | 161 | 1024..2048);
    ensure!(
        arg > 0 && known,
        invalid!("arg: {} cannot have such an attribute", arg_name(arg))
    );
    Ok(())
}

const SCALE_TYPES: [DataType; 8] = [
    DataType::F32,
    DataType::Bf16,
    DataType::F16,
    DataType::F8E5m2,
    DataType::F8E4m3,
    DataType::E8m0,
    DataType::F4E2m1,
    DataType::F4E3m0,
];
const ZERO_POINT_TYPES: [DataType; 5] = [
    DataType::S32,
    DataType::S8,
    DataType::U8,
    DataType::S4,
    DataType::U4,
];

/// # Safety
/// `attr` is null or live, and no other thread uses it; the group dims are null or as many as said.
unsafe fn set_scales(attr: brick_primitive_attr_t, raw: &RawQuant) -> brick_status_t {
    // SAFETY: as this function demands.
    unsafe {
        set(
            attr,
            || raw.check(&SCALE_TYPES),
            |attr, (arg, quant)| drop(attr.scales.insert(arg, quant)),
        )
    }
}

/// # Safety
/// As for `set_scales`.
unsafe fn set_zero_points(attr: brick_primitive_attr_t, raw: &RawQuant) -> brick_status_t {
    // SAFETY: as this function demands.
    unsafe {
        set(
            attr,
            || raw.check(&ZERO_POINT_TYPES),
            |attr, (arg, quant)| drop(attr.zero_points.insert(arg, quant)),
        )
    }
}

/// Scales an argument by f32 values that are given at execution, as argument BRICK_ARG_ATTR_SCALES | arg. Sources and weights
/// are multiplied by them, destinations divided.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the scales vary along dimension d. 0: there is one. The values lie densely, row-major.
/// @returns #brick_invalid_arguments if the argument cannot have scales or the mask has bits beyond 12 dimensions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_scales_mask(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe { set_scales(attr, &RawQuant::masked(arg, mask, brick_f32)) }
}

/// Scales an argument by values that are given at execution, one for each group of elements.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the scales vary along dimension d.
/// @param group_ndims Number of group sizes; 0 for none.
/// @param group_dims `group_ndims` sizes: how many elements share a scale along each of the last dimensions.
/// @param data_type A floating-point type: that of the scales.
/// @returns As brick_primitive_attr_set_scales_mask(); also for group sizes below 1 and other types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_scales(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
    group_ndims: c_int,
    group_dims: *const brick_dim_t,
    data_type: brick_data_type_t,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe {
        brick_primitive_attr_set_scales_v2(attr, arg, mask, group_ndims, group_dims, data_type, 0)
    }
}

/// As brick_primitive_attr_set_scales(), or with a host scalar.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the scales vary along dimension d.
/// @param ndims Number of group sizes; 0 for none.
/// @param group_dims `ndims` group sizes.
/// @param data_type A floating-point type: that of the scales.
/// @param is_on_host 1 if the one scale is given as a host scalar, else 0.
/// @returns As brick_primitive_attr_set_scales().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_scales_v2(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
    ndims: c_int,
    group_dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    is_on_host: c_int,
) -> brick_status_t {
    let mode = brick_quantization_mode_static_sazp;
    // SAFETY: passed on as it came.
    unsafe {
        brick_primitive_attr_set_scales_v3(
            attr, arg, mask, ndims, group_dims, data_type, is_on_host, mode,
        )
    }
}

/// As brick_primitive_attr_set_scales_v2(), with a quantization mode.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the scales vary along dimension d.
/// @param ndims Number of group sizes; 0 for none.
/// @param group_dims `ndims` group sizes.
/// @param data_type A floating-point type: that of the scales.
/// @param is_on_host 1 if the one scale is given as a host scalar, else 0.
/// @param qmode How the scales come about; primitives of brick refuse all but #brick_quantization_mode_static_sazp.
/// @returns As brick_primitive_attr_set_scales().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_scales_v3(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
    ndims: c_int,
    group_dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    is_on_host: c_int,
    qmode: brick_quantization_mode_t,
) -> brick_status_t {
    let raw = RawQuant {
        arg,
        mask,
        ndims,
        group_dims,
        data_type,
        is_on_host,
        mode: qmode,
    };
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile, and as many group sizes as said.
    unsafe { set_scales(attr, &raw) }
}

/// Shifts an argument by s32 values that are given at execution, as argument BRICK_ARG_ATTR_ZERO_POINTS | arg. They are
/// subtracted from sources and weights before these are scaled, and added to destinations after.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the zero points vary along dimension d. 0: there is one.
/// @returns #brick_invalid_arguments if the argument cannot have zero points or the mask has bits beyond 12 dimensions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_zero_points_mask(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe { set_zero_points(attr, &RawQuant::masked(arg, mask, brick_s32)) }
}

/// Shifts an argument by values that are given at execution, one for each group of elements.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the zero points vary along dimension d.
/// @param group_ndims Number of group sizes; 0 for none.
/// @param group_dims `group_ndims` sizes: how many elements share a zero point along each of the last dimensions.
/// @param data_type Type of the zero points: #brick_s32, #brick_s8, #brick_u8, #brick_s4 or #brick_u4.
/// @returns As brick_primitive_attr_set_zero_points_mask(); also for group sizes below 1 and other types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_zero_points(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
    group_ndims: c_int,
    group_dims: *const brick_dim_t,
    data_type: brick_data_type_t,
) -> brick_status_t {
    // SAFETY: passed on as it came.
    unsafe {
        brick_primitive_attr_set_zero_points_v2(
            attr,
            arg,
            mask,
            group_ndims,
            group_dims,
            data_type,
            0,
        )
    }
}

/// As brick_primitive_attr_set_zero_points(), or with a host scalar.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the zero points vary along dimension d.
/// @param ndims Number of group sizes; 0 for none.
/// @param group_dims `ndims` group sizes.
/// @param data_type Type of the zero points.
/// @param is_on_host 1 if the one zero point is given as a host scalar, else 0.
/// @returns As brick_primitive_attr_set_zero_points().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_zero_points_v2(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
    ndims: c_int,
    group_dims: *const brick_dim_t,
    data_type: brick_data_type_t,
    is_on_host: c_int,
) -> brick_status_t {
    let raw = RawQuant {
        ndims,
        group_dims,
        is_on_host,
        ..RawQuant::masked(arg, mask, data_type)
    };
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile, and as many group sizes as said.
    unsafe { set_zero_points(attr, &raw) }
}

/// Announces sums over groups of an argument that the caller has computed. No primitive of brick honours it: descriptors
/// with it are refused as unimplemented.
///
/// @param attr The attributes.
/// @param arg The argument, BRICK_ARG_*.
/// @param mask Bit d set: the sums vary along dimension d.
/// @param group_ndims Number of group sizes; 0 for none.
/// @param group_dims `group_ndims` group sizes.
/// @param data_type Type of the sums, #brick_s32.
/// @returns As brick_primitive_attr_set_zero_points().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_precomputed_reductions(
    attr: brick_primitive_attr_t,
    arg: c_int,
    mask: c_int,
    group_ndims: c_int,
    group_dims: *const brick_dim_t,
    data_type: brick_data_type_t,
) -> brick_status_t {
    let raw = RawQuant {
        ndims: group_ndims,
        group_dims,
        ..RawQuant::masked(arg, mask, data_type)
    };
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile, and as many group sizes as said.
    unsafe {
        set(
            attr,
            || raw.check(&[DataType::S32]),
            |attr, (arg, quant)| drop(attr.precomputed_reductions.insert(arg, quant)),
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

fn number(value: f32, name: &str) -> Result<F32> {
    ensure!(!value.is_nan(), invalid!("{name}: NaN"));
    Ok(F32::new(value))
}

/// Sets how recurrent primitives quantize data: q = scale * x + shift.
///
/// @param attr The attributes.
/// @param scale The scale.
/// @param shift The shift.
/// @returns #brick_invalid_arguments for NaN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_rnn_data_qparams(
    attr: brick_primitive_attr_t,
    scale: f32,
    shift: f32,
) -> brick_status_t {
    let value = || Ok((number(scale, "scale")?, number(shift, "shift")?));
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile.
    unsafe { set(attr, value, |attr, value| attr.rnn_data = Some(value)) }
}

/// Queries how recurrent primitives quantize data.
///
/// @param attr The attributes.
/// @param scale Receives the scale, 1 by default; may be NULL.
/// @param shift Receives the shift, 0 by default; may be NULL.
/// @returns #brick_invalid_arguments if `attr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_rnn_data_qparams(
    attr: const_brick_primitive_attr_t,
    scale: *mut f32,
    shift: *mut f32,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and writable places.
    guard(|| unsafe {
        let data = borrow(attr, "attr")?.rnn_data;
        put_if(scale, data.map_or(1.0, |(scale, _)| scale.get()));
        put_if(shift, data.map_or(0.0, |(_, shift)| shift.get()));
        Ok(())
    })
}

/// # Safety
/// `scales` is null or points to `count` values.
unsafe fn rnn_quant(count: brick_dim_t, mask: c_int, scales: *const f32) -> Result<RnnQuant> {
    ensure!(
        count > 0 && count <= isize::MAX as i64 / 4,
        invalid!("count: {count} scales")
    );
    ensure!(
        (0..1 << MAX_NDIMS).contains(&mask),
        invalid!("mask: {mask:#x} has bits beyond {MAX_NDIMS} dimensions")
    );
    ensure!(
        mask != 0 || count == 1,
        invalid!("count: {count} scales for mask 0, which needs 1")
    );
    ensure!(!scales.is_null(), null("scales"));
    // SAFETY: as this function demands.
    let scales = unsafe { std::slice::from_raw_parts(scales, count as usize) };
    let scales: Result<_> = scales.iter().map(|&s| number(s, "scales")).collect();
    Ok(RnnQuant {
        mask,
        scales: scales?,
    })
}

/// # Safety
/// `attr` is live; the places are null or writable.
unsafe fn put_rnn_quant(
    quant: Option<&RnnQuant>,
    count: *mut brick_dim_t,
    mask: *mut c_int,
    scales: *mut *const f32,
) {
    static ONE: f32 = 1.0;
    // SAFETY: as this function demands.
    unsafe {
        put_if(count, quant.map_or(1, |q| q.scales.len() as i64));
        put_if(mask, quant.map_or(0, |q| q.mask));
        put_if(
            scales,
            quant.map_or(&raw const ONE, |q| q.scales.as_ptr().cast()),
        );
    }
}

/// Sets how recurrent primitives quantize weights.
///
/// @param attr The attributes.
/// @param count Number of scales: 1 for mask 0, else that of the positions along the dimensions of the mask.
/// @param mask Bit d set: the scales vary along dimension d of the weights.
/// @param scales `count` scales; they are copied.
/// @returns #brick_invalid_arguments for NaN, a count below 1 or one that does not fit the mask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_rnn_weights_qparams(
    attr: brick_primitive_attr_t,
    count: brick_dim_t,
    mask: c_int,
    scales: *const f32,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile, and `count` scales.
    unsafe {
        set(
            attr,
            || rnn_quant(count, mask, scales),
            |attr, quant| attr.rnn_weights = Some(quant),
        )
    }
}

/// Queries how recurrent primitives quantize weights.
///
/// @param attr The attributes.
/// @param count Receives the number of scales; may be NULL, as the others.
/// @param mask Receives the mask.
/// @param scales Receives a pointer to the scales, which live as long as the attributes.
/// @returns #brick_invalid_arguments if `attr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_rnn_weights_qparams(
    attr: const_brick_primitive_attr_t,
    count: *mut brick_dim_t,
    mask: *mut c_int,
    scales: *mut *const f32,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and writable places.
    guard(|| unsafe {
        put_rnn_quant(
            borrow(attr, "attr")?.rnn_weights.as_ref(),
            count,
            mask,
            scales,
        );
        Ok(())
    })
}

/// Sets how recurrent primitives quantize projection weights, as brick_primitive_attr_set_rnn_weights_qparams().
///
/// @param attr The attributes.
/// @param count Number of scales.
/// @param mask Bit d set: the scales vary along dimension d of the weights.
/// @param scales `count` scales; they are copied.
/// @returns As brick_primitive_attr_set_rnn_weights_qparams().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_set_rnn_weights_projection_qparams(
    attr: brick_primitive_attr_t,
    count: brick_dim_t,
    mask: c_int,
    scales: *const f32,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes that nobody else uses meanwhile, and `count` scales.
    unsafe {
        set(
            attr,
            || rnn_quant(count, mask, scales),
            |attr, quant| attr.rnn_projection = Some(quant),
        )
    }
}

/// Queries how recurrent primitives quantize projection weights.
///
/// @param attr The attributes.
/// @param count Receives the number of scales; may be NULL, as the others.
/// @param mask Receives the mask.
/// @param scales Receives a pointer to the scales, which live as long as the attributes.
/// @returns #brick_invalid_arguments if `attr` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn brick_primitive_attr_get_rnn_weights_projection_qparams(
    attr: const_brick_primitive_attr_t,
    count: *mut brick_dim_t,
    mask: *mut c_int,
    scales: *mut *const f32,
) -> brick_status_t {
    // SAFETY: the caller passes live attributes and writable places.
    guard(|| unsafe {
        put_rnn_quant(
            borrow(attr, "attr")?.rnn_projection.as_ref(),
            count,
            mask,
            scales,
        );
        Ok(())
    })
}
