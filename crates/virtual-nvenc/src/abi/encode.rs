//! Buffers and pictures: the calls of the encode loop.

use std::ffi::c_void;

use super::foreign::{Foreign, handle};
use super::layout::{CreateBitstream, CreateInput, LockBitstream, LockInput, PicParams, at, lock_display_idx};
use super::{Encoder, with_session};
use crate::faults::{Kind, Site};
use crate::gop::Forced;
use crate::guids;
use crate::handles::Handle;
use crate::payload::PictureKind;
use crate::rules::{Answer, Status};
use crate::session::Session;
use crate::session::reap::Reaped;
use crate::session::submit::Submission;

// NV_ENC_PIC_FLAGS
const FORCE_INTRA: u32 = 1;
const FORCE_IDR: u32 = 2;
const OUTPUT_SPSPPS: u32 = 4;
const EOS: u32 = 8;

/// `doNotWait` is bit 0 of the flag word of both lock structs.
const DO_NOT_WAIT: u32 = 0;

const PIC_STRUCT_FRAME: u32 = 1;
/// `NV_ENC_PIC_TYPE_UNKNOWN`
const NO_PICTURE_TYPE: u32 = 0xff;

/// # Safety
/// As the header says of `NvEncCreateInputBuffer`.
pub unsafe extern "C" fn create_input(encoder: Encoder, params: *mut CreateInput) -> u32 {
    with_session(encoder, "NvEncCreateInputBuffer", |session| {
        session.strike(Site::Create)?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        let format = guids::format(params.get(at::CREATE_INPUT_FORMAT));
        let (width, height) = (params.get(at::CREATE_INPUT_WIDTH), params.get(at::CREATE_INPUT_HEIGHT));
        params.set(at::CREATE_INPUT_BUFFER, session.create_input(format, width, height)?.as_ptr());
        Ok(Status::Success)
    })
}

/// # Safety
/// None is needed: handles are looked up. The address NvEncLockInputBuffer gave ends here.
pub unsafe extern "C" fn destroy_input(encoder: Encoder, input: *mut c_void) -> u32 {
    on_buffer(encoder, "NvEncDestroyInputBuffer", input, Session::destroy_input)
}

/// The size a client asks for is ignored, as the header says; the buffer holds any picture of the encoder.
///
/// # Safety
/// As the header says of `NvEncCreateBitstreamBuffer`.
pub unsafe extern "C" fn create_bitstream(encoder: Encoder, params: *mut CreateBitstream) -> u32 {
    with_session(encoder, "NvEncCreateBitstreamBuffer", |session| {
        session.strike(Site::Create)?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        params.set(at::CREATE_BITSTREAM_BUFFER, session.create_output()?.as_ptr());
        Ok(Status::Success)
    })
}

/// # Safety
/// None is needed: handles are looked up. The address NvEncLockBitstream gave ends here.
pub unsafe extern "C" fn destroy_bitstream(encoder: Encoder, output: *mut c_void) -> u32 {
    on_buffer(encoder, "NvEncDestroyBitstreamBuffer", output, Session::destroy_output)
}

/// # Safety
/// As the header says of `NvEncLockInputBuffer`.
pub unsafe extern "C" fn lock_input(encoder: Encoder, params: *mut LockInput) -> u32 {
    with_session(encoder, "NvEncLockInputBuffer", |session| {
        let fault = session.strike(Site::LockInput)?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        let input = handle(params.get(at::LOCK_INPUT_BUFFER))?;
        let (ptr, pitch_bytes) = session.lock_input(input, params.bit(at::LOCK_INPUT_FLAGS, DO_NOT_WAIT))?;
        let ptr = if fault == Some(Kind::Null) { std::ptr::null_mut() } else { ptr };
        params.set(at::LOCK_INPUT_DATA, ptr.cast());
        params.set(at::LOCK_INPUT_PITCH, pitch_bytes);
        Ok(Status::Success)
    })
}

/// # Safety
/// None is needed: handles are looked up.
pub unsafe extern "C" fn unlock_input(encoder: Encoder, input: *mut c_void) -> u32 {
    with_session(encoder, "NvEncUnlockInputBuffer", |session| {
        session.strike(Site::UnlockInput)?;
        session.unlock_input(handle(input)?)?;
        Ok(Status::Success)
    })
}

/// # Safety
/// As the header says of `NvEncEncodePicture`.
pub unsafe extern "C" fn encode_picture(encoder: Encoder, params: *mut PicParams) -> u32 {
    with_session(encoder, "NvEncEncodePicture", |session| {
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        if params.get(at::PIC_FLAGS) & EOS != 0 {
            session.strike(Site::Eos)?;
            return session.end_of_stream();
        }
        session.strike(Site::Encode)?;
        session.state().encoder()?; // before anything else: without an encoder no handle can be valid
        session.submit(&read_submission(&params)?)
    })
}

fn read_submission(params: &Foreign<PicParams>) -> Answer<Submission> {
    let flags = params.get(at::PIC_FLAGS);
    let forced = match (flags & FORCE_IDR != 0, flags & FORCE_INTRA != 0) {
        (true, _) => Forced::Idr,
        (false, true) => Forced::Intra,
        (false, false) => Forced::Nothing,
    };
    Ok(Submission {
        input: handle(params.get(at::PIC_INPUT))?,
        output: handle(params.get(at::PIC_OUTPUT))?,
        format: guids::format(params.get(at::PIC_FORMAT)),
        width: params.get(at::PIC_WIDTH),
        height: params.get(at::PIC_HEIGHT),
        is_field: params.get(at::PIC_STRUCT) > PIC_STRUCT_FRAME,
        forced,
        wants_headers: flags & OUTPUT_SPSPPS != 0,
        timestamp: params.get(at::PIC_TIMESTAMP),
        duration: params.get(at::PIC_DURATION),
        frame_idx: params.get(at::PIC_FRAME_IDX),
    })
}

/// # Safety
/// As the header says of `NvEncLockBitstream`.
pub unsafe extern "C" fn lock_bitstream(encoder: Encoder, params: *mut LockBitstream) -> u32 {
    with_session(encoder, "NvEncLockBitstream", |session| {
        let fault = session.strike(Site::Lock)?;
        // SAFETY: the caller's promise.
        let params = unsafe { Foreign::new(params, session.api) }?;
        let output = handle(params.get(at::LOCK_OUTPUT))?;
        let reaped = session.lock_output(output, params.bit(at::LOCK_FLAGS, DO_NOT_WAIT))?;
        write_reaped(&params, &reaped);
        if let Some(kind) = fault {
            distort(&params, &reaped, kind);
        }
        Ok(Status::Success)
    })
}

fn write_reaped(params: &Foreign<LockBitstream>, reaped: &Reaped) {
    let picture = &reaped.picture;
    params.set(at::LOCK_PTR, reaped.ptr.cast());
    params.set(at::LOCK_SIZE, u32::try_from(reaped.num_bytes).unwrap_or(u32::MAX));
    params.set(at::LOCK_TIMESTAMP, picture.timestamp);
    params.set(at::LOCK_DURATION, picture.duration);
    params.set(at::LOCK_PICTURE_TYPE, picture_type(picture.kind));
    params.set(at::LOCK_STRUCT, PIC_STRUCT_FRAME);
    params.set(at::LOCK_FRAME_IDX, picture.frame_idx);
    params.set(at::LOCK_AVERAGE_QP, picture.average_qp);
    params.set(at::LOCK_NUM_SLICES, 1);
    if let Some(display_idx) = lock_display_idx(params.api) {
        params.set(display_idx, picture.display_idx);
    }
}

/// What a lie of the driver makes of a packet.
fn distort(params: &Foreign<LockBitstream>, reaped: &Reaped, kind: Kind) {
    match kind {
        Kind::BadPts => params.set(at::LOCK_TIMESTAMP, reaped.picture.timestamp | 1 << 40),
        Kind::OldPts => params.set(at::LOCK_TIMESTAMP, 0),
        Kind::Empty => params.set(at::LOCK_SIZE, 0),
        Kind::Null => params.set(at::LOCK_PTR, std::ptr::null_mut()),
        Kind::Truncate => params.set(at::LOCK_SIZE, (reaped.num_bytes / 2) as u32),
        Kind::BadType => params.set(at::LOCK_PICTURE_TYPE, NO_PICTURE_TYPE),
        Kind::Huge => params.set(at::LOCK_SIZE, u32::MAX),
        Kind::Answer(_) | Kind::Hang | Kind::Crash | Kind::Exit | Kind::Delay(_) => {}
    }
}

/// `NV_ENC_PIC_TYPE`
fn picture_type(kind: PictureKind) -> u32 {
    match kind {
        PictureKind::P => 0,
        PictureKind::B => 1,
        PictureKind::I => 2,
        PictureKind::Idr => 3,
    }
}

/// # Safety
/// None is needed: handles are looked up. The address NvEncLockBitstream gave ends here.
pub unsafe extern "C" fn unlock_bitstream(encoder: Encoder, output: *mut c_void) -> u32 {
    with_session(encoder, "NvEncUnlockBitstream", |session| {
        session.strike(Site::Unlock)?;
        session.unlock_output(handle(output)?)?;
        Ok(Status::Success)
    })
}

/// `NvEncInvalidateRefFrames`: every picture of this driver is intra coded, so nothing refers to the invalid one.
///
/// # Safety
/// None is needed: no pointer is followed.
pub unsafe extern "C" fn invalidate_references(encoder: Encoder, _timestamp: u64) -> u32 {
    with_session(encoder, "NvEncInvalidateRefFrames", |session| {
        session.state().encoder()?;
        Ok(Status::Success)
    })
}

fn on_buffer(encoder: Encoder, name: &'static str, buffer: *mut c_void, call: fn(&Session, Handle) -> Answer) -> u32 {
    with_session(encoder, name, |session| {
        call(session, handle(buffer)?)?;
        Ok(Status::Success)
    })
}
