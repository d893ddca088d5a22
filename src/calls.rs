//! Which driver call each thread is in, so that whoever finds the driver hung or dead can name the call.
//!
//! A line of memory for each thread, written by that thread alone with relaxed stores: one when a call is entered, one when it is
//! left. The lines may lie in a file that another process maps too: it reads them while this one hangs, and after it has died.
//! Knows no driver and no clock.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use memmap2::MmapMut;

/// More threads than this share the last line, and the calls of one may hide those of another.
const NUM_LINES: usize = 256;

macro_rules! calls {
    ($($variant:ident => $name:literal),+ $(,)?) => {
        /// A call of a driver.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "`name` says it")]
        pub enum Call { $($variant),+ }

        const ALL: &[(Call, &str)] = &[$((Call::$variant, $name)),+];
    };
}

calls! {
    OpenDevice => "opening the device",
    OpenSession => "nvEncOpenEncodeSessionEx",
    Ask => "a question about what the device can do",
    PresetConfig => "nvEncGetEncodePresetConfigEx",
    Initialize => "nvEncInitializeEncoder",
    CreateBuffer => "creating or registering a buffer",
    LockInput => "nvEncLockInputBuffer",
    UnlockInput => "nvEncUnlockInputBuffer",
    MapInput => "nvEncMapInputResource",
    UnmapInput => "nvEncUnmapInputResource",
    Encode => "nvEncEncodePicture",
    EndOfStream => "nvEncEncodePicture (end of stream)",
    LockBitstream => "nvEncLockBitstream",
    UnlockBitstream => "nvEncUnlockBitstream",
    DestroyBuffer => "destroying or unregistering a buffer",
    DestroyEncoder => "nvEncDestroyEncoder",
    CreateDecoder => "cuvidCreateDecoder",
    ParseVideo => "cuvidParseVideoData",
    DecodePicture => "cuvidDecodePicture",
    DecodeStatus => "cuvidGetDecodeStatus",
    MapFrame => "cuvidMapVideoFrame64",
    UnmapFrame => "cuvidUnmapVideoFrame64",
    DestroyDecoder => "cuvidDestroyDecoder",
}

impl Call {
    /// The driver's name for it.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(call, _)| *call == self).map_or("", |(_, name)| name)
    }

    /// May it take far longer than any call that comes once a frame? It makes things ready, or takes them apart.
    pub fn is_slow(self) -> bool {
        !matches!(
            self,
            Self::LockInput
                | Self::UnlockInput
                | Self::MapInput
                | Self::UnmapInput
                | Self::Encode
                | Self::EndOfStream
                | Self::LockBitstream
                | Self::UnlockBitstream
                | Self::ParseVideo
                | Self::DecodePicture
                | Self::DecodeStatus
                | Self::MapFrame
                | Self::UnmapFrame
        )
    }
}

/// What one thread is at. Its own cache line: no two threads write to one.
#[repr(C, align(64))]
struct Line {
    is_taken: AtomicBool,
    /// How many calls were entered, above a byte that is 0 outside of calls, and else the call's number and one.
    word: AtomicU64,
    submitted: AtomicU64,
    taken_back: AtomicU64,
}

/// The lines of a process.
#[repr(C)]
pub struct Board([Line; NUM_LINES]);

static OWN: Board = Board([const { Line::new() }; NUM_LINES]);
/// Null: the process's own.
static SHARED: AtomicPtr<Board> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    static LINE: Cell<Option<&'static Line>> = const { Cell::new(None) };
    static GIVE_BACK: GiveBack = const { GiveBack };
}

/// Frees the thread's line when it ends.
struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        if let Some(line) = LINE.take() {
            line.is_taken.store(false, Ordering::Release);
        }
    }
}

impl Line {
    const fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            word: AtomicU64::new(0),
            submitted: AtomicU64::new(0),
            taken_back: AtomicU64::new(0),
        }
    }

    /// Of the thread that asks.
    fn own() -> &'static Self {
        LINE.get().unwrap_or_else(|| {
            let lines = &current().0;
            let is_free = |line: &&Line| {
                line.is_taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
            };
            let line = lines.iter().find(is_free).unwrap_or(&lines[NUM_LINES - 1]);
            LINE.set(Some(line));
            GIVE_BACK.with(|_| ());
            line
        })
    }

    fn add_one(count: &AtomicU64) {
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// A call, until it is dropped.
#[must_use]
pub struct InCall {
    line: &'static Line,
    /// Inside of another one, in a callback of the driver.
    outer: u64,
}

/// The calling thread enters a call.
pub fn enter(call: Call) -> InCall {
    let line = Line::own();
    let outer = line.word.load(Ordering::Relaxed);
    line.word.store(((outer >> 8) + 1) << 8 | (call as u64 + 1), Ordering::Relaxed);
    InCall { line, outer: outer & 0xff }
}

impl Drop for InCall {
    fn drop(&mut self) {
        let word = self.line.word.load(Ordering::Relaxed);
        self.line.word.store(word & !0xff | self.outer, Ordering::Relaxed);
    }
}

/// The calling thread has submitted a frame.
pub fn note_submitted() {
    Line::add_one(&Line::own().submitted);
}

/// The calling thread has taken a frame back.
pub fn note_taken_back() {
    Line::add_one(&Line::own().taken_back);
}

/// A run begins: no frame was submitted yet.
pub fn begin_run() {
    for line in &current().0 {
        line.submitted.store(0, Ordering::Relaxed);
        line.taken_back.store(0, Ordering::Relaxed);
    }
}

/// The lines of this process.
pub fn current() -> &'static Board {
    // SAFETY: null, or a mapping that `share` never unmaps.
    unsafe { SHARED.load(Ordering::Acquire).as_ref() }.unwrap_or(&OWN)
}

/// Moves the lines of this process into a file of [`Board::BYTES`] zeroes, before any thread has entered a call.
///
/// # Errors
/// The file cannot be mapped.
pub fn share(file: &File) -> io::Result<()> {
    let shared = Mapped::of(file)?;
    SHARED.store(Box::leak(Box::new(shared)).as_ptr(), Ordering::Release);
    Ok(())
}

/// The lines of another process.
pub struct Mapped(MmapMut);

impl Mapped {
    /// Maps a file of [`Board::BYTES`].
    ///
    /// # Errors
    /// The file cannot be mapped, or is too short.
    pub fn of(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() < Board::BYTES {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // SAFETY: the file belongs to the two processes that map it, neither shortens it, and all that is read from it are numbers
        // and flags, as atomics.
        Ok(Self(unsafe { MmapMut::map_mut(file) }?))
    }

    /// What is written there.
    pub fn board(&self) -> &Board {
        // SAFETY: mapped memory begins at a page and is large enough (`of`); a board is atomics, of which any bytes but those of the
        // flag are valid, and both processes write flags only.
        unsafe { &*self.0.as_ptr().cast() }
    }

    fn as_ptr(&self) -> *mut Board {
        self.0.as_ptr().cast_mut().cast()
    }
}

/// A thread that is in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// The call.
    pub call: Call,
    /// The thread's line.
    line: usize,
    word: u64,
}

impl Board {
    /// Bytes that it takes.
    pub const BYTES: u64 = size_of::<Self>() as u64;

    /// Every thread that is in a call.
    pub fn busy(&self) -> impl Iterator<Item = Busy> + '_ {
        let busy = |(line, at): (usize, &Line)| {
            let word = at.word.load(Ordering::Relaxed);
            let number = usize::try_from((word & 0xff).checked_sub(1)?).ok()?;
            ALL.get(number).map(|&(call, _)| Busy { call, line, word })
        };
        self.0.iter().enumerate().filter_map(busy)
    }

    /// Is the thread still in the same call?
    pub fn is_still(&self, busy: &Busy) -> bool {
        self.0.get(busy.line).is_some_and(|line| line.word.load(Ordering::Relaxed) == busy.word)
    }

    /// Frames that were submitted in this run, and those that were taken back.
    pub fn frames(&self) -> (u64, u64) {
        let sum = |count: fn(&Line) -> &AtomicU64| self.0.iter().map(|line| count(line).load(Ordering::Relaxed)).sum();
        (sum(|line| &line.submitted), sum(|line| &line.taken_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_seen_in_its_call_by_whoever_maps_the_same_file() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(Board::BYTES).unwrap();
        let (writer, reader) = (Mapped::of(&file).unwrap(), Mapped::of(&file).unwrap());
        let line = &writer.board().0[3];
        line.word.store(1 << 8 | (Call::LockBitstream as u64 + 1), Ordering::Relaxed);
        line.submitted.store(7, Ordering::Relaxed);
        writer.board().0[9].taken_back.store(3, Ordering::Relaxed);
        let busy: Vec<_> = reader.board().busy().collect();
        assert_eq!(busy.iter().map(|busy| busy.call.name()).collect::<Vec<_>>(), ["nvEncLockBitstream"]);
        assert!(reader.board().is_still(&busy[0]));
        assert_eq!(reader.board().frames(), (7, 3));
        line.word.store(2 << 8, Ordering::Relaxed);
        assert!(!reader.board().is_still(&busy[0]) && reader.board().busy().next().is_none());
        let short = tempfile::tempfile().unwrap();
        assert!(Mapped::of(&short).is_err());
    }

    #[test]
    fn a_call_inside_of_another_gives_way_to_it_again() {
        let of_this_thread = || {
            let number = Line::own().word.load(Ordering::Relaxed) & 0xff;
            number.checked_sub(1).map(|number| ALL[number as usize].0)
        };
        let outer = enter(Call::ParseVideo);
        {
            let _inner = enter(Call::DecodePicture);
            assert_eq!(of_this_thread(), Some(Call::DecodePicture));
        }
        assert_eq!(of_this_thread(), Some(Call::ParseVideo));
        drop(outer);
        assert_eq!(of_this_thread(), None);
    }

    #[test]
    fn every_call_has_a_number_of_its_own() {
        for (number, (call, name)) in ALL.iter().enumerate() {
            assert_eq!((*call as usize, call.name()), (number, *name));
        }
    }
}
