//! Where elements lie, as arithmetic on logical positions.
//!
//! Inner blocks write an index in a mixed radix: dim 1 of `nChw16c` has the digits c/16 and c%16, each with a stride of
//! its own. A [`Place`] lists these digits; [`blocks`] cuts a logical range into blocks in which every operand's
//! digits are plain nested loops, so that nests never divide; [`collapse`] merges what is contiguous for all.

use crate::memory::{MAX_NDIMS, MemoryDesc};

/// One digit of a logical index: `(index[dim] / div) % size`, worth `stride` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The logical dimension.
    pub dim: usize,
    /// Weight of the digit in the index.
    pub div: i64,
    /// Values the digit takes; `i64::MAX` for the outermost digit.
    pub size: i64,
    /// Bytes from one value to the next.
    pub stride: i64,
}

impl Term {
    /// The whole index of a dimension.
    pub fn plain(dim: usize, stride: i64) -> Term {
        Term {
            dim,
            div: 1,
            size: i64::MAX,
            stride,
        }
    }
}

/// The address of an operand's elements as a function of the logical position, in bytes from its handle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes to element (0, …).
    pub base: i64,
    /// Digits that matter, outermost first within a dimension.
    pub terms: Vec<Term>,
}

impl Place {
    /// The place of every element of `md`, padding included.
    pub fn whole(md: &MemoryDesc) -> Place {
        let bytes = md.dtype().size_bytes() as i64;
        let (mut divs, mut stride) = ([1; MAX_NDIMS], bytes);
        let mut terms = Vec::new();
        for (dim, size) in md.blocks().rev() {
            terms.push(Term {
                dim,
                div: divs[dim],
                size,
                stride,
            });
            divs[dim] *= size;
            stride *= size;
        }
        let outer = |(dim, stride): (usize, &i64)| Term {
            div: divs[dim],
            ..Term::plain(dim, stride * bytes)
        };
        terms.extend(md.strides().iter().enumerate().map(outer));
        terms.reverse();
        terms.sort_by_key(|t| t.dim); // stable, so that outer digits stay in front
        Place {
            base: md.offset0 * bytes,
            terms,
        }
    }

    /// The place of `md` read as an operand that is broadcast along its dims of size 1.
    pub fn broadcast(md: &MemoryDesc) -> Place {
        let mut place = Place::whole(md);
        place.terms.retain(|t| md.dims[t.dim] != 1 && t.stride != 0);
        place
    }

    /// The place of a dense array over those of `dims` whose bit is set in `mask`, and its number of elements.
    pub fn dense(dims: &[i64], mask: i32, bytes: usize) -> (Place, i64) {
        let (mut terms, mut count) = (Vec::new(), 1);
        for dim in (0..dims.len()).rev().filter(|d| mask >> d & 1 == 1) {
            terms.push(Term::plain(dim, count * bytes as i64));
            count *= dims[dim];
        }
        terms.retain(|t| dims[t.dim] != 1);
        (Place { base: 0, terms }, count)
    }

    /// The same data seen from a tensor whose dim `to[d]` is this one's dim d; a dim without counterpart must not vary.
    pub fn renamed(mut self, to: &[Option<usize>]) -> Option<Place> {
        for term in &mut self.terms {
            term.dim = (*to.get(term.dim)?)?;
        }
        Some(self)
    }

    /// Bytes from the first element to the one at these indices, given by dimension; the last of several counts.
    pub fn from_first(&self, indices: &[(usize, i64)]) -> i64 {
        let mut pos = [0; MAX_NDIMS];
        indices.iter().for_each(|&(dim, index)| pos[dim] = index);
        self.at(&pos) - self.base
    }

    /// Bytes from the handle to the element at `pos`.
    pub fn at(&self, pos: &[i64]) -> i64 {
        self.terms.iter().fold(self.base, |sum, t| {
            let index = match (t.div, t.size) {
                (1, i64::MAX) => pos[t.dim],
                (div, i64::MAX) => pos[t.dim] / div,
                _ => pos[t.dim] / t.div % t.size,
            };
            sum + t.stride * index
        })
    }

    /// The digits of a dimension, outermost first.
    fn digits(&self, dim: usize) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(move |t| t.dim == dim)
    }

    /// Bytes that a step of `level` along `dim` moves, where `level` divides or is a multiple of every digit's weight.
    pub fn step(&self, dim: usize, level: i64) -> i64 {
        let moves = |t: &&Term| t.div <= level && level / t.div < t.size;
        let digit = self.digits(dim).filter(moves).max_by_key(|t| t.div);
        digit.map_or(0, |t| t.stride * (level / t.div))
    }

    /// The stride along `dim` if `run` aligned indices from any multiple of `run` on are evenly spaced.
    pub fn even(&self, dim: usize, run: i64) -> Option<i64> {
        if self.digits(dim).next().is_none() {
            return Some(0);
        }
        let unit = self.digits(dim).find(|t| t.div == 1)?;
        (unit.size == i64::MAX || unit.size % run == 0).then_some(unit.stride)
    }
}

/// A counted loop and how far each operand moves with it, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// Iterations.
    pub count: i64,
    /// Bytes per iteration, by operand.
    pub strides: Vec<i64>,
}

impl Loop {
    /// A loop of one iteration for so many operands.
    pub fn once(operands: usize) -> Loop {
        Loop {
            count: 1,
            strides: vec![0; operands],
        }
    }
}

/// A rectangular part of the logical space in which all operands advance evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Bytes from each operand's handle to the first element.
    pub base: Vec<i64>,
    /// Its loops, outermost first.
    pub loops: Vec<Loop>,
}

impl Block {
    /// Number of elements.
    pub fn elements(&self) -> i64 {
        self.loops.iter().map(|l| l.count).product()
    }

    /// Cuts loop `at` into whole chunks (a loop over chunks outside, `at` inside) and the rest.
    pub fn split(mut self, at: usize, chunk: i64) -> Vec<Block> {
        let Loop { count, strides } = self.loops[at].clone();
        if count <= chunk {
            return vec![self];
        }
        let advance = |n: i64| strides.iter().map(|s| s * n).collect::<Vec<_>>();
        let mut tail = self.clone();
        let whole = advance(count / chunk * chunk);
        tail.base.iter_mut().zip(whole).for_each(|(b, s)| *b += s);
        tail.loops[at].count = count % chunk;
        self.loops[at].count = chunk;
        self.loops.push(Loop {
            count: count / chunk,
            strides: advance(chunk),
        });
        match count % chunk {
            0 => vec![self],
            _ => vec![self, tail],
        }
    }
}

/// A run of indices along one dim that every operand walks as nested loops: its start, and its loops as (count, step).
type Segment = (i64, Vec<(i64, i64)>);

/// Cuts the ranges (one a dim) into blocks; nothing where the operands' inner blocks along a dim do not nest.
pub fn blocks(ranges: &[(i64, i64)], places: &[&Place]) -> Option<Vec<Block>> {
    let origin = Block {
        base: places.iter().map(|p| p.base).collect(),
        loops: Vec::new(),
    };
    let mut parts = vec![origin];
    for (dim, &(from, to)) in ranges.iter().enumerate() {
        let segments = segments(from, to, &levels(dim, places)?);
        let cut = |b| segments.iter().map(move |s| extend(b, dim, s, places));
        parts = parts.iter().flat_map(cut).collect();
    }
    Some(parts)
}

/// The weights of all operands' digits along `dim`, ascending from 1; each must divide the next.
fn levels(dim: usize, places: &[&Place]) -> Option<Vec<i64>> {
    let digits = places.iter().flat_map(|p| p.digits(dim));
    let mut levels: Vec<i64> = digits.map(|t| t.div).chain([1]).collect();
    levels.sort_unstable();
    levels.dedup();
    let nest = levels.windows(2).all(|w| w[1] % w[0] == 0);
    nest.then_some(levels)
}

fn segments(mut at: i64, to: i64, levels: &[i64]) -> Vec<Segment> {
    let mut out = Vec::new();
    while at < to {
        let fits = |level: &i64| at % level == 0 && at + level <= to;
        let top = levels.iter().rposition(fits).unwrap_or(0);
        let whole = (to - at) / levels[top];
        let up = levels.get(top + 1);
        let count = up.map_or(whole, |up| whole.min((up - at % up) / levels[top]));
        let inner = levels[..=top].windows(2).rev();
        let inner = inner.map(|w| (w[1] / w[0], w[0]));
        let outer = std::iter::once((count, levels[top]));
        out.push((at, outer.chain(inner).collect()));
        at += count * levels[top];
    }
    out
}

fn extend(block: &Block, dim: usize, (start, loops): &Segment, places: &[&Place]) -> Block {
    let mut block = block.clone();
    for (base, place) in block.base.iter_mut().zip(places) {
        let digits = place.digits(dim);
        *base += (digits.map(|t| start / t.div % t.size * t.stride)).sum::<i64>();
    }
    for &(count, step) in loops {
        let strides = places.iter().map(|p| p.step(dim, step)).collect();
        block.loops.push(Loop { count, strides });
    }
    block
}

/// Drops loops of one iteration, orders the others by operand 0's stride, largest first, and merges neighbours that
/// are contiguous for every operand.
pub fn collapse(loops: &mut Vec<Loop>) {
    loops.retain(|l| l.count != 1);
    loops.sort_by_key(|l| std::cmp::Reverse(l.strides.first().map_or(0, |s| s.abs())));
    while let Some((outer, inner)) = mergeable(loops) {
        loops[inner].count *= loops[outer].count;
        loops.remove(outer);
    }
}

fn mergeable(loops: &[Loop]) -> Option<(usize, usize)> {
    let continues = |a: &Loop, b: &Loop| {
        let fits = |(x, y): (&i64, &i64)| y.checked_mul(b.count) == Some(*x);
        a.strides.iter().zip(&b.strides).all(fits)
    };
    let pairs = (0..loops.len()).flat_map(|a| (0..loops.len()).map(move |b| (a, b)));
    let mut pairs = pairs.filter(|&(a, b)| a != b);
    pairs.find(|&(a, b)| continues(&loops[a], &loops[b]))
}

/// Buffers begin at multiples of so many bytes.
const ALIGN: usize = 64;

/// Bytes of a buffer with the gap behind it.
pub fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGN)
}

/// Memory that is handed out from one end to the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    /// Bytes so far.
    pub bytes: usize,
}

impl Room {
    /// Takes so many bytes; where they start.
    pub fn take(&mut self, bytes: usize) -> usize {
        let start = self.bytes;
        self.bytes += aligned(bytes);
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_do_not_overlap() {
        let mut room = Room::default();
        assert_eq!([room.take(1), room.take(65), room.take(64)], [0, 64, 192]);
        assert_eq!(room.bytes, 256);
    }
}
