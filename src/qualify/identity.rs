//! Which device was asked, without anything private: the card's UUID and its place, and folders of this computer, are left out.

use std::path::Path;

use virtual_nvenc::DeviceConfig;

use crate::card::Identity;
use crate::device::{Device, DeviceSpec};
use crate::record::{DeviceInfo, GpuState, Telemetry};

pub(super) fn of(spec: &DeviceSpec, device: &Device, telemetry: Option<Telemetry>) -> Identity {
    let info = device.info();
    // What a virtual device was made of may be long, and is no title.
    let (title_name, name) = match spec {
        DeviceSpec::Virtual(config) | DeviceSpec::VirtualOnCuda(config, _) => {
            let card = config.card.as_deref().map(|card| file_name(Path::new(card)));
            (format!("virtual:{}", DeviceConfig { card, ..config.clone() }), format!("virtual:{config:#}"))
        }
        DeviceSpec::Cuda(_) => (info.name.clone(), info.name.clone()),
        DeviceSpec::Library(path) => (file_name(path), file_name(path)),
    };
    let title = DeviceInfo { name: title_name, card: None, ..info.clone() }.to_string();
    let working = telemetry.as_ref().and_then(Telemetry::working_clock);
    let gpu = device.gpu_state().map(|state| GpuState { working, ..state });
    let DeviceInfo { kind, driver, api_version, .. } = info.clone();
    Identity { title, kind, name, driver, api_version, gpu }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
