//! Which device was asked, without anything private: the card's UUID and its place, and folders of this computer, are left out.

use crate::card::Identity;
use crate::device::{ClockWatch, Device, DeviceSpec};
use crate::record::{DeviceInfo, GpuState};

pub(super) fn of(spec: &DeviceSpec, device: &Device, watch: Option<ClockWatch>) -> Identity {
    let info = device.info();
    let name = match spec {
        DeviceSpec::Virtual(config) | DeviceSpec::VirtualOnCuda(config, _) => format!("virtual:{config:#}"),
        DeviceSpec::Cuda(_) => info.name.clone(),
        DeviceSpec::Library(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let info = DeviceInfo { name, card: None, ..info.clone() };
    let working = watch.and_then(ClockWatch::finish);
    let gpu = device.gpu_state().map(|state| GpuState { working, ..state });
    let title = info.to_string();
    let DeviceInfo { kind, name, driver, api_version, .. } = info;
    Identity { title, kind, name, driver, api_version, gpu }
}
