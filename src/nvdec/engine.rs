//! The driver's decoder as an engine: one access unit in, one frame out, in display order. A unit may hold hidden pictures
//! too, or none but the order to show one again.
//!
//! Submitting is cuvidDecodePicture, taking back is cuvidMapVideoFrame64, the parser's display callback is the ready gate,
//! and its surfaces are the pool. Knows no threshold.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moq_nvenc::sys::cuviddec::CUVIDPICPARAMS;
use moq_nvenc::sys::nvcuvid::CUVIDPARSERDISPINFO;

use super::api::Api;
use super::decoder::{Decoder, MappedFrame, Progress};
use super::error::NvdecError;
use super::format::StreamFormat;
use super::parser::{Listener, Parser};
use crate::contract::{Codec, PictureKind, Tuning};
use crate::memory::{DeviceMemory, DeviceRows, FramePool, HostBuffer, MemoryError};
use crate::pipeline::engine::{Engine, Frame, InputTimes, Ready, Submitted, Taken};

pub use super::decoder::DecodeCaps;

/// How long a surface that another thread is to give back is waited for.
const SURFACE_LIMIT: Duration = Duration::from_secs(5);
const SURFACE_PAUSE: Duration = Duration::from_micros(20);

/// How a decoder is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeConfig {
    /// What the driver's parser said of the stream.
    pub format: StreamFormat,
    /// The in-flight ring.
    pub tuning: Tuning,
    /// Is every frame copied to host memory?
    pub copies_out: bool,
    /// Number of frames the caller expects to submit, for which room is allocated.
    pub expected_frames: usize,
}

/// NVDEC as an engine.
pub struct DecodeEngine {
    decoder: Arc<Decoder>,
    parser: Mutex<Parser<Submitter>>,
    shown: Arc<Shown>,
    copies: Copies,
}

/// Where frames are copied to before they are given back.
enum Copies {
    /// Nowhere.
    None,
    /// To host memory, into buffers that are used again.
    Host(Mutex<Vec<Arc<dyn HostBuffer>>>),
    /// To other memory of the device, from which somebody else takes them, by their number in the order of coming back.
    Device(Arc<FramePool>),
}

/// Frames that the parser has announced and nobody has given back yet.
struct Shown {
    queue: Mutex<VecDeque<Announced>>,
    /// By surface: how often it is announced and not given back. More than once where a picture is shown again.
    in_flight: Vec<AtomicU32>,
}

#[derive(Debug, Clone, Copy)]
struct Announced {
    surface: u32,
    pts: u64,
    unit: Unit,
}

/// What is known of a picture when it is submitted.
#[derive(Debug, Clone, Copy)]
struct Unit {
    num_bytes: u32,
    kind: PictureKind,
}

/// Hears the parser during a run: decodes pictures, and queues the frames.
struct Submitter {
    decoder: Arc<Decoder>,
    shown: Arc<Shown>,
    /// Does another thread give surfaces back?
    is_served: bool,
    /// The unit that is being parsed.
    pts: u64,
    num_bytes: u32,
    units: Vec<Unit>,
    heard: Heard,
}

/// What happened while one unit was parsed.
#[derive(Debug, Default)]
struct Heard {
    call_at: Option<Instant>,
    call_ns: u64,
    blocked_ns: u64,
    num_shown: u64,
    error: Option<NvdecError>,
}

/// The stream's format, from its first access units.
///
/// # Errors
/// As the driver's parser says.
pub fn stream_format<'a>(
    api: &Arc<Api>,
    codec: Codec,
    units: impl IntoIterator<Item = &'a [u8]>,
) -> Result<StreamFormat, NvdecError> {
    super::parser::format_of(api, codec, units)
}

/// What a device can decode of one codec at so many bits; `None`: nothing. The device's context must be current.
///
/// # Errors
/// What the driver answers.
pub fn caps(api: &Api, codec: Codec, bits: u32) -> Result<Option<DecodeCaps>, NvdecError> {
    super::decoder::caps(api, codec, bits)
}

impl DecodeEngine {
    /// A decoder and a parser for one run. Submissions must come from the calling thread, on which the device's context is
    /// made current.
    ///
    /// # Errors
    /// What the device cannot do, or what the driver answers.
    pub fn new(api: Arc<Api>, memory: Arc<dyn DeviceMemory>, config: &DecodeConfig) -> Result<Self, NvdecError> {
        memory.bind()?;
        let pool = config.tuning.pool_size(0);
        let decoder = Arc::new(Decoder::new(Arc::clone(&api), Arc::clone(&memory), config.format, pool)?);
        let num_surfaces = decoder.num_surfaces as usize;
        let shown = Arc::new(Shown {
            queue: Mutex::new(VecDeque::with_capacity(num_surfaces)),
            in_flight: (0..num_surfaces).map(|_| AtomicU32::new(0)).collect(),
        });
        let submitter = Submitter {
            decoder: Arc::clone(&decoder),
            shown: Arc::clone(&shown),
            is_served: config.tuning.lock.has_own_thread(),
            pts: 0,
            num_bytes: 0,
            units: vec![Unit { num_bytes: 0, kind: PictureKind::Other }; num_surfaces],
            heard: Heard::default(),
        };
        let parser = Mutex::new(Parser::new(api, config.format.codec, submitter)?);
        let copies = match config.copies_out {
            false => Copies::None,
            true => Copies::Host(Mutex::new(vec![memory.host_buffer(config.format.frame_bytes())?])),
        };
        Ok(Self { decoder, parser, shown, copies })
    }

    /// The same, with every frame copied to `frames`.
    pub fn into_pool(self, frames: Arc<FramePool>) -> Self {
        Self { copies: Copies::Device(frames), ..self }
    }

    /// Surfaces, which is the most frames that can be in flight.
    pub fn num_surfaces(&self) -> u32 {
        self.decoder.num_surfaces
    }

    /// A buffer that no receiver holds any more.
    fn free_buffer(&self, buffers: &Mutex<Vec<Arc<dyn HostBuffer>>>) -> Result<Arc<dyn HostBuffer>, MemoryError> {
        let mut buffers = buffers.lock().unwrap_or_else(PoisonError::into_inner);
        for buffer in buffers.iter_mut() {
            if Arc::get_mut(buffer).is_some() {
                return Ok(Arc::clone(buffer));
            }
        }
        let another = self.decoder.memory.host_buffer(self.decoder.format.frame_bytes())?;
        buffers.push(Arc::clone(&another));
        Ok(another)
    }
}

impl Engine for DecodeEngine {
    type Error = NvdecError;
    type Uploaded = ();
    type Taken<'a> = TakenFrame<'a>;
    type Data = DecodedFrame;

    fn room(&self) -> DecodedFrame {
        DecodedFrame { copy: None }
    }

    fn enter_thread(&self) -> Result<(), NvdecError> {
        Ok(self.decoder.memory.bind()?)
    }

    /// The driver's parser reads the caller's memory.
    fn upload(&self, _: u64, _: &Frame<'_>) -> Result<(), NvdecError> {
        Ok(())
    }

    fn submit(&self, _: u64, frame: &Frame<'_>, (): ()) -> Result<Submitted, NvdecError> {
        let mut parser = self.parser.lock().unwrap_or_else(PoisonError::into_inner);
        let submitter = parser.listener();
        (submitter.pts, submitter.num_bytes) = (frame.pts, u32::try_from(frame.data.len()).unwrap_or(u32::MAX));
        let began = Instant::now();
        let parsed = parser.parse(frame.data, frame.pts);
        let whole_ns = nanos(began.elapsed());
        let heard = std::mem::take(&mut parser.listener().heard);
        // Where a callback stopped the parser, its reason says more than the parser's answer.
        heard.error.map_or(parsed, Err)?;
        Ok(Submitted {
            call_at: heard.call_at.unwrap_or(began),
            call_ns: heard.call_ns,
            preparation_ns: whole_ns.saturating_sub(heard.call_ns + heard.blocked_ns),
            blocked_ns: heard.blocked_ns,
            input: InputTimes::default(),
            ready: Ready::More(heard.num_shown),
        })
    }

    fn end_of_stream(&self) -> Result<(), NvdecError> {
        let mut parser = self.parser.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = parser.end();
        std::mem::take(&mut parser.listener().heard).error.map_or(ended, Err)
    }

    /// A parser that was told the end goes on with the next key frame, as after a seek.
    fn flush(&self) -> Result<bool, NvdecError> {
        self.end_of_stream().map(|()| true)
    }

    fn take_back(&self, idx: u64, wait: bool) -> Result<Option<TakenFrame<'_>>, NvdecError> {
        let front = self.shown.queue().front().copied();
        // The ring takes back as many frames as went in; a hidden one never comes.
        let announced = front.ok_or(NvdecError::Missing { submitted: idx + 1, returned: idx })?;
        let corrupt = NvdecError::Corrupt { frame: announced.pts };
        if !wait {
            match self.decoder.progress(announced.surface)? {
                Progress::Running => return Ok(None),
                Progress::Unknown => return Err(NvdecError::NoStatus { codec: self.decoder.format.codec }),
                Progress::Failed => return Err(corrupt),
                Progress::Done => {}
            }
        }
        let mapped = self.decoder.map(announced.surface)?;
        let taken = TakenFrame { engine: self, idx, announced, mapped };
        // A map that waited does not say whether the picture came out well.
        if wait && self.decoder.progress(announced.surface)? == Progress::Failed {
            return Err(corrupt);
        }
        Ok(Some(taken))
    }
}

impl Shown {
    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Announced>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_in_flight(&self, surface: u32) -> bool {
        self.in_flight.get(surface as usize).is_some_and(|num| num.load(Ordering::Acquire) > 0)
    }

    fn announce(&self, announced: Announced) {
        if let Some(num) = self.in_flight.get(announced.surface as usize) {
            num.fetch_add(1, Ordering::Release);
        }
        self.queue().push_back(announced);
    }

    /// The oldest frame was given back.
    fn give_back(&self, surface: u32) {
        self.queue().pop_front();
        if let Some(num) = self.in_flight.get(surface as usize) {
            num.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Submitter {
    /// The parser knows nothing of frames that it has announced: it may choose a surface that is still in flight.
    fn wait_for_surface(&mut self, surface: u32) -> Result<(), NvdecError> {
        if !self.shown.is_in_flight(surface) {
            return Ok(());
        }
        let start = Instant::now();
        while self.shown.is_in_flight(surface) {
            if !self.is_served || start.elapsed() > SURFACE_LIMIT {
                return Err(NvdecError::SurfaceInFlight { frame: self.pts, surface });
            }
            std::thread::sleep(SURFACE_PAUSE);
        }
        self.heard.blocked_ns += nanos(start.elapsed());
        Ok(())
    }

    fn submit(&mut self, params: &mut CUVIDPICPARAMS) -> Result<(), NvdecError> {
        let surface = u32::try_from(params.CurrPicIdx).unwrap_or(u32::MAX);
        self.wait_for_surface(surface)?;
        let kind = if params.intra_pic_flag != 0 { PictureKind::I } else { PictureKind::Other };
        if let Some(unit) = self.units.get_mut(surface as usize) {
            *unit = Unit { num_bytes: self.num_bytes, kind };
        }
        let call_at = Instant::now();
        let answer = self.decoder.decode(params);
        self.heard.call_ns += nanos(call_at.elapsed());
        self.heard.call_at.get_or_insert(call_at);
        answer
    }

    /// Keeps the first error; says whether to go on.
    fn goes_on(&mut self, result: Result<(), NvdecError>) -> bool {
        let goes_on = result.is_ok();
        if let Err(error) = result {
            self.heard.error.get_or_insert(error);
        }
        goes_on
    }
}

impl Listener for Submitter {
    fn sequence(&mut self, format: StreamFormat) -> u32 {
        let made_for = self.decoder.format;
        if made_for.is_served_like(&format) {
            return self.decoder.num_surfaces;
        }
        let changed = NvdecError::Changed { frame: self.pts, from: made_for.to_string(), to: format.to_string() };
        self.heard.error.get_or_insert(changed);
        0
    }

    fn picture(&mut self, params: &mut CUVIDPICPARAMS) -> bool {
        let submitted = self.submit(params);
        self.goes_on(submitted)
    }

    fn frame(&mut self, shown: &CUVIDPARSERDISPINFO) -> bool {
        let surface = u32::try_from(shown.picture_index).unwrap_or(u32::MAX);
        let unit = self.units.get(surface as usize).copied();
        let Some(mut unit) = unit else { return self.goes_on(Err(NvdecError::Corrupt { frame: self.pts })) };
        let pts = shown.timestamp as u64;
        // A picture that waited for its order came with an earlier unit; one that is shown again counts for this one.
        if pts == self.pts {
            unit.num_bytes = self.num_bytes;
        }
        self.shown.announce(Announced { surface, pts, unit });
        self.heard.num_shown += 1;
        true
    }
}

/// A decoded frame that is mapped.
pub struct TakenFrame<'a> {
    engine: &'a DecodeEngine,
    /// In the order of coming back.
    idx: u64,
    announced: Announced,
    mapped: MappedFrame,
}

/// A decoded frame as its receiver gets it.
#[derive(Debug, Clone)]
pub struct DecodedFrame {
    copy: Option<(Arc<dyn HostBuffer>, usize)>,
}

impl DecodedFrame {
    /// Its samples, plane after plane without gaps; `None` if it was not copied to host memory.
    pub fn data(&self) -> Option<&[u8]> {
        let (buffer, num_bytes) = self.copy.as_ref()?;
        let (at, room_bytes) = buffer.raw();
        // SAFETY: the buffer lives as long as `self` holds it, and is written only while nobody but its pool does.
        Some(unsafe { std::slice::from_raw_parts(at, (*num_bytes).min(room_bytes)) })
    }
}

impl TakenFrame<'_> {
    /// The rows of its planes, which are mapped until it is released.
    fn rows(&self) -> DeviceRows {
        let MappedFrame { at, pitch_bytes } = self.mapped;
        let (row_bytes, num_rows) = self.engine.decoder.format.rows();
        DeviceRows { at, pitch_bytes, row_bytes, num_rows }
    }

    fn copy_out(&self, into: &dyn HostBuffer) -> Result<(), NvdecError> {
        // SAFETY: the frame is mapped; the buffer was made for such a frame (`frame_bytes`), and is held by its pool and this
        // call alone.
        Ok(unsafe { self.engine.decoder.memory.copy_out(self.rows(), into) }?)
    }

    fn copy_to(&self, frames: &FramePool) -> Result<(), NvdecError> {
        let memory = &self.engine.decoder.memory;
        let buffer = frames.take(self.idx).ok_or(NvdecError::NoFreeFrame { frame: self.idx })?;
        // SAFETY: the frame is mapped; the pool was made for such frames, and nobody else uses this buffer until it is given
        // back.
        let queued = unsafe { memory.copy_within(self.rows(), buffer.at(), buffer.pitch_bytes()) };
        // Whoever takes it next may be another engine, which knows nothing of this stream.
        Ok(queued.and_then(|()| memory.wait())?)
    }
}

impl Taken for TakenFrame<'_> {
    type Error = NvdecError;
    type Data = DecodedFrame;

    fn pts(&self) -> u64 {
        self.announced.pts
    }

    fn kind(&self) -> PictureKind {
        self.announced.unit.kind
    }

    /// The number of bytes is that of the access unit, as it is for an encoder's packet.
    fn copy(&mut self, into: &mut DecodedFrame) -> Result<usize, NvdecError> {
        // What the last frame was copied to is free now, unless its receiver has kept it.
        into.copy = None;
        into.copy = match &self.engine.copies {
            Copies::None => None,
            Copies::Host(buffers) => {
                let buffer = self.engine.free_buffer(buffers)?;
                self.copy_out(&*buffer)?;
                Some((buffer, self.engine.decoder.format.frame_bytes()))
            }
            Copies::Device(frames) => {
                self.copy_to(frames)?;
                None
            }
        };
        Ok(self.announced.unit.num_bytes as usize)
    }

    fn release(self) -> Result<u64, NvdecError> {
        let this = std::mem::ManuallyDrop::new(self);
        this.give_back().map(|()| 0)
    }
}

impl TakenFrame<'_> {
    fn give_back(&self) -> Result<(), NvdecError> {
        let unmapped = self.engine.decoder.unmap(self.mapped);
        self.engine.shown.give_back(self.announced.surface);
        unmapped
    }
}

impl Drop for TakenFrame<'_> {
    /// Only on the way out of an error: the decoder could otherwise not be destroyed in order.
    fn drop(&mut self) {
        let _ = self.give_back();
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
