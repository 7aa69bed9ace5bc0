//! Lines of JSON that say whether they are still what was written.
//!
//! A line ends with eight bytes, in hexadecimal, of the BLAKE3 of what stands before: as the last field (`checksum`) of an
//! object, as the last element of an array. Lines that earlier versions wrote have none, and are read as they are.

/// Hexadecimal digits of the checksum.
const DIGITS: usize = 16;

/// A line with its checksum; `json` is an object or array that is not empty.
pub fn sealed(json: &str) -> String {
    let (inside, end) = json.split_at(json.len().saturating_sub(1));
    let field = if end == "}" { "\"checksum\":" } else { "" };
    format!("{inside},{field}\"{}\"{end}", checksum(json))
}

/// The JSON of a line as it was before it was sealed; none when it was changed since.
pub fn opened(line: &str) -> Option<String> {
    let end = line.get(line.len().checked_sub(1)?..)?;
    let before_end = &line[..line.len() - 1];
    let field = if end == "}" { ",\"checksum\":\"" } else { ",\"" };
    let suffix_length = field.len() + DIGITS + 1;
    let split = before_end.len().checked_sub(suffix_length).filter(|at| before_end.is_char_boundary(*at));
    let Some((inside, suffix)) = split.map(|at| before_end.split_at(at)) else { return Some(line.to_owned()) };
    let Some(found) = suffix.strip_prefix(field).and_then(|rest| rest.strip_suffix('"')) else {
        return Some(line.to_owned());
    };
    let json = format!("{inside}{end}");
    (found == checksum(&json)).then_some(json)
}

fn checksum(json: &str) -> String {
    blake3::hash(json.as_bytes()).to_hex()[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_changed_line_is_noticed_and_an_old_one_is_read() {
        for json in [r#"{"epoch":1,"loss":0.25}"#, "[1,2,3,0.25]"] {
            let line = sealed(json);
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
            assert_eq!(opened(&line).unwrap(), json);
            assert_eq!(opened(json).unwrap(), json);
            // Whatever letter is changed: noticed, or what was written stands there still.
            for at in 0..line.len() {
                let mut changed = line.clone().into_bytes();
                changed[at] ^= 1;
                let changed = String::from_utf8(changed).unwrap();
                let same_value = |opened: String| {
                    let value = serde_json::from_str::<serde_json::Value>(&opened).ok()?;
                    Some(match value {
                        serde_json::Value::Object(fields) => fields["epoch"] == 1 && fields["loss"] == 0.25,
                        serde_json::Value::Array(items) => {
                            Some(&items[..4]) == serde_json::json!([1, 2, 3, 0.25]).as_array().map(Vec::as_slice)
                        }
                        _ => false,
                    })
                };
                assert!(opened(&changed).and_then(same_value).unwrap_or(true), "{changed}");
            }
        }
        assert_eq!(opened("").as_deref(), None);
    }
}
