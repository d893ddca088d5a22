//! What the documents promise about the program's own words.

use inflight::stats::runs::metrics::Metric;

#[test]
fn every_metric_is_defined_in_the_methodology_in_the_words_of_its_tooltip() {
    let methodology = include_str!("../docs/methodology.md");
    for metric in Metric::ALL {
        let row = format!("| `{}` | {} | {} |", metric.key(), metric.title(), metric.definition());
        assert!(methodology.contains(&row), "docs/methodology.md lacks this row:\n{row}");
    }
}
