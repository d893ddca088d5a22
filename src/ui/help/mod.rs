//! The pages of the menu Help, each in a dialog that Escape and Close close. Shows what is there and computes nothing.

mod about;
mod glossary;
mod keys;
mod log_page;

use eframe::egui::{Context, Frame, Id, Modal, Sides, Ui};

pub use about::{About, SystemFacts};

use super::commands::HelpPage;
use super::log::Log;
use super::theme;

/// Room around a dialog, and what its heading and its buttons take of its height.
const MARGIN: f32 = 48.0;
const FRAME_HEIGHT: f32 = 120.0;

/// What the pages remember, and which is open.
#[derive(Debug, Default)]
pub struct Help {
    /// The page that is open.
    pub page: Option<HelpPage>,
    /// What is known of this program and this computer.
    pub about: About,
    glossary: glossary::Search,
}

impl Help {
    /// Opens a page.
    pub fn open(&mut self, page: HelpPage) {
        self.page = Some(page);
        self.glossary = glossary::Search::default();
    }
}

/// The page that is open, if one is.
pub(super) fn help_ui(ctx: &Context, help: &mut Help, log: &Log) {
    let Some(page) = help.page else { return };
    let frame = Frame::popup(&ctx.global_style()).inner_margin(theme::GAP);
    let shown = Modal::new(Id::unique(("help", page))).frame(frame).show(ctx, |ui| {
        let room = ui.ctx().content_rect().size();
        ui.set_width(width(page).min(room.x - 2.0 * MARGIN));
        ui.label(theme::number(page.title()));
        ui.add_space(theme::GRID / 2.0);
        let height = room.y - 2.0 * MARGIN - FRAME_HEIGHT;
        let copied = match page {
            HelpPage::Keys => {
                keys::keys_ui(ui, height);
                None
            }
            HelpPage::Glossary => {
                glossary::glossary_ui(ui, &mut help.glossary, height);
                None
            }
            HelpPage::Log => {
                log_page::log_ui(ui, log, height);
                Some(log.text())
            }
            HelpPage::About => {
                help.about.ui(ui, height);
                Some(help.about.text())
            }
        };
        ui.add_space(theme::GRID);
        buttons_ui(ui, copied)
    });
    if shown.inner || shown.should_close() {
        help.page = None;
    }
}

fn width(page: HelpPage) -> f32 {
    match page {
        HelpPage::Keys => 680.0,
        HelpPage::Glossary | HelpPage::Log => 760.0,
        HelpPage::About => 600.0,
    }
}

/// Was Close pressed? `text` is what Copy copies.
fn buttons_ui(ui: &mut Ui, text: Option<String>) -> bool {
    let copy = |ui: &mut Ui| {
        if let Some(text) = text
            && ui.button("Copy").on_hover_text("Copies all of it as text, for a bug report").clicked()
        {
            ui.ctx().copy_text(text);
        }
    };
    Sides::new().show(ui, copy, |ui| ui.button("Close").clicked()).1
}
