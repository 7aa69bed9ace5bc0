//! What the window asks before it goes on: who labels, how the pictures are to be split.

use std::path::PathBuf;

use super::{AppState, ProjectState};
use crate::app::paths::PathPurpose;
use crate::dataset::{AllNo, SplitMethod, SplitSettings};
use crate::engine::Notice;
use crate::engine::command::AnnotationCommand;
use crate::engine::jobs::split::SplitRequest;
use crate::engine::jobs::split_preview::SplitPreview;

/// Who labels, asked at the first answer. The answers given until then are kept and stored for whoever is chosen.
#[derive(Debug, Default)]
pub struct WhoQuestion {
    /// The answers that wait.
    pub answers: Vec<AnnotationCommand>,
    /// The name so far.
    pub name: String,
    /// Give the name's field the keyboard.
    pub focus: bool,
    /// Asked in this very frame: keys that came with the first answer are answers too.
    pub just_asked: bool,
}

/// A name being typed.
#[derive(Clone, Debug)]
pub struct NewName {
    /// The name so far.
    pub text: String,
    /// Give the field the keyboard in the next frame.
    pub focus: bool,
}

impl Default for NewName {
    fn default() -> Self {
        Self { text: String::new(), focus: true }
    }
}

/// Where the test part of a new split comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TestPart {
    Kept,
    Listed,
    New,
}

/// A new split being described.
#[derive(Debug)]
pub struct SplitDialog {
    /// Where the test part comes from.
    pub test_part: TestPart,
    /// The file with the names of the test part's pictures, so far.
    pub list: String,
    /// Shares of train, validation and test.
    pub shares: [u32; 3],
    /// How pictures are given to parts.
    pub method: SplitMethod,
    /// Seed of what is random about it.
    pub seed: u64,
    /// What is done with pictures about which every answer is no.
    pub all_no: AllNo,
    /// What was asked last, and for which load of the project.
    asked: Option<(SplitRequest, u64)>,
    /// What it would change.
    pub preview: Option<(SplitRequest, Result<SplitPreview, Notice>)>,
}

impl SplitDialog {
    /// The dialog as it opens: a test part that is there is kept.
    pub fn new(project: &ProjectState, seed: u64) -> Self {
        let SplitSettings { train, validation, test, method, .. } = SplitSettings::default();
        let kept = project.snapshot.split.is_some();
        Self {
            test_part: if kept { TestPart::Kept } else { TestPart::New },
            list: String::new(),
            shares: [train, validation, test],
            method,
            seed,
            all_no: AllNo::default(),
            asked: None,
            preview: None,
        }
    }

    /// The split as described; none while its list is not given.
    pub fn request(&self) -> Option<SplitRequest> {
        let list = self.list.trim();
        if self.test_part == TestPart::Listed && list.is_empty() {
            return None;
        }
        Some(SplitRequest {
            seed: self.seed,
            method: self.method,
            test_images: (self.test_part == TestPart::Listed).then(|| PathBuf::from(list)),
            keep_test_part: self.test_part == TestPart::Kept,
            shares: self.shares,
            all_no: self.all_no,
        })
    }

    /// The split whose preview is to be asked for, where it is not the one asked for last; one at a time. `revision` is
    /// that of the project.
    pub fn next_request(&mut self, revision: u64) -> Option<SplitRequest> {
        let request = self.request()?;
        if request.test_images.as_ref().is_some_and(|file| !file.is_file()) {
            return None;
        }
        let answered = |asked: &SplitRequest| self.preview.as_ref().is_some_and(|(of, _)| of == asked);
        let waits = self.asked.as_ref().is_some_and(|(asked, _)| !answered(asked));
        let wanted = (request, revision);
        if waits || self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        self.asked = Some(wanted.clone());
        Some(wanted.0)
    }

    /// What the split as described would change, once it is known.
    pub fn preview(&self) -> Option<&Result<SplitPreview, Notice>> {
        let request = self.request()?;
        self.preview.as_ref().filter(|(of, _)| *of == request).map(|(_, preview)| preview)
    }
}

/// The pane that asks for a path, for those who type it or have no file dialog.
#[derive(Clone, Debug)]
pub struct PathQuestion {
    /// What for.
    pub purpose: &'static PathPurpose,
    /// The path so far.
    pub text: String,
    /// Why the path given last cannot be used.
    pub complaint: Option<String>,
    /// The file that is there already and would be replaced, once that was asked about.
    pub replacing: Option<PathBuf>,
    /// Take the sound part of a CSV with problems.
    pub accept_problems: bool,
    /// Give the field the keyboard in the next frame.
    pub focus: bool,
}

impl PathQuestion {
    /// The pane as it opens.
    pub fn new(purpose: &'static PathPurpose) -> Self {
        Self { purpose, text: String::new(), complaint: None, replacing: None, accept_problems: false, focus: true }
    }
}

impl AppState {
    /// Tells bad news: beside the field, if it is about the path given there last.
    pub fn problem_with_path(&mut self, notice: Notice) {
        match self.path_given.take() {
            Some(question) if self.path_question.is_none() => {
                let hint =
                    notice.hint.map_or_else(String::new, |hint| format!(" {}.", crate::wording::sentence(&hint)));
                let complaint = format!("{}.{hint}", crate::wording::sentence(&notice.message));
                self.path_question =
                    Some(PathQuestion { complaint: Some(complaint), focus: true, replacing: None, ..question });
            }
            _ => self.problem(notice),
        }
    }
}
