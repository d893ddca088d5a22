//! Time stamps of the frames in flight: a driver may not invent frames, nor return one twice.
//!
//! Knows no driver. Every frame passes here twice, so nothing is moved, and where frames come back in order nothing is searched.

/// No frame has it.
const NONE: u64 = u64::MAX;

/// A time stamp for each place of a ring.
pub(super) struct InFlight(Box<[u64]>);

impl InFlight {
    /// Twice the pool: of two frames of one place the older is back even where the driver changes the order of a whole pool.
    pub(super) fn new(pool: u32) -> Self {
        Self(vec![NONE; (2 * pool as usize).next_power_of_two()].into_boxed_slice())
    }

    /// The frame that was submitted as the `number`-th.
    pub(super) fn submit(&mut self, number: u64, pts: u64) {
        let place = self.place(number);
        self.0[place] = pts;
    }

    /// Was the frame in flight that came back as the `number`-th? It no longer is.
    pub(super) fn take_back(&mut self, number: u64, pts: u64) -> bool {
        let place = self.place(number);
        let found = if self.0[place] == pts { Some(place) } else { self.0.iter().position(|&other| other == pts) };
        match found.filter(|_| pts != NONE) {
            Some(place) => {
                self.0[place] = NONE;
                true
            }
            None => false,
        }
    }

    /// Within the ring, whose length is a power of two.
    fn place(&self, number: u64) -> usize {
        number as usize & (self.0.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_once_in_any_order() {
        let mut frames = InFlight::new(4);
        (0..4).for_each(|number| frames.submit(number, 10 * number));
        for (number, pts) in [0, 30, 10, 20].into_iter().enumerate() {
            assert!(frames.take_back(number as u64, pts), "{pts}");
        }
        for pts in [0, 30, 5, NONE] {
            assert!(!frames.take_back(4, pts), "{pts}");
        }
    }

    #[test]
    fn places_are_used_again() {
        let mut frames = InFlight::new(3);
        for number in 0..100 {
            frames.submit(number, number + 7);
            if number >= 2 {
                assert!(frames.take_back(number - 2, number + 5));
            }
        }
        assert!(!frames.take_back(98, 104), "it came back");
        assert!(frames.take_back(98, 105));
    }
}
