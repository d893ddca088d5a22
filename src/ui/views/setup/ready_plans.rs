//! The plans that the window offers: what to try and how thoroughly, for the usual questions.
//!
//! They are files like those that 'Save plan' writes. A plan that is taken up keeps the source and the engine of the form.

use std::sync::LazyLock;

use crate::contract::EngineKind;
use crate::plan::Plan;
use crate::session::parse_plan;

/// A plan for a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyPlan {
    /// The default: thresholds 1 to 8, on both threads.
    WhichThreshold,
    /// One frame in flight compared with four.
    QuickLook,
    /// Frames that arrive at 60 a second.
    Live,
    /// FFmpeg in the same rounds.
    WithFfmpeg,
}

static PLANS: LazyLock<[Plan; 4]> = LazyLock::new(|| {
    // A test reads each of them.
    ReadyPlan::ALL.map(|ready| parse_plan(ready.file()).unwrap_or_default())
});

impl ReadyPlan {
    /// All of them, the usual one first.
    pub const ALL: [Self; 4] = [Self::WhichThreshold, Self::QuickLook, Self::Live, Self::WithFfmpeg];

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::WhichThreshold => "Which threshold?",
            Self::QuickLook => "Quick look",
            Self::Live => "Live at 60 fps",
            Self::WithFfmpeg => "Compare with FFmpeg",
        }
    }

    /// What it measures, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::WhichThreshold => "1, 2, 4 and 8 frames in flight, locked on either thread",
            Self::QuickLook => "1 frame in flight compared with 4, six rounds",
            Self::Live => "frames arrive at 60 fps; the latency must keep a budget",
            Self::WithFfmpeg => "FFmpeg and ours as processes, on the same frames",
        }
    }

    /// Can this engine run it? Other programs are encoders.
    pub fn is_for(self, engine: EngineKind) -> bool {
        !engine.decodes() || self.plan().baselines.is_empty()
    }

    fn file(self) -> &'static [u8] {
        match self {
            Self::WhichThreshold => include_bytes!("../../../../assets/plans/which-threshold.json"),
            Self::QuickLook => include_bytes!("../../../../assets/plans/quick-look.json"),
            Self::Live => include_bytes!("../../../../assets/plans/live-60-fps.json"),
            Self::WithFfmpeg => include_bytes!("../../../../assets/plans/compare-with-ffmpeg.json"),
        }
    }

    /// As in its file.
    pub fn plan(self) -> &'static Plan {
        &PLANS[self as usize]
    }

    /// `form` with what to try and how thoroughly as here. The caller's own work is left as it is.
    pub fn fill(self, form: &Plan) -> Plan {
        let ready = self.plan().clone();
        let engine = if self.is_for(form.engine) { form.engine } else { EngineKind::Nvenc };
        let filled = Plan {
            engine: form.engine,
            copy_out: form.copy_out,
            input_path: form.input_path,
            split_encode: form.split_encode,
            decode_reap_thresholds: form.decode_reap_thresholds.clone(),
            decode_lock: form.decode_lock,
            device: form.device.clone(),
            input: form.input.clone(),
            codecs: form.codecs.clone(),
            preset: form.preset,
            tuning: form.tuning,
            rate_control: form.rate_control,
            vbv_bits: form.vbv_bits,
            gop_length: form.gop_length,
            b_frames: form.b_frames,
            lookahead: form.lookahead,
            b_reference: form.b_reference,
            intra_refresh: form.intra_refresh,
            colour: form.colour,
            host_work_us: form.host_work_us,
            order_seed: form.order_seed,
            criteria: form.criteria,
            allow_damaged: form.allow_damaged,
            preload_mib: form.preload_mib,
            isolate: form.isolate,
            stall_limit_s: form.stall_limit_s,
            ..ready
        };
        filled.with_engine(engine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::save_plan;

    #[test]
    fn every_plan_can_be_run_and_is_saved_again_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        for ready in ReadyPlan::ALL {
            let plan = parse_plan(ready.file()).unwrap();
            assert_eq!(plan.check(), Ok(()), "{ready:?}");
            assert_eq!(ready.plan(), &plan, "{ready:?}");
            let path = dir.path().join("plan.json");
            save_plan(&plan, &path).unwrap();
            assert_eq!(std::fs::read(path).unwrap(), ready.file(), "{ready:?}");
        }
    }

    #[test]
    fn the_first_is_the_default_and_none_takes_the_clip_away() {
        let usual = Plan { host_work_us: 300, ..Plan::default() };
        assert_eq!(ReadyPlan::WhichThreshold.plan(), &usual);
        let form = Plan { input: "clip.mp4".to_owned(), device: "cuda:0".to_owned(), b_frames: 2, ..Plan::default() };
        for ready in ReadyPlan::ALL {
            let filled = ready.fill(&form);
            assert_eq!((&filled.input, &filled.device, filled.b_frames), (&form.input, &form.device, 2));
            assert_eq!(filled.reap_thresholds, ready.plan().reap_thresholds);
        }
    }
}
