//! Forward passes: `docs/rnn.md` has the formulas.

use super::{
    Cell, Direction,
    formula::{Formula, LOGISTIC, TANH, rest, sum},
    layer::{Layer, Net},
    program::{Factor, Phase, Task, View, Work},
    tensor::*,
};
use crate::{attr::F32, dtype::DataType};

/// Four 8-bit ones.
const ONES: f32 = f32::from_bits(0x0101_0101);

/// The update gate as it weighs the old state: less attention, where there is attention.
pub fn update(u: impl Into<Formula>, attention: Option<View>) -> Formula {
    match attention {
        Some(a) => rest(a) * u,
        None => u.into(),
    }
}

/// The sums of products with weights as the numbers that they stand for, from some column on.
fn number(real: &[View], column: i64) -> Formula {
    let at = |v: View| v.shifted(column * v.col);
    match *real {
        [factor, offset] => sum() * at(factor) + at(offset),
        [factor] => sum() * at(factor),
        _ => sum(),
    }
}

impl Net<'_> {
    pub fn forward(&mut self) {
        self.each_layer(false, |net, l, dir| {
            let mut layer = net.layer(l, dir);
            let mut first = vec![net.input(&layer)];
            let (begin, end) = net.times(layer.reversed);
            let (given, before) = ([SRC_ITER, SRC_ITER_C], [layer.h.before, layer.c.before]);
            let before = before.map(|state| state.at(begin));
            first.extend(net.load_states(&layer, given, net.s.sic, before));
            let weights = [(WEIGHTS_LAYER, net.s.slc), (WEIGHTS_ITER, net.s.sic)];
            layer.real = net.as_numbers(&layer, &weights, &mut first);
            let mut phases = match net.desc.cell {
                Cell::Vanilla => net.vanilla(&layer),
                Cell::Lstm => net.lstm(&layer, &mut first),
                _ => net.gru(&layer),
            };
            if let (Some(phase), Some(task)) = (phases.last_mut(), net.shown(&layer)) {
                phase.push(task);
            }
            let states = [layer.h.now.at(end), layer.c.now.at(end)];
            let last = net.store_states(&layer, [DST_ITER, DST_ITER_C], net.s.dic, states);
            net.program.stage(1, false, vec![first]);
            net.program.stage(net.s.t, layer.reversed, phases);
            net.program.stage(1, false, vec![last]);
        });
    }

    /// The gate buffer from gate `g` on.
    pub fn gate(&self, gates: View, g: i64) -> View {
        gates.shifted(g * self.s.dhc * gates.col)
    }

    /// The slots of four gates.
    pub fn each_gate(&self, gates: View) -> [View; 4] {
        [0, 1, 2, 3].map(|g| self.gate(gates, g))
    }

    /// The gate buffer for a product that writes or reads gate by gate.
    pub fn gates(&self, gates: View, g: i64) -> Factor {
        let view = self.gate(gates, g);
        Factor {
            gate: self.s.dhc * view.col,
            ..view.into()
        }
    }

    /// `d = f` for the rows of a step.
    pub fn tile(&self, cols: i64, d: View, f: impl Into<Formula>) -> Task<Work> {
        self.program.tile((self.s.n, cols), d, f)
    }

    /// `d = f` for the cell's columns.
    pub fn set(&self, d: View, f: impl Into<Formula>) -> Task<Work> {
        self.tile(self.s.dhc, d, f)
    }

    /// Input times weights plus bias, for all steps; of 8-bit integers the sums alone, to which the state's are added.
    fn input(&self, layer: &Layer) -> Task<Work> {
        let mut gates = self.gates(layer.gates.at(0), 0);
        if self.dtype.is_int() {
            gates.view.dtype = DataType::S32;
        }
        let weights = self.weights(WEIGHTS_LAYER, layer, 0);
        let sizes = (self.rows(), self.s.dhc, self.s.slc, self.s.gates);
        let bias = self.user_gate(BIAS, layer, 0);
        let factors = [layer.x.at(0).into(), weights, gates];
        self.program
            .product((false, false), sizes, factors, sum().plus(bias))
    }

    /// What makes numbers of Σ q·w for 8-bit data q = scale·x + shift and weights: a factor 1/(scale·scale of w), and the
    /// bias less shift·factor·Σ w; nothing for floats. The sums are products with ones, by tasks of `first`.
    fn as_numbers(
        &mut self,
        layer: &Layer,
        weights: &[(usize, i64)],
        first: &mut Phase,
    ) -> Vec<View> {
        if !self.dtype.is_int() {
            return Vec::new();
        }
        let (quant, bias, gates, n) = match weights[0].0 {
            PROJECTION => (&self.attr.rnn_projection, None, 1, self.s.dic),
            _ => {
                let bias = self.user_gate(BIAS, layer, 0);
                (&self.attr.rnn_weights, bias, self.s.gates, self.s.dhc)
            }
        };
        let (scale, shift) = self.program.data;
        let scales = (quant.as_ref()).map_or(vec![F32::new(1.0)], |q| q.scales.clone());
        let factors = scales.into_iter().map(|w| 1.0 / (scale * w.get()));
        let factor = self.program.constant(factors);
        if shift == 0.0 {
            return [factor].into_iter().chain(bias).collect();
        }
        let mut to = self.scratch(gates, n, DataType::F32);
        to.row = 0;
        for (i, &(which, k)) in weights.iter().enumerate() {
            let mut ones = self.program.constant(vec![ONES; (k as usize).div_ceil(4)]);
            (ones.dtype, ones.row, ones.col) = (DataType::U8, k, 1);
            let mut d = Factor::strided(to, 4 * n * gates, 4, 4 * n);
            if i + 1 < weights.len() {
                d.view.dtype = DataType::S32;
            }
            let factors = [ones.into(), self.weights(which, layer, 0), d];
            let (how, sizes) = ((true, i > 0), (1, n, k, gates));
            let missed = (sum() * (factor * -shift)).plus(bias);
            first.push(self.program.product(how, sizes, factors, missed));
        }
        vec![factor, to]
    }

    /// When a pass begins, and when it ends.
    pub fn times(&self, backwards: bool) -> (i64, i64) {
        let last = self.s.t - 1;
        if backwards { (last, 0) } else { (0, last) }
    }

    /// Copies of states, so many columns, and of cell states, where there are such, from the given tensors.
    pub fn load_states(&self, layer: &Layer, i: [usize; 2], cols: i64, to: [View; 2]) -> Phase {
        let given = |i| self.user(i, layer.l, layer.dir);
        let mut tasks = vec![self.tile(cols, to[0], given(i[0]))];
        if self.desc.cell == Cell::Lstm {
            tasks.push(self.set(to[1], given(i[1])));
        }
        tasks
    }

    /// The same to the given tensors.
    pub fn store_states(&self, layer: &Layer, i: [usize; 2], cols: i64, from: [View; 2]) -> Phase {
        let copy = |(i, cols, from)| Some(self.tile(cols, self.user(i, layer.l, layer.dir)?, from));
        let states = [(i[0], cols, from[0]), (i[1], self.s.dhc, from[1])];
        states.into_iter().filter_map(copy).collect()
    }

    /// The columns of the layer tensor `i` that belong to a direction.
    pub fn joined(&self, i: usize, dir: i64) -> Option<View> {
        let view = self.user(i, 0, 0)?;
        let concat = self.desc.direction == Direction::Concat;
        let column = if concat { dir * self.s.dic } else { 0 };
        Some(view.shifted(column * view.col))
    }

    /// What a step of the last layer shows: the state; with two directions summed, added to what the first left.
    fn shown(&self, layer: &Layer) -> Option<Task<Work>> {
        let to = (self.joined(DST_LAYER, layer.dir)).filter(|_| layer.l == self.s.layers - 1)?;
        let adds = layer.dir == 1 && self.desc.direction == Direction::Sum;
        let shown = Formula::from(layer.h.now).plus(adds.then_some(to));
        Some(self.tile(self.s.dic, to, shown))
    }

    /// Adds a state's product with the weights of some gates to these, then applies f to the sum as a number.
    fn gate_product(
        &self,
        layer: &Layer,
        (first, count): (i64, i64),
        state: View,
        f: impl FnOnce(Formula) -> Formula,
    ) -> Task<Work> {
        let weights = self.weights(WEIGHTS_ITER, layer, first);
        let factors = [state.into(), weights, self.gates(layer.gates, first)];
        let sizes = (self.s.n, self.s.dhc, self.s.sic, count);
        let sum = number(&layer.real, first * self.s.dhc);
        self.program.product((true, true), sizes, factors, f(sum))
    }

    fn vanilla(&self, layer: &Layer) -> Vec<Phase> {
        let act = self.desc.act();
        let gate = self.gate_product(layer, (0, 1), layer.h.before, |x| act.of(x));
        vec![vec![gate, self.set(layer.h.now, layer.gates)]]
    }

    fn lstm(&mut self, layer: &Layer, first: &mut Phase) -> Vec<Phase> {
        let (h, c) = (layer.h, layer.c);
        let [i, f, candidate, o] = self.each_gate(layer.gates);
        let gated = |gates, peephole, cells: View| {
            let seen = self.user_gate(PEEPHOLE, layer, peephole);
            let f = |x: Formula| LOGISTIC.of(x.plus(seen.map(|p| p * cells)));
            self.gate_product(layer, gates, h.before, f)
        };
        let mut phase = vec![
            gated((0, 2), 0, c.before),
            self.gate_product(layer, (2, 1), h.before, |x| TANH.of(x)),
        ];
        let cells = self.set(c.now, f * c.before + i * candidate);
        // Gate o looks at the new cell state.
        let output = gated((3, 1), 2, c.now);
        match self.desc.has(PEEPHOLE) {
            true => phase.extend([cells, output]),
            false => phase.extend([output, cells]),
        }
        let shown = o * TANH.of(c.now);
        if !self.desc.has(PROJECTION) {
            phase.push(self.set(h.now, shown));
            return vec![phase];
        }
        let hidden = self.scratch(self.s.n, self.s.dhc, self.dtype);
        phase.push(self.set(hidden, shown));
        let real = self.as_numbers(layer, &[(PROJECTION, self.s.dhc)], first);
        let weights = self.weights(PROJECTION, layer, 0);
        let sizes = (self.s.n, self.s.dic, self.s.dhc, 1);
        let factors = [hidden.into(), weights, h.now.into()];
        let project = (self.program).product((true, false), sizes, factors, number(&real, 0));
        vec![phase, vec![project]]
    }

    fn gru(&mut self, layer: &Layer) -> Vec<Phase> {
        let before = layer.h.before;
        let [u, r, o, s] = self.each_gate(layer.gates);
        let gated = self.gate_product(layer, (0, 2), before, |x| LOGISTIC.of(x));
        let kept = update(u, self.user(ATTENTION, 0, 0));
        let state = self.set(layer.h.now, kept * (before - o) + o);
        if self.desc.cell.is_linear_before_reset() {
            let third = self.weights(WEIGHTS_ITER, layer, 2);
            let sizes = (self.s.n, self.s.dhc, self.s.sic, 1);
            let bias = self.user_gate(BIAS, layer, 3);
            let factors = [before.into(), third, s.into()];
            let inner = (self.program).product((true, false), sizes, factors, sum().plus(bias));
            return vec![vec![gated, inner, self.set(o, TANH.of(r * s + o)), state]];
        }
        let reset = self.scratch(self.s.n, self.s.dhc, self.dtype);
        let candidate = self.gate_product(layer, (2, 1), reset, |x| TANH.of(x));
        vec![
            vec![gated, self.set(reset, r * before)],
            vec![candidate, state],
        ]
    }
}
