//! The files of the web page, which are part of the program.

use std::sync::OnceLock;

/// A file of the page.
#[derive(Debug)]
pub(super) struct PageFile {
    /// Its name in the address.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

macro_rules! page_files {
    ($($name:literal: $kind:literal),* $(,)?) => {
        [$(PageFile {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("../../assets/web/", $name)),
        }),*]
    };
}

/// What pages load; none of it is secret.
static FILES: [PageFile; 10] = page_files! {
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "main.js": "text/javascript; charset=utf-8",
    "board.js": "text/javascript; charset=utf-8",
    "sync.js": "text/javascript; charset=utf-8",
    "view.js": "text/javascript; charset=utf-8",
    "dom.js": "text/javascript; charset=utf-8",
    "drag.js": "text/javascript; charset=utf-8",
    "keys.js": "text/javascript; charset=utf-8",
    "dialogs.js": "text/javascript; charset=utf-8",
};

/// The page itself, the same for everybody: what it shows it asks for.
pub(super) const PAGE: &str = include_str!("../../assets/web/page.html");

const NOTE: &str = include_str!("../../assets/web/note.html");

/// The file of that name.
pub(super) fn file(name: &str) -> Option<&'static PageFile> {
    FILES.iter().find(|file| file.name == name)
}

/// A hash of the file's content, for browsers to ask whether it is still the same.
pub(super) fn tag(file: &PageFile) -> String {
    format!("\"{}\"", &blake3::hash(file.bytes).to_hex()[..16])
}

/// A page that only says something.
pub(super) fn note(words: &str) -> String {
    NOTE.replace("{{words}}", words)
}

/// The page for a link that does not exist.
pub(super) fn not_found() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        note(
            "There is nothing here. If you followed a link, check that all of it was copied, or ask the person who \
             sent it to you.",
        )
    })
}
