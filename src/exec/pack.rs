//! Packing one operand of a matrix product into the form that the kernel reads.
//!
//! A `Side` says where the elements of a logical rows × columns matrix lie: its rows or its columns have adjacent
//! elements, or it is in panels already. Anything else is copied into such a form before.
#![allow(unsafe_code)]

use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::kernel::spec::{Args, Interleave, Spec, Transpose, Widen};
use crate::machine::Isa;
use crate::plan::steps::copied_words;
use crate::supported;
use std::sync::Arc;

/// Rows that are copied into one panel before the next: as many as the processor reads ahead at once, so that neighbouring
/// panels find the rest of the lines that these rows fetched.
pub const ROWS_AT_ONCE: usize = 8;

/// Where the elements of a matrix lie, in bytes from the start of its batch entry.
#[derive(Clone, Debug)]
pub enum Side {
    /// `row * rows + col * cols` (bytes).
    #[allow(missing_docs)]
    Strided { rows: i64, cols: i64 },
    /// Panels of `width` columns, `panel` bytes apart, each `[k/v][width][v]`: the form that the kernel reads.
    #[allow(missing_docs)]
    Panels { width: usize, panel: i64 },
}

impl Side {
    /// Bytes between rows and between columns; not for panels.
    pub fn strides(&self) -> (i64, i64) {
        match *self {
            Side::Strided { rows, cols } => (rows, cols),
            Side::Panels { .. } => unreachable!("panels have no strides"),
        }
    }

    /// Rows and columns exchanged; panels stay as they are.
    pub fn transposed(self) -> Side {
        match self {
            Side::Strided { rows, cols } => Side::Strided {
                rows: cols,
                cols: rows,
            },
            panels => panels,
        }
    }

    /// Bytes from the start of the batch entry to element (row, col); not for panels.
    pub fn at(&self, row: usize, col: usize) -> i64 {
        match self {
            Side::Strided { rows, cols } => row as i64 * rows + col as i64 * cols,
            Side::Panels { width, panel } => (col / width) as i64 * panel,
        }
    }
}

/// A sub-matrix: k0.. of `k` rows along the reduction, x0.. of `x` entries along the other dimension.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// First index of the reduction.
    pub k0: usize,
    /// Its length.
    pub k: usize,
    /// First index of the other dimension.
    pub x0: usize,
    /// Its length.
    pub x: usize,
}

/// How the windows of one size are packed into `[k/v][ld][v]`.
pub enum Packer {
    /// Rows of k are contiguous along x and v is 1: copied, in whole words by a kernel.
    Rows(Arc<Kernel>),
    /// The same for rows that are no whole number of words.
    #[allow(missing_docs)]
    Copy { k_bytes: i64, size: usize },
    /// Contiguous along x: groups of v rows interleaved, in panels.
    Interleave(Arc<Kernel>),
    /// Contiguous along k: groups transposed.
    Transpose(Arc<Kernel>),
    /// Contiguous along x: rows widened.
    Widen(Arc<Kernel>),
}

/// What a packer is made for.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Instruction set.
    pub isa: Isa,
    /// Bytes of an element.
    pub size: usize,
    /// Elements of a group along k.
    pub v: usize,
    /// Entries along the other dimension that a packed row has room for.
    pub ld: usize,
    /// Bytes from one packed row of so many entries to the next ones of the same row, 0 where there are no more.
    pub panel_bytes: i64,
    /// The type of A whose rows, which are contiguous along the other dimension, are widened.
    pub widen: Option<DataType>,
}

impl Shape {
    /// Bytes from one packed row to the next.
    pub fn row_bytes(&self) -> usize {
        self.ld * self.v * self.elem_bytes()
    }

    /// Bytes of a packed element.
    pub fn elem_bytes(&self) -> usize {
        if self.widen.is_some() {
            2 * self.size
        } else {
            self.size
        }
    }
}

impl Packer {
    /// The packer for windows of k × x of a matrix whose elements lie `k_bytes` and `x_bytes` apart along them, one of
    /// which is the size of an element.
    pub fn new((k_bytes, x_bytes): (i64, i64), k: usize, x: usize, s: &Shape) -> Result<Packer> {
        let size = s.size as i64;
        let d_row_bytes = s.row_bytes() as i64;
        if let Some(a) = s.widen {
            let (isa, n, a_row_bytes) = (s.isa, x, k_bytes);
            let spec = Widen {
                isa,
                n,
                a,
                a_row_bytes,
                d_row_bytes,
            };
            return Ok(Packer::Widen(Kernel::get(&Spec::Widen(spec))?));
        }
        let panels = s.panel_bytes > 0;
        if x_bytes == size && s.v == 1 && !panels {
            if (x * s.size).is_multiple_of(4) {
                let words = copied_words(s.isa, (x * s.size / 4) as i64, k_bytes, d_row_bytes);
                return Ok(Packer::Rows(Kernel::get(&words)?));
            }
            return Ok(Packer::Copy {
                k_bytes,
                size: s.size,
            });
        }
        if x_bytes == size {
            let spec = Interleave {
                isa: s.isa,
                k,
                n: x,
                elem_bytes: s.size,
                panel: if panels { s.ld } else { x },
                panel_bytes: s.panel_bytes,
                a_row_bytes: k_bytes,
                d_row_bytes,
            };
            return Ok(Packer::Interleave(Kernel::get(&Spec::Interleave(spec))?));
        }
        supported!(
            k_bytes == size,
            "packing: neither rows nor columns have adjacent elements"
        );
        let spec = Transpose {
            isa: s.isa,
            rows: x,
            cols: k.div_ceil(s.v),
            group_bytes: s.v * s.size,
            tail_bytes: k % s.v * s.size,
            a_row_bytes: x_bytes,
            d_row_bytes,
        };
        Ok(Packer::Transpose(Kernel::get(&Spec::Transpose(spec))?))
    }

    /// Packs a window.
    ///
    /// # Safety
    /// `from` is the start of a batch entry that holds the window, `to` has room for `k/v` rounded up rows of `s.ld` groups,
    /// and the window has the size that the packer was made for.
    pub unsafe fn pack(
        &self,
        side: impl Fn(usize, usize) -> i64,
        from: *const u8,
        to: *mut u8,
        w: Window,
        s: &Shape,
    ) {
        let first = from.wrapping_offset(side(w.k0, w.x0) as isize);
        match self {
            Packer::Copy { k_bytes, size } => {
                for k in 0..w.k {
                    let src = first.wrapping_offset(k as isize * *k_bytes as isize);
                    // SAFETY: a row of the window, and of the room behind `to`, by the caller's promise.
                    unsafe {
                        std::ptr::copy_nonoverlapping(src, to.add(k * s.ld * size), w.x * size)
                    };
                }
            }
            Packer::Rows(kernel) => {
                let operands = [first];
                // SAFETY: the kernel was made for rows of this length with these strides, of which the window has w.k.
                unsafe {
                    kernel.call(&Args {
                        operands: operands.as_ptr(),
                        d: to,
                        m: w.k,
                        ..Args::default()
                    })
                };
            }
            Packer::Interleave(kernel) | Packer::Transpose(kernel) | Packer::Widen(kernel) => {
                // SAFETY: the kernel was made for windows of this size with these strides.
                unsafe {
                    kernel.call(&Args {
                        a: first,
                        d: to,
                        m: w.k,
                        ..Args::default()
                    })
                };
            }
        }
    }
}
