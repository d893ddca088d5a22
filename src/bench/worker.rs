//! A sweep on a separate thread, for a watcher that must not block and that the sweep must not wait for.
//!
//! Important news (a run began, a run ended, the sweep ended) comes through a channel that never fills and loses nothing.
//! Single frames come through a buffer of fixed size: if it is full, or the watcher holds it at that moment, they are
//! left out, since the measured loop neither waits nor allocates for a watcher. Between two runs, where nothing is measured,
//! the sweep does wait for a moment: a watcher that draws then disturbs no run.

use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::calibrate::{NOTE, finish};
use super::job::{Job, JobError};
use super::run::Glimpse;
use super::schedule::Forecast;
use super::sweep::{Event, Outcome};
use crate::plan::{Plan, PlannedRun};
use crate::record::{LiveSample, RunRecord};
use crate::session::Manifest;
use crate::stats::evidence::noise_floor::NoiseFloor;

/// Frames kept for a slow watcher.
const LIVE_SAMPLES: usize = 1 << 14;
/// How often a watcher may draw between two runs, and how long the sweep waits for it at most.
const DRAW_EVERY: Duration = Duration::from_millis(500);
const LONGEST_DRAWING: Duration = Duration::from_millis(400);

/// What to measure, and where to save it.
#[derive(Debug, Clone)]
pub struct Order {
    /// The plan of the sweep.
    pub plan: Plan,
    /// The session folder to create.
    pub dir: PathBuf,
    /// Recorded in the session as the command.
    pub command: String,
    /// Is it a calibration, whose noise floors are to be saved?
    pub calibrates: bool,
}

/// News for a watcher, in this order: begun, then runs, then ended; or only ended.
#[derive(Debug)]
pub enum News {
    /// Device and input are open, and the session folder exists.
    Begun(Box<Manifest>),
    /// The runs that begin now, and those that are likely to follow.
    RunsAhead(Forecast),
    /// A run begins.
    RunStarted(PlannedRun),
    /// A run has ended and is saved.
    RunFinished(Box<RunRecord>),
    /// The noise floors of a calibration; they are saved.
    Calibrated(Box<NoiseFloor>),
    /// The sweep has ended; no news follows.
    Ended(Result<Outcome, JobError>),
}

/// A sweep in progress. Dropping it stops the sweep, waits for the frames in flight, and keeps the finished runs.
#[derive(Debug)]
pub struct Worker {
    news: Receiver<News>,
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
    drawing: Mutex<Drawing>,
    drawn: Condvar,
}

/// What a sweep between two runs knows of its watcher.
#[derive(Debug, Clone, Copy, Default)]
struct Drawing {
    is_awaited: bool,
    /// It did not answer the last time: a window that is hidden draws nothing.
    is_absent: bool,
    /// How long what it drew takes beyond its answer.
    rest: Duration,
    last: Option<Instant>,
}

impl Worker {
    /// Starts at once. `wake` is called when the sweep has begun or ended, and between two runs, never from inside a measured
    /// loop; the sweep then waits until [`Worker::has_drawn`].
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(starter: &Starter, order: Order, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (sender, news) = mpsc::channel();
        let live = Arc::new(Live::new());
        let teller = Teller { sender, wake, live: Arc::clone(&live) };
        let thread = starter.start(Box::new(move || {
            let ended = teller.run(order);
            teller.tell(News::Ended(ended));
        }))?;
        Ok(Self { news, live, thread: Some(thread) })
    }

    /// The next piece of news, if any; does not wait.
    pub fn next_news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// Exchanges the frames of the run in progress since the last call for an empty `spent` buffer, which is grown as
    /// needed.
    pub fn take_samples(&self, spent: &mut Vec<LiveSample>) {
        spent.clear();
        spent.reserve(LIVE_SAMPLES);
        mem::swap(spent, &mut self.live.samples.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The watcher has drawn what it knows; the drawing goes on for `rest` where another process or thread does it.
    pub fn has_drawn(&self, rest: Duration) {
        self.live.has_drawn(rest);
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

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
        // A sweep that panicked has told what it could; there is nothing to do about it here.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// The worker's end of the channel and the buffer.
struct Teller<W> {
    sender: Sender<News>,
    wake: W,
    live: Arc<Live>,
}

impl<W: Fn()> Teller<W> {
    fn run(&self, order: Order) -> Result<Outcome, JobError> {
        let mut job = Job::prepare(order.plan, order.command)?;
        if order.calibrates {
            job = job.with_note(NOTE);
        }
        let mut writer = job.create(&order.dir)?;
        self.tell(News::Begun(Box::new(job.manifest().clone())));
        let outcome = job.measure(&mut writer, &self.live.stop, &mut |event| {
            match event {
                // Heard soon enough with whatever wakes the watcher next.
                Event::RunsAhead(forecast) => drop(self.sender.send(News::RunsAhead(forecast))),
                Event::RunStarted(run) => drop(self.sender.send(News::RunStarted(*run))),
                Event::RunWatched(_, glimpse) => self.live.offer(glimpse),
                Event::RunFinished(record) => {
                    drop(self.sender.send(News::RunFinished(record)));
                    self.live.let_draw(&self.wake);
                }
            }
            Ok(())
        })?;
        if order.calibrates && !outcome.stopped {
            self.tell(News::Calibrated(Box::new(finish(&order.dir, None)?)));
        }
        Ok(outcome)
    }

    /// A watcher that is gone has stopped the sweep already.
    fn tell(&self, news: News) {
        drop(self.sender.send(news));
        (self.wake)();
    }
}

impl Live {
    fn new() -> Self {
        let samples = Mutex::new(Vec::with_capacity(LIVE_SAMPLES));
        Self { stop: AtomicBool::new(false), samples, drawing: Mutex::default(), drawn: Condvar::new() }
    }

    /// Between two runs: gives the watcher the time to draw, if it is due and somebody is there.
    fn let_draw(&self, wake: &impl Fn()) {
        let mut drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        if drawing.last.is_some_and(|last| last.elapsed() < DRAW_EVERY) {
            return;
        }
        drawing.last = Some(Instant::now());
        drawing.is_awaited = true;
        wake();
        if drawing.is_absent {
            return;
        }
        let waited = self.drawn.wait_timeout_while(drawing, LONGEST_DRAWING, |drawing| drawing.is_awaited);
        let (mut drawing, _) = waited.unwrap_or_else(PoisonError::into_inner);
        drawing.is_absent = drawing.is_awaited;
        let rest = drawing.rest.min(LONGEST_DRAWING);
        let is_there = !drawing.is_absent;
        drop(drawing);
        if is_there {
            std::thread::sleep(rest);
        }
    }

    fn has_drawn(&self, rest: Duration) {
        let mut drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        (drawing.is_awaited, drawing.is_absent, drawing.rest) = (false, false, rest);
        self.drawn.notify_all();
    }

    /// From inside the measured loop.
    fn offer(&self, glimpse: Glimpse<'_>) {
        let Ok(mut samples) = self.samples.try_lock() else { return };
        let room = samples.capacity() - samples.len();
        samples.extend(glimpse.fresh.iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(dir: PathBuf) -> Order {
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
        Order { plan, dir, command: "inflight gui".to_owned(), calibrates: false }
    }

    fn hear_all(worker: &Worker) -> (usize, Result<Outcome, JobError>) {
        let mut num_finished = 0;
        loop {
            match worker.news.recv().unwrap() {
                News::RunFinished(_) => num_finished += 1,
                News::Ended(ended) => return (num_finished, ended),
                News::Begun(_) | News::RunsAhead(_) | News::RunStarted(_) | News::Calibrated(_) => {}
            }
        }
    }

    #[test]
    fn every_run_is_told_and_saved() {
        let dir = tempfile::tempdir().unwrap();
        let worker = Worker::start(&Starter::new().unwrap(), order(dir.path().join("session")), || ()).unwrap();
        let (num_finished, ended) = hear_all(&worker);
        assert_eq!(num_finished, 6);
        assert_eq!(ended.unwrap(), Outcome { num_done: 6, num_failed: 0, stopped: false });
        let session = crate::session::Session::open(&dir.path().join("session")).unwrap();
        assert_eq!(session.summaries.len(), 6);
    }

    #[test]
    fn a_watcher_that_draws_is_waited_for_and_one_that_is_hidden_only_once() {
        let live = Arc::new(Live::new());
        let num_woken = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let is_absent = || live.drawing.lock().unwrap().is_absent;
        let due = || live.drawing.lock().unwrap().last = None;
        let wake = |answers: bool| {
            let (live, num_woken) = (Arc::clone(&live), Arc::clone(&num_woken));
            move || {
                num_woken.fetch_add(1, Ordering::Relaxed);
                let live = Arc::clone(&live);
                // Another thread, as the one that draws is: the sweep holds the lock while it wakes it.
                drop(answers.then(|| std::thread::spawn(move || live.has_drawn(Duration::ZERO))));
            }
        };
        live.let_draw(&wake(true));
        assert!(!is_absent());
        // Not due again so soon.
        live.let_draw(&wake(true));
        assert_eq!(num_woken.load(Ordering::Relaxed), 1);
        due();
        live.let_draw(&wake(false));
        assert!(is_absent());
        // Asked again, and not waited for until it answers.
        due();
        live.let_draw(&wake(true));
        while is_absent() {
            std::thread::yield_now();
        }
        assert_eq!(num_woken.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_stop_keeps_what_was_finished() {
        let dir = tempfile::tempdir().unwrap();
        let mut order = order(dir.path().join("session"));
        order.plan.repeat = 100_000;
        let worker = Worker::start(&Starter::new().unwrap(), order, || ()).unwrap();
        while !matches!(worker.news.recv().unwrap(), News::RunFinished(_)) {}
        worker.stop();
        let (num_finished, ended) = hear_all(&worker);
        assert!(ended.unwrap().stopped);
        let session = crate::session::Session::open(&dir.path().join("session")).unwrap();
        assert_eq!(session.summaries.len(), num_finished + 1);
    }

    #[test]
    fn what_cannot_run_is_said_and_leaves_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let mut order = order(dir.path().join("session"));
        order.plan.device = "virtual:no-such-profile".to_owned();
        let worker = Worker::start(&Starter::new().unwrap(), order, || ()).unwrap();
        let (_, ended) = hear_all(&worker);
        assert!(matches!(ended, Err(JobError::Device(_))));
        assert!(!dir.path().join("session").exists());
    }
}
