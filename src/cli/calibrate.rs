//! `inflight calibrate`: measures this computer's noise floor and keeps it beside the session.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::args::CalibrateArgs;
use super::exit::{Exit, Failure};
use super::stop::OnCtrlC;
use super::sweep::{Measured, command_line, exit_of, forewarn, measure, plan_of};
use super::{outputs, print_json};
use crate::measure::calibrate::{NOTE, calibration_dir_in, calibration_plan, finish};
use crate::measure::recording::Recording;
use crate::plan::Plan;
use crate::session::SessionPlace;
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::noise_floor::{COARSE_PCT, NoiseFloor};
use crate::stats::runs::metrics::Metric;
use crate::units;

/// Options of a sweep that a calibration decides itself.
pub(super) const OWN: [&str; 12] = [
    "repeat",
    "blocks",
    "live",
    "until",
    "max_repeat",
    "confirm",
    "baseline",
    "verify",
    "save_plan",
    "dry_run",
    "until_misses",
    "resume",
];

/// `is_given`: which options were typed, by their names.
pub(super) fn calibrate(args: &CalibrateArgs, is_given: impl Fn(&str) -> bool) -> Result<Exit, Failure> {
    if let Some(option) = OWN.into_iter().find(|option| is_given(option)) {
        let option = option.replace('_', "-");
        return Err(Failure::usage(format!(
            "--{option} cannot be used with calibrate, which runs each case 2 × --pairs times: leave it out"
        )));
    }
    if args.sweep.streams.len() > 1 {
        return Err(Failure::usage("a calibration has one number of streams: name one with --streams"));
    }
    let plan = calibration_plan(plan_of(&args.sweep, is_given)?, args.pairs)?;
    forewarn(&plan);
    let on_ctrl_c = OnCtrlC::watch()?;
    let place = SessionPlace::of(args.sweep.session.clone(), || calibration_dir_in(Path::new("output")));
    place.check()?;
    let mut recording = Recording::prepare(plan, command_line(), false, on_ctrl_c.flag())?.with_note(NOTE);
    let writer = recording.create(&place)?;
    let Measured { outcome, dir, .. } = measure(&mut recording, writer, on_ctrl_c.drains())?;
    if outcome.stopped {
        return Ok(exit_of(outcome));
    }
    // Kept before the window is tried: that needs a screen.
    let mut noise = finish(&dir, None)?;
    on_ctrl_c.has_saved();
    if let Some(cost) = watching(args, &recording.manifest().plan)? {
        noise = finish(&dir, Some(cost))?;
    }
    if args.sweep.json {
        print_json(&json!({ "noise_floor": noise }))?;
    } else {
        tell(&dir, recording.manifest().device.to_string(), &noise)?;
    }
    Ok(exit_of(outcome))
}

/// What the window costs compared with the command line, where that was asked for.
#[cfg(feature = "gui")]
fn watching(args: &CalibrateArgs, plan: &Plan) -> Result<Option<ChangeInterval>, Failure> {
    use crate::measure::window_overhead::{Stage, Watching, WatchingError};
    if !args.watching {
        return Ok(None);
    }
    let plan = Plan { warmup: 1, repeat: 3, ..plan.clone() };
    let program =
        std::env::current_exe().map_err(|error| Failure::failed(format!("cannot find this program: {error}")))?;
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::failed(format!("cannot create a temporary folder: {error}; choose another place with TMPDIR"))
    })?;
    let stage = Stage::new(program, folder.path().to_owned(), &plan).map_err(Failure::failed)?;
    let tell = |pair: u32, headless: f64, watched: f64| {
        let (headless, watched) = (units::ms(headless), units::ms(watched));
        super::warn(&format!("cost of watching, pair {pair}: without the window {headless}, with it {watched}"));
    };
    stage.cost(Watching::Drawing, args.pairs, tell).map_err(|error| match error {
        WatchingError::Stopped => {
            Failure { code: Exit::Interrupted, message: "stopped; the noise floors are saved".to_owned() }
        }
        error => Failure::failed(error),
    })
}

#[cfg(not(feature = "gui"))]
fn watching(_: &CalibrateArgs, _: &Plan) -> Result<Option<ChangeInterval>, Failure> {
    Ok(None)
}

fn tell(dir: &Path, device: String, noise: &NoiseFloor) -> Result<(), Failure> {
    let mut out = outputs::prose(&[]);
    writeln!(
        out,
        "{device}\nNoise floor of this computer (farther end of the 95 % interval between equal runs, {} cases):",
        cases(noise)
    )?;
    for metric in Metric::ALL {
        let of_metric = noise.floors.iter().filter(|floor| floor.metric == metric);
        if let Some(worst) = of_metric.max_by(|a, b| a.floor_pct.total_cmp(&b.floor_pct)) {
            let pct = units::pct(worst.floor_pct);
            let coarse = if worst.floor_pct > COARSE_PCT { ", too large to call anything equivalent" } else { "" };
            writeln!(out, "  {:<18} {pct:>9}  ({}, {} pairs){coarse}", metric.key(), worst.case, worst.num_pairs)?;
        }
    }
    if let Some(cost) = &noise.watching {
        writeln!(out, "Cost of watching in the window, compared with the command line: {} {cost}", Metric::WallMs)?;
    }
    writeln!(
        out,
        "\nSessions in the same folder as {}, on the same computer, device, input and settings, are compared with a margin \
         of 1 % or their case's noise floor, whichever is larger.",
        dir.display()
    )?;
    Ok(())
}

fn cases(noise: &NoiseFloor) -> usize {
    noise.floors.iter().map(|floor| floor.case).collect::<std::collections::BTreeSet<_>>().len()
}
