//! The element-wise algorithms of the API as expressions: forward and derivative.
