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
        cpu_governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        niceness: niceness(),
        timer_slack_ns: read("/proc/self/timerslack_ns").and_then(|text| text.parse().ok()),
        inflight_version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised_build: !cfg!(debug_assertions),
        command,
    }
}

/// A file of one line, on systems that have it.
fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The 19th field of proc_pid_stat(5); the second, the program's name, is in brackets and may hold spaces.
fn niceness() -> Option<i32> {
    let stat = read("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(16)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_linux_says_of_a_process_is_kept() {
        let environment = capture(String::new());
        assert!(environment.niceness.is_some_and(|niceness| (-20..=19).contains(&niceness)));
        assert!(environment.timer_slack_ns.is_some_and(|slack_ns| slack_ns > 0));
    }
}
