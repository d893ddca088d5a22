//! Clients that behave badly, each a process of its own: the driver neither hangs nor crashes, and leaves nothing behind.
//!
//! The client is this test program itself, started again with a part to play.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::ffi::c_void;
use std::io::{BufRead, BufReader};
use std::mem::ManuallyDrop;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::Drivers;
use libloading::Library;
use moq_nvenc::sys::nvEncodeAPI as sys;

/// What the started client is to do.
const PART: &str = "VIRTUAL_NVENC_TEST_PART";
/// Whatever is waited for comes within this, or never will.
const PATIENCE: Duration = Duration::from_secs(60);
/// NVENCSTATUS.
const INVALID_ENCODER_DEVICE: u32 = 3;
const DEVICE: &str = "latency_us=2000,interval_us=1000";

/// A session on the library that the loader finds.
struct Client {
    library: ManuallyDrop<Library>,
    table: sys::NV_ENCODE_API_FUNCTION_LIST,
    encoder: *mut c_void,
    slots: Vec<(*mut c_void, *mut c_void)>,
}

macro_rules! call {
    ($client:expr, $name:ident($($argument:expr),*)) => {{
        // SAFETY: the driver filled the slot, and the arguments live through the call.
        let status = unsafe { $client.table.$name.unwrap()($client.encoder, $($argument),*) } as u32;
        assert_eq!(status, 0, stringify!($name));
    }};
}

impl Client {
    fn open(num_slots: usize) -> Self {
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

    fn submit(&self, picture: usize) {
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

    fn reap(&self, picture: usize) {
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

    /// The status of locking a picture's output.
    fn try_lock(&self, picture: usize) -> u32 {
        let mut lock = sys::NV_ENC_LOCK_BITSTREAM {
            version: sys::NV_ENC_LOCK_BITSTREAM_VER,
            outputBitstream: self.slots[picture % self.slots.len()].1,
            ..Default::default()
        };
        // SAFETY: the driver filled the slot, and the argument lives through the call.
        unsafe { self.table.nvEncLockBitstream.unwrap()(self.encoder, &mut lock) as u32 }
    }

    /// Encodes pictures with as many in flight as there are slots, and leaves them so.
    fn encode(&self, num_pictures: usize) {
        (0..num_pictures).for_each(|picture| self.encode_one(picture));
    }

    fn encode_one(&self, picture: usize) {
        if picture >= self.slots.len() {
            self.reap(picture - self.slots.len());
        }
        self.submit(picture);
    }

    fn close(self) {
        // SAFETY: the driver filled the slot.
        assert_eq!(unsafe { self.table.nvEncDestroyEncoder.unwrap()(self.encoder) } as u32, 0);
    }
}

/// Plays the part that the environment names; in an ordinary run of the tests there is none.
#[test]
fn client() {
    let Ok(part) = std::env::var(PART) else { return };
    match part.as_str() {
        "encode" => {
            let client = Client::open(4);
            client.encode(200);
            client.close();
        }
        "encode for ever" => {
            let client = Client::open(4);
            (0..usize::MAX).for_each(|picture| {
                client.encode_one(picture);
                if picture == 50 {
                    println!("encoding");
                }
            });
        }
        "unload in flight" => {
            let mut client = Client::open(4);
            client.encode(10);
            // SAFETY: nothing of the library is called after this.
            unsafe { ManuallyDrop::drop(&mut client.library) };
            // Long enough for the pictures in flight to be made by code that must still be there.
            std::thread::sleep(Duration::from_millis(50));
        }
        "fork in flight" => fork_in_flight(),
        other => panic!("no such part: {other}"),
    }
}

fn fork_in_flight() {
    let client = Client::open(4);
    client.encode(20);
    // SAFETY: the child calls the driver and ends at once; the other threads of this process hold nothing it needs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let own = Client::open(2);
        own.encode(10);
        // A copy of the parent's session, whose threads this process does not have: refused, not waited for.
        assert_eq!(client.try_lock(19), INVALID_ENCODER_DEVICE);
        // SAFETY: the driver filled the slot.
        let status = unsafe { client.table.nvEncDestroyEncoder.unwrap()(client.encoder) } as u32;
        assert_eq!(status, INVALID_ENCODER_DEVICE);
        own.close();
        // SAFETY: ends the child without running anything of the test's.
        unsafe { libc::_exit(0) };
    }
    assert!(child > 0);
    (16..20).for_each(|picture| client.reap(picture));
    client.close();
    let mut status = 0;
    // SAFETY: the child is ours, and the status lives through the call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}

fn start(drivers: &Drivers, part: &str) -> Child {
    let mut command: Command = drivers.command(std::env::current_exe().unwrap(), DEVICE);
    command.args(["--exact", "client", "--nocapture"]).env(PART, part);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Waits for the end of a client, and for a good one.
fn ended_well(mut child: Child, part: &str) {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return assert!(status.success(), "{part}: {status}");
        }
        if start.elapsed() > PATIENCE {
            drop(child.kill());
            panic!("{part} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn eight_clients_at_once() {
    let drivers = Drivers::new();
    let clients: Vec<_> = (0..8).map(|_| start(&drivers, "encode")).collect();
    clients.into_iter().for_each(|client| ended_well(client, "one of eight"));
}

#[test]
fn a_killed_client_leaves_nothing_behind() {
    let drivers = Drivers::new();
    let mut client = start(&drivers, "encode for ever");
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("encoding")));
    client.kill().unwrap();
    assert_eq!(client.wait().unwrap().code(), None, "killed, not ended by itself");
    let left: Vec<_> = std::fs::read_dir(drivers.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    ended_well(start(&drivers, "encode"), "the next client");
}

#[test]
fn a_library_closed_with_pictures_in_flight_stays_mapped() {
    ended_well(start(&Drivers::new(), "unload in flight"), "unload in flight");
}

#[test]
fn a_forked_client_encodes_on_its_own() {
    ended_well(start(&Drivers::new(), "fork in flight"), "fork in flight");
}
