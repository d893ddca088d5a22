//! A virtual device: its engines, its session limit and its counters, shared by all of its sessions.
//! It knows nothing of the API's structs and rules beyond counting breaches.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use crate::activity::Load;
use crate::clock::{instant, now_ns};
use crate::config::DeviceConfig;
use crate::engine::{Engine, Service, Slot};
use crate::handles::{Handle, Registry};
use crate::memory::DeviceReader;
use crate::readings::GpuReadings;
use crate::rules::{Answer, Basis, Refusal, Rule};
use crate::versions::V12_0;
use crate::video_clock::{FULL_MHZ, VideoClock};

/// Devices in existence.
static DEVICES: Registry<Model> = Registry::new();

/// A virtual GPU. Sessions are opened on [`Device::as_ptr`] for as long as the value lives; sessions that are open when
/// it is dropped go on to work.
#[derive(Debug)]
pub struct Device {
    model: Arc<Model>,
    handle: Handle,
}

/// What a device has seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pictures given to an engine.
    pub pictures: u64,
    /// Pictures whose payload this machine finished only after the modelled time: their waits tell of the host.
    pub late_pictures: u64,
    /// By how much, all of them together.
    pub late_ns: u64,
    /// Sessions open now.
    pub open_sessions: u32,
    /// Rules that clients broke, with how often; rules never broken are left out.
    pub rules_broken: Vec<RuleCount>,
}

/// When an engine worked on one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// It took the picture.
    pub began: Instant,
    /// The picture's output was complete, as far as the model goes.
    pub done: Instant,
}

/// How often a rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleCount {
    /// Short name of the rule, for instance "locked before ready".
    pub rule: &'static str,
    /// Calls that broke it.
    pub count: u64,
    /// Where the rule comes from.
    pub basis: Basis,
}

impl Device {
    /// Makes a device and enters it into the process-wide list in which NvEncOpenEncodeSessionEx looks devices up.
    pub fn new(config: DeviceConfig) -> Device {
        Device::of(Model::new(config, None))
    }

    /// As [`Device::new`], for clients that register memory of a GPU, which `reader` reads.
    pub fn with_reader(config: DeviceConfig, reader: Arc<dyn DeviceReader>) -> Device {
        Device::of(Model::new(config, Some(reader)))
    }

    fn of(model: Model) -> Device {
        let model = Arc::new(model);
        let handle = Handle::new();
        DEVICES.insert(handle, Arc::clone(&model));
        Device { model, handle }
    }

    /// As [`Device::new`], and every context that no other device answers for belongs to this one: what the only device
    /// of a drop-in driver does, whose clients bring contexts of a CUDA library that it knows nothing about. The first
    /// such device of a process stays the one.
    pub fn for_every_context(config: DeviceConfig) -> Device {
        let device = Device::new(config);
        let _ = EVERY_CONTEXT.set(Arc::clone(&device.model));
        device
    }

    /// What goes into `NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS::device`. It must not be followed.
    pub fn as_ptr(&self) -> *mut c_void {
        self.handle.as_ptr()
    }

    pub(crate) fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// What the device was made from.
    pub fn config(&self) -> &DeviceConfig {
        &self.model.config
    }

    /// What the device has seen so far, over all sessions.
    pub fn counters(&self) -> Counters {
        self.model.counters()
    }

    /// What its instruments show now.
    pub fn readings(&self) -> GpuReadings {
        self.model.readings(now_ns())
    }

    /// Keeps the video clock at so many MHz (within what it can be) instead of what `clock=` says, for pictures that are
    /// submitted from now on; `None`: undoes it. `throttle=` halves a locked clock too.
    pub fn lock_clock(&self, mhz: Option<u32>) {
        self.model.clock.lock(mhz);
    }

    /// From now on each engine notes when it works on its next pictures, so many at most.
    pub fn note_pictures(&self, num_pictures: usize) {
        self.model.note_pictures(num_pictures);
    }

    /// What was noted since then, engine by engine in encode order.
    pub fn noted_pictures(&self) -> Vec<Worked> {
        self.model.noted_pictures()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        DEVICES.remove(self.handle);
    }
}

/// Takes the contexts that no device in [`DEVICES`] is behind.
static EVERY_CONTEXT: OnceLock<Arc<Model>> = OnceLock::new();

/// The device that a client names when it opens a session.
pub fn behind(context: Handle) -> Option<Arc<Model>> {
    DEVICES.find(context).or_else(|| EVERY_CONTEXT.get().cloned())
}

/// The shared part of a device.
#[derive(Debug)]
pub struct Model {
    pub config: DeviceConfig,
    /// Reads the memory that clients register; `None`: it is memory of this process.
    pub reader: Option<Arc<dyn DeviceReader>>,
    engines: Vec<Mutex<Engine>>,
    clock: VideoClock,
    seats: Mutex<Seats>,
    pictures: AtomicU64,
    late_pictures: AtomicU64,
    late_ns: AtomicU64,
    breaches: Vec<AtomicU64>,
}

/// Who sits where.
#[derive(Debug)]
struct Seats {
    sessions_per_engine: Vec<u32>,
    num_opened: u64,
}

impl Seats {
    fn num_open(&self) -> u32 {
        self.sessions_per_engine.iter().sum()
    }
}

/// A session's place on the device.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// Sessions opened on this device before this one.
    pub session_idx: u64,
    engine_idx: usize,
}

impl Model {
    fn new(config: DeviceConfig, reader: Option<Arc<dyn DeviceReader>>) -> Model {
        let num_engines = config.engines.max(1) as usize;
        Model {
            engines: (0..num_engines).map(|_| Mutex::default()).collect(),
            seats: Mutex::new(Seats { sessions_per_engine: vec![0; num_engines], num_opened: 0 }),
            clock: VideoClock::new(config.clock, config.throttle, now_ns()),
            pictures: AtomicU64::new(0),
            late_pictures: AtomicU64::new(0),
            late_ns: AtomicU64::new(0),
            breaches: Rule::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            config,
            reader,
        }
    }

    /// Gives a new session the engine with the fewest sessions, where the session limit allows one more.
    pub fn take_seat(&self) -> Answer<Seat> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if seats.num_open() + self.config.foreign_sessions >= self.config.sessions {
            // Drivers of the first headers answer 10 here, newer ones 21; no source names the version of the change.
            let is_newer = self.config.api >= V12_0;
            return Err(if is_newer { Rule::SessionLimit } else { Rule::SessionLimitOld }.into());
        }
        let emptiest = seats.sessions_per_engine.iter_mut().enumerate().min_by_key(|(_, sessions)| **sessions);
        let engine_idx = emptiest.map_or(0, |(engine_idx, sessions)| {
            *sessions += 1;
            engine_idx
        });
        let session_idx = seats.num_opened;
        seats.num_opened += 1;
        Ok(Seat { session_idx, engine_idx })
    }

    pub fn leave_seat(&self, seat: Seat) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sessions) = seats.sessions_per_engine.get_mut(seat.engine_idx) {
            *sessions -= 1;
        }
    }

    /// Books a picture on the session's engine.
    pub fn schedule(&self, seat: Seat, submitted_ns: u64, service: Service) -> Slot {
        self.pictures.fetch_add(1, Ordering::Relaxed);
        let engine = &self.engines[seat.engine_idx % self.engines.len()]; // take_seat chose it, and engines are never removed
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        let service = self.clock.take_up(engine.start_ns(submitted_ns), service);
        engine.schedule(submitted_ns, service)
    }

    fn readings(&self, now_ns: u64) -> GpuReadings {
        let mut all = Load::default();
        for engine in &self.engines {
            all += engine.lock().unwrap_or_else(PoisonError::into_inner).load(now_ns);
        }
        // A share of a second in percent, a rate and a mean of a second: numbers that fit.
        let share = |part: u64, of: u64, whole: u64| (part as f64 * whole as f64 / of.max(1) as f64).round() as u32;
        let span_ns = all.span_ns / self.engines.len() as u64;
        GpuReadings {
            video_mhz: self.clock.mhz(now_ns),
            max_video_mhz: FULL_MHZ,
            encoder_utilisation_pct: share(all.busy_ns, all.span_ns, 100),
            own_sessions: self.seats.lock().unwrap_or_else(PoisonError::into_inner).num_open(),
            foreign_sessions: self.config.foreign_sessions,
            pictures_per_s: share(all.num_pictures, span_ns, 1_000_000_000),
            latency_us: share(all.latency_ns, all.num_pictures * 1000, 1),
            is_throttled: self.clock.is_throttled(now_ns),
            is_idle: self.clock.is_idle(now_ns),
        }
    }

    fn note_pictures(&self, num_pictures: usize) {
        for engine in &self.engines {
            engine.lock().unwrap_or_else(PoisonError::into_inner).note_up_to(num_pictures);
        }
    }

    fn noted_pictures(&self) -> Vec<Worked> {
        let mut worked = Vec::new();
        for engine in &self.engines {
            let engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
            let instants = |slot: &Slot| Worked { began: instant(slot.start_ns), done: instant(slot.done_ns) };
            worked.extend(engine.noted().iter().map(instants));
        }
        worked
    }

    pub fn count_late(&self, late_ns: u64) {
        self.late_pictures.fetch_add(1, Ordering::Relaxed);
        self.late_ns.fetch_add(late_ns, Ordering::Relaxed);
    }

    pub fn count_refusal(&self, refusal: Refusal) {
        if let Refusal::Broken(rule) = refusal {
            self.count_breach(rule);
        }
    }

    pub fn count_breach(&self, rule: Rule) {
        if let Some(count) = self.breaches.get(rule as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counters(&self) -> Counters {
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let breaches = Rule::ALL.iter().zip(&self.breaches);
        Counters {
            pictures: self.pictures.load(Ordering::Relaxed),
            late_pictures: self.late_pictures.load(Ordering::Relaxed),
            late_ns: self.late_ns.load(Ordering::Relaxed),
            open_sessions: seats.num_open(),
            rules_broken: breaches
                .map(|(rule, count)| RuleCount {
                    rule: rule.name(),
                    count: count.load(Ordering::Relaxed),
                    basis: rule.basis(),
                })
                .filter(|broken| broken.count > 0)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles::default_profile;

    fn model(text: &str) -> Model {
        Model::new(text.parse().unwrap(), None)
    }

    #[test]
    fn devices_may_be_used_from_any_thread() {
        fn check<T: Send + Sync>() {}
        check::<Device>();
    }

    #[test]
    fn sessions_spread_over_the_engines_and_stay_there() {
        let model = model("engines=2,sessions=4");
        let seats: Vec<Seat> = (0..4).map(|_| model.take_seat().unwrap()).collect();
        assert_eq!(seats.iter().map(|seat| seat.engine_idx).collect::<Vec<_>>(), [0, 1, 0, 1]);
        model.leave_seat(seats[1]);
        let next = model.take_seat().unwrap();
        assert_eq!((next.engine_idx, next.session_idx), (1, 4), "indices of sessions are not used again");
    }

    #[test]
    fn sessions_of_other_processes_take_places_and_no_time() {
        let model = model("engines=2,sessions=4,foreign_sessions=3");
        assert!(model.take_seat().is_ok());
        assert!(model.take_seat().is_err());
        let readings = model.readings(0);
        assert_eq!((readings.own_sessions, readings.foreign_sessions), (1, 3));
        assert_eq!((readings.encoder_utilisation_pct, readings.is_idle), (0, true));
    }

    #[test]
    fn readings_tell_what_the_engines_did_in_the_last_second() {
        let model = model("engines=2");
        let seat = model.take_seat().unwrap();
        let service = Service { latency_ns: 8_000_000, interval_ns: 4_000_000 };
        for submitted_ns in (2_000_000_000..3_000_000_000).step_by(5_000_000) {
            model.schedule(seat, submitted_ns, service);
        }
        let GpuReadings { encoder_utilisation_pct, pictures_per_s, latency_us, is_idle, .. } =
            model.readings(3_000_000_000);
        assert_eq!(
            (encoder_utilisation_pct, latency_us, is_idle),
            (40, 8000, false),
            "one of two, four fifths of the time"
        );
        assert!((199..=201).contains(&pictures_per_s), "{pictures_per_s}");
        assert_eq!(model.readings(9_000_000_000).encoder_utilisation_pct, 0);
    }

    #[test]
    fn a_clock_that_rises_makes_pictures_shorter_until_it_is_full() {
        let model = model("clock=ramp:100ms");
        let seat = model.take_seat().unwrap();
        let service = Service { latency_ns: 650_000, interval_ns: 650_000 };
        let mut now_ns = 1_000_000_000;
        let took_ns: Vec<u64> = std::iter::repeat_with(|| {
            let slot = model.schedule(seat, now_ns, service);
            now_ns = slot.done_ns;
            slot.done_ns - slot.start_ns
        })
        .take(200)
        .collect();
        assert_eq!((took_ns[0], took_ns[199]), (service.scaled(1950.0 / 645.0).latency_ns, service.latency_ns));
        assert!(took_ns.is_sorted_by(|earlier, later| earlier >= later));
        assert_eq!(model.readings(now_ns).video_mhz, FULL_MHZ);
    }

    #[test]
    fn two_engines_work_side_by_side_and_one_does_not() {
        let service = default_profile().service(crate::payload::Codec::H264, 1, 640, 360);
        let last_done_ns = |text: &str| {
            let model = model(text);
            let seats = [model.take_seat().unwrap(), model.take_seat().unwrap()];
            let done_ns = |picture: usize| model.schedule(seats[picture % 2], 0, service).done_ns;
            (0..100).map(done_ns).max()
        };
        assert_eq!(last_done_ns("engines=1"), Some(100 * 700_000));
        assert_eq!(last_done_ns("engines=2"), Some(50 * 700_000));
    }
}
