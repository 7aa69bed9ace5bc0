//! Numbers and sentences as people read them, the same in the window, the command line and figures.

/// `value` with so many decimals, never as "-0.00".
pub fn fixed(value: f64, decimals: usize) -> String {
    let scale = 10_f64.powi(decimals as i32);
    format!("{:.decimals$}", (value * scale).round() / scale + 0.0)
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

#[cfg(test)]
mod tests {
    use super::*;

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
