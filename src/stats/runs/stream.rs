//! The stream that a run gave: the size and the digest of each packet. Keeps no packets, compares no cases.

use std::sync::Arc;

use crate::record::RunRecord;

/// How many earlier streams are looked at for one that is the same: cases take turns, and few differ.
const LOOK_BACK: usize = 8;

/// What came out of a run, frame by frame in display order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    bytes: Vec<u32>,
    /// Empty where packets were not digested.
    digests: Vec<u32>,
}

impl Stream {
    /// Of a good run of our own encoder; `None`: what came out is not known.
    pub fn of(record: &RunRecord) -> Option<Arc<Self>> {
        let is_whole = record.error.is_none() && record.case.client.is_here() && !record.frames.is_empty();
        let frames = &record.frames;
        is_whole.then(|| Arc::new(Self { bytes: frames.bytes.clone(), digests: frames.packet_digest.clone() }))
    }

    /// The first frame at which two streams differ. One that is longer differs where the other ends.
    pub fn first_difference(&self, other: &Self) -> Option<u32> {
        let differs = |one: &[u32], other: &[u32]| one.iter().zip(other).position(|(one, other)| one != other);
        let shorter = self.bytes.len().min(other.bytes.len());
        let by_length = (self.bytes.len() != other.bytes.len()).then_some(shorter);
        let all = [differs(&self.bytes, &other.bytes), differs(&self.digests, &other.digests), by_length];
        all.into_iter().flatten().min().map(|frame| u32::try_from(frame).unwrap_or(u32::MAX))
    }
}

/// The one of `earlier` that is the same, or `own`: a session of any size keeps each distinct stream once.
pub fn shared<'a, T: PartialEq + 'a>(own: Arc<T>, earlier: impl DoubleEndedIterator<Item = &'a Arc<T>>) -> Arc<T> {
    earlier.rev().take(LOOK_BACK).find(|known| **known == own).map_or(own, Arc::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(bytes: &[u32], digests: &[u32]) -> Arc<Stream> {
        Arc::new(Stream { bytes: bytes.to_vec(), digests: digests.to_vec() })
    }

    #[test]
    fn streams_differ_where_a_size_a_digest_or_the_length_does() {
        let whole = stream(&[9, 5, 5], &[1, 2, 3]);
        for (other, first) in [
            (stream(&[9, 5, 5], &[1, 2, 3]), None),
            // What was not digested is compared by size.
            (stream(&[9, 5, 5], &[]), None),
            (stream(&[9, 6, 5], &[]), Some(1)),
            (stream(&[9, 5, 5], &[1, 2, 4]), Some(2)),
            (stream(&[9, 5, 6], &[1, 7, 4]), Some(1)),
            (stream(&[9, 5], &[1, 2]), Some(2)),
        ] {
            assert_eq!(whole.first_difference(&other), first, "{other:?}");
        }
    }

    #[test]
    fn equal_streams_are_kept_once() {
        let first = stream(&[9, 5], &[1, 2]);
        let kept = [Arc::clone(&first), stream(&[8, 5], &[3, 2])];
        assert!(Arc::ptr_eq(&shared(stream(&[9, 5], &[1, 2]), kept.iter()), &first));
        let other = stream(&[9, 5], &[1, 3]);
        assert!(Arc::ptr_eq(&shared(Arc::clone(&other), kept.iter()), &other));
    }
}
