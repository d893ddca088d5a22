//! What a plan can do beyond measuring: load code, and tell another program what to do. Of a plan from a file, which may be
//! somebody else's, none of it is done unless the user allows it.

use std::fmt;

use crate::device::DeviceSpec;
use crate::plan::{Baseline, Plan};

/// A kind of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It loads a driver library.
    Library,
    /// It gives options to FFmpeg, which can write files.
    Baseline,
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Library => "library",
            Self::Baseline => "baseline",
        })
    }
}

/// All of it that the plan does, each with the words of the plan.
pub fn powers(plan: &Plan) -> Vec<(Power, String)> {
    let library = matches!(plan.device.parse(), Ok(DeviceSpec::Library(_)));
    let library = library.then(|| (Power::Library, format!("loads the library {}", plan.device)));
    let options = |baseline: &&Baseline| baseline.extra_options().next().is_some();
    let baselines = plan.baselines.iter().filter(options);
    let baselines = baselines.map(|baseline| (Power::Baseline, format!("adds options to FFmpeg: {baseline}")));
    library.into_iter().chain(baselines).collect()
}

/// The plan, without whatever `own` does not do already, and the words of what was left out: what a user has chosen is the user's.
pub fn without_new_powers(plan: &Plan, own: &Plan) -> (Plan, Vec<String>) {
    let own = powers(own);
    let new: Vec<_> = powers(plan).into_iter().filter(|power| !own.contains(power)).map(|(_, words)| words).collect();
    if new.is_empty() { (plan.clone(), new) } else { (without_powers(plan.clone()), new) }
}

/// The plan without any of it.
fn without_powers(plan: Plan) -> Plan {
    let has_library = powers(&plan).iter().any(|(power, _)| *power == Power::Library);
    let device = if has_library { Plan::default().device } else { plan.device.clone() };
    let harmless = |baseline: &Baseline| baseline.extra_options().next().is_none();
    Plan { device, baselines: plan.baselines.iter().filter(|one| harmless(one)).cloned().collect(), ..plan }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_and_options_of_ffmpeg_are_found_and_left_out() {
        let baselines = vec!["ffmpeg".parse().unwrap(), "ffmpeg:-y /etc/passwd".parse().unwrap()];
        let plan = Plan { device: "./evil.so".to_owned(), baselines, ..Plan::default() };
        let found: Vec<_> = powers(&plan).into_iter().map(|(power, _)| power).collect();
        assert_eq!(found, [Power::Library, Power::Baseline]);
        let (tame, left_out) = without_new_powers(&plan, &Plan::default());
        assert_eq!((powers(&tame), tame.baselines.len(), left_out.len()), (Vec::new(), 1, 2));
        assert_eq!(without_new_powers(&plan, &plan), (plan.clone(), Vec::new()), "the user has chosen them");
        for device in ["virtual", "virtual:ada", "cuda:0"] {
            assert!(powers(&Plan { device: device.to_owned(), ..Plan::default() }).is_empty(), "{device}");
        }
    }
}
