//! NVENC header versions and the version word of each struct in each of them.
//! It knows numbers only; reading a foreign struct is `abi`'s work.

use std::fmt;
use std::str::FromStr;

/// A version of the NVENC header, ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// 11, 12 or 13.
    pub major: u32,
    /// The part behind the point.
    pub minor: u32,
}

/// The headers this driver understands, oldest first; the columns of [`Struct::revision`] follow this order.
pub const HEADERS: [ApiVersion; 6] = [V11_0, ApiVersion::new(11, 1), V12_0, V12_1, V12_2, V13_0];

pub const V11_0: ApiVersion = ApiVersion::new(11, 0);
pub const V12_0: ApiVersion = ApiVersion::new(12, 0);
pub const V12_1: ApiVersion = ApiVersion::new(12, 1);
pub const V12_2: ApiVersion = ApiVersion::new(12, 2);
pub const V13_0: ApiVersion = ApiVersion::new(13, 0);

impl ApiVersion {
    const fn new(major: u32, minor: u32) -> ApiVersion {
        ApiVersion { major, minor }
    }

    /// `NVENCAPI_VERSION` of this header: what clients put into `apiVersion`.
    pub const fn word(self) -> u32 {
        self.major | self.minor << 24
    }

    /// What `NvEncodeAPIGetMaxSupportedVersion` writes: major in the upper bits, minor in the lowest four.
    pub const fn packed(self) -> u32 {
        self.major << 4 | self.minor
    }

    /// The header whose `NVENCAPI_VERSION` is in a struct's version word, where this driver knows it.
    pub fn from_struct_word(word: u32) -> Option<ApiVersion> {
        HEADERS.into_iter().find(|header| word & 0x0f00_00ff == header.word())
    }

    fn column(self) -> usize {
        HEADERS.iter().position(|header| *header == self).unwrap_or(0)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        HEADERS.into_iter().find(|header| header.to_string() == text).ok_or(())
    }
}

/// The structs of the API that carry a version word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struct {
    OpenSession,
    CapsParam,
    CreateInput,
    CreateBitstream,
    LockInput,
    LockBitstream,
    SequenceParam,
    Config,
    RcParams,
    Initialize,
    Reconfigure,
    PresetConfig,
    PicParams,
    RegisterResource,
    MapInput,
}

impl Struct {
    /// The version word a client built with `header` must have written into this struct.
    pub fn word(self, header: ApiVersion) -> u32 {
        let large = if self.is_large(header) { 1 << 31 } else { 0 };
        large | 7 << 28 | self.revision(header) << 16 | header.word()
    }

    fn revision(self, header: ApiVersion) -> u32 {
        // One column per entry of HEADERS: 11.0, 11.1, 12.0, 12.1, 12.2, 13.0.
        let revisions: [u32; HEADERS.len()] = match self {
            Struct::OpenSession | Struct::CapsParam | Struct::CreateBitstream => [1, 1, 1, 1, 1, 1],
            Struct::LockInput | Struct::SequenceParam | Struct::RcParams => [1, 1, 1, 1, 1, 1],
            Struct::CreateInput => [1, 1, 1, 1, 2, 2],
            Struct::LockBitstream => [1, 1, 2, 1, 2, 2],
            Struct::Config => [7, 7, 8, 8, 9, 9],
            Struct::Initialize => [5, 5, 5, 6, 7, 7],
            Struct::Reconfigure => [1, 1, 1, 1, 2, 2],
            Struct::PresetConfig => [4, 4, 4, 4, 5, 5],
            Struct::PicParams => [4, 4, 6, 6, 7, 7],
            Struct::RegisterResource => [3, 3, 4, 4, 5, 5],
            Struct::MapInput => [4, 4, 4, 4, 4, 4],
        };
        revisions[header.column()]
    }

    /// Bit 31 of the word.
    fn is_large(self, header: ApiVersion) -> bool {
        match self {
            Struct::Config | Struct::Initialize | Struct::Reconfigure | Struct::PresetConfig | Struct::PicParams => {
                true
            }
            Struct::LockBitstream => header >= V12_1,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_match_those_of_the_published_headers() {
        let v11_1 = ApiVersion::new(11, 1);
        assert_eq!(Struct::LockBitstream.word(v11_1), 0x7101_000b);
        assert_eq!(Struct::PicParams.word(v11_1), 0xf104_000b);
        assert_eq!(Struct::Initialize.word(v11_1), 0xf105_000b);
        assert_eq!(Struct::Config.word(v11_1), 0xf107_000b);
        assert_eq!(Struct::LockBitstream.word(V12_1), 0xf101_000c);
        assert_eq!(Struct::LockBitstream.word(V13_0), 0xf002_000d);
    }

    #[test]
    fn words_of_12_1_match_the_bindings() {
        use moq_nvenc::sys::nvEncodeAPI as sys;
        assert_eq!(Struct::OpenSession.word(V12_1), sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER);
        assert_eq!(Struct::CapsParam.word(V12_1), sys::NV_ENC_CAPS_PARAM_VER);
        assert_eq!(Struct::CreateInput.word(V12_1), sys::NV_ENC_CREATE_INPUT_BUFFER_VER);
        assert_eq!(Struct::CreateBitstream.word(V12_1), sys::NV_ENC_CREATE_BITSTREAM_BUFFER_VER);
        assert_eq!(Struct::LockInput.word(V12_1), sys::NV_ENC_LOCK_INPUT_BUFFER_VER);
        assert_eq!(Struct::LockBitstream.word(V12_1), sys::NV_ENC_LOCK_BITSTREAM_VER);
        assert_eq!(Struct::SequenceParam.word(V12_1), sys::NV_ENC_SEQUENCE_PARAM_PAYLOAD_VER);
        assert_eq!(Struct::Config.word(V12_1), sys::NV_ENC_CONFIG_VER);
        assert_eq!(Struct::RcParams.word(V12_1), sys::NV_ENC_RC_PARAMS_VER);
        assert_eq!(Struct::Initialize.word(V12_1), sys::NV_ENC_INITIALIZE_PARAMS_VER);
        assert_eq!(Struct::Reconfigure.word(V12_1), sys::NV_ENC_RECONFIGURE_PARAMS_VER);
        assert_eq!(Struct::PresetConfig.word(V12_1), sys::NV_ENC_PRESET_CONFIG_VER);
        assert_eq!(Struct::PicParams.word(V12_1), sys::NV_ENC_PIC_PARAMS_VER);
    }

    #[test]
    fn header_is_read_from_any_struct_word() {
        for header in HEADERS {
            assert_eq!(ApiVersion::from_struct_word(Struct::PicParams.word(header)), Some(header));
        }
        assert_eq!(ApiVersion::from_struct_word(0x7002_000e), None);
        assert_eq!(ApiVersion::from_struct_word(0), None);
    }
}
