//! Where a run reads its frames from: memory if they fit, otherwise a thread that reads ahead.
//!
//! Opening a feed reads every frame of a run once, before the clock starts: this finds damage anywhere in the clip,
//! counts the frames, and computes the digest whether or not they stay in memory. Does not know what the frames are
//! for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use xxhash_rust::xxh3::Xxh3;

use super::frame_buffer;
use super::reader::ReadAhead;
use super::{Clip, FrameSource, InputSpec, Length, SourceError, SourceInfo, open};
use crate::memory::FrameBytes;
use crate::record::InputInfo;

/// The frames of a sweep, opened once and read again by each run.
pub struct Feed {
    info: InputInfo,
    frames: Frames,
}

/// Where the frames are.
enum Frames {
    /// In memory. Frame `i` of a run is `frames[i % frames.len()]`: fewer are held than a run has only where the source
    /// is periodic.
    Held(Vec<FrameBytes>),
    /// In the source, which each run opens again.
    Reread { spec: InputSpec, source_info: SourceInfo, by: Reading },
}

/// What is done with a damaged input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damaged {
    /// It is an error.
    Refused,
    /// The frames that can be read are taken, and the remarks say so.
    Taken,
}

/// Who reads while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// A thread that runs ahead.
    Ahead,
    /// The run itself, frame by frame: one buffer, which stays in the processor's cache, and no thread beside it.
    Inline,
}

/// The position of one run in the frames.
pub struct Cursor<'a>(Way<'a>);

enum Way<'a> {
    Held { frames: &'a [FrameBytes], next_frame_idx: u64, num_frames: u64 },
    Ahead(ReadAhead<'a>),
    Inline { source: Box<dyn FrameSource>, frame: Vec<u8>, remaining: u64 },
}

impl Feed {
    /// Reads the input through, up to `max_frames` frames, and keeps them if they take at most `preload_bytes`.
    ///
    /// The synthetic pattern repeats every 512 frames; a longer run holds one period, and one without `max_frames` is
    /// one period long.
    ///
    /// # Errors
    /// The input cannot be opened or read, is damaged, has no frames, or is standard input and does not fit.
    pub fn open(spec: &InputSpec, max_frames: Option<u64>, preload_bytes: u64) -> Result<Self, SourceError> {
        Self::open_until(spec, max_frames, preload_bytes, Damaged::Refused, &AtomicBool::new(false))
    }

    /// As [`Feed::open`], but ends early once `stop` is set.
    ///
    /// # Errors
    /// As [`Feed::open`], or [`SourceError::Stopped`].
    pub fn open_until(
        spec: &InputSpec,
        max_frames: Option<u64>,
        preload_bytes: u64,
        damaged: Damaged,
        stop: &AtomicBool,
    ) -> Result<Self, SourceError> {
        Self::read_through(spec, open(spec)?, max_frames, preload_bytes, damaged, stop)
    }

    /// Where the source states its number of frames, reads nothing before the first run, and then frame by frame on the
    /// run's own thread; the digest is empty, and damage is found only when the run reaches it. Any other source is opened
    /// as by [`Feed::open`] without memory.
    ///
    /// # Errors
    /// As [`Feed::open`].
    pub fn open_unread(spec: &InputSpec, max_frames: Option<u64>) -> Result<Self, SourceError> {
        let source = open(spec)?;
        let Length::Frames(_) = source.info().length else {
            return Self::read_through(spec, source, max_frames, 0, Damaged::Refused, &AtomicBool::new(false));
        };
        let source_info = source.info().clone();
        let (frames, _) = wanted_frames(source_info.length, max_frames);
        if frames == 0 {
            return Err(SourceError::NoFrames(source_info.spec));
        }
        let info = info_of(&source_info, frames, String::new(), None);
        Ok(Self { info, frames: Frames::Reread { spec: spec.clone(), source_info, by: Reading::Inline } })
    }

    /// The access units of a compressed clip, of which `info` tells, in memory.
    pub fn of_clip(clip: Clip, info: InputInfo) -> Self {
        Self { info, frames: Frames::Held(clip.units.into_iter().map(owned).collect()) }
    }

    /// With the frames that are in memory where `move_frame` puts them.
    ///
    /// # Errors
    /// Those of `move_frame`.
    pub fn moved<E>(self, move_frame: impl Fn(&[u8]) -> Result<FrameBytes, E>) -> Result<Self, E> {
        let frames = match self.frames {
            // Each frame is given back before the next is moved.
            Frames::Held(frames) => {
                Frames::Held(frames.into_iter().map(|frame| move_frame((*frame).as_ref())).collect::<Result<_, E>>()?)
            }
            elsewhere @ Frames::Reread { .. } => elsewhere,
        };
        Ok(Self { frames, ..self })
    }

    /// The frames that a run is fed with. The digest covers each distinct frame of a run once, in order.
    pub fn info(&self) -> &InputInfo {
        &self.info
    }

    /// Do runs read from memory, so that they never wait for the source?
    pub fn is_preloaded(&self) -> bool {
        matches!(self.frames, Frames::Held(_))
    }

    /// Begins a run. If the frames are not in memory, the first ones are read before this returns. `stop` ends every wait for
    /// a frame.
    ///
    /// # Errors
    /// The input can no longer be read, or has changed, or [`SourceError::Stopped`].
    pub fn start<'a>(&'a self, stop: &'a AtomicBool) -> Result<Cursor<'a>, SourceError> {
        let num_frames = self.info.frames;
        let way = match &self.frames {
            Frames::Held(frames) => Way::Held { frames, next_frame_idx: 0, num_frames },
            Frames::Reread { spec, source_info, by } => {
                let source = open(spec)?;
                if source.info() != source_info {
                    return Err(SourceError::Changed(spec.to_string()));
                }
                match by {
                    Reading::Ahead => Way::Ahead(ReadAhead::start(source, num_frames, stop)?),
                    Reading::Inline => {
                        let frame = frame_buffer(source_info.frame_bytes())?;
                        Way::Inline { source, frame, remaining: num_frames }
                    }
                }
            }
        };
        Ok(Cursor(way))
    }

    fn read_through(
        spec: &InputSpec,
        mut source: Box<dyn FrameSource>,
        max_frames: Option<u64>,
        preload_bytes: u64,
        damaged: Damaged,
        stop: &AtomicBool,
    ) -> Result<Self, SourceError> {
        let source_info = source.info().clone();
        let (num_wanted, num_distinct) = wanted_frames(source_info.length, max_frames);
        let mut store = Store::new(&source_info, num_distinct, preload_bytes);
        let mut digest = Xxh3::new();
        let (mut num_read, mut damage) = (0, None);
        while num_read < num_distinct {
            if stop.load(Ordering::Relaxed) {
                return Err(SourceError::Stopped);
            }
            let mut frame = store.buffer()?;
            match source.next_frame(&mut frame) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if damaged == Damaged::Taken && num_read > 0 => {
                    damage = Some(error.to_string());
                    break;
                }
                Err(error) => return Err(error),
            }
            digest.update(&frame);
            num_read += 1;
            store.take(frame);
            if store.held.is_none() && *spec == InputSpec::Stdin {
                return Err(SourceError::StdinTooLarge { preload_bytes });
            }
        }
        if num_read == 0 {
            return Err(SourceError::NoFrames(source_info.spec));
        }
        let damage = damage.or_else(|| source.damage());
        if let Some(problem) = damage.clone().filter(|_| damaged == Damaged::Refused) {
            return Err(SourceError::Damaged { problem, frames: num_read, input: source_info.spec });
        }
        let num_frames = if num_read == num_distinct { num_wanted } else { num_read };
        let info = info_of(&source_info, num_frames, format!("{:016x}", digest.digest()), damage);
        let frames = match store.held {
            Some(frames) => Frames::Held(frames.into_iter().map(owned).collect()),
            None => Frames::Reread { spec: spec.clone(), source_info, by: Reading::Ahead },
        };
        Ok(Self { info, frames })
    }
}

impl Cursor<'_> {
    /// The next frame and the time spent waiting for it, in nanoseconds; `None` after the last.
    ///
    /// # Errors
    /// The next frame could not be read. Never happens with a preloaded feed.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot lend its items")]
    pub fn next(&mut self) -> Result<Option<(&[u8], u64)>, SourceError> {
        match &mut self.0 {
            Way::Ahead(reader) => reader.next(),
            Way::Inline { remaining: 0, .. } => Ok(None),
            Way::Inline { source, frame, remaining } => {
                let asked_at = Instant::now();
                if !source.next_frame(frame)? {
                    return Err(SourceError::Changed(source.info().spec.clone()));
                }
                *remaining -= 1;
                Ok(Some((frame, u64::try_from(asked_at.elapsed().as_nanos()).unwrap_or(u64::MAX))))
            }
            Way::Held { next_frame_idx, num_frames, .. } if next_frame_idx == num_frames => Ok(None),
            Way::Held { frames, next_frame_idx, .. } => {
                // Not empty: a feed without frames is never made.
                let frame = &frames[(*next_frame_idx % frames.len() as u64) as usize];
                *next_frame_idx += 1;
                Ok(Some(((**frame).as_ref(), 0)))
            }
        }
    }
}

fn owned(frame: Vec<u8>) -> FrameBytes {
    Box::new(frame)
}

fn info_of(source: &SourceInfo, frames: u64, digest: String, damage: Option<String>) -> InputInfo {
    let rate = source.frame_rate;
    let varies = || format!("its frame rate varies, and the encoder is told the average, {rate} fps");
    let remarks =
        source.has_variable_rate.then(varies).into_iter().chain(damage.map(|words| format!("damaged: {words}")));
    InputInfo {
        spec: source.spec.clone(),
        format: source.format,
        dimensions: source.dimensions,
        frame_rate: source.frame_rate,
        colour: source.colour,
        frames,
        digest,
        remarks: remarks.collect(),
    }
}

/// Frames on their way into memory, for as long as they fit.
struct Store {
    /// `None` once they did not fit.
    held: Option<Vec<Vec<u8>>>,
    spare: Option<Vec<u8>>,
    frame_bytes: usize,
    max_held: u64,
}

impl Store {
    fn new(info: &SourceInfo, num_distinct: u64, preload_bytes: u64) -> Self {
        let frame_bytes = info.frame_bytes();
        let max_held = preload_bytes / frame_bytes as u64;
        // Where the number is known, frames that will not all fit are not held in the first place.
        let fits = num_distinct <= max_held || info.length == Length::Unknown;
        Self { held: fits.then(Vec::new), spare: None, frame_bytes, max_held }
    }

    fn buffer(&mut self) -> Result<Vec<u8>, SourceError> {
        self.spare.take().map_or_else(|| frame_buffer(self.frame_bytes), Ok)
    }

    /// Keeps a frame if there is room; otherwise lets go of all frames and keeps its memory for the next.
    fn take(&mut self, frame: Vec<u8>) {
        match &mut self.held {
            Some(frames) if (frames.len() as u64) < self.max_held => frames.push(frame),
            _ => {
                self.held = None;
                self.spare = Some(frame);
            }
        }
    }
}

/// How many frames a run has at most, and how many of them may differ.
fn wanted_frames(length: Length, max_frames: Option<u64>) -> (u64, u64) {
    let limit = max_frames.unwrap_or(u64::MAX);
    match length {
        Length::Frames(num_frames) => (num_frames.min(limit), num_frames.min(limit)),
        Length::Unknown => (limit, limit),
        Length::Endless { period } => {
            let num_wanted = max_frames.unwrap_or(period);
            (num_wanted, num_wanted.min(period))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::y4m::Y4mSource;

    static GO_ON: AtomicBool = AtomicBool::new(false);

    fn stdin(num_frames: usize, preload_bytes: u64) -> Result<Feed, SourceError> {
        let stream = [&b"YUV4MPEG2 W2 H2\n"[..], &b"FRAME\nabcdef".repeat(num_frames)].concat();
        let source = Y4mSource::new("-".to_owned(), std::io::Cursor::new(stream))?;
        Feed::read_through(&InputSpec::Stdin, Box::new(source), None, preload_bytes, Damaged::Refused, &GO_ON)
    }

    #[test]
    fn standard_input_must_fit_in_memory() {
        let feed = stdin(3, 18).unwrap();
        assert!(feed.is_preloaded());
        assert_eq!(feed.info().frames, 3);
        let message = stdin(3, 17).err().unwrap().to_string();
        assert!(message.contains("more than 17 bytes") && message.contains("--preload-mib"), "{message}");
        assert!(matches!(stdin(0, 18), Err(SourceError::NoFrames(_))));
    }

    #[test]
    fn every_run_sees_the_same_frames_without_waiting() {
        let feed = stdin(2, 100).unwrap();
        for _ in 0..2 {
            let mut cursor = feed.start(&GO_ON).unwrap();
            assert_eq!(cursor.next().unwrap(), Some((&b"abcdef"[..], 0)));
            assert_eq!(cursor.next().unwrap(), Some((&b"abcdef"[..], 0)));
            assert_eq!(cursor.next().unwrap(), None);
        }
    }

    #[test]
    fn a_long_synthetic_run_holds_one_period() {
        let spec = "synthetic:16x16@30".parse().unwrap();
        let feed = Feed::open(&spec, Some(1000), 512 * 384).unwrap();
        assert!(matches!(&feed.frames, Frames::Held(frames) if frames.len() == 512));
        assert_eq!(feed.info().frames, 1000);

        let ahead = Feed::open(&spec, Some(1000), 512 * 384 - 1).unwrap();
        assert_eq!(ahead.info(), feed.info());
        let (mut held, mut ahead) = (feed.start(&GO_ON).unwrap(), ahead.start(&GO_ON).unwrap());
        for _ in 0..1000 {
            let frames = (held.next().unwrap().unwrap().0, ahead.next().unwrap().unwrap().0);
            assert_eq!(frames.0, frames.1);
        }
        assert_eq!((held.next().unwrap(), ahead.next().unwrap()), (None, None));
    }

    #[test]
    fn a_file_read_in_one_pass_is_the_same_frames() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.raw");
        std::fs::write(&path, (0..3 * 6).collect::<Vec<u8>>()).unwrap();
        let spec = format!("raw:nv12:2x2@30:{}", path.display()).parse().unwrap();
        let (whole, unread) = (Feed::open(&spec, None, 100).unwrap(), Feed::open_unread(&spec, None).unwrap());
        assert_eq!((unread.info().frames, unread.info().digest.as_str()), (3, ""));
        let (mut whole, mut unread) = (whole.start(&GO_ON).unwrap(), unread.start(&GO_ON).unwrap());
        for _ in 0..3 {
            assert_eq!(whole.next().unwrap().unwrap().0, unread.next().unwrap().unwrap().0);
        }
        assert_eq!(unread.next().unwrap(), None);
        let shorter = Feed::open_unread(&spec, Some(2)).unwrap();
        assert_eq!(shorter.info().frames, 2);
        std::fs::write(&path, [0; 12]).unwrap();
        assert!(matches!(Feed::open_unread(&spec, Some(0)), Err(SourceError::NoFrames(_))));
        assert!(matches!(shorter.start(&GO_ON), Err(SourceError::Changed(_))));
    }

    #[test]
    fn no_frames_wanted_are_none() {
        assert!(matches!(Feed::open(&InputSpec::default(), Some(0), 1000), Err(SourceError::NoFrames(_))));
    }

    #[test]
    fn memory_that_is_not_to_be_had_is_an_error() {
        assert!(matches!(frame_buffer(isize::MAX as usize), Err(SourceError::OutOfMemory { .. })));
    }
}
