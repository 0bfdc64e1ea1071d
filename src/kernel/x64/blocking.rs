//! Register tiles: how many vectors by how many rows of accumulators, chosen from the shape alone.
//!
//! The accumulators of a tile stay in registers for the whole batch. Rows and columns are split evenly, never into a
//! full tile and a small rest: a rest with few accumulators cannot hide the latency of the multiply-adds.

/// What the registers must hold beside the accumulators.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Vectors of all columns.
    pub vectors: usize,
    /// Vector registers.
    pub regs: usize,
    /// Whether a broadcast can be an operand of the multiply-add (then it needs no register).
    pub embedded: bool,
    /// Whether a vector can be one as well. It pays only where one tile has all rows: two units leave no loads to spare.
    pub from_memory: bool,
    /// Registers per column vector besides the accumulators, for all its tiles (compensation).
    pub column_regs: usize,
    /// Further registers that the inner loop needs.
    pub extra: usize,
    /// Registers that the epilogue needs beside the accumulators; `extra` ones are free by then.
    pub epilogue: usize,
    /// Whether all accumulators but one lie on the stack then.
    pub stacked: bool,
    /// Whether rows of A lie multiples of 4 KiB apart: more than 8 of them evict each other from the L1 cache.
    pub aliasing: bool,
    /// Whether what a tile stores and starts from takes long beside its sums.
    pub short: bool,
}

/// `total` cut into `count` even parts of at most `max`: the sizes, larger ones first.
pub fn even_parts(total: usize, max: usize) -> Vec<usize> {
    let count = total.div_ceil(max.max(1)).max(1);
    let (size, larger) = (total / count, total % count);
    (0..count).map(|i| size + usize::from(i < larger)).collect()
}

/// Multiply-adds that two units have in flight: a tile of fewer accumulators waits for its own sums.
const IN_FLIGHT: usize = 8;

/// Vectors of one column block for tiles of `m` rows. Few rows get wide tiles, so that enough accumulators are in flight,
/// and so do heights that tiles of the usual width divide badly.
pub fn max_vectors(m: usize, budget: &Budget) -> usize {
    let usual = usual_vectors(m, budget);
    let better = |v: &usize| {
        max_rows(m, *v, budget) > 0
            && 16 * cost(m, *v, budget) * usual < 15 * cost(m, usual, budget) * v
    };
    (usual + 1..=4).rev().find(better).unwrap_or(usual)
}

/// What a step of k costs in all tiles of a column block, in multiply-adds.
fn cost(m: usize, vectors: usize, budget: &Budget) -> usize {
    let heights = even_parts(m, max_rows(m, vectors, budget));
    heights.iter().map(|h| (h * vectors).max(IN_FLIGHT)).sum()
}

fn usual_vectors(m: usize, budget: &Budget) -> usize {
    let wide = budget.regs >= 32;
    let vectors = match (m, wide) {
        (1, true) => 16,
        (2, true) => 12,
        (3, true) => 8,
        (4, true) => 6,
        (_, true) => 4,
        (1, false) => 8,
        (2, false) => 5,
        (3, false) => 3,
        // 4 × 3 accumulators take fewer loads than 6 × 2.
        (_, false) if budget.vectors == 3 => 3,
        (_, false) => 2,
    };
    (1..=vectors)
        .rev()
        .find(|v| max_rows(m, *v, budget) >= m.clamp(1, 4))
        .unwrap_or(1)
}

/// Rows of a tile with `vectors` column vectors that fit the registers, at most what `m` needs; 0 when none does.
pub fn max_rows(m: usize, vectors: usize, budget: &Budget) -> usize {
    let kept = vectors * budget.column_regs;
    let stored = |rows: usize| if budget.stacked { 1 } else { rows * vectors };
    let fits = |rows: usize| {
        let operands = if stationary_rows(rows, vectors) {
            rows + 1
        } else if vectors == 1 && budget.embedded {
            1
        } else if vectors >= 4 && rows == m && budget.from_memory {
            vectors
        } else {
            vectors + 1
        };
        rows * vectors + kept + budget.extra + operands <= budget.regs
            && stored(rows) + kept + budget.epilogue <= budget.regs
    };
    let cap = if budget.aliasing { 8 } else { 28 };
    let rows = (1..=m.min(cap)).rev().find(|rows| fits(*rows)).unwrap_or(0);
    // It is hidden behind the sums of the tiles before and after, if these are near.
    if rows < m && budget.short {
        rows.min(SHORT_ACCUMULATORS.div_ceil(vectors))
    } else {
        rows
    }
}

/// Accumulators of a tile of several.
const SHORT_ACCUMULATORS: usize = 20;

/// Whether the broadcast side is held in registers while the vectors stream past, instead of the reverse.
pub fn stationary_rows(rows: usize, vectors: usize) -> bool {
    rows < vectors && rows <= 4
}

/// Groups of k between two jumps, `products` instructions each: all of a short reduction, else enough to hide the
/// loop. More is not faster, but takes longer to generate.
pub fn unrolled(groups: usize, products: usize) -> usize {
    const STRAIGHT: usize = 200;
    const LOOP: usize = 64;
    if groups <= 16 && groups * products <= STRAIGHT {
        groups
    } else {
        (LOOP / products.max(1)).clamp(1, 4).min(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVX512: Budget = Budget {
        vectors: 16,
        regs: 32,
        embedded: true,
        from_memory: true,
        column_regs: 0,
        extra: 0,
        epilogue: 1,
        stacked: false,
        aliasing: false,
        short: false,
    };
    const AVX2: Budget = Budget {
        regs: 16,
        embedded: false,
        ..AVX512
    };

    #[test]
    fn parts_are_even_and_cover() {
        assert_eq!(even_parts(28, 6), [6, 6, 6, 5, 5]);
        assert_eq!(even_parts(5, 4), [3, 2]);
        assert_eq!(even_parts(7, 4), [4, 3]);
        assert_eq!(even_parts(3, 4), [3]);
    }

    #[test]
    fn tiles_of_the_measured_tables() {
        for (m, vectors, budget, rows) in [
            (7, 4, AVX512, 7),
            (64, 4, AVX512, 6),
            (64, 3, AVX512, 9),
            (64, 2, AVX512, 14),
            (64, 1, AVX512, 28),
        ] {
            assert_eq!((max_rows(m, vectors, &budget), vectors), (rows, vectors));
        }
        assert_eq!(max_vectors(64, &AVX2), 2);
        assert_eq!(max_rows(64, 2, &AVX2), 6);
        let three = Budget { vectors: 3, ..AVX2 };
        assert_eq!((max_vectors(64, &three), max_rows(64, 3, &three)), (3, 4));
        let short = Budget {
            short: true,
            ..AVX512
        };
        assert_eq!([6, 7, 64].map(|m| max_rows(m, 4, &short)), [6, 7, 5]);
        assert_eq!(max_vectors(64, &AVX512), 4);
        assert_eq!([6, 7, 13].map(|m| max_vectors(m, &AVX2)), [2, 4, 2]);
        assert_eq!(even_parts(7, max_rows(7, 4, &AVX2)), [3, 2, 2]);
        assert_eq!(max_vectors(1, &AVX512), 16);
    }

    #[test]
    fn short_reductions_are_straight() {
        for (groups, products, want) in [
            (16, 12, 16),
            (16, 24, 2),
            (64, 12, 4),
            (64, 4, 4),
            (8, 24, 8),
            (1, 48, 1),
            (0, 4, 0),
        ] {
            assert_eq!(unrolled(groups, products), want, "{groups} of {products}");
        }
    }

    #[test]
    fn aliasing_rows_and_hungry_epilogues_shrink_tiles() {
        let hungry = Budget {
            epilogue: 13,
            ..AVX2
        };
        assert_eq!(max_vectors(1, &hungry), 3);
        assert_eq!(max_rows(1, 4, &hungry), 0);
        assert_eq!(
            max_rows(
                64,
                1,
                &Budget {
                    aliasing: true,
                    ..AVX512
                }
            ),
            8
        );
        assert_eq!(
            max_rows(
                64,
                4,
                &Budget {
                    epilogue: 12,
                    ..AVX512
                }
            ),
            5
        );
    }
}
