//! What a frame costs an engine, by runs of several depths: any engine, since they differ in nothing here.

use std::time::{Duration, Instant};

use super::Effort;
use super::drive::{Drive, GROUP, Pace};
use super::fit::{Times, low};
use crate::card::{Cost, Figure, SweepPoint};
use crate::pipeline::engine::Engine;

/// Frames in flight that are tried; the last keeps any engine busy.
const DEPTHS: [u32; 4] = [1, 2, 4, MOST_IN_FLIGHT];
/// And so many buffers it takes.
pub(super) const MOST_IN_FLIGHT: u32 = 8;
/// A finished frame is finished for at least so long.
const SURELY_FINISHED: Duration = Duration::from_millis(1);

/// Measures what a frame costs.
///
/// # Errors
/// The driver refuses.
pub(super) fn measure<E: Engine>(drive: &mut Drive<E>, effort: &Effort) -> Result<Cost, E::Error>
where
    E::Uploaded: Copy + Sync,
{
    warm_up(drive, MOST_IN_FLIGHT, effort.warm_up)?;
    let rough_ns = drive.pace(1, effort.least_frames)?.per_frame_ns();
    let by_time = effort.run.as_nanos() / u128::from(rough_ns.max(1));
    let by_time = u32::try_from(by_time).unwrap_or(u32::MAX).min(effort.most_frames);
    let num_frames = effort.least_frames.max(by_time).next_multiple_of(GROUP);
    let lock = Figure::of(finished_locks(drive, rough_ns, effort.trials)?);
    // Round by round, so that a drift of the clock falls on all depths alike.
    let mut paces: [Vec<Pace>; DEPTHS.len()] = Default::default();
    for _ in 0..effort.runs {
        for (paces, depth) in paces.iter_mut().zip(DEPTHS) {
            paces.push(drive.pace(depth, num_frames)?);
        }
    }
    Ok(cost(&paces, lock, num_frames))
}

fn cost(paces: &[Vec<Pace>; DEPTHS.len()], lock: Figure, frames_per_run: u32) -> Cost {
    let [serial, .., deep] = paces;
    let each = |paces: &[Pace], of: fn(&Pace) -> u64| Figure::of(paces.iter().map(of));
    // A call that wakes a thread lasts longer than the engine waits for it, and one that finds a queue full waits. At some depth it does
    // neither, and takes its own time alone.
    let shortest = |round: usize| paces.iter().filter_map(|paces| Some(low(&paces.get(round)?.submit_ns))).min();
    let submit = Figure::of((0..serial.len()).filter_map(shortest));
    let total = each(serial, |pace| Figure::of(pace.total_ns.iter().copied()).median_ns);
    let latency = total.less(submit.median_ns + lock.median_ns);
    let interval = each(deep, Pace::per_frame_ns);
    let times = Times {
        latency_ns: latency.median_ns,
        interval_ns: interval.median_ns,
        submit_ns: submit.median_ns,
        lock_ns: lock.median_ns,
    };
    let point = |(paces, in_flight): (&Vec<Pace>, u32)| SweepPoint {
        in_flight,
        per_frame: each(paces, Pace::per_frame_ns),
        expected_ns: times.per_frame_ns(in_flight),
    };
    Cost {
        latency,
        interval,
        interval_is_upper_bound: times.is_bound_by_calls(),
        submit,
        lock,
        frames_per_run,
        sweep: paces.iter().zip(DEPTHS).map(point).collect(),
        late_frames: None,
    }
}

impl Times {
    pub(super) fn of(cost: &Cost) -> Self {
        Self {
            latency_ns: cost.latency.median_ns,
            interval_ns: cost.interval.median_ns,
            submit_ns: cost.submit.median_ns,
            lock_ns: cost.lock.median_ns,
        }
    }
}

/// Keeps the engine busy until its clock has risen; at least once, since the first frame of a session is no ordinary one.
pub(super) fn warm_up<E: Engine>(drive: &mut Drive<E>, depth: u32, time: Duration) -> Result<(), E::Error>
where
    E::Uploaded: Copy + Sync,
{
    let began = Instant::now();
    loop {
        drive.pace(depth, 1)?;
        if began.elapsed() >= time {
            return Ok(());
        }
    }
}

/// What the lock of a frame takes that is finished already. Several one after the other: after a pause the first is slower, as no lock
/// of a run is.
fn finished_locks<E: Engine>(drive: &mut Drive<E>, frame_ns: u64, num: u32) -> Result<Vec<u64>, E::Error>
where
    E::Uploaded: Copy + Sync,
{
    let mut locks = Vec::new();
    while locks.len() < num as usize {
        while drive.num_lockable() < MOST_IN_FLIGHT.into() {
            drive.submit()?;
        }
        spin_sleep::sleep(SURELY_FINISHED + Duration::from_nanos(u64::from(2 * MOST_IN_FLIGHT) * frame_ns));
        drive.take()?;
        while drive.num_lockable() > 0 {
            locks.push(drive.take()?.lock_ns);
        }
    }
    Ok(locks)
}
