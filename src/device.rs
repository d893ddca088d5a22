//! Devices: naming, opening and querying them. The only file that names cudarc, and the only one that knows which
//! device is virtual; to others, every device is an [`Api`] and a handle.

mod clocks;

use std::ffi::c_void;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use cudarc::driver::{CudaContext, DriverError};

use crate::contract::{EncoderConfig, PacketSink};
use crate::nvenc::api::Api;
use crate::nvenc::encoder::NvencEncoder;
use crate::nvenc::error::NvencError;
use crate::nvenc::session::{DeviceHandle, Session};
use crate::record::{DeviceInfo, DeviceKind, GpuState};
use clocks::Clocks;

/// A device as the user names it.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceSpec {
    /// `virtual`, `virtual:NAME`, `virtual:key=value,…`
    Virtual(virtual_nvenc::DeviceConfig),
    /// `cuda:N`: the N-th GPU that CUDA reports, through the installed driver.
    Cuda(u32),
    /// The path of a driver library.
    Library(PathBuf),
}

/// An opened device: sessions can be made on it.
#[derive(Debug)]
pub struct Device {
    api: Arc<Api>,
    handle: DeviceHandle,
    info: DeviceInfo,
    emulation: Option<Arc<virtual_nvenc::Device>>,
    clocks: Option<Clocks>,
}

/// Why a device cannot be named or opened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum DeviceError {
    #[error(
        "'{0}' is not a device: use virtual, virtual:PROFILE, virtual:key=value,…, cuda:N, or the path of a driver library"
    )]
    Unknown(String),
    #[error("virtual device: {0}")]
    Virtual(String),
    #[error("cannot find the CUDA driver: {library} is missing; install the NVIDIA driver, or use --device virtual")]
    NoCuda { library: &'static str },
    #[error("CUDA failed with {answer}: {advice}")]
    Cuda { answer: String, advice: &'static str },
    #[error("cannot open cuda:{asked}: CUDA reports {found} GPU(s) on this computer; see inflight doctor")]
    NoGpu { asked: u32, found: u32 },
    #[error(transparent)]
    Nvenc(#[from] NvencError),
}

/// A GPU that CUDA reports.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Gpu {
    pub ordinal: u32,
    pub name: String,
}

impl FromStr for DeviceSpec {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let config = text.strip_prefix("virtual:").or((text == "virtual").then_some(""));
        if let Some(config) = config {
            return config.parse().map(Self::Virtual).map_err(|error| DeviceError::Virtual(format!("{error}")));
        }
        if let Some(ordinal) = text.strip_prefix("cuda:") {
            return ordinal.parse().map(Self::Cuda).map_err(|_| DeviceError::Unknown(text.to_owned()));
        }
        // A bare word is a slip of the pen; a library has a folder or an ending in its name.
        match text.contains(['/', '\\', '.']) {
            true => Ok(Self::Library(text.into())),
            false => Err(DeviceError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Virtual(config) => write!(f, "virtual:{config}"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
            Self::Library(path) => write!(f, "{}", path.display()),
        }
    }
}

impl DeviceSpec {
    /// The caller's own work per frame on the modelled computer; 0 for devices that are not modelled.
    pub fn suggested_host_work_us(&self) -> u32 {
        match self {
            Self::Virtual(config) => config.host_work_us,
            Self::Cuda(_) | Self::Library(_) => 0,
        }
    }
}

impl Device {
    /// Opens a device, without an encode session: a GPU without NVENC opens here and fails at the first session.
    ///
    /// # Errors
    /// The driver, GPU or library is missing.
    pub fn open(spec: &DeviceSpec) -> Result<Self, DeviceError> {
        match spec {
            DeviceSpec::Virtual(config) => Self::open_virtual(config),
            DeviceSpec::Cuda(ordinal) => {
                let context = cuda_context(*ordinal)?;
                let name = context.name().map_err(|error| cuda_error(&error))?;
                let api = Api::system()?;
                Ok(Self::with_context(api, context, DeviceKind::Cuda, name))
            }
            DeviceSpec::Library(path) => Self::open_library(path),
        }
    }

    fn open_virtual(config: &virtual_nvenc::DeviceConfig) -> Result<Self, DeviceError> {
        let api = Api::built_in()?;
        let emulation = Arc::new(virtual_nvenc::Device::new(config.clone()));
        let info = DeviceInfo {
            kind: DeviceKind::Virtual,
            name: format!("virtual:{config}"),
            driver: format!("virtual NVENC {}", env!("CARGO_PKG_VERSION")),
            api_version: api_version(&api),
        };
        // SAFETY: the virtual driver looks its devices up by this value and never follows it.
        let handle = unsafe { DeviceHandle::new(emulation.as_ptr(), emulation.clone()) };
        Ok(Self { api, handle, info, emulation: Some(emulation), clocks: None })
    }

    /// A library gets a CUDA context where there is one. Where there is none it cannot be NVIDIA's own driver, which
    /// needs CUDA itself; another one gets a handle that points at valid, empty memory.
    fn open_library(path: &std::path::Path) -> Result<Self, DeviceError> {
        let api = Api::load(path)?;
        let name = path.display().to_string();
        match cuda_context(0) {
            Ok(context) => return Ok(Self::with_context(api, context, DeviceKind::Library, name)),
            Err(DeviceError::NoCuda { .. }) => {}
            Err(error) => return Err(error),
        }
        let info = DeviceInfo {
            kind: DeviceKind::Library,
            name,
            driver: "unknown (no CUDA driver)".to_owned(),
            api_version: api_version(&api),
        };
        let token = Arc::new(Token::default());
        // SAFETY: a driver on a machine without CUDA can only compare this value, or look at the zeros it points at.
        let handle = unsafe { DeviceHandle::new(token.as_ptr(), token) };
        Ok(Self { api, handle, info, emulation: None, clocks: None })
    }

    fn with_context(api: Arc<Api>, context: Arc<CudaContext>, kind: DeviceKind, name: String) -> Self {
        let info = DeviceInfo { kind, name, driver: driver_version(), api_version: api_version(&api) };
        let clocks = clocks_of(&context);
        // SAFETY: a CUDA context is what NVENC takes for a device, and `Context` keeps it.
        let handle = unsafe { DeviceHandle::new(context.cu_ctx().cast(), Arc::new(Context(context))) };
        Self { api, handle, info, emulation: None, clocks }
    }

    /// Facts about the device.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Opens an encode session.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn open_session(&self) -> Result<Session, NvencError> {
        Session::open(Arc::clone(&self.api), self.handle.clone())
    }

    /// Opens a session and creates an encoder in it.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn encoder(&self, config: &EncoderConfig, sink: PacketSink) -> Result<NvencEncoder, NvencError> {
        NvencEncoder::new(self.open_session()?, config, sink)
    }

    /// The GPU's clocks, throttling and temperature now; `None` without a GPU, or where it does not report them.
    pub fn gpu_state(&self) -> Option<GpuState> {
        self.clocks.as_ref().and_then(Clocks::read)
    }

    /// Number of frames, of all sessions so far, that this computer finished later than their modelled time, and their total
    /// lateness in nanoseconds; `None` on a device that is not modelled.
    pub fn late_frames(&self) -> Option<(u64, u64)> {
        let counters = self.emulation.as_ref()?.counters();
        Some((counters.late_pictures, counters.late_ns))
    }

    /// Makes room to note when the engine works on the next frames, so many at most. A real engine does not say.
    pub fn note_engine(&self, num_frames: usize) {
        if let Some(emulation) = &self.emulation {
            emulation.note_pictures(num_frames);
        }
    }

    /// When the engine began and ended each frame since [`Self::note_engine`], in coding order; empty on a device that is
    /// not modelled.
    pub fn engine_times(&self) -> Vec<(Instant, Instant)> {
        let noted = self.emulation.as_ref().map(|emulation| emulation.noted_pictures()).unwrap_or_default();
        noted.into_iter().map(|worked| (worked.began, worked.done)).collect()
    }
}

/// The GPUs that CUDA reports on this computer.
///
/// # Errors
/// CUDA is missing or fails.
pub fn gpus() -> Result<Vec<Gpu>, DeviceError> {
    let count = u32::try_from(guarded(CudaContext::device_count)?).unwrap_or(0);
    (0..count).map(|ordinal| Ok(Gpu { ordinal, name: gpu_name(ordinal)? })).collect()
}

/// A GPU's clocks, throttling and temperature now, whether or not it can encode; `None` where it does not report them.
pub fn gpu_state(ordinal: u32) -> Option<GpuState> {
    let context = cuda_context(ordinal).ok()?;
    clocks_of(&context)?.read()
}

fn clocks_of(context: &CudaContext) -> Option<Clocks> {
    Clocks::of(context.uuid().ok()?.bytes.map(|byte| byte as u8))
}

fn gpu_name(ordinal: u32) -> Result<String, DeviceError> {
    guarded(|| {
        let device = cudarc::driver::result::device::get(ordinal as i32)?;
        cudarc::driver::result::device::get_name(device)
    })
}

fn cuda_context(ordinal: u32) -> Result<Arc<CudaContext>, DeviceError> {
    let found = u32::try_from(guarded(CudaContext::device_count)?).unwrap_or(0);
    if ordinal >= found {
        return Err(DeviceError::NoGpu { asked: ordinal, found });
    }
    guarded(|| CudaContext::new(ordinal as usize))
}

/// Calls cudarc where it may be called: it panics without the library, and on a library that lacks a symbol.
fn guarded<T>(call: impl FnOnce() -> Result<T, DriverError>) -> Result<T, DeviceError> {
    let library = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };
    // SAFETY: only tries to load the library, which runs the initialisers of the system's own driver.
    if !unsafe { cudarc::driver::sys::is_culib_present() } {
        return Err(DeviceError::NoCuda { library });
    }
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(|error| cuda_error(&error)),
        Err(_) => Err(DeviceError::Cuda {
            answer: format!("a missing symbol in {library}"),
            advice: "the CUDA driver is damaged or too old; reinstall the NVIDIA driver",
        }),
    }
}

fn cuda_error(error: &DriverError) -> DeviceError {
    let answer = format!("{:?}", error.0);
    let advice = match answer.as_str() {
        "CUDA_ERROR_NO_DEVICE" => {
            "no NVIDIA GPU is visible; check that one is installed and that CUDA_VISIBLE_DEVICES does not hide it"
        }
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" => {
            "the kernel module and the library belong to different drivers; restart the computer"
        }
        "CUDA_ERROR_OUT_OF_MEMORY" => "the GPU is out of memory; close other programs that use it",
        _ => "check the NVIDIA driver (nvidia-smi), then try again",
    };
    DeviceError::Cuda { answer, advice }
}

/// Release of NVIDIA's driver by NVML.
///
/// # Errors
/// There is no NVML, which is possible with a driver too, or it does not answer; in its own words.
pub fn nvidia_driver() -> Result<String, String> {
    let version = nvml_wrapper::Nvml::init().and_then(|nvml| nvml.sys_driver_version());
    version.map_err(|error| error.to_string())
}

fn driver_version() -> String {
    nvidia_driver().unwrap_or_else(|error| format!("unknown ({error})"))
}

fn api_version(api: &Api) -> String {
    let (major, minor) = api.max_version();
    format!("{major}.{minor}")
}

/// Keeps a CUDA context while sessions use it.
struct Context(Arc<CudaContext>);

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CUDA context of GPU {}", self.0.ordinal())
    }
}

/// Valid, empty memory that stands where a CUDA context would.
#[derive(Debug)]
struct Token(Box<[u8; 4096]>);

impl Default for Token {
    fn default() -> Self {
        Self(Box::new([0; 4096]))
    }
}

impl Token {
    fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr().cast_mut().cast()
    }
}
