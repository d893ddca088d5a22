//! The C side of the driver: NVENC's two entry points, and the function table that they lead to.
//! What a client hands in is read here and turned into plain values; the rules and the work are `session`'s.

mod encode;
mod foreign;
mod layout;
mod queries;
mod resources;
mod setup;
mod unsupported;

use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;

use layout::FunctionList;

use crate::handles::Handle;
use crate::protocol;
use crate::rules::{Answer, Status};
use crate::session::SESSIONS;
use crate::session::Session;
use crate::versions::{ApiVersion, HEADERS, V13_0};

/// `NvEncodeAPIGetMaxSupportedVersion`: writes (major << 4) | minor of the newest header this driver understands and
/// returns an NVENCSTATUS. A device with an older `api` refuses newer clients when they open a session.
///
/// # Safety
/// An `out` that is not null points to writable memory for a `u32`.
pub unsafe extern "C" fn max_supported_version(out: *mut u32) -> u32 {
    // SAFETY: the caller's promise is the one asked for.
    match unsafe { foreign::write_out(out, V13_0.packed()) } {
        Ok(()) => Status::Success as u32,
        Err(rule) => rule.status() as u32,
    }
}

/// `NvEncodeAPICreateInstance`: fills the function table for clients of any supported header and returns an NVENCSTATUS.
/// Sessions opened through the table must use the version words of that header.
///
/// # Safety
/// A `list` that is not null points to a function list (2552 bytes in all headers) whose `version` is set.
pub unsafe extern "C" fn create_instance(list: *mut FunctionList) -> u32 {
    if list.is_null() {
        return Status::InvalidPtr as u32;
    }
    // SAFETY: not null; the caller vouches that the version word can be read.
    let word = unsafe { (&raw const (*list).version).read() };
    // As NVIDIA's driver does (580.159.04): it takes any word with 1 to 5 or 7 in bits 28 to 30, whatever the API's version
    // and the struct's, and refuses the sessions of headers that it does not know.
    if matches!(word >> 28 & 7, 0 | 6) {
        return Status::InvalidVersion as u32;
    }
    // SAFETY: the list has the same size in all headers.
    unsafe { fill(list, ApiVersion::from_struct_word(word)) };
    Status::Success as u32
}

/// Puts a function into a slot of the table. Ours take and return integers where the slot's type names a C enum: an
/// enum value unknown to the 12.1 header would be no valid Rust value.
macro_rules! slot {
    ($list:ident . $slot:ident = $function:expr, $signature:ty) => {{
        let function: $signature = $function;
        // SAFETY: the slot lies inside the list. The pointer types differ only in C enums against u32 and in structs
        // behind pointers, which are the same in the C ABI.
        unsafe { (&raw mut (*$list).$slot).cast::<$signature>().write(function) };
    }};
}

type Encoder = *mut c_void;
type WithPtr<T> = unsafe extern "C" fn(Encoder, *mut T) -> u32;
type WithHandle = unsafe extern "C" fn(Encoder, *mut c_void) -> u32;
type Alone = unsafe extern "C" fn(Encoder) -> u32;

/// # Safety
/// `list` points to a writable function list.
unsafe fn fill(list: *mut FunctionList, header: Option<ApiVersion>) {
    use layout as l;
    use queries as q;
    slot!(list.nvEncOpenEncodeSession = setup::open_session_legacy, setup::OpenLegacy);
    slot!(list.nvEncOpenEncodeSessionEx = open_for(header), setup::Open);
    slot!(list.nvEncGetEncodeGUIDCount = q::codec_count, WithPtr<u32>);
    slot!(list.nvEncGetEncodeGUIDs = q::codecs, q::ListOfSession<q::Guid>);
    slot!(list.nvEncGetEncodeProfileGUIDCount = q::profile_count, q::CountOfCodec);
    slot!(list.nvEncGetEncodeProfileGUIDs = q::profiles, q::ListOfCodec<q::Guid>);
    slot!(list.nvEncGetInputFormatCount = q::format_count, q::CountOfCodec);
    slot!(list.nvEncGetInputFormats = q::formats, q::ListOfCodec<u32>);
    slot!(list.nvEncGetEncodeCaps = q::capability, q::CapsOfCodec);
    slot!(list.nvEncGetEncodePresetCount = q::preset_count, q::CountOfCodec);
    slot!(list.nvEncGetEncodePresetGUIDs = q::presets, q::ListOfCodec<q::Guid>);
    slot!(list.nvEncGetEncodePresetConfig = q::preset_config, q::Preset);
    slot!(list.nvEncGetEncodePresetConfigEx = q::preset_config_ex, q::PresetEx);
    slot!(list.nvEncInitializeEncoder = setup::initialize, WithPtr<l::Initialize>);
    slot!(list.nvEncReconfigureEncoder = setup::reconfigure, WithPtr<l::Reconfigure>);
    slot!(list.nvEncDestroyEncoder = setup::destroy_encoder, Alone);
    slot!(list.nvEncGetSequenceParams = setup::sequence_params, WithPtr<l::SequenceParam>);
    slot!(list.nvEncGetSequenceParamEx = setup::sequence_params_ex, setup::SequenceEx);
    slot!(list.nvEncCreateInputBuffer = encode::create_input, WithPtr<l::CreateInput>);
    slot!(list.nvEncDestroyInputBuffer = encode::destroy_input, WithHandle);
    slot!(list.nvEncCreateBitstreamBuffer = encode::create_bitstream, WithPtr<l::CreateBitstream>);
    slot!(list.nvEncDestroyBitstreamBuffer = encode::destroy_bitstream, WithHandle);
    slot!(list.nvEncLockInputBuffer = encode::lock_input, WithPtr<l::LockInput>);
    slot!(list.nvEncUnlockInputBuffer = encode::unlock_input, WithHandle);
    slot!(list.nvEncEncodePicture = encode::encode_picture, WithPtr<l::PicParams>);
    slot!(list.nvEncLockBitstream = encode::lock_bitstream, WithPtr<l::LockBitstream>);
    slot!(list.nvEncUnlockBitstream = encode::unlock_bitstream, WithHandle);
    slot!(list.nvEncGetLastErrorString = last_error, unsafe extern "C" fn(Encoder) -> *const c_char);
    slot!(list.nvEncSetIOCudaStreams = unsupported::set_io_streams, unsupported::TwoPtrs);
    slot!(list.nvEncRegisterResource = resources::register, WithPtr<l::RegisterResource>);
    slot!(list.nvEncUnregisterResource = resources::unregister, WithHandle);
    slot!(list.nvEncMapInputResource = resources::map, WithPtr<l::MapInput>);
    slot!(list.nvEncUnmapInputResource = resources::unmap, WithHandle);
    slot!(list.nvEncInvalidateRefFrames = encode::invalidate_references, unsafe extern "C" fn(Encoder, u64) -> u32);
    // SAFETY: the caller's promise.
    unsafe { fill_unsupported(list) };
}

/// # Safety
/// As for [`fill`].
unsafe fn fill_unsupported(list: *mut FunctionList) {
    use unsupported::{not_implemented, refuse_async};
    slot!(list.nvEncRegisterAsyncEvent = refuse_async, WithHandle);
    slot!(list.nvEncUnregisterAsyncEvent = refuse_async, WithHandle);
    slot!(list.nvEncGetEncodeStats = not_implemented, WithHandle);
    slot!(list.nvEncCreateMVBuffer = not_implemented, WithHandle);
    slot!(list.nvEncDestroyMVBuffer = not_implemented, WithHandle);
    slot!(list.nvEncRunMotionEstimationOnly = not_implemented, WithHandle);
    slot!(list.nvEncRestoreEncoderState = not_implemented, WithHandle);
    slot!(list.nvEncLookaheadPicture = not_implemented, WithHandle);
}

/// A table belongs to one header, so each header has an open function of its own that knows it. `None`: of a header that is
/// not known.
fn open_for(header: Option<ApiVersion>) -> setup::Open {
    let openers: [setup::Open; HEADERS.len()] = [
        setup::open_session::<0>,
        setup::open_session::<1>,
        setup::open_session::<2>,
        setup::open_session::<3>,
        setup::open_session::<4>,
        setup::open_session::<5>,
    ];
    let position = header.and_then(|header| HEADERS.iter().position(|known| *known == header));
    position.map_or(setup::open_of_unknown_header, |position| openers[position])
}

/// The session behind a handle; a forked child has none of its parent's.
fn find(encoder: Encoder) -> Option<Arc<Session>> {
    SESSIONS.find(Handle::from_ptr(encoder)).filter(|session| session.is_ours())
}

/// Runs a call on the session behind `encoder`: null or unknown answers 3; a refusal is noted in the session.
fn with_session(encoder: Encoder, name: &'static str, call: impl FnOnce(&Arc<Session>) -> Answer<Status>) -> u32 {
    let begun_ns = protocol::begin();
    let Some(session) = find(encoder) else {
        protocol::note_call(begun_ns, None, name, Ok(Status::InvalidEncoderDevice));
        return Status::InvalidEncoderDevice as u32;
    };
    let outcome = call(&session);
    protocol::note_call(begun_ns, Some(session.seat.session_idx), name, outcome);
    answer(&session, outcome)
}

fn answer(session: &Session, outcome: Answer<Status>) -> u32 {
    match outcome {
        Ok(status) => status as u32,
        Err(refusal) => {
            session.note_refusal(refusal);
            refusal.status() as u32
        }
    }
}

/// `NvEncGetLastErrorString`: the text of the last rule broken in this session, empty before the first one. The texts are
/// static, so the pointer stays good for ever.
///
/// # Safety
/// None is needed: `encoder` is looked up, not followed.
unsafe extern "C" fn last_error(encoder: Encoder) -> *const c_char {
    let rule = find(encoder).and_then(|session| session.last_breach());
    rule.map_or(c"", |rule| -> &CStr { rule.text() }).as_ptr()
}
