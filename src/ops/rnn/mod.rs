//! Recurrent layers: vanilla RNN, LSTM, GRU and their variants, forward and backward (paper §2.5).
//!
//! The products of a layer's input with its weights come first, for all time steps at once; then step by step the
//! products of the states, each followed by the element-wise work on its columns. The gradients of the gates go back
//! step by step; what follows from them is again computed for all steps at once. `docs/rnn.md` has the formulas.
#![allow(unsafe_code)]

mod backward;
mod formula;
mod forward;
mod layer;
mod program;

use super::{
    Arg, Env, Planned, Prop,
    epilogue::{check_attr, no_post_ops},
    matrix::{accumulator, is_unit},
    sequence::Sequence,
};
use crate::{
    attr::{Attr, Eltwise, F32, RnnQuant},
    dtype::DataType,
    error::Result,
    invalid,
    memory::MemoryDesc,
    numbered,
    plan::{
        gemm::is_far,
        rnn::{panel, repacks},
    },
    require, supported,
};
use formula::Act;
use layer::Net;

numbered! {
    /// A kind of cell: its number among the algorithms of the C API, its name in verbose lines.
    pub enum Cell {
        Vanilla = 0x1fff "vanilla_rnn",
        Lstm = 0x2fff "vanilla_lstm",
        Gru = 0x3fff "vanilla_gru",
        LbrGru = 0x4fff "lbr_gru",
        Augru = 0x5fff "vanilla_augru",
        LbrAugru = 0x6fff "lbr_augru",
    }
}

numbered! {
    /// The order in which layers see time.
    pub enum Direction {
        LeftToRight = 1 "unidirectional_left2right",
        RightToLeft = 2 "unidirectional_right2left",
        Concat = 3 "bidirectional_concat",
        Sum = 4 "bidirectional_sum",
    }
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
    /// By tensor: its name in sentences, the numbers of it and of its gradient in the C API, its dims: a letter for each.
    pub const ALL: [(&str, [i32; 2], &str); DIFF] = [
        ("src_layer", [1, 129], "tnx"),
        ("src_iter", [2, 130], "ldns"),
        ("src_iter_c", [3, 131], "ldno"),
        ("attention", [4, 132], "tn1"),
        ("weights_layer", [33, 161], "ldxgo"),
        ("weights_iter", [34, 162], "ldsgo"),
        ("weights_peephole", [35, 163], "ld3o"),
        ("weights_projection", [36, 164], "ldop"),
        ("bias", [41, 169], "ldbo"),
        ("dst_layer", [17, 145], "tny"),
        ("dst_iter", [18, 146], "ldnp"),
        ("dst_iter_c", [19, 147], "ldno"),
    ];
}
use tensor::*;

const WORKSPACE: i32 = 64;
/// Bytes of gates and states from which on positions in them might overflow.
const MOST_BYTES: i64 = 1 << 58;

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

/// What verbose lines call an argument.
pub fn line_name(id: i32) -> Option<String> {
    let name = name((0..COUNT).find(|&i| tensor_id(i) == id)?)
        .replace("weights", "wei")
        .replace("projection", "proj")
        .replace("attention", "augru_attention");
    // oneDNN's lines leave out the states of the cells.
    Some(name).filter(|name| !name.ends_with("_c"))
}

/// What sentences call a tensor.
fn name(i: usize) -> String {
    let diff = if i < DIFF { "" } else { "diff_" };
    format!("{diff}{}", ALL[i % DIFF].0)
}

/// The number of a tensor's argument in the C API.
fn tensor_id(i: usize) -> i32 {
    ALL[i % DIFF].1[i / DIFF]
}

impl Desc {
    fn get(&self, i: usize) -> &MemoryDesc {
        &self.tensors[i]
    }

    /// Whether a tensor is given.
    fn has(&self, i: usize) -> bool {
        self.tensors.get(i).is_some_and(|md| !md.is_absent())
    }

    /// The activation, where the cell has one to choose.
    pub fn chosen_activation(&self) -> Option<Eltwise> {
        (self.cell == Cell::Vanilla).then_some(self.activation)
    }

    /// The activation of a vanilla cell.
    fn act(&self) -> Act {
        Act(self.activation, self.alpha.get(), self.beta.get())
    }

    /// Sizes as the weights and the source say them.
    pub fn sizes(&self) -> Sizes {
        let dim = |i: usize, d: usize| self.get(i).dims[d];
        let dhc = dim(WEIGHTS_LAYER, 4);
        let projected = self.has(PROJECTION).then(|| dim(PROJECTION, 3));
        Sizes {
            layers: dim(WEIGHTS_LAYER, 0),
            directions: dim(WEIGHTS_LAYER, 1),
            t: dim(SRC_LAYER, 0),
            n: dim(SRC_LAYER, 1),
            slc: dim(SRC_LAYER, 2),
            sic: dim(WEIGHTS_ITER, 2),
            dhc,
            dic: projected.unwrap_or(dhc),
            gates: self.cell.gates(),
        }
    }

    /// The dims that a tensor must have.
    fn dims(&self, i: usize) -> Vec<i64> {
        let s = self.sizes();
        let joined = 1 + i64::from(self.direction == Direction::Concat);
        let size = |letter| match letter {
            'l' => s.layers,
            'd' => s.directions,
            't' => s.t,
            'n' => s.n,
            'x' => s.slc,
            's' => s.sic,
            'o' => s.dhc,
            'p' => s.dic,
            'g' => s.gates,
            'b' => self.cell.slots(),
            'y' => joined * s.dic,
            digit => i64::from(digit as u8 - b'0'),
        };
        ALL[i % DIFF].2.chars().map(size).collect()
    }

    fn check(&self) -> Result<()> {
        let needed = |i: &usize| match i % DIFF {
            SRC_LAYER | WEIGHTS_LAYER | WEIGHTS_ITER | DST_LAYER => true,
            _ => *i == PROJECTION && self.has(*i),
        };
        for i in (0..self.tensors.len()).filter(needed) {
            let (given, rank) = (self.get(i).dims().len(), ALL[i % DIFF].2.len());
            let name = name(i);
            require!(self.has(i), "{name} is missing, it is mandatory");
            require!(given == rank, "{name}: {given} dims, {rank} are needed");
        }
        let s = self.sizes();
        self.check_sizes(&s)?;
        for i in (0..self.tensors.len()).filter(|&i| self.has(i)) {
            let (name, md, expected) = (name(i), self.get(i), self.dims(i));
            supported!(
                !md.has_runtime() && !md.has_zero_dim(),
                "{name}: all dims must be known at creation, and dims of size 0 are not supported"
            );
            require!(
                md.dims() == expected,
                "{name}: dims {:?}, expected {expected:?} by {}",
                md.dims(),
                self.given()
            );
        }
        // Gates, states and cells of all steps; buffers behind them have no more rows than these.
        let columns = self.cell.slots() * s.dhc + s.sic.max(s.dic) + s.dhc;
        let mut sizes = [s.layers, s.directions, s.t + 1, s.n, 4].into_iter();
        let bytes = sizes.try_fold(columns, |bytes, n| bytes.checked_mul(n));
        require!(
            bytes.is_some_and(|bytes| bytes < MOST_BYTES),
            "workspace, scratchpad: the gates and states of all steps overflow 64 bits, by {}",
            self.given()
        );
        Ok(())
    }

    /// The dims that say all sizes.
    fn given(&self) -> String {
        let one = |i: usize| format!("{} {:?}", name(i), self.get(i).dims());
        let all = [SRC_LAYER, WEIGHTS_LAYER, WEIGHTS_ITER, PROJECTION].into_iter();
        let given: Vec<String> = all.filter(|&i| self.has(i)).map(one).collect();
        given.join(", ")
    }

    fn check_sizes(&self, s: &Sizes) -> Result<()> {
        let two = matches!(self.direction, Direction::Concat | Direction::Sum);
        let gru = !matches!(self.cell, Cell::Vanilla | Cell::Lstm);
        let unread = |i| self.has(DIFF + i) && !self.has(i);
        let fault = if s.directions != 1 + i64::from(two) {
            "direction: weights_layer has another number of directions"
        } else if s.layers > 1 && s.slc != s.dic {
            "src_layer: layers above the first read channels of dst_iter, which has others"
        } else if s.t > 1 && s.sic != s.dic {
            "weights_iter: steps after the first read channels of dst_iter, which has others"
        } else if gru && s.sic != s.dhc {
            "weights_iter: a GRU reads as many channels as it has"
        } else if self.cell.has_attention() != self.has(ATTENTION) {
            "attention: AUGRU cells need it, others have none"
        } else if unread(PEEPHOLE) || unread(PROJECTION) {
            "diff_weights_peephole, diff_weights_projection: by weights that are not given"
        } else {
            return Ok(());
        };
        Err(invalid!("{fault}, by {}", self.given()))
    }

    /// States are what the source is, and so are weights; 8-bit ones have s8 weights and may be given and taken as f32.
    fn check_types(&self) -> Result<()> {
        use DataType::*;
        let src = self.get(SRC_LAYER).dtype();
        let known = matches!(src, F32 | Bf16 | F16 | U8 | S8);
        for i in (0..self.tensors.len()).filter(|&i| self.has(i)) {
            let (name, dtype) = (name(i), self.get(i).dtype());
            let fits = match i {
                SRC_LAYER => true,
                SRC_ITER | DST_LAYER | DST_ITER => dtype == src || (src.is_int() && dtype == F32),
                WEIGHTS_LAYER | WEIGHTS_ITER | PROJECTION if src.is_int() => dtype == S8,
                WEIGHTS_LAYER | WEIGHTS_ITER | PROJECTION => dtype == src,
                _ => matches!(dtype, F32 | Bf16 | F16),
            };
            supported!(
                known && fits,
                "{name}: type {dtype} is not supported where src_layer is {src}"
            );
        }
        let int =
            self.prop == Prop::ForwardInference && matches!(self.cell, Cell::Lstm | Cell::Gru);
        supported!(
            int || !src.is_int(),
            "src_layer: 8-bit integers are for inference by LSTM and GRU only"
        );
        Ok(())
    }

    /// Checks the attributes by which 8-bit integers stand for numbers; others have none.
    fn check_attr(&self, attr: &Attr) -> Result<()> {
        let (mut others, s) = (attr.clone(), self.sizes());
        if self.get(SRC_LAYER).dtype().is_int() {
            let (scale, shift) = others.data();
            others.rnn_data = None;
            require!(
                scale.is_normal() && shift.is_finite(),
                "attribute: scale {scale} and shift {shift} of recurrent data"
            );
            check_scales(others.rnn_weights.take(), 3 << 3, s.gates * s.dhc)?;
            check_scales(others.rnn_projection.take(), 1 << 3, s.dic)?;
        }
        check_attr(&others, accumulator(self.get(SRC_LAYER).dtype()), &[], &[])?;
        no_post_ops(attr, "recurrent layers")
    }

    fn is_forward(&self) -> bool {
        self.prop.is_forward()
    }

    /// Checks, resolves and plans.
    pub fn plan(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        self.check()?;
        self.check_types()?;
        self.check_attr(attr)?;
        supported!(
            self.is_forward() || self.activation != Eltwise::Relu || self.alpha.get() >= 0.0,
            "alpha: the gradient of relu is computed from its result, which a negative slope does not allow"
        );
        let mut desc = self.clone();
        for i in (0..self.tensors.len()).filter(|&i| self.get(i).is_any()) {
            desc.tensors[i] = self.layout(i, env)?;
        }
        desc.plan_resolved(attr, env)
    }

    fn plan_resolved(&self, attr: &Attr, env: &Env) -> Result<Planned> {
        let (mut args, mut sequence, mut inside) = (Vec::new(), Sequence::default(), Vec::new());
        for i in (0..self.tensors.len()).filter(|&i| self.has(i)) {
            let (md, output, inner) = (*self.get(i), self.writes(i), self.inner(i, env)?);
            let outer = (args.len(), &md);
            let entry = match output {
                true => sequence.written(env, outer, &inner, self.adds(i))?,
                false => sequence.read(env, outer, &inner)?,
            };
            inside.push((i, entry, inner));
            let id = tensor_id(i);
            args.push(Arg { id, md, output });
        }
        let mut net = Net::new(self, attr, env, inside);
        if self.prop != Prop::ForwardInference {
            net.workspace = Some(args.len());
            let md = MemoryDesc::plain(&[net.workspace_bytes() as i64], DataType::U8)?;
            let (id, output) = (WORKSPACE, self.is_forward());
            args.push(Arg { id, md, output });
        }
        sequence.finish(args, net.plan().planned(), env)
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

    /// The width of panels for weights: 1 for rows as they are.
    fn panel_width(&self, i: usize, env: &Env) -> usize {
        let (md, s) = (self.get(i), self.sizes());
        let (reads, rows) = match i {
            WEIGHTS_LAYER => (1, s.t * s.n),
            _ => (s.t, s.n),
        };
        let last = [2, md.dims().len() - 1];
        let columns = md.dims()[last[usize::from(self.is_forward())]];
        let bytes = md.dims()[2..].iter().product::<i64>() as usize * md.dtype().size_bytes();
        let v = md.dtype().vnni();
        let far = is_far(bytes, v, reads as usize);
        panel(env.isa, (rows as usize, columns as usize), (far, v))
    }

    /// The layout chosen for `any`: row-major, but weights as the products read them.
    fn layout(&self, i: usize, env: &Env) -> Result<MemoryDesc> {
        let (md, s) = (self.get(i), self.sizes());
        if !matches!(i, WEIGHTS_LAYER | WEIGHTS_ITER | PROJECTION) {
            return MemoryDesc::plain(md.dims(), md.dtype());
        }
        let (v, forward, last) = (md.dtype().vnni(), self.is_forward(), md.dims().len() - 1);
        let width = self.panel_width(i, env);
        let tag = match (forward, v) {
            // The reduction of backward passes runs from gate to gate.
            (false, _) if width == 1 || last == 4 && s.dhc % v as i64 != 0 => "abdec".into(),
            (true, _) if width == 1 => "abcde".into(),
            (true, 1) => format!("abdEc{width}e"),
            (true, _) => format!("abdEC{width}e{v}c"),
            (false, 1) => format!("abCde{width}c"),
            (false, _) => format!("abCdE{width}c{v}e"),
        };
        let tag = match last {
            4 => tag,
            _ => tag.replace('d', "").replace('e', "d").replace('E', "D"),
        };
        MemoryDesc::with_tag(md.dims(), md.dtype(), &tag)
    }

    /// The layout and type in which the program reads or writes a tensor: its own if it can, but panels for weights that
    /// every step reads.
    fn inner(&self, i: usize, env: &Env) -> Result<MemoryDesc> {
        let (md, s) = (self.get(i), self.sizes());
        let (dims, strides, last) = (md.dims(), md.strides(), md.dims().len() - 1);
        let fits = match i % DIFF {
            SRC_LAYER | ATTENTION => {
                is_unit(md, 2) && (s.t == 1 || strides[0] == s.n * layer_rows(md).1)
            }
            WEIGHTS_LAYER | WEIGHTS_ITER | PROJECTION => {
                let joined = last == 3
                    || s.gates == 1
                    || strides[3] == s.dhc * if dims[4] == 1 { 1 } else { strides[4] };
                let adjacent = [last, 2].map(|d| joined && is_unit(md, d));
                let read = adjacent[usize::from(!self.is_forward())] && md.dtype().vnni() == 1;
                if i < DIFF && layer::panel(md, self.is_forward(), env).is_some() {
                    return Ok(*md);
                }
                let repacks = i < DIFF && i != WEIGHTS_LAYER && repacks(s.t, s.n, read);
                if repacks && !(read && self.panel_width(i, env) == 1) {
                    return self.layout(i, env);
                }
                adjacent.contains(&true)
            }
            PEEPHOLE | BIAS => is_unit(md, 3) && strides[2] == s.dhc,
            _ => is_unit(md, last),
        };
        let dtype = match i >= DIFF && self.writes(i) {
            true => DataType::F32,
            false => md.dtype(),
        };
        match fits && dtype == md.dtype() {
            true => Ok(*md),
            false => MemoryDesc::plain(dims, dtype),
        }
    }
}

/// Scales of weights are one, or so many by a mask.
fn check_scales(given: Option<RnnQuant>, by_channel: i32, count: i64) -> Result<()> {
    let Some(RnnQuant { mask, scales }) = given else {
        return Ok(());
    };
    let own = scales.len() as i64;
    let normal = scales.iter().all(|s| s.get().is_normal());
    supported!(
        normal && [(0, 1), (by_channel, count)].contains(&(mask, own)),
        "attribute: {own} scales of recurrent weights by mask {mask}: 1 by mask 0 or {count} by mask {by_channel} are supported, and none is 0"
    );
    Ok(())
}

/// Elements between time steps and between rows of a tensor (t, n, c); those of a dimension of size 1 do not count.
fn layer_rows(md: &MemoryDesc) -> (i64, i64) {
    let (step, row) = (md.strides()[0], md.strides()[1]);
    (step, if md.dims()[1] == 1 { step } else { row })
}
