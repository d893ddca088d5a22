//! What a device's instruments show, for whoever watches it: the values that NVML tells of a real GPU.
//! It knows no NVML, and not how they come about.

/// One reading of all instruments. Other libraries of this project read it as it lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GpuReadings {
    /// The video engines' clock.
    pub video_mhz: u32,
    /// The highest it can be.
    pub max_video_mhz: u32,
    /// For how much of the last second the engines could take no further picture, in percent, averaged over the engines.
    pub encoder_utilisation_pct: u32,
    /// Sessions (and decoders) that this process has open.
    pub own_sessions: u32,
    /// Sessions of other processes (`foreign_sessions`).
    pub foreign_sessions: u32,
    /// Pictures that all sessions of this process submitted, per second, in the last second.
    pub pictures_per_s: u32,
    /// From a picture's submission until it is done: mean over the last second, 0 where there was none.
    pub latency_us: u32,
    /// Is the clock halved?
    pub is_throttled: bool,
    /// Has there been no work for a second?
    pub is_idle: bool,
}
