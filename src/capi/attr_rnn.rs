//! `brick_primitive_attr_*_rnn_*`: how recurrent primitives quantize data and weights.

use super::{attr::set, borrow, check_mask, gather, guard, not_nan, not_null, put_if, types::*};
use crate::{attr::RnnQuant, error::Result, require};
use std::ffi::c_int;

/// Sets how recurrent primitives quantize data: q = scale * x + shift. Reorders of floats to
/// 8-bit integers compute just that; other primitives refuse it as unimplemented.
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
    let value = || Ok((not_nan(scale, "scale")?, not_nan(shift, "shift")?));
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
        let data = borrow(attr, "attr")?.data();
        put_if(scale, data.0);
        put_if(shift, data.1);
        Ok(())
    })
}

/// # Safety
/// `scales` is null or points to `count` values.
unsafe fn rnn_quant(count: brick_dim_t, mask: c_int, scales: *const f32) -> Result<RnnQuant> {
    require!(
        count > 0,
        "count: {count}, but there must be at least 1 scale"
    );
    require!(
        count <= isize::MAX as i64 / 4,
        "count: {count} scales exceed any memory"
    );
    check_mask(mask)?;
    require!(
        mask != 0 || count == 1,
        "count: {count} scales for mask 0, which needs 1"
    );
    not_null(scales, "scales")?;
    // SAFETY: as this function demands.
    let scales = unsafe { std::slice::from_raw_parts(scales, count as usize) };
    let checked =
        (scales.iter().enumerate()).map(|(i, &s)| not_nan(s, format_args!("scales[{i}]")));
    Ok(RnnQuant {
        mask,
        scales: gather(scales.len(), checked)?,
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

/// Sets how recurrent primitives quantize weights, and reorders that make s8 weights (l, d, i, g, o) of floats. Other
/// primitives refuse it as unimplemented.
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
