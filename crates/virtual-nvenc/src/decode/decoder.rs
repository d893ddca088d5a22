//! cuvidGetDecoderCaps, cuvidCreateDecoder, cuvidDecodePicture, cuvidGetDecodeStatus, cuvidMapVideoFrame64 and their
//! counterparts. A frame is flat grey, and its first eight bytes say how many pictures were decoded before it.

use std::ffi::{c_int, c_uint, c_ulong, c_ulonglong};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moq_nvenc::sys::cuviddec::{
    CUVIDDECODECAPS, CUVIDDECODECREATEINFO, CUVIDGETDECODESTATUS, CUVIDPICPARAMS, CUVIDPROCPARAMS, CUvideodecoder,
    cudaVideoChromaFormat, cuvidDecodeStatus,
};

use super::codec::Codec;
use super::{answer, current};
use crate::clock;
use crate::device::{Model, Seat};
use crate::engine::{Service, lock_returns_ns};
use crate::handles::{Handle, Registry};
use crate::queue::DriverQueue;
use crate::session::turns::Turns;

static DECODERS: Registry<Decoder> = Registry::new();

const MAX_SIDE: u32 = 8192;
const MIN_SIDE: u32 = 48;
const GREY: u8 = 128;
/// Rows of a frame begin at multiples of it.
const PITCH_BYTES: usize = 256;

struct Decoder {
    model: Arc<Model>,
    seat: Seat,
    codec: Codec,
    service: Service,
    frame: (usize, usize),
    state: Mutex<State>,
    /// Held by a map that waits and by each submission, where the device's locks hold the session.
    holding: Turns,
}

struct State {
    /// By surface: when its picture is done, and which it is.
    surfaces: Vec<Option<Decoded>>,
    num_pictures: u64,
    queue: DriverQueue,
    /// Memory of mapped frames; `None`: free.
    outputs: Vec<Option<Box<[u8]>>>,
    mapped: Vec<Box<[u8]>>,
}

#[derive(Debug, Clone, Copy)]
struct Decoded {
    done_ns: u64,
    idx: u64,
}

/// cuvidGetDecoderCaps
///
/// # Safety
/// `caps` must be null or valid.
pub unsafe extern "C" fn caps(caps: *mut CUVIDDECODECAPS) -> u32 {
    let Some(model) = current() else { return answer::INVALID_CONTEXT };
    if caps.is_null() {
        return answer::INVALID_VALUE;
    }
    // SAFETY: not null, and so valid by the caller's promise. Enums are read as the numbers they are.
    unsafe {
        let codec = offered(&model, (&raw const (*caps).eCodecType).cast::<u32>().read());
        let chroma = (&raw const (*caps).eChromaFormat).cast::<u32>().read();
        let is_offered = codec.is_some()
            && chroma == cudaVideoChromaFormat::cudaVideoChromaFormat_420 as u32
            && (*caps).nBitDepthMinus8 <= 2;
        (*caps).bIsSupported = is_offered.into();
        (*caps).nNumNVDECs = model.config.engines as u8;
        (*caps).nOutputFormatMask = 0b11;
        ((*caps).nMaxWidth, (*caps).nMaxHeight) = (MAX_SIDE, MAX_SIDE);
        ((*caps).nMinWidth, (*caps).nMinHeight) = (MIN_SIDE as u16, MIN_SIDE as u16);
        (*caps).nMaxMBCount = MAX_SIDE / 16 * (MAX_SIDE / 16);
    }
    answer::SUCCESS
}

/// cuvidCreateDecoder
///
/// # Safety
/// Both pointers must be null or valid.
pub unsafe extern "C" fn create(handle: *mut CUvideodecoder, info: *mut CUVIDDECODECREATEINFO) -> u32 {
    let Some(model) = current() else { return answer::INVALID_CONTEXT };
    if handle.is_null() || info.is_null() {
        return answer::INVALID_VALUE;
    }
    // SAFETY: not null, and so valid by the caller's promise. Enums are read as the numbers they are.
    let (codec, format, info) = unsafe {
        let codec = offered(&model, (&raw const (*info).CodecType).cast::<u32>().read());
        (codec, (&raw const (*info).OutputFormat).cast::<u32>().read(), &*info)
    };
    let Some(codec) = codec else { return answer::NOT_SUPPORTED };
    let size = |value: c_ulong| u32::try_from(value).ok().filter(|side| (1..=MAX_SIDE).contains(side));
    let (Some(width), Some(height)) = (size(info.ulTargetWidth), size(info.ulTargetHeight)) else {
        return answer::INVALID_VALUE;
    };
    let (num_surfaces, num_outputs) = (info.ulNumDecodeSurfaces as usize, info.ulNumOutputSurfaces as usize);
    if !(1..=256).contains(&num_surfaces) || !(1..=64).contains(&num_outputs) || format > 1 {
        return answer::INVALID_VALUE;
    }
    let Ok(seat) = model.take_seat() else { return answer::NOT_SUPPORTED };
    let pitch = (width as usize * (1 + format as usize)).next_multiple_of(PITCH_BYTES);
    let rows = height as usize + height.div_ceil(2) as usize;
    let frame = || Some(vec![GREY; pitch * rows].into_boxed_slice());
    let state = State {
        surfaces: vec![None; num_surfaces],
        num_pictures: 0,
        queue: DriverQueue::new(model.config.queue),
        outputs: (0..num_outputs).map(|_| frame()).collect(),
        mapped: Vec::with_capacity(num_outputs),
    };
    let decoder = Decoder {
        service: model.config.decode_service(codec.modelled(), width, height),
        seat,
        codec,
        frame: (pitch, rows),
        state: Mutex::new(state),
        holding: Turns::default(),
        model,
    };
    let own = Handle::new();
    DECODERS.insert(own, Arc::new(decoder));
    // SAFETY: as above.
    unsafe { handle.write(own.as_ptr()) };
    answer::SUCCESS
}

/// cuvidDestroyDecoder
///
/// # Safety
/// No mapped frame may be used afterwards.
pub unsafe extern "C" fn destroy(handle: CUvideodecoder) -> u32 {
    let Some(decoder) = DECODERS.remove(Handle::from_ptr(handle)) else { return answer::INVALID_VALUE };
    decoder.model.leave_seat(decoder.seat);
    answer::SUCCESS
}

/// cuvidDecodePicture: lasts `submit_us`, and waits while the device's queue is full.
///
/// # Safety
/// `params` must be null or valid.
pub unsafe extern "C" fn decode(handle: CUvideodecoder, params: *mut CUVIDPICPARAMS) -> u32 {
    // SAFETY: null or valid, by the caller's promise.
    let (Some(decoder), Some(params)) = (DECODERS.find(Handle::from_ptr(handle)), unsafe { params.as_ref() }) else {
        return answer::INVALID_VALUE;
    };
    let Ok(surface) = usize::try_from(params.CurrPicIdx) else { return answer::INVALID_VALUE };
    let entered_ns = clock::now_ns();
    let config = &decoder.model.config;
    let _held = config.lock_holds_session.then(|| decoder.holding.take());
    clock::sleep_until(entered_ns + u64::from(config.submit_us) * 1000);
    let room_ns = decoder.state().queue.room_ns();
    clock::sleep_until(room_ns);
    let mut state = decoder.state();
    let idx = state.num_pictures;
    let is_intra = params.intra_pic_flag != 0;
    let service = config.picture_service(decoder.service, is_intra, decoder.seat.session_idx, idx);
    let Some(place) = state.surfaces.get_mut(surface) else { return answer::INVALID_VALUE };
    let done_ns = decoder.model.schedule(decoder.seat, clock::now_ns(), service).done_ns;
    *place = Some(Decoded { done_ns, idx });
    state.num_pictures += 1;
    state.queue.push(done_ns);
    answer::SUCCESS
}

/// cuvidGetDecodeStatus
///
/// # Safety
/// `status` must be null or valid.
pub unsafe extern "C" fn status(handle: CUvideodecoder, surface: c_int, status: *mut CUVIDGETDECODESTATUS) -> u32 {
    let Some(decoder) = DECODERS.find(Handle::from_ptr(handle)) else { return answer::INVALID_VALUE };
    // As NVIDIA's driver answers (580.159.04 on an H200).
    if decoder.codec == Codec::Vp9 {
        return answer::NOT_SUPPORTED;
    }
    let Some(decoded) = decoder.decoded(surface).filter(|_| !status.is_null()) else { return answer::INVALID_VALUE };
    let is_done = decoded.done_ns <= clock::now_ns();
    let word = if is_done {
        cuvidDecodeStatus::cuvidDecodeStatus_Success
    } else {
        cuvidDecodeStatus::cuvidDecodeStatus_InProgress
    };
    // SAFETY: not null, and so valid by the caller's promise.
    unsafe { (&raw mut (*status).decodeStatus).write(word) };
    answer::SUCCESS
}

/// cuvidMapVideoFrame64: returns once the picture is done, with the address of host memory.
///
/// # Safety
/// `address` and `pitch` must be null or valid.
pub unsafe extern "C" fn map(
    handle: CUvideodecoder,
    surface: c_int,
    address: *mut c_ulonglong,
    pitch: *mut c_uint,
    _: *mut CUVIDPROCPARAMS,
) -> u32 {
    let Some(decoder) = DECODERS.find(Handle::from_ptr(handle)) else { return answer::INVALID_VALUE };
    let decoded = decoder.decoded(surface).filter(|_| !address.is_null() && !pitch.is_null());
    let Some(decoded) = decoded else { return answer::INVALID_VALUE };
    {
        let _held = decoder.model.config.lock_holds_session.then(|| decoder.holding.take());
        let lock_ns = decoder.model.config.lock_ns(decoder.codec.modelled());
        clock::sleep_until(lock_returns_ns(clock::now_ns(), decoded.done_ns, lock_ns));
    }
    let mut state = decoder.state();
    let Some(mut frame) = state.outputs.iter_mut().find_map(Option::take) else { return answer::INVALID_VALUE };
    frame[..8].copy_from_slice(&decoded.idx.to_le_bytes());
    // SAFETY: not null, and so valid by the caller's promise.
    unsafe {
        address.write(frame.as_ptr().expose_provenance() as u64);
        pitch.write(decoder.frame.0 as c_uint);
    }
    state.mapped.push(frame);
    answer::SUCCESS
}

/// cuvidUnmapVideoFrame64
///
/// # Safety
/// The frame may not be used afterwards.
pub unsafe extern "C" fn unmap(handle: CUvideodecoder, address: c_ulonglong) -> u32 {
    let Some(decoder) = DECODERS.find(Handle::from_ptr(handle)) else { return answer::INVALID_VALUE };
    let mut state = decoder.state();
    let is_it = |frame: &[u8]| frame.as_ptr().addr() as u64 == address;
    let Some(place) = state.mapped.iter().position(|frame| is_it(frame)) else { return answer::INVALID_VALUE };
    let frame = state.mapped.swap_remove(place);
    if let Some(output) = state.outputs.iter_mut().find(|output| output.is_none()) {
        *output = Some(frame);
    }
    answer::SUCCESS
}

impl Decoder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decoded(&self, surface: c_int) -> Option<Decoded> {
        *self.state().surfaces.get(usize::try_from(surface).ok()?)?
    }
}

/// The codec of a stream, if the device decodes it.
fn offered(model: &Model, word: u32) -> Option<Codec> {
    Codec::of(word).filter(|codec| model.config.codecs.contains(&codec.modelled()))
}
