//! Specifications to try: the sizes, the types, and random expressions, strides and batches.

use super::brgemm::block_extents;
use super::random::Random;
use brick::dtype::DataType::{self, *};
use brick::kernel::expr::{Bcast, Builder, Expr, Id, Node, Pred};
use brick::kernel::spec::{Batch, Brgemm, Depthwise, Mix, Out};
use brick::machine::Isa;

pub const M: [usize; 7] = [1, 2, 6, 7, 12, 13, 28];
pub const N: [usize; 16] = [1, 7, 8, 9, 15, 16, 17, 24, 31, 33, 48, 63, 64, 65, 80, 100];
pub const K: [usize; 8] = [1, 2, 3, 4, 5, 16, 17, 64];
pub const BATCHES: [usize; 4] = [1, 0, 3, 17];
pub const TYPES: [DataType; 6] = [F32, Bf16, F16, S32, S8, U8];
/// Operand types of a brgemm.
pub const PAIRS: [(DataType, DataType); 7] = [
    (F32, F32),
    (Bf16, Bf16),
    (F16, F16),
    (U8, S8),
    (S8, S8),
    (U8, U8),
    (S8, U8),
];

/// The accumulator (or an operand) as it is.
pub fn plain(int: bool) -> Expr {
    let mut b = Builder::new();
    let acc = b.push(Node::Acc);
    b.finish(acc, int)
}

/// An operand as it is.
pub fn copy(dtype: DataType, bcast: Bcast, int: bool) -> Expr {
    let mut b = Builder::new();
    let x = b.push(Node::Load {
        slot: 0,
        dtype,
        bcast,
        int,
    });
    b.finish(x, int)
}

/// An odd row pitch in bytes for rows of `n` elements.
pub fn pitch(n: usize, t: DataType, random: &mut Random) -> i64 {
    let gap = random.pick(&[0, 0, 1, 16]);
    ((n + gap) * t.size_bytes()) as i64
}

/// A random operand of a random type and broadcast.
pub fn random_load(slot: u8, n: usize, random: &mut Random) -> Node {
    let dtype = random.pick(&TYPES);
    let row_bytes = pitch(n, dtype, random);
    let column_bytes = dtype.size_bytes() as i64 * random.pick(&[1, 3]);
    let bcast = match random.below(4) {
        0 => Bcast::Scalar,
        1 => Bcast::Row,
        2 => Bcast::Col {
            row_bytes: column_bytes,
        },
        _ => Bcast::Full { row_bytes },
    };
    let int = dtype.is_int() && random.flip();
    Node::Load {
        slot,
        dtype,
        bcast,
        int,
    }
}

/// Writes random programs, keeping apart what is a float and what is an integer.
struct Program<'a> {
    b: Builder,
    floats: Vec<Id>,
    ints: Vec<Id>,
    random: &'a mut Random,
}

impl Program<'_> {
    fn push(&mut self, node: Node, int: bool) {
        let id = self.b.push(node);
        if int {
            self.ints.push(id)
        } else {
            self.floats.push(id)
        }
    }

    fn float(&mut self) -> Id {
        self.random.pick(&self.floats)
    }

    fn int(&mut self) -> Id {
        self.random.pick(&self.ints)
    }

    fn step(&mut self) {
        let (a, b, c) = (self.float(), self.float(), self.float());
        let (i, j) = (self.int(), self.int());
        let by = self.random.below(32) as u8;
        let pred = self
            .random
            .pick(&[Pred::Eq, Pred::Ne, Pred::Lt, Pred::Le, Pred::Gt, Pred::Ge]);
        let (node, int) = match self.random.below(24) {
            0 => (Node::Add(a, b), false),
            1 => (Node::Sub(a, b), false),
            2 | 3 => (Node::Mul(a, b), false),
            4 => (Node::Div(a, b), false),
            5 => (Node::Min(a, b), false),
            6 => (Node::Max(a, b), false),
            7 | 8 => (Node::Fma(a, b, c), false),
            9 => (Node::Sqrt(a), false),
            10 => (Node::Round(a), false),
            11 => (Node::Floor(a), false),
            12 => {
                let [low, high] = [-252.0, 252.0].map(|f| self.b.float(f));
                let n = self.b.push(Node::Round(b));
                let n = self.b.push(Node::Max(n, low));
                let n = self.b.push(Node::Min(n, high));
                (Node::Scale(a, n), false)
            }
            13 | 14 => (
                Node::Select {
                    pred,
                    x: a,
                    y: b,
                    a: c,
                    b: a,
                },
                false,
            ),
            15 => (
                Node::Select {
                    pred,
                    x: a,
                    y: b,
                    a: i,
                    b: j,
                },
                true,
            ),
            16 => (Node::And(i, j), true),
            17 => (Node::Or(i, j), true),
            18 => (Node::Xor(i, a), true),
            19 => (Node::AddI(i, j), true),
            20 => (Node::SubI(i, j), true),
            21 => (Node::MulI(i, j), true),
            22 if self.random.flip() => (Node::Shl(i, by), true),
            22 => (Node::Shr(i, by), true),
            _ if self.random.flip() => (Node::ToInt(a), true),
            _ => (Node::ToFloat(i), false),
        };
        self.push(node, int);
    }
}

/// A program of about `steps` operations over operands, constants, the old D and perhaps the accumulator.
pub fn random_expr(
    n: usize,
    d: DataType,
    acc: Option<bool>,
    steps: usize,
    random: &mut Random,
) -> Expr {
    let (b, floats, ints) = (Builder::new(), Vec::new(), Vec::new());
    let mut p = Program {
        b,
        floats,
        ints,
        random,
    };
    p.push(Node::Const(1.5f32.to_bits()), false);
    p.push(Node::Const(0x55), true);
    if let Some(int) = acc {
        p.push(Node::Acc, int);
    }
    for slot in 0..p.random.below(5) as u8 {
        let load = random_load(slot, n, p.random);
        p.push(load, matches!(load, Node::Load { int: true, .. }));
    }
    if p.random.flip() {
        let same_size: Vec<DataType> = TYPES
            .into_iter()
            .filter(|t| t.size_bytes() == d.size_bytes())
            .collect();
        let dtype = p.random.pick(&same_size);
        p.push(Node::LoadD { dtype }, false);
    }
    (0..steps).for_each(|_| p.step());
    let int = p.random.below(4) == 0;
    let last = if int { p.ints.last() } else { p.floats.last() };
    let result = *last.expect("both kinds start with a constant");
    p.b.finish(result, int)
}

/// bias and scale by column, relu: the commonest epilogue.
pub fn bias_scale_relu(int_acc: bool) -> Expr {
    let mut b = Builder::new();
    let acc = b.push(Node::Acc);
    let x = if int_acc {
        b.push(Node::ToFloat(acc))
    } else {
        acc
    };
    let load = |slot, dtype| Node::Load {
        slot,
        dtype,
        bcast: Bcast::Row,
        int: false,
    };
    let (scale, bias) = (b.push(load(0, F32)), b.push(load(1, Bf16)));
    let y = b.push(Node::Fma(x, scale, bias));
    let zero = b.float(0.0);
    let y = b.push(Node::Max(y, zero));
    b.finish(y, false)
}

/// The sum post-op: the old D counts twice.
pub fn sum(int_acc: bool, dtype: DataType) -> Expr {
    let mut b = Builder::new();
    let acc = b.push(Node::Acc);
    let x = if int_acc {
        b.push(Node::ToFloat(acc))
    } else {
        acc
    };
    let old = b.push(Node::LoadD { dtype });
    let two = b.float(2.0);
    let y = b.push(Node::Fma(old, two, x));
    b.finish(y, false)
}

/// A brgemm of the given sizes; strides, layout of A, epilogue and output type follow from the random numbers.
pub fn random_brgemm(
    isa: Isa,
    (a, b): (DataType, DataType),
    (m, n, k): (usize, usize, usize),
    random: &mut Random,
) -> Brgemm {
    let (v, size) = (a.vnni(), a.size_bytes());
    let groups = k.div_ceil(v);
    let int = a.is_int();
    let gap = |random: &mut Random| random.pick(&[0, 0, 4, 64]);
    let dot = if int {
        Isa::Avx512Vnni
    } else {
        Isa::Avx512Bf16
    };
    let a_wide = v > 1 && isa < dot && random.flip();
    let (a_row_bytes, a_group_bytes) = match random.below(4) {
        _ if a_wide => (8 * groups + gap(random), 8),
        0 => (v * size, m * v * size + gap(random)),
        1 => (groups * v * size + gap(random), v * size),
        _ => (k * size + size * gap(random), v * size),
    };
    let d = random.pick(&[F32, F32, Bf16, F16, S32, S8, U8]);
    let expr = match random.below(6) {
        0 | 1 => plain(int),
        2 => bias_scale_relu(int),
        3 => sum(int, d),
        _ => {
            let steps = random.pick(&[2, 6, 30]);
            random_expr(n, d, Some(int), steps, random)
        }
    };
    let mut s = Brgemm {
        isa,
        m,
        n,
        k,
        a,
        b,
        a_row_bytes: a_row_bytes as i64,
        a_group_bytes: a_group_bytes as i64,
        b_group_bytes: (n * v * size + gap(random)) as i64,
        a_wide,
        batch: Batch::Address,
        beta: random.flip(),
        c_row_bytes: pitch(n, F32, random),
        fetched_by: m * usize::from(random.flip()),
        fetches_d: random.flip(),
        out: Out {
            expr,
            d,
            d_row_bytes: pitch(n, d, random),
        },
    };
    s.batch = random_batch(&s, random);
    s
}

pub fn random_batch(s: &Brgemm, random: &mut Random) -> Batch {
    let (a, b) = block_extents(s);
    let stride = |extent: usize, random: &mut Random| match random.below(4) {
        0 => 0,
        _ => extent.next_multiple_of(4) as i64 + 4 * random.below(9) as i64,
    };
    match random.below(5) {
        0 => Batch::Address,
        1 => Batch::Offset,
        2 => Batch::OffsetPairs,
        3 => Batch::RunStride,
        _ => Batch::Stride {
            a_bytes: stride(a, random),
            b_bytes: stride(b, random),
        },
    }
}

/// A depthwise kernel of the given types and way of mixing columns; sizes, strides and what lies outside follow from the
/// random numbers.
pub fn random_depthwise(
    isa: Isa,
    (a, b): (DataType, DataType),
    mix: Mix,
    random: &mut Random,
) -> Depthwise {
    let run = random.pick(&[1, 2, 3, 5, 7, 14, 30]);
    let runs = match run {
        1 => random.pick(&[1, 2, 7, 14]),
        _ => random.pick(&[1, 1, 2, 3]),
    };
    let (m, taps) = (runs * run, random.pick(&[1, 2, 3, 5, 7, 16]));
    let n = match mix {
        Mix::Equal => random.pick(&[1, 7, 8, 16, 17, 33, 48, 64, 100]),
        Mix::Column { .. } => random.pick(&[16, 48, 64]),
        Mix::Groups { .. } => Mix::COLUMNS,
    };
    let pixel = pitch(n, a, random).max(4);
    let (row_step, tap_step) = (random.pick(&[1, 1, 2]), random.pick(&[1, 1, -1, 2]));
    let ends = [0, (run - 1) as i64 * row_step, (taps - 1) as i64 * tap_step];
    let reach = ends.iter().sum::<i64>().abs().max(1);
    let places = match random.below(3) {
        0 => (random.below(2) as i64 * pixel, reach * pixel),
        1 => (-pixel * (reach / 2), pixel * (1 + reach / 2)),
        _ => Depthwise::EVERYWHERE,
    };
    let v_bytes = match mix {
        Mix::Groups { .. } => a.vnni() * b.size_bytes(),
        _ => b.size_bytes(),
    };
    let (tap_rows, mix) = match mix {
        Mix::Groups { group, k, .. } => {
            let b_group_bytes = (n * v_bytes + random.pick(&[0, 64])) as i64;
            (
                k as i64 / a.vnni() as i64 * b_group_bytes,
                Mix::Groups {
                    group,
                    k,
                    b_group_bytes,
                },
            )
        }
        mix => ((n * v_bytes) as i64, mix),
    };
    let int = matches!(mix, Mix::Groups { .. }) && a.is_int();
    let d = random.pick(&[F32, F32, Bf16, F16, S8, U8]);
    let line = (n * d.size_bytes()).is_multiple_of(64) && matches!(d, F32 | Bf16);
    let far = line && random.flip();
    let expr = match random.below(4) {
        _ if far => plain(int),
        0 => bias_scale_relu(int),
        1 => sum(int, d),
        _ => plain(int),
    };
    Depthwise {
        isa,
        m,
        n,
        taps,
        a,
        b,
        fresh: random.below(3),
        run,
        a_row_bytes: row_step * pixel,
        a_run_bytes: pixel * random.pick(&[17, 40]),
        a_tap_bytes: tap_step * pixel,
        b_tap_bytes: tap_rows + random.pick(&[0, 4]),
        places,
        mix,
        beta: random.flip(),
        c_row_bytes: pitch(n, F32, random),
        out: Out {
            expr,
            d,
            d_row_bytes: match far {
                true => (n * d.size_bytes() + random.pick(&[0, 64])) as i64,
                false => pitch(n, d, random),
            },
        },
        far,
    }
}
