//! Operands of a nest over blocks of images. What kernels cannot read or write as it lies they see as a copy: that of a block
//! is reordered in scratch before its calls, or out of it behind them, so that it stays in the cache, and scratch does not grow
//! with the minibatch.
#![allow(unsafe_code)]

use super::layout::channels_last;
use crate::attr::Attr;
use crate::error::Result;
use crate::exec::in_parts;
use crate::knobs;
use crate::machine::machine;
use crate::memory::MemoryDesc;
use crate::ops::{Env, Exec, Plan, Run, reorder};
use crate::plan::conv::{band_pixels, copied_images};
use std::ops::Range;

/// An operand.
#[derive(Clone)]
pub(super) struct Operand {
    /// Index of the argument.
    arg: usize,
    /// The argument's layout, and the one that kernels see: the same, or that of a copy.
    user: MemoryDesc,
    pub md: MemoryDesc,
    /// Bytes from one block of images to the next in the argument; 0 for weights.
    advance: i64,
    /// Where in scratch its copy lies, if kernels see one.
    pub copy: Option<usize>,
}

impl Operand {
    pub fn new(arg: usize, user: &MemoryDesc, copy: Option<MemoryDesc>) -> Operand {
        Operand {
            arg,
            user: *user,
            md: copy.unwrap_or(*user),
            advance: 0,
            copy: copy.map(|_| 0),
        }
    }

    /// As seen by a nest over blocks of so many images.
    pub fn in_blocks(mut self, images: i64) -> Operand {
        let user = &self.user;
        self.advance = user.bytes(images * user.strides[0] / user.block_of(0)) as i64;
        for md in [&mut self.user, &mut self.md] {
            if md.dims[0] != images {
                (md.dims[0], md.padded_dims[0]) = (images, images);
            }
        }
        self
    }

    /// Bytes of its copy, if it has one: that of an image has its frame around it.
    fn room_bytes(&self) -> usize {
        let values = self.copy.map(|_| self.md.dims[0] * self.md.strides[0]);
        self.md.bytes(values.unwrap_or(0))
    }

    /// Whether it has a copy with more than the elements.
    pub fn is_framed(&self) -> bool {
        self.room_bytes() > self.md.bytes(self.md.padded_nelems())
    }

    /// Where kernels see a block of images.
    fn start(&self, exec: &Exec, block: i64) -> *mut u8 {
        let copy = self.copy.map(|at| exec.scratch.wrapping_add(at));
        let start = copy.unwrap_or_else(|| self.of_user(exec, block));
        start.wrapping_add(self.md.bytes(self.md.offset0))
    }

    fn of_user(&self, exec: &Exec, block: i64) -> *mut u8 {
        exec.ptrs[self.arg].wrapping_offset((block * self.advance) as isize)
    }
}

/// The operands, and the reorders between them and their copies.
pub(super) struct Staging<const N: usize> {
    pub operands: [Operand; N],
    /// Blocks of images.
    pub blocks: i64,
    /// By operand, into its copy or (true) out of it.
    stages: Vec<(usize, bool, Box<dyn Plan>)>,
    /// Of the reorders, then of the copies.
    pub scratch_bytes: usize,
}

impl Staging<2> {
    /// The two sides of a product over pixels, given as entry and layout, or channels last where `copied` says so. Of images with
    /// copies a block has few, but an even number where they are taken in pairs.
    pub fn of_sides(
        env: &Env,
        sides: [(usize, MemoryDesc); 2],
        copied: [bool; 2],
        pairs: bool,
    ) -> Result<Staging<2>> {
        let [large, small] = [0, 1].map(|i| {
            let (entry, md) = &sides[i];
            let copy = copied[i].then(|| channels_last(md)).transpose()?;
            Ok(Operand::new(*entry, md, copy))
        });
        let (operands, md) = ([large?, small?], &sides[1].1);
        let (minibatch, pixels) = (md.dims[0], md.dims()[2..].iter().product::<i64>());
        let even = 1 + i64::from(pairs && minibatch % 2 == 0);
        let within = sides.map(|(_, md)| md.block_of(0));
        let within = within[0].max(within[1]);
        let room = machine().l2_bytes as i64 / 2;
        let full = even * band_pixels(env.isa) / pixels.max(1);
        let copies = operands.iter().map(Operand::room_bytes).sum::<usize>() as i64;
        let images = copied_images(minibatch, within.max(even), copies, (room, full));
        let fits = |n| n <= minibatch && minibatch % n == 0 && n % within == 0;
        let images = knobs::NEST.get().or('n', images, fits);
        let blocks = (minibatch / images.max(1)).max(1);
        let operands = operands.map(|o| o.in_blocks(images));
        Staging::new(env, operands, blocks, &[(0, false), (1, false)])
    }
}

impl<const N: usize> Staging<N> {
    /// Plans these reorders of the operands that have copies: into the copy or, if so said, out of it.
    pub fn new(
        env: &Env,
        mut operands: [Operand; N],
        blocks: i64,
        ways: &[(usize, bool)],
    ) -> Result<Staging<N>> {
        let (mut stages, mut end) = (Vec::new(), 0);
        for &(operand, out) in ways.iter().filter(|w| operands[w.0].copy.is_some()) {
            let Operand { user, md, .. } = operands[operand];
            // The gaps of a layout are dimensions that its copy does not have.
            let md = md.reshape(user.dims())?;
            let (src, dst) = if out { (md, user) } else { (user, md) };
            let reorder = reorder::Desc { src, dst }.plan(&Attr::default(), env)?;
            end = end.max(reorder.scratch_bytes.next_multiple_of(64));
            stages.push((operand, out, reorder.plan));
        }
        for o in operands.iter_mut().filter(|o| o.copy.is_some()) {
            o.copy = Some(end);
            end += o.room_bytes().next_multiple_of(64);
        }
        Ok(Staging {
            operands,
            blocks,
            stages,
            scratch_bytes: end,
        })
    }

    /// Blocks of images that a region takes: a single one where images pass through scratch.
    pub fn together(&self) -> i64 {
        if self.stages.is_empty() {
            self.blocks
        } else {
            1
        }
    }

    /// Images of a block.
    pub fn images(&self) -> i64 {
        self.operands[0].md.dims[0]
    }

    /// Where kernels see the operands of a block.
    pub fn starts(&self, exec: &Exec, block: i64) -> [*mut u8; N] {
        self.operands.each_ref().map(|o| o.start(exec, block))
    }

    /// The ways that there are, in the nest's string.
    pub fn ways(&self) -> &'static str {
        let [into, out] = [false, true].map(|way| self.stages.iter().any(|s| s.1 == way));
        let both = ["", ":staged-in", ":staged-out", ":staged-in:staged-out"];
        both[usize::from(into) | usize::from(out) << 1]
    }

    /// The reorders' kernels.
    pub fn compile(&self) -> Result<Vec<Box<dyn Run>>> {
        let stages = self.stages.iter();
        stages.map(|(_, _, reorder)| reorder.compile()).collect()
    }

    /// Runs so many parts for all blocks of images, or for one after the other if operands have copies.
    ///
    /// # Safety
    /// As for `Run::run`; the reorders are those of `compile`.
    pub unsafe fn run(
        &self,
        (exec, reorders): (&Exec, &[Box<dyn Run>]),
        parts: usize,
        part: impl Fn(Range<i64>, usize) + Sync,
    ) {
        let together = self.together();
        for block in (0..self.blocks).step_by(together.max(1) as usize) {
            // SAFETY: the caller's promise is passed on; copies have their room in scratch.
            unsafe { self.stage(exec, reorders, (block, false)) };
            in_parts(exec.pool, parts, |i| part(block..block + together, i));
            // SAFETY: the same.
            unsafe { self.stage(exec, reorders, (block, true)) };
        }
    }

    /// Reorders a block of images into its copies or out of them.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn stage(&self, exec: &Exec, reorders: &[Box<dyn Run>], (block, out): (i64, bool)) {
        let stages = self.stages.iter().zip(reorders);
        for (stage, reorder) in stages.filter(|(s, _)| s.1 == out) {
            let o = &self.operands[stage.0];
            let user = o.of_user(exec, block);
            let copy = exec.scratch.wrapping_add(o.copy.unwrap_or(0));
            if !out && o.is_framed() {
                // SAFETY: the room of the copy, in scratch of our own.
                unsafe { copy.write_bytes(0, o.room_bytes()) };
            }
            let exec = Exec {
                ptrs: &if out { [copy, user] } else { [user, copy] },
                ..*exec
            };
            // SAFETY: both hold what the reorder was planned for.
            unsafe { reorder.run(&exec) };
        }
    }
}
