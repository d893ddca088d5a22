//! Opening, initializing, reconfiguring and destroying an encoder.

use std::ffi::c_void;
use std::sync::Arc;

use super::foreign::{Foreign, handle, write_out};
use super::layout::{
    Config, Initialize, OpenSession, Reconfigure, SequenceParam, VUI_WORDS, at, bit_depth_fields, codec_flags,
    idr_period_field, reconfigure_flags, unsupported_init_flags,
};
use super::{Encoder, with_session};
use crate::device;
use crate::faults::Site;
use crate::guids;
use crate::handles::Handle;
use crate::params::{ConfigRequest, Request, refuse_if};
use crate::passes::Passes;
use crate::payload::{Codec, Colour, PayloadWriter};
use crate::protocol;
use crate::rules::{Answer, Rule, Status};
use crate::session::SESSIONS;
use crate::session::Session;
use crate::versions::{ApiVersion, HEADERS};

pub type Open = unsafe extern "C" fn(*mut OpenSession, *mut Encoder) -> u32;
pub type OpenLegacy = unsafe extern "C" fn(*mut c_void, u32, *mut Encoder) -> u32;
pub type SequenceEx = unsafe extern "C" fn(Encoder, *mut Initialize, *mut SequenceParam) -> u32;

const DEVICE_TYPE_CUDA: u32 = 1;
/// `NV_ENC_DEVICE_TYPE_OPENGL`
const DEVICE_TYPE_OPENGL: u32 = 2;

/// `NvEncOpenEncodeSessionEx` of the table made for the header `HEADERS[HEADER]`. Where it fails, the handle is null.
///
/// # Safety
/// As the header says of that function.
pub unsafe extern "C" fn open_session<const HEADER: usize>(params: *mut OpenSession, encoder: *mut Encoder) -> u32 {
    let begun_ns = protocol::begin();
    // SAFETY: the caller's promise.
    let opened = unsafe { open(params, encoder, HEADERS[HEADER]) };
    let session_idx = opened.as_ref().ok().map(|session| session.seat.session_idx);
    let outcome = opened.map(|_| Status::Success);
    protocol::note_call(begun_ns, session_idx, "NvEncOpenEncodeSessionEx", outcome);
    match outcome {
        Ok(status) => status as u32,
        Err(refusal) => refusal.status() as u32,
    }
}

/// The same for a header that this driver does not know.
///
/// # Safety
/// `encoder` is null or writable.
pub unsafe extern "C" fn open_of_unknown_header(_params: *mut OpenSession, encoder: *mut Encoder) -> u32 {
    // SAFETY: the caller's promise.
    match unsafe { write_out(encoder, std::ptr::null_mut()) } {
        Ok(()) => Rule::WrongVersion.status() as u32,
        Err(refusal) => refusal.status() as u32,
    }
}

/// `NvEncOpenEncodeSession`, which the header calls deprecated and gives this one answer.
///
/// # Safety
/// None is needed: no pointer is followed.
pub unsafe extern "C" fn open_session_legacy(_device: *mut c_void, _kind: u32, _encoder: *mut Encoder) -> u32 {
    Status::InvalidCall as u32
}

/// # Safety
/// `params` is null or points to a struct of header `api`, `encoder` is null or writable.
unsafe fn open(params: *mut OpenSession, encoder: *mut Encoder, api: ApiVersion) -> Answer<Arc<Session>> {
    // SAFETY: the caller's promise.
    unsafe { write_out(encoder, std::ptr::null_mut()) }?;
    // SAFETY: the caller's promise.
    let params = unsafe { Foreign::new(params, api) }?;
    let context = handle(params.get(at::OPEN_DEVICE))?;
    let device_type = params.get(at::OPEN_DEVICE_TYPE);
    let model = device::behind(context).ok_or(Rule::UnknownDevice)?;
    // What NVIDIA's driver asks before it looks at the API's version (580.159.04 on an H200).
    refuse_if(device_type == DEVICE_TYPE_OPENGL, Rule::UnknownDevice)?;
    refuse_if(model.config.engines == 0, Rule::NoEngine).inspect_err(|refusal| model.count_refusal(*refusal))?;
    refuse_if(params.get(at::OPEN_API_VERSION) != api.word(), Rule::WrongVersion)?;
    refuse_if(device_type != DEVICE_TYPE_CUDA, Rule::UnknownDevice)?;
    // No session exists that could note a breach, so the device does.
    let session = Session::open(Arc::clone(&model), api).inspect_err(|refusal| model.count_refusal(*refusal))?;
    if let Err(refusal) = session.strike(Site::Open) {
        session.close();
        return Err(refusal);
    }
    let opened = Handle::new();
    let session = Arc::new(session);
    SESSIONS.insert(opened, Arc::clone(&session));
    // SAFETY: the caller's promise, and the pointer has been written to above.
    unsafe { write_out(encoder, opened.as_ptr()) }?;
    Ok(session)
}

/// `NvEncDestroyEncoder`. Pictures in flight, locked outputs and buffers go with the session.
///
/// # Safety
/// None is needed: `encoder` is looked up, not followed. Pointers the session has handed out end here.
pub unsafe extern "C" fn destroy_encoder(encoder: Encoder) -> u32 {
    const NAME: &str = "NvEncDestroyEncoder";
    let begun_ns = protocol::begin();
    let Some(session) = SESSIONS.remove(Handle::from_ptr(encoder)).filter(|session| session.is_ours()) else {
        protocol::note_call(begun_ns, None, NAME, Ok(Status::InvalidEncoderDevice));
        return Status::InvalidEncoderDevice as u32;
    };
    // An answer changes nothing: the session is closed whatever its client is told.
    let outcome = session.strike(Site::Destroy).map(|_| Status::Success);
    session.close();
    protocol::note_call(begun_ns, Some(session.seat.session_idx), NAME, outcome);
    session.tell_protocol();
    outcome.map_or_else(|refusal| refusal.status() as u32, |status| status as u32)
}

/// # Safety
/// As the header says of `NvEncInitializeEncoder`.
pub unsafe extern "C" fn initialize(encoder: Encoder, params: *mut Initialize) -> u32 {
    with_session(encoder, "NvEncInitializeEncoder", |session| {
        session.strike(Site::Init)?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        // SAFETY: the caller's promise covers the config that the struct points to.
        let request = unsafe { read_request(&params) }?;
        session.initialize(&request)?;
        Ok(Status::Success)
    })
}

/// # Safety
/// As the header says of `NvEncReconfigureEncoder`.
pub unsafe extern "C" fn reconfigure(encoder: Encoder, params: *mut Reconfigure) -> u32 {
    with_session(encoder, "NvEncReconfigureEncoder", |session| {
        // SAFETY: the caller's promise.
        let outer = unsafe { Foreign::new(params, session.api) }?;
        // SAFETY: the member lies inside the struct just checked.
        let params = unsafe { Foreign::new(outer.member(at::RECONFIGURE_INIT), session.api) }?;
        // SAFETY: the caller's promise covers the config that the struct points to.
        let request = unsafe { read_request(&params) }?;
        let reset_or_force_idr = outer.get(reconfigure_flags(session.api)) & 0b11 != 0;
        session.reconfigure(request, reset_or_force_idr)?;
        Ok(Status::Success)
    })
}

/// # Safety
/// As the header says of `NvEncGetSequenceParams`.
pub unsafe extern "C" fn sequence_params(encoder: Encoder, params: *mut SequenceParam) -> u32 {
    with_session(encoder, "NvEncGetSequenceParams", |session| {
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        // SAFETY: the caller's promise.
        unsafe { write_sequence(&params, &session.sequence_headers()?) }
    })
}

/// `NvEncGetSequenceParamEx`: the parameter sets an encoder would have, without initializing it.
///
/// # Safety
/// As the header says of that function.
pub unsafe extern "C" fn sequence_params_ex(
    encoder: Encoder,
    init: *mut Initialize,
    params: *mut SequenceParam,
) -> u32 {
    with_session(encoder, "NvEncGetSequenceParamEx", |session| {
        // SAFETY: the caller's promise.
        let init = unsafe { Foreign::new(init, session.api) }?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        // SAFETY: the caller's promise covers the config that the struct points to.
        let request = unsafe { read_request(&init) }?;
        let stream = request.check(&session.model.config, session.api)?.stream;
        let writer = PayloadWriter::new(stream).map_err(|_| Rule::BadSize)?;
        // SAFETY: the caller's promise.
        unsafe { write_sequence(&params, writer.headers()) }
    })
}

/// # Safety
/// Members of `params` that are not null are valid: a buffer of the stated capacity, and a size to be written.
unsafe fn write_sequence(params: &Foreign<SequenceParam>, headers: &[u8]) -> Answer<Status> {
    let buffer = params.get(at::SEQUENCE_BUFFER).cast::<u8>();
    refuse_if(buffer.is_null(), Rule::NullPointer)?;
    refuse_if((params.get(at::SEQUENCE_CAPACITY) as usize) < headers.len(), Rule::SequenceBufferTooSmall)?;
    // SAFETY: the caller's promise.
    unsafe { write_out(params.get(at::SEQUENCE_SIZE), headers.len() as u32) }?;
    // SAFETY: the capacity has been compared, and the client's buffer does not overlap ours.
    unsafe { buffer.copy_from_nonoverlapping(headers.as_ptr(), headers.len()) };
    Ok(Status::Success)
}

/// # Safety
/// The config that `params` points to, if any, is a struct of the same header.
unsafe fn read_request(params: &Foreign<Initialize>) -> Answer<Request> {
    let codec = params.get(at::INIT_CODEC);
    let config = params.get(at::INIT_CONFIG);
    let config = if config.is_null() {
        None
    } else {
        // SAFETY: not null; the caller's promise.
        Some(read_config(&unsafe { Foreign::new(config, params.api) }?, guids::codec(codec)))
    };
    Ok(Request {
        codec,
        preset: params.get(at::INIT_PRESET),
        tuning: params.get(at::INIT_TUNING),
        width: params.get(at::INIT_WIDTH),
        height: params.get(at::INIT_HEIGHT),
        max_width: params.get(at::INIT_MAX_WIDTH),
        max_height: params.get(at::INIT_MAX_HEIGHT),
        frame_rate: (params.get(at::INIT_FPS_NUM), params.get(at::INIT_FPS_DEN)),
        enable_async: params.get(at::INIT_ASYNC) != 0,
        enable_ptd: params.get(at::INIT_PTD) != 0,
        wants_unsupported_feature: params.get(at::INIT_FLAGS) & unsupported_init_flags(params.api) != 0,
        config,
    })
}

/// The codec's part is read as H.264 where the codec is unknown; the request is refused for that anyway.
fn read_config(config: &Foreign<Config>, codec: Option<Codec>) -> ConfigRequest {
    const ENABLE_LOOKAHEAD: u32 = 5;
    let codec = codec.unwrap_or(Codec::H264);
    let flags = config.get(codec_flags_field(codec));
    let known = codec_flags(codec);
    let (chroma_format_idc, bit_depth) = read_sampling(config, codec);
    ConfigRequest {
        profile: config.get(at::CONFIG_PROFILE),
        gop_length: config.get(at::CONFIG_GOP_LENGTH),
        interval_p: config.get(at::CONFIG_INTERVAL_P),
        idr_period: config.get(idr_period_field(codec)),
        is_monochrome: config.get(at::CONFIG_MONOCHROME) != 0,
        is_field: config.get(at::CONFIG_FIELD_MODE) > 1,
        rate_control: config.get(at::CONFIG_RC_MODE),
        qp_p: config.get(at::CONFIG_QP_P),
        lookahead: config
            .bit(at::CONFIG_RC_FLAGS, ENABLE_LOOKAHEAD)
            .then(|| u32::from(config.get(at::CONFIG_LOOKAHEAD))),
        b_reference: config.get(b_as_reference_field(codec)),
        intra_refresh: (flags & known.intra_refresh != 0).then(|| refresh_fields(codec).map(|field| config.get(field))),
        colour: read_colour(config, codec),
        passes: Passes::from_code(config.get(at::CONFIG_MULTI_PASS)),
        disable_headers: flags & known.disable_headers != 0,
        repeat_headers: flags & known.repeat_headers != 0,
        delimiters: flags & known.delimiters != 0,
        chroma_format_idc,
        bit_depth,
        wants_unsupported_feature: flags & known.unsupported != 0,
    }
}

/// The video signal type, which both codecs have in the same struct. Numbers beyond a byte are cut as the stream cuts them.
fn read_colour(config: &Foreign<Config>, codec: Codec) -> Option<Colour> {
    let [_, _, is_there, video_format, is_full_range, is_described, primaries, transfer, matrix] =
        config.get(vui_field(codec));
    (is_there != 0).then(|| Colour {
        video_format: (video_format & 0b111) as u8,
        is_full_range: is_full_range != 0,
        description: (is_described != 0).then(|| [primaries, transfer, matrix].map(|number| number as u8)),
    })
}

/// Chroma format (1: 4:2:0) and bit depth.
fn read_sampling(config: &Foreign<Config>, codec: Codec) -> (u32, u8) {
    let hevc_flags = config.get(at::HEVC_FLAGS);
    let chroma_format_idc = match codec {
        Codec::H264 => config.get(at::H264_CHROMA_FORMAT),
        Codec::Hevc => hevc_flags >> 9 & 0b11,
    };
    let bit_depth = match bit_depth_fields(codec, config.api) {
        Some([output, _]) => match config.get(output) {
            0 => 8,
            depth => depth,
        },
        None if codec == Codec::Hevc => 8 + (hevc_flags >> 11 & 0b111),
        None => 8,
    };
    (chroma_format_idc, u8::try_from(bit_depth).unwrap_or(u8::MAX))
}

fn codec_flags_field(codec: Codec) -> super::foreign::Field<Config, u32> {
    match codec {
        Codec::H264 => at::H264_FLAGS,
        Codec::Hevc => at::HEVC_FLAGS,
    }
}

fn refresh_fields(codec: Codec) -> [super::foreign::Field<Config, u32>; 2] {
    match codec {
        Codec::H264 => [at::H264_REFRESH_PERIOD, at::H264_REFRESH_PICTURES],
        Codec::Hevc => [at::HEVC_REFRESH_PERIOD, at::HEVC_REFRESH_PICTURES],
    }
}

fn vui_field(codec: Codec) -> super::foreign::Field<Config, [u32; VUI_WORDS]> {
    match codec {
        Codec::H264 => at::H264_VUI,
        Codec::Hevc => at::HEVC_VUI,
    }
}

fn b_as_reference_field(codec: Codec) -> super::foreign::Field<Config, u32> {
    match codec {
        Codec::H264 => at::H264_B_AS_REF,
        Codec::Hevc => at::HEVC_B_AS_REF,
    }
}
