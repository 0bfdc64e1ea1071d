//! Backward passes: `docs/rnn.md` has the formulas.
//!
//! Step by step only the gradients of the gates are computed, and from them that of the state before. The gradients by
//! the input, the weights and the bias follow at the end, for all steps at once.

use super::{
    Cell,
    formula::{LOGISTIC, TANH, rest, sum},
    forward::update,
    layer::{Layer, Net},
    program::{Factor, Phase, Task, View, Work},
    tensor::*,
};
use crate::dtype::DataType;

/// The gradients of one layer in one direction on their way back.
struct Gradients {
    /// By what the layer shows at each step, and by the state that the next step reads.
    shown: View,
    state: View,
    cells: View,
    /// By what goes into the gates, in the slots of the gates.
    gates: View,
    /// Without projection the same as `shown` and `state`; with it, the sum of both, and the gradient before projection.
    projected: Option<(View, View)>,
    /// A product of every step that is needed afterwards: the state that was reset, or that was projected.
    kept: View,
    /// Terms of the gradients by attention or by peephole weights.
    terms: View,
}

impl Net<'_> {
    pub fn backward(&mut self) {
        let inner = if self.s.layers > 1 { self.s.dic } else { 0 };
        let below = self.scratch_steps(inner, DataType::F32);
        self.each_layer(true, |net, l, dir| {
            let layer = net.layer(l, dir);
            let g = net.gradients(&layer, below);
            let (given, back) = ([DST_ITER, DST_ITER_C], [g.state, g.cells]);
            let given = given.map(|i| DIFF + i);
            let mut first = net.load_states(&layer, given, net.s.dic, back);
            let mut phases = match net.desc.cell {
                Cell::Vanilla => net.vanilla_back(&layer, &g),
                Cell::Lstm => net.lstm_back(&layer, &g),
                _ => net.gru_back(&layer, &g),
            };
            net.bias_back(&layer, &g, &mut first, &mut phases);
            net.program.stage(1, false, vec![first]);
            net.program.stage(net.s.t, !layer.reversed, phases);
            let after = net.afterwards(&layer, &g, below);
            net.program.stage(1, false, vec![after]);
        });
    }

    fn gradients(&mut self, layer: &Layer, below: View) -> Gradients {
        let (s, f32) = (self.s, DataType::F32);
        let top = layer.l == s.layers - 1;
        let above = self.joined(DIFF + DST_LAYER, layer.dir).filter(|_| top);
        let if_needed = |needed: bool, columns: i64| if needed { columns } else { 0 };
        let cell = self.desc.cell;
        let has_projection = self.desc.has(PROJECTION);
        let resets = matches!(cell, Cell::Gru | Cell::Augru);
        let has_terms = cell.has_attention() || self.desc.has(PEEPHOLE);
        let projected = has_projection.then(|| {
            let sum = self.scratch_steps(s.dic, self.dtype);
            (sum, self.scratch(s.n, s.dhc, f32))
        });
        let gates = self.scratch_steps(cell.slots() * s.dhc, self.dtype);
        Gradients {
            shown: above.unwrap_or(below),
            state: self.scratch(s.n, s.sic.max(s.dic), f32),
            cells: self.scratch(s.n, if_needed(cell == Cell::Lstm, s.dhc), f32),
            gates,
            projected,
            kept: self.scratch_steps(if_needed(has_projection || resets, s.dhc), self.dtype),
            terms: self.scratch_steps(if_needed(has_terms, s.dhc), f32),
        }
    }

    /// Weights from gate `first` on for the way back: (gate, o) × i.
    fn back_weights(&self, i: usize, layer: &Layer, first: i64) -> Factor {
        let weights = self.weights(i, layer, first).transposed();
        Factor { gate: 0, ..weights }
    }

    /// Gradients of `count` gates, which lie from slot `slot` on, times the weights from gate `first` on, into `d` or added
    /// to it.
    fn back_product(
        &self,
        layer: &Layer,
        (gates, first, count): (View, i64, i64),
        adds: bool,
        d: View,
    ) -> Task<Work> {
        let weights = self.back_weights(WEIGHTS_ITER, layer, first);
        let sizes = (self.s.n, self.s.sic, count * self.s.dhc, 1);
        let factors = [gates.into(), weights, d.into()];
        self.program.product((true, adds), sizes, factors, sum())
    }

    fn vanilla_back(&self, layer: &Layer, g: &Gradients) -> Vec<Phase> {
        let slope = self.desc.act().slope(layer.gates);
        let gate = self.set(g.gates, (g.shown + g.state) * slope);
        let back = self.back_product(layer, (g.gates, 0, 1), false, g.state);
        vec![vec![gate], vec![back]]
    }

    fn lstm_back(&self, layer: &Layer, g: &Gradients) -> Vec<Phase> {
        let (mut phases, mut phase) = (Vec::new(), Vec::new());
        let [i, f, c, o] = self.each_gate(layer.gates);
        let [di, df, dc, d_o] = self.each_gate(g.gates);
        let [pi, pf, po] = [0, 1, 2].map(|gate| self.user_gate(PEEPHOLE, layer, gate));
        let (dcells, tanh) = (g.cells, TANH.of(layer.c.now));
        let mut dh = g.shown + g.state;
        if let Some((both, before)) = g.projected {
            phases.push(vec![self.tile(self.s.dic, both, dh)]);
            let weights = self.back_weights(PROJECTION, layer, 0);
            let sizes = (self.s.n, self.s.dhc, self.s.dic, 1);
            let factors = [both.into(), weights, before.into()];
            phase.push(self.program.product((true, false), sizes, factors, sum()));
            phase.push(self.set(g.kept, o * tanh.clone()));
            dh = before.into();
        }
        let by_cells = dcells + dh.clone() * o * TANH.slope(tanh.clone());
        let left = (dcells * f)
            .plus(pi.map(|p| p * di))
            .plus(pf.map(|p| p * df));
        phase.extend([
            self.set(d_o, dh * tanh * LOGISTIC.slope(o)),
            self.set(dcells, by_cells.plus(po.map(|p| p * d_o))),
            self.set(di, dcells * c * LOGISTIC.slope(i)),
            self.set(df, dcells * layer.c.before * LOGISTIC.slope(f)),
            self.set(dc, dcells * i * TANH.slope(c)),
            self.set(dcells, left),
        ]);
        phases.push(phase);
        let back = self.back_product(layer, (g.gates, 0, 4), false, g.state);
        phases.push(vec![back]);
        phases
    }

    fn gru_back(&mut self, layer: &Layer, g: &Gradients) -> Vec<Phase> {
        let before = layer.h.before;
        let [u, r, o, s] = self.each_gate(layer.gates);
        let [du, dr, d_o, ds] = self.each_gate(g.gates);
        let attention = self.user(ATTENTION, 0, 0);
        let (dh, kept) = (g.shown + g.state, update(u, attention));
        let by_update = dh.clone() * (before - o) * LOGISTIC.slope(u);
        let mut phase = vec![self.set(d_o, dh.clone() * rest(kept.clone()) * TANH.slope(o))];
        if attention.is_some() {
            phase.push(self.set(g.terms, dh.clone() * (o - before) * u));
        }
        phase.push(self.set(du, update(by_update, attention)));
        phase.push(self.set(g.state, dh * kept));
        let both = self.back_product(layer, (g.gates, 0, 2), true, g.state);
        if self.desc.cell.is_linear_before_reset() {
            phase.push(self.set(dr, d_o * s * LOGISTIC.slope(r)));
            phase.push(self.set(ds, d_o * r));
            let inner = self.back_product(layer, (ds, 2, 1), true, g.state);
            return vec![phase, vec![both, inner]];
        }
        // The gradient of the state after reset.
        let reset = self.scratch(self.s.n, self.s.dhc, DataType::F32);
        let second = vec![
            self.back_product(layer, (d_o, 2, 1), false, reset),
            self.set(dr, reset * before * LOGISTIC.slope(r)),
            self.set(g.state, g.state + reset * r),
            self.set(g.kept, r * before),
        ];
        vec![phase, second, vec![both]]
    }

    /// Adds a step's gradients of the gates to that of the bias, while they are near the core: behind the last element-wise
    /// task, which a product ends.
    fn bias_back(&self, layer: &Layer, g: &Gradients, first: &mut Phase, phases: &mut [Phase]) {
        let Some(d) = self.user(DIFF + BIAS, layer.l, layer.dir) else {
            return;
        };
        let slots = self.desc.cell.slots();
        if self.desc.overwrites {
            let columns = slots * self.s.dhc;
            first.push(self.program.tile((1, columns), d, 0.0));
        }
        let sizes = (self.s.n, self.s.dhc);
        let ready = phases.len() - 2;
        for slot in 0..slots {
            let d = self.gate(d, slot);
            let sum = self.program.sum(sizes, d, self.gate(g.gates, slot), true);
            phases[ready].push(sum);
        }
    }

    /// What follows from the gradients of the gates of all steps, and what is left behind the first step.
    fn afterwards(&mut self, layer: &Layer, g: &Gradients, below: View) -> Phase {
        let given = [SRC_ITER, SRC_ITER_C].map(|i| DIFF + i);
        let mut tasks = self.store_states(layer, given, self.s.sic, [g.state, g.cells]);
        // Gates that were multiplied with one state, and where the gradients of its product lie.
        let (gates, states) = (self.s.gates, (layer.h.before, self.s.sic));
        let groups = match self.desc.cell {
            Cell::Vanilla | Cell::Lstm => vec![(0, gates, states, 0)],
            cell if cell.is_linear_before_reset() => vec![(0, 2, states, 0), (2, 1, states, 3)],
            _ => vec![(0, 2, states, 0), (2, 1, (g.kept, self.s.dhc), 2)],
        };
        for (first, count, states, slot) in groups {
            let by = |i, input, slot| {
                let own = self.gate(g.gates, slot);
                self.by_weights(i, layer, (first, count), input, own)
            };
            let x = by(WEIGHTS_LAYER, (layer.x, self.s.slc), first);
            let both = [x, by(WEIGHTS_ITER, states, slot)].into_iter().flatten();
            tasks.extend(both.reduce(Task::beside));
        }
        if let Some((sum, _)) = g.projected {
            tasks.extend(self.by_weights(PROJECTION, layer, (0, 1), (g.kept, self.s.dhc), sum));
        }
        tasks.extend(self.by_peephole(layer, g));
        tasks.push(self.by_input(layer, g, below));
        tasks.extend(self.by_attention(layer, g));
        tasks
    }

    /// The gradient by weights of some gates: what was multiplied with them, transposed, times the gates' gradients.
    fn by_weights(
        &self,
        i: usize,
        layer: &Layer,
        (first, count): (i64, i64),
        (input, channels): (View, i64),
        gates: View,
    ) -> Option<Task<Work>> {
        self.user(DIFF + i, layer.l, layer.dir)?;
        let d = self.weights(DIFF + i, layer, first);
        let projects = i == PROJECTION;
        let columns = if projects { self.s.dic } else { self.s.dhc };
        let sizes = (channels, columns, self.rows(), count);
        let input = Factor::from(input.at(0)).transposed();
        let factors = [input, self.gates(gates.at(0), 0), d];
        let how = (false, !self.desc.overwrites);
        Some(self.program.product(how, sizes, factors, sum()))
    }

    /// Gates' gradients times the cell states they looked at, summed over all rows.
    fn by_peephole(&self, layer: &Layer, g: &Gradients) -> Phase {
        let rows = (self.rows(), self.s.dhc);
        let mut tasks = Vec::new();
        let (terms, c) = (g.terms.at(0), layer.c);
        for (i, slot, cells) in [(0, 0, c.before), (1, 1, c.before), (2, 3, c.now)] {
            if let Some(d) = self.user_gate(DIFF + PEEPHOLE, layer, i) {
                let gate = self.gate(g.gates, slot).at(0);
                tasks.push(self.program.tile(rows, terms, gate * cells.at(0)));
                tasks.push(self.program.sum(rows, d, terms, !self.desc.overwrites));
            }
        }
        tasks
    }

    fn by_input(&self, layer: &Layer, g: &Gradients, below: View) -> Task<Work> {
        let user = self.user(DIFF + SRC_LAYER, 0, 0).filter(|_| layer.l == 0);
        let adds = user.is_some() && layer.dir == 1;
        let d = user.unwrap_or(below).at(0);
        let weights = self.back_weights(WEIGHTS_LAYER, layer, 0);
        let sizes = (self.rows(), self.s.slc, self.s.gates * self.s.dhc, 1);
        let factors = [g.gates.at(0).into(), weights, d.into()];
        self.program.product((false, adds), sizes, factors, sum())
    }

    /// Sums over the columns are products with ones.
    fn by_attention(&mut self, layer: &Layer, g: &Gradients) -> Option<Task<Work>> {
        let mut d = self.user(DIFF + ATTENTION, 0, 0)?.at(0);
        d.col = d.dtype.size_bytes() as i64;
        let ones = self.program.constant(vec![1.0; self.s.dhc as usize]);
        let ones = Factor::strided(ones, 4, 4, 0);
        let adds = layer.dir == 1 || layer.l < self.s.layers - 1;
        let sizes = (self.rows(), 1, self.s.dhc, 1);
        let factors = [g.terms.at(0).into(), ones, d.into()];
        Some(self.program.product((false, adds), sizes, factors, sum()))
    }
}
