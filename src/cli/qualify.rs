//! `inflight qualify`: what a card does, as a file and in words.

use std::io::Write;
use std::path::Path;

use super::args::QualifyArgs;
use super::exit::{Exit, Failure};
use super::{outputs, warn};
use crate::card::{
    Abilities, Asked, Bitstream, CodecFacts, CostRow, EncoderFacts, Figure, FirstFrame, Gates, LockWords, Locks,
    Qualification, Questions, Queue, SessionLimit, Sessions, Waiting,
};
use crate::files::{free_name, write_whole};
use crate::qualify;
use crate::report::table::Table;
use crate::units::{bytes, ns};

/// Where the file goes if nobody says where.
const DEFAULT_FILE: &str = "qualification.json";

pub(super) fn qualify(args: &QualifyArgs) -> Result<Exit, Failure> {
    let spec = args.device.parse()?;
    let path = args.out.clone().unwrap_or_else(|| free_name(Path::new(DEFAULT_FILE)));
    let found = qualify::qualify(&spec, args.engine, args.quick, &mut |step| warn(&format!("asking: {step}")))?;
    save(&found, &path)?;
    let mut out = outputs::prose(&[&path]);
    for line in summary(&found) {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\nSaved as {}. It names no computer, no user and no folder.", path.display())?;
    let has_engine = found.encoder.as_ref().is_none_or(|facts| facts.codecs.answer().is_some())
        && found.decoder.as_ref().is_none_or(|facts| facts.codecs.answer().is_some());
    if !has_engine {
        return Ok(Exit::Unavailable);
    }
    writeln!(out, "A virtual device that does the same: --device virtual:card={}", path.display())?;
    Ok(Exit::Done)
}

fn save(found: &Qualification, path: &Path) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(found)?;
        text.push(b'\n');
        write_whole(path, &[], &text)
    };
    let failed =
        |error| Failure::failed(format!("cannot write {}: {error}; choose another place with --out", path.display()));
    write().map_err(failed)
}

/// The whole in plain words.
fn summary(found: &Qualification) -> Vec<String> {
    let mut lines = vec![found.identity.title.clone()];
    if !found.optimised_build {
        lines.push("This is a debug build: its times mean little.".to_owned());
    }
    if let Some(encoder) = &found.encoder {
        lines.extend(encoder_lines(encoder));
    }
    if let Some(decoder) = &found.decoder {
        let rows = decoder.codecs.answer().into_iter().flatten();
        lines.push(
            refusal(&decoder.codecs).unwrap_or_else(|| {
                costs(rows.flat_map(|facts| facts.costs.iter().map(|row| (facts.codec.title(), row))))
            }),
        );
        lines.push(said("Queue", &decoder.queue, |queue| queue_text(queue, "cuvidDecodePicture")));
        let calls = ("cuvidMapVideoFrame64", "cuvidDecodePicture");
        lines.push(said("Map that waits", &decoder.waiting_map, |waiting| waiting_text(waiting, calls)));
    }
    lines
}

fn encoder_lines(encoder: &EncoderFacts) -> Vec<String> {
    let codecs = encoder.codecs.answer().map_or(&[][..], Vec::as_slice);
    let mut lines = Vec::new();
    for codec in codecs {
        lines.push(said(codec.codec.title(), &codec.abilities, |Abilities { min, max, max_b_frames, engines }| {
            format!("{min} to {max}, up to {max_b_frames} B-frames, {engines} engine(s)")
        }));
    }
    let rows = codecs.iter().flat_map(|codec| codec.costs.iter().map(|row| (codec.codec.title(), row)));
    lines.push(refusal(&encoder.codecs).unwrap_or_else(|| costs(rows)));
    for codec in codecs {
        lines.push(said(&format!("First frame, {}", codec.codec.title()), &codec.first_frame, first_text));
    }
    lines.extend(gate_lines(codecs));
    lines.push(said("Lock with doNotWait", &encoder.do_not_wait, locks_text));
    lines.push(said("Queue", &encoder.queue, |queue| queue_text(queue, "nvEncEncodePicture")));
    let calls = ("nvEncLockBitstream", "nvEncEncodePicture");
    lines.push(said("Lock that waits", &encoder.waiting_lock, |waiting| waiting_text(waiting, calls)));
    lines.push(said("Sessions", &encoder.sessions, sessions_text));
    lines.push(said("Reading packets", &encoder.bitstream_read, bitstream_text));
    lines.push(said("Questions", &encoder.questions, questions_text));
    lines
}

fn said<T>(what: &str, asked: &Asked<T>, text: impl Fn(&T) -> String) -> String {
    match asked {
        Asked::Answer(answer) => format!("{what}: {}", text(answer)),
        Asked::Not { not_asked } => format!("{what}: {not_asked}"),
    }
}

fn refusal<T>(asked: &Asked<T>) -> Option<String> {
    match asked {
        Asked::Answer(_) => None,
        Asked::Not { not_asked } => Some(format!("The engine cannot be used: {not_asked}")),
    }
}

/// The times as a table.
fn costs<'a>(rows: impl Iterator<Item = (&'static str, &'a CostRow)>) -> String {
    let heads =
        ["codec", "preset", "size", "latency", "interval", "submit", "lock", "samples", "T=1", "T=2", "T=4", "T=8"];
    let mut table = Table::new(&heads);
    let mut notes = Vec::new();
    for (codec, CostRow { preset, dimensions, cost }) in rows {
        let preset = preset.map_or_else(|| "–".to_owned(), |preset| preset.to_string());
        let cost = match cost {
            Asked::Answer(cost) => cost,
            Asked::Not { not_asked } => {
                notes.push(format!("{codec} {preset} {dimensions}: {not_asked}"));
                continue;
            }
        };
        if cost.is_late() {
            let (late, all) = (cost.late_frames.unwrap_or(0), cost.num_frames());
            let why = "which may be in these times";
            notes.push(format!(
                "{codec} {preset} {dimensions}: this computer was late for {late} of {all} frames, {why}"
            ));
        }
        let at_most = if cost.interval_is_upper_bound { "≤ " } else { "" };
        let cells = [
            codec.to_owned(),
            preset,
            dimensions.to_string(),
            median(&cost.latency),
            format!("{at_most}{}", median(&cost.interval)),
            median(&cost.submit),
            median(&cost.lock),
            format!("{} × {}", cost.latency.num_samples, cost.frames_per_run),
        ];
        table.row(cells.into_iter().chain(cost.sweep.iter().map(|point| median(&point.per_frame))));
    }
    let told = "Times of a frame (latency: engine idle; interval: engine busy; samples: runs × frames; T: time per frame by frames in flight):";
    format!("\n{told}\n\n{table}{}", notes.join("\n"))
}

fn median(figure: &Figure) -> String {
    ns(figure.median_ns)
}

fn first_text(first: &FirstFrame) -> String {
    let FirstFrame { open, first_submit, first_total, later_submit, later_idr_total, later_total, late_frames } = first;
    let late = match late_frames {
        Some(late @ 1..) => format!("; this computer was late for {late} frames, which may be in these times"),
        _ => String::new(),
    };
    format!(
        "{} from submission to packet, a later IDR frame {}, other frames {}; submission {} and {}; opening a session {} ({} sessions){late}",
        median(first_total),
        median(later_idr_total),
        median(later_total),
        median(first_submit),
        median(later_submit),
        median(open),
        open.num_samples,
    )
}

/// Codecs and tunings with the same answers share a line.
fn gate_lines(codecs: &[CodecFacts]) -> Vec<String> {
    let mut groups: Vec<(&Gates, Vec<String>)> = Vec::new();
    for (codec, gates) in codecs.iter().flat_map(|codec| codec.gates.iter().map(move |gates| (codec.codec, gates))) {
        let name = format!("{} {}", codec.title(), gates.tuning);
        let is_same = |known: &&Gates| {
            (known.b_frames, known.lookahead, &known.answers) == (gates.b_frames, gates.lookahead, &gates.answers)
        };
        match groups.iter_mut().find(|(known, _)| is_same(known)) {
            Some((_, names)) => names.push(name),
            None => groups.push((gates, vec![name])),
        }
    }
    groups.into_iter().map(|(gates, names)| gate_line(gates, &names.join(", "))).collect()
}

fn gate_line(Gates { b_frames, lookahead, answers, .. }: &Gates, of: &str) -> String {
    said(&format!("{b_frames} B-frames, lookahead {lookahead} ({of})"), answers, |seen| {
        let after: Vec<_> = seen.lockable_after.iter().map(u32::to_string).collect();
        let (submissions, end, kinds) = (&seen.submissions, seen.lockable_at_end, &seen.kinds);
        let after = after.join(" ");
        format!(
            "{submissions} (S: success, M: needs more input), packets after each {after}, at the end {end}, frames {kinds}"
        )
    })
}

fn locks_text(locks: &Locks) -> String {
    let rows = |rows: &[LockWords]| rows.iter().map(lock_text).collect::<Vec<_>>().join("; ");
    format!(
        "before the frame is complete ({} after the submission; a frame takes {}): {}. After: {}",
        median(&locks.asked_after),
        ns(locks.latency_ns),
        rows(&locks.before),
        rows(&locks.after),
    )
}

fn lock_text(words: &LockWords) -> String {
    let LockWords { status, status_name, pointer_is_null, size_is_zero, hw_encode_status, num_times } = words;
    let pointer = if *pointer_is_null { "null" } else { "not null" };
    let size = if *size_is_zero { "0" } else { "not 0" };
    format!(
        "{status} {status_name}, pointer {pointer}, size {size}, hwEncodeStatus {hw_encode_status} ({num_times} times)"
    )
}

fn queue_text(queue: &Queue, call: &str) -> String {
    match queue.queue {
        Some(size) => format!("the driver takes {size} frames; {call} waits from the next on"),
        None => format!("{call} does not wait: not found up to {} frames", queue.tried_up_to),
    }
}

fn waiting_text(waiting: &Waiting, (lock, submit): (&str, &str)) -> String {
    let verdict = match waiting.holds_session {
        Some(true) => format!("{lock} holds the session: {submit} waits for it"),
        Some(false) => format!("{lock} does not hold the session"),
        None => format!("cannot be told, because {submit} waits by itself"),
    };
    let Waiting { submit_meanwhile, submit_alone, rest_of_wait, .. } = waiting;
    format!(
        "{verdict} ({submit} {} meanwhile, {} alone; {} of the wait were left; {} samples)",
        median(submit_meanwhile),
        median(submit_alone),
        median(rest_of_wait),
        submit_alone.num_samples,
    )
}

fn sessions_text(sessions: &Sessions) -> String {
    let text = |limit: &SessionLimit| match &limit.refusal {
        Some(refusal) => format!("{}, then {refusal}", limit.num),
        None => format!("{}, and more were not tried", limit.num),
    };
    format!("opened {}; with encoders in them {}", text(&sessions.opened), text(&sessions.initialised))
}

fn bitstream_text(read: &Bitstream) -> String {
    let speed = |figure: &Figure| bytes(read.num_bytes as f64 * 1e9 / figure.median_ns.max(1) as f64);
    format!(
        "{} in {} ({}/s; for the first time {}/s), from ordinary memory {}/s ({} samples)",
        bytes(read.num_bytes as f64),
        median(&read.copy),
        speed(&read.copy),
        speed(&read.first_copy),
        speed(&read.ordinary_copy),
        read.copy.num_samples,
    )
}

fn questions_text(found: &Questions) -> String {
    let Questions { num_equal, num_differ, num_not_asked, rows, .. } = found;
    let differing: Vec<_> =
        rows.iter().filter(|row| !row.virtual_driver.is_empty()).map(|row| row.question.as_str()).collect();
    let list = if differing.is_empty() { String::new() } else { format!(": {}", differing.join("; ")) };
    format!("{num_equal} answered as by the virtual driver, {num_not_asked} not asked, {num_differ} otherwise{list}")
}
