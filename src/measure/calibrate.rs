//! A/A calibration: compares each case with itself, to measure this computer's noise floor.
//!
//! A calibration is a sweep with an even number of rounds, of which two make a pair. `stats::evidence::noise_floor`
//! computes the floors, which are kept beside the session.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::recording::RecordingError;
use crate::plan::{Plan, PlanError};
use crate::session::{Session, save_noise_floor};
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::noise_floor::{NoiseFloor, floors};

/// Fewer have no interval.
const MIN_PAIRS: u32 = 6;

/// Default number of pairs of a calibration.
pub const CALIBRATION_PAIRS: u32 = 10;

/// The note of the session.
pub const NOTE: &str = "A/A calibration: every case compared with itself, two rounds per pair";

/// The plan that calibrates `plan`: the same cases, each compared with itself `pairs` times.
///
/// # Errors
/// Too few pairs.
pub fn calibration_plan(plan: Plan, pairs: u32) -> Result<Plan, PlanError> {
    if pairs < MIN_PAIRS {
        return Err(PlanError::TooFewPairs { pairs, least: MIN_PAIRS });
    }
    Ok(Plan {
        repeat: pairs.saturating_mul(2),
        blocks: 1,
        looks: Vec::new(),
        until: None,
        confirm: 0,
        baselines: Vec::new(),
        verify: false,
        ..plan
    })
}

/// The default folder of a calibration: `FOLDER/calibration-DATE-TIME`.
pub fn calibration_dir_in(folder: &Path) -> PathBuf {
    folder.join(Timestamp::now().strftime("calibration-%Y%m%d-%H%M%S").to_string())
}

/// Computes and saves the noise floors of the finished calibration in `dir`; `watching`: the measured cost of the window.
///
/// # Errors
/// No case has enough good pairs, the session cannot be read, or the folder cannot be written to.
pub fn finish(dir: &Path, watching: Option<ChangeInterval>) -> Result<NoiseFloor, RecordingError> {
    let session = Session::open(dir)?;
    let floors = floors(&session.summaries);
    if floors.is_empty() {
        // Kept, it would hide an older one that knows something.
        return Err(RecordingError::NoFloor { dir: dir.to_owned() });
    }
    Ok(save_noise_floor(dir, &session.manifest, floors, watching)?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::measure::recording::Recording;
    use crate::stats::runs::metrics::Metric;

    #[test]
    fn a_floor_is_found_by_sessions_beside_it_and_by_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            device: "virtual:turing,interval_us=100,latency_us=200".to_owned(),
            input: "synthetic:64x64@30".to_owned(),
            frames: 20,
            reap_thresholds: vec![2],
            warmup: 0,
            repeat: 1,
            looks: Vec::new(),
            locks: vec![crate::contract::LockPlacement::Inline],
            confirm: 0,
            ..Plan::default()
        };
        let measure = |plan: &Plan, name: &str| {
            let mut recording =
                Recording::prepare(plan.clone(), "test".to_owned(), false, &AtomicBool::new(false)).unwrap();
            let dir = folder.path().join(name);
            recording
                .measure(
                    &mut recording.create(&crate::session::SessionPlace::Named(dir.clone())).unwrap(),
                    &Default::default(),
                    &mut |_| Ok(()),
                )
                .unwrap();
            Session::open(&dir).unwrap()
        };
        let calibration = measure(&calibration_plan(plan.clone(), 6).unwrap(), "calibration");
        assert_eq!(calibration.summaries.len(), 12);
        let noise = finish(&calibration.dir, None).unwrap();
        let walls: Vec<_> = noise.floors.iter().filter(|floor| floor.metric == Metric::WallMs).collect();
        assert!(walls.len() == 1 && walls[0].num_pairs == 6 && walls[0].floor_pct >= 0.0, "{:?}", noise.floors);
        let found = measure(&plan, "same").noise.unwrap();
        assert_eq!((found.session, found.floors.len()), (noise.session, noise.floors.len()));
        assert_eq!(measure(&Plan { frames: 21, ..plan.clone() }, "longer").noise, None);
        assert!(calibration_plan(plan, 5).is_err());
    }
}
