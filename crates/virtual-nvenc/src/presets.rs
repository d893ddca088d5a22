//! What a preset and a tuning mean where the client says nothing else. It knows values, not structs.

/// `NV_ENC_TUNING_INFO` as this driver treats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    HighQuality,
    LowLatency,
    UltraLowLatency,
    Lossless,
}

/// `NV_ENC_PARAMS_RC_MODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum RateControl {
    ConstQp = 0,
    Vbr = 1,
    Cbr = 2,
}

/// The part of `NV_ENC_CONFIG` that a preset decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresetDefaults {
    pub gop_length: u32,
    /// `frameIntervalP`.
    pub interval_p: u32,
    pub rate_control: RateControl,
    /// QP of P, B and intra pictures under constant QP.
    pub const_qp: [u32; 3],
    pub average_bps: u32,
    pub max_bps: u32,
}

impl Tuning {
    /// By code; 5 is the ultra high quality tuning of header 12.2, treated as high quality.
    pub fn from_code(code: u32) -> Option<Tuning> {
        match code {
            1 | 5 => Some(Tuning::HighQuality),
            2 => Some(Tuning::LowLatency),
            3 => Some(Tuning::UltraLowLatency),
            4 => Some(Tuning::Lossless),
            _ => None,
        }
    }
}

/// What preset `level` (1 to 7) means under a tuning.
///
/// The header says that high quality presets from P3 (H.264) or P2 (HEVC) on use B pictures without naming a number.
/// Here P4 to P7 under high quality put two B pictures between references; all others use none.
pub fn defaults(level: u32, tuning: Tuning) -> PresetDefaults {
    let quality = PresetDefaults {
        gop_length: 250,
        interval_p: if level >= 4 { 3 } else { 1 },
        rate_control: RateControl::Vbr,
        const_qp: [28, 31, 25],
        average_bps: 5_000_000,
        max_bps: 10_000_000,
    };
    let low_latency = PresetDefaults {
        gop_length: crate::gop::INFINITE_GOP,
        interval_p: 1,
        rate_control: RateControl::Cbr,
        max_bps: quality.average_bps,
        ..quality
    };
    let lossless = PresetDefaults { interval_p: 1, rate_control: RateControl::ConstQp, const_qp: [0; 3], ..quality };
    match tuning {
        Tuning::HighQuality => quality,
        Tuning::LowLatency | Tuning::UltraLowLatency => low_latency,
        Tuning::Lossless => lossless,
    }
}
