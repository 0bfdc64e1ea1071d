//! Other views of the same memory: permuted axes, reshaped dims, a box inside.

use super::{
    FormatKind, MAX_NDIMS, MemoryDesc, RUNTIME_DIM,
    create::{checked_product, overflow, round_up},
};
use crate::{ensure, error::Result, invalid, require, supported};

impl MemoryDesc {
    /// Axis `i` of this becomes axis `axes[i]` of the result.
    pub fn permute_axes(&self, axes: &[i32]) -> Result<MemoryDesc> {
        let n = self.dims().len();
        let seen = axes.iter().fold(0u32, |seen, &a| {
            if (0..n as i32).contains(&a) {
                seen | 1 << a
            } else {
                seen
            }
        });
        require!(
            axes.len() == n && seen == (1 << n) - 1,
            "permutation: {axes:?} does not name each of the {n} axes from 0 once"
        );
        supported!(
            self.is_absent() || self.is_any() || self.is_blocked(),
            "permute_axes: the axes of {self} cannot be permuted"
        );
        let mut out = *self;
        for (i, to) in axes.iter().map(|&a| a as usize).enumerate() {
            out.dims[to] = self.dims[i];
            out.padded_dims[to] = self.padded_dims[i];
            out.strides[to] = self.strides[i];
        }
        for i in 0..self.inner_nblks as usize {
            out.inner_idxs[i] = axes[self.inner_idxs[i] as usize] as i64;
        }
        Ok(out)
    }

    /// The box of `dims` at `offsets`, addressed from the same handle.
    pub fn submemory(&self, dims: &[i64], offsets: &[i64]) -> Result<MemoryDesc> {
        let n = self.dims().len();
        supported!(
            self.is_blocked()
                && !self.has_runtime()
                && !dims.contains(&RUNTIME_DIM)
                && !offsets.contains(&RUNTIME_DIM),
            "submemory: {self} needs a concrete layout without runtime values"
        );
        require!(
            dims.len() == n && offsets.len() == n,
            "submemory: {} dims and {} offsets for a parent of {n}",
            dims.len(),
            offsets.len()
        );
        for (d, whole) in self.dims().iter().enumerate() {
            let (len, start) = (dims[d], offsets[d]);
            require!(
                len >= 0 && start >= 0 && start <= *whole && len <= whole - start,
                "dims, offsets: {len} elements from {start} on do not fit dimension {d}, which has {whole}"
            );
        }
        let mut out = *self;
        for d in 0..n {
            let (len, start, whole, block) = (dims[d], offsets[d], self.dims[d], self.block_of(d));
            supported!(
                start % block == 0 && (len % block == 0 || start + len == whole),
                "dims, offsets: {len} elements from {start} on cut a block of {block} in dimension {d}"
            );
            out.dims[d] = len;
            out.padded_dims[d] = round_up(len, block).ok_or_else(|| overflow(dims))?;
            if whole > 1 && !self.has_zero_dim() {
                out.offset0 += start / block * self.strides[d];
            }
        }
        Ok(out)
    }

    /// The same elements in the same order under other dims. Dims of size 1 come and go; others may be split and
    /// merged where they lie dense and unblocked; blocked ones stay as they are.
    pub fn reshape(&self, dims: &[i64]) -> Result<MemoryDesc> {
        if self.is_any() {
            self.check_volume(dims)?;
            return MemoryDesc::any(dims, self.dtype());
        }
        supported!(
            self.is_blocked(),
            "reshape: {self} has no layout that could be reshaped"
        );
        require!(
            !self.has_runtime() && !dims.contains(&RUNTIME_DIM),
            "reshape: runtime values in {self} or {dims:?}"
        );
        self.check_volume(dims)?;
        if dims == self.dims() {
            return Ok(*self);
        }
        if self.has_zero_dim() || dims.is_empty() {
            return MemoryDesc::plain(dims, self.dtype());
        }
        let same = |(a, b): &(&i64, &i64)| a == b;
        let front = self.dims().iter().zip(dims).take_while(same).count();
        let back = self
            .dims()
            .iter()
            .rev()
            .zip(dims.iter().rev())
            .take_while(same)
            .count();
        // Where several dims of size 1 could be the one that came or went, the last fit wins, as in oneDNN.
        Regroup::run(self, dims, 0, back).or_else(|_| Regroup::run(self, dims, front, 0))
    }

    fn check_volume(&self, dims: &[i64]) -> Result<()> {
        require!(
            checked_product(dims) == Some(self.nelems()),
            "dims: {dims:?} cannot hold the {} elements of {:?}",
            self.nelems(),
            self.dims()
        );
        Ok(())
    }
}

/// Walks two lists of dims of equal volume from the back in the smallest groups of equal volume; as many dims as the
/// caller says are known to be the same at the front or at the back.
struct Regroup<'a> {
    from: &'a MemoryDesc,
    to: MemoryDesc,
    front: usize,
    /// Elements that the dims set so far span: the stride that a dim of size 1 gets.
    next: i64,
}

impl Regroup<'_> {
    fn run(from: &MemoryDesc, dims: &[i64], front: usize, back: usize) -> Result<MemoryDesc> {
        let mut to = MemoryDesc::shaped(dims, from.dtype(), FormatKind::Blocked)?;
        to.offset0 = from.offset0;
        (to.inner_nblks, to.inner_blks) = (from.inner_nblks, from.inner_blks);
        let next = from.inner_volume();
        let mut walk = Regroup {
            from,
            to,
            front,
            next,
        };
        let (mut i, mut o) = (from.dims().len(), dims.len());
        for _ in 0..back {
            (i, o) = (i - 1, o - 1);
            walk.keep(i, o);
        }
        while i > front || o > front {
            (i, o) = walk.step(i, o)?;
        }
        for d in (0..front).rev() {
            walk.keep(d, d);
        }
        Ok(walk.to)
    }

    /// Drops a dim of size 1 before `i`, adds one before `o`, or maps a group; answers what is left.
    fn step(&mut self, i: usize, o: usize) -> Result<(usize, usize)> {
        if i > self.front && self.from.padded_dims[i - 1] == 1 {
            return Ok((i - 1, o));
        }
        if o > self.front
            && self.to.dims[o - 1] == 1
            && (i == self.front || self.from.dims[i - 1] != 1)
        {
            self.to.strides[o - 1] = self.next;
            return Ok((i, o - 1));
        }
        self.group(i, o)
    }

    /// Maps the smallest groups of dims before `i` and `o` that have equal volume; answers where they start.
    fn group(&mut self, i: usize, o: usize) -> Result<(usize, usize)> {
        let volume = |dims: &[i64]| dims.iter().product::<i64>();
        let (mut first, mut start) = (i.saturating_sub(1), o.saturating_sub(1));
        loop {
            let (a, b) = (
                volume(&self.from.dims[first..i]),
                volume(&self.to.dims[start..o]),
            );
            match a.cmp(&b) {
                std::cmp::Ordering::Equal => break,
                std::cmp::Ordering::Less if first > self.front => first -= 1,
                std::cmp::Ordering::Greater if start > self.front => start -= 1,
                _ => return Err(self.cannot()),
            }
        }
        if first < self.front || start < self.front {
            return Err(self.cannot());
        }
        match (i - first, o - start) {
            (1, 1) => self.keep(first, start),
            _ => self.rearrange(first..i, start..o)?,
        }
        Ok((first, start))
    }

    fn keep(&mut self, i: usize, o: usize) {
        self.to.strides[o] = self.from.strides[i];
        self.to.padded_dims[o] = self.from.padded_dims[i];
        for b in 0..self.from.inner_nblks as usize {
            if self.from.inner_idxs[b] as usize == i {
                self.to.inner_idxs[b] = o as i64;
            }
        }
        if self.from.outer_dim(i) != 1 {
            self.next = self.from.outer_dim(i) * self.from.strides[i];
        }
    }

    fn rearrange(
        &mut self,
        from: std::ops::Range<usize>,
        to: std::ops::Range<usize>,
    ) -> Result<()> {
        let mut expected = None;
        let mut base = 0;
        for d in from.rev() {
            let (n, stride) = (self.from.dims[d], self.from.strides[d]);
            ensure!(self.from.block_of(d) == 1, self.cannot());
            if n == 1 {
                continue;
            }
            ensure!(expected.is_none_or(|e| e == stride), self.cannot());
            if expected.is_none() {
                base = stride;
            }
            expected = Some(stride * n);
        }
        for d in to.rev() {
            self.to.strides[d] = base;
            base *= self.to.dims[d];
        }
        self.next = base;
        Ok(())
    }

    fn cannot(&self) -> crate::error::Error {
        invalid!(
            "reshape: {} cannot become {:?}: a blocked dimension, or one with gaps, would be split or merged",
            self.from,
            self.to.dims()
        )
    }
}

const _: () = assert!(MAX_NDIMS < 32, "axes are tracked as bits");
