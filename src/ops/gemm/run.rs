//! Running a compiled product: its parts, the nest of blocks in each, and the kernel calls.

use super::{Call, Gemm, Matrix, Pack, find};
use crate::exec::in_parts;
use crate::exec::pack::{Side, Window};
use crate::kernel::spec::Args;
use crate::memory::MAX_NDIMS;
use crate::ops::epilogue::MAX_OPERANDS;
use crate::ops::{Exec, Run};
use crate::plan::gemm;

impl Run for Gemm {
    unsafe fn run(&self, exec: &Exec) {
        let parts = self.split.parts();
        let body = |part: usize| {
            // SAFETY: parts write disjoint blocks of D and use scratch of their own; the rest is the caller's promise.
            unsafe {
                let scratch = exec.scratch.wrapping_add(part * self.room.bytes);
                Gemm::part(std::slice::from_ref(self), exec, part, scratch, false)
            }
        };
        in_parts(exec.pool, parts, body);
    }
}

impl Gemm {
    /// Whether the other product, which reads the same B, can read what this one packs of it.
    pub fn shares_b(&self, other: &Gemm) -> bool {
        let packing = |g: &Gemm| {
            let (p, b) = (&g.p, &g.blocks);
            let sizes = [p.n, p.k, b.bn, b.kc, b.nc, g.k_group];
            let v = g.b_pack.as_ref().map(|pack| pack.shape.v);
            (sizes, v, p.batch.clone(), p.b.dtype, g.split, g.c_is_d)
        };
        let room = self.c_is_d && self.at.0 >= other.at.0;
        self.b_pack.is_some() && room && packing(self) == packing(other)
    }

    /// One part of products of which the first shares its B with the others: its share of the batch, of the rows and of the
    /// columns; nothing for a part that the plan does not have. `backwards` it takes the columns from the last panel to the
    /// first, so that it begins with what it read last.
    ///
    /// # Safety
    /// As for `Run::run`; the scratch is this part's alone.
    pub unsafe fn part(
        products: &[Gemm],
        exec: &Exec,
        part: usize,
        scratch: *mut u8,
        backwards: bool,
    ) {
        let (s, p) = (products[0].split, &products[0].p);
        if part >= s.parts() {
            return;
        }
        let (batch, rest) = (part / (s.m * s.n), part % (s.m * s.n));
        let cols = gemm::part(p.n, products[0].unit, s.n, rest % s.n);
        let (first, count) = gemm::part(p.batch_size(), 1, s.batch, batch);
        for i in in_order(first, count, 1, backwards) {
            let entry = |g| Entry::new(g, exec, i, scratch, backwards);
            // SAFETY: by the caller's promise.
            unsafe { nest(products, rest / s.n, cols, entry) };
        }
    }
}

impl Pack {
    /// # Safety
    /// As for `Packer::pack`.
    unsafe fn pack(
        &self,
        side: impl Fn(usize, usize) -> i64,
        from: *const u8,
        to: *mut u8,
        w: Window,
    ) {
        // SAFETY: passed on.
        unsafe { find(&self.packers, &(w.k, w.x)).pack(side, from, to, w, &self.shape) };
    }
}

/// Where the blocks of so many columns begin, the last first if asked for.
fn in_order(
    first: usize,
    total: usize,
    block: usize,
    backwards: bool,
) -> impl Iterator<Item = usize> {
    let count = total.div_ceil(block);
    (0..count).map(move |i| first + block * if backwards { count - 1 - i } else { i })
}

/// The loop nest: groups of columns, of K, the products that share them, blocks of rows, blocks of K, panels of columns.
///
/// # Safety
/// As for `Gemm::part`; the share of the rows and the columns are this part's.
unsafe fn nest<'a>(
    products: &'a [Gemm],
    share: usize,
    (n0, n): (usize, usize),
    entry: impl Fn(&'a Gemm) -> Entry<'a>,
) {
    let mut first = entry(&products[0]);
    let (g, bl, backwards) = (first.g, first.g.blocks, first.backwards);
    let rows = |g: &Gemm| gemm::part(g.p.m, 1, g.split.m, share);
    if products.iter().all(|g| rows(g).1 == 0) {
        return;
    }
    for nc in in_order(n0, n, bl.nc, backwards) {
        let cols = (nc, bl.nc.min(n0 + n - nc));
        for kg in (0..g.p.k.max(1)).step_by(g.k_group) {
            let end = g.p.k.min(kg + g.k_group);
            if let (Some(pack), true) = (&g.b_pack, end > kg) {
                // SAFETY: a group of panels fits its room.
                unsafe { first.pack_b(pack, (kg, end - kg), cols) };
            }
            for (i, product) in products.iter().enumerate() {
                let ((m0, m), bm) = (rows(product), product.blocks.bm);
                // Most products are alone, and many are small: what is there already is not made again.
                let mut other;
                let entry = if i == 0 {
                    &mut first
                } else {
                    other = entry(product);
                    other.packed_b = first.packed_b;
                    &mut other
                };
                for mb in (m0..m0 + m).step_by(bm) {
                    let rows = (mb, bm.min(m0 + m - mb));
                    for k in (kg..end.max(kg + 1)).step_by(bl.kc) {
                        let k = (k, bl.kc.min(g.p.k - k), k - kg);
                        // SAFETY: the blocks lie inside the share.
                        unsafe { entry.panels(rows, cols, k) };
                    }
                }
            }
        }
    }
}

/// One entry of the batch, being computed by one part.
struct Entry<'a> {
    g: &'a Gemm,
    exec: &'a Exec<'a>,
    a: *const u8,
    b: *const u8,
    d: *mut u8,
    scratch: *mut u8,
    packed_b: *mut u8,
    backwards: bool,
    /// Position in dst; rows and columns are filled in tile by tile.
    position: [i64; MAX_NDIMS],
    operands: [*const u8; MAX_OPERANDS],
}

impl<'a> Entry<'a> {
    fn new(
        g: &'a Gemm,
        exec: &'a Exec<'a>,
        index: usize,
        scratch: *mut u8,
        backwards: bool,
    ) -> Entry<'a> {
        let mut position = [0; MAX_NDIMS];
        let mut rest = index as i64;
        for d in (0..g.p.batch.len()).rev() {
            position[d] = rest % g.p.batch[d];
            rest /= g.p.batch[d];
        }
        let base = |m: &Matrix| {
            let moves = m.batch.iter().zip(position);
            let batch: i64 = moves.map(|(bytes, i)| bytes * i).sum();
            exec.ptrs[m.arg].wrapping_offset((m.offset + batch) as isize)
        };
        let (a, b, d) = (base(&g.p.a), base(&g.p.b), base(&g.p.d));
        Entry {
            g,
            exec,
            a,
            b,
            d,
            scratch,
            packed_b: scratch.wrapping_add(g.at.0),
            backwards,
            position,
            operands: [std::ptr::null(); MAX_OPERANDS],
        }
    }

    /// One block of A against every panel of a group; k is where it starts, its length, and its start in the group.
    unsafe fn panels(
        &mut self,
        (m0, m): (usize, usize),
        (n0, n): (usize, usize),
        (k, kc, k_in_group): (usize, usize, usize),
    ) {
        let (g, bn) = (self.g, self.g.blocks.bn);
        if let (Some(pack), true) = (&g.a_pack, kc > 0) {
            // SAFETY: a block of A fits its room.
            unsafe { self.pack_a(pack, (m0, m), (k, kc)) };
        }
        for nb in in_order(n0, n, bn, self.backwards) {
            let call = Call {
                m,
                n: bn.min(n0 + n - nb),
                k: kc,
                first: k == 0,
                last: k + kc == g.p.k,
            };
            let next = match self.backwards {
                false if nb + bn < n0 + n => nb + bn,
                true if nb > n0 => nb - bn,
                _ => n0,
            };
            let to_next = (next as i64 - nb as i64) / bn as i64 * g.panel_bytes();
            let to_next = gemm::fetched_ahead(g.p.isa, m, to_next);
            // SAFETY: the block lies inside the share.
            unsafe { self.block(call, m0, (nb, nb - n0), (k, k_in_group), to_next) };
        }
    }

    /// Rows of A without gaps: seen from the packer, K runs along its rows.
    unsafe fn pack_a(&self, pack: &Pack, (m0, m): (usize, usize), (k0, k): (usize, usize)) {
        let w = Window {
            k0: m0,
            k: m,
            x0: k0,
            x: k,
        };
        let side = |row, k| self.g.p.a.side.at(row, k);
        // SAFETY: by the caller's promise.
        unsafe { pack.pack(side, self.a, self.scratch, w) };
    }

    unsafe fn pack_b(&self, pack: &Pack, (k0, k): (usize, usize), (n0, n): (usize, usize)) {
        let (depth, width) = (self.g.p.pack_depth().min(k), self.g.pack_width());
        for first in (k0..k0 + k).step_by(depth) {
            for nb in (n0..n0 + n).step_by(width) {
                let w = Window {
                    k0: first,
                    k: depth.min(k0 + k - first),
                    x0: nb,
                    x: width.min(n0 + n - nb),
                };
                let to = self.packed_b(nb - n0, first - k0);
                // SAFETY: by the caller's promise.
                unsafe { pack.pack(|k, col| self.g.p.b.side.at(k, col), self.b, to, w) };
            }
        }
    }

    /// Where row k of the packed panel that starts `col` columns into the group lies.
    fn packed_b(&self, col: usize, k: usize) -> *mut u8 {
        let g = self.g;
        let row = k * g.blocks.bn * g.p.b.dtype.size_bytes();
        let panel = col / g.blocks.bn * g.packed_panel_bytes;
        self.packed_b.wrapping_add(panel + row)
    }

    /// One kernel call; columns are given in D and counted from the group's first, and so is k. What is fetched meanwhile lies
    /// `to_next` bytes behind.
    unsafe fn block(
        &mut self,
        call: Call,
        m0: usize,
        (n0, col): (usize, usize),
        (k, k_in_group): (usize, usize),
        to_next: i64,
    ) {
        let g = self.g;
        let a = match &g.a_pack {
            Some(_) => self.scratch.cast_const(),
            None => self.a.wrapping_offset(g.p.a.side.at(m0, k) as isize),
        };
        let b = match (&g.b_pack, &g.p.b.side) {
            (Some(_), _) => self.packed_b(col, k_in_group).cast_const(),
            (None, Side::Panels { width, .. }) => {
                let inside = k * width * g.p.b.dtype.size_bytes();
                self.b
                    .wrapping_offset(g.p.b.side.at(k, n0) as isize + inside as isize)
            }
            (None, side) => self.b.wrapping_offset(side.at(k, n0) as isize),
        };
        let in_place = self.d.wrapping_offset(g.p.d.side.at(m0, n0) as isize);
        let beside = self.scratch.wrapping_add(g.at.1 + 4 * col);
        let c = if g.c_is_d { in_place } else { beside };
        let d = if call.last { in_place } else { c };
        if call.last && !g.p.end.bindings.is_empty() {
            (self.position[g.p.axes.0], self.position[g.p.axes.1]) = (m0 as i64, n0 as i64);
            (g.p.end).fill(&mut self.operands, self.exec, &self.position);
        }
        let args = Args {
            a,
            b,
            c,
            d,
            b_stride: to_next,
            batch: usize::from(g.p.k > 0),
            operands: self.operands.as_ptr(),
            ..Args::default()
        };
        // SAFETY: the kernel of this size was made for these strides; the block lies inside the operands.
        unsafe { find(&g.kernels, &call).call(&args) };
    }
}
