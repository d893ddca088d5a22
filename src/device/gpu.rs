//! GPUs by name: their number among those that CUDA reports, the beginning of their UUID, which does not change when a card is
//! added or `CUDA_VISIBLE_DEVICES` is set, or the PCI place where they are plugged in.
//!
//! Knows no CUDA: who is there it is told.

use std::fmt;
use std::str::FromStr;

use super::DeviceError;

/// What NVIDIA's tools put before a UUID.
const UUID_PREFIX: &str = "GPU-";
/// Before a PCI place.
const PCI_PREFIX: &str = "pci=";
/// Of a UUID without that, so that no number is taken for one.
const LEAST_UUID_DIGITS: usize = 4;
/// A longer number is the beginning of a UUID.
const MOST_ORDINAL_DIGITS: usize = 3;

/// A GPU as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GpuName {
    /// The number that CUDA gives it, from 0.
    Ordinal(u32),
    /// The beginning of its UUID in lower case, without "GPU-".
    Uuid(String),
    /// The end of its PCI place in lower case: "65:00.0" or with the domain.
    Pci(String),
}

/// A GPU that CUDA reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// Its number there.
    pub ordinal: u32,
    /// "NVIDIA H200".
    pub name: String,
    /// As `nvidia-smi -L` prints it: "GPU-8e1c2b7a-…".
    pub uuid: String,
    /// Where it is plugged in, as `nvidia-smi` prints it: "00000000:18:00.0" (domain:bus:device.function).
    pub pci: String,
}

impl FromStr for GpuName {
    type Err = DeviceError;

    /// What follows "cuda:".
    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(format!("cuda:{text}"));
        if let Some(place) = text.strip_prefix(PCI_PREFIX) {
            let is_place =
                place.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)) && place.contains(':');
            return if is_place { Ok(Self::Pci(place.to_ascii_lowercase())) } else { Err(unknown()) };
        }
        if text.len() <= MOST_ORDINAL_DIGITS && !text.starts_with('+') {
            return text.parse().map(Self::Ordinal).map_err(|_| unknown());
        }
        let digits = text.strip_prefix(UUID_PREFIX).unwrap_or(text);
        let is_uuid = digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let has_prefix = digits.len() < text.len();
        if !is_uuid || digits.is_empty() || (!has_prefix && digits.len() < LEAST_UUID_DIGITS) {
            return Err(unknown());
        }
        Ok(Self::Uuid(digits.to_ascii_lowercase()))
    }
}

impl fmt::Display for GpuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ordinal(ordinal) => write!(f, "{ordinal}"),
            Self::Uuid(digits) => write!(f, "{UUID_PREFIX}{digits}"),
            Self::Pci(place) => write!(f, "{PCI_PREFIX}{place}"),
        }
    }
}

impl GpuName {
    /// The one of `gpus` that it names.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn find<'a>(&self, gpus: &'a [Gpu]) -> Result<&'a Gpu, DeviceError> {
        let is_it = |gpu: &&Gpu| match self {
            Self::Ordinal(ordinal) => gpu.ordinal == *ordinal,
            // Tools print the domain with four digits or with eight, or leave it out.
            Self::Pci(place) => {
                let of_gpu = gpu.pci.to_ascii_lowercase();
                of_gpu
                    .strip_suffix(place.trim_start_matches('0'))
                    .is_some_and(|rest| rest.bytes().all(|byte| b"0:".contains(&byte)))
            }
            Self::Uuid(digits) => gpu.uuid.strip_prefix(UUID_PREFIX).is_some_and(|uuid| uuid.starts_with(digits)),
        };
        let mut named = gpus.iter().filter(is_it);
        match (named.next(), named.next()) {
            (Some(gpu), None) => Ok(gpu),
            (Some(_), Some(_)) => Err(DeviceError::ManyGpus { asked: self.to_string() }),
            (None, _) => Err(DeviceError::NoGpu { asked: self.to_string(), found: gpus.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(ordinal: u32, uuid: &str) -> Gpu {
        Gpu { ordinal, name: "NVIDIA H200".to_owned(), uuid: uuid.to_owned(), pci: String::new() }
    }

    #[test]
    fn a_gpu_is_named_by_number_or_by_the_beginning_of_its_uuid() {
        let gpus = [gpu(0, "GPU-12345678-00aa"), gpu(1, "GPU-12ff5678-00aa")];
        let found = |text: &str| text.parse::<GpuName>().and_then(|name| name.find(&gpus).map(|gpu| gpu.ordinal));
        for (text, ordinal) in
            [("0", 0), ("1", 1), ("GPU-123", 0), ("12FF", 1), ("12345678", 0), ("GPU-12ff5678-00aa", 1)]
        {
            assert_eq!(found(text), Ok(ordinal), "{text}");
        }
        assert_eq!(found("2"), Err(DeviceError::NoGpu { asked: "2".to_owned(), found: 2 }));
        assert_eq!(found("GPU-12"), Err(DeviceError::ManyGpus { asked: "GPU-12".to_owned() }));
        assert_eq!(found("9999"), Err(DeviceError::NoGpu { asked: "GPU-9999".to_owned(), found: 2 }));
        for text in ["", "x", "-1", "+1", "GPU-", "12g4", "1.5", "abc", "GPU", "MIG-12345678"] {
            assert_eq!(found(text), Err(DeviceError::Unknown(format!("cuda:{text}"))), "{text}");
        }
    }

    #[test]
    fn a_gpu_is_named_by_where_it_is_plugged_in() {
        let at = |ordinal, pci: &str| Gpu { pci: pci.to_owned(), ..gpu(ordinal, "GPU-12345678") };
        let gpus = [at(0, "00000000:06:00.0"), at(1, "00000000:65:00.0"), at(2, "0000A000:65:00.0")];
        let found = |text: &str| text.parse::<GpuName>().and_then(|name| name.find(&gpus).map(|gpu| gpu.ordinal));
        for (text, ordinal) in
            [("pci=06:00.0", 0), ("pci=0000:65:00.0", 1), ("pci=00000000:65:00.0", 1), ("pci=A000:65:00.0", 2)]
        {
            assert_eq!(found(text), Ok(ordinal), "{text}");
        }
        assert_eq!(found("pci=07:00.0"), Err(DeviceError::NoGpu { asked: "pci=07:00.0".to_owned(), found: 3 }));
        for text in ["pci=", "pci=0", "pci=x:00.0"] {
            assert_eq!(found(text), Err(DeviceError::Unknown(format!("cuda:{text}"))), "{text}");
        }
    }

    #[test]
    fn a_name_is_written_as_it_is_read() {
        for text in ["0", "17", "GPU-12ff5678", "pci=65:00.0"] {
            assert_eq!(text.parse::<GpuName>().unwrap().to_string(), text);
        }
    }
}
