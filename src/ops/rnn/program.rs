//! Programs of recurrent layers: stages that repeat for every time step, phases that end at a barrier, and tasks over
//! views that move with the step.
//!
//! A part owns the same columns of every state at every step, so weights stay in the caches of the core that reads them,
//! and element-wise tasks find what the product before them left there.

mod run;

use std::ops::Range;

use super::formula::{Formula, Writer};
use crate::{
    dtype::DataType,
    exec::pack::Side,
    kernel::spec::{Reduce, Spec},
    ops::{
        Env, Planned,
        epilogue::{Binding, Epilogue},
        gemm::{Matrix, Product},
        matrix::{accumulator, product},
    },
    plan::{
        place::{Place, Term},
        steps::rows_of,
    },
};

/// The entry that stands for the scratch.
pub const SCRATCH: usize = usize::MAX;
/// The entry that stands for the program's constants.
const CONSTANTS: usize = usize::MAX - 1;

/// Rows of adjacent elements inside an argument or the scratch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Index of the argument.
    pub entry: usize,
    /// Element type.
    pub dtype: DataType,
    /// Bytes to the first element at time 0.
    pub base: i64,
    /// Bytes from one time step, row, column to the next.
    pub step: i64,
    #[allow(missing_docs)]
    pub row: i64,
    #[allow(missing_docs)]
    pub col: i64,
}

impl View {
    /// So many bytes from one time step, row, column to the next.
    pub fn new(entry: usize, dtype: DataType, base: i64, [step, row, col]: [i64; 3]) -> View {
        View {
            entry,
            dtype,
            base,
            step,
            row,
            col,
        }
    }

    /// The same some steps later.
    pub fn moved(self, steps: i64) -> View {
        self.shifted(steps * self.step)
    }

    /// The same some bytes further.
    pub fn shifted(mut self, bytes: i64) -> View {
        self.base += bytes;
        self
    }

    /// At one time whatever the step.
    pub fn at(mut self, time: i64) -> View {
        self = self.moved(time);
        self.step = 0;
        self
    }
}

/// A matrix of a product, or one for each gate.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Where it begins.
    pub view: View,
    /// Where its elements lie.
    pub side: Side,
    /// Bytes from one gate's to the next.
    pub gate: i64,
}

impl Factor {
    /// Strided rows and columns.
    pub fn strided(view: View, rows: i64, cols: i64, gate: i64) -> Factor {
        let side = Side::Strided { rows, cols };
        Factor { view, side, gate }
    }

    /// Rows and columns exchanged; not for panels.
    pub fn transposed(mut self) -> Factor {
        self.side = self.side.transposed();
        self
    }

    /// Whether the columns of a gate follow those of the one before.
    fn concatenates(&self, n: usize) -> bool {
        let panels = |width| n.is_multiple_of(width);
        let whole = !matches!(self.side, Side::Panels { width, .. } if !panels(width));
        whole && self.gate == self.side.at(0, n)
    }
}

impl From<View> for Factor {
    fn from(view: View) -> Factor {
        Factor::strided(view, view.row, view.col, 0)
    }
}

/// What a task does, before there are kernels.
pub enum Work {
    /// Products of views: A, B, D, and operands where it is one.
    Product(Vec<Product>),
    /// So many rows and columns through a kernel for some width.
    Columns((usize, usize), Box<dyn Fn(usize) -> Spec + Send + Sync>),
}

/// A task: what is done, and on what.
pub struct Task<W> {
    work: W,
    views: Vec<View>,
}

impl Task<Work> {
    /// Products without operands, one beside the other: they share B where they read the same.
    pub fn beside(mut self, other: Task<Work>) -> Task<Work> {
        let (Work::Product(all), Work::Product(others)) = (&mut self.work, other.work) else {
            unreachable!("only products stand beside each other");
        };
        for mut product in others {
            for side in [&mut product.a, &mut product.b, &mut product.d] {
                side.arg += self.views.len();
            }
            all.push(product);
        }
        self.views.extend(other.views);
        self
    }
}

/// Tasks that end at a barrier.
pub type Phase = Vec<Task<Work>>;

/// Phases that are repeated, backwards in time if asked for; how many run before.
#[derive(Clone)]
struct Stage {
    start: usize,
    phases: Range<usize>,
    steps: i64,
    backwards: bool,
}

impl Stage {
    fn end(&self) -> usize {
        self.start + self.steps as usize * self.phases.len()
    }

    /// The phase that runs as the i-th of all, and at which time step.
    fn phase(&self, i: usize) -> (usize, i64) {
        let (i, n) = (i - self.start, self.phases.len());
        let (step, last) = ((i / n) as i64, self.steps - 1);
        let time = if self.backwards { last - step } else { step };
        (self.phases.start + i % n, time)
    }
}

/// Phases one after another.
pub struct Program {
    pub env: Env,
    /// Parts that share the columns of states, and the columns that each takes whole.
    share: (usize, usize),
    phases: Vec<Phase>,
    stages: Vec<Stage>,
    /// For verbose lines: how often phases repeat, and how many tasks each has.
    nest: String,
    /// Scale and shift of 8-bit data, q = scale·x + shift.
    pub data: (f32, f32),
    /// What kernels read besides arguments and scratch.
    constants: Vec<f32>,
    /// Bytes of the scratch that views point into.
    pub bytes: usize,
}

/// So many rows and columns of views through a kernel for some width.
fn columns(
    (rows, cols): (i64, i64),
    views: Vec<View>,
    spec: impl Fn(usize) -> Spec + Send + Sync + 'static,
) -> Task<Work> {
    let work = Work::Columns((rows as usize, cols as usize), Box::new(spec));
    Task { work, views }
}

impl Program {
    /// A program without phases for so many parts, which take so many columns whole.
    pub fn new(env: &Env, share: (usize, usize), data: (f32, f32)) -> Program {
        Program {
            env: *env,
            share,
            phases: Vec::new(),
            stages: Vec::new(),
            nest: format!("N{}:", share.0),
            data,
            constants: Vec::new(),
            bytes: 0,
        }
    }

    /// A constant for every column, or for all of them.
    pub fn constant(&mut self, values: impl IntoIterator<Item = f32>) -> View {
        let start = self.constants.len();
        self.constants.extend(values);
        let col = 4 * i64::from(self.constants.len() > start + 1);
        View::new(CONSTANTS, DataType::F32, 4 * start as i64, [0, 0, col])
    }

    /// Appends phases that are repeated so often, backwards in time if asked for.
    pub fn stage(&mut self, steps: i64, backwards: bool, phases: Vec<Phase>) {
        let tasks: Vec<String> = phases.iter().map(|p| p.len().to_string()).collect();
        let next = if self.stages.is_empty() { "" } else { ">" };
        self.nest += &format!("{next}{steps}x{}", tasks.join("+"));
        let first = self.phases.len();
        self.phases.extend(phases);
        self.stages.push(Stage {
            start: self.stages.last().map_or(0, Stage::end),
            phases: first..self.phases.len(),
            steps,
            backwards,
        });
    }

    /// `d = f` over so many rows and columns.
    pub fn tile(&self, sizes: (i64, i64), d: View, f: impl Into<Formula>) -> Task<Work> {
        let (expr, read) = Writer::write(&f.into(), (d.dtype, DataType::F32), self.data);
        let isa = self.env.isa;
        columns(sizes, [vec![d], read].concat(), move |n| {
            rows_of(isa, d.dtype, n as i64, expr.clone(), d.row)
        })
    }

    /// The sums of columns, added to what d holds if asked for.
    pub fn sum(&self, sizes: (i64, i64), d: View, a: View, beta: bool) -> Task<Work> {
        let (isa, views, row, a) = (self.env.isa, vec![d, a], a.row, a.dtype);
        columns(sizes, views, move |n| Reduce::spec(isa, (n, a), row, beta))
    }

    /// `d = f(Σ a·b)`, the sum starting from d where it `adds`; with `own`, every part computes the columns that it owns.
    /// Operands without rows follow the columns from gate to gate.
    pub fn product(
        &self,
        (own, adds): (bool, bool),
        sizes: (i64, i64, i64, i64),
        factors: [Factor; 3],
        f: impl Into<Formula>,
    ) -> Task<Work> {
        let types = (factors[2].view.dtype, accumulator(factors[0].view.dtype));
        let (expr, operands) = Writer::write(&f.into(), types, self.data);
        let (m, mut n, k, mut gates) = sizes;
        // One part owns all columns; operands with rows are the same for every gate.
        let whole = (!own || self.share.0 == 1) && operands.iter().all(|v| v.row == 0);
        if whole && gates > 1 && factors[1..].iter().all(|f| f.concatenates(n as usize)) {
            (n, gates) = (n * gates, 1);
        }
        let batch: Vec<i64> = (gates > 1).then_some(gates).into_iter().collect();
        let bind = |(i, v): (usize, &View)| {
            let gate = if v.row == 0 { n * v.col } else { 0 };
            let strides = [gate, v.row, v.col];
            let terms = strides[1 - batch.len()..].iter().enumerate();
            let terms = (terms.map(|(dim, &stride)| Term::plain(dim, stride))).collect();
            let (index, dtype, place) = (3 + i, v.dtype, Place { base: 0, terms });
            Binding {
                index,
                dtype,
                place,
            }
        };
        let bindings = operands.iter().enumerate().map(bind).collect();
        let views = factors.iter().map(|f| f.view).chain(operands).collect();
        let mut args = 0..3;
        let sides = factors.map(|f| Matrix {
            arg: args.next().unwrap_or_default(),
            dtype: f.view.dtype,
            offset: 0,
            side: f.side,
            batch: batch.iter().map(|_| f.gate).collect(),
        });
        let end = Epilogue { expr, bindings };
        let product = Product {
            accumulates: adds,
            share: own.then_some(self.share),
            ..product(&self.env, &batch, (m, n, k), sides, end)
        };
        Task {
            work: Work::Product(vec![product]),
            views,
        }
    }

    /// The program as a plan.
    pub fn planned(self) -> Planned {
        let (parts, bytes) = self.parts();
        Planned::new(self.nest.clone(), self.bytes + parts * bytes, self)
    }

    /// Parts that work at once, and the scratch bytes that products of one part need.
    fn parts(&self) -> (usize, usize) {
        let tasks = self.phases.iter().flatten();
        let products = tasks.filter_map(|task| match &task.work {
            Work::Product(products) => Some(products),
            _ => None,
        });
        let most = |(parts, bytes): (usize, usize), p: &Product| {
            (parts.max(p.parts().0), bytes.max(p.parts().1))
        };
        products.flatten().fold((self.share.0, 0), most)
    }
}
