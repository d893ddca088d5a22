//! From display order to encode order: which picture becomes IDR, I, P or B, and when it can be encoded.
//! Pure: it moves a token per picture and knows no buffers, no clock and no stream syntax.

use std::collections::VecDeque;

use crate::payload::PictureKind;

/// `NVENC_INFINITE_GOPLENGTH`: no intra picture after the first one.
pub const INFINITE_GOP: u32 = u32::MAX;

/// The shape of a group of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GopShape {
    /// Pictures from one intra picture to the next, in display order.
    pub gop_length: u32,
    /// Pictures from one IDR to the next; at least `gop_length`.
    pub idr_period: u32,
    /// `frameIntervalP`: 0 codes every picture intra, 1 is IPPP, `n` puts `n - 1` B pictures between references.
    pub interval_p: u32,
    /// Of several B pictures in a row, the one in the middle is coded first, and the others may refer to it
    /// (`NV_ENC_BFRAME_REF_MODE_MIDDLE`).
    pub middle_b_is_reference: bool,
    /// How many further pictures must have come before a picture's type is decided.
    pub lookahead: u32,
}

/// What a client may force for one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forced {
    Nothing,
    Intra,
    Idr,
}

/// A picture in encode order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coded<T> {
    pub token: T,
    pub kind: PictureKind,
    /// Index in display order since the session began.
    pub display_idx: u32,
    /// Index in display order since the last IDR picture.
    pub poc: i32,
    pub is_reference: bool,
}

impl GopShape {
    /// The most pictures that precede another in encode order and follow it in display order.
    pub fn max_reorder(&self) -> u32 {
        match self.interval_p {
            0 | 1 => 0,
            2 => 1,
            _ => 1 + u32::from(self.middle_b_is_reference),
        }
    }
}

/// Reorders pictures; a picture leaves as soon as everything it depends on has left.
#[derive(Debug)]
pub struct Gop<T> {
    shape: GopShape,
    undecided: VecDeque<(T, Forced)>,
    waiting_b: VecDeque<Held<T>>,
    display_idx: u32,
    /// Display index of the last IDR and of the last intra picture.
    idr_display_idx: u32,
    intra_display_idx: u32,
}

#[derive(Debug)]
struct Held<T> {
    token: T,
    display_idx: u32,
}

impl<T> Gop<T> {
    pub fn new(shape: GopShape) -> Gop<T> {
        Gop {
            shape,
            undecided: VecDeque::with_capacity(shape.lookahead as usize + 1),
            waiting_b: VecDeque::with_capacity(shape.interval_p as usize + 1),
            display_idx: 0,
            idr_display_idx: 0,
            intra_display_idx: 0,
        }
    }

    /// Whether pictures wait for later ones.
    pub fn is_holding(&self) -> bool {
        !(self.undecided.is_empty() && self.waiting_b.is_empty())
    }

    /// Takes the next picture in display order; appends to `coded` what can be encoded now, in encode order.
    pub fn push(&mut self, token: T, forced: Forced, coded: &mut Vec<Coded<T>>) {
        self.undecided.push_back((token, forced));
        if self.undecided.len() > self.shape.lookahead as usize {
            self.decide_oldest(coded);
        }
    }

    /// The end of the stream: nothing waits any longer.
    pub fn flush(&mut self, coded: &mut Vec<Coded<T>>) {
        while !self.undecided.is_empty() {
            self.decide_oldest(coded);
        }
        self.close_waiting(coded);
    }

    fn decide_oldest(&mut self, coded: &mut Vec<Coded<T>>) {
        let Some((token, forced)) = self.undecided.pop_front() else { return };
        let held = Held { token, display_idx: self.display_idx };
        self.display_idx = self.display_idx.wrapping_add(1);
        match self.kind_of(held.display_idx, forced) {
            PictureKind::Idr => {
                // No picture may be displayed before an IDR and depend on what follows it (H.264 7.4.1.2.4).
                self.close_waiting(coded);
                self.start_idr(held.display_idx);
                coded.push(self.emit(held, PictureKind::Idr));
            }
            PictureKind::I => {
                self.intra_display_idx = held.display_idx;
                self.emit_reference(held, PictureKind::I, coded);
            }
            _ if self.waiting_b.len() + 1 < self.shape.interval_p as usize => self.waiting_b.push_back(held),
            _ => self.emit_reference(held, PictureKind::P, coded),
        }
    }

    /// P stands for "P or B" here.
    fn kind_of(&self, display_idx: u32, forced: Forced) -> PictureKind {
        let since = |start: u32| display_idx.wrapping_sub(start);
        let is_first = display_idx == 0;
        let due = |start: u32, period: u32| period != INFINITE_GOP && since(start) >= period;
        if is_first || forced == Forced::Idr || due(self.idr_display_idx, self.shape.idr_period) {
            PictureKind::Idr
        } else if self.shape.interval_p == 0
            || forced == Forced::Intra
            || due(self.intra_display_idx, self.shape.gop_length)
        {
            PictureKind::I
        } else {
            PictureKind::P
        }
    }

    fn start_idr(&mut self, display_idx: u32) {
        self.idr_display_idx = display_idx;
        self.intra_display_idx = display_idx;
    }

    /// The waiting B pictures predict from this reference, so it goes first.
    fn emit_reference(&mut self, held: Held<T>, kind: PictureKind, coded: &mut Vec<Coded<T>>) {
        coded.push(self.emit(held, kind));
        if self.shape.middle_b_is_reference && self.waiting_b.len() > 1 {
            let middle = self.waiting_b.remove(self.waiting_b.len() / 2);
            coded.extend(middle.map(|b| Coded { is_reference: true, ..self.emit(b, PictureKind::B) }));
        }
        while let Some(b) = self.waiting_b.pop_front() {
            coded.push(self.emit(b, PictureKind::B));
        }
    }

    /// Where no later reference will come, the newest waiting picture becomes the P that the others predict from.
    fn close_waiting(&mut self, coded: &mut Vec<Coded<T>>) {
        if let Some(last) = self.waiting_b.pop_back() {
            self.emit_reference(last, PictureKind::P, coded);
        }
    }

    fn emit(&self, held: Held<T>, kind: PictureKind) -> Coded<T> {
        Coded {
            token: held.token,
            kind,
            display_idx: held.display_idx,
            poc: held.display_idx.wrapping_sub(self.idr_display_idx).cast_signed(),
            is_reference: kind != PictureKind::B,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPPP: GopShape = GopShape {
        gop_length: INFINITE_GOP,
        idr_period: INFINITE_GOP,
        interval_p: 1,
        middle_b_is_reference: false,
        lookahead: 0,
    };

    /// What each push and the final flush release, as "kind display_idx", calls separated by "|".
    fn check(shape: GopShape, forced: &[Forced], expected: &str) {
        let mut gop = Gop::new(shape);
        let mut calls = Vec::new();
        for (token, forced) in forced.iter().enumerate() {
            let mut coded = Vec::new();
            gop.push(token, *forced, &mut coded);
            calls.push(describe(&coded));
        }
        let mut coded = Vec::new();
        gop.flush(&mut coded);
        calls.push(describe(&coded));
        assert_eq!(calls.join("|"), expected);
        assert!(!gop.is_holding());
    }

    fn describe(coded: &[Coded<usize>]) -> String {
        let names = coded.iter().map(|picture| {
            assert_eq!(picture.token, picture.display_idx as usize);
            let kind = match picture.kind {
                PictureKind::B if picture.is_reference => "Br",
                PictureKind::Idr => "IDR",
                PictureKind::I => "I",
                PictureKind::P => "P",
                PictureKind::B => "B",
            };
            format!("{kind}{}", picture.display_idx)
        });
        names.collect::<Vec<_>>().join(" ")
    }

    const NONE: Forced = Forced::Nothing;

    #[test]
    fn without_b_each_picture_leaves_at_once() {
        check(IPPP, &[NONE; 4], "IDR0|P1|P2|P3|");
    }

    #[test]
    fn gop_length_starts_a_new_idr() {
        check(GopShape { gop_length: 3, idr_period: 3, ..IPPP }, &[NONE; 7], "IDR0|P1|P2|IDR3|P4|P5|IDR6|");
    }

    #[test]
    fn intra_pictures_come_between_idr_periods() {
        check(GopShape { gop_length: 2, idr_period: 4, ..IPPP }, &[NONE; 6], "IDR0|P1|I2|P3|IDR4|P5|");
    }

    #[test]
    fn all_intra_where_the_interval_is_zero() {
        check(GopShape { interval_p: 0, ..IPPP }, &[NONE; 3], "IDR0|I1|I2|");
    }

    #[test]
    fn b_pictures_follow_their_reference() {
        check(GopShape { interval_p: 3, ..IPPP }, &[NONE; 8], "IDR0|||P3 B1 B2|||P6 B4 B5||P7");
    }

    #[test]
    fn the_middle_b_goes_before_the_others_and_alone_it_serves_nobody() {
        let middle = |interval_p| GopShape { interval_p, middle_b_is_reference: true, ..IPPP };
        check(middle(4), &[NONE; 8], "IDR0||||P4 Br2 B1 B3||||P7 Br6 B5");
        check(middle(2), &[NONE; 3], "IDR0||P2 B1|");
        assert_eq!([middle(4).max_reorder(), middle(2).max_reorder(), IPPP.max_reorder()], [2, 1, 0]);
    }

    #[test]
    fn flush_turns_the_last_waiting_picture_into_p() {
        check(GopShape { interval_p: 4, ..IPPP }, &[NONE; 4], "IDR0||||P3 B1 B2");
    }

    #[test]
    fn forced_idr_closes_the_group_before_it() {
        let forced = [NONE, NONE, NONE, Forced::Idr, NONE];
        check(GopShape { interval_p: 4, ..IPPP }, &forced, "IDR0|||P2 B1 IDR3||P4");
    }

    #[test]
    fn forced_intra_is_a_reference() {
        check(GopShape { interval_p: 3, ..IPPP }, &[NONE, NONE, Forced::Intra, NONE], "IDR0||I2 B1||P3");
    }

    #[test]
    fn lookahead_holds_pictures_back() {
        check(GopShape { lookahead: 2, ..IPPP }, &[NONE; 5], "||IDR0|P1|P2|P3 P4");
    }

    #[test]
    fn numbers_restart_at_an_idr() {
        let mut gop = Gop::new(GopShape { gop_length: 4, idr_period: 4, interval_p: 2, ..IPPP });
        let mut coded = Vec::new();
        (0..8).for_each(|token| gop.push(token, NONE, &mut coded));
        gop.flush(&mut coded);
        let numbers: Vec<_> = coded.iter().map(|p| (p.display_idx, p.poc, p.is_reference)).collect();
        let first = [(0, 0, true), (2, 2, true), (1, 1, false), (3, 3, true)];
        let second = [(4, 0, true), (6, 2, true), (5, 1, false), (7, 3, true)];
        assert_eq!(numbers, [first, second].concat());
    }
}
