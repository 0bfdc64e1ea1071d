//! Forward passes: `docs/rnn.md` has the formulas.

use super::{
    Cell,
    layer::{Layer, Net},
    program::{Factor, Task, View, Work},
    tensor::*,
};
use crate::{
    attr::Eltwise,
    kernel::{
        eltwise,
        expr::{Builder, Id},
    },
    plan::rnn,
};

/// The phases of one time step.
type Phases = Vec<Vec<Task<Work>>>;

/// 1/(1 + exp(-x))
fn logistic(b: &mut Builder, x: Id) -> Id {
    eltwise::forward(b, Eltwise::Logistic, 0.0, 0.0, x)
}

/// The hyperbolic tangent.
pub fn tanh(b: &mut Builder, x: Id) -> Id {
    eltwise::forward(b, Eltwise::Tanh, 0.0, 0.0, x)
}

/// 1 - x
pub fn rest(b: &mut Builder, x: Id) -> Id {
    let one = b.float(1.0);
    b.sub(one, x)
}

/// The update gate as it weighs the old state: less attention, where there is attention.
pub fn update(b: &mut Builder, u: Id, attention: Option<&Id>) -> Id {
    attention.map_or(u, |&a| {
        let kept = rest(b, a);
        b.mul(kept, u)
    })
}

/// x plus all of these.
pub fn plus(b: &mut Builder, x: Id, others: &[Id]) -> Id {
    others.iter().fold(x, |x, &other| b.add(x, other))
}

impl Net<'_> {
    pub fn forward(&mut self) {
        self.each_layer(false, |net, l, dir| {
            let layer = net.layer(l, dir);
            let mut first = vec![net.input(&layer)];
            first.extend(net.initial(&layer));
            let phases = net.steps(&layer, &mut first);
            net.program.stage(1, false, vec![first]);
            net.program.stage(net.s.t, layer.reversed, phases);
            let last = net.last(&layer);
            net.program.stage(1, false, vec![last]);
        });
    }

    /// The gate buffer from gate `g` on.
    pub fn gate(&self, gates: View, g: i64) -> View {
        gates.shifted(g * self.s.dhc * gates.col)
    }

    /// The same for a product that writes or reads gate by gate.
    pub fn gates(&self, gates: View, g: i64) -> Factor {
        let view = self.gate(gates, g);
        Factor {
            gate: self.s.dhc * view.col,
            ..Factor::rows(view)
        }
    }

    /// Input times weights plus bias, for all steps.
    fn input(&self, layer: &Layer) -> Task<Work> {
        let (rows, _) = self.rows();
        let bias: Vec<View> = self.user_gate(BIAS, layer, 0).into_iter().collect();
        let factors = [
            Factor::rows(layer.x.at(0)),
            self.weights(WEIGHTS_LAYER, layer, 0),
            self.gates(layer.gates.at(0), 0),
        ];
        let sizes = (
            rows,
            self.s.dhc as usize,
            self.s.slc as usize,
            self.s.gates as usize,
        );
        self.program
            .product((false, false), sizes, factors, &bias, plus)
    }

    /// `to` of `cols` columns for the rows of a step, from an optional tensor.
    pub fn copied(&self, cols: i64, to: View, from: Option<View>) -> Task<Work> {
        let from: Vec<View> = from.into_iter().collect();
        let value = |b: &mut Builder, x: &[Id]| x.first().copied().unwrap_or_else(|| b.float(0.0));
        self.program
            .tile((self.rows().1, cols as usize), to, &from, value)
    }

    /// When a pass begins, and when it ends.
    pub fn times(&self, backwards: bool) -> (i64, i64) {
        if backwards {
            (self.s.t - 1, 0)
        } else {
            (0, self.s.t - 1)
        }
    }

    fn initial(&self, layer: &Layer) -> Vec<Task<Work>> {
        let (begin, _) = self.times(layer.reversed);
        let state = self.user(SRC_ITER, layer.l, layer.dir);
        let mut tasks = vec![self.copied(self.s.sic, layer.h.before.at(begin), state)];
        if self.desc.cell == Cell::Lstm {
            let cells = self.user(SRC_ITER_C, layer.l, layer.dir);
            tasks.push(self.copied(self.s.dhc, layer.c.before.at(begin), cells));
        }
        tasks
    }

    fn last(&self, layer: &Layer) -> Vec<Task<Work>> {
        let (_, end) = self.times(layer.reversed);
        let copy = |i: usize, cols: i64, from: View| {
            let to = self.user(i, layer.l, layer.dir)?;
            Some(self.copied(cols, to, Some(from.at(end))))
        };
        let states = copy(DST_ITER, self.s.dic, layer.h.now);
        states
            .into_iter()
            .chain(copy(DST_ITER_C, self.s.dhc, layer.c.now))
            .collect()
    }

    /// The columns of the layer tensor `i` that belong to a direction.
    pub fn joined(&self, i: usize, dir: i64) -> Option<View> {
        let view = self.user(i, 0, 0)?;
        let concat = self.desc.direction == super::Direction::Concat;
        Some(if concat {
            view.shifted(dir * self.s.dic * view.col)
        } else {
            view
        })
    }

    /// What a step of the last layer shows: the state; with two directions summed, added to what the first left.
    fn shown(&self, layer: &Layer) -> Option<Task<Work>> {
        let to = self
            .joined(DST_LAYER, layer.dir)
            .filter(|_| layer.l == self.s.layers - 1)?;
        let mut from = vec![layer.h.now];
        if layer.dir == 1 && self.desc.direction == super::Direction::Sum {
            from.push(to);
        }
        let sizes = (self.rows().1, self.s.dic as usize);
        Some(
            self.program
                .tile(sizes, to, &from, |b, x| plus(b, x[0], &x[1..])),
        )
    }

    /// The phases of a step; what they read at every step is packed by tasks of `first`.
    fn steps(&mut self, layer: &Layer, first: &mut Vec<Task<Work>>) -> Phases {
        let (g, k, n) = (
            self.s.gates as usize,
            self.s.sic as usize,
            self.s.dhc as usize,
        );
        let weights = self.repeated((g, k, n), self.weights(WEIGHTS_ITER, layer, 0), first);
        let mut phases = match self.desc.cell {
            Cell::Vanilla => self.vanilla(layer, &weights),
            Cell::Lstm => self.lstm(layer, &weights, first),
            _ => self.gru(layer, &weights),
        };
        phases
            .last_mut()
            .expect("every cell has a phase")
            .extend(self.shown(layer));
        phases
    }

    /// Adds a state's product with the weights of some gates to these, then applies f.
    fn gate_product(
        &self,
        layer: &Layer,
        (first, count): (i64, i64),
        (state, weights): (View, &Factor),
        operands: &[View],
        f: impl FnOnce(&mut Builder, Id, &[Id]) -> Id,
    ) -> Task<Work> {
        let weights = Factor {
            view: weights.view.shifted(first * weights.gate),
            ..weights.clone()
        };
        let sizes = (
            self.rows().1,
            self.s.dhc as usize,
            self.s.sic as usize,
            count as usize,
        );
        let factors = [Factor::rows(state), weights, self.gates(layer.gates, first)];
        self.program
            .product((true, true), sizes, factors, operands, f)
    }

    /// A tile of the cell's columns.
    pub fn cell_tile(
        &self,
        d: View,
        operands: &[View],
        f: impl FnOnce(&mut Builder, &[Id]) -> Id,
    ) -> Task<Work> {
        self.program
            .tile((self.rows().1, self.s.dhc as usize), d, operands, f)
    }

    fn vanilla(&self, layer: &Layer, weights: &Factor) -> Phases {
        let d = self.desc;
        let act = |b: &mut Builder, x, _: &[Id]| {
            eltwise::forward(b, d.activation, d.alpha.get(), d.beta.get(), x)
        };
        let state = (layer.h.before, weights);
        vec![vec![
            self.gate_product(layer, (0, 1), state, &[], act),
            self.copied(self.s.dhc, layer.h.now, Some(layer.gates)),
        ]]
    }

    fn lstm(&mut self, layer: &Layer, weights: &Factor, first: &mut Vec<Task<Work>>) -> Phases {
        let state = (layer.h.before, weights);
        let peep = |gate, cells| {
            self.user_gate(PEEPHOLE, layer, gate)
                .map_or(Vec::new(), |p| vec![p, cells])
        };
        let gated = |b: &mut Builder, x: Id, peephole: &[Id]| {
            let x = if let [p, c] = *peephole {
                b.fma(p, c, x)
            } else {
                x
            };
            logistic(b, x)
        };
        let [i, f, candidate, o] = [0, 1, 2, 3].map(|g| self.gate(layer.gates, g));
        // Few rows stream the weights: all gates at once, so that rows of weights are read from end to end.
        let streams = rnn::streams(self.rows().1, self.program.share.0) && !self.desc.has(PEEPHOLE);
        let open = streams.then(|| self.gate_product(layer, (0, 4), state, &[], |_, x, _| x));
        let gates = |(g, count), peephole: &[View], f: &dyn Fn(&mut Builder, Id, &[Id]) -> Id| {
            if !streams {
                return self.gate_product(layer, (g, count), state, peephole, f);
            }
            let (view, sizes) = (
                self.gate(layer.gates, g),
                (self.rows().1, self.s.dhc * count),
            );
            self.program
                .tile((sizes.0, sizes.1 as usize), view, &[view], |b, x| {
                    f(b, x[0], &[])
                })
        };
        let mut phase: Vec<_> = open.into_iter().collect();
        phase.push(gates((0, 2), &peep(0, layer.c.before), &gated));
        phase.push(gates((2, 1), &[], &|b, x, _| tanh(b, x)));
        let cells = self.cell_tile(layer.c.now, &[i, f, candidate, layer.c.before], |b, x| {
            let added = b.mul(x[0], x[2]);
            b.fma(x[1], x[3], added)
        });
        // Gate o looks at the new cell state.
        let output = gates((3, 1), &peep(2, layer.c.now), &gated);
        match self.desc.has(PEEPHOLE) {
            true => phase.extend([cells, output]),
            false => phase.extend([output, cells]),
        }
        let projected = self.desc.has(PROJECTION);
        let hidden = match projected {
            true => self.scratch(self.s.n, self.s.dhc, self.dtype),
            false => layer.h.now,
        };
        phase.push(self.cell_tile(hidden, &[o, layer.c.now], |b, x| {
            let c = tanh(b, x[1]);
            b.mul(x[0], c)
        }));
        if !projected {
            return vec![phase];
        }
        let (k, n) = (self.s.dhc as usize, self.s.dic as usize);
        let weights = self.repeated((1, k, n), self.weights(PROJECTION, layer, 0), first);
        let factors = [hidden, layer.h.now].map(Factor::rows);
        let [hidden, now] = factors;
        let project = self.program.product(
            (true, false),
            (self.rows().1, n, k, 1),
            [hidden, weights, now],
            &[],
            |_, x, _| x,
        );
        vec![phase, vec![project]]
    }

    fn gru(&mut self, layer: &Layer, weights: &Factor) -> Phases {
        let (before, lbr) = (layer.h.before, self.desc.cell.is_linear_before_reset());
        let [u, r, o, s] = [0, 1, 2, 3].map(|g| self.gate(layer.gates, g));
        let mut phase =
            vec![
                self.gate_product(layer, (0, 2), (before, weights), &[], |b, x, _| {
                    logistic(b, x)
                }),
            ];
        let mut new = vec![u, o, before];
        new.extend(self.user(ATTENTION, 0, 0));
        let state = self.cell_tile(layer.h.now, &new, |b, x| {
            let (u, more) = (update(b, x[0], x.get(3)), b.sub(x[2], x[1]));
            b.fma(u, more, x[1])
        });
        if lbr {
            let sizes = (self.rows().1, self.s.dhc as usize, self.s.sic as usize, 1);
            let third = Factor {
                view: weights.view.shifted(2 * weights.gate),
                ..weights.clone()
            };
            let bias: Vec<View> = self.user_gate(BIAS, layer, 3).into_iter().collect();
            let factors = [Factor::rows(before), third, self.gates(layer.gates, 3)];
            phase.push(
                self.program
                    .product((true, false), sizes, factors, &bias, plus),
            );
            phase.push(self.cell_tile(o, &[r, s, o], |b, x| {
                let sum = b.fma(x[0], x[1], x[2]);
                tanh(b, sum)
            }));
            phase.push(state);
            return vec![phase];
        }
        let reset = self.scratch(self.s.n, self.s.dhc, self.dtype);
        phase.push(self.cell_tile(reset, &[r, before], |b, x| b.mul(x[0], x[1])));
        let candidate =
            self.gate_product(layer, (2, 1), (reset, weights), &[], |b, x, _| tanh(b, x));
        vec![phase, vec![candidate, state]]
    }
}
