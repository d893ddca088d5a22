//! Cases that run as separate processes: `ffmpeg`, and `inflight encode` beside it, so that whole processes are compared
//! with whole processes.
//!
//! Both read the same raw frames from one file, written once before the first run, write an elementary stream to a file
//! beside it, and talk to the same driver through the interposer. FFmpeg is told to set its encoder up as ours is set up
//! (`ffmpeg_options`); how each did is read back and kept with its run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::ffmpeg_options::{colour_options, options, own_vbv_bits, pixel_format};
use crate::contract::{Codec, EncodeMetrics, SplitEncoding};
use crate::device::{self, DeviceSpec, GpuName};
use crate::plan::{Baseline, Plan, PlannedRun};
use crate::process::child::{ProcessError, Under};
use crate::process::client_settings::of_stream;
use crate::process::driver_folder::{DriverFolder, DriverFolderError, TrueDriver};
use crate::process::ffmpeg::{encoder_of, has_option};
use crate::process::scratch::Scratch;
use crate::process::verify::{VerifyError, verify};
use crate::record::{Case, Client, EncodeSettings, InputInfo, RunRecord};
use crate::source::{Feed, SourceError};

/// The files and libraries that the processes of a sweep need.
#[derive(Debug)]
pub struct BaselineRunner {
    folder: Scratch,
    drivers: DriverFolder,
    driver: TrueDriver,
    device: DeviceSpec,
    frames: PathBuf,
    input: InputInfo,
    /// How our encoder is set up, codec by codec.
    settings: BTreeMap<Codec, EncodeSettings>,
    /// Has this FFmpeg a word for split encoding?
    can_split: bool,
}

/// Why a process cannot be a case, or why its run failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum BaselineRunError {
    #[error(transparent)]
    Drivers(#[from] DriverFolderError),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "cannot write the frames for other programs: {0}; free some space, or choose another folder for temporary files with TMPDIR"
    )]
    Frames(io::Error),
    #[error("{program} failed with {ending}: run it by itself to find out why")]
    Failed { program: String, ending: String },
    #[error("{0} opened no encode session: it did not use this driver; check that it encodes with NVENC")]
    NoSession(String),
    #[error(
        "{program} wrote {packets} packets and took {frames} frames, instead of {expected} of each: run it by itself to find out why"
    )]
    PacketCount { program: String, expected: u64, frames: u64, packets: u64 },
    #[error("the output of {program} is wrong: {problem}")]
    NotVerified { program: String, problem: String },
}

impl BaselineRunError {
    /// Was it stopped by the user?
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Process(ProcessError::Stopped))
    }
}

impl BaselineRunner {
    /// Copies the libraries and writes the frames; `None` if the plan has no other program. `settings` are those of our encoder.
    ///
    /// # Errors
    /// The libraries were not built, or there is no room for the frames.
    pub fn prepare(
        plan: &Plan,
        device: &DeviceSpec,
        feed: &Feed,
        settings: &BTreeMap<Codec, EncodeSettings>,
        stop: &AtomicBool,
    ) -> Result<Self, BaselineRunError> {
        let folder = Scratch::new().map_err(BaselineRunError::Frames)?;
        let driver = match device {
            DeviceSpec::Virtual(config) | DeviceSpec::VirtualOnCuda(config, _) => {
                TrueDriver::Virtual { config: format!("{config:#}") }
            }
            DeviceSpec::Cuda(_) => TrueDriver::System,
            DeviceSpec::Library(path) => TrueDriver::Library(path.clone()),
        };
        let is_virtual = matches!(driver, TrueDriver::Virtual { .. });
        let drivers = DriverFolder::install(&folder.path().join("drivers"), is_virtual)?;
        let frames = folder.path().join("frames.raw");
        write_frames(feed, &frames, stop)?;
        let (device, input, settings) = (device.clone(), feed.info().clone(), settings.clone());
        let split = plan.codecs.iter().find(|&&codec| codec != Codec::H264);
        let can_split = split.is_some_and(|&codec| has_option(codec, "split_encode_mode"));
        Ok(Self { folder, drivers, driver, device, frames, input, settings, can_split })
    }

    /// Makes one run and records it, even if it fails.
    pub fn run(&self, plan: &Plan, planned: &PlannedRun, stop: &AtomicBool) -> (RunRecord, Option<BaselineRunError>) {
        let started_unix_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
        let error = match self.measure(plan, planned, stop) {
            Ok(record) => return (record, None),
            Err(error) => error,
        };
        let record = RunRecord { error: Some(error.to_string()), ..planned.record(started_unix_ms) };
        (record, Some(error))
    }

    fn measure(&self, plan: &Plan, planned: &PlannedRun, stop: &AtomicBool) -> Result<RunRecord, BaselineRunError> {
        let scratch = TempDir::new_in(self.folder.path()).map_err(ProcessError::Scratch)?;
        let output = scratch.path().join(format!("out.{}", planned.case.codec));
        let program = planned.case.client.to_string();
        let baseline = plan.baselines.iter().find(|baseline| baseline.client() == planned.case.client);
        let mut command = match baseline {
            Some(baseline) => self.ffmpeg(plan, &planned.case, baseline),
            None => self.own(plan, &planned.case),
        };
        command.arg(&output).stdin(Stdio::null()).stdout(Stdio::null());
        let under = Under {
            drivers: &self.drivers,
            driver: &self.driver,
            scratch: scratch.path(),
            asks_cuda: baseline.is_some(),
            log: None,
            keeps_errors: true,
        };
        let finished = under.run(&mut command, stop)?;
        if !finished.status.success() {
            return Err(BaselineRunError::Failed { program, ending: finished.ending() });
        }
        let (trace, mut usage) = finished.into_largest().ok_or_else(|| BaselineRunError::NoSession(program.clone()))?;
        let EncodeMetrics { frames, packets, .. } = trace.metrics;
        let expected = self.input.frames;
        if frames != expected || packets != expected {
            return Err(BaselineRunError::PacketCount { program, expected, frames, packets });
        }
        usage.settings.extend(of_stream(&output, planned.case.codec));
        if plan.verify {
            let not_verified = |error: VerifyError| match error {
                VerifyError::Stopped => BaselineRunError::Process(ProcessError::Stopped),
                error => BaselineRunError::NotVerified { program, problem: error.to_string() },
            };
            let stream = File::open(&output).map_err(BaselineRunError::Frames)?;
            usage.verified_frames = Some(verify(stream, planned.case.codec, expected, stop).map_err(not_verified)?);
        }
        Ok(trace.measured(planned.record(0), Some(usage)))
    }

    /// All but the output's name.
    fn ffmpeg(&self, plan: &Plan, case: &Case, baseline: &Baseline) -> Command {
        let InputInfo { format, dimensions, frame_rate, .. } = self.input;
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-v", "error", "-y"]);
        command.args(["-f", "rawvideo", "-pix_fmt", pixel_format(format)]);
        command.args(["-video_size", &dimensions.to_string(), "-framerate", &frame_rate.to_string()]);
        if let Some(pace_fps) = plan.pace_fps {
            command.args(["-readrate", &(pace_fps / frame_rate.fps()).to_string()]);
        }
        command.args(colour_options(plan.colour.or(self.input.colour)));
        command.arg("-i").arg(&self.frames);
        command.args(["-fps_mode", "passthrough", "-c:v", &encoder_of(case.codec)]);
        command.args(options(plan, case.codec, self.settings_of(case), self.can_split));
        match &self.device {
            DeviceSpec::Cuda(GpuName::Ordinal(ordinal)) => drop(command.args(["-gpu", &ordinal.to_string()])),
            // FFmpeg has no word for it, but CUDA takes a UUID.
            DeviceSpec::Cuda(name) => {
                let gpus = device::gpus().unwrap_or_default();
                let uuid = name.find(&gpus).map_or_else(|_| name.to_string(), |gpu| gpu.uuid.clone());
                command.env("CUDA_VISIBLE_DEVICES", uuid);
            }
            DeviceSpec::Virtual(_) | DeviceSpec::VirtualOnCuda(..) | DeviceSpec::Library(_) => {}
        }
        command.args(baseline.extra_options());
        let muxer = if case.codec == Codec::Av1 { "obu".to_owned() } else { case.codec.to_string() };
        command.args(["-f", &muxer]);
        command
    }

    fn settings_of(&self, case: &Case) -> &EncodeSettings {
        static UNKNOWN: EncodeSettings = EncodeSettings::new();
        self.settings.get(&case.codec).unwrap_or(&UNKNOWN)
    }

    /// All but the output's name.
    fn own(&self, plan: &Plan, case: &Case) -> Command {
        let InputInfo { format, dimensions, frame_rate, .. } = self.input;
        let device = match &self.device {
            DeviceSpec::Cuda(_) => self.device.to_string(),
            DeviceSpec::Virtual(_) | DeviceSpec::VirtualOnCuda(..) | DeviceSpec::Library(_) => {
                self.drivers.interposer().display().to_string()
            }
        };
        let input = format!("raw:{format}:{dimensions}@{frame_rate}:{}", self.frames.display());
        let program = std::env::current_exe().unwrap_or_else(|_| "inflight".into());
        let mut command = Command::new(program);
        command.args(["encode", "--device", &device, "--input", &input, "--codec", &case.codec.to_string()]);
        command.args(["--reap-threshold", &case.reap_threshold.to_string(), "--lock", &case.lock.to_string()]);
        command.args(["--pool", &case.pool.to_string(), "--preset", &plan.preset.to_string()]);
        command.args(["--tuning", &plan.tuning.to_string(), "--b-frames", &plan.b_frames.to_string()]);
        // Read once, while encoding, as the other program does.
        command.arg("--one-pass");
        if let Some(gop_length) = plan.gop_length {
            command.args(["--gop", &gop_length.to_string()]);
        }
        if let Some(pace_fps) = plan.pace_fps {
            command.args(["--pace", &pace_fps.to_string()]);
        }
        // What FFmpeg has no word for is the driver's choice there, and must be here.
        let split = if self.can_split || case.codec == Codec::H264 { plan.split_encode } else { SplitEncoding::Auto };
        let vbv_bits = plan.vbv_bits.or_else(|| u32::try_from(own_vbv_bits(self.settings_of(case))?).ok());
        let told = Plan { split_encode: split, vbv_bits, colour: plan.colour.or(self.input.colour), ..plan.clone() };
        for word in super::command::coding_fields(&told) {
            command.args(["--set", &word]);
        }
        command.args(super::command::rate_words(plan.rate_control)).arg("--output");
        command
    }
}

/// The very frames of a run, one after the other.
fn write_frames(feed: &Feed, path: &std::path::Path, stop: &AtomicBool) -> Result<(), BaselineRunError> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(BaselineRunError::Frames)?);
    let mut cursor = feed.start(stop)?;
    while let Some((frame, _)) = cursor.next()? {
        if stop.load(Ordering::Relaxed) {
            return Err(ProcessError::Stopped.into());
        }
        file.write_all(frame).map_err(BaselineRunError::Frames)?;
    }
    file.flush().map_err(BaselineRunError::Frames)
}

/// Does the case run as a separate process?
pub fn is_other(case: &Case) -> bool {
    case.client != Client::Here
}
