//! Text from outside made harmless: device names, input specifications, command lines and error messages may hold
//! anything, and must read in Markdown, XML and CSV as the words they are.

use std::fmt::Write as _;

/// One line that shows what it holds: line breaks become spaces; control characters and those that turn the reading
/// direction around become U+FFFD.
pub fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\t' | '\n' | '\r' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        _ if letter.is_control() => '\u{fffd}',
        _ => letter,
    };
    text.chars().map(shown).collect()
}

/// Text of an XML element or attribute.
pub fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Text of a Markdown paragraph or table cell. CommonMark 2.4: any ASCII punctuation may be escaped; these are the ones
/// that mean something within a line.
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        if "\\`*_[]<>|&~$".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// A Markdown code span that may stand in a table cell, where GFM wants each pipe escaped, inside code too.
pub fn code(text: &str) -> String {
    let text = printable(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    // CommonMark 6.1: one space on both sides is taken off again; it keeps a backtick at an end apart from the fence.
    let space = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A relative link to a file of that name: what a URL gives a meaning to is percent-encoded (RFC 3986, 2.3).
pub fn link(file_name: &str) -> String {
    let mut link = String::with_capacity(file_name.len());
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}

/// A fenced block with the text as it is.
pub fn code_block(text: &str, language: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let lines = text.lines().fold(String::new(), |mut lines, line| {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{}", printable(line));
        lines
    });
    format!("{fence}{language}\n{lines}{fence}\n")
}

/// A field of a CSV file (RFC 4180). What a spreadsheet would take for a formula gets a quote before it, which
/// spreadsheets do not show.
pub fn csv(text: &str) -> String {
    let is_formula =
        text.len() > 1 && text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let quoted;
    let text = if is_formula {
        quoted = format!("'{text}");
        &quoted
    } else {
        text
    };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn longest_run(text: &str, letter: char) -> usize {
    text.split(|other| other != letter).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text() {
        assert_eq!(xml("a<b>&\"c\"\n\u{1}\u{ffff}"), "a&lt;b&gt;&amp;&quot;c&quot; \u{fffd}\u{fffd}");
        assert_eq!(markdown("a|b`c`\n<i>*x*_y_"), "a\\|b\\`c\\` \\<i\\>\\*x\\*\\_y\\_");
        assert_eq!(printable("abc\u{202e}"), "abc\u{fffd}");
        assert_eq!(link("a b(>).svg"), "a%20b%28%3E%29.svg");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("``x`"), "``` ``x` ```");
        assert_eq!(code(""), "`  `");
        assert_eq!(code_block("```\nx", "sh"), "````sh\n```\nx\n````\n");
    }

    #[test]
    fn fields_and_words_are_quoted_where_they_must() {
        assert_eq!([csv("=1+1"), csv("@a,b"), csv("-1.5"), csv("-")], ["'=1+1", "\"'@a,b\"", "-1.5", "-"]);
        assert_eq!(csv("plain"), "plain");
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
