//! The run in progress and the last ones before it, frame by frame.
//!
//! The app feeds the model, which knows neither where frames come from nor egui.

use std::collections::VecDeque;

use crate::contract::EngineKind;
use crate::figures::axis::Axis;
use crate::figures::colour::{Colour, Pen};
use crate::figures::{Figure, Key, Layer, Panel, Values, case_pen, thresholds_of};
use crate::plan::{Plan, PlannedRun};
use crate::record::{Case, FrameColumns, LiveSample};
use crate::units::Unit;

/// About eight runs of the usual length: what a screen has columns to show.
const MAX_POINTS: usize = 2400;
const WARMUP_OPACITY: f64 = 0.5;

/// The data of the live view.
#[derive(Debug, Default)]
pub struct LiveModel {
    /// Oldest first; the last one belongs to the run in progress.
    stretches: VecDeque<Stretch>,
    /// Of the plan, for the key.
    cases: Vec<Case>,
    engine: EngineKind,
    /// Frames drawn so far by all runs.
    next_x: f64,
}

/// One run's frames as points.
#[derive(Debug)]
struct Stretch {
    run: PlannedRun,
    /// Where the run's frame 0 stands on the axis that all runs share.
    x: f64,
    lines: [Vec<Values>; 3],
    is_finished: bool,
}

/// Title and unit of each of the lines.
const PANELS: [(&str, Unit); 3] = [
    ("Lock wait per frame, ms", Unit::Milliseconds),
    ("In flight, frames", Unit::Count),
    ("Latency per frame, ms", Unit::Milliseconds),
];

impl LiveModel {
    /// For a sweep before its first run.
    pub fn of(plan: &Plan) -> Self {
        Self { cases: plan.cases(), engine: plan.engine, ..Self::default() }
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
                stretch.lines[1].push(point(stretch.x, frame, f64::from(frames.depth[frame])));
                if frames.came_back(frame) {
                    stretch.lines[0].push(point(stretch.x, frame, frames.lock_ns[frame] as f64 / 1e6));
                    stretch.lines[2].push(point(stretch.x, frame, frames.latency_ns[frame] as f64 / 1e6));
                }
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

    /// Three panels over the same frames, each with `height` points for its data; `None` before the first frame.
    pub fn figure(&self, height: f64) -> Option<Figure> {
        let points = || self.stretches.iter().flat_map(|stretch| &stretch.lines[0]);
        let (first, last) = (points().next()?.0, points().last()?.0);
        let thresholds = thresholds_of(self.cases.iter());
        let mut cases: Vec<_> = self.stretches.iter().map(|stretch| stretch.run.case).collect();
        cases.sort_by_key(Case::place);
        cases.dedup();
        let mut key: Vec<_> = cases.iter().map(|case| Key::line(case.title(), case_pen(case, &thresholds))).collect();
        if self.stretches.iter().any(|stretch| stretch.run.warmup) {
            key.push(Key::area("warm-up, not counted", Colour::Grid));
        }
        let panel = |idx: usize| Panel { height, ..self.panel(idx, (first, last), &thresholds) };
        let figure = Figure {
            title: "Frame by frame".to_owned(),
            explanation: "The newest frames of the sweep, run after run. Lock wait: time inside nvEncLockBitstream for this frame's \
                          output, on whichever thread. In flight: frames submitted and not yet unlocked. Latency: from the call \
                          of nvEncEncodePicture until the caller has the packet.".into(),
            key,
            columns: 1,
            panels: (0..PANELS.len()).map(panel).collect(),
        };
        Some(figure.in_words_of(self.engine))
    }

    fn panel(&self, idx: usize, (first, last): Values, thresholds: &[u32]) -> Panel {
        let (title, unit) = PANELS[idx];
        let values = self.stretches.iter().flat_map(|stretch| &stretch.lines[idx]).map(|point| point.1);
        let most = values.fold(0.0, f64::max);
        // Runs are named once, below the last panel.
        let (is_first, is_last) = (idx == 0, idx + 1 == PANELS.len());
        let labels = self.stretches.iter().filter(|_| is_last).filter_map(Stretch::label);
        let mut layers = Vec::new();
        for stretch in &self.stretches {
            let pen = case_pen(&stretch.run.case, thresholds);
            if let (true, Some((from, to))) = (stretch.run.warmup, stretch.ends()) {
                let (name, y) = (String::new(), (0.0, 2.0 * most));
                layers.push(Layer::Bar { name, colour: Colour::Grid, opacity: WARMUP_OPACITY, x: (from, to), y });
            }
            let name = format!("{}, run {}", stretch.run.case.title(), stretch.run.order_index);
            // Dashes would break a line of spikes into dots: who locks is shown by a rule above the run.
            layers.push(Layer::Line { name, pen: Pen::new(pen.colour, 1.2), points: stretch.lines[idx].clone() });
            if let (true, Some((from, to))) = (is_first, stretch.ends()) {
                let points = vec![(from, f64::INFINITY), (to, f64::INFINITY)];
                layers.push(Layer::Line { name: String::new(), pen: Pen { width: 2.5, ..pen }, points });
            }
        }
        let y = if unit == Unit::Count { Axis::counts("", most as u32) } else { Axis::from_zero("", unit, most) };
        Panel {
            title: title.to_owned(),
            subtitle: String::new(),
            x: Axis::labelled("", (first, last), labels),
            y,
            height: 0.0,
            layers,
        }
    }

    fn forget_oldest(&mut self) {
        while self.num_points() > MAX_POINTS && self.stretches.len() > 1 {
            self.stretches.pop_front();
        }
    }
}

impl Stretch {
    /// Its first and its last place on the axis.
    fn ends(&self) -> Option<Values> {
        Some((self.lines[0].first()?.0, self.lines[0].last()?.0))
    }

    /// Its case, in the middle.
    fn label(&self) -> Option<(f64, String)> {
        let (from, to) = self.ends()?;
        Some(((from + to) / 2.0, self.run.case.title()))
    }

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

fn point(x: f64, frame: usize, y: f64) -> Values {
    (x + frame as f64, y)
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
        assert_eq!(model.stretches[0].lines[0].last().unwrap().0, 5999.0);
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
        assert_eq!(model.stretches.len(), 1);
        assert_eq!(model.stretches[0].x, 4500.0);
    }

    #[test]
    fn each_run_is_named_below_and_warm_up_has_a_ground_of_its_own() {
        let plan = Plan { frames: 100, ..Plan::default() };
        let mut model = LiveModel::of(&plan);
        assert!(model.figure(90.0).is_none());
        let runs: Vec<_> = plan.runs().into_iter().filter(|run| run.warmup).take(2).collect();
        for run in &runs {
            model.begin(*run);
            model.extend(&samples(0..100));
            model.next_x += 100.0;
        }
        let figure = model.figure(90.0).unwrap();
        let labels: Vec<_> = figure.panels[2].x.ticks.iter().map(|tick| tick.label.clone()).collect();
        assert_eq!(labels, [runs[0].case.title(), runs[1].case.title()]);
        assert!(figure.panels[0].x.ticks.is_empty());
        assert!(figure.key.iter().any(|key| key.label.starts_with("warm-up")));
    }
}
