//! The line per run that `VIDEO_HW_NV_METRICS=1` turns on, in the format of the first measurements.

use crate::record::RunRecord;

/// Is the line turned on?
pub fn is_wanted() -> bool {
    std::env::var_os("VIDEO_HW_NV_METRICS").is_some_and(|value| value == "1")
}

/// `[nv.encode] frames=…, packets=…, …`; times in milliseconds, `encode_ms` is the wall time without opening.
pub fn metrics_line(run: &RunRecord) -> String {
    let metrics = &run.metrics;
    let ms = |ns: u64| format!("{:.3}", ns as f64 / 1e6);
    format!(
        "[nv.encode] frames={}, packets={}, queue_peak={}, upload_ms={}, submit_ms={}, encode_ms={}, lock_ms={}, \
         blocked_ms={}, copy_ms={}, unlock_ms={}, open_ms={}, codec={}, reap_threshold={}, lock={}, pool={}",
        metrics.frames,
        metrics.packets,
        metrics.queue_peak,
        ms(metrics.upload_ns),
        ms(metrics.submit_ns),
        ms(run.wall_ns),
        ms(metrics.lock_ns),
        ms(metrics.blocked_ns),
        ms(metrics.copy_ns),
        ms(metrics.unlock_ns),
        ms(run.open_ns),
        run.case.codec,
        run.case.reap_threshold,
        run.case.lock,
        run.case.pool,
    )
}
