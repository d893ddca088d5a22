//! The backend-neutral contract: what a caller says to an encoder, and what it gets back.
//!
//! Knows nothing of NVENC's types, of devices or of measurement. Everything that only NVENC understands sits in
//! [`NvencOptions`] and may be left alone. `Default` of every tuning type is the behaviour from before tuning existed:
//! one frame in flight, locked by the thread that submitted it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod colour;
mod engine_kind;
mod nvenc_options;
mod planes;

pub use colour::Colour;
pub use engine_kind::EngineKind;
pub use nvenc_options::{BReference, InputPath, NvencOptions, Preset, SplitEncoding, TuningInfo};
pub use planes::{PlaneLayout, PlaneLayouts};

/// Most frames that may be in flight; FFmpeg and OBS stop at 64 surfaces too.
pub const MAX_IN_FLIGHT: u32 = 64;

/// The format of the encoded stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    Hevc,
    /// AV1; only newer engines have it.
    Av1,
    /// VP9; only decoders have it.
    Vp9,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::H264, Self::Hevc, Self::Av1, Self::Vp9];
    /// Those that NVENC encodes.
    pub const ENCODED: [Self; 3] = [Self::H264, Self::Hevc, Self::Av1];

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
            Self::Vp9 => "VP9",
        }
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Dimensions {
    pub width: u32,
    pub height: u32,
}

/// Frames per second, as a ratio, so that 30000/1001 stays exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FrameRate {
    pub num: u32,
    pub den: u32,
}

/// How the bytes of a frame are laid out. Planes follow each other without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PixelFormat {
    /// 8-bit 4:2:0, Y plane, then interleaved Cb Cr.
    Nv12,
    /// 8-bit 4:2:0, Y, Cb, Cr planes.
    I420,
    /// 8-bit B, G, R, A in memory order: what NVENC calls ARGB.
    Argb,
    /// 10-bit 4:2:0, as NV12, in the upper bits of little-endian 16-bit samples: what NVENC calls YUV420_10BIT.
    P010,
    /// 8-bit 4:4:4, Y, Cb, Cr planes.
    Yuv444,
}

/// One frame in the caller's memory.
#[derive(Debug, Clone, Copy)]
pub struct FrameView<'a> {
    /// Layout of `data`.
    pub format: PixelFormat,
    /// Size in pixels.
    pub dimensions: Dimensions,
    /// Exactly [`PixelFormat::frame_bytes`] bytes.
    pub data: &'a [u8],
    /// Position in display order, counted from 0; comes back in [`EncodedPacket::pts`].
    pub pts: u64,
}

/// Who calls nvEncLockBitstream, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LockPlacement {
    /// The submitting thread locks the oldest frame once the threshold is reached, and waits inside the lock.
    #[default]
    Inline,
    /// A separate thread locks each frame as soon as possible; the submitting thread waits only at the threshold.
    Thread,
    /// A separate thread asks without waiting whether the oldest frame is finished, and locks only what is: a driver whose
    /// lock keeps other threads out of the session while it waits does not keep the submitting thread out.
    Ready,
    /// The submitting thread tries to lock without waiting after each submission, and waits (by trying again) only at the
    /// threshold.
    Poll,
}

impl LockPlacement {
    /// Who locks, in a few words: beside a threshold the bare option would read as a number of threads.
    pub fn title(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Thread => "lock thread",
            Self::Ready => "ready thread",
            Self::Poll => "polling",
        }
    }

    /// Does a thread of its own lock, so that the submitting thread waits only for room?
    pub fn has_own_thread(self) -> bool {
        matches!(self, Self::Thread | Self::Ready)
    }
}

/// The settings of the in-flight ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Tuning {
    /// T: number of frames in flight at which the oldest must be reaped before the next is submitted. 1 is serial.
    pub reap_threshold: u32,
    /// The thread that locks.
    pub lock: LockPlacement,
    /// P: input/output buffer pairs, at least `reap_threshold`. `None`: just enough.
    pub pool: Option<u32>,
}

/// Rate control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", tag = "mode")]
pub enum RateControl {
    /// As the preset sets it.
    Preset,
    /// Constant bit rate.
    Cbr {
        /// Target in bits per second.
        bitrate_bps: u32,
    },
    /// Variable bit rate.
    Vbr {
        /// Average in bits per second.
        bitrate_bps: u32,
        /// Peak in bits per second.
        max_bitrate_bps: u32,
    },
    /// Constant quantiser.
    Cqp {
        /// 0–51 for H.264 and HEVC, 0–255 for AV1.
        qp: u32,
    },
}

/// Everything an encoder must know before the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EncoderConfig {
    /// What to produce.
    pub codec: Codec,
    /// Size of every frame.
    pub dimensions: Dimensions,
    /// Nominal rate; goes into the stream's timing and the rate control.
    pub frame_rate: FrameRate,
    /// Layout of every frame.
    pub format: PixelFormat,
    /// What its samples mean; `None`: nobody says, and the stream does not either.
    pub colour: Option<Colour>,
    /// Rate control.
    pub rate_control: RateControl,
    /// Frames from one IDR to the next; `None`: only the first frame is an IDR, or with B-frames every 250th (NVENC takes an
    /// endless GOP only without B-frames).
    pub gop_length: Option<u32>,
    /// B-frames between two reference frames.
    pub b_frames: u32,
    /// The in-flight ring.
    pub tuning: Tuning,
    /// NVENC only.
    pub nvenc: NvencOptions,
    /// Number of frames the caller expects to submit, for which room is allocated. Submitting more is allowed, and costs an
    /// allocation inside the measured loop.
    pub expected_frames: usize,
}

/// The kind of an encoded frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the standard's names")]
pub enum PictureKind {
    Idr,
    I,
    P,
    B,
    Other,
}

impl PictureKind {
    /// As records have it: K (IDR), I, P, B, or ? for anything else.
    pub fn letter(self) -> char {
        match self {
            Self::Idr => 'K',
            Self::I => 'I',
            Self::P => 'P',
            Self::B => 'B',
            Self::Other => '?',
        }
    }
}

/// One encoded frame, in coding order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedPacket<'a> {
    /// Elementary stream bytes (Annex B, or OBUs for AV1), in memory that the next packet is copied to.
    pub data: &'a [u8],
    /// The [`FrameView::pts`] of the frame, as the driver returned it.
    pub pts: u64,
    /// Position in coding order, from 0.
    pub encode_idx: u64,
    /// As reported by the driver.
    pub kind: PictureKind,
}

/// Totals of one encoder, readable at any time.
///
/// `lock_ns` is the total time the run spent inside nvEncLockBitstream, on whichever thread; `queue_peak` the largest
/// number of frames that were submitted and not yet unlocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EncodeMetrics {
    /// Frames submitted.
    pub frames: u64,
    /// Packets handed out.
    pub packets: u64,
    /// Bytes handed out.
    pub bytes: u64,
    /// Largest number of frames submitted and not yet unlocked.
    pub queue_peak: u32,
    /// Time the submitting thread waited for room: for a free buffer pair, or at the threshold (thread and poll placement).
    pub blocked_ns: u64,
    /// Time copying frames to the encoder's inputs.
    pub upload_ns: u64,
    /// Time inside nvEncLockInputBuffer, before that; 0 where inputs are not the driver's own, and in sessions that counted it
    /// as upload.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub input_lock_ns: u64,
    /// Time inside nvEncUnlockInputBuffer, after it, likewise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub input_unlock_ns: u64,
    /// Time inside nvEncEncodePicture.
    pub submit_ns: u64,
    /// Time inside nvEncLockBitstream.
    pub lock_ns: u64,
    /// Time copying packets out of the locked bitstream.
    pub copy_ns: u64,
    /// Time inside nvEncUnlockBitstream.
    pub unlock_ns: u64,
    /// Time inside nvEncMapInputResource; 0 where frames are in the driver's own buffers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub map_ns: u64,
    /// Time inside nvEncUnmapInputResource, likewise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unmap_ns: u64,
    /// Time converting frames to NV12 on the GPU; 0 where they are encoded as they come.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub convert_ns: u64,
    /// Time from the end-of-stream call to the last packet.
    pub drain_ns: u64,
    /// CPU time of the thread that locks, where it has one of its own and the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_thread_cpu_ns: Option<u64>,
}

impl EncodeMetrics {
    /// Of two encoders together.
    pub fn and(self, other: Self) -> Self {
        let cpu_ns = |one: Self| one.lock_thread_cpu_ns;
        Self {
            frames: self.frames + other.frames,
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
            queue_peak: self.queue_peak.max(other.queue_peak),
            blocked_ns: self.blocked_ns + other.blocked_ns,
            upload_ns: self.upload_ns + other.upload_ns,
            input_lock_ns: self.input_lock_ns + other.input_lock_ns,
            input_unlock_ns: self.input_unlock_ns + other.input_unlock_ns,
            submit_ns: self.submit_ns + other.submit_ns,
            lock_ns: self.lock_ns + other.lock_ns,
            copy_ns: self.copy_ns + other.copy_ns,
            unlock_ns: self.unlock_ns + other.unlock_ns,
            map_ns: self.map_ns + other.map_ns,
            unmap_ns: self.unmap_ns + other.unmap_ns,
            convert_ns: self.convert_ns + other.convert_ns,
            drain_ns: self.drain_ns.max(other.drain_ns),
            lock_thread_cpu_ns: cpu_ns(self).zip(cpu_ns(other)).map(|(one, another)| one + another),
        }
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Sees the packets, and copies what it keeps. Called on whichever thread locks; a slow sink delays that thread.
pub type PacketSink = Box<dyn FnMut(EncodedPacket<'_>) + Send>;

/// An encoder that is fed frame by frame. Packets leave through the [`PacketSink`] it was made with.
pub trait Encoder {
    /// The backend's error.
    type Error: std::error::Error;

    /// Submits one frame. Returns once the frame has been taken, which may mean waiting for an older one.
    ///
    /// # Errors
    /// The backend's error; after it the encoder can only be dropped.
    fn submit(&mut self, frame: &FrameView<'_>) -> Result<(), Self::Error>;

    /// Reaps all finished frames, without waiting. Useful for a caller that idles between frames with
    /// [`LockPlacement::Poll`]; does nothing otherwise.
    ///
    /// # Errors
    /// The backend's error.
    fn poll(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Ends the stream and hands out everything still in flight.
    ///
    /// # Errors
    /// The backend's error, for this call or for any frame still in flight.
    fn finish(&mut self) -> Result<(), Self::Error>;

    /// The totals so far; complete after [`Encoder::finish`].
    fn metrics(&self) -> EncodeMetrics;
}

impl EncoderConfig {
    /// Layout of the frames as the encoder gets them.
    pub fn encoded_format(&self) -> PixelFormat {
        match self.nvenc.input_path {
            InputPath::Driver | InputPath::Cuda => self.format,
            InputPath::Convert => PixelFormat::Nv12,
        }
    }

    /// Frames that the encoder holds back before it returns the first: B-frames, and those that it looks ahead.
    pub fn held(&self) -> u32 {
        self.b_frames.saturating_add(self.nvenc.lookahead.unwrap_or(0).into())
    }

    /// The configuration that callers used before tuning existed: serial, preset rate control, one IDR.
    pub fn new(codec: Codec, dimensions: Dimensions, frame_rate: FrameRate, format: PixelFormat) -> Self {
        Self {
            codec,
            dimensions,
            frame_rate,
            format,
            colour: None,
            rate_control: RateControl::Preset,
            gop_length: None,
            b_frames: 0,
            tuning: Tuning::default(),
            nvenc: NvencOptions::default(),
            expected_frames: 0,
        }
    }
}

impl Default for Tuning {
    /// Serial submit and lock: the plan's "before".
    fn default() -> Self {
        Self { reap_threshold: 1, lock: LockPlacement::Inline, pool: None }
    }
}

impl Tuning {
    /// Largest number of frames submitted and not yet unlocked, without those that the encoder holds back for
    /// reordering.
    pub fn max_in_flight_outputs(&self) -> u32 {
        self.reap_threshold
    }

    /// Number of buffer pairs to create when the encoder may hold back `reorder_depth` frames (B-frames, lookahead): these
    /// cannot be locked and are added to the threshold.
    pub fn pool_size(&self, reorder_depth: u32) -> u32 {
        self.pool.unwrap_or(0).max(self.reap_threshold.saturating_add(reorder_depth))
    }
}

impl Dimensions {
    /// Pixels per frame.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl FrameRate {
    /// Frames per second.
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den.max(1))
    }
}

/// A word that is not one of those expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is not a known {what}: use {known}")]
#[allow(missing_docs, reason = "the message says it")]
pub struct UnknownWord {
    pub word: String,
    pub what: &'static str,
    pub known: &'static str,
}

/// Spells an enum's variants once, for `Display`, `FromStr` and the list in the error.
macro_rules! words {
    ($type:ty, $what:literal, $known:literal, $($variant:path => $word:literal),+ $(,)?) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $($variant => $word),+ })
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok($variant),)+
                    _ => Err(UnknownWord { word: word.to_owned(), what: $what, known: $known }),
                }
            }
        }
    };
}

words!(Codec, "codec", "h264, hevc, av1, vp9",
    Codec::H264 => "h264", Codec::Hevc => "hevc", Codec::Av1 => "av1", Codec::Vp9 => "vp9");
words!(EngineKind, "engine", "nvenc, nvdec, transcode",
    EngineKind::Nvenc => "nvenc", EngineKind::Nvdec => "nvdec", EngineKind::Transcode => "transcode");
words!(InputPath, "input path", "driver, cuda, convert",
    InputPath::Driver => "driver", InputPath::Cuda => "cuda", InputPath::Convert => "convert");
words!(SplitEncoding, "split encoding", "off, auto, 2, 3, 4",
    SplitEncoding::Off => "off", SplitEncoding::Auto => "auto", SplitEncoding::Two => "2",
    SplitEncoding::Three => "3", SplitEncoding::Four => "4");
words!(BReference, "use of B-frames as reference", "off, each, middle",
    BReference::Off => "off", BReference::Each => "each", BReference::Middle => "middle");
words!(PixelFormat, "pixel format", "nv12, i420, argb, p010, yuv444",
    PixelFormat::Nv12 => "nv12", PixelFormat::I420 => "i420", PixelFormat::Argb => "argb", PixelFormat::P010 => "p010",
    PixelFormat::Yuv444 => "yuv444");
words!(LockPlacement, "lock placement", "inline, thread, ready, poll",
    LockPlacement::Inline => "inline", LockPlacement::Thread => "thread", LockPlacement::Ready => "ready",
    LockPlacement::Poll => "poll");
words!(Preset, "preset", "p1 to p7", Preset::P1 => "p1", Preset::P2 => "p2", Preset::P3 => "p3",
    Preset::P4 => "p4", Preset::P5 => "p5", Preset::P6 => "p6", Preset::P7 => "p7");
words!(TuningInfo, "tuning", "ull, ll, hq",
    TuningInfo::Ull => "ull", TuningInfo::Ll => "ll", TuningInfo::Hq => "hq");

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.num.checked_rem(self.den) {
            Some(0) => write!(f, "{}", self.num / self.den),
            _ => write!(f, "{}/{}", self.num, self.den),
        }
    }
}
