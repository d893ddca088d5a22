//! A thread that reads a source ahead of the run, through a fixed set of buffers.
//!
//! Buffers go round: empty ones to the thread, full ones back. All of them are filled before the thread starts, so that
//! a run begins with a full queue and no start-up time of the source falls into its clock.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::frame_buffer;
use super::{FrameSource, KillSwitch, SourceError};

type Full = Result<Vec<u8>, SourceError>;

/// The run's end of the thread. Dropping it ends the thread, also in the middle of a frame.
pub struct ReadAhead {
    /// `None` only while being dropped.
    ends: Option<Ends>,
    kill_switch: Option<KillSwitch>,
    thread: Option<JoinHandle<()>>,
    /// The frame that the run looks at; goes back to the thread when it asks for the next.
    current: Vec<u8>,
    remaining: u64,
    spec: String,
}

struct Ends {
    empty: SyncSender<Vec<u8>>,
    full: Receiver<Full>,
}

impl ReadAhead {
    /// Reads the first frames here and starts the thread for the rest. The source must hold `num_frames` frames.
    pub fn start(mut source: Box<dyn FrameSource>, num_frames: u64) -> Result<Self, SourceError> {
        let frames_ahead = source.frames_ahead();
        let (empty_tx, empty_rx) = sync_channel(frames_ahead);
        // One place more than there are buffers: the thread never waits to hand out a frame or an error.
        let (full_tx, full_rx) = sync_channel(frames_ahead + 1);
        let spec = source.info().spec.clone();
        let num_ahead = num_frames.min(frames_ahead as u64);
        let frame_bytes = source.info().frame_bytes();
        for _ in 0..num_ahead {
            let frame = read_frame(source.as_mut(), frame_buffer(frame_bytes)?)?;
            // The receiver lives in this function, and there is room for all of them.
            let _ = full_tx.send(Ok(frame));
        }
        let kill_switch = source.kill_switch();
        let thread = thread::Builder::new()
            .name("frame-reader".to_owned())
            .spawn(move || read_on(source, num_frames - num_ahead, &empty_rx, &full_tx))
            .map_err(SourceError::Thread)?;
        Ok(Self {
            ends: Some(Ends { empty: empty_tx, full: full_rx }),
            kill_switch,
            thread: Some(thread),
            current: Vec::new(),
            remaining: num_frames,
            spec,
        })
    }

    /// The next frame and how long it was waited for, in nanoseconds; `None` after the last one.
    pub fn next(&mut self) -> Result<Option<(&[u8], u64)>, SourceError> {
        let Some(ends) = self.ends.as_ref().filter(|_| self.remaining > 0) else {
            return Ok(None);
        };
        let used = std::mem::take(&mut self.current);
        if !used.is_empty() {
            // A thread that has read its last frame wants no more buffers.
            let _ = ends.empty.send(used);
        }
        let asked_at = Instant::now();
        let full = ends.full.recv().map_err(|_| SourceError::ReaderLost(self.spec.clone()))?;
        let wait_ns = asked_at.elapsed().as_nanos() as u64;
        self.current = full?;
        self.remaining -= 1;
        Ok(Some((&self.current, wait_ns)))
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // First the channels, so that the thread does not begin another frame; then whatever it waits for; then itself.
        self.ends = None;
        if let Some(kill_switch) = self.kill_switch.take() {
            kill_switch.kill();
        }
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported as a lost reader, or nobody asked.
            let _ = thread.join();
        }
    }
}

/// The thread: fills buffers until the frames are read, something fails, or the run hangs up.
fn read_on(mut source: Box<dyn FrameSource>, num_frames: u64, empty: &Receiver<Vec<u8>>, full: &SyncSender<Full>) {
    for _ in 0..num_frames {
        let Ok(frame) = empty.recv() else { return };
        let outcome = read_frame(source.as_mut(), frame);
        let failed = outcome.is_err();
        if full.send(outcome).is_err() || failed {
            return;
        }
    }
}

/// An end where there was none when the input was opened is an error.
fn read_frame(source: &mut dyn FrameSource, mut frame: Vec<u8>) -> Full {
    match source.next_frame(&mut frame)? {
        true => Ok(frame),
        false => Err(SourceError::Changed(source.info().spec.clone())),
    }
}
