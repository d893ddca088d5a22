//! About Inflight: versions of this program and of what matters to it on this computer, to be read and copied.
//!
//! Asks nothing: what the computer says comes from a thread of its own.

use eframe::egui::{Label, ScrollArea, Ui, vec2};

use crate::doctor::{self, Finding};
use crate::record::Environment;
use crate::ui::theme;
use crate::ui::words::in_window;

const NAME_WIDTH: f32 = 136.0;
const ASKING: &str = "not known yet";
/// What draws the window; see Cargo.toml for why.
const RENDERER: &str = if cfg!(windows) { "wgpu" } else { "OpenGL" };

/// What is known so far.
#[derive(Debug, Default)]
pub struct About {
    /// Which devices and tools work; `None`: they are being tried.
    pub findings: Option<Vec<Finding>>,
    /// `None`: not asked yet, or on its way.
    pub system: Option<SystemFacts>,
}

/// What only a question to the system tells.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemFacts {
    /// The computer.
    pub environment: Environment,
    /// Release of NVIDIA's driver, or why it is not known.
    pub driver: Result<String, String>,
}

impl About {
    pub(super) fn ui(&self, ui: &mut Ui, height: f32) {
        ui.label(
            "A workbench for NVENC pipelines: where the encoder makes you wait, and how many frames to keep in flight.",
        );
        ui.add_space(theme::GRID);
        let height = height - 48.0;
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).show(ui, |ui| {
            for (name, value) in self.facts() {
                ui.horizontal_top(|ui| {
                    ui.allocate_ui(vec2(NAME_WIDTH, 0.0), |ui| {
                        ui.set_width(NAME_WIDTH);
                        ui.weak(name);
                    });
                    ui.add(Label::new(value).wrap());
                });
            }
        });
    }

    /// All facts, one a line.
    pub(super) fn text(&self) -> String {
        self.facts().into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
    }

    fn facts(&self) -> Vec<(String, String)> {
        let build = if cfg!(debug_assertions) { "not optimised" } else { "optimised" };
        let target = [std::env::consts::ARCH, std::env::consts::OS, environment_of_target()];
        let own = [
            ("Inflight", env!("CARGO_PKG_VERSION").to_owned()),
            ("Build", format!("{}, {build}", target.join(" ").trim_end())),
            ("Licence", env!("CARGO_PKG_LICENSE").replace(" OR ", " or ")),
            ("NVENC API spoken", doctor::api_version()),
            ("Window drawn by", RENDERER.to_owned()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.system_facts()).chain(self.device_facts()).collect()
    }

    fn system_facts(&self) -> Vec<(String, String)> {
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let Some(SystemFacts { environment, driver }) = &self.system else {
            return vec![fact("System", ASKING.to_owned()), fact("NVIDIA driver", ASKING.to_owned())];
        };
        let Environment { os, kernel, cpu, num_cpus, memory_mib, .. } = environment;
        let driver = driver.clone().unwrap_or_else(|error| format!("not found ({error})"));
        vec![
            fact("System", format!("{os}, kernel {kernel}")),
            fact("Processor", format!("{cpu}, {num_cpus} logical, {:.1} GiB of memory", *memory_mib as f64 / 1024.0)),
            fact("NVIDIA driver", driver),
        ]
    }

    /// As `inflight doctor` says it, without the built-in model, which is part of this program.
    fn device_facts(&self) -> Vec<(String, String)> {
        let Some(findings) = &self.findings else { return vec![("Devices, FFmpeg".to_owned(), ASKING.to_owned())] };
        let others = findings.iter().filter(|finding| !finding.name.starts_with("virtual"));
        others.map(|finding| (finding.title(), in_window(&finding.detail))).collect()
    }
}

/// The C library that the program is built for, where its name says one.
fn environment_of_target() -> &'static str {
    match () {
        () if cfg!(target_env = "gnu") => "gnu",
        () if cfg!(target_env = "musl") => "musl",
        () if cfg!(target_env = "msvc") => "msvc",
        () => "",
    }
}
