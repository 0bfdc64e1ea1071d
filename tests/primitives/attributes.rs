//! Attributes are honoured or refused, by every primitive: a table says which, the oracles say how.

use crate::api::UNIMPLEMENTED;
use crate::case::{Case, Data, judge};

/// Attributes that some primitive honours.
const WORDS: [&str; 16] = [
    "scales=src",
    "scales=src1",
    "scales=wei",
    "scales=wei:1",
    "scales=dst",
    "scales=dst:2",
    "zp=src",
    "zp=src1",
    "zp=wei",
    "zp=dst",
    "post=sum:0.5",
    "post=relu",
    "post=add:f32:2",
    "post=prelu:2",
    "post=max:f32",
    "deterministic=1",
];

const ALL_POST_OPS: &str = "post=sum:0.5 post=relu post=add:f32:2 post=prelu:2 post=max:f32";

/// What each primitive honours; everything else it refuses. Determinism is a promise that all keep.
const HONOURED: [(&str, &str); 13] = [
    (
        "matmul u8:s8:u8 5x24:24x9",
        "scales=src scales=wei scales=dst scales=dst:2 zp=src zp=wei zp=dst",
    ),
    (
        "ip u8:s8:u8 mb5ic24oc9",
        "scales=src scales=wei scales=wei:1 scales=dst scales=dst:2 zp=dst",
    ),
    ("ip f32:f32:f32 mb5ic24oc9 prop=bwd_d", "-"),
    ("ip f32:f32:f32 mb5ic24oc9 prop=bwd_w", "-"),
    (
        "conv u8:s8:u8 mb2ic8oc9ih5kh3ph1",
        "scales=src scales=wei scales=wei:1 scales=dst scales=dst:2 zp=src zp=dst",
    ),
    (
        "deconv u8:s8:u8 mb2ic8oc9ih5kh3ph1",
        "scales=src scales=wei scales=wei:1 scales=dst scales=dst:2 zp=src zp=dst",
    ),
    ("conv f32:f32:f32 mb2ic8oc9ih5kh3ph1 prop=bwd_d", "-"),
    ("conv f32:f32:f32 mb2ic8oc9ih5kh3ph1 prop=bwd_w", "-"),
    (
        "reorder f32:s8 5x24",
        "scales=src scales=dst scales=dst:2 zp=src zp=dst post=sum:0.5 -",
    ),
    ("eltwise f32:f32 5x24 alg=linear:2:1", ""),
    ("eltwise f32:f32 5x24 alg=linear:2:1 prop=bwd", "-"),
    (
        "binary u8:u8:s8 5x24:5x24:5x24 alg=sub",
        "scales=src scales=src1",
    ),
    ("sum f32:f32:f32 5x24", "-"),
];

#[test]
fn each_is_honoured_or_refused() {
    let mut faults = Vec::new();
    for (problem, honoured) in HONOURED {
        // A dash: no post-ops but those listed.
        let post_ops = if honoured.contains('-') {
            ""
        } else {
            ALL_POST_OPS
        };
        let listed: Vec<&str> = honoured.split(' ').chain(post_ops.split(' ')).collect();
        for word in WORDS {
            let text = format!("{problem} {word}");
            if listed.contains(&word) || word.starts_with("deterministic") {
                faults.extend(judge(&text, Data::Integers, false).err());
                continue;
            }
            match Case::create(&text.parse().unwrap(), Data::Integers) {
                Err(refusal) if refusal.status == UNIMPLEMENTED && !refusal.sentence.is_empty() => {
                }
                Err(refusal) => faults.push(format!("{text}: refused with {}", refusal.status)),
                Ok(_) => faults.push(format!("{text}: taken")),
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
