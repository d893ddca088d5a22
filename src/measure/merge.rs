//! Several sessions as one, each block of theirs a block of it: what several processes or computers say together.
//!
//! Sessions that differ in settings, input, cases or device are refused, with what differs. Processors may differ: blocks
//! show what comes of it.

use std::path::Path;

use jiff::Timestamp;

use super::environment;
use crate::plan::Plan;
use crate::record::Environment;
use crate::session::{FORMAT_VERSION, Manifest, Session, SessionError, SessionWriter};
use crate::stats::evidence::warnings::settings;
use crate::stats::runs::selector::CaseFilter;

/// What was made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Merged {
    pub num_runs: u32,
    pub num_blocks: u32,
}

/// Why sessions cannot be merged.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum MergeError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("cannot merge one session with nothing: name two or more")]
    Alone,
    #[error(
        "cannot merge {one} with {other}: {what}; merge sessions that differ in nothing but when and where they ran"
    )]
    Differ { one: String, other: String, what: String },
    #[error("cannot merge {one} with {other}: they are the same session; name each once")]
    Twice { one: String, other: String },
}

/// Writes the runs of all `sessions`, in this order, into a new session `into`; `command` is recorded in it.
///
/// # Errors
/// The sessions do not belong together, a run cannot be read, or the folder is in use or cannot be written to.
pub fn merge(sessions: &[Session], into: &Path, command: String) -> Result<Merged, MergeError> {
    let [first, .., _] = sessions else { return Err(MergeError::Alone) };
    for (idx, one) in sessions.iter().enumerate() {
        sessions[idx + 1..].iter().try_for_each(|other| check(one, other))?;
    }
    // A strange file may name any block.
    let num_blocks = sessions.iter().map(num_blocks).fold(0, u32::saturating_add);
    let plan = Plan { blocks: num_blocks, ..first.manifest.plan.clone() };
    let mut names: Vec<_> = sessions.iter().map(name).collect();
    let mut processors: Vec<_> = sessions.iter().map(|one| one.manifest.environment.cpu.clone()).collect();
    processors.dedup();
    let environment = Environment {
        cpu: processors.join(" and "),
        optimised_build: first.manifest.environment.optimised_build,
        ..environment::capture(command)
    };
    let last = names.pop().unwrap_or_default();
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        created_unix_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0),
        plan,
        environment,
        note: Some(format!("Merged from {} and {last}", names.join(", "))),
        resumptions: Vec::new(),
        ..first.manifest.clone()
    };
    let mut writer = SessionWriter::create(into, &manifest)?;
    let (mut num_runs, mut block, mut round) = (0, 0, 0);
    for session in sessions {
        let rounds = session.summaries.iter().map(|run| run.repeat_index.saturating_add(1)).max().unwrap_or(0);
        for record in session.records()? {
            let mut record = record?;
            record.block = record.block.saturating_add(block);
            record.repeat_index = record.repeat_index.saturating_add(round);
            record.order_index = num_runs;
            writer.append(&record)?;
            num_runs += 1;
        }
        block = block.saturating_add(self::num_blocks(session));
        round = round.saturating_add(rounds);
    }
    Ok(Merged { num_runs, num_blocks })
}

/// At least one, also where nothing ran.
fn num_blocks(session: &Session) -> u32 {
    session.summaries.iter().map(|run| run.block).max().unwrap_or(0).saturating_add(1)
}

fn name(session: &Session) -> String {
    session.dir.display().to_string()
}

fn check(one: &Session, other: &Session) -> Result<(), MergeError> {
    let (name_one, name_other) = (name(one), name(other));
    let sides = [(one, &name_one), (other, &name_other)].map(|(of, name)| of.side(name, CaseFilter::default()));
    let [side, side_other] = &sides;
    if side.is_same_session(side_other) {
        return Err(MergeError::Twice { one: name_one, other: name_other });
    }
    let differs =
        |field: &str, one: String, other: String| (one != other).then(|| format!("{field} {one} and {other}"));
    let cases = |of: &Session| {
        let cases: Vec<_> = of.manifest.plan.cases().iter().map(ToString::to_string).collect();
        cases.join(", ")
    };
    let of_settings = settings(side, side_other).into_iter().filter(|field| field.field != "processor");
    let what: Vec<_> = of_settings
        .map(|field| format!("{} {} and {}", field.field, field.before, field.after))
        .chain(differs("device", side.device.name.clone(), side_other.device.name.clone()))
        .chain(differs("input", side.input_text(), side_other.input_text()))
        .chain(differs("cases", cases(one), cases(other)))
        .collect();
    if what.is_empty() {
        return Ok(());
    }
    Err(MergeError::Differ { one: name_one, other: name_other, what: what.join("; ") })
}
