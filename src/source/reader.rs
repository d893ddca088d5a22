//! A thread that reads a source ahead of the run, through a fixed set of buffers.
//!
//! Buffers go round: empty ones to the thread, full ones back. All of them are filled before the run begins, so that no
//! start-up time of the source falls into its clock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::frame_buffer;
use super::{FrameSource, KillSwitch, SourceError};

type Full = Result<Vec<u8>, SourceError>;

/// How often a wait for a frame looks whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The run's end of the thread. Dropping it ends the thread, also in the middle of a frame.
pub struct ReadAhead<'a> {
    /// `None` only while being dropped.
    ends: Option<Ends>,
    kill_switch: Option<KillSwitch>,
    thread: Option<JoinHandle<()>>,
    /// The frame that the run looks at; goes back to the thread when it asks for the next.
    current: Vec<u8>,
    remaining: u64,
    spec: String,
    /// Read before the run began, and not looked at yet.
    first: VecDeque<Vec<u8>>,
    stop: &'a AtomicBool,
}

struct Ends {
    empty: SyncSender<Vec<u8>>,
    full: Receiver<Full>,
}

impl<'a> ReadAhead<'a> {
    /// Starts the thread and waits for its first frames. The source must hold `num_frames` frames. `stop` ends every wait.
    pub fn start(source: Box<dyn FrameSource>, num_frames: u64, stop: &'a AtomicBool) -> Result<Self, SourceError> {
        let frames_ahead = source.frames_ahead();
        let (empty_tx, empty_rx) = sync_channel(frames_ahead);
        // One place more than there are buffers: the thread never waits to hand out a frame or an error.
        let (full_tx, full_rx) = sync_channel(frames_ahead + 1);
        let num_ahead = num_frames.min(frames_ahead as u64);
        for _ in 0..num_ahead {
            // The receiver lives in this function, and there is room for all of them.
            let _ = empty_tx.send(frame_buffer(source.info().frame_bytes())?);
        }
        let (spec, kill_switch) = (source.info().spec.clone(), source.kill_switch());
        let thread = thread::Builder::new()
            .name("frame-reader".to_owned())
            .spawn(move || read_on(source, num_frames, &empty_rx, &full_tx))
            .map_err(SourceError::Thread)?;
        let mut own = Self {
            ends: Some(Ends { empty: empty_tx, full: full_rx }),
            kill_switch,
            thread: Some(thread),
            first: VecDeque::with_capacity(frames_ahead),
            current: Vec::new(),
            remaining: num_frames,
            spec,
            stop,
        };
        for _ in 0..num_ahead {
            let frame = own.wait()?;
            own.first.push_back(frame);
        }
        Ok(own)
    }

    /// The next full buffer.
    fn wait(&self) -> Full {
        let lost = || SourceError::ReaderLost(self.spec.clone());
        let ends = self.ends.as_ref().ok_or_else(lost)?;
        loop {
            match ends.full.recv_timeout(LOOK_EVERY) {
                Ok(full) => return full,
                Err(RecvTimeoutError::Disconnected) => return Err(lost()),
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => {
                    return Err(SourceError::Stopped);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
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
        self.current = self.first.pop_front().map_or_else(|| self.wait(), Ok)?;
        let wait_ns = asked_at.elapsed().as_nanos() as u64;
        self.remaining -= 1;
        Ok(Some((&self.current, wait_ns)))
    }
}

impl Drop for ReadAhead<'_> {
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
