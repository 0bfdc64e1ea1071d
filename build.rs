//! Sets the SONAME of the C library; the version itself comes from Cargo.toml.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libbrick.so.0.1");
    }
}
