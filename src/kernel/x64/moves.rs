//! Moves and reductions: transposes of 32-bit groups in registers, interleaving of rows, sums of rows.

use super::simd::{Lanes, Simd};
use super::{Pos, check_reach, epilogue, prologue, repeat};
use crate::error::Result;
use crate::jit::asm::{Cond, Len, Mask, Mem, gpr::*};
use crate::jit::rows::*;
use crate::kernel::spec::{Args, Interleave, Reduce, Transpose};
use std::mem::offset_of;

impl AsMut<Simd> for Simd {
    fn as_mut(&mut self) -> &mut Simd {
        self
    }
}

/// The opmask for tails along the rows of a transpose's source.
const ROW_TAIL_K: u8 = 2;
/// The opmask for a last group of fewer than 4 bytes.
const BYTES_K: u8 = 3;

/// `dst = args.field + position * scale`
fn address(simd: &mut Simd, dst: u8, field: usize, terms: &[(Pos, i64)]) {
    simd.a.load(dst, Mem::new(RDI, field as i32));
    terms
        .iter()
        .for_each(|(pos, scale)| pos.add_scaled(&mut simd.a, dst, *scale, RDX));
}

/// Emits `d[j][i] = a[i][j]` in blocks of 16×16 (8×8 on AVX2).
pub fn emit_transpose(s: &Transpose) -> Result<Vec<u8>> {
    let mut simd = Simd::new(s.isa);
    let vl = simd.vl();
    check_reach([(s.a_row_bytes, vl), (s.d_row_bytes, vl)])?;
    prologue(&mut simd);
    let part = |simd: &Simd, total: usize, mask: u8| Lanes {
        mask,
        ..simd.lanes(total % vl)
    };
    let (col_mask, row_mask) = if simd.z() {
        (super::simd::TAIL_K, ROW_TAIL_K)
    } else {
        (15, 7)
    };
    let (cols_tail, rows_tail) = (part(&simd, s.cols, col_mask), part(&simd, s.rows, row_mask));
    if simd.z() {
        simd.set_mask(cols_tail);
        simd.set_mask(rows_tail);
    }
    // A last column of partial groups is a block's tail even when whole groups would fill the block.
    let partial = usize::from(s.tail_bytes > 0);
    let full_cols = (s.cols - partial) / vl;
    let rest = rest_columns(&simd, s, full_cols * vl, cols_tail);
    let full = simd.full();
    // Two blocks of short vectors fill the same lines of D: one right after the other finds them near.
    if !simd.z() && s.rows > vl && s.rows <= 2 * vl {
        let below = if rows_tail.count > 0 { rows_tail } else { full };
        let both = |simd: &mut Simd, col: (Pos, Lanes)| {
            block(simd, s, (Pos::known(0), full), col);
            block(simd, s, (Pos::known(vl), below), col);
        };
        repeat(&mut simd, R13, 0, vl, full_cols, |simd, col| {
            both(simd, (col, full))
        });
        rest.iter()
            .for_each(|(first, cols)| both(&mut simd, (Pos::known(*first), *cols)));
        epilogue(&mut simd);
        return simd.a.finish();
    }
    for (first_row, rows, row_count) in [
        (0, full, s.rows / vl),
        (
            s.rows / vl * vl,
            rows_tail,
            usize::from(rows_tail.count > 0),
        ),
    ] {
        repeat(&mut simd, R15, first_row, vl, row_count, |simd, row| {
            repeat(simd, R13, 0, vl, full_cols, |simd, col| {
                block(simd, s, (row, rows), (col, full))
            });
            for (first, cols) in rest.iter().copied() {
                let col = Pos::known(first);
                block(simd, s, (row, rows), (col, cols));
            }
        });
    }
    epilogue(&mut simd);
    simd.a.finish()
}

/// The blocks behind the full ones: where they start, and how many columns they have. Without byte masks a partial group
/// is a block of its own.
fn rest_columns(simd: &Simd, s: &Transpose, first: usize, tail: Lanes) -> Vec<(usize, Lanes)> {
    let count = s.cols - first;
    let lanes = |count: usize| match count {
        n if n == simd.vl() => simd.full(),
        n => Lanes {
            mask: tail.mask,
            ..simd.lanes(n)
        },
    };
    let parts = match count {
        0 => vec![],
        n if simd.z() || s.tail_bytes == 0 || n == 1 => vec![(first, n)],
        n => vec![(first, n - 1), (s.cols - 1, 1)],
    };
    parts.into_iter().map(|(at, n)| (at, lanes(n))).collect()
}

/// One block: rows into registers, the shuffles, columns out.
fn block(simd: &mut Simd, s: &Transpose, (row, rows): (Pos, Lanes), (col, cols): (Pos, Lanes)) {
    let bytes = s.group_bytes;
    let group = bytes as i64;
    address(
        simd,
        RAX,
        offset_of!(Args, a),
        &[(row, s.a_row_bytes), (col, group)],
    );
    address(
        simd,
        RBX,
        offset_of!(Args, d),
        &[(col, s.d_row_bytes), (row, group)],
    );
    let vl = simd.vl();
    let last = s.tail_bytes > 0 && col.reg.is_none() && col.base + cols.count == s.cols;
    if last && simd.z() {
        let valid = (cols.count - 1) * 4 + s.tail_bytes;
        simd.a.mov_ri(RCX, ((1u64 << valid) - 1) as i64);
        simd.a.v(&KMOVQ_R64, Len::X, BYTES_K, 0, RCX);
    }
    if !simd.z() {
        simd.set_mask(cols);
    }
    for r in 0..vl {
        let from = Mem::new(RAX, (r as i64 * s.a_row_bytes) as i32);
        match r < rows.count {
            true if last && !simd.z() => simd.load_bytes(r as u8, from, s.tail_bytes),
            true if last => simd.a.vk(
                &VMOVDQU8,
                Len::Z,
                Some(Mask {
                    k: BYTES_K,
                    zero: true,
                }),
                r as u8,
                0,
                from,
            ),
            true => simd.load_raw(r as u8, from, bytes, cols),
            false => simd.zero(r as u8),
        }
    }
    let columns = if simd.z() {
        shuffle16(simd)
    } else {
        shuffle8(simd)
    };
    if !simd.z() {
        simd.set_mask(rows);
    }
    for (c, reg) in columns.into_iter().enumerate().take(cols.count) {
        simd.store_raw(
            Mem::new(RBX, (c as i64 * s.d_row_bytes) as i32),
            reg,
            bytes,
            rows,
        );
    }
}

/// Two interleaving steps that both sizes share: afterwards register 4j + c of `to` holds column c (modulo 4) of rows 4j to
/// 4j + 3, one 128-bit lane for every four columns. Rows in registers 0.., scratch from `via`.
fn interleave_pairs(simd: &mut Simd, len: Len, rows: u8, via: u8) {
    for i in (0..rows).step_by(2) {
        simd.a.v(&VUNPCKLPS, len, via + i, i, i + 1);
        simd.a.v(&VUNPCKHPS, len, via + i + 1, i, i + 1);
    }
    for j in (0..rows).step_by(4) {
        for h in 0..2 {
            simd.a
                .v(&VUNPCKLPD, len, j + 2 * h, via + j + h, via + j + 2 + h);
            simd.a
                .v(&VUNPCKHPD, len, j + 2 * h + 1, via + j + h, via + j + 2 + h);
        }
    }
}

/// 16×16 in registers 0 to 15 through 16 to 31; returns the registers of the columns.
fn shuffle16(simd: &mut Simd) -> Vec<u8> {
    interleave_pairs(simd, Len::Z, 16, 16);
    for half in [0, 8] {
        for c in 0..4 {
            simd.a.vi(
                &VSHUFF32X4,
                Len::Z,
                16 + half + c,
                half + c,
                half + 4 + c,
                0x88,
            );
            simd.a.vi(
                &VSHUFF32X4,
                Len::Z,
                16 + half + 4 + c,
                half + c,
                half + 4 + c,
                0xdd,
            );
        }
    }
    let mut columns = vec![0; 16];
    for c in 0..8u8 {
        // Registers 16 + c and 24 + c hold lanes of columns c and c + 8, for c below 4, or 4 later.
        simd.a.vi(&VSHUFF32X4, Len::Z, c, 16 + c, 24 + c, 0x88);
        simd.a.vi(&VSHUFF32X4, Len::Z, 8 + c, 16 + c, 24 + c, 0xdd);
        columns[c as usize] = c;
        columns[c as usize + 8] = 8 + c;
    }
    columns
}

/// 8×8 in registers 0 to 7 through 8 to 15; returns the registers of the columns.
fn shuffle8(simd: &mut Simd) -> Vec<u8> {
    interleave_pairs(simd, Len::Y, 8, 8);
    for c in 0..4 {
        simd.a.vi(&VPERM2F128, Len::Y, 8 + c, c, 4 + c, 0x20);
        simd.a.vi(&VPERM2F128, Len::Y, 12 + c, c, 4 + c, 0x31);
    }
    (8..16).collect()
}

/// Where the columns of a 512-bit vector go so that unpacking within 128-bit lanes leaves them in order.
const UNPACKED_ZMM: u8 = 31;

/// Emits `d[j / panel][g][j % panel][e] = a[g*v+e][j]`: groups of rows along all panels.
pub fn emit_interleave(s: &Interleave) -> Result<Vec<u8>> {
    let mut simd = Simd::new(s.isa);
    let v = 4 / s.elem_bytes;
    check_reach([(s.a_row_bytes, v), (s.d_row_bytes, 1)])?;
    prologue(&mut simd);
    simd.set_tail(s.n);
    if simd.z() && v > 1 {
        // Lane i takes the i-th dwords, or pairs of them, of every quarter, or half.
        let run = s.elem_bytes;
        let order = (0..16).map(|d| (d % 4 / run) * (4 * run) + d / 4 * run + d % run);
        let order: Vec<u8> = order.flat_map(|d| (d as u32).to_le_bytes()).collect();
        let order = simd.a.const_vec(&order);
        simd.a.v(&VMOVUPS, Len::Z, UNPACKED_ZMM, 0, order);
    }
    let (groups, rest) = (s.k / v, s.k % v);
    repeat(&mut simd, R15, 0, 1, groups, |simd, g| {
        interleave_group(simd, s, g, v)
    });
    if rest > 0 {
        interleave_group(&mut simd, s, Pos::known(groups), rest);
    }
    epilogue(&mut simd);
    simd.a.finish()
}

/// One group of rows: whole panels, then what is left of the columns.
fn interleave_group(simd: &mut Simd, s: &Interleave, g: Pos, rows: usize) {
    let group_bytes = s.a_row_bytes * (4 / s.elem_bytes) as i64;
    let (panels, rest) = (s.n / s.panel, s.n % s.panel);
    for (first, count, width) in [(0, panels, s.panel), (panels, usize::from(rest > 0), rest)] {
        repeat(simd, R13, first, 1, count, |simd, panel| {
            let panel_row = (s.panel * s.elem_bytes) as i64;
            let from = [(g, group_bytes), (panel, panel_row)];
            address(simd, RAX, offset_of!(Args, a), &from);
            let to = [(g, s.d_row_bytes), (panel, s.panel_bytes)];
            address(simd, RBX, offset_of!(Args, d), &to);
            interleave_columns(simd, s, rows, width);
        });
    }
}

/// As many columns of a group as fill vectors by unpacking whole vectors of elements, the others a vector at a time.
fn interleave_columns(simd: &mut Simd, s: &Interleave, rows: usize, width: usize) {
    let (vl, whole) = (simd.vl(), 64 / s.elem_bytes);
    let mut column = 0;
    while column < width {
        if simd.z() && s.elem_bytes < 4 && column + whole <= width {
            unpack_rows(simd, s, column, rows);
            column += whole;
        } else {
            let count = vl.min(width - column);
            let lanes = if count == vl {
                simd.full()
            } else {
                simd.lanes(count)
            };
            join_rows(simd, s, column, rows, lanes);
            column += vl;
        }
    }
}

/// Joins rows of 64 bytes: elements of two rows become pairs, pairs of those groups of four bytes.
fn unpack_rows(simd: &mut Simd, s: &Interleave, column: usize, rows: usize) {
    let v = 4 / s.elem_bytes;
    for e in 0..v as u8 {
        let at = i64::from(e) * s.a_row_bytes + (column * s.elem_bytes) as i64;
        let from = Mem::new(RAX, at as i32);
        match usize::from(e) < rows {
            true => simd.a.v(&VPERMD, Len::Z, e, UNPACKED_ZMM, from),
            false => simd.zero(e),
        }
    }
    if v == 4 {
        for (low, row) in [(&VPUNPCKLBW, 4), (&VPUNPCKHBW, 6)] {
            simd.a.v(low, Len::Z, row, 0, 1);
            simd.a.v(low, Len::Z, row + 1, 2, 3);
        }
    }
    let pairs: &[u8] = if v == 4 { &[4, 6] } else { &[0] };
    let halves = pairs
        .iter()
        .flat_map(|&pair| [(&VPUNPCKLWD, pair), (&VPUNPCKHWD, pair)]);
    for (i, (unpack, pair)) in halves.enumerate() {
        let to = 8 + i as u8;
        simd.a.v(unpack, Len::Z, to, pair, pair + 1);
        let at = Mem::new(RBX, ((column + 16 * i) * 4) as i32);
        simd.store32(at, to, simd.full());
    }
}

/// Joins one vector of columns: the elements of the rows are widened and shifted into place.
fn join_rows(simd: &mut Simd, s: &Interleave, column: usize, rows: usize, lanes: Lanes) {
    let dst = 2 * (column / simd.vl() % 4) as u8;
    let part = dst + 1;
    for e in 0..rows {
        let reg = if e == 0 { dst } else { part };
        let at = e as i64 * s.a_row_bytes + (column * s.elem_bytes) as i64;
        simd.load_raw(reg, Mem::new(RAX, at as i32), s.elem_bytes, lanes);
        if e > 0 {
            let bits = (e * 8 * s.elem_bytes) as u8;
            simd.a.vi(&VPSLLD, lanes.len, part, 0, part, bits);
            simd.a.v(&VORPS, lanes.len, dst, dst, part);
        }
    }
    simd.store32(Mem::new(RBX, (column * 4) as i32), dst, lanes);
}

/// Vectors of a reduction that are summed at once.
const REDUCE_VECTORS: usize = 8;

/// Emits `d[j] = (beta ? d[j] : 0) + Σ_i a[i][j]`: rows in order, several vectors of columns at a time.
pub fn emit_reduce(s: &Reduce) -> Result<Vec<u8>> {
    let mut simd = Simd::new(s.isa);
    prologue(&mut simd);
    simd.set_tail(s.n);
    let vl = simd.vl();
    let wide = REDUCE_VECTORS * vl;
    let full = simd.full();
    let tail = simd.lanes(s.n % vl);
    repeat(&mut simd, R13, 0, wide, s.n / wide, |simd, col| {
        columns(simd, s, col, &[full; REDUCE_VECTORS])
    });
    let mut rest = vec![full; s.n % wide / vl];
    rest.extend((tail.count > 0).then_some(tail));
    if !rest.is_empty() {
        columns(&mut simd, s, Pos::known(s.n / wide * wide), &rest);
    }
    epilogue(&mut simd);
    simd.a.finish()
}

fn columns(simd: &mut Simd, s: &Reduce, col: Pos, vecs: &[Lanes]) {
    let int = s.a.is_int();
    let size = s.a.size_bytes();
    let (vl, temp) = (simd.vl(), if simd.z() { 16 } else { 14 });
    address(simd, RAX, offset_of!(Args, a), &[(col, size as i64)]);
    address(simd, RBX, offset_of!(Args, d), &[(col, 4)]);
    let sums = || {
        vecs.iter()
            .enumerate()
            .map(|(v, l)| (v as u8, Mem::new(RBX, (v * vl * 4) as i32), *l))
    };
    for (reg, mem, lanes) in sums() {
        if s.beta {
            simd.load32(reg, mem, lanes)
        } else {
            simd.zero(reg)
        }
    }
    simd.a.load(RCX, Mem::new(RDI, offset_of!(Args, m) as i32));
    let (top, done) = (simd.a.label(), simd.a.label());
    simd.a.test_rr(RCX, RCX);
    simd.a.jcc(Cond::E, done);
    simd.a.bind(top);
    for (reg, _, lanes) in sums() {
        simd.load(
            temp,
            Mem::new(RAX, (reg as usize * vl * size) as i32),
            s.a,
            int,
            lanes,
        );
        let add = if int { &VPADDD } else { &VADDPS };
        simd.a.v(add, lanes.len, reg, reg, temp);
    }
    super::add_imm(&mut simd.a, RAX, s.a_row_bytes, RDX);
    simd.a.dec(RCX);
    simd.a.jcc(Cond::Ne, top);
    simd.a.bind(done);
    for (reg, mem, lanes) in sums() {
        simd.store32(mem, reg, lanes);
    }
}
