//! Numbers of recurrent layers: in which form weights are read at every time step, who owns which columns, and where
//! buffers lie.

use super::gemm;
use crate::machine::Isa;

/// Work of a time step below which another thread costs more at the barriers than it saves.
const MIN_FLOP_PER_PART: usize = 1 << 18;
/// Elements that a chain of element-wise kernels goes through at a time, so that they stay near the core.
const BLOCK_ELEMS: usize = 16 << 10;
/// Buffers begin at multiples of so many bytes.
const ALIGN: usize = 64;

/// How weights that are multiplied at every time step are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they lie: the product packs them, if it must.
    InPlace,
    /// Copied once into rows of all columns, which few rows of states stream.
    Rows,
    /// Copied once into panels of so many columns.
    Panels(usize),
}

/// A product that every time step repeats.
#[derive(Clone, Copy, Debug)]
pub struct Repeated {
    /// Instruction set.
    pub isa: Isa,
    /// Rows, columns and length of the reduction.
    pub m: usize,
    #[allow(missing_docs)]
    pub n: usize,
    #[allow(missing_docs)]
    pub k: usize,
    /// Bytes of an element.
    pub elem_bytes: usize,
    /// Elements of a group along k.
    pub v: usize,
    /// Time steps.
    pub steps: usize,
}

/// The form for weights that have adjacent elements along their columns, or along the reduction.
pub fn form(p: &Repeated, by_rows: bool) -> Form {
    let readable = by_rows && p.v == 1;
    match gemm::weights_panel(p.isa, p.m, p.n, p.v) {
        _ if p.steps == 1 => Form::InPlace,
        Some(_) if readable && !gemm::pack_b(p.m, p.k, p.k * p.n * p.elem_bytes) => Form::InPlace,
        Some(width) => Form::Panels(width),
        None if readable => Form::InPlace,
        None => Form::Rows,
    }
}

/// Columns that parts take whole: those of the widest panels that weights may lie in, `given` by the caller or packed.
pub fn unit(isa: Isa, rows: usize, v: usize, given: [usize; 2]) -> usize {
    let packed = gemm::weights_panel(isa, rows, gemm::panel(isa).max(64), v).unwrap_or(0);
    given
        .into_iter()
        .fold(gemm::panel(isa), usize::max)
        .max(packed)
}

/// How many parts share the columns of the states, in units of `unit`.
pub fn parts(threads: usize, flop: usize, columns: usize, unit: usize) -> usize {
    let most = columns.div_ceil(unit).min(flop / MIN_FLOP_PER_PART);
    threads.min(most).max(1)
}

/// Whether one part's rows are so few that weights are streamed.
pub fn streams(rows: usize, parts: usize) -> bool {
    const FEW: usize = 8;
    parts == 1 && rows <= FEW
}

/// Columns that a chain of element-wise kernels goes through at a time.
pub fn block(rows: usize, unit: usize) -> usize {
    (BLOCK_ELEMS / rows.max(1) / unit * unit).clamp(unit, 1024)
}

/// Bytes of a buffer with the gap behind it.
pub fn aligned(bytes: i64) -> i64 {
    (bytes as usize).next_multiple_of(ALIGN) as i64
}

/// Memory that is handed out from one end to the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    /// Bytes so far.
    pub bytes: usize,
}

impl Room {
    /// Takes so many bytes; where they start.
    pub fn take(&mut self, bytes: usize) -> i64 {
        let start = self.bytes;
        self.bytes += bytes.next_multiple_of(ALIGN);
        start as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(isa: Isa, m: usize, v: usize, steps: usize, by_rows: bool) -> Form {
        let (n, k, elem_bytes) = (1024, 1024, 4 / v);
        form(
            &Repeated {
                isa,
                m,
                n,
                k,
                elem_bytes,
                v,
                steps,
            },
            by_rows,
        )
    }

    #[test]
    fn weights_are_packed_where_many_steps_or_rows_read_them() {
        assert_eq!(chosen(Isa::Avx2, 64, 1, 10, true), Form::Panels(16));
        assert_eq!(chosen(Isa::Avx512, 64, 1, 10, true), Form::Panels(64));
        assert_eq!(chosen(Isa::Avx512, 64, 1, 1, true), Form::InPlace);
        assert_eq!(chosen(Isa::Avx2, 16, 1, 10, true), Form::InPlace);
        assert_eq!(chosen(Isa::Avx2, 16, 1, 10, false), Form::Panels(16));
    }

    #[test]
    fn few_rows_stream_weights() {
        assert_eq!(chosen(Isa::Avx2, 1, 1, 10, true), Form::InPlace);
        assert_eq!(chosen(Isa::Avx2, 1, 1, 10, false), Form::Rows);
        assert_eq!(chosen(Isa::Avx512Bf16, 1, 2, 10, true), Form::Panels(64));
    }

    #[test]
    fn columns_are_shared_where_a_step_is_long_enough() {
        assert_eq!(parts(2, 2 * 64 * 1024 * 4096, 1024, 16), 2);
        assert_eq!(parts(8, 2 * 64 * 32 * 128, 32, 16), 2);
        assert_eq!(parts(8, 2 * 8 * 8, 8, 16), 1);
    }

    #[test]
    fn parts_take_whole_panels() {
        assert_eq!(unit(Isa::Avx2, 64, 1, [0, 0]), 16);
        assert_eq!(unit(Isa::Avx2, 64, 1, [32, 16]), 32);
        assert_eq!(unit(Isa::Avx2, 4, 2, [0, 0]), 64);
        assert_eq!(unit(Isa::Avx512, 4, 1, [16, 16]), 64);
    }

    #[test]
    fn blocks_are_whole_units() {
        assert_eq!(block(64, 16), 256);
        assert_eq!(block(1, 64), 1024);
        assert_eq!(block(5000, 64), 64);
    }

    #[test]
    fn buffers_do_not_overlap() {
        let mut room = Room::default();
        assert_eq!([room.take(1), room.take(65), room.take(64)], [0, 64, 192]);
        assert_eq!(room.bytes, 256);
    }
}
