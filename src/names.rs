//! What may be a name: of a label, a person, a group, a condition, a study. One rule, wherever a name comes from: typed
//! in the window, given on the command line, or read from a file.
//!
//! [`clean`] gives a name as it is stored and compared, [`problem`] says what is wrong with it, and [`check`] makes an
//! error of that for a person who gave it by hand.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};

/// The longest name, in characters.
pub const LONGEST: usize = 200;

/// A name as stored: without space around it, in Unicode's normal form C.
pub fn clean(name: &str) -> String {
    name.trim().nfc().collect()
}

/// What is wrong with a name, as a part of a sentence: what would break lists, tables and files. The raters' page has
/// the same rule (`assets/web/board.js`).
pub fn problem(name: &str) -> Option<String> {
    let characters = name.chars().count();
    if has_line_break(name) {
        Some("it has a line break".to_owned())
    } else if name.chars().any(char::is_control) {
        Some("it has a control character".to_owned())
    } else if characters > LONGEST {
        Some(format!("it has {characters} characters, more than {LONGEST}"))
    } else {
        None
    }
}

/// The [`problem`] of a name that stands in a table, with what is the likely reason there.
pub fn problem_in_table(name: &str) -> Option<String> {
    let reason = if has_line_break(name) { ": is a quotation mark missing or too many?" } else { "" };
    problem(name).map(|problem| problem + reason)
}

fn has_line_break(name: &str) -> bool {
    name.contains(['\n', '\r', '\u{2028}', '\u{2029}'])
}

/// Refuses a name that is empty or has a [`problem`]; `whose` as in "a label".
///
/// # Errors
/// `User`.
pub fn check(name: &str, whose: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::user(format!("{whose} needs a name")));
    }
    match problem(name) {
        None => Ok(()),
        Some(problem) => Err(Error::user(format!("{whose} cannot be called “{}”: {problem}", beginning(name)))
            .hint("choose a shorter name, of one line")),
    }
}

/// A name as stored, if it can be one; `whose` as in "a label".
///
/// # Errors
/// As [`check`].
pub fn checked(name: &str, whose: &str) -> Result<String> {
    let name = clean(name);
    check(&name, whose)?;
    Ok(name)
}

/// The beginning of a text that may be long, on one line, to be quoted in a message.
pub fn beginning(text: &str) -> String {
    const MOST: usize = 80;
    let mut letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut start: String = letters.by_ref().take(MOST).collect();
    if letters.next().is_some() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_lists_is_no_name() {
        let long = "x".repeat(LONGEST + 1);
        for (name, says) in
            [("a\nb", "line break"), ("a\u{2028}b", "line break"), ("a\tb", "control"), (&long, "201 characters")]
        {
            let error = check(name, "a label").map_err(|error| error.message);
            assert!(error.as_ref().is_err_and(|message| message.contains(says)), "{error:?}");
        }
        assert!(check("  ", "a label").is_err_and(|error| error.message == "a label needs a name"));
        for name in ["cute", "か\u{3099}", &long[1..]] {
            assert!(check(name, "a label").is_ok(), "{name}");
        }
        assert_eq!(clean(" か\u{3099} "), "が");
    }
}
