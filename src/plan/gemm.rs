//! Block sizes and parallel split of a matrix product: pure functions of instruction set, shape and threads.
//!
//! A panel of B is as wide as the register tile, so that the kernel walks it without gaps: kc × panel elements stay in
//! the L1 cache (with AVX-512, which reads the second level as fast, in L2: long sums then read and write C seldom) while the
//! rows of A stream past, bm × kc elements of A in the L2 cache while the panels do. Sums do not
//! depend on the blocks of K: an accumulator that passes through C goes on where it stopped.

use crate::dtype::DataType;
use crate::machine::Isa;

/// Elements of a register tile's row that are multiplied with one element of A: two vectors of 8 or four of 16.
pub const fn panel(isa: Isa) -> usize {
    if isa.is_avx512() { 64 } else { 16 }
}

/// The same where a product packs its panels itself, elements in groups of v: a tile of three vectors takes fewer loads than one of two.
pub const fn packed_panel(isa: Isa, n: usize, v: usize) -> usize {
    const MANY_COLUMNS: usize = 96;
    let three = !isa.is_avx512() && v == 1 && n >= MANY_COLUMNS;
    if three { 24 } else { panel(isa) }
}

/// Whether a product reads panels as they lie that are so wide: several whole vectors.
pub const fn reads_panels(isa: Isa, width: i64) -> bool {
    let vector = if isa.is_avx512() { 16 } else { 8 };
    width >= 16 && width % vector == 0
}

/// Bytes of one row of A, along K, in one block.
const fn k_block_bytes(isa: Isa) -> usize {
    if isa.is_avx512() { 6144 } else { 2048 }
}

/// Rows of A in one block, and of which number they are a multiple: AVX2 has register tiles of 4 and of 6 rows.
const fn m_block(isa: Isa) -> (usize, usize) {
    match isa.is_avx512() {
        true => (48, TILE_ROWS),
        false => (192, 12),
    }
}

/// Rows of a register tile, and rows that surely make a single one.
const TILE_ROWS: usize = 6;
const ONE_TILE: usize = 4;
/// Rows and size of B from which on it is worth copying into panels.
const PACK_B_ROWS: usize = 24;
const PACK_B_BYTES: usize = 64 << 10;
/// Columns from which on A is worth copying into rows without gaps.
const PACK_A_COLUMNS: usize = 128;
/// Bytes of B that are packed together, and columns that this is at least.
const B_GROUP: (usize, usize) = (8 << 20, 512);
/// The same where one block of rows uses them once, from the L2 cache.
const B_GROUP_ONCE: (usize, usize) = (512 << 10, 256);
/// Columns of one kernel call on B in place.
const WIDE: usize = 768;
/// Few rows read all of B just once, so B is streamed: a few of its rows at a time, as long as they are.
const STREAM_ROWS: usize = 16;
const STREAM_BYTES: usize = 256 << 10;
/// Elements of C in one kernel call on streamed B.
const STREAM_C_ELEMS: usize = 16 << 10;
/// Reductions so short that writing C is all that takes time: its rows are written one by one, from end to end.
const OUTER_DEPTH: usize = 2;
/// Columns of C in one kernel call on a row of C.
const OUTER_COLUMNS: usize = 4096;
/// Work below which waking another thread costs more than it saves.
const MIN_FLOP_PER_PART: usize = 1 << 19;

/// What the block sizes are chosen from.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Instruction set.
    pub isa: Isa,
    /// Rows, columns and length of the reduction.
    pub m: usize,
    #[allow(missing_docs)]
    pub n: usize,
    #[allow(missing_docs)]
    pub k: usize,
    /// Bytes of an element of A and B.
    pub elem_bytes: usize,
    /// Length of K that is packed together, 0 for one block.
    pub k_group: usize,
    /// Width of B's panels, 0 where B is read in place.
    pub panel: usize,
}

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

/// Whether B should be copied into panels although the kernel could read it in place: when many rows reuse it,
/// and it does not fit beside the other operands into the caches near the core.
pub fn pack_b(m: usize, k: usize, bytes: usize) -> bool {
    m > PACK_B_ROWS && k > OUTER_DEPTH && bytes > PACK_B_BYTES
}

/// Whether A should be copied although the kernel could read it in place: when many columns reuse it, and its rows would
/// evict each other from the cache. The wide panels of AVX-512 read A seldom enough to do without, as long as it is along
/// its rows.
pub fn pack_a(isa: Isa, m: usize, n: usize, row_bytes: i64, group_bytes: i64) -> bool {
    let rows_collide = collide(row_bytes) && !isa.is_avx512();
    m > TILE_ROWS && n >= PACK_A_COLUMNS && (rows_collide || group_bytes.abs() >= COLLISION)
}

/// Distance whose multiples fall into few places of a cache.
const COLLISION: i64 = 1024;

/// Whether rows so far apart would evict each other from the cache: within a line of such a multiple.
pub const fn collide(row_bytes: i64) -> bool {
    const NEXT_LINE: i64 = 64;
    let row = row_bytes.abs();
    row >= COLLISION && (row + NEXT_LINE - 1) % COLLISION < 2 * NEXT_LINE - 1
}

/// Whether A should be widened while it is copied: when an instruction set has no dot product of its type, and the kernel
/// would have to widen it for every panel. Pairs of bytes need not be widened if B is narrow enough, which is not known yet.
pub fn widen_a(isa: Isa, [a, b]: [DataType; 2], n: usize) -> bool {
    let may_be_pairs = (a, b) == (DataType::U8, DataType::S8) && !isa.is_avx512();
    a.vnni() > 1 && !has_dot(isa, a) && !may_be_pairs && n > 2 * panel(isa)
}

/// Whether an instruction set has the dot product of groups of this type.
pub fn has_dot(isa: Isa, dtype: DataType) -> bool {
    match dtype {
        DataType::Bf16 => isa >= Isa::Avx512Bf16,
        DataType::U8 | DataType::S8 => isa >= Isa::Avx512Vnni,
        _ => false,
    }
}

/// The width of panels for weights that many products will use as they lie: where few rows read them, as wide as keeps
/// enough sums in flight, since then B is read once and from end to end; else `tile`. 1 where they are `far` and whole rows
/// are better: tiles of few registers take some of several rows, and the processor reads ahead in all of these at once.
pub fn weights_panel(isa: Isa, (m, n): (usize, usize), far: bool, tile: usize) -> usize {
    let width = match m {
        1 if isa.is_avx512() => 256,
        2..4 if isa.is_avx512() => 128,
        ..=ONE_TILE if !isa.is_avx512() && far => return 1,
        ..=ONE_TILE => 64,
        _ => tile,
    };
    width.min(n.max(1).next_multiple_of(16))
}

/// Whether weights that are read so often in an execution come from memory each time: in groups they are never `far`.
pub fn is_far(bytes: usize, v: usize, reads: usize) -> bool {
    const KEPT: usize = 16 << 20;
    let others = if reads > 1 { 0 } else { 3 * bytes };
    v == 1 && bytes + others > KEPT
}

/// How many bytes behind what it reads of B a kernel fetches: the panel after this one; where a single tile of rows reads B
/// from end to end only a little ahead, since a whole panel would drive out the rest of this one.
pub fn fetched_ahead(isa: Isa, m: usize, to_next_panel: i64) -> i64 {
    match m {
        ..=ONE_TILE if isa.is_avx512() => 16 << 10,
        ..=ONE_TILE => 8 << 10,
        _ => to_next_panel,
    }
}

/// Rows of B that are streamed at a time: more where more rows of C are read and written for each of them.
fn stream_depth(m: usize) -> usize {
    if m <= 8 { 8 } else { 16 }
}

/// The length of even blocks of `total`, at most `max`, multiples of `unit`.
pub fn even(total: usize, max: usize, unit: usize) -> usize {
    let parts = total.div_ceil(max.max(unit)).max(1);
    total.div_ceil(parts).next_multiple_of(unit).max(unit)
}

/// Chooses the blocks.
pub fn blocks(s: &Sizes) -> Blocks {
    let kc = even(s.k, k_block_bytes(s.isa) / s.elem_bytes, 16);
    let (most, unit) = m_block(s.isa);
    let bm = even(s.m, most, unit).min(s.m.max(1));
    let depth = if s.k_group > 0 { s.k_group } else { kc };
    let (bytes, least) = if s.m <= bm { B_GROUP_ONCE } else { B_GROUP };
    let columns = (bytes / (depth * s.elem_bytes)).max(least);
    if let Some(panels) = columns.checked_div(s.panel) {
        return Blocks {
            bm,
            bn: s.panel,
            kc,
            nc: panels * s.panel,
        };
    }
    if s.k <= OUTER_DEPTH && s.m > STREAM_ROWS {
        let bn = OUTER_COLUMNS.min(s.n.max(1));
        return Blocks {
            bm: 1,
            bn,
            kc,
            nc: bn,
        };
    }
    let streamed = s.m <= STREAM_ROWS && s.k * s.n * s.elem_bytes > STREAM_BYTES;
    let (kc, bn) = match streamed {
        true => (stream_depth(s.m), STREAM_C_ELEMS / s.m.max(1)),
        false => (kc, WIDE),
    };
    let bn = bn.min(s.n.max(1));
    Blocks { bm, bn, kc, nc: bn }
}

/// Splits the work: the batch first, then the larger of the two sides, so that both operands are shared least.
pub fn split(batch: usize, m: usize, n: usize, k: usize, threads: usize) -> Split {
    let flop = [batch, m, n, k].into_iter().fold(2, usize::saturating_mul);
    let parts = threads.min(flop / MIN_FLOP_PER_PART).max(1);
    if batch >= parts || flop == 0 {
        return Split {
            batch: parts,
            m: 1,
            n: 1,
        };
    }
    let parts = parts / batch;
    let (by_n, by_m) = (n.div_ceil(64), m.div_ceil(TILE_ROWS));
    let n_parts = match n >= m || by_m < parts {
        true => parts.min(by_n.max(1)),
        false => 1,
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

    fn sizes(isa: Isa, m: usize, n: usize, k: usize, panel: usize) -> Sizes {
        Sizes {
            isa,
            m,
            n,
            k,
            elem_bytes: 4,
            k_group: 0,
            panel,
        }
    }

    #[test]
    fn blocks_are_even_and_fit_the_caches() {
        let all = |isa, m, n, k| blocks(&sizes(isa, m, n, k, panel(isa)));
        assert_eq!(
            all(Isa::Avx2, 1000, 1000, 1000),
            Blocks {
                bm: 168,
                bn: 16,
                kc: 512,
                nc: 4096
            }
        );
        assert_eq!(
            all(Isa::Avx512, 1024, 1024, 4096),
            Blocks {
                bm: 48,
                bn: 64,
                kc: 1376,
                nc: 1472
            }
        );
        assert_eq!(all(Isa::Avx2, 7, 5, 5).kc, 16);
    }

    #[test]
    fn panels_that_are_packed_for_one_product_are_wider_on_avx2() {
        let of = |isa| [(95, 1), (96, 1), (96, 2)].map(|(n, v)| packed_panel(isa, n, v));
        assert_eq!(of(Isa::Avx2), [16, 24, 16]);
        assert_eq!(of(Isa::Avx512), [64; 3]);
    }

    #[test]
    fn rows_that_evict_each_other_are_copied() {
        let copied = |isa, rows: [i64; 4]| rows.map(|row| pack_a(isa, 64, 512, row, 4));
        assert_eq!(copied(Isa::Avx2, [1024, 4100, -8192, 4033]), [true; 4]);
        assert_eq!(copied(Isa::Avx2, [0, 60, 1000, 4160]), [false; 4]);
        assert_eq!(copied(Isa::Avx512, [1024, 4100, -8192, 4033]), [false; 4]);
    }

    #[test]
    fn panels_are_read_that_are_several_whole_vectors_wide() {
        let read = |isa| [8, 16, 20, 24, 64].map(|width| reads_panels(isa, width));
        assert_eq!(read(Isa::Avx2), [false, true, false, true, true]);
        assert_eq!(read(Isa::Avx512), [false, true, false, false, true]);
    }

    #[test]
    fn few_rows_stream_b_in_place() {
        let one = blocks(&sizes(Isa::Avx2, 1, 4096, 4096, 0));
        assert_eq!((one.bn, one.kc), (4096, 8));
        let small = blocks(&sizes(Isa::Avx2, 1, 64, 64, 0));
        assert_eq!((small.bn, small.kc), (64, 64));
    }

    #[test]
    fn fewer_rows_read_wider_panels() {
        let wide = |isa, far| [1, 3, 8, 64].map(|m| weights_panel(isa, (m, 1024), far, panel(isa)));
        assert_eq!(wide(Isa::Avx512, true), [256, 128, 64, 64]);
        assert_eq!(wide(Isa::Avx2, false), [64, 64, 16, 16]);
        assert_eq!(wide(Isa::Avx2, true), [1, 1, 16, 16]);
        assert_eq!(weights_panel(Isa::Avx512, (1, 100), true, 64), 112);
    }

    #[test]
    fn weights_are_far_that_the_caches_do_not_keep() {
        assert!(is_far(8 << 20, 1, 1) && !is_far(8 << 20, 1, 2) && is_far(64 << 20, 1, 50));
        assert!(!is_far(64 << 20, 2, 1) && !is_far(4 << 20, 1, 1));
    }

    #[test]
    fn a_tile_that_streams_b_fetches_less_than_a_panel_ahead() {
        assert_eq!(
            [1, 4, 5].map(|m| fetched_ahead(Isa::Avx512, m, 1 << 20)),
            [16 << 10, 16 << 10, 1 << 20]
        );
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
        assert_eq!(split(0, 16, 16, 16, 8).parts(), 1);
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
