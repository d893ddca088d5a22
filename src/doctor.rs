//! Checks what works on this computer (each device, each driver library, ffmpeg) and says how to fix what does not.
//!
//! Checks by trying: a device works if an encode session opens on it. Prints nothing.

use serde::Serialize;

use crate::contract::EngineKind;
use crate::device::{Device, DeviceError, DeviceSpec, Gpu, gpu_state, gpus};
use crate::nvenc::api::{Api, HEADER_VERSION};
use crate::nvenc::error::NvencError;
use crate::nvenc::session::{CodecCaps, Session};
use crate::record::GpuState;

mod abilities;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked: `virtual`, `libcuda`, `libnvidia-encode`, `cuda:0`, `ffmpeg`.
    pub name: String,
    /// Which engine of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineKind>,
    /// Which GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuFacts>,
    /// Does it work?
    pub works: bool,
    /// What it is and can do; or why it does not work, and what to do.
    pub detail: String,
    /// The same in a few words: what a device can do, or why it cannot be used.
    #[serde(skip)]
    pub brief: String,
}

/// What tells a GPU from others, and how it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GpuFacts {
    /// "NVIDIA H200".
    pub name: String,
    /// "GPU-8e1c2b7a-…"; `cuda:` and the beginning of it names the GPU too.
    pub uuid: String,
    /// "00000000:18:00.0"
    pub pci: String,
    /// Clocks, throttling and temperature; empty where they are not reported.
    pub state: String,
}

impl Finding {
    /// "cuda:0 NVENC", "ffmpeg"
    pub fn title(&self) -> String {
        self.engine.map_or_else(|| self.name.clone(), |engine| format!("{} {}", self.name, engine.title()))
    }
}

/// What was found, whole and in a few words.
struct Said {
    detail: String,
    brief: String,
}

/// Runs all checks, the virtual device first.
pub fn examine() -> Vec<Finding> {
    let mut findings = try_device("virtual", None);
    findings.push(try_encode_library());
    match gpus() {
        Ok(gpus) => {
            findings.push(finding("libcuda", Ok(format!("{} GPU(s) visible", gpus.len()))));
            findings.extend(gpus.iter().flat_map(|gpu| try_device(&format!("cuda:{}", gpu.ordinal), Some(facts(gpu)))));
        }
        Err(error) => findings
            .push(Finding { brief: abilities::why_not_brief(&error), ..finding("libcuda", Err(error.to_string())) }),
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
    virtual_profiles().into_iter().flat_map(|(name, ..)| try_device(&format!("virtual:{name}"), None)).collect()
}

/// Both engines of a device, the encoder first.
fn try_device(name: &str, gpu: Option<GpuFacts>) -> Vec<Finding> {
    [(EngineKind::Nvenc, try_encoder as fn(&DeviceSpec) -> _), (EngineKind::Nvdec, try_decoder)]
        .into_iter()
        .map(|(engine, try_engine)| {
            let tried: Result<Said, DeviceError> = name.parse().and_then(|spec| try_engine(&spec));
            let works = tried.is_ok();
            let said = tried
                .unwrap_or_else(|error| Said { detail: error.to_string(), brief: abilities::why_not_brief(&error) });
            let Said { detail, brief } = said;
            Finding { name: name.to_owned(), engine: Some(engine), gpu: gpu.clone(), works, detail, brief }
        })
        .collect()
}

fn try_encoder(spec: &DeviceSpec) -> Result<Said, DeviceError> {
    let device = Device::open(spec)?;
    let caps = all_caps(&device.open_session()?)?;
    let detail = format!("{}, {}", device.info().driver_text(), abilities::encoders(&caps));
    Ok(Said { detail, brief: abilities::encoders_brief(&caps) })
}

fn try_decoder(spec: &DeviceSpec) -> Result<Said, DeviceError> {
    let device = Device::open_for(spec, EngineKind::Nvdec)?;
    let caps = device.decode_caps()?;
    if caps.is_empty() {
        return Err(DeviceError::NoDecoder(spec.to_string()));
    }
    let detail = format!("{}, {}", device.info().driver_text(), abilities::decoders(&caps));
    Ok(Said { detail, brief: abilities::decoders_brief(&caps) })
}

fn all_caps(session: &Session) -> Result<Vec<CodecCaps>, NvencError> {
    session.codecs()?.into_iter().map(|codec| session.caps(codec)).collect()
}

fn facts(gpu: &Gpu) -> GpuFacts {
    let Gpu { name, uuid, pci, .. } = gpu.clone();
    GpuFacts { name, uuid, pci, state: gpu_state(gpu).map_or_else(String::new, |state| state_text(&state)) }
}

/// "SM 1980 MHz, video 1545 MHz, 34 °C, throttled"
fn state_text(state: &GpuState) -> String {
    let GpuState { sm_mhz, video_mhz, is_throttled, temperature_c, working: _ } = *state;
    let known = |name: &str, value: Option<u32>, unit: &str| value.map(|value| format!("{name}{value} {unit}"));
    let throttled = is_throttled.then(|| "throttled".to_owned());
    let all =
        [known("SM ", sm_mhz, "MHz"), known("video ", video_mhz, "MHz"), known("", temperature_c, "°C"), throttled];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
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
    Finding { name: name.to_owned(), engine: None, gpu: None, works, brief: detail.clone(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_says_in_a_few_words_what_its_engines_can_do() {
        for model in examine_models() {
            let brief = match model.engine {
                Some(EngineKind::Nvenc) => "H.264, HEVC · 1 engine · ",
                _ => "H.264, HEVC, VP9 · 1 engine",
            };
            assert!(model.works && model.brief.starts_with(brief), "{model:?}");
        }
    }
}
