//! What an experiment is to compare: a TOML file with features, methods, numbers of clusters, seeds and tables.
//!
//! Features are made by the makers of the list ([`makers`](crate::engine::makers)), with the settings that `atmoscope
//! features make` takes, or by training (`maker = "train"`, with the settings of a training), or they are a set that is kept
//! (`set = "name"`). `of` names other features of the plan. `vary` makes one method of each of several values of a setting.
//! A plan is read and checked whole before anything is computed.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::clustering::Method;
use crate::dataset::SortChoice;
use crate::engine::jobs::cluster::ClusteredPart;
use crate::error::{Error, Result};
use crate::evaluation::SCORES;
use crate::evaluation::score::Score;

/// What makes features by training a network.
pub const TRAIN: &str = "train";
/// Settings of features that are the plan's own.
const OWN_SETTINGS: [&str; 3] = ["maker", "set", "vary"];

/// An experiment as it is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it asks, in a sentence or two.
    #[serde(default)]
    pub description: String,
    /// Which pictures are clustered: `test` or `all`.
    #[serde(default = "test_part")]
    pub part: String,
    /// The numbers of clusters.
    pub clusters: Vec<usize>,
    /// Everything is done once for each seed.
    pub seeds: Vec<u64>,
    /// The method that the others are compared with; the first unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The rater whose groups stand for the authors' own, as in the paper's Table III.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors: Option<String>,
    /// Groups made in these studies only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub studies: Vec<String>,
    /// Without these raters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// How features are made, by name.
    #[serde(default)]
    pub features: BTreeMap<String, Table>,
    /// What is compared, in the order of the tables.
    pub methods: Vec<MethodPlan>,
    /// How the results are laid out; each score in a table of its own unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TablePlan>,
}

fn test_part() -> String {
    ClusteredPart::Test.to_string()
}

/// A way to group the pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodPlan {
    /// What it is called in the tables.
    pub name: String,
    /// Features of the plan, or of the project: the name of a kept set, or `run-3`.
    pub features: String,
    /// How they are clustered.
    #[serde(default = "k_means")]
    pub clusterer: String,
}

fn k_means() -> String {
    Method::default().to_string()
}

/// Whose groups a table is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// Everybody's but those of the rater who stands for the authors.
    #[default]
    Raters,
    /// The rater's who stands for the authors.
    Authors,
}

/// A table: a score, methods by numbers of clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePlan {
    /// What it is called.
    pub title: String,
    /// The score, by its id.
    pub score: String,
    /// Whose groups, for a score against groups.
    #[serde(default)]
    pub against: Against,
    /// The methods that stand in it; all unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Numbers that were printed elsewhere, to stand beside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub printed: Vec<PrintedRow>,
}

/// A row of numbers as they were printed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintedRow {
    /// What it is of: "Paper, Twitter: proposed".
    pub row: String,
    /// What was printed, in the order of the table's columns; a column may be left empty.
    pub values: Vec<String>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// `Config` for text that is not TOML, lacks something or names something unknown.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            Error::config(format!("the experiment cannot be read: {}", error.to_string().trim_end()))
                .hint("compare it with a ready-made one: `atmoscope experiment --show paper`")
                .caused_by(error)
        })
    }

    /// The plan with one method for each value that is varied, given the names of the project's labels; checked for what can
    /// be told without computing.
    ///
    /// # Errors
    /// `Config`, naming what is wrong.
    pub fn expanded(&self, labels: &[String]) -> Result<Self> {
        let mut plan = Self { features: BTreeMap::new(), methods: Vec::new(), ..self.clone() };
        let mut variants: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for (name, settings) in &self.features {
            for (suffix, settings) in varied(name, settings, labels)? {
                let variant = if suffix.is_empty() { name.clone() } else { format!("{name}: {suffix}") };
                variants.entry(name).or_default().push((suffix, variant.clone()));
                plan.features.insert(variant, settings);
            }
        }
        for method in &self.methods {
            match variants.get(method.features.as_str()) {
                None => plan.methods.push(method.clone()),
                Some(of) => plan.methods.extend(of.iter().map(|(suffix, features)| MethodPlan {
                    name: if suffix.is_empty() { method.name.clone() } else { format!("{}: {suffix}", method.name) },
                    features: features.clone(),
                    clusterer: method.clusterer.clone(),
                })),
            }
        }
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::config(format!("the experiment: {message}")));
        self.clustered_part()?;
        if self.clusters.is_empty() || self.seeds.is_empty() || self.methods.is_empty() {
            return wrong("clusters, seeds and methods need one entry or more each".to_owned());
        }
        if let Some(few) = self.clusters.iter().find(|&&clusters| clusters < 2) {
            return wrong(format!("{few} clusters are too few: say 2 or more"));
        }
        if let Some(large) = self.seeds.iter().find(|&&seed| i64::try_from(seed).is_err()) {
            return wrong(format!("the seed {large} is too large"));
        }
        let mut names = BTreeSet::new();
        for method in &self.methods {
            if !names.insert(method.name.as_str()) {
                return wrong(format!("two methods are called “{}”", method.name));
            }
            method.clusterer()?;
        }
        for name in self.against.iter().chain(self.tables.iter().flat_map(|table| &table.methods)) {
            // A method that is varied is meant with all its values.
            if !self.methods.iter().any(|method| is_of(&method.name, name)) {
                return wrong(format!("there is no method “{name}”"));
            }
        }
        for table in &self.tables {
            table.score()?;
        }
        for (name, settings) in &self.features {
            let (maker, set) = (settings.get("maker"), settings.get("set"));
            if maker.is_some() == set.is_some() || !maker.or(set).is_some_and(Value::is_str) {
                return wrong(format!("features “{name}” need either maker = \"…\" or set = \"…\""));
            }
            self.order_of(name, &mut Vec::new())?;
        }
        Ok(())
    }

    /// Follows the features behind features; finds circles.
    fn order_of(&self, name: &str, above: &mut Vec<String>) -> Result<()> {
        if above.iter().any(|of| of == name) {
            return Err(Error::config(format!("the experiment: features “{name}” are made of themselves")));
        }
        above.push(name.to_owned());
        for of in self.parts_of(name) {
            if self.features.contains_key(of) {
                self.order_of(of, above)?;
            }
        }
        above.pop();
        Ok(())
    }

    /// The features that features of the plan are made of, as far as the plan has them; without weights.
    pub fn parts_of(&self, name: &str) -> Vec<&str> {
        let of = self.features.get(name).and_then(|settings| settings.get("of"));
        let parts: Vec<&str> = match of {
            Some(Value::String(part)) => vec![part],
            Some(Value::Array(parts)) => parts.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        parts.into_iter().map(|part| self.named(part).0).collect()
    }

    /// The name and weight in `name` or `name=0.5`: a name of the plan may hold `=` itself.
    pub fn named<'a>(&self, part: &'a str) -> (&'a str, Option<&'a str>) {
        match part.rsplit_once('=') {
            Some((name, weight)) if !self.features.contains_key(part) => (name, Some(weight)),
            _ => (part, None),
        }
    }

    /// Which pictures are clustered.
    ///
    /// # Errors
    /// `User` for a word that is none.
    pub fn clustered_part(&self) -> Result<ClusteredPart> {
        ClusteredPart::from_str(&self.part)
    }

    /// Whose groups are taken.
    pub fn sort_choice(&self) -> SortChoice {
        SortChoice { studies: self.studies.clone(), without: self.without.clone(), ..SortChoice::default() }
    }

    /// The method that the others are compared with.
    pub fn reference(&self) -> &str {
        let wanted = self.against.as_deref();
        let found = self.methods.iter().find(|method| wanted.is_none_or(|name| is_of(&method.name, name)));
        found.map_or("", |method| &method.name)
    }
}

/// True for the method called `name`, or one of those that were made of it by varying a setting.
pub fn is_of(method: &str, name: &str) -> bool {
    method.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
}

impl MethodPlan {
    /// How features are clustered.
    ///
    /// # Errors
    /// `User`, with what there is to choose from.
    pub fn clusterer(&self) -> Result<Method> {
        Method::from_str(&self.clusterer)
    }
}

impl TablePlan {
    /// The score.
    ///
    /// # Errors
    /// `Config`, with what there is to choose from.
    pub fn score(&self) -> Result<&'static Score> {
        SCORES.iter().copied().find(|score| score.id == self.score).ok_or_else(|| {
            let ids: Vec<&str> = SCORES.iter().map(|score| score.id).collect();
            Error::config(format!("the experiment: there is no score “{}”", self.score))
                .hint(format!("say one of {}", ids.join(", ")))
        })
    }
}

/// The settings of features with each value that is varied, and what tells them apart.
fn varied(name: &str, settings: &Table, labels: &[String]) -> Result<Vec<(String, Table)>> {
    let mut plain = settings.clone();
    let Some(vary) = plain.remove("vary") else { return Ok(vec![(String::new(), plain)]) };
    let wrong = |what: &str| Error::config(format!("the experiment: vary of features “{name}” {what}"));
    let vary = vary.as_table().ok_or_else(|| wrong("is not a table of settings with lists of values"))?.clone();
    let mut variants = vec![(String::new(), plain)];
    for (setting, values) in vary {
        let values: Vec<(String, Value)> = match (&values, setting.as_str()) {
            (Value::String(word), "labels") => {
                label_sets(word, labels).ok_or_else(|| wrong("has labels that are none"))?
            }
            (Value::Array(values), _) if !values.is_empty() => {
                values.iter().map(|value| (format!("{setting} {}", shown(value)), value.clone())).collect()
            }
            _ => return Err(wrong(&format!("needs a list of values for {setting}"))),
        };
        let with = |(before, settings): &(String, Table), (shown, value): &(String, Value)| {
            let mut settings = settings.clone();
            settings.insert(setting.clone(), value.clone());
            let joined = [before.as_str(), shown].into_iter().filter(|part| !part.is_empty());
            (joined.collect::<Vec<_>>().join(", "), settings)
        };
        variants = variants
            .iter()
            .flat_map(|before| values.iter().map(|value| with(before, value)).collect::<Vec<_>>())
            .collect();
    }
    Ok(variants)
}

/// Sets of labels that a word means: `each` label alone, or all `without each`.
fn label_sets(word: &str, labels: &[String]) -> Option<Vec<(String, Value)>> {
    let list = |names: Vec<String>| Value::Array(names.into_iter().map(Value::String).collect());
    match word {
        "each" => Some(labels.iter().map(|label| (format!("only {label}"), list(vec![label.clone()]))).collect()),
        "without each" => Some(
            labels
                .iter()
                .map(|label| {
                    let others = labels.iter().filter(|other| *other != label).cloned().collect();
                    (format!("without {label}"), list(others))
                })
                .collect(),
        ),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(" + "),
        other => other.to_string(),
    }
}

/// The settings of features as they would be typed: `words = 500` is `--words 500`.
///
/// # Errors
/// `Config` for a value that cannot be typed.
pub fn typed(name: &str, settings: &Table) -> Result<Vec<(String, Vec<String>)>> {
    let own = |key: &String| !OWN_SETTINGS.contains(&key.as_str());
    let mut typed = Vec::new();
    for (key, value) in settings.iter().filter(|(key, _)| own(key)) {
        let values = match value {
            Value::Boolean(false) => continue,
            Value::Boolean(true) => Vec::new(),
            Value::Array(values) => values.iter().map(shown).collect(),
            Value::String(_) | Value::Integer(_) | Value::Float(_) => vec![shown(value)],
            Value::Datetime(_) | Value::Table(_) => {
                return Err(Error::config(format!("the experiment: {key} of features “{name}” is not a value")));
            }
        };
        typed.push((format!("--{}", key.replace('_', "-")), values));
    }
    Ok(typed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLAN: &str = r#"
        clusters = [4, 5]
        seeds = [1]
        [features.intensities]
        maker = "train"
        [features.intensities.vary]
        labels = "each"
        [features.words]
        maker = "bovw"
        vary = { words = [100, 500], weighting = ["l1"] }
        [features.both]
        maker = "joined"
        of = ["labels=0.5", "a set of the project"]
        [features.labels]
        maker = "multi-hot"
        [[methods]]
        name = "proposed"
        features = "intensities"
        [[methods]]
        name = "words"
        features = "words"
        clusterer = "spherical-k-means"
        [[methods]]
        name = "both"
        features = "both"
        [[tables]]
        title = "Silhouette"
        score = "silhouette"
        methods = ["proposed"]
    "#;

    fn expanded(text: &str) -> Result<Plan> {
        Plan::from_toml(text)?.expanded(&["cute".to_owned(), "sea".to_owned()])
    }

    #[test]
    fn what_is_varied_becomes_methods_of_its_own() {
        let plan = expanded(PLAN).unwrap();
        let names: Vec<&str> = plan.methods.iter().map(|method| method.name.as_str()).collect();
        let words = ["words: weighting l1, words 100", "words: weighting l1, words 500"];
        assert_eq!(names, ["proposed: only cute", "proposed: only sea", words[0], words[1], "both"]);
        assert_eq!(plan.features["intensities: only sea"]["labels"], Value::try_from(["sea"]).unwrap());
        assert_eq!(plan.reference(), "proposed: only cute");
        assert_eq!(plan.parts_of("both"), ["labels", "a set of the project"]);
        assert_eq!(plan.named("labels=0.5"), ("labels", Some("0.5")));
        let typed = typed("words", &plan.features["words: weighting l1, words 500"]).unwrap();
        assert_eq!(
            typed,
            [("--weighting".to_owned(), vec!["l1".to_owned()]), ("--words".to_owned(), vec!["500".to_owned()])]
        );
        // Written down and read again it is the same.
        assert_eq!(Plan::from_toml(&toml::to_string(&plan).unwrap()).unwrap(), plan);
    }

    #[test]
    fn wrong_plans_are_refused_by_name() {
        let changed = |from: &str, to: &str| {
            assert!(PLAN.contains(from), "{from}");
            expanded(&PLAN.replace(from, to)).unwrap_err().message
        };
        for (from, to, words) in [
            ("clusters = [4, 5]", "clusters = []", "one entry or more"),
            ("clusters = [4, 5]", "clusters = [1]", "1 clusters are too few"),
            ("seeds = [1]", "seed = [1]", "seed"),
            ("maker = \"multi-hot\"", "", "labels” need either maker"),
            ("labels=0.5", "both", "both” are made of themselves"),
            ("spherical-k-means", "spheres", "spheres"),
            ("score = \"silhouette\"", "score = \"beauty\"", "beauty"),
            ("methods = [\"proposed\"]", "methods = [\"prop\"]", "no method “prop”"),
            ("name = \"both\"", "name = \"proposed: only sea\"", "two methods"),
            ("labels = \"each\"", "labels = \"some\"", "vary of features “intensities”"),
            ("words = [100, 500]", "words = 100", "a list of values for words"),
        ] {
            let message = changed(from, to);
            assert!(message.contains(words), "{message}");
        }
    }
}
