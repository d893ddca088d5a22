//! What the emulated engine writes: small, valid H.264 and HEVC streams made from the input pixels.
