//! The payload thread of a session: it turns submitted pixels into stream bytes while the modelled engine "works".
//! It knows no API call; it takes tasks from the session's queue and hands finished pictures back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crate::clock;
use crate::handles::Handle;
use crate::padding::Padding;
use crate::payload::{Codec, DELIMITER_BYTES, PayloadWriter, PictureHeader, Pixels, delimiter};
use crate::session::Session;
use crate::session::buffers::{Payload, Surface};

/// Owns the thread; dropping it waits for the thread's end, which `State::is_closed` brings about.
pub struct Worker {
    thread: Option<JoinHandle<()>>,
}

/// One piece of work.
pub enum Task {
    Encode(Job),
    /// A new stream begins.
    Restart(Box<PayloadWriter>),
}

/// One picture to be written.
pub struct Job {
    pub header: PictureHeader,
    pub with_headers: bool,
    /// Whose access unit delimiter stands before the picture, if one does.
    pub delimiter: Option<Codec>,
    pub input: Handle,
    pub surface: Surface,
    /// As the client asked for; the stream may be larger by a column and a row.
    pub size: (u32, u32),
    pub output: Handle,
    /// The output's storage, on loan.
    pub bytes: Vec<u8>,
    pub done_ns: u64,
}

impl Worker {
    pub fn spawn(session: Arc<Session>, writer: PayloadWriter) -> io::Result<Worker> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("vnvenc-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let thread = thread::Builder::new().name(name).spawn(move || run(&session, writer))?;
        Ok(Worker { thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been noted by `Ended` already.
            let _ = thread.join();
        }
    }
}

fn run(session: &Session, mut writer: PayloadWriter) {
    let _ended = Ended(session);
    let mut padding = Padding::default();
    while let Some(task) = session.next_task() {
        match task {
            Task::Restart(next) => writer = *next,
            Task::Encode(mut job) => {
                let payload = job.write(&mut writer, &mut padding);
                session.hand_in(job, payload);
            }
        }
    }
}

/// Tells waiting calls that no more payload will come, however the thread ends.
struct Ended<'a>(&'a Session);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.state().payload_thread_ended = true;
        self.0.changed.notify_all();
    }
}

impl Job {
    fn write(&mut self, writer: &mut PayloadWriter, padding: &mut Padding) -> Payload {
        self.bytes.clear();
        // Room is made before the first byte is written; buffers made for this size have it already.
        self.bytes.reserve(DELIMITER_BYTES + writer.headers().len() + writer.max_picture_bytes());
        if let Some(codec) = self.delimiter {
            self.bytes.extend_from_slice(delimiter(codec));
        }
        if self.with_headers {
            self.bytes.extend_from_slice(writer.headers());
        }
        let (header, size, bytes) = (self.header, self.size, &mut self.bytes);
        let write = |pixels: &Pixels<'_>| match padding.fill(pixels, size) {
            Some(padded) => writer.write_picture(header, &padded, bytes),
            None => writer.write_picture(header, pixels, bytes),
        };
        // SAFETY: while a picture is submitted and unfinished NvEncLockInputBuffer does not let the client at the
        // buffer, and a client must not write to a buffer it has not locked (header, NvEncLockInputBuffer). Mapped
        // memory must not change until the picture is locked, and exists until it is unmapped.
        match unsafe { self.surface.with_pixels(write) } {
            Some(Ok(())) => Payload::Made,
            Some(Err(_)) | None => Payload::Failed,
        }
    }
}

impl Session {
    fn next_task(&self) -> Option<Task> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(task) = state.tasks.pop_front() {
                return Some(task);
            }
            state = self.wait_for_change(state);
        }
    }

    /// Puts the bytes back into the output and lets go of the input. Either may be gone by now.
    fn hand_in(&self, job: Job, payload: Payload) {
        let late_ns = clock::now_ns().saturating_sub(job.done_ns);
        if late_ns > 0 {
            self.model.count_late(late_ns);
        }
        let mut state = self.state();
        if let Some(input) = state.inputs.get_mut(&job.input) {
            input.num_reading = input.num_reading.saturating_sub(1);
        }
        if let Some(output) = state.outputs.get_mut(&job.output) {
            output.bytes = job.bytes;
            output.payload = payload;
        }
        self.changed.notify_all();
    }
}
