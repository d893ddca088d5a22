//! A client of the library that the loader finds as `libnvidia-encode.so.1`: one session, pictures of 64x64.

use std::ffi::c_void;
use std::mem::ManuallyDrop;

use libloading::Library;
use moq_nvenc::sys::nvEncodeAPI as sys;

/// A session on the library that the loader finds.
pub struct Client {
    /// Stays loaded, until a test takes it out.
    #[allow(dead_code, reason = "only some tests do")]
    pub library: ManuallyDrop<Library>,
    pub table: sys::NV_ENCODE_API_FUNCTION_LIST,
    pub encoder: *mut c_void,
    pub slots: Vec<(*mut c_void, *mut c_void)>,
}

macro_rules! call {
    ($client:expr, $name:ident($($argument:expr),*)) => {{
        // SAFETY: the driver filled the slot, and the arguments live through the call.
        let status = unsafe { $client.table.$name.unwrap()($client.encoder, $($argument),*) } as u32;
        assert_eq!(status, 0, stringify!($name));
    }};
}

impl Client {
    pub fn open(num_slots: usize) -> Self {
        // SAFETY: the library is the virtual driver, whose loading has no effect.
        let library = ManuallyDrop::new(unsafe { Library::new("libnvidia-encode.so.1") }.unwrap());
        let mut table =
            sys::NV_ENCODE_API_FUNCTION_LIST { version: sys::NV_ENCODE_API_FUNCTION_LIST_VER, ..Default::default() };
        type Create = unsafe extern "C" fn(*mut sys::NV_ENCODE_API_FUNCTION_LIST) -> u32;
        // SAFETY: the symbol has this signature in NVIDIA's header.
        let status = unsafe { library.get::<Create>(b"NvEncodeAPICreateInstance").unwrap()(&mut table) };
        assert_eq!(status, 0);
        let mut client = Self { library, table, encoder: std::ptr::null_mut(), slots: Vec::new() };
        client.open_session();
        client.make_slots(num_slots);
        client
    }

    fn open_session(&mut self) {
        let mut open = sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
            version: sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER,
            deviceType: sys::NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA,
            device: 64 as *mut c_void,
            apiVersion: sys::NVENCAPI_VERSION,
            ..Default::default()
        };
        // SAFETY: the driver filled the slot, and the arguments live through the call.
        let status = unsafe { self.table.nvEncOpenEncodeSessionEx.unwrap()(&mut open, &mut self.encoder) } as u32;
        assert_eq!(status, 0);
        let mut init = sys::NV_ENC_INITIALIZE_PARAMS {
            version: sys::NV_ENC_INITIALIZE_PARAMS_VER,
            encodeGUID: sys::NV_ENC_CODEC_H264_GUID,
            presetGUID: sys::NV_ENC_PRESET_P1_GUID,
            tuningInfo: sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY,
            encodeWidth: 64,
            encodeHeight: 64,
            frameRateNum: 30,
            frameRateDen: 1,
            enablePTD: 1,
            ..Default::default()
        };
        call!(self, nvEncInitializeEncoder(&mut init));
    }

    fn make_slots(&mut self, num_slots: usize) {
        for _ in 0..num_slots {
            let mut input = sys::NV_ENC_CREATE_INPUT_BUFFER {
                version: sys::NV_ENC_CREATE_INPUT_BUFFER_VER,
                width: 64,
                height: 64,
                bufferFmt: sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
                ..Default::default()
            };
            call!(self, nvEncCreateInputBuffer(&mut input));
            let mut output = sys::NV_ENC_CREATE_BITSTREAM_BUFFER {
                version: sys::NV_ENC_CREATE_BITSTREAM_BUFFER_VER,
                ..Default::default()
            };
            call!(self, nvEncCreateBitstreamBuffer(&mut output));
            self.slots.push((input.inputBuffer, output.bitstreamBuffer));
        }
    }

    pub fn submit(&self, picture: usize) {
        let (input, output) = self.slots[picture % self.slots.len()];
        let mut params = sys::NV_ENC_PIC_PARAMS {
            version: sys::NV_ENC_PIC_PARAMS_VER,
            inputWidth: 64,
            inputHeight: 64,
            inputTimeStamp: picture as u64,
            inputBuffer: input,
            outputBitstream: output,
            bufferFmt: sys::NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
            pictureStruct: sys::NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME,
            ..Default::default()
        };
        call!(self, nvEncEncodePicture(&mut params));
    }

    pub fn reap(&self, picture: usize) {
        let output = self.slots[picture % self.slots.len()].1;
        let mut lock = sys::NV_ENC_LOCK_BITSTREAM {
            version: sys::NV_ENC_LOCK_BITSTREAM_VER,
            outputBitstream: output,
            ..Default::default()
        };
        call!(self, nvEncLockBitstream(&mut lock));
        assert_eq!(lock.outputTimeStamp, picture as u64);
        assert!(lock.bitstreamSizeInBytes > 0);
        call!(self, nvEncUnlockBitstream(output));
    }

    pub fn encode_one(&self, picture: usize) {
        if picture >= self.slots.len() {
            self.reap(picture - self.slots.len());
        }
        self.submit(picture);
    }

    pub fn close(self) {
        // SAFETY: the driver filled the slot.
        assert_eq!(unsafe { self.table.nvEncDestroyEncoder.unwrap()(self.encoder) } as u32, 0);
    }
}
