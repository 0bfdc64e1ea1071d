//! Tensors as the matrices of a product, and what packing knows of their layouts.

use super::epilogue::{Epilogue, Input, Request, Value, ZeroPoint, arg, product::value};
use super::gemm::{Matrix, Product};
use super::sequence::Sequence;
use super::{Arg, Env, Planned};
use crate::attr::Attr;
use crate::dtype::DataType;
use crate::error::Result;
use crate::exec::pack::Side;
use crate::kernel::bare::Bare;
use crate::memory::MemoryDesc;
use crate::plan::gemm::{is_far, packed_panel, reads_panels, weights_panel};
use crate::{require, supported};

/// Sizes that must agree: what each is of, and the two tensors that say it.
pub type Agreement<'a> = (&'a str, [(&'a str, i64); 2]);

/// Checks that sizes agree.
pub fn check_sizes(what: &str, sizes: &[Agreement]) -> Result<()> {
    for (size, [(x, nx), (y, ny)]) in sizes {
        require!(nx == ny, "{what}: {size}: {nx} in {x}, {ny} in {y}");
    }
    Ok(())
}

/// Checks that the kernel multiplies these types and stores that one.
pub fn check_types(what: &str, a: &MemoryDesc, b: &MemoryDesc, d: &MemoryDesc) -> Result<()> {
    let (a, b, d) = (a.dtype(), b.dtype(), d.dtype());
    supported!(
        Bare::accumulator(a, b).is_ok() && d.is_kernel_type(),
        "{what}: types {a} x {b} -> {d} are not supported"
    );
    Ok(())
}

/// The type that products of elements are summed in.
pub fn accumulator(dtype: DataType) -> DataType {
    [DataType::F32, DataType::S32][usize::from(dtype.is_int())]
}

/// The descriptor itself, or row-major for `any`.
pub fn plain(md: &MemoryDesc) -> Result<MemoryDesc> {
    match md.is_any() {
        true => MemoryDesc::plain(md.dims(), md.dtype()),
        false => Ok(*md),
    }
}

/// The inputs that are there.
pub fn inputs(list: &[(i32, MemoryDesc)]) -> Vec<Arg> {
    let there = list.iter().filter(|(_, md)| !md.is_absent());
    there.map(|&(id, md)| Arg::input(id, md)).collect()
}

/// The product of A, B and D, of (m, n, k) and a batch; where D is stored by columns, its transpose is
/// computed. The epilogue was planned for the rows and columns that [`axes`] says.
pub fn product(
    env: &Env,
    batch: &[i64],
    (m, n, k): (i64, i64, i64),
    [a, b, d]: [Matrix; 3],
    end: Epilogue,
) -> Product {
    let axes = axes(&d, batch.len() + 2);
    let ((m, n), [a, b, d]) = match d.is_by_columns() {
        true => ((n, m), [b.transposed(), a.transposed(), d.transposed()]),
        false => ((m, n), [a, b, d]),
    };
    Product {
        isa: env.isa,
        batch: batch.to_vec(),
        m: m as usize,
        n: n as usize,
        k: k as usize,
        a,
        b,
        d,
        accumulates: false,
        end,
        axes,
        threads: env.threads,
        share: None,
    }
}

/// The dims of dst that the rows and columns of the computed product run along.
pub fn axes(d: &Matrix, ndims: usize) -> (usize, usize) {
    match d.is_by_columns() {
        true => (ndims - 1, ndims - 2),
        false => (ndims - 2, ndims - 1),
    }
}

/// Whether steps along a dimension move by one element; those of a dimension of size 1 do not matter.
pub fn is_unit(md: &MemoryDesc, dim: usize) -> bool {
    md.is_plain() && (md.dims()[dim] == 1 || md.strides()[dim] == 1)
}

/// Bytes between the entries of a batch over the first dimensions, 0 along those of size 1.
fn batch(md: &MemoryDesc, count: usize) -> Vec<i64> {
    let size = md.dtype().size_bytes() as i64;
    let step = |d: usize| i64::from(md.dims()[d] != 1) * md.strides()[d] * size;
    (0..count).map(step).collect()
}

/// The last two dimensions of a tensor as a matrix, the others as its batch; nothing unless the elements of its rows or
/// of its columns are adjacent.
pub fn matrix(arg: usize, md: &MemoryDesc) -> Option<Matrix> {
    let nd = md.dims().len();
    let size = md.dtype().size_bytes() as i64;
    let (rows, cols) = match (is_unit(md, nd - 1), is_unit(md, nd - 2)) {
        (true, _) => (md.strides()[nd - 2] * size, size),
        (_, true) => (size, md.strides()[nd - 1] * size),
        _ => return None,
    };
    Some(Matrix {
        batch: batch(md, nd - 2),
        ..Matrix::strided(arg, md.dtype(), md.offset0 * size, (rows, cols))
    })
}

/// The width of panels of the form that the kernel reads, `[k/v][width][v]`, if weights lie so: `k` is the reduced
/// dimension, which may be in blocks, `n` the other.
pub fn panel_width(md: &MemoryDesc, (k, n): (usize, usize), env: &Env) -> Option<i64> {
    let v = md.dtype().vnni() as i64;
    let blocks: Vec<(usize, i64)> = md.blocks().collect();
    let (rows, inner) = match *blocks.as_slice() {
        [(d, rows), (next, _), ..] if (d, next) == (k, n) => (rows, &blocks[1..]),
        _ => (1, &blocks[..]),
    };
    let width = match *inner {
        [(d, width)] if v == 1 && d == n => width,
        [(d, width), (group, size)] if (d, group, size) == (n, k, v) => width,
        _ => return None,
    };
    (reads_panels(env.isa, width) && md.strides()[k] == rows * width * v).then_some(width)
}

/// Weights as panels, if they lie so.
pub fn panels(arg: usize, md: &MemoryDesc, (k, n): (usize, usize), env: &Env) -> Option<Matrix> {
    let width = panel_width(md, (k, n), env).filter(|_| md.dims().len() == k.min(n) + 2)?;
    let (dtype, size) = (md.dtype(), md.dtype().size_bytes() as i64);
    let side = Side::Panels {
        width: width as usize,
        panel: md.strides()[n] * size,
    };
    Some(Matrix {
        arg,
        dtype,
        offset: md.offset0 * size,
        side,
        batch: batch(md, k.min(n)),
    })
}

impl Matrix {
    /// Whether its columns have adjacent elements, and its rows have not.
    pub fn is_by_columns(&self) -> bool {
        let size = self.dtype.size_bytes() as i64;
        matches!(self.side, Side::Strided { cols, .. } if cols != size)
    }

    /// The same elements with rows and columns exchanged; not for panels.
    pub fn transposed(mut self) -> Matrix {
        self.side = self.side.transposed();
        self
    }
}

/// The layout itself if packing knows it as a matrix, else the row-major one.
pub fn matrix_layout(md: &MemoryDesc) -> Result<MemoryDesc> {
    match matrix(0, md) {
        Some(_) => Ok(*md),
        None => MemoryDesc::plain(md.dims(), md.dtype()),
    }
}

/// An entry of a sequence's table, and its layout.
pub type Operand = (usize, MemoryDesc);

/// Both factors as matrices, copied if they must be; B may lie in panels unless the product is computed transposed.
pub fn factors(
    sequence: &mut Sequence,
    env: &Env,
    (a, b): (&Operand, &Operand),
    transposed: bool,
) -> Result<[Matrix; 2]> {
    let mut factor = |(entry, md): &Operand| {
        let layout = matrix_layout(md)?;
        let entry = sequence.read(env, (*entry, md), &layout)?;
        Ok(matrix(entry, &layout).expect("a row-major tensor is a matrix"))
    };
    let nd = b.1.dims().len();
    let in_panels = panels(b.0, &b.1, (nd - 2, nd - 1), env).filter(|_| !transposed);
    Ok([factor(a)?, in_panels.map_or_else(|| factor(b), Ok)?])
}

/// A product that attributes follow, under planning: a forward pass of matmul or of a fully connected layer.
pub struct Forward<'a> {
    /// Attributes, checked.
    pub attr: &'a Attr,
    /// Where it will run.
    pub env: &'a Env,
    /// The stages before the product.
    pub sequence: Sequence,
    /// Src and weights as attributes refer to them: arguments 0 and 1.
    pub factors: [Input<'a>; 2],
    /// The result.
    pub dst: &'a MemoryDesc,
    /// What is stored of the sums.
    pub value: Value<'a>,
    /// Whether sums start from what dst holds.
    pub accumulates: bool,
    bias: Option<Input<'a>>,
    args: Vec<Arg>,
}

impl<'a> Forward<'a> {
    /// Begins with src, weights and a bias, which may be absent.
    pub fn new(
        attr: &'a Attr,
        env: &'a Env,
        [src, weights, bias]: [Input<'a>; 3],
        dst: &'a MemoryDesc,
    ) -> Forward<'a> {
        Forward {
            attr,
            env,
            sequence: Sequence::default(),
            factors: [src, weights],
            dst,
            value: &value,
            accumulates: false,
            bias: (!bias.md.is_absent()).then_some(bias),
            args: inputs(&[src, weights, bias].map(|input| (input.id, *input.md))),
        }
    }

    /// Dims of dst that rows and columns of the computed product run along.
    pub fn axes(&self) -> Result<(usize, usize)> {
        Ok(axes(&self.result(0)?, self.dst.dims().len()))
    }

    /// Dst as a matrix, in its own layout or in one that it is copied from.
    fn result(&self, arg: usize) -> Result<Matrix> {
        let layout = matrix_layout(self.dst)?;
        Ok(matrix(arg, &layout).expect("a matrix's layout"))
    }

    /// Plans the product of these factors, whose reduction is so long, and all that follows.
    pub fn planned(
        mut self,
        [a, b]: [Matrix; 2],
        k: i64,
        zero_points: &[ZeroPoint],
    ) -> Result<Planned> {
        let (env, dst, entry) = (self.env, self.dst, self.args.len());
        let (rows, cols) = self.axes()?;
        self.args.push(Arg::output(arg::DST, *dst));
        let request = Request {
            attr: self.attr,
            acc: accumulator(a.dtype),
            zero_points,
            reduced: k as i32,
            scaled: &self.factors,
            bias: self.bias,
            dst,
            rows: &[rows],
            cols,
            cols_block: 0,
        };
        let sequence = &mut self.sequence;
        let copy = |index, md: &MemoryDesc| sequence.operand(env, (index, md), (rows, cols));
        let end = Epilogue::of(self.value, &request, &mut self.args, copy)?;
        let layout = matrix_layout(dst)?;
        let stored = (self.sequence).written(env, (entry, dst), &layout, end.expr.reads_dst())?;
        let (batch, mn) = dst.dims().split_at(dst.dims().len() - 2);
        let sides = [a, b, self.result(stored)?];
        let main = Product {
            accumulates: self.accumulates,
            ..product(env, batch, (mn[0], mn[1], k), sides, end)
        };
        self.sequence.finish(self.args, main.planned(), env)
    }
}

/// The layout of weights in the panels that the kernel reads, where a format tag for them exists; `k` is the reduced
/// dimension, `n` the other, and so many rows read them.
pub fn panel_layout(
    md: &MemoryDesc,
    (k, n): (usize, usize),
    rows: i64,
    env: &Env,
) -> Result<MemoryDesc> {
    let v = md.dtype().vnni();
    let far = is_far(md.nelems() as usize * md.dtype().size_bytes(), v, 1);
    let columns = md.dims()[n] as usize;
    let tile = packed_panel(env.isa, columns, v);
    let width = weights_panel(env.isa, (rows as usize, columns), far, tile);
    let letter = |d: usize| char::from(b'a' + d as u8);
    let mut tag: String = (0..k.min(n)).map(letter).collect();
    let (k, n) = (letter(k), letter(n));
    let outer = [n, k].map(|c| c.to_ascii_uppercase());
    tag += &match (width, v) {
        (1, _) => format!("{k}{n}"),
        (_, 1) => format!("{}{}16{k}{width}{n}", outer[0], outer[1]),
        _ => format!("{}{}16{k}{width}{n}{v}{k}", outer[0], outer[1]),
    };
    MemoryDesc::with_tag(md.dims(), md.dtype(), &tag)
}
