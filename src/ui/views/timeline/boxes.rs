//! A lane as boxes: one for each part of a turn where there is room, shares of the time where there is not.
//!
//! All boxes of a canvas are one mesh; numbers are put on boxes that are wide enough for them. Knows one lane at a time.

use eframe::egui::{Align2, Color32, FontId, Mesh, Painter, Rangef, Rect, Shape, StrokeKind, TextStyle, Ui, pos2};

use crate::figures::colour::{self, Colour, Ground};
use crate::ui::theme;
use crate::ui::views::timeline::axis::TimeAxis;
use crate::ui::views::timeline::lanes::rows::{Block, Piece, Turn};
use crate::ui::views::timeline::lanes::times::{Part, Span};
use crate::ui::views::timeline::lanes::{Lane, Stage};
use crate::ui::views::timeline::model::{Marks, Timeline};

/// In a slot, a narrower frame is one colour.
const PARTS_FROM_PX: f32 = 12.0;
/// The narrowest box that is still seen.
const THINNEST_PX: f32 = 0.6;
/// A narrower box has no number.
const NUMBER_FROM_PX: f32 = 22.0;
/// Between the number and the box's ends.
const MARGIN_PX: f32 = 3.0;
/// From here on neighbours of one colour are kept apart.
const GAP_FROM_PX: f32 = 5.0;

/// What the boxes of a canvas have in common.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Scene<'a> {
    pub timeline: &'a Timeline,
    pub marks: &'a Marks,
    pub axis: TimeAxis,
    pub chosen: Option<u32>,
    pub hovered: Option<u32>,
}

/// What is drawn, from back to front.
pub struct Boxes {
    mesh: Mesh,
    numbers: Vec<Number>,
    outlines: Vec<(Rect, f32)>,
    crowd: Color32,
    mark: Color32,
    ground: Ground,
}

/// A frame's number on its box.
struct Number {
    place: Rect,
    frame: u32,
    fill: Color32,
}

/// The colour of a part.
pub fn colour(part: Part, ground: Ground) -> Color32 {
    theme::on(ground, Colour::Part(meaning(part)))
}

/// A part as all figures know it.
pub fn meaning(part: Part) -> colour::Part {
    match part {
        Part::Room => colour::Part::RoomWait,
        Part::Upload => colour::Part::Upload,
        Part::Convert => colour::Part::Convert,
        Part::Submit => colour::Part::Submit,
        Part::SubmitBehindLock => colour::Part::SubmitWait,
        Part::InFlight => colour::Part::InFlight,
        Part::Encode => colour::Part::Encode,
        Part::EncodeUnseen => colour::Part::EncodeUnseen,
        Part::LockWait => colour::Part::LockWait,
        Part::Copy => colour::Part::Copy,
        Part::Unlock => colour::Part::Unlock,
    }
}

/// Black or white, whichever is easier to read on `fill` over `ground`.
pub fn ink_on(fill: Color32, ground: Color32) -> Color32 {
    let under = ground.blend(fill);
    let light = colour::luminance([under.r(), under.g(), under.b()]);
    // There black and white have the same contrast.
    if light > 0.179 { Color32::BLACK } else { Color32::WHITE }
}

impl Boxes {
    /// None yet.
    pub fn new(ui: &Ui) -> Self {
        Self {
            mesh: Mesh::default(),
            numbers: Vec::new(),
            outlines: Vec::new(),
            crowd: theme::crowd(ui),
            mark: theme::mark(ui),
            ground: theme::ground(ui),
        }
    }

    /// What they are drawn on.
    pub fn ground(&self) -> Ground {
        self.ground
    }

    /// A rectangle of one colour, under all numbers.
    pub fn fill(&mut self, rect: Rect, colour: Color32) {
        self.mesh.add_colored_rect(rect, colour);
    }

    /// What is seen of a lane.
    pub fn add_lane(&mut self, scene: &Scene<'_>, idx: usize, lane: &Lane, across: Rangef) {
        let blocks = lane.row.blocks(scene.axis.window());
        for (place, block) in blocks.iter().enumerate() {
            let turn = lane.row.turns().get(block.turns.start).filter(|_| block.turns.len() == 1);
            match turn {
                Some(turn) => self.add_turn(scene, lane, *turn, across),
                None if lane.kind.is_slot() => self.add_whole(scene, block.span, across, self.crowd),
                None => self.add_shares(scene, lane, block, blocks.get(place + 1), across),
            }
            if lane.kind.is_slot() && scene.marks.any_of(idx, &block.turns) {
                let top = Rangef::new(across.min, across.min + 3.0);
                self.add_whole(scene, block.span, top, self.mark);
            }
        }
    }

    /// Draws everything.
    pub fn paint(self, ui: &Ui, painter: &Painter) {
        painter.add(Shape::mesh(self.mesh));
        let (font, ground) = (TextStyle::Small.resolve(ui.style()), theme::ink(ui).ground);
        self.numbers.iter().for_each(|number| number.paint(painter, &font, ground));
        for (rect, width) in self.outlines {
            painter.rect_stroke(rect, 0.0, (width, ui.visuals().strong_text_color()), StrokeKind::Outside);
        }
    }

    fn add_turn(&mut self, scene: &Scene<'_>, lane: &Lane, turn: Turn, across: Rangef) {
        let place = scene.axis.xs(turn.span);
        if lane.kind.is_slot() && place.span() < PARTS_FROM_PX {
            self.add_whole(scene, turn.span, across, self.crowd);
        } else {
            self.add_parts(scene, lane.stage, turn, across);
        }
        let is_chosen = scene.chosen == Some(turn.frame);
        if is_chosen || scene.hovered == Some(turn.frame) {
            let rect = Rect::from_x_y_ranges(Rangef::new(place.min, place.max.max(place.min + 2.0)), across);
            self.outlines.push((rect, if is_chosen { 2.0 } else { 1.0 }));
        }
    }

    fn add_parts(&mut self, scene: &Scene<'_>, stage: Stage, turn: Turn, across: Rangef) {
        let mut widest: Option<(Rect, Part)> = None;
        for Piece { part, span } in turn.pieces(&scene.timeline.times_of(stage)) {
            let top = if part == Part::EncodeUnseen { across.center() } else { across.min };
            let mut x = scene.axis.xs(span);
            if span.until_ns == turn.span.until_ns && x.span() >= GAP_FROM_PX {
                x.max -= 1.0;
            }
            let rect = Rect::from_x_y_ranges(at_least(x), Rangef::new(top, across.max));
            self.fill(rect, colour(part, self.ground));
            if widest.is_none_or(|(other, _)| rect.width() > other.width()) {
                widest = Some((rect, part));
            }
        }
        if let Some((place, part)) = widest.filter(|(place, _)| place.width() >= NUMBER_FROM_PX) {
            self.numbers.push(Number { place, frame: turn.frame, fill: colour(part, self.ground) });
        }
    }

    /// A crowd in a thread's or the engine's lane: each part has a share of the height, as it had of the time.
    fn add_shares(&mut self, scene: &Scene<'_>, lane: &Lane, block: &Block, next: Option<&Block>, across: Rangef) {
        let is_near =
            |next: &&Block| next.span.from_ns.saturating_sub(block.span.until_ns) <= scene.axis.window().finest_ns;
        let until_ns = next.filter(is_near).map_or(block.span.until_ns, |next| next.span.from_ns);
        let span = Span { until_ns, ..block.span };
        let x = at_least(scene.axis.xs(span));
        let mut bottom = across.max;
        for (part, sum_ns) in lane.row.sums(block.turns.clone(), &scene.timeline.times_of(lane.stage)).parts() {
            let share = sum_ns as f32 / span.length_ns().max(1) as f32;
            let top = bottom - share * across.span();
            self.fill(Rect::from_x_y_ranges(x, Rangef::new(top, bottom)), colour(part, self.ground));
            bottom = top;
        }
    }

    fn add_whole(&mut self, scene: &Scene<'_>, span: Span, across: Rangef, colour: Color32) {
        self.fill(Rect::from_x_y_ranges(at_least(scene.axis.xs(span)), across), colour);
    }
}

impl Number {
    fn paint(&self, painter: &Painter, font: &FontId, ground: Color32) {
        let ink = ink_on(self.fill, ground);
        let text = painter.layout_no_wrap(self.frame.to_string(), font.clone(), ink);
        if text.size().x + 2.0 * MARGIN_PX <= self.place.width() && text.size().y <= self.place.height() {
            let corner = Align2::CENTER_CENTER.anchor_size(self.place.center(), text.size()).min;
            painter.galley(pos2(corner.x.round(), corner.y.round()), text, ink);
        }
    }
}

fn at_least(x: Rangef) -> Rangef {
    Rangef::new(x.min, x.max.max(x.min + THINNEST_PX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read_on_every_part() {
        let grounds =
            [(Ground::Dark, Color32::from_rgb(0x14, 0x16, 0x1a)), (Ground::Light, Color32::from_rgb(0xf6, 0xf7, 0xf9))];
        for (ground, behind) in grounds {
            for part in Part::ALL {
                let fill = colour(part, ground);
                let rgb = |of: Color32| [of.r(), of.g(), of.b()];
                let contrast = colour::contrast(rgb(ink_on(fill, behind)), rgb(behind.blend(fill)));
                assert!(contrast >= 4.5, "{part:?} on {ground:?}: {contrast}");
            }
        }
    }
}
