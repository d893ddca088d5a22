//! Checks what works on this computer (each device, each driver library, ffmpeg) and says how to fix what does not.
//!
//! Checks by trying: a device works if an encode session opens on it. Prints nothing.

use serde::Serialize;

use crate::device::{Device, DeviceError, DeviceSpec, gpu_state, gpus};
use crate::nvenc::api::{Api, HEADER_VERSION};
use crate::nvenc::error::{NvencError, Status};
use crate::nvenc::session::{CodecCaps, Session};
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
    /// The same in a few words: what a device can do, or why it cannot be used.
    #[serde(skip)]
    pub brief: String,
}

/// What was found, whole and in a few words.
struct Said {
    detail: String,
    brief: String,
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
        Err(error) => {
            findings.push(Finding { brief: brief_error(&error), ..finding("libcuda", Err(error.to_string())) })
        }
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

/// The virtual device in each of its profiles.
pub fn examine_models() -> Vec<Finding> {
    virtual_profiles().into_iter().map(|(name, ..)| try_device(&format!("virtual:{name}"))).collect()
}

fn try_device(name: &str) -> Finding {
    let tried = || -> Result<Said, DeviceError> {
        let spec: DeviceSpec = name.parse()?;
        let device = Device::open(&spec)?;
        let caps = all_caps(&device.open_session()?)?;
        let about = format!("{}, API {}", device.info().driver, device.info().api_version);
        Ok(Said { detail: format!("{about}, {}", abilities(&caps)), brief: brief_abilities(&caps) })
    };
    let tried = tried().map_err(|error| Said { detail: error.to_string(), brief: brief_error(&error) });
    let works = tried.is_ok();
    let Said { detail, brief } = tried.unwrap_or_else(|why| why);
    Finding { name: name.to_owned(), works, detail, brief }
}

fn all_caps(session: &Session) -> Result<Vec<CodecCaps>, NvencError> {
    session.codecs()?.into_iter().map(|codec| session.caps(codec)).collect()
}

/// Few words for the usual causes; the whole message for all others.
fn brief_error(error: &DeviceError) -> String {
    match error {
        DeviceError::NoCuda { .. } => "No NVIDIA driver found on this computer".to_owned(),
        DeviceError::Cuda { answer, .. } if answer == "CUDA_ERROR_NO_DEVICE" => "no NVIDIA GPU is visible".to_owned(),
        DeviceError::Nvenc(NvencError::Load { library, .. }) => format!("the driver's {library} is missing"),
        DeviceError::Nvenc(NvencError::Call(call)) => match call.status {
            Status::NO_ENCODE_DEVICE | Status::UNSUPPORTED_DEVICE => {
                "no encoder engine (NVENC) on this card".to_owned()
            }
            Status::INVALID_VERSION => "its driver is too old for NVENC's API 12.1".to_owned(),
            Status::OUT_OF_MEMORY | Status::INCOMPATIBLE_CLIENT_KEY => "too many encode sessions are open".to_owned(),
            _ => error.to_string(),
        },
        _ => error.to_string(),
    }
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

/// "h264 up to 4096x4096 with up to 2 B-frames on 1 engine(s), hevc up to …"
fn abilities(caps: &[CodecCaps]) -> String {
    let describe = |caps: &CodecCaps| {
        let CodecCaps { codec, max, max_b_frames, engines, .. } = caps;
        format!("{codec} up to {max} with up to {max_b_frames} B-frames on {engines} engine(s)")
    };
    caps.iter().map(describe).collect::<Vec<_>>().join(", ")
}

/// "H.264, HEVC · 1 engine · up to 4 B-frames"
fn brief_abilities(caps: &[CodecCaps]) -> String {
    let codecs = caps.iter().map(|caps| caps.codec.title()).collect::<Vec<_>>().join(", ");
    let most = |of: fn(&CodecCaps) -> u32| caps.iter().map(of).max().unwrap_or(0);
    let engines = match most(|caps| caps.engines) {
        1 => "1 engine".to_owned(),
        engines => format!("{engines} engines"),
    };
    let b_frames = match most(|caps| caps.max_b_frames) {
        0 => "no B-frames".to_owned(),
        b_frames => format!("up to {b_frames} B-frames"),
    };
    format!("{codecs} · {engines} · {b_frames}")
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
    let detail = tried.unwrap_or_else(|why| why);
    Finding { name: name.to_owned(), works, brief: detail.clone(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nvenc::error::CallError;

    #[test]
    fn a_device_says_in_a_few_words_what_it_can_do_or_why_it_cannot_be_used() {
        for model in examine_models() {
            assert!(model.works && model.brief.starts_with("H.264, HEVC · 1 engine · "), "{model:?}");
        }
        let call = |status| {
            let refused = CallError { call: "nvEncOpenEncodeSessionEx", status, driver_text: String::new() };
            brief_error(&DeviceError::Nvenc(NvencError::Call(refused)))
        };
        assert_eq!(call(Status::UNSUPPORTED_DEVICE), "no encoder engine (NVENC) on this card");
        assert!(call(Status::GENERIC).contains("internal error"));
        let no_driver = brief_error(&DeviceError::NoCuda { library: "libcuda.so.1" });
        assert_eq!(no_driver, "No NVIDIA driver found on this computer");
    }
}
