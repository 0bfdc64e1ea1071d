//! The header's section of format tags, written from the lists that the library parses.

use brick::memory::tags::{ALIASES, CANONICAL, FIRST};
use std::fmt::Write;

/// `brick_format_tag_t` and one constant for each canonical tag and each alias, as C text.
pub fn c_constants() -> String {
    let mut text = String::from(
        "/**\n * A memory layout by name: dimensions from the outermost (`a` is the first), blocked ones in upper case,\n \
         * inner blocks after them. The aliases below say what the dimensions mean, e.g. `brick_nchw`.\n */\n\
         typedef int32_t brick_format_tag_t;\n\nenum {\n\
         \x20   brick_format_tag_undef = 0, /**< No layout: the descriptor is absent. */\n\
         \x20   brick_format_tag_any = 1, /**< The primitive chooses the layout. */\n",
    );
    let mut number = FIRST;
    for tag in CANONICAL.lines() {
        writeln!(text, "    brick_{tag} = {number},").unwrap();
        number += 1;
    }
    writeln!(text, "    brick_format_tag_last = {number},\n").unwrap();
    for line in ALIASES.lines() {
        let (alias, tag) = line.split_once(' ').expect("an alias and its tag");
        writeln!(text, "    brick_{alias} = brick_{tag},").unwrap();
    }
    text + "};\n"
}
