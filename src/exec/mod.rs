//! Running planned nests over real pointers. Everything was chosen at planning; here it is only walked.
//!
//! A list of [`Step`]s is shared out over the parts of a pool: each part takes its range of every step's units. Steps
//! of one list write disjoint elements, so that parts need not wait for one another.
#![allow(unsafe_code)]

pub mod pack;

use std::{ops::Range, ptr, sync::Arc};

use crate::{
    error::Result,
    kernel::{
        self, Kernel,
        spec::{Args, Spec},
    },
    plan::{
        place::Loop,
        steps::{Body, STAGE_BYTES, Step},
    },
    threads::Pool,
    unimplemented_here,
};

/// The most loops around a body.
const MAX_LOOPS: usize = 32;
/// Capacities for operand pointers; steps with few operands need not clear room for many.
const FEW: usize = 6;
pub const MANY: usize = 132;

/// Steps shared out over `parts`; `K` is a kernel's specification, then the kernel.
pub struct Nest<K> {
    /// The steps; their operands are indices into the pointers that a run gets.
    pub steps: Vec<Step<K>>,
    /// Parts that may run at once.
    pub parts: usize,
    /// Each part takes so many slices of all steps in turn, so that what several steps write of one cache line meets in
    /// the cache.
    pub slices: usize,
    /// Scratch of a part.
    pub stage_bytes: usize,
    /// Whether kernels store past the caches.
    pub far: bool,
}

/// The arguments of one execution.
pub struct Exec<'a> {
    /// Data pointers in the order of `Planned::args`, before `offset0` is applied.
    pub ptrs: &'a [*mut u8],
    /// Scratch of the planned size, 64-byte aligned.
    pub scratch: *mut u8,
    /// Where parallel parts run.
    pub pool: &'a dyn Pool,
}

// SAFETY: its pointers are only read; what lies behind them is divided among the parts of a region by who runs them.
unsafe impl Sync for Exec<'_> {}

impl Nest<Spec> {
    /// Steps that need no scratch, each shared out in one slice a part.
    pub fn new(steps: Vec<Step<Spec>>, parts: usize) -> Nest<Spec> {
        Nest {
            steps,
            parts,
            slices: 1,
            stage_bytes: 0,
            far: false,
        }
    }

    /// Generates the kernels of the steps.
    pub fn compiled(&self) -> Result<Nest<Arc<Kernel>>> {
        Ok(Nest {
            steps: self.steps.iter().map(compile).collect::<Result<_>>()?,
            parts: self.parts,
            slices: self.slices,
            stage_bytes: self.stage_bytes,
            far: self.far,
        })
    }
}

impl Nest<Arc<Kernel>> {
    /// Runs the steps on operands that start at the pointers.
    ///
    /// # Safety
    /// The operands are as planned, and the scratch has `parts * stage_bytes` bytes.
    pub unsafe fn walk(&self, exec: &Exec) {
        let part = |part: usize| {
            let buffers = exec.scratch.wrapping_add(part * self.stage_bytes);
            let slices = part * self.slices..(part + 1) * self.slices;
            for (slice, step) in slices.flat_map(|i| self.steps.iter().map(move |s| (i, s))) {
                let share = share(step.units(), slice, self.parts * self.slices);
                // SAFETY: as promised by the caller; parts take disjoint ranges of units and scratch of their own.
                unsafe { run_step(step, exec.ptrs, share, buffers) }
            }
            if self.far {
                kernel::finish_far_stores();
            }
        };
        in_parts(exec.pool, self.parts, part);
    }
}

/// Runs the parts of a region, a single one in place.
pub fn in_parts(pool: &dyn Pool, parts: usize, part: impl Fn(usize) + Sync) {
    match parts {
        1 => part(0),
        parts => pool.run(parts, &part),
    }
}

/// The range of `units` that falls to one of `parts`.
pub fn share(units: i64, part: usize, parts: usize) -> Range<i64> {
    let cut = |part: usize| (units as i128 * part as i128 / parts as i128) as i64;
    cut(part)..cut(part + 1)
}

fn compile(step: &Step<Spec>) -> Result<Step<Arc<Kernel>>> {
    if step.outer.len() > MAX_LOOPS {
        return Err(unimplemented_here!(
            "layouts: {} nested loops, at most {MAX_LOOPS} are supported",
            step.outer.len()
        ));
    }
    let body = match &step.body {
        Body::Kernel(spec) => Body::Kernel(Kernel::get(spec)?),
        Body::Bytes(n) => Body::Bytes(*n),
        Body::Staged(steps) => Body::Staged(steps.iter().map(compile).collect::<Result<_>>()?),
    };
    Ok(Step {
        operands: step.operands.clone(),
        base: step.base.clone(),
        outer: step.outer.clone(),
        rows: step.rows.clone(),
        body,
    })
}

/// Runs some units of a step.
///
/// # Safety
/// `starts` point to operands as planned; `buffers` to a part's scratch.
unsafe fn run_step(
    step: &Step<Arc<Kernel>>,
    starts: &[*mut u8],
    share: Range<i64>,
    buffers: *mut u8,
) {
    if share.is_empty() {
        return;
    }
    // SAFETY: passed on to the caller; the capacity holds the operands and, for staged steps, their buffers.
    unsafe {
        match step.operands.len() {
            n if n <= FEW => walk::<FEW>(step, starts, share, buffers),
            _ => walk::<MANY>(step, starts, share, buffers),
        }
    }
}

/// # Safety
/// As [`run_step`]; the step has at most N operands.
unsafe fn walk<const N: usize>(
    step: &Step<Arc<Kernel>>,
    starts: &[*mut u8],
    share: Range<i64>,
    buffers: *mut u8,
) {
    let mut cursor = Cursor::<N>::at(step, starts, share.start);
    let mut left = share.end - share.start;
    let mut first = share.start % step.rows.count;
    while left > 0 {
        let m = left.min(step.rows.count - first);
        // SAFETY: the cursor stands at a row of the step, and m rows follow.
        unsafe { run_body(step, &cursor.ptrs[..step.operands.len()], m, buffers) };
        cursor.shift(&step.rows, -first);
        (first, left) = (0, left - m);
        cursor.advance(&step.outer);
    }
}

/// A position in the loops of a step, as operand pointers.
struct Cursor<const N: usize> {
    index: [i64; MAX_LOOPS],
    ptrs: [*mut u8; N],
}

impl<const N: usize> Cursor<N> {
    fn at(step: &Step<Arc<Kernel>>, starts: &[*mut u8], unit: i64) -> Cursor<N> {
        let mut cursor = Cursor {
            index: [0; MAX_LOOPS],
            ptrs: [ptr::null_mut(); N],
        };
        for ((ptr, &operand), &base) in cursor.ptrs.iter_mut().zip(&step.operands).zip(&step.base) {
            *ptr = starts[operand].wrapping_offset(base as isize);
        }
        let mut rest = unit / step.rows.count;
        for (i, l) in step.outer.iter().enumerate().rev() {
            if rest == 0 {
                break;
            }
            cursor.index[i] = rest % l.count;
            cursor.shift(l, rest % l.count);
            rest /= l.count;
        }
        cursor.shift(&step.rows, unit % step.rows.count);
        cursor
    }

    fn shift(&mut self, along: &Loop, by: i64) {
        if by != 0 {
            for (ptr, stride) in self.ptrs.iter_mut().zip(&along.strides) {
                *ptr = ptr.wrapping_offset((stride * by) as isize);
            }
        }
    }

    fn advance(&mut self, outer: &[Loop]) {
        for (i, l) in outer.iter().enumerate().rev() {
            self.index[i] += 1;
            if self.index[i] < l.count {
                return self.shift(l, 1);
            }
            self.index[i] = 0;
            self.shift(l, 1 - l.count);
        }
    }
}

/// # Safety
/// `ptrs` are the operands at a row of the step, which m rows follow.
unsafe fn run_body(step: &Step<Arc<Kernel>>, ptrs: &[*mut u8], m: i64, buffers: *mut u8) {
    // SAFETY: the plan sized every body for the operands it was given.
    unsafe {
        match &step.body {
            Body::Kernel(kernel) => kernel.call(&Args {
                a: ptrs.get(1).map_or(ptr::null(), |p| p.cast_const()),
                d: ptrs[0],
                m: m as usize,
                operands: ptrs[1..].as_ptr().cast(),
                ..Args::default()
            }),
            Body::Bytes(n) => copy_rows(&step.rows, m, [ptrs[0], ptrs[1]], *n),
            Body::Staged(steps) => run_staged(steps, ptrs, buffers),
        }
    }
}

/// Copies m rows of so many bytes.
///
/// # Safety
/// Both sides are valid along the rows.
unsafe fn copy_rows(rows: &Loop, m: i64, [to, from]: [*mut u8; 2], bytes: usize) {
    // SAFETY: as promised by the caller.
    unsafe {
        match bytes {
            1 => move_each::<u8>(rows, m, [to, from]),
            2 => move_each::<u16>(rows, m, [to, from]),
            4 => move_each::<u32>(rows, m, [to, from]),
            8 => move_each::<u64>(rows, m, [to, from]),
            _ => each_row(rows, m, [to, from], |[to, from]| ptr::copy(from, to, bytes)),
        }
    }
}

/// # Safety
/// Both sides are valid for a T along the rows, at any alignment.
unsafe fn move_each<T: Copy>(rows: &Loop, m: i64, sides: [*mut u8; 2]) {
    // SAFETY: as promised by the caller.
    let move_one = |[to, from]: [*mut u8; 2]| unsafe {
        let value = from.cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(value);
    };
    each_row(rows, m, sides, move_one);
}

fn each_row(rows: &Loop, m: i64, [to, from]: [*mut u8; 2], f: impl Fn([*mut u8; 2])) {
    let (to_bytes, from_bytes) = (rows.strides[0], rows.strides[1]);
    for row in 0..m {
        let at = |start: *mut u8, bytes: i64| start.wrapping_offset((row * bytes) as isize);
        f([at(to, to_bytes), at(from, from_bytes)]);
    }
}

/// # Safety
/// `ptrs` are the operands of the tile, `buffers` a part's scratch.
unsafe fn run_staged(steps: &[Step<Arc<Kernel>>], ptrs: &[*mut u8], buffers: *mut u8) {
    let mut all = [ptr::null_mut(); MANY];
    let n = ptrs.len();
    all[..n].copy_from_slice(ptrs);
    for (i, buffer) in all[n..2 * n].iter_mut().enumerate() {
        *buffer = buffers.wrapping_add(i * STAGE_BYTES);
    }
    for step in steps {
        // SAFETY: passed on to the caller.
        unsafe { run_step(step, &all[..2 * n], 0..step.units(), buffers) }
    }
}
