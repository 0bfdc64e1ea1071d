//! From a block of nested loops to steps: how element-wise work and moves are cut into kernel calls.
//!
//! Operand 0 is written, the others are read. Where one loop is contiguous for all of them, a tile kernel runs along it.
//! Where source and destination are contiguous along different loops, the tile passes through a small buffer: the
//! kernel works in the order that suits it, and a move (rows, transpose, interleave) puts the elements into place.

use super::place::{Block, Loop, collapse};
use crate::dtype::DataType;
use crate::kernel::{
    expr::{Bcast, Expr, Node},
    spec::{Interleave, Out, Spec, Tile, Transpose},
};
use crate::machine::Isa;

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
    /// Types of dst and of the inputs.
    pub types: &'a [DataType],
}

/// Plans the work over one block whose operands are dst and the inputs.
pub fn plan(work: &Work, block: Block) -> Vec<Step<Spec>> {
    let all: Vec<usize> = (0..work.types.len()).collect();
    let block = project(&block, &all);
    match stage_order(work, &block) {
        Some(order) => staged(work, block, order),
        None => direct(work, block, all),
    }
}

/// Plans zeroes over a block of one operand.
pub fn zero(isa: Isa, block: Block, bytes: i64) -> Vec<Step<Spec>> {
    let block = project(&block, &[0]);
    let run = block.loops.iter().position(|l| l.strides[0] == bytes);
    short_runs(block, run, MAX_ROW, CHUNK, |block, run| {
        let bytes = run.map_or(1, |l| l.count) * bytes;
        let zeros = |rows: &Loop| Body::Kernel(zeros(isa, bytes, rows.strides[0]));
        step(block, vec![0], zeros)
    })
}

/// The block as seen by some of its operands, in their order, merged where these allow it.
fn project(block: &Block, operands: &[usize]) -> Block {
    let pick = |values: &[i64]| operands.iter().map(|&o| values[o]).collect();
    let picked = |l: &Loop| Loop {
        count: l.count,
        strides: pick(&l.strides),
    };
    let mut loops = block.loops.iter().map(picked).collect();
    collapse(&mut loops);
    Block {
        base: pick(&block.base),
        loops,
    }
}

/// A step over all loops of the block, the longest of them as the rows that the body is made for.
pub fn step(
    mut block: Block,
    operands: Vec<usize>,
    body: impl FnOnce(&Loop) -> Body<Spec>,
) -> Step<Spec> {
    let loops = (0..block.loops.len()).rev();
    let longest = loops.max_by_key(|&i| block.loops[i].count);
    let rows = longest.map(|at| block.loops.remove(at));
    let rows = rows.unwrap_or_else(|| Loop::once(operands.len()));
    Step {
        operands,
        base: block.base,
        outer: block.loops,
        body: body(&rows),
        rows,
    }
}

/// A step whose body is done once in each iteration of the block's loops.
pub fn step_of_one(block: Block, operands: Vec<usize>, body: Body<Spec>) -> Step<Spec> {
    Step {
        rows: Loop::once(operands.len()),
        operands,
        base: block.base,
        outer: block.loops,
        body,
    }
}

/// Steps for the loop `run` and what is left of the block; in chunks if it has more than `most` iterations.
fn short_runs(
    block: Block,
    run: Option<usize>,
    most: i64,
    chunk: i64,
    emit: impl Fn(Block, Option<Loop>) -> Step<Spec>,
) -> Vec<Step<Spec>> {
    let parts = match run {
        Some(at) if block.loops[at].count > most => block.split(at, chunk),
        _ => vec![block],
    };
    let emit = |mut block: Block| {
        let run = run.map(|at| block.loops.remove(at));
        emit(block, run)
    };
    parts.into_iter().map(emit).collect()
}

/// Whether every operand of these types advances by one element along a loop, or not at all.
fn is_run(strides: &[i64], types: &[DataType]) -> bool {
    let fits = |(stride, dtype): (&i64, &DataType)| [0, dtype.size_bytes() as i64].contains(stride);
    strides.iter().zip(types).all(fits)
}

fn is_contiguous(work: &Work, l: &Loop) -> bool {
    l.strides[0] != 0 && is_run(&l.strides, work.types)
}

/// Tile kernels over the block as it lies; element by element where no loop is contiguous for all operands.
fn direct(work: &Work, block: Block, operands: Vec<usize>) -> Vec<Step<Spec>> {
    let run = block.loops.iter().position(|l| is_contiguous(work, l));
    short_runs(block, run, MAX_ROW, CHUNK, |block, run| {
        let tile = |rows: &Loop| Body::Kernel(tile(work, run.as_ref(), rows));
        step(block, operands.clone(), tile)
    })
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
    let n = run.map_or(1, |l| l.count);
    rows_of(work.isa, work.types[0], n, expr, rows.strides[0])
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
    let mut runs = block.loops.iter().filter(|l| is_contiguous(work, l));
    let run = runs.next().map_or(1, |l| l.count);
    if run >= 8 || block.elements() < 32 {
        return None;
    }
    if !work.expr.reads_dst() && input_run(work, block) > run {
        return Some(Order::Source);
    }
    let bytes = work.types[0].size_bytes() as i64;
    let own = block.loops.iter().find(|l| l.strides[0] == bytes)?;
    (own.count > run).then_some(Order::Destination)
}

/// How many elements a tile kernel could take at once if only the inputs mattered.
fn input_run(work: &Work, block: &Block) -> i64 {
    let inputs: Vec<usize> = (1..work.types.len()).collect();
    let loops = project(block, &inputs).loops;
    let mut runs =
        (loops.iter()).filter(|l| l.strides[0] != 0 && is_run(&l.strides, &work.types[1..]));
    runs.next().map_or(0, |l| l.count)
}

/// Work on tiles that pass through buffers; buffer i belongs to operand i.
fn staged(work: &Work, block: Block, order: Order) -> Vec<Step<Spec>> {
    let emit = |(outer, inner)| {
        let parts = match order {
            Order::Source => through_result(work, inner),
            Order::Destination => through_inputs(work, inner),
        };
        let all = (0..work.types.len()).collect();
        step_of_one(outer, all, Body::Staged(parts))
    };
    tiles(work, block, order).into_iter().map(emit).collect()
}

/// Cuts the block into tiles: pairs of the loops around a tile and the loops in it, innermost of dst last.
fn tiles(work: &Work, block: Block, order: Order) -> Vec<(Block, Block)> {
    let picked = tile_loops(work, &block, order);
    let sides = tile_sides(picked.iter().map(|&at| block.loops[at].count).collect());
    let mut parts = vec![block];
    for (&at, side) in picked.iter().zip(sides) {
        parts = parts.into_iter().flat_map(|b| b.split(at, side)).collect();
    }
    let parts = parts.into_iter();
    parts.map(|block| separate(block, &picked)).collect()
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
        let more = (count / *side).min(room).max(1);
        *side *= more;
        room /= more;
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
    let sides = match order {
        Order::Source => 0..2,
        Order::Destination => 0..work.types.len(),
    };
    let near = sides.flat_map(|operand| {
        let mut run = 1;
        let mut is_short = move |l: &usize| {
            run *= block.loops[*l].count;
            run < 16 * block.loops[*l].count
        };
        let loops = innermost_first(block, operand).into_iter();
        loops.take_while(move |l| is_short(l))
    });
    let mut picked = Vec::new();
    for l in near.chain(innermost_first(block, 0)) {
        if picked.len() < 4 && !picked.contains(&l) {
            picked.push(l);
        }
    }
    picked
}

/// The loops that move an operand, smallest stride first.
fn innermost_first(block: &Block, operand: usize) -> Vec<usize> {
    let stride = |l: &usize| block.loops[*l].strides[operand].abs();
    let mut loops: Vec<usize> = (0..block.loops.len()).filter(|l| stride(l) != 0).collect();
    loops.sort_by_key(stride);
    loops
}

/// Adds a buffer to the operands of a tile: dense, in the order of the strides of operand `like`, along the loops that move
/// operand `of`.
fn add_buffer(tile: &mut Block, like: usize, of: usize, bytes: i64) {
    let mut order = innermost_first(tile, like);
    order.extend((0..tile.loops.len()).filter(|&l| tile.loops[l].strides[like] == 0));
    let mut reach = bytes;
    tile.base.push(0);
    for l in order {
        let along = &mut tile.loops[l];
        let moves = along.strides[of] != 0;
        along.strides.push(i64::from(moves) * reach);
        reach *= if moves { along.count } else { 1 };
    }
}

/// Computes a tile along its first input into buffer 0, then moves it to dst.
fn through_result(work: &Work, mut tile: Block) -> Vec<Step<Spec>> {
    let (buffer, bytes) = (work.types.len(), work.types[0].size_bytes() as i64);
    add_buffer(&mut tile, 1, 0, bytes);
    let operands: Vec<usize> = std::iter::once(buffer).chain(1..buffer).collect();
    let mut steps = direct(work, project(&tile, &operands), operands);
    steps.extend(copy(work.isa, &tile, [0, buffer], bytes));
    steps
}

/// Moves inputs that are not contiguous along dst into their buffers, then computes the tile.
fn through_inputs(work: &Work, mut tile: Block) -> Vec<Step<Spec>> {
    let count = work.types.len();
    let run = tile.loops.iter().min_by_key(|l| l.strides[0].abs());
    let strides = run.map_or(vec![0; count], |l| l.strides.clone());
    let mut operands: Vec<usize> = (0..count).collect();
    let mut steps = Vec::new();
    // The buffer of dst is not used, but keeps the numbering simple.
    for (operand, dtype) in work.types.iter().enumerate() {
        let bytes = dtype.size_bytes() as i64;
        add_buffer(&mut tile, 0, operand, bytes);
        if operand > 0 && ![0, bytes].contains(&strides[operand]) {
            operands[operand] = count + operand;
            steps.extend(copy(work.isa, &tile, [count + operand, operand], bytes));
        }
    }
    steps.extend(direct(work, project(&tile, &operands), operands));
    steps
}

/// Moves elements of `bytes` bytes from operand `from` to operand `to`.
pub fn copy(isa: Isa, block: &Block, [to, from]: [usize; 2], mut bytes: i64) -> Vec<Step<Spec>> {
    let mut block = project(block, &[to, from]);
    block.loops.retain(|l| l.strides != [0, 0]);
    let adjacent = |l: &Loop, bytes: i64| l.strides == [bytes, bytes];
    let merges = |l: &Loop, bytes: i64| adjacent(l, bytes) && matches!(l.count * bytes, 2 | 4);
    while let Some(at) = block.loops.iter().position(|l| merges(l, bytes)) {
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
        _ => vec![step(block, vec![to, from], |_| Body::Bytes(bytes as usize))], // one by one
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
        let per_word = 4 / self.bytes.min(4);
        let (most, chunk) = (MAX_ROW * per_word, CHUNK * per_word);
        short_runs(block, Some(at), most, chunk, |block, run| {
            let bytes = run.map_or(1, |l| l.count) * self.bytes;
            step(block, self.operands.clone(), |rows| match bytes % 4 {
                0 => {
                    let [to, from] = [rows.strides[0], rows.strides[1]];
                    Body::Kernel(copied_words(self.isa, bytes / 4, from, to))
                }
                _ => Body::Bytes(bytes as usize),
            })
        })
    }

    /// Loop `p` is contiguous in the destination, loop `q` in the source.
    fn crossed(&self, block: Block, p: usize, q: usize) -> Vec<Step<Spec>> {
        let group = 4 / self.bytes;
        if self.bytes < 4 && block.loops[p].count == group && block.loops[q].strides[0] == 4 {
            return self.interleave(block, p, q);
        }
        let (rows, cols) = self.transpose_tile(&block.loops[p], &block.loops[q]);
        let parts = block.split(p, rows).into_iter();
        let parts = parts.flat_map(|b| b.split(q, cols));
        parts.map(|b| self.transpose(b, p, q)).collect()
    }

    /// Rows and columns that one transpose takes, as measured: a line of the destination by some lines of the source; or
    /// a line-wide strip of the source where the matrix stays in the cache anyway, or where large powers of two between
    /// rows make them fall into the same few cache sets.
    fn transpose_tile(&self, p: &Loop, q: &Loop) -> (i64, i64) {
        let line = 64 / self.bytes;
        let small = p.count * q.count * self.bytes <= 256 << 10;
        let crowded = q.strides[0] % 2048 == 0 && p.strides[1] % 2048 == 0;
        match p.count >= 4 * line && (small || crowded) {
            true => (256, line),
            false => (line, 64),
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
        self.once(block, Body::Kernel(Spec::Transpose(spec)))
    }

    /// Groups of 4 bytes from as many rows; a loop that continues the rows is taken along.
    fn interleave(&self, block: Block, p: usize, q: usize) -> Vec<Step<Spec>> {
        let (group, row_bytes) = (block.loops[p].count, block.loops[p].strides[1]);
        let continues = |g: &usize| block.loops[*g].strides[1] == row_bytes * group;
        let further = (0..block.loops.len()).find(|g| *g != p && *g != q && continues(g));
        let mut parts = block.split(q, 256);
        if let Some(g) = further {
            parts = parts.into_iter().flat_map(|b| b.split(g, 16)).collect();
        }
        let emit = |mut b: Block| {
            let further = further.map(|g| std::mem::replace(&mut b.loops[g], Loop::once(2)));
            let groups = further.unwrap_or_else(|| Loop::once(2));
            let [_, cols] = take(&mut b, p, q);
            b.loops.retain(|l| l.count != 1);
            let spec = Interleave {
                isa: self.isa,
                k: (group * groups.count) as usize,
                n: cols.count as usize,
                elem_bytes: self.bytes as usize,
                panel: cols.count as usize,
                panel_bytes: 0,
                a_row_bytes: row_bytes,
                d_row_bytes: groups.strides[0],
            };
            self.once(b, Body::Kernel(Spec::Interleave(spec)))
        };
        parts.into_iter().map(emit).collect()
    }

    fn once(&self, block: Block, body: Body<Spec>) -> Step<Spec> {
        step_of_one(block, self.operands.clone(), body)
    }
}

/// Takes the loops `p` and `q` out of the block.
fn take(block: &mut Block, p: usize, q: usize) -> [Loop; 2] {
    let pair = [block.loops[p].clone(), block.loops[q].clone()];
    block.loops.remove(p.max(q));
    block.loops.remove(p.min(q));
    pair
}

/// Rows of n values of an expression, stored as elements of type `d`.
pub fn rows_of(isa: Isa, d: DataType, n: i64, expr: Expr, d_row_bytes: i64) -> Spec {
    let out = Out {
        expr,
        d,
        d_row_bytes,
    };
    Spec::Tile(Tile {
        isa,
        n: n as usize,
        far: false,
        out,
    })
}

/// Rows of n 32-bit words as they are.
pub fn copied_words(isa: Isa, n: i64, row_bytes: i64, d_row_bytes: i64) -> Spec {
    let same = Expr::load(DataType::S32, Bcast::Full { row_bytes }, true);
    rows_of(isa, DataType::S32, n, same, d_row_bytes)
}

/// Rows of so many zero bytes.
pub fn zeros(isa: Isa, bytes: i64, d_row_bytes: i64) -> Spec {
    let (d, n) = match bytes % 4 {
        0 => (DataType::S32, bytes / 4),
        _ => (DataType::U8, bytes),
    };
    rows_of(isa, d, n, Expr::zero(), d_row_bytes)
}
