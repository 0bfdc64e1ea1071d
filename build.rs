//! Sets the SONAME of the C library; the version itself comes from Cargo.toml.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Not `rustc-cdylib-link-arg`, which cargo hands on to the libraries of dependent crates. Executables ignore both.
        let [major, minor] = ["MAJOR", "MINOR"].map(|part| {
            std::env::var(format!("CARGO_PKG_VERSION_{part}")).expect("cargo sets the version")
        });
        println!("cargo:rustc-link-arg=-Wl,-soname,libbrick.so.{major}.{minor}");
        // Threads, fork handlers and pointers to generated kernels outlive a dlclose.
        println!("cargo:rustc-link-arg=-Wl,-z,nodelete");
    }
}
