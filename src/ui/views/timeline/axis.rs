//! Where a time stands on the screen.

use eframe::egui::Rangef;

use crate::ui::views::timeline::lanes::rows::Window;
use crate::ui::views::timeline::lanes::times::Span;
use crate::ui::views::timeline::scale::{linear_ticks, time_labels};

/// Turns narrower than this are not told apart.
const CROWD_BELOW_PX: f64 = 3.0;

/// Times from left to right.
#[derive(Debug, Clone, Copy)]
pub struct TimeAxis {
    /// On the screen.
    pub across: Rangef,
    from_ns: f64,
    ns_per_pixel: f64,
}

impl TimeAxis {
    /// Shows `bounds_ns` across a part of the screen.
    pub fn new(across: Rangef, bounds_ns: (f64, f64)) -> Self {
        let ns_per_pixel = (bounds_ns.1 - bounds_ns.0) / f64::from(across.span().max(1.0));
        Self { across, from_ns: bounds_ns.0, ns_per_pixel }
    }

    /// The place of a time, at the nearer end if it is out of sight.
    pub fn x(&self, at_ns: u64) -> f32 {
        let x = self.across.min + ((at_ns as f64 - self.from_ns) / self.ns_per_pixel) as f32;
        self.across.clamp(x)
    }

    /// The places of begin and end.
    pub fn xs(&self, span: Span) -> Rangef {
        Rangef::new(self.x(span.from_ns), self.x(span.until_ns))
    }

    /// The time at a place, which may be out of sight.
    pub fn at_ns(&self, x: f32) -> f64 {
        self.from_ns + self.length_ns(x - self.across.min)
    }

    /// How long so many points are.
    pub fn length_ns(&self, points: f32) -> f64 {
        f64::from(points) * self.ns_per_pixel
    }

    /// The share of what is shown that lies left of a place.
    pub fn share(&self, x: f32) -> f64 {
        f64::from((x - self.across.min) / self.across.span().max(1.0)).clamp(0.0, 1.0)
    }

    /// What is shown.
    pub fn span(&self) -> Span {
        let end_ns = self.at_ns(self.across.max);
        Span { from_ns: self.from_ns as u64, until_ns: end_ns as u64 }
    }

    /// What is shown, and how fine.
    pub fn window(&self) -> Window {
        Window { span: self.span(), finest_ns: (self.ns_per_pixel * CROWD_BELOW_PX) as u64 }
    }

    /// Round times with their places and labels.
    pub fn ticks(&self) -> Vec<(f32, String)> {
        let ticks = linear_ticks((self.from_ns, self.at_ns(self.across.max)));
        let places = ticks.iter().map(|at_ns| self.x(at_ns.max(0.0) as u64));
        places.zip(time_labels(&ticks)).collect()
    }
}
