//! What multi-pass encoding costs the modelled engine.
//!
//! An assumption, not a measurement: a pass costs what its pixels cost, so one over the whole frame costs as much again, and one
//! at a quarter of the resolution (half the width, half the height) a quarter. A client that does not ask for it encodes once.
//! What lookahead and B pictures cost is not modelled: no public figure says.

/// `NV_ENC_MULTI_PASS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    One,
    QuarterFirst,
    FullFirst,
}

impl Passes {
    /// By the header's number; one that it does not have means one pass.
    pub fn from_code(code: u32) -> Passes {
        match code {
            1 => Passes::QuarterFirst,
            2 => Passes::FullFirst,
            _ => Passes::One,
        }
    }

    /// By how much longer a picture takes.
    pub fn factor(self) -> f64 {
        match self {
            Passes::One => 1.0,
            Passes::QuarterFirst => 1.25,
            Passes::FullFirst => 2.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_asks_for_it_encodes_twice() {
        assert_eq!([0, 1, 2, 3].map(|code| Passes::from_code(code).factor()), [1.0, 1.25, 2.0, 1.0]);
    }
}
