//! One run to make, and the order of a round. Makes none, and knows no plan.

use serde::{Deserialize, Serialize};

use crate::contract::EncodeMetrics;
use crate::record::{Case, FrameColumns, RunRecord};

/// One run to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// The case.
    pub case: Case,
    /// The process that makes it, from 0.
    pub block: u32,
    /// Is it a warm-up, and not counted?
    pub warmup: bool,
    /// Is it part of a confirmation round?
    pub is_confirmation: bool,
    /// Its round, from 0; warm-ups are counted separately.
    pub repeat_index: u32,
    /// Position in the order of all runs, from 0.
    pub order_index: u32,
}

impl PlannedRun {
    /// Its record before anything has happened.
    pub fn record(&self, started_unix_ms: u64) -> RunRecord {
        let Self { case, block, warmup, is_confirmation, repeat_index, order_index } = *self;
        RunRecord {
            case,
            warmup,
            is_confirmation,
            repeat_index,
            order_index,
            block,
            started_unix_ms,
            error: None,
            open_ns: 0,
            wall_ns: 0,
            model_late: None,
            model_late_ns: None,
            gpu: None,
            process: None,
            telemetry: None,
            warm_up: None,
            preroll: None,
            other_streams: Vec::new(),
            metrics: EncodeMetrics::default(),
            frames: FrameColumns::default(),
            resumes: 0,
            dimensions: None,
            digest_ns: None,
            decode: None,
        }
    }
}

/// The order of one round, drawn by lot: `seed` and the round decide, so the same lot gives the same order. Exact tests rest
/// on this: whatever disturbs the machine, also with a period of its own, falls on each side of a pair as likely as on the
/// other. Without a seed the cases keep their order.
pub fn in_round(cases: &[Case], seed: Option<u64>, (warmup, round): (bool, u32)) -> Vec<Case> {
    let mut order = cases.to_vec();
    if let Some(seed) = seed {
        let of_round = (u64::from(round) << 1 | u64::from(warmup)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        fastrand::Rng::with_seed(seed ^ of_round).shuffle(&mut order);
    }
    order
}
