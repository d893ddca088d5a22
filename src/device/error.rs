//! Why a device cannot be named or opened, and what to do.

use crate::nvdec::error::NvdecError;
use crate::nvenc::error::NvencError;
use crate::transcode::TranscodeError;

/// Why a device cannot be named or opened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum DeviceError {
    #[error(
        "'{0}' is not a device: use virtual, virtual:PROFILE, virtual:key=value,…, virtual+cuda:N, cuda:N, cuda:UUID, or the path of a driver library"
    )]
    Unknown(String),
    #[error("virtual device: {0}")]
    Virtual(String),
    #[error("cannot make a virtual device of the card in {path}: {cause}; name a file that inflight qualify wrote")]
    Card { path: String, cause: String },
    #[error("cannot find the CUDA driver: {library} is missing; install the NVIDIA driver, or use --device virtual")]
    NoCuda { library: &'static str },
    #[error("CUDA failed with {answer}: {advice}")]
    Cuda { answer: String, advice: &'static str },
    #[error("cannot open cuda:{asked}: CUDA reports {found} GPU(s) on this computer; see inflight doctor")]
    NoGpu { asked: String, found: usize },
    #[error("cannot open cuda:{asked}: the UUIDs of several GPUs begin so; see inflight doctor")]
    ManyGpus { asked: String },
    #[error("{0} has no decoder that this program can use: name a GPU (--device cuda:0); see inflight doctor")]
    NoDecoder(String),
    #[error("the device was opened for {opened}, not for {asked}: this is a bug, please report it")]
    WrongEngine { opened: &'static str, asked: &'static str },
    #[error(
        "cannot lock the GPU's clocks at {mhz} MHz: {problem}; only an administrator may: run as root, or lock them by nvidia-smi -lgc {mhz}, and leave --lock-clocks out"
    )]
    LockClock { mhz: u32, problem: String },
    #[error("cannot lock the clocks of {0}: there is no NVML for it; leave --lock-clocks out")]
    NoInstruments(String),
    #[error(transparent)]
    Nvenc(#[from] NvencError),
    #[error(transparent)]
    Nvdec(#[from] NvdecError),
}

impl From<TranscodeError> for DeviceError {
    fn from(error: TranscodeError) -> Self {
        match error {
            TranscodeError::Nvenc(error) => Self::Nvenc(error),
            TranscodeError::Nvdec(error) => Self::Nvdec(error),
        }
    }
}
