//! Saving a plan without replacing a file that nobody meant, and what to ask where one is there.

use std::path::{Path, PathBuf};

use eframe::egui::{Context, Id, Modal};

use crate::files::free_name;
use crate::plan::Plan;
use crate::session::{SessionError, load_plan, save_plan};
use crate::ui::commands::Command;
use crate::ui::theme;
use crate::ui::widgets::{primary_button, sub_ui};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// There was none.
    New(PathBuf),
    /// The file that was there is gone.
    Replaced(PathBuf),
    /// The file that is there has this very plan.
    Unchanged(PathBuf),
    /// A file is there, and was left alone.
    Exists(Existing),
}

/// A file in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    path: PathBuf,
    /// A name beside it that nobody has taken.
    free: PathBuf,
}

impl Saved {
    /// For the notice; `Err`: what to ask about.
    pub(in crate::ui) fn note(self) -> Result<String, Existing> {
        match self {
            Self::New(path) => Ok(format!("Plan saved to {}", path.display())),
            Self::Replaced(path) => Ok(format!("Plan saved: it replaced {}", path.display())),
            Self::Unchanged(path) => Ok(format!("This plan is in {} already", path.display())),
            Self::Exists(existing) => Err(existing),
        }
    }
}

/// Writes `plan` to `path`; a file that is there only with `may_replace`.
///
/// # Errors
/// It cannot be written.
pub(in crate::ui) fn save(plan: &Plan, path: PathBuf, may_replace: bool) -> Result<Saved, SessionError> {
    // A relative name would not say in which folder.
    let path = std::path::absolute(&path).unwrap_or(path);
    let is_there = path.is_file();
    if is_there && load_plan(&path).is_ok_and(|there| there == *plan) {
        return Ok(Saved::Unchanged(path));
    }
    if is_there && !may_replace {
        let free = free_name(&path);
        return Ok(Saved::Exists(Existing { path, free }));
    }
    save_plan(plan, &path)?;
    Ok(if is_there { Saved::Replaced(path) } else { Saved::New(path) })
}

/// Replace, save beside, or neither.
pub(in crate::ui) fn existing_ui(ctx: &Context, existing: &Existing, queue: &mut Vec<Command>) {
    let shown = Modal::new(Id::unique("existing plan")).show(ctx, |ui| {
        ui.set_max_width(480.0);
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ui.heading(format!("{} is there already", name(&existing.path)));
        sub_ui(ui, existing.path.display().to_string());
        ui.add_space(theme::GRID);
        ui.horizontal_wrapped(|ui| {
            let beside = format!("Save as {}", name(&existing.free));
            if primary_button(ui, true, &beside, 120.0).clicked() {
                queue.push(Command::SavePlanAs(existing.free.clone()));
            }
            if ui.button("Replace").clicked() {
                queue.push(Command::ReplacePlan);
            }
            if ui.button("Cancel").clicked() {
                queue.push(Command::KeepPlanFile);
            }
        });
    });
    if shown.should_close() {
        queue.push(Command::KeepPlanFile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_left_alone_until_somebody_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        let (first, second) = (Plan::default(), Plan { frames: 7, ..Plan::default() });
        assert_eq!(save(&first, path.clone(), false).unwrap(), Saved::New(path.clone()));
        assert_eq!(save(&first, path.clone(), false).unwrap(), Saved::Unchanged(path.clone()));
        let Saved::Exists(existing) = save(&second, path.clone(), false).unwrap() else { panic!("not asked") };
        assert_eq!((load_plan(&path).unwrap(), &existing.free), (first, &dir.path().join("plan-2.json")));
        assert_eq!(save(&second, existing.free.clone(), false).unwrap(), Saved::New(existing.free.clone()));
        assert_eq!(free_name(&path), dir.path().join("plan-3.json"));
        assert_eq!(save(&second, path.clone(), true).unwrap(), Saved::Replaced(path.clone()));
        assert_eq!(load_plan(&path).unwrap(), second);
        assert!(save(&second, dir.path().join("none/plan.json"), false).is_err());
    }
}
