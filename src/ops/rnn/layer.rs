//! One layer in one direction: where its tensors, gates and states lie.

use super::{
    Cell, Desc, Direction, Sizes, layer_rows,
    program::{Factor, Program, SCRATCH, View},
    tensor::*,
};
use crate::{
    attr::Attr,
    dtype::DataType,
    exec::pack::Side,
    memory::MemoryDesc,
    ops::{Env, Prop, matrix::panel_width},
    plan::{
        place::{Room, aligned},
        rnn,
    },
};

/// A recurrent primitive under planning.
pub struct Net<'a> {
    pub desc: &'a Desc,
    pub attr: &'a Attr,
    pub s: Sizes,
    /// Given tensors: index, entry, layout.
    pub tensors: Vec<(usize, usize, MemoryDesc)>,
    /// The entry of the workspace, where the pass has one.
    pub workspace: Option<usize>,
    /// The type of states and weights.
    pub dtype: DataType,
    pub program: Program,
    pub room: Room,
}

/// The rows of a state: those that a step reads and those that it writes.
#[derive(Clone, Copy)]
pub struct State {
    pub before: View,
    pub now: View,
}

/// One layer in one direction.
pub struct Layer {
    pub l: i64,
    pub dir: i64,
    /// Whether time runs backwards in the forward pass.
    pub reversed: bool,
    /// The input of all steps.
    pub x: View,
    /// The first gate's values.
    pub gates: View,
    pub h: State,
    pub c: State,
    /// What makes numbers of the gates' sums.
    pub real: Vec<View>,
}

/// The panels of weights (l, d, i, g, o), or (l, d, i, o), which forward passes read as i × o for each gate and backward ones
/// as (g, o) × i: their width, if they lie so.
pub fn panel(md: &MemoryDesc, forward: bool, env: &Env) -> Option<usize> {
    let last = md.dims().len() - 1;
    let sides = if forward { (2, last) } else { (last, 2) };
    let width = panel_width(md, sides, env)?;
    let joined =
        forward || last == 3 || md.strides()[3] == width * md.dims()[4] || md.dims()[3] == 1;
    joined.then_some(width as usize)
}

impl<'a> Net<'a> {
    pub fn new(
        desc: &'a Desc,
        attr: &'a Attr,
        env: &Env,
        tensors: Vec<(usize, usize, MemoryDesc)>,
    ) -> Net<'a> {
        let s = desc.sizes();
        let dtype = desc.tensors[SRC_LAYER].dtype();
        let panels = (tensors.iter())
            .filter(|t| matches!(t.0, WEIGHTS_LAYER | WEIGHTS_ITER | PROJECTION))
            .filter_map(|(.., md)| panel(md, desc.is_forward(), env));
        let unit = rnn::unit(env.isa, panels);
        let flop = 2.0 * (s.n * s.gates) as f64 * (s.dhc * s.sic) as f64;
        let parts = rnn::parts(env.threads, flop as usize, s.dhc as usize, unit);
        Net {
            desc,
            attr,
            s,
            tensors,
            workspace: None,
            dtype,
            program: Program::new(env, (parts, unit), attr.data()),
            room: Room::default(),
        }
    }

    /// Plans all layers.
    pub fn plan(mut self) -> Program {
        if self.workspace.is_none() {
            self.room.take(self.workspace_bytes());
        }
        match self.desc.is_forward() {
            true => self.forward(),
            false => self.backward(),
        }
        self.program.bytes = self.room.bytes;
        self.program
    }

    /// Plans every layer in every direction; they run one after another and share their buffers.
    pub fn each_layer(&mut self, downwards: bool, mut plan: impl FnMut(&mut Net, i64, i64)) {
        let (start, mut peak) = (self.room, self.room);
        for i in 0..self.s.layers * self.s.directions {
            let (dir, l) = (i / self.s.layers, i % self.s.layers);
            let l = if downwards { self.s.layers - 1 - l } else { l };
            self.room = start;
            plan(self, l, dir);
            peak.bytes = peak.bytes.max(self.room.bytes);
        }
        self.room = peak;
    }

    /// Rows of all steps.
    pub fn rows(&self) -> i64 {
        self.s.t * self.s.n
    }

    /// Gates, states and cell states of a layer in a direction, and the bytes of all that are kept.
    fn kept(&self, l: i64, dir: i64) -> ([View; 3], usize) {
        let (s, all) = (&self.s, self.s.layers * self.s.directions);
        let [few, two, steps] = match self.desc.prop {
            Prop::ForwardInference => [1, s.layers.min(2), 1],
            _ => [all, all, s.t + 1],
        };
        let has_cells = i64::from(self.desc.cell == Cell::Lstm);
        // Only a single step may read more states than it writes, or less.
        let kinds = [
            (self.desc.cell.slots() * s.dhc, DataType::F32, s.t, few),
            (s.sic.max(s.dic), self.dtype, s.t + 1, two),
            (has_cells * s.dhc, DataType::F32, steps, few),
        ];
        let mut end = 0;
        let views = kinds.map(|(columns, dtype, steps, count)| {
            let view = dense(s.n, columns, dtype);
            let bytes = aligned((steps * view.step) as usize) as i64;
            let own = match count == all {
                true => l * s.directions + dir,
                false => l % count,
            };
            let mut view = view.shifted(end + own * bytes);
            view.entry = self.workspace.unwrap_or(SCRATCH);
            end += count * bytes;
            view
        });
        (views, end as usize)
    }

    /// Bytes of everything that a backward pass needs to know of the forward pass.
    pub fn workspace_bytes(&self) -> usize {
        self.kept(0, 0).1
    }

    fn layer_state(&self, view: View, reversed: bool) -> State {
        let [before, now] = [reversed, !reversed].map(|later| view.moved(later.into()));
        State { before, now }
    }

    /// Where things of a layer lie.
    pub fn layer(&self, l: i64, dir: i64) -> Layer {
        let reversed = dir == 1 || self.desc.direction == Direction::RightToLeft;
        let [gates, states, mut cells] = self.kept(l, dir).0;
        if self.desc.prop == Prop::ForwardInference {
            cells.step = 0;
        }
        let x = match l {
            0 => self.user(SRC_LAYER, 0, 0).expect("the source is given"),
            _ => self.layer_state(self.kept(l - 1, dir).0[1], reversed).now,
        };
        Layer {
            l,
            dir,
            reversed,
            x,
            gates,
            h: self.layer_state(states, reversed),
            c: self.layer_state(cells, reversed),
            real: Vec::new(),
        }
    }

    /// A given tensor's rows, of a layer in a direction where it has these.
    pub fn user(&self, i: usize, l: i64, dir: i64) -> Option<View> {
        let (_, entry, md) = self.tensors.iter().find(|t| t.0 == i)?;
        let (dtype, size) = (md.dtype(), md.dtype().size_bytes() as i64);
        let strides = md.strides();
        let (base, step, row) = match i % DIFF {
            SRC_LAYER | DST_LAYER | ATTENTION => (0, layer_rows(md).0, layer_rows(md).1),
            PEEPHOLE | BIAS => (l * strides[0] + dir * strides[1], 0, 0),
            _ => (l * strides[0] + dir * strides[1], 0, strides[2]),
        };
        let col = if i % DIFF == ATTENTION { 0 } else { size };
        let base = (md.offset0 + base) * size;
        let strides = [step * size, row * size, col];
        Some(View::new(*entry, dtype, base, strides))
    }

    /// A given vector for every gate: the bias or peephole weights of one.
    pub fn user_gate(&self, i: usize, layer: &Layer, gate: i64) -> Option<View> {
        let view = self.user(i, layer.l, layer.dir)?;
        Some(self.gate(view, gate))
    }

    /// Weights (l, d, i, g, o) from gate `first` on, or a projection (l, d, i, o), as right factors: i × o for each gate; in
    /// panels as the pass reads them.
    pub fn weights(&self, i: usize, layer: &Layer, first: i64) -> Factor {
        let given = "weights are given";
        let (.., md) = self.tensors.iter().find(|t| t.0 == i).expect(given);
        let view = self.user(i, layer.l, layer.dir).expect(given);
        let size = view.col;
        let stride = |d: usize| if md.dims()[d] == 1 { 1 } else { md.strides()[d] } * size;
        let last = md.dims().len() - 1;
        let gate = if last == 4 { md.strides()[3] * size } else { 0 };
        let view = view.shifted(first * gate);
        let forward = self.desc.is_forward();
        // Backward passes sum over outputs from gate to gate: where each has one, over the gates.
        let outputs = if forward || self.s.dhc > 1 { last } else { 3 };
        match panel(md, forward, &self.program.env) {
            Some(width) => {
                let panel = md.strides()[if forward { last } else { 2 }] * size;
                let side = Side::Panels { width, panel };
                Factor { view, side, gate }
            }
            None => Factor::strided(view, stride(2), stride(outputs), gate),
        }
    }

    /// A new buffer of dense rows for one step.
    pub fn scratch(&mut self, rows: i64, columns: i64, dtype: DataType) -> View {
        let view = dense(rows, columns, dtype);
        let base = self.room.take(view.step as usize);
        view.at(0).shifted(base as i64)
    }

    /// A new buffer of dense rows for every step.
    pub fn scratch_steps(&mut self, columns: i64, dtype: DataType) -> View {
        let mut view = self.scratch(self.rows(), columns, dtype);
        view.step = self.s.n * view.row;
        view
    }
}

fn dense(n: i64, columns: i64, dtype: DataType) -> View {
    let col = dtype.size_bytes() as i64;
    let row = rnn::row_bytes(columns * col);
    View::new(SCRATCH, dtype, 0, [n * row, row, col])
}
