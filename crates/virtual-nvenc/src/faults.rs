//! Faults that a device is to have: which call, what happens, at which of its calls. Read from and written as text.
//!
//! `lock:13@20+encode:hang@50` answers the lock of each session's frame 20 with status 13, and never returns from its submission of
//! frame 50. It knows no struct of the API.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::Jitter;
use crate::rules::{Answer, Refusal, Status};
use crate::video_clock::Millis;

/// A call that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    Open,
    Init,
    Create,
    LockInput,
    UnlockInput,
    Map,
    Encode,
    Eos,
    Lock,
    Unlock,
    Destroy,
}

/// Their names in a text.
const SITES: [(Site, &str); 11] = [
    (Site::Open, "open"),
    (Site::Init, "init"),
    (Site::Create, "create"),
    (Site::LockInput, "lockin"),
    (Site::UnlockInput, "unlockin"),
    (Site::Map, "map"),
    (Site::Encode, "encode"),
    (Site::Eos, "eos"),
    (Site::Lock, "lock"),
    (Site::Unlock, "unlock"),
    (Site::Destroy, "destroy"),
];

/// What happens in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers so, and does nothing.
    Answer(Status),
    /// It never returns.
    Hang,
    /// An access to memory that is not there.
    Crash,
    /// exit(3).
    Exit,
    /// It takes longer.
    Delay(Millis),
    /// The packet has a time stamp that was never submitted.
    BadPts,
    /// The packet has the time stamp of the first.
    OldPts,
    /// The packet has no bytes.
    Empty,
    /// The packet, or the memory of an input, is at address 0.
    Null,
    /// The packet is cut in half.
    Truncate,
    /// The picture has a type that does not exist.
    BadType,
    /// The packet claims to have 4 GiB.
    Huge,
}

/// Kinds without a parameter, and their names.
const KINDS: [(Kind, &str); 10] = [
    (Kind::Hang, "hang"),
    (Kind::Crash, "crash"),
    (Kind::Exit, "exit"),
    (Kind::BadPts, "badpts"),
    (Kind::OldPts, "oldpts"),
    (Kind::Empty, "empty"),
    (Kind::Null, "null"),
    (Kind::Truncate, "truncate"),
    (Kind::BadType, "badtype"),
    (Kind::Huge, "huge"),
];

const STATUSES: [Status; 19] = [
    Status::UnsupportedDevice,
    Status::InvalidEncoderDevice,
    Status::InvalidDevice,
    Status::InvalidPtr,
    Status::InvalidParam,
    Status::InvalidCall,
    Status::OutOfMemory,
    Status::NotInitialized,
    Status::UnsupportedParam,
    Status::LockBusy,
    Status::NotEnoughBuffer,
    Status::InvalidVersion,
    Status::NeedMoreInput,
    Status::Generic,
    Status::IncompatibleClientKey,
    Status::Unimplemented,
    Status::ResourceRegisterFailed,
    Status::ResourceNotRegistered,
    Status::ResourceNotMapped,
];

/// One fault: `CALL:KIND`, then `@N` or `@FROM..TO` (calls of a session, from 0), `#S` (the session, from 0), `%P` (of so many percent
/// of the calls).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    site: Site,
    kind: Kind,
    calls: (u64, u64),
    session: Option<u64>,
    percent: f64,
}

/// The faults of a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(Vec<Fault>);

/// How often a session was called, site by site.
#[derive(Debug, Default)]
pub struct Counts([AtomicU64; SITES.len()]);

impl Faults {
    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A call is made, the next of its site in the session. Answers with what is to become of its result, if anything.
    pub fn strike(&self, site: Site, session_idx: u64, counts: &Counts, seed: u64) -> Answer<Option<Kind>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let count = counts.0[site as usize].fetch_add(1, Ordering::Relaxed);
        for fault in self.0.iter().filter(|fault| fault.is_for(site, session_idx, count, seed)) {
            match fault.kind {
                Kind::Answer(status) => return Err(Refusal::Status(status)),
                Kind::Hang => loop {
                    std::thread::park();
                },
                Kind::Crash => crash(),
                Kind::Exit => std::process::exit(3),
                Kind::Delay(time) => std::thread::sleep(Duration::from_millis(time.0.into())),
                kind => return Ok(Some(kind)),
            }
        }
        Ok(None)
    }
}

impl Fault {
    fn is_for(&self, site: Site, session_idx: u64, count: u64, seed: u64) -> bool {
        // A factor of 1 ± 1 is drawn; in the lower P percent it strikes.
        let drawn = || Jitter { seed: seed ^ self.site as u64, percent: 100.0 }.factor(session_idx, count) * 50.0;
        self.site == site
            && (self.calls.0..=self.calls.1).contains(&count)
            && self.session.is_none_or(|session| session == session_idx)
            && (self.percent >= 100.0 || drawn() < self.percent)
    }
}

fn crash() {
    let nowhere = std::ptr::without_provenance_mut::<u8>(8);
    // SAFETY: none: this is the crash that was asked for. No memory is ever mapped at the first page.
    unsafe { nowhere.write_volatile(1) }
}

impl FromStr for Faults {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.split('+').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (text, percent) = split(text, '%');
        let (text, session) = split(text, '#');
        let (text, calls) = split(text, '@');
        let number = |text: &str| text.parse::<u64>().map_err(|_| ());
        let calls = match calls.map(|calls| calls.split_once("..").unwrap_or((calls, calls))) {
            None => (0, u64::MAX),
            Some((from, to)) => (number(from)?, number(to)?),
        };
        // What a submission does may stand alone, and what becomes of a packet may be said of the payload.
        let (site, kind) = text.split_once(':').unwrap_or(("encode", text));
        let site = if site == "payload" { "lock" } else { site };
        let (site, _) = SITES.into_iter().find(|(_, name)| *name == site).ok_or(())?;
        let percent = percent.map_or(Ok(100.0), |percent| percent.parse::<f64>().map_err(|_| ()))?;
        let kind: Kind = kind.parse()?;
        let is_known = kind.suits(site) && calls.0 <= calls.1 && (0.0..=100.0).contains(&percent);
        let session = session.map(number).transpose()?;
        is_known.then_some(Self { site, kind, calls, session, percent }).ok_or(())
    }
}

/// The part before a mark, and the part behind it.
fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

impl Kind {
    /// Can it happen there? Packets come back from locks alone.
    fn suits(self, site: Site) -> bool {
        match self {
            Self::Answer(_) | Self::Hang | Self::Crash | Self::Exit | Self::Delay(_) => true,
            Self::Null => matches!(site, Site::Lock | Site::LockInput),
            Self::BadPts | Self::OldPts | Self::Empty | Self::Truncate | Self::BadType | Self::Huge => {
                site == Site::Lock
            }
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(time) = text.strip_prefix("delay=") {
            return time.parse().map(Self::Delay);
        }
        if let Some((kind, _)) = KINDS.into_iter().find(|(_, name)| *name == text) {
            return Ok(kind);
        }
        let code: u32 = text.parse().map_err(|_| ())?;
        STATUSES.into_iter().find(|status| *status as u32 == code).map(Self::Answer).ok_or(())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("+"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = SITES.iter().find(|(site, _)| *site == self.site).map_or("", |(_, name)| name);
        write!(f, "{site}:{}", self.kind)?;
        match self.calls {
            (0, u64::MAX) => {}
            (from, to) if from == to => write!(f, "@{from}")?,
            (from, to) => write!(f, "@{from}..{to}")?,
        }
        if let Some(session) = self.session {
            write!(f, "#{session}")?;
        }
        if self.percent < 100.0 {
            write!(f, "%{}", self.percent)?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status) => write!(f, "{}", *status as u32),
            Self::Delay(time) => write!(f, "delay={time}"),
            kind => f.write_str(KINDS.iter().find(|(known, _)| known == kind).map_or("", |(_, name)| name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_and_written_alike() {
        let text = "lock:13@20+encode:hang@50+lock:delay=200ms@10..20+lock:badpts@7#2+open:10+init:exit%0.5";
        assert_eq!(text.parse::<Faults>().unwrap().to_string(), text);
        for (short, long) in [("crash@30", "encode:crash@30"), ("payload:truncate@7", "lock:truncate@7")] {
            assert_eq!(short.parse::<Faults>().unwrap().to_string(), long);
        }
        for bad in [
            "",
            "lock",
            "lock:",
            "luck:13",
            "lock:1",
            "lock:13@",
            "lock:13@9..3",
            "encode:badpts",
            "open:13%101",
            "lock:delay=1",
        ] {
            assert_eq!(bad.parse::<Faults>(), Err(()), "{bad}");
        }
    }

    #[test]
    fn a_fault_strikes_its_call_of_its_session() {
        let faults: Faults = "lock:10@1..2#5".parse().unwrap();
        let strikes = |site, session| {
            let counts = Counts::default();
            (0..4).map(|_| faults.strike(site, session, &counts, 0).is_err()).collect::<Vec<_>>()
        };
        assert_eq!(strikes(Site::Lock, 5), [false, true, true, false]);
        assert_eq!(strikes(Site::Lock, 4), [false; 4]);
        assert_eq!(strikes(Site::Encode, 5), [false; 4]);
    }

    #[test]
    fn a_share_of_the_calls_is_drawn_by_the_seed() {
        let faults: Faults = "encode:20%10".parse().unwrap();
        let struck = |seed| {
            let counts = Counts::default();
            (0..2000).map(|_| faults.strike(Site::Encode, 0, &counts, seed).is_err()).collect::<Vec<_>>()
        };
        assert_eq!(struck(1), struck(1));
        assert_ne!(struck(1), struck(2));
        assert!((140..=260).contains(&struck(1).iter().filter(|struck| **struck).count()));
    }
}
