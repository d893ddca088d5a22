//! One decoder and its surfaces: asked, made, fed, mapped, destroyed. Thin: one method a driver call.

use std::ffi::{c_int, c_uint, c_ulong};
use std::mem::MaybeUninit;
use std::sync::Arc;

use moq_nvenc::sys::cuviddec::{
    CUVIDDECODECAPS, CUVIDDECODECREATEINFO, CUVIDGETDECODESTATUS, CUVIDPICPARAMS, CUVIDPROCPARAMS, CUvideodecoder,
    cudaVideoChromaFormat, cudaVideoCreateFlags_enum, cudaVideoSurfaceFormat,
};

use super::api::{Api, check};
use super::error::NvdecError;
use super::format::{Chroma, StreamFormat, codec_word};
use crate::calls::{self, Call};
use crate::contract::{Codec, Dimensions};
use crate::memory::DeviceMemory;

/// Frames that may be mapped at a time: one, and one for a caller that maps the next before it gives the last back.
const OUTPUT_SURFACES: c_ulong = 2;
/// Every driver makes so many surfaces; some refuse more with [`INVALID_VALUE`].
const USUAL_SURFACES: u32 = 20;
const INVALID_VALUE: u32 = 1;
const NOT_SUPPORTED: u32 = 801;

/// An open decoder.
#[derive(Debug)]
pub(super) struct Decoder {
    api: Arc<Api>,
    handle: CUvideodecoder,
    pub(super) memory: Arc<dyn DeviceMemory>,
    pub(super) format: StreamFormat,
    pub(super) num_surfaces: u32,
}

// SAFETY: the driver allows calls for one decoder from several threads (Video Codec SDK, NVDEC programming guide: decode on
// one thread, map on another); each has the context current (`DeviceMemory::bind`).
unsafe impl Send for Decoder {}
// SAFETY: as above.
unsafe impl Sync for Decoder {}

/// What a decoder is doing with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Running,
    Done,
    Failed,
    /// The driver does not say: of VP9, NVIDIA's 580.159.04 answers CUDA_ERROR_NOT_SUPPORTED.
    Unknown,
}

/// A decoded frame in device memory, until it is unmapped.
#[derive(Debug, Clone, Copy)]
pub(super) struct MappedFrame {
    pub(super) at: u64,
    pub(super) pitch_bytes: usize,
}

/// What a device can decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DecodeCaps {
    pub codec: Codec,
    pub bits: u32,
    pub min: Dimensions,
    pub max: Dimensions,
    pub engines: u32,
}

/// What a device can do with 4:2:0 of so many bits in a codec; `None`: nothing.
///
/// # Errors
/// What the driver answers.
pub(super) fn caps(api: &Api, codec: Codec, bits: u32) -> Result<Option<DecodeCaps>, NvdecError> {
    let mut caps = MaybeUninit::<CUVIDDECODECAPS>::zeroed();
    let _call = calls::enter(Call::Ask);
    // SAFETY: the struct is zeroed, whose enums have a variant 0, and written in place; the driver writes only numbers.
    let caps = unsafe {
        let raw = caps.as_mut_ptr();
        (&raw mut (*raw).eCodecType).write(codec_word(codec));
        (&raw mut (*raw).eChromaFormat).write(cudaVideoChromaFormat::cudaVideoChromaFormat_420);
        (&raw mut (*raw).nBitDepthMinus8).write(bits.saturating_sub(8));
        check("cuvidGetDecoderCaps", (api.entries.caps)(raw))?;
        caps.assume_init()
    };
    Ok((caps.bIsSupported != 0).then_some(DecodeCaps {
        codec,
        bits,
        min: Dimensions { width: caps.nMinWidth.into(), height: caps.nMinHeight.into() },
        max: Dimensions { width: caps.nMaxWidth, height: caps.nMaxHeight },
        engines: caps.nNumNVDECs.into(),
    }))
}

impl Decoder {
    /// A decoder for a stream, with `pool` surfaces beyond those that its references need.
    ///
    /// # Errors
    /// What the device cannot do, said before the driver has to refuse it; or the driver's refusal.
    pub(super) fn new(
        api: Arc<Api>,
        memory: Arc<dyn DeviceMemory>,
        format: StreamFormat,
        pool: u32,
    ) -> Result<Self, NvdecError> {
        let StreamFormat { codec, coded, shown, bits, .. } = format;
        if !format.is_progressive {
            return Err(NvdecError::Interlaced);
        }
        if shown.width % 2 != 0 || shown.height % 2 != 0 {
            return Err(NvdecError::Odd(shown));
        }
        let unable = NvdecError::NoCodec { codec, bits, chroma: format.chroma.title() };
        let caps = match format.chroma {
            Chroma::C420 => caps(&api, codec, bits)?.ok_or(unable)?,
            _ => return Err(unable),
        };
        let fits = |value, least, most| (least..=most).contains(&value);
        if !fits(coded.width, caps.min.width, caps.max.width) || !fits(coded.height, caps.min.height, caps.max.height) {
            return Err(NvdecError::Size { codec, dimensions: coded, min: caps.min, max: caps.max });
        }
        let num_surfaces = format.min_surfaces + pool;
        let (left, top) = format.shown_at;
        let mut decoder = Self { api, handle: std::ptr::null_mut(), memory, format, num_surfaces };
        let mut info = MaybeUninit::<CUVIDDECODECREATEINFO>::zeroed();
        let _call = calls::enter(Call::CreateDecoder);
        // SAFETY: the struct is zeroed, whose enums have a variant 0, and written in place; it is valid during the call.
        let status = unsafe {
            let raw = info.as_mut_ptr();
            (&raw mut (*raw).CodecType).write(codec_word(codec));
            (&raw mut (*raw).ChromaFormat).write(cudaVideoChromaFormat::cudaVideoChromaFormat_420);
            (&raw mut (*raw).OutputFormat).write(match format.sample_bytes() {
                1 => cudaVideoSurfaceFormat::cudaVideoSurfaceFormat_NV12,
                _ => cudaVideoSurfaceFormat::cudaVideoSurfaceFormat_P016,
            });
            let info = &mut *raw;
            info.ulWidth = coded.width.into();
            info.ulHeight = coded.height.into();
            info.ulMaxWidth = info.ulWidth;
            info.ulMaxHeight = info.ulHeight;
            info.ulNumDecodeSurfaces = num_surfaces.into();
            info.ulNumOutputSurfaces = OUTPUT_SURFACES;
            info.ulCreationFlags = cudaVideoCreateFlags_enum::cudaVideoCreate_PreferCUVID as c_ulong;
            info.bitDepthMinus8 = bits.saturating_sub(8).into();
            info.display_area.left = left as i16;
            info.display_area.top = top as i16;
            info.display_area.right = (left + shown.width) as i16;
            info.display_area.bottom = (top + shown.height) as i16;
            info.ulTargetWidth = shown.width.into();
            info.ulTargetHeight = shown.height.into();
            (decoder.api.entries.create_decoder)(&raw mut decoder.handle, raw)
        };
        if status == INVALID_VALUE && num_surfaces > USUAL_SURFACES {
            return Err(NvdecError::Surfaces { surfaces: num_surfaces, references: format.min_surfaces });
        }
        check("cuvidCreateDecoder", status)?;
        Ok(decoder)
    }

    /// Hands a picture to the engine. May wait: the driver's own queue is short.
    pub(super) fn decode(&self, params: &mut CUVIDPICPARAMS) -> Result<(), NvdecError> {
        let _call = calls::enter(Call::DecodePicture);
        // SAFETY: the parameters are the parser's, valid during its callback, inside which this is called.
        Ok(check("cuvidDecodePicture", unsafe { (self.api.entries.decode)(self.handle, params) })?)
    }

    /// Is a picture finished? Never waits.
    pub(super) fn progress(&self, surface: u32) -> Result<Progress, NvdecError> {
        let mut status = MaybeUninit::<CUVIDGETDECODESTATUS>::zeroed();
        let _call = calls::enter(Call::DecodeStatus);
        // SAFETY: the struct is zeroed, whose enum has a variant 0, and written by the driver; the status is read as the
        // number it is.
        let status = unsafe {
            let answer = (self.api.entries.status)(self.handle, surface as c_int, status.as_mut_ptr());
            if answer == NOT_SUPPORTED {
                return Ok(Progress::Unknown);
            }
            check("cuvidGetDecodeStatus", answer)?;
            (&raw const (*status.as_ptr()).decodeStatus).cast::<u32>().read()
        };
        Ok(match status {
            1 => Progress::Running,
            // 9 is an error that the decoder could hide: the frame is not what was coded.
            8 | 9 => Progress::Failed,
            _ => Progress::Done,
        })
    }

    /// Takes a picture back as a frame in device memory; waits until it is decoded. Its post-processing (into the output
    /// format) is only queued then, on the memory's stream.
    pub(super) fn map(&self, surface: u32) -> Result<MappedFrame, NvdecError> {
        let mut params = MaybeUninit::<CUVIDPROCPARAMS>::zeroed();
        let (mut at, mut pitch): (u64, c_uint) = (0, 0);
        let _call = calls::enter(Call::MapFrame);
        // SAFETY: the struct is zeroed and written in place; all pointers are valid during the call.
        let status = unsafe {
            (&raw mut (*params.as_mut_ptr()).progressive_frame).write(1);
            (&raw mut (*params.as_mut_ptr()).output_stream).write(self.memory.stream().cast());
            let surface = surface as c_int;
            (self.api.entries.map)(self.handle, surface, &raw mut at, &raw mut pitch, params.as_mut_ptr())
        };
        check("cuvidMapVideoFrame64", status)?;
        Ok(MappedFrame { at, pitch_bytes: pitch as usize })
    }

    /// Gives a mapped frame back.
    pub(super) fn unmap(&self, frame: MappedFrame) -> Result<(), NvdecError> {
        let _call = calls::enter(Call::UnmapFrame);
        // SAFETY: the address is one that `map` gave out, and it is unmapped once.
        Ok(check("cuvidUnmapVideoFrame64", unsafe { (self.api.entries.unmap)(self.handle, frame.at) })?)
    }
}

impl Drop for Decoder {
    /// Answers are ignored: there is nobody left to tell.
    fn drop(&mut self) {
        if self.handle.is_null() || self.memory.bind().is_err() {
            return;
        }
        let _call = calls::enter(Call::DestroyDecoder);
        // SAFETY: destroyed once; every frame was unmapped, because `Taken` borrows the engine that owns this.
        unsafe { (self.api.entries.destroy_decoder)(self.handle) };
    }
}
