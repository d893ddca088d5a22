//! What frames can be submitted to, and what it tells of them afterwards: one pipeline, or two of which the first feeds the
//! second.

use std::time::Instant;

use super::engine::Frame;
use crate::contract::EncodeMetrics;
use crate::record::{DecodeStage, FrameColumns, LiveSample};

/// Frames in, and what was measured of them.
pub trait Submits {
    /// Why it fails.
    type Error;

    /// Submits one frame. Returns once it has been taken, which may mean waiting for an older one.
    ///
    /// # Errors
    /// An engine's error; after it the value can only be dropped.
    fn submit(&mut self, frame: &Frame<'_>) -> Result<(), Self::Error>;

    /// Waits until nothing is in flight that can be taken back, and counts from the next frame on: what was submitted before is
    /// the pre-roll. Frames that an encoder holds back for reordering stay there, as they do between any two frames.
    ///
    /// # Errors
    /// An engine's error.
    fn end_preroll(&mut self) -> Result<(), Self::Error>;

    /// Reaps all finished frames, without waiting. Useful for a caller that idles between frames with
    /// [`crate::contract::LockPlacement::Poll`]; does nothing otherwise.
    ///
    /// # Errors
    /// An engine's error.
    fn poll(&mut self) -> Result<(), Self::Error>;

    /// Ends the stream and hands out everything still in flight.
    ///
    /// # Errors
    /// An engine's error, for this call or for any frame still in flight.
    fn finish(&mut self) -> Result<(), Self::Error>;

    /// Copies into `into` what came back since the last call, the newest if there is not room for all; `num_seen`
    /// counts the frames looked at so far. What belongs to the pre-roll is left out. Allocates nothing, and waits for nothing but the ring's own mutex.
    fn live_update(&self, num_seen: &mut usize, into: &mut Vec<LiveSample>);

    /// The totals so far, without the pre-roll; complete after [`Submits::finish`].
    fn metrics(&self) -> EncodeMetrics;

    /// When the first frame after the pre-roll was handed in, from which all `*_at_ns` of its columns count.
    fn first_frame_at(&self) -> Option<Instant>;

    /// What was measured frame by frame. Complete after [`Submits::finish`]; frames that never came back have zeros for
    /// everything after their submission.
    fn take_frames(&mut self) -> TakenFrames;
}

/// What was measured of a run's frames.
#[derive(Debug, Default)]
pub struct TakenFrames {
    /// Those before the pre-roll ended; their times count from the first of them.
    pub preroll: FrameColumns,
    /// So many of them the engine still held back then: they came back while the others were counted.
    pub num_held: u32,
    /// Those that count.
    pub frames: FrameColumns,
    /// The same of the pipeline that feeds this one, where one does.
    pub decode: Option<DecodeStage>,
}
