//! `inflight doctor --conformance`: drivers good, wrong and broken, as libraries.
//!
//! Needs a C compiler, and the libraries that `cargo build --workspace` puts beside the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod program;

use program::{Bench, Ended};
use serde_json::{Value, json};

/// A library that follows a null pointer, says what nobody can read, and fills no entry.
const BROKEN: &str = r#"
#include <stdio.h>
int NvEncodeAPIGetMaxSupportedVersion(unsigned *version) { printf("hello"); fflush(stdout); *(volatile unsigned *)version = 0xd0; return 0; }
int NvEncodeAPICreateInstance(void *list) { return 0; }
"#;

fn library(bench: &Bench, name: &str, source: &str) -> String {
    bench.write(&format!("{name}.c"), source.as_bytes());
    bench.tool("cc", &["-shared", "-fPIC", "-o", &format!("{name}.so"), &format!("{name}.c")]);
    format!("./{name}.so")
}

fn asked(bench: &Bench, library: &str, config: &str) -> Ended {
    let args = ["doctor", "--conformance", library, "--json"];
    Ended::from(bench.command(&args).env("VIRTUAL_NVENC", config).output().unwrap())
}

fn row<'a>(told: &'a Value, question: &str) -> &'a Value {
    told["rows"].as_array().unwrap().iter().find(|row| row["question"] == question).unwrap()
}

#[test]
fn the_virtual_driver_as_a_library_answers_as_the_one_built_in() {
    let bench = Bench::new();
    bench.done(&["virtual-driver", "install", "drivers"]);
    let library = "drivers/libnvidia-encode.so.1";
    for (config, outcome) in [("", "equal"), ("engines=0", "needs_engine")] {
        let ended = asked(&bench, library, config);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let told = ended.json();
        assert_eq!(told["headers"], json!(["11.1", "12.1", "13.0"]));
        for row in told["rows"].as_array().unwrap() {
            assert_eq!(row["outcome"], if row["needs"] == "engine" { outcome } else { "equal" }, "{row}");
        }
    }
    let table = bench.done(&["doctor", "--conformance", library]).stdout;
    assert!(table.contains("| question ") && table.ends_with(" rows equal, 0 differ, 0 need an engine\n"), "{table}");
}

#[test]
fn an_older_driver_differs_and_both_answers_are_shown() {
    let bench = Bench::new();
    bench.done(&["virtual-driver", "install", "drivers"]);
    let ended = asked(&bench, "drivers/libnvidia-encode.so.1", "api=12.2");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let told = ended.json();
    let opened = row(&told, "nvEncOpenEncodeSessionEx, the header's words");
    let statuses = |driver: &str| [0, 1, 2].map(|place| opened[driver][place]["returned"]["status"].clone());
    assert_eq!(
        (statuses("driver"), statuses("virtual_driver")),
        ([0, 0, 15].map(Value::from), [0; 3].map(Value::from))
    );
    assert_eq!(opened["outcome"], "differs");
}

#[test]
fn a_crash_is_an_answer_and_the_next_question_is_asked() {
    let bench = Bench::new();
    let ended = asked(&bench, &library(&bench, "broken", BROKEN), "");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let told = ended.json();
    let crash = &row(&told, "NvEncodeAPIGetMaxSupportedVersion, null pointer")["driver"];
    for answer in crash.as_array().unwrap() {
        assert!(answer["crashed"].as_str().unwrap().contains("signal"), "{told}");
    }
    assert_eq!(row(&told, "NvEncodeAPIGetMaxSupportedVersion")["outcome"], "equal");
    assert_eq!(row(&told, "nvEncGetEncodeGUIDCount, null session")["driver"][0], "no_entry");
}

#[test]
fn what_is_no_driver_is_refused_with_the_reason() {
    let bench = Bench::new();
    bench.write("text.so", b"no library\n");
    let empty = library(&bench, "empty", "int nothing;\n");
    for (library, reason) in [
        (empty.as_str(), "has no NvEncodeAPICreateInstance"),
        ("./text.so", "cannot load the driver library ./text.so"),
        ("./none.so", "cannot load the driver library ./none.so"),
    ] {
        let Ended { code, stdout, stderr } = bench.run(&["doctor", "--conformance", library]);
        assert_eq!((code, stdout.as_str()), (Some(5), ""), "{library}: {stderr}");
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{library}: {stderr}");
    }
}
