//! The program's own words: what the documents promise about them, and which words no user should have to read.
//!
//! Reads what git tracks; builds nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::process::Command;

use inflight::stats::runs::metrics::Metric;

/// The words that docs/STYLE.md rules out under "Words", each in every form that is looked for.
const FORBIDDEN: [&str; 19] = [
    "picture",
    "pictures",
    "heaps",
    "held against",
    "hold against",
    "holds against",
    "paid for",
    "left open",
    "leave open",
    "leaves open",
    "stand against",
    "stands against",
    "speaks against",
    "afresh",
    "rival",
    "rivals",
    "reaches across",
    "turned around",
    "too thin",
];

/// Texts that one file may hold all the same: names that other programs read, which cannot change.
const EXEMPT: [(&str, &str); 5] = [
    // Names of rules: keys of the protocol and of `rules_broken`.
    ("crates/virtual-nvenc/src/rules.rs", "resized with pictures held"),
    ("crates/virtual-nvenc/src/rules.rs", "locked without a picture"),
    ("crates/virtual-nvenc/src/rules.rs", "picture size differs"),
    // A key of the protocol, and one of the trace's counters.
    ("crates/virtual-nvenc/src/protocol.rs", "\"pictures\""),
    ("src/report/trace.rs", "pictures"),
];

/// Files whose `///` comments clap shows as help.
const HELP: [&str; 4] =
    ["src/cli/args.rs", "src/cli/coding_args.rs", "src/cli/sweep_args.rs", "src/cli/driver_args.rs"];

/// A text that a user may read, with the number of its first line.
type Text = (usize, String);

#[test]
fn every_metric_is_defined_in_the_methodology_in_the_words_of_its_tooltip() {
    let methodology = include_str!("../docs/methodology.md");
    for metric in Metric::ALL {
        let row = format!("| `{}` | {} | {} |", metric.key(), metric.title(), metric.definition());
        assert!(methodology.contains(&row), "docs/methodology.md lacks this row:\n{row}");
    }
}

#[test]
fn no_user_reads_a_word_that_the_style_rules_out() {
    let style = include_str!("../docs/STYLE.md").to_lowercase();
    let (mut found, mut num_texts) = (Vec::new(), 0);
    for (name, content) in tracked() {
        for (line, text) in texts_of(&name, &content) {
            num_texts += 1;
            let exempt = EXEMPT.iter().filter(|(file, _)| *file == name);
            let text = exempt.fold(text, |text, (_, own)| text.replace(own, ""));
            let words = words_in(&text).into_iter();
            found.extend(words.map(|(place, word)| format!("{name}:{}: '{word}'", line + place)));
        }
    }
    assert!(num_texts > 3000, "only {num_texts} texts were found to look at");
    assert!(found.is_empty(), "docs/STYLE.md, \"Words\", rules these out:\n{}", found.join("\n"));
    for word in FORBIDDEN {
        let singular = word.trim_end_matches('s');
        assert!(style.contains(singular), "docs/STYLE.md does not say what to write for '{word}'");
    }
}

#[test]
fn words_are_found_where_users_read_them_and_nowhere_else() {
    let source = "// a picture\nlet a = 'x'; let b: &'a str = \"one\\\"\n  picture\"; let c = r#\"a \"rival\"\"#;\n\
                  let picture = b'\\'';\nlet d = \"left \\\n    open, `afresh`, nvEncEncodePicture, num_pictures\";\n\
                  #[cfg(test)]\nmod tests {\n let e = \"rival\";\n}\n";
    let found = |name: &str, text: &str| -> Vec<(usize, &str)> {
        let texts = texts_of(name, text);
        texts
            .iter()
            .flat_map(|(line, text)| words_in(text).into_iter().map(move |(at, word)| (line + at, word)))
            .collect()
    };
    assert_eq!(found("src/a.rs", source), [(3, "picture"), (3, "rival"), (5, "left open")]);
    assert_eq!(found("src/tests.rs", source), []);
    assert_eq!(found("src/cli/args.rs", "/// One\n/// picture\nstruct A;\n"), [(2, "picture")]);
    let document =
        "A picture\n\n```\nrival\n```\n\n`afresh` [x](pictures/a.png) <img src=\"pictures/b.png\">\nleft\nopen\n";
    assert_eq!(found("docs/a.md", document), [(1, "picture"), (8, "left open")]);
}

fn tracked() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root).output();
    let listed = listed.expect("this test needs git: apt install git");
    let names = String::from_utf8(listed.stdout).unwrap();
    names.lines().filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(root.join(name)).ok()?))).collect()
}

/// What a user may read of a file: a document's prose, or a source's string literals and its help.
fn texts_of(name: &str, content: &str) -> Vec<Text> {
    let is_document = name == "README.md" || name.starts_with("docs/") && name.ends_with(".md");
    if is_document {
        // The list of words stands last in the style.
        let end = if name == "docs/STYLE.md" { content.find("\n| not | but |") } else { None };
        return vec![(1, prose(&content[..end.unwrap_or(content.len())]))];
    }
    let is_source = name.ends_with(".rs") && (name.starts_with("src/") || name.contains("/src/"));
    let is_for_tests = ["/tests.rs", "/fixture.rs"].iter().any(|ending| name.ends_with(ending));
    if !is_source || is_for_tests {
        return Vec::new();
    }
    // Unit tests stand last.
    let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(all(test, unix))]\nmod tests {"];
    let end = tests.iter().filter_map(|tests| content.find(tests)).min();
    let source = &content[..end.unwrap_or(content.len())];
    let help = if HELP.contains(&name) { comments(source) } else { Vec::new() };
    let strings = literals(source).into_iter().map(|(line, text)| (line, without_spans(&text, "`", "`")));
    strings.chain(help).collect()
}

/// The forbidden words of a text, each with how many lines below the first it begins.
fn words_in(text: &str) -> Vec<(usize, &'static str)> {
    // Runs of blanks become one, so that a phrase is found across a line break.
    let (mut plain, mut lines, mut line) = (String::new(), Vec::new(), 0);
    for letter in text.replace("\\n", "  ").chars() {
        if !letter.is_whitespace() {
            plain.push(letter.to_ascii_lowercase());
        } else if !plain.ends_with(' ') {
            plain.push(' ');
        }
        lines.resize(plain.len(), line);
        line += usize::from(letter == '\n');
    }
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for word in FORBIDDEN {
        for (at, _) in plain.match_indices(word) {
            if !plain[..at].ends_with(is_letter) && !plain[at + word.len()..].starts_with(is_letter) {
                found.push((lines[at], word));
            }
        }
    }
    found.sort_unstable();
    found
}

/// The string literals of a source, with escapes as they are written.
fn literals(source: &str) -> Vec<Text> {
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < source.len() {
        let rest = &source[at..];
        let is_in_name = source[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        let length = match (raw_open(rest).filter(|_| !is_in_name), rest.as_bytes()[0]) {
            (Some(open), _) => {
                let close = format!("\"{}", "#".repeat(open.matches('#').count()));
                let end = rest[open.len()..].find(&close).map_or(rest.len(), |end| open.len() + end);
                found.push((line, rest[open.len()..end].to_owned()));
                end + close.len()
            }
            (None, b'"') => {
                let end = 1 + end_of_string(&rest[1..]);
                // A backslash at a line's end takes the break out, and the blanks after it.
                found.push((line, rest[1..end].replace("\\\n", "\n")));
                end + 1
            }
            (None, b'/') if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            // A quote as a character, and not the one of a lifetime.
            (None, b'\'') if rest.starts_with("'\"'") => 3,
            (None, b'\'') if rest.starts_with("'\\") => 3,
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        let length = length.min(rest.len());
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// `r"`, `r#"`, `br##"` and the like, where a text begins with one.
fn raw_open(text: &str) -> Option<&str> {
    let after = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let quoted = after.trim_start_matches('#').strip_prefix('"')?;
    Some(&text[..text.len() - quoted.len()])
}

/// Where the first quote without a backslash before it is.
fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.find(|letter| {
        let is_end = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        is_end
    });
    end.unwrap_or(text.len())
}

/// The `///` comments of a source, each block one text.
fn comments(source: &str) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    let mut is_open = false;
    for (line, text) in (1..).zip(source.lines()) {
        let comment = text.trim_start().strip_prefix("///");
        match (comment, found.last_mut()) {
            (Some(comment), Some((_, block))) if is_open => *block = format!("{block}\n{comment}"),
            (Some(comment), _) => found.push((line, comment.to_owned())),
            (None, _) => {}
        }
        is_open = comment.is_some();
    }
    found
}

/// A document without code, targets of links and tags; its lines keep their numbers.
fn prose(document: &str) -> String {
    let spans = [("```", "```"), ("`", "`"), ("](", ")"), ("<img", ">"), ("<source", ">")];
    spans.iter().fold(document.to_owned(), |text, (open, close)| without_spans(&text, open, close))
}

/// `text` without what stands between `open` and `close`, but with the line breaks in it.
fn without_spans(text: &str, open: &str, close: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(open) {
        let Some((span, behind)) = after.split_once(close) else { break };
        kept.push_str(before);
        kept.push('·');
        kept.extend(span.chars().filter(|&letter| letter == '\n'));
        rest = behind;
    }
    kept + rest
}
