//! How a driver behaves: what it answers, when a call waits, and what it refuses. Plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Figure;
use crate::contract::TuningInfo;

/// Answers of nvEncLockBitstream with doNotWait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Locks {
    /// Right after nvEncEncodePicture has returned.
    pub before: Vec<LockWords>,
    /// When the frame must have been complete for long.
    pub after: Vec<LockWords>,
    /// Time from the submission to the answers of `before`.
    pub asked_after: Figure,
    /// Time that such a frame takes.
    pub latency_ns: u64,
}

/// One answer, and how often it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LockWords {
    pub status: u32,
    /// The header's name of it.
    pub status_name: String,
    /// Is `bitstreamBufferPtr` null?
    pub pointer_is_null: bool,
    /// Is `bitstreamSizeInBytes` 0?
    pub size_is_zero: bool,
    pub hw_encode_status: u32,
    pub num_times: u32,
}

/// The driver's own queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// Frames that the driver takes before a submission waits for the oldest; `None`: more than were tried.
    pub queue: Option<u32>,
    /// Most frames in flight that were tried.
    pub tried_up_to: u32,
    /// What was tried, in the order of trying.
    pub steps: Vec<QueueStep>,
}

/// The submission call with some frames in flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct QueueStep {
    pub in_flight: u32,
    pub submit: Figure,
    pub waits: bool,
}

/// Whether a call that waits keeps the submission call out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Does it? `None`: the submission call waits by itself, so that nothing can be told.
    pub holds_session: Option<bool>,
    /// The submission call while another thread waits for the frame before.
    pub submit_meanwhile: Figure,
    /// The same call at the same time, with nobody waiting.
    pub submit_alone: Figure,
    /// How long the other thread still waited when the submission was called.
    pub rest_of_wait: Figure,
}

/// How many sessions can be open at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    /// Sessions that were only opened.
    pub opened: SessionLimit,
    /// Sessions with an encoder in them, of 320x180: some drivers count only these.
    pub initialised: SessionLimit,
}

/// Where sessions end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionLimit {
    /// Sessions that could be open.
    pub num: u32,
    /// How one more was refused; `None`: it was not, and no more than so many were tried.
    pub refusal: Option<String>,
}

/// Which submissions release which frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Gates {
    pub tuning: TuningInfo,
    pub b_frames: u32,
    pub lookahead: u32,
    pub answers: super::Asked<Lockable>,
}

/// What a dozen submissions and an end of stream released.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Lockable {
    /// A letter a submission: S (NV_ENC_SUCCESS) or M (NV_ENC_ERR_NEED_MORE_INPUT).
    pub submissions: String,
    /// Packets that could be locked after each of them, in all.
    pub lockable_after: Vec<u32>,
    /// The same after the end of the stream.
    pub lockable_at_end: u32,
    /// In coding order: the number of each frame in display order.
    pub coding_order: Vec<u64>,
    /// In coding order: K (IDR), I, P, B, or ? for anything else.
    pub kinds: String,
}

/// Reading a packet where the driver hands it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bitstream {
    /// Size of the packet: the largest of some frames of noise at constant QP 1.
    pub num_bytes: u64,
    /// Copying it for the first time.
    pub first_copy: Figure,
    /// Copying it again.
    pub copy: Figure,
    /// Copying as much from ordinary memory.
    pub ordinary_copy: Figure,
    /// Speed of copying it again, in bytes per second.
    pub bytes_per_second: u64,
}

/// Answers of a driver, compared with the virtual one's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Questions {
    /// Rows with the same answers.
    pub num_equal: u32,
    /// Rows with another answer.
    pub num_differ: u32,
    /// Rows that could not be asked.
    pub num_not_asked: u32,
    /// The versions of the headers that they were asked with.
    pub headers: Vec<String>,
    /// All rows.
    pub rows: Vec<Question>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Question {
    pub question: String,
    /// In the order of the headers.
    pub driver: Vec<String>,
    /// Left out where it is the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_driver: Vec<String>,
}
