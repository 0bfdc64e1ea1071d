//! Runs one kernel over guarded, poisoned buffers and compares every byte of its output with a naive evaluation.

use super::expr::{Element, evaluate, extent};
use super::guard::{Guarded, Side};
use super::number::{self, POISON, decode, encode, same};
use super::random::Random;
use brick::dtype::DataType;
use brick::error::Status;
use brick::kernel::expr::Node;
use brick::kernel::spec::{Args, Batch, Brgemm, Interleave, Out, Reduce, Spec, Tile, Transpose};
use brick::kernel::{Kernel, machine_code};
use brick::knobs::{self, JitMemory};

/// What went wrong, in words; nothing if nothing did.
pub type Verdict = Result<(), String>;

/// Guarded buffers for one case after the other: 0 A, 1 B, 2 C, 3 D, 4 and 5 batch arrays, then operands.
pub struct Bench {
    slots: Vec<Guarded>,
    placed: Vec<Vec<u8>>,
}

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;
const LISTS: [usize; 2] = [4, 5];
const OPERANDS: usize = 6;

impl Bench {
    pub fn new() -> Bench {
        Bench {
            slots: (0..OPERANDS + 8).map(|_| Guarded::new(1 << 18)).collect(),
            placed: vec![Vec::new(); OPERANDS + 8],
        }
    }

    fn place(&mut self, slot: usize, bytes: Vec<u8>, random: &mut Random) -> *mut u8 {
        let side = if random.below(4) == 0 {
            Side::Front
        } else {
            Side::Back
        };
        let at = self.slots[slot].place(&bytes, side);
        self.placed[slot] = bytes;
        at
    }

    /// Calls the kernel; afterwards everything but D must be as before. Returns D.
    fn call(&mut self, spec: &Spec, args: &Args) -> Result<Vec<u8>, String> {
        let kernel = Kernel::get(spec).map_err(|e| format!("refused: {}", e.message))?;
        if std::env::var_os("BRICK_TEST_TRACE").is_some() {
            eprintln!("{spec:?} batch {} m {}", args.batch, args.m);
        }
        match kernel.entry() {
            // SAFETY: `args` points to guarded buffers laid out as the specification says.
            Some(entry) => unsafe { call_keeping_registers(entry, args) }?,
            None => {
                check_refusal(spec)?;
                // SAFETY: as above.
                unsafe { kernel.call(args) };
            }
        }
        for (slot, placed) in self.placed.iter_mut().enumerate() {
            let before = std::mem::take(placed);
            if slot != D && !before.is_empty() && self.slots[slot].bytes() != before {
                return Err(format!("buffer {slot} was changed"));
            }
        }
        Ok(self.slots[D].bytes().to_vec())
    }
}

/// A kernel may be the portable one where its rung, the host or the generator's reach say so, never for a mistake of
/// the generator.
fn check_refusal(spec: &Spec) -> Verdict {
    let refused = |e: brick::error::Error| e.status == Status::Unimplemented;
    match machine_code(spec) {
        Err(e) if !refused(e.clone()) => Err(format!("not generated: {}", e.message)),
        Ok(_) if knobs::JIT_MEMORY.get() == JitMemory::Auto => Err("generated but not used".into()),
        _ => Ok(()),
    }
}

/// Calls generated code and checks that it keeps the registers that a C function must keep.
///
/// # Safety
/// As for the kernel.
#[cfg(target_arch = "x86_64")]
unsafe fn call_keeping_registers(entry: unsafe extern "C" fn(*const Args), args: &Args) -> Verdict {
    let changed: u64;
    // SAFETY: the block saves what it overwrites, calls with an aligned stack and declares the rest as clobbered.
    unsafe {
        std::arch::asm!(
            "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
            "mov ebx, 11", "mov ebp, 12", "mov r12d, 13", "mov r13d, 14", "mov r14d, 15", "mov r15d, 16",
            "call rax",
            "xor rbx, 11", "xor rbp, 12", "xor r12, 13", "xor r13, 14", "xor r14, 15", "xor r15, 16",
            "or rbx, rbp", "or rbx, r12", "or rbx, r13", "or rbx, r14", "or rbx, r15",
            "mov rax, rbx",
            "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
            inout("rax") entry as usize as u64 => changed,
            in("rdi") args,
            clobber_abi("C"),
        );
    }
    if changed == 0 {
        Ok(())
    } else {
        Err("a register that must be kept was changed".into())
    }
}

/// # Safety
/// As for the kernel.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn call_keeping_registers(entry: unsafe extern "C" fn(*const Args), args: &Args) -> Verdict {
    // SAFETY: passed on to the caller.
    unsafe { entry(args) };
    Ok(())
}

/// A matrix in memory: element (i, j) at `i * row + j * size`, poison between the rows.
fn matrix(
    rows: usize,
    row: usize,
    columns: usize,
    t: DataType,
    mut value: impl FnMut() -> Vec<u8>,
) -> Vec<u8> {
    let size = t.size_bytes();
    let len = if rows * columns == 0 {
        0
    } else {
        (rows - 1) * row + columns * size
    };
    let mut bytes = vec![POISON; len];
    for i in 0..rows {
        for j in 0..columns {
            bytes[i * row + j * size..][..size].copy_from_slice(&value());
        }
    }
    bytes
}

/// Contents for the expression's operands, by slot.
fn operands(out: &Out, rows: usize, columns: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for node in &out.expr.nodes {
        if let Node::Load {
            slot, dtype, bcast, ..
        } = *node
        {
            let (slot, size) = (slot as usize, dtype.size_bytes());
            all.resize(all.len().max(slot + 1), Vec::new());
            let elements = extent(bcast, dtype, rows, columns) / size;
            all[slot] = (0..elements).flat_map(|_| random.exact(dtype)).collect();
        }
    }
    all
}

/// D before the call: values where the expression reads the old one, NaN elsewhere.
fn old_output(out: &Out, rows: usize, columns: usize, random: &mut Random) -> Vec<u8> {
    let read = out.expr.nodes.iter().find_map(|n| match n {
        Node::LoadD { dtype } => Some(*dtype),
        _ => None,
    });
    let value = || match read {
        Some(t) => random.exact(t),
        None => vec![POISON; out.d.size_bytes()],
    };
    matrix(rows, out.d_row_bytes as usize, columns, out.d, value)
}

/// How close an output element must be.
pub type Tolerance<'a> = &'a dyn Fn(usize, usize) -> f64;

/// Compares D with the expression of every element, and what lies between the rows with what lay there before.
fn compare(
    out: &Out,
    rows: usize,
    columns: usize,
    got: &[u8],
    old: &[u8],
    mut want: impl FnMut(usize, usize) -> Option<f64>,
    tolerance: Option<Tolerance>,
) -> Verdict {
    let (row, size) = (out.d_row_bytes as usize, out.d.size_bytes());
    let mut untouched = got.to_vec();
    for i in 0..rows {
        for j in 0..columns {
            let at = i * row + j * size;
            untouched[at..at + size].copy_from_slice(&old[at..at + size]);
            let Some(want) = want(i, j).map(|w| saturate(out, w)) else {
                continue;
            };
            let element = &got[at..at + size];
            let near = |slack: f64| {
                (decode(out.d, element) - want).abs() <= slack + want.abs() * number::unit(out.d)
            };
            if !tolerance.map_or_else(|| same(out.d, element, want), |t| near(t(i, j))) {
                let got = decode(out.d, element);
                return Err(format!("d[{i}][{j}] is {got}, wanted {want}"));
            }
        }
    }
    if untouched == old {
        Ok(())
    } else {
        Err("wrote between the rows of D".into())
    }
}

/// Floats stored as s32 saturate at the largest float that it holds.
fn saturate(out: &Out, value: f64) -> f64 {
    match (out.d, out.expr.int) {
        (DataType::S32, false) => value.min(2147483520.0),
        _ => value,
    }
}

/// The blocks of one operand of a batch: bytes, and where each block starts.
struct Blocks {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Blocks {
    /// Blocks of `extent` bytes, each filled by `fill`; in any order and with gaps unless a stride places them.
    fn new(
        count: usize,
        extent: usize,
        stride: Option<i64>,
        random: &mut Random,
        mut fill: impl FnMut(&mut [u8], &mut Random),
    ) -> Blocks {
        let mut order: Vec<usize> = (0..count).collect();
        let mut starts = vec![0; count];
        let mut end = 0;
        for i in (0..count).rev() {
            order.swap(i, random.below(i + 1));
        }
        for (place, i) in order.into_iter().enumerate() {
            starts[i] = stride.map_or(end + usize::from(place > 0) * 4 * random.below(20), |s| {
                i * s as usize
            });
            end = end.max(starts[i] + extent);
        }
        let mut bytes = vec![POISON; end];
        starts
            .iter()
            .for_each(|s| fill(&mut bytes[*s..][..extent], random));
        Blocks { bytes, starts }
    }
}

/// Whether the data are integers whose sums are exact, or reals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    Exact,
    Real,
}

fn element(t: DataType, data: Data, random: &mut Random) -> Vec<u8> {
    match data {
        Data::Exact => random.exact(t),
        Data::Real => encode(t, random.real()),
    }
}

/// Bytes from the start of an A block to its last valid element, and of a B block to the end of its padded last group.
pub fn block_extents(s: &Brgemm) -> (usize, usize) {
    let (v, size) = (s.a.vnni(), s.a.size_bytes());
    let groups = s.k.div_ceil(v);
    let last = (s.k - (groups - 1) * v) * size;
    let a = (s.m - 1) * s.a_row_bytes as usize + (groups - 1) * s.a_group_bytes as usize + last;
    let whole = if groups > 1 {
        (s.m - 1) * s.a_row_bytes as usize + (groups - 2) * s.a_group_bytes as usize + v * size
    } else {
        0
    };
    (
        a.max(whole),
        (groups - 1) * s.b_group_bytes as usize + s.n * v * size,
    )
}

fn fill_a(s: &Brgemm, data: Data, block: &mut [u8], random: &mut Random) {
    for i in 0..s.m {
        for l in 0..s.k {
            let at = a_position(s, i, l);
            block[at..at + s.a.size_bytes()].copy_from_slice(&element(s.a, data, random));
        }
    }
}

fn a_position(s: &Brgemm, i: usize, l: usize) -> usize {
    let v = s.a.vnni();
    i * s.a_row_bytes as usize + l / v * s.a_group_bytes as usize + l % v * s.a.size_bytes()
}

fn b_position(s: &Brgemm, l: usize, j: usize) -> usize {
    let v = s.a.vnni();
    l / v * s.b_group_bytes as usize + (j * v + l % v) * s.b.size_bytes()
}

/// The padding of the last group holds finite values that would show in the result.
fn fill_b(s: &Brgemm, data: Data, block: &mut [u8], random: &mut Random) {
    for l in 0..s.k.next_multiple_of(s.a.vnni()) {
        for j in 0..s.n {
            let value = if l < s.k {
                element(s.b, data, random)
            } else {
                encode(s.b, 77.0)
            };
            let at = b_position(s, l, j);
            block[at..at + s.b.size_bytes()].copy_from_slice(&value);
        }
    }
}

/// Sums of products and of their magnitudes, both exact enough in f64.
fn products(s: &Brgemm, a: &Blocks, b: &Blocks) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut sizes) = (vec![0.0; s.m * s.n], vec![0.0; s.m * s.n]);
    let mut row = vec![0.0; s.n];
    for (a_start, b_start) in a.starts.iter().zip(&b.starts) {
        for l in 0..s.k {
            for (j, value) in row.iter_mut().enumerate() {
                *value = decode(s.b, &b.bytes[b_start + b_position(s, l, j)..]);
            }
            for i in 0..s.m {
                let x = decode(s.a, &a.bytes[a_start + a_position(s, i, l)..]);
                for j in 0..s.n {
                    sums[i * s.n + j] += x * row[j];
                    sizes[i * s.n + j] += (x * row[j]).abs();
                }
            }
        }
    }
    (sums, sizes)
}

/// One brgemm. With `in_place`, C and D are the same matrix.
pub fn brgemm(
    bench: &mut Bench,
    s: &Brgemm,
    batch: usize,
    data: Data,
    in_place: bool,
    seed: u64,
) -> Verdict {
    let random = &mut Random(seed);
    let (a_extent, b_extent) = block_extents(s);
    let (a_stride, b_stride) = match s.batch {
        Batch::Stride { a_bytes, b_bytes } => (Some(a_bytes), Some(b_bytes)),
        _ => (None, None),
    };
    let a = Blocks::new(batch, a_extent, a_stride, random, |block, r| {
        fill_a(s, data, block, r)
    });
    let b = Blocks::new(batch, b_extent, b_stride, random, |block, r| {
        fill_b(s, data, block, r)
    });
    let acc_type = if s.a.is_int() {
        DataType::S32
    } else {
        DataType::F32
    };
    let c = matrix(s.m, s.c_row_bytes as usize, s.n, acc_type, || {
        random.exact(acc_type)
    });
    let old = if in_place {
        c.clone()
    } else {
        old_output(&s.out, s.m, s.n, random)
    };
    let inputs = operands(&s.out, s.m, s.n, random);

    let pointers: Vec<*const u8> = place_operands(bench, &inputs, random);
    let mut args = Args {
        batch,
        operands: pointers.as_ptr(),
        d: bench.place(D, old.clone(), random),
        ..Args::default()
    };
    if in_place {
        args.c = args.d;
    } else if s.beta {
        args.c = bench.place(C, c.clone(), random);
    }
    place_batch(bench, s, [&a, &b], &mut args, random);
    let got = bench.call(&Spec::Brgemm(s.clone()), &args)?;

    let (sums, sizes) = products(s, &a, &b);
    let acc = |i: usize, j: usize| {
        let at = i * s.c_row_bytes as usize + j * 4;
        let start = if s.beta {
            decode(acc_type, &c[at..])
        } else {
            0.0
        };
        let sum = start + sums[i * s.n + j];
        if s.a.is_int() {
            sum as i64 as u32
        } else {
            (sum as f32).to_bits()
        }
    };
    let want = |row: usize, column: usize| {
        let at = row * s.out.d_row_bytes as usize + column * s.out.d.size_bytes();
        let (acc, old) = (acc(row, column), &old[at..]);
        let element = Element {
            row,
            column,
            acc,
            operands: &inputs,
            old,
        };
        evaluate(&s.out.expr, &element)
    };
    let rounding = (batch * s.k + 2) as f64 * number::unit(DataType::F32);
    let slack = |i: usize, j: usize| rounding * (sizes[i * s.n + j] + 4.0);
    let tolerance: Option<Tolerance> = if data == Data::Real {
        Some(&slack)
    } else {
        None
    };
    compare(&s.out, s.m, s.n, &got, &old, want, tolerance)
}

fn place_operands(bench: &mut Bench, inputs: &[Vec<u8>], random: &mut Random) -> Vec<*const u8> {
    let place = |(slot, bytes): (usize, &Vec<u8>)| {
        bench
            .place(OPERANDS + slot, bytes.clone(), random)
            .cast_const()
    };
    inputs.iter().enumerate().map(place).collect()
}

/// Puts A and B into `args` in the way that the batch kind asks for, with guards behind the lists as well.
fn place_batch(
    bench: &mut Bench,
    s: &Brgemm,
    blocks: [&Blocks; 2],
    args: &mut Args,
    random: &mut Random,
) {
    let bases = [A, B].map(|slot| {
        bench
            .place(slot, blocks[slot].bytes.clone(), random)
            .cast_const()
    });
    let mut list = |slot: usize, first: i64| {
        let entries = blocks[slot]
            .starts
            .iter()
            .map(|start| first + *start as i64);
        bench
            .place(
                LISTS[slot],
                entries.flat_map(i64::to_le_bytes).collect(),
                random,
            )
            .cast_const()
    };
    match s.batch {
        Batch::Address => {
            args.a = list(A, bases[A] as i64);
            args.b = list(B, bases[B] as i64);
        }
        Batch::Offset => {
            [args.a, args.b] = bases;
            args.a_offsets = list(A, 0).cast();
            args.b_offsets = list(B, 0).cast();
        }
        Batch::Stride { .. } => [args.a, args.b] = bases,
    }
}

/// One tile of `rows` rows.
pub fn tile(bench: &mut Bench, s: &Tile, rows: usize, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let old = old_output(&s.out, rows, s.n, random);
    let inputs = operands(&s.out, rows, s.n, random);
    let pointers = place_operands(bench, &inputs, random);
    let args = Args {
        m: rows,
        operands: pointers.as_ptr(),
        d: bench.place(D, old.clone(), random),
        ..Args::default()
    };
    let got = bench.call(&Spec::Tile(s.clone()), &args)?;
    let want = |row: usize, column: usize| {
        let at = row * s.out.d_row_bytes as usize + column * s.out.d.size_bytes();
        let element = Element {
            row,
            column,
            acc: 0,
            operands: &inputs,
            old: &old[at..],
        };
        evaluate(&s.out.expr, &element)
    };
    compare(&s.out, rows, s.n, &got, &old, want, None)
}

/// A move: D must be the given image, in which nothing stands for bytes that are left alone.
fn moved(
    bench: &mut Bench,
    spec: &Spec,
    source: Vec<u8>,
    want: &[Option<u8>],
    random: &mut Random,
) -> Verdict {
    let args = Args {
        d: bench.place(D, vec![POISON; want.len()], random),
        a: bench.place(A, source, random),
        ..Args::default()
    };
    let got = bench.call(spec, &args)?;
    let wrong = got
        .iter()
        .zip(want)
        .position(|(got, want)| *got != want.unwrap_or(POISON));
    wrong.map_or(Ok(()), |at| {
        Err(format!(
            "byte {at} of D is {}, wanted {:?}",
            got[at], want[at]
        ))
    })
}

/// Bytes from the first to the last of `rows` rows.
fn span(rows: usize, row_bytes: i64, bytes: usize) -> usize {
    (rows - 1) * row_bytes as usize + bytes
}

pub fn transpose(bench: &mut Bench, s: &Transpose, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let group = s.group_bytes;
    let last = if s.tail_bytes > 0 {
        s.tail_bytes
    } else {
        group
    };
    let source_row = (s.cols - 1) * group + last;
    let source: Vec<u8> = (0..span(s.rows, s.a_row_bytes, source_row))
        .map(|_| random.next() as u8)
        .collect();
    let mut want = vec![None; span(s.cols, s.d_row_bytes, s.rows * group)];
    for i in 0..s.rows {
        for j in 0..s.cols {
            let valid = if j + 1 == s.cols { last } else { group };
            for byte in 0..group {
                let from = i * s.a_row_bytes as usize + j * group + byte;
                let value = if byte < valid { source[from] } else { 0 };
                want[j * s.d_row_bytes as usize + i * group + byte] = Some(value);
            }
        }
    }
    moved(bench, &Spec::Transpose(s.clone()), source, &want, random)
}

pub fn interleave(bench: &mut Bench, s: &Interleave, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let (v, size) = (4 / s.elem_bytes, s.elem_bytes);
    let source: Vec<u8> = (0..span(s.k, s.a_row_bytes, s.n * size))
        .map(|_| random.next() as u8)
        .collect();
    let groups = s.k.div_ceil(v);
    let mut want = vec![None; span(groups, s.d_row_bytes, s.n * 4)];
    for row in 0..groups * v {
        for j in 0..s.n {
            for byte in 0..size {
                let from = row * s.a_row_bytes as usize + j * size + byte;
                let value = if row < s.k { source[from] } else { 0 };
                let to = row / v * s.d_row_bytes as usize + (j * v + row % v) * size + byte;
                want[to] = Some(value);
            }
        }
    }
    moved(bench, &Spec::Interleave(s.clone()), source, &want, random)
}

pub fn reduce(bench: &mut Bench, s: &Reduce, rows: usize, seed: u64) -> Verdict {
    let random = &mut Random(seed);
    let d_type = if s.a.is_int() {
        DataType::S32
    } else {
        DataType::F32
    };
    let source = matrix(rows, s.a_row_bytes as usize, s.n, s.a, || random.exact(s.a));
    let old = matrix(1, 0, s.n, d_type, || {
        if s.beta {
            random.exact(d_type)
        } else {
            vec![POISON; 4]
        }
    });
    let args = Args {
        d: bench.place(D, old.clone(), random),
        a: bench.place(A, source.clone(), random),
        m: rows,
        ..Args::default()
    };
    let got = bench.call(&Spec::Reduce(s.clone()), &args)?;
    for j in 0..s.n {
        let start = if s.beta {
            decode(d_type, &old[j * 4..])
        } else {
            0.0
        };
        let at = |i: usize| i * s.a_row_bytes as usize + j * s.a.size_bytes();
        let want = start
            + (0..rows)
                .map(|i| decode(s.a, &source[at(i)..]))
                .sum::<f64>();
        if !same(d_type, &got[j * 4..][..4], want) {
            let got = decode(d_type, &got[j * 4..]);
            return Err(format!("d[{j}] is {got}, wanted {want}"));
        }
    }
    Ok(())
}
