//! CUDA memory as input: registered once, mapped for the pictures that read it. For this driver a device pointer is an
//! address that it can read, which is what `virtual-cuda` gives out, unless the device has a reader for real ones. Buffers
//! made here are `buffers`' work.

use crate::caps;
use crate::device::Model;
use crate::handles::Handle;
use crate::params::refuse_if;
use crate::payload::PixelFormat;
use crate::rules::{Answer, Rule};
use crate::session::Session;
use crate::session::buffers::{Input, Surface, suits};

/// What a client registered.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    /// Its address.
    pub ptr: *const u8,
    pub format: PixelFormat,
    pub width: u32,
    pub height: u32,
    pub pitch_bytes: u32,
}

// SAFETY: the address is only handed on to `Surface::of_client`, whose reading has rules of its own.
unsafe impl Send for Resource {}

impl Session {
    pub fn register(&self, resource: Resource) -> Answer<Handle> {
        let mut state = self.state();
        let stream = state.encoder()?.params.stream;
        refuse_if(!suits(resource.format, &stream), Rule::FormatMismatch)?;
        let (max_width, max_height) = caps::max_size(stream.codec);
        let fits = (1..=max_width).contains(&resource.width) && (1..=max_height).contains(&resource.height);
        refuse_if(!fits, Rule::BadSize)?;
        refuse_if(resource.surface(&self.model).is_none(), Rule::ResourceTooSmall)?;
        let handle = Handle::new();
        state.resources.insert(handle, resource);
        Ok(handle)
    }

    /// Registered memory that is still mapped stays so; it is counted.
    pub fn unregister(&self, handle: Handle) -> Answer {
        let mut state = self.state();
        let resource = state.resources.remove(&handle).ok_or(Rule::NotRegistered)?;
        let is_mapped = state.inputs.values().any(|input| input.is_mapped && input.surface.is_at(resource.ptr));
        drop(state);
        if is_mapped {
            self.note(Rule::DestroyedInFlight);
        }
        Ok(())
    }

    /// Gives the handle to encode from, and the format.
    pub fn map(&self, handle: Handle) -> Answer<(Handle, PixelFormat)> {
        let mut state = self.state();
        let resource = *state.resources.get(&handle).ok_or(Rule::NotRegistered)?;
        let surface = resource.surface(&self.model).ok_or(Rule::ResourceTooSmall)?;
        let mapped = Handle::new();
        let input = Input { surface, is_locked: false, num_held: 0, num_reading: 0, busy_until_ns: 0, is_mapped: true };
        state.inputs.insert(mapped, input);
        Ok((mapped, resource.format))
    }

    /// The memory is the client's again. With B pictures the k-th output is not the k-th input's, so clients that unmap
    /// as they unlock do so while the engine still reads: the call waits for that. A picture held back for later ones
    /// cannot be waited for; it fails, and that is counted.
    pub fn unmap(&self, handle: Handle) -> Answer {
        let mut state = self.state();
        let input = loop {
            let may_end = !state.payload_thread_ended && !state.is_closed;
            let input = state.inputs.get(&handle).filter(|input| input.is_mapped).ok_or(Rule::NotMapped)?;
            if input.num_reading == 0 || !may_end {
                break state.inputs.remove(&handle).ok_or(Rule::NotMapped)?;
            }
            state = self.wait_for_change(state);
        };
        // The payload thread needs the state to hand in what it may be reading just now.
        drop(state);
        input.surface.memory.give_back();
        if input.num_held > 0 || input.num_reading > 0 {
            self.note(Rule::DestroyedInFlight);
        }
        Ok(())
    }
}

impl Resource {
    fn surface(&self, model: &Model) -> Option<Surface> {
        let reader = model.reader.clone();
        Surface::of_client(self.ptr, self.format, self.width, self.height, self.pitch_bytes, reader)
    }
}
