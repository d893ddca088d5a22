//! Named devices: how long an engine of each takes for a picture.
//! This file knows tables and their sources; parsing and overrides are `config`'s work.

use crate::engine::Service;
use crate::payload::Codec;

/// A named device model.
#[derive(Debug, PartialEq)]
pub struct Profile {
    /// What stands before the first comma of a device description.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// The caller's own work per picture on the modelled host; a suggestion, the driver does not act on it.
    pub host_work_us: u32,
    /// How long NvEncEncodePicture takes.
    pub submit_us: u32,
    /// How much longer an IDR picture takes.
    pub idr_factor: f64,
    timing: Timing,
}

/// Every profile, the default first.
pub fn profiles() -> &'static [Profile] {
    &PROFILES
}

/// The profile of a device that is described by keys alone.
pub(crate) fn default_profile() -> &'static Profile {
    &PROFILES[0]
}

#[derive(Debug, PartialEq)]
enum Timing {
    /// The same for every size and preset, in µs.
    PerPicture { h264: PictureCost, hevc: PictureCost },
    /// Throughput of one engine at 1080p for presets P1, P3, P5 and P7, in pictures per second; cost follows the pixels.
    PerPixel { h264_fps: [u32; 4], hevc_fps: [u32; 4] },
}

#[derive(Debug, PartialEq)]
struct PictureCost {
    latency_us: u64,
    interval_us: u64,
}

const FIXED: PictureCost = PictureCost { latency_us: 700, interval_us: 700 };

/// Throughput tables say nothing about latency. That a picture spends 1.6 intervals in the engine is an assumption
/// of this model: real engines are pipelined, so latency lies above the interval, and 1.6 makes two pictures in
/// flight enough to keep the engine busy.
const LATENCY_PER_INTERVAL: f64 = 1.6;

/// Within the 1.5 to 3 times that IDR pictures are reported to take.
const GPU_IDR_FACTOR: f64 = 1.5;

const GPU_SUBMIT_US: u32 = 50;

// Throughput of the GPU profiles: NVIDIA's NVENC application note 13.0, 1080p 4:2:0 8-bit, CBR low latency, per engine.
static PROFILES: [Profile; 5] = [
    Profile {
        name: "fixed",
        description: "latency and interval of 700 µs for a picture of any size",
        host_work_us: 0,
        submit_us: 0,
        idr_factor: 1.0,
        timing: Timing::PerPicture { h264: FIXED, hevc: FIXED },
    },
    Profile {
        name: "ada",
        description: "one engine of an RTX 4090, by codec, preset and size",
        host_work_us: 0,
        submit_us: GPU_SUBMIT_US,
        idr_factor: GPU_IDR_FACTOR,
        timing: Timing::PerPixel { h264_fps: [910, 652, 291, 247], hevc_fps: [1055, 494, 343, 343] },
    },
    Profile {
        name: "turing",
        description: "one engine of an RTX 8000, by codec, preset and size",
        host_work_us: 0,
        submit_us: GPU_SUBMIT_US,
        idr_factor: GPU_IDR_FACTOR,
        timing: Timing::PerPixel { h264_fps: [855, 600, 271, 229], hevc_fps: [932, 463, 305, 306] },
    },
    Profile {
        name: "blackwell",
        description: "one engine of a Blackwell card, by codec, preset and size",
        host_work_us: 0,
        submit_us: GPU_SUBMIT_US,
        idr_factor: GPU_IDR_FACTOR,
        timing: Timing::PerPixel { h264_fps: [977, 718, 323, 264], hevc_fps: [1134, 529, 506, 464] },
    },
    Profile {
        name: "video-hw-2026-02",
        description: "the host of the published video-hw numbers: 640x360, P1, ultra low latency",
        host_work_us: 175,
        submit_us: 150,
        idr_factor: 1.0,
        timing: Timing::PerPicture {
            h264: PictureCost { latency_us: 737, interval_us: 300 },
            hevc: PictureCost { latency_us: 631, interval_us: 300 },
        },
    },
];

impl Profile {
    /// What one ordinary picture of `width` x `height` costs at `preset` (1 to 7).
    pub(crate) fn service(&self, codec: Codec, preset: u32, width: u32, height: u32) -> Service {
        match &self.timing {
            Timing::PerPicture { h264, hevc } => by_codec(codec, h264, hevc).service(),
            Timing::PerPixel { h264_fps, hevc_fps } => {
                let pixels = f64::from(width) * f64::from(height);
                let interval_ns =
                    interval_1080p_ns(by_codec(codec, h264_fps, hevc_fps), preset) * pixels / (1920.0 * 1080.0);
                Service {
                    latency_ns: (interval_ns * LATENCY_PER_INTERVAL).round() as u64,
                    interval_ns: interval_ns.round() as u64,
                }
            }
        }
    }
}

impl PictureCost {
    fn service(&self) -> Service {
        Service { latency_ns: self.latency_us * 1000, interval_ns: self.interval_us * 1000 }
    }
}

fn by_codec<T>(codec: Codec, h264: T, hevc: T) -> T {
    match codec {
        Codec::H264 => h264,
        Codec::Hevc => hevc,
    }
}

/// P2, P4 and P6 lie halfway, in time, between their measured neighbours.
fn interval_1080p_ns([p1, p3, p5, p7]: &[u32; 4], preset: u32) -> f64 {
    let interval_ns = |fps: &u32| 1e9 / f64::from(*fps);
    let between = |faster, slower| (interval_ns(faster) + interval_ns(slower)) / 2.0;
    match preset {
        0 | 1 => interval_ns(p1),
        2 => between(p1, p3),
        3 => interval_ns(p3),
        4 => between(p3, p5),
        5 => interval_ns(p5),
        6 => between(p5, p7),
        _ => interval_ns(p7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, codec: Codec, preset: u32, width: u32, height: u32) -> Service {
        let profile = profiles().iter().find(|profile| profile.name == name).unwrap();
        profile.service(codec, preset, width, height)
    }

    #[test]
    fn fixed_costs_the_same_at_any_size() {
        let cost = Service { latency_ns: 700_000, interval_ns: 700_000 };
        assert_eq!(service("fixed", Codec::H264, 1, 640, 360), cost);
        assert_eq!(service("fixed", Codec::Hevc, 7, 3840, 2160), cost);
    }

    #[test]
    fn gpu_profiles_follow_the_throughput_tables() {
        let p1 = service("ada", Codec::H264, 1, 1920, 1080);
        assert_eq!(p1, Service { latency_ns: 1_758_242, interval_ns: 1_098_901 });
        assert_eq!(service("ada", Codec::H264, 3, 1920, 1080).interval_ns, 1_533_742);
        assert_eq!(service("ada", Codec::H264, 2, 1920, 1080).interval_ns, 1_316_322);
        assert_eq!(service("ada", Codec::Hevc, 1, 960, 540).interval_ns, 236_967);
    }

    #[test]
    fn published_host_keeps_its_published_numbers() {
        let h264 = service("video-hw-2026-02", Codec::H264, 1, 640, 360);
        let hevc = service("video-hw-2026-02", Codec::Hevc, 1, 640, 360);
        assert_eq!((h264.latency_ns, h264.interval_ns), (737_000, 300_000));
        assert_eq!((hevc.latency_ns, hevc.interval_ns), (631_000, 300_000));
    }
}
