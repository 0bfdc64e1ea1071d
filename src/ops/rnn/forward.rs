//! Forward passes: `docs/rnn.md` has the formulas.

use super::{
    Cell,
    layer::{Layer, Net},
    program::{Factor, Task, View, Work},
    tensor::*,
};
use crate::{
    attr::{Eltwise, F32, RnnQuant},
    dtype::DataType,
    kernel::{
        eltwise,
        expr::{Builder, Id},
    },
};

/// Four 8-bit ones.
const ONES: f32 = f32::from_bits(0x0101_0101);

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

/// What a cell shows of itself through gate x0: x0·tanh(x1).
pub fn shown(b: &mut Builder, x: &[Id]) -> Id {
    let c = tanh(b, x[1]);
    b.mul(x[0], c)
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

/// A sum as the number that it stands for, times a factor and plus an offset where there are such.
fn number(b: &mut Builder, x: Id, given: &[Id]) -> Id {
    match *given {
        [factor, offset] => b.fma(x, factor, offset),
        [factor] => b.mul(x, factor),
        _ => x,
    }
}

impl Net<'_> {
    pub fn forward(&mut self) {
        self.each_layer(false, |net, l, dir| {
            let mut layer = net.layer(l, dir);
            let mut first = vec![net.input(&layer)];
            first.extend(net.initial(&layer));
            layer.real = net.gates_as_numbers(&layer, &mut first);
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

    /// Input times weights plus bias, for all steps; of 8-bit integers the sums alone, to which the state's are added.
    fn input(&self, layer: &Layer) -> Task<Work> {
        let (rows, _) = self.rows();
        let mut bias: Vec<View> = self.user_gate(BIAS, layer, 0).into_iter().collect();
        let mut gates = self.gates(layer.gates.at(0), 0);
        if self.dtype.is_int() {
            gates.view.dtype = DataType::S32;
            bias.clear();
        }
        let weights = self.weights(WEIGHTS_LAYER, layer, 0);
        let factors = [Factor::rows(layer.x.at(0)), weights, gates];
        let sizes = (rows, self.s.dhc, self.s.slc, self.s.gates);
        self.program
            .product((false, false), sizes, factors, &bias, plus)
    }

    /// What makes numbers of the sums of all gates' products of 8-bit integers; nothing for floats.
    fn gates_as_numbers(&mut self, layer: &Layer, first: &mut Vec<Task<Work>>) -> Vec<View> {
        let weights = [(WEIGHTS_LAYER, self.s.slc), (WEIGHTS_ITER, self.s.sic)];
        let bias = self.user_gate(BIAS, layer, 0);
        let quant = self.attr.rnn_weights.as_ref();
        self.as_numbers(
            layer,
            &weights,
            (self.s.gates, self.s.dhc),
            (quant, bias),
            first,
        )
    }

    /// What makes numbers of Σ q·w for 8-bit data q = scale·x + shift and weights: a factor 1/(scale·scale of w), and the
    /// bias less shift·factor·Σ w. The sums are products with ones, by tasks of `first`.
    fn as_numbers(
        &mut self,
        layer: &Layer,
        weights: &[(usize, i64)],
        (gates, n): (i64, i64),
        (quant, bias): (Option<&RnnQuant>, Option<View>),
        first: &mut Vec<Task<Work>>,
    ) -> Vec<View> {
        if !self.dtype.is_int() {
            return Vec::new();
        }
        let (scale, shift) = self.program.data;
        let scales = quant.map_or(vec![F32::new(1.0)], |q| q.scales.clone());
        let factor = self
            .program
            .constant(scales.into_iter().map(|w| 1.0 / (scale * w.get())));
        let mut operands = vec![factor];
        operands.extend(bias);
        if shift == 0.0 {
            return operands;
        }
        let missed = |b: &mut Builder, x: Id, given: &[Id]| {
            let shift = b.float(-shift);
            let each = b.mul(given[0], shift);
            let all = b.mul(each, x);
            plus(b, all, &given[1..])
        };
        let mut to = self.scratch(gates, n, DataType::F32);
        to.row = 0;
        for (i, &(which, k)) in weights.iter().enumerate() {
            let mut ones = self.program.constant(vec![ONES; (k as usize).div_ceil(4)]);
            (ones.dtype, ones.row, ones.col) = (DataType::U8, k, 1);
            let mut d = Factor::strided(to, 4 * n * gates, 4, 4 * n);
            let mut read = &operands[..];
            if i + 1 < weights.len() {
                (d.view.dtype, read) = (DataType::S32, &[]);
            }
            let factors = [Factor::rows(ones), self.weights(which, layer, 0), d];
            let how = ((true, i > 0), (1, n, k, gates));
            first.push(self.program.product(how.0, how.1, factors, read, missed));
        }
        vec![factor, to]
    }

    /// `to` of `cols` columns for the rows of a step, from an optional tensor.
    pub fn copied(&self, cols: i64, to: View, from: Option<View>) -> Task<Work> {
        let from: Vec<View> = from.into_iter().collect();
        let value = |b: &mut Builder, x: &[Id]| x.first().copied().unwrap_or_else(|| b.float(0.0));
        self.program.tile((self.s.n, cols), to, &from, value)
    }

    /// When a pass begins, and when it ends.
    pub fn times(&self, backwards: bool) -> (i64, i64) {
        let last = self.s.t - 1;
        if backwards { (last, 0) } else { (0, last) }
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
        let column = if concat { dir * self.s.dic } else { 0 };
        Some(view.shifted(column * view.col))
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
        let sizes = (self.s.n, self.s.dic);
        Some(
            self.program
                .tile(sizes, to, &from, |b, x| plus(b, x[0], &x[1..])),
        )
    }

    /// The phases of a step; what they read at every step is computed by tasks of `first`.
    fn steps(&mut self, layer: &Layer, first: &mut Vec<Task<Work>>) -> Phases {
        let weights = self.weights(WEIGHTS_ITER, layer, 0);
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

    /// Adds a state's product with the weights of some gates to these, then applies f to the sum as a number.
    fn gate_product(
        &self,
        layer: &Layer,
        (first, count): (i64, i64),
        (state, weights): (View, &Factor),
        operands: &[View],
        f: impl FnOnce(&mut Builder, Id, &[Id]) -> Id,
    ) -> Task<Work> {
        let weights = weights.clone().at_gate(first);
        let factors = [Factor::rows(state), weights, self.gates(layer.gates, first)];
        let own = layer
            .real
            .iter()
            .map(|v| v.shifted(first * self.s.dhc * v.col));
        let all: Vec<View> = own.chain(operands.iter().copied()).collect();
        let given = layer.real.len();
        let sizes = (self.s.n, self.s.dhc, self.s.sic, count);
        (self.program).product((true, true), sizes, factors, &all, |b, x, read| {
            let (own, others) = read.split_at(given);
            let x = number(b, x, own);
            f(b, x, others)
        })
    }

    /// A tile of the cell's columns.
    pub fn cell_tile(
        &self,
        d: View,
        operands: &[View],
        f: impl FnOnce(&mut Builder, &[Id]) -> Id,
    ) -> Task<Work> {
        self.program.tile((self.s.n, self.s.dhc), d, operands, f)
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
            let x = match *peephole {
                [p, c] => b.fma(p, c, x),
                _ => x,
            };
            logistic(b, x)
        };
        let [i, f, candidate, o] = [0, 1, 2, 3].map(|g| self.gate(layer.gates, g));
        let mut phase = vec![
            self.gate_product(layer, (0, 2), state, &peep(0, layer.c.before), gated),
            self.gate_product(layer, (2, 1), state, &[], |b, x, _| tanh(b, x)),
        ];
        let cells = self.cell_tile(layer.c.now, &[i, f, candidate, layer.c.before], |b, x| {
            let added = b.mul(x[0], x[2]);
            b.fma(x[1], x[3], added)
        });
        // Gate o looks at the new cell state.
        let output = self.gate_product(layer, (3, 1), state, &peep(2, layer.c.now), gated);
        match self.desc.has(PEEPHOLE) {
            true => phase.extend([cells, output]),
            false => phase.extend([output, cells]),
        }
        let projected = self.desc.has(PROJECTION);
        let hidden = match projected {
            true => self.scratch(self.s.n, self.s.dhc, self.dtype),
            false => layer.h.now,
        };
        phase.push(self.cell_tile(hidden, &[o, layer.c.now], shown));
        if !projected {
            return vec![phase];
        }
        let (k, n) = (self.s.dhc, self.s.dic);
        let quant = (self.attr.rnn_projection.as_ref(), None);
        let own = self.as_numbers(layer, &[(PROJECTION, k)], (1, n), quant, first);
        let weights = self.weights(PROJECTION, layer, 0);
        let factors = [Factor::rows(hidden), weights, Factor::rows(layer.h.now)];
        let sizes = (self.s.n, n, k, 1);
        let project = self
            .program
            .product((true, false), sizes, factors, &own, number);
        vec![phase, vec![project]]
    }

    fn gru(&mut self, layer: &Layer, weights: &Factor) -> Phases {
        let (before, lbr) = (layer.h.before, self.desc.cell.is_linear_before_reset());
        let [u, r, o, s] = [0, 1, 2, 3].map(|g| self.gate(layer.gates, g));
        let gated = |b: &mut Builder, x, _: &[Id]| logistic(b, x);
        let mut phase = vec![self.gate_product(layer, (0, 2), (before, weights), &[], gated)];
        let mut new = vec![u, o, before];
        new.extend(self.user(ATTENTION, 0, 0));
        let state = self.cell_tile(layer.h.now, &new, |b, x| {
            let (u, more) = (update(b, x[0], x.get(3)), b.sub(x[2], x[1]));
            b.fma(u, more, x[1])
        });
        if lbr {
            let sizes = (self.s.n, self.s.dhc, self.s.sic, 1);
            let third = weights.clone().at_gate(2);
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
