//! One timed run: a stream or several at once, and the record of it. Knows no sweep; the measured loop is `one_stream`'s.

use std::time::Instant;

use super::one_stream::{Gate, StreamDone};
pub use super::one_stream::{LIVE_SAMPLES, WATCH_EVERY};
use super::opened::RunConfig;
pub use super::run_error::RunError;
pub use super::run_setup::{Caller, LiveUpdate, RunSetup};
use super::run_setup::{nanos, unix_ms};
use super::suspended::Since;
use crate::contract::{EncodeMetrics, PacketSink};
use crate::device::{DeviceError, TelemetryWatch};
use crate::nvenc::encoder::NvencEncoder;
use crate::pipeline::Submits;
use crate::plan::PlannedRun;
use crate::record::{FrameColumns, GpuState, Preroll, RunRecord, StreamRecord, Telemetry};

impl RunSetup<'_> {
    /// Makes one run and records it, even if it fails.
    ///
    /// `sink` gets the packets, of several streams those of the first; `watch` is called from inside the measured loop of the
    /// first and must return at once.
    pub fn run(
        &self,
        planned: &PlannedRun,
        sink: PacketSink,
        watch: &mut dyn FnMut(LiveUpdate<'_>),
    ) -> (RunRecord, Option<RunError>) {
        let device = &self.opened.device;
        let mut record = planned.record(unix_ms());
        // Of several streams nobody could say whose frames the engines worked on.
        device.note_engine(if self.caller.num_streams == 1 { self.config.expected_frames() } else { 0 });
        let telemetry = self.opened.watch_telemetry();
        let since = Since::now();
        let streams = match self.config {
            RunConfig::Encode(config) => {
                let open = |sink| device.encoder(config, sink).map(NvencEncoder::into_pipeline);
                self.all_streams(open, sink, watch)
            }
            RunConfig::Decode(config) => {
                let open = |_| device.decoder(config, Box::new(|_, _| ()));
                self.all_streams(open, sink, watch)
            }
            RunConfig::Transcode(decode, encode) => {
                let open = |sink| device.transcoder(decode, encode, sink);
                self.all_streams(open, sink, watch)
            }
        };
        let late_before = streams.first().and_then(|stream| stream.late_before);
        let span = whole_span(&streams);
        record.telemetry = telemetry.zip(span).and_then(|(watch, span)| TelemetryWatch::finish(watch, span));
        let working = record.telemetry.as_ref().and_then(Telemetry::working_clock);
        record.gpu = device.gpu_state().map(|state| GpuState { working, ..state });
        let whole = self.put_together(streams, &mut record);
        let error = whole.err().or(since.what_happened().map(RunError::Suspended));
        record.error = error.as_ref().map(ToString::to_string);
        if let Some(((late, late_ns), (late_before, late_ns_before))) = device.late_frames().zip(late_before) {
            record.model_late = Some(late - late_before);
            record.model_late_ns = Some(late_ns - late_ns_before);
        }
        (record, error)
    }

    /// Every stream on a thread of its own, the first on this one; their clocks start together, when all are ready.
    fn all_streams<P: Submits>(
        &self,
        open: impl Fn(PacketSink) -> Result<P, DeviceError> + Sync,
        sink: PacketSink,
        watch: &mut dyn FnMut(LiveUpdate<'_>),
    ) -> Vec<StreamDone>
    where
        RunError: From<P::Error>,
    {
        let (gate, open) = (Gate::new(self.caller.num_streams), &open);
        std::thread::scope(|scope| {
            let begin = |number| {
                let (gate, runner) = (&gate, *self);
                let run = move || runner.stream(number, || open(Box::new(|_| ())), gate, &mut |_| ());
                let begun = std::thread::Builder::new().name(format!("stream {number}")).spawn_scoped(scope, run);
                if begun.is_err() {
                    gate.arrive(false);
                }
                begun
            };
            let others: Vec<_> = (1..self.caller.num_streams).map(begin).collect();
            let own = self.stream(0, || open(sink), &gate, watch);
            let join = |other: std::io::Result<std::thread::ScopedJoinHandle<'_, StreamDone>>| match other {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(refused) => StreamDone::failed(RunError::NoThread(refused.to_string())),
            };
            [own].into_iter().chain(others.into_iter().map(join)).collect()
        })
    }

    /// The streams as one run: totals of all, the columns of the first and of each other.
    fn put_together(&self, streams: Vec<StreamDone>, record: &mut RunRecord) -> Result<(), RunError> {
        record.wall_ns = whole_span(&streams).map_or(0, |(start, end)| nanos(end.duration_since(start)));
        record.metrics = streams.iter().map(|stream| stream.metrics).reduce(EncodeMetrics::and).unwrap_or_default();
        let (num_streams, mut errors) = (streams.len() as u32, Vec::new());
        for (number, mut stream) in (0..).zip(streams) {
            let whole = stream.check();
            let StreamDone { open_ns, first_frame_at, preroll_ns, metrics, mut taken, .. } = stream;
            errors.extend(whole.err().map(|error| error.of_stream(number, num_streams)));
            if number > 0 {
                record.other_streams.push(StreamRecord { metrics, frames: taken.frames });
                continue;
            }
            if let Some(first_frame_at) = first_frame_at {
                let times = self.opened.device.engine_times();
                add_engine_times(&mut taken.frames, taken.preroll.len(), &times, first_frame_at);
            }
            record.open_ns = open_ns;
            record.preroll =
                preroll_ns.map(|wall_ns| Preroll { wall_ns, num_held: taken.num_held, frames: taken.preroll });
            (record.frames, record.decode) = (taken.frames, taken.decode);
        }
        // One that could not begin ends the others.
        errors.sort_by_key(|error| matches!(error, RunError::NotBegun));
        errors.into_iter().next().map_or(Ok(()), Err)
    }
}

/// From the start of the first stream to the end of the last; `None`: none began.
fn whole_span(streams: &[StreamDone]) -> Option<(Instant, Instant)> {
    let spans = || streams.iter().filter_map(|stream| stream.span);
    spans().map(|(start, _)| start).min().zip(spans().map(|(_, end)| end).max())
}

/// When the engine worked on each frame, from the times of all frames in coding order, `num_before` of the pre-roll among them;
/// without them for all frames, none.
fn add_engine_times(
    frames: &mut FrameColumns,
    num_before: usize,
    times: &[(Instant, Instant)],
    first_frame_at: Instant,
) {
    if times.len() != num_before + frames.len() {
        return;
    }
    let since_first = |at: Instant| nanos(at.saturating_duration_since(first_frame_at));
    let of_frame = |idx: &u32| times.get(*idx as usize).map(|(from, until)| (since_first(*from), since_first(*until)));
    let all: Option<Vec<_>> = frames.encode_idx.iter().map(of_frame).collect();
    (frames.encode_at_ns, frames.encoded_at_ns) = all.unwrap_or_default().into_iter().unzip();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_engines_times_come_in_coding_order_and_are_kept_in_display_order() {
        let start = Instant::now();
        let at = |ns: u64| start + Duration::from_nanos(ns);
        let times = [(at(100), at(300)), (at(200), at(400)), (at(300), at(500))];
        let frames = |encode_idx: &[u32]| FrameColumns {
            begin_at_ns: vec![0; encode_idx.len()],
            encode_idx: encode_idx.to_vec(),
            ..FrameColumns::default()
        };
        let mut reordered = frames(&[0, 2, 1]);
        add_engine_times(&mut reordered, 0, &times, at(50));
        assert_eq!((reordered.encode_at_ns, reordered.encoded_at_ns), (vec![50, 250, 150], vec![250, 450, 350]));
        // More frames than were expected, or a place that is not there: nothing is known of any.
        for mut unknown in [frames(&[0, 1, 2, 3]), frames(&[0, 1, 7])] {
            add_engine_times(&mut unknown, 0, &times, at(50));
            assert!(unknown.encode_at_ns.is_empty() && unknown.encoded_at_ns.is_empty());
        }
    }
}
