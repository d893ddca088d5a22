//! The encoder on the virtual device: what goes in comes out, and no known defect of other clients is here.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

mod common;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::{config, device, keeping_sink, pixels, view};
use inflight::contract::{
    Codec, Encoder, EncoderConfig, LockPlacement, NvencOptions, PacketSink, PictureKind, RateControl, SplitEncoding,
    Tuning, TuningInfo,
};
use inflight::device::DeviceError;
use inflight::nvenc::encoder::NvencEncoder;
use inflight::nvenc::error::NvencError;
use inflight::pipeline::RingError;
use inflight::record::FrameColumns;

const PLACEMENTS: [LockPlacement; 4] =
    [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll];
const FAST: &str = "virtual:latency_us=400,interval_us=100";

fn encode(spec: &str, config: &EncoderConfig, num_frames: u64) -> (NvencEncoder, Vec<common::KeptPacket>) {
    let (sink, packets) = keeping_sink();
    let mut encoder = device(spec).encoder(config, sink).expect("the device takes this configuration");
    for pts in 0..num_frames {
        let data = pixels(config, pts);
        encoder.submit(&view(config, &data, pts)).expect("a good frame is taken");
    }
    encoder.finish().expect("a good stream ends well");
    let packets = std::mem::take(&mut *packets.lock().expect("no sink panics"));
    (encoder, packets)
}

#[test]
fn every_frame_comes_back_once_in_order() {
    for lock in PLACEMENTS {
        for threshold in [1, 2, 4, 8, 64] {
            let (encoder, packets) = encode(FAST, &config(threshold, lock), 100);
            let pts: Vec<_> = packets.iter().map(|packet| packet.pts).collect();
            assert_eq!(pts, (0..100).collect::<Vec<_>>(), "{lock} T={threshold}");
            assert!(packets.iter().all(|packet| !packet.data.is_empty()), "{lock} T={threshold}");
            assert_eq!(encoder.metrics().packets, 100);
        }
    }
}

#[test]
fn a_codec_that_no_driver_encodes_is_refused() {
    let config = EncoderConfig { codec: Codec::Vp9, ..config(1, LockPlacement::Inline) };
    let refused = device(FAST).encoder(&config, Box::new(|_| ())).err();
    let offered = "h264, hevc".to_owned();
    assert_eq!(refused, Some(DeviceError::Nvenc(NvencError::NoCodec { codec: Codec::Vp9, offered })));
}

#[test]
fn the_queue_reaches_the_threshold_and_never_passes_it() {
    for lock in PLACEMENTS {
        // An engine much slower than the caller fills any queue.
        for threshold in [1, 2, 4, 8] {
            let (encoder, _) = encode("virtual:latency_us=2000,interval_us=2000", &config(threshold, lock), 24);
            assert_eq!(encoder.metrics().queue_peak, threshold, "{lock}");
        }
    }
}

/// An empty deque and no buffer to submit into: the depth-1 case in which a client with a slow reaper gave up.
#[test]
fn serial_on_a_harvest_thread_survives_a_slow_sink() {
    let (release, gate) = mpsc::channel::<()>();
    let (sink, packets) = keeping_sink();
    let mut sink = sink;
    let slow: PacketSink = Box::new(move |packet| {
        let _ = gate.recv();
        sink(packet);
    });
    let config = config(1, LockPlacement::Thread);
    let mut encoder = device(FAST).encoder(&config, slow).expect("the device takes this configuration");
    let feeder = std::thread::spawn(move || {
        for pts in 0..50 {
            encoder.submit(&view(&config, &pixels(&config, pts), pts)).expect("a slow sink is no error");
        }
        encoder.finish().expect("a slow sink is no error");
    });
    (0..50).for_each(|_| release.send(()).expect("the sink waits for it"));
    feeder.join().expect("the feeder does not panic");
    assert_eq!(packets.lock().expect("no sink panics").len(), 50);
}

/// Deadlines bound the modelled times from below on any machine: what the submitting thread did not spend in upload
/// and submit while an engine was busy, it must have waited, and the wait must stand in the record.
#[test]
fn a_wait_cannot_hide() {
    let latency_ns = 2_000_000;
    for lock in PLACEMENTS {
        let (mut encoder, _) = encode("virtual:latency_us=2000,interval_us=2000", &config(1, lock), 20);
        let frames = encoder.take_frames();
        for idx in 1..20 {
            let since_last_submit = frames.submit_at_ns[idx] - frames.submit_at_ns[idx - 1];
            assert!(since_last_submit >= latency_ns, "{lock}: serial frames follow each other by a latency at least");
            let harvested = frames.copy_ns[idx - 1] + frames.unlock_ns[idx - 1];
            let waited = match lock {
                LockPlacement::Inline => frames.lock_ns[idx - 1] + harvested,
                LockPlacement::Poll => frames.lock_ns[idx - 1] + frames.blocked_ns[idx - 1] + harvested,
                // Copy and unlock happen on the other thread, while this one is blocked.
                LockPlacement::Thread | LockPlacement::Ready => frames.blocked_ns[idx],
            };
            let accounted = waited + frames.upload_ns[idx] + frames.submit_ns[idx - 1];
            assert!(accounted <= since_last_submit, "{lock}: nothing is counted twice");
            assert!(frames.latency_ns[idx] >= latency_ns, "{lock}");
        }
        assert!(total_wait(&frames) >= 19 * latency_ns / 2, "{lock}: {} ns", total_wait(&frames));
    }
}

/// A driver whose queue is full takes the next frame only when the first is done: the wait has moved into the submission.
#[test]
fn a_full_queue_of_the_driver_makes_the_submission_wait() {
    let device = device("virtual:latency_us=2000,interval_us=2000,queue=3");
    device.note_engine(20);
    let config = config(8, LockPlacement::Inline);
    let mut encoder = device.encoder(&config, Box::new(|_| ())).expect("the device takes this configuration");
    for pts in 0..20 {
        encoder.submit(&view(&config, &pixels(&config, pts), pts)).expect("a good frame is taken");
    }
    encoder.finish().expect("a good stream ends well");
    let first_frame_at = encoder.first_frame_at().expect("20 frames were handed in");
    let (frames, times) = (encoder.take_frames(), device.engine_times());
    for idx in 3..20 {
        let returned_at = first_frame_at + Duration::from_nanos(frames.submit_at_ns[idx] + frames.submit_ns[idx]);
        assert!(returned_at >= times[idx - 3].1, "frame {idx} was taken while three were unfinished");
    }
}

/// Where a waiting lock keeps the session, a submission that comes meanwhile waits with it. Which of the two calls comes first
/// is the scheduler's choice, so of many submissions one is asked for.
#[test]
fn a_lock_that_holds_the_session_keeps_submissions_out() {
    let longest_submission_ns = |spec, lock| {
        let (mut encoder, _) = encode(spec, &config(4, lock), 60);
        encoder.take_frames().submit_ns.into_iter().max().unwrap_or(0)
    };
    let held = "virtual:latency_us=4000,interval_us=4000,lock_holds=session";
    assert!(longest_submission_ns(held, LockPlacement::Thread) >= 2_000_000, "half a frame's time at least");
}

fn total_wait(frames: &FrameColumns) -> u64 {
    frames.lock_ns.iter().chain(&frames.blocked_ns).sum()
}

#[test]
fn b_pictures_come_in_coding_order_with_their_own_time_stamps_and_kinds() {
    for lock in PLACEMENTS {
        let config = EncoderConfig { b_frames: 2, gop_length: Some(30), ..config(4, lock) };
        let (mut encoder, packets) = encode(FAST, &config, 31);
        let first: Vec<_> = packets.iter().take(7).map(|packet| (packet.pts, packet.kind)).collect();
        let (idr, p, b) = (PictureKind::Idr, PictureKind::P, PictureKind::B);
        assert_eq!(first, [(0, idr), (3, p), (1, b), (2, b), (6, p), (4, b), (5, b)], "{lock}");
        let mut pts: Vec<_> = packets.iter().map(|packet| packet.pts).collect();
        pts.sort_unstable();
        assert_eq!(pts, (0..31).collect::<Vec<_>>(), "{lock}: none lost, none repeated");
        let frames = encoder.take_frames();
        assert!(frames.kinds.starts_with("KBBPBBP"), "{lock}: display order, got {}", frames.kinds);
        assert_eq!(frames.encode_idx[..4], [0, 2, 3, 1], "{lock}");
    }
}

/// The model's own times: no frame begins before it was submitted, and none is handed out before it is done.
#[test]
fn a_virtual_engine_says_when_it_worked_on_each_frame() {
    let device = device(FAST);
    device.note_engine(31);
    let config = EncoderConfig { b_frames: 2, gop_length: Some(30), ..config(4, LockPlacement::Inline) };
    let mut encoder = device.encoder(&config, Box::new(|_| ())).expect("the device takes this configuration");
    for pts in 0..31 {
        encoder.submit(&view(&config, &pixels(&config, pts), pts)).expect("a good frame is taken");
    }
    encoder.finish().expect("a good stream ends well");
    let first_frame_at = encoder.first_frame_at().expect("31 frames were handed in");
    let (frames, times) = (encoder.take_frames(), device.engine_times());
    assert_eq!(times.len(), 31);
    for (frame, encode_idx) in frames.encode_idx.iter().enumerate() {
        let (began, done) = times[*encode_idx as usize];
        let since_first = |at: Instant| at.duration_since(first_frame_at).as_nanos() as u64;
        let locked_ns = frames.lock_at_ns[frame] + frames.lock_ns[frame];
        assert!(frames.submit_at_ns[frame] <= since_first(began), "frame {frame} began before it was submitted");
        assert!(done - began >= Duration::from_micros(400), "frame {frame} took less than the model's latency");
        assert!(since_first(done) <= locked_ns, "frame {frame} was handed out before it was done");
    }
}

#[test]
fn keyframes_are_what_the_driver_says() {
    let config = EncoderConfig { gop_length: Some(10), ..config(4, LockPlacement::Inline) };
    let (mut encoder, _) = encode(FAST, &config, 25);
    let frames = encoder.take_frames();
    let keys: Vec<_> = frames.kinds.char_indices().filter(|&(_, kind)| kind == 'K').map(|(idx, _)| idx).collect();
    assert_eq!(keys, [0, 10, 20]);
}

/// A caller from before tuning existed names none of it and gets what it always got.
#[test]
fn a_caller_that_knows_no_tuning_is_served_serially() {
    let config = EncoderConfig::new(
        inflight::contract::Codec::H264,
        common::SMALL,
        inflight::contract::FrameRate { num: 30, den: 1 },
        inflight::contract::PixelFormat::Nv12,
    );
    assert_eq!(config.tuning, Tuning { reap_threshold: 1, lock: LockPlacement::Inline, pool: None });
    assert_eq!(config.tuning.max_in_flight_outputs(), 1);
    let (sink, packets) = keeping_sink();
    let mut encoder = device(FAST).encoder(&config, sink).expect("the device takes this configuration");
    for pts in 0..5 {
        encoder.submit(&view(&config, &pixels(&config, pts), pts)).expect("a good frame is taken");
        assert_eq!(packets.lock().expect("no sink panics").len() as u64, pts + 1, "each packet before the next frame");
    }
    encoder.finish().expect("a good stream ends well");
    assert_eq!(encoder.metrics().queue_peak, 1);
}

#[test]
fn frames_that_do_not_fit_are_refused_with_a_reason() {
    let config = config(2, LockPlacement::Inline);
    let (sink, _) = keeping_sink();
    let mut encoder = device(FAST).encoder(&config, sink).expect("the device takes this configuration");
    let error = encoder.submit(&view(&config, &[0; 10], 0)).expect_err("10 bytes are no frame");
    assert!(matches!(error, NvencError::Frame { pts: 0, .. }), "{error}");
    assert!(matches!(encoder.finish(), Err(NvencError::Ring(RingError::Ended))));
}

#[test]
fn time_stamps_must_increase() {
    let config = config(2, LockPlacement::Inline);
    let (sink, _) = keeping_sink();
    let mut encoder = device(FAST).encoder(&config, sink).expect("the device takes this configuration");
    let data = pixels(&config, 0);
    encoder.submit(&view(&config, &data, 7)).expect("any first time stamp will do");
    assert!(matches!(encoder.submit(&view(&config, &data, 7)), Err(NvencError::Ring(RingError::Order { .. }))));
}

#[test]
fn impossible_tunings_are_refused() {
    for (reap_threshold, pool) in [(0, None), (65, None), (4, Some(3))] {
        let tuning = Tuning { reap_threshold, lock: LockPlacement::Inline, pool };
        let config = EncoderConfig { tuning, ..config(1, LockPlacement::Inline) };
        let (sink, _) = keeping_sink();
        let refused = device(FAST).encoder(&config, sink).err();
        assert!(
            matches!(refused, Some(DeviceError::Nvenc(NvencError::Ring(RingError::Tuning { .. })))),
            "{reap_threshold} {pool:?}: {refused:?}"
        );
    }
}

#[test]
fn a_panicking_sink_is_an_error_not_a_hang() {
    let config = config(2, LockPlacement::Thread);
    let mut encoder = device(FAST)
        .encoder(&config, Box::new(|_| panic!("the sink's own fault")))
        .expect("the device takes this configuration");
    let mut failed = None;
    for pts in 0..100 {
        if let Err(error) = encoder.submit(&view(&config, &pixels(&config, pts), pts)) {
            failed = Some(error);
            break;
        }
    }
    assert_eq!(failed, Some(NvencError::Ring(RingError::HarvestDied)));
}

#[test]
fn dropping_an_encoder_in_mid_stream_closes_its_session() {
    // One session at a time: the next one opens only if the last one was closed.
    let device = device("virtual:latency_us=400,interval_us=100,sessions=1");
    for lock in PLACEMENTS {
        let config = config(4, lock);
        let (sink, _) = keeping_sink();
        let mut encoder = device.encoder(&config, sink).expect("the session before was closed");
        for pts in 0..10 {
            encoder.submit(&view(&config, &pixels(&config, pts), pts)).expect("a good frame is taken");
        }
    }
}

/// What two drivers make of one preset may differ: it is read back as the driver resolved it.
#[test]
fn how_the_encoder_was_set_up_is_read_back() {
    let device = device("virtual");
    let plain = config(2, LockPlacement::Inline);
    let settings = |config: &EncoderConfig| device.encode_settings(config).expect("the device takes this");
    let of = |config: &EncoderConfig, name: &str| settings(config).get(name).cloned().unwrap_or_default();
    assert_eq!(of(&plain, "gopLength"), "endless");
    assert_eq!(of(&plain, "frameIntervalP"), "1");
    let cbr = EncoderConfig {
        rate_control: RateControl::Cbr { bitrate_bps: 3_000_000 },
        gop_length: Some(60),
        b_frames: 2,
        ..plain
    };
    let expected = [
        ("rateControlMode", "CBR"),
        ("averageBitRate", "3000000"),
        ("maxBitRate", "3000000"),
        ("gopLength", "60"),
        ("idrPeriod", "60"),
        ("frameIntervalP", "3"),
    ];
    for (name, value) in expected {
        assert_eq!(of(&cbr, name), value, "{name}");
    }
    let constant = EncoderConfig { rate_control: RateControl::Cqp { qp: 23 }, codec: Codec::Hevc, ..plain };
    assert_eq!((of(&constant, "splitEncodeMode").as_str(), of(&constant, "encoder engines").as_str()), ("off", "1"));
    let split = |split| EncoderConfig { nvenc: NvencOptions { split, ..constant.nvenc }, ..constant };
    assert_eq!(of(&split(SplitEncoding::Two), "splitEncodeMode"), "2");
    assert_eq!(of(&split(SplitEncoding::Auto), "splitEncodeMode"), "chosen by the driver");
    assert_eq!(of(&constant, "rateControlMode"), "constant QP");
    assert_eq!(of(&constant, "constQP"), "P 23, B 23, I 23");
    // An HEVC stream begins with its VPS (type 32), an H.264 one with its SPS (type 7).
    assert!(of(&constant, "sequence headers").starts_with("0000000140"), "{}", of(&constant, "sequence headers"));
    assert!(of(&plain, "sequence headers").starts_with("0000000167"), "{}", of(&plain, "sequence headers"));
}

/// A success says nothing of the frames that the encoder looks ahead at: they are locked later, and none is lost.
#[test]
fn an_encoder_that_looks_ahead_is_locked_no_earlier() {
    for lock in [LockPlacement::Inline, LockPlacement::Thread, LockPlacement::Ready, LockPlacement::Poll] {
        for (reap_threshold, b_frames) in [(1, 0), (4, 0), (2, 2)] {
            let plain = config(reap_threshold, lock);
            let nvenc = NvencOptions { lookahead: Some(5), tuning_info: TuningInfo::Hq, ..plain.nvenc };
            let config = EncoderConfig { nvenc, b_frames, ..plain };
            let device = device("virtual:latency_us=200,interval_us=100");
            let (sink, packets) = keeping_sink();
            let mut encoder = device.encoder(&config, sink).expect("the device takes this configuration");
            for pts in 0..40 {
                encoder.submit(&view(&config, &pixels(&config, pts), pts)).expect("a good frame is taken");
            }
            encoder.finish().expect("a good stream ends well");
            let packets = packets.lock().expect("no sink panics");
            let mut pts: Vec<u64> = packets.iter().map(|packet| packet.pts).collect();
            pts.sort_unstable();
            assert_eq!(pts, (0..40).collect::<Vec<_>>(), "{lock}, T={reap_threshold}, {b_frames} B-frames");
            assert!(encoder.metrics().queue_peak >= 6, "five are held back");
        }
    }
}
