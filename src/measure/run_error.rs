//! Why a run failed, and whether its frames are whole.

use crate::device::DeviceError;
use crate::nvdec::error::NvdecError;
use crate::nvenc::error::NvencError;
use crate::pipeline::RingError;
use crate::record::FrameColumns;
use crate::source::SourceError;
use crate::transcode::TranscodeError;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RunError {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Nvenc(#[from] NvencError),
    #[error(transparent)]
    Nvdec(#[from] NvdecError),
    #[error(transparent)]
    Source(SourceError),
    #[error(
        "{packets} packets came back for {frames} frames: the driver lost or repeated frames; update the driver, and report this if it persists"
    )]
    PacketCount { frames: u64, packets: u64 },
    #[error(
        "frame {frame} never came back: the driver returned another packet twice, or one with a time stamp that was never submitted; update the driver, and report this if it persists"
    )]
    NeverBack { frame: usize },
    #[error(
        "the packet of frame {frame} is empty: the driver reported success without output; update the driver, and report this if it persists"
    )]
    Empty { frame: usize },
    #[error("{0} during the run, so its times mean nothing; measure again")]
    Suspended(&'static str),
    #[error("before the clock started, {0}")]
    Preroll(Box<RunError>),
    #[error("stream {number} of {num}: {error}")]
    OfStream { number: u32, num: u32, error: Box<RunError> },
    #[error("the system refused a thread: {0}; close other programs, or lower --streams")]
    NoThread(String),
    #[error("not begun, since another stream could not")]
    NotBegun,
    #[error("stopped before its end")]
    Stopped,
}

impl From<SourceError> for RunError {
    fn from(error: SourceError) -> Self {
        if matches!(error, SourceError::Stopped) { Self::Stopped } else { Self::Source(error) }
    }
}

impl From<TranscodeError> for RunError {
    fn from(error: TranscodeError) -> Self {
        match error {
            TranscodeError::Nvenc(error) => Self::Nvenc(error),
            TranscodeError::Nvdec(error) => Self::Nvdec(error),
        }
    }
}

impl RunError {
    /// May the device work again although it seems lost? One whose driver hangs may not.
    pub(super) fn may_pass(&self) -> bool {
        let is_hung = |error: &NvencError| matches!(error, NvencError::Ring(RingError::Stalled { .. }));
        match self {
            Self::Nvenc(error) | Self::Device(DeviceError::Nvenc(error)) => !is_hung(error),
            Self::Preroll(error) | Self::OfStream { error, .. } => error.may_pass(),
            _ => false,
        }
    }

    /// With its number, where there are several streams. A stop is nobody's fault.
    pub(super) fn of_stream(self, number: u32, num: u32) -> Self {
        match self {
            error @ (Self::Stopped | Self::NotBegun) => error,
            error if num == 1 => error,
            error => Self::OfStream { number: number + 1, num, error: Box::new(error) },
        }
    }

    /// Is the device lost or unusable, so that further runs are pointless?
    pub fn is_device_lost(&self) -> bool {
        match self {
            Self::Nvenc(error) | Self::Device(DeviceError::Nvenc(error)) => error.is_device_lost(),
            Self::Nvdec(error) | Self::Device(DeviceError::Nvdec(error)) => error.is_device_lost(),
            Self::Preroll(error) | Self::OfStream { error, .. } => error.is_device_lost(),
            _ => false,
        }
    }
}

/// Did every frame come back, with something in it? As many packets as frames may be one packet twice and another never.
pub(super) fn check_packets(frames: &FrameColumns) -> Result<(), RunError> {
    // A packet comes after its submission.
    if let Some(frame) = frames.latency_ns.iter().position(|&ns| ns == 0) {
        return Err(RunError::NeverBack { frame });
    }
    frames.bytes.iter().position(|&bytes| bytes == 0).map_or(Ok(()), |frame| Err(RunError::Empty { frame }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_and_an_empty_packet_are_found() {
        let frames = |latency_ns: &[u64], bytes: &[u32]| FrameColumns {
            latency_ns: latency_ns.to_vec(),
            bytes: bytes.to_vec(),
            ..FrameColumns::default()
        };
        assert!(check_packets(&frames(&[9, 8], &[100, 20])).is_ok());
        assert!(matches!(check_packets(&frames(&[9, 0], &[100, 0])), Err(RunError::NeverBack { frame: 1 })));
        assert!(matches!(check_packets(&frames(&[9, 8], &[0, 20])), Err(RunError::Empty { frame: 0 })));
    }
}
