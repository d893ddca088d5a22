//! Which hardware engine is measured, and what things are called there.
//!
//! Texts are written once, in the encoder's words. A decoder's are made of them here, so that no surface needs two.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The hardware engine that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The encoder: frames in, packets out.
    #[default]
    Nvenc,
    /// The decoder: access units in, frames out.
    Nvdec,
    /// Both: access units into the decoder, its frames into the encoder, packets out.
    Transcode,
}

/// An encoder's words and a decoder's. A longer text stands before its own parts.
const DECODER_WORDS: [(&str, &str); 48] = [
    (
        "A run opens an encode session, encodes the input once and closes it.",
        "A run opens a decoder, decodes the input once and closes it.",
    ),
    ("fetching the first frame to the last packet", "the first access unit to the last frame"),
    (
        "copying frames into the driver's input buffers; with input_path cuda, into memory of the GPU, until the copy is there. What the driver needs before and after is not part of it where it is told apart (Input lock, Input unlock): not of other programs, nor in sessions of older versions",
        "in the driver's parser, not counting its callbacks",
    ),
    (
        "getting the driver's input buffer, copying the frame into it, and giving it back",
        "in the driver's parser, not counting its callbacks",
    ),
    (
        "copying packets out of locked bitstream buffers",
        "copying mapped frames to host memory; next to nothing where they stay on the device",
    ),
    ("copying the packet out", "copying the mapped frame to host memory"),
    ("initialise the session and to create its buffers", "create the decoder with its surfaces"),
    ("Bytes of all packets", "Bytes of all access units"),
    ("a free buffer pair", "a free surface"),
    ("a free buffer", "a free surface"),
    ("nvEncEncodePicture", "cuvidDecodePicture"),
    ("nvEncLockBitstream", "cuvidMapVideoFrame64"),
    ("nvEncUnlockBitstream", "cuvidUnmapVideoFrame64"),
    ("Submit-to-packet", "Submit-to-frame"),
    ("submit-to-packet", "submit-to-frame"),
    ("submit to packet", "submit to frame"),
    ("until the caller has the packet", "until the caller has the frame"),
    ("asks for its packet", "asks for it"),
    ("Packets divided", "Frames divided"),
    ("First packet", "First frame back"),
    ("caller has the first packet", "caller has the first frame back"),
    ("its packets", "its frames"),
    ("to its packet", "until it is given back"),
    ("the last packet", "the last frame"),
    ("packet receiver", "frame receiver"),
    ("Lock wait", "Map wait"),
    ("lock wait", "map wait"),
    ("Locked inline", "Mapped inline"),
    ("locked inline", "mapped inline"),
    ("lock itself", "map itself"),
    ("locks itself", "maps itself"),
    ("each frame is locked right after", "each frame is mapped right after"),
    ("submitting and locking", "submitting and mapping"),
    ("locks each frame", "maps each frame"),
    ("tries to lock", "tries to map"),
    ("locked on either", "mapped on either"),
    ("A lock that waited", "A map that waited"),
    ("a lock that waited", "a map that waited"),
    ("in the lock", "in the map"),
    ("behind a lock", "behind a map"),
    ("thread's lock", "thread's map"),
    ("unlocked", "unmapped"),
    ("unlocking", "unmapping"),
    ("Unlock", "Unmap"),
    ("unlock", "unmap"),
    ("longest lock", "longest map"),
    ("Encod", "Decod"),
    ("encod", "decod"),
];

impl EngineKind {
    /// The encoder alone, which is what is measured where nothing else is said?
    pub fn is_usual(&self) -> bool {
        *self == Self::Nvenc
    }

    /// Does the encoder take part? Packets come out then.
    pub fn encodes(self) -> bool {
        self != Self::Nvdec
    }

    /// Does the decoder take part? A compressed clip goes in then.
    pub fn decodes(self) -> bool {
        self != Self::Nvenc
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Nvenc => "NVENC",
            Self::Nvdec => "NVDEC",
            Self::Transcode => "NVDEC to NVENC",
        }
    }

    /// A text that was written for an encoder, as it is said of this engine. For our own sentences only: what a user wrote
    /// (a path, a note) must not go through here.
    pub fn say(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Nvenc | Self::Transcode => Cow::Borrowed(text),
            Self::Nvdec => {
                let said = DECODER_WORDS.iter().fold(text.to_owned(), |text, (of_encoder, of_decoder)| {
                    if text.contains(of_encoder) { text.replace(of_encoder, of_decoder) } else { text }
                });
                Cow::Owned(said)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_later_word_undoes_an_earlier_one() {
        for (idx, (_, of_decoder)) in DECODER_WORDS.iter().enumerate() {
            for (of_encoder, _) in &DECODER_WORDS[idx + 1..] {
                assert!(!of_decoder.contains(of_encoder), "'{of_encoder}' within '{of_decoder}'");
            }
        }
    }

    #[test]
    fn an_encoder_s_texts_stay_as_they_are() {
        assert_eq!(EngineKind::Nvenc.say("Lock wait"), "Lock wait");
        assert_eq!(
            EngineKind::Nvdec.say("Keep 2 frames in flight, locked inline"),
            "Keep 2 frames in flight, mapped inline"
        );
    }
}
