//! Parts that a test program plays in a process of its own, started again for each: a process has one device, whose
//! description it reads once.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the started program is to do.
const PART: &str = "VIRTUAL_NVENC_TEST_PART";
/// Whatever is waited for comes within this, or never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// The part to play; in an ordinary run of the tests there is none.
pub fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// Starts a command on this test program, in which `test` plays `part`.
pub fn start(mut command: Command, test: &str, part: &str) -> Child {
    command.args(["--exact", test, "--nocapture"]).env(PART, part);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Waits for the end of a client, and for a good one.
pub fn ended_well(mut child: Child, part: &str) {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return assert!(status.success(), "{part}: {status}");
        }
        if start.elapsed() > PATIENCE {
            drop(child.kill());
            panic!("{part} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
