//! Numbers of recurrent layers: which weights are moved into panels, who owns which columns, and where buffers lie.

use super::gemm;
use crate::machine::Isa;

/// Work of a time step below which another thread costs more at the barriers than it saves.
const MIN_FLOP_PER_PART: usize = 1 << 18;
/// Elements that a chain of element-wise kernels goes through at a time, so that they stay near the core.
const BLOCK_ELEMS: usize = 16 << 10;
/// Rows that read weights in all steps together, up to which these stay as they lie.
const FEW_ROWS: i64 = 24;

/// Whether weights that every step reads are moved into panels first: unless so few rows read them all in all that it
/// would not pay, where a product `reads` them as they lie.
pub fn repacks(steps: i64, rows: i64, reads: bool) -> bool {
    steps > 1 && !(reads && steps * rows <= FEW_ROWS)
}

/// The width of panels for weights that so many rows read at every step, 1 for rows as they lie. With AVX2 a few rows fill
/// one register tile, of 2 × 4 vectors or 4 × 3: panels as narrow as that are read once, from end to end.
pub fn panel(isa: Isa, (rows, columns): (usize, usize), (far, v): (bool, usize)) -> usize {
    let tile = match rows {
        2 => 32,
        3..=4 => 24,
        _ => 0,
    };
    match tile > 0 && !isa.is_avx512() && !far && v == 1 {
        true => tile.min(columns.max(1).next_multiple_of(16)),
        false => gemm::weights_panel(isa, (rows, columns), far, gemm::panel(isa)),
    }
}

/// Columns that parts take whole: as many as the panels that weights lie in have, or make together.
pub fn unit(isa: Isa, panels: impl Iterator<Item = usize>) -> usize {
    panels.fold(gemm::panel(isa), lcm)
}

/// Bytes from one row of a buffer to the next, for rows of so many: where they would evict each other, a line more for every
/// 4 KB, so that blocks of rows are spread evenly over a cache.
pub fn row_bytes(bytes: i64) -> i64 {
    let lines = (bytes + 4095) / 4096 * i64::from(gemm::collide(bytes));
    bytes + 64 * lines
}

/// The least common multiple.
fn lcm(a: usize, b: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    a / gcd(a, b) * b
}

/// How many parts share the columns of the states, in units of `unit`.
pub fn parts(threads: usize, flop: usize, columns: usize, unit: usize) -> usize {
    let most = columns.div_ceil(unit).min(flop / MIN_FLOP_PER_PART);
    threads.min(most).max(1)
}

/// Columns that a chain of element-wise kernels goes through at a time.
pub fn block(rows: usize, unit: usize) -> usize {
    let most = (BLOCK_ELEMS / rows.max(1)).min(1024);
    (most / unit * unit).max(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_many_rows_read_are_moved_into_panels() {
        assert!(repacks(10, 64, true) && repacks(50, 1, true) && repacks(2, 1, false));
        assert!(!repacks(1, 168, false) && !repacks(10, 1, true));
    }

    #[test]
    fn panels_are_as_wide_as_the_tile_of_few_rows() {
        let of = |isa, far| [1, 2, 3, 4, 5].map(|rows| panel(isa, (rows, 1024), (far, 1)));
        assert_eq!(of(Isa::Avx2, false), [64, 32, 24, 24, 16]);
        assert_eq!(of(Isa::Avx2, true), [1, 1, 1, 1, 16]);
        assert_eq!(of(Isa::Avx512, false), [256, 128, 128, 64, 64]);
        assert_eq!(panel(Isa::Avx2, (2, 10), (false, 1)), 16);
    }

    #[test]
    fn rows_that_would_evict_each_other_lie_further_apart() {
        let rows = [0, 400, 1024, 4096, 4100, 4608, 16384].map(row_bytes);
        assert_eq!(rows, [0, 400, 1088, 4160, 4228, 4608, 16640]);
    }

    #[test]
    fn columns_are_shared_where_a_step_is_long_enough() {
        assert_eq!(parts(2, 2 * 64 * 1024 * 4096, 1024, 16), 2);
        assert_eq!(parts(8, 2 * 64 * 32 * 128, 32, 16), 2);
        assert_eq!(parts(8, 2 * 8 * 8, 8, 16), 1);
    }

    #[test]
    fn parts_take_whole_panels() {
        let of = |isa, panels: &[usize]| unit(isa, panels.iter().copied());
        assert_eq!(of(Isa::Avx2, &[]), 16);
        assert_eq!(of(Isa::Avx2, &[64, 16]), 64);
        assert_eq!(of(Isa::Avx512, &[48, 256]), 768);
    }

    #[test]
    fn blocks_are_whole_units() {
        assert_eq!(block(64, 16), 256);
        assert_eq!(block(1, 64), 1024);
        assert_eq!(block(5000, 64), 64);
        assert_eq!([48, 1152].map(|unit| block(1, unit)), [1008, 1152]);
    }
}
