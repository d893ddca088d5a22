//! The time model: when an encode engine starts, frees itself and finishes, as pure arithmetic.
//! Every time is an argument in nanoseconds; this file knows no clock, no thread and no API.
//!
//! An engine is a first-in first-out server with a pipeline: a picture occupies its entrance for `interval` and
//! leaves `latency` ≥ `interval` after it started. Latency above the interval is what makes two pictures in flight
//! faster than one.

use crate::activity::{Activity, Load};

/// What one picture costs an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// From the picture's start to the end of its output.
    pub latency_ns: u64,
    /// From the picture's start to the earliest start of the next one.
    pub interval_ns: u64,
}

impl Service {
    /// The same service stretched or shrunk by a factor, as for an IDR picture or jitter.
    pub fn scaled(self, factor: f64) -> Service {
        let scale = |ns: u64| (ns as f64 * factor).round() as u64;
        Service { latency_ns: scale(self.latency_ns), interval_ns: scale(self.interval_ns) }
    }

    /// The same service with so much more before the picture, as for the first of a session.
    pub fn longer(self, extra_ns: u64) -> Service {
        Service { latency_ns: self.latency_ns + extra_ns, interval_ns: self.interval_ns + extra_ns }
    }
}

/// When one picture is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The engine takes the picture.
    pub start_ns: u64,
    /// The picture's output is complete.
    pub done_ns: u64,
}

/// One first-in first-out engine; deadlines are absolute, so nothing drifts with the number of pictures.
#[derive(Debug, Default)]
pub struct Engine {
    free_ns: u64,
    last_done_ns: u64,
    /// The pictures since [`Engine::note_up_to`], as many as there was room made for.
    noted: Vec<Slot>,
    activity: Activity,
}

impl Engine {
    /// When it would take up a picture submitted at `submitted_ns`.
    pub fn start_ns(&self, submitted_ns: u64) -> u64 {
        submitted_ns.max(self.free_ns)
    }

    /// Books the next picture, submitted at `submitted_ns`. Pictures leave in the order in which they came, so a
    /// short picture behind a long one (an IDR) is done no earlier than that one.
    pub fn schedule(&mut self, submitted_ns: u64, service: Service) -> Slot {
        self.activity.settle(submitted_ns, self.free_ns);
        let start_ns = self.start_ns(submitted_ns);
        self.free_ns = start_ns + service.interval_ns;
        self.last_done_ns = self.last_done_ns.max(start_ns + service.latency_ns);
        let slot = Slot { start_ns, done_ns: self.last_done_ns };
        self.activity.count(slot.done_ns - submitted_ns);
        // A client measures while this runs, so no memory is asked for.
        if self.noted.len() < self.noted.capacity() {
            self.noted.push(slot);
        }
        slot
    }

    /// Forgets what was noted, and makes room for so many pictures.
    pub fn note_up_to(&mut self, num_pictures: usize) {
        self.noted.clear();
        self.noted.reserve_exact(num_pictures);
    }

    /// What it did in the second before `now_ns`.
    pub(crate) fn load(&mut self, now_ns: u64) -> Load {
        self.activity.settle(now_ns, self.free_ns);
        self.activity.load()
    }

    /// The pictures since then, in the order in which they were booked.
    pub fn noted(&self) -> &[Slot] {
        &self.noted
    }
}

/// When NvEncLockBitstream returns, called at `called_ns`: the picture is done by then, and handing it out has taken
/// `lock_ns`. That cost falls on the caller for every picture, however long the picture has been done; no number of
/// pictures in flight hides it.
pub fn lock_returns_ns(called_ns: u64, done_ns: u64, lock_ns: u64) -> u64 {
    called_ns.max(done_ns) + lock_ns
}

/// A multiplicative jitter, fixed by seed, session index and picture index alone.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    /// The same seed gives the same factors.
    pub seed: u64,
    /// Half width of the uniform distribution around 1, in percent.
    pub percent: f64,
}

impl Jitter {
    /// The factor of one picture, in `1 ± percent/100`.
    pub fn factor(self, session_idx: u64, picture_idx: u64) -> f64 {
        let bits = mix(mix(mix(self.seed) ^ session_idx) ^ picture_idx);
        let unit = (bits >> 11) as f64 / (1u64 << 53) as f64;
        1.0 + self.percent / 100.0 * (2.0 * unit - 1.0)
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPELINED: Service = Service { latency_ns: 1400, interval_ns: 350 };

    #[test]
    fn idle_engine_starts_at_submission() {
        let mut engine = Engine::default();
        assert_eq!(engine.schedule(100, PIPELINED), Slot { start_ns: 100, done_ns: 1500 });
        assert_eq!(engine.schedule(5000, PIPELINED), Slot { start_ns: 5000, done_ns: 6400 });
    }

    #[test]
    fn serial_client_pays_the_latency_of_each_picture() {
        let mut engine = Engine::default();
        let wall_ns = (0..1000).fold(0, |now_ns, _| engine.schedule(now_ns, PIPELINED).done_ns);
        assert_eq!(wall_ns, 1000 * 1400);
    }

    #[test]
    fn four_in_flight_pay_the_interval() {
        let mut engine = Engine::default();
        let mut done_ns = Vec::new();
        for picture in 0..1000usize {
            let submitted_ns = if picture < 4 { 0 } else { done_ns[picture - 4] };
            done_ns.push(engine.schedule(submitted_ns, PIPELINED).done_ns);
        }
        assert_eq!(done_ns[999], 999 * 350 + 1400);
    }

    #[test]
    fn pictures_are_noted_on_request_and_only_as_many_as_there_is_room_for() {
        let mut engine = Engine::default();
        engine.schedule(0, PIPELINED);
        assert_eq!(engine.noted(), []);
        engine.note_up_to(3);
        let room = engine.noted.capacity();
        let booked: Vec<Slot> = (0..room as u64 + 5).map(|_| engine.schedule(5000, PIPELINED)).collect();
        assert_eq!(engine.noted(), &booked[..room]);
        engine.note_up_to(3);
        assert_eq!((engine.noted(), engine.noted.capacity()), (&[][..], room));
    }

    #[test]
    fn engine_idles_when_the_client_is_slower() {
        let mut engine = Engine::default();
        for picture in 0..100 {
            let slot = engine.schedule(picture * 1000, PIPELINED);
            assert_eq!(slot, Slot { start_ns: picture * 1000, done_ns: picture * 1000 + 1400 });
        }
    }

    #[test]
    fn pictures_leave_in_order_behind_a_long_one() {
        let mut engine = Engine::default();
        assert_eq!(engine.schedule(0, PIPELINED.scaled(3.0)).done_ns, 4200);
        assert_eq!(engine.schedule(0, PIPELINED), Slot { start_ns: 1050, done_ns: 4200 });
        let rest: Vec<u64> = (0..7).map(|_| engine.schedule(0, PIPELINED).done_ns).collect();
        assert_eq!(rest, [4200, 4200, 4200, 4200, 4200, 4550, 4900]);
    }

    #[test]
    fn handing_out_costs_the_same_early_and_late() {
        assert_eq!(lock_returns_ns(100, 1500, 20), 1520);
        assert_eq!(lock_returns_ns(1600, 1500, 20), 1620);
        assert_eq!(lock_returns_ns(1600, 1500, 0), 1600);
    }

    #[test]
    fn jitter_repeats_with_the_seed_and_stays_inside_its_width() {
        let jitter = Jitter { seed: 7, percent: 10.0 };
        let factors: Vec<f64> = (0..1000).map(|picture| jitter.factor(3, picture)).collect();
        let again: Vec<f64> = (0..1000).map(|picture| jitter.factor(3, picture)).collect();
        assert_eq!(factors, again);
        assert!(factors.iter().all(|factor| (0.9..=1.1).contains(factor)));
        let mean = factors.iter().sum::<f64>() / 1000.0;
        assert!((mean - 1.0).abs() < 0.01, "mean {mean}");
        assert_ne!(factors[0], jitter.factor(4, 0));
        assert_ne!(factors[0], Jitter { seed: 8, ..jitter }.factor(3, 0));
    }

    #[test]
    fn no_jitter_is_exactly_one() {
        assert_eq!(Jitter { seed: 1, percent: 0.0 }.factor(0, 0), 1.0);
    }
}
