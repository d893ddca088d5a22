//! Every rule a client can break: the code, the text, the count, and that nothing else changed.

use moq_nvenc::sys::nvEncodeAPI as sys;

use crate::client::*;

/// Breaks a rule in a ready session and looks at what the driver says; then an ordinary picture must still work.
fn check(rule: &str, code: u32, breach: impl FnOnce(&Client<'_>, Slot, Slot) -> u32) {
    let device = instant_device();
    let client = Client::ready(&device);
    let [first, second, third] = client.slots();
    assert_eq!(breach(&client, first, second), code, "{rule}: {}", client.last_error());
    assert!(client.last_error().starts_with(&format!("{rule}: ")), "{}", client.last_error());
    assert_eq!(client.broken(rule), 1, "{rule}: {:?}", client.counters());

    assert_eq!(client.submit_with(third, 99, FORCE_IDR), SUCCESS);
    assert_eq!(client.destroy(), SUCCESS);
}

/// As `check`, with the name the text and the count have when they differ.
fn check_named(name: &str, text: &str, code: u32, breach: impl FnOnce(&Client<'_>, Slot, Slot) -> u32) {
    let device = instant_device();
    let client = Client::ready(&device);
    let [first, second] = client.slots();
    assert_eq!(breach(&client, first, second), code, "{name}: {}", client.last_error());
    assert!(client.last_error().starts_with(text), "{}", client.last_error());
    assert_eq!(client.broken(name), 1, "{name}: {:?}", client.counters());
    assert_eq!(client.destroy(), SUCCESS);
}

#[test]
fn input_still_locked() {
    check("input still locked", INVALID_CALL, |client, slot, _| {
        assert_eq!(client.lock_input(slot.input, false).0, SUCCESS);
        client.submit(slot, 0)
    });
}

#[test]
fn output_still_locked() {
    check("output still locked", INVALID_CALL, |client, slot, _| {
        assert_eq!(client.submit(slot, 0), SUCCESS);
        assert_eq!(client.lock(slot.output), SUCCESS);
        client.submit(slot, 1)
    });
}

#[test]
fn output_in_flight() {
    check("output in flight", INVALID_CALL, |client, slot, other| {
        assert_eq!(client.submit(slot, 0), SUCCESS);
        client.submit(Slot { output: slot.output, ..other }, 1)
    });
}

#[test]
fn locked_out_of_order() {
    check("locked out of order", INVALID_CALL, |client, first, second| {
        assert_eq!((client.submit(first, 0), client.submit(second, 1)), (SUCCESS, SUCCESS));
        client.lock(second.output)
    });
}

#[test]
fn locked_twice() {
    check("locked twice", INVALID_CALL, |client, slot, _| {
        assert_eq!(client.submit(slot, 0), SUCCESS);
        assert_eq!(client.lock(slot.output), SUCCESS);
        client.lock(slot.output)
    });
}

#[test]
fn locked_without_a_picture() {
    check("locked without a picture", INVALID_PARAM, |client, slot, _| client.lock(slot.output));
}

#[test]
fn unlocked_while_not_locked() {
    check("unlocked while not locked", INVALID_CALL, |client, slot, _| client.unlock(slot.output));
    check("unlocked while not locked", INVALID_CALL, |client, slot, _| {
        assert_eq!(client.submit(slot, 0), SUCCESS);
        client.unlock(slot.output)
    });
}

#[test]
fn input_lock_pairs() {
    check("input locked twice", INVALID_CALL, |client, slot, _| {
        assert_eq!(client.lock_input(slot.input, false).0, SUCCESS);
        client.lock_input(slot.input, false).0
    });
    check("input not locked", INVALID_CALL, |client, slot, _| client.unlock_input(slot.input));
}

#[test]
fn foreign_handles() {
    let foreign = 0xdead_0000 as *mut std::ffi::c_void;
    check("foreign output buffer", INVALID_PARAM, |client, _, _| client.lock(foreign));
    check("foreign output buffer", INVALID_PARAM, |client, _, _| client.unlock(foreign));
    check("foreign output buffer", INVALID_PARAM, |client, slot, _| client.submit(Slot { output: foreign, ..slot }, 0));
    check("foreign output buffer", INVALID_PARAM, |client, _, _| call!(client, nvEncDestroyBitstreamBuffer(foreign)));
    check("foreign input buffer", INVALID_PARAM, |client, slot, _| client.submit(Slot { input: foreign, ..slot }, 0));
    check("foreign input buffer", INVALID_PARAM, |client, _, _| client.lock_input(foreign, false).0);
    check("foreign input buffer", INVALID_PARAM, |client, _, _| client.unlock_input(foreign));
    check("foreign input buffer", INVALID_PARAM, |client, _, _| call!(client, nvEncDestroyInputBuffer(foreign)));
    check("foreign input buffer", INVALID_PARAM, |client, slot, _| {
        client.submit(Slot { input: slot.output, ..slot }, 0)
    });
}

#[test]
fn handles_of_another_session_are_foreign() {
    let device = instant_device();
    let (mine, other) = (Client::ready(&device), Client::ready(&device));
    let (my_slot, other_slot) = (mine.slot(), other.slot());
    assert_eq!(mine.submit(Slot { input: other_slot.input, ..my_slot }, 0), INVALID_PARAM);
    assert_eq!(mine.submit(Slot { output: other_slot.output, ..my_slot }, 0), INVALID_PARAM);
    assert_eq!(other.last_error(), "");
    assert_eq!((mine.destroy(), other.destroy()), (SUCCESS, SUCCESS));
}

#[test]
fn destroyed_buffers_are_foreign() {
    check("foreign output buffer", INVALID_PARAM, |client, slot, _| {
        assert_eq!(call!(client, nvEncDestroyBitstreamBuffer(slot.output)), SUCCESS);
        client.submit(slot, 0)
    });
}

#[test]
fn null_pointers() {
    let null = std::ptr::null_mut::<std::ffi::c_void>();
    check("null pointer", INVALID_PTR, |client, slot, _| client.submit(Slot { input: null, ..slot }, 0));
    check("null pointer", INVALID_PTR, |client, slot, _| client.submit(Slot { output: null, ..slot }, 0));
    check("null pointer", INVALID_PTR, |client, _, _| client.lock(null));
    check("null pointer", INVALID_PTR, |client, _, _| client.unlock(null));
    check("null pointer", INVALID_PTR, |client, _, _| call!(client, nvEncLockBitstream(null.cast())));
    check("null pointer", INVALID_PTR, |client, _, _| call!(client, nvEncEncodePicture(null.cast())));
    check("null pointer", INVALID_PTR, |client, _, _| call!(client, nvEncInitializeEncoder(null.cast())));
    check("null pointer", INVALID_PTR, |client, _, _| call!(client, nvEncReconfigureEncoder(null.cast())));
    check("null pointer", INVALID_PTR, |client, _, _| call!(client, nvEncGetEncodeGUIDCount(std::ptr::null_mut())));
    check("null pointer", INVALID_PTR, |client, _, _| call!(client, nvEncGetSequenceParams(null.cast())));
}

#[test]
fn wrong_version_words() {
    check_named("wrong version word", "wrong version word", INVALID_VERSION, |client, slot, _| {
        let mut picture = client.picture(slot, 0);
        picture.version += 1;
        client.encode(&mut picture)
    });
    check_named("wrong version word", "wrong version word", INVALID_VERSION, |client, slot, _| {
        let mut lock = client.lock_params(slot.output);
        lock.version = V13_0.lock_bitstream;
        call!(client, nvEncLockBitstream(&mut lock))
    });
}

#[test]
fn input_formats() {
    check("input format not supported", INVALID_PARAM, |client, _, _| client.create_input(0x4000_0000, 64, 64).0);
    check("input format does not suit the stream", INVALID_PARAM, |client, _, _| client.create_input(0x1000, 64, 64).0);
    check("input format differs", INVALID_PARAM, |client, slot, _| {
        let mut picture = client.picture(slot, 0);
        picture.bufferFmt = sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ARGB;
        client.encode(&mut picture)
    });
    check("input buffer too small", INVALID_PARAM, |client, slot, _| {
        let (status, input) = client.create_input(NV12, 32, 64);
        assert_eq!(status, SUCCESS);
        client.submit(Slot { input, ..slot }, 0)
    });
    check("bad size", INVALID_PARAM, |client, _, _| client.create_input(NV12, 0, 64).0);
    check("bad size", INVALID_PARAM, |client, _, _| client.create_input(NV12, 1 << 30, 1 << 30).0);
    check("bad size", INVALID_PARAM, |client, _, _| client.create_input(NV12, u32::MAX, 2).0);
}

#[test]
fn field_pictures() {
    check("field coding", UNSUPPORTED_PARAM, |client, slot, _| {
        let mut picture = client.picture(slot, 0);
        picture.pictureStruct = sys::NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FIELD_TOP_BOTTOM;
        client.encode(&mut picture)
    });
}

#[test]
fn initialized_twice() {
    check("initialized twice", INVALID_CALL, |client, _, _| client.initialize(&mut client.init_params()));
}

#[test]
fn slots_without_work_say_so() {
    let null = std::ptr::null_mut::<std::ffi::c_void>();
    check("not implemented", UNIMPLEMENTED, |client, _, _| call!(client, nvEncGetEncodeStats(null.cast())));
    check("not implemented", UNIMPLEMENTED, |client, _, _| call!(client, nvEncCreateMVBuffer(null.cast())));
    check("asynchronous mode", UNSUPPORTED_PARAM, |client, _, _| call!(client, nvEncRegisterAsyncEvent(null.cast())));
}

#[test]
fn before_initialize() {
    let device = instant_device();
    let client = Client::opened(&device);
    let nowhere = Slot { input: 16 as *mut _, output: 16 as *mut _ };
    assert_eq!(client.create_input(NV12, 64, 64).0, NOT_INITIALIZED);
    assert_eq!(client.create_output().0, NOT_INITIALIZED);
    assert_eq!(client.submit(nowhere, 0), NOT_INITIALIZED);
    assert_eq!(client.end_of_stream(), NOT_INITIALIZED);
    assert_eq!(client.lock(nowhere.output), NOT_INITIALIZED);
    assert!(client.last_error().starts_with("encoder not initialized: "));
    assert_eq!(client.broken("encoder not initialized"), 5);
    assert_eq!(client.destroy(), SUCCESS);
}

/// Asks for an encoder that the device refuses.
fn check_initialize(rule: &str, code: u32, change: impl FnOnce(&mut sys::NV_ENC_INITIALIZE_PARAMS)) {
    let device = device("codecs=h264");
    let client = Client::opened(&device);
    let mut config = client.preset_config();
    let mut init = sys::NV_ENC_INITIALIZE_PARAMS { encodeConfig: &mut config, ..client.init_params() };
    change(&mut init);
    assert_eq!(client.initialize(&mut init), code, "{rule}: {}", client.last_error());
    assert!(client.last_error().starts_with(rule), "{}", client.last_error());
    assert_eq!(client.broken(rule), 1);
    assert_eq!(client.initialize(&mut client.init_params()), SUCCESS, "a refused request leaves the session as it was");
    assert_eq!(client.destroy(), SUCCESS);
}

/// As `check_initialize`, for the configuration inside.
fn check_config(rule: &str, code: u32, change: impl FnOnce(&mut sys::NV_ENC_CONFIG)) {
    check_initialize(rule, code, |init| {
        // SAFETY: `check_initialize` put a live configuration there.
        change(unsafe { &mut *init.encodeConfig });
    });
}

#[test]
fn initialize_refuses_what_the_device_does_not_do() {
    check_initialize("codec not supported", UNSUPPORTED_PARAM, |init| init.encodeGUID = sys::NV_ENC_CODEC_HEVC_GUID);
    check_initialize("codec not supported", UNSUPPORTED_PARAM, |init| init.encodeGUID = sys::NV_ENC_CODEC_AV1_GUID);
    check_initialize("preset not supported", UNSUPPORTED_PARAM, |init| init.presetGUID = sys::NV_ENC_CODEC_H264_GUID);
    check_initialize("tuning undefined", INVALID_PARAM, |init| {
        init.tuningInfo = sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_UNDEFINED;
    });
    check_initialize("asynchronous mode", UNSUPPORTED_PARAM, |init| init.enableEncodeAsync = 1);
    check_initialize("enablePTD off", UNSUPPORTED_PARAM, |init| init.enablePTD = 0);
    check_initialize("feature not supported", UNSUPPORTED_PARAM, |init| init.set_enableSubFrameWrite(1));
    check_initialize("feature not supported", UNSUPPORTED_PARAM, |init| init.set_enableOutputInVidmem(1));
    check_initialize("bad frame rate", INVALID_PARAM, |init| init.frameRateDen = 0);
    for (width, height) in [(0, 64), (64, 0), (14, 64), (4098, 64), (1 << 30, 1 << 30)] {
        check_initialize("bad size", INVALID_PARAM, |init| (init.encodeWidth, init.encodeHeight) = (width, height));
    }
    check_initialize("bad size", INVALID_PARAM, |init| (init.maxEncodeWidth, init.maxEncodeHeight) = (32, 64));
    check_initialize("wrong version word", INVALID_VERSION, |init| init.version = V11_1.initialize);
}

#[test]
fn a_client_with_a_configuration_need_name_no_preset() {
    let device = instant_device();
    let client = Client::opened(&device);
    let mut config = client.preset_config();
    let unnamed = sys::NV_ENC_INITIALIZE_PARAMS { presetGUID: sys::GUID::default(), ..client.init_params() };
    assert_eq!(client.initialize(&mut unnamed.clone()), UNSUPPORTED_PARAM);
    assert_eq!(client.initialize(&mut sys::NV_ENC_INITIALIZE_PARAMS { encodeConfig: &mut config, ..unnamed }), SUCCESS);
    assert_eq!(client.destroy(), SUCCESS);
}

#[test]
fn initialize_refuses_configurations_the_device_does_not_do() {
    check_config("wrong version word", INVALID_VERSION, |config| config.version = 0);
    check_config("bad GOP", INVALID_PARAM, |config| config.gopLength = 0);
    check_config("bad GOP", INVALID_PARAM, |config| config.frameIntervalP = -1);
    check_config("bad GOP", INVALID_PARAM, |config| config.frameIntervalP = 6);
    check_config("bad GOP", INVALID_PARAM, |config| (config.gopLength, config.frameIntervalP) = (2, 3));
    check_config("profile not supported", UNSUPPORTED_PARAM, |config| {
        config.profileGUID = sys::NV_ENC_HEVC_PROFILE_MAIN_GUID;
    });
    check_config("lookahead too deep", INVALID_PARAM, |config| {
        config.rcParams.set_enableLookahead(1);
        config.rcParams.lookaheadDepth = 33;
    });
    check_config("feature not supported", UNSUPPORTED_PARAM, |config| config.monoChromeEncoding = 1);
    check_config("field coding", UNSUPPORTED_PARAM, |config| {
        config.frameFieldMode = sys::NV_ENC_PARAMS_FRAME_FIELD_MODE::NV_ENC_PARAMS_FRAME_FIELD_MODE_MBAFF;
    });
    check_config("chroma format or bit depth", UNSUPPORTED_PARAM, |config| {
        config.encodeCodecConfig.h264Config.chromaFormatIDC = 2;
    });
    check_config("bad rate control", INVALID_PARAM, |config| {
        // SAFETY: a C enum in memory, written as the integer it is for the driver.
        unsafe { (&raw mut config.rcParams.rateControlMode).cast::<u32>().write(32) };
    });
}

#[test]
fn reconfigure_keeps_what_is_fixed() {
    let refused = |rule: &str, code: u32, change: fn(&mut sys::NV_ENC_INITIALIZE_PARAMS, &mut sys::NV_ENC_CONFIG)| {
        check(rule, code, |client, _, _| {
            let (mut init, mut config) = (client.init_params(), client.preset_config());
            change(&mut init, &mut config);
            init.encodeConfig = &mut config;
            client.reconfigure(init, false)
        });
    };
    refused("reconfigure refused", UNSUPPORTED_PARAM, |_, config| config.gopLength = 30);
    refused("reconfigure refused", UNSUPPORTED_PARAM, |_, config| config.frameIntervalP = 3);
    refused("reconfigure refused", UNSUPPORTED_PARAM, |init, _| {
        (init.maxEncodeWidth, init.maxEncodeHeight) = (128, 128);
    });
    refused("reconfigure too large", INVALID_PARAM, |init, _| init.encodeWidth = 128);
    refused("asynchronous mode", UNSUPPORTED_PARAM, |init, _| init.enableEncodeAsync = 1);
    refused("enablePTD off", UNSUPPORTED_PARAM, |init, _| init.enablePTD = 0);
}

#[test]
fn tolerated_habits_are_counted() {
    let device = instant_device();
    let client = Client::ready(&device);
    let [first, second] = client.slots();
    let mut picture = client.picture(first, 0);
    (picture.inputWidth, picture.inputHeight) = (32, 64);
    assert_eq!(client.encode(&mut picture), SUCCESS);
    assert_eq!(client.submit(second, 1), SUCCESS);
    assert_eq!(call!(client, nvEncDestroyBitstreamBuffer(second.output)), SUCCESS);
    assert_eq!(client.destroy(), SUCCESS);
    assert_eq!(client.broken("picture size differs"), 1);
    assert_eq!(client.broken("destroyed in flight"), 2, "the output and the session");
    assert_eq!(client.broken("closed without EOS"), 1);
    assert_eq!(client.last_error(), "");
}
