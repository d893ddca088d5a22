//! A figure in the window: `figures::paint` on egui's canvas, with what lies under the pointer explained.
//!
//! Knows no figure in particular. Only laid out are those in sight.

use eframe::egui::{
    Align2, Color32, Mesh, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, TextStyle, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use crate::figures::colour::{Colour, Dash, Pen};
use crate::figures::paint::{Anchor, Area, Canvas, Painted, Point, Type, height_of, paint, shared_room};
use crate::figures::{Figure, Key, Mark, Panel};
use crate::ui::{pictures, theme};

/// Between panels that stand side by side.
const GAP: f32 = 24.0;
/// Of the line or box before a name.
const MARK_WIDTH: f32 = 20.0;
/// A shape this near is under the pointer.
const REACH: f32 = 9.0;

/// A panel as it was drawn.
pub struct Drawn {
    /// What was done with the pointer.
    pub response: Response,
    /// Where its data is; `None`: it is out of sight.
    pub painted: Option<Painted>,
}

impl Drawn {
    /// The pair of values under the pointer.
    pub fn values_at(&self, panel: &Panel, at: Pos2) -> Option<(f64, f64)> {
        let data = self.painted?.data;
        let x = (f64::from(at.x) - data.left) / data.width;
        let y = (data.bottom() - f64::from(at.y)) / data.height;
        Some((panel.x.value(x.clamp(0.0, 1.0)), panel.y.value(y.clamp(0.0, 1.0))))
    }
}

/// Title, key and panels; `sense` is what the panels listen to.
pub fn figure_ui(ui: &mut Ui, figure: &Figure, sense: Sense) -> Vec<Drawn> {
    ui.heading(&figure.title).on_hover_text(&*figure.explanation);
    if !figure.key.is_empty() {
        key_ui(ui, &figure.key);
    }
    panels_ui(ui, figure, sense)
}

/// Title and panels of a figure whose key is shown elsewhere.
pub fn keyless_figure_ui(ui: &mut Ui, figure: &Figure, sense: Sense) -> Vec<Drawn> {
    ui.heading(&figure.title).on_hover_text(&*figure.explanation);
    panels_ui(ui, figure, sense)
}

fn panels_ui(ui: &mut Ui, figure: &Figure, sense: Sense) -> Vec<Drawn> {
    let columns = figure.columns.max(1);
    let width = (ui.available_width() - GAP * (columns - 1) as f32) / columns as f32;
    let room = if columns == 1 {
        let canvas = Screen { ui, painter: ui.painter().clone(), pointer: None, tip: None };
        shared_room(&canvas, &figure.panels, f64::from(width))
    } else {
        0.0
    };
    let mut drawn = Vec::new();
    for row in figure.panels.chunks(columns) {
        let height = row.iter().map(height_of).fold(0.0, f64::max) as f32;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for panel in row {
                drawn.push(panel_ui(ui, (figure, panel), vec2(width, height), room, sense));
            }
        });
    }
    drawn
}

fn panel_ui(ui: &mut Ui, (figure, panel): (&Figure, &Panel), size: Vec2, room: f64, sense: Sense) -> Drawn {
    let name = if panel.title.is_empty() { figure.title.clone() } else { format!("{}: {}", figure.title, panel.title) };
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    // Named, so that a drag goes on when a control appears above.
    let response = ui.interact(rect, ui.scope_id().with(&name), sense.union(Sense::hover()));
    let painter = ui.painter_at(rect);
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, name.clone()));
    pictures::offer_figure(&response, figure);
    if !ui.is_rect_visible(response.rect) {
        return Drawn { response, painted: None };
    }
    let mut canvas = Screen { ui, painter, pointer: response.hover_pos(), tip: None };
    let corner = (f64::from(response.rect.left()), f64::from(response.rect.top()));
    let painted = paint(&mut canvas, panel, corner, f64::from(size.x), room);
    let response = match canvas.tip {
        Some((_, tip)) => response.on_hover_text_at_pointer(tip),
        None => response,
    };
    Drawn { response, painted: Some(painted) }
}

/// Names and what they look like, in rows that wrap between entries.
pub fn key_ui(ui: &mut Ui, keys: &[Key]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::GAP, 2.0);
        ui.spacing_mut().interact_size.y = 18.0;
        keys.iter().for_each(|key| entry_ui(ui, key));
    });
}

fn entry_ui(ui: &mut Ui, key: &Key) {
    let text = ui.painter().layout_no_wrap(key.label.clone(), theme::font(12.0, false), ui.visuals().text_color());
    let size = vec2(MARK_WIDTH + theme::GRID + text.size().x, ui.text_style_height(&TextStyle::Small));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, key.label.clone()));
    let mark = Rect::from_min_size(rect.min, vec2(MARK_WIDTH, rect.height()));
    match key.mark {
        Mark::Line(pen) => {
            let mut canvas = Screen { ui, painter: ui.painter().clone(), pointer: None, tip: None };
            let ends = [point(mark.left_center()), point(mark.right_center())];
            canvas.line(&ends, Pen { width: pen.width.max(2.0), ..pen }, &|_| String::new());
        }
        Mark::Box(colour) => {
            let swatch = Rect::from_center_size(mark.center(), vec2(10.0, 10.0));
            ui.painter().rect_filled(swatch, 2.0, theme::of(ui, colour));
        }
    }
    ui.painter().galley(pos2(mark.right() + theme::GRID, rect.top()), text, ui.visuals().text_color());
    if !key.definition.is_empty() {
        response.on_hover_text(&*key.definition);
    }
}

/// The screen, and what is nearest to the pointer on it.
struct Screen<'a> {
    ui: &'a Ui,
    painter: Painter,
    pointer: Option<Pos2>,
    /// Distance and text; of equally near shapes the one that lies above.
    tip: Option<(f32, String)>,
}

impl Screen<'_> {
    fn colour(&self, colour: Colour, opacity: f64) -> Color32 {
        theme::of(self.ui, colour).gamma_multiply(opacity as f32)
    }

    /// `text` is only made where the pointer is near.
    fn offer(&mut self, distance: f32, text: impl FnOnce() -> String) {
        if distance <= REACH && self.tip.as_ref().is_none_or(|(nearest, _)| distance <= *nearest) {
            let text = text();
            if !text.is_empty() {
                self.tip = Some((distance, text));
            }
        }
    }
}

impl Canvas for Screen<'_> {
    fn line(&mut self, points: &[Point], pen: Pen, tip: &dyn Fn(usize) -> String) {
        let line: Vec<_> = points.iter().map(|at| pos(*at)).collect();
        if let Some(pointer) = self.pointer {
            let nearest = line.iter().enumerate().map(|(idx, at)| (idx, at.distance(pointer)));
            if let Some((idx, distance)) = nearest.min_by(|one, other| one.1.total_cmp(&other.1)) {
                self.offer(distance, || tip(idx));
            }
        }
        let stroke = Stroke::new(pen.width as f32, self.colour(pen.colour, 1.0));
        match pen.dash {
            Dash::Solid => drop(self.painter.add(Shape::line(line, stroke))),
            Dash::Dashed => self.painter.extend(Shape::dashed_line(&line, stroke, 7.0, 3.0)),
            Dash::LongDashed => self.painter.extend(Shape::dashed_line(&line, stroke, 14.0, 4.0)),
            Dash::Dotted => self.painter.extend(Shape::dashed_line(&line, stroke, 2.0, 3.0)),
        }
    }

    fn band(&mut self, edge: &[(f64, f64, f64)], colour: Colour, opacity: f64) {
        let colour = self.colour(colour, opacity);
        let mut mesh = Mesh::default();
        for (idx, &(x, low, high)) in edge.iter().enumerate() {
            mesh.colored_vertex(pos((x, low)), colour);
            mesh.colored_vertex(pos((x, high)), colour);
            if idx > 0 {
                let at = 2 * idx as u32;
                mesh.add_triangle(at - 2, at - 1, at);
                mesh.add_triangle(at - 1, at, at + 1);
            }
        }
        self.painter.add(Shape::mesh(mesh));
    }

    fn bar(&mut self, area: Area, colour: Colour, opacity: f64, tip: &str) {
        let size = vec2(area.width as f32, area.height as f32);
        let rect = Rect::from_min_size(pos((area.left, area.top)), size);
        if self.pointer.is_some_and(|pointer| rect.contains(pointer)) {
            self.offer(0.0, || tip.to_owned());
        }
        self.painter.rect_filled(rect, 0.0, self.colour(colour, opacity));
    }

    fn dot(&mut self, at: Point, radius: f64, colour: Colour, is_filled: bool, tip: &str) {
        let (at, colour) = (pos(at), self.colour(colour, 1.0));
        if let Some(pointer) = self.pointer {
            self.offer((at.distance(pointer) - radius as f32).max(0.0), || tip.to_owned());
        }
        if is_filled {
            self.painter.circle_filled(at, radius as f32, colour);
        } else {
            self.painter.circle_stroke(at, radius as f32, Stroke::new(1.4, colour));
        }
    }

    fn text(&mut self, at: Point, text: &str, style: Type) {
        let align = match style.anchor {
            Anchor::Start => Align2::LEFT_BOTTOM,
            Anchor::Middle => Align2::CENTER_BOTTOM,
            Anchor::End => Align2::RIGHT_BOTTOM,
        };
        // From the base line down to the lowest letters.
        let below = pos((at.0, at.1 + 0.28 * style.size));
        let font = theme::font(style.size as f32, style.is_strong);
        self.painter.text(below, align, text, font, self.colour(style.colour, 1.0));
    }

    fn text_width(&self, text: &str, style: Type) -> f64 {
        let font = theme::font(style.size as f32, style.is_strong);
        f64::from(self.painter.layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x)
    }
}

fn pos((x, y): Point) -> Pos2 {
    pos2(x as f32, y as f32)
}

fn point(at: Pos2) -> Point {
    (f64::from(at.x), f64::from(at.y))
}
