//! Format tags: names of layouts, their numbers in the C API, and the way back from a layout to a name.
//!
//! A tag lists the dimensions from the outermost, `a` being dimension 0; an upper-case letter is a dimension that is
//! blocked, and number-letter pairs at the end are the inner blocks, outermost first: `aBcd16b`. The two lists are
//! interface facts: the order of the canonical tags gives their numbers, and aliases name the dimensions by what
//! they mean (`nchw` is `abcd`).

use super::{FormatKind, MAX_NDIMS, MemoryDesc, RUNTIME_DIM, key::write_list};

/// The canonical tags in the order of their numbers, one a line.
pub const CANONICAL: &str = include_str!("tags.txt");
/// The aliases, one a line, each followed by its canonical tag.
pub const ALIASES: &str = include_str!("aliases.txt");
/// Number of the first canonical tag; 0 is undef, 1 any.
pub const FIRST: i32 = 2;
/// How many canonical tags there are.
pub const COUNT: usize = 873;

/// Where each canonical tag's line starts, and where the text ends.
const STARTS: [u16; COUNT + 1] = {
    let (text, mut starts, mut line, mut at) = (CANONICAL.as_bytes(), [0; COUNT + 1], 0, 0);
    while at < text.len() {
        if text[at] == b'\n' {
            line += 1;
            starts[line] = at as u16 + 1;
        }
        at += 1;
    }
    starts
};

/// The name of a tag number.
pub fn name(number: i32) -> Option<&'static str> {
    match number {
        0 => Some("undef"),
        1 => Some("any"),
        _ => {
            let i = number.checked_sub(FIRST)? as usize;
            let end = *STARTS.get(i.checked_add(1)?)?;
            Some(&CANONICAL[STARTS[i] as usize..end as usize - 1])
        }
    }
}

/// The canonical tag that an alias stands for.
pub fn canonical_of_alias(alias: &str) -> Option<&'static str> {
    ALIASES
        .lines()
        .find_map(|line| line.strip_prefix(alias)?.strip_prefix(' '))
}

/// A parsed tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    ndims: usize,
    order: [u8; MAX_NDIMS],
    nblks: usize,
    blks: [(u8, i64); MAX_NDIMS],
}

impl Tag {
    /// Reads a tag in letters; `None` if it is not well formed.
    pub fn parse(text: &str) -> Option<Tag> {
        let text = text.as_bytes();
        let ndims = text
            .iter()
            .position(|c| !c.is_ascii_alphabetic())
            .unwrap_or(text.len());
        if ndims == 0 || ndims > MAX_NDIMS {
            return None;
        }
        let mut tag = Tag {
            ndims,
            order: [0; MAX_NDIMS],
            nblks: 0,
            blks: [(0, 0); MAX_NDIMS],
        };
        let (mut seen, mut upper, mut blocked) = (0u32, 0u32, 0u32);
        for (i, c) in text[..ndims].iter().enumerate() {
            let d = dim_of(*c, ndims)?;
            tag.order[i] = d;
            seen |= 1 << d;
            upper |= u32::from(c.is_ascii_uppercase()) << d;
        }
        let mut size = 0i64;
        for c in &text[ndims..] {
            if c.is_ascii_digit() {
                size = size.checked_mul(10)?.checked_add(i64::from(c - b'0'))?;
                continue;
            }
            let d = dim_of(*c, ndims)
                .filter(|_| c.is_ascii_lowercase() && (2..=1 << 30).contains(&size))?;
            *tag.blks.get_mut(tag.nblks)? = (d, size);
            tag.nblks += 1;
            blocked |= 1 << d;
            size = 0;
        }
        (seen == (1 << ndims) - 1 && upper == blocked && size == 0).then_some(tag)
    }

    /// Dimensions from the outermost.
    pub fn order(&self) -> &[u8] {
        &self.order[..self.ndims]
    }

    /// Inner blocks as (dimension, size), outermost first.
    pub fn blocks(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.blks[..self.nblks].iter().map(|b| (b.0 as usize, b.1))
    }
}

fn dim_of(letter: u8, ndims: usize) -> Option<u8> {
    let d = letter.to_ascii_lowercase().checked_sub(b'a')?;
    ((d as usize) < ndims).then_some(d)
}

/// The layout of a descriptor in letters, strides after it where they are not the dense ones.
pub(super) fn describe(md: &MemoryDesc) -> String {
    match md.kind() {
        FormatKind::Undef => "undef".into(),
        FormatKind::Any => "any".into(),
        FormatKind::Opaque => "opaque".into(),
        FormatKind::Sparse => "sparse".into(),
        FormatKind::HostScalar => "host_scalar".into(),
        FormatKind::Blocked => describe_blocked(md),
    }
}

fn describe_blocked(md: &MemoryDesc) -> String {
    let mut text = letters(md);
    let dense = Tag::parse(&text)
        .and_then(|tag| MemoryDesc::with_layout(md.dims(), md.dtype(), &tag, "").ok());
    if dense.is_none_or(|dense| !MemoryDesc { offset0: 0, ..*md }.eq(&dense)) {
        text.push(':');
        write_list(&mut text, md.strides()).expect("a string takes any text");
    }
    text
}

/// The tag whose order of dimensions the strides have.
pub(super) fn letters(md: &MemoryDesc) -> String {
    let mut order: Vec<usize> = (0..md.dims().len()).collect();
    let rank = |n| if n == RUNTIME_DIM { i64::MAX } else { n };
    order.sort_by_key(|&d| std::cmp::Reverse((rank(md.strides[d]), rank(md.outer_dim(d)))));
    let letter = |d: usize| (b'a' + d as u8) as char;
    let mut text = String::new();
    for d in order {
        let blocked = md.blocks().any(|b| b.0 == d);
        text.push(if blocked {
            letter(d).to_ascii_uppercase()
        } else {
            letter(d)
        });
    }
    for (d, size) in md.blocks() {
        text += &format!("{size}{}", letter(d));
    }
    text
}
