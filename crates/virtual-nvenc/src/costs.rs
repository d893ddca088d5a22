//! What frames cost on a card that was measured: a table of codecs, presets and sizes, read from and written as text. What lies between
//! its rows is interpolated.

use std::fmt;
use std::str::FromStr;

use crate::engine::Service;
use crate::payload::Codec;

/// Longest time that a description takes, in microseconds.
pub const MAX_US: u32 = 10_000_000;

/// The measured costs of a card. As text: rows such as `h264:p1:640x360:700000:350000` (latency and interval in ns), joined by `+`; of
/// a decoder, `decode` stands where the preset would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredCosts {
    rows: Vec<MeasuredCost>,
}

/// One row of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredCost {
    /// What is coded.
    pub codec: Codec,
    /// 1 to 7; 0 stands for the decoder.
    pub preset: u32,
    /// Of the frame, in pixels.
    pub width: u32,
    /// Likewise.
    pub height: u32,
    /// What an ordinary frame costs.
    pub service: Service,
}

const SLOWEST_PRESET: u32 = 7;
/// In place of a preset.
const DECODER: &str = "decode";
const MOST_NS: u64 = 10_000_000_000;

impl MeasuredCosts {
    /// A table; `None`: it is empty, or a row is out of bounds.
    pub fn new(rows: Vec<MeasuredCost>) -> Option<Self> {
        let is_sound = |row: &MeasuredCost| {
            let Service { latency_ns, interval_ns } = row.service;
            row.preset <= SLOWEST_PRESET && row.pixels() > 0 && interval_ns <= latency_ns && latency_ns <= MOST_NS
        };
        (!rows.is_empty() && rows.iter().all(is_sound)).then_some(Self { rows })
    }

    /// What an ordinary frame costs, by the rows of the nearest preset (of two, the faster); `None`: the codec was not measured.
    /// Between two sizes cost follows the pixels; below the smallest it stays, and above the largest it is proportional to them.
    pub(crate) fn service(&self, codec: Codec, preset: u32, width: u32, height: u32) -> Option<Service> {
        let is_kind = |row: &&MeasuredCost| row.codec == codec && (row.preset == 0) == (preset == 0);
        let nearest = self.rows.iter().filter(is_kind).map(|row| row.preset);
        let nearest = nearest.min_by_key(|&measured| (measured.abs_diff(preset), measured))?;
        let mut rows: Vec<_> = self.rows.iter().filter(is_kind).filter(|row| row.preset == nearest).collect();
        rows.sort_by_key(|row| row.pixels());
        let pixels = u64::from(width) * u64::from(height);
        let (smaller, larger) =
            (rows.iter().rfind(|row| row.pixels() <= pixels), rows.iter().find(|row| row.pixels() >= pixels));
        match (smaller, larger) {
            (Some(smaller), Some(larger)) => Some(between(smaller, larger, pixels)),
            (Some(largest), None) => {
                // A row may be anybody's: of a tiny one a frame would take for ever.
                let scaled = largest.service.scaled(pixels as f64 / largest.pixels() as f64);
                let most = |ns: u64| ns.min(1000 * u64::from(MAX_US));
                Some(Service { latency_ns: most(scaled.latency_ns), interval_ns: most(scaled.interval_ns) })
            }
            (None, Some(smallest)) => Some(smallest.service),
            (None, None) => None,
        }
    }
}

fn between(smaller: &MeasuredCost, larger: &MeasuredCost, pixels: u64) -> Service {
    let whole = larger.pixels() - smaller.pixels();
    let share = if whole == 0 { 0.0 } else { (pixels - smaller.pixels()) as f64 / whole as f64 };
    let mix = |from: u64, to: u64| (from as f64 + share * (to as f64 - from as f64)).round() as u64;
    Service {
        latency_ns: mix(smaller.service.latency_ns, larger.service.latency_ns),
        interval_ns: mix(smaller.service.interval_ns, larger.service.interval_ns),
    }
}

impl MeasuredCost {
    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl FromStr for MeasuredCosts {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rows: Option<Vec<_>> = text.split('+').map(row).collect();
        rows.and_then(Self::new).ok_or(())
    }
}

fn row(text: &str) -> Option<MeasuredCost> {
    let [codec, preset, size, latency_ns, interval_ns] = text.split(':').collect::<Vec<_>>().try_into().ok()?;
    let codec = match codec {
        "h264" => Codec::H264,
        "hevc" => Codec::Hevc,
        _ => return None,
    };
    let preset = match preset {
        DECODER => 0,
        preset => preset.strip_prefix('p')?.parse().ok().filter(|&preset| preset > 0)?,
    };
    let (width, height) = size.split_once('x')?;
    let service = Service { latency_ns: latency_ns.parse().ok()?, interval_ns: interval_ns.parse().ok()? };
    Some(MeasuredCost { codec, preset, width: width.parse().ok()?, height: height.parse().ok()?, service })
}

impl fmt::Display for MeasuredCosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |row: &MeasuredCost| {
            let MeasuredCost { codec, preset, width, height, service: Service { latency_ns, interval_ns } } = *row;
            let codec = match codec {
                Codec::H264 => "h264",
                Codec::Hevc => "hevc",
            };
            let preset = if preset == 0 { DECODER.to_owned() } else { format!("p{preset}") };
            format!("{codec}:{preset}:{width}x{height}:{latency_ns}:{interval_ns}")
        };
        f.write_str(&self.rows.iter().map(row).collect::<Vec<_>>().join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "h264:p1:640x360:2000:1000+h264:p1:1280x720:8000:4000+h264:p7:640x360:9000:9000+h264:decode:640x360:300:200";

    fn cost(preset: u32, width: u32, height: u32) -> Option<(u64, u64)> {
        let service = TEXT.parse::<MeasuredCosts>().unwrap().service(Codec::H264, preset, width, height);
        service.map(|service| (service.latency_ns, service.interval_ns))
    }

    #[test]
    fn a_measured_size_costs_what_was_measured_and_others_follow_their_pixels() {
        assert_eq!(cost(1, 640, 360), Some((2000, 1000)));
        assert_eq!(cost(1, 1280, 720), Some((8000, 4000)));
        assert_eq!(cost(1, 1280, 450), Some((5000, 2500)));
        assert_eq!(cost(1, 320, 180), Some((2000, 1000)));
        assert_eq!(cost(1, 1280, 1440), Some((16_000, 8000)));
    }

    #[test]
    fn the_nearest_preset_counts_and_a_decoder_is_no_preset() {
        assert_eq!(cost(4, 640, 360), Some((2000, 1000)));
        assert_eq!(cost(5, 640, 360), Some((9000, 9000)));
        assert_eq!(cost(0, 640, 360), Some((300, 200)));
        assert_eq!(TEXT.parse::<MeasuredCosts>().unwrap().service(Codec::Hevc, 1, 640, 360), None);
    }

    #[test]
    fn rows_are_written_as_they_are_read() {
        assert_eq!(TEXT.parse::<MeasuredCosts>().unwrap().to_string(), TEXT);
        for wrong in [
            "",
            "h264:p8:1x1:1:1",
            "h264:p0:1x1:1:1",
            "h264:p1:0x1:1:1",
            "h264:p1:1x1:1:2",
            "av1:p1:1x1:1:1",
            "h264:p1:1x1:1",
        ] {
            assert_eq!(wrong.parse::<MeasuredCosts>(), Err(()), "{wrong}");
        }
    }
}
