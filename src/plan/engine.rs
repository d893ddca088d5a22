//! What a plan has, and cannot have, because of the engine that it measures.

use super::{DECODE_THRESHOLDS, Plan, PlanError, check_list};
use crate::contract::{Codec, EngineKind, InputPath, LockPlacement, MAX_IN_FLIGHT, SplitEncoding};
use crate::record::DecodeRing;

impl Plan {
    /// The same for another engine: what that one cannot have is as it is by default.
    pub fn with_engine(self, engine: EngineKind) -> Self {
        let usual = Self::default();
        let codecs = |keeps: fn(&Codec) -> bool| {
            let kept: Vec<_> = self.codecs.iter().copied().filter(keeps).collect();
            if kept.is_empty() { usual.codecs.clone() } else { kept }
        };
        let encoded = |codec: &Codec| Codec::ENCODED.contains(codec);
        let alone =
            |plan: Self| Self { decode_reap_thresholds: Vec::new(), decode_lock: LockPlacement::Inline, ..plan };
        let after_decoder =
            |plan: Self| Self { baselines: Vec::new(), verify: false, input_path: InputPath::Driver, ..plan };
        match engine {
            EngineKind::Nvenc => alone(Self { engine, copy_out: false, codecs: codecs(encoded), ..self }),
            EngineKind::Nvdec => {
                let (codecs, split_encode) = (codecs(|_| true), SplitEncoding::Off);
                let as_is = Self { b_reference: None, intra_refresh: None, colour: None, ..self };
                after_decoder(alone(Self { engine, codecs, b_frames: 0, lookahead: None, split_encode, ..as_is }))
            }
            EngineKind::Transcode => {
                let chosen = self.decode_reap_thresholds.clone();
                let thresholds = if chosen.is_empty() { DECODE_THRESHOLDS.to_vec() } else { chosen };
                let codecs = codecs(encoded);
                after_decoder(Self { engine, copy_out: false, codecs, decode_reap_thresholds: thresholds, ..self })
            }
        }
    }

    pub(super) fn check_engine(&self) -> Result<(), PlanError> {
        let engine = self.engine;
        if engine.decodes() && !self.baselines.is_empty() {
            return Err(PlanError::DecoderAndBaseline);
        }
        if engine.decodes() && !self.input_path.is_driver() {
            return Err(PlanError::DecoderAndInputPath);
        }
        match engine {
            EngineKind::Nvenc | EngineKind::Transcode if self.copy_out => return Err(PlanError::CopyOutOfEncoder),
            EngineKind::Nvdec if self.b_frames > 0 || self.lookahead.is_some() => {
                return Err(PlanError::DecoderAndBFrames);
            }
            EngineKind::Nvdec => {}
            EngineKind::Nvenc | EngineKind::Transcode => self.check_coding()?,
        }
        if engine != EngineKind::Transcode {
            let is_set = !self.decode_reap_thresholds.is_empty() || self.decode_lock != LockPlacement::Inline;
            return if is_set { Err(PlanError::NothingDecodes) } else { Ok(()) };
        }
        check_list("reap threshold of the decoder", &self.decode_reap_thresholds)?;
        let in_range = |threshold: &&u32| !(1..=MAX_IN_FLIGHT).contains(*threshold);
        self.decode_reap_thresholds.iter().find(in_range).map_or(Ok(()), |&wrong| Err(PlanError::Threshold(wrong)))
    }

    /// What may feed the encoder: nothing, unless it is a transcode.
    pub(super) fn decode_rings(&self) -> Vec<Option<DecodeRing>> {
        if self.engine != EngineKind::Transcode {
            return vec![None];
        }
        let ring = |&reap_threshold| Some(DecodeRing { reap_threshold, lock: self.decode_lock });
        self.decode_reap_thresholds.iter().map(ring).collect()
    }
}
