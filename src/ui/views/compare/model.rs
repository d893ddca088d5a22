//! The comparison of before and after: the two cases, the criteria, and the result.
//!
//! The judgement is `stats`'; it is made again only when the session, the choice or a criterion has changed. The view is
//! in `view`.

use std::path::{Path, PathBuf};

use crate::record::Case;
use crate::session::{Session, SessionError};
use crate::stats::analysis::Answer;
use crate::stats::runs::selector::CaseFilter;
use crate::stats::runs::summary::Group;
use crate::stats::verdict::comparison::{Allowances, Comparison, compare};
use crate::stats::verdict::criteria::{Criteria, Verdict};
use crate::stats::verdict::recommendation::{Terms, default_pair};
use crate::ui::data::LoadedSession;
use crate::ui::views::compare::effects::EffectsModel;

/// The two cases, and the result of comparing them.
#[derive(Debug, Default)]
pub struct CompareModel {
    /// The case on the before side; `None` until a session has two.
    pub before: Option<Case>,
    /// The case on the after side.
    pub after: Option<Case>,
    /// The session of the before side, if it is not the open one.
    pub other: Option<Box<OtherSession>>,
    /// Differences that are allowed.
    pub allowances: Allowances,
    /// Typed folder of another session.
    pub path: String,
    /// The limits.
    pub criteria: Criteria,
    /// What was suggested last, by which state of which session, and how many cases that had to choose from.
    suggested: Suggestion,
    pub(in crate::ui) effects: EffectsModel,
    pub(in crate::ui) judged: Option<Judged>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Suggestion {
    pair: (Option<Case>, Option<Case>),
    version: u64,
    num_cases: usize,
}

/// A session that only its runs are needed of.
#[derive(Debug)]
pub struct OtherSession {
    pub(in crate::ui) session: Session,
    pub(in crate::ui) groups: Vec<Group>,
}

#[derive(Debug)]
pub(in crate::ui) struct Judged {
    /// What it was made of.
    of: (u64, Option<(PathBuf, u64)>, Case, Case, Criteria, Allowances),
    pub(in crate::ui) comparison: Result<Comparison, String>,
}

impl OtherSession {
    /// Reads it. Not for the thread that draws.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open(dir: &Path) -> Result<Self, SessionError> {
        let session = Session::open(dir)?;
        Ok(Self { groups: session.groups(), session })
    }
}

impl CompareModel {
    /// Judges again if anything has changed since. `stats` suggests the pair until somebody chooses another, and where the
    /// session lacks a case of it.
    pub fn update(&mut self, loaded: &LoadedSession, is_running: bool) {
        let before_groups = self.other.as_ref().map_or(&loaded.groups, |other| &other.groups);
        let is_there = has(before_groups, self.before) && has(&loaded.groups, self.after);
        if !is_there || self.is_suggestion_due(loaded, is_running) {
            self.suggest(loaded);
        }
        let (Some(before), Some(after)) = (self.before, self.after) else {
            self.judged = None;
            return;
        };
        if self.other.is_none() && before == after {
            self.judged = None;
            return;
        }
        let other =
            self.other.as_ref().map(|other| (other.session.dir.clone(), other.session.manifest.created_unix_ms));
        let of = (loaded.version, other, before, after, self.criteria, self.allowances);
        if self.judged.as_ref().is_none_or(|judged| judged.of != of) {
            let comparison = self.judge(loaded, before, after);
            self.judged = Some(Judged { of, comparison });
        }
    }

    /// Is the pair the one suggested, and would another be now? While a sweep runs it stays what it is once every case
    /// was seen, until the planned rounds have ended: a plot that jumps from pair to pair shows no narrowing.
    fn is_suggestion_due(&self, loaded: &LoadedSession, is_running: bool) -> bool {
        let Suggestion { pair, version, num_cases } = self.suggested;
        let is_through = loaded.session.summaries.len() as u64 >= loaded.session.manifest.plan.num_runs();
        let is_settled = !is_running || is_through || num_cases != num_counted(loaded);
        self.other.is_none() && pair == (self.before, self.after) && version != loaded.version && is_settled
    }

    fn suggest(&mut self, loaded: &LoadedSession) {
        let before_groups = self.other.as_ref().map_or(&loaded.groups, |other| &other.groups);
        let Session { manifest, noise, .. } = &loaded.session;
        let terms = Terms { plan: &manifest.plan, noise: noise.as_ref() };
        // Who measured another program beside ours asks about that one.
        let elsewhere = loaded.session.analysis().ok().and_then(|all| all.answers.iter().find_map(other_program));
        let own = || default_pair(&loaded.session.summaries, &terms).first().map(|pair| [pair.before, pair.after]);
        let pair = elsewhere.or_else(own);
        (self.before, self.after) = (pair.map(|pair| pair[0]), pair.map(|pair| pair[1]));
        self.after = self.after.or(loaded.groups.first().map(|group| group.case));
        if !has(before_groups, self.before) {
            self.before = before_groups.first().map(|group| group.case);
        }
        let (pair, version, num_cases) = ((self.before, self.after), loaded.version, num_counted(loaded));
        self.suggested = Suggestion { pair, version, num_cases };
    }

    /// As the command line compares two sides.
    fn judge(&self, loaded: &LoadedSession, before: Case, after: Case) -> Result<Comparison, String> {
        self.criteria.check().map_err(|error| error.to_string())?;
        let before_session = self.other.as_ref().map_or(&loaded.session, |other| &other.session);
        let name = |session: &Session| session.dir.display().to_string();
        let (before_name, after_name) = (name(before_session), name(&loaded.session));
        let before = before_session.side(&before_name, CaseFilter::from(before));
        let after = loaded.session.side(&after_name, CaseFilter::from(after));
        compare(&before, &after, &self.criteria, self.allowances).map_err(|error| error.to_string())
    }

    /// Before becomes after, and the other way round, as long as both are of the open session.
    pub fn swap(&mut self) {
        if self.other.is_some() {
            return;
        }
        std::mem::swap(&mut self.before, &mut self.after);
    }

    /// The judgement as it stands.
    pub fn verdict(&self) -> Option<Verdict> {
        self.judged.as_ref()?.comparison.as_ref().ok().map(|comparison| comparison.verdict)
    }
}

fn other_program(answer: &Answer) -> Option<[Case; 2]> {
    answer.elsewhere.first().map(|one| [one.program, one.own])
}

fn has(groups: &[Group], case: Option<Case>) -> bool {
    case.is_some_and(|case| groups.iter().any(|group| group.case == case))
}

/// Cases with a counted run.
fn num_counted(loaded: &LoadedSession) -> usize {
    loaded.groups.iter().filter(|group| group.num_runs > 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::fixture;

    /// Serial runs are slow, T=4 the fastest.
    fn push(loaded: &mut LoadedSession, reap_threshold: u32) {
        let interval_ns = match reap_threshold {
            1 => 900_000,
            4 => 300_000,
            _ => 310_000,
        };
        fixture::push_run(loaded, reap_threshold, &[1_000_000; 30], interval_ns);
    }

    fn pair(model: &CompareModel) -> (u32, u32) {
        let threshold = |case: Option<Case>| case.map_or(0, |case| case.reap_threshold);
        (threshold(model.before), threshold(model.after))
    }

    #[test]
    fn the_suggested_pair_follows_a_sweep_until_every_case_was_seen_and_at_its_end() {
        let (mut loaded, mut model) = (fixture::session(), CompareModel::default());
        let mut see = |loaded: &mut LoadedSession, threshold, is_running| {
            push(loaded, threshold);
            model.update(loaded, is_running);
            pair(&model)
        };
        assert_eq!(see(&mut loaded, 1, true), (1, 1));
        assert_eq!(see(&mut loaded, 2, true), (1, 2));
        assert_eq!(see(&mut loaded, 4, true), (1, 4));
        // Another one is fastest for a while: the picture stays.
        fixture::push_run(&mut loaded, 2, &[1_000_000; 30], 100_000);
        assert_eq!(see(&mut loaded, 1, true), (1, 4));
        assert_eq!(see(&mut loaded, 1, false), (1, 2));
    }

    #[test]
    fn a_pair_that_somebody_chose_stays() {
        let (mut loaded, mut model) = (fixture::session(), CompareModel::default());
        [1, 2, 4].into_iter().for_each(|threshold| push(&mut loaded, threshold));
        model.update(&loaded, true);
        let case_of =
            |threshold| loaded.groups.iter().map(|group| group.case).find(|case| case.reap_threshold == threshold);
        (model.before, model.after) = (case_of(2), case_of(1));
        push(&mut loaded, 4);
        model.update(&loaded, false);
        assert_eq!(pair(&model), (2, 1));
    }
}
