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
    /// What the receiver gets of a frame.
    type Data: Send + 'static;

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

    /// Copies the frame's data out of the driver's memory; returns it and its number of bytes.
    ///
    /// # Errors
    /// What the driver answers.
    fn copy(&mut self) -> Result<(Self::Data, usize), Self::Error>;

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
    /// Time in which the frame's own memory was mapped for the engine; `None`: nothing had to be.
    pub map_ns: Option<u64>,
    /// Time in which the frame was converted on the device, which was part of its upload; `None`: it was not.
    pub convert_ns: Option<u64>,
    /// What the submission makes available.
    pub ready: Ready,
}

/// Which frames may be taken back after a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// Everything submitted so far.
    All,
    /// So many more than before; 0 while the driver holds frames back for reordering.
    More(u64),
}
