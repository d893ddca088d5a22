//! Runs and frames as CSV (RFC 4180) for spreadsheets and data frames: raw numbers, one header line, units in names.

use std::io::Write;

use super::ReportError;
use super::text::csv;
use crate::contract::EngineKind;
use crate::record::{Case, FrameColumns, RunRecord};
use crate::session::Session;
use crate::stats::runs::metrics::Metric;
use crate::stats::runs::summary::RunSummary;

/// One line a run, warm-ups and failed runs included. What was not measured is left empty.
///
/// # Errors
/// `out` could not be written to.
pub fn write_runs(session: &Session, out: &mut impl Write) -> Result<(), ReportError> {
    let metrics = Metric::ALL.map(Metric::key).join(",");
    writeln!(out, "{CASE},warmup,error,started_unix_ms,frames,packets,model_late,device_kind,device_name,{metrics}")?;
    let device = &session.manifest.device;
    // Its word in JSON, so that both exports can be joined.
    let kind = serde_json::to_value(device.kind).unwrap_or_default();
    let device = format!("{},{}", csv(kind.as_str().unwrap_or_default()), csv(&device.name));
    for run in &session.summaries {
        let RunSummary { case, warmup, error, started_unix_ms, frames, packets, .. } = run;
        let case = case_fields(case, run.order_index, run.repeat_index);
        let (error, late) = (csv(error.as_deref().unwrap_or_default()), field(run.model_late));
        write!(out, "{case},{warmup},{error},{started_unix_ms},{frames},{packets},{late},{device}")?;
        for metric in Metric::ALL {
            write!(out, ",{}", field(run.value(metric)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// One line a frame of every run, read and written run by run.
///
/// # Errors
/// A run could not be read, or `out` could not be written to.
pub fn write_frames(session: &Session, out: &mut impl Write) -> Result<(), ReportError> {
    let titles = COLUMNS.map(|(title, _)| title);
    // Of a transcode each frame has the same columns of the decoder.
    let of_decoder = match session.manifest.plan.engine {
        EngineKind::Transcode => titles.map(|title| format!(",decode_{title}")).concat(),
        EngineKind::Nvenc | EngineKind::Nvdec => String::new(),
    };
    writeln!(out, "{CASE},warmup,frame,kind,{}{of_decoder}", titles.join(","))?;
    for run in session.records()? {
        write_frames_of(&run?, out)?;
    }
    Ok(())
}

const CASE: &str = "order_index,repeat_index,codec,reap_threshold,lock,pool,client,decode_reap_threshold,decode_lock";

type Column = fn(&FrameColumns, usize) -> Option<u64>;

/// Columns of a damaged or foreign file may differ in length; what is missing is left empty.
const COLUMNS: [(&str, Column); 20] = [
    ("begin_at_ns", |frames, idx| frames.begin_at_ns.get(idx).copied()),
    ("source_wait_ns", |frames, idx| frames.source_wait_ns.get(idx).copied()),
    ("blocked_ns", |frames, idx| frames.blocked_ns.get(idx).copied()),
    ("upload_ns", |frames, idx| frames.upload_ns.get(idx).copied()),
    ("submit_at_ns", |frames, idx| frames.submit_at_ns.get(idx).copied()),
    ("submit_ns", |frames, idx| frames.submit_ns.get(idx).copied()),
    ("depth", |frames, idx| frames.depth.get(idx).copied().map(u64::from)),
    ("lock_at_ns", |frames, idx| frames.lock_at_ns.get(idx).copied()),
    ("lock_ns", |frames, idx| frames.lock_ns.get(idx).copied()),
    ("copy_ns", |frames, idx| frames.copy_ns.get(idx).copied()),
    ("unlock_ns", |frames, idx| frames.unlock_ns.get(idx).copied()),
    ("latency_ns", |frames, idx| frames.latency_ns.get(idx).copied()),
    ("bytes", |frames, idx| frames.bytes.get(idx).copied().map(u64::from)),
    ("encode_idx", |frames, idx| frames.encode_idx.get(idx).copied().map(u64::from)),
    ("input_lock_ns", |frames, idx| frames.input_lock_ns.get(idx).copied()),
    ("input_unlock_ns", |frames, idx| frames.input_unlock_ns.get(idx).copied()),
    ("map_ns", |frames, idx| frames.map_ns.get(idx).copied()),
    ("unmap_ns", |frames, idx| frames.unmap_ns.get(idx).copied()),
    ("convert_ns", |frames, idx| frames.convert_ns.get(idx).copied()),
    ("packet_digest", |frames, idx| frames.packet_digest.get(idx).copied().map(u64::from)),
];

/// Those that a frame which never came back does not have.
const OF_PACKETS: [&str; 8] =
    ["lock_at_ns", "lock_ns", "copy_ns", "unlock_ns", "latency_ns", "bytes", "encode_idx", "packet_digest"];

fn write_frames_of(run: &RunRecord, out: &mut impl Write) -> Result<(), ReportError> {
    let case = case_fields(&run.case, run.order_index, run.repeat_index);
    let mut kinds = run.frames.kinds.chars();
    for idx in 0..run.frames.len() {
        let kind = kinds.next().map_or_else(String::new, |kind| csv(kind.encode_utf8(&mut [0; 4])));
        write!(out, "{case},{},{idx},{kind}", run.warmup)?;
        write_columns(&run.frames, idx, out)?;
        if let Some(stage) = &run.decode {
            write_columns(&stage.frames, idx, out)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_columns(frames: &FrameColumns, idx: usize, out: &mut impl Write) -> Result<(), ReportError> {
    for (title, column) in COLUMNS {
        let is_known = frames.came_back(idx) || !OF_PACKETS.contains(&title);
        write!(out, ",{}", field(column(frames, idx).filter(|_| is_known)))?;
    }
    Ok(())
}

fn case_fields(case: &Case, order_index: u32, repeat_index: u32) -> String {
    let Case { codec, reap_threshold, lock, pool, names_pool: _, client, decode } = case;
    let (client, threshold) = (csv(&client.to_string()), field(decode.map(|ring| ring.reap_threshold)));
    let decode_lock = field(decode.map(|ring| ring.lock));
    format!("{order_index},{repeat_index},{codec},{reap_threshold},{lock},{pool},{client},{threshold},{decode_lock}")
}

fn field(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
