//! What each session in the list says: its verdict and case for each codec, kept until its files change.
//!
//! Computes nothing: the answers are those of `stats::analysis`. Reading a session takes as long as it is large, so this
//! is for a thread of its own; knows no egui.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::library::{Found, Stamp};
use crate::contract::Codec;
use crate::record::Case;
use crate::session::Session;
use crate::stats::analysis::{Answer, AnswerState};

/// A list that fills in is told so often.
const ONE_STEP: Duration = Duration::from_millis(200);

/// What a session says.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Runs that can be read, warm-ups and failed ones included.
    pub num_runs: usize,
    /// Of these, failed ones.
    pub num_failed: usize,
    /// One for each answer; codecs that agree share one. Empty: too few good runs.
    pub lines: Vec<Line>,
    /// What could not be read, in words.
    pub damage: Vec<String>,
}

/// The answer of one codec, or of several that agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// In the order of the plan.
    pub codecs: Vec<Codec>,
    /// How sure it is.
    pub state: AnswerState,
    /// The recommended case, of the first codec.
    pub case: Case,
    /// The answer in a few words, and what it rests on.
    pub summary: String,
}

/// What a session says, or why that cannot be known.
pub type Judged = Result<Said, String>;

/// The judgement on a session in the state of its files.
#[derive(Debug)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Judgement {
    pub dir: PathBuf,
    pub stamp: Stamp,
    pub judged: Judged,
}

/// All judgements so far.
#[derive(Debug, Default)]
pub struct Judgements {
    known: HashMap<PathBuf, (Stamp, Judged)>,
    is_judging: bool,
}

impl Judgements {
    /// That on a session; `None`: it has not been read in its present state.
    pub fn of(&self, found: &Found) -> Option<&Judged> {
        self.known.get(&found.dir).filter(|(stamp, _)| *stamp == found.stamp).map(|(_, judged)| judged)
    }

    /// The sessions to judge now, in the order of the list. Empty while others are being judged: they are read one after
    /// the other.
    pub fn begin(&mut self, found: &[Found]) -> Vec<(PathBuf, Stamp)> {
        if self.is_judging {
            return Vec::new();
        }
        let is_to_read = |found: &&Found| needs_reading(found) && self.of(found).is_none();
        let next: Vec<_> = found.iter().filter(is_to_read).map(|found| (found.dir.clone(), found.stamp)).collect();
        self.is_judging = !next.is_empty();
        next
    }

    /// Takes up what a step found.
    pub fn take(&mut self, judgements: Vec<Judgement>) {
        self.is_judging = false;
        self.known.extend(judgements.into_iter().map(|one| (one.dir, (one.stamp, one.judged))));
    }
}

/// A manifest that cannot be read, a session without runs and one that is being written say all they can without it.
fn needs_reading(found: &Found) -> bool {
    found.manifest.is_ok() && !found.is_running && !found.stamp.is_empty()
}

/// Reads and judges the first of `sessions`, and as many others as a short time allows.
pub fn judge_some(sessions: Vec<(PathBuf, Stamp)>) -> Vec<Judgement> {
    let begun = Instant::now();
    let mut judgements = Vec::new();
    for (dir, stamp) in sessions {
        let judged = Session::open(&dir).map_err(|error| error.to_string()).and_then(|session| said(&session));
        judgements.push(Judgement { dir, stamp, judged });
        if begun.elapsed() > ONE_STEP {
            break;
        }
    }
    judgements
}

fn said(session: &Session) -> Judged {
    let analysis = session.analysis().map_err(|error| error.to_string())?;
    Ok(Said {
        num_runs: session.summaries.len(),
        num_failed: session.summaries.iter().filter(|run| run.error.is_some()).count(),
        lines: lines(&analysis.answers),
        damage: session.damage.iter().map(ToString::to_string).collect(),
    })
}

/// Codecs with the same case and the same certainty share a line.
fn lines(answers: &[Answer]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for answer in answers {
        let agrees = |line: &&mut Line| {
            line.state == answer.state && line.case == Case { codec: line.case.codec, ..answer.case }
        };
        match lines.iter_mut().find(agrees) {
            Some(line) => line.codecs.push(answer.codec),
            None => lines.push(Line {
                codecs: vec![answer.codec],
                state: answer.state,
                case: answer.case,
                summary: format!("{}\n{}", answer.headline, answer.basis),
            }),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Label;
    use crate::ui::plots::fixture::{record, session};

    fn found(name: &str, len_bytes: u64) -> Found {
        let session = session().session;
        Found {
            dir: PathBuf::from(name),
            manifest: Ok(Box::new(session.manifest)),
            label: Ok(Label::default()),
            size_bytes: len_bytes,
            is_running: false,
            stamp: Stamp::of_runs(len_bytes),
        }
    }

    #[test]
    fn a_session_is_judged_once_for_each_state_of_its_files() {
        let mut judgements = Judgements::default();
        let list = [found("a", 1), found("b", 1), found("empty", 0), Found { is_running: true, ..found("live", 1) }];
        let asked = judgements.begin(&list);
        assert_eq!(
            asked.iter().map(|(dir, _)| dir.clone()).collect::<Vec<_>>(),
            [PathBuf::from("a"), PathBuf::from("b")]
        );
        assert_eq!(judgements.begin(&list), [], "one step at a time");
        let [a, b] = &asked[..] else { panic!("{asked:?}") };
        let judgement =
            |(dir, stamp): &(PathBuf, Stamp)| Judgement { dir: dir.clone(), stamp: *stamp, judged: Err(String::new()) };
        judgements.take(vec![judgement(a)]);
        assert_eq!(judgements.begin(&list), std::slice::from_ref(b));
        judgements.take(vec![judgement(b)]);
        assert_eq!(judgements.begin(&list), []);
        let grown = [found("a", 2), found("b", 1)];
        assert_eq!(judgements.of(&grown[0]), None);
        assert_eq!(judgements.begin(&grown).len(), 1);
    }

    #[test]
    fn codecs_that_agree_share_a_line_and_others_have_their_own() {
        let mut loaded = session();
        let mut push = |codec, reap_threshold| {
            let order_index = loaded.runs.len() as u32;
            let interval_ns = 1_000_000 / u64::from(reap_threshold);
            let mut record = record(order_index, reap_threshold, &[1_000_000; 30], interval_ns);
            record.case.codec = codec;
            loaded.push(record);
        };
        (0..10).for_each(|_| [1, 4].into_iter().for_each(|threshold| push(Codec::H264, threshold)));
        push(Codec::Hevc, 4);
        let mut session = loaded.session;
        session.manifest.plan.codecs = vec![Codec::H264, Codec::Hevc];
        let [h264, hevc] = &said(&session).unwrap().lines[..] else { panic!("two lines") };
        assert_eq!((&h264.codecs[..], &hevc.codecs[..]), (&[Codec::H264][..], &[Codec::Hevc][..]));
        assert_eq!(hevc.state, AnswerState::Single);

        let mut answers = session.analysis().unwrap().answers;
        answers.truncate(1);
        let mut same = answers[0].clone();
        (same.codec, same.case.codec) = (Codec::Av1, Codec::Av1);
        answers.push(same);
        let together = lines(&answers);
        assert_eq!(together.len(), 1);
        assert_eq!(together[0].codecs, [Codec::H264, Codec::Av1]);
    }
}
