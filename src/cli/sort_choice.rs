//! Which groups made by people a subcommand takes.

use clap::Args;

use crate::dataset::SortChoice;

/// Options that choose among raters' sorts.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct SortArguments {
    /// Groups made in this study only; given several times, what is counted or scored puts the studies together.
    #[arg(long, value_name = "NAME")]
    study: Vec<String>,
    /// Without this rater; may be given several times.
    #[arg(long, value_name = "RATER")]
    without: Vec<String>,
    /// With raters who were removed from their study.
    #[arg(long)]
    with_removed: bool,
}

impl SortArguments {
    /// True when any of the options is given.
    pub(super) fn is_given(&self) -> bool {
        self.choice(None) != SortChoice::default()
    }

    /// The choice, under one condition or all.
    pub(super) fn choice(&self, condition: Option<&str>) -> SortChoice {
        SortChoice {
            studies: self.study.clone(),
            condition: condition.map(str::to_owned),
            without: self.without.clone(),
            with_removed: self.with_removed,
        }
    }
}
