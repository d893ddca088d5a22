//! Which process this is, counted in forks: a child has a copy of its parent's sessions, but none of their threads.
//! It knows no session.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

static FORKS: AtomicU64 = AtomicU64::new(0);

/// How many forks lie between this process and the one that first asked. What was made at another count belongs to a
/// parent: nobody here works on it, and waiting for it would never end.
pub fn count() -> u64 {
    static WATCH: Once = Once::new();
    WATCH.call_once(watch);
    FORKS.load(Ordering::Relaxed)
}

#[cfg(unix)]
fn watch() {
    type Handler = extern "C" fn();
    unsafe extern "C" {
        fn pthread_atfork(prepare: Option<Handler>, parent: Option<Handler>, child: Option<Handler>) -> i32;
    }
    extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the signature is POSIX's, and the handler only adds to a number, which is allowed between fork and exec.
    // Where the system has no room for a handler, children are not told apart, as on systems without fork.
    _ = unsafe { pthread_atfork(None, None, Some(in_child)) };
}

#[cfg(not(unix))]
fn watch() {}
