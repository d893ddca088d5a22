//! What forbids a comparison, and what is worth knowing about one.
//!
//! Looks at where the two sides come from and at how their runs lie. A setting that differs and is not under test makes the
//! sides not comparable; a warning changes no verdict. What moves an interval is in `doubts`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::{Case, Rehearsal};
use crate::stats::evidence::client_settings::SettingsCompared;
use crate::stats::evidence::detect_doubts::{scatter_pct, two_clusters};
use crate::stats::evidence::side::Side;
use crate::stats::evidence::side_name::SideName;
use crate::stats::evidence::streams;
use crate::stats::math::descriptive::median;
use crate::stats::runs::counted;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::{Group, RunSummary};
use crate::units;

/// Wall times that scatter more than this (robust coefficient of variation) say that the computer was not quiet.
const HIGH_CV_PCT: f64 = 5.0;
/// Below this the mean of the runs is little more than the runs themselves; ten are usual.
const FEW_RUNS: usize = 5;
/// A clock that moves by less from run to run is a boost clock at work.
const MUCH_CLOCK_PCT: f64 = 5.0;
/// A first frame that takes longer, and so many times as long as others, is dear.
const DEAR_FROM_MS: f64 = 10.0;
const DEAR_TIMES: f64 = 5.0;
/// What a comparison is about, or what has a check of its own.
const UNDER_TEST: [&str; 23] = [
    "device",
    "input",
    "frames",
    "codecs",
    "reap_thresholds",
    "decode_reap_thresholds",
    "decode_lock",
    "locks",
    "pools",
    "preroll",
    "telemetry",
    "warmup",
    "repeat",
    "blocks",
    "looks",
    "order_seed",
    "goal",
    "criteria",
    "until",
    "confirm",
    "preload_mib",
    "baselines",
    "verify",
];

/// Something that differs and is not under test.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NotComparable {
    pub field: String,
    pub before: String,
    pub after: String,
}

impl NotComparable {
    /// The cases of one codec give other bytes. `None` where they give the same, where that is not known, and where the sides had
    /// other frames, another model of device or another driver, which is said elsewhere.
    pub(crate) fn streams(before: &Side<'_>, after: &Side<'_>, cases: [Case; 2]) -> Option<Self> {
        let model = |side: &Side<'_>| (side.device.kind, side.device.name.clone(), side.device.driver.clone());
        if before.input_text() != after.input_text() || model(before) != model(after) {
            return None;
        }
        let runs = |side: &Side<'_>, case| side.runs_of(case).into_iter().cloned().collect::<Vec<_>>();
        let differs = streams::differs_between(&runs(before, cases[0]), &runs(after, cases[1]))?;
        let (before, after) = (cases[0].title(), format!("{}, other bytes from frame {differs} on", cases[1].title()));
        Some(Self { field: format!("stream ({})", cases[0].codec), before, after })
    }

    /// One side was throttled throughout, the other was not.
    pub(crate) fn throttled() -> Self {
        let (before, after) = ("other than after".to_owned(), "other than before".to_owned());
        Self { field: "GPU throttling".to_owned(), before, after }
    }
}

/// "preset: p1 before, p4 after"
impl fmt::Display for NotComparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} before, {} after", self.field, self.before, self.after)
    }
}

/// Something worth knowing that changes no verdict. `Display` is the sentence for people.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[allow(missing_docs, reason = "Display says it")]
pub enum Warning {
    DeviceDiffers { before: String, after: String },
    DeviceKindDiffers { before: String, after: String },
    InputDiffers { before: String, after: String },
    FixedOrder,
    DebugBuild { side: SideName },
    CodecLeftOut { codec: Codec, side: SideName },
    FewRuns { side: SideName, case: Case, num_good: u32 },
    Scatter { side: SideName, case: Case, cv_pct: f64 },
    TwoClusters { side: SideName, case: Case, apart_pct: f64 },
    StreamVaries { side: SideName, case: Case, from_frame: u32 },
    ClockChanged { side: Option<SideName>, lowest_mhz: u32, highest_mhz: u32, num_limited: u32, num_runs: u32 },
    OtherSessions { side: Option<SideName>, num_runs: u32, most: u32 },
    DearFirstFrame { side: Option<SideName>, first_ms: f64, usual_ms: f64, is_counted: bool },
    Undecodable { side: Option<SideName>, codec: Codec, problem: String },
    EncodersDiffer { codec: Codec, settings: SettingsCompared },
}

/// All there are, the gravest kinds first. `groups` are the compared cases, before and after, one pair a codec.
pub fn warnings(before: &Side<'_>, after: &Side<'_>, groups: &[(&Group, &Group)]) -> Vec<Warning> {
    let mut all = of_origin(before, after);
    if before.is_same_session(after) && before.plan.order_seed.is_none() {
        all.push(Warning::FixedOrder);
    }
    for (side, name) in [(before, SideName::Before), (after, SideName::After)] {
        if !side.environment.optimised_build {
            all.push(Warning::DebugBuild { side: name });
        }
        let compared = |codec: &Codec| groups.iter().any(|(group, _)| group.case.codec == *codec);
        let left_out = side.codecs().into_iter().filter(|codec| !compared(codec));
        all.extend(left_out.map(|codec| Warning::CodecLeftOut { codec, side: name }));
    }
    if before.is_same_session(after) {
        all.extend(of_session(None, before));
    } else {
        all.extend(of_session(Some(SideName::Before), before));
        all.extend(of_session(Some(SideName::After), after));
    }
    for (group_before, group_after) in groups {
        all.extend(encoders_differ(before, after, [group_before.case, group_after.case]));
        all.extend(of_runs(SideName::Before, group_before, before));
        all.extend(of_runs(SideName::After, group_after, after));
    }
    all
}

/// What holds for a whole session; `side` is left out where both sides are of it.
fn of_session(side: Option<SideName>, origin: &Side<'_>) -> Vec<Warning> {
    let undecodable = |(&codec, tried): (_, &Rehearsal)| {
        Some(Warning::Undecodable { side, codec, problem: tried.undecodable.clone()? })
    };
    let mut all: Vec<_> = origin.rehearsals.iter().filter_map(undecodable).collect();
    all.extend(of_gpu(side, origin.runs));
    all.extend(dear_first_frame(side, origin));
    all
}

/// Of programs that set their encoders up themselves. What differs between two of our own runs is the plan, which is compared
/// as that.
fn encoders_differ(before: &Side<'_>, after: &Side<'_>, cases: [Case; 2]) -> Option<Warning> {
    let compared = SettingsCompared::of_cases((before, cases[0]), (after, cases[1]))?;
    let is_of_processes = cases.iter().any(|case| !case.client.is_here());
    let settings = Some(compared).filter(|one| is_of_processes && !one.differing.is_empty())?;
    Some(Warning::EncodersDiffer { codec: cases[1].codec, settings })
}

/// What the GPU did meanwhile, over all counted runs of the session: a clock that changes changes every time with it.
fn of_gpu(side: Option<SideName>, runs: &[RunSummary]) -> Vec<Warning> {
    let counted: Vec<_> = runs.iter().filter(|run| run.counts()).collect();
    let clocks = || counted.iter().filter_map(|run| run.gpu?.run_mhz()).filter(|&mhz| mhz > 0);
    let num_runs = counted.len() as u32;
    let mut all = Vec::new();
    if let Some((lowest_mhz, highest_mhz)) = clocks().min().zip(clocks().max())
        && f64::from(highest_mhz) > f64::from(lowest_mhz) * (1.0 + MUCH_CLOCK_PCT / 100.0)
    {
        let num_limited = counted.iter().filter(|run| run.gpu.is_some_and(|gpu| gpu.is_limited())).count() as u32;
        all.push(Warning::ClockChanged { side, lowest_mhz, highest_mhz, num_limited, num_runs });
    }
    let others = |run: &&&RunSummary| Some(run.instruments.as_deref()?.other_sessions?.highest).filter(|&num| num > 0);
    let busy: Vec<u32> = counted.iter().filter_map(|run| others(&run)).collect();
    let most = busy.iter().copied().max();
    all.extend(most.map(|most| Warning::OtherSessions { side, num_runs: busy.len() as u32, most }));
    all
}

/// A session's first frame that takes far longer than others.
fn dear_first_frame(side: Option<SideName>, origin: &Side<'_>) -> Option<Warning> {
    let counted = || origin.runs.iter().filter(|run| run.counts());
    let typical = |metric| median(&counted().filter_map(|run| run.value(metric)).collect::<Vec<_>>());
    let (first_ms, usual_ms) = (typical(Metric::FirstOutputMs)?, typical(Metric::LatencyP50Ms)?);
    let is_dear = first_ms > DEAR_FROM_MS && first_ms > DEAR_TIMES * usual_ms;
    let is_counted = origin.plan.preroll_frames() == 0;
    is_dear.then_some(Warning::DearFirstFrame { side, first_ms, usual_ms, is_counted })
}

fn of_origin(before: &Side<'_>, after: &Side<'_>) -> Vec<Warning> {
    let mut all = Vec::new();
    let mut differs = |before: String, after: String, warning: fn(String, String) -> Warning| {
        if before != after {
            all.push(warning(before, after));
        }
    };
    let has_cards = before.device.card.is_some() && after.device.card.is_some();
    let name = |side| device_name(side, has_cards);
    differs(name(before), name(after), |before, after| Warning::DeviceDiffers { before, after });
    differs(kind(before), kind(after), |before, after| Warning::DeviceKindDiffers { before, after });
    differs(before.input_text(), after.input_text(), |before, after| Warning::InputDiffers { before, after });
    all
}

/// With its UUID, where both sides have one: two cards of one model differ.
fn device_name(side: &Side<'_>, has_cards: bool) -> String {
    let card = side.device.card.as_ref().filter(|_| has_cards);
    let uuid = card.map_or_else(String::new, |card| format!(" ({})", card.uuid));
    format!("{}{uuid}", side.device.name)
}

fn kind(side: &Side<'_>) -> String {
    format!("{:?}", side.device.kind).to_lowercase()
}

/// What differs and is not what the comparison is about: settings of the plan, whatever fields it has, and what else of
/// the machine makes times.
pub fn settings(before: &Side<'_>, after: &Side<'_>) -> Vec<NotComparable> {
    let both = of_machine(before).into_iter().zip(of_machine(after));
    let of_machine = both.filter(|(before, after)| before != after);
    let of_machine =
        of_machine.map(|((field, before), (_, after))| NotComparable { field: field.to_owned(), before, after });
    of_plans(before.plan, after.plan).into_iter().chain(of_encoders(before, after)).chain(of_machine).collect()
}

fn of_machine(side: &Side<'_>) -> [(&'static str, String); 4] {
    let build = if side.environment.optimised_build { "optimised" } else { "debug" };
    // Without one the session's first frames are measured as if they were the rest.
    let preroll = if side.plan.preroll_frames() > 0 { "before the clock starts" } else { "none" };
    [
        ("driver", side.device.driver.clone()),
        ("processor", side.environment.cpu.clone()),
        ("build", build.to_owned()),
        ("pre-roll", preroll.to_owned()),
    ]
}

/// What a device has, and nobody set.
const OF_DEVICE: &str = "encoder engines";

/// What the driver made of the same preset: defaults differ by driver.
fn of_encoders(before: &Side<'_>, after: &Side<'_>) -> Vec<NotComparable> {
    let mut all = Vec::new();
    // Other frames have other headers, which is said elsewhere.
    if before.input_text() != after.input_text() {
        return all;
    }
    for (codec, before) in before.settings {
        let Some(after) = after.settings.get(codec) else { continue };
        // A name that only one side has is one that an older program did not ask for.
        let both = before.iter().filter_map(|(name, before)| Some((name, before, after.get(name)?)));
        let differing = both.filter(|(name, before, after)| before != after && *name != OF_DEVICE);
        all.extend(differing.map(|(name, before, after)| NotComparable {
            field: format!("{codec} {name}"),
            before: before.clone(),
            after: after.clone(),
        }));
    }
    all
}

fn of_plans(before: &Plan, after: &Plan) -> Vec<NotComparable> {
    let (Ok(serde_json::Value::Object(before)), Ok(serde_json::Value::Object(after))) =
        (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return Vec::new();
    };
    // A field that is left out has its default, which is another value than one that is there.
    let mut fields: Vec<_> = before.keys().chain(after.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    let unset = serde_json::Value::Null;
    let differs = |field: &String| {
        let (before, after) = (before.get(field).unwrap_or(&unset), after.get(field).unwrap_or(&unset));
        let counts = !UNDER_TEST.contains(&field.as_str()) && before != after;
        counts.then(|| NotComparable { field: field.clone(), before: plain(before), after: plain(after) })
    };
    fields.into_iter().filter_map(differs).collect()
}

/// JSON for people: no quotes around a lone word.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(word) => word.clone(),
        serde_json::Value::Null => "unset".to_owned(),
        other => other.to_string(),
    }
}

fn of_runs(side: SideName, group: &Group, origin: &Side<'_>) -> Vec<Warning> {
    let case = group.case;
    let mut all = Vec::new();
    let runs = counted(&origin.runs_of(case));
    if runs.len() < FEW_RUNS {
        all.push(Warning::FewRuns { side, case, num_good: runs.len() as u32 });
    }
    // Only the wall time is asked: a lock wait near zero scatters a lot in percent and little in anything else.
    if let Some(cv_pct) = scatter_pct(&runs).filter(|&cv_pct| cv_pct > HIGH_CV_PCT) {
        all.push(Warning::Scatter { side, case, cv_pct });
    }
    let varies = streams::varies(origin.runs, case).map(|varies| varies.from_frame);
    all.extend(varies.map(|from_frame| Warning::StreamVaries { side, case, from_frame }));
    all.extend(two_clusters(&runs).map(|apart_pct| Warning::TwoClusters { side, case, apart_pct }));
    all
}

/// " before", " after", or nothing where both sides are meant.
fn of(side: &Option<SideName>) -> String {
    side.map_or_else(String::new, |side| format!(" {side}"))
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FixedOrder => f.write_str(
                "The order of runs was fixed, not drawn by lot, as older versions did: a disturbance with a period of four \
                 runs can look like an effect",
            ),
            Self::DeviceDiffers { before, after } => write!(f, "The devices differ: {before} before, {after} after"),
            Self::DeviceKindDiffers { before, after } => write!(
                f,
                "The kinds of device differ: {before} before, {after} after; modelled times are no measurement"
            ),
            Self::InputDiffers { before, after } => write!(f, "The inputs differ: {before} before, {after} after"),
            Self::DebugBuild { side } => {
                write!(f, "A debug build measured the {side} side: use a release build for numbers that count")
            }
            Self::CodecLeftOut { codec, side } => write!(f, "Only the {side} side has {codec}, so it was left out"),
            Self::FewRuns { side, case, num_good } => {
                write!(f, "Only {num_good} good counted {side} runs ({case}); 10 are usual")
            }
            Self::Scatter { side, case, cv_pct } => write!(
                f,
                "Wall times scatter by {} from run to run {side} ({case}): the computer was not quiet. The interval \
                 includes this",
                units::pct(*cv_pct)
            ),
            Self::StreamVaries { side, case, from_frame } => write!(
                f,
                "The encoder does not repeat its stream {side} ({case}): from frame {from_frame} on its runs return other bytes, so \
                 nobody can say whether two settings encode the same"
            ),
            Self::ClockChanged { side, lowest_mhz, highest_mhz, num_limited, num_runs } => {
                write!(
                    f,
                    "The GPU's video clock changed from run to run{}: {lowest_mhz} to {highest_mhz} MHz; heat or power held it \
                     down in {num_limited} of {num_runs} runs. Let the GPU cool, or lock its clocks",
                    of(side)
                )
            }
            Self::OtherSessions { side, num_runs, most } => write!(
                f,
                "Other programs encoded on this GPU{}: up to {most} of their sessions were open in {num_runs} of the runs",
                of(side)
            ),
            Self::DearFirstFrame { side, first_ms, usual_ms, is_counted } => {
                let counted = if *is_counted {
                    "it is in the wall time of every run; --set preroll=16 takes it out"
                } else {
                    "it is not counted, and a program that opens many sessions waits for it in each"
                };
                let (first, usual) = (units::ms(*first_ms), units::ms(*usual_ms));
                write!(f, "The first frame of a session takes {first}{}, where others take {usual}: {counted}", of(side))
            }
            Self::Undecodable { side, codec, problem } => {
                write!(f, "The {codec} stream of the first try{} does not decode: {problem}", of(side))
            }
            Self::EncodersDiffer { codec, settings } => write!(
                f,
                "The two sides set their {codec} encoders up differently, so part of a change is not the program: {}",
                settings.text(["before", "after"])
            ),
            Self::TwoClusters { side, case, apart_pct } => write!(
                f,
                "Wall times {side} ({case}) form two clusters {} apart: the computer was in two states. The interval \
                 includes this",
                units::pct(*apart_pct)
            ),
        }
    }
}
