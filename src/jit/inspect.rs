//! Ways to look at generated kernels from outside: byte dumps for a disassembler, names for `perf`.
//!
//! What to do comes from the caller; a failing write is the caller's to report and never a kernel's to fail on.

use super::code::Code;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Writes a kernel's bytes to `DIR/brick_NAME.N.bin`, N counting up, and says where.
///
/// `objdump -D -b binary -m i386:x86-64 -M intel FILE` reads it.
pub fn dump(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let n = COUNT.fetch_add(1, Relaxed);
    fs::create_dir_all(dir)?;
    let path = dir.join(format!("brick_{}.{n}.bin", file_name(name)));
    fs::write(&path, bytes)?;
    Ok(path)
}

/// The name with everything that a file name should not hold replaced, and cut to a length that every system takes.
fn file_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.+=,".contains(c) {
            c
        } else {
            '_'
        }
    };
    name.chars().map(plain).take(200).collect()
}

/// Announces a kernel to `perf` in `/tmp/perf-PID.map`.
pub fn perf_map(name: &str, code: &Code) -> io::Result<()> {
    let path = format!("/tmp/perf-{}.map", std::process::id());
    append_symbol(Path::new(&path), name, code)
}

/// One line, `START SIZE name` in hexadecimal, in one write so that threads do not interleave.
fn append_symbol(path: &Path, name: &str, code: &Code) -> io::Result<()> {
    let one_line = name.replace(char::is_control, " ");
    let line = format!(
        "{:x} {:x} brick_{one_line}\n",
        code.entry() as usize,
        code.bytes().len()
    );
    let mut options = OpenOptions::new();
    // The directory is everybody's, so a link placed there is not followed.
    let file = options
        .create(true)
        .append(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path);
    file?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::code::Policy;

    fn scratch_dir(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("brick-{name}-{}", std::process::id()))
    }

    #[test]
    fn dumps_hold_the_bytes_under_a_tame_name() {
        let dir = scratch_dir("dump");
        let first = dump(&dir, "avx2/m 6:n*", &[0xC3]).unwrap();
        let second = dump(&dir, &"x".repeat(5000), &[0x90, 0xC3]).unwrap();
        assert_eq!(fs::read(&first).unwrap(), [0xC3]);
        assert_eq!(fs::read(&second).unwrap(), [0x90, 0xC3]);
        assert!(first.to_str().unwrap().contains("brick_avx2_m_6_n_."));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn symbols_are_one_line_each_and_links_are_not_followed() {
        let code = Code::publish(&[0xC3], Policy::Auto).unwrap();
        let dir = scratch_dir("perf");
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("perf.map");
        append_symbol(&path, "one", &code).unwrap();
        append_symbol(&path, "two\nlines", &code).unwrap();
        let start = code.entry() as usize;
        let expect = format!("{start:x} 1 brick_one\n{start:x} 1 brick_two lines\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), expect);
        let link = dir.join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(append_symbol(&link, "three", &code).is_err());
        fs::remove_dir_all(dir).unwrap();
    }
}
