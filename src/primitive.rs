//! Primitive descriptors and primitives: what creation made, kept for execution.
//!
//! A descriptor and all primitives made from equal operations share one [`Made`]: the operation, its plan and, once
//! somebody created a primitive, its kernels. The primitive cache is a list of these. Executing binds memory objects to
//! the plan's arguments and runs it: no allocation, no lock, no lookup, from any number of threads at once.
#![allow(unsafe_code)]

pub mod blas;
mod cache;
mod scratch;
mod sizes;
mod verbose;

use crate::{
    attr::Attr,
    dtype::DataType,
    ensure,
    error::{Error, Result, Status},
    invalid,
    log::{self, Levels},
    machine::effective_isa,
    memory::{Memory, MemoryDesc},
    ops::{Arg, Env, Exec, Op, Planned, Run, describe},
    require,
    threads::{Pool, default_pool},
};
pub use cache::{cache_capacity, set_cache_capacity};
use once_cell::race::OnceBox;
use std::{
    ffi::{CStr, CString, c_void},
    sync::Arc,
};

/// A processor as clients name it: its identity is its address.
pub struct Engine {
    _unique: u8,
}

impl Engine {
    /// A new identity.
    pub fn create() -> Arc<Engine> {
        Arc::new(Engine { _unique: 0 })
    }

    /// Whether a handle means this engine.
    fn is(&self, handle: *const c_void) -> bool {
        std::ptr::eq(self, handle.cast())
    }
}

/// What equal operations share.
struct Made {
    op: Op,
    attr: Attr,
    env: Env,
    planned: Planned,
    impl_name: CString,
    scratchpad: MemoryDesc,
    /// The numbers of the planned arguments and what they need, apart from their descriptors: execution reads them.
    ids: Box<[i32]>,
    needs: Box<[Need]>,
    /// All outputs are empty tensors.
    is_void: bool,
    /// Some dims are left to the execution: what runs is one of `sizes`.
    is_open: bool,
    sizes: sizes::Sizes,
    run: OnceBox<Box<dyn Run>>,
}

/// What a memory must bring to be an argument.
#[derive(Clone, Copy)]
struct Need {
    bytes: usize,
    /// It is written, so it cannot be a host scalar.
    output: bool,
    /// Some dims are only known from the memory's own descriptor.
    runtime: bool,
}

/// Scratch memory is aligned by us, since a caller's need not be.
const SCRATCH_ALIGN: usize = 64;

impl Made {
    fn plan(op: Op, attr: Attr, env: Env) -> Result<Made> {
        let planned = op.plan(&attr, &env)?;
        let need = |arg: &Arg| Need {
            bytes: planned_bytes(&arg.md),
            output: arg.output,
            runtime: arg.md.has_runtime(),
        };
        let scratchpad = match (attr.user_scratchpad, planned.scratch_bytes) {
            (true, bytes @ 1..) => {
                MemoryDesc::plain(&[(bytes + SCRATCH_ALIGN) as i64], DataType::U8)?
            }
            _ => MemoryDesc::absent(),
        };
        Ok(Made {
            impl_name: CString::new(format!("brick:{}", env.isa.name())).unwrap_or_default(),
            ids: planned.args.iter().map(|arg| arg.id).collect(),
            needs: planned.args.iter().map(need).collect(),
            is_void: all_empty(planned.args.iter().filter(|a| a.output).map(|a| &a.md)),
            is_open: op.is_open(),
            sizes: sizes::Sizes::default(),
            run: OnceBox::new(),
            op,
            attr,
            env,
            planned,
            scratchpad,
        })
    }

    /// The entry of the primitive cache for this key, new if need be.
    fn shared(op: Op, attr: &Attr, env: Env) -> Result<Arc<Made>> {
        let hash = cache::hash(&(&op, attr, &env));
        if let Some(made) = cache::find(hash, &op, attr, &env) {
            return Ok(made);
        }
        let made = Arc::new(Made::plan(op, attr.clone(), env)?);
        cache::insert(hash, &made);
        Ok(made)
    }

    /// An open operation with the sizes that the memory objects bring, compiled; they are large enough for it.
    fn sized(&self, mds: &[Option<&MemoryDesc>]) -> Result<Arc<Made>> {
        let sized = self.made_for(mds)?;
        for (i, md) in mds.iter().enumerate() {
            let needed = sized.needs[i].bytes;
            let given = match self.needs[i] {
                Need { runtime: true, .. } => md.map_or(0, |md| md.footprint_bytes()),
                Need { bytes, .. } => bytes,
            };
            require!(
                given >= needed,
                "{}: its descriptor spans {given} bytes, {needed} are needed",
                describe::arg_name(self.ids[i])
            );
        }
        Ok(sized)
    }

    fn made_for(&self, mds: &[Option<&MemoryDesc>]) -> Result<Arc<Made>> {
        let open = (self.needs.iter().zip(mds)).filter(|(need, _)| need.runtime);
        let key = open.filter_map(|(_, md)| *md);
        self.sizes.get(key, || {
            let given = |id| {
                let i = self.ids.iter().position(|&known| known == id)?;
                let planned = self.planned.args[i].md;
                Some(
                    mds[i]
                        .filter(|_| self.needs[i].runtime)
                        .copied()
                        .unwrap_or(planned),
                )
            };
            let (op, attr) = self.op.given(&self.attr, given);
            let made = Made::shared(op, &attr, self.env)?;
            require!(
                made.ids == self.ids && !made.is_open,
                "args: the descriptors of the memory objects leave dims open"
            );
            made.compiled()?;
            Ok(made)
        })
    }

    /// The compiled plan; two threads may compile at once, then one result is dropped.
    fn compiled(&self) -> Result<&dyn Run> {
        if let Some(run) = self.run.get() {
            return Ok(&**run);
        }
        let run = self.planned.plan.compile()?;
        Ok(&**self.run.get_or_init(|| Box::new(run)))
    }
}

/// What a memory must have at least, as far as the plan knows.
fn planned_bytes(md: &MemoryDesc) -> usize {
    match md.has_runtime() {
        true => 0,
        false => md.footprint_bytes(),
    }
}

fn all_empty<'a>(mut mds: impl Iterator<Item = &'a MemoryDesc>) -> bool {
    mds.all(MemoryDesc::has_zero_dim)
}

/// An operation with its attributes, checked and planned.
#[derive(Clone)]
pub struct PrimitiveDesc {
    made: Arc<Made>,
    engine: Arc<Engine>,
    /// A reorder's source may live on another engine.
    src_engine: Arc<Engine>,
}

impl PrimitiveDesc {
    /// Plans the operation, or finds it in the cache.
    pub fn new(op: Op, attr: &Attr, engine: Arc<Engine>) -> Result<PrimitiveDesc> {
        let src_engine = engine.clone();
        PrimitiveDesc::between(op, attr, src_engine, engine)
    }

    /// As `new`, for a reorder between engines.
    pub fn between(
        op: Op,
        attr: &Attr,
        src_engine: Arc<Engine>,
        engine: Arc<Engine>,
    ) -> Result<PrimitiveDesc> {
        let env = Env {
            isa: effective_isa(),
            threads: default_pool().len(),
        };
        Ok(PrimitiveDesc {
            made: Made::shared(op, attr, env)?,
            engine,
            src_engine,
        })
    }

    /// The operation as it was asked for.
    pub fn op(&self) -> &Op {
        &self.made.op
    }

    /// Its attributes.
    pub fn attr(&self) -> &Attr {
        &self.made.attr
    }

    /// Its engine; of a reorder, the destination's.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The engine of a reorder's source.
    pub fn src_engine(&self) -> &Arc<Engine> {
        &self.src_engine
    }

    /// The name of the implementation.
    pub fn impl_name(&self) -> &CStr {
        &self.made.impl_name
    }

    /// The resolved descriptor of an argument.
    pub fn arg(&self, id: i32) -> Option<&MemoryDesc> {
        let index = self.made.ids.iter().position(|&i| i == id)?;
        Some(&self.made.planned.args[index].md)
    }

    /// What the caller must pass as scratch memory; absent if nothing.
    pub fn scratchpad(&self) -> &MemoryDesc {
        &self.made.scratchpad
    }

    /// Bytes of scratch memory that the library provides.
    pub fn library_scratch_bytes(&self) -> usize {
        match self.made.attr.user_scratchpad {
            true => 0,
            false => self.made.planned.scratch_bytes,
        }
    }

    /// Number of inputs (or outputs), without those that belong to scales and the like.
    pub fn count(&self, output: bool) -> usize {
        let counted = |arg: &&Arg| arg.output == output && !describe::is_quantization(arg.id);
        self.made.planned.args.iter().filter(counted).count()
    }
}

/// A primitive, ready to be executed.
pub struct Primitive {
    desc: PrimitiveDesc,
}

/// Binding that many arguments costs nothing to speak of, and hardly a primitive has more.
const FEW_ARGS: usize = 8;
const MANY_ARGS: usize = 64;

impl Primitive {
    /// Generates the kernels, unless an equal primitive did, and provides scratch memory.
    pub fn new(desc: &PrimitiveDesc) -> Result<Primitive> {
        let made = &desc.made;
        let cached = made.run.get().is_some();
        let compile = || {
            if !made.is_open {
                made.compiled()?;
            }
            scratch::reserve(desc.library_scratch_bytes())
        };
        if log::enabled(Levels::PROFILE_CREATE) {
            verbose::create(made, cached, compile)?;
        } else {
            compile()?;
        }
        Ok(Primitive { desc: desc.clone() })
    }

    /// The descriptor it was made from.
    pub fn desc(&self) -> &PrimitiveDesc {
        &self.desc
    }

    /// Runs the primitive once. Arguments come in any order; those without memory are ignored, and unknown ones
    /// unless they are given twice.
    ///
    /// # Safety
    /// The memory of each argument holds its descriptor, or at least the planned one; nobody writes inputs or touches
    /// outputs meanwhile.
    pub unsafe fn execute<'a>(
        &self,
        engine: &Arc<Engine>,
        pool: &dyn Pool,
        args: impl Iterator<Item = (i32, Option<&'a Memory>)> + Clone,
    ) -> Result<()> {
        require!(
            Arc::ptr_eq(engine, &self.desc.engine),
            "stream: its engine is not the primitive's"
        );
        let null = std::ptr::null_mut();
        // SAFETY: as this function demands.
        unsafe {
            match self.desc.made.ids.len() {
                n @ 0..=FEW_ARGS => {
                    let (mut ptrs, mut mds) = ([null; FEW_ARGS], [None; FEW_ARGS]);
                    self.bind_and_run(pool, args, &mut ptrs[..n], &mut mds[..n])
                }
                n @ 0..=MANY_ARGS => {
                    let (mut ptrs, mut mds) = ([null; MANY_ARGS], [None; MANY_ARGS]);
                    self.bind_and_run(pool, args, &mut ptrs[..n], &mut mds[..n])
                }
                n => self.bind_and_run(pool, args, &mut vec![null; n], &mut vec![None; n]),
            }
        }
    }

    /// # Safety
    /// As for `execute`; the slices are null and have an entry for each planned argument.
    unsafe fn bind_and_run<'a>(
        &self,
        pool: &dyn Pool,
        args: impl Iterator<Item = (i32, Option<&'a Memory>)> + Clone,
        ptrs: &mut [*mut u8],
        mds: &mut [Option<&'a MemoryDesc>],
    ) -> Result<()> {
        let made = &*self.desc.made;
        let mut user_scratch = None;
        for (id, memory) in args.clone() {
            let Some(memory) = memory else { continue };
            if let Some(i) = made.ids.iter().position(|&known| known == id) {
                ensure!(mds[i].is_none(), given_twice(id));
                ptrs[i] = self.check(memory, i)?;
                mds[i] = Some(memory.md());
            } else if id == describe::SCRATCHPAD {
                ensure!(user_scratch.is_none(), given_twice(id));
                user_scratch = Some(memory);
            } else {
                // Arguments that it does not know are ignored, but not what is given twice.
                let mut same = args
                    .clone()
                    .filter(|(other, m)| *other == id && m.is_some());
                ensure!(same.nth(1).is_none(), given_twice(id));
            }
        }
        if let Some(i) = mds.iter().position(Option::is_none) {
            return Err(missing(made.ids[i]));
        }
        if made.is_void || (made.is_open && has_void_outputs(made, mds)) {
            return Ok(());
        }
        let sized = match made.is_open {
            true => Some(made.sized(mds)?),
            false => None,
        };
        let running = sized.as_deref().unwrap_or(made);
        // What a caller could have provided for an open operation was not known at creation.
        let by_user = made.attr.user_scratchpad && !made.is_open;
        let library = scratch::take(match by_user {
            true => 0,
            false => running.planned.scratch_bytes,
        })?;
        let scratch = match by_user {
            true => self.check_scratch(user_scratch)?,
            false => library.as_ptr(),
        };
        let run = running.run.get().expect("creation and `sized` compile");
        let exec = Exec {
            ptrs,
            scratch,
            pool,
        };
        // SAFETY: `check` and `sized` saw to sizes; the rest is promised to `execute`.
        let run = || unsafe { run.run(&exec) };
        match log::enabled(Levels::PROFILE_EXEC) {
            true => verbose::execute(made, mds, run),
            false => run(),
        }
        Ok(())
    }

    /// Whether a memory may be argument `index`; its data.
    #[inline]
    fn check(&self, memory: &Memory, index: usize) -> Result<*mut u8> {
        let need = self.desc.made.needs[index];
        let (data, engine) = (memory.data(), memory.engine());
        let is_near = self.desc.engine.is(engine) || self.desc.src_engine.is(engine);
        let fits = memory.bytes() >= need.bytes && !(data.is_null() && need.bytes > 0);
        let planned = &self.desc.made.planned.args[index];
        let is_value = || engine.is_null() && !need.output && is_value_of(&planned.md, memory);
        if fits && !need.runtime && (is_near || is_value()) {
            return Ok(data);
        }
        self.check_closely(memory, planned, is_near)
    }

    /// The cold half of `check`: runtime dims, and sentences for what is wrong.
    #[cold]
    fn check_closely(&self, memory: &Memory, arg: &Arg, is_near: bool) -> Result<*mut u8> {
        let name = describe::arg_name(arg.id);
        ensure!(
            !(arg.output && memory.is_host_scalar()),
            invalid!("{name}: a host scalar cannot be an output")
        );
        ensure!(is_near || memory.engine().is_null(), foreign(&name));
        require!(
            is_near || is_value_of(&arg.md, memory),
            "{name}: {} is given where {} is needed",
            memory.md(),
            arg.md
        );
        let mut bytes = planned_bytes(&arg.md);
        if arg.md.has_runtime() {
            let given = memory.md();
            let listed = describe::is_quantization(arg.id) && is_list_of(&arg.md, given);
            require!(
                listed || matches_runtime(&arg.md, given),
                "{name}: {given} does not fit {}",
                arg.md
            );
            bytes = given.footprint_bytes();
        }
        require!(
            memory.bytes() >= bytes,
            "{name}: the memory has {} bytes, {} needs {bytes}",
            memory.bytes(),
            arg.md
        );
        ensure!(bytes == 0 || !memory.data().is_null(), no_data(&name));
        Ok(memory.data())
    }

    /// The caller's scratch memory, aligned.
    fn check_scratch(&self, memory: Option<&Memory>) -> Result<*mut u8> {
        let need = self.desc.made.scratchpad.size_bytes();
        if need == 0 {
            return Ok(std::ptr::null_mut());
        }
        let memory = memory.ok_or_else(|| missing(describe::SCRATCHPAD))?;
        let (data, bytes) = (memory.data(), memory.bytes());
        let name = || describe::arg_name(describe::SCRATCHPAD);
        ensure!(self.desc.engine.is(memory.engine()), foreign(&name()));
        require!(
            bytes >= need,
            "{}: the memory has {bytes} bytes, {need} are needed",
            name()
        );
        ensure!(!data.is_null(), no_data(&name()));
        Ok(data.wrapping_add(data.align_offset(SCRATCH_ALIGN)))
    }
}

/// The same as `is_void` where dims came with the memory.
fn has_void_outputs(made: &Made, mds: &[Option<&MemoryDesc>]) -> bool {
    let args = made.planned.args.iter().zip(mds);
    all_empty(args.filter(|(a, _)| a.output).filter_map(|(_, md)| *md))
}

#[cold]
fn given_twice(id: i32) -> Error {
    invalid!("args: {} is given twice", describe::arg_name(id))
}

#[cold]
fn foreign(name: &str) -> Error {
    invalid!("{name}: the memory belongs to another engine")
}

#[cold]
fn no_data(name: &str) -> Error {
    invalid!("{name}: the memory has no data handle")
}

#[cold]
fn missing(id: i32) -> Error {
    invalid!("args: {} is missing", describe::arg_name(id))
}

/// Whether a host scalar has the planned type: nobody converts its value.
fn is_value_of(planned: &MemoryDesc, memory: &Memory) -> bool {
    memory.md().data_type == planned.data_type
}

/// Whether a memory's descriptor says the dims and strides that the plan left open, and agrees with the others.
fn matches_runtime(planned: &MemoryDesc, given: &MemoryDesc) -> bool {
    let agrees = |(&p, &g): (&i64, &i64)| p == crate::memory::RUNTIME_DIM || p == g;
    let strides = || planned.strides().iter().zip(given.strides());
    planned.ndims == given.ndims
        && planned.data_type == given.data_type
        && given.is_blocked()
        && planned.inner_nblks == given.inner_nblks
        && planned.dims().iter().zip(given.dims()).all(agrees)
        && (strides().zip(given.dims())).all(|(pair, &dim)| dim <= 1 || agrees(pair))
}

/// Whether a descriptor of any dimensions holds a list of values of the planned type.
fn is_list_of(planned: &MemoryDesc, given: &MemoryDesc) -> bool {
    planned.data_type == given.data_type && given.is_dense() && given.inner_volume() == 1
}

/// The error of iterating past the only implementation.
pub fn no_further_implementation() -> Error {
    Error::new(
        Status::LastImplReached,
        "brick has one implementation of each primitive",
    )
}
