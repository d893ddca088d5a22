//! What a plan asks of an encoder, and what cannot be asked together.

use super::{Plan, PlanError};
use crate::contract::{BReference, Codec, RateControl};

/// By NVENC's header.
pub(super) const MAX_LOOKAHEAD: u16 = 32;

impl Plan {
    pub(super) fn check_coding(&self) -> Result<(), PlanError> {
        let not_encoded = self.codecs.iter().find(|codec| !Codec::ENCODED.contains(codec));
        not_encoded.map_or(Ok(()), |&codec| Err(PlanError::NotEncoded(codec)))?;
        if !self.split_encode.is_off() && self.codecs.contains(&Codec::H264) {
            return Err(PlanError::SplitOfH264);
        }
        if self.lookahead.is_some_and(|depth| depth > MAX_LOOKAHEAD) {
            return Err(PlanError::Lookahead(self.lookahead.unwrap_or(0)));
        }
        if self.b_frames > 4 {
            return Err(PlanError::BFrames(self.b_frames));
        }
        match self.gop_length {
            Some(0) => return Err(PlanError::Gop),
            Some(gop) if gop <= self.b_frames => return Err(PlanError::GopTooShort { gop, b_frames: self.b_frames }),
            _ => {}
        }
        self.check_pictures()?;
        match self.rate_control {
            RateControl::Cbr { bitrate_bps: 0 } | RateControl::Vbr { bitrate_bps: 0, .. } => Err(PlanError::Bitrate),
            RateControl::Vbr { bitrate_bps: average, max_bitrate_bps: max } if max < average => {
                Err(PlanError::PeakBelowAverage { average, max })
            }
            RateControl::Cqp { qp } => {
                let too_high = |codec| (codec, if codec == Codec::Av1 { 255 } else { 51 });
                match self.codecs.iter().map(|&codec| too_high(codec)).find(|&(_, max)| qp > max) {
                    Some((codec, max)) => Err(PlanError::Qp { qp, codec, max }),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// By NVENC's header an intra refresh needs an endless GOP, which has no B-frames, and two frames.
    fn check_pictures(&self) -> Result<(), PlanError> {
        if self.b_frames == 0 && self.b_reference.is_some_and(|mode| mode != BReference::Off) {
            return Err(PlanError::NoBToReferTo);
        }
        match self.intra_refresh {
            None | Some(0) => Ok(()),
            Some(1) => Err(PlanError::IntraRefreshTooShort),
            Some(_) if self.gop_length.is_some() || self.b_frames > 0 => Err(PlanError::IntraRefreshAndGop),
            Some(_) => Ok(()),
        }
    }
}
