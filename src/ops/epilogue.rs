//! What happens to a value between accumulation and store, as an expression with its operands.
//!
//! Attributes mean the same for every primitive: `acc * (src scale * weights scale) + bias`, then the post-ops in
//! order, then `/ dst scale + dst zero point`, then rounding and saturation by the store. A [`Chain`] writes these
//! steps into an [`Expr`] and records where each operand comes from: an [`Epilogue`]. Those of matrix products are in
//! `product`.

use super::{Arg, Exec, describe::arg_name, sequence::innermost};
use crate::attr::{Attr, BinaryAlg, PostOp, Quant};
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::{
    eltwise,
    expr::{Bcast, Builder, Expr, Id, Node, Pred},
};
use crate::memory::MemoryDesc;
use crate::plan::place::Place;
use crate::{invalid, require, supported, unimplemented_here};
use std::collections::BTreeMap;

pub mod product;
pub use product::{Request, Value, ZeroPoint, bcast};

/// Argument numbers of the C API that several primitives share.
pub mod arg {
    #![allow(missing_docs)]
    pub const SRC: i32 = 1;
    pub const SRC_1: i32 = 2;
    pub const SRC_2: i32 = 3;
    pub const DST: i32 = 17;
    pub const WEIGHTS: i32 = 33;
    pub const BIAS: i32 = 41;
    pub const DIFF_SRC: i32 = 129;
    pub const DIFF_WEIGHTS: i32 = 161;
    pub const DIFF_BIAS: i32 = 169;
    pub const DIFF_DST: i32 = 145;
    pub const MULTIPLE_SRC: i32 = 1024;
    pub const SCALES: i32 = 4096;
    pub const ZERO_POINTS: i32 = 8192;

    /// The bits that stand for post-op `i`.
    pub const fn post_op(i: usize) -> i32 {
        32768 * (i as i32 + 1)
    }
}

/// The most operands that an expression may have.
pub const MAX_OPERANDS: usize = 64;
// Staged steps have a buffer beside each of them and of dst.
const _: () = assert!(2 * (MAX_OPERANDS + 1) <= crate::exec::MANY);

/// One operand of an expression: which argument it reads, and where.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Index into `Planned::args`.
    pub index: usize,
    /// Element type.
    pub dtype: DataType,
    /// Where the element for a dst position lies.
    pub place: Place,
}

/// An expression, and its operands by slot.
#[derive(Clone, Debug)]
pub struct Epilogue {
    /// From the accumulator to the stored value.
    pub expr: Expr,
    /// Its operands.
    pub bindings: Vec<Binding>,
}

impl Binding {
    /// Every element of an argument, broadcast along its dims of size 1.
    pub fn whole(index: usize, md: &MemoryDesc) -> Binding {
        let dtype = md.dtype();
        let place = Place::broadcast(md);
        Binding {
            index,
            dtype,
            place,
        }
    }
}

impl Epilogue {
    /// The accumulator as it is.
    pub fn acc(int: bool) -> Epilogue {
        let (expr, bindings) = (Expr::acc(int), Vec::new());
        Epilogue { expr, bindings }
    }

    /// Writes the operand pointers for the tile whose first element is dst element `position`.
    pub fn fill(&self, out: &mut [*const u8], exec: &Exec, position: &[i64]) {
        for (slot, binding) in out.iter_mut().zip(&self.bindings) {
            *slot = exec.ptrs[binding.index].wrapping_offset(binding.place.at(position) as isize);
        }
    }
}

/// An input of a primitive that attributes refer to: its argument number, its descriptor, and which dst dimension each
/// of its dimensions runs along.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Argument number.
    pub id: i32,
    /// Its descriptor.
    pub md: &'a MemoryDesc,
    /// Dst dimension of each of its dimensions, if any.
    pub to: &'a [Option<usize>],
}

impl<'a> Input<'a> {
    /// Input `id`, each of whose dimensions runs along a dst dimension or none.
    pub fn new(id: i32, md: &'a MemoryDesc, to: &'a [Option<usize>]) -> Input<'a> {
        Input { id, md, to }
    }
}

/// An expression under construction, and its operands.
pub struct Chain<'a> {
    /// The program so far.
    pub code: Builder,
    /// The operands so far.
    pub bindings: Vec<Binding>,
    pub(super) args: &'a mut Vec<Arg>,
    pub(super) dst: MemoryDesc,
}

impl<'a> Chain<'a> {
    /// Starts a chain that ends in `dst`. Operands are looked up in `args`, and appended where they are not there.
    pub fn new(args: &'a mut Vec<Arg>, dst: &MemoryDesc) -> Chain<'a> {
        Chain {
            code: Builder::new(),
            bindings: Vec::new(),
            args,
            dst: *dst,
        }
    }

    /// The index of argument `id`; one not yet listed is added as an input.
    fn argument(&mut self, id: i32, md: &MemoryDesc) -> usize {
        let known = self.args.iter().position(|a| a.id == id);
        known.unwrap_or_else(|| {
            self.args.push(Arg::input(id, *md));
            self.args.len() - 1
        })
    }

    /// Loads the argument `id`, which lies at `place`.
    pub fn load(&mut self, id: i32, md: &MemoryDesc, place: Place, int: bool) -> Result<Id> {
        let dtype = md.dtype();
        supported!(
            dtype.is_kernel_type(),
            "argument {id}: operands of type {dtype} are not supported"
        );
        let index = self.argument(id, md);
        let binding = Binding {
            index,
            dtype,
            place,
        };
        self.load_at(binding, int)
    }

    /// Loads the elements of a tensor like dst, whatever their type, to be stored as they are.
    pub fn copied(&mut self, id: i32, md: &MemoryDesc) -> Result<Id> {
        let binding = Binding::whole(self.argument(id, md), md);
        self.load_at(binding, md.dtype().is_int())
    }

    /// Loads an operand from where it lies; with `int`, integers stay integers.
    pub fn load_at(&mut self, binding: Binding, int: bool) -> Result<Id> {
        let slot = self.bindings.len();
        supported!(
            slot < MAX_OPERANDS,
            "more than {MAX_OPERANDS} operands in one pass"
        );
        let dtype = binding.dtype;
        self.bindings.push(binding);
        // The nest decides how the operand varies over its tiles.
        let (slot, bcast) = (slot as u8, Bcast::Scalar);
        Ok(self.code.push(Node::Load {
            slot,
            dtype,
            bcast,
            int,
        }))
    }

    /// Loads an operand that is broadcast along those dims in which it has size 1.
    pub fn load_broadcast(&mut self, id: i32, md: &MemoryDesc, what: &str) -> Result<Id> {
        if md.has_runtime() {
            check_layout(md, what)?;
        }
        check_broadcast(md, &self.dst, what)?;
        let md = resolved(md, &self.dst)?;
        check_operand(&md, what)?;
        let place = Place::broadcast(&md);
        self.load(id, &md, place, false)
    }

    /// Loads the scales of an input, if it has any.
    pub fn scale(&mut self, attr: &Attr, input: Input) -> Result<Option<Id>> {
        self.quant((&attr.scales, arg::SCALES, "scales"), input, false)
    }

    /// Loads the zero points of an input, if it has any, as floats or as integers.
    pub fn zero_point(&mut self, attr: &Attr, input: Input, int: bool) -> Result<Option<Id>> {
        let points = (&attr.zero_points, arg::ZERO_POINTS, "zero points");
        self.quant(points, input, int)
    }

    /// `given` comes with the offset of the argument numbers of its kind, and the kind's name.
    fn quant(
        &mut self,
        (given, kind, what): (&BTreeMap<i32, Quant>, i32, &str),
        input: Input,
        int: bool,
    ) -> Result<Option<Id>> {
        let Some(quant) = given.get(&input.id) else {
            return Ok(None);
        };
        let what = format!("{what} of argument {}", input.id);
        supported!(
            quant.mode <= 1,
            "{what}: quantization mode {} is not supported",
            quant.mode
        );
        let mask = quant_mask(quant, input.md.dims(), &what)?;
        let dtype = quant.data_type;
        let (md, place) = match quant.on_host {
            true => (MemoryDesc::host_scalar(dtype), Place::default()),
            false => dense(input.md.dims(), mask, dtype)?,
        };
        let place = place.renamed(input.to).ok_or_else(|| {
            unimplemented_here!(
                "{what}: mask {mask} varies along a dimension that the sums run over"
            )
        })?;
        supported!(
            !int || dtype.is_int(),
            "{what}: type {dtype} is not supported"
        );
        self.load(kind | input.id, &md, place, int).map(Some)
    }

    /// Multiplies by the scales of `input`, if it has any.
    pub fn scaled(&mut self, attr: &Attr, x: Id, input: Input) -> Result<Id> {
        let scale = self.scale(attr, input)?;
        Ok(scale.map_or(x, |s| self.code.mul(x, s)))
    }

    /// Applies the post-ops of `attr` in order.
    pub fn post_ops(&mut self, attr: &Attr, mut x: Id) -> Result<Id> {
        require!(
            attr.post_ops.len() <= 32,
            "post-ops: {} of them, at most 32 are possible",
            attr.post_ops.len()
        );
        for (i, op) in attr.post_ops.iter().enumerate() {
            x = self.post_op(i, op, x)?;
        }
        Ok(x)
    }

    fn post_op(&mut self, i: usize, op: &PostOp, x: Id) -> Result<Id> {
        match op {
            PostOp::Sum {
                scale,
                zero_point,
                data_type,
            } => self.sum(i, x, scale.get(), *zero_point, *data_type),
            PostOp::Eltwise { alg, alpha, beta } => {
                let (alpha, beta) = (alpha.get(), beta.get());
                Ok(eltwise::forward(&mut self.code, *alg, alpha, beta, x))
            }
            PostOp::Binary { alg, src1, src2 } => self.binary(i, x, *alg, src1, src2.as_ref()),
            PostOp::Prelu { mask } => self.prelu(i, x, *mask),
            PostOp::Depthwise { .. } => Err(unimplemented_here!(
                "post-op {i}: a fused depthwise convolution is not supported"
            )),
        }
    }

    fn sum(
        &mut self,
        i: usize,
        x: Id,
        scale: f32,
        zero_point: i32,
        dtype: Option<DataType>,
    ) -> Result<Id> {
        let (own, dtype) = (self.dst.dtype(), dtype.unwrap_or(self.dst.dtype()));
        require!(
            dtype.size_bytes() == own.size_bytes() && dtype.is_kernel_type(),
            "post-op {i}: sum cannot read dst of type {own} as {dtype}"
        );
        let mut old = self.code.push(Node::LoadD { dtype });
        if zero_point != 0 {
            let zero_point = self.code.float(zero_point as f32);
            old = self.code.sub(old, zero_point);
        }
        if scale == 1.0 {
            return Ok(self.code.add(x, old));
        }
        let scale = self.code.float(scale);
        Ok(self.code.fma(old, scale, x))
    }

    fn binary(
        &mut self,
        i: usize,
        x: Id,
        alg: BinaryAlg,
        src1: &MemoryDesc,
        src2: Option<&MemoryDesc>,
    ) -> Result<Id> {
        let what = format!("post-op {i}: src1");
        let y = self.load_broadcast(arg::post_op(i) | arg::SRC_1, src1, &what)?;
        if alg != BinaryAlg::Select {
            return Ok(eltwise::binary(&mut self.code, alg, x, y));
        }
        let what = format!("post-op {i}: src2");
        let src2 = src2
            .filter(|md| !md.is_absent())
            .ok_or_else(|| invalid!("{what}: select needs it"))?;
        let condition = self.load_broadcast(arg::post_op(i) | arg::SRC_2, src2, &what)?;
        Ok(select(&mut self.code, condition, x, y))
    }

    fn prelu(&mut self, i: usize, x: Id, mask: i32) -> Result<Id> {
        let what = format!("post-op {i}: prelu weights");
        check_mask(mask, self.dst.dims().len(), &what)?;
        let mut dims = self.dst.dims().to_vec();
        let single = (0..dims.len()).filter(|d| mask >> d & 1 == 0);
        single.for_each(|d| dims[d] = 1);
        let mut md = MemoryDesc::plain(&dims, DataType::F32)?;
        if dims.len() > 2 {
            md = innermost(&md, dims.len() - 1, 1)?; // channels last, as oneDNN has them
        }
        let (id, place) = (arg::post_op(i) | arg::WEIGHTS, Place::broadcast(&md));
        let weights = self.load(id, &md, place, false)?;
        let scaled = self.code.mul(x, weights);
        let zero = self.code.float(0.0);
        Ok(self.code.select(Pred::Gt, x, zero, x, scaled))
    }

    /// Divides by the scale of dst and adds its zero point, if it has them.
    pub fn quantise(&mut self, attr: &Attr, mut x: Id) -> Result<Id> {
        let (dst, to) = (self.dst, identity(self.dst.dims().len()));
        let input = Input::new(arg::DST, &dst, &to);
        if let Some(scale) = self.scale(attr, input)? {
            x = self.code.div(x, scale);
        }
        if let Some(zero_point) = self.zero_point(attr, input, false)? {
            x = self.code.add(x, zero_point);
        }
        Ok(x)
    }

    /// Ends the chain.
    pub fn finish(self, result: Id, int: bool) -> Epilogue {
        let (expr, bindings) = (self.code.finish(result, int), self.bindings);
        Epilogue { expr, bindings }
    }
}

/// `condition ≠ 0 ? x : y`.
pub fn select(code: &mut Builder, condition: Id, x: Id, y: Id) -> Id {
    let zero = code.float(0.0);
    code.select(Pred::Ne, condition, zero, x, y)
}

/// The map of an input whose dimensions are those of dst.
pub fn identity(ndims: usize) -> Vec<Option<usize>> {
    (0..ndims).map(Some).collect()
}

/// Refuses what no primitive honours, accumulation in another type than `acc`, and scales or zero points of arguments
/// other than those listed.
pub fn check_attr(attr: &Attr, acc: DataType, scales: &[i32], zero_points: &[i32]) -> Result<()> {
    check_accumulation(attr, acc)?;
    let is_stochastic = attr.rounding.values().any(|&mode| mode != 0);
    let reductions = &attr.precomputed_reductions;
    for (given, what) in [
        (attr.dropout.is_some(), "dropout is not supported"),
        (is_stochastic, "stochastic rounding is not supported"),
        (
            !reductions.is_empty(),
            "precomputed reductions are not supported",
        ),
        (
            attr.is_for_rnn(),
            "quantisation of recurrent layers means nothing to this primitive",
        ),
    ] {
        supported!(!given, "attribute: {what}");
    }
    for (what, given, known) in [
        ("scales", &attr.scales, scales),
        ("zero points", &attr.zero_points, zero_points),
    ] {
        for id in given.keys() {
            let name = arg_name(*id);
            supported!(
                known.contains(id),
                "attribute: {what} of {name} are not supported here"
            );
        }
    }
    Ok(())
}

/// Refuses post-ops.
pub fn no_post_ops(attr: &Attr, what: &str) -> Result<()> {
    let none = attr.post_ops.is_empty();
    supported!(none, "attribute: {what} take no post-ops");
    Ok(())
}

/// Refuses accumulation in another type than the one that results are computed in.
fn check_accumulation(attr: &Attr, acc: DataType) -> Result<()> {
    // Numbers of the C API: strict, relaxed and any allow what is done here; the others name a type.
    let wanted = match attr.accumulation {
        3 => DataType::S32,
        4 => DataType::F32,
        5 => DataType::F16,
        _ => return Ok(()),
    };
    supported!(
        wanted == acc,
        "attribute: accumulation in {wanted} is not supported, sums are {acc}"
    );
    Ok(())
}

/// A descriptor and its name in sentences.
type Named<'a> = (&'a MemoryDesc, &'a str);

/// Checks that a tensor is there and has the dims of another.
pub fn check_dims((md, what): Named, (like, of): Named) -> Result<()> {
    let (dims, wanted) = (md.dims(), like.dims());
    require!(
        dims == wanted && !md.is_absent(),
        "{what}: dims {dims:?}, but {of} has {wanted:?}"
    );
    Ok(())
}

/// Checks that every dim of `md` is 1 or that of `dst`.
pub fn check_broadcast(md: &MemoryDesc, dst: &MemoryDesc, what: &str) -> Result<()> {
    require!(
        md.ndims == dst.ndims,
        "{what}: {} dims, dst has {}",
        md.ndims,
        dst.ndims
    );
    let (dims, all) = (md.dims(), dst.dims());
    require!(
        (dims.iter().zip(all)).all(|(&a, &b)| a == b || a == 1),
        "{what}: dims {dims:?} do not broadcast to {all:?} of dst"
    );
    Ok(())
}

/// Refuses layouts that a nest over elements cannot walk.
pub fn check_layout(md: &MemoryDesc, what: &str) -> Result<()> {
    supported!(
        md.is_blocked(),
        "{what}: only plain and blocked layouts are supported, this is {:?}",
        md.kind()
    );
    supported!(
        !md.has_runtime(),
        "{what}: dims and strides known only at execution are not supported"
    );
    supported!(
        !md.has_extra(),
        "{what}: compensation or other extra data behind the elements is not supported"
    );
    let dtype = md.dtype();
    supported!(!dtype.is_nibble(), "{what}: type {dtype} is not supported");
    Ok(())
}

/// Refuses layouts and types that an expression cannot load or store.
pub fn check_operand(md: &MemoryDesc, what: &str) -> Result<()> {
    check_layout(md, what)?;
    let dtype = md.dtype();
    supported!(
        dtype.is_kernel_type(),
        "{what}: type {dtype} is not supported"
    );
    Ok(())
}

/// `md` with a layout: its own, else that of `like` where the dims agree, else row-major.
pub fn resolved(md: &MemoryDesc, like: &MemoryDesc) -> Result<MemoryDesc> {
    if !md.is_any() {
        return Ok(*md);
    }
    if md.dims() != like.dims() || !like.is_blocked() {
        return MemoryDesc::plain(md.dims(), md.dtype());
    }
    let mut chosen = *like;
    (chosen.data_type, chosen.offset0) = (md.data_type, 0);
    Ok(chosen)
}

fn check_mask(mask: i32, ndims: usize, what: &str) -> Result<()> {
    require!(
        mask >= 0 && mask >> ndims == 0,
        "{what}: mask {mask} names dimensions beyond the {ndims} there are"
    );
    Ok(())
}

/// The dims along which the values really vary; groups are supported where they cover a whole dim or one element.
fn quant_mask(quant: &Quant, dims: &[i64], what: &str) -> Result<i32> {
    check_mask(quant.mask, dims.len(), what)?;
    require!(
        !quant.on_host || quant.mask == 0,
        "{what}: a host scalar cannot vary, but the mask is {}",
        quant.mask
    );
    require!(
        quant.groups.len() <= dims.len(),
        "{what}: {} group sizes for {} dims",
        quant.groups.len(),
        dims.len()
    );
    let mut mask = quant.mask;
    let first = dims.len() - quant.groups.len();
    for (d, &group) in quant.groups.iter().enumerate().map(|(i, g)| (first + i, g)) {
        supported!(
            group <= 1 || group == dims[d],
            "{what}: groups of {group} along dimension {d} are not supported"
        );
        if group == dims[d] {
            mask &= !(1 << d);
        }
    }
    Ok(mask)
}

/// Descriptor and place of a dense vector over the masked dims.
fn dense(dims: &[i64], mask: i32, dtype: DataType) -> Result<(MemoryDesc, Place)> {
    let (place, count) = Place::dense(dims, mask, dtype.size_bytes());
    Ok((MemoryDesc::plain(&[count], dtype)?, place))
}
