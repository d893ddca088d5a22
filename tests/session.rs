//! Session folders from outside: what a kill, a full disk or a stranger's file does to them.

#![allow(clippy::unwrap_used, reason = "clippy.toml excuses tests, but not what they call")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use inflight::contract::{Codec, Dimensions, EncodeMetrics, EngineKind, FrameRate, LockPlacement, PixelFormat};
use inflight::plan::Plan;
use inflight::record::{Case, DeviceInfo, DeviceKind, Environment, FrameColumns, InputInfo, RunRecord};
use inflight::session::{Damage, FORMAT_VERSION, Manifest, Session, SessionError, SessionWriter, json_schema};
use inflight::stats::runs::summary::RunSummary;

fn manifest() -> Manifest {
    Manifest {
        settings: Default::default(),
        rehearsals: Default::default(),
        format_version: FORMAT_VERSION,
        created_unix_ms: 1_771_459_200_000,
        plan: Plan::default(),
        input: InputInfo {
            spec: "synthetic".to_owned(),
            format: PixelFormat::Nv12,
            dimensions: Dimensions { width: 640, height: 360 },
            frame_rate: FrameRate { num: 30_000, den: 1001 },
            colour: None,
            frames: 4,
            digest: "0123456789abcdef".to_owned(),
            remarks: Vec::new(),
        },
        device: DeviceInfo {
            kind: DeviceKind::Virtual,
            name: "virtual:fixed".to_owned(),
            driver: "0.1.0".to_owned(),
            api_version: "12.1".to_owned(),
            engine: EngineKind::Nvenc,
            card: None,
        },
        environment: Environment::default(),
        note: None,
        resumptions: Vec::new(),
    }
}

fn record(order_index: u32, num_frames: usize) -> RunRecord {
    let times = |scale: u64| (0..num_frames as u64).map(|frame| (frame * 7919 + scale) % 1_000_000).collect();
    let counts: Vec<u32> = (0..num_frames as u32).collect();
    RunRecord {
        case: Case {
            codec: Codec::H264,
            reap_threshold: 4,
            lock: LockPlacement::Inline,
            pool: 4,
            names_pool: false,
            client: Default::default(),
            decode: None,
        },
        warmup: false,
        is_confirmation: false,
        repeat_index: order_index,
        order_index,
        block: 0,
        started_unix_ms: 1_771_459_200_000,
        error: None,
        open_ns: 1_000_000,
        wall_ns: 221_100_000,
        model_late: Some(0),
        model_late_ns: Some(0),
        gpu: None,
        process: None,
        metrics: EncodeMetrics { frames: num_frames as u64, packets: num_frames as u64, ..EncodeMetrics::default() },
        frames: FrameColumns {
            begin_at_ns: times(1),
            source_wait_ns: times(2),
            blocked_ns: times(3),
            upload_ns: times(4),
            submit_at_ns: times(5),
            submit_ns: times(6),
            depth: counts.clone(),
            lock_at_ns: times(7),
            lock_ns: times(8),
            copy_ns: times(9),
            unlock_ns: times(10),
            latency_ns: times(11),
            bytes: counts.clone(),
            encode_idx: counts,
            kinds: "P".repeat(num_frames),
            ..FrameColumns::default()
        },
        resumes: 0,
        dimensions: None,
        digest_ns: None,
        preroll: None,
        other_streams: Vec::new(),
        telemetry: None,
        warm_up: None,
        decode: None,
    }
}

/// A session of `num_runs` runs of four frames.
fn write_session(dir: &Path, num_runs: u32) {
    let mut writer = SessionWriter::create(dir, &manifest()).unwrap();
    for order_index in 0..num_runs {
        writer.append(&record(order_index, 4)).unwrap();
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_written_is_what_is_read() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("output").join("a");
    write_session(&dir, 3);
    assert_eq!(names(&dir), ["manifest.json", "runs.jsonl"]);
    let session = Session::open(&dir).unwrap();
    assert_eq!((&session.manifest, &session.damage), (&manifest(), &Vec::new()));
    let mut records = Vec::new();
    session.for_each_run(|record| records.push(record)).unwrap();
    assert_eq!(records, (0..3).map(|order_index| record(order_index, 4)).collect::<Vec<_>>());
    assert_eq!(session.summaries, records.iter().map(RunSummary::of).collect::<Vec<_>>());
}

#[test]
fn a_kill_at_any_byte_costs_only_the_run_in_progress() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a");
    write_session(&dir, 3);
    let path = dir.join("runs.jsonl");
    let whole = fs::read(&path).unwrap();
    let last_line = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    for end in (last_line..whole.len()).rev() {
        OpenOptions::new().write(true).open(&path).unwrap().set_len(end as u64).unwrap();
        let session = Session::open(&dir).unwrap();
        assert_eq!(session.summaries.len(), 2, "cut at byte {end}");
        let torn = (end > last_line).then_some(Damage::TornLastLine { line: 3, bytes: end - last_line });
        assert_eq!(session.damage, torn.into_iter().collect::<Vec<_>>());
        assert_eq!(session.records().unwrap().count(), 2);
    }
}

#[test]
fn runs_that_are_added_later_do_not_show_up_halfway() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a");
    let mut writer = SessionWriter::create(&dir, &manifest()).unwrap();
    writer.append(&record(0, 4)).unwrap();
    let session = Session::open(&dir).unwrap();
    writer.append(&record(1, 4)).unwrap();
    assert_eq!(session.records().unwrap().count(), 1);
    assert_eq!(Session::open(&dir).unwrap().summaries.len(), 2);
}

#[test]
fn a_newer_format_is_refused_whatever_else_it_holds() {
    let root = tempfile::tempdir().unwrap();
    write_session(root.path(), 1);
    let newer = FORMAT_VERSION + 1;
    fs::write(root.path().join("manifest.json"), format!(r#"{{"format_version": {newer}, "scenario": []}}"#)).unwrap();
    let refusal = Session::open(root.path()).unwrap_err();
    assert!(matches!(refusal, SessionError::Newer { found, .. } if found == newer), "{refusal}");
    assert!(refusal.to_string().contains("newer inflight"));
}

#[test]
fn what_is_no_session_is_refused_in_one_line() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "text").unwrap();
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let with_manifest = |name: &str, text: &[u8]| {
        let dir = root.path().join(name);
        write_session(&dir, 1);
        fs::write(dir.join("manifest.json"), text).unwrap();
        dir
    };
    let expected = [
        (root.path().join("missing"), "there is no such folder"),
        (file, "it is a file"),
        (empty, "has no manifest.json"),
        (with_manifest("text", b"hello"), "expected value"),
        (with_manifest("list", b"[]"), "invalid length 0"),
        (with_manifest("cut", br#"{"format_version": 1"#), "EOF"),
        (with_manifest("bare", br#"{"format_version": 1}"#), "missing field"),
        (with_manifest("binary", &[0, 159, 146, 150]), "expected value"),
    ];
    for (dir, problem) in expected {
        let message = Session::open(&dir).unwrap_err().to_string();
        assert!(message.contains(problem) && !message.contains('\n'), "{message}");
    }
}

#[test]
fn a_line_that_is_no_run_is_named_and_the_others_are_read() {
    let root = tempfile::tempdir().unwrap();
    write_session(root.path(), 2);
    let path = root.path().join("runs.jsonl");
    let lines = fs::read_to_string(&path).unwrap();
    let (first, last) = (lines.lines().next().unwrap(), lines.lines().last().unwrap());
    let short_column = first.replacen("\"kinds\":\"PPPP\"", "\"kinds\":\"PPP\"", 1);
    assert_ne!(short_column, first);
    for (line, problem) in [("{}", "missing field"), ("", "EOF"), (&short_column, "kinds has 3"), ("\u{0}", "expected")]
    {
        fs::write(&path, format!("{first}\n{line}\n{last}\n")).unwrap();
        let session = Session::open(root.path()).unwrap();
        assert_eq!(session.summaries.len(), 2);
        let message = session.damage[0].to_string();
        assert!(message.contains("line 2") && message.contains(problem), "{message}");
        assert_eq!((session.damage.len(), session.records().unwrap().count()), (1, 2));
    }
}

#[test]
fn a_folder_with_anything_in_it_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a");
    write_session(&dir, 1);
    let refusal = SessionWriter::create(&dir, &manifest()).unwrap_err();
    assert!(matches!(refusal, SessionError::NotEmpty { .. }), "{refusal}");
    assert_eq!(Session::open(&dir).unwrap().summaries.len(), 1);

    let file = root.path().join("file");
    fs::write(&file, "text").unwrap();
    assert!(matches!(SessionWriter::create(&file, &manifest()), Err(SessionError::NotAFolder { .. })));
    assert!(matches!(SessionWriter::create(&file.join("a"), &manifest()), Err(SessionError::Write { .. })));
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");

    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    write_session(&empty, 1);
}

#[test]
fn columns_that_do_not_match_are_not_written() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = SessionWriter::create(root.path(), &manifest()).unwrap();
    let mut bad = record(7, 4);
    bad.frames.lock_ns.pop();
    let message = writer.append(&bad).unwrap_err().to_string();
    assert!(message.contains("run 7") && message.contains("lock_ns has 3"), "{message}");
    let mut bad = record(7, 4);
    bad.frames.encode_at_ns = vec![1, 2, 3];
    let message = writer.append(&bad).unwrap_err().to_string();
    assert!(message.contains("encode_at_ns has 3"), "{message}");
    writer.append(&record(8, 4)).unwrap();
    assert_eq!(Session::open(root.path()).unwrap().summaries.len(), 1);
}

#[test]
fn a_note_can_be_added_to_a_session() {
    let root = tempfile::tempdir().unwrap();
    write_session(root.path(), 1);
    let noted = Manifest { note: Some("fan at full speed\n\"quoted\"".to_owned()), ..manifest() };
    noted.save(root.path()).unwrap();
    assert_eq!(Session::open(root.path()).unwrap().manifest, noted);
}

/// A limit on file sizes stands for a full disk: writes beyond it fail half-way, for root too. It holds for a whole
/// process, so the test runs itself again inside of one.
#[cfg(unix)]
#[test]
fn a_full_disk_keeps_the_finished_runs() {
    const FOLDER: &str = "INFLIGHT_TEST_FULL_DISK_FOLDER";
    const LIMIT_BYTES: u64 = 64 * 512;
    if let Some(dir) = std::env::var_os(FOLDER) {
        return fill_disk(Path::new(&dir));
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a");
    // Its own output goes through pipes: in a file, say a log of CI, that too would be limited.
    let ended = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 64; trap '' XFSZ; exec \"$0\" --exact a_full_disk_keeps_the_finished_runs"])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, &dir)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    let session = Session::open(&dir).unwrap();
    assert_eq!((session.summaries.len(), session.damage), (2, Vec::new()));
    assert!(fs::metadata(dir.join("runs.jsonl")).unwrap().len() < LIMIT_BYTES);
    assert_eq!(names(root.path()), ["a"]);
}

#[cfg(unix)]
fn fill_disk(dir: &Path) {
    let mut writer = SessionWriter::create(dir, &manifest()).unwrap();
    writer.append(&record(0, 4)).unwrap();
    let refusal = writer.append(&record(1, 100_000)).unwrap_err();
    assert!(matches!(refusal, SessionError::FileLimit { .. }), "{refusal}");
    writer.append(&record(2, 4)).unwrap();

    let manifest = Manifest { note: Some("x".repeat(1 << 20)), ..manifest() };
    let refusal = SessionWriter::create(&dir.with_file_name("b"), &manifest).unwrap_err();
    assert!(matches!(refusal, SessionError::FileLimit { .. }), "{refusal}");
}

#[test]
fn the_schemas_in_the_docs_are_those_of_the_types() {
    let schemas = [
        ("session-format.schema.json", json_schema()),
        ("analysis.schema.json", inflight::stats::analysis::json_schema()),
    ];
    for (name, schema) in schemas {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::File::create(&path).unwrap().write_all(schema.as_bytes()).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(written == schema, "docs/{name} is out of date: run UPDATE_SCHEMA=1 cargo test --test session schema");
    }
}
