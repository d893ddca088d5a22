//! Opening and ending: devices, session limits, and teardown in every order.

use std::ptr::null_mut;
use std::thread;

use crate::client::*;

#[test]
fn devices_are_found_by_their_pointer_and_nothing_else() {
    let first = instant_device();
    let mut client = Client::opened(&first);
    assert_eq!(client.destroy(), SUCCESS);
    assert_eq!(client.open(V12_1.open, V12_1.api, null_mut()), INVALID_PTR);
    assert_eq!(client.encoder, null_mut());
    assert_eq!(client.open(V12_1.open, V12_1.api, 0x1234_5678 as *mut _), INVALID_DEVICE);
    assert_eq!(client.encoder, null_mut());

    let second = instant_device();
    let gone = second.as_ptr();
    assert_ne!(gone, first.as_ptr());
    drop(second);
    assert_eq!(client.open(V12_1.open, V12_1.api, gone), INVALID_DEVICE);
}

#[test]
fn sessions_outlive_their_device() {
    let device = instant_device();
    let client = Client::ready(&device);
    let (table, encoder, header, slot) = (client.table, client.encoder, client.header, client.slot());
    drop(device);
    let other = instant_device();
    let (mut client, _) = Client::with_header(&other, header);
    assert_eq!(client.destroy(), SUCCESS);
    (client.table, client.encoder) = (table, encoder);
    assert_eq!(client.submit(slot, 0), SUCCESS);
    assert_eq!(client.reap(slot).timestamp, 0);
    assert_eq!(client.destroy(), SUCCESS);
}

#[test]
fn the_session_limit_answers_as_the_drivers_of_its_time() {
    for (config, code) in [("sessions=2", INCOMPATIBLE_CLIENT_KEY), ("sessions=2,api=11.1", OUT_OF_MEMORY)] {
        let device = device(config);
        let open = || Client::with_header(&device, V11_1);
        let ((first, first_status), (second, second_status)) = (open(), open());
        assert_eq!((first_status, second_status), (SUCCESS, SUCCESS));
        let (refused, status) = open();
        assert_eq!((status, refused.encoder), (code, null_mut()));
        assert_eq!(device.counters().open_sessions, 2);
        assert_eq!(broken(&device.counters(), "session limit"), 1);

        assert_eq!(first.destroy(), SUCCESS);
        let (third, status) = open();
        assert_eq!(status, SUCCESS, "a closed session frees its seat");
        assert_eq!((second.destroy(), third.destroy()), (SUCCESS, SUCCESS));
        assert_eq!(device.counters().open_sessions, 0);
    }
}

#[test]
fn unknown_sessions_are_answered_without_being_followed() {
    let device = instant_device();
    let mut client = Client::ready(&device);
    let slot = client.slot();
    let alive = client.encoder;
    for encoder in [null_mut(), 0xdead_beef_usize as *mut _] {
        client.encoder = encoder;
        assert_eq!(call!(client, nvEncGetEncodeGUIDCount(&mut 0)), INVALID_ENCODER_DEVICE);
        assert_eq!(client.submit(slot, 0), INVALID_ENCODER_DEVICE);
        assert_eq!(client.destroy(), INVALID_ENCODER_DEVICE);
        assert_eq!(client.last_error(), "");
    }
    client.encoder = alive;
    assert_eq!(client.destroy(), SUCCESS);
    assert_eq!(client.destroy(), INVALID_ENCODER_DEVICE);
    assert_eq!(client.submit(slot, 0), INVALID_ENCODER_DEVICE);
}

#[test]
fn teardown_in_every_order() {
    type Step = fn(&Client<'_>, Slot) -> u32;
    let destroy_input: Step = |client, slot| call!(client, nvEncDestroyInputBuffer(slot.input));
    let destroy_output: Step = |client, slot| call!(client, nvEncDestroyBitstreamBuffer(slot.output));
    let end: Step = |client, _| client.end_of_stream();
    let orders: [&[Step]; 6] = [
        &[],
        &[end],
        &[destroy_input, destroy_output],
        &[destroy_output, destroy_input, end],
        &[end, destroy_output, destroy_input],
        &[destroy_input, end, destroy_output],
    ];
    let device = device("latency_us=2000,interval_us=1000");
    for interval_p in [1, 3] {
        for order in orders {
            let client = Client::configured(&device, |config| config.frameIntervalP = interval_p);
            let slots: [Slot; 4] = client.slots();
            for (timestamp, slot) in slots.iter().enumerate() {
                client.submit(*slot, timestamp as u64);
            }
            assert_eq!(client.lock(slots[0].output), SUCCESS);
            for step in order {
                slots.iter().for_each(|slot| assert_eq!(step(&client, *slot), SUCCESS));
            }
            assert_eq!(client.destroy(), SUCCESS);
        }
    }
    assert_eq!(device.counters().open_sessions, 0);
}

#[test]
fn a_waiting_lock_returns_when_the_session_goes() {
    let device = device("latency_us=300000");
    let client = Client::ready(&device);
    let slot = client.slot();
    assert_eq!(client.submit(slot, 0), SUCCESS);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| client.lock(slot.output()));
        assert_eq!(client.destroy(), SUCCESS);
        let status = waiting.join().unwrap();
        assert!([INVALID_CALL, INVALID_ENCODER_DEVICE].contains(&status), "{status}");
    });
}

#[test]
fn sessions_in_many_threads_do_not_meet() {
    let device = device("latency_us=100,interval_us=100,engines=2,sessions=6");
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let client = Client::ready(&device);
                let slots: [Slot; 2] = client.slots();
                for picture in 0..50 {
                    let slot = slots[picture as usize % 2];
                    assert_eq!(client.submit(slot, picture), SUCCESS);
                    assert_eq!(client.reap(slot).timestamp, picture);
                }
                assert_eq!(client.end_of_stream(), SUCCESS);
                assert_eq!(client.destroy(), SUCCESS);
            });
        }
    });
    let counters = device.counters();
    assert_eq!((counters.pictures, counters.open_sessions, counters.rules_broken), (300, 0, vec![]));
}

#[test]
fn a_device_without_an_engine_opens_no_session() {
    let device = device("engines=0");
    let (client, status) = Client::with_header(&device, V12_1);
    assert_eq!((status, client.encoder), (UNSUPPORTED_DEVICE, std::ptr::null_mut()));
    assert_eq!(client.broken("no engine"), 1);
}

#[test]
fn the_deprecated_way_to_open_a_session_is_refused() {
    let device = instant_device();
    let (list, _) = table(V12_1.list);
    let mut encoder = std::ptr::null_mut();
    // SAFETY: the driver filled the slot; the handle lives through the call.
    let status = unsafe { list.nvEncOpenEncodeSession.unwrap()(device.as_ptr(), 1, &mut encoder) as u32 };
    assert_eq!((status, encoder), (INVALID_CALL, std::ptr::null_mut()));
}
