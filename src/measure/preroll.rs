//! What comes before the clock starts: the session's first frames, which cost what later ones do not.
//!
//! Drivers make things ready at a session's first frames, an engine's clock goes up, and pages of buffers are touched for the
//! first time. Knows no statistics.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::run_error::RunError;
use super::run_setup::{RunSetup, nanos};
use crate::pipeline::Submits;
use crate::pipeline::engine::Frame;

impl RunSetup<'_> {
    /// Submits the frames of the pre-roll, from the first of the input on and again where it has fewer, and takes them back.
    /// Returns how long that took; `None`: there is no pre-roll.
    pub(super) fn preroll<P: Submits>(&self, pipeline: &mut P) -> Result<Option<u64>, RunError>
    where
        RunError: From<P::Error>,
    {
        let num_frames = u64::from(self.caller.preroll_frames);
        if num_frames == 0 {
            return Ok(None);
        }
        let start = Instant::now();
        let mut pts = 0;
        while pts < num_frames {
            let first_pts = pts;
            let mut cursor = self.opened.feed.start(self.stop)?;
            while pts < num_frames && !self.stop.load(Ordering::Relaxed) {
                let Some((data, _)) = cursor.next()? else { break };
                pipeline.submit(&Frame { data, pts })?;
                pts += 1;
            }
            if self.stop.load(Ordering::Relaxed) || pts == first_pts {
                break;
            }
        }
        pipeline.end_preroll()?;
        Ok(Some(nanos(start.elapsed())))
    }
}
