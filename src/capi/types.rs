//! The types of the C API that cbindgen writes to the header: handles, structs, argument numbers, macros.

use super::Opaque;
pub use super::enums::*;
use crate::{
    attr::{Attr, PostOp},
    memory::{Memory, MemoryDesc},
    ops, primitive,
};
use std::ffi::{c_char, c_int, c_uint, c_void};

/// A dimension, stride or offset, in elements.
pub type brick_dim_t = i64;

/// The largest number of dimensions of a tensor.
pub const BRICK_MAX_NDIMS: usize = 12;

/// Dimensions, strides or offsets; a tensor of n dimensions uses the first n.
pub type brick_dims_t = [brick_dim_t; BRICK_MAX_NDIMS];

/// A dimension, stride or offset that is given at execution.
pub const BRICK_RUNTIME_DIM_VAL: brick_dim_t = i64::MIN;

/// A number of the header's tag constants.
///
/// cbindgen:ignore
pub type brick_format_tag_t = i32;

/// The place where primitives run: a processor.
pub struct brick_engine {
    _opaque: [u8; 0],
}
/// An engine.
pub type brick_engine_t = *mut brick_engine;

/// An order of executions, and the threads that run them.
pub struct brick_stream {
    _opaque: [u8; 0],
}
/// A stream.
pub type brick_stream_t = *mut brick_stream;
/// A stream that is only looked at.
pub type const_brick_stream_t = *const brick_stream;

/// Type, dimensions and layout of a tensor.
pub struct brick_memory_desc {
    _opaque: [u8; 0],
}
/// A memory descriptor.
pub type brick_memory_desc_t = *mut brick_memory_desc;
/// A memory descriptor that is only looked at.
pub type const_brick_memory_desc_t = *const brick_memory_desc;

/// A memory descriptor, an engine and data.
pub struct brick_memory {
    _opaque: [u8; 0],
}
/// A memory object.
pub type brick_memory_t = *mut brick_memory;
/// A memory object that is only looked at.
pub type const_brick_memory_t = *const brick_memory;

/// Everything that modifies a primitive beyond its descriptor.
pub struct brick_primitive_attr {
    _opaque: [u8; 0],
}
/// Attributes.
pub type brick_primitive_attr_t = *mut brick_primitive_attr;
/// Attributes that are only looked at; NULL means the defaults.
pub type const_brick_primitive_attr_t = *const brick_primitive_attr;

/// A chain of operations that follow a primitive's own.
pub struct brick_post_ops {
    _opaque: [u8; 0],
}
/// A post-op chain.
pub type brick_post_ops_t = *mut brick_post_ops;
/// A post-op chain that is only looked at; NULL means an empty one.
pub type const_brick_post_ops_t = *const brick_post_ops;

/// An operation with its attributes, checked and planned.
pub struct brick_primitive_desc {
    _opaque: [u8; 0],
}
/// A primitive descriptor.
pub type brick_primitive_desc_t = *mut brick_primitive_desc;
/// A primitive descriptor that is only looked at.
pub type const_brick_primitive_desc_t = *const brick_primitive_desc;

/// A primitive, ready to be executed.
pub struct brick_primitive {
    _opaque: [u8; 0],
}
/// A primitive.
pub type brick_primitive_t = *mut brick_primitive;
/// A primitive that is only looked at.
pub type const_brick_primitive_t = *const brick_primitive;

/// A batch-reduce GEMM: the building block of every primitive.
pub struct brick_brgemm {
    _opaque: [u8; 0],
}
/// A brgemm.
pub type brick_brgemm_t = *mut brick_brgemm;
/// A brgemm that is only looked at.
pub type const_brick_brgemm_t = *const brick_brgemm;

/// Pointers to what the post-ops and scales of a brgemm need.
pub struct brick_ukernel_attr_params {
    _opaque: [u8; 0],
}
/// A list of such pointers.
pub type brick_ukernel_attr_params_t = *mut brick_ukernel_attr_params;
/// A list of such pointers that is only looked at; NULL means none.
pub type const_brick_ukernel_attr_params_t = *const brick_ukernel_attr_params;

/// A packing of matrix B for a brgemm.
pub struct brick_transform {
    _opaque: [u8; 0],
}
/// A transform.
pub type brick_transform_t = *mut brick_transform;
/// A transform that is only looked at.
pub type const_brick_transform_t = *const brick_transform;

macro_rules! opaque {
    ($($handle:ident: $value:ty,)*) => {
        $(impl Opaque for $handle {
            type Value = $value;
        })*
    };
}

opaque! {
    brick_brgemm: ops::ukernel::Brgemm,
    brick_ukernel_attr_params: ops::ukernel::Params,
    brick_transform: ops::ukernel::Transform,
    brick_engine: primitive::Engine,
    brick_stream: super::stream::Stream,
    brick_memory_desc: MemoryDesc,
    brick_memory: Memory,
    brick_primitive_attr: Attr,
    brick_post_ops: Vec<PostOp>,
    brick_primitive_desc: primitive::PrimitiveDesc,
    brick_primitive: primitive::Primitive,
}

/// One argument of an execution.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct brick_exec_arg_t {
    /// Its number, BRICK_ARG_*.
    pub arg: c_int,
    /// The memory; NULL if the argument is not given.
    pub memory: brick_memory_t,
}

/// Version and build of the library.
#[repr(C)]
pub struct brick_version_t {
    /// Major version of oneDNN's API that brick follows.
    pub major: c_int,
    /// Minor version of that API.
    pub minor: c_int,
    /// Patch version of that API.
    pub patch: c_int,
    /// brick's own version, zero-terminated.
    pub hash: *const c_char,
    /// How parallel parts run on processors: BRICK_RUNTIME_*.
    pub cpu_runtime: c_uint,
    /// The same for GPUs: BRICK_RUNTIME_NONE.
    pub gpu_runtime: c_uint,
}

/// One part of a parallel region, as a pool gets it from brick.
pub type brick_part_fn_t = unsafe extern "C" fn(arg: *mut c_void, part: c_int);

/// A caller's thread pool. The functions may be called from any thread, from several at once, must not throw and must do
/// what is said here.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct brick_pool_t {
    /// Passed as the first argument of both functions.
    pub ctx: *mut c_void,
    /// How many parts the pool runs at once.
    pub num_threads: Option<unsafe extern "C" fn(ctx: *mut c_void) -> c_int>,
    /// Calls part(arg, 0), ..., part(arg, n - 1), each once, in any order, on any threads, and returns when all are done.
    pub run: Option<
        unsafe extern "C" fn(ctx: *mut c_void, n: c_int, part: brick_part_fn_t, arg: *mut c_void),
    >,
}

/// A bare brgemm whose blocks are given by address: `a` and `b` point to `batch` pointers each.
pub type brick_brgemm_address_fn_t = Option<
    unsafe extern "C" fn(
        a: *const *const c_void,
        b: *const *const c_void,
        c: *mut c_void,
        batch: brick_dim_t,
    ),
>;
/// A bare brgemm whose blocks are given by offset: block i lies `a_offsets[i]` bytes behind `a`, `b_offsets[i]` behind `b`.
pub type brick_brgemm_offset_fn_t = Option<
    unsafe extern "C" fn(
        a: *const c_void,
        b: *const c_void,
        c: *mut c_void,
        batch: brick_dim_t,
        a_offsets: *const brick_dim_t,
        b_offsets: *const brick_dim_t,
    ),
>;
/// A bare brgemm whose blocks lie evenly: block i lies i * a_stride bytes behind `a`, i * b_stride behind `b`.
pub type brick_brgemm_stride_fn_t = Option<
    unsafe extern "C" fn(
        a: *const c_void,
        b: *const c_void,
        c: *mut c_void,
        batch: brick_dim_t,
        a_stride: brick_dim_t,
        b_stride: brick_dim_t,
    ),
>;

/// What brick_brgemm_dispatch() hands out: a C function of the kind that was asked for. `batch` is the number of blocks, 0 or
/// more; `c` is C, which must not overlap A or B.
#[repr(C)]
#[derive(Clone, Copy)]
pub union brick_brgemm_fn_t {
    /// For #brick_batch_address.
    pub address: brick_brgemm_address_fn_t,
    /// For #brick_batch_offset.
    pub offset: brick_brgemm_offset_fn_t,
    /// For #brick_batch_stride.
    pub stride: brick_brgemm_stride_fn_t,
}

/// Receives verbose lines: the context given with it, and a zero-terminated line without its end. It may be called from any
/// thread, must not call brick and must not throw.
pub type brick_log_fn_t = Option<extern "C" fn(ctx: *mut c_void, line: *const c_char)>;

/// What brick found out about the machine.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct brick_machine_info_t {
    /// The highest instruction set that the processor has and brick knows, a #brick_cpu_isa_t.
    pub isa: c_int,
    /// The highest that kernels will use, see brick_set_max_cpu_isa().
    pub effective_isa: c_int,
    /// Processor cores that this process may use.
    pub cores: c_int,
    /// Parts that a parallel region runs at once by default.
    pub threads: c_int,
    /// Bytes of a core's first-level data cache.
    pub l1d_bytes: usize,
    /// Bytes of a core's second-level cache.
    pub l2_bytes: usize,
    /// Bytes of the last-level cache.
    pub l3_bytes: usize,
}

/// No runtime.
pub const BRICK_RUNTIME_NONE: c_uint = 0;
/// Everything runs in the calling thread.
pub const BRICK_RUNTIME_SEQ: c_uint = 1;
/// OpenMP.
pub const BRICK_RUNTIME_OMP: c_uint = 2;
/// Threading Building Blocks.
pub const BRICK_RUNTIME_TBB: c_uint = 4;
/// A thread pool: brick's own team or the caller's.
pub const BRICK_RUNTIME_THREADPOOL: c_uint = 8;

/// Dumps no kernels, and announces none to profilers.
pub const BRICK_JIT_PROFILE_NONE: c_uint = 0;
/// Announces kernels to VTune, which brick does not do.
pub const BRICK_JIT_PROFILE_VTUNE: c_uint = 1;
/// Announces kernels to Linux perf in a file /tmp/perf-PID.map.
pub const BRICK_JIT_PROFILE_LINUX_PERFMAP: c_uint = 2;
/// Announces kernels to Linux perf in a jitdump, which brick does not do.
pub const BRICK_JIT_PROFILE_LINUX_JITDUMP: c_uint = 4;
/// With processor cycles as times; part of jitdump.
pub const BRICK_JIT_PROFILE_LINUX_JITDUMP_USE_TSC: c_uint = 8;

/// No argument.
pub const BRICK_ARG_UNDEF: c_int = 0;
/// Source.
pub const BRICK_ARG_SRC_0: c_int = 1;
/// The same as BRICK_ARG_SRC_0.
pub const BRICK_ARG_SRC: c_int = BRICK_ARG_SRC_0;
/// The same as BRICK_ARG_SRC_0.
pub const BRICK_ARG_SRC_LAYER: c_int = BRICK_ARG_SRC_0;
/// The same as BRICK_ARG_SRC_0.
pub const BRICK_ARG_FROM: c_int = BRICK_ARG_SRC_0;
/// Second source.
pub const BRICK_ARG_SRC_1: c_int = 2;
/// The same as BRICK_ARG_SRC_1.
pub const BRICK_ARG_SRC_ITER: c_int = BRICK_ARG_SRC_1;
/// Third source.
pub const BRICK_ARG_SRC_2: c_int = 3;
/// The same as BRICK_ARG_SRC_2.
pub const BRICK_ARG_SRC_ITER_C: c_int = BRICK_ARG_SRC_2;
/// Fourth source.
pub const BRICK_ARG_SRC_3: c_int = 4;
/// The same as BRICK_ARG_SRC_3.
pub const BRICK_ARG_AUGRU_ATTENTION: c_int = BRICK_ARG_SRC_3;
/// Destination.
pub const BRICK_ARG_DST_0: c_int = 17;
/// The same as BRICK_ARG_DST_0.
pub const BRICK_ARG_DST: c_int = BRICK_ARG_DST_0;
/// The same as BRICK_ARG_DST_0.
pub const BRICK_ARG_TO: c_int = BRICK_ARG_DST_0;
/// The same as BRICK_ARG_DST_0.
pub const BRICK_ARG_DST_LAYER: c_int = BRICK_ARG_DST_0;
/// Second destination.
pub const BRICK_ARG_DST_1: c_int = 18;
/// The same as BRICK_ARG_DST_1.
pub const BRICK_ARG_DST_ITER: c_int = BRICK_ARG_DST_1;
/// Third destination.
pub const BRICK_ARG_DST_2: c_int = 19;
/// The same as BRICK_ARG_DST_2.
pub const BRICK_ARG_DST_ITER_C: c_int = BRICK_ARG_DST_2;
/// Weights.
pub const BRICK_ARG_WEIGHTS_0: c_int = 33;
/// The same as BRICK_ARG_WEIGHTS_0.
pub const BRICK_ARG_WEIGHTS: c_int = BRICK_ARG_WEIGHTS_0;
/// The same as BRICK_ARG_WEIGHTS_0.
pub const BRICK_ARG_WEIGHTS_LAYER: c_int = BRICK_ARG_WEIGHTS_0;
/// Second weights.
pub const BRICK_ARG_WEIGHTS_1: c_int = 34;
/// The same as BRICK_ARG_WEIGHTS_1.
pub const BRICK_ARG_WEIGHTS_ITER: c_int = BRICK_ARG_WEIGHTS_1;
/// Third weights.
pub const BRICK_ARG_WEIGHTS_2: c_int = 35;
/// The same as BRICK_ARG_WEIGHTS_2.
pub const BRICK_ARG_WEIGHTS_PEEPHOLE: c_int = BRICK_ARG_WEIGHTS_2;
/// Fourth weights.
pub const BRICK_ARG_WEIGHTS_3: c_int = 36;
/// The same as BRICK_ARG_WEIGHTS_3.
pub const BRICK_ARG_WEIGHTS_PROJECTION: c_int = BRICK_ARG_WEIGHTS_3;
/// Bias.
pub const BRICK_ARG_BIAS: c_int = 41;
/// Row sums of a matmul.
pub const BRICK_ARG_REDUCE: c_int = 42;
/// Mean.
pub const BRICK_ARG_MEAN: c_int = 49;
/// Variance.
pub const BRICK_ARG_VARIANCE: c_int = 50;
/// Scale.
pub const BRICK_ARG_SCALE: c_int = 51;
/// Shift.
pub const BRICK_ARG_SHIFT: c_int = 52;
/// What the forward pass keeps for the backward pass.
pub const BRICK_ARG_WORKSPACE: c_int = 64;
/// Scratch memory, if the caller provides it.
pub const BRICK_ARG_SCRATCHPAD: c_int = 80;
/// Gradient by the source.
pub const BRICK_ARG_DIFF_SRC_0: c_int = 129;
/// The same as BRICK_ARG_DIFF_SRC_0.
pub const BRICK_ARG_DIFF_SRC: c_int = BRICK_ARG_DIFF_SRC_0;
/// The same as BRICK_ARG_DIFF_SRC_0.
pub const BRICK_ARG_DIFF_SRC_LAYER: c_int = BRICK_ARG_DIFF_SRC_0;
/// Gradient by the second source.
pub const BRICK_ARG_DIFF_SRC_1: c_int = 130;
/// The same as BRICK_ARG_DIFF_SRC_1.
pub const BRICK_ARG_DIFF_SRC_ITER: c_int = BRICK_ARG_DIFF_SRC_1;
/// Gradient by the third source.
pub const BRICK_ARG_DIFF_SRC_2: c_int = 131;
/// The same as BRICK_ARG_DIFF_SRC_2.
pub const BRICK_ARG_DIFF_SRC_ITER_C: c_int = BRICK_ARG_DIFF_SRC_2;
/// Gradient by the fourth source.
pub const BRICK_ARG_DIFF_SRC_3: c_int = 132;
/// The same as BRICK_ARG_DIFF_SRC_3.
pub const BRICK_ARG_DIFF_AUGRU_ATTENTION: c_int = BRICK_ARG_DIFF_SRC_3;
/// Gradient by the destination.
pub const BRICK_ARG_DIFF_DST_0: c_int = 145;
/// The same as BRICK_ARG_DIFF_DST_0.
pub const BRICK_ARG_DIFF_DST: c_int = BRICK_ARG_DIFF_DST_0;
/// The same as BRICK_ARG_DIFF_DST_0.
pub const BRICK_ARG_DIFF_DST_LAYER: c_int = BRICK_ARG_DIFF_DST_0;
/// Gradient by the second destination.
pub const BRICK_ARG_DIFF_DST_1: c_int = 146;
/// The same as BRICK_ARG_DIFF_DST_1.
pub const BRICK_ARG_DIFF_DST_ITER: c_int = BRICK_ARG_DIFF_DST_1;
/// Gradient by the third destination.
pub const BRICK_ARG_DIFF_DST_2: c_int = 147;
/// The same as BRICK_ARG_DIFF_DST_2.
pub const BRICK_ARG_DIFF_DST_ITER_C: c_int = BRICK_ARG_DIFF_DST_2;
/// Gradient by the weights.
pub const BRICK_ARG_DIFF_WEIGHTS_0: c_int = 161;
/// The same as BRICK_ARG_DIFF_WEIGHTS_0.
pub const BRICK_ARG_DIFF_WEIGHTS: c_int = BRICK_ARG_DIFF_WEIGHTS_0;
/// The same as BRICK_ARG_DIFF_WEIGHTS_0.
pub const BRICK_ARG_DIFF_WEIGHTS_LAYER: c_int = BRICK_ARG_DIFF_WEIGHTS_0;
/// Gradient by the second weights.
pub const BRICK_ARG_DIFF_WEIGHTS_1: c_int = 162;
/// The same as BRICK_ARG_DIFF_WEIGHTS_1.
pub const BRICK_ARG_DIFF_WEIGHTS_ITER: c_int = BRICK_ARG_DIFF_WEIGHTS_1;
/// Gradient by the third weights.
pub const BRICK_ARG_DIFF_WEIGHTS_2: c_int = 163;
/// The same as BRICK_ARG_DIFF_WEIGHTS_2.
pub const BRICK_ARG_DIFF_WEIGHTS_PEEPHOLE: c_int = BRICK_ARG_DIFF_WEIGHTS_2;
/// Gradient by the fourth weights.
pub const BRICK_ARG_DIFF_WEIGHTS_3: c_int = 164;
/// The same as BRICK_ARG_DIFF_WEIGHTS_3.
pub const BRICK_ARG_DIFF_WEIGHTS_PROJECTION: c_int = BRICK_ARG_DIFF_WEIGHTS_3;
/// Gradient by the bias.
pub const BRICK_ARG_DIFF_BIAS: c_int = 169;
/// Gradient by the scale.
pub const BRICK_ARG_DIFF_SCALE: c_int = 255;
/// Gradient by the shift.
pub const BRICK_ARG_DIFF_SHIFT: c_int = 256;
/// Largest group of a grouped multiplication.
pub const BRICK_ARG_HINT_MAX_GROUP_SIZE: c_int = 384;
/// Offset of dropout's random numbers.
pub const BRICK_ARG_ATTR_DROPOUT_OFFSET: c_int = 507;
/// Seed of stochastic rounding.
pub const BRICK_ARG_ATTR_ROUNDING_SEED: c_int = 508;
/// Mask that dropout writes.
pub const BRICK_ARG_ATTR_DROPOUT_MASK: c_int = 509;
/// Probability of dropout.
pub const BRICK_ARG_ATTR_DROPOUT_PROBABILITY: c_int = 510;
/// Seed of dropout.
pub const BRICK_ARG_ATTR_DROPOUT_SEED: c_int = 511;
/// Plus the argument: its precomputed reductions.
pub const BRICK_ARG_ATTR_PRECOMPUTED_REDUCTIONS: c_int = 512;
/// Plus i: source i of several.
pub const BRICK_ARG_MULTIPLE_SRC: c_int = 1024;
/// Plus i: destination i of several.
pub const BRICK_ARG_MULTIPLE_DST: c_int = 2048;
/// Or the argument: its scales.
pub const BRICK_ARG_ATTR_SCALES: c_int = 4096;
/// Or the argument: its zero points.
pub const BRICK_ARG_ATTR_ZERO_POINTS: c_int = 8192;
/// Or the argument: that of a fused depthwise convolution.
pub const BRICK_ARG_ATTR_POST_OP_DW: c_int = 16384;
/// See BRICK_ARG_ATTR_MULTIPLE_POST_OP.
pub const BRICK_ARG_ATTR_MULTIPLE_POST_OP_BASE: c_int = 32768;
