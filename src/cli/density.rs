//! `inflight sweep` over several numbers of streams: a session for each, and how many streams are carried.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::args::SweepArgs;
use super::exit::{Exit, Failure};
use super::stop::OnCtrlC;
use super::sweep::{Teller, command_line, forewarn, plan_of};
use super::{outputs, print_json};
use crate::files::free_name;
use crate::measure::density::{Numbers, measure};
use crate::measure::sweep::Event;
use crate::plan::Plan;
use crate::report::density::{table, write_density};
use crate::stats::verdict::density::Density;

/// Runs of each case for each number of streams, where nobody says how many: the search makes many sweeps.
const ROUNDS: u32 = 3;

/// Which numbers of streams; `None`: one, which is a sweep like any other.
pub(super) fn numbers(args: &SweepArgs) -> Option<Numbers> {
    match args.streams.as_slice() {
        [_] | [] if args.until_misses => Some(Numbers::UntilMissed),
        [_] | [] => None,
        numbers => Some(Numbers::Given(numbers.to_vec())),
    }
}

pub(super) fn density(args: &SweepArgs, numbers: &Numbers, is_given: impl Fn(&str) -> bool) -> Result<Exit, Failure> {
    let plan = plan_of(args, &is_given)?;
    if args.until_misses && args.streams.len() > 1 {
        return Err(Failure::usage("--until-misses finds the number of streams: leave --streams out"));
    }
    if *numbers == Numbers::UntilMissed && plan.pace_fps.is_none() {
        return Err(Failure::usage("--until-misses needs a pace to miss: add for example --pace 60"));
    }
    if args.save_plan.is_some() || args.dry_run {
        return Err(Failure::usage(
            "a plan has one number of streams: leave --dry-run and --save-plan out, or name one number",
        ));
    }
    let repeat = if is_given("repeat") { plan.repeat } else { ROUNDS };
    let plan = Plan { repeat, looks: Vec::new(), until: None, confirm: 0, ..plan };
    forewarn(&plan);
    let dir = args.session.clone().unwrap_or_else(|| free_name(&dir_in(Path::new("output"))));
    let (on_ctrl_c, mut teller) = (OnCtrlC::watch()?, Teller::new());
    let found = measure(plan, numbers, (&dir, &command_line()), on_ctrl_c.flag(), &mut |event| {
        if matches!(event, Event::RunStarted(_)) {
            on_ctrl_c.drains();
        }
        teller.on(event);
        Ok(())
    });
    teller.done();
    let found = found?;
    let page = write_density(&found, &dir, &command_line())?;
    if args.json {
        print_json(&serde_json::to_value(&found).map_err(|error| Failure::failed(error.to_string()))?)?;
    } else {
        tell(&found, &page)?;
    }
    Ok(if found.is_stopped { Exit::Interrupted } else { Exit::Done })
}

fn tell(found: &Density, page: &Path) -> Result<(), Failure> {
    let mut out = outputs::prose(&[]);
    writeln!(out, "{}", found.device)?;
    for &codec in &found.plan.codecs {
        writeln!(out, "\n{}\n{}", found.sentence(codec), table(found, codec))?;
    }
    Ok(writeln!(out, "Saved as {}", page.display())?)
}

fn dir_in(folder: &Path) -> PathBuf {
    folder.join(Timestamp::now().strftime("density-%Y%m%d-%H%M%S").to_string())
}
