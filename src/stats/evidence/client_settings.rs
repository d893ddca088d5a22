//! Were two encoders set up alike? Two programs that are given equal frames encode the same only then.
//!
//! Compares what both sides name, and says what differs. Knows no driver: whether a difference costs time, nobody can say
//! beforehand, so each is told.

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::{BY_DRIVER, Case, EncodeSettings};
use crate::stats::evidence::side::Side;

/// Differences that a sentence names; the report's table has all.
const MOST_NAMED: usize = 4;
/// What a device has, and what is its stream's: neither was set.
const NOT_SET: [&str; 2] = ["encoder engines", "sequence headers"];
/// A setting that one side leaves to the driver and the other names is what the stream's header says.
const SAID_BY_STREAM: [(&str, &str); 2] = [("profileGUID", "profile_idc"), ("level", "level_idc")];

/// The settings of two encoders, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingsCompared {
    /// Settings that both name and that have an effect on either side.
    pub num_compared: u32,
    /// Those that differ.
    pub differing: Vec<SettingDiffers>,
}

/// One setting of two encoders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SettingDiffers {
    pub name: String,
    pub before: String,
    pub after: String,
}

impl SettingsCompared {
    /// `None`: the settings of one side are not known.
    pub fn of(before: &EncodeSettings, after: &EncodeSettings) -> Option<Self> {
        if before.is_empty() || after.is_empty() {
            return None;
        }
        let is_of_both = |name: &&String| after.contains_key(*name) && !NOT_SET.contains(&name.as_str());
        let has_effect = |name: &&String| has_effect(name, before) || has_effect(name, after);
        let names: Vec<_> = before.keys().filter(is_of_both).filter(has_effect).collect();
        let differs =
            |name: &&&String| before.get(**name) != after.get(**name) && !is_said_by_stream(name, [before, after]);
        let value = |settings: &EncodeSettings, name: &String| settings.get(name).cloned().unwrap_or_default();
        let differing = names.iter().filter(differs).map(|&name| SettingDiffers {
            name: name.clone(),
            before: value(before, name),
            after: value(after, name),
        });
        Some(Self { num_compared: names.len() as u32, differing: differing.collect() })
    }

    /// Of two cases, each of its side; `None`: not known of one of them.
    pub fn of_cases(before: (&Side<'_>, Case), after: (&Side<'_>, Case)) -> Option<Self> {
        Self::of(before.0.settings_of(before.1)?, after.0.settings_of(after.1)?)
    }

    /// "all 31 settings that both name are equal", or "1 of 31 settings differs: multiPass (inflight: off, ffmpeg: full
    /// resolution)"; `sides` are the names of the sides.
    pub fn text(&self, sides: [&str; 2]) -> String {
        let Self { num_compared, differing } = self;
        if differing.is_empty() {
            return format!("all {num_compared} settings that both name are equal");
        }
        let verb = if differing.len() == 1 { "differs" } else { "differ" };
        let words = |one: &SettingDiffers| {
            let SettingDiffers { name, before, after } = one;
            format!("{name} ({}: {before}, {}: {after})", sides[0], sides[1])
        };
        let named: Vec<_> = differing.iter().take(MOST_NAMED).map(words).collect();
        let more = match differing.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            num => format!(" and {num} more"),
        };
        format!("{} of {num_compared} settings {verb}: {}{more}", differing.len(), named.join(", "))
    }
}

/// Does the encoder look at the setting, with the others as they are? (NVENC's header, at each of them.)
fn has_effect(name: &str, settings: &EncodeSettings) -> bool {
    let is = |name: &str, word: &str| settings.get(name).is_some_and(|value| value == word);
    match name {
        "constQP" => is("rateControlMode", "constant QP"),
        "averageBitRate" | "maxBitRate" | "vbvBufferSize" | "vbvInitialDelay" | "enableInitialRCQP"
        | "targetQuality" => !is("rateControlMode", "constant QP"),
        "lookaheadDepth" => is("enableLookahead", "yes"),
        "intraRefreshPeriod" | "intraRefreshCnt" => is("enableIntraRefresh", "yes"),
        "aqStrength" => is("enableAQ", "yes"),
        "useBFramesAsRef" => !is("frameIntervalP", "1"),
        _ => true,
    }
}

/// Is it left to the driver on one side, and does the row of the stream's own value tell?
fn is_said_by_stream(name: &str, sides: [&EncodeSettings; 2]) -> bool {
    let is_left = sides.iter().any(|side| side.get(name).is_some_and(|value| value == BY_DRIVER));
    let in_stream = SAID_BY_STREAM.iter().find(|(setting, _)| *setting == name).map(|(_, in_stream)| *in_stream);
    is_left && in_stream.is_some_and(|in_stream| sides.iter().all(|side| side.contains_key(in_stream)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(values: &[(&str, &str)]) -> EncodeSettings {
        values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn what_differs_is_named_and_what_has_no_effect_is_not() {
        let ours = settings(&[
            ("rateControlMode", "CBR"),
            ("multiPass", "off"),
            ("constQP", "P 28, B 31, I 25"),
            ("encoder engines", "1"),
        ]);
        let theirs = settings(&[
            ("rateControlMode", "CBR"),
            ("multiPass", "full resolution"),
            ("constQP", "P 0, B 0, I 0"),
            ("tuningInfo", "high quality"),
        ]);
        let compared = SettingsCompared::of(&ours, &theirs).unwrap();
        let sides = ["inflight", "ffmpeg"];
        assert_eq!(compared.text(sides), "1 of 2 settings differs: multiPass (inflight: off, ffmpeg: full resolution)");
        assert_eq!(SettingsCompared::of(&ours, &ours).unwrap().text(sides), "all 2 settings that both name are equal");
        assert_eq!(SettingsCompared::of(&ours, &EncodeSettings::new()), None);
    }

    #[test]
    fn an_effect_on_one_side_is_enough() {
        let constant = settings(&[("rateControlMode", "constant QP"), ("constQP", "P 1, B 1, I 1")]);
        let variable = settings(&[("rateControlMode", "VBR"), ("constQP", "P 2, B 2, I 2")]);
        assert_eq!(SettingsCompared::of(&constant, &variable).unwrap().differing.len(), 2);
    }

    #[test]
    fn what_the_driver_chose_is_what_the_stream_says() {
        let side = |profile: &str, in_stream: &str| settings(&[("profileGUID", profile), ("profile_idc", in_stream)]);
        let differing = |ours, theirs| {
            let compared = SettingsCompared::of(&ours, &theirs).unwrap();
            compared.differing.into_iter().map(|one| one.name).collect::<Vec<_>>()
        };
        assert_eq!(differing(side(BY_DRIVER, "100"), side("High", "100")), Vec::<String>::new());
        assert_eq!(differing(side(BY_DRIVER, "100"), side("Main", "77")), ["profile_idc"]);
        assert_eq!(differing(side("High", "100"), side("Main", "77")), ["profileGUID", "profile_idc"]);
        let unread = settings(&[("profileGUID", BY_DRIVER)]);
        assert_eq!(differing(unread, side("High", "100")), ["profileGUID"]);
    }
}
