//! Checks what works on this computer (each device, each driver library, ffmpeg) and says how to fix what does not.
//!
//! Checks by trying: a device works if an encode session opens on it. Prints nothing.

use serde::Serialize;

use crate::device::{Device, DeviceSpec, gpu_state, gpus};
use crate::nvenc::api::{Api, HEADER_VERSION};
use crate::nvenc::session::Session;
use crate::record::GpuState;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked: `virtual`, `libcuda`, `libnvidia-encode`, `cuda:0`, `ffmpeg`.
    pub name: String,
    /// Does it work?
    pub works: bool,
    /// What it is and can do; or why it does not work, and what to do.
    pub detail: String,
}

/// Runs all checks, the virtual device first.
pub fn examine() -> Vec<Finding> {
    let mut findings = vec![try_device("virtual"), try_encode_library()];
    match gpus() {
        Ok(gpus) => {
            findings.push(finding("libcuda", Ok(format!("{} GPU(s) visible", gpus.len()))));
            findings.extend(gpus.iter().map(|gpu| {
                let tried = try_device(&format!("cuda:{}", gpu.ordinal));
                let clocks = clocks(gpu.ordinal).map_or_else(String::new, |clocks| format!(" ({clocks})"));
                Finding { detail: format!("{}{clocks}: {}", gpu.name, tried.detail), ..tried }
            }));
        }
        Err(error) => findings.push(finding("libcuda", Err(error.to_string()))),
    }
    findings.push(try_ffmpeg());
    findings
}

/// The version of the NVENC API that this program speaks: "12.1".
pub fn api_version() -> String {
    let (major, minor) = HEADER_VERSION;
    format!("{major}.{minor}")
}

/// Name, title and description of each of the virtual device's profiles.
pub fn virtual_profiles() -> Vec<(&'static str, &'static str, &'static str)> {
    virtual_nvenc::profiles().iter().map(|profile| (profile.name, profile.title, profile.description)).collect()
}

fn try_device(name: &str) -> Finding {
    let tried = || -> Result<String, String> {
        let spec: DeviceSpec = name.parse().map_err(|error: crate::device::DeviceError| error.to_string())?;
        let device = Device::open(&spec).map_err(|error| error.to_string())?;
        let session = device.open_session().map_err(|error| error.to_string())?;
        Ok(format!("{}, API {}, {}", device.info().driver, device.info().api_version, abilities(&session)?))
    };
    finding(name, tried())
}

/// "SM 1980 MHz, video 1545 MHz, 34 °C, throttled"
fn clocks(ordinal: u32) -> Option<String> {
    let GpuState { sm_mhz, video_mhz, is_throttled, temperature_c } = gpu_state(ordinal)?;
    let known = |name: &str, value: Option<u32>, unit: &str| value.map(|value| format!("{name}{value} {unit}"));
    let throttled = is_throttled.then(|| "throttled".to_owned());
    let all =
        [known("SM ", sm_mhz, "MHz"), known("video ", video_mhz, "MHz"), known("", temperature_c, "°C"), throttled];
    Some(all.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// "h264 up to 4096x4096 with 2 B-frames, hevc up to …"
fn abilities(session: &Session) -> Result<String, String> {
    let describe = |codec| {
        let caps = session.caps(codec).map_err(|error| error.to_string())?;
        Ok(format!(
            "{codec} up to {} with up to {} B-frames on {} engine(s)",
            caps.max, caps.max_b_frames, caps.engines
        ))
    };
    let codecs = session.codecs().map_err(|error| error.to_string())?;
    Ok(codecs.into_iter().map(describe).collect::<Result<Vec<_>, String>>()?.join(", "))
}

fn try_encode_library() -> Finding {
    let loaded = Api::system().map(|api| {
        let (major, minor) = api.max_version();
        format!("loads, supports up to API {major}.{minor}")
    });
    finding("libnvidia-encode", loaded.map_err(|error| error.to_string()))
}

fn try_ffmpeg() -> Finding {
    let advice = "it is needed for media files, but not for Y4M, raw and synthetic input; to install it on Debian/Ubuntu: apt install ffmpeg";
    let version = ffmpeg_sidecar::version::ffmpeg_version();
    let missing = |error| format!("cannot run ffmpeg ({error}): {advice}");
    finding("ffmpeg", version.map(|version| format!("version {version}")).map_err(missing))
}

fn finding(name: &str, tried: Result<String, String>) -> Finding {
    let works = tried.is_ok();
    Finding { name: name.to_owned(), works, detail: tried.unwrap_or_else(|why| why) }
}
