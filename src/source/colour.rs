//! ffmpeg's names of colours, as the numbers of H.273. Knows no file.

use crate::contract::Colour;

/// ffmpeg's words for one property, at the places of their numbers; "" where it has none.
type Names = &'static [&'static str];

const PRIMARIES: Names = &[
    "",
    "bt709",
    "",
    "",
    "bt470m",
    "bt470bg",
    "smpte170m",
    "smpte240m",
    "film",
    "bt2020",
    "smpte428",
    "smpte431",
    "smpte432",
];
const TRANSFERS: Names = &[
    "",
    "bt709",
    "",
    "",
    "bt470m",
    "bt470bg",
    "smpte170m",
    "smpte240m",
    "linear",
    "log100",
    "log316",
    "iec61966-2-4",
    "bt1361e",
    "iec61966-2-1",
    "bt2020-10",
    "bt2020-12",
    "smpte2084",
    "smpte428",
    "arib-std-b67",
];
/// Without RGB (0), which is none of a stream of luma and chroma.
const MATRICES: Names = &[
    "",
    "bt709",
    "",
    "",
    "fcc",
    "bt470bg",
    "smpte170m",
    "smpte240m",
    "ycgco",
    "bt2020nc",
    "bt2020c",
    "smpte2085",
    "chroma-derived-nc",
    "chroma-derived-c",
    "ictcp",
];

/// The colours that ffmpeg names, in limited range; a name that is not known says nothing.
pub(super) fn named(primaries: Option<&str>, transfer: Option<&str>, matrix: Option<&str>) -> Colour {
    let unknown = Colour::default();
    let number = |names: Names, name: Option<&str>| {
        let place = names.iter().position(|known| !known.is_empty() && Some(*known) == name);
        place.and_then(|place| u8::try_from(place).ok())
    };
    Colour {
        primaries: number(PRIMARIES, primaries).unwrap_or(unknown.primaries),
        transfer: number(TRANSFERS, transfer).unwrap_or(unknown.transfer),
        matrix: number(MATRICES, matrix).unwrap_or(unknown.matrix),
        ..unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_of_h_273() {
        let numbers = |colour: Colour| [colour.primaries, colour.transfer, colour.matrix];
        assert_eq!(numbers(named(Some("bt2020"), Some("smpte2084"), Some("bt2020nc"))), [9, 16, 9]);
        assert_eq!(numbers(named(Some("smpte432"), Some("arib-std-b67"), Some("ictcp"))), [12, 18, 14]);
        assert_eq!(numbers(named(Some("unknown"), None, Some("gbr"))), [2, 2, 2]);
        assert_eq!(named(None, Some(""), None).if_said(), None);
    }
}
