//! Whole reports: what is said first, that every number is one of `stats`, and that nothing from outside breaks out.

use inflight::record::{DeviceInfo, DeviceKind};
use inflight::report::{Report, ReportError, Subject, default_path, own_comparison, render, status};
use inflight::session::Session;
use inflight::stats::compare::Comparison;
use inflight::stats::criteria::Criteria;
use inflight::stats::metrics::Metric;
use inflight::units::{change_pct_or_none, pct};
use jiff::Timestamp;

use crate::figures::check;
use crate::fixture;

const NOTICE: &str = "VIRTUAL DEVICE — modelled times, not a GPU measurement";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn compared(session: &Session) -> Comparison {
    own_comparison(session, &Criteria::default()).unwrap().expect("the session has pairs to compare")
}

fn rendered(session: &Session, comparison: Option<&Comparison>) -> Report {
    render(Subject { session, before: None, comparison }, "report", at(0)).unwrap()
}

/// The part of a report under a heading.
fn section<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let (_, rest) = markdown.split_once(&format!("## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n## ").next().unwrap()
}

/// Cells of the table rows that hold `word`.
fn rows(section: &str, word: &str) -> Vec<Vec<String>> {
    let lines = section.lines().filter(|line| line.starts_with('|') && line.contains(word));
    lines.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_verdict_comes_first_then_the_device() {
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let markdown = rendered(&session, Some(&compared(&session))).markdown;
    let order = ["# Pictures in flight: H.264 and HEVC", "for H.264 on this virtual device", NOTICE, "## Criteria", "## Before and after, H.264"];
    let places: Vec<_> = order.iter().map(|part| markdown.find(part).unwrap_or_else(|| panic!("{part} is missing"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn every_number_of_before_and_after_is_one_of_stats() {
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let comparison = compared(&session);
    let markdown = rendered(&session, Some(&comparison)).markdown;
    let codec = &comparison.codecs[0];
    let section = section(&markdown, "Before and after, H.264");
    for metric in [Metric::WallMs, Metric::LockMs, Metric::LatencyP99Ms, Metric::QueuePeak, Metric::Fps] {
        let (before, after) = (codec.before.spread(metric).unwrap(), codec.after.spread(metric).unwrap());
        let start = section.find(&format!("`{}`", metric.key())).unwrap();
        let lines: Vec<_> = section[start..].lines().take(2).collect();
        for (line, spread) in lines.iter().zip([before, after]) {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let values = [spread.min, spread.mean, spread.p50, spread.p95, spread.p99, spread.max];
            for value in values.map(|value| metric.unit().text(value)) {
                assert!(cells.contains(&value.as_str()), "{metric}: no {value} in {line}");
            }
            assert!(cells.contains(&metric.unit().text_or_none(spread.stddev).as_str()), "{line}");
            assert!(cells.contains(&spread.cv_pct.map_or("–".to_owned(), pct).as_str()), "{line}");
        }
        let change = 100.0 * (after.mean - before.mean) / before.mean;
        assert!(lines[1].contains(&change_pct_or_none(Some(change))), "{}", lines[1]);
    }
}

#[test]
fn criteria_are_shown_as_judged() {
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let comparison = compared(&session);
    let markdown = rendered(&session, Some(&comparison)).markdown;
    let section = section(&markdown, "Criteria");
    for result in comparison.codecs.iter().flat_map(|codec| &codec.criteria) {
        let unit = result.name.unit();
        let found = rows(section, &format!("`{}`", result.name)).into_iter().any(|cells| {
            cells[2] == unit.text_or_none(result.before)
                && cells[3] == unit.text_or_none(result.after)
                && cells[4] == change_pct_or_none(result.change_pct)
                && cells[5].to_lowercase().contains(&result.verdict.to_string())
        });
        assert!(found, "{result:?}");
    }
}

#[test]
fn every_case_and_every_run_is_listed() {
    let plan = fixture::plan();
    let (_folder, session) = fixture::session(&plan, fixture::device(), |_| ());
    let markdown = rendered(&session, None).markdown;
    for (title, codec) in [("H.264", "h264"), ("HEVC", "hevc")] {
        let section = section(&markdown, &format!("Thresholds, {title}"));
        for group in session.groups().iter().filter(|group| group.case.codec.to_string() == codec) {
            let wall = group.spread(Metric::WallMs).unwrap();
            let unit = Metric::WallMs.unit();
            let cell = format!("{} ± {}", unit.text(wall.mean), unit.text(wall.stddev.unwrap()));
            assert!(section.contains(&cell), "{cell}");
        }
    }
    let runs = section(&markdown, "Runs");
    assert_eq!(runs.lines().filter(|line| line.starts_with('|')).count(), session.summaries.len() + 2);
    assert_eq!(runs.matches("warm-up").count(), plan.cases().len());
    for run in &session.summaries {
        assert!(runs.contains(&Metric::WallMs.unit().text(run.wall_ms)));
    }
}

#[test]
fn each_codec_has_its_figures_and_the_text_shows_each() {
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let report = rendered(&session, Some(&compared(&session)));
    assert_eq!(report.figures.len(), 8);
    for (name, svg) in &report.figures {
        check(svg);
        assert!(svg.contains(NOTICE), "{name}");
        assert!(report.markdown.contains(&format!("](<{name}>)")), "{name}");
    }
}

#[test]
fn only_the_last_line_depends_on_the_clock() {
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let comparison = compared(&session);
    let subject = Subject { session: &session, before: None, comparison: Some(&comparison) };
    let (one, other) = (render(subject, "report", at(0)).unwrap(), render(subject, "report", at(86_400)).unwrap());
    assert_eq!(one.figures, other.figures);
    let differing = one.markdown.lines().zip(other.markdown.lines()).filter(|(one, other)| one != other);
    assert_eq!(
        differing.collect::<Vec<_>>(),
        [("Generated 1970-01-01 00:00:00 UTC by inflight 0.1.0", "Generated 1970-01-02 00:00:00 UTC by inflight 0.1.0")]
    );
}

#[test]
fn a_gpu_is_not_called_virtual() {
    let device = DeviceInfo { kind: DeviceKind::Cuda, name: "RTX 4090".to_owned(), ..fixture::device() };
    let (_folder, session) = fixture::session(&fixture::plan(), device, |_| ());
    let report = rendered(&session, Some(&compared(&session)));
    // The plan's device line in the command is the only place where the word may stand.
    assert!(!report.markdown.contains("VIRTUAL") && !report.markdown.contains("virtual device"));
    assert!(report.figures.iter().all(|(_, svg)| !svg.contains("VIRTUAL")));
}

#[test]
fn hostile_names_stay_names() {
    const HOSTILE: &str = "a|b `c` <img src=x onerror=y>\n# not a heading\u{202e}\u{0}";
    let mut plan = fixture::plan();
    plan.input = HOSTILE.to_owned();
    let device = DeviceInfo { name: HOSTILE.to_owned(), driver: HOSTILE.to_owned(), ..fixture::device() };
    let (_folder, session) = fixture::session(&plan, device, |run| {
        if run.order_index == 5 {
            run.error = Some(HOSTILE.to_owned());
        }
    });
    let report = rendered(&session, Some(&compared(&session)));
    assert!(!report.markdown.contains("\n# not"));
    assert!(!report.markdown.contains(['\u{0}', '\u{202e}']));
    let outside_code = report.markdown.lines().filter(|line| !line.contains("<img") || !line.contains('`'));
    assert!(outside_code.clone().all(|line| !line.replace("\\<", "").contains("<img")));
    // A pipe that got through would make a row longer than its head.
    for table in report.markdown.split("\n\n").filter(|block| block.starts_with('|')) {
        let pipes = |line: &str| line.replace("\\|", "").matches('|').count();
        let head = pipes(table.lines().next().unwrap());
        assert!(table.lines().all(|line| pipes(line) == head), "{table}");
    }
    report.figures.iter().for_each(|(_, svg)| check(svg));
}

#[test]
fn sessions_with_nothing_to_say_still_make_a_report() {
    let mut plan = fixture::plan();
    plan.frames = 1;
    plan.repeat = 1;
    let (_folder, session) = fixture::session(&plan, fixture::device(), |run| {
        run.error = Some("the driver said no".to_owned());
        run.frames = Default::default();
        run.metrics = Default::default();
        run.wall_ns = 0;
    });
    let report = rendered(&session, None);
    assert!(report.figures.is_empty());
    assert!(report.markdown.contains("no good run to draw"));
    for word in ["NaN", "inf ", "null"] {
        assert!(!report.markdown.contains(word), "{word}");
    }
}

#[test]
fn a_report_is_written_whole() {
    let (folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let report = rendered(&session, None);
    let path = folder.path().join("new/folder/report.md");
    report.write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), report.markdown);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1 + report.figures.len());
}

#[test]
fn a_report_that_cannot_be_written_leaves_nothing() {
    let (folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let report = rendered(&session, None);
    let taken = folder.path().join("taken.md");
    std::fs::create_dir(&taken).unwrap();
    assert!(matches!(report.write(&taken), Err(ReportError::Write { .. })));
    assert!(matches!(report.write(std::path::Path::new("..")), Err(ReportError::NoFileName { .. })));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn the_default_name_is_the_plans() {
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let path = default_path(&session, at(1_771_459_200));
    assert_eq!(path.to_str(), Some("output/benchmark-nv-precise-h264-hevc-1771459200.md"));
}

#[test]
fn status_pages_have_the_plans_headings() {
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let comparison = compared(&session);
    let subject = Subject { session: &session, before: None, comparison: Some(&comparison) };
    let page = status::analysis(subject, at(0)).unwrap();
    for heading in ["Result", "Purpose", "Baseline", "Before and after, HEVC", "Acceptance criteria", "Risk: tail latency", "Risk: HEVC stability"] {
        assert!(page.markdown.contains(&format!("\n## {heading}\n")), "{heading}");
    }
    assert!(page.markdown.contains(NOTICE));
    assert!(page.figures.iter().all(|(name, _)| page.markdown.contains(name)));
    assert!(section(&page.markdown, "Risk: HEVC stability").contains("32 HEVC runs, warm-ups included: none failed."));
    assert_eq!(status::analysis_name(&subject), "NV_PRECISE_ANALYSIS_2026-02-19.md");
    let status = status::status(subject, at(0)).unwrap();
    assert!(status.contains(NOTICE) && status.contains("NV_PRECISE_ANALYSIS_2026-02-19.md"));
}

/// Writes the fixture's report where `REPORT_DIR` says, to be looked at.
#[test]
fn zz_dump() {
    let Ok(dir) = std::env::var("REPORT_DIR") else { return };
    let (_folder, session) = fixture::session(&fixture::plan(), fixture::device(), |_| ());
    let comparison = compared(&session);
    rendered(&session, Some(&comparison)).write(&std::path::Path::new(&dir).join("report.md")).unwrap();
    let subject = Subject { session: &session, before: None, comparison: Some(&comparison) };
    status::analysis(subject, at(0)).unwrap().write(&std::path::Path::new(&dir).join("analysis.md")).unwrap();
    std::fs::write(format!("{dir}/STATUS.md"), status::status(subject, at(0)).unwrap()).unwrap();
}
