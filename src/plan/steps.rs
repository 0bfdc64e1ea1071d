//! From a block of nested loops to steps: how element-wise work and moves are cut into kernel calls.
//!
//! Operand 0 is written, the others are read. Where one loop is contiguous for all of them, a tile kernel runs along it.
//! Where source and destination are contiguous along different loops, the tile passes through a small buffer: the
//! kernel works in the order that suits it, and a move (rows, transpose, interleave) puts the elements into place.

use super::place::{Block, Loop, collapse};
use crate::{
    dtype::DataType,
    kernel::{
        expr::{Bcast, Expr, Node},
        spec::{Interleave, Out, Spec, Tile, Transpose},
    },
    machine::Isa,
};

/// The longest row that one kernel gets, in elements; longer ones are cut into rows of `CHUNK`.
const MAX_ROW: i64 = 4096;
const CHUNK: i64 = 1024;
/// Elements that a staged tile may hold, and along one loop.
const STAGE_ELEMENTS: i64 = 4096;
const STAGE_SIDE: i64 = 64;
/// Bytes of one staging buffer.
pub const STAGE_BYTES: usize = STAGE_ELEMENTS as usize * 4;

/// A body run over loops. `K` is what stands for a kernel: its specification while planning, itself when compiled.
#[derive(Clone, Debug)]
pub struct Step<K> {
    /// The operands that the body uses, the written one first, as indices into the nest's.
    pub operands: Vec<usize>,
    /// Bytes from each operand's start to its first element.
    pub base: Vec<i64>,
    /// Loops around the body, outermost first.
    pub outer: Vec<Loop>,
    /// The rows that a body may take several of at once.
    pub rows: Loop,
    /// What is done.
    pub body: Body<K>,
}

/// What a step does at each point of its loops.
#[derive(Clone, Debug)]
pub enum Body<K> {
    /// A kernel over `rows` rows.
    Kernel(K),
    /// Copies so many bytes a row.
    Bytes(usize),
    /// Copies elements of so many bytes one by one along these loops.
    Scalar(usize, Vec<Loop>),
    /// Zeroes so many bytes a row.
    Zero(usize),
    /// Steps over one tile; the operands are followed by as many staging buffers.
    Staged(Vec<Step<K>>),
}

impl<K> Step<K> {
    /// Number of pieces that can be run separately.
    pub fn units(&self) -> i64 {
        self.outer.iter().map(|l| l.count).product::<i64>() * self.rows.count
    }
}

/// Element-wise work to be planned: `dst = expr(inputs)`.
pub struct Work<'a> {
    /// Instruction set of the kernels.
    pub isa: Isa,
    /// The expression; input i is slot i, and how it varies is filled in here.
    pub expr: &'a Expr,
    /// Type of the result.
    pub dst: DataType,
    /// Types of the inputs.
    pub inputs: &'a [DataType],
}

/// Plans the work over one block whose operands are dst and the inputs.
pub fn plan(work: &Work, block: Block) -> Vec<Step<Spec>> {
    let all: Vec<usize> = (0..=work.inputs.len()).collect();
    let block = project(&block, &all);
    match stage_order(work, &block) {
        Some(Order::Source) => staged(work, block, Order::Source),
        Some(Order::Destination) => staged(work, block, Order::Destination),
        None => direct(work, block, all),
    }
}

/// Plans zeroes over a block of one operand.
pub fn zero(isa: Isa, block: Block, bytes: i64) -> Vec<Step<Spec>> {
    let block = project(&block, &[0]);
    let run = block.loops.iter().position(|l| l.strides[0] == bytes);
    let emit = |mut block: Block| {
        let run = run.map_or(1, |at| block.loops.remove(at).count);
        let bytes = (run * bytes) as usize;
        let mut step = step(block, vec![0], Body::Zero(bytes));
        if bytes.is_multiple_of(4) {
            let zero = Expr {
                nodes: vec![Node::Const(0)],
                result: 0,
                int: true,
            };
            step.body = Body::Kernel(words(isa, bytes / 4, zero, step.rows.strides[0]));
        }
        step
    };
    short_runs(block, run, MAX_ROW, CHUNK)
        .into_iter()
        .map(emit)
        .collect()
}

/// The block as seen by some of its operands, in their order, merged where these allow it.
fn project(block: &Block, operands: &[usize]) -> Block {
    let pick = |values: &[i64]| operands.iter().map(|&o| values[o]).collect();
    let mut loops = block
        .loops
        .iter()
        .map(|l| Loop {
            count: l.count,
            strides: pick(&l.strides),
        })
        .collect();
    collapse(&mut loops);
    Block {
        base: pick(&block.base),
        loops,
    }
}

/// A step over all loops of the block, the longest of them as rows.
fn step(mut block: Block, operands: Vec<usize>, body: Body<Spec>) -> Step<Spec> {
    let longest = (0..block.loops.len())
        .rev()
        .max_by_key(|&i| block.loops[i].count);
    let rows = longest.map(|at| block.loops.remove(at));
    step_with_rows(block, rows, operands, body)
}

fn step_with_rows(
    block: Block,
    rows: Option<Loop>,
    operands: Vec<usize>,
    body: Body<Spec>,
) -> Step<Spec> {
    Step {
        rows: rows.unwrap_or_else(|| Loop::once(operands.len())),
        operands,
        base: block.base,
        outer: block.loops,
        body,
    }
}

fn is_contiguous(work: &Work, l: &Loop) -> bool {
    let fits =
        |(stride, dtype): (&i64, &DataType)| *stride == 0 || *stride == dtype.size_bytes() as i64;
    l.strides[0] == work.dst.size_bytes() as i64 && l.strides[1..].iter().zip(work.inputs).all(fits)
}

/// Tile kernels over the block as it lies; element by element where no loop is contiguous for all operands.
fn direct(work: &Work, block: Block, operands: Vec<usize>) -> Vec<Step<Spec>> {
    let run = block.loops.iter().position(|l| is_contiguous(work, l));
    let emit = |mut block: Block| {
        let run = run.map(|at| block.loops.remove(at));
        let mut step = step(block, operands.clone(), Body::Zero(0));
        step.body = Body::Kernel(tile(work, run.as_ref(), &step.rows));
        step
    };
    short_runs(block, run, MAX_ROW, CHUNK)
        .into_iter()
        .map(emit)
        .collect()
}

/// Cuts the loop `run` into chunks if it has more than `most` iterations.
fn short_runs(block: Block, run: Option<usize>, most: i64, chunk: i64) -> Vec<Block> {
    match run {
        Some(at) if block.loops[at].count > most => block.split(at, chunk),
        _ => vec![block],
    }
}

fn tile(work: &Work, run: Option<&Loop>, rows: &Loop) -> Spec {
    let mut expr = work.expr.clone();
    for node in &mut expr.nodes {
        if let Node::Load { slot, bcast, .. } = node {
            let operand = *slot as usize + 1;
            let row_bytes = rows.strides[operand];
            *bcast = match (run.map_or(0, |l| l.strides[operand]), row_bytes) {
                (0, 0) => Bcast::Scalar,
                (0, _) => Bcast::Col { row_bytes },
                (_, 0) => Bcast::Row,
                _ => Bcast::Full { row_bytes },
            };
        }
    }
    let out = Out {
        expr,
        d: work.dst,
        d_row_bytes: rows.strides[0],
    };
    Spec::Tile(Tile {
        isa: work.isa,
        n: run.map_or(1, |l| l.count as usize),
        out,
    })
}

/// In which order a staged tile is computed.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// Along the first input; the results are then moved into place.
    Source,
    /// Along dst; inputs that lie otherwise are moved to the buffers first.
    Destination,
}

/// Whether the block is better done through buffers, and how.
fn stage_order(work: &Work, block: &Block) -> Option<Order> {
    let run = block
        .loops
        .iter()
        .find(|l| is_contiguous(work, l))
        .map_or(1, |l| l.count);
    if run >= 8 || block.elements() < 32 {
        return None;
    }
    let reads_dst = work
        .expr
        .nodes
        .iter()
        .any(|n| matches!(n, Node::LoadD { .. }));
    if !reads_dst && input_run(work, block) > run {
        return Some(Order::Source);
    }
    let own = block
        .loops
        .iter()
        .find(|l| l.strides[0] == work.dst.size_bytes() as i64);
    own.is_some_and(|l| l.count > run)
        .then_some(Order::Destination)
}

/// How many elements a tile kernel could take at once if only the inputs mattered.
fn input_run(work: &Work, block: &Block) -> i64 {
    let inputs: Vec<usize> = (1..=work.inputs.len()).collect();
    let mut loops = project(block, &inputs).loops;
    loops.retain(|l| {
        let fits = |(stride, dtype): (&i64, &DataType)| {
            *stride == 0 || *stride == dtype.size_bytes() as i64
        };
        l.strides[0] != 0 && l.strides.iter().zip(work.inputs).all(fits)
    });
    loops.first().map_or(0, |l| l.count)
}

/// Work on tiles that pass through buffers; buffer i belongs to operand i.
fn staged(work: &Work, block: Block, order: Order) -> Vec<Step<Spec>> {
    let all: Vec<usize> = (0..=work.inputs.len()).collect();
    let mut steps = Vec::new();
    for (outer, inner) in tiles(work, block, order) {
        let parts = match order {
            Order::Source => through_result(work, inner),
            Order::Destination => through_inputs(work, inner),
        };
        steps.push(step_with_rows(
            outer,
            None,
            all.clone(),
            Body::Staged(parts),
        ));
    }
    steps
}

/// Cuts the block into tiles: pairs of the loops around a tile and the loops in it, innermost of dst last.
fn tiles(work: &Work, block: Block, order: Order) -> Vec<(Block, Block)> {
    let picked = tile_loops(work, &block, order);
    let sides = tile_sides(picked.iter().map(|&at| block.loops[at].count).collect());
    let mut parts = vec![block];
    for (&at, side) in picked.iter().zip(sides) {
        parts = parts.into_iter().flat_map(|b| b.split(at, side)).collect();
    }
    parts
        .into_iter()
        .map(|block| separate(block, &picked))
        .collect()
}

/// How much of each loop a tile takes: equal shares first, then what room is left goes to those that are longer.
fn tile_sides(counts: Vec<i64>) -> Vec<i64> {
    let mut room = STAGE_ELEMENTS;
    let mut sides = Vec::new();
    for &count in &counts {
        sides.push(count.min(STAGE_SIDE).min(room));
        room /= sides[sides.len() - 1];
    }
    for (side, count) in sides.iter_mut().zip(counts) {
        let more = (count / *side).min(room);
        *side *= more.max(1);
        room /= more.max(1);
    }
    sides
}

fn separate(mut outer: Block, picked: &[usize]) -> (Block, Block) {
    let mut inner = Block {
        base: vec![0; outer.base.len()],
        loops: Vec::new(),
    };
    let mut order = picked.to_vec();
    order.sort_unstable();
    for &at in order.iter().rev() {
        inner.loops.insert(0, outer.loops.remove(at));
    }
    (outer, inner)
}

/// The loops of a tile: those along which dst and the inputs advance least, until each side has 16 elements in a row
/// and the tile is worth its calls.
fn tile_loops(work: &Work, block: &Block, order: Order) -> Vec<usize> {
    let mut picked: Vec<usize> = Vec::new();
    let sides = match order {
        Order::Source => vec![0, 1],
        Order::Destination => (0..=work.inputs.len()).collect(),
    };
    for operand in sides {
        let mut run = 1;
        for l in innermost_first(block, operand) {
            if run >= 16 {
                break;
            }
            run *= block.loops[l].count;
            picked.push(l);
        }
    }
    picked.extend(innermost_first(block, 0));
    let mut seen = Vec::new();
    picked.retain(|l| {
        !seen.contains(l) && {
            seen.push(*l);
            true
        }
    });
    picked.truncate(4);
    picked
}

/// The loops that move an operand, smallest stride first.
fn innermost_first(block: &Block, operand: usize) -> Vec<usize> {
    let stride = |l: &usize| block.loops[*l].strides[operand].abs();
    let mut loops: Vec<usize> = (0..block.loops.len()).filter(|l| stride(l) != 0).collect();
    loops.sort_by_key(stride);
    loops
}

/// Adds a dense buffer to the operands of a tile, in the order of the given operand's strides.
fn add_buffer(tile: &mut Block, like: usize, bytes: i64) {
    let mut order = innermost_first(tile, like);
    order.extend((0..tile.loops.len()).filter(|&l| tile.loops[l].strides[like] == 0));
    let mut reach = bytes;
    tile.base.push(0);
    for l in order {
        tile.loops[l].strides.push(reach);
        reach *= tile.loops[l].count;
    }
}

/// Computes a tile along its first input into buffer 0, then moves it to dst.
fn through_result(work: &Work, mut tile: Block) -> Vec<Step<Spec>> {
    let (buffer, bytes) = (work.inputs.len() + 1, work.dst.size_bytes() as i64);
    add_buffer(&mut tile, 1, bytes);
    let operands: Vec<usize> = std::iter::once(buffer).chain(1..buffer).collect();
    let mut steps = direct(work, project(&tile, &operands), operands);
    steps.extend(copy(work.isa, tile, [0, buffer], bytes));
    steps
}

/// Moves inputs that are not contiguous along dst into their buffers, then computes the tile.
fn through_inputs(work: &Work, mut tile: Block) -> Vec<Step<Spec>> {
    let count = work.inputs.len() + 1;
    let run = tile
        .loops
        .iter()
        .min_by_key(|l| l.strides[0].abs())
        .cloned();
    let mut operands: Vec<usize> = (0..count).collect();
    let mut steps = Vec::new();
    let original = tile.clone();
    add_buffer(&mut tile, 0, work.dst.size_bytes() as i64); // buffer 0 is not used, but keeps the numbering simple
    for (i, dtype) in work.inputs.iter().enumerate() {
        let (operand, bytes) = (i + 1, dtype.size_bytes() as i64);
        let stride = run.as_ref().map_or(0, |l| l.strides[operand]);
        let mut part = original.clone();
        part.loops.retain(|l| l.strides[operand] != 0);
        add_buffer(&mut part, 0, bytes);
        let mut place = part.loops.iter().map(|l| l.strides[count]);
        for l in &mut tile.loops {
            l.strides.push(if l.strides[operand] == 0 {
                0
            } else {
                place.next().expect("a loop of the part")
            });
        }
        tile.base.push(0);
        if stride == 0 || stride == bytes {
            continue;
        }
        operands[operand] = count + operand;
        for mut step in copy(work.isa, part, [count, operand], bytes) {
            step.operands = vec![count + operand, operand];
            steps.push(step);
        }
    }
    steps.extend(direct(work, project(&tile, &operands), operands));
    steps
}

/// Moves elements of `bytes` bytes from operand `from` to operand `to`.
pub fn copy(isa: Isa, block: Block, [to, from]: [usize; 2], mut bytes: i64) -> Vec<Step<Spec>> {
    let mut block = project(&block, &[to, from]);
    let adjacent = |l: &Loop, bytes: i64| l.strides == [bytes, bytes];
    while let Some(at) = block
        .loops
        .iter()
        .position(|l| adjacent(l, bytes) && matches!(l.count * bytes, 2 | 4))
    {
        bytes *= block.loops.remove(at).count;
    }
    let mover = Move {
        isa,
        operands: vec![to, from],
        bytes,
    };
    if let Some(at) = block.loops.iter().position(|l| adjacent(l, bytes)) {
        return mover.rows(block, at);
    }
    let inner = block.loops.iter().position(|l| l.strides[0] == bytes);
    let across = block.loops.iter().position(|l| l.strides[1] == bytes);
    match (inner, across) {
        (Some(p), Some(q)) if bytes <= 4 => mover.crossed(block, p, q),
        _ => mover.scalar(block),
    }
}

/// A move of elements under planning; operand 0 is the destination, 1 the source.
struct Move {
    isa: Isa,
    operands: Vec<usize>,
    bytes: i64,
}

impl Move {
    /// Rows that are contiguous on both sides along loop `at`.
    fn rows(&self, block: Block, at: usize) -> Vec<Step<Spec>> {
        let emit = |mut block: Block| {
            let bytes = (block.loops.remove(at).count * self.bytes) as usize;
            let mut step = step(block, self.operands.clone(), Body::Bytes(bytes));
            if bytes.is_multiple_of(4) {
                let [to, from] = [0, 1].map(|side: usize| step.rows.strides[side]);
                step.body = Body::Kernel(copied_words(self.isa, bytes / 4, from, to));
            }
            step
        };
        let words = 4 / self.bytes.min(4);
        short_runs(block, Some(at), MAX_ROW * words, CHUNK * words)
            .into_iter()
            .map(emit)
            .collect()
    }

    /// Loop `p` is contiguous in the destination, loop `q` in the source.
    fn crossed(&self, block: Block, p: usize, q: usize) -> Vec<Step<Spec>> {
        let group = 4 / self.bytes;
        if self.bytes < 4 && block.loops[p].count == group && block.loops[q].strides[0] == 4 {
            return self.interleave(block, p, q);
        }
        let (rows, cols) = self.transpose_tile(&block.loops[p], &block.loops[q]);
        let parts = block
            .split(p, rows)
            .into_iter()
            .flat_map(|b| b.split(q, cols));
        parts.map(|b| self.transpose(b, p, q)).collect()
    }

    /// Rows and columns that one transpose takes, as measured: a line of the destination by some lines of the source; or
    /// a line-wide strip of the source where the matrix stays in the cache anyway, or where large powers of two between
    /// rows make them fall into the same few cache sets.
    fn transpose_tile(&self, p: &Loop, q: &Loop) -> (i64, i64) {
        let line = 64 / self.bytes;
        let small = p.count * q.count * self.bytes <= 256 << 10;
        let crowded = q.strides[0] % 2048 == 0 && p.strides[1] % 2048 == 0;
        if p.count >= 4 * line && (small || crowded) {
            (256, line)
        } else {
            (line, 64)
        }
    }

    fn transpose(&self, mut block: Block, p: usize, q: usize) -> Step<Spec> {
        let [rows, cols] = take(&mut block, p, q);
        let spec = Transpose {
            isa: self.isa,
            rows: rows.count as usize,
            cols: cols.count as usize,
            group_bytes: self.bytes as usize,
            tail_bytes: 0,
            a_row_bytes: rows.strides[1],
            d_row_bytes: cols.strides[0],
        };
        step_with_rows(
            block,
            None,
            self.operands.clone(),
            Body::Kernel(Spec::Transpose(spec)),
        )
    }

    /// Groups of 4 bytes from as many rows; a loop that continues the rows is taken along.
    fn interleave(&self, block: Block, p: usize, q: usize) -> Vec<Step<Spec>> {
        let (group, row_bytes) = (block.loops[p].count, block.loops[p].strides[1]);
        let further = block
            .loops
            .iter()
            .position(|l| l.strides[1] == row_bytes * group);
        let further = further.filter(|&g| g != p && g != q);
        let mut parts = block.split(q, 256);
        if let Some(g) = further {
            parts = parts.into_iter().flat_map(|b| b.split(g, 16)).collect();
        }
        let emit = |mut b: Block| {
            let groups = further.map(|g| b.loops[g].clone());
            if let Some(g) = further {
                b.loops[g] = Loop::once(2);
            }
            let [_, cols] = take(&mut b, p, q);
            b.loops.retain(|l| l.count != 1);
            let spec = Interleave {
                isa: self.isa,
                k: (group * groups.as_ref().map_or(1, |l| l.count)) as usize,
                n: cols.count as usize,
                elem_bytes: self.bytes as usize,
                a_row_bytes: row_bytes,
                d_row_bytes: groups.map_or(0, |l| l.strides[0]),
            };
            step_with_rows(
                b,
                None,
                self.operands.clone(),
                Body::Kernel(Spec::Interleave(spec)),
            )
        };
        parts.into_iter().map(emit).collect()
    }

    /// Element by element along the two innermost loops.
    fn scalar(&self, mut block: Block) -> Vec<Step<Spec>> {
        let inner = block.loops.split_off(block.loops.len().saturating_sub(2));
        vec![step_with_rows(
            block,
            None,
            self.operands.clone(),
            Body::Scalar(self.bytes as usize, inner),
        )]
    }
}

/// Takes the loops `p` and `q` out of the block.
fn take(block: &mut Block, p: usize, q: usize) -> [Loop; 2] {
    let pair = [block.loops[p].clone(), block.loops[q].clone()];
    block.loops.remove(p.max(q));
    block.loops.remove(p.min(q));
    pair
}

/// Rows of 32-bit words.
pub fn words(isa: Isa, words: usize, expr: Expr, d_row_bytes: i64) -> Spec {
    let out = Out {
        expr,
        d: DataType::S32,
        d_row_bytes,
    };
    Spec::Tile(Tile { isa, n: words, out })
}

/// Rows of 32-bit words as they are.
pub fn copied_words(isa: Isa, n: usize, row_bytes: i64, d_row_bytes: i64) -> Spec {
    let same = Expr::load(DataType::S32, Bcast::Full { row_bytes }, true);
    words(isa, n, same, d_row_bytes)
}
