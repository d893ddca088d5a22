//! A bare submit/lock loop against a virtual device, at depth 1, 3 and 8: what a picture costs at each, and whether its
//! second half costs what the first does.
//!
//! `cargo run --release -p virtual-nvenc --example serial_vs_depth -- latency_us=1400,interval_us=350`

use std::collections::VecDeque;
use std::error::Error;
use std::ffi::c_void;
use std::time::{Duration, Instant};

use moq_nvenc::sys::nvEncodeAPI as sys;
use sys::{NV_ENC_BUFFER_FORMAT as Format, NVENCSTATUS as Status};
use virtual_nvenc::{Device, create_instance};

const NUM_PICTURES: u64 = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::new(std::env::args().nth(1).unwrap_or_default().parse()?);
    println!("device {}", device.config());
    for depth in [1, 3, 8] {
        let Cost { picture_us, halves_us: [first, second], submit_us } = run(&device, depth)?;
        println!(
            "depth {depth}: {picture_us:.2} µs per picture ({first:.2} in the first half, {second:.2} in the second), \
             {submit_us:.2} µs in each NvEncEncodePicture"
        );
    }
    let counters = device.counters();
    println!(
        "{} of {} pictures late, rules broken: {:?}",
        counters.late_pictures, counters.pictures, counters.rules_broken
    );
    Ok(())
}

/// Means over a run.
struct Cost {
    picture_us: f64,
    halves_us: [f64; 2],
    submit_us: f64,
}

/// Encodes with `depth` pictures in flight.
fn run(device: &Device, depth: usize) -> Result<Cost, String> {
    let encoder = Encoder::open(device)?;
    let slots = (0..depth).map(|_| encoder.make_slot()).collect::<Result<Vec<_>, _>>()?;
    let mut in_flight = VecDeque::with_capacity(depth);
    let mut submitting = Duration::ZERO;
    let started = Instant::now();
    let mut middle = started;
    for (picture, slot) in (0..NUM_PICTURES).zip(slots.iter().cycle()) {
        if in_flight.len() == depth {
            encoder.reap(in_flight.pop_front())?;
        }
        let entered = Instant::now();
        if picture == NUM_PICTURES / 2 {
            middle = entered;
        }
        encoder.submit(slot, picture)?;
        submitting += entered.elapsed();
        in_flight.push_back(slot.output);
    }
    encoder.end_of_stream()?;
    while let Some(output) = in_flight.pop_front() {
        encoder.reap(Some(output))?;
    }
    let mean_us = |total: Duration| total.as_secs_f64() * 1e6 / NUM_PICTURES as f64;
    let halves_us = [2.0 * mean_us(middle - started), 2.0 * mean_us(middle.elapsed())];
    Ok(Cost { picture_us: mean_us(started.elapsed()), halves_us, submit_us: mean_us(submitting) })
}

struct Encoder {
    table: sys::NV_ENCODE_API_FUNCTION_LIST,
    handle: *mut c_void,
}

struct Slot {
    input: *mut c_void,
    output: *mut c_void,
}

/// Calls a function of the table and turns its status into a result.
macro_rules! call {
    ($table:expr, $name:ident ( $($argument:expr),* )) => {{
        let function = $table.$name.ok_or(concat!(stringify!($name), " is missing"))?;
        // SAFETY: the table was filled by the driver, and all arguments point to live values of the 12.1 header.
        match unsafe { function($($argument),*) } {
            Status::NV_ENC_SUCCESS => Ok(()),
            status => Err(format!("{} answered {status:?}", stringify!($name))),
        }
    }};
}

impl Encoder {
    fn open(device: &Device) -> Result<Encoder, String> {
        let mut table =
            sys::NV_ENCODE_API_FUNCTION_LIST { version: sys::NV_ENCODE_API_FUNCTION_LIST_VER, ..Default::default() };
        // SAFETY: the list carries its version word and lives through the call.
        let status = unsafe { create_instance(&mut table) };
        if status != 0 {
            return Err(format!("create_instance answered {status}"));
        }
        let mut open = sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
            version: sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER,
            deviceType: sys::NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA,
            device: device.as_ptr(),
            apiVersion: sys::NVENCAPI_VERSION,
            ..Default::default()
        };
        let mut handle = std::ptr::null_mut();
        call!(table, nvEncOpenEncodeSessionEx(&mut open, &mut handle))?;
        let encoder = Encoder { table, handle };
        encoder.initialize()?;
        Ok(encoder)
    }

    fn initialize(&self) -> Result<(), String> {
        let mut init = sys::NV_ENC_INITIALIZE_PARAMS {
            version: sys::NV_ENC_INITIALIZE_PARAMS_VER,
            encodeGUID: sys::NV_ENC_CODEC_H264_GUID,
            presetGUID: sys::NV_ENC_PRESET_P1_GUID,
            tuningInfo: sys::NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY,
            encodeWidth: 640,
            encodeHeight: 360,
            frameRateNum: 30,
            frameRateDen: 1,
            enablePTD: 1,
            ..Default::default()
        };
        call!(self.table, nvEncInitializeEncoder(self.handle, &mut init))
    }

    fn make_slot(&self) -> Result<Slot, String> {
        let mut input = sys::NV_ENC_CREATE_INPUT_BUFFER {
            version: sys::NV_ENC_CREATE_INPUT_BUFFER_VER,
            width: 640,
            height: 360,
            bufferFmt: Format::NV_ENC_BUFFER_FORMAT_NV12,
            ..Default::default()
        };
        call!(self.table, nvEncCreateInputBuffer(self.handle, &mut input))?;
        let mut output = sys::NV_ENC_CREATE_BITSTREAM_BUFFER {
            version: sys::NV_ENC_CREATE_BITSTREAM_BUFFER_VER,
            ..Default::default()
        };
        call!(self.table, nvEncCreateBitstreamBuffer(self.handle, &mut output))?;
        Ok(Slot { input: input.inputBuffer, output: output.bitstreamBuffer })
    }

    fn submit(&self, slot: &Slot, picture: u64) -> Result<(), String> {
        let mut params = sys::NV_ENC_PIC_PARAMS {
            version: sys::NV_ENC_PIC_PARAMS_VER,
            inputWidth: 640,
            inputHeight: 360,
            inputTimeStamp: picture,
            inputBuffer: slot.input,
            outputBitstream: slot.output,
            bufferFmt: Format::NV_ENC_BUFFER_FORMAT_NV12,
            pictureStruct: sys::NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME,
            ..Default::default()
        };
        call!(self.table, nvEncEncodePicture(self.handle, &mut params))
    }

    fn end_of_stream(&self) -> Result<(), String> {
        let mut params = sys::NV_ENC_PIC_PARAMS {
            version: sys::NV_ENC_PIC_PARAMS_VER,
            encodePicFlags: sys::NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_EOS as u32,
            ..Default::default()
        };
        call!(self.table, nvEncEncodePicture(self.handle, &mut params))
    }

    fn reap(&self, output: Option<*mut c_void>) -> Result<(), String> {
        let output = output.ok_or("nothing in flight")?;
        let mut lock = sys::NV_ENC_LOCK_BITSTREAM {
            version: sys::NV_ENC_LOCK_BITSTREAM_VER,
            outputBitstream: output,
            ..Default::default()
        };
        call!(self.table, nvEncLockBitstream(self.handle, &mut lock))?;
        call!(self.table, nvEncUnlockBitstream(self.handle, output))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let destroyed = || call!(self.table, nvEncDestroyEncoder(self.handle));
        if let Err(error) = destroyed() as Result<(), String> {
            eprintln!("{error}");
        }
    }
}
