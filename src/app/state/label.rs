//! What the Label view is set to.

use crate::ids::{ImageId, LabelId};

/// Settings of the Label view.
#[derive(Debug, Default)]
pub struct LabelState {
    /// Text in the field for a new label.
    pub new_label: String,
    /// Why the label, or the new name of a label, cannot be taken.
    pub complaint: Option<String>,
    /// The picture on show, once an answer about it was given in the Label view.
    pub touched: Option<ImageId>,
    /// The label being renamed and its new name so far.
    pub renaming: Option<(LabelId, String)>,
    /// Text in the field for a new annotator.
    pub new_annotator: String,
    /// Labels to paste.
    pub copied_from: Option<ImageId>,
}
