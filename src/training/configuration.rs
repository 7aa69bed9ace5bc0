//! The settings of a training run, as kept in `configuration.toml` and shown in the window.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::imaging::AugmentationLimits;
use crate::nn::backbone::BackboneSpec;
use crate::nn::device::DeviceChoice;
use crate::nn::vgg16::{self, BLOCK_COUNT, MINIMUM_SIZE_PX, Pooling};

/// Step size for a head alone: with the paper's it is under-trained after 50 epochs.
const HEAD_ONLY_LEARNING_RATE: f64 = 1e-3;
/// Step size for the deeper depths: the paper's.
const DEEP_LEARNING_RATE: f64 = 1e-4;
/// How much of the network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// The head alone, on features of the pre-trained network that are computed once.
    #[default]
    HeadOnly,
    /// The head and the last `trained_blocks` of the five blocks of convolutions.
    LastBlocks,
    /// The head and all 13 convolutions.
    Everything,
}

/// What sits on top of the convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadKind {
    /// Mean of each channel of the last block (512) → hidden layer → dropout → labels.
    #[default]
    Pooled,
    /// Mean and standard deviation of each channel of blocks 4 and 5 (2,048) → hidden layer → dropout → labels.
    Statistics,
    /// Average pooling to 7 × 7 (25,088) → 4,096 → dropout → 4,096 → dropout → labels, as in the original VGG16.
    Original,
}

/// How the learning rate changes during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The same to the end: the paper's.
    #[default]
    Constant,
    /// Falls along half a cosine from the full rate to nothing.
    Cosine,
    /// Divided by ten after a third and after two thirds of the steps.
    Step,
}

/// What makes an epoch the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BestBy {
    /// The lowest loss on the validation part.
    #[default]
    ValidationLoss,
    /// The highest mean average precision on the validation part.
    ValidationPrecision,
}

/// A setting whose values have names.
pub trait Choice: Copy + Eq + 'static {
    /// Every value, in the order a list shows them.
    const ALL: &'static [Self];
    /// Its name in the window.
    fn label(self) -> &'static str;
    /// Its name in configuration files and on the command line.
    fn name(self) -> &'static str;

    /// The value of this name.
    ///
    /// # Errors
    /// `Config`, naming the values there are.
    fn from_name(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|choice| choice.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|choice| choice.name()).collect();
            Error::config(format!("“{name}” is not a choice here")).hint(format!("choose one of {}", names.join(", ")))
        })
    }
}

macro_rules! choice {
    ($kind:ident: $($value:ident, $name:literal, $label:literal;)+) => {
        impl Choice for $kind {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn label(self) -> &'static str {
                match self { $(Self::$value => $label),+ }
            }

            fn name(self) -> &'static str {
                match self { $(Self::$value => $name),+ }
            }
        }
    };
}

choice!(Depth:
    HeadOnly, "head-only", "Head only";
    LastBlocks, "last-blocks", "Last blocks";
    Everything, "everything", "Everything";
);
choice!(HeadKind:
    Pooled, "pooled", "Mean of each channel";
    Statistics, "statistics", "Mean and deviation, two blocks";
    Original, "original", "Original VGG16";
);
choice!(Schedule:
    Constant, "constant", "Constant";
    Cosine, "cosine", "Cosine";
    Step, "step", "Steps";
);
choice!(BestBy:
    ValidationLoss, "validation-loss", "Lowest validation loss";
    ValidationPrecision, "validation-precision", "Highest validation precision";
);

impl HeadKind {
    /// How the convolutions' output becomes the features that this head takes.
    pub fn pooling(self) -> Pooling {
        match self {
            Self::Pooled => Pooling::Mean,
            Self::Statistics => Pooling::Statistics,
            Self::Original => Pooling::Grid,
        }
    }
}

/// Settings of a training run; each field left out of a file has its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfiguration {
    /// Seed of the initial weights, the order of images, the dropout and the synthetic samples.
    pub seed: u64,
    /// Seed of the augmented copies; none for the split's, so that runs of several seeds share the copies' features. Runs of
    /// before it was recorded drew them by `seed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augmentation_seed: Option<u64>,
    /// The labels that are learnt, by name; empty for all.
    pub labels: Vec<String>,
    /// Pictures of the training part that are learnt from, drawn by `seed`; 0 for all.
    pub training_images: usize,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images for each step of the optimiser.
    pub batch_size: usize,
    /// Step size of Adam; none means the depth's own, see [`learning_rate`](Self::learning_rate()).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Step size for the head where deeper layers are trained too; none means the same as theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_learning_rate: Option<f64>,
    /// How the learning rates change during the run.
    pub schedule: Schedule,
    /// Steps at the beginning over which the learning rates rise evenly from nothing; 0 for none.
    pub warmup_steps: usize,
    /// Epochs without a better one after which the run ends; 0 for never.
    pub early_stopping_epochs: usize,
    /// Side of the pictures the network sees, in pixels.
    pub image_size_px: u32,
    /// New pictures made from each training image by turning, shifting and mirroring.
    pub augmented_copies: u32,
    /// Most that a copy is turned, in degrees, to either side.
    pub rotation_degrees: f64,
    /// Most that a copy is moved up or down, as a share of its height.
    pub translation_share: f64,
    /// Mirrors half of the copies, drawn at random, left to right.
    pub flip: bool,
    /// Adds synthetic samples of rare labels (MLSMOTE).
    pub mlsmote: bool,
    /// Neighbours that a synthetic sample is chosen among.
    pub mlsmote_neighbours: usize,
    /// How much of the network is trained.
    pub depth: Depth,
    /// Blocks of convolutions that are trained at the depth `last-blocks`, 1 to 5, counted from the last.
    pub trained_blocks: usize,
    /// What sits on top of the convolutions.
    pub head: HeadKind,
    /// Share of the hidden layer that is switched off in each training step.
    pub dropout: f32,
    /// Size of the head's hidden layer.
    pub hidden: usize,
    /// The network that is trained, by its id ([`BACKBONES`](crate::nn::backbone::BACKBONES)); runs of before it was
    /// recorded trained VGG16.
    pub network: String,
    /// Pre-trained weights: empty for the built-in VGG16, the path of a safetensors file, or `hf:owner/name/file`.
    pub weights: String,
    /// Where the network runs.
    pub device: DeviceChoice,
    /// Images that go through the network at once; 0 for as many as memory allows. Does not change the result but in
    /// its last bits.
    pub micro_batch_size: usize,
    /// Weighs each label's positives by negatives over positives in the training part.
    pub positive_weights: bool,
    /// What makes an epoch the best, whose network is used.
    pub best_by: BestBy,
}

impl Default for TrainingConfiguration {
    fn default() -> Self {
        Self {
            seed: 1,
            augmentation_seed: None,
            labels: Vec::new(),
            training_images: 0,
            epochs: 50,
            batch_size: 64,
            learning_rate: None,
            head_learning_rate: None,
            schedule: Schedule::Constant,
            warmup_steps: 0,
            early_stopping_epochs: 0,
            image_size_px: 384,
            augmented_copies: 9,
            rotation_degrees: 45.0,
            translation_share: 0.1,
            flip: true,
            mlsmote: true,
            mlsmote_neighbours: 5,
            depth: Depth::HeadOnly,
            trained_blocks: 1,
            head: HeadKind::Pooled,
            dropout: 0.5,
            hidden: 512,
            network: vgg16::SPEC.id.to_owned(),
            weights: String::new(),
            device: DeviceChoice::Auto,
            micro_batch_size: 0,
            positive_weights: false,
            best_by: BestBy::ValidationLoss,
        }
    }
}

impl TrainingConfiguration {
    /// Reads and checks a configuration file's text.
    ///
    /// # Errors
    /// `Config` when it is not TOML, names an unknown setting or holds a value out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let configuration: Self = toml::from_str(text).map_err(|error| {
            Error::config(format!("the training configuration cannot be read: {}", error.to_string().trim_end()))
                .hint("compare it with the configuration.toml of an earlier run")
                .caused_by(error)
        })?;
        configuration.validate()?;
        Ok(configuration)
    }

    /// Reads the configuration that a run was recorded with. A setting that came after that run has the value that does
    /// what the program did then, not today's default.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml).
    pub fn of_run(text: &str) -> Result<Self> {
        let mut configuration = Self::from_toml(text)?;
        let table: toml::Table = text.parse().unwrap_or_default();
        if !table.contains_key("augmented_copies") {
            configuration.augmented_copies = 0;
        }
        if !table.contains_key("mlsmote") {
            configuration.mlsmote = false;
        }
        configuration.augmentation_seed.get_or_insert(configuration.seed);
        Ok(configuration)
    }

    /// The step size for the trained blocks, or for the head where it is trained alone: the setting, else 0.001 for a
    /// head alone and the paper's 0.0001 otherwise.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate.unwrap_or(match self.depth {
            Depth::HeadOnly => HEAD_ONLY_LEARNING_RATE,
            Depth::LastBlocks | Depth::Everything => DEEP_LEARNING_RATE,
        })
    }

    /// The step size for the head.
    pub fn head_learning_rate(&self) -> f64 {
        match self.depth {
            Depth::HeadOnly => self.learning_rate(),
            Depth::LastBlocks | Depth::Everything => self.head_learning_rate.unwrap_or_else(|| self.learning_rate()),
        }
    }

    /// Blocks of convolutions that are trained, 0 to 5, counted from the last.
    pub fn blocks_trained(&self) -> usize {
        match self.depth {
            Depth::HeadOnly => 0,
            Depth::LastBlocks => self.trained_blocks,
            Depth::Everything => BLOCK_COUNT,
        }
    }

    /// The same settings with the learning rates and the size of micro-batches filled in, as a run is recorded.
    /// `micro_batch_size` is used where the setting leaves it open.
    #[must_use]
    pub fn resolved(&self, micro_batch_size: usize) -> Self {
        let mut resolved = self.clone();
        resolved.learning_rate = Some(self.learning_rate());
        resolved.head_learning_rate = Some(self.head_learning_rate());
        if resolved.micro_batch_size == 0 {
            resolved.micro_batch_size = micro_batch_size.clamp(1, self.batch_size);
        }
        resolved
    }

    /// Whether the setting `name` changes anything beside the other settings as they are: the angle does not where no
    /// copies are made.
    pub fn uses(&self, name: &str) -> bool {
        match name {
            "rotation_degrees" | "translation_share" | "flip" | "augmentation_seed" => self.augmented_copies > 0,
            "mlsmote_neighbours" => self.mlsmote,
            "trained_blocks" => self.depth == Depth::LastBlocks,
            "head_learning_rate" | "micro_batch_size" => self.depth != Depth::HeadOnly,
            "hidden" => self.head != HeadKind::Original,
            _ => true,
        }
    }

    /// The same settings for pictures split by this seed: it is that of the augmented copies too, where the setting leaves
    /// it open.
    #[must_use]
    pub fn on_split(&self, split_seed: u64) -> Self {
        Self { augmentation_seed: self.augmentation_seed.or(Some(split_seed)), ..self.clone() }
    }

    /// Refuses labels to learn that are not among those of the project.
    ///
    /// # Errors
    /// `Config`, naming one.
    pub fn check_labels<'a>(&self, known: impl Iterator<Item = &'a str>) -> Result<()> {
        let known: Vec<&str> = known.collect();
        match self.labels.iter().find(|label| !known.contains(&label.as_str())) {
            None => Ok(()),
            Some(label) => Err(Error::config(format!("labels: there is no label “{label}” to learn"))
                .hint(format!("choose among {}", known.join(", ")))),
        }
    }

    /// Seed of the augmented copies.
    pub fn augmentation_seed(&self) -> u64 {
        self.augmentation_seed.unwrap_or(self.seed)
    }

    /// How far the augmented copies may go.
    pub fn augmentation_limits(&self) -> AugmentationLimits {
        let Self { rotation_degrees, translation_share, flip, .. } = *self;
        AugmentationLimits { rotation_degrees, translation_share, flip }
    }

    /// The text of a configuration file with every setting that is not left open.
    ///
    /// # Errors
    /// `Config` for a seed above 9,223,372,036,854,775,807, which TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self)
            .map_err(|error| Error::config(format!("the training configuration cannot be written: {error}")))
    }

    /// Checks each setting.
    ///
    /// # Errors
    /// `Config`, naming the setting, its value and the allowed range.
    pub fn validate(&self) -> Result<()> {
        let check = |holds: bool, name: &str, value: String, allowed: &str| {
            if holds {
                Ok(())
            } else {
                Err(Error::config(format!("{name} is {value}, but must be {allowed}"))
                    .hint("change it in the training settings or the configuration file"))
            }
        };
        BackboneSpec::to_train(&self.network).map_err(|error| {
            let hint = error.hint.unwrap_or_default();
            Error::config(format!("network is “{}”, which cannot be trained", self.network)).hint(hint)
        })?;
        for (name, seed) in [("seed", self.seed), ("augmentation_seed", self.augmentation_seed())] {
            check(i64::try_from(seed).is_ok(), name, seed.to_string(), "at most 9223372036854775807")?;
        }
        check((1..=10_000).contains(&self.epochs), "epochs", self.epochs.to_string(), "1 to 10000")?;
        check((1..=4096).contains(&self.batch_size), "batch_size", self.batch_size.to_string(), "1 to 4096")?;
        for (name, rate) in [("learning_rate", self.learning_rate), ("head_learning_rate", self.head_learning_rate)] {
            let Some(rate) = rate else { continue };
            check(rate > 0.0 && rate <= 1.0, name, rate.to_string(), "above 0 and at most 1")?;
        }
        let warmup = self.warmup_steps;
        check(warmup <= 1_000_000, "warmup_steps", warmup.to_string(), "at most 1000000")?;
        let patience = self.early_stopping_epochs;
        check(patience <= 10_000, "early_stopping_epochs", patience.to_string(), "at most 10000")?;
        let (size, sizes) = (self.image_size_px, MINIMUM_SIZE_PX..=2048);
        check(sizes.contains(&size), "image_size_px", size.to_string(), "32 to 2048 pixels")?;
        let copies = self.augmented_copies;
        check(copies <= 100, "augmented_copies", copies.to_string(), "at most 100")?;
        let angle = self.rotation_degrees;
        check((0.0..=180.0).contains(&angle), "rotation_degrees", angle.to_string(), "0 to 180")?;
        let share = self.translation_share;
        check((0.0..=1.0).contains(&share), "translation_share", share.to_string(), "0 to 1")?;
        let neighbours = self.mlsmote_neighbours;
        check((1..=100).contains(&neighbours), "mlsmote_neighbours", neighbours.to_string(), "1 to 100")?;
        let blocks = self.trained_blocks;
        check((1..=BLOCK_COUNT).contains(&blocks), "trained_blocks", blocks.to_string(), "1 to 5")?;
        let micro = self.micro_batch_size;
        check(micro <= 4096, "micro_batch_size", micro.to_string(), "at most 4096, or 0")?;
        check((0.0..1.0).contains(&self.dropout), "dropout", self.dropout.to_string(), "0 or more and below 1")?;
        check((1..=16_384).contains(&self.hidden), "hidden", self.hidden.to_string(), "1 to 16384")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::ErrorKind;
    use crate::training::settings::{SETTINGS, SettingGroup};

    #[test]
    fn the_network_is_recorded_and_only_one_that_can_be_trained_is_taken() {
        assert!(TrainingConfiguration::default().to_toml().unwrap().contains("network = \"vgg16\""));
        assert_eq!(TrainingConfiguration::of_run("seed = 3").unwrap().network, "vgg16");
        for network in ["resnet50", "", "VGG16"] {
            let error = TrainingConfiguration::from_toml(&format!("network = \"{network}\"")).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Config);
            assert!(error.message.contains(&format!("“{network}”")) && error.hint.unwrap().contains("vgg16"));
        }
    }

    #[test]
    fn every_setting_is_explained_and_reads_back() {
        let configuration =
            TrainingConfiguration { seed: 42, dropout: 0.25, ..Default::default() }.on_split(7).resolved(8);
        let text = configuration.to_toml().unwrap();
        assert_eq!(TrainingConfiguration::from_toml(&text).unwrap(), configuration);
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table.len(), SETTINGS.len());
        assert!(table.keys().all(|name| SETTINGS.iter().any(|setting| setting.name == name)), "{table:?}");
        assert_eq!(TrainingConfiguration::from_toml("").unwrap(), TrainingConfiguration::default());
        let groups: Vec<SettingGroup> = SETTINGS.iter().map(|setting| setting.group).collect();
        assert!(SettingGroup::ALL.iter().all(|group| groups.contains(group)));
        assert_eq!(groups.chunk_by(|a, b| a == b).count(), SettingGroup::ALL.len(), "a group is shown in one piece");
    }

    #[test]
    fn the_words_of_choices_are_those_of_files() {
        fn check<T: Choice + Serialize>() {
            for choice in T::ALL {
                assert_eq!(serde_json::to_value(choice).unwrap(), choice.name());
                assert!(T::from_name(choice.name()).unwrap() == *choice && !choice.label().is_empty());
            }
            assert!(T::from_name("none").err().unwrap().hint.unwrap().contains(T::ALL[0].name()));
        }
        check::<Depth>();
        check::<HeadKind>();
        check::<Schedule>();
        check::<BestBy>();
    }

    #[test]
    fn what_is_left_open_is_filled_by_depth() {
        let rates = |text: &str| {
            let resolved = TrainingConfiguration::from_toml(text).unwrap().resolved(7);
            (resolved.learning_rate.unwrap(), resolved.head_learning_rate.unwrap(), resolved.micro_batch_size)
        };
        assert_eq!(rates(""), (1e-3, 1e-3, 7));
        assert_eq!(rates("depth = \"everything\"\nbatch_size = 4"), (1e-4, 1e-4, 4));
        assert_eq!(rates("depth = \"last-blocks\"\nhead_learning_rate = 0.01\nmicro_batch_size = 3"), (1e-4, 0.01, 3));
        assert_eq!(rates("learning_rate = 0.5\nhead_learning_rate = 0.01"), (0.5, 0.5, 7));
        let blocks = |text: &str| TrainingConfiguration::from_toml(text).unwrap().blocks_trained();
        assert_eq!(
            ["", "depth = \"everything\"", "depth = \"last-blocks\"\ntrained_blocks = 3"].map(blocks),
            [0, 5, 3]
        );
        let configuration = TrainingConfiguration { augmented_copies: 0, ..Default::default() };
        let unused: Vec<&str> =
            SETTINGS.iter().map(|setting| setting.name).filter(|name| !configuration.uses(name)).collect();
        let expected = [
            "rotation_degrees",
            "translation_share",
            "flip",
            "augmentation_seed",
            "trained_blocks",
            "head_learning_rate",
            "micro_batch_size",
        ];
        assert_eq!(unused, expected);
    }

    #[test]
    fn a_run_of_an_earlier_version_reads_as_what_it_did() {
        let text = "seed = 1\nepochs = 50\nbatch_size = 64\nlearning_rate = 0.001\nimage_size_px = 384\n\
                    depth = \"head-only\"\ndropout = 0.5\nhidden = 512\ndevice = \"auto\"\npositive_weights = false\n\
                    best_by = \"validation-loss\"\n";
        let then = TrainingConfiguration::of_run(text).unwrap();
        let expected = TrainingConfiguration {
            learning_rate: Some(1e-3),
            augmentation_seed: Some(1),
            augmented_copies: 0,
            mlsmote: false,
            ..TrainingConfiguration::default()
        };
        assert_eq!(then, expected);
        let now = TrainingConfiguration::default().on_split(3).resolved(1);
        assert_eq!(TrainingConfiguration::of_run(&now.to_toml().unwrap()).unwrap(), now);
    }

    #[test]
    fn wrong_settings_are_named() {
        for (text, words) in [
            ("epochs = 0", "epochs is 0, but must be 1 to 10000"),
            ("batch_size = 0", "batch_size is 0"),
            ("learning_rate = nan", "learning_rate is NaN"),
            ("learning_rate = -0.1", "learning_rate is -0.1"),
            ("image_size_px = 16", "image_size_px is 16, but must be 32 to 2048 pixels"),
            ("dropout = 1.0", "dropout is 1"),
            ("hidden = 0", "hidden is 0"),
            ("learing_rate = 0.1", "learing_rate"),
            ("head_learning_rate = 2.0", "head_learning_rate is 2, but must be above 0 and at most 1"),
            ("rotation_degrees = 181.0", "rotation_degrees is 181"),
            ("translation_share = -0.5", "translation_share is -0.5"),
            ("augmented_copies = 101", "augmented_copies is 101"),
            ("mlsmote_neighbours = 0", "mlsmote_neighbours is 0"),
            ("trained_blocks = 6", "trained_blocks is 6, but must be 1 to 5"),
            ("micro_batch_size = 5000", "micro_batch_size is 5000"),
            ("early_stopping_epochs = 20000", "early_stopping_epochs is 20000"),
            ("warmup_steps = 2000000", "warmup_steps is 2000000"),
            ("depth = \"all\"", "all"),
            ("seed = -1", "cannot be read"),
            ("not toml", "cannot be read"),
        ] {
            let error = TrainingConfiguration::from_toml(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Config);
            assert!(error.message.contains(words), "{}", error.message);
        }
    }
}
