//! Figures on paper: drawn where there is something to draw, and well-formed whatever the text and the values.

use inflight::contract::{Codec, EngineKind, LockPlacement};
use inflight::figures::distribution::{self, CaseTimes};
use inflight::figures::{Figure, depth, thresholds, wait_split};
use inflight::record::{CardIdentity, Case, DeviceInfo, DeviceKind};
use inflight::report::chart;
use inflight::stats::math::descriptive::Spread;
use inflight::stats::runs::distribution::CurvePoint;
use inflight::stats::runs::metrics::Metric;
use inflight::stats::runs::summary::Group;

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

fn case(reap_threshold: u32) -> Case {
    let lock = LockPlacement::Thread;
    Case {
        codec: Codec::H264,
        reap_threshold,
        lock,
        pool: reap_threshold,
        names_pool: false,
        client: Default::default(),
        decode: None,
    }
}

/// Runs whose every metric is `value`.
fn group(reap_threshold: u32, value: f64) -> Group {
    let spread = |metric: &Metric| Some((*metric, Spread::of(&[value, value / 2.0])?));
    let spreads = Metric::ALL.iter().filter_map(spread).collect();
    Group { case: case(reap_threshold), num_runs: 2, num_failed: 0, spreads }
}

fn times(curve: &[CurvePoint]) -> [CaseTimes<'_>; 1] {
    let (case, label, quantiles_ns) = (case(4), HOSTILE.to_owned(), curve.first().map(|point| [point.value_ns; 5]));
    [CaseTimes { case, label, is_in_focus: true, is_strong: true, bars: &[], curve, quantiles_ns, run_dots: &[] }]
}

/// Each figure of absurd values, as far as there is one.
fn figures(value: f64) -> Vec<Option<Figure>> {
    let groups = [group(1, value), group(64, value)];
    let curve = [0.5, 1.0].map(|quantile| CurvePoint { quantile, value_ns: value as u64 });
    let rows = groups.each_ref().map(|group| wait_split::Row { label: HOSTILE.to_owned(), is_strong: true, group });
    let bins = vec![depth::Bin { min: 0, max: u32::MAX, mean: value }];
    let shares =
        [depth::Shares { label: HOSTILE.to_owned(), is_strong: false, shares: &[(0, value), (u32::MAX, 1.0)] }];
    vec![
        thresholds::of(HOSTILE, &groups, Some(case(64)), &thresholds::METRICS),
        wait_split::of(HOSTILE, &rows),
        distribution::percentiles(HOSTILE, &times(&curve)),
        distribution::histogram(HOSTILE, &times(&curve)),
        distribution::ranked(HOSTILE, &times(&curve)),
        depth::over_time(HOSTILE, &[depth::Trace { label: HOSTILE.to_owned(), bins }], value),
        depth::shares(HOSTILE, &shares),
    ]
}

#[test]
fn hostile_names_and_absurd_values_still_make_a_drawing() {
    let device = DeviceInfo { name: HOSTILE.to_owned(), ..fixture::device() };
    for value in [0.0, 1.0, 1e18, f64::MAX] {
        for (idx, figure) in figures(value).into_iter().enumerate() {
            check(&chart::svg(&figure.unwrap_or_else(|| panic!("figure {idx} of {value}")), &device));
        }
    }
}

#[test]
fn nothing_measured_is_no_figure() {
    assert_eq!(thresholds::of("", &[], None, &thresholds::METRICS), None);
    assert_eq!(wait_split::of("", &[]), None);
    assert_eq!(distribution::percentiles("", &times(&[])), None);
    assert_eq!(distribution::ranked("", &times(&[])), None);
    assert_eq!(depth::over_time("", &[depth::Trace { label: String::new(), bins: vec![] }], 1.0), None);
    assert_eq!(depth::shares("", &[]), None);
}

#[test]
fn only_a_gpu_is_left_without_a_notice() {
    let title_of = |device: DeviceInfo| {
        let figure = thresholds::of("Each metric", &[group(1, 5.0)], None, &thresholds::METRICS).unwrap();
        let svg = chart::svg(&figure, &device);
        let document = roxmltree::Document::parse(&svg).unwrap();
        document.descendants().find(|node| node.has_tag_name("title")).unwrap().text().unwrap().to_owned()
    };
    let title = |kind| title_of(DeviceInfo { kind, ..fixture::device() });
    let half_real = DeviceInfo {
        kind: DeviceKind::Virtual,
        engine: EngineKind::Transcode,
        card: Some(CardIdentity::default()),
        ..fixture::device()
    };
    assert!(title_of(half_real).contains("VIRTUAL ENCODER — its times are modelled"));
    assert!(title(DeviceKind::Virtual).contains("VIRTUAL DEVICE — modelled times, not a GPU measurement"));
    assert!(title(DeviceKind::Library).contains("not known to be a GPU"));
    assert!(!title(DeviceKind::Cuda).contains("not"));
}

/// Texts of one figure that are set from their ends must not run into each other: labels that would touch are left out.
#[test]
fn labels_of_many_thresholds_do_not_touch() {
    let groups: Vec<_> = (1..=64).map(|threshold| group(threshold, 5.0)).collect();
    let svg =
        chart::svg(&thresholds::of("", &groups, None, &[Metric::Fps, Metric::LockMs]).unwrap(), &fixture::device());
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    let number = |node: roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().parse::<f64>().unwrap();
    let labels = texts.filter(|node| node.attribute("text-anchor") == Some("middle") && node.text().is_some());
    let mut spans: Vec<_> = labels
        .map(|node| {
            let half = node.text().unwrap().len() as f64 * number(node, "font-size") * 0.3;
            (number(node, "y"), number(node, "x") - half, number(node, "x") + half)
        })
        .collect();
    spans.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert!(spans.len() > 10, "{spans:?}");
    for pair in spans.windows(2) {
        assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{pair:?}");
    }
}
