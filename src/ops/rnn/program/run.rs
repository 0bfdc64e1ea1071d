//! Programs made ready and run: kernels for every task, and the parts that carry them out.

use std::sync::Arc;

use super::{CONSTANTS, Phase, Program, SCRATCH, Stage, Task, View, Work};
use crate::{
    error::Result,
    kernel::{Kernel, spec::Args},
    ops::{
        Exec, Plan, Run,
        gemm::{Gemm, find, sizes},
    },
    plan::{gemm, rnn::block},
    threads::phases,
};

/// The most views of a task.
const MOST_VIEWS: usize = 12;

/// What a task does, ready to run.
enum Ready {
    /// Products, and whether the first shares with the others what it packs of B.
    Product(Vec<Gemm>, bool),
    /// So many rows and columns, and kernels by the columns that they take.
    Columns((usize, usize), Vec<(usize, Arc<Kernel>)>),
}

impl Task<Work> {
    fn compile(&self, (parts, unit): (usize, usize)) -> Result<Ready> {
        Ok(match &self.work {
            Work::Product(products) => {
                let gemms = products.iter().map(|p| p.clone().compile());
                let gemms: Vec<Gemm> = gemms.collect::<Result<_>>()?;
                let b = |i: usize| self.views[products[i].b.arg];
                let mut others = 1..gemms.len();
                let share = others.all(|i| b(i) == b(0) && gemms[0].shares_b(&gemms[i]));
                Ready::Product(gemms, share)
            }
            Work::Columns((rows, cols), spec) => {
                let shares = (0..parts).map(|i| gemm::part(*cols, unit, parts, i).1);
                let kernel = |n: usize| Ok((n, Kernel::get(&spec(n))?));
                let kernels = sizes(shares, block(*rows, unit)).into_iter().map(kernel);
                Ready::Columns((*rows, *cols), kernels.collect::<Result<_>>()?)
            }
        })
    }
}

impl Plan for Program {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let task = |t: &Task<Work>| {
            let (work, views) = (t.compile(self.share)?, t.views.clone());
            Ok(Task { work, views })
        };
        let phase = |p: &Phase| p.iter().map(task).collect::<Result<_>>();
        Ok(Box::new(Compiled {
            phases: self.phases.iter().map(phase).collect::<Result<_>>()?,
            stages: self.stages.clone(),
            constants: self.constants.clone(),
            share: self.share,
            parts: self.parts(),
            bytes: self.bytes,
        }))
    }
}

struct Compiled {
    phases: Vec<Vec<Task<Ready>>>,
    stages: Vec<Stage>,
    constants: Vec<f32>,
    share: (usize, usize),
    /// How many work at once, and the scratch bytes of each behind those that views point into.
    parts: (usize, usize),
    bytes: usize,
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) {
        let body = |i: usize, part| {
            let next = self.stages.partition_point(|stage| stage.start <= i);
            let (phase, time) = self.stages[next - 1].phase(i);
            let at = Part {
                exec,
                constants: self.constants.as_ptr(),
                time,
                part,
            };
            // SAFETY: parts of a phase write disjoint columns or blocks, and phases follow one another.
            unsafe { self.tasks(&self.phases[phase], &at) }
        };
        let count = self.stages.last().map_or(0, Stage::end);
        phases(exec.pool, count, self.parts.0, &body);
    }
}

/// One part of a task at one time.
struct Part<'a> {
    exec: &'a Exec<'a>,
    constants: *const f32,
    time: i64,
    part: usize,
}

impl Part<'_> {
    /// Where a task's views begin, some columns further.
    fn pointers(&self, views: &[View], column: usize) -> [*mut u8; MOST_VIEWS] {
        let mut pointers = [std::ptr::null_mut(); MOST_VIEWS];
        for (pointer, v) in pointers.iter_mut().zip(views) {
            let start = match v.entry {
                SCRATCH => self.exec.scratch,
                // These are only read.
                CONSTANTS => self.constants.cast_mut().cast(),
                entry => self.exec.ptrs[entry],
            };
            let bytes = v.base + self.time * v.step + column as i64 * v.col;
            *pointer = start.wrapping_offset(bytes as isize);
        }
        pointers
    }
}

impl Compiled {
    /// Tasks one after another; those that go through columns of one number go through a block of them together.
    /// Products that a phase begins with write different places, or all add to what is there: every other step takes them from the last to the
    /// first, and so finds near the core what the step before read last.
    ///
    /// # Safety
    /// As for `Run::run`; the phases before have ended.
    unsafe fn tasks(&self, tasks: &[Task<Ready>], at: &Part) {
        let size = |t: &Task<Ready>| match t.work {
            Ready::Product(..) => None,
            Ready::Columns(size, _) => Some(size),
        };
        let products = tasks.iter().take_while(|t| size(t).is_none()).count();
        let (products, others) = tasks.split_at(products);
        for i in 0..products.len() {
            let last = products.len() - 1;
            let i = if at.time % 2 == 1 { last - i } else { i };
            // SAFETY: passed on.
            unsafe { self.product(&products[i], at) };
        }
        for group in others.chunk_by(|a, b| size(a).is_some() && size(a) == size(b)) {
            match size(&group[0]) {
                // SAFETY: passed on.
                Some(size) => unsafe { self.columns(group, size, at) },
                // SAFETY: passed on.
                None => unsafe { self.product(&group[0], at) },
            }
        }
    }

    unsafe fn columns(&self, group: &[Task<Ready>], (rows, cols): (usize, usize), at: &Part) {
        let (parts, unit) = self.share;
        if at.part >= parts {
            return;
        }
        let (first, count) = gemm::part(cols, unit, parts, at.part);
        let width = block(rows, unit);
        for column in (first..first + count).step_by(width) {
            let n = width.min(first + count - column);
            for task in group {
                let Ready::Columns(_, kernels) = &task.work else {
                    continue;
                };
                let pointers = at.pointers(&task.views, column);
                let operands = pointers[1..].as_ptr().cast();
                let args = Args {
                    a: pointers[1],
                    d: pointers[0],
                    m: rows,
                    operands,
                    ..Args::default()
                };
                // SAFETY: the kernel was made for columns of this width and for the rows of these views.
                unsafe { find(kernels, &n).call(&args) };
            }
        }
    }

    unsafe fn product(&self, task: &Task<Ready>, at: &Part) {
        let Ready::Product(gemms, share) = &task.work else {
            return;
        };
        let ptrs = at.pointers(&task.views, 0);
        let exec = Exec {
            ptrs: &ptrs,
            ..*at.exec
        };
        let place = self.bytes + at.part * self.parts.1;
        let scratch = exec.scratch.wrapping_add(place);
        for products in gemms.chunks(if *share { gemms.len() } else { 1 }) {
            // SAFETY: the views hold the matrices; the scratch behind them has room for every part.
            unsafe { Gemm::part(products, &exec, at.part, scratch, at.time % 2 == 1) };
        }
    }
}
