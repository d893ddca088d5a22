//! A minimal NVENC client: one method per call, plain statuses back. It keeps no rule, so that tests can break each.

use std::ffi::{CStr, c_void};

use moq_nvenc::sys::nvEncodeAPI as sys;
use virtual_nvenc::{Counters, Device, create_instance};

pub const NV12: u32 = 1;
pub const ARGB: u32 = 0x0100_0000;

/// Status codes, as the header numbers them.
pub const SUCCESS: u32 = 0;
pub const UNSUPPORTED_DEVICE: u32 = 2;
pub const INVALID_ENCODER_DEVICE: u32 = 3;
pub const INVALID_DEVICE: u32 = 4;
pub const INVALID_PTR: u32 = 6;
pub const INVALID_PARAM: u32 = 8;
pub const INVALID_CALL: u32 = 9;
pub const OUT_OF_MEMORY: u32 = 10;
pub const NOT_INITIALIZED: u32 = 11;
pub const UNSUPPORTED_PARAM: u32 = 12;
pub const LOCK_BUSY: u32 = 13;
pub const NOT_ENOUGH_BUFFER: u32 = 14;
pub const INVALID_VERSION: u32 = 15;
pub const NEED_MORE_INPUT: u32 = 17;
pub const INCOMPATIBLE_CLIENT_KEY: u32 = 21;
pub const UNIMPLEMENTED: u32 = 22;

pub const FORCE_INTRA: u32 = 1;
pub const FORCE_IDR: u32 = 2;
pub const OUTPUT_SPSPPS: u32 = 4;
pub const EOS: u32 = 8;

/// The version words of one header, written down apart from the driver's own table.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub api: u32,
    pub list: u32,
    pub open: u32,
    pub caps: u32,
    pub config: u32,
    pub initialize: u32,
    pub reconfigure: u32,
    pub preset_config: u32,
    pub create_input: u32,
    pub create_bitstream: u32,
    pub lock_input: u32,
    pub pic_params: u32,
    pub lock_bitstream: u32,
    pub sequence: u32,
}

/// `NVENCAPI_STRUCT_VERSION`; large structs have bit 31 set.
const fn word(api: u32, revision: u32) -> u32 {
    7 << 28 | revision << 16 | api
}

const fn large(api: u32, revision: u32) -> u32 {
    1 << 31 | word(api, revision)
}

/// Revisions in the order config, initialize, reconfigure, preset, create input, pic params; then LOCK_BITSTREAM's word.
const fn header(api: u32, revisions: [u32; 6], lock_bitstream: u32) -> Header {
    let [config, initialize, reconfigure, preset_config, create_input, pic_params] = revisions;
    Header {
        api,
        list: word(api, 2),
        open: word(api, 1),
        caps: word(api, 1),
        config: large(api, config),
        initialize: large(api, initialize),
        reconfigure: large(api, reconfigure),
        preset_config: large(api, preset_config),
        create_input: word(api, create_input),
        create_bitstream: word(api, 1),
        lock_input: word(api, 1),
        pic_params: large(api, pic_params),
        lock_bitstream,
        sequence: word(api, 1),
    }
}

pub const V11_0: Header = header(0x0000_000b, [7, 5, 1, 4, 1, 4], 0x7001_000b);
pub const V11_1: Header = header(0x0100_000b, [7, 5, 1, 4, 1, 4], 0x7101_000b);
pub const V12_0: Header = header(0x0000_000c, [8, 5, 1, 4, 1, 6], 0x7002_000c);
pub const V12_1: Header = header(0x0100_000c, [8, 6, 1, 4, 1, 6], 0xf101_000c);
pub const V12_2: Header = header(0x0200_000c, [9, 7, 2, 5, 2, 7], 0xf202_000c);
pub const V13_0: Header = header(0x0000_000d, [9, 7, 2, 5, 2, 7], 0xf002_000d);
pub const HEADERS: [Header; 6] = [V11_0, V11_1, V12_0, V12_1, V12_2, V13_0];

/// A function table and the session opened through it.
pub struct Client<'a> {
    pub table: sys::NV_ENCODE_API_FUNCTION_LIST,
    pub encoder: *mut c_void,
    pub header: Header,
    device: &'a Device,
}

// SAFETY: the table and the session may be used from any thread; tests do so on purpose.
unsafe impl Sync for Client<'_> {}

/// An input and an output that are used together.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub input: *mut c_void,
    pub output: *mut c_void,
}

impl Slot {
    /// The output, of a slot that a closure captured whole: a raw pointer alone could not go to another thread.
    pub fn output(self) -> *mut c_void {
        self.output
    }
}

// SAFETY: handles are numbers to a client.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

/// What a lock gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub bytes: Vec<u8>,
    pub picture_type: u32,
    pub timestamp: u64,
    pub duration: u64,
    pub frame_idx: u32,
    pub display_idx: u32,
}

macro_rules! call {
    ($client:expr, $name:ident ( $($argument:expr),* )) => {
        // SAFETY: the driver filled the slot; the arguments point to live values, or break the rules on purpose in ways
        // that the driver must detect without following them.
        unsafe { $client.table.$name.unwrap()($client.encoder, $($argument),*) as u32 }
    };
}
pub(crate) use call;

pub fn device(text: &str) -> Device {
    Device::new(text.parse().unwrap())
}

/// A device that takes no time, for tests that are not about time.
pub fn instant_device() -> Device {
    device("latency_us=0,interval_us=0")
}

pub fn table(version: u32) -> (sys::NV_ENCODE_API_FUNCTION_LIST, u32) {
    let mut list = sys::NV_ENCODE_API_FUNCTION_LIST { version, ..Default::default() };
    // SAFETY: the list lives through the call.
    let status = unsafe { create_instance(&mut list) };
    (list, status)
}

impl<'a> Client<'a> {
    pub fn with_header(device: &'a Device, header: Header) -> (Client<'a>, u32) {
        let (table, status) = table(header.list);
        assert_eq!(status, SUCCESS);
        let mut client = Client { table, encoder: std::ptr::null_mut(), header, device };
        let status = client.open(header.open, header.api, device.as_ptr());
        (client, status)
    }

    /// An open session of header 12.1, not initialized.
    pub fn opened(device: &'a Device) -> Client<'a> {
        let (client, status) = Client::with_header(device, V12_1);
        assert_eq!(status, SUCCESS);
        client
    }

    /// An H.264 encoder of 64x64.
    pub fn ready(device: &'a Device) -> Client<'a> {
        let client = Client::opened(device);
        assert_eq!(client.initialize(&mut client.init_params()), SUCCESS);
        client
    }

    /// A ready encoder with a changed configuration.
    pub fn configured(device: &'a Device, change: impl FnOnce(&mut sys::NV_ENC_CONFIG)) -> Client<'a> {
        let client = Client::opened(device);
        let mut config = client.preset_config();
        change(&mut config);
        let mut init = sys::NV_ENC_INITIALIZE_PARAMS { encodeConfig: &mut config, ..client.init_params() };
        assert_eq!(client.initialize(&mut init), SUCCESS);
        client
    }

    pub fn open(&mut self, version: u32, api: u32, device: *mut c_void) -> u32 {
        let mut open = sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
            version,
            deviceType: sys::NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA,
            device,
            apiVersion: api,
            ..Default::default()
        };
        // SAFETY: the driver filled the slot; both arguments live through the call.
        unsafe { self.table.nvEncOpenEncodeSessionEx.unwrap()(&mut open, &mut self.encoder) as u32 }
    }

    pub fn init_params(&self) -> sys::NV_ENC_INITIALIZE_PARAMS {
        sys::NV_ENC_INITIALIZE_PARAMS {
            version: self.header.initialize,
            encodeGUID: sys::NV_ENC_CODEC_H264_GUID,
            presetGUID: sys::NV_ENC_PRESET_P1_GUID,
            tuningInfo: sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY,
            encodeWidth: 64,
            encodeHeight: 64,
            frameRateNum: 30,
            frameRateDen: 1,
            enablePTD: 1,
            ..Default::default()
        }
    }

    /// The configuration of H.264, P1, ultra low latency.
    pub fn preset_config(&self) -> sys::NV_ENC_CONFIG {
        self.preset_config_of(sys::NV_ENC_CODEC_H264_GUID)
    }

    pub fn preset_config_of(&self, codec: sys::GUID) -> sys::NV_ENC_CONFIG {
        let mut preset = sys::NV_ENC_PRESET_CONFIG { version: self.header.preset_config, ..Default::default() };
        preset.presetCfg.version = self.header.config;
        let tuning = sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
        let level = sys::NV_ENC_PRESET_P1_GUID;
        assert_eq!(call!(self, nvEncGetEncodePresetConfigEx(codec, level, tuning, &mut preset)), SUCCESS);
        preset.presetCfg
    }

    pub fn initialize(&self, init: &mut sys::NV_ENC_INITIALIZE_PARAMS) -> u32 {
        call!(self, nvEncInitializeEncoder(init))
    }

    pub fn create_input(&self, format: u32, width: u32, height: u32) -> (u32, *mut c_void) {
        let mut params =
            sys::NV_ENC_CREATE_INPUT_BUFFER { version: self.header.create_input, width, height, ..Default::default() };
        // SAFETY: a C enum in memory, written as the integer it is for the driver.
        unsafe { (&raw mut params.bufferFmt).cast::<u32>().write(format) };
        (call!(self, nvEncCreateInputBuffer(&mut params)), params.inputBuffer)
    }

    pub fn create_output(&self) -> (u32, *mut c_void) {
        let mut params =
            sys::NV_ENC_CREATE_BITSTREAM_BUFFER { version: self.header.create_bitstream, ..Default::default() };
        (call!(self, nvEncCreateBitstreamBuffer(&mut params)), params.bitstreamBuffer)
    }

    /// An NV12 input of 64x64 and an output.
    pub fn slot(&self) -> Slot {
        let ((input_status, input), (output_status, output)) = (self.create_input(NV12, 64, 64), self.create_output());
        assert_eq!((input_status, output_status), (SUCCESS, SUCCESS));
        Slot { input, output }
    }

    pub fn slots<const N: usize>(&self) -> [Slot; N] {
        std::array::from_fn(|_| self.slot())
    }

    /// Address and pitch of a locked input.
    pub fn lock_input(&self, input: *mut c_void, do_not_wait: bool) -> (u32, *mut u8, u32) {
        let mut params =
            sys::NV_ENC_LOCK_INPUT_BUFFER { version: self.header.lock_input, inputBuffer: input, ..Default::default() };
        params.set_doNotWait(do_not_wait.into());
        let status = call!(self, nvEncLockInputBuffer(&mut params));
        (status, params.bufferDataPtr.cast(), params.pitch)
    }

    pub fn unlock_input(&self, input: *mut c_void) -> u32 {
        call!(self, nvEncUnlockInputBuffer(input))
    }

    pub fn picture(&self, slot: Slot, timestamp: u64) -> sys::NV_ENC_PIC_PARAMS {
        sys::NV_ENC_PIC_PARAMS {
            version: self.header.pic_params,
            inputWidth: 64,
            inputHeight: 64,
            inputTimeStamp: timestamp,
            inputDuration: timestamp + 1000,
            frameIdx: timestamp as u32 + 7,
            inputBuffer: slot.input,
            outputBitstream: slot.output,
            bufferFmt: sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
            pictureStruct: sys::NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME,
            ..Default::default()
        }
    }

    pub fn encode(&self, picture: &mut sys::NV_ENC_PIC_PARAMS) -> u32 {
        call!(self, nvEncEncodePicture(picture))
    }

    pub fn submit(&self, slot: Slot, timestamp: u64) -> u32 {
        self.encode(&mut self.picture(slot, timestamp))
    }

    pub fn submit_with(&self, slot: Slot, timestamp: u64, flags: u32) -> u32 {
        let mut picture = self.picture(slot, timestamp);
        picture.encodePicFlags = flags;
        self.encode(&mut picture)
    }

    pub fn end_of_stream(&self) -> u32 {
        self.encode(&mut sys::NV_ENC_PIC_PARAMS {
            version: self.header.pic_params,
            encodePicFlags: EOS,
            ..Default::default()
        })
    }

    pub fn lock_params(&self, output: *mut c_void) -> sys::NV_ENC_LOCK_BITSTREAM {
        sys::NV_ENC_LOCK_BITSTREAM {
            version: self.header.lock_bitstream,
            outputBitstream: output,
            ..Default::default()
        }
    }

    pub fn lock(&self, output: *mut c_void) -> u32 {
        call!(self, nvEncLockBitstream(&mut self.lock_params(output)))
    }

    pub fn try_lock(&self, output: *mut c_void) -> u32 {
        let mut params = self.lock_params(output);
        params.set_doNotWait(1);
        call!(self, nvEncLockBitstream(&mut params))
    }

    pub fn unlock(&self, output: *mut c_void) -> u32 {
        call!(self, nvEncUnlockBitstream(output))
    }

    /// Locks, copies and unlocks.
    pub fn reap(&self, slot: Slot) -> Packet {
        let mut params = self.lock_params(slot.output);
        assert_eq!(call!(self, nvEncLockBitstream(&mut params)), SUCCESS, "{}", self.last_error());
        let num_bytes = params.bitstreamSizeInBytes as usize;
        // SAFETY: the lock succeeded, so the driver vouches for that many bytes until the unlock.
        let bytes = unsafe { std::slice::from_raw_parts(params.bitstreamBufferPtr.cast::<u8>(), num_bytes) }.to_vec();
        assert_eq!(self.unlock(slot.output), SUCCESS);
        Packet {
            bytes,
            picture_type: params.pictureType as u32,
            timestamp: params.outputTimeStamp,
            duration: params.outputDuration,
            frame_idx: params.frameIdx,
            display_idx: params.frameIdxDisplay,
        }
    }

    pub fn reconfigure(&self, init: sys::NV_ENC_INITIALIZE_PARAMS, force_idr: bool) -> u32 {
        let mut params = sys::NV_ENC_RECONFIGURE_PARAMS {
            version: self.header.reconfigure,
            reInitEncodeParams: init,
            ..Default::default()
        };
        params.set_forceIDR(force_idr.into());
        call!(self, nvEncReconfigureEncoder(&mut params))
    }

    /// Forces an IDR picture by the reconfigure struct as `header` lays it out: the flags moved by 8 bytes in 12.2.
    pub fn reconfigure_as(&self, init: sys::NV_ENC_INITIALIZE_PARAMS, header: Header) -> u32 {
        let mut params = sys::NV_ENC_RECONFIGURE_PARAMS {
            version: header.reconfigure,
            reInitEncodeParams: init,
            ..Default::default()
        };
        let offset = if header.reconfigure >> 16 & 0xff == 2 { 1808 } else { 1816 };
        // SAFETY: both offsets lie inside the struct of 12.1, which is the longest.
        unsafe { (&raw mut params).cast::<u8>().add(offset).cast::<u32>().write(2) };
        call!(self, nvEncReconfigureEncoder(&mut params))
    }

    pub fn last_error(&self) -> String {
        // SAFETY: the driver filled the slot and gives a string that lives for ever.
        let text = unsafe { CStr::from_ptr(self.table.nvEncGetLastErrorString.unwrap()(self.encoder)) };
        text.to_str().unwrap().to_owned()
    }

    pub fn destroy(&self) -> u32 {
        call!(self, nvEncDestroyEncoder())
    }

    pub fn counters(&self) -> Counters {
        self.device.counters()
    }

    pub fn broken(&self, rule: &str) -> u64 {
        broken(&self.counters(), rule)
    }
}

pub fn broken(counters: &Counters, rule: &str) -> u64 {
    counters.rules_broken.iter().find(|broken| broken.rule == rule).map_or(0, |broken| broken.count)
}
