//! Runs, bands and cuts against their definitions.

use super::*;

fn axis(large: i64, small: i64, taps: i64, stride: i64, dilation: i64, pad: i64) -> Axis {
    Axis {
        large,
        small,
        taps,
        stride,
        dilation,
        pad,
    }
}

/// (first output, step, count, taps) of every run.
fn summary(runs: &[Run]) -> Vec<(i64, i64, i64, Vec<i64>)> {
    let taps = |r: &Run| r.taps.iter().map(|t| t.at).collect();
    let each = |r: &Run| (r.first, r.step, r.count, taps(r));
    runs.iter().map(each).collect()
}

#[test]
fn the_rim_meets_fewer_taps() {
    let runs = axis(7, 7, 3, 1, 1, 1).runs(false, false).unwrap();
    let expected = [
        (0, 1, 1, vec![1, 2]),
        (1, 1, 5, vec![0, 1, 2]),
        (6, 1, 1, vec![0, 1]),
    ];
    assert_eq!(summary(&runs), expected);
    assert_eq!(runs[1].taps[0].from, 0);
    assert_eq!(
        summary(&axis(9, 9, 1, 1, 1, 0).runs(false, false).unwrap()).len(),
        1
    );
}

#[test]
fn each_remainder_has_its_own_taps() {
    let runs = axis(8, 4, 3, 2, 1, 1).runs(true, false).unwrap();
    let expected = [
        (0, 2, 4, vec![1]),
        (1, 2, 3, vec![2, 0]),
        (7, 2, 1, vec![2]),
    ];
    assert_eq!(summary(&runs), expected);
    // A kernel smaller than its stride leaves outputs that meet nothing.
    assert!(
        axis(6, 2, 1, 3, 1, 0).runs(true, false).unwrap()[1]
            .taps
            .is_empty()
    );
}

#[test]
fn runs_agree_with_the_definition() {
    for large in 1..9 {
        for (taps, stride, dilation, pad) in
            [(1, 1, 1, 0), (3, 2, 1, 1), (3, 1, 2, 2), (5, 3, 1, 4)]
        {
            let reach = (taps - 1) * dilation + 1;
            let small = (large + 2 * pad - reach) / stride + 1;
            if large + 2 * pad < reach {
                continue;
            }
            let a = axis(large, small, taps, stride, dilation, pad);
            let mut met = Vec::new();
            for run in a.runs(false, false).unwrap() {
                for i in 0..run.count {
                    let out = run.first + i * run.step;
                    let from = |t: &Tap| (out, t.at, t.from + i * run.in_step);
                    met.extend(run.taps.iter().map(from));
                }
            }
            let mut back = Vec::new();
            for run in a.runs(true, false).unwrap() {
                for i in 0..run.count {
                    let out = run.first + i * run.step;
                    let from = |t: &Tap| (t.from + i * run.in_step, t.at, out);
                    back.extend(run.taps.iter().map(from));
                }
            }
            let mut all = Vec::new();
            for (o, t) in (0..small).flat_map(|o| (0..taps).map(move |t| (o, t))) {
                let x = o * stride - pad + t * dilation;
                if (0..large).contains(&x) {
                    all.push((o, t, x));
                }
            }
            met.sort_unstable();
            back.sort_unstable();
            assert_eq!(met, all);
            assert_eq!(back, all);
        }
    }
}

#[test]
fn few_pixels_are_computed_for_several_images() {
    assert_eq!(images(16, 49, 2), 8);
    assert_eq!(images(16, 49, 1), 16);
    assert_eq!(images(7, 49, 2), 1);
    assert_eq!(images(16, 3136, 1), 1);
}

#[test]
fn few_images_are_copied_at_a_time() {
    // Minibatch, unit, bytes of all copies; room for copies, images of a full band.
    for (minibatch, unit, copies, most, expected) in [
        // Nothing is copied.
        (16, 1, 0, (500, 2), 16),
        (0, 1, 0, (500, 2), 0),
        // As many as have room.
        (16, 1, 16 * 100, (500, 1), 4),
        (15, 1, 15 * 100, (500, 1), 5),
        // One that has no room, or several that are a band.
        (16, 1, 16 * 1000, (500, 1), 1),
        (16, 1, 16 * 1000, (500, 5), 4),
        (3, 1, 3, (500, 5), 3),
        // Pairs of images where they are even in number.
        (16, 2, 16 * 1000, (500, 1), 2),
        (6, 2, 6 * 100, (500, 1), 2),
        // Layouts with blocks of images.
        (64, 16, 64 * 1000, (500, 1), 16),
        (40, 16, 40 * 1000, (500, 1), 40),
    ] {
        let images = copied_images(minibatch, unit, copies, most);
        assert_eq!(images, expected, "{minibatch} {unit} {copies} {most:?}");
    }
}

#[test]
fn small_images_are_framed() {
    let axis = |size, taps, stride, pad| Axis {
        large: size,
        small: (size + 2 * pad - taps) / stride + 1,
        taps,
        stride,
        dilation: 1,
        pad,
    };
    let plane = |size, taps, stride, pad| {
        [
            Axis::POINT,
            axis(size, taps, stride, pad),
            axis(size, taps, stride, pad),
        ]
    };
    let around = Some([(0, 0), (1, 1), (1, 1)]);
    for to_large in [false, true] {
        assert_eq!(frame(&plane(4, 3, 1, 1), to_large), around);
        assert_eq!(frame(&plane(14, 3, 1, 1), to_large), None);
        assert_eq!(frame(&plane(4, 1, 1, 0), to_large), None);
        // More than half of the products would be with zeros.
        assert_eq!(frame(&plane(2, 3, 1, 1), to_large), None);
    }
    // What no tap meets has no frame.
    assert_eq!(
        frame(&plane(6, 3, 2, 1), false),
        Some([(0, 0), (1, 0), (1, 0)])
    );
}

#[test]
fn copies_pay_for_short_rows_apart() {
    let axis = |large, small, stride| axis(large, small, 1, stride, 1, 0);
    let plane = |a: Axis| [Axis::POINT, a, a];
    assert!(skips(&plane(axis(14, 7, 2))) && !skips(&plane(axis(14, 14, 1))));
    assert!(!skips(&plane(Axis {
        taps: 3,
        ..axis(14, 6, 2)
    })));
    let scattered = |small, channels| are_scattered(&plane(axis(2 * small, small, 2)), channels);
    assert!(scattered(7, 2048) && !scattered(14, 1024) && !scattered(7, 64));
}

#[test]
fn large_weights_pass_once_for_an_input_that_the_cache_holds() {
    let space = |size, k| Space {
        runs: [1, 1, size, size].map(|n| vec![Run::of(n)]),
        input: [0, 0, size * 4 * k, 4 * k],
        output: [0, 0, size * 4, 4],
        taps: [0; 3],
        channels: vec![(0, 0)],
        k,
        joined: false,
        walked: None,
        pixel_bytes: 4 * k,
        longest: i64::MAX,
        planes: true,
    };
    let blocks = |size: i64, k: i64, weights: i64, cache: i64| {
        let space = space(size, k);
        let (rows, columns) = space.block(weights << 10, cache << 10);
        space.cut(rows, columns).unwrap().ends.len()
    };
    assert_eq!(blocks(7, 2048, 8192, 512), 1);
    // These weights stay in the cache.
    assert_eq!(blocks(7, 2048, 256, 512), 3);
    // This input, of 784 KB, does not.
    assert_eq!(blocks(14, 1024, 8192, 512), 5);
    assert_eq!(blocks(14, 1024, 8192, 1024), 1);
    // Where both are too large, larger caches hold larger blocks.
    assert_eq!(blocks(28, 1024, 8192, 1024), 10);
    assert_eq!(blocks(28, 1024, 8192, 2048), 5);
}
