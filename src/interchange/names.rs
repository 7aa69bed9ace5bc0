//! Matching names in files with the pictures of a project.

use std::collections::HashMap;
use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::ids::ImageId;

/// A path or name in the form in which names are compared: normal form C, `/` between folders, no leading `./`.
pub fn normalised(name: &str) -> String {
    let name: String = name.nfc().map(|letter| if letter == '\\' { '/' } else { letter }).collect();
    let mut rest = name.as_str();
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter;
    }
    rest.to_owned()
}

/// Why a name in a file stands for no single picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// No picture has this name.
    Unknown {
        /// The name as given.
        name: String,
    },
    /// Several pictures could be meant.
    Ambiguous {
        /// The name as given.
        name: String,
        /// Their paths, sorted.
        candidates: Vec<String>,
    },
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => write!(f, "no picture of the project is called “{name}”"),
            Self::Ambiguous { name, candidates } => {
                let shown: Vec<_> = candidates.iter().take(3).map(String::as_str).collect();
                let more = if candidates.len() > shown.len() { ", …" } else { "" };
                write!(
                    f,
                    "“{name}” could be any of {} pictures ({}{more}); write the path within the project",
                    candidates.len(),
                    shown.join(", ")
                )
            }
        }
    }
}

/// Finds the pictures of a project by the names that files give them.
#[derive(Clone, Debug, Default)]
pub struct NameMatcher {
    /// Several where folders that were imported one by one hold files of the same path.
    by_path: HashMap<String, Vec<ImageId>>,
    by_file_name: HashMap<String, Vec<String>>,
    /// By the path without the file's ending.
    by_stem: HashMap<String, Vec<ImageId>>,
}

impl NameMatcher {
    /// Collects the pictures with their paths relative to the project's picture folder.
    pub fn new<'a>(images: impl IntoIterator<Item = (ImageId, &'a str)>) -> Self {
        let mut names = Self::default();
        for (id, path) in images {
            let path = normalised(path);
            names.by_file_name.entry(file_name(&path).to_owned()).or_default().push(path.clone());
            names.by_stem.entry(stem(&path).to_owned()).or_default().push(id);
            names.by_path.entry(path).or_default().push(id);
        }
        names
    }

    /// As [`resolve`](Self::resolve), where `name` may lack the file's ending, as the names of text files beside pictures
    /// do.
    ///
    /// # Errors
    /// As there.
    pub fn resolve_without_ending(&self, name: &str) -> Result<ImageId, Unresolved> {
        self.resolve(name).or_else(|unresolved| match self.by_stem.get(&normalised(name)).map(Vec::as_slice) {
            Some([only]) => Ok(*only),
            Some(several) => {
                Err(Unresolved::Ambiguous { name: name.to_owned(), candidates: vec![name.to_owned(); several.len()] })
            }
            None => Err(unresolved),
        })
    }

    /// The picture called `name`: its path in the project, or else the one picture whose path ends like `name` (a
    /// bare file name, or a path from another machine that ends with the project's).
    ///
    /// # Errors
    /// [`Unresolved`] when there is none, or more than one that fits equally well.
    pub fn resolve(&self, name: &str) -> Result<ImageId, Unresolved> {
        let wanted = normalised(name);
        if let Some(ids) = self.by_path.get(&wanted) {
            return match ids.as_slice() {
                [only] => Ok(*only),
                several => {
                    Err(Unresolved::Ambiguous { name: name.to_owned(), candidates: vec![wanted; several.len()] })
                }
            };
        }
        let candidates = self.by_file_name.get(file_name(&wanted)).map_or(&[][..], Vec::as_slice);
        let fits: Vec<_> =
            candidates.iter().filter(|path| ends_with(path, &wanted) || ends_with(&wanted, path)).collect();
        let longest = fits.iter().map(|path| path.len().min(wanted.len())).max();
        let mut best: Vec<_> =
            fits.into_iter().filter(|path| Some(path.len().min(wanted.len())) == longest).cloned().collect();
        match best.as_slice() {
            [] => Err(Unresolved::Unknown { name: name.to_owned() }),
            // Its path is in the list once, so it is of one picture.
            [only] => Ok(self.by_path[only][0]),
            _ => {
                best.sort();
                Err(Unresolved::Ambiguous { name: name.to_owned(), candidates: best })
            }
        }
    }
}

/// The path without its file's ending.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').filter(|(stem, _)| !stem.is_empty() && !stem.ends_with('/')).map_or(path, |(stem, _)| stem)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// True when `path` ends with the folders and file of `tail`.
fn ends_with(path: &str, tail: &str) -> bool {
    path.strip_suffix(tail).is_some_and(|head| head.is_empty() || head.ends_with('/'))
}
