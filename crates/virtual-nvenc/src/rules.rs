//! The rules an NVENC client must keep, in one table: name, status code, text, and where the rule comes from.
//! It knows no session; who checks a rule and when is `session`'s and `abi`'s work.

use std::ffi::CStr;

/// NVENCSTATUS, the codes this driver answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    Success = 0,
    UnsupportedDevice = 2,
    InvalidEncoderDevice = 3,
    InvalidDevice = 4,
    InvalidPtr = 6,
    InvalidParam = 8,
    InvalidCall = 9,
    OutOfMemory = 10,
    NotInitialized = 11,
    UnsupportedParam = 12,
    LockBusy = 13,
    NotEnoughBuffer = 14,
    InvalidVersion = 15,
    NeedMoreInput = 17,
    Generic = 20,
    IncompatibleClientKey = 21,
    Unimplemented = 22,
    ResourceRegisterFailed = 23,
    ResourceNotRegistered = 24,
    ResourceNotMapped = 25,
}

/// Why a call was not done: a broken rule, or a plain status that is no fault of the client (busy, for instance).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Broken(Rule),
    Status(Status),
}

impl Refusal {
    pub fn status(self) -> Status {
        match self {
            Refusal::Broken(rule) => rule.status(),
            Refusal::Status(status) => status,
        }
    }
}

impl From<Rule> for Refusal {
    fn from(rule: Rule) -> Refusal {
        Refusal::Broken(rule)
    }
}

/// What every checked operation returns.
pub type Answer<T = ()> = Result<T, Refusal>;

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The header or the programming guide states rule and code.
    Documented,
    /// Answers of real drivers, asked directly or reported by client programs.
    Observed,
    /// The rule is stated or follows, but no source gives the code: this driver's choice.
    Chosen,
}

macro_rules! rules {
    ($($rule:ident = $status:ident, $basis:ident, $name:literal, $text:literal;)*) => {
        /// One rule of the API, or a tolerated habit that is only counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rule { $($rule),* }

        impl Rule {
            pub const ALL: &'static [Rule] = &[$(Rule::$rule),*];

            /// The short name under which a breach is counted.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$rule => $name),* }
            }

            /// The code answered; [`Status::Success`] where a breach is tolerated and only counted.
            pub fn status(self) -> Status {
                match self { $(Rule::$rule => Status::$status),* }
            }

            /// What `NvEncGetLastErrorString` says: static, so a client may keep the pointer for ever.
            pub fn text(self) -> &'static CStr {
                match self { $(Rule::$rule => $text),* }
            }

            pub fn basis(self) -> Basis {
                match self { $(Rule::$rule => Basis::$basis),* }
            }
        }
    };
}

rules! {
    NullPointer = InvalidPtr, Documented, "null pointer",
        c"null pointer: a required pointer argument or member is null";
    UnknownDevice = InvalidDevice, Documented, "unknown device",
        c"unknown device: the pointer names no device of this driver, or the device type is not CUDA";
    NoEngine = UnsupportedDevice, Observed, "no engine",
        c"no engine: the device has no encode engine";
    WrongVersion = InvalidVersion, Observed, "wrong version word",
        c"wrong version word: the struct's version is not the one of the header this session was opened with";
    SessionLimitOld = OutOfMemory, Observed, "session limit",
        c"session limit: all encode sessions of the device are taken; close one first";
    SessionLimit = IncompatibleClientKey, Observed, "session limit",
        c"session limit: all encode sessions of the device are taken; close one first";
    SessionClosed = InvalidCall, Chosen, "session closed",
        c"session closed: the encoder was destroyed while this call was waiting";
    PayloadFailed = Generic, Chosen, "payload failed",
        c"payload failed: the payload thread of this session has ended; destroy the encoder";
    OutOfThreads = OutOfMemory, Chosen, "no thread",
        c"no thread: the system refused the payload thread of this session";

    NotInitialized = NotInitialized, Documented, "encoder not initialized",
        c"encoder not initialized: NvEncInitializeEncoder must succeed before buffers are created or frames encoded";
    InitializedTwice = InvalidCall, Chosen, "initialized twice",
        c"initialized twice: the encoder is initialized already; use NvEncReconfigureEncoder";
    UnknownCodec = UnsupportedParam, Chosen, "codec not supported",
        c"codec not supported: the device does not offer this encode GUID";
    UnknownPreset = UnsupportedParam, Chosen, "preset not supported",
        c"preset not supported: presets P1 to P7 are known, and those of headers before 12.1 to their clients";
    UnknownProfile = UnsupportedParam, Chosen, "profile not supported",
        c"profile not supported: the codec profile is unknown or belongs to another codec";
    TuningUndefined = InvalidParam, Documented, "tuning undefined",
        c"tuning undefined: tuningInfo must be high quality, low latency, ultra low latency or lossless";
    BadSize = InvalidParam, Chosen, "bad size",
        c"bad size: width and height must lie within the limits that NvEncGetEncodeCaps gives";
    BadFrameRate = InvalidParam, Chosen, "bad frame rate",
        c"bad frame rate: a frame rate with a numerator needs a denominator above zero";
    BadGop = InvalidParam, Chosen, "bad GOP",
        c"bad GOP: gopLength must be at least 1, frameIntervalP must lie in 0..=5 and be no longer than gopLength";
    BadRateControl = InvalidParam, Chosen, "bad rate control",
        c"bad rate control: the mode must be constant QP, VBR or CBR";
    LookaheadTooDeep = InvalidParam, Chosen, "lookahead too deep",
        c"lookahead too deep: lookaheadDepth must be at most 32";
    AsyncUnsupported = UnsupportedParam, Chosen, "asynchronous mode",
        c"asynchronous mode: enableEncodeAsync and completion events exist on Windows only; use synchronous mode";
    PictureTypeDecision = UnsupportedParam, Chosen, "enablePTD off",
        c"enablePTD off: the driver decides the frame types; set enablePTD to 1";
    FieldCoding = UnsupportedParam, Chosen, "field coding",
        c"field coding: only progressive frames are encoded";
    UnsupportedFeature = UnsupportedParam, Chosen, "feature not supported",
        c"feature not supported: NvEncGetEncodeCaps reports that this device cannot do it";
    ChromaUnsupported = UnsupportedParam, Chosen, "chroma format or bit depth",
        c"chroma format or bit depth: the device encodes 4:2:0 and 4:4:4, with 8 bits, or 10 under HEVC";
    ReconfigureRefused = UnsupportedParam, Documented, "reconfigure refused",
        c"reconfigure refused: codec, GOP structure, lookahead, async mode, enablePTD, chroma and maximum size are fixed at initialization";
    ReconfigureTooLarge = InvalidParam, Documented, "reconfigure too large",
        c"reconfigure too large: the new size exceeds maxEncodeWidth x maxEncodeHeight given at initialization";
    ReconfigureWhileHeld = InvalidCall, Chosen, "resized with pictures held",
        c"resized with pictures held: send EOS before changing the size while frames wait for reordering";

    ResourceKind = ResourceRegisterFailed, Chosen, "resource not supported",
        c"resource not supported: CUDA device pointers can be registered as input images; arrays, textures and outputs cannot";
    ResourceTooSmall = ResourceRegisterFailed, Chosen, "resource too small",
        c"resource too small: the pitch does not hold a row of the stated width and format";
    NotRegistered = ResourceNotRegistered, Documented, "not registered",
        c"not registered: NvEncRegisterResource did not give this handle to this session";
    NotMapped = ResourceNotMapped, Documented, "not mapped",
        c"not mapped: NvEncMapInputResource did not give this handle to this session";

    ForeignInput = InvalidParam, Chosen, "foreign input buffer",
        c"foreign input buffer: the handle was not made by this session or has been destroyed";
    ForeignOutput = InvalidParam, Chosen, "foreign output buffer",
        c"foreign output buffer: the handle was not made by this session or has been destroyed";
    FormatUnsupported = InvalidParam, Chosen, "input format not supported",
        c"input format not supported: NvEncGetInputFormats lists the known ones";
    FormatMismatch = InvalidParam, Chosen, "input format does not suit the stream",
        c"input format does not suit the stream: its chroma sampling or bit depth is not the one of NV_ENC_CONFIG";
    FormatDiffers = InvalidParam, Chosen, "input format differs",
        c"input format differs: bufferFmt is not the format the input buffer was made with";
    BufferTooSmall = InvalidParam, Chosen, "input buffer too small",
        c"input buffer too small: its width and height must cover the encoded frame";
    InputStillLocked = InvalidCall, Documented, "input still locked",
        c"input still locked: NvEncUnlockInputBuffer must come before NvEncEncodePicture";
    InputLockedTwice = InvalidCall, Chosen, "input locked twice",
        c"input locked twice: the input buffer is locked already";
    InputNotLocked = InvalidCall, Chosen, "input not locked",
        c"input not locked: NvEncUnlockInputBuffer without a NvEncLockInputBuffer";
    InputHeld = InvalidCall, Chosen, "input held for reordering",
        c"input held for reordering: NvEncEncodePicture answered NEED_MORE_INPUT and the encoder still needs this input";
    OutputStillLocked = InvalidCall, Documented, "output still locked",
        c"output still locked: NvEncUnlockBitstream must come before the buffer is submitted again";
    OutputInFlight = InvalidCall, Chosen, "output in flight",
        c"output in flight: the buffer belongs to a submitted frame that has not been locked and unlocked";
    LockedBeforeReady = InvalidParam, Observed, "locked before ready",
        c"locked before a SUCCESS made it ready: no NvEncEncodePicture that answered SUCCESS covers this output yet";
    LockedOutOfOrder = InvalidCall, Chosen, "locked out of order",
        c"locked out of order: outputs are locked in the order in which they were submitted";
    LockedIdle = InvalidParam, Chosen, "locked without a picture",
        c"locked without a picture: this output was not submitted since it was last unlocked";
    LockedTwice = InvalidCall, Chosen, "locked twice",
        c"locked twice: the output is locked already";
    NotLocked = InvalidCall, Chosen, "unlocked while not locked",
        c"unlocked while not locked: NvEncUnlockBitstream without a successful NvEncLockBitstream";
    ArrayTooSmall = InvalidParam, Chosen, "array too small",
        c"array too small: the count given does not hold all entries";
    SequenceBufferTooSmall = NotEnoughBuffer, Documented, "sequence buffer too small",
        c"sequence buffer too small: inBufferSize does not hold the parameter sets";
    UnknownCap = InvalidParam, Chosen, "unknown capability",
        c"unknown capability: capsToQuery is not a member of NV_ENC_CAPS";
    NotImplemented = Unimplemented, Chosen, "not implemented",
        c"not implemented: this driver does not implement the function";

    SizeDiffers = Success, Chosen, "picture size differs",
        c"picture size differs: inputWidth x inputHeight is not the encoded size; tolerated";
    DestroyedInFlight = Success, Chosen, "destroyed in flight",
        c"destroyed in flight: a buffer or the encoder was destroyed with frames in flight or locked; tolerated";
    ClosedWithoutEos = Success, Documented, "closed without EOS",
        c"closed without EOS: NvEncDestroyEncoder came before the end of stream (EOS); tolerated";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_the_rule_then_explain_it() {
        for rule in Rule::ALL {
            let text = rule.text().to_str().unwrap();
            let (name, explanation) = text.split_once(": ").unwrap();
            assert!(!name.is_empty() && !explanation.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn names_are_counted_apart() {
        let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rule::ALL.len() - 1, "only the session limit has two codes under one name");
    }
}
