//! How many streams a device carries, as a page: the answer, the table, the figure, and how to repeat it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::table::Table;
use super::text::code_block;
use super::words::codec_title;
use super::{ReportError, chart, files, sections};
use crate::contract::Codec;
use crate::figures::density;
use crate::stats::verdict::density::Density;
use crate::units;

/// Writes `density.md` and a figure a codec into `dir`. Answers where the page is.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_density(found: &Density, dir: &Path, command: &str) -> Result<PathBuf, ReportError> {
    let page = dir.join("density.md");
    let mut out = vec![(page.clone(), markdown(found, command))];
    for &codec in &found.plan.codecs {
        let title = format!("Streams at once, {}", codec_title(codec));
        if let Some(figure) = density::of(title, found, codec) {
            out.push((dir.join(figure_name(codec)), chart::svg(&figure, &found.device)));
        }
    }
    files::write_all(&out.iter().map(|(path, text)| (path.clone(), text.as_str())).collect::<Vec<_>>(), &[])?;
    Ok(page)
}

fn markdown(found: &Density, command: &str) -> String {
    let mut text = "# How many streams are carried\n\n".to_owned();
    for &codec in &found.plan.codecs {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}.\n", found.sentence(codec));
    }
    let _ = writeln!(text, "{}\n", sections::device(&found.device));
    for &codec in &found.plan.codecs {
        let _ = writeln!(text, "## {}\n\n{}", codec_title(codec), table(found, codec));
        let _ = writeln!(text, "![Streams at once]({})\n", figure_name(codec));
    }
    let _ = writeln!(text, "Each number of streams is a session of its own in this folder.\n");
    let _ = writeln!(text, "## Repeat it\n\n{}", code_block(command, "sh"));
    text
}

fn figure_name(codec: Codec) -> String {
    format!("density-{codec}.svg")
}

/// A row for each number of streams, ascending.
pub fn table(found: &Density, codec: Codec) -> String {
    let titles = [
        ">streams",
        "case",
        ">all together",
        ">slowest stream",
        ">fairness",
        ">latency tail",
        ">lock wait a frame",
        "outcome",
    ];
    let mut table = Table::new(&titles);
    for load in found.of_codec(codec) {
        let streams = load.streams.to_string();
        let Some(one) = load.measured else {
            let none = || units::NO_VALUE.to_owned();
            table.row([streams, none(), none(), none(), none(), none(), none(), load.outcome.to_string()]);
            continue;
        };
        let late = if one.model_late > 0 { format!(" ({} frames late here)", one.model_late) } else { String::new() };
        table.row([
            streams,
            one.case.title(),
            units::fps(one.fps),
            units::fps(one.slowest_stream_fps),
            units::pct(one.fairness_pct),
            format!("{} ({})", units::ms(one.tail_ms), one.tail.title().trim_start_matches("Latency ")),
            units::ms(one.lock_ms_per_frame),
            format!("{}{late}", load.outcome),
        ]);
    }
    table.to_string()
}
