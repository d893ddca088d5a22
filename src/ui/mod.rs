//! The desktop window: the only folder that names egui, its plots and the system's dialogs.
//!
//! State changes by [`commands`] once a frame, before drawing; what draws reads. Work that takes time runs on threads of
//! its own ([`app::background`], `measure::thread`), so the window never waits and nothing waits for the window.

pub mod app;
mod bar;
pub mod commands;
pub mod data;
#[cfg(test)]
pub(crate) mod fixture;
mod help;
mod log;
mod made;
mod memo;
mod palette;
mod path_dialog;
mod pictures;
mod possible;
pub mod theme;
mod verdict_bar;
pub mod views;
mod widgets;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::App;
use eframe::egui::ViewportBuilder;

use crate::measure::sweep_thread::Starter;
use crate::plan::Plan;

/// What a window needs of a bare Debian or Ubuntu.
const PACKAGES: &str = "libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0 libgl1";

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot open a window: {cause}; set DISPLAY or WAYLAND_DISPLAY, on Debian/Ubuntu: apt install {PACKAGES}; \
     or measure without a window: 'inflight sweep'"
)]
pub struct NoWindow {
    cause: String,
}

/// What the window begins with.
#[derive(Debug, Default)]
pub struct Start {
    /// Where its sweeps and reports go.
    pub folder: PathBuf,
    /// The first is shown, the others are at hand.
    pub sessions: Vec<PathBuf>,
    /// In the form.
    pub plan: Option<Plan>,
    /// What a bench has it do by itself.
    pub then: Option<Then>,
}

/// What the window does without a hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Runs the plan and closes.
    Run {
        /// Draws nothing meanwhile.
        is_quiet: bool,
    },
    /// Closes after its first frame.
    Close,
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// There is no display, or a library that a window needs is missing.
pub fn run(start: Start) -> Result<(), NoWindow> {
    // The order matters: what draws is made by this thread from here on, what measures by the starter.
    let starter = Starter::new().map_err(|error| NoWindow { cause: error.to_string() })?;
    stand_back();
    let mut viewport = ViewportBuilder::default().with_inner_size([1280.0, 800.0]).with_min_inner_size([1024.0, 640.0]);
    // A window without an icon works as well.
    if let Ok(icon) = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")) {
        viewport = viewport.with_icon(icon);
    }
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let is_open = Arc::new(AtomicBool::new(false));
    let opened = Arc::clone(&is_open);
    let create: eframe::AppCreator<'static> = Box::new(move |made| {
        opened.store(true, Ordering::Relaxed);
        drop(std::panic::take_hook());
        let mut app = App::new(&made.egui_ctx, starter, start.folder, start.sessions);
        if let Some(storage) = made.storage {
            app.remember(storage);
        }
        if let Some(plan) = &start.plan {
            let left_out = app.setup_mut().take_foreign(plan);
            if !left_out.is_empty() {
                app.complain(format!("the plan {}: this was left out", left_out.join(", and ")));
            }
        }
        match start.then {
            Some(Then::Run { is_quiet }) => app.run_and_close(&start.plan.unwrap_or_default(), is_quiet),
            Some(Then::Close) => app.close_after_first_frame(),
            None => {}
        }
        Ok(Box::new(app))
    });
    // A missing library ends in a panic inside the loaders of X11's and Wayland's. From the first frame on a panic is
    // our own fault again, and loud.
    std::panic::set_hook(Box::new(|_| ()));
    let ended = catch_unwind(AssertUnwindSafe(|| eframe::run_native("inflight", options, create)));
    drop(std::panic::take_hook());
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(NoWindow { cause: without_place(&error.to_string()).to_owned() }),
        Err(fault) if is_open.load(Ordering::Relaxed) => resume_unwind(fault),
        Err(missing) => Err(NoWindow { cause: panic_text(missing.as_ref()) }),
    }
}

/// Where processors are few, drawing gives way to measuring: this thread, and those that a software OpenGL makes from
/// it, get what the sweep leaves. A thread may lower its priority without any right, and may not raise it again: the
/// lowest (19) would make a person wait for seconds where other programs keep every processor busy (docs/methodology.md).
#[cfg(target_os = "linux")]
fn stand_back() {
    const NICENESS: i32 = 10;
    // Refused, the window works all the same and only costs more.
    _ = rustix::process::setpriority_process(None, NICENESS);
}

/// Only Linux has priorities of single threads that need no `unsafe` code.
#[cfg(not(target_os = "linux"))]
fn stand_back() {}

/// winit says in which line of its own source it gave up, which helps nobody here.
fn without_place(text: &str) -> &str {
    let cause = text.rsplit_once(".rs:").and_then(|(_, after)| after.split_once(": "));
    cause.map_or(text, |(_, cause)| cause).trim_end_matches('.')
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a library is missing").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_somebody_elses_source_is_left_out() {
        assert_eq!(without_place("winit: os error at src/linux/mod.rs:765: DISPLAY is not set."), "DISPLAY is not set");
        assert_eq!(without_place("no usable OpenGL"), "no usable OpenGL");
    }
}
