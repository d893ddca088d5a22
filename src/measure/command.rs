//! The command line that runs a plan, for the "Repeat it" section of a report.

use crate::contract::RateControl;
use crate::plan::{Goal, Plan};
use crate::shell::shell_word;

/// `inflight sweep` with every choice of the plan that is not the command line's default.
pub fn sweep_command(plan: &Plan) -> String {
    let usual = Plan::default();
    let mut words = vec!["inflight".to_owned(), "sweep".to_owned()];
    let mut words_live = Vec::new();
    let mut say = |option: &str, value: String| words.extend([option.to_owned(), shell_word(&value)]);
    if !plan.engine.is_usual() {
        say("--engine", plan.engine.to_string());
    }
    say("--device", plan.device.clone());
    say("--input", plan.input.clone());
    say("--codec", list(&plan.codecs));
    say("--reap-threshold", list(&plan.reap_thresholds));
    say("--lock", list(&plan.locks));
    say("--frames", plan.frames.to_string());
    say("--warmup", plan.warmup.to_string());
    // A number of rounds that is typed is fixed; further looks are what a sweep does by itself.
    if plan.looks.is_empty() {
        say("--repeat", plan.repeat.to_string());
    } else if (plan.repeat, &plan.looks) != (usual.repeat, &usual.looks) {
        say("--set", format!("repeat={}", plan.repeat));
        say("--set", format!("looks={}", list(&plan.looks)));
    }
    if plan.blocks > 1 {
        say("--blocks", plan.blocks.to_string());
    }
    match plan.goal {
        Goal::Batch => {}
        Goal::Live { budget_ms: None } => words_live.push("--live".to_owned()),
        Goal::Live { budget_ms: Some(budget_ms) } => words_live.extend(["--live".to_owned(), budget_ms.to_string()]),
    }
    if let Some(until) = plan.until {
        say("--until", format!("{}%", until.half_width_pct));
        say("--max-repeat", until.max_repeat.to_string());
    }
    if plan.confirm != usual.confirm {
        say("--confirm", plan.confirm.to_string());
    }
    if !plan.input_path.is_driver() {
        say("--input-path", plan.input_path.to_string());
    }
    if !plan.decode_reap_thresholds.is_empty() {
        say("--set", format!("decode_reap_thresholds={}", list(&plan.decode_reap_thresholds)));
    }
    if plan.decode_lock != usual.decode_lock {
        say("--set", format!("decode_lock={}", plan.decode_lock));
    }
    coding_fields(plan).into_iter().for_each(|word| say("--set", word));
    if plan.copy_out {
        say("--set", "copy_out=true".to_owned());
    }
    say("--preset", plan.preset.to_string());
    say("--tuning", plan.tuning.to_string());
    if !plan.pools.is_empty() {
        say("--pool", list(&plan.pools));
    }
    if let Some(preroll) = plan.preroll {
        say("--set", format!("preroll={preroll}"));
    }
    if let Some(gop_length) = plan.gop_length {
        say("--gop", gop_length.to_string());
    }
    if plan.b_frames > 0 {
        say("--b-frames", plan.b_frames.to_string());
    }
    match plan.pace_fps {
        Some(fps) => say("--pace", fps.to_string()),
        None => say("--host-work-us", plan.host_work_us.to_string()),
    }
    if plan.preload_mib != usual.preload_mib {
        say("--preload-mib", plan.preload_mib.to_string());
    }
    if plan.streams > 1 {
        say("--streams", plan.streams.to_string());
    }
    if let Some(mhz) = plan.lock_clocks_mhz {
        say("--lock-clocks", mhz.to_string());
    }
    if plan.allow_damaged {
        say("--set", "allow_damaged=true".to_owned());
    }
    if plan.isolate == Some(true) {
        say("--set", "isolate=true".to_owned());
    }
    if plan.stall_limit_s != usual.stall_limit_s {
        say("--set", format!("stall_limit_s={}", plan.stall_limit_s));
    }
    if plan.isolate == Some(false) {
        words.push("--in-process".to_owned());
    }
    if !plan.telemetry {
        words.push("--no-telemetry".to_owned());
    }
    for baseline in &plan.baselines {
        words.extend(["--baseline".to_owned(), shell_word(&baseline.to_string())]);
    }
    if plan.verify {
        words.push("--verify".to_owned());
    }
    words.extend(rate_words(plan.rate_control));
    words.extend(words_live);
    words.join(" ")
}

/// `inflight calibrate` for the plan of a calibration.
pub fn calibrate_command(plan: &Plan) -> String {
    let pairs = plan.repeat / 2;
    let like = Plan { repeat: Plan::default().repeat, confirm: Plan::default().confirm, ..plan.clone() };
    let repeat = format!(" --repeat {}", like.repeat);
    sweep_command(&like).replacen("inflight sweep", "inflight calibrate", 1).replacen(
        &repeat,
        &format!(" --pairs {pairs}"),
        1,
    )
}

/// Fields of how frames are encoded that have no option, as KEY=VALUE.
pub(super) fn coding_fields(plan: &Plan) -> Vec<String> {
    let split = (!plan.split_encode.is_off()).then_some(plan.split_encode);
    let fields = [
        plan.lookahead.map(|depth| format!("lookahead={depth}")),
        split.map(|split| format!("split_encode={split}")),
        plan.vbv_bits.map(|bits| format!("vbv_bits={bits}")),
        plan.b_reference.map(|mode| format!("b_reference={mode}")),
        plan.intra_refresh.map(|period| format!("intra_refresh={period}")),
        plan.colour.map(|colour| format!("colour={}", serde_json::json!(colour))),
    ];
    fields.into_iter().flatten().collect()
}

/// The rate control as options of `sweep` and `encode`.
pub(super) fn rate_words(rate: RateControl) -> Vec<String> {
    let kbps = |bps: u32| (bps / 1000).to_string();
    match rate {
        RateControl::Preset => vec![],
        RateControl::Cbr { bitrate_bps } => vec!["--bitrate-kbps".to_owned(), kbps(bitrate_bps)],
        RateControl::Vbr { bitrate_bps, max_bitrate_bps } => vec![
            "--vbr".to_owned(),
            "--bitrate-kbps".to_owned(),
            kbps(bitrate_bps),
            "--max-bitrate-kbps".to_owned(),
            kbps(max_bitrate_bps),
        ],
        RateControl::Cqp { qp } => vec!["--cqp".to_owned(), qp.to_string()],
    }
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
