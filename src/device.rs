//! Devices: naming, opening and querying them. Only this module names cudarc, and only it knows which device is virtual; to
//! others, every device is a driver's functions and a handle.

mod card;
mod cuda;
mod cuda_memory;
mod cuda_nv12;
mod error;
mod gpu;
mod handles;
mod host_memory;
mod nv12;
mod spec;
mod telemetry;

use std::sync::Arc;
use std::time::Instant;

use cudarc::driver::CudaContext;

use crate::calls::{self, Call};
use crate::contract::{Codec, EncoderConfig, EngineKind, PacketSink, Tuning};
use crate::memory::{DeviceMemory, FrameBytes, FramePool, HostBuffer};
use crate::nvdec;
use crate::nvdec::engine::{DecodeCaps, DecodeConfig, DecodeEngine};
use crate::nvdec::error::NvdecError;
use crate::nvdec::format::StreamFormat;
use crate::nvenc::api::Api;
use crate::nvenc::encoder::NvencEncoder;
use crate::nvenc::engine::EncodeEngine;
use crate::nvenc::error::NvencError;
use crate::nvenc::session::{DeviceHandle, Session};
use crate::pipeline::{Pipeline, RingSize, Sink};
use crate::record::{CardIdentity, DeviceInfo, DeviceKind, EncodeSettings, GpuState};
use crate::transcode::{DecodeRingSize, Transcoder};
pub use cuda::gpus;
use cuda_memory::{CudaMemory, CudaReader};
pub use error::DeviceError;
pub use gpu::{Gpu, GpuName};
pub use handles::handle;
use handles::{context_for_library, context_handle, token_handle, virtual_handle};
use host_memory::HostMemory;
pub use spec::DeviceSpec;
use telemetry::Instruments;
pub use telemetry::{LockedClock, TelemetryWatch, release_clock, unlock_all_clocks};

/// An opened device: sessions can be made on it.
#[derive(Debug)]
pub struct Device {
    encoder: Option<EncoderHandle>,
    decoder: Option<DecoderHandle>,
    info: DeviceInfo,
    emulation: Option<Arc<virtual_nvenc::Device>>,
    instruments: Option<Arc<Instruments>>,
}

/// The encoder that a device was opened for.
#[derive(Debug)]
struct EncoderHandle {
    api: Arc<Api>,
    handle: DeviceHandle,
}

/// The decoder that a device was opened for.
#[derive(Debug)]
struct DecoderHandle {
    api: Arc<nvdec::api::Api>,
    memory: Arc<dyn DeviceMemory>,
}

impl Device {
    /// Opens a device for one of its engines.
    ///
    /// # Errors
    /// The driver, GPU or library is missing, or has no such engine.
    pub fn open_for(spec: &DeviceSpec, engine: EngineKind) -> Result<Self, DeviceError> {
        let _call = calls::enter(Call::OpenDevice);
        match engine {
            EngineKind::Nvenc => Self::open(spec),
            EngineKind::Nvdec => Self::open_decoder(spec),
            EngineKind::Transcode => Self::open_both(spec),
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
        let instruments = instruments_of(&context);
        let info = DeviceInfo {
            kind: DeviceKind::Cuda,
            name: cuda::guarded(|| context.name())?,
            driver: driver_version(),
            api_version: String::new(),
            engine: EngineKind::Nvdec,
            card: card_of(&context, instruments.as_deref()),
        };
        let decoder = DecoderHandle { api: nvdec::api::Api::system()?, memory: Arc::new(CudaMemory::new(context)?) };
        Ok(Self { encoder: None, decoder: Some(decoder), info, emulation: None, instruments })
    }

    /// The decoder beside the encoder. Both use the encoder's memory of the device, so that no frame leaves it.
    fn open_both(spec: &DeviceSpec) -> Result<Self, DeviceError> {
        let mut device = Self::open(spec)?;
        let gpu = match spec {
            DeviceSpec::Virtual(config) => {
                let Self { decoder, info, .. } = Self::open_virtual_decoder(config);
                device.info.driver = format!("{} to {}", info.driver, device.info.driver);
                device.info.engine = EngineKind::Transcode;
                return Ok(Self { decoder, ..device });
            }
            DeviceSpec::VirtualOnCuda(_, gpu) | DeviceSpec::Cuda(gpu) => gpu,
            DeviceSpec::Library(_) => return Err(DeviceError::NoDecoder(spec.to_string())),
        };
        let memory = device.memory().cloned().ok_or(NvencError::NoMemory)?;
        if device.emulation.is_some() {
            let context = cuda::context(gpu)?;
            let name = cuda::guarded(|| context.name())?;
            device.info.driver = format!("NVDEC of {name} ({}) to {}", driver_version(), device.info.driver);
            device.instruments = instruments_of(&context);
            device.info.card = card_of(&context, device.instruments.as_deref());
        }
        device.info.engine = EngineKind::Transcode;
        Ok(Self { decoder: Some(DecoderHandle { api: nvdec::api::Api::system()?, memory }), ..device })
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
            card: None,
        };
        let memory = Arc::new(HostMemory(Arc::clone(&emulation)));
        let decoder = Some(DecoderHandle { api: nvdec::api::Api::built_in(), memory });
        let instruments = Instruments::of_model(&emulation).map(Arc::new);
        Self { encoder: None, decoder, info, emulation: Some(emulation), instruments }
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
            card: None,
        };
        let encoder = Some(EncoderHandle { api, handle: virtual_handle(&emulation).with_memory(memory) });
        let instruments = Instruments::of_model(&emulation).map(Arc::new);
        Ok(Self { encoder, decoder: None, info, emulation: Some(emulation), instruments })
    }

    fn open_library(path: &std::path::Path) -> Result<Self, DeviceError> {
        let api = Api::load(path)?;
        let name = path.display().to_string();
        if let Some(context) = context_for_library()? {
            return Self::with_context(api, context, DeviceKind::Library, name);
        }
        let instruments = Instruments::beside(path).map(Arc::new);
        let info = DeviceInfo {
            kind: DeviceKind::Library,
            name,
            driver: "unknown (no CUDA driver)".to_owned(),
            api_version: api_version(&api),
            engine: EngineKind::Nvenc,
            card: instruments.as_deref().and_then(Instruments::card),
        };
        let encoder = Some(EncoderHandle { api, handle: token_handle() });
        Ok(Self { encoder, decoder: None, info, emulation: None, instruments })
    }

    fn with_context(
        api: Arc<Api>,
        context: Arc<CudaContext>,
        kind: DeviceKind,
        name: String,
    ) -> Result<Self, DeviceError> {
        let (driver, api_version) = (driver_version(), api_version(&api));
        let instruments = instruments_of(&context);
        let card = card_of(&context, instruments.as_deref());
        let info = DeviceInfo { kind, name, driver, api_version, engine: EngineKind::Nvenc, card };
        let handle = context_handle(Arc::clone(&context));
        // A library may be a driver that cannot read a GPU's memory: our own virtual one as a library.
        let handle = match kind {
            DeviceKind::Cuda => handle.with_memory(Arc::new(CudaMemory::new(context)?)),
            DeviceKind::Virtual | DeviceKind::Library => handle,
        };
        Ok(Self { encoder: Some(EncoderHandle { api, handle }), decoder: None, info, emulation: None, instruments })
    }

    /// Facts about the device.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// The same device through another driver's functions: for tests, whose driver is the virtual one with some entries replaced.
    pub fn through(mut self, api: Arc<Api>) -> Self {
        if let Some(encoder) = &mut self.encoder {
            encoder.api = api;
        }
        self
    }

    /// Opens an encode session.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn open_session(&self) -> Result<Session, DeviceError> {
        let EncoderHandle { api, handle } = self.encoder_handle()?;
        Ok(Session::open(Arc::clone(api), handle.clone())?)
    }

    /// How an encoder is set up for `config`: the preset as the driver resolves it, with what the configuration changes.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn encode_settings(&self, config: &EncoderConfig) -> Result<EncodeSettings, DeviceError> {
        Ok(self.open_session()?.settings(config)?)
    }

    /// Opens a session and creates an encoder in it.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn encoder(&self, config: &EncoderConfig, sink: PacketSink) -> Result<NvencEncoder, DeviceError> {
        Ok(NvencEncoder::new(self.open_session()?, config, sink)?)
    }

    /// Opens a session and sets an encoder up in it, with `pool` buffer pairs and no ring around it: for asking the driver about
    /// itself.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn encode_engine(&self, config: &EncoderConfig, pool: u32) -> Result<EncodeEngine, DeviceError> {
        Ok(EncodeEngine::bare(self.open_session()?, config, pool)?)
    }

    /// What the device decodes: 4:2:0 of 8, 10 and 12 bits, codec by codec.
    ///
    /// # Errors
    /// The driver does not answer, or the device was not opened for decoding.
    pub fn decode_caps(&self) -> Result<Vec<DecodeCaps>, DeviceError> {
        let DecoderHandle { api, memory } = self.decoder_handle()?;
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
        let DecoderHandle { api, memory } = self.decoder_handle()?;
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
        let engine = self.decode_engine(config)?;
        let tuning = config.tuning;
        let size = RingSize { threshold: tuning.reap_threshold, pool: engine.num_surfaces(), held: 0 };
        Ok(Pipeline::new(engine, size, tuning.lock, config.expected_frames, sink)?)
    }

    /// Makes a decoder and an encoder that takes its frames, and begins a run on both. Access units must be submitted by the
    /// calling thread.
    ///
    /// # Errors
    /// Either driver refuses.
    pub fn transcoder(
        &self,
        decode: &DecodeConfig,
        encode: &EncoderConfig,
        sink: PacketSink,
    ) -> Result<Transcoder, DeviceError> {
        let decoder = self.decode_engine(decode)?;
        let (row_bytes, rows) = decode.format.rows();
        // Beside those that the encoder holds: with B-frames, those that come back later than they went in; and the one on its
        // way from one engine to the other.
        let num = encode.tuning.pool_size(encode.held()) + encode.held() + 1;
        let memory = self.memory().ok_or(NvencError::NoMemory)?;
        let frames = FramePool::new(&**memory, row_bytes, rows, num).map_err(NvencError::from)?;
        let frames = Arc::new(frames);
        let encoder = NvencEncoder::new_on(self.open_session()?, encode, Arc::clone(&frames), sink)?;
        let Tuning { reap_threshold, lock, .. } = decode.tuning;
        let ring = DecodeRingSize { threshold: reap_threshold, lock, expected_frames: decode.expected_frames };
        Ok(Transcoder::new(decoder, ring, encoder, frames)?)
    }

    /// Makes a decoder with no ring around it.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn decode_engine(&self, config: &DecodeConfig) -> Result<DecodeEngine, DeviceError> {
        let DecoderHandle { api, memory } = self.decoder_handle()?;
        Ok(DecodeEngine::new(Arc::clone(api), Arc::clone(memory), config)?)
    }

    fn encoder_handle(&self) -> Result<&EncoderHandle, DeviceError> {
        self.encoder.as_ref().ok_or(DeviceError::WrongEngine { opened: "decoding", asked: "encoding" })
    }

    fn decoder_handle(&self) -> Result<&DecoderHandle, DeviceError> {
        self.decoder.as_ref().ok_or(DeviceError::WrongEngine { opened: "encoding", asked: "decoding" })
    }

    /// The device's memory; `None`: nothing can be put there.
    pub fn memory(&self) -> Option<&Arc<dyn DeviceMemory>> {
        match (&self.decoder, &self.encoder) {
            (Some(decoder), _) => Some(&decoder.memory),
            (None, Some(encoder)) => encoder.handle.memory(),
            (None, None) => None,
        }
    }

    /// A frame moved to where the GPU can copy it from without a detour.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn pinned(&self, frame: &[u8]) -> Result<FrameBytes, DeviceError> {
        let memory = self.memory().ok_or(NvencError::NoMemory)?;
        let buffer = memory.host_buffer(frame.len()).map_err(NvencError::from)?;
        // SAFETY: the buffer has so many bytes, and nobody else knows of it yet.
        unsafe { std::ptr::copy_nonoverlapping(frame.as_ptr(), buffer.raw().0, frame.len()) };
        Ok(Box::new(PinnedFrame { buffer, num_bytes: frame.len() }))
    }

    /// The GPU's clocks, throttling and temperature now; `None` without a GPU, or where it does not report them.
    pub fn gpu_state(&self) -> Option<GpuState> {
        self.instruments.as_ref().and_then(|instruments| instruments.state())
    }

    /// Clock of the video engines now; `None` where nobody can read it.
    pub fn video_mhz(&self) -> Option<u32> {
        self.instruments.as_ref()?.video_mhz()
    }

    /// Reads the instruments from now on, on a thread of its own; `None` where there are none.
    pub fn watch_telemetry(&self) -> Option<TelemetryWatch> {
        self.instruments.as_ref().and_then(Instruments::watch)
    }

    /// Sets the GPU's clock until the answer is dropped.
    ///
    /// # Errors
    /// There is no way to, or the driver refuses.
    pub fn lock_clock(&self, mhz: u32) -> Result<LockedClock, DeviceError> {
        let instruments = self.instruments.as_ref();
        instruments.ok_or_else(|| DeviceError::NoInstruments(self.info.to_string()))?.lock_clock(mhz)
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

/// A GPU's clocks, throttling and temperature now, whether or not it can encode; `None` where it does not report them.
pub fn gpu_state(gpu: &Gpu) -> Option<GpuState> {
    Instruments::of_gpu(&gpu.uuid)?.state()
}

fn instruments_of(context: &CudaContext) -> Option<Arc<Instruments>> {
    Instruments::of_gpu(&cuda::uuid_text(context.uuid().ok()?)).map(Arc::new)
}

/// Which card it is; without NVML by its UUID alone.
fn card_of(context: &CudaContext, instruments: Option<&Instruments>) -> Option<CardIdentity> {
    let by_uuid = || Some(CardIdentity { uuid: cuda::uuid_text(context.uuid().ok()?), ..CardIdentity::default() });
    instruments.and_then(Instruments::card).or_else(by_uuid)
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
