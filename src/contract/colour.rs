//! What the samples of a video mean, by the numbers of ITU-T H.273, which H.264, HEVC and AV1 share.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The number that says nothing.
const UNSPECIFIED: u8 = 2;

/// What a source says of its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Colour {
    /// Do they go from 0 to their largest value, rather than from 16 to 235?
    pub is_full_range: bool,
    /// Colour primaries (H.273 table 2): 1 is BT.709.
    pub primaries: u8,
    /// Transfer characteristics (table 3).
    pub transfer: u8,
    /// Matrix coefficients (table 4).
    pub matrix: u8,
}

impl Colour {
    /// `None` where it says no more than a stream that says nothing: limited range, of colours that nobody names.
    pub fn if_said(self) -> Option<Self> {
        (self.is_full_range || self.has_description()).then_some(self)
    }

    /// Is any of the colours named?
    pub fn has_description(self) -> bool {
        [self.primaries, self.transfer, self.matrix] != [UNSPECIFIED; 3]
    }
}

impl Default for Colour {
    /// What nobody says.
    fn default() -> Self {
        Self { is_full_range: false, primaries: UNSPECIFIED, transfer: UNSPECIFIED, matrix: UNSPECIFIED }
    }
}

/// "full range, primaries 9, transfer 16, matrix 9".
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_full_range, primaries, transfer, matrix } = *self;
        let range = if is_full_range { "full" } else { "limited" };
        write!(f, "{range} range, primaries {primaries}, transfer {transfer}, matrix {matrix}")
    }
}
