//! Makers of feature sets: one file each, with its settings as they are typed, the recipe they come to, and how the recipe
//! is followed.
//!
//! A new maker is a file here, its line in `makers!`, and a variant of [`Recipe`], in which all that it needs to make the
//! set again is stored. What it computes is a function of its own in `features/`.

mod backbone;
mod bovw;
mod colour;
mod imported;
mod intensities;
mod joined;
mod learnt;
mod multi_hot;
mod unit_length;

use std::collections::HashSet;
use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches, Subcommand};

use super::jobs::intensities::Unreadable;
use crate::error::{Error, Result};
use crate::features::{FeatureMatrix, Recipe};
use crate::ids::ImageId;
use crate::progress::{Cancel, Observer};
use crate::project::Project;

/// A feature set that was made and is not kept yet.
#[derive(Debug)]
pub struct MadeSet {
    /// The recipe, with the hashes of what was read.
    pub recipe: Recipe,
    /// The features.
    pub matrix: FeatureMatrix,
    /// Pictures, or names in a file, that have no features, and why.
    pub left_out: Unreadable,
}

/// What a maker works with.
struct Making<'a> {
    project: &'a mut Project,
    /// Every picture that is not set aside.
    images: Vec<ImageId>,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
}

/// What every maker is told.
#[derive(Args, Debug)]
pub struct New<Settings: Args> {
    /// The project.
    pub dir: PathBuf,
    /// What the feature set is to be called.
    #[arg(long)]
    pub name: String,
    #[command(flatten)]
    settings: Settings,
}

/// Makes the type of all makers from their list, so that none can be forgotten.
macro_rules! makers {
    ($($(#[$doc:meta])* $maker:ident: $file:ident,)*) => {
        /// Make a feature set.
        #[derive(Debug, Subcommand)]
        pub enum Maker {
            $($(#[$doc])* $maker(New<$file::Settings>),)*
        }

        impl Maker {
            /// The project's folder, and what the new set is to be called.
            pub fn target(&self) -> (&PathBuf, &str) {
                match self {
                    $(Self::$maker(new) => (&new.dir, &new.name),)*
                }
            }

            /// What the settings come to.
            ///
            /// # Errors
            /// `User` for a setting that names nothing in the project or makes no sense.
            pub fn recipe(&self, project: &Project) -> Result<Recipe> {
                match self {
                    $(Self::$maker(new) => new.settings.recipe(project),)*
                }
            }
        }

        /// Follows a recipe.
        fn follow(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
            match recipe {
                $(recipe @ Recipe::$maker { .. } => $file::make(recipe, making),)*
            }
        }
    };
}

makers! {
    /// The label intensities of a run, as they are now.
    Intensities: intensities,
    /// The labels themselves, 1 where annotators agree that it holds.
    MultiHot: multi_hot,
    /// What a pre-trained network makes of the pictures, without any training.
    Backbone: backbone,
    /// Bag of visual words: how often each of the words occurs that local descriptors were grouped into.
    Bovw: bovw,
    /// Colours: histograms, means and deviations in CIELAB, colourfulness, contrast.
    Colour: colour,
    /// Features from a CSV or Parquet file (`image`, then a column for each feature), or a .npy with its names beside it.
    #[command(name = "import")]
    Imported: imported,
    /// Several sets side by side, each scaled to count as much as its weight says.
    Joined: joined,
    /// Every row scaled to length 1, so that k-means compares directions (cosine).
    UnitLength: unit_length,
    /// Learnt from groups that people made of training pictures: which of them a picture would belong to.
    Learnt: learnt,
}

impl Maker {
    /// The maker called `maker` with its settings as they would be typed after it.
    ///
    /// # Errors
    /// `Config`, with what clap says of a setting that there is not or that is missing, or the makers that there are.
    pub fn typed(maker: &str, settings: &[String]) -> Result<Self> {
        let command = Self::augment_subcommands(Command::new("make").no_binary_name(true));
        let makers: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        if !makers.contains(&maker) {
            return Err(Error::config(format!("there is no maker “{maker}” of features"))
                .hint(format!("say one of train, {}", makers.join(", "))));
        }
        let words = std::iter::once(maker).chain(settings.iter().map(String::as_str));
        let found = command.clone().try_get_matches_from(words).and_then(|matches| Self::from_arg_matches(&matches));
        found.map_err(|error| {
            let message = error.to_string();
            let first = message.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
            Error::config(first.split_whitespace().collect::<Vec<_>>().join(" "))
                .hint(format!("`atmoscope features make {maker} --help` shows the settings"))
        })
    }

    /// True where the maker called `maker` draws by a seed.
    pub fn is_seeded(maker: &str) -> bool {
        let command = Self::augment_subcommands(Command::new("make"));
        command.find_subcommand(maker).is_some_and(|maker| maker.get_arguments().any(|of| of.get_id() == "seed"))
    }
}

/// Makes features by a recipe, of every picture that is not set aside.
///
/// # Errors
/// `User` for a recipe that cannot be followed; `Data` for a file that is damaged; those of the network; `Cancelled`.
pub fn make(project: &mut Project, recipe: Recipe, observer: &dyn Observer, cancel: &Cancel) -> Result<MadeSet> {
    let images =
        project.images()?.into_iter().filter(|image| image.set_aside.is_none()).map(|image| image.id).collect();
    let made = follow(recipe, Making { project, images, observer, cancel })?;
    // Sets that are made of others may lack a picture twice.
    let mut told = HashSet::new();
    let left_out = made.left_out.into_iter().filter(|(name, _)| told.insert(name.clone())).collect();
    Ok(MadeSet { left_out, ..made })
}
