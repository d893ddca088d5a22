//! How long comparing two large sessions takes: `cargo run --release --example compare_speed`.
//!
//! Writes two sessions of 200 runs with 10,000 frames each (some 750 MB, in a folder that is removed again), opens both
//! and compares them, three times. Then judges a sweep of 36 cases with 1,000 runs each, in memory. Prints the times and the
//! most memory this process had.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use inflight::contract::LockPlacement::Inline;
use inflight::contract::{Codec, Dimensions, EncodeMetrics, EngineKind, FrameRate, PixelFormat};
use inflight::plan::Plan;
use inflight::record::{Case, DeviceInfo, DeviceKind, Environment, FrameColumns, InputInfo, RunRecord};
use inflight::session::{Manifest, Session, SessionWriter};
use inflight::stats::analysis::Analysis;
use inflight::stats::runs::metrics::Metric;
use inflight::stats::runs::selector::CaseFilter;
use inflight::stats::verdict::comparison::{Allowances, compare};
use inflight::stats::verdict::criteria::Criteria;

const RUNS: u32 = 200;
const FRAMES: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let dirs = [folder.path().join("before"), folder.path().join("after")];
    for (dir, seed) in dirs.iter().zip(1..) {
        write(dir, seed)?;
    }
    println!("memory before: {} MiB", peak_mib());
    for _ in 0..3 {
        let start = Instant::now();
        let [before, after] = Session::open_both(&dirs[0], &dirs[1])?;
        let opened = start.elapsed();
        let side = |session: &Session| session.manifest.created_unix_ms;
        assert_ne!(side(&before), side(&after));
        let filter = CaseFilter::default();
        let (before, after) = (before.side("before", filter), after.side("after", filter));
        let comparison = compare(&before, &after, &Criteria::default(), Allowances::default())?;
        let all = start.elapsed();
        let peak = peak_mib();
        println!(
            "{}: opened in {opened:.2?}, compared in {:.2?}, all {all:.2?}; peak {peak} MiB",
            comparison.verdict,
            all - opened
        );
    }
    judge_many()?;
    Ok(())
}

/// 36 cases of three codecs, 1,000 rounds.
fn judge_many() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    write_runs(folder.path().join("many").as_path(), 1, 1)?;
    let session = Session::open(&folder.path().join("many"))?;
    let mut random = fastrand::Rng::with_seed(3);
    let template = session.summaries.first().ok_or("no run")?;
    let cases: Vec<_> = Codec::ENCODED
        .into_iter()
        .flat_map(|codec| (1..=12).map(move |reap_threshold| (codec, reap_threshold)))
        .map(|(codec, reap_threshold)| Case { codec, reap_threshold, pool: reap_threshold, ..template.case })
        .collect();
    let mut runs = Vec::new();
    for round in 0..1000 {
        for case in &cases {
            let mut run = template.clone();
            (run.case, run.repeat_index, run.order_index) = (*case, round, runs.len() as u32);
            let wall_ms = 100.0 * (1.0 + 1.0 / f64::from(case.reap_threshold)) * (0.98 + 0.04 * random.f64());
            run.values.set(Metric::WallMs, Some(wall_ms));
            run.values.set(Metric::LockMs, Some(wall_ms * random.f64()));
            runs.push(run);
        }
    }
    let side = inflight::stats::evidence::side::Side { runs: &runs, ..session.side("many", CaseFilter::default()) };
    for _ in 0..3 {
        let start = Instant::now();
        let analysis = Analysis::of(&side)?;
        let num = analysis.cells.len();
        println!(
            "36 cases with 1,000 runs each judged in {:.2?}: {num} cells, peak {} MiB",
            start.elapsed(),
            peak_mib()
        );
    }
    Ok(())
}

fn write(dir: &Path, seed: u64) -> Result<(), Box<dyn Error>> {
    write_runs(dir, seed, RUNS)
}

fn write_runs(dir: &Path, seed: u64, num: u32) -> Result<(), Box<dyn Error>> {
    let dimensions = Dimensions { width: 640, height: 360 };
    let manifest = Manifest {
        settings: Default::default(),
        rehearsals: Default::default(),
        format_version: 1,
        created_unix_ms: seed,
        plan: Plan { frames: FRAMES as u64, repeat: RUNS, confirm: 0, ..Plan::default() },
        input: InputInfo {
            spec: "synthetic".to_owned(),
            format: PixelFormat::Nv12,
            dimensions,
            frame_rate: FrameRate { num: 30, den: 1 },
            colour: None,
            frames: FRAMES as u64,
            digest: String::new(),
            remarks: Vec::new(),
        },
        device: DeviceInfo {
            kind: DeviceKind::Virtual,
            name: "made up".to_owned(),
            driver: String::new(),
            api_version: String::new(),
            engine: EngineKind::Nvenc,
            card: None,
        },
        environment: Environment { optimised_build: true, ..Environment::default() },
        note: None,
        resumptions: Vec::new(),
    };
    let mut writer = SessionWriter::create(dir, &manifest)?;
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..num {
        writer.append(&record(round, &mut random))?;
    }
    Ok(())
}

fn record(round: u32, random: &mut fastrand::Rng) -> RunRecord {
    let mut column = |around: u64| (0..FRAMES).map(|_| around + random.u64(0..around / 4)).collect::<Vec<u64>>();
    let at = |step: u64| (0..FRAMES as u64).map(|frame| frame * step).collect::<Vec<u64>>();
    let frames = FrameColumns {
        begin_at_ns: at(700_123),
        source_wait_ns: vec![0; FRAMES],
        blocked_ns: column(1_000),
        upload_ns: column(25_000),
        submit_at_ns: at(700_345),
        submit_ns: column(9_000),
        depth: vec![4; FRAMES],
        lock_at_ns: at(700_567),
        lock_ns: column(400_000),
        copy_ns: column(2_000),
        unlock_ns: column(500),
        latency_ns: column(700_000),
        bytes: vec![12_345; FRAMES],
        encode_idx: (0..FRAMES as u32).collect(),
        kinds: "P".repeat(FRAMES),
        ..FrameColumns::default()
    };
    let wall_ns = 7_000_000_000 + random.u64(0..50_000_000);
    let lock_ns = frames.lock_ns.iter().sum();
    let num = FRAMES as u64;
    RunRecord {
        case: Case {
            codec: Codec::H264,
            reap_threshold: 4,
            lock: Inline,
            pool: 4,
            names_pool: false,
            client: Default::default(),
            decode: None,
        },
        warmup: false,
        is_confirmation: false,
        repeat_index: round,
        order_index: round,
        block: 0,
        started_unix_ms: 0,
        error: None,
        open_ns: 0,
        wall_ns,
        model_late: Some(0),
        model_late_ns: Some(0),
        gpu: None,
        process: None,
        metrics: EncodeMetrics { frames: num, packets: num, lock_ns, queue_peak: 4, ..EncodeMetrics::default() },
        frames,
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

/// Most memory this process had resident, as Linux tells it.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
