//! The same calls through the interposer: what it writes down of them can be read, and ends with them.
#![no_main]

#[path = "../calls.rs"]
mod calls;

use std::path::Path;
use std::sync::LazyLock;

use inflight::process::interposer_trace::InterposerTrace;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// Where the traces go, for as long as the process lives.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let in_memory = Path::new("/dev/shm");
    let folder = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    // SAFETY: the first thing that this program does, on its only thread.
    unsafe {
        std::env::set_var("INFLIGHT_TRACE_DIR", folder.path());
        std::env::set_var("INFLIGHT_TRACE_PICTURES", "8");
    }
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let folder = FOLDER.path();
    calls::make_calls(bytes, inflight_interposer::wrap);
    inflight_interposer::fuzzed_end();
    let traces = InterposerTrace::read_all(folder).expect("what it writes can be read");
    for trace in &traces {
        assert!(trace.frames.lock_ns.len() <= 8);
    }
    for file in std::fs::read_dir(folder).expect("its folder").flatten() {
        std::fs::remove_file(file.path()).expect("its file");
    }
});
