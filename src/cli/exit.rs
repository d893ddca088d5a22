//! Exit codes, and which error leaves with which. The list stands in `--help` too.

use crate::conformance::ConformanceError;
use crate::device::DeviceError;
use crate::measure::baseline_runner::BaselineRunError;
use crate::measure::child_process::ChildError;
use crate::measure::child_side::ChildSideError;
use crate::measure::merge::MergeError;
use crate::measure::opened::OpenError;
use crate::measure::recording::RecordingError;
use crate::measure::run::RunError;
use crate::measure::sweep::SweepError;
use crate::nvdec::error::NvdecError;
use crate::nvenc::error::NvencError;
use crate::pipeline::RingError;
use crate::plan::PlanError;
use crate::process::child::ProcessError;
use crate::process::driver_folder::DriverFolderError;
use crate::qualify::QualifyError;
use crate::report::ReportError;
use crate::session::SessionError;
use crate::shell::with_input;
use crate::source::{InputSpecError, SourceError};

/// What the program leaves with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    Failed,
    Usage,
    NotMet,
    Inconclusive,
    Unavailable,
    Interrupted,
    /// What a command that was run for the user ended with.
    OfCommand(u8),
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotMet => 3,
            Self::Inconclusive => 4,
            Self::Unavailable => 5,
            Self::Interrupted => 130,
            Self::OfCommand(code) => code,
        }
    }

    /// Of a process of our own that failed.
    fn of_failed(code: i32) -> Self {
        let all = [Self::Usage, Self::Unavailable, Self::Interrupted];
        all.into_iter().find(|exit| i32::from(exit.code()) == code).unwrap_or(Self::Failed)
    }
}

/// Why the program could not do what was asked: one line for standard error, and the code.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: Exit,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn usage(message: impl ToString) -> Self {
        Self { code: Exit::Usage, message: message.to_string() }
    }

    /// With the user's own input in its advice.
    pub(super) fn about(self, input: &str) -> Self {
        Self { message: with_input(&self.message, input), ..self }
    }

    pub(super) fn failed(message: impl ToString) -> Self {
        Self { code: Exit::Failed, message: message.to_string() }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::usage(error)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::usage(error)
    }
}

impl From<InputSpecError> for Failure {
    fn from(error: InputSpecError) -> Self {
        Self::usage(error)
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Unknown(_) | DeviceError::Virtual(_) | DeviceError::Card { .. } => Self::usage(error),
            DeviceError::WrongEngine { .. } => Self::failed(error),
            DeviceError::Nvenc(error) => error.into(),
            DeviceError::Nvdec(error) => error.into(),
            error => Self { code: Exit::Unavailable, message: error.to_string() },
        }
    }
}

impl From<NvencError> for Failure {
    fn from(error: NvencError) -> Self {
        let code = match &error {
            error if error.is_unavailable() => Exit::Unavailable,
            NvencError::NoCodec { .. }
            | NvencError::Size { .. }
            | NvencError::BFrames { .. }
            | NvencError::BReference { .. }
            | NvencError::IntraRefresh { .. }
            | NvencError::H264Bits { .. }
            | NvencError::Samples { .. }
            | NvencError::Ring(RingError::Tuning { .. }) => Exit::Usage,
            _ => Exit::Failed,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<NvdecError> for Failure {
    fn from(error: NvdecError) -> Self {
        let code = match &error {
            NvdecError::Load { .. } | NvdecError::MissingEntry { .. } => Exit::Unavailable,
            NvdecError::NoCodec { .. }
            | NvdecError::Size { .. }
            | NvdecError::NoSequence { .. }
            | NvdecError::Interlaced
            | NvdecError::Surfaces { .. }
            | NvdecError::Odd(_)
            | NvdecError::Ring(RingError::Tuning { .. }) => Exit::Usage,
            _ => Exit::Failed,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<QualifyError> for Failure {
    fn from(error: QualifyError) -> Self {
        match error {
            QualifyError::Device(error) => error.into(),
            QualifyError::Nvenc(error) => error.into(),
            QualifyError::Nvdec(error) => error.into(),
            QualifyError::Source(error) => error.into(),
            QualifyError::Conformance(error) => error.into(),
            QualifyError::Transcode => Self::usage(error),
            QualifyError::Ring(_) | QualifyError::CannotTell(_) => Self::failed(error),
        }
    }
}

impl From<ConformanceError> for Failure {
    fn from(error: ConformanceError) -> Self {
        match error {
            ConformanceError::Driver(message) => Self { code: Exit::Unavailable, message },
            ConformanceError::Virtual(error) => error.into(),
            ConformanceError::Start(_) => Self::failed(error),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Input(error) => error.into(),
            OpenError::Device(error) => error.into(),
            OpenError::Source(error) => error.into(),
            error @ OpenError::NotPinned => Self::failed(error.to_string()),
            error @ OpenError::TooManyBits(_) => Self::usage(error.to_string()),
        }
    }
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::Plan(error) => error.into(),
            SweepError::Device(error) => error.into(),
            error @ SweepError::Rehearsal(_) => {
                let message = error.to_string();
                let SweepError::Rehearsal(cause) = error else { return Self::failed(message) };
                Self { message, ..cause.into() }
            }
            SweepError::DeviceLost { .. } | SweepError::Listener(_) => Self::failed(error),
        }
    }
}

impl From<RecordingError> for Failure {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Plan(error) => error.into(),
            RecordingError::Open(error) => error.into(),
            RecordingError::Session(error) => error.into(),
            RecordingError::Sweep(error) => error.into(),
            RecordingError::Baseline(error) => error.into(),
            RecordingError::Child(error) => error.into(),
            RecordingError::NoFloor { .. } => Self::failed(error),
            RecordingError::NoNumbers => Self { code: Exit::Interrupted, message: error.to_string() },
        }
    }
}

impl From<ChildError> for Failure {
    fn from(error: ChildError) -> Self {
        let code = match &error {
            ChildError::Refused { exit_code, .. } => Exit::of_failed(*exit_code),
            ChildError::Stopped => Exit::Interrupted,
            ChildError::Start(_) | ChildError::Died(_) | ChildError::Garbled(_) => Exit::Failed,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<ChildSideError> for Failure {
    fn from(error: ChildSideError) -> Self {
        match error {
            ChildSideError::Plan(error) => error.into(),
            ChildSideError::Open(error) => error.into(),
            ChildSideError::Sweep(error) => error.into(),
            ChildSideError::NoTask(_) => Self::usage(error),
            ChildSideError::NoReader(_) => Self::failed(error),
        }
    }
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Session(error) => error.into(),
            error => Self::usage(error),
        }
    }
}

impl From<BaselineRunError> for Failure {
    fn from(error: BaselineRunError) -> Self {
        match error {
            BaselineRunError::Drivers(error) => error.into(),
            BaselineRunError::Process(error) => error.into(),
            BaselineRunError::Source(error) => error.into(),
            error => Self::failed(error),
        }
    }
}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Drivers(error) => error.into(),
            ProcessError::Stopped => Self { code: Exit::Interrupted, message: error.to_string() },
            error => Self::failed(error),
        }
    }
}

impl From<DriverFolderError> for Failure {
    fn from(error: DriverFolderError) -> Self {
        let code = if matches!(error, DriverFolderError::Place { .. }) { Exit::Failed } else { Exit::Unavailable };
        Self { code, message: error.to_string() }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Device(error) => error.into(),
            RunError::Nvenc(error) => error.into(),
            RunError::Nvdec(error) => error.into(),
            RunError::Source(_)
            | RunError::Suspended(_)
            | RunError::PacketCount { .. }
            | RunError::NeverBack { .. }
            | RunError::Empty { .. } => Self::failed(error),
            RunError::OfStream { error: ref cause, .. } if matches!(**cause, RunError::Device(_)) => {
                Self { code: Exit::Unavailable, message: error.to_string() }
            }
            RunError::Preroll(_) | RunError::OfStream { .. } | RunError::NoThread(_) | RunError::NotBegun => {
                Self::failed(error)
            }
            RunError::Stopped => Self { code: Exit::Interrupted, message: error.to_string() },
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Write { .. }
            | SessionError::NoSpace { .. }
            | SessionError::FileLimit { .. }
            | SessionError::BadRecord { .. } => Self::failed(error),
            error => Self::usage(error),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Session(error) => error.into(),
            ReportError::NoFileName { .. } | ReportError::NoSuchRun { .. } => Self::usage(error),
            ReportError::Write { .. } | ReportError::Export(_) => Self::failed(error),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(format!("cannot write to standard output: {error}"))
    }
}
