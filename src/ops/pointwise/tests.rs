//! Element-wise primitives and reorders against loops over logical positions: what their tests share.

use std::collections::BTreeMap;

use half::{bf16, f16};

mod functions;
mod moves;

use crate::{
    attr::{Attr, Quant},
    dtype::DataType::{self, *},
    memory::MemoryDesc,
    ops::{Env, Exec, Op},
    threads::{Inline, Pool, Team},
};

/// A small generator of test data.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// A tensor in memory: its descriptor and the bytes behind its handle, with a guard at the end.
#[derive(Clone)]
pub struct Tensor {
    pub md: MemoryDesc,
    pub data: Vec<u8>,
}

const POISON: u8 = 0xA5;

impl Tensor {
    pub fn new(md: MemoryDesc) -> Tensor {
        Tensor {
            md,
            data: vec![POISON; md.footprint_bytes() + 64],
        }
    }

    pub fn filled(md: MemoryDesc, mut f: impl FnMut() -> f64) -> Tensor {
        let mut t = Tensor::new(md);
        for pos in positions(md.padded_dims()) {
            let inside = pos.iter().zip(md.dims()).all(|(i, n)| i < n);
            t.set(&pos, if inside { f() } else { 0.0 });
        }
        t
    }

    fn at(&self, pos: &[i64]) -> usize {
        self.md.offset(pos) as usize * self.md.dtype().size_bytes()
    }

    pub fn get(&self, pos: &[i64]) -> f64 {
        let at = self.at(pos);
        load(self.md.dtype(), &self.data[at..])
    }

    pub fn set(&mut self, pos: &[i64], value: f64) {
        let (at, dtype) = (self.at(pos), self.md.dtype());
        store(dtype, &mut self.data[at..], value);
    }

    /// The element at a position, or at index 0 along dims of size 1.
    pub fn get_broadcast(&self, pos: &[i64]) -> f64 {
        let pos: Vec<i64> = pos
            .iter()
            .zip(self.md.dims())
            .map(|(&i, &n)| if n == 1 { 0 } else { i })
            .collect();
        self.get(&pos)
    }
}

pub fn load(dtype: DataType, bytes: &[u8]) -> f64 {
    let word =
        |n: usize| u64::from_le_bytes(std::array::from_fn(|i| if i < n { bytes[i] } else { 0 }));
    match dtype {
        F32 => f32::from_bits(word(4) as u32) as f64,
        Bf16 => bf16::from_bits(word(2) as u16).to_f64(),
        F16 => f16::from_bits(word(2) as u16).to_f64(),
        S32 => word(4) as i32 as f64,
        S8 => bytes[0] as i8 as f64,
        F64 => f64::from_bits(word(8)),
        S64 => word(8) as i64 as f64,
        _ => bytes[0] as f64,
    }
}

pub fn store(dtype: DataType, bytes: &mut [u8], value: f64) {
    let rounded = value.round_ties_even();
    match dtype {
        F32 => bytes[..4].copy_from_slice(&(value as f32).to_le_bytes()),
        Bf16 => bytes[..2].copy_from_slice(&bf16::from_f32(value as f32).to_le_bytes()),
        F16 => bytes[..2].copy_from_slice(&f16::from_f32(value as f32).to_le_bytes()),
        S32 => bytes[..4].copy_from_slice(&(rounded as i32).to_le_bytes()),
        S8 => bytes[0] = rounded as i8 as u8,
        F64 => bytes[..8].copy_from_slice(&value.to_le_bytes()),
        S64 => bytes[..8].copy_from_slice(&(rounded as i64).to_le_bytes()),
        _ => bytes[0] = rounded as u8,
    }
}

/// All positions of a box.
pub fn positions(dims: &[i64]) -> impl Iterator<Item = Vec<i64>> + use<> {
    let dims = dims.to_vec();
    let total = dims.iter().product::<i64>();
    (0..total).map(move |mut flat| {
        let mut pos = vec![0; dims.len()];
        for d in (0..dims.len()).rev() {
            pos[d] = flat % dims[d];
            flat /= dims[d];
        }
        pos
    })
}

/// Plans and runs an operation on tensors by argument number.
pub fn execute(
    op: &Op,
    attr: &Attr,
    tensors: &mut BTreeMap<i32, Tensor>,
    pool: &dyn Pool,
) -> crate::error::Result<()> {
    let env = Env {
        isa: crate::machine::machine().isa,
        threads: pool.len(),
    };
    let planned = op.plan(attr, &env)?;
    let ptrs: Vec<*mut u8> = planned
        .args
        .iter()
        .map(|a| {
            tensors
                .get_mut(&a.id)
                .unwrap_or_else(|| panic!("argument {} is missing", a.id))
                .data
                .as_mut_ptr()
        })
        .collect();
    let mut scratch = vec![0u64; planned.scratch_bytes / 8 + 8];
    let exec = Exec {
        ptrs: &ptrs,
        scratch: scratch.as_mut_ptr().cast(),
        pool,
    };
    let run = planned.plan.compile()?;
    // SAFETY: the tensors hold what their descriptors say.
    unsafe { run.run(&exec) };
    Ok(())
}

/// Checks every byte of an output: elements by `expected`, padding zero, gaps and guard untouched.
pub fn check(
    got: &Tensor,
    before: &Tensor,
    what: &str,
    tolerance: f64,
    expected: impl Fn(&[i64]) -> f64,
) {
    let bytes = got.md.dtype().size_bytes();
    let mut untouched = vec![true; got.data.len()];
    for pos in positions(got.md.padded_dims()) {
        let at = got.at(&pos);
        untouched[at..at + bytes].fill(false);
        let inside = pos.iter().zip(got.md.dims()).all(|(i, n)| i < n);
        let mut want = vec![0; bytes];
        if inside {
            store(got.md.dtype(), &mut want, expected(&pos));
        }
        let (want, value) = (load(got.md.dtype(), &want), got.get(&pos));
        let close = (value - want).abs() <= tolerance * want.abs().max(1.0)
            || value == want
            || (value.is_nan() && want.is_nan());
        assert!(
            close,
            "{what}: at {pos:?} {value}, expected {want} ({})",
            got.md
        );
    }
    for (i, _) in untouched.iter().enumerate().filter(|(_, u)| **u) {
        assert_eq!(
            got.data[i], before.data[i],
            "{what}: byte {i} of a gap was written ({})",
            got.md
        );
    }
}

/// A random layout of the given dims: permuted, blocked, VNNI-like, strided with gaps, or offset.
pub fn random_layout(rng: &mut Rng, dims: &[i64], dtype: DataType) -> MemoryDesc {
    let tags: &[&str] = match dims.len() {
        1 => &["a"],
        2 => &[
            "ab",
            "ba",
            "BA16a16b",
            "AB16b16a",
            "BA16a64b2a",
            "BA16a16b4a",
            "AB16b16a2b",
            "aB16b",
            "Ab16a",
            "BA8b8a",
            "AB4b16a4b",
        ],
        3 => &[
            "abc",
            "acb",
            "cba",
            "bac",
            "aBc16b",
            "aBc8b",
            "ABc16b16a",
            "ABc4b16a4b",
            "ABc16b16a2b",
            "aCB16b16c2b",
        ],
        4 => &[
            "abcd",
            "acdb",
            "cdba",
            "bcda",
            "abdc",
            "aBcd16b",
            "aBcd8b",
            "ABcd16b16a",
            "ABcd4b16a4b",
            "ABcd8b16a2b",
            "ABcd64b64a",
            "aBdc16b",
        ],
        _ => &["abcde", "acdeb", "aBcde16b", "aBCde16c16b", "ABcde16b16a"],
    };
    let tags: Vec<&str> = tags
        .iter()
        .copied()
        .filter(|t| MemoryDesc::with_tag(dims, dtype, t).is_ok())
        .collect();
    let mut md = MemoryDesc::with_tag(dims, dtype, rng.pick(&tags)).unwrap();
    if rng.below(4) == 0 {
        let gap = 1 + rng.below(3) as i64;
        md.strides.iter_mut().for_each(|s| *s *= gap);
    }
    if rng.below(4) == 0 {
        md.offset0 = rng.below(20) as i64;
    }
    md
}

pub fn random_dims(rng: &mut Rng) -> Vec<i64> {
    let ndims = 1 + rng.below(5);
    let most = [3000, 90, 40, 20, 8][ndims - 1];
    (0..ndims)
        .map(|_| {
            if rng.below(8) == 0 {
                1
            } else {
                1 + rng.below(most) as i64
            }
        })
        .collect()
}

pub const KERNEL_TYPES: [DataType; 6] = [F32, Bf16, F16, S32, S8, U8];

pub fn small_int(rng: &mut Rng, dtype: DataType) -> f64 {
    if dtype == U8 {
        rng.below(100) as f64
    } else {
        rng.below(201) as f64 - 100.0
    }
}

pub fn pools() -> Vec<Box<dyn Pool>> {
    vec![Box::new(Inline), Box::new(Team::new(3))]
}

pub fn quant(mask: i32, data_type: DataType) -> Quant {
    Quant {
        mask,
        data_type,
        groups: Vec::new(),
        on_host: false,
        mode: 1,
    }
}

fn masked(dims: &[i64], mask: i32) -> Vec<i64> {
    dims.iter()
        .enumerate()
        .map(|(d, &n)| if mask >> d & 1 == 1 { n } else { 1 })
        .collect()
}

/// The values that an attribute reads, as a tensor over the masked dims.
pub fn quant_values(dims: &[i64], mask: i32, dtype: DataType, f: impl FnMut() -> f64) -> Tensor {
    Tensor::filled(MemoryDesc::plain(&masked(dims, mask), dtype).unwrap(), f)
}
