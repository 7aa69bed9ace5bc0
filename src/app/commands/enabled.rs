//! When commands can be used: one function for each condition, which also says why not where that needs saying.

use crate::app::state::{AppState, ProjectState, View};

/// Available, or not; then why, where that needs saying.
pub type Availability = Result<(), Option<String>>;

fn when(condition: bool) -> Availability {
    if condition { Ok(()) } else { Err(None) }
}

fn project(state: &AppState) -> Option<&ProjectState> {
    state.project.as_deref()
}

fn is_idle(state: &AppState) -> bool {
    state.job.is_none()
}

fn is_writable(state: &AppState) -> bool {
    project(state).is_some_and(|project| !project.snapshot.read_only)
}

/// In the views that show pictures as selected.
fn shows_selection(state: &AppState) -> bool {
    matches!(state.view, View::Library | View::Label)
}

pub fn always(_: &AppState) -> Availability {
    Ok(())
}

pub fn open(state: &AppState) -> Availability {
    when(project(state).is_some())
}

pub fn idle(state: &AppState) -> Availability {
    when(is_idle(state))
}

pub fn open_and_idle(state: &AppState) -> Availability {
    when(project(state).is_some() && is_idle(state))
}

pub fn writable_and_idle(state: &AppState) -> Availability {
    when(is_writable(state) && is_idle(state))
}

pub fn find_pictures(state: &AppState) -> Availability {
    writable_and_idle(state)?;
    when(project(state).is_some_and(|project| !project.snapshot.images.is_empty()))
}

pub fn explored(state: &AppState) -> Availability {
    when(state.explore.exploration.is_some())
}

pub fn keep_clusters(state: &AppState) -> Availability {
    let is_new = state.explore.exploration.as_ref().is_some_and(|shown| shown.request.kept.is_none());
    when(is_writable(state) && is_new && state.view == View::Explore)
}

pub fn with_labels(state: &AppState) -> Availability {
    when(project(state).is_some_and(|project| !project.snapshot.labels.is_empty()))
}

pub fn with_groupings(state: &AppState) -> Availability {
    when(project(state).is_some_and(|project| !project.snapshot.groupings.is_empty()))
}

pub fn with_agreement(state: &AppState) -> Availability {
    when(matches!(state.group.agreement.found, Some(Ok(_))))
}

pub fn can_undo(state: &AppState) -> Availability {
    when(is_writable(state) && project(state).is_some_and(|project| project.snapshot.undo.is_some()))
}

pub fn can_redo(state: &AppState) -> Availability {
    when(is_writable(state) && project(state).is_some_and(|project| project.snapshot.redo.is_some()))
}

pub fn picture_on_show(state: &AppState) -> Availability {
    when(project(state).is_some() && shows_selection(state))
}

pub fn picture_to_change(state: &AppState) -> Availability {
    when(is_writable(state) && shows_selection(state))
}

/// For what needs labelled pictures and changes the project.
fn split_or_train(state: &AppState) -> Availability {
    let Some(project) = project(state) else { return Err(None) };
    if !is_idle(state) {
        return Err(Some("Something is at work already; see the status line below.".to_owned()));
    }
    let missing = if project.snapshot.images.is_empty() {
        "There are no pictures yet: import some first."
    } else if project.snapshot.labels.is_empty() {
        "There are no labels yet: add some in the Label view, or import them."
    } else if project.answered_by_anybody == 0 {
        "No picture has a label yet: label some, or import labels."
    } else {
        return when(is_writable(state));
    };
    Err(Some(missing.to_owned()))
}

pub fn split_pictures(state: &AppState) -> Availability {
    split_or_train(state)
}

pub fn start_training(state: &AppState) -> Availability {
    split_or_train(state)?;
    match state.train.next.refusal() {
        Some(notice) => Err(Some(crate::wording::sentence(&notice.message))),
        None => Ok(()),
    }
}

pub fn train_again(state: &AppState) -> Availability {
    writable_and_idle(state)?;
    when(state.shown_run().is_some_and(|run| state.train.live != Some(run)))
}

pub fn resume_run(state: &AppState) -> Availability {
    writable_and_idle(state)?;
    when(state.shown_run().is_some_and(|run| state.is_resumable(run)))
}

pub fn pause_job(state: &AppState) -> Availability {
    when(state.job.as_ref().is_some_and(|job| !job.paused && !job.stopping))
}

pub fn continue_job(state: &AppState) -> Availability {
    when(state.job.as_ref().is_some_and(|job| job.paused && !job.stopping))
}

pub fn stop_job(state: &AppState) -> Availability {
    when(!is_idle(state))
}

pub fn with_network(state: &AppState) -> Availability {
    when(state.usable_run().is_some())
}

pub fn export_model(state: &AppState) -> Availability {
    when(is_idle(state) && state.usable_run().is_some())
}
