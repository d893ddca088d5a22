//! cuvidCreateVideoParser, cuvidParseVideoData, cuvidDestroyVideoParser. Decodes nothing: surfaces are given out in turn.
//!
//! A unit of H.264 or HEVC is one picture, and shown when its turn has come. One of VP9 may hold several: each is decoded,
//! and the hidden ones are not shown. One that only repeats another is not shown either: so does NVIDIA's (580.159.04).

use std::ffi::{c_ulong, c_void};
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, PoisonError};

use moq_nvenc::sys::cuviddec::{CUVIDPICPARAMS, cudaVideoChromaFormat};
use moq_nvenc::sys::nvcuvid::{
    CUVIDEOFORMAT, CUVIDPARSERDISPINFO, CUVIDPARSERPARAMS, CUVIDSOURCEDATAPACKET, CUvideopacketflags, CUvideoparser,
    PFNVIDDECODECALLBACK, PFNVIDDISPLAYCALLBACK, PFNVIDSEQUENCECALLBACK,
};

use super::answer;
use super::codec::Codec;
use super::sequence::{Picture, Sequence};
use super::stream::{Headers, Reorder};
use super::vp9;
use crate::handles::{Handle, Registry};

static PARSERS: Registry<Mutex<Parser>> = Registry::new();

struct Parser {
    /// cudaVideoCodec, as the client gave it.
    codec_word: u32,
    user: *mut c_void,
    on_sequence: PFNVIDSEQUENCECALLBACK,
    on_picture: PFNVIDDECODECALLBACK,
    on_frame: PFNVIDDISPLAYCALLBACK,
    /// `None`: VP9, whose frames need no parameter sets.
    headers: Option<Headers>,
    /// By slot of VP9: the surface of the frame that is kept there.
    kept: [Option<u32>; vp9::NUM_SLOTS],
    sequence: Option<Sequence>,
    num_surfaces: u32,
    next_surface: u32,
    reorder: Reorder<Shown>,
}

/// A frame that waits for its turn.
#[derive(Debug, Clone, Copy)]
struct Shown {
    surface: u32,
    timestamp: i64,
}

// SAFETY: the client's pointer is only handed back to it, on the thread that calls `parse`.
unsafe impl Send for Parser {}

/// cuvidCreateVideoParser
///
/// # Safety
/// Both pointers must be null or valid, as the header says.
pub unsafe extern "C" fn create(handle: *mut CUvideoparser, params: *mut CUVIDPARSERPARAMS) -> u32 {
    if handle.is_null() || params.is_null() {
        return answer::INVALID_VALUE;
    }
    // SAFETY: not null, and so valid by the caller's promise. The codec is read as the number it is.
    let (codec_word, params) = unsafe { ((&raw const (*params).CodecType).cast::<u32>().read(), &*params) };
    let Some(codec) = Codec::of(codec_word) else { return answer::NOT_SUPPORTED };
    let parser = Parser {
        codec_word,
        user: params.pUserData,
        on_sequence: params.pfnSequenceCallback,
        on_picture: params.pfnDecodePicture,
        on_frame: params.pfnDisplayPicture,
        headers: Headers::new(codec),
        kept: Default::default(),
        sequence: None,
        num_surfaces: params.ulMaxNumDecodeSurfaces.max(1),
        next_surface: 0,
        reorder: Reorder::new(0),
    };
    let own = Handle::new();
    PARSERS.insert(own, Arc::new(Mutex::new(parser)));
    // SAFETY: as above.
    unsafe { handle.write(own.as_ptr()) };
    answer::SUCCESS
}

/// cuvidDestroyVideoParser
///
/// # Safety
/// None of its callbacks may be running.
pub unsafe extern "C" fn destroy(handle: CUvideoparser) -> u32 {
    PARSERS.remove(Handle::from_ptr(handle)).map_or(answer::INVALID_VALUE, |_| answer::SUCCESS)
}

/// cuvidParseVideoData
///
/// # Safety
/// The packet must be null or valid, with as many bytes as it says; the callbacks must take what the header says.
pub unsafe extern "C" fn parse(handle: CUvideoparser, packet: *mut CUVIDSOURCEDATAPACKET) -> u32 {
    let Some(parser) = PARSERS.find(Handle::from_ptr(handle)) else { return answer::INVALID_VALUE };
    // SAFETY: null or valid, by the caller's promise.
    let Some(packet) = (unsafe { packet.as_ref() }) else { return answer::INVALID_VALUE };
    let mut parser = parser.lock().unwrap_or_else(PoisonError::into_inner);
    let num_bytes = packet.payload_size as usize;
    if !packet.payload.is_null() && num_bytes > 0 {
        // SAFETY: so many bytes, by the caller's promise.
        let unit = unsafe { std::slice::from_raw_parts(packet.payload, num_bytes) };
        if !parser.unit(unit, packet.timestamp) {
            return answer::INVALID_VALUE;
        }
    }
    let ends = packet.flags & CUvideopacketflags::CUVID_PKT_ENDOFSTREAM as c_ulong != 0;
    if ends && !parser.end() {
        return answer::INVALID_VALUE;
    }
    answer::SUCCESS
}

impl Parser {
    /// Parses one access unit; false: a callback stopped it, or it is damaged.
    fn unit(&mut self, unit: &[u8], timestamp: i64) -> bool {
        let Some(headers) = &mut self.headers else {
            return vp9::frames(unit).all(|frame| self.vp9_frame(frame, timestamp));
        };
        let (sequence, picture) = headers.read(unit);
        if !sequence.is_none_or(|sequence| self.begin(sequence)) {
            return false;
        }
        match picture.filter(|_| self.sequence.is_some()) {
            Some(picture) => self.picture(&picture, unit, timestamp),
            None => true,
        }
    }

    fn vp9_frame(&mut self, frame: &[u8], timestamp: i64) -> bool {
        match vp9::Frame::read(frame) {
            Some(vp9::Frame::Coded(coded)) => self.vp9_coded(&coded, frame, timestamp),
            Some(vp9::Frame::Existing { slot }) => self.kept[slot].is_some(),
            None => false,
        }
    }

    fn vp9_coded(&mut self, coded: &vp9::Coded, frame: &[u8], timestamp: i64) -> bool {
        if !coded.sequence.is_none_or(|sequence| self.begin(sequence)) {
            return false;
        }
        if self.sequence.is_none() {
            return true;
        }
        let Some(surface) = self.decode(coded.sequence.is_some(), coded.refreshes != 0, frame) else { return false };
        for (slot, kept) in self.kept.iter_mut().enumerate() {
            if coded.refreshes >> slot & 1 == 1 {
                *kept = Some(surface);
            }
        }
        !coded.is_shown || show(self.user, self.on_frame, Shown { surface, timestamp })
    }

    /// What follows belongs to this sequence. The client is told if it is another.
    fn begin(&mut self, sequence: Sequence) -> bool {
        if self.sequence == Some(sequence) {
            return true;
        }
        if !self.end() || !self.tell_sequence(&sequence) {
            return false;
        }
        self.reorder = Reorder::new(sequence.num_reorder);
        self.sequence = Some(sequence);
        true
    }

    fn tell_sequence(&mut self, sequence: &Sequence) -> bool {
        let Some(on_sequence) = self.on_sequence else { return true };
        let mut format = MaybeUninit::<CUVIDEOFORMAT>::zeroed();
        // SAFETY: all-zero is valid for the struct (its enums have a variant 0), and it lives during the call, which the client
        // promised to take.
        let answer = unsafe {
            let raw = format.as_mut_ptr();
            (&raw mut (*raw).codec).cast::<u32>().write(self.codec_word);
            (&raw mut (*raw).chroma_format).write(match sequence.chroma {
                0 => cudaVideoChromaFormat::cudaVideoChromaFormat_Monochrome,
                2 => cudaVideoChromaFormat::cudaVideoChromaFormat_422,
                3 => cudaVideoChromaFormat::cudaVideoChromaFormat_444,
                _ => cudaVideoChromaFormat::cudaVideoChromaFormat_420,
            });
            let format = &mut *raw;
            (format.coded_width, format.coded_height) = sequence.coded;
            let [left, right, top, bottom] = sequence.crop;
            let end = |size: u32, cut: u32| size.saturating_sub(cut).min(i32::MAX as u32) as i32;
            (format.display_area.left, format.display_area.top) = (end(left, 0), end(top, 0));
            format.display_area.right = end(sequence.coded.0, right);
            format.display_area.bottom = end(sequence.coded.1, bottom);
            (format.frame_rate.numerator, format.frame_rate.denominator) = sequence.frame_rate;
            let (is_full_range, numbers) = sequence.colour;
            let signal = &mut format.video_signal_description;
            signal.set_video_full_range_flag(is_full_range.into());
            [signal.color_primaries, signal.transfer_characteristics, signal.matrix_coefficients] = numbers;
            format.bit_depth_luma_minus8 = sequence.bits.saturating_sub(8) as u8;
            format.bit_depth_chroma_minus8 = format.bit_depth_luma_minus8;
            format.progressive_sequence = sequence.is_progressive.into();
            // The references, and the picture that is being decoded.
            format.min_num_decode_surfaces = (sequence.num_references + 1) as u8;
            on_sequence(self.user, raw)
        };
        if answer > 1 {
            self.num_surfaces = answer as u32;
        }
        answer > 0
    }

    fn picture(&mut self, picture: &Picture, unit: &[u8], timestamp: i64) -> bool {
        let Some(surface) = self.decode(picture.is_intra, picture.is_reference, unit) else { return false };
        let (user, on_frame, mut goes_on) = (self.user, self.on_frame, true);
        self.reorder.push(picture, Shown { surface, timestamp }, |shown| goes_on &= show(user, on_frame, shown));
        goes_on
    }

    /// Has the client decode a picture into a free surface; `None`: it stops.
    fn decode(&mut self, is_intra: bool, is_reference: bool, data: &[u8]) -> Option<u32> {
        let surface = self.free_surface();
        let mut params = MaybeUninit::<CUVIDPICPARAMS>::zeroed();
        // SAFETY: all-zero is valid for a struct of numbers, pointers and unions of them; it lives during the call.
        let goes_on = unsafe {
            let params = params.assume_init_mut();
            params.CurrPicIdx = surface as i32;
            params.nBitstreamDataLen = data.len() as u32;
            params.pBitstreamData = data.as_ptr();
            params.ref_pic_flag = is_reference.into();
            params.intra_pic_flag = is_intra.into();
            self.on_picture.is_none_or(|on_picture| on_picture(self.user, params) != 0)
        };
        goes_on.then_some(surface)
    }

    /// In turn, without those whose frame waits to be shown or is kept.
    fn free_surface(&mut self) -> u32 {
        let num = self.num_surfaces.max(1);
        let is_needed = |surface: u32| {
            self.kept.contains(&Some(surface)) || self.reorder.iter().any(|shown| shown.surface == surface)
        };
        let free = (0..num).map(|step| (self.next_surface + step) % num).find(|&surface| !is_needed(surface));
        let surface = free.unwrap_or(self.next_surface);
        self.next_surface = (surface + 1) % num;
        surface
    }

    fn end(&mut self) -> bool {
        let (user, on_frame, mut goes_on) = (self.user, self.on_frame, true);
        self.reorder.flush(|shown| goes_on &= show(user, on_frame, shown));
        self.kept = Default::default();
        goes_on
    }
}

fn show(user: *mut c_void, on_frame: PFNVIDDISPLAYCALLBACK, shown: Shown) -> bool {
    let Some(on_frame) = on_frame else { return true };
    let mut info = CUVIDPARSERDISPINFO {
        picture_index: shown.surface as i32,
        progressive_frame: 1,
        timestamp: shown.timestamp,
        ..CUVIDPARSERDISPINFO::default()
    };
    // SAFETY: the client promised to take it; it lives during the call.
    unsafe { on_frame(user, &raw mut info) != 0 }
}
