//! Depthwise kernels: products of equal columns, summed over a batch and its taps in registers.
//!
//! Rows meet vectors of A through several taps: each of these is loaded, and converted, once for all that it meets, while
//! vectors of B wait in registers. Forward, rows are pixels; for a gradient of weights, rows are taps and taps are pixels.

use super::blocking::even_parts;
use super::expr::{Pool, temps_needed};
use super::simd::{Lanes, Simd};
use super::tile::{check_expr, check_rows, is_stacked, store_tile};
use super::{Pos, check_reach, repeat};
use crate::dtype::DataType;
use crate::error::Result;
use crate::jit::asm::{Cond, Len, Mem, Rm, gpr::*};
use crate::jit::rows::*;
use crate::kernel::spec::{Args, Depthwise, Mix};
use crate::supported;
use std::cell::OnceCell;
use std::mem::offset_of;

/// The most rows, or taps, whose places must be within reach.
const MOST: usize = 32;
/// Registers that vectors of A take turns in.
const TEMPS: usize = 2;
/// Accumulators that hide the latency of multiply-adds.
const IN_FLIGHT: usize = 10;

struct Gen<'a> {
    s: &'a Depthwise,
    simd: Simd,
    /// Vector registers.
    regs: usize,
    /// Whether what follows is fetched while a tile is summed, each vector's before it is met.
    ahead: bool,
    /// What else is fetched while a block of the batch is added.
    lines: Vec<Mem>,
}

impl AsMut<Simd> for Gen<'_> {
    fn as_mut(&mut self) -> &mut Simd {
        &mut self.simd
    }
}

/// The products of one block of the batch for some rows: each vector of A, with the rows and taps that it meets.
type Meetings = Vec<(i64, Vec<(usize, usize)>)>;

/// Emits the kernel.
pub fn emit(s: &Depthwise) -> Result<Vec<u8>> {
    supported!(s.taps <= MOST, "kernel: {} taps are too many", s.taps);
    check_reach([
        (s.a_run_bytes, MOST),
        (s.a_row_bytes, MOST),
        (s.a_tap_bytes, MOST),
    ])?;
    check_reach([(s.b_tap_bytes, MOST)])?;
    check_reach([(s.c_row_bytes, MOST), (s.out.d_row_bytes, MOST)])?;
    check_rows(&s.out)?;
    let simd = Simd::new(s.isa);
    let regs = simd.regs(simd.has_tail(s.n));
    check_expr(&s.out, s.isa, regs - 1)?;
    let mut g = Gen {
        s,
        simd,
        regs,
        ahead: false,
        lines: Vec::new(),
    };
    supported!(g.mixes(), "kernel: there is no code for {:?}", s.mix);
    let Some((vecs, rows)) = g.tile_size() else {
        return Err(crate::unimplemented_here!(
            "kernel: {} taps need too many registers",
            s.taps
        ));
    };
    super::prologue(&mut g.simd);
    g.simd.set_tail(s.n);
    let operands = Mem::new(RDI, offset_of!(Args, operands) as i32);
    g.simd.a.load(R14, operands);
    g.rows(vecs, rows);
    super::epilogue(&mut g.simd);
    g.simd.a.finish()
}

impl Gen<'_> {
    /// Vectors and rows of a register tile: one vector, or as many as few rows need to hide latencies.
    fn tile_size(&self) -> Option<(usize, usize)> {
        let s = self.s;
        let regs = self.regs - usize::from(s.mix != Mix::Equal);
        let unit = if s.run < s.m { s.run } else { 1 };
        let epilogue = match is_stacked(&s.out) {
            true => 0,
            false => temps_needed(&s.out, s.isa),
        };
        let kept = vec![OnceCell::new(); regs + 1];
        let slots =
            |rows: usize| *kept[rows].get_or_init(|| slots(s.taps, &meetings(s, None, rows)).1);
        let fits = |vecs: usize, rows: &usize| {
            rows * vecs + epilogue.max(slots(*rows) * vecs + TEMPS) <= regs
        };
        let most = |vecs: usize| {
            let guess = ((regs - TEMPS) / vecs).saturating_sub(s.taps.min(s.run));
            (unit..=guess.min(s.m) / unit * unit)
                .rev()
                .step_by(unit)
                .find(|rows| fits(vecs, rows))
        };
        let least = self.least();
        let all = s.n.div_ceil(self.simd.vl()).min(8) / least;
        let enough = |vecs: &usize| most(*vecs).is_some_and(|rows| rows * vecs >= IN_FLIGHT);
        let whole = |vecs: &usize| most(*vecs) == Some(s.m);
        let widths = (1..=all).map(|i| i * least);
        let vecs = widths
            .clone()
            .find(enough)
            .or_else(|| widths.rev().find(whole));
        let vecs = vecs.unwrap_or(least);
        Some((vecs, most(vecs)?))
    }

    /// Vectors that fill whole cache lines of D, where these must be written at once.
    fn least(&self) -> usize {
        const LINE: usize = 64;
        match self.s.far {
            true => LINE / (self.simd.vl() * self.s.out.d.size_bytes()).min(LINE),
            false => 1,
        }
    }

    /// Blocks of rows; inside, blocks of columns, so that memory is read in order. Blocks that meet the same taps share a
    /// loop.
    fn rows(&mut self, vecs: usize, most: usize) {
        let s = self.s;
        let unit = if s.run < s.m { s.run } else { 1 };
        let least = self.least();
        let widths = even_parts(s.n.div_ceil(self.simd.vl() * least), vecs / least);
        let widths: Vec<usize> = widths.iter().map(|width| width * least).collect();
        let mut first = 0;
        let mut blocks: Vec<(usize, usize, Meetings)> = Vec::new();
        for part in even_parts(s.m / unit, most / unit) {
            blocks.push((first, part * unit, meetings(s, Some(first), part * unit)));
            first += part * unit;
        }
        // Runs lie where the code says, so no two of them share a loop.
        let one_run = s.run >= s.m;
        for same in blocks.chunk_by(|a, b| one_run && (a.1, &a.2) == (b.1, &b.2)) {
            let (first, rows, met) = &same[0];
            repeat(self, R15, *first, *rows, same.len(), |g, row| {
                g.columns(*rows, row, &widths, met)
            });
        }
    }

    /// Blocks of columns, in loops over those of one size; a last one with a tail stands alone.
    fn columns(&mut self, rows: usize, row: Pos, widths: &[usize], met: &Meetings) {
        let (vl, n) = (self.simd.vl(), self.s.n);
        let mut first = 0;
        for run in widths.chunk_by(|a, b| a == b) {
            let width = run[0] * vl;
            let tail = first + run.len() * width > n;
            let whole = run.len() - usize::from(tail);
            for (start, count) in [(first, whole), (first + whole * width, usize::from(tail))] {
                let lanes = |vec: usize| self.simd.lanes((n - start - vec * vl).min(vl));
                let vecs: Vec<Lanes> = match count {
                    0 => continue,
                    _ => (0..run[0]).map(lanes).collect(),
                };
                repeat(self, R13, start, width, count, |g, column| {
                    g.tile(rows, (row, column), &vecs, met)
                });
            }
            first += run.len() * width;
        }
    }

    fn tile(&mut self, rows: usize, at: (Pos, Pos), vecs: &[Lanes], met: &Meetings) {
        let acc = |row: usize, vec: usize| (row * vecs.len() + vec) as u8;
        let s = self.s;
        let arg = |offset: usize| Mem::new(RDI, offset as i32);
        let (row, col) = at;
        if s.beta {
            self.simd.a.load(R10, arg(offset_of!(Args, c)));
            row.add_scaled(&mut self.simd.a, R10, s.c_row_bytes, RAX);
            col.add_scaled(&mut self.simd.a, R10, 4, RAX);
        }
        let vl = self.simd.vl();
        for (r, (v, lanes)) in (0..rows).flat_map(|r| vecs.iter().enumerate().map(move |v| (r, v)))
        {
            let at = r as i64 * s.c_row_bytes + (v * vl * 4) as i64;
            match s.beta {
                true => self
                    .simd
                    .load32(acc(r, v), Mem::new(R10, at as i32), *lanes),
                false => self.simd.zero(acc(r, v)),
            }
        }
        let a = &mut self.simd.a;
        a.load(RSI, arg(offset_of!(Args, a_offsets)));
        a.load(R12, arg(offset_of!(Args, b_offsets)));
        a.load(R8, arg(offset_of!(Args, a)));
        a.load(R9, arg(offset_of!(Args, b)));
        match s.run < s.m {
            true => super::add_imm(a, R8, (row.base / s.run) as i64 * s.a_run_bytes, RAX),
            false => row.add_scaled(a, R8, s.a_row_bytes, RAX),
        }
        col.add_scaled(a, R8, s.a.size_bytes() as i64, RAX);
        col.add_scaled(a, R9, s.b.size_bytes() as i64, RAX);
        if s.fresh == 0 {
            self.prefetch(vecs.len(), col, met);
        }
        if let Mix::Column { group } = s.mix {
            let first = self.lanes_of(|lane| lane / group * group);
            let index = self.index();
            let a = &mut self.simd.a;
            a.v(&VPBROADCASTD, Len::Z, index, 0, arg(offset_of!(Args, m)));
            a.v(&VPADDD, Len::Z, index, index, first);
        }
        let a = &mut self.simd.a;
        let (top, done) = (a.label(), a.label());
        a.load(RCX, arg(offset_of!(Args, batch)));
        a.test_rr(RCX, RCX);
        a.jcc(Cond::E, done);
        a.bind(top);
        for (block, walker, base) in [(RAX, RSI, R8), (RBX, R12, R9)] {
            a.load(block, Mem::new(walker, 0));
            a.add_ri(walker, 8);
            a.add_rr(block, base);
        }
        self.ahead = s.beta && s.fresh > 0 && (s.run == s.m || row.base + rows == s.m);
        if self.ahead {
            let a = &mut self.simd.a;
            for (at, stride, block) in [
                (R10, offset_of!(Args, a_stride), RAX),
                (RDX, offset_of!(Args, b_stride), RBX),
            ] {
                a.load(at, arg(stride));
                a.add_rr(at, block);
            }
        } else if s.fresh > 0 {
            self.lines = self.look_ahead(RAX, vecs.len(), col, met);
        }
        self.multiply(rows, vecs, met);
        let a = &mut self.simd.a;
        a.dec(RCX);
        a.jcc(Cond::Ne, top);
        a.bind(done);
        let pool = Pool::of((rows * vecs.len()) as u8..self.regs as u8);
        self.simd.far = s.far;
        store_tile(&mut self.simd, &s.out, at, rows, vecs, pool);
        self.simd.far = false;
    }

    /// Fetches what the rows of A will need that lie `args.a_stride` bytes ahead; r8 points to A.
    fn prefetch(&mut self, vecs: usize, col: Pos, met: &Meetings) {
        for line in self.look_ahead(R8, vecs, col, met) {
            self.simd.a.prefetcht0(line);
        }
    }

    /// What a tile fetches of the pixels that lie `args.a_stride` bytes ahead of those it meets: the register points to its
    /// columns, r10 will. Where pixels join, tiles side by side fetch them in the order of memory, which suits it better than
    /// that in which they will be met.
    fn look_ahead(&mut self, from: u8, vecs: usize, col: Pos, met: &Meetings) -> Vec<Mem> {
        const LINE: usize = 64;
        let s = self.s;
        let (size, columns) = (s.a.size_bytes() as i64, s.n as i64);
        let width = (vecs * self.simd.vl()) as i64;
        let (Some(first), Some(last)) = (met.first(), met.last()) else {
            return Vec::new();
        };
        let steps = [s.a_row_bytes, s.a_tap_bytes].map(i64::abs);
        let pitch = steps.into_iter().filter(|step| *step > 0).min();
        let pitch = pitch.unwrap_or(1);
        let joins = pitch == columns * size;
        let (share, others) = match joins {
            true => ((last.0 - first.0) / columns + size, 0),
            false => (size, (last.0 - first.0) / pitch),
        };
        let a = &mut self.simd.a;
        a.load(R10, Mem::new(RDI, offset_of!(Args, a_stride) as i32));
        a.add_rr(R10, from);
        col.add_scaled(a, R10, share - size, R11);
        let of_pixel = |pixel| {
            let bytes = (0..share * width).step_by(LINE);
            bytes.map(move |byte| first.0 + pixel * pitch + byte)
        };
        let all = (0..=others).flat_map(of_pixel);
        all.map(|at| Mem::new(R10, at as i32)).collect()
    }

    /// Whether there is code for the columns that meet.
    fn mixes(&self) -> bool {
        let s = self.s;
        match s.mix {
            Mix::Equal => true,
            Mix::Column { group } => {
                let vl = self.simd.vl();
                self.simd.z() && s.n.is_multiple_of(vl) && vl.is_multiple_of(group)
            }
            Mix::Groups { group, k, .. } => {
                s.n == Mix::COLUMNS && Mix::has_groups(s.isa, [s.a, s.b], group, k)
            }
        }
    }

    /// Adds one block of the batch, rax and rbx pointing to it.
    fn multiply(&mut self, rows: usize, vecs: &[Lanes], met: &Meetings) {
        let steps = match self.s.mix {
            Mix::Groups { k, .. } => k / self.s.a.vnni(),
            _ => 1,
        };
        for step in 0..steps {
            if let Mix::Groups { group, .. } = self.s.mix {
                let index = self.lanes_of(|lane| lane / group * steps + step);
                self.simd.a.v(&VMOVUPS, Len::Z, self.index(), 0, index);
            }
            self.step(rows, vecs, met, step);
        }
    }

    /// A number for each lane.
    fn lanes_of(&mut self, number: impl Fn(usize) -> usize) -> Mem {
        let lanes = (0..self.simd.vl()).flat_map(|lane| (number(lane) as u32).to_le_bytes());
        self.simd.a.const_vec(&lanes.collect::<Vec<u8>>())
    }

    /// The register that says which columns of A are spread.
    fn index(&self) -> u8 {
        (self.regs - 1) as u8
    }

    /// Adds the products of one element, or group of v, of A for each column.
    fn step(&mut self, rows: usize, vecs: &[Lanes], met: &Meetings, step: usize) {
        let (s, vl) = (self.s, self.simd.vl());
        let (slots, kept) = slots(s.taps, met);
        let b_reg = |tap: usize, vec: usize| ((rows + slots[tap]) * vecs.len() + vec) as u8;
        let first_temp = ((rows + kept) * vecs.len()) as u8;
        let mut loaded = vec![false; s.taps];
        let mut turn = 0;
        let lines = std::mem::take(&mut self.lines);
        for (i, (at, pairs)) in met.iter().enumerate() {
            let share = |i: usize| i * lines.len() / met.len();
            for line in &lines[share(i)..share(i + 1)] {
                self.simd.a.prefetcht1(*line);
            }
            for &(_, tap) in pairs {
                if std::mem::replace(&mut loaded[tap], true) {
                    continue;
                }
                for (vec, lanes) in vecs.iter().enumerate() {
                    self.load_b(b_reg(tap, vec), (tap, vec), *lanes, step);
                }
            }
            for (vec, lanes) in vecs.iter().enumerate() {
                let at = at + (vec * vl * s.a.size_bytes()) as i64;
                let from = Mem::new(RAX, at as i32);
                if step == 0 && pairs[0].0 / s.run + s.fresh >= rows.div_ceil(s.run) {
                    self.fetch(Mem::new(R10, at as i32), vec * vl * s.a.size_bytes());
                }
                let in_place = s.a == DataType::F32 && !lanes.masked && pairs.len() == 1;
                let factor = match s.mix {
                    Mix::Equal if in_place => Rm::Mem(from),
                    _ => Rm::Reg(self.load_a(first_temp + turn, from, *lanes)),
                };
                turn = (turn + 1) % TEMPS as u8;
                for &(row, tap) in pairs {
                    let acc = (row * vecs.len() + vec) as u8;
                    self.product(lanes.len, acc, b_reg(tap, vec), factor);
                }
            }
        }
    }

    fn load_b(&mut self, reg: u8, (tap, vec): (usize, usize), lanes: Lanes, step: usize) {
        let (s, vl) = (self.s, self.simd.vl());
        let at = tap as i64 * s.b_tap_bytes + (vec * vl * s.b.size_bytes()) as i64;
        let from = |at: i64| Mem::new(RBX, at as i32);
        if s.beta {
            self.fetch(Mem::new(RDX, at as i32), vec * vl * s.b.size_bytes());
        }
        match s.mix {
            Mix::Groups { b_group_bytes, .. } => {
                let at = at + step as i64 * b_group_bytes;
                self.simd.load32(reg, from(at), lanes)
            }
            _ => self.simd.load(reg, from(at), s.b, false, lanes),
        }
    }

    /// Fetches a line that lies ahead into the second-level cache, once for the vectors that begin in it.
    fn fetch(&mut self, ahead: Mem, byte: usize) {
        const LINE: usize = 64;
        if self.ahead && byte.is_multiple_of(LINE) {
            self.simd.a.prefetcht1(ahead);
        }
    }

    /// A vector of A into the given register.
    fn load_a(&mut self, reg: u8, from: Mem, lanes: Lanes) -> u8 {
        let (s, index) = (self.s, self.index());
        match s.mix {
            Mix::Equal => self.simd.load(reg, from, s.a, false, lanes),
            Mix::Column { .. } if s.a == DataType::F32 => {
                self.simd.a.v(&VPERMPS, Len::Z, reg, index, from)
            }
            Mix::Column { .. } => {
                self.simd.load(reg, from, s.a, false, lanes);
                self.simd.a.v(&VPERMPS, Len::Z, reg, index, reg);
            }
            Mix::Groups { group, k, .. } => {
                let len = match Mix::COLUMNS / group * k * s.a.size_bytes() {
                    64 => Len::Z,
                    32 => Len::Y,
                    _ => Len::X,
                };
                if len == Len::Z {
                    self.simd.a.v(&VPERMD, Len::Z, reg, index, from);
                } else {
                    self.simd.a.v(&VMOVUPS, len, reg, 0, from);
                    self.simd.a.v(&VPERMD, Len::Z, reg, index, reg);
                }
            }
        }
        reg
    }

    fn product(&mut self, len: Len, acc: u8, b: u8, a: Rm) {
        let asm = &mut self.simd.a;
        match (self.s.mix, self.s.a, a) {
            (Mix::Groups { .. }, DataType::Bf16, a) => asm.v(&VDPBF16PS, len, acc, b, a),
            // The unsigned side comes first.
            (Mix::Groups { .. }, DataType::U8, Rm::Reg(a)) => asm.v(&VPDPBUSD, len, acc, a, b),
            (_, _, a) => asm.v(&VFMADD231PS, len, acc, b, a),
        }
    }
}

/// The products of `rows` rows from the given one on, or of rows that meet all taps, in the order of the places in A: so
/// every tap meets its rows within a short time.
fn meetings(s: &Depthwise, first: Option<usize>, rows: usize) -> Meetings {
    let mut met = Vec::with_capacity(rows * s.taps);
    for (row, tap) in (0..rows).flat_map(|row| (0..s.taps).map(move |tap| (row, tap))) {
        if first.is_none_or(|first| s.place(first + row, tap).is_some()) {
            let run = (row / s.run) as i64 * s.a_run_bytes;
            let place = (row % s.run) as i64 * s.a_row_bytes + tap as i64 * s.a_tap_bytes;
            met.push((place, run, (row, tap)));
        }
    }
    met.sort_unstable();
    let groups = met.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    groups
        .map(|group| {
            (
                group[0].0 + group[0].1,
                group.iter().map(|one| one.2).collect(),
            )
        })
        .collect()
}

/// The register of each tap, numbered from 0, and how many there are: a tap that has met all its rows leaves its register
/// to another.
fn slots(taps: usize, met: &Meetings) -> (Vec<usize>, usize) {
    let mut last = vec![0; taps];
    for (i, (_, pairs)) in met.iter().enumerate() {
        pairs.iter().for_each(|&(_, tap)| last[tap] = i);
    }
    let mut slots = vec![usize::MAX; taps];
    let mut taken_until: Vec<usize> = Vec::new();
    for (i, (_, pairs)) in met.iter().enumerate() {
        for &(_, tap) in pairs
            .iter()
            .filter(|p| slots[p.1] == usize::MAX)
            .collect::<Vec<_>>()
        {
            let free = taken_until.iter().position(|until| *until < i);
            slots[tap] = free.unwrap_or(taken_until.len());
            match free {
                Some(slot) => taken_until[slot] = last[tap],
                None => taken_until.push(last[tap]),
            }
        }
    }
    (slots, taken_until.len())
}
