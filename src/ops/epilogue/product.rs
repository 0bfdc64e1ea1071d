//! The epilogue of a matrix product: zero points, scales, bias and post-ops over tiles of rows and columns.

use super::{Binding, Chain, Epilogue, Input, arg};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::kernel::expr::{Bcast, Id, Node};
use crate::memory::MemoryDesc;
use crate::ops::Arg;
use crate::plan::place::{Place, Term};
use crate::{invalid, unimplemented_here};

/// What a matrix product asks of its epilogue.
pub struct Request<'a> {
    /// Attributes; checked with [`check_attr`] by the primitive.
    pub attr: &'a Attr,
    /// Type of the accumulator: f32 or s32.
    pub acc: DataType,
    /// Zero points that an s32 accumulator was computed without.
    pub zero_points: &'a [ZeroPoint<'a>],
    /// Length of the reduction.
    pub reduced: i32,
    /// Inputs whose scales multiply the accumulator.
    pub scaled: &'a [Input<'a>],
    /// The bias, if there is one.
    pub bias: Option<Input<'a>>,
    /// Where the result goes.
    pub dst: &'a MemoryDesc,
    /// Dst dimensions that the rows of a tile run along, outermost first.
    pub rows: &'a [usize],
    /// The dst dimension that the columns of a tile run along.
    pub cols: usize,
    /// Tiles start at multiples of this many columns and are at most as wide, where dst has inner blocks; else 0.
    pub cols_block: i64,
}

/// The zero point of one factor, and the sums of the other along the reduction: `Σ(a - za)(b - zb)` is
/// `Σab - za·Σb - zb·Σa + K·za·zb`.
#[derive(Clone)]
pub struct ZeroPoint<'a> {
    /// The factor.
    pub input: Input<'a>,
    /// Where the other factor's s32 sums lie.
    pub sums: Binding,
}

/// What writes the value to store, and says whether it is an integer.
pub type Value<'a> = &'a dyn Fn(&mut Chain, &Request) -> Result<(Id, bool)>;

impl Epilogue {
    /// Plans the epilogue; arguments of attributes are appended to `args`, which already lists the primitive's own. An
    /// operand that a kernel could not walk as it lies is replaced by what `copy` makes of its number and descriptor.
    pub fn with_copies(
        request: &Request,
        args: &mut Vec<Arg>,
        copy: impl FnMut(usize, &MemoryDesc) -> Result<Option<Binding>>,
    ) -> Result<Epilogue> {
        Epilogue::of(&value, request, args, copy)
    }

    /// As `with_copies` for another value than that of attributes.
    pub fn of(
        value: Value,
        request: &Request,
        args: &mut Vec<Arg>,
        mut copy: impl FnMut(usize, &MemoryDesc) -> Result<Option<Binding>>,
    ) -> Result<Epilogue> {
        let mut chain = Chain::new(args, request.dst);
        let (result, int) = value(&mut chain, request)?;
        let Epilogue {
            mut expr,
            mut bindings,
        } = chain.finish(result, int);
        for node in &mut expr.nodes {
            let Node::Load { slot, bcast, .. } = node else {
                continue;
            };
            let binding = &mut bindings[*slot as usize];
            *bcast = match over_tile(binding, request) {
                Some(bcast) => bcast,
                None => {
                    let Arg { id, md, .. } = &args[binding.index];
                    let refusal = unimplemented_here!(
                        "argument {id}: its layout does not run along the rows and columns of dst"
                    );
                    let md = as_dst(binding, md, request.dst)?;
                    *binding = copy(binding.index, &md)?.ok_or_else(|| refusal.clone())?;
                    over_tile(binding, request).ok_or(refusal)?
                }
            };
        }
        Ok(Epilogue { expr, bindings })
    }
}

/// An operand with the dims of dst, 1 where it does not vary. Scales and biases have fewer, so theirs follow from where
/// the binding finds their values.
fn as_dst(binding: &Binding, md: &MemoryDesc, dst: &MemoryDesc) -> Result<MemoryDesc> {
    let (mut dims, mut strides) = (dst.dims().to_vec(), vec![0; dst.dims().len()]);
    if md.dims().len() == dims.len() {
        return Ok(*md);
    }
    let bytes = binding.dtype.size_bytes() as i64;
    let (outer, mut inner): (Vec<Term>, Vec<Term>) =
        (binding.place.terms.iter()).partition(|term| term.size == i64::MAX);
    for (d, size) in dims.iter_mut().enumerate() {
        if binding.place.terms.iter().all(|term| term.dim != d) {
            *size = 1;
        }
    }
    (outer.iter()).for_each(|term| strides[term.dim] = term.stride / bytes);
    inner.sort_by_key(|term| std::cmp::Reverse(term.stride));
    let blocks: Vec<_> = inner.iter().map(|term| (term.dim, term.size)).collect();
    MemoryDesc::with_strides(&dims, binding.dtype, Some(&strides))?
        .in_blocks(&blocks, binding.place.base / bytes)
}

/// What attributes ask for: see the head of the module above.
pub fn value(chain: &mut Chain, request: &Request) -> Result<(Id, bool)> {
    let (mut x, int) = (sum(chain, request)?, request.acc.is_int());
    let attr = request.attr;
    let plain = attr.scales.is_empty()
        && attr.post_ops.is_empty()
        && !attr.zero_points.contains_key(&arg::DST);
    if int && plain && request.bias.is_none() && request.dst.dtype().is_int() {
        return Ok((x, true));
    }
    if int {
        x = chain.code.push(Node::ToFloat(x));
    }
    x = scale_all(chain, request, x)?;
    if let Some(bias) = request.bias {
        x = add_bias(chain, bias, x, false)?;
    }
    x = chain.post_ops(attr, x)?;
    Ok((chain.quantise(attr, x)?, false))
}

/// The accumulator without zero points: see [`ZeroPoint`].
pub fn sum(chain: &mut Chain, request: &Request) -> Result<Id> {
    let (mut x, mut product) = (chain.code.push(Node::Acc), None);
    for ZeroPoint { input, sums } in request.zero_points {
        let Some(point) = chain.zero_point(request.attr, *input, true)? else {
            continue;
        };
        let sums = chain.load_at(sums.clone(), true)?;
        let excess = chain.code.push(Node::MulI(point, sums));
        x = chain.code.push(Node::SubI(x, excess));
        product = Some(match product {
            Some(other) => {
                let both = chain.code.push(Node::MulI(other, point));
                let length = chain.code.push(Node::Const(request.reduced as u32));
                let excess = chain.code.push(Node::MulI(both, length));
                x = chain.code.push(Node::AddI(x, excess));
                both
            }
            None => point,
        });
    }
    Ok(x)
}

/// The scales are multiplied with each other first, as the standard order of operations has it.
fn scale_all(chain: &mut Chain, request: &Request, x: Id) -> Result<Id> {
    let mut product = None;
    for &input in request.scaled {
        if let Some(scale) = chain.scale(request.attr, input)? {
            product = Some(product.map_or(scale, |p| chain.code.mul(p, scale)));
        }
    }
    Ok(product.map_or(x, |p| chain.code.mul(x, p)))
}

/// x with the bias, both as integers or both as floats.
pub fn add_bias(chain: &mut Chain, bias: Input, x: Id, int: bool) -> Result<Id> {
    let place = Place::broadcast(bias.md);
    let place = place.renamed(bias.to).ok_or_else(|| {
        invalid!(
            "bias: dims {:?} do not fit the dims {:?} of dst",
            bias.md.dims(),
            chain.dst.dims()
        )
    })?;
    let bias = chain.load(bias.id, bias.md, place, int)?;
    Ok(match int {
        true => chain.code.push(Node::AddI(x, bias)),
        false => chain.code.add(x, bias),
    })
}

/// How an operand varies over a tile of rows and columns; nothing where a kernel could not walk it.
fn over_tile(binding: &Binding, request: &Request) -> Option<Bcast> {
    let (place, bytes) = (&binding.place, binding.dtype.size_bytes() as i64);
    let run = [i64::MAX, request.cols_block][usize::from(request.cols_block > 0)];
    let (along, mut row_bytes) = (place.even(request.cols, run)?, 0);
    if let Some((&last, outer)) = request.rows.split_last() {
        row_bytes = place.even(last, i64::MAX)?;
        let (mut reach, mut inner) = (row_bytes, last);
        for &dim in outer.iter().rev() {
            reach = reach.checked_mul(request.dst.dims[inner])?;
            if place.even(dim, i64::MAX)? != reach && request.dst.dims[dim] != 1 {
                return None;
            }
            inner = dim;
        }
    }
    bcast(along, row_bytes, bytes)
}

/// The broadcast of an operand with these strides along columns and rows.
pub fn bcast(along: i64, row_bytes: i64, bytes: i64) -> Option<Bcast> {
    match (along, row_bytes) {
        (0, 0) => Some(Bcast::Scalar),
        (0, _) => Some(Bcast::Col { row_bytes }),
        (a, 0) if a == bytes => Some(Bcast::Row),
        (a, _) if a == bytes => Some(Bcast::Full { row_bytes }),
        _ => None,
    }
}
