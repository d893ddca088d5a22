//! The part of a report for checking and repeating it: runs, environment, input, command, definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::table::Table;
use super::text::{code, code_block, markdown};
use super::words::{codec_title, thresholds_text};
use super::{Subject, utc};
use crate::record::{Case, EncodeSettings, Environment, InputInfo};
use crate::session::{Manifest, Resumption, Session};
use crate::shell::shell_word;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::selector::CaseFilter;
use crate::stats::runs::summary::RunSummary;
use crate::units::{Unit, ns};

/// The metrics of the table of runs.
pub const PER_RUN: [Metric; 7] = [
    Metric::WallMs,
    Metric::LockMs,
    Metric::SubmitBlockedMs,
    Metric::QueuePeak,
    Metric::LatencyP50Ms,
    Metric::LatencyP99Ms,
    Metric::Fps,
];

/// Longer tables help no one: the CSV export has every run.
pub const MAX_RUNS_SHOWN: usize = 500;
/// A longer value is bytes, not words.
const LONGEST_VALUE: usize = 40;

/// Every run in the order in which they were made, with warm-ups and failures marked.
pub fn runs(session: &Session) -> String {
    let per_run = PER_RUN.map(|metric| format!(">`{}`", metric.key()));
    let what = [">#", "codec", ">T", "lock", ">pool", "run"];
    let titles: Vec<_> = what.into_iter().chain(per_run.iter().map(String::as_str)).collect();
    let mut table = Table::new(&titles);
    for run in session.summaries.iter().take(MAX_RUNS_SHOWN) {
        table.row(run_cells(run));
    }
    let left_out = session.summaries.len().saturating_sub(MAX_RUNS_SHOWN);
    let note = if left_out == 0 {
        String::new()
    } else {
        format!("\n{left_out} more runs are in the session; the CSV export has all of them.\n")
    };
    format!("{table}{note}")
}

/// Computer, device and input.
pub fn environment(manifest: &Manifest) -> String {
    let Environment { os, kernel, cpu, num_cpus, memory_mib, inflight_version, optimised_build, .. } =
        &manifest.environment;
    let InputInfo { spec, format, dimensions, frame_rate, colour, frames, digest, remarks } = &manifest.input;
    let build = if *optimised_build { "optimised" } else { "debug build" };
    let mut table = Table::new(&["what", "value"]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("Session created", utc(manifest.created_unix_ms));
    row("System", markdown(&format!("{os}, {kernel}")));
    row("Processor", markdown(&format!("{cpu}, {num_cpus} logical processors")));
    row("Memory", Unit::Bytes.text(*memory_mib as f64 * 1024.0 * 1024.0));
    let Environment { cpu_governor, niceness, timer_slack_ns, .. } = &manifest.environment;
    let scheduling = [
        cpu_governor.as_ref().map(|governor| format!("governor {governor}")),
        niceness.map(|niceness| format!("niceness {niceness}")),
        timer_slack_ns.map(|slack_ns| format!("timer slack {}", ns(slack_ns))),
    ];
    let scheduling: Vec<_> = scheduling.into_iter().flatten().collect();
    if !scheduling.is_empty() {
        row("Scheduling", markdown(&scheduling.join(", ")));
    }
    if let Some(card) = &manifest.device.card {
        row("Card", markdown(&card.to_string()));
    }
    row("Driver", markdown(&manifest.device.driver_text()));
    row("Program", markdown(&format!("inflight {inflight_version}, {build}")));
    row("Input", code(spec));
    row("Frames", format!("{frames} of {dimensions} {format} at {frame_rate} fps, XXH3-64 {}", code(digest)));
    if let Some(colour) = colour {
        row("Samples", colour.to_string());
    }
    if !remarks.is_empty() {
        row("Remarks", markdown(&remarks.join("; ")));
    }
    for Resumption { at_unix_ms, num_runs, set_aside_bytes } in &manifest.resumptions {
        let aside = match set_aside_bytes {
            0 => String::new(),
            bytes => format!("; an unfinished line of {bytes} bytes was set aside"),
        };
        row(
            "Resumed",
            format!("{}, after {num_runs} runs{aside}; a round that this split is no pair", utc(*at_unix_ms)),
        );
    }
    if let Some(note) = &manifest.note {
        row("Note", markdown(note));
    }
    table.to_string()
}

/// How the encoder was set up, a column a codec; `None`: it is not known.
pub fn encoder_settings(manifest: &Manifest) -> Option<String> {
    let of_codecs = &manifest.settings;
    let names: BTreeSet<&String> = of_codecs.values().flat_map(|settings| settings.keys()).collect();
    names.first()?;
    let titles: Vec<_> = ["setting"].into_iter().chain(of_codecs.keys().map(|codec| codec_title(*codec))).collect();
    let mut table = Table::new(&titles);
    for name in names {
        let value = |settings: &EncodeSettings| {
            let text = settings.get(name).map_or("–", String::as_str);
            if text.len() > LONGEST_VALUE { code(text) } else { markdown(text) }
        };
        let values = of_codecs.values().map(value);
        table.row([code(name)].into_iter().chain(values).collect::<Vec<_>>());
    }
    Some(format!(
        "The preset as the driver resolved it, with what the plan changed, and the headers of the stream. Names are NVENC's.\n\n\
         {table}"
    ))
}

/// The command line that made the session, and the one that compared it.
pub fn commands(subject: &Subject<'_>) -> String {
    let mut commands = subject.session.manifest.environment.command.clone();
    if let Some(before) = subject.before {
        commands = format!("{}\n{commands}", before.manifest.environment.command);
    }
    for (comparison, codec) in
        subject.comparison.into_iter().flat_map(|all| all.codecs.iter().map(move |one| (all, one)))
    {
        let (before, after) = (&comparison.before.session, &comparison.after.session);
        let (before, after) = (selector(before, codec.before.case), selector(after, codec.after.case));
        // Writing to a String cannot fail.
        let _ = write!(commands, "\ninflight compare --before {before} --after {after}");
    }
    code_block(&commands, "sh")
}

/// "1 run", "9 runs"
fn runs_text(num: u32) -> String {
    if num == 1 { "1 run".to_owned() } else { format!("{num} runs") }
}

/// How many rounds were made, planned ones and those until a width was met, or to confirm.
fn num_rounds(session: &Session, is_confirmation: bool) -> u32 {
    let counted = session.summaries.iter().filter(|run| !run.warmup && run.is_confirmation == is_confirmation);
    counted.map(|run| run.repeat_index).collect::<BTreeSet<_>>().len() as u32
}

/// The order of the cases within a round. Older sessions have no seed, and the order of every second round reversed.
fn order_text(session: &Session) -> &'static str {
    match session.manifest.plan.order_seed {
        Some(_) => " in an order drawn at random",
        None if is_shuffled(session) => {
            "; every second round is in the reverse order of the one before, and the order of pairs after the first is random"
        }
        None => "; every second round is in the reverse order of the one before",
    }
}

/// Did the rounds visit the cases in more than one order, not counting the reverse? Older sessions did not.
fn is_shuffled(session: &Session) -> bool {
    let counted = session.summaries.iter().filter(|run| !run.warmup && !run.is_confirmation);
    let mut orders: BTreeMap<u32, Vec<Case>> = BTreeMap::new();
    counted.for_each(|run| orders.entry(run.repeat_index).or_default().push(run.case));
    let mut forward = orders.iter().filter(|(round, _)| *round % 2 == 0).map(|(_, order)| order);
    let Some(first) = forward.next() else { return false };
    // Of a round that a stop cut short, or of which a run cannot be read, what is there.
    forward.any(|order| !first.iter().filter(|case| order.contains(case)).eq(order))
}

/// The procedure, and the definition of each metric.
pub fn methods(session: &Session) -> String {
    let (plan, engine) = (&session.manifest.plan, session.manifest.device.engine);
    let mut text = format!(
        "A run opens an encode session, encodes the input once and closes it. Each case has {} to warm up and {} that \
         count{}. Runs are made round by round: each round visits every case{}, so that a drift of the computer affects all \
         cases alike. Warm-ups are kept and marked, never counted; a failed run is part of no mean. Means, percentiles and \
         deviations are over runs, because the frames within a run are not independent; only the figures of lock wait and \
         depth show single frames. Of the {} frames of a run, {} are above its p99.\n\n",
        runs_text(plan.warmup),
        runs_text(num_rounds(session, false)),
        match num_rounds(session, true) {
            0 => String::new(),
            num => format!("; the recommended case and its nearest competitors have {num} more in confirmation rounds"),
        },
        order_text(session),
        session.manifest.input.frames,
        session.manifest.input.frames / 100
    );
    text = engine.say(&text).into_owned();
    for metric in Metric::ALL.into_iter().filter(|metric| metric.is_of(engine)) {
        // Writing to a String cannot fail.
        let (title, definition) = (engine.say(metric.title()), engine.say(metric.definition()));
        let _ = writeln!(text, "- **{title}** `{}`: {definition}", metric.key());
    }
    text
}

fn run_cells(run: &RunSummary) -> Vec<String> {
    let case = run.case;
    let kind = match run {
        RunSummary { warmup: true, .. } => "warm-up",
        RunSummary { is_confirmation: true, .. } => "confirmation",
        _ => "counted",
    };
    let what = match &run.error {
        Some(error) => format!("{kind} {}, **failed**: {}", run.repeat_index, markdown(error)),
        None => format!("{kind} {}", run.repeat_index),
    };
    let mut cells = vec![
        run.order_index.to_string(),
        codec_title(case.codec).to_owned(),
        thresholds_text(&case),
        case.lock.to_string(),
        case.pool.to_string(),
        what,
    ];
    cells.extend(PER_RUN.iter().map(|&metric| metric.unit().text_or_none(run.value(metric))));
    cells
}

fn selector(session: &str, case: Case) -> String {
    shell_word(&format!("{session}:{}", CaseFilter::from(case)))
}
