//! The run in progress, frame by frame: the last few thousand frames as lines.
//!
//! The app feeds the model, which does not know where frames come from; the view draws it.

use std::collections::VecDeque;

use eframe::egui::{TextStyle, Ui};
use egui_plot::{AxisHints, GridMark, Line, Plot, PlotPoint, PlotPoints};

use super::plots::scale::linear_ticks;
use super::plots::{axis, case_line, grid_colour, marks, thresholds};
use super::{pictures, theme};
use crate::plan::{Plan, PlannedRun};
use crate::record::{FrameColumns, LiveSample};
use crate::report::axis::Axis;

/// As many as a screen has columns to show; more would only cost time.
const MAX_POINTS: usize = 4000;
/// Labels that the lowest of plots has room for.
const MAX_MARKS: usize = 6;

/// The data of the live view.
#[derive(Debug, Default)]
pub struct LiveModel {
    /// Oldest first; the last one belongs to the run in progress.
    stretches: VecDeque<Stretch>,
    /// Those of the plan, ascending; a threshold's place is its colour.
    thresholds: Vec<u32>,
    /// Frames drawn so far by all runs.
    next_x: f64,
}

/// One run's frames as points.
#[derive(Debug)]
struct Stretch {
    run: PlannedRun,
    /// Where the run's frame 0 stands on the axis that all runs share.
    x: f64,
    lines: [Vec<PlotPoint>; 3],
    is_finished: bool,
}

/// One of the plots.
struct Panel {
    title: &'static str,
    axis: &'static str,
    definition: &'static str,
}

const PANELS: [Panel; 3] = [
    Panel {
        title: "Lock wait",
        axis: "ms",
        definition: "Time inside nvEncLockBitstream for this frame's output, on whichever thread",
    },
    Panel {
        title: "In flight",
        axis: "frames",
        definition: "Frames submitted and not yet unlocked, right after the submit call, this frame included",
    },
    Panel {
        title: "Latency",
        axis: "ms",
        definition: "Time from the call of nvEncEncodePicture until the caller has the packet",
    },
];

impl LiveModel {
    /// For a sweep before its first run.
    pub fn of(plan: &Plan) -> Self {
        Self { thresholds: thresholds(plan.cases().iter()), ..Self::default() }
    }

    /// A run begins.
    pub fn begin(&mut self, run: PlannedRun) {
        let (x, lines) = (self.next_x, Default::default());
        self.stretches.push_back(Stretch { run, x, lines, is_finished: false });
    }

    /// Frames of the run in progress were reaped.
    pub fn extend(&mut self, samples: &[LiveSample]) {
        if let Some(stretch) = self.stretches.back_mut() {
            samples.iter().for_each(|sample| stretch.push(*sample));
            stretch.shorten();
        }
        self.forget_oldest();
    }

    /// The run in progress has ended: all of its frames are known now, including those not yet shown.
    pub fn finish(&mut self, frames: &FrameColumns) {
        if let Some(stretch) = self.stretches.back_mut() {
            (stretch.lines, stretch.is_finished) = (Default::default(), true);
            for frame in frames.len().saturating_sub(MAX_POINTS)..frames.len() {
                stretch.lines[0].push(point(stretch.x, frame, frames.lock_ns[frame] as f64 / 1e6));
                stretch.lines[1].push(point(stretch.x, frame, f64::from(frames.depth[frame])));
                stretch.lines[2].push(point(stretch.x, frame, frames.latency_ns[frame] as f64 / 1e6));
            }
            self.next_x = stretch.x + frames.len() as f64;
        }
        self.forget_oldest();
    }

    /// The sweep has ended: a run that did not is not part of the session.
    pub fn end(&mut self) {
        if self.stretches.back().is_some_and(|stretch| !stretch.is_finished) {
            self.stretches.pop_back();
        }
    }

    /// Frames in each plot.
    pub fn num_points(&self) -> usize {
        self.stretches.iter().map(|stretch| stretch.lines[0].len()).sum()
    }

    fn forget_oldest(&mut self) {
        while self.num_points() > MAX_POINTS && self.stretches.len() > 1 {
            self.stretches.pop_front();
        }
    }
}

impl Stretch {
    fn push(&mut self, sample: LiveSample) {
        let frame = sample.frame as usize;
        self.lines[0].push(point(self.x, frame, sample.lock_ns as f64 / 1e6));
        self.lines[1].push(point(self.x, frame, f64::from(sample.depth)));
        self.lines[2].push(point(self.x, frame, sample.latency_ns as f64 / 1e6));
    }

    fn shorten(&mut self) {
        for line in &mut self.lines {
            line.drain(..line.len().saturating_sub(MAX_POINTS));
        }
    }
}

fn point(x: f64, frame: usize, y: f64) -> PlotPoint {
    PlotPoint::new(x + frame as f64, y)
}

/// Three plots over the same frames, and what the colours mean.
pub fn live_ui(ui: &mut Ui, model: &LiveModel, is_virtual: bool, height: f32) {
    legend_ui(ui, model);
    let text_height = ui.text_style_height(&TextStyle::Body) + 2.0 * ui.spacing().item_spacing.y;
    let plots_height = height - (PANELS.len() as f32 + 2.0) * text_height;
    let plot_height = (plots_height / PANELS.len() as f32).max(theme::MIN_PLOT_HEIGHT);
    let mark = if is_virtual && pictures::is_asked(ui.ctx()) { "VIRTUAL DEVICE" } else { "" };
    for (idx, panel) in PANELS.iter().enumerate() {
        let title = ui.horizontal(|ui| {
            ui.heading(panel.title).on_hover_text(panel.definition);
            ui.colored_label(theme::virtual_device(ui), mark);
        });
        pictures::note_title(ui, title.response.rect);
        // The frames' axis stands once, below the last plot, which is higher by as much.
        let is_last = idx + 1 == PANELS.len();
        panel_ui(ui, model, idx, if is_last { plot_height + 1.5 * text_height } else { plot_height });
    }
}

fn legend_ui(ui: &mut Ui, model: &LiveModel) {
    let key = ui.horizontal_wrapped(|ui| {
        for (idx, threshold) in model.thresholds.iter().enumerate() {
            theme::swatch_ui(ui, theme::series(idx));
            ui.label(format!("T={threshold}")).on_hover_text("Runs with this reap threshold");
        }
        theme::swatch_ui(ui, ui.visuals().weak_text_color());
        ui.label("warm-up").on_hover_text("Warm-up runs: made first and not counted");
    });
    pictures::note_key(ui, key.response.rect);
}

fn panel_ui(ui: &mut Ui, model: &LiveModel, idx: usize, height: f32) {
    let panel = &PANELS[idx];
    let muted = ui.visuals().weak_text_color();
    let is_last = idx + 1 == PANELS.len();
    let mut plot = Plot::new(panel.title)
        .height(height)
        .include_y(0.0)
        .show_axes([is_last, true])
        .y_grid_spacer(|input| round_marks(input.bounds))
        .x_grid_spacer(|input| marks(linear_ticks(input.bounds)))
        .grid_spacing(4.0..=120.0)
        .grid_color(grid_colour(ui))
        .custom_y_axes(vec![axis(AxisHints::new_y(), panel.axis, |value| value.to_string()).min_thickness(56.0)])
        .show_crosshair(false)
        .link_axis(ui.scope_id().with("live"), [true, false])
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false);
    if is_last {
        plot = plot.x_axis_label("frames since the sweep began");
    }
    let shown = plot.show(ui, |plot| {
        for stretch in &model.stretches {
            let (own, _) = case_line(&stretch.run.case, &model.thresholds);
            let colour = if stretch.run.warmup { muted } else { own };
            let name = format!("{} run {}", stretch.run.case.title(), stretch.run.order_index);
            let points = PlotPoints::Borrowed(&stretch.lines[idx]);
            plot.line(Line::new(name, points).color(colour).width(theme::LINE_WIDTH).allow_band(false));
        }
    });
    let label = format!("{} over frames, the last {}", panel.title, model.num_points());
    pictures::offer(&shown.response, label);
}

/// The report's round steps from 0, as far as they are in view and as many as have room for a label.
fn round_marks((_, high): (f64, f64)) -> Vec<GridMark> {
    let ticks = Axis::from_zero(high, (0.0, 1.0)).ticks;
    let every = ticks.len().div_ceil(MAX_MARKS);
    let step = ticks.get(every).map_or(1.0, |tick| tick.value);
    let in_view = ticks.into_iter().step_by(every.max(1)).filter(|tick| tick.value <= high);
    in_view.map(|tick| GridMark { value: tick.value, step_size: step }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(range: std::ops::Range<u64>) -> Vec<LiveSample> {
        range.map(|frame| LiveSample { frame, lock_ns: 1_000_000, latency_ns: 2_000_000, depth: 3 }).collect()
    }

    #[test]
    fn a_long_run_keeps_its_newest_pictures() {
        let mut model = LiveModel::default();
        model.begin(Plan::default().runs()[0]);
        model.extend(&samples(0..3000));
        model.extend(&samples(3000..6000));
        assert_eq!(model.num_points(), MAX_POINTS);
        assert_eq!(model.stretches[0].lines[0].last().unwrap().x, 5999.0);
    }

    #[test]
    fn runs_stand_side_by_side_and_the_oldest_leave() {
        let mut model = LiveModel::default();
        let frames = FrameColumns {
            begin_at_ns: vec![0; 1500],
            lock_ns: vec![1; 1500],
            depth: vec![1; 1500],
            latency_ns: vec![1; 1500],
            ..FrameColumns::default()
        };
        for run in Plan::default().runs().into_iter().take(4) {
            model.begin(run);
            model.finish(&frames);
        }
        assert_eq!(model.stretches.len(), 2);
        assert_eq!(model.stretches[0].x, 3000.0);
    }
}
