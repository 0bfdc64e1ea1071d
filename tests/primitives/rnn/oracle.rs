//! What recurrent layers compute, from the formulas of `docs/rnn.md`, one number at a time in f64.
//!
//! Values are nodes of a tape that remembers how each was made, so gradients need no formulas of their own: they are the
//! chain rule, applied from the end to the beginning.

use crate::tensor::{Array, Type, for_each};

/// A number on the tape.
pub type Var = usize;

/// Numbers, each with what it was made from and its derivatives by these.
#[derive(Default)]
pub struct Tape {
    values: Vec<f64>,
    /// What all numbers were made from, one after another: others with their derivatives, pairs of factors.
    origins: Vec<(Var, f64)>,
    factors: Vec<[u32; 2]>,
    /// Where those of each number end.
    ends: Vec<[usize; 2]>,
    /// How near numbers came to where they would have been rounded to another integer.
    margin: Option<f64>,
    /// How near arguments of relu came to 0, where its slope jumps.
    kink: Option<f64>,
}

/// How a type keeps numbers: as type(scale·x + shift).
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    pub dtype: Type,
    pub scale: f64,
    pub shift: f64,
}

impl Keep {
    /// What is stored for a number.
    pub fn stored(&self, x: f64) -> f64 {
        self.dtype.round(x * self.scale + self.shift)
    }

    /// The number that a stored value stands for.
    pub fn number(&self, stored: f64) -> f64 {
        (stored - self.shift) / self.scale
    }
}

impl Tape {
    fn push(&mut self, value: f64, origins: impl IntoIterator<Item = (Var, f64)>) -> Var {
        self.values.push(value);
        self.origins.extend(origins);
        self.ends.push([self.origins.len(), self.factors.len()]);
        self.values.len() - 1
    }

    fn number(&mut self, value: f64) -> Var {
        self.push(value, [])
    }

    fn sum(&mut self, terms: &[Var]) -> Var {
        let value = terms.iter().map(|&x| self.values[x]).sum();
        self.push(value, terms.iter().map(|&x| (x, 1.0)))
    }

    fn mul(&mut self, x: Var, y: Var) -> Var {
        let (a, b) = (self.values[x], self.values[y]);
        self.push(a * b, [(x, b), (y, a)])
    }

    /// Σ x·y
    fn dot(&mut self, pairs: impl Iterator<Item = (Var, Var)>) -> Var {
        let mut value = 0.0;
        for (x, y) in pairs {
            value += self.values[x] * self.values[y];
            self.factors.push([x as u32, y as u32]);
        }
        self.push(value, [])
    }

    /// 1 - x
    fn rest(&mut self, x: Var) -> Var {
        self.push(1.0 - self.values[x], [(x, -1.0)])
    }

    fn logistic(&mut self, x: Var) -> Var {
        let y = 1.0 / (1.0 + (-self.values[x]).exp());
        self.push(y, [(x, y * (1.0 - y))])
    }

    fn tanh(&mut self, x: Var) -> Var {
        let y = self.values[x].tanh();
        self.push(y, [(x, 1.0 - y * y)])
    }

    fn relu(&mut self, alpha: f64, x: Var) -> Var {
        let slope = if self.values[x] > 0.0 { 1.0 } else { alpha };
        let nearest = self.kink.unwrap_or(f64::INFINITY);
        self.kink = Some(nearest.min(self.values[x].abs()));
        self.push(slope * self.values[x], [(x, slope)])
    }

    /// The same number as it is kept.
    fn kept(&mut self, keep: Keep, x: Var) -> Var {
        let value = self.values[x];
        let stored = keep.stored(value);
        if keep.dtype.is_int() {
            // Beyond the largest and the smallest integer there is nothing else to be rounded to.
            let exact = value * keep.scale + keep.shift;
            let margin = 0.5 - (exact - stored).abs();
            let most = self.margin.unwrap_or(f64::INFINITY);
            self.margin = Some(most.min(margin.abs()));
        }
        self.push(keep.number(stored), [(x, 1.0)])
    }

    /// Derivatives of Σ weight·x by every number of the tape, and the squares of the terms that each is the sum of.
    fn gradients(&self, weighted: &[(Var, f64)]) -> (Vec<f64>, Vec<f64>) {
        let mut gradients = vec![0.0; self.values.len()];
        let mut squares = gradients.clone();
        weighted
            .iter()
            .for_each(|&(x, weight)| gradients[x] += weight);
        for x in (0..self.values.len()).rev() {
            let gradient = gradients[x];
            let mut add = |y: Var, by: f64| {
                gradients[y] += gradient * by;
                squares[y] += (gradient * by).powi(2);
            };
            let [origins, factors] = if x == 0 { [0, 0] } else { self.ends[x - 1] };
            for &(y, by) in &self.origins[origins..self.ends[x][0]] {
                add(y, by);
            }
            for pair in &self.factors[factors..self.ends[x][1]] {
                let [y, z] = pair.map(|x| x as Var);
                add(y, self.values[z]);
                add(z, self.values[y]);
            }
        }
        (gradients, squares)
    }
}

/// A tensor of numbers on the tape.
#[derive(Clone)]
pub struct Vars {
    dims: Vec<i64>,
    vars: Vec<Var>,
}

impl Vars {
    fn at(&self, index: &[i64]) -> Var {
        let linear = self
            .dims
            .iter()
            .zip(index)
            .fold(0, |linear, (dim, i)| linear * dim + i);
        self.vars[linear as usize]
    }

    fn leaves(tape: &mut Tape, array: &Array) -> Vars {
        let vars = array.data.iter().map(|&x| tape.number(x)).collect();
        Vars {
            dims: array.dims.clone(),
            vars,
        }
    }
}

/// The tensors of a forward pass in the order of the API: src_layer, src_iter, src_iter_c, attention, weights_layer,
/// weights_iter, weights_peephole, weights_projection, bias; then dst_layer, dst_iter, dst_iter_c.
pub const INPUTS: usize = 9;
pub const OUTPUTS: usize = 3;

/// What decides the formulas besides the tensors.
#[derive(Clone, Copy, Debug)]
pub struct Net<'a> {
    pub cell: &'a str,
    pub direction: &'a str,
    pub relu: f64,
    /// How states are kept, if not exactly.
    pub keep: Option<Keep>,
}

/// One row of a layer's states.
struct Cell<'a> {
    net: Net<'a>,
    inputs: &'a [Option<Vars>],
    l: i64,
    d: i64,
}

impl Cell<'_> {
    fn weights(&self, i: usize) -> &Vars {
        self.inputs[i].as_ref().unwrap()
    }

    fn bias(&self, gate: i64, k: i64) -> Option<Var> {
        self.inputs[8]
            .as_ref()
            .map(|b| b.at(&[self.l, self.d, gate, k]))
    }

    /// Σ_i x[i]·weights[i][gate][k]
    fn product(&self, tape: &mut Tape, which: usize, x: &[Var], gate: i64, k: i64) -> Var {
        let weights = self.weights(which);
        let by = |i: usize| weights.at(&[self.l, self.d, i as i64, gate, k]);
        tape.dot(x.iter().enumerate().map(|(i, &x)| (x, by(i))))
    }

    /// Input and state times weights, plus bias.
    fn gate(&self, tape: &mut Tape, x: &[Var], h: &[Var], gate: i64, k: i64) -> Var {
        let mut terms = vec![
            self.product(tape, 4, x, gate, k),
            self.product(tape, 5, h, gate, k),
        ];
        terms.extend(self.bias(gate, k));
        tape.sum(&terms)
    }

    /// States as they are kept.
    fn kept(&self, tape: &mut Tape, mut h: Vec<Var>) -> Vec<Var> {
        if let Some(keep) = self.net.keep {
            h.iter_mut().for_each(|h| *h = tape.kept(keep, *h));
        }
        h
    }

    /// The states (and cell states) that follow.
    fn step(
        &self,
        tape: &mut Tape,
        x: &[Var],
        h: &[Var],
        c: &[Var],
        attention: Option<Var>,
    ) -> (Vec<Var>, Vec<Var>) {
        let channels = *self.weights(4).dims.last().unwrap();
        let (h, c) = match self.net.cell {
            "lstm" => self.lstm(tape, x, h, c),
            "gru" | "augru" | "lbr_gru" | "lbr_augru" => {
                (self.gru(tape, x, h, attention), Vec::new())
            }
            cell => {
                let one = |k| {
                    let sum = self.gate(tape, x, h, 0, k);
                    match cell {
                        "rnn_tanh" => tape.tanh(sum),
                        "rnn_logistic" => tape.logistic(sum),
                        "rnn_relu" => tape.relu(self.net.relu, sum),
                        _ => panic!("{cell:?} is no cell"),
                    }
                };
                ((0..channels).map(one).collect(), Vec::new())
            }
        };
        (self.kept(tape, h), c)
    }

    fn lstm(&self, tape: &mut Tape, x: &[Var], h: &[Var], c: &[Var]) -> (Vec<Var>, Vec<Var>) {
        let peephole = |tape: &mut Tape, sum: Var, which: i64, k: i64, c: Var| match &self.inputs[6]
        {
            Some(p) => {
                let seen = tape.mul(p.at(&[self.l, self.d, which, k]), c);
                tape.sum(&[sum, seen])
            }
            None => sum,
        };
        let (mut hidden, mut cells) = (Vec::new(), Vec::new());
        for (k, &before) in c.iter().enumerate() {
            let k = k as i64;
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| self.gate(tape, x, h, gate, k));
            let (i, f) = (
                peephole(tape, i, 0, k, before),
                peephole(tape, f, 1, k, before),
            );
            let (i, f, g) = (tape.logistic(i), tape.logistic(f), tape.tanh(g));
            let (kept, new) = (tape.mul(f, before), tape.mul(i, g));
            let cell = tape.sum(&[kept, new]);
            let o = peephole(tape, o, 2, k, cell);
            let (o, shown) = (tape.logistic(o), tape.tanh(cell));
            hidden.push(tape.mul(o, shown));
            cells.push(cell);
        }
        let Some(projection) = &self.inputs[7] else {
            return (hidden, cells);
        };
        let hidden = self.kept(tape, hidden);
        let project = |p: i64| {
            let pair = |(k, &h): (usize, &Var)| (h, projection.at(&[self.l, self.d, k as i64, p]));
            tape.dot(hidden.iter().enumerate().map(pair))
        };
        ((0..projection.dims[3]).map(project).collect(), cells)
    }

    fn gru(&self, tape: &mut Tape, x: &[Var], h: &[Var], attention: Option<Var>) -> Vec<Var> {
        let channels = 0..h.len() as i64;
        let mut gates = |gate| -> Vec<Var> {
            let sums: Vec<Var> = channels
                .clone()
                .map(|k| self.gate(tape, x, h, gate, k))
                .collect();
            sums.into_iter().map(|sum| tape.logistic(sum)).collect()
        };
        let (mut update, reset) = (gates(0), gates(1));
        if let Some(a) = attention {
            let kept = tape.rest(a);
            update.iter_mut().for_each(|u| *u = tape.mul(kept, *u));
        }
        let candidates: Vec<Var> = if self.net.cell.starts_with("lbr") {
            let one = |k: i64| {
                let mut inner = vec![self.product(tape, 5, h, 2, k)];
                inner.extend(self.bias(3, k));
                let inner = tape.sum(&inner);
                let mut terms = vec![
                    self.product(tape, 4, x, 2, k),
                    tape.mul(reset[k as usize], inner),
                ];
                terms.extend(self.bias(2, k));
                let sum = tape.sum(&terms);
                tape.tanh(sum)
            };
            channels.map(one).collect()
        } else {
            let after: Vec<Var> = h
                .iter()
                .zip(&reset)
                .map(|(&h, &r)| tape.mul(h, r))
                .collect();
            let after = self.kept(tape, after);
            let one = |k| {
                let sum = self.gate(tape, x, &after, 2, k);
                tape.tanh(sum)
            };
            channels.map(one).collect()
        };
        let one = |k: usize| {
            let (kept, new) = (tape.mul(update[k], h[k]), tape.rest(update[k]));
            let new = tape.mul(new, candidates[k]);
            tape.sum(&[kept, new])
        };
        (0..h.len()).map(one).collect()
    }
}

/// A forward pass on a tape.
pub struct Pass {
    tape: Tape,
    inputs: Vec<Option<Vars>>,
    outputs: Vec<Vars>,
}

impl Pass {
    /// Runs all layers in all directions.
    pub fn new(net: Net, given: &[Option<Array>], dst_channels: i64) -> Pass {
        let mut tape = Tape::default();
        let inputs: Vec<_> = given
            .iter()
            .map(|a| a.as_ref().map(|a| Vars::leaves(&mut tape, a)))
            .collect();
        let src = inputs[0].clone().unwrap();
        let (t, n) = (src.dims[0], src.dims[1]);
        let weights = inputs[4].as_ref().unwrap().dims.clone();
        let (layers, directions, dhc) = (weights[0], weights[1], weights[4]);
        let sic = inputs[5].as_ref().unwrap().dims[2];
        let zero = tape.number(0.0);
        let mut shown: Vec<Vec<Vec<Vec<Var>>>> = Vec::new(); // by direction, time, row
        let (mut last, mut last_cells) = (vec![zero; 0], vec![zero; 0]);
        let mut ends =
            vec![vec![(Vec::new(), Vec::new()); (n * directions) as usize]; layers as usize];
        for d in 0..directions {
            let channels = 0..src.dims[2];
            let mut below: Vec<Vec<Vec<Var>>> = (0..t)
                .map(|t| {
                    (0..n)
                        .map(|n| channels.clone().map(|c| src.at(&[t, n, c])).collect())
                        .collect()
                })
                .collect();
            for l in 0..layers {
                let mut above = vec![vec![Vec::new(); n as usize]; t as usize];
                for row in 0..n {
                    let start = |i: usize, count: i64| -> Vec<Var> {
                        let one = |k| {
                            inputs[i]
                                .as_ref()
                                .map_or(zero, |s: &Vars| s.at(&[l, d, row, k]))
                        };
                        (0..count).map(one).collect()
                    };
                    let cell = Cell {
                        net,
                        inputs: &inputs,
                        l,
                        d,
                    };
                    let mut h = cell.kept(&mut tape, start(1, sic));
                    let mut c = start(2, dhc);
                    let backwards = d == 1 || net.direction == "r2l";
                    for step in 0..t {
                        let time = if backwards { t - 1 - step } else { step };
                        let attention = inputs[3].as_ref().map(|a| a.at(&[time, row, 0]));
                        (h, c) = cell.step(
                            &mut tape,
                            &below[time as usize][row as usize],
                            &h,
                            &c,
                            attention,
                        );
                        above[time as usize][row as usize] = h.clone();
                    }
                    ends[l as usize][(d * n + row) as usize] = (h, c);
                }
                below = above;
            }
            shown.push(below);
        }
        for (h, c) in ends.into_iter().flatten() {
            last.extend(h);
            last_cells.extend(c);
        }
        let mut outputs = Vec::new();
        for_each(&[t, n], |index| {
            let [t, n] = [index[0] as usize, index[1] as usize];
            match net.direction {
                "sum" => {
                    for (&x, &y) in shown[0][t][n].iter().zip(&shown[1][t][n]) {
                        outputs.push(tape.sum(&[x, y]));
                    }
                }
                _ => shown.iter().for_each(|rows| outputs.extend(&rows[t][n])),
            }
        });
        let dic = last.len() as i64 / (layers * directions * n);
        let outputs = [
            (vec![t, n, dst_channels], outputs),
            (vec![layers, directions, n, dic], last),
            (vec![layers, directions, n, dhc], last_cells),
        ];
        let outputs = outputs.map(|(dims, vars)| Vars { dims, vars }).to_vec();
        Pass {
            tape,
            inputs,
            outputs,
        }
    }

    /// How near states came to where they would have been rounded to another integer.
    pub fn margin(&self) -> f64 {
        self.tape.margin.unwrap_or(f64::INFINITY)
    }

    /// How near arguments of relu came to 0.
    pub fn kink(&self) -> f64 {
        self.tape.kink.unwrap_or(f64::INFINITY)
    }

    /// Output `i`: dst_layer, dst_iter or dst_iter_c.
    pub fn output(&self, i: usize) -> Array {
        let Vars { dims, vars } = &self.outputs[i];
        Array {
            dims: dims.clone(),
            data: vars.iter().map(|&x| self.tape.values[x]).collect(),
        }
    }

    /// The gradients by all inputs, from those by the outputs; with each the largest root of the squares of the terms that
    /// one of its numbers sums: as large are sums of such terms, though some cancel out.
    pub fn gradients(&self, by_outputs: &[Option<Array>]) -> Vec<Option<(Array, f64)>> {
        let mut weighted = Vec::new();
        for (output, gradient) in self.outputs.iter().zip(by_outputs) {
            if let Some(gradient) = gradient {
                weighted.extend(
                    output
                        .vars
                        .iter()
                        .copied()
                        .zip(gradient.data.iter().copied()),
                );
            }
        }
        let (gradients, squares) = self.tape.gradients(&weighted);
        let of = |v: &Vars| {
            let array = Array {
                dims: v.dims.clone(),
                data: v.vars.iter().map(|&x| gradients[x]).collect(),
            };
            let largest = v
                .vars
                .iter()
                .fold(0.0, |most: f64, &x| most.max(squares[x]));
            (array, largest.sqrt())
        };
        self.inputs.iter().map(|v| v.as_ref().map(of)).collect()
    }
}
