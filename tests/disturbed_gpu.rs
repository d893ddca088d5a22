//! What a GPU does to a measurement, on a modelled one: found, and told by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by failing"
)]

mod program;

use program::Bench;
use serde_json::Value;

const SMALL: [&str; 10] = [
    "--input",
    "synthetic:64x48@30",
    "--frames",
    "60",
    "--reap-threshold",
    "1,2",
    "--lock",
    "inline",
    "--confirm",
    "0",
];

/// A sweep's result, of which the session is `NAME`.
fn sweep(bench: &Bench, name: &str, device: &str, more: &[&str]) -> Value {
    let own = ["sweep", "--json", "--session", name, "--device", device];
    let ended = bench.done(&[&own[..], &SMALL[..], more].concat());
    serde_json::from_str(&ended.stdout).expect("one JSON object")
}

fn warnings(result: &Value) -> Vec<String> {
    let all = result["comparison"]["warnings"].as_array().expect("a comparison has warnings");
    all.iter().map(|warning| warning["kind"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_first_frame_that_takes_far_longer_is_told_and_not_counted() {
    let bench = Bench::new();
    let device = "virtual:latency_us=200,interval_us=200,first_us=50000";
    let told = sweep(&bench, "with", device, &["--repeat", "5"]);
    assert!(warnings(&told).contains(&"dear_first_frame".to_owned()), "{:?}", warnings(&told));
    for run in told["runs"].as_array().expect("runs") {
        assert!(run["first_output_ms"].as_f64().expect("a number") >= 50.0);
    }
    // Without a pre-roll every run has it in its wall time.
    let without = sweep(&bench, "without", device, &["--repeat", "5", "--set", "preroll=0"]);
    for run in without["runs"].as_array().expect("runs") {
        assert!(run["wall_ms"].as_f64().expect("a number") >= 50.0 + 59.0 * 0.2);
    }
    let compared = bench.run(&["compare", "--before", "without:reap=2", "--after", "with:reap=2"]);
    assert!(compared.stdout.contains("pre-roll") && compared.stdout.contains("not comparable"), "{}", compared.stdout);
}

#[test]
fn a_clock_that_halves_in_the_middle_and_others_at_the_card_are_told() {
    let bench = Bench::new();
    let device = "virtual:latency_us=1000,interval_us=1000,clock=ramp:100ms,throttle=after:3s,foreign_sessions=2";
    let told = sweep(&bench, "s", device, &["--repeat", "25"]);
    let found = warnings(&told);
    for kind in ["clock_changed", "other_sessions"] {
        assert!(found.contains(&kind.to_owned()), "{kind}: {found:?}");
    }
    let runs = told["runs"].as_array().expect("runs");
    // The engine was cold, and kept busy until it was not.
    let warm_up = &runs[0]["warm_up"];
    assert!(warm_up["from_mhz"].as_u64() < warm_up["to_mhz"].as_u64(), "{warm_up}");
    let is_halved = |run: &Value| run["instruments"]["limited_pct"].as_f64().is_some_and(|pct| pct > 0.0);
    assert!(runs.iter().any(is_halved) && !runs.iter().all(is_halved), "it is halved from the middle on");
    let report = bench.done(&["report", "s", "--output", "r.md"]);
    assert_eq!(report.code, Some(0));
    let page = std::fs::read_to_string(bench.path("r.md")).expect("a report");
    for words in ["The GPU during the runs", "kept busy for", "power cap", "video clock changed from run to run"] {
        assert!(page.contains(words), "{words}");
    }
}

/// The same through NVML, as a real card's instruments are read.
#[test]
fn the_instruments_of_a_driver_library_are_read_through_the_nvml_beside_it() {
    let bench = Bench::new();
    bench.done(&["virtual-driver", "install", "drivers"]);
    let own = ["sweep", "--json", "--session", "s", "--device", "drivers/libnvidia-encode.so.1"];
    let mut command = bench.command(&[&own[..], &SMALL[..], &["--repeat", "6"]].concat());
    command.env("VIRTUAL_NVENC", "latency_us=1500,interval_us=1500,clock=ramp:300ms,foreign_sessions=1");
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(told["device"]["card"]["uuid"].as_str().is_some_and(|uuid| uuid.starts_with("GPU-")));
    let run = &told["runs"][0];
    assert_eq!(run["instruments"]["other_sessions"]["highest"], 1);
    assert!(run["instruments"]["power_mw"]["median"].as_u64() > Some(0));
    assert_eq!(run["warm_up"]["is_flat"], true, "{run}");
}
