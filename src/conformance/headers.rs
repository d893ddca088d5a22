//! The headers that a driver is asked with, and the version words of their structs.
//!
//! Written down apart from the tables that this program and its virtual driver work with, so that a slip there is seen.
//! Knows numbers only.

/// What a program built with one version of nvEncodeAPI.h writes into its structs.
#[derive(Debug)]
pub(super) struct Header {
    /// As the user writes it: "12.1".
    pub name: &'static str,
    /// `NVENCAPI_VERSION`.
    pub api: u32,
    /// `NV_ENCODE_API_FUNCTION_LIST_VER`; the others are named alike.
    pub list: u32,
    pub open: u32,
    pub caps: u32,
    pub initialize: u32,
    pub config: u32,
    pub preset_config: u32,
    pub create_input: u32,
    pub create_bitstream: u32,
    pub lock_bitstream: u32,
    pub pic_params: u32,
}

/// The headers in the order of the columns. Drivers keep the words of each in a table of its own.
pub(super) const HEADERS: [Header; 3] = [
    header("11.1", 0x0100_000b, [5, 7, 4, 1, 4], 0x7101_000b),
    header("12.1", 0x0100_000c, [6, 8, 4, 1, 6], 0xf101_000c),
    header("13.0", 0x0000_000d, [7, 9, 5, 2, 7], 0xf002_000d),
];

/// `apiVersion` and the function list's word of a header that is newer than any driver.
pub(super) const FUTURE_API: u32 = 14;
pub(super) const FUTURE_LIST: u32 = word(FUTURE_API, LIST_REVISION);

/// Bit 31 of a word, which marks the structs that the header calls large.
pub(super) const LARGE: u32 = 1 << 31;

const LIST_REVISION: u32 = 2;

/// `NVENCAPI_STRUCT_VERSION`.
pub(super) const fn word(api: u32, revision: u32) -> u32 {
    7 << 28 | revision << 16 | api
}

/// Revisions of initialize, config, preset config, create input and frame parameters; LOCK_BITSTREAM's word.
const fn header(name: &'static str, api: u32, revisions: [u32; 5], lock_bitstream: u32) -> Header {
    let [initialize, config, preset_config, create_input, pic_params] = revisions;
    Header {
        name,
        api,
        list: word(api, LIST_REVISION),
        open: word(api, 1),
        caps: word(api, 1),
        initialize: LARGE | word(api, initialize),
        config: LARGE | word(api, config),
        preset_config: LARGE | word(api, preset_config),
        create_input: word(api, create_input),
        create_bitstream: word(api, 1),
        lock_bitstream,
        pic_params: LARGE | word(api, pic_params),
    }
}

impl Header {
    /// Another one, whose words do not fit this one's.
    pub(super) fn other(&self) -> &'static Self {
        if self.api == HEADERS[0].api { &HEADERS[1] } else { &HEADERS[0] }
    }
}

#[cfg(test)]
mod tests {
    use moq_nvenc::sys::nvEncodeAPI as sys;

    use super::*;

    #[test]
    fn words_of_12_1_match_the_bindings() {
        let own = &HEADERS[1];
        let words = [
            (own.api, sys::NVENCAPI_VERSION),
            (own.list, sys::NV_ENCODE_API_FUNCTION_LIST_VER),
            (own.open, sys::NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER),
            (own.caps, sys::NV_ENC_CAPS_PARAM_VER),
            (own.initialize, sys::NV_ENC_INITIALIZE_PARAMS_VER),
            (own.config, sys::NV_ENC_CONFIG_VER),
            (own.preset_config, sys::NV_ENC_PRESET_CONFIG_VER),
            (own.create_input, sys::NV_ENC_CREATE_INPUT_BUFFER_VER),
            (own.create_bitstream, sys::NV_ENC_CREATE_BITSTREAM_BUFFER_VER),
            (own.lock_bitstream, sys::NV_ENC_LOCK_BITSTREAM_VER),
            (own.pic_params, sys::NV_ENC_PIC_PARAMS_VER),
        ];
        for (idx, (own, theirs)) in words.into_iter().enumerate() {
            assert_eq!(own, theirs, "word {idx}");
        }
    }
}
