//! From a problem to a verdict: creates the primitive, makes its data, computes what the oracle expects, runs and compares.

use crate::api::{ExecArg, Handle, Owned, Refusal, UNIMPLEMENTED, api, check, here};
use crate::oracle::{self, Epilogue};
use crate::problem::{Post, Problem};
use crate::tensor::{Array, Layout, Tensor, Type, describe};
use std::ffi::c_int;
use std::ptr::null_mut;

/// Which numbers the operands hold.
#[derive(Clone, Copy, PartialEq)]
pub enum Data {
    /// Small integers: every sum and product is exact, so results are compared exactly.
    Integers,
    /// As `Integers`, but bytes are the largest or, one in eight, the smallest of their type.
    Extremes,
    /// As `Extremes`, but signed bytes keep within 7 bits and at their ends, all but very few.
    SevenBits,
    /// Fractions whose sums depend on their order, to see whether bits do.
    Fractions,
}

const SRC: c_int = 1;
const DST: c_int = 17;
const WEIGHTS: c_int = 33;
const BIAS: c_int = 41;
const DIFF_SRC: c_int = 129;
const DIFF_DST: c_int = 145;
const DIFF_WEIGHTS: c_int = 161;
const DIFF_BIAS: c_int = 169;
const MULTIPLE_SRC: c_int = 1024;
const SCALES: c_int = 4096;
const ZERO_POINTS: c_int = 8192;
const MULTIPLE_POST_OP: c_int = 32768;

fn alg_number(alg: &str) -> c_int {
    let eltwise = [
        "relu",
        "tanh",
        "elu",
        "square",
        "abs",
        "sqrt",
        "linear",
        "soft_relu",
        "hardsigmoid",
        "logistic",
        "exp",
        "gelu_tanh",
        "swish",
        "log",
        "clip",
        "clip_v2",
        "pow",
        "gelu_erf",
        "round",
        "mish",
        "hardswish",
    ];
    let use_dst = ["relu", "tanh", "elu", "sqrt", "logistic", "exp", "clip_v2"];
    let binary = [
        "add", "mul", "max", "min", "div", "sub", "ge", "gt", "le", "lt", "eq", "ne",
    ];
    let place =
        |list: &[&str], name: &str| list.iter().position(|a| *a == name).map(|i| i as c_int);
    if let Some(name) = alg.strip_suffix("_use_dst") {
        return place(&use_dst, name)
            .map(|i| 0x100 + i)
            .expect("an algorithm");
    }
    let number = place(&eltwise, alg).map(|i| 32 + i);
    number
        .or(place(&binary, alg).map(|i| 0x1fff0 + i))
        .unwrap_or_else(|| panic!("{alg:?} is no algorithm"))
}

/// A pseudo-random number for a place in an argument.
fn hash(seed: u64, index: &[i64]) -> u64 {
    index
        .iter()
        .fold(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, |h, i| {
            let h = (h ^ (*i as u64).wrapping_add(0x632b_e59b_d9b4_e019))
                .wrapping_mul(0xff51_afd7_ed55_8ccd);
            h ^ (h >> 29)
        })
}

fn values(arg: c_int, dims: &[i64], dtype: Type, data: Data) -> Array {
    let bytes = matches!(data, Data::Extremes | Data::SevenBits);
    Array::from_fn(dims, |index| {
        let h = hash(arg as u64, index) >> 8;
        match dtype {
            Type::U8 if bytes => [0.0, 255.0][usize::from(h & 7 > 0)],
            Type::S8 if data == Data::SevenBits && h >> 8 & 8191 > 0 => {
                [-64.0, 63.0][usize::from(h & 7 > 0)]
            }
            Type::S8 if bytes => [-128.0, 127.0][usize::from(h & 7 > 0)],
            Type::U8 => (h & 255) as f64,
            Type::S8 => (h & 255) as f64 - 128.0,
            Type::S32 => (h & 1023) as f64 - 512.0,
            _ if data == Data::Fractions => dtype.round((h & 0xffff) as f64 / 65536.0 - 0.4),
            _ => (h & 7) as f64 - 3.0,
        }
    })
}

/// Dims of an argument that varies along the dims of a mask only.
fn masked(dims: &[i64], mask: i32) -> Vec<i64> {
    let dim = |(d, size): (usize, &i64)| if mask >> d & 1 == 1 { *size } else { 1 };
    dims.iter().enumerate().map(dim).collect()
}

/// An argument of the execution.
struct Argument {
    id: c_int,
    tensor: Tensor,
    memory: Owned,
    /// What an output holds before the call, if the call reads it.
    initial: Option<Array>,
    /// What an output must hold after the call.
    expected: Option<Array>,
}

/// Scales, zero points and post-op operands: the values, and how they are passed.
#[derive(Default)]
struct Extras {
    /// Argument, values, type, layout.
    arguments: Vec<(c_int, Array, Type, String)>,
    scales: Vec<(String, Array)>,
    zero_points: Vec<(String, Array)>,
    operands: Vec<Option<Array>>,
}

impl Extras {
    fn scale(&self, name: &str) -> Option<&Array> {
        find(&self.scales, name)
    }

    fn zero_point(&self, name: &str) -> Option<&Array> {
        find(&self.zero_points, name)
    }
}

fn find<'a>(list: &'a [(String, Array)], name: &str) -> Option<&'a Array> {
    list.iter().find(|(n, _)| n == name).map(|(_, array)| array)
}

fn id_of(name: &str) -> c_int {
    match name {
        "src" => SRC,
        "src1" => SRC + 1,
        "wei" => WEIGHTS,
        "dst" => DST,
        _ => panic!("{name:?} is no argument"),
    }
}

/// How far a result may be from what is wanted.
type Tolerance = Box<dyn Fn(f64, Type) -> f64>;

/// A primitive ready to run, with everything it needs.
pub struct Case {
    arguments: Vec<Argument>,
    primitive: Owned,
    tolerance: Tolerance,
}

impl Case {
    /// Creates the primitive and computes what it should give.
    pub fn create(problem: &Problem, data: Data) -> Result<Case, Refusal> {
        Builder::new(problem, data).build()
    }

    /// Poisons the outputs and runs the primitive.
    pub fn run(&mut self) -> Result<(), Refusal> {
        for argument in self.arguments.iter_mut().filter(|a| a.expected.is_some()) {
            argument.tensor.reset(argument.initial.as_ref());
        }
        let arguments: Vec<ExecArg> = self
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
                arguments.len() as c_int,
                arguments.as_ptr(),
            )
        })
    }

    /// The outputs' bytes.
    pub fn outputs(&self) -> Vec<Vec<u8>> {
        let outputs = self.arguments.iter().filter(|a| a.expected.is_some());
        outputs.map(|a| a.tensor.data().to_vec()).collect()
    }

    fn argument(&mut self, id: c_int) -> &mut Tensor {
        let found = self.arguments.iter_mut().find(|a| a.id == id);
        &mut found.expect("an argument of this number").tensor
    }

    /// The values of an argument.
    pub fn values(&mut self, id: c_int) -> Array {
        self.argument(id).values()
    }

    /// Gives an argument other values than those the oracle knows.
    pub fn set(&mut self, id: c_int, values: &Array) {
        self.argument(id).reset(Some(values));
    }

    /// Compares with the oracle.
    pub fn verify(&self) -> Result<(), String> {
        for argument in &self.arguments {
            let id = argument.id;
            if let Some(damage) = argument.tensor.damage() {
                return Err(format!("argument {id}: {damage}"));
            }
            let Some(expected) = &argument.expected else {
                continue;
            };
            let got = argument.tensor.values();
            let dtype = argument.tensor.layout.dtype;
            for (i, (got, want)) in got.data.iter().zip(&expected.data).enumerate() {
                let equal = got == want || got.is_nan() && want.is_nan();
                let close = (got - want).abs() <= (self.tolerance)(*want, dtype);
                if !equal && !close {
                    return Err(format!(
                        "argument {id}, element {i} of {:?}: {got}, expected {want}",
                        expected.dims
                    ));
                }
            }
        }
        Ok(())
    }
}

/// A unit in the last place of the narrow types; in f32 a few, for the polynomials behind exp and its relatives.
fn rounded(want: f64, dtype: Type) -> f64 {
    match dtype {
        Type::F32 => 2e-5 * want.abs() + 2e-6,
        Type::Bf16 => want.abs() / 128.0 + 1e-5,
        Type::F16 => want.abs() / 1024.0 + 1e-5,
        _ => 1.0,
    }
}

/// Derivatives are checked against finite differences.
fn differentiated(want: f64, dtype: Type) -> f64 {
    rounded(want, dtype).max(2e-4 * want.abs() + 2e-5)
}

fn is_exact(alg: &str) -> bool {
    [
        "relu", "square", "abs", "linear", "clip", "clip_v2", "round",
    ]
    .contains(&alg)
}

struct Builder<'a> {
    problem: &'a Problem,
    data: Data,
    types: Vec<Type>,
}

/// Which arguments a primitive has: number, place in the problem's lists, and whether it is written.
type Roles = Vec<(c_int, usize)>;

impl<'a> Builder<'a> {
    fn new(problem: &'a Problem, data: Data) -> Builder<'a> {
        let types = problem.types.iter().map(|t| Type::named(t)).collect();
        Builder {
            problem,
            data,
            types,
        }
    }

    fn dims(&self, i: usize) -> &[i64] {
        let shapes = &self.problem.shapes;
        shapes.get(i).unwrap_or(&shapes[0])
    }

    fn tag(&self, i: usize) -> &str {
        self.problem.tags.get(i).map_or("", String::as_str)
    }

    /// The descriptors that the primitive is created with.
    fn descriptors(&self) -> Result<Vec<Owned>, Refusal> {
        (0..self.types.len())
            .map(|i| {
                let dims = opened(self.dims(i), self.open(self.name_of(i)));
                describe(&dims, self.types[i], self.tag(i))
            })
            .collect()
    }

    /// The mask of the dims that are open until execution.
    fn open(&self, name: &str) -> i32 {
        let open = self.problem.open.iter().find(|(n, _)| n == name);
        open.map_or(0, |(_, mask)| *mask)
    }

    /// The name of an argument, by its index in the problem's lists.
    fn name_of(&self, i: usize) -> &'static str {
        match i {
            0 => "src",
            _ if i == self.types.len() - 1 => "dst",
            _ => "wei",
        }
    }

    /// The layout of the memory object for argument `id`, which is at this index: the one that the primitive says, or
    /// the concrete form of an open one.
    fn layout(&self, pd: &Owned, id: c_int, i: usize) -> Layout {
        if self.open(self.name_of(i)) != 0 {
            let md = describe(self.dims(i), self.types[i], self.tag(i));
            return Layout::of(md.expect("the concrete form of a good descriptor").raw);
        }
        layout(pd, id)
    }

    fn bias_dims(&self) -> Vec<i64> {
        let dst = self.dims(2);
        if ["ip", "conv", "deconv"].contains(&self.problem.kind.as_str()) {
            return vec![dst[1]];
        }
        masked(dst, 1 << (dst.len() - 1))
    }

    fn bias(&self) -> Option<(Vec<i64>, Type)> {
        let (dtype, _) = self.bias_words()?;
        Some((self.bias_dims(), Type::named(dtype)))
    }

    /// The bias's type and tag.
    fn bias_words(&self) -> Option<(&str, &str)> {
        let text = self.problem.bias.as_ref()?;
        let plain = if self.tag(1) == "any" { "any" } else { "" };
        Some(text.split_once(':').unwrap_or((text, plain)))
    }

    /// Index in the problem's lists of an argument that scales and zero points name.
    fn place_of(&self, name: &str) -> usize {
        match name {
            "src" => 0,
            "wei" | "src1" => 1,
            _ => self.types.len() - 1,
        }
    }

    /// Fills an attribute, and says what its arguments hold.
    fn attributes(&self, attr: &Owned) -> Result<Extras, Refusal> {
        let mut extras = Extras::default();
        for (name, mask) in &self.problem.scales {
            // SAFETY: the attribute is live.
            check(unsafe { (api().primitive_attr_set_scales_mask)(attr.raw, id_of(name), *mask) })?;
            let dims = masked(self.dims(self.place_of(name)), *mask);
            let scale = Array::from_fn(&dims, |index| {
                [0.5, 1.0, 2.0][(hash(7, index) % 3) as usize]
            });
            extras.arguments.push((
                SCALES | id_of(name),
                scale.clone(),
                Type::F32,
                String::new(),
            ));
            extras.scales.push((name.clone(), scale));
        }
        for (name, mask) in &self.problem.zero_points {
            // SAFETY: the attribute is live.
            check(unsafe {
                (api().primitive_attr_set_zero_points_mask)(attr.raw, id_of(name), *mask)
            })?;
            let dims = masked(self.dims(self.place_of(name)), *mask);
            let zero_point = Array::from_fn(&dims, |index| (hash(9, index) % 7) as f64 - 2.0);
            extras.arguments.push((
                ZERO_POINTS | id_of(name),
                zero_point.clone(),
                Type::S32,
                String::new(),
            ));
            extras.zero_points.push((name.clone(), zero_point));
        }
        self.post_ops(attr, &mut extras)?;
        for name in &self.problem.also {
            self.also(name, attr)?;
        }
        // SAFETY: the attribute is live.
        check(unsafe {
            (api().primitive_attr_set_deterministic)(attr.raw, self.problem.deterministic.into())
        })?;
        Ok(extras)
    }

    /// Sets an attribute that tests only ask for by name; its arguments are not passed.
    fn also(&self, name: &str, attr: &Owned) -> Result<(), Refusal> {
        let (api, dst) = (api(), self.dims(self.types.len() - 1));
        let f16_sums = 5;
        // SAFETY: the handles are live, the groups are two numbers.
        check(unsafe {
            match name {
                "dropout" => {
                    let mask = describe(dst, Type::U8, "")?;
                    (api.primitive_attr_set_dropout)(attr.raw, mask.raw)
                }
                "rounding" => (api.primitive_attr_set_rounding)(attr.raw, DST, 1),
                "depthwise" => {
                    let ops =
                        Owned::create(api.post_ops_destroy, |place| (api.post_ops_create)(place))?;
                    let f32 = Type::F32 as c_int;
                    check((api.post_ops_append_dw)(ops.raw, f32, f32, f32, 3, 1, 1))?;
                    (api.primitive_attr_set_post_ops)(attr.raw, ops.raw)
                }
                "f16_sums" => (api.primitive_attr_set_accumulation_mode)(attr.raw, f16_sums),
                "groups" => {
                    let groups = [8i64, 1];
                    let (both, f32) = (3, Type::F32 as c_int);
                    (api.primitive_attr_set_scales)(
                        attr.raw,
                        WEIGHTS,
                        both,
                        2,
                        groups.as_ptr(),
                        f32,
                    )
                }
                _ => panic!("{name:?} is no attribute"),
            }
        })
    }

    fn post_ops(&self, attr: &Owned, extras: &mut Extras) -> Result<(), Refusal> {
        let api = api();
        // SAFETY: the place is writable.
        let ops = Owned::create(api.post_ops_destroy, |place| unsafe {
            (api.post_ops_create)(place)
        })?;
        let dst = self.dims(self.types.len() - 1);
        for (i, post) in self.problem.post_ops.iter().enumerate() {
            let at = MULTIPLE_POST_OP * (i as c_int + 1);
            let mut operand = None;
            // SAFETY: the chain and the descriptors are live.
            check(unsafe {
                match post {
                    Post::Sum { scale, zero_point } => {
                        (api.post_ops_append_sum)(ops.raw, *scale as f32, *zero_point, 0)
                    }
                    Post::Eltwise { alg, alpha, beta } => (api.post_ops_append_eltwise)(
                        ops.raw,
                        alg_number(alg),
                        *alpha as f32,
                        *beta as f32,
                    ),
                    Post::Binary {
                        alg,
                        dtype,
                        mask,
                        tag,
                    } => {
                        let (dims, dtype) = (masked(dst, *mask), Type::named(dtype));
                        let md = describe(&dims, dtype, tag)?;
                        let values = self.operand(alg, at, &dims, dtype);
                        operand = Some((at | 2, values, dtype, tag.clone()));
                        (api.post_ops_append_binary)(ops.raw, alg_number(alg), md.raw)
                    }
                    Post::Prelu { mask } => {
                        let dims = masked(dst, *mask);
                        operand = Some((
                            at | WEIGHTS,
                            self.operand("prelu", at, &dims, Type::F32),
                            Type::F32,
                            ["", "a", "ab", "acb", "acdb", "acdeb"][dims.len()].to_owned(),
                        ));
                        (api.post_ops_append_prelu)(ops.raw, *mask)
                    }
                }
            })?;
            extras
                .operands
                .push(operand.as_ref().map(|(_, array, ..)| array.clone()));
            extras.arguments.extend(operand);
        }
        // SAFETY: attribute and chain are live; the attribute copies the chain.
        check(unsafe { (api.primitive_attr_set_post_ops)(attr.raw, ops.raw) })
    }

    /// The operand of a post-op; divisors are powers of two.
    fn operand(&self, alg: &str, at: c_int, dims: &[i64], dtype: Type) -> Array {
        if alg == "div" {
            return Array::from_fn(dims, |index| [1.0, 2.0, 4.0][(hash(5, index) % 3) as usize]);
        }
        let mut operand = values(at, dims, dtype, Data::Integers);
        operand.data.iter_mut().for_each(|x| *x %= 16.0);
        operand
    }

    fn is_backward(&self) -> bool {
        self.problem.prop.starts_with("bwd")
    }

    fn roles(&self) -> (Roles, Roles) {
        match (self.problem.kind.as_str(), self.problem.prop.as_str()) {
            ("ip" | "conv" | "deconv", "bwd_d") => {
                (vec![(WEIGHTS, 1), (DIFF_DST, 2)], vec![(DIFF_SRC, 0)])
            }
            ("ip" | "conv" | "deconv", "bwd_w") => {
                (vec![(SRC, 0), (DIFF_DST, 2)], vec![(DIFF_WEIGHTS, 1)])
            }
            ("ip" | "conv" | "deconv" | "matmul", _) => {
                (vec![(SRC, 0), (WEIGHTS, 1)], vec![(DST, 2)])
            }
            ("eltwise", "bwd") => {
                let data = if self.problem.alg.ends_with("_use_dst") {
                    DST
                } else {
                    SRC
                };
                (vec![(data, 0), (DIFF_DST, 1)], vec![(DIFF_SRC, 1)])
            }
            ("binary", _) => (vec![(SRC, 0), (SRC + 1, 1)], vec![(DST, 2)]),
            ("sum", _) => {
                let last = self.types.len() - 1;
                (
                    (0..last).map(|i| (MULTIPLE_SRC + i as c_int, i)).collect(),
                    vec![(DST, last)],
                )
            }
            _ => (vec![(SRC, 0)], vec![(DST, 1)]),
        }
    }

    fn create_pd(&self, mds: &[Owned], bias: Handle, attr: Handle) -> Result<Owned, Refusal> {
        if self.problem.kind.ends_with("conv") {
            return crate::conv::create_pd(self.problem, mds, bias, attr);
        }
        let (api, engine) = (api(), here().engine);
        let md = |i: usize| mds[i].raw;
        let (alpha, beta) = (self.problem.alpha as f32, self.problem.beta as f32);
        let inference = 96;
        // SAFETY: all handles are live or null where the API allows it.
        Owned::create(api.primitive_desc_destroy, |place| unsafe {
            match (self.problem.kind.as_str(), self.problem.prop.as_str()) {
                ("matmul", _) => (api.matmul_primitive_desc_create)(
                    place,
                    engine,
                    md(0),
                    md(1),
                    bias,
                    md(2),
                    attr,
                ),
                ("ip", "bwd_d") => (api.inner_product_backward_data_primitive_desc_create)(
                    place,
                    engine,
                    md(0),
                    md(1),
                    md(2),
                    null_mut(),
                    attr,
                ),
                ("ip", "bwd_w") => (api.inner_product_backward_weights_primitive_desc_create)(
                    place,
                    engine,
                    md(0),
                    md(1),
                    bias,
                    md(2),
                    null_mut(),
                    attr,
                ),
                ("ip", prop) => (api.inner_product_forward_primitive_desc_create)(
                    place,
                    engine,
                    if prop == "fwd" { 64 } else { inference },
                    md(0),
                    md(1),
                    bias,
                    md(2),
                    attr,
                ),
                ("reorder", _) => {
                    (api.reorder_primitive_desc_create)(place, md(0), engine, md(1), engine, attr)
                }
                ("eltwise", "bwd") => (api.eltwise_backward_primitive_desc_create)(
                    place,
                    engine,
                    alg_number(&self.problem.alg),
                    md(1),
                    md(1),
                    md(0),
                    alpha,
                    beta,
                    null_mut(),
                    attr,
                ),
                ("eltwise", _) => (api.eltwise_forward_primitive_desc_create)(
                    place,
                    engine,
                    inference,
                    alg_number(&self.problem.alg),
                    md(0),
                    md(1),
                    alpha,
                    beta,
                    attr,
                ),
                ("binary", _) => (api.binary_primitive_desc_create)(
                    place,
                    engine,
                    alg_number(&self.problem.alg),
                    md(0),
                    md(1),
                    md(2),
                    attr,
                ),
                ("sum", _) => {
                    let sources: Vec<Handle> =
                        mds[..mds.len() - 1].iter().map(|md| md.raw).collect();
                    (api.sum_primitive_desc_create)(
                        place,
                        engine,
                        md(mds.len() - 1),
                        sources.len() as c_int,
                        sum_scales(sources.len()).as_ptr(),
                        sources.as_ptr(),
                        attr,
                    )
                }
                (kind, _) => panic!("{kind:?} is no primitive"),
            }
        })
    }

    fn build(&self) -> Result<Case, Refusal> {
        let api = api();
        // SAFETY: the place is writable.
        let attr = Owned::create(api.primitive_attr_destroy, |place| unsafe {
            (api.primitive_attr_create)(place)
        })?;
        let extras = self.attributes(&attr)?;
        let mds = self.descriptors()?;
        let bias = self.bias();
        let bias_md = match &bias {
            Some((dims, dtype)) => {
                let (_, tag) = self.bias_words().expect("there is a bias");
                Some(describe(&opened(dims, self.open("bia")), *dtype, tag)?)
            }
            None => None,
        };
        let bias_handle = bias_md.as_ref().map_or(null_mut(), |md| md.raw);
        let pd = self.create_pd(&mds, bias_handle, attr.raw)?;
        let (inputs, outputs) = self.roles();
        let mut arguments = Vec::new();
        let mut given: Vec<Array> = Vec::new();
        for (id, place) in &inputs {
            let array = self.input(*id, *place);
            arguments.push(argument(
                *id,
                self.layout(&pd, *id, *place),
                Some(&array),
                None,
                None,
            )?);
            given.push(array);
        }
        let mut bias_values = None;
        if let (Some((dims, dtype)), false) = (&bias, self.is_backward()) {
            let array = values(BIAS, dims, *dtype, self.data);
            let layout = match self.open("bia") {
                0 => layout(&pd, BIAS),
                _ => Layout::of(describe(dims, *dtype, "")?.raw),
            };
            arguments.push(argument(BIAS, layout, Some(&array), None, None)?);
            bias_values = Some(array);
        }
        for (id, array, dtype, tag) in &extras.arguments {
            let md = match id & (SCALES | ZERO_POINTS) != 0 && *id < 16384 {
                true => describe(&[array.data.len() as i64], *dtype, "")?,
                false => describe(&array.dims, *dtype, tag)?,
            };
            let layout = Layout::of(md.raw);
            let flat = Array {
                dims: layout.dims.clone(),
                data: array.data.clone(),
            };
            arguments.push(argument(*id, layout, Some(&flat), None, None)?);
        }
        let (id, place) = outputs[0];
        let reads_old = self
            .problem
            .post_ops
            .iter()
            .any(|post| matches!(post, Post::Sum { .. }));
        let old = reads_old.then(|| values(id, self.dims(place), self.types[place], self.data));
        let (expected, expected_bias) =
            self.expected(&given, bias_values.as_ref(), &extras, old.as_ref());
        let to = self.layout(&pd, id, place);
        arguments.push(argument(id, to, None, old, Some(expected))?);
        if let (Some(_), Some(expected)) = (&bias, expected_bias) {
            arguments.push(argument(
                DIFF_BIAS,
                layout(&pd, DIFF_BIAS),
                None,
                None,
                Some(expected),
            )?);
        }
        // SAFETY: the place is writable, the descriptor is live.
        let primitive = Owned::create(api.primitive_destroy, |place| unsafe {
            (api.primitive_create)(place, pd.raw)
        })?;
        Ok(Case {
            arguments,
            primitive,
            tolerance: self.tolerance(),
        })
    }

    fn input(&self, id: c_int, place: usize) -> Array {
        let (dims, dtype) = (self.dims(place), self.types[place]);
        let mut array = values(id, dims, dtype, self.data);
        if self.problem.kind == "eltwise" && !dtype.is_int() {
            let positive = [
                "log",
                "sqrt",
                "pow",
                "sqrt_use_dst",
                "exp_use_dst",
                "logistic_use_dst",
            ];
            let (spread, shift) = match self.problem.alg.as_str() {
                alg if id != DIFF_DST && positive.contains(&alg) => (256.0, 1.0 / 64.0),
                "tanh_use_dst" => (256.0, -0.9),
                _ => (8.0, -15.9),
            };
            array = Array::from_fn(dims, |index| {
                dtype.round((hash(id as u64, index) % 256) as f64 / spread + shift)
            });
        }
        if self.problem.kind == "binary" && self.problem.alg == "div" && id == SRC + 1 {
            array
                .data
                .iter_mut()
                .for_each(|x| *x = if *x < 0.0 { -2.0 } else { 4.0 });
        }
        array
    }

    fn tolerance(&self) -> Tolerance {
        let eltwise = |post: &Post| match post {
            Post::Eltwise { alg, .. } => Some(alg.clone()),
            _ => None,
        };
        let mut algs: Vec<String> = self.problem.post_ops.iter().filter_map(eltwise).collect();
        if self.problem.kind == "eltwise" {
            algs.push(self.problem.alg.clone());
        }
        // Eltwise sources are fractions, so whatever follows rounds once more than the oracle.
        let rounds_twice = self.problem.kind == "eltwise" && !self.problem.post_ops.is_empty();
        let exact_algs = (algs.iter()).all(|alg| is_exact(alg.trim_end_matches("_use_dst")));
        if exact_algs && !rounds_twice && self.data != Data::Fractions {
            return Box::new(|_, _| 0.0);
        }
        let sums = self.sum_error();
        match self.is_backward() && sums == 0.0 {
            true => Box::new(differentiated),
            // Post-ops stretch an error hardly; the widest, swish and gelu, by 1.13.
            false => Box::new(move |want, dtype| rounded(want, dtype) + 1.13 * sums),
        }
    }

    /// The bound of the error of a sum of K rounded products of fractions below 0.6; 0 where sums are exact.
    fn sum_error(&self) -> f64 {
        if self.data != Data::Fractions {
            return 0.0;
        }
        let k = match (self.problem.kind.as_str(), self.problem.prop.as_str()) {
            ("matmul", _) => *self.dims(0).last().expect("a matrix"),
            ("ip" | "conv" | "deconv", "bwd_w") => {
                self.dims(0)[0] * self.dims(2)[2..].iter().product::<i64>()
            }
            ("ip" | "conv" | "deconv", _) => self.dims(1).iter().product::<i64>(),
            _ => 0,
        } as f64;
        k * k * 2f64.powi(-24) * 0.6 * 0.6
    }

    /// The output, and the bias's gradient where there is one.
    fn expected(
        &self,
        given: &[Array],
        bias: Option<&Array>,
        extras: &Extras,
        old: Option<&Array>,
    ) -> (Array, Option<Array>) {
        let last = self.types.len() - 1;
        let epilogue = Epilogue {
            post_ops: &self.problem.post_ops,
            operands: &extras.operands,
            old,
            scale: extras.scale("dst"),
            zero_point: extras.zero_point("dst"),
            dtype: self.types[last],
        };
        let operand = |i: usize, name: &str| {
            oracle::dequantise(&given[i], extras.scale(name), extras.zero_point(name))
        };
        let forward = |kind: &str| match kind {
            "matmul" => oracle::matmul(
                &operand(0, "src"),
                &operand(1, "wei"),
                bias,
                &epilogue,
                self.dims(2),
            ),
            _ => oracle::inner_product(&operand(0, "src"), &operand(1, "wei"), bias, &epilogue),
        };
        let (alg, alpha, beta) = (
            self.problem.alg.as_str(),
            self.problem.alpha,
            self.problem.beta,
        );
        let result = match (self.problem.kind.as_str(), self.problem.prop.as_str()) {
            ("conv" | "deconv", prop) => {
                let shape = crate::conv::Shape::of(self.problem);
                return match prop {
                    "bwd_d" => (shape.by_data(&given[1], &given[0], self.types[0]), None),
                    "bwd_w" => {
                        let bias_type = self.bias().map_or(Type::F32, |(_, dtype)| dtype);
                        let types = (self.types[1], bias_type);
                        let (weights, bias) = shape.by_weights(&given[0], &given[1], types);
                        (weights, Some(bias))
                    }
                    _ => {
                        let (src, weights) = (operand(0, "src"), operand(1, "wei"));
                        (shape.forward(&src, &weights, bias, &epilogue), None)
                    }
                };
            }
            ("ip", "bwd_d") => oracle::inner_product_backward_data(
                &given[1],
                &given[0],
                self.dims(0),
                self.types[0],
            ),
            ("ip", "bwd_w") => {
                let bias_type = self.bias().map_or(Type::F32, |(_, dtype)| dtype);
                let (weights, bias) = oracle::inner_product_backward_weights(
                    &given[0],
                    &given[1],
                    self.dims(1),
                    self.types[1],
                    bias_type,
                );
                return (weights, Some(bias));
            }
            ("eltwise", "bwd") => Array::from_fn(self.dims(0), |index| {
                let s = given[0].at(index);
                let derivative = match alg.strip_suffix("_use_dst") {
                    Some(alg) => derivative_from_dst(alg, s, alpha, beta),
                    None => oracle::eltwise_derivative(alg, s, alpha, beta),
                };
                self.types[1].round(given[1].at(index) * derivative)
            }),
            ("eltwise", _) => Array::from_fn(self.dims(0), |index| {
                epilogue.apply(index, oracle::eltwise(alg, given[0].at(index), alpha, beta))
            }),
            ("binary", _) => {
                let (x, y) = (operand(0, "src"), operand(1, "src1"));
                Array::from_fn(self.dims(2), |index| {
                    epilogue.apply(index, oracle::binary(alg, x.at(index), y.at(index)))
                })
            }
            ("sum", _) => Array::from_fn(self.dims(0), |index| {
                let scales = sum_scales(given.len());
                let terms = given
                    .iter()
                    .zip(scales)
                    .map(|(array, s)| f64::from(s) * array.at(index));
                epilogue.apply(index, terms.sum())
            }),
            ("reorder", _) => {
                let src = operand(0, "src");
                Array::from_fn(self.dims(0), |index| epilogue.apply(index, src.at(index)))
            }
            (kind, _) => forward(kind),
        };
        (result, None)
    }
}

/// The layout that the primitive's descriptor has for an argument.
fn layout(pd: &Owned, id: c_int) -> Layout {
    // SAFETY: the descriptor is live.
    Layout::of(unsafe { (api().primitive_desc_query_md)(pd.raw, 255, id) })
}

/// Dims with those of a mask left open.
fn opened(dims: &[i64], mask: i32) -> Vec<i64> {
    let dim = |(d, size): (usize, &i64)| if mask >> d & 1 == 1 { i64::MIN } else { *size };
    dims.iter().enumerate().map(dim).collect()
}

fn sum_scales(count: usize) -> Vec<f32> {
    (0..count).map(|i| [1.0, 2.0, -0.5][i % 3]).collect()
}

/// The derivative as a function of the result d.
fn derivative_from_dst(alg: &str, d: f64, alpha: f64, beta: f64) -> f64 {
    match alg {
        "relu" if d > 0.0 => 1.0,
        "relu" => alpha,
        "tanh" => 1.0 - d * d,
        "elu" if d > 0.0 => 1.0,
        "elu" => d + alpha,
        "sqrt" => 0.5 / d,
        "logistic" => d * (1.0 - d),
        "exp" => d,
        "clip_v2" => f64::from(d > alpha && d < beta),
        _ => panic!("{alg:?} has no derivative from its result"),
    }
}

fn argument(
    id: c_int,
    layout: Layout,
    values: Option<&Array>,
    initial: Option<Array>,
    expected: Option<Array>,
) -> Result<Argument, Refusal> {
    let mut tensor = match values {
        Some(values) => Tensor::holding(layout, values),
        None => Tensor::poisoned(layout),
    };
    let (api, pointer) = (api(), tensor.pointer());
    let md = tensor.layout.descriptor();
    // SAFETY: the descriptor is live; the tensor's buffer lives as long as the memory object and never moves.
    let memory = Owned::create(api.memory_destroy, |place| unsafe {
        (api.memory_create)(place, md, here().engine, pointer)
    })?;
    Ok(Argument {
        id,
        tensor,
        memory,
        initial,
        expected,
    })
}

/// Runs a problem and says what is wrong; a refusal with *unimplemented* is an error unless `may_refuse`.
pub fn judge(text: &str, data: Data, may_refuse: bool) -> Result<(), String> {
    let problem: Problem = text.parse().map_err(|fault| format!("{text}: {fault}"))?;
    let refused = |refusal: Refusal| {
        format!(
            "{text}: refused with {}: {}",
            refusal.status, refusal.sentence
        )
    };
    let mut case = match Case::create(&problem, data) {
        Err(refusal) if may_refuse && refusal.status == UNIMPLEMENTED => return Ok(()),
        result => result.map_err(refused)?,
    };
    case.run().map_err(refused)?;
    case.verify().map_err(|fault| format!("{text}: {fault}"))?;
    let first = case.outputs();
    case.run().map_err(refused)?;
    if case.outputs() != first {
        return Err(format!("{text}: a second run gives other bits"));
    }
    Ok(())
}
