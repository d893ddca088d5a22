//! The window's own controls: cards, chips, tabs, a row of choices, figures, a whisker. One style of each for all views.
//!
//! Knows egui and the theme; no view, no session.

mod card;
mod chip;
mod choice;
mod figure;
pub mod icons;
mod whisker;

pub use card::{card_ui, more_ui, row_ui, sub_ui, tile_ui};
pub use chip::{Tone, chip_ui, removable_chip_ui};
pub use choice::{primary_button, segments_ui, short_segments_ui, tab_ui};
pub use figure::{figure_ui, key_ui, keyless_figure_ui};
pub use whisker::whisker_ui;
