//! What a frame of the window costs with 1,000,000 samples loaded: `cargo run --release --example ui_bench`.
//!
//! Opens a session of that size from the disk, lays out and tessellates the whole window in each view without a screen,
//! moving about in it, and does the same while a sweep is live. Prints percentiles of the time that a frame took on the
//! processor.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use eframe::egui::{Context, Event, RawInput, Rect, pos2, vec2};
use inflight::measure::sweep_thread::Starter;
use inflight::session::SessionWriter;
use inflight::stats::runs::distribution::Distribution;
use inflight::ui::app::App;
use inflight::ui::commands::{Command, View};
use inflight::units;
// The fixture is written for the inside of the library, and finds these there under the same paths.
use inflight::{contract, plan, record, session, ui};

#[path = "../src/ui/fixture.rs"]
#[allow(dead_code, reason = "some of it is for unit tests")]
mod fixture;

/// Sixteen runs of so many frames are a million samples.
const FRAMES_OF_EACH_RUN: u32 = 62_500;
const FRAMES_OF_EACH_VIEW: u32 = 300;
/// Five times as often as the window draws a live sweep, so that there are frames to count.
const LIVE_FRAME: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    println!("CPU time of a frame of the whole window, layout and tessellation, 1280x800");
    let sixteen = folder.path().join("sixteen");
    save(&sixteen, fixture::records(FRAMES_OF_EACH_RUN))?;
    let one = folder.path().join("one");
    let latencies: Vec<u64> =
        (0..1_000_000).map(|idx: u64| 1_000_000 + idx.wrapping_mul(2_654_435_761) % 500_000).collect();
    save(&one, vec![fixture::record(0, 8, &latencies, 300_000)])?;
    for (name, dir) in [("16 runs of 62,500 frames", &sixteen), ("a run of 1,000,000 frames", &one)] {
        let mut bench = Bench::open(folder.path(), dir)?;
        println!("{name}: from opening to the first picture of it {}", units::ns(bench.opened.as_nanos() as u64));
        for view in View::ALL {
            println!("  {:<14} {}", view.title(), percentiles(&bench.visit(view)));
        }
    }
    let live = Bench::open(folder.path(), &sixteen)?.live();
    println!("while a sweep is live: {}", percentiles(&live));
    Ok(())
}

fn save(dir: &Path, records: Vec<inflight::record::RunRecord>) -> Result<(), Box<dyn Error>> {
    let mut manifest = fixture::session().session.manifest;
    manifest.plan.repeat = 4;
    let mut writer = SessionWriter::create(dir, &manifest)?;
    for record in &records {
        writer.append(record)?;
    }
    Ok(())
}

fn percentiles(times: &Distribution) -> String {
    let at = |quantile| times.value_at(quantile).map_or_else(String::new, units::ns);
    format!("p50 {}, p99 {}, max {}", at(0.5), at(0.99), at(1.0))
}

struct Bench {
    ctx: Context,
    app: App,
    /// From asking for the session to the end of the first frame that shows it.
    opened: Duration,
}

impl Bench {
    fn open(folder: &Path, dir: &Path) -> std::io::Result<Self> {
        let ctx = Context::default();
        let app = App::new(&ctx, Starter::new()?, folder.join("none"), Vec::new());
        let mut bench = Self { ctx, app, opened: Duration::ZERO };
        // Fonts are made in the first frame, whatever is shown.
        bench.frame(Vec::new());
        let begin = Instant::now();
        bench.app.ask(Command::OpenSession(dir.to_owned()));
        while bench.app.loaded().is_none() {
            bench.frame(Vec::new());
            std::thread::sleep(Duration::from_millis(1));
        }
        bench.frame(Vec::new());
        bench.opened = begin.elapsed();
        Ok(bench)
    }

    /// Every frame of a visit counts, those that wait for a model and the first that draws it included.
    fn visit(&mut self, view: View) -> Distribution {
        let mut times = Distribution::default();
        self.app.ask(Command::Show(view));
        for frame in 0..FRAMES_OF_EACH_VIEW {
            // The pointer rests in the middle while fingers zoom in and out again.
            let zoom = Event::Zoom(if frame % 100 < 50 { 1.2 } else { 1.0 / 1.2 });
            times.add(&[self.frame(vec![Event::PointerMoved(pos2(700.0, 300.0)), zoom])]);
            // A screen's pace, so that models come while the window draws.
            std::thread::sleep(Duration::from_millis(5));
        }
        times
    }

    fn live(mut self) -> Distribution {
        let mut times = Distribution::default();
        let plan = &mut self.app.setup_mut().plan;
        (plan.frames, plan.warmup, plan.repeat) = (3000, 1, 3);
        plan.reap_thresholds = vec![1, 4];
        self.app.ask(Command::Run);
        self.frame(Vec::new());
        while self.app.is_running() {
            times.add(&[self.frame(Vec::new())]);
            std::thread::sleep(LIVE_FRAME);
        }
        times
    }

    /// One frame; answers what it took in nanoseconds.
    fn frame(&mut self, events: Vec<Event>) -> u64 {
        let screen_rect = Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 800.0)));
        let input = RawInput { screen_rect, events, ..RawInput::default() };
        let app = &mut self.app;
        let begin = Instant::now();
        let mut output = self.ctx.run_ui(input, |ui| {
            app.tick(ui.ctx());
            app.show(ui);
        });
        let shapes = std::mem::take(&mut output.shapes);
        self.ctx.tessellate(shapes, output.pixels_per_point);
        let took_ns = begin.elapsed().as_nanos() as u64;
        // Nobody draws the fonts' pictures here.
        output.textures_delta.clear();
        took_ns
    }
}
