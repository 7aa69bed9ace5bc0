//! Raters' secret links: how they are written, and whom one opens the study for.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::ids::PersonId;
use crate::project::StudyRecord;

/// What links begin with unless something else is asked for: the server's own default address.
pub const DEFAULT_BASE_URL: &str = "http://127.0.0.1:8085";

/// What links begin with: where raters reach the server, or the proxy before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// A rater's link.
    pub fn link(&self, secret: &str) -> String {
        format!("{}/r/{secret}/", self.0)
    }
}

impl Default for BaseUrl {
    fn default() -> Self {
        Self(DEFAULT_BASE_URL.to_owned())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim_end_matches('/');
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(|c: char| c.is_whitespace() || "?#".contains(c))) {
            return Err(Error::user(format!(
                "“{text}” is not the beginning of a link; it looks like https://example.org"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Whom each link opens the study for.
///
/// Secrets are looked up by a hash whose key is drawn at every start, so that the time it takes tells nothing about a
/// secret.
#[derive(Debug)]
pub(super) struct Links {
    key: [u8; blake3::KEY_LEN],
    by_hash: HashMap<[u8; blake3::OUT_LEN], Guest>,
    /// True when raters cannot go on.
    pub closed: bool,
}

/// Whom a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guest {
    /// Who.
    pub rater: PersonId,
    /// True when the rater no longer takes part.
    pub removed: bool,
}

impl Links {
    /// The links of a study as they are now.
    pub(super) fn new(key: [u8; blake3::KEY_LEN], study: &StudyRecord) -> Self {
        let hash = |secret: &str| *blake3::keyed_hash(&key, secret.as_bytes()).as_bytes();
        let guest = |rater: &crate::project::StudyRater| Guest { rater: rater.person.id, removed: rater.removed };
        let by_hash = study.raters.iter().map(|rater| (hash(&rater.secret), guest(rater))).collect();
        Self { key, by_hash, closed: study.closed_at.is_some() }
    }

    /// Whom the link with this secret is for, if there is one.
    pub(super) fn find(&self, secret: &str) -> Option<Guest> {
        self.by_hash.get(blake3::keyed_hash(&self.key, secret.as_bytes()).as_bytes()).copied()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_base_is_the_beginning_of_a_link() {
        for (base, link) in [
            ("https://example.org", "https://example.org/r/abc/"),
            ("https://example.org/sorting/", "https://example.org/sorting/r/abc/"),
            ("http://127.0.0.1:8085", "http://127.0.0.1:8085/r/abc/"),
        ] {
            assert_eq!(base.parse::<BaseUrl>().unwrap().link("abc"), link);
        }
        for bad in ["", "example.org", "ftp://example.org", "https://", "https://a b", "https://example.org/?x"] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
    }
}
