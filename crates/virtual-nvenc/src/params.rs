//! What a client asks of an encoder, and whether the device does it. Plain values in, checked parameters or a broken
//! rule out; it reads no foreign memory.

use moq_nvenc::sys::nvEncodeAPI::GUID;

use crate::caps;
use crate::config::DeviceConfig;
use crate::gop::{GopShape, INFINITE_GOP};
use crate::guids;
use crate::passes::Passes;
use crate::payload::{Chroma, Codec, Colour, Mode, StreamParams};
use crate::presets::{self, PresetDefaults, RateControl, Tuning};
use crate::rules::{Answer, Rule};
use crate::versions::{ApiVersion, V12_1};

/// `NV_ENC_INITIALIZE_PARAMS` as the client wrote it.
#[derive(Clone, Debug)]
pub struct Request {
    pub codec: GUID,
    pub preset: GUID,
    pub tuning: u32,
    pub width: u32,
    pub height: u32,
    /// 0: as the size.
    pub max_width: u32,
    pub max_height: u32,
    pub frame_rate: (u32, u32),
    pub enable_async: bool,
    pub enable_ptd: bool,
    /// Sub-frame writes, weighted prediction and the like.
    pub wants_unsupported_feature: bool,
    /// `NV_ENC_CONFIG`, where one was given.
    pub config: Option<ConfigRequest>,
}

/// `NV_ENC_CONFIG` as the client wrote it.
#[derive(Clone, Debug)]
pub struct ConfigRequest {
    pub profile: GUID,
    pub gop_length: u32,
    pub interval_p: i32,
    pub idr_period: u32,
    pub is_monochrome: bool,
    pub is_field: bool,
    pub rate_control: u32,
    pub qp_p: u32,
    pub lookahead: Option<u32>,
    /// `NV_ENC_BFRAME_REF_MODE`.
    pub b_reference: u32,
    /// Pictures from one intra refresh to the next, and how many of them take part.
    pub intra_refresh: Option<[u32; 2]>,
    pub colour: Option<Colour>,
    pub passes: Passes,
    pub disable_headers: bool,
    pub repeat_headers: bool,
    pub delimiters: bool,
    pub chroma_format_idc: u32,
    pub bit_depth: u8,
    pub wants_unsupported_feature: bool,
}

/// Checked parameters of an encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodeParams {
    /// What is written. Under 4:2:0 an odd size is rounded up, since neither standard can crop half a chroma sample.
    pub stream: StreamParams,
    /// As the client asked.
    pub width: u32,
    pub height: u32,
    /// 1 to 7.
    pub preset: u32,
    pub passes: Passes,
    pub max_width: u32,
    pub max_height: u32,
    pub gop: GopShape,
    pub headers: HeaderPolicy,
    /// An access unit delimiter stands before every picture.
    pub has_delimiters: bool,
    /// Reported as the average QP of each picture.
    pub reported_qp: u32,
}

/// When parameter sets are written into the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderPolicy {
    Never,
    /// Before the first IDR picture.
    Once,
    /// Before every IDR picture.
    EveryIdr,
}

/// What a stream without a rate is written with.
const DEFAULT_FRAME_RATE: (u32, u32) = (30, 1);

// chroma_format_idc (H.264 table 6-1); clients that leave it 0 mean 4:2:0.
const CHROMA_420: u32 = 1;
const CHROMA_444: u32 = 3;

// NV_ENC_BFRAME_REF_MODE; this driver does not do mode 1, in which every B picture is a reference.
const B_REFERENCE_OFF: u32 = 0;
const B_REFERENCE_MIDDLE: u32 = 2;

const REPORTED_QP: u32 = 26;

/// How fast the engine is for a client that names no preset: in the middle.
const UNNAMED_PRESET: u32 = 4;

/// The codec behind a GUID, where this device offers it.
pub fn offered_codec(device: &DeviceConfig, guid: GUID) -> Answer<Codec> {
    guids::codec(guid).filter(|codec| device.codecs.contains(codec)).ok_or(Rule::UnknownCodec.into())
}

/// A preset's level (1 to 7) and the tuning that goes with it. Presets from before tunings came bring their own, and are
/// known to clients of the headers that have them.
pub fn preset_and_tuning(preset: GUID, tuning: u32, api: ApiVersion) -> Answer<(u32, Tuning)> {
    if let Some(level) = guids::preset_level(preset) {
        return Ok((level, Tuning::from_code(tuning).ok_or(Rule::TuningUndefined)?));
    }
    let legacy = guids::legacy_preset(preset).filter(|_| api < V12_1);
    legacy.ok_or(Rule::UnknownPreset.into())
}

impl Request {
    /// The encoder asked for, or the first rule that the request breaks.
    pub fn check(&self, device: &DeviceConfig, api: ApiVersion) -> Answer<EncodeParams> {
        let codec = offered_codec(device, self.codec)?;
        let (preset, tuning) = match &self.config {
            // A client that brings a configuration need name no preset (header, NV_ENC_INITIALIZE_PARAMS::presetGUID).
            Some(_) if self.preset == GUID::default() => {
                (UNNAMED_PRESET, Tuning::from_code(self.tuning).unwrap_or(Tuning::HighQuality))
            }
            _ => preset_and_tuning(self.preset, self.tuning, api)?,
        };
        refuse_if(self.enable_async, Rule::AsyncUnsupported)?;
        refuse_if(!self.enable_ptd, Rule::PictureTypeDecision)?;
        refuse_if(self.wants_unsupported_feature, Rule::UnsupportedFeature)?;
        check_size(codec, self.width, self.height)?;
        let max_width = if self.max_width == 0 { self.width } else { self.max_width };
        let max_height = if self.max_height == 0 { self.height } else { self.max_height };
        refuse_if(max_width < self.width || max_height < self.height, Rule::BadSize)?;

        let defaults = presets::defaults(preset, tuning);
        let config = self.config.clone().unwrap_or_else(|| ConfigRequest::from_preset(defaults));
        config.check(codec, api)?;
        let gop = config.gop()?;
        // A client that asks for lossless gets it, whatever the device writes otherwise.
        let is_lossless = tuning == Tuning::Lossless;
        let chroma = if config.chroma_format_idc == CHROMA_444 { Chroma::Yuv444 } else { Chroma::Yuv420 };
        let step = if chroma == Chroma::Yuv420 { 2 } else { 1 };
        let stream = StreamParams {
            codec,
            mode: if is_lossless { Mode::Lossless } else { device.payload },
            width: self.width.next_multiple_of(step),
            height: self.height.next_multiple_of(step),
            chroma,
            bit_depth: config.bit_depth,
            frame_rate: self.checked_frame_rate()?,
            max_reorder: gop.max_reorder(),
            colour: config.colour,
        };
        let headers = config.header_policy();
        Ok(EncodeParams {
            stream,
            width: self.width,
            height: self.height,
            preset,
            passes: config.passes,
            max_width,
            max_height,
            gop,
            headers,
            has_delimiters: config.delimiters,
            reported_qp: config.reported_qp(),
        })
    }

    fn checked_frame_rate(&self) -> Answer<(u32, u32)> {
        match self.frame_rate {
            (0, _) => Ok(DEFAULT_FRAME_RATE),
            (_, 0) => Err(Rule::BadFrameRate.into()),
            (num, _) if num > u32::MAX / 2 => Err(Rule::BadFrameRate.into()),
            frame_rate => Ok(frame_rate),
        }
    }
}

impl ConfigRequest {
    fn from_preset(defaults: PresetDefaults) -> ConfigRequest {
        ConfigRequest {
            profile: guids::AUTOSELECT_PROFILE,
            gop_length: defaults.gop_length,
            interval_p: defaults.interval_p.cast_signed(),
            idr_period: defaults.gop_length,
            is_monochrome: false,
            is_field: false,
            rate_control: defaults.rate_control as u32,
            qp_p: defaults.const_qp[0],
            lookahead: None,
            b_reference: B_REFERENCE_OFF,
            intra_refresh: None,
            colour: None,
            passes: Passes::One,
            disable_headers: false,
            repeat_headers: false,
            delimiters: false,
            chroma_format_idc: CHROMA_420,
            bit_depth: 8,
            wants_unsupported_feature: false,
        }
    }

    fn check(&self, codec: Codec, api: ApiVersion) -> Answer {
        let knows_profile = self.profile == GUID::default() || guids::profiles(codec).contains(&self.profile);
        refuse_if(!knows_profile, Rule::UnknownProfile)?;
        refuse_if(self.is_field, Rule::FieldCoding)?;
        refuse_if(self.is_monochrome || self.wants_unsupported_feature, Rule::UnsupportedFeature)?;
        let knows_chroma = matches!(self.chroma_format_idc, 0 | CHROMA_420 | CHROMA_444);
        let knows_depth = self.bit_depth == 8 || self.bit_depth == 10 && codec == Codec::Hevc;
        refuse_if(!knows_chroma || !knows_depth, Rule::ChromaUnsupported)?;
        // Headers before 12.1 have the low-delay and two-pass modes 8, 16 and 32.
        let is_legacy_mode = api < V12_1 && matches!(self.rate_control, 8 | 16 | 32);
        refuse_if(self.rate_control > RateControl::Cbr as u32 && !is_legacy_mode, Rule::BadRateControl)?;
        refuse_if(!matches!(self.b_reference, B_REFERENCE_OFF | B_REFERENCE_MIDDLE), Rule::UnsupportedFeature)?;
        self.check_refresh()?;
        refuse_if(self.lookahead.is_some_and(|depth| depth > caps::MAX_LOOKAHEAD), Rule::LookaheadTooDeep)
    }

    fn gop(&self) -> Answer<GopShape> {
        let interval_p = u32::try_from(self.interval_p).map_err(|_| Rule::BadGop)?;
        let is_too_long = interval_p > caps::MAX_B_FRAMES + 1 || interval_p > self.gop_length;
        refuse_if(self.gop_length == 0 || is_too_long, Rule::BadGop)?;
        let idr_period = if self.idr_period == 0 { self.gop_length } else { self.idr_period };
        Ok(GopShape {
            gop_length: self.gop_length,
            idr_period,
            interval_p,
            middle_b_is_reference: self.b_reference == B_REFERENCE_MIDDLE,
            lookahead: self.lookahead.unwrap_or(0),
        })
    }

    /// The header: an intra refresh takes fewer pictures than its period has, and is disabled unless the GOP is endless. Every
    /// picture of this driver is intra coded, so there is nothing else to do for it; its type stays P, which is all that FFmpeg
    /// 5.1 takes.
    fn check_refresh(&self) -> Answer {
        let asked = self.intra_refresh.filter(|_| self.gop_length == INFINITE_GOP);
        refuse_if(asked.is_some_and(|[period, num_pictures]| num_pictures >= period), Rule::BadGop)
    }

    fn header_policy(&self) -> HeaderPolicy {
        match (self.disable_headers, self.repeat_headers) {
            (true, _) => HeaderPolicy::Never,
            (false, true) => HeaderPolicy::EveryIdr,
            (false, false) => HeaderPolicy::Once,
        }
    }

    fn reported_qp(&self) -> u32 {
        if self.rate_control == RateControl::ConstQp as u32 { self.qp_p } else { REPORTED_QP }
    }
}

impl EncodeParams {
    /// These parameters with the size and frame rate of `next`.
    pub fn resized_as(&self, next: &EncodeParams) -> EncodeParams {
        let StreamParams { width, height, frame_rate, .. } = next.stream;
        let stream = StreamParams { width, height, frame_rate, ..self.stream };
        let (preset, passes) = (next.preset, next.passes);
        EncodeParams { stream, width: next.width, height: next.height, preset, passes, ..self.clone() }
    }

    /// Whether an encoder with these parameters may go on with `next`.
    pub fn check_reconfigure(&self, next: &EncodeParams) -> Answer {
        let fixed = |stream: &StreamParams| (stream.codec, stream.mode, stream.chroma, stream.bit_depth);
        let is_same_kind = fixed(&self.stream) == fixed(&next.stream);
        let is_same_limit = self.max_width == next.max_width && self.max_height == next.max_height;
        refuse_if(!is_same_kind || !is_same_limit || self.gop != next.gop, Rule::ReconfigureRefused)
    }
}

fn check_size(codec: Codec, width: u32, height: u32) -> Answer {
    let (max_width, max_height) = caps::max_size(codec);
    let fits = (caps::MIN_SIZE..=max_width).contains(&width) && (caps::MIN_SIZE..=max_height).contains(&height);
    refuse_if(!fits, Rule::BadSize)
}

pub fn refuse_if(is_broken: bool, rule: Rule) -> Answer {
    if is_broken { Err(rule.into()) } else { Ok(()) }
}
