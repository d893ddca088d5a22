//! The options with which FFmpeg sets its encoder up as ours is set up.
//!
//! FFmpeg takes a preset and then overwrites parts of it with its own defaults (VBR at 2 Mbit/s, a VBV of twice that, one pass,
//! a GOP of 250, other QPs for I and B), so each part is named, as the driver resolved it for us. Knows no process.

use crate::contract::{Codec, Colour, PixelFormat, SplitEncoding, TuningInfo};
use crate::plan::Plan;
use crate::process::client_settings::profile_and_level;
use crate::record::EncodeSettings;

/// FFmpeg's numbers are signed.
const MOST: u64 = i32::MAX as u64;

/// All that decides how the encoder is set up. `settings` are ours; with `can_split`, this FFmpeg has a word for split encoding.
pub fn options(plan: &Plan, codec: Codec, settings: &EncodeSettings, can_split: bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |option: &str, value: String| words.extend([option.to_owned(), value]);
    say("-preset", plan.preset.to_string());
    say("-tune", plan.tuning.to_string());
    say("-bf", plan.b_frames.to_string());
    say("-g", gop(plan, settings).to_string());
    let number = |name: &str| number(settings, name);
    let is_constant = is_constant_qp(settings);
    if let Some(mode) = rate_control(settings) {
        say("-rc", mode.to_owned());
    }
    if is_constant && let Some([inter_p, inter_b, intra]) = const_qp(settings) {
        say("-qp", inter_p.to_string());
        for (kind, qp) in [("i", intra), ("b", inter_b)] {
            say(&format!("-{kind}_qfactor"), "1".to_owned());
            say(&format!("-{kind}_qoffset"), (qp - inter_p).to_string());
        }
    }
    say("-b:v", number("averageBitRate").unwrap_or(0).to_string());
    if let Some(max_bps) = number("maxBitRate").filter(|&bps| bps > 0) {
        say("-maxrate", max_bps.to_string());
    }
    if let Some(bits) = own_vbv_bits(settings).or(number("vbvBufferSize").filter(|&bits| bits > 0)) {
        say("-bufsize", bits.to_string());
    }
    let passes = match settings.get("multiPass").map(String::as_str) {
        Some("quarter resolution") => "qres",
        Some("full resolution") => "fullres",
        _ => "disabled",
    };
    say("-multipass", passes.to_owned());
    let looks_ahead = settings.get("enableLookahead").is_some_and(|word| word == "yes");
    let depth = number("lookaheadDepth").filter(|_| looks_ahead).unwrap_or(0);
    say("-rc-lookahead", depth.to_string());
    if let Some(mode) = b_reference(settings) {
        say("-b_ref_mode", mode.to_owned());
    }
    if refresh_period(settings).is_some() {
        say("-intra-refresh", "1".to_owned());
    }
    for (option, name) in [("-level", "level"), ("-tier", "tier")] {
        // What is left to the driver is no number, and FFmpeg leaves it too.
        number(name).into_iter().for_each(|value| say(option, value.to_string()));
    }
    if let Some(profile) = profile(codec, settings) {
        say("-profile:v", profile.to_owned());
    }
    if can_split && codec != Codec::H264 {
        say("-split_encode_mode", split_mode(plan).to_owned());
    }
    words
}

/// The VBV that our own process is told too, because FFmpeg cannot leave its size to the driver: what FFmpeg takes by itself.
/// `None`: it need not be told.
pub fn own_vbv_bits(settings: &EncodeSettings) -> Option<u64> {
    let average_bps = number(settings, "averageBitRate").filter(|&bps| bps > 0)?;
    let is_left_to_driver = number(settings, "vbvBufferSize") == Some(0) && !is_constant_qp(settings);
    is_left_to_driver.then_some((2 * average_bps).min(MOST))
}

/// FFmpeg's name of the input's format.
pub fn pixel_format(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Nv12 => "nv12",
        PixelFormat::I420 => "yuv420p",
        // The same bytes; the encoder looks at no alpha.
        PixelFormat::Argb => "bgr0",
        PixelFormat::P010 => "p010le",
        PixelFormat::Yuv444 => "yuv444p",
    }
}

/// A negative length leaves the preset's, which of the low latency tunings is endless. There is no other word for that, so
/// elsewhere the largest number stands for it. Of an intra refresh it is the period.
fn gop(plan: &Plan, settings: &EncodeSettings) -> i64 {
    match refresh_period(settings).or(number(settings, "gopLength")) {
        Some(length) => length.min(MOST) as i64,
        None if plan.tuning == TuningInfo::Hq => MOST as i64,
        None => -1,
    }
}

/// The words of our settings are FFmpeg's, but for one.
fn b_reference(settings: &EncodeSettings) -> Option<&str> {
    let mode = settings.get("useBFramesAsRef")?;
    Some(if mode == "no" { "disabled" } else { mode })
}

fn refresh_period(settings: &EncodeSettings) -> Option<u64> {
    let is_on = settings.get("enableIntraRefresh").is_some_and(|word| word == "yes");
    number(settings, "intraRefreshPeriod").filter(|_| is_on)
}

/// What the samples mean, as options of the input: given as those of the output, they would make ffmpeg convert.
pub fn colour_options(colour: Option<Colour>) -> Vec<String> {
    let Some(colour) = colour else { return Vec::new() };
    let range = if colour.is_full_range { "pc" } else { "tv" };
    let numbers =
        [("-color_primaries", colour.primaries), ("-color_trc", colour.transfer), ("-colorspace", colour.matrix)];
    let numbers = numbers.into_iter().flat_map(|(option, number)| [option.to_owned(), number.to_string()]);
    ["-color_range".to_owned(), range.to_owned()].into_iter().chain(numbers).collect()
}

fn rate_control(settings: &EncodeSettings) -> Option<&'static str> {
    match settings.get("rateControlMode")?.as_str() {
        "constant QP" => Some("constqp"),
        "VBR" => Some("vbr"),
        "CBR" => Some("cbr"),
        _ => None,
    }
}

fn is_constant_qp(settings: &EncodeSettings) -> bool {
    rate_control(settings) == Some("constqp")
}

/// P, B and I, from "P 28, B 31, I 25".
fn const_qp(settings: &EncodeSettings) -> Option<[i64; 3]> {
    let qps = settings.get("constQP")?.split(", ").map(|part| part.split_once(' ')?.1.parse().ok());
    qps.collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// FFmpeg always names one; where ours is left to the driver, it is the one that the driver chose.
fn profile(codec: Codec, settings: &EncodeSettings) -> Option<&'static str> {
    let named = settings.get("profileGUID").map(String::as_str);
    let headers = || profile_and_level(&bytes(settings.get("sequence headers")?)?, codec).map(|(profile, _)| profile);
    match (codec, named) {
        (Codec::H264 | Codec::Hevc, Some("Main")) => Some("main"),
        (Codec::H264, Some("Baseline")) => Some("baseline"),
        (Codec::H264, Some("High")) => Some("high"),
        (Codec::H264, Some("High 4:4:4")) => Some("high444p"),
        (Codec::Hevc, Some("Main 10")) => Some("main10"),
        (Codec::Hevc, Some("Range Extensions")) => Some("rext"),
        (Codec::H264, _) => match headers()? {
            66 => Some("baseline"),
            77 => Some("main"),
            100 => Some("high"),
            244 => Some("high444p"),
            _ => None,
        },
        _ => None,
    }
}

/// The words of FFmpeg 9.0; 5.1 has none.
fn split_mode(plan: &Plan) -> &'static str {
    match plan.split_encode {
        SplitEncoding::Auto => "auto",
        SplitEncoding::Two => "2",
        SplitEncoding::Three => "3",
        SplitEncoding::Four => "4",
        SplitEncoding::Off => "disabled",
    }
}

fn number(settings: &EncodeSettings, name: &str) -> Option<u64> {
    settings.get(name)?.parse().ok()
}

/// From hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(plan: &Plan, codec: Codec, settings: &[(&str, &str)]) -> String {
        let settings = settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        options(plan, codec, &settings, false).join(" ")
    }

    #[test]
    fn what_the_driver_resolved_is_said() {
        let cbr = [
            ("rateControlMode", "CBR"),
            ("averageBitRate", "5000000"),
            ("maxBitRate", "5000000"),
            ("vbvBufferSize", "0"),
            ("multiPass", "quarter resolution"),
            ("enableLookahead", "no"),
            ("lookaheadDepth", "8"),
            ("gopLength", "endless"),
            ("level", "chosen by the driver"),
            ("profileGUID", "chosen by the driver"),
            ("sequence headers", "00000001676400280000"),
        ];
        assert_eq!(
            words(&Plan::default(), Codec::H264, &cbr),
            "-preset p1 -tune ull -bf 0 -g -1 -rc cbr -b:v 5000000 -maxrate 5000000 -bufsize 10000000 -multipass qres \
             -rc-lookahead 0 -profile:v high"
        );
        let constant = [("rateControlMode", "constant QP"), ("constQP", "P 28, B 31, I 25"), ("gopLength", "60")];
        let plan = Plan { tuning: TuningInfo::Hq, b_frames: 2, ..Plan::default() };
        assert_eq!(
            words(&plan, Codec::Hevc, &constant),
            "-preset p1 -tune hq -bf 2 -g 60 -rc constqp -qp 28 -i_qfactor 1 -i_qoffset -3 -b_qfactor 1 -b_qoffset 3 -b:v 0 \
             -multipass disabled -rc-lookahead 0"
        );
    }

    #[test]
    fn our_own_process_is_told_a_vbv_only_where_ffmpeg_must_be() {
        let of = |mode: &str, vbv: &str| {
            let settings = [("rateControlMode", mode), ("averageBitRate", "2000000000"), ("vbvBufferSize", vbv)];
            own_vbv_bits(&settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
        };
        assert_eq!(of("CBR", "0"), Some(MOST));
        assert_eq!([of("CBR", "700000"), of("constant QP", "0")], [None, None]);
    }
}
