//! What the Group view is set to: its pages, the form for a new study, and the agreement on show.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::ProjectState;
use crate::dataset::{Part, StudyCondition};
use crate::engine::Notice;
use crate::engine::jobs::study::{self, Retest};
use crate::evaluation::AgreementScore;
use crate::evaluation::Consensus;
use crate::evaluation::agreement_report::{AgreementReport, AgreementRequest};
use crate::ids::{ImageId, StudyId};
use crate::project::{NewStudy, TaskOrder};
use crate::sorting::Condition;

/// The pages of the Group view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum GroupPage {
    #[default]
    Studies,
    Groupings,
    Agreement,
}

impl GroupPage {
    /// Each with its name and what it is for.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Studies, "Studies", "Raters sort pictures into groups"),
        (Self::Groupings, "Groupings", "What raters handed in, and groupings from files"),
        (Self::Agreement, "Agreement", "How far raters agree, and what stands for them all"),
    ];
}

/// The Group view.
#[derive(Debug, Default)]
pub struct GroupState {
    /// The page on show.
    pub page: GroupPage,
    /// The new study being described.
    pub form: Option<NewStudyForm>,
    /// The name of another rater of a study, so far.
    pub new_rater: Option<(StudyId, String)>,
    /// The study whose log is to be written.
    pub log_of: Option<StudyId>,
    /// The Agreement page.
    pub agreement: AgreementState,
}

/// What the Agreement page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AgreementPage {
    #[default]
    Raters,
    Together,
    Consensus,
    Disagreement,
}

impl AgreementPage {
    /// Each with its name and what it is for.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Raters, "Raters", "Scores of every two raters, and of raters who sorted twice"),
        (Self::Together, "Pictures together", "How often each two pictures stand in one group"),
        (Self::Consensus, "Consensus", "One grouping that stands for all raters"),
        (Self::Disagreement, "Disagreement", "The pictures that raters disagree on most"),
    ];
}

/// The Agreement page.
#[derive(Debug)]
pub struct AgreementState {
    /// What is shown.
    pub page: AgreementPage,
    /// The condition, in its study; the first one when not chosen.
    pub condition: Option<StudyCondition>,
    /// The score of the matrix of raters.
    pub score: AgreementScore,
    /// Level of the consensus by average linkage.
    pub level: f64,
    /// The consensus shown is the one by average linkage.
    pub by_linkage: bool,
    /// What was asked last, and for which load of the project.
    asked: Option<(AgreementRequest, u64)>,
    /// What came of it.
    pub found: Option<Result<Arc<AgreementReport<ImageId>>, Notice>>,
    /// The consensus by average linkage at a level, as last cut.
    pub linkage: Option<(f64, Consensus)>,
    /// Counts reports: what was drawn of another one is not this one's.
    pub answers: u64,
    /// The two pictures looked at, by their places in the report.
    pub pair: Option<(usize, usize)>,
    /// The picture looked at.
    pub picked: Option<ImageId>,
}

impl Default for AgreementState {
    fn default() -> Self {
        Self {
            page: AgreementPage::default(),
            condition: None,
            score: AgreementScore::default(),
            level: 0.5,
            by_linkage: false,
            asked: None,
            found: None,
            linkage: None,
            answers: 0,
            pair: None,
            picked: None,
        }
    }
}

/// Seed of the half-samples that intervals come from.
const SEED: u64 = 1;

impl AgreementState {
    /// The conditions of the project, and the one on show: the one chosen, else the first.
    pub fn conditions(&self, project: &ProjectState) -> (BTreeSet<StudyCondition>, Option<StudyCondition>) {
        let groupings = project.snapshot.groupings.iter().filter(|grouping| grouping.counts());
        let conditions: BTreeSet<StudyCondition> = groupings.map(|grouping| grouping.study_condition()).collect();
        let chosen = self.condition.clone().filter(|condition| conditions.contains(condition));
        let shown = chosen.or_else(|| conditions.first().cloned());
        (conditions, shown)
    }

    /// What was asked for last.
    pub fn request(&self) -> Option<&AgreementRequest> {
        self.asked.as_ref().map(|(request, _)| request)
    }

    /// The comparison to ask for, where the one on show is not the one asked for last.
    pub fn next_request(&mut self, project: &ProjectState) -> Option<AgreementRequest> {
        let condition = self.conditions(project).1?;
        let wanted = (AgreementRequest { condition, seed: SEED }, project.load());
        if self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        if self.request() != Some(&wanted.0) {
            self.found = None;
            self.pair = None;
            self.picked = None;
        }
        self.linkage = None;
        self.asked = Some(wanted.clone());
        Some(wanted.0)
    }

    /// Takes the answer to what was asked for last; those to what was asked before do not count.
    pub fn answered(&mut self, request: &AgreementRequest, answer: Result<Arc<AgreementReport<ImageId>>, Notice>) {
        if self.request() == Some(request) {
            self.found = Some(answer);
            self.linkage = None;
            self.answers += 1;
        }
    }
}

/// Which pictures a new study is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PicturesChoice {
    Test,
    All,
    Selected,
}

/// What of a new study is sorted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RetestChoice {
    None,
    Some,
    All,
}

/// A new study being described.
#[derive(Clone, Debug)]
pub struct NewStudyForm {
    /// Its name so far.
    pub name: String,
    /// Which pictures.
    pub pictures: PicturesChoice,
    /// The conditions in their order.
    pub conditions: Vec<Condition>,
    /// Each rater begins with another condition.
    pub rotated: bool,
    /// What is sorted again.
    pub retest: RetestChoice,
    /// How many pictures, when some are.
    pub retest_images: usize,
    /// Names of raters, one in each line.
    pub raters: String,
    /// Seed of the own orders.
    pub seed: u64,
    /// Give the name's field the keyboard in the next frame.
    pub focus: bool,
}

impl NewStudyForm {
    /// The form as it is first shown: the test part under the paper's two conditions.
    pub fn new(project: &ProjectState) -> Self {
        let form = Self {
            name: String::new(),
            pictures: PicturesChoice::Test,
            conditions: vec![Condition::one(), Condition::two()],
            rotated: false,
            retest: RetestChoice::None,
            retest_images: 30,
            raters: String::new(),
            seed: 1,
            focus: true,
        };
        let no_test_part = form.images_of(PicturesChoice::Test, project, &HashSet::new()).is_empty();
        if no_test_part { Self { pictures: PicturesChoice::All, ..form } } else { form }
    }

    /// The pictures of a choice.
    pub fn images_of(
        &self,
        choice: PicturesChoice,
        project: &ProjectState,
        selected: &HashSet<ImageId>,
    ) -> Vec<ImageId> {
        let parts = project.snapshot.split.as_ref().map(|split| &split.parts);
        let takes_part = |image: ImageId| match choice {
            PicturesChoice::Test => parts.is_some_and(|parts| parts.get(&image) == Some(&Part::Test)),
            PicturesChoice::All => true,
            PicturesChoice::Selected => selected.contains(&image),
        };
        let images = project.snapshot.images.iter().filter(|image| image.set_aside.is_none());
        images.map(|image| image.id).filter(|image| takes_part(*image)).collect()
    }

    /// The study as described.
    pub fn study(&self, project: &ProjectState, selected: &HashSet<ImageId>) -> NewStudy {
        let conditions: Vec<Condition> = self
            .conditions
            .iter()
            .map(|condition| {
                // Lines left empty while typing are no names.
                let given = condition.given_groups.iter().map(|name| name.trim().to_owned());
                Condition { given_groups: given.filter(|name| !name.is_empty()).collect(), ..condition.clone() }
            })
            .collect();
        let retest = match self.retest {
            RetestChoice::None => None,
            RetestChoice::Some => Some(Retest::Some(self.retest_images)),
            RetestChoice::All => Some(Retest::All),
        };
        NewStudy {
            name: self.name.clone(),
            images: self.images_of(self.pictures, project, selected),
            tasks: study::tasks(&conditions, retest),
            task_order: if self.rotated { TaskOrder::Rotated } else { TaskOrder::Listed },
            seed: self.seed,
            raters: self.raters.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// Why the study cannot be made as described.
    pub fn problem(&self, project: &ProjectState, selected: &HashSet<ImageId>) -> Option<String> {
        if self.name.trim().is_empty() {
            return Some("Give it a name.".to_owned());
        }
        let study = self.study(project, selected);
        if project.snapshot.studies.iter().any(|known| known.name == study.name.trim()) {
            return Some("There is a study of that name already.".to_owned());
        }
        study.check().err().map(|error| format!("{error}."))
    }
}
