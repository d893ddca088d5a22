//! Frames in a device's memory that one engine fills and another reads: made before a run, used again and again.
//!
//! Knows no engine and no copy. Who fills a frame takes it under its number; who has read it gives it back by that number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{DeviceBuffer, DeviceMemory, MemoryError};

/// No frame's number.
const FREE: u64 = u64::MAX;

/// Memory for a fixed number of frames.
#[derive(Debug)]
pub struct FramePool {
    buffers: Vec<Arc<dyn DeviceBuffer>>,
    /// By buffer: the number of the frame in it.
    frames: Vec<AtomicU64>,
}

impl FramePool {
    /// `num` buffers of `rows` rows of `row_bytes` bytes.
    ///
    /// # Errors
    /// There is not so much memory left.
    pub fn new(memory: &dyn DeviceMemory, row_bytes: usize, rows: usize, num: u32) -> Result<Self, MemoryError> {
        let buffers = (0..num).map(|_| memory.device_buffer(row_bytes, rows)).collect::<Result<Vec<_>, _>>()?;
        let frames = buffers.iter().map(|_| AtomicU64::new(FREE)).collect();
        Ok(Self { buffers, frames })
    }

    /// All buffers, by their place.
    pub fn buffers(&self) -> &[Arc<dyn DeviceBuffer>] {
        &self.buffers
    }

    /// Takes a free buffer for a frame; `None`: all are in use.
    pub fn take(&self, frame: u64) -> Option<&dyn DeviceBuffer> {
        // Acquire: what its last reader did happens before it is filled again.
        let takes =
            |number: &AtomicU64| number.compare_exchange(FREE, frame, Ordering::Acquire, Ordering::Relaxed).is_ok();
        let place = self.frames.iter().position(takes)?;
        self.buffers.get(place).map(|buffer| &**buffer)
    }

    /// Where a frame is; `None`: it was not taken, or was given back.
    pub fn place(&self, frame: u64) -> Option<usize> {
        self.frames.iter().position(|number| number.load(Ordering::Relaxed) == frame)
    }

    /// A frame was read, or is not needed; does nothing where it is not there.
    pub fn give_back(&self, frame: u64) {
        if let Some(number) = self.place(frame).and_then(|place| self.frames.get(place)) {
            number.store(FREE, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nowhere;

    impl DeviceBuffer for Nowhere {
        fn at(&self) -> u64 {
            0
        }

        fn pitch_bytes(&self) -> usize {
            0
        }
    }

    #[test]
    fn a_buffer_has_one_frame_until_it_is_given_back() {
        let buffers: Vec<Arc<dyn DeviceBuffer>> = vec![Arc::new(Nowhere), Arc::new(Nowhere)];
        let pool = FramePool { frames: buffers.iter().map(|_| AtomicU64::new(FREE)).collect(), buffers };
        assert!(pool.take(0).is_some() && pool.take(1).is_some() && pool.take(2).is_none());
        assert_eq!((pool.place(0), pool.place(1), pool.place(2)), (Some(0), Some(1), None));
        pool.give_back(2);
        assert!(pool.take(2).is_none());
        pool.give_back(0);
        assert!(pool.take(2).is_some());
        assert_eq!((pool.place(2), pool.place(0)), (Some(0), None));
    }
}
