//! The set-up form: its values, the plan that they make, and the problems of each part.
//!
//! Knows no egui and touches no file; the sweep finds out whether a device or an input exists.

use crate::contract::{Codec, EngineKind, LockPlacement};
use crate::device::DeviceSpec;
use crate::measure::strangers::without_new_powers;
use crate::plan::{Baseline, Goal, Plan, PlanError};
use crate::process::ffmpeg::encoder_of;
use crate::source::{InputSpec, SourceError};
use crate::ui::views::setup::devices::Devices;
use crate::ui::views::setup::ready_plans::ReadyPlan;
use crate::ui::words::in_window;

/// Thresholds that have a chip of their own.
pub const CHIPS: [u32; 5] = [1, 2, 4, 8, 16];

/// The form.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The chosen values. `host_work_us` and `pace_fps` follow from `caller`.
    pub plan: Plan,
    /// The caller's behaviour around the encoder.
    pub caller: CallerChoice,
    /// Busy work for [`CallerChoice::Work`].
    pub host_work_us: u32,
    /// Rate for [`CallerChoice::Paced`].
    pub pace_fps: f64,
    /// Threshold that is about to be added.
    pub own_threshold: u32,
    /// Options of FFmpeg that are about to be added beside our own runs.
    pub own_options: String,
    /// Where a plan is read from or written to.
    pub plan_path: String,
    /// Devices to choose from.
    pub devices: Devices,
    /// The codecs that FFmpeg encodes with NVENC, or why it cannot be compared with; `None`: not known yet.
    pub ffmpeg: Option<Result<Vec<Codec>, String>>,
    /// The card to scroll to, once.
    pub shows_to_try: bool,
}

/// The caller's behaviour around the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerChoice {
    /// As in the device's profile; no work on a GPU.
    Modelled,
    /// Busy work before each frame.
    Work,
    /// Frames arrive at a fixed rate.
    Paced,
}

/// How many rounds a sweep makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A first look: few rounds, each case once confirmed.
    Quick,
    /// The default: until there is an answer.
    Standard,
    /// For a small change or a noisy computer.
    Strict,
}

impl Effort {
    /// All of them, the quickest first.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Standard, Self::Strict];

    /// The title of its button.
    pub fn title(self) -> &'static str {
        match self {
            Self::Quick => "Quick",
            Self::Standard => "Standard",
            Self::Strict => "Strict",
        }
    }

    /// Sets everything that it decides.
    fn apply(self, plan: &mut Plan) {
        let usual = Plan::default();
        let (warmup, repeat, looks, confirm) = match self {
            Self::Quick => (1, 6, Vec::new(), 5),
            Self::Standard => (usual.warmup, usual.repeat, usual.looks, usual.confirm),
            Self::Strict => (3, 20, vec![40, 80], 12),
        };
        (plan.warmup, plan.repeat, plan.looks, plan.confirm) = (warmup, repeat, looks, confirm);
        (plan.until, plan.blocks) = (None, 1);
    }
}

/// A part of the form that can have a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Part {
    Device,
    Input,
    Codecs,
    Thresholds,
    Locks,
    Others,
    Pool,
    Caller,
    Frames,
    Repeats,
    Coding,
}

/// A problem, and its part of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Problem {
    pub part: Part,
    pub message: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            plan: Plan::default(),
            caller: CallerChoice::Modelled,
            host_work_us: 200,
            pace_fps: 60.0,
            own_threshold: 6,
            own_options: "-delay 0".to_owned(),
            plan_path: "plan.json".to_owned(),
            devices: Devices::default(),
            ffmpeg: None,
            shows_to_try: false,
        }
    }
}

impl Setup {
    /// The plan of the form.
    pub fn plan(&self) -> Plan {
        let (host_work_us, pace_fps) = match self.caller {
            CallerChoice::Modelled => (modelled_work_us(&self.plan), None),
            CallerChoice::Work => (self.host_work_us, None),
            CallerChoice::Paced => (0, Some(self.pace_fps)),
        };
        // Without a rate there is no frame interval to keep.
        let goal = if pace_fps.is_some() { self.plan.goal } else { Goal::Batch };
        Plan { host_work_us, pace_fps, goal, ..self.plan.clone() }
    }

    /// A plan from a file or a session, which may be somebody else's. Answers with what was left out of it: the library that it
    /// loads and the options that it gives FFmpeg, where the form does not hold them already.
    #[must_use]
    pub(in crate::ui) fn take_foreign(&mut self, plan: &Plan) -> Vec<String> {
        let (plan, left_out) = without_new_powers(plan, &self.plan());
        self.take_plan(&plan);
        left_out
    }

    /// Fills the form from the plan of a session, to run it again or to change it.
    pub fn take_plan(&mut self, plan: &Plan) {
        self.plan = plan.clone();
        self.host_work_us = plan.host_work_us;
        self.caller = match plan.pace_fps {
            Some(fps) => {
                self.pace_fps = fps;
                CallerChoice::Paced
            }
            None if plan.host_work_us == modelled_work_us(plan) => CallerChoice::Modelled,
            None => CallerChoice::Work,
        };
    }

    /// Sets what to try and how thoroughly; source and encoder stay.
    pub fn take_ready(&mut self, ready: ReadyPlan) {
        let plan = with_modelled_work(ready.fill(&self.plan));
        self.take_plan(&plan);
    }

    /// The ready plan that the form has not been changed from.
    pub fn ready(&self) -> Option<ReadyPlan> {
        let mine = self.plan();
        ReadyPlan::ALL.into_iter().find(|ready| with_modelled_work(ready.fill(&mine)) == mine)
    }

    /// The default plan, on the modelled device and the built-in pattern.
    pub fn take_default(&mut self) {
        self.take_plan(&with_modelled_work(Plan::default()));
    }

    /// Does FFmpeg, without options of its own, run beside ours?
    pub fn has_ffmpeg(&self) -> bool {
        self.plan.baselines.iter().any(is_plain)
    }

    /// Lets it run beside ours, or not.
    pub fn set_ffmpeg(&mut self, is_on: bool) {
        self.plan.baselines.retain(|baseline| !is_plain(baseline));
        if is_on {
            // Before those with options, as it stands before them in the form.
            self.plan.baselines.splice(..0, "ffmpeg".parse());
        }
        self.plan.verify &= !self.plan.baselines.is_empty();
    }

    /// How thorough the plan is, if it is one of those that are offered.
    pub fn effort(&self) -> Option<Effort> {
        Effort::ALL.into_iter().find(|effort| {
            let mut plan = self.plan.clone();
            effort.apply(&mut plan);
            plan == self.plan
        })
    }

    /// Sets the numbers of rounds that go with it.
    pub fn set_effort(&mut self, effort: Effort) {
        effort.apply(&mut self.plan);
    }

    /// The first problem of each part.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut note = |part, message: String| problems.push(Problem { part, message: in_window(&message) });
        if let Some(problem) = self.device_problem() {
            note(Part::Device, problem);
        }
        match self.plan.input.parse::<InputSpec>() {
            Err(error) => note(Part::Input, error.to_string()),
            Ok(input) if self.needs_clip() => {
                note(Part::Input, SourceError::NotCompressed(input.to_string()).to_string())
            }
            Ok(_) => {}
        }
        if let Some(problem) = self.ffmpeg_problem() {
            note(Part::Others, problem);
        }
        if let Err(error) = self.plan().check() {
            note(part_of(&error), error.to_string());
        }
        problems
    }

    fn device_problem(&self) -> Option<String> {
        let named = match self.plan.device.parse::<DeviceSpec>() {
            Ok(DeviceSpec::Cuda(_)) => &self.plan.device,
            Ok(_) => return None,
            Err(error) => return Some(error.to_string()),
        };
        self.devices.why_not(named, self.plan.engine).map(|why| format!("{named} cannot be used: {why}"))
    }

    fn ffmpeg_problem(&self) -> Option<String> {
        if self.plan.baselines.is_empty() {
            return None;
        }
        match self.ffmpeg.as_ref()? {
            Err(why) => Some(why.clone()),
            Ok(known) => {
                let lacking = self.plan.codecs.iter().find(|codec| !known.contains(codec))?;
                let (encoder, title) = (encoder_of(*lacking), lacking.title());
                Some(format!("this ffmpeg has no {encoder}: untick {title}, or FFmpeg"))
            }
        }
    }

    /// Is the chosen device a model?
    pub fn is_modelled(&self) -> bool {
        matches!(self.plan.device.parse(), Ok(DeviceSpec::Virtual(_) | DeviceSpec::VirtualOnCuda(..)))
    }

    /// Adds or removes a threshold; they stay in order.
    pub fn toggle_threshold(&mut self, threshold: u32) {
        toggle(&mut self.plan.reap_thresholds, threshold);
        self.plan.reap_thresholds.sort_unstable();
    }

    /// The engine to measure. What the other one alone has is dropped from the plan.
    pub fn set_engine(&mut self, engine: EngineKind) {
        self.plan = std::mem::take(&mut self.plan).with_engine(engine);
    }

    /// Is there nothing that a decoder could decode?
    pub fn needs_clip(&self) -> bool {
        let is_clip = matches!(self.plan.input.parse(), Ok(InputSpec::File(_)));
        self.plan.engine.decodes() && !is_clip
    }

    /// Adds or removes a threshold of the decoder that feeds the encoder; they stay in order.
    pub fn toggle_decode_threshold(&mut self, threshold: u32) {
        toggle(&mut self.plan.decode_reap_thresholds, threshold);
        self.plan.decode_reap_thresholds.sort_unstable();
    }

    /// Adds or removes a codec.
    pub fn toggle_codec(&mut self, codec: Codec) {
        toggle(&mut self.plan.codecs, codec);
    }

    /// Adds or removes a lock placement.
    pub fn toggle_lock(&mut self, lock: LockPlacement) {
        toggle(&mut self.plan.locks, lock);
    }
}

/// The caller's work that goes with the device; 0 where nothing is modelled, and beside other programs, which have none.
fn modelled_work_us(plan: &Plan) -> u32 {
    if !plan.baselines.is_empty() {
        return 0;
    }
    plan.device.parse().map_or(0, |spec: DeviceSpec| spec.suggested_host_work_us())
}

/// At a pace the source decides when the next frame comes.
fn with_modelled_work(plan: Plan) -> Plan {
    let host_work_us = if plan.pace_fps.is_some() { 0 } else { modelled_work_us(&plan) };
    Plan { host_work_us, ..plan }
}

fn is_plain(baseline: &Baseline) -> bool {
    baseline.extra_options().next().is_none()
}

fn toggle<T: PartialEq>(values: &mut Vec<T>, value: T) {
    match values.iter().position(|known| *known == value) {
        Some(idx) => drop(values.remove(idx)),
        None => values.push(value),
    }
}

fn part_of(error: &PlanError) -> Part {
    match error {
        PlanError::Nothing { what: "codec" } | PlanError::Twice { what: "codec", .. } | PlanError::NotEncoded(_) => {
            Part::Codecs
        }
        PlanError::Nothing { what: "lock placement" } | PlanError::Twice { what: "lock placement", .. } => Part::Locks,
        PlanError::Nothing { .. } | PlanError::Twice { .. } | PlanError::Threshold(_) | PlanError::NothingDecodes => {
            Part::Thresholds
        }
        PlanError::PoolTooSmall { .. }
        | PlanError::PoolTooSmallForReorder { .. }
        | PlanError::PoolForNothing(_)
        | PlanError::PoolTooLarge(_) => Part::Pool,
        PlanError::Streams(_) | PlanError::StreamsAndBaseline => Part::Frames,
        PlanError::BlocksAndPipe => Part::Input,
        PlanError::NoFrames | PlanError::PrerollTooLong(_) => Part::Frames,
        PlanError::NoRuns
        | PlanError::TooManyRuns(_)
        | PlanError::Width(_)
        | PlanError::NothingToNarrow
        | PlanError::ConfirmTooFew(_)
        | PlanError::TooFewPairs { .. }
        | PlanError::Looks(..)
        | PlanError::Criteria(_)
        | PlanError::UntilAndLooks
        | PlanError::Blocks(_)
        | PlanError::BlocksAndLooks
        | PlanError::CapTooLow { .. } => Part::Repeats,
        PlanError::Pace(_) | PlanError::LiveWithoutPace | PlanError::Budget(_) | PlanError::PaceAndWork => Part::Caller,
        PlanError::BlocksAndBaseline
        | PlanError::WorkAndBaseline
        | PlanError::NothingToVerify
        | PlanError::DecoderAndBaseline => Part::Others,
        PlanError::StallLimit(_) => Part::Repeats,
        PlanError::Gop
        | PlanError::Lookahead(_)
        | PlanError::NoBToReferTo
        | PlanError::IntraRefreshTooShort
        | PlanError::IntraRefreshAndGop
        | PlanError::CopyOutOfEncoder
        | PlanError::SplitOfH264
        | PlanError::DecoderAndBFrames
        | PlanError::DecoderAndInputPath
        | PlanError::GopTooShort { .. }
        | PlanError::BFrames(_)
        | PlanError::Bitrate
        | PlanError::PeakBelowAverage { .. }
        | PlanError::Qp { .. } => Part::Coding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_stand_where_they_belong() {
        let part = |change: fn(&mut Setup)| {
            let mut setup = Setup::default();
            change(&mut setup);
            setup.problems().into_iter().map(|problem| problem.part).collect::<Vec<_>>()
        };
        assert_eq!(part(|_| ()), []);
        assert_eq!(part(|setup| setup.plan.device = "gpu".to_owned()), [Part::Device]);
        assert_eq!(part(|setup| setup.plan.input.clear()), [Part::Input]);
        assert_eq!(part(|setup| setup.plan.codecs.clear()), [Part::Codecs]);
        assert_eq!(part(|setup| setup.plan.codecs.push(Codec::Vp9)), [Part::Codecs]);
        assert_eq!(part(|setup| setup.plan.locks.clear()), [Part::Locks]);
        assert_eq!(part(|setup| setup.plan.reap_thresholds.clear()), [Part::Thresholds]);
        assert_eq!(part(|setup| setup.plan.pools = vec![2]), [Part::Pool]);
        assert_eq!(part(|setup| setup.plan.frames = 0), [Part::Frames]);
        assert_eq!(part(|setup| setup.plan.repeat = 0), [Part::Repeats]);
        assert_eq!(
            part(|setup| {
                setup.caller = CallerChoice::Paced;
                setup.pace_fps = 0.0;
            }),
            [Part::Caller]
        );
    }

    #[test]
    fn a_codec_that_is_only_decoded_does_not_follow_to_the_encoder() {
        let mut setup = Setup::default();
        let clip = "clip.webm".to_owned();
        setup.take_plan(&Plan { engine: EngineKind::Nvdec, input: clip, codecs: vec![Codec::Vp9], ..Plan::default() });
        assert_eq!(setup.problems(), []);
        setup.set_engine(EngineKind::Nvenc);
        assert_eq!((setup.problems(), setup.plan.codecs), (vec![], vec![Codec::H264]));
    }

    #[test]
    fn ffmpeg_is_one_of_the_plans_programs_and_needs_an_encoder_for_each_codec() {
        let mut setup = Setup::default();
        setup.plan.baselines = vec!["ffmpeg:-delay 0".parse().unwrap()];
        assert!(!setup.has_ffmpeg());
        setup.set_ffmpeg(true);
        setup.set_ffmpeg(true);
        let names = |setup: &Setup| setup.plan.baselines.iter().map(Baseline::to_string).collect::<Vec<_>>();
        assert_eq!(names(&setup), ["ffmpeg", "ffmpeg:-delay 0"]);
        assert_eq!((setup.has_ffmpeg(), setup.problems()), (true, vec![]), "the modelled work gives way");
        setup.ffmpeg = Some(Ok(vec![Codec::H264]));
        assert_eq!(setup.problems(), []);
        setup.toggle_codec(Codec::Av1);
        assert!(setup.problems()[0].message.contains("av1_nvenc"));
        setup.ffmpeg = Some(Err("no ffmpeg".to_owned()));
        assert_eq!(setup.problems()[0].message, "no ffmpeg");
        setup.plan.verify = true;
        setup.set_ffmpeg(false);
        assert_eq!((names(&setup), setup.plan.verify), (vec!["ffmpeg:-delay 0".to_owned()], true));
        setup.plan.baselines.clear();
        setup.set_ffmpeg(false);
        assert_eq!((setup.plan.verify, setup.problems()), (false, vec![]));
    }

    #[test]
    fn a_ready_plan_is_known_again_until_it_is_changed() {
        let mut setup = Setup::default();
        setup.plan.input = "clip.mp4".to_owned();
        setup.plan.device = "cuda:0".to_owned();
        for ready in ReadyPlan::ALL {
            setup.take_ready(ready);
            assert_eq!((setup.ready(), setup.problems()), (Some(ready), vec![]), "{ready:?}");
            assert_eq!((setup.plan.input.as_str(), setup.plan.device.as_str()), ("clip.mp4", "cuda:0"));
            setup.plan.device = Plan::default().device;
            assert_eq!((setup.ready(), setup.problems()), (Some(ready), vec![]), "{ready:?} on a model");
            setup.toggle_threshold(3);
            assert_eq!(setup.ready(), None, "{ready:?}");
            setup.plan.device = "cuda:0".to_owned();
        }
        setup.take_default();
        assert_eq!(setup.plan(), *ReadyPlan::WhichThreshold.plan());
    }

    #[test]
    fn every_effort_can_be_run_and_is_known_again() {
        let mut setup = Setup::default();
        assert_eq!(setup.effort(), Some(Effort::Standard));
        for effort in Effort::ALL {
            setup.set_effort(effort);
            assert_eq!((setup.effort(), setup.problems()), (Some(effort), vec![]));
        }
        setup.plan.repeat = 17;
        assert_eq!(setup.effort(), None);
    }

    #[test]
    fn a_plan_goes_in_and_comes_out_the_same() {
        let paced = Plan { pace_fps: Some(25.0), ..Plan::default() };
        let busy = Plan { host_work_us: 50, ..Plan::default() };
        for plan in [Plan::default(), paced, busy] {
            let mut setup = Setup::default();
            setup.take_plan(&plan);
            assert_eq!(setup.plan(), plan);
        }
    }
}
