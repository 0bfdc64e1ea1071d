//! Emission of expressions in registers: a linear scan over the straight-line program.
//!
//! A value lives in a register from its node to its last use; constants are memory operands. Nothing is spilled: the
//! generators ask how many registers an expression needs and shrink their tiles.

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
    let unlimited: Vec<u8> = (1..=u8::MAX).collect();
    let (_, peak) = emit(&mut simd, &out.expr, Some(0), &unlimited, &at);
    peak + 1
}

struct Emitter<'a, 'b> {
    simd: &'a mut Simd,
    expr: &'a Expr,
    at: &'a At<'b>,
    acc: Option<u8>,
    last_use: Vec<usize>,
    reg: Vec<Option<u8>>,
    free: Vec<u8>,
    total: usize,
    peak: usize,
}

/// Emits `expr` with the accumulator in `acc` (which it may overwrite) and temporaries from `free`; returns the register
/// of the result and the number of temporaries used.
pub fn emit(simd: &mut Simd, expr: &Expr, acc: Option<u8>, free: &[u8], at: &At) -> (u8, usize) {
    let mut e = Emitter {
        simd,
        expr,
        at,
        acc,
        last_use: last_uses(expr),
        reg: vec![None; expr.nodes.len()],
        free: free.iter().rev().copied().collect(),
        total: free.len(),
        peak: 0,
    };
    for id in 0..expr.nodes.len() {
        if e.last_use[id] > 0 {
            e.node(id);
        }
    }
    let result = e.register(expr.result, expr.nodes.len());
    (result, e.peak)
}

/// For every node the index of the last node that reads it, nodes.len() for the result, 0 for unused ones.
fn last_uses(expr: &Expr) -> Vec<usize> {
    let mut last = vec![0; expr.nodes.len()];
    last[expr.result as usize] = expr.nodes.len();
    for id in (0..expr.nodes.len()).rev() {
        if last[id] > 0 {
            for operand in operands(expr.nodes[id]) {
                let entry = &mut last[operand as usize];
                *entry = (*entry).max(id);
            }
        }
    }
    last
}

fn operands(node: Node) -> Vec<Id> {
    use Node::*;
    match node {
        Acc | Const(_) | Load { .. } | LoadD { .. } => vec![],
        Add(a, b) | Sub(a, b) | Mul(a, b) | Div(a, b) | Min(a, b) | Max(a, b) | Scale(a, b) => {
            vec![a, b]
        }
        And(a, b) | Or(a, b) | Xor(a, b) | AddI(a, b) | SubI(a, b) | MulI(a, b) => vec![a, b],
        Fma(a, b, c) => vec![a, b, c],
        Sqrt(a) | Round(a) | Floor(a) | Shl(a, _) | Shr(a, _) | ToInt(a) | ToFloat(a) => vec![a],
        Select { x, y, a, b, .. } => vec![x, y, a, b],
    }
}

impl Emitter<'_, '_> {
    fn len(&self) -> Len {
        self.at.lanes.len
    }

    fn alloc(&mut self) -> u8 {
        // The generators check what an expression needs, so an exhausted pool is their mistake.
        let reg = self.free.pop().unwrap_or_else(|| {
            self.simd
                .a
                .fail("an expression needs more registers than its tile left".to_owned());
            0
        });
        self.peak = self.peak.max(self.total - self.free.len());
        reg
    }

    fn release(&mut self, reg: u8) {
        if Some(reg) != self.acc && !self.free.contains(&reg) {
            self.free.push(reg);
        }
    }

    /// The register of a value; a constant is loaded into one that `settle` gives back after node `now`.
    fn register(&mut self, id: Id, now: usize) -> u8 {
        if let Some(reg) = self.reg[id as usize] {
            return reg;
        }
        let reg = self.alloc();
        if let Node::Const(bits) = self.expr.nodes[id as usize] {
            self.simd.bcast32_const(reg, bits, self.at.lanes.len);
        }
        let _ = now;
        self.reg[id as usize] = Some(reg);
        reg
    }

    /// A value as last operand: a constant stays in memory.
    fn operand(&mut self, id: Id) -> Rm {
        match (self.reg[id as usize], self.expr.nodes[id as usize]) {
            (None, Node::Const(bits)) => self.simd.const_ps(bits),
            _ => Rm::Reg(self.register(id, 0)),
        }
    }

    fn is_const(&self, id: Id) -> bool {
        matches!(self.expr.nodes[id as usize], Node::Const(_))
    }

    fn dies(&self, id: Id, now: usize) -> bool {
        self.last_use[id as usize] <= now
    }

    /// Gives back the registers of operands whose last use is `now`, and of constants, which are never kept.
    fn settle(&mut self, now: usize) {
        for id in operands(self.expr.nodes[now]) {
            if (self.dies(id, now) || self.is_const(id))
                && let Some(reg) = self.reg[id as usize].take()
            {
                self.release(reg);
            }
        }
    }

    /// Where the result of node `now` goes: into an operand's register that becomes free, or a new one. Call after the
    /// operands have been fetched.
    fn result(&mut self, now: usize) -> u8 {
        self.settle(now);
        if let Some(acc) = self.acc
            && !self.reg.contains(&Some(acc))
            && !self.acc_pending(now)
        {
            self.reg[now] = Some(acc);
            return acc;
        }
        let reg = self.alloc();
        self.reg[now] = Some(reg);
        reg
    }

    /// Whether the accumulator is still to be read.
    fn acc_pending(&self, now: usize) -> bool {
        self.expr.nodes[now..]
            .iter()
            .enumerate()
            .any(|(i, n)| *n == Node::Acc && self.last_use[now + i] > 0)
    }

    fn node(&mut self, id: usize) {
        use Node::*;
        match self.expr.nodes[id] {
            Acc => self.reg[id] = self.acc,
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
        let first = self.register(a, id);
        let second = self.operand(b);
        let dst = self.result(id);
        self.simd.a.v(row, self.len(), dst, first, second);
    }

    fn unary(&mut self, id: usize, row: &'static Row, a: Id, imm: Option<u8>) {
        let src = self.register(a, id);
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
            let (dst, first, second) =
                (self.register(c, id), self.register(a, id), self.operand(b));
            self.simd.a.v(&VFMADD231PS, len, dst, first, second);
            self.take(id, c);
            return;
        }
        let (dst, kept) = if free(self, a) && a != b && a != c {
            (a, b)
        } else {
            (b, a)
        };
        let in_place = free(self, dst) && dst != kept && dst != c;
        let (x, y, z) = (
            self.register(dst, id),
            self.register(kept, id),
            self.operand(c),
        );
        if in_place {
            self.simd.a.v(&VFMADD213PS, len, x, y, z);
            self.take(id, dst);
            return;
        }
        let copy = self.alloc();
        self.simd.mov(len, copy, x);
        self.simd.a.v(&VFMADD213PS, len, copy, y, z);
        self.settle(id);
        self.reg[id] = Some(copy);
    }

    /// Node `id` takes over the register of its dying operand.
    fn take(&mut self, id: usize, from: Id) {
        let reg = self.reg[from as usize].take();
        self.settle(id);
        self.reg[id] = reg;
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
        let (x, y) = (self.register(x, id), self.operand(y));
        if self.simd.z() {
            self.simd.a.vi(&VCMPPS_K, len, 7, x, y, imm);
            let (b, a) = (self.register(b, id), self.operand(a));
            let dst = self.result(id);
            self.simd
                .a
                .vk(&VBLENDMPS, len, Some(Mask { k: 7, zero: false }), dst, b, a);
            return;
        }
        let mask = self.alloc();
        self.simd.a.vi(&VCMPPS, len, mask, x, y, imm);
        let (b, a) = (self.register(b, id), self.operand(a));
        let dst = self.result(id);
        self.simd.a.vi(&VBLENDVPS, len, dst, b, a, mask << 4);
        self.release(mask);
    }

    fn scale(&mut self, id: usize, p: Id, n: Id) {
        let len = self.len();
        let p_reg = self.register(p, id);
        if self.simd.z() {
            let n = self.operand(n);
            let dst = self.result(id);
            self.simd.a.v(&VSCALEFPS, len, dst, p_reg, n);
            return;
        }
        // 2^n as two factors, so that neither over- nor underflows on the way: n = h + (n - h), h = n / 2.
        let n_reg = self.register(n, id);
        let (t, h) = (self.alloc(), self.alloc());
        let low = self.simd.const_ps((-252.0f32).to_bits());
        self.simd.a.v(&VMAXPS, len, t, n_reg, low);
        let high = self.simd.const_ps(252.0f32.to_bits());
        self.simd.a.v(&VMINPS, len, t, t, high);
        self.simd.a.v(&VCVTPS2DQ, len, t, 0, t);
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
        self.release(t);
        self.release(h);
    }
}
