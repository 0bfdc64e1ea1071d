//! Block sizes and parallel split of a matrix product: pure functions of shape and threads.
//!
//! The kernel walks a register tile over a block of C (bm × bn) with the whole kc in one call, so a panel of B (kc × bn)
//! stays in the L2 cache while the rows of A stream past. The split of K depends on K and the types alone.

/// Bytes of one row of A, along K, in one block: panels of 64 columns of B then take 192 KiB.
const K_BLOCK_BYTES: usize = 3072;
/// Rows of A in one kernel call.
const M_BLOCK: usize = 48;
/// Columns of one packed panel.
pub const PANEL: usize = 64;
/// Columns of one kernel call on B in place.
const WIDE: usize = 768;
/// Work below which waking another thread costs more than it saves.
const MIN_FLOP_PER_PART: usize = 1 << 19;

/// Block sizes: all parts of a dimension have the size given, but the last may be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Rows of C in one kernel call.
    pub bm: usize,
    /// Columns of C in one kernel call.
    pub bn: usize,
    /// Length of the reduction in one kernel call, a multiple of the group size but at the end.
    pub kc: usize,
    /// Columns of B that are packed together.
    pub nc: usize,
}

/// How many parts run at once along the batch, the rows and the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Parts of the batch.
    pub batch: usize,
    /// Parts of M.
    pub m: usize,
    /// Parts of N.
    pub n: usize,
}

impl Split {
    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.batch * self.m * self.n
    }
}

/// Whether B should be copied into panels although the kernel could read it in place: when many rows reuse it.
pub fn pack_b(m: usize) -> bool {
    m > 24
}

/// The length of even blocks of `total`, at most `max`, multiples of `unit`.
fn even(total: usize, max: usize, unit: usize) -> usize {
    let parts = total.div_ceil(max.max(unit)).max(1);
    total.div_ceil(parts).next_multiple_of(unit).max(unit)
}

/// Blocks for m × n × k with elements of `size` bytes; `panel` is the width of B's panels, 0 where B is read in place.
pub fn blocks(m: usize, n: usize, k: usize, size: usize, panel: usize) -> Blocks {
    let kc = even(k, K_BLOCK_BYTES / size, 16);
    let bn = if panel > 0 { panel } else { WIDE.min(n.max(1)) };
    let nc = if panel > 0 { (4 * panel).max(bn) } else { bn };
    Blocks {
        bm: even(m, M_BLOCK, 1),
        bn,
        kc,
        nc,
    }
}

/// Splits the work: the batch first, then the larger of the two sides, so that both operands are shared least.
pub fn split(batch: usize, m: usize, n: usize, k: usize, threads: usize) -> Split {
    let flop = 2 * batch * m * n * k;
    let parts = threads.min(flop / MIN_FLOP_PER_PART).max(1);
    if batch >= parts {
        return Split {
            batch: parts,
            m: 1,
            n: 1,
        };
    }
    let parts = parts / batch;
    let (by_n, by_m) = (n.div_ceil(PANEL), m.div_ceil(6));
    let n_parts = if n >= m || by_m < parts {
        parts.min(by_n.max(1))
    } else {
        1
    };
    Split {
        batch,
        m: (parts / n_parts).clamp(1, by_m.max(1)),
        n: n_parts,
    }
}

/// Part `i` of `parts` of `total`, in multiples of `unit`: first index and length.
pub fn part(total: usize, unit: usize, parts: usize, i: usize) -> (usize, usize) {
    let units = total.div_ceil(unit);
    let first = (units * i / parts * unit).min(total);
    (first, (units * (i + 1) / parts * unit).min(total) - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_blocks_depend_on_k_and_type_alone() {
        for (k, size, kc) in [
            (1024, 4, 512),
            (4096, 4, 688),
            (512, 4, 512),
            (1024, 2, 1024),
            (5, 4, 16),
        ] {
            assert_eq!((k, blocks(7, 9, k, size, 64).kc), (k, kc));
            assert_eq!(blocks(4096, 1, k, size, 0).kc, kc);
        }
    }

    #[test]
    fn parts_cover_without_overlap() {
        for (total, unit, parts) in [(100, 64, 2), (7, 1, 3), (4096, 64, 5), (3, 64, 4)] {
            let mut next = 0;
            for i in 0..parts {
                let (first, len) = part(total, unit, parts, i);
                assert_eq!(first, next);
                next += len;
            }
            assert_eq!(next, total);
        }
    }

    #[test]
    fn small_work_is_not_split() {
        assert_eq!(split(1, 16, 16, 16, 8).parts(), 1);
        assert_eq!(
            split(1, 1024, 1024, 1024, 2),
            Split {
                batch: 1,
                m: 1,
                n: 2
            }
        );
        assert_eq!(
            split(1, 4096, 16, 1024, 2),
            Split {
                batch: 1,
                m: 2,
                n: 1
            }
        );
        assert_eq!(split(64, 128, 128, 128, 2).batch, 2);
    }
}
