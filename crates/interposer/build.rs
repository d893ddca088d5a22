//! Names the library as the driver is named, so that a client's loader takes it for the driver.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnvidia-encode.so.1");
        // Clients unload the driver while threads of it may run; code that is unmapped under them would crash them.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // A client may have functions of the same names; those here call each other.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    }
}
