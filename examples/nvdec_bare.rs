//! The barest loop around NVDEC: parse, decode, and map the oldest frame once T are in flight. What a measurement of the
//! program is held against.
//!
//!     nvdec_bare CLIP THRESHOLD HOST_WORK_US RUNS [checked] [stream]
//!
//! `checked` asks after each map whether the frame came out well, as the program does: a map alone does not say it. With
//! `stream` the driver converts mapped frames on a CUDA stream of ours, as for the program, and not on the default one.
//!
//! Prints the time a frame of every run in microseconds, the best first. One thread, no clock inside the loop, no record.

#![allow(clippy::expect_used, reason = "an example that cannot go on stops")]

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::time::{Duration, Instant};

use cudarc::driver::CudaContext;
use inflight::contract::Codec;
use inflight::nvdec::api::{Api, Entries};
use inflight::source::{Clip, InputSpec};
use moq_nvenc::sys::cuviddec::{
    CUVIDDECODECREATEINFO, CUVIDGETDECODESTATUS, CUVIDPICPARAMS, CUVIDPROCPARAMS, CUvideodecoder,
    cudaVideoChromaFormat, cudaVideoCodec, cudaVideoCreateFlags_enum, cudaVideoSurfaceFormat,
};
use moq_nvenc::sys::nvcuvid::{
    CUVIDEOFORMAT, CUVIDPARSERDISPINFO, CUVIDPARSERPARAMS, CUVIDSOURCEDATAPACKET, CUvideoparser,
};

/// What the callbacks share with the loop.
struct Loop {
    entries: Entries,
    codec: cudaVideoCodec,
    threshold: u32,
    is_checked: bool,
    stream: *mut c_void,
    decoder: CUvideodecoder,
    num_surfaces: u32,
    shown: VecDeque<c_int>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [clip, threshold, host_work_us, runs, words @ ..] = &args[..] else {
        return Err("usage: nvdec_bare CLIP THRESHOLD HOST_WORK_US RUNS [checked] [stream]".into());
    };
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let (threshold, runs): (u32, u32) = (threshold.parse()?, runs.parse()?);
    let host_work = Duration::from_micros(host_work_us.parse()?);
    let context = CudaContext::new(0)?;
    let own_stream = if has("stream") { Some(context.new_stream()?) } else { None };
    let stream = own_stream.as_ref().map_or(std::ptr::null_mut(), |stream| stream.cu_stream().cast());
    let clip = Clip::open(&InputSpec::File(clip.into()), u64::MAX, 1 << 31)?;
    let codec = match clip.codec {
        Codec::H264 => cudaVideoCodec::cudaVideoCodec_H264,
        Codec::Hevc => cudaVideoCodec::cudaVideoCodec_HEVC,
        Codec::Av1 => cudaVideoCodec::cudaVideoCodec_AV1,
        Codec::Vp9 => cudaVideoCodec::cudaVideoCodec_VP9,
    };
    let entries = *Api::system()?.entries();
    let mut times_us: Vec<f64> =
        (0..runs).map(|_| run(entries, codec, &clip, (threshold, has("checked"), stream), host_work)).collect();
    times_us.sort_by(f64::total_cmp);
    println!("{}", times_us.iter().map(|us| format!("{us:.1}")).collect::<Vec<_>>().join(" "));
    Ok(())
}

/// Time a frame in microseconds. The decoder is made before the clock starts, as in a measured run.
fn run(
    entries: Entries,
    codec: cudaVideoCodec,
    clip: &Clip,
    (threshold, is_checked, stream): (u32, bool, *mut c_void),
    host_work: Duration,
) -> f64 {
    let decoder = std::ptr::null_mut();
    let mut state = Loop {
        entries,
        codec,
        threshold,
        is_checked,
        stream,
        decoder,
        num_surfaces: 0,
        shown: VecDeque::with_capacity(64),
    };
    // SAFETY: all structs are zeroed, which is valid for numbers, pointers, callbacks and enums with a variant 0; `state` and
    // the units outlive both parsers; every call is checked.
    unsafe {
        // The first parser makes the decoder, and decodes nothing.
        let first = parser(&mut state, Some(on_format), Some(ignore_picture), None);
        parse(&state, first, &clip.units[0], 0, 8);
        (entries.destroy_parser)(first);
        let parser = parser(&mut state, Some(on_sequence), Some(on_picture), Some(on_frame));
        let start = Instant::now();
        for (pts, unit) in clip.units.iter().enumerate() {
            let work = Instant::now();
            while work.elapsed() < host_work {
                std::hint::spin_loop();
            }
            parse(&state, parser, unit, pts, 8);
            while state.shown.len() >= threshold as usize {
                map_oldest(&mut state);
            }
        }
        parse(&state, parser, &[], 0, 1);
        while !state.shown.is_empty() {
            map_oldest(&mut state);
        }
        let took = start.elapsed();
        (entries.destroy_parser)(parser);
        (entries.destroy_decoder)(state.decoder);
        took.as_secs_f64() * 1e6 / clip.units.len() as f64
    }
}

type OnFormat = unsafe extern "C" fn(*mut c_void, *mut CUVIDEOFORMAT) -> c_int;
type OnPicture = unsafe extern "C" fn(*mut c_void, *mut CUVIDPICPARAMS) -> c_int;
type OnFrame = unsafe extern "C" fn(*mut c_void, *mut CUVIDPARSERDISPINFO) -> c_int;

unsafe fn parser(
    state: &mut Loop,
    format: Option<OnFormat>,
    picture: Option<OnPicture>,
    frame: Option<OnFrame>,
) -> CUvideoparser {
    // SAFETY: the caller's promise.
    unsafe {
        let mut params: CUVIDPARSERPARAMS = zeroed();
        params.CodecType = state.codec;
        params.ulMaxNumDecodeSurfaces = 1;
        params.pUserData = std::ptr::from_mut(state).cast();
        (params.pfnSequenceCallback, params.pfnDecodePicture, params.pfnDisplayPicture) = (format, picture, frame);
        let mut parser = std::ptr::null_mut();
        assert_eq!((state.entries.create_parser)(&raw mut parser, &raw mut params), 0, "cuvidCreateVideoParser");
        parser
    }
}

unsafe fn parse(state: &Loop, parser: CUvideoparser, unit: &[u8], pts: usize, flags: u32) {
    let mut packet = CUVIDSOURCEDATAPACKET {
        flags: flags.into(),
        payload_size: (unit.len() as u32).into(),
        payload: unit.as_ptr(),
        timestamp: pts as i64,
    };
    // SAFETY: the caller's promise.
    assert_eq!(unsafe { (state.entries.parse)(parser, &raw mut packet) }, 0, "cuvidParseVideoData");
}

unsafe fn map_oldest(state: &mut Loop) {
    let surface = state.shown.pop_front().expect("a frame was announced");
    // SAFETY: the caller's promise.
    unsafe {
        let mut params: CUVIDPROCPARAMS = zeroed();
        params.progressive_frame = 1;
        params.output_stream = state.stream.cast();
        let (mut at, mut pitch) = (0, 0);
        let answer = (state.entries.map)(state.decoder, surface, &raw mut at, &raw mut pitch, &raw mut params);
        assert_eq!(answer, 0, "cuvidMapVideoFrame64");
        if state.is_checked {
            let mut status: CUVIDGETDECODESTATUS = zeroed();
            // 801: of VP9 the driver does not say.
            let answer = (state.entries.status)(state.decoder, surface, &raw mut status);
            assert!(matches!(answer, 0 | 801), "cuvidGetDecodeStatus: {answer}");
            let status = (&raw const status.decodeStatus).cast::<u32>().read();
            assert!(!matches!(status, 8 | 9), "a damaged frame");
        }
        assert_eq!((state.entries.unmap)(state.decoder, at), 0, "cuvidUnmapVideoFrame64");
    }
}

unsafe extern "C" fn on_format(user: *mut c_void, format: *mut CUVIDEOFORMAT) -> c_int {
    // SAFETY: `user` is the loop's state, and the format is the driver's during this call.
    unsafe {
        let (state, format) = (&mut *user.cast::<Loop>(), &*format);
        state.num_surfaces = u32::from(format.min_num_decode_surfaces) + state.threshold;
        let mut info: CUVIDDECODECREATEINFO = zeroed();
        info.CodecType = state.codec;
        info.ChromaFormat = cudaVideoChromaFormat::cudaVideoChromaFormat_420;
        info.OutputFormat = match format.bit_depth_luma_minus8 {
            0 => cudaVideoSurfaceFormat::cudaVideoSurfaceFormat_NV12,
            _ => cudaVideoSurfaceFormat::cudaVideoSurfaceFormat_P016,
        };
        info.bitDepthMinus8 = format.bit_depth_luma_minus8.into();
        (info.ulWidth, info.ulHeight) = (format.coded_width.into(), format.coded_height.into());
        (info.ulMaxWidth, info.ulMaxHeight) = (info.ulWidth, info.ulHeight);
        let area = &format.display_area;
        (info.display_area.right, info.display_area.bottom) = (area.right as i16, area.bottom as i16);
        (info.ulTargetWidth, info.ulTargetHeight) = ((area.right as u32).into(), (area.bottom as u32).into());
        info.ulNumDecodeSurfaces = state.num_surfaces.into();
        info.ulNumOutputSurfaces = 2;
        info.ulCreationFlags = (cudaVideoCreateFlags_enum::cudaVideoCreate_PreferCUVID as u32).into();
        let answer = (state.entries.create_decoder)(&raw mut state.decoder, &raw mut info);
        assert_eq!(answer, 0, "cuvidCreateDecoder");
        state.num_surfaces as c_int
    }
}

unsafe extern "C" fn on_sequence(user: *mut c_void, _: *mut CUVIDEOFORMAT) -> c_int {
    // SAFETY: `user` is the loop's state.
    unsafe { (*user.cast::<Loop>()).num_surfaces as c_int }
}

unsafe extern "C" fn ignore_picture(_: *mut c_void, _: *mut CUVIDPICPARAMS) -> c_int {
    1
}

unsafe extern "C" fn on_picture(user: *mut c_void, params: *mut CUVIDPICPARAMS) -> c_int {
    // SAFETY: `user` is the loop's state, and the parameters are the driver's during this call.
    unsafe {
        let state = &*user.cast::<Loop>();
        c_int::from((state.entries.decode)(state.decoder, params) == 0)
    }
}

unsafe extern "C" fn on_frame(user: *mut c_void, shown: *mut CUVIDPARSERDISPINFO) -> c_int {
    // SAFETY: `user` is the loop's state; a null pointer says that the stream has ended.
    unsafe {
        if let Some(shown) = shown.as_ref() {
            (*user.cast::<Loop>()).shown.push_back(shown.picture_index);
        }
        1
    }
}
