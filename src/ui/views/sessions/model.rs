//! The rows of the list of sessions, as text and as values to sort by; filtering and sorting. Knows no egui.

use std::cmp::Ordering;
use std::path::PathBuf;

use crate::contract::Codec;
use crate::record::DeviceKind;
use crate::report::words::codec_title;
use crate::session::Manifest;
use crate::stats::analysis::AnswerState;
use crate::ui::views::sessions::judged::{Judged, Judgements, Line};
use crate::ui::views::sessions::library::Found;
use crate::ui::words::in_window;
use crate::units::{self, NO_VALUE};

/// One session.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SessionRow {
    pub dir: PathBuf,
    pub name: String,
    pub note: String,
    pub state: RowState,
    /// What is wrong with its files, in words.
    pub damage: Option<String>,
    /// By its plan.
    pub codecs: Vec<Codec>,
    pub device: String,
    /// All that is known of the device.
    pub device_facts: String,
    pub is_virtual: bool,
    /// `None`: not known yet.
    pub num_runs: Option<usize>,
    pub num_failed: usize,
    pub size_bytes: u64,
    pub created_unix_ms: Option<u64>,
    pub input: String,
    pub tags: String,
    /// Everything that is searched, in lower case.
    haystack: String,
}

/// What a session says, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum RowState {
    /// Its runs are read as soon as its turn comes and nothing is measured.
    Unread,
    /// A sweep writes it.
    Running,
    /// It has no run.
    Empty,
    /// Its runs are too few, or failed.
    NoAnswer,
    /// It cannot be read.
    Unreadable,
    /// Its answers, at least one.
    Said(Vec<Line>),
}

/// A column of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Field {
    Session,
    Verdict,
    Threshold,
    Codecs,
    Device,
    Runs,
    Size,
    #[default]
    Created,
    Input,
    Tags,
}

/// A column and a direction; the newest first until somebody chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Order {
    pub by: Field,
    pub is_descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { by: Field::default(), is_descending: true }
    }
}

impl Order {
    /// After a click on a header: by that column, or the other way around.
    pub fn clicked(self, by: Field) -> Self {
        Self { by, is_descending: self.by == by && !self.is_descending }
    }
}

impl Field {
    /// The title of its column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Session => "Session",
            Self::Verdict => "Verdict",
            Self::Threshold => "Threshold",
            Self::Codecs => "Codecs",
            Self::Device => "Device",
            Self::Runs => "Runs",
            Self::Size => "Size",
            Self::Created => "Created (UTC)",
            Self::Input => "Input",
            Self::Tags => "Tags",
        }
    }

    /// Are its values numbers, which stand to the right?
    pub fn is_number(self) -> bool {
        matches!(self, Self::Runs | Self::Size)
    }
}

impl RowState {
    /// A word for the column of verdicts, one a line.
    pub fn titles(&self) -> Vec<&'static str> {
        match self {
            Self::Unread => vec!["Not read yet"],
            Self::Running => vec!["Running"],
            Self::Empty => vec!["No runs"],
            Self::NoAnswer => vec!["No answer"],
            Self::Unreadable => vec!["Unreadable"],
            Self::Said(lines) => lines.iter().map(|line| line.state.title()).collect(),
        }
    }

    /// Its answers; none where it says nothing.
    pub fn lines(&self) -> &[Line] {
        if let Self::Said(lines) = self { lines } else { &[] }
    }

    /// The surest first.
    fn rank(&self) -> u8 {
        match self {
            Self::Said(lines) => match lines.first().map(|line| line.state) {
                Some(AnswerState::Confirmed) => 0,
                Some(AnswerState::Likely) => 1,
                Some(AnswerState::Undecided) => 2,
                Some(AnswerState::Refuted) => 3,
                Some(AnswerState::NotComparable) => 4,
                Some(AnswerState::Single) | None => 5,
            },
            Self::NoAnswer => 6,
            Self::Empty => 7,
            Self::Running => 8,
            Self::Unread => 9,
            Self::Unreadable => 10,
        }
    }
}

/// One row for each session found, with what is known of it so far.
pub fn rows(found: &[Found], judgements: &Judgements) -> Vec<SessionRow> {
    found.iter().map(|found| SessionRow::of(found, judgements.of(found))).collect()
}

impl SessionRow {
    fn of(found: &Found, judged: Option<&Judged>) -> Self {
        let said = judged.and_then(|judged| judged.as_ref().ok());
        let manifest = found.manifest.as_ref().ok();
        let label = found.label.as_ref().cloned().unwrap_or_default();
        let mut row = Self {
            dir: found.dir.clone(),
            name: found.name(),
            note: label.note.clone(),
            state: state(found, judged),
            damage: damage(found, judged),
            codecs: manifest.map_or_else(Vec::new, |manifest| manifest.plan.codecs.clone()),
            device: manifest.map_or_else(|| NO_VALUE.to_owned(), |manifest| device_text(manifest)),
            device_facts: manifest.map_or_else(String::new, |manifest| manifest.device.to_string()),
            is_virtual: manifest.is_some_and(|manifest| manifest.device.kind == DeviceKind::Virtual),
            num_runs: said.map(|said| said.num_runs).or(found.stamp.is_empty().then_some(0)),
            num_failed: said.map_or(0, |said| said.num_failed),
            size_bytes: found.size_bytes,
            created_unix_ms: manifest.map(|manifest| manifest.created_unix_ms),
            input: manifest.map_or_else(|| NO_VALUE.to_owned(), |manifest| manifest.plan.input.clone()),
            tags: label.tags.join(", "),
            haystack: String::new(),
        };
        row.haystack = row.words().to_lowercase();
        row
    }

    fn words(&self) -> String {
        let Self { name, note, device, device_facts, input, tags, .. } = self;
        let (dir, verdict) = (self.dir.display(), self.state.titles().join(" "));
        let cases: Vec<_> = self.state.lines().iter().map(|line| line.case.title()).collect();
        let codecs = codecs_text(&self.codecs);
        let damage = self.damage.as_deref().unwrap_or_default();
        let cases = cases.join(" ");
        format!("{dir} {name} {note} {verdict} {cases} {codecs} {device} {device_facts} {input} {tags} {damage}")
    }

    /// Can its plan be read?
    pub fn has_plan(&self) -> bool {
        !self.codecs.is_empty()
    }

    /// Date and time of its beginning, UTC.
    pub fn created(&self) -> String {
        let time = self.created_unix_ms.and_then(|unix_ms| i64::try_from(unix_ms).ok());
        let time = time.and_then(|unix_ms| jiff::Timestamp::from_millisecond(unix_ms).ok());
        time.map_or_else(|| NO_VALUE.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
    }

    /// Number of its runs.
    pub fn runs(&self) -> String {
        self.num_runs.map_or_else(|| NO_VALUE.to_owned(), |num| units::count(num as f64))
    }
}

/// "H.264, HEVC"
pub fn codecs_text(codecs: &[Codec]) -> String {
    let titles: Vec<_> = codecs.iter().map(|codec| codec_title(*codec)).collect();
    titles.join(", ")
}

fn state(found: &Found, judged: Option<&Judged>) -> RowState {
    match judged {
        _ if found.manifest.is_err() => RowState::Unreadable,
        _ if found.is_running => RowState::Running,
        _ if found.stamp.is_empty() => RowState::Empty,
        None => RowState::Unread,
        Some(Err(_)) => RowState::Unreadable,
        Some(Ok(said)) if said.lines.is_empty() => RowState::NoAnswer,
        Some(Ok(said)) => RowState::Said(said.lines.clone()),
    }
}

fn damage(found: &Found, judged: Option<&Judged>) -> Option<String> {
    let manifest = found.manifest.as_ref().err().cloned();
    let runs = judged.and_then(|judged| match judged {
        Err(problem) => Some(problem.clone()),
        Ok(said) if said.damage.is_empty() => None,
        Ok(said) => Some(format!("Damaged: {}", said.damage.join("; "))),
    });
    let all: Vec<_> = [manifest, runs, found.label.as_ref().err().cloned()].into_iter().flatten().collect();
    (!all.is_empty()).then(|| in_window(&all.join("; ")))
}

/// A virtual device by the name in the plan, which says that it is one; a GPU by its own.
fn device_text(manifest: &Manifest) -> String {
    let (device, plan) = (&manifest.device, &manifest.plan.device);
    match device.kind {
        DeviceKind::Virtual if plan.starts_with("virtual") => plan.clone(),
        DeviceKind::Virtual => format!("virtual {plan}"),
        DeviceKind::Cuda | DeviceKind::Library => device.name.clone(),
    }
}

/// The rows that hold every word of `search`, in order, as places in `rows`. What has no value comes last in both
/// directions.
pub fn shown(rows: &[SessionRow], search: &str, order: Order) -> Vec<usize> {
    let search = search.to_lowercase();
    let is_wanted = |row: &SessionRow| search.split_whitespace().all(|word| row.haystack.contains(word));
    let mut shown: Vec<_> = rows.iter().enumerate().filter(|(_, row)| is_wanted(row)).collect();
    // Stable: equal ones stay newest first.
    shown.sort_by(|(_, one), (_, other)| compare(one, other, order));
    shown.into_iter().map(|(place, _)| place).collect()
}

fn compare(one: &SessionRow, other: &SessionRow, order: Order) -> Ordering {
    let text = |of: fn(&SessionRow) -> &str| {
        let key = |row| Some(of(row).to_lowercase()).filter(|text| !text.is_empty() && text != NO_VALUE);
        directed(key(one), key(other), order)
    };
    match order.by {
        Field::Session => text(|row| &row.name),
        Field::Device => text(|row| &row.device),
        Field::Input => text(|row| &row.input),
        Field::Tags => text(|row| &row.tags),
        Field::Verdict => directed(Some(one.state.rank()), Some(other.state.rank()), order),
        Field::Threshold => directed(threshold(one), threshold(other), order),
        Field::Codecs => directed(codecs(one), codecs(other), order),
        Field::Runs => directed(one.num_runs, other.num_runs, order),
        Field::Size => directed(Some(one.size_bytes), Some(other.size_bytes), order),
        Field::Created => directed(one.created_unix_ms, other.created_unix_ms, order),
    }
}

fn directed<T: Ord>(one: Option<T>, other: Option<T>, order: Order) -> Ordering {
    match (&one, &other) {
        (Some(_), Some(_)) if order.is_descending => other.cmp(&one),
        (Some(_), Some(_)) => one.cmp(&other),
        _ => other.is_some().cmp(&one.is_some()),
    }
}

fn threshold(row: &SessionRow) -> Option<(u32, String)> {
    row.state.lines().first().map(|line| (line.case.reap_threshold, line.case.title()))
}

fn codecs(row: &SessionRow) -> Option<String> {
    (!row.codecs.is_empty()).then(|| codecs_text(&row.codecs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::LockPlacement;
    use crate::stats::fixture::case;

    fn line(codecs: &[Codec], state: AnswerState, reap_threshold: u32) -> Line {
        let case = case(reap_threshold, LockPlacement::Inline);
        Line { codecs: codecs.to_vec(), state, case, summary: String::new() }
    }

    fn row(name: &str, state: RowState, num_runs: Option<usize>) -> SessionRow {
        let mut row = SessionRow {
            dir: PathBuf::from(name),
            name: name.to_owned(),
            note: String::new(),
            state,
            damage: None,
            codecs: vec![Codec::H264],
            device: "virtual".to_owned(),
            device_facts: String::new(),
            is_virtual: true,
            num_runs,
            num_failed: 0,
            size_bytes: 0,
            created_unix_ms: None,
            input: "synthetic".to_owned(),
            tags: String::new(),
            haystack: String::new(),
        };
        row.haystack = row.words().to_lowercase();
        row
    }

    fn names(rows: &[SessionRow], search: &str, order: Order) -> Vec<String> {
        shown(rows, search, order).into_iter().map(|place| rows[place].name.clone()).collect()
    }

    fn three() -> [SessionRow; 3] {
        let said = |state, threshold| RowState::Said(vec![line(&[Codec::H264], state, threshold)]);
        [
            row("ten", said(AnswerState::Likely, 10), Some(1000)),
            row("nothing", RowState::Empty, None),
            row("Two", said(AnswerState::Confirmed, 2), Some(90)),
        ]
    }

    #[test]
    fn numbers_are_sorted_as_numbers_and_what_has_none_comes_last() {
        let rows = three();
        for by in [Field::Threshold, Field::Runs] {
            let order = Order::default().clicked(by);
            assert_eq!(names(&rows, "", order), ["Two", "ten", "nothing"], "{by:?}");
            assert_eq!(names(&rows, "", order.clicked(by)), ["ten", "Two", "nothing"], "{by:?}");
        }
    }

    #[test]
    fn the_surest_verdict_comes_first_and_names_are_sorted_whatever_their_case() {
        let rows = three();
        assert_eq!(names(&rows, "", Order::default().clicked(Field::Verdict)), ["Two", "ten", "nothing"]);
        assert_eq!(names(&rows, "", Order::default().clicked(Field::Session)), ["nothing", "ten", "Two"]);
    }

    #[test]
    fn every_word_is_searched_for_in_all_that_a_row_says() {
        let rows = three();
        let order = Order::default();
        assert_eq!(names(&rows, "CONFIRMED", order), ["Two"]);
        assert_eq!(names(&rows, "t=10 virtual", order), ["ten"]);
        assert_eq!(names(&rows, "t=10 confirmed", order), [""; 0]);
    }
}
