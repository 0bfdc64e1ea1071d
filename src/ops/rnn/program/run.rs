//! Programs made ready and run: kernels for every task, and the parts that carry them out.

use std::sync::Arc;

use super::{CONSTANTS, Program, SCRATCH, Stage, Task, View, Work};
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
    Product(Box<Gemm>),
    Columns {
        rows: usize,
        cols: usize,
        kernels: Vec<(usize, Arc<Kernel>)>,
    },
}

impl Work {
    fn compile(&self, (parts, unit): (usize, usize)) -> Result<Ready> {
        Ok(match self {
            Work::Product(product) => Ready::Product(Box::new((**product).clone().compile()?)),
            Work::Columns { rows, cols, spec } => {
                let shares = (0..parts).map(|i| gemm::part(*cols, unit, parts, i).1);
                let kernel = |n: usize| Ok((n, Kernel::get(&spec(n))?));
                let kernels = sizes(shares, block(*rows, unit)).into_iter().map(kernel);
                Ready::Columns {
                    rows: *rows,
                    cols: *cols,
                    kernels: kernels.collect::<Result<_>>()?,
                }
            }
        })
    }
}

impl Plan for Program<Work> {
    fn compile(&self) -> Result<Box<dyn Run>> {
        let task = |t: &Task<Work>| {
            Ok(Task {
                work: t.work.compile(self.share)?,
                views: t.views.clone(),
            })
        };
        let phase = |p: &Vec<Task<Work>>| p.iter().map(task).collect::<Result<_>>();
        let stage = |s: &Stage<Work>| {
            let phases = s.phases.iter().map(phase).collect::<Result<_>>()?;
            Ok(Stage {
                steps: s.steps,
                backwards: s.backwards,
                phases,
            })
        };
        let stages = self.stages.iter().map(stage).collect::<Result<_>>()?;
        let (parts, part_bytes) = self.parts();
        Ok(Box::new(Compiled {
            stages,
            constants: self.constants.clone(),
            share: self.share,
            parts,
            bytes: self.bytes,
            part_bytes,
        }))
    }
}

struct Compiled {
    stages: Vec<Stage<Ready>>,
    constants: Vec<f32>,
    share: (usize, usize),
    parts: usize,
    bytes: usize,
    part_bytes: usize,
}

impl Run for Compiled {
    unsafe fn run(&self, exec: &Exec) -> Result<()> {
        let count = self.stages.iter().map(|s| s.steps * s.phases.len()).sum();
        // SAFETY: parts of a phase write disjoint columns or blocks, and phases follow one another.
        let body = |phase, part| unsafe { self.phase(exec, phase, part) };
        phases(exec.pool, count, self.parts, &body);
        Ok(())
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
    /// # Safety
    /// As for `Run::run`; the phases before have ended.
    unsafe fn phase(&self, exec: &Exec, mut phase: usize, part: usize) {
        for stage in &self.stages {
            let count = stage.steps * stage.phases.len();
            if phase >= count {
                phase -= count;
                continue;
            }
            let step = phase / stage.phases.len();
            let time = if stage.backwards {
                stage.steps - 1 - step
            } else {
                step
            } as i64;
            let at = Part {
                exec,
                constants: self.constants.as_ptr(),
                time,
                part,
            };
            // SAFETY: passed on.
            return unsafe { self.tasks(&stage.phases[phase % stage.phases.len()], &at) };
        }
    }

    /// Tasks one after another; those that go through columns of one number go through a block of them together.
    unsafe fn tasks(&self, mut tasks: &[Task<Ready>], at: &Part) {
        while let Some((task, rest)) = tasks.split_first() {
            // SAFETY: passed on.
            unsafe {
                tasks = match &task.work {
                    Ready::Columns { rows, cols, .. } => {
                        let joins = |t: &&Task<Ready>| matches!(&t.work, Ready::Columns { rows: r, cols: c, .. } if (r, c) == (rows, cols));
                        let (group, rest) =
                            tasks.split_at(1 + rest.iter().take_while(joins).count());
                        self.columns(group, (*rows, *cols), at);
                        rest
                    }
                    Ready::Product(gemm) => {
                        self.product(gemm, &task.views, at);
                        rest
                    }
                }
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
                let Ready::Columns { kernels, .. } = &task.work else {
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

    unsafe fn product(&self, gemm: &Gemm, views: &[View], at: &Part) {
        let ptrs = at.pointers(views, 0);
        let exec = Exec {
            ptrs: &ptrs,
            ..*at.exec
        };
        let scratch = exec
            .scratch
            .wrapping_add(self.bytes + at.part * self.part_bytes);
        // SAFETY: the views hold the matrices; the scratch behind them has room for every part.
        unsafe { gemm.part(&exec, at.part, scratch) };
    }
}
