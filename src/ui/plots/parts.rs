//! What the plots have in common: titles, keys, plots that stand still, stacked bars.

use eframe::egui::{Align2, Color32, Pos2, Rangef, Rect, Sense, TextStyle, Ui, pos2, vec2};
use egui_plot::{AxisHints, GridMark, LineStyle, Plot};

use crate::contract::LockPlacement;
use crate::record::{Case, DeviceKind};
use crate::ui::data::LoadedSession;
use crate::ui::{pictures, theme};

const BAR_HEIGHT: f32 = 16.0;
const BAR_ROW_HEIGHT: f32 = 24.0;
const BAR_LABEL_WIDTH: f32 = 110.0;

/// A line or area in a key.
pub struct KeyEntry {
    /// What it stands for.
    pub name: String,
    /// How it is drawn.
    pub colour: Color32,
    /// How it is drawn.
    pub style: LineStyle,
    /// Its tooltip; empty where the name says it.
    pub definition: &'static str,
}

/// A row of stacked bars.
pub struct BarRow {
    /// Left of it.
    pub label: String,
    /// One bar a thread, each with one value for every part.
    pub bars: Vec<Vec<f64>>,
    /// A line across the row.
    pub mark: Option<f64>,
    /// To stand out among the others?
    pub is_strong: bool,
}

/// What stacked bars are drawn with.
pub struct BarChart<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// The parts' names and colours.
    pub parts: &'a [(String, Color32)],
    /// Top to bottom.
    pub rows: &'a [BarRow],
    /// Number to text.
    pub text: &'a dyn Fn(f64) -> String,
}

/// A plot's title, with what it shows as tooltip. An exported picture of a virtual device's plot says so.
pub fn title_ui(ui: &mut Ui, title: &str, definition: &str, session: &LoadedSession) {
    let shown = ui.horizontal(|ui| {
        ui.heading(title).on_hover_text(definition);
        if session.session.manifest.device.kind == DeviceKind::Virtual && pictures::is_asked(ui.ctx()) {
            ui.colored_label(theme::virtual_device(ui), "VIRTUAL DEVICE");
        }
    });
    pictures::note_title(ui, shown.response.rect);
}

/// Names and their colours in one row that wraps.
pub fn key_ui(ui: &mut Ui, entries: impl Iterator<Item = KeyEntry>) {
    let shown = ui.horizontal_wrapped(|ui| {
        for KeyEntry { name, colour, style, definition } in entries {
            let (rect, _) = ui.allocate_exact_size(vec2(18.0, ui.text_style_height(&TextStyle::Small)), Sense::hover());
            let dashes = match style {
                LineStyle::Solid => vec![(0.0, 18.0)],
                LineStyle::Dashed { .. } => vec![(0.0, 7.0), (10.0, 18.0)],
                LineStyle::Dotted { .. } => vec![(0.0, 3.0), (7.0, 10.0), (14.0, 17.0)],
            };
            for (from, to) in dashes {
                let dash = Rect::from_min_max(
                    pos2(rect.left() + from, rect.center().y - 1.5),
                    pos2(rect.left() + to, rect.center().y + 1.5),
                );
                ui.painter().rect_filled(dash, 0.0, colour);
            }
            let label = ui.small(name);
            if !definition.is_empty() {
                label.on_hover_text(definition);
            }
            ui.add_space(6.0);
        }
    });
    pictures::note_key(ui, shown.response.rect);
}

/// A plot whose bounds follow its data and nothing else.
pub fn still_plot<'a>(ui: &Ui, id: &'static str, height: f32) -> Plot<'a> {
    Plot::new(id)
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .grid_color(grid_colour(ui))
}

/// Lines to measure by, behind what is measured.
pub fn grid_colour(ui: &Ui) -> Color32 {
    ui.visuals().text_color().gamma_multiply(0.2)
}

/// How high two plots may be that stand above each other and above a table, on the part of the screen there is.
pub fn plot_height(ui: &Ui) -> f32 {
    ((ui.clip_rect().height() - 330.0) / 2.0).clamp(theme::PLOT_HEIGHT, 1.8 * theme::PLOT_HEIGHT)
}

/// An axis whose ticks are all labelled: they were chosen so that their labels fit.
pub fn axis<'a>(axis: AxisHints<'a>, title: &str, text: impl Fn(f64) -> String + 'a) -> AxisHints<'a> {
    axis.label(title).label_spacing(Rangef::new(1.0, 2.0)).formatter(move |mark, _| text(mark.value))
}

/// Grid lines at exactly `values`.
pub fn marks(values: impl IntoIterator<Item = f64>) -> Vec<GridMark> {
    values.into_iter().map(|value| GridMark { value, step_size: 1e9 }).collect()
}

/// A case's line: colour by threshold, dashes by who locks, as in the report.
pub fn case_line(case: &Case, thresholds: &[u32]) -> (Color32, LineStyle) {
    let idx = thresholds.iter().position(|&threshold| threshold == case.reap_threshold).unwrap_or(0);
    let style = match case.lock {
        LockPlacement::Inline => LineStyle::Solid,
        LockPlacement::Thread => LineStyle::Dashed { length: 7.0 },
        LockPlacement::Poll => LineStyle::Dotted { spacing: 4.0 },
    };
    (theme::series(idx), style)
}

/// The distinct thresholds, ascending.
pub fn thresholds<'a>(cases: impl Iterator<Item = &'a Case>) -> Vec<u32> {
    let mut thresholds: Vec<_> = cases.map(|case| case.reap_threshold).collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    thresholds
}

impl KeyEntry {
    /// A solid line whose name says it all.
    pub fn solid(name: impl Into<String>, colour: Color32) -> Self {
        Self { name: name.into(), colour, style: LineStyle::Solid, definition: "" }
    }
}

/// Draws stacked bars from 0 on one scale, the part under the pointer explained.
pub fn bars_ui(ui: &mut Ui, chart: &BarChart<'_>) {
    let size = vec2(ui.available_width(), BAR_ROW_HEIGHT * chart.rows.len() as f32 + 18.0);
    let (response, painter) = ui.allocate_painter(size, Sense::hover());
    let longest = |row: &BarRow| row.bars.iter().map(|bar| bar.iter().sum()).fold(row.mark.unwrap_or(0.0), f64::max);
    let most = chart.rows.iter().map(longest).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let left = response.rect.left() + BAR_LABEL_WIDTH;
    let width = (response.rect.right() - left - 40.0).max(1.0);
    let x = |value: f64| left + (value / most) as f32 * width;
    let pointer = response.hover_pos();
    let mut explained = None;
    let (ink, small) = (ui.visuals().text_color(), TextStyle::Small.resolve(ui.style()));
    for (row, idx) in chart.rows.iter().zip(0u8..) {
        let top = response.rect.top() + BAR_ROW_HEIGHT * f32::from(idx);
        let colour = if row.is_strong { ui.visuals().strong_text_color() } else { ink };
        let middle = pos2(left - 8.0, top + BAR_ROW_HEIGHT / 2.0);
        painter.text(middle, Align2::RIGHT_CENTER, &row.label, small.clone(), colour);
        for (part, rect, value) in row_rects(row, top, &x) {
            let Some((name, colour)) = chart.parts.get(part) else { continue };
            painter.rect_filled(rect, 0.0, *colour);
            if pointer.is_some_and(|pointer| rect.contains(pointer)) {
                explained = Some(format!("{}, {name}: {}", row.label, (chart.text)(value)));
            }
        }
        if let Some(mark) = row.mark {
            let line = [pos2(x(mark), top + 2.0), pos2(x(mark), top + BAR_ROW_HEIGHT - 2.0)];
            painter.line_segment(line, (2.0, ui.visuals().strong_text_color()));
        }
    }
    let bottom = response.rect.bottom();
    painter.text(pos2(left, bottom), Align2::LEFT_BOTTOM, (chart.text)(0.0), small.clone(), ink);
    painter.text(pos2(x(most), bottom), Align2::CENTER_BOTTOM, (chart.text)(most), small, ink);
    pictures::offer(&response, chart.name);
    if let Some(text) = explained {
        response.on_hover_text_at_pointer(text);
    }
}

/// Each part of a row that has a width: its number, place and value.
fn row_rects(row: &BarRow, top: f32, x: &dyn Fn(f64) -> f32) -> Vec<(usize, Rect, f64)> {
    let height = BAR_HEIGHT / row.bars.len().max(1) as f32;
    let mut rects = Vec::new();
    let mut bar_top = top + (BAR_ROW_HEIGHT - BAR_HEIGHT) / 2.0;
    for bar in &row.bars {
        let mut from = 0.0;
        for (part, &value) in bar.iter().enumerate().filter(|(_, value)| **value > 0.0) {
            let corner: Pos2 = pos2(x(from), bar_top);
            from += value;
            rects.push((part, Rect::from_min_max(corner, pos2(x(from), bar_top + height)), value));
        }
        bar_top += height;
    }
    rects
}
