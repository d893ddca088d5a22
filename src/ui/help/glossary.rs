//! The terms of this program with their definitions: the table of docs/STYLE.md, and the metrics. Each term once.

use std::sync::LazyLock;

use eframe::egui::{Label, ScrollArea, TextEdit, Ui, vec2};

use crate::stats::runs::metrics::Metric;
use crate::ui::theme;

/// The documents' own text, so that the window cannot say something else.
const STYLE: &str = include_str!("../../../docs/STYLE.md");
const HEADER: &str = "| term | meaning |";
const TERM_WIDTH: f32 = 176.0;

/// A term and what it means.
#[derive(Debug, PartialEq)]
struct Term {
    name: String,
    meaning: String,
}

/// In the order of the alphabet.
static TERMS: LazyLock<Vec<Term>> = LazyLock::new(|| {
    let mut terms = parse(STYLE);
    let metrics = Metric::ALL.into_iter().map(|metric| (metric.title(), metric.definition()));
    for (title, definition) in metrics {
        // A metric that the documents define is a term already.
        if !terms.iter().any(|term| term.name.eq_ignore_ascii_case(title)) {
            terms.push(Term { name: title.to_owned(), meaning: definition.to_owned() });
        }
    }
    terms.sort_by_key(|term| term.name.to_lowercase());
    terms
});

/// What is searched for.
#[derive(Debug, Default)]
pub(super) struct Search {
    text: String,
    /// The field has the keys from the start.
    has_focus: bool,
}

/// The rows of the table of terms: two cells each, without the marks of code.
fn parse(document: &str) -> Vec<Term> {
    let rows = document.lines().skip_while(|line| *line != HEADER).skip(2).take_while(|line| line.starts_with('|'));
    let plain = |cell: &str| cell.trim().replace('`', "");
    let row = |line: &str| {
        let (name, meaning) = line.trim_matches('|').split_once('|')?;
        Some(Term { name: plain(name), meaning: plain(meaning) })
    };
    rows.filter_map(row).collect()
}

/// The terms that hold `search` in their name; below them those that hold it in their meaning only.
fn found(search: &str) -> Vec<&'static Term> {
    let search = search.trim().to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&search);
    let (named, others): (Vec<_>, Vec<_>) = TERMS.iter().partition(|term| holds(&term.name));
    named.into_iter().chain(others.into_iter().filter(|term| holds(&term.meaning))).collect()
}

pub(super) fn glossary_ui(ui: &mut Ui, search: &mut Search, height: f32) {
    let field = TextEdit::singleline(&mut search.text).desired_width(f32::INFINITY).hint_text("Find a term");
    let field = ui.add(field).accessible_name("Find a term");
    if !search.has_focus {
        field.request_focus();
        search.has_focus = true;
    }
    ui.add_space(theme::GRID);
    let terms = found(&search.text);
    // Of one height, however many there are: a dialog that shrinks while somebody types moves away from the pointer.
    let area = ScrollArea::vertical().max_height(height - 40.0).min_scrolled_height(height - 40.0).auto_shrink(false);
    area.show(ui, |ui| {
        if terms.is_empty() {
            ui.weak(format!("No term contains '{}'", search.text));
        }
        for term in terms {
            term_ui(ui, term);
        }
    });
}

fn term_ui(ui: &mut Ui, term: &Term) {
    ui.horizontal_top(|ui| {
        ui.allocate_ui(vec2(TERM_WIDTH, 0.0), |ui| {
            ui.set_width(TERM_WIDTH);
            ui.add(Label::new(theme::semibold(&term.name)).wrap());
        });
        ui.add(Label::new(&term.meaning).wrap());
    });
    ui.separator();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_documents_table_is_a_term() {
        let terms = parse(STYLE);
        let table = STYLE.split(HEADER).nth(1).unwrap().split("\n\n").next().unwrap();
        // Without the rest of the header's line and the line below it.
        assert_eq!(terms.len(), table.lines().count() - 2);
        let serial = terms.iter().find(|term| term.name == "serial").unwrap();
        assert_eq!(serial.meaning, "T=1 (inline): each frame is locked right after it was submitted.");
        assert!(terms.iter().all(|term| !term.name.contains('`') && !term.meaning.contains(['`', '|'])), "{terms:?}");
    }

    #[test]
    fn a_term_that_is_a_metric_too_stands_there_once() {
        for metric in Metric::ALL {
            let same = TERMS.iter().filter(|term| term.name.eq_ignore_ascii_case(metric.title()));
            assert_eq!(same.count(), 1, "{}", metric.title());
        }
        let wait = TERMS.iter().find(|term| term.name.eq_ignore_ascii_case(Metric::LockMs.title())).unwrap();
        assert!(wait.meaning.contains("nvEncLockBitstream"), "the documents' text: {wait:?}");
    }

    #[test]
    fn a_search_finds_names_before_meanings() {
        let names: Vec<_> = found("Warm").iter().map(|term| term.name.as_str()).collect();
        assert_eq!(names[0], "warm-up");
        assert_eq!(found("").len(), TERMS.len());
        assert!(found("no such term").is_empty());
        let found = found("knee");
        assert!(found[0].name == "knee" && found[0].meaning.contains("latency"));
    }
}
