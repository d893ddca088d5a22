//! What the distributions show of each case: times of all frames, each run's own numbers, depth over time.
//!
//! Made from a session off the window's thread; a session that grew adds its new runs to what is there. Knows no egui.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::figures::depth;
use crate::record::{Case, FrameColumns};
use crate::stats::runs::distribution::{CurvePoint, Distribution};
use crate::stats::runs::histogram::{Bar, Histogram};
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;
use crate::ui::data::{LoadedRun, LoadedSession};
use crate::ui::views::distributions::selection::{FrameSelection, FrameTime};

/// Every case of a session that has a good counted run, in plan order.
#[derive(Debug, Clone, Default)]
pub struct Cases {
    /// The cases.
    pub cases: Vec<CaseModel>,
    /// Frames in all of them.
    pub num_frames: u64,
}

/// One case.
#[derive(Debug, Clone)]
pub struct CaseModel {
    /// Which.
    pub case: Case,
    /// The waits of its frames.
    pub lock_wait: TimeModel,
    /// The latencies of its frames.
    pub latency: TimeModel,
    /// Share of the time (0 to 1) at each depth that occurred, ascending by depth.
    pub depth_shares: Vec<(u32, f64)>,
    /// The most frames in flight in each run.
    pub queue_peaks: Vec<u32>,
    at_depth_ns: BTreeMap<u32, u64>,
    runs: Vec<Arc<FrameColumns>>,
}

/// One time of a case's frames.
#[derive(Debug, Clone, Default)]
pub struct TimeModel {
    /// Bins on the axis of decades.
    pub bars: Vec<Bar>,
    /// Percentiles.
    pub curve: Vec<CurvePoint>,
    /// The times (ns) that 5, 25, 50, 75 and 95 % of the frames did not exceed.
    pub quantiles_ns: Option<[u64; 5]>,
    /// Each run's own median and 99th percentile, in milliseconds.
    pub run_dots: Vec<[Option<f64>; 2]>,
    histogram: Histogram,
    distribution: Distribution,
}

impl Cases {
    /// The cases of `session`. What `previous` knows of them already is taken over.
    pub fn of(session: &LoadedSession, previous: &Self) -> Self {
        let with_runs = session.groups.iter().map(|group| CaseModel::of(group.case, session, previous));
        let cases: Vec<_> = with_runs.filter(|case| !case.runs.is_empty()).collect();
        let num_frames = cases.iter().flat_map(|case| &case.runs).map(|frames| frames.len() as u64).sum();
        Self { cases, num_frames }
    }
}

impl CaseModel {
    /// The one of its times that is asked for.
    pub fn time(&self, time: FrameTime) -> &TimeModel {
        match time {
            FrameTime::LockWait => &self.lock_wait,
            FrameTime::Latency => &self.latency,
        }
    }

    /// How many of its frames are marked.
    pub fn num_marked(&self, selection: &FrameSelection) -> u64 {
        let in_run = |frames: &Arc<FrameColumns>| selection.frames_in(frames).len() as u64;
        self.runs.iter().map(in_run).sum()
    }

    fn of(case: Case, session: &LoadedSession, previous: &Cases) -> Self {
        let counted = |run: &&LoadedRun| run.summary.case == case && run.summary.counts();
        let runs: Vec<_> = session.runs.iter().filter(counted).collect();
        let known = previous.cases.iter().find(|known| known.case == case && known.is_made_from_first_of(&runs));
        let mut model = known.cloned().unwrap_or_else(|| Self::empty(case));
        for run in runs.get(model.runs.len()..).unwrap_or_default() {
            model.add(run);
        }
        model.finish();
        model
    }

    fn empty(case: Case) -> Self {
        Self {
            case,
            lock_wait: TimeModel::default(),
            latency: TimeModel::default(),
            depth_shares: Vec::new(),
            queue_peaks: Vec::new(),
            at_depth_ns: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    fn is_made_from_first_of(&self, runs: &[&LoadedRun]) -> bool {
        let same = |(mine, run): (&Arc<FrameColumns>, &&LoadedRun)| Arc::ptr_eq(mine, &run.frames);
        self.runs.len() <= runs.len() && self.runs.iter().zip(runs).all(same)
    }

    fn add(&mut self, run: &LoadedRun) {
        self.lock_wait.add(FrameTime::LockWait, run);
        self.latency.add(FrameTime::Latency, run);
        self.queue_peaks.push(run.summary.value(Metric::QueuePeak).unwrap_or(0.0) as u32);
        let steps = depth::steps(&run.frames);
        for (&(from_ns, depth), &(to_ns, _)) in steps.iter().zip(steps.iter().skip(1)) {
            *self.at_depth_ns.entry(depth).or_default() += to_ns - from_ns;
        }
        self.runs.push(Arc::clone(&run.frames));
    }

    fn finish(&mut self) {
        self.lock_wait.finish();
        self.latency.finish();
        let total_ns = self.at_depth_ns.values().map(|&ns| ns as f64).sum::<f64>().max(1.0);
        let share = |(&depth, &ns): (&u32, &u64)| (depth, ns as f64 / total_ns);
        self.depth_shares = self.at_depth_ns.iter().map(share).filter(|&(_, share)| share > 0.0).collect();
    }
}

impl TimeModel {
    fn add(&mut self, time: FrameTime, run: &LoadedRun) {
        let times_ns: Vec<u64> = run.frames.of_packets(time.column(&run.frames)).collect();
        self.histogram.add(&times_ns);
        self.distribution.add(&times_ns);
        let value = |metric| RunSummary::value(&run.summary, metric);
        self.run_dots.push(time.run_metrics().map(value));
    }

    fn finish(&mut self) {
        self.bars = self.histogram.bars();
        self.curve = self.distribution.curve();
        let values = [0.05, 0.25, 0.5, 0.75, 0.95].map(|quantile| self.distribution.value_at(quantile));
        self.quantiles_ns = match values {
            [Some(low), Some(lower), Some(median), Some(upper), Some(high)] => Some([low, lower, median, upper, high]),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture::{push_run, session};

    #[test]
    fn depth_shares_are_of_time() {
        // A picture each millisecond, each 2 ms in flight: after the start and before the end there are always two.
        let mut session = session();
        push_run(&mut session, 2, &[2_000_000; 10], 1_000_000);
        let cases = Cases::of(&session, &Cases::default());
        let shares = &cases.cases[0].depth_shares;
        assert_eq!(shares.iter().map(|share| share.0).collect::<Vec<_>>(), [1, 2]);
        assert!((shares.iter().map(|share| share.1).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(cases.cases[0].queue_peaks, [2]);
    }

    #[test]
    fn grown_run_by_run_is_as_made_at_once() {
        let mut session = session();
        let mut grown = Cases::default();
        for (threshold, latency_ns) in [(1, 900_000), (4, 1_300_000), (1, 950_000), (4, 1_250_000)] {
            push_run(&mut session, threshold, &[latency_ns; 100], 300_000);
            grown = Cases::of(&session, &grown);
        }
        let whole = Cases::of(&session, &Cases::default());
        assert_eq!((grown.num_frames, grown.cases.len()), (400, 2));
        for (grown, whole) in grown.cases.iter().zip(&whole.cases) {
            assert_eq!(grown.latency.bars, whole.latency.bars);
            assert_eq!(grown.latency.curve, whole.latency.curve);
            assert_eq!((&grown.depth_shares, grown.runs.len()), (&whole.depth_shares, whole.runs.len()));
            assert_eq!(grown.latency.run_dots.len(), 2);
        }
    }

    #[test]
    fn warm_ups_and_failures_are_left_out() {
        let mut session = session();
        push_run(&mut session, 1, &[900_000; 10], 1_000_000);
        push_run(&mut session, 4, &[900_000; 10], 1_000_000);
        session.runs[1].summary.warmup = true;
        let cases = Cases::of(&session, &Cases::default());
        assert_eq!((cases.cases.len(), cases.num_frames), (1, 10));
    }
}
