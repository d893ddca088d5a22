//! The computer that is measured on. Asked once per session, before the first run.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::record::Environment;

/// Asks the operating system. Missing facts are "unknown", never guessed.
pub fn capture(command: String) -> Environment {
    let system = System::new_with_specifics(
        RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let brand = |system: &System| system.cpus().first().map(|cpu| cpu.brand().trim().to_owned());
    Environment {
        os: known(System::long_os_version().ok()),
        kernel: known(System::kernel_version().ok()),
        cpu: known(system.as_ref().ok().and_then(brand).filter(|brand| !brand.is_empty())),
        num_cpus: std::thread::available_parallelism().map_or(0, |num| u32::try_from(num.get()).unwrap_or(u32::MAX)),
        memory_mib: system.map_or(0, |system| system.total_memory() >> 20),
        inflight_version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised_build: !cfg!(debug_assertions),
        command,
    }
}
