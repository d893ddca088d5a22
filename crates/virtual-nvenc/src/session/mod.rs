//! An encode session: what it holds, how it begins, changes and ends.
//! The calls on its buffers are in `buffers`, those on pictures in `submit` and `reap`; the API's structs are `abi`'s.

pub mod buffers;
pub mod payload_thread;
pub mod reap;
pub mod resources;
pub mod submit;
pub mod turns;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::device::{Model, Seat};
use crate::engine::Service;
use crate::faults::{Counts, Kind, Site};
use crate::forks;
use crate::gop::{Coded, Gop};
use crate::handles::{Handle, Registry};
use crate::params::{EncodeParams, Request, refuse_if};
use crate::payload::{DELIMITER_BYTES, PayloadWriter};
use crate::protocol;
use crate::queue::DriverQueue;
use crate::rules::{Answer, Refusal, Rule};
use crate::session::buffers::{Input, Output, Phase, Surface};
use crate::session::payload_thread::{Task, Worker};
use crate::session::resources::Resource;
use crate::session::turns::{Turn, Turns};
use crate::versions::ApiVersion;

/// Open sessions.
pub static SESSIONS: Registry<Session> = Registry::new();

/// Buffers and resources that went with their sessions.
static NUM_LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

/// Handles that clients of this process got and did not give back: open sessions, and buffers and registered resources that are
/// theirs or went with a session. A client that has ended well leaves none.
pub fn num_unreturned_handles() -> usize {
    let of_open: usize = SESSIONS.all().iter().map(|session| 1 + session.state().num_handles()).sum();
    of_open + NUM_LEFT_BEHIND.load(Ordering::Relaxed)
}

/// One client's session. Every method may be called from any thread.
pub struct Session {
    /// The header the client was built with.
    pub api: ApiVersion,
    pub model: Arc<Model>,
    pub seat: Seat,
    /// The process that opened it, in the count of `forks`.
    process: u64,
    state: Mutex<State>,
    /// Signalled whenever a wait on the state may have come to its end.
    pub changed: Condvar,
    /// Held over a whole NvEncEncodePicture: pictures enter the session one at a time, in the order of the calls.
    submitting: Mutex<()>,
    /// Held by a lock that waits and by each submission, where the device's locks hold the session.
    holding: Turns,
    last_breach: Mutex<Option<Rule>>,
    breaches: Mutex<BTreeMap<&'static str, u64>>,
    fault_counts: Counts,
}

/// What changes in a session. Its lock is never held while a thread sleeps.
pub struct State {
    encoder: Option<Encoder>,
    worker: Option<Worker>,
    pub inputs: HashMap<Handle, Input>,
    /// What the client registered, whether it is mapped or not.
    pub resources: HashMap<Handle, Resource>,
    pub outputs: HashMap<Handle, Output>,
    /// Outputs that no coded picture has been assigned to, in submission order.
    pub unfilled: VecDeque<Handle>,
    /// Outputs that have not been locked, in submission order: the order in which they must be.
    pub to_lock: VecDeque<Handle>,
    pub queue: DriverQueue,
    /// Pictures released by the reordering and about to go to the engine.
    pub coded: Vec<Coded<Source>>,
    /// Work for the payload thread, oldest first.
    pub tasks: VecDeque<Task>,
    pub payload_thread_ended: bool,
    pub is_closed: bool,
}

/// What NvEncInitializeEncoder made.
pub struct Encoder {
    pub params: EncodeParams,
    pub service: Service,
    pub gop: Gop<Source>,
    /// Parameter sets of the stream.
    pub headers: Vec<u8>,
    pub has_written_headers: bool,
    pub force_next_idr: bool,
    /// Pictures were submitted after the last EOS.
    pub is_unfinished: bool,
    pub num_pictures: u64,
    pub max_output_bytes: usize,
}

/// Where a picture comes from and what the client said about it.
#[derive(Debug)]
pub struct Source {
    pub input: Handle,
    pub surface: Surface,
    pub wants_headers: bool,
    pub timestamp: u64,
    pub duration: u64,
    pub frame_idx: u32,
}

impl Session {
    /// A call is made: what is to go wrong with it goes wrong here, or is answered.
    pub fn strike(&self, site: Site) -> Answer<Option<Kind>> {
        let config = &self.model.config;
        config.faults.strike(site, self.seat.session_idx, &self.fault_counts, config.seed)
    }

    /// Takes a seat on the device, where the device is not older than the client's header.
    pub fn open(model: Arc<Model>, api: ApiVersion) -> Answer<Session> {
        refuse_if(api > model.config.api, Rule::WrongVersion)?;
        let (seat, queue) = (model.take_seat()?, model.config.queue);
        Ok(Session {
            api,
            model,
            seat,
            process: forks::count(),
            state: Mutex::new(State::new(queue)),
            changed: Condvar::new(),
            submitting: Mutex::new(()),
            holding: Turns::default(),
            last_breach: Mutex::new(None),
            breaches: Mutex::default(),
            fault_counts: Counts::default(),
        })
    }

    pub fn initialize(self: &Arc<Self>, request: &Request) -> Answer {
        let params = request.check(&self.model.config, self.api)?;
        let mut state = self.state();
        state.check_open()?;
        refuse_if(state.encoder.is_some(), Rule::InitializedTwice)?;
        let writer = PayloadWriter::new(params.stream).map_err(|_| Rule::BadSize)?;
        state.encoder = Some(Encoder::new(params, &writer, &self.model));
        state.worker = Some(Worker::spawn(Arc::clone(self), writer).map_err(|_| Rule::OutOfThreads)?);
        Ok(())
    }

    /// Changes rate, size or frame rate of a running encoder. `request.config` of `None` keeps the configuration.
    pub fn reconfigure(&self, mut request: Request, force_idr: bool) -> Answer {
        let _turn = self.take_turn();
        let mut state = self.state();
        let current = state.encoder()?.params.clone();
        let is_too_large = request.width > current.max_width || request.height > current.max_height;
        refuse_if(is_too_large, Rule::ReconfigureTooLarge)?;
        if request.max_width == 0 || request.max_height == 0 {
            (request.max_width, request.max_height) = (current.max_width, current.max_height);
        }
        let mut params = request.check(&self.model.config, self.api)?;
        if request.config.is_none() {
            params = current.resized_as(&params);
        }
        current.check_reconfigure(&params)?;
        state.apply(params, force_idr, &self.model)?;
        self.changed.notify_all();
        Ok(())
    }

    /// The parameter sets of the stream, as NvEncGetSequenceParams gives them.
    pub fn sequence_headers(&self) -> Answer<Vec<u8>> {
        Ok(self.state().encoder()?.headers.clone())
    }

    /// Ends the session: waiting calls of other threads return, the payload thread is joined, the seat is free again.
    /// To be called once, by whoever took the session out of the registry.
    pub fn close(&self) {
        let worker = {
            let mut state = self.state();
            if state.outputs.values().any(|output| output.phase != Phase::Free) {
                self.note(Rule::DestroyedInFlight);
            }
            if state.encoder.as_ref().is_some_and(|encoder| encoder.is_unfinished) {
                self.note(Rule::ClosedWithoutEos);
            }
            NUM_LEFT_BEHIND.fetch_add(state.num_handles(), Ordering::Relaxed);
            state.is_closed = true;
            state.tasks.clear();
            self.changed.notify_all();
            state.worker.take()
        };
        // Joined outside the lock: the thread needs it to hand in the picture it is working on.
        drop(worker);
        self.model.leave_seat(self.seat);
    }

    /// Whether this process opened the session, instead of inheriting a copy of it by a fork: without its threads, and
    /// with its locks as they happened to be.
    pub fn is_ours(&self) -> bool {
        self.process == forks::count()
    }

    /// Remembers a refusal for NvEncGetLastErrorString and counts it where it is the client's fault.
    pub fn note_refusal(&self, refusal: Refusal) {
        if let Refusal::Broken(rule) = refusal {
            self.count(rule);
            *self.last_breach.lock().unwrap_or_else(PoisonError::into_inner) = Some(rule);
        }
    }

    /// Counts a habit that is tolerated.
    pub fn note(&self, rule: Rule) {
        self.count(rule);
        protocol::note_habit(self.seat.session_idx, rule);
    }

    fn count(&self, rule: Rule) {
        self.model.count_breach(rule);
        *self.breaches.lock().unwrap_or_else(PoisonError::into_inner).entry(rule.name()).or_insert(0) += 1;
    }

    /// The last line about this session in the protocol.
    pub fn tell_protocol(&self) {
        let num_pictures = self.state().encoder.as_ref().map_or(0, |encoder| encoder.num_pictures);
        let breaches = self.breaches.lock().unwrap_or_else(PoisonError::into_inner);
        protocol::note_end(self.seat.session_idx, num_pictures, breaches.iter().map(|(rule, count)| (*rule, *count)));
    }

    /// Keeps other calls out of the session, on a device whose calls do.
    pub fn hold(&self) -> Option<Turn<'_>> {
        self.model.config.lock_holds_session.then(|| self.holding.take())
    }

    pub fn last_breach(&self) -> Option<Rule> {
        *self.last_breach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait_for_change<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    pub fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.submitting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(queue: u32) -> State {
        State {
            encoder: None,
            worker: None,
            inputs: HashMap::new(),
            resources: HashMap::new(),
            outputs: HashMap::new(),
            unfilled: VecDeque::new(),
            to_lock: VecDeque::new(),
            queue: DriverQueue::new(queue),
            coded: Vec::new(),
            tasks: VecDeque::with_capacity(64),
            payload_thread_ended: false,
            is_closed: false,
        }
    }

    /// Buffers and registered resources that are there.
    fn num_handles(&self) -> usize {
        self.inputs.len() + self.outputs.len() + self.resources.len()
    }

    pub fn encoder(&mut self) -> Answer<&mut Encoder> {
        self.check_open()?;
        self.encoder.as_mut().ok_or(Rule::NotInitialized.into())
    }

    pub fn check_open(&self) -> Answer {
        refuse_if(self.is_closed, Rule::SessionClosed)
    }

    fn apply(&mut self, params: EncodeParams, force_idr: bool, model: &Model) -> Answer {
        let encoder = self.encoder()?;
        if params.stream != encoder.params.stream {
            refuse_if(encoder.gop.is_holding(), Rule::ReconfigureWhileHeld)?;
            let writer = PayloadWriter::new(params.stream).map_err(|_| Rule::BadSize)?;
            encoder.restart(&writer);
            self.tasks.push_back(Task::Restart(Box::new(writer)));
        }
        let encoder = self.encoder()?;
        encoder.force_next_idr |= force_idr;
        encoder.service = service(&params, model);
        encoder.params = params;
        Ok(())
    }
}

impl Encoder {
    fn new(params: EncodeParams, writer: &PayloadWriter, model: &Model) -> Encoder {
        Encoder {
            service: service(&params, model),
            gop: Gop::new(params.gop),
            headers: writer.headers().to_vec(),
            has_written_headers: false,
            force_next_idr: false,
            is_unfinished: false,
            num_pictures: 0,
            max_output_bytes: max_output_bytes(writer),
            params,
        }
    }

    /// A new stream begins: its parameter sets and an IDR picture come first.
    fn restart(&mut self, writer: &PayloadWriter) {
        self.headers = writer.headers().to_vec();
        self.has_written_headers = false;
        self.force_next_idr = true;
        self.max_output_bytes = max_output_bytes(writer);
    }
}

fn max_output_bytes(writer: &PayloadWriter) -> usize {
    DELIMITER_BYTES + writer.headers().len() + writer.max_picture_bytes()
}

fn service(params: &EncodeParams, model: &Model) -> Service {
    let once = model.config.service(params.stream.codec, params.preset, params.stream.width, params.stream.height);
    once.scaled(params.passes.factor())
}
