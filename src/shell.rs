//! Command lines to be pasted: words quoted for the shell, and the user's own file in an advice; and texts that a terminal may be
//! shown.

use std::path::Path;

/// What an advice says where the input belongs. One about sizes begins otherwise: it also stands where no file is named.
const PLACE: &str = "ffmpeg -i IN -pix_fmt ";

/// A word of a command line: of a POSIX shell, on Windows of its command prompt.
pub fn shell_word(word: &str) -> String {
    let is_plain = |letter: char| {
        letter.is_ascii_alphanumeric() || "-_./:=,@%+".contains(letter) || (cfg!(windows) && letter == '\\')
    };
    match word {
        _ if !word.is_empty() && word.chars().all(is_plain) => word.to_owned(),
        _ if cfg!(windows) => format!("\"{}\"", word.replace('"', "\\\"")),
        _ => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// What a terminal shows of a text that may be anybody's, and obeys none of: all but line breaks and tabs is printable.
pub fn shown(text: &str) -> String {
    let letter = |letter: char| if letter.is_control() && !matches!(letter, '\n' | '\t') { '\u{fffd}' } else { letter };
    text.chars().map(letter).collect()
}

/// A path as such a word.
pub fn shell_path(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

/// `message` with the input in the place that its advice leaves for it, as ffmpeg takes it: a name that looks like a protocol
/// or an option is spelled so that it is neither.
pub fn with_input(message: &str, input: &str) -> String {
    if matches!(input, "-" | "") || !message.contains(PLACE) {
        return message.to_owned();
    }
    let input = if input.contains(':') || input.starts_with('-') { format!("file:{input}") } else { input.to_owned() };
    message.replace(PLACE, &format!("ffmpeg -i {} -pix_fmt ", shell_word(&input)))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must() {
        assert_eq!(shell_word("output/x:reap=4"), "output/x:reap=4");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn a_terminal_is_shown_words_and_obeys_none() {
        assert_eq!(shown("a\u{1b}[31mb\r\u{9b}2J\n\tc"), "a\u{fffd}[31mb\u{fffd}\u{fffd}2J\n\tc");
    }

    #[test]
    fn an_advice_names_the_users_own_file() {
        let advice = "convert it with ffmpeg -i IN -pix_fmt yuv420p OUT.y4m: a";
        assert_eq!(
            with_input(advice, "my clip.y4m"),
            "convert it with ffmpeg -i 'my clip.y4m' -pix_fmt yuv420p OUT.y4m: a"
        );
        assert!(with_input(advice, "-i.y4m").contains("-i file:-i.y4m -pix"));
        assert!(with_input(advice, "a:b.y4m").contains("-i file:a:b.y4m -pix"));
        assert_eq!(with_input(advice, "-"), advice);
    }
}
