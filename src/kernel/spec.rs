//! What a kernel computes, as a value: the key of the kernel cache and the input of every generator.
//!
//! Row-major throughout: `n` is the vectorised, contiguous dimension (output channels), `k` the reduction, `m` the rows
//! (pixels, batch entries) on the broadcast side. Sizes are in elements, strides in bytes where the name says so.

use super::expr::Expr;
use crate::dtype::DataType;
use crate::machine::Isa;
use std::ops::Range;

/// A kernel of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spec {
    /// Batch-reduce GEMM with an epilogue.
    Brgemm(Brgemm),
    /// The epilogue alone over a tile: element-wise work, conversion, copies.
    Tile(Tile),
    /// Moves of 32-bit groups from rows to columns: transposes and transposing packs.
    Transpose(Transpose),
    /// Interleaves groups of v rows: the pack `[k][n]` → `[k/v][n][v]`, in panels.
    Interleave(Interleave),
    /// Widens the rows of A.
    Widen(Widen),
    /// Sums of rows: `d[n] = Σ_m a[m][n]` (bias gradients).
    Reduce(Reduce),
    /// Batch-reduced products of equal columns, with an epilogue: channels that do not mix.
    Depthwise(Depthwise),
}

/// How a brgemm finds the blocks of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Batch {
    /// `args.a` and `args.b` point to arrays of `batch` pointers.
    Address,
    /// `args.a_offsets[i]`, `args.b_offsets[i]` are byte offsets from `args.a`, `args.b`.
    Offset,
    /// The same with both offsets in one list: `args.a_offsets[2i]`, `args.a_offsets[2i + 1]`.
    OffsetPairs,
    /// Block i lies `i * args.a_stride`, `i * args.b_stride` bytes behind the base.
    RunStride,
    /// Block i lies `i * a_bytes`, `i * b_bytes` behind the base.
    #[allow(missing_docs)]
    Stride { a_bytes: i64, b_bytes: i64 },
}

impl Batch {
    /// A batch of one block.
    pub const ONE: Batch = Batch::Stride {
        a_bytes: 0,
        b_bytes: 0,
    };
}

/// `acc[m×n] = beta·C + Σ_i A_i[m×k]·B_i[k×n]`, then `d = expr(acc)`.
///
/// The reduction runs over groups of v = `a.vnni()` elements (f16 counts as v = 1 and is converted to f32).
/// A: group g of row i starts at `a + i*a_row_bytes + g*a_group_bytes`, and its v elements are adjacent.
/// B: group g is a row of n groups of v adjacent elements at `b + g*b_group_bytes`; when v does not divide k the last
/// group is padded (the padding of B must be finite; that of A is never read).
/// The accumulator is f32 for float operands, s32 for integers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Brgemm {
    /// Instruction set to generate for.
    pub isa: Isa,
    /// Rows.
    pub m: usize,
    /// Columns.
    pub n: usize,
    /// Reduction length of one block, ≥ 1.
    pub k: usize,
    /// Type of A: f32, bf16, f16, u8, s8.
    pub a: DataType,
    /// Type of B: as A for floats, s8 or u8 for integers.
    pub b: DataType,
    /// Bytes from one row of A to the next.
    pub a_row_bytes: i64,
    /// Bytes from one group of k in A to the next.
    pub a_group_bytes: i64,
    /// Bytes from one group of k in B to the next.
    pub b_group_bytes: i64,
    /// Whether the groups of A have been widened by [`Widen`]; only where an instruction set lacks their dot product.
    pub a_wide: bool,
    /// How the blocks of the batch are found.
    pub batch: Batch,
    /// Whether the accumulator starts from C (beta = 1) instead of zero.
    pub beta: bool,
    /// Bytes from one row of C to the next; C is f32 or s32 as the accumulator.
    pub c_row_bytes: i64,
    /// Rows, of this call and others, that share fetching into the second-level cache what lies `args.b_stride` bytes behind each
    /// block of B; 0: nobody does.
    pub fetched_by: usize,
    /// Whether the rows of D that a tile will store are fetched there too, since they lie beyond it.
    pub fetches_d: bool,
    /// What is stored to D, and how.
    pub out: Out,
}

impl Brgemm {
    /// One dense block times another, not added to anything.
    pub fn new(isa: Isa, [m, n, k]: [usize; 3], [a, b]: [DataType; 2], out: Out) -> Brgemm {
        Brgemm {
            isa,
            m,
            n,
            k,
            a,
            b,
            a_row_bytes: (k * a.size_bytes()) as i64,
            a_group_bytes: (a.vnni() * a.size_bytes()) as i64,
            b_group_bytes: (n * a.vnni() * b.size_bytes()) as i64,
            a_wide: false,
            batch: Batch::ONE,
            beta: false,
            c_row_bytes: 0,
            fetched_by: 0,
            fetches_d: false,
            out,
        }
    }

    /// Bytes of a block of B that a row of those fetches which share it.
    pub fn fetched_row_bytes(&self) -> i64 {
        let groups = self.k.div_ceil(self.a.vnni()) as i64;
        groups * self.b_group_bytes / self.fetched_by.max(1) as i64
    }

    /// Whether the kernel is faster for bytes of B that keep within 7 bits.
    pub fn may_be_narrow(&self) -> bool {
        let types = (self.a, self.b) == (DataType::U8, DataType::S8);
        types && !self.isa.is_avx512() && !self.a_wide
    }
}

/// All bytes of B are in -64..64.
pub const NARROW_B: u64 = 1;
/// Not all of them are.
pub const WIDE_B: u64 = 2;

/// An expression, and where its value goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Out {
    /// The value to store, from the accumulator and the operands.
    pub expr: Expr,
    /// Type of D; floats stored as integers are rounded to nearest even and saturated, s32 at the largest f32 that it
    /// holds (2147483520).
    pub d: DataType,
    /// Bytes from one row of D to the next.
    pub d_row_bytes: i64,
}

impl Out {
    /// The accumulator as it is.
    pub fn acc(int: bool, d: DataType, d_row_bytes: i64) -> Out {
        Out {
            expr: Expr::acc(int),
            d,
            d_row_bytes,
        }
    }
}

/// `d[i][j] = expr(operands at i, j)` for `args.m` rows (run time) of n columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Instruction set to generate for.
    pub isa: Isa,
    /// Columns.
    pub n: usize,
    /// Whether whole vectors of floats are stored past the caches where D starts at a cache line; its rows are whole lines.
    pub far: bool,
    /// What is stored.
    pub out: Out,
}

/// Moves groups of `group_bytes` bytes (4; or 1, 2 for plain transposes) from `rows` rows of `cols` groups to `cols` rows of `rows` groups:
/// `d[j][i] = a[i][j]`. With `tail_bytes` ≠ 0, the last column holds only that many bytes of a 4-byte group; the rest is zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transpose {
    /// Instruction set to generate for.
    pub isa: Isa,
    /// Rows of the source.
    pub rows: usize,
    /// Columns of the source, in groups.
    pub cols: usize,
    /// Bytes of a group: 1, 2 or 4.
    pub group_bytes: usize,
    /// Valid bytes of the last column's group, 0 for all.
    pub tail_bytes: usize,
    /// Bytes from one source row to the next.
    pub a_row_bytes: i64,
    /// Bytes from one destination row to the next.
    pub d_row_bytes: i64,
}

/// `d[j / panel][g][j % panel][e] = a[g*v+e][j]` for `k` rows of n elements of `elem_bytes` (v = 4 / elem_bytes, so 1, 2 or 4);
/// missing rows of the last group are zero. `k` is a compile-time size; loop over more by calling again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interleave {
    /// Instruction set to generate for.
    pub isa: Isa,
    /// Rows of the source.
    pub k: usize,
    /// Columns.
    pub n: usize,
    /// Bytes of an element: 1, 2 or 4.
    pub elem_bytes: usize,
    /// Columns of a panel, a multiple of the longest vector where there are several.
    pub panel: usize,
    /// Bytes from one panel to the next.
    pub panel_bytes: i64,
    /// Bytes from one source row to the next.
    pub a_row_bytes: i64,
    /// Bytes from one destination group row to the next, within a panel.
    pub d_row_bytes: i64,
}

/// Rows of A for instruction sets without a dot product of its type: groups of 4 bytes become groups of 8, bf16 as f32,
/// bytes as 16-bit integers in the order 0, 2, 1, 3. `args.m` rows (run time) of n elements; missing elements of the last
/// group are zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Widen {
    /// Instruction set to generate for.
    pub isa: Isa,
    /// Elements of a row.
    pub n: usize,
    /// Type of the elements: bf16, u8 or s8.
    pub a: DataType,
    /// Bytes from one source row to the next.
    pub a_row_bytes: i64,
    /// Bytes from one destination row to the next.
    pub d_row_bytes: i64,
}

/// `d[j] = (beta ? d[j] : 0) + Σ_i a[i][j]` for `args.m` rows (run time) of n columns of type `a`; d is f32 (or s32 for integers).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// Instruction set to generate for.
    pub isa: Isa,
    /// Columns.
    pub n: usize,
    /// Source type.
    pub a: DataType,
    /// Bytes from one source row to the next.
    pub a_row_bytes: i64,
    /// Whether d is accumulated into.
    pub beta: bool,
}

impl Reduce {
    /// The kernel for rows of n columns of type a.
    pub fn spec(isa: Isa, (n, a): (usize, DataType), a_row_bytes: i64, beta: bool) -> Spec {
        Spec::Reduce(Reduce {
            isa,
            n,
            a,
            a_row_bytes,
            beta,
        })
    }
}

/// `acc[i][j] = beta·C + Σ_b Σ_t A_b(i, t)[j]·B_b(t)[j]`, then `d = expr(acc)`, for m rows of n columns and so many taps t.
/// The batch is found as by `Batch::Offset`; factors of every type are converted to f32, as is the accumulator, except in
/// groups of integers, whose sums are s32. What lies `args.a_stride` bytes behind A, with beta also what lies `args.b_stride`
/// bytes behind B, is fetched into the caches, or nothing new where these are 0.
///
/// `A(i, t)` lies at `i / run * a_run_bytes + p` for the place `p = i % run * a_row_bytes + t * a_tap_bytes`, and is left out
/// where p is not within `places`; `B(t)` lies at `t * b_tap_bytes`. What stands for their product, [`Mix`] says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Depthwise {
    /// Instruction set to generate for.
    pub isa: Isa,
    /// Rows.
    pub m: usize,
    /// Columns.
    pub n: usize,
    /// Taps.
    pub taps: usize,
    /// Type of A.
    pub a: DataType,
    /// Type of B.
    pub b: DataType,
    /// Runs, the last ones, whose vectors in A are those that no earlier block of the batch has read: what lies ahead of
    /// them is fetched as they are read. With 0, what lies ahead of the rows is fetched at once.
    pub fresh: usize,
    /// Rows of a run, of which m is a multiple.
    pub run: usize,
    /// Bytes from one row of A to the next in a run.
    pub a_row_bytes: i64,
    /// Bytes from one run of A to the next.
    pub a_run_bytes: i64,
    /// Bytes from one tap of A to the next.
    pub a_tap_bytes: i64,
    /// Bytes from one tap of B to the next.
    pub b_tap_bytes: i64,
    /// The first place in A, and one past the last.
    pub places: (i64, i64),
    /// Which columns of A and B meet.
    pub mix: Mix,
    /// Whether the accumulator starts from C instead of zero.
    pub beta: bool,
    /// Bytes from one row of C to the next; C is as the accumulator.
    pub c_row_bytes: i64,
    /// What is stored to D, and how.
    pub out: Out,
    /// Whether D is stored past the caches. Its vectors are aligned then.
    pub far: bool,
}

/// Which columns meet: `A[j]·B[j]`, or others of a group of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mix {
    /// Those of equal number.
    Equal,
    /// One of a group of columns of A meets all columns of this group in B: `A[j / group * group + args.m]·B[j]`.
    #[allow(missing_docs)]
    Column { group: usize },
    /// So many elements of A for each group of columns meet all of this group, each in its row of B:
    /// `Σ_l A[j / group * k + l]·B[l][j]`. Types multiply as in a brgemm, and rows of B lie in groups of v as there.
    #[allow(missing_docs)]
    Groups {
        group: usize,
        k: usize,
        b_group_bytes: i64,
    },
}

impl Mix {
    /// Columns of a kernel for groups.
    pub const COLUMNS: usize = 16;

    /// Elements of a group of A that a column meets through one tap, with `args.m`.
    pub fn elements(self, m: usize) -> Range<usize> {
        match self {
            Mix::Equal => 0..1,
            Mix::Column { .. } => m..m + 1,
            Mix::Groups { k, .. } => 0..k,
        }
    }

    /// Whether there is code for groups of so many columns with k elements of A each: permutations spread a row of A, as
    /// groups of 4 bytes, over one vector of columns.
    pub fn has_groups(isa: Isa, [a, b]: [DataType; 2], group: usize, k: usize) -> bool {
        let has_dot = match (a, b) {
            (DataType::F32, _) => isa.is_avx512(),
            (DataType::Bf16, _) => isa >= Isa::Avx512Bf16,
            (DataType::U8, DataType::S8) => isa >= Isa::Avx512Vnni,
            _ => false,
        };
        let whole = group > 0 && Mix::COLUMNS.is_multiple_of(group) && k.is_multiple_of(a.vnni());
        has_dot && whole && matches!(Mix::COLUMNS / group * k * a.size_bytes(), 16 | 32 | 64)
    }
}

impl Depthwise {
    /// Every place in A.
    pub const EVERYWHERE: (i64, i64) = (i64::MIN, i64::MAX);

    /// One run of m rows through one tap, in dense columns of equal number.
    pub fn new(isa: Isa, [m, n]: [usize; 2], [a, b]: [DataType; 2], out: Out) -> Depthwise {
        Depthwise {
            isa,
            m,
            n,
            taps: 1,
            a,
            b,
            fresh: 0,
            run: m,
            a_row_bytes: (n * a.size_bytes()) as i64,
            a_run_bytes: 0,
            a_tap_bytes: 0,
            b_tap_bytes: 0,
            places: Depthwise::EVERYWHERE,
            mix: Mix::Equal,
            beta: false,
            c_row_bytes: out.d_row_bytes,
            out,
            far: false,
        }
    }

    /// Where row i meets tap t in a block of A, if it does.
    pub fn place(&self, i: usize, t: usize) -> Option<i64> {
        let run = (i / self.run) as i64 * self.a_run_bytes;
        let place = (i % self.run) as i64 * self.a_row_bytes + t as i64 * self.a_tap_bytes;
        (self.places.0..self.places.1)
            .contains(&place)
            .then_some(run + place)
    }

    /// Bytes to the l-th element that column j meets in a row of A, and to its factor in B.
    pub fn columns(&self, j: usize, l: usize) -> (i64, i64) {
        let (of_a, of_b, rows_of_b) = match self.mix {
            Mix::Equal => (j, j, 0),
            Mix::Column { group } => (j / group * group + l, j, 0),
            Mix::Groups {
                group,
                k,
                b_group_bytes,
            } => {
                let v = self.a.vnni();
                (
                    j / group * k + l,
                    j * v + l % v,
                    (l / v) as i64 * b_group_bytes,
                )
            }
        };
        let (a, b) = (self.a.size_bytes(), self.b.size_bytes());
        ((of_a * a) as i64, (of_b * b) as i64 + rows_of_b)
    }

    /// Whether sums are s32.
    pub fn sums_integers(&self) -> bool {
        matches!(self.mix, Mix::Groups { .. }) && self.a.is_int()
    }
}

/// The one argument of every kernel. Fields that a kind does not use are ignored.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Args {
    /// A or the array of A pointers; the source of moves and reductions.
    pub a: *const u8,
    /// B or the array of B pointers.
    pub b: *const u8,
    /// Byte offsets of the A blocks (`Batch::Offset`), or of both (`Batch::OffsetPairs`).
    pub a_offsets: *const i64,
    /// Byte offsets of the B blocks (`Batch::Offset`).
    pub b_offsets: *const i64,
    /// C, read when beta is set.
    pub c: *const u8,
    /// D, written.
    pub d: *mut u8,
    /// Number of blocks in the batch; 0 leaves beta·C.
    pub batch: usize,
    /// Rows of a tile or reduction.
    pub m: usize,
    /// Base pointers of the expression's operands, by slot, each at the tile's first row and column.
    pub operands: *const *const u8,
    /// Bytes from one A block to the next (`Batch::RunStride`).
    pub a_stride: i64,
    /// The same for B.
    pub b_stride: i64,
    /// What is known of the bytes of B: nothing (0), [`NARROW_B`] or [`WIDE_B`].
    pub known_b: u64,
}

impl Default for Args {
    // Out of line its fields would be copied in pairs, which has to wait for the stores of the kernel called before.
    #[inline(always)]
    fn default() -> Args {
        let null = std::ptr::null();
        Args {
            a: null,
            b: null,
            a_offsets: std::ptr::null(),
            b_offsets: std::ptr::null(),
            c: null,
            d: std::ptr::null_mut(),
            batch: 0,
            m: 0,
            operands: std::ptr::null(),
            a_stride: 0,
            b_stride: 0,
            known_b: 0,
        }
    }
}
