//! The house's own rules (src/ARCHITECTURE.md), read from the sources: who may use which library, and that folders do not
//! use each other in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The lines of code of each source file, without comments and tests, by its path below `src`.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "rs"))
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let name = entry.path().strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            (name, lines.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// The folder or file right below `src`.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn libraries_are_used_where_they_belong() {
    // What is written, in which rooms it may be, and besides in which files.
    let rules: [(&str, &[&str], &[&str]); 6] = [
        ("egui", &["app"], &["fonts.rs", "cli/demo.rs", "cli/rate.rs", "cli/mod.rs", "cli/doctor.rs"]),
        ("rusqlite", &["project"], &[]),
        ("candle_core", &["nn", "training", "features"], &[]),
        ("println!", &["cli"], &["main.rs"]),
        ("rfd::", &["app"], &[]),
        ("unsafe {", &["nn"], &[]),
    ];
    let mut broken = Vec::new();
    for (path, code) in sources() {
        for (written, rooms, files) in &rules {
            if code.contains(written) && !rooms.contains(&room(&path)) && !files.contains(&path.as_str()) {
                broken.push(format!("{path} has `{written}`, which belongs into {}", rooms.join(", ")));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn rooms_do_not_use_each_other_in_circles() {
    let sources = sources();
    let rooms: BTreeSet<&str> = sources.keys().map(|path| room(path)).collect();
    let mut uses: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (path, code) in &sources {
        for part in code.split("crate::").skip(1) {
            let end = part.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(part.len());
            if let Some(used) = rooms.get(&part[..end]).filter(|used| **used != room(path)) {
                uses.entry(room(path)).or_default().entry(used).or_insert(path);
            }
        }
    }
    // What is used by nobody who is left is taken away, again and again; what remains goes round in circles.
    loop {
        let used: BTreeSet<&str> = uses.values().flat_map(|of| of.keys().copied()).collect();
        let before = uses.len();
        uses.retain(|room, _| used.contains(room));
        let users: BTreeSet<&str> = uses.keys().copied().collect();
        uses.values_mut().for_each(|of| of.retain(|room, _| users.contains(room)));
        if uses.len() == before {
            break;
        }
    }
    uses.retain(|_, of| !of.is_empty());
    assert!(uses.is_empty(), "rooms that use each other, with a file of each: {uses:#?}");
}

/// Whoever looks for the rules finds what they are about.
#[test]
fn the_map_names_every_room() {
    let map = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ARCHITECTURE.md")).unwrap();
    let missing: Vec<String> = sources()
        .keys()
        .map(|path| room(path).to_owned())
        .filter(|room| !["main", "lib"].contains(&room.as_str()) && !map.contains(&format!("`{room}")))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert!(missing.is_empty(), "src/ARCHITECTURE.md says nothing of {}", missing.join(", "));
}
