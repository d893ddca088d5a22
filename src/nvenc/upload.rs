//! Where the planes of a frame go in memory with a pitch, and how they are copied there. Calls no driver.

use crate::contract::FrameView;

/// One plane on its way into memory with a pitch.
pub(super) struct PlacedPlane<'a> {
    /// Its rows, without gaps.
    pub(super) rows: &'a [u8],
    pub(super) row_bytes: usize,
    pub(super) num_rows: usize,
    /// Of its first row, from the begin of the frame's memory.
    pub(super) offset: usize,
    /// From the begin of a row to that of the next.
    pub(super) pitch: usize,
}

/// Hands every plane of a frame to `place`, in order; planes with rows alike as one, because they follow each other.
///
/// The luma pitch is the memory's; planes of half width (I420) have half of it, as NVENC lays them out.
///
/// # Errors
/// Those of `place`.
pub(super) fn place_planes<E>(
    frame: &FrameView<'_>,
    pitch: usize,
    mut place: impl FnMut(&PlacedPlane<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut source, mut offset) = (frame.data, 0);
    let planes = frame.format.planes(frame.dimensions);
    let full_row_bytes = planes.first().map_or(0, |plane| plane.row_bytes);
    for alike in planes.chunk_by(|one, next| one.row_bytes == next.row_bytes) {
        let (row_bytes, num_rows) = (alike[0].row_bytes, alike.iter().map(|plane| plane.rows).sum());
        let pitch = if row_bytes * 2 <= full_row_bytes + 1 { pitch / 2 } else { pitch };
        let (rows, rest) = source.split_at(row_bytes * num_rows);
        place(&PlacedPlane { rows, row_bytes, num_rows, offset, pitch })?;
        (source, offset) = (rest, offset + pitch * num_rows);
    }
    Ok(())
}

/// Copies every plane of a frame to memory with the driver's pitch.
///
/// # Safety
/// `target` must be writable for all planes of `frame` at `pitch`, and not overlap it.
pub(super) unsafe fn copy_planes(frame: &FrameView<'_>, target: *mut u8, pitch: usize) {
    let copied = place_planes(frame, pitch, |plane| {
        // SAFETY: planes follow each other at their pitch, which is how NVENC lays out a locked input.
        let target = unsafe { target.add(plane.offset) };
        if plane.pitch == plane.row_bytes {
            // SAFETY: the caller's promise, for one plane without gaps.
            unsafe { std::ptr::copy_nonoverlapping(plane.rows.as_ptr(), target, plane.rows.len()) };
        } else {
            for (row_idx, row) in plane.rows.chunks_exact(plane.row_bytes).enumerate() {
                // SAFETY: the caller's promise; row `row_idx` begins `row_idx` pitches into its plane.
                unsafe { std::ptr::copy_nonoverlapping(row.as_ptr(), target.add(row_idx * plane.pitch), row.len()) };
            }
        }
        Ok::<(), std::convert::Infallible>(())
    });
    match copied {
        Ok(()) => {}
    }
}
