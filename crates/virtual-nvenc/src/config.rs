//! What a virtual device is: a profile and what overrides it, read from and written as one line of text.
//! It knows no session and no clock.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::costs::{MAX_US, MeasuredCosts};
use crate::engine::{Jitter, Service};
use crate::faults::Faults;
use crate::payload::{Codec, Mode};
use crate::profiles::{Profile, default_profile, profiles};
use crate::versions::{ApiVersion, V13_0};
use crate::video_clock::{Clocking, Throttle};

/// A virtual device. As text: `""`, `"NAME"`, `"key=value,…"` or `"NAME,key=value,…"`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceConfig {
    /// What holds wherever a field below does not say otherwise.
    pub profile: &'static Profile,
    /// Time of an ordinary picture inside the engine; `None`: the profile's.
    pub latency_us: Option<u32>,
    /// Time between two pictures of a busy engine; `None`: the profile's.
    pub interval_us: Option<u32>,
    /// What pictures cost on a card that was measured; what it does not have costs what the profile says.
    pub costs: Option<MeasuredCosts>,
    /// Where those came from, which [`fmt::Display`] then writes in their place (`card=…`); its alternate form (`{:#}`) writes them.
    pub card: Option<String>,
    /// Time of an ordinary picture in the decoder, which takes one at a time; `None`: as in the encoder.
    pub decode_us: Option<u32>,
    /// How long NvEncEncodePicture takes.
    pub submit_us: u32,
    /// How long NvEncLockBitstream takes beyond the wait for the picture; `None`: the profile's.
    pub lock_us: Option<u32>,
    /// Most pictures that the driver takes before one is done; NvEncEncodePicture waits for the oldest then. 0: any number.
    pub queue: u32,
    /// Does an NvEncLockBitstream that waits keep NvEncEncodePicture of the same session out meanwhile?
    pub lock_holds_session: bool,
    /// How much longer an IDR picture takes.
    pub idr_factor: f64,
    /// How much longer the first picture of each session takes.
    pub first_us: u32,
    /// Half width of the jitter of each picture's cost, in percent.
    pub jitter_pct: f64,
    /// Seed of the jitter.
    pub seed: u64,
    /// Encode engines; one session uses one of them. 0: no session can be opened, as on an H100 or H200.
    pub engines: u32,
    /// Sessions that may be open at a time.
    pub sessions: u32,
    /// Sessions of other processes: they count among those, and take no time of the engines.
    pub foreign_sessions: u32,
    /// How the engines' clock follows their work.
    pub clock: Clocking,
    /// When that clock is halved.
    pub throttle: Throttle,
    /// What goes wrong.
    pub faults: Faults,
    /// Codecs offered, in the order in which they are listed.
    pub codecs: Vec<Codec>,
    /// What the streams carry.
    pub payload: Mode,
    /// The newest header that is accepted when a session is opened.
    pub api: ApiVersion,
    /// The caller's own work per picture that goes with this device: a suggestion to the caller.
    pub host_work_us: u32,
}

/// Why a text describes no device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The part before the first comma names no profile.
    #[error("unknown profile '{name}': use {known}")]
    UnknownProfile {
        /// What was given.
        name: String,
        /// All profiles.
        known: String,
    },
    /// A part without `=` stands behind the first one.
    #[error("'{part}' is not key=value: write for example latency_us=700")]
    NotAKeyValue {
        /// What was given.
        part: String,
    },
    /// The key does not exist.
    #[error("unknown key '{key}': use {known}")]
    UnknownKey {
        /// What was given.
        key: String,
        /// All keys.
        known: String,
    },
    /// The key stands there twice.
    #[error("key '{key}' is given twice: keep one of them")]
    Repeated {
        /// The key.
        key: &'static str,
    },
    /// The value is outside what the key takes.
    #[error("bad value '{value}' for {key}: expected {expected}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What the key takes.
        expected: &'static str,
    },
    /// A picture would leave the engine before the engine takes the next one.
    #[error(
        "latency_us={latency_us} is below interval_us={interval_us}: a frame's latency must be at least one interval"
    )]
    LatencyBelowInterval {
        /// As given.
        latency_us: u32,
        /// As given.
        interval_us: u32,
    },
}

impl DeviceConfig {
    /// The device exactly as the profile describes it.
    pub fn from_profile(profile: &'static Profile) -> DeviceConfig {
        DeviceConfig {
            profile,
            latency_us: None,
            interval_us: None,
            costs: None,
            card: None,
            decode_us: None,
            submit_us: profile.submit_us,
            lock_us: None,
            queue: 0,
            lock_holds_session: false,
            idr_factor: profile.idr_factor,
            first_us: 0,
            jitter_pct: 0.0,
            seed: 0,
            engines: 1,
            sessions: 8,
            foreign_sessions: 0,
            clock: Clocking::Fixed,
            throttle: Throttle::Never,
            faults: Faults::default(),
            codecs: vec![Codec::H264, Codec::Hevc],
            payload: Mode::Mosaic,
            api: V13_0,
            host_work_us: profile.host_work_us,
        }
    }

    /// What one ordinary picture costs. A latency or interval given alone pulls the other one along just so far that
    /// latency ≥ interval holds.
    pub(crate) fn service(&self, codec: Codec, preset: u32, width: u32, height: u32) -> Service {
        let measured = self.costs.as_ref().and_then(|costs| costs.service(codec, preset, width, height));
        let base = measured.unwrap_or_else(|| self.profile.service(codec, preset, width, height));
        let ns = |us: u32| u64::from(us) * 1000;
        match (self.latency_us.map(ns), self.interval_us.map(ns)) {
            (None, None) => base,
            (Some(latency_ns), None) => Service { latency_ns, interval_ns: base.interval_ns.min(latency_ns) },
            (None, Some(interval_ns)) => Service { latency_ns: base.latency_ns.max(interval_ns), interval_ns },
            (Some(latency_ns), Some(interval_ns)) => Service { latency_ns: latency_ns.max(interval_ns), interval_ns },
        }
    }

    /// What one ordinary picture costs the decoder.
    pub(crate) fn decode_service(&self, codec: Codec, width: u32, height: u32) -> Service {
        let own = |us: u32| Service { latency_ns: u64::from(us) * 1000, interval_ns: u64::from(us) * 1000 };
        let measured = || self.costs.as_ref()?.service(codec, 0, width, height);
        self.decode_us.map(own).or_else(measured).unwrap_or_else(|| self.service(codec, 1, width, height))
    }

    /// What one ordinary picture costs at `preset` (1 to 7): its latency and the engine's interval, in nanoseconds.
    pub fn picture_cost_ns(&self, codec: Codec, preset: u32, width: u32, height: u32) -> (u64, u64) {
        let service = self.service(codec, preset, width, height);
        (service.latency_ns, service.interval_ns)
    }

    /// Is there anything to see on the device's instruments: a clock that changes, or sessions of others?
    pub fn has_instruments(&self) -> bool {
        self.clock != Clocking::Fixed || self.throttle != Throttle::Never || self.foreign_sessions > 0
    }

    /// How long NvEncLockBitstream takes beyond the wait for the picture, in nanoseconds.
    pub fn lock_ns(&self, codec: Codec) -> u64 {
        u64::from(self.lock_us.unwrap_or_else(|| self.profile.lock_us(codec))) * 1000
    }

    /// What one picture of a session costs where an ordinary one costs `ordinary`.
    pub(crate) fn picture_service(
        &self,
        ordinary: Service,
        is_idr: bool,
        session_idx: u64,
        picture_idx: u64,
    ) -> Service {
        let idr_factor = if is_idr { self.idr_factor } else { 1.0 };
        let jitter = Jitter { seed: self.seed, percent: self.jitter_pct }.factor(session_idx, picture_idx);
        let first_ns = if picture_idx == 0 { u64::from(self.first_us) * 1000 } else { 0 };
        ordinary.scaled(idr_factor * jitter).longer(first_ns)
    }

    fn set(&mut self, key: &'static str, value: &str) -> Result<(), ConfigError> {
        match key {
            "latency_us" => self.latency_us = Some(number(key, value, 0..=MAX_US, "0 to 10000000 µs")?),
            "interval_us" => self.interval_us = Some(number(key, value, 0..=MAX_US, "0 to 10000000 µs")?),
            "costs" => self.costs = Some(value.parse().map_err(|()| bad_value(key, value, COSTS_EXPECTED))?),
            "decode_us" => self.decode_us = Some(number(key, value, 0..=MAX_US, "0 to 10000000 µs")?),
            "submit_us" => self.submit_us = number(key, value, 0..=MAX_US, "0 to 10000000 µs")?,
            "lock_us" => self.lock_us = Some(number(key, value, 0..=MAX_US, "0 to 10000000 µs")?),
            "queue" => self.queue = number(key, value, 0..=MAX_QUEUE, "0 (no limit) to 64 frames")?,
            "lock_holds" => self.lock_holds_session = lock_holds(key, value)?,
            "idr_factor" => self.idr_factor = number(key, value, 0.1..=100.0, "a factor from 0.1 to 100")?,
            "first_us" => self.first_us = number(key, value, 0..=MAX_US, "0 to 10000000 µs")?,
            "jitter_pct" => self.jitter_pct = number(key, value, 0.0..=100.0, "0 to 100 percent")?,
            "seed" => self.seed = number(key, value, 0..=u64::MAX, "a whole number")?,
            "engines" => self.engines = number(key, value, 0..=64, "0 to 64 engines")?,
            "sessions" => self.sessions = number(key, value, 1..=MAX_SESSIONS, "1 to 1024 sessions")?,
            "foreign_sessions" => self.foreign_sessions = number(key, value, 0..=MAX_SESSIONS, "0 to 1024 sessions")?,
            "clock" => self.clock = value.parse().map_err(|()| bad_value(key, value, CLOCK_EXPECTED))?,
            "throttle" => self.throttle = value.parse().map_err(|()| bad_value(key, value, THROTTLE_EXPECTED))?,
            "fault" => self.faults = value.parse().map_err(|()| bad_value(key, value, FAULT_EXPECTED))?,
            "codecs" => self.codecs = codecs(key, value)?,
            "payload" => self.payload = payload(key, value)?,
            "api" => self.api = value.parse().map_err(|()| bad_value(key, value, API_EXPECTED))?,
            _ => self.host_work_us = number(key, value, 0..=MAX_US, "0 to 10000000 µs")?,
        }
        Ok(())
    }
}

impl Default for DeviceConfig {
    fn default() -> DeviceConfig {
        DeviceConfig::from_profile(default_profile())
    }
}

/// Longest queue.
pub const MAX_QUEUE: u32 = 64;
/// Most sessions.
pub const MAX_SESSIONS: u32 = 1024;

const API_EXPECTED: &str = "one of 11.0, 11.1, 12.0, 12.1, 12.2, 13.0";
const CLOCK_EXPECTED: &str = "fixed, or ramp:TIME with a time of at most 3600s, for example ramp:400ms";
const THROTTLE_EXPECTED: &str = "never, every:TIME (2s to 3600s) or after:TIME (at most 3600s), for example every:7s";

const FAULT_EXPECTED: &str =
    "faults like lock:13@20, encode:hang@50, lock:delay=200ms@10..20, lock:badpts@7#2 or open:10%5, joined by +";

const COSTS_EXPECTED: &str =
    "rows like h264:p1:640x360:700000:350000 (latency and interval in ns) or h264:decode:…, joined by +";

const KEYS: [&str; 22] = [
    "latency_us",
    "interval_us",
    "costs",
    "decode_us",
    "submit_us",
    "lock_us",
    "queue",
    "lock_holds",
    "idr_factor",
    "first_us",
    "jitter_pct",
    "seed",
    "engines",
    "sessions",
    "foreign_sessions",
    "clock",
    "throttle",
    "fault",
    "codecs",
    "payload",
    "api",
    "host_work_us",
];

impl FromStr for DeviceConfig {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<DeviceConfig, ConfigError> {
        let (name, rest) = split_name(text);
        DeviceConfig::from_profile(find_profile(name)?).with(rest)
    }
}

impl DeviceConfig {
    /// This device with what a text of the same grammar says besides; the name of a profile changes only what nothing else says.
    ///
    /// # Errors
    /// The text is none.
    pub fn overridden(self, text: &str) -> Result<DeviceConfig, ConfigError> {
        let (name, rest) = split_name(text);
        let profile = if name.is_empty() { self.profile } else { find_profile(name)? };
        DeviceConfig { profile, ..self }.with(rest)
    }

    fn with(self, rest: Option<&str>) -> Result<DeviceConfig, ConfigError> {
        let mut config = self;
        let mut seen = Vec::new();
        for part in rest.into_iter().flat_map(|rest| rest.split(',')) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| ConfigError::NotAKeyValue { part: part.to_owned() })?;
            let key = find_key(key.trim())?;
            if seen.contains(&key) {
                return Err(ConfigError::Repeated { key });
            }
            seen.push(key);
            config.set(key, value.trim())?;
        }
        match (config.latency_us, config.interval_us) {
            (Some(latency_us), Some(interval_us)) if latency_us < interval_us => {
                Err(ConfigError::LatencyBelowInterval { latency_us, interval_us })
            }
            _ => Ok(config),
        }
    }
}

/// The profile's name, empty for the default, and the comma-separated rest.
fn split_name(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        _ if text.split(',').next().is_some_and(|first| first.contains('=')) => ("", Some(text)),
        Some((name, rest)) => (name.trim(), Some(rest)),
        None => (text.trim(), None),
    }
}

fn find_profile(name: &str) -> Result<&'static Profile, ConfigError> {
    if name.is_empty() {
        return Ok(default_profile());
    }
    profiles().iter().find(|profile| profile.name == name).ok_or_else(|| ConfigError::UnknownProfile {
        name: name.to_owned(),
        known: profiles().iter().map(|profile| profile.name).collect::<Vec<_>>().join(", "),
    })
}

fn find_key(key: &str) -> Result<&'static str, ConfigError> {
    KEYS.into_iter()
        .find(|known| *known == key)
        .ok_or_else(|| ConfigError::UnknownKey { key: key.to_owned(), known: KEYS.join(", ") })
}

fn number<T: FromStr + PartialOrd>(
    key: &'static str,
    value: &str,
    range: std::ops::RangeInclusive<T>,
    expected: &'static str,
) -> Result<T, ConfigError> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| bad_value(key, value, expected))
}

fn codecs(key: &'static str, value: &str) -> Result<Vec<Codec>, ConfigError> {
    match value {
        "h264" => Ok(vec![Codec::H264]),
        "hevc" => Ok(vec![Codec::Hevc]),
        "h264+hevc" | "hevc+h264" => Ok(vec![Codec::H264, Codec::Hevc]),
        _ => Err(bad_value(key, value, "h264, hevc or h264+hevc")),
    }
}

fn lock_holds(key: &'static str, value: &str) -> Result<bool, ConfigError> {
    match value {
        "session" => Ok(true),
        "nothing" => Ok(false),
        _ => Err(bad_value(key, value, "session or nothing")),
    }
}

fn payload(key: &'static str, value: &str) -> Result<Mode, ConfigError> {
    match value {
        "mosaic" => Ok(Mode::Mosaic),
        "sparse" => Ok(Mode::Sparse),
        "lossless" => Ok(Mode::Lossless),
        _ => Err(bad_value(key, value, "mosaic, sparse or lossless")),
    }
}

fn bad_value(key: &'static str, value: &str, expected: &'static str) -> ConfigError {
    ConfigError::BadValue { key, value: value.to_owned(), expected }
}

/// The profile's name, then each key that differs from the profile: parsing it gives the same device.
impl fmt::Display for DeviceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.profile.name)?;
        let card = self.card.as_ref().filter(|_| !f.alternate());
        if let Some(card) = card {
            write!(f, ",card={card}")?;
        }
        let plain = values(&DeviceConfig::from_profile(self.profile));
        for ((key, value), (_, default)) in values(self).into_iter().zip(plain) {
            if value != default && (key != "costs" || card.is_none()) {
                write!(f, ",{key}={value}")?;
            }
        }
        Ok(())
    }
}

fn values(config: &DeviceConfig) -> [(&'static str, String); 22] {
    let optional = |us: Option<u32>| us.map_or_else(String::new, |us| us.to_string());
    let codec_names = config.codecs.iter().map(|codec| match codec {
        Codec::H264 => "h264",
        Codec::Hevc => "hevc",
    });
    let payload = match config.payload {
        Mode::Mosaic => "mosaic",
        Mode::Sparse => "sparse",
        Mode::Lossless => "lossless",
    };
    [
        ("latency_us", optional(config.latency_us)),
        ("interval_us", optional(config.interval_us)),
        ("costs", config.costs.as_ref().map_or_else(String::new, ToString::to_string)),
        ("decode_us", optional(config.decode_us)),
        ("submit_us", config.submit_us.to_string()),
        ("lock_us", optional(config.lock_us)),
        ("queue", config.queue.to_string()),
        ("lock_holds", if config.lock_holds_session { "session" } else { "nothing" }.to_owned()),
        ("idr_factor", config.idr_factor.to_string()),
        ("first_us", config.first_us.to_string()),
        ("jitter_pct", config.jitter_pct.to_string()),
        ("seed", config.seed.to_string()),
        ("engines", config.engines.to_string()),
        ("sessions", config.sessions.to_string()),
        ("foreign_sessions", config.foreign_sessions.to_string()),
        ("clock", config.clock.to_string()),
        ("throttle", config.throttle.to_string()),
        ("fault", config.faults.to_string()),
        ("codecs", codec_names.collect::<Vec<_>>().join("+")),
        ("payload", payload.to_owned()),
        ("api", config.api.to_string()),
        ("host_work_us", config.host_work_us.to_string()),
    ]
}
