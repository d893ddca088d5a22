//! A sweep in blocks, each in a process of its own; and sessions that are merged into one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod program;

use std::collections::BTreeSet;

use program::{Bench, interrupt, wait_until};
use serde_json::Value;

const SMALL: &str = "synthetic:64x48@30";
const BLOCKS: [&str; 18] = [
    "sweep",
    "--device",
    "virtual:fixed",
    "--input",
    SMALL,
    "--frames",
    "30",
    "--reap-threshold",
    "1,4",
    "--lock",
    "inline",
    "--warmup",
    "1",
    "--repeat",
    "2",
    "--blocks",
    "6",
    "--json",
];

fn runs(bench: &Bench, session: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(bench.path(session).join("runs.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(run: &Value, key: &str) -> u64 {
    run[key].as_u64().unwrap_or(0)
}

#[test]
fn each_block_is_a_process_and_all_are_one_session() {
    let bench = Bench::new();
    let ended = bench.done(&[&BLOCKS[..], &["--confirm", "5", "--session", "blocks"]].concat());
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let runs = runs(&bench, "blocks");
    let planned = runs.iter().filter(|run| run["fresh"] != true && number(run, "block") < 6).count();
    assert_eq!(planned, 6 * (1 + 2) * 2, "six blocks of a warm-up and two rounds of two cases");
    assert!(runs.iter().enumerate().all(|(idx, run)| number(run, "order_index") == idx as u64));
    let rounds: BTreeSet<_> =
        runs.iter().filter(|run| run["warmup"] == false).map(|run| number(run, "repeat_index")).collect();
    assert_eq!(rounds.len() as u64, rounds.last().unwrap() + 1, "rounds are counted over all blocks");
    // Each confirmation round is a block, with a warm-up.
    let confirming: Vec<_> = runs.iter().filter(|run| run["fresh"] == true).collect();
    let blocks: BTreeSet<_> = confirming.iter().map(|run| number(run, "block")).collect();
    assert_eq!((confirming.len(), blocks.len(), blocks.first()), (10, 5, Some(&6)));
    let repetition = &told["answers"][0]["repetition"];
    assert_eq!((&repetition["num_blocks"], &repetition["num_rounds"]), (&11.into(), &17.into()), "{repetition}");
    assert!(repetition["after"]["frames_pct"].as_f64().unwrap() > 0.0, "{repetition}");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(bench.path("blocks").join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["format_version"], &manifest["plan"]["blocks"]), (&11.into(), &6.into()));
    bench.done(&["report", "blocks", "-o", "blocks.md"]);
    let report = std::fs::read_to_string(bench.path("blocks.md")).unwrap();
    assert!(report.contains("## Blocks, H.264") && report.contains("Over 11 blocks the change"), "{report}");
    assert!(report.contains("--blocks 6"), "the command to repeat it");
}

#[test]
fn a_block_that_fails_says_why_and_loses_no_run() {
    let bench = Bench::new();
    let library = bench.path("gone.so");
    let args = [&BLOCKS[..], &["--session", "gone", "--device", library.to_str().unwrap()]].concat();
    let ended = bench.run(&args.into_iter().filter(|word| *word != "virtual:fixed").collect::<Vec<_>>());
    assert_ne!(ended.code, Some(0));
    // What the process of a block is told must be runs.
    let ended = bench.run(&["runs"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("inflight sweep"), "{}", ended.stderr);
    for (words, reason) in [
        (&["--baseline", "ffmpeg"][..], "--blocks and --baseline"),
        (&["--until", "1"], "--blocks has a fixed number"),
        (&["--set", "blocks=0"], "0 blocks are out of range"),
        (&["--input", "-"], "standard input"),
    ] {
        let args: Vec<_> = BLOCKS.into_iter().filter(|word| !words.contains(&"--input") || *word != SMALL).collect();
        let args = args.into_iter().filter(|word| !words.contains(&"--input") || *word != "--input");
        let ended = bench.run(&args.chain(words.iter().copied()).collect::<Vec<_>>());
        assert_eq!(ended.code, Some(2), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(reason), "{words:?}: {}", ended.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_stopped_sweep_keeps_its_blocks_and_leaves_no_process() {
    let bench = Bench::new();
    let args = [&BLOCKS[..], &["--session", "stopped", "--frames", "300"]].concat();
    let args: Vec<_> = args.into_iter().filter(|word| *word != "30").collect();
    let frames = args.iter().position(|word| *word == "--frames").unwrap();
    let args: Vec<_> = args.iter().enumerate().filter(|(idx, _)| *idx != frames).map(|(_, word)| *word).collect();
    let child = bench.start(&args);
    let file = bench.path("stopped").join("runs.jsonl");
    wait_until("second block", || std::fs::read_to_string(&file).is_ok_and(|text| text.lines().count() >= 7));
    // As a terminal does not: only the sweep itself hears of it, and its block has to be told.
    interrupt(&child);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let runs = runs(&bench, "stopped");
    assert!(runs.len() >= 7 && runs.iter().all(|run| run["error"].is_null()), "{} runs", runs.len());
    assert!(runs.iter().any(|run| number(run, "block") == 1));
}

#[test]
fn sessions_are_merged_as_blocks_of_one() {
    let bench = Bench::new();
    let sweep = |session: &str, thresholds: &str, frames: &str| {
        bench.done(&[
            "sweep",
            "--device",
            "virtual:fixed",
            "--input",
            SMALL,
            "--frames",
            frames,
            "--reap-threshold",
            thresholds,
            "--lock",
            "inline",
            "--warmup",
            "0",
            "--repeat",
            "2",
            "--confirm",
            "0",
            "--session",
            session,
        ]);
    };
    ["a", "b", "c"].into_iter().for_each(|session| sweep(session, "1,4", "30"));
    sweep("others", "1,8", "30");
    sweep("shorter", "1,4", "20");
    let ended = bench.done(&["merge", "a", "b", "c", "--into", "all"]);
    assert!(ended.stdout.starts_with("12 runs in 3 blocks saved in all"), "{}", ended.stdout);
    let merged = runs(&bench, "all");
    let place = |run: &Value| [number(run, "block"), number(run, "repeat_index"), number(run, "order_index")];
    assert_eq!((place(&merged[0]), place(&merged[11])), ([0, 0, 0], [2, 5, 11]));
    let ended = bench.done(&["report", "all", "--json"]);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told["analysis"]["answers"][0]["repetition"]["num_blocks"], 3);
    // Merged once more, each block stays one.
    sweep("d", "1,4", "30");
    let ended = bench.done(&["merge", "all", "d", "--into", "more"]);
    assert!(ended.stdout.starts_with("16 runs in 4 blocks"), "{}", ended.stdout);
    for (words, reason) in [
        (&["a", "others"][..], "cases"),
        (&["a", "shorter"], "input 30 frames"),
        (&["a", "a"], "same session"),
        (&["a"], "2 values required"),
        (&["a", "nothing"], "no session at nothing"),
    ] {
        let ended = bench.run(&[&["merge"][..], words, &["--into", "wrong"]].concat());
        assert_eq!(ended.code, Some(2), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(reason), "{words:?}: {}", ended.stderr);
        assert!(!bench.path("wrong").exists());
    }
    let ended = bench.run(&["merge", "a", "b", "--into", "all"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("not empty"), "{}", ended.stderr);
}
