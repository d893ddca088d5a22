//! Errors of a plan that cannot be run, with what to do about them.

use super::coding::MAX_LOOKAHEAD;
use super::criteria::CriteriaError;
use super::rings::MAX_PREROLL;
use super::{MAX_PACE_FPS, MAX_STREAMS, MIN_CONFIRM, MIN_PACE_FPS};
use crate::contract::{Codec, MAX_IN_FLIGHT};

/// Why a plan cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PlanError {
    #[error("no {what} to sweep: name at least one")]
    Nothing { what: &'static str },
    #[error("{what} {value} is named twice: name it once, and raise --repeat for more runs")]
    Twice { what: &'static str, value: String },
    #[error("reap threshold {0} is out of range: use 1 (serial) to {MAX_IN_FLIGHT} frames in flight")]
    Threshold(u32),
    #[error(
        "pool {pool} is smaller than reap threshold {threshold}: each frame in flight needs its own buffer pair; use --pool {threshold} or more, or leave it out"
    )]
    PoolTooSmall { pool: u32, threshold: u32 },
    #[error("pool {pool} cannot hold reap threshold {threshold} plus the {held} frames that B-frames hold back: use --pool {} or more, or leave it out", threshold.saturating_add(*held))]
    PoolTooSmallForReorder { pool: u32, threshold: u32, held: u32 },
    #[error("pool {0} is out of range: use at most {max} buffer pairs", max = 2 * MAX_IN_FLIGHT)]
    PoolTooLarge(u32),
    #[error("pool {0} is too small for every threshold: leave it out, or add a smaller threshold")]
    PoolForNothing(u32),
    #[error("preroll {0} is out of range: use at most {MAX_PREROLL} frames, or 0 for none")]
    PrerollTooLong(u32),
    #[error("a lookahead of {0} frames is out of range: use at most {MAX_LOOKAHEAD}, or 0 for none")]
    Lookahead(u16),
    #[error("b_reference says which B-frames others refer to, and there are none: add --b-frames, or leave it out")]
    NoBToReferTo,
    #[error(
        "an intra refresh every frame leaves no frame for it: use intra_refresh=2 or more (60 is usual), or 0 for none"
    )]
    IntraRefreshTooShort,
    #[error(
        "an intra refresh takes the place of intra frames in an endless GOP without B-frames: leave out --gop and --b-frames, or leave out intra_refresh"
    )]
    IntraRefreshAndGop,
    #[error("{0} streams at once are out of range: use --streams 1 to {MAX_STREAMS}")]
    Streams(u32),
    #[error("a stall limit of {0} s is out of range: use stall_limit_s=1 to 3600 (5 is usual)")]
    StallLimit(u32),
    #[error("other programs encode one stream: leave out --streams, or leave out --baseline")]
    StreamsAndBaseline,
    #[error("copy_out is for decoding: use it with --engine nvdec, or leave it out")]
    CopyOutOfEncoder,
    #[error("other programs are compared with encoding only: leave out --engine, or leave out --baseline")]
    DecoderAndBaseline,
    #[error("the way of frames to the encoder is a setting of encoding alone: leave out --input-path cuda")]
    DecoderAndInputPath,
    #[error(
        "B-frames and lookahead are settings of encoding: a decoder takes the clip as it is; leave out --b-frames and lookahead"
    )]
    DecoderAndBFrames,
    #[error(
        "decode_reap_thresholds and decode_lock are of a decoder that feeds an encoder: use them with --engine transcode, or leave them out"
    )]
    NothingDecodes,
    #[error("0 frames leave nothing to measure: use --frames 1 or more (300 is usual)")]
    NoFrames,
    #[error("0 counted runs leave nothing to compare: use --repeat 1 or more (10 is usual)")]
    NoRuns,
    #[error("{0} % is not a possible width of an interval: use --until with 0.1 % to 50 %")]
    Width(f64),
    #[error("--until needs two cases to compare, and there is one: add a second reap threshold or lock placement")]
    NothingToNarrow,
    #[error("{0} confirmation rounds are too few for a 95 % bound: use --confirm {MIN_CONFIRM} or more, or 0")]
    ConfirmTooFew(u32),
    #[error("{pairs} pairs are too few for a 95 % interval: use --pairs {least} or more")]
    TooFewPairs { pairs: u32, least: u32 },
    #[error(
        "at most {max} counted runs are fewer than the {repeat} planned: use --max-repeat {repeat} or more, or lower --repeat"
    )]
    CapTooLow { max: u32, repeat: u32 },
    #[error(
        "looks at {0:?} counted runs must be ascending and above the first {1}: use for example --repeat 10 --set looks=20,40"
    )]
    Looks(Vec<u32>, u32),
    #[error("--until and looks exclude each other: one stops at a width, the other at a decision; use one of them")]
    UntilAndLooks,
    #[error("{0} blocks are out of range: use --blocks 1 (one process) to 1000")]
    Blocks(u32),
    #[error(
        "--blocks has a fixed number of rounds in each process, and excludes --until and looks: use --blocks with --repeat"
    )]
    BlocksAndLooks,
    #[error("--blocks and --baseline exclude each other: with --baseline every run is a process of its own already")]
    BlocksAndBaseline,
    #[error("--blocks needs an input that every process can open: save standard input to a file and name that")]
    BlocksAndPipe,
    #[error("a live plan needs the frame rate of its source: add --pace, for example --pace 60")]
    LiveWithoutPace,
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    #[error("a latency budget of {0} ms is impossible: use more than 0")]
    Budget(f64),
    #[error("{0} runs are more than one session can hold: lower --repeat or sweep fewer values")]
    TooManyRuns(u64),
    #[error("pace of {0} frames per second is out of range: use {MIN_PACE_FPS} to {MAX_PACE_FPS}")]
    Pace(f64),
    #[error(
        "--host-work-us and --pace exclude each other: with a pace, the source decides when the next frame comes; use one of them"
    )]
    PaceAndWork,
    #[error(
        "NVENC does not encode {}: it can only be decoded; use h264, hevc or av1, or --engine nvdec", .0.title()
    )]
    NotEncoded(Codec),
    #[error("NVENC splits no frame of H.264 over its engines: leave out split_encode, or use --codec hevc or av1")]
    SplitOfH264,
    #[error("a GOP cannot have 0 frames: use --gop 1 or more, or leave it out for one IDR at the start")]
    Gop,
    #[error("GOP length {gop} has no room for {b_frames} B-frames between reference frames: use --gop {} or more", b_frames.saturating_add(1))]
    GopTooShort { gop: u32, b_frames: u32 },
    #[error("{0} B-frames are more than NVENC supports: use --b-frames 0 to 4")]
    BFrames(u32),
    #[error(
        "--host-work-us and --baseline exclude each other: another program does not do the caller's work; use one of them"
    )]
    WorkAndBaseline,
    #[error("--verify checks the output of other processes, and there are none: add --baseline ffmpeg")]
    NothingToVerify,
    #[error("a bit rate of 0 is impossible: use for example --bitrate-kbps 5000")]
    Bitrate,
    #[error("the peak bit rate {max} is below the average {average}: raise --max-bitrate-kbps to at least the average")]
    PeakBelowAverage { average: u32, max: u32 },
    #[error("QP {qp} is out of range for {codec}: use 0 to {max}")]
    Qp { qp: u32, codec: Codec, max: u32 },
}
