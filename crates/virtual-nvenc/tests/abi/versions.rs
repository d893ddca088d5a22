//! Clients of every supported header: their words are accepted, those of another header are not, and no byte beyond
//! their own structs is touched.

use crate::client::*;
use virtual_nvenc::max_supported_version;

#[test]
fn the_newest_header_is_reported() {
    let mut version = 0;
    // SAFETY: the argument lives through the call, or is null.
    let statuses = unsafe { (max_supported_version(&mut version), max_supported_version(std::ptr::null_mut())) };
    assert_eq!((statuses, version), ((SUCCESS, INVALID_PTR), 0xd0));
}

#[test]
fn every_header_gets_a_table_without_a_gap() {
    for header in HEADERS {
        let (list, status) = table(header.list);
        assert_eq!(status, SUCCESS);
        // SAFETY: the list is a live value of plain pointers and integers; slots are read as integers.
        let slots = unsafe { std::slice::from_raw_parts((&raw const list).cast::<usize>(), size_of_val(&list) / 8) };
        // 1 word of version, 43 slots; the one at index 33 is reserved.
        let missing: Vec<usize> = (1..44).filter(|index| slots[*index] == 0).collect();
        assert_eq!(missing, [34], "{header:x?}");
    }
}

#[test]
fn tables_are_refused_for_words_that_are_none() {
    for word in [0, 1, 0x0002_000c, 0x6102_000c, 0x8102_000c, 0xe102_000c] {
        assert_eq!(table(word).1, INVALID_VERSION, "{word:x}");
    }
    // SAFETY: null is a case that the driver must detect.
    assert_eq!(unsafe { virtual_nvenc::create_instance(std::ptr::null_mut()) }, INVALID_PTR);
}

/// As NVIDIA's driver: the struct's own version and bit 31 do not matter, and the API's matters when a session is opened.
#[test]
fn a_table_of_an_unknown_header_opens_no_session() {
    let device = instant_device();
    for (list, status) in [
        (V12_1.list + (1 << 16), SUCCESS),
        (V12_1.list | 1 << 31, SUCCESS),
        (0x7002_000e, INVALID_VERSION),
        (0x7302_000c, INVALID_VERSION),
        (0x7002_000a, INVALID_VERSION),
        (0xffff_ffff, INVALID_VERSION),
    ] {
        let (client, opened) = Client::with_header(&device, Header { list, ..V12_1 });
        assert_eq!((opened, client.encoder.is_null()), (status, status != SUCCESS), "{list:x}");
    }
}

#[test]
fn every_header_encodes_a_picture() {
    for header in HEADERS {
        let device = instant_device();
        let (client, status) = Client::with_header(&device, header);
        assert_eq!(status, SUCCESS, "{header:x?}");
        let mut config = client.preset_config();
        let mut init = client.init_params();
        init.encodeConfig = &mut config;
        assert_eq!(client.initialize(&mut init), SUCCESS, "{header:x?}: {}", client.last_error());
        let slot = client.slot();
        assert_eq!(client.lock_input(slot.input, false).0, SUCCESS);
        assert_eq!(client.unlock_input(slot.input), SUCCESS);
        assert_eq!(client.submit(slot, 5), SUCCESS, "{}", client.last_error());
        assert_eq!(client.reap(slot).timestamp, 5);
        assert_eq!(client.reconfigure_as(init, header), SUCCESS, "{header:x?}: {}", client.last_error());
        assert_eq!(client.submit(slot, 6), SUCCESS);
        assert_eq!(client.reap(slot).picture_type, 3, "the flags word was read where this header has it");
        assert_eq!(client.end_of_stream(), SUCCESS);
        assert_eq!(client.destroy(), SUCCESS);
        assert_eq!(device.counters().rules_broken, [], "{header:x?}");
    }
}

#[test]
fn sessions_hold_on_to_the_header_of_their_table() {
    let device = instant_device();
    for header in HEADERS {
        for other in HEADERS.into_iter().filter(|other| other.api != header.api) {
            let mut client = Client::with_header(&device, header).0;
            assert_eq!(client.destroy(), SUCCESS);
            assert_eq!(client.open(other.open, other.api, device.as_ptr()), INVALID_VERSION);
            assert_eq!(client.open(header.open, other.api, device.as_ptr()), INVALID_VERSION);
            assert_eq!(client.open(header.open + (1 << 16), header.api, device.as_ptr()), INVALID_VERSION);
        }
    }
    let mut client = Client::with_header(&device, V12_1).0;
    assert_eq!(client.destroy(), SUCCESS);
    for api in [14, 99, 0] {
        assert_eq!(client.open(V12_1.open, api, device.as_ptr()), INVALID_VERSION);
    }
}

#[test]
fn an_older_device_refuses_newer_clients_when_they_open() {
    let device = device("api=12.0");
    for (header, expected) in HEADERS.into_iter().zip([0, 0, 0, INVALID_VERSION, INVALID_VERSION, INVALID_VERSION]) {
        let (client, status) = Client::with_header(&device, header);
        assert_eq!(status, expected, "{header:x?}");
        if status == SUCCESS {
            assert_eq!(client.destroy(), SUCCESS);
        }
    }
}

#[test]
fn words_of_two_headers_do_not_mix_in_a_session() {
    let device = instant_device();
    let (client, _) = Client::with_header(&device, V11_1);
    let mut init = client.init_params();
    init.version = V12_1.initialize;
    assert_eq!(client.initialize(&mut init), INVALID_VERSION);
    assert!(client.last_error().starts_with("wrong version word: "));
    assert_eq!(client.initialize(&mut client.init_params()), SUCCESS);
    client.destroy();
}

#[test]
fn the_display_index_is_written_from_12_1_on_only() {
    for header in HEADERS {
        let device = instant_device();
        let client = Client::with_header(&device, header).0;
        assert_eq!(client.initialize(&mut client.init_params()), SUCCESS);
        let slot = client.slot();
        assert_eq!(client.submit(slot, 0), SUCCESS);
        let mut lock = client.lock_params(slot.output);
        lock.frameIdxDisplay = 0xa5a5_a5a5;
        assert_eq!(call!(client, nvEncLockBitstream(&mut lock)), SUCCESS);
        let is_new = [V12_1.api, V12_2.api, V13_0.api].contains(&header.api);
        assert_eq!(lock.frameIdxDisplay, if is_new { 0 } else { 0xa5a5_a5a5 }, "{header:x?}");
        client.destroy();
    }
}
