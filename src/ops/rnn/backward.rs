//! Backward passes: `docs/rnn.md` has the formulas.
//!
//! Step by step only the gradients of the gates are computed, and from them that of the state before. The gradients by
//! the input, the weights and the bias follow at the end, for all steps at once.

use super::{
    Cell,
    forward::{plus, rest, shown, tanh, update},
    layer::{Layer, Net},
    program::{Factor, Task, View, Work},
    tensor::*,
};
use crate::{
    attr::Eltwise,
    dtype::DataType,
    kernel::{
        eltwise,
        expr::{Builder, Id},
    },
};

/// Tasks of one phase.
type Phase = Vec<Task<Work>>;

/// The derivative of an activation by its result.
fn slope(b: &mut Builder, alg: Eltwise, y: Id) -> Id {
    eltwise::derivative(b, alg, true, 0.0, 0.0, y)
}

/// The product of all.
fn times(b: &mut Builder, factors: &[Id]) -> Id {
    factors[1..].iter().fold(factors[0], |x, &y| b.mul(x, y))
}

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
    /// Terms of the gradients by attention or by peephole weights, and a row of ones to sum the former.
    terms: View,
    ones: View,
}

impl Net<'_> {
    pub fn backward(&mut self) {
        let inner = if self.s.layers > 1 { self.s.dic } else { 0 };
        let below = self.scratch_steps(inner, DataType::F32);
        self.each_layer(true, |net, l, dir| {
            let layer = net.layer(l, dir);
            let g = net.gradients(&layer, below);
            let mut first = net.last_gradients(&layer, &g);
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
            ones: self.scratch(1, s.dhc, f32),
        }
    }

    /// What comes back from behind the last step.
    fn last_gradients(&self, layer: &Layer, g: &Gradients) -> Phase {
        let given = |i| self.user(DIFF + i, layer.l, layer.dir);
        let mut tasks = vec![self.copied(self.s.dic, g.state, given(DST_ITER))];
        if self.desc.cell == Cell::Lstm {
            tasks.push(self.copied(self.s.dhc, g.cells, given(DST_ITER_C)));
        }
        let one = |b: &mut Builder, _: &[Id]| b.float(1.0);
        tasks.push(self.program.tile((1, self.s.dhc), g.ones, &[], one));
        tasks
    }

    /// Weights from gate `first` on for the way back: (gate, o) × i.
    fn back_weights(&self, i: usize, layer: &Layer, first: i64) -> Factor {
        let weights = self.weights(i, layer, first).transposed();
        Factor { gate: 0, ..weights }
    }

    /// Gradients of the gates from slot `first` on times their weights, into `d` or added to it.
    fn back_product(
        &self,
        adds: bool,
        (gates, count): (View, i64),
        weights: &Factor,
        d: View,
    ) -> Task<Work> {
        let factors = [Factor::rows(gates), weights.clone(), Factor::rows(d)];
        let sizes = (self.s.n, self.s.sic, count * self.s.dhc, 1);
        self.program.plain((true, adds), sizes, factors)
    }

    fn vanilla_back(&self, layer: &Layer, g: &Gradients) -> Vec<Phase> {
        let d = self.desc;
        let weights = self.back_weights(WEIGHTS_ITER, layer, 0);
        let gate = self.cell_tile(g.gates, &[g.shown, g.state, layer.gates], |b, x| {
            let slope =
                eltwise::derivative(b, d.activation, true, d.alpha.get(), d.beta.get(), x[2]);
            let sum = b.add(x[0], x[1]);
            b.mul(sum, slope)
        });
        let back = self.back_product(false, (g.gates, 1), &weights, g.state);
        vec![vec![gate], vec![back]]
    }

    fn lstm_back(&self, layer: &Layer, g: &Gradients) -> Vec<Phase> {
        let (mut phases, mut phase) = (Vec::new(), Vec::new());
        let [i, f, c, o] = [0, 1, 2, 3].map(|gate| self.gate(layer.gates, gate));
        let [di, df, dc, d_o] = [0, 1, 2, 3].map(|gate| self.gate(g.gates, gate));
        let peepholes = [0, 1, 2].map(|gate| self.user_gate(PEEPHOLE, layer, gate));
        let mut hidden = vec![g.shown, g.state];
        if let Some((sum, before)) = g.projected {
            let added = |b: &mut Builder, x: &[Id]| b.add(x[0], x[1]);
            let sizes = (self.s.n, self.s.dic);
            phases.push(vec![self.program.tile(sizes, sum, &hidden, added)]);
            let weights = self.back_weights(PROJECTION, layer, 0);
            let sizes = (self.s.n, self.s.dhc, self.s.dic, 1);
            let factors = [Factor::rows(sum), weights, Factor::rows(before)];
            phase.push(self.program.plain((true, false), sizes, factors));
            phase.push(self.cell_tile(g.kept, &[o, layer.c.now], shown));
            hidden = vec![before];
        }
        let dh = |b: &mut Builder, x: &[Id]| plus(b, x[0], &x[1..]);
        let with = |views: &[View]| [views, &hidden].concat();
        phase.push(self.cell_tile(d_o, &with(&[o, layer.c.now]), |b, x| {
            let (dh, c) = (dh(b, &x[2..]), tanh(b, x[1]));
            let slope = slope(b, Eltwise::Logistic, x[0]);
            times(b, &[dh, c, slope])
        }));
        phase.push(
            self.cell_tile(g.cells, &with(&[g.cells, o, layer.c.now]), |b, x| {
                let (dh, c) = (dh(b, &x[3..]), tanh(b, x[2]));
                let slope = slope(b, Eltwise::Tanh, c);
                let more = times(b, &[dh, x[1], slope]);
                b.add(x[0], more)
            }),
        );
        if let Some(p) = peepholes[2] {
            phase.push(self.cell_tile(g.cells, &[g.cells, d_o, p], |b, x| b.fma(x[1], x[2], x[0])));
        }
        let gates = [
            (di, c, i, Eltwise::Logistic),
            (df, layer.c.before, f, Eltwise::Logistic),
            (dc, i, c, Eltwise::Tanh),
        ];
        for (d, factor, value, alg) in gates {
            phase.push(self.cell_tile(d, &[g.cells, factor, value], |b, x| {
                let slope = slope(b, alg, x[2]);
                times(b, &[x[0], x[1], slope])
            }));
        }
        let mut terms = vec![g.cells, f];
        if let [Some(pi), Some(pf), _] = peepholes {
            terms.extend([di, pi, df, pf]);
        }
        phase.push(self.cell_tile(g.cells, &terms, |b, x| {
            let first = b.mul(x[0], x[1]);
            x[2..]
                .chunks(2)
                .fold(first, |sum, pair| b.fma(pair[0], pair[1], sum))
        }));
        let weights = self.back_weights(WEIGHTS_ITER, layer, 0);
        let back = self.back_product(false, (g.gates, 4), &weights, g.state);
        phases.extend([phase, vec![back]]);
        phases
    }

    fn gru_back(&mut self, layer: &Layer, g: &Gradients) -> Vec<Phase> {
        let (before, lbr) = (layer.h.before, self.desc.cell.is_linear_before_reset());
        let [u, r, o, s] = [0, 1, 2, 3].map(|gate| self.gate(layer.gates, gate));
        let [du, dr, d_o, ds] = [0, 1, 2, 3].map(|gate| self.gate(g.gates, gate));
        let attention: Vec<View> = self.user(ATTENTION, 0, 0).into_iter().collect();
        let with = |views: &[View]| [&[g.shown, g.state], views, &attention].concat();
        let mut phase = vec![self.cell_tile(d_o, &with(&[u, o]), |b, x| {
            let (dh, u) = (b.add(x[0], x[1]), update(b, x[2], x.get(4)));
            let slope = slope(b, Eltwise::Tanh, x[3]);
            let new = rest(b, u);
            times(b, &[dh, new, slope])
        })];
        if !attention.is_empty() {
            phase.push(
                self.cell_tile(g.terms, &[g.shown, g.state, u, o, before], |b, x| {
                    let (dh, less) = (b.add(x[0], x[1]), b.sub(x[3], x[4]));
                    times(b, &[dh, less, x[2]])
                }),
            );
        }
        phase.push(self.cell_tile(du, &with(&[u, o, before]), |b, x| {
            let (dh, more) = (b.add(x[0], x[1]), b.sub(x[4], x[3]));
            let slope = slope(b, Eltwise::Logistic, x[2]);
            let gradient = times(b, &[dh, more, slope]);
            update(b, gradient, x.get(5))
        }));
        phase.push(self.cell_tile(g.state, &with(&[u]), |b, x| {
            let (dh, u) = (b.add(x[0], x[1]), update(b, x[2], x.get(3)));
            b.mul(dh, u)
        }));
        let two = self.back_weights(WEIGHTS_ITER, layer, 0);
        let third = self.back_weights(WEIGHTS_ITER, layer, 2);
        let both = self.back_product(true, (g.gates, 2), &two, g.state);
        let opened = |b: &mut Builder, x: &[Id]| {
            let slope = slope(b, Eltwise::Logistic, x[2]);
            times(b, &[x[0], x[1], slope])
        };
        if lbr {
            phase.push(self.cell_tile(dr, &[d_o, s, r], opened));
            phase.push(self.cell_tile(ds, &[d_o, r], |b, x| b.mul(x[0], x[1])));
            let inner = self.back_product(true, (ds, 1), &third, g.state);
            return vec![phase, vec![both, inner]];
        }
        // The gradient of the state after reset.
        let reset = self.scratch(self.s.n, self.s.dhc, DataType::F32);
        let second = vec![
            self.back_product(false, (d_o, 1), &third, reset),
            self.cell_tile(dr, &[reset, before, r], opened),
            self.cell_tile(g.state, &[g.state, reset, r], |b, x| {
                b.fma(x[1], x[2], x[0])
            }),
            self.cell_tile(g.kept, &[r, before], |b, x| b.mul(x[0], x[1])),
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
            first.push(self.program.tile((1, columns), d, &[], |b, _| b.float(0.0)));
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
    fn afterwards(&self, layer: &Layer, g: &Gradients, below: View) -> Phase {
        let (l, dir) = (layer.l, layer.dir);
        let mut tasks = Vec::new();
        let (states, cells) = (
            (SRC_ITER, self.s.sic, g.state),
            (SRC_ITER_C, self.s.dhc, g.cells),
        );
        for (i, columns, from) in [states, cells] {
            let to = self.user(DIFF + i, l, dir);
            tasks.extend(to.map(|to| self.copied(columns, to, Some(from))));
        }
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
        let sizes = (channels, columns, self.rows().0, count);
        let input = Factor::rows(input.at(0)).transposed();
        let factors = [input, self.gates(gates.at(0), 0), d];
        let how = (false, !self.desc.overwrites);
        Some(self.program.plain(how, sizes, factors))
    }

    /// Gates' gradients times the cell states they looked at, summed over all rows.
    fn by_peephole(&self, layer: &Layer, g: &Gradients) -> Phase {
        let rows = (self.rows().0, self.s.dhc);
        let mut tasks = Vec::new();
        let (terms, c) = (g.terms.at(0), layer.c);
        for (i, slot, cells) in [(0, 0, c.before), (1, 1, c.before), (2, 3, c.now)] {
            if let Some(d) = self.user_gate(DIFF + PEEPHOLE, layer, i) {
                let factors = [self.gate(g.gates, slot).at(0), cells.at(0)];
                let product = |b: &mut Builder, x: &[Id]| b.mul(x[0], x[1]);
                tasks.push(self.program.tile(rows, terms, &factors, product));
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
        let sizes = (self.rows().0, self.s.slc, self.s.gates * self.s.dhc, 1);
        let factors = [Factor::rows(g.gates.at(0)), weights, Factor::rows(d)];
        self.program.plain((false, adds), sizes, factors)
    }

    /// Sums over the columns are products with ones.
    fn by_attention(&self, layer: &Layer, g: &Gradients) -> Option<Task<Work>> {
        let d = self.user(DIFF + ATTENTION, 0, 0)?;
        let size = g.ones.col;
        let d = Factor::rows(View {
            step: 0,
            col: size,
            ..d
        });
        let adds = layer.dir == 1 || layer.l < self.s.layers - 1;
        let sizes = (self.rows().0, 1, self.s.dhc, 1);
        let ones = Factor::strided(g.ones, size, size, 0);
        let factors = [Factor::rows(g.terms.at(0)), ones, d];
        Some(self.program.plain((false, adds), sizes, factors))
    }
}
