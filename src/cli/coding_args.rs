//! The options of how frames are encoded, which `encode`, `sweep` and `calibrate` share. Runs nothing.

use std::path::Path;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::contract::{InputPath, Preset, RateControl, TuningInfo};
use crate::plan::{DEFAULT_DEVICE, Plan};
use crate::source::{GeometryError, parse_rate, path_text};

const INPUT_HELP: &str = "\
Frames to encode: synthetic[:WxH@FPS] (built-in pattern), a Y4M file, raw:FORMAT:WxH@FPS:FILE (nv12, i420, argb, p010, yuv444), \
- (Y4M on standard input), or any media file (needs ffmpeg). 10-bit 4:2:0 (p010) is for HEVC and AV1";

pub(super) const DEVICE_HELP: &str = "\
Device: virtual (no GPU needed), virtual:PROFILE, virtual:key=value,…, virtual:card=FILE (by inflight qualify), cuda:N, or the path of a driver library; \
inflight doctor lists the devices";

/// The options that encode and sweep share.
#[derive(Debug, Args)]
pub struct CodingArgs {
    #[arg(long, default_value = DEFAULT_DEVICE, help = DEVICE_HELP)]
    pub device: String,
    #[arg(long, default_value = "synthetic", help = INPUT_HELP, value_parser = input())]
    pub input: String,
    /// Number of buffer pairs (default: enough for the largest reap threshold, and the same for all cases). A sweep takes several,
    /// separated by commas
    #[arg(long, value_delimiter = ',', hide_short_help = true)]
    pub pool: Vec<u32>,
    /// How frames get to the encoder: driver (copied into its own buffers), cuda (copied by CUDA into memory that is
    /// registered with the encoder), or convert (ARGB frames, copied so and converted to NV12 on the GPU)
    #[arg(long, default_value = "driver", hide_short_help = true)]
    pub input_path: InputPath,
    /// NVENC preset, p1 (fastest) to p7 (best quality)
    #[arg(long, default_value = "p1")]
    pub preset: Preset,
    /// NVENC tuning: ull (ultra low latency), ll (low latency) or hq (high quality)
    #[arg(long, default_value = "ull")]
    pub tuning: TuningInfo,
    #[command(flatten)]
    pub rate: RateArgs,
    /// Frames from one IDR to the next (default: only the first frame is an IDR; with B-frames every 250th)
    #[arg(long, hide_short_help = true)]
    pub gop: Option<u32>,
    /// Number of B-frames between two reference frames
    #[arg(long, default_value_t = 0, hide_short_help = true)]
    pub b_frames: u32,
    /// Set any field of the plan, for example --set lookahead=8; can be given several times
    #[arg(long, hide_short_help = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// CPU time in microseconds that the simulated application uses before each frame (default: set by the device's profile)
    #[arg(long, conflicts_with = "pace", hide_short_help = true)]
    pub host_work_us: Option<u32>,
    /// Simulate a live source: frames arrive at this rate, for example 60, 59.94 or 60000/1001
    #[arg(long, value_name = "FPS", hide_short_help = true, value_parser = pace)]
    pub pace: Option<f64>,
    /// Largest input to load into memory before the clock starts, in MiB; for a larger input, a separate thread reads frames in
    /// advance
    #[arg(long, default_value_t = 2048, hide_short_help = true)]
    pub preload_mib: u32,
}

/// Rate control.
#[derive(Debug, Args)]
pub struct RateArgs {
    /// Use a constant bit rate, set by --bitrate-kbps
    #[arg(long, hide_short_help = true, requires = "bitrate_kbps", conflicts_with_all = ["vbr", "cqp"])]
    pub cbr: bool,
    /// Use a variable bit rate around --bitrate-kbps
    #[arg(long, hide_short_help = true, requires = "bitrate_kbps", conflicts_with = "cqp")]
    pub vbr: bool,
    /// Use a constant quantiser
    #[arg(long, hide_short_help = true, value_name = "QP", conflicts_with_all = ["bitrate_kbps", "max_bitrate_kbps"])]
    pub cqp: Option<u32>,
    /// Target bit rate in kbit/s; implies --cbr unless --vbr is given
    #[arg(long, hide_short_help = true, value_parser = kbps())]
    pub bitrate_kbps: Option<u32>,
    /// Peak bit rate in kbit/s for --vbr (default: twice the target)
    #[arg(long, hide_short_help = true, requires = "vbr", value_parser = kbps())]
    pub max_bitrate_kbps: Option<u32>,
}

/// On Linux a name is bytes, and a plan is text.
fn input() -> impl clap::builder::TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|word| match word.to_str() {
        Some(text) => text.to_owned(),
        None => path_text(Path::new(&word)),
    })
}

/// NVENC's API counts bits a second in 32 bits.
const MAX_KBPS: i64 = u32::MAX as i64 / 1000;

fn kbps() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=MAX_KBPS)
}

/// A rate as `--input` spells it, or a number of any size, which the plan judges.
fn pace(text: &str) -> Result<f64, String> {
    if text.contains('/') {
        let rate = parse_rate(text).map_err(|error| error.to_string())?;
        return Ok(f64::from(rate.num) / f64::from(rate.den));
    }
    text.parse().map_err(|_| GeometryError::Rate(text.to_owned()).to_string())
}

impl RateArgs {
    pub(super) fn rate_control(&self) -> RateControl {
        let bps = |kbps: u32| 1000 * kbps;
        match (self.cqp, self.bitrate_kbps) {
            (Some(qp), _) => RateControl::Cqp { qp },
            (None, Some(kbps)) if self.vbr => RateControl::Vbr {
                bitrate_bps: bps(kbps),
                max_bitrate_bps: bps(self.max_bitrate_kbps.unwrap_or((2 * kbps).min(MAX_KBPS as u32))),
            },
            (None, Some(kbps)) => RateControl::Cbr { bitrate_bps: bps(kbps) },
            (None, None) => RateControl::Preset,
        }
    }
}

impl CodingArgs {
    /// The part of the plan that encode and sweep share; `suggested_host_work_us` is the device's suggestion.
    pub fn plan(&self, suggested_host_work_us: u32) -> Plan {
        let modelled_work = if self.pace.is_some() { 0 } else { suggested_host_work_us };
        Plan {
            device: self.device.clone(),
            input: self.input.clone(),
            pools: self.pool.clone(),
            input_path: self.input_path,
            preset: self.preset,
            tuning: self.tuning,
            rate_control: self.rate.rate_control(),
            gop_length: self.gop,
            b_frames: self.b_frames,
            host_work_us: self.host_work_us.unwrap_or(modelled_work),
            pace_fps: self.pace,
            preload_mib: self.preload_mib,
            ..Plan::default()
        }
    }
}
