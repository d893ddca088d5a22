//! A sweep on a separate thread, for a watcher that must not block and that the sweep must not wait for.
//!
//! Important events (a run began, a run ended, the sweep ended) come through a channel that never fills and loses nothing.
//! Single frames come through a buffer of fixed size: if it is full, or the watcher holds it at that moment, they are
//! left out, since the measured loop neither waits nor allocates for a watcher. Between two runs, where nothing is measured,
//! the sweep does wait for a moment: a watcher that draws then disturbs no run.

use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::calibrate::{NOTE, finish};
use super::pause::Pause;
use super::recording::{Recording, RecordingError};
use super::run::LiveUpdate;
use super::schedule::Forecast;
use super::sweep::{Event, Outcome};
use crate::plan::{Plan, PlannedRun};
use crate::record::{LiveSample, RunRecord};
use crate::session::{Manifest, Session, SessionPlace};
use crate::stats::evidence::noise_floor::NoiseFloor;

/// Frames kept for a slow watcher.
const LIVE_SAMPLES: usize = 1 << 14;

/// What to measure, and where to save it.
#[derive(Debug, Clone)]
pub struct SweepRequest {
    /// The plan of the sweep.
    pub plan: Plan,
    /// The session to create.
    pub place: SessionPlace,
    /// Recorded in the session as the command.
    pub command: String,
    /// Is it a calibration, whose noise floors are to be saved?
    pub calibrates: bool,
    /// The session whose rest is to be made, in its own place and by its own plan; `None`: a new one.
    pub resumes: Option<Box<Session>>,
}

/// What a watcher is told, in this order: begun, then runs, then ended; or only ended.
#[derive(Debug)]
pub enum SweepEvent {
    /// Device and input are open, and the session folder exists.
    Begun(PathBuf, Box<Manifest>),
    /// The runs that begin now, and those that are likely to follow.
    RunsAhead(Forecast),
    /// A run begins.
    RunStarted(PlannedRun),
    /// A run has ended and is saved.
    RunFinished(Box<RunRecord>),
    /// The noise floors of a calibration; they are saved.
    Calibrated(Box<NoiseFloor>),
    /// The sweep has ended; nothing follows.
    Ended(Result<Outcome, RecordingError>),
}

/// A sweep in progress. Dropping it stops the sweep, waits for the frames in flight, and keeps the finished runs.
#[derive(Debug)]
pub struct SweepThread {
    events: Receiver<SweepEvent>,
    live: Arc<Live>,
    thread: Option<JoinHandle<()>>,
}

type Task = Box<dyn FnOnce() + Send>;
type Started = std::io::Result<JoinHandle<()>>;

/// Starts the threads of sweeps from a separate thread.
///
/// A thread inherits the priority of the one that starts it: if a watcher lowers its own priority after creating this, the
/// sweeps that it starts keep theirs.
#[derive(Debug)]
pub struct Starter(Sender<(Task, Sender<Started>)>);

impl Starter {
    /// Starts the thread, which ends when this is dropped.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn new() -> std::io::Result<Self> {
        let (sender, tasks) = mpsc::channel::<(Task, Sender<Started>)>();
        std::thread::Builder::new().name("starter".to_owned()).spawn(move || {
            for (task, answer) in tasks {
                drop(answer.send(std::thread::Builder::new().name("sweep".to_owned()).spawn(task)));
            }
        })?;
        Ok(Self(sender))
    }

    fn start(&self, task: Task) -> Started {
        let (answer, started) = mpsc::channel();
        let gone = |_| std::io::Error::other("the thread that starts sweeps has ended; restart the window");
        self.0.send((task, answer)).map_err(|_| gone(mpsc::RecvError))?;
        started.recv().map_err(gone)?
    }
}

/// Shared with the measured loop.
#[derive(Debug)]
struct Live {
    stop: AtomicBool,
    samples: Mutex<Vec<LiveSample>>,
    pause: Pause,
}

impl SweepThread {
    /// Starts at once. `wake` is called when the sweep has begun or ended, and between two runs, never from inside a measured
    /// loop; the sweep then waits until [`SweepThread::has_drawn`].
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(starter: &Starter, request: SweepRequest, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (sender, events) = mpsc::channel();
        let live = Arc::new(Live::new());
        let sender = EventSender { sender, wake, live: Arc::clone(&live) };
        let thread = starter.start(Box::new(move || {
            let ended = sender.run(request);
            sender.tell(SweepEvent::Ended(ended));
        }))?;
        Ok(Self { events, live, thread: Some(thread) })
    }

    /// The next event, if any; does not wait.
    pub fn next_event(&self) -> Option<SweepEvent> {
        self.events.try_recv().ok()
    }

    /// Exchanges the frames of the run in progress since the last call for an empty `spent` buffer, which is grown as
    /// needed.
    pub fn take_samples(&self, spent: &mut Vec<LiveSample>) {
        spent.clear();
        spent.reserve(LIVE_SAMPLES);
        mem::swap(spent, &mut self.live.samples.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The watcher begins a picture.
    pub fn begin_drawing(&self) {
        self.live.pause.begin_drawing();
    }

    /// The watcher has drawn what it knows; the drawing goes on for `rest` where another process or thread does it.
    pub fn has_drawn(&self, rest: Duration) {
        self.live.pause.has_drawn(rest);
    }

    /// Asks the sweep to end: the run in progress is drained and dropped, finished runs stay.
    pub fn stop(&self) {
        self.live.stop.store(true, Ordering::Relaxed);
    }

    /// Was the sweep asked to end?
    pub fn is_stopping(&self) -> bool {
        self.live.stop.load(Ordering::Relaxed)
    }
}

impl Drop for SweepThread {
    fn drop(&mut self) {
        self.stop();
        // A sweep that panicked has told what it could; there is nothing to do about it here.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// The thread's end of the channel and the buffer.
struct EventSender<W> {
    sender: Sender<SweepEvent>,
    wake: W,
    live: Arc<Live>,
}

impl<W: Fn()> EventSender<W> {
    fn run(&self, request: SweepRequest) -> Result<Outcome, RecordingError> {
        let stop = &self.live.stop;
        let (mut recording, mut writer) = match &request.resumes {
            Some(session) => Recording::resume(session, request.command, true, stop)?,
            None => {
                let recording = Recording::prepare(request.plan, request.command, true, stop)?;
                let recording = if request.calibrates { recording.with_note(NOTE) } else { recording };
                let writer = recording.create(&request.place)?;
                (recording, writer)
            }
        };
        let dir = writer.dir().to_owned();
        self.tell(SweepEvent::Begun(dir.clone(), Box::new(writer.manifest().clone())));
        let outcome = recording.measure(&mut writer, &self.live.stop, &mut |event| {
            match event {
                // Heard soon enough with whatever wakes the watcher next.
                Event::RunsAhead(forecast) => drop(self.sender.send(SweepEvent::RunsAhead(forecast))),
                Event::RunStarted(run) => drop(self.sender.send(SweepEvent::RunStarted(*run))),
                Event::RunWatched(_, live_update) => self.live.offer(live_update),
                Event::RunFinished(record) => {
                    drop(self.sender.send(SweepEvent::RunFinished(record)));
                    self.live.pause.take(&self.wake);
                }
            }
            Ok(())
        })?;
        if request.calibrates && !outcome.stopped {
            self.tell(SweepEvent::Calibrated(Box::new(finish(&dir, None)?)));
        }
        Ok(outcome)
    }

    /// A watcher that is gone has stopped the sweep already.
    fn tell(&self, event: SweepEvent) {
        drop(self.sender.send(event));
        (self.wake)();
    }
}

impl Live {
    fn new() -> Self {
        let samples = Mutex::new(Vec::with_capacity(LIVE_SAMPLES));
        Self { stop: AtomicBool::new(false), samples, pause: Pause::default() }
    }

    /// From inside the measured loop.
    fn offer(&self, live_update: LiveUpdate<'_>) {
        let Ok(mut samples) = self.samples.try_lock() else { return };
        let room = samples.capacity() - samples.len();
        samples.extend(live_update.fresh.iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::opened::OpenError;

    fn request(dir: PathBuf) -> SweepRequest {
        let plan = Plan {
            device: "virtual:turing,interval_us=200,latency_us=400".to_owned(),
            input: "synthetic:64x64@30".to_owned(),
            frames: 20,
            reap_thresholds: vec![1, 4],
            locks: vec![crate::contract::LockPlacement::Inline],
            warmup: 1,
            repeat: 2,
            looks: Vec::new(),
            ..Plan::default()
        };
        SweepRequest {
            plan,
            place: SessionPlace::Named(dir),
            command: "inflight gui".to_owned(),
            calibrates: false,
            resumes: None,
        }
    }

    fn hear_all(thread: &SweepThread) -> (usize, Result<Outcome, RecordingError>) {
        let mut num_finished = 0;
        loop {
            match thread.events.recv().unwrap() {
                SweepEvent::RunFinished(_) => num_finished += 1,
                SweepEvent::Ended(ended) => return (num_finished, ended),
                SweepEvent::Begun(..)
                | SweepEvent::RunsAhead(_)
                | SweepEvent::RunStarted(_)
                | SweepEvent::Calibrated(_) => {}
            }
        }
    }

    #[test]
    fn every_run_is_told_and_saved() {
        let dir = tempfile::tempdir().unwrap();
        let thread = SweepThread::start(&Starter::new().unwrap(), request(dir.path().join("session")), || ()).unwrap();
        let (num_finished, ended) = hear_all(&thread);
        assert_eq!(num_finished, 6);
        assert_eq!(ended.unwrap(), Outcome { num_done: 6, num_failed: 0, stopped: false });
        let session = crate::session::Session::open(&dir.path().join("session")).unwrap();
        assert_eq!(session.summaries.len(), 6);
    }

    #[test]
    fn a_stop_keeps_what_was_finished() {
        let dir = tempfile::tempdir().unwrap();
        let mut request = request(dir.path().join("session"));
        request.plan.repeat = 100_000;
        let thread = SweepThread::start(&Starter::new().unwrap(), request, || ()).unwrap();
        while !matches!(thread.events.recv().unwrap(), SweepEvent::RunFinished(_)) {}
        thread.stop();
        let (num_finished, ended) = hear_all(&thread);
        assert!(ended.unwrap().stopped);
        let dir = dir.path().join("session");
        let session = crate::session::Session::open(&dir).unwrap();
        assert_eq!(session.summaries.len(), num_finished + 1);
        assert!(Recording::num_missing(&session) > 0);
    }

    #[test]
    fn what_was_stopped_is_made_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("session");
        let new = SweepRequest { resumes: None, ..request(dir.clone()) };
        let thread = SweepThread::start(&Starter::new().unwrap(), new, || ()).unwrap();
        while !matches!(thread.events.recv().unwrap(), SweepEvent::RunFinished(_)) {}
        drop(thread);
        let session = Session::open(&dir).unwrap();
        let (num_made, num_missing) = (session.summaries.len(), Recording::num_missing(&session) as usize);
        assert_eq!(num_made + num_missing, 6);
        let rest = SweepRequest { resumes: Some(Box::new(session)), ..request(dir.clone()) };
        let thread = SweepThread::start(&Starter::new().unwrap(), rest, || ()).unwrap();
        let (num_finished, ended) = hear_all(&thread);
        assert_eq!((num_finished, ended.unwrap().stopped), (num_missing, false));
        let session = Session::open(&dir).unwrap();
        assert_eq!((session.summaries.len(), Recording::num_missing(&session)), (6, 0));
    }

    #[test]
    fn what_cannot_run_is_said_and_leaves_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let mut request = request(dir.path().join("session"));
        request.plan.device = "virtual:no-such-profile".to_owned();
        let thread = SweepThread::start(&Starter::new().unwrap(), request, || ()).unwrap();
        let (_, ended) = hear_all(&thread);
        assert!(matches!(ended, Err(RecordingError::Open(OpenError::Device(_)))));
        assert!(!dir.path().join("session").exists());
    }
}
