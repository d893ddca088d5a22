//! What a client asks before it initializes.

use moq_nvenc::sys::nvEncodeAPI as sys;
use sys::NV_ENC_CAPS as Caps;

use crate::client::*;

fn codecs(client: &Client<'_>) -> Vec<sys::GUID> {
    let (mut count, mut guids) = (0, [sys::GUID::default(); 8]);
    assert_eq!(call!(client, nvEncGetEncodeGUIDCount(&mut count)), SUCCESS);
    let mut filled = 0;
    assert_eq!(call!(client, nvEncGetEncodeGUIDs(guids.as_mut_ptr(), 8, &mut filled)), SUCCESS);
    assert_eq!(count, filled);
    guids[..filled as usize].to_vec()
}

fn capability(client: &Client<'_>, codec: sys::GUID, capability: Caps) -> i32 {
    let mut query =
        sys::NV_ENC_CAPS_PARAM { version: client.header.caps, capsToQuery: capability, ..Default::default() };
    let mut value = -1;
    assert_eq!(call!(client, nvEncGetEncodeCaps(codec, &mut query, &mut value)), SUCCESS);
    value
}

#[test]
fn codecs_follow_the_configuration() {
    let both = instant_device();
    let client = Client::opened(&both);
    assert_eq!(codecs(&client), [sys::NV_ENC_CODEC_H264_GUID, sys::NV_ENC_CODEC_HEVC_GUID]);
    client.destroy();
    let one = device("codecs=hevc");
    let client = Client::opened(&one);
    assert_eq!(codecs(&client), [sys::NV_ENC_CODEC_HEVC_GUID]);
    let (mut count, refused) = (0, sys::NV_ENC_CODEC_H264_GUID);
    assert_eq!(call!(client, nvEncGetEncodePresetCount(refused, &mut count)), UNSUPPORTED_PARAM);
    client.destroy();
}

#[test]
fn arrays_that_are_too_small_are_refused_whole() {
    let device = instant_device();
    let client = Client::opened(&device);
    let (mut guids, mut filled) = ([sys::GUID::default(); 2], 77);
    assert_eq!(call!(client, nvEncGetEncodeGUIDs(guids.as_mut_ptr(), 1, &mut filled)), INVALID_PARAM);
    assert_eq!((guids, filled), ([sys::GUID::default(); 2], 77));
    client.destroy();
}

#[test]
fn lists_are_as_long_as_their_counts() {
    let device = instant_device();
    let client = Client::opened(&device);
    for codec in codecs(&client) {
        let (mut count, mut filled, mut guids) = (0, 0, [sys::GUID::default(); 16]);
        assert_eq!(call!(client, nvEncGetEncodePresetCount(codec, &mut count)), SUCCESS);
        assert_eq!(call!(client, nvEncGetEncodePresetGUIDs(codec, guids.as_mut_ptr(), 16, &mut filled)), SUCCESS);
        assert_eq!((count, filled), (7, 7));
        assert_eq!(call!(client, nvEncGetEncodeProfileGUIDCount(codec, &mut count)), SUCCESS);
        assert_eq!(call!(client, nvEncGetEncodeProfileGUIDs(codec, guids.as_mut_ptr(), 16, &mut filled)), SUCCESS);
        assert_eq!(count, filled);
        let mut formats = [sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_UNDEFINED; 16];
        assert_eq!(call!(client, nvEncGetInputFormatCount(codec, &mut count)), SUCCESS);
        assert_eq!(call!(client, nvEncGetInputFormats(codec, formats.as_mut_ptr(), 16, &mut filled)), SUCCESS);
        assert_eq!(count, filled);
        assert_eq!(formats[0], sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12);
    }
    client.destroy();
}

#[test]
fn capabilities_say_what_is_done() {
    let device = device("engines=3");
    let client = Client::opened(&device);
    let (h264, hevc) = (sys::NV_ENC_CODEC_H264_GUID, sys::NV_ENC_CODEC_HEVC_GUID);
    assert_eq!(capability(&client, h264, Caps::NV_ENC_CAPS_NUM_MAX_BFRAMES), 4);
    assert_eq!(capability(&client, h264, Caps::NV_ENC_CAPS_ASYNC_ENCODE_SUPPORT), 0);
    assert_eq!(capability(&client, h264, Caps::NV_ENC_CAPS_WIDTH_MAX), 4096);
    assert_eq!(capability(&client, hevc, Caps::NV_ENC_CAPS_WIDTH_MAX), 8192);
    assert_eq!(capability(&client, h264, Caps::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE), 0);
    assert_eq!(capability(&client, hevc, Caps::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE), 1);
    assert_eq!(capability(&client, h264, Caps::NV_ENC_CAPS_NUM_ENCODER_ENGINES), 3);
    let mut query = sys::NV_ENC_CAPS_PARAM { version: client.header.caps, ..Default::default() };
    // SAFETY: a C enum in memory, written as the integer it is for the driver.
    unsafe { (&raw mut query.capsToQuery).cast::<u32>().write(10_000) };
    assert_eq!(call!(client, nvEncGetEncodeCaps(h264, &mut query, &mut 0)), INVALID_PARAM);
    client.destroy();
}

#[test]
fn presets_give_a_configuration_that_initializes() {
    use sys::NV_ENC_TUNING_INFO as Tuning;
    let tunings = [
        (Tuning::NV_ENC_TUNING_INFO_HIGH_QUALITY, [1, 1, 1, 3, 3, 3, 3]),
        (Tuning::NV_ENC_TUNING_INFO_LOW_LATENCY, [1; 7]),
        (Tuning::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY, [1; 7]),
        (Tuning::NV_ENC_TUNING_INFO_LOSSLESS, [1; 7]),
    ];
    let presets = [
        sys::NV_ENC_PRESET_P1_GUID,
        sys::NV_ENC_PRESET_P2_GUID,
        sys::NV_ENC_PRESET_P3_GUID,
        sys::NV_ENC_PRESET_P4_GUID,
        sys::NV_ENC_PRESET_P5_GUID,
        sys::NV_ENC_PRESET_P6_GUID,
        sys::NV_ENC_PRESET_P7_GUID,
    ];
    let device = instant_device();
    for (tuning, intervals) in tunings {
        for (preset, interval_p) in presets.into_iter().zip(intervals) {
            for codec in [sys::NV_ENC_CODEC_H264_GUID, sys::NV_ENC_CODEC_HEVC_GUID] {
                let client = Client::opened(&device);
                let mut config =
                    sys::NV_ENC_PRESET_CONFIG { version: client.header.preset_config, ..Default::default() };
                config.presetCfg.version = client.header.config;
                assert_eq!(call!(client, nvEncGetEncodePresetConfigEx(codec, preset, tuning, &mut config)), SUCCESS);
                assert_eq!(config.presetCfg.frameIntervalP, interval_p);
                let mut init = sys::NV_ENC_INITIALIZE_PARAMS {
                    encodeGUID: codec,
                    presetGUID: preset,
                    tuningInfo: tuning,
                    encodeConfig: &mut config.presetCfg,
                    ..client.init_params()
                };
                assert_eq!(client.initialize(&mut init), SUCCESS, "{}", client.last_error());
                assert_eq!(client.destroy(), SUCCESS);
            }
        }
    }
}

#[test]
fn sequence_parameters_are_those_of_the_stream() {
    let device = instant_device();
    let client = Client::ready(&device);
    let (mut headers, mut num_bytes) = ([0u8; 512], 0);
    let mut params = sys::NV_ENC_SEQUENCE_PARAM_PAYLOAD {
        version: client.header.sequence,
        inBufferSize: 512,
        spsppsBuffer: headers.as_mut_ptr().cast(),
        outSPSPPSPayloadSize: &mut num_bytes,
        ..Default::default()
    };
    assert_eq!(call!(client, nvEncGetSequenceParams(&mut params)), SUCCESS);
    let slot = client.slot();
    assert_eq!(client.submit(slot, 0), SUCCESS);
    assert!(client.reap(slot).bytes.starts_with(&headers[..num_bytes as usize]));

    params.inBufferSize = 3;
    assert_eq!(call!(client, nvEncGetSequenceParams(&mut params)), NOT_ENOUGH_BUFFER);
    params.inBufferSize = 512;
    num_bytes = 0;
    params.outSPSPPSPayloadSize = &mut num_bytes;
    assert_eq!(call!(client, nvEncGetSequenceParamEx(&mut client.init_params(), &mut params)), SUCCESS);
    assert!(num_bytes > 10);
    client.destroy();
}
