//! An NVENC driver without a GPU: the same function table, a modelled engine, real decodable output.
//!
//! A [`Device`] is made from a [`DeviceConfig`] ("ada", "latency_us=1400,interval_us=350", …) and found by its pointer
//! when a client opens a session through the table that [`create_instance`] fills. From there on it is NVENC: the
//! client initializes, makes buffers, encodes, locks. Rules of the API are kept strictly; each breach is answered with a
//! status, told in words by NvEncGetLastErrorString, and counted in [`Counters`].
//!
//! | module | what lives there |
//! |---|---|
//! | `config`, `profiles`, `costs` | what a device is |
//! | `engine`, `queue`, `clock` | when a picture is taken, and when it is done |
//! | `video_clock`, `activity`, `readings` | how fast the engines run, how busy they are, and who is told |
//! | `gop` | which picture becomes what, in which order |
//! | `rules`, `versions`, `guids`, `caps`, `presets`, `params` | what the API allows and this device can do |
//! | `device`, `session`, `buffers`, `resources`, `submit`, `worker`, `padding`, `reap` | the driver, without a C type in it |
//! | `decode` | NVDEC's functions over the same engine |
//! | `protocol` | what clients did, on request |
//! | `drop_in` | what the libraries that stand in for NVIDIA's have in common |
//! | `forks` | whose process a session belongs to |
//! | `payload` | the bytes |
//! | `abi`, `memory` | the C side: foreign structs, and pixels shared with the client (read by `worker`) |

mod abi;
mod activity;
mod caps;
mod clock;
mod config;
mod costs;
pub mod decode;
mod device;
pub mod drop_in;
pub mod engine;
mod faults;
mod forks;
mod gop;
mod guids;
mod handles;
mod memory;
mod padding;
mod params;
mod passes;
pub mod payload;
mod presets;
mod profiles;
mod protocol;
mod queue;
mod readings;
mod rules;
mod session;
mod versions;
mod video_clock;

pub use abi::{create_instance, max_supported_version};
pub use config::{ConfigError, DeviceConfig, MAX_QUEUE, MAX_SESSIONS};
pub use costs::{MAX_US, MeasuredCost, MeasuredCosts};
pub use device::{Counters, Device, RuleCount, Worked};
pub use memory::DeviceReader;
pub use payload::{Codec, Mode};
pub use profiles::{Profile, profiles};
pub use protocol::keep_protocol;
pub use readings::GpuReadings;
pub use rules::Basis;
pub use session::num_unreturned_handles;
pub use versions::ApiVersion;
pub use video_clock::{Clocking, Throttle};
