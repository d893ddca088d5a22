//! The questions, as data: what is asked in the API's own words, what it takes to ask it, and how.
//!
//! They keep nvEncodeAPI.h's rules, or break them in ways that it has statuses for. Left out is what a driver may follow to
//! memory that is not there (a null pointer for the session's handle, DirectX and OpenGL devices, sessions that were
//! destroyed, handles that are not the driver's), headers that the virtual driver does not know, and
//! nvEncGetLastErrorString, which has no status. Judges no answer.

use std::ffi::c_void;
use std::ptr::null_mut;

use super::Answer;
use super::driver::{Client, Session};
use super::headers::{FUTURE_API, FUTURE_LIST, LARGE};
use super::structs::{Guid, Struct, at};

/// One question to a driver.
pub(super) struct Question {
    /// The call, and what is special about it.
    pub text: &'static str,
    pub needs: Needs,
    ask: Ask,
}

/// What it takes to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// The driver's library.
    Library,
    /// A device, whether or not it encodes.
    Gpu,
    /// An encode session, which only a device with an encode engine gives.
    Engine,
}

/// The error is an answer too: the one that came before the question could be asked.
type Ask = fn(&Client<'_>) -> Result<Answer, Answer>;

const H264: Guid = Guid(0x6bc8_2762, 0x4e63, 0x4ca4, [0xaa, 0x85, 0x1e, 0x50, 0xf3, 0x21, 0xf6, 0xbf]);
const P4: Guid = Guid(0x90a7_b826, 0xdf06, 0x4862, [0xb9, 0xd2, 0xcd, 0x6d, 0x73, 0xa0, 0x86, 0x81]);
const NV12: u32 = 1;
const ULTRA_LOW_LATENCY: u32 = 3;
const CAPS_ASYNC_ENCODE_SUPPORT: u32 = 30;
const END_OF_STREAM: u32 = 8;
const DO_NOT_WAIT: u32 = 1;

/// One more in the part of a version word that holds the struct's own version.
const NEXT_REVISION: u32 = 1 << 16;

/// All of them, in the order in which they are asked and shown.
pub(super) const QUESTIONS: &[Question] = &[
    library("NvEncodeAPIGetMaxSupportedVersion", |it| Ok(it.max_version())),
    library("NvEncodeAPIGetMaxSupportedVersion, null pointer", |it| Ok(it.max_version_into_null())),
    library("NvEncodeAPICreateInstance, the header's version word", |it| Ok(it.create(it.header.list))),
    library("NvEncodeAPICreateInstance, null pointer", |it| Ok(it.create_into_null())),
    library("NvEncodeAPICreateInstance, version word 0", |it| Ok(it.create(0))),
    library("NvEncodeAPICreateInstance, next struct version", |it| Ok(it.create(it.header.list + NEXT_REVISION))),
    library("NvEncodeAPICreateInstance, bit 31 of the version word set", |it| Ok(it.create(it.header.list | LARGE))),
    library("NvEncodeAPICreateInstance, version word of API 14.0", |it| Ok(it.create(FUTURE_LIST))),
    library("NV_ENCODE_API_FUNCTION_LIST, entries that are null", |it| it.null_entries()),
    gpu("nvEncOpenEncodeSessionEx, the header's words", |it| it.open(|_| {})),
    gpu("nvEncOpenEncodeSessionEx, all words of another header", |it| {
        it.open(|open| (open.version, open.api) = (it.header.other().open, it.header.other().api))
    }),
    gpu("nvEncOpenEncodeSessionEx, apiVersion of another header", |it| {
        it.open(|open| open.api = it.header.other().api)
    }),
    gpu("nvEncOpenEncodeSessionEx, version word of another header", |it| {
        it.open(|open| open.version = it.header.other().open)
    }),
    gpu("nvEncOpenEncodeSessionEx, apiVersion 14", |it| it.open(|open| open.api = FUTURE_API)),
    gpu("nvEncOpenEncodeSessionEx, apiVersion 99", |it| it.open(|open| open.api = 99)),
    gpu("nvEncOpenEncodeSessionEx, apiVersion 0", |it| it.open(|open| open.api = 0)),
    gpu("nvEncOpenEncodeSessionEx, next struct version", |it| it.open(|open| open.version += NEXT_REVISION)),
    gpu("nvEncOpenEncodeSessionEx, version word 0", |it| it.open(|open| open.version = 0)),
    gpu("nvEncOpenEncodeSessionEx, null device", |it| it.open(|open| open.device = null_mut())),
    gpu("nvEncOpenEncodeSessionEx, deviceType 99", |it| it.open(|open| open.device_type = 99)),
    gpu("nvEncOpenEncodeSessionEx, null parameters", |it| it.open_with_null_params()),
    gpu("nvEncOpenEncodeSessionEx, refused: handle that was null", |it| it.handle_after_refusal(true)),
    gpu("nvEncOpenEncodeSessionEx, refused: handle that was not null", |it| it.handle_after_refusal(false)),
    gpu("nvEncOpenEncodeSession, deprecated", |it| it.open_as_of_old()),
    library("nvEncGetEncodeGUIDCount, null session", |it| status(it.null_session()?.codec_count()?)),
    library("nvEncGetEncodeGUIDs, null session", |it| status(it.null_session()?.codecs()?)),
    library("nvEncGetEncodePresetCount, null session", |it| {
        status(it.null_session()?.count("nvEncGetEncodePresetCount", H264)?)
    }),
    library("nvEncGetEncodePresetGUIDs, null session", |it| status(it.null_session()?.presets(H264)?)),
    library("nvEncGetInputFormats, null session", |it| status(it.null_session()?.formats(H264)?)),
    library("nvEncGetEncodeCaps, null session", |it| {
        status(it.null_session()?.capability(it.header.caps, H264, CAPS_ASYNC_ENCODE_SUPPORT)?)
    }),
    library("nvEncGetEncodePresetConfigEx, null session", |it| {
        plain(it.null_session()?.preset_config(H264, P4, ULTRA_LOW_LATENCY))
    }),
    library("nvEncInitializeEncoder, null session", |it| {
        let session = it.null_session()?;
        plain(session.pass("nvEncInitializeEncoder", initialize_params(&session)))
    }),
    library("nvEncCreateInputBuffer, null session", |it| {
        let params = Struct::new(it.header.create_input).with(at::INPUT_WIDTH, 640).with(at::INPUT_HEIGHT, 360);
        plain(it.null_session()?.pass("nvEncCreateInputBuffer", params.with(at::INPUT_FORMAT, NV12)))
    }),
    library("nvEncCreateBitstreamBuffer, null session", |it| status(it.null_session()?.create_bitstream()?)),
    library("nvEncEncodePicture, null session", |it| {
        let session = it.null_session()?;
        plain(session.pass("nvEncEncodePicture", end_of_stream(&session)))
    }),
    library("nvEncLockBitstream, null session", |it| {
        plain(it.null_session()?.pass("nvEncLockBitstream", Struct::new(it.header.lock_bitstream)))
    }),
    library("nvEncUnlockBitstream, null session", |it| {
        plain(it.null_session()?.hand("nvEncUnlockBitstream", null_mut()))
    }),
    library("nvEncDestroyEncoder, null session", |it| plain(it.null_session()?.destroy())),
    engine("nvEncGetEncodeGUIDs, as many as counted, with H.264", |it| {
        let session = it.session()?;
        listed(session.codec_count()?, &session.codecs()?, &H264)
    }),
    engine("nvEncGetEncodePresetGUIDs, as many as counted, with P4", |it| {
        let session = it.session()?;
        listed(session.count("nvEncGetEncodePresetCount", H264)?, &session.presets(H264)?, &P4)
    }),
    engine("nvEncGetInputFormats, as many as counted, with NV12", |it| {
        let session = it.session()?;
        listed(session.count("nvEncGetInputFormatCount", H264)?, &session.formats(H264)?, &NV12)
    }),
    engine("nvEncGetEncodePresetCount, codec GUID of zeros", |it| {
        status(it.session()?.count("nvEncGetEncodePresetCount", Guid::default())?)
    }),
    engine("nvEncGetEncodeCaps, NV_ENC_CAPS_ASYNC_ENCODE_SUPPORT", |it| {
        let (status, value) = it.session()?.capability(it.header.caps, H264, CAPS_ASYNC_ENCODE_SUPPORT)?;
        Ok(Answer::with_value(status, value.to_string()))
    }),
    engine("nvEncGetEncodeCaps, next struct version", |it| {
        status(it.session()?.capability(it.header.caps + NEXT_REVISION, H264, CAPS_ASYNC_ENCODE_SUPPORT)?)
    }),
    engine("nvEncGetEncodePresetConfigEx, P4, tuningInfo 0", |it| plain(it.session()?.preset_config(H264, P4, 0))),
    engine("nvEncCreateBitstreamBuffer, encoder not initialized", |it| status(it.session()?.create_bitstream()?)),
    engine("nvEncInitializeEncoder, H.264, P4, 640x360", |it| initialize(it, |params| params)),
    engine("nvEncInitializeEncoder, version word 0", |it| initialize(it, |params| params.with(0, 0))),
    engine("nvEncInitializeEncoder, neither preset nor configuration", |it| {
        initialize(it, |params| params.with_guid(at::INIT_PRESET, Guid::default()))
    }),
    engine("nvEncInitializeEncoder, enableEncodeAsync 1", |it| initialize(it, |params| params.with(at::INIT_ASYNC, 1))),
    engine("nvEncInitializeEncoder, a second time", |it| {
        let session = encoder(it)?;
        plain(session.pass("nvEncInitializeEncoder", initialize_params(&session)))
    }),
    engine("nvEncEncodePicture, end of stream before any frame", |it| {
        let session = encoder(it)?;
        plain(session.pass("nvEncEncodePicture", end_of_stream(&session)))
    }),
    engine("nvEncLockBitstream, null outputBitstream", |it| {
        plain(encoder(it)?.pass("nvEncLockBitstream", Struct::new(it.header.lock_bitstream)))
    }),
    engine("nvEncLockBitstream, version word 0", |it| lock(it, 0)),
    engine("nvEncLockBitstream, doNotWait 1, buffer without a frame", |it| lock(it, it.header.lock_bitstream)),
    engine("nvEncUnlockBitstream, buffer that is not locked", |it| {
        with_buffer(it, |session, buffer| session.hand("nvEncUnlockBitstream", buffer))
    }),
    engine("nvEncDestroyEncoder, open session", |it| plain(it.session()?.destroy())),
];

const fn library(text: &'static str, ask: Ask) -> Question {
    Question { text, needs: Needs::Library, ask }
}

const fn gpu(text: &'static str, ask: Ask) -> Question {
    Question { text, needs: Needs::Gpu, ask }
}

const fn engine(text: &'static str, ask: Ask) -> Question {
    Question { text, needs: Needs::Engine, ask }
}

impl Question {
    pub fn ask(&self, client: &Client<'_>) -> Answer {
        (self.ask)(client).unwrap_or_else(|earlier| earlier)
    }
}

fn plain(status: Result<u32, Answer>) -> Result<Answer, Answer> {
    status.map(Answer::status)
}

/// The status alone of a call that gives a value too.
fn status<T>((status, _): (u32, T)) -> Result<Answer, Answer> {
    Ok(Answer::status(status))
}

/// Does a list hold as many as were counted, and the one that every device has? How many there are depends on the device.
fn listed<T: PartialEq>(counted: (u32, u32), listed: &(u32, Vec<T>), wanted: &T) -> Result<Answer, Answer> {
    let ((count_status, count), (status, values)) = (counted, listed);
    if let Some(refused) = [count_status, *status].into_iter().find(|status| *status != 0) {
        return Ok(Answer::status(refused));
    }
    let is_so = values.len() == count as usize && values.contains(wanted);
    Ok(Answer::with_value(0, if is_so { "yes" } else { "no" }.to_owned()))
}

fn initialize_params(session: &Session) -> Struct {
    Struct::new(session.header.initialize)
        .with_guid(at::INIT_CODEC, H264)
        .with_guid(at::INIT_PRESET, P4)
        .with(at::INIT_WIDTH, 640)
        .with(at::INIT_HEIGHT, 360)
        .with(at::INIT_FPS_NUM, 30)
        .with(at::INIT_FPS_DEN, 1)
        .with(at::INIT_PTD, 1)
        .with(at::INIT_TUNING, ULTRA_LOW_LATENCY)
}

fn end_of_stream(session: &Session) -> Struct {
    Struct::new(session.header.pic_params).with(at::PIC_FLAGS, END_OF_STREAM)
}

fn initialize(client: &Client<'_>, change: fn(Struct) -> Struct) -> Result<Answer, Answer> {
    let session = client.session()?;
    plain(session.pass("nvEncInitializeEncoder", change(initialize_params(&session))))
}

/// A session with an encoder in it.
fn encoder(client: &Client<'_>) -> Result<Session, Answer> {
    let session = client.session()?;
    match session.pass("nvEncInitializeEncoder", initialize_params(&session))? {
        0 => Ok(session),
        status => Err(Answer::with_value(status, "from nvEncInitializeEncoder".to_owned())),
    }
}

/// Asks about an output buffer that nothing was submitted to.
fn with_buffer(
    client: &Client<'_>,
    ask: impl FnOnce(&Session, *mut c_void) -> Result<u32, Answer>,
) -> Result<Answer, Answer> {
    let session = encoder(client)?;
    match session.create_bitstream()? {
        (0, buffer) => {
            let answer = ask(&session, buffer);
            session.hand("nvEncDestroyBitstreamBuffer", buffer)?;
            plain(answer)
        }
        (status, _) => Err(Answer::with_value(status, "from nvEncCreateBitstreamBuffer".to_owned())),
    }
}

fn lock(client: &Client<'_>, version: u32) -> Result<Answer, Answer> {
    with_buffer(client, |session, buffer| {
        let params = Struct::new(version).with(at::LOCK_FLAGS, DO_NOT_WAIT).with_pointer(at::LOCK_OUTPUT, buffer);
        session.pass("nvEncLockBitstream", params)
    })
}
