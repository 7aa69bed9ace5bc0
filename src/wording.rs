//! Numbers and sentences as people read them, the same in the window, the command line and figures.

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

/// A mean with its standard deviation, where there is one: "0.654 ± 0.010".
pub fn mean_score(spread: &crate::evaluation::Spread) -> String {
    let deviation = spread.standard_deviation.map_or_else(String::new, |value| format!(" ± {}", score(value)));
    format!("{}{deviation}", score(spread.mean))
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
    format!("{count} {}", if count == 1 { one } else { many })
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
    fn sentences_begin_with_a_capital() {
        assert_eq!(["", "éa b", "静か"].map(sentence), ["", "Éa b", "静か"]);
    }
}
