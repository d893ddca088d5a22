//! How many streams does a device carry? A sweep for each number of streams, and what each came to.
//!
//! Knows nothing of how it is shown. Each sweep is a session of its own in one folder.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::recording::{Recording, RecordingError};
use super::sweep::Event;
use crate::plan::{Goal, Plan};
use crate::session::{Session, SessionPlace};
use crate::stats::verdict::density::{Density, Load};

/// More streams are not tried.
const MOST_STREAMS: u32 = 256;

/// Which numbers of streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Numbers {
    /// These, in this order.
    Given(Vec<u32>),
    /// Twice as many each time until they are not carried, and then halfway between, until the largest number is known.
    UntilMissed,
}

/// The plan of each sweep: live, where frames have a pace.
pub fn density_plan(plan: Plan) -> Plan {
    let goal = match plan.goal {
        Goal::Batch if plan.pace_fps.is_some() => Goal::Live { budget_ms: None },
        goal => goal,
    };
    Plan { goal, ..plan }
}

/// Makes the sweeps, each as a session in `dir`.
///
/// # Errors
/// As of a sweep; what was measured before stays.
pub fn measure(
    plan: Plan,
    numbers: &Numbers,
    (dir, command): (&Path, &str),
    stop: &AtomicBool,
    listener: &mut dyn FnMut(Event<'_>) -> Result<(), String>,
) -> Result<Density, RecordingError> {
    let plan = density_plan(plan);
    let (mut loads, mut measured) = (Vec::new(), None);
    while let Some(streams) = next(numbers, &loads).filter(|_| !stop.load(Ordering::Relaxed)) {
        let prepared = Recording::prepare(Plan { streams, ..plan.clone() }, command.to_owned(), false, stop);
        let mut recording = match prepared {
            Err(RecordingError::NoNumbers) => break,
            prepared => prepared?,
        };
        let dir = dir.join(format!("streams-{streams}"));
        let outcome = recording.measure(&mut recording.create(&SessionPlace::Named(dir.clone()))?, stop, listener)?;
        if !outcome.stopped {
            let session = Session::open(&dir)?;
            let analysis = session.analysis().ok();
            let preferred = |codec| analysis.as_ref().and_then(|all| Some(all.answer(codec)?.case));
            let load = |&codec| Load::of(&session.manifest.plan, &session.summaries, codec, preferred(codec));
            loads.extend(session.manifest.plan.codecs.iter().map(load));
        }
        // A decoder's codec is its clip's.
        measured = Some((recording.manifest().device.clone(), recording.manifest().plan.codecs.clone()));
    }
    let is_stopped = stop.load(Ordering::Relaxed);
    let (device, codecs) = measured.ok_or(RecordingError::NoNumbers)?;
    Ok(Density { plan: Plan { codecs, ..plan }, device, loads, is_stopped })
}

/// The number of streams to try next.
fn next(numbers: &Numbers, loads: &[Load]) -> Option<u32> {
    let is_tried = |streams: &u32| loads.iter().any(|load| load.streams == *streams);
    match numbers {
        Numbers::Given(numbers) => numbers.iter().copied().find(|streams| !is_tried(streams)),
        Numbers::UntilMissed => {
            let missed = loads.iter().filter(|load| !load.outcome.is_carried()).map(|load| load.streams).min();
            let below = |load: &&Load| missed.is_none_or(|missed| load.streams < missed);
            let carried = loads.iter().filter(below).map(|load| load.streams).max().unwrap_or(0);
            let next = match missed {
                None => (2 * carried).clamp(1, MOST_STREAMS),
                Some(missed) => carried + (missed - carried) / 2,
            };
            Some(next).filter(|next| !is_tried(next) && *next > carried)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Codec;
    use crate::stats::verdict::density::Outcome;

    fn tried(numbers: &Numbers, capacity: u32) -> Vec<u32> {
        let mut loads = Vec::new();
        while let Some(streams) = next(numbers, &loads) {
            let missed = || Outcome::Failed { error: String::new() };
            let outcome = if streams <= capacity { Outcome::Carried } else { missed() };
            loads.push(Load { streams, codec: Codec::H264, outcome, measured: None });
        }
        loads.iter().map(|load| load.streams).collect()
    }

    #[test]
    fn the_search_doubles_and_then_halves_until_the_number_is_known() {
        assert_eq!(tried(&Numbers::UntilMissed, 5), [1, 2, 4, 8, 6, 5]);
        assert_eq!(tried(&Numbers::UntilMissed, 4), [1, 2, 4, 8, 6, 5]);
        assert_eq!(tried(&Numbers::UntilMissed, 0), [1]);
        assert_eq!(tried(&Numbers::UntilMissed, 1), [1, 2]);
        assert_eq!(tried(&Numbers::UntilMissed, 1000), [1, 2, 4, 8, 16, 32, 64, 128, 256]);
        assert_eq!(tried(&Numbers::Given(vec![1, 8, 4]), 2), [1, 8, 4]);
    }
}
