//! What spoils run times: models of a machine's noise from run to run, each with a level of its own.
//!
//! A model gives each run a factor by its place in the order of making; nothing knows which case is run.

use crate::machine::normal;

/// A machine's noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// Independent, normal, this coefficient of variation in percent.
    Normal(f64),
    /// Student's t with three degrees of freedom.
    T3,
    /// Skewed: logarithms with a standard deviation of 0.1.
    LogNormal,
    /// One run in twenty takes half as long again.
    Stragglers,
    /// 5 % from the first run to the last.
    Ramp,
    /// 3 % up over seven runs, then back.
    Sawtooth,
    /// 2 % up and down with this period in runs.
    Period(u32),
    /// Two clocks 5 % apart, switching once in ten runs.
    TwoClocks,
    /// Each run remembers 0.8 of the one before.
    Ar1,
    /// Times are multiples of 15.6 ms.
    Ticks,
}

/// All of them; the first is the quiet one.
pub const ALL: [Noise; 13] = [
    Noise::Normal(1.0),
    Noise::Normal(5.0),
    Noise::T3,
    Noise::LogNormal,
    Noise::Stragglers,
    Noise::Ramp,
    Noise::Sawtooth,
    Noise::Period(2),
    Noise::Period(4),
    Noise::Period(8),
    Noise::TwoClocks,
    Noise::Ar1,
    Noise::Ticks,
];

/// One experiment's course of a noise.
pub struct Course {
    noise: Noise,
    phase: u32,
    state: f64,
    num_runs: u32,
}

impl Course {
    /// Over so many runs.
    pub fn new(noise: Noise, num_runs: u32, random: &mut fastrand::Rng) -> Self {
        Self { noise, phase: random.u32(0..8), state: normal(random), num_runs }
    }

    /// Of the run that is made as the `order`-th and would take `quiet_ms`.
    pub fn ms(&mut self, random: &mut fastrand::Rng, order: u32, quiet_ms: f64) -> f64 {
        let place = order + self.phase;
        let own = (0.005 * normal(random)).exp();
        let factor = match self.noise {
            Noise::Normal(cv_pct) => (cv_pct / 100.0 * normal(random)).exp(),
            Noise::T3 => {
                let chi: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
                (0.01 * normal(random) / (chi / 3.0).sqrt()).exp()
            }
            Noise::LogNormal => (0.1 * normal(random)).exp(),
            Noise::Stragglers => own * if random.f64() < 0.05 { 1.5 } else { 1.0 },
            Noise::Ramp => own * (1.0 + 0.05 * f64::from(order) / f64::from(self.num_runs)),
            Noise::Sawtooth => own * (1.0 + 0.03 * f64::from(place % 7) / 7.0),
            Noise::Period(period) => own * if place % period < period / 2 { 1.02 } else { 1.0 },
            Noise::TwoClocks => {
                if random.f64() < 0.1 {
                    self.state = -self.state;
                }
                own * if self.state > 0.0 { 1.05 } else { 1.0 }
            }
            Noise::Ar1 => {
                self.state = 0.8 * self.state + 0.6 * normal(random);
                (0.02 * self.state).exp()
            }
            Noise::Ticks => {
                let ms = quiet_ms * (0.01 * normal(random)).exp();
                return ((ms + 15.6 * random.f64()) / 15.6).floor() * 15.6;
            }
        };
        quiet_ms * factor
    }
}

impl std::fmt::Display for Noise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&match self {
            Self::Normal(cv_pct) => format!("normal, CV {cv_pct} %"),
            Self::T3 => "t with 3 degrees".to_owned(),
            Self::LogNormal => "lognormal, 10 %".to_owned(),
            Self::Stragglers => "stragglers".to_owned(),
            Self::Ramp => "ramp of 5 %".to_owned(),
            Self::Sawtooth => "sawtooth of 7 runs".to_owned(),
            Self::Period(period) => format!("period of {period} runs"),
            Self::TwoClocks => "two clocks".to_owned(),
            Self::Ar1 => "AR(1), 0.8".to_owned(),
            Self::Ticks => "ticks of 15.6 ms".to_owned(),
        })
    }
}
