//! A device as the user names it. Opens no device.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{DeviceError, GpuName, card};

/// Between a model and the GPU whose memory it reads.
const ON_CUDA: &str = "+cuda:";

/// A device as the user names it.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceSpec {
    /// `virtual`, `virtual:NAME`, `virtual:key=value,…`, `virtual:card=FILE,…`
    Virtual(virtual_nvenc::DeviceConfig),
    /// `virtual+cuda:N`, `virtual:NAME+cuda:N`: a modelled encoder that takes frames from the memory of a GPU.
    VirtualOnCuda(virtual_nvenc::DeviceConfig, GpuName),
    /// `cuda:N` or `cuda:UUID`: a GPU that CUDA reports, through the installed driver.
    Cuda(GpuName),
    /// The path of a driver library.
    Library(PathBuf),
}

impl FromStr for DeviceSpec {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let (model, gpu) = match text.split_once(ON_CUDA) {
            Some((model, gpu)) => (model, Some(gpu)),
            None => (text, None),
        };
        let config = model.strip_prefix("virtual:").or((model == "virtual").then_some(""));
        if let Some(config) = config {
            let config = card::config(config)?;
            return match gpu {
                None => Ok(Self::Virtual(config)),
                Some(gpu) => Ok(Self::VirtualOnCuda(config, gpu.parse()?)),
            };
        }
        if let Some(gpu) = text.strip_prefix("cuda:") {
            return gpu.parse().map(Self::Cuda);
        }
        // A bare word is a slip of the pen; a library has a folder or an ending in its name.
        match text.contains(['/', '\\', '.']) {
            true => Ok(Self::Library(text.into())),
            false => Err(DeviceError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Virtual(config) => write!(f, "virtual:{config}"),
            Self::VirtualOnCuda(config, gpu) => write!(f, "virtual:{config}{ON_CUDA}{gpu}"),
            Self::Cuda(gpu) => write!(f, "cuda:{gpu}"),
            Self::Library(path) => write!(f, "{}", path.display()),
        }
    }
}

impl DeviceSpec {
    /// May its driver end this process or hang it? One of ours does so only where it is asked to.
    pub fn may_crash(&self) -> bool {
        !matches!(self, Self::Virtual(config) if config.faults.is_empty())
    }

    /// The caller's own work per frame on the modelled computer; 0 for devices that are not modelled.
    pub fn suggested_host_work_us(&self) -> u32 {
        match self {
            Self::Virtual(config) | Self::VirtualOnCuda(config, _) => config.host_work_us,
            Self::Cuda(_) | Self::Library(_) => 0,
        }
    }
}
