//! What can go wrong in the ring itself, whatever the engine.

/// An error of the ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The reap threshold and the pool do not fit together.
    #[error(
        "reap threshold {threshold} with a pool of {pool} is impossible: the threshold must be 1 to 64, and the pool at least the threshold plus {held} for reordering"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Tuning { threshold: u32, pool: u32, held: u32 },
    /// The driver holds back more frames than there are buffers.
    #[error(
        "the driver holds every buffer and has finished none: the preset's lookahead is deeper than the pool; raise --pool"
    )]
    HeldBack,
    /// Time stamps must increase.
    #[error("cannot submit frame {pts}: it is not later than frame {last}; the time stamps of a run must increase")]
    #[allow(missing_docs, reason = "the message says it")]
    Order { pts: u64, last: u64 },
    /// The harvest thread ended without saying why: the receiver of the frames panicked.
    #[error("the harvest thread ended early: the packet sink panicked; this is a bug, please report it")]
    HarvestDied,
    /// The harvest thread cannot be started.
    #[error("cannot start the harvest thread: {0}; free memory or raise the thread limit (ulimit -u)")]
    Thread(String),
    /// A frame that never comes back.
    #[error(
        "the driver has not finished a frame for {seconds} s: it hangs; reset the GPU or restart the driver, and report the driver version"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Stalled { seconds: u64 },
    /// A driver may not invent frames, nor return one twice.
    #[error(
        "the driver returned a frame that is not in flight: time stamp {pts} was never submitted, or came back before; update the driver, and report this if it persists"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    NotInFlight { pts: u64 },
    /// The pipeline was used after it ended.
    #[error("the run has ended (after finish or after an error): start a new one")]
    Ended,
}
