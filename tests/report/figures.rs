//! Figures from plain values: drawn where there is something to draw, and well-formed whatever the text.

use inflight::contract::{Codec, LockPlacement};
use inflight::record::{Case, DeviceInfo, DeviceKind};
use inflight::report::chart::Heading;
use inflight::report::figures::{case_pen, depth, knee, lock_pen, lock_wait, rounds, shift, wait_split};
use inflight::report::svg::SERIES;

use crate::fixture;

const HOSTILE: &str = "<script>&\"'|`\n\u{0}\u{ffff} ]]> ünï";

/// Every number in a drawing is one, every tag closes, and text nodes are what was given.
pub fn check(svg: &str) {
    let document = roxmltree::Document::parse(svg).expect("the figure is well-formed XML");
    assert_eq!(document.root_element().tag_name().name(), "svg");
    for attribute in document.descendants().flat_map(|node| node.attributes()) {
        let value = attribute.value();
        assert!(!value.contains("NaN") && !value.contains("inf"), "{} is {value}", attribute.name());
    }
}

fn heading(device: &DeviceInfo) -> Heading<'_> {
    Heading { title: HOSTILE, device }
}

fn curve(points: Vec<(f64, f64)>) -> lock_wait::Curve {
    let case = Case {
        codec: Codec::H264,
        reap_threshold: 4,
        lock: LockPlacement::Thread,
        pool: 4,
        client: Default::default(),
    };
    lock_wait::Curve { label: HOSTILE.to_owned(), pen: case_pen(&case, &[1, 4]), points }
}

fn row(label: &str, bar: Vec<f64>, wall_ms: f64) -> wait_split::Row {
    wait_split::Row { label: label.to_owned(), emphasis: true, bars_ms: vec![bar], wall_ms }
}

fn point(threshold: u32, mean: f64) -> knee::Point {
    let value = knee::MeanAndSpread { mean, stddev: mean / 10.0 };
    knee::Point { threshold, fps: value, latency_p99_ms: value }
}

/// A metric that changed like this from round to round, known after each.
fn changes(changes_pct: &[f64]) -> rounds::Rounds {
    let state = |(num_rounds, &pct): (u32, &f64)| rounds::State {
        num_rounds,
        estimate_pct: pct,
        ends_pct: (num_rounds > 1).then_some((pct - 1.0, pct + 1.0)),
    };
    rounds::Rounds {
        y_title: HOSTILE.to_owned(),
        changes_pct: changes_pct.to_vec(),
        states: (1..).zip(changes_pct).map(state).collect(),
        margin_pct: Some(1.0),
    }
}

fn column(differences_us: Vec<f64>) -> shift::Column {
    let point = |(tenth, difference_us): (u32, f64)| shift::Point {
        percent: 10 * tenth,
        difference_us,
        ends_us: (tenth > 1).then_some((difference_us - 1.0, difference_us + 1.0)),
    };
    shift::Column { y_title: HOSTILE.to_owned(), points: (1..).zip(differences_us).map(point).collect() }
}

#[test]
fn hostile_names_and_absurd_values_still_make_a_drawing() {
    let device = DeviceInfo { name: HOSTILE.to_owned(), ..fixture::device() };
    let parts = vec![wait_split::Part { label: HOSTILE.to_owned(), colour: SERIES[0] }];
    for extreme in [0.0, 1.0, 1e18] {
        let curves = [curve(vec![(0.5, extreme), (1.0, extreme)])];
        check(&lock_wait::draw(heading(&device), &curves).unwrap());
        let rows = [row(HOSTILE, vec![extreme], extreme), row("", vec![], 0.0)];
        check(&wait_split::draw(heading(&device), &parts, &rows).unwrap());
        let bins = vec![depth::Bin { min: 0, max: u32::MAX, mean: extreme }];
        let traces = [depth::Trace { label: HOSTILE.to_owned(), bins }];
        check(&depth::draw(heading(&device), &traces, extreme).unwrap());
        let points = vec![point(1, extreme), point(64, extreme)];
        let series = [knee::Series {
            label: HOSTILE.to_owned(),
            pen: lock_pen(LockPlacement::Poll),
            points,
            recommended: Some(64),
        }];
        check(&knee::draw(heading(&device), &series).unwrap());
        check(&rounds::draw(heading(&device), &changes(&[-extreme, extreme])).unwrap());
        check(&shift::draw(heading(&device), &[column(vec![-extreme, extreme]), column(vec![])]).unwrap());
    }
}

#[test]
fn nothing_measured_is_no_figure() {
    let device = fixture::device();
    assert_eq!(lock_wait::draw(heading(&device), &[curve(vec![])]), None);
    assert_eq!(wait_split::draw(heading(&device), &[], &[]), None);
    assert_eq!(depth::draw(heading(&device), &[depth::Trace { label: String::new(), bins: vec![] }], 1.0), None);
    assert_eq!(knee::draw(heading(&device), &[]), None);
    assert_eq!(rounds::draw(heading(&device), &changes(&[])), None);
    assert_eq!(shift::draw(heading(&device), &[column(vec![])]), None);
}

#[test]
fn only_a_gpu_is_left_without_a_notice() {
    let drawn = |kind| {
        let device = DeviceInfo { kind, ..fixture::device() };
        lock_wait::draw(heading(&device), &[curve(vec![(1.0, 5.0)])]).unwrap()
    };
    let title = |svg: &str| {
        let document = roxmltree::Document::parse(svg).unwrap();
        document.descendants().find(|node| node.has_tag_name("title")).unwrap().text().unwrap().to_owned()
    };
    assert!(title(&drawn(DeviceKind::Virtual)).contains("VIRTUAL DEVICE — modelled times, not a GPU measurement"));
    assert!(title(&drawn(DeviceKind::Library)).contains("not known to be a GPU"));
    assert!(!title(&drawn(DeviceKind::Cuda)).contains("not"));
}
