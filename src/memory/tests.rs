//! What descriptors promise, by example and by property.

use super::{tags::Tag, *};
use DataType::{F32, S4};
use proptest::prelude::*;

fn blocked(dims: &[i64], tag: &str) -> MemoryDesc {
    MemoryDesc::with_tag(dims, F32, tag).unwrap()
}

#[test]
fn tags_give_the_known_layouts() {
    let md = blocked(&[2, 17, 3, 3], "aBcd16b");
    assert_eq!(md.padded_dims(), [2, 32, 3, 3]);
    assert_eq!(md.strides(), [288, 144, 48, 16]);
    assert_eq!(md.offset(&[1, 16, 2, 1]), 288 + 144 + 2 * 48 + 16);
    assert_eq!(blocked(&[2, 17, 3, 3], "nChw16c"), md);
    let md = blocked(&[32, 32, 1, 1], "OIhw4i16o4i");
    assert_eq!(md.blocks().collect::<Vec<_>>(), [(1, 4), (0, 16), (1, 4)]);
    assert_eq!(md.offset(&[1, 6, 0, 0]), 64 + 4 + 2);
}

#[test]
fn tag_numbers_are_those_of_the_api() {
    for (name, number) in [
        ("a", 2),
        ("ba", 14),
        ("acdb", 22),
        ("aBcd16b", 78),
        ("aBcdef32b", 874),
    ] {
        assert_eq!(tags::name(number), Some(name));
    }
    for bad in [-1, 875, i32::MIN, i32::MAX] {
        assert_eq!(tags::name(bad), None);
    }
    assert_eq!(tags::CANONICAL.lines().count(), tags::COUNT);
}

#[test]
fn every_tag_round_trips_through_its_layout() {
    for number in tags::FIRST..tags::FIRST + tags::COUNT as i32 {
        let name = tags::name(number).unwrap();
        let ndims = Tag::parse(name).unwrap().order().len();
        let dims: Vec<i64> = (0..ndims).map(|d| 2 + d as i64 % 2).collect();
        let md = MemoryDesc::with_tag_number(&dims, F32, number).unwrap();
        let again = blocked(&dims, &md.tag_string());
        assert_eq!(md, again, "{name} printed as {}", md.tag_string());
    }
}

#[test]
fn every_alias_names_a_canonical_tag() {
    for line in tags::ALIASES.lines() {
        let (alias, tag) = line.split_once(' ').unwrap();
        assert!(tags::CANONICAL.lines().any(|t| t == tag), "{line}");
        assert!(Tag::parse(alias).is_none() && tags::canonical_of_alias(alias) == Some(tag));
    }
}

#[test]
fn malformed_tags_are_refused() {
    for bad in [
        "",
        "b",
        "aa",
        "aB",
        "ab16b",
        "aB16",
        "aB0b",
        "aB1b",
        "aB16B",
        "aBcd16e",
        "abm",
        "nchw16",
        "aB99999999999b",
        "aB65536b65536b65536b65536b",
    ] {
        assert!(MemoryDesc::with_tag(&[4, 4], F32, bad).is_err(), "{bad}");
    }
    assert!(MemoryDesc::with_tag(&[4, 4], F32, "abc").is_err());
}

#[test]
fn bad_dims_and_strides_are_refused() {
    let huge = 1 << 40;
    assert!(MemoryDesc::plain(&[1; 13], F32).is_err());
    assert!(MemoryDesc::plain(&[2, -1], F32).is_err());
    assert!(MemoryDesc::plain(&[huge, huge], F32).is_err());
    assert!(MemoryDesc::any(&[huge, huge], F32).is_err());
    assert!(MemoryDesc::plain(&[0, huge, huge], F32).is_err());
    assert!(MemoryDesc::with_strides(&[1, 3], F32, Some(&[i64::MAX, 1])).is_err());
    assert!(MemoryDesc::any(&[2, RUNTIME_DIM], F32).is_err());
    assert_eq!(
        MemoryDesc::plain(&[2, RUNTIME_DIM], F32).unwrap().strides(),
        [RUNTIME_DIM, 1]
    );
    for bad in [&[2, 1][..], &[3, -1], &[1, 1], &[huge << 20, 1 << 60], &[3]] {
        assert!(
            MemoryDesc::with_strides(&[2, 3], F32, Some(bad)).is_err(),
            "{bad:?}"
        );
    }
    for good in [
        &[3, 1][..],
        &[0, 1],
        &[0, 0],
        &[1, 2],
        &[10, 1],
        &[RUNTIME_DIM, 1],
    ] {
        assert!(
            MemoryDesc::with_strides(&[2, 3], F32, Some(good)).is_ok(),
            "{good:?}"
        );
    }
    assert!(MemoryDesc::with_strides(&[1, 3], F32, Some(&[1, 1])).is_ok());
    assert!(MemoryDesc::with_strides(&[2, 3], S4, Some(&[3, 1])).is_err());
}

#[test]
fn sizes_follow_the_strides() {
    assert_eq!(blocked(&[2, 3], "ab").size_bytes(), 24);
    assert_eq!(blocked(&[2, 3], "aB16b").size_bytes(), 128);
    assert_eq!(blocked(&[1, 3], "aB16b").size_bytes(), 64);
    assert_eq!(blocked(&[0, 3], "ab").size_bytes(), 0);
    assert_eq!(
        MemoryDesc::with_strides(&[2, 3], F32, Some(&[10, 1]))
            .unwrap()
            .size_bytes(),
        80
    );
    assert_eq!(MemoryDesc::plain(&[3, 3], S4).unwrap().size_bytes(), 5);
    assert_eq!(blocked(&[RUNTIME_DIM, 3], "ab").size_bytes(), RUNTIME_SIZE);
    assert_eq!(MemoryDesc::any(&[2, 3], F32).unwrap().size_bytes(), 0);
    assert_eq!(MemoryDesc::absent().size_bytes(), 0);
}

#[test]
fn memory_objects_know_what_they_own() {
    use super::object::Source;
    let engine = std::ptr::null();
    let md = blocked(&[4, 6], "ab").submemory(&[2, 6], &[2, 0]).unwrap();
    let mut memory = Memory::new(&md, engine, Source::Allocate).unwrap();
    assert_eq!((memory.data() as usize % 64, memory.bytes()), (0, 96));
    memory.set_handle(std::ptr::null_mut()).unwrap();
    assert!(memory.data().is_null() && memory.scalar().is_err());

    let huge = blocked(&[1 << 50], "a");
    let status = |r: crate::error::Result<Memory>| r.err().unwrap().status as i32;
    assert_eq!(status(Memory::new(&huge, engine, Source::Allocate)), 1);
    assert_eq!(
        status(Memory::new(
            &MemoryDesc::any(&[2], F32).unwrap(),
            engine,
            Source::Allocate
        )),
        2
    );
    assert_eq!(
        status(Memory::new(
            &blocked(&[RUNTIME_DIM], "a"),
            engine,
            Source::Allocate
        )),
        2
    );

    let scalar = Memory::host_scalar(&MemoryDesc::host_scalar(F32), &1.5f32.to_ne_bytes()).unwrap();
    assert_eq!(scalar.scalar().unwrap(), 1.5f32.to_ne_bytes());
    assert!(Memory::host_scalar(&md, &[0; 4]).is_err());
}

#[test]
fn layouts_print_as_tags() {
    assert_eq!(
        blocked(&[2, 17, 3, 3], "nChw16c").to_string(),
        "f32:2x17x3x3:aBcd16b"
    );
    let strided = MemoryDesc::with_strides(&[2, 3], F32, Some(&[10, 1])).unwrap();
    assert_eq!(strided.tag_string(), "ab:10x1");
    assert_eq!(blocked(&[RUNTIME_DIM, 3], "ab").to_string(), "f32:*x3:ab");
}

#[test]
fn strides_of_single_elements_do_not_count() {
    let hash = |md: &MemoryDesc| {
        use std::hash::BuildHasher;
        std::hash::BuildHasherDefault::<std::collections::hash_map::DefaultHasher>::default()
            .hash_one(md)
    };
    let junk = MemoryDesc::with_strides(&[2, 1, 3], F32, Some(&[3, 77, 1])).unwrap();
    let plain = MemoryDesc::plain(&[2, 1, 3], F32).unwrap();
    assert!(junk == plain && hash(&junk) == hash(&plain) && junk.is_dense());
    assert_ne!(
        plain,
        MemoryDesc::with_strides(&[2, 1, 3], F32, Some(&[6, 3, 1])).unwrap()
    );
}

#[test]
fn permuting_moves_axis_i_to_its_new_place() {
    let md = blocked(&[2, 17, 3, 4], "aBcd16b")
        .permute_axes(&[1, 0, 3, 2])
        .unwrap();
    assert_eq!(md.dims(), [17, 2, 4, 3]);
    assert_eq!(md, blocked(&[17, 2, 4, 3], "bAdc16a"));
    let md = blocked(&[2, 3, 4], "abc").permute_axes(&[2, 0, 1]).unwrap();
    assert_eq!((md.dims(), md.strides()), (&[3, 4, 2][..], &[4, 1, 12][..]));
    for bad in [
        &[0, 0, 1][..],
        &[0, 1],
        &[0, 1, 3],
        &[-1, 0, 1],
        &[0, 1, 2, 3],
    ] {
        assert!(blocked(&[2, 3, 4], "abc").permute_axes(bad).is_err());
    }
}

#[test]
fn reshaping_follows_the_reference() {
    let strided =
        |dims: &[i64], strides: &[i64]| MemoryDesc::with_strides(dims, F32, Some(strides)).unwrap();
    let nhwc = blocked(&[2, 3, 4, 5], "acdb");
    let conv = blocked(&[2, 17, 3, 3], "aBcd16b");
    let cases: [(MemoryDesc, &[i64], &[i64]); 12] = [
        (blocked(&[2, 3, 4], "abc"), &[6, 4], &[4, 1]),
        (nhwc, &[2, 3, 20], &[60, 1, 3]),
        (blocked(&[2, 3], "ba"), &[1, 2, 1, 3, 1], &[2, 1, 6, 2, 1]),
        (strided(&[2, 1, 3], &[3, 77, 1]), &[2, 3], &[3, 1]),
        (strided(&[2, 3], &[10, 1]), &[2, 1, 3], &[10, 3, 1]),
        (strided(&[12, 3], &[10, 1]), &[2, 6, 3], &[60, 10, 1]),
        (strided(&[2, 3], &[0, 0]), &[6], &[0]),
        (conv, &[2, 1, 17, 3, 3], &[288, 288, 144, 48, 16]),
        (conv, &[2, 17, 9], &[288, 144, 16]),
        (conv, &[2, 17, 3, 3], &[288, 144, 48, 16]),
        (blocked(&[2, 1, 1, 1], "aBcd16b"), &[2, 1], &[16, 16]),
        (blocked(&[2, 0, 3], "abc"), &[0, 4], &[4, 1]),
    ];
    for (md, dims, strides) in cases {
        let out = md.reshape(dims).unwrap();
        assert_eq!((out.dims(), out.strides()), (dims, strides), "{md}");
    }
    for (md, bad) in [
        (strided(&[2, 3], &[10, 1]), &[6][..]),
        (conv, &[34, 3, 3]),
        (conv, &[2, 1]),
        (nhwc, &[6, 4, 5]),
    ] {
        assert!(md.reshape(bad).is_err(), "{md} {bad:?}");
    }
    assert!(
        blocked(&[2, 32, 3, 3], "aBcd16b")
            .reshape(&[2, 2, 16, 3, 3])
            .is_err()
    );
    assert!(
        MemoryDesc::any(&[2, 3], F32)
            .unwrap()
            .reshape(&[6])
            .unwrap()
            .is_any()
    );
    assert!(MemoryDesc::absent().reshape(&[1]).is_err());
}

#[test]
fn submemory_is_a_box_in_the_parent() {
    let parent = blocked(&[4, 17, 3, 3], "aBcd16b");
    let sub = parent.submemory(&[2, 1, 3, 2], &[1, 16, 0, 1]).unwrap();
    assert_eq!(sub.offset(&[1, 0, 2, 1]), parent.offset(&[2, 16, 2, 2]));
    assert_eq!(sub.padded_dims(), [2, 16, 3, 2]);
    for (dims, at) in [
        ([5, 17, 3, 3], [0; 4]),
        ([1, 17, 3, 3], [-1, 0, 0, 0]),
        ([2, 8, 3, 3], [0; 4]),
    ] {
        assert!(parent.submemory(&dims, &at).is_err());
    }
    assert!(parent.submemory(&[i64::MAX; 4], &[i64::MAX; 4]).is_err());
}

#[test]
fn blobs_that_no_descriptor_has_are_refused() {
    let good = blocked(&[2, 17, 3, 3], "aBcd16b").to_blob();
    for (at, value) in [
        (0, 13),
        (0, 255),
        (104, 99),
        (112, 3),
        (208, 1),
        (312, 9),
        (312, 4),
        (320, 1),
        (416, 13),
        (424, 0),
        (520, 7),
        (640, 1),
    ] {
        let mut bad = good;
        bad[at] = value;
        assert!(MemoryDesc::from_blob(&bad).is_err(), "byte {at}");
    }
}

/// Dims small enough to enumerate, and a canonical tag that fits them.
fn any_blocked() -> impl Strategy<Value = MemoryDesc> {
    (
        tags::FIRST..tags::FIRST + tags::COUNT as i32,
        prop::collection::vec(1i64..5, MAX_NDIMS),
    )
        .prop_filter_map("too many elements", |(number, dims)| {
            let ndims = Tag::parse(tags::name(number)?)?.order().len();
            let md = MemoryDesc::with_tag_number(&dims[..ndims], F32, number).ok()?;
            (md.padded_nelems() < 1 << 16).then_some(md)
        })
}

/// Calls `f` with every position below `dims`.
fn each_position(dims: &[i64], mut f: impl FnMut(&[i64])) {
    let mut at = vec![0; dims.len()];
    for flat in 0..dims.iter().product() {
        let mut rest: i64 = flat;
        for d in (0..dims.len()).rev() {
            at[d] = rest % dims[d];
            rest /= dims[d];
        }
        f(&at);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn offsets_cover_the_padded_elements_once(md in any_blocked()) {
        prop_assert!(md.is_dense());
        let mut seen = vec![false; md.padded_nelems() as usize];
        each_position(md.padded_dims(), |at| {
            let cell = &mut seen[md.offset(at) as usize];
            assert!(!std::mem::replace(cell, true));
        });
        prop_assert!(seen.into_iter().all(|hit| hit));
    }

    #[test]
    fn permuted_descriptors_address_the_same_elements(md in any_blocked(), seed in any::<u64>()) {
        let n = md.dims().len();
        let mut axes: Vec<i32> = (0..n as i32).collect();
        for i in 1..n {
            axes.swap(i, (seed >> (5 * i)) as usize % (i + 1));
        }
        let out = md.permute_axes(&axes).unwrap();
        each_position(md.dims(), |at| {
            let mut there = vec![0; n];
            for (i, &a) in axes.iter().enumerate() {
                there[a as usize] = at[i];
            }
            assert_eq!(md.offset(at), out.offset(&there));
        });
    }

    #[test]
    fn reshaped_descriptors_keep_the_order_of_elements(md in any_blocked(), split in 0usize..12, merge in any::<bool>()) {
        let mut dims = md.dims().to_vec();
        let d = split % dims.len();
        match merge {
            true if d + 1 < dims.len() => dims[d] *= dims.remove(d + 1),
            _ if dims.len() < MAX_NDIMS => {
                let inner = if dims[d] % 2 == 0 { 2 } else { 1 };
                dims[d] /= inner;
                dims.insert(d + 1, inner);
            }
            _ => {}
        }
        if let Ok(out) = md.reshape(&dims) {
            let mut expected = Vec::new();
            each_position(md.dims(), |at| expected.push(md.offset(at)));
            let mut offsets = Vec::new();
            each_position(out.dims(), |at| offsets.push(out.offset(at)));
            prop_assert_eq!(expected, offsets);
            prop_assert_eq!(out, MemoryDesc::from_blob(&out.to_blob()).unwrap());
        }
    }

    #[test]
    fn boxes_address_their_parents_elements(md in any_blocked(), seed in any::<u64>()) {
        let at: Vec<i64> = (0..md.dims().len()).map(|d| (seed >> (4 * d)) as i64 & 15).collect();
        let at: Vec<i64> = at.iter().zip(md.dims()).map(|(a, n)| a % n).collect();
        let dims: Vec<i64> = at.iter().zip(md.dims()).map(|(a, n)| n - a).collect();
        if let Ok(sub) = md.submemory(&dims, &at) {
            each_position(&dims, |inside| {
                let there: Vec<i64> = inside.iter().zip(&at).map(|(i, a)| i + a).collect();
                assert_eq!(sub.offset(inside), md.offset(&there));
            });
        }
    }

    #[test]
    fn blobs_round_trip(md in any_blocked()) {
        prop_assert_eq!(md, MemoryDesc::from_blob(&md.to_blob()).unwrap());
    }

    #[test]
    fn arbitrary_blobs_never_panic(mut bytes in prop::collection::vec(any::<u8>(), BLOB_SIZE), small in any::<bool>()) {
        if small {
            for (i, b) in bytes[..640].iter_mut().enumerate() {
                *b = if i % 8 == 0 || (i == 104 || i == 312) { *b % 5 } else { 0 };
            }
            bytes[640..].fill(0);
        }
        if let Ok(md) = MemoryDesc::from_blob(bytes[..].try_into().unwrap()) {
            md.size_bytes();
            md.tag_string();
        }
    }
}
