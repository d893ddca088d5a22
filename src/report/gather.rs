//! Everything that a report shows, gathered from one pass over each session's runs.
//!
//! Holds one run's frames at a time; what stays is a histogram a case and a depth profile a side. Knows no Markdown and
//! no SVG.

use super::{ReportError, Subject};
use crate::contract::Codec;
use crate::figures::depth;
use crate::record::{Case, RunRecord};
use crate::session::Session;
use crate::stats::analysis::Answer;
use crate::stats::runs::distribution::Distribution;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::{Group, RunSummary};
use crate::stats::verdict::comparison::{CodecComparison, SideName};

/// The data for the sections and figures of a report.
pub struct Material<'a> {
    /// What the report is about.
    pub subject: Subject<'a>,
    /// Cases of the other session that are compared first, then those of the session, in plan order.
    pub cases: Vec<CaseMaterial>,
    /// One run of each side of each compared codec.
    pub depths: Vec<DepthMaterial>,
}

/// One case.
pub struct CaseMaterial {
    /// Its runs in numbers.
    pub group: Group,
    /// Which side of the comparison it is, if any.
    pub side: Option<SideName>,
    /// From the session reported on, not from the one that only lent the before side?
    pub is_own: bool,
    /// Lock waits of all frames of its good counted runs.
    pub lock_wait: Distribution,
}

/// Frames in flight over one run.
pub struct DepthMaterial {
    /// Which run.
    pub run: Representative,
    /// Length of the time axis that both sides of a codec share.
    pub span_ns: u64,
    /// Empty until the run was met.
    pub bins: Vec<depth::Bin>,
}

/// The run that stands for its case: the one with the median wall time, the first such if there are several.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Representative {
    pub case: Case,
    pub side: SideName,
    pub order_index: u32,
    pub wall_ms: f64,
}

impl<'a> Material<'a> {
    /// Reads the sessions of `subject`.
    ///
    /// # Errors
    /// A run could not be read.
    pub fn gather(subject: Subject<'a>) -> Result<Self, ReportError> {
        let groups = subject.session.groups();
        let cases = foreign_cases(&subject).chain(own_cases(&subject, groups)).collect();
        let depths = compared(&subject).flat_map(|codec| depth_pair(&subject, codec)).collect();
        let mut material = Self { subject, cases, depths };
        subject.session.for_each_run(|run| material.visit(&run, true))?;
        if let Some(before) = subject.before {
            before.for_each_run(|run| material.visit(&run, false))?;
        }
        Ok(material)
    }

    /// Codecs of the session, in plan order.
    pub fn codecs(&self) -> Vec<Codec> {
        let mut codecs = Vec::new();
        for case in &self.cases {
            if !codecs.contains(&case.group.case.codec) {
                codecs.push(case.group.case.codec);
            }
        }
        codecs
    }

    /// The cases of `codec`.
    pub fn cases_of(&self, codec: Codec) -> impl Iterator<Item = &CaseMaterial> {
        self.cases.iter().filter(move |case| case.group.case.codec == codec)
    }

    /// The answer about `codec`.
    pub fn answer(&self, codec: Codec) -> Option<&'a Answer> {
        self.subject.analysis.answer(codec)
    }

    /// The comparison of `codec`.
    pub fn compared(&self, codec: Codec) -> Option<&'a CodecComparison> {
        compared(&self.subject).find(|compared| compared.codec == codec)
    }

    /// All of them.
    pub fn compared_codecs(&self) -> impl Iterator<Item = &'a CodecComparison> + use<'a> {
        compared(&self.subject)
    }

    fn visit(&mut self, run: &RunRecord, is_own: bool) {
        if run.warmup || run.error.is_some() {
            return;
        }
        let mut cases = self.cases.iter_mut();
        if let Some(case) = cases.find(|case| case.is_own == is_own && case.group.case == run.case) {
            case.lock_wait.add(&run.frames.lock_ns);
        }
        let before_is_own = self.subject.before.is_none();
        for depth in &mut self.depths {
            let lives_here = is_own == (before_is_own || depth.run.side == SideName::After);
            if lives_here && depth.run.order_index == run.order_index {
                depth.bins = depth::bins(&run.frames, depth.span_ns);
            }
        }
    }
}

fn compared<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a CodecComparison> + use<'a> {
    subject.comparison.into_iter().flat_map(|comparison| &comparison.codecs)
}

fn foreign_cases<'a>(subject: &Subject<'a>) -> impl Iterator<Item = CaseMaterial> + use<'a> {
    let is_foreign = subject.before.is_some();
    compared(subject).filter(move |_| is_foreign).map(|codec| CaseMaterial {
        group: codec.before.clone(),
        side: Some(SideName::Before),
        is_own: false,
        lock_wait: Distribution::default(),
    })
}

fn own_cases<'a>(subject: &Subject<'a>, groups: Vec<Group>) -> impl Iterator<Item = CaseMaterial> + use<'a> {
    let subject = *subject;
    groups.into_iter().map(move |group| {
        let case = group.case;
        let side = compared(&subject).find_map(|codec| match case {
            case if case == codec.after.case => Some(SideName::After),
            case if case == codec.before.case && subject.before.is_none() => Some(SideName::Before),
            _ => None,
        });
        CaseMaterial { group, side, is_own: true, lock_wait: Distribution::default() }
    })
}

/// The representative runs of both sides, if both have one.
fn depth_pair(subject: &Subject<'_>, codec: &CodecComparison) -> Vec<DepthMaterial> {
    let before = representative(subject.before.unwrap_or(subject.session), &codec.before, SideName::Before);
    let after = representative(subject.session, &codec.after, SideName::After);
    let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
    let span_ns = (before.wall_ms.max(after.wall_ms) * 1e6) as u64;
    [before, after].map(|run| DepthMaterial { run, span_ns, bins: Vec::new() }).into()
}

fn representative(session: &Session, group: &Group, side: SideName) -> Option<Representative> {
    // The median is by nearest rank, so one of the runs has exactly it.
    let median = group.spread(Metric::WallMs)?.p50;
    let is_it = |run: &&RunSummary| run.case == group.case && run.counts() && run.wall_ms() == median;
    let run = session.summaries.iter().find(is_it)?;
    Some(Representative { case: group.case, side, order_index: run.order_index, wall_ms: run.wall_ms() })
}
