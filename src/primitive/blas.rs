//! BLAS-like calls: no object outlives them, so their plans are kept here, for the next call of the same shape.
//!
//! A thread finds the shapes that it used last without a lock; behind that stands a list that all threads share.

use super::{cache, scratch};
use crate::{
    error::Result,
    log::{self, Levels},
    machine::effective_isa,
    ops::{
        Env,
        blas::{Blas, Call, Desc},
    },
    process::PerProcess,
    threads::default_pool,
};
use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

type Key = (Desc, Env);
type Known = (Key, Arc<Blas>);
type Slots = [Option<Known>; RECENT];

/// Shapes that a thread remembers, and shapes that all threads together do.
const RECENT: usize = 16;
const CAPACITY: usize = 1024;

thread_local! {
    static MINE: RefCell<Slots> = const { RefCell::new([const { None }; RECENT]) };
}
static SHARED: PerProcess<Mutex<HashMap<u64, Known>>> = PerProcess::new();

/// Runs a product; [`Desc::check`] must have passed.
///
/// # Safety
/// As for [`Blas::run`].
pub unsafe fn run(desc: &Desc, call: &Call) -> Result<()> {
    if desc.is_void() {
        return Ok(());
    }
    let pool = default_pool();
    let env = Env {
        isa: effective_isa(),
        threads: pool.len(),
    };
    let blas = find((*desc, env))?;
    let scratch = scratch::take(blas.scratch_bytes())?;
    let start = log::enabled(Levels::PROFILE_EXEC).then(Instant::now);
    // SAFETY: as this function demands.
    unsafe { blas.run(call, scratch.as_ptr(), pool) };
    if let Some(start) = start {
        report(desc, &env, start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

fn find(key: Key) -> Result<Arc<Blas>> {
    let hash = cache::hash(&key);
    let slot = hash as usize % RECENT;
    let mine = |slots: &RefCell<Slots>| match &slots.borrow()[slot] {
        Some((known, blas)) if *known == key => Some(blas.clone()),
        _ => None,
    };
    // A thread that is ending has forgotten everything.
    if let Ok(Some(blas)) = MINE.try_with(mine) {
        return Ok(blas);
    }
    let blas = shared(hash, key)?;
    let _ = MINE.try_with(|slots| slots.borrow_mut()[slot].replace((key, blas.clone())));
    Ok(blas)
}

fn shared(hash: u64, key: Key) -> Result<Arc<Blas>> {
    let all = SHARED.get();
    let known = || all.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, blas)) = known().get(&hash).filter(|(other, _)| *other == key) {
        return Ok(blas.clone());
    }
    let blas = Arc::new(Blas::new(&key.0, &key.1)?);
    let mut all = known();
    let forgotten = match all.len() {
        CAPACITY.. => std::mem::take(&mut *all),
        _ => HashMap::new(),
    };
    all.insert(hash, (key, blas.clone()));
    drop(all);
    drop(forgotten);
    Ok(blas)
}

#[cold]
fn report(desc: &Desc, env: &Env, ms: f64) {
    log::emit(format_args!(
        "primitive,exec,cpu,gemm_api,brick:{},undef,{desc},{ms}",
        env.isa.name()
    ));
}
