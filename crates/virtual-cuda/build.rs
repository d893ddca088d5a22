//! How the library is linked where it stands in for a system library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcuda.so.1");
        // A client may close the library while the virtual NVENC still reads memory that came from here.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // A client may have functions of the same names; those here call each other.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    }
}
