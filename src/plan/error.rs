//! Why a plan cannot be run, in words that say what to do.

use super::criteria::CriteriaError;
use super::{MAX_PACE_FPS, MIN_CONFIRM, MIN_PACE_FPS};
use crate::contract::{Codec, MAX_IN_FLIGHT};

/// Why a plan cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PlanError {
    #[error("no {what} to sweep: name at least one")]
    Nothing { what: &'static str },
    #[error("{what} {value} is named twice: name it once, and raise --repeat for more runs")]
    Twice { what: &'static str, value: String },
    #[error("reap threshold {0} is out of range: it counts pictures in flight, 1 (serial) to {MAX_IN_FLIGHT}")]
    Threshold(u32),
    #[error(
        "pool {pool} is smaller than reap threshold {threshold}: a picture in flight needs a buffer pair of its own, so use --pool {threshold} or more, or leave it out"
    )]
    PoolTooSmall { pool: u32, threshold: u32 },
    #[error("pool {pool} cannot hold reap threshold {threshold} and the {held} pictures that {held} B-frames keep back: use --pool {} or more, or leave it out", threshold + held)]
    PoolTooSmallForReorder { pool: u32, threshold: u32, held: u32 },
    #[error("pool {0} is out of range: at most {max} buffer pairs", max = 2 * MAX_IN_FLIGHT)]
    PoolTooLarge(u32),
    #[error("0 frames leave nothing to measure: use --frames 1 or more (300 is usual)")]
    NoFrames,
    #[error("0 counted runs leave nothing to compare: use --repeat 1 or more (9 is usual)")]
    NoRuns,
    #[error("{0} % is no width that an interval could be brought to: use --until 0.1 % to 50 %")]
    Width(f64),
    #[error(
        "--until narrows the change between two cases, and there is one: sweep a second threshold or lock placement"
    )]
    NothingToNarrow,
    #[error(
        "{0} rounds cannot confirm anything, a bound takes {MIN_CONFIRM}: use --confirm {MIN_CONFIRM} or more, or 0"
    )]
    ConfirmTooFew(u32),
    #[error("{pairs} pairs bound nothing: a calibration takes {least} or more")]
    TooFewPairs { pairs: u32, least: u32 },
    #[error(
        "at most {max} runs are fewer than the {repeat} planned: use --max-repeat {repeat} or more, or lower --repeat"
    )]
    CapTooLow { max: u32, repeat: u32 },
    #[error(
        "looks at {0:?} do not follow {1} counted runs in ascending order: use for example --repeat 10 --set looks=20,40"
    )]
    Looks(Vec<u32>, u32),
    #[error("--until goes on to a width, looks go on to a decision: use one of them")]
    UntilAndLooks,
    #[error("a live plan needs the rate of its source: add --pace, for example --pace 60")]
    LiveWithoutPace,
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    #[error("a latency budget of {0} ms cannot be kept: use more than 0")]
    Budget(f64),
    #[error("{0} runs are more than this program keeps apart: lower --repeat or sweep fewer values")]
    TooManyRuns(u64),
    #[error("pace of {0} frames a second cannot be kept: use {MIN_PACE_FPS} to {MAX_PACE_FPS}")]
    Pace(f64),
    #[error("--host-work-us and --pace exclude each other: a paced source already decides when the next frame comes")]
    PaceAndWork,
    #[error("GOP length 0 has no picture in it: use 1 or more, or leave it out for one IDR at the start")]
    Gop,
    #[error("GOP length {gop} has no room for {b_frames} B-frames between references: use --gop {} or more", b_frames + 1)]
    GopTooShort { gop: u32, b_frames: u32 },
    #[error("{0} B-frames are more than NVENC takes: use 0 to 4")]
    BFrames(u32),
    #[error("--host-work-us and --baseline exclude each other: another program cannot be made to do our caller's work")]
    WorkAndBaseline,
    #[error("--verify looks at what processes wrote, and there is none: add --baseline ffmpeg")]
    NothingToVerify,
    #[error("a bit rate of 0 leaves no bits: use for example --bitrate-kbps 5000")]
    Bitrate,
    #[error("the peak bit rate {max} is below the average {average}: use --max-bitrate-kbps of at least the average")]
    PeakBelowAverage { average: u32, max: u32 },
    #[error("QP {qp} is out of range for {codec}: use 0 to {max}")]
    Qp { qp: u32, codec: Codec, max: u32 },
}
