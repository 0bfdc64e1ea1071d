//! `brick_primitive_attr_set_*`: scales, zero points and precomputed reductions of arguments.

use super::{
    attr::{flag, one_of, set},
    check_mask, not_null,
    types::*,
};
use crate::{
    attr::Quant, dtype::DataType, error::Result, invalid, memory::MAX_NDIMS,
    ops::describe::arg_name, require,
};
use std::ffi::c_int;

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
        check_mask(self.mask)?;
        let data_type = DataType::from_c(self.data_type, "data_type")?;
        require!(
            types.contains(&data_type),
            "data_type: {data_type} cannot hold such values"
        );
        let on_host = flag(self.is_on_host, "is_on_host")?;
        // SAFETY: as this function demands.
        let groups = unsafe { self.groups() }?;
        require!(
            !on_host || (self.mask == 0 && groups.is_empty()),
            "is_on_host: a host scalar is one value, mask {:#x} asks for more",
            self.mask
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
        require!(
            (0..=MAX_NDIMS as c_int).contains(&self.ndims),
            "group_ndims: {} is not between 0 and {MAX_NDIMS}",
            self.ndims
        );
        if self.ndims == 0 {
            return Ok(Vec::new());
        }
        not_null(self.group_dims, "group_dims")?;
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
pub(super) fn check_arg(arg: c_int) -> Result<()> {
    let base = arg & !BRICK_ARG_ATTR_POST_OP_DW;
    let known = matches!(base, 1..=4 | 17..=19 | 33..=36 | 41 | 129 | 145 | 161 | 1024..2048);
    require!(
        arg > 0 && known,
        "arg: {} cannot have such an attribute",
        arg_name(arg)
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
/// @param mask Bit d set: the scales vary along dimension d. 0: there is one. The memory holds the values
///     densely, row-major, in a descriptor of any dimensions.
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

/// Scales an argument by values that are given at execution, one for each group of elements. Primitives of brick take groups of
/// single elements and of whole dimensions, and refuse others as unimplemented.
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

/// Shifts an argument by values that are given at execution, one for each group of elements; for groups see
/// brick_primitive_attr_set_scales().
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
