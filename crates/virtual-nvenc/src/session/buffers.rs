//! Input and output buffers of a session, their states, and the calls that make, destroy and fill them.
//! It does not know what happens to a submitted picture; that is `submit`, `worker` and `reap`.

use std::sync::Arc;

use crate::caps;
use crate::clock;
use crate::handles::Handle;
use crate::memory::{DeviceReader, Memory};
use crate::params::refuse_if;
use crate::payload::{PictureKind, PixelFormat, Pixels, StreamParams};
use crate::rules::{Answer, Refusal, Rule, Status};
use crate::session::{Session, State};

/// Rows start at multiples of this, as real drivers do: a client that ignores the pitch gets a sheared picture at most
/// widths, here as there.
const PITCH_ALIGN_BYTES: u32 = 512;

/// An input buffer.
#[derive(Debug)]
pub struct Input {
    pub surface: Surface,
    /// Between NvEncLockInputBuffer and NvEncUnlockInputBuffer.
    pub is_locked: bool,
    /// Submitted pictures that wait for reordering or lookahead and still need these pixels.
    pub num_held: u32,
    /// Pictures on the engine whose payload is not made yet.
    pub num_reading: u32,
    /// When the engine is done with the last picture that used these pixels.
    pub busy_until_ns: u64,
    /// Mapped by NvEncMapInputResource instead of made here.
    pub is_mapped: bool,
}

/// Pixels of one picture, shared by the client and the payload thread.
#[derive(Clone)]
pub struct Surface {
    pub memory: Arc<Memory>,
    pub format: PixelFormat,
    pub width: u32,
    pub height: u32,
    pub pitch_bytes: u32,
}

/// An output buffer.
#[derive(Debug)]
pub struct Output {
    /// The stream's bytes: with the payload thread while `payload` is pending, here otherwise. The heap memory stays
    /// where it is on each way.
    pub bytes: Vec<u8>,
    pub phase: Phase,
    pub payload: Payload,
    pub picture: Picture,
}

/// Where an output stands between submission and unlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not in use.
    Free,
    /// Given to NvEncEncodePicture; no SUCCESS covers it yet.
    Submitted,
    /// On the engine: may be locked.
    Ready,
    /// A NvEncLockBitstream waits for it.
    Awaited,
    /// The client reads it.
    Locked,
}

/// How far the payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    Pending,
    Made,
    Failed,
}

/// What NvEncLockBitstream reports about a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    pub kind: PictureKind,
    pub timestamp: u64,
    pub duration: u64,
    /// As the client numbered it.
    pub frame_idx: u32,
    pub display_idx: u32,
    pub average_qp: u32,
    /// When the engine has finished it.
    pub done_ns: u64,
}

impl Surface {
    /// Bytes of a row, and rows of all planes together. Planar chroma of an odd height has half a row of luma to spare.
    fn layout(format: PixelFormat, width: u32, height: u32) -> (u32, u32) {
        match format {
            PixelFormat::Nv12 | PixelFormat::Yv12 | PixelFormat::Iyuv => {
                (width, height + height.div_ceil(2) + height % 2)
            }
            PixelFormat::P010 => (2 * width, height + height.div_ceil(2)),
            PixelFormat::Argb | PixelFormat::Abgr => (4 * width, height),
            PixelFormat::Yuv444 => (width, 3 * height),
            PixelFormat::Yuv444P10 => (2 * width, 3 * height),
        }
    }

    /// The client's own memory, `pitch_bytes` from row to row; nothing where a row does not fit into that.
    pub fn of_client(
        ptr: *const u8,
        format: PixelFormat,
        width: u32,
        height: u32,
        pitch_bytes: u32,
        reader: Option<Arc<dyn DeviceReader>>,
    ) -> Option<Surface> {
        let (row_bytes, _) = Self::layout(format, width, height);
        let (pitch, rows) = (pitch_bytes as usize, height as usize);
        let num_bytes = match format {
            PixelFormat::Nv12 | PixelFormat::P010 => pitch * (rows + rows.div_ceil(2)),
            PixelFormat::Yv12 | PixelFormat::Iyuv => pitch * rows + 2 * (pitch / 2) * rows.div_ceil(2),
            PixelFormat::Argb | PixelFormat::Abgr => pitch * rows,
            PixelFormat::Yuv444 | PixelFormat::Yuv444P10 => pitch * 3 * rows,
        };
        let memory = Arc::new(Memory::of_client(ptr, num_bytes, reader));
        (pitch_bytes >= row_bytes).then_some(Surface { memory, format, width, height, pitch_bytes })
    }

    /// Is it the client's memory at this address?
    pub fn is_at(&self, ptr: *const u8) -> bool {
        matches!(&*self.memory, Memory::Client(client) if client.is_at(ptr))
    }

    /// Zeroed pixels, rows padded to the driver's pitch.
    fn new(format: PixelFormat, width: u32, height: u32) -> Option<Surface> {
        let (row_bytes, num_rows) = Self::layout(format, width, height);
        let pitch_bytes = row_bytes.next_multiple_of(PITCH_ALIGN_BYTES);
        let memory = Memory::new(pitch_bytes as usize * num_rows as usize)?;
        Some(Surface { memory: Arc::new(memory), format, width, height, pitch_bytes })
    }

    /// Hands the pixels as they are now to `use_them`; nothing where a client has unmapped them.
    ///
    /// # Safety
    /// As for [`Memory::read`].
    pub unsafe fn with_pixels<R>(&self, use_them: impl FnOnce(&Pixels<'_>) -> R) -> Option<R> {
        let see =
            |bytes: &[u8]| use_them(&Pixels::from_buffer(self.format, self.height, bytes, self.pitch_bytes as usize));
        // SAFETY: the caller's promise is the one asked for.
        unsafe { self.memory.read(see) }
    }
}

impl std::fmt::Debug for Surface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}x{} pitch {}", self.format, self.width, self.height, self.pitch_bytes)
    }
}

impl Output {
    fn new(capacity_bytes: usize) -> Option<Output> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(capacity_bytes).ok()?;
        let picture = Picture {
            kind: PictureKind::Idr,
            timestamp: 0,
            duration: 0,
            frame_idx: 0,
            display_idx: 0,
            average_qp: 0,
            done_ns: 0,
        };
        Some(Output { bytes, phase: Phase::Free, payload: Payload::Made, picture })
    }
}

/// Whether a stream can be made from such pixels: RGB is converted to any sampling, and 8 bits widen to 10.
pub fn suits(format: PixelFormat, stream: &StreamParams) -> bool {
    let has_chroma = format.chroma().is_none_or(|chroma| chroma == stream.chroma);
    has_chroma && format.bit_depth() <= stream.bit_depth
}

impl Session {
    pub fn create_input(&self, format: Option<PixelFormat>, width: u32, height: u32) -> Answer<Handle> {
        let mut state = self.state();
        let stream = state.encoder()?.params.stream;
        let format = format.ok_or(Rule::FormatUnsupported)?;
        refuse_if(!suits(format, &stream), Rule::FormatMismatch)?;
        let (max_width, max_height) = caps::max_size(stream.codec);
        let fits = (1..=max_width).contains(&width) && (1..=max_height).contains(&height);
        refuse_if(!fits, Rule::BadSize)?;
        let surface = Surface::new(format, width, height).ok_or(Refusal::Status(Status::OutOfMemory))?;
        let handle = Handle::new();
        let input =
            Input { surface, is_locked: false, num_held: 0, num_reading: 0, busy_until_ns: 0, is_mapped: false };
        state.inputs.insert(handle, input);
        Ok(handle)
    }

    /// Destroying what is in use is tolerated, because clients do so on their way out of an error; it is counted.
    pub fn destroy_input(&self, handle: Handle) -> Answer {
        let mut state = self.state();
        let is_own = state.inputs.get(&handle).is_some_and(|input| !input.is_mapped);
        refuse_if(!is_own, Rule::ForeignInput)?;
        let input = state.inputs.remove(&handle).ok_or(Rule::ForeignInput)?;
        drop(state);
        if input.is_locked || input.num_held > 0 || input.num_reading > 0 {
            self.note(Rule::DestroyedInFlight);
        }
        Ok(())
    }

    pub fn create_output(&self) -> Answer<Handle> {
        let mut state = self.state();
        let capacity_bytes = state.encoder()?.max_output_bytes;
        let output = Output::new(capacity_bytes).ok_or(Refusal::Status(Status::OutOfMemory))?;
        let handle = Handle::new();
        state.outputs.insert(handle, output);
        Ok(handle)
    }

    /// As [`Session::destroy_input`]. A picture that was to be written here is dropped.
    pub fn destroy_output(&self, handle: Handle) -> Answer {
        let mut state = self.state();
        let output = state.outputs.remove(&handle).ok_or(Rule::ForeignOutput)?;
        state.to_lock.retain(|waiting| *waiting != handle);
        if output.phase != Phase::Free {
            self.note(Rule::DestroyedInFlight);
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Waits until no submitted picture needs the buffer any longer; gives its address and pitch.
    pub fn lock_input(&self, handle: Handle, do_not_wait: bool) -> Answer<(*mut u8, u32)> {
        let mut state = self.state();
        loop {
            let now_ns = clock::now_ns();
            let input = state.unlocked_input(handle)?;
            if input.num_reading == 0 && input.busy_until_ns <= now_ns {
                let ptr = input.surface.memory.as_mut_ptr().ok_or(Rule::ForeignInput)?;
                input.is_locked = true;
                return Ok((ptr, input.surface.pitch_bytes));
            }
            if do_not_wait {
                return Err(Refusal::Status(Status::LockBusy));
            }
            let busy_until_ns = input.busy_until_ns;
            if busy_until_ns > now_ns {
                drop(state);
                clock::sleep_until(busy_until_ns);
                state = self.state();
            } else {
                state = self.wait_for_change(state);
            }
        }
    }

    pub fn unlock_input(&self, handle: Handle) -> Answer {
        let mut state = self.state();
        let input = state.inputs.get_mut(&handle).ok_or(Rule::ForeignInput)?;
        refuse_if(!input.is_locked, Rule::InputNotLocked)?;
        input.is_locked = false;
        Ok(())
    }
}

impl State {
    /// The input, where waiting for it would end.
    fn unlocked_input(&mut self, handle: Handle) -> Answer<&mut Input> {
        self.check_open()?;
        let has_payload_thread = !self.payload_thread_ended;
        let input = self.inputs.get_mut(&handle).ok_or(Rule::ForeignInput)?;
        refuse_if(input.is_locked, Rule::InputLockedTwice)?;
        refuse_if(input.num_held > 0, Rule::InputHeld)?;
        refuse_if(input.num_reading > 0 && !has_payload_thread, Rule::PayloadFailed)?;
        Ok(input)
    }
}
