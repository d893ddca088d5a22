//! What a frame of the window's plots costs with 1,000,000 samples loaded: `cargo run --release --example ui_bench`.
//!
//! Lays out and tessellates each view without a window, moving about in it, and prints the percentiles of the time that
//! a frame took on the processor. The first frames, which only wait for a model, are left out.

use std::time::{Duration, Instant};

use eframe::egui::{CentralPanel, Context, Event, RawInput, Rect, Ui, pos2, vec2};
use inflight::stats::distribution::Distribution;
use inflight::ui::data::LoadedSession;
use inflight::ui::plots::{Plots, fixture};
use inflight::units;

/// Sixteen runs of so many frames are a million samples.
const FRAMES_OF_EACH_RUN: u32 = 62_500;
const FRAMES_OF_EACH_VIEW: u32 = 300;

fn distributions(plots: &mut Plots, ui: &mut Ui, session: &LoadedSession) {
    plots.distributions_ui(ui, session, &mut Vec::new());
}

type View = fn(&mut Plots, &mut Ui, &LoadedSession);

fn main() {
    let sweep = fixture::sweep(FRAMES_OF_EACH_RUN);
    let mut long = fixture::session();
    fixture::push_run(&mut long, 8, &latencies(1_000_000), 300_000);
    let views: [(&str, View, &LoadedSession); 4] = [
        ("distributions, 16 runs of 62,500", distributions, &sweep),
        ("thresholds, 16 runs of 62,500", Plots::thresholds_ui, &sweep),
        ("timeline, run of 62,500", Plots::timeline_ui, &sweep),
        ("timeline, run of 1,000,000", Plots::timeline_ui, &long),
    ];
    println!("CPU time of a frame, layout and tessellation, 1280x800");
    for (name, view, session) in views {
        let mut bench = Bench::default();
        let models = bench.model_time(view, session);
        let times = bench.visit(view, session);
        let at = |quantile| times.value_at(quantile).map_or_else(String::new, units::ns);
        println!("{name}: p50 {}, p99 {}, models {}", at(0.5), at(0.99), units::ns(models.as_nanos() as u64));
    }
}

fn latencies(num_frames: u64) -> Vec<u64> {
    (0..num_frames).map(|idx| 1_000_000 + idx.wrapping_mul(2_654_435_761) % 500_000).collect()
}

#[derive(Default)]
struct Bench {
    ctx: Context,
    plots: Plots,
}

impl Bench {
    /// How long the models take that the window makes on a thread of their own.
    fn model_time(&mut self, view: View, session: &LoadedSession) -> Duration {
        let begin = Instant::now();
        // The timeline asks for the model of a run once that of the session is there.
        for _ in 0..2 {
            self.frame(view, session, Vec::new());
            self.plots.settle();
        }
        begin.elapsed()
    }

    fn visit(&mut self, view: View, session: &LoadedSession) -> Distribution {
        let mut times = Distribution::default();
        for frame in 0..FRAMES_OF_EACH_VIEW {
            // The pointer rests in the middle while fingers zoom in and out again.
            let zoom = Event::Zoom(if frame % 100 < 50 { 1.2 } else { 1.0 / 1.2 });
            let begin = Instant::now();
            self.frame(view, session, vec![Event::PointerMoved(pos2(500.0, 300.0)), zoom]);
            times.add(&[begin.elapsed().as_nanos() as u64]);
        }
        times
    }

    fn frame(&mut self, view: View, session: &LoadedSession, events: Vec<Event>) {
        let screen_rect = Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 800.0)));
        let input = RawInput { screen_rect, events, ..RawInput::default() };
        let plots = &mut self.plots;
        let mut output = self.ctx.run_ui(input, |ui| {
            CentralPanel::default().show(ui, |ui| view(plots, ui, session));
        });
        let shapes = std::mem::take(&mut output.shapes);
        self.ctx.tessellate(shapes, output.pixels_per_point);
        // Nobody draws the fonts' pictures here.
        output.textures_delta.clear();
    }
}
