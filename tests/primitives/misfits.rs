//! Descriptors that are good each for itself, thrown together: what a creation takes can be executed, what it does not take
//! is refused with a sentence; nothing crashes.

use crate::api::{
    ExecArg, Handle, INVALID, Owned, SUCCESS, UNIMPLEMENTED, api, here, is_brick, last_error,
};
use proptest::prelude::*;
use std::ffi::c_int;
use std::ptr::{null, null_mut};

const TYPES: [c_int; 8] = [3, 3, 2, 1, 4, 5, 6, 7]; // f32, bf16, f16, s32, s8, u8, f64
/// Arguments that attributes may speak of: src, its second, weights, dst.
const ATTRIBUTED: [c_int; 4] = [1, 2, 33, 17];
const SCALES: c_int = 4096;
const ZERO_POINTS: c_int = 8192;
const POST_OP: c_int = 32768;
const ARGUMENTS: [c_int; 37] = [
    1,
    2,
    3,
    4,
    17,
    18,
    19,
    33,
    34,
    35,
    36,
    41,
    64,
    129,
    130,
    131,
    132,
    145,
    146,
    147,
    161,
    162,
    163,
    164,
    169,
    1024,
    1025,
    SCALES | 1,
    SCALES | 2,
    SCALES | 33,
    SCALES | 17,
    ZERO_POINTS | 1,
    ZERO_POINTS | 2,
    ZERO_POINTS | 33,
    ZERO_POINTS | 17,
    POST_OP | 2,
    POST_OP | 33,
];
const EXEC_ARG_MD: c_int = 255;
/// `BRICK_MEMORY_ALLOCATE`.
const ALLOCATE: Handle = usize::MAX as Handle;

/// How one descriptor of a set differs from the others.
#[derive(Clone, Debug)]
struct Member {
    dtype: c_int,
    /// A dimension that is another size, and which.
    odd: Option<(usize, i64)>,
    /// The order in which the dimensions lie, or a tag's number, or `any`.
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Layout {
    Order(u64, i64),
    Tag(c_int),
}

fn member() -> impl Strategy<Value = Member> {
    let layout = prop_oneof![
        3 => (any::<u64>(), 1..3i64).prop_map(|(order, gap)| Layout::Order(order, gap)),
        2 => (2..875i32).prop_map(Layout::Tag),
        1 => Just(Layout::Tag(1)),
    ];
    let odd = prop::option::weighted(0.25, (0..4usize, prop_oneof![Just(1i64), 0..20i64]));
    (prop::sample::select(&TYPES[..]), odd, layout).prop_map(|(dtype, odd, layout)| Member {
        dtype,
        odd,
        layout,
    })
}

/// The descriptor, if there is such a one.
fn descriptor(dims: &[i64], dtype: c_int, member: &Member) -> Option<Owned> {
    let mut all = [0; 12];
    all[..dims.len()].copy_from_slice(dims);
    if let Some((d, size)) = member.odd {
        all[d % dims.len()] = size;
    }
    let n = dims.len();
    let api = api();
    let made = Owned::create(api.memory_desc_destroy, |place| match member.layout {
        // SAFETY: the arrays have 12 elements.
        Layout::Tag(tag) => unsafe {
            (api.memory_desc_create_with_tag)(place, n as c_int, all.as_ptr(), dtype, tag)
        },
        Layout::Order(seed, gap) => {
            let mut order: Vec<usize> = (0..n).collect();
            (1..n).for_each(|i| order.swap(i, (seed >> (4 * i)) as usize % (i + 1)));
            let (mut strides, mut stride) = ([0; 12], 1);
            for d in order {
                strides[d] = stride;
                stride = stride * all[d].max(1) * gap;
            }
            // SAFETY: as above.
            unsafe {
                (api.memory_desc_create_with_strides)(
                    place,
                    n as c_int,
                    all.as_ptr(),
                    dtype,
                    strides.as_ptr(),
                )
            }
        }
    });
    made.ok()
}

/// What the attributes of a descriptor ask for; numbers mean what they happen to mean.
#[derive(Clone, Debug)]
enum Extra {
    Nothing,
    Scales(c_int, c_int),
    ZeroPoints(c_int, c_int),
    Sum(c_int),
    Eltwise(c_int),
    Binary(c_int),
    Prelu(c_int),
}

fn extra() -> impl Strategy<Value = Extra> {
    let arg = || prop::sample::select(&ATTRIBUTED[..]);
    prop_oneof![
        4 => Just(Extra::Nothing),
        2 => (arg(), 0..32i32).prop_map(|(arg, mask)| Extra::Scales(arg, mask)),
        2 => (arg(), 0..32i32).prop_map(|(arg, mask)| Extra::ZeroPoints(arg, mask)),
        1 => prop::sample::select(&TYPES[..]).prop_map(Extra::Sum),
        1 => (32..53i32).prop_map(Extra::Eltwise),
        2 => (0x1fff0..0x1fffci32).prop_map(Extra::Binary),
        1 => (0..32i32).prop_map(Extra::Prelu),
    ]
}

/// The attributes, if the setters take them.
fn attributes(extra: &Extra, operand: Handle) -> Option<Owned> {
    let api = api();
    // SAFETY: the places are writable.
    let attr = Owned::create(api.primitive_attr_destroy, |place| unsafe {
        (api.primitive_attr_create)(place)
    });
    // SAFETY: as above.
    let ops = Owned::create(api.post_ops_destroy, |place| unsafe {
        (api.post_ops_create)(place)
    });
    let (attr, ops) = (attr.ok()?, ops.ok()?);
    // SAFETY: the handles are live.
    let status = unsafe {
        match *extra {
            Extra::Nothing => SUCCESS,
            Extra::Scales(arg, mask) => (api.primitive_attr_set_scales_mask)(attr.raw, arg, mask),
            Extra::ZeroPoints(arg, mask) => {
                (api.primitive_attr_set_zero_points_mask)(attr.raw, arg, mask)
            }
            Extra::Sum(dtype) => (api.post_ops_append_sum)(ops.raw, 0.5, 0, dtype),
            Extra::Eltwise(alg) => (api.post_ops_append_eltwise)(ops.raw, alg, 0.5, 1.5),
            Extra::Binary(alg) => (api.post_ops_append_binary)(ops.raw, alg, operand),
            Extra::Prelu(mask) => (api.post_ops_append_prelu)(ops.raw, mask),
        }
    };
    // SAFETY: as above.
    let set = status == SUCCESS
        && unsafe { (api.primitive_attr_set_post_ops)(attr.raw, ops.raw) } == SUCCESS;
    set.then_some(attr)
}

fn create(kind: usize, place: *mut Handle, m: [Handle; 4], attr: Handle) -> c_int {
    let (api, engine, none) = (api(), here().engine, null_mut());
    let (ones, zeros) = ([1i64; 12], [0i64; 12]);
    let scales = [1.0f32, -2.0];
    // SAFETY: the place is writable, the handles are live, the arrays are as long as they are said to be.
    unsafe {
        match kind {
            0 => (api.matmul_primitive_desc_create)(place, engine, m[0], m[1], m[3], m[2], attr),
            1 => (api.matmul_primitive_desc_create)(place, engine, m[0], m[1], none, m[2], attr),
            2 => (api.inner_product_forward_primitive_desc_create)(
                place, engine, 64, m[0], m[1], m[3], m[2], attr,
            ),
            3 => (api.inner_product_backward_data_primitive_desc_create)(
                place, engine, m[0], m[1], m[2], none, attr,
            ),
            4 => (api.inner_product_backward_weights_primitive_desc_create)(
                place, engine, m[0], m[1], m[3], m[2], none, attr,
            ),
            5 => (api.reorder_primitive_desc_create)(place, m[0], engine, m[1], engine, attr),
            6 => (api.eltwise_forward_primitive_desc_create)(
                place, engine, 64, 36, m[0], m[1], 1.0, 2.0, attr,
            ),
            7 => (api.eltwise_backward_primitive_desc_create)(
                place, engine, 36, m[0], m[1], m[2], 1.0, 2.0, none, attr,
            ),
            8 => (api.binary_primitive_desc_create)(place, engine, 0x1fff0, m[0], m[1], m[2], attr),
            9 => (api.sum_primitive_desc_create)(
                place,
                engine,
                m[2],
                2,
                scales.as_ptr(),
                m.as_ptr(),
                attr,
            ),
            _ => (api.convolution_forward_primitive_desc_create)(
                place,
                engine,
                64,
                1,
                m[0],
                m[1],
                none,
                m[2],
                ones.as_ptr(),
                null(),
                zeros.as_ptr(),
                null(),
                attr,
            ),
        }
    }
}

/// Creates and executes the primitive on memory of the library's own.
pub fn execute(pd: Handle) -> Result<(), String> {
    let api = api();
    let mut memories = Vec::new();
    for arg in ARGUMENTS {
        // SAFETY: the descriptor is live.
        let md = unsafe { (api.primitive_desc_query_md)(pd, EXEC_ARG_MD, arg) };
        // SAFETY: the answer lives as long as the descriptor.
        if md.is_null() || unsafe { (api.memory_desc_get_size)(md) } == 0 {
            continue;
        }
        let memory = Owned::create(api.memory_destroy, |place| {
            // SAFETY: the handles are live; the library allocates.
            unsafe { (api.memory_create)(place, md, here().engine, ALLOCATE) }
        });
        memories.push((arg, memory.map_err(|refusal| refusal.sentence)?));
    }
    let empty = |arg| memories.iter().all(|(there, _)| *there != arg);
    let primitive = Owned::create(api.primitive_destroy, |place| {
        // SAFETY: the place is writable, the descriptor live.
        unsafe { (api.primitive_create)(place, pd) }
    });
    let primitive = primitive.map_err(|refusal| refusal.sentence)?;
    let args: Vec<ExecArg> = (memories.iter())
        .map(|(arg, memory)| ExecArg {
            arg: *arg,
            memory: memory.raw,
        })
        .collect();
    // SAFETY: the arguments are live and as many as said.
    let status = unsafe {
        (api.primitive_execute)(
            primitive.raw,
            here().stream,
            args.len() as c_int,
            args.as_ptr(),
        )
    };
    // Arguments without elements were left out, and may be missed.
    match status {
        SUCCESS => Ok(()),
        INVALID
            if ARGUMENTS.iter().any(|&arg| empty(arg)) && last_error().contains("is missing") =>
        {
            Ok(())
        }
        status => Err(format!("status {status}: {}", last_error())),
    }
}

proptest! {
    #![proptest_config(crate::fuzz::cases())]

    #[test]
    fn descriptors_thrown_together_never_crash(
        kind in 0..11usize,
        dims in prop::collection::vec(prop_oneof![1..5i64, 1..20i64], 1..6),
        square in any::<bool>(),
        one_type in prop::option::weighted(0.7, prop::sample::select(&TYPES[..])),
        members in prop::array::uniform4(member()),
        extra in extra(),
    ) {
        if !is_brick() {
            return Ok(());
        }
        let dims: Vec<i64> = if square { vec![dims[0]; dims.len()] } else { dims };
        let mds: Vec<_> = members.iter()
            .map_while(|member| descriptor(&dims, one_type.unwrap_or(member.dtype), member))
            .collect();
        let Ok(mds) = <[Owned; 4]>::try_from(mds) else { return Ok(()) };
        let raw = [0, 1, 2, 3].map(|i| mds[i].raw);
        let Some(attr) = attributes(&extra, raw[3]) else { return Ok(()) };
        let mut pd = null_mut();
        match create(kind, &mut pd, raw, attr.raw) {
            SUCCESS => {
                let outcome = execute(pd);
                // SAFETY: the descriptor was just created.
                unsafe { (api().primitive_desc_destroy)(pd) };
                prop_assert!(outcome.is_ok(), "kind {}: {}", kind, outcome.unwrap_err());
            }
            status => {
                prop_assert!(status == INVALID || status == UNIMPLEMENTED, "status {}: {}", status, last_error());
                prop_assert!(pd.is_null() && last_error().len() > 8);
            }
        }
    }
}
