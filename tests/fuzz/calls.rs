//! Calls of NVENC's C interface in any order, with null, stale and foreign handles, wrong versions and sizes, on two threads.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use moq_nvenc::sys::nvEncodeAPI as sys;
use virtual_nvenc::{Device, DeviceConfig};

/// What comes between a client and its driver: changes a function list that the driver has filled.
pub type Wrap = unsafe fn(*mut c_void);

/// One call: which, and what of it is odd.
#[derive(Clone, Copy)]
struct Step {
    call: u8,
    handle: u8,
    number: u8,
    oddity: u8,
}

/// Handles that a client may come to hold, and such that it never got.
#[derive(Default)]
struct Held {
    sessions: Vec<usize>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

/// Any of those, null, or nobody's.
fn pick(held: &[usize], number: u8) -> *mut c_void {
    static NOBODYS: u64 = 0;
    let place = match number {
        0 => 0,
        1 => (&raw const NOBODYS) as usize,
        number => held.get(usize::from(number) % held.len().max(1)).copied().unwrap_or(0),
    };
    std::ptr::with_exposed_provenance_mut(place)
}

fn version(right: u32, oddity: u8) -> u32 {
    if oddity == 7 { right ^ 0x0001_0000 } else { right }
}

/// # Safety
/// `list` is filled by the driver, and `device` lives.
unsafe fn make(step: Step, list: &sys::NV_ENCODE_API_FUNCTION_LIST, device: *mut c_void, held: &mut Held) {
    let Step { call, handle, number, oddity } = step;
    let session = pick(&held.sessions, handle);
    let side = [64u32, 0, 16, 63, 4096, u32::MAX, 128, 32][usize::from(oddity % 8)];
    // SAFETY: every struct is zeroed, has its version word, and lives during the call; the driver promises to look at no handle that
    // it did not give.
    unsafe {
        match call % 12 {
            0 => {
                let mut params: sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS = MaybeUninit::zeroed().assume_init();
                params.version = version(sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER, oddity);
                params.device = if oddity == 1 { std::ptr::null_mut() } else { device };
                params.apiVersion = version(sys::NVENCAPI_VERSION, oddity);
                let mut opened = std::ptr::null_mut();
                list.nvEncOpenEncodeSessionEx.map(|open| open(&raw mut params, &raw mut opened));
                if !opened.is_null() {
                    held.sessions.push(opened.expose_provenance());
                }
            }
            1 => {
                let mut params: MaybeUninit<sys::NV_ENC_INITIALIZE_PARAMS> = MaybeUninit::zeroed();
                let at = params.as_mut_ptr();
                (*at).version = version(sys::NV_ENC_INITIALIZE_PARAMS_VER, oddity);
                (*at).encodeGUID =
                    if number % 2 == 0 { sys::NV_ENC_CODEC_H264_GUID } else { sys::NV_ENC_CODEC_HEVC_GUID };
                (*at).presetGUID = sys::NV_ENC_PRESET_P1_GUID;
                ((*at).encodeWidth, (*at).encodeHeight) = (side, side);
                ((*at).frameRateNum, (*at).frameRateDen) = (number.into(), 1);
                (&raw mut (*at).tuningInfo).cast::<u32>().write(u32::from(number % 5));
                (*at).enablePTD = u32::from(oddity != 6);
                list.nvEncInitializeEncoder.map(|initialize| initialize(session, at));
            }
            2 => {
                let mut params: MaybeUninit<sys::NV_ENC_CREATE_INPUT_BUFFER> = MaybeUninit::zeroed();
                let at = params.as_mut_ptr();
                (*at).version = version(sys::NV_ENC_CREATE_INPUT_BUFFER_VER, oddity);
                ((*at).width, (*at).height) = (side.min(4096), side.min(4096));
                (&raw mut (*at).bufferFmt).cast::<u32>().write(if oddity == 5 { 3 } else { 1 });
                list.nvEncCreateInputBuffer.map(|create| create(session, at));
                held.inputs.push((*at).inputBuffer.expose_provenance());
            }
            3 => {
                let mut params: MaybeUninit<sys::NV_ENC_CREATE_BITSTREAM_BUFFER> = MaybeUninit::zeroed();
                let at = params.as_mut_ptr();
                (*at).version = version(sys::NV_ENC_CREATE_BITSTREAM_BUFFER_VER, oddity);
                list.nvEncCreateBitstreamBuffer.map(|create| create(session, at));
                held.outputs.push((*at).bitstreamBuffer.expose_provenance());
            }
            4 | 5 => {
                let mut params: MaybeUninit<sys::NV_ENC_PIC_PARAMS> = MaybeUninit::zeroed();
                let at = params.as_mut_ptr();
                (*at).version = version(sys::NV_ENC_PIC_PARAMS_VER, oddity);
                ((*at).inputWidth, (*at).inputHeight, (*at).inputPitch) = (side, side, side);
                (*at).inputBuffer = pick(&held.inputs, number);
                (*at).outputBitstream = pick(&held.outputs, number);
                (*at).inputTimeStamp = number.into();
                (*at).encodePicFlags = if oddity == 4 { 8 } else { u32::from(oddity) };
                (&raw mut (*at).bufferFmt).cast::<u32>().write(1);
                (&raw mut (*at).pictureStruct).cast::<u32>().write(1);
                list.nvEncEncodePicture.map(|encode| encode(session, at));
            }
            6 => {
                let mut params: MaybeUninit<sys::NV_ENC_LOCK_BITSTREAM> = MaybeUninit::zeroed();
                let at = params.as_mut_ptr();
                (*at).version = version(sys::NV_ENC_LOCK_BITSTREAM_VER, oddity);
                (*at).outputBitstream = pick(&held.outputs, number);
                // A lock that waits would wait for ever where nothing was submitted that it could wait for.
                (*at).set_doNotWait(1);
                list.nvEncLockBitstream.map(|lock| lock(session, at));
            }
            7 => { let _ = list.nvEncUnlockBitstream.map(|unlock| unlock(session, pick(&held.outputs, number))); }
            8 => {
                let mut params: MaybeUninit<sys::NV_ENC_LOCK_INPUT_BUFFER> = MaybeUninit::zeroed();
                let at = params.as_mut_ptr();
                (*at).version = version(sys::NV_ENC_LOCK_INPUT_BUFFER_VER, oddity);
                (*at).inputBuffer = pick(&held.inputs, number);
                list.nvEncLockInputBuffer.map(|lock| lock(session, at));
            }
            9 => { let _ = list.nvEncUnlockInputBuffer.map(|unlock| unlock(session, pick(&held.inputs, number))); }
            10 if oddity % 2 == 0 => {
                let _ = list.nvEncDestroyInputBuffer.map(|destroy| destroy(session, pick(&held.inputs, number)));
            }
            10 => { let _ = list.nvEncDestroyBitstreamBuffer.map(|destroy| destroy(session, pick(&held.outputs, number))); }
            _ => { let _ = list.nvEncDestroyEncoder.map(|destroy| destroy(session)); }
        }
    }
}

/// The driver's entries, as a client gets them once `wrap` has been at them.
fn entries(wrap: Wrap) -> sys::NV_ENCODE_API_FUNCTION_LIST {
    let mut list: MaybeUninit<sys::NV_ENCODE_API_FUNCTION_LIST> = MaybeUninit::zeroed();
    // SAFETY: zeroed, with its version word, and valid during the call.
    unsafe {
        (*list.as_mut_ptr()).version = sys::NV_ENCODE_API_FUNCTION_LIST_VER;
        virtual_nvenc::create_instance(list.as_mut_ptr().cast());
        wrap(list.as_mut_ptr().cast());
        list.assume_init()
    }
}

/// # Safety
/// A device lives at `place`.
unsafe fn make_all<'a>(steps: impl Iterator<Item = &'a Step>, place: usize, held: &mut Held, wrap: Wrap) {
    let list = entries(wrap);
    for step in steps {
        // SAFETY: the list is the driver's; the caller's promise.
        unsafe { make(*step, &list, std::ptr::with_exposed_provenance_mut(place), held) };
    }
}

/// Makes the calls that `bytes` stand for, the second half of them on two threads.
pub fn make_calls(bytes: &[u8], wrap: Wrap) {
    let config: DeviceConfig = "latency_us=0,interval_us=0,payload=sparse".parse().expect("a device");
    let device = Device::new(config);
    let place = device.as_ptr().expose_provenance();
    let mut held = Held::default();
    let step = |four: &[u8]| Step { call: four[0], handle: four[1], number: four[2], oddity: four[3] };
    let steps: Vec<Step> = bytes.chunks_exact(4).take(64).map(step).collect();
    let (alone, together) = steps.split_at(steps.len() / 2);
    // SAFETY: the device lives until the end of this function; likewise below.
    unsafe { make_all(alone.iter(), place, &mut held, wrap) };
    // The same handles on two threads.
    std::thread::scope(|scope| {
        let mut other =
            Held { sessions: held.sessions.clone(), inputs: held.inputs.clone(), outputs: held.outputs.clone() };
        // SAFETY: as above.
        scope.spawn(move || unsafe { make_all(together.iter(), place, &mut other, wrap) });
        // SAFETY: as above.
        unsafe { make_all(together.iter().rev(), place, &mut held, wrap) };
    });
    let list = entries(wrap);
    for session in held.sessions {
        // SAFETY: as above; one that is gone already is no session any more.
        unsafe { list.nvEncDestroyEncoder.map(|destroy| destroy(std::ptr::with_exposed_provenance_mut(session))) };
    }
}
