//! What descriptors promise, by example and by property.

use super::*;
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
    assert!(MemoryDesc::any(&[2, RUNTIME_DIM], F32).is_err());
    assert!(MemoryDesc::plain(&[2, RUNTIME_DIM], F32).is_err());
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
}
