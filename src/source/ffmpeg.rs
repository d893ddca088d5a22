//! An installed ffmpeg at work on one file: started so that it opens nothing else, watched so that it cannot hang, ended with
//! what it said.
//!
//! Knows nothing of frames: whoever starts it reads its standard output.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ffmpeg_sidecar::child::FfmpegChild;
use ffmpeg_sidecar::command::FfmpegCommand;

use super::SourceError;

/// Lines of ffmpeg's standard error that go into an error: the first, where newer versions tell the cause, and the last
/// ones, where older versions do.
const KEPT_LINES: usize = 3;

/// Longest line of ffmpeg's standard error that is kept whole.
const MAX_LINE_BYTES: u64 = 512;

/// How long ffmpeg may take to exit once it has closed its output.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);

/// How long it may take for its next bytes. A slow disk or a frame of 16K takes seconds.
const READ_PATIENCE: Duration = Duration::from_secs(60);

/// Formats that hold their video in the file itself. Playlists, patterns of names, devices and network formats, which would
/// make ffmpeg open whatever they name, are not among them, however they are disguised.
const FORMATS: &str = "mov,matroska,webm,avi,mpegts,mpegtsraw,mpeg,mpegvideo,mpegps,vob,flv,ogg,asf,asf_o,mxf,nut,gxf,rm,wtv,dv,nsv,r3d,\
     swf,ivf,h264,hevc,obu,av1,vc1,vc1test,m4v,mjpeg,mjpeg_2000,cavsvideo,dirac,dnxhd,h263,h261,rawvideo,yuv4mpegpipe,gif,apng,flic,\
     smk,bink,roq,ea,ingenient,lxf,mlv,mtv,mvi,paf,rpl,thp,vivo,xmv,yop,4xm,aea,amv,avr,avs,avs2,avs3,bethsoftvid,bfi,c93,cdxl,cine,dfa,\
     film_cpk,frm,idcin,idf,interplayvideo,jv,kux,mm,msnwc_tcp,nuv,psxstr,pmp,rl2,sdr2,sdx,segafilm,siff,smush,tmv,tiertexseq,vmd,vqf,\
     wc3movie,wsvqa,wv,xwma,evc,vvc,iamf,png_pipe,jpeg_pipe,jpegls_pipe,jpegxl_pipe,jpegxl_anim,j2k_pipe,bmp_pipe,tiff_pipe,webp_pipe,\
     psd_pipe,exr_pipe,hdr_pipe,dds_pipe,dpx_pipe,cri_pipe,gem_pipe,pam_pipe,pbm_pipe,pcx_pipe,pfm_pipe,pgm_pipe,pgmyuv_pipe,phm_pipe,\
     photocd_pipe,pictor_pipe,ppm_pipe,qdraw_pipe,qoi_pipe,sgi_pipe,sunrast_pipe,vbn_pipe,xbm_pipe,xpm_pipe,xwd_pipe,gif_pipe,\
     wav,mp3,flac,aac,w64,aiff,au,caf,ac3,eac3,dts,amr,ape,tta,voc";

/// One picture by its name as it stands: without this the name could be a pattern of many.
const ONE_PICTURE: [&str; 6] = ["-format_whitelist", "image2", "-f", "image2", "-pattern_type", "none"];

/// Ends an ffmpeg process from another thread, and with it every wait for its frames.
#[derive(Clone)]
pub struct KillSwitch(Arc<Mutex<FfmpegChild>>);

impl KillSwitch {
    /// Ends the process, if it still runs.
    pub fn kill(&self) {
        // The only failure is that there is no process any more, which is what was asked for.
        let _ = lock(&self.0).kill();
    }
}

/// What is read of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputForm {
    /// Whatever the file holds.
    Any,
    /// One picture, by a name that looks like a pattern.
    OnePicture,
}

/// Could a name stand for many pictures?
pub(super) fn looks_like_a_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"%*?[".contains(byte))
}

/// How ffmpeg is told to open the file at `path` and nothing else.
pub(super) fn input_words(form: InputForm, path: &Path) -> Vec<OsString> {
    let formats: &[&str] = match form {
        InputForm::Any => &["-format_whitelist", FORMATS],
        InputForm::OnePicture => &ONE_PICTURE,
    };
    // Spelled as a URL, a name with a colon cannot be taken for a protocol, nor one with a dash for an option.
    let mut url = OsString::from("file:");
    url.push(path);
    let words = ["-protocol_whitelist", "file"].iter().chain(formats).map(OsString::from);
    words.chain(["-i".into(), url]).collect()
}

/// A running ffmpeg that is ended and reaped when dropped.
pub(super) struct Process {
    pub(super) child: Arc<Mutex<FfmpegChild>>,
    said: Arc<Mutex<Said>>,
    stderr: Option<JoinHandle<()>>,
    watch: HangWatch,
    path: PathBuf,
}

impl Process {
    /// Starts ffmpeg on the first video of a file; `output` is the rest of its command line.
    pub(super) fn spawn(
        mut ffmpeg: FfmpegCommand,
        form: InputForm,
        output: &[&str],
        path: &Path,
    ) -> Result<(Self, WatchedOutput), SourceError> {
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound => SourceError::NoFfmpeg(path.to_owned()),
            _ => SourceError::Io { action: "start ffmpeg on", cause, input: path.display().to_string() },
        };
        let mut child = ffmpeg
            .args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"])
            .args(input_words(form, path))
            // The first stream that is video and not a cover picture.
            .args(["-map", "0:V:0"])
            .args(output)
            .spawn()
            .map_err(failed)?;
        let pipes = (child.take_stdout(), child.take_stderr());
        let child = Arc::new(Mutex::new(child));
        let watch = HangWatch::start(KillSwitch(Arc::clone(&child)), READ_PATIENCE).map_err(SourceError::Thread)?;
        let said = Arc::default();
        let mut process = Self { child, said, stderr: None, watch, path: path.to_owned() };
        let (Some(stdout), Some(stderr)) = pipes else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        process.stderr = Some(spawn_stderr_reader(stderr, Arc::clone(&process.said)).map_err(SourceError::Thread)?);
        let output = WatchedOutput { stdout, waits: Arc::clone(&process.watch.waits) };
        Ok((process, output))
    }

    /// Waits until ffmpeg has exited.
    ///
    /// # Errors
    /// It failed or hung; with what it wrote to standard error.
    pub(super) fn finish(&mut self) -> Result<(), SourceError> {
        let path = self.path.clone();
        let status = match self.reap() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => status,
            Err(cause) => {
                return Err(SourceError::Io { action: "decode", cause, input: path.display().to_string() });
            }
        };
        self.hear_out();
        let words = self.said().words();
        if words.as_ref().is_some_and(|words| words.contains("not on whitelist")) {
            return Err(SourceError::NotInOneFile(path));
        }
        if self.watch.waits.has_hung.load(Ordering::Relaxed) {
            let seconds = READ_PATIENCE.as_secs();
            return Err(SourceError::FfmpegHangs { seconds, message: words.unwrap_or("nothing".to_owned()), path });
        }
        Err(SourceError::Ffmpeg { message: words.unwrap_or_else(|| status.to_string()), path })
    }

    /// What it complained of, with how often, although it went on. Ends it, so that all it has said is known.
    pub(super) fn complaints(&mut self) -> Option<String> {
        KillSwitch(Arc::clone(&self.child)).kill();
        self.hear_out();
        let said = self.said();
        let (num, words) = (said.num_lines, said.words()?);
        Some(format!("ffmpeg reports {num} {}: {words}", if num == 1 { "error" } else { "errors" }))
    }

    /// Reads standard error to its end, which the end of the process makes near.
    fn hear_out(&mut self) {
        if let Some(reader) = self.stderr.take() {
            // A panic of the reader costs words only.
            drop(reader.join());
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks again and again instead of waiting, because a wait would keep the kill switch locked out.
    fn reap(&self) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + EXIT_PATIENCE;
        loop {
            let mut child = lock(&self.child);
            if let Some(status) = child.as_inner_mut().try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                child.kill()?;
                return child.wait();
            }
            drop(child);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it from elsewhere.
    pub(super) fn kill_switch(&self) -> KillSwitch {
        KillSwitch(Arc::clone(&self.child))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_switch().kill();
        // Nobody is left to hear of a failure. The wait is short: the process was killed.
        let _ = lock(&self.child).wait();
        self.hear_out();
    }
}

/// A poisoned lock is as good as any: the child has no state that a panic could leave half changed.
fn lock(child: &Mutex<FfmpegChild>) -> MutexGuard<'_, FfmpegChild> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Standard output, whose reader can be seen to wait.
pub(super) struct WatchedOutput {
    stdout: ChildStdout,
    waits: Arc<Waits>,
}

impl Read for WatchedOutput {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.waits.begin();
        let read = self.stdout.read(buf);
        self.waits.end();
        read
    }
}

/// Since when a reader has waited.
struct Waits {
    start: Instant,
    /// Milliseconds after `start`, plus 1; 0: nobody waits.
    since_ms: AtomicU64,
    has_hung: AtomicBool,
}

impl Waits {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    fn begin(&self) {
        self.since_ms.store(self.now_ms() + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.since_ms.store(0, Ordering::Relaxed);
    }

    fn is_longer_than(&self, patience: Duration) -> bool {
        let since_ms = self.since_ms.load(Ordering::Relaxed);
        since_ms > 0 && u128::from((self.now_ms() + 1).saturating_sub(since_ms)) > patience.as_millis()
    }
}

/// A thread that ends an ffmpeg from which nothing comes for too long. Dropping it ends the thread.
struct HangWatch {
    waits: Arc<Waits>,
    /// Closed to end the thread.
    _end: Sender<()>,
}

impl HangWatch {
    fn start(kill_switch: KillSwitch, patience: Duration) -> io::Result<Self> {
        let waits =
            Arc::new(Waits { start: Instant::now(), since_ms: AtomicU64::new(0), has_hung: AtomicBool::new(false) });
        let (watched, (end, ended)) = (Arc::clone(&waits), channel());
        thread::Builder::new().name("ffmpeg-watch".to_owned()).spawn(move || {
            while ended.recv_timeout(patience / 10) == Err(RecvTimeoutError::Timeout) {
                if watched.is_longer_than(patience) {
                    watched.has_hung.store(true, Ordering::Relaxed);
                    kill_switch.kill();
                    return;
                }
            }
        })?;
        Ok(Self { waits, _end: end })
    }
}

/// What ffmpeg wrote to standard error: the first line and the last ones.
#[derive(Default)]
struct Said {
    lines: Vec<String>,
    num_lines: u64,
}

impl Said {
    fn hear(&mut self, line: String) {
        self.num_lines += 1;
        self.lines.push(line);
        if self.lines.len() > KEPT_LINES {
            self.lines.remove(1);
        }
    }

    fn words(&self) -> Option<String> {
        (!self.lines.is_empty()).then(|| self.lines.join("; "))
    }
}

/// Reads standard error to its end, so that ffmpeg never waits for room in that pipe.
fn spawn_stderr_reader(stderr: ChildStderr, said: Arc<Mutex<Said>>) -> io::Result<JoinHandle<()>> {
    let mut reader = BufReader::new(stderr);
    thread::Builder::new().name("ffmpeg-stderr".to_owned()).spawn(move || {
        let mut line = Vec::new();
        while let Ok(1..) = reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            let text = String::from_utf8_lossy(&line).replace(char::is_control, " ");
            let words = without_origin(text.trim());
            if !words.is_empty() && !is_about_time_stamps(words) {
                said.lock().unwrap_or_else(PoisonError::into_inner).hear(words.to_owned());
            }
            line.clear();
        }
    })
}

/// Complaints of the Y4M writer, which has no time stamps: nothing is wrong with the frames.
fn is_about_time_stamps(words: &str) -> bool {
    words.contains("non monotonically increasing dts")
}

/// What is said, without which part of ffmpeg said it (`[mov,mp4 @ 0x55d0] [error] `): an address tells nobody anything.
fn without_origin(line: &str) -> &str {
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, words)) => without_origin(words),
        None => line,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn an_ffmpeg_that_sends_nothing_is_ended() {
        let mut command = Command::new("sh");
        command.args(["-c", "exec sleep 1000"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = FfmpegCommand::from(command).spawn().unwrap();
        let mut stdout = child.take_stdout().unwrap();
        let child = Arc::new(Mutex::new(child));
        let watch = HangWatch::start(KillSwitch(Arc::clone(&child)), Duration::from_millis(50)).unwrap();
        watch.waits.begin();
        // Ends only because the process does.
        assert_eq!(stdout.read(&mut [0]).unwrap(), 0);
        assert!(watch.waits.has_hung.load(Ordering::Relaxed));
        lock(&child).wait().unwrap();
    }

    #[test]
    fn the_first_line_and_the_last_are_kept_and_all_are_counted() {
        let mut said = Said::default();
        (0..9).for_each(|line: u32| said.hear(line.to_string()));
        assert_eq!((said.words().as_deref(), said.num_lines), (Some("0; 7; 8"), 9));
    }
}
