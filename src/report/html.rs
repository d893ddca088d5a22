//! A report as one HTML file with its figures inside and tables that sort on a click: the form for sending to others.
//!
//! Made from the finished Markdown report, so both have the same content. Loads nothing from the network.

use std::collections::BTreeMap;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::Report;
use super::text::{link, xml};

/// The report's page. Text from outside was made harmless in the Markdown; raw HTML in it is shown as text all the same.
pub fn page(report: &Report) -> String {
    let figures: BTreeMap<String, &str> = report.figures.iter().map(|(name, svg)| (link(name), svg.as_str())).collect();
    let mut in_figure = false;
    let events = Parser::new_ext(&report.markdown, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Image { dest_url, .. }) if figures.contains_key(&*dest_url) => {
            in_figure = true;
            let svg = figures.get(&*dest_url).copied().unwrap_or_default();
            Some(Event::InlineHtml(CowStr::from(format!("<figure>{}</figure>", without_prolog(svg)))))
        }
        Event::End(TagEnd::Image) if in_figure => {
            in_figure = false;
            None
        }
        // A figure says in its own title what its caption would.
        _ if in_figure => None,
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        event => Some(event),
    });
    let mut body = String::new();
    html::push_html(&mut body, events);
    let title = report.markdown.lines().next().unwrap_or_default().trim_start_matches("# ");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n<script>{SORT}</script>\n</body>\n</html>\n",
        xml(title)
    )
}

fn without_prolog(svg: &str) -> &str {
    svg.find("<svg").map_or(svg, |at| &svg[at..])
}

const STYLE: &str = "
:root { color-scheme: light dark; --line: #d5d9de; --soft: #f4f6f8; --ink: #1b1f24; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --line: #3a4149; --soft: #22272d; --ink: #e3e7eb; --paper: #181b1f; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px; }
h1 { font-size: 22px; } h2 { font-size: 17px; margin-top: 32px; } h3 { font-size: 15px; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { cursor: pointer; white-space: nowrap; background: var(--soft); }
code { font-size: 13px; } pre { background: var(--soft); padding: 12px; overflow-x: auto; }
blockquote { margin: 16px 0; padding: 4px 16px; border-left: 4px solid #c58a00; background: var(--soft); }
figure { margin: 8px 0; } figure svg { max-width: 100%; height: auto; background: #fff; }
";

/// Sorts by number where a column has numbers, respecting units, otherwise as text; a second click reverses the order.
const SORT: &str = r#"
const units = { ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824 };
const value = (cell) => {
  const text = cell.textContent.replace("−", "-").replace(/(\d),(?=\d{3})/g, "$1");
  const found = text.match(/^\s*([+-]?\d[\d.]*)\s*(ns|µs|ms|s|KiB|MiB|GiB)?/);
  return found ? Number(found[1]) * (units[found[2]] ?? 1) : null;
};
for (const head of document.querySelectorAll("th")) {
  head.title = "Sort";
  head.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0], column = head.cellIndex;
    const up = head.dataset.up !== "1";
    head.dataset.up = up ? "1" : "0";
    const order = (a, b) => {
      const [one, other] = [value(a.cells[column]), value(b.cells[column])];
      if (one !== null && other !== null) return one - other;
      return a.cells[column].textContent.localeCompare(b.cells[column].textContent);
    };
    const rows = [...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a)));
    body.append(...rows);
  });
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(markdown: &str) -> Report {
        let figures = vec![("a b.svg".to_owned(), "<?xml version=\"1.0\"?>\n<svg><text>knee</text></svg>".to_owned())];
        Report {
            path: "report.md".into(),
            markdown: markdown.to_owned(),
            figures,
            models: Vec::new(),
            kept: Vec::new(),
        }
    }

    #[test]
    fn figures_are_inside_and_tables_are_tables() {
        let page =
            page(&report("# Frames & more\n\n| a | >b |\n|---|--:|\n| 1 | 2 |\n\n![caption](a%20b.svg)\n\ntext\n"));
        assert!(page.contains("<title>Frames &amp; more</title>"), "{page}");
        assert!(page.contains("<figure><svg><text>knee</text></svg></figure>") && !page.contains("<?xml"), "{page}");
        assert!(page.contains("<table>") && page.contains("<td>1</td>") && !page.contains("caption"), "{page}");
        assert!(page.contains("<p>text</p>") && !page.contains("src="), "{page}");
    }

    #[test]
    fn markup_from_outside_stays_text() {
        let page = page(&report("# t\n\n<script>alert(1)</script>\n\nx <img src=x onerror=y> y\n"));
        assert_eq!(page.matches("<script>").count(), 1, "only our own: {page}");
        assert!(!page.contains("<img"), "{page}");
    }
}
