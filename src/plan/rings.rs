//! How many buffers the cases of a plan have, and how many frames go before the clock starts.

use serde::{Deserialize, Deserializer};

use super::{Plan, PlanError, check_list};
use crate::contract::MAX_IN_FLIGHT;

/// By NVENC's header, without what B-frames hold back.
const LEAST_POOL: u32 = 4;
/// More than a run has by default, many times over.
pub(super) const MAX_PREROLL: u32 = 10_000;

impl Plan {
    pub(super) fn check_rings(&self) -> Result<(), PlanError> {
        let in_range = |threshold: &&u32| !(1..=MAX_IN_FLIGHT).contains(*threshold);
        self.reap_thresholds.iter().find(in_range).map_or(Ok(()), |&wrong| Err(PlanError::Threshold(wrong)))?;
        if let Some(&pool) = self.pools.iter().find(|&&pool| pool > 2 * MAX_IN_FLIGHT) {
            return Err(PlanError::PoolTooLarge(pool));
        }
        if self.preroll.is_some_and(|frames| frames > MAX_PREROLL) {
            return Err(PlanError::PrerollTooLong(self.preroll.unwrap_or(0)));
        }
        let Some(&pool) = self.pools.iter().max() else { return Ok(()) };
        check_list("pool", &self.pools)?;
        let threshold = self.reap_thresholds.iter().copied().max().unwrap_or(1);
        match pool {
            _ if pool < threshold => Err(PlanError::PoolTooSmall { pool, threshold }),
            _ if pool < threshold.saturating_add(self.held()) => {
                Err(PlanError::PoolTooSmallForReorder { pool, threshold, held: self.held() })
            }
            // Every pool is there for some case.
            _ => {
                let is_too_small =
                    |pool: u32| self.reap_thresholds.iter().all(|&t| pool < t.saturating_add(self.held()));
                let for_nothing = self.pools.iter().copied().find(|&pool| is_too_small(pool));
                for_nothing.map_or(Ok(()), |pool| Err(PlanError::PoolForNothing(pool)))
            }
        }
    }

    /// Frames that the encoder holds back: B-frames, and those that it looks ahead.
    pub fn held(&self) -> u32 {
        self.b_frames.saturating_add(self.lookahead.unwrap_or(0).into())
    }

    /// Buffer pairs that are enough for every threshold, and for what NVENC's header asks for: four, and what the encoder holds back.
    pub fn usual_pool(&self) -> u32 {
        pool_for(&self.reap_thresholds).saturating_add(self.held())
    }

    /// The pools of the sweep.
    fn swept_pools(&self) -> Vec<u32> {
        if self.pools.is_empty() { vec![self.usual_pool()] } else { self.pools.clone() }
    }

    /// Surfaces of a transcode's decoder beyond those that its references need, the same in every case.
    pub fn decode_pool(&self) -> u32 {
        pool_for(&self.decode_reap_thresholds)
    }

    /// Frames that each run submits before the clock starts.
    pub fn preroll_frames(&self) -> u32 {
        let largest = self.swept_pools().into_iter().max().unwrap_or(0);
        self.preroll.unwrap_or_else(|| largest.saturating_mul(2))
    }

    /// Thresholds with the pools that are enough for them, as many as there are.
    pub(super) fn rings(&self) -> Vec<(u32, u32)> {
        let pools = self.swept_pools();
        let with_pools = |&threshold: &u32| {
            let is_enough = move |pool: &u32| *pool >= threshold.saturating_add(self.held());
            pools.iter().copied().filter(is_enough).map(move |pool| (threshold, pool)).collect::<Vec<_>>()
        };
        self.reap_thresholds.iter().flat_map(with_pools).collect()
    }
}

/// Four is what NVENC's header asks for beside what B-frames hold back.
fn pool_for(thresholds: &[u32]) -> u32 {
    thresholds.iter().copied().max().unwrap_or(1).max(LEAST_POOL)
}

/// Older plans have one pool, or `null`.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Pools {
        None(()),
        One(u32),
        Many(Vec<u32>),
    }
    Ok(match Pools::deserialize(deserializer)? {
        Pools::None(()) => Vec::new(),
        Pools::One(pool) => vec![pool],
        Pools::Many(pools) => pools,
    })
}
