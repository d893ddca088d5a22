//! The grammar of a description, and what a device's keys make of its costs.

use super::*;
use crate::versions::HEADERS;

fn parse(text: &str) -> Result<DeviceConfig, ConfigError> {
    text.parse()
}

fn cost(text: &str) -> (u64, u64) {
    let service = parse(text).unwrap().service(Codec::H264, 1, 640, 360);
    (service.latency_ns / 1000, service.interval_ns / 1000)
}

#[test]
fn grammar_takes_name_keys_both_or_neither() {
    assert_eq!(parse(""), Ok(DeviceConfig::default()));
    assert_eq!(parse("fixed"), Ok(DeviceConfig::default()));
    assert_eq!(parse("submit_us=5").unwrap().submit_us, 5);
    assert_eq!(parse("ada,submit_us=5").unwrap().profile.name, "ada");
    assert_eq!(parse("video-hw-2026-02").unwrap().host_work_us, 300);
}

#[test]
fn one_of_latency_and_interval_pulls_the_other_only_as_far_as_needed() {
    assert_eq!(cost(""), (700, 700));
    assert_eq!(cost("latency_us=1400"), (1400, 700));
    assert_eq!(cost("latency_us=500"), (500, 500));
    assert_eq!(cost("interval_us=1100"), (1100, 1100));
    assert_eq!(cost("interval_us=350"), (700, 350));
    assert_eq!(cost("latency_us=1400,interval_us=350"), (1400, 350));
}

#[test]
fn handing_out_costs_what_is_said_else_what_the_profile_says() {
    let lock_ns = |text: &str| [Codec::H264, Codec::Hevc].map(|codec| parse(text).unwrap().lock_ns(codec));
    assert_eq!(lock_ns("ada"), [0, 0]);
    assert_eq!(lock_ns("ada,lock_us=3"), [3_000, 3_000]);
    assert_eq!(lock_ns("video-hw-2026-02"), [75_000, 19_000]);
    assert_eq!(lock_ns("video-hw-2026-02,lock_us=0"), [0, 0]);
}

#[test]
fn first_picture_of_a_session_costs_more_by_what_is_said() {
    let (config, ordinary) = (parse("first_us=5,idr_factor=2").unwrap(), Service { latency_ns: 20, interval_ns: 10 });
    let costs =
        [(true, 0), (true, 1), (false, 1)].map(|(is_idr, idx)| config.picture_service(ordinary, is_idr, 0, idx));
    assert_eq!(costs, [ordinary.scaled(2.0).longer(5000), ordinary.scaled(2.0), ordinary]);
}

#[test]
fn display_reads_back_as_the_same_device() {
    let texts = [
        "fixed",
        "ada,submit_us=0",
        "fixed,latency_us=1400,interval_us=350,jitter_pct=2.5,seed=9,codecs=hevc,payload=lossless,api=12.1",
        "video-hw-2026-02,engines=2,sessions=3,idr_factor=1.5,host_work_us=0",
        "video-hw-2026-02,lock_us=0",
        "fixed,queue=4,lock_holds=session",
        "fixed,decode_us=250",
        "fixed,costs=h264:p1:640x360:700000:350000+hevc:decode:640x360:5:4,queue=4",
        "ada,clock=ramp:400ms,throttle=every:7s,first_us=9000,foreign_sessions=2",
        "fixed,throttle=after:1500ms",
    ];
    for text in texts {
        let config = parse(text).unwrap();
        assert_eq!(parse(&config.to_string()).unwrap(), config);
    }
    assert_eq!(parse("fixed,submit_us=0").unwrap().to_string(), "fixed");
    assert_eq!(parse("clock=fixed,throttle=never,first_us=0").unwrap().to_string(), "fixed");
}

#[test]
fn a_card_is_written_by_its_name_and_in_full_by_its_costs() {
    let config = parse("costs=h264:p1:640x360:1400000:350000,queue=4").unwrap();
    let config = DeviceConfig { card: Some("card.json".to_owned()), ..config }.overridden("queue=5").unwrap();
    assert_eq!(config.to_string(), "fixed,card=card.json,queue=5");
    assert_eq!(format!("{config:#}"), "fixed,costs=h264:p1:640x360:1400000:350000,queue=5");
    assert_eq!(config.picture_cost_ns(Codec::H264, 1, 640, 360), (1_400_000, 350_000));
    assert_eq!(config.picture_cost_ns(Codec::Hevc, 1, 640, 360), (700_000, 700_000));
}

#[test]
fn errors_name_what_is_known() {
    let text = |device: &str| parse(device).unwrap_err().to_string();
    assert_eq!(text("foo"), "unknown profile 'foo': use fixed, ada, turing, blackwell, video-hw-2026-02");
    assert!(text("ada,speed=1").starts_with("unknown key 'speed': use latency_us, interval_us,"));
    assert_eq!(text("codecs=av1"), "bad value 'av1' for codecs: expected h264, hevc or h264+hevc");
    assert_eq!(text("latency_us=-1"), "bad value '-1' for latency_us: expected 0 to 10000000 µs");
    assert_eq!(text("jitter_pct=NaN"), "bad value 'NaN' for jitter_pct: expected 0 to 100 percent");
    assert_eq!(text("api=9.0"), format!("bad value '9.0' for api: expected {API_EXPECTED}"));
    assert_eq!(text("seed=1,seed=2"), "key 'seed' is given twice: keep one of them");
    assert_eq!(text("ada,fast"), "'fast' is not key=value: write for example latency_us=700");
    assert!(text("latency_us=1,interval_us=2").contains("at least one interval"));
    assert_eq!(text("lock_holds=1"), "bad value '1' for lock_holds: expected session or nothing");
    assert_eq!(text("clock=ramp"), format!("bad value 'ramp' for clock: expected {CLOCK_EXPECTED}"));
    assert_eq!(text("throttle=every:1s"), format!("bad value 'every:1s' for throttle: expected {THROTTLE_EXPECTED}"));
    assert!(text("ada,").contains("not key=value"));
}

#[test]
fn api_text_names_every_header() {
    assert!(HEADERS.iter().all(|header| API_EXPECTED.contains(&header.to_string())));
}
