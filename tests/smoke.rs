#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
use brick::{dtype::DataType::{self,*}, kernel::{Kernel, expr::{Expr,Node}, spec::*}, machine::Isa};
fn val(i: usize, t: DataType) -> f32 { let v = ((i * 7919 + 13) % 17) as f32 - 8.0; if t == U8 { v + 8.0 } else { v } }
fn put(p: &mut Vec<u8>, v: f32, t: DataType) { match t { F32 => p.extend(v.to_le_bytes()), Bf16 => p.extend(half::bf16::from_f32(v).to_le_bytes()), F16 => p.extend(half::f16::from_f32(v).to_le_bytes()), _ => p.push(v as i32 as u8) } }
fn spec(isa: Isa, m: usize, n: usize, k: usize, a: DataType, b: DataType) -> Brgemm {
    let v = a.vnni(); let sz = a.size_bytes() as i64; let int = a.is_int();
    let kp = k.div_ceil(v) * v;
    Brgemm { isa, m, n, k, a, b, a_row_bytes: k as i64 * sz, a_group_bytes: v as i64 * sz, b_group_bytes: (n * v) as i64 * sz,
      batch: Batch::Stride { a_bytes: (m * k) as i64 * sz, b_bytes: (kp * n) as i64 * sz }, beta: false, c_row_bytes: 4 * n as i64,
      out: Out { expr: Expr { nodes: vec![Node::Acc], result: 0, int }, d: if int { S32 } else { F32 }, d_row_bytes: 4 * n as i64 } }
}
fn check(s: &Brgemm, br: usize) {
    let (m, n, k, v) = (s.m, s.n, s.k, s.a.vnni()); let kp = k.div_ceil(v) * v;
    let (mut a, mut b) = (vec![], vec![]);
    for i in 0..br * m * k { put(&mut a, val(i, s.a), s.a) }
    for blk in 0..br { for g in 0..kp / v { for j in 0..n { for e in 0..v { put(&mut b, val(blk * 31 + (g * v + e) * n + j, s.b), s.b) } } } }
    let mut d = vec![f32::NAN; m * n];
    let kern = Kernel::get(&Spec::Brgemm(s.clone())).unwrap();
    assert!(kern.is_generated(), "{:?} {:?}", s, brick::kernel::machine_code(&Spec::Brgemm(s.clone())).map(|b| b.len()));
    unsafe { kern.call(&Args { a: a.as_ptr(), b: b.as_ptr(), d: d.as_mut_ptr() as *mut u8, batch: br, ..Args::default() }) };
    for i in 0..m { for j in 0..n {
        let mut sum = 0f64;
        for blk in 0..br { for kk in 0..k { sum += val(blk * m * k + i * k + kk, s.a) as f64 * val(blk * 31 + kk * n + j, s.b) as f64; } }
        let got = if s.a.is_int() { d[i * n + j].to_bits() as i32 as f64 } else { d[i * n + j] as f64 };
        assert_eq!(got, sum, "{} at {i},{j}", Spec::Brgemm(s.clone()).name());
    } }
}
#[test] fn brgemm() {
    for isa in [Isa::Avx512Bf16, Isa::Avx512Vnni, Isa::Avx512, Isa::Avx2] { for (a, b) in [(F32, F32), (Bf16, Bf16), (F16, F16), (U8, S8), (S8, S8), (S8, U8), (U8, U8)] {
        for m in [1, 2, 3, 5, 6, 7, 13, 28] { for n in [1, 4, 7, 8, 15, 16, 17, 33, 64, 100, 131] { for k in [1, 2, 3, 5, 16, 64, 67] { check(&spec(isa, m, n, k, a, b), 1 + (m + n) % 3) } } }
    } }
}
#[test] fn speed() {
    for (a, b, peak) in [(F32, F32, 118.2), (Bf16, Bf16, 236.), (U8, S8, 472.)] { for (m, n, k) in [(16,16,16),(32,32,32),(64,64,64),(128,128,128),(64,16,64),(64,64,16),(14,64,64),(28,64,64),(7,64,64),(28,16,16),(1,64,64),(30,100,36)] {
        print!("{:>5} {m}x{n}x{k}", a.name());
        for br in [1usize, 4, 16, 64] {
            let s = spec(Isa::Avx512Bf16, m, n, k, a, b); let kern = Kernel::get(&Spec::Brgemm(s.clone())).unwrap();
            let kp = k.div_ceil(4) * 4;
            let (abuf, bbuf, mut d) = (vec![0u8; br * m * k * 4 + 64], vec![0u8; br * n * kp * 4 + 64], vec![0f32; 8 * m * n]);
            let fl = 2.0 * (m * n * k * br) as f64; let reps = (2e6 * peak / 118. / fl).max(1.0) as usize;
            let mut best = f64::MAX;
            for _ in 0..40 { let t = std::time::Instant::now(); for r in 0..reps { unsafe { kern.call(&Args { a: abuf.as_ptr(), b: bbuf.as_ptr(), d: d.as_mut_ptr().add((r % 8) * m * n) as *mut u8, batch: br, ..Args::default() }) } } best = best.min(t.elapsed().as_secs_f64() / reps as f64); }
            print!(" {:5.1}%", 100.0 * fl / best / peak * 1e-9);
        }
        let t = std::time::Instant::now(); for _ in 0..100 { brick::kernel::machine_code(&Spec::Brgemm(spec(Isa::Avx512Bf16, m, n, k, a, b))).unwrap(); } println!("  gen {:.1} us", t.elapsed().as_secs_f64() * 1e4);
    } }
}
