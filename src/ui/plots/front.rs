//! Throughput against latency, with each case as a point.
//!
//! Draws `stats::verdict::recommendation`'s candidates.

use eframe::egui::Ui;
use egui_plot::{AxisHints, HoverPosition, Line, PlotPoint, PlotPoints, Points};

use super::parts::{axis, marks, plot_height, still_plot, title_ui};
use super::scale::linear_ticks;
use crate::stats::verdict::recommendation::{Candidate, Recommendation};
use crate::ui::data::LoadedSession;
use crate::ui::{pictures, theme};

const DEFINITION: &str = "Each case by its median throughput and the median latency tail of its runs (p99; p95 or the median \
                          for runs with few frames). The line joins the cases that no other case beats in both; the \
                          recommended case has a ring.";

/// The front of one codec.
pub fn ui(ui: &mut Ui, session: &LoadedSession, known: &Recommendation) {
    let frames = session.session.manifest.input.frames as f64;
    let place = |one: &Candidate| Some(PlotPoint::new(1e3 * frames / one.wall_ms, one.tail_ms?));
    let points: Vec<_> = known.candidates.iter().filter_map(|one| Some((one, place(one)?))).collect();
    if points.len() < 2 {
        return;
    }
    title_ui(ui, "Throughput against latency", DEFINITION, session);
    let plot = still_plot(ui, "front", plot_height(ui))
        .include_y(0.0)
        .custom_x_axes(vec![axis(AxisHints::new_x(), "throughput [fps]", |value| value.to_string())])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "latency tail [ms]", |value| value.to_string())])
        .x_grid_spacer(|input| marks(linear_ticks(input.bounds)))
        .y_grid_spacer(|input| marks(linear_ticks(input.bounds)))
        .label_formatter(|at| match at {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\n{:.0} fps, {:.2} ms", position.x, position.y))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    let response = plot.show(ui, |plot| {
        let mut front: Vec<_> =
            points.iter().filter(|(one, _)| one.is_pareto_optimal).map(|(_, place)| *place).collect();
        front.sort_by(|a, b| a.x.total_cmp(&b.x));
        let front = Line::new("front", PlotPoints::Owned(front)).color(theme::series(5));
        plot.line(front.width(theme::LINE_WIDTH).allow_hover(false));
        for (one, place) in &points {
            let colour = theme::lock_placement(one.case.lock);
            let point = |radius: f32| {
                let points = Points::new(one.case.title(), PlotPoints::Owned(vec![*place]));
                points.color(colour).radius(radius)
            };
            plot.points(point(3.5));
            if one.case == known.case {
                plot.points(point(7.0).filled(false).allow_hover(false));
            }
        }
    });
    pictures::offer(&response.response, "Throughput against latency".to_owned());
}
