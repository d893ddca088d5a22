//! Answers as sentences.

use std::fmt;

use super::{Answer, AnswerState, Elsewhere, Figure, NextStep, figures};
use crate::contract::LockPlacement;
use crate::record::{Case, Client, DeviceKind};
use crate::stats::evidence::decision::Decision;
use crate::stats::evidence::side::Side;
use crate::stats::runs::summary::Group;
use crate::stats::verdict::comparison::CodecComparison;
use crate::stats::verdict::criteria::{CriterionResult, Verdict};
use crate::stats::verdict::recommendation::{Competitor, Recommendation};
use crate::stats::verdict::words::{change_text, setting_text};
use crate::units;

pub(super) fn sentence(
    known: &Recommendation,
    state: AnswerState,
    compared: Option<&CodecComparison>,
    session: &Side<'_>,
) -> String {
    let setting = setting_text(&known.case);
    let is_virtual = session.device.kind == DeviceKind::Virtual;
    let (device, keep) = match is_virtual {
        true if session.device.has_real_decoder() => (" with this virtual encoder", "With this virtual encoder, keep"),
        true => (" on this virtual device", "On this virtual device, keep"),
        false => ("", "Keep"),
    };
    let head = match state {
        AnswerState::Confirmed => format!("{keep} {setting} (confirmed)"),
        AnswerState::Likely => format!("{keep} {setting} (likely, not confirmed yet)"),
        AnswerState::Undecided => match known.or {
            Some(other) => format!(
                "Undecided between {} and {}{device}; for now, use {}",
                known.case.title(),
                other.title(),
                known.case.title()
            ),
            None => format!("Undecided{device}; for now, use {}", known.case.title()),
        },
        AnswerState::Refuted => format!(
            "Confirmation rounds refuted {}{device}; {} is next, not confirmed",
            known.chosen.title(),
            known.case.title()
        ),
        AnswerState::NotComparable => format!("Not comparable{device}: settings differ that are not under test"),
        AnswerState::Single => format!("{} is the only case{device}; nothing to compare", known.case.title()),
    };
    match compared.filter(|_| state != AnswerState::NotComparable) {
        Some(compared) => format!("{head}. {}", against(known, compared)),
        None => format!("{head}."),
    }
}

/// " Against ffmpeg, T=4 (lock thread) as a process too: wall time −16.1 % (−17.8 % to −14.3 %)."
pub(super) fn elsewhere(elsewhere: &[Elsewhere]) -> String {
    let sentence = |one: &Elsewhere| {
        let Elsewhere { program, own, change, settings } = one;
        let settings = match settings {
            None => "; whether both encode with the same settings is not known".to_owned(),
            Some(settings) if settings.differing.is_empty() => String::new(),
            Some(settings) => {
                let sides = [&program.client.to_string(), "inflight"];
                format!("; they do not encode the same: {}", settings.text(sides))
            }
        };
        format!(" Against {}, {}: wall time {change}{settings}.", program.client, own.title())
    };
    elsewhere.iter().map(sentence).collect()
}

pub(super) fn headline(known: &Recommendation, state: AnswerState) -> String {
    let frames = match known.case.reap_threshold {
        1 => "1 frame".to_owned(),
        num => format!("{num} frames"),
    };
    let decoder =
        known.case.decode.map_or_else(String::new, |ring| format!(", {} in the decoder", ring.reap_threshold));
    match state {
        AnswerState::Confirmed | AnswerState::Likely => format!("Keep {frames} in flight{decoder}"),
        AnswerState::Undecided | AnswerState::Refuted => format!("Keep {frames} in flight{decoder} for now"),
        AnswerState::NotComparable => "These runs cannot be compared".to_owned(),
        AnswerState::Single => format!("Only {frames} in flight{decoder} was tried"),
    }
}

pub(super) fn basis(known: &Recommendation, state: AnswerState) -> String {
    let lock = match known.case.lock {
        LockPlacement::Inline => "Locked inline",
        LockPlacement::Thread => "With a lock thread",
        LockPlacement::Ready => "With a ready thread",
        LockPlacement::Poll => "Polled",
    };
    let rounds = |ask: fn(&Competitor) -> Option<&Decision>| {
        known.competitors.iter().filter_map(ask).map(|decision| decision.interval.num_runs).max()
    };
    let against = |competitors: &mut dyn Iterator<Item = &Competitor>| {
        competitors.map(|one| one.case.title()).collect::<Vec<_>>().join(" and ")
    };
    let confirmed = against(&mut known.competitors.iter().filter(|one| one.confirmation.is_some()));
    let standing = match (state, known.or) {
        (AnswerState::Confirmed, _) => format!("confirmed against {confirmed}"),
        (AnswerState::Likely, _) if confirmed.is_empty() => "not confirmed yet".to_owned(),
        (AnswerState::Likely, _) => format!("not confirmed against {confirmed}"),
        (AnswerState::Undecided, Some(other)) => format!("or {}", other.title()),
        (AnswerState::Refuted, _) => format!("confirmation rounds refuted {}", known.chosen.title()),
        _ => String::new(),
    };
    let planned = rounds(|one| one.planned.as_ref()).map_or_else(String::new, |num| format!("{num} rounds"));
    let parts = [lock.to_owned(), planned, standing];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// What the headline pair shows.
fn against(known: &Recommendation, compared: &CodecComparison) -> String {
    let figures = figures(compared);
    let change = |figure: &Figure| {
        let title = figure.title.to_lowercase();
        match (figure.before, figure.change) {
            (Some(0.0), _) if figure.after == Some(0.0) => format!("{title} 0 on both sides"),
            (_, Some(change)) => format!("{title} {}", change_text(change.estimate_pct)),
            _ => format!("{title} unknown"),
        }
    };
    let changes: Vec<_> = figures.iter().map(change).collect();
    let met = compared.criteria.iter().filter(|result| result.verdict == Verdict::Pass).count();
    let (all, before) = (compared.criteria.len(), compared.before.case.title());
    let criteria = match compared.verdict {
        Verdict::Pass => format!("all {all} criteria met"),
        verdict => {
            let is_it = |result: &&CriterionResult| result.verdict == verdict;
            let which: Vec<_> = compared
                .criteria
                .iter()
                .filter(is_it)
                .map(|one| compared.engine.say(one.title()).to_lowercase())
                .collect();
            let word = if verdict == Verdict::Fail { "not met" } else { "undecided" };
            format!("{met} of {all} criteria met, {word}: {}", which.join(", "))
        }
    };
    if known.case == compared.before.case {
        return format!("{} compared with it: {}; {criteria}.", compared.after.case.title(), changes.join(", "));
    }
    format!("Compared with {before}: {}; {criteria}.", changes.join(", "))
}

/// Both sides of any pair in one line each, left to right: "Before, T=1 (inline): throughput 805 fps, lock wait 221 ms" and
/// "After, T=4 (inline): throughput 1,675 fps (+108.0 %), lock wait 23.2 ms (−89.5 %)".
pub fn before_after(compared: &CodecComparison) -> [String; 2] {
    let figures = figures(compared);
    let value = |figure: &Figure, value: Option<f64>| {
        format!("{} {}", figure.title.to_lowercase(), figure.metric.unit().text_or_none(value))
    };
    let before: Vec<_> = figures.iter().map(|figure| value(figure, figure.before)).collect();
    let after = figures.iter().map(|figure| {
        let change = figure.change.map(|change| format!(" ({})", units::change_pct(change.estimate_pct)));
        value(figure, figure.after) + &change.unwrap_or_default()
    });
    let side = |name: &str, group: &Group, values: Vec<String>| {
        format!("{name}, {}: {}", group.case.title(), values.join(", "))
    };
    [side("Before", &compared.before, before), side("After", &compared.after, after.collect())]
}

impl fmt::Display for NextStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply { case } => write!(f, "In your program, keep {}", setting_text(case)),
            Self::Confirm { rounds } => write!(f, "Run the sweep again with {rounds} confirmation rounds"),
            Self::MoreRounds { rounds } => write!(f, "Run a sweep of {rounds} rounds"),
            Self::MoreBlocks { blocks } => write!(f, "Run a sweep of {blocks} blocks"),
            Self::MendRuns { failed: 1 } => f.write_str("Find out why a run failed"),
            Self::MendRuns { failed } => write!(f, "Find out why {failed} runs failed"),
            Self::RemoveDoubt { advice } => {
                let mut letters = advice.chars();
                let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
                write!(f, "{first}{}", letters.as_str())
            }
            Self::EqualSettings { fields } => {
                write!(f, "Measure both sides with equal settings: {}", fields.join(", "))
            }
            Self::TakeEither { cases } => {
                write!(f, "Take either {} or {}: they are too close to tell apart", cases[0].title(), cases[1].title())
            }
            Self::AddCase => f.write_str("Add a second threshold or lock placement"),
        }
    }
}

impl AnswerState {
    /// A word for a badge.
    pub fn title(self) -> &'static str {
        match self {
            Self::Confirmed => "Confirmed",
            Self::Likely => "Likely",
            Self::Undecided => "Undecided",
            Self::Refuted => "Refuted",
            Self::NotComparable => "Not comparable",
            Self::Single => "One case",
        }
    }
}

impl Elsewhere {
    /// A few words: "T=4 (lock thread): −16.1 % wall time against ffmpeg". Not those of a process: so is the other.
    pub fn text(&self) -> String {
        let change = units::change_pct(self.change.estimate_pct);
        let is_known = self.change.ends().is_some_and(|(low, high)| low > 0.0 || high < 0.0);
        let sure = if is_known { "" } else { ", undecided" };
        let own = Case { client: Client::Here, ..self.own };
        let alike = match self.settings.as_ref().map(|settings| settings.differing.len()) {
            Some(0) => String::new(),
            Some(1) => ", 1 setting differs".to_owned(),
            Some(num) => format!(", {num} settings differ"),
            None => ", settings not known".to_owned(),
        };
        format!("{}: {change} wall time against {}{sure}{alike}", own.title(), self.program.client)
    }
}

impl Answer {
    /// The next step as text.
    pub fn next_text(&self) -> String {
        self.engine.say(&self.next.to_string()).into_owned()
    }

    /// One figure as short text: "Throughput 1,150 fps (+122.8 %)".
    pub fn after_text(figure: &Figure) -> String {
        let change = figure.change.map(|change| format!(" ({})", units::change_pct(change.estimate_pct)));
        let after = figure.metric.unit().text_or_none(figure.after);
        format!("{} {after}{}", figure.title, change.unwrap_or_default())
    }

    /// One figure as text: "Throughput 516 → 1,150 fps (+122.8 %)".
    pub fn figure_text(figure: &Figure) -> String {
        let unit = figure.metric.unit();
        let change =
            figure.change.map_or_else(String::new, |change| format!(" ({})", units::change_pct(change.estimate_pct)));
        format!("{} {} → {}{change}", figure.title, unit.text_or_none(figure.before), unit.text_or_none(figure.after))
    }
}
