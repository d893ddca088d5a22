//! A client's own memory as input: registered, mapped, encoded from, unmapped.

use std::ffi::c_void;

use moq_nvenc::sys::nvEncodeAPI as sys;

use crate::client::*;

const SIDE: u32 = 1024;
const RESOURCE_REGISTER_FAILED: u32 = 23;
const RESOURCE_NOT_REGISTERED: u32 = 24;
const RESOURCE_NOT_MAPPED: u32 = 25;

/// REGISTER_RESOURCE's and MAP_INPUT_RESOURCE's words, from the header of 12.1.
const REGISTER: u32 = 0x7104_000c;
const MAP: u32 = 0x7104_000c;

fn registration(memory: &mut [u8]) -> sys::NV_ENC_REGISTER_RESOURCE {
    sys::NV_ENC_REGISTER_RESOURCE {
        version: REGISTER,
        resourceType: sys::NV_ENC_INPUT_RESOURCE_TYPE::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR,
        width: SIDE,
        height: SIDE,
        pitch: SIDE,
        resourceToRegister: memory.as_mut_ptr().cast(),
        bufferFormat: sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
        ..Default::default()
    }
}

fn register(client: &Client<'_>, memory: &mut [u8]) -> *mut c_void {
    let mut params = registration(memory);
    assert_eq!(call!(client, nvEncRegisterResource(&mut params)), SUCCESS, "{}", client.last_error());
    params.registeredResource
}

fn map(client: &Client<'_>, registered: *mut c_void) -> (u32, *mut c_void) {
    let mut params =
        sys::NV_ENC_MAP_INPUT_RESOURCE { version: MAP, registeredResource: registered, ..Default::default() };
    (call!(client, nvEncMapInputResource(&mut params)), params.mappedResource)
}

fn unmap(client: &Client<'_>, mapped: *mut c_void) -> u32 {
    call!(client, nvEncUnmapInputResource(mapped))
}

/// An encoder of large pictures, whose payload takes a while to make.
fn encoder<'a>(device: &'a virtual_nvenc::Device, interval_p: i32) -> Client<'a> {
    let client = Client::opened(device);
    let mut config = client.preset_config();
    config.frameIntervalP = interval_p;
    let mut init = sys::NV_ENC_INITIALIZE_PARAMS {
        encodeWidth: SIDE,
        encodeHeight: SIDE,
        encodeConfig: &mut config,
        ..client.init_params()
    };
    assert_eq!(client.initialize(&mut init), SUCCESS);
    client
}

fn memory() -> Vec<u8> {
    vec![100; (SIDE * SIDE * 3 / 2) as usize]
}

/// FFmpeg unmaps the k-th input when it unlocks the k-th output; with B pictures the engine still reads that input then.
#[test]
fn an_input_unmapped_with_its_own_output_is_read_first() {
    let device = device("latency_us=0,interval_us=0,payload=lossless");
    let client = encoder(&device, 3);
    let mut pixels: Vec<Vec<u8>> = (0..4).map(|_| memory()).collect();
    let registered: Vec<_> = pixels.iter_mut().map(|pixels| register(&client, pixels)).collect();
    let mapped: Vec<_> = registered.iter().map(|registered| map(&client, *registered).1).collect();
    let outputs: Vec<_> = (0..4).map(|_| client.create_output().1).collect();
    for (index, (input, output)) in mapped.iter().zip(&outputs).enumerate() {
        let mut picture = client.picture(Slot { input: *input, output: *output }, index as u64);
        (picture.inputWidth, picture.inputHeight) = (SIDE, SIDE);
        assert!([SUCCESS, NEED_MORE_INPUT].contains(&client.encode(&mut picture)), "{}", client.last_error());
    }
    for (input, output) in mapped.iter().zip(&outputs) {
        assert_eq!(client.lock(*output), SUCCESS, "{}", client.last_error());
        assert_eq!(client.unlock(*output), SUCCESS);
        assert_eq!(unmap(&client, *input), SUCCESS);
    }
    for registered in registered {
        assert_eq!(call!(client, nvEncUnregisterResource(registered)), SUCCESS);
    }
    assert_eq!(client.end_of_stream(), SUCCESS);
    client.destroy();
    assert_eq!(device.counters().rules_broken, []);
}

#[test]
fn handles_of_resources_are_looked_up_not_followed() {
    let device = instant_device();
    let client = encoder(&device, 1);
    let mut pixels = memory();
    assert_eq!(map(&client, 64 as *mut c_void).0, RESOURCE_NOT_REGISTERED);
    assert_eq!(unmap(&client, 64 as *mut c_void), RESOURCE_NOT_MAPPED);
    let registered = register(&client, &mut pixels);
    let (status, mapped) = map(&client, registered);
    assert_eq!((status, unmap(&client, mapped), unmap(&client, mapped)), (SUCCESS, SUCCESS, RESOURCE_NOT_MAPPED));
    assert_eq!(call!(client, nvEncUnregisterResource(registered)), SUCCESS);
    assert_eq!(call!(client, nvEncUnregisterResource(registered)), RESOURCE_NOT_REGISTERED);
    let own = client.create_input(NV12, SIDE, SIDE).1;
    assert_eq!(unmap(&client, own), RESOURCE_NOT_MAPPED, "an input that was made is not mapped");
    client.destroy();
}

#[test]
fn arrays_and_rows_that_do_not_fit_are_refused() {
    let device = instant_device();
    let client = encoder(&device, 1);
    let mut pixels = memory();
    let array = sys::NV_ENC_INPUT_RESOURCE_TYPE::NV_ENC_INPUT_RESOURCE_TYPE_CUDAARRAY;
    let mut of_array = sys::NV_ENC_REGISTER_RESOURCE { resourceType: array, ..registration(&mut pixels) };
    assert_eq!(call!(client, nvEncRegisterResource(&mut of_array)), RESOURCE_REGISTER_FAILED);
    let mut narrow = sys::NV_ENC_REGISTER_RESOURCE { pitch: SIDE - 1, ..registration(&mut pixels) };
    assert_eq!(call!(client, nvEncRegisterResource(&mut narrow)), RESOURCE_REGISTER_FAILED);
    client.destroy();
}
