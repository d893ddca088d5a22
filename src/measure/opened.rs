//! A plan's device and input, opened: what all runs of a sweep share.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::AtomicBool;

use super::warmth::Warmth;
use crate::contract::{Codec, EncoderConfig, FrameRate, InputPath, LockPlacement, NvencOptions, PixelFormat, Tuning};
use crate::device::{Device, DeviceError, DeviceSpec, LockedClock, TelemetryWatch};
use crate::nvdec::engine::DecodeConfig;
use crate::nvdec::format::StreamFormat;
use crate::plan::Plan;
use crate::record::{Case, DecodeRing, EncodeSettings, InputInfo};
use crate::source::{Clip, Damaged, Feed, InputSpec, InputSpecError, SourceError};

/// Memory for measurements is set aside for this many frames at most; a run of more makes room as it goes, since no
/// machine has memory for every number that can be typed.
const MAX_RESERVED_FRAMES: u64 = 1 << 20;
/// The rate of a clip that does not state one.
const USUAL_RATE: FrameRate = FrameRate { num: 30, den: 1 };

/// Device and input of a plan.
pub struct Opened {
    /// The device as the plan names it.
    pub spec: DeviceSpec,
    /// The device.
    pub device: Device,
    /// The frames, or access units.
    pub feed: Feed,
    /// When the engine last had work.
    pub(super) warmth: Warmth,
    /// Are the GPU's instruments read during runs?
    telemetry: bool,
    /// Until all runs are made.
    _locked_clock: Option<LockedClock>,
    /// What a decoder decodes.
    format: Option<StreamFormat>,
}

/// The settings of one run.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub enum RunConfig {
    Encode(EncoderConfig),
    Decode(DecodeConfig),
    Transcode(DecodeConfig, EncoderConfig),
}

/// Why a plan's device or input cannot be opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum OpenError {
    #[error(transparent)]
    Input(#[from] InputSpecError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "cannot keep the frames where the GPU can copy them from: they do not fit in memory; raise --preload-mib, lower --frames, or leave out --input-path"
    )]
    NotPinned,
    #[error("the clip has {0} bits a sample, and an encoder takes 8 or 10: use such a clip, or --engine nvdec")]
    TooManyBits(u32),
}

/// The frames of a plan that encodes.
pub(super) fn feed_of(plan: &Plan, stop: &AtomicBool) -> Result<Feed, OpenError> {
    let damaged = if plan.allow_damaged { Damaged::Taken } else { Damaged::Refused };
    let preload_bytes = u64::from(plan.preload_mib) << 20;
    Ok(Feed::open_until(&plan.input.parse()?, Some(plan.frames), preload_bytes, damaged, stop)?)
}

impl Opened {
    /// Opens the device for the plan's engine, and reads the input until `stop` is set.
    ///
    /// # Errors
    /// The device or the input is unusable.
    pub fn open(plan: &Plan, stop: &AtomicBool) -> Result<Self, OpenError> {
        let input: InputSpec = plan.input.parse()?;
        let spec: DeviceSpec = plan.device.parse()?;
        let device = Device::open_for(&spec, plan.engine)?;
        let locked_clock = plan.lock_clocks_mhz.map(|mhz| device.lock_clock(mhz)).transpose()?;
        // Before anything is tried on it.
        let warmth = Warmth::found_at(device.video_mhz());
        let whole = |device, feed, format| Self {
            spec: spec.clone(),
            device,
            feed,
            warmth,
            telemetry: plan.telemetry,
            _locked_clock: locked_clock,
            format,
        };
        let preload_bytes = u64::from(plan.preload_mib) << 20;
        if !plan.engine.decodes() {
            let feed = feed_of(plan, stop)?;
            let feed = match plan.input_path {
                InputPath::Driver => feed,
                // A copy from other memory takes a detour, and longer: that is another measurement.
                InputPath::Cuda | InputPath::Convert if !feed.is_preloaded() => return Err(OpenError::NotPinned),
                InputPath::Cuda | InputPath::Convert => feed.moved(|frame| device.pinned(frame))?,
            };
            return Ok(whole(device, feed, None));
        }
        let clip = Clip::open(&input, plan.frames, preload_bytes)?;
        let clip = if plan.allow_damaged { clip } else { clip.whole()? };
        let format = device.stream_format(clip.codec, clip.units.iter().map(Vec::as_slice))?;
        let has_rate = format.frame_rate.num > 0 && format.frame_rate.den > 0;
        let frames = format.encodable();
        if plan.engine.encodes() && frames.is_none() {
            return Err(OpenError::TooManyBits(format.bits));
        }
        let rate = if has_rate { format.frame_rate } else { USUAL_RATE };
        let info = clip.info(frames.unwrap_or(PixelFormat::P010), format.shown, rate, format.colour);
        Ok(whole(device, Feed::of_clip(clip, info), Some(format)))
    }

    /// Opens the device for encoding, and the input without reading it through.
    ///
    /// # Errors
    /// As [`Opened::open`].
    pub fn open_unread(plan: &Plan) -> Result<Self, OpenError> {
        let (spec, input): (DeviceSpec, InputSpec) = (plan.device.parse()?, plan.input.parse()?);
        let device = Device::open(&spec)?;
        let feed = Feed::open_unread(&input, Some(plan.frames))?;
        let warmth = Warmth::default();
        Ok(Self { spec, device, feed, warmth, telemetry: plan.telemetry, _locked_clock: None, format: None })
    }

    /// Reads the GPU's instruments from now on; `None`: there are none, or nobody wants it.
    pub(super) fn watch_telemetry(&self) -> Option<TelemetryWatch> {
        if self.telemetry { self.device.watch_telemetry() } else { None }
    }

    /// The plan as it is measured here: a decoder's codec is its clip's, and what a preset looks ahead at needs buffers.
    ///
    /// # Errors
    /// The device refuses.
    pub fn adapted(&self, plan: Plan) -> Result<Plan, DeviceError> {
        if let Some(format) = self.format.filter(|_| !plan.engine.encodes()) {
            return Ok(Plan { codecs: vec![format.codec], ..plan });
        }
        if plan.lookahead.is_some() || !plan.pools.is_empty() {
            return Ok(plan);
        }
        let ahead = |settings: &EncodeSettings| {
            let is_on = settings.get("enableLookahead").is_some_and(|word| word == "yes");
            settings.get("lookaheadDepth").filter(|_| is_on)?.parse::<u32>().ok()
        };
        // The same pool for all codecs, whichever looks ahead farthest.
        let most = self.settings(&plan)?.values().filter_map(ahead).max().filter(|&depth| depth > 0);
        let pools = most.map(|depth| plan.usual_pool().saturating_add(depth));
        Ok(Plan { pools: pools.into_iter().collect(), ..plan })
    }

    /// The settings of one case of a plan.
    pub fn config(&self, plan: &Plan, case: &Case) -> RunConfig {
        let tuning = Tuning { reap_threshold: case.reap_threshold, lock: case.lock, pool: Some(case.pool) };
        let info = self.feed.info();
        let Some(format) = self.format else {
            return RunConfig::Encode(encoder_config(plan, info, case.codec, tuning));
        };
        let decode = |tuning: Tuning| {
            let (copies_out, expected_frames) = (plan.copy_out, reserved(plan, info));
            DecodeConfig { format, tuning, copies_out, expected_frames }
        };
        match case.decode {
            None => RunConfig::Decode(decode(tuning)),
            Some(DecodeRing { reap_threshold, lock }) => {
                let encode = encoder_config(plan, info, case.codec, tuning);
                // Frames are in the device's memory, whatever the plan says of frames that are not.
                let nvenc = NvencOptions { input_path: InputPath::Cuda, ..encode.nvenc };
                let encode = EncoderConfig { nvenc, ..encode };
                RunConfig::Transcode(decode(Tuning { reap_threshold, lock, pool: Some(plan.decode_pool()) }), encode)
            }
        }
    }
}

impl Opened {
    /// How the encoder is set up for each codec of a plan; empty where none encodes.
    ///
    /// # Errors
    /// The device refuses.
    pub fn settings(&self, plan: &Plan) -> Result<BTreeMap<Codec, EncodeSettings>, DeviceError> {
        let mut of_codecs = BTreeMap::new();
        for case in plan.cases().into_iter().filter(|case| case.client.is_here()) {
            let config = match self.config(plan, &case) {
                RunConfig::Encode(config) | RunConfig::Transcode(_, config) => config,
                RunConfig::Decode(_) => continue,
            };
            if let Entry::Vacant(place) = of_codecs.entry(case.codec) {
                place.insert(self.device.encode_settings(&config)?);
            }
        }
        Ok(of_codecs)
    }
}

impl RunConfig {
    /// Does a thread that submits ask for finished frames?
    pub fn polls(&self) -> bool {
        let polls = |tuning: Tuning| tuning.lock == LockPlacement::Poll;
        match self {
            Self::Encode(config) => polls(config.tuning),
            Self::Decode(config) => polls(config.tuning),
            Self::Transcode(decode, encode) => polls(decode.tuning) || polls(encode.tuning),
        }
    }

    /// Number of frames for which room is made before a run.
    pub fn expected_frames(&self) -> usize {
        match self {
            Self::Encode(config) => config.expected_frames,
            Self::Decode(config) | Self::Transcode(config, _) => config.expected_frames,
        }
    }
}

fn encoder_config(plan: &Plan, info: &InputInfo, codec: Codec, tuning: Tuning) -> EncoderConfig {
    EncoderConfig {
        codec,
        dimensions: info.dimensions,
        frame_rate: info.frame_rate,
        format: info.format,
        colour: plan.colour.or(info.colour),
        rate_control: plan.rate_control,
        gop_length: plan.gop_length,
        b_frames: plan.b_frames,
        tuning,
        nvenc: NvencOptions {
            preset: plan.preset,
            tuning_info: plan.tuning,
            input_path: plan.input_path,
            split: plan.split_encode,
            lookahead: plan.lookahead,
            vbv_bits: plan.vbv_bits,
            b_reference: plan.b_reference,
            intra_refresh: plan.intra_refresh,
        },
        expected_frames: reserved(plan, info),
    }
}

fn reserved(plan: &Plan, info: &InputInfo) -> usize {
    info.frames.saturating_add(plan.preroll_frames().into()).min(MAX_RESERVED_FRAMES) as usize
}
