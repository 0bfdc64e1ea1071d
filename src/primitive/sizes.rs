//! What a primitive with open dims really runs: for each set of sizes that came by, the operation with these.
//!
//! The sets are a list that only grows, up to a bound: an execution reads it without a lock. Beyond that, the primitive
//! cache is asked, which locks.

use super::Made;
use crate::{error::Result, memory::MemoryDesc};
use once_cell::race::OnceBox;
use std::sync::Arc;

/// Sets of sizes that one primitive remembers.
const MOST: usize = 64;

/// The sets of sizes met so far.
#[derive(Default)]
pub(super) struct Sizes {
    first: OnceBox<Node>,
}

struct Node {
    /// The descriptors of the open arguments, in the order of arguments.
    key: Box<[MemoryDesc]>,
    made: Arc<Made>,
    next: OnceBox<Node>,
}

impl Sizes {
    /// The primitive for these descriptors of open arguments, made by `make` if they are new.
    pub fn get<'a>(
        &self,
        key: impl Iterator<Item = &'a MemoryDesc> + Clone,
        make: impl FnOnce() -> Result<Arc<Made>>,
    ) -> Result<Arc<Made>> {
        let (mut place, mut count) = (&self.first, 0);
        while let Some(node) = place.get() {
            if node.key.iter().eq(key.clone()) {
                return Ok(node.made.clone());
            }
            (place, count) = (&node.next, count + 1);
        }
        let made = make()?;
        let mut node = Box::new(Node {
            key: key.copied().collect(),
            made: made.clone(),
            next: OnceBox::new(),
        });
        // Whoever was faster keeps its place; the same set twice does no harm.
        while count < MOST {
            match place.set(node) {
                Ok(()) => break,
                Err(rejected) => node = rejected,
            }
            place = &place.get().expect("somebody set it").next;
            count += 1;
        }
        Ok(made)
    }
}
