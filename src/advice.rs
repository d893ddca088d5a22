//! What to change in another program so that it keeps the recommended number of frames in flight, and locks there.
//!
//! Pure text. Knows the programs by their sources, whose files and functions stand at each; not what is installed, nor
//! which B-frames and lookahead the user's program asks for.

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::{Codec, EngineKind, LockPlacement};
use crate::record::{Case, DeviceKind};

/// Most surfaces that FFmpeg makes (nvenc.h, `MAX_REGISTERED_FRAMES`).
const FFMPEG_MAX_SURFACES: u32 = 64;
/// What it makes by default without B-frames and lookahead.
const FFMPEG_USUAL_SURFACES: u32 = 4;
/// Outputs that GStreamer makes without B-frames and lookahead.
const GSTREAMER_OUTPUTS: u32 = 5;
/// In flight when OBS locks, without B-frames and look-ahead: 4 buffers less one.
const OBS_LEAST: u32 = 3;

/// How one program is brought to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Advice {
    /// Which program, as people call it.
    pub program: &'static str,
    /// What to write: options, settings or pseudo-code, maybe of several lines. Empty: there is nothing to write.
    pub change: String,
    /// What that does, what it cannot do, and why.
    pub note: String,
    /// Can the program be set to exactly this case? If not, `change` is the nearest there is, or empty.
    pub is_possible: bool,
}

/// Three commands for a POSIX shell, to be run in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Proof {
    /// Watches the program as it was.
    pub before: String,
    /// Watches it with the change.
    pub after: String,
    /// Judges after against before.
    pub compare: String,
    /// What to know beforehand, and what to look at.
    pub note: &'static str,
}

/// One entry a program, always in the same order. Empty for a case without a threshold: another program's. For a decoder only
/// the user's own loop: none of the other programs offers a setting for it. For a transcode that loop as well.
pub fn advice(case: &Case, engine: EngineKind) -> Vec<Advice> {
    if case.reap_threshold == 0 {
        return Vec::new();
    }
    if engine == EngineKind::Nvdec {
        return vec![own_decoder(case)];
    }
    let decoder = case.decode.map(|ring| {
        let alone = Case { reap_threshold: ring.reap_threshold, lock: ring.lock, decode: None, ..*case };
        Advice { program: "Your own decoder", ..own_decoder(&alone) }
    });
    [ffmpeg(case), gstreamer(case), obs(case), sdk_sample(case), own_program(case)].into_iter().chain(decoder).collect()
}

/// The commands that show what the change did to the user's own program. `before` and `after` are its command lines, as
/// typed into a shell. `device` is as `--device` takes it; with `--real` the program itself chooses the GPU.
///
/// Each command line runs five times within a session, because `compare` leaves sides of fewer than three runs open.
/// Two watched sessions with frames of one number, size and format need no `--allow-different-input`.
pub fn proof(kind: DeviceKind, device: &str, before: &str, after: &str) -> Proof {
    let driver = match kind {
        DeviceKind::Cuda => "--real".to_owned(),
        DeviceKind::Virtual | DeviceKind::Library => format!("--device {}", quoted(device)),
    };
    let watch = |side: &str, command: &str| {
        let runs = quoted(&format!("for run in 1 2 3 4 5; do {command}; done"));
        format!("inflight virtual-driver run {driver} --session output/{side} -- sh -c {runs}")
    };
    Proof {
        before: watch("before", before),
        after: watch("after", after),
        compare: "inflight compare --before output/before --after output/after".to_owned(),
        note: "Linux only. Both commands must encode the same frames; the two session folders must be new. \
               'in flight at the lock' shows at once whether the change took effect. \
               The sides are not interleaved, so small changes stay inconclusive (--session-drift).",
    }
}

/// FFmpeg locks one frame a call, on the thread that submits, once ready + pending >= async_depth (nvenc.c,
/// `output_ready`; `ff_nvenc_receive_packet` asks it right after `nvenc_send_frame`). The frame just submitted counts,
/// so the depth is T, not T - 1; depths 0 and 1 are both serial, because one must be ready. The depth is `-delay`
/// (nvenc_h264.c, nvenc_hevc.c, nvenc_av1.c; default `INT_MAX`), at most surfaces - 1 (`nvenc_recalc_surfaces`).
fn ffmpeg(case: &Case) -> Advice {
    let threshold = case.reap_threshold;
    let is_in_range = threshold < FFMPEG_MAX_SURFACES;
    let delay = if threshold == 1 { 0 } else { threshold.min(FFMPEG_MAX_SURFACES - 1) };
    let surfaces = if delay < FFMPEG_USUAL_SURFACES { String::new() } else { format!(" -surfaces {}", delay + 1) };
    let what = match case.lock {
        LockPlacement::Inline if is_in_range => "FFmpeg locks the oldest frame with T in flight; its default is T=3.",
        LockPlacement::Inline => "FFmpeg makes at most 64 surfaces, and so keeps at most 63 frames in flight.",
        LockPlacement::Thread | LockPlacement::Ready | LockPlacement::Poll => {
            "This sets the number only: FFmpeg always locks, and waits, on the thread that submits. Choose T from the \
             inline rows of the sweep."
        }
    };
    // `nvenc_setup_rate_control` cuts the lookahead to depth - frameIntervalP - 4, and for -zerolatency sets
    // zeroReorderDelay alone. What B-frames and lookahead hold back is counted as pending.
    let rest = "Above T=1 add the numbers of B-frames (some presets use them; -bf 0: none) and of -rc-lookahead to \
                -delay, and to -surfaces where given. Below T=5 FFmpeg shortens the lookahead or leaves it off. \
                -zerolatency does not change the queue, and -async_depth is no option of these encoders.";
    Advice {
        program: "FFmpeg",
        change: format!("-c:v {}_nvenc -delay {delay}{surfaces}", case.codec),
        note: format!("{what} {rest}"),
        is_possible: case.lock == LockPlacement::Inline && is_in_range,
    }
}

/// `gst_nv_encoder_thread_func` (gstnvencoder.cpp) locks what `GstNvEncObject::Encode` (gstnvencobject.cpp) released to
/// it. `gst_nv_encoder_calculate_task_pool_size` makes 4 + lookahead + B-frames + 1 outputs, `AcquireTask` waits for a
/// free one. The older nvh264enc has as many (gstnvbaseenc.c, `gst_nv_base_enc_calculate_num_prealloc_buffers`). The
/// property lists (gstnvh264encoder.cpp and its siblings) have no word for the number or the place.
fn gstreamer(case: &Case) -> Advice {
    let elements = match case.codec {
        Codec::H264 => "nvh264enc, nvcudah264enc and nvautogpuh264enc",
        Codec::Hevc => "nvh265enc, nvcudah265enc and nvautogpuh265enc",
        Codec::Av1 => "nvav1enc and nvautogpuav1enc",
        // A case of a decoder, whose advice is another.
        Codec::Vp9 => "elements of NVENC",
    };
    let does = format!(
        "{elements} lock on a thread of their own as soon as possible, with at most {GSTREAMER_OUTPUTS} frames in \
         flight; what B-frames and rc-lookahead hold back comes on top."
    );
    let is_possible = case.lock == LockPlacement::Thread && case.reap_threshold == GSTREAMER_OUTPUTS;
    let verdict = if is_possible {
        "This is the recommended case: change nothing."
    } else {
        "No property changes the number or the place; zerolatency (zero-reorder-delay in 1.22 and 1.24) only rules out \
         reordering. With a live source slower than the encoder fewer are in flight anyway."
    };
    Advice { program: "GStreamer", change: String::new(), note: format!("{does} {verdict}"), is_possible }
}

/// `init_encoder_base` (obs-nvenc/nvenc.c) makes max(4, 4 × (B-frames + 1)) buffers, with look-ahead at least
/// B-frames + depth + 6, never more than 64. `get_encoded_packet` locks one, on the thread that submits, once all but
/// one are queued. nvenc-properties.c and nvenc-opts-parser.c offer no setting for either.
fn obs(case: &Case) -> Advice {
    let (change, reach) = if case.reap_threshold > OBS_LEAST {
        ("", "Larger numbers come only with B-frames or look-ahead.")
    } else {
        ("B-Frames: 0\nLook-ahead: off", "These settings give T=3, the smallest possible.")
    };
    Advice {
        program: "OBS Studio",
        change: change.to_owned(),
        note: format!(
            "OBS has no setting for it: it makes 4 × (B-frames + 1) buffers, more with look-ahead, and locks inline, \
             once all but one are in flight. {reach} Some presets look ahead, and the tuning UHQ uses B-frames, \
             whatever is set; both raise the number."
        ),
        is_possible: case.reap_threshold == OBS_LEAST && case.lock == LockPlacement::Inline,
    }
}

/// `CreateEncoder` (NvEncoder.cpp) makes frameIntervalP + lookaheadDepth + nExtraOutputDelay buffers, and an output
/// delay of one less. `EncodeFrame` submits, then `GetEncodedPacket` locks what exceeds the delay: with all buffers in
/// flight. B-frames (frameIntervalP - 1) and lookahead are held back and no part of T: it is nExtraOutputDelay + 1.
fn sdk_sample(case: &Case) -> Advice {
    let extra = case.reap_threshold - 1;
    let place = match case.lock {
        LockPlacement::Inline => "It locks on the thread that calls EncodeFrame.",
        LockPlacement::Thread | LockPlacement::Ready | LockPlacement::Poll => {
            "This sets the number only: EncodeFrame submits and locks on one thread. Choose T from the inline rows of \
             the sweep, or replace EncodeFrame by a loop of your own."
        }
    };
    Advice {
        program: "NVIDIA Video Codec SDK sample (NvEncoder)",
        change: format!("NvEncoderCuda(cuContext, nWidth, nHeight, eFormat, {extra})  // nExtraOutputDelay = {extra}"),
        note: format!(
            "T is nExtraOutputDelay + 1, and 4 by default; the class adds B-frames and lookahead by itself. {place} \
             NvEncoderD3D11 and NvEncoderGL have the same argument."
        ),
        is_possible: case.lock == LockPlacement::Inline,
    }
}

const START: &str = "P = {T} + H  // input/output pairs; H = frames held back: B-frames + lookahead
submitted = lockable = locked = 0";
const SUBMIT: &str = "upload to input[submitted % P]
    status = nvEncEncodePicture(input[submitted % P], output[submitted % P]); submitted += 1
    if status == NV_ENC_SUCCESS: lockable = submitted";
const INLINE: &str = "for each frame:
    SUBMIT
    while lockable - locked >= {T}:
        nvEncLockBitstream(output[locked % P], doNotWait = 0)
        copy the packet; nvEncUnlockBitstream; locked += 1
end of stream: send EOS; lockable = submitted; lock the rest the same way";
const THREAD: &str = "thread 1, for each frame:
    wait until lockable - locked < {T}  // condition variable
    SUBMIT; wake thread 2
end of stream: send EOS; lockable = submitted; wake thread 2; join it
thread 2, again and again:
    wait until locked < lockable; leave once the stream has ended and locked == submitted
    TAKE_OLDEST
    copy the packet; nvEncUnlockBitstream; locked += 1; wake thread 1";
/// How thread 2 takes the oldest frame: waiting inside the lock, or asking first.
const WAIT_INSIDE: &str = "nvEncLockBitstream(output[locked % P], doNotWait = 0)";
const ASK_FIRST: &str =
    "while nvEncLockBitstream(output[locked % P], doNotWait = 1) != NV_ENC_SUCCESS: sleep  // until it is due";
const POLL: &str = "for each frame:
    SUBMIT
    repeat:
        while locked < lockable and nvEncLockBitstream(output[locked % P], doNotWait = 1) == NV_ENC_SUCCESS:
            copy the packet; nvEncUnlockBitstream; locked += 1
        if lockable - locked < {T}: stop repeating
        sleep 50 µs  // NV_ENC_ERR_LOCK_BUSY
end of stream: send EOS; lockable = submitted; repeat until locked == submitted";

/// The loops of `nvenc::encoder`, in short. Locks go in the order of submission, and only to frames that an
/// `NV_ENC_SUCCESS` at or after their submission made lockable (nvEncodeAPI.h, `nvEncEncodePicture`).
fn own_program(case: &Case) -> Advice {
    const MUTEX: &str = "One mutex guards the counters; do not hold it during a driver call.";
    const ASKING: &str = "NVIDIA's guide wants doNotWait = 0 in synchronous mode: try it on your driver.";
    let (steps, about) = match case.lock {
        LockPlacement::Inline => (INLINE.to_owned(), "The submitting thread waits inside the lock.".to_owned()),
        LockPlacement::Thread => (THREAD.replace("TAKE_OLDEST", WAIT_INSIDE), MUTEX.to_owned()),
        LockPlacement::Ready => (THREAD.replace("TAKE_OLDEST", ASK_FIRST), format!("{MUTEX} {ASKING}")),
        LockPlacement::Poll => (POLL.to_owned(), ASKING.to_owned()),
    };
    let rest = "After NV_ENC_ERR_NEED_MORE_INPUT a frame must not be locked yet. With lookahead hold its depth back \
                too (lockable = submitted - depth), as GStreamer does: drivers have refused earlier locks.";
    Advice {
        program: "Your own program",
        change: format!("{START}\n{steps}").replace("SUBMIT", SUBMIT).replace("{T}", &case.reap_threshold.to_string()),
        note: format!("{about} {rest}"),
        is_possible: true,
    }
}

const DECODE: &str = "P = {T} + min_num_decode_surfaces  // surfaces, the answer of the sequence callback
decode callback: cuvidDecodePicture
display callback: shown += its surface";

/// The loop of `nvdec::engine`, in short: a frame may be mapped once the display callback has named it.
fn own_decoder(case: &Case) -> Advice {
    const MAP: &str = "cuvidMapVideoFrame64; use the frame; cuvidUnmapVideoFrame64";
    let parse = "cuvidParseVideoData(access unit, CUVID_PKT_ENDOFPICTURE)";
    let finished = "cuvidGetDecodeStatus(oldest of shown) is not 1";
    let steps = match case.lock {
        LockPlacement::Inline => format!("for each access unit:\n    {parse}\n    while shown holds {{T}}: {MAP}"),
        LockPlacement::Poll => {
            format!(
                "for each access unit:\n    {parse}\n    while shown holds {{T}}, or {finished}: once it is so, {MAP}"
            )
        }
        LockPlacement::Thread | LockPlacement::Ready => {
            let wait =
                if case.lock == LockPlacement::Ready { format!("sleep until {finished}; ") } else { String::new() };
            format!(
                "thread 1, for each access unit:\n    wait until shown holds fewer than {{T}}\n    {parse}\nthread 2, for each \
                 of shown:\n    {wait}{MAP}"
            )
        }
    };
    Advice {
        program: "Your own program",
        change: format!("{DECODE}\n{steps}\nend of stream: CUVID_PKT_ENDOFSTREAM; map the rest the same way")
            .replace("{T}", &case.reap_threshold.to_string()),
        note: "Frames come in display order. Map and copy on one CUDA stream (CUVIDPROCPARAMS::output_stream): the driver \
               converts a mapped frame there."
            .to_owned(),
        is_possible: true,
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::MAX_IN_FLIGHT;
    use crate::record::Client;
    use LockPlacement::{Inline, Poll, Ready, Thread};

    fn case(codec: Codec, reap_threshold: u32, lock: LockPlacement) -> Case {
        Case {
            codec,
            reap_threshold,
            lock,
            pool: reap_threshold,
            names_pool: false,
            client: Client::Here,
            decode: None,
        }
    }

    fn cases() -> impl Iterator<Item = Case> {
        let codecs = Codec::ENCODED.into_iter();
        let places = codecs.flat_map(|codec| [Inline, Thread, Ready, Poll].map(|lock| (codec, lock)));
        places.flat_map(|(codec, lock)| (1..=MAX_IN_FLIGHT).map(move |threshold| case(codec, threshold, lock)))
    }

    #[test]
    fn every_program_answers_every_case_and_none_claims_what_it_cannot() {
        for case in cases() {
            let (is_inline, threshold) = (case.lock == Inline, case.reap_threshold);
            let all = advice(&case, EngineKind::Nvenc);
            let possible: Vec<_> = all.iter().map(|one| one.is_possible).collect();
            let of_gstreamer = case.lock == Thread && threshold == 5;
            let expected = [is_inline && threshold < 64, of_gstreamer, is_inline && threshold == 3, is_inline, true];
            assert_eq!(possible, expected, "{case}");
            for Advice { note, change, .. } in all {
                assert!(note.ends_with('.') && !note.contains("  ") && !note.contains('\n'), "{case}: {note}");
                assert!(!change.contains("{T}") && !change.contains("SUBMIT"), "{case}: {change}");
            }
        }
        assert_eq!(advice(&case(Codec::H264, 0, Inline), EngineKind::Nvenc), []);
    }

    #[test]
    fn one_frame_in_flight_gives_serial_settings() {
        let all = advice(&case(Codec::H264, 1, Inline), EngineKind::Nvenc);
        let expected = ["-delay 0", "", "B-Frames: 0", "nExtraOutputDelay = 0", "lockable - locked >= 1:"];
        for (one, expected) in all.iter().zip(expected) {
            assert!(one.change.contains(expected), "{one:?}");
        }
    }

    /// `output_ready` played through with P frames only.
    #[test]
    fn ffmpeg_keeps_the_threshold_in_flight_by_its_own_rule() {
        let number = |change: &str, option| change.split_once(option)?.1.split(' ').next()?.parse::<u32>().ok();
        for case in cases() {
            let change = ffmpeg(&case).change;
            let surfaces = number(&change, "-surfaces ").unwrap_or(FFMPEG_USUAL_SURFACES);
            let depth = number(&change, "-delay ").unwrap().min(surfaces - 1);
            let at_lock = (1..).find(|&ready| ready >= depth).unwrap();
            assert_eq!(at_lock, case.reap_threshold.min(63), "{change}");
            assert!((at_lock..=FFMPEG_MAX_SURFACES).contains(&surfaces), "{change}");
        }
    }

    #[test]
    fn a_proof_watches_both_and_compares_them() {
        let real = proof(DeviceKind::Cuda, "cuda:0", "enc a.y4m", "enc -t 'b c' a.y4m");
        assert!(real.before.starts_with("inflight virtual-driver run --real --session output/before -- sh -c 'for"));
        assert!(real.after.ends_with(r"do enc -t '\''b c'\'' a.y4m; done'"), "{}", real.after);
        let modelled = proof(DeviceKind::Virtual, "virtual:ada", "a", "b").before;
        assert!(modelled.contains("run --device 'virtual:ada' --session"), "{modelled}");
    }
}
