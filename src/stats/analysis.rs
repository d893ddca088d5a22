//! Everything that a session says, once: for each codec the answer in one sentence, how sure it is, three figures, the
//! doubts, and the one next step. The window, the command line, reports and status pages show this and compute nothing.
//!
//! Knows a session as one [`Side`]; cheap to make anew when runs or criteria change.

use schemars::JsonSchema;
use serde::Serialize;

use crate::advice::{Advice, Proof, advice, proof};
use crate::contract::{Codec, EngineKind};
use crate::plan::{MAX_CONFIRM, MIN_CONFIRM};
use crate::record::{Case, Client};
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::client_settings::SettingsCompared;
use crate::stats::evidence::decision::{Decision, Open};
use crate::stats::evidence::doubts::Doubt;
use crate::stats::evidence::peers::Peers;
use crate::stats::evidence::repetition::Repetition;
use crate::stats::evidence::side::Side;
use crate::stats::math::ratio::turned_over_pct;
use crate::stats::runs::metrics::{Metric, wait_of};
use crate::stats::runs::selector::CaseFilter;
use crate::stats::runs::summary::Group;
use crate::stats::verdict::comparison::{Allowances, CodecComparison, CompareError, Comparison, compare_among};
use crate::stats::verdict::criteria::{Criteria, CriterionName, CriterionResult, Verdict};
use crate::stats::verdict::recommendation::{
    Competitor, DefaultPair, Recommendation, State, Terms, pairs_of, recommend_among, whole_confirmation,
};
use crate::stats::verdict::sweep_effects::{Cell, cells_among, peers};

mod words;

pub use words::before_after;

/// Stands for the command line of the user's program.
const PROGRAM: &str = "PROGRAM ARGUMENTS";
/// A sweep of more rounds is no next step: five times the longest that is made unasked.
const WORTHWHILE_ROUNDS: u32 = 200;

/// A session, judged.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Analysis {
    /// One answer a codec, in the order of the plan.
    pub answers: Vec<Answer>,
    /// The headline pair of each codec by the criteria; `None`: no codec has two cases.
    pub comparison: Option<Comparison>,
    /// Every case against the reference of its codec.
    pub cells: Vec<Cell>,
}

/// What to do about one codec.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// Which.
    pub codec: Codec,
    /// Whose words are used.
    #[serde(skip)]
    pub engine: EngineKind,
    /// How sure it is.
    pub state: AnswerState,
    /// The case to use.
    pub case: Case,
    /// The two cases of the figures and criteria: the serial one, and `case`, or where that is the serial one itself the
    /// fastest other; `None`: there is no other case.
    pub compared: Option<[Case; 2]>,
    /// What to do, in a few words: "Keep 4 frames in flight".
    pub headline: String,
    /// How and on what that rests, in a few words: "With a lock thread · 40 rounds · confirmed against T=2 (lock thread)".
    pub basis: String,
    /// What to do, and on which numbers that rests.
    pub sentence: String,
    /// Do the criteria of the headline pair hold? `None`: there is no pair.
    pub verdict: Option<Verdict>,
    /// Throughput, lock wait, latency tail.
    pub figures: Vec<Figure>,
    /// The same setting, in a process of its own, against every other program that encoded the same frames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// What moved an interval, each kind once.
    pub doubts: Vec<Doubt>,
    /// Where the scatter comes from; `None`: the session has no blocks.
    pub repetition: Option<Repetition>,
    /// The one thing to do next.
    pub next: NextStep,
    /// How to set the case in other programs.
    pub advice: Vec<Advice>,
    /// How to prove it there; `None` of a decoder, whose calls nothing here watches in another program.
    pub proof: Option<Proof>,
    /// Candidates, competitors, and why.
    pub recommendation: Recommendation,
}

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    /// Confirmation rounds agree.
    Confirmed,
    /// The planned rounds decide it; nothing has confirmed it yet.
    Likely,
    /// The runs do not decide between two cases.
    Undecided,
    /// Confirmation rounds refuted the first choice.
    Refuted,
    /// The sides differ in something that is not under test.
    NotComparable,
    /// There is only one case.
    Single,
}

/// A number before and after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Figure {
    /// What it is.
    pub metric: Metric,
    /// What it is called at the engine that was measured.
    pub title: String,
    /// Median over the compared runs, in the metric's unit.
    pub before: Option<f64>,
    /// As `before`.
    pub after: Option<f64>,
    /// The paired median change from before to after.
    pub change: Option<ChangeInterval>,
}

/// Another program, and what the setting changes against it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Elsewhere {
    /// The other program.
    pub program: Case,
    /// The setting, as a process too.
    pub own: Case,
    /// The paired median change of the wall time, from the program to `own`.
    pub change: ChangeInterval,
    /// How the program (before) and `own` (after) set their encoders up; `None`: not known of one of them.
    pub settings: Option<SettingsCompared>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum NextStep {
    /// Nothing is missing: set it in the program that encodes.
    Apply { case: Case },
    /// Re-test the choice against its competitors, in so many confirmation rounds.
    Confirm { rounds: u32 },
    /// A sweep with so many rounds is likely to settle what is open.
    MoreRounds { rounds: u32 },
    /// As many processes are, where processes differ.
    MoreBlocks { blocks: u32 },
    /// Runs failed: see why.
    MendRuns { failed: u32 },
    /// More rounds do not help; this does.
    RemoveDoubt { advice: String },
    /// Measure both sides with equal settings.
    EqualSettings { fields: Vec<String> },
    /// Two cases are as good as each other for all that can be measured here.
    TakeEither { cases: [Case; 2] },
    /// A second threshold or placement is needed to compare.
    AddCase,
}

/// The JSON Schema of [`Analysis`], as `inflight report --json` prints it under `analysis`.
pub fn json_schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Analysis).to_value())
}

impl Analysis {
    /// Of all runs of a session, by the criteria of its plan; its filter does not matter.
    ///
    /// # Errors
    /// The cases of the session cannot be compared with each other.
    pub fn of(session: &Side<'_>) -> Result<Self, CompareError> {
        let criteria = &session.plan.criteria;
        let terms = Terms { plan: session.plan, noise: session.noise };
        let peers = peers(session.runs);
        let known = recommend_among(session.runs, &terms, &peers);
        let comparison = own_comparison(session, &pairs_of(&known, session.runs), criteria, &peers)?;
        let answer = |known: Recommendation| {
            let compared = comparison.as_ref().and_then(|all| all.codecs.iter().find(|one| one.codec == known.codec));
            answer(known, compared, comparison.as_ref(), session)
        };
        let answers = known.into_iter().map(answer).collect();
        let cells = cells_among(session.runs, session.plan, session.noise, &peers);
        Ok(Self { answers, comparison, cells })
    }

    /// The answer of `codec`.
    pub fn answer(&self, codec: Codec) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.codec == codec)
    }
}

/// The headline pair of each codec, as one comparison.
fn own_comparison(
    session: &Side<'_>,
    pairs: &[DefaultPair],
    criteria: &Criteria,
    peers: &Peers<'_>,
) -> Result<Option<Comparison>, CompareError> {
    let mut all: Option<Comparison> = None;
    for pair in pairs {
        let side = |case: Case| Side { filter: CaseFilter::from(case), ..*session };
        let one = compare_among(&side(pair.before), &side(pair.after), criteria, Allowances::default(), Some(peers))?;
        match &mut all {
            None => all = Some(one),
            Some(all) => all.join(one),
        }
    }
    Ok(all)
}

fn answer(
    mut known: Recommendation,
    compared: Option<&CodecComparison>,
    comparison: Option<&Comparison>,
    session: &Side<'_>,
) -> Answer {
    let not_comparable = comparison.map_or(&[][..], |all| &all.not_comparable);
    let state = match known.state {
        _ if !not_comparable.is_empty() => AnswerState::NotComparable,
        State::Confirmed => AnswerState::Confirmed,
        State::Likely => AnswerState::Likely,
        State::Open => AnswerState::Undecided,
        State::Refuted => AnswerState::Refuted,
        State::Alone if known.candidates.len() > 1 => AnswerState::Likely,
        State::Alone => AnswerState::Single,
    };
    let figures = compared.map_or_else(Vec::new, figures);
    let doubts = compared.map_or_else(Vec::new, CodecComparison::doubts);
    let next = match state {
        AnswerState::NotComparable => {
            NextStep::EqualSettings { fields: not_comparable.iter().map(|one| one.field.clone()).collect() }
        }
        _ => next(&known, state, compared, session),
    };
    let elsewhere = elsewhere(&known, session);
    let sentence = words::sentence(&known, state, compared, session) + &words::elsewhere(&elsewhere);
    let engine = session.device.engine;
    known.reason = engine.say(&known.reason).into_owned();
    Answer {
        codec: known.codec,
        engine,
        state,
        case: known.case,
        compared: compared.map(|compared| [compared.before.case, compared.after.case]),
        headline: words::headline(&known, state),
        basis: engine.say(&words::basis(&known, state)).into_owned(),
        sentence: engine.say(&sentence).into_owned(),
        verdict: compared.map(|compared| compared.verdict),
        figures,
        elsewhere,
        doubts,
        repetition: compared.and_then(|one| Repetition::of(session.runs, one.before.case, one.after.case)),
        next,
        advice: advice(&known.case, engine),
        proof: engine
            .encodes()
            .then(|| proof(session.device.kind, &session.plan.device, PROGRAM, &format!("{PROGRAM} WITH THE CHANGE"))),
        recommendation: known,
    }
}

/// Processes are compared with processes: starting one and writing its output takes time that an encode in this process
/// does not need.
fn elsewhere(known: &Recommendation, session: &Side<'_>) -> Vec<Elsewhere> {
    let own = Case { client: Client::Process, ..known.case };
    let side = |case: Case| Side { filter: CaseFilter::from(case), ..*session };
    let against = |program: Case| {
        let criteria = &session.plan.criteria;
        let compared = compare_among(&side(program), &side(own), criteria, Allowances::default(), None).ok()?;
        let wall = compared.codecs.first()?.effects.iter().find(|effect| effect.metric == Metric::WallMs)?;
        let settings = SettingsCompared::of_cases((session, program), (session, own));
        Some(Elsewhere { program, own, change: wall.interval, settings })
    };
    let is_program = |case: &Case| case.codec == known.codec && matches!(case.client, Client::Foreign(_));
    session.plan.cases().into_iter().filter(is_program).filter_map(against).collect()
}

/// Of the headline pair.
fn figures(compared: &CodecComparison) -> Vec<Figure> {
    let criterion = |is_it: fn(&CriterionResult) -> bool| compared.criteria.iter().find(|result| is_it(result));
    let tail = criterion(|result| result.name.is_guard());
    let title = |metric: Metric| compared.engine.say(metric.title()).into_owned();
    let of_metric = |metric: Metric| {
        let effect = compared.effects.iter().find(|effect| effect.metric == metric)?;
        let (before, after) = (effect.before, effect.after);
        Some(Figure { metric, title: title(metric), before, after, change: Some(effect.interval) })
    };
    let throughput = of_metric(Metric::WallMs).map(|wall| Figure {
        metric: Metric::Fps,
        title: title(Metric::Fps),
        before: compared.before.spread(Metric::Fps).map(|spread| spread.p50),
        after: compared.after.spread(Metric::Fps).map(|spread| spread.p50),
        change: wall.change.map(turned_over),
    });
    let wait = wait_of([compared.before.case.lock, compared.after.case.lock]);
    let lock = of_metric(wait).or_else(|| {
        let of = |group: &Group| group.spread(wait).map(|spread| spread.p50);
        let (before, after) = (of(&compared.before), of(&compared.after));
        Some(Figure { metric: wait, title: title(wait), before, after, change: None })
    });
    let tail = tail.and_then(|tail| {
        let is_p99 = tail.name == CriterionName::LatencyP99;
        of_metric(if is_p99 { Metric::LatencyP99Ms } else { Metric::LatencyP95Ms })
    });
    [throughput, lock, tail].into_iter().flatten().collect()
}

/// Throughput is the wall time turned over: the same decision, seen from the other side.
fn turned_over(wall: ChangeInterval) -> ChangeInterval {
    let (low_pct, high_pct) = (wall.high_pct.map(turned_over_pct), wall.low_pct.map(turned_over_pct));
    ChangeInterval { estimate_pct: turned_over_pct(wall.estimate_pct), low_pct, high_pct, ..wall }
}

fn next(
    known: &Recommendation,
    state: AnswerState,
    compared: Option<&CodecComparison>,
    session: &Side<'_>,
) -> NextStep {
    let own = session.runs.iter().filter(|run| run.case.codec == known.codec && run.case.client.is_here());
    let failed = own.filter(|run| run.error.is_some()).count() as u32;
    let is_worthwhile = |num: &u32| *num <= WORTHWHILE_ROUNDS;
    let blocks = compared.and_then(CodecComparison::blocks_to_settle).filter(is_worthwhile);
    let rounds = compared.and_then(CodecComparison::rounds_to_settle).filter(is_worthwhile);
    let open: Vec<_> =
        known.competitors.iter().filter_map(Competitor::latest).filter(|one| one.open.is_some()).collect();
    let rounds_of = |decision: &&Decision| Some(decision.interval.num_runs + decision.open?.more()?);
    let to_decide = |of_blocks: bool| {
        let of_unit = open.iter().filter(|one| one.interval.is_of_blocks == of_blocks);
        of_unit.filter_map(rounds_of).max().filter(is_worthwhile)
    };
    let (blocks_to_decide, rounds_to_decide) = (to_decide(true), to_decide(false));
    let doubtful = open.iter().filter(|one| one.open == Some(Open::Doubtful)).flat_map(|one| one.doubts.clone());
    let confirm = confirm(known, session);
    match state {
        AnswerState::Single => NextStep::AddCase,
        _ if failed > 0 => NextStep::MendRuns { failed },
        AnswerState::Undecided | AnswerState::Refuted if blocks_to_decide.is_some() => {
            NextStep::MoreBlocks { blocks: blocks_to_decide.unwrap_or_default() }
        }
        AnswerState::Undecided | AnswerState::Refuted => match (rounds_to_decide, remove_largest(doubtful), known.or) {
            (Some(rounds), ..) => NextStep::MoreRounds { rounds },
            (None, Some(remove), _) => remove,
            // All rounds together prefer this one to what the planned rounds chose: nothing is open but its confirmation.
            (None, None, Some(_)) if known.case != known.chosen => confirm,
            (None, None, Some(other)) => NextStep::TakeEither { cases: [known.case, other] },
            (None, None, None) => confirm,
        },
        _ if compared.is_some_and(|compared| compared.verdict == Verdict::Inconclusive) => match (blocks, rounds) {
            (Some(blocks), _) => NextStep::MoreBlocks { blocks },
            (None, Some(rounds)) => NextStep::MoreRounds { rounds },
            (None, None) => remove_largest(compared.map_or_else(Vec::new, CodecComparison::doubts))
                .unwrap_or(NextStep::Apply { case: known.case }),
        },
        AnswerState::Likely if known.competitors.is_empty() => NextStep::Apply { case: known.case },
        AnswerState::Likely => confirm,
        AnswerState::Confirmed | AnswerState::NotComparable => NextStep::Apply { case: known.case },
    }
}

/// More confirmation rounds, where those that there are leave something open and more are of use.
fn confirm(known: &Recommendation, session: &Side<'_>) -> NextStep {
    let open = whole_confirmation(known, session.runs, session.plan, MAX_CONFIRM);
    let num_made = |one: &Competitor| one.confirmation.as_ref().map_or(0, |decision| decision.interval.num_runs);
    if let Some((other, _)) = open.iter().find(|(one, _)| num_made(one) >= MAX_CONFIRM) {
        return NextStep::TakeEither { cases: [known.case, other.case] };
    }
    let needed = open.iter().map(|&(_, num)| num).max().unwrap_or(0);
    NextStep::Confirm { rounds: session.plan.confirm.max(MIN_CONFIRM).max(needed) }
}

fn remove_largest(doubts: impl IntoIterator<Item = Doubt>) -> Option<NextStep> {
    let largest = doubts.into_iter().max_by(|a, b| a.size_pct().total_cmp(&b.size_pct()))?;
    Some(NextStep::RemoveDoubt { advice: largest.advice().to_owned() })
}
