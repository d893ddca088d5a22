//! Which pictures a decoder still holds as references, and the numbers that follow from it. It knows neither bits nor pixels.

use super::{MAX_REORDER, PayloadError, PictureHeader, PictureKind};

/// The low bits of the POC that a slice carries: log2_max_pic_order_cnt_lsb in both standards.
pub(super) const POC_LSB_BITS: u32 = 8;

/// How far a display index may lie from that of the last reference picture: half of what the low bits of a POC tell apart
/// (H.264 8.2.1.1, where a picture counts twice).
const MAX_POC_STEP: u32 = (1 << POC_LSB_BITS) / 4 - 1;

const MAX_REFERENCES: usize = MAX_REORDER as usize + 1;

/// The reference pictures written since the last IDR, as a sliding window: the oldest written leaves first (H.264 8.2.5.3).
///
/// HEVC has no sliding window of its own; its slices list the same pictures.
#[derive(Debug)]
pub(super) struct History {
    capacity: usize,
    /// POCs in the order of writing, the oldest first.
    references: Vec<i32>,
    next_frame_num: u32,
    num_idr: u32,
}

/// A picture's header and what the history adds to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) kind: PictureKind,
    pub(super) poc: i32,
    pub(super) is_reference: bool,
    /// Reference pictures since the IDR picture, this one not counted (H.264 7.4.3).
    pub(super) frame_num: u32,
    /// Differs between two IDR pictures in a row (H.264 7.4.3).
    pub(super) idr_pic_id: u32,
}

impl History {
    pub(super) fn new(max_reorder: u32) -> Self {
        let capacity = max_reorder as usize + 1;
        Self { capacity, references: Vec::with_capacity(MAX_REFERENCES + 1), next_frame_num: 0, num_idr: 0 }
    }

    /// Where a picture stands if it is written next.
    pub(super) fn place(&self, header: PictureHeader) -> Result<Place, PayloadError> {
        let PictureHeader { kind, poc, is_reference } = header;
        let idr_pic_id = self.num_idr % 2;
        if kind == PictureKind::Idr {
            return Ok(Place { kind, poc: 0, is_reference: true, frame_num: 0, idr_pic_id });
        }
        let Some(last_reference) = self.references.last() else {
            return Err(PayloadError::NoIdr);
        };
        if poc <= 0 || poc.abs_diff(*last_reference) > MAX_POC_STEP {
            return Err(PayloadError::DisplayIndex { poc, max_step: MAX_POC_STEP });
        }
        Ok(Place { kind, poc, is_reference, frame_num: self.next_frame_num, idr_pic_id })
    }

    /// Notes that the picture has been written.
    pub(super) fn advance(&mut self, place: &Place) {
        if place.kind == PictureKind::Idr {
            self.references.clear();
            self.num_idr = self.num_idr.wrapping_add(1);
        }
        if place.is_reference {
            self.references.push(place.poc);
            self.next_frame_num = place.frame_num.wrapping_add(1);
        }
        if self.references.len() > self.capacity {
            self.references.remove(0);
        }
    }

    /// Distances in POC of the references shown before `poc`, the nearest first (H.265 7.4.8 orders them so).
    pub(super) fn distances_before(&self, poc: i32) -> Distances {
        Distances::new(self.references.iter().map(|reference| i64::from(poc) - i64::from(*reference)))
    }

    /// Distances in POC of the references shown after `poc`, the nearest first.
    pub(super) fn distances_after(&self, poc: i32) -> Distances {
        Distances::new(self.references.iter().map(|reference| i64::from(*reference) - i64::from(poc)))
    }
}

/// A short ascending list of positive distances that needs no heap.
#[derive(Debug)]
pub(super) struct Distances {
    sorted: [u32; MAX_REFERENCES],
    len: usize,
}

impl Distances {
    fn new(distances: impl Iterator<Item = i64>) -> Self {
        let mut sorted = [u32::MAX; MAX_REFERENCES];
        let mut len = 0;
        for (slot, distance) in
            sorted.iter_mut().zip(distances.filter_map(|it| u32::try_from(it).ok()).filter(|it| *it > 0))
        {
            *slot = distance;
            len += 1;
        }
        sorted.sort_unstable();
        Self { sorted, len }
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        &self.sorted[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(history: &mut History, kind: PictureKind, poc: i32, is_reference: bool) -> Place {
        let place = history.place(PictureHeader { kind, poc, is_reference }).unwrap();
        history.advance(&place);
        place
    }

    #[test]
    fn a_stream_starts_with_an_idr_picture() {
        let header = PictureHeader { kind: PictureKind::P, poc: 1, is_reference: true };
        assert_eq!(History::new(0).place(header).unwrap_err(), PayloadError::NoIdr);
    }

    #[test]
    fn a_display_index_out_of_reach_is_refused() {
        let mut history = History::new(0);
        write(&mut history, PictureKind::Idr, 0, true);
        for poc in [-1, 0, 64, i32::MAX] {
            let result = history.place(PictureHeader { kind: PictureKind::P, poc, is_reference: true });
            assert!(matches!(result, Err(PayloadError::DisplayIndex { .. })), "{poc}: {result:?}");
        }
    }

    #[test]
    fn frame_num_counts_references_only() {
        let mut history = History::new(1);
        let order = [
            (PictureKind::Idr, 0, true),
            (PictureKind::P, 3, true),
            (PictureKind::B, 1, false),
            (PictureKind::B, 2, false),
        ];
        let mut numbers: Vec<_> =
            order.map(|(kind, poc, reference)| write(&mut history, kind, poc, reference).frame_num).into();
        numbers.push(write(&mut history, PictureKind::P, 6, true).frame_num);
        assert_eq!(numbers, [0, 1, 2, 2, 2]);
    }

    #[test]
    fn distances_split_at_the_picture_and_rise() {
        let mut history = History::new(2);
        write(&mut history, PictureKind::Idr, 0, true);
        write(&mut history, PictureKind::P, 8, true);
        write(&mut history, PictureKind::B, 4, true);
        assert_eq!(history.distances_before(6).as_slice(), [2, 6]);
        assert_eq!(history.distances_after(6).as_slice(), [2]);
        write(&mut history, PictureKind::B, 2, true);
        assert_eq!(history.distances_before(9).as_slice(), [1, 5, 7], "the IDR has left the window");
    }

    #[test]
    fn idr_pictures_in_a_row_have_different_ids() {
        let mut history = History::new(0);
        let ids = [(); 3].map(|()| write(&mut history, PictureKind::Idr, 0, true).idr_pic_id);
        assert_eq!(ids, [0, 1, 0]);
    }
}
