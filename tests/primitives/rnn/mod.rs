//! Recurrent layers: every cell, direction, pass, type and layout.
//!
//! A problem says a cell, a type, oneDNN's sizes and options: `lstm f32 l2t3mb4slc5sic7dhc7dic7 dir=concat
//! with=iter,iter_c,bias,peephole tags=acb:ldigo`. Without `slc`, `sic` or `dic` they equal dhc. `prop=inf`, `fwd` and
//! `bwd` ask for one pass alone. 8-bit problems (`u8`, `s8`) say the tensors that are f32 nevertheless (`f32=iter,dst_layer`), scale
//! and shift of data (`data=100:120.25`) and the masks of the scales of weights and projection (`masks=24:8`). `alpha=0.5` is relu's
//! slope. Single tensors, gradients too, have layouts (`layouts=bias:@9x9x3x1,diff_iter:abdc`) and types (`types=bias:bf16`) of their
//! own; `without=diff_bias` leaves gradients out.

mod fuzz;
mod oracle;

use crate::api::{ExecArg, Handle, INVALID, Owned, Refusal, UNIMPLEMENTED, api, check, here};
use crate::tensor::{Array, Layout, Tensor, Type, describe};
use oracle::{INPUTS, Keep, Net, OUTPUTS, Pass};
use std::cell::OnceCell;
use std::ffi::c_int;
use std::process::Command;
use std::ptr::null_mut;

const IDS: [c_int; INPUTS + OUTPUTS] = [1, 2, 3, 4, 33, 34, 35, 36, 41, 17, 18, 19];
const WORKSPACE: c_int = 64;
const NAMES: [&str; INPUTS + OUTPUTS] = [
    "src_layer",
    "iter",
    "iter_c",
    "attention",
    "weights_layer",
    "weights_iter",
    "peephole",
    "projection",
    "bias",
    "dst_layer",
    "dst_iter",
    "dst_iter_c",
];

/// The number of the argument by which the gradient of tensor i goes.
fn diff_id(i: usize) -> c_int {
    IDS[i] + 128
}

/// Tensors of the forward pass and gradients: both are numbered alike, gradients from here on.
const DIFF: usize = INPUTS + OUTPUTS;

/// The name of a tensor or gradient.
fn name(at: usize) -> String {
    let diff = if at < DIFF { "" } else { "diff_" };
    format!("{diff}{}", NAMES[at % DIFF])
}

fn numbered(text: &str) -> usize {
    let found = (0..2 * DIFF).find(|&at| name(at) == text);
    found.unwrap_or_else(|| panic!("{text:?} is no tensor"))
}

/// A problem: see the top.
#[derive(Clone, Debug)]
struct Problem {
    text: String,
    cell: String,
    dtype: Type,
    sizes: [i64; 7],
    direction: String,
    with: Vec<String>,
    /// Layouts of the layer tensors, of weights, and of states.
    tags: [String; 3],
    /// Layouts and types of single tensors and gradients, and gradients that are left out.
    layouts: Vec<(usize, String)>,
    types: Vec<(usize, Type)>,
    without: Vec<usize>,
    alpha: f32,
    overwrites: bool,
    prop: String,
    /// Tensors of an 8-bit problem that are f32.
    floats: Vec<String>,
    /// Scale and shift of 8-bit data, and the masks of the scales of weights and projection.
    data: (f64, f64),
    masks: [c_int; 2],
    /// Whether these are given as attributes.
    quantised: bool,
}

impl Problem {
    fn new(text: &str) -> Problem {
        let mut words = text.split_whitespace();
        let (cell, dtype, shape) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        );
        let mut problem = Problem {
            text: text.to_owned(),
            cell: cell.to_owned(),
            dtype: Type::named(dtype),
            sizes: sizes(shape),
            direction: "l2r".to_owned(),
            with: ["iter", "iter_c", "bias", "dst_iter", "dst_iter_c"]
                .map(str::to_owned)
                .to_vec(),
            tags: [const { String::new() }; 3],
            layouts: Vec::new(),
            types: Vec::new(),
            without: Vec::new(),
            alpha: 0.25,
            overwrites: false,
            prop: String::new(),
            floats: Vec::new(),
            data: (100.0, if dtype == "s8" { -3.0 } else { 120.0 }),
            masks: [0; 2],
            quantised: matches!(dtype, "u8" | "s8"),
        };
        for word in words {
            let (key, value) = word.split_once('=').unwrap();
            let pairs = value.split(',').filter_map(|pair| pair.split_once(':'));
            match key {
                "layouts" => {
                    let pairs = pairs.map(|(tensor, tag)| (numbered(tensor), tag.to_owned()));
                    problem.layouts = pairs.collect();
                }
                "types" => {
                    let pairs = pairs.map(|(tensor, t)| (numbered(tensor), Type::named(t)));
                    problem.types = pairs.collect();
                }
                "without" => problem.without = value.split(',').map(numbered).collect(),
                "alpha" => problem.alpha = value.parse().unwrap(),
                "dir" => problem.direction = value.to_owned(),
                "with" => problem.with = value.split(',').map(str::to_owned).collect(),
                "tags" => {
                    for (tag, value) in problem.tags.iter_mut().zip(value.split(':')) {
                        *tag = value.to_owned();
                    }
                }
                "overwrites" => problem.overwrites = true,
                "prop" => problem.prop = value.to_owned(),
                "f32" => problem.floats = value.split(',').map(str::to_owned).collect(),
                "data" | "masks" => {
                    problem.quantised = true;
                    let (first, second) = value.split_once(':').unwrap();
                    match key {
                        "data" => problem.data = (first.parse().unwrap(), second.parse().unwrap()),
                        _ => problem.masks = [first, second].map(|m| m.parse().unwrap()),
                    }
                }
                _ => panic!("{key:?} is no option"),
            }
        }
        problem
    }

    fn gates(&self) -> i64 {
        match self.cell.as_str() {
            "lstm" => 4,
            cell if cell.starts_with("rnn") => 1,
            _ => 3,
        }
    }

    fn directions(&self) -> i64 {
        1 + i64::from(matches!(self.direction.as_str(), "concat" | "sum"))
    }

    fn has(&self, at: usize) -> bool {
        match NAMES[at % DIFF] {
            _ if self.without.contains(&at) => false,
            "src_layer" | "weights_layer" | "weights_iter" | "dst_layer" => true,
            "attention" => self.cell.ends_with("augru"),
            "iter_c" | "dst_iter_c" if self.cell != "lstm" => false,
            name => self.with.iter().any(|w| w == name),
        }
    }

    fn dims(&self, i: usize) -> Vec<i64> {
        let [l, t, n, slc, sic, dhc, dic] = self.sizes;
        let (d, g) = (self.directions(), self.gates());
        match NAMES[i % DIFF] {
            "src_layer" => vec![t, n, slc],
            "iter" => vec![l, d, n, sic],
            "iter_c" | "dst_iter_c" => vec![l, d, n, dhc],
            "attention" => vec![t, n, 1],
            "weights_layer" => vec![l, d, slc, g, dhc],
            "weights_iter" => vec![l, d, sic, g, dhc],
            "peephole" => vec![l, d, 3, dhc],
            "projection" => vec![l, d, dhc, dic],
            "bias" => vec![l, d, g + i64::from(self.cell.starts_with("lbr")), dhc],
            "dst_layer" => vec![t, n, dic * if self.direction == "concat" { 2 } else { 1 }],
            _ => vec![l, d, n, dic],
        }
    }

    fn dtype(&self, at: usize) -> Type {
        if let Some((_, dtype)) = self.types.iter().find(|(tensor, _)| *tensor == at) {
            return *dtype;
        }
        match NAMES[at % DIFF] {
            // Gradients are f32 whatever the type.
            _ if at >= DIFF => Type::F32,
            "iter_c" | "dst_iter_c" | "bias" | "peephole" | "attention" => Type::F32,
            name if self.floats.iter().any(|f| f == name) => Type::F32,
            "weights_layer" | "weights_iter" | "projection" if self.dtype.is_int() => Type::S8,
            _ => self.dtype,
        }
    }

    /// The scale of the weights at (gate, output) or of the projection at an output, as the masks say. Odd halves, so that
    /// a sum of products of integers never lies in the middle between two.
    fn weights_scale(&self, which: usize, position: i64) -> f64 {
        match self.masks[which] {
            0 => 83.5,
            _ => 83.5 + 10.0 * (position % 5) as f64,
        }
    }

    /// How a tensor keeps the number at a position.
    fn keep(&self, at: usize, index: &[i64]) -> Keep {
        let dtype = self.dtype(at);
        let (scale, shift) = match NAMES[at % DIFF] {
            _ if !dtype.is_int() => (1.0, 0.0),
            "projection" => (self.weights_scale(1, index[3]), 0.0),
            "weights_layer" | "weights_iter" => {
                let position = index[3] * self.sizes[5] + index[4];
                (self.weights_scale(0, position), 0.0)
            }
            _ => self.data,
        };
        Keep {
            dtype,
            scale,
            shift,
        }
    }

    /// What a tensor holds for these numbers; floats are left to the comparison.
    fn stored(&self, i: usize, numbers: &Array) -> Array {
        let int = self.dtype(i).is_int();
        Array::from_fn(&numbers.dims, |index| match int {
            true => self.keep(i, index).stored(numbers.at(index)),
            false => numbers.at(index),
        })
    }

    /// The attributes of an 8-bit problem.
    fn attributes(&self) -> Option<Owned> {
        let (api, [.., dhc, dic]) = (api(), self.sizes);
        // SAFETY: the place is writable.
        let create = |place| unsafe { (api.primitive_attr_create)(place) };
        let attr = Owned::create(api.primitive_attr_destroy, create).unwrap();
        let scales = |which: usize, count: i64| -> Vec<f32> {
            let count = if self.masks[which] == 0 { 1 } else { count };
            (0..count)
                .map(|p| self.weights_scale(which, p) as f32)
                .collect()
        };
        let (weights, projection) = (scales(0, self.gates() * dhc), scales(1, dic));
        let count = |scales: &[f32]| scales.len() as i64;
        let [mask, mask_of_projection] = self.masks;
        // SAFETY: the attributes are live, and the scales as many as said.
        let statuses = unsafe {
            [
                (api.primitive_attr_set_rnn_data_qparams)(
                    attr.raw,
                    self.data.0 as f32,
                    self.data.1 as f32,
                ),
                (api.primitive_attr_set_rnn_weights_qparams)(
                    attr.raw,
                    count(&weights),
                    mask,
                    weights.as_ptr(),
                ),
                (api.primitive_attr_set_rnn_weights_projection_qparams)(
                    attr.raw,
                    count(&projection),
                    mask_of_projection,
                    projection.as_ptr(),
                ),
            ]
        };
        assert_eq!(statuses, [0; 3]);
        self.quantised.then_some(attr)
    }

    fn tag(&self, at: usize) -> &str {
        if let Some((_, layout)) = self.layouts.iter().find(|(tensor, _)| *tensor == at) {
            return layout;
        }
        match NAMES[at % DIFF] {
            "src_layer" | "dst_layer" => &self.tags[0],
            "weights_layer" | "weights_iter" => &self.tags[1],
            "iter" | "iter_c" | "dst_iter" | "dst_iter_c" if self.tags[2] == "any" => "any",
            "bias" | "projection" | "peephole" if self.tags[1] == "any" => "any",
            _ => "",
        }
    }

    /// Values about 0, small enough that gates stay off their limits; `scale` is for long sums.
    fn values(&self, at: usize, seed: u64) -> Array {
        let (dims, i) = (self.dims(at), at % DIFF);
        let scale = if NAMES[i].starts_with("weights") || NAMES[i] == "projection" {
            3.0 / (dims[2] as f64).sqrt()
        } else {
            1.0
        };
        let mut state = (seed * 100 + i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Array::from_fn(&dims, |index| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let unit = (state >> 40) as f64 / (1u64 << 24) as f64;
            let value = if NAMES[i] == "attention" {
                unit
            } else {
                scale * (unit - 0.5)
            };
            let keep = self.keep(at, index);
            keep.number(keep.stored(value))
        })
    }

    fn net(&self) -> Net<'_> {
        Net {
            cell: &self.cell,
            direction: &self.direction,
            relu: self.alpha.into(),
            keep: (self.dtype != Type::F32).then_some(Keep {
                dtype: self.dtype,
                scale: if self.dtype.is_int() {
                    self.data.0
                } else {
                    1.0
                },
                shift: if self.dtype.is_int() {
                    self.data.1
                } else {
                    0.0
                },
            }),
        }
    }

    /// Inputs and the pass over them; those of 8-bit problems are such that no state of the pass is so near to the middle
    /// between two integers that the rounding of floats could decide between them, and those of relu such that rounding
    /// a state does not decide about a slope, unless there are too many.
    fn pass(&self, terms: f64) -> Data {
        let seeded = |seed| {
            let one = |i| self.has(i).then(|| self.values(i, seed));
            let given: Vec<Option<Array>> = (0..INPUTS).map(one).collect();
            let pass = Pass::new(self.net(), &given, self.dims(9)[2]);
            (given, pass)
        };
        let needed = self.data.0 * self.tolerance(1.0, terms);
        let clear = |pass: &Pass| pass.margin() > needed && pass.kink() > unit(self.dtype);
        let tries = if self.dtype.is_int() { 1..200 } else { 1..60 };
        let found = tries.map(seeded).find(|(_, pass)| clear(pass));
        let or_first = || (!self.dtype.is_int()).then(|| seeded(1));
        (found.or_else(or_first))
            .unwrap_or_else(|| panic!("{}: too many states for exact results", self.text))
    }

    /// What rounding may do to a result: a unit of the type for every number of the chain that led to it, relative to the
    /// largest results. Each step of a layer adds what it keeps in the type: its state or the gradients of its gates, and what a
    /// projection, or a GRU's last product, reads or gives.
    fn tolerance(&self, largest: f64, terms: f64) -> f64 {
        let unit = unit(self.dtype);
        let has_more = self.has(7) || ["gru", "augru"].contains(&self.cell.as_str());
        let kept = self.sizes[0] * self.sizes[1] * if has_more { 2 } else { 1 };
        let chain = kept as f64 + terms.sqrt();
        unit * chain * (largest + 0.1)
    }
}

/// The distance of numbers about 1. Gates and cell states of 8-bit problems are f32.
fn unit(dtype: Type) -> f64 {
    let bits = match dtype {
        Type::F16 => 10,
        Type::Bf16 => 8,
        _ => 23,
    };
    1.0 / f64::from(1 << bits)
}

fn sizes(shape: &str) -> [i64; 7] {
    let names = ["l", "t", "mb", "slc", "sic", "dhc", "dic"];
    let mut sizes = [0; 7];
    let mut rest = shape;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap();
        let (name, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        sizes[names.iter().position(|n| *n == name).unwrap()] = tail[..end].parse().unwrap();
        rest = &tail[end..];
    }
    let dic = if sizes[6] > 0 { sizes[6] } else { sizes[5] };
    sizes[6] = dic;
    for i in [3, 4] {
        sizes[i] = if sizes[i] > 0 { sizes[i] } else { dic };
    }
    sizes
}

/// A memory argument.
struct Argument {
    id: c_int,
    tensor: Tensor,
    memory: Owned,
}

fn argument(id: c_int, layout: Layout, values: Option<&Array>) -> Argument {
    let mut tensor = match values {
        Some(values) => Tensor::holding(layout, values),
        None => Tensor::poisoned(layout),
    };
    let (md, pointer) = (tensor.layout.descriptor(), tensor.pointer());
    // SAFETY: the descriptor is live; the buffer lives as long as the memory object and never moves.
    let memory = Owned::create(api().memory_destroy, |place| unsafe {
        (api().memory_create)(place, md, here().engine, pointer)
    });
    Argument {
        id,
        tensor,
        memory: memory.unwrap(),
    }
}

const TRAINING: c_int = 64;
const INFERENCE: c_int = 96;
const BACKWARD: c_int = 128;

/// Descriptors: the forward pass's, and where it is backward the gradients'.
struct Descriptors(Vec<Option<Owned>>);

impl Descriptors {
    fn new(problem: &Problem, prop: c_int) -> Result<Descriptors, Refusal> {
        let count = if prop == BACKWARD { 2 * DIFF } else { DIFF };
        let one = |at: usize| {
            let describe = || describe(&problem.dims(at), problem.dtype(at), problem.tag(at));
            problem.has(at).then(describe).transpose()
        };
        Ok(Descriptors((0..count).map(one).collect::<Result<_, _>>()?))
    }

    fn get(&self, at: usize) -> Handle {
        self.0[at].as_ref().map_or(null_mut(), |md| md.raw)
    }
}

fn create_pd(problem: &Problem, prop: c_int, mds: &Descriptors) -> Result<Owned, Refusal> {
    let (api, engine, attributes) = (api(), here().engine, problem.attributes());
    let attr = attributes.as_ref().map_or(null_mut(), |a| a.raw);
    let direction = 1 + ["l2r", "r2l", "concat", "sum"]
        .iter()
        .position(|d| *d == problem.direction)
        .unwrap() as c_int;
    let flags = u32::from(problem.overwrites);
    let h = |at: usize| mds.get(at);
    let d = |at: usize| mds.get(DIFF + at);
    let none: Handle = null_mut();
    let activation = match problem.cell.as_str() {
        "rnn_relu" => 32,
        "rnn_tanh" => 33,
        _ => 41,
    };
    // SAFETY: all handles are live or null where the API allows it.
    Owned::create(api.primitive_desc_destroy, |p| unsafe {
        match (problem.cell.as_str(), prop == BACKWARD) {
            ("lstm", false) => (api.lstm_forward_primitive_desc_create)(
                p,
                engine,
                prop,
                direction,
                h(0),
                h(1),
                h(2),
                h(4),
                h(5),
                h(6),
                h(7),
                h(8),
                h(9),
                h(10),
                h(11),
                flags,
                attr,
            ),
            ("lstm", true) => (api.lstm_backward_primitive_desc_create)(
                p,
                engine,
                prop,
                direction,
                h(0),
                h(1),
                h(2),
                h(4),
                h(5),
                h(6),
                h(7),
                h(8),
                h(9),
                h(10),
                h(11),
                d(0),
                d(1),
                d(2),
                d(4),
                d(5),
                d(6),
                d(7),
                d(8),
                d(9),
                d(10),
                d(11),
                flags,
                none,
                attr,
            ),
            (cell @ ("gru" | "lbr_gru"), false) => {
                let f = if cell == "gru" {
                    api.gru_forward_primitive_desc_create
                } else {
                    api.lbr_gru_forward_primitive_desc_create
                };
                f(
                    p,
                    engine,
                    prop,
                    direction,
                    h(0),
                    h(1),
                    h(4),
                    h(5),
                    h(8),
                    h(9),
                    h(10),
                    flags,
                    attr,
                )
            }
            (cell @ ("gru" | "lbr_gru"), true) => {
                let f = if cell == "gru" {
                    api.gru_backward_primitive_desc_create
                } else {
                    api.lbr_gru_backward_primitive_desc_create
                };
                f(
                    p,
                    engine,
                    prop,
                    direction,
                    h(0),
                    h(1),
                    h(4),
                    h(5),
                    h(8),
                    h(9),
                    h(10),
                    d(0),
                    d(1),
                    d(4),
                    d(5),
                    d(8),
                    d(9),
                    d(10),
                    flags,
                    none,
                    attr,
                )
            }
            (cell @ ("augru" | "lbr_augru"), false) => {
                let f = if cell == "augru" {
                    api.augru_forward_primitive_desc_create
                } else {
                    api.lbr_augru_forward_primitive_desc_create
                };
                f(
                    p,
                    engine,
                    prop,
                    direction,
                    h(0),
                    h(1),
                    h(3),
                    h(4),
                    h(5),
                    h(8),
                    h(9),
                    h(10),
                    flags,
                    attr,
                )
            }
            (cell @ ("augru" | "lbr_augru"), true) => {
                let f = if cell == "augru" {
                    api.augru_backward_primitive_desc_create
                } else {
                    api.lbr_augru_backward_primitive_desc_create
                };
                f(
                    p,
                    engine,
                    prop,
                    direction,
                    h(0),
                    h(1),
                    h(3),
                    h(4),
                    h(5),
                    h(8),
                    h(9),
                    h(10),
                    d(0),
                    d(1),
                    d(3),
                    d(4),
                    d(5),
                    d(8),
                    d(9),
                    d(10),
                    flags,
                    none,
                    attr,
                )
            }
            (_, false) => (api.vanilla_rnn_forward_primitive_desc_create)(
                p,
                engine,
                prop,
                activation,
                direction,
                h(0),
                h(1),
                h(4),
                h(5),
                h(8),
                h(9),
                h(10),
                flags,
                problem.alpha,
                0.0,
                attr,
            ),
            (_, true) => (api.vanilla_rnn_backward_primitive_desc_create)(
                p,
                engine,
                prop,
                activation,
                direction,
                h(0),
                h(1),
                h(4),
                h(5),
                h(8),
                h(9),
                h(10),
                d(0),
                d(1),
                d(4),
                d(5),
                d(8),
                d(9),
                d(10),
                flags,
                problem.alpha,
                0.0,
                none,
                attr,
            ),
        }
    })
}

/// Inputs, and what the oracle makes of them.
type Data = (Vec<Option<Array>>, Pass);

/// A primitive with its arguments and what it must give.
struct Case {
    problem: Problem,
    arguments: Vec<Argument>,
    primitive: Owned,
    /// Argument numbers of outputs, what they hold before, what they must hold after, terms of their sums, and how large
    /// such sums are, though some cancel out.
    expected: Vec<(c_int, Option<Array>, Array, f64, f64)>,
}

impl Case {
    /// `data` is filled by the first pass of the problem.
    fn new(
        problem: &Problem,
        prop: c_int,
        workspace: Option<&[u8]>,
        data: &OnceCell<Data>,
    ) -> Result<Case, Refusal> {
        let mds = Descriptors::new(problem, prop)?;
        let pd = create_pd(problem, prop, &mds)?;
        // SAFETY: the descriptor is live.
        let layout =
            |id: c_int| Layout::of(unsafe { (api().primitive_desc_query_md)(pd.raw, 255, id) });
        let [_, _, _, slc, sic, dhc, dic] = problem.sizes;
        let terms = (slc + sic) as f64;
        // The gates were sums; gradients are sums over the channels of all gates, and over a projection's columns.
        let backward = (problem.gates() * (slc + sic + dhc) + dic) as f64;
        let (given, pass) = data.get_or_init(|| problem.pass(terms));
        let (mut arguments, mut expected) = (Vec::new(), Vec::new());
        for (i, array) in given.iter().enumerate() {
            let stored = array.as_ref().map(|a| problem.stored(i, a));
            arguments.extend(stored.map(|a| argument(IDS[i], layout(IDS[i]), Some(&a))));
        }
        let outputs: Vec<usize> = (0..OUTPUTS).filter(|&o| problem.has(INPUTS + o)).collect();
        for &o in &outputs {
            let id = IDS[INPUTS + o];
            let value = problem.stored(INPUTS + o, &pass.output(o));
            if prop == BACKWARD {
                arguments.push(argument(id, layout(id), Some(&value)));
            } else {
                arguments.push(argument(id, layout(id), None));
                expected.push((id, None, value, terms, 0.0));
            }
        }
        if prop == BACKWARD {
            let mut by_outputs = vec![None; OUTPUTS];
            for &o in outputs.iter().filter(|&o| problem.has(DIFF + INPUTS + o)) {
                let array = problem.values(DIFF + INPUTS + o, 2);
                arguments.push(argument(
                    diff_id(INPUTS + o),
                    layout(diff_id(INPUTS + o)),
                    Some(&array),
                ));
                by_outputs[o] = Some(array);
            }
            for (i, gradient) in pass.gradients(&by_outputs).into_iter().enumerate() {
                let Some((mut gradient, largest)) = gradient.filter(|_| problem.has(DIFF + i))
                else {
                    continue;
                };
                let (adds, id) = ((4..=8).contains(&i) && !problem.overwrites, diff_id(i));
                let before = adds.then(|| problem.values(DIFF + i, 3));
                if let Some(before) = &before {
                    gradient
                        .data
                        .iter_mut()
                        .zip(&before.data)
                        .for_each(|(g, b)| *g += b);
                }
                let rows = (problem.sizes[1] * problem.sizes[2]) as f64;
                let terms = backward + if (4..=8).contains(&i) { rows } else { 0.0 };
                arguments.push(argument(id, layout(id), before.as_ref()));
                expected.push((id, before, gradient, terms, largest));
            }
        }
        if prop != INFERENCE {
            let mut space = argument(WORKSPACE, layout(WORKSPACE), None);
            if let Some(bytes) = workspace {
                space.tensor.data_mut().copy_from_slice(bytes);
            }
            arguments.push(space);
        }
        // SAFETY: the place is writable, the descriptor is live.
        let primitive = Owned::create(api().primitive_destroy, |place| unsafe {
            (api().primitive_create)(place, pd.raw)
        })?;
        Ok(Case {
            problem: problem.clone(),
            arguments,
            primitive,
            expected,
        })
    }

    fn find(&self, id: c_int) -> &Argument {
        self.arguments.iter().find(|a| a.id == id).unwrap()
    }

    fn run(&mut self) -> Result<(), Refusal> {
        for (id, before, ..) in &self.expected {
            let argument = self.arguments.iter_mut().find(|a| a.id == *id).unwrap();
            argument.tensor.reset(before.as_ref());
        }
        let args: Vec<ExecArg> = self
            .arguments
            .iter()
            .map(|a| ExecArg {
                arg: a.id,
                memory: a.memory.raw,
            })
            .collect();
        // SAFETY: all handles are live, and every memory holds its descriptor.
        check(unsafe {
            (api().primitive_execute)(
                self.primitive.raw,
                here().stream,
                args.len() as c_int,
                args.as_ptr(),
            )
        })
    }

    fn outputs(&self) -> Vec<u8> {
        self.expected
            .iter()
            .flat_map(|(id, ..)| self.find(*id).tensor.data().to_vec())
            .collect()
    }

    fn verify(&self) -> Result<(), String> {
        for argument in &self.arguments {
            if let Some(damage) = argument.tensor.damage() {
                return Err(format!("argument {}: {damage}", argument.id));
            }
        }
        for (id, _, want, terms, least) in &self.expected {
            let tensor = &self.find(*id).tensor;
            let largest = want
                .data
                .iter()
                .fold(*least, |most: f64, x| most.max(x.abs()));
            // Integers have no tolerance: no state was near to where it would have been rounded to another. Others may be
            // stored in a type that rounds once more.
            let tolerance = match tensor.layout.dtype.is_int() {
                true => 0.0,
                false => {
                    self.problem.tolerance(largest, *terms) + unit(tensor.layout.dtype) * largest
                }
            };
            for (i, (got, want_one)) in tensor.values().data.iter().zip(&want.data).enumerate() {
                if got.is_nan() || (got - want_one).abs() > tolerance {
                    return Err(format!(
                        "argument {id}, element {i} of {:?}: {got}, expected {want_one} to within {tolerance:e}",
                        want.dims
                    ));
                }
            }
        }
        Ok(())
    }

    /// Runs twice, compares with the oracle and the runs with each other.
    fn judge(&mut self) -> Result<(), String> {
        let refused =
            |refusal: Refusal| format!("refused with {}: {}", refusal.status, refusal.sentence);
        self.run().map_err(refused)?;
        self.verify()?;
        let first = self.outputs();
        self.run().map_err(refused)?;
        if self.outputs() != first {
            return Err("a second run gives other bits".into());
        }
        Ok(())
    }
}

/// The passes of a problem: inference, training and back, or the one asked for. The outputs of the last two.
fn judge_passes(problem: &Problem) -> Result<Vec<u8>, String> {
    let data = OnceCell::new();
    let case = |prop, workspace: Option<&[u8]>| {
        Case::new(problem, prop, workspace, &data).map_err(|r| {
            format!(
                "{}: pass {prop} refused with {}: {}",
                problem.text, r.status, r.sentence
            )
        })
    };
    let named = |pass: &str, result: Result<(), String>| {
        result.map_err(|fault| format!("{}, {pass}: {fault}", problem.text))
    };
    let asks = |pass: &str| problem.prop.is_empty() || problem.prop == pass;
    let mut inference = None;
    if asks("inf") {
        inference = Some(case(INFERENCE, None)?);
        named("inference", inference.as_mut().unwrap().judge())?;
    }
    if let (Some(case), true) = (&inference, problem.dtype.is_int() || problem.prop == "inf") {
        return Ok(case.outputs());
    }
    let mut training = case(TRAINING, None)?;
    named("training", training.judge())?;
    if problem.prop == "fwd" {
        return Ok(training.outputs());
    }
    let mut back = case(BACKWARD, Some(training.find(WORKSPACE).tensor.data()))?;
    named("backward", back.judge())?;
    Ok([training.outputs(), back.outputs()].concat())
}

/// Whether a word of the problem language is a cell.
pub fn is_cell(word: &str) -> bool {
    CELLS.contains(&word)
}

/// What is wrong with the passes of a problem.
pub fn judge(text: &str) -> Result<(), String> {
    judge_passes(&Problem::new(text)).map(drop)
}

/// How a problem's pass is refused, if it is.
pub fn refusal(text: &str) -> Option<Refusal> {
    let problem = Problem::new(text);
    let prop = match problem.prop.as_str() {
        "bwd" => BACKWARD,
        "fwd" => TRAINING,
        _ => INFERENCE,
    };
    let create = |mds: Descriptors| create_pd(&problem, prop, &mds);
    Descriptors::new(&problem, prop).and_then(create).err()
}

fn judge_all(problems: impl IntoIterator<Item = String>) {
    let mut faults: Vec<String> = Vec::new();
    for problem in problems {
        faults.extend(judge_passes(&Problem::new(&problem)).err());
    }
    let shown = faults[..faults.len().min(10)].join("\n");
    assert!(faults.is_empty(), "{} faults:\n{shown}", faults.len());
}

const CELLS: [&str; 8] = [
    "lstm",
    "rnn_tanh",
    "rnn_relu",
    "rnn_logistic",
    "gru",
    "lbr_gru",
    "augru",
    "lbr_augru",
];
const DIRECTIONS: [&str; 4] = ["l2r", "r2l", "concat", "sum"];

#[test]
fn every_cell_in_every_direction() {
    let pairs = CELLS
        .into_iter()
        .flat_map(|cell| DIRECTIONS.map(|direction| (cell, direction)));
    judge_all(pairs.flat_map(|(cell, direction)| {
        [
            format!("{cell} f32 l1t3mb5slc7dhc20 dir={direction}"),
            format!("{cell} f32 l2t4mb2dhc33 dir={direction}"),
            format!("{cell} bf16 l2t3mb9dhc32 dir={direction}"),
        ]
    }));
}

#[test]
fn every_size() {
    let shapes = [
        "l1t1mb1dhc1",
        "l1t1mb1slc3dhc5",
        "l1t2mb1dhc16",
        "l1t5mb1slc64dhc64",
        "l3t2mb3dhc17",
        "l1t2mb30slc70dhc40",
        "l1t3mb7slc1dhc100",
        "l1t2mb64slc48dhc64",
        "l1t40mb1dhc3",
    ];
    judge_all(
        ["lstm", "gru", "lbr_gru", "rnn_tanh"]
            .into_iter()
            .flat_map(|cell| {
                shapes.iter().flat_map(move |shape| {
                    [
                        format!("{cell} f32 {shape}"),
                        format!("{cell} bf16 {shape}"),
                    ]
                })
            }),
    );
    judge_all(
        ["l1t1mb3slc5sic9dhc7".into(), "l1t1mb3slc5sic3dhc70".into()]
            .map(|shape: String| format!("lstm f32 {shape}")),
    );
}

#[test]
fn absent_tensors() {
    let with = [
        "none",
        "iter",
        "iter_c",
        "bias",
        "dst_iter",
        "dst_iter_c",
        "iter,bias,dst_iter",
        "iter,iter_c,dst_iter,dst_iter_c",
    ];
    judge_all(
        ["lstm", "gru", "lbr_augru", "rnn_relu"]
            .into_iter()
            .flat_map(|cell| {
                with.map(move |with| format!("{cell} f32 l2t3mb4dhc19 dir=concat with={with}"))
            }),
    );
}

#[test]
fn peephole_and_projection() {
    let with = [
        "iter,iter_c,bias,peephole",
        "iter,iter_c,bias,projection,dst_iter,dst_iter_c",
        "peephole,projection,dst_iter_c",
    ];
    let shapes = [
        "l1t3mb5slc7dhc20dic9",
        "l2t3mb4slc18sic18dhc10dic18",
        "l1t2mb30slc40dhc64dic48",
        "l1t1mb1slc3sic2dhc5dic4",
    ];
    judge_all(shapes.into_iter().flat_map(|shape| {
        with.into_iter().flat_map(move |with| {
            let shape = if with.contains("projection") {
                shape.to_owned()
            } else {
                "l2t3mb5dhc20".to_owned()
            };
            let directions = DIRECTIONS.into_iter();
            directions.flat_map(move |d| {
                ["f32", "bf16"].map(|t| format!("lstm {t} {shape} dir={d} with={with}"))
            })
        })
    }));
}

#[test]
fn every_layout() {
    let tags = [
        "bac:abcde",
        "abc:abdec",
        "bac:any",
        "any:any:any",
        "abc:abdEc16e",
        "abc:abdEc32e",
        "@500x60x2:abcde",
        "@96x640x1:abdec",
        "cab:abced",
    ];
    judge_all(["lstm", "gru", "lbr_gru"].into_iter().flat_map(|cell| {
        tags.into_iter().flat_map(move |tags| {
            [
                "f32 l1t5mb6dhc24",
                "f32 l2t2mb30dhc48",
                "bf16 l1t3mb6dhc24 ",
            ]
            .into_iter()
            .filter_map(move |shape| {
                // Strides that would overlap.
                let fits = !tags.contains('@') || shape.contains("mb6dhc24");
                fits.then(|| format!("{cell} {shape} tags={tags}"))
            })
        })
    }));
}

#[test]
fn gradients_replace_or_add() {
    judge_all(CELLS.into_iter().flat_map(|cell| {
        [
            "overwrites=1",
            "tags=any:any overwrites=1",
            "tags=abc:abced",
        ]
        .map(|option| format!("{cell} f32 l2t3mb4dhc19 {option}"))
    }));
}

#[test]
fn layouts_of_single_tensors() {
    // Gates of peephole weights and of the bias apart, and everything inside something larger.
    judge_all(["f32", "bf16"].into_iter().flat_map(|t| {
        ["l1t2mb3dhc2", "l2t3mb4dhc20"].map(|shape| {
            let with = "iter,iter_c,bias,peephole,dst_iter,dst_iter_c";
            let (apart, box4) = ("@999x480x80x1", "#1x1x1x1");
            format!(
                "lstm {t} {shape} with={with} layouts=peephole:{apart},diff_peephole:{apart},bias:{apart},\
                 diff_bias:{box4},iter:{box4},diff_iter_c:{box4},dst_layer:#1x1x1,diff_weights_iter:#1x0x1x1x1"
            )
        })
    }));
    judge_all(["augru", "lbr_augru"].into_iter().flat_map(|cell| {
        ["@12x4x1", "@4x20x1", "#0x1x2", "@1x3x1"].map(|layout| {
            format!("{cell} f32 l2t3mb3dhc20 dir=concat layouts=attention:{layout},diff_attention:{layout}")
        })
    }));
}

/// Backward passes sum over the outputs of all gates, which lie apart where each gate has one.
/// Few rows beside weights whose panels, together, are wider than a chain of element-wise kernels goes through at a time.
#[test]
fn panels_of_odd_widths() {
    let shapes = ["l1t2mb1slc64dhc144", "l1t2mb1slc20dhc240", "l2t2mb1dhc176"];
    judge_all(shapes.into_iter().flat_map(|shape| {
        ["lstm", "gru", "rnn_relu"]
            .into_iter()
            .flat_map(move |cell| {
                ["f32", "bf16"].map(|t| format!("{cell} {t} {shape} tags=abc:any with=none"))
            })
    }));
}

/// Weights in panels, `any` and a user's: whole numbers of them a gate, and not.
#[test]
fn panels_of_many_columns() {
    let shapes = ["l1t2mb7slc100dhc96", "l1t3mb30slc130dhc98", "l2t2mb5dhc120"];
    let tags = [
        "any", "abdEc24e", "abdEc8e", "abdEc40e", "abCde24c", "abCde8c",
    ];
    judge_all(shapes.into_iter().flat_map(|shape| {
        ["lstm", "lbr_gru"].into_iter().flat_map(move |cell| {
            tags.map(|tag| format!("{cell} f32 {shape} tags=abc:{tag} with=none"))
        })
    }));
}

#[test]
fn one_channel() {
    let shapes = [
        "l1t3mb5slc4sic16dhc1dic16",
        "l2t2mb3slc5sic5dhc1dic5",
        "l1t3mb40slc3dhc1",
        "l1t1mb2slc4sic3dhc1",
    ];
    judge_all(shapes.into_iter().flat_map(|shape| {
        ["f32", "bf16", "f16"].into_iter().flat_map(move |t| {
            ["", "tags=abc:any", "tags=abc:abdec"].map(|tags| {
                let projection = if shape.contains("dic") {
                    ",projection"
                } else {
                    ""
                };
                format!("lstm {t} {shape} with=iter,bias{projection} {tags}")
            })
        })
    }));
    judge_all(
        CELLS
            .into_iter()
            .flat_map(|cell| ["f32", "bf16"].map(|t| format!("{cell} {t} l1t3mb4slc5dhc1"))),
    );
}

#[test]
fn eight_bits() {
    let shapes = [
        "l1t3mb5slc7dhc20",
        "l2t2mb4dhc17",
        "l1t1mb1slc3dhc5",
        "l1t2mb30slc70dhc40",
        "l1t4mb1slc64dhc64",
    ];
    let options = [
        "",
        "masks=24:0",
        "f32=iter,dst_iter,dst_layer masks=24:0",
        "f32=dst_layer with=bias",
        "f32=iter with=iter,dst_iter",
        "with=none data=64:100.3",
        "data=250:120 masks=24:0",
    ];
    judge_all(["lstm", "gru"].into_iter().flat_map(|cell| {
        shapes.into_iter().flat_map(move |shape| {
            let types = ["u8", "s8"].into_iter();
            types.flat_map(move |t| options.map(|option| format!("{cell} {t} {shape} {option}")))
        })
    }));
    let tags = [
        "bac:abdec",
        "abc:any",
        "any:any:any",
        "abc:abdEC16e4c",
        "cab:abced",
    ];
    judge_all(["lstm", "gru"].into_iter().flat_map(|cell| {
        let shapes = ["l1t3mb6dhc24", "l1t2mb20dhc48"].into_iter();
        shapes.flat_map(move |shape| {
            tags.map(|tags| format!("{cell} u8 {shape} tags={tags} masks=24:0"))
        })
    }));
    judge_all(DIRECTIONS.into_iter().flat_map(|dir| {
        ["lstm u8 l1t3mb4slc5dhc20", "gru u8 l2t2mb3dhc16"]
            .into_iter()
            .flat_map(move |problem| {
                ["", "f32=dst_layer"].map(|floats| format!("{problem} dir={dir} {floats}"))
            })
    }));
    let shapes = [
        "l1t3mb5slc7dhc20dic9",
        "l2t2mb4slc18sic18dhc10dic18",
        "l1t2mb20slc40dhc64dic48",
    ];
    judge_all(shapes.into_iter().flat_map(|shape| {
        ["u8", "s8"].into_iter().flat_map(move |t| {
            ["masks=0:0", "masks=24:8", "masks=0:8 f32=dst_layer,dst_iter", "data=100:0"].map(|option| {
                format!("lstm {t} {shape} {option} with=iter,iter_c,bias,peephole,projection,dst_iter,dst_iter_c")
            })
        })
    }));
}

#[test]
fn half_precision() {
    judge_all(CELLS.map(|cell| format!("{cell} f16 l1t3mb9slc20dhc32 dir=concat")));
}

/// The oracle's gradients against differences of its results.
#[test]
fn gradients_of_the_oracle_are_slopes() {
    for cell in CELLS {
        let problem = Problem::new(&format!(
            "{cell} f32 l2t2mb2dhc3 dir=sum with=iter,iter_c,bias,peephole,dst_iter,dst_iter_c"
        ));
        let mut given: Vec<Option<Array>> = (0..INPUTS)
            .map(|i| problem.has(i).then(|| problem.values(i, 1)))
            .collect();
        let by_outputs: Vec<Option<Array>> = (INPUTS..INPUTS + OUTPUTS)
            .map(|i| problem.has(i).then(|| problem.values(i, 2)))
            .collect();
        let channels = problem.dims(9)[2];
        let loss = |given: &[Option<Array>]| -> f64 {
            let pass = Pass::new(problem.net(), given, channels);
            let one = |(o, by): (usize, &Option<Array>)| {
                let by = by.as_ref()?;
                Some(
                    pass.output(o)
                        .data
                        .iter()
                        .zip(&by.data)
                        .map(|(x, y)| x * y)
                        .sum::<f64>(),
                )
            };
            by_outputs.iter().enumerate().filter_map(one).sum()
        };
        let gradients = Pass::new(problem.net(), &given, channels).gradients(&by_outputs);
        for i in (0..INPUTS).filter(|&i| problem.has(i)) {
            let (gradient, _) = gradients[i].clone().unwrap();
            for e in (0..gradient.data.len()).step_by(7) {
                let mut slope = 0.0;
                for step in [1e-5, -1e-5] {
                    given[i].as_mut().unwrap().data[e] += step;
                    slope += loss(&given) / (2.0 * step);
                    given[i].as_mut().unwrap().data[e] -= step;
                }
                let want = gradient.data[e];
                assert!(
                    (slope - want).abs() < 1e-7,
                    "{cell}, {}, element {e}: {slope}, not {want}",
                    NAMES[i]
                );
            }
        }
    }
}

#[test]
fn bad_descriptors_are_refused() {
    let refusal = |text: &str, spoil: &dyn Fn(&Problem, &mut Descriptors)| {
        let problem = Problem::new(text);
        for prop in [INFERENCE, TRAINING, BACKWARD] {
            let mut mds = Descriptors::new(&problem, prop).unwrap();
            spoil(&problem, &mut mds);
            let refusal = create_pd(&problem, prop, &mds).err();
            let refusal = refusal.unwrap_or_else(|| panic!("{text}, pass {prop}: accepted"));
            assert!(refusal.sentence.len() > 10, "{text}: {refusal:?}");
            assert!(
                matches!(refusal.status, INVALID | UNIMPLEMENTED),
                "{refusal:?}"
            );
        }
    };
    let dims = |i: usize, d: usize| {
        move |problem: &Problem, mds: &mut Descriptors| {
            let mut dims = problem.dims(i);
            dims[d] += 1;
            mds.0[i] = Some(describe(&dims, problem.dtype(i), "").unwrap());
        }
    };
    for i in (0..12).filter(|i| ![3, 7].contains(i)) {
        let problem =
            Problem::new("lstm f32 l2t3mb4dhc8 with=iter,iter_c,bias,peephole,dst_iter,dst_iter_c");
        for d in 0..problem.dims(i).len() {
            refusal(&problem.text, &dims(i, d));
        }
        if ["src_layer", "weights_layer", "weights_iter", "dst_layer"].contains(&NAMES[i]) {
            refusal(&problem.text, &move |_, mds| mds.0[i] = None);
        }
    }
    refusal("augru f32 l1t3mb4dhc8", &|_, mds| mds.0[3] = None);
    refusal("gru f32 l1t1mb4sic9dhc8", &|_, _| ());
    refusal("lstm f32 l2t3mb4slc9dhc8", &|_, _| ());
    refusal("lstm f32 l1t3mb4sic9dhc8", &|_, _| ());
    refusal("lstm f32 l1t3mb4dhc8", &|p, mds| {
        mds.0[4] = Some(describe(&p.dims(4), Type::Bf16, "").unwrap())
    });
    refusal("lbr_gru u8 l1t3mb4dhc8", &|_, _| ());
}

#[test]
fn sentences_name_what_does_not_fit() {
    let refusal = |text: &str, spoil: &dyn Fn(&mut Descriptors)| {
        let problem = Problem::new(text);
        let mut mds = Descriptors::new(&problem, BACKWARD).unwrap();
        spoil(&mut mds);
        let refusal = create_pd(&problem, BACKWARD, &mds).err().unwrap();
        assert_eq!(refusal.status, INVALID, "{refusal:?}");
        refusal.sentence
    };
    let md = |dims: &[i64]| Some(describe(dims, Type::F32, "").unwrap());
    for dir in ["concat", "sum"] {
        let sentence = refusal(&format!("lstm f32 l1t3mb4dhc8 dir={dir}"), &|mds| {
            mds.0[4] = md(&[1, 1, 8, 4, 8]);
            mds.0[5] = md(&[1, 1, 8, 4, 8]);
        });
        assert!(sentence.contains("direction: weights_layer"), "{sentence}");
    }
    for cell in ["lstm", "gru"] {
        let gates = if cell == "gru" { 3 } else { 4 };
        let wrong = |mds: &mut Descriptors| mds.0[5] = md(&[1, 1, 9, gates, 8]);
        let sentence = refusal(&format!("{cell} f32 l1t3mb4dhc8"), &wrong);
        assert!(sentence.contains("weights_iter: "), "{sentence}");
    }
    for (i, dims) in [(6, vec![1, 1, 3, 8]), (7, vec![1, 1, 8, 8])] {
        let sentence = refusal("lstm f32 l1t3mb4dhc8", &|mds| mds.0[DIFF + i] = md(&dims));
        assert!(sentence.contains("that are not given"), "{sentence}");
    }
}

/// Set in the processes that the test below starts: they print digests instead of comparing them.
const CHILD: &str = "BRICK_TEST_PRINTS_RNN_DIGESTS";
const SHARED: [&str; 8] = [
    "lstm f32 l1t3mb20slc40dhc96 dir=concat",
    "lstm f32 l1t2mb70slc40dhc130dic100 with=iter,projection,peephole,bias",
    "gru f32 l2t3mb16dhc128",
    "lbr_augru f32 l1t3mb40dhc100 dir=sum tags=bac:any",
    "lstm bf16 l1t2mb40dhc96",
    "rnn_tanh f32 l1t4mb1dhc300",
    "lstm u8 l1t2mb40slc20dhc96dic50 masks=24:8 with=projection,bias",
    "gru u8 l1t1mb40dhc64 tags=abc:any",
];

fn digests(threads: usize) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "rnn::bits_do_not_depend_on_the_number_of_threads",
        ])
        .env("BRICK_NUM_THREADS", threads.to_string())
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{threads} threads:\n{text}");
    text.lines()
        .filter(|line| line.starts_with("digest "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    if std::env::var_os(CHILD).is_some() {
        for text in SHARED {
            let bytes = judge_passes(&Problem::new(text)).unwrap();
            let digest = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
            });
            println!("\ndigest {text} {digest:016x}");
        }
        return;
    }
    let alone = digests(1);
    assert_eq!(alone.len(), SHARED.len());
    for threads in [2, 3] {
        assert_eq!(digests(threads), alone, "{threads} threads");
    }
}

#[test]
fn one_problem_from_the_environment() {
    if let Ok(text) = std::env::var("BRICK_RNN_PROBLEM") {
        judge_all(text.lines().map(str::to_owned));
    }
}
