//! What a pipeline asks of an engine: take a frame in, say when it may be taken back, give it back.
//!
//! Frames are counted in the order of their submission and in the order in which they come back. Both orders start at 0
//! and have the same length; with reordering they differ, and [`Taken::pts`] says which frame came back.

use std::time::Instant;

use super::RingError;
use crate::contract::PictureKind;

/// A hardware engine behind a driver. One thread submits, and one other thread may take frames back meanwhile.
pub trait Engine: Send + Sync + 'static {
    /// The engine's error; the ring's own is one of them.
    type Error: std::error::Error + Clone + From<RingError> + Send + Sync + 'static;
    /// What [`Engine::upload`] found out and [`Engine::submit`] must know.
    type Uploaded;
    /// A frame that was taken back and still belongs to the driver.
    type Taken<'a>: Taken<Error = Self::Error, Data = Self::Data>
    where
        Self: 'a;
    /// What the receiver sees of a frame. One value is used again for frame after frame.
    type Data: Send + 'static;

    /// Where the data of frames is copied to, with room for an ordinary one.
    fn room(&self) -> Self::Data;

    /// Prepares the calling thread for calls of this engine. Called once by a harvest thread before anything else.
    ///
    /// # Errors
    /// What the driver answers.
    fn enter_thread(&self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Copies the `idx`-th frame to where the engine reads it; does nothing on an engine that reads the caller's memory.
    ///
    /// # Errors
    /// What the driver answers.
    fn upload(&self, idx: u64, frame: &Frame<'_>) -> Result<Self::Uploaded, Self::Error>;

    /// Hands the `idx`-th frame to the engine.
    ///
    /// # Errors
    /// What the driver answers.
    fn submit(&self, idx: u64, frame: &Frame<'_>, uploaded: Self::Uploaded) -> Result<Submitted, Self::Error>;

    /// Says that no frame follows: after it, everything submitted can be taken back.
    ///
    /// # Errors
    /// What the driver answers.
    fn end_of_stream(&self) -> Result<(), Self::Error>;

    /// Makes everything submitted takable, where frames may follow all the same. Answers false where the driver keeps what it
    /// holds back for reordering.
    ///
    /// # Errors
    /// What the driver answers.
    fn flush(&self) -> Result<bool, Self::Error> {
        Ok(false)
    }

    /// Takes back the `idx`-th frame in the order in which they come back. Without `wait`, `None` means that the engine
    /// has not finished it.
    ///
    /// # Errors
    /// What the driver answers.
    fn take_back(&self, idx: u64, wait: bool) -> Result<Option<Self::Taken<'_>>, Self::Error>;
}

/// A frame that was taken back, until it is released.
pub trait Taken {
    /// The engine's error.
    type Error;
    /// What the receiver gets.
    type Data;

    /// The [`Frame::pts`] of the frame that came back, as the driver returned it.
    fn pts(&self) -> u64;

    /// As reported by the driver.
    fn kind(&self) -> PictureKind;

    /// Copies the frame's data out of the driver's memory, over what `into` holds; returns its number of bytes.
    ///
    /// # Errors
    /// What the driver answers.
    fn copy(&mut self, into: &mut Self::Data) -> Result<usize, Self::Error>;

    /// Gives the frame's memory back to the driver. Answers the time in nanoseconds that this took for its input, where
    /// that was mapped; it is no part of the unlock.
    ///
    /// # Errors
    /// What the driver answers.
    fn release(self) -> Result<u64, Self::Error>;
}

/// One frame in the caller's memory: pixels for an encoder, one access unit for a decoder.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its bytes.
    pub data: &'a [u8],
    /// Position in the order of submission; comes back in [`Taken::pts`].
    pub pts: u64,
}

/// A frame that the engine has accepted.
#[derive(Debug, Clone, Copy)]
pub struct Submitted {
    /// When the driver's submission call began. Of several calls for one frame, the first.
    pub call_at: Instant,
    /// Time inside that call; of several, their sum.
    pub call_ns: u64,
    /// Time of the engine's own work around it, which counts as upload: a decoder's parser.
    pub preparation_ns: u64,
    /// Time that it waited for a buffer.
    pub blocked_ns: u64,
    /// Times of what had to be done to the input beside copying it.
    pub input: InputTimes,
    /// What the submission makes available.
    pub ready: Ready,
}

/// What was done to a frame's input beside copying it there, in nanoseconds. `None`: nothing of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputTimes {
    /// Before the copy: the driver was asked for the memory, and may have waited for it.
    pub lock_ns: Option<u64>,
    /// After the copy: the driver got the memory back, and may have moved the frame to the device.
    pub unlock_ns: Option<u64>,
    /// The frame was converted on the device.
    pub convert_ns: Option<u64>,
    /// The frame's own memory was mapped for the engine. The others are part of the upload; this follows it.
    pub map_ns: Option<u64>,
}

impl InputTimes {
    /// The part of the upload that is no copy.
    pub(super) fn around_copy_ns(&self) -> u64 {
        [self.lock_ns, self.unlock_ns, self.convert_ns].into_iter().flatten().sum()
    }
}

/// Which frames may be taken back after a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// Everything submitted so far.
    All,
    /// Everything but the last so many, which an encoder looks ahead at.
    AllBut(u64),
    /// So many more than before; 0 while the driver holds frames back for reordering.
    More(u64),
}
