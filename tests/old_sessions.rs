//! A session that the program's first version wrote (commit ba88428, `--frames 12 --reap-threshold 1,2 --warmup 1
//! --repeat 6` on a virtual device): opened, and compared with what today's program measures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod program;

use std::path::Path;

use program::Bench;
use serde_json::Value;

const DEVICE: &str = "virtual:latency_us=300,interval_us=200";

/// A folder with the old session in it as `old`.
fn with_old_session() -> Bench {
    let bench = Bench::new();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions/first-version");
    std::fs::create_dir(bench.path("old")).unwrap();
    for file in ["manifest.json", "runs.jsonl"] {
        std::fs::copy(old.join(file), bench.path("old").join(file)).unwrap();
    }
    bench
}

/// The comparison as JSON, whatever its verdict.
fn compared(bench: &Bench, before: &str, after: &str) -> Value {
    let ended = bench.run(&["compare", "--before", before, "--after", after, "--json"]);
    assert!(matches!(ended.code, Some(0 | 3 | 4)), "{}", ended.stderr);
    ended.json()
}

fn wall_interval(compared: &Value) -> &Value {
    &compared["comparison"]["codecs"][0]["effects"][0]["interval"]
}

#[test]
fn cases_of_an_old_session_were_interleaved_and_are_paired() {
    let bench = with_old_session();
    let compared = compared(&bench, "old:reap=1", "old:reap=2");
    let interval = wall_interval(&compared);
    assert_eq!((&interval["num_pairs"], &interval["num_runs"]), (&6.into(), &6.into()), "{interval}");
    assert_eq!(compared["comparison"]["codecs"][0]["num_before_first"], 3, "every other round was turned around");
    // Recorded, so the answer is known: 3.77 and 2.51 ms.
    assert_eq!(compared["comparison"]["codecs"][0]["effects"][0]["answer"], "improved");
    bench.done(&["report", "old", "-o", "report.md"]);
}

#[test]
fn an_old_session_and_a_new_one_are_compared_without_pairs_and_say_so() {
    let bench = with_old_session();
    let sweep = ["sweep", "--device", DEVICE, "--input", "synthetic:64x64@30", "--frames", "12", "--session", "new"];
    bench.done(
        &[
            &sweep[..],
            &["--reap-threshold", "1,2", "--lock", "inline", "--warmup", "0", "--repeat", "5", "--confirm", "0"],
        ]
        .concat(),
    );
    let compared = compared(&bench, "old:reap=1", "new:reap=2");
    let interval = wall_interval(&compared);
    // 6 + 5 runs: enough for ends without pairs.
    assert_eq!((&interval["num_pairs"], &interval["num_runs"]), (&Value::Null, &5.into()), "{interval}");
    assert!(interval["low_pct"].is_number() && interval["high_pct"].is_number(), "{interval}");
    let doubts = compared["comparison"]["codecs"][0]["effects"][0]["doubts"].as_array().unwrap();
    let is_it = |doubt: &&Value| doubt["kind"] == "two_sessions" && doubt["higher_pct"] == 3.0;
    assert_eq!(doubts.iter().filter(is_it).count(), 1, "{doubts:?}");
}
