//! NvEncLockBitstream and NvEncUnlockBitstream: waiting for a picture and handing its bytes out.
//! It knows no struct of the API.

use crate::clock;
use crate::engine::lock_returns_ns;
use crate::handles::Handle;
use crate::params::refuse_if;
use crate::rules::{Answer, Refusal, Rule, Status};
use crate::session::buffers::{Output, Payload, Phase, Picture};
use crate::session::{Session, State};

/// A finished picture; the bytes stay in place until the output is unlocked or destroyed.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    pub ptr: *mut u8,
    pub num_bytes: usize,
    pub picture: Picture,
}

impl Session {
    /// Waits until the picture's modelled time has come, it has been handed out, and its payload is made.
    pub fn lock_output(&self, handle: Handle, do_not_wait: bool) -> Answer<Reaped> {
        let returns_ns = self.await_output(handle, do_not_wait)?;
        let _held = self.hold();
        clock::sleep_until(returns_ns);
        let mut state = self.state();
        loop {
            let (output, is_last_word) = state.awaited(handle)?;
            match output.payload {
                Payload::Made => return Ok(output.hand_out()),
                Payload::Pending if !is_last_word => state = self.wait_for_change(state),
                Payload::Pending | Payload::Failed => {
                    output.phase = Phase::Free;
                    return Err(Rule::PayloadFailed.into());
                }
            }
        }
    }

    pub fn unlock_output(&self, handle: Handle) -> Answer {
        let mut state = self.state();
        let output = state.outputs.get_mut(&handle).ok_or(Rule::ForeignOutput)?;
        refuse_if(output.phase != Phase::Locked, Rule::NotLocked)?;
        output.phase = Phase::Free;
        Ok(())
    }

    /// Checks the rules and marks the output, so that a second lock meets the mark; gives the time at which the call
    /// returns.
    fn await_output(&self, handle: Handle, do_not_wait: bool) -> Answer<u64> {
        let mut state = self.state();
        let codec = state.encoder()?.params.stream.codec;
        let next = state.to_lock.front().copied();
        let output = state.outputs.get_mut(&handle).ok_or(Rule::ForeignOutput)?;
        match output.phase {
            Phase::Ready => {}
            Phase::Free => return Err(Rule::LockedIdle.into()),
            Phase::Submitted => return Err(Rule::LockedBeforeReady.into()),
            Phase::Awaited | Phase::Locked => return Err(Rule::LockedTwice.into()),
        }
        refuse_if(next != Some(handle), Rule::LockedOutOfOrder)?;
        let (now_ns, done_ns) = (clock::now_ns(), output.picture.done_ns);
        let is_unfinished = done_ns > now_ns || output.payload == Payload::Pending;
        if do_not_wait && is_unfinished {
            return Err(Refusal::Status(Status::LockBusy));
        }
        output.phase = Phase::Awaited;
        state.to_lock.pop_front();
        Ok(lock_returns_ns(now_ns, done_ns, self.model.config.lock_ns(codec)))
    }
}

impl State {
    /// The output a call waits for, and whether its payload will not change any more.
    fn awaited(&mut self, handle: Handle) -> Answer<(&mut Output, bool)> {
        self.check_open()?;
        let is_last_word = self.payload_thread_ended;
        let output = self.outputs.get_mut(&handle).ok_or(Rule::ForeignOutput)?;
        Ok((output, is_last_word))
    }
}

impl Output {
    fn hand_out(&mut self) -> Reaped {
        self.phase = Phase::Locked;
        Reaped { ptr: self.bytes.as_mut_ptr(), num_bytes: self.bytes.len(), picture: self.picture }
    }
}
