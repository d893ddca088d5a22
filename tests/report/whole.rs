//! Whole reports: what is said first, that every number is one of `stats`, and that nothing from outside breaks out.

use std::path::Path;

use inflight::contract::EngineKind;
use inflight::plan::Plan;
use inflight::record::{DeviceInfo, DeviceKind};
use inflight::report::{Report, ReportError, Subject, default_path, render, status};
use inflight::session::Session;
use inflight::stats::analysis::Analysis;
use inflight::stats::runs::metrics::Metric;
use inflight::stats::runs::selector::CaseFilter;
use inflight::stats::verdict::comparison::{Allowances, Comparison, compare};
use inflight::stats::verdict::criteria::Criteria;
use inflight::units::{change_pct_or_none, pct};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::figures::check;
use crate::fixture;

const NOTICE: &str = "VIRTUAL DEVICE — modelled times, not a GPU measurement";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn analysed(session: &Session) -> Analysis {
    session.analysis().unwrap()
}

fn compared(session: &Session) -> Comparison {
    analysed(session).comparison.expect("the session has pairs to compare")
}

fn rendered(session: &Session, comparison: Option<&Comparison>) -> Report {
    let subject = Subject { session, analysis: &analysed(session), before: None, comparison };
    render(subject, Path::new("folder/report.md"), at(0)).unwrap()
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
    let session = fixture::plain();
    let markdown = rendered(session, Some(&compared(session))).markdown;
    let order = [
        "# Frames in flight: H.264 and HEVC",
        "on this virtual device",
        NOTICE,
        "## Thresholds, H.264",
        "# Details",
        "## Criteria",
        "## Before and after, H.264",
    ];
    let places: Vec<_> =
        order.iter().map(|part| markdown.find(part).unwrap_or_else(|| panic!("{part} is missing"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn every_number_of_before_and_after_is_one_of_stats() {
    let session = fixture::plain();
    let comparison = compared(session);
    let markdown = rendered(session, Some(&comparison)).markdown;
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
    let session = fixture::plain();
    let comparison = compared(session);
    let markdown = rendered(session, Some(&comparison)).markdown;
    let section = section(&markdown, "Criteria");
    for result in comparison.codecs.iter().flat_map(|codec| &codec.criteria) {
        let unit = result.name.unit();
        let found = rows(section, &format!("`{}`", result.key())).into_iter().any(|cells| {
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
    let session = fixture::plain();
    let markdown = rendered(session, None).markdown;
    for (title, codec) in [("H.264", "h264"), ("HEVC", "hevc")] {
        let section = section(&markdown, &format!("Cases, {title}"));
        for group in session.groups().iter().filter(|group| group.case.codec.to_string() == codec) {
            let wall = group.spread(Metric::WallMs).unwrap();
            let unit = Metric::WallMs.unit();
            let cell = format!("{} ± {}", unit.text(wall.mean), unit.text(wall.stddev.unwrap()));
            assert!(section.contains(&cell), "{cell}");
        }
    }
    let runs = section(&markdown, "Runs");
    assert_eq!(runs.lines().filter(|line| line.starts_with('|')).count(), session.summaries.len() + 2);
    assert_eq!(runs.matches("warm-up").count(), session.groups().len());
    for run in &session.summaries {
        assert!(runs.contains(&Metric::WallMs.unit().text(run.wall_ms())));
    }
}

#[test]
fn each_codec_has_its_figures_and_the_text_shows_each() {
    let session = fixture::plain();
    let report = rendered(session, Some(&compared(session)));
    assert_eq!(report.figures.len(), 12);
    for (name, svg) in &report.figures {
        check(svg);
        assert!(svg.contains(NOTICE), "{name}");
        assert!(report.markdown.contains(&format!("]({name})")), "{name}");
    }
}

#[test]
fn only_the_last_line_depends_on_the_clock() {
    let session = fixture::plain();
    let analysis = analysed(session);
    let subject = Subject::own(session, &analysis);
    let (one, other) = (
        render(subject, Path::new("report.md"), at(0)).unwrap(),
        render(subject, Path::new("report.md"), at(86_400)).unwrap(),
    );
    assert_eq!(one.figures, other.figures);
    let differing = one.markdown.lines().zip(other.markdown.lines()).filter(|(one, other)| one != other);
    assert_eq!(
        differing.collect::<Vec<_>>(),
        [(
            "Generated 1970-01-01 00:00:00 UTC by inflight 0.1.0",
            "Generated 1970-01-02 00:00:00 UTC by inflight 0.1.0"
        )]
    );
}

#[test]
fn a_gpu_is_not_called_virtual() {
    let device = DeviceInfo { kind: DeviceKind::Cuda, name: "RTX 4090".to_owned(), ..fixture::device() };
    let (_folder, session) = fixture::session(&fixture::small_plan(), device, |_| ());
    let report = rendered(&session, Some(&compared(&session)));
    assert!(!report.markdown.contains("VIRTUAL") && !report.markdown.contains("virtual device"));
    assert!(report.figures.iter().all(|(_, svg)| !svg.contains("VIRTUAL")));
}

#[test]
fn a_before_side_from_elsewhere_is_shown_as_such() {
    let thresholds = |reap_thresholds| Plan { reap_thresholds, ..fixture::small_plan() };
    let (_one, before) = fixture::session(&thresholds(vec![1]), fixture::device(), |_| ());
    let (_other, after) = fixture::session(&thresholds(vec![2, 4]), fixture::device(), |_| ());
    let filter = CaseFilter { reap_threshold: Some(4), ..CaseFilter::default() };
    let sides = (before.side("old", CaseFilter::default()), after.side("new", filter));
    let comparison = compare(&sides.0, &sides.1, &Criteria::default(), Allowances::default()).unwrap();
    let analysis = analysed(&after);
    let subject =
        Subject { session: &after, analysis: &analysis, before: Some(&before), comparison: Some(&comparison) };
    let report = render(subject, Path::new("report.md"), at(0)).unwrap();
    let section = section(&report.markdown, "Cases, H.264");
    assert_eq!(rows(section, "before, other session").len(), 1);
    assert_eq!(rows(section, "after").len(), 1);
    assert!(report.markdown.contains("The sides come from two sessions"));
    let svg = |word: &str| &report.figures.iter().find(|(name, _)| name.contains(word)).unwrap().1;
    assert!(svg("depth").contains("before: T=1 (inline)") && svg("depth").contains("after: T=4 (inline)"));
    assert!(svg("lock-wait").contains("before: T=1 (inline)") && svg("wait-split").contains("before: T=1 (inline)"));
    assert!(report.markdown.contains(
        "inflight compare --before old:codec=h264,reap=1,lock=inline,pool=4 --after new:codec=h264,reap=4,lock=inline,pool=4"
    ));
}

#[test]
fn hostile_names_stay_names() {
    const HOSTILE: &str = "a|b `c` <img src=x onerror=y>\n# not a heading\u{202e}\u{0}";
    let mut plan = fixture::small_plan();
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
    let mut plan = fixture::small_plan();
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

/// A report of a session of its own, to be written to `name` in the folder that is returned.
fn to_write(name: &str) -> (TempDir, Report) {
    let (folder, session) = fixture::session(&fixture::small_plan(), fixture::device(), |_| ());
    let analysis = analysed(&session);
    let subject = Subject { session: &session, analysis: &analysis, before: None, comparison: None };
    let report = render(subject, &folder.path().join(name), at(0)).unwrap();
    (folder, report)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_report_is_written_whole() {
    let (_folder, report) = to_write("new/folder/my report.md");
    report.write().unwrap();
    assert_eq!(std::fs::read_to_string(&report.path).unwrap(), report.markdown);
    assert!(report.markdown.contains("(my%20report-h264-thresholds.svg)"));
    let expected = [
        "my report-h264-lock-wait.svg",
        "my report-h264-thresholds.svg",
        "my report-h264-wait-split.svg",
        "my report.html",
        "my report.md",
    ];
    assert_eq!(names(report.path.parent().unwrap()), expected);
}

#[test]
fn a_report_that_cannot_be_written_leaves_nothing() {
    let (folder, report) = to_write("taken");
    std::fs::create_dir(&report.path).unwrap();
    assert!(matches!(report.write(), Err(ReportError::Write { .. })));
    assert_eq!(names(folder.path()), ["session", "taken"]);
}

#[cfg(unix)]
#[test]
fn a_device_is_not_replaced_by_a_report() {
    let (_folder, report) = to_write("report.md");
    let device = Report { path: "/dev/null".into(), figures: vec![], ..report };
    device.write().unwrap();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_path_without_a_file_is_refused() {
    let analysis = analysed(fixture::plain());
    let subject = Subject::own(fixture::plain(), &analysis);
    assert!(matches!(render(subject, Path::new(".."), at(0)), Err(ReportError::NoFileName { .. })));
}

#[test]
fn the_default_name_is_the_plans() {
    let session = fixture::plain();
    let path = default_path(session, at(1_771_459_200));
    assert_eq!(path.to_str(), Some("output/benchmark-nv-precise-h264-hevc-2026-02-19-0000.md"));
}

#[test]
fn status_pages_have_the_plans_headings() {
    let session = fixture::plain();
    let analysis = analysed(session);
    let subject = Subject::own(session, &analysis);
    let page = status::analysis(subject, Path::new("docs/status"), at(0)).unwrap();
    for heading in [
        "Result",
        "Purpose",
        "Baseline",
        "Before and after, HEVC",
        "Acceptance criteria",
        "Risk: tail latency",
        "Risk: HEVC stability",
    ] {
        assert!(page.markdown.contains(&format!("\n## {heading}\n")), "{heading}");
    }
    assert!(page.markdown.contains(NOTICE));
    assert!(page.figures.iter().all(|(name, _)| page.markdown.contains(name)));
    assert!(section(&page.markdown, "Risk: HEVC stability").contains("32 HEVC runs, warm-ups included: none failed."));
    assert_eq!(status::analysis_name(&subject), "NV_PRECISE_ANALYSIS_2026-02-19.md");
    let status = status::status(subject, at(0)).unwrap();
    assert!(status.contains(NOTICE) && status.contains("NV_PRECISE_ANALYSIS_2026-02-19.md"));
}

#[test]
fn a_decoder_s_report_has_no_word_of_an_encoder_s() {
    let device = DeviceInfo { engine: EngineKind::Nvdec, ..fixture::device() };
    let plan = Plan { engine: EngineKind::Nvdec, ..fixture::small_plan() };
    let (_folder, session) = fixture::session(&plan, device, |_| {});
    let (analysis, comparison) = (analysed(&session), compared(&session));
    let subject = Subject { session: &session, analysis: &analysis, before: None, comparison: Some(&comparison) };
    // A name that has an encoder's words in it stays as it is.
    let report = render(subject, Path::new("folder/encode lock wait.md"), at(0)).unwrap();
    for (name, _) in &report.figures {
        assert!(report.markdown.contains(&name.replace(' ', "%20")) || report.markdown.contains(name), "{name}");
    }
    for key in Metric::ALL.into_iter().filter(|metric| metric.is_of(EngineKind::Nvdec)).map(Metric::key) {
        assert!(report.markdown.contains(&format!("`{key}`:")), "{key}");
    }
    // The command that made the session is the user's text.
    let is_ours = |line: &&str| !line.starts_with("inflight ") && !line.starts_with("![");
    let svgs = report.figures.iter().map(|(_, svg)| svg.as_str());
    for line in report.markdown.lines().filter(is_ours).chain(svgs.flat_map(str::lines)) {
        for word in ["ncode", "nvEnc", "itstream", "packet", "Lock wait", "lock wait"] {
            assert!(!line.contains(word), "{word}: {line}");
        }
    }
    assert!(report.markdown.contains("Map wait") && report.markdown.contains("cuvidMapVideoFrame64"));
}
