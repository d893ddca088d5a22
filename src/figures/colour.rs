//! What colours mean, once for window, paper and image: a part of a frame's time, a number of frames in flight, or text.
//!
//! A colour never means two things: who locks is told by the dash of a line, which threshold or depth by a step from teal
//! to yellow, and what time was spent on by the colour of its part. Knows no egui and no SVG.

use crate::contract::LockPlacement;
use crate::stats::runs::metrics::Metric;

/// A meaning that a painter looks up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Colour {
    /// Text and what must be seen.
    Ink,
    /// What stands back.
    Muted,
    /// Data behind the data that is looked at.
    Faint,
    /// Lines to measure by.
    Grid,
    /// A warning.
    Alert,
    /// The `idx`-th of `count` numbers of frames in flight, ascending: thresholds or queue depths.
    Step {
        /// From 0.
        idx: usize,
        /// Of all of them.
        count: usize,
    },
    /// What time was spent on.
    Part(Part),
}

/// What a frame's time is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Part {
    LockWait,
    RoomWait,
    SourceWait,
    Upload,
    Convert,
    Submit,
    SubmitWait,
    Copy,
    Unlock,
    InFlight,
    Encode,
    EncodeUnseen,
    /// The decoder's, where one feeds the encoder.
    MapWait,
    DecodeRoom,
    Parse,
    Decode,
    FrameCopy,
}

/// What is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// White: reports, images and the light theme.
    Light,
    /// The dark theme.
    Dark,
}

/// How a line is broken up: by who locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Dash {
    #[default]
    Solid,
    Dashed,
    LongDashed,
    Dotted,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Pen {
    pub colour: Colour,
    pub width: f64,
    pub dash: Dash,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::LockWait,
        Self::RoomWait,
        Self::SourceWait,
        Self::Upload,
        Self::Convert,
        Self::Submit,
        Self::SubmitWait,
        Self::Copy,
        Self::Unlock,
        Self::InFlight,
        Self::Encode,
        Self::EncodeUnseen,
        Self::MapWait,
        Self::DecodeRoom,
        Self::Parse,
        Self::Decode,
        Self::FrameCopy,
    ];

    /// The part that a metric is the total of.
    pub fn of(metric: Metric) -> Option<Self> {
        Some(match metric {
            Metric::LockMs => Self::LockWait,
            Metric::SubmitBlockedMs => Self::RoomWait,
            Metric::SourceWaitMs => Self::SourceWait,
            Metric::UploadMs => Self::Upload,
            Metric::ConvertMs => Self::Convert,
            Metric::SubmitMs => Self::Submit,
            Metric::CopyMs => Self::Copy,
            Metric::UnlockMs => Self::Unlock,
            Metric::DecodeMapMs => Self::MapWait,
            Metric::DecodeBlockedMs => Self::DecodeRoom,
            Metric::DecodeParseMs => Self::Parse,
            Metric::DecodeSubmitMs => Self::Decode,
            Metric::DecodeCopyMs => Self::FrameCopy,
            _ => return None,
        })
    }
}

impl Pen {
    /// A solid line.
    pub const fn new(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: Dash::Solid }
    }

    /// The same with the dash that stands for who locks.
    pub fn of_lock(self, lock: LockPlacement) -> Self {
        let dash = match lock {
            LockPlacement::Inline => Dash::Solid,
            LockPlacement::Thread => Dash::Dashed,
            LockPlacement::Ready => Dash::LongDashed,
            LockPlacement::Poll => Dash::Dotted,
        };
        Self { dash, ..self }
    }
}

impl Colour {
    /// The step of `value` among `all`, which ascend.
    pub fn step(value: u32, all: &[u32]) -> Self {
        Self::Step { idx: all.iter().position(|&one| one == value).unwrap_or(0), count: all.len() }
    }

    /// Red, green and blue on `ground`.
    pub fn rgb(self, ground: Ground) -> [u8; 3] {
        let (light, dark) = match self {
            Self::Ink => (0x1f2328, 0xe8eaed),
            Self::Muted => (0x59636e, 0x9aa3af),
            Self::Faint => (0xc6cdd6, 0x454d59),
            Self::Grid => (0xe4e8ec, 0x2e333c),
            Self::Alert => (0xb33000, 0xff8a5c),
            Self::Part(part) => part.hex(),
            Self::Step { idx, count } => return step(idx, count, ground),
        };
        rgb(match ground {
            Ground::Light => light,
            Ground::Dark => dark,
        })
    }
}

impl Part {
    /// On light and on dark ground. Waits are warm, work is not.
    fn hex(self) -> (u32, u32) {
        match self {
            Self::LockWait => (0xc8541a, 0xf0803c),
            Self::RoomWait => (0x9a6a00, 0xd9a441),
            Self::SourceWait => (0x8c4a4a, 0xc98a8a),
            Self::Upload => (0x7c4fd0, 0xa78bfa),
            Self::Convert => (0x556b00, 0xc8dc3c),
            Self::Submit => (0x1a66c8, 0x4c9dff),
            Self::SubmitWait => (0xc02a3a, 0xf25d6a),
            Self::Copy => (0xb0478c, 0xe07fc0),
            Self::Unlock => (0x4d4d4d, 0x8a8f98),
            Self::InFlight => (0xaab3bf, 0x4a535f),
            Self::Encode => (0x4c8a1f, 0x8fd14f),
            Self::EncodeUnseen => (0xa4cb85, 0x5f7f45),
            Self::MapWait => (0x8a1c5c, 0xff6bb5),
            Self::DecodeRoom => (0x6b3e00, 0xffd28a),
            Self::Parse => (0x2f6f4f, 0x7fd0a8),
            Self::Decode => (0x0b7285, 0x45c4d6),
            Self::FrameCopy => (0x5a3f8f, 0xc9b6ff),
        }
    }
}

/// Teal to gold: ordered for colour-blind eyes by lightness on dark ground, and dark enough everywhere on white.
fn step(idx: usize, count: usize, ground: Ground) -> [u8; 3] {
    let points = match ground {
        Ground::Light => [0x0a5f7a, 0x0f7f78, 0x3d8a3a, 0x7a7f10, 0xa06a00],
        Ground::Dark => [0x1794a6, 0x2fb8a0, 0x6fd080, 0xb4e268, 0xf4ee7e],
    };
    let place = (points.len() - 1) as f64 * idx as f64 / count.saturating_sub(1).max(1) as f64;
    let below = (place as usize).min(points.len() - 2);
    let (one, other) = (rgb(points[below]), rgb(points[below + 1]));
    let share = (place - below as f64).min(1.0);
    std::array::from_fn(|channel| {
        let (from, to) = (f64::from(one[channel]), f64::from(other[channel]));
        (from + share * (to - from)).round() as u8
    })
}

fn rgb(hex: u32) -> [u8; 3] {
    let [_, red, green, blue] = hex.to_be_bytes();
    [red, green, blue]
}

/// Relative luminance, 0 to 1 (WCAG 2.1).
pub fn luminance([red, green, blue]: [u8; 3]) -> f64 {
    let channel = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
}

/// Contrast of two colours, 1 to 21 (WCAG 2.1, 1.4.3).
pub fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUNDS: [(Ground, u32); 3] =
        [(Ground::Light, 0xffffff), (Ground::Light, 0xf6f7f9), (Ground::Dark, 0x14161a)];

    /// 3:1 is what WCAG 2.1, 1.4.11 asks of a line in a graphic.
    #[test]
    fn every_line_can_be_seen_on_its_ground() {
        for (ground, behind) in GROUNDS {
            let steps = (1..=12).flat_map(|count| (0..count).map(move |idx| Colour::Step { idx, count }));
            // These two are areas behind what is measured.
            let is_line = |part: &Part| !matches!(part, Part::InFlight | Part::EncodeUnseen);
            let parts = Part::ALL.into_iter().filter(is_line).map(Colour::Part);
            for colour in steps.chain(parts).chain([Colour::Alert]) {
                let found = contrast(colour.rgb(ground), rgb(behind));
                assert!(found >= 3.0, "{colour:?} on {behind:x}: {found}");
            }
            for text in [Colour::Ink, Colour::Muted] {
                assert!(contrast(text.rgb(ground), rgb(behind)) >= 4.5, "{text:?} on {behind:x}");
            }
        }
    }

    #[test]
    fn more_frames_in_flight_are_lighter_on_dark_ground() {
        let of = |idx| luminance(Colour::Step { idx, count: 8 }.rgb(Ground::Dark));
        assert!((1..8).all(|idx| of(idx) > of(idx - 1)));
    }

    #[test]
    fn no_two_parts_look_alike() {
        for ground in [Ground::Light, Ground::Dark] {
            for (idx, one) in Part::ALL.into_iter().enumerate() {
                for other in &Part::ALL[idx + 1..] {
                    let (a, b) = (Colour::Part(one).rgb(ground), Colour::Part(*other).rgb(ground));
                    let apart: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
                    assert!(apart > 60, "{one:?} {other:?} {ground:?}");
                }
            }
        }
    }
}
