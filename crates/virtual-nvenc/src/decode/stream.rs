//! A stream of NAL units as a parser sees it: its headers in either codec, and the order in which its pictures are shown.

use super::codec::Codec;
use super::sequence::{Picture, Sequence};
use super::{h264, hevc};

/// The headers of a stream of NAL units.
#[derive(Debug)]
pub enum Headers {
    H264(h264::Headers),
    Hevc(hevc::Headers),
}

impl Headers {
    /// `None`: the codec has no NAL units.
    pub fn new(codec: Codec) -> Option<Self> {
        match codec {
            Codec::H264 => Some(Self::H264(h264::Headers::default())),
            Codec::Hevc => Some(Self::Hevc(hevc::Headers::default())),
            Codec::Vp9 => None,
        }
    }

    /// What one access unit holds: the last sequence header, and its picture.
    pub fn read(&mut self, unit: &[u8]) -> (Option<Sequence>, Option<Picture>) {
        let (mut sequence, mut picture) = (None, None);
        for nal in nal_units(unit) {
            let (one, other) = match self {
                Self::H264(headers) => headers.read(nal),
                Self::Hevc(headers) => headers.read(nal),
            };
            sequence = one.or(sequence);
            picture = picture.or(other);
        }
        (sequence, picture)
    }
}

/// NAL units without their start codes.
fn nal_units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let start = bytes.windows(3).position(|three| three == [0, 0, 1])? + 3;
        let nal = &bytes[start..];
        // Only headers are read, so a unit may as well reach into the zero byte of the next start code.
        let end = nal.windows(3).position(|three| three == [0, 0, 1]);
        rest = end.map(|end| &nal[end..]);
        Some(&nal[..end.unwrap_or(nal.len())])
    })
}

/// Pictures that wait for their turn to be shown.
#[derive(Debug)]
pub struct Reorder<T> {
    num_reorder: usize,
    waiting: Vec<(i32, T)>,
}

impl<T> Reorder<T> {
    pub fn new(num_reorder: u32) -> Self {
        Self { num_reorder: num_reorder as usize, waiting: Vec::with_capacity(num_reorder as usize + 1) }
    }

    /// Takes a picture in; gives out what can be shown now.
    pub fn push(&mut self, picture: &Picture, token: T, mut show: impl FnMut(T)) {
        if picture.starts_anew {
            self.flush(&mut show);
        }
        self.waiting.push((picture.order, token));
        while self.waiting.len() > self.num_reorder {
            self.first().into_iter().for_each(&mut show);
        }
    }

    /// Gives out everything.
    pub fn flush(&mut self, mut show: impl FnMut(T)) {
        while let Some(token) = self.first() {
            show(token);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter().map(|(_, token)| token)
    }

    fn first(&mut self) -> Option<T> {
        let first = (0..self.waiting.len()).min_by_key(|&idx| self.waiting[idx].0)?;
        Some(self.waiting.remove(first).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_shown_in_order_as_soon_as_none_can_come_before() {
        let mut reorder = Reorder::new(2);
        let mut shown = Vec::new();
        for (order, starts_anew) in [(0, true), (8, false), (4, false), (2, false), (6, false), (0, true), (2, false)] {
            let picture = Picture { order, starts_anew, is_intra: false, is_reference: true };
            reorder.push(&picture, order, |order| shown.push(order));
        }
        assert_eq!(shown, [0, 2, 4, 6, 8]);
        reorder.flush(|order| shown.push(order));
        assert_eq!(shown, [0, 2, 4, 6, 8, 0, 2]);
    }
}
