//! Where the members of NVENC's structs lie. Offsets come from the 12.1 header through `offset_of!`; the members used
//! keep their place from 11.0 to 13.0, and the few that move are written out by version.

use std::ffi::c_void;
use std::mem::offset_of;

use moq_nvenc::sys::nvEncodeAPI as sys;
use sys::GUID;

use super::foreign::{Field, Versioned};
use crate::payload::Codec;
use crate::versions::{ApiVersion, Struct, V12_1, V12_2};

pub type Caps = sys::NV_ENC_CAPS_PARAM;
pub type Config = sys::NV_ENC_CONFIG;
pub type CreateBitstream = sys::NV_ENC_CREATE_BITSTREAM_BUFFER;
pub type CreateInput = sys::NV_ENC_CREATE_INPUT_BUFFER;
pub type FunctionList = sys::NV_ENCODE_API_FUNCTION_LIST;
pub type Initialize = sys::NV_ENC_INITIALIZE_PARAMS;
pub type LockBitstream = sys::NV_ENC_LOCK_BITSTREAM;
pub type LockInput = sys::NV_ENC_LOCK_INPUT_BUFFER;
pub type OpenSession = sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS;
pub type MapInput = sys::NV_ENC_MAP_INPUT_RESOURCE;
pub type PicParams = sys::NV_ENC_PIC_PARAMS;
pub type PresetConfig = sys::NV_ENC_PRESET_CONFIG;
pub type Reconfigure = sys::NV_ENC_RECONFIGURE_PARAMS;
pub type RegisterResource = sys::NV_ENC_REGISTER_RESOURCE;
pub type SequenceParam = sys::NV_ENC_SEQUENCE_PARAM_PAYLOAD;

macro_rules! versioned {
    ($($alias:ident => $name:ident,)*) => {
        $(impl Versioned for $alias { const STRUCT: Struct = Struct::$name; })*
    };
}

versioned! {
    Caps => CapsParam,
    Config => Config,
    CreateBitstream => CreateBitstream,
    CreateInput => CreateInput,
    Initialize => Initialize,
    LockBitstream => LockBitstream,
    LockInput => LockInput,
    OpenSession => OpenSession,
    MapInput => MapInput,
    PicParams => PicParams,
    PresetConfig => PresetConfig,
    Reconfigure => Reconfigure,
    RegisterResource => RegisterResource,
    SequenceParam => SequenceParam,
}

macro_rules! fields {
    ($($vis:vis $name:ident: $owner:ident . $($member:ident).+ as $type:ty;)*) => {
        // SAFETY: the member exists in the 12.1 header with that size, and has the same offset in all headers from
        // 11.0 to 13.0 (compared header by header).
        $($vis const $name: Field<$owner, $type> = unsafe { Field::at(offset_of!($owner, $($member).+)) };)*
    };
}

/// Members of the structs, named struct by struct.
pub mod at {
    use super::*;

    fields! {
        pub OPEN_DEVICE_TYPE: OpenSession.deviceType as u32;
        pub OPEN_DEVICE: OpenSession.device as *mut c_void;
        pub OPEN_API_VERSION: OpenSession.apiVersion as u32;

        pub CAPS_QUERY: Caps.capsToQuery as u32;

        pub PRESET_CONFIG: PresetConfig.presetCfg as Config;

        pub INIT_CODEC: Initialize.encodeGUID as GUID;
        pub INIT_PRESET: Initialize.presetGUID as GUID;
        pub INIT_WIDTH: Initialize.encodeWidth as u32;
        pub INIT_HEIGHT: Initialize.encodeHeight as u32;
        pub INIT_FPS_NUM: Initialize.frameRateNum as u32;
        pub INIT_FPS_DEN: Initialize.frameRateDen as u32;
        pub INIT_ASYNC: Initialize.enableEncodeAsync as u32;
        pub INIT_PTD: Initialize.enablePTD as u32;
        pub INIT_FLAGS: Initialize._bitfield_1 as u32;
        pub INIT_CONFIG: Initialize.encodeConfig as *mut Config;
        pub INIT_MAX_WIDTH: Initialize.maxEncodeWidth as u32;
        pub INIT_MAX_HEIGHT: Initialize.maxEncodeHeight as u32;
        pub INIT_TUNING: Initialize.tuningInfo as u32;

        pub CONFIG_VERSION: Config.version as u32;
        pub CONFIG_PROFILE: Config.profileGUID as GUID;
        pub CONFIG_GOP_LENGTH: Config.gopLength as u32;
        pub CONFIG_INTERVAL_P: Config.frameIntervalP as i32;
        pub CONFIG_MONOCHROME: Config.monoChromeEncoding as u32;
        pub CONFIG_FIELD_MODE: Config.frameFieldMode as u32;
        pub CONFIG_RC_VERSION: Config.rcParams.version as u32;
        pub CONFIG_RC_MODE: Config.rcParams.rateControlMode as u32;
        pub CONFIG_QP_P: Config.rcParams.constQP.qpInterP as u32;
        pub CONFIG_QP_B: Config.rcParams.constQP.qpInterB as u32;
        pub CONFIG_QP_INTRA: Config.rcParams.constQP.qpIntra as u32;
        pub CONFIG_AVERAGE_BPS: Config.rcParams.averageBitRate as u32;
        pub CONFIG_MAX_BPS: Config.rcParams.maxBitRate as u32;
        pub CONFIG_RC_FLAGS: Config.rcParams._bitfield_1 as u32;
        pub CONFIG_LOOKAHEAD: Config.rcParams.lookaheadDepth as u16;
        pub CONFIG_MULTI_PASS: Config.rcParams.multiPass as u32;
        pub H264_FLAGS: Config.encodeCodecConfig.h264Config._bitfield_1 as u32;
        pub H264_IDR_PERIOD: Config.encodeCodecConfig.h264Config.idrPeriod as u32;
        pub H264_CHROMA_FORMAT: Config.encodeCodecConfig.h264Config.chromaFormatIDC as u32;
        pub H264_REFRESH_PERIOD: Config.encodeCodecConfig.h264Config.intraRefreshPeriod as u32;
        pub H264_REFRESH_PICTURES: Config.encodeCodecConfig.h264Config.intraRefreshCnt as u32;
        pub H264_VUI: Config.encodeCodecConfig.h264Config.h264VUIParameters as [u32; VUI_WORDS];
        pub H264_B_AS_REF: Config.encodeCodecConfig.h264Config.useBFramesAsRef as u32;
        pub HEVC_FLAGS: Config.encodeCodecConfig.hevcConfig._bitfield_1 as u32;
        pub HEVC_IDR_PERIOD: Config.encodeCodecConfig.hevcConfig.idrPeriod as u32;
        pub HEVC_REFRESH_PERIOD: Config.encodeCodecConfig.hevcConfig.intraRefreshPeriod as u32;
        pub HEVC_REFRESH_PICTURES: Config.encodeCodecConfig.hevcConfig.intraRefreshCnt as u32;
        pub HEVC_VUI: Config.encodeCodecConfig.hevcConfig.hevcVUIParameters as [u32; VUI_WORDS];
        pub HEVC_B_AS_REF: Config.encodeCodecConfig.hevcConfig.useBFramesAsRef as u32;

        pub CREATE_INPUT_WIDTH: CreateInput.width as u32;
        pub CREATE_INPUT_HEIGHT: CreateInput.height as u32;
        pub CREATE_INPUT_FORMAT: CreateInput.bufferFmt as u32;
        pub CREATE_INPUT_BUFFER: CreateInput.inputBuffer as *mut c_void;

        pub CREATE_BITSTREAM_BUFFER: CreateBitstream.bitstreamBuffer as *mut c_void;

        pub LOCK_INPUT_FLAGS: LockInput._bitfield_1 as u32;
        pub LOCK_INPUT_BUFFER: LockInput.inputBuffer as *mut c_void;
        pub LOCK_INPUT_DATA: LockInput.bufferDataPtr as *mut c_void;
        pub LOCK_INPUT_PITCH: LockInput.pitch as u32;

        pub PIC_WIDTH: PicParams.inputWidth as u32;
        pub PIC_HEIGHT: PicParams.inputHeight as u32;
        pub PIC_FLAGS: PicParams.encodePicFlags as u32;
        pub PIC_FRAME_IDX: PicParams.frameIdx as u32;
        pub PIC_TIMESTAMP: PicParams.inputTimeStamp as u64;
        pub PIC_DURATION: PicParams.inputDuration as u64;
        pub PIC_INPUT: PicParams.inputBuffer as *mut c_void;
        pub PIC_OUTPUT: PicParams.outputBitstream as *mut c_void;
        pub PIC_FORMAT: PicParams.bufferFmt as u32;
        pub PIC_STRUCT: PicParams.pictureStruct as u32;

        pub LOCK_FLAGS: LockBitstream._bitfield_1 as u32;
        pub LOCK_OUTPUT: LockBitstream.outputBitstream as *mut c_void;
        pub LOCK_FRAME_IDX: LockBitstream.frameIdx as u32;
        pub LOCK_NUM_SLICES: LockBitstream.numSlices as u32;
        pub LOCK_SIZE: LockBitstream.bitstreamSizeInBytes as u32;
        pub LOCK_TIMESTAMP: LockBitstream.outputTimeStamp as u64;
        pub LOCK_DURATION: LockBitstream.outputDuration as u64;
        pub LOCK_PTR: LockBitstream.bitstreamBufferPtr as *mut c_void;
        pub LOCK_PICTURE_TYPE: LockBitstream.pictureType as u32;
        pub LOCK_STRUCT: LockBitstream.pictureStruct as u32;
        pub LOCK_AVERAGE_QP: LockBitstream.frameAvgQP as u32;

        pub REGISTER_TYPE: RegisterResource.resourceType as u32;
        pub REGISTER_WIDTH: RegisterResource.width as u32;
        pub REGISTER_HEIGHT: RegisterResource.height as u32;
        pub REGISTER_PITCH: RegisterResource.pitch as u32;
        pub REGISTER_MEMORY: RegisterResource.resourceToRegister as *mut c_void;
        pub REGISTER_RESULT: RegisterResource.registeredResource as *mut c_void;
        pub REGISTER_FORMAT: RegisterResource.bufferFormat as u32;
        pub REGISTER_USAGE: RegisterResource.bufferUsage as u32;

        pub MAP_REGISTERED: MapInput.registeredResource as *mut c_void;
        pub MAP_RESULT: MapInput.mappedResource as *mut c_void;
        pub MAP_FORMAT: MapInput.mappedBufferFmt as u32;

        pub SEQUENCE_CAPACITY: SequenceParam.inBufferSize as u32;
        pub SEQUENCE_BUFFER: SequenceParam.spsppsBuffer as *mut c_void;
        pub SEQUENCE_SIZE: SequenceParam.outSPSPPSPayloadSize as *mut u32;

        pub RECONFIGURE_INIT: Reconfigure.reInitEncodeParams as Initialize;
    }
}

/// `frameIdxDisplay` came with 12.1, into what was reserved before.
pub fn lock_display_idx(api: ApiVersion) -> Option<Field<LockBitstream, u32>> {
    // SAFETY: from 12.1 on the member has this offset.
    (api >= V12_1).then(|| unsafe { Field::at(offset_of!(LockBitstream, frameIdxDisplay)) })
}

/// The word of `resetEncoder` (bit 0) and `forceIDR` (bit 1): the initialize struct before it shrank by 8 bytes in 12.2.
pub fn reconfigure_flags(api: ApiVersion) -> Field<Reconfigure, u32> {
    let offset = offset_of!(Reconfigure, _bitfield_1) - if api >= V12_2 { 8 } else { 0 };
    // SAFETY: the word follows a member of 1808 bytes up to 12.1 and of 1800 bytes from 12.2 on.
    unsafe { Field::at(offset) }
}

/// Output and input bit depth, words of their own since 12.2.
pub fn bit_depth_fields(codec: Codec, api: ApiVersion) -> Option<[Field<Config, u32>; 2]> {
    let offset = offset_of!(Config, encodeCodecConfig)
        + match codec {
            Codec::H264 => 212,
            Codec::Hevc => 200,
        };
    // SAFETY: 12.2 put the two words behind each other at this offset of the codec's config.
    (api >= V12_2).then(|| unsafe { [Field::at(offset), Field::at(offset + 4)] })
}

/// `NV_ENC_CONFIG_H264_VUI_PARAMETERS`, also of HEVC, up to the matrix: overscan (2 words), is the signal type there, video
/// format, full range, is the description there, primaries, transfer characteristics, matrix.
pub const VUI_WORDS: usize = 9;

pub fn idr_period_field(codec: Codec) -> Field<Config, u32> {
    match codec {
        Codec::H264 => at::H264_IDR_PERIOD,
        Codec::Hevc => at::HEVC_IDR_PERIOD,
    }
}

/// `chromaFormatIDC` = 1 in bits 9 and 10 of the HEVC flag word; `pixelBitDepthMinus8` follows in bits 11 to 13, up to
/// 12.1.
pub const HEVC_CHROMA_420: u32 = 1 << 9;

/// The flags of `NV_ENC_INITIALIZE_PARAMS` that ask for what this driver does not do.
pub fn unsupported_init_flags(api: ApiVersion) -> u32 {
    let sub_frame_write = 1 << 1;
    let external_hints = 1 << 2;
    let motion_estimation_only = 1 << 3;
    let weighted_prediction = 1 << 4;
    // The split encode mode took bits 5 to 8 in 12.1 and moved output in video memory from bit 5 to 9; then come
    // reconstructed frames and statistics.
    let later = if api >= V12_1 { 0b111 << 9 } else { 1 << 5 };
    sub_frame_write | external_hints | motion_estimation_only | weighted_prediction | later
}

/// Bits of the codec config's flag word.
pub struct CodecFlags {
    pub disable_headers: u32,
    pub repeat_headers: u32,
    pub delimiters: u32,
    pub intra_refresh: u32,
    /// Stereo, temporal layers, long-term references, alpha.
    pub unsupported: u32,
}

pub fn codec_flags(codec: Codec) -> CodecFlags {
    match codec {
        Codec::H264 => {
            let unsupported = 1 | 1 << 1 | 1 << 14;
            let [disable_headers, repeat_headers] = [1 << 7, 1 << 12];
            CodecFlags { disable_headers, repeat_headers, delimiters: 1 << 6, intra_refresh: 1 << 10, unsupported }
        }
        Codec::Hevc => {
            let unsupported = 1 << 5 | 1 << 16;
            let [disable_headers, repeat_headers] = [1 << 6, 1 << 7];
            CodecFlags { disable_headers, repeat_headers, delimiters: 1 << 4, intra_refresh: 1 << 8, unsupported }
        }
    }
}
