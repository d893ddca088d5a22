//! What happened in this window, with times, for a bug report: sweeps, files, sessions, errors. Knows no egui.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Older lines go.
const MAX_LINES: usize = 1000;

/// The newest lines, oldest first.
#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<LogLine>,
    /// Lines that there is no room for any longer.
    num_gone: usize,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LogLine {
    pub at: Timestamp,
    pub is_error: bool,
    pub text: String,
}

impl Log {
    /// Something was done.
    pub fn note(&mut self, text: impl Into<String>) {
        self.add(LogLine { at: Timestamp::now(), is_error: false, text: text.into() });
    }

    /// Something failed.
    pub fn error(&mut self, text: impl Into<String>) {
        self.add(LogLine { at: Timestamp::now(), is_error: true, text: text.into() });
    }

    fn add(&mut self, line: LogLine) {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
            self.num_gone += 1;
        }
        self.lines.push_back(line);
    }

    /// The lines there are.
    pub fn lines(&self) -> &VecDeque<LogLine> {
        &self.lines
    }

    /// All of it, as it is copied: one thing a line, dates in UTC.
    pub fn text(&self) -> String {
        let gone = match self.num_gone {
            0 => String::new(),
            num => format!("({num} older lines are not kept)\n"),
        };
        let line = |line: &LogLine| {
            let kind = if line.is_error { "error: " } else { "" };
            format!("{} {kind}{}\n", line.at.strftime("%Y-%m-%d %H:%M:%S UTC"), line.text)
        };
        gone + &self.lines.iter().map(line).collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_thousand_lines_are_kept_and_what_is_gone_is_counted() {
        let mut log = Log::default();
        (0..MAX_LINES + 2).for_each(|idx| log.note(format!("line {idx}")));
        log.error("no space");
        assert_eq!(log.lines().len(), MAX_LINES);
        assert_eq!(log.lines().front().unwrap().text, "line 3");
        let text = log.text();
        assert!(text.starts_with("(3 older lines are not kept)\n"), "{text}");
        assert!(text.ends_with(" UTC error: no space\n"), "{text}");
    }
}
