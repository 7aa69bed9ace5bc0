//! Split: divide the labelled pictures into train, validation and test parts, and store it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::counted;
use super::import::name_matcher;
use crate::dataset::{
    self, AllNo, Answered, Answers, Part, SplitImage, SplitMethod, SplitSettings,
    near_duplicates::DEFAULT_MAX_DISTANCE, targets,
};
use crate::error::{Error, Result};
use crate::ids::{ImageId, LabelId};
use crate::interchange::{image_list, read_file};
use crate::project::{ImageRecord, Project, SplitRecord};

/// How to split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitRequest {
    /// Seed of what is random about it.
    pub seed: u64,
    /// Iterative stratification or plain random.
    pub method: SplitMethod,
    /// A file with the names of the test part's pictures; the rest is divided.
    pub test_images: Option<PathBuf>,
    /// Keep the test part of the split in use; the rest is divided.
    pub keep_test_part: bool,
    /// Shares of the train, validation and test part; the last is of no effect where the test part is given or kept.
    pub shares: [u32; 3],
    /// What is done with pictures about which every answer is no.
    pub all_no: AllNo,
}

impl Default for SplitRequest {
    fn default() -> Self {
        let SplitSettings { seed, train, validation, test, method, .. } = SplitSettings::default();
        let shares = [train, validation, test];
        Self { seed, method, test_images: None, keep_test_part: false, shares, all_no: AllNo::default() }
    }
}

/// A split in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct SplitReport {
    /// The stored split.
    pub split: SplitRecord,
    /// Pictures in each part.
    pub sizes: BTreeMap<&'static str, usize>,
    /// Pictures that took no part because nobody answered about them.
    pub without_answer: usize,
    /// Pictures that took no part because every answer about them is no.
    pub all_no_left_out: usize,
    /// What one should know before training on it, as sentences.
    pub remarks: Vec<String>,
    /// Pictures that took no part because they were set aside.
    pub set_aside: usize,
}

/// Splits and stores. Pictures that nobody answered about stay out of the train and
/// validation parts, and so do those with nothing but no unless they are to be kept.
pub fn run(project: &mut Project, request: &SplitRequest) -> Result<SplitReport> {
    let Division { parts, method, left_out, set_aside } = divide(project, request)?;
    let id = project.add_split(request.seed, &method, &parts)?;
    let split = project.split(id)?;
    let rated = project.rated_images()?;
    let learnt_from =
        rated.iter().filter(|image| split.parts.get(image).is_some_and(|part| *part != Part::Test)).count();
    let mut remarks = left_out.remarks();
    if learnt_from > 0 {
        remarks.push(format!(
            "{learnt_from} of {} that raters sorted would be trained on, and scores on them are too favourable; keep them \
             in the test part with --test-images",
            counted(rated.len(), "picture")
        ));
    }
    let sizes = Part::ALL.into_iter().map(|part| (part.name(), split.images_of(part).len())).collect();
    let LeftOut { without_answer, all_no, .. } = left_out;
    Ok(SplitReport { sizes, split, without_answer, all_no_left_out: all_no, remarks, set_aside })
}

/// A split that is not stored.
pub(super) struct Division {
    /// Each picture's part.
    pub parts: Vec<(ImageId, Part)>,
    /// How it was made, in words.
    method: String,
    /// Pictures that take no part for lack of a label.
    pub left_out: LeftOut,
    set_aside: usize,
}

/// Pictures that take part in the project and not in training, for lack of a label.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    /// Nobody answered about them.
    pub without_answer: usize,
    /// Every answer about them is no.
    pub all_no: usize,
    /// Pictures with an answer, these among them.
    pub answered: usize,
    /// Labels that every training picture has, while pictures without any label are left out: nothing tells the network
    /// what is without them.
    pub without_negatives: Vec<String>,
}

impl LeftOut {
    /// What is left out by a split, which gives a picture's part.
    pub(super) fn of(
        project: &Project,
        consensus: &Answers,
        part_of: impl Fn(ImageId) -> Option<Part>,
    ) -> Result<Self> {
        let labels = project.labels()?;
        let ids: Vec<LabelId> = labels.iter().map(|label| label.id).collect();
        let mut left_out = Self::default();
        let mut has_negative = vec![false; ids.len()];
        for image in project.images()?.iter().filter(|image| image.set_aside.is_none()) {
            let answers = consensus.get(&image.id);
            let answered = Answered::of(answers, &ids);
            left_out.answered += usize::from(answered != Answered::Nothing);
            match part_of(image.id) {
                Some(Part::Train) => {
                    let row = targets::row(answers, ids.iter().copied());
                    has_negative.iter_mut().zip(row).for_each(|(negative, yes)| *negative |= !yes);
                    continue;
                }
                Some(_) => continue,
                None => {}
            }
            match answered {
                Answered::Nothing => left_out.without_answer += 1,
                Answered::AllNo => left_out.all_no += 1,
                Answered::Yes => {}
            }
        }
        if left_out.all_no > 0 {
            let without = labels.iter().zip(has_negative).filter(|(_, negative)| !negative);
            left_out.without_negatives = without.map(|(label, _)| label.name.clone()).collect();
        }
        Ok(left_out)
    }

    /// What one should know of it before training.
    pub(super) fn remarks(&self) -> Vec<String> {
        let pictures = counted(self.all_no, "picture");
        let verb = if self.all_no == 1 { "is" } else { "are" };
        let mut remarks = Vec::new();
        if !self.without_negatives.is_empty() {
            remarks.push(format!(
                "{pictures} with no to every label {verb} left out, and without them every training picture has {}: keep them \
                 (split with --all-no keep)",
                self.without_negatives.join(", ")
            ));
        } else if self.all_no * 10 > self.answered {
            remarks.push(format!(
                "{pictures} of {} with an answer {verb} left out, with no to every label, as in the paper; keep them with \
                 --all-no keep when splitting",
                self.answered
            ));
        }
        remarks
    }
}

/// What [`run`] stores.
pub(super) fn divide(project: &Project, request: &SplitRequest) -> Result<Division> {
    let images = project.images()?;
    let labels = project.labels()?;
    if images.is_empty() {
        return Err(Error::user("there are no pictures to split").hint("import a folder of pictures first"));
    }
    let consensus = project.consensus()?;
    let test_images = match request.test_images.as_deref() {
        Some(file) => Some(read_image_list(file, &images, "test pictures")?),
        None if request.keep_test_part => Some(kept_test_part(project, &images)?),
        None => None,
    };
    let taking_part: Vec<&ImageRecord> = images.iter().filter(|image| image.set_aside.is_none()).collect();
    let hashes: Vec<(ImageId, u64)> = taking_part.iter().map(|image| (image.id, image.perceptual_hash)).collect();
    let near_duplicates: HashMap<ImageId, usize> = dataset::near_duplicates(&hashes, DEFAULT_MAX_DISTANCE)
        .into_iter()
        .enumerate()
        .flat_map(|(group, members)| members.into_iter().map(move |image| (image, group)))
        .collect();

    let label_ids: Vec<LabelId> = labels.iter().map(|label| label.id).collect();
    let mut split_images = Vec::new();
    for image in &taking_part {
        let answers = consensus.get(&image.id);
        let values = targets::row(answers, label_ids.iter().copied());
        let is_test = test_images.as_ref().is_some_and(|test| test.contains(&image.id));
        if !is_test && !request.all_no.takes(Answered::of(answers, &label_ids)) {
            continue;
        }
        split_images.push(SplitImage {
            id: image.id,
            labels: values,
            near_duplicate_group: near_duplicates.get(&image.id).copied(),
        });
    }
    if split_images.is_empty() {
        let all_no =
            taking_part.iter().any(|image| Answered::of(consensus.get(&image.id), &label_ids) == Answered::AllNo);
        return Err(if all_no {
            Error::user("every answer so far is no: no picture has a label")
                .hint("give some pictures a label; pictures with nothing but no take part with --all-no keep")
        } else {
            Error::user("no picture has a label yet").hint("label some pictures, or import labels, then split")
        });
    }
    let [train, validation, test] = request.shares;
    let mut method = match (&test_images, request.method) {
        (Some(given), method) => {
            let how = if request.test_images.is_some() { "given" } else { "kept" };
            format!("{how} test part of {}, the rest {method} {train}:{validation}", counted(given.len(), "picture"))
        }
        (None, method) => format!("{method} {train}:{validation}:{test}"),
    };
    if request.all_no == AllNo::Keep {
        method.push_str(", with pictures answered no to everything");
    }
    let settings = SplitSettings { seed: request.seed, train, validation, test, method: request.method, test_images };
    let parts = dataset::split(&split_images, &settings)?;
    let empty = [Part::Train, Part::Validation].into_iter().find(|part| !parts.iter().any(|(_, of)| of == part));
    if let Some(part) = empty {
        let given = settings.test_images.as_ref();
        let labelled = split_images.iter().filter(|image| !given.is_some_and(|test| test.contains(&image.id))).count();
        let outside = if given.is_some() { " outside the given test part" } else { "" };
        return Err(Error::user(format!(
            "{}{outside} cannot be split: the {} part would be empty",
            counted(labelled, "labelled picture"),
            part.name()
        ))
        .hint("label more pictures, at least some 10, then split again"));
    }
    let members: HashMap<ImageId, Part> = parts.iter().copied().collect();
    let left_out = LeftOut::of(project, &consensus, |image| members.get(&image).copied())?;
    Ok(Division { parts, method, left_out, set_aside: images.len() - taking_part.len() })
}

/// The test part of the split in use, without pictures that were set aside since.
fn kept_test_part(project: &Project, images: &[ImageRecord]) -> Result<HashSet<ImageId>> {
    let split = project.current_split()?.ok_or_else(|| {
        Error::user("there is no test part to keep").hint("split the pictures first, or give a list of test pictures")
    })?;
    let there: HashSet<ImageId> =
        images.iter().filter(|image| image.set_aside.is_none()).map(|image| image.id).collect();
    Ok(split.images_of(Part::Test).into_iter().filter(|image| there.contains(image)).collect())
}

/// The pictures that a file lists, one on each line. `purpose` says what the list is for.
///
/// # Errors
/// `User` when a line names no picture, or none does.
pub(super) fn read_image_list(file: &Path, images: &[ImageRecord], purpose: &str) -> Result<HashSet<ImageId>> {
    let parsed = image_list::parse(&read_file(file)?);
    let names = name_matcher(images);
    let mut problems: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
    let mut listed = HashSet::new();
    for row in parsed.value {
        match names.resolve(&row.image) {
            Ok(image) => {
                listed.insert(image);
            }
            Err(unresolved) => problems.push(format!("line {}: {unresolved}", row.line)),
        }
    }
    if problems.is_empty() && listed.is_empty() {
        problems.push("it names no picture".to_owned());
    }
    match problems.first() {
        None => Ok(listed),
        Some(first) => Err(Error::user(format!(
            "{} cannot be used as the list of {purpose}: {first}{}",
            file.display(),
            match problems.len() - 1 {
                0 => String::new(),
                more => format!(" (and {})", counted(more, "more problem")),
            }
        ))
        .hint("it should hold one picture's name on each line, as in the imported folder")),
    }
}
