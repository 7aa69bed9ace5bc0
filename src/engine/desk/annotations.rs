//! Answers, and who gives them: each edit is one transaction, on disk before it is shown.

use super::{ANNOTATOR_REMARK, Desk};
use crate::engine::command::AnnotationCommand;
use crate::engine::event::{EditEvent, Notice};
use crate::error::{Error, Result};
use crate::ids::{ImageId, LabelId, PersonId};
use crate::project::Role;

impl Desk {
    pub(super) fn annotation(&mut self, command: AnnotationCommand) -> Result<()> {
        match command {
            AnnotationCommand::ChooseAnnotator(name) => {
                self.choose_annotator(&name)?;
                self.reload()
            }
            AnnotationCommand::ShowEverybody => {
                self.annotator = None;
                self.project()?.set_remark(ANNOTATOR_REMARK, "")?;
                self.reload()
            }
            AnnotationCommand::ToggleLabel { images, label } => {
                self.about(&images, |desk| desk.toggle(&images, label, true))
            }
            AnnotationCommand::ToggleNo { images, label } => {
                self.about(&images, |desk| desk.toggle(&images, label, false))
            }
            AnnotationCommand::Confirm(images) => self.about(&images, |desk| desk.confirm(&images)),
            AnnotationCommand::CopyLabels { from, to } => self.about(&to, |desk| desk.copy_labels(from, &to)),
        }
    }

    /// The person annotating. An answer is always somebody's: nobody is made up.
    fn annotator(&mut self) -> Result<PersonId> {
        self.project()?;
        let person = self.annotator.as_ref();
        person.map(|person| person.id).ok_or_else(|| {
            Error::user("nobody was chosen to annotate; the answer was not stored")
                .hint("choose who labels, then again")
        })
    }

    /// Makes somebody the person annotating, also when the project is opened the next time.
    fn choose_annotator(&mut self, name: &str) -> Result<PersonId> {
        let project = self.project()?;
        let person = project.person(name, Role::Annotator)?;
        project.set_remark(ANNOTATOR_REMARK, &person.name)?;
        let id = person.id;
        self.annotator = Some(person);
        Ok(id)
    }

    /// Does an edit of images; if it fails, says which they were.
    pub(super) fn about(&mut self, images: &[ImageId], work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Err(error) = work(self) {
            self.outbox.push(EditEvent::Failed(images.to_vec(), Notice::from(&error)));
        }
        Ok(())
    }

    fn toggle(&mut self, images: &[ImageId], label: LabelId, value: bool) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let all_have_it = images
            .iter()
            .map(|image| Ok(project.answers(annotator, *image)?.get(&label) == Some(&value)))
            .collect::<Result<Vec<bool>>>()?
            .into_iter()
            .all(|has| has);
        let after = (!all_have_it).then_some(value);
        let answers: Vec<_> = images.iter().map(|image| (*image, label, after)).collect();
        self.annotate(&answers)
    }

    fn confirm(&mut self, images: &[ImageId]) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let labels = project.labels()?;
        let mut answers = Vec::new();
        for image in images {
            let given = project.answers(annotator, *image)?;
            let open = labels.iter().filter(|label| !given.contains_key(&label.id));
            answers.extend(open.map(|label| (*image, label.id, Some(false))));
        }
        self.annotate(&answers)
    }

    fn copy_labels(&mut self, from: ImageId, to: &[ImageId]) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let source = project.answers(annotator, from)?;
        let labels = project.labels()?;
        let answers: Vec<_> = to
            .iter()
            .flat_map(|image| labels.iter().map(|label| (*image, label.id, source.get(&label.id).copied())))
            .collect();
        self.annotate(&answers)
    }

    fn annotate(&mut self, answers: &[(ImageId, LabelId, Option<bool>)]) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let edits = project.annotate(annotator, answers)?;
        let (undo, redo) = project.history_outlook()?;
        self.outbox.push(EditEvent::Annotated { edits, undo, redo });
        Ok(())
    }
}
