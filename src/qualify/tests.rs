//! Qualifies virtual devices: what was described is what is found.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use super::*;
use crate::card::{LockWords, Lockable};
use crate::record::DeviceKind;

/// Slow enough for a busy computer: each answer is that of the model, whatever else runs.
const SLOW: &str = "latency_us=6000,interval_us=4000,codecs=h264";
const BRIEF: Effort = Effort {
    presets: &[Preset::P1],
    runs: 1,
    run: Duration::ZERO,
    least_frames: 10,
    warm_up: Duration::ZERO,
    trials: 5,
    ..QUICK
};

fn found(keys: &str, engine: EngineKind) -> Qualification {
    let spec = format!("virtual:{SLOW}{keys}").parse().unwrap();
    ask(&spec, engine, BRIEF, &mut |_| ()).unwrap()
}

fn gate(encoder: &EncoderFacts, b_frames: u32, lookahead: u32) -> Lockable {
    let codec = &encoder.codecs.answer().unwrap()[0];
    let is_it = |gates: &&crate::card::Gates| (gates.b_frames, gates.lookahead) == (b_frames, lookahead);
    codec.gates.iter().rfind(is_it).unwrap().answers.answer().unwrap().clone()
}

#[test]
fn an_encoder_is_found_as_it_was_described() {
    let card = found(",queue=4,lock_holds=session,sessions=3,first_us=20000", EngineKind::Nvenc);
    assert!(card.identity.kind == DeviceKind::Virtual && card.identity.title.contains("VIRTUAL"));
    let encoder = card.encoder.unwrap();
    assert_eq!(encoder.queue.answer().unwrap().queue, Some(4));
    assert_eq!(encoder.waiting_lock.answer().unwrap().holds_session, Some(true));
    let sessions = encoder.sessions.answer().unwrap();
    assert_eq!((sessions.opened.num, sessions.initialised.num), (3, 3));
    assert!(sessions.opened.refusal.as_ref().unwrap().contains("21 NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY"));
    let words = |rows: &[LockWords]| rows.iter().map(|row| (row.status, row.pointer_is_null)).collect::<Vec<_>>();
    let locks = encoder.do_not_wait.answer().unwrap();
    assert_eq!((words(&locks.before), words(&locks.after)), (vec![(13, true)], vec![(0, false)]));
    assert!(encoder.questions.answer().is_none());

    let codec = &encoder.codecs.answer().unwrap()[0];
    assert_eq!((codec.settings.len(), codec.costs.len()), (21, 2));
    for row in &codec.costs {
        let [serial, ..] = &row.cost.answer().unwrap().sweep[..] else { panic!("no sweep") };
        // Of eight frames that are timed together, the first was submitted before.
        assert!(8 * serial.per_frame.lowest_ns >= 7 * 6_000_000, "{serial:?}");
    }
    assert!(codec.first_frame.answer().unwrap().first_total.lowest_ns >= 26_000_000);
    assert_eq!(gate(&encoder, 0, 0).submissions, "SSSSSSSSSSSS");
    assert_eq!(gate(&encoder, 2, 0).submissions, "SMMSMMSMMSMM");
    assert_eq!(gate(&encoder, 2, 0).lockable_after, [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10]);
    assert_eq!(gate(&encoder, 2, 0).coding_order[..4], [0, 3, 1, 2]);
    assert_eq!(gate(&encoder, 0, 4).submissions, "MMMMSSSSSSSS");
    assert_eq!(gate(&encoder, 0, 4).lockable_at_end, 12);
}

#[test]
fn what_a_device_does_not_do_is_not_found() {
    let encoder = found("", EngineKind::Nvenc).encoder.unwrap();
    let queue = encoder.queue.answer().unwrap();
    assert_eq!((queue.queue, queue.tried_up_to), (None, 32));
    assert_eq!(encoder.waiting_lock.answer().unwrap().holds_session, Some(false));
    assert_eq!(encoder.sessions.answer().unwrap().opened.num, 8);
}

#[test]
fn a_decoder_is_found_as_it_was_described() {
    let card = found(",queue=5,lock_holds=session,decode_us=4000", EngineKind::Nvdec);
    assert_eq!(serde_json::from_str::<Qualification>(&serde_json::to_string(&card).unwrap()).unwrap(), card);
    let decoder = card.decoder.unwrap();
    assert_eq!(decoder.queue.answer().unwrap().queue, Some(5));
    assert_eq!(decoder.waiting_map.answer().unwrap().holds_session, Some(true));
}

#[test]
fn a_device_without_an_engine_is_a_finding() {
    let encoder = found(",engines=0", EngineKind::Nvenc).encoder.unwrap();
    let Asked::Not { not_asked } = encoder.codecs else { panic!("codecs of no engine") };
    assert!(not_asked.contains("UNSUPPORTED_DEVICE"), "{not_asked}");
    assert!(encoder.sessions.answer().is_none());
}

#[test]
fn a_card_becomes_a_device_that_does_the_same() {
    let card = found(",queue=4,lock_holds=session,sessions=3", EngineKind::Nvenc);
    assert_eq!(serde_json::from_str::<Qualification>(&serde_json::to_string(&card).unwrap()).unwrap(), card);
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    serde_json::to_writer(&file, &card).unwrap();
    let text = format!("virtual:card={},sessions=5", file.path().display());
    let spec: DeviceSpec = text.parse().unwrap();
    assert_eq!(spec.to_string().parse::<DeviceSpec>().unwrap(), spec);
    let DeviceSpec::Virtual(config) = spec else { panic!("{spec}") };
    assert_eq!((config.queue, config.lock_holds_session, config.sessions), (4, true, 5));
    assert_eq!(config.codecs, [virtual_nvenc::Codec::H264]);
    let (latency_ns, interval_ns) = config.picture_cost_ns(virtual_nvenc::Codec::H264, 1, 640, 360);
    assert!(latency_ns > 5_000_000 && interval_ns > 3_000_000, "{latency_ns} {interval_ns}");
    let whole = format!("{config:#}");
    assert!(!whole.contains("card=") && whole.parse::<virtual_nvenc::DeviceConfig>().unwrap().queue == 4, "{whole}");

    let newer = Qualification { format: FORMAT + 1, ..card };
    std::fs::write(file.path(), serde_json::to_string(&newer).unwrap()).unwrap();
    assert!(text.parse::<DeviceSpec>().unwrap_err().to_string().contains("its format is 2"));
}
