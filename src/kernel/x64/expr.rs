//! Emission of expressions in registers: a linear scan over the straight-line program.
//!
//! A value lives in a register from its node to its last use. Constants are memory operands, but for those that the
//! generators keep in registers that they can spare. Nothing is spilled: the generators ask how many registers an
//! expression needs, and shrink their tiles or put accumulators aside.

use super::simd::{Lanes, Simd};
use crate::dtype::DataType;
use crate::jit::asm::{Len, Mask, Mem, Rm};
use crate::jit::rows::*;
use crate::kernel::expr::{Bcast, Expr, Id, Node, Pred};
use crate::kernel::spec::Out;
use crate::machine::Isa;

/// Where one vector of a tile finds its operands.
pub struct At<'a> {
    /// Base registers of the operands.
    pub bases: &'a [Base],
    /// Base register of D.
    pub d: u8,
    /// Bytes from one row of D to the next.
    pub d_row_bytes: i64,
    /// A register that counts columns, added to `col`.
    pub col_reg: Option<u8>,
    /// Row and column, counted from the bases.
    pub row: usize,
    /// See `row`.
    pub col: usize,
    /// The vector.
    pub lanes: Lanes,
}

/// The register that holds the address of an operand at the tile's first row and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// The operand.
    pub slot: u8,
    /// How it varies.
    pub bcast: Bcast,
    /// Its type.
    pub dtype: DataType,
    /// The register.
    pub reg: u8,
}

impl At<'_> {
    fn operand(&self, slot: u8, bcast: Bcast, dtype: DataType) -> Option<Mem> {
        let base = self
            .bases
            .iter()
            .find(|b| (b.slot, b.bcast, b.dtype) == (slot, bcast, dtype))?
            .reg;
        Some(match bcast {
            Bcast::Scalar => Mem::new(base, 0),
            Bcast::Col { row_bytes } => Mem::new(base, (self.row as i64 * row_bytes) as i32),
            Bcast::Row => self.element(base, 0, dtype.size_bytes()),
            Bcast::Full { row_bytes } => self.element(base, row_bytes, dtype.size_bytes()),
        })
    }

    /// The vector's place in D.
    pub fn destination(&self, size: usize) -> Mem {
        self.element(self.d, self.d_row_bytes, size)
    }

    fn element(&self, base: u8, row_bytes: i64, size: usize) -> Mem {
        let disp = (self.row as i64 * row_bytes + (self.col * size) as i64) as i32;
        match self.col_reg {
            Some(reg) => Mem::indexed(base, reg, size as u8, disp),
            None => Mem::new(base, disp),
        }
    }
}

/// Vector registers that an expression on `isa` needs beside an accumulator: what `emit` takes from its pool, and one for
/// the store.
pub fn temps_needed(out: &Out, isa: Isa) -> usize {
    if out.expr.nodes.as_slice() == [Node::Acc] {
        return 1;
    }
    let mut simd = Simd::dry(isa);
    let lanes = simd.full();
    let at = At {
        bases: &[],
        d: 0,
        d_row_bytes: 0,
        col_reg: None,
        row: 0,
        col: 0,
        lanes,
    };
    let (_, peak) = emit(
        &mut simd,
        &mut Walk::new(&out.expr),
        Some(0),
        Pool::of(1..128),
        &at,
    );
    peak + 1
}

/// A set of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool(u128);

impl Pool {
    /// Consecutive registers, below 128.
    pub fn of(registers: std::ops::Range<u8>) -> Pool {
        Pool(registers.fold(0, |bits, r| bits | 1 << r))
    }

    /// The lowest register other than `reg`.
    pub fn other_than(self, reg: u8) -> Option<u8> {
        Pool(self.0 & !(1 << reg)).lowest()
    }

    fn lowest(self) -> Option<u8> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as u8)
    }

    fn add(&mut self, reg: u8) {
        self.0 |= 1 << reg;
    }

    /// What is left of more than `count` registers; these stay.
    pub fn take_beyond(&mut self, count: usize) -> Option<u8> {
        (self.0.count_ones() as usize > count).then(|| self.take())?
    }

    /// The registers of both.
    pub fn and(self, other: Pool) -> Pool {
        Pool(self.0 | other.0)
    }

    /// Takes the lowest register out.
    pub fn take(&mut self) -> Option<u8> {
        let reg = self.lowest()?;
        self.0 &= self.0 - 1;
        Some(reg)
    }
}

/// An expression as it is emitted, again and again for the vectors of a tile.
pub struct Walk<'a> {
    expr: &'a Expr,
    /// The last node that reads each value; `KEPT` for constants that stay in a register.
    last_use: Vec<usize>,
    /// Where each value is.
    reg: Vec<Option<u8>>,
    reads_acc: bool,
    /// Constants that are still memory operands, those that are read most last.
    in_memory: Vec<usize>,
}

const KEPT: usize = usize::MAX;

impl Walk<'_> {
    /// Prepares the emission of `expr`.
    pub fn new(expr: &Expr) -> Walk<'_> {
        let mut last_use = expr.last_uses();
        let is_acc = |id: &usize| expr.nodes[*id] == Node::Acc;
        let accs = (0..expr.nodes.len()).filter(is_acc);
        // However often the accumulator is named, it is one register.
        let acc_use = accs.clone().map(|id| last_use[id]).max().unwrap_or(0);
        accs.for_each(|id| last_use[id] = acc_use);
        let mut reads = vec![0; expr.nodes.len()];
        let used = expr
            .nodes
            .iter()
            .zip(&last_use)
            .filter(|(_, use_)| **use_ > 0);
        used.flat_map(|(node, _)| node.operands())
            .for_each(|id| reads[id as usize] += 1);
        let is_const = |id: &usize| matches!(expr.nodes[*id], Node::Const(_)) && reads[*id] > 0;
        let mut in_memory: Vec<usize> = (0..expr.nodes.len()).filter(is_const).collect();
        in_memory.sort_by_key(|id| reads[*id]);
        Walk {
            expr,
            last_use,
            reg: vec![None; expr.nodes.len()],
            reads_acc: acc_use > 0,
            in_memory,
        }
    }

    /// Keeps one more constant, if there is one, in the register from here on.
    pub fn keep_constant(&mut self, simd: &mut Simd, reg: u8) {
        if let Some(id) = self.in_memory.pop()
            && let Node::Const(bits) = self.expr.nodes[id]
        {
            let len = simd.full().len;
            simd.bcast32_const(reg, bits, len);
            self.reg[id] = Some(reg);
            self.last_use[id] = KEPT;
        }
    }
}

struct Emitter<'a, 'b, 'c> {
    simd: &'a mut Simd,
    expr: &'c Expr,
    walk: &'a mut Walk<'c>,
    at: &'a At<'b>,
    acc: Option<u8>,
    /// What may be used for temporaries, and what of it is free now (with the accumulator once it was read).
    pool: Pool,
    free: Pool,
    peak: usize,
}

/// Emits an expression with the accumulator in `acc` (which it may overwrite) and temporaries from `pool`; returns the
/// register of the result and the number of temporaries used.
pub fn emit<'c>(
    simd: &mut Simd,
    walk: &mut Walk<'c>,
    acc: Option<u8>,
    pool: Pool,
    at: &At,
) -> (u8, usize) {
    let values = walk.reg.iter_mut().zip(&walk.last_use);
    values
        .filter(|(_, last)| **last != KEPT)
        .for_each(|(reg, _)| *reg = None);
    let mut free = pool;
    if let Some(acc) = acc.filter(|_| !walk.reads_acc) {
        free.add(acc);
    }
    let expr = walk.expr;
    let mut e = Emitter {
        simd,
        expr,
        walk,
        at,
        acc,
        pool,
        free,
        peak: 0,
    };
    for id in 0..expr.nodes.len() {
        if e.walk.last_use[id] > 0 {
            e.node(id);
        }
    }
    let result = e.register(expr.result);
    (result, e.peak)
}

impl Emitter<'_, '_, '_> {
    fn len(&self) -> Len {
        self.at.lanes.len
    }

    fn alloc(&mut self) -> u8 {
        // The generators check what an expression needs, so an exhausted pool is their mistake.
        let reg = self.free.take().unwrap_or_else(|| {
            self.simd
                .a
                .fail("an expression needs more registers than its tile left".to_owned());
            0
        });
        let taken = self.pool.0 & !self.free.0;
        self.peak = self.peak.max(taken.count_ones() as usize);
        reg
    }

    /// The register of a value; a constant that is not kept is loaded into one that `settle` gives back.
    fn register(&mut self, id: Id) -> u8 {
        if let Some(reg) = self.walk.reg[id as usize] {
            return reg;
        }
        let reg = self.alloc();
        if let Node::Const(bits) = self.expr.nodes[id as usize] {
            self.simd.bcast32_const(reg, bits, self.at.lanes.len);
        }
        self.walk.reg[id as usize] = Some(reg);
        reg
    }

    /// A value as last operand: a constant stays in memory.
    fn operand(&mut self, id: Id) -> Rm {
        match (self.walk.reg[id as usize], self.expr.nodes[id as usize]) {
            (None, Node::Const(bits)) => self.simd.const_ps(bits),
            _ => Rm::Reg(self.register(id)),
        }
    }

    fn is_const(&self, id: Id) -> bool {
        matches!(self.expr.nodes[id as usize], Node::Const(_))
    }

    /// Whether it is a constant that goes into a register for one node only.
    fn is_passing(&self, id: Id) -> bool {
        self.is_const(id) && self.walk.last_use[id as usize] != KEPT
    }

    fn dies(&self, id: Id, now: usize) -> bool {
        self.walk.last_use[id as usize] <= now
    }

    /// Gives back the registers of operands whose last use is `now`, and of constants that are not kept.
    fn settle(&mut self, now: usize) {
        for id in self.expr.nodes[now].operands() {
            if (self.dies(id, now) || self.is_passing(id))
                && let Some(reg) = self.walk.reg[id as usize].take()
            {
                self.free.add(reg);
            }
        }
    }

    /// Where the result of node `now` goes: into an operand's register that becomes free, or a new one. Call after the
    /// operands have been fetched.
    fn result(&mut self, now: usize) -> u8 {
        self.settle(now);
        let reg = self.alloc();
        self.walk.reg[now] = Some(reg);
        reg
    }

    fn node(&mut self, id: usize) {
        use Node::*;
        match self.expr.nodes[id] {
            Acc => self.walk.reg[id] = self.acc,
            Const(_) => {}
            Load {
                slot,
                dtype,
                bcast,
                int,
            } => self.load(id, slot, dtype, bcast, int),
            LoadD { dtype } => {
                let dst = self.result(id);
                let mem = self.at.destination(dtype.size_bytes());
                self.simd.load(dst, mem, dtype, false, self.at.lanes);
            }
            Add(a, b) => self.binary(id, &VADDPS, a, b, true),
            Sub(a, b) => self.binary(id, &VSUBPS, a, b, false),
            Mul(a, b) => self.binary(id, &VMULPS, a, b, true),
            Div(a, b) => self.binary(id, &VDIVPS, a, b, false),
            // The second operand wins on NaN, so the order stays.
            Min(a, b) => self.binary(id, &VMINPS, a, b, false),
            Max(a, b) => self.binary(id, &VMAXPS, a, b, false),
            And(a, b) => self.binary(id, &VANDPS, a, b, true),
            Or(a, b) => self.binary(id, &VORPS, a, b, true),
            Xor(a, b) => self.binary(id, &VXORPS, a, b, true),
            AddI(a, b) => self.binary(id, &VPADDD, a, b, true),
            SubI(a, b) => self.binary(id, &VPSUBD, a, b, false),
            MulI(a, b) => self.binary(id, &VPMULLD, a, b, true),
            Fma(a, b, c) => self.fma(id, a, b, c),
            Sqrt(a) => self.unary(id, &VSQRTPS, a, None),
            ToInt(a) => self.unary(id, &VCVTPS2DQ, a, None),
            ToFloat(a) => self.unary(id, &VCVTDQ2PS, a, None),
            Round(a) => self.round(id, a, 8),
            Floor(a) => self.round(id, a, 9),
            Shl(a, bits) => self.unary(id, &VPSLLD, a, Some(bits)),
            Shr(a, bits) => self.unary(id, &VPSRLD, a, Some(bits)),
            Scale(p, n) => self.scale(id, p, n),
            Select { pred, x, y, a, b } => self.select(id, pred, (x, y), (a, b)),
        }
    }

    fn load(&mut self, id: usize, slot: u8, dtype: DataType, bcast: Bcast, int: bool) {
        let dst = self.result(id);
        // Without bases this is the dry run of `temps_needed`.
        let mem = self
            .at
            .operand(slot, bcast, dtype)
            .unwrap_or(Mem::new(0, 0));
        match bcast {
            Bcast::Scalar | Bcast::Col { .. } => {
                self.simd.bcast(dst, mem, dtype, int, self.at.lanes.len)
            }
            Bcast::Row | Bcast::Full { .. } => self.simd.load(dst, mem, dtype, int, self.at.lanes),
        }
    }

    fn binary(&mut self, id: usize, row: &'static Row, a: Id, b: Id, commutes: bool) {
        let (a, b) = if commutes && self.is_const(a) {
            (b, a)
        } else {
            (a, b)
        };
        let first = self.register(a);
        let second = self.operand(b);
        let dst = self.result(id);
        self.simd.a.v(row, self.len(), dst, first, second);
    }

    fn unary(&mut self, id: usize, row: &'static Row, a: Id, imm: Option<u8>) {
        let src = self.register(a);
        let dst = self.result(id);
        match imm {
            Some(imm) => self.simd.a.vi(row, self.len(), dst, 0, src, imm),
            None => self.simd.a.v(row, self.len(), dst, 0, src),
        }
    }

    fn round(&mut self, id: usize, a: Id, mode: u8) {
        let row = if self.simd.z() {
            &VRNDSCALEPS
        } else {
            &VROUNDPS
        };
        self.unary(id, row, a, Some(mode));
    }

    /// a * b + c, into the register of an operand that dies, else into a copy of a.
    fn fma(&mut self, id: usize, a: Id, b: Id, c: Id) {
        let (a, b) = if self.is_const(a) { (b, a) } else { (a, b) };
        let free = |e: &Self, v: Id| e.dies(v, id) && !e.is_const(v);
        let len = self.len();
        if free(self, c) && c != a && c != b {
            let (dst, first, second) = (self.register(c), self.register(a), self.operand(b));
            self.simd.a.v(&VFMADD231PS, len, dst, first, second);
            self.take(id, c);
            return;
        }
        let (dst, kept) = if free(self, a) && a != b && a != c {
            (a, b)
        } else {
            (b, a)
        };
        let in_place = (free(self, dst) || self.is_passing(dst)) && dst != kept && dst != c;
        let (x, y, z) = (self.register(dst), self.register(kept), self.operand(c));
        if in_place {
            self.simd.a.v(&VFMADD213PS, len, x, y, z);
            self.take(id, dst);
            return;
        }
        let copy = self.alloc();
        self.simd.mov(len, copy, x);
        self.simd.a.v(&VFMADD213PS, len, copy, y, z);
        self.settle(id);
        self.walk.reg[id] = Some(copy);
    }

    /// Node `id` takes over the register of its dying operand.
    fn take(&mut self, id: usize, from: Id) {
        let reg = self.walk.reg[from as usize].take();
        self.settle(id);
        self.walk.reg[id] = reg;
    }

    fn select(&mut self, id: usize, pred: Pred, (x, y): (Id, Id), (a, b): (Id, Id)) {
        let imm = match pred {
            Pred::Eq => 0,
            Pred::Lt => 1,
            Pred::Le => 2,
            Pred::Ne => 4,
            Pred::Ge => 13,
            Pred::Gt => 14,
        };
        let len = self.len();
        let (x, y) = (self.register(x), self.operand(y));
        if self.simd.z() {
            self.simd.a.vi(&VCMPPS_K, len, 7, x, y, imm);
            let (b, a) = (self.register(b), self.operand(a));
            let dst = self.result(id);
            self.simd
                .a
                .vk(&VBLENDMPS, len, Some(Mask { k: 7, zero: false }), dst, b, a);
            return;
        }
        let mask = self.alloc();
        self.simd.a.vi(&VCMPPS, len, mask, x, y, imm);
        let (b, a) = (self.register(b), self.operand(a));
        let dst = self.result(id);
        self.simd.a.vi(&VBLENDVPS, len, dst, b, a, mask << 4);
        self.free.add(mask);
    }

    fn scale(&mut self, id: usize, p: Id, n: Id) {
        let len = self.len();
        let p_reg = self.register(p);
        if self.simd.z() {
            let n = self.operand(n);
            let dst = self.result(id);
            self.simd.a.v(&VSCALEFPS, len, dst, p_reg, n);
            return;
        }
        // 2^n as two factors, so that neither over- nor underflows on the way: n = h + (n - h), h = n / 2.
        let n = self.operand(n);
        let (t, h) = (self.alloc(), self.alloc());
        self.simd.a.v(&VCVTPS2DQ, len, t, 0, n);
        self.simd.a.vi(&VPSRAD, len, h, 0, t, 1);
        self.simd.a.v(&VPSUBD, len, t, t, h);
        let dst = self.result(id);
        let bias = self.simd.const_ps(127);
        for factor in [h, t] {
            self.simd.a.v(&VPADDD, len, factor, factor, bias);
            self.simd.a.vi(&VPSLLD, len, factor, 0, factor, 23);
        }
        self.simd.a.v(&VMULPS, len, h, h, p_reg);
        self.simd.a.v(&VMULPS, len, dst, h, t);
        self.free.add(t);
        self.free.add(h);
    }
}
