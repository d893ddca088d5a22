//! A call that only `qualify` makes: a lock whose whole answer is looked at. Judges no answer.

use std::mem::MaybeUninit;

use moq_nvenc::sys::nvEncodeAPI as sys;

use super::Session;
use crate::calls::{self, Call};
use crate::nvenc::error::Status;
use crate::nvenc::params::{get, put};

/// What a driver wrote on a lock, whether it succeeded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockAnswer {
    /// What the call returned.
    pub status: Status,
    /// Is `bitstreamBufferPtr` null?
    pub is_null: bool,
    /// `bitstreamSizeInBytes`
    pub num_bytes: u32,
    /// `hwEncodeStatus`
    pub hw_encode_status: u32,
}

impl Session {
    /// Locks the `idx`-th output with doNotWait, and unlocks it where that succeeded.
    pub(in crate::nvenc) fn ask_lock(&self, idx: u64) -> LockAnswer {
        let mut params = MaybeUninit::<sys::NV_ENC_LOCK_BITSTREAM>::zeroed();
        let _call = calls::enter(Call::LockBitstream);
        // SAFETY: the struct is zeroed and written in place, and valid during the call; every field was zeroed, so it may be read
        // whatever the driver wrote.
        let answer = unsafe {
            put!(params.version = sys::NV_ENC_LOCK_BITSTREAM_VER);
            (*params.as_mut_ptr())._bitfield_1.set_bit(0, true); // doNotWait
            put!(params.outputBitstream = self.output(idx));
            let status = (self.api.entries.lock_output)(self.encoder, params.as_mut_ptr());
            LockAnswer {
                status: Status(status),
                is_null: get!(params.bitstreamBufferPtr as *const u8).is_null(),
                num_bytes: get!(params.bitstreamSizeInBytes as u32),
                hw_encode_status: get!(params.hwEncodeStatus as u32),
            }
        };
        if answer.status == Status::SUCCESS {
            let _call = calls::enter(Call::UnlockBitstream);
            // SAFETY: the handle is this session's, and was locked above.
            unsafe { (self.api.entries.unlock_output)(self.encoder, self.output(idx)) };
        }
        answer
    }
}
