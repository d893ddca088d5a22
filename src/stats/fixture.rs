//! Runs made up for the tests of this folder.

use crate::contract::{Codec, Dimensions, EncodeMetrics, EngineKind, FrameRate, LockPlacement, PixelFormat};
use crate::plan::Plan;
use crate::record::{Case, DeviceInfo, DeviceKind, Environment, FrameColumns, InputInfo, RunRecord};
use crate::stats::evidence::side::Side;
use crate::stats::runs::selector::CaseFilter;
use crate::stats::runs::summary::RunSummary;

pub fn case(reap_threshold: u32, lock: LockPlacement) -> Case {
    Case {
        codec: Codec::H264,
        reap_threshold,
        lock,
        pool: reap_threshold,
        names_pool: false,
        client: Default::default(),
        decode: None,
    }
}

/// A good counted run of 100 frames that never waits.
pub fn record(case: Case, order_index: u32, wall_ms: f64) -> RunRecord {
    RunRecord {
        case,
        warmup: false,
        is_confirmation: false,
        repeat_index: order_index,
        order_index,
        block: 0,
        started_unix_ms: 1_700_000_000_000,
        error: None,
        open_ns: 5_000_000,
        wall_ns: (wall_ms * 1e6) as u64,
        model_late: Some(0),
        model_late_ns: Some(0),
        gpu: None,
        process: None,
        metrics: EncodeMetrics {
            frames: 100,
            packets: 100,
            bytes: 50_000,
            queue_peak: case.reap_threshold,
            ..EncodeMetrics::default()
        },
        frames: FrameColumns::default(),
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

pub fn summary(case: Case, order_index: u32, wall_ms: f64) -> RunSummary {
    RunSummary::of(&record(case, order_index, wall_ms))
}

/// Where the runs of a session come from.
pub struct Origin {
    pub created_unix_ms: u64,
    pub plan: Plan,
    pub input: InputInfo,
    pub settings: std::collections::BTreeMap<Codec, crate::record::EncodeSettings>,
    pub rehearsals: std::collections::BTreeMap<Codec, crate::record::Rehearsal>,
    pub device: DeviceInfo,
    pub environment: Environment,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            created_unix_ms: 0,
            plan: Plan { looks: Vec::new(), order_seed: Some(1), ..Plan::default() },
            input: InputInfo {
                spec: "synthetic".to_owned(),
                format: PixelFormat::Nv12,
                dimensions: Dimensions { width: 640, height: 360 },
                frame_rate: FrameRate { num: 30, den: 1 },
                colour: None,
                frames: 100,
                digest: "0123456789abcdef".to_owned(),
                remarks: Vec::new(),
            },
            settings: Default::default(),
            rehearsals: Default::default(),
            device: DeviceInfo {
                kind: DeviceKind::Virtual,
                name: "virtual:fixed".to_owned(),
                driver: "0.1.0".to_owned(),
                api_version: "12.1".to_owned(),
                engine: EngineKind::Nvenc,
                card: None,
            },
            environment: Environment { optimised_build: true, ..Environment::default() },
        }
    }
}

impl Origin {
    pub fn side<'a>(&'a self, runs: &'a [RunSummary], filter: CaseFilter) -> Side<'a> {
        Side {
            session: "output/a",
            created_unix_ms: self.created_unix_ms,
            plan: &self.plan,
            input: &self.input,
            settings: &self.settings,
            rehearsals: &self.rehearsals,
            device: &self.device,
            environment: &self.environment,
            noise: None,
            runs,
            filter,
        }
    }
}
