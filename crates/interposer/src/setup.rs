//! How a client set its encoder up: the numbers that it gave nvEncInitializeEncoder, under the names of NVENC's header.
//!
//! Read once a session, outside of everything that is measured. A pointer is followed, and a struct is read, only where its
//! version word is that of a header from 11.0 to 13.0: the members that are read here have the same place in all of them, but
//! for the split mode, whose place follows from the header that the client named when it opened the session. Knows no word
//! for a value: `inflight` has them.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::mem::offset_of;

use moq_nvenc::sys::nvEncodeAPI as sys;
use serde::Serialize;
use sys::{NV_ENC_CONFIG as Config, NV_ENC_INITIALIZE_PARAMS as Init};

use crate::layout::{self, Member};

/// `NVENCAPI_VERSION` (minor << 24 | major) of 11.0, 11.1, 12.0, 12.1, 12.2 and 13.0.
const HEADERS: [u32; 6] = [0x0b, 0x0100_000b, 0x0c, 0x0100_000c, 0x0200_000c, 0x0d];
/// 12.1.
const FIRST_WITH_SPLIT: usize = 3;
/// Revisions of the two structs in these headers.
const INIT_REVISIONS: [u32; 3] = [5, 6, 7];
const CONFIG_REVISIONS: [u32; 3] = [7, 8, 9];

/// What a client set.
#[derive(Debug, Default, Serialize)]
pub struct Setup {
    /// Did the client bring a configuration? `None`: its version word is none that is known here.
    has_config: Option<bool>,
    numbers: BTreeMap<&'static str, i64>,
    /// 32 hexadecimal digits in groups of 8, 4, 4 and 16.
    guids: BTreeMap<&'static str, String>,
}

/// Where a number stands.
#[derive(Clone, Copy)]
enum Place {
    U8(usize),
    U16(usize),
    U32(usize),
    I32(usize),
    Bits { word: usize, first: u32, num: u32 },
}

use Place::{Bits, I32, U8, U16, U32};

type Named = (&'static str, Place);

const OF_INIT: [Named; 6] = [
    ("tuningInfo", U32(offset_of!(Init, tuningInfo))),
    ("encodeWidth", U32(offset_of!(Init, encodeWidth))),
    ("encodeHeight", U32(offset_of!(Init, encodeHeight))),
    ("frameRateNum", U32(offset_of!(Init, frameRateNum))),
    ("frameRateDen", U32(offset_of!(Init, frameRateDen))),
    ("enablePTD", U32(offset_of!(Init, enablePTD))),
];

const RC_FLAGS: usize = offset_of!(Config, rcParams._bitfield_1);

const OF_CONFIG: [Named; 19] = [
    ("gopLength", U32(offset_of!(Config, gopLength))),
    ("frameIntervalP", I32(offset_of!(Config, frameIntervalP))),
    ("rateControlMode", U32(offset_of!(Config, rcParams.rateControlMode))),
    ("constQP.qpInterP", U32(offset_of!(Config, rcParams.constQP.qpInterP))),
    ("constQP.qpInterB", U32(offset_of!(Config, rcParams.constQP.qpInterB))),
    ("constQP.qpIntra", U32(offset_of!(Config, rcParams.constQP.qpIntra))),
    ("averageBitRate", U32(offset_of!(Config, rcParams.averageBitRate))),
    ("maxBitRate", U32(offset_of!(Config, rcParams.maxBitRate))),
    ("vbvBufferSize", U32(offset_of!(Config, rcParams.vbvBufferSize))),
    ("vbvInitialDelay", U32(offset_of!(Config, rcParams.vbvInitialDelay))),
    ("enableInitialRCQP", bit(RC_FLAGS, 2)),
    ("enableAQ", bit(RC_FLAGS, 3)),
    ("enableLookahead", bit(RC_FLAGS, 5)),
    ("enableTemporalAQ", bit(RC_FLAGS, 8)),
    ("zeroReorderDelay", bit(RC_FLAGS, 9)),
    ("aqStrength", Bits { word: RC_FLAGS, first: 12, num: 4 }),
    ("targetQuality", U8(offset_of!(Config, rcParams.targetQuality))),
    ("lookaheadDepth", U16(offset_of!(Config, rcParams.lookaheadDepth))),
    ("multiPass", U32(offset_of!(Config, rcParams.multiPass))),
];

const OF_H264: [Named; 13] = [
    ("level", U32(offset_of!(Config, encodeCodecConfig.h264Config.level))),
    ("idrPeriod", U32(offset_of!(Config, encodeCodecConfig.h264Config.idrPeriod))),
    ("useBFramesAsRef", U32(offset_of!(Config, encodeCodecConfig.h264Config.useBFramesAsRef))),
    ("entropyCodingMode", U32(offset_of!(Config, encodeCodecConfig.h264Config.entropyCodingMode))),
    ("repeatSPSPPS", bit(offset_of!(Config, encodeCodecConfig.h264Config._bitfield_1), 12)),
    ("enableIntraRefresh", bit(offset_of!(Config, encodeCodecConfig.h264Config._bitfield_1), 10)),
    ("intraRefreshPeriod", U32(offset_of!(Config, encodeCodecConfig.h264Config.intraRefreshPeriod))),
    ("intraRefreshCnt", U32(offset_of!(Config, encodeCodecConfig.h264Config.intraRefreshCnt))),
    (
        "videoSignalTypePresentFlag",
        U32(offset_of!(Config, encodeCodecConfig.h264Config.h264VUIParameters.videoSignalTypePresentFlag)),
    ),
    ("videoFullRangeFlag", U32(offset_of!(Config, encodeCodecConfig.h264Config.h264VUIParameters.videoFullRangeFlag))),
    ("colourPrimaries", U32(offset_of!(Config, encodeCodecConfig.h264Config.h264VUIParameters.colourPrimaries))),
    (
        "transferCharacteristics",
        U32(offset_of!(Config, encodeCodecConfig.h264Config.h264VUIParameters.transferCharacteristics)),
    ),
    ("colourMatrix", U32(offset_of!(Config, encodeCodecConfig.h264Config.h264VUIParameters.colourMatrix))),
];

const OF_HEVC: [Named; 13] = [
    ("level", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.level))),
    ("tier", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.tier))),
    ("idrPeriod", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.idrPeriod))),
    ("useBFramesAsRef", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.useBFramesAsRef))),
    ("repeatSPSPPS", bit(offset_of!(Config, encodeCodecConfig.hevcConfig._bitfield_1), 7)),
    ("enableIntraRefresh", bit(offset_of!(Config, encodeCodecConfig.hevcConfig._bitfield_1), 8)),
    ("intraRefreshPeriod", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.intraRefreshPeriod))),
    ("intraRefreshCnt", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.intraRefreshCnt))),
    (
        "videoSignalTypePresentFlag",
        U32(offset_of!(Config, encodeCodecConfig.hevcConfig.hevcVUIParameters.videoSignalTypePresentFlag)),
    ),
    ("videoFullRangeFlag", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.hevcVUIParameters.videoFullRangeFlag))),
    ("colourPrimaries", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.hevcVUIParameters.colourPrimaries))),
    (
        "transferCharacteristics",
        U32(offset_of!(Config, encodeCodecConfig.hevcConfig.hevcVUIParameters.transferCharacteristics)),
    ),
    ("colourMatrix", U32(offset_of!(Config, encodeCodecConfig.hevcConfig.hevcVUIParameters.colourMatrix))),
];

const OF_AV1: [Named; 12] = [
    ("level", U32(offset_of!(Config, encodeCodecConfig.av1Config.level))),
    ("tier", U32(offset_of!(Config, encodeCodecConfig.av1Config.tier))),
    ("idrPeriod", U32(offset_of!(Config, encodeCodecConfig.av1Config.idrPeriod))),
    ("useBFramesAsRef", U32(offset_of!(Config, encodeCodecConfig.av1Config.useBFramesAsRef))),
    ("repeatSeqHdr", bit(offset_of!(Config, encodeCodecConfig.av1Config._bitfield_1), 5)),
    ("enableIntraRefresh", bit(offset_of!(Config, encodeCodecConfig.av1Config._bitfield_1), 6)),
    ("intraRefreshPeriod", U32(offset_of!(Config, encodeCodecConfig.av1Config.intraRefreshPeriod))),
    ("intraRefreshCnt", U32(offset_of!(Config, encodeCodecConfig.av1Config.intraRefreshCnt))),
    ("videoFullRangeFlag", U32(offset_of!(Config, encodeCodecConfig.av1Config.colorRange))),
    ("colourPrimaries", U32(offset_of!(Config, encodeCodecConfig.av1Config.colorPrimaries))),
    ("transferCharacteristics", U32(offset_of!(Config, encodeCodecConfig.av1Config.transferCharacteristics))),
    ("colourMatrix", U32(offset_of!(Config, encodeCodecConfig.av1Config.matrixCoefficients))),
];

impl Setup {
    /// What is in `params`; empty where that is null or no struct that is known here.
    ///
    /// # Safety
    /// `params` is null or an `NV_ENC_INITIALIZE_PARAMS` of any version, and its configuration is null or an `NV_ENC_CONFIG`
    /// of any version: a driver has just taken both.
    pub unsafe fn read(params: *const c_void, client_api: u32) -> Self {
        let mut setup = Self::default();
        // SAFETY: null or a struct that begins with its version word.
        if !unsafe { is_known(params, &INIT_REVISIONS) } {
            return setup;
        }
        // SAFETY: its version word is one in which every place that is read below lies inside of the struct.
        let (config, codec) = unsafe {
            setup.note(params, &OF_INIT);
            setup.note_guid("presetGUID", layout::INIT_PRESET, params);
            setup.note_split(params, client_api);
            (layout::INIT_CONFIG.read(params), layout::INIT_CODEC.read(params).and_then(layout::codec_name))
        };
        let Some(config) = config.filter(|config| !config.is_null()) else {
            setup.has_config = Some(false);
            return setup;
        };
        // SAFETY: the member of a struct that the driver has taken, which begins with its version word.
        if unsafe { is_known(config, &CONFIG_REVISIONS) } {
            setup.has_config = Some(true);
            // SAFETY: its version word is one in which every place that is read lies inside of the struct.
            unsafe { setup.note_config(config, codec) };
        }
        setup
    }

    /// # Safety
    /// `config` points to an `NV_ENC_CONFIG` of a known version.
    unsafe fn note_config(&mut self, config: *const c_void, codec: Option<&str>) {
        let of_codec: &[Named] = match codec {
            Some("h264") => &OF_H264,
            Some("hevc") => &OF_HEVC,
            Some("av1") => &OF_AV1,
            _ => &[],
        };
        // SAFETY: the caller vouches for the struct; the driver took the codec, so its member of the union is the one in use.
        unsafe {
            self.note_guid("profileGUID", layout::CONFIG_PROFILE, config);
            self.note(config, &OF_CONFIG);
            self.note(config, of_codec);
        }
    }

    /// # Safety
    /// `base` points to a struct that holds all of `named`.
    unsafe fn note(&mut self, base: *const c_void, named: &[Named]) {
        // SAFETY: the caller's promise.
        self.numbers.extend(named.iter().map(|&(name, place)| (name, unsafe { place.read(base) })));
    }

    /// # Safety
    /// `base` points to the struct that `member` belongs to.
    unsafe fn note_guid(&mut self, name: &'static str, member: Member<sys::GUID>, base: *const c_void) {
        // SAFETY: the caller's promise.
        let guid = unsafe { member.read(base) };
        self.guids.extend(guid.map(|guid| (name, guid_text(guid))));
    }

    /// Bits 5 to 8 since 12.1. A client of an earlier header leaves it to the driver, which is 0.
    ///
    /// # Safety
    /// `params` points to an `NV_ENC_INITIALIZE_PARAMS` of a known version.
    unsafe fn note_split(&mut self, params: *const c_void, client_api: u32) {
        let place = Bits { word: offset_of!(Init, _bitfield_1), first: 5, num: 4 };
        let mode = match HEADERS.iter().position(|&header| header == client_api) {
            None => return,
            Some(age) if age < FIRST_WITH_SPLIT => 0,
            // SAFETY: the caller's promise.
            Some(_) => unsafe { place.read(params) },
        };
        self.numbers.insert("splitEncodeMode", mode);
    }
}

impl Place {
    /// # Safety
    /// `base` points to a struct with that many bytes there.
    unsafe fn read(self, base: *const c_void) -> i64 {
        let base = base.cast::<u8>();
        // SAFETY: the caller's promise; any bits are a number.
        unsafe {
            match self {
                U8(at) => base.add(at).read().into(),
                U16(at) => base.add(at).cast::<u16>().read_unaligned().into(),
                U32(at) => base.add(at).cast::<u32>().read_unaligned().into(),
                I32(at) => base.add(at).cast::<i32>().read_unaligned().into(),
                Bits { word, first, num } => {
                    (base.add(word).cast::<u32>().read_unaligned() >> first & ((1 << num) - 1)).into()
                }
            }
        }
    }
}

const fn bit(word: usize, first: u32) -> Place {
    Bits { word, first, num: 1 }
}

/// Is it a version word like `NVENCAPI_STRUCT_VERSION(revision) | 1 << 31` of a known header? A revision of another header
/// counts: shipping clients mix them, and drivers take that.
///
/// # Safety
/// `base` is null or points to four bytes.
unsafe fn is_known(base: *const c_void, revisions: &[u32]) -> bool {
    if base.is_null() {
        return false;
    }
    // SAFETY: not null; the caller's promise.
    let word = unsafe { base.cast::<u32>().read_unaligned() };
    word >> 28 == 0xf && HEADERS.contains(&(word & 0x0f00_ffff)) && revisions.contains(&(word >> 16 & 0xff))
}

fn guid_text(guid: sys::GUID) -> String {
    let sys::GUID { Data1, Data2, Data3, Data4 } = guid;
    format!("{Data1:08x}-{Data2:04x}-{Data3:04x}-{:016x}", u64::from_be_bytes(Data4))
}
