//! brick under oneDNN's names.
