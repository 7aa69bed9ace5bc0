//! What a run predicts beside what people said, picture by picture: the way from a label's score to the pictures
//! behind it.

use crate::dataset::{Part, targets};
use crate::error::Result;
use crate::ids::{ImageId, RunId};
use crate::project::{FeatureKind, Project};

/// A picture with an answer, and what the run makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The picture.
    pub image: ImageId,
    /// Its part in the run's split.
    pub part: Part,
    /// The label intensities, 0 to 1, in the run's order of labels.
    pub intensities: Vec<f32>,
    /// What people say now; a label without an answer counts as no, as in training.
    pub answers: Vec<bool>,
}

/// All pictures of a run's split that have an answer and intensities.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPredictions {
    /// The run.
    pub run: RunId,
    /// In the order of the pictures' ids.
    pub pictures: Vec<Prediction>,
}

/// The pictures that a run got wrong for one label, worst first: each with its intensity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mistakes {
    /// They have the label and stand below its threshold.
    pub missed: Vec<(ImageId, f32)>,
    /// They do not have it and stand at or above its threshold.
    pub false_alarms: Vec<(ImageId, f32)>,
    /// Pictures of the part that have the label.
    pub with_label: usize,
    /// Pictures of the part that do not have it.
    pub without_label: usize,
}

impl RunPredictions {
    /// What is wrong about label number `label` in `part` when intensities from `threshold` on count as yes.
    pub fn mistakes(&self, label: usize, part: Part, threshold: f32) -> Mistakes {
        let mut mistakes = Mistakes::default();
        for picture in self.pictures.iter().filter(|picture| picture.part == part) {
            let (Some(&intensity), Some(&has_label)) = (picture.intensities.get(label), picture.answers.get(label))
            else {
                continue;
            };
            if has_label {
                mistakes.with_label += 1;
            } else {
                mistakes.without_label += 1;
            }
            match (has_label, intensity >= threshold) {
                (true, false) => mistakes.missed.push((picture.image, intensity)),
                (false, true) => mistakes.false_alarms.push((picture.image, intensity)),
                _ => {}
            }
        }
        // Stable sorts: pictures as wrong as each other stay in the order of their ids.
        mistakes.missed.sort_by(|a, b| a.1.total_cmp(&b.1));
        mistakes.false_alarms.sort_by(|a, b| b.1.total_cmp(&a.1));
        mistakes
    }

    /// Pictures of `part` that have label number `label`.
    pub fn positives(&self, label: usize, part: Part) -> usize {
        let of_part = self.pictures.iter().filter(|picture| picture.part == part);
        of_part.filter(|picture| picture.answers.get(label) == Some(&true)).count()
    }
}

/// Loads what is stored of a run; pictures without intensities or without any answer are not in it.
///
/// # Errors
/// `User` when there is no such run, `Device` or `Data` from the database.
pub fn load(project: &Project, run: RunId) -> Result<RunPredictions> {
    let record = project.run(run)?;
    let parts = project.split(record.split)?.parts;
    let mut stored = project.features(run, FeatureKind::LabelIntensities, record.labels.len())?.vectors;
    let consensus = project.consensus()?;
    let mut images: Vec<(ImageId, Part)> = parts.into_iter().collect();
    images.sort_unstable_by_key(|(image, _)| *image);
    let labels = || record.labels.iter().map(|(label, _)| *label);
    let pictures = images
        .into_iter()
        .filter_map(|(image, part)| {
            let answers = targets::row(Some(consensus.get(&image)?), labels());
            Some(Prediction { image, part, intensities: stored.remove(&image)?, answers })
        })
        .collect();
    Ok(RunPredictions { run, pictures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_sorted_by_how_wrong_they_are() {
        let picture = |id, part, intensity, has_label| Prediction {
            image: ImageId(id),
            part,
            intensities: vec![0.0, intensity],
            answers: vec![false, has_label],
        };
        let predictions = RunPredictions {
            run: RunId(1),
            pictures: vec![
                picture(1, Part::Validation, 0.30, true),
                picture(2, Part::Validation, 0.10, true),
                picture(3, Part::Validation, 0.40, true),
                picture(4, Part::Validation, 0.40, false),
                picture(5, Part::Validation, 0.90, false),
                picture(6, Part::Validation, 0.05, false),
                picture(7, Part::Train, 0.01, true),
                picture(8, Part::Validation, 0.10, true),
            ],
        };
        let mistakes = predictions.mistakes(1, Part::Validation, 0.4);
        assert_eq!(mistakes.missed, [(ImageId(2), 0.10), (ImageId(8), 0.10), (ImageId(1), 0.30)]);
        assert_eq!(mistakes.false_alarms, [(ImageId(5), 0.90), (ImageId(4), 0.40)]);
        assert_eq!((mistakes.with_label, mistakes.without_label), (4, 3));
        assert_eq!(predictions.positives(1, Part::Validation), 4);
        assert_eq!(predictions.mistakes(7, Part::Validation, 0.4), Mistakes::default());
    }
}
