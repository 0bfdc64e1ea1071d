//! What kernels cost, counted instead of timed: instructions and memory accesses per multiply-add of whole calls, on
//! every rung, for the shapes that networks are made of.
#![allow(unsafe_code)]

use brick::dtype::DataType::{self, *};
use brick::kernel::expr::{Bcast, Builder, Expr, Node};
use brick::kernel::machine_code;
use brick::kernel::spec::{Args, Batch, Brgemm, Out, Spec, Tile};
use brick::machine::Isa::{self, *};
use iced_x86::{Instruction, Mnemonic, OpKind};
use interpreter::{Memory, Program};

/// Blocks in the batch.
const BATCH: usize = 4;

fn spec(isa: Isa, t: [DataType; 2], [m, n, k]: [usize; 3]) -> Brgemm {
    let (v, size) = (t[0].vnni(), t[0].size_bytes());
    let mut b = Builder::new();
    let acc = b.push(Node::Acc);
    let int = t[0].is_int();
    Brgemm {
        isa,
        m,
        n,
        k,
        a: t[0],
        b: t[1],
        a_row_bytes: (k * size) as i64,
        a_group_bytes: (v * size) as i64,
        b_group_bytes: (n * v * size) as i64,
        a_wide: false,
        batch: Batch::Stride {
            a_bytes: (m * k * size) as i64,
            b_bytes: (n * k * size) as i64,
        },
        beta: false,
        c_row_bytes: (n * 4) as i64,
        fetched_by: 0,
        fetches_d: false,
        out: Out {
            expr: b.finish(acc, int),
            d: if int { S32 } else { F32 },
            d_row_bytes: (n * 4) as i64,
        },
    }
}

/// How many instructions, of each of these kinds, a call carries out.
fn counts<const N: usize>(
    s: &Brgemm,
    batch: usize,
    kinds: [fn(&Instruction) -> bool; N],
) -> [u64; N] {
    let spec = Spec::Brgemm(s.clone());
    let code = machine_code(&spec).unwrap_or_else(|e| panic!("{}", e.message));
    let program = Program::new(&spec.name(), &code).unwrap_or_else(|e| panic!("{e}"));
    let bytes = |elements: usize| vec![0u8; elements * batch * 4 + 64];
    let (a, b, mut d) = (bytes(s.m * s.k), bytes(s.n * s.k), bytes(s.m * s.n));
    let args = Args {
        a: a.as_ptr(),
        b: b.as_ptr(),
        c: d.as_mut_ptr(),
        d: d.as_mut_ptr(),
        batch,
        ..Args::default()
    };
    // SAFETY: the operands are as large as the specification says, and more.
    let mut memory = unsafe { Memory::unchecked() };
    let profile = program.run(std::ptr::from_ref(&args).cast(), &mut memory);
    let profile = profile.unwrap_or_else(|e| panic!("{e}"));
    kinds.map(|kind| profile.count(kind))
}

/// Per hundred vectors of a group's products: instructions, and those with a memory operand.
fn costs(s: &Brgemm) -> (u64, u64) {
    let in_memory: fn(&Instruction) -> bool = |i| {
        let operands = (0..i.op_count()).map(|o| i.op_kind(o));
        i.mnemonic() != Mnemonic::Prefetcht0
            && operands.into_iter().any(|kind| kind == OpKind::Memory)
    };
    let lanes = if s.isa.is_avx512() { 16 } else { 8 };
    let products = s.m * s.n.div_ceil(lanes) * s.k.div_ceil(s.a.vnni()) * BATCH;
    let percent = |n: u64| (100 * n).div_ceil(products as u64);
    let [all, accesses] = counts(s, BATCH, [|_| true, in_memory]);
    (percent(all), percent(accesses))
}

/// Sizes, and at most how many instructions and accesses a hundred products may take.
type Costs = ([usize; 3], u64, u64);

fn check(isa: Isa, t: [DataType; 2], table: &[Costs]) {
    let excess = table.iter().filter_map(|&(shape, instructions, accesses)| {
        let found = costs(&spec(isa, t, shape));
        let dear = found.0 > instructions || found.1 > accesses;
        dear.then(|| format!("{shape:?}: {found:?}, not {instructions} and {accesses}"))
    });
    let excess: Vec<String> = excess.collect();
    assert!(
        excess.is_empty(),
        "{} {t:?} {}",
        isa.name(),
        excess.join("\n")
    );
}

/// Tiles of four vectors by six rows: 34 instructions for 24 products. Of a single tile of seven rows a vector is an operand from
/// memory, of one vector A is.
#[test]
fn floats_on_avx512() {
    let table = [
        ([64, 64, 64], 152, 43),
        ([64, 100, 64], 154, 45),
        ([28, 64, 64], 153, 44),
        ([64, 48, 64], 156, 47),
        ([64, 32, 64], 168, 59),
        ([64, 16, 64], 114, 106),
        ([7, 64, 64], 145, 62),
        ([1, 256, 64], 215, 107),
        ([16, 16, 16], 121, 109),
    ];
    check(Avx512, [F32, F32], &table);
    let some_more = table.map(|(shape, i, a)| (shape, i + 8, a + 2));
    check(Avx512Bf16, [Bf16, Bf16], &some_more);
}

/// Unsigned A cannot be an operand from memory, so one vector takes two instructions.
#[test]
fn bytes_on_avx512() {
    check(
        Avx512Vnni,
        [U8, S8],
        &[
            ([64, 64, 64], 159, 48),
            ([64, 100, 64], 160, 49),
            ([64, 16, 64], 221, 109),
            ([1, 256, 64], 121, 109),
        ],
    );
}

/// The compensation is summed up once for all rows, and shifting A takes no instruction of its own.
#[test]
fn signed_bytes_cost_little_more() {
    check(
        Avx512Vnni,
        [S8, S8],
        &[
            ([64, 64, 64], 163, 49),
            ([64, 100, 64], 165, 51),
            ([64, 16, 64], 226, 110),
        ],
    );
}

/// Two vectors by six rows: 20 instructions for 12 products.
#[test]
fn floats_on_avx2() {
    check(
        Avx2,
        [F32, F32],
        &[
            ([64, 64, 64], 187, 68),
            ([64, 100, 64], 190, 71),
            ([7, 64, 64], 211, 80),
            ([1, 256, 64], 180, 114),
        ],
    );
}

/// Without a dot product of their type, rows of A are widened once a tile, and vectors of B once a group.
#[test]
fn narrow_types_on_avx2() {
    let shapes = [[64, 64, 64], [28, 64, 64], [64, 64, 128]];
    let table = |instructions, accesses| shapes.map(|shape| (shape, instructions, accesses));
    check(Avx2, [Bf16, Bf16], &table(440, 200));
    check(Avx2, [U8, S8], &table(690, 175));
    check(Avx2, [S8, S8], &table(690, 175));
}

/// Rows of A that share the sets of a cache are not fetched beside those that are being read.
#[test]
fn rows_that_evict_each_other_are_not_fetched() {
    let fetches = |a_row_bytes| {
        let mut s = spec(Avx2, [F32, F32], [24, 16, 16]);
        (s.batch, s.a_row_bytes) = (Batch::ONE, a_row_bytes);
        let room = vec![0u8; 24 * a_row_bytes as usize];
        let code = machine_code(&Spec::Brgemm(s)).unwrap_or_else(|e| panic!("{}", e.message));
        let program = Program::new("rows", &code).unwrap_or_else(|e| panic!("{e}"));
        let mut d = vec![0u8; 24 * 16 * 4];
        let args = Args {
            a: room.as_ptr(),
            b: room.as_ptr(),
            d: d.as_mut_ptr(),
            batch: 1,
            ..Args::default()
        };
        // SAFETY: the operands are as large as the specification says.
        let mut memory = unsafe { Memory::unchecked() };
        let profile = program.run(std::ptr::from_ref(&args).cast(), &mut memory);
        let profile = profile.unwrap_or_else(|e| panic!("{e}"));
        profile.count(|i| i.mnemonic() == Mnemonic::Prefetcht0)
    };
    assert_eq!(fetches(4096), 0);
    assert_eq!(fetches(4096 + 64), 24);
}

/// The tiles of all rows share what is fetched of the next block, each line of it once or twice, whatever their number and heights.
#[test]
fn the_next_block_is_fetched() {
    for (isa, [m, n, k]) in [
        (Avx512, [48, 64, 100]),
        (Avx512, [13, 64, 64]),
        (Avx512, [4, 64, 512]),
        (Avx512, [50, 48, 7]),
        (Avx2, [48, 16, 100]),
    ] {
        let mut s = spec(isa, [F32, F32], [m, n, k]);
        let fetches = |s: &Brgemm| counts(s, 1, [|i| i.mnemonic() == Mnemonic::Prefetcht1])[0];
        assert_eq!(fetches(&s), 0);
        s.fetched_by = s.m;
        let (found, lines) = (fetches(&s), (n * k * 4 / 64) as u64);
        assert!(
            (lines..=2 * lines).contains(&found),
            "{m}x{n}x{k}: {found} of {lines}"
        );
        // As much behind each block of a list.
        let mut list = s.clone();
        list.batch = Batch::RunStride;
        assert_eq!(
            counts(&list, 3, [|i| i.mnemonic() == Mnemonic::Prefetcht1])[0],
            3 * found
        );
        // And every line of C beside the block, once.
        s.beta = true;
        let rows = if k > 16 { m } else { 0 };
        assert_eq!(fetches(&s) - found, (rows * n * 4 / 64) as u64);
    }
}

/// Every line that tiles will store is fetched once, and what calls share, a part in each.
#[test]
fn stores_and_shares_are_fetched() {
    let fetches = |s: &Brgemm| counts(s, 1, [|i| i.mnemonic() == Mnemonic::Prefetcht1])[0];
    for (isa, [m, n, k]) in [(Avx512, [49, 64, 64]), (Avx2, [14, 16, 40])] {
        let mut s = spec(isa, [F32, F32], [m, n, k]);
        s.fetches_d = true;
        assert_eq!(fetches(&s), (m * n * 4 / 64) as u64);
        s.fetches_d = false;
        s.fetched_by = m;
        let alone = fetches(&s);
        s.fetched_by = 8 * m;
        assert!(fetches(&s) < alone, "{} of {alone}", fetches(&s));
    }
}

/// Tile kernels store past the caches where D starts at a cache line, and nowhere else.
#[test]
fn far_tiles_pass_the_caches() {
    let row_bytes = 64 * 4;
    for isa in [Avx2, Avx512] {
        let spec = Spec::Tile(Tile {
            isa,
            n: 64,
            far: true,
            out: Out {
                expr: Expr::load(F32, Bcast::Full { row_bytes }, false),
                d: F32,
                d_row_bytes: row_bytes,
            },
        });
        let code = machine_code(&spec).unwrap_or_else(|e| panic!("{}", e.message));
        let program = Program::new(&spec.name(), &code).unwrap_or_else(|e| panic!("{e}"));
        let source = [0u8; 2 * 256];
        let operands = [source.as_ptr()];
        let mut room = [0u8; 2 * 256 + 128];
        let line = room.as_ptr().align_offset(64);
        for shift in [0, 4] {
            let args = Args {
                d: room[line + shift..].as_mut_ptr(),
                operands: operands.as_ptr(),
                m: 2,
                ..Args::default()
            };
            // SAFETY: source and room have two rows.
            let mut memory = unsafe { Memory::unchecked() };
            let profile = program.run(std::ptr::from_ref(&args).cast(), &mut memory);
            let profile = profile.unwrap_or_else(|e| panic!("{e}"));
            let past = profile.count(|i| i.code().mnemonic() == Mnemonic::Vmovntps);
            let vectors = if isa == Avx2 { 16 } else { 8 };
            assert_eq!(past, if shift == 0 { vectors } else { 0 }, "{}", isa.name());
        }
    }
}
