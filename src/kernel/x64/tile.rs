//! Tiles: the epilogue of a brgemm, and the same without a GEMM.

use super::expr::{self, At, Base, Pool, Walk};
use super::simd::{Lanes, Simd};
use super::{Pos, add_imm, check_reach, epilogue, prologue};
use crate::error::Result;
use crate::jit::asm::{Cond, Len, Mem, gpr::*};
use crate::jit::rows::{VMOVUPS, VMOVUPS_ST};
use crate::kernel::expr::{Bcast, Expr, Node};
use crate::kernel::spec::{Args, Out, Tile};
use crate::machine::Isa;
use crate::supported;
use std::mem::offset_of;

/// Registers for operand addresses in the epilogue of a brgemm, whose loops need the others.
const EPILOGUE_BASES: [u8; 8] = [RBX, RCX, RDX, RSI, R8, R9, R10, R12];
/// Registers for operand addresses in a tile kernel.
const TILE_BASES: [u8; 9] = [RAX, RBX, RCX, RDX, RSI, R8, R9, R10, R12];

const CACHE_LINE: i64 = 64;

/// Operations from which on an epilogue is a loop over the rows of a tile, accumulators on the stack: code for each of
/// them would take longer to generate, and live values would leave few registers to accumulators.
const LONG: usize = 10;

/// Whether the epilogue takes accumulators from the stack, so that all of their registers but one are free.
pub fn is_stacked(out: &Out) -> bool {
    let is_const = |node: &&Node| matches!(node, Node::Const(_));
    out.expr.nodes.iter().filter(|node| !is_const(node)).count() >= LONG
}

/// The operands that an expression loads, each with a register of `pool`.
fn bases(expr: &Expr, pool: &[u8]) -> Vec<Base> {
    let mut bases: Vec<Base> = Vec::new();
    for node in &expr.nodes {
        if let Node::Load {
            slot, dtype, bcast, ..
        } = *node
            && !bases
                .iter()
                .any(|b| (b.slot, b.bcast, b.dtype) == (slot, bcast, dtype))
        {
            let reg = pool.get(bases.len()).copied().unwrap_or(RSP);
            bases.push(Base {
                slot,
                bcast,
                dtype,
                reg,
            });
        }
    }
    bases
}

/// Refuses expressions that need more address registers than there are, or more than `vectors` vector registers beside
/// an accumulator.
pub fn check_expr(out: &Out, isa: Isa, vectors: usize) -> Result<()> {
    let loads = bases(&out.expr, &TILE_BASES).len();
    supported!(
        loads <= EPILOGUE_BASES.len(),
        "an expression with {loads} operands has too many for generated code"
    );
    let temps = expr::temps_needed(out, isa);
    supported!(
        temps <= vectors,
        "an expression with {temps} live values has too many for generated code"
    );
    Ok(())
}

/// Refuses rows of operands that lie too far apart for an epilogue to address all of a tile from the first.
pub fn check_rows(out: &Out) -> Result<()> {
    const ROWS: usize = 32;
    let operand_rows = out.expr.nodes.iter().filter_map(|node| match node {
        Node::Load {
            bcast: Bcast::Col { row_bytes } | Bcast::Full { row_bytes },
            ..
        } => Some((*row_bytes, ROWS)),
        _ => None,
    });
    operand_rows
        .into_iter()
        .try_for_each(|term| check_reach([term]))
}

/// Runs the expression over every accumulator (row-major from register 0) and stores the tile at `at` to D. Registers of
/// `pool` are free. r14 holds the operand table; address registers other than rdi, r13 and r15 are overwritten.
pub fn store_tile(
    simd: &mut Simd,
    out: &Out,
    at: (Pos, Pos),
    rows: usize,
    vecs: &[Lanes],
    pool: Pool,
) {
    let (row, col) = at;
    simd.a.load(R11, Mem::new(RDI, offset_of!(Args, d) as i32));
    row.add_scaled(&mut simd.a, R11, out.d_row_bytes, RAX);
    col.add_scaled(&mut simd.a, R11, out.d.size_bytes() as i64, RAX);
    let bases = bases(&out.expr, &EPILOGUE_BASES);
    for b in &bases {
        simd.a.load(b.reg, Mem::new(R14, b.slot as i32 * 8));
        let (row_bytes, col_bytes) = strides(b);
        row.add_scaled(&mut simd.a, b.reg, row_bytes, RAX);
        col.add_scaled(&mut simd.a, b.reg, col_bytes, RAX);
    }
    let mut walk = Walk::new(&out.expr);
    if is_stacked(out) {
        return store_rows(simd, out, &mut walk, rows, vecs, pool, &bases);
    }
    let pairs = simd.converts_pairs(out.d) && !out.expr.int;
    for r in 0..rows {
        // The left half of a pair, whose value waits in its accumulator.
        let mut left = None;
        for (v, lanes) in vecs.iter().enumerate() {
            let at = At {
                bases: &bases,
                d: R11,
                d_row_bytes: out.d_row_bytes,
                col_reg: None,
                row: r,
                col: v * simd.vl(),
                lanes: *lanes,
            };
            let acc = (r * vecs.len() + v) as u8;
            let (result, _) = expr::emit(simd, &mut walk, Some(acc), pool, &at);
            let full = |v: usize| vecs.get(v).is_some_and(|l| l.len == Len::Z && !l.masked);
            let stored = if let Some((place, low)) = left.take() {
                simd.store_bf16_pair(place, [low, result]);
                acc - 1..=acc
            } else if pairs && result == acc && full(v) && full(v + 1) {
                left = Some((at.destination(out.d.size_bytes()), result));
                continue;
            } else {
                store_result(simd, out, result, pool, &at);
                acc..=acc
            };
            // An accumulator that is stored leaves its register to a constant for those that follow.
            if usize::from(acc) + 1 < rows * vecs.len() {
                stored.for_each(|acc| walk.keep_constant(simd, acc));
            }
        }
    }
}

/// The same in a loop over rows; rax is where the accumulators end on the stack.
fn store_rows(
    simd: &mut Simd,
    out: &Out,
    walk: &mut Walk,
    rows: usize,
    vecs: &[Lanes],
    pool: Pool,
    bases: &[Base],
) {
    let (len, bytes) = (simd.full().len, 4 * simd.vl() as i32);
    let count = (rows * vecs.len()) as u8;
    let at = |acc: u8| Mem::new(RSP, i32::from(acc) * bytes);
    let (row_bytes, end) = (at(vecs.len() as u8).disp, at(count));
    simd.a.sub_ri(RSP, end.disp);
    (0..count).for_each(|acc| simd.a.v(&VMOVUPS_ST, len, acc, 0, at(acc)));
    simd.a.lea(RAX, end);
    let mut pool = pool.and(Pool::of(0..count));
    keep_constants(simd, walk, out, &mut pool);
    let acc = pool.take().expect("a register for the accumulator");
    let top = simd.a.label();
    simd.a.bind(top);
    for (v, lanes) in vecs.iter().enumerate() {
        simd.a.v(&VMOVUPS, len, acc, 0, at(v as u8));
        let at = At {
            bases,
            d: R11,
            d_row_bytes: 0,
            col_reg: None,
            row: 0,
            col: v * simd.vl(),
            lanes: *lanes,
        };
        store_vector(simd, out, walk, Some(acc), pool, &at);
    }
    simd.a.add_ri(R11, out.d_row_bytes as i32);
    for b in bases.iter().filter(|b| strides(b).0 != 0) {
        simd.a.add_ri(b.reg, strides(b).0 as i32);
    }
    simd.a.add_ri(RSP, row_bytes);
    simd.a.cmp_rr(RSP, RAX);
    simd.a.jcc(Cond::Ne, top);
}

/// Keeps as many constants as `pool` has registers to spare, which it loses.
fn keep_constants(simd: &mut Simd, walk: &mut Walk, out: &Out, pool: &mut Pool) {
    // One more than beside an accumulator, for that.
    let needed = expr::temps_needed(out, simd.isa) + 1;
    while let Some(reg) = pool.take_beyond(needed) {
        walk.keep_constant(simd, reg);
    }
}

fn store_vector(simd: &mut Simd, out: &Out, walk: &mut Walk, acc: Option<u8>, pool: Pool, at: &At) {
    let (result, _) = expr::emit(simd, walk, acc, pool, at);
    store_result(simd, out, result, pool, at);
}

fn store_result(simd: &mut Simd, out: &Out, result: u8, pool: Pool, at: &At) {
    let spare = pool.other_than(result).unwrap_or(result);
    simd.store(
        at.destination(out.d.size_bytes()),
        result,
        out.d,
        out.expr.int,
        at.lanes,
        spare,
    );
}

/// Bytes from one row, and from one column, of an operand to the next.
fn strides(b: &Base) -> (i64, i64) {
    let size = b.dtype.size_bytes() as i64;
    match b.bcast {
        Bcast::Scalar => (0, 0),
        Bcast::Row => (0, size),
        Bcast::Col { row_bytes } => (row_bytes, 0),
        Bcast::Full { row_bytes } => (row_bytes, size),
    }
}

/// Emits a tile kernel: rows in a run-time loop, columns in a loop unrolled by four.
pub fn emit(s: &Tile) -> Result<Vec<u8>> {
    let mut simd = Simd::new(s.isa);
    let regs = simd.regs(simd.has_tail(s.n));
    // Without a GEMM the accumulator's register is one of the temporaries.
    check_expr(&s.out, s.isa, regs)?;
    prologue(&mut simd);
    simd.set_tail(s.n);
    let bases = bases(&s.out.expr, &TILE_BASES);
    simd.a
        .load(R14, Mem::new(RDI, offset_of!(Args, operands) as i32));
    simd.a.load(R11, Mem::new(RDI, offset_of!(Args, d) as i32));
    simd.a.load(R15, Mem::new(RDI, offset_of!(Args, m) as i32));
    bases
        .iter()
        .for_each(|b| simd.a.load(b.reg, Mem::new(R14, b.slot as i32 * 8)));
    let done = simd.a.label();
    simd.a.test_rr(R15, R15);
    simd.a.jcc(Cond::E, done);
    if s.far && s.out.d_row_bytes % CACHE_LINE == 0 {
        let near = simd.a.label();
        simd.a.mov_rr(R14, R11);
        simd.a.and_ri(R14, CACHE_LINE as i32 - 1);
        simd.a.jcc(Cond::Ne, near);
        simd.far = true;
        rows(&mut simd, s, &bases);
        simd.far = false;
        simd.a.jmp(done);
        simd.a.bind(near);
    }
    rows(&mut simd, s, &bases);
    simd.a.bind(done);
    epilogue(&mut simd);
    simd.a.finish()
}

/// The rows, one or more, that r15 counts.
fn rows(simd: &mut Simd, s: &Tile, bases: &[Base]) {
    let mut walk = Walk::new(&s.out.expr);
    let mut pool = Pool::of(0..simd.regs(simd.has_tail(s.n)) as u8);
    keep_constants(simd, &mut walk, &s.out, &mut pool);
    let top = simd.a.label();
    simd.a.bind(top);
    row(simd, s, bases, &mut walk, pool);
    add_imm(&mut simd.a, R11, s.out.d_row_bytes, R14);
    for b in bases {
        add_imm(&mut simd.a, b.reg, strides(b).0, R14);
    }
    simd.a.dec(R15);
    simd.a.jcc(Cond::Ne, top);
}

/// One row, r13 counting its columns.
fn row(simd: &mut Simd, s: &Tile, bases: &[Base], walk: &mut Walk, pool: Pool) {
    let vl = simd.vl();
    let (full, tail) = (s.n / vl, s.n % vl);
    let unroll = full.min(4);
    let mut vector = |simd: &mut Simd, col: usize, lanes: Lanes| {
        let at = At {
            bases,
            d: R11,
            d_row_bytes: 0,
            col_reg: Some(R13),
            row: 0,
            col,
            lanes,
        };
        store_vector(simd, &s.out, walk, None, pool, &at);
    };
    simd.a.mov_ri(R13, 0);
    let all = simd.full();
    let mut done = 0;
    if full > 0 {
        done = full / unroll * unroll;
        let top = simd.a.label();
        simd.a.bind(top);
        (0..unroll).for_each(|u| vector(simd, u * vl, all));
        simd.a.add_ri(R13, (unroll * vl) as i32);
        simd.a.cmp_ri(R13, (done * vl) as i32);
        simd.a.jcc(Cond::L, top);
    }
    (0..full - done).for_each(|u| vector(simd, u * vl, all));
    if tail > 0 {
        let lanes = simd.lanes(tail);
        vector(simd, (full - done) * vl, lanes);
    }
}
