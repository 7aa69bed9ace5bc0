//! Numbers and sentences as people read them, the same in the window, the command line and figures.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Serializer;

/// `value` with so many decimals, never as "-0.00".
pub fn fixed(value: f64, decimals: usize) -> String {
    let scale = 10_f64.powi(decimals as i32);
    format!("{:.decimals$}", (value * scale).round() / scale + 0.0)
}

/// A score of clusters or groups as it is shown everywhere: three decimals, so that the window, the tables and a figure
/// show the same number for the same thing.
pub fn score(value: f64) -> String {
    fixed(value, 3)
}

/// `value` with so many decimals and a minus of its proper length, as it stands on the screen: an en dash, which the
/// fonts that come with the program have. Files and tables to be read by programs take [`fixed`].
pub fn shown(value: f64, decimals: usize) -> String {
    fixed(value, decimals).replace('-', "–")
}

/// "100,000": digits in threes.
pub fn number(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A sentence begins with a capital letter.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// "1 picture", "2 pictures": `count` of a noun that takes an s.
pub fn counted(count: usize, noun: &str) -> String {
    counted_as(count, noun, &format!("{noun}s"))
}

/// "1 copy", "2 copies".
pub fn counted_as(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// True for what steers a terminal or turns its text around instead of being shown.
fn is_control(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Text of several lines as it may be printed: whatever of it came from a file's name or from other people, its control
/// characters are shown (`\u{1b}`) and do nothing.
pub fn visible(text: &str) -> Cow<'_, str> {
    shown_where(text, |letter| is_control(letter) && !matches!(letter, '\n' | '\t'))
}

/// As [`visible`], for a name or a sentence: a line break in it is shown too and begins no new line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    shown_where(text, is_control)
}

/// JSON as it may be printed: characters that steer a terminal or turn its text around stand in it by their code, which
/// every reader of JSON turns back.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_control) {
        return Cow::Borrowed(json);
    }
    let mut visible = String::with_capacity(json.len() + 8);
    for letter in json.chars() {
        if is_control(letter) && letter != '\n' {
            // All of them are in the range of four digits.
            visible.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            visible.push(letter);
        }
    }
    Cow::Owned(visible)
}

fn shown_where(text: &str, shown: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&shown) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if shown(letter) { visible.extend(letter.escape_default()) } else { visible.push(letter) }
    }
    Cow::Owned(visible)
}

/// Letters of a name or field that a message repeats.
const QUOTED: usize = 80;

/// `text` on one line, cut where it is so long that a message would drown in it.
pub fn quoted(text: &str) -> Cow<'_, str> {
    let text = one_line(text);
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => text,
    }
}

/// A path in JSON, for `#[serde(serialize_with)]`. What of it is not Unicode, which JSON cannot hold, is replaced.
pub fn path_in_json<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// As [`path_in_json`], for several.
pub fn paths_in_json<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(visible("a\u{1b}[2Jb\r\nc\td\u{202e}e"), "a\\u{1b}[2Jb\\r\nc\td\\u{202e}e");
        assert_eq!(one_line("a.png: fine\nPictures: 99 added.png"), "a.png: fine\\nPictures: 99 added.png");
        let family = "絵 👩‍👩‍👧 café";
        assert!(matches!(visible(family), Cow::Borrowed(text) if text == family), "joined letters stay");
        assert_eq!(quoted(&"絵".repeat(200)), format!("{}…", "絵".repeat(80)));
    }

    #[test]
    fn json_stays_json() {
        let name = "a\u{1b}[2J\u{85}\u{7f}\u{202e}b絵\nc";
        let json = serde_json::to_string_pretty(&[name]).unwrap_or_default();
        let shown = visible_json(&json);
        assert!(!shown.chars().any(|letter| is_control(letter) && letter != '\n'), "{shown}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).ok(), Some(vec![name.to_owned()]));
    }

    #[test]
    fn nothing_is_less_than_nothing() {
        let shown = [(-0.0001, 3), (0.0, 3), (-0.0006, 3), (0.12345, 2), (1.0, 3)].map(|(v, d)| fixed(v, d));
        assert_eq!(shown, ["0.000", "0.000", "-0.001", "0.12", "1.000"]);
    }

    #[test]
    fn numbers_stand_in_threes_and_below_nothing_with_a_minus() {
        assert_eq!([0, 999, 1000, 100_000, 1_234_567].map(number), ["0", "999", "1,000", "100,000", "1,234,567"]);
        assert_eq!((counted(1, "picture"), counted(2000, "picture")), ("1 picture".into(), "2,000 pictures".into()));
        assert_eq!([shown(-0.081, 2), shown(-0.001, 2)], ["–0.08", "0.00"]);
    }

    #[test]
    fn sentences_begin_with_a_capital() {
        assert_eq!(["", "éa b", "静か"].map(sentence), ["", "Éa b", "静か"]);
    }
}
