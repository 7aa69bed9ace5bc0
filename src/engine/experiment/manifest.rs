//! What a project held when an experiment was begun: every picture, label, part and grouping that its numbers depend on, so
//! that what changed since can be told by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::project::Project;

/// Differences that are told by name where there are many.
const NAMED: usize = 20;

/// What numbers depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The labels, in their order.
    pub labels: Vec<String>,
    /// How the pictures were split, in words.
    pub split: String,
    /// Each picture that is not set aside, by its path.
    pub pictures: BTreeMap<String, PictureFacts>,
    /// Who put which picture into which group: the BLAKE3 of a grouping by its rater, condition and occasion.
    pub groupings: BTreeMap<String, String>,
}

/// What is known of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFacts {
    /// The BLAKE3 of its file.
    pub hash: String,
    /// Its part of the split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The labels that hold, as annotators agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// True where its file holds another picture now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
}

impl Manifest {
    /// Of a project as it is.
    ///
    /// # Errors
    /// Those of the project.
    pub fn of(project: &Project) -> Result<Self> {
        let labels = project.labels()?;
        let consensus = project.consensus()?;
        let replaced = project.replaced_images()?;
        let split = project.current_split()?;
        let how = split
            .as_ref()
            .map_or_else(|| "not split".to_owned(), |split| format!("{}, seed {}", split.method, split.seed));
        let parts = split.map(|split| split.parts).unwrap_or_default();
        let names = project.image_names()?;
        let mut pictures = BTreeMap::new();
        for image in project.images()?.into_iter().filter(|image| image.set_aside.is_none()) {
            let holds = |label: &&crate::project::Label| {
                consensus.get(&image.id).and_then(|answers| answers.get(&label.id)) == Some(&true)
            };
            let facts = PictureFacts {
                hash: image.content_hash.clone(),
                part: parts.get(&image.id).map(|part| part.name().to_owned()),
                labels: labels.iter().filter(holds).map(|label| label.name.clone()).collect(),
                replaced: replaced.contains(&image.id),
            };
            pictures.insert(names.path(image.id)?, facts);
        }
        let mut groupings = BTreeMap::new();
        for record in project.groupings()?.into_iter().filter(|record| record.newest) {
            let mut hasher = blake3::Hasher::new();
            for (image, group) in project.grouping_members(record.id)? {
                hasher.update(names.path(image)?.as_bytes()).update(&[0]).update(group.as_bytes()).update(&[0]);
            }
            let name =
                format!("{}, condition {}, occasion {}", record.rater, record.study_condition(), record.occasion);
            groupings.insert(name, hasher.finalize().to_hex().to_string());
        }
        Ok(Self { labels: labels.into_iter().map(|label| label.name).collect(), split: how, pictures, groupings })
    }

    /// What is otherwise in `now`, as sentences; empty where nothing is.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.labels != now.labels {
            found.push(format!("the labels were {}, and are {}", self.labels.join(", "), now.labels.join(", ")));
        }
        if self.split != now.split {
            found.push(format!("the split was: {}; and is: {}", self.split, now.split));
        }
        for (path, facts) in &self.pictures {
            match now.pictures.get(path) {
                None => found.push(format!("{path} is gone or set aside")),
                Some(other) => found.extend(facts.differences(other).map(|what| format!("{path} {what}"))),
            }
        }
        let new = now.pictures.keys().filter(|path| !self.pictures.contains_key(*path));
        found.extend(new.map(|path| format!("{path} is new")));
        for (name, hash) in &self.groupings {
            match now.groupings.get(name) {
                None => found.push(format!("the groups of {name} are gone")),
                Some(other) if other != hash => found.push(format!("the groups of {name} changed")),
                Some(_) => {}
            }
        }
        let new = now.groupings.keys().filter(|name| !self.groupings.contains_key(*name));
        found.extend(new.map(|name| format!("the groups of {name} are new")));
        found
    }
}

impl PictureFacts {
    fn differences(&self, now: &Self) -> impl Iterator<Item = String> {
        let list = |labels: &[String]| if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "no part".to_owned());
        let hash = (self.hash != now.hash || self.replaced != now.replaced).then(|| "shows another picture".to_owned());
        let parts =
            (self.part != now.part).then(|| format!("was in {}, and is in {}", part(&self.part), part(&now.part)));
        let labels = (self.labels != now.labels)
            .then(|| format!("had the labels {}, and has {}", list(&self.labels), list(&now.labels)));
        [hash, parts, labels].into_iter().flatten()
    }
}

/// The first of many sentences, and how many more there are.
pub fn first_of(sentences: &[String]) -> String {
    let mut text = sentences.iter().take(NAMED).cloned().collect::<Vec<_>>().join("\n");
    if sentences.len() > NAMED {
        text.push_str(&format!("\nand {} more", sentences.len() - NAMED));
    }
    text
}
