//! Copying a frame into the driver's input buffer, plane by plane and row by row. Calls no driver.

use crate::contract::FrameView;

/// Copies every plane of a frame to memory with the driver's pitch.
///
/// The luma pitch is the driver's; planes of half width (I420) have half of it, as NVENC lays them out.
///
/// # Safety
/// `target` must be writable for all planes of `frame` at `pitch`, and not overlap it.
pub(super) unsafe fn copy_planes(frame: &FrameView<'_>, target: *mut u8, pitch: usize) {
    let mut source = frame.data;
    let mut target = target;
    let mut full_row_bytes = None;
    for plane in frame.format.planes(frame.dimensions).iter() {
        let full = *full_row_bytes.get_or_insert(plane.row_bytes);
        let pitch = if plane.row_bytes * 2 <= full + 1 { pitch / 2 } else { pitch };
        let (rows, rest) = source.split_at(plane.row_bytes * plane.rows);
        if pitch == plane.row_bytes {
            // SAFETY: the caller's promise, for one plane without gaps.
            unsafe { std::ptr::copy_nonoverlapping(rows.as_ptr(), target, rows.len()) };
        } else {
            for (row_idx, row) in rows.chunks_exact(plane.row_bytes).enumerate() {
                // SAFETY: the caller's promise; row `row_idx` begins `row_idx` pitches into its plane.
                unsafe { std::ptr::copy_nonoverlapping(row.as_ptr(), target.add(row_idx * pitch), row.len()) };
            }
        }
        source = rest;
        // SAFETY: planes follow each other at their pitch, which is how NVENC lays out a locked input.
        target = unsafe { target.add(pitch * plane.rows) };
    }
}
