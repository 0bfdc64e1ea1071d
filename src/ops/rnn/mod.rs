//! Recurrent layers: vanilla RNN, LSTM, GRU and their variants, forward and backward (paper §2.5).
//!
//! The products of a layer's input with its weights come first, for all time steps at once; then step by step the
//! products of the states, each followed by the element-wise work on its columns. The gradients of the gates go back
//! step by step; what follows from them is again computed for all steps at once. `docs/rnn.md` has the formulas.
#![allow(unsafe_code)]

mod backward;
mod forward;
mod layer;
mod program;

use super::{Arg, Env, Planned, Prop, epilogue::check_attr, matrix::is_unit, sequence::Sequence};
use crate::{
    attr::{Attr, Eltwise, F32},
    dtype::DataType,
    ensure,
    error::Result,
    invalid,
    memory::MemoryDesc,
    plan::gemm::weights_panel,
    unimplemented_here,
};
use layer::Net;

/// A kind of cell, with its number among the algorithms of the C API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
#[repr(i32)]
pub enum Cell {
    Vanilla = 0x1fff,
    Lstm = 0x2fff,
    Gru = 0x3fff,
    LbrGru = 0x4fff,
    Augru = 0x5fff,
    LbrAugru = 0x6fff,
}

/// The order in which layers see time, with its number in the C API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
#[repr(i32)]
pub enum Direction {
    LeftToRight = 1,
    RightToLeft = 2,
    Concat = 3,
    Sum = 4,
}

/// The tensors of a recurrent primitive, as indices; gradients follow in the same order, from `DIFF` on.
#[allow(missing_docs)]
pub mod tensor {
    pub const SRC_LAYER: usize = 0;
    pub const SRC_ITER: usize = 1;
    pub const SRC_ITER_C: usize = 2;
    pub const ATTENTION: usize = 3;
    pub const WEIGHTS_LAYER: usize = 4;
    pub const WEIGHTS_ITER: usize = 5;
    pub const PEEPHOLE: usize = 6;
    pub const PROJECTION: usize = 7;
    pub const BIAS: usize = 8;
    pub const DST_LAYER: usize = 9;
    pub const DST_ITER: usize = 10;
    pub const DST_ITER_C: usize = 11;
    pub const DIFF: usize = 12;
    pub const COUNT: usize = 24;
    pub const NAMES: [&str; DIFF] = [
        "src_layer",
        "src_iter",
        "src_iter_c",
        "attention",
        "weights_layer",
        "weights_iter",
        "weights_peephole",
        "weights_projection",
        "bias",
        "dst_layer",
        "dst_iter",
        "dst_iter_c",
    ];
    /// Names in verbose lines; oneDNN's leave out the states of the cells.
    pub const LINE_NAMES: [&str; COUNT] = [
        "src_layer",
        "src_iter",
        "",
        "augru_attention",
        "wei_layer",
        "wei_iter",
        "wei_peephole",
        "wei_proj",
        "bias",
        "dst_layer",
        "dst_iter",
        "",
        "diff_src_layer",
        "diff_src_iter",
        "",
        "diff_augru_attention",
        "diff_wei_layer",
        "diff_wei_iter",
        "diff_wei_peephole",
        "diff_wei_proj",
        "diff_bias",
        "diff_dst_layer",
        "diff_dst_iter",
        "",
    ];
    /// Numbers of the arguments in the C API.
    pub const IDS: [i32; COUNT] = [
        1, 2, 3, 4, 33, 34, 35, 36, 41, 17, 18, 19, 129, 130, 131, 132, 161, 162, 163, 164, 169,
        145, 146, 147,
    ];
}
use tensor::*;

const WORKSPACE: i32 = 64;

/// The operation. `tensors` has the forward pass's, absent where they are not given, and behind them the gradients where
/// the pass is backward.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Desc {
    pub prop: Prop,
    pub cell: Cell,
    /// Of a vanilla cell.
    pub activation: Eltwise,
    pub alpha: F32,
    pub beta: F32,
    pub direction: Direction,
    /// Whether gradients by weights replace what their memory holds; else they are added to it.
    pub overwrites: bool,
    pub tensors: Vec<MemoryDesc>,
}

/// Sizes: layers, directions, time steps, rows (minibatch), channels of the layer's input, of the states read, of the
/// cell, of the states written; gates.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub layers: i64,
    pub directions: i64,
    pub t: i64,
    pub n: i64,
    pub slc: i64,
    pub sic: i64,
    pub dhc: i64,
    pub dic: i64,
    pub gates: i64,
}

impl Cell {
    fn gates(self) -> i64 {
        match self {
            Cell::Vanilla => 1,
            Cell::Lstm => 4,
            _ => 3,
        }
    }

    /// Its name in verbose lines.
    pub fn name(self) -> &'static str {
        match self {
            Cell::Vanilla => "vanilla_rnn",
            Cell::Lstm => "vanilla_lstm",
            Cell::Gru => "vanilla_gru",
            Cell::LbrGru => "lbr_gru",
            Cell::Augru => "vanilla_augru",
            Cell::LbrAugru => "lbr_augru",
        }
    }

    /// Whether the candidate's product with the state is reset, not the state itself.
    pub fn is_linear_before_reset(self) -> bool {
        matches!(self, Cell::LbrGru | Cell::LbrAugru)
    }

    fn has_attention(self) -> bool {
        matches!(self, Cell::Augru | Cell::LbrAugru)
    }

    /// Gates of the bias, and of the buffers.
    fn slots(self) -> i64 {
        self.gates() + i64::from(self.is_linear_before_reset())
    }
}

impl Direction {
    /// The direction with the given C number.
    pub fn from_c(value: i32) -> Result<Direction> {
        use Direction::*;
        let all = [LeftToRight, RightToLeft, Concat, Sum].into_iter();
        all.into_iter()
            .find(|&d| d as i32 == value)
            .ok_or_else(|| invalid!("direction: {value} is not a direction"))
    }

    /// Its name in verbose lines.
    pub fn name(self) -> &'static str {
        match self {
            Direction::LeftToRight => "unidirectional_left2right",
            Direction::RightToLeft => "unidirectional_right2left",
            Direction::Concat => "bidirectional_concat",
            Direction::Sum => "bidirectional_sum",
        }
    }
}

/// What verbose lines call an argument.
pub fn line_name(id: i32) -> Option<&'static str> {
    let at = IDS.iter().position(|&i| i == id)?;
    Some(LINE_NAMES[at]).filter(|name| !name.is_empty())
}

/// What sentences call a tensor.
fn name(i: usize) -> String {
    let diff = if i < DIFF { "" } else { "diff_" };
    format!("{diff}{}", NAMES[i % DIFF])
}

impl Desc {
    fn get(&self, i: usize) -> &MemoryDesc {
        &self.tensors[i]
    }

    /// Whether a tensor is given.
    fn has(&self, i: usize) -> bool {
        self.tensors.get(i).is_some_and(|md| !md.is_absent())
    }

    /// What verbose lines call the activation.
    pub fn activation_name(&self) -> String {
        match self.cell {
            Cell::Vanilla => format!("eltwise_{}", self.activation.name()),
            _ => "undef".into(),
        }
    }

    /// The number of the activation's algorithm, 0 where the cell has none to choose.
    pub fn activation_number(&self) -> i32 {
        match self.cell {
            Cell::Vanilla => self.activation as i32,
            _ => 0,
        }
    }

    /// Sizes as the weights and the source say them.
    pub fn sizes(&self) -> Sizes {
        let dim = |i: usize, d: usize| self.get(i).dims[d];
        let dhc = dim(WEIGHTS_LAYER, 4);
        Sizes {
            layers: dim(WEIGHTS_LAYER, 0),
            directions: dim(WEIGHTS_LAYER, 1),
            t: dim(SRC_LAYER, 0),
            n: dim(SRC_LAYER, 1),
            slc: dim(SRC_LAYER, 2),
            sic: dim(WEIGHTS_ITER, 2),
            dhc,
            dic: if self.has(PROJECTION) {
                dim(PROJECTION, 3)
            } else {
                dhc
            },
            gates: self.cell.gates(),
        }
    }

    /// The dims that a tensor must have.
    fn dims(&self, i: usize) -> Vec<i64> {
        let s = self.sizes();
        let (l, d) = (s.layers, s.directions);
        let joined = if self.direction == Direction::Concat {
            2
        } else {
            1
        };
        match i % DIFF {
            SRC_LAYER => vec![s.t, s.n, s.slc],
            SRC_ITER => vec![l, d, s.n, s.sic],
            SRC_ITER_C | DST_ITER_C => vec![l, d, s.n, s.dhc],
            ATTENTION => vec![s.t, s.n, 1],
            WEIGHTS_LAYER => vec![l, d, s.slc, s.gates, s.dhc],
            WEIGHTS_ITER => vec![l, d, s.sic, s.gates, s.dhc],
            PEEPHOLE => vec![l, d, 3, s.dhc],
            PROJECTION => vec![l, d, s.dhc, s.dic],
            BIAS => vec![l, d, self.cell.slots(), s.dhc],
            DST_LAYER => vec![s.t, s.n, joined * s.dic],
            _ => vec![l, d, s.n, s.dic],
        }
    }

    fn check(&self) -> Result<()> {
        let ranks = [
            (SRC_LAYER, 3),
            (WEIGHTS_LAYER, 5),
            (WEIGHTS_ITER, 5),
            (DST_LAYER, 3),
            (PROJECTION, 4),
        ];
        for (i, rank) in ranks {
            let given = self.get(i).ndims;
            let optional = i == PROJECTION && given == 0;
            ensure!(
                given == rank || optional,
                invalid!("{}: {given} dims, {rank} are needed", name(i))
            );
        }
        for i in [SRC_LAYER, WEIGHTS_LAYER, WEIGHTS_ITER, DST_LAYER].map(|i| DIFF + i) {
            ensure!(
                self.is_forward() || self.has(i),
                invalid!("{}: it must be given", name(i))
            );
        }
        for (i, md) in self
            .tensors
            .iter()
            .enumerate()
            .filter(|(_, md)| !md.is_absent())
        {
            let (dims, expected) = (md.dims(), self.dims(i));
            ensure!(
                dims == expected,
                invalid!(
                    "{}: dims {dims:?}, expected {expected:?} by src_layer {:?}, weights_layer {:?} and weights_iter {:?}",
                    name(i),
                    self.get(SRC_LAYER).dims(),
                    self.get(WEIGHTS_LAYER).dims(),
                    self.get(WEIGHTS_ITER).dims()
                )
            );
            ensure!(
                !md.has_runtime(),
                unimplemented_here!("{}: all dims must be known at creation", name(i))
            );
        }
        self.check_sizes(&self.sizes())
    }

    fn check_sizes(&self, s: &Sizes) -> Result<()> {
        let two = matches!(self.direction, Direction::Concat | Direction::Sum);
        ensure!(
            s.directions == 1 + i64::from(two),
            invalid!(
                "weights_layer: {} directions, the direction {:?} has {}",
                s.directions,
                self.direction,
                1 + i32::from(two)
            )
        );
        ensure!(
            s.layers == 1 || s.slc == s.dic,
            invalid!(
                "src_layer: {} channels, but layers above the first read the {} of dst_iter",
                s.slc,
                s.dic
            )
        );
        ensure!(
            s.t == 1 || s.sic == s.dic,
            invalid!(
                "weights_iter: {} channels of src_iter, but every step after the first reads the {} of dst_iter",
                s.sic,
                s.dic
            )
        );
        let gru = !matches!(self.cell, Cell::Vanilla | Cell::Lstm);
        ensure!(
            !gru || s.sic == s.dhc,
            invalid!(
                "weights_iter: {} channels of src_iter, a GRU needs those of its states, {}",
                s.sic,
                s.dhc
            )
        );
        ensure!(
            self.cell.has_attention() == self.has(ATTENTION),
            invalid!("attention: AUGRU cells need it, others have none")
        );
        ensure!(
            [s.layers, s.t, s.n, s.slc, s.sic, s.dhc, s.dic]
                .iter()
                .all(|&size| size > 0),
            unimplemented_here!(
                "src_layer, weights_layer: recurrent layers with dims of size 0 are not supported"
            )
        );
        Ok(())
    }

    fn check_types(&self) -> Result<()> {
        use DataType::*;
        let float = |i: usize| {
            let dtype = self.get(i).dtype();
            ensure!(
                matches!(dtype, F32 | Bf16 | F16),
                unimplemented_here!(
                    "{}: type {} is not supported, recurrent layers are f32, bf16 or f16",
                    name(i),
                    dtype.name()
                )
            );
            Ok(())
        };
        (0..self.tensors.len())
            .filter(|&i| self.has(i))
            .try_for_each(float)?;
        let dtype = self.get(SRC_LAYER).dtype();
        for i in [
            SRC_ITER,
            WEIGHTS_LAYER,
            WEIGHTS_ITER,
            PROJECTION,
            DST_LAYER,
            DST_ITER,
        ] {
            ensure!(
                !self.has(i) || self.get(i).dtype() == dtype,
                unimplemented_here!(
                    "{}: type {}, but src_layer is {}",
                    name(i),
                    self.get(i).dtype().name(),
                    dtype.name()
                )
            );
        }
        Ok(())
    }

    fn is_forward(&self) -> bool {
        self.prop.is_forward()
    }

    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        self.check()?;
        self.check_types()?;
        check_attr(attr, DataType::F32, &[], &[])?;
        ensure!(
            attr.post_ops.is_empty(),
            unimplemented_here!("attribute: recurrent layers take no post-ops")
        );
        ensure!(
            self.is_forward() || self.activation != Eltwise::Relu || self.alpha.get() >= 0.0,
            unimplemented_here!(
                "alpha: the gradient of relu is computed from its result, which a negative slope does not allow"
            )
        );
        let mut desc = self.clone();
        for i in 0..desc.tensors.len() {
            if desc.tensors[i].is_any() {
                desc.tensors[i] = desc.layout(i, env)?;
            }
        }
        desc.plan_resolved(env)
    }

    fn plan_resolved(&self, env: &Env) -> Result<Planned> {
        let mut net = Net::new(self, env);
        let (mut args, mut sequence, mut inside) = (Vec::new(), Sequence::default(), Vec::new());
        let given = (0..self.tensors.len()).filter(|&i| self.has(i));
        args.extend(given.clone().map(|i| Arg {
            id: IDS[i],
            md: *self.get(i),
            output: self.writes(i),
        }));
        if self.prop != Prop::ForwardInference {
            net.workspace = Some(args.len());
            let md = MemoryDesc::plain(&[net.workspace_bytes() as i64], DataType::U8)?;
            args.push(Arg {
                id: WORKSPACE,
                md,
                output: self.is_forward(),
            });
        }
        for (entry, i) in given.enumerate() {
            let md = self.inner(i)?;
            let outer = (entry, self.get(i));
            let entry = match self.writes(i) {
                true => sequence.written(env, outer, &md, self.adds(i))?,
                false => sequence.read(env, outer, &md)?,
            };
            inside.push((i, entry, md));
        }
        net.tensors = inside;
        let program = net.plan();
        let main = Planned {
            args: Vec::new(),
            nest: program.nest(),
            scratch_bytes: program.scratch_bytes(),
            plan: Box::new(program),
        };
        sequence.finish(args, main, env)
    }

    fn writes(&self, i: usize) -> bool {
        match i.checked_sub(DIFF) {
            None => i >= DST_LAYER && self.is_forward(),
            Some(i) => i < DST_LAYER,
        }
    }

    /// Whether a gradient is added to what its memory holds.
    fn adds(&self, i: usize) -> bool {
        (DIFF + WEIGHTS_LAYER..=DIFF + BIAS).contains(&i) && !self.overwrites
    }

    /// The layout chosen for `any`: row-major, but weights as the products read them.
    fn layout(&self, i: usize, env: &Env) -> Result<MemoryDesc> {
        let (md, s) = (self.get(i), self.sizes());
        let plain = MemoryDesc::plain(md.dims(), md.dtype());
        if !matches!(i, WEIGHTS_LAYER | WEIGHTS_ITER) {
            return plain;
        }
        let v = md.dtype().vnni();
        let (rows, forward) = (
            if i == WEIGHTS_LAYER { s.t * s.n } else { s.n },
            self.is_forward(),
        );
        let columns = if forward { s.dhc } else { md.dims()[2] };
        // The reduction of backward passes runs from gate to gate.
        let even = forward || s.dhc % v as i64 == 0;
        let width = weights_panel(env.isa, rows as usize, columns as usize, v).filter(|_| even);
        let tag = match (width, forward) {
            (None, true) => return plain,
            (None, false) => "abdec".into(),
            (Some(width), true) if v == 1 => format!("abdEc{width}e"),
            (Some(width), true) => format!("abdEC{width}e{v}c"),
            (Some(width), false) if v == 1 => format!("abCde{width}c"),
            (Some(width), false) => format!("abCdE{width}c{v}e"),
        };
        MemoryDesc::with_tag(md.dims(), md.dtype(), &tag)
    }

    /// The layout and type in which the program reads or writes a tensor: its own if it can.
    fn inner(&self, i: usize) -> Result<MemoryDesc> {
        let (md, s) = (self.get(i), self.sizes());
        let (dims, strides, last) = (md.dims(), md.strides(), md.dims().len() - 1);
        let fits = match i % DIFF {
            SRC_LAYER | ATTENTION => {
                is_unit(md, 2) && (s.t == 1 || strides[0] == s.n * layer_rows(md).1)
            }
            WEIGHTS_LAYER | WEIGHTS_ITER
                if i < DIFF && layer::panel(md, self.is_forward()).is_some() =>
            {
                true
            }
            WEIGHTS_LAYER | WEIGHTS_ITER => {
                let joined =
                    s.gates == 1 || strides[3] == s.dhc * if dims[4] == 1 { 1 } else { strides[4] };
                (is_unit(md, 4) || is_unit(md, 2)) && joined
            }
            PROJECTION => is_unit(md, 3) || is_unit(md, 2),
            BIAS => is_unit(md, 3) && strides[2] == s.dhc,
            _ => is_unit(md, last),
        };
        let dtype = if self.writes(i) && i > DIFF - 1 {
            DataType::F32
        } else {
            md.dtype()
        };
        match fits && dtype == md.dtype() {
            true => Ok(*md),
            false => MemoryDesc::plain(dims, dtype),
        }
    }
}

/// Elements between time steps and between rows of a tensor (t, n, c); those of a dimension of size 1 do not count.
fn layer_rows(md: &MemoryDesc) -> (i64, i64) {
    let (step, row) = (md.strides()[0], md.strides()[1]);
    (step, if md.dims()[1] == 1 { step } else { row })
}
