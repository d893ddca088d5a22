//! Markdown tables that also read well as plain text.

use std::fmt;

/// A table under construction. Cells are Markdown; text from outside goes through [`super::text`] first.
pub struct Table {
    /// Which columns stand to the right, as numbers do.
    is_right: Vec<bool>,
    /// The first row is the head.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A column for each title; those that begin with `>` hold numbers and stand to the right.
    pub fn new(titles: &[&str]) -> Self {
        let is_right = titles.iter().map(|title| title.starts_with('>')).collect();
        let head = titles.iter().map(|title| title.trim_start_matches('>').to_owned()).collect();
        Self { is_right, rows: vec![head] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 3);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (idx, row) in self.rows.iter().enumerate() {
            for ((cell, &width), &is_right) in row.iter().zip(&widths).zip(&self.is_right) {
                if is_right { write!(f, "| {cell:>width$} ")? } else { write!(f, "| {cell:<width$} ")? }
            }
            writeln!(f, "|")?;
            if idx == 0 {
                for (&width, &is_right) in widths.iter().zip(&self.is_right) {
                    write!(f, "|{}{}", "-".repeat(width + 1), if is_right { ":" } else { "-" })?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let mut table = Table::new(&["metric", ">before"]);
        table.row(["lock".to_owned(), "221.1 ms".to_owned()]);
        assert_eq!(table.to_string(), "| metric |   before |\n|--------|---------:|\n| lock   | 221.1 ms |\n");
    }
}
