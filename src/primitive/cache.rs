//! The primitive cache: equal operations with equal attributes are planned and compiled once.
//!
//! The key is hashed once; an equal hash is only a hint, the operations are compared. The oldest entry leaves when the cache is full.

use super::Made;
use crate::{
    attr::Attr,
    hash::Mix,
    knobs,
    ops::{Env, Op},
    process::PerProcess,
};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Default)]
struct Cache {
    slots: HashMap<u64, Slot, BuildHasherDefault<Ready>>,
    clock: u64,
}

struct Slot {
    made: Arc<Made>,
    used: u64,
}

static CACHE: PerProcess<Mutex<Cache>> = PerProcess::new();

fn cache() -> MutexGuard<'static, Cache> {
    CACHE.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hash of a key.
pub(super) fn hash(key: &impl Hash) -> u64 {
    let mut hasher = Mix::default();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The entry equal to a key.
pub(super) fn find(hash: u64, op: &Op, attr: &Attr, env: &Env) -> Option<Arc<Made>> {
    let cache = &mut *cache();
    cache.clock += 1;
    let slot = cache.slots.get_mut(&hash)?;
    let made = &slot.made;
    if (&made.op, &made.attr, &made.env) != (op, attr, env) {
        return None;
    }
    slot.used = cache.clock;
    Some(made.clone())
}

/// Puts an entry in, in place of one with the same hash.
pub(super) fn insert(hash: u64, made: &Arc<Made>) {
    let capacity = cache_capacity();
    if capacity == 0 {
        return;
    }
    let mut evicted = Vec::new(); // dropped after the lock
    let mut cache = cache();
    let slot = Slot {
        made: made.clone(),
        used: cache.clock,
    };
    evicted.extend(cache.slots.insert(hash, slot));
    cache.shrink(capacity, &mut evicted);
    drop(cache);
}

impl Cache {
    /// Takes out the entries that have not been used for the longest time.
    fn shrink(&mut self, capacity: usize, evicted: &mut Vec<Slot>) {
        while self.slots.len() > capacity {
            let oldest = self.slots.iter().min_by_key(|(_, slot)| slot.used);
            let Some(hash) = oldest.map(|(&hash, _)| hash) else {
                return;
            };
            evicted.extend(self.slots.remove(&hash));
        }
    }
}

/// How many primitives the cache holds at most.
pub fn cache_capacity() -> usize {
    knobs::PRIMITIVE_CACHE_CAPACITY.get()
}

/// Changes the capacity; 0 switches the cache off.
pub fn set_cache_capacity(capacity: usize) {
    knobs::PRIMITIVE_CACHE_CAPACITY.set(capacity);
    let mut evicted = Vec::new();
    cache().shrink(capacity, &mut evicted);
}

/// The keys of the map are hashes already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are u64")
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
