//! Where frames are when they are submitted: in buffers of the driver, in a GPU's memory that is filled here, or in frames that
//! somebody else fills.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Instant;

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::registered::Registered;
use super::{Session, given, nanos, params, retry_while_busy, upload};
use crate::calls::{self, Call};
use crate::contract::{EncoderConfig, FrameView, InputPath};
use crate::memory::FramePool;
use crate::nvenc::error::NvencError;
use crate::nvenc::params::{get, put};
use crate::pipeline::engine::InputTimes;

/// Where a frame is when it is submitted.
#[derive(Debug)]
pub(super) enum Input {
    /// In a buffer of the driver.
    Own(*mut c_void),
    /// In memory of the GPU.
    Registered(Registered),
}

/// No driver leaves more room between rows than this many times the row.
const MAX_PITCH_OF_ROW: usize = 64;

/// Why a frame cannot be copied there, if it cannot.
fn place_problem(data: *mut u8, pitch: u32, frame: &FrameView<'_>) -> Option<String> {
    let row_bytes = frame.format.planes(frame.dimensions).first().map_or(0, |plane| plane.row_bytes);
    match pitch as usize {
        _ if data.is_null() => Some("the memory lies at address 0".to_owned()),
        pitch if pitch < row_bytes => Some(format!("rows of {row_bytes} bytes lie {pitch} bytes apart")),
        pitch if pitch > MAX_PITCH_OF_ROW * row_bytes.max(1024) => {
            Some(format!("rows of {row_bytes} bytes lie {pitch} bytes apart"))
        }
        _ => None,
    }
}

impl Session {
    /// Makes `pool` outputs, and as many inputs; of a GPU's memory more of these: it may be filled only once its frame has come
    /// back, and with B-frames a frame comes back up to so many packets later than it went in.
    ///
    /// # Errors
    /// What the driver answers, usually out of memory. Buffers made before are kept and freed with the session.
    pub(in crate::nvenc) fn create_buffers(&mut self, pool: u32, config: &EncoderConfig) -> Result<(), NvencError> {
        for _ in 0..pool {
            self.outputs.push(self.create_output()?);
        }
        if config.nvenc.input_path == InputPath::Convert {
            self.conversion = Some(self.create_conversion(config)?);
        }
        let num_inputs = match config.nvenc.input_path {
            InputPath::Driver => pool,
            InputPath::Cuda | InputPath::Convert => pool + config.held(),
        };
        for _ in 0..num_inputs {
            self.inputs.push(match config.nvenc.input_path {
                InputPath::Driver => Input::Own(self.create_input(config)?),
                InputPath::Cuda | InputPath::Convert => Input::Registered(self.create_registered(config)?),
            });
        }
        Ok(())
    }

    /// Makes `pool` outputs; the inputs are the frames of `frames`, which somebody else fills.
    ///
    /// # Errors
    /// What the driver answers. Buffers made before are kept and freed with the session.
    pub(in crate::nvenc) fn use_frames(
        &mut self,
        frames: Arc<FramePool>,
        pool: u32,
        config: &EncoderConfig,
    ) -> Result<(), NvencError> {
        for _ in 0..pool {
            self.outputs.push(self.create_output()?);
        }
        for buffer in frames.buffers() {
            self.inputs.push(Input::Registered(self.register(Arc::clone(buffer), config)?));
        }
        self.filled_by = Some(frames);
        Ok(())
    }

    /// Does somebody else fill the inputs?
    pub(in crate::nvenc) fn is_filled_elsewhere(&self) -> bool {
        self.filled_by.is_some()
    }

    /// Where the `idx`-th frame is, or is to be.
    pub(super) fn input(&self, idx: u64, pts: u64) -> Result<&Input, NvencError> {
        let place = match &self.filled_by {
            Some(frames) => frames.place(pts),
            None => Some((idx % self.inputs.len() as u64) as usize),
        };
        place.and_then(|place| self.inputs.get(place)).ok_or(NvencError::NoFrame { pts })
    }

    fn create_input(&self, config: &EncoderConfig) -> Result<*mut c_void, NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_CREATE_INPUT_BUFFER>::zeroed();
        let _call = calls::enter(Call::CreateBuffer);
        // SAFETY: the struct is zeroed and written in place, and valid during the call.
        let status = unsafe {
            put!(params.version = sys::NV_ENC_CREATE_INPUT_BUFFER_VER);
            put!(params.width = config.dimensions.width);
            put!(params.height = config.dimensions.height);
            put!(params.bufferFmt = params::buffer_format(config.format));
            (self.api.entries.create_input)(self.encoder, params.as_mut_ptr())
        };
        self.check("nvEncCreateInputBuffer", status)?;
        // SAFETY: the driver succeeded, so it has written the handle.
        given("nvEncCreateInputBuffer", unsafe { get!(params.inputBuffer as *mut c_void) })
    }

    /// Copies the `idx`-th frame to its input. Returns the pitch of its rows in bytes, and the time that the driver took for the
    /// memory.
    ///
    /// # Errors
    /// What the driver answers.
    pub(in crate::nvenc) fn upload(&self, idx: u64, frame: &FrameView<'_>) -> Result<(u32, InputTimes), NvencError> {
        let alone = |pitch| (pitch, InputTimes::default());
        match self.input(idx, frame.pts)? {
            Input::Own(input) => self.upload_by_driver(*input, frame),
            Input::Registered(registered) if self.is_filled_elsewhere() => Ok(alone(registered.take_filled(frame.pts))),
            Input::Registered(registered) => self.upload_by_cuda(registered, frame).map(alone),
        }
    }

    /// Row by row where the driver's pitch is wider than the frame.
    fn upload_by_driver(&self, input: *mut c_void, frame: &FrameView<'_>) -> Result<(u32, InputTimes), NvencError> {
        let mut params = MaybeUninit::<sys::NV_ENC_LOCK_INPUT_BUFFER>::zeroed();
        // SAFETY: the struct is zeroed and written in place.
        unsafe {
            put!(params.version = sys::NV_ENC_LOCK_INPUT_BUFFER_VER);
            put!(params.inputBuffer = input);
        }
        let lock_at = Instant::now();
        let _call = calls::enter(Call::LockInput);
        // SAFETY: the struct is valid during each call.
        let status = retry_while_busy(|| unsafe { (self.api.entries.lock_input)(self.encoder, params.as_mut_ptr()) });
        let lock_ns = Some(nanos(lock_at.elapsed()));
        self.check("nvEncLockInputBuffer", status)?;
        // SAFETY: the driver succeeded, so it has written both.
        let (data, pitch) = unsafe { (get!(params.bufferDataPtr as *mut u8), get!(params.pitch as u32)) };
        let problem = place_problem(data, pitch, frame);
        if problem.is_none() {
            // SAFETY: the buffer is the one made for this size and format, so every plane has its rows at this pitch, and nobody
            // else writes there until it is unlocked.
            unsafe { upload::copy_planes(frame, data, pitch as usize) };
        }
        let unlock_at = Instant::now();
        let _call = calls::enter(Call::UnlockInput);
        // SAFETY: the buffer is the one locked above.
        let status = unsafe { (self.api.entries.unlock_input)(self.encoder, input) };
        let unlock_ns = Some(nanos(unlock_at.elapsed()));
        if let Some(problem) = problem {
            return Err(NvencError::Absurd { call: "nvEncLockInputBuffer", problem });
        }
        self.check("nvEncUnlockInputBuffer", status)?;
        Ok((pitch, InputTimes { lock_ns, unlock_ns, ..InputTimes::default() }))
    }

    /// Converts the `idx`-th frame on the device. Answers false where it is encoded as it came.
    ///
    /// # Errors
    /// What the driver answers.
    pub(in crate::nvenc) fn convert_input(&self, idx: u64, pts: u64) -> Result<bool, NvencError> {
        match (self.input(idx, pts)?, &self.conversion) {
            (Input::Registered(registered), Some(conversion)) => self.convert(conversion, registered).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Maps the `idx`-th frame's memory. Answers false where it is in a buffer of the driver.
    ///
    /// # Errors
    /// What the driver answers.
    pub(in crate::nvenc) fn map_input(&self, idx: u64, pts: u64) -> Result<bool, NvencError> {
        match self.input(idx, pts)? {
            Input::Own(_) => Ok(false),
            Input::Registered(registered) => self.map(registered).map(|()| true),
        }
    }

    /// Unmaps the memory of a frame that has come back. Answers false where it is in a buffer of the driver.
    ///
    /// # Errors
    /// What the driver answers.
    pub(in crate::nvenc) fn unmap_input_of(&self, pts: u64) -> Result<bool, NvencError> {
        let registered = self.inputs.iter().find_map(|input| match input {
            Input::Registered(registered) if registered.holds(pts) => Some(registered),
            Input::Registered(_) | Input::Own(_) => None,
        });
        let was_mapped = registered.map_or(Ok(false), |registered| self.unmap(registered).map(|()| true))?;
        if let Some(frames) = &self.filled_by {
            frames.give_back(pts);
        }
        Ok(was_mapped)
    }
}
