//! NvEncEncodePicture: the checks, the reordering, and the hand-over to engine and payload thread.
//! It knows no struct of the API, and nothing of what becomes of a picture afterwards.

use crate::clock;
use crate::engine::Service;
use crate::gop::{Coded, Forced};
use crate::handles::Handle;
use crate::params::{HeaderPolicy, refuse_if};
use crate::payload::{PictureHeader, PictureKind, PixelFormat};
use crate::rules::{Answer, Rule, Status};
use crate::session::buffers::{Payload, Phase, Picture};
use crate::session::payload_thread::{Job, Task};
use crate::session::{Encoder, Session, Source, State};

/// One picture as the client submits it.
#[derive(Clone, Copy, Debug)]
pub struct Submission {
    pub input: Handle,
    pub output: Handle,
    pub format: Option<PixelFormat>,
    pub width: u32,
    pub height: u32,
    pub is_field: bool,
    pub forced: Forced,
    pub wants_headers: bool,
    pub timestamp: u64,
    pub duration: u64,
    pub frame_idx: u32,
}

impl Session {
    /// Takes a picture in. The call lasts `submit_us`; the picture counts as submitted when it returns.
    ///
    /// Answers [`Status::NeedMoreInput`] where the picture only waits for later ones.
    pub fn submit(&self, submission: &Submission) -> Answer<Status> {
        let entered_ns = clock::now_ns();
        let _turn = self.take_turn();
        let _held = self.hold();
        self.accept(submission)?;
        let submit_ns = u64::from(self.model.config.submit_us) * 1000;
        if submit_ns > 0 {
            clock::sleep_until(entered_ns + submit_ns);
        }
        let room_ns = self.state().queue.room_ns();
        clock::sleep_until(room_ns);
        self.launch()
    }

    /// The end of the stream: every held picture goes to the engine. Any number of times.
    pub fn end_of_stream(&self) -> Answer<Status> {
        let _turn = self.take_turn();
        {
            let mut state = self.state();
            state.encoder()?.is_unfinished = false;
            state.with_coded(|encoder, coded| encoder.gop.flush(coded))?;
        }
        self.launch()?;
        Ok(Status::Success)
    }

    /// Checks everything before anything changes; then the buffers are the encoder's.
    fn accept(&self, submission: &Submission) -> Answer {
        let mut state = self.state();
        let (width, height) = state.check(submission)?;
        // The header wants the encoded size here, yet shipping clients leave it out, or leave other values.
        let said = (submission.width, submission.height);
        if said != (width, height) && said != (0, 0) {
            self.note(Rule::SizeDiffers);
        }
        let input = state.inputs.get_mut(&submission.input).ok_or(Rule::ForeignInput)?;
        input.num_held += 1;
        let source = Source {
            input: submission.input,
            surface: input.surface.clone(),
            wants_headers: submission.wants_headers,
            timestamp: submission.timestamp,
            duration: submission.duration,
            frame_idx: submission.frame_idx,
        };
        let output = state.outputs.get_mut(&submission.output).ok_or(Rule::ForeignOutput)?;
        output.phase = Phase::Submitted;
        state.unfilled.push_back(submission.output);
        state.to_lock.push_back(submission.output);
        state.with_coded(|encoder, coded| {
            let forced = if std::mem::take(&mut encoder.force_next_idr) { Forced::Idr } else { submission.forced };
            encoder.is_unfinished = true;
            encoder.gop.push(source, forced, coded);
        })
    }

    /// Gives the released pictures to the engine, in encode order.
    fn launch(&self) -> Answer<Status> {
        let submitted_ns = clock::now_ns();
        let mut state = self.state();
        let mut coded = std::mem::take(&mut state.coded);
        let status = if coded.is_empty() { Status::NeedMoreInput } else { Status::Success };
        for picture in coded.drain(..) {
            self.start(&mut state, picture, submitted_ns)?;
        }
        state.coded = coded;
        // Woken outside the lock, the payload thread does not run into it.
        drop(state);
        self.changed.notify_all();
        Ok(status)
    }

    /// The k-th picture in encode order goes into the k-th submitted output, whichever call it came with (header,
    /// NvEncEncodePicture: for P1 B2 P3 the outputs hold P1, P3, B2).
    fn start(&self, state: &mut State, coded: Coded<Source>, submitted_ns: u64) -> Answer {
        let encoder = state.encoder()?;
        let service = self.service_of(encoder, coded.kind);
        let with_headers = encoder.claims_headers(&coded);
        let average_qp = encoder.params.reported_qp;
        let delimiter = encoder.params.has_delimiters.then_some(encoder.params.stream.codec);
        let size = (encoder.params.width, encoder.params.height);
        let done_ns = self.model.schedule(self.seat, submitted_ns, service).done_ns;
        state.queue.push(done_ns);

        let header = PictureHeader { kind: coded.kind, poc: coded.poc, is_reference: coded.is_reference };
        let source = coded.token;
        let picture = Picture {
            kind: coded.kind,
            timestamp: source.timestamp,
            duration: source.duration,
            frame_idx: source.frame_idx,
            display_idx: coded.display_idx,
            average_qp,
            done_ns,
        };
        // Where the client has destroyed the output meanwhile, the picture is dropped.
        let storage = state.fill_next_output(picture);
        state.release_held(source.input, storage.is_some(), done_ns);
        if let Some((output, bytes)) = storage {
            let (input, surface) = (source.input, source.surface);
            let job = Job { header, with_headers, delimiter, input, surface, size, output, bytes, done_ns };
            state.tasks.push_back(Task::Encode(job));
        }
        Ok(())
    }

    fn service_of(&self, encoder: &mut Encoder, kind: PictureKind) -> Service {
        let (is_idr, picture_idx) = (kind == PictureKind::Idr, encoder.num_pictures);
        encoder.num_pictures += 1;
        self.model.config.picture_service(encoder.service, is_idr, self.seat.session_idx, picture_idx)
    }
}

impl Encoder {
    /// Whether parameter sets go before this picture.
    fn claims_headers(&mut self, coded: &Coded<Source>) -> bool {
        let is_due = coded.kind == PictureKind::Idr
            && match self.params.headers {
                HeaderPolicy::Never => false,
                HeaderPolicy::Once => !self.has_written_headers,
                HeaderPolicy::EveryIdr => true,
            };
        self.has_written_headers |= is_due;
        is_due || coded.token.wants_headers
    }
}

impl State {
    /// The rules of a submission; gives the encoded size.
    fn check(&mut self, submission: &Submission) -> Answer<(u32, u32)> {
        let (width, height) = (self.encoder()?.params.width, self.encoder()?.params.height);
        refuse_if(self.payload_thread_ended, Rule::PayloadFailed)?;
        refuse_if(submission.is_field, Rule::FieldCoding)?;
        let input = self.inputs.get(&submission.input).ok_or(Rule::ForeignInput)?;
        refuse_if(input.is_locked, Rule::InputStillLocked)?;
        refuse_if(submission.format != Some(input.surface.format), Rule::FormatDiffers)?;
        let is_small = input.surface.width < width || input.surface.height < height;
        refuse_if(is_small, Rule::BufferTooSmall)?;
        let output = self.outputs.get(&submission.output).ok_or(Rule::ForeignOutput)?;
        match output.phase {
            Phase::Free => Ok((width, height)),
            Phase::Locked => Err(Rule::OutputStillLocked.into()),
            Phase::Submitted | Phase::Ready | Phase::Awaited => Err(Rule::OutputInFlight.into()),
        }
    }

    /// Makes the oldest unfilled output ready for its picture and takes its storage out for the payload thread.
    fn fill_next_output(&mut self, picture: Picture) -> Option<(Handle, Vec<u8>)> {
        let handle = self.unfilled.pop_front()?;
        let output = self.outputs.get_mut(&handle)?;
        output.phase = Phase::Ready;
        output.payload = Payload::Pending;
        output.picture = picture;
        Some((handle, std::mem::take(&mut output.bytes)))
    }

    /// The picture has left the reordering; its pixels are needed until the payload is made and the engine is done.
    fn release_held(&mut self, input: Handle, is_read: bool, done_ns: u64) {
        if let Some(input) = self.inputs.get_mut(&input) {
            input.num_held = input.num_held.saturating_sub(1);
            input.num_reading += u32::from(is_read);
            input.busy_until_ns = done_ns;
        }
    }

    /// Runs the reordering with the list that its results go to; the list keeps its memory from picture to picture.
    fn with_coded(&mut self, reorder: impl FnOnce(&mut Encoder, &mut Vec<Coded<Source>>)) -> Answer {
        let mut coded = std::mem::take(&mut self.coded);
        let outcome = self.encoder().map(|encoder| reorder(encoder, &mut coded));
        self.coded = coded;
        outcome
    }
}
