//! Tables and traces that other programs read.

use inflight::record::RunRecord;
use inflight::report::{ReportError, csv, trace};
use inflight::session::Session;
use inflight::stats::runs::metrics::Metric;
use serde_json::Value;

use crate::fixture;

fn session() -> (tempfile::TempDir, Session) {
    fixture::session(&fixture::small_plan(), fixture::device(), |run| {
        if run.order_index == 3 {
            run.error = Some("said \"no\", twice\nand left".to_owned());
        }
    })
}

/// RFC 4180, well enough for what is written here.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(letter),
        }
    }
    rows
}

#[test]
fn runs_have_one_line_each_with_raw_numbers() {
    let (_folder, session) = session();
    let mut out = Vec::new();
    csv::write_runs(&session, &mut out).unwrap();
    let rows = records(std::str::from_utf8(&out).unwrap());
    let column = |title: &str| rows[0].iter().position(|name| name == title).unwrap();
    assert_eq!(rows.len(), session.summaries.len() + 1);
    for (row, run) in rows[1..].iter().zip(&session.summaries) {
        assert_eq!(row.len(), rows[0].len());
        assert_eq!(row[column("order_index")], run.order_index.to_string());
        assert_eq!(row[column("error")], run.error.clone().unwrap_or_default());
        assert_eq!(row[column("device_kind")], "virtual");
        for metric in Metric::ALL {
            let value = run.value(metric).map_or_else(String::new, |value| value.to_string());
            assert_eq!(row[column(metric.key())], value, "{metric}");
        }
    }
}

#[test]
fn frames_have_one_line_each() {
    let (_folder, session) = session();
    let mut out = Vec::new();
    csv::write_frames(&session, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let frames: u64 = session.summaries.iter().map(|run| run.frames).sum();
    assert_eq!(text.lines().count() as u64, frames + 1);
    let RunRecord { frames, .. } = session.records().unwrap().next().unwrap().unwrap();
    let head: Vec<_> = text.lines().next().unwrap().split(',').collect();
    let line: Vec<_> = text.lines().nth(2).unwrap().split(',').collect();
    let cell = |title: &str| line[head.iter().position(|name| *name == title).unwrap()];
    assert_eq!(cell("lock_ns"), frames.lock_ns[1].to_string());
    assert_eq!(cell("latency_ns"), frames.latency_ns[1].to_string());
    assert_eq!((cell("frame"), cell("kind")), ("1", "P"));
}

fn events(trace: &[u8]) -> Vec<Value> {
    let trace: Value = serde_json::from_slice(trace).expect("the trace is JSON");
    assert!(trace["otherData"]["notice"].as_str().unwrap().starts_with("VIRTUAL DEVICE"));
    trace["traceEvents"].as_array().unwrap().clone()
}

#[test]
fn slices_of_a_track_never_overlap_and_spans_close() {
    let session = fixture::plain();
    for run in session.records().unwrap().map(Result::unwrap).filter(|run| run.repeat_index == 0 && !run.warmup) {
        let mut out = Vec::new();
        trace::write_run(&run, &session.manifest.device, &mut out).unwrap();
        let events = events(&out);
        let phase = |wanted: &str| events.iter().filter(|event| event["ph"] == wanted).collect::<Vec<_>>();
        assert_eq!((phase("b").len() as u64, phase("e").len() as u64), (run.metrics.frames, run.metrics.frames));
        let mut slices: Vec<_> = phase("X")
            .into_iter()
            .map(|event| {
                let number = |key: &str| event[key].as_f64().unwrap();
                (number("pid") as u64, number("tid") as u64, number("ts"), number("dur"))
            })
            .collect();
        slices.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
        for pair in slices.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
            assert!(pair[0].2 + pair[0].3 <= pair[1].2 + 1e-6, "{}: {pair:?}", run.case);
        }
        let deepest = phase("C").iter().map(|event| event["args"]["pictures"].as_u64().unwrap()).max();
        assert_eq!(deepest, Some(u64::from(run.metrics.queue_peak)), "{}", run.case);
    }
}

#[test]
fn a_run_is_found_by_its_order_or_reported_missing() {
    let (_folder, session) = session();
    let mut out = Vec::new();
    trace::write_trace(&session, 3, &mut out).unwrap();
    assert!(std::str::from_utf8(&out).unwrap().contains("h264 T=4 (inline) [VIRTUAL DEVICE"));
    let error = trace::write_trace(&session, 999, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ReportError::NoSuchRun { order_index: 999, num_runs: 8 }), "{error}");
}
