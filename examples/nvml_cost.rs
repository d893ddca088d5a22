//! How long each question to NVML takes: `cargo run --release --example nvml_cost [SECONDS]`. Run it alone, and beside a sweep.

use std::time::{Duration, Instant};

use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::{Device, Nvml};

type Question = (&'static str, fn(&Device<'_>) -> bool);

const QUESTIONS: [Question; 9] = [
    ("video clock", |gpu| gpu.clock_info(Clock::Video).is_ok()),
    ("SM clock", |gpu| gpu.clock_info(Clock::SM).is_ok()),
    ("memory clock", |gpu| gpu.clock_info(Clock::Memory).is_ok()),
    ("P-state", |gpu| gpu.performance_state().is_ok()),
    ("limits", |gpu| gpu.current_throttle_reasons().is_ok()),
    ("temperature", |gpu| gpu.temperature(TemperatureSensor::Gpu).is_ok()),
    ("power", |gpu| gpu.power_usage().is_ok()),
    ("encoder utilisation", |gpu| gpu.encoder_utilization().is_ok()),
    ("encoder sessions", |gpu| gpu.encoder_sessions().is_ok()),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(1), |text| text.parse())?;
    let nvml = Nvml::init()?;
    let gpu = nvml.device_by_index(0)?;
    for (name, ask) in QUESTIONS {
        let (start, mut took_us) = (Instant::now(), Vec::new());
        let mut is_told = true;
        while start.elapsed() < Duration::from_secs(seconds) && took_us.len() < 200 {
            let asked = Instant::now();
            is_told &= ask(&gpu);
            took_us.push(asked.elapsed().as_secs_f64() * 1e6);
            std::thread::sleep(Duration::from_millis(5));
        }
        took_us.sort_by(f64::total_cmp);
        let at = |share: usize| took_us[(took_us.len() * share / 100).min(took_us.len() - 1)];
        println!("{name:<20} median {:>8.1} µs, p95 {:>8.1} µs, told: {is_told}", at(50), at(95));
    }
    Ok(())
}
