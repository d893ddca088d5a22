//! Texts in the words of the window, and of the engine that it shows.
//!
//! Errors come from modules that serve the command line too and name its options; here each option becomes the control
//! that does the same. Knows no error's type.

use eframe::egui::{Context, Id, Ui};

use crate::contract::EngineKind;

/// Options as errors name them, and the controls to name instead. A longer text stands before its own beginning.
const CONTROLS: [(&str, &str); 34] = [
    ("pass --allow-virtual-against-real", "tick 'Allow comparing a virtual device with a real one' under Criteria"),
    ("--allow-virtual-against-real", "'Allow comparing a virtual device with a real one'"),
    ("pass --allow-different-input", "tick 'Allow different inputs' under Criteria"),
    ("--allow-different-input", "'Allow different inputs'"),
    ("pass --allow-different-settings", "tick 'Allow different settings, driver, processor or build' under Criteria"),
    ("--allow-different-settings", "'Allow different settings, driver, processor or build'"),
    ("--session-drift", "'Assumed drift between sessions'"),
    ("use for example --repeat 10 --set looks=20,40", "tick 'Add rounds while undecided' again"),
    ("add --pace, for example --pace 60", "choose 'Live source'"),
    ("add --baseline ffmpeg", "tick 'Compare with FFmpeg'"),
    ("'inflight sweep --save-plan FILE' writes one", "'Save plan' writes one"),
    ("raise --preload-mib, lower", "lower"),
    ("lower --preload-mib", "choose a smaller input"),
    ("--engine nvdec", "'Decoder'"),
    ("--device virtual", "the device 'virtual'"),
    ("use --lock inline or thread", "choose 'submit thread (inline)' or 'lock thread'"),
    ("--max-bitrate-kbps", "'Peak rate'"),
    ("--bitrate-kbps", "'Bit rate'"),
    ("--host-work-us", "'Busy work before each frame'"),
    ("--b-frames", "'B-frames'"),
    ("--max-repeat", "'Most rounds'"),
    ("--repeat", "'Rounds'"),
    ("--pairs", "'Rounds'"),
    ("--confirm", "'To confirm'"),
    ("--blocks 1 (one process) to 1000", "1 (one process) to 1000 under 'Processes'"),
    ("--blocks", "'Processes'"),
    ("--until", "'Add rounds until precise enough'"),
    ("--frames", "'Frames per run'"),
    ("--streams", "'Streams'"),
    ("--baseline", "other programs"),
    ("--verify", "'Decode its output'"),
    ("--pool", "'Set pool size'"),
    ("--pace", "'Live source'"),
    ("--gop", "'Set GOP length'"),
];

/// `message` with the names of controls in place of the command line's options.
pub fn in_window(message: &str) -> String {
    CONTROLS.iter().fold(message.to_owned(), |text, (option, control)| text.replace(option, control))
}

/// From now on [`said`] uses the words of `engine`.
pub fn use_words_of(ctx: &Context, engine: EngineKind) {
    ctx.data_mut(|data| data.insert_temp(Id::unique("engine in words"), engine));
}

/// One of our own texts, as it is said of the engine that the window shows.
pub fn said(ui: &Ui, text: &str) -> String {
    let engine = ui.data(|data| data.get_temp::<EngineKind>(Id::unique("engine in words"))).unwrap_or_default();
    engine.say(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Codec;
    use crate::plan::PlanError;

    #[test]
    fn no_error_of_a_plan_names_an_option_in_the_window() {
        let errors = [
            PlanError::Twice { what: "codec", value: "h264".to_owned() },
            PlanError::PoolTooSmall { pool: 2, threshold: 4 },
            PlanError::PoolTooSmallForReorder { pool: 4, threshold: 4, held: 2 },
            PlanError::NoFrames,
            PlanError::NoRuns,
            PlanError::Width(0.0),
            PlanError::NothingToNarrow,
            PlanError::ConfirmTooFew(2),
            PlanError::Blocks(0),
            PlanError::BlocksAndLooks,
            PlanError::BlocksAndBaseline,
            PlanError::BlocksAndPipe,
            PlanError::TooFewPairs { pairs: 2, least: 6 },
            PlanError::CapTooLow { max: 5, repeat: 10 },
            PlanError::Looks(vec![40, 20], 10),
            PlanError::UntilAndLooks,
            PlanError::LiveWithoutPace,
            PlanError::TooManyRuns(2_000_000),
            PlanError::PaceAndWork,
            PlanError::NotEncoded(Codec::Vp9),
            PlanError::Gop,
            PlanError::GopTooShort { gop: 2, b_frames: 2 },
            PlanError::BFrames(5),
            PlanError::WorkAndBaseline,
            PlanError::NothingToVerify,
            PlanError::Bitrate,
            PlanError::PeakBelowAverage { average: 5, max: 3 },
            PlanError::Qp { qp: 99, codec: Codec::H264, max: 51 },
        ];
        for error in errors {
            let shown = in_window(&error.to_string());
            assert!(!shown.contains("--"), "{shown}");
        }
    }

    #[test]
    fn every_control_that_is_named_is_in_the_window() {
        let views = [
            include_str!("views/setup/cards.rs"),
            include_str!("views/setup/engine.rs"),
            include_str!("views/setup/to_try.rs"),
            include_str!("views/setup/thorough.rs"),
            include_str!("views/setup/plans.rs"),
            include_str!("views/compare/view.rs"),
        ]
        .concat();
        for (_, control) in CONTROLS {
            for name in control.split('\'').skip(1).step_by(2).filter(|&name| name != "virtual") {
                assert!(views.contains(&format!("\"{name}")), "no control is called '{name}'");
            }
        }
    }
}
