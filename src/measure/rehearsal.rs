//! Does a plan work on its device? Each codec's deepest case encodes or decodes a few frames before anything is written.
//!
//! So an impossible setting, or a driver that loses frames, is reported once and not by every run. What an encoder wrote is
//! decoded too, where ffprobe is there. Measures nothing.

use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::baseline_runner::is_other;
use super::opened::Opened;
use super::run_error::RunError;
use super::sweep::SweepError;
use crate::contract::{Codec, EncodedPacket, PacketSink};
use crate::plan::Plan;
use crate::process::verify::{VerifyError, verify};
use crate::record::{Case, Rehearsal};

/// Frames for each buffer of the pool, so that every buffer is used more than once.
const FRAMES_OF_EACH_BUFFER: u32 = 2;

/// Tries each codec of a plan, until `stop` is set. Answers with what was found of each stream.
///
/// # Errors
/// The plan is invalid, the device refuses it, or does not give every frame back.
pub fn rehearse(plan: &Plan, opened: &Opened, stop: &AtomicBool) -> Result<BTreeMap<Codec, Rehearsal>, SweepError> {
    plan.check()?;
    let mut found = BTreeMap::new();
    for &codec in &plan.codecs {
        let of_codec = plan.cases().into_iter().filter(|case| case.codec == codec && !is_other(case));
        if let Some(case) = of_codec.max_by_key(|case| (case.pool, case.most_in_flight())) {
            found.extend(rehearse_case(plan, opened, &case, stop)?.map(|rehearsal| (codec, rehearsal)));
        }
    }
    Ok(found)
}

/// `None`: there is no stream, since nothing is encoded.
fn rehearse_case(
    plan: &Plan,
    opened: &Opened,
    case: &Case,
    stop: &AtomicBool,
) -> Result<Option<Rehearsal>, SweepError> {
    let frames = case.pool.saturating_mul(FRAMES_OF_EACH_BUFFER);
    let stream: Arc<Mutex<Vec<u8>>> = Arc::default();
    let into = Arc::clone(&stream);
    let sink: PacketSink = Box::new(move |packet: EncodedPacket<'_>| {
        into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(packet.data);
    });
    opened.probe(&opened.config(plan, case), frames, sink, stop).map_err(|error| match error {
        RunError::Device(error) => SweepError::Device(error),
        error => SweepError::Rehearsal(error),
    })?;
    let stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    let rehearsal = || Rehearsal { frames, undecodable: decode_fault(&stream, case.codec, frames, stop) };
    Ok(plan.engine.encodes().then(rehearsal))
}

/// What ffprobe finds wrong with a stream; `None` too where it cannot be asked.
fn decode_fault(stream: &[u8], codec: Codec, num_frames: u32, stop: &AtomicBool) -> Option<String> {
    // Without a name, so that nothing stays where this program is killed.
    let mut file = tempfile::tempfile().ok()?;
    file.write_all(stream).and_then(|()| file.rewind()).ok()?;
    match verify(file, codec, num_frames.into(), stop) {
        Ok(_) | Err(VerifyError::NoFfprobe(_) | VerifyError::Unheard(_) | VerifyError::Stopped) => None,
        Err(fault) => Some(fault.to_string()),
    }
}
