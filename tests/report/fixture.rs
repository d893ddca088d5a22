//! Sessions made by arithmetic: an engine of fixed latency and interval with a little seeded jitter, no device, no clock.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::LazyLock;

use inflight::contract::{Codec, Dimensions, EncodeMetrics, EngineKind, FrameRate, LockPlacement, PixelFormat};
use inflight::plan::{Plan, PlannedRun};
use inflight::record::{DeviceInfo, DeviceKind, Environment, FrameColumns, InputInfo, RunRecord};
use inflight::session::{FORMAT_VERSION, Manifest, Session, SessionWriter};
use tempfile::TempDir;

/// Two codecs, four thresholds, two lock placements.
pub fn plan() -> Plan {
    Plan {
        device: "virtual:video-hw-2026-02".to_owned(),
        codecs: vec![Codec::H264, Codec::Hevc],
        reap_thresholds: vec![1, 2, 4, 8],
        locks: vec![LockPlacement::Inline, LockPlacement::Thread],
        warmup: 1,
        repeat: 3,
        looks: Vec::new(),
        order_seed: Some(1),
        ..Plan::default()
    }
}

/// One codec, two thresholds, short runs: for tests that need a session of their own.
pub fn small_plan() -> Plan {
    Plan {
        codecs: vec![Codec::H264],
        reap_thresholds: vec![1, 4],
        locks: vec![LockPlacement::Inline],
        frames: 60,
        ..plan()
    }
}

/// A virtual one.
pub fn device() -> DeviceInfo {
    DeviceInfo {
        kind: DeviceKind::Virtual,
        name: "video-hw-2026-02 (latency 737 µs, interval 300 µs)".to_owned(),
        driver: "virtual-nvenc 0.1.0".to_owned(),
        api_version: "13.0".to_owned(),
        engine: EngineKind::Nvenc,
        card: None,
    }
}

fn input(plan: &Plan) -> InputInfo {
    InputInfo {
        spec: plan.input.clone(),
        format: PixelFormat::Nv12,
        dimensions: Dimensions { width: 640, height: 360 },
        frame_rate: FrameRate { num: 30, den: 1 },
        colour: None,
        frames: plan.frames,
        digest: "00c0ffee00c0ffee".to_owned(),
        remarks: Vec::new(),
    }
}

fn environment() -> Environment {
    Environment {
        os: "Linux".to_owned(),
        kernel: "6.1".to_owned(),
        cpu: "Fixture CPU".to_owned(),
        num_cpus: 2,
        memory_mib: 4096,
        cpu_governor: Some("performance".to_owned()),
        niceness: Some(0),
        timer_slack_ns: Some(50_000),
        inflight_version: "0.1.0".to_owned(),
        optimised_build: true,
        command: "inflight sweep --device virtual:video-hw-2026-02 --codec h264,hevc --session output/fixture"
            .to_owned(),
    }
}

fn runs(plan: &Plan) -> Vec<RunRecord> {
    plan.runs().iter().map(|run| record(run, plan.frames as usize)).collect()
}

/// One run on an engine that needs `latency` for a picture and takes a new one each `interval`.
fn record(run: &PlannedRun, num_frames: usize) -> RunRecord {
    let mut engine = Engine::new(run);
    let threshold = run.case.reap_threshold as usize;
    let is_inline = run.case.lock == LockPlacement::Inline;
    let (mut now, mut reaper) = (0, 0);
    let mut pending: VecDeque<(usize, u64)> = VecDeque::new();
    let mut unlocked: VecDeque<u64> = VecDeque::new();
    let mut frames = FrameColumns::default();
    for idx in 0..num_frames {
        now += 175_000; // the caller's own work
        push_frame(&mut frames, now);
        let in_flight_at = |now: u64, unlocked: &VecDeque<u64>| unlocked.iter().filter(|&&at| at > now).count();
        if !is_inline && in_flight_at(now, &unlocked) >= threshold {
            let until = unlocked[unlocked.len() - threshold];
            frames.blocked_ns[idx] = until - now;
            now = until;
        }
        now += 20_000;
        frames.submit_at_ns[idx] = now;
        now += 150_000;
        let done = engine.submit(now);
        pending.push_back((idx, done));
        if is_inline {
            frames.depth[idx] = pending.len() as u32;
            if pending.len() >= threshold {
                now = lock(&mut frames, &mut pending, now);
            }
        } else {
            frames.depth[idx] = in_flight_at(now, &unlocked) as u32 + 1;
            reaper = lock(&mut frames, &mut pending, now.max(reaper));
            unlocked.push_back(reaper);
        }
    }
    let drain_from = now;
    while !pending.is_empty() {
        now = lock(&mut frames, &mut pending, now);
    }
    let wall_ns = now.max(reaper);
    finish(run, frames, wall_ns, wall_ns - drain_from)
}

fn push_frame(frames: &mut FrameColumns, now: u64) {
    let idx = frames.len() as u32;
    frames.begin_at_ns.push(now);
    frames.source_wait_ns.push(0);
    frames.blocked_ns.push(0);
    frames.upload_ns.push(20_000);
    frames.submit_at_ns.push(0);
    frames.submit_ns.push(150_000);
    frames.depth.push(0);
    frames.lock_at_ns.push(0);
    frames.lock_ns.push(0);
    frames.copy_ns.push(4_000);
    frames.unlock_ns.push(1_000);
    frames.latency_ns.push(0);
    // The same in every run, as an encoder's are.
    frames.bytes.push(900 + (frames.bytes.len() as u32 * 37) % 200);
    frames.encode_idx.push(idx);
    frames.kinds.push(if idx == 0 { 'K' } else { 'P' });
}

/// Locks the oldest picture from `now` on; answers when it was handed out.
fn lock(frames: &mut FrameColumns, pending: &mut VecDeque<(usize, u64)>, now: u64) -> u64 {
    let (idx, done) = pending.pop_front().expect("a picture is pending");
    frames.lock_at_ns[idx] = now;
    frames.lock_ns[idx] = done.saturating_sub(now) + 900;
    let end = now + frames.lock_ns[idx] + 5_000;
    frames.latency_ns[idx] = end - frames.submit_at_ns[idx];
    end
}

fn finish(run: &PlannedRun, frames: FrameColumns, wall_ns: u64, drain_ns: u64) -> RunRecord {
    let sum = |column: &[u64]| column.iter().sum();
    let metrics = EncodeMetrics {
        frames: frames.len() as u64,
        packets: frames.len() as u64,
        bytes: frames.bytes.iter().map(|&bytes| u64::from(bytes)).sum(),
        queue_peak: frames.depth.iter().copied().max().unwrap_or(0),
        blocked_ns: sum(&frames.blocked_ns),
        upload_ns: sum(&frames.upload_ns),
        input_lock_ns: 0,
        input_unlock_ns: 0,
        submit_ns: sum(&frames.submit_ns),
        lock_ns: sum(&frames.lock_ns),
        copy_ns: sum(&frames.copy_ns),
        unlock_ns: sum(&frames.unlock_ns),
        drain_ns,
        lock_thread_cpu_ns: None,
        map_ns: 0,
        unmap_ns: 0,
        convert_ns: 0,
    };
    RunRecord {
        case: run.case,
        warmup: run.warmup,
        is_confirmation: run.is_confirmation,
        repeat_index: run.repeat_index,
        order_index: run.order_index,
        block: run.block,
        started_unix_ms: 1_771_459_200_000 + u64::from(run.order_index) * 300,
        error: None,
        open_ns: 12_000_000,
        wall_ns,
        model_late: Some(0),
        model_late_ns: Some(0),
        gpu: None,
        process: None,
        metrics,
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

struct Engine {
    latency_ns: u64,
    free_at_ns: u64,
    state: u64,
}

impl Engine {
    fn new(run: &PlannedRun) -> Self {
        let latency_ns = if run.case.codec == Codec::H264 { 737_000 } else { 631_000 };
        Self { latency_ns, free_at_ns: 0, state: 0x9e37_79b9 + u64::from(run.order_index) }
    }

    /// Answers when the picture submitted at `now` is done.
    fn submit(&mut self, now: u64) -> u64 {
        let start = now.max(self.free_at_ns);
        let jitter = self.random() % 30_000;
        let stall = if self.random().is_multiple_of(150) { 800_000 } else { 0 };
        self.free_at_ns = start + 300_000 + jitter + stall;
        start + self.latency_ns + jitter + stall
    }

    /// A linear congruential generator with Knuth's MMIX constants.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.state >> 33
    }
}

/// The session of [`plan`] on [`device`], written once for all tests.
pub fn plain() -> &'static Session {
    static SESSION: LazyLock<Session> = LazyLock::new(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-fixture");
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => write(&dir, &plan(), device(), |_| ()),
        }
    });
    &SESSION
}

/// The runs of `plan` as a session in a folder of its own, each changed by `change` before it is written.
pub fn session(plan: &Plan, device: DeviceInfo, change: impl Fn(&mut RunRecord)) -> (TempDir, Session) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let session = write(&folder.path().join("session"), plan, device, change);
    (folder, session)
}

fn write(dir: &Path, plan: &Plan, device: DeviceInfo, change: impl Fn(&mut RunRecord)) -> Session {
    let manifest = Manifest {
        settings: Default::default(),
        rehearsals: Default::default(),
        format_version: FORMAT_VERSION,
        created_unix_ms: 1_771_459_200_000,
        plan: plan.clone(),
        input: input(plan),
        device,
        environment: environment(),
        note: None,
        resumptions: Vec::new(),
    };
    let mut writer = SessionWriter::create(dir, &manifest).expect("the session can be written");
    for mut run in runs(plan) {
        change(&mut run);
        writer.append(&run).expect("the run can be written");
    }
    Session::open(dir).expect("the session can be read")
}
