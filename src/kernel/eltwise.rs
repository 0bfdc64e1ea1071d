//! The element-wise algorithms of the API as expressions: forward and derivative.

use super::expr::{Builder, Id};
use crate::attr::{BinaryAlg, Eltwise};

/// `alg(x; alpha, beta)`.
pub fn forward(_b: &mut Builder, _alg: Eltwise, _alpha: f32, _beta: f32, _x: Id) -> Id {
    todo!()
}

/// The derivative by x at `data`, which is x, or with `use_dst` the forward result.
pub fn derivative(
    _b: &mut Builder,
    _alg: Eltwise,
    _use_dst: bool,
    _alpha: f32,
    _beta: f32,
    _data: Id,
) -> Id {
    todo!()
}

/// `alg(x, y)`; comparisons give 1 or 0. `select` is not binary and is written by its user.
pub fn binary(_b: &mut Builder, _alg: BinaryAlg, _x: Id, _y: Id) -> Id {
    todo!()
}
