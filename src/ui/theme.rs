//! Type, sizes and the colours of the window's own parts. What is drawn has its colours from `figures::colour`.

use eframe::egui::{
    self, Color32, Context, FontData, FontDefinitions, FontFamily, FontId, RichText, Sense, Stroke, TextStyle, Theme,
    Ui, Visuals,
};

use crate::figures::colour::{Colour, Ground, Part};
use crate::stats::verdict::criteria::Verdict;
use crate::stats::verdict::effects::Answer;

/// Width of the set-up panel.
pub const SETUP_WIDTH: f32 = 320.0;
/// Usual height of a plot.
pub const PLOT_HEIGHT: f32 = 180.0;
/// Least height of a plot that can still be read.
pub const MIN_PLOT_HEIGHT: f32 = 70.0;
/// Width of a plotted line.
pub const LINE_WIDTH: f32 = 1.5;
/// Height of a table's row.
pub const ROW_HEIGHT: f32 = 22.0;
/// The grid that everything stands on.
pub const GRID: f32 = 8.0;
/// Between parts that belong apart.
pub const GAP: f32 = 16.0;
/// Of cards and tiles.
pub const CARD_RADIUS: u8 = 8;
/// Of buttons, fields and chips.
pub const RADIUS: u8 = 6;

/// The colours of one theme that are no series.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Ink {
    /// Behind the views.
    pub ground: Color32,
    /// Behind bars and the set-up.
    pub panel: Color32,
    pub card: Color32,
    /// Every second row of a table.
    pub stripe: Color32,
    /// Edges of what can be pressed.
    pub edge: Color32,
    pub line: Color32,
    pub text: Color32,
    pub dim: Color32,
    /// What a finger may press next.
    pub accent: Color32,
    /// Filled with it, white text is readable on it.
    pub accent_fill: Color32,
    pub accent_ground: Color32,
    pub good: Color32,
    pub good_ground: Color32,
    pub warn: Color32,
    pub warn_ground: Color32,
    pub alert: Color32,
}

const DARK: Ink = Ink {
    ground: Color32::from_rgb(0x14, 0x16, 0x1a),
    panel: Color32::from_rgb(0x1b, 0x1e, 0x24),
    card: Color32::from_rgb(0x22, 0x26, 0x2d),
    stripe: Color32::from_rgb(0x1d, 0x20, 0x26),
    edge: Color32::from_rgb(0x4a, 0x52, 0x5e),
    line: Color32::from_rgb(0x2e, 0x33, 0x3c),
    text: Color32::from_rgb(0xe8, 0xea, 0xed),
    dim: Color32::from_rgb(0x9a, 0xa3, 0xaf),
    accent: Color32::from_rgb(0x4c, 0x9d, 0xff),
    accent_fill: Color32::from_rgb(0x24, 0x70, 0xd6),
    accent_ground: Color32::from_rgb(0x1d, 0x3a, 0x5f),
    good: Color32::from_rgb(0x3e, 0xcf, 0x8e),
    good_ground: Color32::from_rgb(0x12, 0x35, 0x2a),
    warn: Color32::from_rgb(0xf0, 0xb4, 0x29),
    warn_ground: Color32::from_rgb(0x3a, 0x2f, 0x12),
    alert: Color32::from_rgb(0xff, 0x8a, 0x5c),
};

const LIGHT: Ink = Ink {
    ground: Color32::from_rgb(0xf6, 0xf7, 0xf9),
    panel: Color32::from_rgb(0xff, 0xff, 0xff),
    card: Color32::from_rgb(0xf3, 0xf5, 0xf8),
    stripe: Color32::from_rgb(0xea, 0xed, 0xf2),
    edge: Color32::from_rgb(0xb4, 0xbc, 0xc7),
    line: Color32::from_rgb(0xdf, 0xe3, 0xe9),
    text: Color32::from_rgb(0x1a, 0x1d, 0x22),
    dim: Color32::from_rgb(0x5b, 0x64, 0x70),
    accent: Color32::from_rgb(0x0b, 0x63, 0xce),
    accent_fill: Color32::from_rgb(0x0b, 0x63, 0xce),
    accent_ground: Color32::from_rgb(0xdc, 0xeb, 0xff),
    good: Color32::from_rgb(0x0f, 0x74, 0x4b),
    good_ground: Color32::from_rgb(0xd9, 0xf3, 0xe6),
    warn: Color32::from_rgb(0x8a, 0x5a, 0x00),
    warn_ground: Color32::from_rgb(0xfd, 0xf0, 0xcf),
    alert: Color32::from_rgb(0xb0, 0x3a, 0x00),
};

/// The colours of the theme in use.
pub fn ink(ui: &Ui) -> &'static Ink {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

const SEMIBOLD: &str = "semibold";
/// The text face, regular and semibold.
pub const FACES: [&[u8]; 2] =
    [include_bytes!("../../assets/fonts/Inter-Regular.otf"), include_bytes!("../../assets/fonts/Inter-SemiBold.otf")];

/// Text of the weight of headings.
pub fn semibold(text: impl Into<String>) -> RichText {
    RichText::new(text).family(FontFamily::Name(SEMIBOLD.into()))
}

/// Text of the usual weight.
pub fn plain(text: impl Into<String>) -> RichText {
    RichText::new(text)
}

/// The one line in the verdict bar.
pub fn title(text: impl Into<String>) -> RichText {
    semibold(text).size(24.0)
}

/// A number that stands alone.
pub fn number(text: impl Into<String>) -> RichText {
    semibold(text).size(18.0)
}

/// Type, sizes, spacing and colours for the whole window. Once, at the start.
pub fn apply(ctx: &Context) {
    ctx.set_fonts(fonts());
    for (theme, ink) in [(Theme::Dark, &DARK), (Theme::Light, &LIGHT)] {
        ctx.style_mut_of(theme, |style| {
            style.spacing.item_spacing = egui::vec2(GRID, GRID);
            style.spacing.button_padding = egui::vec2(12.0, 4.0);
            style.spacing.interact_size.y = 24.0;
            style.spacing.menu_margin = egui::Margin::same(8);
            style.text_styles = [
                (TextStyle::Heading, FontId::new(13.0, FontFamily::Name(SEMIBOLD.into()))),
                (TextStyle::Body, FontId::proportional(13.0)),
                (TextStyle::Button, FontId::proportional(13.0)),
                (TextStyle::Small, FontId::proportional(12.0)),
                (TextStyle::Monospace, FontId::monospace(12.0)),
            ]
            .into();
            colour_in(&mut style.visuals, ink);
        });
    }
}

/// Inter for text, with figures of equal width; egui's own fonts for what it lacks; the icons last.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let files: [(&str, &'static [u8]); 3] = [
        ("Inter", FACES[0]),
        ("Inter SemiBold", FACES[1]),
        ("Phosphor", include_bytes!("../../assets/fonts/Phosphor.ttf")),
    ];
    for (name, bytes) in files {
        fonts.font_data.insert(name.to_owned(), FontData::from_static(bytes).into());
    }
    let usual = fonts.families.entry(FontFamily::Proportional).or_default();
    usual.insert(0, "Inter".to_owned());
    usual.push("Phosphor".to_owned());
    let mut semibold = usual.clone();
    semibold.insert(0, "Inter SemiBold".to_owned());
    fonts.families.insert(FontFamily::Name(SEMIBOLD.into()), semibold);
    fonts
}

fn colour_in(visuals: &mut Visuals, ink: &Ink) {
    visuals.panel_fill = ink.ground;
    visuals.window_fill = ink.panel;
    visuals.window_stroke = Stroke::new(1.0, ink.line);
    visuals.window_corner_radius = CARD_RADIUS.into();
    visuals.menu_corner_radius = CARD_RADIUS.into();
    visuals.extreme_bg_color = ink.ground;
    visuals.text_edit_bg_color = Some(ink.panel);
    visuals.faint_bg_color = ink.stripe;
    visuals.code_bg_color = ink.card;
    visuals.hyperlink_color = ink.accent;
    visuals.weak_text_color = Some(ink.dim);
    visuals.warn_fg_color = ink.warn;
    visuals.error_fg_color = ink.alert;
    visuals.selection.bg_fill = ink.accent_ground;
    visuals.selection.stroke = Stroke::new(1.0, ink.text);
    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = RADIUS.into();
        widget.expansion = 0.0;
        widget.bg_stroke = Stroke::new(1.0, ink.line);
        widget.fg_stroke = Stroke::new(1.0, ink.text);
        (widget.bg_fill, widget.weak_bg_fill) = (ink.panel, ink.panel);
    }
    widgets.noninteractive.bg_fill = ink.panel;
    widgets.inactive.bg_stroke.color = ink.edge;
    (widgets.hovered.bg_fill, widgets.hovered.weak_bg_fill) = (ink.card, ink.card);
    widgets.hovered.bg_stroke.color = ink.dim;
    for widget in [&mut widgets.active, &mut widgets.open] {
        (widget.bg_fill, widget.weak_bg_fill) = (ink.accent_ground, ink.accent_ground);
        widget.bg_stroke.color = ink.accent;
    }
}

/// What a colour of the figures is in the theme in use.
pub fn of(ui: &Ui, colour: Colour) -> Color32 {
    on(ground(ui), colour)
}

/// What a colour of the figures is on a ground.
pub fn on(ground: Ground, colour: Colour) -> Color32 {
    let [red, green, blue] = colour.rgb(ground);
    Color32::from_rgb(red, green, blue)
}

/// Behind the figures.
pub fn ground(ui: &Ui) -> Ground {
    if ui.visuals().dark_mode { Ground::Dark } else { Ground::Light }
}

/// A square of a colour, before the name of what is drawn in it.
pub fn swatch_ui(ui: &mut Ui, colour: Color32) {
    let (place, _) = ui.allocate_exact_size(egui::Vec2::splat(10.0), Sense::hover());
    ui.painter().rect_filled(place, 2.0, colour);
}

/// Text as figures set it.
pub fn font(size: f32, is_strong: bool) -> FontId {
    let family = if is_strong { FontFamily::Name(SEMIBOLD.into()) } else { FontFamily::Proportional };
    FontId::new(size, family)
}

/// What needs attention.
pub fn alert(ui: &Ui) -> Color32 {
    ink(ui).alert
}

/// What is virtual, so that nobody takes it for a GPU.
pub fn virtual_device(ui: &Ui) -> Color32 {
    ink(ui).warn
}

/// A verdict's colour; the word always stands beside it.
pub fn verdict(ui: &Ui, verdict: Verdict) -> Color32 {
    match verdict {
        Verdict::Pass => ink(ui).good,
        Verdict::Fail => ink(ui).alert,
        Verdict::Inconclusive | Verdict::NotComparable => ink(ui).dim,
    }
}

/// An answer's colour; the word always stands beside it.
pub fn answer(ui: &Ui, answer: Answer) -> Color32 {
    verdict(
        ui,
        match answer {
            Answer::Improved => Verdict::Pass,
            Answer::Worse => Verdict::Fail,
            Answer::Equivalent | Answer::Inconclusive => Verdict::Inconclusive,
        },
    )
}

/// Several frames that are too narrow to be told apart.
pub fn crowd(ui: &Ui) -> Color32 {
    of(ui, Colour::Part(Part::InFlight)).lerp_to_gamma(ink(ui).dim, 0.3)
}

/// A frame that a person has marked, on any of the colours above.
pub fn mark(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(0xff, 0xd8, 0x4a) } else { Color32::from_rgb(0x1a, 0x1a, 0x1a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(one: Color32, other: Color32) -> f64 {
        let rgb = |of: Color32| [of.r(), of.g(), of.b()];
        crate::figures::colour::contrast(rgb(one), rgb(other))
    }

    #[test]
    fn every_text_can_be_read_on_what_it_stands_on() {
        for ink in [DARK, LIGHT] {
            for ground in [ink.ground, ink.panel, ink.card, ink.stripe] {
                for text in [ink.text, ink.dim, ink.accent, ink.good, ink.warn, ink.alert] {
                    assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}: {}", contrast(text, ground));
                }
            }
            let pairs = [
                (ink.text, ink.accent_ground),
                (ink.good, ink.good_ground),
                (ink.warn, ink.warn_ground),
                (Color32::WHITE, ink.accent_fill),
            ];
            for (text, ground) in pairs {
                assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}: {}", contrast(text, ground));
            }
        }
    }
}
