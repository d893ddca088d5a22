//! Pictures through the driver: order, readiness, picture types, parameter sets, waiting.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use moq_nvenc::sys::nvEncodeAPI as sys;

use crate::client::*;

const P: u32 = 0;
const B: u32 = 1;
const I: u32 = 2;
const IDR: u32 = 3;

/// Submits `flags.len()` pictures, ends the stream, and gives the statuses and the packets in slot order.
fn encode(client: &Client<'_>, flags: &[u32]) -> (Vec<u32>, Vec<Packet>) {
    let slots: Vec<Slot> = flags.iter().map(|_| client.slot()).collect();
    let submit = |(index, flags): (usize, &u32)| client.submit_with(slots[index], index as u64, *flags);
    let statuses = flags.iter().enumerate().map(submit).collect();
    assert_eq!(client.end_of_stream(), SUCCESS);
    (statuses, slots.iter().map(|slot| client.reap(*slot)).collect())
}

fn types_and_times(packets: &[Packet]) -> Vec<(u32, u64)> {
    packets.iter().map(|packet| (packet.picture_type, packet.timestamp)).collect()
}

fn with_b_frames(config: &mut sys::NV_ENC_CONFIG) {
    config.frameIntervalP = 3;
}

#[test]
fn pictures_come_back_in_order_with_what_the_client_said_of_them() {
    let device = instant_device();
    let client = Client::ready(&device);
    let (statuses, packets) = encode(&client, &[0; 4]);
    assert_eq!(statuses, [SUCCESS; 4]);
    assert_eq!(types_and_times(&packets), [(IDR, 0), (P, 1), (P, 2), (P, 3)]);
    let last = &packets[3];
    assert_eq!((last.duration, last.frame_idx, last.display_idx), (1003, 10, 3));
    assert_eq!(device.counters().pictures, 4);
    client.destroy();
}

#[test]
fn b_pictures_fill_the_outputs_in_encode_order() {
    let device = instant_device();
    let client = Client::configured(&device, with_b_frames);
    let (statuses, packets) = encode(&client, &[0; 6]);
    let more = NEED_MORE_INPUT;
    assert_eq!(statuses, [SUCCESS, more, more, SUCCESS, more, more]);
    assert_eq!(types_and_times(&packets), [(IDR, 0), (P, 3), (B, 1), (B, 2), (P, 5), (B, 4)]);
    assert_eq!(packets.iter().map(|packet| packet.display_idx).collect::<Vec<_>>(), [0, 3, 1, 2, 5, 4]);
    assert_eq!(device.counters().rules_broken, []);
    client.destroy();
}

#[test]
fn the_middle_b_picture_goes_before_the_others_where_it_is_a_reference() {
    use sys::NV_ENC_BFRAME_REF_MODE as Mode;
    let device = instant_device();
    let client = Client::configured(&device, |config| {
        config.frameIntervalP = 4;
        h264(config, |h264| h264.useBFramesAsRef = Mode::NV_ENC_BFRAME_REF_MODE_MIDDLE);
    });
    let (_, packets) = encode(&client, &[0; 5]);
    assert_eq!(types_and_times(&packets), [(IDR, 0), (P, 4), (B, 2), (B, 1), (B, 3)]);
    client.destroy();

    let each = Client::opened(&device);
    let mut config = each.preset_config();
    h264(&mut config, |h264| h264.useBFramesAsRef = Mode::NV_ENC_BFRAME_REF_MODE_EACH);
    let mut init = sys::NV_ENC_INITIALIZE_PARAMS { encodeConfig: &mut config, ..each.init_params() };
    assert_eq!(each.initialize(&mut init), UNSUPPORTED_PARAM, "as its capability says");
    each.destroy();
}

#[test]
fn an_intra_refresh_has_to_end_before_the_next() {
    let device = instant_device();
    for (gop_length, num_pictures, expected) in [
        (sys::NVENC_INFINITE_GOPLENGTH, 8, INVALID_PARAM),
        (100, 8, SUCCESS),
        (sys::NVENC_INFINITE_GOPLENGTH, 7, SUCCESS),
    ] {
        let client = Client::opened(&device);
        let mut config = client.preset_config();
        config.gopLength = gop_length;
        h264(&mut config, |h264| {
            h264.set_enableIntraRefresh(1);
            (h264.intraRefreshPeriod, h264.intraRefreshCnt) = (8, num_pictures);
        });
        let mut init = sys::NV_ENC_INITIALIZE_PARAMS { encodeConfig: &mut config, ..client.init_params() };
        assert_eq!(client.initialize(&mut init), expected, "GOP {gop_length}, {num_pictures} of 8 pictures");
        client.destroy();
    }
}

#[test]
fn outputs_of_waiting_pictures_may_not_be_locked() {
    let device = instant_device();
    let client = Client::configured(&device, with_b_frames);
    let slots: [Slot; 4] = client.slots();
    assert_eq!(client.submit(slots[0], 0), SUCCESS);
    assert_eq!(client.submit(slots[1], 1), NEED_MORE_INPUT);
    client.reap(slots[0]);
    assert_eq!(client.lock(slots[1].output), INVALID_PARAM);
    assert!(client.last_error().starts_with("locked before a SUCCESS made it ready: "));
    assert_eq!(client.broken("locked before ready"), 1);
    assert_eq!(client.lock_input(slots[1].input, false).0, INVALID_CALL, "waiting for it would never end");
    assert!(client.last_error().starts_with("input held for reordering: "));

    assert_eq!((client.submit(slots[2], 2), client.submit(slots[3], 3)), (NEED_MORE_INPUT, SUCCESS));
    for slot in &slots[1..] {
        client.reap(*slot);
    }
    assert_eq!(client.lock_input(slots[1].input, false).0, SUCCESS);
    client.destroy();
}

#[test]
fn lookahead_answers_need_more_input_until_it_is_filled() {
    let device = instant_device();
    let client = Client::configured(&device, |config| {
        config.rcParams.set_enableLookahead(1);
        config.rcParams.lookaheadDepth = 2;
    });
    let (statuses, packets) = encode(&client, &[0; 4]);
    assert_eq!(statuses, [NEED_MORE_INPUT, NEED_MORE_INPUT, SUCCESS, SUCCESS]);
    assert_eq!(types_and_times(&packets), [(IDR, 0), (P, 1), (P, 2), (P, 3)]);
    client.destroy();
}

#[test]
fn clients_force_intra_and_idr_pictures() {
    let device = instant_device();
    let client = Client::ready(&device);
    let (_, packets) = encode(&client, &[0, FORCE_INTRA, 0, FORCE_IDR, 0]);
    assert_eq!(types_and_times(&packets), [(IDR, 0), (I, 1), (P, 2), (IDR, 3), (P, 4)]);
    client.destroy();
}

#[test]
fn end_of_stream_may_come_any_number_of_times() {
    let device = instant_device();
    let client = Client::configured(&device, with_b_frames);
    assert_eq!(client.end_of_stream(), SUCCESS);
    let (_, packets) = encode(&client, &[0; 3]);
    assert_eq!(types_and_times(&packets), [(IDR, 0), (P, 2), (B, 1)]);
    assert_eq!((client.end_of_stream(), client.end_of_stream()), (SUCCESS, SUCCESS));
    let (_, packets) = encode(&client, &[0; 2]);
    assert_eq!(packets.len(), 2, "the session goes on after an end of stream");
    assert_eq!(client.destroy(), SUCCESS);
    assert_eq!(device.counters().rules_broken, []);
}

/// Which of the packets start with parameter sets (H.264 7.4.1: NAL unit type 7 first).
fn with_headers(packets: &[Packet]) -> Vec<bool> {
    packets.iter().map(|packet| packet.bytes.get(4).is_some_and(|nal| nal & 31 == 7)).collect()
}

#[test]
fn parameter_sets_go_where_the_configuration_says() {
    let device = instant_device();
    let check = |change: fn(&mut sys::NV_ENC_CONFIG), flags: &[u32], expected: &[bool]| {
        let client = Client::configured(&device, change);
        assert_eq!(with_headers(&encode(&client, flags).1), expected);
        client.destroy();
    };
    let idr_twice = [0, 0, FORCE_IDR];
    check(|_| {}, &idr_twice, &[true, false, false]);
    check(|_| {}, &[0, OUTPUT_SPSPPS, 0], &[true, true, false]);
    check(|config| h264(config, |h264| h264.set_repeatSPSPPS(1)), &idr_twice, &[true, false, true]);
    check(|config| h264(config, |h264| h264.set_disableSPSPPS(1)), &idr_twice, &[false, false, false]);
}

fn h264(config: &mut sys::NV_ENC_CONFIG, change: impl FnOnce(&mut sys::NV_ENC_CONFIG_H264)) {
    // SAFETY: the configuration is that of an H.264 preset, and all members of the union are plain integers.
    change(unsafe { &mut config.encodeCodecConfig.h264Config });
}

#[test]
fn input_rows_are_padded_to_the_driver_pitch() {
    let device = instant_device();
    let client = Client::ready(&device);
    for (format, width, pitch_bytes) in [(NV12, 64, 512), (NV12, 640, 1024), (ARGB, 64, 512), (ARGB, 640, 2560)] {
        let (status, input) = client.create_input(format, width, 64);
        assert_eq!(status, SUCCESS);
        let (status, address, pitch) = client.lock_input(input, false);
        assert_eq!((status, pitch), (SUCCESS, pitch_bytes));
        assert!(address.addr() % 4096 == 0);
    }
    client.destroy();
}

/// 600 ms of engine time: long enough that a busy answer cannot be missed, and never waited for.
const SLOW: &str = "latency_us=600000";

#[test]
fn polling_is_answered_busy_until_the_picture_is_done() {
    let slow = device(SLOW);
    let client = Client::ready(&slow);
    let slot = client.slot();
    assert_eq!(client.submit(slot, 0), SUCCESS);
    assert_eq!(client.try_lock(slot.output), LOCK_BUSY);
    assert_eq!(client.lock_input(slot.input, true).0, LOCK_BUSY);
    assert_eq!(client.last_error(), "", "busy is no breach");
    assert_eq!(slow.counters().rules_broken, []);
    client.destroy();

    let instant = instant_device();
    let client = Client::ready(&instant);
    let slot = client.slot();
    assert_eq!(client.submit(slot, 0), SUCCESS);
    let polled = std::iter::repeat_with(|| client.try_lock(slot.output)).find(|status| *status != LOCK_BUSY);
    assert_eq!(polled, Some(SUCCESS));
    client.destroy();
}

#[test]
fn a_lock_takes_its_time_for_a_finished_picture_too() {
    let device = device("latency_us=0,interval_us=0,lock_us=2000");
    let client = Client::ready(&device);
    let slot = client.slot();
    assert_eq!(client.submit(slot, 0), SUCCESS);
    let called = Instant::now();
    assert_eq!(client.lock(slot.output), SUCCESS);
    assert!(called.elapsed() >= Duration::from_millis(2));
    client.destroy();
}

#[test]
fn an_output_awaited_by_one_thread_is_taken_for_another() {
    let slow = device(SLOW);
    let client = Client::ready(&slow);
    let slot = client.slot();
    assert_eq!(client.submit(slot, 0), SUCCESS);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| client.lock(slot.output()));
        // The other thread has or has not begun to wait; once it has, the output is taken.
        let polled = std::iter::repeat_with(|| client.try_lock(slot.output)).find(|status| *status != LOCK_BUSY);
        assert_eq!(polled, Some(INVALID_CALL), "{}", client.last_error());
        assert_eq!(waiting.join().unwrap(), SUCCESS);
    });
    client.destroy();
}

#[test]
fn a_second_thread_harvests() {
    const NUM_PICTURES: u64 = 300;
    let device = device("latency_us=200,interval_us=100");
    let client = Client::ready(&device);
    let slots: [Slot; 4] = client.slots();
    thread::scope(|scope| {
        let (submitted, to_reap) = mpsc::channel::<Slot>();
        let (freed, free) = mpsc::channel::<Slot>();
        slots.iter().for_each(|slot| freed.send(*slot).unwrap());
        let (client, harvested) = (
            &client,
            scope.spawn({
                let client = &client;
                move || {
                    let reap = |slot| {
                        let packet = client.reap(slot);
                        let _ = freed.send(slot); // the submitter may have stopped taking them
                        packet.timestamp
                    };
                    to_reap.into_iter().map(reap).collect::<Vec<u64>>()
                }
            }),
        );
        for picture in 0..NUM_PICTURES {
            let slot = free.recv().unwrap();
            assert_eq!(client.submit(slot, picture), SUCCESS, "{}", client.last_error());
            submitted.send(slot).unwrap();
        }
        assert_eq!(client.end_of_stream(), SUCCESS);
        drop(submitted);
        assert_eq!(harvested.join().unwrap(), (0..NUM_PICTURES).collect::<Vec<_>>());
    });
    assert_eq!(client.destroy(), SUCCESS);
    let counters = device.counters();
    assert_eq!((counters.pictures, counters.rules_broken), (NUM_PICTURES, vec![]));
}

#[test]
fn a_new_size_starts_a_new_stream() {
    let device = instant_device();
    let client = Client::opened(&device);
    let mut init = client.init_params();
    (init.maxEncodeWidth, init.maxEncodeHeight) = (128, 128);
    assert_eq!(client.initialize(&mut init), SUCCESS);
    let slot = client.slot();
    assert_eq!(client.submit(slot, 0), SUCCESS);
    let first = client.reap(slot);

    (init.encodeWidth, init.encodeHeight) = (48, 32);
    assert_eq!(client.reconfigure(init, false), SUCCESS, "{}", client.last_error());
    assert_eq!(client.submit(slot, 1), SUCCESS);
    let second = client.reap(slot);
    assert_eq!((first.picture_type, second.picture_type), (IDR, IDR));
    assert_eq!(with_headers(&[first.clone(), second.clone()]), [true, true]);
    assert_ne!(first.bytes[..20], second.bytes[..20]);

    assert_eq!(client.reconfigure(init, true), SUCCESS);
    assert_eq!(client.submit(slot, 2), SUCCESS);
    assert_eq!(client.reap(slot).picture_type, IDR);
    client.destroy();
}

#[test]
fn the_pixels_decide_the_bytes() {
    let device = instant_device();
    let client = Client::ready(&device);
    let slot = client.slot();
    let packet_of = |level: u8| {
        let (status, address, pitch) = client.lock_input(slot.input, false);
        assert_eq!(status, SUCCESS);
        // SAFETY: the buffer is locked, and an NV12 picture of 64 rows has 96 rows of `pitch` bytes.
        unsafe { address.write_bytes(level, pitch as usize * 96) };
        assert_eq!(client.unlock_input(slot.input), SUCCESS);
        assert_eq!(client.submit_with(slot, 0, FORCE_IDR | OUTPUT_SPSPPS), SUCCESS);
        client.reap(slot).bytes
    };
    let (dark, bright, dark_again) = (packet_of(30), packet_of(200), packet_of(30));
    assert_ne!(dark, bright);
    assert_eq!(dark.len(), dark_again.len());
    client.destroy();
}
