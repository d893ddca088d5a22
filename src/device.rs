//! Devices: naming, opening and querying them. Only this module names cudarc, and only it knows which device is virtual; to
//! others, every device is a driver's functions and a handle.

mod clocks;
mod cuda;
mod cuda_memory;
mod gpu;
mod host_memory;

use std::ffi::c_void;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use cudarc::driver::CudaContext;

use crate::contract::{Codec, EncoderConfig, EngineKind, PacketSink};
use crate::memory::{DeviceMemory, FrameBytes, HostBuffer};
use crate::nvdec;
use crate::nvdec::engine::{DecodeCaps, DecodeConfig, DecodeEngine};
use crate::nvdec::error::NvdecError;
use crate::nvdec::format::StreamFormat;
use crate::nvenc::api::Api;
use crate::nvenc::encoder::NvencEncoder;
use crate::nvenc::error::NvencError;
use crate::nvenc::session::{DeviceHandle, Session};
use crate::pipeline::{Pipeline, RingSize, Sink};
use crate::record::{DeviceInfo, DeviceKind, GpuState};
use clocks::Clocks;
pub use cuda::gpus;
use cuda_memory::{CudaMemory, CudaReader};
pub use gpu::{Gpu, GpuName};
use host_memory::HostMemory;

/// Between a model and the GPU whose memory it reads.
const ON_CUDA: &str = "+cuda:";

/// A device as the user names it.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceSpec {
    /// `virtual`, `virtual:NAME`, `virtual:key=value,…`
    Virtual(virtual_nvenc::DeviceConfig),
    /// `virtual+cuda:N`, `virtual:NAME+cuda:N`: a modelled encoder that takes frames from the memory of a GPU.
    VirtualOnCuda(virtual_nvenc::DeviceConfig, GpuName),
    /// `cuda:N` or `cuda:UUID`: a GPU that CUDA reports, through the installed driver.
    Cuda(GpuName),
    /// The path of a driver library.
    Library(PathBuf),
}

/// An opened device: sessions can be made on it.
#[derive(Debug)]
pub struct Device {
    engine: EngineHandle,
    info: DeviceInfo,
    emulation: Option<Arc<virtual_nvenc::Device>>,
    clocks: Option<Clocks>,
}

/// The engine that a device was opened for.
#[derive(Debug)]
enum EngineHandle {
    Encoder { api: Arc<Api>, handle: DeviceHandle },
    Decoder { api: Arc<nvdec::api::Api>, memory: Arc<dyn DeviceMemory> },
}

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
    #[error(transparent)]
    Nvenc(#[from] NvencError),
    #[error(transparent)]
    Nvdec(#[from] NvdecError),
}

impl FromStr for DeviceSpec {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let (model, gpu) = match text.split_once(ON_CUDA) {
            Some((model, gpu)) => (model, Some(gpu)),
            None => (text, None),
        };
        let config = model.strip_prefix("virtual:").or((model == "virtual").then_some(""));
        if let Some(config) = config {
            let config = config.parse().map_err(|error| DeviceError::Virtual(format!("{error}")))?;
            return match gpu {
                None => Ok(Self::Virtual(config)),
                Some(gpu) => Ok(Self::VirtualOnCuda(config, gpu.parse()?)),
            };
        }
        if let Some(gpu) = text.strip_prefix("cuda:") {
            return gpu.parse().map(Self::Cuda);
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
            Self::VirtualOnCuda(config, gpu) => write!(f, "virtual:{config}{ON_CUDA}{gpu}"),
            Self::Cuda(gpu) => write!(f, "cuda:{gpu}"),
            Self::Library(path) => write!(f, "{}", path.display()),
        }
    }
}

impl DeviceSpec {
    /// The caller's own work per frame on the modelled computer; 0 for devices that are not modelled.
    pub fn suggested_host_work_us(&self) -> u32 {
        match self {
            Self::Virtual(config) | Self::VirtualOnCuda(config, _) => config.host_work_us,
            Self::Cuda(_) | Self::Library(_) => 0,
        }
    }
}

impl Device {
    /// Opens a device for one of its engines.
    ///
    /// # Errors
    /// The driver, GPU or library is missing, or has no such engine.
    pub fn open_for(spec: &DeviceSpec, engine: EngineKind) -> Result<Self, DeviceError> {
        match engine {
            EngineKind::Nvenc => Self::open(spec),
            EngineKind::Nvdec => Self::open_decoder(spec),
        }
    }

    fn open_decoder(spec: &DeviceSpec) -> Result<Self, DeviceError> {
        let gpu = match spec {
            DeviceSpec::Virtual(config) => return Ok(Self::open_virtual_decoder(config)),
            DeviceSpec::Cuda(gpu) => gpu,
            DeviceSpec::VirtualOnCuda(..) | DeviceSpec::Library(_) => {
                return Err(DeviceError::NoDecoder(spec.to_string()));
            }
        };
        let context = cuda::context(gpu)?;
        let info = DeviceInfo {
            kind: DeviceKind::Cuda,
            name: cuda::guarded(|| context.name())?,
            driver: driver_version(),
            api_version: String::new(),
            engine: EngineKind::Nvdec,
        };
        let clocks = clocks_of(&context);
        let memory = Arc::new(CudaMemory::new(context)?);
        let engine = EngineHandle::Decoder { api: nvdec::api::Api::system()?, memory };
        Ok(Self { engine, info, emulation: None, clocks })
    }

    /// Opens a device for encoding, without an encode session: a GPU without NVENC opens here and fails at the first session.
    ///
    /// # Errors
    /// The driver, GPU or library is missing.
    pub fn open(spec: &DeviceSpec) -> Result<Self, DeviceError> {
        match spec {
            DeviceSpec::Virtual(config) => {
                let emulation = Arc::new(virtual_nvenc::Device::new(config.clone()));
                let memory = Arc::new(HostMemory(Arc::clone(&emulation)));
                Self::open_virtual(spec, emulation, memory)
            }
            DeviceSpec::VirtualOnCuda(config, gpu) => {
                let context = cuda::context(gpu)?;
                let reader = Arc::new(CudaReader::new(Arc::clone(&context))?);
                let emulation = Arc::new(virtual_nvenc::Device::with_reader(config.clone(), reader));
                Self::open_virtual(spec, emulation, Arc::new(CudaMemory::new(context)?))
            }
            DeviceSpec::Cuda(gpu) => {
                let context = cuda::context(gpu)?;
                let name = cuda::guarded(|| context.name())?;
                let api = Api::system()?;
                Self::with_context(api, context, DeviceKind::Cuda, name)
            }
            DeviceSpec::Library(path) => Self::open_library(path),
        }
    }

    fn open_virtual_decoder(config: &virtual_nvenc::DeviceConfig) -> Self {
        let emulation = Arc::new(virtual_nvenc::Device::new(config.clone()));
        let info = DeviceInfo {
            kind: DeviceKind::Virtual,
            name: format!("virtual:{config}"),
            driver: format!("virtual NVDEC {}", env!("CARGO_PKG_VERSION")),
            api_version: String::new(),
            engine: EngineKind::Nvdec,
        };
        let memory = Arc::new(HostMemory(Arc::clone(&emulation)));
        let engine = EngineHandle::Decoder { api: nvdec::api::Api::built_in(), memory };
        Self { engine, info, emulation: Some(emulation), clocks: None }
    }

    fn open_virtual(
        spec: &DeviceSpec,
        emulation: Arc<virtual_nvenc::Device>,
        memory: Arc<dyn DeviceMemory>,
    ) -> Result<Self, DeviceError> {
        let api = Api::built_in()?;
        let info = DeviceInfo {
            kind: DeviceKind::Virtual,
            name: spec.to_string(),
            driver: format!("virtual NVENC {}", env!("CARGO_PKG_VERSION")),
            api_version: api_version(&api),
            engine: EngineKind::Nvenc,
        };
        let engine = EngineHandle::Encoder { api, handle: virtual_handle(&emulation).with_memory(memory) };
        Ok(Self { engine, info, emulation: Some(emulation), clocks: None })
    }

    fn open_library(path: &std::path::Path) -> Result<Self, DeviceError> {
        let api = Api::load(path)?;
        let name = path.display().to_string();
        if let Some(context) = context_for_library()? {
            return Self::with_context(api, context, DeviceKind::Library, name);
        }
        let info = DeviceInfo {
            kind: DeviceKind::Library,
            name,
            driver: "unknown (no CUDA driver)".to_owned(),
            api_version: api_version(&api),
            engine: EngineKind::Nvenc,
        };
        Ok(Self { engine: EngineHandle::Encoder { api, handle: token_handle() }, info, emulation: None, clocks: None })
    }

    fn with_context(
        api: Arc<Api>,
        context: Arc<CudaContext>,
        kind: DeviceKind,
        name: String,
    ) -> Result<Self, DeviceError> {
        let (driver, api_version) = (driver_version(), api_version(&api));
        let info = DeviceInfo { kind, name, driver, api_version, engine: EngineKind::Nvenc };
        let clocks = clocks_of(&context);
        let handle = context_handle(Arc::clone(&context));
        // A library may be a driver that cannot read a GPU's memory: our own virtual one as a library.
        let handle = match kind {
            DeviceKind::Cuda => handle.with_memory(Arc::new(CudaMemory::new(context)?)),
            DeviceKind::Virtual | DeviceKind::Library => handle,
        };
        Ok(Self { engine: EngineHandle::Encoder { api, handle }, info, emulation: None, clocks })
    }

    /// Facts about the device.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Opens an encode session.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn open_session(&self) -> Result<Session, DeviceError> {
        match &self.engine {
            EngineHandle::Encoder { api, handle } => Ok(Session::open(Arc::clone(api), handle.clone())?),
            EngineHandle::Decoder { .. } => Err(DeviceError::WrongEngine { opened: "decoding", asked: "encoding" }),
        }
    }

    /// Opens a session and creates an encoder in it.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn encoder(&self, config: &EncoderConfig, sink: PacketSink) -> Result<NvencEncoder, DeviceError> {
        Ok(NvencEncoder::new(self.open_session()?, config, sink)?)
    }

    /// What the device decodes: 4:2:0 of 8, 10 and 12 bits, codec by codec.
    ///
    /// # Errors
    /// The driver does not answer, or the device was not opened for decoding.
    pub fn decode_caps(&self) -> Result<Vec<DecodeCaps>, DeviceError> {
        let (api, memory) = self.decoder_api()?;
        memory.bind().map_err(NvdecError::from)?;
        let mut found = Vec::new();
        for codec in Codec::ALL {
            for bits in [8, 10, 12] {
                found.extend(nvdec::engine::caps(api, codec, bits)?);
            }
        }
        Ok(found)
    }

    /// What the driver's parser says of a stream that begins with these access units.
    ///
    /// # Errors
    /// There is no stream of that codec in them.
    pub fn stream_format<'a>(
        &self,
        codec: Codec,
        units: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<StreamFormat, DeviceError> {
        let (api, memory) = self.decoder_api()?;
        memory.bind().map_err(NvdecError::from)?;
        Ok(nvdec::engine::stream_format(api, codec, units)?)
    }

    /// Makes a decoder, and begins a run on it. Frames must be submitted by the calling thread.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn decoder(
        &self,
        config: &DecodeConfig,
        sink: Sink<DecodeEngine>,
    ) -> Result<Pipeline<DecodeEngine>, DeviceError> {
        let (api, memory) = self.decoder_api()?;
        let engine = DecodeEngine::new(Arc::clone(api), Arc::clone(memory), config)?;
        let tuning = config.tuning;
        let size = RingSize { threshold: tuning.reap_threshold, pool: engine.num_surfaces(), held: 0 };
        Ok(Pipeline::new(engine, size, tuning.lock, config.expected_frames, sink)?)
    }

    fn decoder_api(&self) -> Result<(&Arc<nvdec::api::Api>, &Arc<dyn DeviceMemory>), DeviceError> {
        match &self.engine {
            EngineHandle::Decoder { api, memory } => Ok((api, memory)),
            EngineHandle::Encoder { .. } => Err(DeviceError::WrongEngine { opened: "encoding", asked: "decoding" }),
        }
    }

    /// A frame moved to where the GPU can copy it from without a detour.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn pinned(&self, frame: &[u8]) -> Result<FrameBytes, DeviceError> {
        let memory = match &self.engine {
            EngineHandle::Encoder { handle, .. } => handle.memory().ok_or(NvencError::NoMemory)?,
            EngineHandle::Decoder { memory, .. } => memory,
        };
        let buffer = memory.host_buffer(frame.len()).map_err(NvencError::from)?;
        // SAFETY: the buffer has so many bytes, and nobody else knows of it yet.
        unsafe { std::ptr::copy_nonoverlapping(frame.as_ptr(), buffer.raw().0, frame.len()) };
        Ok(Box::new(PinnedFrame { buffer, num_bytes: frame.len() }))
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

/// What the driver of this device takes for it, without the driver itself.
///
/// # Errors
/// There is no such GPU, or CUDA fails.
pub fn handle(spec: &DeviceSpec) -> Result<DeviceHandle, DeviceError> {
    Ok(match spec {
        DeviceSpec::Virtual(config) | DeviceSpec::VirtualOnCuda(config, _) => {
            virtual_handle(&Arc::new(virtual_nvenc::Device::new(config.clone())))
        }
        DeviceSpec::Cuda(gpu) => context_handle(cuda::context(gpu)?),
        DeviceSpec::Library(_) => context_for_library()?.map_or_else(token_handle, context_handle),
    })
}

/// A library gets a CUDA context where there is one. Where there is none it cannot be NVIDIA's own driver, which needs
/// CUDA itself; another one gets a handle that points at valid, empty memory.
fn context_for_library() -> Result<Option<Arc<CudaContext>>, DeviceError> {
    match cuda::context(&GpuName::Ordinal(0)) {
        Ok(context) => Ok(Some(context)),
        Err(DeviceError::NoCuda { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn virtual_handle(emulation: &Arc<virtual_nvenc::Device>) -> DeviceHandle {
    // SAFETY: the virtual driver looks its devices up by this value and never follows it.
    unsafe { DeviceHandle::new(emulation.as_ptr(), emulation.clone()) }
}

fn context_handle(context: Arc<CudaContext>) -> DeviceHandle {
    // SAFETY: a CUDA context is what NVENC takes for a device, and `Context` keeps it.
    unsafe { DeviceHandle::new(context.cu_ctx().cast(), Arc::new(Context(context))) }
}

fn token_handle() -> DeviceHandle {
    let token = Arc::new(Token::default());
    // SAFETY: a driver on a machine without CUDA can only compare this value, or look at the zeros it points at.
    unsafe { DeviceHandle::new(token.as_ptr(), token) }
}

/// A GPU's clocks, throttling and temperature now, whether or not it can encode; `None` where it does not report them.
pub fn gpu_state(gpu: &Gpu) -> Option<GpuState> {
    Clocks::of(&gpu.uuid)?.read()
}

fn clocks_of(context: &CudaContext) -> Option<Clocks> {
    Clocks::of(&cuda::uuid_text(context.uuid().ok()?))
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

/// A frame in memory that a GPU can copy from.
struct PinnedFrame {
    buffer: Arc<dyn HostBuffer>,
    num_bytes: usize,
}

impl AsRef<[u8]> for PinnedFrame {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the buffer has so many bytes, which were written when the frame was made and never since.
        unsafe { std::slice::from_raw_parts(self.buffer.raw().0, self.num_bytes) }
    }
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
